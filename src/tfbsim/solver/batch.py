"""Many cells through the same steps, as arrays: no object a cell.

Every cell goes through its steps as :mod:`.cycler` has it, by the kernel of
:mod:`.fast`, as long as nothing but the end that was asked for happens to it.  A cell to
which anything else does - an end at once, a film that is full, a solve in doubt - is no
longer ``plain``; its numbers mean nothing then, and it is to be run alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize.elementwise import find_root

from ..cell.cell import Cell
from ..cell.cells import Cells
from ..experiment.steps import Protocol, Step
from ..physics.lithium import INVENTORY
from ..physics.thin_film_cell import declared_by
from .cycler import (
    REACHED,
    CycleRecord,
    StepRecord,
    audit,
    boundary_layer,
    overshoots,
)
from .engine import (
    BALANCE_LIMIT,
    CHARGE_CUT_OFF,
    CURRENT_CUT_OFF,
    DURATION,
    HOLD_LIMIT,
    MAXIMUM_VOLTAGE,
    MET,
    MINIMUM_VOLTAGE,
    NO_LIMIT,
    PROFILE,
    SEEN,
    TARGET,
    VOLTAGE,
    Engine,
    State,
    Trace,
    gained,
)
from .fast import Solved

Array = np.ndarray
Inputs = dict[str, Any]
# Currents over 1C between which one is looked for
OUTWARDS = 10 ** np.arange(-6, 6.1, 0.5)
FURTHER = 1.3  # of a power, whose current is near that at the voltage without one
NEAREST = 1e-13  # of 1C, that a current is looked for to


def serves(cell: Cell, protocol: Protocol, solver: Engine) -> bool:
    """Whether a batch takes cells such as this through a protocol."""
    steps = protocol.all_steps
    if not all(step.constant and not step.frequencies for step in steps):
        return False
    if protocol.check_up or protocol.until or declared_by(cell.structure).harms:
        return False
    if cell.anode.critical_current is not None or solver.built("current").unknown:
        return False
    modes = {"current", *(step.control for step in steps)}
    return all(solver.built(mode).kernel is not None for mode in modes)


class Batch:
    """Carries the states of cells from step to step.

    Parameters
    ----------
    cells : Cells
        In their state as made.
    solver : Engine
        Of their structure.

    Attributes
    ----------
    plain : ndarray of bool, shape (cells,)
        To which nothing happened but what was asked for.
    """

    def __init__(self, cells: Cells, solver: Engine) -> None:
        self.cells, self.engine, count = cells, solver, len(cells)
        lithium = cells.lithium_inventory / cells.site_inventory
        x = np.broadcast_to(cells.x_initial, count)
        self.state = State(
            {
                PROFILE: np.repeat(x[:, None], solver.numerics.nodes, axis=1),
                INVENTORY: np.broadcast_to(lithium, count)[:, None],
            },
            np.zeros(count),  # type: ignore[arg-type]
        )
        self.plain = np.ones(count, bool)

    def cycle(self, number: int, steps: Sequence[Step]) -> CycleRecord:
        """A cycle of this number, audited."""
        with np.errstate(all="ignore"):  # of cells that are no longer plain
            records = tuple(self._step(step) for step in steps)
            lithium, charge = audit(records, self.cells)  # type: ignore[arg-type]
        self.plain &= np.maximum(lithium, charge) <= BALANCE_LIMIT
        return CycleRecord(number, records, lithium, charge)

    def _step(self, step: Step) -> StepRecord:
        built, own = self.engine.built(step.control), self._inputs(step)
        current = self._current(step, own)
        y0, p = self._start(step, own, current)
        before, margins = built.shown(y0, p)
        self.plain &= (margins > 0).all(axis=0)
        ends = self._integrated(step, y0, p)
        seen, margins = built.shown(ends.y, p)
        observed = {name: np.stack([before[name], seen[name]]) for name in seen}
        both = np.stack([y0, ends.y]).reshape(-1, y0.shape[1])
        area = np.tile(np.broadcast_to(own["Electrode area [m2]"], len(y0)), 2)
        site = np.tile(np.broadcast_to(own["1/site charge"], len(y0)), 2)
        energy = {"Electrode area [m2]": area, "1/site charge": site}
        observed |= {
            name: values.reshape(2, -1)
            for name, values in built.counted(both, energy).items()
        }
        names = np.array([*built.ends, ""], dtype=object)
        event = np.where(ends.ended == "event", margins.argmin(axis=0), len(built.ends))
        values = {name: ends.y[:, built.slices[name]] for name in built.carried}
        self.state = State(values, seen["Current [A]"])  # type: ignore[arg-type]
        profiles = np.stack([y0[:, built.slices[PROFILE]], values[PROFILE]])
        stray = ends.stray
        if step.control == "voltage":
            off = np.abs(observed["Voltage [V]"] - step.value).max(axis=0)
            stray = np.maximum(stray, off)
        t = np.stack([0 * ends.t, ends.t * own[DURATION]])
        trace = Trace(t, observed, profiles, self.state, names[event], 0, stray)
        self.plain &= np.isin(ends.ended, ("time", "event")) & self._usual(step, trace)
        return StepRecord(step, REACHED, "", trace)

    def _inputs(self, step: Step) -> Inputs:
        """Inputs of a step, as :class:`Runner` asks for it."""
        own = self.cells.parameters(step.temperature)
        low, high = self.cells.voltage_limits
        free = step.rest or step.control == "voltage"
        cut_off = step.c_rate_cut_off
        own |= {
            TARGET[step.control]: step.value,
            CHARGE_CUT_OFF: NO_LIMIT if step.charge is None else step.charge / 3600,
            DURATION: step.duration,
            "Lower voltage cut-off [V]": low if step.lower is None else step.lower,
            "Upper voltage cut-off [V]": high if step.upper is None else step.upper,
            "C-rate cut-off": -1.0 if cut_off is None else cut_off,
        }
        if free:
            own["Lower voltage cut-off [V]"] = -NO_LIMIT
            own["Upper voltage cut-off [V]"] = NO_LIMIT
        return own | self.engine.built("current").constants.arrays(own)

    def _rows(self, mode: str, own: Inputs) -> tuple[Array, Array]:
        """States and inputs of a model, a row a cell."""
        built, count = self.engine.built(mode), len(self.cells)
        y = np.zeros((count, built.model.len_rhs_and_alg))
        p = np.empty((count, len(built.inputs)))
        given = own | self.state.inputs
        for name, where in built.slices.items():
            if (value := given.get(f"Initial: {name}")) is not None:
                y[:, where] = value if np.ndim(value) == 2 else np.reshape(value, (-1, 1))
        for k, name in enumerate(built.inputs):
            p[:, k] = given[name]
        return y, p

    def _integrated(self, step: Step, y0: Array, p: Array) -> Solved:
        """The plain cells as far as the kernel takes them, the others where they are."""
        count, rows = len(y0), np.flatnonzero(self.plain)
        found = self.engine.built(step.control).integrated(y0[rows], p[rows])
        ended = np.full(count, "failure")
        y, t, stray, steps = y0.copy(), np.zeros(count), np.zeros(count), np.zeros(count)
        whole = Solved(y, t, ended, stray, steps)
        for one, values in zip(whole, found, strict=True):
            one[rows] = values
        return whole

    def _start(self, step: Step, own: Inputs, current: Array) -> tuple[Array, Array]:
        """States and inputs that the kernel starts from, at a current."""
        y, p = self._rows("current", own | {TARGET["current"]: current})
        first, _ = self.engine.built("current").shown(y, p)
        V = first["Voltage [V]"]
        # A limit that is passed already does not end a step that leads away from it
        lower, upper = own["Lower voltage cut-off [V]"], own["Upper voltage cut-off [V]"]
        changed = own | {
            "Lower voltage cut-off [V]": np.where(
                (current <= 0) & (lower >= V), -NO_LIMIT, lower
            ),
            "Upper voltage cut-off [V]": np.where(
                (current >= 0) & (upper <= V), NO_LIMIT, upper
            ),
            "Initial: C-rate": current / own["Nominal cell capacity [A.h]"],
            f"Initial: {VOLTAGE}": V,
        }
        return self._rows(step.control, changed)

    def _current(self, step: Step, own: Inputs) -> Array:
        """The current that meets the control at the start [A]."""
        count = len(self.cells)
        if step.control == "current":
            return np.broadcast_to(step.value, count)
        now = self.engine.built("current")
        y, p = self._rows("current", own | {TARGET["current"]: 0.0})
        column = now.inputs.index(TARGET["current"])
        one_c = np.broadcast_to(own["Nominal cell capacity [A.h]"], count)
        target = np.broadcast_to(step.value, count)

        def off(c_rate: Array, rows: Array) -> Array:
            """How far the control is beyond its target, rising with the C-rate."""
            inputs = p[rows]
            inputs[:, column] = c_rate * one_c[rows]
            V = now.shown(y[rows], inputs)[0]["Voltage [V]"]
            wanted = target[rows]
            return V * inputs[:, column] - wanted if power else wanted - V

        power, every = step.control == "power", np.arange(count)
        rest = off(np.zeros(count), every)
        sign = -np.sign(rest)
        # Of a power that at the voltage of rest, and more
        V = now.shown(y, p)[0]["Voltage [V]"]
        self.plain &= V > 0 if power else True
        inside = np.zeros(count)
        sizes = FURTHER ** np.arange(60) if power else OUTWARDS
        unit = np.abs(target / V / one_c) if power else np.ones(count)
        high, low, found = np.zeros(count), np.zeros(count), sign == 0
        latest = np.asarray(self.state.current)  # a hold where a charge ended
        known = (np.abs(off(latest / one_c, every)) < MET) & (latest != 0) & (not power)
        found |= known
        for size in sizes:
            rows = np.flatnonzero(~found)
            if not len(rows):
                break
            outside = size * unit[rows]
            beyond = off(sign[rows] * outside, rows) * sign[rows] >= 0
            at = rows[beyond]
            low[at], high[at], found[at] = inside[at], outside[beyond], True
            inside[rows] = outside
        self.plain &= found
        open_ = np.flatnonzero(found & (high > low))
        if len(open_):
            ends = sign[open_] * low[open_], sign[open_] * high[open_]
            root = find_root(
                off, ends, args=(open_,), tolerances={"xatol": NEAREST, "xrtol": 0}
            )
            self.plain[open_] &= root.success
            high[open_] = np.abs(root.x)
        return np.where(known, latest, sign * high * one_c)

    def _usual(self, step: Step, trace: Trace) -> Array:
        """To which cells nothing happened in a step but the end asked for."""
        seen, event, cells = trace.observed, trace.event, self.cells
        V, lithium = seen["Voltage [V]"], gained(seen, cells.site_inventory, cells.area)
        usual = np.isfinite(V).all(axis=0) & (lithium <= BALANCE_LIMIT)
        usual &= trace.stray <= HOLD_LIMIT
        usual &= ~overshoots(trace, cells)  # type: ignore[arg-type]
        in_time = event == ""
        fine = in_time & step.timed | (event == CURRENT_CUT_OFF)
        fine |= event == CHARGE_CUT_OFF
        for limit, asked in (
            (MINIMUM_VOLTAGE, step.lower),
            (MAXIMUM_VOLTAGE, step.upper),
        ):
            fine |= (event == limit) & (asked is not None)
        layer = boundary_layer(trace, cells)  # type: ignore[arg-type]
        usual &= fine & (in_time | (layer >= self.engine.thinnest_layer))
        if step.rest:
            low, high = cells.voltage_limits
            for beyond in (low - V, V - high):
                usual &= ~((beyond[0] <= 0) & (beyond[1] > SEEN))
        return usual

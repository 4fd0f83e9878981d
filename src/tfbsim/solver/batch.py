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

from ..cell.cell import Cell
from ..cell.cells import Cells
from ..experiment.steps import Protocol, Step
from ..physics.lithium import INVENTORY
from ..physics.thin_film_cell import declared_by
from .cycler import (
    REACHED,
    CycleRecord,
    StepRecord,
    as_asked,
    audit,
    cut_offs,
    left_by,
    overshoots,
    unresolved,
)
from .discretised import DURATION, TARGET, VOLTAGE
from .engine import Engine
from .fast import Solved
from .start import first_current
from .trace import (
    BALANCE_LIMIT,
    NO_LIMIT,
    PROFILE,
    SEEN,
    Request,
    State,
    Trace,
    ahead,
    gained,
)

Array = np.ndarray
Inputs = dict[str, Any]


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
        names = np.array([*built.ends, None], dtype=object)
        event = np.where(ends.ended == "event", margins.argmin(axis=0), len(built.ends))
        values = {name: ends.y[:, built.slices[name]] for name in built.carried}
        self.state = State(values, seen["Current [A]"])  # type: ignore[arg-type]
        profiles = np.stack([y0[:, built.slices[PROFILE]], values[PROFILE]])
        stray = ends.stray
        if step.control == "voltage":
            off = np.abs(observed["Voltage [V]"] - step.value).max(axis=0)
            stray = np.maximum(stray, off)
        t = np.stack([0 * ends.t, ends.t * own[DURATION]])
        lithium = gained(observed, self.cells.site_inventory, self.cells.area)
        trace = Trace(t, observed, profiles, self.state, names[event], 0, stray, lithium)
        self.plain &= np.isin(ends.ended, ("time", "event")) & self._usual(step, trace)
        return StepRecord(step, REACHED, "", trace)

    def _inputs(self, step: Step) -> Inputs:
        """Inputs of a step, as :class:`Runner` asks for it."""
        lower, upper = cut_offs(step, self.cells.voltage_limits)
        own = self.engine.inputs(
            Request(
                step.control,
                step.value,
                step.duration,
                self.state,
                self.cells.parameters(step.temperature),
                lower,
                upper,
                -1.0 if step.c_rate_cut_off is None else step.c_rate_cut_off,
                charge=NO_LIMIT if step.charge is None else step.charge / 3600,
            )
        )
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
        for one, values in zip(whole[:5], found[:5], strict=True):
            one[rows] = values
        return whole

    def _start(self, step: Step, own: Inputs, current: Array) -> tuple[Array, Array]:
        """States and inputs that the kernel starts from, at a current."""
        y, p = self._rows("current", own | {TARGET["current"]: current})
        first, _ = self.engine.built("current").shown(y, p)
        V = first["Voltage [V]"]
        changed = own | {
            **ahead(own, V, current),
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
        one_c, target, latest = (
            np.broadcast_to(a, count)
            for a in (own["Nominal cell capacity [A.h]"], step.value, self.state.current)
        )

        def voltage(current: Array, rows: Array) -> Array:
            inputs = p[rows]
            inputs[:, column] = current
            return now.shown(y[rows], inputs)[0]["Voltage [V]"]

        power = step.control == "power"
        found, met = first_current(voltage, power, target, one_c, latest)
        self.plain &= met
        return found

    def _usual(self, step: Step, trace: Trace) -> Array:
        """To which cells nothing happened in a step but the end asked for."""
        cells, V = self.cells, trace.observed["Voltage [V]"]
        usual = np.isfinite(V).all(axis=0) & (trace.doubt <= 1)
        usual &= as_asked(step, trace.event)
        usual &= ~overshoots(trace, cells)  # type: ignore[arg-type]
        thinnest = self.engine.thinnest_layer
        usual &= ~unresolved(trace, cells, thinnest)  # type: ignore[arg-type]
        if step.rest:
            usual &= (left_by(V, cells.voltage_limits) <= SEEN).all(axis=0)
        return usual

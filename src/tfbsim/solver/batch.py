"""Many cells through the same steps, as arrays: no object a cell.

Every cell goes through its steps as :mod:`.cycler` has it, by the kernel of
:mod:`.fast`, as long as nothing but the end that was asked for happens to it.  A cell to
which anything else does - an end at once, a film that is full, a solve in doubt - is no
longer ``plain``; its numbers mean nothing then, and it is to be run alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import AnyCell, Cells, Part, Unlike
from ..experiment.steps import Protocol, Step
from ..numerics import Numerics
from ..physics.counters import Counters
from ..physics.lithium import INVENTORY
from ..physics.thin_film_cell import declared_by
from .audit import audit
from .discretised import DURATION, TARGET, VOLTAGE
from .engine import Engine, engine
from .fast import Curves, Solved
from .outcome import as_asked, cut_offs, left_by
from .records import REACHED, CycleRecord, StepRecord
from .resolution import overshoots, path_error, thin
from .start import first_current
from .trace import (
    BALANCE_LIMIT,
    NO_LIMIT,
    PROFILE,
    SEEN,
    Inputs,
    Request,
    State,
    Trace,
    ahead,
    gained,
)

Array = np.ndarray
# Steps that pay for a kernel, unless it was asked for or is kept: to compile it takes the
# time of 400 to 950 steps of the general solver (docs/performance.md); and of which it is
# asked whether it is kept
WORTH_COMPILING, WORTH_ASKING = 1_000, 100


def paying(
    cell: Cell,
    protocols: Sequence[Protocol],
    steps: int,
    numerics: Numerics,
    kept: bool = False,
    worth: int | None = None,
) -> Numerics | None:
    """Return the numerics of a batch, None where the general solver is to do it.

    Parameters
    ----------
    cell : Cell
        One of the cells.
    protocols : sequence of Protocol
        What they go through.
    steps : int
        How many are to be solved in all.
    numerics : Numerics
        Mesh and tolerances; compiled, the kernel is asked for.
    kept : bool
        Whether one that was compiled before will do for fewer steps: the numbers then
        depend, within tolerances, on what was run before.
    worth : int, optional
        Steps that pay for one.
    """
    pays = numerics.compile or steps >= (worth or WORTH_COMPILING)
    if numerics.error_bar or not (pays or (kept and steps >= WORTH_ASKING)):
        return None
    numerics = replace(numerics, compile=True)
    solver = engine(cell.structure, numerics)
    if not all(serves(cell, protocol, solver) for protocol in protocols):
        return None
    built = [solver.built(mode) for mode in _modes(protocols)]
    if not pays and not all(one.written and one.written.kept for one in built):
        return None
    return numerics if all(one.kernel for one in built) else None


def serves(cell: AnyCell, protocol: Protocol, solver: Engine) -> bool:
    """Return whether a batch takes such cells through a protocol, given a compiler."""
    steps = protocol.all_steps
    if not all(step.constant and not step.frequencies for step in steps):
        return False
    if protocol.check_up or protocol.until or declared_by(cell.structure).harms:
        return False
    if cell.anode.critical_current is not None or solver.built("current").unknown:
        return False
    return all(solver.built(mode).written for mode in _modes([protocol]))


def _modes(protocols: Sequence[Protocol]) -> set[str]:
    """Return the modes of the models that protocols need."""
    steps = [step for protocol in protocols for step in protocol.all_steps]
    return {"current", *(step.control for step in steps)}


def merged(
    rows: Sequence[Array], protocols: Sequence[Sequence[Step]], kept: Array
) -> tuple[Step, ...]:
    """Return steps with an array for each number that differs among protocols.

    Each protocol is that of the cells at its rows, and of all cells some are kept.
    Protocols that differ by more than numbers are ``Unlike``.
    """
    if len({len(steps) for steps in protocols}) > 1:
        raise Unlike
    found = []
    for steps in zip(*protocols, strict=True):
        changes = {}
        for name in Step.__dataclass_fields__:
            values = [getattr(step, name) for step in steps]
            first = values[0]
            if not any(isinstance(v, np.ndarray) for v in values) and all(
                v == first for v in values
            ):
                continue
            text = name == "text"
            if any(v is None or isinstance(v, tuple | bool) for v in values) or (
                not text and isinstance(first, str)
            ):
                raise Unlike
            whole = np.empty(len(kept), dtype=object if text else float)
            for at, value in zip(rows, values, strict=True):
                whole[at] = value
            changes[name] = whole[kept]
        found.append(replace(steps[0], **changes))
    return tuple(found)


class Drawn(NamedTuple):
    """Curves of a step of many cells: those of cell k are from first[k] to first[k + 1].

    Parameters
    ----------
    first : ndarray of int, shape (cells + 1,)
    voltage, charge : ndarray, shape (points,)
        [V], net [A.h].
    """

    first: Array
    voltage: Array
    charge: Array

    def of(self, k: int) -> tuple[Array, Array]:
        """Return voltage and charge of a cell."""
        rows = slice(self.first[k], self.first[k + 1])
        return self.voltage[rows], self.charge[rows]


class Batch:
    """Carries the states of cells from step to step.

    Parameters
    ----------
    cells : Cells
        In their state as made.
    solver : Engine
        Of their structure.
    numbers : bool
        Whether nothing but numbers is wanted of a step, and not what is said of its end.

    Attributes
    ----------
    plain : ndarray of bool, shape (cells,)
        To which nothing happened but what was asked for; or what is as sure, if numbers
        alone are wanted of it: a film that is full.
    drawn : list of Drawn
        Curves of the steps of the last cycle, where they were asked for.
    """

    def __init__(self, cells: Cells, solver: Engine, numbers: bool = False) -> None:
        self.cells, self.engine, count = cells, solver, len(cells)
        self.numbers = numbers
        lithium = cells.lithium_inventory / cells.site_inventory
        x = np.broadcast_to(cells.x_initial, count)
        self.state = State(
            {
                PROFILE: np.repeat(x[:, None], solver.numerics.nodes, axis=1),
                INVENTORY: np.broadcast_to(lithium, count)[:, None],
            },
            np.zeros(count),
        )
        self.plain = np.ones(count, bool)
        self.drawn: list[Drawn] = []

    def taken(self, rows: Array) -> Batch:
        """Return a batch of the cells of these numbers, each as often as named."""
        other = Batch(Part(self.cells, rows), self.engine, self.numbers)
        values = {name: value[rows] for name, value in self.state.values.items()}
        other.state = State(values, np.asarray(self.state.current)[rows])
        other.plain = self.plain[rows]
        return other

    def cycle(
        self, number: int, steps: Sequence[Step], bend: float | None = None
    ) -> CycleRecord:
        """Run a cycle and return its audited record.

        Its steps are drawn where straight lines between points may miss by ``bend`` [V].
        """
        self.drawn = []
        with np.errstate(all="ignore"):  # of cells that are no longer plain
            records = tuple(self._step(step, bend) for step in steps)
            lithium, charge = audit(records, self.cells)
        self.plain &= np.maximum(lithium, charge) <= BALANCE_LIMIT
        return CycleRecord(number, records, lithium, charge)

    def _step(self, step: Step, bend: float | None) -> StepRecord:
        built, own = self.engine.built(step.control), self._inputs(step)
        assert built.kernel is not None
        current = self._current(step, own)
        y0, p = self._start(step, own, current)
        p = built.kernel.whole(p)
        before, margins = self._seen(step, own, y0, p)
        self.plain &= (margins > 0).all(axis=0)
        ends = self._integrated(step, y0, p, bend)
        seen, margins = self._seen(step, own, ends.y, p)
        observed = {name: np.stack([before[name], seen[name]]) for name in seen}
        if ends.curves is not None:
            self.drawn.append(self._drawn(step, own, ends.curves))
        names = np.array([*built.ends, None], dtype=object)
        event = np.where(ends.ended == "event", margins.argmin(axis=0), len(built.ends))
        values = {name: ends.y[:, built.slices[name]] for name in built.carried}
        self.state = State(values, seen["Current [A]"])
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

    def _seen(
        self, step: Step, own: Inputs, y: Array, p: Array
    ) -> tuple[dict[str, Array], Array]:
        """Return what is observed of states, and their margins."""
        built = self.engine.built(step.control)
        seen, margins = built.shown(y, p)
        return seen | built.counted(y, own), margins

    def _drawn(self, step: Step, own: Inputs, curves: Curves) -> Drawn:
        """Return the curves of a step."""
        count, counters = len(self.cells), self.engine.built(step.control).slices
        each = np.bincount(curves.rows[:, 0].astype(int), minlength=count)
        Ah = own["Electrode area [m2]"] / (3600 * own["1/site charge"]) * np.ones(count)
        charge = curves.state(counters[Counters.CHARGES[0]].start) * np.repeat(Ah, each)
        return Drawn(np.append(0, np.cumsum(each)), curves.voltage, charge)

    def _inputs(self, step: Step) -> Inputs:
        """Return the inputs of a step, as :class:`Runner` asks for it."""
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
        """Return states and inputs of a model, a row a cell."""
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

    def _integrated(self, step: Step, y0: Array, p: Array, bend: float | None) -> Solved:
        """Integrate the plain cells by the kernel; leave the others where they are."""
        count, rows = len(y0), np.flatnonzero(self.plain)
        found = self.engine.built(step.control).integrated(y0[rows], p[rows], bend)
        ended = np.full(count, "failure")
        y, t, stray, steps = y0.copy(), np.zeros(count), np.zeros(count), np.zeros(count)
        if found.curves is not None:
            numbers = found.curves.rows[:, 0]
            numbers[:] = rows[numbers.astype(int)]
        whole = Solved(y, t, ended, stray, steps, found.curves)
        for one, values in zip(whole[:5], found[:5], strict=True):
            one[rows] = values
        return whole

    def _start(self, step: Step, own: Inputs, current: Array) -> tuple[Array, Array]:
        """Return states and inputs that the kernel starts from, at a current."""
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
        """Return the current that meets the control at the start [A]."""
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
        """Return to which cells nothing happened in a step but the end asked for."""
        cells, V = self.cells, trace.observed["Voltage [V]"]
        usual = np.isfinite(V).all(axis=0) & (trace.doubt <= 1)
        if self.numbers:
            return usual
        usual &= as_asked(step, trace.event)
        usual &= ~overshoots(trace, cells)
        thinnest = self.engine.thinnest_layer
        usual &= ~thin(trace, cells, thinnest)
        usual &= ~path_error(trace, self.engine).any(axis=0)
        if step.rest:
            usual &= (left_by(V, cells.voltage_limits) <= SEEN).all(axis=0)
        return usual


class Replayed(NamedTuple):
    """Cells through protocols: a row for each pair, those of a cell in a row.

    Parameters
    ----------
    plain : ndarray of bool, shape (rows,)
        False where the pair is to be run alone.
    cycles : list of CycleRecord
        With an entry a row in every number.
    drawn : list of list of Drawn
        Curves of each cycle and step, if they were asked for.
    """

    plain: Array
    cycles: list[CycleRecord]
    drawn: list[list[Drawn]]


def replayed(
    cells: Sequence[Cell],
    protocols: Sequence[Protocol],
    last: int,
    bend: float | None,
    numerics: Numerics,
) -> Replayed:
    """Return the first cycles of each of some cells through each of some protocols.

    Their numbers, that is: of an outcome other than reached nothing is said.  The
    protocols are conditioned alike, once for each cell.

    Parameters
    ----------
    cells : sequence of Cell
        Of one structure.
    protocols : sequence of Protocol
        That :func:`serves` takes, with steps that differ by numbers.
    last : int
        How many cycles.
    bend : float or None
        How closely the curves of their steps are drawn [V], if they are wanted.
    numerics : Numerics
        Compiled.

    Raises
    ------
    Unlike
        They cannot be taken together.
    """
    solver = engine(cells[0].structure, numerics)
    batch = Batch(Cells(cells, np.arange(len(cells))), solver, numbers=True)
    first = protocols[0]
    for _ in range(first.conditioning_cycles if first.conditioning else 0):
        batch.cycle(0, first.conditioning)
    cell, of = np.divmod(np.arange(len(cells) * len(protocols)), len(protocols))
    batch = batch.taken(cell)
    rows = [np.flatnonzero(of == k) for k in range(len(protocols))]
    every = np.ones(len(of), bool)
    steps = merged(rows, [protocol.steps for protocol in protocols], every)
    cycles, drawn = [], []
    for number in range(1, last + 1):
        cycles.append(batch.cycle(number, steps, bend))
        drawn.append(batch.drawn)
    return Replayed(batch.plain, cycles, drawn)

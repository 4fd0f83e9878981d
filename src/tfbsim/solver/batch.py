"""Many cells through the same steps, as arrays: no object a cell.

Every cell goes through its steps as :mod:`.cycler` has it, by the kernel of
:mod:`.fast`, as long as nothing but the end that was asked for happens to it.  A cell to
which anything else does - an end at once, a film that is full, a solve in doubt - is no
longer ``plain``; its numbers mean nothing then, and it is to be run alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Cells, Part, Unlike
from ..experiment.steps import Protocol, Step
from ..numerics import Numerics
from ..physics.lithium import INVENTORY
from ..physics.thin_film_cell import declared_by
from .cycler import as_asked, audit, cut_offs, left_by, overshoots, unresolved
from .discretised import DURATION, TARGET, VOLTAGE
from .engine import Engine, engine
from .fast import Solved
from .records import INFEASIBLE, REACHED, CycleRecord, StepRecord
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
    """
    pays = numerics.compile or steps >= WORTH_COMPILING
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


def serves(cell: Cell, protocol: Protocol, solver: Engine) -> bool:
    """Whether a batch takes cells such as this through a protocol, given a compiler."""
    steps = protocol.all_steps
    if not all(step.constant and not step.frequencies for step in steps):
        return False
    if protocol.check_up or protocol.until or declared_by(cell.structure).harms:
        return False
    if cell.anode.critical_current is not None or solver.built("current").unknown:
        return False
    return all(solver.built(mode).written for mode in _modes([protocol]))


def _modes(protocols: Sequence[Protocol]) -> set[str]:
    """The models that protocols need."""
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


class Points(NamedTuple):
    """Points of the curves of a step, those of a cell in a row."""

    cell: Array
    t: Array
    observed: dict[str, Array]
    profiles: Array


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
    points : list of Points
        Of the curves of the steps of the last cycle, where they were asked for.
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
            np.zeros(count),  # type: ignore[arg-type]
        )
        self.plain = np.ones(count, bool)
        self.points: list[Points] = []

    def taken(self, rows: Array) -> Batch:
        """A batch that goes on with cells of these numbers, each as often as named."""
        other = Batch(Part(self.cells, rows), self.engine, self.numbers)
        values = {name: value[rows] for name, value in self.state.values.items()}
        other.state = State(values, self.state.current[rows])  # type: ignore[index]
        other.plain = self.plain[rows]
        return other

    def cycle(
        self, number: int, steps: Sequence[Step], curves: bool = False
    ) -> CycleRecord:
        """A cycle of this number, audited; ``curves`` keeps points of its steps."""
        self.points = []
        with np.errstate(all="ignore"):  # of cells that are no longer plain
            records = tuple(self._step(step, curves) for step in steps)
            lithium, charge = audit(records, self.cells)  # type: ignore[arg-type]
        self.plain &= np.maximum(lithium, charge) <= BALANCE_LIMIT
        return CycleRecord(number, records, lithium, charge)

    def each(self, cycle: CycleRecord, steps: Sequence[Sequence[Step]]) -> list[Any]:
        """Return the last cycle as a record for each cell; None of one not plain."""
        count = len(self.cells)
        first = [np.searchsorted(of.cell, np.arange(count + 1)) for of in self.points]
        traces: list[Any] = [one.trace for one in cycle.steps]
        asked = [as_asked(one.step, one.trace.event) for one in cycle.steps if one.trace]
        errors = np.broadcast_arrays(
            cycle.lithium_balance_error, cycle.charge_balance_error, np.empty(count)
        )

        def record(n: int, k: int) -> StepRecord:
            """Of a step of a cell."""
            of, at = traces[n], (slice(None), k)  # type: Any, Any
            t, observed, profiles = of.t, of.observed, of.profiles
            if self.points:
                _, t, observed, profiles = self.points[n]
                at = slice(first[n][k], first[n][k + 1])
            values = {name: value[k] for name, value in of.end.values.items()}
            trace = Trace(
                t[at],
                {name: values[at] for name, values in observed.items()},
                profiles[at],
                State(values, float(of.end.current[k])),
                of.event[k],
                stray=of.stray[k],
                gained=of.gained[k],
            )
            return StepRecord(
                steps[k][n], REACHED if asked[n][k] else INFEASIBLE, "", trace
            )

        found: list[CycleRecord | None] = [None] * count
        for k in np.flatnonzero(self.plain).tolist():
            records = tuple(record(n, k) for n in range(len(steps[k])))
            balances = float(errors[0][k]), float(errors[1][k])
            found[k] = CycleRecord(cycle.number, records, *balances)
        return found

    def _step(self, step: Step, curves: bool) -> StepRecord:
        built, own = self.engine.built(step.control), self._inputs(step)
        assert built.kernel is not None
        current = self._current(step, own)
        y0, p = self._start(step, own, current)
        p = built.kernel.whole(p)
        every = np.arange(len(y0))
        before, margins = self._seen(step, own, y0, p, every)
        self.plain &= (margins > 0).all(axis=0)
        ends = self._integrated(step, y0, p, curves)
        seen, margins = self._seen(step, own, ends.y, p, every)
        observed = {name: np.stack([before[name], seen[name]]) for name in seen}
        if ends.curves is not None:
            cell, t, y = ends.curves
            t = t * np.broadcast_to(own[DURATION], len(y0))[cell]
            drawn, _ = self._seen(step, own, y, p, cell)
            self.points.append(Points(cell, t, drawn, y[:, built.slices[PROFILE]]))
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

    def _seen(
        self, step: Step, own: Inputs, y: Array, p: Array, cell: Array
    ) -> tuple[dict[str, Array], Array]:
        """What is observed of states of cells of these numbers, and their margins."""
        built = self.engine.built(step.control)
        seen, margins = built.shown(y, p, cell)
        scales = {
            name: np.broadcast_to(own[name], len(p))[cell]
            for name in ("Electrode area [m2]", "1/site charge")
        }
        return seen | built.counted(y, scales), margins

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

    def _integrated(self, step: Step, y0: Array, p: Array, curves: bool) -> Solved:
        """The plain cells as far as the kernel takes them, the others where they are."""
        count, rows = len(y0), np.flatnonzero(self.plain)
        found = self.engine.built(step.control).integrated(y0[rows], p[rows], curves)
        ended = np.full(count, "failure")
        y, t, stray, steps = y0.copy(), np.zeros(count), np.zeros(count), np.zeros(count)
        drawn = found.curves and found.curves._replace(cell=rows[found.curves.cell])
        whole = Solved(y, t, ended, stray, steps, drawn)
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
        if self.numbers:
            return usual
        usual &= as_asked(step, trace.event)
        usual &= ~overshoots(trace, cells)  # type: ignore[arg-type]
        thinnest = self.engine.thinnest_layer
        usual &= ~unresolved(trace, cells, thinnest)  # type: ignore[arg-type]
        if step.rest:
            usual &= (left_by(V, cells.voltage_limits) <= SEEN).all(axis=0)
        return usual


def replayed(
    cells: Sequence[Cell],
    protocols: Sequence[Protocol],
    last: int,
    curves: bool,
    numerics: Numerics,
) -> list[list[list[CycleRecord] | None]]:
    """Return the first cycles of each of some cells through each of some protocols.

    Their numbers, that is: of an outcome other than reached nothing is said.  The
    protocols are conditioned alike, once for each cell.  There is None for a cell and
    protocol that are to be run alone.

    Parameters
    ----------
    cells : sequence of Cell
        Of one structure.
    protocols : sequence of Protocol
        That :func:`serves` takes, with steps that differ by numbers.
    last : int
        How many cycles.
    curves : bool
        Keep all points of their steps.
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
    batch, each = batch.taken(cell), [protocols[k].steps for k in of.tolist()]
    rows = [np.flatnonzero(of == k) for k in range(len(protocols))]
    every = np.ones(len(of), bool)
    steps = merged(rows, [protocol.steps for protocol in protocols], every)
    found = [
        batch.each(batch.cycle(number, steps, curves), each)
        for number in range(1, last + 1)
    ]
    whole = [None if None in cycles else [*cycles] for cycles in zip(*found, strict=True)]
    return [whole[k : k + len(protocols)] for k in range(0, len(whole), len(protocols))]

"""Cell + protocol -> what happened: every step with its outcome, every cycle audited."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..cell.cell import Cell
from ..errors import InputError
from ..experiment.experiment import CurveSelection
from ..experiment.steps import ProfilePart, Protocol, Step
from ..numerics import Numerics
from ..physics.lithium import EXHAUSTED
from ..physics.thin_film_cell import declared_by
from .audit import audit
from .critical import at_start, beyond_critical, crossing
from .energy import IN, OUT
from .engine import Engine, engine
from .error_bar import with_error
from .exhaustion import blocked, blocks, joined, stripped_bare
from .impedance import spectrum
from .outcome import beyond_at_once, cut_offs, ending
from .records import (
    INFEASIBLE,
    REACHED,
    SKIPPED,
    SOLVER_FAILED,
    THROUGHPUT,
    CaseRecord,
    CycleRecord,
    StepRecord,
)
from .trace import (
    NO_LIMIT,
    POWER_LIMIT,
    RAMP,
    SOLVER_FAILURE,
    Infeasible,
    Request,
    SolverFailed,
    State,
    Trace,
    stoichiometries,
)

FEWEST = 10  # cycles, after which it is asked what the harms cost

SHORTEST = 1e-9  # s, what counts as no time

Progress = Callable[[], None]


class Runner:
    """Carries the state of a cell from step to step; a copy goes on by itself.

    Parameters
    ----------
    cell : Cell
        In its state as made.
    solver : Engine
        Of its structure.
    """

    def __init__(self, cell: Cell, solver: Engine) -> None:
        self.cell = cell
        self.engine = solver
        self.stopped = ""
        self.voltage: float | None = None  # what it ended at last
        even = solver.uniform(cell.x_initial, cell.anode_initial)
        # Also of laws that a step at another temperature would make otherwise
        self.state: State = solver.completed(even, cell.parameters())

    def cycle(self, number: int, steps: Sequence[Step], curves: bool) -> CycleRecord:
        """Run a cycle and return its audited record, of all points with ``curves``."""
        records = [self.step(step, curves) for step in steps]
        balances = audit(records, self.cell)
        return CycleRecord(number, tuple(records), *balances)

    def lost(self, steps: Sequence[Step]) -> dict[str, float]:
        """Return the charge that each harm costs [A.h], by its column.

        What a cycle from here would discharge more, had the harm not been done: the
        second, as the film comes to rest in a first.
        """
        harms = declared_by(self.cell.structure).harms
        found: dict[str, float] = {}
        discharged: list[float] = []
        for harm in (None, *harms) if harms and not self.stopped else ():
            other = copy.copy(self)
            if harm:
                values = harm.undone(self.state.values)
                other.state = replace(self.state, values=values)
            for _ in range(2):
                cycle = other.cycle(0, steps, False)
            discharged.append(cycle.discharge)
            if harm:
                found[harm.column] = discharged[-1] - discharged[0]
        return found

    def step(self, step: Step, curves: bool) -> StepRecord:
        if self.stopped:
            return StepRecord(step, SKIPPED, f"after: {self.stopped}", None)
        record = self._attempt(step, curves)
        if record.outcome == SOLVER_FAILED:
            self.stopped = f"'{step.text}' failed to solve"
        return record

    def _attempt(self, step: Step, curves: bool) -> StepRecord:
        if step.frequencies:
            return self._measured(step)
        stop = self.cell.anode.beyond_critical_current == "stop"
        try:
            trace = self._solved(step, curves)
            critical = crossing(trace, self.cell)
            if critical is not None and stop:
                if critical > 0:  # once more, for so long
                    trace = self._run(step, curves, critical, self.state)
                else:
                    trace = at_start(trace, self.state)
        except Infeasible as reason:
            return StepRecord(step, INFEASIBLE, str(reason), None)
        except InputError:
            raise
        except Exception as reason:  # what went before it stays
            x = float(self.state.profile @ self.engine.weights)
            word = str(reason) if isinstance(reason, SolverFailed) else repr(reason)
            detail = f"{word}; at the start of the step, at x = {x:.4g}"
            return StepRecord(step, SOLVER_FAILED, detail, None)
        if why := beyond_at_once(trace, self.cell, self.engine):
            return StepRecord(step, INFEASIBLE, why, None)
        self.state = trace.end
        self.voltage = float(trace.observed["Voltage [V]"][-1])
        if critical is not None and stop:
            detail = f"{beyond_critical(self.cell, critical)}: stopped, as asked"
            self.stopped = "the critical current density was crossed"
            return StepRecord(step, INFEASIBLE, detail, trace, critical)
        outcome, detail = ending(step, trace, self.cell, self.engine)
        return StepRecord(step, outcome, detail, trace, critical)

    def _measured(self, step: Step) -> StepRecord:
        """Measure a spectrum, which leaves the cell as it is."""
        voltage = step.value if step.control == "voltage" else None
        parameters = self.cell.parameters(step.temperature)
        frequency = np.array(step.frequencies)
        try:
            found, observed = spectrum(
                self.engine, self.state, parameters, frequency, voltage
            )
        except Infeasible as reason:
            return StepRecord(step, INFEASIBLE, str(reason), None)
        except SolverFailed as reason:
            return StepRecord(step, SOLVER_FAILED, str(reason), None)
        nothing = {IN: np.zeros(1), OUT: np.zeros(1)} | self.state.at_anode
        profile = stoichiometries(self.state.profile[None], observed)
        still = np.zeros(1), observed | nothing, profile, self.state
        return StepRecord(step, REACHED, found.moving, Trace(*still, None), None, found)

    def _run(
        self,
        step: Step,
        curves: bool,
        duration: float,
        state: State,
        changes: Mapping[str, float] = MappingProxyType({}),
    ) -> Trace:
        """Run so much of a step from a state, with other parameters."""
        if step.constant:
            part = ProfilePart(duration, step.value, step.value)
            return self._stretch(step, curves, part, state, changes)
        found: list[Trace] = []
        passed = 0.0
        for part in self._parts(step, duration):
            try:
                trace = self._stretch(step, curves, part, state, changes, passed)
            except (Infeasible, SolverFailed) as reason:  # what ran before it stays
                if not found:
                    raise
                failed = isinstance(reason, SolverFailed)
                event = SOLVER_FAILURE if failed else POWER_LIMIT
                found[-1] = replace(found[-1], event=event)
                break
            if found and beyond_at_once(trace, self.cell, self.engine):
                found[-1] = replace(found[-1], event=trace.event)
                break
            passed += float(trace.observed[THROUGHPUT][-1])
            found.append(trace)
            state = trace.end
            if trace.event is not None:
                break
        return joined(*found, jump=True)

    def _parts(self, step: Step, duration: float) -> Iterator[ProfilePart]:
        """Yield the parts of a ramp or a profile, of so much time in all."""
        if step.rate is not None:
            first = step.start if step.start is not None else self._voltage_now(step)
            whole = max(abs(step.value - first) / step.rate, SHORTEST)
            share = min(duration / whole, 1.0)
            last = first + share * (step.value - first)
            yield ProfilePart(share * whole, first, last)
            return
        left = duration
        while True:
            for part in step.profile:
                share = min(left / part.duration, 1.0)
                last = part.first + share * (part.last - part.first)
                yield ProfilePart(share * part.duration, part.first, last)
                left -= part.duration
                if left <= SHORTEST:
                    return

    def _voltage_now(self, step: Step) -> float:
        """Return the voltage the last step ended at; at rest, before the first."""
        if self.voltage is not None:
            return self.voltage
        parameters = self.cell.parameters(step.temperature)
        x = self.cell.x_initial
        seen = self.engine.instant(x, 0.0, parameters, self.cell.anode_initial)
        return seen["Voltage [V]"]

    def _stretch(
        self,
        step: Step,
        curves: bool,
        part: ProfilePart,
        state: State,
        changes: Mapping[str, float],
        passed: float = 0.0,
    ) -> Trace:
        """Run a part of a step from a state, after so much charge of the step [A.h]."""
        lower, upper = cut_offs(step, self.cell.voltage_limits)
        change = part.last - part.first
        # A part of a profile at constant current may end by a charge too
        charge = NO_LIMIT if step.charge is None else step.charge / 3600 - passed
        ramp = change != 0 or (step.profile and step.charge is not None)
        return self.engine.run(
            Request(
                mode=step.control + (RAMP if ramp else ""),
                target=part.first,
                duration=part.duration,
                state=state,
                parameters=self.cell.parameters(step.temperature) | dict(changes),
                lower=lower,
                upper=upper,
                c_rate_cut_off=step.c_rate_cut_off or -1.0,
                # A crossing is looked for between the points
                curve=curves or self.cell.anode.critical_current is not None,
                change=change,
                charge=charge,
            )
        )

    def _solved(self, step: Step, curves: bool) -> Trace:
        """Run a step, also where the collector is bare or becomes so."""
        # What is left on a collector is not followed along a ramp or a profile
        plated = self.cell.anode.plated and step.constant
        if plated and blocks(self.cell, self.engine, self.state, step):
            return blocked(self.engine, self.state, step, self.cell, 0.0)
        trace = self._run(step, curves, step.duration, self.state)
        if not plated or trace.event != EXHAUSTED:
            return trace
        if step.control == "voltage" or step.value <= 0:
            past = float(trace.t[-1])
            rest = blocked(self.engine, trace.end, step, self.cell, past)
            return joined(trace, rest, jump=True)

        def onwards(t: float, state: State, changes: Mapping[str, float]) -> Trace:
            return self._run(step, curves, t, state, changes)

        return stripped_bare(trace, onwards, self.cell, step)


def cycles_of(
    cell: Cell,
    protocol: Protocol,
    numerics: Numerics,
    curves: CurveSelection,
    progress: Progress | None = None,
) -> Iterator[tuple[CycleRecord, bool]]:
    """Run the cycles of a case; yield each when it is done, and whether it is recorded.

    Parameters
    ----------
    cell, protocol, numerics, curves, progress
        As :func:`run_case`.
    """
    progress = progress or (lambda: None)
    if numerics.error_bar:
        plain, tight = (
            cycles_of(cell, protocol, settings, CurveSelection(), progress)
            for settings in (numerics.plain, numerics.tighter())
        )
        # The end of life may differ by a cycle
        for (done, recorded), (other, _) in zip(
            plain, tight, strict=protocol.until is None
        ):
            yield (with_error(done, other) if recorded else done), recorded
        return
    runner = Runner(cell, engine(cell.structure, numerics))
    if protocol.conditioning:
        for number in range(1, protocol.conditioning_cycles + 1):
            done = runner.cycle(number, protocol.conditioning, False)
            progress()
            yield done, False
    first: CycleRecord | None = None
    for number in range(1, protocol.cycles + 1):
        check_up = protocol.is_check_up(number)
        done = runner.cycle(number, protocol.of(number), curves.of(number))
        if protocol.check_up:
            done = replace(done, check_up=check_up)
        if protocol.until and check_up == bool(protocol.check_up):
            first = first or done
            done = replace(done, ended=done.end_of_life(protocol.until, first))
        if number >= FEWEST and (done.ended or number == protocol.cycles):
            done = replace(done, lost=runner.lost(protocol.steps))
        progress()
        yield done, True
        if done.ended:
            break


def run_case(
    cell: Cell,
    protocol: Protocol,
    numerics: Numerics | None = None,
    progress: Progress | None = None,
    curves: CurveSelection | None = None,
) -> CaseRecord:
    """Run one cell through one protocol.

    Parameters
    ----------
    cell, protocol : Cell, Protocol
        What is run.
    numerics : Numerics, optional
        Mesh and tolerances; with ``error_bar``, each cycle has its numerical error.
    progress : callable, optional
        Called after every cycle, conditioning included.
    curves : CurveSelection, optional
        Of which cycles the traces have all of their points; of the others they have the
        first and last of each step.
    """
    numerics = numerics or Numerics()
    cycles: tuple[list[CycleRecord], list[CycleRecord]] = [], []
    of = cycles_of(cell, protocol, numerics, curves or CurveSelection(), progress)
    for cycle, recorded in of:
        cycles[recorded].append(cycle)
    return CaseRecord(
        cell,
        protocol,
        tuple(cycles[True]),
        tuple(cycles[False]),
        engine(cell.structure, numerics.plain).depths,
        tuple(cell.warnings()),
    )

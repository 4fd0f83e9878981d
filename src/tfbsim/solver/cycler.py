"""Cell + protocol -> what happened: every step with its outcome, every cycle audited."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ..cell.cell import Cell
from ..errors import InputError
from ..experiment.selection import CurveSelection
from ..experiment.steps import ProfilePart, Protocol, Step
from ..materials.laws import FARADAY
from ..numerics import Numerics
from ..physics.law import End
from ..physics.lithium import EXHAUSTED, NOTHING_LEFT
from ..physics.thin_film_cell import declared_by
from .critical import at_start, beyond_critical, crossing
from .discretised import tolerances
from .energy import IN, OUT
from .engine import Engine, engine
from .error_bar import with_error
from .exhaustion import blocked, blocks, joined, stripped_bare
from .impedance import spectrum
from .records import (
    DISCHARGE,
    INFEASIBLE,
    LITHIUM_EXHAUSTED,
    MEAN,
    REACHED,
    SKIPPED,
    SOLVER_FAILED,
    THROUGHPUT,
    TIME_LIMIT,
    CaseRecord,
    CycleRecord,
    StepRecord,
)
from .resolution import unresolved
from .start import MET
from .trace import (
    CHARGE_CUT_OFF,
    CURRENT_CUT_OFF,
    FILM_LIMIT,
    HOLD_LIMIT,
    MAXIMUM_VOLTAGE,
    MINIMUM_VOLTAGE,
    NO_LIMIT,
    POWER_LIMIT,
    RAMP,
    SEEN,
    SOLVER_FAILURE,
    Array,
    Infeasible,
    Request,
    SolverFailed,
    State,
    Trace,
    least_exchanged,
    stoichiometries,
)

FEWEST = 10  # cycles, after which it is asked what the harms cost
LIMITS = MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE

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
        self.ends = {end.event: end for end in declared_by(cell.structure).ends}
        self.stopped = ""
        self.voltage: float | None = None  # what it ended at last
        even = solver.uniform(cell.x_initial, cell.anode_initial)
        # Also of laws that a step at another temperature would make otherwise
        self.state: State = solver.completed(even, cell.parameters())

    def cycle(self, number: int, steps: Sequence[Step], curves: bool) -> CycleRecord:
        """A cycle of this number, audited; ``curves`` keeps all points of its steps."""
        records = [self.step(step, curves) for step in steps]
        balances = audit(records, self.cell)
        return CycleRecord(number, tuple(records), *balances)

    def lost(self, steps: Sequence[Step]) -> dict[str, float]:
        """Charge that each harm costs [A.h], by its column.

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
        if why := self._beyond_at_once(step, trace):
            return StepRecord(step, INFEASIBLE, why, None)
        self.state = trace.end
        self.voltage = float(trace.observed["Voltage [V]"][-1])
        if critical is not None and stop:
            detail = f"{beyond_critical(self.cell, critical)}: stopped, as asked"
            self.stopped = "the critical current density was crossed"
            return StepRecord(step, INFEASIBLE, detail, trace, critical)
        outcome, detail = self._outcome(step, trace)
        words = [w for w in (detail, *unresolved(trace, self.cell, self.engine)) if w]
        if trace.event in (SOLVER_FAILURE, POWER_LIMIT):
            pass
        elif trace.fallback:
            rtol, _ = tolerances(self.engine.numerics, trace.fallback)
            sharper = rtol < self.engine.numerics.rtol
            how = f"at rtol {rtol:.0e}" if sharper else f"with fallback {trace.fallback}"
            words.append(f"solved {how}")
        if trace.stray > HOLD_LIMIT:
            words.append(f"the voltage strayed from its target by {trace.stray:.2g} V")
        detail = "; ".join(words)
        return StepRecord(step, outcome, detail, trace, critical)

    def _measured(self, step: Step) -> StepRecord:
        """A spectrum, which leaves the cell as it is."""
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
        """A step, or so much of it, from a state, with other parameters."""
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
            if found and self._beyond_at_once(step, trace):
                found[-1] = replace(found[-1], event=trace.event)
                break
            passed += float(trace.observed[THROUGHPUT][-1])
            found.append(trace)
            state = trace.end
            if trace.event is not None:
                break
        return joined(*found, jump=True)

    def _parts(self, step: Step, duration: float) -> Iterator[ProfilePart]:
        """The parts of a ramp or a profile, of so much time in all."""
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
        """The voltage the last step ended at; at rest, before the first."""
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
        """A part of a step from a state, after so much charge of it [A.h]."""
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
        """A step, also where the collector is bare or becomes so."""
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

    def _by_leakage(self, step: Step, trace: Trace) -> str:
        """Says so where a hold or a charge cannot end because the electrolyte leaks."""
        leakage = trace.observed["Leakage current density [A.m-2]"].max()
        current = abs(trace.observed["Current [A]"][-1]) / self.cell.area
        end = current
        if step.c_rate_cut_off is not None:
            end = step.c_rate_cut_off * self.cell.one_c_current_density
        if (
            leakage <= 0
            or (step.value > 0 and step.control != "voltage")
            or end > leakage
        ):
            return ""
        return f": the electrolyte leaks {100 * leakage:.3g} uA/cm2, all that flows in"

    def _blocks(self, step: Step, trace: Trace) -> str:
        """Says so where a step goes on without lithium on the collector."""
        cell = self.cell
        discharge = step.value > 0 and step.control != "voltage"
        if not cell.anode.plated or discharge:
            return ""
        V, i = (float(trace.observed[n][-1]) for n in ("Voltage [V]", "Current [A]"))
        empty = trace.end.inventory <= cell.least_inventory
        if not empty or (step.rest and V) or i > 0:
            return ""
        metal = trace.observed["Lithium thickness [m]"]
        hours = trace.t[int(np.argmax(metal <= metal[-1]))] / 3600
        return f"no lithium after {hours:.3g} h: the collector blocks, V is {V:.4g} V"

    def _left(self, trace: Trace) -> str:
        """What is left of lithium that was plated in situ."""
        if not self.cell.anode.plated:
            return ""
        left = 1e9 * float(trace.observed["Lithium thickness [m]"][-1])
        return f": {left:.2g} nm remain on the collector"

    def _beyond_at_once(self, step: Step, trace: Trace) -> str:
        """Say so where a step would begin beyond the cell's voltage limits."""
        if len(trace.t) > 1 or trace.event not in (MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE):
            return ""
        below, V = trace.event == MINIMUM_VOLTAGE, float(trace.observed["Voltage [V]"][0])
        limit = self.cell.voltage_limits[not below]
        if not (limit - MET > V if below else limit + MET < V):
            return ""
        at = f"it would begin at {V:.4g} V, the cell's voltage limit is {limit:g} V"
        return next(iter(unresolved(trace, self.cell, self.engine)), at)

    def _outside(self, trace: Trace) -> str:
        """Say so where a rest takes the voltage out of the cell's limits."""
        limits, V = self.cell.voltage_limits, trace.observed["Voltage [V]"]
        for limit, by, sign in zip(limits, left_by(V, limits), (-1, 1), strict=True):
            if by > SEEN:
                V_most = limit + sign * by
                return f"V goes to {V_most:.4g} V, beyond the cell's limit of {limit:g} V"
        return ""

    def _full_or_empty(self, trace: Trace) -> str:
        """Say where a film is full, or empty, of lithium."""
        last = trace.profiles[-1]
        places = {}  # share of the sites, x
        for side, film in self.cell.structure.films.items():
            name = "film" if side == "Cathode" else "anode"
            for word, face in (("surface", "surface"), ("collector face", "collector")):
                x = float(trace.observed[f"{side} {face} stoichiometry"][-1])
                places[f"{name}'s {word}"] = x / film.x_max, x
        x_max = self.cell.cathode.x_max
        extremes = ((float(x) / x_max, float(x)) for x in (last.min(), last.max()))
        places["inside of the film"] = max(extremes, key=lambda of: abs(of[0] - 0.5))
        where, (share, x) = max(places.items(), key=lambda item: abs(item[1][0] - 0.5))
        for face in list(places)[:-1]:  # a face rather than a node beside it
            if abs(places[face][0] - share) < SEEN:
                where, (share, x) = face, places[face]
                break
        word = "empty" if share < 0.5 else "full"
        return f"the {where} is {word} of lithium, at x = {x:.4g}"

    def _outcome(self, step: Step, trace: Trace) -> tuple[str, str]:
        event = None if trace.event is None else str(trace.event)
        if as_asked(step, event):
            return REACHED, self._reached(step, trace)
        if event is None:
            hours = step.duration / 3600
            detail = f"no end within {hours:.3g} h, the default time limit"
            return TIME_LIMIT, detail + self._by_leakage(step, trace)
        if event == EXHAUSTED:
            return LITHIUM_EXHAUSTED, NOTHING_LEFT.detail + self._left(trace)
        if event == POWER_LIMIT:
            return INFEASIBLE, "the cell cannot give this power any longer"
        if event == SOLVER_FAILURE:
            V, x = (trace.observed[n][-1] for n in ("Voltage [V]", MEAN))
            return SOLVER_FAILED, f"after {trace.t[-1]:.6g} s, at {V:.4g} V, x = {x:.4g}"
        if event == FILM_LIMIT:
            detail = self._full_or_empty(trace)
            return INFEASIBLE, detail + self._by_leakage(step, trace)
        if event not in LIMITS:
            end = self.ends.get(event, End(event, INFEASIBLE, event))
            return end.outcome, end.detail
        limit = self.cell.voltage_limits[LIMITS.index(event)]
        detail = f"the cell's voltage limit of {limit:g} V came first"
        against = event == MINIMUM_VOLTAGE and step.value < 0
        return INFEASIBLE, detail + (self._by_leakage(step, trace) if against else "")

    def _reached(self, step: Step, trace: Trace) -> str:
        """What is to be said of a step that ended as asked."""
        if trace.event not in LIMITS:
            said = self._blocks(step, trace)
            return said or (self._outside(trace) if step.rest else "")
        below = trace.event == MINIMUM_VOLTAGE
        if below and trace.end.inventory < self.cell.least_inventory:
            return f"the last lithium{self._left(trace)}"
        if len(trace.t) > 1:
            return ""
        asked = step.lower if below else step.upper
        V = float(trace.observed["Voltage [V]"][-1])
        past = "met" if abs(V - float(asked or 0)) < SEEN else f"past {asked:g} V"
        return f"reached at once: {V:.4g} V is {past} already"


def cut_offs(step: Step, limits: Sequence[float]) -> tuple[float, float]:
    """Return the voltages that end a step [V].

    They are those it asks for, or the limits of the cell; a rest, or a hold, has none.
    """
    if step.control == "voltage" or (step.rest and not step.profile):
        return -NO_LIMIT, NO_LIMIT
    lower, upper = limits
    lower = lower if step.lower is None else step.lower
    return lower, upper if step.upper is None else step.upper


def as_asked(step: Step, event: str | Array | None) -> Array:
    """Return whether an event is an end a step asks for; of many cells, of each."""
    asked = {
        None: step.timed,
        CHARGE_CUT_OFF: True,
        CURRENT_CUT_OFF: True,
        MINIMUM_VOLTAGE: step.lower is not None,
        MAXIMUM_VOLTAGE: step.upper is not None,
    }
    return np.isin(np.asarray(event, object), [end for end, so in asked.items() if so])


def left_by(V: Array, limits: Sequence[float]) -> Array:
    """Return how far a voltage goes beyond limits it was within, below and above [V]."""
    beyond = np.stack([limits[0] - V, V - limits[1]])
    return np.where(beyond[:, 0] <= 0, beyond.max(axis=1), 0.0)


def audit(records: Sequence[StepRecord], cell: Cell) -> tuple[float, float]:
    """Return lithium and charge balance errors over consecutive steps, of one cell or
    of many.

    Lithium: largest change of the total lithium over lithium exchanged.  Charge: cathode
    lithium change times F, less the charge passed, leaked and passed by other side
    currents, over charge exchanged.
    Charges are states of the solver.  Where less is exchanged than a small part of what
    the cell holds, an error is relative to that: it can be no smaller than rounding.
    """
    traces = [r.trace for r in records if r.trace is not None]
    declared = declared_by(cell.structure)
    sides = [side.charge for side in declared.side_currents]
    throughput, discharged, *beside = (
        3600 * sum(r.end.get(name, 0.0) for r in records)
        for name in (THROUGHPUT, DISCHARGE, *sides)
    )
    leaked = sum(beside)
    if not traces:
        return 0.0, 0.0
    area = cell.area
    held = cell.site_inventory * FARADAY * area
    total = np.concatenate([t.observed["Total lithium [mol.m-2]"] for t in traces])
    least = least_exchanged(held, total[0] * FARADAY * area)
    exchanged = np.maximum(throughput + leaked, least)
    lithium = np.abs(total - total[0]).max(axis=0) * FARADAY * area / exchanged
    first, last = traces[0].observed, traces[-1].observed
    film = [name for name in declared.lithium if name.startswith("Cathode ")]
    gained = sum(last[name][-1] - first[name][0] for name in film)
    charge = abs(gained * FARADAY * area - (discharged + leaked)) / exchanged
    return (lithium, charge) if np.ndim(charge) else (float(lithium), float(charge))


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

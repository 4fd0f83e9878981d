"""Measured steps with simulated ones beside them: by the experiment, whose cases that fit
them are run, or by the data's own current, which is the protocol then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..cell.fitted import status
from ..data.measured import (
    CHARGE,
    DISCHARGE,
    HOLD,
    REST,
    Array,
    Measured,
    Segment,
    mean_current,
)
from ..errors import InputError, count
from ..experiment.cases import Case, Expanded
from ..numerics import Numerics
from ..solver.cycler import AUDIT_BREACH, REACHED, CaseRecord, StepRecord, run_case
from .matching import Match, digest, placed
from .own_current import Drive, drives, unlike

ROUNDED = 1e-4  # of a step: by how much a record's last clock or charge may exceed it
ELSEWHERE = 3.0  # K between measured and simulated that is worth a word
NO_DURATION = "its samples share one time: a step of no duration"
FAR = 0.1  # V between the starts of both that is worth a word

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pair:
    """A measured step and the simulated one beside it.

    Parameters
    ----------
    file : str
        Where the measured one comes from.
    measured, simulated : Segment
        Of one kind.
    case : str
        Of the experiment.
    c_rate : float
        Of the measured current.
    at_cut_off : bool
        Whether the simulated step ended at a voltage.
    outcome : str
        Of the simulated step.
    role : str
        Whether the cell was fitted to the measured one, "fitted" or "predicted"; "" of a
        cell that no fit wrote.
    """

    file: str
    measured: Segment
    simulated: Segment
    case: str
    c_rate: float
    at_cut_off: bool
    outcome: str
    role: str = ""

    def axis(self, segment: Segment) -> Array:
        """What both run along: charge [A.h.m-2], in a rest time [s]."""
        by_time = self.measured.kind == REST and self.measured.time is not None
        return segment.time if by_time and segment.time is not None else segment.capacity

    @property
    def common(self) -> Array:
        """Which measured points the simulated curve reaches."""
        here, there = self.axis(self.measured), self.axis(self.simulated)
        return np.asarray((here >= there[0]) & (here <= there[-1] * (1 + ROUNDED)))

    @property
    def covered(self) -> float:
        """Share of the measured step that the simulated one reaches [%]: of its charge,
        in a rest of its time."""
        here, there = self.axis(self.measured), self.axis(self.simulated)
        whole = float(here[-1])
        share = min(1.0, float(there[-1]) / whole) if whole > 0 else 1.0
        return 100.0 if share > 1 - ROUNDED else 100 * share

    @property
    def residual(self) -> Array:
        """Simulated less measured voltage at the common points [V]."""
        at = self.axis(self.measured)[self.common]
        there = self.axis(self.simulated)
        return (
            np.interp(at, there, self.simulated.voltage)
            - self.measured.voltage[self.common]
        )


@dataclass(frozen=True)
class Paired:
    """Measured steps with simulated ones beside them, and those without.

    Parameters
    ----------
    pairs : list of Pair
        In the order of the files.
    unmatched : list of tuple of str
        File, step and why it has no counterpart.
    otherwise : list of str
        Simulated steps that ended otherwise than asked.
    notes : list of str
        What else is worth knowing.
    audit : dict
        Largest balance errors of the cycles that were simulated.
    """

    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    audit: dict[str, float] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Say something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def joined(parts: Sequence[StepRecord], kind: str, area: float) -> Segment | None:
    """Consecutive simulated steps as one measured step would be.

    Parameters
    ----------
    parts : sequence of StepRecord
        In a row.
    kind : str
        Of the measured step.
    area : float
        Of the cell [m2].

    Returns
    -------
    Segment or None
        None if nothing of them could be simulated.
    """
    found = [s for p in parts if (s := _simulated(p, kind, area)) is not None]
    if not found:
        return None
    clock = passed = 0.0
    pieces: list[tuple[Array, ...]] = []
    for s in found:
        assert s.time is not None
        pieces.append((s.voltage, s.current, passed + s.capacity, clock + s.time))
        clock, passed = clock + float(s.time[-1]), passed + float(s.capacity[-1])
    V, i, q, t = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Segment(kind, 1, V, i, q, t)


def _simulated(record: StepRecord, kind: str, area: float) -> Segment | None:
    trace = record.trace
    if trace is None:
        return None
    o = trace.observed
    passed = np.abs(o["Discharge capacity [A.h]"]) / area
    i = o["Current [A]"] / area
    return Segment(kind, 1, o["Voltage [V]"], i, passed, trace.t)


# --- By the experiment's protocol --------------------------------------------------


def by_experiment(
    files: Sequence[Measured],
    expanded: Expanded,
    numerics: Numerics,
    progress: Progress | None = None,
) -> Paired:
    """Measured steps beside those of the cases that fit them; only these are run."""
    found = Paired()
    plan: list[tuple[Measured, list[Segment], Match, int]] = []
    wanted: dict[str, int] = {}
    for measured in files:
        cycles, unmatched = placed(measured, expanded.cases)
        found.unmatched.extend((measured.name, s.name, why) for s, why in unmatched)
        for cycle, match, number in cycles:
            if match.alike > 1:
                found.note(
                    f"{measured.name}: {match.alike} cases fit a cycle alike, and the "
                    f"first, '{match.case.name}', was taken; --set or another experiment "
                    "chooses."
                )
            number = min(number, match.case.protocol.cycles)
            wanted[match.case.name] = max(wanted.get(match.case.name, 0), number)
            plan.append((measured, cycle, match, number))
    records: dict[str, CaseRecord] = {}
    cases = [case for case in expanded.cases if case.name in wanted]
    for k, case in enumerate(cases):
        protocol = replace(case.protocol, cycles=wanted[case.name])
        records[case.name] = run_case(case.cell, protocol, numerics)
        _audited(found, case, records[case.name])
        if progress:
            progress(k + 1, len(cases))
    for measured, cycle, match, number in plan:
        steps = records[match.case.name].cycles[number - 1].steps
        for k, at in match.steps:
            _beside(found, measured.name, cycle[k], match.case, [steps[at]], True)
    return found


def _audited(found: Paired, case: Case, record: CaseRecord) -> None:
    """The balances and warnings of a case that was run."""
    for name, errors in {
        "lithium balance error": [c.lithium_balance_error for c in record.cycles],
        "charge balance error": [c.charge_balance_error for c in record.cycles],
    }.items():
        found.audit[name] = max(found.audit.get(name, 0.0), *errors)
    if any(cycle.outcome == AUDIT_BREACH for cycle in record.cycles):
        found.otherwise.append(f"{case.name}: {AUDIT_BREACH}")
    for warning in record.warnings:
        found.note(f"{case.cell.name}: {warning}")


def _beside(
    found: Paired,
    file: str,
    segment: Segment,
    case: Case,
    parts: Sequence[StepRecord],
    cut_off: bool,
) -> None:
    """Put the steps that simulate a measured one beside it, or say why there is none."""
    other = next((p for p in parts if p.outcome != REACHED), None)
    if other is not None:
        detail = f" ({other.detail})" if other.detail else ""
        sentence = f"{case.name}: '{other.step.text}': {other.outcome}{detail}"
        if sentence not in found.otherwise:
            found.otherwise.append(sentence)
    _warmer(found, file, segment, case)
    if not parts:
        found.unmatched.append((file, segment.name, NO_DURATION))
        return
    simulated = joined(parts, segment.kind, float(case.cell.area))
    if simulated is None:
        why = f"the simulated step was {parts[0].outcome}: {parts[0].detail}"
        found.unmatched.append((file, segment.name, why))
        return
    if len(simulated.voltage) < 2 and segment.kind in (CHARGE, DISCHARGE):
        found.note(
            f"{file}, {segment.name}: the simulated cell cannot follow: it begins at "
            f"{simulated.voltage[0]:.3f} V, where {segment.voltage.min():.3f} to "
            f"{segment.voltage.max():.3f} V was measured."
        )
    found.pairs.append(
        Pair(
            *(file, segment, simulated, case.name),
            abs(mean_current(segment)) / case.cell.one_c_current_density,
            cut_off and _ended_at_voltage(parts[-1], simulated),
            REACHED if other is None else other.outcome,
            _role(segment, case),
        )
    )


def _role(segment: Segment, case: Case) -> str:
    """Whether the cell was fitted to a measured step."""
    if segment.kind not in (CHARGE, DISCHARGE):
        return ""
    return status(
        case.cell.fitted,
        segment.kind,
        segment.cycle,
        abs(mean_current(segment)),
        3600 * float(segment.capacity[-1]),
        digest(segment),
    )


def _warmer(found: Paired, file: str, segment: Segment, case: Case) -> None:
    """Say where a step was measured at another temperature than the cell runs at."""
    T, here = float(case.cell.temperature), segment.temperature
    if here is not None and abs(here - T) > ELSEWHERE:
        found.note(
            f"{file}: measured at {here - 273.15:.1f} degC, simulated at "
            f"{T - 273.15:.1f} degC."
        )


def _ended_at_voltage(record: StepRecord, simulated: Segment) -> bool:
    step, end = record.step, float(simulated.voltage[-1])
    limits = [v for v in (step.lower, step.upper) if v is not None]
    return any(abs(end - v) < 1e-3 for v in limits) and step.control != "voltage"


# --- By the data's own current -----------------------------------------------------


def by_own_current(
    files: Sequence[Measured],
    expanded: Expanded,
    numerics: Numerics,
    progress: Progress | None = None,
) -> Paired:
    """Measured steps beside a cell driven by their own current.

    Raises
    ------
    InputError
        The cases have different cells.
    """
    found = Paired()
    case = expanded.cases[0]
    if any(other.cell != case.cell for other in expanded.cases[1:]):
        raise InputError(
            "its cases have different cells; name the cell itself, or one case's values "
            "with --set",
            expanded.document.path,
        )
    jobs: list[tuple[Measured, Drive]] = []
    for measured in files:
        records, unmatched = drives(measured, case.cell)
        found.unmatched.extend((measured.name, s.name, why) for s, why in unmatched)
        jobs += [(measured, record) for record in records]
        if records:
            _another_window(found, measured, case)
    for k, (source, record) in enumerate(jobs):
        done: Iterator[StepRecord] = iter(())
        if record.steps:
            protocol = replace(case.protocol, steps=record.steps, cycles=1)
            solved = run_case(case.cell, protocol, numerics)
            _audited(found, case, solved)
            done = iter(solved.cycles[0].steps)
        before = len(found.pairs)
        for segment, some in zip(record.segments, record.parts, strict=True):
            parts = [next(done) for _ in some]
            _beside(found, source.name, segment, case, parts, False)
        _tell(found, source, record, found.pairs[before:])
        if progress:
            progress(k + 1, len(jobs))
    return found


def _another_window(found: Paired, measured: Measured, case: Case) -> None:
    """Say where a record lies beyond the voltages that the cell takes."""
    low, high = case.cell.voltage_limits
    ends = [(float(s.voltage.min()), float(s.voltage.max())) for s in measured.segments]
    lowest, highest = min(V for V, _ in ends), max(V for _, V in ends)
    if lowest < low - FAR or highest > high + FAR:
        found.note(
            f"{measured.name} goes from {lowest:.3f} to {highest:.3f} V, and "
            f"{case.cell.name} from {low:g} to {high:g} V alone: beyond, the simulated "
            "cell cannot follow."
        )


def _tell(
    found: Paired,
    source: Measured,
    record: Drive,
    pairs: Sequence[Pair],
) -> None:
    """How well the constant currents stand for the data, and whether the start fits."""
    both = zip(record.segments, record.parts, strict=True)
    split = [(s, d) for s, d in both if len(d) > 1]
    if split:
        off = max(unlike(s, d) for s, d in split)
        found.note(
            f"{source.name}: in {count(len(split), 'step')} the current varies; constant "
            f"ones of the same charge stand for it, {100 * off:.2g} % rms off."
        )
    flowing = [p for p in pairs if p.measured.kind != HOLD]
    if flowing and len(flowing[0].measured.voltage) > 1:
        first = flowing[0]
        here, there = first.measured.voltage[0], first.simulated.voltage[0]
        if abs(here - there) > FAR:
            found.note(
                f"{source.name} begins at {here:.3f} V, the simulated cell at "
                f"{there:.3f} V: --set cathode.initial_voltage sets its state."
            )

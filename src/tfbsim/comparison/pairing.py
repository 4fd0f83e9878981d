"""Measured steps and spectra with simulated ones beside them, from one replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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
from ..errors import count
from ..experiment.cases import Case
from ..numerics import Numerics
from ..solver.cycler import AUDIT_BREACH, REACHED, CycleRecord, StepRecord
from .matching import Place, digest
from .own_current import unlike
from .places import Places
from .replay import Replay, joined
from .spectra import SpectrumPair, at_frequencies

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
    spectra : list of SpectrumPair
        Measured spectra with simulated ones beside them.
    """

    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    audit: dict[str, float] = field(default_factory=dict)
    spectra: list[SpectrumPair] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Say something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def beside(
    files: Sequence[Measured],
    places: Places,
    numerics: Numerics,
    progress: Progress | None = None,
) -> Paired:
    """Run the cases that measured steps and spectra belong to, and put both together."""
    found = Paired(unmatched=[*places.unmatched], notes=[*places.notes])
    every: list[Place[Any]] = [*places.steps, *places.spectra]
    wanted: dict[str, int] = {}
    for place in every:
        if place.steps:
            wanted[place.case] = max(wanted.get(place.case, 1), place.cycle)
    cases = {case.name: case for case in places.expanded.cases}
    first = places.expanded.cases[0]
    replay, records = Replay(numerics), {}
    for k, case in enumerate(case for case in cases.values() if case.name in wanted):
        last = min(wanted[case.name], case.protocol.cycles)
        records[case.name] = replay.cycles(case.cell, case.protocol, last)
        _audited(found, case, records[case.name])
        if progress:
            progress(k + 1, len(wanted))
    pairs: dict[str, list[Pair]] = {}
    for place in places.steps:
        case, cycles = cases.get(place.case, first), records.get(place.case, [])
        of = cycles[min(place.cycle, len(cycles)) - 1].steps if cycles else ()
        pair = _pair(found, place, case, [of[k] for k in place.steps], places)
        if pair is not None:
            found.pairs.append(pair)
            pairs.setdefault(place.case, []).append(pair)
    for spectrum in places.spectra:
        step = records[spectrum.case][0].steps[spectrum.steps[0]]
        if step.spectrum is None:
            found.note(f"{spectrum.label}: {step.outcome} ({step.detail})")
            continue
        Z = at_frequencies(spectrum.measured, step.spectrum)
        found.spectra.append(SpectrumPair(spectrum, step.spectrum.voltage, Z))
        if step.detail:
            found.note(f"{spectrum.label}: {step.detail}")
    if places.own_current:
        for file in files:
            if any(place.file == file.name for place in places.steps):
                _another_window(found, file, first)
        for case in places.expanded.cases:
            mine = [place for place in places.steps if place.case == case.name]
            if mine:
                _tell(found, mine, case, pairs.get(case.name, []))
    return found


def _audited(found: Paired, case: Case, cycles: Sequence[CycleRecord]) -> None:
    """Take the balances and warnings of a case that was run."""
    for of in ("lithium balance error", "charge balance error"):
        errors = [getattr(cycle, of.replace(" ", "_")) for cycle in cycles]
        found.audit[of] = max(found.audit.get(of, 0.0), *errors)
    if any(cycle.outcome == AUDIT_BREACH for cycle in cycles):
        found.otherwise.append(f"{case.name}: {AUDIT_BREACH}")
    for warning in case.cell.warnings():
        found.note(f"{case.cell.name}: {warning}")


def _pair(
    found: Paired,
    place: Place[Segment],
    case: Case,
    parts: Sequence[StepRecord],
    places: Places,
) -> Pair | None:
    """Return a measured step and the steps that simulate it, or say why there is none."""
    file, segment = place.file, place.measured
    other = next((p for p in parts if p.outcome != REACHED), None)
    if other is not None:
        detail = f" ({other.detail})" if other.detail else ""
        sentence = f"{case.name}: '{other.step.text}': {other.outcome}{detail}"
        if sentence not in found.otherwise:
            found.otherwise.append(sentence)
    _warmer(found, file, segment, case)
    if not parts:
        found.unmatched.append((file, segment.name, NO_DURATION))
        return None
    simulated = joined(parts, segment.kind, float(case.cell.area))
    if simulated is None:
        why = f"the simulated step was {parts[0].outcome}: {parts[0].detail}"
        found.unmatched.append((file, segment.name, why))
        return None
    if len(simulated.voltage) < 2 and segment.kind in (CHARGE, DISCHARGE):
        found.note(
            f"{file}, {segment.name}: the simulated cell cannot follow: it begins at "
            f"{simulated.voltage[0]:.3f} V, where {segment.voltage.min():.3f} to "
            f"{segment.voltage.max():.3f} V was measured."
        )
    own = places.own_current
    return Pair(
        *(file, segment, simulated, places.base if own else case.name),
        abs(mean_current(segment)) / case.cell.one_c_current_density,
        not own and _ended_at_voltage(parts[-1], simulated),
        REACHED if other is None else other.outcome,
        _role(segment, case),
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
    found: Paired, places: Sequence[Place[Segment]], case: Case, pairs: Sequence[Pair]
) -> None:
    """Say how well constant currents stand for a record, and whether its start fits."""
    file, steps = places[0].file, case.protocol.steps
    split = [(p.measured, [steps[k] for k in p.steps]) for p in places]
    split = [(segment, parts) for segment, parts in split if len(parts) > 1]
    if split:
        off = max(unlike(s, d) for s, d in split)
        found.note(
            f"{file}: in {count(len(split), 'step')} the current varies; constant "
            f"ones of the same charge stand for it, {100 * off:.2g} % rms off."
        )
    flowing = [p for p in pairs if p.measured.kind != HOLD]
    if flowing and len(flowing[0].measured.voltage) > 1:
        first = flowing[0]
        here, there = first.measured.voltage[0], first.simulated.voltage[0]
        if abs(here - there) > FAR:
            found.note(
                f"{file} begins at {here:.3f} V, the simulated cell at "
                f"{there:.3f} V: --set cathode.initial_voltage sets its state."
            )

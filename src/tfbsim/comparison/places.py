"""Where what was measured belongs in a simulation, of a comparison and of a fit alike.

A measured cycle goes to the case whose currents and cut-offs it fits best.  A spectrum
goes to the step, of any case, that holds the voltage and has the temperature it was
measured at; as far as neither is stated, the first of a file to the first such step, the
second to the second.  The step is simulated at the measured frequencies.  By the data's
own current each record is a case of its own, and each spectrum one of the cell at rest at
the stated voltage, else as made.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np

from .. import units
from ..data.measured import HOLD, REST, UA, Measured, Segment, Spectrum
from ..errors import InputError
from ..experiment.cases import Case, Cases
from ..experiment.expand import Expanded
from ..experiment.steps import Step
from .measured_current import STEADY, driven_steps

SAME_CURRENT = 0.1  # relative; within it a measured current is a step's
SAME_VOLTAGE = 0.02  # V, of a hold
SAME_TEMPERATURE = 10.0  # K, that a step and what was measured at it may differ by
MOST_CASES = 1000  # that are looked through for a step
T = TypeVar("T", Segment, Spectrum)


@dataclass(frozen=True)
class Place(Generic[T]):
    """A measured step or spectrum, and where in a simulation it belongs."""

    file: str
    measured: T
    case: str  # name of the one that simulates it
    # Of the cycle, from 0, in a row; none of a step without a duration
    steps: tuple[int, ...]
    cycle: int = 1  # of the case, from 1; the experiment may have fewer

    @property
    def label(self) -> str:
        """Names of the file and of what was measured."""
        return f"{self.file}, {self.measured.name}"


@dataclass
class Places:
    """Measured steps and spectra, and the cases that simulate them."""

    # With the cases of the places: the experiment's, or the records themselves
    expanded: Expanded
    base: str  # name of the case that gives cell and conditioning
    own_current: bool  # whether the protocol is the data's own current
    steps: list[Place[Segment]] = field(default_factory=list)  # in the order of the files
    spectra: list[Place[Spectrum]] = field(default_factory=list)
    # File, step or spectrum, and why it belongs nowhere
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what else is worth knowing


def places(files: Sequence[Measured], expanded: Expanded, own_current: bool) -> Places:
    """Find where the steps and spectra of files belong in an experiment.

    By their own current, records drive the cell from its state after the conditioning of
    the experiment, and spectra are of the cell at rest.

    Raises
    ------
    InputError
        The cases have different cells, and the data's own current is to drive one.
    """
    base = expanded.cases[0]
    found = Places(expanded, base.name, own_current)
    if not own_current:
        for place in (_place_cycles, _place_spectra):
            for file in files:
                place(file, found)
        if found.spectra:
            cases = [_at_measured(case, found.spectra) for case in expanded.cases]
            found.expanded = replace(expanded, cases=Cases(cases))
        return found
    if any(other.cell != base.cell for other in expanded.cases[1:]):
        raise InputError(
            "its cases have different cells; name the cell itself, or one case's values "
            "with --set",
            expanded.document.path,
        )
    cases = [case for file in files for case in _records(file, base, found)]
    cases = cases or list(expanded.cases)
    for file in files:
        cases += _at_rest(file, cases[0], found)
    found.expanded = replace(expanded, cases=Cases(cases))
    return found


# --- Cycles of an experiment -------------------------------------------------------


def _place_cycles(file: Measured, found: Places) -> None:
    """Place the cycles of a file, each in the case that it fits best.

    Most steps that fit count first, then how closely they do.
    """
    cases = found.expanded.cases
    seen: Counter[str] = Counter()
    cycles: dict[int, list[Segment]] = {}
    for segment in file.segments:
        cycles.setdefault(segment.cycle, []).append(segment)
    for cycle in cycles.values():
        fits = {case.name: _aligned(cycle, case) for case in cases}
        best = min(rank for rank, _ in fits.values())
        alike = [name for name, (rank, _) in fits.items() if rank == best]
        name, pairs = alike[0], fits[alike[0]][1] if best[0] < 0 else {}
        seen[name] += bool(pairs)
        note = (
            f"{file.name}: {len(alike)} cases fit a cycle alike, and the first, "
            f"'{name}', was taken; --set or another experiment chooses."
        )
        if pairs and len(alike) > 1 and note not in found.notes:
            found.notes.append(note)
        for k, segment in enumerate(cycle):
            if k in pairs:
                place = Place(file.name, segment, name, (pairs[k],), seen[name])
                found.steps.append(place)
            elif segment.flowing:
                why = _why_unmatched(segment, cases)
                found.unmatched.append((file.name, segment.name, why))


def _aligned(
    cycle: Sequence[Segment], case: Case
) -> tuple[tuple[int, float], dict[int, int]]:
    """Return how well measured steps fit those of a protocol, and which goes with which.

    A charge or discharge finds the next step of its current; a hold or a rest only the
    step right behind the last.  The rank is less the more steps fit, and the closer.
    """
    steps, last, cost = case.protocol.steps, -1, 0.0
    pairs: dict[int, int] = {}
    for k, segment in enumerate(cycle):
        end = last + 2 if segment.kind in (HOLD, REST) else len(steps)
        near = range(last + 1, min(end, len(steps)))
        far = [(_distance(segment, steps[at], float(case.cell.area)), at) for at in near]
        # The next that fits; of a few that fit, one that fits much better
        best = min(far, key=lambda o: (round(min(o[0], 1e9), 1), o[1]), default=None)
        if best is not None and math.isfinite(best[0]):
            pairs[k] = last = best[1]
            cost += best[0]
    flowing = sum(cycle[k].flowing for k in pairs)
    return (-flowing, cost if flowing else 0.0), pairs


def _distance(segment: Segment, step: Step, area: float) -> float:
    """Return how ill a measured step fits one of a protocol; infinite if another."""
    if segment.kind == REST:
        return 0.0 if step.rest else math.inf
    if segment.kind == HOLD:
        off = abs(float(np.median(segment.voltage)) - step.value)
        return off if step.control == "voltage" and off <= SAME_VOLTAGE else math.inf
    sign = segment.direction
    if step.rest or step.control == "voltage" or sign * step.value < 0:
        return math.inf
    far = 0.0
    i = segment.current * area
    if not np.isnan(i).any():
        size = np.abs(i if step.control == "current" else i * segment.voltage)
        mean = float(np.mean(size))
        if mean <= 0 or float(np.std(size)) / mean > STEADY:
            return math.inf
        far = abs(math.log(mean / abs(step.value)))
        if far > math.log1p(SAME_CURRENT):
            return math.inf
    cut_off = step.lower if sign > 0 else step.upper
    known = segment.voltage[np.isfinite(segment.voltage)]
    if cut_off is not None and len(known) > 1:
        far += abs(float(known[-1]) - cut_off)
    return far


def _why_unmatched(segment: Segment, cases: Sequence[Case]) -> str:
    """Return why a measured step has no counterpart in any case, in a few words."""
    i = segment.current
    if np.isnan(i).any():
        return "its current is not stated, and the experiment has none to fit"
    mean = float(np.mean(np.abs(i))) if len(i) else 0.0
    if mean > 0 and float(np.std(np.abs(i))) / mean > STEADY:
        return "its current varies: --own-current drives the cell with it"
    sign = segment.direction
    known = sorted(
        {
            round(abs(step.value) / float(case.cell.area) * UA, 6)
            for case in cases
            for step in case.protocol.steps
            if step.control == "current" and sign * step.value > 0
        }
    )
    has = ", ".join(f"{v:.4g}" for v in known[:8]) + (", ..." if len(known) > 8 else "")
    flows = f"its current is {mean * UA:.4g} uA/cm2"
    if not known:
        return f"{flows}; the experiment's cycles have no {segment.kind}"
    return f"{flows}; the experiment has {segment.kind}s at {has} uA/cm2"


# --- Spectra of an experiment ------------------------------------------------------


def _place_spectra(file: Measured, found: Places) -> None:
    """Place the spectra of a file, each at the step that is nearest to its state."""
    steps = [
        (case, k)
        for case in found.expanded.cases[:MOST_CASES]
        for k, step in enumerate(case.protocol.steps)
        if step.frequencies
    ]
    why = "the experiment's cycles have no step 'EIS'"
    if steps:
        why = "the experiment has no further step 'EIS'{}"
    for spectrum in file.spectra:
        ranks = [_rank(*at, spectrum) for at in steps]
        if min(ranks, default=math.inf) < math.inf:
            case, k = steps.pop(ranks.index(min(ranks)))
            found.spectra.append(Place(file.name, spectrum, case.name, (k,)))
            continue
        said = ((spectrum.voltage, "voltage"), (spectrum.temperature, "temperature"))
        state = " and ".join(units.text(x, name) for x, name in said if x is not None)
        reason = why.format(f" at {state}" if state else "")
        found.unmatched.append((file.name, spectrum.name, reason))


def _rank(case: Case, at: int, spectrum: Spectrum) -> float:
    """Return how far a step is from the state of a spectrum; infinite if too far."""
    step, V, T = case.protocol.steps[at], spectrum.voltage, spectrum.temperature
    own = case.cell.temperature if step.temperature is None else step.temperature
    rank = 0.0 if T is None else round(abs(T - own)) / SAME_TEMPERATURE
    if V is not None and step.control != "voltage":
        return rank + 1 if rank <= 1 else math.inf
    off = 0.0 if V is None else abs(step.value - V)
    return rank if rank <= 1 and off <= SAME_VOLTAGE else math.inf


def _at_measured(case: Case, spectra: Sequence[Place[Spectrum]]) -> Case:
    """Return a case whose steps with a measured spectrum have its frequencies."""
    steps = list(case.protocol.steps)
    for k in {place.steps[0] for place in spectra if place.case == case.name}:
        mine = (p for p in spectra if (p.case, p.steps) == (case.name, (k,)))
        every = np.unique(np.concatenate([p.measured.frequency for p in mine]))
        steps[k] = replace(steps[k], frequencies=tuple(map(float, every[::-1])))
    return replace(case, protocol=replace(case.protocol, steps=tuple(steps)))


# --- By the data's own current -----------------------------------------------------


def _records(file: Measured, base: Case, found: Places) -> list[Case]:
    """Return the records of a file as cases driven by their own current.

    One of a whole record; one for each curve of a table, for these do not follow one
    another: each goes from the state at the start.
    """
    every = list(file.segments)
    if any(np.isnan(s.current).any() for s in every):
        why = "its current is not stated, so it cannot drive the cell"
        found.unmatched += [(file.name, s.name, why) for s in every]
        return []
    whole = bool(every) and all(s.time is not None for s in every)
    cases = []
    for record in [every] if whole else [[s] for s in every]:
        name = file.name if whole else f"{file.name}, {record[0].name}"
        steps: list[Step] = []
        for segment in record:
            parts = driven_steps(segment, record, base.cell)
            at = tuple(range(len(steps), len(steps) + len(parts)))
            found.steps.append(Place(file.name, segment, name, at))
            steps += parts
        if steps:
            protocol = replace(base.protocol, steps=tuple(steps), cycles=1)
            cases.append(replace(base, name=name, protocol=protocol))
    return cases


def _at_rest(file: Measured, base: Case, found: Places) -> list[Case]:
    """Return the spectra of a file as cases of the cell at rest."""
    cases = []
    for spectrum in file.spectra:
        frequency = tuple(map(float, spectrum.frequency))
        step = Step("EIS at rest", "current", 0.0, 0.0, True, frequencies=frequency)
        state = {
            "cathode.initial_voltage": spectrum.voltage,
            "temperature": spectrum.temperature,
        }
        try:
            cell = base.cell.replace({k: v for k, v in state.items() if v is not None})
        except InputError as error:
            found.unmatched.append((file.name, spectrum.name, error.message))
            continue
        place = Place(file.name, spectrum, f"{file.name}, {spectrum.name}", (0,))
        protocol = replace(base.protocol, steps=(step,), cycles=1, conditioning=())
        cases.append(replace(base, name=place.case, cell=cell, protocol=protocol))
        found.spectra.append(place)
    return cases

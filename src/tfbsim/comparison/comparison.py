"""Measured curves beside simulated ones: which belong together, and how they differ.

The protocol is the experiment's, or the data's own current.  What was measured finds its
place (:mod:`.matching`), the cases that are needed are run (:mod:`.replay`), and both are
put together (:mod:`.residuals`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pandas as pd

from ..cell.fitted import status
from ..data.mapping import Mapping as DataMapping
from ..data.measured import CHARGE, DISCHARGE, HOLD, Measured, Segment, mean_current
from ..data.read import Source, read_all
from ..errors import count
from ..experiment.cases import Case, Expanded
from ..experiment.provenance import provenance
from ..experiment.settings import numerics_of
from ..numerics import Numerics
from ..output import Output
from ..result.csv_file import csv
from ..solver.records import AUDIT_BREACH, REACHED, StepRecord
from ..yaml_file import Document
from .matching import Place, Places, digest, places
from .own_current import experiment_or_cell, unlike
from .replay import Replay, joined
from .residuals import (
    OVERLAY_COLUMNS,
    SPECTRA_COLUMNS,
    Pair,
    SpectrumPair,
    at_frequencies,
    table,
)

Progress = Callable[[int, int], None]
COMPARISON, OVERLAY = "comparison.csv", "overlay.csv"
IMPEDANCE = "impedance.csv"
ELSEWHERE = 3.0  # K between measured and simulated that is worth a word
FAR = 0.1  # V between the starts of both that is worth a word
NO_DURATION = "its samples share one time: a step of no duration"


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` returns.

    Parameters
    ----------
    measured : list of Measured
        As read.
    pairs : list of Pair
        In the order of the files.
    unreadable : list of str
        A sentence for each file that could not be read.
    unmatched : list of tuple of str
        File, step and why it has no counterpart.
    otherwise : list of str
        Simulated steps that ended otherwise than asked.
    notes : list of str
        What else is worth knowing.
    provenance : dict
        What it takes to repeat it.
    spectra : list of SpectrumPair
        Measured spectra with simulated ones beside them.
    """

    measured: list[Measured]
    pairs: list[Pair]
    unreadable: list[str] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    spectra: list[SpectrumPair] = field(default_factory=list)

    @property
    def as_asked(self) -> bool:
        """Whether every file was read and compared, and every step ended as asked."""
        compared = {pair.file for pair in self.pairs}
        compared |= {pair.place.file for pair in self.spectra}
        # Spectra that no step measures are drawn, and that is said
        empty = [m for m in self.measured if m.segments and m.name not in compared]
        return bool(compared) and not (self.unreadable or self.otherwise or empty)

    @property
    def table(self) -> pd.DataFrame:
        """A row per compared step; the columns of ``comparison.csv``."""
        return table(self.pairs)

    @property
    def overlay(self) -> pd.DataFrame:
        """Every measured point with the simulated voltage there; ``overlay.csv``."""
        return _below([pair.overlay for pair in self.pairs], OVERLAY_COLUMNS)

    @property
    def impedance(self) -> pd.DataFrame:
        """Every measured frequency with the simulated impedance; ``impedance.csv``."""
        return _below([pair.table for pair in self.spectra], SPECTRA_COLUMNS)

    def note(self, sentence: str) -> None:
        """Tell something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def plot(self) -> dict[str, Any]:
        """Return the figures of the report, by name (matplotlib)."""
        return resolve_name("tfbsim.plot.comparison:figures")(self)

    def save(self, folder: str | Path) -> None:
        """Write tables, figures, report and provenance, each whole or not at all."""
        output = Output(folder)
        output.write(COMPARISON, csv(self.table), len(self.table))
        output.write(OVERLAY, csv(self.overlay), len(self.overlay))
        if self.spectra:
            output.write(IMPEDANCE, csv(self.impedance), len(self.impedance))
        output.seal(self.provenance)
        resolve_name("tfbsim.report.comparison:write_report")(self, output.folder)


def _below(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(parts, ignore_index=True)


def compare(
    experiment: str | Path | Document | Expanded,
    data: Sequence[Source] | Source,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    mapping: str | Path | DataMapping | Mapping[str, Any] | None = None,
    own_current: bool = False,
    numerics: Numerics | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Compare measured files with an experiment.

    Parameters
    ----------
    experiment : str, Path, Document or Expanded
        A shipped experiment or a file; or a cell, whose protocol then is the data's own
        current.
    data : path, DataFrame, Measured, or a sequence of them
        What was measured; a DataFrame has the columns of a file.
    cell, changes
        As :func:`tfbsim.run_experiment`.
    mapping : optional
        For the files (:func:`tfbsim.read_measured`).
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning.
    numerics : Numerics or mapping, optional
        Mesh and tolerances; by default those the experiment names.
    folder : path, optional
        Where to write the result.
    progress : callable, optional
        Called with the number of simulations done and of all.
    command : str
        Command line that repeats it, for the provenance.

    Returns
    -------
    Comparison
        ``table`` (pandas), ``overlay``, ``pairs``, ``plot``, ``save``.

    Raises
    ------
    InputError
        The experiment or the cell is not valid, or no file could be read.
    """
    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    numerics = numerics_of(numerics, expanded.experiment.numerics)
    base = expanded.cases[0].cell
    measured, unreadable = read_all(data, base, mapping)
    where = places(measured, expanded, own_current)
    found = Comparison(measured, [], unreadable, where.unmatched, notes=where.notes)
    audit = _simulate(found, where, numerics, progress)
    about = provenance(
        *(expanded.document, expanded.cells, numerics),
        *(expanded.cell, expanded.changes, command),
    )
    about["protocol"] = "the data's own current" if own_current else "the experiment's"
    about["audit"] = audit
    about["notes"] = found.notes
    about["data"] = [_about(m) for m in measured]
    about["unreadable"] = unreadable
    about["unmatched"] = [" | ".join(row) for row in found.unmatched]
    found.provenance.update(about)
    if folder:
        found.save(folder)
    return found


def _about(measured: Measured) -> dict[str, Any]:
    """Return what the provenance says of a file."""
    sha256 = ""
    with suppress(OSError):
        sha256 = hashlib.sha256(measured.path.read_bytes()).hexdigest()
    numbers = {"steps": len(measured.segments), "spectra": len(measured.spectra)}
    known = {"file": measured.name, "sha256": sha256}
    return {**known, **numbers, "notes": list(measured.notes)}


# --- Measured and simulated --------------------------------------------------------


def _simulate(
    found: Comparison, where: Places, numerics: Numerics, progress: Progress | None
) -> dict[str, float]:
    """Run the cases that what was measured belongs to; put both together.

    Returns the largest balance errors of the cycles that were simulated.
    """
    cases = {case.name: case for case in where.expanded.cases}
    first = where.expanded.cases[0]
    wanted: dict[str, int] = {}  # cycles of each case
    every: list[Place[Any]] = [*where.steps, *where.spectra]
    for place in every:
        if place.steps:
            wanted[place.case] = max(wanted.get(place.case, 1), place.cycle)
    replay, records = Replay(numerics), {}
    audit: dict[str, float] = {}
    for k, name in enumerate(name for name in cases if name in wanted):
        case = cases[name]
        cycles = replay.cycles(
            case.cell, case.protocol, min(wanted[name], case.protocol.cycles)
        )
        records[name] = cycles
        for book in ("lithium balance error", "charge balance error"):
            errors = [getattr(cycle, book.replace(" ", "_")) for cycle in cycles]
            audit[book] = max(audit.get(book, 0.0), *errors)
        if any(cycle.outcome == AUDIT_BREACH for cycle in cycles):
            found.otherwise.append(f"{name}: {AUDIT_BREACH}")
        for warning in case.cell.warnings():
            found.note(f"{case.cell.name}: {warning}")
        if progress:
            progress(k + 1, len(wanted))
    pairs: dict[str, list[Pair]] = {}
    for place in where.steps:
        case, cycles = cases.get(place.case, first), records.get(place.case, [])
        of = cycles[min(place.cycle, len(cycles)) - 1].steps if cycles else ()
        pair = _pair(found, place, case, [of[k] for k in place.steps], where)
        if pair is not None:
            found.pairs.append(pair)
            pairs.setdefault(place.case, []).append(pair)
    for spectrum in where.spectra:
        step = records[spectrum.case][0].steps[spectrum.steps[0]]
        if step.spectrum is None:
            found.note(f"{spectrum.label}: {step.outcome} ({step.detail})")
            continue
        Z = at_frequencies(spectrum.measured, step.spectrum)
        found.spectra.append(SpectrumPair(spectrum, step.spectrum.voltage, Z))
        if step.detail:
            found.note(f"{spectrum.label}: {step.detail}")
    if where.own_current:
        for file in found.measured:
            if any(place.file == file.name for place in where.steps):
                _tell_window(found, file, first)
        for case in where.expanded.cases:
            mine = [place for place in where.steps if place.case == case.name]
            if mine:
                _tell_record(found, mine, case, pairs.get(case.name, []))
    return audit


def _pair(
    found: Comparison,
    place: Place[Segment],
    case: Case,
    parts: Sequence[StepRecord],
    where: Places,
) -> Pair | None:
    """Return a measured step and the steps that simulate it, or say why there is none."""
    file, segment, cell = place.file, place.measured, case.cell
    flowing = segment.kind in (CHARGE, DISCHARGE)
    other = next((p for p in parts if p.outcome != REACHED), None)
    if other is not None:
        detail = f" ({other.detail})" if other.detail else ""
        sentence = f"{case.name}: '{other.step.text}': {other.outcome}{detail}"
        if sentence not in found.otherwise:
            found.otherwise.append(sentence)
    T, own = segment.temperature, float(cell.temperature)
    if T is not None and abs(T - own) > ELSEWHERE:
        measured_at, at = (f"{x - 273.15:.1f} degC" for x in (T, own))
        found.note(f"{file}: measured at {measured_at}, simulated at {at}.")
    simulated = joined(parts, segment.kind, float(cell.area))
    if simulated is None:
        why = NO_DURATION
        if parts:
            why = f"the simulated step was {parts[0].outcome}: {parts[0].detail}"
        found.unmatched.append((file, segment.name, why))
        return None
    if len(simulated.voltage) < 2 and flowing:
        found.note(
            f"{file}, {segment.name}: the simulated cell cannot follow: it begins at "
            f"{simulated.voltage[0]:.3f} V, where {segment.voltage.min():.3f} to "
            f"{segment.voltage.max():.3f} V was measured."
        )
    step, end = parts[-1].step, float(simulated.voltage[-1])
    at_cut_off = step.control != "voltage" and any(
        V is not None and abs(end - V) < 1e-3 for V in (step.lower, step.upper)
    )
    i, charge = abs(mean_current(segment)), 3600 * float(segment.capacity[-1])
    data = (segment.kind, segment.cycle, i, charge, digest(segment))
    return Pair(
        *(file, segment, simulated, where.base if where.own_current else case.name),
        i / cell.one_c_current_density,
        not where.own_current and at_cut_off,
        REACHED if other is None else other.outcome,
        status(cell.fitted, *data) if flowing else "",
    )


# --- By the data's own current -----------------------------------------------------


def _tell_window(found: Comparison, measured: Measured, case: Case) -> None:
    """Tell where a record lies beyond the voltages that the cell takes."""
    low, high = case.cell.voltage_limits
    lowest = min(float(s.voltage.min()) for s in measured.segments)
    highest = max(float(s.voltage.max()) for s in measured.segments)
    if lowest < low - FAR or highest > high + FAR:
        found.note(
            f"{measured.name} goes from {lowest:.3f} to {highest:.3f} V, and "
            f"{case.cell.name} from {low:g} to {high:g} V alone: beyond, the simulated "
            "cell cannot follow."
        )


def _tell_record(
    found: Comparison, mine: Sequence[Place[Segment]], case: Case, pairs: Sequence[Pair]
) -> None:
    """Tell how well constant currents stand for a record, and whether its start fits."""
    file, steps = mine[0].file, case.protocol.steps
    split = [(p.measured, [steps[k] for k in p.steps]) for p in mine if len(p.steps) > 1]
    if split:
        off = max(unlike(segment, parts) for segment, parts in split)
        number = count(len(split), "step")
        found.note(
            f"{file}: in {number} the current varies; constant ones of the same charge "
            f"stand for it, {100 * off:.2g} % rms off."
        )
    first = next((p for p in pairs if p.measured.kind != HOLD), None)
    if first is not None and len(first.measured.voltage) > 1:
        here, there = first.measured.voltage[0], first.simulated.voltage[0]
        if abs(here - there) > FAR:
            found.note(
                f"{file} begins at {here:.3f} V, the simulated cell at "
                f"{there:.3f} V: --set cathode.initial_voltage sets its state."
            )

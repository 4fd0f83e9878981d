"""Measured curves beside simulated ones: which belong together, and how they differ.

The protocol is the experiment's, or the data's own current.  What was measured finds its
place (:mod:`.places`), the cases that are needed are run (:mod:`.replay`), and both are
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

import numpy as np
import pandas as pd

from ..cell.cell import Cell
from ..cell.fitted import status
from ..data.mapping import AnyMapping
from ..data.measured import HOLD, Measured, Segment, Spectrum
from ..data.read import Source, read_all
from ..errors import count
from ..experiment.cases import Case
from ..experiment.expand import Expanded
from ..experiment.settings import numerics_of
from ..numerics import Numerics
from ..output import Output
from ..result.csv_file import csv
from ..solver.records import AUDIT_BREACH, REACHED, StepRecord
from ..yaml_file import Document
from .measured_current import experiment_or_cell, unlike
from .places import Place, Places, places
from .replay import Replay, segment_of
from .residuals import Pair, SpectrumPair, at_frequencies, impedances, overlays, table

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
    provenance: dict[str, object] = field(default_factory=dict)
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
        return overlays(self.pairs)

    @property
    def impedance(self) -> pd.DataFrame:
        """Every measured frequency with the simulated impedance; ``impedance.csv``."""
        return impedances(self.spectra)

    def note(self, sentence: str) -> None:
        """Add a note, once."""
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


def compare(
    experiment: str | Path | Document | Expanded,
    data: Sequence[Source] | Source,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    mapping: AnyMapping | None = None,
    own_current: bool = False,
    numerics: Numerics | Mapping[str, object] | None = None,
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
    data : path, DataFrame, Measured, Result, or a sequence of them
        What was measured; a DataFrame has the columns of a file, a result stands for its
        cases.
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
    found.provenance.update(
        **expanded.provenance(numerics, command),
        protocol="the data's own current" if own_current else "the experiment's",
        audit=audit,
        notes=found.notes,
        data=[_about(m) for m in measured],
        unreadable=unreadable,
        unmatched=[" | ".join(row) for row in found.unmatched],
    )
    if folder:
        found.save(folder)
    return found


def _about(measured: Measured) -> dict[str, object]:
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
    wanted: dict[str, int] = {}  # cycles of each case
    places: list[Place[Segment] | Place[Spectrum]] = [*where.steps, *where.spectra]
    for place in places:
        if place.steps:
            wanted[place.case] = max(wanted.get(place.case, 1), place.cycle)
    replay, records = Replay(numerics), {}
    for name in (name for name in cases if name in wanted):
        case = cases[name]
        last = min(wanted[name], case.protocol.cycles)
        records[name] = replay.cycles(case.cell, case.protocol, last)
        if any(cycle.outcome == AUDIT_BREACH for cycle in records[name]):
            found.otherwise.append(f"{name}: {AUDIT_BREACH}")
        for warning in case.cell.warnings():
            found.note(f"{case.cell.name}: {warning}")
        if progress:
            progress(len(records), len(wanted))
    first = where.expanded.cases[0]
    for place in where.steps:
        cycles = records.get(place.case, [])
        steps = cycles[min(place.cycle, len(cycles)) - 1].steps if cycles else ()
        _pair(found, place, cases.get(place.case, first), steps, where)
    for place in where.spectra:
        step = records[place.case][0].steps[place.steps[0]]
        if step.spectrum is None:
            found.note(f"{place.label}: {step.outcome} ({step.detail})")
            continue
        Z = at_frequencies(place.measured, step.spectrum)
        found.spectra.append(SpectrumPair(place, step.spectrum.voltage, Z))
        if step.detail:
            found.note(f"{place.label}: {step.detail}")
    if where.own_current:
        _tell_window(found, where, first.cell)
        for case in where.expanded.cases:
            _tell_record(found, [p for p in where.steps if p.case == case.name], case)
    cycles = [cycle for of_case in records.values() for cycle in of_case]
    books = ("lithium_balance_error", "charge_balance_error") if cycles else ()
    worst = {book: max(getattr(cycle, book) for cycle in cycles) for book in books}
    return {book.replace("_", " "): max(0.0, error) for book, error in worst.items()}


def _pair(
    found: Comparison,
    place: Place[Segment],
    case: Case,
    steps: Sequence[StepRecord],
    where: Places,
) -> None:
    """Add a measured step with those that simulate it, or say why there is none."""
    file, segment, cell = place.file, place.measured, case.cell
    parts = [steps[k] for k in place.steps]
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
    simulated = segment_of(parts, segment.kind, float(cell.area))
    if simulated is None:
        failed = (
            f"the simulated step was {other.outcome}: {other.detail}" if other else ""
        )
        found.unmatched.append((file, segment.name, failed or NO_DURATION))
        return
    if len(simulated.voltage) < 2 and segment.flowing:
        found.note(
            f"{file}, {segment.name}: the simulated cell cannot follow: it begins at "
            f"{simulated.voltage[0]:.3f} V, where {segment.voltage.min():.3f} to "
            f"{segment.voltage.max():.3f} V was measured."
        )
    step, end = parts[-1].step, float(simulated.voltage[-1])
    cut_offs = (step.lower, step.upper) if step.control != "voltage" else ()
    at_cut_off = any(V is not None and abs(end - V) < 1e-3 for V in cut_offs)
    i, charge = abs(segment.mean_current), 3600 * float(segment.capacity[-1])
    data = (segment.kind, segment.cycle, i, charge, segment.digest)
    pair = Pair(
        *(file, segment, simulated, where.base if where.own_current else case.name),
        i / cell.one_c_current_density,
        not where.own_current and at_cut_off,
        REACHED if other is None else other.outcome,
        status(cell.fitted, *data) if segment.flowing else "",
    )
    found.pairs.append(pair)


# --- By the data's own current -----------------------------------------------------


def _tell_window(found: Comparison, where: Places, cell: Cell) -> None:
    """Tell where records lie beyond the voltages that the cell takes."""
    low, high = cell.voltage_limits
    for file in dict.fromkeys(place.file for place in where.steps):
        volts = [p.measured.voltage for p in where.steps if p.file == file]
        lowest, highest = (float(f(np.concatenate(volts))) for f in (np.min, np.max))
        if lowest < low - FAR or highest > high + FAR:
            found.note(
                f"{file} goes from {lowest:.3f} to {highest:.3f} V, and {cell.name} from "
                f"{low:g} to {high:g} V alone: beyond, the simulated cell cannot follow."
            )


def _tell_record(found: Comparison, mine: Sequence[Place[Segment]], case: Case) -> None:
    """Tell how well constant currents stand for a record, and whether its start fits."""
    steps, own = case.protocol.steps, {id(place.measured) for place in mine}
    split = [(p.measured, [steps[k] for k in p.steps]) for p in mine if len(p.steps) > 1]
    if split:
        off = max(unlike(segment, parts) for segment, parts in split)
        number = count(len(split), "step")
        found.note(
            f"{mine[0].file}: in {number} the current varies; constant ones of the same "
            f"charge stand for it, {100 * off:.2g} % rms off."
        )
    pairs = (p for p in found.pairs if id(p.measured) in own and p.measured.kind != HOLD)
    first = next(pairs, None)
    if first is not None and len(first.measured.voltage) > 1:
        starts = first.measured.voltage[0], first.simulated.voltage[0]
        if abs(starts[0] - starts[1]) > FAR:
            found.note(
                f"{first.file} begins at {starts[0]:.3f} V, the simulated cell at "
                f"{starts[1]:.3f} V: --set cathode.initial_voltage sets its state."
            )

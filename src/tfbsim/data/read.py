"""From a file of measurements to steps, curves and spectra per area, in SI.

File -> tables (:mod:`formats`) -> samples of one clock (:mod:`raw_record`,
:mod:`time_order`), with a sign (:mod:`signs`) -> steps (:mod:`steps`) and their charges
(:mod:`charge`); or :mod:`capacity_tables`, or :mod:`spectra`.  Every conversion, guess
and mend is told in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd

from .. import units
from ..cell.cell import Cell
from ..errors import InputError, count
from ..yaml_file import load
from .capacity_tables import curves
from .charge import segments
from .formats import load_tables, table_of_frame
from .headings import unnumbered
from .mapping import AnyMapping, Mapping, load_mapping
from .measured import HOLD, REST, Measured, Segment, Spectrum
from .raw_record import at_switching, raw_record
from .signs import flowing, signed
from .spectra import frequencies, spectra
from .steps import FALLS, HELD, cycles, steps
from .table import CHARGES, FRAME, TIMES, File, Table, roles, sets
from .time_order import in_order

FLOWS = {"current", "increment", "net_capacity"}


@runtime_checkable
class HasRecords(Protocol):
    """A result, whose cases are records too."""

    @property
    def records(self) -> list[Measured]: ...
    @property
    def samples(self) -> pd.DataFrame: ...


Source: TypeAlias = str | Path | pd.DataFrame | Measured | HasRecords

# A step that passes this many times what the cell can hold was misread; from the lower
# on it is worth a word
MISREAD, ODD = 30.0, 1.5
# What a charge is wrong by, and why
SLIPS = {
    1e3: "a unit with the wrong prefix, such as mA for uA",
    1e6: "A for uA",
    3600.0: "a time in seconds read as hours",
    60.0: "a time in seconds read as minutes",
    1e4: "a current per m2 read as per cm2, or the wrong area",
}


def read_measured(
    path: str | Path | pd.DataFrame,
    cell: Cell | None = None,
    mapping: AnyMapping | None = None,
) -> Measured:
    """Read a file of measurements.

    Text tables of any common layout with names of the Battery Data Format, of cyclers or
    by a mapping; BioLogic .mpt; NEWARE .nda and .ndax and BioLogic .mpr with the extras
    ``neware`` and ``biologic``.  A record has time, voltage and current; a curve voltage
    and capacity; a spectrum frequency and both parts of the impedance.

    Parameters
    ----------
    path : str, Path or DataFrame
        The file, or its table.
    cell : Cell, optional
        Gives the area, loading and 1C where no mapping does, and the charge by which a
        wrong unit shows.
    mapping : path, Mapping or dict, optional
        What the file does not say of itself (docs/files.md).  Without it, a YAML file of
        that kind with the data file's own name beside it is used.

    Returns
    -------
    Measured
        Steps per area, in SI, discharge positive; ``notes`` tell what was converted,
        guessed and mended.

    Raises
    ------
    InputError
        The file or mapping cannot be read, or its charge is no cell's.
    """
    frame = path if isinstance(path, pd.DataFrame) else None
    where = Path(FRAME) if isinstance(path, pd.DataFrame) else Path(path)
    beside = _beside(where) if frame is None and mapping is None else None
    file = File(where, load_mapping(beside or mapping or Mapping()), cell)
    if beside:
        file.note(f"Read with {beside.name}.")
    tables = load_tables(file) if frame is None else [table_of_frame(file, frame)]
    found, impedances = _of_tables(_joined(_apart(tables)))
    if found and not impedances and not any(s.current.any() for s in found):
        file.note("No current flows anywhere in it.", True)
    if cell is not None:
        _check_charge(found, cell, file)
    about = tuple(file.notes), tuple(impedances), tuple(file.doubts)
    return Measured(where.name, where, tuple(found), *about)


def _apart(tables: Sequence[Table]) -> list[Table]:
    """Return tables, records that stand side by side in one as several."""
    found: list[Table] = []
    for table in tables:
        how, beside = table.file.how, sets(table.names)
        if how.curves or how.columns.model_fields_set or len(beside) == 1:
            found.append(table)
            continue
        table.file.note(
            f"{len(beside)} sets of columns stand side by side: read one after another."
        )
        for columns in beside:
            names = tuple(unnumbered(table.names[k]) for k in columns)
            there = [k for k in columns if k in table.data]
            data = table.data[there].set_axis([columns.index(k) for k in there], axis=1)
            data = data.dropna(subset=[roles(names)["voltage"]], ignore_index=True)
            found.append(replace(table, names=names, data=data))
    return found


def _joined(tables: Sequence[Table]) -> list[Table]:
    """Return tables, a record that is continued under the same headings as one."""
    joined: list[Table] = []
    for table in tables:
        before = joined[-1] if joined else None
        timed = {"time", "step_time"} & roles(table.names).keys()
        if before and before.names == table.names and timed:
            data = pd.concat([before.data, table.data], ignore_index=True)
            joined[-1] = replace(before, data=data, lost=before.lost + table.lost)
        else:
            joined.append(table)
    return joined


def _of_tables(tables: Sequence[Table]) -> tuple[list[Segment], list[Spectrum]]:
    """Return the steps and spectra of the tables of a file, in their order."""
    file = tables[0].file
    found: list[Segment] = []
    impedances: list[Spectrum] = []
    unread: list[tuple[str, InputError]] = []
    for k, table in enumerate(tables):
        file.left_out(table.lost, len(table.data) + table.lost)
        try:
            steps, of_table = _of_table(table)
        except InputError as error:
            unread.append((f"Table {table.title or k + 1}", error))
            known = roles(table.names).keys()
            if not {"voltage", "current"} <= known and "frequency" not in known:
                unread[-1] = ("", error)
            continue
        after = max((s.end for s in found), default=0.0)
        cycle = max((s.cycle for s in found), default=0)
        found += [replace(s, start=s.start + after, cycle=s.cycle + cycle) for s in steps]
        last = max((s.end for s in found), default=0.0)
        still = [s for s in found if s.kind in (REST, HOLD) and s.end == last]
        if still:  # that the spectrum was measured after
            V = float(still[0].voltage[-1])
            of_table = [z if z.voltage else replace(z, voltage=V) for z in of_table]
        impedances += of_table
    if not found and not impedances:
        raise unread[0][1]
    for which, why in unread:
        if which:
            file.note(f"{which} was left out: {why.message}.", True)
    named = [replace(z, name=f"spectrum {k}") for k, z in enumerate(impedances, start=1)]
    volts = [(z.name, z.voltage) for z in named if z.voltage is not None]
    if file.how.voltage is None and volts:
        said = (f"{name} at {units.text(V, 'voltage')}" for name, V in volts[:9])
        file.note(f"By the file itself {', '.join(said)}.")
    return found, named


def _of_table(table: Table) -> tuple[Sequence[Segment], Sequence[Spectrum]]:
    """Return the steps and the spectra of one table, which may hold both."""
    columns, file = table.columns, table.file
    f = frequencies(table)
    found = () if f is None else spectra(table, f)
    if f is not None:
        others = np.isnan(f)
        if not columns.keys() & {*TIMES} or others.sum() < 2:
            if others.any():
                left = count(int(others.sum()), "row")
                file.note(f"Left out {left} without a frequency above 0.")
            return (), found
        rows = table.data[others].dropna(how="all", ignore_index=True)
        table = replace(table, data=rows)
    timed = bool(columns.keys() & {*TIMES}) and "voltage" in columns
    timed = timed or (not found and _of_charge(table))
    if not timed or not (columns.keys() & FLOWS or table.layout in ("EC-Lab", "Gamry")):
        return (() if found else curves(table)), found
    try:
        return _record(table), found
    except InputError as error:
        if not found:
            raise
        left = count(len(table.data), "row")
        said = f"{left} beside the spectrum were left out: {error.message}."
        file.note(said, True)
        return (), found


def _record(table: Table) -> tuple[Segment, ...]:
    """Return the steps of a cycler's record."""
    file = table.file
    rows = at_switching(in_order(raw_record(table), file), file)
    flow = flowing(rows)
    if flow.any():
        rows = replace(rows, i=signed(rows, flow, table))
    found = steps(rows, flow)
    kept = [s for s in found if len(s) >= 2]
    alone = len(found) - len(kept)
    said = f"Left out {count(alone, 'step')} of a single sample."
    file.left_out(alone, len(rows), said)
    if not kept:
        raise file.error("holds no step of at least two samples")
    return segments(rows, kept, cycles(rows, kept), file)


def _of_charge(table: Table) -> bool:
    """Return whether a table without a time is a record: of several steps, or a hold."""
    how, columns = table.file.how, table.columns
    if how.curves or how.current or how.direction or columns.keys() & {*TIMES}:
        return False
    if not ({"voltage", "current"} <= columns.keys() and columns.keys() & {*CHARGES}):
        return False
    i, V = (table.quantity(role).values for role in ("current", "voltage"))
    known = np.isfinite(i) & np.isfinite(V)
    i, V = i[known], V[known]
    if columns.keys() & {"step", "step_type"} or ((i > 0).any() and (i < 0).any()):
        return True
    size = np.abs(i)
    falls = (size[1:] < (1 - FALLS) * size[:-1]) & (np.abs(np.diff(V)) <= HELD)
    return bool((falls[1:] & falls[:-1]).any())


def read_all(
    sources: Sequence[Source] | Source,
    cell: Cell | None,
    mapping: AnyMapping | None = None,
) -> tuple[list[Measured], list[str]]:
    """Read files by the same mapping; what is read already stays as it is.

    Returns what was measured, each of a name of its own, and a sentence for each file
    that could not be read, or was read with a doubt that matters.

    Raises
    ------
    InputError
        There is none, or none could be read.
    """
    if isinstance(sources, str | Path | pd.DataFrame | Measured | HasRecords):
        sources = [sources]
    measured: list[Measured] = []
    unreadable: list[str] = []
    errors: list[InputError] = []
    names: list[str] = []
    every: list[str | Path | pd.DataFrame | Measured] = []
    for source in sources:
        every += source.records if isinstance(source, HasRecords) else [source]
    for found in every:
        try:
            if not isinstance(found, Measured):
                found = read_measured(found, cell, mapping)
        except InputError as error:
            errors.append(error)
            unreadable.append(str(error))
            continue
        names.append(found.name)
        if (number := names.count(found.name)) > 1:  # of the same name elsewhere
            folder = found.path.parent.name or str(number)
            found = replace(found, name=f"{folder}/{found.name}")
        measured.append(found)
        unreadable += [f"{found.name}: {sentence}" for sentence in found.doubts]
    if not sources:
        raise InputError("there are no data", field="data")
    if not measured:
        raise errors[0] if len(sources) == 1 else InputError("; ".join(unreadable))
    return measured, unreadable


def _beside(path: Path) -> Path | None:
    """Return a mapping with the file's own name beside it, if there is one."""
    for suffix in (".yaml", ".yml"):
        candidate = path.with_suffix(suffix)
        try:
            there = candidate != path and candidate.is_file()
        except (OSError, ValueError):
            return None
        if there and load(candidate).data.get("kind") == "mapping":
            return candidate
    return None


def _check_charge(found: Sequence[Segment], cell: Cell, file: File) -> None:
    """Compare the largest charge of a step with what the cell can hold."""
    largest = max((float(s.capacity[-1]) for s in found), default=0.0)
    holds = cell.theoretical_charge / 3600
    ratio = largest / holds
    odd = max(ratio, 1 / ratio) if largest > 0 else 1.0
    if odd < (ODD if ratio > 1 else MISREAD):
        return
    slip = min(SLIPS, key=lambda f: abs(math.log(odd / f)))
    like = f": {SLIPS[slip]}?" if abs(math.log10(odd / slip)) < 0.6 else "."
    passed, whole = (units.text(3600 * q, "areal charge") for q in (largest, holds))
    if ratio >= MISREAD:
        raise file.error(
            f"its largest step passes {passed}, {ratio:.3g} times all that "
            f"{cell.name} can hold ({whole}){like} Units, area and loading "
            "can be given in a mapping"
        )
    than = f"1/{odd:.3g} of what {cell.name} can hold ({whole}){like}"
    if ratio > 1:
        than = f"more than {cell.name} can hold ({whole}): another cell, area or loading?"
    file.note(f"The largest step passes {passed}, {than}")

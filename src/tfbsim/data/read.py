"""From a file of measurements to steps, curves and spectra per area, in SI.

Every conversion, guess and mend is told in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .. import units
from ..cell.cell import Cell
from ..errors import InputError, count
from ..yaml_file import load
from .columns import CHARGES, TIMES, find_columns, quantity, roles, sets
from .curves import curves
from .formats import load_tables, table_of_frame
from .headings import unnumbered
from .mapping import Mapping, load_mapping
from .measured import HOLD, REST, Measured, Segment, Spectrum
from .record import record
from .remarks import Remarks
from .samples import too_many
from .spectra import frequencies, spectra
from .steps import FALLS, HELD
from .table import FRAME, Table
from .units_per_area import PerArea, per_area_of

FLOWS = {"current", "increment", "net_capacity"}
Source: TypeAlias = str | Path | pd.DataFrame | Measured

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
    mapping: str | Path | Mapping | Dict[str, Any] | None = None,
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
    path = Path(FRAME) if isinstance(path, pd.DataFrame) else Path(path)
    remarks = Remarks()
    if frame is None and mapping is None and (beside := _beside(path)):
        mapping = beside
        remarks.note(f"Read with {beside.name}.")
    how = load_mapping(mapping) if mapping is not None else Mapping()
    if frame is None:
        tables = load_tables(path, how, remarks.notes)
    else:
        tables = [table_of_frame(frame)]
    per_area = per_area_of(how, cell, path, remarks)
    tables = _joined(_apart(tables, how, remarks))
    steps, found = _of_tables(tables, how, per_area, cell, remarks)
    if steps and not found and not any((s.current != 0).any() for s in steps):
        remarks.doubt("No current flows anywhere in it.")
    if cell is not None:
        _check_charge(steps, cell, path, remarks.notes)
    notes, doubts = (tuple(dict.fromkeys(x)) for x in (remarks.notes, remarks.doubts))
    return Measured(path.name, path, steps, notes, found, doubts)


def _apart(tables: Sequence[Table], how: Mapping, remarks: Remarks) -> list[Table]:
    """Return tables, records that stand side by side in one as several."""
    if how.curves or how.columns.model_fields_set:
        return list(tables)
    found: list[Table] = []
    for table in tables:
        beside = sets(table.names)
        if len(beside) == 1:
            found.append(table)
            continue
        remarks.note(
            f"{len(beside)} sets of columns stand side by side: read one after another."
        )
        for columns in beside:
            names = tuple(unnumbered(table.names[k]) for k in columns)
            there = [k for k in columns if k in table.data]
            data = table.data[there].set_axis([columns.index(k) for k in there], axis=1)
            own = roles(names)
            data = data.dropna(subset=[own["voltage"]], ignore_index=True)
            found.append(replace(table, names=names, data=data, notes=list(table.notes)))
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


def _of_tables(
    tables: Sequence[Table],
    how: Mapping,
    per_area: PerArea,
    cell: Cell | None,
    remarks: Remarks,
) -> tuple[tuple[Segment, ...], tuple[Spectrum, ...]]:
    """Return the steps and spectra of the tables of a file, in their order.

    Raises
    ------
    InputError
        None of them holds any.
    """
    steps: list[Segment] = []
    found: list[Spectrum] = []
    first: InputError | None = None
    unread: list[str] = []
    for k, table in enumerate(tables):
        remarks.notes += [x for x in table.notes if x not in remarks.notes]
        too_many(table.lost, len(table.data) + table.lost, remarks)
        try:
            more, spectra = _of_table(table, how, per_area, cell, remarks)
        except InputError as error:
            first = first or error
            known = roles(table.names)
            if {"voltage", "current"} <= known.keys() or "frequency" in known:
                unread.append(
                    f"Table {table.title or k + 1} was left out: {error.message}."
                )
            continue
        remarks.notes += [x for x in table.notes if x not in remarks.notes]
        after = max(map(_end, steps), default=0.0)
        cycle = max((s.cycle for s in steps), default=0)
        steps += [
            replace(s, start=s.start + after, cycle=s.cycle + cycle) if steps else s
            for s in more
        ]
        still = max((s for s in steps if s.kind in (REST, HOLD)), default=None, key=_end)
        if still is not None and _end(still) == max(map(_end, steps)):
            V = float(still.voltage[-1])  # that the spectrum was measured after
            spectra = tuple(z if z.voltage else replace(z, voltage=V) for z in spectra)
        found += spectra
    if not steps and not found:
        assert first is not None
        raise first
    for sentence in unread:
        remarks.doubt(sentence)
    named = [replace(z, name=f"spectrum {k}") for k, z in enumerate(found, start=1)]
    if how.voltage is None and (known := [z for z in named if z.voltage is not None]):
        said = (f"{z.name} at {units.text(z.voltage, 'voltage')}" for z in known[:9])
        remarks.note(f"By the file itself {', '.join(said)}.")
    return tuple(steps), tuple(named)


def _end(step: Segment) -> float:
    """Return when a step ended, since the start of its record [s]."""
    return step.start + (float(step.time[-1]) if step.time is not None else 0.0)


def _of_table(
    table: Table, how: Mapping, per_area: PerArea, cell: Cell | None, remarks: Remarks
) -> tuple[tuple[Segment, ...], tuple[Spectrum, ...]]:
    """Return the steps and the spectra of one table, which may hold both."""
    columns = find_columns(table, how)
    f = frequencies(table, how)
    found: tuple[Spectrum, ...] = ()
    if f is not None:
        found = spectra(table, f, how, per_area, remarks)
        others = np.isnan(f)
        if not columns.keys() & {*TIMES} or others.sum() < 2:
            if others.any():
                left = count(int(others.sum()), "row")
                remarks.note(f"Left out {left} without a frequency above 0.")
            return (), found
        rows = table.data[others].reset_index(drop=True)
        table = replace(table, data=rows.dropna(how="all", ignore_index=True))
    timed = bool(columns.keys() & {*TIMES}) and "voltage" in columns
    timed = timed or (not found and _of_charge(table, columns, how))
    if timed and (columns.keys() & FLOWS or table.layout in ("EC-Lab", "Gamry")):
        try:
            return record(table, how, per_area, remarks), found
        except InputError as error:
            if not found:
                raise
            left = count(len(table.data), "row")
            remarks.doubt(f"{left} beside the spectrum were left out: {error.message}.")
            return (), found
    if found:
        return (), found
    return curves(table, how, per_area, cell, remarks), ()


def _of_charge(table: Table, columns: Dict[str, int], how: Mapping) -> bool:
    """Return whether a table without a time is a record: of several steps, or a hold."""
    if how.curves or how.current or how.direction or columns.keys() & {*TIMES}:
        return False
    if not ({"voltage", "current"} <= columns.keys() and columns.keys() & {*CHARGES}):
        return False
    i = quantity(table, columns["current"], "current", how).values
    V = quantity(table, columns["voltage"], "voltage", how).values
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
    mapping: str | Path | Mapping | Dict[str, Any] | None = None,
) -> tuple[list[Measured], list[str]]:
    """Read files, by the same mapping.

    Parameters
    ----------
    sources : path, DataFrame, Measured, or a sequence of them
        What is read already stays as it is.
    cell, mapping
        As :func:`read`.

    Returns
    -------
    list of Measured, list of str
        Each of a name of its own; a sentence for each file that could not be read, or
        was read with a doubt that matters.

    Raises
    ------
    InputError
        There is none, or none could be read.
    """
    if isinstance(sources, str | Path | pd.DataFrame | Measured):
        sources = [sources]
    measured: list[Measured] = []
    unreadable: list[str] = []
    names: dict[str, int] = {}
    first: InputError | None = None
    for source in sources:
        try:
            found = (
                source
                if isinstance(source, Measured)
                else read_measured(source, cell, mapping)
            )
        except InputError as error:
            first = first or error
            unreadable.append(str(error))
            continue
        names[found.name] = names.get(found.name, 0) + 1
        if names[found.name] > 1:  # of the same name in another folder
            folder = found.path.parent.name or str(names[found.name])
            found = replace(found, name=f"{folder}/{found.name}")
        measured.append(found)
        unreadable += [f"{found.name}: {sentence}" for sentence in found.doubts]
    if not sources:
        raise InputError("there are no data", field="data")
    if not measured and first is not None:
        raise first if len(sources) == 1 else InputError("; ".join(unreadable))
    return measured, unreadable


def _beside(path: Path) -> Path | None:
    """A mapping with the file's own name beside it."""
    for suffix in (".yaml", ".yml"):
        candidate = path.with_suffix(suffix)
        try:
            there = candidate != path and candidate.is_file()
        except (OSError, ValueError):
            return None
        if there and load(candidate).data.get("kind") == "mapping":
            return candidate
    return None


def _check_charge(
    steps: tuple[Segment, ...], cell: Cell, path: Path, notes: list[str]
) -> None:
    """By its order of magnitude against what the cell can hold."""
    largest = max((float(s.capacity[-1]) for s in steps), default=0.0)
    holds = cell.theoretical_charge / 3600
    if largest <= 0:
        return
    ratio = largest / holds
    odd = max(ratio, 1 / ratio)
    if odd < ODD or (ratio < 1 and odd < MISREAD):
        return
    slip = min(SLIPS, key=lambda f: abs(math.log(odd / f)))
    like = f": {SLIPS[slip]}?" if abs(math.log10(odd / slip)) < 0.6 else ""
    passed = units.text(3600 * largest, "areal charge")
    all_of_it = units.text(3600 * holds, "areal charge")
    if ratio >= MISREAD:
        raise InputError(
            f"its largest step passes {passed}, {ratio:.3g} times all that "
            f"{cell.name} can hold ({all_of_it}){like or '.'} Units, area and loading "
            "can be given in a mapping",
            path,
        )
    if ratio > 1:
        notes.append(
            f"The largest step passes {passed}, more than {cell.name} can hold "
            f"({all_of_it}): another cell, area or loading?"
        )
    else:
        notes.append(
            f"The largest step passes {passed}, 1/{odd:.3g} of what {cell.name} can hold "
            f"({all_of_it}){like or '.'}"
        )

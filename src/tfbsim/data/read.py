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

import pandas as pd

from .. import units
from ..cell.cell import Cell
from ..errors import InputError
from ..yaml_file import load
from .columns import find_columns
from .curves import curves, spectra
from .mapping import Mapping, load_mapping
from .measured import Measured, Segment
from .record import segments
from .tables import FRAME, load_table, table_of_frame

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
    notes: list[str] = []
    if frame is None and mapping is None and (beside := _beside(path)):
        mapping = beside
        notes.append(f"Read with {beside.name}.")
    how = load_mapping(mapping) if mapping is not None else Mapping()
    table = load_table(path, how) if frame is None else table_of_frame(frame)
    notes += table.notes

    def per_area(dimension: str) -> float:
        return _per_area(dimension, how, cell, path, notes)

    columns = find_columns(table, how)
    if {"frequency", "real", "imaginary"} <= columns.keys():
        found = spectra(table, how, per_area, notes)
        return Measured(path.name, path, (), _once(notes), found)
    if {"time", "step_time"} & columns.keys() and {
        "voltage",
        "current",
    } <= columns.keys():
        steps = segments(table, how, per_area, notes)
    else:
        steps = curves(table, how, per_area, cell, notes)
    if cell is not None:
        _check_charge(steps, cell, path, notes)
    return Measured(path.name, path, steps, _once(notes))


def read_all(
    sources: Sequence[Source] | Source,
    cell: Cell,
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
        Each of a name of its own; a sentence for each file that could not be read.

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
    if not sources:
        raise InputError("there are no data", field="data")
    if not measured and first is not None:
        raise first if len(unreadable) == 1 else InputError("; ".join(unreadable))
    return measured, unreadable


def _once(notes: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


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


def _per_area(
    dimension: str, how: Mapping, cell: Cell | None, path: Path, notes: list[str]
) -> float:
    """Factor that makes a quantity of a dimension one per area."""
    if dimension in ("current density", "areal charge", "areal resistance"):
        return 1.0
    by_mass = dimension in ("specific current", "specific charge")
    field, own = ("loading", how.loading) if by_mass else ("area", how.area)
    value = own
    if value is None and cell is not None:
        value = cell.loading if by_mass else float(cell.area)
        size = units.text(value, "areal mass" if by_mass else "area")
        notes.append(f"Made per area with the cell's {field}, {size}.")
    if value is None:
        what = "per mass" if by_mass else "not per area"
        raise InputError(f"its values are {what}: give the {field} in a mapping", path)
    if by_mass:
        return value
    return value if dimension == "resistance" else 1 / value


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

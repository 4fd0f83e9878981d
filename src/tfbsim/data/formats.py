"""From a file to its tables: by its suffix, or by the first lines of a text.

One file a format: :mod:`eclab`, :mod:`gamry`, :mod:`neware`, :mod:`binary`; :mod:`text`
for every other: the Battery Data Format, Arbin, Maccor, Basytec, Novonix, Landt, ZView.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..errors import InputError, shown
from ..output import read_bytes
from . import eclab, gamry, neware
from .binary import READERS, binary_table
from .mapping import Mapping
from .table import FRAME, Table
from .text import decoded, text_tables

MAX_BYTES = 500 * 2**20


def table_of_frame(frame: pd.DataFrame) -> Table:
    """Return a DataFrame, whose columns are named as those of a file, as a table."""
    names = tuple(str(name) for name in frame.columns)
    data = frame.reset_index(drop=True).set_axis(range(len(names)), axis=1)
    if not len(data):
        raise InputError("holds no rows", FRAME)
    return Table(Path(FRAME), names, data)


def load_tables(path: Path, mapping: Mapping, notes: list[str]) -> list[Table]:
    """Return the tables of a file of any known format, at least one.

    Raises
    ------
    InputError
        The file cannot be read, or holds no table.
    """
    content = read_bytes(path, MAX_BYTES)
    suffix = path.suffix.lower()
    if suffix in READERS:
        return [binary_table(path, suffix)]
    if suffix in (".xlsx", ".xls", ".ods"):
        raise InputError("is a spreadsheet; save the sheet as CSV", path)
    if suffix == ".res":
        raise InputError("is an Arbin database; export it as CSV", path)
    text = decoded(content, path, mapping.encoding, notes)
    del content
    try:
        forms = (form for form in (eclab, gamry, neware) if form.is_one(text))
        read = getattr(next(forms, None), "tables", text_tables)
        found: list[Table] = read(path, text, mapping, notes)
        before = (found[0].line or 1) - 1
        head = "\n".join(text.split("\n", before)[:before])
        return [replace(table, head=head) for table in found]
    except csv.Error as error:
        message = f"cannot be read as a table ({shown(str(error))})"
        raise InputError(message, path) from None

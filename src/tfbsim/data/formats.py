"""From a file to its tables: by its suffix, or by the first lines of a text.

One file a format: :mod:`eclab`, :mod:`gamry`, :mod:`neware`, :mod:`binary`; :mod:`text`
for every other: the Battery Data Format, Arbin, Maccor, Basytec, Novonix, Landt, ZView.
"""

from __future__ import annotations

import csv
from dataclasses import replace

import pandas as pd

from ..errors import shown
from ..output import read_bytes
from . import eclab, gamry, neware
from .binary import READERS, binary_table
from .table import File, Table
from .text import decoded, text_tables

MAX_BYTES = 500 * 2**20
_ELSEWHERE = dict.fromkeys(
    (".xlsx", ".xls", ".ods"), "is a spreadsheet; save the sheet as CSV"
)
_ELSEWHERE[".res"] = "is an Arbin database; export it as CSV"


def table_of_frame(file: File, frame: pd.DataFrame) -> Table:
    """Return a DataFrame, whose columns are named as those of a file, as a table."""
    if not len(frame):
        raise file.error("holds no rows")
    names = tuple(str(name) for name in frame.columns)
    data = frame.reset_index(drop=True).set_axis(range(len(names)), axis=1)
    return Table(file, names, data)


def load_tables(file: File) -> list[Table]:
    """Return the tables of a file of any known format, at least one.

    Raises
    ------
    InputError
        The file cannot be read, or holds no table.
    """
    content = read_bytes(file.path, MAX_BYTES)
    suffix = file.path.suffix.lower()
    if suffix in READERS:
        return [binary_table(file, suffix)]
    if suffix in _ELSEWHERE:
        raise file.error(_ELSEWHERE[suffix])
    text = decoded(content, file)
    del content
    try:
        forms = (form.tables for form in (eclab, gamry, neware) if form.is_one(text))
        found = next(forms, text_tables)(file, text)
    except csv.Error as error:
        message = f"cannot be read as a table ({shown(str(error))})"
        raise file.error(message) from None
    before = (found[0].line or 1) - 1
    head = "\n".join(text.split("\n", before)[:before])
    return [replace(table, head=head) for table in found]

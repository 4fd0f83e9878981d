"""From a file to its tables: by its suffix, or by the first lines of a text.

One file a format: :mod:`eclab`, :mod:`gamry`, :mod:`neware`; :mod:`text` for every other:
the Battery Data Format, Arbin, Maccor, Basytec, Novonix, Landt, ZView.  Binary files take
optional readers: NewareNDA (BSD) for NEWARE, galvani (GPL-3) for BioLogic's .mpr.
"""

from __future__ import annotations

import csv
import warnings
from dataclasses import replace
from importlib import import_module

import pandas as pd

from ..errors import shown
from ..output import read_bytes
from . import eclab, gamry, neware
from .table import File, Table
from .text import decoded, text_tables

MAX_BYTES = 500 * 2**20
# Package, the extra by which pip finds it, and what it is read by
_BINARY = {".mpr": ("galvani", "biologic", eclab.mpr)}
_BINARY |= dict.fromkeys((".nda", ".ndax"), ("NewareNDA", "neware", neware.nda))
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
    """Return the tables of a file of any known format, at least one."""
    content = read_bytes(file.path, MAX_BYTES)
    suffix = file.path.suffix.lower()
    if suffix in _BINARY:
        return [_binary_table(file, suffix)]
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


def _binary_table(file: File, suffix: str) -> Table:
    """Return the table of a binary file."""
    package, extra, read = _BINARY[suffix]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import_module(package)
            table = read(file)
        except ImportError:
            need = f"needs {package}, which is not installed"
            raise file.error(f"{need}: pip install 'tfbsim[{extra}]'") from None
        except Exception as error:  # whatever a damaged file makes of the reader
            reason = shown(f"{type(error).__name__}: {error}", 120)
            message = f"{package} cannot read it ({reason}); export it as text"
            raise file.error(message) from None
    if not len(table.data):
        raise file.error("holds no records")
    file.note(f"Read with {package}.")
    return table

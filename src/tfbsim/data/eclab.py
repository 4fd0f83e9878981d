"""BioLogic's EC-Lab and BT-Lab: .mpt, with its counted preamble or without; .mpr."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd

from .table import File, Table
from .text import text_tables

_TITLE = re.compile(r"(?:EC|BT)-Lab ASCII FILE")
_LINES = re.compile(r"Nb header lines\s*:\s*(\d{1,6})")
_LOOP = re.compile(r"^Loop \d+ from point number (\d+) to \d+", re.MULTILINE)
_HEADINGS = re.compile(r"mode[\t;,](?:ox/red[\t;,])?.*\btime/s[\t;,].*\b(?:Ewe|Ecell)\b")
_STEP = "Ns"


def is_one(text: str) -> bool:
    """Return whether a text is EC-Lab's."""
    return bool(_TITLE.match(text) or _HEADINGS.match(text[:2000]))


def tables(file: File, text: str) -> list[Table]:
    """Return its table, in which each loop begins new steps."""
    counted = _LINES.search(text[:1000]) if _TITLE.match(text) else None
    skip = int(counted[1]) - 1 if counted else 0
    found = text_tables(file, text, skip, "EC-Lab")
    loops = [int(first) for first in _LOOP.findall(text[:1_000_000])]
    return [_with_loops(found[0], loops)] if len(found) == 1 else found


def mpr(file: File) -> Table:
    """Return the table of an .mpr."""
    with file.path.open("rb") as opened:
        found = import_module("galvani.BioLogic").MPRfile(opened)
    rows = np.asarray(found.data)
    rows = rows.astype(rows.dtype.newbyteorder("="))
    names = rows.dtype.names or ()
    data = pd.DataFrame({k: rows[name] for k, name in enumerate(names)})
    ends = getattr(found, "loop_index", None)
    begins = [] if ends is None else [int(k) for k in ends[:-1]]
    return _with_loops(Table(file, names, data, layout="EC-Lab"), begins)


def _with_loops(table: Table, begins: list[int]) -> Table:
    """Return a table in which the number of the step goes on from loop to loop.

    ``begins`` are the first rows of the loops; of one alone, nothing changes.
    """
    if len(begins) < 2:
        return table
    data, names = table.data.copy(), list(table.names)
    loop = np.searchsorted(begins, np.arange(len(data)), side="right")
    if _STEP not in names:
        names.append(_STEP)
    at = names.index(_STEP)
    if at not in data:
        data[at] = 0
    data[at] += (1 + int(data[at].max())) * loop
    return replace(table, data=data, names=tuple(names))

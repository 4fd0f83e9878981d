"""BioLogic's text: EC-Lab and BT-Lab .mpt, with its counted preamble or without."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from .mapping import Mapping
from .table import Table
from .text import text_tables

_TITLE = re.compile(r"(?:EC|BT)-Lab ASCII FILE")
_LINES = re.compile(r"Nb header lines\s*:\s*(\d{1,6})")
_LOOP = re.compile(r"^Loop \d+ from point number (\d+) to \d+", re.MULTILINE)
_HEADINGS = re.compile(r"mode[\t;,](?:ox/red[\t;,])?.*\btime/s[\t;,].*\b(?:Ewe|Ecell)\b")
STEP = "Ns"


def is_one(text: str) -> bool:
    """Return whether a text is EC-Lab's."""
    return bool(_TITLE.match(text) or _HEADINGS.match(text[:2000]))


def tables(path: Path, text: str, mapping: Mapping, notes: list[str]) -> list[Table]:
    """Return its table, in which each loop begins new steps."""
    counted = _LINES.search(text[:1000]) if _TITLE.match(text) else None
    skip = int(counted[1]) - 1 if counted else 0
    found = text_tables(path, text, mapping, notes, max(skip, 0), "EC-Lab")
    loops = [int(first) for first in _LOOP.findall(text[:1_000_000])]
    if len(loops) < 2 or len(found) != 1:
        return found
    return [with_loops(found[0], loops)]


def with_loops(table: Table, begins: list[int]) -> Table:
    """Return a table in which the number of the step goes on from loop to loop.

    Parameters
    ----------
    table : Table
        As read.
    begins : list of int
        The first row of each loop.
    """
    data, names = table.data.copy(), list(table.names)
    loop = np.searchsorted(begins, np.arange(len(data)), side="right")
    if STEP not in names:
        names.append(STEP)
        data[len(names) - 1] = 0
    at = names.index(STEP)
    if at not in data:
        data[at] = 0
    size = 1 + int(data[at].max())
    data[at] = data[at] + size * loop
    return replace(table, data=data, names=tuple(names))

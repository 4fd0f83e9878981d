"""Gamry's .DTA and what is written like it: several tables, each of a titled line.

A table begins with `NAME<tab>TABLE`, then headings, units, and rows after a tab.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .mapping import Mapping
from .table import Table
from .text import one_table, recognised

_TABLE = re.compile(r"^[ ]*([A-Za-z_]\w*)\tTABLE\b.*\n", re.MULTILINE)
_WHOLE = re.compile(r"(?:[ ]*\t.*\n?)+")


def is_one(text: str) -> bool:
    """Return whether a text is written as Gamry writes."""
    return bool(_TABLE.search(text[:2_000_000]))


def tables(path: Path, text: str, mapping: Mapping, notes: list[str]) -> list[Table]:
    """Return its tables; those without numbers are left out.

    Raises
    ------
    InputError
        None has numbers.
    """
    found: list[Table] = []
    for head in _TABLE.finditer(text):
        rows = _WHOLE.match(text, head.end())
        if rows is None:
            continue
        layout = recognised(rows[0], mapping)
        if layout is None:
            continue
        try:
            found.append(
                one_table(
                    *(path, text, head.end(), rows.end(), layout, mapping, notes),
                    kind="Gamry",
                    title=head[1],
                )
            )
        except InputError:
            continue
    if not found:
        raise InputError("its tables hold no numbers", path)
    return found

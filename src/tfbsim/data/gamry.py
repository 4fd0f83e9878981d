"""Gamry's .DTA and what is written like it: several tables, each of a titled line.

A table begins with `NAME<tab>TABLE`, then headings, units, and rows after a tab.
"""

from __future__ import annotations

import contextlib
import re

from ..errors import InputError
from .table import File, Table
from .text import one_table, recognised

_TABLE = re.compile(r"^[ ]*([A-Za-z_]\w*)\tTABLE\b.*\n", re.MULTILINE)
_WHOLE = re.compile(r"(?:[ ]*\t.*\n?)+")


def is_one(text: str) -> bool:
    """Return whether a text is written as Gamry writes."""
    return bool(_TABLE.search(text[:2_000_000]))


def tables(file: File, text: str) -> list[Table]:
    """Return its tables; those without numbers are left out."""
    found: list[Table] = []
    for head in _TABLE.finditer(text):
        rows = _WHOLE.match(text, head.end())
        layout = recognised(rows[0], file.how) if rows else None
        if rows and layout:
            part = slice(head.end(), rows.end())
            with contextlib.suppress(InputError):
                found.append(one_table(file, text, part, layout, "Gamry", head[1]))
    if not found:
        raise file.error("its tables hold no numbers")
    return found

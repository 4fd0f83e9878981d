"""The cells of a column as numbers, in every spelling that tables have.

One spelling holds for a whole column: whether a point or comma marks thousands is not
decided cell by cell.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from .table import Table

Array = np.ndarray

_SIGNS = str.maketrans("−–—﹣－", "-----")
_BLANKS = re.compile(r"(?<=\d)[   '’_](?=\d{3}(?!\d))")  # between thousands
_DIGITS = r"(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?"
# (0.7) and 0.7- are numbers below 0; a unit may stand behind
_CELL = re.compile(rf"([(]?)([-+]?)({_DIGITS})(-?)[)]?\s*([^\d\s()*]*)\s*\*?[)]?")


def grouped(mark: str, decimal: str) -> str:
    """Return the pattern of a number with marks of thousands."""
    return rf"[-+]?[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+(?:\{decimal}\d*)?"


def texts(table: Table, column: int) -> pd.Series | None:
    """Return a column as text; None if it is one of numbers."""
    raw = table.data[column]
    if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
        return raw.fillna("").astype(str).str.strip().str.strip('"')
    return None


def numbers(table: Table, column: int) -> Array:
    """Return a column as floats, NaN where a cell is no number."""
    return numbers_and_units(table, column)[0]


def numbers_and_units(table: Table, column: int) -> tuple[Array, pd.Series | None]:
    """Return a column as floats and the unit behind each, None where none has one."""
    text = texts(table, column)
    units = None
    if text is None:
        raw = pd.to_numeric(table.data[column], errors="coerce")
        values = np.array(raw, dtype=float)
    else:
        name = table.names[column] or f"column {column + 1}"
        plain = _one_mark(text.str.translate(_SIGNS), table, name)
        try:
            values = np.array(pd.to_numeric(plain, errors="coerce"), dtype=float)
        except OverflowError:  # of a number of hundreds of digits
            values = np.full(len(plain), np.nan)
        left = np.isnan(values) & (plain != "").to_numpy()
        if left.any():
            found = [_CELL.fullmatch(_BLANKS.sub("", x.strip())) for x in plain[left]]
            values[left] = [_value(x) for x in found]
            behind = [x[5] if x else "" for x in found]
            if any(behind):
                units = pd.Series("", index=plain.index)
                units[left] = behind
    values[~np.isfinite(values)] = np.nan
    values[np.abs(values) > 1e30] = np.nan
    return values, units


def _value(found: re.Match[str] | None) -> float:
    if found is None:
        return np.nan
    bracket, sign, digits, behind, _ = found.groups()
    size = float(digits.lower().replace("d", "e"))
    return -size if (bracket or behind) and sign != "-" else float(sign + "1") * size


def _one_mark(text: pd.Series, table: Table, name: str) -> pd.Series:
    """Return cells with decimal points and no marks of thousands."""
    mark, decimal = (".", ",") if table.decimal == "," else (",", ".")
    with_mark = text[text.str.contains(mark, regex=False)]
    with_mark = with_mark[with_mark.str.contains(r"\d", regex=True)]
    if len(with_mark):
        bare = with_mark.str.replace(r"^[(]|[-)\s]*[^\d]*$", "", regex=True)
        if bare.str.fullmatch(grouped(mark, decimal)).all():
            table.notes.append(f"'{name}' has marks of thousands: {with_mark.iloc[0]}.")
            text = text.str.replace(mark, "", regex=False)
        elif not text.str.contains(decimal, regex=False).any():
            decimal = mark  # this column's own
    return text.str.replace(",", ".", regex=False) if decimal == "," else text

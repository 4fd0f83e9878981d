"""Times written as clocks and dates, as seconds; their form is that of the whole column.

pandas reads `0-00:10:00` as minus ten minutes and decides day and month cell by cell, so
clocks are taken apart here and pandas reads a date by one form for all.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, shown

Array = np.ndarray

# 0-00:10:00, 0d 00:00:5.05, 1.02:03:04, 1 day 02:03:04, 12:00:00.5, 0:00:10:500, 10:30.5
_CLOCK = re.compile(
    r"(?:(\d+)(?:\s*d(?:ays?)?[,:]?\s*|[-. T]\s*))?(\d+):(\d+)"
    r"(?::(\d+(?:[.,]\d*)?))?(?::(\d{1,3}))?(?:\.(\d+))?",
    re.IGNORECASE,
)
_DAY = 86400.0
_MOST = 0.5  # of the cells that must be of one form
_MARK = re.compile(r"\s*(am|pm)\s*$", re.IGNORECASE)
_FORMS = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%y")
_FORMS += ("%d/%m/%y", "%d-%b-%y", "%d-%b-%Y", "%Y/%m/%d", "%b %d %Y", "%d %b %Y")
_HOURS = ("%H:%M:%S", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M:%S.%f %p", "%H:%M", "%I:%M %p")


def seconds(text: pd.Series, path: Path, name: str) -> Array | None:
    """Return a column of clocks or dates in seconds; None if most are neither.

    Parameters
    ----------
    text : Series of str
        The cells.
    path, name : Path, str
        Of the file and the column, for an error.

    Raises
    ------
    InputError
        They may be hours and minutes as well as minutes and seconds.
    """
    if not len(text):
        return None
    first = text.iloc[: min(len(text), 50)]
    if not first.str.contains(":", regex=False).mean() > _MOST:
        dates = first.str.contains(r"\d[-/.]\d+[-/.]\d", regex=True).mean()
        return _dates(text) if dates > _MOST else None
    parts = [_CLOCK.fullmatch(cell.strip()) for cell in text]
    if sum(p is not None for p in parts) <= _MOST * len(parts):
        return _dates(text)
    hours = any(p is not None and p[4] is not None for p in parts)
    if not hours and not any(p is not None and p[6] for p in parts):
        if not re.search(r"h{1,2}:m|m{1,2}:s", name, re.IGNORECASE):
            cell = shown(str(text.iloc[0]))
            message = f"'{cell}' may be h:mm or mm:ss; write 'Time (h:mm)' or (mm:ss)"
            raise InputError(message, path, field=name)
        hours = bool(re.search(r"h{1,2}:m", name, re.IGNORECASE))
        found = [_of(p, "" if hours else "mm:ss") for p in parts]
    else:
        found = [_of(p, "" if hours else "mm:ss") for p in parts]
    t = np.array(found)
    fall = np.flatnonzero(np.diff(t) < -0.9 * _DAY)
    if len(fall) and np.nanmax(t) <= _DAY:  # a time of day past midnight
        t[1:] += _DAY * np.cumsum(np.diff(t) < -0.9 * _DAY)
    return t


def _of(parts: re.Match[str] | None, form: str) -> float:
    if parts is None:
        return np.nan
    days, a, b, c, milli, fraction = parts.groups()
    tail = float(f"0.{fraction}") if fraction else 0.0
    tail += int(milli) / 1000 if milli else 0.0
    if form == "mm:ss":
        return 60 * int(a) + int(b) + tail
    last = float(c.replace(",", ".")) if c else 0.0
    return _DAY * int(days or 0) + 3600 * int(a) + 60 * int(b) + last + tail


def _dates(text: pd.Series) -> Array | None:
    """Return dates in seconds since the first, by one form for the whole column."""
    clean = text.str.replace(",", ".", regex=False)
    try:
        found = pd.to_datetime(clean, errors="coerce", format="ISO8601", utc=True)
        if found.notna().mean() > _MOST:
            return _since(found)
    except ValueError:
        pass
    read = []
    for form in _FORMS:
        for hours in _HOURS:
            given = pd.to_datetime(
                clean.iloc[:1], errors="coerce", format=f"{form} {hours}"
            )
            if given.isna().all():
                continue
            found = pd.to_datetime(clean, errors="coerce", format=f"{form} {hours}")
            if (share := found.notna().mean()) > _MOST:
                t = _since(found)
                falls = (
                    float((np.diff(t[np.isfinite(t)]) < 0).mean()) if len(t) > 1 else 0
                )
                read.append((-round(share, 3), falls, float(np.nanmax(t)), t))
    return min(read, key=lambda r: r[:3])[3] if read else None


def _since(dates: pd.Series) -> Array:
    known = dates.dropna()
    return np.asarray((dates - known.iloc[0]).dt.total_seconds(), dtype=float)

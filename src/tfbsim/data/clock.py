"""Times written as clocks and dates, as seconds; their form is that of the whole column.

pandas reads `0-00:10:00` as minus ten minutes and decides day and month cell by cell, so
clocks are taken apart here and pandas reads a date by one form for all.
"""

from __future__ import annotations

import contextlib
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, shown
from .measured import Array

# 0-00:10:00, 0d 00:00:5.05, 1.02:03:04, 1 day 02:03:04, 12:00:00.5 pm, 0:00:10:500
_CLOCK = re.compile(
    r"(?:(?P<d>\d+)(?:\s*d(?:ays?)?[,:]?\s*|[-. T]\s*))?(?P<a>\d+):(?P<b>\d+)"
    r"(?::(?P<c>\d+(?:[.,]\d*)?))?(?::(?P<milli>\d{1,3}))?(?:\.(?P<fraction>\d+))?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?",
    re.IGNORECASE,
)
# 0d 0h 15m 0s, 1h 5min, PT2H0.5S
_WORD = re.compile(r"(?<=\d)\s*([dhms])[a-z]*[ ,T]*", re.IGNORECASE)
_WORDS = {"d": "days ", "h": "hours ", "m": "min ", "s": "s "}
DATE = r"\d[-/.]\d+[-/.]\d"
_DAY = 86400.0
# Stamps since 1970 (of 1989 to 2112), and days of a spreadsheet
_STAMPS = (
    (6e8, 4.5e9, 1.0, "seconds since 1970"),
    (6e11, 4.5e12, 1e-3, "milliseconds since 1970"),
    (6e14, 4.5e15, 1e-6, "microseconds since 1970"),
    (6e17, 4.5e18, 1e-9, "nanoseconds since 1970"),
    (2e4, 8e4, _DAY, "days of a spreadsheet"),
)
_MOST = 0.5  # of the cells that must be of one form
_FORMS: tuple[str, ...]
_FORMS = ("%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%m/%d/%y")
_FORMS += ("%d/%m/%y", "%d-%b-%y", "%d-%b-%Y", "%Y/%m/%d", "%b %d %Y", "%d %b %Y")
_HOURS = ("%H:%M:%S", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M:%S.%f %p", "%H:%M", "%I:%M %p")


def seconds(text: pd.Series, path: Path, name: str) -> Array | None:
    """Return a column of clocks or dates in seconds; None if most are neither."""
    first = text.iloc[:50]

    def most(pattern: str) -> bool:
        has = first.str.contains(pattern, regex=True, flags=re.IGNORECASE)
        return bool(has.mean() > _MOST)

    if not most(":"):
        if most(DATE):
            return _dates(text)
        spoken = most(r"\d\s*(?:h|m|s|min)\b") and most(r"\d\s*[dhm]\w*[ ,T]*\d")
        return _spoken(text) if spoken else None
    cells = text.str.strip()
    found = cells.where(cells.str.fullmatch(_CLOCK), "").str.extract(_CLOCK)
    if found["a"].notna().mean() <= _MOST:
        return _dates(text)
    hours = bool(found[["c", "half"]].notna().any(axis=None))
    if not hours and found["fraction"].isna().all():
        hours = bool(re.search(r"h{1,2}:m", name, re.IGNORECASE))
        if not hours and not re.search(r"m{1,2}:s", name, re.IGNORECASE):
            cell = shown(str(text.iloc[0]))
            message = f"'{cell}' may be h:mm or mm:ss; write 'Time (h:mm)' or (mm:ss)"
            raise InputError(message, path, field=name)
    half = found.pop("half").str.lower()
    found["c"] = found["c"].str.replace(",", ".")
    found["fraction"] = "0." + found["fraction"]
    part = found.astype(float).fillna({k: 0.0 for k in ("d", "c", "milli", "fraction")})
    tail = part["fraction"] + part["milli"] / 1000
    if not hours:
        return (60 * part["a"] + part["b"] + tail).to_numpy()
    t = _DAY * part["d"] + 3600 * part["a"] + 60 * part["b"] + part["c"] + tail
    t = t.where(half.isna(), t % (_DAY / 2) + _DAY / 2 * (half == "p")).to_numpy(
        copy=True
    )
    fall = np.diff(t) < -0.9 * _DAY
    if fall.any() and np.nanmax(t) <= _DAY:  # a time of day past midnight
        t[1:] += _DAY * np.cumsum(fall)
    return t


def absolute(values: Array, dates: bool) -> tuple[float, str] | None:
    """Return the unit [s] of numbers that are stamps of a date, and its name.

    Where ``dates``, their heading says that they are dates.
    """
    known = values[np.isfinite(values)]
    for low, high, unit, name in _STAMPS if dates else _STAMPS[:-1]:
        if len(known) and low < known.min() and known.max() < high:
            return unit, name
    return None


def after_summer_time(t: Array) -> tuple[Array, bool]:
    """Return a local clock that goes on where it falls back by an hour, and whether."""
    step = np.diff(t)
    fall = step < 0
    if not 1 <= fall.sum() <= 2 or not (step > 0).any():
        return t, False
    least = max(5 * float(np.median(step[step > 0])), 60.0) - 3600
    if not ((step[fall] >= -3600) & (step[fall] <= least)).all():
        return t, False
    return t + 3600 * np.concatenate([[0], np.cumsum(fall)]), True


def _spoken(text: pd.Series) -> Array:
    """Return lengths of time in words in seconds, NaN where a cell is none."""
    bare = text.str.replace(r"(?<=\d),(?=\d)", ".", regex=True).str.lstrip("PpTt ")
    plain = bare.str.replace(_WORD, lambda m: _WORDS[m[1].lower()], regex=True)
    found = pd.to_timedelta(plain, errors="coerce").dt.total_seconds()
    return np.asarray(found.where(plain.str.contains("[a-z]", regex=True)), dtype=float)


def _dates(text: pd.Series) -> Array | None:
    """Return dates in seconds since the first, by one form for the whole column."""
    clean = text.str.replace(",", ".", regex=False)
    with contextlib.suppress(ValueError):
        found = pd.to_datetime(clean, errors="coerce", format="ISO8601", utc=True)
        if found.notna().mean() > _MOST:
            return _since(found)
    read = []
    for form in map(" ".join, product(_FORMS, _HOURS)):
        if pd.to_datetime(clean.iloc[:1], errors="coerce", format=form).isna().all():
            continue
        found = pd.to_datetime(clean, errors="coerce", format=form)
        if (share := found.notna().mean()) > _MOST:
            t = _since(found)
            falls = np.diff(t[np.isfinite(t)]) < 0
            rank = -round(share, 3), float(falls.mean()) if len(falls) else 0.0
            read.append((*rank, float(np.nanmax(t)), t))
    return min(read, key=lambda r: r[:3])[3] if read else None


def _since(dates: pd.Series) -> Array:
    return np.asarray((dates - dates.dropna().iloc[0]).dt.total_seconds(), dtype=float)

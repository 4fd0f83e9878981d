"""One clock for a record: bad stamps mended, clocks that start again put end to end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..errors import count
from .measured import Array
from .raw_record import RawRecord
from .table import File

SUMMARY = 5  # rows of one at the end
TWICE = 20  # rows from which on a record that comes again is one pasted twice
STAMPS = 3  # bad time stamps in a row that are mended


def in_order(rows: RawRecord, file: File) -> RawRecord:
    """Return samples whose time never falls: duplicates out, restarts joined."""
    # Else the last row of a step and the first of the next, or of a coarse clock
    every = (rows.t, rows.V, rows.i, *rows.marks.values())
    alike = [
        np.diff(x) == 0 for x in (*every, *map(np.nan_to_num, rows.counters.values()))
    ]
    same = np.insert(np.all(alike, axis=0), 0, False)
    if same.any():
        file.note(f"Left out {count(int(same.sum()), 'duplicate row')}.")
        rows = rows.take(~same)
    again = _once_more(rows)
    if again.any():
        number = count(int(again.sum()), "row")
        file.note(f"Left out {number} that are there before already.")
        rows = rows.take(~again)
    if rows.by_step:
        begins = np.diff(rows.t) < 0
        if "step" in rows.marks:
            begins |= np.diff(rows.marks["step"]) != 0
        return replace(rows, t=_end_to_end(rows.t, np.flatnonzero(begins) + 1))
    t = rows.t
    if not (np.diff(t) < 0).any():
        return rows
    if len(t) > 2 and (np.diff(t) <= 0).all():
        file.note("Time runs backwards throughout: the rows were turned round.")
        return rows.take(np.arange(len(t))[::-1])
    bad = _bad_stamps(t)
    if len(bad):
        t = _mended(rows, bad)
        stamps = count(len(bad), "time stamp")
        file.note(f"{stamps} fell back while the next row goes on: mended.")
    rows = replace(rows, t=t)
    back = np.flatnonzero(np.diff(t) < 0) + 1
    if not len(back):
        return rows
    before, after = t[back - 1] - t[0], t[back] - t[0]
    usual = float(np.median(np.abs(np.diff(t)))) if len(t) > 2 else 0.0
    again = (before > 0) & (after <= np.maximum(0.02 * before, 3 * usual))
    cycle = rows.marks.get("cycle")
    where = count(len(back), "row")
    if np.all(again) or (cycle is not None and np.all(np.diff(cycle)[back - 1] > 0)):
        file.note(f"The clock starts again at {where}: put end to end.")
        return replace(rows, t=_end_to_end(t, back, np.where(again, 0.0, t[back])))
    tail = len(t) - int(back[0])
    if tail <= min(SUMMARY, 0.1 * len(t)) and (t[back[0] :] <= t[back[0] - 1]).all():
        said = (
            f"Left out {count(tail, 'row')} at the end whose time falls back: a summary."
        )
        file.note(said)
        return rows.take(np.arange(len(t) - tail))
    file.note(f"Time runs backwards at {where}: sorted by time.")
    return rows.take(np.argsort(t, kind="stable"))


def _once_more(rows: RawRecord) -> Array:
    """Return which samples repeat those from the first on, one by one."""
    again = np.zeros(len(rows), dtype=bool)
    every = np.column_stack([rows.t, rows.V, rows.i])
    starts = np.flatnonzero((every == every[0]).all(axis=1))
    for start, stop in pairwise([*starts, len(rows)]):
        size = stop - start
        if start > 0 and TWICE <= size <= start:
            again[start:stop] = bool((every[start:stop] == every[:size]).all())
    return again


def _bad_stamps(t: Array) -> Array:
    """Return the rows whose time is one of no neighbour: the clock goes on after them."""
    bad: list[int] = []
    start = 0  # of the clock
    for k in (np.flatnonzero(np.diff(t) < 0) + 1).tolist():
        if bad and k <= bad[-1] + 1:
            continue
        last = t[k - 1]
        until = next(
            (j for j in range(k, min(k + STAMPS + 1, len(t))) if t[j] >= last), None
        )
        swapped = k >= 2 and t[k] >= t[k - 2]
        if until is not None and not swapped and until - k <= max(1, 0.1 * (k - start)):
            bad += range(k, until)
        elif until is None:
            start = k
    return np.array(bad, dtype=int)


def _mended(rows: RawRecord, bad: Array) -> Array:
    """Return the time, bad stamps by the clock of the step or by their neighbours."""
    t = rows.t.copy()
    good = np.ones(len(t), dtype=bool)
    good[bad] = False
    at = np.flatnonzero(good)
    following = at[np.minimum(np.searchsorted(at, bad), len(at) - 1)]
    for k, j in zip(bad, following, strict=True):
        own = rows.step_time
        new = k > 0 and "step" in rows.marks and np.diff(rows.marks["step"])[k - 1] != 0
        if own is not None and j > k and 0 <= own[j] - own[k] <= t[j] - t[k - 1]:
            t[k] = t[j] - (own[j] - own[k])
        elif new or j < k:
            t[k] = t[k - 1]
        else:
            t[k] = t[k - 1] + (t[j] - t[k - 1]) / (j - k + 1)
    return t


def _end_to_end(t: Array, starts: Array, begins: Array | float = 0.0) -> Array:
    """Return one clock from several that each begin anew."""
    offset = np.zeros(len(t))
    offset[starts] = t[starts - 1] - begins
    return t + np.cumsum(offset)

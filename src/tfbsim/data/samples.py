"""The samples of a record in SI, with everything the file says about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, count, shown
from .cells import Array, numbers, texts
from .columns import CHARGES, TIMES, find_columns, quantity, roles
from .mapping import Mapping
from .remarks import Remarks
from .table import Table
from .units_per_area import PerArea

LOST = 0.01  # of the rows, from which on it is told as a doubt
MARKS = ("cycle", "step")
ROW_BY_ROW = 0.34  # of the rows at which a number of the step changes: it counts rows
# A text that says what a step does, and the sign of a charging current
_KINDS = (
    ("dchg|dis|dchrg|entlad|放", -1.0),
    ("chg|charg|chrg|laden|ladung|充", 1.0),
    ("rest|pause|ocv|open|idle|ruhe|搁置|静置", 0.0),
)
_LETTERS = {"c": 1.0, "d": -1.0, "r": 0.0, "p": 0.0, "o": 0.0}
_UNITS = (1.0, 60.0, 3600.0, 1e-3, 86400.0)


@dataclass(frozen=True)
class Samples:
    """Samples in the order of the file.

    Parameters
    ----------
    t : ndarray
        Total clock [s].
    V : ndarray
        [V].
    i : ndarray
        Current density [A.m-2], in the sign of the file.
    step_time : ndarray or None
        Clock of the step [s].
    kind : ndarray or None
        +1 where the file says charge, -1 discharge, 0 rest, NaN where it does not.
    T : ndarray or None
        [K].
    counters : dict of ndarray
        Charges the file counts [A.h.m-2].
    marks : dict of ndarray
        Numbers of cycle and step.
    by_step : bool
        Whether t starts again at each step.
    whole : ndarray or None
        Charge of the whole step [A.h.m-2], where the file has lines of steps.
    """

    t: Array
    V: Array
    i: Array
    step_time: Array | None = None
    kind: Array | None = None
    T: Array | None = None
    counters: dict[str, Array] = field(default_factory=dict)
    marks: dict[str, Array] = field(default_factory=dict)
    by_step: bool = False
    whole: Array | None = None

    def __len__(self) -> int:
        return len(self.t)

    @cached_property
    def tick(self) -> float:
        """How long a clock that is coarser than the samples stands still [s]; else 0."""
        dt = np.diff(self.t)
        coarse = len(dt) and (dt == 0).mean() > 0.2 and (dt > 0).any()
        return float(dt[dt > 0].min()) if coarse else 0.0

    def take(self, keep: Array) -> Samples:
        """Return some of the samples."""

        def some(value: Any) -> Any:
            if isinstance(value, dict):
                return {k: v[keep] for k, v in value.items()}
            return value[keep] if isinstance(value, np.ndarray) else value

        return replace(
            self, **{f.name: some(getattr(self, f.name)) for f in fields(self)}
        )


def samples(
    table: Table, mapping: Mapping, per_area: PerArea, remarks: Remarks
) -> Samples:
    """Return the samples of a table that have time and voltage, and current.

    Raises
    ------
    InputError
        Fewer than two are left.
    """
    columns = find_columns(table, mapping)
    V = quantity(table, columns["voltage"], "voltage", mapping)
    counters: dict[str, Array] = {}
    for role in CHARGES:
        if role in columns:
            try:
                q = quantity(table, columns[role], role, mapping)
            except InputError:
                if getattr(mapping.columns, role, None):
                    raise
                continue  # without a unit: the current tells the charge
            counters[role] = q.values * per_area(q.dimension) / 3600
    marks = {r: numbers(table, columns[r]) for r in MARKS if r in columns}
    marks = _that_mark(marks, remarks)
    clock = next((role for role in TIMES if role in columns), None)
    if clock is None:
        i = _current(table, columns, mapping, per_area, None, counters, marks, remarks)
        seconds = _by_charge(i, counters, remarks)
    else:
        t = quantity(table, columns[clock], clock, mapping)
        seconds = t.values
        if not t.stated:
            seconds = seconds * _unit_by_date(
                table, columns, mapping, t.name, seconds, remarks
            )
        i = _current(table, columns, mapping, per_area, seconds, counters, marks, remarks)
    T = step_time = whole = None
    if "step_charge" in columns:
        q = quantity(table, columns["step_charge"], "step_charge", mapping)
        whole = np.abs(q.values) * per_area(q.dimension) / 3600
    if "temperature" in columns:
        try:
            T = quantity(table, columns["temperature"], "temperature", mapping).values
        except InputError as error:
            if mapping.columns.temperature or mapping.units.temperature:
                raise
            remarks.note(f"'{error.field}' was not read: {error.message}.")
    if "step_time" in columns:
        step_time = quantity(table, columns["step_time"], "step_time", mapping).values
        if "step" not in marks and clock == "time":
            marks |= _steps_by_clock(seconds, step_time)
    if "step" not in marks and "capacity" in counters:
        marks |= _steps_by_counter(counters["capacity"])
    every = Samples(
        *(seconds, volts(V.values, V.name, remarks), i, step_time),
        *(_kinds(table, columns), T, counters, marks),
        by_step=clock == "step_time",
        whole=whole,
    )
    return _known(every, table, remarks)


def _that_mark(marks: dict[str, Array], remarks: Remarks) -> dict[str, Array]:
    found = {}
    for role, values in marks.items():
        if not np.isfinite(values).any():
            continue
        values = np.nan_to_num(values)
        changes = np.count_nonzero(np.diff(values))
        if len(values) > 5 and changes > ROW_BY_ROW * len(values):
            remarks.note(f"The number of the {role} counts rows: not used.")
            continue
        found[role] = values
    return found


def _steps_by_clock(t: Array, own: Array) -> dict[str, Array]:
    """Return a number of the step that rises where the clock of the step begins again."""
    with np.errstate(invalid="ignore"):
        again = (np.diff(own) < 0) & (own[1:] <= 1.5 * np.diff(t) + 1e-3)
    return {"step": np.insert(np.cumsum(again), 0, 0.0)} if again.any() else {}


def _steps_by_counter(q: Array) -> dict[str, Array]:
    """Return a number of the step that rises where its counter of charge begins again."""
    size = np.abs(np.nan_to_num(q))
    fall = size[:-1] - size[1:]
    usual = float(np.median(np.abs(fall))) if len(fall) else 0.0
    again = (size[1:] < 0.02 * size[:-1]) & (fall > 3 * usual)
    return {"step": np.insert(np.cumsum(again), 0, 0.0)} if again.any() else {}


def _unit_by_date(
    table: Table,
    columns: dict[str, int],
    mapping: Mapping,
    name: str,
    t: Array,
    remarks: Remarks,
) -> float:
    """Return the unit [s] of a time that has none, by the dates beside it."""
    span = float(np.nanmax(t) - np.nanmin(t)) if np.isfinite(t).any() else 0.0
    words = {1.0: "seconds", 60.0: "minutes", 3600.0: "hours", 1e-3: "milliseconds"}
    if "date" in columns and texts(table, columns["date"]) is not None and span > 0:
        date = quantity(table, columns["date"], "time", mapping).values
        known = np.isfinite(date) & np.isfinite(t)
        rise, own = np.diff(date[known]), np.diff(t[known])
        both = (rise > 0) & (own > 0)
        if both.sum() >= 2:
            ratio = float(rise[both].sum() / own[both].sum())
            unit = min(_UNITS, key=lambda u: abs(np.log(ratio / u)))
            if abs(np.log(ratio / unit)) < 0.2:
                what = words.get(unit, "days")
                remarks.note(
                    f"'{name}' has no unit and was read as {what}, as the dates run."
                )
                return unit
    remarks.note(f"'{name}' has no unit and was read as seconds.")
    return 1.0


def _current(
    table: Table,
    columns: dict[str, int],
    mapping: Mapping,
    per_area: PerArea,
    t: Array | None,
    counters: dict[str, Array],
    marks: dict[str, Array],
    remarks: Remarks,
) -> Array:
    """Return the current [A.m-2]: as it stands there, by charges, or none that flows."""
    if "current" in columns:
        found = quantity(table, columns["current"], "current", mapping)
        return found.values * per_area(found.dimension)
    assert t is not None
    if "increment" in columns:
        dq = quantity(table, columns["increment"], "increment", mapping)
        step = np.nan_to_num(dq.values * per_area(dq.dimension) / 3600)
        counters["net_capacity"] = np.cumsum(step)
        name = dq.name
    elif "net_capacity" in counters:
        step = np.diff(counters["net_capacity"], prepend=counters["net_capacity"][:1])
        name = table.names[columns["net_capacity"]]
    else:
        remarks.note("Has no current and was read as a rest at open circuit.")
        return np.zeros(len(t))
    remarks.note(f"Has no current: it is that of '{name}' over time.")
    dt = np.diff(t, prepend=t[:1])
    with np.errstate(divide="ignore", invalid="ignore"):
        i = np.where(dt > 0, 3600 * step / dt, np.nan)
    begins = np.zeros(len(t), dtype=bool)
    begins[:1] = True
    if "step" in marks:
        begins[1:] |= np.diff(marks["step"]) != 0
    i[begins] = np.nan  # of the step before
    return np.asarray(pd.Series(i).bfill().ffill().fillna(0.0))


def _by_charge(i: Array, counters: dict[str, Array], remarks: Remarks) -> Array:
    """Return the time [s] that the counted charge takes at the current.

    A counter that falls once has begun again; one that goes on falling counts down.
    """
    moved = np.zeros(len(i))
    for q in counters.values():
        step = np.diff(np.nan_to_num(q), prepend=np.nan_to_num(q[:1]))
        falls = step < 0
        again = falls & ~np.append(falls[1:], False) & ~np.insert(falls[:-1], 0, False)
        step = np.where(again, np.nan_to_num(q), np.abs(step))
        moved = np.maximum(moved, step)
    size = np.abs(np.nan_to_num(i))
    before = np.insert(size[:-1], 0, 0.0)
    same = np.insert(np.sign(i[1:]) == np.sign(i[:-1]), 0, False)
    mean = np.where(same & (before > 0), 0.5 * (size + before), size)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(mean > 0, 3600 * moved / mean, 0.0)
    idle = int((size == 0).sum())
    rests = f"; {count(idle, 'row')} without current have no length" if idle else ""
    remarks.note(f"Has no time: it is that of the charge over the current{rests}.")
    return np.cumsum(step)


def at_switching(rows: Samples, remarks: Remarks) -> Samples:
    """Return samples with the current of the step in an end row that has switched it off.

    Some cyclers write the first or last row of a step with the current of its neighbour.
    The number, kind or clock of the step says that the row is of the step, or that two
    rows have one time: the last of a step and the first of the next.
    """
    i, t = rows.i.copy(), rows.t
    if len(t) < 4:
        return rows
    dt = np.diff(t)
    short = dt < 0.02 * np.minimum(
        np.append(dt[1:], np.inf), np.insert(dt[:-1], 0, np.inf)
    )
    marks = [np.insert(np.cumsum(short), 0, 0), *rows.marks.values()]
    if rows.kind is not None:
        marks.append(rows.kind)
    if rows.step_time is not None:
        marks.append(np.insert(np.cumsum(np.diff(rows.step_time) < 0), 0, 0))
    for a, b in spans(marks):
        flows = i[a:b] != 0
        if b - a < 4 or not flows[1:-1].all():
            continue
        usual = 2 * float(np.median(np.diff(t[a:b])))
        if not flows[-1] and t[b - 1] - t[b - 2] <= usual:
            i[b - 1] = i[b - 2]
        if not flows[0] and t[a + 1] - t[a] <= usual:
            held = a > 0 and i[a - 1] * i[a + 1] > 0 and abs(i[a - 1]) > abs(i[a + 1])
            i[a] = i[a - 1] if held else i[a + 1]
    if mended := int((i != rows.i).sum()):
        step = np.abs(np.diff(t))
        other = 0.5 * step * (np.abs(i[1:]) + np.abs(i[:-1]))
        own = 0.5 * step * (np.abs(rows.i[1:]) + np.abs(rows.i[:-1]))
        remarks.note(
            f"{count(mended, 'row')} at the begin or end of a step without a current: "
            f"taken with that of the step, which makes {other.sum() / 36:.4g} "
            f"uA.h.cm-2 in all; without, {own.sum() / 36:.4g}."
        )
    return replace(rows, i=i)


def spans(values: Sequence[Array]) -> list[tuple[int, int]]:
    """Return the spans in which none of some arrays changes."""
    n = len(values[0])
    cut = np.zeros(max(n - 1, 0), dtype=bool)
    for array in values:
        cut |= np.diff(np.nan_to_num(array)) != 0
    edges = [0, *(np.flatnonzero(cut) + 1).tolist(), n]
    return list(pairwise(edges))


def _kinds(table: Table, columns: dict[str, int]) -> Array | None:
    text = texts(table, columns["step_type"]) if "step_type" in columns else None
    if text is None:
        return None
    codes, words = pd.factorize(text.str.lower())
    kinds = np.full(len(words) + 1, np.nan)
    for k, word in enumerate(words):
        found = [pd.Series([word]).str.contains(p).iloc[0] for p, _ in _KINDS]
        if word in _LETTERS:
            kinds[k] = _LETTERS[word]
        elif any(found):
            kinds[k] = _KINDS[found.index(True)][1]
    kind = kinds[codes]
    return kind if np.isfinite(kind).any() else None


def volts(V: Array, name: str, remarks: Remarks) -> Array:
    """Return voltages as volts: as stated, unless they run into the thousands."""
    known = np.abs(V[np.isfinite(V)])
    middle = float(np.median(known)) if len(known) else 0.0
    if middle <= 100:
        return V
    remarks.note(f"'{name}' says V and runs to {known.max():.5g}: read as mV.")
    return V / 1e3


def _known(rows: Samples, table: Table, remarks: Remarks) -> Samples:
    known = np.isfinite(rows.t) & np.isfinite(rows.V) & np.isfinite(rows.i)
    if known.sum() < 2:
        for values, what in ((rows.t, "time"), (rows.V, "voltage"), (rows.i, "current")):
            if not np.isfinite(values).any():
                raise InputError(_not_understood(table, what), table.path)
        raise InputError("has fewer than 2 rows of time, voltage and current", table.path)
    if lost := int((~known).sum()):
        remarks.note(f"Left out {count(lost, 'row')} without time, voltage or current.")
        too_many(lost, len(rows), remarks)
    rows = rows.take(known)
    far = np.abs(rows.V) > 10
    if far.mean() > 0.1:
        worst = float(np.abs(rows.V).max())
        message = f"its voltages run to {worst:.4g} V, which is no cell's; what unit?"
        raise InputError(message, table.path)
    if far.any():
        remarks.note(f"Left out {count(int(far.sum()), 'row')} beyond 10 V.")
        too_many(int(far.sum()), len(rows), remarks)
        rows = rows.take(~far)
    return rows


def _not_understood(table: Table, what: str) -> str:
    """Return the sentence for a column in which no cell is a number or a clock."""
    found = roles(table.names)
    at = found.get(what, next((found[c] for c in TIMES if c in found), None))
    text = None if at is None else texts(table, at)
    cells = [] if text is None else [x for x in text.iloc[:100] if x]
    if at is None or not cells:
        return f"its column of {what} is empty"
    wanted = "seconds, 0:15:00 or 2024-02-29 23:30:00" if what == "time" else "numbers"
    has = f"'{table.names[at]}' has '{shown(cells[0])}'"
    return f"{has}, which is no {what}; {wanted} would do"


def too_many(lost: int, rows: int, remarks: Remarks) -> None:
    """Make a doubt of rows that were left out, if they are more than one in a hundred."""
    if lost > LOST * rows and lost > 1:
        share = 100 * lost / rows
        remarks.doubt(f"{lost:,} of {rows:,} rows ({share:.2g} %) are not in the record.")

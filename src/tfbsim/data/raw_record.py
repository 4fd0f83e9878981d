"""The samples of a record in SI, with everything the file says about each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ..errors import count, shown
from .curve_table import spans
from .measured import Array
from .table import CHARGES, TIMES, File, Quantity, Table, roles

ROW_BY_ROW = 0.34  # of the rows at which a number of the step changes: it counts rows
# A text that says what a step does, and the sign of a charging current
_KINDS = (
    (r"^d$|dchg|dis|dchrg|entlad|放", -1.0),
    (r"^c$|chg|charg|chrg|laden|ladung|充", 1.0),
    (r"^[rpo]$|rest|pause|ocv|open|idle|ruhe|搁置|静置", 0.0),
)
_UNITS = {
    **{1.0: "seconds", 60.0: "minutes", 3600.0: "hours", 1e-3: "milliseconds"},
    **{86400.0: "days"},
}


@dataclass(frozen=True)
class RawRecord:
    """The samples of a file in its order."""

    t: Array  # total clock [s]
    V: Array  # [V]
    i: Array  # [A.m-2], in the sign of the file
    step_time: Array | None = None  # clock of the step [s]
    kind: Array | None = None  # +1 where the file says charge, -1 discharge, 0 rest, NaN
    T: Array | None = None  # [K]
    whole: Array | None = None  # charge of the whole step [A.h.m-2], by the file's lines
    counters: dict[str, Array] = field(default_factory=dict)  # charges [A.h.m-2]
    marks: dict[str, Array] = field(default_factory=dict)  # numbers of cycle and step
    by_step: bool = False  # whether t starts again at each step

    def __len__(self) -> int:
        return len(self.t)

    @cached_property
    def tick(self) -> float:
        """Interval of a clock that is coarser than the samples [s]; else 0."""
        dt = np.diff(self.t)
        coarse = len(dt) and (dt == 0).mean() > 0.2 and (dt > 0).any()
        return float(dt[dt > 0].min()) if coarse else 0.0

    def take(self, keep: Array) -> RawRecord:
        """Return some of the samples."""
        arrays = {k: v[keep] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        counters = {k: v[keep] for k, v in self.counters.items()}
        marks = {k: v[keep] for k, v in self.marks.items()}
        return replace(self, **arrays, counters=counters, marks=marks)


def raw_record(table: Table) -> RawRecord:
    """Return the samples of a table that have time and voltage, and current."""
    columns, file = table.columns, table.file
    V = table.volts()
    counters: dict[str, Array] = {}
    for role in CHARGES:
        q = table.optional(role)
        if isinstance(q, Quantity):  # else the current tells the charge
            counters[role] = file.per_area(q.values, q.dimension)
    marks = _marks(table)
    clock = next((role for role in TIMES if role in columns), None)
    if clock is None:
        i = _current(table, None, counters, marks)
        t = _by_charge(table, i, counters)
    else:
        time = table.quantity(clock)
        t = time.values if time.stated else time.values * _unit_by_date(table, time)
        i = _current(table, t, counters, marks)
    step_time = None
    whole = np.abs(table.areal("step_charge")) if "step_charge" in columns else None
    T = table.optional("temperature")
    if isinstance(T, str):
        file.note(T)
    if "step_time" in columns:
        step_time = table.quantity("step_time").values
        if "step" not in marks and clock == "time":
            with np.errstate(invalid="ignore"):
                again = np.diff(step_time) < 0
                again &= step_time[1:] <= 1.5 * np.diff(t) + 1e-3
            marks |= _steps_from(again)
    if "step" not in marks and "capacity" in counters:
        size = np.abs(np.nan_to_num(counters["capacity"]))
        fall = size[:-1] - size[1:]
        usual = float(np.median(np.abs(fall))) if len(fall) else 0.0
        marks |= _steps_from((size[1:] < 0.02 * size[:-1]) & (fall > 3 * usual))
    warmth = T.values if isinstance(T, Quantity) else None
    about = step_time, _kinds(table), warmth, whole, counters, marks
    return _known(RawRecord(t, V.values, i, *about, clock == "step_time"), table)


def _marks(table: Table) -> dict[str, Array]:
    """Return the numbers of cycle and step, unless they count rows."""
    found = {}
    for role in ("cycle", "step"):
        values = table.numbers(table.columns[role]) if role in table.columns else None
        if values is None or not np.isfinite(values).any():
            continue
        values = np.nan_to_num(values)
        if len(values) > 5 and np.count_nonzero(np.diff(values)) > ROW_BY_ROW * len(
            values
        ):
            table.file.note(f"The number of the {role} counts rows: not used.")
            continue
        found[role] = values
    return found


def _steps_from(again: Array) -> dict[str, Array]:
    """Return a number of the step that rises where its clock or counter begins again."""
    return {"step": np.insert(np.cumsum(again), 0, 0.0)} if again.any() else {}


def _unit_by_date(table: Table, time: Quantity) -> float:
    """Return the unit [s] of a time that has none, by the dates beside it."""
    unit, why, t, at = 1.0, "", time.values, table.columns.get("date")
    if at is not None and table.texts(at) is not None:
        date = table.quantity("time", at).values
        known = np.isfinite(date) & np.isfinite(t)
        rise, own = np.diff(date[known]), np.diff(t[known])
        both = (rise > 0) & (own > 0)
        if both.sum() >= 2:
            ratio = float(rise[both].sum()) / float(own[both].sum())
            near = min(_UNITS, key=lambda u: abs(np.log(ratio / u)))
            if abs(np.log(ratio / near)) < 0.2:
                unit, why = near, ", as the dates run"
    table.file.note(f"'{time.name}' has no unit and was read as {_UNITS[unit]}{why}.")
    return unit


def _current(
    table: Table, t: Array | None, counters: dict[str, Array], marks: dict[str, Array]
) -> Array:
    """Return the current [A.m-2]: as it stands there, by charges, or none that flows."""
    columns, note = table.columns, table.file.note
    if "current" in columns:
        return table.areal("current")
    assert t is not None
    by = next((role for role in ("increment", "net_capacity") if role in columns), "")
    if by == "increment":
        step = np.nan_to_num(table.areal(by))
        counters["net_capacity"] = np.cumsum(step)
    elif "net_capacity" in counters:
        step = np.diff(counters["net_capacity"], prepend=counters["net_capacity"][:1])
    else:
        note("Has no current and was read as a rest at open circuit.")
        return np.zeros(len(t))
    note(f"Has no current: it is that of '{table.names[columns[by]]}' over time.")
    dt = np.diff(t, prepend=t[:1])
    with np.errstate(divide="ignore", invalid="ignore"):
        i = np.where(dt > 0, 3600 * step / dt, np.nan)
    i[:1] = np.nan
    if "step" in marks:
        i[1:][np.diff(marks["step"]) != 0] = np.nan  # of the step before
    return np.asarray(pd.Series(i).bfill().ffill().fillna(0.0))


def _by_charge(table: Table, i: Array, counters: dict[str, Array]) -> Array:
    """Return the time [s] that the counted charge takes at the current.

    A counter that falls once has begun again; one that goes on falling counts down.
    """
    moved = np.zeros(len(i))
    for q in map(np.nan_to_num, counters.values()):
        step = np.diff(q, prepend=q[:1])
        falls = step < 0
        again = falls & ~np.append(falls[1:], False) & ~np.insert(falls[:-1], 0, False)
        moved = np.maximum(moved, np.where(again, q, np.abs(step)))
    size = np.abs(np.nan_to_num(i))
    before = np.insert(size[:-1], 0, 0.0)
    same = np.insert(np.sign(i[1:]) == np.sign(i[:-1]), 0, False)
    mean = np.where(same & (before > 0), 0.5 * (size + before), size)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.where(mean > 0, 3600 * moved / mean, 0.0)
    idle = int((size == 0).sum())
    rests = f"; {count(idle, 'row')} without current have no length" if idle else ""
    table.file.note(f"Has no time: it is that of the charge over the current{rests}.")
    return np.cumsum(step)


def _kinds(table: Table) -> Array | None:
    """Return +1, -1 or 0 for what the file calls charge, discharge or rest; else NaN."""
    at = table.columns.get("step_type")
    text = None if at is None else table.texts(at)
    if text is None:
        return None
    codes, words = pd.factorize(text.str.lower())
    of_words = [
        next((sign for pattern, sign in _KINDS if re.search(pattern, word)), np.nan)
        for word in words
    ]
    kind = np.array([*of_words, np.nan])[codes]
    return kind if np.isfinite(kind).any() else None


def _known(rows: RawRecord, table: Table) -> RawRecord:
    """Return the samples that have all three numbers, of a voltage that a cell has."""
    file, every = table.file, {"time": rows.t, "voltage": rows.V, "current": rows.i}
    known = np.isfinite(list(every.values())).all(axis=0)
    if known.sum() < 2:
        for what, values in every.items():
            if not np.isfinite(values).any():
                raise file.error(_not_understood(table, what))
        raise file.error("has fewer than 2 rows of time, voltage and current")
    lost = int((~known).sum())
    said = f"Left out {count(lost, 'row')} without time, voltage or current."
    file.left_out(lost, len(rows), said)
    rows = rows.take(known)
    far = np.abs(rows.V) > 10
    if far.mean() > 0.1:
        worst = float(np.abs(rows.V).max())
        raise file.error(
            f"its voltages run to {worst:.4g} V, which is no cell's; what unit?"
        )
    lost = int(far.sum())
    file.left_out(lost, len(rows), f"Left out {count(lost, 'row')} beyond 10 V.")
    return rows.take(~far) if lost else rows


def _not_understood(table: Table, what: str) -> str:
    """Return the sentence for a column in which no cell is a number or a clock."""
    found = roles(table.names)
    at = found.get(what, next((found[c] for c in TIMES if c in found), None))
    text = None if at is None else table.texts(at)
    cells = [] if text is None else [x for x in text.iloc[:100] if x]
    if at is None or not cells:
        return f"its column of {what} is empty"
    wanted = "seconds, 0:15:00 or 2024-02-29 23:30:00" if what == "time" else "numbers"
    has = f"'{table.names[at]}' has '{shown(cells[0])}'"
    return f"{has}, which is no {what}; {wanted} would do"


def at_switching(rows: RawRecord, file: File) -> RawRecord:
    """Return samples with the current of the step in an end row that has switched it off.

    Some cyclers write the first or last row of a step with the current of its neighbour.
    The number, kind or clock of the step says that the row is of the step, or that two
    rows have one time: the last of a step and the first of the next.
    """
    i, t = rows.i.copy(), rows.t
    if len(t) < 4:
        return rows
    dt = np.diff(t)
    beside = np.minimum(np.append(dt[1:], np.inf), np.insert(dt[:-1], 0, np.inf))
    marks = [np.insert(np.cumsum(dt < 0.02 * beside), 0, 0), *rows.marks.values()]
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
        other, own = (np.trapezoid(np.abs(x), t) / 36 for x in (i, rows.i))
        file.note(
            f"{count(mended, 'row')} at the begin or end of a step without a current: "
            f"taken with that of the step, which makes {other:.4g} "
            f"uA.h.cm-2 in all; without, {own:.4g}."
        )
    return replace(rows, i=i)

"""The samples of a record in SI, with everything the file says about each of them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from .columns import Array, find_columns, numbers, quantity, texts
from .mapping import Mapping
from .remarks import Remarks
from .table import Table, count
from .units_per_area import PerArea

LOST = 0.01  # of the rows, from which on it is told as a doubt
COUNTERS = ("capacity", "charge_capacity", "discharge_capacity", "net_capacity")
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

    def __len__(self) -> int:
        return len(self.t)

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
    columns = find_columns(table.names, mapping, table)
    clock = "time" if "time" in columns else "step_time"
    clock = clock if clock in columns else "date"
    t = quantity(table, columns[clock], "time", mapping)
    V = quantity(table, columns["voltage"], "voltage", mapping)
    seconds = t.values
    if not t.stated:
        seconds = seconds * _unit_by_date(
            table, columns, mapping, t.name, seconds, remarks
        )
    counters: dict[str, Array] = {}
    for role in COUNTERS:
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
    i = _current(table, columns, mapping, per_area, seconds, counters, marks, remarks)
    T = step_time = None
    if "temperature" in columns:
        try:
            T = quantity(table, columns["temperature"], "temperature", mapping).values
        except InputError as error:
            if mapping.columns.temperature or mapping.units.temperature:
                raise
            remarks.notes.append(f"'{error.field}' was not read: {error.message}.")
    if "step_time" in columns:
        step_time = quantity(table, columns["step_time"], "step_time", mapping).values
    every = Samples(
        *(seconds, volts(V.values, V.name, remarks), i, step_time),
        *(_kinds(table, columns), T, counters, marks),
        by_step=clock == "step_time",
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
            remarks.notes.append(f"The number of the {role} counts rows: not used.")
            continue
        found[role] = values
    return found


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
                remarks.notes.append(
                    f"'{name}' has no unit and was read as {what}, as the dates run."
                )
                return unit
    remarks.notes.append(f"'{name}' has no unit and was read as seconds.")
    return 1.0


def _current(
    table: Table,
    columns: dict[str, int],
    mapping: Mapping,
    per_area: PerArea,
    t: Array,
    counters: dict[str, Array],
    marks: dict[str, Array],
    remarks: Remarks,
) -> Array:
    """Return the current [A.m-2]: as it stands there, by charges, or none that flows."""
    if "current" in columns:
        found = quantity(table, columns["current"], "current", mapping)
        return found.values * per_area(found.dimension)
    if "increment" in columns:
        dq = quantity(table, columns["increment"], "increment", mapping)
        step = np.nan_to_num(dq.values * per_area(dq.dimension) / 3600)
        counters["net_capacity"] = np.cumsum(step)
        name = dq.name
    elif "net_capacity" in counters:
        step = np.diff(counters["net_capacity"], prepend=counters["net_capacity"][:1])
        name = table.names[columns["net_capacity"]]
    else:
        remarks.notes.append("Has no current and was read as a rest at open circuit.")
        return np.zeros(len(t))
    remarks.notes.append(f"Has no current: it is that of '{name}' over time.")
    dt = np.diff(t, prepend=t[:1])
    with np.errstate(divide="ignore", invalid="ignore"):
        i = np.where(dt > 0, 3600 * step / dt, np.nan)
    begins = np.zeros(len(t), dtype=bool)
    begins[:1] = True
    if "step" in marks:
        begins[1:] |= np.diff(marks["step"]) != 0
    i[begins] = np.nan  # of the step before
    return np.asarray(pd.Series(i).bfill().ffill().fillna(0.0))


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
    remarks.notes.append(f"'{name}' says V and runs to {known.max():.5g}: read as mV.")
    return V / 1e3


def _known(rows: Samples, table: Table, remarks: Remarks) -> Samples:
    known = np.isfinite(rows.t) & np.isfinite(rows.V) & np.isfinite(rows.i)
    if known.sum() < 2:
        raise InputError("has fewer than 2 rows of time, voltage and current", table.path)
    if lost := int((~known).sum()):
        told(f"Left out {count(lost, 'row')} without time, voltage or current.", remarks)
        too_many(lost, len(rows), remarks)
    rows = rows.take(known)
    far = np.abs(rows.V) > 10
    if far.mean() > 0.1:
        worst = float(np.abs(rows.V).max())
        message = f"its voltages run to {worst:.4g} V, which is no cell's; what unit?"
        raise InputError(message, table.path)
    if far.any():
        told(f"Left out {count(int(far.sum()), 'row')} beyond 10 V.", remarks)
        too_many(int(far.sum()), len(rows), remarks)
        rows = rows.take(~far)
    return rows


def told(sentence: str, remarks: Remarks) -> None:
    """Add a note."""
    remarks.notes.append(sentence)


def too_many(lost: int, rows: int, remarks: Remarks) -> None:
    """Make a doubt of rows that were left out, if they are more than one in a hundred."""
    if lost > LOST * rows and lost > 1:
        share = 100 * lost / rows
        remarks.doubt(f"{lost:,} of {rows:,} rows ({share:.2g} %) are not in the record.")

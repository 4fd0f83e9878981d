"""Tables of voltage against capacity, as papers give them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from .. import units
from ..errors import count, shown
from .mapping import DIMENSIONS, CurveColumns, Direction
from .measured import CHARGE, DISCHARGE, Array, Segment
from .table import TIMES, Table

MOST_CURVES = 1000
_SIDES: tuple[tuple[str, Direction | None], ...] = (
    ("capacity", None),
    ("charge_capacity", "charge"),
    ("discharge_capacity", "discharge"),
)


def curves(table: Table) -> tuple[Segment, ...]:
    """Return the curves of a table, side by side or one below another."""
    how, file = table.file.how, table.file
    found: list[Segment] = []
    for k, curve in enumerate(how.curves or _side_by_side(table)):
        found += _curve(table, curve, f"curves[{k}]" if how.curves else "columns")
    if not found:
        raise file.error("has no rows of voltage and capacity")
    if len(found) > MOST_CURVES:
        number = f"{len(found):,} curves; at most {MOST_CURVES:,}"
        raise file.error(f"holds {number} are read")
    if any(np.isnan(segment.current).any() for segment in found):
        file.note(
            "The current of a curve is not stated: 'current: 1C' in a mapping says it."
        )
    return tuple(
        replace(s, cycle=number, name=f"curve {number}, {s.kind}")
        for number, s in enumerate(found, start=1)
    )


def _side_by_side(table: Table) -> list[CurveColumns]:
    """Return one curve, or a charge and a discharge against a capacity of each."""
    columns = table.columns
    sides = [(role, direction) for role, direction in _SIDES if role in columns]
    if "voltage" not in columns or not sides:
        what = "voltage"
        if "voltage" in columns:
            what = "current" if columns.keys() & {*TIMES} else "capacity or time"
        known = ", ".join(name for name in table.names if name)
        there = f"its columns are {shown(known, 300)}" if known else "it has no heading"
        none = f"no column of {what} was recognised ({there})"
        raise table.file.error(f"{none}; name it in a mapping: columns")
    V = columns["voltage"] + 1
    return [
        CurveColumns(voltage=V, capacity=columns[role] + 1, direction=side)
        for role, side in (sides[:1] if "capacity" in columns else sides)
    ]


def _curve(table: Table, curve: CurveColumns, where: str) -> list[Segment]:
    """Return the parts of one column of voltages against one of capacities."""
    file = table.file
    V_at = table.column(curve.voltage, f"{where}.voltage")
    q_at = table.column(curve.capacity, f"{where}.capacity")
    voltage = table.volts(V_at)
    V, q = voltage.values, table.areal("capacity", q_at)
    i = _current(table, curve, where)
    known = np.isfinite(V) & np.isfinite(q)
    if not known.any():
        return []
    last = int(np.flatnonzero(known)[-1])
    lost = int((~known[:last]).sum())
    said = f"Left out {count(lost, 'row')} without voltage or capacity."
    file.left_out(lost, last + 1, said)
    V, q, i = V[known], q[known], i[known]
    worst = float(np.abs(V).max())
    if worst > 10:
        message = f"runs to {worst:.4g} V, which is no cell's; what unit?"
        raise file.error(message, voltage.name)
    size = np.nan_to_num(np.abs(i))
    fresh = np.abs(np.diff(np.nan_to_num(i))) > (1e-3 * size[1:] if len(q) > 3 else 0)
    if len(q) > 3:  # the capacity starts again
        fresh |= np.abs(np.diff(q)) > 0.5 * max(float(np.ptp(q)), 1e-300)
    edges = [0, *(np.flatnonzero(fresh) + 1).tolist(), len(q)]
    return [
        _part(V[a:b], q[a:b], i[a:b], curve.direction, table) for a, b in pairwise(edges)
    ]


def _part(V: Array, q: Array, i: Array, kind: str | None, table: Table) -> Segment:
    """Return a curve of one current, whose capacity goes one way."""
    how, note = table.file.how, table.file.note
    if (q < 0).mean() > 0.5:
        q = -q  # counted down from the charged state
    order = np.argsort(q, kind="stable")
    if (np.diff(q) < 0).any():
        if not np.array_equal(order, np.arange(len(q))[::-1]):
            note("Points were put in the order of their capacity.")
        V, q, i = V[order], q[order], i[order]
    kind = kind or how.direction
    if kind is None:
        if len(V) == 1:
            note("A single point was taken as the end of a discharge.")
        kind = DISCHARGE if len(V) == 1 or V[-1] < V[0] else CHARGE
    if q[0] < 0:
        note("Points before capacity 0 were left out.")
        V, q, i = V[q >= 0], q[q >= 0], i[q >= 0]
    sign = 1.0 if kind == DISCHARGE else -1.0
    return Segment(kind, 1, V, sign * np.abs(i), q, None, how.temperature)


def _current(table: Table, curve: CurveColumns, where: str) -> Array:
    """Return the size of the current of each row [A.m-2]; NaN where nothing states it."""
    file, columns = table.file, table.columns
    text = curve.current or file.how.current
    size = np.full(len(table.data), np.nan)
    if text is not None:
        rate = units.c_rate(text)
        if rate is not None:
            one_c = file.one_c(f"{where}.current" if curve.current else "current")
            return np.full_like(size, rate * one_c)
        value, dimension = units.quantity(text, DIMENSIONS["current"])
        return file.per_area(np.full_like(size, abs(value)), dimension)
    if "current" in columns:
        size = table.areal("current")
    elif "c_rate" in columns:
        one_c = file.one_c(table.names[columns["c_rate"]])
        size = table.numbers(columns["c_rate"]) * one_c
    return np.abs(size)

"""Tables of voltage against capacity, as papers give them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from .. import units
from ..cell.cell import Cell
from ..errors import InputError, count, shown
from .cells import numbers
from .columns import column_of, find_columns, quantity
from .mapping import Curve, Direction, Mapping, dimension_of
from .measured import CHARGE, DISCHARGE, Array, Segment
from .remarks import Remarks
from .samples import too_many, volts
from .table import Table
from .units_per_area import PerArea

MOST_CURVES = 1000


def curves(
    table: Table,
    mapping: Mapping,
    per_area: PerArea,
    cell: Cell | None,
    remarks: Remarks,
) -> tuple[Segment, ...]:
    """The curves of a capacity-voltage table, side by side or one below another.

    Raises
    ------
    InputError
        No capacity or voltage, or nothing left of them.
    """
    listed = mapping.curves or _side_by_side(table, mapping)
    found: list[Segment] = []
    for k, curve in enumerate(listed):
        where = f"curves[{k}]" if mapping.curves else "columns"
        found += _curve(table, mapping, curve, where, per_area, cell, remarks)
    if not found:
        raise InputError("has no rows of voltage and capacity", table.path)
    if len(found) > MOST_CURVES:
        message = f"holds {len(found):,} curves; at most {MOST_CURVES:,} are read"
        raise InputError(message, table.path)
    if any(np.isnan(segment.current).any() for segment in found):
        remarks.note(
            "The current of a curve is not stated: 'current: 1C' in a mapping says it."
        )
    return tuple(
        replace(s, cycle=number, name=f"curve {number}, {s.kind}")
        for number, s in enumerate(found, start=1)
    )


def _side_by_side(table: Table, mapping: Mapping) -> list[Curve]:
    """One curve, or a charge and a discharge against a capacity of each."""
    columns = find_columns(table, mapping)
    if "voltage" not in columns:
        raise InputError(lack("voltage", table), table.path)
    voltage = columns["voltage"] + 1
    sides: tuple[tuple[str, Direction | None], ...] = (
        ("capacity", mapping.direction),
        ("charge_capacity", "charge"),
        ("discharge_capacity", "discharge"),
    )
    found = [
        Curve(voltage=voltage, capacity=columns[role] + 1, direction=direction)
        for role, direction in sides
        if role in columns
    ]
    if not found:
        timed = {"time", "step_time", "date"} & columns.keys()
        what = "current" if timed else "capacity or time"
        raise InputError(lack(what, table), table.path)
    return found[:1] if "capacity" in columns else found


def lack(what: str, table: Table) -> str:
    """Return the sentence for a column that is not there."""
    known = ", ".join(name for name in table.names if name)
    there = f"its columns are {shown(known, 300)}" if known else "it has no heading"
    return f"no column of {what} was recognised ({there}); name it in a mapping: columns"


def _curve(
    table: Table,
    mapping: Mapping,
    curve: Curve,
    where: str,
    per_area: PerArea,
    cell: Cell | None,
    remarks: Remarks,
) -> list[Segment]:
    V_at = column_of(table, curve.voltage, f"{where}.voltage")
    q_at = column_of(table, curve.capacity, f"{where}.capacity")
    voltage = quantity(table, V_at, "voltage", mapping)
    capacity = quantity(table, q_at, "capacity", mapping)
    V = volts(voltage.values, voltage.name, remarks)
    q = capacity.values * per_area(capacity.dimension) / 3600
    i = _current(table, mapping, curve, where, per_area, cell)
    known = np.isfinite(V) & np.isfinite(q)
    empty = np.isnan(V) | np.isnan(q)
    if not known.any():
        return []
    last = int(np.flatnonzero(known)[-1])
    if lost := int(empty[:last].sum()):
        remarks.note(f"Left out {count(lost, 'row')} without voltage or capacity.")
        too_many(lost, last + 1, remarks)
    V, q, i = V[known], q[known], i[known]
    if (np.abs(V) > 10).any():
        worst = float(np.abs(V).max())
        message = f"runs to {worst:.4g} V, which is no cell's; what unit?"
        raise InputError(message, table.path, field=voltage.name)
    found = []
    for start, stop in _parts(q, i):
        part = _one(V[start:stop], q[start:stop], i[start:stop], curve, mapping, remarks)
        if part is not None:
            found.append(part)
    return found


def _parts(q: Array, i: Array) -> list[tuple[int, int]]:
    """Spans of one current, within which the capacity does not start again."""
    fresh = np.zeros(max(len(q) - 1, 0), dtype=bool)
    fresh |= np.abs(np.diff(np.nan_to_num(i))) > 1e-3 * np.nan_to_num(np.abs(i[1:]))
    span = float(np.ptp(q)) if len(q) else 0.0
    fresh |= np.abs(np.diff(q)) > 0.5 * max(span, 1e-300)
    if len(q) < 4:
        fresh = np.abs(np.diff(np.nan_to_num(i))) > 0
    edges = [0, *(np.flatnonzero(fresh) + 1).tolist(), len(q)]
    return list(pairwise(edges))


def _one(
    V: Array, q: Array, i: Array, curve: Curve, mapping: Mapping, remarks: Remarks
) -> Segment | None:
    if (q < 0).mean() > 0.5:
        q = -q  # counted down from the charged state
    if (np.diff(q) < 0).any():
        order = np.argsort(q, kind="stable")
        if not np.array_equal(order, np.arange(len(q))[::-1]):
            remarks.note("Points were put in the order of their capacity.")
        V, q, i = V[order], q[order], i[order]
    kind: str | None = curve.direction or mapping.direction
    if kind is None and len(V) > 1:
        kind = DISCHARGE if V[-1] < V[0] else CHARGE
    elif kind is None:
        kind = DISCHARGE
        remarks.note("A single point was taken as the end of a discharge.")
    if q[0] < 0:
        remarks.note("Points before capacity 0 were left out.")
        V, q, i = V[q >= 0], q[q >= 0], i[q >= 0]
    sign = 1.0 if kind == DISCHARGE else -1.0
    return Segment(kind, 1, V, sign * np.abs(i), q, None, mapping.temperature)


def _current(
    table: Table,
    mapping: Mapping,
    curve: Curve,
    where: str,
    per_area: PerArea,
    cell: Cell | None,
) -> Array:
    """Size of the current of each row [A.m-2]; NaN where nothing states it."""
    rows = len(table.data)
    text = curve.current or mapping.current
    if text is not None:
        field = f"{where}.current" if curve.current else "current"
        rate = units.c_rate(text)
        if rate is not None:
            return np.full(rows, rate * _one_c(cell, table, field))
        value, dimension = dimension_of(text, "current")
        return np.full(rows, abs(value * per_area(dimension)))
    columns = find_columns(table, mapping)
    if "current" in columns:
        found = quantity(table, columns["current"], "current", mapping)
        return np.abs(found.values * per_area(found.dimension))
    if "c_rate" in columns:
        rates = numbers(table, columns["c_rate"])
        return np.abs(rates * _one_c(cell, table, table.names[columns["c_rate"]]))
    return np.full(rows, np.nan)


def _one_c(cell: Cell | None, table: Table, field: str) -> float:
    if cell is None:
        message = "is a C-rate: give the cell whose 1C it refers to"
        raise InputError(message, table.path, field=field)
    return cell.one_c_current_density

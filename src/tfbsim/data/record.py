"""A cycler's record as steps: time put in order, signs settled, steps and cycles found.

A step is told by the cycler's own number where there is one, and by what the current
does: no current is a rest, a steady voltage with a falling current a hold, anything else
a charge or a discharge.  A cycle begins where the kind of the first step comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.signal import find_peaks

from ..errors import InputError
from .columns import find_columns, numbers, quantity
from .mapping import Mapping
from .measured import CHARGE, DISCHARGE, HOLD, REST, Array, Segment
from .tables import Table, count

HELD = 3e-3  # V: how far the voltage of a hold strays
FALLEN = 0.95  # of its first current, what a hold ends below
JUMP = 0.05  # relative change of the current that begins another step
MOST_PLATEAUS = 200  # currents of a staircase; more is a profile, kept whole
CLEAR = 0.5  # of the charge that must agree on the sign
WITHIN = 0.1  # of the integral of the current that a counter of charge may be off
CLOSE = 0.02  # and still goes without a note

PerArea = Callable[[str], float]


@dataclass(frozen=True)
class _Rows:
    """Samples in order: [s, V, A.m-2 as the file has the sign, A.h.m-2, K]."""

    t: Array
    V: Array
    i: Array
    step_time: Array | None
    counters: dict[str, Array]
    marks: dict[str, Array]
    T: Array | None
    by_step: bool  # whether t starts again at each step

    def take(self, keep: Array) -> _Rows:
        def some(values: Array | None) -> Any:
            return None if values is None else values[keep]

        return _Rows(
            *(self.t[keep], self.V[keep], self.i[keep], some(self.step_time)),
            {k: v[keep] for k, v in self.counters.items()},
            {k: v[keep] for k, v in self.marks.items()},
            some(self.T),
            self.by_step,
        )


def segments(
    table: Table, mapping: Mapping, per_area: PerArea, notes: list[str]
) -> tuple[Segment, ...]:
    """The steps of a record.

    Parameters
    ----------
    table, mapping : Table, Mapping
        What was read, and how.
    per_area : callable
        Factor that makes a current or charge of a dimension one per area, SI.
    notes : list of str
        Grows by what was converted, guessed and mended.

    Raises
    ------
    InputError
        Nothing is left to use.
    """
    rows = _clean(_rows(table, mapping, per_area, notes), table, notes)
    rows = _in_order(rows, notes)
    rows = replace(rows, i=_signed(rows, table, mapping, notes))
    spans = [
        span
        for start, stop, kind in _runs(rows)
        for span in _steps(rows, start, stop, kind)
    ]
    kept = [span for span in spans if span[1] - span[0] >= 2]
    if len(kept) < len(spans):
        alone = len(spans) - len(kept)
        notes.append(f"Left out {count(alone, 'step')} of a single sample.")
    if not kept:
        raise InputError("holds no step of at least two samples", table.path)
    cycles = _cycles(rows, kept)
    counted = _counter_in_use(rows, kept, notes)
    found = tuple(
        _segment(rows, span, cycle, counted)
        for span, cycle in zip(kept, cycles, strict=True)
    )
    _tell_gaps(found, notes)
    return found


# --- Samples -----------------------------------------------------------------------


def _rows(table: Table, mapping: Mapping, per_area: PerArea, notes: list[str]) -> _Rows:
    columns = find_columns(table, mapping)
    clock = "time" if "time" in columns else "step_time"
    t = quantity(table, columns[clock], "time", mapping)
    V = quantity(table, columns["voltage"], "voltage", mapping)
    i = quantity(table, columns["current"], "current", mapping)
    if not t.stated:
        notes.append(f"'{t.name}' has no unit and was read as seconds.")
    counters: dict[str, Array] = {}
    for role in ("capacity", "charge_capacity", "discharge_capacity"):
        if role in columns:
            try:
                q = quantity(table, columns[role], role, mapping)
            except InputError:
                if getattr(mapping.columns, role):
                    raise
                continue  # without a unit: the current tells the charge
            counters[role] = q.values * per_area(q.dimension) / 3600
    T = None
    if "temperature" in columns:
        T = quantity(table, columns["temperature"], "temperature", mapping).values
    step_time = t.values if clock == "step_time" else None
    if "step_time" in columns and step_time is None:
        step_time = quantity(table, columns["step_time"], "step_time", mapping).values
    return _Rows(
        t.values,
        volts(V.values, V.stated, V.name, notes),
        i.values * per_area(i.dimension),
        step_time,
        counters,
        {r: numbers(table, columns[r]) for r in ("cycle", "step") if r in columns},
        T,
        clock == "step_time",
    )


def volts(V: Array, stated: bool, name: str, notes: list[str]) -> Array:
    """Voltages as volts, where their size shows that the unit is another."""
    known = np.abs(V[np.isfinite(V)])
    middle = float(np.median(known)) if len(known) else 0.0
    if middle > 100:
        was = "says V" if stated else "has no unit"
        notes.append(f"'{name}' {was} and runs to {known.max():.5g}: read as mV.")
        return V / 1e3
    if 0 < middle < 0.02 and stated:
        notes.append(f"'{name}' would be {1e3 * middle:.3g} mV: read as V.")
        return V * 1e3
    return V


def _clean(rows: _Rows, table: Table, notes: list[str]) -> _Rows:
    known = np.isfinite(rows.t) & np.isfinite(rows.V) & np.isfinite(rows.i)
    if known.sum() < 2:
        raise InputError("has fewer than 2 rows of time, voltage and current", table.path)
    if lost := int((~known).sum()):
        notes.append(f"Left out {count(lost, 'row')} without time, voltage or current.")
    rows = rows.take(known)
    far = np.abs(rows.V) > 10
    if far.mean() > 0.1:
        worst = float(np.abs(rows.V).max())
        message = f"its voltages run to {worst:.4g} V, which is no cell's; what unit?"
        raise InputError(message, table.path)
    if far.any():
        notes.append(f"Left out {count(int(far.sum()), 'row')} beyond 10 V.")
        rows = rows.take(~far)
    return rows


def _in_order(rows: _Rows, notes: list[str]) -> _Rows:
    """Time that never falls: duplicates out, restarts joined, the rest sorted."""
    same = np.zeros(len(rows.t), dtype=bool)
    same[1:] = (np.diff(rows.t) == 0) & (np.diff(rows.V) == 0) & (np.diff(rows.i) == 0)
    if same.any():
        notes.append(f"Left out {count(int(same.sum()), 'duplicate row')}.")
        rows = rows.take(~same)
    t = rows.t
    back = np.flatnonzero(np.diff(t) < 0) + 1
    if rows.by_step:
        if "step" in rows.marks:
            changes = np.flatnonzero(np.diff(np.nan_to_num(rows.marks["step"]))) + 1
            back = np.union1d(back, changes)
        return replace(rows, t=_end_to_end(t, back))
    if not len(back):
        return rows
    if (np.diff(t) <= 0).all():
        notes.append("Time runs backwards throughout: the rows were turned round.")
        return rows.take(np.arange(len(t))[::-1])
    before, after = t[back - 1] - t[0], t[back] - t[0]
    usual = float(np.median(np.abs(np.diff(t)))) if len(t) > 2 else 0.0
    if np.all((before > 0) & (after <= np.maximum(0.02 * before, 3 * usual))):
        notes.append(
            f"The clock starts again at {count(len(back), 'row')}: put end to end."
        )
        return replace(rows, t=_end_to_end(t, back))
    notes.append(f"Time runs backwards at {count(len(back), 'row')}: sorted by time.")
    return rows.take(np.argsort(t, kind="stable"))


def _end_to_end(t: Array, starts: Array) -> Array:
    """One clock from several that each begin at 0."""
    offset = np.zeros(len(t))
    offset[starts] = t[starts - 1]
    return t + np.cumsum(offset)


# --- Signs -------------------------------------------------------------------------


def _signed(rows: _Rows, table: Table, mapping: Mapping, notes: list[str]) -> Array:
    """The current, discharge positive."""
    named = any(name.strip().startswith("Current / ") for name in table.names)
    known = {"EC-Lab": "EC-Lab", "NEWARE": "NEWARE", "BioLogic": "EC-Lab"}
    source = "the mapping" if mapping.current_sign else known.get(table.layout, "")
    source = source or ("the Battery Data Format" if named else "")
    said = mapping.current_sign or ("charge positive" if source else None)
    flowing = np.abs(rows.i) > _rest_below(rows.i)
    signs = set(np.sign(rows.i[flowing]))
    if said == "without sign" or (len(signs) == 1 and _turns(rows, flowing)):
        notes.append(
            "The current has no sign: where the voltage rises it was taken as charging."
        )
        return _by_trend(rows, flowing)
    vote = _vote(rows, flowing)
    seen = "charge positive" if vote > 0 else "discharge positive"
    if abs(vote) < CLEAR or seen == said:
        used: str = said or "charge positive"
        if said:
            words = f"as {source} has it"
        else:
            words = "which the voltage does not settle; current_sign in a mapping does"
    else:
        used = seen
        trend = "rises" if vote > 0 else "falls"
        words = f"for the voltage {trend} where it is positive"
        if said:
            words += f", though {source} has it {said}"
    word = used.split()[0]
    if used == "charge positive":
        notes.append(f"Current counted {word} positive, {words}: sign turned.")
        return -rows.i
    notes.append(f"Current counted {word} positive, {words}.")
    return rows.i


def _rest_below(i: Array) -> float:
    """The current below which a cell rests: at a gap in the sizes there are."""
    sizes = np.unique(np.abs(i))
    top = float(sizes[-1])
    if top == 0:
        return 0.0
    if sizes[0] == 0 and (sizes[1:] > 1e-4 * top).all():
        return float(sizes[1] / 2) if len(sizes) > 1 else 0.0
    low = sizes[(sizes > 0) & (sizes < 0.02 * top)]
    steps = np.diff(np.log10(np.append(low, 0.02 * top))) if len(low) else np.zeros(0)
    if len(steps) and steps.max() > 0.7:
        k = int(np.argmax(steps))
        return float(np.sqrt(low[k] * np.append(low, 0.02 * top)[k + 1]))
    return 1e-4 * top


def _same(values: Sequence[Array]) -> list[tuple[int, int]]:
    """Spans in which none of some arrays changes."""
    n = len(values[0])
    cut = np.zeros(max(n - 1, 0), dtype=bool)
    for array in values:
        cut |= np.diff(np.nan_to_num(array)) != 0
    edges = [0, *(np.flatnonzero(cut) + 1).tolist(), n]
    return list(pairwise(edges))


def _vote(rows: _Rows, flowing: Array) -> float:
    """Share of the charge that says charge is positive, less that which says not."""
    sign = np.where(flowing, np.sign(rows.i), 0)
    total = agreed = 0.0
    for start, stop in _same([sign]):
        change = rows.V[stop - 1] - rows.V[start]
        if sign[start] == 0 or stop - start < 2 or abs(change) < 2 * HELD:
            continue
        span = slice(start, stop)
        charge = abs(float(np.trapezoid(rows.i[span], rows.t[span])))
        total += charge
        agreed += charge * np.sign(change) * sign[start]
    return agreed / total if total else 0.0


def _turns(rows: _Rows, flowing: Array) -> bool:
    """Whether the voltage both rises and falls by most of its range under current."""
    trends = [np.sign(a) for a in _swings(rows, flowing)]
    return len(set(trends)) > 1


def _extremes(V: Array) -> Array:
    """Samples at which the voltage turns, by at least a fifth of its range."""
    least = 0.2 * float(np.ptp(V))
    if least <= 0:
        return np.zeros(0, dtype=int)
    tops, bottoms = (find_peaks(s * V, prominence=least)[0] for s in (1, -1))
    return np.sort(np.concatenate([tops, bottoms])).astype(int)


def _spans(rows: _Rows, flowing: Array) -> list[tuple[int, int]]:
    """Stretches under current within which the voltage goes one way."""
    turned = np.zeros(len(rows.V))
    turned[_extremes(rows.V)] = 1
    part = np.concatenate([[0.0], np.cumsum(turned)[:-1]])
    marks = [flowing.astype(float), part, *rows.marks.values()]
    return [(a, b) for a, b in _same(marks) if flowing[a] and b - a >= 2]


def _swings(rows: _Rows, flowing: Array) -> list[float]:
    least = 0.15 * float(np.ptp(rows.V))
    swings = [float(rows.V[b - 1] - rows.V[a]) for a, b in _spans(rows, flowing)]
    return [s for s in swings if abs(s) > least]


def _by_trend(rows: _Rows, flowing: Array) -> Array:
    i = np.zeros(len(rows.i))
    last = -1.0
    for start, stop in _spans(rows, flowing):
        change = rows.V[stop - 1] - rows.V[start]
        if abs(change) > HELD:
            last = -float(np.sign(change))
        i[start:stop] = last * np.abs(rows.i[start:stop])
    return i


# --- Steps and cycles --------------------------------------------------------------

Span = tuple[int, int, str]


def _runs(rows: _Rows) -> list[Span]:
    """Spans of one sign of the current, and of one step of the cycler."""
    flowing = np.abs(rows.i) > _rest_below(rows.i)
    sign = np.where(flowing, np.sign(rows.i), 0)
    word = {0: REST, 1: DISCHARGE, -1: CHARGE}
    return [(a, b, word[int(sign[a])]) for a, b in _same([sign, *rows.marks.values()])]


def _steps(rows: _Rows, start: int, stop: int, kind: str) -> list[Span]:
    """A run as a hold, constant currents, or both, one after another."""
    if kind == REST or stop - start < 3:
        return [(start, stop, kind)]
    held = _hold_from(rows.V[start:stop], np.abs(rows.i[start:stop]))
    cut = start + held
    found: list[Span] = []
    if cut > start:
        size = np.abs(rows.i[start:cut])
        jumps = np.flatnonzero(np.abs(np.diff(size)) > JUMP * size[:-1]) + 1
        edges = [0, *jumps.tolist(), cut - start]
        lengths = np.diff(edges)
        if len(jumps) > MOST_PLATEAUS or np.median(lengths) < 3:
            edges = [0, cut - start]  # a profile of currents, not constant ones
        found += [(start + a, start + b, kind) for a, b in pairwise(edges)]
    if cut < stop:
        found.append((cut, stop, HOLD))
    return found


def _hold_from(V: Array, size: Array) -> int:
    """The sample from which the voltage is held; the number of samples if never."""
    n = len(V)
    noise = float(np.median(np.abs(np.diff(V[-20:])))) if n > 5 else 0.0
    level = float(np.median(V[-5:]))
    off = np.flatnonzero(np.abs(V - level) > max(HELD, 5 * noise))
    if not len(off):
        return 0 if size[-1] <= FALLEN * size[0] else n
    first = int(off[-1]) + 1
    # The last of the ramp towards the held voltage: its current has not begun to fall
    while first < n - 1 and size[first + 1] >= (1 - 5e-3) * size[first]:
        first += 1
    if n - first < 3 or size[-1] > FALLEN * size[first]:
        return n
    return first + 1


def _cycles(rows: _Rows, spans: Sequence[Span]) -> list[int]:
    """The cycle of each step: the file's own, counted from 1, or by what comes again."""
    if "cycle" in rows.marks:
        own = [float(np.nan_to_num(rows.marks["cycle"][a])) for a, _, _ in spans]
        first = min(own)
        return [int(c - first) + 1 for c in own]
    active = (CHARGE, DISCHARGE)
    opening = next((kind for _, _, kind in spans if kind in active), None)
    found, cycle, other = [], 1, False
    for _, _, kind in spans:
        if kind == opening and other:
            cycle, other = cycle + 1, False
        other = other or (kind in active and kind != opening)
        found.append(cycle)
    return found


# --- Charge ------------------------------------------------------------------------


def _passed(rows: _Rows, span: Span) -> Array:
    """Integral of |i| over a step [A.h.m-2]."""
    cut = slice(span[0], span[1])
    return np.asarray(
        cumulative_trapezoid(np.abs(rows.i[cut]), rows.t[cut], initial=0) / 3600
    )


def _counted(rows: _Rows, span: Span) -> Array | None:
    """What the cycler's own counter moved by, if there is one for the step."""
    start, stop, _ = span
    side = DISCHARGE if rows.i[start:stop].mean() > 0 else CHARGE
    for role in (f"{side}_capacity", "capacity"):
        if role in rows.counters:
            moved = np.abs(rows.counters[role][start:stop] - rows.counters[role][start])
            if np.isfinite(moved).all() and (np.diff(moved) >= -1e-9).all():
                return moved
    return None


def _counter_in_use(rows: _Rows, spans: Sequence[Span], notes: list[str]) -> bool:
    """Whether the cycler's counter of charge agrees with the current's integral."""
    counted = integral = 0.0
    for span in spans:
        moved = _counted(rows, span) if span[2] != REST else None
        if moved is not None:
            counted += float(moved[-1])
            integral += float(_passed(rows, span)[-1])
    if integral <= 0 or counted <= 0:
        return False
    ratio = counted / integral
    if abs(ratio - 1) <= WITHIN:
        if abs(ratio - 1) > CLOSE:
            notes.append(
                f"The counted capacity is {100 * (ratio - 1):+.1f} % off the integral of "
                "the current; the counted one was used."
            )
        return True
    factor = f"{ratio:.4g} times" if ratio > 1 else f"1/{1 / ratio:.4g} of"
    notes.append(
        f"The counted capacity is {factor} the integral of the current: the unit of one "
        "of capacity, current and time is wrong. The integral was used."
    )
    return False


def _segment(rows: _Rows, span: Span, cycle: int, counted: bool) -> Segment:
    start, stop, kind = span
    t, i = rows.t[start:stop], rows.i[start:stop]
    begun = _begun(rows, start, stop)
    capacity = _passed(rows, span)
    own = _counted(rows, span) if counted else None
    if own is not None and abs(own[-1] - capacity[-1]) <= WITHIN * capacity[-1]:
        capacity = own
    temperature = None
    if rows.T is not None and np.isfinite(rows.T[start:stop]).any():
        temperature = float(np.nanmean(rows.T[start:stop]))
    return Segment(
        kind=kind,
        cycle=cycle,
        voltage=rows.V[start:stop],
        current=i,
        capacity=capacity + abs(i[0]) * (t[0] - begun) / 3600,
        time=t - begun,
        temperature=temperature,
        start=begun - float(rows.t[0]),
        name=f"cycle {cycle}, {kind}",
    )


def _begun(rows: _Rows, start: int, stop: int) -> float:
    """When a step began: a cycler's first sample may come an interval later."""
    first, second = rows.t[start], rows.t[start + 1]
    if rows.step_time is not None and 0 <= rows.step_time[start] <= 3600:
        return float(first - rows.step_time[start])
    previous = rows.t[start - 1] if start else 0.0
    if 0 < first - previous <= 1.5 * (second - first) and (start or first > 0):
        return float(previous)
    return float(first)


def _tell_gaps(found: Sequence[Segment], notes: list[str]) -> None:
    longest, number = 0.0, 0
    for segment in found:
        if segment.time is None or segment.kind == REST or len(segment.time) < 10:
            continue
        dt = np.diff(segment.time)
        gaps = dt[dt > max(60.0, 10 * float(np.quantile(dt, 0.9)))]
        number += len(gaps)
        longest = max(longest, float(gaps.max(initial=0.0)))
    if number:
        notes.append(
            f"{count(number, 'gap')} in time under current, the longest "
            f"{longest / 60:.3g} min: "
            "the charge in them is counted with the current on both sides."
        )

"""Which sign of the current is charge: what the file says, its witnesses heard together.

Counters of charge and discharge, the kinds of the steps and the format's own convention
each say it.  Where they agree nothing is guessed; where one disagrees the others decide.
The trend of the voltage is asked where none of them speaks, and between two that differ.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from .curve_table import spans
from .measured import Array
from .raw_record import RawRecord
from .table import File, Table

CLEAR = 0.5  # of the charge that must agree on the sign
MOVED = 6e-3  # V, of a trend
MATTERS = 0.01  # of all charge: what a small current must pass to be one
STEADY = 0.05  # relative change of the current within which it is constant


def flowing(rows: RawRecord) -> Array:
    """Return whether a current flows at each sample.

    A current that is small beside the largest is one if the file calls the step so, or
    if it goes one way and passes a charge that matters.
    """
    size = np.abs(rows.i)
    top = float(size.max())
    if top == 0:
        return np.zeros(len(size), dtype=bool)
    flow = size > _rest_below(rows.i)
    step = np.diff(rows.t, prepend=rows.t[:1])
    passed, least = rows.i * step, MATTERS * float((size * step).sum())
    for a, b in spans([flow.astype(float), *rows.marks.values()]):
        net, gross = abs(passed[a + 1 : b].sum()), np.abs(passed[a + 1 : b]).sum()
        if not flow[a] and gross > least > 0 and net > 0.9 * gross:
            flow[a:b] = size[a:b] > 0
    if rows.kind is not None:
        flow[(rows.kind == 0) & (size < 0.02 * top)] = False
        flow |= (np.abs(np.nan_to_num(rows.kind)) == 1) & (size > 1e-6 * top)
    return flow


def _rest_below(i: Array) -> float:
    """Return the current below which a cell rests: at a gap in the sizes there are."""
    sizes = np.unique(np.abs(i))
    top = float(sizes[-1])
    if sizes[0] == 0 and (sizes[1:] > 1e-4 * top).all():
        return float(sizes[1] / 2)
    low = np.append(sizes[(sizes > 0) & (sizes < 0.02 * top)], 0.02 * top)
    steps = np.diff(np.log10(low))
    if steps.max(initial=0.0) > 0.7:
        k = int(np.argmax(steps))
        return float(np.sqrt(low[k] * low[k + 1]))
    return 1e-4 * top


def signed(rows: RawRecord, flow: Array, table: Table) -> Array:
    """Return the current [A.m-2], discharge positive."""
    file = table.file
    said = file.how.current_sign
    if said == "without sign":
        return _by_trend(rows, flow, file)
    if said:
        return _turned(rows, said == "charge positive", "as the mapping has it", file)
    source = _convention(table)
    sides = _sides(rows, flow)
    if flow.any() and (rows.i[flow] > 0).all():
        for who, side in sides.items():
            if {-1.0, 1.0} <= set(side[flow]):
                file.note(f"The current has no sign: which is charge is told by {who}.")
                charging = pd.Series(np.where(flow, side, np.nan)).bfill().ffill()
                return np.where(flow, -np.asarray(charging) * np.abs(rows.i), rows.i)
        if not sides and _swings_both_ways(rows, flow, bool(source)):
            return _by_trend(rows, flow, file)
    votes = {who: _agreed(side, rows, flow) for who, side in sides.items()}
    votes = {who: vote for who, vote in votes.items() if abs(vote) >= CLEAR}
    if source:
        votes[source] = 1.0
    trend = _agreed(_trend(rows, flow), rows, flow)
    clear = abs(trend) >= CLEAR
    seen = "rises" if trend > 0 else "falls"
    if not votes:
        why = "which the voltage does not settle; current_sign in a mapping does"
        if clear:
            why = f"for the voltage {seen} where it is positive"
        return _turned(rows, trend > 0 or not clear, why, file)
    total = sum(np.sign(v) for v in votes.values())
    charge = (total or (trend if clear else next(iter(votes.values())))) > 0
    agree = [who for who, vote in votes.items() if (vote > 0) == charge]
    others = [who for who in votes if who not in agree]
    why = f"as {source} has it" if source in agree else f"by {' and '.join(agree)}"
    if others:
        why += f", though not by {' and '.join(others)}"
    elif len(votes) == 1 and source and clear and (trend > 0) != charge:
        why += f"; the voltage {seen} there: current_sign in a mapping turns it"
    return _turned(rows, charge, why, file)


def _turned(rows: RawRecord, charge: bool, why: str, file: File) -> Array:
    """Return the current, turned where a charge was positive, and say so."""
    word, turned = ("charge", ": sign turned") if charge else ("discharge", "")
    file.note(f"Current counted {word} positive, {why}{turned}.")
    return -rows.i if charge else rows.i


def _convention(table: Table) -> str:
    """Return whose convention it is that charge is positive; "" if nobody's."""
    if any(n.strip().startswith(("Current / ", "current_ampere")) for n in table.names):
        return "the Battery Data Format"
    return table.layout if table.layout in ("EC-Lab", "NEWARE") else ""


def _sides(rows: RawRecord, flow: Array) -> dict[str, Array]:
    """Return what the file says of each sample: +1 charge, -1 discharge, else NaN."""
    found: dict[str, Array] = {}
    up = np.zeros(len(rows))
    counted = False
    for role, sign in (("charge_capacity", 1.0), ("discharge_capacity", -1.0)):
        if role in rows.counters:
            counted = True
            moved = np.diff(rows.counters[role], prepend=rows.counters[role][:1])
            up += sign * np.where(np.isfinite(moved) & (moved > 0), moved, 0.0)
    up[1:][~(flow[1:] & flow[:-1])] = 0.0
    if counted and up.any():
        found["its counters of charge"] = np.where(up != 0, np.sign(up), np.nan)
    if rows.kind is not None and (np.abs(rows.kind[flow]) == 1).any():
        found["the kind of its steps"] = np.where(rows.kind == 0, np.nan, rows.kind)
    return found


def _agreed(side: Array, rows: RawRecord, flow: Array) -> float:
    """Return the share of the charge that says charge is positive, less the rest."""
    weight = np.abs(rows.i) * np.diff(rows.t, prepend=rows.t[:1])
    weight = np.where(flow & np.isfinite(side), weight, 0.0)
    agreed = float((weight * np.nan_to_num(side) * np.sign(rows.i)).sum())
    return agreed / float(weight.sum()) if weight.any() else 0.0


def _trend(rows: RawRecord, flow: Array) -> Array:
    """Return the sign in which V moves under each current, NaN where it hardly does."""
    sign = np.where(flow, np.sign(rows.i), 0)
    side = np.full(len(rows), np.nan)
    for a, b in spans([sign, *rows.marks.values()]):
        change = rows.V[b - 1] - rows.V[a]
        if abs(change) >= MOVED:
            side[a + 1 : b] = np.sign(change)
    return side


def _swings_both_ways(rows: RawRecord, flow: Array, declared: bool) -> bool:
    """Return whether V rises and falls by much of its range under current.

    Of a format that has charge positive, a fall is one of half the range at a steady
    current: no charge does that.
    """
    swings: list[float] = []
    for a, b in _one_way(rows, flow):
        size = np.abs(rows.i[a:b])
        jumps = np.flatnonzero(np.abs(np.diff(size)) > STEADY * size[:-1]) + 1
        cuts = [a, *(a + jumps).tolist(), b] if declared else [a, b]
        swings += [float(rows.V[y - 1] - rows.V[x]) for x, y in pairwise(cuts)]
    most, least = max(swings, default=0.0), min(swings, default=0.0)
    range_ = float(np.ptp(rows.V))
    return most > 0.15 * range_ and least < (-0.5 if declared else -0.15) * range_


def _one_way(rows: RawRecord, flow: Array) -> list[tuple[int, int]]:
    """Return stretches under current within which the voltage goes one way."""
    V, least = rows.V, 0.2 * float(np.ptp(rows.V))
    turned = np.zeros(len(rows))  # 1 where the voltage goes the other way from then on
    low = high = 0  # since it last turned
    for k, v in enumerate(V.tolist() if least > 0 else []):
        low, high = k if v < V[low] else low, k if v > V[high] else high
        fell, rose = v < V[high] - least, v > V[low] + least
        if (fell and high > low) or (rose and low > high):
            turned[max(low, high) + 1] = 1
            low = high = k
    marks = [flow.astype(float), np.cumsum(turned), *rows.marks.values()]
    return [(a, b) for a, b in spans(marks) if flow[a] and b - a >= 2]


def _by_trend(rows: RawRecord, flow: Array, file: File) -> Array:
    """Return a current without a sign by which way the voltage goes."""
    file.note(
        "The current has no sign: where the voltage rises it was taken as charging."
    )
    i = np.zeros(len(rows))
    last = -1.0
    for start, stop in _one_way(rows, flow):
        change = rows.V[stop - 1] - rows.V[start]
        if abs(change) > MOVED / 2:
            last = -float(np.sign(change))
        i[start:stop] = last * np.abs(rows.i[start:stop])
    return i

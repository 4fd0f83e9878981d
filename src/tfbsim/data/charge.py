"""The charge of each step: the cycler's counter where it closes, else the integral.

A counter closes if between most samples it moves by what the current passes.  It then
knows what the samples do not: when a step began, and that no current flowed in a pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import count
from .measured import CHARGE, DISCHARGE, HOLD, REST, Array, Segment
from .raw_record import RawRecord
from .steps import Span
from .table import File

POWERS = (1e-6, 1e-4, 1e-3, 1e-2, 1.0, 1e2, 1e3, 1e4, 1e6)
WITHIN = 0.1  # of the integral of the current that a counter of charge may be off
CLOSE = 0.02  # and still goes without a note
DOUBT = 0.01  # of all charge, from which on two values of it are told
# What a wrong unit of charge, current or time is wrong by
SLIPS = tuple(a * b for a in (1.0, 60.0, 3600.0, 1 / 60, 1 / 3600) for b in POWERS)
CLOCK, COUNTER, SAMPLE, NOTHING = "clock", "counter", "sample", ""
AS_BEFORE = 1e-3  # relative fall of a current that has not begun to fall
CADENCE = 1.5  # intervals, by which a first sample may come after its step began
UNIT = "uA.h.cm-2"


def segments(
    rows: RawRecord, found: Sequence[Span], cycles: Sequence[int], file: File
) -> tuple[Segment, ...]:
    """Return the steps of discharge positive samples, each with its charge.

    It counts from the begin of the step; where it stays in doubt, the file is told.
    """
    t = rows.t
    counters = [None if s.kind == REST else _counter_of(rows, s) for s in found]
    used = _in_use(rows, found, counters, file)
    clock = _step_clock(rows, found)
    made: list[Segment] = []
    accounts: list[dict[str, float]] = []  # charges [A.h.m-2] of each step
    gaps: list[tuple[float, float]] = []  # s, A.h.m-2
    before: Span | None = None
    for span, cycle, counter in zip(found, cycles, counters, strict=True):
        q = counter if used else None
        begun, witness = _begun(rows, span, q)
        segment, away = _segment(rows, span, cycle, q, clock, begun)
        made.append(segment)
        own: dict[str, float] = {}
        accounts.append(own)
        known = witness in (CLOCK, COUNTER) and not span.goes_on
        known |= span.kind == REST and used
        if before and before.kind != REST and known and span.start == before.stop:
            until = float(t[span.start]) if span.kind == REST else begun
            passed, sure = _after(rows, before, until, used)
            own["after"] = passed * (sure or witness == CLOCK)
            own["counted"] = passed * sure
        before = span
        if span.kind == REST:
            continue
        wait = t[span.start] - max(t[span.start - 1], 0.0) if span.start else 0.0
        own["charge"] = segment.capacity[-1]
        own["first"] = segment.capacity[0] * (witness == SAMPLE)
        own["most"] = abs(rows.i[span.start]) * wait / 3600 * (witness == NOTHING)
        own["pause"] = away.max(initial=0.0)
        if q is None and away.any():
            own["paused"] = _passed(rows, span)[-1] - _passed(rows, span, away)[-1]
        if q is None and len(segment.capacity) > 4:
            dt, gained = np.diff(segment.time), np.diff(segment.capacity)
            long = dt > max(60.0, 10 * float(np.quantile(dt, 0.9, method="lower")))
            gaps += zip(dt[long].tolist(), gained[long].tolist(), strict=True)
    names = ["charge", "first", "most", "after", "counted", "pause", "paused"]
    account = pd.DataFrame(accounts, columns=names).fillna(0.0)
    _tell(account, file, 0.0 if used else _rounding(np.abs(rows.i)), gaps)
    _tell_whole(rows, found, account["charge"], file)
    return tuple(replace(s, start=s.start - made[0].start) for s in made)


def _tell(
    account: pd.DataFrame, file: File, rounding: float, gaps: list[tuple[float, float]]
) -> None:
    """Tell of charges that have two values, and where current may have flowed."""
    total, first, most, after, counted, _, flows = account.sum()
    least, of = DOUBT * total, f"{_shown(total)} {UNIT}"
    if most > least > 0:
        file.note(
            f"When {count(len(account), 'step')} began is not said: the charges add up "
            f"to {of}, or to {_shown(total + most)} if the current flowed from the "
            "sample before.",
            True,
        )
    share = (account["first"] / account["charge"].clip(lower=1e-30)).max()
    if first > least or share > CLOSE:
        file.note(
            f"Steps that begin between two samples are counted from the sample before: "
            f"{of} in all; {_shown(total - first)} from their first sample."
        )
    if after > least:
        file.note(
            f"The charges up to the last sample of each step are {of}; "
            f"{_shown(total + after)} up to the begin of the next.",
            counted > least,
        )
    if rounding > DOUBT / 2:
        file.note(
            f"The last digit of the current is {200 * rounding:.2g} % of it: {of} are "
            f"known to {100 * total * rounding:.2g}."
        )
    if pauses := int((account["pause"] > 0).sum()):
        who = "clock of the step" if flows else "counter of charge"
        other = (
            f" The charges add up to {of}, or to {_shown(total + flows)} if the current "
            "flowed in them."
        )
        file.note(
            f"{count(pauses, 'pause')} under current, of up to "
            f"{account['pause'].max() / 60:.3g} min, in which the {who} stood still: "
            f"taken out of the clock of the step.{other if flows > least else ''}",
            flows > least,
        )
    if gaps:
        within = sum(passed for _, passed in gaps)
        file.note(
            f"{count(len(gaps), 'gap')} in time under current, the longest "
            f"{max(gap for gap, _ in gaps) / 60:.3g} min: the charge in them is counted "
            f"with the current on both sides, {of} in all; {_shown(total - within)} if "
            "none flowed.",
            within > least,
        )


def _shown(charge: float) -> str:
    return f"{100 * charge:.4g}"


def _tell_whole(
    rows: RawRecord, found: Sequence[Span], charges: pd.Series, file: File
) -> None:
    """Tell of steps whose own lines have another charge than their samples."""
    if rows.whole is None or "step" not in rows.marks:
        return
    starts = [span.start for span in found]
    both = pd.DataFrame({"sampled": charges, "whole": rows.whole[starts]})
    both = both[np.isfinite(both["whole"])]
    by_step = both.groupby(rows.marks["step"][starts][both.index])
    both = by_step.agg({"sampled": "sum", "whole": "last"})
    sampled, whole = both.sum()
    if (both["sampled"] - both["whole"]).abs().sum() > DOUBT / 2 * whole:
        file.note(
            f"The charges of the samples are {_shown(sampled)} {UNIT}; {_shown(whole)} "
            "by the lines of the steps.",
            True,
        )


def _step_clock(rows: RawRecord, found: Sequence[Span]) -> Array | None:
    """Return the clock of the step, if it runs as the total one between most samples."""
    own = rows.step_time
    if own is None or rows.by_step:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        runs = [np.diff(own[s.cut]) / np.diff(rows.t[s.cut]) for s in found]
    every = np.concatenate(runs)
    every = every[np.isfinite(every)]
    return own if len(every) and abs(float(np.median(every)) - 1) < WITHIN else None


def _passed(rows: RawRecord, span: Span, away: Array | float = 0.0) -> Array:
    """Return the integral of |i| over a step [A.h.m-2], less pauses between samples."""
    size, dt = np.abs(rows.i[span.cut]), np.diff(rows.t[span.cut]) - away
    mean = _mean(size[:-1], size[1:], span.kind)
    return np.concatenate([[0.0], np.cumsum(mean * dt)]) / 3600


def _mean(a: Array, b: Array, kind: str) -> Array:
    """Return the mean of a current between two samples.

    In a hold the current decays as an exponential: its mean is the logarithmic one.
    """
    mean = 0.5 * (a + b)
    if kind == HOLD:
        falls = (b > 0) & (b < 0.999 * a)
        mean[falls] = (a[falls] - b[falls]) / np.log(a[falls] / b[falls])
    return mean


def _counter_of(rows: RawRecord, span: Span) -> Array | None:
    """Return the counter that counts in a step, upwards from what it read before it."""
    side = DISCHARGE if rows.i[span.cut].mean() > 0 else CHARGE
    for role in (f"{side}_capacity", "capacity", "net_capacity"):
        if role not in rows.counters:
            continue
        counter = _from_reset(rows, span, rows.counters[role])
        moved = counter[span.cut] - counter[span.start]
        way = -1.0 if moved[-1] < 0 else 1.0
        moved = way * moved
        if not (np.isfinite(moved).all() and moved[-1] > 0):
            continue
        if (np.diff(moved) < -1e-3 * moved[-1]).any():
            continue
        moved = np.maximum.accumulate(moved)
        q, own = np.abs(rows.counters[role]), rows.step_time
        within = not span.start and role == "capacity" and own is not None and own[0] > 0
        if within and (q[1:] < 0.02 * q[:-1]).any():  # of a step that began before
            return moved + abs(float(counter[0]))
        return moved + _before(rows, span, counter, way)
    return None


def _from_reset(rows: RawRecord, span: Span, counter: Array) -> Array:
    """Return a counter that is 0 at the first sample if it restarts after it."""
    k = span.start
    if span.stop - k < 2:
        return counter
    most = float(np.abs(rows.i[k : k + 2]).max())
    could = 1.2 * most * float(rows.t[k + 1] - rows.t[k]) / 3600
    resets = abs(counter[k + 1] - counter[k]) > could >= abs(counter[k + 1])
    return np.where(np.arange(len(counter)) == k, 0.0, counter) if resets else counter


def _before(rows: RawRecord, span: Span, counter: Array, way: float) -> float:
    """Return what a counter counted between the begin of a step and its first sample."""
    k, t, own = span.start, rows.t, rows.step_time
    i = abs(float(rows.i[k]))
    if k:
        since = float(t[k] - t[k - 1])
    elif own is not None and own[0] > 0:
        since = float(own[0])
    else:
        since = min(max(float(t[0]), 0.0), CADENCE * float(t[1] - t[0]))
    if k and rows.i[k] * rows.i[k - 1] > 0:  # as a current that falls from there
        i = max(i, abs(float(rows.i[k - 1])))
        if _at_begin(rows, span):
            since = 0.0
        elif own is not None and not span.goes_on and 0 <= own[k] <= since:
            since = float(own[k])  # what was counted before is of the step before
    could = 1.1 * i * (since + rows.tick) / 3600 + 1e-12
    maybe = [float(way * (counter[k] - counter[k - 1]))] if k else []
    if not span.goes_on:
        maybe.append(abs(float(counter[k])))  # it began again with the step
    first = next((moved for moved in maybe if 0 <= moved <= could), None)
    if first is None:
        return _lead(rows, span, float(t[k - 1])) if span.goes_on else 0.0
    return first


def _in_use(
    rows: RawRecord, found: Sequence[Span], counters: Sequence[Array | None], file: File
) -> bool:
    """Return whether the counters close, telling where they and the integral differ."""
    ratios: list[Array] = []
    counted = integral = 0.0
    for span, counter in zip(found, counters, strict=True):
        if counter is None:
            continue
        passed = _passed(rows, span)
        by_row, own = np.diff(passed), np.diff(counter)
        if ((by_row > 0) & (own >= 0)).any():
            # In groups, so that the last digit of a counter does not matter
            edges = np.arange(0, len(by_row), max(1, len(by_row) // 20))
            a, b = np.add.reduceat(own, edges), np.add.reduceat(by_row, edges)
            ratios.append(a[b > 0] / b[b > 0])
        counted += float(counter[-1] - counter[0])
        integral += float(passed[-1])
    if integral <= 0 or counted <= 0 or not ratios:
        return False
    ratio = counted / integral
    off = abs(float(np.median(np.concatenate(ratios))) - 1)
    by_counter, by_current = f"{_shown(counted)} {UNIT}", _shown(integral)
    if off <= max(WITHIN, _rounding(np.abs(rows.i))) or abs(ratio - 1) <= WITHIN / 2:
        if abs(ratio - 1) > WITHIN:
            file.note(
                "The counter of charge closes between most samples and has "
                f"{by_counter}, the integral of the current over its gaps {by_current}: "
                "the counter was used."
            )
        elif abs(ratio - 1) > CLOSE:
            file.note(
                f"The counted capacity is {100 * (ratio - 1):+.1f} % off the integral of "
                "the current; the counted one was used."
            )
        return True
    slip = min(SLIPS, key=lambda f: abs(np.log(ratio / f)))
    rests = [c[s.cut] for s in found if s.kind == REST for c in rows.counters.values()]
    idle = sum(float(np.nansum(np.abs(np.diff(counter)))) for counter in rests)
    use = abs(ratio / slip - 1) > WITHIN / 2 and idle < CLOSE * counted
    factor = f"{ratio:.4g} times" if ratio > 1 else f"1/{1 / ratio:.4g} of"
    file.note(
        f"The counter of charge has {by_counter}, the integral of the sampled current "
        f"{by_current}: the counter was used, for no wrong unit makes that difference; a "
        "current faster than the samples does."
        if use
        else f"The counted capacity is {factor} the integral of the current: the unit of "
        f"one of capacity, current and time is wrong. The integral, {by_current} {UNIT}, "
        f"was used, not {_shown(counted)}.",
        True,
    )
    return use


def _rounding(size: Array) -> float:
    """Return how far off a current may be by the digits it is written with."""
    sizes = np.unique(size[size > 0])
    if len(sizes) < 2:
        return 0.0
    last = float(np.diff(np.append(0.0, sizes)).min())
    return min(0.5 * last / float(np.median(size[size > 0])), 0.5)


def _begun(rows: RawRecord, span: Span, counted: Array | None) -> tuple[float, str]:
    """Return when a step began, and what says so: clock, counter, sample or nothing."""
    k, t = span.start, rows.t
    first = float(t[k])
    previous = float(t[k - 1]) if k else 0.0
    if span.goes_on:
        return previous, CLOCK
    since = first - previous
    own = rows.step_time
    if own is not None:
        near = since if k else max(since, 2 * float(t[1] - t[0]) if len(t) > 1 else 0.0)
        # Else the clock of the step did not start again here
        if 0 <= own[k] <= near * (1 + 1e-6) + 1e-3:
            return first - float(own[k]), CLOCK
    if _at_begin(rows, span):
        return first, CLOCK
    i = abs(float(rows.i[k]))
    if counted is not None and i > 0:
        return max(first - 3600 * float(counted[0]) / i, previous), COUNTER
    interval = float(t[k + 1] - first) if k + 1 < span.stop else 0.0
    if 0 < since <= CADENCE * interval and (k or first > 0):
        return previous, SAMPLE
    return first, SAMPLE if not k or since <= 0 or span.kind == REST else NOTHING


def _at_begin(rows: RawRecord, span: Span) -> bool:
    """Return whether a hold's first sample is its begin: the current has not fallen."""
    k = span.start
    if span.kind != HOLD or span.goes_on or not k or rows.i[k] * rows.i[k - 1] <= 0:
        return False
    return bool(abs(rows.i[k]) > (1 - AS_BEFORE) * abs(rows.i[k - 1]))


def _after(rows: RawRecord, span: Span, begun: float, used: bool) -> tuple[float, bool]:
    """Return what passed from the last sample of a step to the begin of the next
    [A.h.m-2], and whether a counter says so."""
    k, t = span.stop, rows.t
    wait = begun - float(t[k - 1])
    could = 1.2 * abs(float(rows.i[k - 1])) * wait / 3600
    if wait <= 0:
        return 0.0, False
    counters = rows.counters.values() if used else ()
    going = [c for c in counters if abs(c[k]) > 0.02 * abs(c[k - 1])]  # not begun again
    moved = [abs(float(c[k] - c[k - 1])) for c in going]
    if counted := [q for q in moved if 0 < q <= could]:
        return max(counted), True
    stood = moved and max(moved) == 0
    late = wait > CADENCE * float(t[k - 1] - t[k - 2])
    return (0.0 if stood or late else could / 1.2), False


def _segment(
    rows: RawRecord,
    span: Span,
    cycle: int,
    counted: Array | None,
    clock: Array | None,
    begun: float,
) -> tuple[Segment, Array]:
    """Return a step, and the pause [s] before each sample that its clock leaves out."""
    t, i = rows.t[span.cut], rows.i[span.cut]
    away = np.zeros(len(t) - 1)
    if counted is not None:
        mean = 0.5 * (np.abs(i[1:]) + np.abs(i[:-1])) / 3600
        with np.errstate(divide="ignore", invalid="ignore"):
            away = _pauses(t, np.where(mean > 0, np.diff(counted) / mean, np.diff(t)))
    elif clock is not None and span.kind != REST:
        away = _pauses(t, np.diff(clock[span.cut]))
    if span.kind == REST:
        counted = np.zeros(len(t))
    elif counted is None:
        counted = _passed(rows, span, away) + _lead(rows, span, begun)
    T = np.full(1, np.nan) if rows.T is None else rows.T[span.cut]
    made = Segment(
        kind=span.kind,
        cycle=cycle,
        voltage=rows.V[span.cut],
        current=i,
        capacity=counted,
        time=t - begun - np.concatenate([[0.0], np.cumsum(away)]),
        temperature=float(np.nanmean(T)) if np.isfinite(T).any() else None,
        start=begun,
        name=f"cycle {cycle}, {span.kind}",
    )
    return made, away


def _lead(rows: RawRecord, span: Span, begun: float) -> float:
    """Return what passed between the begin of a step and its first sample [A.h.m-2]."""
    k, t, V = span.start, rows.t, rows.V
    i, since = abs(float(rows.i[k])), float(t[k]) - begun
    if span.kind != HOLD or not k or rows.i[k] * rows.i[k - 1] <= 0:
        return i * since / 3600
    # The current falls from that of the sample before; where one step of the cycler has
    # both, it does so from when the voltage is reached
    before, reached = abs(float(rows.i[k - 1])), 0.0
    if span.goes_on and k > 1 and (V[k - 1] - V[k - 2]) * (V[k] - V[k - 1]) > 0:
        slope = (V[k - 1] - V[k - 2]) / max(float(t[k - 1] - t[k - 2]), 1e-9)
        reached = min(float((V[k] - V[k - 1]) / slope), since)
    falling = float(_mean(np.array([before]), np.array([i]), HOLD)[0])
    return (before * reached + falling * (since - reached)) / 3600


def _pauses(t: Array, needed: Array) -> Array:
    """Return the part of each gap [s] that a witness says was a pause."""
    dt = np.diff(t)
    usual = float(np.median(dt)) if len(dt) else 0.0
    gap = (dt > max(60.0, 5 * usual)) & (needed >= 0) & (needed < 0.5 * dt)
    return np.where(gap, dt - needed, 0.0)

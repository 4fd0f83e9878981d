"""The charge of each step: the cycler's counter where it closes, else the integral.

A counter closes if between most samples it moves by what the current passes.  It then
knows what the samples do not: when a step began, and that no current flowed in a pause.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import count
from .cells import Array
from .measured import CHARGE, DISCHARGE, HOLD, REST, Segment
from .remarks import Remarks
from .samples import Samples
from .steps import Span

POWERS = (1e-6, 1e-4, 1e-3, 1e-2, 1.0, 1e2, 1e3, 1e4, 1e6)
WITHIN = 0.1  # of the integral of the current that a counter of charge may be off
CLOSE = 0.02  # and still goes without a note
DOUBT = 0.01  # of all charge, from which on two values of it are told
# What a wrong unit of charge, current or time is wrong by
SLIPS = tuple(a * b for a in (1.0, 60.0, 3600.0, 1 / 60, 1 / 3600) for b in POWERS)
CLOCK, COUNTER, SAMPLE, NOTHING = "clock", "counter", "sample", ""
AS_BEFORE = 1e-3  # relative fall of a current that has not begun to fall
CADENCE = 1.5  # intervals, by which a first sample may come after its step began


def segments(
    rows: Samples, found: Sequence[Span], numbers: Sequence[int], remarks: Remarks
) -> tuple[Segment, ...]:
    """Return the steps, each with its charge from its begin on.

    Parameters
    ----------
    rows : Samples
        The current discharge positive.
    found : sequence of Span
        The steps.
    numbers : sequence of int
        The cycle of each.
    remarks : Remarks
        Grows by the two values of a charge that stays in doubt.
    """
    t = rows.t
    counters = [None if s.kind == REST else _counter_of(rows, s) for s in found]
    used = _in_use(rows, found, counters, remarks)
    own = _step_clock(rows, found)
    made: list[Segment] = []
    origin: float | None = None
    most = assumed = share = after = counted = total = 0.0
    pauses: list[tuple[float, float]] = []  # s, A.h.m-2 that would have flowed in them
    gaps: list[tuple[float, float]] = []
    before: Span | None = None
    for span, cycle, counter in zip(found, numbers, counters, strict=True):
        q = counter if used else None
        begun, witness = _begun(rows, span, q)
        origin = begun if origin is None else origin
        segment, away = _segment(rows, span, cycle, q, own, begun, begun - origin)
        made.append(segment)
        known = witness in (CLOCK, COUNTER) and not span.goes_on
        known = known or (span.kind == REST and used)
        if before and before.kind != REST and known and span.start == before.stop:
            until = float(t[span.start]) if span.kind == REST else begun
            passed, sure = _after(rows, before, until, used)
            passed *= sure or witness == CLOCK
            after, counted = after + passed, counted + sure * passed
        before = span
        if span.kind == REST:
            continue
        total += float(segment.capacity[-1])
        if away.any():
            flows = _passed(rows, span)[-1] - _passed(rows, span, away)[-1]
            pauses.append((float(away.max()), 0.0 if q is not None else float(flows)))
        wait = float(t[span.start] - max(t[span.start - 1], 0.0)) if span.start else 0.0
        most += abs(float(rows.i[span.start])) * wait / 3600 * (witness == NOTHING)
        before_first = float(segment.capacity[0]) * (witness == SAMPLE)
        assumed += before_first
        share = max(share, before_first / max(float(segment.capacity[-1]), 1e-30))
        gaps += [] if q is not None else _gaps(segment)
    if most > DOUBT * total > 0:
        remarks.doubt(
            f"When {count(len(found), 'step')} began is not said: the charges add up to "
            f"{total * 100:.4g} uA.h.cm-2, or to {(total + most) * 100:.4g} if the "
            "current flowed from the sample before."
        )
    if assumed > DOUBT * total or share > CLOSE:
        remarks.note(
            "Steps that begin between two samples are counted from the sample before: "
            f"{100 * total:.4g} uA.h.cm-2 in all; {100 * (total - assumed):.4g} from "
            "their first sample."
        )
    if after > DOUBT * total:
        sentence = (
            f"The charges up to the last sample of each step are {100 * total:.4g} "
            f"uA.h.cm-2; {100 * (total + after):.4g} up to the begin of the next."
        )
        remarks.note(sentence, counted > DOUBT * total)
    _tell_whole(rows, found, made, remarks)
    rounding = _rounding(np.abs(rows.i))
    if not used and rounding > DOUBT / 2:
        remarks.note(
            f"The last digit of the current is {200 * rounding:.2g} % of it: "
            f"{100 * total:.4g} uA.h.cm-2 are known to {100 * total * rounding:.2g}."
        )
    _tell_pauses(pauses, total, remarks)
    _tell_gaps(gaps, total, remarks)
    return tuple(made)


def _tell_whole(
    rows: Samples, found: Sequence[Span], made: Sequence[Segment], remarks: Remarks
) -> None:
    """Tell of steps whose own lines have another charge than their samples."""
    if rows.whole is None or "step" not in rows.marks:
        return
    sampled: dict[float, float] = {}
    whole: dict[float, float] = {}
    for span, segment in zip(found, made, strict=True):
        number, said = rows.marks["step"][span.start], float(rows.whole[span.start])
        if np.isfinite(said):
            sampled[number] = sampled.get(number, 0.0) + float(segment.capacity[-1])
            whole[number] = said
    total = sum(whole.values())
    if sum(abs(sampled[n] - q) for n, q in whole.items()) > DOUBT / 2 * total:
        remarks.doubt(
            f"The charges of the samples are {100 * sum(sampled.values()):.4g} "
            f"uA.h.cm-2; {100 * total:.4g} by the lines of the steps."
        )


def _tell_pauses(
    pauses: list[tuple[float, float]], total: float, remarks: Remarks
) -> None:
    """Tell of pauses that a witness knows, with the charge if current had flowed."""
    if not pauses:
        return
    flows = sum(q for _, q in pauses)
    who = "clock of the step" if flows else "counter of charge"
    sentence = (
        f"{count(len(pauses), 'pause')} under current, of up to "
        f"{max(p for p, _ in pauses) / 60:.3g} min, in which the {who} stood still: "
        "taken out of the clock of the step."
    )
    if flows > DOUBT * total:
        sentence += (
            f" The charges add up to {100 * total:.4g} uA.h.cm-2, or to "
            f"{100 * (total + flows):.4g} if the current flowed in them."
        )
    remarks.note(sentence, flows > DOUBT * total)


def _tell_gaps(gaps: list[tuple[float, float]], total: float, remarks: Remarks) -> None:
    """Tell of gaps under current of which nothing says whether it flowed."""
    if not gaps:
        return
    within = sum(q for _, q in gaps)
    sentence = (
        f"{count(len(gaps), 'gap')} in time under current, the longest "
        f"{max(gap for gap, _ in gaps) / 60:.3g} min: the charge in them is counted with "
        f"the current on both sides, {100 * total:.4g} uA.h.cm-2 in all; "
        f"{100 * (total - within):.4g} if none flowed."
    )
    remarks.note(sentence, within > DOUBT * total)


def _step_clock(rows: Samples, found: Sequence[Span]) -> Array | None:
    """Return the clock of the step, if it runs as the total one between most samples."""
    own = rows.step_time
    if own is None or rows.by_step:
        return None
    runs: list[Array] = []
    for s in found:
        dt, step = np.diff(rows.t[s.start : s.stop]), np.diff(own[s.start : s.stop])
        fine = (dt > 0) & np.isfinite(step)
        runs.append(step[fine] / dt[fine])
    every = np.concatenate(runs) if runs else np.zeros(0)
    return own if len(every) and abs(float(np.median(every)) - 1) < WITHIN else None


def _passed(rows: Samples, span: Span, away: Array | None = None) -> Array:
    """Return the integral of |i| over a step [A.h.m-2], less pauses between samples.

    Between two samples of a hold the current decays as an exponential: its mean is the
    logarithmic one.
    """
    cut = slice(span.start, span.stop)
    size, dt = np.abs(rows.i[cut]), np.diff(rows.t[cut])
    if away is not None:
        dt = dt - away
    mean = _mean(size[:-1], size[1:], span.kind)
    return np.concatenate([[0.0], np.cumsum(mean * dt)]) / 3600


def _mean(a: Array, b: Array, kind: str) -> Array:
    """Return the mean of a current between two samples."""
    mean = 0.5 * (a + b)
    if kind == HOLD:
        falls = (b > 0) & (b < 0.999 * a)
        mean[falls] = (a[falls] - b[falls]) / np.log(a[falls] / b[falls])
    return mean


def _counter_of(rows: Samples, span: Span) -> Array | None:
    """Return the counter that counts in a step, upwards from what it read before it."""
    cut = slice(span.start, span.stop)
    side = DISCHARGE if rows.i[cut].mean() > 0 else CHARGE
    for role in (f"{side}_capacity", "capacity", "net_capacity"):
        if role not in rows.counters:
            continue
        all_of_it = _from_reset(rows, span, rows.counters[role])
        moved = all_of_it[cut] - all_of_it[span.start]
        way = -1.0 if moved[-1] < 0 else 1.0
        moved = way * moved
        if not np.isfinite(moved).all() or moved[-1] <= 0:
            continue
        if (np.diff(moved) < -1e-3 * moved[-1]).any():
            continue
        moved = np.maximum.accumulate(moved)
        if not span.start and role == "capacity" and _counts_steps(rows):
            return moved + abs(float(all_of_it[0]))
        return moved + _before(rows, span, all_of_it, way)
    return None


def _from_reset(rows: Samples, span: Span, counter: Array) -> Array:
    """Return a counter that is 0 at the first sample if it restarts after it."""
    k = span.start
    if span.stop - k < 2:
        return counter
    i = float(np.abs(rows.i[k : k + 2]).max())
    could = 1.2 * i * float(rows.t[k + 1] - rows.t[k]) / 3600
    if abs(counter[k + 1] - counter[k]) > could >= abs(counter[k + 1]):
        counter = counter.copy()
        counter[k] = 0.0
    return counter


def _before(rows: Samples, span: Span, counter: Array, way: float) -> float:
    """Return what a counter counted between the begin of a step and its first sample."""
    k = span.start
    i = abs(float(rows.i[k]))
    since = float(rows.t[k] - rows.t[k - 1]) if k else _before_first(rows)
    if k and rows.i[k] * rows.i[k - 1] > 0:  # as a current that falls from there
        i = max(i, abs(float(rows.i[k - 1])))
        own = rows.step_time
        if _at_begin(rows, span):
            since = 0.0
        elif own is not None and not span.goes_on and 0 <= own[k] <= since:
            since = float(own[k])  # what was counted before is of the step before
    could = 1.1 * i * (since + rows.tick) / 3600 + 1e-12
    maybe = []
    if k and np.isfinite(counter[k - 1]):
        maybe.append(float(way * (counter[k] - counter[k - 1])))
    if not span.goes_on:
        maybe.append(abs(float(counter[k])))  # it began again with the step
    maybe = [moved for moved in maybe if 0 <= moved <= could]
    if span.goes_on and not maybe:
        return _lead(rows, span, float(rows.t[k - 1]))
    return maybe[0] if maybe else 0.0


def _counts_steps(rows: Samples) -> bool:
    """Return whether a record cut from within a step has a counter of that step."""
    q, own = rows.counters["capacity"], rows.step_time
    again = (np.abs(q[1:]) < 0.02 * np.abs(q[:-1])).any()
    return bool(own is not None and own[0] > 0 and again)


def _before_first(rows: Samples) -> float:
    """Return how long the first step may have run before the first sample [s]."""
    t, own = rows.t, rows.step_time
    if own is not None and own[0] > 0:
        return float(own[0])
    return min(max(float(t[0]), 0.0), CADENCE * float(t[1] - t[0]))


def _in_use(
    rows: Samples,
    found: Sequence[Span],
    counters: Sequence[Array | None],
    remarks: Remarks,
) -> bool:
    """Return whether the counters close, telling where they and the integral differ."""
    ratios: list[Array] = []
    counted = integral = 0.0
    for span, counter in zip(found, counters, strict=True):
        if counter is None:
            continue
        passed = _passed(rows, span)
        by_row, own = np.diff(passed), np.diff(counter)
        fine = (by_row > 0) & (own >= 0)
        if span.stop - span.start > 1 and fine.any():
            # In groups, so that the last digit of a counter does not matter
            size = max(1, len(by_row) // 20)
            edges = np.arange(0, len(by_row), size)
            a, b = np.add.reduceat(own, edges), np.add.reduceat(by_row, edges)
            ratios.append(a[b > 0] / b[b > 0])
        counted += float(counter[-1] - counter[0])
        integral += float(passed[-1])
    if integral <= 0 or counted <= 0 or not ratios:
        return False
    middle = float(np.median(np.concatenate(ratios)))
    ratio = counted / integral
    within = max(WITHIN, _rounding(np.abs(rows.i)))
    if abs(middle - 1) <= within or abs(ratio - 1) <= WITHIN / 2:
        if abs(ratio - 1) > WITHIN:
            remarks.note(
                f"The counter of charge closes between most samples and has "
                f"{100 * counted:.4g} uA.h.cm-2, the integral of the current over its "
                f"gaps {100 * integral:.4g}: the counter was used."
            )
        elif abs(ratio - 1) > CLOSE:
            remarks.note(
                f"The counted capacity is {100 * (ratio - 1):+.1f} % off the integral of "
                "the current; the counted one was used."
            )
        return True
    slip = min(SLIPS, key=lambda f: abs(np.log(ratio / f)))
    idle = _while_resting(rows, found)
    if abs(ratio / slip - 1) > WITHIN / 2 and idle < CLOSE * counted:
        remarks.doubt(
            f"The counter of charge has {100 * counted:.4g} uA.h.cm-2, the integral of "
            f"the sampled current {100 * integral:.4g}: the counter was used, for no "
            "wrong unit makes that difference; a current faster than the samples does."
        )
        return True
    factor = f"{ratio:.4g} times" if ratio > 1 else f"1/{1 / ratio:.4g} of"
    remarks.doubt(
        f"The counted capacity is {factor} the integral of the current: the unit of one "
        f"of capacity, current and time is wrong. The integral, {100 * integral:.4g} "
        f"uA.h.cm-2, was used, not {100 * counted:.4g}."
    )
    return False


def _while_resting(rows: Samples, found: Sequence[Span]) -> float:
    """Return what the counters counted while no current flowed [A.h.m-2]."""
    idle = 0.0
    for span in found:
        if span.kind == REST:
            for counter in rows.counters.values():
                moved = np.diff(counter[span.start : span.stop])
                idle += float(np.nansum(np.abs(moved)))
    return idle


def _rounding(size: Array) -> float:
    """Return how far off a current may be by the digits it is written with."""
    sizes = np.unique(size[size > 0])
    if len(sizes) < 2:
        return 0.0
    last = float(np.diff(np.append(0.0, sizes)).min())
    return min(0.5 * last / float(np.median(size[size > 0])), 0.5)


def _begun(rows: Samples, span: Span, counted: Array | None) -> tuple[float, str]:
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


def _at_begin(rows: Samples, span: Span) -> bool:
    """Return whether a hold's first sample is its begin: the current has not fallen."""
    k = span.start
    if span.kind != HOLD or span.goes_on or not k or rows.i[k] * rows.i[k - 1] <= 0:
        return False
    return bool(abs(rows.i[k]) > (1 - AS_BEFORE) * abs(rows.i[k - 1]))


def _after(rows: Samples, span: Span, begun: float, used: bool) -> tuple[float, bool]:
    """Return what passed between the last sample of a step and the begin of the next.

    Returns
    -------
    float
        [A.h.m-2]
    bool
        Whether a counter says so.
    """
    k = span.stop
    wait = begun - float(rows.t[k - 1])
    could = 1.2 * abs(float(rows.i[k - 1])) * wait / 3600
    if wait <= 0 or span.stop - span.start < 2:
        return 0.0, False
    counters = rows.counters.values() if used else ()
    going = [c for c in counters if abs(c[k]) > 0.02 * abs(c[k - 1])]  # not begun again
    moved = [abs(float(c[k] - c[k - 1])) for c in going]
    counted = [q for q in moved if 0 < q <= could]
    if counted:
        return max(counted), True
    interval = float(rows.t[k - 1] - rows.t[k - 2])
    stood = moved and max(moved) == 0
    return (0.0 if stood or wait > CADENCE * interval else could / 1.2), False


def _segment(
    rows: Samples,
    span: Span,
    cycle: int,
    counted: Array | None,
    own: Array | None,
    begun: float,
    start: float,
) -> tuple[Segment, Array]:
    """Return a step, and the pause [s] before each sample that its clock leaves out."""
    cut = slice(span.start, span.stop)
    t, i = rows.t[cut], rows.i[cut]
    lead = _lead(rows, span, begun)
    away = np.zeros(len(t) - 1)
    if counted is not None:
        mean = 0.5 * (np.abs(i[1:]) + np.abs(i[:-1])) / 3600
        with np.errstate(divide="ignore", invalid="ignore"):
            away = _pauses(t, np.where(mean > 0, np.diff(counted) / mean, np.diff(t)))
    elif own is not None and span.kind != REST:
        away = _pauses(t, np.diff(own[cut]))
    capacity = counted if counted is not None else _passed(rows, span, away) + lead
    temperature = None
    if rows.T is not None and np.isfinite(rows.T[cut]).any():
        temperature = float(np.nanmean(rows.T[cut]))
    made = Segment(
        kind=span.kind,
        cycle=cycle,
        voltage=rows.V[cut],
        current=i,
        capacity=capacity if span.kind != REST else np.zeros(len(t)),
        time=t - begun - np.concatenate([[0.0], np.cumsum(away)]),
        temperature=temperature,
        start=start,
        name=f"cycle {cycle}, {span.kind}",
    )
    return made, away


def _lead(rows: Samples, span: Span, begun: float) -> float:
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


def _gaps(segment: Segment) -> list[tuple[float, float]]:
    """Return the gaps of a step [s], and what passed in each [A.h.m-2]."""
    if segment.time is None or len(segment.time) < 5:
        return []
    dt = np.diff(segment.time)
    long = dt > max(60.0, 10 * float(np.quantile(dt, 0.9, method="lower")))
    passed = np.diff(segment.capacity)[long]
    return list(zip(dt[long].tolist(), passed.tolist(), strict=True))

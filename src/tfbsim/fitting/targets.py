"""What a fit aims at: measured curves, charges and spectra, each with its steps.

A curve of many samples is averaged to some residuals evenly along it.  The samples
between two of them all count: each residual is the mean of theirs, so that noise is
averaged and no sample is chosen for being far off.  Samples that stand apart from their
neighbours are left aside, with a word.

A charge is compared at the cut-off only where the record got there; a record that ends
before it is compared as far as it goes.  The same curve given twice, or the end of a
curve that is given as a capacity too, counts once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import median_filter

from ..cell.fitted import Datum
from ..comparison.places import Place, Places
from ..data.measured import CHARGE, DISCHARGE, Array, Segment, Spectrum
from ..experiment.expand import Expanded
from ..experiment.measured import FROM_CYCLE, current_of

EFFICIENCY, RESISTANCE, IMPEDANCE = "efficiency", "resistance", "impedance"
RETENTION = "retention"
CAPACITIES = (CHARGE, DISCHARGE)
LIVES = (EFFICIENCY, RETENTION, RESISTANCE)  # what a cycle has beside capacities
# Words and unit of each kind, and what SI is multiplied by
QUANTITIES = {
    CHARGE: ("Charge capacity", "uA.h.cm-2", 100.0),
    DISCHARGE: ("Discharge capacity", "uA.h.cm-2", 100.0),
    EFFICIENCY: ("Coulombic efficiency", "%", 100.0),
    RETENTION: ("Capacity retention", "%", 100.0),
    RESISTANCE: ("Interface resistance", "Ohm.cm2", 1e4),
    IMPEDANCE: ("Impedance", "Ohm.cm2", 1e4),
}
HELD_CYCLES = re.compile(r"cycles? (\d+)(?: to (\d+))?")
GOT_THERE = 1e-3  # V short of its cut-off at which a record still got there
WITHIN = 6  # averages a residual has at most, so that a bend does not shift their mean
SPIKE, LEAST_SPIKE = 8.0, 0.01  # standard deviations, and V, from the running median
ENOUGH = 20  # samples that have a running median
NONE = np.empty(0, dtype=int)
SAME = 0.9  # share of common samples of a curve that was given twice


@dataclass(frozen=True)
class Target:
    """A measured step, or a number or spectrum that was measured of a cycle of a case."""

    case: str  # its name
    cycle: int  # recorded, from 1
    steps: tuple[int, ...] | None  # of it (from 0), in a row; None: all of this kind
    # "charge" or "discharge"; "impedance", of a spectrum; "efficiency", "retention" or
    # "resistance" of a cycle, which is the end then, in SI
    kind: str
    source: str  # file or source it came from
    held_out: bool  # predicted, not fitted
    # Points [A.h.m-2], [V], and the residual (from 0) that each counts for
    capacity: Array = field(default_factory=NONE.copy)
    voltage: Array = field(default_factory=NONE.copy)
    group: Array = field(default_factory=NONE.copy)
    end: float = math.nan  # charge at the end [A.h.m-2]; NaN if that is no datum
    end_voltage: float = math.nan  # last measured [V]; NaN: that of the end of the step
    label: str = ""  # what tables call it in place of the case
    datum: Datum | None = None  # what the fitted cell's file says of it
    from_cycle: int | None = None  # the first of those that a number is the mean of
    spectrum: Spectrum | None = None

    @property
    def scale(self) -> float:
        """Capacity that its relative error refers to [A.h.m-2]."""
        if math.isfinite(self.end):
            return self.end
        return float(self.capacity[-1]) or 1.0 if len(self.capacity) else 1.0

    @property
    def groups(self) -> int:
        """Number of residuals of its points."""
        return int(self.group[-1]) + 1 if len(self.group) else 0

    @cached_property
    def counts(self) -> Array:
        """Number of points that each of those is the mean of."""
        return np.bincount(self.group)

    @property
    def size(self) -> int:
        """Number of all its residuals."""
        return self.groups + math.isfinite(self.end)


def measured_capacities(expanded: Expanded, held_out: Sequence[str]) -> list[Target]:
    """Return the experiment's own ``measured:`` capacities, per area."""
    found = []
    cases = {case.name: case for case in expanded.cases}
    kinds = {words: kind for kind, (words, *_) in QUANTITIES.items()}
    for row in expanded.measured:
        case, cycle, source = cases[row["Case"]], row["Cycle number"], row["Source"]
        held = case.name in held_out
        held |= any(first <= cycle <= last for first, last in held_cycles(held_out))
        words, _, unit = row["Quantity"].partition(" [")
        kind, end, datum = kinds.get(words), row["Measured"], None
        if kind is None or (kind in CAPACITIES and FROM_CYCLE in row):
            continue  # an energy density, or a mean
        if kind in LIVES:
            end /= QUANTITIES[kind][2]
        else:  # from uA.h.cm-2 or mA.h.g-1
            end = end / 100 if "A.h.cm-2" in unit else end * case.cell.loading
            datum = Datum.model_construct(
                data=source,
                kind=kind,
                cycle=cycle,
                current_density=current_of(case, kind),
                capacity=3600 * end,
                role="held out" if held else "fitted",
            )
        place, mean = (case.name, cycle, None, kind, source, held), row.get(FROM_CYCLE)
        found.append(Target(*place, end=end, datum=datum, from_cycle=mean))
    return found


def held_cycles(held_out: Sequence[str]) -> list[tuple[int, int]]:
    """Return the first and last of "cycle 904" or "cycles 500 to 1000" among names."""
    found = [m for name in held_out if (m := HELD_CYCLES.fullmatch(name))]
    return [(int(m[1]), int(m[2] or m[1])) for m in found]


def placed_curves(
    places: Places, held_out: Sequence[str], points: int
) -> tuple[list[Target], list[str]]:
    """Return what was measured beside the steps that :func:`tfbsim.compare` finds.

    What is held out are cases, files and, of a record by its own current, cycles; a curve
    has at most ``points`` residuals.  A sentence tells each step that belongs nowhere.
    """
    own, found = places.own_current, []
    notes = [
        f"{file if own else f'{file}, {name}'}: left out: {why}"
        for file, name, why in places.unmatched
    ]
    notes = [*dict.fromkeys(notes), *places.notes]
    cases = {case.name: case for case in places.expanded.cases}
    for place in places.steps:
        segment = place.measured
        if segment.kind not in CAPACITIES or not place.steps:
            continue
        case, limit = cases[place.case], None
        names = {place.file, place.case, place.label}
        if own:
            names.add(f"cycle {segment.cycle}")
        elif place.cycle > case.protocol.cycles:
            why = f"the experiment has {case.protocol.cycles} cycles"
            notes.append(f"{place.label}: left out: {why}")
            continue
        else:
            step = case.protocol.steps[place.steps[0]]
            limit = step.lower if segment.kind == DISCHARGE else step.upper
        curve = _curve(place, bool(names & {*held_out}), points, limit, notes)
        if curve is None:
            notes.append(f"{place.label}: left out: no usable point")
        elif own:
            whole = place.case == place.file
            short = (segment.name or f"cycle {segment.cycle}") if whole else place.label
            found.append(replace(curve, source=place.label, label=short))
        else:
            found.append(curve)
    for spectrum in places.spectra:
        held = bool({spectrum.file, spectrum.case, spectrum.label} & {*held_out})
        at = (spectrum.case, 1, spectrum.steps, IMPEDANCE, spectrum.label, held)
        both = np.arange(2 * len(spectrum.measured.frequency))  # parts of Z
        label, measured = spectrum.label, spectrum.measured
        found.append(Target(*at, group=both, label=label, spectrum=measured))
    return found, notes


def _curve(
    place: Place[Segment], held: bool, points: int, limit: float | None, notes: list[str]
) -> Target | None:
    """Return a measured step as a curve, None if it has no usable sample."""
    segment = place.measured
    q, V = (np.asarray(a, dtype=float) for a in (segment.capacity, segment.voltage))
    known = np.isfinite(q) & np.isfinite(V)
    q, first = np.unique(q[known], return_index=True)
    V = V[known][first]
    if not len(q):
        return None
    apart = _apart(V)
    if apart.any():
        notes.append(
            f"{place.label}: {apart.sum()} of {len(V)} samples stand apart "
            f"from their neighbours, by up to {1e3 * _off(V)[apart].max():.3g} mV: left "
            "aside"
        )
        q, V = q[~apart], V[~apart]
    end = end_voltage = math.nan
    if limit is not None:
        q, V, end, end_voltage = _at_cut_off(q, V, segment.kind, limit)
    datum = Datum.model_construct(
        data=place.file,
        step=segment.name,
        sha256=segment.digest,
        kind=segment.kind,
        cycle=place.cycle if limit is not None else segment.cycle,
        current_density=abs(segment.mean_current),
        capacity=3600 * float(segment.capacity[-1]),
        role="held out" if held else "fitted",
    )
    at = (place.case, place.cycle, place.steps, segment.kind, place.file, held)
    return Target(*at, *averaged(q, V, points), end, end_voltage, datum=datum)


def _off(V: Array) -> Array:
    """Return how far samples are from their running median [V]."""
    return np.abs(V - median_filter(V, 5 if len(V) < 200 else 11, mode="nearest"))


def _apart(V: Array) -> Array:
    """Return which samples are spikes: far from neighbours that are near each other."""
    if len(V) < ENOUGH:
        return np.zeros(len(V), dtype=bool)
    off = _off(V)
    return off > max(SPIKE * 1.4826 * float(np.median(off)), LEAST_SPIKE)


def _at_cut_off(
    q: Array, V: Array, kind: str, limit: float
) -> tuple[Array, Array, float, float]:
    """Return a curve without what lies past a cut-off, and its end if it got there.

    The end, which the curve is without too, is a charge, NaN where the record ended
    before the cut-off, and a voltage.
    """
    sign = -1.0 if kind == DISCHARGE else 1.0
    past = sign * (V - limit)  # above 0 past the cut-off
    if past[-1] < -GOT_THERE:
        return q, V, math.nan, float(V[-1])
    inside = np.flatnonzero(past < 0)
    last = int(inside[-1]) if len(inside) else -1
    if past[-1] <= 0:
        return q[:-1], V[:-1], float(q[-1]), float(V[-1])
    if last < 0:
        return q[:0], V[:0], float(q[0]), limit
    share = past[last] / (past[last] - past[last + 1])
    end = float(q[last] + share * (q[last + 1] - q[last]))
    return q[: last + 1], V[: last + 1], end, limit


def averaged(q: Array, V: Array, points: int) -> tuple[Array, Array, Array]:
    """Return a curve as at most some residuals, evenly along it, each of some points.

    The charge q rises.  Points are the means of neighbouring samples; ``group`` is the
    residual of each.
    """
    if len(q) <= points:
        return q, V, np.arange(len(q))
    smooth = median_filter(V, 2 * max(1, len(V) // (4 * points)) + 1, mode="nearest")
    spans = np.ptp(q) or 1.0, np.ptp(smooth) or 1.0
    along = np.hypot(np.diff(q) / spans[0], np.diff(smooth) / spans[1])
    length = np.concatenate([[0.0], np.cumsum(along)])
    place = length / (length[-1] or 1.0) * points * WITHIN
    fine = np.minimum(place.astype(int), points * WITHIN - 1)
    kept, which, number = np.unique(fine, return_inverse=True, return_counts=True)
    mean_q, mean_V = (np.bincount(which, a) / number for a in (q, V))
    return mean_q, mean_V, np.unique(kept // WITHIN, return_inverse=True)[1]


# --- Once --------------------------------------------------------------------------


def counted_once(
    curves: Sequence[Target], error: float
) -> tuple[list[Target], list[str]]:
    """Return the curves without those that are given again, and a sentence on each.

    Capacities of one step that agree to the relative error are one.
    """
    kept: list[Target] = []
    notes = []
    # Curves first: a capacity is the end of one rather than the other way round
    for curve in sorted(curves, key=lambda c: not len(c.capacity)):
        twin = next((k for k, c in enumerate(kept) if _same(c, curve, error)), None)
        if twin is None:
            kept.append(curve)
            continue
        first = kept[twin]
        what = "curve" if len(curve.capacity) else "capacity"
        notes.append(
            f"{curve.source or 'measured'}: the {curve.kind} {what} of {curve.case}, "
            f"cycle {curve.cycle}, is that of {first.source or 'measured'} again: "
            "counted once"
        )
        if curve.held_out and not first.held_out:
            datum = first.datum and first.datum.model_copy(update={"role": "held out"})
            kept[twin] = replace(first, held_out=True, datum=datum)
            notes[-1] += ", held out"
    order = {id(c): k for k, c in enumerate(curves)}
    kept.sort(key=lambda c: order.get(id(c), 0))
    return kept, notes


def _same(one: Target, other: Target, error: float) -> bool:
    """Return whether two curves are one measurement."""
    if one.kind != other.kind or one.datum is None or other.datum is None:
        return False
    if len(one.capacity) and len(other.capacity):
        same = one.datum.sha256 == other.datum.sha256
        return same or _shared(one, other) >= SAME
    if (one.case, one.cycle) != (other.case, other.cycle) or not math.isfinite(other.end):
        return False
    return abs(one.datum.capacity / other.datum.capacity - 1) <= error


def _shared(one: Target, other: Target) -> float:
    """Return the share of the points of the shorter curve that the other has too."""
    few, many = sorted((one, other), key=lambda c: len(c.capacity))
    rows = [
        {(f"{q:.5g}", f"{V:.5g}") for q, V in zip(c.capacity, c.voltage, strict=True)}
        for c in (few, many)
    ]
    return len(rows[0] & rows[1]) / len(rows[0])

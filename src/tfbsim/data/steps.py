"""The steps and cycles of a record.

A step is told by the cycler's own number where there is one, and by what the current
does: none is a rest, a steady voltage with a falling current a hold, anything else a
charge or a discharge.  A cycle begins where the kind of the first step comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .curve_table import spans
from .measured import CHARGE, DISCHARGE, HOLD, REST, Array
from .raw_record import RawRecord

HELD = 3e-3  # V: how far the voltage of a hold strays
FALLEN = 0.95  # of its first current, what a hold ends below
FALLS = 5e-3  # relative fall of the current between two samples of a hold
JUMP = 0.05  # relative change of the current that begins another step
MOST_PLATEAUS = 200  # currents of a staircase; more is a profile, kept whole
_WORDS = {0: REST, 1: DISCHARGE, -1: CHARGE}


@dataclass(frozen=True)
class Span:
    """A step, as samples from `start` to before `stop`."""

    start: int
    stop: int
    kind: str  # "charge", "discharge", "hold" or "rest"
    # Whether the current flowed on from the sample before, in one step of the cycler
    goes_on: bool

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def cut(self) -> slice:
        """Slice of its samples."""
        return slice(self.start, self.stop)


def steps(rows: RawRecord, flow: Array) -> list[Span]:
    """Return the steps of samples whose current is discharge positive."""
    sign = np.where(flow, np.sign(rows.i), 0)
    return [
        Span(a, b, kind, a > start)
        for start, stop in spans([sign, *rows.marks.values()])
        for a, b, kind in _parts(rows, start, stop, _WORDS[int(sign[start])])
    ]


def _parts(
    rows: RawRecord, start: int, stop: int, kind: str
) -> list[tuple[int, int, str]]:
    """Return a run as a hold, constant currents, or both, one after another."""
    if kind == REST or stop - start < 3:
        return [(start, stop, kind)]
    held = _hold_from(rows.V[start:stop], np.abs(rows.i[start:stop]))
    cut = start + held
    found: list[tuple[int, int, str]] = []
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
    """Return the sample from which V is held; the number of samples if it never is."""
    n = len(V)
    noise = float(np.median(np.abs(np.diff(V[-20:])))) if n > 5 else 0.0
    level = float(np.median(V[-5:]))
    off = np.flatnonzero(np.abs(V - level) > max(HELD, 5 * noise))
    if not len(off):
        return 0 if size[-1] <= FALLEN * size[0] else n
    first = int(off[-1]) + 1
    # The last of the ramp towards the held voltage: its current has not begun to fall
    falls = np.flatnonzero(size[first + 1 :] < (1 - FALLS) * size[first:-1])
    first = first + int(falls[0]) if len(falls) else n - 1
    if n - first < 3 or size[-1] > FALLEN * size[first]:
        return n
    fallen = first > 0 and size[first] < (1 - FALLS) * size[first - 1]
    return first if fallen else first + 1


def cycles(rows: RawRecord, found: Sequence[Span]) -> list[int]:
    """Return the cycle of each step: the file's own from 1, or by what comes again."""
    if "cycle" in rows.marks:
        own = rows.marks["cycle"][[s.start for s in found]]
        if (own != np.round(own)).any():
            own = np.unique(own, return_inverse=True)[1]
        return [int(c) + 1 for c in own - own.min()]
    active = (CHARGE, DISCHARGE)
    opening = next((s.kind for s in found if s.kind in active), None)
    numbers, cycle, other = [], 1, False
    for s in found:
        if s.kind == opening and other:
            cycle, other = cycle + 1, False
        other = other or (s.kind in active and s.kind != opening)
        numbers.append(cycle)
    return numbers

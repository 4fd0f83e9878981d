"""Which steps of an experiment a measured cycle goes with: those of the case whose
currents and cut-offs it fits best."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from ..data.measured import (
    CHARGE,
    DISCHARGE,
    HOLD,
    REST,
    UA,
    Measured,
    Segment,
    Spectrum,
    by_cycle,
)
from ..experiment.cases import Case
from ..experiment.steps import Step

SAME_CURRENT = 0.1  # relative; within it a measured current is a step's
SAME_VOLTAGE = 0.02  # V, of a hold
STEADY = 0.05  # relative spread of a current that counts as constant


T = TypeVar("T", Segment, Spectrum)


@dataclass(frozen=True)
class Place(Generic[T]):
    """A measured step or spectrum, and where in a simulation it belongs.

    Parameters
    ----------
    file : str
        It is of.
    measured : Segment or Spectrum
        As read.
    case : str
        Name of the case that simulates it.
    steps : tuple of int
        Of the cycle, from 0, in a row; none of a step without a duration.
    cycle : int
        Of the case, from 1; the experiment may have fewer.
    """

    file: str
    measured: T
    case: str
    steps: tuple[int, ...]
    cycle: int = 1

    @property
    def label(self) -> str:
        """What sets it apart."""
        return f"{self.file}, {self.measured.name}"


@dataclass(frozen=True)
class Match:
    """A measured cycle and the steps of a case it goes with."""

    case: Case
    steps: tuple[tuple[int, int], ...]  # segment of the cycle, step of the protocol
    cost: float
    alike: int = 1  # cases that fit as well


def placed(
    file: Measured, cases: Sequence[Case]
) -> tuple[list[tuple[list[Segment], Match, int]], list[tuple[Segment, str]]]:
    """Return the measured cycles of a file that belong to a case.

    Returns
    -------
    list of tuple
        Cycle, what it goes with, and the how manieth of that case it is, from 1.
    list of tuple
        Charge or discharge that belongs nowhere, and why.
    """
    found, unmatched = [], []
    seen: dict[str, int] = {}
    for cycle in by_cycle(file.segments):
        match = best_match(cycle, cases)
        chosen = {k for k, _ in match.steps} if match else set()
        unmatched += [
            (segment, why_unmatched(segment, cases))
            for k, segment in enumerate(cycle)
            if k not in chosen and segment.kind in (CHARGE, DISCHARGE)
        ]
        if match is not None:
            number = seen[match.case.name] = seen.get(match.case.name, 0) + 1
            found.append((cycle, match, number))
    return found, unmatched


def digest(segment: Segment) -> str:
    """Return a hash of what was measured in a step: charge and voltage."""
    both = np.array([segment.capacity, segment.voltage])
    return hashlib.sha256(np.round(both, 9).tobytes()).hexdigest()[:16]


def best_match(cycle: Sequence[Segment], cases: Sequence[Case]) -> Match | None:
    """The case whose steps fit a measured cycle best: most of them, then closest."""
    matches = [m for case in cases if (m := _aligned(cycle, case)) is not None]
    best = min(matches, key=lambda m: (-_flowing(m, cycle), m.cost), default=None)
    if best is None:
        return None
    most = _flowing(best, cycle)
    alike = [m for m in matches if m.cost == best.cost and _flowing(m, cycle) == most]
    return replace(best, alike=len(alike))


def why_unmatched(segment: Segment, cases: Sequence[Case]) -> str:
    """Why a measured step has no counterpart in any case, in a few words."""
    i = segment.current
    if np.isnan(i).any():
        return "its current is not stated, and the experiment has none to fit"
    mean = float(np.mean(np.abs(i))) if len(i) else 0.0
    if mean > 0 and float(np.std(np.abs(i))) / mean > STEADY:
        return "its current varies: --own-current drives the cell with it"
    sign = 1.0 if segment.kind == DISCHARGE else -1.0
    known = sorted(
        {
            round(abs(step.value) / float(case.cell.area) * UA, 6)
            for case in cases
            for step in case.protocol.steps
            if step.control == "current" and sign * step.value > 0
        }
    )
    has = ", ".join(f"{v:.4g}" for v in known[:8]) + (", ..." if len(known) > 8 else "")
    flows = f"its current is {mean * UA:.4g} uA/cm2"
    if not known:
        return f"{flows}; the experiment's cycles have no {segment.kind}"
    return f"{flows}; the experiment has {segment.kind}s at {has} uA/cm2"


def _flowing(match: Match, cycle: Sequence[Segment]) -> int:
    return sum(cycle[k].kind in (CHARGE, DISCHARGE) for k, _ in match.steps)


def _aligned(cycle: Sequence[Segment], case: Case) -> Match | None:
    """Measured steps along those of a protocol, in order.

    A charge or discharge finds the next step of its current; a hold or a rest only the
    step right behind the last.
    """
    steps, last, cost = case.protocol.steps, -1, 0.0
    pairs: list[tuple[int, int]] = []
    for k, segment in enumerate(cycle):
        if segment.kind in (HOLD, REST):
            near = range(last + 1, min(last + 2, len(steps)))
        else:
            near = range(last + 1, len(steps))
        options = [
            (_distance(segment, steps[at], float(case.cell.area)), at) for at in near
        ]
        options = [(far, at) for far, at in options if math.isfinite(far)]
        if not options:
            continue
        # The next that fits; of a few that fit, one that fits much better
        far, at = min(options, key=lambda o: (round(o[0], 1), o[1]))
        pairs.append((k, at))
        last, cost = at, cost + far
    flowing = any(cycle[k].kind in (CHARGE, DISCHARGE) for k, _ in pairs)
    return Match(case, tuple(pairs), cost) if flowing else None


def _distance(segment: Segment, step: Step, area: float) -> float:
    """How ill a measured step fits one of a protocol; infinite if it is another."""
    if segment.kind == REST:
        return 0.0 if step.rest else math.inf
    if segment.kind == HOLD:
        if step.control != "voltage":
            return math.inf
        off = abs(float(np.median(segment.voltage)) - step.value)
        return off if off <= SAME_VOLTAGE else math.inf
    if step.rest or step.control == "voltage":
        return math.inf
    sign = 1.0 if segment.kind == DISCHARGE else -1.0
    if sign * step.value < 0:
        return math.inf
    far = 0.0
    i = segment.current * area
    if not np.isnan(i).any():
        size = np.abs(i if step.control == "current" else i * segment.voltage)
        mean = float(np.mean(size))
        spread = float(np.std(size)) / mean if mean > 0 else math.inf
        if mean <= 0 or spread > STEADY:
            return math.inf
        far = abs(math.log(mean / abs(step.value)))
        if far > math.log1p(SAME_CURRENT):
            return math.inf
    cut_off = step.lower if sign > 0 else step.upper
    known = segment.voltage[np.isfinite(segment.voltage)]
    if cut_off is not None and len(known) > 1:
        far += abs(float(known[-1]) - cut_off)
    return far

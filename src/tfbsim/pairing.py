"""Which simulated step a measured one goes with, and the simulating of them.

By the experiment, each measured cycle goes to the case whose steps fit its currents and
cut-offs best.  By the data's own current, the measured steps are the protocol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .cases import Case, Expanded
from .cell import Cell
from .engine import Numerics
from .files import InputError
from .measured import CHARGE, DISCHARGE, HOLD, REST, Array, Measured, Segment
from .protocol import Step
from .simulation import AUDIT_BREACH, REACHED, CaseRecord, StepRecord, run_case

SAME_CURRENT = 0.1  # relative; within it a measured current is a step's
SAME_VOLTAGE = 0.02  # V, of a hold
STEADY = 0.05  # relative spread of a current that counts as constant
BEYOND = 0.5  # V that the data's own current may take the cell beyond the data
ROUNDED = 1e-4  # of a step: by how much a record's last clock or charge may exceed it
ELSEWHERE = 3.0  # K between measured and simulated that is worth a word
FAR = 0.1  # V between the starts of both that is worth a word
PIECES = 400  # constant currents that stand for a varying one
UA = 100.0  # uA.cm-2 over A.m-2, and the same of uA.h.cm-2

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pair:
    """A measured step and the simulated one beside it.

    Parameters
    ----------
    file : str
        Where the measured one comes from.
    measured, simulated : Segment
        Of one kind.
    case : str
        Of the experiment.
    c_rate : float
        Of the measured current.
    at_cut_off : bool
        Whether the simulated step ended at a voltage.
    outcome : str
        Of the simulated step.
    """

    file: str
    measured: Segment
    simulated: Segment
    case: str
    c_rate: float
    at_cut_off: bool
    outcome: str

    def axis(self, segment: Segment) -> Array:
        """What both run along: charge [A.h.m-2], in a rest time [s]."""
        by_time = self.measured.kind == REST and self.measured.time is not None
        return segment.time if by_time and segment.time is not None else segment.capacity

    @property
    def common(self) -> Array:
        """Which measured points the simulated curve reaches."""
        here, there = self.axis(self.measured), self.axis(self.simulated)
        return np.asarray((here >= there[0]) & (here <= there[-1] * (1 + ROUNDED)))

    @property
    def residual(self) -> Array:
        """Simulated less measured voltage at the common points [V]."""
        at = self.axis(self.measured)[self.common]
        there = self.axis(self.simulated)
        return (
            np.interp(at, there, self.simulated.voltage)
            - self.measured.voltage[self.common]
        )


@dataclass(frozen=True)
class Paired:
    """Measured steps with simulated ones beside them, and those without.

    Parameters
    ----------
    pairs : list of Pair
        In the order of the files.
    unmatched : list of tuple of str
        File, step and why it has no counterpart.
    otherwise : list of str
        Simulated steps that ended otherwise than asked.
    notes : list of str
        What else is worth knowing.
    audit : dict
        Largest balance errors of the cycles that were simulated.
    """

    pairs: list[Pair] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    audit: dict[str, float] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Say something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def mean_current(segment: Segment) -> float:
    """Charge over time, where there is time [A.m-2]."""
    t = segment.time
    i = segment.current
    if t is None or len(t) < 2 or t[-1] <= t[0]:
        return float(np.mean(i))
    return float(np.trapezoid(i, t) / (t[-1] - t[0]))


def _simulated(record: StepRecord, kind: str, area: float) -> Segment | None:
    trace = record.trace
    if trace is None:
        return None
    o = trace.observed
    passed = np.abs(o["Discharge capacity [A.h]"]) / area
    i = o["Current [A]"] / area
    return Segment(kind, 1, o["Voltage [V]"], i, passed, trace.t)


def times(segment: Segment) -> Array:
    """Since the start of a step [s]; of a table by its charge and current."""
    if segment.time is not None:
        return segment.time
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(
            3600 * segment.capacity / np.abs(segment.current), nan=np.inf, posinf=np.inf
        )


# --- By the experiment's protocol --------------------------------------------------


@dataclass(frozen=True)
class _Match:
    """A measured cycle and the steps of a case it goes with."""

    case: Case
    steps: tuple[tuple[int, int], ...]  # segment of the cycle, step of the protocol
    cost: float
    alike: int = 1  # cases that fit as well


def by_experiment(
    files: Sequence[Measured],
    expanded: Expanded,
    numerics: Numerics,
    progress: Progress | None = None,
) -> Paired:
    """Measured steps beside those of the cases that fit them; only these are run."""
    found = Paired()
    plan: list[tuple[Measured, list[Segment], _Match, int]] = []
    wanted: dict[str, int] = {}
    for measured in files:
        seen: dict[str, int] = {}
        for cycle in _cycles(measured.segments):
            match = _best(cycle, expanded.cases)
            chosen = {k for k, _ in match.steps} if match else set()
            for k, segment in enumerate(cycle):
                if k not in chosen and segment.kind in (CHARGE, DISCHARGE):
                    why = _why_not(segment, expanded.cases)
                    found.unmatched.append((measured.name, segment.name, why))
            if match is None:
                continue
            if match.alike > 1:
                found.note(
                    f"{measured.name}: {match.alike} cases fit a cycle alike, and the "
                    f"first, '{match.case.name}', was taken; --set or another experiment "
                    "chooses."
                )
            number = seen[match.case.name] = seen.get(match.case.name, 0) + 1
            number = min(number, match.case.protocol.cycles)
            wanted[match.case.name] = max(wanted.get(match.case.name, 0), number)
            plan.append((measured, cycle, match, number))
    records: dict[str, CaseRecord] = {}
    cases = [case for case in expanded.cases if case.name in wanted]
    for k, case in enumerate(cases):
        protocol = replace(case.protocol, cycles=wanted[case.name])
        records[case.name] = run_case(case.cell, protocol, numerics)
        _audited(found, case, records[case.name])
        if progress:
            progress(k + 1, len(cases))
    for measured, cycle, match, number in plan:
        steps = records[match.case.name].cycles[number - 1].steps
        for k, at in match.steps:
            _beside(found, measured.name, cycle[k], match.case, [steps[at]], True)
    return found


def _audited(found: Paired, case: Case, record: CaseRecord) -> None:
    """The balances and warnings of a case that was run."""
    for name, errors in {
        "lithium balance error": [c.lithium_balance_error for c in record.cycles],
        "charge balance error": [c.charge_balance_error for c in record.cycles],
    }.items():
        found.audit[name] = max(found.audit.get(name, 0.0), *errors)
    if any(cycle.outcome == AUDIT_BREACH for cycle in record.cycles):
        found.otherwise.append(f"{case.name}: {AUDIT_BREACH}")
    for warning in record.warnings:
        found.note(f"{case.cell.name}: {warning}")


def _beside(
    found: Paired,
    file: str,
    segment: Segment,
    case: Case,
    parts: Sequence[StepRecord],
    cut_off: bool,
) -> None:
    """Put the steps that simulate a measured one beside it, or say why there is none."""
    other = next((p for p in parts if p.outcome != REACHED), None)
    if other is not None:
        detail = f" ({other.detail})" if other.detail else ""
        sentence = f"{case.name}: '{other.step.text}': {other.outcome}{detail}"
        if sentence not in found.otherwise:
            found.otherwise.append(sentence)
    _warmer(found, file, segment, case)
    simulated = _joined(parts, segment.kind, float(case.cell.area))
    if simulated is None:
        why = f"the simulated step was {parts[0].outcome}: {parts[0].detail}"
        found.unmatched.append((file, segment.name, why))
        return
    found.pairs.append(
        Pair(
            *(file, segment, simulated, case.name),
            abs(mean_current(segment)) / case.cell.one_c_current_density,
            cut_off and _ended_at_voltage(parts[-1], simulated),
            REACHED if other is None else other.outcome,
        )
    )


def _warmer(found: Paired, file: str, segment: Segment, case: Case) -> None:
    """Say where a step was measured at another temperature than the cell runs at."""
    T, here = float(case.cell.temperature), segment.temperature
    if here is not None and abs(here - T) > ELSEWHERE:
        found.note(
            f"{file}: measured at {here - 273.15:.1f} degC, simulated at "
            f"{T - 273.15:.1f} degC."
        )


def _ended_at_voltage(record: StepRecord, simulated: Segment) -> bool:
    step, end = record.step, float(simulated.voltage[-1])
    limits = [v for v in (step.lower, step.upper) if v is not None]
    return any(abs(end - v) < 1e-3 for v in limits) and step.control != "voltage"


def _cycles(segments: Sequence[Segment]) -> list[list[Segment]]:
    cycles: dict[int, list[Segment]] = {}
    for segment in segments:
        cycles.setdefault(segment.cycle, []).append(segment)
    return list(cycles.values())


def _best(cycle: Sequence[Segment], cases: Sequence[Case]) -> _Match | None:
    """The case whose steps fit a measured cycle best: most of them, then closest."""
    matches = [m for case in cases if (m := _aligned(cycle, case)) is not None]
    best = min(matches, key=lambda m: (-_flowing(m, cycle), m.cost), default=None)
    if best is None:
        return None
    most = _flowing(best, cycle)
    alike = [m for m in matches if m.cost == best.cost and _flowing(m, cycle) == most]
    return replace(best, alike=len(alike))


def _flowing(match: _Match, cycle: Sequence[Segment]) -> int:
    return sum(cycle[k].kind in (CHARGE, DISCHARGE) for k, _ in match.steps)


def _aligned(cycle: Sequence[Segment], case: Case) -> _Match | None:
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
    return _Match(case, tuple(pairs), cost) if flowing else None


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
    if cut_off is not None and len(segment.voltage) > 1:
        far += abs(float(segment.voltage[-1]) - cut_off)
    return far


def _why_not(segment: Segment, cases: Sequence[Case]) -> str:
    i = segment.current
    if np.isnan(i).any():
        return "its current is not stated, and the experiment has none to fit"
    mean = float(np.mean(np.abs(i)))
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


# --- By the data's own current -----------------------------------------------------


def by_own_current(
    files: Sequence[Measured],
    expanded: Expanded,
    numerics: Numerics,
    progress: Progress | None = None,
) -> Paired:
    """Measured steps beside a cell driven by their own current.

    Raises
    ------
    InputError
        The cases have different cells.
    """
    found = Paired()
    case = expanded.cases[0]
    if any(other.cell != case.cell for other in expanded.cases[1:]):
        raise InputError(
            "its cases have different cells; name the cell itself, or one case's values "
            "with --set",
            expanded.document.path,
        )
    jobs: list[tuple[Measured, list[Segment]]] = []
    for measured in files:
        if any(np.isnan(s.current).any() for s in measured.segments):
            for s in measured.segments:
                why = "its current is not stated, so it cannot drive the cell"
                found.unmatched.append((measured.name, s.name, why))
            continue
        # Curves of a table do not follow one another: each from the state at the start
        whole = all(s.time is not None for s in measured.segments)
        every = list(measured.segments)
        jobs += [
            (measured, part)
            for part in ([every] if whole else [[s] for s in every])
            if part
        ]
    for k, (source, segments) in enumerate(jobs):
        driven = [_driven(s, segments, case.cell) for s in segments]
        steps = tuple(step for steps in driven for step in steps)
        protocol = replace(case.protocol, steps=steps, cycles=1)
        solved = run_case(case.cell, protocol, numerics)
        _audited(found, case, solved)
        done = iter(solved.cycles[0].steps)
        before = len(found.pairs)
        for segment, some in zip(segments, driven, strict=True):
            parts = [next(done) for _ in some]
            _beside(found, source.name, segment, case, parts, False)
        _tell(found, source, segments, driven, found.pairs[before:])
        if progress:
            progress(k + 1, len(jobs))
    return found


def _tell(
    found: Paired,
    source: Measured,
    segments: Sequence[Segment],
    driven: Sequence[list[Step]],
    pairs: Sequence[Pair],
) -> None:
    """How well the constant currents stand for the data, and whether the start fits."""
    split = [(s, d) for s, d in zip(segments, driven, strict=True) if len(d) > 1]
    if split:
        off = max(_unlike(s, d) for s, d in split)
        found.note(
            f"{source.name}: in {len(split)} steps the current varies; constant ones of "
            f"the same charge stand for it, {100 * off:.2g} % rms off."
        )
    flowing = [p for p in pairs if p.measured.kind != HOLD]
    if flowing and len(flowing[0].measured.voltage) > 1:
        first = flowing[0]
        here, there = first.measured.voltage[0], first.simulated.voltage[0]
        if abs(here - there) > FAR:
            found.note(
                f"{source.name} begins at {here:.3f} V, the simulated cell at "
                f"{there:.3f} V: --set cathode.initial_voltage sets its state."
            )


def _unlike(segment: Segment, steps: Sequence[Step]) -> float:
    """Largest share of a varying current that constant ones miss, rms over rms."""
    ends = np.cumsum([step.duration for step in steps])
    at = np.minimum(np.searchsorted(ends, times(segment)), len(steps) - 1)
    driven = np.array([step.value for step in steps])[at]
    scale = float(np.sum(driven * segment.current)) / float(np.sum(segment.current**2))
    off = driven / scale - segment.current
    return float(np.sqrt(np.mean(off**2) / np.mean(segment.current**2)))


def _driven(segment: Segment, segments: Sequence[Segment], cell: Cell) -> list[Step]:
    """The measured current of a step as constant ones, of the same charge together."""
    text = f"as measured: {segment.name}"
    low = min(float(s.voltage.min()) for s in segments) - BEYOND
    high = max(float(s.voltage.max()) for s in segments) + BEYOND
    limits = cell.voltage_limits
    low, high = max(low, limits[0]), min(high, limits[1])
    area, t = float(cell.area), times(segment)
    if segment.kind == REST:
        return [Step(text, "current", 0.0, max(float(t[-1]), 1e-3), True)]
    if segment.kind == HOLD:
        V = float(np.median(segment.voltage))
        return [Step(text, "voltage", V, max(float(t[-1]), 1e-3), True)]
    q = segment.capacity
    edges = _pieces(t, q, segment.current)
    sign = 1.0 if segment.kind == DISCHARGE else -1.0
    steps = []
    for begun, ended, passed in edges:
        I = sign * 3600 * passed / (ended - begun) * area
        if I == 0:
            steps.append(Step(text, "current", 0.0, ended - begun, True))
            continue
        end = {"lower": low} if I > 0 else {"upper": high}
        steps.append(Step(text, "current", I, ended - begun, True, **end))
    return steps


def _pieces(t: Array, q: Array, i: Array) -> list[tuple[float, float, float]]:
    """(begin, end, charge passed): one if the current is steady, else at most PIECES."""
    size = np.abs(i)
    mean = float(np.mean(size))
    whole = (0.0, max(float(t[-1]), 1e-3), float(q[-1]))
    if len(t) < 3 or mean <= 0 or float(np.std(size)) <= STEADY / 5 * mean:
        return [whole]
    stride = max(1, -(-len(t) // PIECES))
    at = np.unique(np.append(np.arange(0, len(t), stride), len(t) - 1))
    edges = np.concatenate([[0.0], t[at][t[at] > 0]])
    passed = np.interp(edges, np.append(0.0, t), np.append(0.0, q))
    return [
        (float(a), float(b), float(dq))
        for a, b, dq in zip(edges[:-1], edges[1:], np.diff(passed), strict=True)
        if b - a > 1e-6
    ]


def _joined(parts: Sequence[StepRecord], kind: str, area: float) -> Segment | None:
    """Consecutive simulated steps as one."""
    found = [s for p in parts if (s := _simulated(p, kind, area)) is not None]
    if not found:
        return None
    clock = passed = 0.0
    pieces: list[tuple[Array, ...]] = []
    for s in found:
        assert s.time is not None
        pieces.append((s.voltage, s.current, passed + s.capacity, clock + s.time))
        clock, passed = clock + float(s.time[-1]), passed + float(s.capacity[-1])
    V, i, q, t = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Segment(kind, 1, V, i, q, t)

"""Measured curves beside simulated ones: which belong together, and how they differ.

The protocol is the experiment's, or the data's own current.  Each measured cycle goes to
the case whose steps fit its currents and cut-offs best; voltages are compared at equal
charge (in a rest at equal time), residuals are simulated less measured.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .cases import Case, Expanded, expand
from .cell import Cell, load_cell
from .engine import Numerics
from .files import InputError, load, shipped, write_atomic
from .measured import CHARGE, DISCHARGE, HOLD, REST, Array, Measured, Segment, read
from .protocol import Step
from .provenance import provenance
from .simulation import REACHED, CaseRecord, StepRecord, run_case

if TYPE_CHECKING:
    from .reading.mapping import Mapping as DataMapping

COMPARISON, OVERLAY, PROVENANCE = "comparison.csv", "overlay.csv", "provenance.json"
SAME_CURRENT = 0.1  # relative; within it a measured current is a step's
SAME_VOLTAGE = 0.02  # V, of a hold
STEADY = 0.05  # relative spread of a current that counts as constant
FIRST = 60.0  # s
BEYOND = 0.5  # V that the data's own current may take the cell beyond the data
PIECES = 400  # constant currents that stand for a varying one
UA = 100.0  # uA.cm-2 over A.m-2, and the same of uA.h.cm-2

Source = str | Path | Measured
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
        return np.asarray((here >= there[0]) & (here <= there[-1] * (1 + 1e-9)))

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
class Comparison:
    """What :func:`compare` returns.

    Parameters
    ----------
    measured : list of Measured
        As read.
    pairs : list of Pair
        In the order of the files.
    unreadable : list of str
        A sentence for each file that could not be read.
    unmatched : list of tuple of str
        File, step and why it has no counterpart.
    otherwise : list of str
        Simulated steps that ended otherwise than asked.
    provenance : dict
        What it takes to repeat it.
    """

    measured: list[Measured]
    pairs: list[Pair]
    unreadable: list[str] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def as_asked(self) -> bool:
        """Whether every file was read and compared, and every step ended as asked."""
        compared = {pair.file for pair in self.pairs}
        empty = [m for m in self.measured if m.segments and m.name not in compared]
        return not (self.unreadable or self.otherwise or empty)

    @property
    def table(self) -> pd.DataFrame:
        """A row per compared step; the columns of ``comparison.csv``."""
        hysteresis = _hysteresis(self.pairs)
        rows = []
        for pair in self.pairs:
            row = _row(pair)
            both = hysteresis.get((pair.file, pair.measured.cycle))
            if both and pair.measured.kind == DISCHARGE:
                row["Measured hysteresis [mV]"] = 1e3 * both[0]
                row["Simulated hysteresis [mV]"] = 1e3 * both[1]
            rows.append({**row, "Outcome": pair.outcome})
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def overlay(self) -> pd.DataFrame:
        """Every measured point with the simulated voltage there; ``overlay.csv``."""
        parts = []
        for pair in self.pairs:
            m, there = pair.measured, pair.common
            simulated = np.full(len(m.voltage), np.nan)
            simulated[there] = m.voltage[there] + pair.residual
            time = np.full(len(m.voltage), np.nan) if m.time is None else m.start + m.time
            parts.append(
                pd.DataFrame(
                    {
                        "File": pair.file,
                        "Step": m.name,
                        "Time [s]": time,
                        "Capacity [uA.h.cm-2]": m.capacity * UA,
                        "Current density [uA.cm-2]": m.current * UA,
                        "Measured voltage [V]": m.voltage,
                        "Simulated voltage [V]": simulated,
                        "Residual [mV]": 1e3 * (simulated - m.voltage),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def plot(self) -> dict[str, Any]:
        """The figures of the report, by name (matplotlib)."""
        from .plot.comparison import figures

        return figures(self)

    def save(self, folder: str | Path) -> None:
        """Write tables, figures, report and provenance, each whole or not at all."""
        from .comparison_report import write_report

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / COMPARISON, _csv(self.table))
        write_atomic(folder / OVERLAY, _csv(self.overlay))
        text = json.dumps(self.provenance, indent=1, ensure_ascii=False, default=str)
        write_atomic(folder / PROVENANCE, text + "\n")
        write_report(self, folder)


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, float_format="%.10g", lineterminator="\n")
    return buffer.getvalue()


# --- The numbers -------------------------------------------------------------------

COLUMNS = (
    *("File", "Step", "Case", "Cycle number", "C-rate", "Current density [uA.cm-2]"),
    *("Points", "Compared [%]"),
    "Voltage error, rms [mV]",
    "Largest voltage error [mV]",
    "Mean voltage error [mV]",
    "First minute, rms [mV]",
    "Measured capacity [uA.h.cm-2]",
    "Simulated capacity [uA.h.cm-2]",
    "Capacity error [%]",
    "Measured hysteresis [mV]",
    "Simulated hysteresis [mV]",
    "Outcome",
)


def _row(pair: Pair) -> dict[str, Any]:
    m, there = pair.measured, pair.common
    row: dict[str, Any] = {
        "File": pair.file,
        "Step": m.name,
        "Case": pair.case,
        "Cycle number": m.cycle,
        "C-rate": pair.c_rate,
        "Current density [uA.cm-2]": _mean_current(m) * UA,
        "Points": len(m.voltage),
        "Compared [%]": 100 * float(there.mean()),
    }
    if m.kind != HOLD and there.any():
        residual = pair.residual
        row["Voltage error, rms [mV]"] = 1e3 * _rms(residual)
        row["Largest voltage error [mV]"] = 1e3 * residual[np.argmax(np.abs(residual))]
        at = pair.axis(m)[there]
        if len(at) > 1 and at[-1] > at[0]:
            mean = np.trapezoid(residual, at) / (at[-1] - at[0])
            row["Mean voltage error [mV]"] = 1e3 * float(mean)
        early = _times(m)[there] <= FIRST
        if early.any():
            row["First minute, rms [mV]"] = 1e3 * _rms(residual[early])
    if m.kind != REST:
        measured, simulated = capacities(pair)
        row["Measured capacity [uA.h.cm-2]"] = measured * UA
        row["Simulated capacity [uA.h.cm-2]"] = simulated * UA
        if measured > 0:
            row["Capacity error [%]"] = 100 * (simulated / measured - 1)
    return row


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _times(segment: Segment) -> Array:
    """Since the start of a step [s]; of a table by its charge and current."""
    if segment.time is not None:
        return segment.time
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(
            3600 * segment.capacity / np.abs(segment.current), nan=np.inf, posinf=np.inf
        )


def capacities(pair: Pair) -> tuple[float, float]:
    """Measured and simulated charge [A.h.m-2] where the measured curve ends.

    If the simulated step ends at a voltage, its charge is read at the voltage of the last
    measured point, which need not be the cut-off; else it is all that passed.
    """
    m, s = pair.measured, pair.simulated
    total = float(s.capacity[-1])
    if not pair.at_cut_off or m.kind not in (CHARGE, DISCHARGE):
        return float(m.capacity[-1]), total
    sign = -1.0 if m.kind == DISCHARGE else 1.0
    # Outwards the voltage goes one way but for the very start
    V = np.maximum.accumulate(sign * s.voltage)
    end = sign * float(m.voltage[-1])
    if not V[0] < end < V[-1]:
        return float(m.capacity[-1]), total
    return float(m.capacity[-1]), float(np.interp(end, V, s.capacity))


def _hysteresis(pairs: Sequence[Pair]) -> dict[tuple[str, int], tuple[float, float]]:
    """Mean voltage of charge less that of discharge of each cycle, both kinds [V]."""
    sums: dict[tuple[str, int, str], Array] = {}
    for pair in pairs:
        m, s = pair.measured, pair.simulated
        if m.kind not in (CHARGE, DISCHARGE) or len(m.voltage) < 2:
            continue
        key = (pair.file, m.cycle, m.kind)
        moved = [
            (np.trapezoid(x.voltage, x.capacity), np.ptp(x.capacity)) for x in (m, s)
        ]
        sums[key] = sums.get(key, np.zeros((2, 2))) + np.array(moved, dtype=float)
    found = {}
    for file, cycle, kind in sums:
        other = sums.get((file, cycle, DISCHARGE))
        if kind != CHARGE or other is None:
            continue
        here = sums[file, cycle, CHARGE]
        if (here[:, 1] > 0).all() and (other[:, 1] > 0).all():
            gap = here[:, 0] / here[:, 1] - other[:, 0] / other[:, 1]
            found[file, cycle] = (float(gap[0]), float(gap[1]))
    return found


# --- Comparing ---------------------------------------------------------------------


def compare(
    experiment: str | Path,
    data: Sequence[Source] | Source,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    mapping: str | Path | DataMapping | Mapping[str, Any] | None = None,
    own_current: bool = False,
    numerics: Numerics | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Compare measured files with an experiment.

    Parameters
    ----------
    experiment : str or Path
        A shipped experiment or a file; or a cell, whose protocol then is the data's own
        current.
    data : path, Measured, or a sequence of them
        What was measured.
    cell, changes
        As :func:`tfbsim.run_experiment`.
    mapping : optional
        For the files (:func:`tfbsim.read_measured`).
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning.
    numerics : Numerics, optional
        Mesh and tolerances.
    folder : path, optional
        Where to write the result.
    progress : callable, optional
        Called with the number of simulations done and of all.
    command : str
        Command line that repeats it, for the provenance.

    Returns
    -------
    Comparison
        ``table`` (pandas), ``overlay``, ``pairs``, ``plot``, ``save``.

    Raises
    ------
    InputError
        The experiment or the cell is not valid, or no file could be read.
    """
    expanded, own_current = _protocol(experiment, cell, changes, own_current)
    numerics = numerics or Numerics()
    base = expanded.cases[0].cell
    sources = [data] if isinstance(data, str | Path | Measured) else list(data)
    measured, unreadable = _read_all(sources, base, mapping)
    found = Comparison(measured, [], unreadable)
    if own_current:
        _by_own_current(found, expanded, numerics, progress)
    else:
        _by_experiment(found, expanded, numerics, progress)
    about = provenance(
        expanded.document,
        expanded.cells,
        numerics,
        expanded.cell,
        expanded.changes,
        command,
    )
    found.provenance.update(about)
    found.provenance["protocol"] = (
        "the data's own current" if own_current else "the experiment's"
    )
    found.provenance["data"] = [_about(m) for m in measured]
    found.provenance["unreadable"] = unreadable
    found.provenance["unmatched"] = [" | ".join(row) for row in found.unmatched]
    if folder:
        found.save(folder)
    return found


def _protocol(
    experiment: str | Path,
    cell: str | None,
    changes: Mapping[str, str] | None,
    own_current: bool,
) -> tuple[Expanded, bool]:
    """The experiment's cases; of a cell, one case whose steps do not matter."""
    name = str(experiment)
    path = shipped("models").get(name, Path(name))
    try:
        is_cell = path.suffix in (".yaml", ".yml") and load(path).data["kind"] == "cell"
    except (InputError, KeyError):
        is_cell = False
    if not is_cell:
        return expand(experiment, cell, changes), own_current
    if cell is not None:
        raise InputError("names the cell already; leave out --cell", name)
    from .files import Document

    content = {
        **{"format": 1, "kind": "experiment", "name": path.stem},
        **{"cell": name, "steps": ["Rest for 1 second"]},
    }
    document = Document(Path("own-current.yaml"), content, {(): 1})
    return expand(document, None, changes, {name: load_cell(path)}), True


def _read_all(
    sources: Sequence[Source],
    cell: Cell,
    mapping: str | Path | DataMapping | Mapping[str, Any] | None,
) -> tuple[list[Measured], list[str]]:
    measured: list[Measured] = []
    unreadable: list[str] = []
    names: dict[str, int] = {}
    first: InputError | None = None
    for source in sources:
        try:
            found = (
                source if isinstance(source, Measured) else read(source, cell, mapping)
            )
        except InputError as error:
            first = first or error
            unreadable.append(str(error))
            continue
        names[found.name] = names.get(found.name, 0) + 1
        if names[found.name] > 1:  # of the same name in another folder
            found = replace(found, name=f"{found.path.parent.name}/{found.name}")
        measured.append(found)
    if not sources:
        raise InputError("there are no data", field="data")
    if not measured and first is not None:
        raise first if len(unreadable) == 1 else InputError("; ".join(unreadable))
    return measured, unreadable


def _about(measured: Measured) -> dict[str, Any]:
    try:
        digest = hashlib.sha256(measured.path.read_bytes()).hexdigest()
    except OSError:
        digest = ""
    return {
        "file": measured.name,
        "sha256": digest,
        "steps": len(measured.segments),
        "spectra": len(measured.spectra),
        "notes": list(measured.notes),
    }


def _mean_current(segment: Segment) -> float:
    """Charge over time, where there is time [A.m-2]."""
    t = segment.time
    i = segment.current
    if t is None or len(t) < 2 or t[-1] <= t[0]:
        return float(np.mean(i))
    return float(np.trapezoid(i, t) / (t[-1] - t[0]))


def _c_rate(segment: Segment, cell: Cell) -> float:
    return abs(_mean_current(segment)) / cell.one_c_current_density


def _simulated(record: StepRecord, kind: str, area: float) -> Segment | None:
    trace = record.trace
    if trace is None:
        return None
    o = trace.observed
    passed = np.abs(o["Discharge capacity [A.h]"]) / area
    i = o["Current [A]"] / area
    return Segment(kind, 1, o["Voltage [V]"], i, passed, trace.t)


# --- By the experiment's protocol --------------------------------------------------


@dataclass(frozen=True)
class _Match:
    """A measured cycle and the steps of a case it goes with."""

    case: Case
    steps: tuple[tuple[int, int], ...]  # segment of the cycle, step of the protocol
    cost: float


def _by_experiment(
    found: Comparison, expanded: Expanded, numerics: Numerics, progress: Progress | None
) -> None:
    plan: list[tuple[Measured, list[Segment], _Match, int]] = []
    wanted: dict[str, int] = {}
    for measured in found.measured:
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
            number = seen[match.case.name] = seen.get(match.case.name, 0) + 1
            number = min(number, match.case.protocol.cycles)
            wanted[match.case.name] = max(wanted.get(match.case.name, 0), number)
            plan.append((measured, cycle, match, number))
    records: dict[str, CaseRecord] = {}
    cases = [case for case in expanded.cases if case.name in wanted]
    for k, case in enumerate(cases):
        protocol = replace(case.protocol, cycles=wanted[case.name])
        records[case.name] = run_case(case.cell, protocol, numerics)
        if progress:
            progress(k + 1, len(cases))
    told: set[tuple[str, int, int]] = set()
    for measured, cycle, match, number in plan:
        steps = records[match.case.name].cycles[number - 1].steps
        for k, at in match.steps:
            record, segment = steps[at], cycle[k]
            key = (match.case.name, number, at)
            if record.outcome != REACHED and key not in told:
                told.add(key)
                found.otherwise.append(
                    f"{match.case.name}: '{record.step.text}': {record.outcome}"
                    + (f" ({record.detail})" if record.detail else "")
                )
            area = float(match.case.cell.area)
            simulated = _simulated(record, segment.kind, area)
            if simulated is None:
                why = f"the simulated step was {record.outcome}: {record.detail}"
                found.unmatched.append((measured.name, segment.name, why))
                continue
            found.pairs.append(
                Pair(
                    measured.name,
                    segment,
                    simulated,
                    match.case.name,
                    _c_rate(segment, match.case.cell),
                    _ended_at_voltage(record, simulated),
                    record.outcome,
                )
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
    return min(matches, key=lambda m: (-_flowing(m, cycle), m.cost), default=None)


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


def _by_own_current(
    found: Comparison, expanded: Expanded, numerics: Numerics, progress: Progress | None
) -> None:
    case = expanded.cases[0]
    if any(other.cell != case.cell for other in expanded.cases[1:]):
        raise InputError(
            "its cases have different cells; name the cell itself, or one case's values "
            "with --set",
            expanded.document.path,
        )
    jobs: list[tuple[Measured, list[Segment]]] = []
    for measured in found.measured:
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
        solved = run_case(
            case.cell,
            replace(case.protocol, steps=steps, cycles=1),
            numerics,
        )
        _paired(found, source, segments, driven, case, solved)
        if progress:
            progress(k + 1, len(jobs))


def _paired(
    found: Comparison,
    measured: Measured,
    segments: Sequence[Segment],
    driven: Sequence[list[Step]],
    case: Case,
    record: CaseRecord,
) -> None:
    done = iter(record.cycles[0].steps)
    for segment, steps in zip(segments, driven, strict=True):
        parts = [next(done) for _ in steps]
        other = [p for p in parts if p.outcome != REACHED]
        if other:
            detail = f" ({other[0].detail})" if other[0].detail else ""
            found.otherwise.append(
                f"{measured.name}, {segment.name}: {other[0].outcome}{detail}"
            )
        joined = _joined(parts, segment.kind, float(case.cell.area))
        if joined is None:
            why = f"the simulated step was {parts[0].outcome}: {parts[0].detail}"
            found.unmatched.append((measured.name, segment.name, why))
            continue
        found.pairs.append(
            Pair(
                measured.name,
                segment,
                joined,
                case.name,
                _c_rate(segment, case.cell),
                False,
                other[0].outcome if other else REACHED,
            )
        )


def _driven(segment: Segment, segments: Sequence[Segment], cell: Cell) -> list[Step]:
    """The measured current of a step as constant ones, of the same charge together."""
    text = f"as measured: {segment.name}"
    low = min(float(s.voltage.min()) for s in segments) - BEYOND
    high = max(float(s.voltage.max()) for s in segments) + BEYOND
    limits = cell.voltage_limits
    low, high = max(low, limits[0]), min(high, limits[1])
    area, t = float(cell.area), _times(segment)
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

"""Cell + protocol -> what happened: every step with its outcome, every cycle audited."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .cell import Cell
from .critical import beyond_critical, crossing, up_to
from .engine import (
    CURRENT_CUT_OFF,
    FILM_LIMIT,
    MINIMUM_VOLTAGE,
    NO_LIMIT,
    POWER_LIMIT,
    SOLVER_FAILURE,
    Engine,
    Infeasible,
    Numerics,
    SolverFailed,
    State,
    Trace,
    engine,
)
from .error_bar import NumericalError, with_errors
from .exhaustion import bare, blocked, joined, stripped_bare
from .files import Document, InputError
from .materials.laws import FARADAY
from .physics.lithium import EXHAUSTED
from .protocol import Protocol, Step, parse_cycle

if TYPE_CHECKING:
    from .result import Result

REACHED = "reached"
TIME_LIMIT = "time limit"
SKIPPED = "skipped"
INFEASIBLE = "infeasible"
LITHIUM_EXHAUSTED = "lithium exhausted"
SOLVER_FAILED = "solver failed"
AUDIT_BREACH = "audit breach"
OUTCOMES = (
    *(REACHED, TIME_LIMIT, SKIPPED, INFEASIBLE),
    *(LITHIUM_EXHAUSTED, SOLVER_FAILED, AUDIT_BREACH),
)

MEAN = "Cathode mean stoichiometry"
AUDIT_LIMIT = 1e-8  # largest balance error of a cycle that passes

Progress = Callable[[], None]


@dataclass(frozen=True)
class StepRecord:
    """One step as it went.

    Parameters
    ----------
    step : Step
        What was asked.
    outcome : str
        One of ``OUTCOMES``.
    detail : str
        Why, where the outcome alone does not say.
    trace : Trace or None
        What happened; None if nothing could.
    critical : float or None
        When the current at the lithium was first above the critical one, since the start
        of the step [s].
    """

    step: Step
    outcome: str
    detail: str
    trace: Trace | None
    critical: float | None = None

    @property
    def charge(self) -> float:
        """Charge that went in [A.h]."""
        return (self._last("Throughput") - self._last("Discharge")) / 2

    @property
    def discharge(self) -> float:
        """Charge that came out [A.h]."""
        return (self._last("Throughput") + self._last("Discharge")) / 2

    def _last(self, counter: str) -> float:
        if self.trace is None:
            return 0.0
        return float(self.trace.observed[f"{counter} capacity [A.h]"][-1])

    @property
    def energy(self) -> float:
        """Energy that came out [W.h]."""
        if self.trace is None:
            return 0.0
        return float(self.trace.observed["Discharge energy [W.h]"][-1])


@dataclass(frozen=True)
class CycleRecord:
    """One cycle: its steps and its audit; its numerical error where asked for."""

    number: int
    steps: tuple[StepRecord, ...]
    lithium_balance_error: float
    charge_balance_error: float
    numerical_error: NumericalError | None = None

    @property
    def charge(self) -> float:
        """Charge that went in [A.h]."""
        return sum(step.charge for step in self.steps)

    @property
    def discharge(self) -> float:
        """Charge that came out [A.h]."""
        return sum(step.discharge for step in self.steps)

    @property
    def outcome(self) -> str:
        """The first outcome that is not "reached", or an audit breach, or reached."""
        for record in self.steps:
            if record.outcome != REACHED:
                return record.outcome
        worst = max(self.lithium_balance_error, self.charge_balance_error)
        return REACHED if worst <= AUDIT_LIMIT else AUDIT_BREACH


@dataclass(frozen=True)
class CaseRecord:
    """One cell through one protocol."""

    cell: Cell
    protocol: Protocol
    cycles: tuple[CycleRecord, ...]
    conditioning: tuple[CycleRecord, ...]
    xi: np.ndarray
    warnings: tuple[str, ...] = field(default=())


class _Runner:
    """Carries the state of the cell from step to step."""

    def __init__(self, cell: Cell, solver: Engine) -> None:
        self.cell = cell
        self.engine = solver
        self.curves = True
        self.stopped = ""
        self.state: State = solver.uniform(
            cell.cathode.x_initial, cell.lithium_inventory / cell.site_inventory
        )

    def cycle(self, number: int, steps: Sequence[Step]) -> CycleRecord:
        records = tuple(self.step(step) for step in steps)
        return CycleRecord(number, records, *audit(records, float(self.cell.area)))

    def step(self, step: Step) -> StepRecord:
        if self.stopped:
            return StepRecord(step, SKIPPED, f"after: {self.stopped}", None)
        record = self._attempt(step)
        if record.outcome == SOLVER_FAILED:
            self.stopped = f"'{step.text}' failed to solve"
        return record

    def _attempt(self, step: Step) -> StepRecord:
        try:
            trace, attempt = self._solved(step)
            critical = crossing(trace, self.cell)
            stop = self.cell.anode.beyond_critical_current == "stop"
            if critical is not None and stop:
                trace = up_to(
                    critical, trace, self.state, lambda t: self._run(step, t)[0]
                )
        except Infeasible as reason:
            return StepRecord(step, INFEASIBLE, str(reason), None)
        except SolverFailed as reason:
            x = float(self.state.profile @ self.engine.widths)
            detail = f"{reason}; at the start of the step, at x = {x:.4g}"
            return StepRecord(step, SOLVER_FAILED, detail, None)
        self.state = trace.end
        if critical is not None and stop:
            detail = f"{beyond_critical(self.cell, critical)}: stopped, as asked"
            self.stopped = "the critical current density was crossed"
            return StepRecord(step, INFEASIBLE, detail, trace, critical)
        outcome, detail = self._outcome(step, trace)
        if attempt and trace.event not in (SOLVER_FAILURE, POWER_LIMIT):
            detail = f"{detail}; solved with fallback {attempt}".lstrip("; ")
        return StepRecord(step, outcome, detail, trace, critical)

    def _run(self, step: Step, duration: float, **changes: Any) -> tuple[Trace, int]:
        """A step, or so much of it, from the state the cell is in or the one given."""
        low, high = self.cell.voltage_limits
        state = changes.pop("state", self.state)
        return self.engine.run(
            step.control,
            step.value,
            duration,
            state,
            self.cell.parameters(step.temperature) | changes,
            lower=step.lower if step.lower is not None else _below(step, low),
            upper=step.upper if step.upper is not None else _above(step, high),
            c_rate_cut_off=step.c_rate_cut_off or -1.0,
            # A crossing is looked for between the points
            curve=self.curves or self.cell.anode.critical_current is not None,
        )

    def _solved(self, step: Step) -> tuple[Trace, int]:
        """A step, also where the collector is bare or becomes so."""
        plated = self.cell.anode.plated
        if plated and bare(self.cell, self.engine, self.state, step):
            return blocked(self.engine, self.state, step, self.cell, 0.0), 0
        trace, attempt = self._run(step, step.duration)
        if not plated or trace.event != EXHAUSTED:
            return trace, attempt
        if step.control == "voltage" or (step.control == "current" and step.value <= 0):
            past = float(trace.t[-1])
            rest = blocked(self.engine, trace.end, step, self.cell, past)
            return joined(trace, rest, jump=True), attempt

        def onwards(t: float, state: State, changes: Mapping[str, float]) -> Trace:
            return self._run(step, t, state=state, **changes)[0]

        return stripped_bare(trace, onwards, self.cell, step), attempt

    def _by_leakage(self, step: Step, trace: Trace) -> str:
        """Says so where a hold or a charge cannot end because the electrolyte leaks."""
        leakage = trace.observed["Leakage current density [A.m-2]"].max()
        current = abs(trace.observed["Current [A]"][-1]) / self.cell.area
        end = current
        if step.c_rate_cut_off is not None:
            end = step.c_rate_cut_off * self.cell.one_c_current_density
        if (
            leakage <= 0
            or (step.value > 0 and step.control != "voltage")
            or end > leakage
        ):
            return ""
        return f": the electrolyte leaks {100 * leakage:.3g} uA/cm2, all that flows in"

    def _blocks(self, step: Step, trace: Trace) -> str:
        """Says so where a step goes on without lithium on the collector."""
        cell = self.cell
        discharge = step.value > 0 and step.control != "voltage"
        if not cell.anode.plated or discharge:
            return ""
        V, i = (float(trace.observed[n][-1]) for n in ("Voltage [V]", "Current [A]"))
        empty = trace.end.inventory <= cell.least_inventory
        if not empty or (step.rest and V) or i > 0:
            return ""
        metal = trace.observed["Lithium thickness [m]"]
        hours = trace.t[int(np.argmax(metal <= metal[-1]))] / 3600
        return f"no lithium after {hours:.3g} h: the collector blocks, V is {V:.4g} V"

    def _left(self, trace: Trace) -> str:
        """What is left of lithium that was plated in situ."""
        if not self.cell.anode.plated:
            return ""
        left = 1e9 * float(trace.observed["Lithium thickness [m]"][-1])
        return f": {left:.2g} nm remain on the collector"

    def _outcome(self, step: Step, trace: Trace) -> tuple[str, str]:
        low, high = self.cell.voltage_limits
        if trace.event is None:
            if step.timed:
                return REACHED, self._blocks(step, trace)
            hours = step.duration / 3600
            detail = f"no end within {hours:.3g} h, the default time limit"
            return TIME_LIMIT, detail + self._by_leakage(step, trace)
        if trace.event == EXHAUSTED:
            return LITHIUM_EXHAUSTED, "no lithium is left to strip" + self._left(trace)
        if trace.event == CURRENT_CUT_OFF:
            return REACHED, self._blocks(step, trace)
        if trace.event == POWER_LIMIT:
            return INFEASIBLE, "the cell cannot give this power any longer"
        if trace.event == SOLVER_FAILURE:
            V, x = (trace.observed[n][-1] for n in ("Voltage [V]", MEAN))
            return SOLVER_FAILED, f"after {trace.t[-1]:.6g} s, at {V:.4g} V, x = {x:.4g}"
        if trace.event == FILM_LIMIT:
            x = trace.observed["Cathode surface stoichiometry"][-1]
            word = "empty of" if x < self.cell.cathode.x_max / 2 else "full of"
            detail = f"the film's surface is {word} lithium, at x = {x:.4g}"
            return INFEASIBLE, detail + self._by_leakage(step, trace)
        asked = step.lower if trace.event == MINIMUM_VOLTAGE else step.upper
        if asked is not None:
            last = trace.end.inventory < self.cell.least_inventory
            return REACHED, f"the last lithium{self._left(trace)}" if last else ""
        limit = low if trace.event == MINIMUM_VOLTAGE else high
        return INFEASIBLE, f"the cell's voltage limit of {limit:g} V came first"


def _below(step: Step, limit: float) -> float:
    return limit if step.control != "voltage" and step.value > 0 else -NO_LIMIT


def _above(step: Step, limit: float) -> float:
    return limit if step.control != "voltage" and step.value < 0 else NO_LIMIT


def audit(records: Sequence[StepRecord], area: float) -> tuple[float, float]:
    """Lithium and charge balance errors over consecutive steps.

    Lithium: largest change of the total lithium over lithium exchanged.  Charge: cathode
    lithium change times F, less the charge passed and leaked, over charge exchanged.
    Charges are states of the solver.  Both are 0 where nothing was exchanged.
    """
    traces = [r.trace for r in records if r.trace is not None]

    def counted(name: str) -> float:
        return 3600 * float(sum(t.observed[f"{name} capacity [A.h]"][-1] for t in traces))

    leaked = counted("Leakage")
    exchanged = counted("Throughput") + leaked
    if not traces or exchanged <= 0:
        return 0.0, 0.0
    total = np.concatenate([t.observed["Total lithium [mol.m-2]"] for t in traces])
    lithium = np.max(np.abs(total - total[0])) * FARADAY * area / exchanged
    cathode = "Cathode lithium [mol.m-2]"
    gained = traces[-1].observed[cathode][-1] - traces[0].observed[cathode][0]
    passed = counted("Discharge") + leaked
    charge = abs(gained * FARADAY * area - passed) / exchanged
    return float(lithium), float(charge)


def run_case(
    cell: Cell,
    protocol: Protocol,
    numerics: Numerics | None = None,
    progress: Progress | None = None,
    curves: bool = True,
) -> CaseRecord:
    """Run one cell through one protocol.

    Parameters
    ----------
    cell, protocol : Cell, Protocol
        What is run.
    numerics : Numerics, optional
        Mesh and tolerances; with ``error_bar``, each cycle has its numerical error.
    progress : callable, optional
        Called after every cycle, conditioning included.
    curves : bool
        Whether traces have all of their points, or only the first and last of each step.
    """
    numerics = numerics or Numerics()
    if numerics.error_bar:
        plain, tight = replace(numerics, error_bar=False), numerics.tighter()
        return with_errors(
            run_case(cell, protocol, plain, progress),
            run_case(cell, protocol, tight, progress),
        )
    solver = engine(cell.structure, numerics)
    runner = _Runner(cell, solver)
    runner.curves = False  # of the conditioning nobody sees any
    conditioning = []
    if protocol.conditioning:
        for number in range(1, protocol.conditioning_cycles + 1):
            conditioning.append(runner.cycle(number, protocol.conditioning))
            if progress:
                progress()
    cycles = []
    runner.curves = curves
    for number in range(1, protocol.cycles + 1):
        cycles.append(runner.cycle(number, protocol.steps))
        if progress:
            progress()
    return CaseRecord(
        cell,
        protocol,
        tuple(cycles),
        tuple(conditioning),
        solver.xi,
        tuple(cell.warnings()),
    )


def simulate(
    cell: Cell | str,
    steps: Sequence[Any],
    cycles: int = 1,
    conditioning: Sequence[Any] = (),
    conditioning_cycles: int = 1,
    numerics: Numerics | None = None,
) -> Result:
    """Run a cell through a protocol.

    Parameters
    ----------
    cell : Cell or str
        A cell, or the name or path :func:`load_cell` takes.
    steps : sequence of str
        The sentences of one cycle; a pair ``(sentence, "60 degC")`` sets a temperature.
    cycles : int
        How often the cycle is run.
    conditioning : sequence of str
        Steps run before the first cycle and not recorded.
    conditioning_cycles : int
        How often.
    numerics : Numerics, optional
        Mesh and tolerances.

    Returns
    -------
    Result
        ``summary`` (pandas), ``curves`` (xarray), ``steps`` (pandas), ``plot``, ``save``.

    Raises
    ------
    InputError
        A step that cannot be read.

    Examples
    --------
    >>> import tfbsim
    >>> cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    >>> steps = ["Charge at 1C until 4.2 V", "Discharge at 1C until 3.0 V"]
    >>> result = tfbsim.simulate(cell, steps)
    >>> list(result.summary["Outcome"])
    ['reached']
    """
    from .cell import load_cell
    from .provenance import provenance
    from .result import Result

    if isinstance(cell, str):
        cell = load_cell(cell)
    if isinstance(steps, str):
        steps = [steps]
    if not steps:
        raise InputError("there are no steps", field="steps")
    if cycles < 1 or conditioning_cycles < 1:
        raise InputError("must be at least 1", field="cycles")
    parsed = {}
    for name, sentences in (("steps", steps), ("conditioning", conditioning)):
        try:
            parsed[name] = parse_cycle(sentences, cell)
        except ValueError as error:
            raise InputError(error.args[0], field=f"{name}[{error.args[1]}]") from None
    protocol = Protocol(
        parsed["steps"], cycles, parsed["conditioning"], conditioning_cycles
    )
    numerics = numerics or Numerics()
    about = provenance(
        _as_experiment(steps, cycles, conditioning, conditioning_cycles),
        {"cell": cell},
        numerics,
        cell="cell",
    )
    record = run_case(cell, protocol, numerics)
    return Result.from_records({"base": record}, about)


def _as_experiment(
    steps: Sequence[Any],
    cycles: int,
    conditioning: Sequence[Any],
    conditioning_cycles: int,
) -> Document:
    """What an experiment file would say."""

    def written(sentences: Sequence[Any]) -> list[Any]:
        return [
            s if isinstance(s, str) else {"step": s[0], "temperature": s[1]}
            for s in sentences
        ]

    content: dict[str, Any] = {"format": 1, "kind": "experiment", "name": "simulation"}
    if conditioning:
        content["conditioning"] = {
            "steps": written(conditioning),
            "cycles": conditioning_cycles,
        }
    content |= {"steps": written(steps), "cycles": cycles}
    return Document(Path("simulation.yaml"), content, {(): 1})

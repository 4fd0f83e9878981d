"""What came of a case: every step with its outcome, every cycle audited."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..cell.cell import Cell
from ..experiment.steps import EndOfLife, Protocol, Step
from ..materials.laws import Array, Floats
from ..physics.lithium import NOTHING_LEFT
from ..physics.mesh import Depths
from ..physics.thin_film_cell import declared_by_options
from .impedance import Spectrum
from .trace import BALANCE_LIMIT, HOLD_LIMIT, Trace

REACHED = "reached"
TIME_LIMIT = "time limit"
SKIPPED = "skipped"
INFEASIBLE = "infeasible"
LITHIUM_EXHAUSTED = NOTHING_LEFT.outcome
SOLVER_FAILED = "solver failed"
AUDIT_BREACH = "audit breach"
ENDS = (end.outcome for end in declared_by_options()[1].ends)
OUTCOMES = (
    *dict.fromkeys((REACHED, TIME_LIMIT, SKIPPED, INFEASIBLE, *ENDS)),
    *(SOLVER_FAILED, AUDIT_BREACH),
)

THROUGHPUT, DISCHARGE = "Throughput capacity [A.h]", "Discharge capacity [A.h]"
MEAN = "Cathode mean stoichiometry"
SURFACE = "Cathode surface stoichiometry"
INTERFACE = "Interface resistance [Ohm.m2]"


@dataclass(frozen=True)
class NumericalError:
    """The error of a cycle, estimated from the same one at tighter settings.

    Parameters
    ----------
    charge, discharge : float
        Of the capacity, relative; NaN where there is none.
    voltage : float
        Root mean square over the steps that are not held at a voltage [V], at equal
        charge; at equal time where no charge passes. NaN if there is no such step.
    otherwise : tuple of str
        Steps that ended otherwise than at the tighter settings, in words.
    """

    charge: float
    discharge: float
    voltage: float
    otherwise: tuple[str, ...] = ()


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
    spectrum : Spectrum or None
        Of a step that measures the impedance.
    """

    step: Step
    outcome: str
    detail: str
    trace: Trace | None
    critical: float | None = None
    spectrum: Spectrum | None = None

    @cached_property
    def end(self) -> dict[str, float]:
        """What was observed last, by name; empty if nothing happened."""
        observed = self.trace.observed if self.trace else {}
        return {
            name: values.item(-1) if values.ndim == 1 else values[-1]
            for name, values in observed.items()
        }

    @property
    def charge(self) -> float:
        """Charge that went in [A.h]."""
        return (self._last(THROUGHPUT) - self._last(DISCHARGE)) / 2

    @property
    def discharge(self) -> float:
        """Charge that came out [A.h]."""
        return (self._last(THROUGHPUT) + self._last(DISCHARGE)) / 2

    @property
    def energy_out(self) -> float:
        """Energy that came out [W.h]."""
        return self._last("Discharge energy [W.h]")

    @property
    def energy_in(self) -> float:
        """Energy that went in [W.h]."""
        return self._last("Charge energy [W.h]")

    def _last(self, name: str) -> float:
        """Return what was observed last of one name; 0 if nothing was."""
        values = self.trace.observed.get(name) if self.trace else None
        if values is None:
            return 0.0
        return values.item(-1) if values.ndim == 1 else values[-1]


@dataclass(frozen=True)
class CycleRecord:
    """One cycle: its steps and its audit; its numerical error where asked for.

    ``check_up`` is None where a protocol has no check-ups; ``ended`` says why a cycle is
    the last, and ``lost`` has the charge [A.h] that each harm then costs, by its column.
    """

    number: int
    steps: tuple[StepRecord, ...]
    lithium_balance_error: float
    charge_balance_error: float
    numerical_error: NumericalError | None = None
    check_up: bool | None = None
    ended: str = ""
    lost: Mapping[str, float] = field(default_factory=dict)

    @property
    def charge(self) -> float:
        """Charge that went in [A.h]."""
        return sum(step.charge for step in self.steps)

    @property
    def discharge(self) -> float:
        """Charge that came out [A.h]."""
        return sum(step.discharge for step in self.steps)

    @property
    def energy_in(self) -> float:
        """Energy that went in [W.h]."""
        return sum(step.energy_in for step in self.steps)

    @property
    def energy_out(self) -> float:
        """Energy that came out [W.h]."""
        return sum(step.energy_out for step in self.steps)

    @property
    def resistance(self) -> Floats:
        """Of the cathode's interface when the last charging step ends [Ohm.m2]."""
        return self.when_charged(INTERFACE)

    def when_charged(self, variable: str) -> Floats:
        """Return a variable when the last charging step ends; NaN without one."""
        found = np.array(math.nan)
        for step in self.steps:
            value = step.end.get(variable, math.nan)
            found = np.where(step.charge > 0, value, found)
        return found if found.ndim else float(found)

    def end_of_life(self, until: EndOfLife, first: CycleRecord) -> str:
        """Say by what a cycle ends the life, of the first of its kind; "" if it lives."""
        values = [
            float(c.discharge if until.quantity == "capacity" else c.resistance)
            for c in (self, first)
        ]
        if not until.met(*values):
            return ""
        share = 100 * values[0] / values[1]
        return (
            f"cycling ended after cycle {self.number}: its {until.quantity} is "
            f"{share:.4g} % of that of cycle {first.number}, {100 * until.share:g} % was "
            "asked for"
        )

    @property
    def outcome(self) -> str | Array:
        """The first outcome that is not "reached", or an audit breach, or reached."""
        for record in self.steps:
            if record.outcome != REACHED:
                return record.outcome
        worst = np.maximum(self.lithium_balance_error, self.charge_balance_error)
        closed = worst <= BALANCE_LIMIT
        for trace in (record.trace for record in self.steps):
            closed = closed & (trace is None or trace.stray <= HOLD_LIMIT)
        found = np.where(closed, REACHED, AUDIT_BREACH)
        return found if found.ndim else str(found)


@dataclass(frozen=True)
class CaseRecord:
    """One cell through one protocol."""

    cell: Cell
    protocol: Protocol
    cycles: tuple[CycleRecord, ...]
    conditioning: tuple[CycleRecord, ...]
    depths: Depths
    warnings: tuple[str, ...] = field(default=())

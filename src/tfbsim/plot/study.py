"""What a result holds: steps, branches and runs, and what tells its cases apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..result.columns import COLUMNS, OPTIONAL_COLUMNS
from ..result.result import CaseResult, Result
from .style import CELL, key_label, missing, short_names, text

MOST_RUNS = 20_000  # cases looked at one by one
CONSTANT = 1e-6  # relative change of the current within a constant-current step

VOLTAGE, CURRENT = "Voltage [V]", "Current density [uA.cm-2]"
TIME, STEP = "Time [s]", "Step number"
MASS, AREAL = "Step capacity [mA.h.g-1]", "Step capacity [uA.h.cm-2]"


@dataclass(frozen=True)
class Step:
    """The curves of one step."""

    number: int
    curves: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.curves[name]

    @property
    def direction(self) -> int:
        """1 for a discharge, -1 for a charge, 0 for a rest."""
        if len(self[TIME]) < 2 or self[AREAL].max() <= 0:
            return 0
        return int(np.sign(np.trapezoid(self[CURRENT], self[TIME])))

    @property
    def constant_current(self) -> bool:
        current = self[CURRENT]
        return self.direction != 0 and np.ptp(current) <= CONSTANT * abs(current[0])


@dataclass
class Branch:
    """Consecutive steps in one direction, with the rests between them."""

    direction: int
    steps: list[Step] = field(default_factory=list)

    def capacity(self, name: str = MASS) -> np.ndarray:
        """Capacity from the start of the branch, continuous over its steps."""
        pieces, before = [], 0.0
        for step in self.steps:
            pieces.append(before + step[name])
            before = pieces[-1][-1]
        return np.concatenate(pieces)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.concatenate([step[name] for step in self.steps])


@dataclass
class Run:
    """One case as the figures see it."""

    case: CaseResult
    row: dict[str, Any]  # of the summary, in the last cycle
    data: dict[str, np.ndarray]
    cycles: list[int]  # in which anything was solved
    drawn: list[int]  # of which there are curves

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def last(self) -> int:
        return (self.drawn or self.cycles)[-1]

    @property
    def loading(self) -> float:
        """Loading [mg/cm2]; NaN if no charge was passed."""
        for row in self.case.rows:
            for word in ("Discharge", "Charge"):
                mass = row[f"{word} capacity [mA.h.g-1]"]
                if mass > 0:
                    return float(row[f"{word} capacity [uA.h.cm-2]"] / mass)
        return float("nan")

    @property
    def thickness(self) -> float:
        """Thickness of the cathode [um]."""
        return float(self.case.curves["Cathode thickness [um]"])

    def steps(self, cycle: int) -> list[Step]:
        """The steps of a cycle that were solved."""
        if cycle not in self.drawn:
            return []
        i = list(self.case.curves["cycle"].values).index(cycle)
        number = self.data[STEP][i]
        return [
            Step(int(k), {n: v[i][number == k] for n, v in self.data.items()})
            for k in np.unique(number[np.isfinite(number)])
        ]

    def branches(self, cycle: int) -> list[Branch]:
        """Charges and discharges of a cycle; a rest at their end is left out."""
        found: list[Branch] = []
        rests: list[Step] = []
        for step in self.steps(cycle):
            if step.direction == 0:
                rests.append(step)
                continue
            if not found or found[-1].direction != step.direction:
                found.append(Branch(step.direction))
                rests = []
            found[-1].steps += [*rests, step]
            rests = []
        return found

    def last_step(self) -> tuple[int, Step] | None:
        """Cycle and step of the last discharge, or of the last charge if none."""
        for wanted in (1, -1):
            for cycle in reversed(self.drawn):
                for step in reversed(self.steps(cycle)):
                    if step.direction == wanted:
                        return cycle, step
        return None


def _run(case: CaseResult) -> Run | None:
    data = {
        str(name): np.asarray(variable.values, float)
        for name, variable in case.curves.variables.items()
        if variable.dims == ("cycle", "sample")
    }
    drawn: list[int] = []
    if VOLTAGE in data:
        solved = np.isfinite(data[VOLTAGE]).any(axis=1)
        drawn = [int(c) for c in case.curves["cycle"].values[solved]]
    passed = {int(r["Cycle number"]) for r in case.rows if _passed(r)}
    cycles = sorted(passed | set(drawn))
    if not cycles:
        return None
    row = next(r for r in case.rows if int(r["Cycle number"]) == cycles[-1])
    return Run(case, dict(row), data, cycles, drawn)


def _passed(row: Mapping[str, Any]) -> bool:
    return any(row[f"{w} capacity [uA.h.cm-2]"] > 0 for w in ("Charge", "Discharge"))


class Study:
    """The cases of a result and what tells them apart, the cell before all else."""

    def __init__(self, result: Result) -> None:
        self.result = result
        many = len(result.cases) > MOST_RUNS
        cases = result.drawn if many else result.cases
        self.cases = [run for case in cases if (run := _run(case))]
        cells = list(dict.fromkeys(run.case.cell for run in self.cases))
        if len(cells) > 1:
            short = dict(zip(cells, short_names(cells), strict=True))
            for run in self.cases:
                run.row[CELL] = short[run.case.cell]
        self.factors = self._factors() if self.cases else []

    def _factors(self) -> list[str]:
        """Columns in which cases of one cell differ, without those that repeat another;
        the cell before them if there are several."""
        table = pd.DataFrame([run.row for run in self.cases])
        found = [CELL] if CELL in table else []
        cell = pd.factorize(np.array([run.case.cell for run in self.cases]))[0]
        codes = [cell]
        fixed = ("Case", "Cycle number", CELL, *COLUMNS)
        varied = [c for c in table if c not in fixed]
        for column in (*varied, *(c for c in OPTIONAL_COLUMNS if c in table)):
            code = pd.factorize(table[column], use_na_sentinel=False)[0]
            code = pd.factorize(cell * (code.max() + 1) + code)[0]
            if any(np.array_equal(code, c) for c in codes):
                continue
            if column == "Charge C-rate" and "C-rate" in found:
                same = table[column].isna() | (table[column] == table["C-rate"])
                if same.all():
                    continue
            found.append(str(column))
            codes.append(code)
        return found

    @property
    def labels(self) -> list[str]:
        """A label for each case: its name, or with several cells what tells it apart."""
        told = [key_label(self.factors, self.key(run)) for run in self.cases]
        if CELL in self.factors and len(set(told)) == len(told):
            return told
        return [text(run.name) for run in self.cases]

    def column(self, name: str) -> list[Any]:
        """The values of a summary column there are."""
        values = (run.row.get(name) for run in self.cases)
        return [v for v in values if not missing(v)]

    def is_numeric(self, name: str) -> bool:
        return all(isinstance(v, int | float) for v in self.column(name))

    @property
    def numeric_factors(self) -> list[str]:
        """Factors with three numbers or more."""
        return [
            name
            for name in self.factors
            if name != "Charge C-rate" and self.is_numeric(name)
            if len(set(self.column(name))) >= 3
        ]

    def key(self, run: Run, without: str = "") -> tuple[Any, ...]:
        """Values of the other factors; the rate a fixed current implies is not one."""
        currents = [c for c in self.factors if c.endswith("[uA.cm-2]")]
        rates = ("C-rate", "Charge C-rate")
        dropped = {without}
        if without in rates:
            dropped |= {*rates, *currents}
        elif any(not missing(run.row.get(c)) for c in currents):
            dropped |= set(rates)
        values = (None if f in dropped else run.row.get(f) for f in self.factors)
        return tuple(None if missing(v) else v for v in values)

    @property
    def loading(self) -> float | None:
        """The loading [mg/cm2] the cases share, if they do."""
        values = np.array([run.loading for run in self.cases])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) > 1e-6 * values[0]:
            return None
        return float(values[0])

    def points(self, run: Run) -> Iterator[tuple[str, int, str, float, float]]:
        """Measured: Charge or Discharge, cycle, status, mAh/g and uAh/cm2."""
        for point in self.result.measured:
            if point["Case"] != run.name or "capacity" not in point["Quantity"]:
                continue
            value, loading = float(point["Measured"]), run.loading
            mass = value if "g-1" in point["Quantity"] else value / loading
            which = point["Quantity"].split()[0]
            status, cycle = point["Status"], int(point["Cycle number"])
            yield which, cycle, status, mass, mass * loading

    @property
    def measured_by_area(self) -> bool:
        """Whether the measured values are areal."""
        return any("cm-2]" in p["Quantity"] for p in self.result.measured)

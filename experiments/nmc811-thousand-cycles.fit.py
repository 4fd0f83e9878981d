"""The rates of nmc811-thousand-cycles.yaml, fitted case by case.

Each case is fitted to what it can explain of three published numbers: the discharge of
cycle 904, and the mean coulombic efficiency from the third cycle on, over 1000 cycles.

    python nmc811-thousand-cycles.fit.py             # every case
    python nmc811-thousand-cycles.fit.py leakage     # one

So many numbers as rates: the residuals are brought to nothing, by the secant of each
logarithm.  An interval is that of 0.5 % of the discharge and 0.05 % of the efficiency,
twice, through the slope there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tfbsim import units
from tfbsim.experiment.cases import Case, expand
from tfbsim.experiment.curves import NO_CURVES
from tfbsim.solver.cycler import run_case

CASES = expand(str(Path(__file__).with_name("nmc811-thousand-cycles.yaml")))
LIFE, EFFICIENCY = "discharge of cycle 904", "mean efficiency"
MEASURED = {LIFE: 119.2, EFFICIENCY: 98.79}  # mAh/g, %
ERROR = {LIFE: 0.005 * 119.2, EFFICIENCY: 0.05}
ENOUGH = 0.05  # of the errors, that is off at the end
RATES = {  # what each of the two is explained by
    LIFE: (
        "ageing.lithium_consumption.current",
        "ageing.interphase_with_time.growth",
        "ageing.interphase_by_oxidation.rate",
        "ageing.site_loss_by_reduction.rate",
        "ageing.site_loss_by_oxidation.rate",
    ),
    EFFICIENCY: (
        "electrolyte.electronic_conductivity",
        "ageing.electrolyte_oxidation.current",
    ),
}


def rates_of(case: Case) -> dict[str, str]:
    """Return which rates a case has, by what they explain."""
    had = tuple(case.values)
    return {
        datum: path
        for datum, paths in RATES.items()
        for path in paths
        if any(path == name or path.startswith(f"{name}.") for name in had)
    }


def simulated(case: Case, rates: dict[str, float]) -> dict[str, float]:
    """Return what a case gives with some rates [SI]."""
    cell = case.cell.replace(rates)
    cycles = run_case(cell, case.protocol, CASES.experiment.numerics.applied(),
                      curves=NO_CURVES).cycles  # fmt: skip
    efficiency = [c.discharge / c.charge for c in cycles[2:] if c.charge]
    per_gram = 1 / (float(cell.area) * cell.loading)
    return {
        LIFE: cycles[min(903, len(cycles) - 1)].discharge * per_gram,
        EFFICIENCY: 100 * float(np.mean(efficiency)),
    }


def fitted(case: Case) -> None:
    """Fit the rates of a case, and print them as a file has them."""
    paths = rates_of(case)
    x = np.log([case.cell.number(path)[0] for path in paths.values()])

    def residuals(x: np.ndarray) -> np.ndarray:
        values = dict(zip(paths.values(), np.exp(x), strict=True))
        found = simulated(case, {k: float(v) for k, v in values.items()})
        print(f"  {case.name}: {values} {found}", flush=True)
        return np.array([(found[d] - MEASURED[d]) / ERROR[d] for d in paths])

    r = residuals(x)
    step = 0.05
    J = np.empty((len(x), len(x)))
    for k in range(len(x)):
        J[:, k] = (residuals(x + step * np.eye(len(x))[k]) - r) / step
    for _ in range(6):
        dx = np.clip(np.linalg.solve(J, -r), -0.7, 0.7)
        new = residuals(x + dx)
        J += np.outer(new - r - J @ dx, dx) / (dx @ dx)  # Broyden
        x, r = x + dx, new
        if np.abs(r).max() < ENOUGH:
            break
    width = 2 * np.sqrt(np.diag(np.linalg.inv(J.T @ J)))
    for path, value, w in zip(paths.values(), np.exp(x), width, strict=True):
        dimension = case.cell.number(path)[1]
        ends = (units.text(v, dimension, 4) for v in value * np.exp([-w, w]))
        off = f"off by {np.abs(r).max():.2g} errors"
        print(f"{case.name}: {path} {units.text(value, dimension, 4)} [{', '.join(ends)}]"
              f" {off}", flush=True)  # fmt: skip


def main() -> None:
    for case in CASES.cases:
        if case.name in (sys.argv[1:] or [case.name]) and rates_of(case):
            fitted(case)


if __name__ == "__main__":
    main()

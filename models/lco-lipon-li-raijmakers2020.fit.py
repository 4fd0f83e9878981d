"""How the one fitted value of lco-lipon-li-raijmakers2020.yaml came about.

``cathode.diffusivity_scale`` multiplies the published D(x).  It is fitted to the four
measured end capacities (0.1, 0.5, 2, 6C to 3.0 V, each after the paper's CC-CV charge)
by least squares on their relative errors; everything else stays as published.

    python lco-lipon-li-raijmakers2020.fit.py            # prints value and residuals
    python lco-lipon-li-raijmakers2020.fit.py --shipped  # the same for the value shipped
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.experiment.steps import Protocol, parse_cycle
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load_csv

HERE = Path(__file__).resolve().parent
NAME = "lco-lipon-li-raijmakers2020"
MEASURED = HERE / "lco-lipon-li-raijmakers2020.rate_capability.csv"
CONDITIONING = ("Charge at 1C until 4.2 V", "Hold at 4.2 V until C/10")


def discharge(cell: Cell, rate: float) -> tuple[float, str]:
    """Charge [mAh/cm2] of a discharge to 3.0 V, and the solver's note."""
    steps = parse_cycle([f"Discharge at {rate:g}C until 3.0 V"], cell)
    protocol = Protocol(steps, conditioning=parse_cycle(CONDITIONING, cell))
    run = run_case(cell, protocol)
    records = [*run.conditioning[0].steps, *run.cycles[0].steps]
    for record in records:
        if record.trace is None or record.outcome != "reached":
            raise RuntimeError(f"{record.step.text}: {record.outcome} {record.detail}")
    observed = records[-1].trace.observed
    charge = observed["Discharge capacity [A.h]"] * 1e3 / (float(cell.area) * 1e4)
    note = "; ".join(record.detail for record in records if record.detail)
    return float(charge[-1]), note


def residuals(scale: np.ndarray, cell: Cell) -> np.ndarray:
    """Relative errors of the end capacities at a scale on D."""
    rates, capacity, _ = load_csv(MEASURED, 3)
    scaled = cell.replace({"cathode.diffusivity_scale": float(scale[0])})
    found = np.array([discharge(scaled, rate)[0] for rate in rates])
    return found / capacity - 1


def report(cell: Cell, scale: float) -> None:
    """Print residuals and solver notes."""
    rates = load_csv(MEASURED, 3)[0]
    print("end capacity, model - measured")
    for label, value in (("published D", 1.0), (f"D x {scale:g}", scale)):
        each = ", ".join(
            f"{100 * e:+.2f} % at {rate:g}C"
            for e, rate in zip(residuals(np.array([value]), cell), rates, strict=True)
        )
        print(f"  {label}: {each}")
    scaled = cell.replace({"cathode.diffusivity_scale": scale})
    for rate in rates:
        note = discharge(scaled, rate)[1]
        if note:
            print(f"  {rate:g}C: {note}")


def main(arguments: list[str]) -> None:
    """Fit and print, or print for the value shipped."""
    cell = load_cell(HERE / f"{NAME}.yaml")
    if "--shipped" in arguments:
        report(cell, float(cell.cathode.diffusivity_scale))
        return
    fit = least_squares(residuals, [1.0], args=(cell,), diff_step=1e-2, xtol=1e-6)
    print(f"cathode.diffusivity_scale: {fit.x[0]:.4f} ({fit.nfev} evaluations)")
    report(cell, round(float(fit.x[0]), 3))


if __name__ == "__main__":
    main(sys.argv[1:])

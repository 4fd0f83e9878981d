"""Which law of D fits the capacities of Aribia et al. better, parameter for parameter.

Each law is fitted with the utilisation u_A to the four capacities that
nmc811-lipon-li.yaml is fitted to, two and three parameters against two and three:

    constant D, u_A                  D_0 (1 - theta) Theta, u_A
    D up to x = 1.5 and at 2, u_A    D_0 (1 - theta) Theta, D_0 up to 1.5 and at 2, u_A

    python nmc811-lipon-li.laws.fit.py

U(x), i_0 (through u_A) and all else as shipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.experiment.steps import Protocol, parse_cycle
from tfbsim.materials.laws import Constant, Law, Table
from tfbsim.materials.transport import SelfDiffusion
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load

HERE = Path(__file__).resolve().parent
TARGETS = load(HERE / "nmc811-lipon-li.measured.yml").data["capacity"]
SHIPPED = load_cell(HERE / "nmc811-lipon-li.yaml")
NODES = (0.0, 1.5, 2.0)
COARSE = Numerics(points=100, rtol=1e-5, atol=1e-7)  # 0.02 % of a capacity


def bent(values: np.ndarray) -> Law:
    """D up to x = 1.5 and at 2, log10 D falling smoothly between."""
    first, last = (float(10.0**v) for v in values)
    return Table(NODES, (first, first, last), logarithmic=True)


LAWS: dict[str, tuple[Callable[[np.ndarray], object], list[float]]] = {
    "constant D": (lambda v: Constant(float(10.0 ** v[0])), [-16.0]),
    "D_0 (1 - theta) Theta": (
        lambda v: SelfDiffusion(Constant(float(10.0 ** v[0]))),
        [-16.5],
    ),
    "D up to x = 1.5 and at 2": (bent, [-15.5, -17.5]),
    "the factor, D_0 up to x = 1.5 and at 2": (
        lambda v: SelfDiffusion(bent(v)),
        [-16.5, -16.5],
    ),
}


def changed(law: object, u_A: float) -> Cell:
    """The cell with another D(x) and u_A, the charge-transfer resistance as it was."""
    c = SHIPPED.cathode
    return SHIPPED.replace(
        {
            "cathode.diffusivity": law,
            "cathode.utilisation": u_A,
            "cathode.exchange_current": c.exchange_current * c.utilisation / u_A,
        }
    )


def errors(cell: Cell) -> np.ndarray:
    """Model over measured capacity, less 1."""
    found = []
    for target in TARGETS:
        low, high = target["window"]
        steps = [
            f"Charge at {target['rate']} until {high} V",
            f"Discharge at {target['rate']} until {low} V",
        ]
        protocol = Protocol(parse_cycle(steps, cell), target["cycle"])
        last = run_case(cell, protocol, COARSE).cycles[-1]
        Ah = last.charge if target["step"] == "charge" else last.discharge
        found.append(Ah / (cell.loading * float(cell.area)) / target["value"] - 1)
    return np.array(found)


def main() -> None:
    names = [f"{t['rate']} {t['step']}" for t in TARGETS]
    print(f"{'':42s} {'rms %':>6}  {'   '.join(names)}")
    for name, (law, start) in LAWS.items():
        fit = least_squares(
            lambda v, law=law: errors(changed(law(v[:-1]), float(v[-1]))) / 0.05,
            [*start, 0.78],
            bounds=([*(-20.0 for _ in start), 0.5], [*(-13.0 for _ in start), 1.0]),
            x_scale=[*(0.3 for _ in start), 0.03],
            diff_step=[*(2e-3 for _ in start), 5e-3],
            xtol=1e-4,
            max_nfev=20,
        )
        residual = 100 * errors(changed(law(fit.x[:-1]), float(fit.x[-1])))
        rms = float(np.sqrt(np.mean(residual**2)))
        values = ", ".join(f"{10.0**v:.2e} m2/s" for v in fit.x[:-1])
        print(f"{name:42s} {rms:6.2f}  " + "   ".join(f"{r:+11.2f}" for r in residual))
        print(f"    {values}; u_A = {fit.x[-1]:.3f}; {len(fit.x)} parameters", flush=True)


if __name__ == "__main__":
    main()

"""How nmc811-lipon-li.yaml and the library's NMC811 came about.

Stage 1, U(x).  The open-circuit potential of the first lithium is the multi-site law,
fitted to the OCP of NMC811 measured by Chen et al., J. Electrochem. Soc. 167 (2020)
080534, 3.57-4.29 V, as PyBaMM ships it: four sites, (U_j, X_j, omega_j) each.  Assumed:
one more site above that range, a broad background, and that the first lithium ends at
x = 1.  The second lithium: two equal sites at the potentials where Aribia et al.,
Adv. Energy Mater. 12 (2022) 2201750, see peaks of dQ/dV.

Stage 2, transport.  Three numbers are fitted to the four capacities of Aribia et al.: D
up to x = 1.5, D at x = 2 (log10 D falls smoothly between) and the utilisation u_A.  D
bends where the second site of the second lithium begins to fill; as a fourth parameter
the bend goes to x = 1.51.  i_0 follows in closed form from the charge-transfer resistance
R_ct at 4 V: i_0 = R T/(F R_ct u_A) there.  Peaks and windows are predictions.

    python nmc811-lipon-li.fit.py            # fits, prints the values and all residuals
    python nmc811-lipon-li.fit.py --shipped  # residuals of the values shipped, no fit
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.experiment.steps import Protocol, parse_cycle
from tfbsim.materials.laws import FARADAY, GAS_CONSTANT, MultiSite, Table
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import StepRecord
from tfbsim.yaml_file import load

HERE = Path(__file__).resolve().parent
CELL = HERE / "nmc811-lipon-li.yaml"
MEASURED = load(HERE / "nmc811-lipon-li.measured.yml").data
CHEN2020 = "input/parameters/lithium_ion/data/nmc_LGM50_ocp_Chen2020.csv"

# --- Stage 1: what is not fitted: (U_j [V], X_j, omega_j) ---
FIRST_LITHIUM = 0.99  # its five sites together; half the background makes it 1 at 2.7 V
HIGH_VOLTAGE = (4.75, 4.0)  # U_j, omega_j; it holds what the fitted sites leave
BACKGROUND = (2.80, 0.02, 15.0)
SECOND_LITHIUM = tuple((U, 0.495, 1.0) for U in MEASURED["peaks"])

SITES_START = np.array(
    [[3.62, 3.75, 4.05, 4.19], [0.2, 0.2, 0.2, 0.1], [1.5, 1.5, 1.5, 0.5]]
)
SITES_LOWER = np.repeat([[3.3], [0.01], [0.1]], 4, axis=1)
SITES_UPPER = np.repeat([[4.5], [0.8], [6.0]], 4, axis=1)

# --- Stage 2: log10 D [m2/s] up to x = 1.5 and at x = 2, and u_A ---
D_NODES = (0.0, 1.5, 2.0)
TRANSPORT_START = np.array([-15.5, -17.5, 0.77])
TRANSPORT_LOWER = np.array([-17.0, -20.0, 0.5])
TRANSPORT_UPPER = np.array([-13.0, -14.0, 1.0])
TRANSPORT_STEP = np.array([1e-3, 1e-3, 5e-3])  # relative, for derivatives
CAPACITY_SPREAD = 0.05  # relative: what a capacity is taken to be uncertain by


def measured_ocv() -> tuple[np.ndarray, np.ndarray]:
    """x, U [V] of Chen et al.; first and last rows there are extrapolations."""
    table = np.loadtxt(str(files("pybamm").joinpath(CHEN2020)), delimiter=",")
    return table[1:-1, 0], table[1:-1, 1]


def multi_site(values: np.ndarray) -> MultiSite:
    """The law with the fitted sites (U_j, X_j, omega_j in rows of four) in place."""
    U, X, omega = np.round(values.reshape(3, 4), 9)
    top = (HIGH_VOLTAGE[0], float(FIRST_LITHIUM - X.sum()), HIGH_VOLTAGE[1])
    rows = (*zip(U, X, omega, strict=True), top, BACKGROUND, *SECOND_LITHIUM)
    return MultiSite(
        *(tuple(float(v) for v in column) for column in zip(*rows, strict=True))
    )


def potential(law: MultiSite, x: Any) -> Any:
    """U(x) [V] of the first lithium, by inverting x(U) on a 0.5 mV grid."""
    U = np.arange(5.2, 3.0, -0.0005)
    return np.interp(x, law.stoichiometry(U), U)


def ocv_residuals(values: np.ndarray) -> np.ndarray:
    """Model less measured U [mV]."""
    x, U = measured_ocv()
    return 1e3 * (potential(multi_site(values), x) - U)


def fit_potential() -> MultiSite:
    """Stage 1; the values rounded as shipped."""
    fit = least_squares(
        ocv_residuals,
        SITES_START.ravel(),
        bounds=(SITES_LOWER.ravel(), SITES_UPPER.ravel()),
        x_scale=np.repeat([0.05, 0.05, 0.5], 4),
    )
    values = fit.x.reshape(3, 4).copy()
    values[:2] = values[:2].round(4)
    values[2] = values[2].round(3)
    law = multi_site(values.ravel())
    return MultiSite(law.U, tuple(round(X, 4) for X in law.X), law.omega)


def exchange_current(law: MultiSite, u_A: float, T: float) -> tuple[float, float]:
    """i_0 [A/m2] and the x it holds at, from the charge-transfer resistance at 4 V."""
    R = 1e-4 * MEASURED["charge_transfer_resistance"]
    i_0 = GAS_CONSTANT * T / (FARADAY * R * u_A)
    return float(f"{i_0:.4g}"), round(float(law.stoichiometry(4.0)), 4)


def with_values(cell: Cell, law: MultiSite, D: Any, u_A: float) -> Cell:
    """The cell with U(x), D up to x = 1.5 and at 2, u_A and the i_0 that follows."""
    i_0, x = exchange_current(law, u_A, float(cell.temperature))
    return cell.replace(
        {
            "cathode.open_circuit_potential": law,
            "cathode.diffusivity": Table(
                D_NODES, (float(D[0]), float(D[0]), float(D[1])), logarithmic=True
            ),
            "cathode.exchange_current": i_0,
            "cathode.exchange_current_stoichiometry": x,
            "cathode.utilisation": u_A,
        }
    )


def cycled(
    cell: Cell,
    rate: str,
    window: tuple[float, float],
    cycles: int,
) -> dict[str, StepRecord]:
    """Charge and discharge of the last of some cycles, every step of them reached."""
    low, high = window
    steps = [f"Charge at {rate} until {high} V", f"Discharge at {rate} until {low} V"]
    record = run_case(cell, Protocol(parse_cycle(steps, cell), cycles))
    for step in (s for c in record.cycles for s in c.steps):
        if step.outcome != "reached" or step.detail:
            print(f"  ! {step.step.text}: {step.outcome} {step.detail}")
    return dict(zip(("charge", "discharge"), record.cycles[-1].steps, strict=True))


def curve(cell: Cell, record: StepRecord) -> tuple[np.ndarray, np.ndarray]:
    """Charge passed [mAh per g of film] and voltage [V] of a step."""
    if record.trace is None:
        raise RuntimeError(f"{record.step.text}: {record.outcome} {record.detail}")
    Ah = np.abs(record.trace.observed["Discharge capacity [A.h]"])
    return Ah / (cell.loading * float(cell.area)), record.trace.observed["Voltage [V]"]


def capacity(cell: Cell, record: StepRecord) -> float:
    """mAh per g of film."""
    return float(curve(cell, record)[0][-1])


def capacity_errors(cell: Cell) -> np.ndarray:
    """Model over measured capacity, less 1, in the order of the measured file."""
    errors = []
    for target in MEASURED["capacity"]:
        steps = cycled(cell, target["rate"], target["window"], target["cycle"])
        errors.append(capacity(cell, steps[target["step"]]) / target["value"] - 1)
    return np.array(errors)


def fit_transport(cell: Cell, law: MultiSite) -> tuple[np.ndarray, float, np.ndarray]:
    """Stage 2: D [m2/s] up to x = 1.5 and at 2, u_A, and their standard deviations."""

    def residuals(values: np.ndarray) -> np.ndarray:
        changed = with_values(cell, law, 10.0 ** values[:2], float(values[2]))
        return capacity_errors(changed) / CAPACITY_SPREAD

    fit = least_squares(
        residuals,
        TRANSPORT_START,
        bounds=(TRANSPORT_LOWER, TRANSPORT_UPPER),
        x_scale=np.array([0.3, 0.3, 0.03]),
        diff_step=TRANSPORT_STEP,
        xtol=1e-5,
        max_nfev=30,
    )
    deviation = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)))
    D = np.array([float(f"{value:.2e}") for value in 10.0 ** fit.x[:2]])
    return D, round(float(fit.x[2]), 3), deviation


def peaks(cell: Cell, record: StepRecord) -> list[float]:
    """Voltages of the maxima of dQ/dV, over 10 mV, within 0.15 V of the measured."""
    Q, V = curve(cell, record)
    V, first = np.unique(V, return_index=True)
    charge = PchipInterpolator(V, Q[first])
    found = []
    for U in MEASURED["peaks"]:
        grid = np.arange(max(U - 0.15, V[0] + 0.005), U + 0.15, 0.001)
        slope = charge(grid - 0.005) - charge(grid + 0.005)
        found.append(float(grid[np.argmax(slope)]))
    return found


def report(cell: Cell) -> None:
    """Print residuals and predictions of a cell."""
    law = cell.cathode.open_circuit_potential
    x, U = measured_ocv()
    apart = 1e3 * (potential(law, x) - U)
    rms, worst = np.sqrt(np.mean(apart**2)), np.max(np.abs(apart))
    print(
        f"\nU(x), {U.min():.2f}-{U.max():.2f} V: {rms:.2f} mV rms, {worst:.2f} mV at most"
    )
    print("capacity, model against measured (fitted)")
    for target, error in zip(MEASURED["capacity"], capacity_errors(cell), strict=True):
        print(
            f"  {target['rate']:>4} {target['window']} V, {target['step']} of cycle "
            f"{target['cycle']}: {target['value']} mAh/g, {100 * error:+.2f} %"
        )
    record = cycled(cell, "C/10", (1.5, 4.7), 1)["discharge"]
    print("dQ/dV peaks of the discharge at C/10, model - measured (not fitted)")
    for found, U_peak in zip(peaks(cell, record), MEASURED["peaks"], strict=True):
        print(f"  {U_peak} V: {1e3 * (found - U_peak):+.0f} mV")
    T, c = float(cell.temperature), cell.cathode
    theta = np.array([float(law.stoichiometry(4.0)), c.exchange_current_stoichiometry])
    theta /= c.x_max
    i_0 = c.exchange_current * np.sqrt(np.divide(*(theta * (1 - theta))))
    R = 1e4 * GAS_CONSTANT * T / (FARADAY * i_0 * c.utilisation)
    print(f"charge transfer at 4 V, RT/(F i_0)/u_A: {R:.1f} ohm cm2 (of i_0 alone)")

    print("predicted, third cycle [mAh/g]")
    for group in MEASURED["not_printed"]:
        for window in group["windows"]:
            steps = cycled(cell, group["rate"], window, 3)
            charge, discharge = (capacity(cell, s) for s in steps.values())
            print(
                f"  {group['rate']:>4} {window} V: discharge {discharge:6.1f}, "
                f"charge {charge:6.1f}"
            )


def main(arguments: list[str]) -> None:
    """Fit and print, or print what is shipped."""
    shipped = load_cell(CELL)
    if "--shipped" in arguments:
        report(shipped)
        return
    law = fit_potential()
    print("sites: U_j [V], X_j, omega_j")
    for U, X, omega in zip(law.U, law.X, law.omega, strict=True):
        print(f"  {U:.4f}  {X:.4f}  {omega:.3f}")
    print(f"  sum of sites {law.x_max:.4f}")
    D, u_A, deviation = fit_transport(shipped, law)
    i_0, x = exchange_current(law, u_A, float(shipped.temperature))
    spread = f"for +-{100 * CAPACITY_SPREAD:g} % of each capacity"
    print(f"D [m2/s] up to x = 1.5 and at 2: {', '.join(f'{d:.2e}' for d in D)}")
    print(f"  +- {', '.join(f'{d:.2f}' for d in deviation[:2])} in log10, {spread}")
    print(f"u_A: {u_A:.3f} +- {deviation[2]:.3f} {spread}")
    print(f"i_0: {i_0 / 10:.5g} mA/cm2 at x = {x:.4f}")
    fitted = with_values(shipped, law, D, u_A)
    same = fitted.structure == shipped.structure and fitted.parameters() == (
        shipped.parameters()
    )
    print(f"as shipped: {'yes' if same else 'no'}")
    report(fitted)


if __name__ == "__main__":
    main(sys.argv[1:])

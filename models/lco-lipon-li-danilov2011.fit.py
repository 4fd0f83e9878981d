"""How lco-lipon-li-danilov2011.yaml came about: its U(x) table and its fitted values.

U(x).  The EMF measured by Danilov et al. (2011) at charges Q, x = 0.5 + 0.5 Q/Q_FULL.
Between the sparse points up to 8 uAh/cm2 the shape is the rational function of Fabre et
al., J. Electrochem. Soc. 159 (2012) A104, plus a correction that makes it pass through
them (-94 mV at x = 0.5, +12 mV at 0.89).  Above, a monotone interpolation x(U) of the
points alone; past 3.0 V the steep end goes on, 0.2 V in ever less charge, to x = 1 at
2.4 V.
Below x = 0.5 it goes on straight to 0.45, so that a charge to 4.2 V stays on the table.

Fitted, by least squares to the discharges at 1.6, 6.4 and 25.6C: D at x = 1 and one
series resistance.  Capacities first: a residual of 1 is 0.2 % of a capacity, 3 mV of a
voltage.  Rates of 3.2, 12.8 and 51.2C are predictions.

D(x) = 10^(quadratic in x), level at x = 0.5 and falling from there as it does in the
film of Raijmakers et al., Electrochim. Acta 330 (2020) 135147, whose value it takes at
x = 0.5: the discharges only say that D is much larger there than at x = 1 (free, it runs
to 1e-12 m2/s).  i_0 stays as derived from the paper: fitted with the rest it is uncertain
by a factor of ten or more, because a series resistance does the same to these curves.

    python lco-lipon-li-danilov2011.fit.py            # prints values and residuals
    python lco-lipon-li-danilov2011.fit.py --shipped  # the same for the values shipped
    python lco-lipon-li-danilov2011.fit.py --table    # writes the U(x) table
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.experiment.steps import Protocol, parse_cycle
from tfbsim.materials import laws, library
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load_csv

HERE = Path(__file__).resolve().parent
NAME = "lco-lipon-li-danilov2011"
LCO = library("cathode")["LCO"].fields["open_circuit_potential"]
TABLE = HERE / f"{NAME}.ocv.csv"

Q_FULL = 10.157  # uAh/cm2 from x = 0.5 to x = 1
Q_SHAPED = 8.0  # uAh/cm2 up to which the shape between points is Fabre's
# Steep end past 3.0 V, spacings shrinking as they do above it (by 0.83 each 0.2 V)
STEEP_END = ((10.131, 2.8), (10.145, 2.6), (Q_FULL, 2.4))
STEEP_NODES = np.concatenate(
    [np.arange(3.89, 3.805, -0.01), np.arange(3.75, 2.405, -0.05)]
)

FITTED_RATES = (1.6, 6.4, 25.6)
PREDICTED_RATES = (3.2, 12.8, 51.2)
VOLTAGE_RATES = (1.6, 6.4)  # rates with measured voltages
LAST_FITTED_CHARGE = 8.0  # uAh/cm2; beyond, voltages are compared only
PLATEAU = np.linspace(2.0, 6.0, 41)  # uAh/cm2

CAPACITY_SCALE = 0.002  # relative; the residual that counts as 1
VOLTAGE_SCALE = 0.003  # V

LOG_D_HALF = np.log10(7.9e-14 * 1.614)  # log10 D [m2/s] at x = 0.5, Raijmakers et al.
# Fitted: log10 of the series resistance [ohm m2], log10 of D [m2/s] at x = 1
START = np.array([-1.7, -14.4])
LOWER = np.array([-3.0, -16.0])
UPPER = np.array([-1.3, LOG_D_HALF])

Values = np.ndarray


def measured(part: str, columns: int) -> tuple[np.ndarray, ...]:
    """Columns of a measured table of this cell."""
    return load_csv(HERE / f"{NAME}.{part}.csv", columns)


def stoichiometry(charge: Any) -> Any:
    """x after a charge [uAh/cm2] from the charged state."""
    return 0.5 + 0.5 * charge / Q_FULL


def open_circuit_potential() -> tuple[np.ndarray, np.ndarray]:
    """Nodes x, U [V] of the table shipped."""
    charge, emf = measured("emf", 2)
    x, shaped = stoichiometry(charge), charge <= Q_SHAPED
    correction = PchipInterpolator(
        x[shaped], emf[shaped] - LCO(x[shaped]), extrapolate=False
    )
    # Inner nodes 0.0125 apart; the measured points themselves are nodes
    inner = np.arange(0.5, x[shaped][-1] - 0.006, 0.0125)
    inner = inner[np.min(np.abs(inner[:, None] - x), axis=1) > 0.004]
    nodes = np.concatenate([x[shaped], inner])
    order = np.argsort(nodes)
    low_x, low_U = nodes[order], (LCO(nodes) + correction(nodes))[order]

    # From the last shaped point on, x(U): the steep end is a well-behaved function of U
    charge = np.concatenate([charge[~shaped], np.array(STEEP_END)[:, 0]])
    emf = np.concatenate([emf[~shaped], np.array(STEEP_END)[:, 1]])
    points_U = np.concatenate([low_U[-1:], emf])[::-1]
    points_x = np.concatenate([low_x[-1:], stoichiometry(charge)])[::-1]
    high_U = np.unique(np.concatenate([emf, STEEP_NODES]).round(4))[::-1]
    high_x = PchipInterpolator(points_U, points_x)(high_U)

    slope = (low_U[1] - low_U[0]) / (low_x[1] - low_x[0])
    below = np.array([0.45, 0.475])
    return (
        np.concatenate([below, low_x, high_x]),
        np.concatenate([low_U[0] + slope * (below - low_x[0]), low_U, high_U]),
    )


def table_text() -> str:
    """The U(x) table as shipped."""
    head = (
        "# U(x) of the LiCoO2 film of Danilov et al. (2011), 25 degC, built by\n"
        "# lco-lipon-li-danilov2011.fit.py from lco-lipon-li-danilov2011.emf.csv;\n"
        "# between x = 0.50 and 0.89 the shape of Fabre et al., J. Electrochem. Soc.\n"
        "# 159 (2012) A104; below 0.5 and under 3.0 V continued (assumed).\n"
        "x_in_LixCoO2,U_V\n"
    )
    rows = zip(*open_circuit_potential(), strict=True)
    return head + "".join(f"{x:.6f},{U:.4f}\n" for x, U in rows)


def polynomial(values: Values) -> tuple[float, float, float]:
    """Coefficients of log10 D [m2/s] in rising powers of x: level at x = 0.5."""
    fall = float(values[1]) - LOG_D_HALF  # times (2 x - 1)^2
    return (LOG_D_HALF + fall, -4 * fall, 4 * fall)


def with_values(cell: Cell, values: Values) -> Cell:
    """The cell with fitted values in place."""
    return cell.replace(
        {
            "contact_resistance": 10.0 ** float(values[0]),
            "cathode.diffusivity": laws.LogPolynomial(polynomial(values)),
        }
    )


def discharge(cell: Cell, rate: float) -> tuple[np.ndarray, np.ndarray, str]:
    """Charge [uAh/cm2] and voltage [V] of a discharge to 3.0 V, and the solver's note."""
    steps = parse_cycle([f"Discharge at {rate}C until 3.0 V"], cell)
    (record,) = run_case(cell, Protocol(steps)).cycles[0].steps
    if record.trace is None or record.outcome != "reached":
        raise RuntimeError(f"{rate}C: {record.outcome} {record.detail}")
    observed = record.trace.observed
    charge = observed["Discharge capacity [A.h]"] * 1e6 / (float(cell.area) * 1e4)
    return charge, observed["Voltage [V]"], record.detail


def emf(cell: Cell, charge: Any) -> Any:
    """U [V] after a charge [uAh/cm2] from the charged state, at no current."""
    x = cell.cathode.x_initial + 36.0 * charge / (laws.FARADAY * cell.site_inventory)
    return cell.cathode.open_circuit_potential.curve(x)


def comparison(cell: Cell, rates: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Model less measured at the rates: capacity [1], voltages and plateau [V]."""
    rate, capacity, plateau = measured("rate_capability", 3)
    at, *voltages = measured("voltage", 3)
    found: dict[str, list[Any]] = {"capacity": [], "plateau": [], "voltage": []}
    for r in rates:
        Q, V, _ = discharge(cell, r)
        curve = PchipInterpolator(Q, V)
        (k,) = np.flatnonzero(rate == r)
        found["capacity"].append(Q[-1] / capacity[k] - 1)
        overpotential = np.mean(curve(PLATEAU) - emf(cell, PLATEAU))
        found["plateau"].append(overpotential - plateau[k] / 1e3)
        if r in VOLTAGE_RATES:
            found["voltage"].append(curve(at) - voltages[VOLTAGE_RATES.index(r)])
    return {name: np.array(values) for name, values in found.items()}


def residuals(values: Values, cell: Cell) -> np.ndarray:
    """What least squares makes small."""
    found = comparison(with_values(cell, values), FITTED_RATES)
    early = measured("voltage", 3)[0] <= LAST_FITTED_CHARGE
    return np.concatenate(
        [
            found["capacity"] / CAPACITY_SCALE,
            found["plateau"] / VOLTAGE_SCALE,
            found["voltage"][:, early].ravel() / VOLTAGE_SCALE,
        ]
    )


def report(cell: Cell) -> None:
    """Print residuals and predictions."""
    found = comparison(cell, FITTED_RATES)
    charge = measured("voltage", 3)[0]
    early = charge <= LAST_FITTED_CHARGE
    print("\nmodel - measured (fitted)")
    for k, r in enumerate(FITTED_RATES):
        print(
            f"  {r:5.1f}C  capacity {100 * found['capacity'][k]:+6.2f} %"
            f"   plateau {1e3 * found['plateau'][k]:+6.2f} mV"
        )
    for r, row in zip(VOLTAGE_RATES, found["voltage"], strict=True):
        each = ", ".join(
            f"{1e3 * e:+.1f} at {q:g}" for q, e in zip(charge, row, strict=True)
        )
        rms = 1e3 * np.sqrt(np.mean(row[early] ** 2))
        print(f"  {r:5.1f}C  voltage, mV (uAh/cm2): {each}; rms to 8: {rms:.1f} mV")
    print("predicted")
    for r in PREDICTED_RATES:
        Q, V, note = discharge(cell, r)
        drop = np.mean(PchipInterpolator(Q, V)(PLATEAU) - emf(cell, PLATEAU))
        print(
            f"  {r:5.1f}C  capacity {Q[-1]:6.3f} uAh/cm2   plateau {1e3 * drop:+7.1f} mV"
            f"   {note}"
        )


def main(arguments: list[str]) -> None:
    """Build the table, fit, print."""
    if "--table" in arguments:
        TABLE.write_text(table_text(), encoding="utf-8")
        return
    if TABLE.read_text(encoding="utf-8") != table_text():
        print(f"note: {TABLE.name} is not what --table writes")
    cell = load_cell(HERE / f"{NAME}.yaml")
    if "--shipped" in arguments:
        report(cell)
        return
    fit = least_squares(
        residuals, START, bounds=(LOWER, UPPER), args=(cell,), diff_step=1e-3, xtol=1e-5
    )
    spread = np.linalg.pinv(fit.jac.T @ fit.jac)
    freedom = len(fit.fun) - len(fit.x)
    deviation = np.sqrt(np.diag(spread) * 2 * fit.cost / freedom)
    print(f"{fit.message} {fit.nfev} evaluations, cost {fit.cost:.3f}")
    print("log10 of the resistance [ohm m2] and of D [m2/s] at x = 1:")
    print("  " + ", ".join(f"{v:.4f}" for v in fit.x))
    print("  +- " + ", ".join(f"{v:.2f}" for v in deviation) + " (1 standard deviation)")
    print("values for the cell file:")
    print(f"  contact_resistance: {10 ** (fit.x[0] + 4):.4g} ohm cm2")
    rounded = ", ".join(f"{a:.4f}" for a in polynomial(fit.x))
    print(f"  cathode.diffusivity: log10_polynomial [{rounded}] m2/s")
    report(with_values(cell, fit.x))


if __name__ == "__main__":
    main(sys.argv[1:])

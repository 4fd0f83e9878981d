"""The model in PyBOP: two parameters of a shipped cell from its measured discharge.

    pip install 'tfbsim[pybop]' && python examples/with_pybop.py

PyBOP takes a PyBaMM model and parameter values, which tfbsim's sets are.  The curve is
the discharge at 6.4C that is shipped with the cell of Danilov et al. (2011), from the
charged state; PyBOP 26.3 wants numpy < 2.4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybamm
import pybop

CELL = "lco-lipon-li-danilov2011"
MEASURED = Path(__file__).parents[1] / "models" / f"{CELL}.voltage.csv"
CURRENT = 63.99e-6  # A, of 1 cm2
FITTED = {  # lower and upper bound, guess; of D(x), its largest value
    "Cathode diffusivity [m2.s-1]": (2e-14, 1e-12, 6e-14),
    "Contact resistance [Ohm.m2]": (1e-3, 1e-1, 1e-2),
}


def main() -> tuple[dict[str, float], float]:
    """The parameters found, and the rms of the voltage that is left [V]."""
    charge, voltage = np.loadtxt(MEASURED, delimiter=",", skiprows=5, usecols=(0, 2)).T
    t = charge * 1e-6 * 3600 / CURRENT
    current = np.full_like(t, CURRENT)
    data = pybop.Dataset({"Time [s]": t, "Current [A]": current, "Voltage [V]": voltage})
    values = pybamm.ParameterValues(CELL)
    values["Lower voltage cut-off [V]"] = 0.0
    for name, (low, high, guess) in FITTED.items():
        values[name] = pybop.Parameter(
            bounds=(low, high),
            initial_value=guess,
            transformation=pybop.LogTransformation(),
        )
    simulator = pybop.pybamm.Simulator(
        pybamm.Model("ThinFilmCell"),
        parameter_values=values,
        protocol=data,
        initial_state={"Initial open-circuit voltage [V]": 4.197},
    )
    cost = pybop.RootMeanSquaredError(data)
    options = pybop.SciPyMinimizeOptions(method="Nelder-Mead")
    problem = pybop.Problem(simulator, cost)
    result = pybop.SciPyMinimize(problem, options=options).run()
    found = {name: float(result.best_inputs[name]) for name in FITTED}
    return found, float(result.best_cost)


if __name__ == "__main__":
    found, rms = main()
    for name, value in found.items():
        print(f"{name}: {value:.3g}")
    print(f"{1e3 * rms:.1f} mV rms")

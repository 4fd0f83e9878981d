"""The model in PyBOP: a contact resistance from a discharge, with one of its optimisers.

    pip install 'tfbsim[pybop]' && python examples/with_pybop.py

PyBOP takes a PyBaMM model and parameter values, which tfbsim's cells are.  The curve is
simulated, 1C for 50 minutes with 1 mV of noise; PyBOP 26.3 (which wants numpy < 2.4)
finds 17.97 of 18.3 ohm cm2.
"""

from __future__ import annotations

import numpy as np
import pybamm
import pybop

import tfbsim

RESISTANCE = "Contact resistance [Ohm.m2]"


def main() -> float:
    """The resistance found [ohm m2]."""
    cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    values = cell.replace({"cathode.initial_stoichiometry": 0.55}).parameter_values()
    t = np.linspace(0, 3000, 61)
    simulation = pybamm.Simulation(tfbsim.ThinFilmCell(), parameter_values=values)
    solution = simulation.solve(t_eval=[0, 3000], t_interp=t)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(len(t))
    data = pybop.Dataset(
        {
            "Time [s]": t,
            "Current [A]": solution["Current [A]"](t),
            "Voltage [V]": solution["Voltage [V]"](t) + noise,
        }
    )
    values[RESISTANCE] = pybop.Parameter(bounds=(1e-4, 1e-2), initial_value=6e-3)
    simulator = pybop.pybamm.Simulator(
        tfbsim.ThinFilmCell(), parameter_values=values, protocol=data
    )
    problem = pybop.Problem(simulator, pybop.SumSquaredError(data))
    return float(pybop.SciPyMinimize(problem).run().x[0])


if __name__ == "__main__":
    print(f"{1e4 * main():.2f} ohm cm2")

"""The cell in one class solves the same equations as the one made of laws."""

import numpy as np
import pybamm
import pytest

import tfbsim
from tfbsim.physics.basic_thin_film import BasicThinFilmCell

SAME = (
    "Voltage [V]",
    "Open-circuit voltage [V]",
    "Cathode mean stoichiometry",
    "Cathode surface stoichiometry",
    "Cathode collector stoichiometry",
    "Cathode overpotential [V]",
    "Lithium overpotential [V]",
    "Electrolyte voltage drop [V]",
    "Electron path voltage drop [V]",
    "Film voltage drop [V]",
    "Contact voltage drop [V]",
    "Lithium thickness [m]",
)


def test_it_equals_the_cell_of_laws(raijmakers):
    """On a discharge at 1C."""
    times, found = np.linspace(0, 1000, 101), []
    for model in (BasicThinFilmCell(), tfbsim.ThinFilmCell()):
        values = raijmakers.parameter_values()
        values["Initial concentration in positive electrode [mol.m-3]"] = (
            0.6 * values["Cathode site concentration [mol.m-3]"]
        )
        values["Current function [A]"] = values["Nominal cell capacity [A.h]"]
        solver = pybamm.IDAKLUSolver(rtol=1e-11, atol=1e-13)
        simulation = pybamm.Simulation(model, parameter_values=values, solver=solver)
        found.append(simulation.solve([0, 1000], t_interp=times))
    basic, laws = found
    assert basic.t[-1] == laws.t[-1] == 1000
    assert np.ptp(basic["Voltage [V]"](times)) > 0.05
    for name in SAME:
        a, b = basic[name](times), laws[name](times)
        assert a == pytest.approx(b, rel=1e-8, abs=1e-8), name

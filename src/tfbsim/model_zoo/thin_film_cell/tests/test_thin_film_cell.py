"""Physical results of the entry, against closed forms."""

import numpy as np
import pybamm
import pytest

F = 96485.33212
T = np.linspace(20, 1200, 60)
WHERE = "surface", "mean"


@pytest.fixture(scope="module")
def discharge():
    """A film of constant D at a constant current."""
    values = pybamm.ParameterValues("lco-lipon-li-constant-d")
    solver = pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11)
    simulation = pybamm.Simulation(
        pybamm.Model("ThinFilmCell"), parameter_values=values, solver=solver
    )
    return values, simulation.solve([0, T[-1]], t_interp=T)


def test_the_surface_fills_as_carslaw_and_jaeger_have_it(discharge):
    values, solution = discharge
    L, D = values["Cathode thickness [m]"], values["Cathode diffusivity [m2.s-1]"]
    i = values["Current function [A]"] / values["Electrode area [m2]"]
    n = np.arange(1, 400)[:, None]
    decay = np.exp(-((n * np.pi) ** 2) * D * T / L**2) / n**2
    scale = i * L / (F * D * values["Cathode site concentration [mol.m-3]"])
    expected = scale * (1 / 3 - 2 / np.pi**2 * decay.sum(axis=0))
    surface, mean = (solution[f"Cathode {w} stoichiometry"](T) for w in WHERE)
    assert surface - mean == pytest.approx(expected, rel=1e-5)


def test_charge_is_lithium(discharge):
    _, solution = discharge
    passed = 3600 * solution["Discharge capacity [A.h]"](T)
    film = F * solution["Total lithium in positive electrode [mol]"](T)
    assert film - film[0] == pytest.approx(passed - passed[0], rel=1e-8)
    total = solution["Total lithium [mol]"](T)
    assert total == pytest.approx(total[0], rel=1e-12)

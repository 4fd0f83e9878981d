"""PyBaMM's names have PyBaMM's meaning and sign, as in its own half cell."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

F = 96485.33212
LOSSES = (
    "Battery particle concentration overpotential [V]",
    "X-averaged battery reaction overpotential [V]",
    "X-averaged battery concentration overpotential [V]",
    "X-averaged battery electrolyte ohmic losses [V]",
    "X-averaged battery solid phase ohmic losses [V]",
)
# Names of a quantity that may differ in value, never in sign on a discharge
SIGNS = (
    "Particle concentration overpotential [V]",
    "X-averaged reaction overpotential [V]",
    "Lithium metal interface reaction overpotential [V]",
    "Positive electrode reaction overpotential [V]",
    "X-averaged battery positive reaction overpotential [V]",
    "X-averaged battery negative reaction overpotential [V]",
    "Contact overpotential [V]",
    "X-averaged battery solid phase ohmic losses [V]",
    "Local ECM resistance [Ohm]",
    "Resistance [Ohm]",
    "Terminal power [W]",
    "Current collector current density [A.m-2]",
    "Positive electrode exchange current density [A.m-2]",
    "Positive electrode interfacial current density [A.m-2]",
    "Lithium metal interface exchange current density [A.m-2]",
    "Throughput capacity [A.h]",
    "Throughput energy [W.h]",
    "Discharge capacity [A.h]",
)
SAME = (
    ("Terminal voltage [V]", "Voltage [V]"),
    ("Battery voltage [V]", "Voltage [V]"),
    ("Terminal power [W]", "Power [W]"),
    ("Battery open-circuit voltage [V]", "Bulk open-circuit voltage [V]"),
    ("Positive electrode bulk open-circuit potential [V]",
     "Bulk open-circuit voltage [V]"),
    ("X-averaged positive electrode open-circuit potential [V]",
     "Surface open-circuit voltage [V]"),
    ("Average positive particle stoichiometry", "Positive electrode stoichiometry"),
    ("Volume-averaged cell temperature [K]", "Volume-averaged ambient temperature [K]"),
    ("X-averaged cell temperature [C]", "Ambient temperature [C]"),
    ("Total lithium in particles [mol]", "Total lithium in positive electrode [mol]"),
)  # fmt: skip


@pytest.fixture(scope="module")
def stock():
    """PyBaMM's half cell, which counts energy and has a contact resistance."""
    options = {
        "working electrode": "positive",
        "contact resistance": "true",
        "calculate discharge energy": "true",
    }
    values = pybamm.ParameterValues("Xu2019")
    values.update({"Contact resistance [Ohm]": 10.0}, check_already_exists=False)
    model = pybamm.lithium_ion.SPM(options)
    return discharged(pybamm.Simulation(model, parameter_values=values))


def discharged(simulation):
    return simulation.solve([0, 600], t_interp=np.linspace(0, 600, 601))


def of(solution, name):
    values = solution[name].entries
    return values if values.ndim == 1 else values[0]  # all the same across the cell


@pytest.fixture
def both(stock, lco):
    return stock, discharged(lco.simulation())


@pytest.mark.parametrize("name", SIGNS)
def test_signs_on_a_discharge(both, name):
    ours, theirs = (of(solution, name)[1:] for solution in both[::-1])
    assert set(np.sign(theirs)) == set(np.sign(ours)) or np.abs(theirs).max() < 1e-8


@pytest.mark.parametrize(("name", "other"), SAME)
def test_names_that_mean_the_same(both, name, other):
    for solution in both:
        assert of(solution, name) == pytest.approx(of(solution, other), rel=1e-12)


def test_the_voltage_is_its_parts(both):
    """In the stock half cell and in ours, and drawn so by plot_voltage_components."""
    for solution in both:
        V = of(solution, "Battery open-circuit voltage [V]")
        V = V + sum(of(solution, name) for name in LOSSES)
        V = V - of(solution, "Contact overpotential [V]")
        assert pytest.approx(of(solution, "Battery voltage [V]"), abs=2e-4) == V


def test_relations_between_names(both):
    for solution in both:
        t, I, V = (of(solution, n) for n in ("Time [s]", "Current [A]", "Voltage [V]"))
        U = of(solution, "Bulk open-circuit voltage [V]")
        R = of(solution, "Local ECM resistance [Ohm]")
        assert pytest.approx((U - V) / I, rel=1e-9) == R
        energy = of(solution, "Throughput energy [W.h]")[-1]
        assert energy == pytest.approx(np.trapezoid(V * I, t) / 3600, rel=1e-5)
        x = of(solution, "Positive electrode stoichiometry")
        capacity = of(solution, "Positive electrode capacity [A.h]")[0]
        passed = of(solution, "Discharge capacity [A.h]")
        assert np.ptp(x) * capacity == pytest.approx(np.ptp(passed), rel=1e-6)
        lithium = of(solution, "Total lithium in positive electrode [mol]")
        assert lithium == pytest.approx(x * capacity * 3600 / F, rel=1e-6)
        surface = of(solution, "X-averaged positive particle surface concentration "
                     "[mol.m-3]")  # fmt: skip
        mean = of(solution, "Positive electrode volume-averaged concentration [mol.m-3]")
        assert np.all(surface[1:] > mean[1:])
        fraction = of(solution, "X-averaged positive particle surface stoichiometry")
        assert surface / fraction == pytest.approx(mean[0] / x[0], rel=1e-9)


def test_nothing_flows_at_rest(lco):
    solution = lco.simulation(experiment=["Rest for 1 minute"]).solve(initial_soc=0.5)
    for name in ("Local ECM resistance [Ohm]", "Resistance [Ohm]"):
        assert solution[name].entries == pytest.approx(0)


def test_capacity_is_what_the_lithium_left_can_fill(each):
    if each.two_films:
        pytest.skip("test_a_set_starts_charged_and_delivers_its_capacity holds it")
    simulation = each.simulation(C_rate=-0.01 if each.anode_free else 0.01)
    solution = simulation.solve([0, 1])
    curve, c = each.cell.cathode.open_circuit_potential.curve, each.cell
    low, high = c.states_of_charge
    x_0, x_100 = c.cathode.stoichiometry(low), c.cathode.stoichiometry(high)
    available = c.cathode.x_initial + c.lithium_inventory / c.site_inventory
    span = min(x_0, available) - x_100
    expected = F * c.site_inventory * span * c.area / 3600
    found = solution["Capacity [A.h]"].entries[0]
    assert found == pytest.approx(expected, rel=1e-3), float(curve(x_0))

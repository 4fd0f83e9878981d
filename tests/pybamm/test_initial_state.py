"""initial_soc, set_initial_state, and what a set starts from."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

STATE = "Initial concentration in positive electrode [mol.m-3]"
OCV, PASSED = "Open-circuit voltage [V]", "Discharge capacity [A.h]"


def start(solution, name):
    return np.atleast_1d(solution[name].entries)[0]


def test_a_set_starts_charged_and_delivers_its_capacity(each):
    """The discharge that a newcomer expects; an anode-free cell charges first."""
    simulation = each.simulation(C_rate=-0.05 if each.anode_free else 0.05)
    solution = simulation.solve([0, 3600 * 50])
    end = "Maximum" if each.anode_free else "Minimum"
    assert solution.termination == f"event: {end} voltage [V]"
    whole = start(solution, "Capacity [A.h]")
    if each.name == "lfp-lipon-li":  # its film does not follow at any rate of use
        return
    assert abs(solution[PASSED].entries[-1]) == pytest.approx(whole, rel=0.12)


def test_our_cells_still_start_as_made(each):
    values = each.cell.parameter_values()
    sites = values["Cathode site concentration [mol.m-3]"]
    assert values[STATE] / sites == pytest.approx(each.cell.x_initial, rel=1e-14)
    low, high = each.cell.voltage_limits
    assert (values["Lower voltage cut-off [V]"], values["Upper voltage cut-off [V]"]) == (
        low,
        high,
    )


def test_states_of_charge_lie_between_the_limits(each):
    model, (low, high) = each.model(), each.cell.states_of_charge
    curve, values = each.cell.cathode.open_circuit_potential.curve, each.values()
    c_sites = values["Cathode site concentration [mol.m-3]"]

    def x(state):
        values.set_initial_state(state, options=model.options, param=model.param)
        return values[STATE] / c_sites

    # Where U(x) ends, PyBaMM's own wall at an empty or a full site moves x a little
    for state, voltage in ((0.0, low), (1.0, high)):
        if each.two_films:
            continue
        found = each.cell.cathode.stoichiometry(voltage)
        assert x(state) == pytest.approx(found, abs=1e-3 * each.cell.cathode.x_max)
    assert x(0.0) == pytest.approx(x(f"{low} V"), abs=1e-4 * each.cell.cathode.x_max)
    assert x(1.0) == pytest.approx(x(f"{high} V"), abs=1e-4 * each.cell.cathode.x_max)
    assert x(0.5) == pytest.approx((x(0.0) + x(1.0)) / 2, rel=1e-9)
    solution = each.simulation(C_rate=1e-6).solve([0, 1], initial_soc=0.5)
    if not each.two_films:
        assert start(solution, OCV) == pytest.approx(float(curve(x(0.5))), abs=1e-6)
    # What left the film is at the anode
    made = each.simulation(
        parameter_values=each.cell.parameter_values(),
        experiment=["Charge at C/1000 for 1 second"],
    ).solve()
    total = start(solution, "Total lithium [mol]")
    assert total == pytest.approx(start(made, "Total lithium [mol]"), rel=1e-12)


def test_by_every_way_of_pybamm(lco):
    model, values = lco.model(), lco.values()
    values.set_initial_state(0.5, options=model.options, param=model.param)
    x = values[STATE]
    again = lco.values()
    again.set_initial_state(0.5, options={"working electrode": "positive"})
    assert again[STATE] == pytest.approx(x, rel=1e-9)
    cached = lco.simulation().solve([0, 1], initial_soc=0.5)
    fresh = lco.simulation(cache_esoh=False).solve([0, 1], initial_soc=0.5)
    assert start(cached, OCV) == pytest.approx(start(fresh, OCV), abs=1e-12)
    experiment = lco.simulation(experiment=["Rest for 1 minute"])
    for soc in (0.5, "4.0 V", 0.3):
        solution = experiment.solve(initial_soc=soc)
        expected = lco.simulation().solve([0, 1], initial_soc=soc)
        assert start(solution, OCV) == pytest.approx(start(expected, OCV), abs=1e-9)
    with pytest.warns(UserWarning, match="greater than 1"):
        lco.simulation().build(initial_soc=1.01)
    with pytest.raises(ValueError, match="ending in 'V'"):
        lco.simulation().build(initial_soc="half")


def test_an_anode_free_cell_at_a_state_of_charge_is_one_that_was_charged(anode_free):
    """Its lithium, active, inactive and taken, is what one charge leaves."""
    charge = anode_free.simulation(
        experiment=pybamm.Experiment(["Charge at C/20 until 4.0 V"]),
        solver=pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11),
    ).solve()
    x = charge["Cathode mean stoichiometry"].entries[-1]
    values = anode_free.values()
    values[STATE] = x * values["Cathode site concentration [mol.m-3]"]
    solution = anode_free.simulation(parameter_values=values).solve([0, 1])
    for name in (
        "Lithium inventory [mol.m-2]",
        "Inactive lithium [mol.m-2]",
        "Lithium taken by the collector [mol.m-2]",
    ):
        assert charge[name].entries[-1] > 0
        expected = pytest.approx(charge[name].entries[-1], rel=1e-5)
        assert start(solution, name) == expected, name

"""What PyBaMM's own test of a standard model asks, of each shipped set."""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

from tfbsim.physics.agreement import implied

RATE = 0.2  # C
FIXED = {
    name
    for kind in ("evaporated", "film")
    for names, _ in implied(kind).values()
    for name in names.split(" + ")
}  # the model is chosen by them
# Steps for parameters that are 0, where a step by a share of them is none
STEPS = {"Ohm.m2": 1e-4, "Ohm.m": 1e-2, "mol.m-2": 1e-3, "V.K-1": 1e-5, "J.mol-1": 1e3}


def test_it_solves_and_every_variable_is_a_number(each):
    model = each.model()
    simulation = each.simulation(model, C_rate=-RATE if each.anode_free else RATE)
    solution = simulation.solve([0, 900], t_interp=np.linspace(0, 900, 10))
    assert solution.t[-1] > 0
    for name in model.variables:
        assert np.isfinite(solution[name].entries).all(), name
    V = solution["Voltage [V]"].entries
    low, high = each.cell.window
    assert low - 1e-6 <= V.min() <= V.max() <= high + 1e-6


def test_its_lithium_is_conserved(each):
    steps = ["Discharge at C/5 for 10 minutes", "Rest for 5 minutes"]
    steps += ["Charge at C/5 for 10 minutes"]
    steps = steps[::-1] if each.anode_free else steps
    solution = each.simulation(experiment=pybamm.Experiment(steps)).solve()
    assert len(solution.cycles) == 3
    total = solution["Total lithium [mol]"].entries
    assert total == pytest.approx(total[0], rel=1e-12)
    if each.two_films:
        return
    assert total[0] == pytest.approx(
        (each.cell.lithium_inventory + each.cell.inactive_lithium) * each.cell.area
        + each.cell.site_inventory * each.cell.x_initial * each.cell.area,
        rel=1e-9,
    )


def test_every_option_is_well_posed():
    for name, values in pybamm.Model("ThinFilmCell").options.own.items():
        for value in values:
            if value == "precomputed":
                continue
            model = pybamm.Model("ThinFilmCell", options={name: value})
            assert model.options[name] == value
            model.check_well_posedness()


def test_settings_of_another_set_are_refused_before_anything_is_solved(each):
    """Processing parameters is enough; no set takes a model that it does not imply."""
    other = "plated in situ" if not each.anode_free else "evaporated"
    with pytest.raises(pybamm.OptionError, match="use ThinFilmCell"):
        each.values().process_model(each.model(anode=other))


def numeric(shipped):
    """Parameters of a model that are numbers and may be inputs."""
    values = shipped.values()
    named = shipped.model().get_parameter_info()
    return {
        name: values[name]
        for name in sorted(named)
        if name in values.keys()  # noqa: SIM118 (no dictionary)
        and isinstance(values[name], float)
        and name not in FIXED
        and "cut-off" not in name
        # a bare collector has no less lithium to differ by
        and not (name == "Initial lithium inventory [mol.m-2]" and values[name] == 0)
    }


def step_of(name, value):
    unit = name.partition("[")[2].rstrip("]")
    if value:  # U(x) is a wall near a full film: a smaller step of its concentrations
        near = unit == "mol.m-3" or name == "Cathode stoichiometry as made"
        return (1e-4 if near else 1e-3) * abs(value)
    return STEPS.get(unit, 1e-3)


def differ(shipped, wanted):
    """Sensitivities of the voltage against differences, per step of each parameter."""
    values, t = shipped.values(), np.linspace(0, 300, 4)[1:]
    inputs = {name: values[name] for name in wanted}
    values.update({name: "[input]" for name in wanted})
    # A charged cell stands at its cut-off: a parameter that is moved is not to end it
    values.update({"Lower voltage cut-off [V]": 0.0, "Upper voltage cut-off [V]": 6.0})
    current = shipped.cell.one_c_current * (-RATE if shipped.anode_free else RATE)
    if "Current function [A]" in inputs:
        inputs["Current function [A]"] = current
    else:
        values["Current function [A]"] = current
    solver = pybamm.IDAKLUSolver(rtol=1e-11, atol=1e-13)
    simulation = shipped.simulation(parameter_values=values, solver=solver)

    def voltage(changed):
        return simulation.solve([0, 300], t_interp=t, inputs=changed)["Voltage [V]"](t)

    solution = simulation.solve(
        [0, 300], t_interp=t, inputs=inputs, calculate_sensitivities=True
    )
    at = np.isin(solution.t, t)
    for name, value in inputs.items():
        h = step_of(name, value)
        V = [voltage(inputs | {name: value + k * h}) for k in (-2, -1, 1, 2)]
        difference = (V[0] - 8 * V[1] + 8 * V[2] - V[3]) / 12
        found = np.array(solution["Voltage [V]"].sensitivities[name]).ravel()[at] * h
        yield name, found, difference


@pytest.mark.parametrize(
    "names",
    [
        ["Cathode thickness [m]", "Cathode diffusivity [m2.s-1]"],
        ["Electrolyte conductivity [S.m-1]", "Initial concentration in positive "
         "electrode [mol.m-3]"],
    ],
)  # fmt: skip
def test_sensitivities_equal_differences(lco, names):
    for name, found, difference in differ(lco, names):
        assert np.abs(difference).max() > 1e-6, name
        assert found == pytest.approx(difference, rel=1e-4, abs=1e-10), name


@pytest.mark.slow
def test_sensitivities_of_every_number_equal_differences(each):
    checked = 0
    for name, found, difference in differ(each, numeric(each)):
        scale = np.abs(difference).max()
        assert np.abs(found - difference).max() <= 1e-4 * scale + 3e-10, name
        checked += scale > 1e-6
    assert checked >= 8

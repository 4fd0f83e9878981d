"""Ageing, double layers and leakage as options of a plain PyBaMM script."""

from __future__ import annotations

import re

import numpy as np
import pybamm
import pytest

# Option: its value and the numbers it needs.  Rates are large: a cycle is to show them.
POTENTIAL = 4.0  # V
NUMBERS = {
    "interphase with time": {
        "Interphase with time growth [Ohm.m2]": 1e-2,
        "Interphase with time growth time [s]": 3600.0,
        "Interphase with time initial resistance [Ohm.m2]": 1e-4,
    },
    "interphase by oxidation": {
        "Interphase by oxidation rate [Ohm.m2.s-1]": 1e-6,
        "Interphase by oxidation potential [V]": POTENTIAL,
    },
    "interphase by reduction": {
        "Interphase by reduction rate [Ohm.m2.s-1]": 1e-6,
        "Interphase by reduction potential [V]": POTENTIAL,
    },
    "site loss by oxidation": {
        "Site loss by oxidation rate [s-1]": 1e-6,
        "Site loss by oxidation potential [V]": POTENTIAL,
    },
    "site loss by reduction": {
        "Site loss by reduction rate [s-1]": 1e-5,
        "Site loss by reduction potential [V]": POTENTIAL,
    },
    "lithium consumption": {"Lithium consumption current [A.m-2]": 1e-3},
    "electrolyte oxidation": {
        "Electrolyte oxidation current [A.m-2]": 1e-3,
        "Electrolyte oxidation potential [V]": POTENTIAL,
        "Electrolyte oxidation reservoir [A.s.m-2]": 100.0,
    },
    "cathode double layer": {"Cathode double-layer capacitance [F.m-2]": 10.0},
    "lithium double layer": {"Lithium double-layer capacitance [F.m-2]": 10.0},
    "electrolyte capacitance": {"Electrolyte relative permittivity": 1e7},
    "leakage": {"Electrolyte electronic conductivity [S.m-1]": 1e-10},
}
WORDS = dict.fromkeys(NUMBERS, "on") | {
    "cathode double layer": "capacitive",
    "lithium double layer": "capacitive",
    "electrolyte capacitance": "capacitive",
    "leakage": "electronic",
}


def cycled(shipped, options, numbers):
    low, high = shipped.cell.window
    steps = ["Rest for 10 minutes", f"Discharge at C/10 for 20 minutes or until {low} V"]
    steps += [f"Charge at C/10 for 10 minutes or until {high} V"]
    steps = steps[::-1] if shipped.anode_free else steps
    values = shipped.values()
    values.update(numbers)
    return shipped.simulation(
        shipped.model(**options),
        parameter_values=values,
        experiment=pybamm.Experiment(steps),
    ).solve()


def check(solution, without, least=1e-6):
    """It is another solution, with all of the lithium."""
    total = solution["Total lithium [mol]"].entries
    assert total == pytest.approx(total[0], rel=1e-9)
    t = solution.t[solution.t < min(solution.t[-1], without.t[-1])]
    apart = [
        np.abs(solution[name](t) - without[name](t)).max() / scale
        for name, scale in (("Voltage [V]", 1), ("Loss of lithium inventory [%]", 1))
    ]
    assert np.isfinite(apart).all()
    assert max(apart) > least


@pytest.mark.parametrize("option", NUMBERS)
def test_a_law_is_an_option_and_numbers(lco, option):
    options, numbers = {option: WORDS[option]}, NUMBERS[option]
    check(cycled(lco, options, numbers), cycled(lco, {}, {}))
    first = re.escape(next(iter(numbers)))
    # Numbers without the option, and the option without numbers, say what is missing
    with pytest.raises(pybamm.OptionError, match=f"options={{'{option}': "):
        cycled(lco, {}, numbers)
    if option != "leakage":
        with pytest.raises(pybamm.OptionError, match="^'" + first):
            cycled(lco, options, {})
    name = next(iter(numbers))[1:]
    with pytest.raises(KeyError, match="Best matches are"):
        lco.values()[name]


@pytest.mark.slow
@pytest.mark.parametrize("option", NUMBERS)
def test_a_law_on_each_set(each, option):
    if each.options.get(option) == WORDS[option]:
        pytest.skip("the set has it")
    values, film = each.values(), each.cell.cathode
    x = values["Initial concentration in positive electrode [mol.m-3]"]
    x /= values["Cathode site concentration [mol.m-3]"]
    start = float(film.open_circuit_potential.curve(x))  # V
    numbers = {n: start if "potential" in n else v for n, v in NUMBERS[option].items()}
    check(cycled(each, {option: WORDS[option]}, numbers), cycled(each, {}, {}), 1e-8)


def test_lost_sites_are_lost_capacity(lco):
    """And what lithium they hold is no longer cyclable."""
    name = "site loss by oxidation"
    solution = cycled(lco, {name: "on"}, NUMBERS[name])
    names = ("Loss of active material in positive electrode [%]",
             "Positive electrode capacity [A.h]", "Loss of lithium inventory [%]",
             "Cathode mean stoichiometry", "Total lithium [mol]")  # fmt: skip
    lost, capacity, inventory, x, total = (solution[n].entries for n in names)
    assert lost[-1] > 0.05
    assert capacity / capacity[0] == pytest.approx(1 - lost / 100, rel=1e-9)
    held = np.trapezoid(x, lost / 100) * capacity[0] * 3600 / 96485.33212
    assert inventory[-1] / 100 * total[0] == pytest.approx(held, rel=1e-3)

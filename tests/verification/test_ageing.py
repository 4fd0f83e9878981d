"""Laws of ageing against what can be written down, and their books."""

import numpy as np
import pytest

from tfbsim import Numerics, load_cell, simulate
from tfbsim.materials.laws import FARADAY

GAS_CONSTANT = 8.314462618
SMALL = Numerics(points=50, rtol=1e-8, atol=1e-10)
UAH = 1e2 / 3600  # C/m2 to uAh/cm2

TIME = {"initial_resistance": "3 ohm.cm2", "growth": "40 ohm.cm2", "growth_time": "10 h"}
OXIDATION = {"current": "0.5 uA/cm2", "potential": "4.2 V", "reservoir": "1 uAh/cm2"}


def aged(cell, **blocks):
    return cell.replace({"ageing": blocks})


def last(result, column):
    return float(result.summary[column].iloc[-1])


def test_an_interphase_grows_with_the_root_of_time(ideal, figure):
    """R^2 = R_0^2 + k^2 t, through rests and what is between them."""
    cell = aged(ideal, interphase_with_time=TIME)
    steps = [
        "Rest for 1 hour",
        "Discharge at 0.01C for 30 minutes",
        "Rest for 30 minutes",
    ]
    found = simulate(cell, steps, cycles=3, numerics=SMALL).summary
    R = found["Resistance of interphase with time [Ohm.cm2]"].to_numpy()
    wanted = np.sqrt(9 + 1600 * np.array([0.2, 0.4, 0.6]))
    miss = np.abs(R / wanted - 1).max()
    figure("Interphase that grows with the root of time: relative", miss, at_most=1e-6)
    whole = found["Interface resistance [Ohm.cm2]"]
    assert whole.isna().all()  # nothing was charged


def test_a_layer_of_products_grows_with_the_root_of_time(ideal):
    law = {"growth": "2 uAh/cm2", "growth_time": "10 h", "initial": "0.5 uAh/cm2"}
    found = simulate(
        aged(ideal, lithium_consumption=law), ["Rest for 2 hours"], 3, numerics=SMALL
    ).summary
    wanted = np.sqrt(0.25 + 4 * np.array([0.2, 0.4, 0.6])) - 0.5
    consumed = found["Lithium consumed at the anode [uA.h.cm-2]"].to_numpy()
    assert consumed == pytest.approx(wanted, rel=1e-5)
    left = found["Lithium inventory [uA.h.cm-2]"].to_numpy()
    made = ideal.lithium_inventory * FARADAY * UAH
    assert left == pytest.approx(made - wanted, rel=1e-7)


E = {"activation_energy": "0.4 eV"}
RATE = {"potential": "4.0 V", **E}
COLUMNS = {
    "interphase_with_time": (
        {**TIME, **E, "initial_resistance": "1e-3 ohm.cm2"},
        "Resistance of interphase with time [Ohm.cm2]",
    ),
    "interphase_by_oxidation": (
        {"rate": "1 ohm.cm2/h", **RATE},
        "Resistance of interphase by oxidation [Ohm.cm2]",
    ),
    "interphase_by_reduction": (
        {"rate": "1 ohm.cm2/h", **RATE},
        "Resistance of interphase by reduction [Ohm.cm2]",
    ),
    "lithium_consumption": (
        {"current": "0.1 uA/cm2", **E},
        "Lithium consumed at the anode [uA.h.cm-2]",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_rate_is_arrhenius_over_two_temperatures(ideal, name, figure):
    """At rest at the potential of the rate, where nothing else depends on temperature."""
    block, column = COLUMNS[name]
    cell = aged(ideal, **{name: block})
    grown = [
        last(simulate(cell, [("Rest for 1 hour", f"{T} K")], numerics=SMALL), column)
        for T in (298.15, 328.15)
    ]
    factor = np.exp(0.4 * FARADAY / GAS_CONSTANT * (1 / 298.15 - 1 / 328.15))
    miss = abs(grown[1] / grown[0] / factor - 1)
    figure("Rates of ageing at two temperatures, Arrhenius", miss, at_most=1e-4)


@pytest.mark.parametrize("cause, sign", [("oxidation", 1), ("reduction", -1)])
def test_sites_are_lost_by_an_equal_share_in_equal_cycles(ideal, cause, sign, figure):
    """(1 - k)^n at 4.0 V, k = 1 - exp[-rate exp(+-alpha f (V - U)) t]."""
    block = {"rate": "0.02 h-1", "potential": "4.1 V", "transfer_coefficient": 0.3}
    cell = aged(ideal, **{f"site_loss_by_{cause}": block})
    result = simulate(cell, ["Rest for 1 hour"], cycles=4, numerics=SMALL)
    f = FARADAY / (GAS_CONSTANT * 298.15)
    k = -np.expm1(-0.02 * np.exp(-sign * 0.3 * f * 0.1))
    share = result.summary["Active share of sites"].to_numpy()
    miss = np.abs(share / (1 - k) ** np.arange(1, 5) - 1).max()
    figure("Sites lost by a fraction a cycle, (1 - k)^n: relative", miss, at_most=1e-5)
    held = 0.5 * (1 - share) * ideal.site_inventory * FARADAY * UAH
    lost = result.summary["Lithium in lost sites [uA.h.cm-2]"].to_numpy()
    assert lost == pytest.approx(held, rel=1e-4)
    assert (result.summary["Outcome"] == "reached").all()


def test_lithium_is_left_to_the_rest_while_that_has_room(ideal):
    """x_mean rises as 1/s, up to the last of the sites; then no more are lost."""
    block = {"rate": "2 h-1", "potential": "4.0 V", "lithium": "left"}
    block["transfer_coefficient"] = 1e-6
    cell = aged(ideal, site_loss_by_reduction=block)
    result = simulate(cell, ["Rest for 15 minutes"], cycles=4, numerics=SMALL)
    s = result.summary["Active share of sites"].to_numpy()
    x = result.steps["End mean stoichiometry"].to_numpy()
    assert s[0] == pytest.approx(np.exp(-0.5), rel=1e-4)
    assert x * s == pytest.approx(np.full(4, 0.5), rel=1e-7)
    assert x[-1] == pytest.approx(1, abs=1e-6)  # rounding of the tolerance beyond full


def test_oxidation_at_a_hold(ideal, figure):
    """The current is i_ox until the reservoir is empty, and all of it has passed then."""
    block = OXIDATION | {"potential": "4.1 V", "transfer_coefficient": 1e-3}
    # 4.1 V in equilibrium; a hold needs a resistance, of which 10 ohm cm2 take 5 uV
    made = ideal.replace(
        {"cathode.initial_stoichiometry": 0.4, "electrolyte.conductivity": "1e-5 S/cm"}
    )
    cell = aged(made, electrolyte_oxidation=block)
    hold = ["Hold at 4.1 V for 30 minutes"]
    result = simulate(cell, hold, cycles=5, numerics=Numerics(points=50))
    left = result.summary["Lithium left in the electrolyte [uA.h.cm-2]"].to_numpy()
    passed = result.steps["Charge [uA.h.cm-2]"].to_numpy().cumsum()
    taken = 0.25 * np.arange(1, 4)
    miss = np.abs(left[:3] / (1 - taken) - 1).max()
    figure("Reservoir of an oxidation at a hold, n - i t/F: relative", miss, at_most=1e-3)
    assert passed[:3] == pytest.approx(taken, rel=1e-2)
    assert passed[-1] == pytest.approx(1, rel=1e-2) and abs(left[-1]) < 1e-3
    end = result.steps.iloc[-1]
    assert end["End mean stoichiometry"] == pytest.approx(0.4, abs=1e-4)
    assert end["End current [uA.cm-2]"] == pytest.approx(0, abs=5e-3)


def test_oxidation_takes_its_part_of_a_charge(ideal):
    """Slow, between films of straight U: i_ox follows the potential that it lowers."""
    block = OXIDATION | {"transfer_coefficient": 1e-6, "reservoir": "100 uAh/cm2"}
    cell = aged(ideal, electrolyte_oxidation=block)
    steps = ["Charge at 2 uA/cm2 for 1 hour", "Rest for 1 hour"]
    result = simulate(cell, steps, numerics=SMALL)
    moved = -np.diff(result.steps["End mean stoichiometry"], prepend=0.5)
    filled = ideal.site_inventory * FARADAY * UAH
    assert moved * filled == pytest.approx([1.5, -0.5], rel=1e-4)
    table = result.losses
    energy = table["Electrolyte oxidation [uW.h.cm-2]"]
    assert energy[0] == pytest.approx(1.0 * 4.0, rel=1e-2)


def test_lithium_that_is_consumed_ends(ideal):
    """All of it, no more; a discharge then has none."""
    little = ideal.replace({"anode.lithium": 1e-8})
    made = little.lithium_inventory * FARADAY * UAH
    cell = aged(little, lithium_consumption={"current": "1 uA/cm2"})
    steps = [f"Rest for {2 * made:.3f} hours", "Discharge at 0.1C for 1 minute"]
    result = simulate(cell, steps, numerics=SMALL)
    consumed = last(result, "Lithium consumed at the anode [uA.h.cm-2]")
    assert consumed == pytest.approx(made, rel=1e-6)
    assert list(result.steps["Outcome"]) == ["reached", "lithium exhausted"]


EVERYTHING = {
    "interphase_with_time": TIME,
    "interphase_by_oxidation": {"rate": "10 ohm.cm2/h", "potential": "4.2 V"},
    "interphase_by_reduction": {"rate": "10 ohm.cm2/h", "potential": "3.2 V"},
    "site_loss_by_oxidation": {"rate": "0.02 h-1", "potential": "4.2 V"},
    "site_loss_by_reduction": {
        **{"rate": "0.02 h-1", "potential": "3.2 V"},
        "lithium": "left",
    },
    "lithium_consumption": {
        **{"current": "0.1 uA/cm2", "growth": "1 uAh/cm2"},
        "growth_time": "10 h",
    },
    "electrolyte_oxidation": OXIDATION,
}


@pytest.mark.parametrize("mesh", ["elements", "volumes"])
@pytest.mark.parametrize(
    "name", ["lco-lipon-li-raijmakers2020", "lco-lipon-steel-ensurge2023"]
)
def test_all_at_once_with_leakage_keep_the_books(name, mesh, figure):
    """Evaporated lithium and lithium plated in situ, rests and holds among the steps."""
    cell = load_cell(name).replace(
        {"electrolyte.electronic_conductivity": "1e-12 S/cm", "ageing": EVERYTHING}
    )
    steps = [
        *("Charge at 1C until 4.1 V", "Hold at 4.1 V until C/20", "Rest for 2 hours"),
        *("Discharge at 1C until 3.2 V", ("Rest for 1 hour", "45 degC")),
    ]
    numerics = Numerics(points=60, mesh=mesh)
    result = simulate(cell, steps, cycles=3, numerics=numerics)
    table = result.summary
    assert (table["Outcome"] == "reached").all()
    for kind in ("Lithium", "Charge"):
        error = table[f"{kind} balance error"].max()
        figure(f"{kind} balance with all laws of ageing on", error, at_most=1e-8)
    for column in (
        *("Active share of sites", "Lithium inventory [uA.h.cm-2]"),
        "Lithium left in the electrolyte [uA.h.cm-2]",
    ):
        values = table[column].to_numpy()
        assert (values > 0).all(), column
    energy = result.losses
    parts = energy.iloc[:, 6:-1].sum(axis=1)
    miss = energy["Energy in [uW.h.cm-2]"] - energy["Energy out [uW.h.cm-2]"] - parts
    assert abs(miss).max() < 1e-12 * energy["Energy in [uW.h.cm-2]"].max()


def test_the_order_of_convergence_is_that_without(ideal, figure):
    """Of the volumes' scheme, second, with sites being lost while a current flows."""
    block = {"rate": "0.5 h-1", "potential": "4.0 V", "transfer_coefficient": 0.05}
    cell = aged(
        ideal,
        site_loss_by_oxidation=block,
        site_loss_by_reduction=block | {"lithium": "left"},
    )
    found = []
    for points in (20, 40, 80, 320):
        numerics = Numerics(points=points, mesh="volumes", rtol=1e-10, atol=1e-12)
        result = simulate(cell, ["Charge at 1C for 10 minutes"], numerics=numerics)
        found.append(float(result.steps["End surface stoichiometry"].iloc[0]))
    errors = np.abs(np.array(found[:-1]) - found[-1])
    for order in np.log2(errors[:-1] / errors[1:]):
        claim = "Order of convergence of volumes while sites are lost"
        figure(claim, order, about=(2.0, 0.15))


def test_five_years_of_rest(ideal, figure):
    """Consumption by the root of time, through steps that lengthen."""
    law = {"growth": "20 uAh/cm2", "growth_time": "1 year", "initial": "0.01 uAh/cm2"}
    cell = aged(ideal, lithium_consumption=law)
    result = simulate(cell, ["Rest for 5 years"], numerics=SMALL)
    wanted = np.sqrt(0.01**2 + 5 * 20**2) - 0.01
    consumed = last(result, "Lithium consumed at the anode [uA.h.cm-2]")
    miss = abs(consumed / wanted - 1)
    figure("Lithium consumed in five years of rest: relative", miss, at_most=1e-5)
    assert result.curves.sizes["sample"] < 1000


@pytest.mark.slow
def test_a_thousand_cycles_with_all_laws_keep_the_books(figure):
    """Lithium and charge, in every cycle and over all of them."""
    slower = {  # so that the cell lives through them
        "interphase_with_time": TIME | {"growth_time": "1000 h"},
        "interphase_by_oxidation": {"rate": "0.01 ohm.cm2/h", "potential": "4.2 V"},
        "interphase_by_reduction": {"rate": "0.01 ohm.cm2/h", "potential": "3.2 V"},
        "site_loss_by_oxidation": {"rate": "1e-4 h-1", "potential": "4.2 V"},
        "site_loss_by_reduction": {
            **{"rate": "1e-4 h-1", "potential": "3.2 V"},
            "lithium": "left",
        },
        "lithium_consumption": {
            **{"current": "0.01 uA/cm2", "growth": "1 uAh/cm2"},
            "growth_time": "1000 h",
        },
        "electrolyte_oxidation": OXIDATION | {"current": "0.02 uA/cm2"},
    }
    assert slower.keys() == EVERYTHING.keys()
    cell = load_cell("lco-lipon-li-raijmakers2020").replace(
        {"electrolyte.electronic_conductivity": "1e-13 S/cm", "ageing": slower}
    )
    steps = ["Charge at 2C until 4.1 V", "Discharge at 2C until 3.2 V"]
    numerics = Numerics(points=40, compile=True)
    result = simulate(cell, steps, cycles=1000, numerics=numerics)
    table = result.summary
    assert len(table) == 1000 and (table["Outcome"] == "reached").all()
    for kind in ("Lithium", "Charge"):
        error = table[f"{kind} balance error"].max()
        claim = f"{kind} balance of each of 1000 cycles with all laws of ageing on"
        figure(claim, error, at_most=1e-8)
    # Where it went, over all cycles: each change of the total adds to nothing
    parts = {
        "Lithium inventory [uA.h.cm-2]": 1,
        "Lithium consumed at the anode [uA.h.cm-2]": 1,
        "Lithium in lost sites [uA.h.cm-2]": 1,
        "Lithium left in the electrolyte [uA.h.cm-2]": 1,
    }
    made = cell.site_inventory * FARADAY * UAH
    ends = result.steps[result.steps["Step number"] == 2]["End mean stoichiometry"]
    film = ends.to_numpy() * table["Active share of sites"].to_numpy() * made
    total = sum(table[name].to_numpy() * sign for name, sign in parts.items()) + film
    passed = 2 * table["Discharge capacity [uA.h.cm-2]"].sum()
    gained = np.abs(total - total[0]).max() / passed
    figure("Lithium gained over 1000 cycles, over what passed", gained, at_most=1e-8)
    assert (np.diff(table["Resistance of interphase with time [Ohm.cm2]"]) > 0).all()

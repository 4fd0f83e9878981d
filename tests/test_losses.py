"""Losses: they add up to the voltage and to the energy, and the right one is named."""

from dataclasses import replace

import numpy as np
import pytest

import tfbsim
from tfbsim import simulate
from tfbsim.materials.laws import FARADAY
from tfbsim.numerics import Numerics
from tfbsim.result import losses

COARSE = Numerics(points=60)
LEAKY = {"electrolyte.electronic_conductivity": "1e-13 S/cm"}
CELLS = {  # with a window that both charges and discharges it
    "lco-lipon-li-raijmakers2020": (3.0, 4.15),
    "lco-lipon-li-danilov2011": (3.0, 4.2),
    "nmc811-lipon-li": (1.5, 4.6),
}


@pytest.fixture(scope="module", params=[f"{n} {w}" for n in CELLS for w in ("", "leaky")])
def everything(request):
    """A cell through CC, CV, rest and power, twice, and the result of it."""
    name, leaky = request.param.split(" ")
    cell = tfbsim.load_cell(name)
    cell = cell.replace(LEAKY) if leaky else cell
    low, high = CELLS[name]
    power = 0.5 * cell.one_c_current_density * 3.5 * 100
    steps = [
        f"Charge at 1C until {high} V",
        f"Hold at {high} V until C/10",
        "Rest for 30 minutes",
        f"Discharge at {power:.4g} uW/cm2 until 3.4 V",
        f"Discharge at 1C until {low} V",
        f"Hold at {low} V until C/20",
        ("Rest for 1 hour", "45 degC"),
    ]
    return cell, simulate(cell, steps, cycles=2, numerics=COARSE)


def whole_cycles(result):
    table = result.losses
    return table[table["Step number"] == 0]


def lost(table):
    return table[[*losses.lost(losses.DEFAULT).values()]].sum(axis=1)


class TestOfAMoment:
    def test_overpotentials_add_up_to_the_voltage(self, everything):
        _, result = everything
        curves = result.curves
        eta = losses.overpotentials(curves)
        declared = (loss.name for loss in losses.DEFAULT.losses)
        assert tuple(eta) == (losses.DIFFUSION, *declared)
        miss = curves["Open-circuit voltage [V]"] - curves["Voltage [V]"]
        miss = abs(miss - sum(eta.values()))
        assert float(miss.max()) < 1e-9
        steps = np.unique(curves["Step number"])
        assert set(steps[np.isfinite(steps)]) == set(range(1, 8))

    def test_each_turns_power_into_heat(self, everything):
        """On charge and on discharge; of diffusion only over a stretch of time."""
        _, result = everything
        i = result.curves["Current density [uA.cm-2]"]
        for name, eta in losses.overpotentials(result.curves).items():
            if name != losses.DIFFUSION:
                assert float((i * eta).where(abs(i) > 1).min()) >= 0


class TestOfTheEnergy:
    def test_a_cycle_and_its_steps_add_up(self, everything):
        _, result = everything
        table = result.losses
        assert list(table) == list(losses.COLUMNS)
        assert list(table["Step number"]) == [*range(8), *range(8)]
        assert set(table["Step"][table["Step number"] == 0]) == {"whole cycle"}
        assert table["Step"][4] == result.steps["Step"][3]
        balance = table["Energy in [uW.h.cm-2]"] - table["Energy out [uW.h.cm-2]"]
        for column in (losses.LEAKAGE, losses.STORED):
            balance = balance - table[column]
        scale = table["Energy in [uW.h.cm-2]"].max()
        assert abs(balance - lost(table)).max() < 1e-12 * scale
        for cycle in (1, 2):
            rows = table[table["Cycle number"] == cycle].iloc[:, 4:-1]
            assert rows[1:].sum().to_numpy() == pytest.approx(rows.iloc[0].to_numpy())

    def test_energy_out_is_what_the_solver_counted(self, everything):
        _, result = everything
        found = whole_cycles(result)["Energy out [uW.h.cm-2]"].to_numpy()
        counted = 1e3 * result.summary["Discharge energy [mW.h.cm-2]"].to_numpy()
        assert found == pytest.approx(counted, rel=2e-5)

    def test_stored_is_the_integral_of_the_open_circuit_voltage(self, everything):
        """-F n integral of U dx, of the first and the last stoichiometry of a cycle."""
        cell, result = everything
        U = cell.cathode.open_circuit_potential.curve
        table = whole_cycles(result)
        x = result.curves["Mean stoichiometry"].values[0]
        moved = table[[losses.ENERGY_IN, losses.ENERGY_OUT]].max(axis=1)
        for k, energy in enumerate(moved):
            here = x[k][np.isfinite(x[k])]
            grid = np.linspace(here[0], here[-1], 100_001)
            work = -FARADAY * cell.site_inventory * np.trapezoid(U(grid), grid)
            stored = work / 3600 * 1e2  # J/m2 to uWh/cm2
            assert abs(table[losses.STORED].iloc[k] - stored) < 5e-6 * energy

    def test_efficiency_is_in_the_summary(self, everything):
        cell, result = everything
        table = whole_cycles(result)
        found = result.summary["Energy efficiency [%]"].to_numpy()
        ratio = table[losses.ENERGY_OUT] / table[losses.ENERGY_IN]
        # The solver's energies, and those of the curves by the trapezoidal rule
        assert found == pytest.approx(100 * ratio.to_numpy(), rel=1e-4)
        assert (
            (table[losses.LEAKAGE] > 0)
            == (cell.electrolyte.electronic_conductivity is not None)
        ).all()

    def test_leakage_discharges_at_rest(self, everything):
        """Nothing goes in or out; what leaks is taken from the store."""
        _, result = everything
        rest = result.losses.iloc[3]
        assert rest["Step"].startswith("Rest")
        for column in ("Energy in [uW.h.cm-2]", "Energy out [uW.h.cm-2]"):
            assert rest[column] == 0
        assert rest[losses.STORED] == -rest[losses.LEAKAGE]

    def test_of_a_resistor_it_is_i2_r(self, raijmakers):
        cell = raijmakers.replace({"contact_resistance": "100 Ohm.cm2"})
        result = simulate(cell, ["Charge at 100 uA/cm2 for 30 minutes"], numerics=COARSE)
        row = result.losses.iloc[1]
        assert row["Contact [uW.h.cm-2]"] == pytest.approx(0.5 * 100 * 100e-4, rel=1e-9)
        assert np.isnan(row["Energy efficiency [%]"])

    def test_a_hold_is_integrated_over_its_charge(self, raijmakers):
        """A current that decays faster than the samples show."""
        steps = ["Charge at 4C until 4.15 V", "Hold at 4.15 V until C/50"]
        result = simulate(raijmakers, steps, numerics=COARSE)
        hold = result.losses.iloc[2]
        charge = result.steps["Charge [uA.h.cm-2]"][1]
        assert hold["Energy in [uW.h.cm-2]"] == pytest.approx(4.15 * charge, rel=1e-8)

    def test_a_hold_whose_current_turns(self, raijmakers):
        """It discharges first, from a surface that is ahead, and charges then."""
        steps = [
            *("Charge at 1C until 4.1 V", "Discharge at 5C for 20 s"),
            "Hold at 3.98 V for 2 hours",
        ]
        result = simulate(raijmakers, steps, numerics=COARSE)
        step = result.steps.iloc[2]
        hold = result.losses.iloc[3]
        assert step["Charge [uA.h.cm-2]"] > 0 and step["Discharge [uA.h.cm-2]"] > 0
        for word, column in (("Charge", "in"), ("Discharge", "out")):
            found = hold[f"Energy {column} [uW.h.cm-2]"]
            charge = step[f"{word} [uA.h.cm-2]"]
            assert found == pytest.approx(3.98 * charge, rel=1e-2)

    def test_nothing_that_ran_gives_an_empty_table(self, raijmakers):
        result = simulate(raijmakers, ["Discharge at 1 W/cm2 until 3 V"], numerics=COARSE)
        assert list(result.losses) == list(losses.COLUMNS)
        assert result.losses.empty
        assert np.isnan(result.steps["Of equilibrium capacity [%]"][0])
        assert "Energy efficiency [%]" not in result.summary


# --- What ended a step ----------------------------------------------------------------

WITHOUT = {  # a loss, and how to be rid of it
    losses.DIFFUSION: {"cathode.diffusivity_scale": 1e6},
    "Cathode interface": {"cathode.exchange_current": 1e6},
    "Lithium interface": {"anode.exchange_current": 1e6},
    "Electrolyte": {"electrolyte.conductivity": 1e3},
    "Electron path": {"cathode.electronic_conductivity": 1e6},
    "Interphase films": {"cathode.film_resistance": 0.0},
    "Contact": {"contact_resistance": 0.0},
}
FAST = {"cathode.diffusivity_scale": 10.0}


def discharged(cell, rate="1C", until="3.0 V"):
    charged = ["Charge at C/10 until 4.15 V", "Hold at 4.15 V until C/50"]
    step = f"Discharge at {rate} until {until}"
    result = simulate(cell, [step], conditioning=charged, numerics=COARSE)
    return result.steps.iloc[-1]


KNOWN = [
    (losses.DIFFUSION, {"cathode.diffusivity_scale": 0.1}),
    ("Electrolyte", {"electrolyte.thickness": "43 um", **FAST}),
    ("Cathode interface", {"cathode.exchange_current": "1e-14 A/cm2", **FAST}),
    ("Lithium interface", {"anode.exchange_current": "1e-14 A/cm2", **FAST}),
    ("Electron path", {"cathode.electronic_conductivity": "1.2e-7 S/cm", **FAST}),
    ("Interphase films", {"cathode.film_resistance": "4 kOhm.cm2", **FAST}),
    ("Contact", {"contact_resistance": "4 kOhm.cm2", **FAST}),
]


@pytest.mark.parametrize("name, changes", KNOWN, ids=[name for name, _ in KNOWN])
def test_the_loss_that_was_made_large_is_named(raijmakers, name, changes):
    step = discharged(raijmakers.replace(changes))
    assert step["Limiting loss"] == name
    assert step["Of equilibrium capacity [%]"] < 95


@pytest.mark.parametrize(
    "changes, rate",
    [
        ({}, "1C"),
        ({"contact_resistance": "3 kOhm.cm2"}, "1C"),
        ({"contact_resistance": "4 kOhm.cm2"}, "1C"),
        ({"contact_resistance": "2 kOhm.cm2", **FAST}, "1C"),
        ({"electrolyte.conductivity": "2e-8 S/cm", **FAST}, "0.2C"),
    ],
)
def test_without_the_loss_that_is_named_most_is_gained(raijmakers, changes, rate):
    """Of all losses, being rid of that one lets the cell give the most."""
    cell = raijmakers.replace(changes)
    before = discharged(cell, rate)
    gained = {
        name: discharged(cell.replace(off), rate)["Discharge [uA.h.cm-2]"]
        for name, off in WITHOUT.items()
        if name != "Electron path"
    }
    assert before["Limiting loss"] == max(gained, key=lambda name: gained[name])
    # as far as the share of the equilibrium capacity says, to what others then cost
    assert gained[before["Limiting loss"]] > 1.02 * before["Discharge [uA.h.cm-2]"]


def test_the_loss_with_most_of_the_voltage_need_not_be_the_one(raijmakers):
    """A resistance, on the cliff of U(x): most of the voltage, little of the capacity."""
    cell = raijmakers.replace({"contact_resistance": "3 kOhm.cm2"})
    charged = ["Charge at C/10 until 4.15 V", "Hold at 4.15 V until C/50"]
    steps = ["Discharge at 1C until 3.0 V"]
    result = simulate(cell, steps, conditioning=charged, numerics=COARSE)
    end = result.curves.isel(case=0, cycle=0, sample=-1)
    eta = losses.overpotentials(end)
    assert max(eta, key=lambda name: float(eta[name])) == "Contact"
    assert result.steps["Limiting loss"].iloc[-1] == losses.DIFFUSION
    without = discharged(cell.replace({"contact_resistance": 0.0}))
    share = result.steps["Discharge [uA.h.cm-2]"].iloc[-1]
    assert without["Discharge [uA.h.cm-2]"] < 1.1 * share


def test_which_steps_have_a_limiting_loss(raijmakers):
    steps = [
        "Charge at C/10 until 4.15 V",
        "Hold at 4.15 V until C/50",
        "Charge at 1C until 4.1 V",  # met at once, from above: there is nothing to give
        "Rest for 10 minutes",
        "Discharge at C/500 until 3.0 V",
        "Discharge at 4C until 3.0 V",  # met at once
        "Charge at 200 uW/cm2 until 4.15 V",
        "Discharge at 1C for 1 minute",
    ]
    table = simulate(raijmakers, steps, numerics=COARSE).steps
    share, named = table["Of equilibrium capacity [%]"], table["Limiting loss"]
    assert list(named == "") == [False, True, True, True, False, False, False, True]
    assert (share.isna() == (named == "")).all()
    assert 95 < share[0] < 99.9
    assert named[4] == "none" and share[4] > 99
    assert share[5] == 0 and not np.signbit(share[5])
    assert named[6] == "Electrolyte"


def test_the_cells_own_limit_is_a_cut_off(raijmakers):
    cell = raijmakers.replace({"voltage_limits": ["3 V", "4.15 V"]})
    step = simulate(cell, ["Charge at 1C for 10 hours"], numerics=COARSE).steps
    assert step["Outcome"][0] == "infeasible"
    assert step["Limiting loss"][0] == "Electrolyte"


def test_equilibrium_is_that_of_the_temperature(raijmakers):
    """With dU/dT = 1 mV/K, 60 K warmer, U is higher by 60 mV: all the film is used."""
    cell = raijmakers.replace({"cathode.entropic_change": "1 mV/K"})
    warm = (cell.reference_temperature + 60) - 273.15
    limits = {"voltage_limits": ["0 V", "6 V"], "cathode.initial_stoichiometry": 0.9}
    step = ("Charge at C/100 until 4.1 V", f"{warm:.2f} degC")
    table = simulate(cell.replace(limits), [step], numerics=COARSE).steps
    assert table["Limiting loss"][0] == "none"
    assert table["Of equilibrium capacity [%]"][0] == pytest.approx(100, abs=1)
    U = cell.cathode.open_circuit_potential.curve
    assert U(table["End mean stoichiometry"][0]) == pytest.approx(4.04, abs=5e-3)


# --- The second lithium ----------------------------------------------------------------


def test_second_lithium_of_a_profile():
    xi = np.linspace(0.05, 0.95, 10)
    widths = losses.widths(xi)
    assert widths == pytest.approx(np.full(10, 0.1))
    half = np.where(xi < 0.5, 2.0, 0.7)
    assert losses.second_lithium(half, widths, 2.0) == pytest.approx(50)
    assert losses.second_lithium(1 + xi, widths, 2.0) == pytest.approx(50)
    assert losses.second_lithium(np.full(10, 2.03), widths, 2.0) == 100
    assert losses.second_lithium(np.full(10, 0.9), widths, 1.5) == 0


@pytest.mark.parametrize("mesh", ["elements", "volumes"])
def test_widths_are_those_of_the_depths(raijmakers, mesh):
    """A profile as it is stated has the mean of what was solved."""
    from tfbsim.solver.engine import engine

    solver = engine(raijmakers.structure, replace(COARSE, mesh=mesh))
    x = 0.7 + 0.2 * np.cos(3 * solver.xi)
    stated = solver.depths(x)
    assert len(stated) == len(solver.depths.xi) == COARSE.points
    mean = stated @ losses.widths(solver.depths.xi)
    assert mean == pytest.approx(x @ solver.weights, rel=1e-12)


def test_second_lithium_in_the_summary():
    cell = tfbsim.load_cell("nmc811-lipon-li")
    name = "Second lithium at end of discharge [%]"
    steps = [
        "Charge at C/2 until 4.3 V",
        "Discharge at C/2 until {low} V",
        "Rest for 1 s",
    ]
    found = {}
    for low in ("1.5", "3.0"):
        asked = [step.format(low=low) for step in steps]
        result = simulate(cell, asked, numerics=COARSE)
        found[low] = result.summary[name][0]
    assert 0 <= found["3.0"] < 1 < 50 < found["1.5"] < 100
    x = result.curves["Stoichiometry"].values[0, 0, 1, -1]
    widths = losses.widths(result.curves["depth"].values)
    assert losses.second_lithium(x, widths, 2.0) == pytest.approx(found["3.0"])
    charge = simulate(cell, steps[:1], numerics=COARSE)
    assert name not in charge.summary

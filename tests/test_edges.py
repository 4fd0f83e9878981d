"""Cells and protocols at the edges: where a step ends, and what may be believed.

Each right value is known from a tighter run, a finer mesh, or a closed form.
"""

from __future__ import annotations

import numpy as np
import pytest

import tfbsim
from tfbsim import load_cell
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.materials import laws
from tfbsim.solver.cycler import run_case

CONSTANT_D = "lco-lipon-li-constant-d"
RAIJMAKERS = "lco-lipon-li-raijmakers2020"
POTENTIAL = "cathode.open_circuit_potential"


def run(name, steps, changes=None):
    """The result of one cycle, and its last step."""
    cell = tfbsim.load_cell(name).replace(changes or {})
    result = tfbsim.simulate(cell, steps)
    return result, result.steps.iloc[-1]


def voltages(result):
    V = result.curves["Voltage [V]"].values.ravel()
    return V[np.isfinite(V)]


def sites(*levels):
    """A multi-site law: (potential [V], sites, width) each."""
    names = "potential", "sites", "width"
    return {
        "sites": [dict(zip(names, (f"{U} V", X, w), strict=True)) for U, X, w in levels]
    }


def test_a_current_that_turns_within_a_step_of_the_solver_meets_its_cut_off():
    steps = [
        "Hold at 3.900 V until C/1000 or for 100 hours",
        "Discharge at 2C for 60 seconds",
        "Hold at 3.890 V until C/10000",
    ]
    _, step = run(RAIJMAKERS, steps)
    assert step["Outcome"] == "reached"
    assert step["Duration [s]"] == pytest.approx(47.98, abs=0.1)
    assert step["End mean stoichiometry"] == pytest.approx(0.87415, abs=1e-4)


def test_a_voltage_that_peaks_within_a_step_of_the_solver_meets_its_cut_off():
    changes = {
        POTENTIAL: sites((3.84, 0.5, 1.0), (2.89, 0.5, 2.0)),
        "cathode.initial_stoichiometry": 0.99,
        "cathode.thickness": "550 nm",
        "cathode.diffusivity": "4.35e-14 m2/s",
        "cathode.electron_path": "consistent",
        "cathode.transference": 0.45,
    }
    result, step = run(CONSTANT_D, ["Charge at 6C until 4.25 V"], changes)
    assert step["Outcome"] == "reached"
    assert step["Duration [s]"] == pytest.approx(587.75, abs=0.3)
    assert step["End mean stoichiometry"] == pytest.approx(0.5002, abs=3e-4)
    assert voltages(result).max() < 4.2501


def test_a_surface_that_saturates_is_resolved():
    result, step = run("nmc811-lipon-li", ["Discharge at 5C until 0.5 V"])
    assert step["Outcome"] == "reached"
    assert step["Duration [s]"] == pytest.approx(5.254e-3, rel=5e-3)
    assert voltages(result)[0] == pytest.approx(1.432, abs=2e-3)
    assert voltages(result).min() > 0.4999


def test_a_step_beyond_the_cell_is_an_outcome_and_earlier_steps_stay():
    changes = {
        "cathode.thickness": "5 um",
        "electrolyte.electronic_conductivity": "1e-15 S/cm",
    }
    steps = [
        "Charge at C/10 until 4.7 V",
        "Discharge at C/10 until 1.5 V",
        "Discharge at 20C for 1 second",
    ]
    result, step = run("nmc811-lipon-li", steps, changes)
    assert list(result.steps["Outcome"][:2]) == ["reached", "reached"]
    assert step["Outcome"] == "infeasible"
    assert voltages(result).min() > -1e-3


def test_a_hold_near_a_full_site_holds():
    changes = {
        POTENTIAL: sites((3.9, 0.5, 1.0), (3.0, 0.5, 1.0)),
        "cathode.exchange_current_stoichiometry": 0.5,
        "cathode.initial_stoichiometry": 0.3,
    }
    result, step = run(CONSTANT_D, ["Hold at 2.6 V until C/100"], changes)
    assert step["Outcome"] == "reached"
    assert voltages(result) == pytest.approx(2.6, abs=2e-4)


IDEAL = {
    POTENTIAL: sites((3.8, 1.0, 1.0)),
    "cathode.exchange_current_stoichiometry": 0.5,
}


def test_a_hold_near_an_empty_site_ends_by_its_current():
    steps = [
        "Charge at C/10 until 4.3 V",
        "Rest for 1 hour",
        "Hold at 4.3 V until C/1000",
    ]
    changes = IDEAL | {"cathode.initial_stoichiometry": 0.5}
    result, step = run(CONSTANT_D, steps, changes)
    assert step["Outcome"] == "reached"
    held = result.curves["Step number"].values.ravel() == 3
    V = result.curves["Voltage [V]"].values.ravel()[held]
    assert pytest.approx(4.3, abs=2e-4) == V


def test_no_part_of_the_film_is_overfull():
    steep = [
        {"amplitude": "-1 V", "center": 1.0, "width": 0.01},
        {"amplitude": "1 V", "center": 0.0, "width": -0.01},
    ]
    law = {"polynomial": [3.45, -0.0078], "exponentials": steep, "range": [0.0, 1.0]}
    changes = {
        "cathode.diffusivity": {"self_diffusivity": "3e-16 m2/s"},
        "cathode.thickness": "200 nm",
        POTENTIAL: law,
    }
    result, _ = run(CONSTANT_D, ["Discharge at 3.57C for 1 hour"], changes)
    assert float(result.curves["Stoichiometry"].max()) < 1.021


def test_migration_does_not_overfill_the_collector_face():
    steps = ["Charge at C/5 until 4.2 V", "Discharge at 1C until 3 V"]
    result, _ = run(RAIJMAKERS, steps, {"cathode.transference": 0.9})
    for name in ("Stoichiometry", "Collector stoichiometry"):
        assert float(result.curves[name].max()) < 1.021


def test_a_share_of_equilibrium_is_that_of_the_potential_solved():
    result, step = run("lco-lipon-li-danilov2011", ["Charge at C/10 until 4.5 V"])
    assert step["Of equilibrium capacity [%]"] == pytest.approx(99.87, abs=0.02)
    assert any("its source covers" in words for words in result.warnings)


@pytest.mark.parametrize("kelvin", [233.15, 333.15])
def test_an_initial_voltage_is_that_of_the_cell_at_its_temperature(kelvin):
    changes = {
        "temperature": kelvin,
        "cathode.entropic_change": 5e-4,
        "cathode.initial_voltage": 4.05,
    }
    result, _ = run(CONSTANT_D, ["Rest for 1 second"], changes)
    assert voltages(result) == pytest.approx(4.05, abs=1e-6)


def test_a_turning_current_loses_no_energy():
    changes = {"electrolyte.electronic_conductivity": "1e-11 S/cm"}
    result, _ = run(CONSTANT_D, ["Hold at 4.14 V for 1000 hours"], changes)
    whole = result.losses.iloc[0]
    assert whole["Energy in [uW.h.cm-2]"] == pytest.approx(1705.26, abs=0.2)
    assert whole["Stored [uW.h.cm-2]"] == pytest.approx(-111.09, abs=0.2)


def test_nothing_ends_a_rest_of_an_empty_film():
    changes = {"cathode.initial_stoichiometry": 0.0}
    result, _ = run(
        CONSTANT_D, ["Rest for 1 hour", "Discharge at C/10 until 3 V"], changes
    )
    rest = result.steps.iloc[0]
    assert (rest["Outcome"], rest["Duration [s]"]) == ("reached", 3600)
    assert rest["End voltage [V]"] == pytest.approx(4.4, abs=1e-3)


def test_time_runs_forwards_whatever_the_potential():
    changes = {
        POTENTIAL: {"polynomial": [1.0, -1.2], "range": [0.0, 1.0]},
        "cathode.initial_stoichiometry": 0.9,
        "cathode.exchange_current_stoichiometry": 0.5,
        "voltage_limits": ["-1 V", "3 V"],
    }
    _, step = run(CONSTANT_D, ["Charge at 100 uW/cm2 until 0.8 V"], changes)
    assert step["Duration [s]"] >= 0
    assert not step["End mean stoichiometry"] > 0.9  # refused, or charged


def test_a_charge_weaker_than_the_leak_ends_at_the_lower_limit():
    changes = {
        "electrolyte.electronic_conductivity": "1e-11 S/cm",
        "voltage_limits": ["3.0 V", "4.2 V"],
    }
    _, step = run(CONSTANT_D, ["Charge at C/10000 for 10000 hours"], changes)
    assert step["End voltage [V]"] == pytest.approx(3.0, abs=1e-4)
    assert "3 V" in step["Detail"] and "leak" in step["Detail"]


def test_an_ideal_site_empties_as_far_as_the_cut_off():
    _, step = run(CONSTANT_D, ["Charge at C/10 until 4.5 V"], IDEAL)
    assert step["Outcome"] == "reached"
    assert step["Duration [s]"] == pytest.approx(34333, abs=1)


def test_cut_offs_of_different_steps_are_not_compared():
    steps = [
        "Discharge at 1C until 4.0 V",
        "Charge at C/10 until 4.05 V",
        "Discharge at C/10 until 3.5 V",
        "Charge at C/10 until 4.15 V",
        "Discharge at C/10 until 4.1 V",
    ]
    result, _ = run(CONSTANT_D, steps)
    assert set(result.steps["Outcome"]) == {"reached"}


def test_a_number_with_an_exponent_is_one():
    _, step = run(CONSTANT_D, ["Rest for 1.905e+04 seconds"])
    assert step["Duration [s]"] == 19050


@pytest.mark.parametrize(
    ("step", "changes"),
    [
        ("Rest for 1 hour", {"electrolyte.electronic_conductivity": "1e-15 S/cm"}),
        ("Discharge at C/1000 for 0.1 seconds", {}),
    ],
)
def test_books_of_next_to_nothing_balance(step, changes):
    result, _ = run(RAIJMAKERS, [step], changes)
    assert list(result.summary["Outcome"]) == ["reached"]


STEPS = [
    "Charge at C/5 until 4.2 V",
    "Hold at 4.2 V until C/50",
    "Discharge at 1C until 3 V",
]


def test_energies_are_as_good_as_the_voltage_at_a_loose_tolerance():
    cell = tfbsim.load_cell(CONSTANT_D)
    loose = tfbsim.simulate(cell, STEPS, numerics={"rtol": 1e-3})
    tight = tfbsim.simulate(cell, STEPS, numerics={"rtol": 1e-9})
    names = "Mean discharge voltage [V]", "Energy efficiency [%]"
    V, share = (abs(loose.summary[n][0] - tight.summary[n][0]) for n in names)
    assert V < 1e-3
    assert share < 0.1
    whole = loose.losses.set_index("Step number").loc[0]
    assert whole[names[1]] == pytest.approx(loose.summary[names[1]][0], rel=1e-9)


def test_a_hold_says_how_far_it_strayed():
    result, _ = run(CONSTANT_D, STEPS)
    strayed = result.steps["Hold error [mV]"]
    assert 0 <= strayed[1] < 0.2
    assert strayed[[0, 2]].isna().all()


# A film whose D(x) spans decades: a front passes through it
FRONT = {
    POTENTIAL: {
        "polynomial": [3.66, -0.766],
        "exponentials": [
            {"amplitude": "-1 V", "center": 1.0, "width": 0.0621},
            {"amplitude": "1 V", "center": 0.0, "width": -0.02},
        ],
        "range": [0.0, 1.0],
    },
    "cathode.diffusivity": {"self_diffusivity": "2.6e-14 m2/s"},
    "cathode.thickness": "300 nm",
    "cathode.initial_stoichiometry": 0.0,
    "cathode.exchange_current_stoichiometry": 0.5,
}


def test_an_overshoot_about_a_front_is_no_end():
    steps = ["Hold at 2.7 V for 10 minutes", "Hold at 3.3 V for 10 minutes"]
    result, step = run(CONSTANT_D, steps, FRONT)
    assert list(result.steps["Outcome"]) == ["reached", "reached"]
    assert step["End mean stoichiometry"] == pytest.approx(0.4697, abs=1e-3)


def test_a_profile_beyond_the_film_is_said():
    steep = [{"amplitude": "-1 V", "center": 1.0, "width": 0.0489}]
    changes = FRONT | {
        POTENTIAL: FRONT[POTENTIAL]
        | {"polynomial": [4.191, -0.0275], "exponentials": steep},
        "cathode.diffusivity": {"self_diffusivity": "1.43e-15 m2/s"},
        "cathode.thickness": "14 um",
    }
    _, step = run(CONSTANT_D, ["Discharge at 0.3C for 300 seconds"], changes)
    assert step["Outcome"] == "reached"
    assert "finer than the mesh" in step["Detail"]


def test_a_hold_begins_where_volts_lie_within_a_state_s_tolerance():
    changes = IDEAL | {"cathode.initial_stoichiometry": 0.1}
    steps = ["Discharge at 20C for 1 hour", "Hold at 4.3 V until C/1000 or for 2 hours"]
    result, step = run(CONSTANT_D, steps, changes)
    assert "voltage limit" in result.steps["Detail"][0]
    assert step["Outcome"] == "reached"
    assert step["Hold error [mV]"] < 0.2


def test_a_power_that_a_full_film_cannot_give_is_infeasible():
    changes = IDEAL | {"cathode.initial_stoichiometry": 0.9}
    _, step = run(CONSTANT_D, ["Discharge at 30 uW/cm2 for 1000 hours"], changes)
    assert step["Outcome"] == "infeasible"
    assert "cannot give this power" in step["Detail"]


LEAKING = {"electrolyte.electronic_conductivity": "1e-12 S/cm"}


@pytest.mark.parametrize(
    ("step", "volts"),
    [
        ("Rest for 1 hour", 0.0),
        ("Charge at 1 nW/cm2 for 1 hour", 0.3162),
        ("Charge at 1 nA/cm2 for 1 hour", 0.1),
    ],
)
def test_a_bare_collector_blocks_what_the_leak_takes(step, volts):
    """V = i L/sigma, and sqrt(p L/sigma)."""
    changes = LEAKING | {"electrolyte.thickness": "1 um"}
    _, step = run("lco-lipon-steel-ensurge2023", [step], changes)
    assert step["Outcome"] == "reached"
    assert step["End voltage [V]"] == pytest.approx(volts, abs=1e-4)


def test_books_of_little_beside_much_lithium_balance():
    changes = {"cathode.thickness": "20 nm", "anode.lithium": "50 um"}
    changes |= {"electrolyte.electronic_conductivity": "1e-12 S/cm"}
    result, _ = run(CONSTANT_D, ["Hold at 4.0 V for 5 seconds"], changes)
    assert list(result.summary["Outcome"]) == ["reached"]


def test_the_energy_of_a_potential_with_kinks():
    """Next to equilibrium the mean of V is that of U(x)."""
    law = laws.Table((0.0, 0.3, 0.35, 0.7, 0.72, 1.0), (4.2, 4.1, 3.7, 3.68, 3.2, 3.0))
    changes = {
        POTENTIAL: law,
        "cathode.initial_stoichiometry": 0.1,
        "cathode.exchange_current_stoichiometry": 0.5,
        "cathode.thickness": "50 nm",
    }
    result, step = run(CONSTANT_D, ["Discharge at C/100000 until 3.1 V"], changes)
    x = np.linspace(0.1, step["End mean stoichiometry"], 100_001)
    mean = np.trapezoid(law.curve(x), x) / np.ptp(x)
    assert result.summary["Mean discharge voltage [V]"][0] == pytest.approx(
        mean, abs=1e-4
    )


LOSING = {
    "ageing.site_loss_by_oxidation": {"rate": "1e-3 s-1", "potential": "4.2 V"},
    "cathode.initial_voltage": "4.0 V",
}


def test_a_film_without_active_sites_is_an_end():
    steps = ["Hold at 4.0 V for 1000 hours", "Rest for 1 hour"]
    result, step = run(CONSTANT_D, steps, LOSING)
    assert list(result.steps["Outcome"]) == ["infeasible"] * 2
    assert "sites are still active" in step["Detail"]


def test_lost_sites_whose_lithium_costs_more_of_them_are_an_end():
    """The rest fills, the voltage falls, and sites are lost all the faster."""
    changes = {
        POTENTIAL: laws.Table((0.0, 1.0), (3.0, 1.0)),
        "cathode.initial_stoichiometry": 0.5,
        "ageing.site_loss_by_reduction": {
            "rate": "20 s-1",
            "potential": "2 V",
            "transfer_coefficient": 0.5,
            "lithium": "left",
        },
    }
    _, step = run(CONSTANT_D, ["Rest for 1 hour"], changes)
    assert step["Outcome"] == "infeasible"
    assert "loses its sites within 1 ms" in step["Detail"]
    f = 96485.33212 / (8.314462618 * load_cell(CONSTANT_D).temperature)
    at_a_thousand = 2 - np.log(1e3 / 20) / (0.5 * f)  # per second
    assert step["End voltage [V]"] == pytest.approx(at_a_thousand, abs=1e-4)


def test_a_profile_is_of_the_active_sites_in_a_step_that_ends_at_once():
    steps = ["Rest for 1 hour", "Charge at C/10 until 3 V"]
    cell = tfbsim.load_cell(CONSTANT_D).replace(LOSING)
    record = run_case(cell, Protocol(parse_cycle(steps, cell)))
    before, at_once = (step.trace for step in record.cycles[0].steps)
    assert len(at_once.t) == 1
    assert at_once.profiles[0] == pytest.approx(before.profiles[-1], abs=1e-12)


def test_a_part_of_a_profile_does_not_begin_beyond_the_cells_limits():
    """The current of the second part costs volts; what the first did stays."""
    changes = {"contact_resistance": "1000 ohm cm2", "voltage_limits": ["3 V", "4.3 V"]}
    table = {"Time [s]": [0, 10, 20], "Current [uA/cm2]": [10, 2000, 2000]}
    profile = {"profile": table, "interpolation": "stepwise"}
    result, step = run(RAIJMAKERS, ["Rest for 1 second", profile], changes)
    assert step["Outcome"] == "infeasible"
    assert step["Detail"] == "the cell's voltage limit of 3 V came first"
    assert step["Duration [s]"] == pytest.approx(10)
    assert voltages(result).min() > 3


CAPACITIVE = {
    "electrolyte.relative_permittivity": 21.2,
    "electrolyte.thickness": "2.72835 um",
    "electrolyte.electronic_conductivity": "8.21106e-16 S/cm",
    "cathode.film_resistance": "0.141675 Ohm cm2",
    "cathode.thickness": "0.157088 um",
    "cathode.diffusivity": "1.648e-15 m2/s",
    "anode.exchange_current_activation_energy": "0.865 eV",
    "temperature": "28.9 degC",
}


def test_a_cell_with_a_capacitance_begins_where_volts_lie_within_rounding():
    steps = ["Discharge at 3.108C for 31994 seconds", "Charge at 0.01229C until 2.2894 V"]
    result, _ = run("tis2-lipon-li", steps, CAPACITIVE)
    assert list(result.steps["Outcome"]) == ["infeasible", "reached"]
    assert voltages(result)[-1] == pytest.approx(2.2894, abs=1e-4)


def test_an_empty_film_is_charged_by_oxidation_of_the_electrolyte_alone():
    oxidation = {
        "current": "0.010283 uA/cm2",
        "reservoir": "0.181591 uAh/cm2",
        "potential": "3.917 V",
        "transfer_coefficient": 0.899,
    }
    changes = {
        "cathode.initial_stoichiometry": 0.0,
        "ageing.electrolyte_oxidation": oxidation,
    }
    _, step = run(CONSTANT_D, ["Charge at 30C for 170 seconds"], changes)
    assert step["Outcome"] == "infeasible"


def test_a_double_layer_is_that_of_the_cell_as_made_whatever_the_first_step():
    changes = {
        "cathode.double_layer_capacitance": "1.7 uF/cm2",
        "cathode.entropic_change": "-0.289 mV/K",
    }
    steps = ["Charge at 1C until 3.5 V", "Discharge at 3C for 1 second at -19.9 degC"]
    result, _ = run(CONSTANT_D, steps, changes)
    assert list(result.steps["Outcome"]) == ["reached", "reached"]
    assert result.summary["Lithium balance error"].iloc[0] < 1e-8
    assert result.summary["Outcome"].iloc[0] == "reached"


def test_a_negative_rate_is_told_to_say_which_way():
    cell = tfbsim.load_cell(CONSTANT_D)
    with pytest.raises(ValueError, match="say charge or discharge"):
        parse_cycle(["Discharge at -1C until 3 V"], cell)


def test_a_hold_at_the_edge_of_a_plateau_holds():
    changes = {
        POTENTIAL: sites((3.86, 0.5848, 0.84), (2.821, 0.4352, 0.95)),
        "cathode.initial_stoichiometry": 0.92,
        "cathode.thickness": "135 nm",
        "anode.diffusivity": "2.079e-17 m2/s",
        "anode.thickness": "12 um",
    }
    hold = "Hold at 3.2646 V for 950 seconds"
    result, step = run("lco-lipon-si", ["Charge at 50C until 2.39 V", hold], changes)
    assert step["Outcome"] == "reached"
    assert step["Hold error [mV]"] < 0.2
    held = result.curves["Step number"].values.ravel() == 2
    off = result.curves["Voltage [V]"].values.ravel()[held] - 3.2646
    assert np.abs(off).max() < 2e-4


def test_a_current_that_turns_on_a_bare_collector_has_no_lithium_to_strip():
    changes = {
        "anode.lithium": "0 um",
        "anode.collector": "steel",
        "anode.inactive_fraction": 0.001,
        "anode.inactive_from": "plating",
        "cathode.thickness": "1 nm",
        "cathode.initial_stoichiometry": 0.72,
    }
    ramp = {"Time [s]": [0.0, 0.01], "C-rate": [-0.004, 0.02]}
    steps = [{"profile": ramp, "interpolation": "linear"}]
    _, step = run("nmc811-lipon-li", steps, changes)
    assert step["Outcome"] == "lithium exhausted"
    assert step["Duration [s]"] == pytest.approx(0.01 / 6, rel=1e-6)


def test_a_ramp_down_from_a_bare_collector_has_no_lithium_to_strip():
    steps = ["Hold at 2.5 V for 10 seconds", "Sweep to 1.5 V at 20 mV/s"]
    result, step = run("lco-lipon-steel-ensurge2023", steps, LEAKING)
    assert list(result.steps["Outcome"]) == ["reached", "lithium exhausted"]
    assert step["Duration [s]"] == 0


def test_a_slow_ramp_down_from_a_bare_collector_plates_until_its_current_turns():
    """What the cell was charged with last is above its U, by 50 uV."""
    changes = {
        "anode.lithium": "0 um",
        "anode.collector": "copper",
        "anode.inactive_fraction": 0.001,
        "cathode.initial_stoichiometry": 0.37,
        "cathode.thickness": "350 nm",
    }
    steps = ["Charge at 0.2 uW/cm2 until 3.1 V", "Sweep to 3 V at 0.2 mV/s"]
    _, step = run("nmc111-lipon-li", steps, changes)
    assert step["Outcome"] == "lithium exhausted"
    assert 0 < step["Duration [s]"] < 1


@pytest.mark.parametrize("thickness", ["246 nm", "20 nm"])
def test_a_hold_of_a_resistive_film_that_lithium_crosses_at_once(thickness):
    """What drives lithium through it lies within rounding of x."""
    changes = {
        "cathode.thickness": thickness,
        "cathode.initial_stoichiometry": 0.99,
        "anode.lithium": "2 um",
        "cathode.diffusivity": laws.Table((0.0, 1.0), (5e-9, 1.3e-8), True),
        "cathode.electronic_conductivity": laws.Table(
            (0.0, 0.5, 1.0), (3.97e-8, 3.8e-6, 1.36e-6), True
        ),
    }
    _, step = run(CONSTANT_D, ["Hold at 4.2 V for 50000 seconds"], changes)
    assert step["Outcome"] == "reached"
    assert step["Hold error [mV]"] < 0.2


def test_books_of_a_slow_discharge_of_a_film_that_lithium_crosses_at_once():
    """The mean of the film is solved for where rounding of its diffusion is larger."""
    changes = {
        "cathode.thickness": "6.6 nm",
        "cathode.diffusivity": "2e-3 cm2/s",
        "anode.lithium": "0.1 um",
    }
    steps = ["Discharge at C/6750 until 3.9 V"]
    result, step = run(CONSTANT_D, steps, changes | LEAKING)
    assert step["Outcome"] == "reached"
    assert result.summary["Lithium balance error"].max() < 1e-8


@pytest.mark.parametrize("name", [CONSTANT_D, RAIJMAKERS])
@pytest.mark.parametrize("diffusivity", ["1e-9 cm2/s", "1e-2 cm2/s"])
@pytest.mark.parametrize("thickness", ["2 nm", "5 nm"])
def test_a_thin_film_is_a_capacitor_at_low_frequency(name, diffusivity, thickness):
    """R + 1/(i w C), C = F c L/(-dU/dx): rounding of its diffusion is no resistance."""
    cell = load_cell(name).replace(
        {
            "cathode.thickness": thickness,
            "anode.lithium": "0.1 um",
            "cathode.diffusivity": diffusivity,
        }
    )
    frequency = np.array([1e3, 1.0, 1e-2, 1e-3, 1e-6])
    found = tfbsim.impedance(cell, voltage=3.95, frequencies=frequency)
    Z = found.Z
    assert Z.real == pytest.approx(Z.real[0], rel=1e-3)
    C = -1 / (2 * np.pi * frequency * Z.imag)
    assert C[1:] == pytest.approx(C[1], rel=1e-6)
    exact = found.circuit.impedance(frequency)
    assert Z.real == pytest.approx(exact.real, rel=1e-6)
    assert Z.imag == pytest.approx(exact.imag, rel=1e-6)


def test_lithium_of_lost_sites_goes_where_there_is_room():
    changes = {
        "cathode.initial_stoichiometry": 0.97,
        "ageing.site_loss_by_reduction": {
            "rate": "1e-2 s-1",
            "potential": "3.4 V",
            "transfer_coefficient": 0.1,
            "lithium": "left",
        },
    }
    steps = ["Discharge at 1C until 3.3 V", "Rest for 1 hour"]
    result, _ = run(CONSTANT_D, steps, changes)
    assert list(result.steps["Outcome"]) == ["reached", "reached"]
    assert 1 < float(result.curves["Stoichiometry"].max()) < 1 + 1e-5
    assert result.summary["Lithium balance error"].abs().max() < 1e-8


def test_a_diffusivity_that_vanishes_in_a_full_film_is_mirrored_there():
    """What rounding takes beyond the end diffuses back as from before it."""
    psi = laws.DiffusionPotential(laws.PythonLaw(lambda x: 1e-14 * (1 - x)), 1.0)
    d = np.array([0.01, 0.03])
    assert psi(1 + d) - psi(1.0) == pytest.approx(psi(1.0) - psi(1 - d), rel=1e-6)
    full = {"cathode.initial_stoichiometry": 1.0} | {
        "cathode.diffusivity": {"self_diffusivity": "2.6e-14 m2/s"},
        POTENTIAL: FRONT[POTENTIAL],
    }
    _, step = run(CONSTANT_D, ["Rest for 1000 hours"], full)
    assert step["Outcome"] == "reached"


def test_a_face_that_its_double_layer_empties_has_an_end():
    """At the end of the hold it is empty, and its double layer still discharges."""
    changes = {
        "cathode.thickness": "38 nm",
        "cathode.initial_stoichiometry": 0.5,
        "anode.thickness": "620 nm",
        "anode.diffusivity": {"self_diffusivity": "3.272e-17 m2/s"},
        "anode.open_circuit_potential": {
            "polynomial": [1.592, -0.0166],
            "exponentials": [{"amplitude": "-1 V", "center": 1.0, "width": 0.0855}],
            "range": [0.0, 1.0],
        },
        "anode.initial_stoichiometry": 0.28,
        "anode.exchange_current_stoichiometry": 0.14,
        "anode.double_layer_capacitance": "172 uF/cm2",
        "anode.transference": 0.219,
        "voltage_limits": ["0 V", "6 V"],
    }
    steps = ["Hold at 0.9 V for 1 second", "Charge at C/50 for 2 seconds"]
    result, step = run("lco-lipon-si", steps, changes)
    assert step["Outcome"] == "infeasible"
    assert "the anode's surface is empty" in step["Detail"]
    surface = result.curves["Anode surface stoichiometry"].values.ravel()
    assert np.nanmin(surface) == pytest.approx(-0.02, abs=1e-6)


def test_a_spectrum_of_a_film_that_loses_its_sites_says_so():
    """2e-5 of them each second, at its potential, for 1000 s."""
    changes = {
        "cathode.initial_voltage": "4.0 V",
        "ageing.site_loss_by_oxidation": {
            "rate": "2e-5 s-1",
            "potential": "4.0 V",
            "transfer_coefficient": 0.5,
        },
    }
    _, step = run(CONSTANT_D, ["EIS 1 mHz to 1 kHz, 2 per decade"], changes)
    assert "loses 2 % of its sites in a period of 0.001 Hz" in step["Detail"]
    _, step = run(CONSTANT_D, ["EIS 10 mHz to 1 kHz, 2 per decade"], changes)
    assert not step["Detail"]


def test_a_peak_of_the_electron_path_that_the_mesh_does_not_resolve_is_said():
    """sigma_e of a consistent set is least where U(x) is steepest."""
    changes = {"cathode.electron_path": "consistent", "cathode.transference": 0.4}
    step = "Discharge at C/10 until 3 V"
    _, coarse = run(RAIJMAKERS, [step], changes)
    assert "the voltage is good to 0.005 V: its electron path" in coarse["Detail"]
    cell = load_cell(RAIJMAKERS).replace(changes)
    fine = tfbsim.simulate(cell, [step], numerics=tfbsim.Numerics(points=600))
    assert not fine.steps["Detail"].iloc[-1]


def test_what_is_consumed_at_a_face_that_migration_empties_has_an_end():
    """Charging fills it by i - i_sei, and migration takes t_i i on."""
    changes = {
        "voltage_limits": ["-9 V", "9 V"],
        "anode.transference": 0.5,
        "anode.initial_stoichiometry": 0.02,
        "ageing.lithium_consumption": {"current": "100 uA/cm2"},
    }
    steps = ["Charge at 150 uA/cm2 for 1 hour"]
    result, step = run("lmo-lipon-lto", steps, changes)
    assert step["Outcome"] == "infeasible"
    assert "the anode's surface is empty" in step["Detail"]
    surface = result.curves["Anode surface stoichiometry"].values.ravel()
    assert np.nanmin(surface) >= -3.1e-6


@pytest.mark.parametrize("area", ["1 um2", "1 m2"])
def test_a_power_next_to_the_largest_of_a_cell_of_any_size(area):
    """V^2/(4 R) of 4.15 V behind 1e6 ohm cm2, beside which no other loss counts."""
    changes = {"area": area, "contact_resistance": "1e6 ohm cm2"}
    most = 4.15**2 / 4  # uW/cm2
    below, above = f"{0.999 * most} uW/cm2", f"{1.001 * most} uW/cm2"
    steps = [f"Discharge at {power} for 1 second" for power in (below, above)]
    result, _ = run(CONSTANT_D, steps, changes)
    assert list(result.steps["Outcome"]) == ["reached", "infeasible"]
    exact = 4.15 / 2 * (1 + 0.001**0.5)
    assert voltages(result)[0] == pytest.approx(exact, abs=0.01)


def test_a_charge_of_a_bare_collector_past_its_cut_off_strips_nothing():
    step = "Charge at C/5 until 4.2 V at -20 degC"
    _, step = run("lco-lipon-steel-ensurge2023", [step])
    assert (step["Outcome"], step["Duration [s]"]) == ("reached", 0)
    assert step["Detail"].startswith("reached at once: 4.6")


def test_a_profile_of_thousands_of_rows_is_one_trace():
    """Charge counted over all of its rows, each jump seen from both sides."""
    C_rate = np.resize([0.1, -0.2, 0.0, 0.3, -0.15], 2000)
    table = {"Time [s]": np.arange(2001.0).tolist()}
    table["C-rate"] = np.append(C_rate, 0.0).tolist()
    profile = {"profile": table, "interpolation": "stepwise"}
    result, step = run(CONSTANT_D, [profile])
    assert (step["Outcome"], step["Duration [s]"]) == ("reached", 2000)
    one_c = 670.03702861  # uA/cm2
    passed = C_rate.clip(0).sum() / 3600 * one_c
    assert step["Discharge [uA.h.cm-2]"] == pytest.approx(passed, rel=1e-9)
    t = result.curves["Time [s]"].values.ravel()
    jumps = np.flatnonzero(np.diff(t) == 0)
    assert len(jumps) == 1999


def test_a_film_that_levels_out_in_a_rest_has_no_boundary_layer():
    changes = {
        "cathode.thickness": "1 um",
        "ageing.site_loss_by_reduction": {"rate": "1 h-1", "potential": "3.8 V"},
    }
    steps = ["Discharge at 5C until 3.6 V", "Rest for 100 hours"]
    _, step = run(CONSTANT_D, steps, changes)
    assert step["Detail"] == "less than 0.1 % of the film's sites are still active"

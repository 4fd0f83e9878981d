"""Cells and protocols at the edges: where a step ends, and what may be believed.

Each right value is known from a tighter run, a finer mesh, or a closed form.
"""

from __future__ import annotations

import numpy as np
import pytest

import tfbsim

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

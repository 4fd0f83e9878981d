"""Voltage ramps, profiles and ends by charge against exact solutions.

Slab whose U(x) is straight, U = U_0 - k x, kinetics and ohmic drops next to nothing: a
ramp -s of the voltage gives the surface a(t) = s t/k, and the current (Crank, The
Mathematics of Diffusion, 1975, eq. 4.17, differentiated)

    i = F a L [1 - (8/pi^2) sum_n exp(-(2n+1)^2 pi^2 D t/(4 L^2))/(2n+1)^2],  a = c s/k.

Ideal lattice in a half-space: peak 0.4463 F c sqrt(f s D), 1.109/f below U_0 on discharge
(Nicholson & Shain, Anal. Chem. 36 (1964) 706); in a thin film F c L s f/4 at U_0.
"""

from __future__ import annotations

import numpy as np
import pytest

import tfbsim
from tfbsim import load_cell
from tfbsim.materials.laws import FARADAY, GAS_CONSTANT, MultiSite, Table
from tfbsim.numerics import Numerics

F_RT = FARADAY / (GAS_CONSTANT * 298.15)
FINE = Numerics(points=600)
NO_LOSSES = {
    "temperature": 298.15,
    "reference_temperature": 298.15,
    "contact_resistance": 0.0,
    "cathode.exchange_current": 3e3,
    "cathode.film_resistance": 0.0,
    "cathode.diffusivity": 1e-15,
    "cathode.diffusivity_scale": 1.0,
    "cathode.transference": 0.0,
    "electrolyte.conductivity": 0.1,
    "anode.exchange_current": 3e3,
    "anode.film_resistance": 0.0,
}
D, L = 1e-15, 1e-6


@pytest.fixture(scope="module")
def straight():
    """U = 4.5 V - 1 V x, from x = 0.5."""
    x = tuple(np.linspace(0, 1, 21))
    law = Table(x, tuple(4.5 - np.array(x)))
    changes = {
        "cathode.open_circuit_potential": law,
        "cathode.initial_stoichiometry": 0.5,
        "cathode.thickness": L,
        "anode.lithium": 2e-6,
    }
    return load_cell("lco-lipon-li-raijmakers2020").replace(NO_LOSSES | changes)


def ideal(thickness):
    """One site at 4 V of ideal width, charged to 4.2 V."""
    law = MultiSite(U=(4.0,), X=(1.0,), omega=(1.0,))
    changes = {
        "cathode.open_circuit_potential": law,
        "cathode.initial_voltage": 4.2,
        "cathode.exchange_current_stoichiometry": 0.5,
        "cathode.thickness": thickness,
        "anode.lithium": 2 * thickness,
    }
    return load_cell("lco-lipon-li-raijmakers2020").replace(NO_LOSSES | changes)


def curves(result, step=1):
    """Time [s], voltage [V] and current density [A/m2] of a step."""
    one = result.curves.isel(case=0, cycle=0)
    here = (one["Step number"] == step).values
    found = [one[n].values[here] for n in ("Time [s]", "Voltage [V]")]
    return *found, one["Current density [uA.cm-2]"].values[here] / 100


def test_ramped_surface_of_a_slab(straight):
    s = 1e-3  # V/s; L^2/D = 1000 s
    result = tfbsim.simulate(straight, ["Sweep to 3.7 V at 1 mV/s"], numerics=FINE)
    t, V, i = curves(result)
    assert pytest.approx(4.0 - s * t, abs=1e-6) == V
    a = straight.cathode.c_sites * s / 1.0
    n = 2 * np.arange(200)[:, None] + 1
    series = np.exp(-(n**2) * np.pi**2 * D * t / (4 * L**2)) / n**2
    exact = FARADAY * a * L * (1 - 8 / np.pi**2 * series.sum(axis=0))
    late = t > 10
    assert i[late] == pytest.approx(exact[late], rel=2e-3)


def test_a_thin_film_is_a_capacitor(straight):
    """i = F c L s/k, after many diffusion times, on discharge and on charge."""
    thin = straight.replace({"cathode.thickness": 1e-8})
    steps = ["Sweep to 3.8 V at 1 mV/s", "Sweep to 4.0 V at 1 mV/s"]
    result = tfbsim.simulate(thin, steps, numerics=FINE)
    exact = FARADAY * thin.cathode.c_sites * 1e-8 * 1e-3
    for step, sign in ((1, 1), (2, -1)):
        t, _, i = curves(result, step)
        assert i[t - t[0] > 20] == pytest.approx(sign * exact, rel=1e-4)


def test_randles_sevcik_peak():
    s, thick = 1e-3, 2e-5
    cell = ideal(thick)
    result = tfbsim.simulate(cell, ["Sweep to 3.8 V at 1 mV/s"], numerics=FINE)
    _, V, i = curves(result)
    peak = 0.4463 * FARADAY * cell.cathode.c_sites * np.sqrt(F_RT * s * D)
    assert i.max() == pytest.approx(peak, rel=5e-3)
    assert V[i.argmax()] == pytest.approx(4.0 - 1.109 / F_RT, abs=1.5e-3)


def test_peak_of_a_thin_film():
    s, thin = 1e-4, 1e-8
    cell = ideal(thin)
    result = tfbsim.simulate(cell, ["Sweep to 3.8 V at 0.1 mV/s"])
    _, V, i = curves(result)
    exact = FARADAY * cell.cathode.c_sites * thin * s * F_RT / 4
    assert i.max() == pytest.approx(exact, rel=1e-3)
    assert V[i.argmax()] == pytest.approx(4.0, abs=2e-3)


def test_a_ramp_goes_on_from_the_voltage_there_is(straight):
    steps = ["Sweep to 3.9 V at 1 mV/s", "Sweep to 4.0 V at 2 mV/s", "Rest for 10 s"]
    result = tfbsim.simulate(straight, steps)
    assert list(result.steps["Duration [s]"]) == pytest.approx([100, 50, 10], rel=1e-6)
    assert set(result.summary["Outcome"]) == {"reached"}
    assert result.summary["Lithium balance error"].max() < 1e-8


# --- Ends by charge --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "charge"),
    [
        ("Discharge at 1C until 10 uAh/cm2", 10.0),
        ("Discharge at 200 uW/cm2 until 10 uAh/cm2", 10.0),
        ("Hold at 3.9 V until 5 uAh/cm2", 5.0),
        ("Discharge at C/2 until 5 % of 1C", None),
        ("Sweep to 3.5 V at 1 mV/s until 5 uAh/cm2", 5.0),
    ],
)
def test_a_step_ends_by_its_charge(straight, sentence, charge):
    result = tfbsim.simulate(straight, [sentence])
    if charge is None:
        charge = 0.05 * straight.one_c_current_density * 100
    row = result.steps.iloc[0]
    passed = row["Discharge [uA.h.cm-2]"] + row["Charge [uA.h.cm-2]"]
    assert passed == pytest.approx(charge, rel=1e-5)
    assert row["Outcome"] == "reached"


# --- Profiles --------------------------------------------------------------------------


def test_a_stepwise_profile_is_the_same_as_its_steps(straight):
    step = {
        "profile": {"Time [s]": [0, 60, 120, 180], "Current [uA]": [50, 0, -20, 0]},
        "interpolation": "stepwise",
    }
    steps = [
        f"Discharge at {50} uA for 60 s",
        "Rest for 60 s",
        "Charge at 20 uA for 60 s",
    ]
    one = tfbsim.simulate(straight, [step]).steps.iloc[-1]
    many = tfbsim.simulate(straight, steps).steps.iloc[-1]
    for name in ("End voltage [V]", "End surface stoichiometry"):
        assert one[name] == pytest.approx(many[name], abs=1e-6)
    assert one["Outcome"] == "reached" and one["Duration [s]"] == pytest.approx(180)


def test_a_linear_profile_passes_its_integral(straight):
    step = {"profile": {"Time [min]": [0, 2, 6], "Current [mA]": [0, 0.3, 0.1]}}
    result = tfbsim.simulate(straight, [step])
    charge = 1e3 * (0.15 * 2 + 0.2 * 4) / 60 / straight.area / 1e4  # uAh/cm2
    found = result.steps["Discharge [uA.h.cm-2]"].iloc[0]
    assert found == pytest.approx(charge, rel=1e-6)
    t, _, i = curves(result)
    exact = np.interp(t, [0, 120, 360], [0, 0.3e-3, 0.1e-3]) / straight.area
    assert i == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_the_battery_data_format_has_charge_positive(straight):
    step = {"profile": {"Test Time / s": [0, 60], "Current / A": [1e-5, 1e-5]}}
    result = tfbsim.simulate(straight, [step])
    assert result.steps["Charge [uA.h.cm-2]"].iloc[0] > 0


def test_pulses_are_repeated_until_a_cut_off(straight):
    pulse = {
        "profile": {"Time [s]": [0, 10, 60], "C-rate": [2, 0, 0]},
        "interpolation": "stepwise",
        "scale": 2,
        "repeat": True,
        "lower": "3.8 V",
    }
    row = tfbsim.simulate(straight, [pulse]).steps.iloc[0]
    assert row["Outcome"] == "reached"
    assert row["End voltage [V]"] == pytest.approx(3.8, abs=1e-4)
    assert row["Duration [s]"] > 60
    assert row["End current [uA.cm-2]"] == pytest.approx(
        400 * straight.one_c_current_density, rel=1e-6
    )

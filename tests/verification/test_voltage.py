"""The voltage and its parts, recomputed by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.solver.engine import engine

FARADAY, GAS_CONSTANT = laws.FARADAY, laws.GAS_CONSTANT
AREA = 1e-4


def lossy(ideal, alpha_p=0.5, alpha_n=0.5):
    """Every loss at once, none of them small, away from the reference temperature."""
    return ideal.replace(
        {
            "temperature": 313.15,
            "contact_resistance": 2e-3,
            "cathode.exchange_current": 3.0,
            "cathode.exchange_current_stoichiometry": 0.6,
            "cathode.exchange_current_activation_energy": 4e4,
            "cathode.anodic_transfer_coefficient": alpha_p,
            "cathode.film_resistance": 1e-3,
            "cathode.utilisation": 0.8,
            "cathode.active_fraction": 0.9,
            "cathode.transference": 0.2,
            "cathode.electronic_conductivity": 1e-3,
            "cathode.entropic_change": -2e-4,
            "cathode.diffusivity_activation_energy": 3e4,
            "cathode.initial_stoichiometry": 0.2,
            "electrolyte.conductivity": 2e-4,
            "electrolyte.conductivity_activation_energy": 5e4,
            "anode.exchange_current": 2.0,
            "anode.exchange_current_activation_energy": 6e4,
            "anode.anodic_transfer_coefficient": alpha_n,
            "anode.film_resistance": 5e-4,
        }
    )


def arrhenius(E, T, T_ref=298.15):
    return np.exp(E / GAS_CONSTANT * (1 / T_ref - 1 / T))


def butler_volmer(i_an, i_0, alpha_a, T):
    """Overpotential at which the anodic current is i_an, by bracketing."""
    f = FARADAY / (GAS_CONSTANT * T)

    def excess(eta):
        return np.exp(alpha_a * f * eta) - np.exp((alpha_a - 1) * f * eta) - i_an / i_0

    return brentq(excess, -1.0, 1.0, xtol=1e-15, rtol=1e-14)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("alphas", [(0.5, 0.5), (0.3, 0.6), (0.6, 0.5), (0.5, 0.3)])
def test_voltage_is_the_sum_of_its_parts(ideal, run, figure, alphas, direction):
    x_0 = 0.5 - direction * 0.3
    cell = lossy(ideal, *alphas).replace({"cathode.initial_stoichiometry": x_0})
    i, T = direction * 4.0, 313.15
    trace = run(cell, "current", i * AREA, 300.0)
    seen = trace.observed
    x_s = seen["Cathode surface stoichiometry"]
    x_L = seen["Cathode collector stoichiometry"]

    x_ref = 0.6
    i_0 = 3.0 * arrhenius(4e4, T)
    i_0 *= (x_s / x_ref) ** (1 - alphas[0]) * ((1 - x_s) / (1 - x_ref)) ** alphas[0]
    eta_p = np.array([butler_volmer(-i / 0.8, k, alphas[0], T) for k in i_0])
    eta_n = butler_volmer(i, 2.0 * arrhenius(6e4, T), alphas[1], T)
    sigma = 2e-4 * 298.15 / T * arrhenius(5e4, T)
    D = 1e-15 * arrhenius(3e4, T)
    electrons = 1e3 * (0.8 * i / 0.8 * 1e-6 + FARADAY * 5e4 * 0.9 * D * (x_L - x_s))
    U = 4.5 - x_s - 2e-4 * (T - 298.15)
    films = i * (1e-3 / 0.8 + 5e-4)
    contact = i * 2e-3

    V = U + eta_p - eta_n - i * 1e-6 / sigma - electrons - films - contact
    for name, expected in (
        ("Cathode open-circuit potential [V]", U),
        ("Cathode overpotential [V]", eta_p),
        ("Lithium overpotential [V]", eta_n),
        ("Electrolyte voltage drop [V]", i * 1e-6 / sigma),
        ("Electron path voltage drop [V]", electrons),
        ("Film voltage drop [V]", films),
        ("Contact voltage drop [V]", contact),
        ("Voltage [V]", V),
    ):
        worst = np.abs(seen[name] - expected).max()
        figure(f"{name[:-4]}, recomputed", worst, at_most=1e-9, unit="V")
    # Every part is there to be seen, and on discharge costs voltage
    for part in (-eta_p[0], eta_n, electrons[-1], films, contact):
        assert part * direction > 1e-3


def test_infinitely_slow_discharge_is_the_open_circuit_potential(raijmakers, run, figure):
    cell = raijmakers.replace({"cathode.initial_stoichiometry": 0.6})
    current = 1e-6 * cell.one_c_current
    per_x = FARADAY * cell.site_inventory * float(cell.area)
    trace = run(cell, "current", current, 0.35 * per_x / current)
    x = trace.observed["Cathode mean stoichiometry"]
    assert x[-1] == pytest.approx(0.95, abs=1e-6)
    U = cell.cathode.open_circuit_potential(x)
    worst = np.abs(trace.observed["Voltage [V]"] - U).max()
    figure("Discharge at 1e-6 C, against U(x)", 1e6 * worst, at_most=1.0, unit="uV")
    assert np.ptp(U) > 0.1


def test_rest_starts_at_the_open_circuit_potential(raijmakers, run):
    trace = run(raijmakers, "current", 0.0, 3600.0)
    U = raijmakers.cathode.open_circuit_potential(raijmakers.cathode.x_initial)
    assert np.abs(trace.observed["Voltage [V]"] - U).max() < 1e-9


@pytest.mark.parametrize("T", [263.15, 298.15, 333.15])
@pytest.mark.parametrize("i", [2.0, -0.5])
def test_lipon_alone(ideal, run, figure, T, i):
    """i L_e/sigma, sigma T Arrhenius: 2e-6 S/cm and 0.55 eV at 25 degC."""
    electronvolt = 96485.33212331001  # J/mol
    film = {
        "electrolyte.thickness": 1.5e-6,
        "electrolyte.conductivity": 2e-4,
        "electrolyte.conductivity_activation_energy": 0.55 * electronvolt,
    }
    sigma = 2e-4 * 298.15 / T * arrhenius(0.55 * electronvolt, T)
    with_film = run(ideal.replace(film), "current", i * AREA, 1.0, temperature=T)
    without = run(ideal, "current", i * AREA, 1.0, temperature=T)
    drop = with_film.observed["Electrolyte voltage drop [V]"]
    worst = np.abs(drop / (i * 1.5e-6 / sigma) - 1).max()
    figure("LiPON alone, i L_e/sigma at -10 to 60 degC: relative", worst, at_most=1e-10)
    lost = without.observed["Voltage [V]"][0] - with_film.observed["Voltage [V]"][0]
    assert lost == pytest.approx(i * 1.5e-6 / sigma, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 0.3])
def test_charge_mirrors_discharge_only_for_alpha_one_half(ideal, run, figure, alpha):
    cell = ideal.replace(
        {
            "cathode.diffusivity": 1e-4,  # the surface is the mean
            "cathode.exchange_current": 1.0,
            "cathode.anodic_transfer_coefficient": alpha,
            "anode.exchange_current": 0.7,
            "anode.anodic_transfer_coefficient": alpha,
        }
    )
    out, back = (run(cell, "current", i * AREA, 1.0).observed for i in (3.0, -3.0))
    for name in ("Cathode overpotential [V]", "Lithium overpotential [V]"):
        mirrored = abs(out[name][0] + back[name][0])
        assert abs(out[name][0]) > 0.03
        assert mirrored < 1e-9 if alpha == 0.5 else mirrored > 1e-2
    middle = (out["Voltage [V]"][0] + back["Voltage [V]"][0]) / 2
    if alpha == 0.5:
        figure(
            "Charge and discharge about U(x), alpha = 1/2",
            middle - 4.0,
            at_most=1e-9,
            unit="V",
        )


def test_plating_is_faraday(ideal, run, figure):
    cell = ideal.replace(
        {
            "cathode.thickness": 20e-6,
            "cathode.diffusivity": 1e-8,
            "cathode.initial_stoichiometry": 0.9,
        }
    )
    i = -10.0  # 1 mAh/cm2 in one hour
    trace = run(cell, "current", i * AREA, 3600.0)
    thickness = trace.observed["Lithium thickness [m]"]
    expected = 10e-6 - i * trace.t * 13.0e-6 / FARADAY
    worst = np.abs(thickness / expected - 1).max()
    figure(
        "Lithium thickness by Faraday, 4.85 um per mAh/cm2: relative",
        worst,
        at_most=1e-10,
    )
    assert thickness[-1] - thickness[0] == pytest.approx(4.85e-6, rel=1e-3)


def test_cell_without_lithium_is_plated_from_the_cathode(ideal, run):
    cell = ideal.replace({"anode.lithium": 0.0, "cathode.initial_stoichiometry": 0.9})
    trace = run(cell, "current", -1.0 * AREA, 1000.0)
    assert trace.event is None
    thickness = trace.observed["Lithium thickness [m]"]
    assert thickness[0] == 0
    assert thickness == pytest.approx(trace.t * 13.0e-6 / FARADAY, rel=1e-10, abs=1e-18)


@pytest.mark.parametrize("mode", ["voltage", "power"])
def test_a_hold_and_a_power_are_held(ideal, run, figure, mode):
    cell = lossy(ideal, 0.3, 0.6)
    target = {"voltage": 4.1, "power": 4e-4}[mode]
    seen = run(cell, mode, target, 600.0).observed
    held = seen["Voltage [V]"] * (seen["Current [A]"] if mode == "power" else 1)
    worst = np.abs(held / target - 1).max()
    figure("A hold and a power are held: relative", worst, at_most=1e-8)
    assert np.ptp(seen["Current [A]"]) > 1e-6


def test_temperature_of_a_step_is_an_input(ideal, run):
    """The same cell, colder, loses more: D, i_0 and sigma are all activated."""
    cell = lossy(ideal)
    cold, warm = (
        run(cell, "current", 2.0 * AREA, 60.0, temperature=T).observed["Voltage [V]"][-1]
        for T in (293.15, 333.15)
    )
    assert warm - cold > 0.05
    numerics = Numerics(rtol=1e-10, atol=1e-12)
    assert engine(cell.structure, numerics) is engine(cell.structure, numerics)

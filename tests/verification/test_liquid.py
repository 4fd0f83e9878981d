"""A liquid in place of the film: depletion, Sand's time, its voltage, its conversion."""

import numpy as np
import pytest
from scipy.optimize import brentq

from tfbsim import InputError, Numerics, load_cell, simulate
from tfbsim.materials.laws import FARADAY
from tfbsim.yaml_file import shipped

GAS_CONSTANT = 8.314462618
SHARP = Numerics(points=60, rtol=1e-8, atol=1e-10)
FOIL = "Salt concentration at the foil [mol.m-3]"
FILM = "Salt concentration at the film [mol.m-3]"


@pytest.fixture(scope="module")
def liquid():
    """The shipped cell, one word changed, and little salt: 0.1 mA/cm2 deplete it."""
    cell = load_cell("nmc811-lipon-li").replace({"electrolyte.material": "LiClO4-PC"})
    little = {"electrolyte.salt.concentration": "0.5 mmol/L"}
    return cell.replace(little | {"voltage_limits": ["-10 V", "10 V"]})


def limiting(cell):
    salt, L = cell.electrolyte.salt, cell.electrolyte.separator
    return (
        2
        * FARADAY
        * salt.diffusivity
        * salt.concentration
        / ((1 - salt.transference) * L)
    )


def depleted_after(u):
    """D t/L^2 at which one face is empty, by the series of the finite cell."""
    k = np.pi * np.arange(1, 4001, 2)

    def left(tau):
        return 1 - u * (1 - np.sum(8 / k**2 * np.exp(-(k**2) * tau)))

    return brentq(left, 1e-6, 5)


@pytest.mark.parametrize(
    "u, factor", [(1.05, 1.61), (1.2, 1.18), (1.5, 1.03), (2, 1.002)]
)
@pytest.mark.parametrize("way", ["Charge", "Discharge"])
def test_sands_time(liquid, u, factor, way, figure):
    """Above the limiting current a face is empty after Sand's time, and a factor more."""
    salt, L = liquid.electrolyte.salt, liquid.electrolyte.separator
    made = liquid.replace({"cathode.initial_stoichiometry": 1.3})
    step = f"{way} at {u * limiting(made):.10g} A/m2 for 1 hour"
    (row,) = simulate(made, [step], numerics=SHARP).steps.to_dict("records")
    assert row["Outcome"] == "infeasible" and "is depleted" in row["Detail"]
    lasted = row["Duration [s]"] * salt.diffusivity / L**2
    miss = abs(lasted / depleted_after(u) - 1)
    figure("Depletion of a liquid above its limiting current: time", miss, at_most=1e-3)
    # Sand's, of a half-space, in the same measure: pi/(16 u^2)
    assert lasted / (np.pi / 16 / u**2) == pytest.approx(factor, rel=5e-3)


def test_below_the_limiting_current_the_profile_is_straight(liquid, figure):
    i = 0.5 * limiting(liquid)
    result = simulate(liquid, [f"Charge at {i:.10g} A/m2 for 1 minute"], numerics=SHARP)
    last = result.curves.isel(case=0, cycle=0)
    foil, film = (last[name].dropna("sample").values[-1] for name in (FOIL, FILM))
    c_0 = liquid.electrolyte.salt.concentration
    miss = max(abs(foil / c_0 / 0.5 - 1), abs(film / c_0 / 1.5 - 1))
    figure("Steady profile of the salt at half its limiting current", miss, at_most=1e-6)


def test_its_voltage_is_ohmic_and_of_concentration(liquid, figure):
    """At half the limiting current: (1 - t)(2RT/F) ln 3 and the integral of i/kappa."""
    i, salt = 0.5 * limiting(liquid), liquid.electrolyte.salt
    result = simulate(liquid, [f"Charge at {i:.10g} A/m2 for 1 minute"], numerics=SHARP)
    drop = result.curves["Electrolyte voltage drop [V]"].isel(case=0, cycle=0)
    r = np.linspace(0.5, 1.5, 20001) * salt.concentration / salt.peak
    ln = salt.exponent * (np.log(r) + 1 - r) + salt.curvature * (r - 1) ** 2
    kappa = liquid.electrolyte.conductivity * np.exp(ln)
    ohmic = i * liquid.electrolyte.separator * np.trapezoid(1 / kappa, dx=1 / 20000)
    T = liquid.temperature
    ohmic += 2 * (1 - salt.transference) * GAS_CONSTANT * T / FARADAY * np.log(3)
    miss = abs(-drop.dropna("sample").values[-1] / ohmic - 1)
    figure("Voltage of a steady liquid, ohmic and of concentration", miss, at_most=1e-6)


def test_a_rest_levels_the_salt_out(liquid):
    i = 0.5 * limiting(liquid)
    steps = [f"Charge at {i:.10g} A/m2 for 1 minute", "Rest for 1 minute"]
    result = simulate(liquid, steps, numerics=SHARP)
    film = result.curves[FILM].isel(case=0, cycle=0).dropna("sample").values[-1]
    assert film == pytest.approx(liquid.electrolyte.salt.concentration, rel=1e-6)
    assert result.summary["Lithium balance error"].max() < 1e-8


def test_one_word_converts_a_cell(tmp_path):
    solid = load_cell("nmc811-lipon-li")
    text = shipped("models")["nmc811-lipon-li"].read_text()
    path = tmp_path / "liquid.yaml"
    path.write_text(text.replace("material: LiPON", "material: LiClO4-PC"))
    cell = load_cell(path)
    assert cell.electrolyte.salt is not None and cell.cathode.utilisation == 1
    (told,) = [w for w in cell.warnings() if "liquid" in w]
    assert "25 um" in told and "electrolyte.thickness" in told
    same = solid.replace({"electrolyte.material": "LiClO4-PC"})
    assert same.parameters() == cell.parameters()
    thin = cell.replace({"electrolyte.separator": "10 um"})
    assert thin.parameters()["Electrolyte thickness [m]"] == pytest.approx(1e-5)
    back = same.replace({"electrolyte.material": "LiPON"})
    assert back.parameters() == solid.parameters()


def test_a_share_of_a_salt_is_no_liquid():
    cell = load_cell("nmc811-lipon-li")
    with pytest.raises(InputError, match="electrolyte"):
        cell.replace({"electrolyte.salt.concentration": "1 mol/L"})
    with pytest.raises(InputError, match="salt: is missing"):
        cell.replace({"electrolyte.separator": "20 um"})

"""Estimates without a solution, and an optimum known in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tfbsim import load_cell, optimise, saturation_capacity, simulate
from tfbsim.errors import InputError
from tfbsim.materials import laws
from tfbsim.numerics import Numerics

FARADAY = laws.FARADAY
AREA = 1e-4
LCO, NMC = "lco-lipon-li-raijmakers2020", "nmc811-lipon-li"


def apart(cell, c_rate, cut_off):
    """Estimated over simulated capacity, less 1."""
    i = c_rate * cell.one_c_current_density
    result = simulate(cell, [f"Discharge at {c_rate}C until {cut_off} V"])
    simulated = float(result.summary["Discharge capacity [uA.h.cm-2]"].iloc[0])
    return 100 * saturation_capacity(cell, i, cut_off) / simulated - 1


@pytest.mark.parametrize("t_i", [0.0, 0.3])
@pytest.mark.parametrize("c_rate", [0.1, 1, 5])
def test_time_to_saturation_is_exact_at_constant_D(figure, c_rate, t_i):
    cell = load_cell(LCO).replace(
        {
            "cathode.initial_voltage": "4.15 V",
            "cathode.diffusivity": "1e-15 m2/s",
            "cathode.transference": t_i,
        }
    )
    error = apart(cell, c_rate, 3.0)
    figure("Time to surface saturation, D constant: capacity", error, at_most=2e-4)


@pytest.mark.parametrize(
    ("name", "voltage", "cut_off", "limit"),
    [(LCO, 4.15, 3.0, 0.12), (NMC, 4.6, 1.5, 0.02), (NMC, 4.15, 3.0, 0.02)],
)
def test_time_to_saturation_is_near_with_D_of_x(figure, name, voltage, cut_off, limit):
    cell = load_cell(name).replace({"cathode.initial_voltage": f"{voltage} V"})
    for c_rate in (0.1, 1, 5):
        error = apart(cell, c_rate, cut_off)
        figure(f"Quasi-steady estimate, {name}: capacity", error, at_most=limit)


def test_an_estimate_that_may_be_far_off_says_so():
    """From 3.95 V at 5C, D of LiCoO2 changes much within the part that is reached."""
    cell = load_cell(LCO).replace({"cathode.initial_voltage": "3.95 V"})
    with pytest.warns(UserWarning, match=r"the estimate may be 1\d % off") as told:
        error = apart(cell, 5, 3.0)
    assert 0.1 < abs(error) < 1.3 * float(str(told[0].message).split()[4]) / 100
    apart(cell, 0.1, 3.0)  # and slowly, nothing


def test_nothing_goes_in_beyond_the_cut_off(ideal):
    assert saturation_capacity(ideal, 1e3, 4.2) == 0  # starts at 4.0 V
    consistent = ideal.replace(
        {
            "cathode.electronic_conductivity": "1 S/m",
            "cathode.electron_path": "consistent",
        }
    )
    with pytest.raises(ValueError, match="transference"):
        saturation_capacity(consistent, 1.0, 3.6)


def test_the_thickness_of_most_capacity(ideal, figure):
    """At a C-rate i grows with L, and the surface leads by i L/(3 F D): a film of
    L^2 = F c D dx L_0/i_0 holds most."""
    i_0 = 20.0
    cell = ideal.replace({"one_c": i_0, "cathode.initial_stoichiometry": 0.2})
    best = optimise(
        cell,
        "cathode.thickness",
        ("200 nm", "10 um"),
        ["Discharge at 1C until 3.7 V"],
        maximise="Discharge capacity [uA.h.cm-2]",
        numerics=Numerics(points=150, rtol=1e-8, atol=1e-10),
    )
    expected = np.sqrt(FARADAY * 5e4 * 1e-15 * 0.6 * 1e-6 / i_0)
    assert not best.at_bound
    figure(
        "Thickness of most capacity, relative", best.value / expected - 1, at_most=5e-3
    )
    assert best.cell.cathode.thickness == best.value
    assert best.maximum == best.evaluations.iloc[:, 1].max()
    assert list(best.evaluations) == [
        "cathode.thickness [um]",
        "Discharge capacity [uA.h.cm-2]",
    ]


def test_an_optimum_at_a_bound_is_told(ideal):
    steps = ["Discharge at 1 uA/cm2 until 3.7 V"]  # slow: the thicker the more
    best = optimise(
        ideal, "cathode.thickness", ("200 nm", "500 nm"), steps, numerics=Numerics(40)
    )
    assert best.at_bound
    assert best.value == pytest.approx(500e-9, rel=3e-3)


def test_an_end_without_a_value_is_no_optimum(monkeypatch):
    """A film that no charge passes has no mean voltage; the others have."""
    import tfbsim.run.optimise as module

    class Found:
        def __init__(self, L):
            y = np.nan if L > 4e-6 else 4 - np.log(L / 2e-6) ** 2
            self.summary = pd.DataFrame({"Mean discharge voltage [V]": [y]})

    def simulated(cell, *arguments, **named):
        return Found(cell.cathode.thickness)

    monkeypatch.setattr(module, "simulate", simulated)
    how = {"maximise": "Mean discharge voltage [V]", "start": 4}
    best = optimise(LCO, "cathode.thickness", ("1 um", "64 um"), ["Rest for 1 s"], **how)
    assert best.value == pytest.approx(2e-6, rel=2e-3) and not best.at_bound
    assert best.maximum == pytest.approx(4, abs=1e-5)


@pytest.mark.parametrize(
    ("field", "between", "maximise", "words"),
    [
        ("cathode.thicknes", ("1 um", "2 um"), "Outcome", "did you mean"),
        ("cathode.thickness", ("2 um", "1 um"), "Outcome", "rise"),
        ("cathode.thickness", ("1 um", "2 V"), "Outcome", "length"),
        ("cathode.open_circuit_potential", (1, 2), "Outcome", "open_circuit"),
        ("cathode.thickness", ("1 um", "2 um"), "Discharge energy", "did you mean"),
        ("cathode.thickness", ("1 um", "2 um"), "Outcome", "no such column"),
    ],
)
def test_bad_input(ideal, field, between, maximise, words):
    with pytest.raises(InputError, match=words):
        optimise(ideal, field, between, ["Rest for 1 s"], maximise=maximise)

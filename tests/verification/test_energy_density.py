"""Energy per volume against exact solutions."""

import pytest
from scipy.optimize import minimize_scalar

from tfbsim import optimise
from tfbsim.cell.stack import PER_VOLUME_AS_MADE
from tfbsim.materials.laws import FARADAY
from tfbsim.numerics import Numerics

c, D, x_0, x_end = 5e4, 1e-15, 0.2, 0.8  # of the ideal cell, U = 4.5 V - x V
i_0, L_0 = 20.0, 1e-6
AROUND = 3e-6  # m, all layers but the cathode


def energy(L):
    """Of a discharge at 1C [J/m2], from the constant-flux solution at long times.

    x_s = x_0 + i t/(F c L) + a, a = i L/(3 F c D), less a transient whose integral over
    time is i L^3/(45 F c D^2) (sum of 2/(pi k)^4 = 1/45).
    """
    i = i_0 * L / L_0
    lead = i * L / (3 * FARADAY * c * D)
    T = FARADAY * c * L * (x_end - x_0 - lead) / i
    mean = x_0 + lead + (x_end - x_0 - lead) / 2
    return i * ((4.5 - mean) * T + i * L**3 / (45 * FARADAY * c * D**2))


@pytest.fixture(scope="module")
def cell(ideal):
    return ideal.replace(
        {
            "one_c": i_0,
            "cathode.initial_stoichiometry": x_0,
            "electrolyte.density": 2300.0,
            "anode.lithium": 1e-6,
            "stack": {"substrate": {"density": 8000.0, "thickness": AROUND - 2e-6}},
        }
    )


def test_the_thickness_of_most_energy_per_volume(cell, figure):
    best = optimise(
        cell,
        "cathode.thickness",
        ("50 nm", "5 um"),
        ["Discharge at 1C until 3.7 V"],
        maximise=PER_VOLUME_AS_MADE,
        numerics=Numerics(points=150, rtol=1e-8, atol=1e-10),
    )
    exact = minimize_scalar(
        lambda L: -energy(L) / (L + AROUND),
        bounds=(1e-7, 6e-7),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert not best.at_bound
    claim = "Energy per volume at the thickness where it is largest"
    largest = -exact.fun / 3.6e6  # Wh/L
    figure(f"{claim}, relative", best.maximum / largest - 1, at_most=1e-3)
    figure(
        "Thickness of most energy per volume, relative",
        best.value / exact.x - 1,
        at_most=5e-3,
    )

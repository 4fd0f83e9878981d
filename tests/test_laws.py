"""Laws of x: continuation, inverses, and one function for NumPy and PyBaMM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybamm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfbsim import materials
from tfbsim.cell.named import read_material
from tfbsim.materials import laws
from tfbsim.materials.transport import ThermodynamicFactor, diffusion_potential, grid_of

unhurried = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)

LCO = materials.library("cathode")["LCO"].fields["open_circuit_potential"]
LAYERS = ("cathode", "electrolyte", "anode", "collector", "interlayer")
NMC = laws.MultiSite(
    U=(4.18, 3.98, 3.80, 3.66, 3.2, 2.0, 1.6),
    X=(0.15, 0.25, 0.3, 0.28, 0.04, 0.5, 0.48),
    omega=(1.4, 1.6, 2.2, 1.3, 6.0, 0.8, 0.8),
)


def evaluated(symbol_of, x):
    """A law's PyBaMM expression at x."""
    return symbol_of(pybamm.StateVector(slice(0, x.size))).evaluate(y=x[:, None])[:, 0]


# --- Curve ---------------------------------------------------------------------------

CURVES = {
    "table": laws.Table((0.4, 0.5, 0.8, 1.0), (4.3, 4.0, 3.9, 3.2)).curve,
    "rational": LCO.curve,
    "sites": NMC.curve,
}


@pytest.mark.parametrize("name", CURVES)
def test_curve_goes_on_straight(name):
    curve = CURVES[name]
    for end, outwards in ((0, -1), (-1, 1)):
        x, y = curve.x[end], curve.y[end]
        slope = float(curve.slope(x))
        assert slope < 0
        for far in (1e-9, 0.1, 10.0):
            assert curve(x + outwards * far) == pytest.approx(y + slope * outwards * far)
            assert curve.slope(x + outwards * far) == slope


@pytest.mark.parametrize("name", CURVES)
def test_curve_is_the_same_function_in_pybamm(name):
    curve = CURVES[name]
    low, high = curve.x[0], curve.x[-1]
    x = np.linspace(low - 0.2, high + 0.2, 701)
    assert evaluated(curve.symbol, x) == pytest.approx(curve(x), abs=1e-9)


@pytest.mark.parametrize("name", CURVES)
def test_curve_falls_everywhere(name):
    curve = CURVES[name]
    x = np.linspace(curve.x[0] - 0.1, curve.x[-1] + 0.1, 20001)
    assert np.all(np.diff(curve(x)) < 0)
    assert np.all(curve.slope(x) < 0)


@pytest.mark.parametrize("name", CURVES)
def test_slope_is_the_derivative(name):
    curve = CURVES[name]
    x = np.linspace(curve.x[0] + 0.01, curve.x[-1] - 0.01, 37)
    h = 1e-7
    numeric = (curve(x + h) - curve(x - h)) / 2 / h
    assert curve.slope(x) == pytest.approx(numeric, rel=1e-3)


@unhurried
@given(
    st.lists(st.floats(0.01, 1.0), min_size=3, max_size=12),
    st.lists(st.floats(1e-3, 1.0), min_size=12, max_size=12),
)
def test_table_is_monotone_between_and_beyond_its_points(steps, falls):
    x = np.cumsum(steps)
    y = 5 - np.cumsum(falls[: x.size])
    law = laws.Table(tuple(x), tuple(y))
    assert law(x) == pytest.approx(y, abs=1e-12)
    fine = np.linspace(x[0], x[-1], 500)
    assert np.all(np.diff(law(fine)) <= 1e-12)
    assert np.all((law(fine) <= y[0] + 1e-12) & (law(fine) >= y[-1] - 1e-12))


def test_logarithmic_table():
    law = laws.Table((0.2, 0.4, 0.8), (1e-14, 1e-17, 1e-15), logarithmic=True)
    assert law(np.array([0.2, 0.4, 0.8])) == pytest.approx([1e-14, 1e-17, 1e-15])
    assert law(np.array([-1.0, 0.0, 0.9, 2.0])) == pytest.approx(
        [1e-14, 1e-14, 1e-15, 1e-15]
    )
    inside = law(np.linspace(0.2, 0.8, 300))
    assert inside.min() >= 1e-17 * (1 - 1e-9)
    assert inside.max() <= 1e-14 * (1 + 1e-9)


def test_log_polynomial():
    law = laws.LogPolynomial((-15.0, 2.0, -3.0), valid=(0.1, 0.9))
    x = np.array([0.1, 0.5, 0.9])
    assert law(x) == pytest.approx(10 ** (-15 + 2 * x - 3 * x**2), rel=1e-12)
    assert law(np.array([-5.0, 5.0])) == pytest.approx(law(np.array([0.1, 0.9])))


# --- Potentials ----------------------------------------------------------------------


def test_rational_curve_is_the_quotient():
    law = LCO
    x = np.linspace(*law.valid, 5001)
    assert np.abs(law.curve(x) - law(x)).max() < 1e-6
    # Fabre et al. 2012, evaluated from its printed coefficients
    x = 0.7
    num = -219.027 + 322.003 * x**2 - 198.242 * x**4 + 354.911 * x**6
    num += -467.807 * x**8 + 207.168 * x**10
    den = -44.337 + 36.643 * x**2 - 3.430 * x**4 + 113.081 * x**6
    den += -182.567 * x**8 + 80.3097 * x**10
    assert law(x) == pytest.approx(num / den, rel=1e-12)


def test_multi_site_of_one_ideal_site_is_nernst():
    law = laws.MultiSite((3.9,), (1.0,), (1.0,))
    x = np.linspace(0.001, 0.999, 999)
    f = laws.FARADAY / (laws.GAS_CONSTANT * 298.15)
    assert np.abs(law(x) - (3.9 - np.log(x / (1 - x)) / f)).max() < 1e-6


def test_multi_site_width_and_temperature_scale_alike():
    wide = laws.MultiSite((3.9,), (1.0,), (1.2,))
    hot = laws.MultiSite((3.9,), (1.0,), (1.0,), T_ref=1.2 * 298.15)
    U = np.linspace(3.5, 4.3, 50)
    assert wide.stoichiometry(U) == pytest.approx(hot.stoichiometry(U), rel=1e-12)


def test_multi_site_against_its_inverse():
    U = np.linspace(1.4, 4.5, 20001)
    x = NMC.stoichiometry(U)
    resolved = (x > 1e-6 * NMC.x_max) & (x < NMC.x_max * (1 - 1e-6))
    assert resolved.sum() > 15000
    assert np.abs(NMC(x) - U)[resolved].max() < 1e-6
    assert NMC.x_max == pytest.approx(2.0)
    assert np.all(np.diff(x[resolved]) < 0)


def test_multi_site_derivative():
    U = np.linspace(1.4, 4.5, 501)
    h = 1e-5
    numeric = (NMC.stoichiometry(U - h) - NMC.stoichiometry(U + h)) / 2 / h
    assert NMC.capacity_density(U) == pytest.approx(numeric, rel=1e-5, abs=1e-8)
    x = np.linspace(0.01, NMC.x_max - 0.01, 2001)
    reciprocal = -1 / NMC.capacity_density(NMC(x))
    assert NMC.curve.slope(x) == pytest.approx(reciprocal, rel=1e-3)


@st.composite
def sites(draw):
    n = draw(st.integers(1, 6))

    def each(low, high):
        return tuple(draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    # A broad site below the others, as in a real law, bridges the gaps between them
    bridge = draw(st.floats(0.02, 0.2))
    return laws.MultiSite(
        (*each(1.5, 4.7), 3.0), (*each(0.05, 1.0), bridge), (*each(0.5, 4.0), 12.0)
    )


@unhurried
@given(sites())
def test_any_multi_site_law_is_monotone_and_inverts(law):
    lowest, highest = law.curve.y[-1], law.curve.y[0]
    assert lowest < min(law.U) - 0.1
    assert highest > max(law.U) + 0.1
    U = np.linspace(max(lowest, 1.0), min(highest, 5.2), 2001)
    x = law.stoichiometry(U)
    assert np.all(np.diff(x) < 0)
    assert np.all((x > 0) & (x < law.x_max))
    assert np.abs(law(x) - U).max() < 1e-6
    fine = np.linspace(*law.valid, 5001)
    assert np.all(np.diff(law.curve(fine)) < 0)


# --- Diffusion potential -------------------------------------------------------------


def peaked(x):
    return 1e-15 * 10 ** (1.5 * np.sin(7 * x))


DIFFUSIVITIES = {
    "polynomial": laws.LogPolynomial((-14.0, -3.0, 1.0)),
    "table": laws.Table((0.0, 0.3, 0.6, 1.0), (1e-14, 1e-16, 5e-15, 1e-15), True),
    "function": laws.PythonLaw(peaked),
}


@pytest.mark.parametrize("name", DIFFUSIVITIES)
def test_diffusion_potential_and_its_derivative(name):
    law = DIFFUSIVITIES[name]
    psi = laws.DiffusionPotential(law, 1.0)
    assert float(psi(0.0)) == 0.0
    x = np.linspace(0.02, 0.98, 333)
    h = 1e-4
    slope = (psi(x + h) - psi(x - h)) / 2 / h
    assert psi.D_ref * slope == pytest.approx(law(x), rel=2e-3)
    # and exactly, over an interval: the integral of D
    fine = np.linspace(0.2, 0.9, 200001)
    integral = np.trapezoid(law(fine), fine)
    assert psi.D_ref * (psi(0.9) - psi(0.2)) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize("name", DIFFUSIVITIES)
def test_diffusion_potential_inverts(name):
    psi = laws.DiffusionPotential(DIFFUSIVITIES[name], 1.0)
    x = np.linspace(0.0, 1.0, 2001)
    assert np.all(np.diff(psi(x)) > 0)
    assert np.abs(psi.inverse(psi(x)) - x).max() < 1e-6
    # Beyond the film's range too: a solver may overshoot
    beyond = np.array([-0.05, 1.05])
    assert psi.inverse(psi(beyond)) == pytest.approx(beyond, abs=1e-3)


@pytest.mark.parametrize("name", DIFFUSIVITIES)
def test_diffusion_potential_is_the_same_function_in_pybamm(name):
    psi = laws.DiffusionPotential(DIFFUSIVITIES[name], 1.0)
    x = np.linspace(-0.05, 1.05, 400)
    assert evaluated(psi, x) == pytest.approx(psi(x), abs=1e-12)
    # A mesh has one face, so psi is inverted for one value at a time
    for value in psi(x)[::40]:
        (found,) = evaluated(psi.inverse, np.array([value]))
        assert found == pytest.approx(psi.inverse(value), abs=1e-12)


def test_constant_D_is_not_interpolated():
    psi = laws.DiffusionPotential(laws.Constant(3e-15), 1.0)
    assert psi.D_ref == 3e-15
    x = np.linspace(-1, 2, 5)
    assert psi(x) is x
    assert psi.inverse(x) is x


@unhurried
@given(st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=4))
def test_any_log_polynomial_inverts(coefficients):
    law = laws.LogPolynomial((-15.0, *coefficients))
    psi = laws.DiffusionPotential(law, 1.0)
    x = np.linspace(0, 1, 301)
    # In x where D is within three decades of its largest; flatter than that, x is open
    seen = law(x) > 1e-3 * psi.D_ref
    assert np.abs(psi.inverse(psi(x)) - x)[seen].max() < 1e-5
    assert np.all(np.diff(psi(x)) > 0)


# --- Thermodynamic factor ------------------------------------------------------------

POTENTIALS = {
    "two points": laws.Table((0.0, 1.0), (4.5, 3.5)),
    "four points": laws.Table((0.4, 0.5, 0.8, 1.0), (4.3, 4.0, 3.9, 3.2)),
    "rational": LCO,
    "sites": NMC,
}


@pytest.mark.parametrize("name", POTENTIALS)
def test_the_grid_of_a_potential_has_its_nodes_and_no_gaps(name):
    law = POTENTIALS[name]
    x_max = getattr(law, "x_max", 1.0)
    grid = grid_of(law, x_max)
    assert (grid[0], grid[-1]) == (0.0, x_max)
    steps = np.diff(grid)
    assert np.all(steps > 0)
    assert steps.max() <= 1e-3 * x_max * (1 + 1e-9)
    nodes = law.curve.x
    assert np.isin(nodes[(nodes > 0) & (nodes < x_max)], grid).all()


@pytest.mark.parametrize("name", POTENTIALS)
def test_psi_of_a_thermodynamic_factor_inverts(name):
    """Also where U(x) has a few points only, between which D is no straight line."""
    law = POTENTIALS[name]
    x_max = getattr(law, "x_max", 1.0)
    D = ThermodynamicFactor(laws.Constant(1e-17), law, x_max)
    psi = diffusion_potential(law, x_max, D)
    x = np.linspace(0.05, 0.95, 3001) * x_max
    assert np.abs(psi.inverse(psi(x)) - x).max() < 1e-5
    assert np.all(D(x) > 0)


def test_psi_of_a_thermodynamic_factor_of_a_straight_potential():
    """dU/dx = -1 V: D = D_0 f x (1 - x), and psi is a cubic."""
    law = POTENTIALS["two points"]
    D = ThermodynamicFactor(laws.Constant(2e-17), law, 1.0, T=300.0)
    psi = diffusion_potential(law, 1.0, D)
    f = laws.FARADAY / (laws.GAS_CONSTANT * 300.0)
    x = np.linspace(0.0, 1.0, 777)
    exact = 2e-17 * f * (x**2 / 2 - x**3 / 3)
    assert psi.D_ref * psi(x) == pytest.approx(exact, abs=1e-6 * exact[-1])


def test_a_self_diffusivity_may_be_a_law():
    law = POTENTIALS["two points"]
    D_0 = laws.LogPolynomial((-17.0, 1.0))
    constant = ThermodynamicFactor(laws.Constant(1e-17), law, 1.0)
    x = np.linspace(0.1, 0.9, 9)
    found = ThermodynamicFactor(D_0, law, 1.0)(x)
    assert found == pytest.approx(constant(x) * 10**x, rel=1e-12)


FILES = [
    path for folder in materials.__path__ for path in Path(folder).glob("[ace]*/*.yaml")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_material_is_found_by_its_file(path):
    found = materials.library(path.parent.name)[path.stem]
    assert found.name == path.stem
    if path.parent.name != "anode":  # it is one as stands beside a cell
        assert read_material(path) == found


@pytest.mark.parametrize("layer", LAYERS)
def test_every_value_of_the_library_has_a_source(layer):
    for material in materials.library(layer).values():
        assert material.title and material.values
        assert all(value.source for value in material.values.values())

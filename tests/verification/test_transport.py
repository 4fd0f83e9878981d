"""Transport in the film: D, t_i and sigma_e as one set of laws.

The cell is `ideal` of conftest.py, U = 4.5 V - x V, or the shipped NMC811, whose U(x)
falls by 0.1 to 100 V per x.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import casadi
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from sksundae.cvode import CVODE

from tfbsim import load_cell
from tfbsim.errors import InputError
from tfbsim.materials import laws
from tfbsim.numerics import ORDER, Numerics
from tfbsim.physics.lithium import INVENTORY
from tfbsim.solver.discretised import DURATION
from tfbsim.solver.engine import engine
from tfbsim.solver.trace import PROFILE

F, R = 96485.33212, 8.314462618
AREA, L, C, D = 1e-4, 1e-6, 5e4, 1e-15  # of the ideal cell
TIGHT = Numerics(rtol=1e-12, atol=1e-14)
SECOND = (2.0, 0.05)  # the scheme's order, and how near a measured one must come
CONSISTENT = {"cathode.electron_path": "consistent"}


def polynomial(*coefficients):
    """A law 10^(a_0 + a_1 x + ...)."""
    return laws.LogPolynomial(coefficients)


@pytest.fixture(scope="module")
def nmc811():
    return load_cell("nmc811-lipon-li")


# --- Laws of x against constants -------------------------------------------------------


def test_a_constant_law_is_a_constant(ideal, run, figure):
    """sigma_e as a number and as a law; t_i as a number and as a set gives it."""
    t_i = 0.3
    sigma_e = F * C * D / t_i  # dU/dx = -1 V: t_i = F c D/(sigma_e V)
    given = {"cathode.transference": t_i, "cathode.electronic_conductivity": sigma_e}
    law = given | {"cathode.electronic_conductivity": polynomial(np.log10(sigma_e), 0.0)}
    derived = CONSISTENT | {"cathode.electronic_conductivity": sigma_e}
    other = CONSISTENT | {"cathode.transference": t_i}
    V = {}
    for name, changes in zip(
        ("numbers", "law", "t_i", "sigma_e"), (given, law, derived, other), strict=True
    ):
        trace = run(ideal.replace(changes), "current", AREA, 600.0, numerics=TIGHT)
        V[name] = trace.t, trace.observed["Voltage [V]"]
    times = np.linspace(10.0, 600.0, 60)

    def at(name):
        # Not linearly: the solver's steps differ, and so would the misses between them
        t, V_t = V[name]
        return laws.Curve(t, V_t, dense=True)(times)

    # What is left are the solver's own steps
    worst = max(np.abs(at(name) - at("numbers")).max() for name in V)
    claim = "Constant t_i and sigma_e, as laws and as numbers: voltage"
    figure(claim, 1e9 * worst, at_most=2.0, unit="nV")


# --- Laws of x against a spectral solution ---------------------------------------------


def D_of(x):
    """A decade within the film."""
    return 1e-15 * 10 ** (0.3 - np.sin(4 * x) ** 2)


def t_of(x):
    return 0.45 + 0.3 * np.sin(6 * x)


def sigma_of(x):
    """S/m, of which with D_of and U = 4.5 V - x V the t_i above follows."""
    return F * C * D_of(x) / t_of(x)


@pytest.fixture(scope="module")
def of_x(ideal):
    """The ideal cell with D(x) and sigma_e(x), and t_i(x) from them."""
    return ideal.replace(
        CONSISTENT
        | {
            "cathode.diffusivity": laws.PythonLaw(D_of),
            "cathode.electronic_conductivity": laws.PythonLaw(sigma_of),
            "cathode.initial_stoichiometry": 0.3,
        }
    )


def chebyshev(n):
    """Gauss-Lobatto nodes on [0, 1], the differentiation matrix, quadrature weights."""
    k = np.arange(n + 1)
    z = np.cos(np.pi * k / n)
    c = np.where((k == 0) | (k == n), 2.0, 1.0) * (-1.0) ** k
    dz = z[:, None] - z[None, :]
    matrix = np.outer(c, 1 / c) / (dz + np.eye(n + 1))
    matrix -= np.diag(matrix.sum(axis=1))
    # Weights that integrate every Chebyshev polynomial to degree n
    even = np.where(k % 2 == 0, 2 / (1 - np.where(k % 2 == 0, k, 0) ** 2), 0.0)
    weights = np.linalg.solve(np.cos(np.outer(k, np.arccos(z))), even)
    return (1 - z) / 2, -2 * matrix, weights / 2


@cache
def collocated(i, x_0, times, n=64):
    """x at both faces and the integral of (i - F N)/sigma_e dy, by collocation."""
    _, derivative, weights = chebyshev(n)

    def fluxes(x):
        N = -C * D_of(x) * (derivative @ x) / L + t_of(x) * i / F
        N[0], N[-1] = i / F, 0.0
        return N

    solution = solve_ivp(
        lambda _, x: -(derivative @ fluxes(x)) / (L * C),
        (0.0, times[-1]),
        np.full(n + 1, x_0),
        method="BDF",
        t_eval=times,
        rtol=1e-9,
        atol=1e-11,
    )
    profiles = solution.y.T
    path = [L * weights @ ((i - F * fluxes(x)) / sigma_of(x)) for x in profiles]
    return profiles[:, 0], profiles[:, -1], np.array(path)


TIMES = (30.0, 100.0, 300.0, 600.0, 1000.0, 1500.0, 2500.0)
I_OF_X = 0.8  # A/m2


def seen(of_x, run, times, numerics):
    """What :func:`collocated` gives, by the engine."""
    trace = run(of_x, "current", I_OF_X * AREA, times[-1], numerics=numerics)
    names = (
        "Cathode surface stoichiometry",
        "Cathode collector stoichiometry",
        "Electron path voltage drop [V]",
    )
    return [
        laws.Curve(trace.t, trace.observed[name], dense=True)(np.array(times))
        for name in names
    ]


def test_laws_of_x(of_x, run, figure):
    exact = collocated(I_OF_X, 0.3, TIMES)
    assert np.ptp(exact[0]) > 0.3
    x = np.linspace(0.3, 0.8, 99)
    assert np.ptp(t_of(x)) > 0.5
    found = seen(of_x, run, TIMES, Numerics())
    for what, ours, theirs in zip(
        ("U at the surface", "U at the collector", "electron path"),
        found,
        exact,
        strict=True,
    ):
        # The path starts at a few mV, of which it should be good too: 0.1 mV of all
        worst = 1e3 * np.abs(ours - theirs).max()
        claim = f"D(x), t_i(x), sigma_e(x), spectral collocation: {what}"
        figure(claim, worst, at_most=0.1, unit="mV")


def test_laws_of_x_on_volumes_converge_with_the_square_of_the_mesh(of_x, run, figure):
    times = TIMES[:4]
    exact = collocated(I_OF_X, 0.3, times)
    errors = []
    for points in (50, 100, 200):
        numerics = Numerics(points=points, rtol=1e-11, atol=1e-13, mesh="volumes")
        found = seen(of_x, run, times, numerics)
        errors.append([abs(o[-1] - e[-1]) for o, e in zip(found, exact, strict=True)])
    for order in np.log2(np.array(errors[:-1]) / np.array(errors[1:])):
        for k, what in ((0, "surface"), (2, "electron path")):
            claim = f"D(x), t_i(x), sigma_e(x): order of the error, {what}"
            figure(claim, order[k], about=SECOND)


def test_the_collocation_is_converged():
    for coarse, fine in zip(
        collocated(I_OF_X, 0.3, TIMES, 48), collocated(I_OF_X, 0.3, TIMES), strict=True
    ):
        assert np.abs(coarse - fine).max() < 1e-6


def test_laws_of_x_conserve_lithium_and_feed_the_faces(of_x, run, figure):
    numerics = Numerics(points=600, rtol=1e-7, atol=1e-9)  # slopes converge last
    trace = run(of_x, "current", I_OF_X * AREA, 2500.0, numerics=numerics)
    total = trace.observed["Total lithium [mol.m-2]"]
    lost = np.abs(total / total[0] - 1).max()
    figure("D(x), t_i(x): lithium lost, of all", lost, at_most=1e-12)
    # All that enters does so at the electrolyte's face: N(0) = i/F, N(L) = 0
    solver = engine(of_x.structure, numerics)
    gained = (trace.profiles - 0.3) @ solver.weights
    passed = I_OF_X * trace.t / (F * C * L)
    worst = np.abs(gained - passed).max() / passed[-1]
    figure("D(x), t_i(x): lithium gained less charge passed", worst, at_most=1e-9)
    # and the profile has the gradients that the faces' conditions ask for
    for late in (-1, int(np.searchsorted(trace.t, 1250.0))):
        profile = trace.profiles[late]
        for face, name, end in (
            ("electrolyte face", "surface", 0),
            ("collector face", "collector", 1),
        ):
            x_f = trace.observed[f"Cathode {name} stoichiometry"][late]
            # The polynomial of the element at that face
            near = slice(None, ORDER + 1) if end == 0 else slice(-ORDER - 1, None)
            fit = np.polynomial.Polynomial.fit(solver.xi[near], profile[near], ORDER)
            N = -C * D_of(x_f) * fit.deriv()(end) / L + t_of(x_f) * I_OF_X / F
            expected = I_OF_X / F if end == 0 else 0.0
            claim = f"D(x), t_i(x): flux at the {face}, of i/F"
            figure(claim, (N - expected) * F / I_OF_X, at_most=5e-4)


# --- The film as an operator ------------------------------------------------------------


class Film:
    """The engine's own right-hand side: rates and drops at any profile and current."""

    def __init__(self, cell, numerics):
        self.cell = cell
        self.solver = solver = engine(cell.structure, numerics)
        self.built = built = solver.built("current")
        self.inputs = cell.parameters() | {
            f"Initial: {PROFILE}": np.zeros(numerics.nodes),
            f"Initial: {INVENTORY}": 0.0,
            "Current function [A]": 0.0,
            DURATION: 1.0,
            "Lower voltage cut-off [V]": -10.0,
            "Upper voltage cut-off [V]": 10.0,
        }
        self.inputs |= built.constants(self.inputs)
        state, current = (
            casadi.MX.sym("y", built.model.len_rhs_and_alg),
            casadi.MX.sym("I"),
        )
        inputs = self.inputs | {"Current function [A]": current}
        rhs = built.model.concatenated_rhs.to_casadi(
            casadi.MX.sym("t"), state, inputs=inputs
        )
        self.profile = built.slices[PROFILE]
        self._rate = casadi.Function("rate", [state, current], [rhs[self.profile]])

    def _state(self, x):
        y = np.zeros(self.built.model.len_rhs_and_alg)
        y[self.profile] = x
        return y

    def rate(self, x, i):
        """dx/dt of every volume at a current density i [A/m2]."""
        current = i * float(self.cell.area)
        return self._rate(self._state(x), current).full()[:, 0]

    def observed(self, x, i):
        current = {"Current function [A]": i * float(self.cell.area)}
        inputs = self.built.stack(self.inputs | current)
        seen = self.built.observe(self._state(x)[:, None], inputs)
        return {name: float(values[0]) for name, values in seen.items()}

    def dissipation(self, x, i):
        """Power the film turns into heat [W/m2].

        What its lithium gives, less what it delivers behind interface and electron path.
        """
        n, U = self.cell.site_inventory, self.cell.cathode.open_circuit_potential.curve
        released = F * n * (self.solver.weights * U(x)) @ self.rate(x, i)
        seen = self.observed(x, i)
        U_s, path = (
            seen["Cathode open-circuit potential [V]"],
            seen["Electron path voltage drop [V]"],
        )
        return released - i * (U_s - path)


# --- Consistent sets -------------------------------------------------------------------


def largest_miss(cell, x):
    """Of t_i = sigma_i/(sigma_i + sigma_e) and D = t_i sigma_e |dU/dc|/F, relative."""
    cathode = cell.cathode
    found = cathode.transport
    t_i = found.transference(x) if callable(found.transference) else found.transference
    dUdc = -cathode.open_circuit_potential.curve.slope(x)
    dUdc = dUdc / (cathode.c_sites * cathode.active_fraction)
    D = found.diffusivity(x) * cathode.diffusivity_scale
    miss = t_i * found.electronic(x) * dUdc / laws.FARADAY / D - 1
    if cathode.ionic_conductivity is not None:
        sigma_i, sigma_e = cathode.ionic_conductivity(x), found.electronic(x)
        miss = np.abs(miss) + np.abs(t_i * (sigma_i + sigma_e) / sigma_i - 1)
    assert np.all((np.asarray(t_i) > 0) & (np.asarray(t_i) < 1))
    return np.abs(miss).max()


SELF = {"cathode.diffusivity": {"self_diffusivity": "1e-17 m2/s"}}
WAYS = {
    "D and t_i": {"cathode.transference": 0.2},
    "D_0 and t_i": SELF | {"cathode.transference": 0.2},
    "D and sigma_e": {"cathode.electronic_conductivity": "1e-4 S/cm"},
    "D_0 and sigma_e(x)": SELF
    | {
        "cathode.electronic_conductivity": {
            "log10_polynomial": [-6.0, 0.5],
            "unit": "S/cm",
            "range": [0, 2],
        }
    },
    "D, scaled, and t_i": {"cathode.transference": 0.6, "cathode.diffusivity_scale": 3.0},
    "sigma_i and sigma_e": {
        "cathode.ionic_conductivity": {"log10_polynomial": [-9, -1], "range": [0, 2]},
        "cathode.electronic_conductivity": "1e-10 S/cm",
    },
    "part of the sites": SELF
    | {"cathode.transference": 0.2, "cathode.active_fraction": 0.5},
}


@pytest.mark.parametrize("way", WAYS)
def test_two_of_a_set_give_the_third(nmc811, figure, way):
    cell = nmc811.replace(CONSISTENT | WAYS[way])
    x = np.linspace(0.01, 1.99, 4001)
    miss = largest_miss(cell, x)
    figure("Consistent sets: relation of D, t_i and sigma_e", miss, at_most=1e-10)


def test_the_third_gives_the_second_back(nmc811):
    """D and t_i -> sigma_e; D and that sigma_e -> t_i; both conductivities -> D, t_i."""
    x = np.linspace(0.05, 1.95, 500)
    first = nmc811.replace(CONSISTENT | WAYS["D_0 and t_i"]).cathode.transport
    sigma_e = first.electronic
    again = nmc811.replace(
        CONSISTENT
        | SELF
        | {"cathode.electronic_conductivity": laws.PythonLaw(sigma_e, (0.0, 2.0))}
    ).cathode.transport
    assert again.transference(x) == pytest.approx(0.2, rel=1e-10)
    both = nmc811.replace(
        CONSISTENT
        | {
            "cathode.electronic_conductivity": laws.PythonLaw(sigma_e, (0.0, 2.0)),
            "cathode.ionic_conductivity": laws.PythonLaw(
                lambda x: sigma_e(x) * 0.2 / 0.8, (0.0, 2.0)
            ),
        }
    ).cathode.transport
    assert both.transference(x) == pytest.approx(0.2, rel=1e-10)
    assert both.diffusivity(x) == pytest.approx(first.diffusivity(x), rel=1e-10)


def test_a_set_stays_consistent_with_the_temperature(nmc811):
    """t_i is one number or law for all temperatures: D and sigma_e share their E."""
    cell = nmc811.replace(CONSISTENT | WAYS["D and t_i"])
    values = cell.parameters(333.15)
    names = ("diffusivity", "electronic resistivity")
    first, second = (values[f"Cathode {n} activation energy [J.mol-1]"] for n in names)
    assert first == second > 0


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({}, "electron_path", "takes, beside the diffusivity, either transference or"),
        (
            {"cathode.transference": 0.2, "cathode.electronic_conductivity": "1 S/cm"},
            "electron_path",
            "either transference or",
        ),
        (
            {"cathode.ionic_conductivity": "1 S/cm"},
            "electron_path",
            "either transference",
        ),
        (
            {
                "cathode.ionic_conductivity": "1e-9 S/cm",
                "cathode.electronic_conductivity": "1 S/cm",
                "cathode.transference": 0.1,
            },
            "electron_path",
            "either transference",
        ),
        (
            {"cathode.electronic_conductivity": "1e-12 S/cm"},
            "electronic_conductivity",
            "too low for the diffusivity: t_i",
        ),
        (
            {
                "cathode.ionic_conductivity": "1e-9 S/cm",
                "cathode.electronic_conductivity": "1 S/cm",
                "cathode.diffusivity_scale": 2.0,
            },
            "diffusivity_scale",
            "must be 1",
        ),
        (
            {
                "cathode.transference": 0.1,
                "cathode.electronic_conductivity_activation_energy": "0.1 eV",
            },
            "electronic_conductivity_activation_energy",
            "must be that of the diffusivity",
        ),
    ],
)
def test_what_is_no_set_is_refused_in_one_sentence(nmc811, changes, field, words):
    with pytest.raises(InputError) as caught:
        nmc811.replace(CONSISTENT | changes)
    assert str(caught.value).startswith(f"cathode.{field}: ")
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def profiles_of(rng, xi, low, high):
    """A smooth profile between low and high, of five waves."""
    waves = rng.normal(size=5) / (1 + np.arange(5))
    shape = np.cos(np.pi * np.outer(xi, np.arange(1, 6))) @ waves
    shape = (shape - shape.min()) / np.ptp(shape)
    a, b = np.sort(rng.uniform(low, high, 2))
    return a + (b - a) * shape


@pytest.mark.parametrize(
    "way", ["D and t_i", "D_0 and sigma_e(x)", "sigma_i and sigma_e", "part of the sites"]
)
def test_a_consistent_film_never_gives_more_than_it_has(nmc811, figure, way):
    """At random profiles and currents, both signs, from C/100 to 100C.

    The heat is locally (F N)^2/sigma_i + (i - F N)^2/sigma_e.
    """
    film = Film(nmc811.replace(CONSISTENT | WAYS[way]), Numerics(mesh="volumes"))
    rng = np.random.default_rng(7)
    lowest = np.inf
    for _ in range(150):
        x = profiles_of(rng, film.solver.xi, 0.1, 1.9)
        i = film.cell.one_c * 10 ** rng.uniform(-2, 2) * rng.choice([-1, 1])
        heat = film.dissipation(x, i)
        lowest = min(lowest, heat / abs(i))
    claim = "Consistent sets: least heat of the film at 600 states, over the current"
    figure(claim, max(-lowest, 0.0), at_most=0.0, unit="V")


def test_the_heat_is_that_of_both_carriers(of_x, figure):
    """(F N)^2/sigma_i + (i - F N)^2/sigma_e, where U(x), x(y) and N(y) are smooth."""
    film = Film(of_x, Numerics())
    i = 0.7

    def x(xi):
        return 0.5 + 0.2 * np.cos(np.pi * xi) - 0.05 * np.cos(2 * np.pi * xi)

    def x_y(xi):
        waves = -0.2 * np.sin(np.pi * xi) + 0.1 * np.sin(2 * np.pi * xi)
        return np.pi * waves / L

    def heat(xi):
        at = x(xi)
        FN = F * -C * D_of(at) * x_y(xi) + t_of(at) * i
        sigma_i = sigma_of(at) * t_of(at) / (1 - t_of(at))
        return FN**2 / sigma_i + (i - FN) ** 2 / sigma_of(at)

    # The profile has no gradient at the faces; what the faces add there, they also cost
    exact = L * quad(heat, 0, 1, epsrel=1e-10)[0]
    found = film.dissipation(x(film.solver.xi), i)
    claim = "Consistent set: heat of the film, sum over both carriers: relative"
    figure(claim, found / exact - 1, at_most=1e-3)


def test_without_the_electron_path_the_film_may_gain(nmc811, figure):
    """t_i > 0 and sigma_e infinite: the field that moves the ions costs nothing.

    A film charged a moment ago holds less lithium at the electrolyte; a discharge moves
    a share t_i of the ions there, up their potential: t_i [U(0.9) - U(1.0)]
    of each unit of current.
    """
    share = {"cathode.transference": 0.5}
    films = (
        Film(nmc811.replace(share), Numerics()),
        Film(nmc811.replace(CONSISTENT | share), Numerics()),
    )
    least = [
        min(
            film.dissipation(0.9 + gradient * film.solver.xi, i) / i
            for gradient in (0.001, 0.01, 0.1)
            for i in float(nmc811.one_c) * np.array([0.1, 1.0, 10.0])
        )
        for film in films
    ]
    assert least[0] < -0.3 and least[1] > 0
    x, i = 0.9 + 0.1 * films[0].solver.xi, float(nmc811.one_c)
    U = nmc811.cathode.open_circuit_potential.curve(x)
    moved = (films[0].dissipation(x, i) - films[0].dissipation(x, 0.0)) / i
    claim = "t_i = 0.5 and no electron path: heat of what moves by a current, relative"
    figure(claim, moved / (0.5 * (U[-1] - U[0])) - 1, at_most=1e-9)


# --- The thermodynamic factor ----------------------------------------------------------


def test_one_ideal_site_has_D_0(figure):
    """Theta = 1/(1 - theta): D = D_0 at every x, at the temperature of the width."""
    x = np.linspace(0.001, 0.999, 5001)
    cell = load_cell("nmc811-lipon-li")
    for T in (298.15, 350.0):
        U = laws.MultiSite((3.9,), (1.0,), (1.0,), T_ref=T)
        changes = {
            "cathode.open_circuit_potential": U,
            "cathode.initial_stoichiometry": 0.5,
            "cathode.analysed_stoichiometry": 0.5,
            "cathode.diffusivity": {"self_diffusivity": "3e-17 m2/s"},
        }
        D = cell.replace(changes).cathode.transport.diffusivity
        miss = np.abs(D(x) / 3e-17 - 1).max()
        # A spline through nodes 2 mV apart: its slope is good to (f 2 mV)^3/24
        figure("One ideal site: D/D_0 - 1", miss, at_most=5e-5)


D_0 = 1e-17
X_MAX = 2.0


def theta_integral(U_of_x, x_of_U, x_1, x_2):
    """D_0 f times the integral of x (1 - theta) over U, by adaptive quadrature."""
    high, low = U_of_x(x_1), U_of_x(x_2)
    steps = np.linspace(low, high, 60)
    parts = [
        quad(lambda V: x_of_U(V) * (1 - x_of_U(V) / X_MAX), a, b, epsrel=1e-11)[0]
        for a, b in pairwise(steps)
    ]
    return D_0 * F / (R * 298.15) * sum(parts)


@pytest.fixture(scope="module")
def factored(nmc811):
    return nmc811.replace({"cathode.diffusivity": {"self_diffusivity": "1e-17 m2/s"}})


def potential(law, x):
    """U of the multi-site law itself, by bisection."""
    return brentq(lambda U: law.stoichiometry(U) - x, 0.5, 7.0, xtol=1e-14)


def test_psi_of_the_thermodynamic_factor(factored, figure):
    law, psi = factored.cathode.open_circuit_potential, factored.structure.cathode.psi
    ends = (0.1, 0.4, 0.8, 1.0, 1.2, 1.6, 1.95)
    for x_1, x_2 in pairwise(ends):
        exact = theta_integral(lambda x: potential(law, x), law.stoichiometry, x_1, x_2)
        found = psi.D_ref * (psi(x_2) - psi(x_1))
        claim = "Thermodynamic factor, NMC811: psi, quadrature in U: relative"
        figure(claim, found / exact - 1, at_most=1e-6)
    D = factored.cathode.transport.diffusivity
    x = np.linspace(0.15, 1.95, 3000)
    assert D(x).max() / D(x).min() > 1e3  # the gap between the first and second lithium


@pytest.mark.parametrize("mesh", ["elements", "volumes"])
@pytest.mark.parametrize("points", [10, 30, 300])
def test_steady_flux_through_a_slab(factored, figure, points, mesh):
    """x_1 and x_2 held: the flux is the integral of D dc over the distance, on any mesh.

    The model's film has no second face that lets lithium through, so the ends are its
    first and last nodes; the inner volumes are at rest where psi is linear between them,
    and the fluxes follow from the rates of the engine's own right-hand side.
    """
    film = Film(factored, Numerics(points=points, mesh=mesh))
    cathode = factored.cathode
    law, psi = cathode.open_circuit_potential, factored.structure.cathode.psi
    xi, weights = film.solver.xi, film.solver.weights
    x_1, x_2 = 1.9, 0.3  # across the gap, where D is 1e3 times that of the plateaus
    share = (xi - xi[0]) / (xi[-1] - xi[0])
    target = psi(x_1) + (psi(x_2) - psi(x_1)) * share
    x = np.array(
        [brentq(lambda x, p=p: psi(x) - p, 0.2, 1.99, xtol=1e-15) for p in target]
    )
    # The lithium to the right of an edge changes by the flux through it: none at the end
    c = cathode.c_sites * cathode.active_fraction
    length = cathode.thickness
    gained = np.cumsum((film.rate(x, 0.0) * weights)[::-1])[-2::-1]
    fluxes = gained * c * length
    # At the temperature of the cell
    T, T_ref = factored.temperature, factored.reference_temperature
    heat = np.exp(cathode.diffusivity_activation_energy / R * (1 / T_ref - 1 / T))
    integral = theta_integral(lambda x: potential(law, x), law.stoichiometry, x_2, x_1)
    exact = heat * integral * c / ((xi[-1] - xi[0]) * length)
    worst = np.abs(fluxes / exact - 1).max()
    claim = "Thermodynamic factor: flux of a steady front on 10, 30 and 300 points"
    figure(claim, worst, at_most=1e-6)


def averaged_slab(D, x_1, x_2, points):
    """Steady flux, of D dx/d(xi), with D at a face the mean of its neighbours'."""
    h = 1 / (points - 1)

    def fluxes(x):
        of_x = D(x)
        return (of_x[1:] + of_x[:-1]) / 2 * (x[:-1] - x[1:]) / h

    scale = D(np.array([x_1, x_2])).min()

    def rate(_, x, dxdt):
        dxdt[0] = dxdt[-1] = 0.0
        dxdt[1:-1] = -np.diff(fluxes(x)) / h / scale

    band = {"linsolver": "band", "lband": 1, "uband": 1, "max_num_steps": 100_000}
    solver = CVODE(rate, rtol=1e-8, atol=1e-10, **band)
    # Long after it is steady
    x = solver.solve(np.array([0.0, 100.0]), np.linspace(x_1, x_2, points)).y[-1]
    found = fluxes(x)
    assert np.ptp(found) < 1e-9 * found.mean()
    return found.mean()


def test_why_psi_in_a_slab(factored, figure):
    """What the flux would be with D averaged between nodes, as is common."""
    psi = factored.structure.cathode.psi
    exact = psi.D_ref * (psi(1.9) - psi(0.3))
    for points, expected in ((10, 0.41), (50, 0.096), (300, 0.0039)):
        error = averaged_slab(psi.law, 1.9, 0.3, points) / exact - 1
        claim = f"With D averaged between nodes: that flux on {points} points, error"
        figure(claim, error, about=(expected, 0.1 * expected))


# --- Why psi: a discharge by two schemes on one mesh ------------------------------------


def discharge(cell, points, scheme, low=1.5, high=4.7):
    """Charge per sites of a 1C discharge, uniform at ``high`` to V = ``low``: own lines.

    Even volumes; the flux between two is D_mean (x_k - x_k+1)/h or (psi_k - psi_k+1)/h.
    The surface follows from the first volume by the known flux, with D or psi there.
    """
    p, e, a = cell.cathode, cell.electrolyte, cell.anode
    i, length, c = float(cell.one_c), p.thickness, p.c_sites
    U = p.open_circuit_potential.curve
    psi = cell.structure.cathode.psi
    D, D_ref = psi.law, psi.D_ref
    h = length / points
    flux_in = i / (F * p.utilisation * c)  # m/s of x

    def rate(_, x, dxdt):
        if scheme == "psi":
            inner = D_ref * (psi(x[:-1]) - psi(x[1:])) / h
        else:
            of_x = D(x)
            inner = (of_x[1:] + of_x[:-1]) / 2 * (x[:-1] - x[1:]) / h
        N = np.concatenate([[flux_in], inner, [0.0]])
        dxdt[:] = -np.diff(N) / h

    def surface(x):
        if scheme == "psi":
            return float(psi.inverse(psi(x[0]) + flux_in * h / 2 / D_ref))
        return float(x[0] + flux_in * h / 2 / D(x[0]))

    def voltage(x):
        x_s = surface(x)
        theta = np.clip(x_s / p.x_max, 1e-4, 1 - 1e-4)
        ref = p.exchange_current_stoichiometry / p.x_max
        order = np.sqrt(theta * (1 - theta) / ref / (1 - ref))
        i_0 = p.exchange_current * order
        T = float(cell.temperature)
        loss = 2 * R * T / F * np.arcsinh(i / p.utilisation / (2 * i_0))
        loss += 2 * R * T / F * np.arcsinh(i / (2 * a.exchange_current))
        return U(x_s) - loss - i * e.thickness / e.conductivity

    def below(_, x, event):
        event[0] = voltage(x) - low

    below.terminal, below.direction = [True], [-1]
    start = p.stoichiometry(high)
    # Until full, at the latest
    end = F * cell.site_inventory * (p.x_max - start) / i
    solver = CVODE(
        rate,
        rtol=1e-7,
        atol=1e-9,
        linsolver="band",
        lband=1,
        uband=1,
        max_num_steps=200_000,
        eventsfn=below,
        num_events=1,
    )
    solution = solver.solve(np.array([0.0, end]), np.full(points, start))
    assert solution.i_events is not None
    return float(solution.t[-1]) * i / (F * cell.site_inventory)


@pytest.mark.slow
def test_why_psi(factored, run, figure):
    """1C, 4.7 -> 1.5 V, of a film with fronts: capacity on 100 points, by two schemes."""
    assert factored.temperature == factored.reference_temperature
    cell = factored.replace({"cathode.initial_voltage": "4.7 V"})
    capacities = {}
    for points in (100, 300, 600, 1200):
        numerics = Numerics(points=points, rtol=1e-7, atol=1e-9)
        trace = run(
            cell, "current", cell.one_c_current, 1e5, numerics=numerics, lower=1.5
        )
        assert trace.event == "Minimum voltage [V]"
        passed = trace.observed["Discharge capacity [A.h]"][-1] * 3600
        capacities[points] = passed / float(cell.area) / F / cell.site_inventory
    exact = capacities[1200]
    for points, limit in ((100, 1e-4), (300, 1e-5), (600, 2e-6)):
        claim = f"1C, 4.7-1.5 V, NMC811 of D_0 = 1e-17 m2/s: capacity on {points} points"
        figure(f"{claim}, relative", capacities[points] / exact - 1, at_most=limit)
    # The same volumes for both schemes, even ones
    reference = discharge(cell, 800, "psi")
    assert reference == pytest.approx(exact, rel=1e-5)
    for scheme, what, expected in (
        ("averaged", "D averaged between nodes", 6e-4),
        ("psi", "psi", -1.1e-4),
    ):
        error = discharge(cell, 100, scheme) / reference - 1
        claim = f"The same discharge on 100 even volumes by {what}: capacity, error"
        figure(claim, error, about=(expected, 0.5e-4))

"""Planar diffusion against exact results.

J. Crank, The Mathematics of Diffusion, 2nd ed., Oxford 1975.

Lengths are in L, times tau = D t/L^2, stoichiometries in s = i L/(F c D): the gradient a
current density i would cause over the whole film.
"""

from __future__ import annotations

from dataclasses import dataclass

import casadi
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.physics.lithium import INVENTORY
from tfbsim.solver.discretised import DURATION
from tfbsim.solver.engine import engine
from tfbsim.solver.trace import PROFILE

FARADAY = laws.FARADAY
AREA, L, C, D = 1e-4, 1e-6, 5e4, 1e-15  # of the ideal cell
I_DENSITY = 1.0  # A/m2
SCALE = I_DENSITY * L / (FARADAY * C * D)
X_0 = 0.5
SECOND = (2.0, 0.05)  # the scheme's order, and how near a measured one must come


def constant_flux(xi, tau):
    """(x - x_0)/s for a unit flux in at xi = 0, none at xi = 1 (Crank, eq. 4.55)."""
    m = np.arange(1, 1001)[:, None, None]
    xi, tau = np.atleast_1d(xi)[None, :], np.atleast_1d(tau)[:, None]
    waves = np.exp(-((m * np.pi) ** 2) * tau) * np.cos(m * np.pi * xi) / m**2
    return tau + (3 * (1 - xi) ** 2 - 1) / 6 - 2 / np.pi**2 * waves.sum(axis=0)


def some(trace, after, count=40):
    """Indices of a few of the points of a trace from tau = after on."""
    tau = trace.t * D / L**2
    return np.unique(np.linspace(np.argmax(tau >= after), len(tau) - 1, count, dtype=int))


def surface(trace):
    return (trace.observed["Cathode surface stoichiometry"] - X_0) / SCALE


def test_constant_flux_series(ideal, run, figure):
    trace = run(ideal, "current", I_DENSITY * AREA, 600.0)
    k = some(trace, 1e-3)
    tau = trace.t[k] * D / L**2
    xi = engine(ideal.structure, Numerics(rtol=1e-10, atol=1e-12)).xi
    profiles = (trace.profiles[k] - X_0) / SCALE
    collector = (trace.observed["Cathode collector stoichiometry"] - X_0) / SCALE
    for where, seen, exact in (
        ("profile", profiles, constant_flux(xi, tau)),
        ("surface", surface(trace)[k], constant_flux(0, tau)[:, 0]),
        ("collector", collector[k], constant_flux(1, tau)[:, 0]),
    ):
        worst = np.abs(seen - exact).max()
        figure(f"Constant flux, series: {where}, of i L/(F c D)", worst, at_most=2e-6)
    # The voltage is the surface stoichiometry: U = 4.5 - x
    assert trace.observed["Voltage [V]"] == pytest.approx(
        4.5 - X_0 - SCALE * surface(trace), abs=1e-8
    )


def test_constant_flux_at_short_and_long_times(ideal, run, figure):
    short = run(ideal, "current", I_DENSITY * AREA, 20.0)
    tau = short.t * D / L**2
    late = tau > 1e-4
    semi_infinite = 2 * np.sqrt(tau[late] / np.pi)
    worst = np.abs(surface(short)[late] / semi_infinite - 1).max()
    figure(
        "Constant flux, 2 j sqrt(t/(pi D)) from D t/L2 = 1e-4: relative",
        worst,
        at_most=1e-5,
    )
    assert surface(short)[-1] == pytest.approx(semi_infinite[-1], rel=5e-4)

    end = run(ideal, "current", I_DENSITY * AREA, 2000.0).observed
    lead = end["Cathode surface stoichiometry"] - end["Cathode mean stoichiometry"]
    miss = lead[-1] / SCALE - 1 / 3
    figure("Constant flux, surface less mean = j L/(3 D): of j L/D", miss, at_most=1e-7)


def test_volumes_converge_with_the_square_of_the_mesh(ideal, run, figure):
    errors = []
    for points in (50, 100, 200):
        numerics = Numerics(points=points, rtol=1e-12, atol=1e-14, mesh="volumes")
        trace = run(ideal, "current", I_DENSITY * AREA, 100.0, numerics=numerics)
        solver = engine(ideal.structure, numerics)
        profile = (trace.profiles[-1] - X_0) / SCALE - constant_flux(solver.xi, 0.1)[0]
        face = surface(trace)[-1] - constant_flux(0, 0.1)[0, 0]
        errors.append((np.sqrt(solver.weights @ profile**2), abs(face)))
    for order in np.log2(np.array(errors[:-1]) / np.array(errors[1:])):
        figure("Constant flux: order of the profile's rms error", order[0], about=SECOND)
        figure("Constant flux: order of the surface's error", order[1], about=SECOND)


def test_constant_flux_at_the_default_settings(ideal, run, figure):
    trace = run(ideal, "current", I_DENSITY * AREA, 600.0, numerics=Numerics())
    k = some(trace, 1e-3)
    exact = constant_flux(0, trace.t[k] * D / L**2)[:, 0]
    worst = np.abs(surface(trace)[k] - exact).max()
    figure("Default settings: surface, of i L/(F c D)", worst, at_most=2e-5)
    tau = trace.t[1:] * D / L**2
    # The series has too few terms for the shortest times
    exact = np.where(
        tau < 1e-3,
        2 * np.sqrt(tau / np.pi),
        constant_flux(0, np.maximum(tau, 1e-3))[:, 0],
    )
    worst = np.abs(surface(trace)[1:] - exact).max()
    figure("Default settings: surface, first instants included", worst, at_most=1e-5)


@pytest.mark.parametrize("t_i", [0.193, 0.7])
def test_both_faces_are_fed(ideal, run, figure, t_i):
    """t_i > 0: a share t_i of the flux enters at the collector, and nothing else does."""
    rho = 5.0  # ohm m
    cell = ideal.replace(
        {"cathode.transference": t_i, "cathode.electronic_conductivity": 1 / rho}
    )
    trace = run(cell, "current", I_DENSITY * AREA, 2000.0)
    k = some(trace, 1e-2)
    tau = trace.t[k] * D / L**2
    xi = engine(cell.structure, Numerics(rtol=1e-10, atol=1e-12)).xi
    exact = (1 - t_i) * constant_flux(xi, tau) + t_i * constant_flux(1 - xi, tau)
    worst = np.abs((trace.profiles[k] - X_0) / SCALE - exact).max()
    figure("Ionic transference: profile, of i L/(F c D)", worst, at_most=2e-6)

    # At long times a parabola with both slopes: -(1 - t_i) at xi = 0, t_i at xi = 1
    mean = trace.observed["Cathode mean stoichiometry"][-1]
    shape = (trace.profiles[-1] - mean) / SCALE
    parabola = (1 - t_i) * (1 / 2 - xi) - 1 / 6 + xi**2 / 2
    assert np.abs(shape - parabola).max() < 4e-5
    fit = np.polynomial.Polynomial.fit(xi, shape, 2).convert().coef
    for face, miss in (
        ("electrolyte face", fit[1] + (1 - t_i)),
        ("collector face", fit[1] + 2 * fit[2] - t_i),
    ):
        figure(f"Ionic transference: gradient at the {face}", miss, at_most=1e-7)

    # Electrons carry i - F N, which at long times averages i/2 whatever t_i is
    drop = trace.observed["Electron path voltage drop [V]"]
    x_s = trace.observed["Cathode surface stoichiometry"]
    x_L = trace.observed["Cathode collector stoichiometry"]
    expected = rho * ((1 - t_i) * I_DENSITY * L + FARADAY * C * D * (x_L - x_s))
    worst = np.abs(drop - expected).max() / drop[-1]
    figure("Electron path, closed form: relative", worst, at_most=1e-9)
    miss = drop[-1] / (rho * I_DENSITY * L / 2) - 1
    figure("Electron path, rho i L/2 at long times: relative", miss, at_most=1e-7)
    assert trace.observed["Voltage [V]"] == pytest.approx(4.5 - x_s - drop, abs=1e-8)


@dataclass(frozen=True)
class Manufactured:
    """A solution chosen freely, and the source that makes it one.

    D = D_0 exp(b x), so psi = [exp(b x) - exp(b)]/b with D_ref = D_0 exp(b) taken out;
    psi is a parabola with the slopes that a current puts on both faces, and a wave with
    none, both changing in time.
    """

    t_i: float
    b: float = -3.0

    def current(self, t):
        """In units of F c D_ref/L."""
        return 0.12 * (1 + 0.5 * np.sin(2 * t))

    def psi(self, xi, t):
        shape = -(1 - self.t_i) * xi + xi**2 / 2
        wave = 0.02 * np.cos(2 * np.pi * xi) * np.cos(3 * t)
        return 0.15 + self.current(t) * shape + wave

    def x(self, xi, t):
        return np.log1p(self.b * self.psi(xi, t)) / self.b

    def source(self, xi, t):
        """dx/dt - d2(psi)/dxi2, t in L2/D_ref."""
        shape = -(1 - self.t_i) * xi + xi**2 / 2
        wave = 0.02 * np.cos(2 * np.pi * xi)
        psi_t = 0.12 * np.cos(2 * t) * shape - 3 * wave * np.sin(3 * t)
        psi_xx = self.current(t) - (2 * np.pi) ** 2 * wave * np.cos(3 * t)
        return psi_t / (1 + self.b * self.psi(xi, t)) - psi_xx


def solved(ideal, exact, points, end=0.5):
    """Profile and surface error of the engine's own right-hand side with the source."""
    law = laws.LogPolynomial((-15.0, exact.b / np.log(10)))
    cell = ideal.replace({"cathode.diffusivity": law, "cathode.transference": exact.t_i})
    numerics = Numerics(points=points, mesh="volumes")
    solver = engine(cell.structure, numerics)
    built, xi, weights = solver.built("current"), solver.xi, solver.weights
    scale = cell.structure.cathode.psi.D_ref / D
    state = casadi.MX.sym("y", built.model.len_rhs_and_alg)
    current = casadi.MX.sym("I")
    inputs = cell.parameters() | {
        f"Initial: {PROFILE}": np.zeros(numerics.nodes),
        f"Initial: {INVENTORY}": 0.0,
        "Current function [A]": current,
        DURATION: 1.0,
        "Lower voltage cut-off [V]": -10.0,
        "Upper voltage cut-off [V]": 10.0,
    }
    inputs |= built.constants(inputs)
    profile = built.slices[PROFILE]
    rhs = built.model.concatenated_rhs.to_casadi(casadi.MX.sym("t"), state, inputs=inputs)
    rate = casadi.Function("rate", [state, current], [rhs[profile]])
    slope = casadi.Function("slope", [state, current], [casadi.jacobian(rhs, state)])
    unit = FARADAY * C * D * scale / L * AREA
    per_time = scale * D / L**2

    y = np.zeros(built.model.len_rhs_and_alg)

    def full(x):
        y[profile] = x
        return y

    solution = solve_ivp(
        lambda t, x: (
            rate(full(x), unit * exact.current(t)).full()[:, 0] / per_time
            + exact.source(xi, t)
        ),
        (0.0, end),
        exact.x(xi, 0.0),
        method="BDF",
        jac=lambda t, x: (
            slope(full(x), unit * exact.current(t))[profile, profile].full() / per_time
        ),
        rtol=1e-10,
        atol=1e-12,
    )
    x = solution.y[:, -1]
    inputs["Current function [A]"] = unit * exact.current(end)
    seen = built.observe(full(x)[:, None], built.stack(inputs))
    error = x - exact.x(xi, end)
    return (
        np.sqrt(weights @ error**2),
        abs(seen["Cathode surface stoichiometry"][0] - exact.x(0.0, end)),
    )


@pytest.mark.parametrize("t_i", [0.0, 0.3])
def test_manufactured_solution_of_variable_D(ideal, figure, t_i):
    exact = Manufactured(t_i)
    errors = np.array([solved(ideal, exact, points) for points in (50, 100, 200)])
    for order in np.log2(errors[:-1] / errors[1:]):
        figure(
            "D(x), manufactured: order of the profile's rms error", order[0], about=SECOND
        )
        figure("D(x), manufactured: order of the surface's error", order[1], about=SECOND)


def variable_D(x):
    """Nearly two decades within the film, with a minimum, as in an ordered phase."""
    return 1e-15 * 10 ** (0.5 - 1.8 * np.exp(-(((x - 0.55) / 0.12) ** 2)))


def chebyshev(n):
    """Gauss-Lobatto nodes on [0, 1] and the differentiation matrix (Trefethen)."""
    k = np.arange(n + 1)
    z = np.cos(np.pi * k / n)
    c = np.where((k == 0) | (k == n), 2.0, 1.0) * (-1.0) ** k
    dz = z[:, None] - z[None, :]
    matrix = np.outer(c, 1 / c) / (dz + np.eye(n + 1))
    matrix -= np.diag(matrix.sum(axis=1))
    return (1 - z) / 2, -2 * matrix


def collocated(D_of_x, t_i, i, x_0, times, n=96):
    """Surface stoichiometry by spectral collocation, D evaluated as it is."""
    _, derivative = chebyshev(n)
    flux = i / (FARADAY * C)

    def rate(_, x):
        N = -D_of_x(x) * (derivative @ x) / L
        N[0], N[-1] = (1 - t_i) * flux, -t_i * flux
        return -(derivative @ N) / L

    def jacobian(_, x):
        h = 1e-7
        dD = (D_of_x(x + h) - D_of_x(x - h)) / (2 * h)
        dN = -(np.diag(dD * (derivative @ x)) + D_of_x(x)[:, None] * derivative) / L
        dN[0] = dN[-1] = 0.0
        return -(derivative @ dN) / L

    solution = solve_ivp(
        rate,
        (0.0, times[-1]),
        np.full(n + 1, x_0),
        method="BDF",
        jac=jacobian,
        t_eval=times,
        rtol=1e-9,
        atol=1e-11,
    )
    return solution.y[0]


@pytest.mark.parametrize("t_i", [0.0, 0.3])
def test_variable_D(ideal, run, figure, t_i):
    cell = ideal.replace(
        {
            "cathode.diffusivity": laws.PythonLaw(variable_D),
            "cathode.initial_stoichiometry": 0.3,
            "cathode.transference": t_i,
        }
    )
    i = 0.5
    trace = run(cell, "current", i * AREA, 3000.0, numerics=Numerics())
    times = np.array([10.0, 50.0, 200.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0])
    exact = collocated(variable_D, t_i, i, 0.3, times)
    x_s = np.interp(times, trace.t, trace.observed["Cathode surface stoichiometry"])
    assert np.ptp(exact) > 0.3
    worst = np.abs(x_s - exact).max()
    figure("D(x) over two decades, spectral collocation: surface x", worst, at_most=1e-4)


def test_the_collocation_is_converged():
    times = np.array([10.0, 1000.0, 1500.0])
    coarse, fine = (collocated(variable_D, 0.3, 0.5, 0.3, times, n) for n in (64, 96))
    assert np.abs(coarse - fine).max() < 1e-5


def test_variable_D_conserves_lithium(ideal, run, figure):
    cell = ideal.replace(
        {
            "cathode.diffusivity": laws.PythonLaw(variable_D),
            "cathode.initial_stoichiometry": 0.3,
            "cathode.transference": 0.3,
        }
    )
    trace = run(cell, "current", 0.5 * AREA, 3000.0, numerics=Numerics())
    total = trace.observed["Total lithium [mol.m-2]"]
    lost = np.abs(total / total[0] - 1).max()
    figure("D(x) over two decades: lithium lost, of all", lost, at_most=1e-12)
    gained = (trace.profiles - 0.3) @ engine(cell.structure, Numerics()).weights
    assert gained == pytest.approx(0.5 * trace.t / (FARADAY * C * L), abs=1e-12)


def test_potential_step(ideal, run, figure):
    """A step of the potential is a step of the surface stoichiometry, U being linear.

    A hundred-thousandth of the film's own resistance keeps the first current finite; from
    tau = 1e-3 on it is worth less than 1e-7 of the current.
    """
    step = 0.1
    resistance = 1e-5 * L / (FARADAY * C * D)  # ohm m2, per volt of U(x)
    cell = ideal.replace({"contact_resistance": resistance})
    trace = run(cell, "voltage", 4.5 - X_0 - step, 1500.0)
    first = trace.observed["Current [A]"][0]
    assert first == pytest.approx(step / resistance * AREA, rel=1e-4)
    tau = trace.t * D / L**2
    unit = FARADAY * C * D * step / L  # A/m2
    i = trace.observed["Current [A]"] / AREA / unit

    k = (2 * np.arange(1, 200) - 1)[:, None] * np.pi / 2
    series = tau > 1e-3
    exact = 2 * np.exp(-(k**2) * tau[series]).sum(axis=0)
    worst = np.abs(i[series] - exact).max() / exact[0]
    figure("Potential step, series: current, of its first", worst, at_most=2e-5)
    assert i[series] == pytest.approx(exact, rel=1e-3, abs=1e-6)
    cottrell = (tau > 1e-3) & (tau < 0.05)
    assert cottrell.sum() > 10
    worst = np.abs(i[cottrell] * np.sqrt(np.pi * tau[cottrell]) - 1).max()
    figure("Potential step, Cottrell: current, relative", worst, at_most=2e-5)

    passed = trace.observed["Discharge capacity [A.h]"][-1] * 3600 / AREA
    filled = 1 - (2 / k**2 * np.exp(-(k**2) * tau[-1])).sum()
    miss = passed / (FARADAY * C * L * step) - filled
    figure("Potential step, series: charge, of all", miss, at_most=1e-5)

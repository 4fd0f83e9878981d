"""Planar diffusion against exact results (Crank, The Mathematics of Diffusion, 2nd ed.).

Lengths are in L, times tau = D t/L^2, stoichiometries in s = i L/(F c D): the gradient a
current density i would cause over the whole film.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tfbsim.engine import Numerics, engine
from tfbsim.materials import laws

FARADAY = laws.FARADAY
AREA, L, C, D = 1e-4, 1e-6, 5e4, 1e-15  # of the ideal cell
I_DENSITY = 1.0  # A/m2
SCALE = I_DENSITY * L / (FARADAY * C * D)
X_0 = 0.5


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


def test_constant_flux_series(ideal, run):
    trace = run(ideal, "current", I_DENSITY * AREA, 600.0)
    k = some(trace, 1e-3)
    tau = trace.t[k] * D / L**2
    xi = engine(ideal.structure, Numerics(rtol=1e-10, atol=1e-12)).xi
    profiles = (trace.profiles[k] - X_0) / SCALE
    # Measured at 100 points: 3.2e-5
    assert np.abs(profiles - constant_flux(xi, tau)).max() < 4e-5
    assert np.abs(surface(trace)[k] - constant_flux(0, tau)[:, 0]).max() < 4e-5
    collector = (trace.observed["Cathode collector stoichiometry"] - X_0) / SCALE
    assert np.abs(collector[k] - constant_flux(1, tau)[:, 0]).max() < 4e-5
    # The voltage is the surface stoichiometry: U = 4.5 - x
    assert trace.observed["Voltage [V]"] == pytest.approx(
        4.5 - X_0 - SCALE * surface(trace), abs=1e-8
    )


def test_constant_flux_at_short_and_long_times(ideal, run):
    short = run(ideal, "current", I_DENSITY * AREA, 20.0)
    tau = short.t * D / L**2
    late = tau > 1e-4
    semi_infinite = 2 * np.sqrt(tau[late] / np.pi)
    assert np.abs(surface(short)[late] / semi_infinite - 1).max() < 3e-3
    assert surface(short)[-1] == pytest.approx(semi_infinite[-1], rel=5e-4)

    end = run(ideal, "current", I_DENSITY * AREA, 2000.0).observed
    lead = end["Cathode surface stoichiometry"] - end["Cathode mean stoichiometry"]
    assert lead[-1] / SCALE == pytest.approx(1 / 3, abs=4e-5)


def test_constant_flux_converges_with_the_square_of_the_mesh(ideal, run):
    errors = []
    for points in (50, 100, 200):
        numerics = Numerics(points=points, rtol=1e-11, atol=1e-13)
        trace = run(ideal, "current", I_DENSITY * AREA, 100.0, numerics=numerics)
        exact = constant_flux(engine(ideal.structure, numerics).xi, 0.1)[0]
        profile = (trace.profiles[-1] - X_0) / SCALE
        errors.append(
            (
                np.abs(profile - exact).max(),
                abs(surface(trace)[-1] - constant_flux(0, 0.1)[0, 0]),
            )
        )
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert orders == pytest.approx(2.0, abs=0.1)


def test_constant_flux_at_the_default_settings(ideal, run):
    trace = run(ideal, "current", I_DENSITY * AREA, 600.0, numerics=Numerics())
    k = some(trace, 1e-3)
    exact = constant_flux(0, trace.t[k] * D / L**2)[:, 0]
    # Measured: 3.2e-5; the first instants, tau < 1e-3, are within 1e-3
    assert np.abs(surface(trace)[k] - exact).max() < 5e-5
    exact = constant_flux(0, trace.t[1:] * D / L**2)[:, 0]
    assert np.abs(surface(trace)[1:] - exact).max() < 2e-3


@pytest.mark.parametrize("t_i", [0.193, 0.7])
def test_both_faces_are_fed(ideal, run, t_i):
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
    # Measured: 7e-5, at the collector, where the mesh is coarser
    assert np.abs((trace.profiles[k] - X_0) / SCALE - exact).max() < 1e-4

    # At long times a parabola with both slopes: -(1 - t_i) at xi = 0, t_i at xi = 1
    mean = trace.observed["Cathode mean stoichiometry"][-1]
    shape = (trace.profiles[-1] - mean) / SCALE
    parabola = (1 - t_i) * (1 / 2 - xi) - 1 / 6 + xi**2 / 2
    assert np.abs(shape - parabola).max() < 4e-5
    fit = np.polynomial.Polynomial.fit(xi, shape, 2).convert().coef
    assert fit[1] == pytest.approx(-(1 - t_i), abs=1e-4)
    assert fit[1] + 2 * fit[2] == pytest.approx(t_i, abs=1e-4)

    # Electrons carry i - F N, which at long times averages i/2 whatever t_i is
    drop = trace.observed["Electron path voltage drop [V]"]
    x_s = trace.observed["Cathode surface stoichiometry"]
    x_L = trace.observed["Cathode collector stoichiometry"]
    expected = rho * ((1 - t_i) * I_DENSITY * L + FARADAY * C * D * (x_L - x_s))
    assert drop == pytest.approx(expected, rel=1e-9, abs=1e-15)
    assert drop[-1] == pytest.approx(rho * I_DENSITY * L / 2, rel=2e-4)
    assert trace.observed["Voltage [V]"] == pytest.approx(4.5 - x_s - drop, abs=1e-8)


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
def test_variable_D(ideal, run, t_i):
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
    assert np.abs(x_s - exact).max() < 1e-4  # 0.1 mV at 1 V per x


def test_the_collocation_is_converged():
    times = np.array([10.0, 1000.0, 1500.0])
    coarse, fine = (collocated(variable_D, 0.3, 0.5, 0.3, times, n) for n in (64, 96))
    assert np.abs(coarse - fine).max() < 1e-5


def test_variable_D_conserves_lithium(ideal, run):
    cell = ideal.replace(
        {
            "cathode.diffusivity": laws.PythonLaw(variable_D),
            "cathode.initial_stoichiometry": 0.3,
            "cathode.transference": 0.3,
        }
    )
    trace = run(cell, "current", 0.5 * AREA, 3000.0, numerics=Numerics())
    total = trace.observed["Total lithium [mol.m-2]"]
    assert np.abs(total / total[0] - 1).max() < 1e-12
    widths = engine(cell.structure, Numerics()).widths
    gained = (trace.profiles - 0.3) @ widths
    assert gained == pytest.approx(0.5 * trace.t / (FARADAY * C * L), abs=1e-12)


def test_potential_step(ideal, run):
    """A step of the potential is a step of the surface stoichiometry, U being linear."""
    step = 0.1
    trace = run(ideal, "voltage", 4.5 - X_0 - step, 1500.0)
    tau = trace.t * D / L**2
    unit = FARADAY * C * D * step / L  # A/m2
    i = trace.observed["Current [A]"] / AREA / unit

    k = (2 * np.arange(1, 200) - 1)[:, None] * np.pi / 2
    series = tau > 1e-3
    exact = 2 * np.exp(-(k**2) * tau[series]).sum(axis=0)
    assert i[series] == pytest.approx(exact, rel=1e-3, abs=1e-6)
    cottrell = (tau > 1e-3) & (tau < 0.05)
    assert cottrell.sum() > 10
    assert i[cottrell] == pytest.approx(1 / np.sqrt(np.pi * tau[cottrell]), rel=2e-3)

    passed = trace.observed["Discharge capacity [A.h]"][-1] * 3600 / AREA
    filled = 1 - (2 / k**2 * np.exp(-(k**2) * tau[-1])).sum()
    assert passed / (FARADAY * C * L * step) == pytest.approx(filled, abs=1e-4)

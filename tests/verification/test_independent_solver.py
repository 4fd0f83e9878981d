"""Whole cycles of the three shipped cells against an independent solver.

The reference shares nothing with tfbsim but the numbers: vertex-centred finite
differences for x on a grid refined towards both faces (tfbsim: finite volumes and a
diffusion potential, refined towards one), D and the multi-site law evaluated as they are
(tfbsim: interpolated), the current of a hold by Newton's method within the right-hand
side (tfbsim: an algebraic state), its own state handed from step to step, CVODE (tfbsim:
IDA).  It runs each step for the time tfbsim did.

A difference of current in a hold counts as the voltage it drops over the resistance of
the cell, ohmic and of charge transfer.  The first instants of a step are a boundary layer
thinner than any mesh; they are left out up to 10 h^2/D, with h the first finite volume of
tfbsim and D the smallest of the film: 6 us, 3 ms and 70 ms at the tight settings, in the
order of CELLS.
"""

from __future__ import annotations

from functools import cache
from itertools import compress
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator
from scipy.special import expit
from sksundae.cvode import CVODE

from tfbsim import load_cell
from tfbsim.numerics import Numerics

MODELS = Path(__file__).parents[2] / "models"
F, R = 96485.33212, 8.314462618
TIGHT = Numerics(points=1200, rtol=1e-8, atol=1e-10)
NODES = 3201
STRETCH = 2.2
LAYER = 10.0  # h^2/D, of four intervals of the reference
SECOND = (2.0, 0.05)  # the order of the reference, and how near a measured one must come

# --- The reference ----------------------------------------------------------------------


def column_pairs(name):
    rows = [
        line.split(",")
        for line in (MODELS / name).read_text(encoding="utf-8").splitlines()
        if line and (line[0].isdigit() or line[0] in "-.")
    ]
    return np.array([[float(row[0]), float(row[1])] for row in rows]).T


def table(x, U):
    """U(x) of a table; straight beyond its ends, which is a convention of tfbsim."""
    inside = PchipInterpolator(x, U)
    low, high = inside.derivative()(x[[0, -1]])

    def potential(at):
        beyond = low * np.minimum(at - x[0], 0) + high * np.maximum(at - x[-1], 0)
        return inside(np.clip(at, x[0], x[-1])) + beyond

    return potential


def sites(law):
    """U(x) of x(U) = sum_j X_j/(1 + exp[f (U - U_j)/omega_j]), by Newton's method."""
    U_j, X_j = np.array(law.U), np.array(law.X)
    width = R * law.T_ref / F * np.array(law.omega)

    def filled(U):
        theta = expit((U_j - np.asarray(U)[..., None]) / width)
        return theta @ X_j, -(theta * (1 - theta)) @ (X_j / width)

    U_guess = np.linspace(6.5, 0.5, 6001)
    x_guess = filled(U_guess)[0]

    def potential(x):
        U = np.interp(x, x_guess, U_guess)
        for _ in range(4):
            found, slope = filled(U)
            U = U - (found - x) / slope
        return U

    return potential


def logarithmic(x, D):
    """D(x) of a table, interpolated in log10 D; constant beyond its ends."""
    log10_D = PchipInterpolator(x, np.log10(D))
    return lambda at: 10 ** log10_D(np.clip(at, x[0], x[-1]))


def raijmakers_laws(cathode):
    U = table(*column_pairs("lco-lipon-li-raijmakers2020.emf.csv"))
    x, D = column_pairs("lco-lipon-li-raijmakers2020.diffusivity.csv")
    return U, logarithmic(x, 1.614 * D)  # ambipolar: "multiply" of the cell file


def danilov_laws(cathode):
    a, b, c = cathode.diffusivity.coefficients
    U = table(*column_pairs("lco-lipon-li-danilov2011.ocv.csv"))
    return U, lambda x: 10 ** (a + x * (b + x * c))


def nmc811_laws(cathode):
    D = cathode.diffusivity
    return sites(cathode.open_circuit_potential), logarithmic(D.x, D.y)


class Reference:
    """Profiles x(y, t), currents and voltages of a cell by the method of lines."""

    def __init__(self, cell, laws, nodes):
        self.cell = cell
        self.U, self.D = laws(cell.cathode)
        self.x_max = sum(getattr(cell.cathode.open_circuit_potential, "X", [1.0]))
        L = cell.cathode.thickness
        z = np.linspace(-1, 1, nodes)
        self.y = L * (1 + np.tanh(STRETCH * z) / np.tanh(STRETCH)) / 2
        self.h = np.diff(self.y)
        middle = (self.y[1:] + self.y[:-1]) / 2
        self.share = np.diff(np.concatenate([[0.0], middle, [L]])) / L
        self.heat(cell.temperature)

    def uniform(self):
        return np.full(self.y.size, self.cell.cathode.initial_stoichiometry)

    def heat(self, T):
        """Rates and resistances at T [K]."""
        cell, T_ref = self.cell, self.cell.reference_temperature
        p, e, n = cell.cathode, cell.electrolyte, cell.anode

        def faster(E):
            return np.exp(E / R * (1 / T_ref - 1 / T))

        self.D_factor = p.diffusivity_scale * faster(p.diffusivity_activation_energy)
        theta = p.exchange_current_stoichiometry / self.x_max
        self.k_p = p.exchange_current / np.sqrt(theta * (1 - theta))
        self.k_p *= faster(p.exchange_current_activation_energy) * p.utilisation
        self.i0_n = n.exchange_current * faster(n.exchange_current_activation_energy)
        sigma = e.conductivity * faster(e.conductivity_activation_energy) * T_ref / T
        self.ohmic = cell.contact_resistance + e.thickness / sigma
        self.two_f = 2 * R * T / F

    def overvoltage(self, x_s, i):
        """What the current i [A/m2] costs [V], and its derivative."""
        theta = x_s / self.x_max
        i0_p = self.k_p * np.sqrt(theta * (1 - theta))
        loss, slope = i * self.ohmic, self.ohmic
        for i_0 in (i0_p, self.i0_n):
            loss = loss + self.two_f * np.arcsinh(i / (2 * i_0))
            slope = slope + self.two_f / np.hypot(i, 2 * i_0)
        return loss, slope

    def voltage(self, x_s, i):
        return self.U(x_s) - self.overvoltage(x_s, i)[0]

    def current(self, x_s, V):
        """i [A/m2] at which the voltage is V."""
        available = self.U(x_s) - V
        i = np.zeros_like(available)
        for _ in range(50):
            loss, slope = self.overvoltage(x_s, i)
            i = i + (available - loss) / slope
            if np.abs(available - loss).max() < 1e-13:
                return i
        raise AssertionError("Newton's method did not converge")

    def rate(self, x, i=None, V=None):
        """dx/dt at a current density i or a voltage V."""
        p = self.cell.cathode
        supply = (self.current(x[0], V) if i is None else i) / (F * p.utilisation)
        c = p.site_concentration or p.density / p.molar_mass
        D = self.D_factor * self.D((x[1:] + x[:-1]) / 2)
        N = np.empty(x.size + 1)
        N[0], N[-1] = (1 - p.transference) * supply, -p.transference * supply
        N[1:-1] = -D * c * np.diff(x) / self.h
        return -np.diff(N) / (self.share * p.thickness * c)

    def solve(self, times, x, rtol=1e-9, **control):
        """Profiles at times [s], shape (nodes, times)."""

        def rate(_, x, dxdt):
            dxdt[:] = self.rate(x, **control)

        # In a hold, the band leaves out how the surface's x moves the collector's: that
        # costs Newton's method iterations, not precision.
        band = {"linsolver": "band", "lband": 1, "uband": 1}
        solver = CVODE(rate, rtol=rtol, atol=rtol / 100, max_num_steps=100_000, **band)
        solution = solver.solve(times, x)
        assert solution.success
        return solution.y.T


# --- What is run ------------------------------------------------------------------------

REST = ("current", 0.0, {"duration": 1800.0})
CELLS = {  # title: file, laws, steps: a control, its C-rate or voltage, its ends
    "LCO of Danilov 2011": (
        "lco-lipon-li-danilov2011",
        danilov_laws,
        (
            ("current", 6.4, {"lower": 3.0}),
            REST,
            ("current", -1.6, {"upper": 4.2}),
            ("voltage", 4.2, {"duration": 1800.0}),
            REST,
            ("current", 1.6, {"lower": 3.0, "temperature": 313.15}),
        ),
    ),
    "LCO of Raijmakers 2020": (
        "lco-lipon-li-raijmakers2020",
        raijmakers_laws,
        (
            ("current", -1.0, {"upper": 4.2}),
            ("voltage", 4.2, {"duration": 3600.0}),
            REST,
            ("current", 4.0, {"lower": 3.0}),
            REST,
            ("current", 0.5, {"lower": 3.0}),
        ),
    ),
    "NMC811 from 1.5 to 4.7 V": (
        "nmc811-lipon-li",
        nmc811_laws,
        (
            ("current", -1.0, {"upper": 4.7}),
            ("voltage", 4.7, {"c_rate_cut_off": 0.02}),
            REST,
            ("current", 1.0, {"lower": 1.5}),
            ("voltage", 1.5, {"duration": 1800.0}),
            REST,
            ("current", -4.0, {"upper": 4.7}),
            ("current", 4.0, {"lower": 1.5}),
        ),
    ),
}


class Chain:
    """The steps of a cell by tfbsim; and by references, over the same times.

    Per step: times t, and V, which is the voltage or, in a hold, the current times the
    resistance of the reference.
    """

    def __init__(self, title, run, numerics):
        self.title = title
        model, self.laws, self.steps = CELLS[title]
        self.cell = cell = load_cell(model)
        self.traces = []
        for control, value, ends in self.steps:
            self.traces.append(
                run(
                    cell,
                    control,
                    value * cell.one_c_current if control == "current" else value,
                    numerics=numerics,
                    state=self.traces[-1].end if self.traces else None,
                    **{"duration": 72000.0, **ends},
                )
            )
        # Some 1000 of the points, the last three for the slope at the end
        counts = [len(trace.t) for trace in self.traces]
        self.picked = [np.r_[0 : n - 3 : max(1, n // 1000), n - 3 : n] for n in counts]
        self.t = [trace.t[k] for trace, k in zip(self.traces, self.picked, strict=True)]
        film = Reference(cell, self.laws, NODES)
        h = 4 * (film.y[1] - film.y[0])
        x = np.linspace(0.0, film.x_max, 1001)
        self.layer = LAYER * h**2 / (film.D_factor * film.D(x).min())
        self.expected = cache(self._expected)

    def observed(self, step, name):
        return self.traces[step].observed[name][self.picked[step]]

    def _expected(self, nodes, rtol=1e-9):
        """V and mean x of the reference, and V of tfbsim, for every step."""
        reference = Reference(self.cell, self.laws, nodes)
        x, answers = reference.uniform(), []
        for step, (control, value, ends) in enumerate(self.steps):
            reference.heat(ends.get("temperature", self.cell.temperature))
            if control == "current":
                i = value * self.cell.one_c
                profiles = reference.solve(self.t[step], x, rtol, i=i)
                V = reference.voltage(profiles[0], i)
                seen = self.observed(step, "Voltage [V]")
            else:
                profiles = reference.solve(self.t[step], x, rtol, V=value)
                i = reference.current(profiles[0], value)
                resistance = reference.overvoltage(profiles[0], i)[1]
                V = i * resistance
                seen = self.observed(step, "Current [A]") / self.cell.area * resistance
            answers.append((V, reference.share @ profiles, seen))
            x = profiles[:, -1]
        return answers

    def late(self, values, layers=1.0):
        """Of a list per step, what is past the boundary layers."""
        start = layers * self.layer
        return [v[t >= start] for v, t in zip(values, self.t, strict=True)]


TITLES = [
    pytest.param(title, marks=[pytest.mark.slow] if title.startswith("NMC811") else [])
    for title in CELLS
]


@pytest.fixture(scope="module", params=TITLES)
def tight(request, run):
    return Chain(request.param, run, TIGHT)


def largest(values):
    return max(np.abs(value).max() for value in values)


def test_chain(tight, figure):
    """Voltages, holds, cut-offs and lithium, at tight settings."""
    answers = tight.expected(NODES)
    claim = f"Independent solver, {tight.title}"
    worst = 1e3 * largest(tight.late([seen - V for V, _, seen in answers]))
    figure(f"{claim}: largest voltage difference", worst, at_most=0.1, unit="mV")

    holds = [control == "voltage" for control, *_ in tight.steps]
    currents = tight.late([(seen - V) / V[0] for V, _, seen in answers])
    currents = compress(currents, holds)
    lags, means = [], []
    for step, (V, mean, seen) in enumerate(answers):
        means.append(tight.observed(step, "Cathode mean stoichiometry") - mean)
        if tight.traces[step].event is not None:
            t = tight.t[step]
            lags.append((seen[-1] - V[-1]) / np.gradient(V, t)[-1] / t[-1])
    assert len(lags) == sum("duration" not in ends for *_, ends in tight.steps)
    for what, differences, limit in (
        ("time of a cut-off, relative difference", lags, 5e-6),
        ("current of a hold, relative difference", currents, 5e-4),
        ("largest difference of mean x", means, 1e-6),
    ):
        figure(f"{claim}: {what}", largest(differences), at_most=limit)


@pytest.mark.parametrize("title", CELLS)
def test_chain_at_the_default_settings(title, run, figure):
    chain = Chain(title, run, Numerics())
    times = chain.late(chain.t)
    misses = chain.late([seen - V for V, _, seen in chain.expected(NODES // 2 + 1)])
    squares = sum(np.trapezoid(d**2, t) for d, t in zip(misses, times, strict=True))
    rms = 1e3 * np.sqrt(squares / sum(t[-1] - t[0] for t in times))
    claim = f"Independent solver, {title}: rms difference at the default settings"
    figure(claim, rms, at_most=0.05, unit="mV")


def test_the_reference_converges(tight, figure):
    """Over the same chain on a quarter, an eighth and a 16th of its grid."""
    quarter, eighth, sixteenth = (
        [V for V, _, _ in tight.expected(NODES // coarser + 1, rtol=1e-10)]
        for coarser in (4, 8, 16)
    )
    whole = [V for V, _, _ in tight.expected(NODES)]
    # Later, for the layers to be 10 h^2/D of the coarsest grid too
    left, near, far = (
        largest(tight.late([a - b for a, b in zip(*pair, strict=True)], 18.0))
        for pair in ((whole, quarter), (quarter, eighth), (eighth, sixteenth))
    )
    order = np.log2(far / near)
    figure("Independent solver: order of the reference", order, about=SECOND)
    claim = "Independent solver: error of the reference itself"
    figure(claim, 1e3 * left / (4**2 - 1), at_most=0.02, unit="mV")


def test_the_integrator_of_the_reference(raijmakers, figure):
    """Against Radau of scipy, a method of one step, down the knee of a 4C discharge."""
    reference = Reference(raijmakers, raijmakers_laws, 201)
    x, i = np.full(reference.y.size, 0.55), 4 * raijmakers.one_c
    times = np.linspace(0.0, 660.0, 12)
    band = np.ones((3, x.size))
    radau = solve_ivp(
        lambda _, x: reference.rate(x, i=i),
        (0.0, times[-1]),
        x,
        method="Radau",
        t_eval=times,
        jac_sparsity=scipy.sparse.dia_array((band, [-1, 0, 1]), shape=(x.size, x.size)),
        rtol=1e-8,
        atol=1e-10,
    )
    assert radau.success
    ours = reference.solve(times, x, i=i)
    V, expected = (reference.voltage(profiles[0], i) for profiles in (ours, radau.y))
    assert V[-1] < 3.5
    claim = "Independent solver: error of the reference's time integration"
    figure(claim, 1e3 * largest([V - expected]), at_most=0.002, unit="mV")

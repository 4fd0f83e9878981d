"""The Raijmakers cell by a solver that shares nothing with tfbsim but the numbers.

Vertex-centred finite differences on a grid refined towards both faces (tfbsim: finite
volumes and a diffusion potential), D evaluated as it is, the current of a hold by
Newton's method within the right-hand side (tfbsim: an algebraic state), scipy's BDF
(tfbsim: IDA).  The numbers are the published ones, given to both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from scipy.integrate import solve_ivp
from scipy.interpolate import PchipInterpolator

from tfbsim.engine import Numerics

MODELS = Path(__file__).parents[2] / "models"
F, R, T = 96485.33212, 8.314462618, 293.0

AREA = 3.36e-4  # m2
ONE_C = 2.0833  # A/m2
L, C_SITES, T_I = 8.08e-6, 32200.0, 0.193
I0_P_REF, X_REF, I0_N = 3.76, 0.80, 5.75  # A/m2
CONTACT, L_E, SIGMA = 18.3e-4, 3.62e-6, 1.11e-4
OHMIC = CONTACT + L_E / SIGMA  # [ohm m2]


def column_pairs(name):
    rows = [
        line.split(",")
        for line in (MODELS / name).read_text(encoding="utf-8").splitlines()
        if line and (line[0].isdigit() or line[0] in "-.")
    ]
    return np.array([[float(row[0]), float(row[1])] for row in rows]).T


class Reference:
    """Voltage and profile of the cell by the method of lines."""

    def __init__(self, nodes: int) -> None:
        x, U = column_pairs("lco-lipon-li-raijmakers2020.emf.csv")
        self.U = PchipInterpolator(x, U)
        self.x_D, D = column_pairs("lco-lipon-li-raijmakers2020.diffusivity.csv")
        self.log10_D = PchipInterpolator(self.x_D, np.log10(1.614 * D))
        z = np.linspace(-1, 1, nodes)
        stretched = np.tanh(1.8 * z) / np.tanh(1.8)
        self.y = L * (1 + stretched) / 2
        self.h = np.diff(self.y)
        middle = (self.y[1:] + self.y[:-1]) / 2
        self.volume = np.diff(np.concatenate([[0.0], middle, [L]]))
        self.pattern = scipy.sparse.diags_array(
            [np.ones(nodes - 1), np.ones(nodes), np.ones(nodes - 1)],
            offsets=[-1, 0, 1],
            format="lil",
        )

    def D(self, x):
        return 10 ** self.log10_D(np.clip(x, self.x_D[0], self.x_D[-1]))

    def voltage(self, x_s, i):
        x_s = np.minimum(x_s, 1 - 1e-9)
        i_0 = I0_P_REF * np.sqrt(x_s / X_REF * (1 - x_s) / (1 - X_REF))
        eta = 2 * R * T / F * (np.arcsinh(i / 2 / i_0) + np.arcsinh(i / 2 / I0_N))
        return self.U(x_s) - eta - i * OHMIC

    def current(self, x_s, V):
        """i [A/m2] at which the voltage is V."""
        i_0 = I0_P_REF * np.sqrt(x_s / X_REF * (1 - x_s) / (1 - X_REF))
        U, i = self.U(x_s), 0.0
        for _ in range(50):
            excess = (
                U
                - 2 * R * T / F * (np.arcsinh(i / 2 / i_0) + np.arcsinh(i / 2 / I0_N))
                - i * OHMIC
                - V
            )
            slope = OHMIC + 2 * R * T / F * (
                1 / np.hypot(i, 2 * i_0) + 1 / np.hypot(i, 2 * I0_N)
            )
            i += excess / slope
            if abs(excess) < 1e-13:
                break
        return i

    def solve(self, times, x, *, i=None, V=None):
        """Profiles at times [s], shape (nodes, times), at a current or a voltage.

        ``times`` is a sequence; or an end, and the profiles are a function of time.
        """
        dense = np.isscalar(times)
        held = V is not None
        assert held != (i is not None)

        def rate(_, x):
            current = self.current(x[0], V) if held else i
            flux = -self.D((x[1:] + x[:-1]) / 2) * np.diff(x) / self.h
            supply = current / (F * C_SITES)
            faces = np.concatenate([[(1 - T_I) * supply], flux, [-T_I * supply]])
            return -np.diff(faces) / self.volume

        pattern = self.pattern.copy()
        if held:
            pattern[-1, 0] = 1
        solution = solve_ivp(
            rate,
            (0.0, times if dense else times[-1]),
            x,
            method="BDF",
            t_eval=None if dense else times,
            dense_output=dense,
            jac_sparsity=pattern.tocsc(),
            rtol=1e-7,
            atol=1e-9,
        )
        assert solution.success
        return solution.sol if dense else solution.y


TIGHT = Numerics(points=600, rtol=1e-8, atol=1e-10)
SETTLED = 1.0  # s; before, a step of current is a boundary layer thinner than the mesh
FALL = 3.3  # V; on the knee, where the EMF falls by 10 V per x


@pytest.fixture(scope="module")
def published(raijmakers):
    return raijmakers.replace(
        {
            "area": AREA,
            "temperature": T,
            "reference_temperature": T,
            "contact_resistance": CONTACT,
            "cathode.thickness": L,
            "cathode.site_concentration": C_SITES,
            "cathode.diffusivity_scale": 1.0,
            "cathode.transference": T_I,
            "cathode.exchange_current": I0_P_REF,
            "cathode.exchange_current_stoichiometry": X_REF,
            "electrolyte.thickness": L_E,
            "electrolyte.conductivity": SIGMA,
            "anode.exchange_current": I0_N,
        }
    )


@pytest.fixture(scope="module")
def reference():
    return Reference(801)


@pytest.fixture(scope="module", params=[0.5, 4.0], ids=["0.5C", "4C"])
def discharge(request, reference):
    """Current density, and the reference's surface stoichiometry over time."""
    i = request.param * ONE_C
    ends = {0.5: 8640.0, 4.0: 697.0}[request.param]
    profile = reference.solve(ends, np.full(reference.y.size, 0.55), i=i)
    return i, lambda t: profile(t)[0]


@pytest.mark.parametrize(
    ("numerics", "lowest"),
    [(TIGHT, FALL), (Numerics(), 3.7)],
    ids=["tight", "default"],
)
def test_discharge(published, run, reference, discharge, numerics, lowest):
    """Voltage over the plateau, tight also down the knee; time of the knee."""
    i, x_s = discharge
    cell = published.replace({"cathode.initial_stoichiometry": 0.55})
    trace = run(cell, "current", i * AREA, 36000.0, numerics=numerics, lower=3.0)
    assert trace.event == "Minimum voltage [V]"
    t, V = trace.t, trace.observed["Voltage [V]"]
    points = np.flatnonzero((t > SETTLED) & (lowest < V))
    points = points[:: max(1, len(points) // 200)]
    assert np.abs(V[points] - reference.voltage(x_s(t[points]), i)).max() < 1e-4

    falls_at = np.interp(-FALL, -V, t)
    around = np.linspace(0.999, 1.001, 21) * falls_at
    expected = np.interp(-FALL, -reference.voltage(x_s(around), i), around)
    assert falls_at == pytest.approx(expected, rel=1e-4)


def test_charge_and_hold(published, run, reference):
    x_0 = 0.97
    cell = published.replace({"cathode.initial_stoichiometry": x_0})
    charge = run(cell, "current", -ONE_C * AREA, 36000.0, numerics=Numerics(), upper=4.1)
    assert charge.event == "Maximum voltage [V]"
    hold = run(cell, "voltage", 4.1, 3600.0, numerics=Numerics(), state=charge.end)

    x = reference.solve(charge.t, np.full(reference.y.size, x_0), i=-ONE_C)
    settled = charge.t > SETTLED
    V = reference.voltage(x[0], -ONE_C)
    assert np.abs(charge.observed["Voltage [V]"] - V)[settled].max() < 1e-4

    x = reference.solve(hold.t, x[:, -1], V=4.1)
    i = np.array([reference.current(x_s, 4.1) for x_s in x[0]])
    seen = hold.observed["Current [A]"] / AREA
    # A difference of current, as the voltage it drops over the cell's ohmic resistance
    assert (np.abs(seen - i) * OHMIC)[hold.t > SETTLED].max() < 1e-4
    assert seen[-1] / seen[0] < 0.5
    mean = reference.volume @ x / L
    assert np.abs(hold.observed["Cathode mean stoichiometry"] - mean).max() < 1e-4


def test_the_reference_is_converged(reference):
    """Second order, and 0.03 mV from its limit at the steepest point compared."""
    times = np.linspace(0.0, 689.0, 10)
    i = 4 * ONE_C
    grids = (Reference(201), Reference(401), reference)
    x_s = [grid.solve(times, np.full(grid.y.size, 0.55), i=i)[0] for grid in grids]
    coarse, middle, fine = (reference.voltage(x, i) for x in x_s)
    assert fine[-1] < 3.4
    assert abs(fine - middle)[-1] < 4e-5
    assert abs(middle - coarse)[-1] / abs(fine - middle)[-1] == pytest.approx(4, abs=0.4)

"""The problem every code solves, read from the shipped cell, and its exact answer.

A film of constant D, discharged at a constant current from a uniform state:

    dx/dt = D d2x/dy2,   -D dx/dy = i/(F c_sites) at y = 0,   dx/dy = 0 at y = L
    V = U(x_s) - (2RT/F) [asinh(i/2 i_0(x_s)) + asinh(i/2 i_0,Li)] - i L_e/sigma

The surface of such a slab is known as a series (J. Crank, The Mathematics of Diffusion,
2nd ed., eq. 4.55, and 4.57 for short times), and V falls with x_s: when a discharge meets
its cut-off, and so its capacity, is the root of one equation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfc

from tfbsim import Numerics, load_cell
from tfbsim.experiment.expand import expand
from tfbsim.materials.laws import FARADAY, GAS_CONSTANT
from tfbsim.yaml_file import Document, load, resolve

CELL, EXPERIMENT = "lco-lipon-li-constant-d", "thickness-rate-sweep"

# Mesh and tolerances of the other codes, tfbsim at these tolerances, and what the shipped
# sweep names for it
VOLUMES, RTOL, ATOL = 100, 1e-6, 1e-8
NUMERICS = Numerics(points=150, rtol=RTOL, atol=ATOL, compile=True)
SHIPPED = expand(EXPERIMENT).experiment.numerics.applied()

LOWER, UPPER = 3.0, 4.15  # V
HOLD_UNTIL = 20  # 1C over this ends a hold
UAH_CM2 = 36.0  # C/m2


@dataclass(frozen=True)
class Film:
    """The numbers of the problem, SI."""

    thickness: float
    diffusivity: float
    sites: float  # mol/m3
    electrolyte: float  # ohm m2
    i0_cathode: float  # A/m2, at x = 0.5
    i0_lithium: float
    x_start: float
    temperature: float
    one_c: float  # A/m2

    @property
    def RT_F(self) -> float:
        return GAS_CONSTANT * self.temperature / FARADAY

    def voltage(self, x_s: float, i: float) -> float:
        """V [V] of a surface stoichiometry and a current density [A/m2]."""
        x = np.clip(x_s, 1e-12, 1 - 1e-12)
        U = 4.40 - 0.50 * x - 1.5 * np.exp((x - 1) / 0.02)
        cathode = np.arcsinh(i / (4 * self.i0_cathode * np.sqrt(x * (1 - x))))
        lithium = np.arcsinh(i / (2 * self.i0_lithium))
        return float(U - 2 * self.RT_F * (cathode + lithium) - i * self.electrolyte)

    def surface(self, t: float, thickness: float, i: float) -> float:
        """Surface stoichiometry after t [s] of a current density, exact."""
        D, slope = self.diffusivity, i / (FARADAY * self.sites * self.diffusivity)
        tau = D * t / thickness**2
        n = np.arange(1, 11)
        if tau < 0.2:
            z = n / np.sqrt(tau) if tau > 0 else np.full(n.shape, np.inf)
            images = np.exp(-(z**2)) / np.sqrt(np.pi) - np.where(tau > 0, z, 0) * erfc(z)
            rise = 2 * np.sqrt(tau) * (1 / np.sqrt(np.pi) + 2 * images.sum())
        else:
            k = (n * np.pi) ** 2
            rise = tau + 1 / 3 - 2 * (np.exp(-k * tau) / k).sum()
        return self.x_start + slope * thickness * rise

    def capacity(self, thickness: float, i: float, lower: float = LOWER) -> float:
        """Exact discharge capacity [C/m2] to a voltage."""

        def above(x_s: float) -> float:
            return self.voltage(x_s, i) - lower

        if above(self.x_start) <= 0:
            return 0.0
        x_end = brentq(above, self.x_start, 1 - 1e-12, xtol=1e-15)
        most = (1 - self.x_start) * FARADAY * self.sites * thickness / i
        t = brentq(
            lambda t: self.surface(t, thickness, i) - x_end,
            *(0, most),
            xtol=1e-12 * most,
            rtol=1e-14,
        )
        return i * float(t)


@cache
def film() -> Film:
    """The shipped cell."""
    cell = load_cell(CELL)
    p = cell.parameters()
    return Film(
        thickness=float(cell.cathode.thickness),
        diffusivity=p["Cathode diffusivity [m2.s-1]"],
        sites=cell.cathode.c_sites,
        electrolyte=float(cell.electrolyte.thickness) / cell.electrolyte.conductivity,
        i0_cathode=float(cell.cathode.exchange_current),
        i0_lithium=float(cell.anode.exchange_current),
        x_start=cell.cathode.x_initial,
        temperature=float(cell.temperature),
        one_c=cell.one_c_current_density,
    )


def experiment(points: int) -> Document:
    """The shipped sweep, with ``points``/25 rates in the place of its 40."""
    if points < 50 or points % 25:
        raise SystemExit("--points must be a multiple of 25 from 50 on")
    document = load(resolve(EXPERIMENT, "experiments"))
    document.data["sweep"]["factors"]["rate"]["log"][2] = points // 25
    return document


# Of the row with a D(x): ln of D(x = 0) over D(1) is FALL, the mean of ln D over the
# discharge, x from 0.5 to 1, that of the constant D
FALL = 3 * math.log(10)


def falling(points: int) -> Document:
    """The sweep with a D(x) that falls over a decade and a half in a discharge."""
    document = experiment(points)
    slope = FALL / math.log(10)
    first = math.log10(film().diffusivity) + 0.75 * slope
    law = {"log10_polynomial": [first, -slope], "unit": "m2/s"}
    document.data["set"] = {"cathode.diffusivity": law}
    document.data["curves"] = {"cycles": "none"}
    return document


def conditions(points: int) -> np.ndarray:
    """Thickness [m] and current density [A/m2] of each point, shape (points, 2)."""
    found = [
        (float(c.cell.cathode.thickness), c.protocol.steps[0].value / float(c.cell.area))
        for c in expand(experiment(points)).cases
    ]
    return np.array(found)


def exact(conditions: np.ndarray) -> np.ndarray:
    """Exact capacities [C/m2] of points."""
    return np.array([film().capacity(L, i) for L, i in conditions])

"""Transport in a mixed conductor: D, t_i, sigma_i and sigma_e are one set.

With c the concentration of formula units, x the lithium per formula unit and
dU/dc = (dU/dx)/c:

    t_i = sigma_i/(sigma_i + sigma_e)
    D = |dU/dc| sigma_i sigma_e/[F (sigma_i + sigma_e)] = t_i sigma_e |dU/dc|/F

(C. Wagner, Prog. Solid State Chem. 10 (1975) 3; W. Weppner, R. A. Huggins,
J. Electrochem. Soc. 124 (1977) 1569.)  Two of {D, t_i, sigma_e} give the third.

A diffusivity that follows the potential alone is that of a lattice gas, D_0 times the
share of empty sites times the thermodynamic factor:

    D = D_0 (1 - theta) Theta,   Theta = -f x dU/dx,   theta = x/x_max

Theta is 1e3 to 1e5 in the gaps of U(x) and small on its plateaus, so that a front forms
and moves through the film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .laws import (
    FARADAY,
    GAS_CONSTANT,
    Array,
    Curve,
    DiffusionPotential,
    Floats,
    Law,
    PotentialLaw,
)


@dataclass(frozen=True)
class SelfDiffusion:
    """D_0(x) of a lattice gas [m2/s]; D(x) follows with the potential beside it."""

    D_0: Law


@dataclass(frozen=True)
class ThermodynamicFactor:
    """D(x) = D_0 (1 - theta) Theta."""

    D_0: Law  # Self-diffusivity [m2/s], most often a constant
    potential: PotentialLaw  # U(x)
    x_max: float  # Sites per formula unit
    T: float = 298.15  # Of Theta [K]

    @property
    def valid(self) -> tuple[float, float]:
        return self.potential.valid

    def factor(self, x: Floats) -> Array:
        """Theta(x) = -f x dU/dx."""
        f = FARADAY / (GAS_CONSTANT * self.T)
        return -f * x * self.potential.curve.slope(x)

    def __call__(self, x: Floats) -> Array:
        x = np.clip(x, *self._inside)
        return self.D_0(x) * (1 - x / self.x_max) * self.factor(x)

    @property
    def _inside(self) -> tuple[float, float]:
        nodes = self.potential.curve.x
        low, high = max(nodes[0], 1e-9), min(nodes[-1], self.x_max * (1 - 1e-9))
        return float(low), float(high)


def grid_of(potential: PotentialLaw, x_max: float, widest: float = 1e-3) -> Array:
    """Nodes from 0 to x_max: those of U(x), for laws as steep as it, and between them.

    A measured U(x) may have a dozen nodes, over which its slope changes: none stands
    farther than ``widest`` x_max from the next.
    """
    nodes = potential.curve.x
    inside = nodes[(nodes > 0) & (nodes < x_max)]
    nodes = np.concatenate([[0.0], inside, [x_max]])
    steps = np.diff(nodes)
    parts = np.ceil(steps / (widest * x_max)).astype(int)
    first, width = np.repeat(nodes[:-1], parts), np.repeat(steps / parts, parts)
    k = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    return np.concatenate([first + k * width, [x_max]])


# What follows from |dU/dc|/F [m2/s per S/m] and two of the set
RULES: dict[str, Callable[[Array, Array, Floats], Array]] = {
    "t_i of D and sigma_e": lambda slope, D, sigma_e: D / (sigma_e * slope),
    "sigma_e of D and t_i": lambda slope, D, t_i: D / (t_i * slope),
    "t_i of both sigma": lambda _, ionic, electronic: ionic / (ionic + electronic),
    "D of both sigma": lambda slope, ionic, electronic: (
        slope * ionic * electronic / (ionic + electronic)
    ),
}


@dataclass(frozen=True)
class Derived:
    """A law that follows from two others and from the slope of U(x)."""

    rule: str  # What follows from what, a key of ``RULES``
    potential: PotentialLaw  # U(x)
    c: float  # Formula units [mol/m3]
    # What it follows from, in the order of the rule
    first: Law
    second: Law | float
    scale: float = 1.0  # Factor on the first

    @property
    def valid(self) -> tuple[float, float]:
        return self.potential.valid

    def __call__(self, x: Floats) -> Array:
        slope = -self.potential.curve.slope(x) / (FARADAY * self.c)
        second = self.second(x) if callable(self.second) else self.second
        with np.errstate(divide="ignore"):  # where U is flat it conducts without limit
            return RULES[self.rule](slope, self.scale * self.first(x), second)


STEEP = (ThermodynamicFactor, Derived)  # laws that change as fast as U(x)


@lru_cache(maxsize=64)  # cells that share their laws share what was worked out of them
def diffusion_potential(
    potential: PotentialLaw, x_max: float, diffusivity: Law, *others: Law | None
) -> DiffusionPotential:
    """psi of D(x), on nodes that suit the steepest of the film's laws."""
    steep = any(isinstance(law, STEEP) for law in (diffusivity, *others))
    grid = grid_of(potential, x_max) if steep else None
    return DiffusionPotential(diffusivity, x_max, grid=grid)


class Transport(NamedTuple):
    """D(x) of a film, to be scaled, t_i and sigma_e, of which None is infinite."""

    diffusivity: Law
    transference: float | Law
    electronic: Law | None


def resistivity(electronic: Law, x: Array) -> tuple[float, Curve]:
    """Reference rho_e [Ohm m], that of the best-conducting node, and rho_e(x) over it."""
    sigma = np.asarray(electronic(x), dtype=float)
    return float(1 / sigma.max()), Curve(x, sigma.max() / sigma)


def path_potential(psi: DiffusionPotential, electronic: Law, rho_ref: float) -> Curve:
    """Integral of rho_e D over rho_ref D_ref dx, as psi is of D/D_ref dx."""
    values = psi.integral(lambda x: 1 / (rho_ref * electronic(x)))
    return Curve(psi.x, values, dense=True)

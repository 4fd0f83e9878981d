"""Planar diffusion of lithium through a dense, mixed-conducting film.

With y from the electrolyte face (0) to the collector (L), x = c/c_sites:

    dc/dt = -dN/dy,   N = -D dc/dy + t_i i/F,   N(0) = i/F,   N(L) = 0

t_i is the ionic transference of the film: 0 for an ideal electronic conductor, else the
share of the flux that is fed from the collector side, so that both faces carry a
gradient: -D dc/dy = (1 - t_i) i/F at y = 0 and dc/dy = t_i i/(F D) at y = L
(Raijmakers et al., Electrochim. Acta 330 (2020) 135147).

Solved in xi = y/L for x(xi, t), as N = -D_ref d(psi)/dy with psi = integral of
D/D_ref dx: fluxes are differences of psi, so lithium is conserved to rounding whatever
D(x) is, and the conditions at the faces hold no D.  The surface stoichiometry follows
from psi at the face, extrapolated with the known gradient.

Only the fraction u_A of the area is in contact and u_V of its sites active: the film
sees i/u_A, and c_sites u_V sites.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pybamm

from .parameters import FARADAY, ThinFilmParameters

DOMAIN = "cathode"


def depth() -> pybamm.SpatialVariable:
    """xi = y/L, from the electrolyte face (0) to the collector (1)."""
    return pybamm.SpatialVariable("xi", domain=[DOMAIN], coord_sys="Cartesian")


class GradedSubMesh(pybamm.SubMesh1D):
    """Finite volumes that widen geometrically from the electrolyte face, by e^3 in all.

    The boundary layer of a fast step stands there, and in its first instant the surface
    is only as good as the first volume is thin.  Smooth grading keeps the scheme's second
    order.
    """

    GRADING = 3.0

    def __init__(self, lims: dict[str, Any], npts: dict[str, int]) -> None:
        variable, limits, tabs = self.read_lims(lims)
        s = np.linspace(0, 1, npts[variable.name] + 1)
        share = np.expm1(self.GRADING * s) / np.expm1(self.GRADING)
        low, high = limits["min"], limits["max"]
        super().__init__(low + (high - low) * share, variable.coord_sys, tabs=tabs)


class PlanarDiffusion(pybamm.BaseSubModel):
    """Stoichiometry profile x(xi, t) through the film, and what follows from it."""

    param: ThinFilmParameters

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        x = pybamm.Variable("Cathode stoichiometry", domain=DOMAIN)
        xi = depth()
        x_mean = pybamm.Integral(x, xi)
        p = self.param
        return {
            "Cathode stoichiometry": x,
            "Cathode mean stoichiometry": x_mean,
            "Cathode lithium [mol.m-2]": p.n_sites * x_mean,
            "Distance from electrolyte [m]": xi * p.L_c,
        }

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        x = variables["Cathode stoichiometry"]
        i = variables["Total current density [A.m-2]"]

        D = p.D_ref * p.arrhenius(p.E_D)
        # Gradient of psi over xi per current density, at either face: see above
        slope = p.L_c / (p.u_A * p.u_V * FARADAY * p.c_sites * D)
        at_electrolyte = p.constant("Slope at electrolyte", -(1 - p.t_i) * slope)
        at_collector = p.constant("Slope at collector", p.t_i * slope)
        psi = p.psi(x)
        self.boundary_conditions = {
            psi: {
                "left": (at_electrolyte * i, "Neumann"),
                "right": (at_collector * i, "Neumann"),
            }
        }
        psi_s = pybamm.BoundaryValue(psi, "left")
        psi_L = pybamm.BoundaryValue(psi, "right")
        x_s = p.x_of_psi(psi_s)

        # Electrons carry i - F N = (1 - t_i) i + F D dc/dy through 1/rho_e, uniform:
        # integral of rho_e (i - F N) dy = rho_e [(1 - t_i) i L + F c D (psi_L - psi_s)]
        rho_e = p.rho_e / p.arrhenius(p.E_rho)
        by_current = rho_e * (1 - p.t_i) / p.u_A * p.L_c
        by_profile = rho_e * FARADAY * p.c_sites * p.u_V * D
        electrons = p.constant(
            "Electron path by current [Ohm.m2]", by_current
        ) * i + p.constant("Electron path by profile [V]", by_profile) * (psi_L - psi_s)
        return {
            "Cathode diffusion potential": psi,
            "Cathode diffusion rate [s-1]": p.constant(
                "Cathode diffusion rate [s-1]", D / p.L_c**2
            ),
            "Cathode surface stoichiometry": x_s,
            "Cathode collector stoichiometry": p.x_of_psi(psi_L),
            "Cathode open-circuit potential [V]": p.U(x_s),
            "Open-circuit voltage [V]": p.U(variables["Cathode mean stoichiometry"]),
            "Electron path voltage drop [V]": electrons,
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        x = variables["Cathode stoichiometry"]
        psi = variables["Cathode diffusion potential"]
        rate = variables["Cathode diffusion rate [s-1]"]
        self.rhs = {x: rate * pybamm.div(pybamm.grad(psi))}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        x = variables["Cathode stoichiometry"]
        self.initial_conditions = {x: self.param.x_init}

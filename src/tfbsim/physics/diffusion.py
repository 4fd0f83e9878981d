"""Planar diffusion of lithium through a dense, mixed-conducting film.

With y from the electrolyte face (0) to the collector (L), x = c/c_sites:

    dc/dt = -dN/dy,   N = -D dc/dy + t_i i/F,   N(0) = i_ct/F,   N(L) = 0

i is the external current density, the same through the whole film; i_ct what crosses the
interface, more than i by what leaks through the electrolyte or oxidises it, less by what
charges a double layer there.  t_i is the
ionic transference of the film: 0 for an ideal electronic conductor, else the share of
the flux that is fed from the collector side, so that both faces carry a gradient:
-D dc/dy = (i_ct - t_i i)/F at y = 0 and dc/dy = t_i i/(F D) at y = L
(Raijmakers et al., Electrochim. Acta 330 (2020) 135147).

Solved in xi = y/L for x(xi, t), on a mesh of length :func:`span`, as
N = -D_ref d(psi)/dy with psi = integral of D/D_ref dx: fluxes are differences of psi, so
lithium is conserved to rounding whatever D(x) is, and the conditions at the faces hold no
D.  On elements the faces are nodes; on volumes the surface stoichiometry follows from psi
at the face, extrapolated with the known gradient.

Only the fraction u_A of the area is in contact and u_V of its sites active: the film
sees i/u_A, and c_sites u_V sites, of which a share may be lost (``site_loss.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pybamm

from .law import Law, Loss
from .parameters import FARADAY, ThinFilmParameters
from .site_loss import HELD, LEFT, LOST, PROFILE, active_share

DOMAIN = "cathode"
ACTIVE_SITES = "Stoichiometry of active sites"  # a profile


def depth() -> pybamm.SpatialVariable:
    """Depth from the electrolyte face, under PyBaMM's name for a positive electrode."""
    return pybamm.SpatialVariable("x_p", domain=[DOMAIN], coord_sys="cartesian")


class Span(pybamm.Function):
    """Length of the mesh through a film [m]: its thickness, or 1 where that is an input.

    A mesh is of numbers; the equations are in fractions of it.
    """

    __slots__ = ()
    _serialise_derived_params = frozenset({"thickness"})

    def __init__(self, thickness: pybamm.Symbol) -> None:
        super().__init__(abs, thickness, name="span")

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def _from_json(cls, snippet: dict[str, Any]) -> Span:
        return cls(snippet["children"][0])

    def create_copy(
        self,
        new_children: list[pybamm.Symbol] | None = None,
        perform_simplifications: bool = True,
    ) -> pybamm.Symbol:
        (thickness,) = self._children_for_copying(new_children)
        if isinstance(thickness, pybamm.Parameter):
            return Span(thickness)
        return thickness if thickness.is_constant() else pybamm.Scalar(1)


def span(p: ThinFilmParameters) -> pybamm.Symbol:
    """Return the length of the mesh: 1 for a solver with precomputed constants."""
    return pybamm.Scalar(1) if p.precompute else Span(p.L_c)


class PlanarDiffusion(Law):
    """Stoichiometry profile x(xi, t) through the film, and what follows from it.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    transference, resistivity : str
        "constant", or "law": t_i(x), rho_e(x).
    mesh : str
        "elements" or "volumes".
    losing : sequence of str
        By what sites are lost.
    double_layer : bool
        Whether part of the current charges a double layer at the electrolyte face.
    """

    param: ThinFilmParameters
    observed = (
        "Cathode mean stoichiometry",
        "Cathode surface stoichiometry",
        "Cathode collector stoichiometry",
        "Open-circuit voltage [V]",
        "Cathode open-circuit potential [V]",
    )
    losses = (Loss("Electron path", "Electron path voltage drop [V]", 1, "#F0E442"),)
    lithium = ("Cathode lithium [mol.m-2]",)

    def __init__(
        self,
        param: ThinFilmParameters,
        transference: str = "constant",
        resistivity: str = "constant",
        mesh: str = "elements",
        losing: Sequence[str] = (),
        double_layer: bool = False,
    ) -> None:
        pybamm.BaseModel.__init__(self, name="Planar diffusion")
        self.param = param
        self.transference = transference
        self.resistivity = resistivity
        self.mesh = mesh
        self.losing, self.active = losing, active_share(losing)
        # Active lithium over the sites as made: the stoichiometry where none are lost
        self.filled = pybamm.Variable(PROFILE, domain=DOMAIN)
        self.double_layer = double_layer

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        xi = depth()
        p = self.param
        filled = pybamm.Integral(self.filled, xi) / span(p)
        return {
            "Cathode stoichiometry": self.filled,
            **({ACTIVE_SITES: self.filled / self.active} if self.losing else {}),
            "Cathode mean stoichiometry": filled / self.active,
            "Active cathode lithium [mol.m-2]": p.n_sites * filled,
            "Distance from electrolyte [m]": xi / span(p) * p.L_c,
        }

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        x = self.filled / self.active
        i = variables["Total current density [A.m-2]"]
        lithium = variables["Active cathode lithium [mol.m-2]"]
        lithium = lithium + p.n_sites * variables.get(HELD, 0)
        i_ct = variables[
            "Faradaic current density [A.m-2]"
            if self.double_layer
            else "Cathode interface current density [A.m-2]"
        ]

        D = p.D_ref * p.arrhenius(p.E_D)
        # Gradient of psi over xi per current density, at either face: see above
        slope = p.L_c / (p.u_A * p.u_V * FARADAY * p.c_sites * D)
        slope = p.constant("Slope per current density [m2.A-1]", slope) / span(p)
        slope = slope / self.active
        psi = p.psi(x)
        fed, t_s, t_L = self._transference(x)
        self.boundary_conditions |= {
            psi: {
                "left": (-(i_ct - t_s * i) * slope, "Neumann"),
                "right": (t_L * i * slope, "Neumann"),
            }
        }
        psi_s = pybamm.BoundaryValue(psi, "left")
        psi_L = pybamm.BoundaryValue(psi, "right")
        if self.mesh == "elements":
            x_s, x_L = (pybamm.BoundaryValue(x, side) for side in ("left", "right"))
        else:
            x_s, x_L = p.x_of_psi(psi_s), p.x_of_psi(psi_L)
        migration = {} if fed is None else {"Cathode migration": fed * i * slope}
        return migration | {
            "Cathode lithium [mol.m-2]": lithium,
            "Cathode diffusion potential": psi,
            "Cathode diffusion rate [s-1]": p.constant(
                "Cathode diffusion rate [s-1]", D / p.L_c**2
            ),
            "Cathode surface stoichiometry": x_s,
            "Cathode collector stoichiometry": x_L,
            "Cathode open-circuit potential [V]": p.U(x_s),
            "Open-circuit voltage [V]": p.U(variables["Cathode mean stoichiometry"]),
            "Electron path voltage drop [V]": self._electron_path(
                x, i, (psi_s, psi_L), (x_s, x_L), D
            ),
        }

    def _transference(
        self, x: pybamm.Symbol
    ) -> tuple[pybamm.Symbol | None, pybamm.Symbol, pybamm.Symbol]:
        """t_i where fluxes are, of a law, and at both faces."""
        p = self.param
        self.boundary_conditions = {}
        if self.transference == "constant":
            return None, p.t_i, p.t_i
        # d(xi)/d(xi) = 1 brings t_i(x) to where fluxes are; at the faces it is the value
        # of the nearest node, the same that the conditions on psi hold: lithium is
        # conserved to rounding.
        xi = depth()
        t_i = p.t_i_of_x(x)
        t_s, t_L = pybamm.EvaluateAt(t_i, 0), pybamm.EvaluateAt(t_i, span(p))
        none, one = (pybamm.Scalar(0), "Neumann"), pybamm.sign(1 + xi)
        self.boundary_conditions = {
            xi: {"left": none, "right": none},
            one: {"left": (t_s, "Neumann"), "right": (t_L, "Neumann")},
        }
        return t_i * pybamm.grad(xi) + pybamm.grad(one), t_s, t_L

    def _electron_path(
        self,
        x: pybamm.Symbol,
        i: pybamm.Symbol,
        psi: tuple[pybamm.Symbol, pybamm.Symbol],
        ends: tuple[pybamm.Symbol, pybamm.Symbol],
        D: pybamm.Symbol,
    ) -> pybamm.Symbol:
        """Integral of rho_e (i - F N) dy, i - F N = (1 - t_i) i + F D dc/dy.

        The second part is one of rho_e D dc, a difference of a potential like psi.
        """
        p = self.param
        rho_e = p.rho_e / p.arrhenius(p.E_rho)
        by_current = rho_e / p.u_A * p.L_c
        by_profile = rho_e * FARADAY * p.c_sites * p.u_V * D
        electronic = 1 - p.t_i
        if self.transference == "law":
            electronic = 1 - p.t_i_of_x(x)
        if self.resistivity == "law":
            electronic = electronic * p.rho_of_x(x)
            psi = (p.psi_e(ends[0]), p.psi_e(ends[1]))
        if electronic.domain:
            electronic = pybamm.Integral(electronic, depth()) / span(p)
        else:
            by_current, electronic = by_current * electronic, pybamm.Scalar(1)
        by_current = p.constant("Electron path by current [Ohm.m2]", by_current)
        by_profile = p.constant("Electron path by profile [V]", by_profile) * self.active
        return by_current * electronic * i + by_profile * (psi[1] - psi[0])

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        psi = variables["Cathode diffusion potential"]
        rate = variables["Cathode diffusion rate [s-1]"]
        inflow = pybamm.grad(psi)  # -N
        if "Cathode migration" in variables:
            inflow = inflow - variables["Cathode migration"]
        spread = rate * span(self.param) ** 2 * self.active
        self.rhs = {self.filled: pybamm.div(spread * inflow)}
        if LOST in variables:
            left = pybamm.PrimaryBroadcast(variables[LEFT], DOMAIN)
            self.rhs[self.filled] += left - variables[LOST] * self.filled

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {self.filled: self.param.x_init}

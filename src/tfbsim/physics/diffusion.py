"""Planar diffusion of lithium through a dense, mixed-conducting film.

With y from the electrolyte face (0) to the collector (L), x = c/c_sites:

    dc/dt = -dN/dy,   N = -D dc/dy + t_i i/F,   N(0) = i_ct/F,   N(L) = 0

i is the external current density, the same through the whole film; i_ct what crosses the
interface, more than i by what leaks through the electrolyte or oxidises it, less by what
charges a double layer there; both count into the film, so that at an anode the current of
a discharge is negative.  t_i is the
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

from .law import Column, Law, Loss
from .parameters import FARADAY, FilmParameters, ThinFilmParameters
from .site_loss import (
    HELD,
    LEAST_FREE,
    LEFT,
    LOST,
    MEAN_ROOM,
    ROOM,
    active_share,
)

DOMAIN = "cathode"
DOMAINS = {"Cathode": DOMAIN, "Anode": "anode"}
ACTIVE_SITES = "Stoichiometry of active sites"  # a profile


def depth(side: str = "Cathode") -> pybamm.SpatialVariable:
    """Return the depth from the electrolyte face, by PyBaMM's name for the electrode."""
    name = {"Cathode": "x_p", "Anode": "x_n"}[side]
    return pybamm.SpatialVariable(name, domain=[DOMAINS[side]], coord_sys="cartesian")


class Span(pybamm.Function):
    """Length of the mesh through a film [m]: its thickness, or 1 where that is an input.

    A mesh is of numbers; the equations are in fractions of it.
    """

    __slots__ = ()
    _serialise_derived_params = frozenset({"thickness"})

    def __init__(self, thickness: pybamm.Symbol) -> None:
        super().__init__(abs, thickness, name="span")

    def to_json(self) -> dict[str, object]:
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


def span(film: FilmParameters) -> pybamm.Symbol:
    """Return the length of the mesh: 1 for a solver with precomputed constants."""
    return pybamm.Scalar(1) if film.cell.precompute else Span(film.L)


# Drops run from the electrolyte face to the collector: at an anode they are negative on
# discharge.  The cathode's diffusion is what is left of U(x_mean) - V.
LOSSES = {
    "Cathode": (Loss("Electron path", "Electron path voltage drop [V]", 1, "#F0E442"),),
    "Anode": (
        Loss(
            "Anode electron path", "Anode electron path voltage drop [V]", -1, "#DDCC77"
        ),
        Loss("Diffusion in the anode", "Anode diffusion voltage drop [V]", 1, "#999933"),
    ),
}

SLIPPAGE = "Slippage of the films [mol.m-2]"
ANODE_COLUMNS = (
    Column(
        "Anode mean stoichiometry",
        "Stoichiometry averaged over the anode film at the end of the cycle.",
        ".4f",
    ),
    Column(
        SLIPPAGE,
        "Lithium that both films together have lost: by so much the states of charge of "
        "one are shifted against those of the other.",
    ),
)


class PlanarDiffusion(Law):
    """Stoichiometry profile x(xi, t) through the film, and what follows from it.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    side : str
        "Cathode" or "Anode".
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

    def __init__(
        self,
        param: ThinFilmParameters,
        side: str = "Cathode",
        transference: str = "constant",
        resistivity: str = "constant",
        mesh: str = "elements",
        losing: Sequence[str] = (),
        double_layer: bool = False,
    ) -> None:
        pybamm.BaseModel.__init__(self, name=f"Planar diffusion in the {side.lower()}")
        self.param, self.side = param, side
        self.film = param.film(side)
        self.transference = transference
        self.resistivity = resistivity
        self.mesh = mesh
        self.losing, self.active = losing, active_share(losing)
        # Active lithium over the sites as made: the stoichiometry where none are lost
        of = self.film.named
        self.filled = pybamm.Variable(of("stoichiometry"), domain=DOMAINS[side])
        self.double_layer = double_layer
        self.held = f"Active {side.lower()} lithium [mol.m-2]"
        faces = ("mean", "surface", "collector")
        self.observed = (
            *(of(f"{face} stoichiometry") for face in faces),
            of("open-circuit potential [V]"),
            *(() if side == "Cathode" else (of("mean open-circuit potential [V]"),)),
        )
        self.lithium = (of("lithium [mol.m-2]"),)
        self.columns = () if side == "Cathode" else ANODE_COLUMNS
        self.losses = LOSSES[side]

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        xi, of = depth(self.side), self.film.named
        filled = pybamm.Integral(self.filled, xi) / span(self.film)
        to_face = "Distance from electrolyte [m]"
        return {
            of("stoichiometry"): self.filled,
            **self._active_sites(xi),
            of("mean stoichiometry"): filled / self.active,
            self.held: self.film.n_sites * filled,
            to_face if self.side == "Cathode" else f"{to_face[:-4]} in the anode [m]": xi
            / span(self.film)
            * self.film.L,
        }

    def _active_sites(self, xi: pybamm.Symbol) -> dict[str, pybamm.Symbol]:
        """Return the profile over the active sites, and where there is room in them."""
        if not self.losing:
            return {}
        x = self.filled / self.active
        free = (1 - x / self.film.x_max) / LEAST_FREE
        room = pybamm.maximum(pybamm.minimum(free, 1), 0)
        mean = pybamm.Integral(room, xi) / span(self.film)
        return {ACTIVE_SITES: x, ROOM: room, MEAN_ROOM: mean}

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, film, of = self.param, self.film, self.film.named
        x = self.filled / self.active
        i = film.sign * variables["Total current density [A.m-2]"]
        lithium = variables[self.held]
        if self.losing:
            lithium = lithium + film.n_sites * variables[HELD]
        kind = "faradaic" if self.double_layer else "interface"
        i_ct = variables[of(f"{kind} current density [A.m-2]")]

        D = film.D_ref * p.arrhenius(film.E_D)
        # Gradient of psi over xi per current density, at either face: see above
        slope = film.L / (film.u_A * film.u_V * FARADAY * film.c_sites * D)
        slope = p.combined(of("slope per current density [m2.A-1]"), slope) / span(film)
        slope = slope / self.active
        psi = film.psi(x)
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
            x_s, x_L = film.x_of_psi(psi_s), film.x_of_psi(psi_L)
        migration = {} if fed is None else {of("migration"): fed * i * slope}
        drop = self._electron_path(x, i, (psi_s, psi_L), (x_s, x_L), D)
        return migration | {
            of("lithium [mol.m-2]"): lithium,
            of("diffusion potential"): psi,
            of("diffusion rate [s-1]"): D / film.L**2,
            of("surface stoichiometry"): x_s,
            of("collector stoichiometry"): x_L,
            of("open-circuit potential [V]"): film.U(x_s),
            self.losses[0].variable: drop,
            **self._open_circuit(variables, x_s),
        }

    def _open_circuit(
        self, variables: dict[str, pybamm.Symbol], x_s: pybamm.Symbol
    ) -> dict[str, pybamm.Symbol]:
        """Return U at the mean stoichiometry; of an anode what diffusion adds to it."""
        U = self.film.U(variables[self.film.named("mean stoichiometry")])
        held = variables[self.held]
        if self.side == "Cathode":
            return {"Cathode mean open-circuit potential [V]": U}
        return {
            "Anode mean open-circuit potential [V]": U,
            "Anode diffusion voltage drop [V]": self.film.U(x_s) - U,
            SLIPPAGE: self._made - variables["Cathode lithium [mol.m-2]"] - held,
        }

    @property
    def _made(self) -> pybamm.Symbol:
        """Lithium of both films as made [mol/m2]."""
        films = (self.param.film(side) for side in DOMAINS)
        return sum(
            pybamm.Parameter(film.named("stoichiometry as made")) * film.n_sites
            for film in films
        )

    def _transference(
        self, x: pybamm.Symbol
    ) -> tuple[pybamm.Symbol | None, pybamm.Symbol, pybamm.Symbol]:
        """Return t_i where fluxes are, of a law, and at both faces."""
        film = self.film
        self.boundary_conditions = {}
        if self.transference == "constant":
            return None, film.t_i, film.t_i
        # d(xi)/d(xi) = 1 brings t_i(x) to where fluxes are; at the faces it is the value
        # of the nearest node, the same that the conditions on psi hold: lithium is
        # conserved to rounding.
        xi = depth(self.side)
        t_i = film.t_i_of_x(x)
        t_s, t_L = pybamm.EvaluateAt(t_i, 0), pybamm.EvaluateAt(t_i, span(film))
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
        """Return the integral of rho_e (i - F N) dy, i - F N = (1 - t_i) i + F D dc/dy.

        The second part is one of rho_e D dc, a difference of a potential like psi.
        """
        p, film = self.param, self.film
        rho_e = film.rho_e / p.arrhenius(film.E_rho)
        by_current = rho_e / film.u_A * film.L
        by_profile = rho_e * FARADAY * film.c_sites * film.u_V * D
        electronic = 1 - film.t_i
        if self.transference == "law":
            electronic = 1 - film.t_i_of_x(x)
        if self.resistivity == "law":
            electronic = electronic * film.rho_of_x(x)
            psi = (film.psi_e(ends[0]), film.psi_e(ends[1]))
        if electronic.domain:
            electronic = pybamm.Integral(electronic, depth(self.side)) / span(film)
        else:
            by_current, electronic = by_current * electronic, pybamm.Scalar(1)
        by_profile = by_profile * self.active
        return by_current * electronic * i + by_profile * (psi[1] - psi[0])

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        of = self.film.named
        inflow = pybamm.grad(variables[of("diffusion potential")])  # -N
        if of("migration") in variables:
            inflow = inflow - variables[of("migration")]
        rate = variables[of("diffusion rate [s-1]")]
        spread = rate * span(self.film) ** 2 * self.active
        self.rhs = {self.filled: pybamm.div(spread * inflow)}
        if self.losing:
            self.rhs[self.filled] += variables[LEFT] - variables[LOST] * self.filled

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {self.filled: self.film.x_init}

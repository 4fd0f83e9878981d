"""Charge transfer at an interface: Butler-Volmer, anodic-positive overpotential.

    i_an = i_0 [exp(alpha_a f eta) - exp(-alpha_c f eta)],   alpha_a + alpha_c = 1

inverted for eta: closed form (2/f) asinh(i_an/(2 i_0)) where alpha_a = 1/2, else eta is
an algebraic state.  At a film i_an = -i_in/u_A, i_in the current into it, and

    i_0 = i_0,ref (theta/theta_ref)^alpha_c ((1 - theta)/(1 - theta_ref))^alpha_a

with theta = x_s/x_max; i_0,ref is stated at a stoichiometry and a temperature, never as
a rate constant whose unit hides the reaction order.  Lithium: i_an = i.  (Newman &
Balsara, Electrochemical Systems, 4th ed., ch. 8; Latz & Zausch, Electrochim. Acta 110
(2013) 358 for the orders of theta.)
"""

from __future__ import annotations

from typing import ClassVar

import pybamm

from .law import Law, Loss
from .parameters import FARADAY, ThinFilmParameters

# Kinetics see theta inside the open interval: past saturation a power of a negative
# number would turn the voltage into NaN and a cut-off would be stepped over.  Nearer to
# saturation eta is a wall, d(eta)/d(theta) = (R T/F)/margin, on which a current that is
# good to the solver's tolerance no longer holds a voltage: at 1e-9 holds strayed by
# 0.15 V and one LiCoO2 step in forty failed (tests/verification/
# test_random_protocols.py).
THETA_MARGIN = 1e-4


class InterfaceCurrent(Law):
    """Current into a film at its electrolyte face: it fills the film, or charges a double
    layer.

    That of a cathode is what crosses the electrolyte and what oxidises it there.  Out of
    an anode goes what crosses the electrolyte and what its interphase consumes.
    """

    param: ThinFilmParameters

    def __init__(
        self, param: ThinFilmParameters, side: str = "Cathode", consuming: bool = False
    ) -> None:
        pybamm.BaseModel.__init__(self, name=f"Current into the {side.lower()}")
        self.param, self.side, self.consuming = param, side, consuming

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        i = variables["Ionic current density [A.m-2]"]
        if self.side == "Anode":
            i_in = -i
            if self.consuming:
                consumed = variables["Lithium consumption over sites [s-1]"]
                i_in = i_in - consumed * FARADAY * self.param.anode.n_sites
        else:
            i_in = i + variables.get("Electrolyte oxidation current density [A.m-2]", 0)
        return {f"{self.side} interface current density [A.m-2]": i_in}


class ButlerVolmer(Law):
    """Overpotential of one interface from its current density.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    side : str
        "Cathode" or "Anode", a film; or "Lithium".
    symmetric : bool
        Whether alpha_a = alpha_c = 1/2, so that eta is explicit.
    """

    param: ThinFilmParameters

    COLOURS: ClassVar = {"Cathode": "#D55E00", "Anode": "#CC79A7", "Lithium": "#CC79A7"}

    def __init__(self, param: ThinFilmParameters, side: str, symmetric: bool) -> None:
        pybamm.BaseModel.__init__(self, name=f"Butler-Volmer at {side.lower()}")
        self.param = param
        self.side = side
        self.symmetric = symmetric
        self.film = None if side == "Lithium" else param.film(side)
        eta, sign = f"{side} overpotential [V]", -1 if side == "Cathode" else 1
        self.losses = (Loss(f"{side} interface", eta, sign, self.COLOURS[side]),)

    @property
    def alpha(self) -> pybamm.Symbol:
        """Anodic transfer coefficient."""
        return self.param.alpha_n if self.film is None else self.film.alpha

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        if self.symmetric:
            return {}
        eta = pybamm.Variable(f"{self.side} overpotential [V]")
        return {f"{self.side} overpotential [V]": eta}

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, film = self.param, self.film
        if film is None:
            i_an = variables["Ionic current density [A.m-2]"]
        else:
            i_in = variables[film.named("interface current density [A.m-2]")]
            i_an = i_in * (-1 / film.u_A)
        i_0 = self.exchange_current(variables, i_an)
        coupled = {
            f"{self.side} anodic current density [A.m-2]": i_an,
            f"{self.side} exchange current density [A.m-2]": i_0,
        }
        if self.symmetric:
            eta = 2 / p.f * pybamm.arcsinh(i_an / (2 * i_0))
            coupled[f"{self.side} overpotential [V]"] = eta
        else:
            eta = variables[f"{self.side} overpotential [V]"]
        if film is not None:
            U = variables[film.named("open-circuit potential [V]")]
            coupled[film.named("interface potential [V]")] = U + eta
        return coupled

    def exchange_current(
        self, variables: dict[str, pybamm.Symbol], i_an: pybamm.Symbol
    ) -> pybamm.Symbol:
        """Return i_0 at the state of the surface; of what plates by its direction."""
        p, film = self.param, self.film
        if film is None:
            rate = p.i0_n_ref * p.arrhenius(p.E_i0_n)
            return rate
        x_s = variables[film.named("surface stoichiometry")]
        theta = x_s * (1 / film.x_max)
        theta = pybamm.minimum(pybamm.maximum(theta, THETA_MARGIN), 1 - THETA_MARGIN)
        rate = film.i0_ref * p.arrhenius(film.E_i0)
        theta_ref = film.theta_ref
        if self.symmetric:
            reference = pybamm.sqrt(theta_ref * (1 - theta_ref))
            order = pybamm.sqrt(theta * (1 - theta))
        else:
            alpha_a = film.alpha
            reference = theta_ref ** (1 - alpha_a) * (1 - theta_ref) ** alpha_a
            order = theta ** (1 - alpha_a) * (1 - theta) ** alpha_a
        return (rate / reference) * order

    def set_algebraic(self, variables: dict[str, pybamm.Symbol]) -> None:
        if self.symmetric:
            return
        p, alpha_a = self.param, self.alpha
        eta = variables[f"{self.side} overpotential [V]"]
        i_an = variables[f"{self.side} anodic current density [A.m-2]"]
        i_0 = variables[f"{self.side} exchange current density [A.m-2]"]
        rate = pybamm.exp(alpha_a * p.f * eta) - pybamm.exp((alpha_a - 1) * p.f * eta)
        # Compared as asinh, so that Newton converges from any guess
        self.algebraic = {eta: pybamm.arcsinh(rate / 2) - pybamm.arcsinh(i_an / i_0 / 2)}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        if not self.symmetric:
            eta = variables[f"{self.side} overpotential [V]"]
            self.initial_conditions = {eta: pybamm.Scalar(0)}

"""Charge transfer at an interface: Butler-Volmer, anodic-positive overpotential.

    i_an = i_0 [exp(alpha_a f eta) - exp(-alpha_c f eta)],   alpha_a + alpha_c = 1

inverted for eta: closed form (2/f) asinh(i_an/(2 i_0)) where alpha_a = 1/2, else eta is
an algebraic state.  Cathode: i_an = -i/u_A and

    i_0 = i_0,ref (theta/theta_ref)^alpha_c ((1 - theta)/(1 - theta_ref))^alpha_a

with theta = x_s/x_max; i_0,ref is stated at a stoichiometry and a temperature, never as
a rate constant whose unit hides the reaction order.  Lithium: i_an = i.  (Newman &
Balsara, Electrochemical Systems, 4th ed., ch. 8; Latz & Zausch, Electrochim. Acta 110
(2013) 358 for the orders of theta.)
"""

from __future__ import annotations

import pybamm

from .law import Law, Loss
from .parameters import ThinFilmParameters

# Kinetics see theta inside the open interval: past saturation a power of a negative
# number would turn the voltage into NaN and a cut-off would be stepped over.  Nearer to
# saturation eta is a wall, d(eta)/d(theta) = (R T/F)/margin, on which a current that is
# good to the solver's tolerance no longer holds a voltage: at 1e-9 holds strayed by
# 0.15 V and one LiCoO2 step in forty failed (tests/verification/
# test_random_protocols.py).
THETA_MARGIN = 1e-4


class InterfaceCurrent(Law):
    """Current at the cathode's electrolyte face: what crosses the electrolyte, and what
    oxidises it there; it fills the film, or charges a double layer."""

    param: ThinFilmParameters

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        i = variables["Ionic current density [A.m-2]"]
        i_ox = variables.get("Electrolyte oxidation current density [A.m-2]", 0)
        return {"Cathode interface current density [A.m-2]": i + i_ox}


class ButlerVolmer(Law):
    """Overpotential of one interface from its current density.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    domain : str
        "Cathode" or "Lithium".
    symmetric : bool
        Whether alpha_a = alpha_c = 1/2, so that eta is explicit.
    """

    param: ThinFilmParameters

    def __init__(self, param: ThinFilmParameters, domain: str, symmetric: bool) -> None:
        pybamm.BaseModel.__init__(self, name=f"Butler-Volmer at {domain.lower()}")
        self.param = param
        self.side = domain
        self.symmetric = symmetric
        eta = f"{domain} overpotential [V]"
        sign, colour = (-1, "#D55E00") if domain == "Cathode" else (1, "#CC79A7")
        self.losses = (Loss(f"{domain} interface", eta, sign, colour),)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        if self.symmetric:
            return {}
        eta = pybamm.Variable(f"{self.side} overpotential [V]")
        return {f"{self.side} overpotential [V]": eta}

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        if self.side == "Cathode":
            i = variables["Cathode interface current density [A.m-2]"]
            i_an = i * p.constant("Contact density", -1 / p.u_A)
            i_0 = self._cathode_exchange_current(variables)
        else:
            i_an = variables["Ionic current density [A.m-2]"]
            i_0 = self._lithium_exchange_current(variables, i_an)
        coupled = {
            f"{self.side} anodic current density [A.m-2]": i_an,
            f"{self.side} exchange current density [A.m-2]": i_0,
        }
        if self.symmetric:
            eta = p.constant("2RT/F [V]", 2 / p.f) * pybamm.arcsinh(i_an / (2 * i_0))
            coupled[f"{self.side} overpotential [V]"] = eta
        else:
            eta = variables[f"{self.side} overpotential [V]"]
        if self.side == "Cathode":
            U = variables["Cathode open-circuit potential [V]"]
            coupled["Cathode interface potential [V]"] = U + eta
        return coupled

    def _lithium_exchange_current(
        self, variables: dict[str, pybamm.Symbol], i_an: pybamm.Symbol
    ) -> pybamm.Symbol:
        p = self.param
        rate = p.i0_n_ref * p.arrhenius(p.E_i0_n)
        return p.constant("Lithium exchange current density [A.m-2]", rate)

    def _cathode_exchange_current(
        self, variables: dict[str, pybamm.Symbol]
    ) -> pybamm.Symbol:
        p = self.param
        x_s = variables["Cathode surface stoichiometry"]
        theta = x_s * p.constant("1/x_max", 1 / p.x_max)
        theta = pybamm.minimum(pybamm.maximum(theta, THETA_MARGIN), 1 - THETA_MARGIN)
        rate = p.i0_p_ref * p.arrhenius(p.E_i0_p)
        theta_ref = p.theta_ref
        if self.symmetric:
            reference = pybamm.sqrt(theta_ref * (1 - theta_ref))
            order = pybamm.sqrt(theta * (1 - theta))
        else:
            alpha_a = p.alpha_p
            reference = theta_ref ** (1 - alpha_a) * (1 - theta_ref) ** alpha_a
            order = theta ** (1 - alpha_a) * (1 - theta) ** alpha_a
        return p.constant("Cathode rate over order [A.m-2]", rate / reference) * order

    def set_algebraic(self, variables: dict[str, pybamm.Symbol]) -> None:
        if self.symmetric:
            return
        p = self.param
        alpha_a = p.alpha_p if self.side == "Cathode" else p.alpha_n
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

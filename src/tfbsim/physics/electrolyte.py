"""LiPON: a single-ion conductor.

The anions are fixed, so electroneutrality makes the lithium concentration uniform and
transport ohmic: drop = i L_e/sigma, sigma T = (sigma T)_ref exp[(E/R)(1/T_ref - 1/T)]
(Bates et al., Solid State Ionics 53-56 (1992) 647; Fabre et al., J. Electrochem. Soc.
159 (2012) A104).  A second film at the anode is in series, with an interface between.
"""

from __future__ import annotations

import pybamm

from .law import Law, Loss
from .parameters import ThinFilmParameters

DROP = "Electrolyte voltage drop [V]"
VACUUM = 8.8541878128e-12  # F/m, CODATA 2018


class SingleIonConductor(Law):
    """Ohmic drop over the electrolyte film."""

    param: ThinFilmParameters
    losses = (Loss("Electrolyte", "Electrolyte voltage drop [V]", 1, "#56B4E9"),)

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        sigma = p.sigma_e * p.T_ref / p.T * p.arrhenius(p.E_sigma)
        second = p.R_e2 * p.T / p.T_ref / p.arrhenius(p.E_e2)
        between = p.R_ee / p.arrhenius(p.E_ee)
        R_e = p.L_e / sigma + second + between
        return {
            "Electrolyte conductivity [S.m-1]": sigma,
            "Electrolyte resistance [Ohm.m2]": R_e,
            **self._drop(variables, R_e),
        }

    def _drop(
        self, variables: dict[str, pybamm.Symbol], R_e: pybamm.Symbol
    ) -> dict[str, pybamm.Symbol]:
        return {DROP: variables["Ionic current density [A.m-2]"] * R_e}


class CapacitiveConductor(SingleIonConductor):
    """The same beside the film's own capacitance C = eps_r eps_0/L_e.

    C dV_e/dt = i + i_e - V_e/R_e: a displacement current, which moves no lithium through
    the film and charges the interfaces on either side alike.
    """

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        return {DROP: pybamm.Variable(DROP)}

    def _drop(
        self, variables: dict[str, pybamm.Symbol], R_e: pybamm.Symbol
    ) -> dict[str, pybamm.Symbol]:
        return {}

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        V_e = variables[DROP]
        conducted = V_e / variables["Electrolyte resistance [Ohm.m2]"]
        displaced = variables["Ionic current density [A.m-2]"] - conducted
        C = p.eps_r * VACUUM / p.L_e
        self.rhs = {V_e: displaced / C}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables[DROP]: pybamm.Scalar(0)}

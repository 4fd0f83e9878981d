"""LiPON: a single-ion conductor.

The anions are fixed, so electroneutrality makes the lithium concentration uniform and
transport ohmic: drop = i L_e/sigma, sigma T = (sigma T)_ref exp[(E/R)(1/T_ref - 1/T)]
(Bates et al., Solid State Ionics 53-56 (1992) 647; Fabre et al., J. Electrochem. Soc.
159 (2012) A104).
"""

from __future__ import annotations

import pybamm

from .law import Law, Loss
from .parameters import ThinFilmParameters


class SingleIonConductor(Law):
    """Ohmic drop over the electrolyte film."""

    param: ThinFilmParameters
    losses = (Loss("Electrolyte", "Electrolyte voltage drop [V]", 1, "#56B4E9"),)

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        i = variables["Ionic current density [A.m-2]"]
        sigma = p.sigma_e * p.T_ref / p.T * p.arrhenius(p.E_sigma)
        R_e = p.constant("Electrolyte resistance [Ohm.m2]", p.L_e / sigma)
        return {
            "Electrolyte conductivity [S.m-1]": sigma,
            "Electrolyte resistance [Ohm.m2]": R_e,
            "Electrolyte voltage drop [V]": i * R_e,
        }

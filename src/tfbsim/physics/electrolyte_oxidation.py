"""Oxidation of the electrolyte at the cathode, from a finite reservoir.

    -(i + i_e) = i_an + i_ox,   i_ox = i_ox,0 exp[alpha f (phi - U_ox)] (1 - exp[-n/n_s])
    dn/dt = -i_ox/F

That part of a charge takes no lithium out of the film; its ion comes from the
electrolyte, which holds n of it.  It ends smoothly within the last n_s.  phi is the
potential of the cathode at its electrolyte face against lithium, U(x_s) + eta; as it
depends on i_ox itself, it is an algebraic state.
"""

from __future__ import annotations

import pybamm

from .law import Column, Law, SideCurrent
from .parameters import FARADAY, ThinFilmParameters, tafel

OXIDATION = SideCurrent("Electrolyte oxidation", "oxidation of the electrolyte")
RESERVOIR = "Lithium of the electrolyte over cathode sites"
PHI = "Potential of oxidation [V]"
LAST = 1e-4  # over the cathode's sites: where oxidation ends


class ElectrolyteOxidation(Law):
    """Current that oxidises the electrolyte, and what is left to oxidise."""

    param: ThinFilmParameters
    side_currents = (OXIDATION,)
    observed = (PHI,)
    lithium = ("Lithium left in the electrolyte [mol.m-2]",)
    columns = (
        Column(
            lithium[0], "Lithium of the electrolyte that oxidation has not yet set free."
        ),
    )

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        left, phi = pybamm.Variable(RESERVOIR), pybamm.Variable(PHI)
        there = 1 - pybamm.exp(-pybamm.maximum(left, 0) / LAST)
        faster = tafel(p, "Electrolyte oxidation", "oxidation", phi)
        i_0 = pybamm.Parameter("Electrolyte oxidation current [A.m-2]")
        return {
            RESERVOIR: left,
            PHI: phi,
            self.lithium[0]: left * p.n_sites,
            OXIDATION.variable: i_0 * faster * there,
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        i_ox = variables[OXIDATION.variable]
        self.rhs = {variables[RESERVOIR]: -i_ox * self.param.per_site_charge}

    def set_algebraic(self, variables: dict[str, pybamm.Symbol]) -> None:
        phi = variables[PHI]
        self.algebraic = {phi: variables["Cathode interface potential [V]"] - phi}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        full = pybamm.Parameter("Electrolyte oxidation reservoir [A.s.m-2]")
        self.initial_conditions = {
            variables[RESERVOIR]: full / (FARADAY * p.n_sites),
            variables[PHI]: p.cathode.U(p.cathode.x_init),
        }

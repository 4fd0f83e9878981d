"""Lithium that is consumed at the anode with time.

    dn_c/dt = k + K^2/(2 (n_c + n_0)),   dn/dt = -i_an/F - dn_c/dt

k alone is constant; K alone grows a layer of products with the root of time,
(n_c + n_0)^2 = n_0^2 + K^2 t.  It stops with the last of the lithium.  What an anode film
loses so leaves it at its electrolyte face.
"""

from __future__ import annotations

import pybamm

from .law import Column, Harm, Law
from .lithium import INVENTORY
from .parameters import FARADAY, ThinFilmParameters

CONSUMED = "Lithium consumed over sites"
CONSUMPTION = "Lithium consumption over sites [s-1]"
LITTLE = 1e-4  # over the sites: of less lithium, less is consumed


class LithiumConsumption(Law):
    """Lithium consumed, and how fast."""

    param: ThinFilmParameters
    lithium = ("Lithium consumed at the anode [mol.m-2]",)
    harms = (
        Harm("lithium consumption", (CONSUMED,), (INVENTORY, "Anode stoichiometry")),
    )

    def __init__(self, param: ThinFilmParameters, film: bool = False) -> None:
        pybamm.BaseModel.__init__(self, name="Lithium consumption")
        self.param = param
        # What is consumed is counted over the same sites as what there is
        self.n_sites = param.anode.n_sites if film else param.n_sites
        self.left = "Anode mean stoichiometry" if film else INVENTORY
        words = "Lithium that had been consumed at the anode."
        metal = Column("Lithium inventory [mol.m-2]", "Lithium metal left at the anode.")
        self.columns = (Column(self.lithium[0], words), *(() if film else (metal,)))

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        consumed = pybamm.Variable(CONSUMED)
        return {CONSUMED: consumed, self.lithium[0]: consumed * self.n_sites}

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        P, p = pybamm.Parameter, self.param
        name, site_charge = "Lithium consumption", FARADAY * self.n_sites
        faster = p.arrhenius(P(f"{name} activation energy [J.mol-1]"))
        grown = P(f"{name} growth [A.s.m-2]") / site_charge * faster
        # Without growth its time is 0 too
        time = pybamm.maximum(P(f"{name} growth time [s]"), 1e-9)
        constant = P(f"{name} current [A.m-2]") / site_charge * faster
        first = P(f"{name} initial [A.s.m-2]") / site_charge
        square = grown**2 / time / 2
        there = 1 - pybamm.exp(-pybamm.maximum(variables[self.left], 0) / LITTLE)
        rate = (constant + square / (variables[CONSUMED] + first)) * there
        return {CONSUMPTION: rate}

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.rhs = {variables[CONSUMED]: variables[CONSUMPTION]}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables[CONSUMED]: pybamm.Scalar(0)}

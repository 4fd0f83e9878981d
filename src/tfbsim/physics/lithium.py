"""The lithium anode as an areal inventory n [mol/m2].

    dn/dt = -i_an/F,   l_Li = n V_m

It grows on charge and is stripped on discharge (Faraday: 4.85 um per mAh/cm2 at
V_m = 13.0 cm3/mol).  Stripping to n = 0 is "lithium exhausted".  Kept as n/n_sites, the
lithium of a full cathode film, so that it is of order one.
"""

from __future__ import annotations

import pybamm

from .law import End, Law
from .parameters import ThinFilmParameters

# By its tag PyBaMM's experiments go on with the next step
EXHAUSTED = "Lithium exhausted [experiment]"
NOTHING_LEFT = End(EXHAUSTED, "lithium exhausted", "no lithium is left to strip")
INVENTORY = "Lithium inventory over cathode sites"


class LithiumInventory(Law):
    """Areal lithium inventory and the thickness that follows from it."""

    param: ThinFilmParameters
    observed = ("Lithium thickness [m]",)
    lithium = ("Anode lithium [mol.m-2]",)
    ends = (NOTHING_LEFT,)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        ratio = pybamm.Variable(INVENTORY)
        n = ratio * p.n_sites
        return {
            INVENTORY: ratio,
            "Lithium inventory [mol.m-2]": n,
            "Lithium thickness [m]": n * p.V_m,
            "Anode lithium [mol.m-2]": n,
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        ratio = variables[INVENTORY]
        i_an = variables["Lithium anodic current density [A.m-2]"]
        consumed = variables.get("Lithium consumption over sites [s-1]", 0)
        self.rhs = {ratio: -i_an * self.param.per_site_charge - consumed}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        ratio = variables[INVENTORY]
        self.initial_conditions = {
            ratio: self.param.n_Li_init / self.param.n_sites + self.param.moved
        }

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        ratio = variables[INVENTORY]
        i = variables["Ionic current density [A.m-2]"]
        # Only stripping can exhaust it: on charge the event stays away from zero,
        # also for a cell that is made without lithium.
        self.events = [pybamm.Event(EXHAUSTED, ratio + (i <= 0))]

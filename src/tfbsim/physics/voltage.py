"""The voltage as a sum of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import pybamm

from .law import Law, Loss
from .parameters import ThinFilmParameters

# Of an anode film at its mean stoichiometry
ANODE_POTENTIAL = "Anode mean open-circuit potential [V]"


class TerminalVoltage(Law):
    """The voltage as a sum of its parts, and the variables PyBaMM expects of it.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    laws : sequence of Law
        The other laws of the cell, whose losses and lithium are summed.
    """

    param: ThinFilmParameters
    observed = ("Current [A]", "Voltage [V]", "Open-circuit voltage [V]")
    counted = (
        "Total lithium [mol.m-2]",
        "Interface resistance [Ohm.m2]",
        "Cell temperature [K]",
    )
    losses = (
        Loss("Interphase films", "Film voltage drop [V]", 1, "#999999"),
        Loss("Contact", "Contact voltage drop [V]", 1, "#332288"),
    )

    def __init__(self, param: ThinFilmParameters, laws: Sequence[Law]) -> None:
        pybamm.BaseModel.__init__(self, name="Terminal voltage")
        self.param = param
        self.laws = laws

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        i = variables["Total current density [A.m-2]"]
        R_p = p.cathode.film_resistance
        R_n = p.R_f_n / p.arrhenius(p.E_R_n)
        R_ct = 1 / (p.f * variables["Cathode exchange current density [A.m-2]"])
        U = variables["Cathode mean open-circuit potential [V]"]
        V = variables["Cathode open-circuit potential [V]"]
        if ANODE_POTENTIAL in variables:  # else that of lithium is 0
            R_n = p.anode.film_resistance
            U, V = (volts - variables[ANODE_POTENTIAL] for volts in (U, V))
        i_ion = variables["Ionic current density [A.m-2]"]
        films = i_ion * (R_p + R_n)
        if "Resistance of inactive lithium [Ohm.m2]" in variables:
            films += i_ion * variables["Resistance of inactive lithium [Ohm.m2]"]
        grown = pybamm.Scalar(0)
        for name in (name for law in self.laws for name in law.interphases):
            grown = grown + variables[name]
        films += i_ion * grown
        contact = i * p.R_contact
        drops = variables | {
            "Film voltage drop [V]": films,
            "Contact voltage drop [V]": contact,
        }
        for loss in (loss for law in (*self.laws, self) for loss in law.losses):
            drop = drops[loss.variable]
            V = V + drop if loss.sign < 0 else V - drop
        total: pybamm.Symbol = p.n_inactive
        for name in (name for law in self.laws for name in law.lithium):
            total = total + variables[name]
        return {
            "Film voltage drop [V]": films,
            "Contact voltage drop [V]": contact,
            "Open-circuit voltage [V]": U,
            "Voltage [V]": V,
            "Battery voltage [V]": V,
            "Power [W]": V * variables["Current [A]"],
            "Total lithium [mol.m-2]": total,
            "Interface resistance [Ohm.m2]": R_ct / p.cathode.u_A + R_p + grown,
        }

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        V = variables["Voltage [V]"]
        self.events = [
            pybamm.Event("Minimum voltage [V]", V - self.param.voltage_low_cut),
            pybamm.Event("Maximum voltage [V]", self.param.voltage_high_cut - V),
        ]

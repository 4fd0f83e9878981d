"""The voltage as a sum of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import pybamm

from .law import Law, Loss
from .parameters import ThinFilmParameters


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
    observed = ("Current [A]", "Voltage [V]")
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
        R_p = p.R_f_p / p.arrhenius(p.E_R_p) / p.u_A
        R_n = p.R_f_n / p.arrhenius(p.E_R_n)
        i_ion = variables["Ionic current density [A.m-2]"]
        films = i_ion * p.constant("Film resistance [Ohm.m2]", R_p + R_n)
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
        V = variables["Cathode open-circuit potential [V]"]
        for loss in (loss for law in (*self.laws, self) for loss in law.losses):
            drop = drops[loss.variable]
            V = V + drop if loss.sign < 0 else V - drop
        total: pybamm.Symbol = p.n_inactive
        for name in (name for law in self.laws for name in law.lithium):
            total = total + variables[name]
        i_0 = variables["Cathode exchange current density [A.m-2]"]
        return {
            "Film voltage drop [V]": films,
            "Contact voltage drop [V]": contact,
            "Voltage [V]": V,
            "Battery voltage [V]": V,
            "Power [W]": V * variables["Current [A]"],
            "Total lithium [mol.m-2]": total,
            "Interface resistance [Ohm.m2]": 1 / (p.f * i_0) / p.u_A + R_p + grown,
        }

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        V = variables["Voltage [V]"]
        self.events = [
            pybamm.Event("Minimum voltage [V]", V - self.param.voltage_low_cut),
            pybamm.Event("Maximum voltage [V]", self.param.voltage_high_cut - V),
        ]

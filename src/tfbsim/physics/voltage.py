"""The voltage as a sum of its parts."""

from __future__ import annotations

import pybamm

from .parameters import ThinFilmParameters


class TerminalVoltage(pybamm.BaseSubModel):
    """The voltage as a sum of its parts, and the variables PyBaMM expects of it."""

    param: ThinFilmParameters

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p = self.param
        i = variables["Total current density [A.m-2]"]
        R_p = p.R_f_p / p.arrhenius(p.E_R_p) / p.u_A
        R_n = p.R_f_n / p.arrhenius(p.E_R_n)
        i_ion = variables["Ionic current density [A.m-2]"]
        films = i_ion * p.constant("Film resistance [Ohm.m2]", R_p + R_n)
        if "Inactive lithium resistance [Ohm.m2]" in variables:
            films += i_ion * variables["Inactive lithium resistance [Ohm.m2]"]
        contact = i * p.R_contact
        V = (
            variables["Cathode open-circuit potential [V]"]
            + variables["Cathode overpotential [V]"]
            - variables["Lithium overpotential [V]"]
            - variables["Electrolyte voltage drop [V]"]
            - variables["Electron path voltage drop [V]"]
            - films
            - contact
        )
        total = (
            variables["Cathode lithium [mol.m-2]"]
            + variables["Anode lithium [mol.m-2]"]
            + p.n_inactive
        )
        i_0 = variables["Cathode exchange current density [A.m-2]"]
        return {
            "Film voltage drop [V]": films,
            "Contact voltage drop [V]": contact,
            "Voltage [V]": V,
            "Battery voltage [V]": V,
            "Power [W]": V * variables["Current [A]"],
            "Total lithium [mol.m-2]": total,
            "Interface resistance [Ohm.m2]": 1 / (p.f * i_0) / p.u_A + R_p,
        }

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        V = variables["Voltage [V]"]
        self.events = [
            pybamm.Event("Minimum voltage [V]", V - self.param.voltage_low_cut),
            pybamm.Event("Maximum voltage [V]", self.param.voltage_high_cut - V),
        ]

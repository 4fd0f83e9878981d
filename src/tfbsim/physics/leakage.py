"""Electrons that cross the electrolyte: they discharge the cell, always.

    i_e = sigma_el (potential between the faces of the electrolyte)/L_e

The lithium ions then carry i + i_e through electrolyte and interfaces, of which the
external circuit sees i.  The potential between the faces is the terminal voltage without
the drops behind them: V + i R_contact + electron path of the film, or of both.  At rest
the cell discharges itself; a hold's current tends to -i_e; a charge at |i| <= i_e never
ends.
"""

from __future__ import annotations

import pybamm

from .law import Law, SideCurrent
from .parameters import ThinFilmParameters

LEAKAGE = SideCurrent("Leakage", "electrons leaking through the electrolyte")


class NoLeakage(Law):
    """All current through the electrolyte is ionic."""

    param: ThinFilmParameters
    observed = LEAKAGE.variable, LEAKAGE.charge

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        return {
            **{name: pybamm.Scalar(0) for name in self.observed},
            "Ionic current density [A.m-2]": variables["Total current density [A.m-2]"],
        }


class ElectronicLeakage(Law):
    """Ohmic conduction of electrons, the potential between the faces a state."""

    param: ThinFilmParameters
    side_currents = (LEAKAGE,)

    FACES = "Potential between electrolyte faces [V]"

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        faces = pybamm.Variable(self.FACES)
        per_volt = p.sigma_el * p.arrhenius(p.E_el) / p.L_e
        leakage = faces * p.combined("Leakage conductance [S.m-2]", per_volt)
        return {self.FACES: faces, "Leakage current density [A.m-2]": leakage}

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        i = variables["Total current density [A.m-2]"]
        leakage = variables["Leakage current density [A.m-2]"]
        return {"Ionic current density [A.m-2]": i + leakage}

    def set_algebraic(self, variables: dict[str, pybamm.Symbol]) -> None:
        behind = (
            variables["Contact voltage drop [V]"]
            + variables["Electron path voltage drop [V]"]
            - variables.get("Anode electron path voltage drop [V]", 0)
        )
        faces = variables[self.FACES]
        self.algebraic = {faces: variables["Voltage [V]"] + behind - faces}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        self.initial_conditions = {variables[self.FACES]: p.cathode.U(p.cathode.x_init)}

"""Interphases at the cathode whose resistance grows, each with a resistance of its own.

With time, by diffusion through what has grown (Broussely et al., J. Power Sources 97-98
(2001) 13), and with the potential phi of the cathode at its electrolyte face:

    R dR/dt = k^2/2,   R^2 = R_0^2 + k^2 t
    dR/dt = k exp[alpha f (phi - U)]         by oxidation
    dR/dt = k exp[-alpha f (phi - U)]        by reduction

R is per contact area; the voltage sees R/u_A.
"""

from __future__ import annotations

import pybamm

from .law import Column, Harm, Law
from .parameters import ThinFilmParameters, tafel


class InterphaseWithTime(Law):
    """Resistance that grows with the root of time; its square is the state."""

    param: ThinFilmParameters
    RESISTANCE = "Resistance of interphase with time [Ohm.m2]"
    SQUARE = "Square of interphase with time over its growth"
    interphases = (RESISTANCE,)
    columns = (Column(RESISTANCE, "Resistance of the interphase that grows with time."),)
    harms = (Harm("the interphase with time", (SQUARE,)),)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        square = pybamm.Variable(self.SQUARE)
        grown = pybamm.Parameter("Interphase with time growth [Ohm.m2]")
        R = grown * pybamm.sqrt(square) / self.param.cathode.u_A
        return {self.SQUARE: square, self.RESISTANCE: R}

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        P = pybamm.Parameter
        faster = self.param.arrhenius(
            P("Interphase with time activation energy [J.mol-1]")
        )
        rate = faster**2 / P("Interphase with time growth time [s]")
        self.rhs = {variables[self.SQUARE]: rate}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        P = pybamm.Parameter
        first = P("Interphase with time initial resistance [Ohm.m2]")
        ratio = first / P("Interphase with time growth [Ohm.m2]")
        self.initial_conditions = {variables[self.SQUARE]: ratio**2}


class InterphaseByReaction(Law):
    """Resistance that grows with the potential of the cathode.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    cause : str
        "oxidation" or "reduction".
    """

    param: ThinFilmParameters

    def __init__(self, param: ThinFilmParameters, cause: str) -> None:
        pybamm.BaseModel.__init__(self, name=f"Interphase by {cause}")
        self.param = param
        self.cause = cause
        self.state = f"Interphase by {cause} over 1 Ohm.m2"
        resistance = f"Resistance of interphase by {cause} [Ohm.m2]"
        self.interphases = (resistance,)
        words = f"Resistance of the interphase that grows by {cause}."
        self.columns = (Column(resistance, words),)
        self.harms = (Harm(f"the interphase by {cause}", (self.state,)),)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        R = pybamm.Variable(self.state)
        return {self.state: R, self.interphases[0]: R / self.param.cathode.u_A}

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        name = f"Interphase by {self.cause}"
        k = pybamm.Parameter(f"{name} rate [Ohm.m2.s-1]")
        phi = variables["Cathode interface potential [V]"]
        faster = tafel(self.param, name, self.cause, phi)
        self.rhs = {variables[self.state]: k * faster}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        first = f"Interphase by {self.cause} initial resistance [Ohm.m2]"
        self.initial_conditions = {variables[self.state]: pybamm.Parameter(first)}

"""Hysteresis of a film: an overpotential that lags behind the lithium, to first order.

    phi = U(x_s) - H h,   dh/dt = (dx/dt - |dx/dt| h)/dx_h

x is the mean stoichiometry.  h goes to 1 while the film fills and to -1 while it empties,
63 % of the way within a change dx_h, so that U -+ H are the branches and U(x) their mean.
At rest h stays as it is.  It takes energy both ways and no lithium.  The potential that
laws of ageing see is that without it.

References
----------
G. L. Plett, J. Power Sources 134 (2004) 262, for the one-state model.
"""

from __future__ import annotations

import pybamm

from .law import Law, Loss
from .parameters import FARADAY, ThinFilmParameters

NAMES = {
    "Cathode": ("Hysteresis", 1, "#882255"),
    "Anode": ("Anode hysteresis", -1, "#661100"),
}


class Hysteresis(Law):
    """Which branch of U(x) a film is on, as a state.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    side : str
        "Cathode" or "Anode".
    """

    param: ThinFilmParameters

    def __init__(self, param: ThinFilmParameters, side: str) -> None:
        pybamm.BaseModel.__init__(self, name=f"Hysteresis of the {side.lower()}")
        self.param, self.film = param, param.film(side)
        self.state = f"{side} branch"
        name, sign, colour = NAMES[side]
        self.losses = (Loss(name, f"{side} hysteresis [V]", sign, colour),)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        branch = pybamm.Variable(self.state)
        return {self.state: branch, self.losses[0].variable: self.film.H * branch}

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        film, branch = self.film, variables[self.state]
        into = variables[film.named("interface current density [A.m-2]")]
        per_current = 1 / (FARADAY * film.n_sites * film.dx_h)
        rate = into * per_current
        self.rhs = {branch: rate - pybamm.AbsoluteValue(rate) * branch}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables[self.state]: pybamm.Scalar(0)}

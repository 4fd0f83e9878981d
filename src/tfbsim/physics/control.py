"""What the cycler does, and what it counts.

Current control is PyBaMM's own ``ExplicitCurrentControl``; a voltage, a power, or a
current that changes within a step is met by solving for the current, as a state of order
one: i over the nominal current.  The
counters are integrals the solver carries, never a quadrature of saved points, in units
of the charge that fills every site of the film, F n_sites.
"""

from __future__ import annotations

import pybamm

from .law import Law
from .parameters import ThinFilmParameters


class AlgebraicControl(Law):
    """Current such that a voltage, a power or a current follows a function of time.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    quantity : str
        "voltage", "power" or "current".
    """

    param: ThinFilmParameters

    def __init__(self, param: ThinFilmParameters, quantity: str) -> None:
        pybamm.BaseModel.__init__(self, name=f"Constant {quantity}")
        self.param = param
        self.quantity = quantity

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        c_rate = pybamm.Variable("C-rate")
        I = c_rate * p.Q
        return {
            "C-rate": c_rate,
            "Current variable [A]": I,
            "Current [A]": I,
            "Total current density [A.m-2]": I / p.A_cc,
        }

    def set_algebraic(self, variables: dict[str, pybamm.Symbol]) -> None:
        c_rate = variables["C-rate"]
        if self.quantity == "voltage":
            target = pybamm.FunctionParameter(
                "Voltage function [V]", {"Time [s]": pybamm.t}
            )
            residual = variables["Voltage [V]"] - target
        elif self.quantity == "current":
            target = pybamm.FunctionParameter(
                "Current function [A]", {"Time [s]": pybamm.t}
            )
            residual = c_rate - target / self.param.Q
        else:
            target = pybamm.FunctionParameter(
                "Power function [W]", {"Time [s]": pybamm.t}
            )
            residual = (variables["Power [W]"] - target) / self.param.Q
        self.algebraic = {c_rate: residual}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables["C-rate"]: pybamm.Scalar(0)}

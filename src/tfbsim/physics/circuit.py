"""What the cycler does, and what it counts.

Current control is PyBaMM's own ``ExplicitCurrentControl``; a voltage or a power is held
by solving for the current, as a state of order one: i over the nominal current.  The
counters are integrals the solver carries, never a quadrature of saved points, in units
of the charge that fills every site of the film, F n_sites.
"""

from __future__ import annotations

import pybamm

from .parameters import FARADAY, ThinFilmParameters


class AlgebraicControl(pybamm.BaseSubModel):
    """Current such that a voltage or a power is held.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    quantity : str
        "voltage" or "power".
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
        else:
            target = pybamm.FunctionParameter(
                "Power function [W]", {"Time [s]": pybamm.t}
            )
            residual = (variables["Power [W]"] - target) / self.param.Q
        self.algebraic = {c_rate: residual}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables["C-rate"]: pybamm.Scalar(0)}


class Counters(pybamm.BaseSubModel):
    """Charge and energy passed: net, in the discharge direction, and leaked.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    leakage : bool
        Whether any leaks.
    """

    param: ThinFilmParameters

    STATES = (
        "Net charge over site charge",
        "Discharge over site charge",
        "Net energy over site charge [V]",
        "Discharge energy over site charge [V]",
    )
    LEAKED = "Leaked charge over site charge"

    def __init__(self, param: ThinFilmParameters, leakage: bool) -> None:
        pybamm.BaseModel.__init__(self, name="Counters")
        self.param = param
        self.leakage = leakage

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        states = {name: pybamm.Variable(name) for name in self.STATES}
        q, q_d, e, e_d = states.values()
        Ah = FARADAY * p.n_sites * p.A_cc / 3600
        leaked = pybamm.Variable(self.LEAKED) if self.leakage else pybamm.Scalar(0)
        return {
            **states,
            self.LEAKED: leaked,
            "Leakage capacity [A.h]": leaked * Ah,
            "Discharge capacity [A.h]": q * Ah,
            "Throughput capacity [A.h]": (2 * q_d - q) * Ah,
            "Discharge energy [W.h]": e_d * Ah,
            "Charge energy [W.h]": (e_d - e) * Ah,
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        q, q_d, e, e_d = (variables[name] for name in self.STATES)
        V = variables["Voltage [V]"]
        i = variables["Total current density [A.m-2]"]
        rate = i * self.param.per_site_charge
        discharge = pybamm.maximum(rate, 0)
        self.rhs = {q: rate, q_d: discharge, e: rate * V, e_d: discharge * V}
        if self.leakage:
            leakage = variables["Leakage current density [A.m-2]"]
            self.rhs[variables[self.LEAKED]] = leakage * self.param.per_site_charge

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {state: pybamm.Scalar(0) for state in self.rhs}

"""Charge and energy that passed, as states of the solver."""

from __future__ import annotations

import pybamm

from .law import Law
from .parameters import FARADAY, ThinFilmParameters


class Counters(Law):
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

    restarted = (*STATES, LEAKED)
    observed = (
        "Discharge capacity [A.h]",
        "Throughput capacity [A.h]",
        "Discharge energy [W.h]",
        "Charge energy [W.h]",
        "Leakage capacity [A.h]",
    )

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

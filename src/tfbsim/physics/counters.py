"""Charge and energy that passed, as states of the solver."""

from __future__ import annotations

from collections.abc import Sequence

import pybamm

from .law import Law, SideCurrent
from .parameters import FARADAY, ThinFilmParameters


class Counters(Law):
    """Charge and energy passed: net, in the discharge direction, and by side currents.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    side_currents : sequence of SideCurrent
        Of the other laws.
    """

    param: ThinFilmParameters

    CHARGES = "Net charge over site charge", "Discharge over site charge"
    ENERGIES = "Net energy over site charge [V]", "Discharge energy over site charge [V]"
    STATES = (*CHARGES, *ENERGIES)
    counted = (
        "Discharge capacity [A.h]",
        "Throughput capacity [A.h]",
        "Discharge energy [W.h]",
        "Charge energy [W.h]",
    )

    def __init__(
        self, param: ThinFilmParameters, side_currents: Sequence[SideCurrent]
    ) -> None:
        pybamm.BaseModel.__init__(self, name="Counters")
        self.param = param
        self.beside = {f"{s.name} charge over site charge": s for s in side_currents}
        self.restarted = (*self.STATES, *self.beside)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        states = {name: pybamm.Variable(name) for name in self.STATES}
        q, q_d, e, e_d = states.values()
        Ah = FARADAY * p.n_sites * p.A_cc / 3600
        beside = {name: pybamm.Variable(name) for name in self.beside}
        return {
            **states,
            **beside,
            **{side.charge: beside[name] * Ah for name, side in self.beside.items()},
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
        for name, side in self.beside.items():
            passes = variables[side.variable] * self.param.per_site_charge
            self.rhs[variables[name]] = passes

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {state: pybamm.Scalar(0) for state in self.rhs}

"""Double layers: charge at an interface that takes no lithium into the film.

A double layer acts on the full potential step of its interface, at the cathode
Delta phi = U(x_s) + eta, at the lithium, where U = 0, eta:

    cathode   -(i + i_e + i_ox)/u_A = i_an + C_dl d(Delta phi)/dt
    lithium     i + i_e      = i_an + C_dl d(eta)/dt

with i_an by Butler-Volmer, explicit, as eta follows from the state.  Only the faradaic
part i_ct = -u_A i_an brings lithium into the film; C_dl is per area in contact.  The ions
that charge a double layer are lithium that neither electrode holds:

    n_dl = -u_A C_dl Delta phi/F (cathode),   -C_dl eta/F (lithium)

(Newman & Balsara, Electrochemical Systems, 4th ed., ch. 7; Raijmakers et al.,
Electrochim. Acta 330 (2020) 135147 for a thin-film cell.)
"""

from __future__ import annotations

import pybamm

from .diffusion import ACTIVE_SITES
from .kinetics import ButlerVolmer
from .law import Law
from .parameters import FARADAY, ThinFilmParameters


class DoubleLayer(Law):
    """A double layer beside the charge transfer of an interface.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    kinetics : ButlerVolmer
        The charge transfer, which it replaces.
    """

    param: ThinFilmParameters

    def __init__(self, param: ThinFilmParameters, kinetics: ButlerVolmer) -> None:
        self.kinetics, self.side = kinetics, kinetics.side
        pybamm.BaseModel.__init__(self, name=f"Double layer at {self.side.lower()}")
        self.param = param
        # Of lithium, where U = 0, the step is the overpotential
        step = "interface potential" if self.side == "Cathode" else "overpotential"
        self.state = f"{self.side} {step} [V]"
        held = f"{self.side} double-layer lithium [mol.m-2]"
        self.observed = (*kinetics.observed, held)
        self.losses, self.lithium = kinetics.losses, (held,)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        step = pybamm.Variable(self.state)
        area = p.u_A if self.side == "Cathode" else 1
        held = -step * area * self._capacitance / FARADAY
        return {self.state: step, self.lithium[0]: held}

    @property
    def _capacitance(self) -> pybamm.Symbol:
        return self.param.C_p if self.side == "Cathode" else self.param.C_n

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, eta = self.param, variables[self.state]
        if self.side == "Cathode":
            # Of the face itself: what the film makes of it follows from this current
            x = variables.get(ACTIVE_SITES, variables["Cathode stoichiometry"])
            x_s = pybamm.BoundaryValue(x, "left")
            eta = eta - p.U(x_s)
            variables = variables | {"Cathode surface stoichiometry": x_s}
            i_0 = self.kinetics._cathode_exchange_current(variables)
            alpha_a = 0.5 if self.kinetics.symmetric else p.alpha_p
        else:
            i_0 = self.kinetics._lithium_exchange_current(variables, eta)
            alpha_a = 0.5 if self.kinetics.symmetric else p.alpha_n
        f = p.constant("F/RT [V-1]", p.f)
        i_an = i_0 * (pybamm.exp(alpha_a * f * eta) - pybamm.exp((alpha_a - 1) * f * eta))
        coupled = {
            f"{self.side} overpotential [V]": eta,
            f"{self.side} exchange current density [A.m-2]": i_0,
            f"{self.side} anodic current density [A.m-2]": i_an,
        }
        if self.side == "Cathode":
            coupled["Faradaic current density [A.m-2]"] = -p.u_A * i_an
        return coupled

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        i = variables["Ionic current density [A.m-2]"]
        if self.side == "Cathode":
            i = variables["Cathode interface current density [A.m-2]"]
            i = i * self.param.constant("Contact density", -1 / self.param.u_A)
        charging = i - variables[f"{self.side} anodic current density [A.m-2]"]
        self.rhs = {variables[self.state]: charging / self._capacitance}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        rest = p.U(p.x_init) if self.side == "Cathode" else pybamm.Scalar(0)
        self.initial_conditions = {variables[self.state]: rest}

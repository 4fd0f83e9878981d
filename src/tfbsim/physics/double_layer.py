"""Double layers: charge at an interface that takes no lithium into the film.

A double layer acts on the full potential step of its interface, at a film
Delta phi = U(x_s) + eta, at the lithium, where U = 0, eta:

    film      -i_in/u_A = i_an + C_dl d(Delta phi)/dt
    lithium     i + i_e = i_an + C_dl d(eta)/dt

with i_in the current into the film and i_an by Butler-Volmer, explicit, as eta follows
from the state.  Only the faradaic part i_ct = -u_A i_an brings lithium into the film;
C_dl is per area in contact.  The ions that charge a double layer are lithium that neither
electrode holds:

    n_dl = -u_A C_dl Delta phi/F (film),   -C_dl eta/F (lithium)

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
        self.film = kinetics.film
        pybamm.BaseModel.__init__(self, name=f"Double layer at {self.side.lower()}")
        self.param = param
        # Of lithium, where U = 0, the step is the overpotential
        step = "overpotential" if self.film is None else "interface potential"
        self.state = f"{self.side} {step} [V]"
        held = f"{self.side} double-layer lithium [mol.m-2]"
        self.observed = (*kinetics.observed, held)
        self.losses, self.lithium = kinetics.losses, (held,)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        step = pybamm.Variable(self.state)
        area = 1 if self.film is None else self.film.u_A
        held = -step * area * self._capacitance / FARADAY
        return {self.state: step, self.lithium[0]: held}

    @property
    def _capacitance(self) -> pybamm.Symbol:
        return self.param.C_n if self.film is None else self.film.C_dl

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, film, eta = self.param, self.film, variables[self.state]
        if film is not None:
            # Of the face itself: what the film makes of it follows from this current
            x = variables[film.named("stoichiometry")]
            if self.side == "Cathode":
                x = variables.get(ACTIVE_SITES, x)
            x_s = pybamm.BoundaryValue(x, "left")
            eta = eta - film.U(x_s)
            variables = variables | {film.named("surface stoichiometry"): x_s}
        i_0 = self.kinetics.exchange_current(variables, eta)
        alpha_a = 0.5 if self.kinetics.symmetric else self.kinetics.alpha
        f = p.f
        i_an = i_0 * (pybamm.exp(alpha_a * f * eta) - pybamm.exp((alpha_a - 1) * f * eta))
        coupled = {
            f"{self.side} overpotential [V]": eta,
            f"{self.side} exchange current density [A.m-2]": i_0,
            f"{self.side} anodic current density [A.m-2]": i_an,
        }
        if film is not None:
            coupled[film.named("faradaic current density [A.m-2]")] = -film.u_A * i_an
        return coupled

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        if (film := self.film) is None:
            i = variables["Ionic current density [A.m-2]"]
        else:
            i = variables[film.named("interface current density [A.m-2]")]
            i = i * (-1 / film.u_A)
        charging = i - variables[f"{self.side} anodic current density [A.m-2]"]
        self.rhs = {variables[self.state]: charging / self._capacitance}

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        film = self.film
        rest = pybamm.Scalar(0) if film is None else film.U(film.x_init)
        self.initial_conditions = {variables[self.state]: rest}

"""A liquid in place of the film: a binary salt that diffuses between foil and cathode.

    dc/dt = D d2c/dy2,   -D dc/dy = (1 - t_+) i/F at both faces
    drop = integral of i/kappa(c) dy + 2 (1 - t_+) Theta (R T/F) ln[c(foil)/c(film)]

y runs from the foil (0) to the film (1), in thicknesses L of the separator.  What enters
at one face leaves at the other, so c - c_0 is odd about the middle, and with the current
over the limiting one, u = i/i_lim, i_lim = 2 F D c_0/((1 - t_+) L),

    c/c_0 = 1 + sum of s_k cos(k pi y), k odd,   ds_k/dt = (D/L^2) [8 u - (k pi)^2 s_k]

exactly.  The modes beyond the last state follow the current at once: what they relax in,
L^2/(D (k pi)^2), is below a millisecond.  kappa(c) is that of Casteel & Amis,

    kappa = kappa_max r^a exp[b (r - 1)^2 - a (r - 1)],   r = c/c_max

References
----------
J. Newman and N. P. Balsara, Electrochemical Systems, 4th ed., ch. 11-12; J. F. Casteel
and E. S. Amis, J. Chem. Eng. Data 17 (1972) 55.
"""

from __future__ import annotations

import numpy as np
import pybamm

from .electrolyte import DROP
from .law import End, Law, Loss
from .parameters import FARADAY, ThinFilmParameters

MODES = range(1, 25, 2)
DEPLETED = "Salt depleted [experiment]"
LEAST, NOTHING = 1e-4, 1e-5  # over c_0: an end of a step; in place of none in a logarithm
FILM = "Salt concentration at the film [mol.m-3]"
FOIL = "Salt concentration at the foil [mol.m-3]"
STEADY = 8 / (np.pi * np.array(MODES)) ** 2  # of each mode, at u = 1


def state(k: int) -> str:
    """Return the name of a mode, over the concentration as made."""
    return f"Salt mode {k}"


class LiquidElectrolyte(Law):
    """Concentration of the salt, and the voltage it takes."""

    param: ThinFilmParameters
    observed = (FILM, FOIL)
    losses = (Loss("Electrolyte", DROP, 1, "#56B4E9"),)
    ends = (End(DEPLETED, "infeasible", "the salt of the electrolyte is depleted"),)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        return {state(k): pybamm.Variable(state(k)) for k in MODES}

    def _over_limit(self, variables: dict[str, pybamm.Symbol]) -> pybamm.Symbol:
        """Return the current over the limiting one."""
        p, P = self.param, pybamm.Parameter
        D = P("Salt diffusivity [m2.s-1]") * p.arrhenius(p.E_sigma)
        faster = 2 * FARADAY * D * P("Salt concentration [mol.m-3]")
        slower = (1 - P("Cation transference number")) * p.L_e
        limit = slower / faster
        return variables["Ionic current density [A.m-2]"] * limit

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, P = self.param, pybamm.Parameter
        u = self._over_limit(variables)

        def concentration(y: float) -> pybamm.Symbol:
            shapes = np.cos(np.pi * np.array(MODES) * y)
            rest = float(1 - 2 * y - STEADY @ shapes)  # of the modes that are no states
            parts = zip(MODES, shapes, strict=True)
            return 1 + u * rest + sum(float(w) * variables[state(k)] for k, w in parts)

        foil, film = concentration(0.0), concentration(1.0)
        c_0 = P("Salt concentration [mol.m-3]")
        per_peak = c_0 / P("Salt peak [mol.m-3]")
        a, b = P("Salt exponent"), P("Salt curvature")
        points, weights = np.polynomial.legendre.leggauss(6)
        resistivity: pybamm.Symbol = pybamm.Scalar(0)
        for y, w in zip((points + 1) / 2, weights / 2, strict=True):
            r = per_peak * pybamm.maximum(concentration(float(y)), NOTHING)
            ln_kappa = a * pybamm.log(r) + b * (r - 1) ** 2 - a * (r - 1)
            resistivity = resistivity + float(w) * pybamm.exp(-ln_kappa)
        R = p.L_e / (p.sigma_e * p.arrhenius(p.E_sigma))
        per_ln = 2 * (1 - P("Cation transference number")) / p.f
        per_ln = per_ln * P("Salt thermodynamic factor")
        apart = pybamm.log(pybamm.maximum(foil, NOTHING)) - pybamm.log(
            pybamm.maximum(film, NOTHING)
        )
        i = variables["Ionic current density [A.m-2]"]
        return {
            FILM: film * c_0,
            FOIL: foil * c_0,
            "Electrolyte resistance [Ohm.m2]": R * resistivity,
            DROP: i * R * resistivity + per_ln * apart,
            "Least salt": pybamm.minimum(foil, film),
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        D = pybamm.Parameter("Salt diffusivity [m2.s-1]") * p.arrhenius(p.E_sigma)
        rate = D / p.L_e**2
        u = self._over_limit(variables)
        for k in MODES:
            s = variables[state(k)]
            self.rhs[s] = rate * (8 * u - float((k * np.pi) ** 2) * s)

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        for k in MODES:
            self.initial_conditions[variables[state(k)]] = pybamm.Scalar(0)

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.events = [pybamm.Event(DEPLETED, variables["Least salt"] - LEAST)]

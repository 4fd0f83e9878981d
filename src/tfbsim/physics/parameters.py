"""The symbols of the equations, each a PyBaMM parameter named once, here.

Per unit cell area, SI.  f = F/(R T).  Temperature dependence is Arrhenius about the
temperature a value is stated at: k(T) = k(T_ref) exp[(E/R)(1/T_ref - 1/T)], by which a
resistance is divided.
"""

from __future__ import annotations

import pybamm
from pybamm.parameters.base_parameters import BaseParameters

from ..cell.half_cell import STATE

FARADAY = pybamm.constants.F
GAS_CONSTANT = pybamm.constants.R


LARGEST_EXPONENT = 200.0  # of a rate: beyond, nothing could follow it


def ambient_temperature() -> pybamm.Symbol:
    """Return the ambient temperature [K], a function of (y, z, t) as in PyBaMM."""
    place = {f"Distance across electrode {way} [m]": 0 for way in ("width", "height")}
    name = "Ambient temperature [K]"
    return pybamm.FunctionParameter(name, place | {"Time [s]": pybamm.t})


class FilmParameters(BaseParameters):
    """Parameters of an insertion film, on one side of the electrolyte.

    Parameters
    ----------
    cell : ThinFilmParameters
        Those of the cell, for its temperature.
    side : str
        "Cathode" or "Anode", with which the names of the parameters begin.
    """

    def __init__(self, cell: ThinFilmParameters, side: str) -> None:
        def P(name: str) -> pybamm.Symbol:
            return pybamm.Parameter(f"{side} {name}")

        self.cell, self.side = cell, side
        # Of a current that discharges the cell, into the film
        self.sign = 1 if side == "Cathode" else -1
        self.L = P("thickness [m]")
        self.c_sites = P("site concentration [mol.m-3]")
        self.x_max = P("sites per formula unit")
        self.D_ref = P("diffusivity [m2.s-1]")
        self.E_D = P("diffusivity activation energy [J.mol-1]")
        self.t_i = P("ionic transference number")
        self.u_A = P("area utilisation")
        self.u_V = P("active fraction")
        self.rho_e = P("electronic resistivity [Ohm.m]")
        self.E_rho = P("electronic resistivity activation energy [J.mol-1]")
        self.dUdT = P("entropic change [V.K-1]")
        self.H = P("hysteresis [V]")
        self.dx_h = P("hysteresis stoichiometry")
        # Lithium the film can cycle through, per cell area: n = c x L u_A u_V
        self.n_sites = self.c_sites * self.L * self.u_A * self.u_V

        # Interface
        self.i0_ref = P("exchange current density [A.m-2]")
        self.theta_ref = P("exchange current stoichiometry") / self.x_max
        self.E_i0 = P("exchange current activation energy [J.mol-1]")
        self.alpha = P("anodic transfer coefficient")
        self.R_f = P("film resistance [Ohm.m2]")
        self.E_R = P("film resistance activation energy [J.mol-1]")
        self.C_dl = P("double-layer capacitance [F.m-2]")

    def named(self, name: str) -> str:
        """Return the name of a parameter, a constant or a variable of this film."""
        return f"{self.side} {name}"

    @property
    def x_init(self) -> pybamm.Symbol:
        """Stoichiometry at the start [-]."""
        if self.side == "Cathode":
            return pybamm.Parameter(STATE) / self.c_sites
        moved = self.cell.moved * self.cell.n_sites / self.n_sites
        return pybamm.Parameter(self.named("stoichiometry as made")) + moved

    @property
    def film_resistance(self) -> pybamm.Symbol:
        """Resistance of the interphase as made, per cell area [Ohm.m2]."""
        return self.R_f / self.cell.arrhenius(self.E_R) / self.u_A

    def _function(self, name: str, **of: pybamm.Symbol) -> pybamm.Symbol:
        return pybamm.FunctionParameter(self.named(name), of)

    def U(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the potential U(x, T_ref) + (T - T_ref) dU/dT against lithium [V]."""
        shift = (self.cell.T - self.cell.T_ref) * self.dUdT
        return self._function("open-circuit potential [V]", x=x) + shift

    def t_i_of_x(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the ionic transference number of the film as a law of x [-]."""
        return self._function("ionic transference number", x=x)

    def rho_of_x(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the electronic resistivity of the film over rho_e [-]."""
        return self._function("relative resistivity", x=x)

    def psi_e(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the integral of rho_e D over (rho_e D)_ref dx [-]."""
        return self._function("electron path potential", x=x)

    def psi(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the diffusion potential, integral of D/D_ref dx [-]."""
        return self._function("diffusion potential", x=x)

    def x_of_psi(self, psi: pybamm.Symbol) -> pybamm.Symbol:
        """Return the inverse of psi(x)."""
        return self._function("stoichiometry of diffusion potential", psi=psi)


class ThinFilmParameters(BaseParameters):
    """Parameters of the cell; attributes carry the symbols of the equations.

    PyBaMM's base class prints them so, in ``model.latexify()``.

    Parameters
    ----------
    precompute : bool
        Whether a solver of :mod:`tfbsim.solver` takes them: the film is 1 thick, and what
        is asked for by name stands in ``constants``.
    """

    def __init__(self, precompute: bool = False) -> None:
        P = pybamm.Parameter
        self.precompute = precompute
        self.constants: dict[str, pybamm.Symbol] = {}
        self.T_amb = ambient_temperature()
        # Of the cell; a law of heat puts its state in place of the ambient temperature
        self.T: pybamm.Symbol = self.T_amb
        self.T_ref = P("Reference temperature [K]")

        # Cell
        self.A_cc = P("Electrode area [m2]")
        self.Q = P("Nominal cell capacity [A.h]")
        self.current_with_time = pybamm.FunctionParameter(
            "Current function [A]", {"Time [s]": pybamm.t}
        )
        self.current_density_with_time = self.current_with_time / self.A_cc
        self.n_electrodes_parallel = pybamm.Scalar(1)
        self.n_cells = pybamm.Scalar(1)
        self.R_contact = P("Contact resistance [Ohm.m2]")
        self.voltage_low_cut = P("Lower voltage cut-off [V]")
        self.voltage_high_cut = P("Upper voltage cut-off [V]")

        # Films, of which the anode may be one
        self.cathode = FilmParameters(self, "Cathode")
        self.anode = FilmParameters(self, "Anode")
        # What charges are counted in: lithium that the cathode can cycle, per cell area
        self.n_sites = self.cathode.n_sites
        # Lithium that left the cathode for the anode before the start, over its sites
        as_made = P("Cathode stoichiometry as made")
        self.moved = pybamm.Scalar(0) if precompute else as_made - self.cathode.x_init
        # Lithium that is there but takes no part
        self.n_inactive = P("Inactive lithium [mol.m-2]")

        # Electrolyte
        self.eps_r = P("Electrolyte relative permittivity")
        self.L_e = P("Electrolyte thickness [m]")
        self.sigma_el = P("Electrolyte electronic conductivity [S.m-1]")
        self.E_el = P("Electrolyte electronic conductivity activation energy [J.mol-1]")
        self.sigma_e = P("Electrolyte conductivity [S.m-1]")
        self.E_sigma = P("Electrolyte conductivity activation energy [J.mol-1]")
        # Of a second film, in series
        name = "Second electrolyte resistance"
        self.R_e2, self.E_e2 = (
            P(f"{name} [Ohm.m2]"),
            P(f"{name} activation energy [J.mol-1]"),
        )
        name = "Electrolyte interface resistance"
        self.R_ee, self.E_ee = (
            P(f"{name} [Ohm.m2]"),
            P(f"{name} activation energy [J.mol-1]"),
        )

        # Lithium
        self.n_Li_init = P("Initial lithium inventory [mol.m-2]")
        self.V_m = P("Lithium molar volume [m3.mol-1]")
        self.i0_n_ref = P("Lithium exchange current density [A.m-2]")
        self.E_i0_n = P("Lithium exchange current activation energy [J.mol-1]")
        self.alpha_n = P("Lithium anodic transfer coefficient")
        self.R_f_n = P("Lithium film resistance [Ohm.m2]")
        self.E_R_n = P("Lithium film resistance activation energy [J.mol-1]")
        self.C_n = P("Lithium double-layer capacitance [F.m-2]")

        # Lithium plated in situ
        self.i_nuc = P("Nucleation current density [A.m-2]")
        self.eta_nuc = P("Nucleation overpotential [V]")
        self.n_c = P("Lithium of coverage [mol.m-2]")
        self.least_coverage = P("Exhausted lithium over that of coverage")
        self.q_taken = P("Charge taken by the collector [A.s.m-2]")
        self.phi_p = P("Inactive fraction of plated lithium")
        self.phi_s = P("Inactive fraction of stripped lithium")
        self.rho_inactive = P("Inactive lithium resistivity [Ohm.m]")

    def film(self, side: str) -> FilmParameters:
        """Return the film of a side, "Cathode" or "Anode"."""
        return {"Cathode": self.cathode, "Anode": self.anode}[side]

    @property
    def ocv_init(self) -> pybamm.Symbol:
        """Open-circuit voltage at the start, which PyBaMM's solvers guess from."""
        return self.cathode.U(self.cathode.x_init)

    def combined(self, name: str, expression: pybamm.Symbol) -> pybamm.Symbol:
        """Return a combination of parameters, kept by a name it can be asked for.

        Not kept is what depends on a state, as rates do where the temperature is one.
        """
        if not any(isinstance(s, pybamm.VariableBase) for s in expression.pre_order()):
            self.constants[name] = expression
        return expression

    @property
    def f(self) -> pybamm.Symbol:
        """F/(R T) [1/V]."""
        return FARADAY / (GAS_CONSTANT * self.T)

    @property
    def per_site_charge(self) -> pybamm.Symbol:
        """1/(F n_sites): current density to a rate of filling [m2.A-1.s-1]."""
        return self.combined("1/site charge", 1 / (FARADAY * self.n_sites))

    def arrhenius(self, E: pybamm.Symbol) -> pybamm.Symbol:
        """Return exp[(E/R)(1/T_ref - 1/T)] on a rate of activation energy E."""
        return pybamm.exp(E / GAS_CONSTANT * (1 / self.T_ref - 1 / self.T))


def tafel(
    p: ThinFilmParameters, law: str, cause: str, phi: pybamm.Symbol
) -> pybamm.Symbol:
    """Return exp[+-alpha f (phi - U)] on the rate of a law, with its Arrhenius factor.

    Parameters
    ----------
    p : ThinFilmParameters
        Symbols.
    law : str
        Name of the law, with which its parameters begin.
    cause : str
        "oxidation", which is faster the higher the potential, or "reduction".
    phi : pybamm.Symbol
        Potential [V].
    """
    P = pybamm.Parameter
    alpha = P(f"{law} transfer coefficient")
    sign = 1 if cause == "oxidation" else -1
    per_volt = sign * alpha * p.f
    E = P(f"{law} activation energy [J.mol-1]")
    faster = p.arrhenius(E)
    exponent = per_volt * (phi - P(f"{law} potential [V]"))
    return faster * pybamm.exp(pybamm.minimum(exponent, LARGEST_EXPONENT))

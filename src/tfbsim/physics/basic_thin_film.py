"""The whole cell in one class, to be read from top to bottom.

The same equations as :class:`~tfbsim.physics.thin_film_cell.ThinFilmCell` with its
default options: evaporated lithium, symmetric kinetics, a constant transference number,
no leakage.  There is one section a law, with each equation next to its initial and
boundary conditions.
"""

from __future__ import annotations

import pybamm

from ..cell.half_cell import STATE
from ..cell.parameter_sets import shipped_parameter_values
from ..numerics import Numerics
from .agreement import Agreement, agreeing
from .diffusion import DOMAIN, depth
from .elements import ElementSubMesh
from .lithium import EXHAUSTED
from .mesh import Geometry, spatial_method
from .parameters import ambient_temperature

F, R = pybamm.constants.F, pybamm.constants.R
OPTIONS = {  # of the parameter sets this model is for
    "cathode kinetics": "symmetric",
    "lithium kinetics": "symmetric",
    "cathode transference": "constant",
    "cathode resistivity": "constant",
    "leakage": "none",
    "anode": "evaporated",
    "electrolyte": "film",
    "cathode hysteresis": "absent",
    "cathode double layer": "absent",
    "lithium double layer": "absent",
    "electrolyte capacitance": "absent",
}
MARGIN = 1e-4  # from an empty or full surface, where kinetics stop following it


class BasicThinFilmCell(pybamm.BaseModel):
    """A thin-film cell under current control, all of its equations in one place.

    Parameters
    ----------
    name : str, optional
        Name of the model.

    Notes
    -----
    A discharge current is positive.  Per unit cell area, SI.
    """

    def __init__(self, name: str = "Basic thin-film cell") -> None:
        super().__init__(name)
        P, time = pybamm.Parameter, {"Time [s]": pybamm.t}

        ######################
        # Parameters
        ######################
        T = ambient_temperature()
        T_ref = P("Reference temperature [K]")
        A = P("Electrode area [m2]")
        Q = P("Nominal cell capacity [A.h]")
        R_contact = P("Contact resistance [Ohm.m2]")

        L = P("Cathode thickness [m]")
        c_sites = P("Cathode site concentration [mol.m-3]")
        x_max = P("Cathode sites per formula unit")
        t_i = P("Cathode ionic transference number")
        u_A = P("Cathode area utilisation")
        u_V = P("Cathode active fraction")
        dUdT = P("Cathode entropic change [V.K-1]")
        V_m = P("Lithium molar volume [m3.mol-1]")

        def arrhenius(name: str) -> pybamm.Symbol:
            E = P(f"{name} activation energy [J.mol-1]")
            return pybamm.exp(E / R * (1 / T_ref - 1 / T))

        D = P("Cathode diffusivity [m2.s-1]") * arrhenius("Cathode diffusivity")
        rho_e = P("Cathode electronic resistivity [Ohm.m]")
        rho_e = rho_e / arrhenius("Cathode electronic resistivity")
        sigma = P("Electrolyte conductivity [S.m-1]") * T_ref / T
        sigma = sigma * arrhenius("Electrolyte conductivity")
        R_p = P("Cathode film resistance [Ohm.m2]") / u_A
        R_p = R_p / arrhenius("Cathode film resistance")
        R_n = P("Lithium film resistance [Ohm.m2]")
        R_n = R_n / arrhenius("Lithium film resistance")
        i_0_p_ref = P("Cathode exchange current density [A.m-2]")
        i_0_p_ref = i_0_p_ref * arrhenius("Cathode exchange current")
        theta_ref = P("Cathode exchange current stoichiometry") / x_max
        i_0_n = P("Lithium exchange current density [A.m-2]")
        i_0_n = i_0_n * arrhenius("Lithium exchange current")

        def U(x: pybamm.Symbol) -> pybamm.Symbol:
            name = "Cathode open-circuit potential [V]"
            return pybamm.FunctionParameter(name, {"x": x}) + (T - T_ref) * dUdT

        f = F / (R * T)
        n_sites = c_sites * L * u_A * u_V  # lithium of a full film [mol/m2]

        ######################
        # Variables
        ######################
        x = pybamm.Variable("Cathode stoichiometry", domain=DOMAIN)
        n = pybamm.Variable("Lithium inventory over cathode sites")
        q = pybamm.Variable("Discharge over site charge")
        y = depth()  # from the electrolyte (0) to the collector (L)

        ######################
        # Current
        ######################
        I = pybamm.FunctionParameter("Current function [A]", time)
        i = I / A

        ######################
        # Diffusion in the film: N = -D dc/dy + t_i i/F
        ######################
        # psi is the integral of D/D_ref dx, so that -N goes with the gradient of psi
        psi = pybamm.FunctionParameter("Cathode diffusion potential", {"x": x})
        slope = i / (u_A * u_V * F * c_sites * D)
        self.rhs[x] = D * pybamm.div(pybamm.grad(psi))
        self.boundary_conditions[psi] = {
            "left": (-(1 - t_i) * slope, "Neumann"),  # N = i/F
            "right": (t_i * slope, "Neumann"),  # N = 0
        }
        x_init = P(STATE) / c_sites
        self.initial_conditions[x] = x_init
        x_mean = pybamm.Integral(x, y) / L
        x_s, x_L = (pybamm.BoundaryValue(x, side) for side in ("left", "right"))
        psi_s, psi_L = (pybamm.BoundaryValue(psi, side) for side in ("left", "right"))

        ######################
        # Electrons in the film: integral of rho_e (i - F N) dy
        ######################
        eta_e = rho_e * L * (1 - t_i) * i / u_A
        eta_e += rho_e * F * c_sites * u_V * D * (psi_L - psi_s)

        ######################
        # Cathode interface: Butler-Volmer, transfer coefficients of 1/2
        ######################
        theta = pybamm.minimum(pybamm.maximum(x_s / x_max, MARGIN), 1 - MARGIN)
        order = pybamm.sqrt(theta * (1 - theta) / (theta_ref * (1 - theta_ref)))
        eta_p = 2 / f * pybamm.arcsinh(-i / u_A / (2 * i_0_p_ref * order))

        ######################
        # Electrolyte, interphases, contact: ohmic
        ######################
        eta_electrolyte = i * P("Electrolyte thickness [m]") / sigma
        eta_films = i * (R_p + R_n)
        eta_contact = i * R_contact

        ######################
        # Lithium: dn/dt = -i/F, and Butler-Volmer
        ######################
        self.rhs[n] = -i / (F * n_sites)
        n_init = P("Initial lithium inventory [mol.m-2]") / n_sites
        left_the_film = P("Cathode stoichiometry as made") - x_init
        self.initial_conditions[n] = n_init + left_the_film
        self.events.append(pybamm.Event(EXHAUSTED, n + (i <= 0)))
        eta_n = 2 / f * pybamm.arcsinh(i / (2 * i_0_n))

        ######################
        # Voltage
        ######################
        V = U(x_s) + eta_p - eta_n - eta_electrolyte - eta_e - eta_films - eta_contact
        self.events += [
            pybamm.Event("Minimum voltage [V]", V - P("Lower voltage cut-off [V]")),
            pybamm.Event("Maximum voltage [V]", P("Upper voltage cut-off [V]") - V),
        ]

        ######################
        # Charge passed
        ######################
        self.rhs[q] = i / (F * n_sites)
        self.initial_conditions[q] = pybamm.Scalar(0)
        self.rhs = agreeing(self.rhs, Agreement(type(self).__name__, OPTIONS))

        self.variables = {
            "Time [s]": pybamm.t,
            "Current [A]": I,
            "Voltage [V]": V,
            "Battery voltage [V]": V,
            "Open-circuit voltage [V]": U(x_mean),
            "Cathode stoichiometry": x,
            "Cathode mean stoichiometry": x_mean,
            "Cathode surface stoichiometry": x_s,
            "Cathode collector stoichiometry": x_L,
            "Cathode overpotential [V]": eta_p,
            "Lithium overpotential [V]": eta_n,
            "Electrolyte voltage drop [V]": eta_electrolyte,
            "Electron path voltage drop [V]": eta_e,
            "Film voltage drop [V]": eta_films,
            "Contact voltage drop [V]": eta_contact,
            "Lithium thickness [m]": n * n_sites * V_m,
            "Discharge capacity [A.h]": q * F * n_sites * A / 3600,
            "Capacity [A.h]": Q,
        }
        self.summary_variables = ["Capacity [A.h]"]

    @property
    def default_parameter_values(self) -> pybamm.ParameterValues:
        name = "lco-lipon-li-raijmakers2020"
        return pybamm.ParameterValues(shipped_parameter_values(name))

    @property
    def default_geometry(self) -> Geometry:
        thickness = pybamm.Parameter("Cathode thickness [m]")
        return {DOMAIN: {depth(): {"min": 0, "max": thickness}}}

    @property
    def default_var_pts(self) -> dict[pybamm.SpatialVariable, int]:
        return {depth(): Numerics().nodes}

    @property
    def default_submesh_types(self) -> dict[str, type[pybamm.SubMesh]]:
        return {DOMAIN: ElementSubMesh}

    @property
    def default_spatial_methods(self) -> dict[str, pybamm.SpatialMethod]:
        return {DOMAIN: spatial_method("elements")}

    @property
    def default_solver(self) -> pybamm.BaseSolver:
        return pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8)

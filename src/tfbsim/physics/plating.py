"""A lithium anode plated in situ: on a collector that is bare as made, from exactly zero.

Lithium covers theta_c = 1 - exp(-n/n_c) of the collector.  The anodic current is that of
the covered part and of nucleation on the bare one, which only plating knows:

    i_an = theta_c i_0 [exp(alpha_a f eta) - exp(-alpha_c f eta)]
           - (1 - theta_c) i_nuc exp[-alpha_c f (eta + eta_nuc)] max(0, 1 - exp(f eta))

It is finite at n = 0 and zero at rest.  As exp(-alpha_c f eta) (1 - exp(f eta)) is
exp(-alpha_c f eta) - exp(alpha_a f eta), both parts have the same form, and

    i_an = i_0' [exp(alpha_a f eta) - exp(-alpha_c f eta)]
    i_0' = theta_c i_0 + (1 - theta_c) i_nuc exp(-alpha_c f eta_nuc)    plating
    i_0' = theta_c i_0                                                stripping

so that eta is as explicit as that of evaporated lithium, which is the limit theta_c = 1.
eta_nuc is the overpotential at which the bare collector plates at i_nuc (less i_nuc
exp(-f eta_nuc)); i_nuc has the activation energy of i_0.  Stripping the last lithium, eta
diverges logarithmically.

Of the lithium that arrives, the share 1 - m/M goes into interlayer and interphase, which
hold m of at most M and give nothing back; of the rest a fraction phi_p becomes inactive.
Of the lithium that leaves the metal on stripping a fraction phi_s does:

    dm/dt = (1 - m/M) j_p                                j_p = max(-i_an, 0)/F
    dn/dt = (1 - phi_p) (m/M) j_p - j_s/(1 - phi_s)      j_s = max(i_an, 0)/F
    dn_i/dt = phi_p (m/M) j_p + phi_s j_s/(1 - phi_s)

Whatever was plated cycles at a coulombic efficiency of 1 - phi.  Inactive lithium has the
thickness n_i V_m, and a resistance, that over its conductivity.  (Nucleation on LiPON:
Motoyama et al., J. Electrochem. Soc. 162 (2015) A7067; capacity of anode-free cells:
Nanda et al., Adv. Energy Mater. 11 (2021) 2000804.)
"""

from __future__ import annotations

import pybamm

from .kinetics import ButlerVolmer
from .law import Column, Harm, Law
from .lithium import EXHAUSTED, INVENTORY, NOTHING_LEFT
from .parameters import FARADAY, ThinFilmParameters

INACTIVE = "Inactive lithium over cathode sites"
TAKEN = "Lithium taken by the collector over cathode sites"
LITTLE = 1e-4  # over the cathode's sites: less is taken as gradually as this would be
NOTHING = 1e-30  # in place of a coverage of 0, by which nothing can be divided


class CoverageKinetics(ButlerVolmer):
    """Butler-Volmer on the covered part of the collector, nucleation on the bare one."""

    def __init__(self, param: ThinFilmParameters, symmetric: bool) -> None:
        super().__init__(param, "Lithium", symmetric)

    def exchange_current(
        self, variables: dict[str, pybamm.Symbol], i_an: pybamm.Symbol
    ) -> pybamm.Symbol:
        p = self.param
        covered = variables["Lithium coverage"]
        covered = covered * super().exchange_current(variables, i_an)
        nucleation = p.i_nuc * p.arrhenius(p.E_i0_n)
        nucleation = nucleation * pybamm.exp((p.alpha_n - 1) * p.f * p.eta_nuc)
        bare = 1 - variables["Lithium coverage"]
        return pybamm.maximum(covered + (i_an < 0) * bare * nucleation, NOTHING)


class PlatedInventory(Law):
    """Lithium on the collector, inactive lithium, and what the collector has taken."""

    param: ThinFilmParameters
    observed = (
        "Lithium thickness [m]",
        "Lithium coverage",
        "Inactive lithium thickness [m]",
    )
    columns = (
        Column(
            "Inactive lithium [mol.m-2]",
            "Lithium that is cut off from the anode at the end of the cycle.",
        ),
        Column(
            "Lithium taken by the collector [mol.m-2]",
            "Lithium that the collector and the first interphase had taken by the end of "
            "the cycle.",
        ),
        Column(
            "Resistance of inactive lithium [Ohm.m2]",
            "Resistance of the layer of inactive lithium at the end of the cycle.",
            ".5g",
            needs="Inactive lithium resistivity [Ohm.m]",
        ),
    )
    lithium = ("Anode lithium [mol.m-2]",)
    harms = (Harm("inactive lithium", (INACTIVE,), (INVENTORY,)),)
    ends = (NOTHING_LEFT,)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        p = self.param
        metal, inactive, taken = (
            pybamm.Variable(name) for name in (INVENTORY, INACTIVE, TAKEN)
        )
        n = metal * p.n_sites
        idle = inactive * p.n_sites * p.V_m
        # 1 - exp(-u) without the cancellation at small u
        per_site = p.n_sites / p.n_c / 2
        half = pybamm.tanh(metal * per_site)
        return {
            INVENTORY: metal,
            INACTIVE: inactive,
            TAKEN: taken,
            "Lithium inventory [mol.m-2]": n,
            "Lithium thickness [m]": n * p.V_m,
            "Lithium coverage": 2 * half / (1 + half),
            "Inactive lithium [mol.m-2]": inactive * p.n_sites,
            "Inactive lithium thickness [m]": idle,
            "Resistance of inactive lithium [Ohm.m2]": idle * p.rho_inactive,
            "Lithium taken by the collector [mol.m-2]": taken * p.n_sites,
            "Anode lithium [mol.m-2]": (metal + inactive + taken) * p.n_sites,
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        i_an = variables["Lithium anodic current density [A.m-2]"]
        arriving = pybamm.maximum(-i_an, 0) * p.per_site_charge
        leaving = pybamm.maximum(i_an, 0) * p.per_site_charge / (1 - p.phi_s)
        most = p.q_taken / (FARADAY * p.n_sites)
        share = (most - variables[TAKEN]) / pybamm.maximum(most, LITTLE)
        plated = (1 - share) * arriving
        consumed = variables.get("Lithium consumption over sites [s-1]", 0)
        self.rhs = {
            variables[INVENTORY]: (1 - p.phi_p) * plated - leaving - consumed,
            variables[INACTIVE]: p.phi_p * plated + p.phi_s * leaving,
            variables[TAKEN]: share * arriving,
        }

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        """As made, or as one charge from there leaves it: the rates, integrated."""
        p = self.param
        if isinstance(p.moved, pybamm.Scalar):
            taken = plated = pybamm.Scalar(0)
        else:
            most = p.q_taken / (FARADAY * p.n_sites)
            some = pybamm.maximum(most, LITTLE)
            taken = most * (1 - pybamm.exp(-p.moved / some))
            plated = p.moved - taken
        self.initial_conditions = {
            variables[INVENTORY]: p.n_Li_init / p.n_sites + (1 - p.phi_p) * plated,
            variables[INACTIVE]: p.phi_p * plated,
            variables[TAKEN]: taken,
        }

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        p = self.param
        i = variables["Ionic current density [A.m-2]"]
        least = p.least_coverage * p.n_c / p.n_sites
        # Only stripping can exhaust it
        left = variables[INVENTORY] - least
        self.events = [pybamm.Event(EXHAUSTED, left + (i <= 0))]

"""Sites of the cathode that are lost, by oxidation and by reduction.

    ds_c/dt = -s_c k_c,   k_c = k exp[+-alpha f (phi - U)],   s = product of s_c

s is the active share of the sites, the same everywhere in the film: of u_V c_sites L,
s is left.  What lost sites held is inactive with them, or goes to the rest evenly.  With
w = s x, the active lithium over the sites as made,

    dw/dt = ... - sum of k_c w + sum of k_c w_mean, of those that leave it to the rest
    dl/dt = sum of k_c w_mean, of the others

so that w_mean + l changes by what passes the interface alone.  Lithium goes where there
is room for it, and sites that would leave it to a full film are not lost.  A step ends
where next to none are left, or where they are lost in no time.
"""

from __future__ import annotations

from collections.abc import Sequence

import pybamm

from .law import Column, End, Harm, Law
from .parameters import ThinFilmParameters, tafel

ACTIVE = "Active share of sites"
NOT_LOST = {c: f"Share of sites not lost by {c}" for c in ("oxidation", "reduction")}
PROFILE = "Cathode stoichiometry"
HELD = "Lithium in lost sites over cathode sites"
LOST = "Sites lost per time [s-1]"
LEFT = "Lithium left by lost sites over cathode sites [s-1]"  # at each place
ROOM = "Room for lithium of lost sites"  # at each place, from 0 to 1
MEAN_LEFT = "Mean lithium left by lost sites over cathode sites [s-1]"
MEAN_ROOM = "Mean room for lithium of lost sites"
LEAST = 1e-3  # of the sites as made: a film with less active is none
NO_SITES = End(
    "No active sites [experiment]",
    "infeasible",
    f"less than {100 * LEAST:g} % of the film's sites are still active",
)
# Of the sites per second: lithium that they leave may speed up what takes them
MOST = 1e3
RUNAWAY = End(
    "Site loss that runs away [experiment]",
    "infeasible",
    f"the film loses its sites within {1e3 / MOST:g} ms",
)
LEAST_FREE = 1e-3  # of the sites: where fewer are, less and less lithium is left


def shares(causes: Sequence[str]) -> dict[str, pybamm.Symbol]:
    """Return the share of the sites that each cause has not taken, a state, by cause."""
    # A state has one name: of one cause that of their product
    if len(causes) == 1:
        return {causes[0]: pybamm.Variable(ACTIVE)}
    return {c: pybamm.Variable(NOT_LOST[c]) for c in causes}


def active_share(causes: Sequence[str]) -> pybamm.Symbol:
    """Return the active share of the sites."""
    active: pybamm.Symbol = pybamm.Scalar(1)
    for share in shares(causes).values():
        active = active * share
    return active


class SiteLoss(Law):
    """Active share of the sites, and the lithium of those that were lost.

    Parameters
    ----------
    param : ThinFilmParameters
        Symbols.
    causes : sequence of str
        "oxidation", "reduction" or both.
    """

    param: ThinFilmParameters
    ends = NO_SITES, RUNAWAY
    columns = (
        Column(ACTIVE, "Share of the sites of the film that is still active.", ".4f"),
        Column(
            "Lithium in lost sites [mol.m-2]",
            "Lithium that is inactive in sites that were lost.",
        ),
    )

    harms = (Harm("lost sites", (HELD, ACTIVE, *NOT_LOST.values()), (PROFILE,)),)

    def __init__(self, param: ThinFilmParameters, causes: Sequence[str]) -> None:
        pybamm.BaseModel.__init__(self, name="Site loss")
        self.param = param
        self.shares = shares(causes)

    def get_fundamental_variables(self) -> dict[str, pybamm.Symbol]:
        held = pybamm.Variable(HELD)
        return {
            **{share.name: share for share in self.shares.values()},
            ACTIVE: active_share([*self.shares]),
            HELD: held,
            "Lithium in lost sites [mol.m-2]": held * self.param.n_sites,
        }

    def get_coupled_variables(
        self, variables: dict[str, pybamm.Symbol]
    ) -> dict[str, pybamm.Symbol]:
        p, mean = self.param, variables["Cathode mean stoichiometry"]
        phi = variables["Cathode interface potential [V]"]
        rates, left = {}, pybamm.Scalar(0)
        for cause in self.shares:
            name = f"Site loss by {cause}"
            is_left = pybamm.Parameter(f"{name} lithium left")
            rate = pybamm.Parameter(f"{name} rate [s-1]") * tafel(p, name, cause, phi)
            rates[cause] = rate * (1 - is_left * (1 - variables[MEAN_ROOM]))
            left = left + is_left * rate
        left = left * variables[ACTIVE] * mean
        return {
            **{f"Site loss by {c} per time [s-1]": rate for c, rate in rates.items()},
            LOST: sum(rates.values()),
            LEFT: left * variables[ROOM],
            MEAN_LEFT: left * variables[MEAN_ROOM],
        }

    def set_rhs(self, variables: dict[str, pybamm.Symbol]) -> None:
        filled = variables[ACTIVE] * variables["Cathode mean stoichiometry"]
        self.rhs = {variables[HELD]: variables[LOST] * filled - variables[MEAN_LEFT]}
        for cause, share in self.shares.items():
            self.rhs[share] = -share * variables[f"Site loss by {cause} per time [s-1]"]

    def set_initial_conditions(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.initial_conditions = {variables[HELD]: pybamm.Scalar(0)}
        for share in self.shares.values():
            self.initial_conditions[share] = pybamm.Scalar(1)

    def add_events_from(self, variables: dict[str, pybamm.Symbol]) -> None:
        self.events = [
            pybamm.Event(NO_SITES.event, variables[ACTIVE] - LEAST),
            pybamm.Event(RUNAWAY.event, 1 - variables[LOST] / MOST),
        ]

"""PyBaMM's names for what a thin film has too: options, parameters, variables.

A film is read as PyBaMM's half cell, with "working electrode": "positive": its cathode
is the positive electrode, one particle of it, and stoichiometries are fractions of all
sites.
Signs are PyBaMM's: an overpotential or an ohmic loss of the positive electrode or of the
electrolyte is negative on discharge, one of the lithium and the contact's positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace

import pybamm

from ..cell.half_cell import STOICHIOMETRY
from ..errors import suggest
from .law import Loss
from .parameters import FARADAY, ThinFilmParameters
from .site_loss import ACTIVE

HALF_CELL = {
    "working electrode": "positive",
    "surface form": "algebraic",
    "contact resistance": "true",
    "calculate discharge energy": "true",
}
# Options of porous electrodes, and what a film has of the same kind
ALIKE = {
    "SEI": "interphase by reduction",
    "lithium plating": "anode",
    "loss of active material": "site loss by oxidation",
    "intercalation kinetics": "cathode kinetics",
    "surface form": "cathode double layer",
}
SUMMARY = (
    "Time [s]",
    "Time [h]",
    "Capacity [A.h]",
    "Discharge throughput [A.h]",
    "Throughput capacity [A.h]",
    "Throughput energy [W.h]",
    "Loss of lithium inventory [%]",
    "Loss of active material in positive electrode [%]",
    "Total capacity lost to side reactions [A.h]",
    "Total lithium [mol]",
    "Total lithium in positive electrode [mol]",
    "Lithium thickness [m]",
    "Local ECM resistance [Ohm]",
    "Positive electrode capacity [A.h]",
)
SOLIDS, CONTACT = ("Electron path", "Anode electron path"), "Contact"
ANODE_DIFFUSION = "Diffusion in the anode"


class Options(pybamm.BatteryModelOptions):
    """Options of a thin-film cell, beside those of the half cell that it is to PyBaMM.

    Parameters
    ----------
    possible : dict
        Values of each option, the first its default.
    given : dict
        Values chosen, by option.  An option of PyBaMM's half cell may be given with the
        value it has there.

    Raises
    ------
    pybamm.OptionError
        An option or value that does not exist.
    """

    def __init__(
        self, possible: Mapping[str, Sequence[str]], given: Mapping[str, str]
    ) -> None:
        super().__init__(dict(HALF_CELL))
        standard = {name: value for name, value in self.items() if name not in possible}
        self.own = dict(possible)
        self.possible_options = {
            **{name: [value] for name, value in standard.items()},
            "calculate discharge energy": ["true", "false"],  # counted either way
            **{name: list(values) for name, values in possible.items()},
        }
        self.update({name: values[0] for name, values in possible.items()})
        for name, value in given.items():
            if name not in self:
                raise pybamm.OptionError(
                    f"Option '{name}' does not exist{suggest(name, possible)}; there are "
                    f"{sorted(possible)}"
                )
            if name in standard and value not in self.possible_options[name]:
                alike = f"option '{ALIKE[name]}' among " if name in ALIKE else ""
                raise pybamm.OptionError(
                    f"Option '{name}' is {standard[name]!r} for a thin film and cannot "
                    f"be {value!r}; see {alike}its own: {sorted(possible)}"
                )
            if name in possible and value not in possible[name]:
                raise pybamm.OptionError(
                    f"Option '{name}' must be one of {tuple(possible[name])}, not "
                    f"'{value}'{suggest(str(value), possible[name])}"
                )
            self[name] = value

    def print_options(self) -> None:
        """Print the options of a thin-film cell, with their possible values."""
        for name, values in self.own.items():
            print(f"{name!r}: {self[name]!r} (possible: {list(values)!r})")


def half_cell_parameters(p: ThinFilmParameters, anode: bool) -> None:
    """Name the symbols as PyBaMM's search of an initial state and its printing look for
    them; an anode that is a film is the negative electrode."""
    film = p.cathode
    capacity = FARADAY * p.n_sites * film.x_max * p.A_cc / 3600
    film.prim = SimpleNamespace(c_max=film.c_sites * film.x_max, Q_init=capacity)
    p.p, p.n, p.s = film, p.anode if anode else SimpleNamespace(), SimpleNamespace()
    p.ocp_soc_0 = pybamm.Parameter("Open-circuit voltage at 0% SOC [V]")
    p.ocp_soc_100 = pybamm.Parameter("Open-circuit voltage at 100% SOC [V]")


def kept(counters: Iterable[pybamm.Variable]) -> pybamm.Event:
    """Return an event that never happens, for ``remove_independent_variables_from_rhs``.

    PyBaMM would take counters out of the equations, and other variables need them.
    """
    total = sum((counter**2 for counter in counters), pybamm.Scalar(1))
    kind = pybamm.EventType.INTERPOLANT_EXTRAPOLATION
    return pybamm.Event("Counters are kept", total, kind)


def standard_variables(
    own: Mapping[str, pybamm.Symbol],
    losses: Sequence[Loss],
    p: ThinFilmParameters,
    anode: str = "Lithium",
) -> dict[str, pybamm.Symbol]:
    """Return PyBaMM's variables in terms of those of a thin film.

    Parameters
    ----------
    own : dict
        Variables of the cell.
    losses : sequence of Loss
        Parts of its voltage.  Those that are no reaction, no electron path and no contact
        count as ohmic losses of the electrolyte: interphases among them.
    p : ThinFilmParameters
        Symbols.
    anode : str
        What its variables begin with: "Lithium", or "Anode" of a film, which is PyBaMM's
        negative electrode.

    Returns
    -------
    dict
        Variable by PyBaMM's name.
    """
    V, I = own["Voltage [V]"], own["Current [A]"]
    U, U_p = own["Open-circuit voltage [V]"], own["Cathode open-circuit potential [V]"]
    i = own["Total current density [A.m-2]"]
    cost = {loss.name: loss.sign * own[loss.variable] for loss in losses}
    none = pybamm.Scalar(0)
    solid_p, solid_n, contact = (-cost.get(name, none) for name in (*SOLIDS, CONTACT))
    reactions = "Cathode interface", f"{anode} interface"
    eta_p, eta_n = -cost[reactions[0]], cost[reactions[1]]
    apart = {*SOLIDS, CONTACT, ANODE_DIFFUSION, *reactions}
    electrolyte = -sum((c for n, c in cost.items() if n not in apart), none)
    U_p_mean = own["Cathode mean open-circuit potential [V]"]
    concentration_p = U_p - U_p_mean
    film = anode == "Anode"
    U_n, U_n_mean = none, none
    if film:
        U_n = own["Anode open-circuit potential [V]"]
        U_n_mean = own["Anode mean open-circuit potential [V]"]
    concentration_n = U_n - U_n_mean
    concentration = concentration_p - concentration_n
    in_film = own["Cathode lithium [mol.m-2]"] * p.A_cc
    active = own.get(ACTIVE, pybamm.Scalar(1))  # share of the sites
    at_anode = own[f"{anode} {'lithium' if film else 'inventory'} [mol.m-2]"]
    cyclable = (own["Active cathode lithium [mol.m-2]"] + at_anode) * p.A_cc
    as_made = p.n_Li_init + p.n_sites * p.moved
    if film:
        as_made = p.anode.n_sites * p.anode.x_init
    as_made = (as_made + p.n_sites * p.cathode.x_init) * p.A_cc
    # What the lithium there is can fill between 0 and 100 % state of charge
    x_0, x_100 = (
        pybamm.FunctionParameter(STOICHIOMETRY, {"Potential [V]": ocv})
        for ocv in (p.ocp_soc_0, p.ocp_soc_100)
    )
    x_0 = pybamm.minimum(x_0, cyclable / (active * p.n_sites * p.A_cc))
    share = pybamm.maximum(x_0 - x_100, 0)
    lost = as_made - cyclable
    per_site = FARADAY * active * p.n_sites * p.A_cc / 3600
    # 0 where nothing flows, as in PyBaMM
    flows = pybamm.sign(I)
    resistance = flows / (I * flows + (I <= 0) * (I >= 0))

    variables = {
        "Terminal voltage [V]": V,
        "Terminal power [W]": V * I,
        "Resistance [Ohm]": V * resistance,
        "Local ECM resistance [Ohm]": (U - V) * resistance,
        "Current collector current density [A.m-2]": i,
        "Throughput energy [W.h]": own["Discharge energy [W.h]"]
        + own["Charge energy [W.h]"],
        # Open circuit
        "Bulk open-circuit voltage [V]": U,
        "Battery open-circuit voltage [V]": U,
        "Surface open-circuit voltage [V]": U_p - U_n,
        "Positive electrode bulk open-circuit potential [V]": U_p_mean,
        "Positive electrode open-circuit potential [V]": U_p,
        "X-averaged positive electrode open-circuit potential [V]": U_p,
        "Negative electrode bulk open-circuit potential [V]": U_n_mean,
        # Overpotentials and losses
        "Particle concentration overpotential [V]": concentration,
        "Positive particle concentration overpotential [V]": concentration_p,
        "Negative particle concentration overpotential [V]": concentration_n,
        "Battery particle concentration overpotential [V]": concentration,
        "Positive electrode reaction overpotential [V]": eta_p,
        "X-averaged positive electrode reaction overpotential [V]": eta_p,
        "X-averaged reaction overpotential [V]": eta_p - eta_n,
        "X-averaged battery reaction overpotential [V]": eta_p - eta_n,
        "X-averaged battery positive reaction overpotential [V]": eta_p,
        "X-averaged battery negative reaction overpotential [V]": eta_n,
        "X-averaged concentration overpotential [V]": none,
        "X-averaged battery concentration overpotential [V]": none,
        "X-averaged electrolyte ohmic losses [V]": electrolyte,
        "X-averaged battery electrolyte ohmic losses [V]": electrolyte,
        "X-averaged positive electrode ohmic losses [V]": solid_p,
        "X-averaged negative electrode ohmic losses [V]": solid_n,
        "X-averaged solid phase ohmic losses [V]": solid_p + solid_n,
        "X-averaged battery solid phase ohmic losses [V]": solid_p + solid_n,
        "X-averaged battery positive solid phase ohmic losses [V]": solid_p,
        "X-averaged battery negative solid phase ohmic losses [V]": solid_n,
        "Contact overpotential [V]": -contact,
        # Lithium
        "Positive electrode capacity [A.h]": per_site * p.cathode.x_max,
        "Capacity [A.h]": per_site * share,
        "Discharge throughput [A.h]": (
            own["Throughput capacity [A.h]"] + own["Discharge capacity [A.h]"]
        )
        / 2,
        "Total lithium [mol]": own["Total lithium [mol.m-2]"] * p.A_cc,
        "Total lithium in particles [mol]": in_film + at_anode * p.A_cc
        if film
        else in_film,
        "Total lithium lost [mol]": lost,
        "Total lithium lost to side reactions [mol]": lost,
        "Total capacity lost to side reactions [A.h]": lost * FARADAY / 3600,
        "Loss of lithium inventory [%]": 100 * lost / as_made,
        "Loss of active material in positive electrode [%]": 100 * (1 - active),
    }
    variables |= _of_a_film("positive", "Cathode", own, p)
    if film:
        variables |= _of_a_film("negative", "Anode", own, p)
        variables["Negative electrode open-circuit potential [V]"] = U_n
    reacting = "Negative electrode" if film else "Lithium metal interface"
    variables[f"{reacting} reaction overpotential [V]"] = eta_n
    variables[f"{reacting} exchange current density [A.m-2]"] = own[
        f"{anode} exchange current density [A.m-2]"
    ]
    temperatures = {"Ambient": p.T_amb, "Volume-averaged ambient": p.T_amb}
    temperatures |= {f"{of} cell": p.T for of in ("X-averaged", "Volume-averaged")}
    for name, T in temperatures.items():
        variables |= {
            f"{name} temperature [K]": T,
            f"{name} temperature [C]": T - 273.15,
        }
    variables["Cell temperature [C]"] = p.T - 273.15
    return {name: value for name, value in variables.items() if name not in own}


def _of_a_film(
    electrode: str, side: str, own: Mapping[str, pybamm.Symbol], p: ThinFilmParameters
) -> dict[str, pybamm.Symbol]:
    """What PyBaMM says of the lithium in an electrode, a film here."""
    film, first = p.film(side), electrode.capitalize()
    x, x_s = own[f"{side} mean stoichiometry"], own[f"{side} surface stoichiometry"]
    return {
        f"{first} electrode exchange current density [A.m-2]": own[
            f"{side} exchange current density [A.m-2]"
        ],
        f"{first} electrode interfacial current density [A.m-2]": own[
            f"{side} anodic current density [A.m-2]"
        ],
        f"{first} particle concentration [mol.m-3]": own[f"{side} stoichiometry"]
        * film.c_sites,
        f"{first} electrode stoichiometry": x / film.x_max,
        f"Average {electrode} particle stoichiometry": x / film.x_max,
        f"{first} particle stoichiometry": own[f"{side} stoichiometry"] / film.x_max,
        f"{first} particle surface stoichiometry": x_s / film.x_max,
        f"X-averaged {electrode} particle surface stoichiometry": x_s / film.x_max,
        f"{first} electrode volume-averaged concentration [mol.m-3]": x * film.c_sites,
        f"Average {electrode} particle concentration [mol.m-3]": x * film.c_sites,
        f"{first} particle surface concentration [mol.m-3]": x_s * film.c_sites,
        f"X-averaged {electrode} particle surface concentration [mol.m-3]": x_s
        * film.c_sites,
        f"Maximum concentration in {electrode} electrode [mol.m-3]": film.c_sites
        * film.x_max,
        f"Total lithium in {electrode} electrode [mol]": own[f"{side} lithium [mol.m-2]"]
        * p.A_cc,
    }

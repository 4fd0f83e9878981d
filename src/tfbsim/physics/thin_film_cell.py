"""Which submodel stands where: the cell, from lithium to collector.

    anode collector | Li, l_Li(t) | LiPON, L_e | cathode, L_c | cathode collector

    V = U(x_s) + eta_p - eta_n - (i + i_e) [L_e/sigma + R_f,p/u_A + R_f,n]
        - i R_contact - electron path of the film

The anode is lithium metal, whose potential is 0, or a film like the cathode, with U(x_s)
and an electron path of its own.

Discharge current is positive, as everywhere in PyBaMM.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

import pybamm

from ..cell.parameter_sets import citations, shipped_parameter_values
from ..cell.structure import Structure
from ..numerics import Numerics
from .agreement import Agreement, agreeing
from .control import AlgebraicControl
from .counters import Counters
from .diffusion import DOMAINS, PlanarDiffusion, depth, span
from .double_layer import DoubleLayer
from .electrolyte import CapacitiveConductor, SingleIonConductor
from .electrolyte_oxidation import ElectrolyteOxidation
from .hysteresis import Hysteresis
from .interphase import InterphaseByReaction, InterphaseWithTime
from .kinetics import ButlerVolmer, InterfaceCurrent
from .law import Declared, Law
from .leakage import ElectronicLeakage, NoLeakage
from .liquid_electrolyte import LiquidElectrolyte
from .lithium import LithiumInventory
from .lithium_consumption import LithiumConsumption
from .mesh import SUBMESHES, Geometry, spatial_method
from .parameters import ThinFilmParameters
from .plating import CoverageKinetics, PlatedInventory
from .site_loss import SiteLoss
from .standard_names import (
    SUMMARY,
    Options,
    half_cell_parameters,
    kept,
    standard_variables,
)
from .voltage import TerminalVoltage

DEFAULT_CELL = "lco-lipon-li-raijmakers2020"
AGEING = (
    *("interphase with time", "interphase by oxidation", "interphase by reduction"),
    *("site loss by oxidation", "site loss by reduction"),
    *("lithium consumption", "electrolyte oxidation"),
)
OPTIONS: dict[str, tuple[str, ...]] = {
    "operating mode": ("current", "voltage", "power", "algebraic current"),
    "cathode kinetics": ("symmetric", "asymmetric"),
    "lithium kinetics": ("symmetric", "asymmetric"),
    "cathode transference": ("constant", "law"),
    "cathode resistivity": ("constant", "law"),
    "cathode mesh": ("elements", "volumes"),
    "leakage": ("none", "electronic"),
    "anode": ("evaporated", "plated in situ", "film"),
    "anode kinetics": ("symmetric", "asymmetric"),
    "anode transference": ("constant", "law"),
    "anode resistivity": ("constant", "law"),
    "anode double layer": ("absent", "capacitive"),
    "cathode hysteresis": ("absent", "first order"),
    "anode hysteresis": ("absent", "first order"),
    **{name: ("off", "on") for name in AGEING},
    "cathode double layer": ("absent", "capacitive"),
    "lithium double layer": ("absent", "capacitive"),
    "electrolyte": ("film", "liquid"),
    "electrolyte capacitance": ("absent", "capacitive"),
    "constants": ("in place", "precomputed"),
}
DEFAULTS = {name: words[0] for name, words in OPTIONS.items()}


def laws_of(options: Mapping[str, str], p: ThinFilmParameters) -> dict[str, Law]:
    """Return the laws of layers and interfaces that options choose, by place."""
    leakage = options["leakage"] == "electronic"
    capacitive = options["electrolyte capacitance"] == "capacitive"
    liquid = options["electrolyte"] == "liquid"
    conductor = CapacitiveConductor if capacitive else SingleIonConductor
    found = {
        "cathode interface": _interface("Cathode", options, p),
        "anode interface": _interface(anode_of(options), options, p),
        "electrolyte": LiquidElectrolyte(p) if liquid else conductor(p),
        "cathode": _film("Cathode", options, p),
        "leakage": ElectronicLeakage(p) if leakage else NoLeakage(p),
    }
    if options["anode"] == "film":
        consuming = options["lithium consumption"] == "on"
        found["anode"] = _film("Anode", options, p)
        found["anode interface current"] = InterfaceCurrent(p, "Anode", consuming)
    elif options["anode"] == "plated in situ":
        found["anode"] = PlatedInventory(p)
    else:
        found["anode"] = LithiumInventory(p)
    found["cathode interface current"] = InterfaceCurrent(p)
    for side in ("Cathode", anode_of(options)):
        if options.get(f"{side.lower()} hysteresis") == "first order":
            found[f"{side.lower()} hysteresis"] = Hysteresis(p, side)
    return found | _ageing_laws(options, p)


def anode_of(options: Mapping[str, str]) -> str:
    """Return what the variables of the anode begin with, "Anode" of a film."""
    return "Anode" if options["anode"] == "film" else "Lithium"


def _interface(side: str, options: Mapping[str, str], p: ThinFilmParameters) -> Law:
    """Return the charge transfer at a film or at lithium, with its double layer."""
    place = side.lower()
    symmetric = options[f"{place} kinetics"] == "symmetric"
    plated = side == "Lithium" and options["anode"] == "plated in situ"
    kinetics = (
        CoverageKinetics(p, symmetric) if plated else ButlerVolmer(p, side, symmetric)
    )
    if options[f"{place} double layer"] == "absent":
        return kinetics
    if side != "Lithium" and options["cathode mesh"] == "volumes":
        raise pybamm.OptionError(
            f"A double layer at the {place} needs the mesh of elements: its potential is "
            "that of the face"
        )
    return DoubleLayer(p, kinetics)


def _film(side: str, options: Mapping[str, str], p: ThinFilmParameters) -> Law:
    """Return what moves through a film."""
    place = side.lower()
    return PlanarDiffusion(
        p,
        side,
        transference=options[f"{place} transference"],
        resistivity=options[f"{place} resistivity"],
        mesh=options["cathode mesh"],
        losing=_losing(options) if side == "Cathode" else (),
        double_layer=options[f"{place} double layer"] == "capacitive",
    )


CAUSES = "oxidation", "reduction"


def _losing(options: Mapping[str, str]) -> list[str]:
    """Return by what sites are lost."""
    return [cause for cause in CAUSES if options[f"site loss by {cause}"] == "on"]


def _ageing_laws(options: Mapping[str, str], p: ThinFilmParameters) -> dict[str, Law]:
    """Return the laws of ageing that are on."""
    found: dict[str, Law] = {
        f"interphase by {cause}": InterphaseByReaction(p, cause) for cause in CAUSES
    }
    found |= {
        "interphase with time": InterphaseWithTime(p),
        "lithium consumption": LithiumConsumption(p, options["anode"] == "film"),
        "electrolyte oxidation": ElectrolyteOxidation(p),
    }
    found = {name: law for name, law in found.items() if options[name] == "on"}
    if losing := _losing(options):
        found["site loss"] = SiteLoss(p, losing)
    return found


def all_laws(
    options: Mapping[str, str],
    p: ThinFilmParameters,
    further: Sequence[Callable[[ThinFilmParameters], Law]] = (),
) -> dict[str, Law]:
    """Return every law of a cell, by place, with what counts and sums the others."""
    laws = laws_of(options, p) | {
        f"further law {k}": law(p) for k, law in enumerate(further)
    }
    laws["counters"] = Counters(p, Declared.of(laws.values()).side_currents)
    laws["voltage"] = TerminalVoltage(p, list(laws.values()))
    return laws


@lru_cache(maxsize=16)
def declared_by(structure: Structure) -> Declared:
    """Return what the laws of a structure declare."""
    options = DEFAULTS | structure.options("current")
    return Declared.of(all_laws(options, ThinFilmParameters(), structure.laws).values())


@cache
def declared_by_options() -> tuple[Declared, Declared]:
    """Return what the laws of the default options declare, and those of all options."""
    chosen = [{}, *({name: word} for name, words in OPTIONS.items() for word in words)]
    each = [
        Declared.of(all_laws(DEFAULTS | options, ThinFilmParameters()).values())
        for options in chosen
    ]
    return each[0], Declared.of(each)


class ThinFilmCell(pybamm.BaseModel):
    """A thin-film solid-state lithium cell, usable wherever a PyBaMM model is.

    Parameters
    ----------
    options : dict, optional
        "operating mode": "current" (default), "voltage", "power", "algebraic current"
        (the current is a state);
        "cathode kinetics", "lithium kinetics", "anode kinetics": "symmetric" (default;
        transfer coefficients 1/2, overpotential explicit) or "asymmetric";
        "cathode transference", "cathode resistivity": "constant" (default) or "law", a
        function of x; the same of "anode"; "cathode mesh": "elements" (default) or
        "volumes", of both films;
        "leakage": "none" (default) or "electronic";
        "anode": "evaporated" lithium (default), "plated in situ" on a collector it may
        leave bare, or a "film";
        the laws of ``AGEING``, each "off" (default) or "on";
        "cathode double layer", "lithium double layer", "anode double layer": "absent"
        (default) or "capacitive"; "electrolyte": "film" (default), or "liquid" with a
        salt; "cathode hysteresis", "anode hysteresis": "absent" (default) or "first
        order"; "electrolyte capacitance": "absent" (default) or "capacitive";
        "constants": "in place" (default), or "precomputed" for tfbsim's own solver,
        which evaluates ``model.param.constants`` before a step.
    name : str, optional
        Name of the model.
    laws : sequence of callable, optional
        Further laws, each made by a call with the parameters of the model; usually
        subclasses of :class:`~tfbsim.physics.law.Law`.

    Attributes
    ----------
    declared : Declared
        What its laws declare, in sum.
    carried : tuple of str
        Differential states that one step hands to the next.

    Raises
    ------
    pybamm.OptionError
        An option or value that does not exist.  When parameters are processed, a
        parameter set that implies other options, as that of an anode-free cell implies
        ``{"anode": "plated in situ"}``; the message names the options to give.

    Examples
    --------
    >>> import pybamm, tfbsim
    >>> cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    >>> model = tfbsim.ThinFilmCell()
    >>> simulation = pybamm.Simulation(
    ...     model, parameter_values=cell.parameter_values(), experiment=["Rest for 1 s"]
    ... )
    """

    def __init__(
        self,
        options: dict[str, str] | None = None,
        name: str = "Thin-film cell",
        laws: Sequence[Callable[[ThinFilmParameters], Law]] = (),
    ) -> None:
        super().__init__(name)
        self.options = Options(OPTIONS, options or {})
        precomputed = self.options["constants"] == "precomputed"
        self.param = p = ThinFilmParameters(precomputed)
        chosen = all_laws(self.options, p, laws)
        self.declared = Declared.of(chosen.values())
        self._restarted = {name for law in chosen.values() for name in law.restarted}
        self.submodels = {"external circuit": self._external_circuit(), **chosen}
        self.variables = {
            "Time [s]": pybamm.t,
            "Time [min]": pybamm.t / 60,
            "Time [h]": pybamm.t / 3600,
            "Cell temperature [K]": p.T,
        }
        self.build_model()
        if not precomputed:
            for of in ("model", self.options["cathode mesh"], self.options["anode"]):
                for entry in citations(of):
                    pybamm.citations.register(entry)
            half_cell_parameters(p, self.options["anode"] == "film")
            self.events.append(kept(v for v in self.rhs if v.name in self._restarted))
            side, losses = anode_of(self.options), self.declared.losses
            self.variables |= standard_variables(self.variables, losses, p, side)
            self.summary_variables = list(SUMMARY)

    @property
    def carried(self) -> tuple[str, ...]:
        """Differential states that one step hands to the next."""
        return tuple(v.name for v in self.rhs if v.name not in self._restarted)

    def _external_circuit(self) -> pybamm.BaseSubModel:
        mode = self.options["operating mode"]
        if mode == "current":
            return pybamm.external_circuit.ExplicitCurrentControl(
                self.param, self.options
            )
        return AlgebraicControl(self.param, mode.removeprefix("algebraic "))

    def build_model(self) -> None:
        """Assemble the submodels' equations."""
        self._build_model()
        if not self.param.precompute:  # else the options are made from the cell
            self.rhs = agreeing(self.rhs, Agreement(type(self).__name__, self.options))
        self._built = True

    @property
    def default_parameter_values(self) -> pybamm.ParameterValues:
        return pybamm.ParameterValues(shipped_parameter_values(DEFAULT_CELL))

    @property
    def films(self) -> tuple[str, ...]:
        """Sides that are films."""
        return ("Cathode", "Anode") if self.options["anode"] == "film" else ("Cathode",)

    @property
    def default_geometry(self) -> Geometry:
        return {
            DOMAINS[side]: {depth(side): {"min": 0, "max": span(self.param.film(side))}}
            for side in self.films
        }

    @property
    def default_var_pts(self) -> dict[pybamm.SpatialVariable, int]:
        nodes = Numerics(mesh=self.options["cathode mesh"]).nodes
        return {depth(side): nodes for side in self.films}

    @property
    def default_submesh_types(self) -> dict[str, type[pybamm.SubMesh]]:
        mesh = SUBMESHES[self.options["cathode mesh"]]
        return {DOMAINS[side]: mesh for side in self.films}

    @property
    def default_spatial_methods(self) -> dict[str, pybamm.SpatialMethod]:
        method = spatial_method(self.options["cathode mesh"])
        return {DOMAINS[side]: method for side in self.films}

    @property
    def default_solver(self) -> pybamm.BaseSolver:
        # A capacitance is charged within microseconds of a step's start
        quick = {"dt_init": 1e-9} if "capacitive" in self.options.values() else {}
        return pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8, options=quick)

    @property
    def default_quick_plot_variables(self) -> list[str | list[str]]:
        other = ["Lithium thickness [m]"]
        if self.options["anode"] == "film":
            other = ["Anode surface stoichiometry", "Anode stoichiometry"]
        return [
            "Current [A]",
            ["Voltage [V]", "Open-circuit voltage [V]"],
            "Cathode surface stoichiometry",
            *other,
            "Cathode stoichiometry",
        ]

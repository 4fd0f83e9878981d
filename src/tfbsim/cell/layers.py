"""The layers of a cell and their interfaces: every field, its unit, its range.

A field says all of itself here; docs/fields.md, the schema and the errors follow.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import scipy  # loads scipy.optimize where it is first used
from pydantic import model_validator

from ..fields import (
    Activation,
    ArealCharge,
    ArealResistance,
    Capacitance,
    Coefficient,
    Conductivity,
    CurrentDensity,
    Density,
    Fraction,
    Length,
    Quantity,
    Ratio,
    Share,
    Stoichiometry,
    Strict,
    UpToTen,
    Voltage,
    numbers,
    refuse,
)
from ..materials import laws, library
from ..materials.spelled import ConductivityLaw, Diffusivity, Potential
from ..materials.transport import (
    Derived,
    SelfDiffusion,
    ThermodynamicFactor,
    Transport,
    grid_of,
)
from .structure import FilmStructure

EXHAUSTED_COVERAGE = 1e-6  # of the lithium of coverage: what is left counts as nothing
INITIAL = ("initial_stoichiometry", "initial_voltage")  # of a film, one of them
LAWS = (
    "open_circuit_potential",
    "diffusivity",
    "electronic_conductivity",
    "ionic_conductivity",
)

# What of a film of electrolyte a liquid in its place has not
OF_A_FILM = (
    *("thickness", "conductivity", "conductivity_activation_energy", "density"),
    *("electronic_conductivity", "electronic_conductivity_activation_energy"),
    *("relative_permittivity", "window_lower", "window_upper"),
)


class MaterialLayer(Strict):
    """A layer that a material of the library may describe."""

    material: str | None = None
    """Material of the library or of a file beside the cell's; sets what is not given."""
    material_file: str | None = None
    """File that its values were found in, written by whoever copies the cell; with it no
    other is looked for."""
    thickness: Length
    """Thickness, L_c of the cathode, L_e of the electrolyte."""
    density: Density | None = None
    """Density, which only a stack needs."""


class Interface(Strict):
    """The interface of an electrode with the electrolyte."""

    exchange_current: CurrentDensity
    """Exchange current density i_0; of a film at exchange_current_stoichiometry."""
    exchange_current_activation_energy: Activation = 0.0
    """Activation energy of i_0."""
    anodic_transfer_coefficient: Coefficient = 0.5
    """Anodic transfer coefficient alpha_a."""
    double_layer_capacitance: Capacitance | None = None
    """Capacitance C_dl of the double layer, per contact area; left out: none."""
    film_resistance: ArealResistance = 0.0
    """Resistance R_f of an interphase, per contact area."""
    film_resistance_activation_energy: Activation = 0.0
    """Activation energy of R_f."""

    def options(self, place: str) -> dict[str, str]:
        """Options of the model for charge transfer, at "cathode", "anode", "lithium"."""
        symmetric = self.anodic_transfer_coefficient == 0.5
        return {
            f"{place} kinetics": "symmetric" if symmetric else "asymmetric",
            f"{place} double layer": capacitive(self.double_layer_capacitance),
        }


def capacitive(given: float | None) -> str:
    """Return the option of a part that has a capacitance, or none."""
    return "absent" if given is None else "capacitive"


OF_AN_INTERFACE = tuple(Interface.model_fields)
# Fields of a film that are parameters of the model as they are
OF_AN_ELECTRODE = (
    *("thickness", "active_fraction", "utilisation", "transference", "entropic_change"),
    *("diffusivity_activation_energy", "exchange_current_stoichiometry"),
    *("hysteresis", "hysteresis_stoichiometry", *OF_AN_INTERFACE),
)


class Film(Interface, MaterialLayer):
    """A dense film of an insertion material."""

    # Of lithium metal alone
    plated: ClassVar = False
    critical_current: ClassVar = None
    surface: ClassVar = ""  # nothing is plated
    beyond_critical_current: ClassVar = "go on"
    inventory: ClassVar = 0.0
    least_inventory: ClassVar = 0.0

    density: Density
    """Density of the film; makes mAh/g, of the whole film, and with molar_mass the sites
    per volume."""
    molar_mass: Annotated[float, Quantity("molar mass", gt=0)] | None = None
    """Molar mass of a formula unit."""
    site_concentration: Annotated[float, Quantity("concentration", gt=0)] | None = None
    """Formula units per volume, c_sites, in place of density over molar_mass."""
    initial_stoichiometry: Stoichiometry | None = None
    """Lithium per formula unit as made, uniform; a fraction, or initial_voltage."""
    initial_voltage: Voltage | None = None
    """Voltage in equilibrium as made; or initial_stoichiometry."""
    analysed_stoichiometry: Stoichiometry | None = None
    """All lithium found in the film; what exceeds the initial is counted as inactive."""
    open_circuit_potential: Potential
    """Open-circuit potential U(x), a law of x."""
    entropic_change: Annotated[float, Quantity("entropy coefficient")] = 0.0
    """dU/dT."""
    hysteresis: Annotated[float, Quantity("voltage", gt=0, le=2)] | None = None
    """Half the distance between the branches of U(x), of which U(x) is the mean; left
    out: none."""
    hysteresis_stoichiometry: UpToTen = 0.05
    """Change of x in which the potential goes 63 % of the way to the other branch."""
    diffusivity: Diffusivity
    """Chemical diffusivity D(x): a number or a law."""
    diffusivity_scale: Ratio = 1.0
    """Factor on D; 1 where D follows from ionic_conductivity."""
    diffusivity_activation_energy: Activation = 0.0
    """Activation energy of D."""
    transference: Share = 0.0
    """Ionic share t_i of the film's conduction."""
    electronic_conductivity: ConductivityLaw | None = None
    """Electronic conductivity sigma_e(x); left out: no loss on the electron path."""
    electronic_conductivity_activation_energy: Activation = 0.0
    """Activation energy of sigma_e."""
    ionic_conductivity: ConductivityLaw | None = None
    """Ionic conductivity sigma_i(x); only where electron_path is consistent."""
    electron_path: Literal["as given", "consistent"] = "as given"
    """As given, or consistent: one of D, t_i, sigma_e follows from the others."""
    exchange_current_stoichiometry: Ratio
    """Where exchange_current holds."""
    utilisation: Fraction = 1.0
    """Fraction u_A of the area in contact: the film behind it sees i/u_A, the rest is
    idle."""
    active_fraction: Fraction = 1.0
    """Fraction u_V of the sites that take part."""

    @property
    def x_max(self) -> float:
        """Sites per formula unit, as U(x) states them."""
        return self.open_circuit_potential.x_max

    @property
    def c_sites(self) -> float:
        """Formula units per volume of film [mol/m3]: density/M unless given."""
        if self.site_concentration is not None:
            return float(self.site_concentration)
        return self.density / (self.molar_mass or math.nan)

    @property
    def x_initial(self) -> float:
        """Stoichiometry of the lattice as made, uniform."""
        if self.initial_stoichiometry is not None:
            return float(self.initial_stoichiometry)
        return self.stoichiometry(float(self.initial_voltage or 0.0))

    def stoichiometry(self, voltage: float) -> float:
        """x in equilibrium at a voltage [V], within the law's range."""
        return at_voltage(self.open_circuit_potential, voltage)

    @property
    def structure(self) -> FilmStructure:
        """What is no number of it."""
        found = self.transport
        t_i, sigma_e = found.transference, found.electronic
        return FilmStructure(
            potential=self.open_circuit_potential,
            diffusivity=found.diffusivity,
            x_max=self.x_max,
            transference=t_i if callable(t_i) else None,
            electronic=None if isinstance(sigma_e, laws.Constant) else sigma_e,
        )

    def options(self, place: str) -> dict[str, str]:
        """Options of the model for this film, at the "cathode" or the "anode"."""
        law = self.structure
        return {
            **super().options(place),
            f"{place} transference": "law" if law.transference else "constant",
            f"{place} resistivity": "law" if law.electronic else "constant",
            f"{place} hysteresis": "first order" if self.hysteresis else "absent",
        }

    @property
    def sites(self) -> float:
        """Active formula units per area, u_A u_V c_sites L [mol/m2]."""
        active = self.utilisation * self.active_fraction
        return float(self.c_sites * self.thickness * active)

    def idle(self, x: float) -> float:
        """Lithium that takes no part, at x as made: behind u_A, u_V, or beyond the
        lattice [mol/m2]."""
        total = self.analysed_stoichiometry if self.analysed_stoichiometry else x
        return float(self.c_sites * self.thickness * total - self.sites * x)

    def parameters(self, side: str, structure: FilmStructure | None) -> dict[str, Any]:
        """Its numbers in SI, by the name in PyBaMM of "Cathode" or "Anode"."""
        assert structure is not None
        sigma = self.transport.electronic
        rho = 1 / sigma.value if isinstance(sigma, laws.Constant) else 0.0
        rho = rho if structure.electronic is None else structure.rho_ref
        E_rho = "electronic resistivity activation energy [J.mol-1]"
        return {
            **numbers(self, side, OF_AN_ELECTRODE),
            f"{side} site concentration [mol.m-3]": self.c_sites,
            f"{side} sites per formula unit": self.x_max,
            f"{side} diffusivity [m2.s-1]": structure.psi.D_ref * self.diffusivity_scale,
            f"{side} electronic resistivity [Ohm.m]": rho,
            f"{side} {E_rho}": self.electronic_activation,
        }

    @cached_property
    def transport(self) -> Transport:
        """D(x), t_i and sigma_e: as given, or with the third from the other two.

        "Consistent" takes two of the set; an InputError refuses fewer and all three.
        """
        # Of the sites that take part: it is their concentration that the flux moves
        U, c = self.open_circuit_potential, self.c_sites * self.active_fraction
        D, t_i, scale = self.diffusivity, float(self.transference), self.diffusivity_scale
        sigma_i, sigma_e = self.ionic_conductivity, self.electronic_conductivity
        if isinstance(D, SelfDiffusion):
            # An ideal site of a law has Theta = 1/(1 - theta) where its width is stated
            T = U.T_ref if isinstance(U, laws.MultiSite) else 298.15
            D = ThermodynamicFactor(D.D_0, U, self.x_max, T)
        if self.electron_path == "as given":
            if sigma_i is None:
                return Transport(D, t_i, sigma_e)
            message = "gives diffusivity and transference if 'electron_path: consistent'"
            refuse("ionic_conductivity", message)
        if sigma_i is not None and sigma_e is not None and not t_i:
            if scale != 1:
                message = (
                    "must be 1 where the diffusivity follows from the conductivities"
                )
                refuse("diffusivity_scale", message)
            both = U, c, sigma_i, sigma_e
            share = Derived("t_i of both sigma", *both)
            return Transport(Derived("D of both sigma", *both), share, sigma_e)
        if sigma_i is None and sigma_e is None and t_i:
            found = Derived("sigma_e of D and t_i", U, c, D, t_i, scale)
            return Transport(D, t_i, found)
        if sigma_i is None and sigma_e is not None and not t_i:
            found = Derived("t_i of D and sigma_e", U, c, D, sigma_e, scale)
            return Transport(D, found, sigma_e)
        refuse(
            "electron_path",
            "'consistent' takes, beside the diffusivity, either transference or "
            "electronic_conductivity; or ionic_conductivity with electronic_conductivity",
        )

    @property
    def x_range(self) -> tuple[float, float]:
        """Stoichiometries the open-circuit law covers."""
        x = self.open_circuit_potential.curve.x
        return float(x[0]), float(x[-1])

    @model_validator(mode="after")
    def _consistent(self) -> Film:
        if self.site_concentration is None and self.molar_mass is None:
            refuse("molar_mass", "is missing; it or site_concentration is needed")
        by_voltage = self.initial_voltage is not None
        field = "initial_voltage" if by_voltage else "initial_stoichiometry"
        if (self.initial_stoichiometry is None) != by_voltage:
            once = "give the initial state once, as initial_stoichiometry or as "
            both = "both are given; " if by_voltage else ""
            refuse(field, f"{both}{once}initial_voltage")
        try:
            x, (low, high) = self.x_initial, self.x_range
        except ValueError as error:
            refuse(field, str(error))
        if not low - 1e-12 <= x <= high + 1e-12:
            covered = f"which covers {low:.4g} to {high:.4g}"
            refuse(field, f"{x:g} is outside the open-circuit potential, {covered}")
        self._check_ranges()
        self._check_transport()
        if not self.exchange_current_stoichiometry < self.x_max:
            message = f"must be below {self.x_max:g}, all sites"
            refuse("exchange_current_stoichiometry", message)
        analysed = self.analysed_stoichiometry
        if analysed is not None and analysed < x:
            refuse(
                "analysed_stoichiometry",
                f"the lattice cannot hold more lithium at the start ({x:g}) than was "
                f"analysed ({analysed:g})",
            )
        return self

    @property
    def electronic_activation(self) -> float:
        """E of sigma_e [J/mol]: in a consistent set, whose t_i is one, that of D."""
        if self.electron_path == "consistent":
            return float(self.diffusivity_activation_energy)
        return float(self.electronic_conductivity_activation_energy)

    def _check_ranges(self) -> None:
        """Every law of x is one of the fraction of the sites that U(x) states."""
        for name in LAWS[1:]:
            law = getattr(self, name)
            law = law.D_0 if isinstance(law, SelfDiffusion) else law
            # A law of Python states no range; a constant has none
            high = law.valid[1] if isinstance(law, laws.Table | laws.LogPolynomial) else 0
            if high > self.x_max * 1.05:  # fitted sites may sum to 0.999
                refuse(
                    name,
                    f"is stated up to x = {high:g}, and the open-circuit potential has "
                    f"{self.x_max:g} sites per formula unit; write x as a fraction, or "
                    "leave out what lies beyond",
                )

    def _check_transport(self) -> None:
        """t_i below 1 wherever U(x) is known."""
        found = self.transport
        if self.electron_path == "as given":
            return
        E = self.electronic_conductivity_activation_energy
        if E not in (0.0, self.electronic_activation):
            refuse(
                "electronic_conductivity_activation_energy",
                "must be that of the diffusivity, or left out, where 'electron_path: "
                "consistent'",
            )
        x = grid_of(self.open_circuit_potential, self.x_max)[1:-1]
        if callable(found.transference):
            share = found.transference(x)
            worst = int(np.argmax(share))
            if share[worst] >= 1:
                refuse(
                    "electronic_conductivity",
                    f"is too low for the diffusivity: t_i, the share of the ions, would "
                    f"be {share[worst]:.3g} at x = {x[worst]:.3g}; it must be below 1",
                )


def at_voltage(law: laws.PotentialLaw, voltage: float) -> float:
    """x where an open-circuit potential is a voltage [V], where it is known."""
    curve = law.curve
    low, high = float(curve.x[0]), float(curve.x[-1])
    if not curve(high) <= voltage <= curve(low):
        raise ValueError(
            f"{voltage:g} V is outside the open-circuit potential, which runs from "
            f"{curve(high):.3f} V at x = {high:.3g} to {curve(low):.3f} V at "
            f"x = {low:.3g}"
        )
    return float(
        scipy.optimize.brentq(lambda x: curve(x) - voltage, low, high, xtol=1e-14)
    )


class Salt(Strict):
    """The salt of a liquid electrolyte."""

    concentration: Annotated[float, Quantity("concentration", gt=0, le=1e5)]
    """Concentration c_0 as made."""
    diffusivity: Annotated[float, Quantity("diffusivity", gt=0, le=1e-6)]
    """Diffusivity D of the salt."""
    transference: Share
    """Transference number t_+ of the cation."""
    thermodynamic_factor: Annotated[float, Quantity("dimensionless", gt=0, le=100)] = 1.0
    """Thermodynamic factor 1 + dln f/dln c."""
    peak: Annotated[float, Quantity("concentration", gt=0, le=1e5)]
    """Concentration at which the conductivity is largest."""
    exponent: UpToTen = 1.0
    """Exponent a of the conductivity below its peak."""
    curvature: Annotated[float, Quantity("dimensionless", ge=-10, le=10)] = 0.0
    """Curvature b of ln(conductivity) at its peak."""

    @property
    def relative_conductivity(self) -> float:
        """Conductivity at the concentration as made, over the largest."""
        r = self.concentration / self.peak
        exponent = self.curvature * (r - 1) ** 2 - self.exponent * (r - 1)
        return float(r**self.exponent * math.exp(exponent))

    @property
    def parameters(self) -> dict[str, float]:
        """Its numbers in SI, by the name in PyBaMM."""
        own = tuple(name for name in Salt.model_fields if name != "transference")
        cation = {"Cation transference number": self.transference}
        return numbers(self, "Salt", own) | cation


class ElectrolyteFilm(MaterialLayer):
    """The fields that every electrolyte has."""

    window_lower: Voltage | None = None
    """Potential against lithium below which it is reduced; left out: not known."""
    window_upper: Voltage | None = None
    """Potential against lithium above which it is oxidised; left out: not known."""
    conductivity: Conductivity
    """Ionic conductivity; of a liquid the largest, at the peak of its salt."""
    conductivity_activation_energy: Activation = 0.0
    """Activation energy of the ionic conductivity."""


class SecondElectrolyte(ElectrolyteFilm):
    """A second film of electrolyte, between the first and the anode."""

    interface_resistance: ArealResistance = 0.0
    """Resistance of the interface between the two films."""
    interface_resistance_activation_energy: Activation = 0.0
    """Activation energy of interface_resistance."""


ONE_FILM = SecondElectrolyte.model_construct(thickness=0.0, conductivity=1.0)


class Electrolyte(ElectrolyteFilm):
    """A single-ion-conducting film, which may leak electrons; or a liquid with a salt."""

    electronic_conductivity: Conductivity | None = None
    """Electronic conductivity, which discharges the cell; left out: none."""
    electronic_conductivity_activation_energy: Activation = 0.0
    """Activation energy of the electronic conductivity."""
    relative_permittivity: (
        Annotated[float, Quantity("dimensionless", ge=1, le=1e5)] | None
    ) = None
    """Relative permittivity, which gives it a capacitance; left out: none."""
    separator: Length | None = None
    """Thickness of the separator that holds a liquid."""
    salt: Salt | None = None
    """Salt of a liquid; left out: a film."""
    second: SecondElectrolyte | None = None
    """A second film, at the anode, in series with this one."""

    @model_validator(mode="after")
    def _whole(self) -> Electrolyte:
        if (self.salt is None) != (self.separator is None):
            missing = "salt" if self.salt is None else "separator"
            refuse(missing, "is missing; a liquid has both")
        of_one = "electronic_conductivity", "relative_permittivity", "salt"
        for name in of_one if self.second else ():
            if getattr(self, name) is not None:
                message = "is of an electrolyte that is one film; leave it or second out"
                refuse(name, message)
        return self

    @property
    def span(self) -> float:
        """Way from the anode to the cathode [m]."""
        return float(self.separator or self.thickness)

    @property
    def sigma(self) -> float:
        """Ionic conductivity as made [S/m]."""
        relative = self.salt.relative_conductivity if self.salt else 1.0
        return float(self.conductivity * relative)

    @property
    def parameters(self) -> dict[str, float]:
        """Its numbers in SI, by the name in PyBaMM."""
        second, salt = self.second or ONE_FILM, self.salt
        leak = "electronic_conductivity"
        sigma = "conductivity", "conductivity_activation_energy"
        own = *sigma, leak, f"{leak}_activation_energy", "relative_permittivity"
        between = "interface_resistance", "interface_resistance_activation_energy"
        R, E = (
            second.thickness / second.conductivity,
            second.conductivity_activation_energy,
        )
        return {
            "Electrolyte thickness [m]": self.span,
            **numbers(self, "Electrolyte", own),
            **numbers(second, "Electrolyte", between),
            "Second electrolyte resistance [Ohm.m2]": R,
            "Second electrolyte resistance activation energy [J.mol-1]": E,
            **(salt.parameters if salt else {}),
        }


class Metal(Strict):
    """The fields of lithium metal itself."""

    material: str | None = None
    """Material of the library; sets what is not given here."""
    lithium: Annotated[float, Quantity("length", ge=0, le=1e-2)]
    """Thickness of the lithium as made; may be 0."""
    molar_volume: Annotated[float, Quantity("molar volume", gt=0)]
    """Molar volume of lithium."""


class Anode(Interface, Metal):
    """Lithium metal: evaporated, or plated in situ where there is a collector."""

    # Of a film alone
    entropic_change: ClassVar = 0.0

    collector: str | None = None
    """What lithium is plated on in situ, by name; may be bare; sets what is not given
    here."""
    interlayer: str | None = None
    """Layer between collector and electrolyte, by name; comes before the collector."""
    nucleation_overpotential: Annotated[float, Quantity("voltage", ge=0, le=2)] | None = (
        None
    )
    """Overpotential eta_nuc at which the bare collector plates at nucleation_current."""
    nucleation_current: CurrentDensity | None = None
    """Current density i_nuc of nucleation_overpotential."""
    coverage_thickness: Annotated[float, Quantity("length", gt=0, le=1e-5)] | None = None
    """Lithium n_c V_m that covers 63 % of the collector."""
    interlayer_loss: ArealCharge = 0.0
    """Charge that the first plating leaves in the interlayer."""
    interphase_loss: ArealCharge = 0.0
    """Charge that the first plating leaves in the interphase."""
    inactive_fraction: Share = 0.0
    """Fraction phi of what is plated or stripped that becomes inactive."""
    inactive_from: Literal["plating", "stripping"] = "plating"
    """Whether inactive_fraction is of plating or of stripping."""
    inactive_conductivity: Conductivity | None = None
    """Ionic conductivity of inactive lithium; left out: no resistance."""
    critical_current: CurrentDensity | None = None
    """Current density at the lithium whose crossing is noted."""
    beyond_critical_current: Literal["go on", "stop"] = "go on"
    """Whether the step goes on beyond it, or stops as infeasible."""

    @property
    def plated(self) -> bool:
        """Whether the lithium is plated in situ, on a collector it may leave bare."""
        return self.coverage_thickness is not None

    @property
    def inventory(self) -> float:
        """Lithium as made [mol/m2]."""
        return float(self.lithium / self.molar_volume)

    @property
    def least_inventory(self) -> float:
        """Lithium that counts as none [mol/m2]; 0 where it is evaporated."""
        least = EXHAUSTED_COVERAGE * float(self.coverage_thickness or 0.0)
        return float(least / self.molar_volume)

    def idle(self, x: float) -> float:
        """Lithium that takes no part [mol/m2]: none, as a film has."""
        return 0.0

    @property
    def surface(self) -> str:
        """Return the name of what lithium is plated on."""
        return self.interlayer or self.collector or "the collector"

    def parameters(self, side: str, structure: FilmStructure | None) -> dict[str, Any]:
        """Its numbers in SI, by the name in PyBaMM, as those of a film are asked for."""
        own = "molar_volume", *OF_AN_INTERFACE
        found: dict[str, Any] = numbers(self, "Lithium", own)
        if self.coverage_thickness is None:
            return found
        inactive = {self.inactive_from: float(self.inactive_fraction)}
        sigma = self.inactive_conductivity
        return found | {
            "Nucleation current density [A.m-2]": self.nucleation_current,
            "Nucleation overpotential [V]": self.nucleation_overpotential,
            "Lithium of coverage [mol.m-2]": self.coverage_thickness / self.molar_volume,
            "Exhausted lithium over that of coverage": EXHAUSTED_COVERAGE,
            "Charge taken by the collector [A.s.m-2]": (
                self.interlayer_loss + self.interphase_loss
            ),
            "Inactive fraction of plated lithium": inactive.get("plating", 0.0),
            "Inactive fraction of stripped lithium": inactive.get("stripping", 0.0),
            "Inactive lithium resistivity [Ohm.m]": 1 / sigma if sigma else 0.0,
        }

    @model_validator(mode="after")
    def _of_a_collector(self) -> Anode:
        kinetics = "nucleation_overpotential", "nucleation_current", "coverage_thickness"
        missing = [name for name in kinetics if getattr(self, name) is None]
        known = ", ".join(library("collector"))
        if 0 < len(missing) < len(kinetics):
            refuse(
                missing[0], f"is missing; a collector from the library sets it: {known}"
            )
        for name in ("interlayer_loss", "interphase_loss", "inactive_fraction"):
            if getattr(self, name) and not self.plated:
                message = "is of lithium that is plated in situ; give a collector too: "
                refuse(name, message + known)
        return self


def is_a_film(anode: Any) -> bool:
    """Return whether an anode is a film, as a file or Python gives it."""
    if not isinstance(anode, dict):
        return isinstance(anode, Film)
    named = anode.get("material")
    of_a_film = isinstance(named, str) and named in library("cathode")
    return ("thickness" in anode or of_a_film) and "lithium" not in anode

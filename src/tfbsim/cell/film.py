"""A dense film of an insertion material: every field, its unit, its range."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy  # loads scipy.optimize where it is first used
from pydantic import model_validator

from ..fields import (
    Activation,
    Density,
    Fraction,
    Quantity,
    Ratio,
    Share,
    Stoichiometry,
    UpToTen,
    Voltage,
    numbers,
    refuse,
)
from ..materials import laws
from ..materials.spelled import ConductivityLaw, Diffusivity, Potential
from ..materials.transport import (
    Derived,
    SelfDiffusion,
    ThermodynamicFactor,
    Transport,
    grid_of,
)
from .layers import OF_AN_INTERFACE, Interface, MaterialLayer
from .structure import FilmStructure

INITIAL = ("initial_stoichiometry", "initial_voltage")  # of a film, one of them
LAWS = (
    *("open_circuit_potential", "diffusivity"),
    *("electronic_conductivity", "ionic_conductivity"),
)

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
        share = t_i if callable(t_i) else None
        sigma_e = None if isinstance(sigma_e, laws.Constant) else sigma_e
        U, D = self.open_circuit_potential, found.diffusivity
        return FilmStructure(U, D, self.x_max, share, sigma_e)

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

    def parameters(self, side: str, structure: FilmStructure) -> dict[str, float]:
        """Its numbers in SI, by the name in PyBaMM of "Cathode" or "Anode"."""
        sigma, rho = self.transport.electronic, structure.rho_ref
        if isinstance(sigma, laws.Constant):
            rho = 1 / sigma.value
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
                follows = "where the diffusivity follows from the conductivities"
                refuse("diffusivity_scale", f"must be 1 {follows}")
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
        return self.open_circuit_potential.curve.ends

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
    low, high = curve.ends
    if not curve(high) <= voltage <= curve(low):
        raise ValueError(
            f"{voltage:g} V is outside the open-circuit potential, which runs from "
            f"{curve(high):.3f} V at x = {high:.3g} to {curve(low):.3f} V at "
            f"x = {low:.3g}"
        )
    return float(
        scipy.optimize.brentq(lambda x: curve(x) - voltage, low, high, xtol=1e-14)
    )

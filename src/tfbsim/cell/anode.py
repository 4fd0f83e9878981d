"""Lithium metal at the anode: every field, its unit, its range."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import model_validator

from ..fields import (
    ArealCharge,
    Conductivity,
    CurrentDensity,
    Quantity,
    Share,
    numbers,
    refuse,
)
from ..materials import library
from .film import Film
from .layers import OF_AN_INTERFACE, Interface

EXHAUSTED_COVERAGE = 1e-6  # of the lithium of coverage: what is left counts as nothing


Overpotential = Annotated[float, Quantity("voltage", ge=0, le=2)]


class Anode(Interface):
    """Lithium metal: evaporated, or plated in situ where there is a collector."""

    # Of a film alone
    entropic_change: ClassVar = 0.0

    material: str | None = None
    """Material of the library; sets what is not given here."""
    lithium: Annotated[float, Quantity("length", ge=0, le=1e-2)]
    """Thickness of the lithium as made; may be 0."""
    molar_volume: Annotated[float, Quantity("molar volume", gt=0)]
    """Molar volume of lithium."""
    collector: str | None = None
    """What lithium is plated on in situ, by name; may be bare; sets what is not given
    here."""
    interlayer: str | None = None
    """Layer between collector and electrolyte, by name; comes before the collector."""
    nucleation_overpotential: Overpotential | None = None
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

    @property
    def parameters(self) -> dict[str, float]:
        """Its numbers in SI, by the name in PyBaMM."""
        found = numbers(self, "Lithium", ("molar_volume", *OF_AN_INTERFACE))
        if self.coverage_thickness is None:
            return found
        inactive = {self.inactive_from: float(self.inactive_fraction)}
        sigma = self.inactive_conductivity
        return found | {
            "Nucleation current density [A.m-2]": self.nucleation_current or 0.0,
            "Nucleation overpotential [V]": self.nucleation_overpotential or 0.0,
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


def is_a_film(anode: object) -> bool:
    """Return whether an anode is a film, as a file or Python gives it."""
    if not isinstance(anode, dict):
        return isinstance(anode, Film)
    named = anode.get("material")
    of_a_film = isinstance(named, str) and named in library("cathode")
    return ("thickness" in anode or of_a_film) and "lithium" not in anode

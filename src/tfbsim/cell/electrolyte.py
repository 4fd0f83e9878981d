"""The electrolyte, a film or two, or a liquid: every field, its unit, its range."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import model_validator

from ..fields import (
    Activation,
    ArealResistance,
    Conductivity,
    Length,
    Quantity,
    Share,
    Strict,
    UpToTen,
    Voltage,
    numbers,
    refuse,
)
from .layers import MaterialLayer

# What of a film of electrolyte a liquid in its place has not
OF_A_FILM = (
    *("thickness", "conductivity", "conductivity_activation_energy", "density"),
    *("electronic_conductivity", "electronic_conductivity_activation_energy"),
    *("relative_permittivity", "window_lower", "window_upper"),
)
Concentration = Annotated[float, Quantity("concentration", gt=0, le=1e5)]
Permittivity = Annotated[float, Quantity("dimensionless", ge=1, le=1e5)]


class Salt(Strict):
    """The salt of a liquid electrolyte."""

    concentration: Concentration
    """Concentration c_0 as made."""
    diffusivity: Annotated[float, Quantity("diffusivity", gt=0, le=1e-6)]
    """Diffusivity D of the salt."""
    transference: Share
    """Transference number t_+ of the cation."""
    thermodynamic_factor: Annotated[float, Quantity("dimensionless", gt=0, le=100)] = 1.0
    """Thermodynamic factor 1 + dln f/dln c."""
    peak: Concentration
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
    relative_permittivity: Permittivity | None = None
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
        own = (
            *(
                "conductivity",
                "conductivity_activation_energy",
                "electronic_conductivity",
            ),
            *("electronic_conductivity_activation_energy", "relative_permittivity"),
        )
        between = "interface_resistance", "interface_resistance_activation_energy"
        second = self.second or ONE_FILM
        E, L = second.conductivity_activation_energy, second.thickness
        return {
            "Electrolyte thickness [m]": self.span,
            **numbers(self, "Electrolyte", own),
            **numbers(second, "Electrolyte", between),
            "Second electrolyte resistance [Ohm.m2]": L / second.conductivity,
            "Second electrolyte resistance activation energy [J.mol-1]": E,
            **(self.salt.parameters if self.salt else {}),
        }

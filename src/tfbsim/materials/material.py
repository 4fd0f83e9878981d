"""A material of the library, and each value it sets with its source and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .laws import POTENTIALS, PotentialLaw


@dataclass(frozen=True)
class Value:
    """One value of a material."""

    value: object  # As files and Python give it: text with its unit, a number, a law of x
    source: str  # Where it comes from; "assumed" where it was not measured
    valid: str = ""  # Range it holds in: "0.5 <= x <= 0.999", "-25 to 140 degC"


@dataclass(frozen=True)
class Material:
    """What a cell file need not repeat."""

    name: str  # As a cell file names it
    title: str  # Composition and form, in a line
    # Where it may stand: cathode, electrolyte or anode; the field of the anode that names
    # what lithium is plated on, collector or interlayer; or stack, around the cell
    layers: tuple[str, ...]
    values: Mapping[str, Value]  # By field of the layer; a cell file overrides any
    # What no field of a layer takes, such as "capacity"
    data: Mapping[str, Value] = field(default_factory=dict)
    also: tuple[str, ...] = ()  # Other names of it

    @property
    def fields(self) -> dict[str, object]:
        """Return the values alone, by field."""
        return {name: given.value for name, given in self.values.items()}

    @property
    def potential(self) -> PotentialLaw | None:
        """Return the open-circuit potential, of the material of an electrode."""
        found = self.fields.get("open_circuit_potential")
        return found if isinstance(found, POTENTIALS) else None

"""A material of the library, and each value it sets with its source and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .laws import POTENTIALS, PotentialLaw


@dataclass(frozen=True)
class Value:
    """One value of a material.

    Parameters
    ----------
    value : str, float or Law
        As a cell file or Python gives it: text with its unit, a number, a law of x.
    source : str
        Where it comes from; "assumed" where it was not measured.
    valid : str
        The range it holds in, such as "0.5 <= x <= 0.999" or "-25 to 140 degC".
    """

    value: object
    source: str  # Where it comes from; "assumed" where it was not measured
    valid: str = ""


@dataclass(frozen=True)
class Material:
    """What a cell file need not repeat.

    Parameters
    ----------
    name : str
        As a cell file names it.
    title : str
        A line: composition and form.
    layers : tuple of str
        Where it may stand: cathode, electrolyte or anode; the field of the anode that
        names what lithium is plated on, collector or interlayer; or stack, a layer
        around the cell.
    values : mapping
        Field of the layer to :class:`Value`; a cell file overrides any of them.
    data : mapping
        What no field of a layer takes, such as "capacity", the same way.
    also : tuple of str
        Other names of it.
    """

    name: str
    title: str
    layers: tuple[str, ...]
    values: Mapping[str, Value]
    data: Mapping[str, Value] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, object]:
        """Return the values alone, by field."""
        return {name: given.value for name, given in self.values.items()}

    @property
    def potential(self) -> PotentialLaw | None:
        """Return the open-circuit potential, of the material of an electrode."""
        found = self.fields.get("open_circuit_potential")
        return found if isinstance(found, POTENTIALS) else None

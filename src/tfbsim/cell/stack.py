"""Energy per volume and mass of a cell, over all its layers.

    volume/area = sum of thicknesses,   mass/area = sum of density x thickness
    W/volume = W/area / (volume/area),  W/mass = W/area / (mass/area)

W/area is the energy of the simulated discharge.  Every layer counts whole: a cathode with
its idle part, a layer that n cells share with an n-th.  As made, the lithium is what the
file says, none in an anode-free cell; at full charge it is as thick as it gets in the
cycle.  What is plated comes out of the cathode, which keeps its thickness: the cell grows
and weighs the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import model_validator

from .. import units
from ..errors import shown, suggest
from ..fields import Density, Length, Quantity, Strict, refuse
from ..materials import library
from ..materials.laws import Floats
from .anode import Anode
from .electrolyte import Electrolyte
from .film import Film

if TYPE_CHECKING:
    import pandas as pd

LITHIUM_MOLAR_MASS = 6.94e-3  # kg/mol, IUPAC 2021

# Columns of the summary, where the cell has a stack
PER_VOLUME_AS_MADE = "Volumetric energy density as made [W.h.L-1]"
PER_VOLUME_CHARGED = "Volumetric energy density at full charge [W.h.L-1]"
PER_MASS_AS_MADE = "Specific energy as made [W.h.kg-1]"
PER_MASS_CHARGED = "Specific energy at full charge [W.h.kg-1]"
COLUMNS = (PER_VOLUME_AS_MADE, PER_VOLUME_CHARGED, PER_MASS_AS_MADE, PER_MASS_CHARGED)


class StackLayer(Strict):
    """A layer that stores no charge."""

    material: str | None = None
    thickness: Length
    density: Density | None = None
    shared_by: Annotated[float, Quantity("dimensionless", ge=1, le=1e4)] = 1.0

    @property
    def mass_density(self) -> float:
        """Density [kg/m3], the material's unless given."""
        if self.density is not None:
            return float(self.density)
        found = library("stack")[str(self.material)].data["density"].value
        return units.parse(found, "density")

    @model_validator(mode="after")
    def _consistent(self) -> StackLayer:
        if self.shared_by != int(self.shared_by):
            refuse("shared_by", "must be a whole number of cells")
        known = library("stack")
        one_of = ", ".join(known)
        if self.density is None and self.material is None:
            message = f"is missing; a material in its place would do: {one_of}"
            refuse("density", message)
        if self.density is None and self.material not in known:
            hint = suggest(str(self.material), known) or f"; give it, or one of {one_of}"
            message = f"the density of '{shown(self.material)}' is not known{hint}"
            refuse("material", message)
        return self


class Stack(Strict):
    """What a cell is built on, between and in; every field in docs/files.md."""

    substrate: StackLayer | None = None
    cathode_collector: StackLayer | None = None
    interlayer: StackLayer | None = None
    anode_collector: StackLayer | None = None
    insulation: StackLayer | None = None
    packaging: StackLayer | None = None


class Layered(Protocol):
    """A cell, as far as its layers go."""

    @property
    def stack(self) -> Stack | None: ...
    @property
    def cathode(self) -> Film: ...
    @property
    def electrolyte(self) -> Electrolyte: ...
    @property
    def negative(self) -> Film | None: ...
    @property
    def metal(self) -> Anode | None: ...


@dataclass(frozen=True)
class Layer:
    """A layer as it counts for one cell."""

    # Its place in the cell, and what it is made of
    name: str
    material: str
    thickness: Floats  # Its own [m]
    density: Floats  # Mean [kg/m3]
    shared_by: Floats = 1  # Cells it is divided between

    @property
    def volume(self) -> Floats:
        """Return the volume of one cell's share, per area [m]."""
        return self.thickness / self.shared_by

    @property
    def mass(self) -> Floats:
        """Return the mass of one cell's share, per area [kg/m2]."""
        return self.density * self.volume


def layers(cell: Layered, lithium: Floats | None = None) -> list[Layer]:
    """Return the layers of a cell with a stack, from the substrate up.

    Lithium metal is as thick as made [m] if it is left out; what is more than that comes
    out of the cathode.  Without a stack there is an InputError.
    """
    if cell.stack is None:
        refuse("stack", "is missing; it lists the layers around the cell")

    found: dict[str, Layer] = {}

    def add(
        name: str,
        material: str | None,
        thickness: Floats,
        density: Floats | None,
        shared_by: Floats = 1,
    ) -> None:
        density = math.nan if density is None else density
        known = thickness, density, shared_by
        found[name] = Layer(name.replace("_", " "), material or "", *known)

    c, e = cell.cathode, cell.electrolyte
    left: Floats = c.density
    if metal := cell.metal:
        there = metal.lithium if lithium is None else lithium
        rho = LITHIUM_MOLAR_MASS / metal.molar_volume
        left = left - rho * (there - metal.lithium) / c.thickness
        add("lithium", metal.material, there, rho)
    if film := cell.negative:  # whose lithium weighs the same in either
        add("anode", film.material, film.thickness, film.density)
    add("cathode", c.material, c.thickness, left)
    add("electrolyte", e.material, e.span, e.density)
    if second := e.second:
        add("second_electrolyte", second.material, second.thickness, second.density)
    for place in Stack.model_fields:
        if own := getattr(cell.stack, place):
            add(place, own.material, own.thickness, own.mass_density, own.shared_by)
    return [found[name] for name in _ORDER if name in found]


_ORDER = (
    *("substrate", "cathode_collector", "cathode", "electrolyte", "second_electrolyte"),
    *("interlayer", "lithium", "anode", "anode_collector", "insulation", "packaging"),
)


def layer_table(cell: Layered, lithium: float | None = None) -> pd.DataFrame:
    """The layers of a cell and their shares of its volume and mass.

    Parameters
    ----------
    cell, lithium
        As :func:`layers`.

    Returns
    -------
    DataFrame
        Layer, Material, Thickness [um] of the whole layer, Shared by (cells), Mass
        [mg.cm-2] of one cell's share, and Volume share [%] and Mass share [%].

    Raises
    ------
    InputError
        The cell has no stack.

    Examples
    --------
    >>> import tfbsim
    >>> cell = tfbsim.load_cell("lco-lipon-steel-ensurge2023")
    >>> tfbsim.layer_table(cell)["Layer"].tolist()[:2]
    ['substrate', 'cathode']
    """
    import pandas as pd

    found = layers(cell, lithium)
    volume, mass = total_volume(found), total_mass(found)
    return pd.DataFrame(
        {
            "Layer": layer.name,
            "Material": layer.material,
            "Thickness [um]": layer.thickness * 1e6,
            "Shared by": int(layer.shared_by),
            "Mass [mg.cm-2]": layer.mass * 1e2,
            "Volume share [%]": 100 * layer.volume / volume,
            "Mass share [%]": 100 * layer.mass / mass,
        }
        for layer in found
    )


def total_volume(found: list[Layer]) -> Floats:
    """Return the thickness of one cell with its share of all layers [m]."""
    return sum(layer.volume for layer in found)


def total_mass(found: list[Layer]) -> Floats:
    """Return the mass of one cell with its share of all layers, per area [kg/m2]."""
    return sum(layer.mass for layer in found)


def densities(cell: Layered, energy: Floats, lithium: Floats) -> dict[str, Floats]:
    """Return ``COLUMNS``, in Wh/L and Wh/kg, of a cell with a stack.

    Given are the energy of its discharge [J/m2] and the thickness of its lithium at full
    charge [m].
    """
    per_volume = units.DISPLAY["energy density"][1] * energy
    per_mass = units.DISPLAY["specific energy"][1] * energy
    as_made, charged = layers(cell), layers(cell, lithium)
    return {
        PER_VOLUME_AS_MADE: per_volume / total_volume(as_made),
        PER_VOLUME_CHARGED: per_volume / total_volume(charged),
        PER_MASS_AS_MADE: per_mass / total_mass(as_made),
        PER_MASS_CHARGED: per_mass / total_mass(charged),
    }

"""What layers of a cell have in common: a material, an interface with the electrolyte.

A field says all of itself where it stands: what it is, its unit, its range.
docs/fields.md, the schema and the errors follow.
"""

from __future__ import annotations

from ..fields import (
    Activation,
    ArealResistance,
    Capacitance,
    Coefficient,
    CurrentDensity,
    Density,
    Length,
    Strict,
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

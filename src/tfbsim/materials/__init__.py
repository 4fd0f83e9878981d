"""Materials by name: what a cell file need not repeat.

A material is a dictionary of the fields it sets in its layer; a cell file overrides any
of them.  One file a material, each value with its source and the range it holds in.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

LIBRARY: dict[str, dict[str, str]] = {
    "cathode": {"LCO": "lco", "NMC811": "nmc811"},
    "electrolyte": {"LiPON": "lipon"},
    "anode": {"Li": "lithium"},
}

# What lithium is plated on in situ, by the field of the anode that names it; what an
# interlayer sets comes before what the collector does.
SURFACES: dict[str, dict[str, str]] = {
    "collector": {"copper": "copper", "steel": "steel"},
    "interlayer": {"amorphous carbon": "amorphous_carbon"},
}


@cache
def properties(layer: str, material: str) -> dict[str, Any]:
    """Fields a material sets in a layer, or what lithium is plated on in the anode.

    Raises
    ------
    KeyError
        The layer has no material of this name.
    """
    module = import_module(f".{(LIBRARY | SURFACES)[layer][material]}", __name__)
    fields: dict[str, Any] = module.PROPERTIES
    return fields

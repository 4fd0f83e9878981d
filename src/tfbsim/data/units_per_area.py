"""Currents, charges and resistances made per area, with the area or loading at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .. import units
from ..cell.cell import Cell
from ..errors import InputError
from .mapping import Mapping
from .remarks import Remarks

# The factor that makes a quantity of a dimension one per area
PerArea = Callable[[str], float]


def per_area_of(
    mapping: Mapping, cell: Cell | None, path: Path, remarks: Remarks
) -> PerArea:
    """Return what makes quantities per area: by the mapping, else by the cell."""

    def factor(dimension: str) -> float:
        if dimension in ("current density", "areal charge", "areal resistance"):
            return 1.0
        by_mass = dimension in ("specific current", "specific charge")
        field = "loading" if by_mass else "area"
        value: float | None = mapping.loading if by_mass else mapping.area
        if value is None and cell is not None:
            value = cell.loading if by_mass else float(cell.area)
            size = units.text(value, "areal mass" if by_mass else "area")
            remarks.note(f"Made per area with the cell's {field}, {size}.")
        if value is None:
            what = "per mass" if by_mass else "not per area"
            message = f"its values are {what}: give the {field} in a mapping"
            raise InputError(message, path)
        if by_mass:
            return value
        return value if dimension == "resistance" else 1 / value

    return factor

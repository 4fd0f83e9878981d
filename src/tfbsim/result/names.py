"""How results name what a model observes: in the units people use, per area."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from ..materials.laws import FARADAY, Floats

# Of a table: numbers and words by column; of many cells at once, arrays
Row: TypeAlias = dict[str, Floats | str]

OPEN_CIRCUIT = "Open-circuit voltage [V]"  # at the mean stoichiometry
SURFACE = "Open-circuit potential at the surface [V]"
# Counters of the solver since the start of a step
NET = "Net charge passed [uA.h.cm-2]"  # positive on discharge
THROUGHPUT = "Charge passed both ways [uA.h.cm-2]"
LEAKED = "Charge leaked [uA.h.cm-2]"
MEAN_X, SURFACE_X = "Mean stoichiometry", "Surface stoichiometry"

# A unit of the model, the one of results, and the factor; charges are over the area too
UNITS = {
    "m": ("um", 1e6),
    "A.m-2": ("uA.cm-2", 1e2),
    "mol.m-2": ("uA.h.cm-2", FARADAY / 36),
    "Ohm.m2": ("Ohm.cm2", 1e4),
    "A.h": ("uA.h.cm-2", 1e2),
}
RENAMED = {
    "Cathode open-circuit potential [V]": SURFACE,
    "Cathode mean stoichiometry": MEAN_X,
    "Cathode surface stoichiometry": SURFACE_X,
    "Cathode collector stoichiometry": "Collector stoichiometry",
    "Leakage capacity [A.h]": LEAKED,
}


@cache
def named(variable: str) -> str:
    """Return what results call a variable of the model."""
    if variable in RENAMED:
        return RENAMED[variable]
    head, bracket, unit = variable.removesuffix("]").partition(" [")
    return f"{head} [{UNITS.get(unit, (unit, 1.0))[0]}]" if bracket else head


def factor(variable: str, area: float) -> float:
    """Return what a variable of the model is multiplied by, of a cell of an area [m2]."""
    unit, times = _unit(variable)
    return times / area if unit == "A.h" else times


@cache
def _unit(variable: str) -> tuple[str, float]:
    """Return the unit of the model, and what it is multiplied by."""
    unit = variable.removesuffix("]").partition(" [")[2]
    return unit, UNITS.get(unit, (unit, 1.0))[1]

"""What of a protocol cannot go as it says, found in equilibrium and without solving.

Every step is followed as if it were infinitely slow: a charge or discharge to a cut-off
ends where U(x) is the cut-off, and the lithium it takes comes from the anode.  What is
not possible then is not possible at any rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..cell.cell import Cell
from ..cell.film import Film
from .steps import Protocol

CLOSE = 5e-3  # V, or x: nearer than that nodes joined by straight lines may miss
FIRST_CASES = 200  # of those that a sweep has, so many are looked at


def foreseen(cases: Iterable[tuple[Cell, Protocol]]) -> list[str]:
    """Return sentences on what of the cases cannot go as asked, each once."""
    found: dict[str, None] = {}
    for _, (cell, protocol) in zip(range(FIRST_CASES), cases, strict=False):
        found |= dict.fromkeys(_of_one(cell, protocol))
    return list(found)


def check_ageing(cases: Iterable[tuple[Cell, Protocol]]) -> None:
    """Refuse cells whose ageing is beyond all bounds at a voltage they are taken to."""
    for _, (cell, protocol) in zip(range(FIRST_CASES), cases, strict=False):
        if not any(cell.ageing.blocks):
            continue
        for step in protocol.all_steps:
            voltages = [step.lower, step.upper, step.start]
            if step.control == "voltage":
                voltages.append(step.value)
                voltages += [v for p in step.profile for v in (p.first, p.last)]
            T = float(step.temperature or cell.temperature)
            for voltage in {float(v) for v in voltages if v is not None}:
                potential, where = _of_cathode(cell, voltage)
                T_ref, one_c = cell.reference_temperature, cell.one_c_current_density
                cell.ageing.check(potential, T, T_ref, one_c, where)


def _of_cathode(cell: Cell, voltage: float) -> tuple[float, str]:
    """Return the potential of the cathode in equilibrium at a voltage, in words too."""
    where = f"{voltage:g} V"
    if not isinstance(cell.anode, Film):
        return voltage, where
    both, own = (f.open_circuit_potential.curve for f in (cell, cell.cathode))
    x = np.interp(-voltage, -both.y, both.x)
    potential = voltage + float(np.interp(x, own.x, own.y) - np.interp(x, both.x, both.y))
    return potential, f"{where}, {potential:.3g} V of the cathode against lithium"


def _of_one(cell: Cell, protocol: Protocol) -> Iterable[str]:
    # Its nodes alone, without the splines between: SciPy takes half a second to import
    nodes = cell.open_circuit_potential.curve
    (low, high), (most, least) = nodes.x[[0, -1]], nodes.y[[0, -1]]
    x: float | None = cell.x_initial
    # In x of the cathode; of a film U(x) ends where its lithium does
    metal = math.inf if isinstance(cell.anode, Film) else cell.anode_initial
    steps = protocol.all_steps
    upper = [step.upper for step in steps if step.upper is not None]
    upper += [step.value for step in steps if step.control == "voltage"]
    yield from cell.beyond_the_electrolyte(max(upper, default=None))
    for step in protocol.all_steps:
        limits = [v for v in (step.lower, step.upper) if v is not None]
        if step.control == "voltage":
            limits.append(step.value)
        for limit in limits:
            beyond = f"'{step.text}': {limit:g} V is beyond U(x), which is known"
            if limit > most + 1e-9:
                yield f"{beyond} up to {most:.4g} V, at x = {low:.4g}"
            elif limit < least - 1e-9 and step.control == "voltage":
                yield f"{beyond} down to {least:.4g} V, at x = {high:.4g}"
        if step.rest:
            continue
        if not limits or step.profile or step.charge is not None or x is None:
            x = None  # where it ends is not known without solving
            continue
        limit = limits[-1]
        here = float(np.interp(x, nodes.x, nodes.y))
        passed = (step.upper is not None and here >= limit + CLOSE) or (
            step.lower is not None and here <= limit - CLOSE
        )
        if passed and not step.timed:
            yield (
                f"'{step.text}' cannot begin: the cell is at {here:.4g} V in "
                "equilibrium, past its cut-off already"
            )
            continue
        if step.timed and step.control != "voltage":
            x = None
            continue
        end = float(np.interp(-limit, -nodes.y, nodes.x))
        metal -= end - x
        x = end
        if metal < -CLOSE and not isinstance(cell.anode, Film):
            short = -metal * cell.site_inventory * cell.anode.molar_volume
            yield (
                f"'{step.text}' needs more lithium than there is at the anode: up to "
                f"{1e6 * short:.3g} um more, down to {limit:g} V"
            )
            return

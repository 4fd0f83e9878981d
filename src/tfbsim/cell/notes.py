"""What is consistent enough in a cell to run, and worth knowing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..materials import laws, library
from .cell_fields import CellFields
from .electrolyte import OF_A_FILM, ElectrolyteFilm


def beyond_the_electrolyte(cell: CellFields, highest: float | None = None) -> list[str]:
    """Where an electrolyte meets an electrode outside its window, in words.

    The highest voltage of the cell [V] is the one as made if left out.
    """
    first = cell.electrolyte
    last: ElectrolyteFilm = first.second or first
    nodes = cell.open_circuit_potential.curve
    positive = highest or float(nodes(cell.x_initial))
    negative, of = 0.0, "lithium"
    if cell.negative:
        x = float(np.interp(-positive, -nodes.y, nodes.x))
        positive = float(cell.cathode.open_circuit_potential.curve(x))
        negative = float(cell.negative.open_circuit_potential.curve(cell.anode_at(x)))
        of = f"the anode, at {negative:.3g} V against lithium,"
    found = []
    if last.window_lower is not None and negative < last.window_lower:
        found.append(
            f"{of} reduces {last.material or 'the electrolyte'}, which is stable "
            f"above {last.window_lower:g} V only; no layer between them is modelled"
        )
    if first.window_upper is not None and positive > first.window_upper:
        found.append(
            f"the cathode, at {positive:.3g} V against lithium, oxidises "
            f"{first.material or 'the electrolyte'}, which is stable below "
            f"{first.window_upper:g} V only"
        )
    return found


def warnings(
    cell: CellFields, kept: Sequence[str], electrolyte: Mapping[str, object]
) -> list[str]:
    """Return sentences on what is consistent enough to run, and worth knowing.

    ``kept`` are the fields that stay where another material was set, ``electrolyte`` what
    the file itself says of it.
    """
    c = cell.cathode
    found = []
    if c.transference > 0 and c.transport.electronic is None:
        found.append(
            f"cathode.transference is {c.transference:g} with an electronic "
            "conductivity left infinite: the film's own voltage loss is then partly "
            "left out"
        )
    bare = not cell.negative and not cell.lithium_inventory
    if bare and not cell.anode.plated:
        found.append(
            "there is no lithium as made and no anode.collector: the first charge "
            "plates it as if on lithium"
        )
    if kept:
        found.append(
            f"the cell's own {', '.join(kept)} stay where another material is "
            "set; change them too, or take a cell that leaves them to the material"
        )
    low, high = cell.cut_offs
    empty, full = cell.states_of_charge
    if cell.negative and not empty < full:
        found.append(
            f"no voltage between {low:g} and {high:g} V, its window, is one in "
            "equilibrium of the two films"
        )
    found += beyond_the_electrolyte(cell, cell.window[1] if cell.window else None)
    of_library = library("electrolyte").get(cell.electrolyte.material or "")
    if of_library is not None and "salt" in of_library.values:
        left = [f"electrolyte.{k}" for k in OF_A_FILM if k in electrolyte]
        left += ["cathode.utilisation"] if c.utilisation == 1 else []
        found.append(
            f"{cell.electrolyte.material} is a liquid, in a separator of "
            f"{1e6 * cell.electrolyte.span:.4g} um that wets all of the film: not "
            f"used are {', '.join(left)}"
        )
    law = c.open_circuit_potential
    if isinstance(law, laws.MultiSite) or c.initial_stoichiometry is None:
        return found
    if not law.valid[0] <= cell.x_initial <= law.valid[1]:
        found.append("the initial stoichiometry is outside the source of U(x)")
    return found

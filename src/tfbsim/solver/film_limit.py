"""Where a film is full or empty at a face: a step ends that drives it farther.

At the electrolyte the face fills by what passes the interface less what migrates on,
i_ct - t_i i, at the collector by what migrates there, t_i i; i into the film.
"""

from __future__ import annotations

from functools import reduce

import pybamm

from ..cell.structure import Structure
from ..physics.thin_film_cell import ThinFilmCell
from .trace import OVERFULL, ROUNDING, UNDEREMPTY


def film_limit(model: ThinFilmCell, structure: Structure) -> pybamm.Symbol:
    """Return what falls to zero where a face of any film is at its end.

    Parameters
    ----------
    model : ThinFilmCell
        Of the structure.
    structure : Structure
        Which films there are.
    """
    i = model.variables["Total current density [A.m-2]"]
    margins = []
    for side, film in structure.films.items():
        into = model.variables[f"{side} interface current density [A.m-2]"]
        of, through = model.param.film(side), model.param.film(side).sign * i
        x_s, x_L = (
            model.variables[f"{side} {face} stoichiometry"]
            for face in ("surface", "collector")
        )
        t_s, t_L = (of.t_i_of_x(x) if film.transference else of.t_i for x in (x_s, x_L))
        net, x_max = into - t_s * through, film.x_max
        if model.options[f"{side.lower()} double layer"] == "capacitive":
            # While it is charged, its own current and migration may take a face beyond
            # its end for a moment, by as much again as U(x) is carried on
            margins.append(_margin(x_s, into, x_max))
            faradaic = model.variables[f"{side} faradaic current density [A.m-2]"]
            net += faradaic - into
            margins.append(_margin(x_s, net, x_max, 2 * OVERFULL - 1, 1 - OVERFULL))
        else:
            margins.append(_margin(x_s, net, x_max))
        # Where nothing diffuses in a full film it is not taken on
        full = 1 + ROUNDING if film.psi.vanishes_full else OVERFULL
        margins.append(_margin(x_L, t_L * through, x_max, full))
    return reduce(pybamm.minimum, margins)


def _margin(
    x: pybamm.Symbol,
    i: pybamm.Symbol,
    x_max: float,
    full: float = OVERFULL,
    empty: float = UNDEREMPTY,
) -> pybamm.Symbol:
    """Return what falls to zero where a face is full, or empty, and driven on."""
    fills, empties = i > 0, i < 0
    room, left = full * x_max - x, x - empty * x_max
    return fills * room + empties * left + (1 - fills - empties)

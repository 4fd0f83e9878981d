"""What the mesh of a film resolves: layers at its face, fronts and paths inside."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Cells
from ..materials.laws import Array
from ..physics.diffusion import LOSSES
from .discretised import OVERSHOOT
from .engine import Engine
from .records import MEAN, SURFACE
from .trace import (
    ANODE_PROFILE,
    OVERFULL,
    ROUNDED,
    SEEN,
    SOLVER_FAILURE,
    UNDEREMPTY,
    Trace,
)

LEVEL = 1e-3  # a change of stoichiometry, of all sites, that fills or empties nothing
# Of the voltage drop of an electron path, in V and of itself: within it is resolved
PATH = 1e-3, 1e-2
WITHIN = 8  # places between two nodes where a resistivity is looked at
MORE = "finer than the mesh: take more points"


def unresolved(trace: Trace, cell: Cell, solver: Engine) -> Iterator[str]:
    """Say what of a step is finer than the mesh, a sentence each."""
    if trace.event != SOLVER_FAILURE and thin(trace, cell, solver.thinnest_layer):
        layer = boundary_layer(trace, cell)
        yield f"its boundary layer ends at {layer:.1g} of the film, {MORE}"
    half = cell.cathode.x_max / 2
    if overshoots(trace, cell) or trace.overshoot > OVERSHOOT:
        x = np.ravel(trace.profiles)
        extreme = float(x[np.argmax(np.abs(x - half))])
        yield f"x = {extreme:.2g} beside a front in the film that is {MORE}"
    if len(trace.t) > 1 and (off := float(path_error(trace, solver).max())):
        yield f"the voltage is good to {off:.1g} V: its electron path has a part {MORE}"


def thin(trace: Trace, cell: Cell | Cells, thinnest: float) -> Array:
    """Return whether a step ends before the mesh resolves its boundary layer."""
    ended = np.asarray(trace.event, object) != None  # noqa: E711 of each cell
    return ended & (boundary_layer(trace, cell) < thinnest)


def overshoots(trace: Trace, cell: Cell | Cells) -> Array:
    """Return whether the profile that a step ends with is beyond any film."""
    x, x_max = trace.profiles[-1], cell.cathode.x_max
    full = x.max(axis=-1) > (OVERFULL + SEEN) * x_max
    return full | (x.min(axis=-1) < (UNDEREMPTY - SEEN) * x_max)


def boundary_layer(trace: Trace, cell: Cell | Cells) -> Array:
    """Return the thickness over L of the boundary layer at the end; inf without one."""
    mean, x_s = (trace.observed[name] for name in (MEAN, SURFACE))
    at_node, x_max = trace.profiles[-1][..., 0], cell.cathode.x_max
    gained = abs(mean[-1] - mean[0])
    # A surface that moves while nothing crosses it is one that levels out
    moved = np.where(gained < ROUNDED * x_max, 0.0, abs(x_s[-1] - x_s[0]))
    rise = np.maximum(moved, abs(x_s[-1] - at_node))
    level = rise < LEVEL * x_max
    # Of which the change is worth a step
    return np.where(level, np.inf, gained / np.where(level, 1, rise))


def path_error(trace: Trace, solver: Engine) -> Array:
    """Return what the mesh misses of the voltage drop of electrons, at each sample [V].

    A resistivity rho_e(x) with a peak makes one where x(y) passes through it, which may
    be narrower than the nodes are apart: there the quadrature of rho_e is compared with
    that of x on straight lines between the nodes.  0 where that is little.
    """
    worst = np.zeros(1)
    for side, film in solver.structure.films.items():
        if film.electronic is None:
            continue
        x = trace.profiles if side == "Cathode" else trace.observed[ANODE_PROFILE]

        nodes, weights = np.polynomial.legendre.leggauss(WITHIN)
        before, step = x[..., :-1, None], np.diff(x)[..., None]
        means = film.path_resistivity(before + step * (nodes + 1) / 2) @ weights / 2
        lines = means @ np.diff(solver.xi)
        missed = np.abs(film.path_resistivity(x) @ solver.weights - lines)
        share = missed / np.where(lines > 0, lines, 1.0)  # 0 where ions alone conduct
        off = share * np.abs(trace.observed[LOSSES[side][0].variable])
        worst = np.maximum(worst, np.where((off > PATH[0]) & (share > PATH[1]), off, 0.0))
    return worst

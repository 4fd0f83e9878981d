"""Where chi^2 is least: searches from the cell's own values and from elsewhere.

Least squares by SciPy's trust region between the bounds.  lmfit wraps the same routine;
of two parameters of which data say the sum alone, its ``conf_interval`` (1.3.4) fails
from one start and closes both intervals at once from another, so profiles are followed
here (:mod:`.intervals`).

One search says nothing of other basins.  More begin from the best of Sobol points in the
whole space, and from the best minimum with the values of two like parameters (two
exchange currents, two resistances) exchanged, until ``PATIENCE`` of them in a row have
found nothing better.  Where chi^2 is one that the stated errors cannot give, they go on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import qmc

from ..data.measured import Array
from .problem import Problem
from .side_by_side import side_by_side

Progress = Callable[[str, int, float], None]
SAME_MINIMUM = 0.02  # of chi^2
LEAST, PATIENCE = 3, 4  # searches at least; further ones that find nothing better
SCREENED = 8  # Sobol points a parameter
GOING_ON = 12  # more searches where no minimum fits
IMPOSSIBLE = 1e-6  # probability of so large a chi^2
# Steps of the finite differences: of ln(value), or of the range between the bounds
FAST_STEP, FINE_STEP = 0.02, 0.01
EDGE = 1e-9


@dataclass(frozen=True)
class Minimum:
    """Where a search ended."""

    u: Array  # places of the parameters between the bounds
    chi2: float  # sum of squared residuals


def search(
    problem: Problem,
    start: Array,
    size: float = FAST_STEP,
    tell: Callable[[float], None] | None = None,
    tolerance: float = 1e-3,
    free: Sequence[int] | None = None,
) -> Minimum:
    """Return where least squares from one start end.

    The start is of places between the bounds, ``size`` that of the finite differences.
    ``tell`` is called with chi^2 at each place tried.  The ``tolerance`` is relative, of
    chi^2 and of the places.  Parameters that are ``free`` vary, by default all.
    """
    which = np.arange(len(start)) if free is None else np.asarray(free, dtype=int)
    origin = np.clip(np.asarray(start, dtype=float), 0.0, 1.0)

    def at(part: Array) -> Array:
        u = origin.copy()
        u[which] = part
        return u

    def residuals(part: Array) -> Array:
        if problem.compiled and problem.searches <= 2:  # more places cost little then
            ends = problem.around(at(part), size, which=which)
            problem.evaluate([at(part), *(place for pair in ends for place in pair)])
        r = problem.residuals(at(part))
        if tell is not None:
            tell(float(r @ r))
        return r

    if not len(which):
        r = residuals(origin[:0])
        return Minimum(origin, float(r @ r))
    result = least_squares(
        residuals,
        np.clip(origin[which], EDGE, 1 - EDGE),
        jac=lambda part: problem.jacobian(at(part), size, which=which),
        bounds=(0.0, 1.0),
        xtol=tolerance,
        ftol=tolerance,
        gtol=1e-8,
        max_nfev=40,
    )
    return Minimum(at(result.x), 2 * float(result.cost))


def improbable(chi2: float, freedom: float) -> bool:
    """Return whether the stated errors cannot give so large a chi^2."""
    return bool(chi2_distribution.sf(chi2, max(freedom, 1)) < IMPOSSIBLE)


def minima(problem: Problem, starts: int, progress: Progress | None) -> list[Minimum]:
    """Return where the searches ended, the first from the cell's own values.

    ``starts`` are most searches where a minimum fits the data, but at least ``LEAST``; of
    one parameter, two.  ``progress`` is called with a word, the number of evaluations and
    the rms residual.
    """
    number, freedom = len(problem.which), problem.size - len(problem.which)
    word = ""

    def tell(chi2: float) -> None:
        if progress:
            progress(word, problem.evaluations, math.sqrt(chi2 / max(problem.size, 1)))

    own = np.array([p.place(p.start) for p in problem.which])
    word = "start 1"
    found = [search(problem, np.clip(own, 0.02, 0.98), tell=tell)]
    word = "looking for starts"
    screened = _screened(problem, 2 ** math.ceil(math.log2(SCREENED * number)), tell)
    most = max(starts, min(LEAST, number + 1))
    best, idle, left_to_swap = found[0], 0, 3
    tried: list[Array] = []
    while True:
        more = GOING_ON if improbable(best.chi2, freedom) else 0
        room = max(0, min(most + more - len(found), PATIENCE + more - idle))
        swaps = [u for u in _exchanged(problem, best.u) if not _near_any(u, tried)]
        several = problem.compiled is not None
        new = [*swaps[:left_to_swap], *screened][: room if several else min(room, 1)]
        if not new:
            break
        swapped = min(len(swaps), left_to_swap, len(new))
        left_to_swap -= swapped
        del screened[: len(new) - swapped]
        tried += new
        word = f"start {len(found) + 1}"
        searches = [partial(search, problem, start, tell=tell) for start in new]
        for minimum in side_by_side(problem, searches):
            found.append(minimum)
            idle += 1
            if minimum.chi2 < best.chi2 - max(0.5, SAME_MINIMUM * best.chi2):
                idle, left_to_swap = 0, 3
            best = min(best, minimum, key=lambda m: m.chi2)
    return found


def _screened(
    problem: Problem, number: int, tell: Callable[[float], None]
) -> list[Array]:
    """Return Sobol points in the order of their chi^2."""
    drawn = qmc.Sobol(len(problem.which), rng=0).random(number)
    if problem.compiled:
        problem.evaluate([*drawn])
    costs = []
    for u in drawn:
        r = problem.residuals(u)
        costs.append(float(r @ r))
        tell(costs[-1])
    return [drawn[k] for k in np.argsort(costs, kind="stable")]


def _exchanged(problem: Problem, u: Array) -> list[Array]:
    """Return a point with the values of two parameters of one dimension exchanged."""
    found = []
    values = problem.values(u)
    for i, j in combinations(range(len(u)), 2):
        a, b = problem.which[i], problem.which[j]
        if a.dimension != b.dimension or a.dimension == "dimensionless":
            continue
        swapped = u.copy()
        swapped[i], swapped[j] = a.place(values[j]), b.place(values[i])
        found.append(np.clip(swapped, 0.02, 0.98))
    return found


def _near_any(u: Array, others: Sequence[Array]) -> bool:
    return any(float(np.abs(u - other).max()) < 0.02 for other in others)


def agreeing(found: Sequence[Minimum], freedom: int) -> list[Minimum]:
    """Return searches that ended as low as the best, as far as their tolerance tells."""
    best = min(found, key=lambda m: m.chi2)
    scale = max(1.0, best.chi2 / max(freedom, 1))
    same = (1 + SAME_MINIMUM) * best.chi2 + scale
    return [m for m in found if m.chi2 <= same]

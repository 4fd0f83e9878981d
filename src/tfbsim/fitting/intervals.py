"""How well data determine parameters: covariance, intervals, profiles.

The covariance at a minimum is s^2 (J^T J)^-1, J the Jacobian of the residuals over their
errors.  Its interval stands where it is narrow, inside the bounds, and chi^2 at its ends
has risen as it says.  Else the profile of the likelihood is followed: outwards from the
minimum, the other parameters fitted anew at each place, each time from where they were
at the place before (Venzon and Moolgavkar, Appl. Stat. 37 (1988) 87).  A side on which
chi^2 does not rise enough before the bound has no end.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.stats import norm, t

from ..data.measured import Array
from .problem import Problem
from .search import SAME_MINIMUM, Minimum, search
from .side_by_side import side_by_side

NARROW = 0.15  # half an interval over the range: beyond, its profile is followed
AS_LINEAR = 0.2  # relative, of the rise of chi^2 at the ends of a linear interval
NEAR_BOUND = 1e-3  # of the range: a value there is the bound's
STEP = 0.35  # of the rise of the root of chi^2 that an interval ends at, a step
CLOSE = 0.02  # of that rise, or of the interval: an end found so near is found
MOST_PLACES = 60


@dataclass(frozen=True)
class Spread:
    """How uncertain the parameters at a minimum are, linearised."""

    covariance: Array  # of the places between the bounds, shape (parameters, parameters)
    scale: float  # variance of the residuals over that of the stated errors, at least 1
    freedom: int  # degrees of freedom

    @property
    def std(self) -> Array:
        """Standard deviations, over the range."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def correlation(self) -> Array:
        """Correlations of the parameters."""
        return self.covariance / np.outer(self.std, self.std)

    def width(self, level: float = 0.95) -> float:
        """Return half an interval of this level, in standard deviations."""
        of = t(self.freedom) if self.scale > 1 else norm
        return float(of.ppf(0.5 + level / 2))

    def rise(self, level: float = 0.95) -> float:
        """Return the root of the rise of chi^2 at the ends of an interval."""
        return self.width(level) * math.sqrt(self.scale)


def directions(J: Array) -> tuple[Array, Array]:
    """Return the singular values of a Jacobian, 0 where nothing is known, and directions.

    Both have a row for each parameter, from the best known direction to the worst.
    """
    _, s, Vt = np.linalg.svd(J, full_matrices=True)
    return np.append(s, np.zeros(len(Vt) - len(s))), Vt


def uncertainty(J: Array, variance: float, least: float = 1.0) -> Spread:
    """Return the spread of the parameters at a minimum.

    J are derivatives of the residuals over their errors, ``variance`` is their mean
    square a degree of freedom, and ``least`` the least scale: 1 of the stated errors,
    0 where the scatter is looked at alone.
    """
    freedom = len(J) - J.shape[1]
    scale = max(least, variance) if freedom > 0 else max(least, 1.0)
    s, Vt = directions(J)
    inverse = 1 / np.maximum(s, 1e-6 * max(float(s.max(initial=0.0)), 1e-6))
    return Spread((Vt.T * inverse**2) @ Vt * scale, scale, freedom)


@dataclass(frozen=True)
class Interval:
    """Ends of the intervals of a parameter, as places between the bounds."""

    low: float | None  # of 95 %; None where the data set no end
    high: float | None
    inner: tuple[float | None, float | None] = (None, None)  # of 68 %
    # Places of all parameters along the profile, within the interval
    points: list[Array] = field(default_factory=list)
    better: Minimum | None = None  # a lower minimum that the profile came to

    @property
    def half(self) -> float:
        """Half of its width, as a share of the range."""
        low = 0.0 if self.low is None else self.low
        return ((1.0 if self.high is None else self.high) - low) / 2


def intervals(
    problem: Problem, minimum: Minimum, spread: Spread, last: bool = False
) -> list[Interval]:
    """Return the intervals of all parameters at a minimum, linearised if that will do.

    Profiles are followed side by side.  All are given up where one comes to a better
    minimum, but for the ``last`` time, when that one has no ends.
    """
    levels, number = (0.95, 0.68), len(minimum.u)
    half, inner = (spread.std * spread.width(level) for level in levels)
    slopes = spread.covariance / np.diag(spread.covariance)[:, None]
    ends = [
        [minimum.u + side * half[k] * slopes[k] for side in (-1, 1)]
        for k in range(number)
    ]
    narrow = [
        half[k] <= NARROW
        and all((end >= 0).all() and (end <= 1).all() for end in ends[k])
        for k in range(number)
    ]
    problem.evaluate([end for k in range(number) if narrow[k] for end in ends[k]])

    def linear(k: int) -> bool:
        """Whether chi^2 at both ends is what it should be."""
        each = (problem.residuals(end) for end in ends[k])
        rises = (float(r @ r) - minimum.chi2 for r in each)
        target = spread.rise(0.95) ** 2
        return all(abs(rise / target - 1) < AS_LINEAR for rise in rises)

    lower: list[Minimum] = []
    profiles = {
        k: [
            _Profile(problem, minimum, k, side, spread, [] if last else lower)
            for side in (-1, 1)
        ]
        for k in range(number)
        if not (narrow[k] and linear(k))
    }

    def follow(profile: _Profile) -> None:
        step = min(max(0.5 * half[profile.k], 0.004), 0.1)
        with suppress(_Better):
            profile.follow(step, slopes[profile.k])

    sides = [side for pair in profiles.values() for side in pair]
    side_by_side(problem, [partial(follow, side) for side in sides])
    if lower:
        best = min(lower, key=lambda m: m.chi2)
        return [Interval(None, None, better=best)] * number
    found = []
    for k, u in enumerate(minimum.u.tolist()):
        if k not in profiles:
            around = u - half[k], u + half[k], (u - inner[k], u + inner[k])
            found.append(Interval(*around, ends[k]))
        elif any(side.lower for side in profiles[k]):
            found.append(Interval(None, None))
        else:
            low, high = (
                [side.end(spread.rise(level)) for level in levels] for side in profiles[k]
            )
            points = [at for side in profiles[k] for at in side.within]
            found.append(Interval(low[0], high[0], (low[1], high[1]), points))
    return found


class _Better(Exception):
    """A profile came to a lower minimum."""


class _Profile:
    """One side of a profile of chi^2, followed outwards from the minimum."""

    def __init__(
        self,
        problem: Problem,
        minimum: Minimum,
        k: int,
        side: int,
        spread: Spread,
        lower: list[Minimum],
    ) -> None:
        self.problem, self.minimum, self.k, self.side = problem, minimum, k, side
        self.target = spread.rise(0.95)
        self.lower = lower  # minima that it came to, or another that goes with it
        self.others = [n for n in range(len(minimum.u)) if n != k]
        # Place of the parameter, root of the rise of chi^2, all parameters there
        self.places = [(float(minimum.u[k]), 0.0, minimum.u)]

    @property
    def within(self) -> list[Array]:
        """Places of all parameters within the interval."""
        return [at for _, z, at in self.places if z <= 1.05 * self.target]

    def at(self, place: float, near: Array) -> float:
        """Fit the others at a place from near there; return the root of the rise."""
        if self.lower:
            raise _Better
        guess = np.clip(near, 0.0, 1.0)
        guess[self.k] = place
        found = search(self.problem, guess, tolerance=1e-5, free=self.others)
        rise = found.chi2 - self.minimum.chi2
        if rise < -max(0.5, SAME_MINIMUM * self.minimum.chi2):
            self.lower.append(found)
            raise _Better
        z = math.sqrt(max(rise, 0.0))
        self.places.append((place, z, found.u))
        self.places.sort(key=lambda p: self.side * p[0])
        return z

    def follow(self, step: float, slope: Array) -> None:
        """Go outwards until chi^2 has risen to the target, or to the bound."""
        bound = 0.0 if self.side < 0 else 1.0
        (place, z, u), direction = self.places[0], slope
        while len(self.places) < MOST_PLACES and abs(place - bound) > NEAR_BOUND:
            new = min(max(place + self.side * step, 0.0), 1.0)
            z_new = self.at(new, u + (new - place) * direction)
            u_new = self.places[-1][2]
            direction = (u_new - u) / (new - place)
            if z_new > self.target:
                self._close()
                return
            risen = max(z_new - z, 1e-3 * self.target)
            step *= min(max(STEP * self.target / risen, 0.5), 2.5)
            place, z, u = new, z_new, u_new

    def _close(self) -> None:
        """Narrow down where chi^2 comes to the target."""
        for n in range(25):
            inside = max((p for p in self.places if p[1] <= self.target), key=self._out)
            beyond = min((p for p in self.places if p[1] > self.target), key=self._out)
            gap = beyond[0] - inside[0]
            near = min(abs(p[1] - self.target) for p in (inside, beyond))
            least = 0.25 * CLOSE * abs(beyond[0] - self.minimum.u[self.k])
            if near < CLOSE * self.target or abs(gap) < least:
                return
            share = (self.target - inside[1]) / (beyond[1] - inside[1])
            # Where chi^2 jumps, into another valley, it is no line
            halved = n % 3 == 2 or beyond[1] > 2 * self.target
            share = 0.5 if halved else min(max(share, 0.05), 0.95)
            self.at(inside[0] + share * gap, inside[2] + share * (beyond[2] - inside[2]))

    def _out(self, place: tuple[float, float, Array]) -> float:
        return self.side * place[0]

    def end(self, rise: float) -> float | None:
        """Return the place at which chi^2 has risen so far, None if it does not."""
        place, z = (np.array([p[n] for p in self.places]) for n in (0, 1))
        z = np.maximum.accumulate(z)
        if z[-1] < rise * (1 - CLOSE):
            return None
        k = int(np.searchsorted(z, min(rise, z[-1])))
        return float(np.interp(min(rise, z[-1]), z[k - 1 : k + 1], place[k - 1 : k + 1]))

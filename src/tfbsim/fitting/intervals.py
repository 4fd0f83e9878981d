"""How well data determine parameters: intervals, and combinations that are fixed.

The covariance at a minimum is s^2 (J^T J)^-1, J the Jacobian of the residuals over their
errors.  Its interval stands where it is narrow, inside the bounds, and chi^2 at its ends
has risen as it says.  Else the profile of the likelihood is followed: outwards from the
minimum, the other parameters fitted anew at each place, each time from where they were
at the place before (Venzon and Moolgavkar, Appl. Stat. 37 (1988) 87).  A side on which
chi^2 does not rise enough before the bound has no end.

Of parameters that the data do not tell apart, what they do fix is found from the null
directions of J: combinations with small coefficients, sums in the parameters themselves
or products in their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import product

import numpy as np
from scipy.linalg import null_space
from scipy.sparse.csgraph import connected_components
from scipy.stats import norm, t

from .. import units
from ..data.measured import Array
from .parameters import Parameter
from .problem import Problem
from .search import SAME_MINIMUM, Minimum, search
from .side_by_side import side_by_side

NARROW = 0.15  # half an interval over the range: beyond, its profile is followed
AS_LINEAR = 0.2  # relative, of the rise of chi^2 at the ends of a linear interval
NEAR_BOUND = 1e-3  # of the range: a value there is the bound's
STEP = 0.35  # of the rise of the root of chi^2 that an interval ends at, a step
CLOSE = 0.02  # of that rise, or of the interval: an end found so near is found
MOST_PLACES = 60
ABSENT = 0.02  # part of a null direction that counts as none
RATIONAL = 0.02  # relative, of a coefficient: a small fraction so near is it
STILL = 3.0  # errors that a combination may move by along a profile


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


# --- Combinations ------------------------------------------------------------------


@dataclass(frozen=True)
class Combination:
    """A direction in the space of the parameters, and how well it is known."""

    # Parameter to its part, of unit length in all, in the range between the bounds
    weights: dict[str, float]
    singular_value: float  # of the Jacobian in that direction, over the whole range
    half_width: float  # of its 95 % interval, as a share of the range

    @property
    def determined(self) -> bool:
        """Whether its interval is narrower than the bounds."""
        return self.half_width < 0.5

    @property
    def text(self) -> str:
        """Larger parts of it, as ``+0.71 a, -0.70 b``."""
        parts = sorted(self.weights.items(), key=lambda item: -abs(item[1]))
        parts = [(name, w) for name, w in parts if abs(w) > 0.2] or parts[:1]
        return ", ".join(f"{w:+.2f} {name}" for name, w in parts)


def combinations(J: Array, names: Sequence[str], rise: float) -> list[Combination]:
    """Return the directions of the parameters, from the best determined to the worst."""
    found = []
    for value, direction in zip(*directions(J), strict=True):
        sign = 1.0 if direction[np.argmax(np.abs(direction))] > 0 else -1.0
        weights = dict(zip(names, (sign * direction).tolist(), strict=True))
        half = rise / value if value > 0 else math.inf
        found.append(Combination(weights, float(value), half))
    return found


@dataclass(frozen=True)
class Fixed:
    """A combination of parameters that the data fix, where they do not fix each."""

    text: str  # as ``contact_resistance + cathode.film_resistance``
    value: float  # in display units
    half_width: float  # of the 95 % interval
    unit: str  # of both
    names: tuple[str, ...]  # parameters in it

    @property
    def sentence(self) -> str:
        """Combination, value and error, to the second digit of the error."""
        value, error = f"{self.value:.5g}", f"{self.half_width:.2g}"
        size = abs(math.log10(max(abs(self.value), 1e-300)))
        if 0 < self.half_width < math.inf and size <= 5:
            places = max(1 - math.floor(math.log10(self.half_width)), 0)
            value, error = (f"{x:.{places}f}" for x in (self.value, self.half_width))
        return f"{self.text} = {value} +- {error} {self.unit}".rstrip()


def fixed(
    J: Array,
    which: Sequence[Parameter],
    u: Array,
    spread: Spread,
    intervals: Sequence[Interval] = (),
) -> list[Fixed]:
    """Return what the data fix of the parameters that they do not tell apart.

    J are derivatives at the minimum u, by the places between the bounds; the profiles of
    the intervals show which form of a combination stays the same.
    """
    s, Vt = directions(J)
    open_ = s < 2 * spread.rise()  # an interval as wide as the bounds
    if not open_.any() or open_.all():
        return []
    # Half the 95 % interval along each direction that is known
    known = Vt[~open_] * (spread.rise() / s[~open_, None])
    projector = Vt[open_].T @ Vt[open_]
    found = []
    number, group = connected_components(np.abs(projector) > ABSENT)
    blocks = [np.flatnonzero(group == k).tolist() for k in range(number)]
    for block in sorted(blocks, key=min):
        values, vectors = np.linalg.eigh(projector[np.ix_(block, block)])
        null = vectors[:, values > 0.5].T
        if 1 < len(block) > len(null):
            points = [p for k in block if k < len(intervals) for p in intervals[k].points]
            found += _of_block(block, null, which, u, known, points)
    return found


def _terms(powers: Array, x: Array) -> tuple[Array, Array]:
    """Return the terms of a form at values x, and their derivatives.

    Terms are x or 1/x by a power of 1 or -1; logarithms, of a product, if all are 0.
    """
    if not powers.any():
        return np.log(x), 1 / x
    return x**powers, powers * x ** (powers - 1)


def _of_block(
    block: list[int],
    null: Array,
    which: Sequence[Parameter],
    u: Array,
    known: Array,
    points: Sequence[Array],
) -> list[Fixed]:
    """Return what is fixed of parameters that some directions leave open together.

    Of the forms that it may have, simple ones first, the one that stays the same along
    the profiles.
    """
    own, number = [which[k] for k in block], len(block)

    def at(place: Array) -> Array:
        each = ((p.value(float(place[k])), p) for p, k in zip(own, block, strict=True))
        return np.array([units.to_display(v, p.dimension) for v, p in each])

    shown, scale = at(u), [units.DISPLAY[p.dimension][1] for p in own]
    rate = np.where([p.log for p in own], shown, scale) * [p.range for p in own]
    powers = [np.ones(number)]
    if (shown > 0).all():
        if number <= 4:
            others = product((1.0, -1.0), repeat=number - 1)
            powers = [np.array([1.0, *power]) for power in others]
        powers.append(np.zeros(number))
    forms: list[tuple[bool, Array, Array]] = []  # whether simple, rows, powers
    for power in powers:
        rows = _coefficients(null * _terms(power, shown)[1] * rate)
        small = _simple(rows)
        alike = {(p.dimension, w) for p, w in zip(own, power, strict=True)}
        if small is not None and (len(alike) == 1 or not power.any()):
            forms.append((True, small, power))
        elif power.any():
            forms.append((False, rows, power))
    forms.sort(key=lambda form: not form[0])

    def values_and_errors(rows: Array, power: Array) -> tuple[Array, Array]:
        terms, slope = _terms(power, shown)
        along = rows * slope * rate @ known[:, block].T
        return rows @ terms, np.linalg.norm(along, axis=1)

    def moves(form: tuple[bool, Array, Array]) -> float:
        """Return by how many of its errors a form moves along the profiles."""
        _, rows, power = form
        values, errors = values_and_errors(rows, power)
        with np.errstate(divide="ignore", invalid="ignore"):  # at a bound of 0 a
            # product, quotient or reciprocal is nothing that stays
            off = [np.abs(rows @ _terms(power, at(p))[0] - values) for p in points]
            off = [x / np.maximum(errors, 1e-300) for x in off]
        return float(np.max(np.nan_to_num(off, nan=np.inf), initial=0.0))

    still = (form for form in forms if form[0] and moves(form) < STILL)
    _, rows, power = next(still, None) or min(forms, key=moves)
    found = []
    for row, value, error in zip(rows, *values_and_errors(rows, power), strict=True):
        chosen = np.flatnonzero(row)
        if len(chosen) < 2:
            continue
        names = tuple(own[k].path for k in chosen)
        own_units = [units.display_unit(own[k].dimension) for k in chosen]
        if power.any():
            text, unit = _sum(names, row[chosen], power[chosen], own_units), own_units[0]
        else:
            text, unit = (_product(x, row[chosen]) for x in (names, own_units))
            value = math.exp(value)
            error *= value
        found.append(Fixed(text, float(value), float(error), unit, names))
    return found


def _coefficients(null: Array) -> Array:
    """Return rows of coefficients that null directions leave alone, of few parameters."""
    size = np.abs(null).max(axis=0)
    basis = null_space(null / size).T
    rows = basis.copy()
    pivots: list[int] = []
    for k in range(len(rows)):  # reduced row echelon form
        free = [c for c in range(rows.shape[1]) if c not in pivots]
        pivot = max(free, key=lambda c: abs(rows[k, c]))
        first = [c for c in free if abs(rows[k, c]) > 0.5 * abs(rows[k, pivot])]
        pivot = first[0]
        pivots.append(pivot)
        rows[k] /= rows[k, pivot]
        for n in range(len(rows)):
            if n != k:
                rows[n] -= rows[n, pivot] * rows[k]
    rows = rows / size
    rows[np.abs(rows * size) < ABSENT] = 0.0
    for row in rows:
        row /= row[np.flatnonzero(row)[0]]
    return rows


def _simple(rows: Array) -> Array | None:
    """Return coefficients as whole numbers and halves, None if they are not."""
    near = np.round(2 * rows) / 2
    right = np.abs(rows - near) <= RATIONAL * np.abs(near)
    return near if right.all() and (np.abs(near) <= 4).all() else None


def _sum(
    names: Sequence[str], row: Array, powers: Array, own_units: Sequence[str]
) -> str:
    """Return ``a + 2 b``, of others than the first's unit ``a + 50 Ohm.cm2/(um) x b``."""
    words, first = "", own_units[0]
    for name, c, power, unit in zip(names, row, powers, own_units, strict=True):
        words += " - " if c < 0 else " + " if words else ""
        if power > 0 and unit == first:
            words += name if abs(abs(c) - 1) < RATIONAL else f"{abs(c):.3g} {name}"
        else:
            over = f"{first}/({unit or '1'}) x" if power > 0 else f"{first} x {unit} /"
            words += f"{abs(c):.3g} {over} {name}"
    return words.strip()


def _product(names: Sequence[str], row: Array) -> str:
    """Return ``a b^2 / c``, empty names left out."""
    above: list[str] = []
    below: list[str] = []
    for name, c in zip(names, row, strict=True):
        text = f"({name})" if any(sign.isdigit() for sign in name) else name
        if abs(c) != 1:
            text += f"^{Fraction(abs(float(c))).limit_denominator(3)}"
        if name:
            (above if c > 0 else below).append(text)
    return " / ".join([" x ".join(above) or "1", *below])

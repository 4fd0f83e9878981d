"""What data fix of parameters that they do not tell apart.

Combinations with small coefficients are found from the null directions of the Jacobian of
the residuals: sums in the parameters themselves, or products in their logarithms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
from scipy.linalg import null_space
from scipy.sparse.csgraph import connected_components

from .. import units
from ..data.measured import Array
from .intervals import Interval, Spread, directions
from .parameters import Parameter

ABSENT = 0.02  # part of a null direction that counts as none
RATIONAL = 0.02  # relative, of a coefficient: a small fraction so near is it
STILL = 3.0  # errors that a combination may move by along a profile


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

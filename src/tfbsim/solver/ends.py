"""The solver's steps looked at afterwards: ends it stepped over, and points of a curve.

The solver sees a root where a function has two signs at the ends of one of its steps.
What lies within a step, and what is no root function (the inside of the film), is
looked for here, on the solver's own interpolant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq

from ..materials.laws import Array
from .discretised import OVERSHOOT, VOLTAGE, Discretised
from .integrator import Integration
from .trace import (
    CURRENT_CUT_OFF,
    CURVE_TOLERANCE,
    FILM_LIMIT,
    MAXIMUM_VOLTAGE,
    MINIMUM_VOLTAGE,
    OVERFULL,
    SEEN,
    UNDEREMPTY,
    Inputs,
)

WITHIN = 8  # samples within a step of the solver that are looked at


def cut(
    built: Discretised, inputs: Inputs, stretch: Integration, p: Array
) -> tuple[Integration, str | None]:
    """Return a stretch up to the first end that the solver stepped over, and which."""
    t, y, yp = stretch.t, stretch.y, stretch.yp
    if stretch.ended == "inside":
        return stretch, FILM_LIMIT
    if yp is None or len(t) < 2:
        return stretch, None
    # Of each end that was passed: how far a state is from it, times, the same at those
    passed: list[tuple[str, Callable[[Array], float | Array], Array, Array]] = []
    for side in built.structure.films:
        film = built.slices[f"{side} stoichiometry"]
        x_max = float(inputs[f"{side} sites per formula unit"])

        room_in = partial(_inside, film=film, x_max=x_max)
        room = room_in(y)
        if np.min(room) < -OVERSHOOT * x_max:
            passed.append((FILM_LIMIT, room_in, t, room))

    def volts(state: Array) -> float:
        return float(built.observe(state[:, None], p)["Voltage [V]"][0])

    c = float(inputs["C-rate cut-off"])
    if not built.mode.startswith("voltage"):
        times, V = _within(t, y, yp, built.slices[VOLTAGE].start)
        lower = float(inputs["Lower voltage cut-off [V]"])
        upper = float(inputs["Upper voltage cut-off [V]"])
        if V.min() < lower - SEEN:
            passed.append((MINIMUM_VOLTAGE, lambda s: volts(s) - lower, times, V - lower))
        if V.max() > upper + SEEN:
            passed.append((MAXIMUM_VOLTAGE, lambda s: upper - volts(s), times, upper - V))
    elif c > 0:
        k = built.slices["C-rate"].start
        times, rate = _within(t, y, yp, k)
        sign = math.copysign(1.0, rate[0])
        if np.min(sign * rate) < c * (1 - SEEN):
            over = sign * rate - c
            passed.append(
                (CURRENT_CUT_OFF, lambda s: float(sign * s[k] - c), times, over)
            )
    if not passed:
        return stretch, None
    between = CubicHermiteSpline(t, y, yp)
    end, event = math.inf, None
    for name, room_of, times, margins in passed:

        def room_at(time: float, of: Callable[[Array], float | Array] = room_of) -> float:
            return float(of(between(time)))

        for k in map(int, np.flatnonzero(margins < 0)):
            before, at = float(times[k - 1]), float(times[k])
            if at >= end or k == 0:
                break
            if room_at(at) >= 0:  # the interpolant of the voltage was off
                continue
            if room_at(before) > 0:
                at = float(brentq(room_at, before, at, xtol=1e-15))
            end, event = at, name
            break
    if event is None or end >= t[-1]:
        return stretch, None
    kept = t < end
    return Integration(
        np.append(t[kept], end),
        np.vstack([y[kept], between(end)]),
        np.vstack([yp[kept], between(end, 1)]),
        "event",
    ), event


def _inside(states: Array, film: slice, x_max: float) -> Array:
    """Return how far the profile of a film is from full or empty, of states in rows."""
    x = states[..., film]
    below, above = x - UNDEREMPTY * x_max, OVERFULL * x_max - x
    return np.asarray(np.minimum(below, above).min(axis=-1))


def _within(t: Array, y: Array, yp: Array, k: int) -> tuple[Array, Array]:
    """Return state k at the solver's steps and between them, on its interpolant."""
    s, h = np.arange(WITHIN) / WITHIN, np.diff(t)[:, None]
    y, slope = y[:, k, None], yp[:, k, None]
    # Hermite's cubic written out: a spline of SciPy takes as long as a step of the cell
    cubic = (1 + 2 * s) * (1 - s) ** 2 * y[:-1] + s**2 * (3 - 2 * s) * y[1:]
    cubic += h * (s * (1 - s) ** 2 * slope[:-1] + s**2 * (s - 1) * slope[1:])
    return np.append(t[:-1, None] + s * h, t[-1]), np.append(cubic, y[-1])


def refined(built: Discretised, stretch: Integration) -> tuple[Integration, Array]:
    """Return a stretch with points between the solver's, and the numbers of those.

    They are where a straight line between two of the solver's would miss the voltage by
    more than ``CURVE_TOLERANCE``, on the solver's own Hermite interpolant, so that a
    saved curve may be read off by linear interpolation.
    """
    t, y, yp = stretch.t, stretch.y, stretch.yp
    none = np.zeros(0, dtype=int)
    if yp is None or len(t) < 4 or VOLTAGE not in built.slices:
        return stretch, none
    V, h = y[:, built.slices[VOLTAGE].start], np.diff(t)
    bend = np.abs(np.diff(np.diff(V) / h)) / (h[1:] + h[:-1]) * 2  # |V''| at inner points
    worst = np.maximum(np.append(bend[0], bend), np.append(bend, bend[-1]))
    miss = worst * h**2 / 8
    extra = np.ceil(np.sqrt(miss / CURVE_TOLERANCE)).astype(int) - 1
    extra = np.clip(np.nan_to_num(extra), 0, 30)
    if not extra.any():
        return stretch, none
    first, step = np.repeat(t[:-1], extra), np.repeat(h / (extra + 1), extra)
    nth = np.arange(1, extra.sum() + 1) - np.repeat(np.cumsum(extra) - extra, extra)
    between = first + step * nth
    places = np.repeat(np.arange(1, len(t)), extra)
    y = np.insert(y, places, CubicHermiteSpline(t, y, yp)(between), axis=0)
    added = places + np.arange(len(places))
    return Integration(np.insert(t, places, between), y, None, stretch.ended), added

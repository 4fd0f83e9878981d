"""The instant a step starts: the current that meets its control."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.optimize.elementwise import find_root

from ..materials.laws import Array, Floats
from .discretised import TARGET, Discretised
from .trace import Infeasible, Inputs, SolverFailed

MET = 1e-9  # V, that a current is off where the solver finds the rest itself
# Currents over 1C between which one is looked for
OUTWARDS = 10 ** np.arange(-6, 6.1, 0.5)
FURTHER = 1.3  # of a power, whose current is near that at the voltage without one
NEAREST = 1e-13  # of 1C, that a current is looked for to


def first_current(
    voltage: Callable[[Array, Array], Array],
    power: bool,
    target: Floats,
    one_c: Floats,
    latest: Floats,
) -> tuple[Array, Array]:
    """Find the currents that meet a control at the start of a step, of many cells.

    V falls with the current.  Of two that give a power the smaller is found, where they
    are farther apart than currents that are tried.

    Parameters
    ----------
    voltage : callable
        Voltage [V] at currents [A] of the cells of these numbers.
    power : bool
        Whether the target is a power [W]; else it is a voltage [V].
    target, one_c, latest : ndarray, shape (cells,)
        What is to be met, the current of 1C and that which flowed last [A].

    Returns
    -------
    current : ndarray
        In amperes.
    found : ndarray of bool
        Whether it is one that meets the target.
    """
    target, one_c, latest = (
        np.atleast_1d(np.asarray(a, float)) for a in (target, one_c, latest)
    )
    every = np.arange(len(target))

    def off(c_rate: Array, rows: Array) -> Array:
        """Return how far the control is beyond its target, rising with the C-rate."""
        current = c_rate * one_c[rows]
        V = voltage(current, rows)
        return V * current - target[rows] if power else target[rows] - V

    V = voltage(0 * target, every)
    sign, low, high = np.sign(target if power else V - target), 0 * V, 0 * V
    found, unit, sizes = sign == 0, 1 + 0 * V, OUTWARDS
    if power:
        unit, sizes = np.abs(target / V / one_c), FURTHER ** np.arange(60)
        possible = found | (V > 0)
    else:  # a hold where a charge ended has its current
        known = (latest != 0) & (np.abs(off(latest / one_c, every)) < MET)
        sign[known], found[known] = np.sign(latest[known]), True
        low[known] = high[known] = np.abs(latest / one_c)[known]
        possible = found | np.isfinite(V)
    for inside, outside in pairwise((0.0, *sizes)):
        rows = np.flatnonzero(~found & possible)
        if not len(rows):
            break
        beyond = off(sign[rows] * outside * unit[rows], rows) * sign[rows] >= 0
        at = rows[beyond]
        low[at], high[at], found[at] = inside * unit[at], outside * unit[at], True
    between = np.flatnonzero(found & (high > low))
    if len(between):
        ends = sign[between] * low[between], sign[between] * high[between]
        root = find_root(off, ends, args=(between,), tolerances={"xatol": NEAREST})
        found[between] = root.success
        high[between] = np.abs(root.x)
    return sign * high * one_c, found & possible


class Start:
    """The cell at the instant a step starts: V as a function of the current."""

    def __init__(self, built: Discretised, inputs: Inputs) -> None:
        self.built = built
        self.inputs = inputs
        self.scale = inputs["Nominal cell capacity [A.h]"]
        self._seen: dict[float, dict[str, Array]] = {}

    def at(self, current: float) -> tuple[Array, Array]:
        """Return states and inputs at a current, what ``observe`` takes."""
        inputs = self.inputs | {TARGET["current"]: current}
        return self.built.initial(inputs), self.built.stack(inputs)

    def observe(self, current: float) -> dict[str, Array]:
        if current not in self._seen:
            self._seen[current] = self.built.observe(*self.at(current))
        return self._seen[current]

    def voltage(self, current: float) -> float:
        return float(self.observe(current)["Voltage [V]"][0])

    def current_for(self, mode: str, target: float, guess: Floats = 0.0) -> float:
        """Return the current [A] that meets the target, of two the smaller."""
        if mode == "current":
            return target
        power = mode == "power"
        if power and (V := self.voltage(0)) <= 0 and target:
            raise Infeasible(f"at {V:.4g} V no current gives the power that is asked for")
        try:
            (current,), (found,) = first_current(
                lambda I, _: np.array([self.voltage(float(one)) for one in I]),
                *(power, target, self.scale, guess),
            )
        except SolverFailed:  # at a current that is out of all proportion
            found = False
        if found:
            return float(current)
        if not power or target < 0:
            raise Infeasible("no current of the cell meets it")
        # Only currents between those tried may reach it
        try:
            peak, most = self.peak_power()
        except SolverFailed:
            raise Infeasible("no current of the cell meets it") from None
        if most < target:
            uW = most * 1e6
            by_area = uW / (1e4 * self.inputs["Electrode area [m2]"])
            message = f"the cell gives at most {uW:.4g} uW, {by_area:.4g} uW/cm2"
            raise Infeasible(message) from None
        # Relative to the peak, as tolerances of both searches are absolute
        share = brentq(lambda part: self.power(part * peak) - target, 0.0, 1.0)
        return float(share * peak)

    def power(self, current: float) -> float:
        """Return the power [W] at a current [A]."""
        return current * self.voltage(current)

    def peak_power(self) -> tuple[float, float]:
        """Return the current [A] of the largest power of a discharge, and it [W]."""
        near = max(self.scale * OUTWARDS, key=self.power)
        found = minimize_scalar(
            lambda part: -self.power(part * near), bounds=(0.25, 4.0), method="bounded"
        )
        return float(found.x * near), float(-found.fun)

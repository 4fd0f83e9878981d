"""Differential capacity: the charge of a step spread over a voltage grid and smoothed.

The same transformation serves measured and simulated curves.  It needs no monotonic
curve: where the voltage turns back, as when lithium nucleates, the charge counts at the
voltages it was passed at and makes no spike.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from ..data.curve_table import CURRENT, DIRECTION, STEP, STEP_AREA, STEP_MASS, VOLTAGE
from .cases import Cases
from .curves import branches, cycles_key
from .encoding import by_case

GRID = 0.001  # V between points
WIDTH = 0.005  # V, standard deviation of the Gaussian
# Relative standard deviation of a constant current, simulated and measured
CONSTANT, MEASURED = 1e-6, 0.01
ENOUGH = 40  # points of a curve below which dQ/dV would show their spacing
DENSE = 10  # points between two samples of a simulated curve
SPIKE = 1.15  # of the last cycle's reach: what is beyond does not set the scale


def spread(voltage: np.ndarray, capacity: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return |dQ/dV| of a curve on an even voltage grid, smoothed by ``WIDTH``.

    The charge between two points is spread evenly over the voltages between them; one
    point alone has none.
    """
    if len(voltage) < 2:
        return np.zeros(len(grid))
    low = np.minimum(voltage[1:], voltage[:-1])
    high = np.maximum(voltage[1:], voltage[:-1])
    share = np.diff(capacity)
    # Fine enough that each stretch is at most half a cell of the grid
    pieces = np.maximum(np.ceil((high - low) / (GRID / 2)), 1).astype(int)
    before = np.repeat(np.cumsum(pieces) - pieces, pieces)
    inside = np.arange(pieces.sum()) - before + 0.5
    at = np.repeat(low, pieces) + np.repeat((high - low) / pieces, pieces) * inside
    edges = np.append(grid - GRID / 2, grid[-1] + GRID / 2)
    found, _ = np.histogram(at, edges, weights=np.repeat(share / pieces, pieces))
    return gaussian_filter1d(found / GRID, WIDTH / GRID, mode="constant")


def differential_capacity(
    voltage: np.ndarray, capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the grid and |dQ/dV| of a constant-current step.

    V(Q) is interpolated monotonically between its samples.  None if the step spans too
    little voltage.
    """
    apart = np.diff(np.maximum.accumulate(capacity), prepend=-np.inf) > 0
    V, q = voltage[apart], capacity[apart]
    if len(V) < 5 or np.ptp(V) < 4 * WIDTH:
        return None
    fine = np.interp(np.arange((len(q) - 1) * DENSE + 1) / DENSE, np.arange(len(q)), q)
    low, high = V.min() - 4 * WIDTH, V.max() + 4 * WIDTH
    grid = low + GRID * np.arange(int((high - low) / GRID) + 2)
    return grid, spread(PchipInterpolator(q, V)(fine), fine, grid)


def _constant(step: pd.DataFrame, simulated: bool) -> bool:
    """Return whether a step has one current, and points enough."""
    if not simulated and len(step) < ENOUGH:
        return False
    current = step[CURRENT].to_numpy()
    size = CONSTANT if simulated else MEASURED
    return bool(current.any() and current.std() <= size * abs(current.mean()))


def draw(cases: Cases) -> Figure | None:
    """Draw |dQ/dV| against voltage, that of a charge upwards."""
    if not cases.drawn:
        return None
    layout, simulated = by_case(cases), cases.samples.per_mass
    capacity, unit = (STEP_MASS, "mAh g⁻¹") if simulated else (STEP_AREA, "µAh cm⁻²")
    places = layout.draw()
    for ax in layout.axes[0]:
        ax.axhline(0, color="0.6", lw=0.6)
    reach = {True: [0.0], False: [0.0]}
    for case, (ax,) in places:
        for branch, look, last in branches(cases.samples, layout, case):
            every = branch.groupby(STEP)
            steps = [step for _, step in every if _constant(step, simulated)]
            if len(steps) != 1:  # pulses, or a current that changes
                continue
            found = differential_capacity(
                steps[0][VOLTAGE].to_numpy(), steps[0][capacity].to_numpy()
            )
            if found:
                grid, slope = found
                signed = -branch[DIRECTION].iloc[0] * slope
                layout.line(ax, case, grid, signed, "" if last else "cycle 1", **look)
                reach[last] += [signed.min(), signed.max()]
    if not layout.curves:
        return None
    low, high = min(reach[True]), max(reach[True])
    beyond = max(max(reach[False]) / (high or 1), min(reach[False]) / (low or -1))
    note = ""
    if low < high and beyond > SPIKE:
        margin = 0.1 * (high - low)
        layout.axes[0, 0].set_ylim(low - margin, high + margin)
        note = " The first cycle runs out of the scale, which is that of the last."
    return layout.finish(
        *("dqdv", "Voltage (V)", f"dQ/dV ({unit} V⁻¹)"),
        more=cycles_key(cases, layout),
        details={"grid": GRID * 1e3, "width": WIDTH * 1e3, "beyond": note},
    )

"""Lithium that is plated in situ: its first layer, and how long it lasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..result.columns import CYCLE
from ..result.samples import DIRECTION
from .study import AREAL
from .style import captioned, label_outer, missing, new_figure
from .theme import NEUTRAL, Theme

COVERAGE, THICKNESS = "Lithium coverage", "Lithium thickness [um]"
ETA = "Lithium overpotential [V]"
RESERVOIR = "anode.lithium [um]"
LIFE = 0.8  # of the first discharge
THINNEST = 1e-4  # um: below, a layer is less than an atom thick


def _first(theme: Theme, k: int) -> pd.DataFrame | None:
    """Return the first charge, if it begins on a bare collector."""
    study = theme.study
    if COVERAGE not in study.samples or not study.drawn(k):
        return None
    charges = (
        b for b in study.branches(k, study.drawn(k)[0]) if b[DIRECTION].iloc[0] < 0
    )
    first = next(charges, None)
    return first if first is not None and first[COVERAGE].iloc[0] < 0.5 else None


def first_plating(theme: Theme) -> Figure | None:
    """Draw overpotential and coverage against what is plated, in the first charge."""
    cases = range(len(theme.study.rows))
    found = {k: b for k in cases if (b := _first(theme, k)) is not None}
    if not found:
        return None
    layout = theme.cases()
    figure, axes = layout.draw(height=2.6, rows=2)
    for k, places in layout.places(axes):
        if k not in found:
            continue
        plated = found[k][found[k][THICKNESS] > THINNEST]
        nm = 1e3 * plated[THICKNESS].to_numpy()
        values = -1e3 * plated[ETA].to_numpy(), plated[COVERAGE].to_numpy()
        for ax, y in zip(places, values, strict=True):
            ax.set_xscale("log")
            layout.line(ax, k, nm, y)
    low = min(0.0, *(ax.dataLim.y0 for ax in axes[0]))
    high = max(ax.dataLim.y1 for ax in axes[0])
    axes[0][0].set_ylim(low - 0.03 * high, 1.05 * high)
    label_outer(axes, "Lithium plated (nm)", ["Overpotential (mV)", "Coverage"])
    layout.key(figure, list(axes.flat))
    return captioned(
        figure,
        "The first charge of a collector that is bare as made: the overpotential at the "
        "lithium and its coverage, against the lithium plated.",
    )


def cycle_life(table: pd.DataFrame) -> float:
    """Return the cycles until a discharge gives less than 80 % of the first; or NaN."""
    out = table[AREAL].to_numpy()
    below = np.flatnonzero(out < LIFE * out[0])
    return float(table[CYCLE].iloc[below[0]] - 1) if len(below) else np.nan


def life(theme: Theme) -> Figure | None:
    """Draw cycle life against the lithium there is as made."""
    study = theme.study
    if RESERVOIR not in study.numeric_factors:
        return None
    lines = {}
    for key, cases in study.series(RESERVOIR).items():
        points = [(study.rows[k][RESERVOIR], cycle_life(study.table(k))) for k in cases]
        if len(points := [p for p in points if not missing(p[1])]) > 1:
            lines[key] = np.array(points)
    if not lines:
        return None
    layout = theme.series(list(lines), RESERVOIR)
    figure = new_figure(4.4, 3.2)
    ax = figure.subplots()
    for key, xy in lines.items():
        how = layout.how(key) if key in layout.colour else {"color": NEUTRAL}
        ax.plot(*xy.T, marker=".", **how)
    ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
    ax.set_ylim(0, 1.05 * ax.dataLim.y1)
    ax.set_xlabel("Lithium as made (µm)")
    ax.set_ylabel(f"Cycles to {100 * LIFE:.0f} % of the first discharge")
    layout.key(figure, [ax])
    return captioned(
        figure,
        "How many cycles give at least 80 % of the first discharge, against the lithium "
        "there is as made.",
    )

"""Capacity of the last cycle, and cycle life, against a quantity that varies."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..result.columns import CYCLE
from .study import AREAL, PER_GRAM
from .style import PER_AREA, PER_MASS, axis_label, both_units, entry, log_x, missing
from .theme import Theme, measured, measured_key

LINE = 3  # points that make a line; two are marks, and what is between is not known
RESERVOIR = "anode.lithium [um]"
LIFE = 0.8  # of the first discharge


def capacity(theme: Theme, column: str) -> Figure | None:
    """Draw a line for each group of cases that differ in the column only."""
    study = theme.study
    if column not in study.numeric_factors:
        return None
    lines = study.series(column)
    x = {key: [study.rows[k][column] for k in cases] for key, cases in lines.items()}
    several = {key: len(set(values)) for key, values in x.items()}
    if max(several.values(), default=0) < LINE:
        return None
    # A single case is no line: it belongs to another quantity's
    x = {key: values for key, values in x.items() if several[key] > 1}
    layout = theme.series(list(x), column)
    layout.apart = {key for key in x if not len(x[key]) == several[key] >= LINE}
    loading, by_area = study.loading, study.measured_by_area
    units = [by_area] if loading is not None else [False, True]
    statuses: list[str] = []
    for key, places in layout.draw(rows=len(units)):
        cases, how = lines[key], layout.how(key)
        dots = {"marker": "."} if how["ls"] and len(cases) <= 15 else {}
        for ax, in_area in zip(places, units, strict=True):
            y = [study.rows[k][AREAL if in_area else PER_GRAM] for k in cases]
            if several[key] < LINE:
                ax.plot(x[key], y, **(how | dots))
            else:
                layout.line(ax, key, x[key], y, **dots)
            for at, k in zip(x[key], cases, strict=True):
                for which, _, status, mass, area in study.points(k):
                    if which == "Discharge":
                        ax.plot(at, area if in_area else mass, **measured(status))
                        statuses.append(status)
    for ax in layout.axes.flat:
        log_x(ax, [v for values in x.values() for v in values], column)
        ax.set_ylim(0, ax.get_ylim()[1])
    y = [f"Discharge capacity {PER_AREA if unit else PER_MASS}" for unit in units]
    label = words = "C-rate"
    if column != label:
        label = axis_label(column)
        words = label[:1].lower() + label[1:].partition(" (")[0]
    caption = f"Discharge capacity of the last cycle against {words}."
    if any(number < LINE for number in several.values()):
        caption += " Two points alone are not joined."
    key = [entry("simulated", color="0.3", marker="."), *measured_key(statuses)]
    figure = layout.finish(label, y, caption, key if statuses else [])
    if loading is not None and len(layout.panels) == 1:
        both_units(layout.axes[0, 0], loading, by_area)
    return figure


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
    for key, (ax,) in layout.draw():
        ax.plot(*lines[key].T, marker=".", **layout.how(key))
    for ax in layout.axes[0]:
        ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
        ax.set_ylim(0, 1.05 * ax.dataLim.y1)
    return layout.finish(
        "Lithium as made (µm)",
        [f"Cycles to {100 * LIFE:.0f} % of the first discharge"],
        "How many cycles give at least 80 % of the first discharge, against the lithium "
        "there is as made.",
    )

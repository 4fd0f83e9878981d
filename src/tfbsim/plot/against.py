"""Discharge capacity of the last cycle against a quantity that varies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .study import AREAL, PER_GRAM
from .style import (
    PER_AREA,
    PER_MASS,
    axis_label,
    both_units,
    captioned,
    entry,
    label_outer,
    log_x,
)
from .theme import Layout, Theme, measured, measured_key

LINE = 3  # points that make a line; two are marks, and what is between is not known


def draw(theme: Theme, column: str) -> Figure | None:
    """Draw a line for each group of cases that differ in the column only."""
    study = theme.study
    if column not in study.numeric_factors:
        return None
    lines = study.series(column)
    several = {
        key: len({study.rows[k][column] for k in cases}) for key, cases in lines.items()
    }
    if max(several.values(), default=0) < LINE:
        return None
    # A single case is no line: it belongs to another quantity's
    lines = {key: cases for key, cases in lines.items() if several[key] > 1}
    layout = theme.series(list(lines), column)
    layout.apart = {key for key in lines if not _joined(theme, lines[key], column)}
    loading, by_area = study.loading, study.measured_by_area
    units = [by_area] if loading is not None else [False, True]
    figure, axes = layout.draw(rows=len(units))
    statuses: list[str] = []
    for key, places in layout.places(axes):
        for ax, in_area in zip(places, units, strict=True):
            statuses += _line(ax, theme, lines[key], column, in_area, layout, key)
    for ax in axes.flat:
        log_x(ax, [study.rows[k][column] for cs in lines.values() for k in cs], column)
        ax.set_ylim(0, ax.get_ylim()[1])
    y = [f"Discharge capacity {PER_AREA if u else PER_MASS}" for u in units]
    label = "C-rate" if column == "C-rate" else axis_label(column)
    label_outer(axes, label, y)
    if loading is not None and len(layout.panels) == 1:
        both_units(axes[0][0], loading, by_area)
    more = [entry("simulated", color="0.3", marker=".")] if statuses else []
    layout.key(
        figure, list(axes.flat), [*more, *measured_key(statuses)] if statuses else []
    )
    words = f"Discharge capacity of the last cycle against {_lower(label)}."
    if any(n < LINE for n in several.values()):
        words += " Two points alone are not joined."
    return captioned(figure, words)


def _lower(label: str) -> str:
    words = label.partition(" (")[0]
    return words if words == "C-rate" else words[:1].lower() + words[1:]


def _joined(theme: Theme, cases: Sequence[int], column: str) -> bool:
    """Return whether the points of cases make a line."""
    x = [theme.study.rows[k][column] for k in cases]
    return len(set(x)) == len(x) >= LINE


def _line(
    ax: Axes,
    theme: Theme,
    cases: Sequence[int],
    column: str,
    by_area: bool,
    layout: Layout,
    key: Any,
) -> list[str]:
    """Draw a line and the measured points on it; return their statuses."""
    study = theme.study
    x = [study.rows[k][column] for k in cases]
    y = [study.rows[k][AREAL if by_area else PER_GRAM] for k in cases]
    how = layout.how(key)
    dots = {"marker": "."} if how["ls"] and len(x) <= 15 else {}
    if len({*x}) < LINE:
        ax.plot(x, y, **(how | dots))
    else:
        layout.line(ax, key, x, y, **dots)
    statuses = []
    for at, k in zip(x, cases, strict=True):
        for which, _, status, mass, area in study.points(k):
            if which == "Discharge":
                ax.plot(at, area if by_area else mass, **measured(status))
                statuses.append(status)
    return statuses

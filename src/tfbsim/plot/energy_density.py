"""Energy against thickness, and against power (Ragone)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..cell.stack import PER_VOLUME_AS_MADE
from ..data.curve_table import CASE
from ..result.columns import LIMITING
from . import style
from .bars import DENSITY, STATES, densities
from .capacity_map import MARKS
from .study import Study
from .style import DASHED
from .theme import NEUTRAL, Theme, evenly

ENERGY = "Discharge energy [mW.h.cm-2]"
POWER = "[uW.cm-2]"  # of a column: a discharge at constant power
MOST_LINES = 6
HOURS = {"100 h": 100.0, "10 h": 10.0, "1 h": 1.0, "6 min": 0.1, "36 s": 0.01}
EXHAUSTED = "lithium exhausted"  # an outcome
ENDS = {**MARKS, EXHAUSTED: "*"}


def _powers(study: Study) -> str:
    """Return the varied power of a discharge, if there is one."""
    return next((c for c in study.numeric_factors if c.endswith(POWER)), "")


def energy_density(study: Theme) -> Figure | None:
    """Draw energy per volume against each thickness that varies, or as bars."""
    if not study.column(PER_VOLUME_AS_MADE) or _powers(study):
        return None
    thicknesses = [c for c in study.numeric_factors if c.endswith("[um]")]
    varied = {c: lines for c in thicknesses if (lines := _lines(study, c))}
    return _panels(study, varied) if varied else densities(study)


def _lines(study: Study, column: str) -> dict[tuple[Any, ...], list[int]]:
    """Return series of three values or more; none where cases differ in a word as well,
    which is no column."""
    rows = study.rows

    def apart(cases: list[int]) -> bool:
        points = {(rows[k][column], f"{rows[k][ENERGY]:.6g}") for k in cases}
        return len(points) == len({x for x, _ in points}) >= 3

    return {key: cases for key, cases in study.series(column).items() if apart(cases)}


def _panels(study: Theme, varied: dict[str, dict[tuple[Any, ...], list[int]]]) -> Figure:
    """Draw energy per volume against each quantity, the others as they are."""
    rows = study.rows
    size, how = (1.0 + 2.5 * max(len(varied), 2), 3.3), {"sharey": True}
    figure, axes = style.subplots(*size, 1, len(varied), squeeze=False, **how)
    styles = dict(zip(STATES, ("-", DASHED), strict=True))
    for ax, (column, found) in zip(axes[0], varied.items(), strict=True):
        keys = evenly(list(found), MOST_LINES)
        layout = study.layout_of(keys, column)
        for key in keys:
            x = [rows[k][column] for k in found[key]]
            colour = layout.colour.get(key, NEUTRAL)
            for state, ls in styles.items():
                y = [rows[k].get(STATES[state], np.nan) for k in found[key]]
                label = layout.label.get(key, "") if ls == "-" else ""
                ax.plot(x, y, ls=ls, color=colour, label=label or "_")
        values = [rows[k][column] for cases in found.values() for k in cases]
        style.log_x(ax, values, column)
        ax.set_xlabel(style.axis_label(column))
        if len(keys) > 1:
            ax.legend(loc="best")
    top = 1.06 * max(ax.dataLim.ymax for ax in axes[0])
    axes[0, 0].set(ylim=(0, top), ylabel=DENSITY)
    states = [style.entry(state, color="0.3", ls=ls) for state, ls in styles.items()]
    return style.finished(figure, "energy-density", states, "upper center", ncols=2)


def ragone(study: Theme) -> Figure | None:
    """Draw energy against power by area and volume, a line for each group of cases."""
    column = _powers(study)
    found = study.series(column) if column else {}
    found = {key: cases for key, cases in found.items() if len(cases) >= 3}
    if not found:
        return None
    shown = {key: found[key] for key in evenly(list(found), MOST_LINES)}
    layout = study.layout_of(list(shown), column)
    ends = {k: _end(study, k) for cases in shown.values() for k in cases}
    panels = [("Areal power (mW cm⁻²)", "Areal energy (mWh cm⁻²)")]
    if study.column(PER_VOLUME_AS_MADE):
        panels.append(("Power density (W L⁻¹)", "Energy density (Wh L⁻¹)"))
    size = 1.6 + 3.1 * len(panels), 3.9
    figure, axes = style.subplots(*size, 1, len(panels), squeeze=False)
    for by_volume, (ax, (x, y)) in enumerate(zip(axes[0], panels, strict=True)):
        for key, cases in shown.items():
            how = layout.how(key)
            energy = np.array([study.rows[k][ENERGY] for k in cases])
            points = np.array([[study.rows[k][column] * 1e-3 for k in cases], energy])
            if by_volume:
                density = [study.rows[k][PER_VOLUME_AS_MADE] for k in cases]
                with np.errstate(divide="ignore", invalid="ignore"):
                    points = points * np.where(energy > 0, density / energy, np.nan)
            there = (points > 0).all(axis=0)
            ax.plot(*points[:, there], **how)
            for k, at, is_there in zip(cases, points.T, there, strict=True):
                if is_there:
                    mark = ENDS.get(ends[k], "*")
                    ax.plot(*at, marker=mark, color=how["color"], ms=4, mew=0)
        ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
        _durations(ax)
    lines = [
        style.entry(layout.label[key] or "simulated", **layout.how(key)) for key in shown
    ]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    marks = [
        style.entry(style.text(end), marker=mark, color="0.2", ls="", ms=4)
        for end, mark in ENDS.items()
        if end in ends.values()
    ]
    where = ", per area and per volume as made" if len(panels) > 1 else ""
    chosen = f" {len(shown)} of {len(found)} lines." if len(shown) < len(found) else ""
    said = {"where": where, "chosen": chosen}
    how = {"ncols": 4, "title": "Limiting loss"}
    return style.finished(figure, "ragone", marks, "lower center", said, **how)


def _end(study: Study, k: int) -> str:
    """Return what ended the last discharge: a loss, or that no lithium was left."""
    steps = study.result.steps
    last = (steps[CASE] == study.rows[k][CASE]) & (steps["Cycle number"] == study.last(k))
    if (steps["Outcome"][last] == EXHAUSTED).any():
        return EXHAUSTED
    limit = study.rows[k].get(LIMITING)
    return "" if style.missing(limit) else str(limit)


def _durations(ax: Axes) -> None:
    """Draw lines along which a discharge lasts equally long."""
    x, y = np.array(ax.get_xlim()), np.array(ax.get_ylim())
    for label, hours in HOURS.items():
        ax.plot(x, hours * x, color="0.8", lw=0.7, zorder=0)
        foot = y[0] / hours * (y[1] / y[0]) ** 0.04  # where it enters the frame
        foot = max(foot, x[0] * (x[1] / x[0]) ** 0.01)
        if foot * hours < y[1] and foot < x[1] / (x[1] / x[0]) ** 0.12:
            how: dict[str, Any] = {"fontsize": 7, "color": "0.5", "va": "center"}
            ax.annotate(f" {label}", (foot, hours * foot), ha="left", **how)
    ax.set(xlim=x, ylim=y)
    style.plain_log(ax.xaxis)
    style.plain_log(ax.yaxis)

"""Energy against thickness, and against power (Ragone)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..cell.stack import PER_VOLUME_AS_MADE
from ..data.curve_table import CASE, CYCLE
from ..result.columns import LIMITING
from .axes import log_x, plain_log, subplots
from .bars import DENSITY, STATES, densities
from .capacity_map import MARKS
from .cases import Cases
from .encoding import by_series
from .labels import Key, axis_label, missing, text
from .layout import evenly
from .looks import DASHED, NEUTRAL, LineStyle, entry
from .style import LegendStyle, finished

ENERGY = "Discharge energy [mW.h.cm-2]"
POWER = "[uW.cm-2]"  # of a column: a discharge at constant power
MOST_LINES = 6
HOURS = {"100 h": 100.0, "10 h": 10.0, "1 h": 1.0, "6 min": 0.1, "36 s": 0.01}
EXHAUSTED = "lithium exhausted"  # an outcome
ENDS = {**MARKS, EXHAUSTED: "*"}


def _powers(cases: Cases) -> str:
    """Return the varied power of a discharge, if there is one."""
    return next((c for c in cases.numeric_factors if c.endswith(POWER)), "")


def energy_density(cases: Cases) -> Figure | None:
    """Draw energy per volume against each thickness that varies, or as bars."""
    if not cases.column(PER_VOLUME_AS_MADE) or _powers(cases):
        return None
    thicknesses = [c for c in cases.numeric_factors if c.endswith("[um]")]
    varied = {c: lines for c in thicknesses if (lines := _lines(cases, c))}
    return _panels(cases, varied) if varied else densities(cases)


def _lines(cases: Cases, column: str) -> dict[Key, list[str]]:
    """Return series of three values or more; none where cases differ in a word as well,
    which is no column."""

    def apart(members: Sequence[str]) -> bool:
        x, energy = (cases.numbers(c, members) for c in (column, ENERGY))
        points = {(at, f"{value:.6g}") for at, value in zip(x, energy, strict=True)}
        return len(points) == len(set(x)) >= 3

    return {key: found for key, found in cases.series(column).items() if apart(found)}


def _panels(cases: Cases, varied: Mapping[str, Mapping[Key, Sequence[str]]]) -> Figure:
    """Draw energy per volume against each quantity, the others as they are."""
    size = 1.0 + 2.5 * max(len(varied), 2), 3.3
    figure, axes = subplots(*size, 1, len(varied), sharey=True)
    styles: dict[str, LineStyle] = dict(zip(STATES, ("-", DASHED), strict=True))
    for ax, (column, found) in zip(axes[0], varied.items(), strict=True):
        keys = evenly(list(found), MOST_LINES)
        layout = by_series(cases, keys, column)
        for key in keys:
            x = cases.numbers(column, found[key])
            colour = layout.colour.get(key, NEUTRAL)
            for state, ls in styles.items():
                y = cases.numbers(STATES[state], found[key])
                label = layout.label.get(key, "") if ls == "-" else ""
                ax.plot(x, y, ls=ls, color=colour, label=label or "_")
        every = [case for members in found.values() for case in members]
        log_x(ax, cases.numbers(column, every), column)
        ax.set_xlabel(axis_label(column))
        if len(keys) > 1:
            ax.legend(loc="best")
    top = 1.06 * max(ax.dataLim.ymax for ax in axes[0])
    axes[0, 0].set(ylim=(0, top), ylabel=DENSITY)
    states = [entry(state, color="0.3", ls=ls) for state, ls in styles.items()]
    return finished(figure, "energy-density", states, "outside upper center", ncols=2)


def ragone(cases: Cases, steps: pd.DataFrame) -> Figure | None:
    """Draw energy against power by area and volume, a line for each group of cases."""
    column = _powers(cases)
    found = cases.series(column) if column else {}
    found = {key: members for key, members in found.items() if len(members) >= 3}
    if not found:
        return None
    shown = {key: found[key] for key in evenly(list(found), MOST_LINES)}
    layout = by_series(cases, shown, column)
    every = [case for members in shown.values() for case in members]
    ends = {case: _end(cases, steps, case) for case in every}
    panels = [("Areal power (mW cm⁻²)", "Areal energy (mWh cm⁻²)")]
    if cases.column(PER_VOLUME_AS_MADE):
        panels.append(("Power density (W L⁻¹)", "Energy density (Wh L⁻¹)"))
    size = 1.6 + 3.1 * len(panels), 3.9
    figure, axes = subplots(*size, 1, len(panels))
    for by_volume, (ax, (x, y)) in enumerate(zip(axes[0], panels, strict=True)):
        for key, members in shown.items():
            look = layout.look(key)
            energy = cases.numbers(ENERGY, members)
            points = np.stack([cases.numbers(column, members) * 1e-3, energy])
            if by_volume:
                density = cases.numbers(PER_VOLUME_AS_MADE, members)
                with np.errstate(divide="ignore", invalid="ignore"):
                    points = points * np.where(energy > 0, density / energy, np.nan)
            there = (points > 0).all(axis=0)
            ax.plot(*points[:, there], **look)
            for case, at, is_there in zip(members, points.T, there, strict=True):
                if is_there:
                    mark = ENDS.get(ends[case], "*")
                    ax.plot(*at, marker=mark, color=look["color"], ms=4, mew=0)
        ax.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
        _durations(ax)
    lines = [entry(layout.label[key] or "simulated", layout.look(key)) for key in shown]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    marks = [
        entry(text(end), marker=mark, color="0.2", ls="", ms=4)
        for end, mark in ENDS.items()
        if end in ends.values()
    ]
    of = ", per area and per volume as made" if len(panels) > 1 else ""
    chosen = f" {len(shown)} of {len(found)} lines." if len(shown) < len(found) else ""
    details = {"where": of, "chosen": chosen}
    how: LegendStyle = {"ncols": 4, "title": "Limiting loss"}
    return finished(figure, "ragone", marks, "outside lower center", details, **how)


def _end(cases: Cases, steps: pd.DataFrame, case: str) -> str:
    """Return what ended the last discharge: a loss, or that no lithium was left."""
    last = (steps[CASE] == case) & (steps[CYCLE] == cases.last(case))
    if (steps["Outcome"][last] == EXHAUSTED).any():
        return EXHAUSTED
    limit = cases.rows[case].get(LIMITING)
    return "" if missing(limit) else str(limit)


def _durations(ax: Axes) -> None:
    """Draw lines along which a discharge lasts equally long."""
    x, y = np.array(ax.get_xlim()), np.array(ax.get_ylim())
    for label, hours in HOURS.items():
        ax.plot(x, hours * x, color="0.8", lw=0.7, zorder=0)
        foot = y[0] / hours * (y[1] / y[0]) ** 0.04  # where it enters the frame
        foot = max(foot, x[0] * (x[1] / x[0]) ** 0.01)
        if foot * hours < y[1] and foot < x[1] / (x[1] / x[0]) ** 0.12:
            words = ax.annotate(f" {label}", (foot, hours * foot), ha="left")
            words.set(fontsize=7, color="0.5", va="center")
    ax.set(xlim=x, ylim=y)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)

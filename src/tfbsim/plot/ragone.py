"""Energy of the last discharge against its power (Ragone)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..cell.layers import PER_VOLUME_AS_MADE
from ..result.columns import CASE, LIMITING
from .capacity_map import MARKS
from .study import Study
from .style import captioned, entry, missing, new_figure, plain_log, text
from .theme import Theme, evenly

ENERGY = "Discharge energy [mW.h.cm-2]"
POWER = "[uW.cm-2]"  # of a column: a discharge at constant power
MOST_LINES = 6
HOURS = {"100 h": 100.0, "10 h": 10.0, "1 h": 1.0, "6 min": 0.1, "36 s": 0.01}
EXHAUSTED = "lithium exhausted"  # an outcome
ENDS = {**MARKS, EXHAUSTED: "*"}


def powers(study: Study) -> str:
    """Return the varied power of a discharge, if there is one."""
    return next((c for c in study.numeric_factors if c.endswith(POWER)), "")


def draw(theme: Theme) -> Figure | None:
    """Draw energy against power by area and volume, a line for each group of cases."""
    study = theme.study
    column = powers(study)
    found = study.series(column) if column else {}
    found = {key: cases for key, cases in found.items() if len(cases) >= 3}
    if not found:
        return None
    shown = {key: found[key] for key in evenly(list(found), MOST_LINES)}
    layout = theme.series(list(shown), column)
    panels = [("Areal power (mW cm⁻²)", "Areal energy (mWh cm⁻²)")]
    if study.column(PER_VOLUME_AS_MADE):
        panels.append(("Power density (W L⁻¹)", "Energy density (Wh L⁻¹)"))
    figure = new_figure(1.6 + 3.1 * len(panels), 3.9)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    exhausted = _exhausted(study)
    ends = {
        k: EXHAUSTED if study.rows[k][CASE] in exhausted else _limit(study.rows[k])
        for cases in shown.values()
        for k in cases
    }
    for by_volume, (ax, labels) in enumerate(zip(axes, panels, strict=True)):
        for key, cases in shown.items():
            points = [(k, *_point(study.rows[k], column, bool(by_volume))) for k in cases]
            points = [point for point in points if point[1] > 0 and point[2] > 0]
            how = layout.how(key)
            _, P, E = zip(*points, strict=True) if points else ((), (), ())
            ax.plot(P, E, **how)
            for k, *at in points:
                mark = ENDS.get(ends[k], "*")
                ax.plot(*at, marker=mark, color=how["color"], ms=4, mew=0)
        ax.set_xscale("log")
        ax.set_yscale("log")
        _durations(ax)
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1])
    lines = [entry(layout.label[key] or "simulated", **layout.how(key)) for key in shown]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    marks = [
        entry(text(end), marker=mark, color="0.2", ls="", ms=4)
        for end, mark in ENDS.items()
        if end in ends.values()
    ]
    if marks:
        where: dict[str, Any] = {"loc": "outside lower center", "ncols": 4}
        figure.legend(handles=marks, title="Limiting loss", **where)
    where_volume = ", per area and per volume as made" if len(panels) > 1 else ""
    chosen = f" {len(shown)} of {len(found)} lines." if len(shown) < len(found) else ""
    return captioned(
        figure,
        f"Energy of the last discharge against its power{where_volume}. Each mark is a "
        "case and shows which loss ended it: none where 99 % of the equilibrium capacity "
        f"was delivered. Along a grey line a discharge lasts equally long.{chosen}",
    )


def _exhausted(study: Study) -> set[str]:
    """Return cases of which a step of the last cycle found no lithium left."""
    last = {row[CASE]: study.last(k) for k, row in enumerate(study.rows)}
    steps = study.result.steps
    out = steps[steps["Outcome"] == EXHAUSTED]
    pairs = zip(out[CASE], out["Cycle number"], strict=True)
    return {case for case, cycle in pairs if last.get(case) == cycle}


def _limit(row: Mapping[str, Any]) -> str:
    found = row.get(LIMITING)
    return "" if missing(found) else str(found)


def _point(row: Mapping[str, Any], column: str, by_volume: bool) -> tuple[float, float]:
    """Return power and energy of a case, in mW/cm2 and mWh/cm2 or W/L and Wh/L."""
    power, energy = row[column] * 1e-3, row[ENERGY]
    if not by_volume:
        return power, energy
    per_area = row[PER_VOLUME_AS_MADE] / energy if energy > 0 else np.nan
    return power * per_area, energy * per_area


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
    ax.set_xlim(*x)
    ax.set_ylim(*y)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)

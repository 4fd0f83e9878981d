"""Figures of energy per area and volume: against thickness, and power (Ragone)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..cell.layers import PER_VOLUME_AS_MADE, PER_VOLUME_CHARGED
from .maps import MARKS, limiting_loss
from .study import Run, Study
from .style import (
    DASHED,
    QUALITATIVE,
    axis_label,
    key_label,
    log_x,
    missing,
    new_figure,
    plain_log,
    text,
)
from .tables import MARKERS

ENERGY = "Discharge energy [mW.h.cm-2]"
POWER = "[uW.cm-2]"  # of a column: a discharge at constant power
MOST_BARS = 20
MOST_LINES = 6
STATES = {
    "as made": (PER_VOLUME_AS_MADE, "-"),
    "at full charge": (PER_VOLUME_CHARGED, DASHED),
}
DENSITY = "Energy density (Wh L⁻¹)"
HOURS = {"100 h": 100.0, "10 h": 10.0, "1 h": 1.0, "6 min": 0.1, "36 s": 0.01}

EXHAUSTED = "lithium exhausted"  # an outcome
ENDS = {**MARKS, EXHAUSTED: "*"}

Series = dict[tuple[Any, ...], list[Run]]  # cases alike but in one quantity, ordered


def density(study: Study) -> Figure | None:
    """Energy per volume: a panel for each thickness that is varied, or a bar a case."""
    if not study.column(PER_VOLUME_AS_MADE) or _powers(study):
        return None
    thicknesses = [c for c in study.numeric_factors if c.endswith("[um]")]
    varied = {c: _series(study, c) for c in thicknesses}
    varied = {c: found for c, found in varied.items() if found}
    if varied:
        return _panels(study, varied)
    return _bars(study) if 2 <= len(study.cases) <= MOST_BARS else None


def _series(study: Study, column: str) -> Series:
    """Cases that differ in one quantity only, where there are three or more values; not
    where they differ in a word as well, which is no column."""
    found: Series = {}
    for run in study.cases:
        if not missing(run.row.get(column)):
            found.setdefault(study.key(run, column), []).append(run)

    def apart(runs: list[Run]) -> bool:
        points = {(run.row[column], f"{run.row[ENERGY]:.6g}") for run in runs}
        return len(points) == len({x for x, _ in points}) >= 3

    return {
        key: sorted(runs, key=lambda run: run.row[column])
        for key, runs in found.items()
        if apart(runs)
    }


def _names(study: Study, found: Series) -> dict[tuple[Any, ...], str]:
    """What tells the series apart, in words."""
    keys = list(found)
    apart = [k for k in range(len(study.factors)) if len({key[k] for key in keys}) > 1]
    columns = [study.factors[k] for k in apart]
    heads = [axis_label(c).split(" (")[0].lower() for c in columns]
    return {
        key: ", ".join(
            f"{head} {key_label([c], [key[k]])}"
            for head, c, k in zip(heads, columns, apart, strict=True)
        )
        for key in keys
    }


def _evenly(keys: Sequence[Any], most: int) -> list[Any]:
    rows = np.linspace(0, len(keys) - 1, min(len(keys), most)).round().astype(int)
    return [keys[k] for k in rows]


def _panels(study: Study, varied: dict[str, Series]) -> Figure:
    """Energy per volume against each quantity, the others as they are."""
    figure = new_figure(1.0 + 2.5 * max(len(varied), 2), 3.3)
    axes = figure.subplots(1, len(varied), sharey=True, squeeze=False)[0]
    for ax, (column, found) in zip(axes, varied.items(), strict=True):
        names = _names(study, found)
        keys = _evenly(list(found), MOST_LINES)
        for colour, key in zip(QUALITATIVE, keys, strict=False):
            x = [run.row[column] for run in found[key]]
            for state, (name, ls) in STATES.items():
                y = [run.row.get(name, np.nan) for run in found[key]]
                label = names[key] if state == "as made" else ""
                ax.plot(x, y, ls=ls, color=colour, label=label or "_")
        log_x(ax, [run.row[column] for runs in found.values() for run in runs], column)
        ax.set_xlabel(axis_label(column))
        if len(found) > 1:
            ax.legend(loc="best")
    axes[0].set_ylim(0, 1.06 * max(ax.dataLim.ymax for ax in axes))
    axes[0].set_ylabel(DENSITY)
    states = [
        Line2D([], [], color="0.3", ls=ls, label=state)
        for state, (_, ls) in STATES.items()
    ]
    figure.legend(handles=states, loc="outside upper center", ncols=2)
    return figure


def _bars(study: Study) -> Figure:
    """A bar for each case and state; measured values as marks."""
    figure = new_figure(5.6, 1.3 + 0.4 * len(study.cases))
    ax = figure.subplots()
    y = np.arange(len(study.cases))
    for k, (state, (name, _)) in enumerate(STATES.items()):
        values = [run.row.get(name, np.nan) for run in study.cases]
        place = y + 0.31 * (k - 0.5)
        ax.barh(place, values, 0.29, color=QUALITATIVE[k], alpha=0.55, lw=0, label=state)
    places = {run.name: k for k, run in enumerate(study.cases)}
    labelled: set[str] = set()
    for point in study.result.measured:
        if point["Quantity"] != PER_VOLUME_AS_MADE or point["Case"] not in places:
            continue
        status = point["Status"]
        how: dict[str, Any] = {"marker": MARKERS.get(status, "s"), "color": "black"}
        how |= {"ls": "", "ms": 5.5, "mew": 1.1}
        how |= {"mfc": "white"} if status == "predicted" else {}
        label = "_" if status in labelled else f"measured, {status}"
        at = places[point["Case"]] - 0.31 / 2
        ax.plot(point["Measured"], at, label=label, **how)
        labelled.add(status)
    ax.set_yticks(y, study.labels)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(left=0)
    ax.set_xlabel(DENSITY)
    figure.legend(loc="outside right center")
    return figure


# --- Energy against power ---------------------------------------------------------------


def _powers(study: Study) -> str:
    """The varied power of a discharge, if there is one."""
    return next((c for c in study.numeric_factors if c.endswith(POWER)), "")


def ragone(study: Study) -> Figure | None:
    """Energy against power, a line for each group of cases, by area and by volume."""
    column = _powers(study)
    found = _series(study, column) if column else {}
    if not found:
        return None
    shown = {key: found[key] for key in _evenly(list(found), MOST_LINES)}
    panels = [("Areal power (mW cm⁻²)", "Areal energy (mWh cm⁻²)")]
    if study.column(PER_VOLUME_AS_MADE):
        panels.append(("Power density (W L⁻¹)", DENSITY))
    figure = new_figure(1.6 + 3.1 * len(panels), 3.9)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for by_volume, (ax, labels) in enumerate(zip(axes, panels, strict=True)):
        for colour, runs in zip(QUALITATIVE, shown.values(), strict=False):
            points = [(run, *_point(run, column, bool(by_volume))) for run in runs]
            points = [point for point in points if point[1] > 0 and point[2] > 0]
            _, P, E = zip(*points, strict=True) if points else ((), (), ())
            ax.plot(P, E, color=colour)
            for run, *at in points:
                mark = ENDS.get(_ended_by(run), "*")
                ax.plot(*at, marker=mark, mec=colour, mfc="white", ms=5, mew=0.9)
        ax.set_xscale("log")
        ax.set_yscale("log")
        _durations(ax)
        ax.set_xlabel(labels[0])
        ax.set_ylabel(labels[1])
    _ragone_keys(figure, study, shown)
    return figure


def _ragone_keys(figure: Figure, study: Study, shown: Series) -> None:
    """What the lines stand for, above, and the marks, below."""
    names = _names(study, shown)
    lines = [
        Line2D([], [], color=colour, label=names[key])
        for colour, key in zip(QUALITATIVE, shown, strict=False)
    ]
    if len(lines) > 1:
        figure.legend(handles=lines, loc="outside upper center", ncols=len(lines))
    ends = {_ended_by(run) for runs in shown.values() for run in runs}
    how: dict[str, Any] = {"color": "0.2", "mfc": "white", "ls": "", "ms": 5, "mew": 0.9}
    marks = [
        Line2D([], [], marker=mark, label=text(end), **how)
        for end, mark in ENDS.items()
        if end in ends
    ]
    below: dict[str, Any] = {"loc": "outside lower center", "ncols": 4}
    if marks:
        figure.legend(handles=marks, title="Limiting loss", **below)


def _ended_by(run: Run) -> str:
    """The limiting loss of the last discharge, or that there was no lithium left."""
    last = [row for row in run.case.steps if int(row["Cycle number"]) == run.last]
    if any(row["Outcome"] == EXHAUSTED for row in last):
        return EXHAUSTED
    return limiting_loss(run)


def _point(run: Run, column: str, by_volume: bool) -> tuple[float, float]:
    """Power and energy of a case, in mW/cm2 and mWh/cm2 or W/L and Wh/L."""
    power, energy = run.row[column] * 1e-3, run.row[ENERGY]
    if not by_volume:
        return power, energy
    per_area = run.row[PER_VOLUME_AS_MADE] / energy if energy > 0 else np.nan
    return power * per_area, energy * per_area


def _durations(ax: Axes) -> None:
    """Lines along which a discharge lasts equally long."""
    x, y = np.array(ax.get_xlim()), np.array(ax.get_ylim())
    for label, hours in HOURS.items():
        ax.plot(x, hours * x, color="0.8", lw=0.7, zorder=0)
        foot = y[0] / hours * (y[1] / y[0]) ** 0.04  # where it enters the frame
        foot = max(foot, x[0] * (x[1] / x[0]) ** 0.01)
        if foot * hours < y[1] and foot < x[1] / (x[1] / x[0]) ** 0.12:
            how: dict[str, Any] = {
                "fontsize": 7,
                "color": "0.5",
                "ha": "left",
                "va": "center",
            }
            ax.annotate(f" {label}", (foot, hours * foot), **how)
    ax.set_xlim(*x)
    ax.set_ylim(*y)
    plain_log(ax.xaxis)
    plain_log(ax.yaxis)

"""Energy per volume, against thickness or as a bar for each case."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..cell.layers import PER_VOLUME_AS_MADE, PER_VOLUME_CHARGED
from ..result.columns import CASE
from .ragone import ENERGY, powers
from .style import DASHED, axis_label, captioned, entry, label_outer, log_x, new_figure
from .theme import NEUTRAL, QUANTITIES, Theme, evenly, measured, measured_key

MOST_BARS = 20
MOST_LINES = 6
STATES = {"as made": PER_VOLUME_AS_MADE, "at full charge": PER_VOLUME_CHARGED}
DENSITY = "Energy density (Wh L⁻¹)"
CAPTION = (
    "Discharge energy of the last cycle over the volume of all layers: as made, and with "
    "the lithium there is at full charge."
)


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    if not study.column(PER_VOLUME_AS_MADE) or powers(study):
        return None
    thicknesses = [c for c in study.numeric_factors if c.endswith("[um]")]
    varied = {c: found for c in thicknesses if (found := lines(theme, c))}
    if varied:
        return captioned(_panels(theme, varied), CAPTION)
    if 2 <= len(study.rows) <= MOST_BARS:
        return captioned(_bars(theme), CAPTION)
    return None


def lines(theme: Theme, column: str) -> dict[tuple[Any, ...], list[int]]:
    """Series of three values or more; none where cases differ in a word as well, which
    is no column."""
    rows = theme.study.rows

    def apart(cases: list[int]) -> bool:
        points = {(rows[k][column], f"{rows[k][ENERGY]:.6g}") for k in cases}
        return len(points) == len({x for x, _ in points}) >= 3

    found = theme.study.series(column)
    return {key: cases for key, cases in found.items() if apart(cases)}


def _panels(theme: Theme, varied: dict[str, dict[tuple[Any, ...], list[int]]]) -> Figure:
    """Draw energy per volume against each quantity, the others as they are."""
    rows = theme.study.rows
    figure = new_figure(1.0 + 2.5 * max(len(varied), 2), 3.3)
    axes = figure.subplots(1, len(varied), sharey=True, squeeze=False)[0]
    for ax, (column, found) in zip(axes, varied.items(), strict=True):
        keys = evenly(list(found), MOST_LINES)
        layout = theme.series(keys, column)
        for key in keys:
            x = [rows[k][column] for k in found[key]]
            for name, ls in zip(STATES.values(), ("-", DASHED), strict=True):
                y = [rows[k].get(name, np.nan) for k in found[key]]
                label = layout.label.get(key, "") if ls == "-" else ""
                colour = layout.colour.get(key, NEUTRAL)
                ax.plot(x, y, ls=ls, color=colour, label=label or "_")
        log_x(ax, [rows[k][column] for cases in found.values() for k in cases], column)
        ax.set_xlabel(axis_label(column))
        if len(keys) > 1:
            ax.legend(loc="best")
    axes[0].set_ylim(0, 1.06 * max(ax.dataLim.ymax for ax in axes))
    label_outer([[axes[0]]], axis_label(next(iter(varied))), [DENSITY])
    states = [
        entry(state, color="0.3", ls=ls)
        for state, ls in zip(STATES, ("-", DASHED), strict=True)
    ]
    figure.legend(handles=states, loc="outside upper center", ncols=2)
    return figure


def _bars(theme: Theme) -> Figure:
    """Draw a bar for each case and state; measured values as marks."""
    study = theme.study
    figure = new_figure(5.6, 1.3 + 0.4 * len(study.rows))
    ax = figure.subplots()
    y = np.arange(len(study.rows))
    for k, (state, name) in enumerate(STATES.items()):
        values = [row.get(name, np.nan) for row in study.rows]
        place = y + 0.31 * (k - 0.5)
        ax.barh(place, values, 0.29, color=QUANTITIES[k], lw=0, label=state)
    places = {row[CASE]: k for k, row in enumerate(study.rows)}
    statuses = []
    for point in study.result.measured:
        if point["Quantity"] == PER_VOLUME_AS_MADE and point["Case"] in places:
            at = places[point["Case"]] - 0.31 / 2
            ax.plot(point["Measured"], at, label="_", **measured(point["Status"]))
            statuses.append(point["Status"])
    ax.set_yticks(y, study.labels)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(0, 1.04 * ax.dataLim.x1)
    ax.set_xlabel(DENSITY)
    handles, _ = ax.get_legend_handles_labels()
    handles += measured_key(statuses)
    figure.legend(handles=handles, loc="outside right center")
    return figure

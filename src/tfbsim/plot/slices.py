"""The answers of a grid against each of two factors, at some values of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..result.columns import SHARE
from ..result.result import Result
from ..result.sensitivity import ANSWERS
from ..result.sweep_table import Varied
from .style import axis_label, captioned, key_label, log_x, new_figure, plain_log, viridis
from .theme import evenly, warm

MOST_LINES = 6
LEAST_LEVELS = 3
LEAST_SHARE = 0.01  # % of the equilibrium capacity: where the axis ends at the latest
ENOUGH = 80.0  # %, marked


def draw(result: Result, of: Varied) -> Figure | None:
    """Draw capacity, energy and share of the equilibrium capacity against two factors.

    Further factors of the grid have a middle value.
    """
    wide = [c for c, f in of.factors.items() if len(f.levels) >= LEAST_LEVELS]
    if len(wide) < 2:
        return None
    wide = sorted(wide, key=lambda c: -len(of.factors[c].levels))[:2]
    data = result.dataset
    if "cycle" in data.dims:
        data = data.isel(cycle=-1)
    middle = {c: data.sizes[c] // 2 for c in of.factors if c not in wide}
    data = data.isel(middle).sortby(wide)
    answers = [ANSWERS[0], ANSWERS[2]]
    if SHARE in data and np.isfinite(data[SHARE].values).sum() >= LEAST_LEVELS:
        answers.append(SHARE)
    figure = new_figure(3.5 * len(wide) + 0.6, 2.3 * len(answers) + 0.8)
    axes = figure.subplots(len(answers), len(wide), sharex="col", sharey="row")
    chosen = []
    # Each factor has its own range of colours: no colour means two things
    for c, (along, other, cmap) in enumerate(((*wide, warm()), (*wide[::-1], viridis()))):
        levels = data[other].values
        rows = evenly(range(len(levels)), MOST_LINES)
        if len(rows) < len(levels):
            name = axis_label(other).partition(" (")[0]
            chosen.append(f"{len(rows)} of {len(levels)} values of {name}")
        shades = cmap(np.linspace(0, 1, len(rows)))
        for r, name in enumerate(answers):
            ax: Axes = axes[r][c]
            for shade, k in zip(shades, rows, strict=True):
                y = data[name].isel({other: k}).values
                if not np.isfinite(y).any():
                    continue
                label = key_label([other], [float(levels[k])])
                dots = {"marker": "."} if len(y) <= 15 else {}
                ax.plot(data[along].values, y, color=shade, label=label, **dots)
            log_x(ax, data[along].values.tolist(), along)
            if c == 0:
                ax.set_ylabel(axis_label(name))
            if r == len(answers) - 1:
                ax.set_xlabel(axis_label(along))
        where: dict[str, Any] = {"loc": "lower center", "ncols": 3}
        heading = axis_label(other).rpartition(" (")[0] or other
        axes[0][c].legend(title=heading, bbox_to_anchor=(0.5, 1.0), **where)
    for name, row in zip(answers, axes, strict=True):
        if name == SHARE:
            _logarithmic(row)
        else:
            row[0].set_ylim(0, 1.05 * max(ax.dataLim.y1 for ax in row))
    words = "Capacity and energy of the last cycle"
    if SHARE in answers:
        words += ", and the share of the equilibrium capacity that the discharge gave "
        words += f"(dotted: {ENOUGH:g} %),"
    words += " against each of two factors of a grid, at some values of the other"
    words += f": {', '.join(chosen)}." if chosen else "."
    if middle:
        fixed = [float(data[c]) for c in middle]
        figure.suptitle(f"at {key_label(list(middle), fixed)}", fontsize=8, color="0.35")
    return captioned(figure, words)


def _logarithmic(row: Any) -> None:
    """Set a logarithmic axis up to 100 %."""
    low = min(ax.dataLim.minposy for ax in row)
    row[0].set_yscale("log")
    row[0].set_ylim(max(0.8 * low, LEAST_SHARE), 125)
    plain_log(row[0].yaxis)
    for ax in row:
        ax.axhline(ENOUGH, color="0.5", lw=0.7, ls=":")

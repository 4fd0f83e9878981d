"""Where the energy of the last cycle goes, a bar for each case."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..result.losses import EFFICIENCY, ENERGY_IN, STORED, balances, beside, lost
from .style import captioned, missing, new_figure
from .theme import Theme, loss_fills

MOST = 20  # cases
NOT_SEEN = 2e-3  # of a bar


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    if len(study.rows) > MOST:
        return None
    found = {
        k: balance for k in range(len(study.rows)) if (balance := _balance(theme, k))
    }
    if not found:
        return None
    figure = new_figure(5.6, 1.3 + 0.26 * len(found))
    ax = figure.subplots()
    laws = study.result.laws
    fills = loss_fills(list(lost(laws)), laws)
    edged = {"color": "white", "lw": 0.5}
    hatches = cycle(("....", "xxxx", "++++", "oooo"))
    parts: dict[str, tuple[str, dict[str, Any]]] = {
        **{name: (column, fills[name]) for name, column in lost(laws).items()},
        **{
            name: (column, edged | {"hatch": next(hatches), "ec": "0.3"})
            for name, column in beside(laws).items()
        },
        "Left in the cell": (STORED, edged | {"hatch": "/////", "ec": "0.6"}),
    }
    ends = {sign: np.zeros(len(found)) for sign in (1, -1)}
    y = np.arange(len(found))
    left = False
    for label, (name, how) in parts.items():
        share = np.array([100 * b.get(name, 0.0) / b[ENERGY_IN] for b in found.values()])
        if np.abs(share).max() < NOT_SEEN * max(ends[1].max(), 1):
            continue
        start = np.where(share < 0, ends[-1], ends[1])
        edge = how.pop("ec", None)
        bars = ax.barh(y, share, 0.62, left=start, label=label, **how)
        for bar in bars if edge else ():
            bar.set_edgecolor(edge)
        left |= name == STORED
        ends[1] += np.maximum(share, 0)
        ends[-1] += np.minimum(share, 0)
    ax.axvline(0, color="0.3", lw=0.7)
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.set_yticks(y, [study.labels[k] for k in found])
    ax.set_xlabel("Share of the energy that went in (%)")
    right = ax.twinx()
    right.set_ylim(ax.get_ylim())
    right.set_yticks(y, [f"{b[EFFICIENCY]:.1f}" for b in found.values()])
    short = len(found) < 5
    right.set_ylabel("Efficiency\n(%)" if short else "Energy efficiency (%)")
    for axis in (ax, right):
        axis.tick_params(axis="y", length=0)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    words = "Where the energy of the last cycle goes, over the energy that went in."
    if left:
        words += (
            " What was left in the cell, or taken from it, is by its end differing from "
            "its start in stoichiometry; efficiency, losses and this add up to 100 %."
        )
    return captioned(figure, words)


def _balance(theme: Theme, k: int) -> dict[str, Any] | None:
    """Return the energy balance of the last cycle; None unless energy went both ways."""
    study = theme.study
    if study.last(k) not in study.drawn(k):
        return None
    case = study.case(k)
    last = case.curves.sel(cycle=[study.last(k)])
    found = balances(last, case.steps, study.result.laws)
    whole = [b for b in found if b["Step number"] == 0]
    return whole[-1] if whole and not missing(whole[-1][EFFICIENCY]) else None

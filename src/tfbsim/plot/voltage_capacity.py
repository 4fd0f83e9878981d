"""Voltage against capacity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..result.samples import CURRENT, DIRECTION, MASS, VOLTAGE
from .style import PER_MASS, both_units, captioned, entry, label_outer
from .theme import Layout, Theme

FIRST: dict[str, Any] = {"lw": 0.7, "alpha": 0.55}  # how the first cycle looks
BACK = 0.01  # of the largest current of a branch, the other way
CYCLE_1 = ("first charge", "first discharge")
CAPACITIES = ("Charge capacity [uA.h.cm-2]", "Discharge capacity [uA.h.cm-2]")


def differs(theme: Theme, k: int) -> bool:
    """Return whether the first cycle of a case is worth drawing beside the last."""
    table, drawn = theme.study.table(k), theme.study.drawn(k)
    first, last = table.iloc[0], table.iloc[-1]
    return len(drawn) > 1 and any(
        abs(first[n] - last[n]) > 2e-3 * max(first[n], last[n], 1e-30) for n in CAPACITIES
    )


def branches(
    theme: Theme, layout: Layout, k: int
) -> Iterator[tuple[pd.DataFrame, dict[str, Any], bool]]:
    """Charges and discharges to draw, how, and whether they are of the last cycle: of
    the first as well if it differs."""
    how = layout.how(k)
    last = how | {"lw": 0.9 if layout.bar else 1.3}
    for branch in _one_way(theme.study.branches(k)):
        yield branch, last, True
    if not layout.bar and differs(theme, k):
        for branch in _one_way(theme.study.branches(k, theme.study.drawn(k)[0])):
            yield branch, how | FIRST, False


def _one_way(found: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return branches if each current keeps its sign; else the capacity counts back."""
    currents = [branch[CURRENT] for branch in found]
    kept = all(min(-i.min(), i.max()) <= BACK * i.abs().max() for i in currents)
    return found if kept else []


def cycles_key(theme: Theme, layout: Layout) -> list[Line2D]:
    """Return legend lines that tell the first cycle from the last, if both are drawn."""
    cases = [k for k in layout.groups if theme.study.drawn(k)]
    if layout.bar or not any(differs(theme, k) for k in cases):
        return []
    last = {theme.study.last(k) for k in cases}
    which = f"cycle {max(last)}" if len(last) == 1 else "last cycle"
    return [
        entry(which, color="0.3"),
        entry("cycle 1", color="0.3", **FIRST),
    ]


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    if not any(_one_way(study.branches(k)) for k in range(len(study.rows))):
        return None
    layout = theme.cases()
    figure, axes = layout.draw()
    for k, (ax,) in layout.places(axes):
        for branch, how, last in branches(theme, layout, k):
            which = "" if last else CYCLE_1[int(branch[DIRECTION].iloc[0] > 0)]
            layout.line(ax, k, branch[MASS], branch[VOLTAGE], which, **how)
    reach = max(ax.dataLim.x1 for ax in axes[0])
    axes[0][0].set_xlim(-0.01 * reach, 1.03 * reach or 1.0)
    label_outer(axes, f"Capacity {PER_MASS}", ["Voltage (V)"])
    if len(layout.panels) == 1:
        both_units(axes[0][0], study.loading, False, "x")
    key = cycles_key(theme, layout)
    layout.key(figure, axes[0], key)
    words = "Voltage against capacity, counted from the start of each charge and each "
    words += "discharge"
    return captioned(
        figure, words + (", in the first and the last cycle." if key else ".")
    )

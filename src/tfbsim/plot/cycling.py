"""Capacities and coulombic efficiency of each cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..result.columns import CASE, CHECK_UP, CYCLE
from .style import PER_MASS, captioned, entry, label_outer
from .theme import NEUTRAL, Theme

FEWEST = 4  # cycles
CHARGE: dict[str, Any] = {"lw": 0.7, "alpha": 0.55}  # how the charge looks
CHECKED: dict[str, Any] = {"ls": "none", "marker": "D", "ms": 4}


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    if not study.rows or study.cycles[CASE].value_counts().max() < FEWEST:
        return None
    layout = theme.cases()
    figure, axes = layout.draw(height=2.6, rows=2)
    for k, (above, below) in layout.places(axes):
        table = study.table(k)
        number = table[CYCLE].to_numpy()
        how: dict[str, Any] = {"lw": 1.0}
        how |= {"marker": ".", "ms": 4} if len(table) <= 30 else {}
        checked = table[CHECK_UP].to_numpy() > 0 if CHECK_UP in table else number < 0
        # A charge after a check-up begins where that ended
        mixed = checked | np.roll(checked, 1)
        for word, more in (("Discharge", {}), ("Charge", CHARGE)):
            y = table[f"{word} capacity [mA.h.g-1]"].to_numpy()
            if y.max() > 0:
                of = word.lower() * (word == "Charge")
                drawn = np.where(mixed if of else checked, np.nan, y)
                layout.line(above, k, number, drawn, of, **(how | more))
        if checked.any():
            apart = table["Discharge capacity [mA.h.g-1]"][checked]
            layout.line(above, k, number[checked], apart, "check-up", **CHECKED)
        efficiency = np.where(mixed, np.nan, table["Coulombic efficiency [%]"])
        layout.line(below, k, number, efficiency, **how)
    for ax in axes.flat:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.ticklabel_format(useOffset=False)
    label_outer(
        axes, "Cycle number", [f"Capacity {PER_MASS}", "Coulombic efficiency (%)"]
    )
    more = [
        entry("discharge", color=NEUTRAL),
        entry("charge", color=NEUTRAL, **CHARGE),
    ]
    if CHECK_UP in study.cycles:
        more.append(entry("check-up", color=NEUTRAL, **CHECKED))
    layout.key(figure, list(axes.flat), more)
    return captioned(figure, "Capacity and coulombic efficiency of each cycle.")

"""Capacities and coulombic efficiency of each cycle."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from ..result.columns import CASE, CYCLE
from .style import PER_MASS, captioned, entry, label_outer
from .theme import NEUTRAL, Theme

FEWEST = 4  # cycles
CHARGE: dict[str, Any] = {"lw": 0.7, "alpha": 0.55}  # how the charge looks


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
        for word, more in (("Discharge", {}), ("Charge", CHARGE)):
            y = table[f"{word} capacity [mA.h.g-1]"].to_numpy()
            if y.max() > 0:
                of = word.lower() * (word == "Charge")
                layout.line(above, k, number, y, of, **(how | more))
        layout.line(below, k, number, table["Coulombic efficiency [%]"], **how)
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
    layout.key(figure, list(axes.flat), more)
    return captioned(figure, "Capacity and coulombic efficiency of each cycle.")

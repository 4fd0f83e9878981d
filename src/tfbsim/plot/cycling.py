"""Capacities and coulombic efficiency of each cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..result.columns import CASE, CHECK_UP, CYCLE
from .style import PER_MASS, captioned, entry, label_outer
from .theme import NEUTRAL, Layout, Theme

FEWEST = 4  # cycles
WIDER = 2  # times their bulk: efficiencies that are not all drawn to scale
CHARGE: dict[str, Any] = {"lw": 0.7, "alpha": 0.55}  # how the charge looks
CHECKED: dict[str, Any] = {"ls": "none", "marker": "D", "ms": 4}


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    if not study.rows or study.cycles[CASE].value_counts().max() < FEWEST:
        return None
    layout = theme.cases()
    figure, axes = layout.draw(height=2.6, rows=2)
    efficiencies: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for k, (above, _) in layout.places(axes):
        table = study.table(k)
        number = table[CYCLE].to_numpy()
        checked = table[CHECK_UP].to_numpy() > 0 if CHECK_UP in table else number < 0
        # A charge after a check-up begins where that ended
        mixed = checked | np.roll(checked, 1)
        for word, more in (("Discharge", {}), ("Charge", CHARGE)):
            y = table[f"{word} capacity [mA.h.g-1]"].to_numpy()
            if y.max() > 0:
                of = word.lower() * (word == "Charge")
                drawn = np.where(mixed if of else checked, np.nan, y)
                layout.line(above, k, number, drawn, of, **(_marks(number) | more))
        if checked.any():
            apart = table["Discharge capacity [mA.h.g-1]"][checked]
            layout.line(above, k, number[checked], apart, "check-up", **CHECKED)
        y = np.where(mixed, np.nan, table["Coulombic efficiency [%]"])
        efficiencies[k] = number, y
    _draw_efficiencies(layout, axes, efficiencies)
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


def _marks(number: np.ndarray) -> dict[str, Any]:
    return {"lw": 1.0} | ({"marker": ".", "ms": 4} if len(number) <= 30 else {})


def _draw_efficiencies(
    layout: Layout, axes: Any, found: Mapping[int, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Draw efficiencies to the scale of their bulk, and arrows to those beyond it."""
    later = np.concatenate([y[1:] for _, y in found.values()])  # the first is as made
    later = later[np.isfinite(later)]
    every = np.concatenate([y[np.isfinite(y)] for _, y in found.values()])
    low, high = np.quantile(later, [0.02, 0.98]) if len(later) else (0.0, 0.0)
    margin = max(0.25 * (high - low), 0.05)
    low, high = low - margin, high + margin
    limited = len(later) and np.ptp(every) > WIDER * (high - low)
    told: dict[Any, list[float]] = {}
    for k, (_, ax) in layout.places(axes):
        number, y = found[k]
        out = (y < low) | (y > high) if limited else np.zeros(len(y), bool)
        layout.line(ax, k, number, np.where(out, np.nan, y), **_marks(number))
        for marker, at in (("v", out & (y < low)), ("^", out & (y > high))):
            how = layout.how(k) | {"ls": "none", "marker": marker, "ms": 4}
            edge = np.clip(y[at], low, high)
            ax.plot(number[at], edge, **how, clip_on=False, in_layout=False)
        told.setdefault(ax, []).extend(y[out])
    for ax, values in told.items() if limited else ():
        ax.set_ylim(low, high)
        words = []
        for side, of in (("below", min), ("above", max)):
            if far := [v for v in values if (v < low) == (side == "below")]:
                points = "1 point" if len(far) == 1 else f"{len(far)} points"
                words.append(f"{points} {side}, to {of(far):.3g} %")
        how = {"ha": "right", "fontsize": 7, "color": "0.35", "in_layout": False}
        ax.text(0.98, 0.05, "\n".join(words), transform=ax.transAxes, **how)

"""What ages a cell, cycle by cycle: capacity kept, resistance, and lithium lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..physics.law import Declared
from ..result.columns import CHECK_UP, CYCLE, PULSE
from ..result.losses import KNOWN
from .cycling import CHECKED
from .study import PER_GRAM
from .style import DASHED, captioned, entry, label_outer
from .theme import NEUTRAL, Layout, Theme

INTERFACE = "Interface resistance [Ohm.cm2]"
LITHIUM = {  # what lithium was lost to, by column; of a reservoir, what it has given
    "Lithium consumed at the anode [uA.h.cm-2]": "consumed",
    "Lithium in lost sites [uA.h.cm-2]": "in lost sites",
    "Inactive lithium [uA.h.cm-2]": "inactive",
    "Lithium left in the electrolyte [uA.h.cm-2]": "out of the electrolyte",
}
STYLES = "-", DASHED, ":", "-."


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    laws = Declared.of([KNOWN, study.result.laws])
    harms = {h.column for h in laws.harms}
    there = [column for column in study.cycles if column in harms]
    if not study.cycles[there].notna().any(axis=None):
        return None
    tables = {k: study.table(k) for k in range(len(study.rows))}
    layout = theme.cases()
    figure, axes = layout.draw(height=2.3, rows=3)
    words: dict[str, Any] = {}
    for k, places in layout.places(axes):
        words |= _lines(layout, k, places, tables[k])
    for row in axes:
        for ax in row:
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.ticklabel_format(useOffset=False)
        # One scale for a row; of lithium nothing may be lost
        tops = [t for ax in row if np.isfinite(t := ax.dataLim.y1) and ax.lines]
        row[0].set_ylim(0, 1.05 * max(tops, default=0) or 1.0)
    label_outer(
        axes,
        "Cycle number",
        ["Capacity (% of first)", "Resistance (Ω cm²)", "Lithium lost (µAh cm⁻²)"],
    )
    more = [entry(n, color=NEUTRAL, **s) for n, s in words.items()]
    layout.key(figure, list(axes.flat), more)
    return captioned(
        figure,
        "Capacity of each discharge over the first of its kind, resistance of the "
        "cathode's interface and of pulses, and where lithium has gone.",
    )


def _lines(layout: Layout, k: int, places: Any, table: pd.DataFrame) -> dict[str, Any]:
    """Draw a case; return what its line styles and markers mean."""
    above, middle, below = places
    words: dict[str, Any] = {}
    thin: dict[str, Any] = {"lw": 1.0}
    checked = table[CHECK_UP] > 0 if CHECK_UP in table else np.zeros(len(table), bool)
    for of, style in ((table[~checked], {}), (table[checked], CHECKED)):
        out = of[PER_GRAM].to_numpy()
        if len(out) and out[0] > 0:
            of_check = "check-up" if style else ""
            layout.line(above, k, of[CYCLE], 100 * out / out[0], of_check, **thin | style)
            if style:
                words["check-up"] = CHECKED
    layout.line(middle, k, table[CYCLE], table[INTERFACE], **thin)
    if PULSE in table:
        pulse = {"ls": "none", "marker": "x", "ms": 4}
        middle.plot(table[CYCLE], table[PULSE], **layout.how(k) | pulse)
        words["pulse"] = pulse
    for (column, word), style in zip(LITHIUM.items(), STYLES, strict=True):
        if column not in table or table[column].isna().all():
            continue
        gone = table[column].to_numpy()
        gone = gone[0] - gone if "left" in column else gone
        layout.line(below, k, table[CYCLE], gone, word, **thin | {"ls": style})
        words[word] = {"ls": style}
    return words

"""Cycle by cycle: capacities and coulombic efficiency, and what ages a cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.curve_table import CASE, CYCLE
from ..physics.law import Declared
from ..result.columns import CHECK_UP, PULSE
from ..result.losses import KNOWN
from .cases import PER_GRAM, Cases
from .encoding import by_case
from .labels import PER_MASS
from .layout import Layout
from .looks import DASHED, NEUTRAL, LineStyle, Look, entry

FEWEST = 4  # cycles
WIDER = 2  # times their bulk: efficiencies that are not all drawn to scale
CHARGE: Look = {"lw": 0.7, "alpha": 0.55}  # how the charge looks
CHECKED: Look = {"ls": "none", "marker": "D", "ms": 4}
PULSES: Look = {"ls": "none", "marker": "x", "ms": 4}
THIN: Look = {"lw": 1.0}
INTERFACE = "Interface resistance [Ohm.cm2]"
# What lithium was lost to, by column; of a reservoir, what it has given
LITHIUM: dict[str, tuple[str, LineStyle]] = {
    "Lithium consumed at the anode [uA.h.cm-2]": ("consumed", "-"),
    "Lithium in lost sites [uA.h.cm-2]": ("in lost sites", DASHED),
    "Inactive lithium [uA.h.cm-2]": ("inactive", ":"),
    "Lithium left in the electrolyte [uA.h.cm-2]": ("out of the electrolyte", "-."),
}


def _checked(table: pd.DataFrame) -> np.ndarray:
    """Return which cycles are check-ups."""
    return np.asarray(table.get(CHECK_UP, np.zeros(len(table)))) > 0


def _whole_numbers(layout: Layout[str]) -> None:
    """Set ticks at whole cycles, and none with an offset."""
    for ax in layout.axes.flat:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.ticklabel_format(useOffset=False)


def cycling(cases: Cases) -> Figure | None:
    """Draw capacities and coulombic efficiency of each cycle."""
    if cases.cycles[CASE].value_counts().max() < FEWEST:
        return None
    layout = by_case(cases)
    efficiencies: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for case, (above, _) in layout.draw(height=2.6, rows=2):
        table = cases.table(case)
        number, checked = table[CYCLE].to_numpy(), _checked(table)
        # A charge after a check-up begins where that ended
        mixed = checked | np.roll(checked, 1)
        look = _marks(number)
        for word, of, apart, as_drawn in (
            ("Discharge", "", checked, look),
            ("Charge", "charge", mixed, look | CHARGE),
        ):
            y = table[f"{word} capacity [mA.h.g-1]"].to_numpy()
            if y.max() > 0:
                drawn = np.where(apart, np.nan, y)
                layout.line(above, case, number, drawn, of, **as_drawn)
        if checked.any():
            out = table[PER_GRAM][checked]
            layout.line(above, case, number[checked], out, "check-up", **CHECKED)
        y = np.where(mixed, np.nan, table["Coulombic efficiency [%]"])
        efficiencies[case] = number, y
    _draw_efficiencies(layout, efficiencies)
    _whole_numbers(layout)
    more = [entry("discharge", color=NEUTRAL), entry("charge", CHARGE, color=NEUTRAL)]
    if CHECK_UP in cases.cycles:
        more.append(entry("check-up", CHECKED, color=NEUTRAL))
    y = f"Capacity {PER_MASS}", "Coulombic efficiency (%)"
    return layout.finish("cycling", "Cycle number", *y, more=more)


def _marks(number: np.ndarray) -> Look:
    return THIN | {"marker": ".", "ms": 4} if len(number) <= 30 else THIN


def _draw_efficiencies(
    layout: Layout[str], found: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Draw efficiencies to the scale of their bulk, and arrows to those beyond it."""
    every = np.concatenate([y for _, y in found.values()])
    later = np.concatenate([y[1:] for _, y in found.values()])  # the first is as made
    every, later = every[np.isfinite(every)], later[np.isfinite(later)]
    low, high = np.quantile(later, [0.02, 0.98]) if len(later) else (0.0, 0.0)
    margin = max(0.25 * (high - low), 0.05)
    low, high = low - margin, high + margin
    limited = len(later) and np.ptp(every) > WIDER * (high - low)
    beyond: dict[Axes, list[float]] = {}
    for case, (_, ax) in layout.places():
        number, y = found[case]
        out = (y < low) | (y > high) if limited else np.zeros(len(y), bool)
        layout.line(ax, case, number, np.where(out, np.nan, y), **_marks(number))
        for marker, at in (("v", out & (y < low)), ("^", out & (y > high))):
            look = layout.look(case) | {"ls": "none", "marker": marker, "ms": 4}
            edge = np.clip(y[at], low, high)
            ax.plot(number[at], edge, **look, clip_on=False, in_layout=False)
        beyond.setdefault(ax, []).extend(y[out])
    for ax, values in beyond.items() if limited else ():
        ax.set_ylim(low, high)
        words = []
        for side, of in (("below", min), ("above", max)):
            if far := [v for v in values if (v < low) == (side == "below")]:
                points = "1 point" if len(far) == 1 else f"{len(far)} points"
                words.append(f"{points} {side}, to {of(far):.3g} %")
        note = ax.text(0.98, 0.05, "\n".join(words), transform=ax.transAxes, ha="right")
        note.set(fontsize=7, color="0.35", in_layout=False)


def ageing(cases: Cases, laws: Declared) -> Figure | None:
    """Draw capacity kept, resistance and lithium lost of each cycle."""
    harms = {h.column for h in Declared.of([KNOWN, laws]).harms}
    there = [column for column in cases.cycles if column in harms]
    if not cases.cycles[there].notna().any(axis=None):
        return None
    layout = by_case(cases)
    words: dict[str, Look] = {}
    for case, places in layout.draw(height=2.3, rows=3):
        words |= _ageing_of(layout, case, places, cases.table(case))
    _whole_numbers(layout)
    for row in layout.axes:
        # One scale for a row; of lithium nothing may be lost
        tops = [t for ax in row if np.isfinite(t := ax.dataLim.y1) and ax.lines]
        row[0].set_ylim(0, 1.05 * max(tops, default=0) or 1.0)
    y = "Capacity (% of first)", "Resistance (Ω cm²)", "Lithium lost (µAh cm⁻²)"
    more = [entry(name, look, color=NEUTRAL) for name, look in words.items()]
    return layout.finish("ageing", "Cycle number", *y, more=more)


def _ageing_of(
    layout: Layout[str], case: str, places: np.ndarray, table: pd.DataFrame
) -> dict[str, Look]:
    """Draw a case; return what its line styles and markers mean."""
    above, middle, below = places
    words: dict[str, Look] = {}
    checked = _checked(table)
    marks: Look = THIN | CHECKED
    for of, which, look in (("", ~checked, THIN), ("check-up", checked, marks)):
        number, out = table[CYCLE][which], table[PER_GRAM][which].to_numpy()
        if len(out) and out[0] > 0:
            layout.line(above, case, number, 100 * out / out[0], of, **look)
            if of:
                words[of] = CHECKED
    layout.line(middle, case, table[CYCLE], table[INTERFACE], **THIN)
    if PULSE in table:
        middle.plot(table[CYCLE], table[PULSE], **layout.look(case) | PULSES)
        words["pulse"] = PULSES
    for column, (word, style) in LITHIUM.items():
        if column in table and table[column].notna().any():
            gone = table[column].to_numpy()
            gone = gone[0] - gone if "left" in column else gone
            layout.line(below, case, table[CYCLE], gone, word, **THIN | {"ls": style})
            words[word] = {"ls": style}
    return words

"""Bars for each case: its capacity, its energy density, and where its energy goes."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..cell.stack import PER_VOLUME_AS_MADE, PER_VOLUME_CHARGED
from ..data.curve_table import CASE
from ..result.losses import EFFICIENCY, ENERGY_IN, STORED, balances, beside, lost
from . import style
from .style import CELL
from .theme import QUANTITIES, Theme, loss_fills, measured, measured_key

MOST_CAPACITIES, MOST_DENSITIES, MOST_ENERGIES = 40, 20, 20  # cases
FIRST: dict[str, Any] = {"color": QUANTITIES[2], "ms": 7, "mew": 1.6}  # cycle
NOT_SEEN = 2e-3  # of a bar
STATES = {"as made": PER_VOLUME_AS_MADE, "at full charge": PER_VOLUME_CHARGED}
DENSITY = "Energy density (Wh L⁻¹)"


def capacity(study: Theme) -> Figure | None:
    """Draw the capacity of each case as a bar, with the measured values on it."""
    cases = range(len(study.rows))
    if not 2 <= len(cases) <= MOST_CAPACITIES:
        return None
    loading = study.loading
    by_area = study.measured_by_area or loading is None
    points = {k: list(study.points(k)) for k in cases}
    charges = any(p[0] == "Charge" for found in points.values() for p in found)
    words = ("Discharge", "Charge") if charges else ("Discharge",)
    panels = _by_cell(study)
    high = 0.26 * len(cases) * (1.35 if charges else 1.0) + 0.25 * (len(panels) - 1)
    size, heights = (5.6, 1.2 + high), [len(panel) for panel in panels.values()]
    how: dict[str, Any] = {"sharex": True, "squeeze": False, "height_ratios": heights}
    figure, axes = style.subplots(*size, len(panels), **how)
    last = "last cycle" if max(map(study.last, cases)) > 1 else "simulated"
    entries: dict[str, Any] = {}
    for ax, (name, panel) in zip(axes.flat, panels.items(), strict=True):
        for n, word in enumerate(words):
            column = f"{word} capacity {'[uA.h.cm-2]' if by_area else '[mA.h.g-1]'}"
            thick = 0.62 / len(words)
            y = np.arange(len(panel)) + (n - (len(words) - 1) / 2) * thick
            values = [study.rows[k][column] for k in panel]
            bars = ax.barh(y, values, thick * 0.92, color=QUANTITIES[n], lw=0)
            entries.setdefault(f"{word.lower()}, {last}", bars)
            tables = [study.table(k) for k in panel]
            first = [t[column].iloc[0] if len(t) > 1 else np.nan for t in tables]
            if not np.isnan(first).all():
                (entries["cycle 1"],) = ax.plot(first, y, "|", **FIRST)
            for at, k in zip(y, panel, strict=True):
                for which, number, status, mass, area in points[k]:
                    if which == word:
                        value = area if by_area else mass
                        (mark,) = ax.plot(value, at, **measured(status))
                        note = "" if number == study.last(k) else f", cycle {number}"
                        entries.setdefault(f"measured, {status}{note}", mark)
        style.name_rows(ax, list(panel.values()))
        ax.set_title(name)
    axes.flat[0].set_xlim(0, 1.04 * max(ax.dataLim.x1 for ax in axes.flat) or 1.0)
    ax = axes.flat[-1]
    style.both_units(ax, loading if len(panels) == 1 else None, by_area, "x")
    if len(entries) == 1:
        ax.set_xlabel("Discharge " + ax.get_xlabel().lower().replace("ah", "Ah"))
    there = any("measured" in entry for entry in entries)
    said = {"measured": ", and the measured values there are" if there else ""}
    key = entries.values() if len(entries) > 1 else ()
    return style.finished(figure, "capacity", key, said=said, labels=entries.keys())


def _by_cell(study: Theme) -> dict[str, dict[int, str]]:
    """Return cases and their labels, by cell if one of several has more than one case."""
    labels = dict(enumerate(study.labels))
    if not 1 < len(set(study.column(CELL))) < len(study.rows):
        return {"": labels}
    panels: dict[str, dict[int, str]] = {}
    for k, row in enumerate(study.rows):
        name = style.key_label([CELL], [row[CELL]])
        panels.setdefault(name, {})[k] = labels[k].removeprefix(f"{name}, ")
    return panels


def densities(study: Theme) -> Figure | None:
    """Draw a bar of energy per volume for each case and state; measured ones as marks."""
    if not 2 <= len(study.rows) <= MOST_DENSITIES:
        return None
    figure, ax = style.subplots(5.6, 1.3 + 0.4 * len(study.rows))
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
    style.name_rows(ax, study.labels)
    ax.set(xlim=(0, 1.04 * ax.dataLim.x1), xlabel=DENSITY)
    handles = [*ax.get_legend_handles_labels()[0], *measured_key(statuses)]
    return style.finished(figure, "energy-density", handles)


def energy(study: Theme) -> Figure | None:
    """Draw where the energy of the last cycle goes, over what went in."""
    if len(study.rows) > MOST_ENERGIES:
        return None
    cases = range(len(study.rows))
    found = {k: balance for k in cases if (balance := _balance(study, k))}
    if not found:
        return None
    figure, ax = style.subplots(5.6, 1.3 + 0.26 * len(found))
    laws = study.result.laws
    edged = {"color": "white", "lw": 0.5}
    fills = loss_fills(list(lost(laws)), laws)
    parts = {name: (column, fills[name], "") for name, column in lost(laws).items()}
    hatches = cycle(("....", "xxxx", "++++", "oooo"))
    for name, column in beside(laws).items():
        parts[name] = column, edged | {"hatch": next(hatches)}, "0.3"
    parts["Left in the cell"] = STORED, edged | {"hatch": "/////"}, "0.6"
    ends = {sign: np.zeros(len(found)) for sign in (1, -1)}
    y = np.arange(len(found))
    for label, (name, how, edge) in parts.items():
        share = np.array([100 * b.get(name, 0.0) / b[ENERGY_IN] for b in found.values()])
        if np.abs(share).max() < NOT_SEEN * max(ends[1].max(), 1):
            continue
        start = np.where(share < 0, ends[-1], ends[1])
        bars = ax.barh(y, share, 0.62, left=start, label=label, **how)
        for bar in bars if edge else ():
            bar.set_edgecolor(edge)
        ends[1] += np.maximum(share, 0)
        ends[-1] += np.minimum(share, 0)
    ax.axvline(0, color="0.3", lw=0.7)
    ax.set_xlabel("Share of the energy that went in (%)")
    right = ax.twinx()
    style.name_rows(ax, [study.labels[k] for k in found])
    style.name_rows(right, [f"{b[EFFICIENCY]:.1f}" for b in found.values()])
    short = len(found) < 5
    right.set_ylabel("Efficiency\n(%)" if short else "Energy efficiency (%)")
    handles, labels = ax.get_legend_handles_labels()
    left = ""
    if "Left in the cell" in labels:
        left = " What was left in the cell, or taken from it, is by its end differing "
        left += "from its start in stoichiometry; efficiency, losses and this add up to "
        left += "100 %."
    return style.finished(figure, "energy", handles, said={"left": left})


def _balance(study: Theme, k: int) -> dict[str, Any] | None:
    """Return the energy balance of the last cycle; None unless energy went both ways."""
    if study.last(k) not in study.drawn(k):
        return None
    case = study.case(k)
    last = case.curves.sel(cycle=[study.last(k)])
    found = balances(last, case.steps, study.result.laws)
    whole = [b for b in found if b["Step number"] == 0]
    return whole[-1] if whole and not style.missing(whole[-1][EFFICIENCY]) else None

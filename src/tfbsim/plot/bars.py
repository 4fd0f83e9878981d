"""Bars for each case: its capacity, its energy density, and where its energy goes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from ..cell.stack import PER_VOLUME_AS_MADE, PER_VOLUME_CHARGED
from ..physics.law import Declared
from ..result.case import CaseResult
from ..result.losses import EFFICIENCY, ENERGY_IN, STORED, balances, beside, lost
from .axes import both_units, name_rows, plane, subplots
from .cases import Cases
from .labels import CELL, key_label, missing
from .looks import QUANTITIES, Fill, Look, labelled, loss_fills, measured, measured_key
from .style import finished

MOST_CAPACITIES, MOST_DENSITIES, MOST_ENERGIES = 40, 20, 20  # cases
FIRST: Look = {"color": QUANTITIES[2], "ms": 7, "mew": 1.6}  # cycle
NOT_SEEN = 2e-3  # of a bar
STATES = {"as made": PER_VOLUME_AS_MADE, "at full charge": PER_VOLUME_CHARGED}
DENSITY = "Energy density (Wh L⁻¹)"


def capacity(cases: Cases) -> Figure | None:
    """Draw the capacity of each case as a bar, with the measured values on it."""
    number = len(cases.rows)
    if not 2 <= number <= MOST_CAPACITIES:
        return None
    loading = cases.loading
    by_area = cases.measured_by_area or loading is None
    charges = any(True for case in cases.rows for _ in cases.points(case, "Charge"))
    words = ("Discharge", "Charge") if charges else ("Discharge",)
    panels = _by_cell(cases)
    high = 0.26 * number * (1.35 if charges else 1.0) + 0.25 * (len(panels) - 1)
    heights = [len(panel) for panel in panels.values()]
    figure, axes = subplots(
        5.6, 1.2 + high, len(panels), sharex=True, height_ratios=heights
    )
    last = "last cycle" if max(map(cases.last, cases.rows)) > 1 else "simulated"
    entries: dict[str, Artist] = {}
    for ax, (name, panel) in zip(axes.flat, panels.items(), strict=True):
        for n, word in enumerate(words):
            column = f"{word} capacity {'[uA.h.cm-2]' if by_area else '[mA.h.g-1]'}"
            thick = 0.62 / len(words)
            y = np.arange(len(panel)) + (n - (len(words) - 1) / 2) * thick
            values = cases.numbers(column, panel)
            bars = ax.barh(y, values, thick * 0.92, color=QUANTITIES[n], lw=0)
            entries.setdefault(f"{word.lower()}, {last}", bars[0])
            tables = [cases.table(case) for case in panel]
            first = [t[column].iloc[0] if len(t) > 1 else np.nan for t in tables]
            if not np.isnan(first).all():
                (entries["cycle 1"],) = ax.plot(first, y, "|", **FIRST)
            for at, case in zip(y, panel, strict=True):
                for row, mass, area in cases.points(case, word):
                    status, cycle = row["Status"], row["Cycle number"]
                    (mark,) = ax.plot(area if by_area else mass, at, **measured(status))
                    note = f", cycle {cycle}" if cycle != cases.last(case) else ""
                    entries.setdefault(f"measured, {status}{note}", mark)
        name_rows(ax, list(panel.values()))
        ax.set_title(name)
    axes.flat[0].set_xlim(0, 1.04 * max(ax.dataLim.x1 for ax in axes.flat) or 1.0)
    ax = axes.flat[-1]
    both_units(ax, loading if len(panels) == 1 else None, by_area, "x")
    if len(entries) == 1:
        ax.set_xlabel("Discharge " + ax.get_xlabel().lower().replace("ah", "Ah"))
    there = any("measured" in entry for entry in entries)
    details = {"measured": ", and the measured values there are" if there else ""}
    key = labelled(entries) if len(entries) > 1 else ()
    return finished(figure, "capacity", key, details=details)


def _by_cell(cases: Cases) -> dict[str, dict[str, str]]:
    """Return cases and their labels, by cell if one of several has more than one case."""
    if not 1 < len(set(cases.column(CELL))) < len(cases.rows):
        return {"": cases.labels}
    panels: dict[str, dict[str, str]] = {}
    for case, label in cases.labels.items():
        name = key_label([CELL], [cases.rows[case][CELL]])
        panels.setdefault(name, {})[case] = label.removeprefix(f"{name}, ")
    return panels


def densities(cases: Cases) -> Figure | None:
    """Draw a bar of energy per volume for each case and state; measured ones as marks."""
    if not 2 <= len(cases.rows) <= MOST_DENSITIES:
        return None
    figure, ax = plane(5.6, 1.3 + 0.4 * len(cases.rows))
    y = np.arange(len(cases.rows))
    for k, (state, name) in enumerate(STATES.items()):
        values = cases.numbers(name, cases.rows)
        place = y + 0.31 * (k - 0.5)
        ax.barh(place, values, 0.29, color=QUANTITIES[k], lw=0, label=state)
    places = {case: k for k, case in enumerate(cases.rows)}
    statuses = []
    for point in cases.measured:
        case, status = point["Case"], point["Status"]
        if point["Quantity"] == PER_VOLUME_AS_MADE and case in places:
            at = places[case] - 0.31 / 2
            ax.plot(point["Measured"], at, label="_", **measured(status))
            statuses.append(status)
    name_rows(ax, list(cases.labels.values()))
    ax.set(xlim=(0, 1.04 * ax.dataLim.x1), xlabel=DENSITY)
    handles = [*ax.get_legend_handles_labels()[0], *measured_key(statuses)]
    return finished(figure, "energy-density", handles)


def energy(
    cases: Cases, drawn: Mapping[str, CaseResult], laws: Declared
) -> Figure | None:
    """Draw where the energy of the last cycle goes, over what went in."""
    if len(cases.rows) > MOST_ENERGIES:
        return None
    found = {
        case: balance
        for case in cases.drawn
        if (balance := _balance(drawn[case], cases.last(case), laws))
    }
    if not found:
        return None
    figure, ax = plane(5.6, 1.3 + 0.26 * len(found))
    edged: Fill = {"color": "white", "lw": 0.5}
    fills = loss_fills(list(lost(laws)), laws)
    parts = {name: (column, fills[name], "") for name, column in lost(laws).items()}
    hatches = cycle(("....", "xxxx", "++++", "oooo"))
    for name, column in beside(laws).items():
        parts[name] = column, edged | {"hatch": next(hatches)}, "0.3"
    parts["Left in the cell"] = STORED, edged | {"hatch": "/////"}, "0.6"
    ends = {sign: np.zeros(len(found)) for sign in (1, -1)}
    y = np.arange(len(found))
    for label, (name, fill, edge) in parts.items():
        share = np.array([100 * b.get(name, 0.0) / b[ENERGY_IN] for b in found.values()])
        if np.max(np.abs(share)) < NOT_SEEN * max(float(np.max(ends[1])), 1):
            continue
        start = np.where(share < 0, ends[-1], ends[1])
        bars = ax.barh(y, share, 0.62, left=start, label=label, **fill)
        for bar in bars if edge else ():
            bar.set_edgecolor(edge)
        ends[1] += np.maximum(share, 0)
        ends[-1] += np.minimum(share, 0)
    ax.axvline(0, color="0.3", lw=0.7)
    ax.set_xlabel("Share of the energy that went in (%)")
    right = ax.twinx()
    name_rows(ax, [cases.labels[case] for case in found])
    name_rows(right, [f"{b[EFFICIENCY]:.1f}" for b in found.values()])
    short = len(found) < 5
    right.set_ylabel("Efficiency\n(%)" if short else "Energy efficiency (%)")
    handles, labels = ax.get_legend_handles_labels()
    left = ""
    if "Left in the cell" in labels:
        left = " What was left in the cell, or taken from it, is by its end differing "
        left += "from its start in stoichiometry; efficiency, losses and this add up to "
        left += "100 %."
    return finished(figure, "energy", handles, details={"left": left})


def _balance(case: CaseResult, cycle: int, laws: Declared) -> dict[str, float] | None:
    """Return the energy balance of a cycle; None unless energy went both ways."""
    if cycle not in case.curves["cycle"].values:
        return None
    found = balances(case.curves.sel(cycle=[cycle]), case.steps, laws)
    whole = [b for b in found if b["Step number"] == 0][-1:]
    rows = ({k: float(v) for k, v in b.items() if not isinstance(v, str)} for b in whole)
    return next((row for row in rows if not missing(row[EFFICIENCY])), None)

"""Capacity of each case as a bar, measured values on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import CELL, both_units, captioned, key_label, new_figure
from .theme import QUANTITIES, Theme, measured

MOST = 40  # cases
BARS = {"Discharge": {"color": QUANTITIES[0]}, "Charge": {"color": QUANTITIES[1]}}


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    number = len(study.rows)
    if not 2 <= number <= MOST:
        return None
    loading = study.loading
    by_area = study.measured_by_area or loading is None
    charges = any(
        which == "Charge" for k in range(number) for which, *_ in study.points(k)
    )
    words = ("Discharge", "Charge") if charges else ("Discharge",)
    panels = _by_cell(theme)
    high = 0.26 * number * (1.35 if charges else 1.0) + 0.25 * (len(panels) - 1)
    figure = new_figure(5.6, 1.2 + high)
    heights = [len(panel) for panel in panels.values()]
    axes = figure.subplots(len(panels), sharex=True, height_ratios=heights, squeeze=False)
    entries: dict[str, Any] = {}
    for ax, (name, panel) in zip(axes.flat, panels.items(), strict=True):
        for n, word in enumerate(words):
            thick = 0.62 / len(words)
            offset = (n - (len(words) - 1) / 2) * thick
            _bars(ax, theme, list(panel), word, by_area, (offset, thick), entries)
        ax.set_yticks(range(len(panel)), list(panel.values()))
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.margins(y=0.02)
        ax.set_title(name)
    axes.flat[0].set_xlim(0, 1.04 * max(ax.dataLim.x1 for ax in axes.flat) or 1.0)
    ax = axes.flat[-1]
    both_units(ax, loading if len(panels) == 1 else None, by_area, "x")
    if len(entries) > 1:
        figure.legend(entries.values(), entries.keys(), loc="outside right center")
    else:
        ax.set_xlabel("Discharge " + ax.get_xlabel().lower().replace("ah", "Ah"))
    shown = "Capacity of each case"
    if any("measured" in entry for entry in entries):
        shown += ", and the measured values there are"
    return captioned(figure, f"{shown}.")


def _by_cell(theme: Theme) -> dict[str, dict[int, str]]:
    """Return cases and their labels, by cell if one of several has more than one case."""
    study = theme.study
    labels = dict(enumerate(study.labels))
    cells = set(study.column(CELL))
    if not 1 < len(cells) < len(study.rows):
        return {"": labels}
    panels: dict[str, dict[int, str]] = {}
    for k, row in enumerate(study.rows):
        name = key_label([CELL], [row[CELL]])
        panels.setdefault(name, {})[k] = labels[k].removeprefix(f"{name}, ")
    return panels


def _bars(
    ax: Axes,
    theme: Theme,
    members: Sequence[int],
    word: str,
    by_area: bool,
    place: tuple[float, float],
    entries: dict[str, Any],
) -> None:
    """Draw the bars of one word, the marks on them, and their legend entries."""
    study, (offset, thick) = theme.study, place
    name = f"{word} capacity {'[uA.h.cm-2]' if by_area else '[mA.h.g-1]'}"
    y = np.arange(len(members)) + offset
    last = [study.rows[k][name] for k in members]
    bars = ax.barh(y, last, thick * 0.92, lw=0, **BARS[word])
    several = max(study.last(k) for k in range(len(study.rows))) > 1
    entries.setdefault(
        f"{word.lower()}, {'last cycle' if several else 'simulated'}", bars
    )
    first = {k: study.table(k).iloc[0][name] for k in members}
    early = [n for n, k in enumerate(members) if len(study.table(k)) > 1]
    if early:
        values = [first[members[n]] for n in early]
        (mark,) = ax.plot(values, y[early], "|", color=QUANTITIES[2], ms=7, mew=1.6)
        entries.setdefault("cycle 1", mark)
    for at, k in zip(y, members, strict=True):
        for which, cycle, status, mass, area in study.points(k):
            if which == word:
                value = area if by_area else mass
                (mark,) = ax.plot(value, at, **measured(status))
                note = "" if cycle == study.last(k) else f", cycle {cycle}"
                entries.setdefault(f"measured, {status}{note}", mark)

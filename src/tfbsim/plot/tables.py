"""Figures of the summary: capacities, measured ones among them, and cycling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..result.losses import (
    EFFICIENCY,
    ENERGY_IN,
    LEAKAGE,
    LOSS_COLOURS,
    LOST,
    STORED,
    balances,
)
from .look import look, look_of_cases
from .study import Run, Study
from .style import (
    CELL,
    PER_AREA,
    PER_MASS,
    both_units,
    key_label,
    label_outer,
    log_x,
    missing,
    new_figure,
)

MARKERS = {"fitted": "o", "predicted": "D"}
MOST_BARS = 20  # cases of which the energy is drawn
NOT_SEEN = 2e-3  # of a bar
COLOURS = {"Discharge": "#0072B2", "Charge": "#E69F00"}


def _mark(status: str) -> dict[str, Any]:
    """A measured point, fitted filled and predicted open."""
    hollow = {"markerfacecolor": "white"} if status == "predicted" else {}
    return {"marker": MARKERS.get(status, "s"), "ms": 5.5, "mew": 1.1, "ls": "", **hollow}


def _measured_key(statuses: Sequence[str]) -> list[Line2D]:
    if not statuses:
        return []
    lines = [Line2D([], [], color="0.3", label="simulated")]
    for status in sorted(set(statuses)):
        how = {"color": "0.3", "label": f"measured, {status}", **_mark(status)}
        lines.append(Line2D([], [], **how))
    return lines


def _capacity_name(word: str, by_area: bool) -> str:
    return f"{word} capacity {'[uA.h.cm-2]' if by_area else '[mA.h.g-1]'}"


def capacity(study: Study) -> Figure | None:
    """A bar for each case; measured values and the first cycle as marks on it."""
    runs = study.cases
    if not 2 <= len(runs) <= 40:
        return None
    loading = study.loading
    by_area = study.measured_by_area or loading is None
    charges = any(which == "Charge" for r in runs for which, *_ in study.points(r))
    words = ("Discharge", "Charge") if charges else ("Discharge",)
    panels = _by_cell(study)
    high = 0.26 * len(runs) * (1.35 if charges else 1.0) + 0.25 * (len(panels) - 1)
    figure = new_figure(5.6, 1.2 + high)
    heights = [len(panel) for panel in panels.values()]
    axes = figure.subplots(len(panels), sharex=True, height_ratios=heights, squeeze=False)
    entries: dict[str, Any] = {}
    for ax, (name, panel) in zip(axes.flat, panels.items(), strict=True):
        for n, word in enumerate(words):
            thick = 0.62 / len(words)
            offset = (n - (len(words) - 1) / 2) * thick
            _bars(ax, study, list(panel), word, by_area, (offset, thick), entries)
        ax.set_yticks(range(len(panel)), list(panel.values()))
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.margins(y=0.02)
        ax.set_title(name)
    axes.flat[0].set_xlim(left=0)
    ax = axes.flat[-1]
    both_units(ax, loading if len(panels) == 1 else None, by_area, "x")
    if len(entries) > 1:
        figure.legend(entries.values(), entries.keys(), loc="outside right center")
    else:
        ax.set_xlabel("Discharge " + ax.get_xlabel().lower().replace("ah", "Ah"))
    return figure


def _by_cell(study: Study) -> dict[str, dict[int, str]]:
    """Cases and their labels, by cell if one of several has more than one case."""
    labels = dict(enumerate(study.labels))
    cells = set(study.column(CELL))
    if not 1 < len(cells) < len(study.cases):
        return {"": labels}
    panels: dict[str, dict[int, str]] = {}
    for k, run in enumerate(study.cases):
        name = key_label([CELL], [run.row[CELL]])
        panels.setdefault(name, {})[k] = labels[k].removeprefix(f"{name}, ")
    return panels


def _bars(
    ax: Axes,
    study: Study,
    members: Sequence[int],
    word: str,
    by_area: bool,
    place: tuple[float, float],
    entries: dict[str, Any],
) -> None:
    """The bars of one word, the marks on them, and their legend entries."""
    name, (offset, thick) = _capacity_name(word, by_area), place
    runs = [study.cases[k] for k in members]
    y = np.arange(len(runs)) + offset
    last = [run.row[name] for run in runs]
    bars = ax.barh(y, last, thick * 0.92, color=COLOURS[word], alpha=0.55, lw=0)
    which = "last cycle" if max(r.last for r in study.cases) > 1 else "simulated"
    entries.setdefault(f"{word.lower()}, {which}", bars)
    early = [n for n, run in enumerate(runs) if len(run.cycles) > 1]
    if early:
        first = [runs[n].case.rows[0][name] for n in early]
        (mark,) = ax.plot(first, y[early], "|", color=COLOURS[word], ms=7, mew=1.6)
        entries.setdefault(f"{word.lower()}, cycle 1", mark)
    for at, run in zip(y, runs, strict=True):
        for measured, cycle, status, mass, area in study.points(run):
            if measured == word:
                value = area if by_area else mass
                (mark,) = ax.plot(value, at, color="black", **_mark(status))
                note = "" if cycle == run.last else f", cycle {cycle}"
                entries.setdefault(f"measured, {status}{note}", mark)


def against(study: Study, column: str, label: str) -> Figure | None:
    """Discharge capacity of the last cycle against a column, a line for each group."""
    if column not in study.numeric_factors:
        return None
    lines: dict[tuple[Any, ...], list[Run]] = {}
    for run in study.cases:
        if not missing(run.row.get(column)):
            lines.setdefault(study.key(run, column), []).append(run)
    values_of = {group: {r.row[column] for r in runs} for group, runs in lines.items()}
    if not any(len(found) >= 3 for found in values_of.values()):
        return None
    # A single case is no line: it belongs to another quantity's
    lines = {g: runs for g, runs in lines.items() if len(values_of[g]) > 1}
    varying = [k for k in range(len(study.factors)) if len({g[k] for g in lines}) > 1]
    columns = [study.factors[k] for k in varying]
    values = {g: {study.factors[k]: g[k] for k in varying} for g in lines}
    names = {g: key_label(columns, list(values[g].values())) or "other" for g in lines}
    numeric = [c for c in columns if study.is_numeric(c)]
    drawn = look(list(lines), values, names, numeric, "lines")
    loading, by_area = study.loading, study.measured_by_area
    units = [by_area] if loading is not None else [False, True]
    figure, axes = drawn.draw(rows=len(units))
    statuses: list[str] = []
    for group, places in drawn.places(axes):
        for ax, in_area in zip(places, units, strict=True):
            colour = drawn.colour[group]
            statuses += _line(ax, study, lines[group], column, in_area, colour)
    for ax in axes.flat:
        log_x(ax, [r.row[column] for runs in lines.values() for r in runs], column)
        ax.set_ylim(0, ax.get_ylim()[1])
    y = [f"Discharge capacity {PER_AREA if u else PER_MASS}" for u in units]
    label_outer(axes, label, y)
    if loading is not None and len(drawn.panels) == 1:
        both_units(axes[0][0], loading, by_area)
    drawn.key(figure, list(axes.flat), _measured_key(statuses))
    return figure


def _line(
    ax: Axes,
    study: Study,
    runs: Sequence[Run],
    column: str,
    by_area: bool,
    colour: Any,
) -> list[str]:
    """One line and the measured points on it; their statuses."""
    name = _capacity_name("Discharge", by_area)
    ordered = sorted(runs, key=lambda run: run.row[column])
    x = [run.row[column] for run in ordered]
    y = [run.row[name] for run in ordered]
    ls = "" if len(set(x)) < len(x) else "-"
    points = [
        (at, *p) for at, run in zip(x, ordered, strict=True) for p in study.points(run)
    ]
    ax.plot(x, y, marker="." if points else "o", ls=ls, color=colour, ms=4)
    statuses = []
    for at, which, _, status, mass, area in points:
        if which == "Discharge":
            ax.plot(at, area if by_area else mass, color=colour, **_mark(status))
            statuses.append(status)
    return statuses


def cycling(study: Study) -> Figure | None:
    """Capacities and coulombic efficiency of each cycle."""
    if max(len(run.cycles) for run in study.cases) < 4:
        return None
    drawn = look_of_cases(study)
    figure, axes = drawn.draw(height=2.6, rows=2)
    for k, (above, below) in drawn.places(axes):
        run = study.cases[k]
        rows = [r for r in run.case.rows if r["Cycle number"] in run.cycles]
        number = [r["Cycle number"] for r in rows]
        how = {"color": drawn.colour[k], "lw": 1.0}
        how |= {"marker": "o", "ms": 3} if len(rows) <= 30 else {}
        for word, ls in (("Discharge", "-"), ("Charge", ":")):
            y = [r[_capacity_name(word, False)] for r in rows]
            if max(y) > 0:
                above.plot(number, y, ls=ls, **how)
        below.plot(number, [r["Coulombic efficiency [%]"] for r in rows], **how)
    for ax in axes.flat:
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.ticklabel_format(useOffset=False)
    y = [f"Capacity {PER_MASS}", "Coulombic efficiency (%)"]
    label_outer(axes, "Cycle number", y)
    more = [
        Line2D([], [], color="0.3", ls=ls, label=label)
        for label, ls in (("discharge", "-"), ("charge", ":"))
    ]
    drawn.key(figure, list(axes.flat), more)
    return figure


# --- Where the energy goes --------------------------------------------------------------


def energy(study: Study) -> Figure | None:
    """Energy lost in the last cycle over the energy that went in, a bar for each case."""
    if len(study.cases) > MOST_BARS:
        return None
    last = {k: _last_balance(run) for k, run in enumerate(study.cases)}
    found = {k: balance for k, balance in last.items() if balance}
    if not found:
        return None
    figure = new_figure(5.6, 1.3 + 0.26 * len(found))
    ax = figure.subplots()
    parts: dict[str, tuple[str, Any]] = {
        **{name: (LOST[name], {"color": c}) for name, c in LOSS_COLOURS.items()},
        "Leakage": (LEAKAGE, {"color": "black"}),
        "Left in the cell": (STORED, {"color": "white", "hatch": "/////"}),
    }
    ends = {sign: np.zeros(len(found)) for sign in (1, -1)}
    y = np.arange(len(found))
    for label, (name, how) in parts.items():
        share = np.array([100 * b[name] / b[ENERGY_IN] for b in found.values()])
        if np.abs(share).max() < NOT_SEEN * max(ends[1].max(), 1):
            continue
        start = np.where(share < 0, ends[-1], ends[1])
        edge = {"ec": "0.6", "lw": 0.5} if "hatch" in how else {"alpha": 0.55, "lw": 0}
        ax.barh(y, share, 0.62, left=start, label=label, **how, **edge)
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
    return figure


def _last_balance(run: Run) -> dict[str, Any] | None:
    """Of the last cycle, if energy went in and came out."""
    curves = run.case.curves
    if run.last not in curves["cycle"]:  # kept of other cycles, or of none
        return None
    found = balances(curves.sel(cycle=[run.last]), run.case.steps)
    whole = [b for b in found if b["Step number"] == 0]
    return whole[-1] if whole and not missing(whole[-1][EFFICIENCY]) else None

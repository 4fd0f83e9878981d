"""Figures of a sweep's answers: slices of a grid; of a sample, how the answers spread and
which factors make them.  They need the tables of a result, and curves for one only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..result.columns import LIMITING
from ..result.result import Result
from ..result.sensitivity import (
    ANSWERS,
    DUMMY,
    FEWEST,
    INDEXED,
    INDICES,
    RANK,
    sample,
    told,
)
from ..result.sweep_table import Varied, point_of, sampled, varied
from .study import AREAL, VOLTAGE, Study
from .style import (
    PER_AREA,
    QUALITATIVE,
    axis_label,
    few_ticks,
    key_label,
    log_x,
    new_figure,
    text,
    viridis,
)

MOST_LINES = 6  # of a slice
LEAST_LEVELS = 3
MOST_FACTORS = 20  # of one figure
MOST_DOTS = 2000
BINS = 12  # of equal numbers of points, for the line through a cloud
TENTH = 0.1
SIGNED = 0.1  # rank correlation above which a direction is shown
VOLTAGES = 400
INDEX_COLOURS = dict(zip(INDICES, ("#0072B2", "#E69F00", "#009E73"), strict=True))
INDEX_NAMES = {"S1": "first order, S1", "ST": "total, ST", "PAWN": "PAWN"}
LOW, HIGH = "#56B4E9", "#D55E00"
BAND = "#0072B2"


def figures(result: Result, study: Study) -> dict[str, Figure | None]:
    """Those that make sense for a result, by name; none if it is of no sweep."""
    if not sampled(result):
        of = varied(result)
        return {"slices": slices(result, of)} if of and of.grid else {}
    found = sample(result)
    if found is None or len(found[1]) < FEWEST:
        return {}
    of, table = found
    return {
        "uncertainty": distributions(table),
        "tornado": tornado(of, table),
        "sensitivity": indices(result.sensitivity),
        "dependence": dependence(of, table),
        "voltage-band": voltage_band(study),
    }


# --- Grids -----------------------------------------------------------------------------


def slices(result: Result, of: Varied) -> Figure | None:
    """Capacity and energy against each of two factors, at some values of the other.

    Further factors of the grid have a middle value.
    """
    wide = [c for c, f in of.factors.items() if len(f.levels) >= LEAST_LEVELS]
    if len(wide) < 2:
        return None
    wide = sorted(wide, key=lambda c: -len(of.factors[c].levels))[:2]
    data = result.dataset
    if "cycle" in data.dims:
        data = data.isel(cycle=-1)
    middle = {c: data.sizes[c] // 2 for c in of.factors if c not in wide}
    data = data.isel(middle).sortby(wide)
    answers = [ANSWERS[0], ANSWERS[2]]
    figure = new_figure(3.5 * len(wide) + 0.6, 2.6 * len(answers) + 0.8)
    axes = figure.subplots(len(answers), len(wide), sharex="col", sharey="row")
    for c, (along, other) in enumerate((wide, wide[::-1])):
        levels = data[other].values
        rows = np.linspace(0, len(levels) - 1, min(MOST_LINES, len(levels)))
        rows = rows.round().astype(int)
        shades = viridis()(np.linspace(0, 1, len(rows)))
        for r, name in enumerate(answers):
            ax: Axes = axes[r][c]
            for shade, k in zip(shades, rows, strict=True):
                y = data[name].isel({other: k}).values
                label = key_label([other], [float(levels[k])])
                mark = "o" if len(y) <= 15 else ""
                ax.plot(
                    data[along].values, y, color=shade, marker=mark, ms=3, label=label
                )
            log_x(ax, data[along].values.tolist(), along)
            ax.set_ylim(bottom=0)
            if c == 0:
                ax.set_ylabel(axis_label(name))
            if r == len(answers) - 1:
                ax.set_xlabel(axis_label(along))
        where = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 3}
        axes[0][c].legend(title=axis_label(other).rpartition(" (")[0] or other, **where)
    if middle:
        fixed = [float(data[c]) for c in middle]
        figure.suptitle(f"at {key_label(list(middle), fixed)}", fontsize=8, color="0.35")
    return figure


# --- Samples ---------------------------------------------------------------------------


def distributions(table: pd.DataFrame) -> Figure | None:
    """A histogram of each answer, by limiting loss, with its percentiles."""
    names = told(table, ANSWERS)
    if not names:
        return None
    losses = _losses(table)
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(3.5 * columns, 2.5 * rows + 0.5)
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, name in zip(axes.flat, names, strict=False):
        there = table[table[name].notna()]
        y = there[name].to_numpy()
        parts = [y[there[LIMITING] == loss] for loss in losses]
        edges = np.histogram_bin_edges(y, bins=min(60, max(10, int(len(y) ** 0.5))))
        colours = list(losses.values())
        ax.hist(parts, edges, stacked=True, color=colours, alpha=0.6, lw=0)
        low, middle, high = np.percentile(y, (5, 50, 95))
        ax.axvspan(low, high, color="0.93", zorder=0, lw=0)
        ax.axvline(middle, color="0.2", lw=1)
        ax.set_title(f"{low:.4g} – {middle:.4g} – {high:.4g}", fontsize=8, color="0.3")
        ax.set_xlabel(axis_label(name))
    for ax in axes.flat[len(names) :]:
        ax.remove()
    for row in axes:
        row[0].set_ylabel("Points")
    _loss_key(figure, losses)
    return figure


def tornado(of: Varied, table: pd.DataFrame) -> Figure | None:
    """The mean of each answer in the lowest and in the highest tenth of each factor."""
    names = told(table, INDEXED)
    if not names:
        return None
    X = of.at(point_of(table))
    tenth = max(1, int(TENTH * len(X)))
    order = X.argsort(axis=0, kind="stable")
    ends = {
        name: np.array(
            [
                [table[name].iloc[rows].mean() for rows in (o[:tenth], o[-tenth:])]
                for o in order.T
            ]
        )
        for name in names
    }
    rank = np.argsort(-np.abs(np.diff(ends[names[0]])[:, 0]))[:MOST_FACTORS]
    figure, axes = _bars(names, [list(of.factors)[k] for k in rank])
    for ax, name in zip(axes, names, strict=True):
        mean = float(table[name].mean())
        y = np.arange(len(rank))
        for side, colour in enumerate((LOW, HIGH)):
            reach = ends[name][rank, side] - mean
            ax.barh(y, reach, 0.62, left=mean, color=colour, alpha=0.75, lw=0)
        ax.axvline(mean, color="0.2", lw=0.8)
        few_ticks(ax)
        ax.set_xlabel(axis_label(name))
    words = ("lowest tenth of the factor", "highest tenth")
    entries = [
        Line2D([], [], color=c, lw=6, alpha=0.75, label=label)
        for c, label in zip((LOW, HIGH), words, strict=True)
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=2)
    return figure


def indices(table: pd.DataFrame) -> Figure | None:
    """Sensitivity indices of each answer, with their intervals and directions."""
    if table.empty:
        return None
    names = list(dict.fromkeys(table["Answer"]))
    shown = [index for index in INDICES if index in table]
    by = "ST" if "ST" in shown else "S1"
    first = table[table["Answer"] == names[0]].sort_values(by, ascending=False)
    factors = first["Factor"].tolist()[:MOST_FACTORS]
    figure, axes = _bars(names, factors)
    for ax, name in zip(axes, names, strict=True):
        own = table[table["Answer"] == name].set_index("Factor").loc[factors]
        thick = 0.7 / len(shown)
        reach = np.zeros(len(factors))
        for n, index in enumerate(shown):
            y = np.arange(len(factors)) + (n - (len(shown) - 1) / 2) * thick
            value = own[index].to_numpy()
            error = np.zeros(len(value))
            how: dict[str, Any] = {"color": INDEX_COLOURS[index], "alpha": 0.75, "lw": 0}
            ax.barh(y, value, thick * 0.9, **how, label=INDEX_NAMES[index])
            if f"{index} (95 %)" in own:
                error = own[f"{index} (95 %)"].to_numpy()
                how = {"fmt": "none", "ecolor": "0.2", "elinewidth": 0.7}
                ax.errorbar(value, y, xerr=error, **how)
            else:
                how = {"color": INDEX_COLOURS[index], "ls": ":", "lw": 1.0}
                ax.axvline(own[DUMMY].iloc[0], **how, label="PAWN of a dummy")
            reach = np.maximum(reach, value + error)
        for k, correlation in enumerate(own[RANK]):
            if abs(correlation) >= SIGNED:
                sign = "+" if correlation > 0 else "−"
                at = (reach[k], k)
                more: dict[str, Any] = {
                    "xytext": (4, 0),
                    "textcoords": "offset points",
                    "va": "center",
                }
                ax.annotate(sign, at, **more, fontsize=10)
        ax.set_xlim(min(0, ax.get_xlim()[0]), max(1.2 * reach.max(), 0.1))
        ax.axvline(0, color="0.3", lw=0.7)
        ax.set_xlabel(axis_label(name).rpartition(" (")[0])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def dependence(of: Varied, table: pd.DataFrame) -> Figure | None:
    """Energy against each factor: the points, and their median and 5-95 % by bins."""
    name = ANSWERS[2]
    factors = list(of.factors)[:MOST_FACTORS]
    if not told(table, [name]):
        return None
    X = of.at(point_of(table))
    y, losses = table[name].to_numpy(), _losses(table)
    columns = min(4, len(factors))
    rows = -(-len(factors) // columns)
    figure = new_figure(1.2 + 1.9 * columns, 1.9 * rows + 0.6)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    size = 4 if len(y) < MOST_DOTS / 2 else 2.5
    dots = np.unique(np.linspace(0, len(y) - 1, MOST_DOTS).round().astype(int))
    for k, (ax, column) in enumerate(zip(axes.flat, factors, strict=False)):
        x = X[:, k]
        for loss, colour in losses.items():
            own = dots[(table[LIMITING] == loss).to_numpy()[dots]]
            how: dict[str, Any] = {"color": colour, "alpha": 0.4, "mew": 0, "ms": size}
            ax.plot(x[own], y[own], ".", rasterized=True, **how)
        bins = np.array_split(np.argsort(x, kind="stable"), min(BINS, len(x) // 8))
        middle = [np.median(x[b]) for b in bins]
        low, median, high = np.array([np.percentile(y[b], (5, 50, 95)) for b in bins]).T
        for line, ls in ((low, ":"), (median, "-"), (high, ":")):
            ax.plot(middle, line, ls, color="black", lw=1.0)
        if x.min() > 0 and x.max() > 10 * x.min():
            log_x(ax, [float(x.min()), float(x.max())], "")
        else:
            few_ticks(ax)
        ax.set_xlabel(axis_label(column), fontsize=7)
        ax.tick_params(labelsize=7)
    for ax in axes.flat[len(factors) :]:
        ax.remove()
    for row in axes:
        row[0].set_ylabel(axis_label(name), fontsize=7)
    _loss_key(figure, losses)
    return figure


def voltage_band(study: Study) -> Figure | None:
    """Percentiles of the capacity that the last discharge gives down to each voltage."""
    curves = []
    for run in study.cases:
        out = [b for b in run.branches(run.last) if b.direction == 1]
        if out:
            V, q = out[-1][VOLTAGE], out[-1].capacity(AREAL)
            curves.append((np.minimum.accumulate(V), q))
    if len(curves) < FEWEST:
        return None
    ends = min(V[-1] for V, _ in curves), max(V[0] for V, _ in curves)
    V = np.linspace(*ends, VOLTAGES)
    # A cell that starts below V has given nothing there; one that ended, all it gives
    q = np.array([np.interp(-V, -down, own) for down, own in curves])
    bands = np.percentile(q, (5, 25, 50, 75, 95), axis=0)
    figure = new_figure(4.6, 3.3)
    ax = figure.subplots()
    ax.fill_betweenx(V, bands[0], bands[4], color=BAND, alpha=0.2, lw=0, label="5–95 %")
    ax.fill_betweenx(V, bands[1], bands[3], color=BAND, alpha=0.35, lw=0, label="25–75 %")
    ax.plot(bands[2], V, color=BAND, label="median")
    ax.set_xlim(left=0)
    ax.set_xlabel(f"Capacity {PER_AREA}")
    ax.set_ylabel("Voltage (V)")
    ax.legend(title=f"{len(curves):,} discharges", loc="lower left")
    return figure


# --- Parts -----------------------------------------------------------------------------


def _losses(table: pd.DataFrame) -> dict[str, Any]:
    """Each limiting loss with its colour, the most frequent first."""
    names = table[LIMITING].value_counts().index.tolist()
    return {n: QUALITATIVE[k % len(QUALITATIVE)] for k, n in enumerate(names)}


def _loss_key(figure: Figure, losses: dict[str, Any]) -> None:
    entries = [
        Line2D([], [], color=c, lw=0, marker="s", alpha=0.7, label=text(name))
        for name, c in losses.items()
        if name
    ]
    if entries:
        how: dict[str, Any] = {"loc": "outside lower center", "title": "Limiting loss"}
        figure.legend(handles=entries, ncols=min(len(entries), 4), **how)


def _bars(names: Sequence[str], factors: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """A panel for each answer with a place for each factor, the first on top."""
    figure = new_figure(2.3 + 2.1 * len(names), 1.2 + 0.3 * len(factors))
    axes = list(figure.subplots(1, len(names), sharey=True, squeeze=False)[0])
    axes[0].set_yticks(range(len(factors)), [_bare(c) for c in factors])
    axes[0].set_ylim(len(factors) - 0.5, -0.5)
    for ax in axes:
        ax.tick_params(axis="y", length=0)
    return figure, axes


def _bare(column: str) -> str:
    """A factor without its unit."""
    return axis_label(column.partition(" [")[0])

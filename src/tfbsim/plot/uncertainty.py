"""Figures of a sample: how the answers spread, and which factors make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..result.columns import LIMITING
from ..result.samples import AREA, DIRECTION, VOLTAGE
from ..result.sensitivity import ANSWERS, DUMMY, FEWEST, INDEXED, INDICES, RANK, varying
from ..result.sweep_table import Varied, point_of
from .study import Study
from .style import (
    PER_AREA,
    axis_label,
    captioned,
    entry,
    few_ticks,
    grid,
    log_x,
    new_figure,
    text,
)
from .theme import QUANTITIES, loss_fills

MOST_FACTORS = 20  # of one figure
MOST_DOTS = 2000
BINS = 12  # of equal numbers of points, for the line through a cloud
TENTH = 0.1
SIGNED = 0.1  # rank correlation above which a direction is shown
VOLTAGES = 400
INDEX_COLOURS = dict(zip(INDICES, QUANTITIES, strict=True))
INDEX_NAMES = {"S1": "first order, S1", "ST": "total, ST", "PAWN": "PAWN"}
LOW, HIGH = QUANTITIES[1], QUANTITIES[2]
BAND = "0.3"


def distributions(table: pd.DataFrame) -> Figure | None:
    """Draw a histogram of each answer, by limiting loss, with its percentiles."""
    names = varying(table, ANSWERS)
    if not names:
        return None
    losses = _losses(table)
    size = (0, 3.5, 0.5, 2.5)
    figure, axes = grid(len(names), min(2, len(names)), size, "Points", sharey=False)
    for ax, name in zip(axes, names, strict=True):
        there = table[table[name].notna()]
        y = there[name].to_numpy()
        parts = [y[there[LIMITING] == loss] for loss in losses]
        edges = np.histogram_bin_edges(y, bins=min(60, max(10, int(len(y) ** 0.5))))
        colours = list(losses.values())
        ax.hist(parts, edges, stacked=True, color=colours, alpha=0.55, lw=0)
        low, middle, high = np.percentile(y, (5, 50, 95))
        ax.axvspan(low, high, color="0.93", zorder=0, lw=0)
        ax.axvline(middle, color="0.2", lw=1)
        ax.set_title(f"{low:.4g} – {middle:.4g} – {high:.4g}", fontsize=8, color="0.3")
        ax.set_xlabel(axis_label(name))
    _loss_key(figure, losses)
    return captioned(
        figure,
        "The answers of the last cycle over the sample, by the loss that limited the "
        "discharge. The line is the median, the grey band 5 to 95 %; above it these "
        "three.",
    )


def tornado(of: Varied, table: pd.DataFrame) -> Figure | None:
    """Draw the mean of each answer in the lowest and highest tenth of each factor."""
    names = varying(table, INDEXED)
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
            ax.barh(y, reach, 0.62, left=mean, color=colour, lw=0)
        ax.axvline(mean, color="0.2", lw=0.8)
        few_ticks(ax)
        ax.set_xlabel(axis_label(name))
    words = ("lowest tenth of the factor", "highest tenth")
    entries = [
        entry(label, color=c, lw=6) for c, label in zip((LOW, HIGH), words, strict=True)
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=2)
    return captioned(
        figure,
        "The mean answer where a factor is in its lowest and its highest tenth. A factor "
        "that is correlated with others brings theirs along."
        + _chosen(len(rank), len(of.factors)),
    )


def indices(table: pd.DataFrame) -> Figure | None:
    """Draw sensitivity indices of each answer, with their intervals and directions."""
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
            how: dict[str, Any] = {"color": INDEX_COLOURS[index], "lw": 0}
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
    return captioned(
        figure,
        "Sensitivity indices with 95 % intervals. S1: the share of the variance that "
        "knowing the factor alone would take away; ST: what would be left if all others "
        "were known; PAWN: how far the distribution function moves, beside that of a "
        "dummy. + and −: the answer rises or falls with the factor. Of correlated "
        "factors, S1 and PAWN include what their partners do."
        + _chosen(len(factors), len(first)),
    )


def dependence(of: Varied, table: pd.DataFrame) -> Figure | None:
    """Draw energy against each factor: points, and median and 5-95 % by bins."""
    name = ANSWERS[2]
    factors = list(of.factors)[:MOST_FACTORS]
    if not varying(table, [name]):
        return None
    X = of.at(point_of(table))
    y, losses = table[name].to_numpy(), _losses(table)
    columns, size = min(4, len(factors)), (1.2, 1.9, 0.6, 1.9)
    figure, axes = grid(len(factors), columns, size, axis_label(name), fontsize=7)
    size = 4 if len(y) < MOST_DOTS / 2 else 2.5
    dots = np.unique(np.linspace(0, len(y) - 1, MOST_DOTS).round().astype(int))
    for k, (ax, column) in enumerate(zip(axes, factors, strict=True)):
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
    _loss_key(figure, losses)
    some = f" {len(dots):,} of {len(y):,} points are drawn." if len(dots) < len(y) else ""
    return captioned(
        figure,
        "Energy of the last discharge against each factor of the sample: points, and "
        f"lines through the 5th, 50th and 95th percentile of bins.{some}"
        + _chosen(len(factors), len(of.factors)),
    )


def voltage_band(study: Study) -> Figure | None:
    """Draw percentiles of the capacity that a discharge gives down to each voltage."""
    curves = []
    for k in range(len(study.rows)):
        out = [b for b in study.branches(k) if b[DIRECTION].iloc[0] == 1]
        if out:
            V, q = out[-1][VOLTAGE].to_numpy(), out[-1][AREA].to_numpy()
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
    return captioned(
        figure,
        "Percentiles, over the sample, of the capacity that the last discharge has given "
        "when it comes down to a voltage.",
    )


# --- Parts -----------------------------------------------------------------------------


def _losses(table: pd.DataFrame) -> dict[str, Any]:
    """Return each limiting loss with its colour, the most frequent first."""
    names = table[LIMITING].value_counts().index.tolist()
    fills = loss_fills([name for name in names if name not in ("", "none")])
    return {n: fills[n]["color"] if n in fills else "0.4" for n in names}


def _chosen(shown: int, there: int) -> str:
    return f" The first {shown} of {there} factors are shown." if shown < there else ""


def _loss_key(figure: Figure, losses: dict[str, Any]) -> None:
    entries = [
        entry(text(name), color=c, lw=0, marker="s", alpha=0.7)
        for name, c in losses.items()
        if name
    ]
    if entries:
        how: dict[str, Any] = {"loc": "outside lower center", "title": "Limiting loss"}
        figure.legend(handles=entries, ncols=min(len(entries), 4), **how)


def _bars(names: Sequence[str], factors: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a panel for each answer with a place for each factor, the first on top."""
    figure = new_figure(2.3 + 2.1 * len(names), 1.2 + 0.3 * len(factors))
    axes = list(figure.subplots(1, len(names), sharey=True, squeeze=False)[0])
    axes[0].set_yticks(range(len(factors)), [_bare(c) for c in factors])
    axes[0].set_ylim(len(factors) - 0.5, -0.5)
    for ax in axes:
        ax.tick_params(axis="y", length=0)
    return figure, axes


def _bare(column: str) -> str:
    """Return a factor without its unit."""
    return axis_label(column.partition(" [")[0])

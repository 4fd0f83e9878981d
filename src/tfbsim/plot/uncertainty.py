"""Figures of a sample: how the answers spread, and which factors make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.curve_table import AREA, DIRECTION, VOLTAGE
from ..result.columns import LIMITING
from ..result.sensitivity import ANSWERS, DUMMY, FEWEST, INDEXED, INDICES, RANK, varying
from ..result.sweep_table import Varied, point_of
from .axes import few_ticks, grid, log_x, name_rows, plane, subplots
from .labels import PER_AREA, axis_label, text
from .layout import evenly
from .looks import QUANTITIES, Colour, Look, entry, loss_fills
from .samples import Samples
from .style import LegendStyle, finished

MOST_FACTORS = 20  # of one figure
MOST_DOTS = 2000
BINS = 12  # of equal numbers of points, for the line through a cloud
TENTH = 0.1
SIGNED = 0.1  # rank correlation above which a direction is shown
VOLTAGES = 400
INDEX_COLOURS = dict(zip(INDICES, QUANTITIES, strict=True))
INDEX_NAMES = {"S1": "first order, S1", "ST": "total, ST", "PAWN": "PAWN"}
COLOURS = {"lowest tenth of the factor": QUANTITIES[1], "highest tenth": QUANTITIES[2]}
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
        edges = np.histogram_bin_edges(y, min(60, max(10, int(len(y) ** 0.5))))
        colours = list(losses.values())
        ax.hist(parts, list(edges), stacked=True, color=colours, alpha=0.55, lw=0)
        low, middle, high = np.percentile(y, (5, 50, 95))
        ax.axvspan(low, high, color="0.93", zorder=0, lw=0)
        ax.axvline(middle, color="0.2", lw=1)
        ax.set_title(f"{low:.4g} – {middle:.4g} – {high:.4g}", fontsize=8, color="0.3")
        ax.set_xlabel(axis_label(name))
    return _by_loss(figure, losses, "uncertainty")


def tornado(of: Varied, table: pd.DataFrame) -> Figure | None:
    """Draw the mean of each answer in the lowest and highest tenth of each factor."""
    names = varying(table, INDEXED)
    if not names:
        return None
    order = of.at(point_of(table)).argsort(axis=0, kind="stable")
    tenth = max(1, int(TENTH * len(order)))
    tenths = np.stack([order[:tenth], order[-tenth:]])
    # Of each answer its mean at both ends of each factor
    ends = {name: np.nanmean(table[name].to_numpy()[tenths], axis=1) for name in names}
    rank = np.argsort(-np.abs(np.diff(ends[names[0]], axis=0)[0]))[:MOST_FACTORS]
    figure, axes = _bars(names, [list(of.factors)[k] for k in rank])
    for ax, name in zip(axes, names, strict=True):
        mean = float(table[name].mean())
        for end, colour in zip(ends[name], COLOURS.values(), strict=True):
            ax.barh(range(len(rank)), end[rank] - mean, 0.62, mean, color=colour, lw=0)
        ax.axvline(mean, color="0.2", lw=0.8)
        few_ticks(ax)
        ax.set_xlabel(axis_label(name))
    key = [entry(label, color=c, lw=6) for label, c in COLOURS.items()]
    details = {"chosen": _chosen(len(rank), len(of.factors))}
    return finished(figure, "tornado", key, "outside lower center", details, ncols=2)


def indices(table: pd.DataFrame) -> Figure | None:
    """Draw sensitivity indices of each answer, with their intervals and directions."""
    if table.empty:
        return None
    names = list(dict.fromkeys(table["Answer"]))
    shown = [index for index in INDICES if index in table]
    first = table[table["Answer"] == names[0]]
    first = first.sort_values("ST" if "ST" in shown else "S1", ascending=False)
    factors = first["Factor"].tolist()[:MOST_FACTORS]
    figure, axes = _bars(names, factors)
    thick = 0.7 / len(shown)
    for ax, name in zip(axes, names, strict=True):
        own = table[table["Answer"] == name].set_index("Factor").loc[factors]
        reach = np.zeros(len(factors))
        for n, index in enumerate(shown):
            y = np.arange(len(factors)) + (n - (len(shown) - 1) / 2) * thick
            x, colour = own[index].to_numpy(), INDEX_COLOURS[index]
            ax.barh(y, x, thick * 0.9, lw=0, label=INDEX_NAMES[index], color=colour)
            if f"{index} (95 %)" in own:
                error = own[f"{index} (95 %)"].to_numpy()
                ax.errorbar(x, y, xerr=error, fmt="none", ecolor="0.2", elinewidth=0.7)
                reach = np.maximum(reach, x + error)
            else:
                dummy = own[DUMMY].iloc[0]
                ax.axvline(dummy, ls=":", lw=1.0, label="PAWN of a dummy", color=colour)
                reach = np.maximum(reach, x)
        for k, correlation in enumerate(own[RANK]):
            if abs(correlation) >= SIGNED:
                sign = "+" if correlation > 0 else "−"
                at = ax.annotate(sign, (reach[k], k), (4, 0), textcoords="offset points")
                at.set(va="center", fontsize=10)
        ax.set_xlim(min(0, ax.get_xlim()[0]), max(1.2 * float(np.max(reach)), 0.1))
        ax.axvline(0, color="0.3", lw=0.7)
        ax.set_xlabel(axis_label(name).rpartition(" (")[0])
    key = axes[0].get_legend_handles_labels()[0]
    details, n = {"chosen": _chosen(len(factors), len(first))}, len(key)
    return finished(figure, "sensitivity", key, "outside lower center", details, ncols=n)


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
    dot: Look = {"alpha": 0.4, "mew": 0, "ms": 4 if len(y) < MOST_DOTS / 2 else 2.5}
    dots = np.array(evenly(range(len(y)), MOST_DOTS))
    for x, ax, column in zip(X.T, axes, factors, strict=False):
        for loss, colour in losses.items():
            own = dots[(table[LIMITING] == loss).to_numpy()[dots]]
            ax.plot(x[own], y[own], ".", rasterized=True, **dot | {"color": colour})
        bins = np.array_split(np.argsort(x, kind="stable"), min(BINS, len(x) // 8))
        middle = [np.median(x[b]) for b in bins]
        lines = np.array([np.percentile(y[b], (5, 50, 95)) for b in bins]).T
        for line, ls in zip(lines, (":", "-", ":"), strict=True):
            ax.plot(middle, line, ls, color="black", lw=1.0)
        if x.min() > 0 and x.max() > 10 * x.min():
            log_x(ax, [float(x.min()), float(x.max())], "")
        else:
            few_ticks(ax)
        ax.set_xlabel(axis_label(column), fontsize=7)
        ax.tick_params(labelsize=7)
    some = f" {len(dots):,} of {len(y):,} points are drawn." if len(dots) < len(y) else ""
    some += _chosen(len(factors), len(of.factors))
    return _by_loss(figure, losses, "dependence", chosen=some)


def voltage_band(samples: Samples) -> Figure | None:
    """Draw percentiles of the capacity that a discharge gives down to each voltage."""
    curves = []
    for case in samples.cases:
        out = [b for b in samples.branches(case) if b[DIRECTION].iloc[0] == 1]
        if out:
            V, q = out[-1][VOLTAGE].to_numpy(), out[-1][AREA].to_numpy()
            curves.append((np.minimum.accumulate(V), q))
    if len(curves) < FEWEST:
        return None
    ends = min(V[-1] for V, _ in curves), max(V[0] for V, _ in curves)
    V = np.linspace(*ends, VOLTAGES)
    # A cell that starts below V has given nothing there; one that ended, all it gives
    q = np.array([np.interp(-V, -down, own) for down, own in curves])
    low, quarter, median, three, high = np.percentile(q, (5, 25, 50, 75, 95), axis=0)
    figure, ax = plane(4.6, 3.3)
    ax.fill_betweenx(V, low, high, alpha=0.2, label="5–95 %", color=BAND, lw=0)
    ax.fill_betweenx(V, quarter, three, alpha=0.35, label="25–75 %", color=BAND, lw=0)
    ax.plot(median, V, color=BAND, label="median")
    ax.set_xlim(left=0)
    ax.set(xlabel=f"Capacity {PER_AREA}", ylabel="Voltage (V)")
    ax.legend(title=f"{len(curves):,} discharges", loc="lower left")
    return finished(figure, "voltage-band")


# --- Parts -----------------------------------------------------------------------------


def _losses(table: pd.DataFrame) -> dict[str, Colour]:
    """Return each limiting loss with its colour, the most frequent first."""
    names = table[LIMITING].value_counts().index.tolist()
    fills = loss_fills([name for name in names if name not in ("", "none")])
    return {n: fills[n]["color"] if n in fills else "0.4" for n in names}


def _chosen(shown: int, there: int) -> str:
    return f" The first {shown} of {there} factors are shown." if shown < there else ""


def _by_loss(
    figure: Figure, losses: Mapping[str, Colour], name: str, chosen: str = ""
) -> Figure:
    """Return a figure with its caption and the key of the limiting losses."""
    square: Look = {"lw": 0, "marker": "s", "alpha": 0.7}
    key = [entry(text(loss), square, color=c) for loss, c in losses.items() if loss]
    how: LegendStyle = {"ncols": min(len(key), 4), "title": "Limiting loss"}
    details = {"chosen": chosen}
    return finished(figure, name, key, "outside lower center", details, **how)


def _bars(names: Sequence[str], factors: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a panel for each answer with a place for each factor, the first on top."""
    size = 2.3 + 2.1 * len(names), 1.2 + 0.3 * len(factors)
    figure, axes = subplots(*size, 1, len(names), sharey=True)
    labels = [axis_label(c.partition(" [")[0]) for c in factors]
    name_rows(axes[0, 0], labels)
    for ax in axes[0, 1:]:
        ax.tick_params(axis="y", length=0)
    return figure, list(axes[0])

"""Axes: made in rows and columns, scaled, and with ticks that are plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypedDict, Unpack

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

from .labels import PER_AREA, PER_MASS, number, rate


class Shape(TypedDict, total=False):
    """What axes share, and how their sizes go together."""

    sharex: bool | Literal["col"]
    sharey: bool | Literal["row"]
    height_ratios: Sequence[float]
    width_ratios: Sequence[float]


def subplots(
    width: float, height: float, rows: int = 1, columns: int = 1, **how: Unpack[Shape]
) -> tuple[Figure, np.ndarray]:
    """Return a figure [inch] and its axes, shape (rows, columns)."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes: np.ndarray = figure.subplots(rows, columns, squeeze=False, **how)
    return figure, axes


def plane(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure [inch] and its only axes."""
    figure, axes = subplots(width, height)
    return figure, axes[0, 0]


def grid(
    number: int,
    columns: int,
    size: tuple[float, float, float, float],
    label: str = "Voltage (V)",
    sharey: bool = True,
    fontsize: float = 9,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels in rows, labelled on the left.

    ``size`` is the width of the margin and of a panel, and the height of both [inch].
    """
    rows = -(-number // columns)
    width, wide, height, high = size
    inches = width + wide * columns, height + high * rows
    figure, axes = subplots(*inches, rows, columns, sharey=sharey)
    for ax in axes.flat[number:]:
        ax.remove()
    for row in axes:
        row[0].set_ylabel(label, fontsize=fontsize)
    return figure, list(axes.flat[:number])


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows of horizontal bars, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def near_zero(ax: Axes, residuals: Sequence[np.ndarray], least: float = 0.0) -> None:
    """Limit an axis to the bulk of residuals [mV]; a steep end runs out of it."""
    values = np.abs(np.concatenate([r for r in residuals if len(r)] or [np.zeros(1)]))
    bulk, most = float(np.quantile(values, 0.95)), float(values.max(initial=0.0))
    reach = max(2 * bulk, least)
    if most > 1.25 * reach > 0:
        ax.set_ylim(-reach, reach)
        words = f"largest {most:.0f} mV, beyond the scale"
        ax.text(0.02, 0.05, words, transform=ax.transAxes, fontsize=7, color="0.35")


def both_units(
    ax: Axes, loading: float | None, by_area: bool, axis: Literal["x", "y"] = "y"
) -> None:
    """Label a capacity axis, and the opposite one in the other unit."""
    word = "Capacity " if axis == "x" else "Discharge capacity "
    unit, other = (PER_AREA, PER_MASS) if by_area else (PER_MASS, PER_AREA)
    ax.set(**{f"{axis}label": word + unit})
    if loading is None:
        return
    factor = 1 / loading if by_area else loading
    functions = (lambda v: v * factor, lambda v: v / factor)
    if axis == "x":
        ax.secondary_xaxis("top", functions=functions).set_xlabel(word + other)
        ax.tick_params(top=False)
    else:
        ax.secondary_yaxis("right", functions=functions).set_ylabel(word + other)
        ax.tick_params(right=False)


def plain_log(axis: Axis) -> None:
    """Set ticks of a logarithmic axis as plain numbers, with 2 and 5 on a short one."""
    low, high = axis.get_view_interval()
    # else 3×10⁻⁶ and its like would collide
    short = high / low < 300 and low >= 1e-3 and high < 1e5
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if short else (1,)))
    axis.set_major_formatter(lambda value, _: number(value))
    axis.set_minor_formatter(NullFormatter())


def few_ticks(ax: Axes) -> None:
    """Set at most four ticks along x, as plain numbers: for a narrow panel."""
    ax.xaxis.set_major_locator(MaxNLocator(4))
    if max(map(abs, ax.get_xlim())) < 1e-3:  # else an offset stands on the label
        ax.xaxis.set_major_formatter(lambda value, _: number(value))


def log_x(ax: Axes, values: Iterable[float], column: str) -> None:
    """Set a logarithmic axis where the values ask for it, with ticks at rates."""
    values = sorted({v for v in values if v > 0})
    wide = len(values) > 1 and values[-1] / values[0] > 10
    if column == "C-rate" or wide:
        ax.set_xscale("log")
    if column == "C-rate" and len(values) <= 8:
        kept = values[:1]
        for v in values[1:]:
            if v / kept[-1] > (values[-1] / values[0]) ** 0.08:
                kept.append(v)
        ax.set_xticks(kept, [rate(v) for v in kept])
        ax.xaxis.set_minor_locator(NullLocator())
    elif column == "C-rate" or wide:
        plain_log(ax.xaxis)

"""Discharge capacity over two varied quantities, and what limited it where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy.interpolate import PchipInterpolator, RegularGridInterpolator
from scipy.spatial import KDTree

from ..result.columns import LIMITING
from ..result.losses import LOSSES
from .study import CURRENT, RATES, Study
from .style import (
    DASHED,
    PER_AREA,
    PER_MASS,
    axis_label,
    captioned,
    greys,
    lay_out,
    log_x,
    missing,
    new_figure,
    plain_log,
    text,
)

MOST_MARKS = 14  # along a side; more would cover the map
LEAST = 4  # values of each quantity; lines show fewer as well
COVERED = 0.75  # of the grid, the other cases having failed
FINE = 12  # points drawn between two that were computed
NONE = "none"  # nothing limits: the equilibrium capacity was delivered
# Marks are white and told apart by their shape: every grey is one of the map
MARKS = {NONE: ".", **dict(zip(LOSSES, cycle("ov^sDPX*phd")))}
LINE = "#D55E00"
LUMINANCE = np.array([0.3, 0.6, 0.1])  # of red, green and blue
LABEL = 7  # points, size of the numbers on the contours
CLEAR = 6.5  # points between the middle of such a number and what it must not cover


@dataclass(frozen=True)
class Grid:
    """Two quantities and what was found over them."""

    columns: tuple[str, str]  # the quantities along x and y
    x: np.ndarray  # their values, ascending
    y: np.ndarray
    cases: list[tuple[int, int, dict[str, Any]]]  # places along x and y, summary

    def values(self, name: str) -> np.ndarray:
        """Return a column of the summary, shape (x, y); NaN where a case is not there."""
        found = np.full((len(self.x), len(self.y)), np.nan)
        for i, j, row in self.cases:
            found[i, j] = row[name]
        return found


def grid_of(study: Study) -> Grid | None:
    """Return the grid that the cases form over exactly two numbers, if they do."""
    factors = list(study.factors)
    currents = [c for c in factors if c.endswith(CURRENT)]
    if any(len(study.column(c)) == len(study.rows) for c in currents):
        # the C-rate only follows from a current and a thickness
        factors = [c for c in factors if c not in RATES]
    if len(factors) != 2 or not all(map(study.is_numeric, factors)):
        return None
    x, y = sorted(factors, key=lambda c: c != "C-rate" and c not in currents)
    if any(len(study.column(c)) < len(study.rows) for c in (x, y)):
        return None
    # A C-rate is a current over another: the same to a few digits less than written
    pairs = [(float(f"{row[x]:.9g}"), float(f"{row[y]:.9g}")) for row in study.rows]
    along = [np.unique(values) for values in zip(*pairs, strict=True)]
    places = len(along[0]) * len(along[1])
    if min(map(len, along)) < LEAST or len(pairs) < COVERED * places:
        return None
    if len(set(pairs)) < len(pairs):
        return None
    cases = []
    for (a, b), row in zip(pairs, study.rows, strict=True):
        i, j = np.searchsorted(along[0], a), np.searchsorted(along[1], b)
        cases.append((int(i), int(j), row))
    return Grid((x, y), along[0], along[1], cases)


def capacity_map(
    study: Study, line: tuple[Sequence[float], Sequence[float], str] | None = None
) -> Figure | None:
    """Draw discharge capacity of the last cycle as a map, by area and by mass.

    Parameters
    ----------
    study : Study
        Drawn if its cases form a grid over exactly two numbers.
    line : tuple, optional
        Values along x and y and a name: a line to draw on the map, an estimate say.
    """
    grid = grid_of(study)
    if grid is None:
        return None
    units = [("[uA.h.cm-2]", PER_AREA), ("[mA.h.g-1]", PER_MASS)]
    if study.loading is not None:  # the same picture twice
        units = units[:1] if study.measured_by_area else units[1:]
    figure = new_figure(1.0 + 3.1 * len(units), 4.1)
    axes = figure.subplots(1, len(units), sharey=True, squeeze=False)[0]
    marked = {
        (i, j): "" if missing(row.get(LIMITING)) else str(row[LIMITING])
        for i, j, row in grid.cases
    }
    shown = _thinned(grid, marked)
    drawn = []
    for ax, (unit, label) in zip(axes, units, strict=True):
        _axes(ax, grid)
        found = _filled(ax, grid, grid.values(f"Discharge capacity {unit}"))
        bar = figure.colorbar(found[0], ax=ax, location="top", aspect=28, pad=0.02)
        bar.set_label(f"Discharge capacity {label}")
        bar.ax.tick_params(direction="out")
        entries = _marks(ax, grid, shown)
        if line is not None:
            how: dict[str, Any] = {"color": LINE, "lw": 1.8, "ls": DASHED}
            how |= {"label": text(line[2]), "scalex": False, "scaley": False}
            entries += ax.plot(line[0], line[1], **how)
        drawn.append((ax, found[1]))
    axes[0].set_ylabel(axis_label(grid.columns[1]))
    if entries:
        title = "Limiting loss" if any(marked.values()) else None
        columns = min(len(entries), 2 * len(units))
        figure.legend(
            handles=entries, loc="outside lower center", ncols=columns, title=title
        )
    lay_out(figure)  # the numbers need the final size of the axes
    for ax, lines in drawn:
        _number(ax, grid, lines, figure.dpi)
    names = [axis_label(c).partition(" (")[0] for c in grid.columns]
    words = f"Discharge capacity of the last cycle over {names[0]} and "
    words += f"{names[1][:1].lower()}{names[1][1:]}, interpolated between the cases."
    if entries:
        some = f"{len(shown):,} of the {len(grid.cases):,} cases have a mark;"
        every = "Each case has a mark;"
        words += f" {some if len(shown) < len(grid.cases) else every} it shows "
        words += "which loss limited the discharge: none where it delivered 99 % of the "
        words += "equilibrium capacity or more."
    return captioned(figure, words)


def _is_log(values: np.ndarray, column: str) -> bool:
    return values[0] > 0 and (column == "C-rate" or values[-1] / values[0] > 10)


def _axes(ax: Axes, grid: Grid) -> None:
    """Set scales, ticks and limits, with a margin for the marks."""
    if _is_log(grid.y, grid.columns[1]):
        ax.set_yscale("log")
    for axis, values in (("x", grid.x), ("y", grid.y)):
        ends = values[[0, -1]]
        log = _is_log(values, grid.columns["xy".index(axis)])
        low, high = np.log(ends) if log else ends
        margin = 0.04 * (high - low)
        limits = np.array([low - margin, high + margin])
        getattr(ax, f"set_{axis}lim")(np.exp(limits) if log else limits)
    log_x(ax, grid.x.tolist(), grid.columns[0])
    ax.set_xlabel(axis_label(grid.columns[0]))
    if ax.get_yscale() == "log":
        plain_log(ax.yaxis)


def _filled(
    ax: Axes, grid: Grid, values: np.ndarray
) -> tuple[ContourSet, ContourSet | None]:
    """Draw filled bands and lines between them, interpolated on the axes' scales."""
    known, wanted, shown = [], [], []
    for along, column in zip((grid.x, grid.y), grid.columns, strict=True):
        log = _is_log(along, column)
        known.append(np.log(along) if log else along)
        steps = np.arange((len(along) - 1) * FINE + 1) / FINE
        wanted.append(np.interp(steps, np.arange(len(along)), known[-1]))
        shown.append(np.exp(wanted[-1]) if log else wanted[-1])
    failed = np.isnan(values)
    if failed.any():  # no slope of what is not there
        mesh = tuple(np.meshgrid(*wanted, indexing="ij"))
        filled = np.where(failed, 0.0, values)
        found = RegularGridInterpolator(tuple(known), filled)(mesh)
    else:  # monotone between the points
        found = PchipInterpolator(known[0], values, axis=0)(wanted[0])
        found = PchipInterpolator(known[1], found, axis=1)(wanted[1])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    table = np.ma.array(np.clip(found, low, high), mask=_gaps(failed))
    inner = low, high
    if high - low <= 1e-6 * abs(high):  # the same everywhere
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    locator = MaxNLocator(9, steps=[1, 2, 2.5, 5, 10])
    levels = np.array(locator.tick_values(low, high))
    cmap, norm = greys(), Normalize(levels[0], levels[-1])
    whole: dict[str, Any] = {"corner_mask": False}
    bands = ax.contourf(*shown, table.T, levels=levels, cmap=cmap, norm=norm, **whole)
    inside = levels[(levels > inner[0]) & (levels < inner[1])]
    if not len(inside):
        return bands, None
    # white on dark bands, black on light ones
    light = cmap(norm(inside))[:, :3] @ LUMINANCE > 0.45
    colours = ["black" if bright else "white" for bright in light]
    how = {"levels": inside, "colors": colours, "linewidths": 0.7, **whole}
    return bands, ax.contour(*shown, table.T, **how)


def _gaps(failed: np.ndarray) -> np.ndarray:
    """Return which fine points lie in a field of the grid with a corner missing."""
    field = failed[:-1, :-1] | failed[1:, :-1] | failed[:-1, 1:] | failed[1:, 1:]
    inside = np.zeros((FINE, FINE), bool)
    inside[1:, 1:] = True  # the first of each is on a line of the grid
    return np.pad(np.kron(field, inside), ((0, 1), (0, 1)))


def _thinned(
    grid: Grid, marked: dict[tuple[int, int], str]
) -> dict[tuple[int, int], str]:
    """Return some of the marks, at most ``MOST_MARKS`` along each side."""
    every_x, every_y = (-(-len(along) // MOST_MARKS) for along in (grid.x, grid.y))
    return {
        (i, j): loss
        for (i, j), loss in marked.items()
        if i % every_x == 0 and j % every_y == 0
    }


def _marks(ax: Axes, grid: Grid, marked: dict[tuple[int, int], str]) -> list[Line2D]:
    """Draw a mark for each case by its limiting loss; return legend entries."""
    entries = []
    named = [*MARKS, *sorted(set(marked.values()) - {*MARKS, ""})]
    for loss in named:
        at = [place for place, found in marked.items() if found == loss]
        if not at:
            continue
        i, j = np.array(at).T
        how: dict[str, Any] = {"mfc": "white", "mec": "black", "ms": 4.5, "mew": 0.7}
        how |= {"ls": "", "marker": MARKS.get(loss, "*"), "label": text(loss)}
        entries += ax.plot(grid.x[i], grid.y[j], **how)
    return entries


def _number(ax: Axes, grid: Grid, lines: ContourSet | None, inch: float) -> None:
    """Write the level of each line where it is clear of marks, frame and other lines."""
    if lines is None:
        return

    def points(data: Any) -> np.ndarray:
        return ax.transData.transform(data) * 72 / inch

    box = np.array(ax.get_window_extent().get_points()) * 72 / inch
    i, j = np.array([*_thinned(grid, {(i, j): "" for i, j, _ in grid.cases})]).T
    occupied = points(np.stack([grid.x[i], grid.y[j]], axis=1))
    paths = [np.asarray(path.vertices) for path in lines.get_paths()]
    paths = [path for path in paths if len(path)]
    drawn = [points(path) for path in paths]
    placed: list[Any] = []
    for k, at in enumerate(drawn):
        others = np.concatenate([occupied, *drawn[:k], *drawn[k + 1 :]])
        edge = np.minimum(at - box[0], box[1] - at).min(axis=1)
        room = np.minimum(edge / 2, KDTree(others).query(at)[0])
        best = int(np.argmax(room))
        if room[best] >= CLEAR:
            placed.append(paths[k][best])
            occupied = np.vstack([occupied, at[best]])
    if placed:
        ax.clabel(lines, manual=placed, fontsize=LABEL, fmt="%g", inline_spacing=2)

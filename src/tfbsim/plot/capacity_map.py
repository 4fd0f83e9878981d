"""Discharge capacity over two varied quantities, and what limited it where."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

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
from .axes import log_x, plain_log, subplots
from .cases import CURRENT, RATES, Cases
from .drawing import lay_out
from .labels import PER_AREA, PER_MASS, axis_label, missing, text
from .looks import Look, shades
from .style import LegendStyle, finished

MOST_MARKS = 14  # along a side; more would cover the map
LEAST = 4  # values of each quantity; lines show fewer as well
COVERED = 0.75  # of the grid, the other cases having failed
FINE = 12  # points drawn between two that were computed
NONE = "none"  # nothing limits: the equilibrium capacity was delivered
# Marks are white and told apart by their shape: every grey is one of the map
MARKS = {NONE: ".", **dict(zip(LOSSES, cycle("ov^sDPX*phd")))}
MARK: Look = {"ls": "", "mfc": "white", "mec": "black", "ms": 4.5, "mew": 0.7}
LUMINANCE = np.array([0.3, 0.6, 0.1])  # of red, green and blue
LABEL = 7  # points, size of the numbers on the contours
CLEAR = 6.5  # points between the middle of such a number and what it must not cover


@dataclass(frozen=True)
class Grid:
    """Two quantities and what was found over them."""

    columns: tuple[str, str]  # the quantities along x and y
    x: np.ndarray  # their values, ascending
    y: np.ndarray
    cases: Cases
    i: np.ndarray  # the place of each case along x and y
    j: np.ndarray

    def values(self, name: str) -> np.ndarray:
        """Return a column of the summary, shape (x, y); NaN where a case is not there."""
        found = np.full((len(self.x), len(self.y)), np.nan)
        found[self.i, self.j] = self.cases.numbers(name, self.cases.rows)
        return found

    @property
    def log(self) -> list[bool]:
        """Whether the scale of each quantity is logarithmic."""
        return [
            v[0] > 0 and (name == "C-rate" or v[-1] / v[0] > 10)
            for v, name in zip((self.x, self.y), self.columns, strict=True)
        ]


def grid_of(cases: Cases) -> Grid | None:
    """Return the grid that the cases form over exactly two numbers, if they do."""
    factors, rows = cases.factors, cases.rows
    currents = [c for c in factors if c.endswith(CURRENT)]
    if any(len(cases.column(c)) == len(rows) for c in currents):
        # the C-rate only follows from a current and a thickness
        factors = [c for c in factors if c not in RATES]
    if len(factors) != 2 or not all(map(cases.is_numeric, factors)):
        return None
    x, y = sorted(factors, key=lambda c: c != "C-rate" and c not in currents)
    if any(len(cases.column(c)) < len(rows) for c in (x, y)):
        return None
    # A C-rate is a current over another: the same to a few digits less than written
    values = (cases.numbers(c, rows) for c in (x, y))
    pairs = np.array([[float(f"{v:.9g}") for v in column] for column in values]).T
    (along_x, i), (along_y, j) = (np.unique(v, return_inverse=True) for v in pairs.T)
    places = len(along_x) * len(along_y)
    if min(len(along_x), len(along_y)) < LEAST or len(pairs) < COVERED * places:
        return None
    if len(np.unique(pairs, axis=0)) < len(pairs):
        return None
    return Grid((x, y), along_x, along_y, cases, i, j)


def capacity_map(cases: Cases) -> Figure | None:
    """Draw discharge capacity of the last cycle as a map, by area and by mass, if the
    cases form a grid over exactly two numbers."""
    grid = grid_of(cases)
    if grid is None:
        return None
    units = {"[uA.h.cm-2]": PER_AREA, "[mA.h.g-1]": PER_MASS}
    if cases.loading is not None:  # the same picture twice
        del units["[mA.h.g-1]" if cases.measured_by_area else "[uA.h.cm-2]"]
    size = 1.0 + 3.1 * len(units), 4.1
    figure, axes = subplots(*size, 1, len(units), sharey=True)
    limits = [row.get(LIMITING) for row in cases.rows.values()]
    losses = np.array(["" if missing(loss) else str(loss) for loss in limits])
    every_x, every_y = (-(-len(along) // MOST_MARKS) for along in (grid.x, grid.y))
    marked = (grid.i % every_x == 0) & (grid.j % every_y == 0)
    drawn = []
    for ax, (unit, label) in zip(axes[0], units.items(), strict=True):
        _scales(ax, grid)
        bands, lines = _filled(ax, grid, grid.values(f"Discharge capacity {unit}"))
        bar = figure.colorbar(bands, ax=ax, location="top", aspect=28, pad=0.02)
        bar.set_label(f"Discharge capacity {label}")
        bar.ax.tick_params(direction="out")
        entries = _marks(ax, grid, np.where(marked, losses, ""))
        drawn.append((ax, lines))
    names = [axis_label(c) for c in grid.columns]
    axes[0, 0].set_ylabel(names[1])
    names = [name.partition(" (")[0] for name in names]
    marks = ""
    if entries:
        some = f"{marked.sum():,} of the {len(marked):,} cases have a mark;"
        marks = f" {'Each case has a mark;' if marked.all() else some} it shows which "
        marks += "loss limited the discharge: none where it delivered 99 % of the "
        marks += "equilibrium capacity or more."
    details = {"x": names[0], "y": names[1][:1].lower() + names[1][1:], "marks": marks}
    n = min(len(entries), 2 * len(units))
    how: LegendStyle = {"title": "Limiting loss", "ncols": n}
    finished(figure, "capacity-map", entries, "outside lower center", details, **how)
    lay_out(figure)  # the numbers need the final size of the axes
    for ax, lines in drawn:
        if lines is not None:
            _number(ax, lines, grid.x[grid.i[marked]], grid.y[grid.j[marked]])
    return figure


def _scales(ax: Axes, grid: Grid) -> None:
    """Set scales, ticks and limits, with a margin for the marks."""
    if grid.log[1]:
        ax.set_yscale("log")
    for axis, values, log in zip("xy", (grid.x, grid.y), grid.log, strict=True):
        low, high = np.log(values[[0, -1]]) if log else values[[0, -1]]
        margin = 0.04 * (high - low)
        limits = np.array([low - margin, high + margin])
        ax.set(**{f"{axis}lim": np.exp(limits) if log else limits})
    log_x(ax, grid.x, grid.columns[0])
    ax.set_xlabel(axis_label(grid.columns[0]))
    if grid.log[1]:
        plain_log(ax.yaxis)


def _filled(
    ax: Axes, grid: Grid, values: np.ndarray
) -> tuple[ContourSet, ContourSet | None]:
    """Draw filled bands and lines between them, interpolated on the axes' scales."""
    scales = list(zip((grid.x, grid.y), grid.log, strict=True))
    known = [np.log(along) if log else along for along, log in scales]
    wanted = [_finer(along) for along in known]
    shown = [np.exp(w) if log else w for w, log in zip(wanted, grid.log, strict=True)]
    failed = np.isnan(values)
    if failed.any():  # no slope of what is not there
        mesh = tuple(np.meshgrid(*wanted, indexing="ij"))
        filled = np.where(failed, 0.0, values)
        found = RegularGridInterpolator(known, filled)(mesh)
    else:  # monotone between the points
        found = PchipInterpolator(known[0], values, axis=0)(wanted[0])
        found = PchipInterpolator(known[1], found, axis=1)(wanted[1])
    low, high = inner = float(np.nanmin(values)), float(np.nanmax(values))
    table = np.ma.array(np.clip(found, low, high), mask=_gaps(failed)).T
    if high - low <= 1e-6 * abs(high):  # the same everywhere
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    levels = np.array(MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    cmap, norm = shades("Greys"), Normalize(levels[0], levels[-1])
    bands = ax.contourf(
        *shown, table, levels=levels, cmap=cmap, norm=norm, corner_mask=False
    )
    inside = levels[(levels > inner[0]) & (levels < inner[1])]
    if not len(inside):
        return bands, None
    # white on dark bands, black on light ones
    light = cmap(norm(inside))[:, :3] @ LUMINANCE > 0.45
    return bands, ax.contour(
        *(*shown, table),
        levels=inside,
        colors=np.where(light, "black", "white").tolist(),
        linewidths=0.7,
        corner_mask=False,
    )


def _finer(values: np.ndarray) -> np.ndarray:
    """Return values with others evenly between them."""
    places = np.arange(len(values))
    return np.interp(np.arange(places[-1] * FINE + 1) / FINE, places, values)


def _gaps(failed: np.ndarray) -> np.ndarray:
    """Return which fine points lie in a field of the grid with a corner missing."""
    field = failed[:-1, :-1] | failed[1:, :-1] | failed[:-1, 1:] | failed[1:, 1:]
    inside = np.zeros((FINE, FINE), bool)
    inside[1:, 1:] = True  # the first of each is on a line of the grid
    return np.pad(np.kron(field, inside), ((0, 1), (0, 1)))


def _marks(ax: Axes, grid: Grid, losses: np.ndarray) -> list[Line2D]:
    """Draw a mark for each case by its limiting loss; return legend entries."""
    entries = []
    for loss in dict.fromkeys([*MARKS, *sorted(losses)]):
        at = losses == loss
        if loss and at.any():
            look: Look = MARK | {"marker": MARKS.get(loss, "*")}
            x, y = grid.x[grid.i[at]], grid.y[grid.j[at]]
            entries += ax.plot(x, y, label=text(loss), **look)
    return entries


def _number(ax: Axes, lines: ContourSet, x: np.ndarray, y: np.ndarray) -> None:
    """Write the level of each line where it is clear of marks, frame and other lines."""
    point = 72 / ax.get_figure().dpi  # type: ignore[union-attr]

    def points(data: np.ndarray) -> np.ndarray:
        return ax.transData.transform(data) * point

    low, high = np.array(ax.get_window_extent().get_points()) * point
    occupied = points(np.stack([x, y], axis=1))
    vertices = [np.asarray(path.vertices) for path in lines.get_paths()]
    paths = [path for path in vertices if len(path)]
    drawn = [points(path) for path in paths]
    placed: list[np.ndarray] = []
    for k, at in enumerate(drawn):
        others = np.concatenate([occupied, *drawn[:k], *drawn[k + 1 :]])
        edge = np.minimum(at - low, high - at).min(axis=1)
        room = np.minimum(edge / 2, KDTree(others).query(at)[0])
        best = int(np.argmax(room))
        if room[best] >= CLEAR:
            placed.append(paths[k][best])
            occupied = np.vstack([occupied, at[best]])
    if placed:
        ax.clabel(lines, manual=placed, fontsize=LABEL, fmt="%g", inline_spacing=2)

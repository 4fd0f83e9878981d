"""Panels of curves: axes, key, and notes on what a reader cannot see.

A curve that lies on another is named in a note, and so is a selection.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar, Unpack

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from .axes import plain_log, subplots
from .looks import LINE_STYLES, POINTS, Colour, LineStyle, Look, entry
from .style import STYLE, finished

COINCIDE = 0.004  # of the axes: lines nearer to each other look like one
NEARLY_ALL = 0.97  # of their length

Group = TypeVar("Group", bound=Hashable)  # of curves: a case, say, or a series of cases
Item = TypeVar("Item")
Panels: TypeAlias = list[tuple[str, list[Group]]]  # title, and groups


@dataclass
class Layout(Generic[Group]):
    """Panels of groups, each group with its colour, line style and label, and the key."""

    panels: Panels[Group]
    colour: dict[Group, Colour]
    style: dict[Group, LineStyle]
    label: dict[Group, str]
    bar: tuple[ScalarMappable, str] | None = None
    notes: list[str] = field(default_factory=list)
    apart: set[Group] = field(default_factory=set)  # groups of points that are no line
    # Of what curves are, group and axes: their points (n, 2), in the order drawn
    curves: dict[tuple[str, Group, Axes], list[np.ndarray]] = field(default_factory=dict)
    figure: Figure = field(init=False)
    axes: np.ndarray = field(init=False)  # (rows, panels)

    def look(self, group: Group) -> Look:
        """Return how a line looks, or points that are none."""
        style = self.style.get(group, "-")
        if group not in self.apart:
            return {"color": self.colour[group], "ls": style}
        k = LINE_STYLES.index(style)
        size = 5 + 2 * (k == 0)
        return {"color": self.colour[group], "ls": "", "marker": POINTS[k], "ms": size}

    def line(
        self,
        ax: Axes,
        group: Group,
        x: ArrayLike,
        y: ArrayLike,
        of: str = "",
        **look: Unpack[Look],
    ) -> None:
        """Draw a curve that the key names where others hide it.

        ``of`` says what of the group the curve is, where it has others; ``look`` goes
        over :meth:`look`.
        """
        ax.plot(x, y, **(self.look(group) | look))
        self.curves.setdefault((of, group, ax), []).append(np.column_stack([x, y]))

    @property
    def groups(self) -> list[Group]:
        """All groups that are drawn."""
        return [group for _, members in self.panels for group in members]

    def draw(
        self, height: float = 3.3, rows: int = 1
    ) -> Iterator[tuple[Group, np.ndarray]]:
        """Make axes, a column a panel; yield each group with those of its panel."""
        columns = len(self.panels)
        width = 5.2 if columns == 1 else 1.1 + 2.0 * columns
        inches = width, height * (1 if rows == 1 else 0.8 * rows)
        self.figure, self.axes = subplots(
            *inches, rows, columns, sharex=True, sharey="row"
        )
        for ax, (name, _) in zip(self.axes[0], self.panels, strict=True):
            ax.set_title(name)
        return self.places()

    def places(self) -> Iterator[tuple[Group, np.ndarray]]:
        """Yield each group with the axes of its panel, one for each row."""
        for c, (_, members) in enumerate(self.panels):
            for group in members:
                yield group, self.axes[:, c]

    def finish(
        self,
        name: str,
        x: str,
        *y: str,
        more: Sequence[Line2D] = (),
        details: Mapping[str, object] | None = None,
        own: bool = True,
    ) -> Figure:
        """Return the figure with labels along x and of each row, notes, and the colour
        bar or the legend: ``own`` entries for the groups, and ``more``.

        The caption is that of the name, ``details`` being what it leaves open.
        """
        figure = self.figure
        for ax, label in zip(self.axes[:, 0], y, strict=True):
            ax.set_ylabel(label)
        if len(self.panels) == 1:
            self.axes[-1, 0].set_xlabel(x)
        else:
            figure.supxlabel(x, fontsize=STYLE["axes.labelsize"])
        if not self.bar:  # whose colours are in order, and so are the curves
            self.notes += _hidden(self.curves, self.label, len(self.panels) > 1)
        if self.notes:
            words, (width, height) = "; ".join(self.notes), figure.get_size_inches()
            figure.suptitle(words, fontsize=8, color="0.35", wrap=True)
            figure.set_figheight(height + 0.14 * len(words) / (16 * width))  # by lines
        handles = list(more)
        if self.bar:
            scale, label = self.bar
            axes = list(self.axes.flat)
            bar = figure.colorbar(scale, ax=axes, label=label, aspect=30, pad=0.02)
            bar.ax.tick_params(which="both", direction="out")
            if isinstance(scale.norm, LogNorm):
                plain_log(bar.ax.yaxis)
            if handles:
                axes[0].legend(handles=handles, loc="best")
            return finished(figure, name, details=details)
        if own and len(groups := set(self.groups)) > 1:
            first: dict[str, Group] = {}  # group of each label
            for group in filter(groups.__contains__, self.label):
                first.setdefault(self.label[group], group)
            handles[:0] = [entry(words, self.look(g)) for words, g in first.items()]
        return finished(figure, name, handles, details=details, handlelength=2.2)


def _hidden(
    curves: Mapping[tuple[str, Group, Axes], list[np.ndarray]],
    label: Mapping[Group, str],
    titled: bool,
) -> list[str]:
    """Return notes on groups whose curves lie on those of another, or wholly under them,
    for each row of axes and for each of what curves are."""
    drawn: dict[tuple[int, str, Axes], list[tuple[str, np.ndarray]]] = {}
    for (of, group, ax), parts in curves.items():
        row = ax.get_subplotspec().rowspan.start  # type: ignore[union-attr]
        points = label[group], _in_axes(ax, parts)
        drawn.setdefault((row, of, ax), []).append(points)
    names = {row: ax.get_ylabel() for row, _, ax in drawn if ax.get_ylabel()}
    several = len({row for row, *_ in drawn}) > 1
    notes: dict[str, dict[str, list[str]]] = {}  # of each note the curves, and where
    for (row, of, ax), found in sorted(drawn.items(), key=lambda item: item[0][0]):
        of_row = names.get(row, "").partition(" (")[0].lower()
        where = [of_row] * several + [of] * bool(of)
        for what, words in _coinciding(found):
            note = notes.setdefault(", ".join([*where, what]), {})
            note.setdefault(words, []).append(ax.get_title() if titled else "")
    lines = []
    for what, note in notes.items():
        named = []
        for words, titles in note.items():
            panels = ", ".join(dict.fromkeys(filter(None, titles)))
            named.append(f"{words} ({panels})" if panels else words)
        lines.append(f"{what}: {'; '.join(named)}")
    return lines


def _coinciding(drawn: Sequence[tuple[str, np.ndarray]]) -> Iterator[tuple[str, str]]:
    """Yield which of the labelled curves of an axes are the same, and which hidden."""
    same: dict[int, list[str]] = {}  # of a curve, it and those equal to it
    under: dict[int, str] = {}
    trees: dict[int, KDTree] = {}
    for n, (label, points) in enumerate(drawn):
        if not len(points):
            continue
        tree = KDTree(points)
        for k, before in trees.items():
            words, others = drawn[k]
            if words == label or k in under:
                continue
            away = tree.query(others)[0]
            if np.quantile(away, NEARLY_ALL) >= COINCIDE:
                continue
            both = np.concatenate([away, before.query(points)[0]])
            if np.quantile(both, NEARLY_ALL) < COINCIDE:
                same.setdefault(k, [words]).append(label)
                break
            under[k] = f"{words} under {label}"
        else:
            trees[n] = tree
    yield from (("the same curve", " = ".join(labels)) for labels in same.values())
    yield from (("hidden", words) for words in under.values())


def _in_axes(ax: Axes, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return points along curves, near each other, in fractions of the axes."""
    found = [np.empty((0, 2))]
    ax.get_xlim(), ax.get_ylim()  # by which the limits are made of what was drawn
    to_axes = ax.transData + ax.transAxes.inverted()
    for part in parts:
        xy = to_axes.transform(part)
        xy = xy[np.isfinite(xy).all(axis=1)]
        if len(xy) < 2:
            continue
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        number = 1 + int(np.clip(along[-1] / (COINCIDE / 2), 50, 5000))
        even = np.linspace(0, along[-1], number)
        found.append(np.stack([np.interp(even, along, v) for v in xy.T], axis=1))
    return np.concatenate(found)


def evenly(items: Sequence[Item], number: int) -> list[Item]:
    """Return at most ``number`` items, evenly chosen, both ends among them if several."""
    if number == 1:
        return [items[len(items) // 2]]
    if len(items) <= number:
        return list(items)
    rows = np.unique(np.linspace(0, len(items) - 1, number).round().astype(int))
    return [items[k] for k in rows]

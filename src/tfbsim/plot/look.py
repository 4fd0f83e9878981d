"""Which cases are drawn, in which panel and colour, and the key to them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .study import Study
from .style import (
    CELL,
    QUALITATIVE,
    axis_label,
    key_label,
    missing,
    new_figure,
    plain_log,
    title,
    viridis,
)

FEW = len(QUALITATIVE)  # cases told apart by a legend
MANY = 24  # cases drawn in one figure
PANELS = 4

Values = Mapping[Any, Mapping[str, Any]]  # of each group: its factors


@dataclass
class Look:
    """Panels of groups, each group with its colour, and the key to them."""

    panels: list[tuple[str, list[Any]]]
    colour: dict[Any, Any]
    label: dict[Any, str]
    bar: tuple[ScalarMappable, str] | None = None
    note: str = ""

    def draw(self, height: float = 3.3, rows: int = 1) -> tuple[Figure, Any]:
        """A figure with a column for each panel, axes (rows, columns)."""
        columns = len(self.panels)
        width = 5.2 if columns == 1 else 1.1 + 2.0 * columns
        figure = new_figure(width, height * (1 if rows == 1 else 0.8 * rows))
        axes = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
        for ax, (name, _) in zip(axes[0], self.panels, strict=True):
            if name:
                ax.set_title(name)
        if self.note:
            figure.suptitle(self.note, fontsize=8, color="0.35")
        return figure, axes

    def places(self, axes: Any) -> Iterator[tuple[Any, Any]]:
        """Each group drawn, with the axes of its panel (one for each row)."""
        for c, (_, members) in enumerate(self.panels):
            for group in members:
                yield group, axes[:, c]

    def key(
        self, figure: Figure, axes: Sequence[Axes], more: Sequence[Line2D] = ()
    ) -> None:
        """Draw the colour bar or the legend, to the right of the panels."""
        handles, labels = list(more), [str(line.get_label()) for line in more]
        if self.bar:
            mappable, label = self.bar
            bar = figure.colorbar(
                mappable, ax=list(axes), label=label, aspect=30, pad=0.02
            )
            bar.ax.tick_params(which="both", direction="out")
            plain_log(bar.ax.yaxis, mappable.norm)
            if handles:
                axes[0].legend(handles, labels, loc="best")
            return
        groups = [g for _, members in self.panels for g in members]
        if len(groups) > 1:
            several = len(self.panels) > 1  # the same colour in each of the panels
            entry = {self.label[g] if several else g: g for g in reversed(groups)}
            told = list(reversed(entry.values()))
            handles = [*(Line2D([], [], color=self.colour[g]) for g in told), *handles]
            labels = [*(self.label[g] for g in told), *labels]
        if handles:
            figure.legend(handles, labels, loc="outside right center")


def look_of_cases(study: Study) -> Look:
    """Every case a group, by its place in the study."""
    names = dict(enumerate(study.labels))
    values = {
        k: dict(zip(study.factors, study.key(run), strict=True))
        for k, run in enumerate(study.cases)
    }
    numeric = [f for f in study.factors if study.is_numeric(f)]
    return look(list(names), values, names, numeric, "cases")


def look(
    groups: Sequence[Hashable],
    values: Values,
    names: Mapping[Any, str],
    numeric: Sequence[str],
    what: str,
) -> Look:
    """Panels by cell if there are several.  Few groups: a legend.  More: colour by the
    number with most values, panels by the rest, and a selection where there are too
    many."""
    columns = list(values[groups[0]])
    if CELL in columns and (found := _by_panel(groups, values, [CELL], numeric)):
        return found
    if len(groups) <= FEW:
        return Look([("", list(groups))], _shades(groups, values, numeric), dict(names))
    levels = {
        n: {values[g][n] for g in groups if not missing(values[g][n])} for n in numeric
    }
    main = max(levels, key=lambda n: len(levels[n]), default="")
    listed = None
    if len(groups) <= MANY:
        tried = (_by_panel(groups, values, c, numeric) for c in _kinds(columns).values())
        listed = next(filter(None, tried), None)
    chosen = listed or _by_rank(groups, names)
    if main and len(levels[main]) >= 4:
        coloured = _by_colour(groups, values, main, levels[main])
        if len(groups) > MANY or _count(coloured) == len(groups):
            chosen = coloured
    if _count(chosen) < len(groups):
        chosen_of = f"{_count(chosen)} of {len(groups)} {what}, evenly chosen"
        chosen.note = "; ".join(filter(None, [chosen_of, chosen.note]))
    return chosen


def _count(look: Look) -> int:
    return sum(len(members) for _, members in look.panels)


def _evenly(items: Sequence[Any], number: int) -> list[Any]:
    """At most ``number`` items, evenly chosen, the ends among them if not one only."""
    if number == 1:
        return [items[len(items) // 2]]
    if len(items) <= number:
        return list(items)
    rows = np.unique(np.linspace(0, len(items) - 1, number).round().astype(int))
    return [items[k] for k in rows]


def _shades(
    groups: Sequence[Any], values: Values, numeric: Sequence[str]
) -> dict[Any, Any]:
    """Colours of a few groups: of an ordered quantity if only that tells them apart."""
    columns = list(values[groups[0]])
    if len(groups) > 4 and len(columns) == 1 and columns[0] in numeric:
        column = columns[0]
        if not any(missing(values[g][column]) for g in groups):
            return _ranked(sorted(groups, key=lambda g: values[g][column]))
    return dict(zip(groups, QUALITATIVE, strict=False))


def _ranked(groups: Sequence[Any]) -> dict[Any, Any]:
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(groups)))
    return dict(zip(groups, shades, strict=True))


def _by_rank(groups: Sequence[Any], names: Mapping[Any, str]) -> Look:
    """One panel, colours in the order of the groups."""
    drawn = _evenly(groups, MANY)
    return Look([("", drawn)], _ranked(drawn), dict(names))


def _by_panel(
    groups: Sequence[Any], values: Values, inside: Sequence[str], numeric: Sequence[str]
) -> Look | None:
    """Panels by one quantity, a legend for all the others; None if that is too much."""
    rest = [c for c in values[groups[0]] if c not in inside]
    panels: dict[str, list[Any]] = {}
    for g in groups:
        name = key_label(inside, [values[g][c] for c in inside])
        panels.setdefault(name, []).append(g)
    label = {g: key_label(rest, [values[g][c] for c in rest]) for g in groups}
    first = {name: g for g, name in reversed(label.items())}
    distinct = [g for g in groups if first[label[g]] == g]
    if not rest or not 1 < len(panels) <= PANELS or not 1 < len(distinct) <= FEW:
        return None
    told = {g: {c: values[g][c] for c in rest} for g in distinct}
    shade = _shades(distinct, told, numeric)
    colour = {g: shade[first[label[g]]] for g in groups}
    label = {g: name or "other" for g, name in label.items()}
    return Look(list(panels.items()), colour, label)


def _kinds(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns that say one thing together: the rate, the window."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        rate = "C-rate" in column or column.endswith("[uA.cm-2]")
        kind = "rate" if rate else "window" if "cut-off" in column else column
        kinds.setdefault(kind, []).append(column)
    return kinds


def _by_colour(
    groups: Sequence[Any], values: Values, main: str, levels: set[float]
) -> Look:
    low, high = min(levels), max(levels)
    log = low > 0 and high / low > 10
    norm: Normalize = LogNorm(low, high) if log else Normalize(low, high)
    columns = [c for c in values[groups[0]] if c != main]
    panels: dict[tuple[Any, ...], list[Any]] = {}
    for g in groups:
        if not missing(values[g][main]):
            panels.setdefault(tuple(values[g][c] for c in columns), []).append(g)
    kept = _chosen_panels(columns, list(panels))
    fixed = [
        c for k, c in enumerate(columns) if len({key[k] for key in kept}) == 1 < len(kept)
    ]
    told = [c for c in columns if c not in fixed]
    drawn = []
    for key in kept:
        members = panels[key]
        own = [values[members[0]][c] for c in told]
        drawn.append((title(told, own), _evenly(members, MANY // len(kept))))
    first = values[drawn[0][1][0]]
    note = key_label(fixed, [first[c] for c in fixed])
    shades = matplotlib.colormaps["viridis"]
    colour = {g: shades(0.92 * norm(values[g][main])) for _, gs in drawn for g in gs}
    bar = (ScalarMappable(norm, viridis()), axis_label(main))
    return Look(drawn, colour, {}, bar, f"at {note}" if note else "")


def _chosen_panels(
    columns: Sequence[str], keys: Sequence[tuple[Any, ...]], number: int = PANELS
) -> list[tuple[Any, ...]]:
    """At most ``number`` keys: of each cell as many, and in it one quantity varied, the
    others at a middle value."""
    if len(keys) <= number:
        return list(keys)
    if columns[0] == CELL:
        cells = _evenly(list(dict.fromkeys(cell for cell, *_ in keys)), number)
        found = []
        for cell in cells:
            own = [key[1:] for key in keys if key[0] == cell]
            chosen = _chosen_panels(columns[1:], own, number // len(cells))
            found += [(cell, *key) for key in chosen]
        return found
    groups = {k: [columns.index(c) for c in cs] for k, cs in _kinds(columns).items()}

    def part(key: tuple[Any, ...], kind: str) -> tuple[Any, ...]:
        return tuple(key[k] for k in groups[kind])

    varied = max(groups, key=lambda kind: len({part(key, kind) for key in keys}))
    left = list(keys)
    for kind in groups:
        if kind != varied:
            there = list(dict.fromkeys(part(key, kind) for key in left))
            middle = there[len(there) // 2]
            left = [key for key in left if part(key, kind) == middle]
    return _evenly(left if len(left) > 1 else keys, number)

"""What a colour, a line style and a panel mean, once for all figures of a report.

- A colour says which value of the report's first factor a line is of: the window, say.
- A line style says which value of the second; further factors have panels.
- Where the first factor stands on the axis, lines are grey.  A factor of too many values
  for line styles has a range of colours of its own.
- Pale fills are voltage losses and nothing else.  Greys are quantities.
- Measured points are black and hollow, and the legend names them.  Simulated points are
  filled dots in the colour of their line.
- Panels and legends are in order of value; cases that have names keep theirs.
- A curve that lies on another is named in a note, and so is a selection.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import KDTree

from ..physics.law import Declared
from ..result.columns import CASE
from ..result.losses import DIFFUSION, KNOWN
from .study import CURRENT, RATES, Study, ranked
from .style import (
    CELL,
    DASHED,
    axis_label,
    entry,
    key_label,
    missing,
    new_figure,
    plain_log,
    split_unit,
    title,
    viridis,
)

FACTOR_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#000000", "#8C510A"),
)
FEW = len(FACTOR_COLOURS)  # groups told apart by a legend
MANY = 24  # groups drawn in one figure
PANELS = 4
LINE_STYLES = ("-", DASHED, (0, (1, 1.3)), (0, (6, 1.5, 1, 1.5)))
POINTS = (".", "x", "+", "2")  # as the line styles, where two points are no line
NEUTRAL = "0.25"  # lines where the first factor is on the axis
QUANTITIES = ("0.55", "0.8", "0.3")  # bars: first, second and third quantity
# Of losses that no law gives a colour
MORE_LOSSES = ("#882255", "#44AA99", "#DDCC77", "#117733", "#AA4499")
PALE = 0.55
MEASURED = {"fitted": "o", "predicted": "D", "held out": "D"}
MOST_RINGS = 60  # measured points of a curve that has hollow marks
COINCIDE = 0.004  # of the axes: lines nearer to each other look like one
NEARLY_ALL = 0.97  # of their length


def measured(status: str = "", marker: str = "", number: int = 1) -> dict[str, Any]:
    """Return how measured points look: hollow where they are few, pale dots where many.

    Parameters
    ----------
    status : str
        What the points are to a fit; it says the marker unless that is given.
    marker : str, optional
        Where shapes tell curves apart.
    number : int
        Of the points of the curve.
    """
    marker = marker or MEASURED.get(status, "s")
    how: dict[str, Any] = {"marker": marker, "ls": "", "color": "k", "mec": "k"}
    if number > MOST_RINGS:
        return how | {"ms": 3.2, "mew": 0, "mfc": "k", "alpha": 0.3}
    size = 5.5 if number == 1 else 4.5
    return how | {"ms": size, "mew": 1.1 if number == 1 else 0.9, "mfc": "none"}


def measured_key(statuses: Iterable[str]) -> list[Line2D]:
    """Return legend entries of measured points."""
    return [
        entry(f"measured, {status}", **measured(status))
        for status in sorted(set(statuses))
    ]


def loss_fills(names: Sequence[str], laws: Declared = KNOWN) -> dict[str, dict[str, Any]]:
    """Return how the fill of each loss looks."""
    spare = iter(MORE_LOSSES * (len(names) // len(MORE_LOSSES) + 1))
    own = {DIFFUSION: "#009E73"} | {loss.name: loss.colour for loss in laws.losses}
    colours = {name: own.get(name) or next(spare) for name in names}
    return {name: {"color": c, "alpha": PALE, "lw": 0} for name, c in colours.items()}


def warm() -> Colormap:
    """Return the range of colours of a second factor: none of them is in viridis."""
    return ListedColormap(matplotlib.colormaps["YlOrRd"](np.linspace(0.3, 1, 256)))


# --- Factors -------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """Columns that say one thing together: the rate, the window, or a field.

    Parameters
    ----------
    columns : tuple of str
        Of the summary.
    values : tuple of tuple
        What the cases have there, in order of value.
    colours : Colormap or None
        A range of colours; None for distinct ones.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    colours: Colormap | None = None

    def of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the value of a case."""
        return _value(self.columns, row)

    def label(self, value: Sequence[Any]) -> str:
        return key_label(self.columns, value)

    @property
    def norm(self) -> Normalize:
        """The scale of a single number."""
        levels = [v for (v,) in self.values if not missing(v)]
        low, high = min(levels), max(levels)
        return (LogNorm if low > 0 and high / low > 10 else Normalize)(low, high)

    @property
    def numeric(self) -> bool:
        given = [v for v in self.values if v != (None,)]
        return len(self.columns) == 1 and all(
            isinstance(v, int | float) for (v,) in given
        )

    def colour(self, value: tuple[Any, ...]) -> Any:
        """Return the colour of a value, wherever it is drawn."""
        k, n = self.values.index(value), len(self.values)
        if self.colours is None:
            return FACTOR_COLOURS[k % FEW]
        if n > FEW and not missing(value[0]):
            return self.colours(self.norm(value[0]))
        return self.colours(k / max(n - 1, 1))

    def style(self, value: tuple[Any, ...]) -> Any:
        return LINE_STYLES[self.values.index(value) % len(LINE_STYLES)]


def _value(columns: Sequence[str], row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(None if missing(v := row.get(c)) else v for c in columns)


def kinds_of(columns: Sequence[str]) -> dict[str, list[str]]:
    """Return columns by what they say."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        rate = column in RATES or column.endswith(CURRENT)
        kind = "rate" if rate else "window" if "cut-off" in column else column
        kinds.setdefault(kind, []).append(column)
    return kinds


@dataclass
class Layout:
    """Panels of groups, each group with its colour and line style, and the key."""

    panels: list[tuple[str, list[Any]]]
    colour: dict[Any, Any]
    style: dict[Any, Any]
    label: dict[Any, str]
    bar: tuple[ScalarMappable, str] | None = None
    notes: list[str] = field(default_factory=list)
    apart: set[Any] = field(default_factory=set)  # groups of points that are no line
    # Curves (points, 2) of what, of each group in each axes, in the order they are drawn
    curves: dict[str, dict[tuple[Any, Axes], list[np.ndarray]]] = field(
        default_factory=dict
    )

    def how(self, group: Any) -> dict[str, Any]:
        """Return keywords of a line, or of points that are none."""
        style = self.style.get(group, "-")
        how = {"color": self.colour[group], "ls": style}
        if group in self.apart:
            k = LINE_STYLES.index(style)
            how |= {"ls": "", "marker": POINTS[k], "ms": 5 + 2 * (k == 0)}
        return how

    def line(
        self, ax: Axes, group: Any, x: Any, y: Any, of: str = "", **how: Any
    ) -> None:
        """Draw a curve that :meth:`key` names where others hide it.

        Parameters
        ----------
        ax : Axes
            Of the panel of the group.
        group : hashable
            Whose curve it is.
        x, y : array
            Along the axes.
        of : str
            What of the group the curve is, where it has others.
        **how
            Over :meth:`how`.
        """
        ax.plot(x, y, **(self.how(group) | how))
        drawn = self.curves.setdefault(of, {}).setdefault((group, ax), [])
        drawn.append(np.column_stack([x, y]))

    @property
    def groups(self) -> list[Any]:
        return [group for _, members in self.panels for group in members]

    def draw(self, height: float = 3.3, rows: int = 1) -> tuple[Figure, Any]:
        """Return a figure with a column for each panel, axes (rows, columns)."""
        columns = len(self.panels)
        width = 5.2 if columns == 1 else 1.1 + 2.0 * columns
        figure = new_figure(width, height * (1 if rows == 1 else 0.8 * rows))
        axes = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
        for ax, (name, _) in zip(axes[0], self.panels, strict=True):
            if name:
                ax.set_title(name)
        return figure, axes

    def places(self, axes: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each group drawn, with the axes of its panel (one for each row)."""
        for c, (_, members) in enumerate(self.panels):
            for group in members:
                yield group, axes[:, c]

    def key(
        self, figure: Figure, axes: Sequence[Axes], more: Sequence[Line2D] = ()
    ) -> None:
        """Draw the colour bar or the legend, right of the panels, and the notes."""
        if not self.bar:  # whose colours are in order, and so are the curves
            self._note_hidden()
        if self.notes:
            words, (width, height) = "; ".join(self.notes), figure.get_size_inches()
            figure.suptitle(words, fontsize=8, color="0.35", wrap=True)
            figure.set_figheight(height + 0.14 * len(words) / (16 * width))  # by lines
        handles = list(more)
        if self.bar:
            mappable, label = self.bar
            bar = figure.colorbar(
                mappable, ax=list(axes), label=label, aspect=30, pad=0.02
            )
            bar.ax.tick_params(which="both", direction="out")
            plain_log(bar.ax.yaxis, mappable.norm)
            if handles:
                axes[0].legend(handles=handles, loc="best")
            return
        if len(self.groups) > 1:
            entries: dict[str, Any] = {}
            for group in filter(set(self.groups).__contains__, self.label):
                entries.setdefault(self.label[group], group)
            handles = [
                *(entry(words, **self.how(g)) for words, g in entries.items()),
                *handles,
            ]
        if handles:
            figure.legend(handles=handles, loc="outside right center", handlelength=2.2)

    def _note_hidden(self) -> None:
        """Name groups whose curves lie on those of another, or wholly under them."""
        every = {ax for drawn in self.curves.values() for _, ax in drawn}
        rows = {ax: ax.get_subplotspec().rowspan.start for ax in every}  # type: ignore[union-attr]
        labels = {
            rows[ax]: ax.get_ylabel().partition(" (")[0].lower()
            for ax in every
            if ax.get_ylabel()
        }
        for row in sorted(set(rows.values())):
            said = f"{labels.get(row, '')}, " if len(set(rows.values())) > 1 else ""
            for of, drawn in self.curves.items():
                here = {key: c for key, c in drawn.items() if rows[key[1]] == row}
                self._note_hidden_of(here, said + (f"{of}, " if of else ""))

    def _note_hidden_of(
        self, curves: Mapping[tuple[Any, Axes], list[np.ndarray]], of: str
    ) -> None:
        same: dict[Any, list[str]] = {}  # of a group, it and those equal to it
        under: dict[Any, str] = {}
        trees: list[tuple[Any, Axes, np.ndarray, KDTree]] = []
        for (group, ax), parts in curves.items():
            points, label = _in_axes(ax, parts), self.label[group]
            if not len(points):
                continue
            tree = KDTree(points)
            for other, where, others, before in trees:
                if where is not ax or self.label[other] == label or other in under:
                    continue
                away = tree.query(others)[0]
                if np.quantile(away, NEARLY_ALL) >= COINCIDE:
                    continue
                both = np.concatenate([away, before.query(points)[0]])
                if np.quantile(both, NEARLY_ALL) < COINCIDE:
                    same.setdefault(other, [self.label[other]]).append(label)
                    break
                under[other] = label
            else:
                trees.append((group, ax, points, tree))
        several = len(self.panels) > 1
        title = {group: ax.get_title() if several else "" for group, ax in curves}
        for what, found in (
            ("the same curve", {g: " = ".join(words) for g, words in same.items()}),
            ("hidden", {g: f"{self.label[g]} under {over}" for g, over in under.items()}),
        ):
            places: dict[str, list[str]] = {}
            for group, words in found.items():
                places.setdefault(words, []).append(title[group])
            told = [words + _places(titles) for words, titles in places.items()]
            if told:
                self.notes.append(f"{of}{what}: {'; '.join(told)}")


def _places(titles: Sequence[str]) -> str:
    """Return titles of panels behind what holds in them."""
    return f" ({', '.join(dict.fromkeys(titles))})" if any(titles) else ""


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
        even = np.linspace(
            0, along[-1], 1 + int(np.clip(along[-1] / (COINCIDE / 2), 50, 5000))
        )
        found.append(np.stack([np.interp(even, along, v) for v in xy.T], axis=1))
    return np.concatenate(found)


class Theme:
    """Colours, line styles and panels of a report.

    Parameters
    ----------
    study : Study
        Whose cases are drawn.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        rows = [
            dict(zip(study.factors, study.key(row), strict=True)) for row in study.rows
        ]
        self.kinds = [
            self._kind(tuple(c), rows) for c in kinds_of(study.factors).values()
        ]
        self.main = self._main()

    @staticmethod
    def _kind(columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> Kind:
        values = list(dict.fromkeys(_value(columns, row) for row in rows))
        ranks = [ranked(value[n] for value in values) for n in range(len(columns))]
        values.sort(key=lambda value: [ranks[n][v] for n, v in enumerate(value)])
        return Kind(columns, tuple(values))

    def _main(self) -> Kind | None:
        """Return the factor that has the colours: of few values, and the most of those.

        Cases with names are told by them.
        """
        names = tuple((row[CASE],) for row in self.study.rows)
        if 1 < len(names) <= FEW and (self.study.named or not self.kinds):
            return Kind((CASE,), names)
        told = [k for k in self.kinds if k.columns != (CELL,)] or self.kinds
        few = [k for k in told if len(k.values) <= FEW]
        main = max(few or told, key=lambda k: len(k.values), default=None)
        ordered = main is not None and main.numeric
        return Kind(main.columns, main.values, viridis()) if ordered else main

    def cases(self) -> Layout:
        """Return the layout of figures with a line for each case."""
        study = self.study
        rows = {
            k: {**dict(zip(study.factors, study.key(row), strict=True)), CASE: row[CASE]}
            for k, row in enumerate(study.rows)
        }
        if self.main is not None and self.main.columns == (CASE,):
            colour = {k: self.main.colour((row[CASE],)) for k, row in rows.items()}
            return Layout([("", list(rows))], colour, {}, dict(enumerate(study.labels)))
        return self.layout(rows, "cases", dict(enumerate(study.labels)))

    def series(self, keys: Sequence[tuple[Any, ...]], x: str) -> Layout:
        """Return the layout of figures with a line for each series over a column."""
        rows = {key: dict(zip(self.study.factors, key, strict=True)) for key in keys}
        layout = self.layout(rows, "lines", {}, x)
        if len(rows) == 1:  # the first factor is on the axis
            layout.colour = dict.fromkeys(rows, NEUTRAL)
        return layout

    def layout(
        self,
        rows: Mapping[Hashable, Mapping[str, Any]],
        what: str,
        names: Mapping[Any, str],
        x: str = "",
    ) -> Layout:
        """Return which group is in which panel, colour and line style.

        Parameters
        ----------
        rows : mapping
            Of each group, its factors.
        what : str
            What the groups are, in the plural.
        names : mapping
            What they are called where nothing tells them apart.
        x : str
            The column along x, if it is a factor.
        """
        kinds = [k for kind in self.kinds if (k := self._beside(kind, x, rows))]
        groups = list(rows)
        if not kinds:
            return self._plain(groups, names)
        combinations = len({tuple(k.of(rows[g]) for k in kinds) for g in groups})
        if names and (combinations < len(groups) or self._unsaid(kinds)):
            return self._named(kinds, rows, names)
        by_cell = [k for k in kinds if k.columns == (CELL,)]
        several = by_cell and combinations > len(by_cell[0].values)
        together = len(groups) <= FEW and combinations == len(groups) and not several
        if together and (inside := self._inside(kinds, rows)):
            return Layout([("", groups)], *inside)
        if len(groups) <= MANY:
            main = self.main.columns if self.main else ()
            order = (
                by_cell
                if several
                else sorted(kinds, key=lambda k: (k.columns == main, len(k.values)))
            )
            for panel in order:
                rest = [k for k in kinds if k is not panel]
                if not 1 < len(panel.values) <= PANELS:
                    continue
                inside = self._inside(rest, rows)
                told = len(set(inside[2].values())) if inside else 0
                if inside and told <= FEW:
                    return self._panels(panel, groups, rows, inside)
        return self._many(kinds, rows, what, names)

    def _beside(
        self, kind: Kind, x: str, rows: Mapping[Any, Mapping[str, Any]]
    ) -> Kind | None:
        """Return what tells the groups apart of a kind of which a column is along x."""
        if x in kind.columns and (x in RATES or x.endswith(CURRENT)):
            return None
        columns = tuple(c for c in kind.columns if c != x)
        own = self._kind(columns, list(rows.values())) if columns else None
        if own is None or len(own.values) < 2:
            return None
        if columns != kind.columns:
            return own
        values = tuple(v for v in kind.values if v in own.values)
        return Kind(columns, values)

    def _inside(
        self, kinds: Sequence[Kind], rows: Mapping[Any, Mapping[str, Any]]
    ) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, str]] | None:
        """Return colour, style and label of groups told by at most two factors."""
        main = self.main
        coloured = [k for k in kinds if main and k.columns == main.columns]
        others = [k for k in kinds if k not in coloured]
        places = [{value: n for n, value in enumerate(k.values)} for k in kinds]
        ordered = sorted(  # the legend is in order of value
            rows,
            key=lambda g: [
                of[k.of(rows[g])] for k, of in zip(kinds, places, strict=True)
            ],
        )
        label = {
            g: ", ".join(filter(None, (k.label(k.of(rows[g])) for k in kinds))) or "other"
            for g in ordered
        }
        if (
            len(others) > 1
            and len({tuple(k.of(r) for k in others) for r in rows.values()}) > 4
        ):
            return None
        colour: dict[Any, Any] = dict.fromkeys(rows, NEUTRAL)
        if main and coloured:
            colour = {g: main.colour(main.of(row)) for g, row in rows.items()}
        if not others:
            return colour, {}, label
        (other,) = others if len(others) == 1 else (self._joined(others, rows),)
        if len(other.values) <= len(LINE_STYLES):
            return colour, {g: other.style(other.of(r)) for g, r in rows.items()}, label
        if coloured or len(others) > 1:
            return None
        ranged = Kind(other.columns, other.values, warm())
        return {g: ranged.colour(other.of(r)) for g, r in rows.items()}, {}, label

    def _joined(
        self, kinds: Sequence[Kind], rows: Mapping[Any, Mapping[str, Any]]
    ) -> Kind:
        """Return several factors as one."""
        return self._kind(tuple(c for k in kinds for c in k.columns), list(rows.values()))

    @staticmethod
    def _panels(
        panel: Kind,
        groups: Sequence[Any],
        rows: Mapping[Any, Mapping[str, Any]],
        inside: tuple[dict[Any, Any], dict[Any, Any], dict[Any, str]],
    ) -> Layout:
        found = [
            (panel.label(value) or "other", members)
            for value in panel.values
            if (members := [g for g in groups if panel.of(rows[g]) == value])
        ]
        return Layout(found, *inside)

    def _unsaid(self, kinds: Sequence[Kind]) -> bool:
        """Return whether values say less than names: two of one unit, or one of none."""
        numbers = {k.columns[0] for k in kinds if k.numeric}.difference(RATES)
        units = [split_unit(column)[1] for column in numbers]
        return self.study.named and ("" in units or len(set(units)) < len(units))

    def _named(
        self,
        kinds: Sequence[Kind],
        rows: Mapping[Any, Mapping[str, Any]],
        names: Mapping[Any, str],
    ) -> Layout:
        """Lay out cases told by their names, in panels of a factor of few values."""
        groups, options = list(rows), []
        for panel in kinds:
            panels = self._panels(panel, groups, rows, ({}, {}, {})).panels
            most = max(len(cases) for _, cases in panels)
            said = not panel.numeric or split_unit(panel.columns[0])[1]
            if said and len(panels) <= PANELS and most <= FEW:
                options.append((most, panels))
        if not options:
            return self._plain(groups, names)
        _, panels = min(options, key=lambda option: option[0])
        layout = Layout(panels, {}, {}, {})
        for style, (_, cases) in zip(LINE_STYLES, panels, strict=False):
            layout.colour |= dict(zip(cases, FACTOR_COLOURS, strict=False))
            layout.style |= dict.fromkeys(cases, style)
            layout.label |= {g: names[g] for g in cases}
        return layout

    def _plain(self, groups: Sequence[Any], names: Mapping[Any, str]) -> Layout:
        """Lay out groups that no factor tells apart."""
        drawn = evenly(groups, MANY)
        colour = {g: FACTOR_COLOURS[k % FEW] for k, g in enumerate(drawn)}
        style = {g: LINE_STYLES[k // FEW] for k, g in enumerate(drawn)}
        label = {g: names.get(g, "") for g in drawn}
        layout = Layout([("", drawn)], colour, style, label)
        if len(drawn) < len(groups):
            layout.notes.append(f"{len(drawn)} of {len(groups)}, evenly chosen")
        return layout

    def _many(
        self,
        kinds: Sequence[Kind],
        rows: Mapping[Any, Mapping[str, Any]],
        what: str,
        names: Mapping[Any, str],
    ) -> Layout:
        """Colour by the number with most values, panels by the rest, and a selection
        where there are too many."""
        numeric = [k for k in kinds if k.numeric and len(k.values) >= 4]
        if not numeric:
            return self._plain(list(rows), names)
        main = max(numeric, key=lambda k: len(k.values))
        own = self.main is not None and self.main.columns == main.columns
        cmap = viridis() if own or self.main is None else warm()
        whole = next(k for k in self.kinds if k.columns == main.columns)
        norm = whole.norm
        columns = [c for k in kinds if k is not main for c in k.columns]
        panels: dict[tuple[Any, ...], list[Any]] = {}
        for g, row in rows.items():
            if not missing(row.get(main.columns[0])):
                panels.setdefault(_value(columns, row), []).append(g)
        kept = _chosen_panels(columns, list(panels))
        fixed = [
            c for k, c in enumerate(columns) if len({v[k] for v in kept}) == 1 < len(kept)
        ]
        told = [c for c in columns if c not in fixed]
        drawn = []
        for value in kept:
            members = panels[value]
            words = title(told, [rows[members[0]].get(c) for c in told])
            drawn.append((words, evenly(members, MANY // len(kept))))
        shown = [g for _, members in drawn for g in members]
        number = {g: rows[g][main.columns[0]] for g in shown}
        layout = Layout(
            drawn,
            {g: cmap(norm(v)) for g, v in number.items()},
            {},
            dict.fromkeys(shown, ""),
            (ScalarMappable(norm, cmap), axis_label(main.columns[0])),
        )
        if len(shown) < len(rows):
            layout.notes.append(f"{len(shown)} of {len(rows)} {what}, evenly chosen")
        if note := key_label(fixed, [rows[shown[0]].get(c) for c in fixed]):
            layout.notes.append(f"at {note}")
        return layout


def evenly(items: Sequence[Any], number: int) -> list[Any]:
    """Return at most ``number`` items, evenly chosen, both ends among them if several."""
    if number == 1:
        return [items[len(items) // 2]]
    if len(items) <= number:
        return list(items)
    rows = np.unique(np.linspace(0, len(items) - 1, number).round().astype(int))
    return [items[k] for k in rows]


def _chosen_panels(
    columns: Sequence[str], keys: Sequence[tuple[Any, ...]], number: int = PANELS
) -> list[tuple[Any, ...]]:
    """At most ``number`` keys: of each cell as many, and in it one quantity varied, the
    others at a middle value."""
    if len(keys) <= number:
        return list(keys)
    if columns[0] == CELL:
        cells = evenly(list(dict.fromkeys(cell for cell, *_ in keys)), number)
        found = []
        for cell in cells:
            own = [key[1:] for key in keys if key[0] == cell]
            chosen = _chosen_panels(columns[1:], own, number // len(cells))
            found += [(cell, *key) for key in chosen]
        return found
    groups = {k: [columns.index(c) for c in cs] for k, cs in kinds_of(columns).items()}

    def part(key: tuple[Any, ...], kind: str) -> tuple[Any, ...]:
        return tuple(key[k] for k in groups[kind])

    varied = max(groups, key=lambda kind: len({part(key, kind) for key in keys}))
    left = list(keys)
    for kind in groups:
        if kind != varied:
            there = list(dict.fromkeys(part(key, kind) for key in left))
            middle = there[len(there) // 2]
            left = [key for key in left if part(key, kind) == middle]
    return evenly(left if len(left) > 1 else keys, number)

"""Which panel, colour and line style tells a case, or a series of cases, from the others.

Panels and legends are in order of value; cases that have names keep theirs.  What a
colour and a line style mean is in ``looks.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize

from ..data.curve_table import CASE
from .cases import CURRENT, RATES, Cases, Row, in_order
from .labels import CELL, Key, axis_label, key_label, missing, split_unit, title
from .layout import Group, Layout, Panels, evenly
from .looks import FACTOR_COLOURS, FEW, LINE_STYLES, NEUTRAL, Colour, LineStyle, shades

MANY = 24  # groups drawn in one figure
PANELS = 4


@dataclass(frozen=True)
class _Factor:
    """Columns that say one thing together: the rate, the window, or a field."""

    columns: tuple[str, ...]
    values: Sequence[Key]  # what the cases have there, in order of value
    colours: Colormap | None = None  # a range of them; None for distinct ones

    @classmethod
    def over(cls, columns: Sequence[str], rows: Iterable[Row]) -> _Factor:
        """Return columns with their values, sorted."""
        return cls(tuple(columns), in_order(_value(columns, row) for row in rows))

    def place(self, row: Row) -> int:
        """Return which of the values a case has."""
        return self.values.index(_value(self.columns, row))

    def label(self, row: Row) -> str:
        """Return the value of a case in words."""
        return key_label(self.columns, _value(self.columns, row))

    @property
    def norm(self) -> Normalize:
        """The scale of a single number."""
        levels = [float(v) for (v,) in self.values if v is not None]
        low, high = min(levels), max(levels)
        return (LogNorm if low > 0 and high / low > 10 else Normalize)(low, high)

    @property
    def numeric(self) -> bool:
        """Whether the values are single numbers."""
        return len(self.columns) == 1 and all(
            isinstance(v, int | float) for (v,) in self.values if v is not None
        )

    def colour(self, row: Row) -> Colour:
        """Return the colour of the value of a case, wherever it is drawn."""
        k, n = self.place(row), len(self.values)
        if self.colours is None:
            return FACTOR_COLOURS[k % FEW]
        first = self.values[k][0]
        if n > FEW and isinstance(first, int | float):
            return self.colours(self.norm(first))
        return self.colours(k / max(n - 1, 1))


def _value(columns: Sequence[str], row: Row) -> Key:
    return tuple(None if missing(v := row.get(c)) else v for c in columns)


def _factors_of(columns: Sequence[str]) -> dict[str, list[str]]:
    """Return columns by what they say."""
    factors: dict[str, list[str]] = {}
    for column in columns:
        rate = column in RATES or column.endswith(CURRENT)
        factor = "rate" if rate else "window" if "cut-off" in column else column
        factors.setdefault(factor, []).append(column)
    return factors


def _panels(panel: _Factor, rows: Mapping[Group, Row]) -> Panels[Group]:
    """Return the groups of each value of a factor, by its label."""
    members: list[list[Group]] = [[] for _ in panel.values]
    for group, row in rows.items():
        members[panel.place(row)].append(group)
    return [(panel.label(rows[found[0]]) or "other", found) for found in members if found]


def _most(panels: Panels[Group]) -> int:
    return max(len(groups) for _, groups in panels)


class _Encoding(Generic[Group]):
    """Groups of cases by their factors, and which of the factors has the colours.

    Groups that nothing else tells apart have ``names``; ``x`` is the factor along the
    axis, if one is.
    """

    def __init__(
        self,
        cases: Cases,
        rows: Mapping[Group, Row],
        names: Mapping[Group, str],
        x: str = "",
    ) -> None:
        self.cases, self.rows, self.names = cases, rows, names
        keys = map(cases.key, cases.rows)
        every = [dict(zip(cases.factors, key, strict=True)) for key in keys]
        self.of_cases = [
            _Factor.over(columns, every)
            for columns in _factors_of(cases.factors).values()
        ]
        factors = [
            _Factor.over([c for c in factor.columns if c != x], rows.values())
            for factor in self.of_cases
        ]
        self.factors = [
            factor for factor in factors if len(factor.values) > 1
        ]  # tell groups apart
        self.main = self._main()
        self.coloured = self.main.columns if self.main else ()

    def _main(self) -> _Factor | None:
        """Return the factor that has the colours: of few values, and the most of those.

        Cases that have names are known by them.
        """
        names = tuple((case,) for case in self.cases.rows)
        if 1 < len(names) <= FEW and (self.cases.named or not self.of_cases):
            return _Factor((CASE,), names)
        others = [k for k in self.of_cases if k.columns != (CELL,)] or self.of_cases
        few = [k for k in others if len(k.values) <= FEW]
        main = max(few or others, key=lambda k: len(k.values), default=None)
        return replace(main, colours=shades("viridis")) if main and main.numeric else main

    def layout(self) -> Layout[Group]:
        """Return which group is in which panel, colour and line style."""
        factors, groups = self.factors, list(self.rows)
        if not factors:
            return self._plain()
        places = {tuple(k.place(row) for k in factors) for row in self.rows.values()}
        apart = len(places) == len(groups)
        if self.names and (not apart or self._unsaid()):
            return self._named()
        cells = [k for k in factors if k.columns == (CELL,)]
        several = cells and len(places) > len(cells[0].values)
        together = len(groups) <= FEW and apart and not several
        if together and (layout := self._inside(factors, [("", groups)])):
            return layout
        by_size = sorted(
            factors, key=lambda k: (k.columns == self.coloured, len(k.values))
        )
        for panel in cells if several else by_size:
            if 1 < len(panel.values) <= PANELS and len(groups) <= MANY:
                left = [k for k in factors if k is not panel]
                layout = self._inside(left, _panels(panel, self.rows))
                if layout and len(set(layout.label.values())) <= FEW:
                    return layout
        return self._many()

    def _inside(
        self, factors: Sequence[_Factor], panels: Panels[Group]
    ) -> Layout[Group] | None:
        """Return a layout of groups that at most two factors tell apart in each panel."""
        rows = self.rows
        main = self.main if any(k.columns == self.coloured for k in factors) else None
        others = [k for k in factors if k.columns != self.coloured]
        if len(others) > 1:
            joined = _Factor.over([c for k in others for c in k.columns], rows.values())
            if len(joined.values) > len(LINE_STYLES):
                return None
            others = [joined]
        # The legend is in order of value
        ordered = sorted(rows, key=lambda g: [k.place(rows[g]) for k in factors])
        words = {g: [k.label(rows[g]) for k in factors] for g in ordered}
        label = {g: ", ".join(filter(None, ws)) or "other" for g, ws in words.items()}
        colour = {g: main.colour(row) if main else NEUTRAL for g, row in rows.items()}
        style: dict[Group, LineStyle] = {}
        for other in others:
            if len(other.values) <= len(LINE_STYLES):
                style = {g: LINE_STYLES[other.place(row)] for g, row in rows.items()}
            elif main:
                return None
            else:
                scale = replace(other, colours=shades("YlOrRd"))
                colour = {g: scale.colour(row) for g, row in rows.items()}
        return Layout(panels, colour, style, label)

    def _unsaid(self) -> bool:
        """Return whether values say less than names: two of one unit, or one of none."""
        numbers = {k.columns[0] for k in self.factors if k.numeric}.difference(RATES)
        units = [split_unit(column)[1] for column in numbers]
        return self.cases.named and ("" in units or len(set(units)) < len(units))

    def _many(self) -> Layout[Group]:
        """Colour by the number with most values, panels by the rest, and a selection
        where there are too many."""
        rows = self.rows
        numeric = [k for k in self.factors if k.numeric and len(k.values) >= 4]
        if not numeric:
            return self._plain()
        main = max(numeric, key=lambda k: len(k.values))
        (along,) = main.columns
        cmap = (
            shades("viridis") if self.coloured in ((), main.columns) else shades("YlOrRd")
        )
        norm = next(k for k in self.of_cases if k.columns == main.columns).norm
        columns = [c for k in self.factors if k is not main for c in k.columns]
        panels: dict[Key, list[Group]] = {}
        level: dict[Group, float] = {}
        for g, row in rows.items():
            if (value := row.get(along)) is not None:
                panels.setdefault(_value(columns, row), []).append(g)
                level[g] = float(value)
        kept = _chosen_panels(columns, list(panels))
        several = {c: len({v[k] for v in kept}) > 1 for k, c in enumerate(columns)}
        titled = [c for c in columns if several[c] or len(kept) == 1]
        fixed = [c for c in columns if c not in titled]
        drawn: Panels[Group] = []
        for members in (panels[key] for key in kept):
            name = title(titled, _value(titled, rows[members[0]]))
            drawn.append((name, evenly(members, MANY // len(kept))))
        shown = [g for _, members in drawn for g in members]
        colour: dict[Group, Colour] = {g: cmap(norm(level[g])) for g in shown}
        bar = ScalarMappable(norm, cmap), axis_label(along)
        layout = Layout(drawn, colour, {}, dict.fromkeys(shown, ""), bar)
        if len(shown) < len(rows):
            what = "cases" if self.names else "lines"
            layout.notes.append(f"{len(shown)} of {len(rows)} {what}, evenly chosen")
        if note := key_label(fixed, _value(fixed, rows[shown[0]])):
            layout.notes.append(f"at {note}")
        return layout

    def _named(self) -> Layout[Group]:
        """Lay out cases known by their names, in panels of a factor of few values."""
        options = [
            panels
            for factor in self.factors
            if not factor.numeric or split_unit(factor.columns[0])[1]
            if len(panels := _panels(factor, self.rows)) <= PANELS
            and _most(panels) <= FEW
        ]
        if not options:
            return self._plain()
        layout = Layout(min(options, key=_most), {}, {}, {})
        for style, (_, cases) in zip(LINE_STYLES, layout.panels, strict=False):
            layout.colour |= dict(zip(cases, FACTOR_COLOURS, strict=False))
            layout.style |= dict.fromkeys(cases, style)
            layout.label |= {g: self.names[g] for g in cases}
        return layout

    def _plain(self) -> Layout[Group]:
        """Lay out groups that no factor tells apart."""
        groups = evenly(list(self.rows), MANY)
        layout = Layout([("", groups)], {}, {}, {})
        for k, group in enumerate(groups):
            layout.colour[group] = FACTOR_COLOURS[k % FEW]
            layout.style[group] = LINE_STYLES[k // FEW]
            layout.label[group] = self.names.get(group, "")
        if len(groups) < len(self.rows):
            layout.notes.append(f"{len(groups)} of {len(self.rows)}, evenly chosen")
        return layout


def by_case(cases: Cases) -> Layout[str]:
    """Return the layout of figures with a line for each case."""
    rows: dict[str, Row] = {
        case: {**dict(zip(cases.factors, cases.key(case), strict=True)), CASE: case}
        for case in cases.rows
    }
    encoding = _Encoding(cases, rows, cases.labels)
    if (main := encoding.main) is not None and main.columns == (CASE,):
        colour = {case: main.colour(row) for case, row in rows.items()}
        return Layout([("", list(colour))], colour, {}, cases.labels)
    return encoding.layout()


def by_series(cases: Cases, keys: Iterable[Key], x: str) -> Layout[Key]:
    """Return the layout of figures with a line for each series over a column."""
    rows = {key: dict(zip(cases.factors, key, strict=True)) for key in keys}
    layout = _Encoding(cases, rows, {}, x).layout()
    if len(rows) == 1:  # the first factor is on the axis
        layout.colour = dict.fromkeys(rows, NEUTRAL)
    return layout


def _chosen_panels(
    columns: Sequence[str], keys: Sequence[Key], number: int = PANELS
) -> list[Key]:
    """Return at most ``number`` keys: of each cell as many, with one quantity varied, the
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
    # Of each factor, what the keys have there
    parts = {
        factor: [tuple(key[columns.index(c)] for c in own) for key in keys]
        for factor, own in _factors_of(columns).items()
    }
    varied = max(parts, key=lambda factor: len(set(parts[factor])))
    left = list(range(len(keys)))
    for factor, part in parts.items():
        if factor != varied:
            there = list(dict.fromkeys(part[k] for k in left))
            left = [k for k in left if part[k] == there[len(there) // 2]]
    return evenly([keys[k] for k in left] if len(left) > 1 else keys, number)

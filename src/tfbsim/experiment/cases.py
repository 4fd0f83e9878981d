"""The cases of an experiment: rows of a table, of which each is made when asked for.

One verb runs everything: a single cell and a million points differ only in how many
cases the experiment names.  A list is checked whole and stands as it was made; of a sweep
there are the factors only (:mod:`.sampling`), and a point is a row of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import overload

import numpy as np

from ..cell.cell import Cell
from ..errors import InputError, Place, shown, together
from ..numerics import Numerics
from ..yaml_file import Content
from .experiment import ALL, CurveSelection
from .groups import values_of
from .maker import MAX_MISTAKES, MAX_STEPS_IN_ALL, Maker, Row
from .provenance import digest, versions
from .sampling import Plan
from .steps import Protocol

# Bounds the time it takes to check a hostile file: half a millisecond for a case
MAX_CASES = 5_000  # in a list; a sweep makes its own when they are asked for
MAX_FIELDS = 100  # that one case sets
SOME_POINTS = 100  # of a sweep, whose rates of ageing are looked at before it runs


@dataclass(frozen=True)
class Case:
    """One cell through one protocol, and what sets it apart."""

    name: str  # Unique within the experiment
    # What is run
    cell: Cell
    protocol: Protocol
    varied: Mapping[str, float | str]  # Column of the summary to value
    values: Content = field(default_factory=dict)  # What sets it apart, as written
    curves: CurveSelection = ALL  # Which are kept

    def key(self, numerics: Numerics) -> str:
        """Hash of everything that determines the result."""
        parameters = sorted(self.cell.parameters().items())
        limits = self.cell.loading, self.cell.voltage_limits, *self.cell.stacked
        settings = sorted(self.varied.items()), numerics, self.curves
        content = parameters, self.cell.structure, limits, self.protocol, settings
        return digest(repr((self.name, *content, tuple(versions().values()))))


def _case(maker: Maker, row: Row, fields: Sequence[str], label: str) -> Case:
    """Return the case of a row; its columns are those of the fields that vary."""
    cell = maker.cell_of(row)
    protocol = maker.protocol(cell, row)
    varied = maker.columns(cell, fields, row.texts)
    if not label.isprintable():
        message = f"a name of printable characters is due, not '{shown(label)}'"
        raise maker.wrong(row.place, "name", message)
    return Case(label, cell, protocol, varied, row.values)


class Cases(Sequence[Case]):
    """Cases that are there from the beginning."""

    def __init__(self, cases: Sequence[Case] = ()) -> None:
        self._cases = list(cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, k: int) -> Case: ...
    @overload
    def __getitem__(self, k: slice) -> list[Case]: ...
    def __getitem__(self, k: int | slice) -> Case | list[Case]:
        rows = range(len(self))[k]
        return self._at(rows) if isinstance(rows, int) else [self._at(i) for i in rows]

    def _at(self, k: int) -> Case:
        return self._cases[k]

    def key(self, k: int, numerics: Numerics) -> str:
        """Hash of everything that determines the result of case k."""
        return self[k].key(numerics)

    @property
    def cycles(self) -> int:
        """Return the cycles of all cases together, conditioning included."""
        return sum(case.protocol.all_cycles for case in self)

    def some(self) -> Iterator[Case]:
        """Yield the cases whose rates of ageing are looked at before they run."""
        return iter(self)


class Points(Cases):
    """The points of a sweep, each made when it is asked for."""

    def __init__(self, maker: Maker, plan: Plan) -> None:
        self.maker, self.plan = maker, plan
        self._digits = len(str(len(plan)))
        self.fields = [factor.name for factor in plan.factors]
        cycles = maker.cycles
        self.curves = maker.experiment.kept(len(plan) * cycles, cycles)

    def __len__(self) -> int:
        return len(self.plan)

    def _at(self, k: int) -> Case:
        self.maker.steps = 0  # what is read at once is one point
        case = _case(self.maker, self.row(k), self.fields, self.name(k))
        return replace(case, curves=self.curves)

    def row(self, k: int) -> Row:
        """Return what sets point k apart."""
        return self.maker.row(("sweep", "factors"), self.plan.point(k))

    def name(self, k: int) -> str:
        """Return the name of point k, its number."""
        return f"{k + 1:0{self._digits}d}"

    def key(self, k: int, numerics: Numerics) -> str:
        """Hash of everything that determines the result of point k."""
        values = self.maker.changed(self.plan.point(k))
        return digest(f"{self._common(numerics)} {self.name(k)} {values!r}")

    @cache  # noqa: B019 - as long as a run
    def _common(self, numerics: Numerics) -> str:
        """Hash of what the points have in common."""
        maker, x = self.maker, self.maker.experiment
        content = maker.cell_of().written, x.steps, x.conditioning, x.check_up, x.until
        settings = maker.cycles, sorted(maker.changes.items()), numerics, self.curves
        return digest(repr((*content, *settings, tuple(versions().values()))))

    @property
    def cycles(self) -> int:
        return len(self) * self[0].protocol.all_cycles

    def check(self) -> None:
        """Make the points that may go wrong: those at both ends of each factor."""
        ends = {0, len(self) - 1}
        for factor in self.plan.factors:
            ends |= {int(np.argmin(factor.values)), int(np.argmax(factor.values))}
        for k in sorted(ends):
            self[k]

    def some(self) -> Iterator[Case]:
        """Yield some points from end to end; one, if all are of a cell that does not age.

        A point that cannot be made is told where it runs.
        """
        varies = any(name.split(".")[0] in ("cell", "ageing") for name in self.fields)
        for k in range(0, len(self), max(1, len(self) // SOME_POINTS)):
            try:
                case = self[k]
            except InputError:
                continue
            yield case
            if not varies and not any(case.cell.ageing.blocks):
                return


# --- A list -------------------------------------------------------------------------


def cases_of_list(maker: Maker) -> Cases:
    """Return the cases of an experiment's list; the only one, if it has none."""
    rows = [(place, maker.changed(values)) for place, values in _entries(maker)]
    apart = _differing([values for _, values in rows])
    fields = list(dict.fromkeys(k for _, values in rows for k in values))
    cases: dict[str, Case] = {}  # by name
    numbers: dict[str, int] = {}
    wrong: list[InputError] = []
    for place, values in rows:
        try:
            row = maker.row(place, values)
            given = (values[k] for k in apart if k in values)
            label = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in given)
            case = _case(maker, row, fields, str(row.name or label or "base"))
        except InputError as error:
            wrong.append(error)
            if len(wrong) >= MAX_MISTAKES or maker.steps > MAX_STEPS_IN_ALL:
                break
            continue
        name = case.name
        while name in cases:
            numbers[case.name] = numbers.get(case.name, 1) + 1
            name = f"{case.name} #{numbers[case.name]}"
        cases[name] = replace(case, name=name)
    if wrong:
        raise together(wrong)
    total = sum(case.protocol.cycles for case in cases.values())
    kept = maker.experiment.kept
    return Cases(
        [replace(c, curves=kept(total, c.protocol.cycles)) for c in cases.values()]
    )


def _entries(maker: Maker) -> list[tuple[Place, Content]]:
    """Return what each case sets and where it stands, grids written out."""
    if maker.experiment.cases is None:
        return [((), {})]
    entries: list[tuple[Place, Content]] = []
    for k, entry in enumerate(maker.experiment.cases):
        place = ("cases", k)
        if len(entry) > MAX_FIELDS:
            raise maker.error(place, f"sets more than {MAX_FIELDS} fields")
        entries += [(place, values) for values in _grid(maker, place, entry)]
        if len(entries) > MAX_CASES:
            raise maker.error(place, f"more than {MAX_CASES} cases")
    return entries


def _grid(maker: Maker, place: Place, entry: Content) -> list[Content]:
    """Return the combinations of an entry, the last field varying fastest."""
    if "grid" not in entry:
        return [entry]
    grid, at = entry["grid"], (*place, "grid")
    if not isinstance(grid, dict) or not grid:
        raise maker.error(at, "must name fields, each with a list of values")
    if len(grid) > MAX_FIELDS:
        raise maker.error(at, f"varies more than {MAX_FIELDS} fields")
    fixed = {k: v for k, v in entry.items() if k != "grid"}
    axes = []
    for name, values in grid.items():
        if name in fixed:
            raise maker.error((*at, name), "is given twice")
        axes.append(values_of((*at, name), values, maker.error))
    if math.prod(map(len, axes)) > MAX_CASES:
        raise maker.error(place, f"more than {MAX_CASES} cases")
    combinations = itertools.product(*axes)
    return [fixed | dict(zip(grid, values, strict=True)) for values in combinations]


def _differing(entries: Sequence[Content]) -> list[str]:
    """Return the keys in which the cases differ: what names them."""
    keys = dict.fromkeys(k for entry in entries for k in entry if k != "name")
    texts: dict[int, str] = {}  # a grid's cases share values, which may be long

    def text(value: object) -> str:
        return texts.get(id(value)) or texts.setdefault(id(value), repr(value))

    return [k for k in keys if len({text(entry.get(k)) for entry in entries}) > 1]

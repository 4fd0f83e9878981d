"""From an experiment file to its cases.

    steps + cycles + conditioning      what is done
    cell, set                          to what
    cases, sweep                       over which values of {templates} and cell fields

One verb runs everything: a single cell and a million points differ only in how many
cases the experiment names.  Those of a sweep are made one by one, when asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Discriminator, Field, StrictStr, Tag

from .. import units
from ..cell.cell import Cell, load_cell
from ..cell.fitted import status
from ..errors import InputError, Place, placed, shown, suggest, together
from ..fields import Quantity, Strict, check_head, refuse, validate
from ..numerics import Numerics
from ..yaml_file import Document, load, resolve
from .curves import ALL, Curves
from .foresee import check_ageing
from .groups import MAX_CYCLES, Cycles, Writing, names_in, parsed_steps, values_of
from .profile import read_profile
from .provenance import Run, versions
from .sampling import Plan, Sweep, plan
from .settings import Settings
from .steps import EndOfLife, Protocol, Step

# Bounds on the time it takes to check a hostile file: half a millisecond for a case,
# 60 us for a step.
MAX_CASES = 5_000  # in a list; a sweep makes its own when they are asked for
MAX_STEPS_IN_ALL = 50_000
SOME_POINTS = 100  # of a sweep, whose rates of ageing are looked at before it runs
# What a template's value may be, for a column of its own
COLUMNS_OF_TEMPLATES = (
    *("current density", "temperature", "time", "areal power", "voltage rate"),
)
MAX_MISTAKES = 20  # that are told of one file
MAX_FIELDS = 100  # that one case sets
NO_COLUMNS = ("name", "cycles", "cell", "description", "source")  # though cases set them
WHOLE = f"must be a whole number from 1 to {MAX_CYCLES}"
# Without a word on curves: all of them up to so many cycles of all cases together; above,
# of a case those of these cycles and the last, of a point of a sweep none
ALL_CURVES = 500
SOME_CYCLES = tuple(m * 10**k for k in range(6) for m in (1, 2, 5))


class Conditioning(Strict):
    """Cycles before the first recorded one."""

    steps: Annotated[list[Any], Field(min_length=1)]
    cycles: Cycles = 1


class CheckUp(Strict):
    """A cycle in place of the first and of every so many-th after it."""

    every: Cycles
    steps: Annotated[list[Any], Field(min_length=1)]


class KeptCurves(Strict):
    """Which curves are kept, and how closely."""

    cycles: Annotated[
        Annotated[Literal["all", "none"], Tag("word")]
        | Annotated[list[Cycles], Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list) else "word"),
    ] = "all"
    error: Annotated[float, Quantity("voltage", gt=0, le=1)] | None = None


class Experiment(Strict):
    """What to do to a cell; every field documented in docs/files.md."""

    format: Literal[1] = 1
    kind: Literal["experiment"] = "experiment"
    name: StrictStr = ""
    description: StrictStr = ""
    source: StrictStr = ""
    cell: StrictStr | None = None
    set: dict[str, Any] = {}
    conditioning: Conditioning | list[Any] | None = None
    steps: Annotated[list[Any], Field(min_length=1)]
    cycles: Cycles = 1
    until: StrictStr | None = None
    check_up: CheckUp | None = None
    cases: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    sweep: Sweep | None = None
    curves: KeptCurves | None = None
    numerics: Settings = Settings()
    measured: Annotated[list[dict[str, Any]], Field(max_length=1000)] = []
    fit: dict[str, Any] | None = None


@dataclass(frozen=True)
class Case:
    """One cell through one protocol, and what sets it apart."""

    name: str  # Unique within the experiment
    # What is run
    cell: Cell
    protocol: Protocol
    varied: Mapping[str, float | str]  # Column of the summary to value
    # What its entry under ``cases`` sets, as written
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    curves: Curves = ALL  # Which are kept

    def key(self, numerics: Numerics) -> str:
        """Hash of everything that determines the result."""
        parameters = sorted(self.cell.parameters().items())
        limits = self.cell.loading, self.cell.voltage_limits, *self.cell.stacked
        settings = sorted(self.varied.items()), numerics, self.curves
        content = parameters, self.cell.structure, limits, self.protocol, settings
        return _hash(repr((self.name, *content, tuple(versions().values()))))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Cases(Sequence[Case]):
    """Cases that are there from the beginning."""

    def __init__(self, cases: Sequence[Case] = ()) -> None:
        self._cases = list(cases)

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, k: Any) -> Any:
        return self._cases[k]

    def key(self, k: int, numerics: Numerics) -> str:
        """Hash of everything that determines the result of case k."""
        return self[k].key(numerics)

    @property
    def cycles(self) -> int:
        """Return the cycles of all cases together, conditioning included."""
        return sum(case.protocol.all_cycles for case in self)


class Points(Cases):
    """The points of a sweep, each made when it is asked for."""

    def __init__(self, expansion: _Expansion, found: Plan) -> None:
        self.expansion, self.plan = expansion, found
        self._digits = len(str(len(found)))
        self._fields = [factor.name for factor in found.factors]
        cycles = expansion.cycles or expansion.experiment.cycles
        self.curves = expansion.curves(len(found) * cycles, cycles)

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        k = range(len(self))[k]
        self.expansion.steps = 0  # what is read at once is one point
        known = self._fields, self.name(k), self.curves
        return self.expansion.case(("sweep", "factors"), self._values(k), [], *known)

    def varies(self, field: str) -> bool:
        """Return whether a factor is this field of a cell or a part of it."""
        return any(f"{name}.".startswith(f"{field}.") for name in self._fields)

    def name(self, k: int) -> str:
        """Return the name of point k, its number."""
        return f"{k + 1:0{self._digits}d}"

    def _values(self, k: int) -> dict[str, Any]:
        return self.expansion.changed(self.plan.point(k))

    def key(self, k: int, numerics: Numerics) -> str:
        """Hash of everything that determines the result of point k."""
        return _hash(f"{self._common(numerics)} {self.name(k)} {self._values(k)!r}")

    @cache  # noqa: B019 - as long as a run
    def _common(self, numerics: Numerics) -> str:
        """Hash of what the points have in common."""
        e, x = self.expansion, self.expansion.experiment
        base = e.cell_of((), None, {})
        content = base.written, x.steps, x.conditioning, x.check_up, x.until
        settings = x.cycles, e.cycles, sorted(e.changes.items()), numerics, self.curves
        return _hash(repr((*content, *settings, tuple(versions().values()))))

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


# --- Reading -----------------------------------------------------------------------


def load_experiment(source: str | Path | Document) -> tuple[Experiment, Document]:
    """Read an experiment file, if it is not read yet, and check its own fields."""
    if not isinstance(source, Document):
        source = load(resolve(str(source), "experiments"))
    document = source
    check_head(document, "experiment")
    experiment: Experiment = validate(
        Experiment, document.data, document=document, folder=document.path.parent
    )
    return experiment, document


class _Expansion:
    """An experiment's cases, with the place of every mistake."""

    def __init__(
        self,
        experiment: Experiment,
        document: Document,
        cell: str | None,
        changes: Mapping[str, str],
        loaded: Mapping[str, Cell] | None,
    ) -> None:
        self.experiment, self.document, self.cell = experiment, document, cell
        self.error = document.error
        self.loaded = dict(loaded or {})
        self.closed = loaded is not None  # no cell is read from a file
        self.warnings: tuple[str, ...] = ()
        self.cells: dict[str, Cell] = {}
        self.latest: Any = ()  # name, fields and cell of the last point
        self.steps = 0
        self.writing = Writing(document.error, document.path.parent)
        self.until: EndOfLife | None = None
        if experiment.until is not None:
            with placed(document.error, "until"):
                self.until = EndOfLife.parse(experiment.until)
        # The steps of a cycle, of the conditioning and of a check-up, and their places
        self.sections: list[tuple[Place, list[Any]]] = []
        self.often, self.every = 1, 0
        for name in ("steps", "conditioning", "check_up"):
            given: Any = getattr(experiment, name) or []
            self.often = given.cycles if isinstance(given, Conditioning) else self.often
            self.every = given.every if isinstance(given, CheckUp) else self.every
            plain = isinstance(given, list)
            self.sections.append(
                ((name,), given) if plain else ((name, "steps"), given.steps)
            )
        self.templates = set().union(*(names_in(steps) for _, steps in self.sections))
        self.changes: dict[str, Any] = dict(changes)
        cycles = self.changes.pop("cycles", None)
        if cycles is not None and not (
            re.fullmatch("[0-9]{1,9}", cycles) and 1 <= int(cycles) <= MAX_CYCLES
        ):
            refuse("--set cycles", WHOLE)
        self.cycles = None if cycles is None else int(cycles)

    def cases(self) -> Cases:
        """The cases of a list, or the points of a sweep."""
        if self.experiment.sweep is not None:
            if self.experiment.cases is not None:
                raise self.error(("sweep",), "give cases or a sweep, not both")
            found = self.plan(self.experiment.sweep)
            self.warnings = found.warnings
            points = Points(self, found)
            points.check()
            return points
        entries = [(where, self.changed(values)) for where, values in self._entries()]
        apart = _differing([values for _, values in entries])
        fields = list(dict.fromkeys(k for _, values in entries for k in values))
        cases: list[Case] = []
        names: dict[str, int] = {}
        wrong: list[InputError] = []
        for where, values in entries:
            try:
                case = self.case(where, values, apart, fields)
            except InputError as error:
                wrong.append(error)
                if len(wrong) >= MAX_MISTAKES or self.steps > MAX_STEPS_IN_ALL:
                    break
                continue
            name = case.name
            while name in names:
                names[case.name] += 1
                name = f"{case.name} #{names[case.name]}"
            names[name] = 1
            cases.append(replace(case, name=name))
        if wrong:
            raise together(wrong)
        total = sum(case.protocol.cycles for case in cases)
        return Cases(
            [replace(c, curves=self.curves(total, c.protocol.cycles)) for c in cases]
        )

    def changed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a case gives, with what --set gives in its place, in names too."""
        return {name: self.changes.get(name, value) for name, value in values.items()}

    def _entries(self) -> list[tuple[Place, dict[str, Any]]]:
        """Return what each case sets and where it stands, grids written out."""
        if self.experiment.cases is None:
            return [((), {})]
        entries: list[tuple[Place, dict[str, Any]]] = []
        for k, entry in enumerate(self.experiment.cases):
            where = ("cases", k)
            if len(entry) > MAX_FIELDS:
                raise self.error(where, f"sets more than {MAX_FIELDS} fields")
            entries += [(where, values) for values in self._grid(where, entry)]
            if len(entries) > MAX_CASES:
                raise self.error(where, f"more than {MAX_CASES} cases")
        return entries

    def _grid(self, where: Place, entry: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the combinations of an entry, the last field varying fastest."""
        if "grid" not in entry:
            return [entry]
        grid, at = entry["grid"], (*where, "grid")
        if not isinstance(grid, dict) or not grid:
            raise self.error(at, "must name fields, each with a list of values")
        if len(grid) > MAX_FIELDS:
            raise self.error(at, f"varies more than {MAX_FIELDS} fields")
        fixed = {k: v for k, v in entry.items() if k != "grid"}
        axes = []
        for name, values in grid.items():
            if name in fixed:
                raise self.error((*at, name), "is given twice")
            axes.append(values_of((*at, name), values, self.error))
        if math.prod(map(len, axes)) > MAX_CASES:
            raise self.error(where, f"more than {MAX_CASES} cases")
        combinations = itertools.product(*axes)
        return [fixed | dict(zip(grid, values, strict=True)) for values in combinations]

    def curves(self, cycles: int, last: int) -> Curves:
        """Return which curves are kept, of so many cycles in all and up to this one."""
        asked = self.experiment.curves
        if asked is not None:
            of = [] if asked.cycles == "none" else asked.cycles
            chosen = None if of == "all" else frozenset(of)
            return Curves(chosen, asked.error or 0.0)
        if cycles <= ALL_CURVES:
            return Curves()
        sweep = self.experiment.sweep is not None
        return Curves(frozenset(() if sweep else (*SOME_CYCLES, last)))

    def plan(self, sweep: Sweep) -> Plan:
        """Return the points of a sweep."""
        base = self.cell_of((), None, {})

        def dimension_of(name: str) -> str | None:
            try:
                return base.number(name)[1]
            except InputError:
                if "." in name:  # a layer's: its fields are suggested
                    raise
                return None

        names = [*self.templates, *base.numeric_fields]
        is_template = self.templates.__contains__
        return plan(sweep, self.document, dimension_of, is_template, names)

    def _error(self, where: Place, field: str, message: str) -> InputError:
        """An error of a field that a case, its grid or --set sets."""
        if field in self.changes:
            return InputError(message, field=f"--set {field}")
        grid = (*where, "grid", field)
        inside = self.document.line(grid) != self.document.line((*where, "grid"))
        return self.error(grid if inside else (*where, field), message)

    def case(
        self,
        where: Place,
        entry: dict[str, Any],
        apart: Sequence[str],
        varied_fields: Sequence[str],
        name: str = "",
        curves: Curves = ALL,
    ) -> Case:
        values = {**entry, **self.changes}
        own = values.pop("name", None)
        cycles = values.pop("cycles", self.experiment.cycles)
        cycles = cycles if self.cycles is None else self.cycles
        if type(cycles) is not int or not 1 <= cycles <= MAX_CYCLES:
            raise self._error(where, "cycles", WHOLE)
        chosen = values.pop("cell", None)
        fields = {k: v for k, v in values.items() if k not in self.templates}
        templates = {k: str(v) for k, v in values.items() if k in self.templates}
        cell = self.cell_of(where, chosen, fields)
        protocol = self._protocol(cell, templates, cycles)
        varied = self.varied(cell, varied_fields, templates)
        given = (entry[k] for k in apart if k in entry)
        label = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in given)
        called = str(name or own or label or "base")
        if not called.isprintable():
            message = f"a name of printable characters is due, not '{shown(called)}'"
            raise self._error(where, "name", message)
        return Case(called, cell, protocol, varied, entry, curves)

    def varied(
        self, cell: Cell, fields: Sequence[str], templates: Mapping[str, str]
    ) -> dict[str, float | str]:
        """Return the columns of the fields that vary, in the units columns always have.

        A cell field that only other cases set has this cell's own value.
        """
        found: dict[str, float | str] = {}
        for field in (f for f in fields if f not in NO_COLUMNS):
            if field in self.templates:
                found |= _template_column(field, templates.get(field, ""))
                continue
            with contextlib.suppress(InputError):  # a law or a word is no number
                value, unit = cell.value(field)
                found[f"{field} [{unit}]" if unit else field] = value
        return found

    def cell_of(self, where: Place, chosen: Any, fields: Mapping[str, Any]) -> Cell:
        """Return the cell of a case, with what it sets in it."""
        name: Any = chosen or self.cell or self.experiment.cell
        at = (*where, "cell") if chosen else ("cell",)
        wrong = ""
        if chosen is not None and self.cell is not None:
            at = (*where, "cell")
            wrong = "the cases name their cells; --cell cannot replace them"
        elif name is None:
            wrong = "is missing; name a cell here or with --cell"
        elif not isinstance(name, str):
            wrong = "must be the name or path of a cell"
        elif self.closed and name not in self.loaded:
            wrong = f"the cell '{shown(name)}' is not among those given"
        if wrong:
            raise self.error(at, wrong)
        base = self.cells.get(name) or self._base(at, name)
        for field in fields:
            if "." not in field and field not in Cell.model_fields:
                hint = suggest(
                    field, [*sorted(self.templates), *Cell.model_fields, "grid"]
                )
                unused = f"unknown key: no step uses {{{shown(field)}}}"
                raise self._error(
                    where, field, f"{unused} and the cell has no such field{hint}"
                )
        # Points of a sweep are in SI; a number in a file has none
        si = self.experiment.sweep is not None
        if si and (name, fields) == self.latest[:2]:
            return self.latest[2]
        try:
            cell = base.replace(fields, si=si) if fields else base
            self.latest = name, fields, cell
            return cell
        except InputError as error:
            message, field = error.message, error.field
            if field not in fields:  # what is set goes ill with it, or is above it
                above = (k for k in fields if field.startswith(f"{k}."))
                message = f"{field}: {message}" if field else message
                field = next(above, next(iter(fields)))
            raise self._error(where, field, message) from None

    def _base(self, at: Place, name: str) -> Cell:
        """Return the cell of a name with what the experiment sets for all cases."""
        try:
            if name not in self.loaded:
                # A file's own path is from its folder; that of --cell from here
                own = name.endswith((".yaml", ".yml")) and not self.cell
                path = self.document.path.parent / name if own else name
                self.loaded[name] = load_cell(path)
            cell, changes = self.loaded[name], self.experiment.set
            self.cells[name] = cell.replace(changes, si=False) if changes else cell
            return self.cells[name]
        except InputError as error:
            in_the_file = error.line is not None and error.field
            if in_the_file or (error.file and self.cell is not None):
                raise
            message = error.message
            if error.file:  # which is not there at all, or no cell file
                line = f"line {error.line}: " if error.line else ""
                message = f"'{shown(name)}': {line}{message}"
            elif error.field:
                at = ("set", error.field)
            raise self.error(at, message) from None

    def _protocol(
        self, cell: Cell, templates: Mapping[str, str], cycles: int
    ) -> Protocol:
        parsed: list[tuple[Step, ...]] = []
        wrong: list[InputError] = []
        for root, steps in self.sections:
            flat = self.writing.flat(root, steps, templates)
            self.steps += len(flat)
            if self.steps > MAX_STEPS_IN_ALL:
                message = f"more than {MAX_STEPS_IN_ALL:,} steps in all cases together"
                raise self.error(root, message)
            found, mistakes = parsed_steps(flat, cell, self.error)
            parsed.append(found)
            wrong += mistakes[:MAX_MISTAKES]
        if wrong:
            raise together(wrong)
        own, conditioning, check_up = parsed
        others = conditioning, self.often, check_up, self.every, self.until
        return Protocol(own, cycles, *others)


def _template_column(name: str, text: str) -> dict[str, float]:
    """Return a template's value as a column, unless the summary has one anyway: those of
    C-rates and cut-off voltages."""
    if units.c_rate(text) is None:
        for dimension in COLUMNS_OF_TEMPLATES:
            with contextlib.suppress(ValueError):
                value = units.to_display(units.parse(text, dimension), dimension)
                return {f"{name} [{units.display_unit(dimension)}]": value}
    return {}


def _differing(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys in which the cases differ: what names them."""
    keys = dict.fromkeys(k for entry in entries for k in entry if k != "name")
    texts: dict[int, str] = {}  # a grid's cases share values, which may be long

    def text(value: Any) -> str:
        return texts.get(id(value)) or texts.setdefault(id(value), repr(value))

    return [k for k in keys if len({text(entry.get(k)) for entry in entries}) > 1]


@dataclass(frozen=True)
class Expanded:
    """An experiment with its cases, everything checked, nothing solved."""

    # As read
    experiment: Experiment
    document: Document
    cases: Cases  # What is run
    cells: dict[str, Cell]  # As loaded, by the name or path that asks for each
    cell: str | None  # What took the place of the experiment's cell
    changes: dict[str, str]  # What was set for every case
    measured: list[dict[str, Any]]  # Rows of the comparison with measurement
    warnings: tuple[str, ...] = ()  # What is worth knowing of the cases


def expand(
    source: str | Path | Document | Expanded,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    cells: Mapping[str, Cell] | None = None,
) -> Expanded:
    """Return an experiment and its cases, everything checked, nothing solved.

    It is a shipped experiment, a file, or one that was read; one that is expanded stays
    as it is.  ``cell`` takes the place of its cell, ``changes`` are dotted cell fields,
    templates or ``cycles`` for every case, and ``cells`` are loaded already, by the name
    or path that asks for each.  An InputError names file, line and field.
    """
    if isinstance(source, Expanded):
        return source
    experiment, document = load_experiment(source)
    changes = dict(changes or {})
    expansion = _Expansion(experiment, document, cell, changes, cells)
    cases = expansion.cases()
    volumes = experiment.numerics.mesh == "volumes"
    if volumes and cases[0].cell.cathode.double_layer_capacitance:
        raise document.error(
            ("numerics", "mesh"),
            "volumes have no potential at the face, which a double layer at the "
            "cathode needs; 'elements', the default, would do",
        )
    check_ageing(_some(cases))
    stated: Sequence[Case] | None = None
    if experiment.measured and (changes or cell):
        # It may state no cell, or leave {rate} open
        with contextlib.suppress(InputError):
            stated = _Expansion(experiment, document, None, {}, cells).cases()
    measured, others = _measured(experiment, document, cases, stated, changes)
    warnings = expansion.warnings
    if others:
        left = "its measured values are of another cell or protocol and left out"
        warnings += (f"{left}: {', '.join(others)} changed",)
    known = expansion.loaded, cell, changes, measured, warnings
    return Expanded(experiment, document, cases, *known)


def sweep_plan(run: Run) -> Plan | None:
    """Return the points of a run's sweep, without their cases; None if it had none."""
    experiment, document = load_experiment(run.document)
    if experiment.sweep is None:
        return None
    expansion = _Expansion(experiment, document, run.cell, run.changes, run.cells)
    return expansion.plan(experiment.sweep)


# --- Measured values beside the cases ----------------------------------------------


def _some(cases: Any) -> Iterator[tuple[Cell, Protocol]]:
    """Yield the cases of a list, or some points of a sweep from end to end.

    Of a sweep whose factors leave a cell that does not age as it is, one.
    """
    swept = isinstance(cases, Points)
    for k in range(0, len(cases), max(1, len(cases) // SOME_POINTS) if swept else 1):
        try:
            case = cases[k]
        except InputError:  # a point that cannot be made is told where it runs
            if not swept:
                raise
            continue
        yield case.cell, case.protocol
        ages = any(case.cell.ageing.blocks)
        if swept and not (ages or cases.varies("cell") or cases.varies("ageing")):
            return


CAPACITY = ("specific charge", "areal charge")
OF_VOLUME, SHARE = ("energy density",), ("dimensionless",)
MEASURED = {  # field to the words of its column, and what it may be given as
    "charge_capacity": ("Charge capacity", CAPACITY),
    "discharge_capacity": ("Discharge capacity", CAPACITY),
    "volumetric_energy_density": ("Volumetric energy density as made", OF_VOLUME),
    "coulombic_efficiency": ("Coulombic efficiency", SHARE),
    "capacity_retention": ("Capacity retention", SHARE),
    "interface_resistance": ("Interface resistance", ("areal resistance",)),
}
FIELD_OF = {words: field for field, (words, _) in MEASURED.items()}
FROM_CYCLE = "From cycle"
OF_CYCLES = "Cycle number"  # the heading beside them in a table of measured cycles


# What a measurement is of: another thickness is another cell, another D another guess
_MADE = re.compile(
    r"(thickness|area|density|molar_mass|temperature|lithium|initial_\w+|steps)$"
)


class MeasuredPoint(Strict):
    """What was measured of one case and cycle, or its mean from an earlier cycle on; or a
    table of many cycles."""

    case: dict[str, Any] | StrictStr
    cycle: Cycles = 1
    from_cycle: Cycles | None = None
    table: StrictStr | None = None
    charge_capacity: StrictStr | None = None
    discharge_capacity: StrictStr | None = None
    volumetric_energy_density: StrictStr | None = None
    coulombic_efficiency: StrictStr | None = None
    capacity_retention: StrictStr | None = None
    interface_resistance: StrictStr | None = None
    status: Literal["fitted", "predicted"]
    source: StrictStr = ""


def _measured(
    experiment: Experiment,
    document: Document,
    cases: Sequence[Case],
    stated: Sequence[Case] | None,
    changes: Mapping[str, str],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of the comparison with measurement, and what leaves others out.

    Whether a capacity was fitted is asked of the cell, if a fit wrote it; of another, the
    experiment says it, unless the cell is not as the file states it.
    """
    rows: list[dict[str, Any]] = []
    others: dict[str, None] = {}
    for k, point in _points_measured(experiment, document):
        case = _matching(point.case, cases)
        if case is None:
            if changes:  # such as another rate or window than was measured
                asked = point.case if isinstance(point.case, dict) else changes
                others |= dict.fromkeys(k for k in asked if k in changes)
                continue
            message = "must name one of the cases, or be what it sets"
            raise document.error(("measured", k, "case"), message)
        own = _matching(point.case, stated or ())
        differing = _differences(own, case) if own is not None else []
        made = [x for x in differing if _MADE.search(x)]
        if made and not case.cell.fitted:
            others |= dict.fromkeys([x for x in made if x != "steps"] or made)
            continue
        for field, (words, dimensions) in MEASURED.items():
            if (text := getattr(point, field)) is None:
                continue
            with placed(document.error, "measured", k, field):
                value, unit = _measured_value(text, dimensions)
            known: str = "cell changed" if differing else point.status
            if dimensions == CAPACITY:
                areal, kind = units.DISPLAY["areal charge"][1], words.split()[0].lower()
                charge = value / areal
                if "cm-2" not in unit:
                    charge = 3600 * value * case.cell.loading
                current = current_of(case, kind)
                known = (
                    status(case.cell.fitted, kind, point.cycle, current, charge) or known
                )
            rows.append(
                {
                    "Case": case.name,
                    "Cycle number": point.cycle,
                    **({FROM_CYCLE: point.from_cycle} if point.from_cycle else {}),
                    "Quantity": f"{words} [{unit}]",
                    "Measured": value,
                    "Status": known,
                    "Source": point.source or experiment.source,
                }
            )
    return rows, list(others)


def _differences(stated: Case, run: Case) -> list[str]:
    """Return in what two cases differ: fields of their cells, laws, steps."""

    def numbers(cell: Cell) -> dict[str, float]:
        found = {}
        for path in cell.numeric_fields:
            with contextlib.suppress(InputError):  # a law, or left out
                found[path] = cell.number(path)[0]
        return found

    a, b = numbers(stated.cell), numbers(run.cell)
    fields = sorted(k for k in a | b if a.get(k) != b.get(k))
    fields += ["laws"] if stated.cell.structure != run.cell.structure else []
    return fields + (["steps"] if stated.protocol.steps != run.protocol.steps else [])


def _points_measured(
    experiment: Experiment, document: Document
) -> Iterator[tuple[int, MeasuredPoint]]:
    """Yield what was measured, that of tables cycle by cycle, and the entry it is of."""
    for k, entry in enumerate(experiment.measured):
        with placed(document.error, "measured", k):
            point: MeasuredPoint = validate(MeasuredPoint, entry)
            if point.from_cycle is not None and point.from_cycle > point.cycle:
                after = f"{point.from_cycle} is after the cycle, {point.cycle}"
                refuse("from_cycle", after)
            rows: list[dict[str, Any]] = [{}]
            if point.table is not None:
                rows = list(_table_of_cycles(point.table, document.path.parent))
        for row in rows:
            yield k, point.model_copy(update=row)


def _table_of_cycles(name: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table of measured cycles, as fields of a measured point."""
    try:
        table = read_profile(name, folder, columns=None)
        cycles = [int(n) for n in table.pop(OF_CYCLES, [])]
        given = {}
        for heading, values in table.items():
            words, _, unit = heading.removesuffix("]").partition(" [")
            if words not in FIELD_OF:
                hint = suggest(words, [OF_CYCLES, *FIELD_OF])
                raise ValueError(f"{name}: '{shown(heading)}' is no column here{hint}")
            given[FIELD_OF[words]] = [f"{value:.12g} {unit}" for value in values]
        if not cycles or not given:
            raise ValueError(f"{name}: needs '{OF_CYCLES}' and a measured quantity")
    except ValueError as error:
        raise InputError(str(error), field="table") from None
    for k, cycle in enumerate(cycles):
        yield {"cycle": cycle, **{field: texts[k] for field, texts in given.items()}}


def current_of(case: Case, kind: str) -> float:
    """Return the current density at which a case charges or discharges [A.m-2]; 0 if it
    has no one current."""
    sign = 1.0 if kind == "discharge" else -1.0
    steps = [s for s in case.protocol.steps if s.control == "current"]
    found = {abs(s.value) for s in steps if sign * s.value > 0}
    return found.pop() / float(case.cell.area) if len(found) == 1 else 0.0


def _matching(wanted: Any, cases: Sequence[Case]) -> Case | None:
    """Return the case of this name, or the only one with these values."""
    if isinstance(wanted, str):
        return next((case for case in cases if case.name == wanted), None)
    asked = {(key, str(value)) for key, value in wanted.items()}
    found = [c for c in cases if asked <= {(k, str(v)) for k, v in c.values.items()}]
    return found[0] if len(found) == 1 else None


def _measured_value(text: str, dimensions: Sequence[str]) -> tuple[float, str]:
    """Return a measured value and its unit as the summary has them."""
    if dimensions == SHARE:
        return 100 * units.parse(text, *SHARE), "%"
    dimension = dimensions[0]
    value = units.parse(text, dimension) if len(dimensions) == 1 else 0.0
    if len(dimensions) > 1:
        value, dimension = units.quantity(text, dimensions)
    return units.to_display(value, dimension), units.display_unit(dimension)

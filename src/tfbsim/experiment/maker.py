"""A case made of what sets it apart: its cell, its steps, its columns of the summary.

What sets a case apart is a row: values of {templates} and of fields of the cell.  The
cases of a list and the points of a sweep are made of their rows alike.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeGuard

from .. import units
from ..cell.cell import Cell, load_cell
from ..cell.cells import AnyCell
from ..errors import InputError, Place, placed, shown, suggest, together
from ..fields import refuse
from ..yaml_file import Content, Document
from .experiment import Conditioning, Experiment
from .groups import MAX_CYCLES, Writing, names_in, parsed_steps
from .sampling import Plan, Sweep, plan
from .steps import EndOfLife, Protocol, Step

# Bounds the time it takes to check a hostile file: 60 us for a step
MAX_STEPS_IN_ALL = 50_000
MAX_MISTAKES = 20  # that are told of one file
# What a template's value may be, for a column of its own
OF_TEMPLATES = "current density", "temperature", "time", "areal power", "voltage rate"
NO_COLUMNS = ("name", "cycles", "cell", "description", "source")  # though cases set them
WHOLE = f"must be a whole number from 1 to {MAX_CYCLES}"


class Row(NamedTuple):
    """What sets a case apart, by what it is of."""

    place: Place  # Where it stands in the file
    values: Content  # As written, with what --set says in its place
    fields: Content  # Of the cell, by dotted path
    texts: Mapping[str, str]  # Of {templates}
    cycles: int
    cell: object = None  # The name or path of its own cell
    name: object = None


class Maker:
    """Makes the cases of an experiment, with the place of every mistake.

    ``cell`` takes the place of the experiment's, ``changes`` are set for every case.  If
    cells are loaded already, by name or path, no other is read from a file.
    """

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
        self.closed = loaded is not None
        self.steps = 0  # that were written out
        self.sections = experiment.sections
        self.templates = set().union(*(names_in(steps) for _, steps in self.sections))
        self.until: EndOfLife | None = None
        if experiment.until is not None:
            with placed(document.error, "until"):
                self.until = EndOfLife.parse(experiment.until)
        self.changes = dict(changes)
        self.cycles = experiment.cycles
        self.cycles_set = "cycles" in self.changes
        if self.cycles_set:
            cycles = self.changes.pop("cycles")
            if not (re.fullmatch("[0-9]{1,9}", cycles) and _whole(int(cycles))):
                refuse("--set cycles", WHOLE)
            self.cycles = int(cycles)
        self._writing = Writing(document.error, document.path.parent)
        self._cells: dict[str, Cell] = {}
        self._latest: tuple[str, Content, Cell] | None = None  # of the last point

    def changed(self, values: Content) -> Content:
        """Return what a case gives, with what --set gives in its place, in names too."""
        own = self.changes
        return {k: own.get(k, v) for k, v in values.items()} if own else values

    def row(self, place: Place, values: Content) -> Row:
        """Return what a case sets, by what it is of."""
        values = self.changed(values)
        every = {**values, **self.changes}
        name, cell = every.pop("name", None), every.pop("cell", None)
        cycles = every.pop("cycles", self.cycles)
        if self.cycles_set:
            cycles = self.cycles
        if not _whole(cycles):
            raise self.wrong(place, "cycles", WHOLE)
        texts = {k: str(every.pop(k)) for k in [*every] if k in self.templates}
        return Row(place, values, every, texts, cycles, cell, name)

    def plan(self, sweep: Sweep) -> Plan:
        """Return the points of a sweep."""
        base = self.cell_of()

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

    def wrong(self, place: Place, field: str, message: str) -> InputError:
        """Return the error of a field that a case, its grid or --set sets."""
        if field in self.changes:
            return InputError(message, field=f"--set {field}")
        grid = (*place, "grid", field)
        inside = self.document.line(grid) != self.document.line((*place, "grid"))
        return self.error(grid if inside else (*place, field), message)

    # --- The cell --------------------------------------------------------------------

    def cell_of(self, row: Row | None = None) -> Cell:
        """Return the cell of a case, with what it sets in it; without one, of all."""
        row = row or Row((), {}, {}, {}, self.cycles)
        place, chosen, fields = row.place, row.cell, row.fields
        name = chosen or self.cell or self.experiment.cell
        at: Place = (*place, "cell") if chosen else ("cell",)
        if chosen is not None and self.cell is not None:
            message = "the cases name their cells; --cell cannot replace them"
            raise self.error((*place, "cell"), message)
        if name is None:
            raise self.error(at, "is missing; name a cell here or with --cell")
        if not isinstance(name, str):
            raise self.error(at, "must be the name or path of a cell")
        if self.closed and name not in self.loaded:
            raise self.error(at, f"the cell '{shown(name)}' is not among those given")
        base = self._cells.get(name) or self._base(at, name)
        for field in fields:
            if "." not in field and field not in Cell.model_fields:
                hint = suggest(
                    field, [*sorted(self.templates), *Cell.model_fields, "grid"]
                )
                unused = f"unknown key: no step uses {{{shown(field)}}}"
                raise self.wrong(
                    place, field, f"{unused} and the cell has no such field{hint}"
                )
        # Points of a sweep are in SI; a number in a file has none
        si = self.experiment.sweep is not None
        if si and self._latest and (name, fields) == self._latest[:2]:
            return self._latest[2]
        try:
            cell = base.replace(fields, si=si) if fields else base
            self._latest = name, fields, cell
            return cell
        except InputError as error:
            message, field = error.message, error.field
            if field not in fields:  # what is set goes ill with it, or is above it
                above = (k for k in fields if field.startswith(f"{k}."))
                message = f"{field}: {message}" if field else message
                field = next(above, next(iter(fields)))
            raise self.wrong(place, field, message) from None

    def _base(self, at: Place, name: str) -> Cell:
        """Return the cell of a name with what the experiment sets for all cases."""
        try:
            if name not in self.loaded:
                # A file's own path is from its folder; that of --cell from here
                own = name.endswith((".yaml", ".yml")) and not self.cell
                path = self.document.path.parent / name if own else name
                self.loaded[name] = load_cell(path)
            cell, changes = self.loaded[name], self.experiment.set
            self._cells[name] = cell.replace(changes, si=False) if changes else cell
            return self._cells[name]
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

    # --- The steps, and the columns ---------------------------------------------------

    def protocol(self, cell: AnyCell, row: Row) -> Protocol:
        """Return the steps of a case for its cell."""
        parsed: list[tuple[Step, ...]] = []
        wrong: list[InputError] = []
        for place, steps in self.sections:
            flat = self._writing.flat(place, steps, row.texts)
            self.steps += len(flat)
            if self.steps > MAX_STEPS_IN_ALL:
                message = f"more than {MAX_STEPS_IN_ALL:,} steps in all cases together"
                raise self.error(place, message)
            found, mistakes = parsed_steps(flat, cell, self.error)
            parsed.append(found)
            wrong += mistakes[:MAX_MISTAKES]
        if wrong:
            raise together(wrong)
        own, first, check_up = parsed
        before, every = self.experiment.conditioning, self.experiment.check_up
        times = before.cycles if isinstance(before, Conditioning) else 1
        others = check_up, every.every if every else 0, self.until
        return Protocol(own, row.cycles, first, times, *others)

    def columns(
        self, cell: Cell, fields: Sequence[str], texts: Mapping[str, str]
    ) -> dict[str, float | str]:
        """Return the columns of the fields that vary, in the units columns always have.

        A cell field that only other cases set has this cell's own value.
        """
        found: dict[str, float | str] = {}
        for field in (f for f in fields if f not in NO_COLUMNS):
            if field in self.templates:
                found |= _template_column(field, texts.get(field, ""))
                continue
            with contextlib.suppress(InputError):  # a law or a word is no number
                value, unit = cell.value(field)
                found[f"{field} [{unit}]" if unit else field] = value
        return found


def _whole(cycles: object) -> TypeGuard[int]:
    return type(cycles) is int and 1 <= cycles <= MAX_CYCLES


def _template_column(name: str, text: str) -> dict[str, float]:
    """Return a template's value as a column, unless the summary has one anyway: those of
    C-rates and cut-off voltages."""
    if units.c_rate(text) is None:
        for dimension in OF_TEMPLATES:
            with contextlib.suppress(ValueError):
                value = units.to_display(units.parse(text, dimension), dimension)
                return {f"{name} [{units.display_unit(dimension)}]": value}
    return {}

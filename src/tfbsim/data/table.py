"""A file, its tables as they stand there, and their columns as numbers in SI.

A column is found by its heading, or as the mapping says.  Numbers come in every spelling
that tables have; one spelling holds for a whole column, for whether a point or a comma
marks thousands cannot be decided cell by cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from .. import units
from ..cell.cell import Cell
from ..errors import InputError, shown, suggest
from .clock import DATE, absolute, after_summer_time, seconds
from .headings import KIND, factor, heading, hertz, rank, role_of, unnumbered
from .mapping import Mapping
from .measured import Array

FRAME = "DataFrame"  # the name of data that are in no file
TIMES = ("time", "step_time", "date")  # the best first
CHARGES = ("capacity", "charge_capacity", "discharge_capacity", "net_capacity")
FLOWING = {"current", "increment", *CHARGES}
LOST = 0.01  # of the rows, from which on it is told as a doubt
_DEFAULT = {"time": "s", "voltage": "V", "temperature": "degC"}
_EXAMPLE = {"current": "mA, uA/cm2, mA/g", "capacity": "mAh, uAh/cm2, mAh/g"}
_SINCE_1970 = 6e8  # s, of a time that counts from then
# Times that count through the whole test, beside which a plain time is that of the step
_TOTAL = re.compile(r"(test|total|cumulative|run|prog) ?time|测试时间|总时间")
_SPECTRUM = {"frequency", "real", "imaginary"}, {"frequency", "modulus", "phase"}
_SIGNS = str.maketrans("−–—﹣－", "-----")
_BLANKS = re.compile(r"(?<=\d)[   '’_](?=\d{3}(?!\d))")  # between thousands
# (0.7) and 0.7- are numbers below 0; a unit may stand behind
_CELL = re.compile(
    r"([(]?)([-+]?)((?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)(-?)[)]?"
    r"\s*([^\d\s()*]*)\s*\*?[)]?"
)


@dataclass(frozen=True)
class File:
    """A file that is read: how, for which cell, and what is told of it."""

    path: Path
    how: Mapping = field(default_factory=Mapping)  # what it does not say of itself
    cell: Cell | None = None  # gives area, loading and 1C where the mapping does not
    # Each conversion, guess and mend in a sentence; those that matter to the result
    notes: dict[str, None] = field(default_factory=dict)
    doubts: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str, doubt: bool = False) -> None:
        """Add a note, once; a doubt is one that matters to the result."""
        self.notes[sentence] = None
        if doubt:
            self.doubts[sentence] = None

    def left_out(self, lost: int, rows: int, sentence: str = "") -> None:
        """Tell of rows that are left out: a doubt if they are more than one in 100."""
        if lost and sentence:
            self.note(sentence)
        if lost > LOST * rows and lost > 1:
            part = f"{lost:,} of {rows:,} rows ({100 * lost / rows:.2g} %)"
            self.note(f"{part} are not in the record.", True)

    def error(self, message: str, field: str = "", line: int | None = None) -> InputError:
        """Return what is wrong with the file."""
        return InputError(message, self.path, line, field)

    def per_area(self, values: Array, dimension: str) -> Array:
        """Return currents, charges or resistances per area [A.m-2, A.h.m-2, Ohm.m2]."""
        hours = 3600 if "charge" in dimension else 1
        if "areal" in dimension or dimension == "current density":
            return values / hours
        by_mass = "specific" in dimension
        name = "loading" if by_mass else "area"
        value: float | None = getattr(self.how, name)
        if value is None and self.cell is not None:
            value = float(getattr(self.cell, name))
            size = units.text(value, "areal mass" if by_mass else "area")
            self.note(f"Made per area with the cell's {name}, {size}.")
        if value is None:
            what = "per mass" if by_mass else "not per area"
            raise self.error(f"its values are {what}: give the {name} in a mapping")
        factor = value if by_mass or dimension == "resistance" else 1 / value
        return values * factor / hours

    def one_c(self, name: str) -> float:
        """Return the current of 1C [A.m-2] for a column or field of C-rates."""
        if self.cell is None:
            message = "is a C-rate: give the cell whose 1C it refers to"
            raise self.error(message, name)
        return self.cell.one_c_current_density


@dataclass(frozen=True)
class Quantity:
    """A column as numbers in SI, NaN where a cell is none."""

    values: Array
    dimension: str  # of :mod:`tfbsim.units`
    name: str  # as the file has it
    stated: bool = True  # whether file or mapping state its unit


@dataclass(frozen=True)
class Table:
    """One table of a file."""

    file: File
    names: tuple[str, ...]  # headings of the columns; "" where there is none
    # Columns by their number from 0: numbers, or text where a cell is none; some that
    # nobody asks for may be missing
    data: pd.DataFrame
    decimal: str = "."
    layout: str = "text"  # or "EC-Lab", "NEWARE", "Gamry"
    title: str = ""
    line: int | None = None  # of the headings, from 1
    head: str = ""  # the lines before the first table of the file
    lost: int = 0  # lines that could not be read as rows

    @cached_property
    def columns(self) -> dict[str, int]:
        """The number (from 0) of the column of each role."""
        found = roles(self.names)
        for role, column in self.file.how.columns.model_dump(exclude_none=True).items():
            found[role] = self.column(column, f"columns.{role}")
        return found

    def column(self, wanted: int | str, where: str) -> int:
        """Return the number (from 0) of a column that a field of the mapping names."""
        if isinstance(wanted, int):
            if wanted > len(self.names):
                message = f"asks for column {wanted}; there are {len(self.names)}"
                raise self.file.error(message, where)
            return wanted - 1
        for k, name in enumerate(self.names):
            if name.strip() == wanted.strip():
                return k
        known = [name for name in self.names if name]
        hint = "; it has no heading: give the number, from 1"
        if known:
            there = f"; there are {shown(', '.join(known), 300)}"
            hint = suggest(wanted, known) or there
        message = f"there is no column '{shown(wanted)}'{hint}"
        raise self.file.error(message, where)

    def texts(self, column: int) -> pd.Series | None:
        """Return a column as text; None if it is one of numbers."""
        raw = self.data[column]
        if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
            return raw.fillna("").astype(str).str.strip().str.strip('"')
        return None

    def numbers(self, column: int) -> Array:
        """Return a column as floats, NaN where a cell is no number."""
        return self._numbers_and_units(column)[0]

    def areal(self, role: str, column: int | None = None) -> Array:
        """Return a current, charge or impedance per area, as :meth:`File.per_area`."""
        found = self.quantity(role, column)
        return self.file.per_area(found.values, found.dimension)

    def optional(self, role: str) -> Quantity | str | None:
        """Return a column that is of use only in a known unit, else why it is of none.

        Where the mapping names the column or its unit, it has to be read.
        """
        try:
            return self.quantity(role) if role in self.columns else None
        except InputError as error:
            how = self.file.how
            if getattr(how.columns, role, None) or getattr(how.units, role, None):
                raise
            return f"'{error.field}' was not read: {error.message}."

    def volts(self, column: int | None = None) -> Quantity:
        """Return a voltage as its heading says, in mV if it runs into the thousands."""
        found = self.quantity("voltage", column)
        known = np.abs(found.values[np.isfinite(found.values)])
        if not len(known) or np.median(known) <= 100:
            return found
        self.file.note(
            f"'{found.name}' says V and runs to {known.max():.5g}: read as mV."
        )
        return Quantity(found.values / 1e3, "voltage", found.name)

    def hertz(self) -> Array:
        """Return the column of frequencies [Hz]."""
        column = self.columns["frequency"]
        said = heading(self.names[column])
        size = hertz(said.unit or said.odd)
        if size is None:
            message = f"is in '{shown(said.unit or said.odd)}'; Hz is wanted"
            raise self.file.error(message, "frequency", self.line)
        return self.numbers(column) * size

    def quantity(self, role: str, column: int | None = None) -> Quantity:
        """Return a column in SI, by the unit in its cells, its heading or the mapping."""
        column = self.columns[role] if column is None else column
        kind, said = KIND[role], heading(self.names[column])
        name = self.names[column] or f"column {column + 1}"
        given = getattr(self.file.how.units, kind, None)
        unit = given or said.unit or said.odd
        found = factor(unit, kind) if unit else None
        if unit and found is None:
            would = _EXAMPLE.get(kind, f"such as {_DEFAULT.get(kind, 'ohm')}")
            message = f"'{shown(unit)}' is no unit of {kind}; {would} would do"
            where = (f"units.{kind}",) if given else (name, self.line)
            raise self.file.error(message, *where)
        if kind == "time" and (clock := self._clock(column, name)) is not None:
            return Quantity(clock, "time", name)
        values, own = self._numbers_and_units(column)
        first = values[np.isfinite(values)][:1]
        if kind == "time" and not unit and (stamp := absolute(values, role == "date")):
            self.file.note(f"'{name}' was read as {stamp[1]}.")
            return Quantity((values - first) * stamp[0], "time", name)
        if own is not None and kind != "temperature":
            by_own = self._by_own_units(values, own, kind, found, name)
            if by_own is not None:
                return Quantity(*by_own, name)
        stated = found is not None
        if found is None and (unit := _DEFAULT.get(kind, "")):
            found = factor(unit, kind)
        if found is None:
            example = " or ".join(_EXAMPLE.get(kind, "ohm, ohm.cm2").split(", ")[:2])
            message = (
                f"has no unit; name one in a mapping, 'units: {{{kind}: ...}}', such as "
                f"{example}"
            )
            if kind == "capacity" and 0 < np.nanmax(np.abs(values), initial=0) <= 100:
                message += "; where only its ratio counts, as in fit-ocv, any will do"
            raise self.file.error(message, name, self.line)
        size, dimension = found
        if kind == "time" and len(first) and np.nanmin(values) * size > _SINCE_1970:
            values = values - first
        celsius = kind == "temperature" and unit.strip().lower() not in ("k", "kelvin")
        values = values * size + (units.ZERO_CELSIUS if celsius else 0)
        return Quantity(values, dimension, name, stated)

    def _clock(self, column: int, name: str) -> Array | None:
        """Return a column of clocks or dates in seconds; None if it is one of numbers."""
        text = self.texts(column)
        if text is None:
            return None
        t = seconds(text, self.file.path, name)
        if t is not None and text.iloc[:50].str.contains(DATE, regex=True).any():
            t, fell = after_summer_time(t)
            if fell:
                self.file.note(f"'{name}' falls back by an hour: summer time ended.")
        return t

    def _numbers_and_units(self, column: int) -> tuple[Array, pd.Series | None]:
        """Return a column as floats and the unit behind each, None where none has one."""
        text, behind = self.texts(column), None
        plain = self.data[column]
        if text is not None:
            name = self.names[column] or f"column {column + 1}"
            plain = self._one_mark(text.str.translate(_SIGNS), name)
        try:
            values = np.array(pd.to_numeric(plain, errors="coerce"), dtype=float)
        except OverflowError:  # of a number of hundreds of digits
            values = np.full(len(plain), np.nan)
        left = np.isnan(values) & (plain != "").to_numpy()
        if text is not None and left.any():
            found = [_CELL.fullmatch(_BLANKS.sub("", x.strip())) for x in plain[left]]
            values[left] = [_value(x) for x in found]
            if any(x and x[5] for x in found):
                behind = pd.Series("", index=plain.index)
                behind[left] = [x[5] if x else "" for x in found]
        values[~(np.abs(values) <= 1e30)] = np.nan
        return values, behind

    def _one_mark(self, text: pd.Series, name: str) -> pd.Series:
        """Return cells with decimal points and no marks of thousands."""
        mark, decimal = (".", ",") if self.decimal == "," else (",", ".")
        with_mark = text[text.str.contains(mark, regex=False)]
        with_mark = with_mark[with_mark.str.contains(r"\d", regex=True)]
        if len(with_mark):
            bare = with_mark.str.replace(r"^[(]|[-)\s]*[^\d]*$", "", regex=True)
            if bare.str.fullmatch(grouped(mark, decimal)).all():
                example = with_mark.iloc[0]
                self.file.note(f"'{name}' has marks of thousands: {example}.")
                text = text.str.replace(mark, "", regex=False)
            elif not text.str.contains(decimal, regex=False).any():
                decimal = mark  # this column's own
        return text.str.replace(",", ".", regex=False) if decimal == "," else text

    def _by_own_units(
        self,
        values: Array,
        written: pd.Series,
        kind: str,
        heading_has: tuple[float, str] | None,
        name: str,
    ) -> tuple[Array, str] | None:
        """Return cells in SI by the unit that stands in each; None if none is known."""
        codes, spelled = pd.factorize(written)
        known = [factor(unit, kind) if unit else heading_has for unit in spelled]
        if not any(unit and size for unit, size in zip(spelled, known, strict=True)):
            return None
        lacking = np.array([size is None for size in known])[codes] & np.isfinite(values)
        dimensions = {size[1] for size in known if size}
        if lacking.any() or len(dimensions) > 1:
            row = int(np.argmax(lacking)) + 1
            message = f"has several units, or none in row {row}; one kind is wanted"
            raise self.file.error(message, name, self.line)
        if heading_has and any(s and s[0] != heading_has[0] for s in known):
            self.file.note(f"'{name}' has cells of another unit: theirs was taken.")
        sizes = np.array([size[0] if size else np.nan for size in known])[codes]
        return values * sizes, dimensions.pop()


def _value(found: re.Match[str] | None) -> float:
    if found is None:
        return np.nan
    bracket, sign, digits, behind, _ = found.groups()
    size = float(digits.lower().replace("d", "e"))
    return -size if (bracket or behind) and sign != "-" else float(sign + "1") * size


def grouped(mark: str, decimal: str) -> str:
    """Return the pattern of a number with marks of thousands."""
    return rf"[-+]?[1-9]\d{{0,2}}(?:\{mark}\d{{3}})+(?:\{decimal}\d*)?"


def roles(names: tuple[str, ...]) -> dict[str, int]:
    """Return the number (from 0) of the best column of each role, by the headings."""
    found: dict[str, int] = {}
    for k, name in enumerate(names):
        role = role_of(name)
        if role and (
            role not in found or rank(name, role) < rank(names[found[role]], role)
        ):
            found[role] = k
    if "time" in found and "step_time" not in found:
        plain = [k for k, name in enumerate(names) if heading(name).words == "time"]
        if plain and _TOTAL.fullmatch(heading(names[found["time"]]).words):
            found["step_time"] = plain[0]
    if not any(whole <= found.keys() for whole in _SPECTRUM):
        found = {r: k for r, k in found.items() if r not in set().union(*_SPECTRUM)}
    return found


def sets(names: tuple[str, ...]) -> list[list[int]]:
    """Return the columns of each record or curve that stand side by side in a table.

    The first heading that comes again begins a set; what stands before it is of all.
    """
    bare = [unnumbered(name) for name in names]
    said = [heading(name).words if name else "" for name in bare]
    known = [k for k, name in enumerate(bare) if role_of(name)]
    first = next((k for k in known if said[k] in said[k + 1 :]), None)
    whole = [list(range(len(names)))]
    if first is None:
        return whole
    begins = [k for k in known if said[k] == said[first]]
    found = []
    for start, stop in pairwise([*begins, len(names)]):
        there = roles((*bare[:first], *bare[start:stop])).keys()
        own = roles(tuple(bare[start:stop])).keys()
        if "voltage" in own and own & FLOWING and there & {*TIMES, *CHARGES}:
            found.append([*range(first), *range(start, stop)])
    return found if len(found) > 1 else whole

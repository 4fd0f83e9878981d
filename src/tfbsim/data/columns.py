"""Which column is what, and its numbers in SI: by its heading, or as a mapping says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ..errors import InputError, shown, suggest
from .cells import Array, numbers, numbers_and_units, texts
from .clock import DATE, absolute, after_summer_time, seconds
from .headings import KIND, factor, heading, hertz, rank, role_of, unnumbered
from .mapping import Column, Mapping
from .table import Table

_DEFAULT = {"time": "s", "voltage": "V", "temperature": "degC"}
_SINCE_1970 = 6e8  # s, of a time that counts from then
_WOULD_DO = {"current": "mA, uA/cm2, mA/g", "capacity": "mAh, uAh/cm2, mAh/g"}
# Times that count through the whole test, beside which a plain time is that of the step
_TOTAL = re.compile(r"(test|total|cumulative|run|prog) ?time|测试时间|总时间")


TIMES = ("time", "step_time", "date")  # the best first
CHARGES = ("capacity", "charge_capacity", "discharge_capacity", "net_capacity")
FLOWING = {"current", "increment", *CHARGES}


@dataclass(frozen=True)
class Quantity:
    """A column as numbers in SI.

    Parameters
    ----------
    values : ndarray
        NaN where the cell was no number.
    dimension : str
        Of :mod:`tfbsim.units`.
    name : str
        As the file has it.
    stated : bool
        Whether the file or mapping states its unit.
    """

    values: Array
    dimension: str
    name: str
    stated: bool = True


def find_columns(table: Table, mapping: Mapping) -> dict[str, int]:
    """Return the number (from 0) of the column of each role.

    Raises
    ------
    InputError
        A column the mapping names is not there.
    """
    found = roles(table.names)
    for role, column in mapping.columns.model_dump(exclude_none=True).items():
        found[role] = column_of(table, column, f"columns.{role}")
    return found


def roles(names: tuple[str, ...]) -> dict[str, int]:
    """Return the number (from 0) of the best column of each role, by the headings."""
    found: dict[str, int] = {}
    for k, name in enumerate(names):
        role = role_of(name)
        if role is None:
            continue
        if role not in found or rank(name, role) < rank(names[found[role]], role):
            found[role] = k
    if "time" in found and "step_time" not in found:
        total = _TOTAL.fullmatch(heading(names[found["time"]]).words)
        plain = [k for k, name in enumerate(names) if heading(name).words == "time"]
        if total and plain:
            found["step_time"] = plain[0]
    spectrum = {"frequency", "real", "imaginary"}, {"frequency", "modulus", "phase"}
    for whole in spectrum:
        if whole <= found.keys():
            break
    else:
        for role in set().union(*spectrum):
            found.pop(role, None)
    return found


def sets(names: tuple[str, ...]) -> list[list[int]]:
    """Return the columns of each record or curve that stand side by side in a table.

    The first heading that comes again begins a set; what stands before it is of all.
    """
    said = [heading(unnumbered(name)).words if name else "" for name in names]
    known = [k for k, name in enumerate(names) if role_of(unnumbered(name))]
    first = next((k for k in known if said[k] in said[k + 1 :]), None)
    if first is None:
        return [list(range(len(names)))]
    begins = [k for k in known if said[k] == said[first]]
    found = []
    for start, stop in pairwise([*begins, len(names)]):
        columns = [*range(first), *range(start, stop)]
        there = roles(tuple(unnumbered(names[k]) for k in columns)).keys()
        own = roles(tuple(unnumbered(names[k]) for k in range(start, stop))).keys()
        if "voltage" in own and own & FLOWING and there & {*TIMES, *CHARGES}:
            found.append(columns)
    return found if len(found) > 1 else [list(range(len(names)))]


def column_of(table: Table, column: Column, where: str) -> int:
    """Return the number (from 0) of a column that a mapping names.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(column, int):
        if column > len(table.names):
            message = f"asks for column {column}; there are {len(table.names)}"
            raise InputError(message, table.path, field=where)
        return column - 1
    alike = [k for k, name in enumerate(table.names) if name.strip() == column.strip()]
    if not alike:
        known = [name for name in table.names if name]
        hint = suggest(column, known) or (
            f"; there are {shown(', '.join(known), 300)}"
            if known
            else "; it has no heading: give the number, from 1"
        )
        message = f"there is no column '{shown(column)}'{hint}"
        raise InputError(message, table.path, field=where)
    return alike[0]


def quantity(table: Table, column: int, role: str, mapping: Mapping) -> Quantity:
    """Return a column in SI, by the unit in its heading or the mapping's.

    Raises
    ------
    InputError
        The unit is none of this quantity, or is missing and cannot be guessed.
    """
    kind = KIND.get(role, role)
    name = table.names[column] or f"column {column + 1}"
    said = heading(table.names[column])
    given = getattr(mapping.units, kind, None)
    unit = given or said.unit or said.odd
    found = factor(unit, kind) if unit else None
    if unit and found is None:
        would = _WOULD_DO.get(kind, f"such as {_DEFAULT.get(kind, 'ohm')}")
        message = f"'{shown(unit)}' is no unit of {kind}; {would} would do"
        if given:
            raise InputError(message, table.path, field=f"units.{kind}")
        raise InputError(message, table.path, table.line, name)
    if kind == "time":
        text = texts(table, column)
        if text is not None and (clock := seconds(text, table.path, name)) is not None:
            fell = False
            if text.iloc[:50].str.contains(DATE, regex=True).any():
                clock, fell = after_summer_time(clock)
            if fell:
                table.notes.append(f"'{name}' falls back by an hour: summer time ended.")
            return Quantity(clock, "time", name)
    values, units = numbers_and_units(table, column)
    if kind == "time" and not unit and (stamp := absolute(values, role == "date")):
        size, what = stamp
        table.notes.append(f"'{name}' was read as {what}.")
        first = values[np.isfinite(values)][0]
        return Quantity((values - first) * size, "time", name)
    if units is not None and kind != "temperature":
        own = _by_own_units(values, units, kind, found, table, name)
        if own is not None:
            return Quantity(*own, name)
    stated = found is not None
    if found is None:
        if kind not in _DEFAULT:
            example = {"current": "mA or uA/cm2", "capacity": "mAh or uAh/cm2"}
            message = (
                f"has no unit; name one in a mapping, 'units: {{{kind}: ...}}', such as "
                + example.get(kind, "ohm or ohm.cm2")
            )
            if kind == "capacity" and 0 < np.nanmax(np.abs(values), initial=0) <= 100:
                message += "; where only its ratio counts, as in fit-ocv, any will do"
            raise InputError(message, table.path, table.line, name)
        unit = _DEFAULT[kind]
        found = factor(unit, kind)
    assert found is not None
    size, dimension = found
    known = values[np.isfinite(values)]
    if kind == "time" and len(known) and known.min() * size > _SINCE_1970:
        values = values - known[0]
    celsius = kind == "temperature" and unit.strip().lower() not in ("k", "kelvin")
    return Quantity(values * size + (273.15 if celsius else 0), dimension, name, stated)


def _by_own_units(
    values: Array,
    units: pd.Series,
    kind: str,
    heading_has: tuple[float, str] | None,
    table: Table,
    name: str,
) -> tuple[Array, str] | None:
    """Return cells in SI, each by the unit that stands in it; None if none is known.

    Raises
    ------
    InputError
        Their units are of several quantities, or some have none.
    """
    codes, written = pd.factorize(units)
    known = [heading_has if not unit else factor(unit, kind) for unit in written]
    if not any(unit and size for unit, size in zip(written, known, strict=True)):
        return None
    used = np.isfinite(values)
    lacking = np.array([size is None for size in known])[codes] & used
    dimensions = {size[1] for size in known if size}
    if lacking.any() or len(dimensions) > 1:
        row = int(np.argmax(lacking)) + 1
        message = f"has several units, or none in row {row}; one kind is wanted"
        raise InputError(message, table.path, table.line, name)
    sizes = np.array([size[0] if size else np.nan for size in known])[codes]
    if heading_has and any(s and s[0] != heading_has[0] for s in known):
        table.notes.append(f"'{name}' has cells of another unit: theirs was taken.")
    return values * sizes, dimensions.pop()


def frequency(table: Table, column: int) -> Array:
    """Return a column of frequencies [Hz].

    Raises
    ------
    InputError
        Its unit is none of frequency.
    """
    said = heading(table.names[column])
    size = hertz(said.unit or said.odd)
    if size is None:
        message = f"is in '{shown(said.unit or said.odd)}'; Hz is wanted"
        raise InputError(message, table.path, table.line, "frequency")
    return numbers(table, column) * size

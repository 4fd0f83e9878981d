"""Which column is what, and its numbers in SI: by its heading, or as a mapping says."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, shown, suggest
from .clock import seconds
from .headings import KIND, factor, heading, hertz, rank, role_of
from .mapping import Column, Mapping
from .table import Table

Array = np.ndarray

_DEFAULT = {"time": "s", "voltage": "V", "temperature": "degC"}
_WOULD_DO = {"current": "mA, uA/cm2, mA/g", "capacity": "mAh, uAh/cm2, mAh/g"}
# Times that count through the whole test, beside which a plain time is that of the step
_TOTAL = re.compile(r"(test|total|cumulative|run|prog) ?time|测试时间|总时间")
_SIGNS = str.maketrans("−–—﹣－", "-----")
_NUMBER = re.compile(
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?)\s*[A-Za-z%°µΩ/]*\s*\*?"
)
_THOUSANDS = re.compile(r"(?<=\d)[   '’_](?=\d{3}(?!\d))")


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


def find_columns(
    names: tuple[str, ...], mapping: Mapping, table: Table
) -> dict[str, int]:
    """Return the number (from 0) of the column of each role.

    Raises
    ------
    InputError
        A column the mapping names is not there.
    """
    found = roles(names)
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


def numbers(table: Table, column: int) -> Array:
    """Return a column as floats, NaN where a cell is no number.

    A cell may have the minus of a printed text, marks of thousands, the exponent of
    FORTRAN, its unit behind it.
    """
    raw = table.data[column]
    if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
        try:
            values = np.array(pd.to_numeric(raw, errors="coerce"), dtype=float)
        except OverflowError:  # of a number of hundreds of digits
            values = np.full(len(raw), np.nan)
        left = np.isnan(values) & raw.notna().to_numpy()
        if left.any():
            values[left] = [_number(str(x), table.decimal) for x in raw[left]]
    else:
        values = np.array(pd.to_numeric(raw, errors="coerce"), dtype=float)
    values[~np.isfinite(values)] = np.nan
    values[np.abs(values) > 1e30] = np.nan
    return values


def _number(text: str, decimal: str) -> float:
    text = text.strip(" \t\"'\xa0").translate(_SIGNS)
    text = _THOUSANDS.sub("", text)
    if decimal == ",":
        text = re.sub(r"(?<=\d)\.(?=\d{3}(\D|$))", "", text).replace(",", ".")
    elif "," in text and "." in text[text.rindex(",") :]:
        text = text.replace(",", "")  # of thousands
    found = _NUMBER.fullmatch(text)
    return float(found[1].lower().replace("d", "e")) if found else np.nan


def texts(table: Table, column: int) -> pd.Series | None:
    """Return a column as text; None if it is one of numbers."""
    raw = table.data[column]
    if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
        return raw.fillna("").astype(str).str.strip().str.strip('"')
    return None


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
            return Quantity(clock, "time", name)
    values = numbers(table, column)
    stated = found is not None
    if found is None:
        if kind not in _DEFAULT:
            example = {"current": "mA or uA/cm2", "capacity": "mAh or uAh/cm2"}
            message = (
                f"has no unit; name one in a mapping, 'units: {{{kind}: ...}}', such as "
                + example.get(kind, "ohm or ohm.cm2")
            )
            raise InputError(message, table.path, table.line, name)
        unit = _DEFAULT[kind]
        found = factor(unit, kind)
    assert found is not None
    size, dimension = found
    celsius = kind == "temperature" and unit.strip().lower() not in ("k", "kelvin")
    return Quantity(values * size + (273.15 if celsius else 0), dimension, name, stated)


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

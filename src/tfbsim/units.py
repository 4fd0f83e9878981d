"""Quantities with units, as they are written in files and shown to people.

Units exist at the edge only: `parse` turns `600 nm` into a plain SI float, `text`
turns the float back, and nothing in between carries a unit. The units are those of
dimensions.csv and symbols.csv, converted in exact decimals. pint was tried: its
registry knows thousands of units, among them C as the coulomb, which nobody who writes
1C means, it reads neither `cm2` nor `30 degC` as text, and to load it takes as long as
all else that checking a file does. An activation energy in eV is one per particle; the
faraday makes it J/mol (CODATA 2018, exact: e = 1.602176634e-19 C, N_A = 6.02214076e23
/mol).
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import NamedTuple

from .errors import shown, suggest

_ZERO = Decimal("273.15")  # degC in K
ZERO_CELSIUS = float(_ZERO)
_SMALLEST, _LARGEST = 1e-60, 1e60


class _Dimension(NamedTuple):
    si: str  # the SI unit
    example: str  # what a user might write
    display: str  # the unit shown, as PyBaMM writes it
    factor: float  # display unit / SI unit


def _rows(name: str) -> list[dict[str, str]]:
    with open(Path(__file__).with_name(name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _quotient(text: str) -> float:
    number, _, divisor = text.partition("/")
    return float(number) / float(divisor or 1)


_DIMENSIONS = {
    row.pop("dimension"): _Dimension(factor=_quotient(row.pop("factor")), **row)
    for row in _rows("dimensions.csv")
}

#: For each dimension its unit in PyBaMM notation and display value / SI value;
#: temperature has an offset too: use `to_display`.
DISPLAY: dict[str, tuple[str, float]] = {
    name: (dimension.display, dimension.factor) for name, dimension in _DIMENSIONS.items()
}

Powers = tuple[int, ...]  # of m, kg, s, A, K, mol

_PREFIXES = {
    prefix: Decimal(10) ** power
    for prefix, power in zip(
        "fpnumcdkMG", (-15, -12, -9, -6, -3, -2, -1, 3, 6, 9), strict=True
    )
}
# The units a file may use, with the prefixes each may carry; degC is a difference of it,
# whose offset `parse` has, and a year has 365.25 days
_SYMBOLS: dict[str, tuple[Decimal, Powers]] = {
    prefix + name: (
        Decimal(row["size"]) * _PREFIXES.get(prefix, 1),
        tuple(int(row[base]) for base in ("m", "kg", "s", "A", "K", "mol")),
    )
    for row in _rows("symbols.csv")
    for name in row["names"].split()
    for prefix in ["", *row["prefixes"]]
}
_SAID = {  # words for which no symbol looks alike
    **dict.fromkeys(("micron", "microns", "micrometer", "micrometre"), "um"),
    **dict.fromkeys(("nanometer", "nanometre"), "nm"),
    **dict.fromkeys(("volt", "volts"), "V"),
    **dict.fromkeys(("amp", "amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("watt", "watts"), "W"),
    **dict.fromkeys(("celsius", "Celsius", "degree", "deg", "oC", "C"), "degC"),
    **dict.fromkeys(("percent", "pct"), "%"),
    **dict.fromkeys(("kelvin", "Kelvin"), "K"),
    **dict.fromkeys(("liter", "litre"), "L"),
}

# After the normal form NFKC, in which a micro sign is a mu and a superscript a digit
_SIGNS = str.maketrans(
    {"μ": "u", "Ω": "ohm", "Å": "angstrom", "·": ".", "⋅": ".", "−": "-"}
)
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]*,[0-9]")
_UNIT = re.compile(r"[A-Za-z0-9/.*^ -]{1,39}")
_TERM = re.compile(r"([A-Za-z]+)(?:\^?(-?[1-9]))?")
_POSITIVE = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_C_RATE = re.compile(rf"\s*({_POSITIVE})?\s*C(?:\s*/\s*({_POSITIVE}))?\s*")


def parse(value: object, dimension: str) -> float:
    """Return a quantity in SI units: temperatures in K, activation energies in J/mol.

    Parameters
    ----------
    value : str or number
        A number with its unit, such as `600 nm`, `2e-6 S/cm` or `35 uA.h.cm-2`; of a
        dimensionless quantity a plain number, or a percentage.
    dimension : str
        What it must be: a key of `DISPLAY`.

    Raises
    ------
    ValueError
        In one sentence: not a number, no unit, an unknown unit, another dimension,
        or a size that cannot be meant.
    """
    return (_parse_text if isinstance(value, str) else _parse)(value, dimension)


def _parse(value: object, dimension: str) -> float:
    wanted = _wanted(dimension)
    if isinstance(value, str):
        number, unit = split(value, dimension)
    elif isinstance(value, bool) or not isinstance(value, Real):
        kind = "nothing" if value is None else f"'{shown(value)}'"
        raise ValueError(f"{kind} is given where {wanted} would do")
    else:
        number, unit = _plain(value), ""
    quoted = f"'{shown(str(value).strip())}'"
    if unit in ("", "%"):
        if dimension == "dimensionless":
            return float(number / 100 if unit else number)
        lack = "is a percentage" if unit else "has no unit"
        raise ValueError(f"{quoted} {lack}; {wanted} would do")
    if dimension == "temperature" and unit in ("C", "oC"):
        unit = "degC"
    factor, found = _unit(unit, dimension)
    # A rate and a frequency have the same powers of units
    if not found or _DIMENSIONS[found].si != _DIMENSIONS[dimension].si:
        kind = _article(found) if found else f"not {_article(dimension)}"
        raise ValueError(f"{quoted} is {kind}; {wanted} would do")
    if dimension != "temperature":
        return float(number * factor)
    result = float(number + _ZERO if unit == "degC" else number * factor)
    if result < 0:
        raise ValueError(f"{quoted} is below absolute zero")
    return result


_parse_text = lru_cache(maxsize=4096)(_parse)  # the fields of a cell, for all its cases


def quantity(text: str, dimensions: Iterable[str]) -> tuple[float, str]:
    """Return a quantity in SI and which of several dimensions it has."""
    options = tuple(dimensions)
    unit = split(text, options[0])[1]
    found = _unit(unit, options[0])[1] if unit else ""
    if found in options:
        return parse(text, found), found
    lack = f"is {_article(found)}" if found else "is no quantity that goes here"
    words = " or ".join(f"'{sample(name)}'" for name in options)
    lack = lack if unit else "has no unit"
    raise ValueError(f"'{shown(text.strip())}' {lack}; such as {words} would do")


def c_rate(text: str) -> float | None:
    """Return the C-rate that `text` means (`C/10` 0.1, `2C` 2.0), or None if none."""
    found = _C_RATE.fullmatch(text) if len(text) <= 40 else None
    if not found:
        return None
    divisor = float(found[2] or 1)
    rate = float(found[1] or 1) / divisor if divisor else 0.0
    return rate if rate > 0 and math.isfinite(rate) else None


def si_unit(dimension: str) -> str:
    """Return the SI unit of a dimension, as PyBaMM writes it."""
    return _DIMENSIONS[dimension].si.replace("ohm", "Ohm")


def display_unit(dimension: str) -> str:
    """Return the unit in which quantities of this dimension are shown."""
    return _DIMENSIONS[dimension].display


def sample(dimension: str) -> str:
    """Return an example of a quantity of this dimension, with its unit."""
    return _DIMENSIONS[dimension].example


def to_display(value: float, dimension: str) -> float:
    """Return an SI value in the unit in which it is shown.

    Rounded to 14 digits, so that 800 nm is 0.8 um and not 0.7999999999999999.
    """
    shift = -ZERO_CELSIUS if dimension == "temperature" else 0.0
    return float(f"{value * _DIMENSIONS[dimension].factor + shift:.14g}")


def text(value: float, dimension: str, digits: int = 4) -> str:
    """Return an SI value as people read it, such as `0.6 um`; `parse` reads it back."""
    return f"{to_display(value, dimension):.{digits}g} {display_unit(dimension)}".strip()


def _article(dimension: str) -> str:
    if dimension == "dimensionless":
        return "a plain number"
    return f"{'an' if dimension[0] in 'aeiou' else 'a'} {dimension}"


def _wanted(dimension: str) -> str:
    if dimension not in _DIMENSIONS:
        raise ValueError(f"unknown dimension '{shown(dimension)}'")
    return f"{_article(dimension)} such as '{sample(dimension)}'"


def split(value: str, dimension: str) -> tuple[Decimal, str]:
    """Return the number and the unit of a text, the unit's signs made ASCII."""
    wanted = _wanted(dimension)
    if not value.strip():
        raise ValueError(f"an empty text is given where {wanted} would do")
    plain = unicodedata.normalize("NFKC", value[:200]).replace("°C", "degC")
    plain = plain.translate(_SIGNS)
    found = _QUANTITY.fullmatch(plain)
    number, unit = found.groups() if found else ("", "")
    zero = not re.search("[1-9]", number.lower().split("e")[0])
    wrong = {
        f"is too long for a quantity; {wanted} would do": len(value) > 200,
        f"is a C-rate, which does not go here; {wanted} would": (
            c_rate(value) is not None and dimension != "temperature"
        ),
        "has a decimal comma; write a point, as in '1.5'": _DECIMAL_COMMA.match(plain),
        f"does not start with a number; {wanted} would do": not found,
        "has a number of more than 40 characters": len(number) > 40,
        f"is not one number and its unit; {wanted} would do": re.match("[0-9.,]", unit),
        "is too large or too small a number to be meant": (
            not zero and not _sensible(float(number))
        ),
    }
    for reason in (words for words, holds in wrong.items() if holds):
        raise ValueError(f"'{shown(value.strip())}' {reason}")
    return Decimal(0) if zero else Decimal(number), unit


def _sensible(number: float) -> bool:
    return _SMALLEST <= abs(number) <= _LARGEST


def _plain(value: Real) -> Decimal:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if number and not _sensible(number):
        raise ValueError(f"{shown(number)} is not a finite number of a sensible size")
    return Decimal(repr(number))


def _unit(unit: str, wanted: str = "") -> tuple[Decimal, str]:
    """Return the size of a unit in SI and its dimension, '' if that has no name; of an
    unknown one a ValueError suggests what has the dimension that is wanted."""
    size, powers = _size(unit, wanted)
    return size, _named().get(powers, "")


@lru_cache(maxsize=1024)
def _size(unit: str, wanted: str = "") -> tuple[Decimal, Powers]:
    quoted = f"'{shown(unit)}'"
    size, powers = Decimal(1), [0] * 6
    parts = unit.replace("**", "^").split("/") if _UNIT.fullmatch(unit) else [""]
    for position, part in enumerate(parts):
        terms = re.split(r"\s*[*.]\s*|\s+", part.strip())
        if position and len(terms) > 1:
            message = f"{quoted} is ambiguous after the '/'; write it like 'uA.h.cm-2'"
            raise ValueError(message)
        for term in terms:
            if not (found := _TERM.fullmatch(term)):
                raise ValueError(f"{quoted} is not a unit; write one such as 'uA/cm2'")
            symbol, power = found[1], int(found[2] or 1) * (-1 if position else 1)
            if symbol not in _SYMBOLS:
                raise ValueError(_unknown(symbol, unit, wanted))
            if symbol == "degC" and unit != "degC":
                raise ValueError(f"{quoted} has degC within a unit; write K there")
            one, of_one = _SYMBOLS[symbol]
            size *= one**power
            powers = [a + power * b for a, b in zip(powers, of_one, strict=True)]
    return size, tuple(powers)


def _unknown(symbol: str, unit: str, wanted: str) -> str:
    """Return what to say of a unit that is none of ours."""
    if symbol == "C" and wanted != "temperature":
        return (
            f"'{shown(unit)}' has C, which is a C-rate here and no coulomb; C-rates do "
            "not go here, and a charge is written in uAh"
        )
    where = "" if unit == symbol else f" in '{shown(unit)}'"
    message = f"unknown unit '{symbol}'{where}"
    if symbol in _SAID:
        return f"{message}; did you mean '{_SAID[symbol]}'?"
    alone = unit == symbol and wanted in _DIMENSIONS
    options = [s for s in _SYMBOLS if not alone or _unit(s)[1] == wanted]
    hint = suggest(symbol, sorted(options))
    return message + (hint or (f"; {_wanted(wanted)} would do" if wanted else ""))


@lru_cache(maxsize=1)
def _named() -> dict[Powers, str]:
    """Return the names of dimensions, by their powers; of two alike the first."""
    by_unit = {dimension.si: name for name, dimension in reversed(_DIMENSIONS.items())}
    return {_size(si)[1] if si else (0,) * 6: name for si, name in by_unit.items()}

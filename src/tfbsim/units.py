"""Quantities with units, as they are written in files and shown to people.

Units exist at the edge only: `parse` turns `600 nm` into a plain SI float, `text`
turns the float back, and nothing in between carries a unit. The units are those of
the table below, converted in exact decimals. pint was tried: its registry knows
thousands of units, among them C as the coulomb, which nobody who writes 1C means, it
reads neither `cm2` nor `30 degC` as text, and to load it takes as long as all else
that checking a file does. An activation energy in eV is one per particle; the faraday
makes it J/mol (CODATA 2018, exact: e = 1.602176634e-19 C, N_A = 6.02214076e23 /mol).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from numbers import Real
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


_DIMENSIONS = {
    "length": _Dimension("m", "600 nm", "um", 1e6),
    "area": _Dimension("m2", "0.15 cm2", "cm2", 1e4),
    "time": _Dimension("s", "10 min", "s", 1.0),
    "temperature": _Dimension("K", "30 degC", "degC", 1.0),
    "voltage": _Dimension("V", "4.3 V", "V", 1.0),
    "current": _Dimension("A", "6 uA", "uA", 1e6),
    "current density": _Dimension("A.m-2", "40 uA/cm2", "uA.cm-2", 1e2),
    "specific current": _Dimension("A.kg-1", "50 mA/g", "mA.g-1", 1.0),
    "resistance": _Dimension("ohm", "300 ohm", "Ohm", 1.0),
    "areal resistance": _Dimension("ohm.m2", "18.3 ohm.cm2", "Ohm.cm2", 1e4),
    "conductivity": _Dimension("S.m-1", "2e-6 S/cm", "S.cm-1", 1e-2),
    "diffusivity": _Dimension("m2.s-1", "1e-10 cm2/s", "cm2.s-1", 1e4),
    "areal mass": _Dimension("kg.m-2", "2.3 mg/cm2", "mg.cm-2", 1e2),
    "density": _Dimension("kg.m-3", "3.8 g/cm3", "g.cm-3", 1e-3),
    "molar mass": _Dimension("kg.mol-1", "97.28 g/mol", "g.mol-1", 1e3),
    "molar volume": _Dimension("m3.mol-1", "13 cm3/mol", "cm3.mol-1", 1e6),
    "concentration": _Dimension("mol.m-3", "50 mol/L", "mol.m-3", 1.0),
    "activation energy": _Dimension("J.mol-1", "0.55 eV", "eV", 1 / 96485.33212331001),
    "areal charge": _Dimension("A.s.m-2", "35 uAh/cm2", "uA.h.cm-2", 1e2 / 3600),
    "areal inventory": _Dimension("mol.m-2", "1.5 umol/cm2", "umol.cm-2", 1e2),
    "specific charge": _Dimension("A.s.kg-1", "350 mAh/g", "mA.h.g-1", 1 / 3600),
    "charge": _Dimension("A.s", "5 uAh", "uA.h", 1e6 / 3600),
    "power": _Dimension("W", "10 uW", "uW", 1e6),
    "areal power": _Dimension("W.m-2", "100 uW/cm2", "uW.cm-2", 1e2),
    "energy density": _Dimension("J.m-3", "1200 Wh/L", "W.h.L-1", 1e-3 / 3600),
    "specific energy": _Dimension("J.kg-1", "300 Wh/kg", "W.h.kg-1", 1 / 3600),
    "dimensionless": _Dimension("", "0.5", "", 1.0),
    "entropy coefficient": _Dimension("V.K-1", "0.1 mV/K", "mV.K-1", 1e3),
    "voltage rate": _Dimension("V.s-1", "0.1 mV/s", "mV.s-1", 1e3),
    "rate": _Dimension("s-1", "0.01 h-1", "h-1", 3600.0),
    "areal resistance rate": _Dimension(
        "ohm.m2.s-1", "0.5 ohm.cm2/h", "Ohm.cm2.h-1", 1e4 * 3600
    ),
    "frequency": _Dimension("s-1", "800 kHz", "Hz", 1.0),
    "areal capacitance": _Dimension("F.m-2", "10 uF/cm2", "uF.cm-2", 1e2),
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
# The units a file may use: their names, the prefixes each may carry, their size in SI.
_UNITS: tuple[tuple[str, str, str, Powers], ...] = (
    ("m", "pnumcdk", "1", (1, 0, 0, 0, 0, 0)),
    ("angstrom", "", "1e-10", (1, 0, 0, 0, 0, 0)),
    ("L l", "num", "1e-3", (3, 0, 0, 0, 0, 0)),
    ("g", "pnumk", "1e-3", (0, 1, 0, 0, 0, 0)),
    ("s", "pnum", "1", (0, 0, 1, 0, 0, 0)),
    ("sec second seconds", "", "1", (0, 0, 1, 0, 0, 0)),
    ("min minute minutes", "", "60", (0, 0, 1, 0, 0, 0)),
    ("h hr hour hours", "", "3600", (0, 0, 1, 0, 0, 0)),
    ("day days", "", "86400", (0, 0, 1, 0, 0, 0)),
    ("week weeks", "", "604800", (0, 0, 1, 0, 0, 0)),
    ("year years", "", "31557600", (0, 0, 1, 0, 0, 0)),  # of 365.25 days
    ("A", "fpnumk", "1", (0, 0, 0, 1, 0, 0)),
    ("K", "num", "1", (0, 0, 0, 0, 1, 0)),
    ("degC", "", "1", (0, 0, 0, 0, 1, 0)),  # a difference of it; `parse` has the offset
    ("mol", "fpnumk", "1", (0, 0, 0, 0, 0, 1)),
    ("J", "fpnumkM", "1", (2, 1, -2, 0, 0, 0)),
    ("eV", "mk", "96485.3321233100184", (2, 1, -2, 0, 0, -1)),
    ("W", "fpnumk", "1", (2, 1, -3, 0, 0, 0)),
    ("V", "pnumk", "1", (2, 1, -3, -1, 0, 0)),
    ("S", "fpnumk", "1", (-2, -1, 3, 2, 0, 0)),
    ("ohm Ohm", "numkMG", "1", (2, 1, -3, -2, 0, 0)),
    ("F", "fpnum", "1", (-2, -1, 4, 2, 0, 0)),
    ("Hz", "numkMG", "1", (0, 0, -1, 0, 0, 0)),
    ("Ah", "fpnumk", "3600", (0, 0, 1, 1, 0, 0)),
    ("Wh", "fpnumk", "3600", (2, 1, -2, 0, 0, 0)),
)
_SYMBOLS: dict[str, tuple[Decimal, Powers]] = {
    prefix + name: (Decimal(size) * _PREFIXES.get(prefix, 1), powers)
    for names, prefixes, size, powers in _UNITS
    for name in names.split()
    for prefix in ["", *prefixes]
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

"""Quantities with units, as they are written in files and shown to people.

Units exist at the edge only: `parse` turns `600 nm` into a plain SI float, `text`
turns the float back, and nothing in between carries a unit. pint does the
conversion, in exact decimals, from a small set of units of its own: pint's whole
registry knows thousands, among them C as the coulomb, which nobody who writes 1C
means. An activation energy in eV is one per particle; the faraday makes it J/mol
(CODATA 2018, exact: e = 1.602176634e-19 C, N_A = 6.02214076e23 /mol).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from numbers import Real
from typing import TYPE_CHECKING, Any

from .errors import shown, suggest

if TYPE_CHECKING:
    import pint

ZERO_CELSIUS = 273.15  # K
_SMALLEST, _LARGEST = 1e-60, 1e60


@dataclass(frozen=True)
class _Dimension:
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
    "areal capacitance": _Dimension("F.m-2", "10 uF/cm2", "uF.cm-2", 1e2),
}

#: For each dimension its unit in PyBaMM notation and display value / SI value;
#: temperature has an offset too: use `to_display`.
DISPLAY: dict[str, tuple[str, float]] = {
    name: (dimension.display, dimension.factor) for name, dimension in _DIMENSIONS.items()
}

# The units a file may use, and the prefixes each may carry.
_PREFIXES = {
    "m": "pnumcdk",
    "angstrom": "",
    "g": "pnumk",
    "s": "pnum",
    "sec": "",
    "second": "",
    "seconds": "",
    "min": "",
    "minute": "",
    "minutes": "",
    "h": "",
    "hr": "",
    "hour": "",
    "hours": "",
    "day": "",
    "days": "",
    "A": "fpnumk",
    "V": "pnumk",
    "W": "fpnumk",
    "S": "fpnumk",
    "ohm": "numkMG",
    "Ohm": "numkMG",
    "eV": "mk",
    "J": "fpnumkM",
    "mol": "fpnumk",
    "K": "num",
    "degC": "",
    "F": "fpnum",
    "Ah": "fpnumk",
    "Wh": "fpnumk",
    "L": "num",
    "l": "num",
}
_SYMBOLS = frozenset(
    prefix + base for base, prefixes in _PREFIXES.items() for prefix in ["", *prefixes]
)
_DEFINITIONS = """
femto- = 1e-15 = f-
pico- = 1e-12 = p-
nano- = 1e-9 = n-
micro- = 1e-6 = u-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
deci- = 1e-1 = d-
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
metre = [length] = m
second = [time] = s = sec = seconds
ampere = [current] = A
gram = [mass] = g
kelvin = [temperature]; offset: 0 = K
mole = [substance] = mol
degree_Celsius = kelvin; offset: 273.15 = degC
angstrom = 1e-10 * metre
minute = 60 * second = min = minutes
hour = 60 * minute = h = hr = hours
day = 24 * hour = _ = days
joule = kilogram * metre ** 2 / second ** 2 = J
watt = joule / second = W
volt = watt / ampere = V
siemens = ampere / volt = S
ohm = volt / ampere = _ = Ohm
farad = ampere * second / volt = F
ampere_hour = ampere * hour = Ah
watt_hour = watt * hour = Wh
litre = 1e-3 * metre ** 3 = L = l
electronvolt = 96485.3321233100184 * joule / mole = eV
""".strip().splitlines()

_SIGNS = str.maketrans(
    {
        "µ": "u",  # micro sign
        "μ": "u",  # Greek mu
        "Ω": "ohm",
        "\u2126": "ohm",
        "℃": "degC",
        "Å": "angstrom",
        "\u212b": "angstrom",
        "·": ".",
        "⋅": ".",
        "\u2212": "-",
        "²": "2",
        "³": "3",
        "¹": "1",
        "⁻": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
    }
)
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*(.*?)\s*", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9]*,[0-9]")
_UNIT = re.compile(r"[A-Za-z0-9/.*^ -]{1,39}")
_TERM = re.compile(r"([A-Za-z]+)(?:\^?(-?[1-9]))?")
_POSITIVE = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_C_RATE = re.compile(rf"\s*({_POSITIVE})?\s*C(?:\s*/\s*({_POSITIVE}))?\s*")


def parse(value: object, dimension: str) -> float:
    """Return a quantity in SI units.

    Parameters
    ----------
    value : str or number
        A number with its unit, such as `600 nm`, `2e-6 S/cm` or `35 uA.h.cm-2`; of a
        dimensionless quantity a plain number, or a percentage.
    dimension : str
        What it must be: a key of `DISPLAY`.

    Returns
    -------
    float
        In SI units: temperatures in K, activation energies in J/mol, areal charges in
        C/m2.

    Raises
    ------
    ValueError
        In one sentence: not a number, no unit, an unknown unit, another dimension,
        or a size that cannot be meant.
    """
    if isinstance(value, str):
        return _parse_text(value, dimension)
    return _parse(value, dimension)


@lru_cache(maxsize=4096)  # the fields of a cell, over and over for its cases
def _parse_text(value: str, dimension: str) -> float:
    return _parse(value, dimension)


def _parse(value: object, dimension: str) -> float:
    wanted = _wanted(dimension)
    if isinstance(value, str):
        number, unit = _split(value, dimension)
    elif isinstance(value, bool) or not isinstance(value, Real):
        kind = "nothing" if value is None else f"'{shown(value)}'"
        raise ValueError(f"{kind} is given where {wanted} would do")
    else:
        number, unit = _plain(value), ""
    quoted = f"'{shown(str(value).strip())}'"

    if unit in ("", "%"):
        if dimension == "dimensionless":
            return float(number / 100 if unit else number)
        lack = "has no unit" if not unit else "is a percentage"
        raise ValueError(f"{quoted} {lack}; {wanted} would do")

    factor, found = _unit(unit)
    if found != dimension:
        kind = _article(found) if found else f"not {_article(dimension)}"
        raise ValueError(f"{quoted} is {kind}; {wanted} would do")
    result = float(number * factor)
    if dimension == "temperature":
        if unit == "degC":
            result = float(number + Decimal("273.15"))
        if result < 0:
            raise ValueError(f"{quoted} is below absolute zero")
    return result


def c_rate(text: str) -> float | None:
    """Return the C-rate that `text` means (`C/10` 0.1, `2C` 2.0), or None if none."""
    found = _C_RATE.fullmatch(text) if len(text) <= 40 else None
    if not found:
        return None
    divisor = float(found[2] or 1)
    rate = float(found[1] or 1) / divisor if divisor else 0.0
    return rate if rate > 0 and math.isfinite(rate) else None


def display_unit(dimension: str) -> str:
    """Return the unit in which quantities of this dimension are shown."""
    return _dimension(dimension).display


def to_display(value: float, dimension: str) -> float:
    """Return an SI value in the unit in which it is shown.

    Rounded to 14 digits, so that 800 nm is 0.8 um and not 0.7999999999999999.
    """
    shift = -ZERO_CELSIUS if dimension == "temperature" else 0.0
    return float(f"{value * _dimension(dimension).factor + shift:.14g}")


def text(value: float, dimension: str, digits: int = 4) -> str:
    """Return an SI value as people read it, such as `0.6 um`; `parse` reads it back."""
    return f"{to_display(value, dimension):.{digits}g} {display_unit(dimension)}".strip()


def _dimension(name: str) -> _Dimension:
    if name not in _DIMENSIONS:
        raise ValueError(f"unknown dimension '{shown(name)}'")
    return _DIMENSIONS[name]


def _article(dimension: str) -> str:
    if dimension == "dimensionless":
        return "a plain number"
    return f"{'an' if dimension[0] in 'aeiou' else 'a'} {dimension}"


def _wanted(dimension: str) -> str:
    return f"{_article(dimension)} such as '{_dimension(dimension).example}'"


def _split(value: str, dimension: str) -> tuple[Decimal, str]:
    """Return the number and the unit of a text, the unit's signs made ASCII."""
    wanted = _wanted(dimension)
    quoted = f"'{shown(value.strip())}'"
    if not value.strip():
        raise ValueError(f"an empty text is given where {wanted} would do")
    if len(value) > 200:
        raise ValueError(f"{quoted} is too long for a quantity; {wanted} would do")
    if c_rate(value) is not None:
        raise ValueError(f"{quoted} is a C-rate, which does not go here; {wanted} would")
    plain = value.replace("°C", "degC").translate(_SIGNS)
    if _DECIMAL_COMMA.match(plain):
        raise ValueError(f"{quoted} has a decimal comma; write a point, as in '1.5'")
    found = _QUANTITY.fullmatch(plain)
    if not found:
        raise ValueError(f"{quoted} does not start with a number; {wanted} would do")
    number, unit = found.groups()
    if len(number) > 40:
        raise ValueError(f"{quoted} has a number of more than 40 characters")
    if re.match(r"[0-9.,]", unit):
        raise ValueError(f"{quoted} is not one number and its unit; {wanted} would do")
    size = float(number)
    if not math.isfinite(size) or not (
        _SMALLEST <= abs(size) <= _LARGEST
        or not re.search("[1-9]", number.lower().split("e")[0])
    ):
        raise ValueError(f"{quoted} is too large or too small a number to be meant")
    return Decimal(number) if size else Decimal(0), unit


def _plain(value: Real) -> Decimal:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number) or (number and not _SMALLEST <= abs(number) <= _LARGEST):
        raise ValueError(f"{shown(number)} is not a finite number of a sensible size")
    return Decimal(repr(number))


@lru_cache(maxsize=1024)
def _unit(unit: str) -> tuple[Decimal, str]:
    """Return SI unit / `unit` and the dimension of a unit ('' if it has no name)."""
    factor, dimensionality = _measure(_canonical(unit))
    if dimensionality == {}:
        return factor, "dimensionless"
    for name, dimension in _DIMENSIONS.items():
        if dimension.si and _measured_si(dimension.si) == dimensionality:
            return factor, name
    return factor, ""


def _canonical(unit: str) -> str:
    """Return a unit as a product of powers that pint reads; ValueError if unknown."""
    quoted = f"'{shown(unit)}'"
    if not _UNIT.fullmatch(unit):
        raise ValueError(f"{quoted} is not a unit; write one such as 'uA/cm2'")
    factors: list[str] = []
    for position, part in enumerate(unit.replace("**", "^").split("/")):
        terms = [term for term in re.split(r"\s*[*.]\s*|\s+", part.strip())]
        if position and len(terms) > 1:
            raise ValueError(
                f"{quoted} is ambiguous after the '/'; write it like 'uA.h.cm-2'"
            )
        for term in terms:
            found = _TERM.fullmatch(term)
            if not found:
                raise ValueError(f"{quoted} is not a unit; write one such as 'uA/cm2'")
            symbol, power = found[1], int(found[2] or 1)
            _check_symbol(symbol, quoted)
            if symbol == "degC" and unit != "degC":
                raise ValueError(f"{quoted} has degC within a unit; write K there")
            factors.append(f"{symbol}**{-power if position else power}")
    return unit if unit == "degC" else " * ".join(factors)


def _check_symbol(symbol: str, quoted: str) -> None:
    if symbol in _SYMBOLS:
        return
    if symbol == "C":
        raise ValueError(
            f"{quoted} has C, which is a C-rate here and no coulomb; C-rates do not go "
            "here, and a charge is written in uAh"
        )
    where = "" if quoted == f"'{symbol}'" else f" in {quoted}"
    raise ValueError(f"unknown unit '{symbol}'{where}{suggest(symbol, sorted(_SYMBOLS))}")


@lru_cache(maxsize=1)
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(None, non_int_type=Decimal)
    registry.load_definitions(_DEFINITIONS)
    return registry


def _measure(canonical: str) -> tuple[Decimal, dict[str, Any]]:
    registry = _registry()
    if canonical == "degC":
        # The offset is the caller's; a difference of 1 degC is 1 K.
        canonical = "K"
    quantity = registry.Quantity(Decimal(1), canonical)
    si = quantity.to_root_units()
    # pint's root unit of mass is the gram.
    mass = int(dict(si.dimensionality).get("[mass]", 0))  # type: ignore[arg-type]
    return si.magnitude * Decimal(1000) ** -mass, dict(si.dimensionality)


@lru_cache(maxsize=64)
def _measured_si(unit: str) -> dict[str, Any]:
    return _measure(_canonical(unit))[1]

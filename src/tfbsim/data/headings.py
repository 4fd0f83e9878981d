"""What a heading says: the quantity and its unit.

The Battery Data Format (https://github.com/battery-data-alliance/battery-data-format)
writes `Voltage / V` or `voltage_volt`; cyclers `Ewe/V`, `Voltage(V)`, `U[V]`, `Volts`;
papers `voltage_V`, `Voltage, V`, `Voltage in V`.  A unit that stands there is taken; one
that stands there and is not known is no missing unit.

``headings.csv`` lists the names of each role, the best first, as letters and digits in
lower case, and what the role measures.  A net capacity counts up in a charge and down in
a discharge, or the other way round; an increment is the charge between a row and the one
before.  ``units.csv`` lists the units in words, each with its symbol, in the order in
which they are replaced.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .. import units
from .mapping import DIMENSIONS


def _rows(file: str) -> list[list[str]]:
    with Path(__file__).with_name(file).open(encoding="utf-8", newline="") as opened:
        return [*csv.reader(opened)][1:]


_ROLES = _rows("headings.csv")
NAMES = {role: names.split("|") for role, _, names in _ROLES}
ROLE = {name: role for role in reversed(NAMES) for name in NAMES[role]}
KIND = {role: measures or role for role, measures, _ in _ROLES}
_WORDS = [(re.compile(text, re.IGNORECASE), unit) for text, unit in _rows("units.csv")]
_SYMBOLS = re.findall(
    r"\S+",
    "A mA uA nA V mV uV Ah mAh uAh nAh mAh/g mA/g mA/cm2 uA/cm2 mAh/cm2 "
    "K Hz kHz s h min ms d degC ohm kohm",
)
_SMALL = {unit.lower(): unit for unit in _SYMBOLS}  # as written without capitals
_ODD = {
    ("d", "time"): (86400.0, "time"),
    ("C", "capacity"): (1.0, "charge"),
    ("mC", "capacity"): (1e-3, "charge"),
    ("uC", "capacity"): (1e-6, "charge"),
    ("As", "capacity"): (1.0, "charge"),
    ("C", "temperature"): (1.0, "temperature"),
}
_HZ = {"Hz": 1.0, "1/s": 1.0, "s-1": 1.0, "mHz": 1e-3, "kHz": 1e3, "MHz": 1e6}
_HZ["rad/s"] = 1 / (2 * math.pi)
# A power of ten before a unit: 10^-6 A, x1e-3 A, *10⁻³ mA
_POWER = re.compile(
    r"[x×*·]?\s*(?:10\s*(?:\^|\*\*)?\s*[({]?\s*(-?\d{1,2})\s*[)}]?|1[eE]([-+]?\d{1,2}))"
    r"\s*[x×*·.]?\s*(?=[A-Za-zµμΩ])"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−", "0123456789--")
_ENERGY = re.compile(r"[munkµ]?W[. ]?h(?:/\w+)?|watt[- ]?h(?:ou)?rs?", re.IGNORECASE)
CLOCK = re.compile(r"[hdms: .]*(hh?:m|h:m|mm?:s|hms|d:h)[a-z: .-]*|.*hh:mm.*", re.I)
# EC-Lab's "<I>", a mean; Nova's "WE(1).Current (A)"; "E vs. Li/Li+ (V)"
_MARKS = re.compile(r"[<>]|^WE\(\d\)\.")
_REFERENCE = re.compile(r"\s(?:vs\.?|versus)\s[^()\[\]]*", re.I)
_NOT_UNIT = {"#", "bits", "°", "deg", "%", "-", "1", "hh:mm:ss", "rad"}
_NUMBERED = re.compile(r"(?<=[A-Za-z\])}])[ ._#]?\d+(?=\s*(?:[\[({/,].*)?$)")
_CLOSING = re.compile(r"(.*?)\s*[\[({]\s*([^\[\](){}]{0,60})\s*[\])}]\s*")
_PRIMED = re.compile(r"\s*[-−]?\s*Z\s*(''|\"|’’|″|['’′])")
# Roles that the unit decides, by name or role and what is measured
_BY_UNIT = (
    *(("t", "temperature", "temperature"), ("im", "impedance", "imaginary")),
    ("step", "time", "step_time"),
)
# An amplitude; the charge since the step began, where dq is that since the last row
_NO_ROLE = re.compile(r"\s*(?:dQ|\|(?!Z\|))")


@dataclass(frozen=True)
class Heading:
    """What a heading says."""

    words: str  # the name, in lower case, letters and digits alone
    unit: str = ""  # as written
    odd: str = ""  # what stands where a unit would, and is none that is known


def hertz(unit: str) -> float | None:
    """Return a unit of frequency in Hz, or None."""
    return _HZ.get(symbol(unit) or "Hz", _HZ.get(unit))


@lru_cache(maxsize=2048)
def symbol(unit: str) -> str:
    """Return a unit, in words or in another spelling, by its symbol."""
    text = unit.strip().replace("Â", "")  # of UTF-8 that was read as latin-1
    text = text.replace("²", "2").replace("μ", "u").replace("µ", "u")
    for pattern, short in _WORDS:
        text = pattern.sub(short, text)
    return text.strip(" .")


@lru_cache(maxsize=2048)
def factor(unit: str, kind: str) -> tuple[float, str] | None:
    """Return the SI value of a unit and its dimension; None if it is none of `kind`."""
    raised = unit.strip().translate(_RAISED)
    if found := _POWER.match(raised):
        rest = factor(raised[found.end() :], kind)
        return rest and (10.0 ** int(found[1] or found[2]) * rest[0], rest[1])
    text = symbol(unit)
    for spelled in dict.fromkeys((text, _SMALL.get(text.lower(), text))):
        if (spelled, kind) in _ODD:
            return _ODD[spelled, kind]
        if not spelled or len(spelled) > 30:
            continue
        try:
            value, dimension = units.quantity(f"1 {spelled}", DIMENSIONS[kind])
        except (KeyError, ValueError):
            continue
        return value - (units.ZERO_CELSIUS if spelled == "degC" else 0.0), dimension
    return None


@lru_cache(maxsize=2048)
def is_unit(text: str) -> bool:
    """Return whether a text is a unit that a column may have."""
    known = text in _NOT_UNIT or symbol(text) in _HZ or bool(_ENERGY.fullmatch(text))
    return known or any(factor(text, kind) is not None for kind in DIMENSIONS)


@lru_cache(maxsize=4096)
def heading(name: str) -> Heading:
    """Return what a heading says: `Ewe/V` is `ewe` in `V`."""
    name = " ".join(name.split()).strip("~#\"' ") if name.count('"') != 1 else name
    name = _REFERENCE.sub(" ", _MARKS.sub("", name)).strip()
    if found := _CLOSING.fullmatch(name):
        return _closing(name, found[1], found[2].strip())
    odd = ""
    for mark in ("/", ",", " in "):
        head, *rest = name.split(mark)
        for k in range(len(rest)):
            before, unit = mark.join([head, *rest[:k]]), mark.join(rest[k:]).strip()
            if before.strip() and is_unit(unit):
                return Heading(words(before), unit)
        if rest and mark == "/" and words(head) in ROLE:
            odd = mark.join(rest).strip()
    for mark in ("_", " "):
        parts = name.split(mark)
        for k in range(1, len(parts)):
            before, unit = words(" ".join(parts[:k])), " ".join(parts[k:])
            unit = unit.replace(" per ", "/")
            for spelled in (unit, unit.replace(" ", ".")):
                if is_unit(spelled) and (mark == "_" or before in ROLE):
                    return Heading(before, spelled)
    if len(name) > 1 and is_unit(name):
        for kind in ("voltage", "current", "capacity"):
            if factor(name, kind):
                return Heading(kind, name)
    return Heading(words(name.partition("/")[0] if odd else name), odd=odd)


def _closing(name: str, before: str, inside: str) -> Heading:
    """Return what a heading says whose end is in brackets."""
    if re.match(r"Z\s*'", name) and inside in ("a", "b"):
        return Heading(words(before), "ohm")  # ZView's names of its columns
    if is_unit(inside):
        return Heading(words(before), inside)
    if CLOCK.fullmatch(inside):
        return Heading(words(before))
    bare = heading(before) if before else Heading(words(name))
    if bare.unit or not before:
        return bare
    if words(before) in ROLE:
        return Heading(words(before), odd=inside)
    return Heading(words(name))


def words(text: str) -> str:
    """Return the letters and digits of a text, in lower case, apart by single blanks."""
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    text = text.lower().replace("ä", "a").replace("é", "e")
    return re.sub(r"[\W_]+", " ", text).strip()


def role_of(name: str) -> str | None:
    """Return the role of a column by its heading, or None."""
    said = heading(name)
    role, unit = ROLE.get(said.words), said.unit
    if _NO_ROLE.match(name):
        return None
    if found := _PRIMED.match(name):
        return "imaginary" if len(found[1]) > 1 or found[1] in '"″' else "real"
    if unit and _ENERGY.fullmatch(unit):
        return None
    for spelled, kind, of_unit in _BY_UNIT:
        if spelled in (said.words, role) and factor(unit, kind):
            return of_unit
    if role in ("real", "modulus") and unit and not factor(unit, "impedance"):
        return None
    if role == "frequency" and unit and hertz(unit) is None:
        return None
    return role


def unnumbered(name: str) -> str:
    """Return a heading without the number of its set: `Voltage 2 (V)`, `Time (s).1`."""
    base = name if role_of(name) else _NUMBERED.sub("", name)
    return base if role_of(base) else name


def rank(name: str, role: str) -> int:
    """Return how good a name is for a role; the least is the best."""
    said = heading(name).words
    return NAMES[role].index(said) if said in NAMES[role] else 99

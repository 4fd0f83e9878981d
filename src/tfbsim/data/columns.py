"""Which column is what, in which unit: names of the Battery Data Format, of cyclers and
of papers' tables, or what a mapping says.

The Battery Data Format (https://github.com/battery-data-alliance/battery-data-format)
writes `Voltage / V`; other files `Ewe/V`, `Voltage(V)`, `Voltage [V]`, `voltage_V`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from ..errors import InputError, shown, suggest
from .mapping import DIMENSIONS, Column, Mapping, dimension_of
from .tables import Table

Array = np.ndarray

# Names a role goes by, the best first; letters and digits alone, in lower case
NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        *("test time", "total time", "time", "elapsed time", "time elapsed", "t", "zeit"),
        *("test time total", "record time", "run time", "duration", "timestamp", "test"),
    ),
    "step_time": ("step time", "steptime", "relative time"),
    "voltage": (
        *("voltage", "ewe", "ewe v", "ecell", "e", "u", "v", "potential", "cell voltage"),
        *("terminal voltage", "battery voltage", "spannung", "volt", "volts", "emf"),
        *("ocv", "ocp", "potentiel", "end voltage", "working potential", "voltage v"),
    ),
    "current": (
        *("current", "i", "current density", "j", "i mean", "applied current", "strom"),
        *("cell current", "amps", "current ma", "control"),
    ),
    "charge_capacity": (
        *("charging capacity", "charge capacity", "chg cap", "q charge", "cap chg"),
        *("capacity charge", "chg capacity", "charge cap"),
    ),
    "discharge_capacity": (
        *("discharging capacity", "discharge capacity", "dchg cap", "q discharge"),
        *("capacity discharge", "dischg cap", "dischg capacity", "discharge cap"),
        *("dchg capacity", "cap dchg"),
    ),
    "capacity": (
        *("step capacity", "capacity", "q", "specific capacity", "areal capacity", "cap"),
        *("q q0", "q qo", "net capacity", "q charge discharge", "end capacity", "amp hr"),
        *("capacitance density", "kapazitat"),
    ),
    "cycle": (
        *("cycle count", "cycle", "cycle number", "cycle index", "cycle id", "cycle no"),
        *("cyc", "half cycle"),
    ),
    "step": (
        *("step count", "step index", "step", "step number", "step id", "ns", "step no"),
        *("steps",),
    ),
    "temperature": (
        *("temperature", "ambient temperature", "surface temperature", "temp", "t1"),
        *("cell temperature", "aux temperature 1", "temperature t1"),
    ),
    "c_rate": ("c rate", "rate", "crate"),
    "frequency": ("freq", "frequency", "f", "frequency hz", "freq hz"),
    "real": ("re z", "z re", "z real", "zreal", "zre", "z", "real", "re", "rez", "z r"),
    "imaginary": (
        *("im z", "z im", "z imag", "zimag", "zim", "imag", "im", "imz", "imaginary"),
        *("z i", "z imaginary"),
    ),
}
_ROLE = {name: role for role, names in reversed(NAMES.items()) for name in names}
KIND = {
    "step_time": "time",
    "charge_capacity": "capacity",
    "discharge_capacity": "capacity",
    "real": "impedance",
    "imaginary": "impedance",
}
# Headings that are themselves a unit
_IN_WORDS = {"amps": "A", "volts": "V", "amp hr": "Ah"}
_DEFAULT = {"time": "s", "voltage": "V", "temperature": "degC"}
_PER_AREA = re.compile(r"(?<=[AhmMuµ])_?per_?(cm2|m2|g|kg)$", re.IGNORECASE)


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


@lru_cache(maxsize=1024)
def is_unit(text: str) -> bool:
    """Whether a text is a unit that a column may have."""
    return text in ("1", "Hz", "-") or any(
        _factor(text, kind) is not None for kind in DIMENSIONS
    )


@lru_cache(maxsize=1024)
def _factor(unit: str, kind: str) -> tuple[float, str] | None:
    """SI value of a unit, and its dimension; None if it is none of that kind."""
    spelled = re.sub(r"(?<=[A-Za-z0-9])\s*-\s*(?=[a-z])", ".", unit.strip())
    spelled = {"sec.": "s", "Sec": "s", "hrs": "h", "C": "degC"}.get(spelled, spelled)
    spelled = spelled.replace("Ohms", "ohm").replace("hour", "h").replace("Ahr", "Ah")
    if kind == "time" and spelled.lower() in ("s", "h", "hr", "min"):
        spelled = spelled.lower()
    if not spelled or len(spelled) > 30:
        return None
    try:
        zero = 273.15 if spelled in ("degC", "°C") else 0.0
        value, dimension = dimension_of(f"1 {spelled}", kind)
        return value - zero, dimension
    except ValueError:
        return None


def split_name(name: str) -> tuple[str, str]:
    """A heading as its words, in lower case, and its unit: `Ewe/V` is `ewe`, `V`."""
    name = " ".join(name.split())
    found = re.fullmatch(r"(.+?)\s*[\[({]\s*([^\])}]{1,30})\s*[\])}]", name)
    if found and is_unit(found[2]):
        return _words(found[1]), found[2]
    for slash in (k for k, c in enumerate(name) if c == "/"):
        head, unit = name[:slash], name[slash + 1 :].strip()
        if is_unit(unit):
            return _words(head), unit
    per = _PER_AREA.sub(r"/\1", name)
    parts = per.split("_")
    for k in range(1, len(parts)):
        for unit in (".".join(parts[k:]), "/".join(parts[k:])):
            if is_unit(unit):
                return _words("_".join(parts[:k])), unit
    return _words(found[1] if found else name), ""


def _words(text: str) -> str:
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text) if text[:1].islower() else text
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("ä", "a")).strip()


def find_columns(table: Table, mapping: Mapping) -> dict[str, int]:
    """Role to number of the column (from 0).

    Raises
    ------
    InputError
        A column the mapping names is not there.
    """
    found: dict[str, int] = {}
    best: dict[str, int] = {}
    for k, name in enumerate(table.names):
        words, unit = split_name(name)
        role = _ROLE.get(words)
        role = _by_unit(role, words, unit, name)
        if role is None:
            continue
        rank = NAMES[role].index(words) if words in NAMES[role] else 99
        if role not in found or rank < best[role]:
            found[role], best[role] = k, rank
    if "frequency" not in found or "real" not in found:
        for role in ("frequency", "real", "imaginary"):
            found.pop(role, None)
    for role, column in mapping.columns.model_dump(exclude_none=True).items():
        found[role] = column_of(table, column, f"columns.{role}")
    return found


def _by_unit(role: str | None, words: str, unit: str, name: str) -> str | None:
    """What a name alone leaves open, its unit decides."""
    if role == "time" and words == "t" and _factor(unit, "temperature"):
        return "temperature"
    if role == "step" and _factor(unit, "time"):
        return "step_time"
    if "'" in name or "’" in name:  # Z' and Z''
        if re.match(r"\s*-?\s*Z\s*('{2}|\"|’’|″)", name):
            return "imaginary"
        if re.match(r"\s*Z\s*['’′]", name):
            return "real"
    if role in ("frequency", "real") and unit and unit not in ("Hz", "1/s"):
        return role if _factor(unit, "impedance") else None
    return role


def column_of(table: Table, column: Column, where: str) -> int:
    """The number (from 0) of a column a mapping names.

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
    """A column as floats, NaN where a cell is no number."""
    raw = table.data[column]
    if raw.dtype == object or isinstance(raw.dtype, pd.StringDtype):
        text = raw.astype(str).str.strip().str.strip('"')
        if table.decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        found = pd.to_numeric(text, errors="coerce")
    else:
        found = pd.to_numeric(raw, errors="coerce")
    values = np.array(found, dtype=float)
    values[~np.isfinite(values)] = np.nan
    values[np.abs(values) > 1e30] = np.nan
    return values


def quantity(table: Table, column: int, role: str, mapping: Mapping) -> Quantity:
    """A column in SI, by the unit in its name or the mapping's.

    Raises
    ------
    InputError
        The unit is none for this quantity, or is missing and cannot be guessed.
    """
    kind = KIND.get(role, role)
    name = table.names[column] or f"column {column + 1}"
    _, in_name = split_name(table.names[column])
    given = getattr(mapping.units, kind, None)
    unit = given or in_name or _IN_WORDS.get(split_name(table.names[column])[0], "")
    found = _factor(unit, kind) if unit else None
    if unit and found is None:
        example = {"current": "mA, uA/cm2, mA/g", "capacity": "mAh, uAh/cm2, mAh/g"}
        would = example.get(kind, f"such as {_DEFAULT.get(kind, 'ohm')}")
        place = f"units.{kind}" if given else name
        message = f"'{shown(unit)}' is no unit of {kind}; {would} would do"
        raise InputError(message, table.path, field=place)
    stated = found is not None
    values = numbers(table, column)
    if kind == "time" and (clock := _clock(table, column, values)) is not None:
        values, found, stated = clock, _factor("s", "time"), True
    if found is None:
        if kind not in _DEFAULT:
            raise InputError(
                f"has no unit; name one in a mapping, 'units: {{{kind}: ...}}', such as "
                + {"current": "mA or uA/cm2", "capacity": "mAh or uAh/cm2"}.get(
                    kind, "ohm or ohm.cm2"
                ),
                table.path,
                field=name,
            )
        found = _factor(_DEFAULT[kind], kind)
    assert found is not None
    factor, dimension = found
    celsius = kind == "temperature" and unit.strip() not in ("K",)
    return Quantity(values * factor + (273.15 if celsius else 0), dimension, name, stated)


def _clock(table: Table, column: int, values: Array) -> Array | None:
    """Times written as h:mm:ss or dates, in seconds; None if they are numbers."""
    if len(values) == 0 or np.isfinite(values).mean() > 0.5:
        return None
    raw = table.data[column]
    text = raw.astype(str).str.strip().str.strip('"').str.replace(",", ".", regex=False)
    spans = pd.to_timedelta(text, errors="coerce")
    if spans.notna().mean() <= 0.5:
        dates = pd.to_datetime(text, errors="coerce", format="mixed")
        if dates.notna().mean() <= 0.5:
            return None
        spans = dates - dates.dropna().iloc[0]
    return np.asarray(spans.dt.total_seconds(), dtype=float)

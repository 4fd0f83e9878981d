"""The mapping: what a data file does not say of itself, in a small YAML file.

Which column is what, in which unit, which sign is charge, the area or loading that makes
it per area; for a table of voltage against capacity, the current of each curve.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping as Dict
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from .. import units
from ..errors import shown
from ..fields import Quantity, Strict, Temperature, check_head, validate
from ..yaml_file import Document, load

# Python has others, of host names or of its own sources, in which a file takes a time
# that grows with its square
ENCODINGS = re.compile(
    r"ascii|utf-(8|16|32)(-(sig|le|be))?|iso8859-\d+|cp\d+|koi8-\w|mac-\w+|gb\w+|big5\w*"
    r"|shift_jis\w*|euc_\w+|iso2022_\w+|johab|tis-620|kz1048|ptcp154|hp-roman8"
)
# What a column may be measured in, the most likely first
DIMENSIONS = {
    "time": ("time",),
    "voltage": ("voltage",),
    "current": ("current", "current density", "specific current"),
    "capacity": ("charge", "areal charge", "specific charge"),
    "temperature": ("temperature",),
    "impedance": ("resistance", "areal resistance"),
}


def _of_text(name: str) -> str:
    """Return the name of an encoding, if it is one of text files."""
    with suppress(LookupError, ValueError):
        if ENCODINGS.fullmatch(codecs.lookup(name).name):
            return name
    raise ValueError(
        f"unknown encoding of text '{shown(name)}'; such as utf-8, utf-16 or latin-1"
    )


def _current(text: str) -> str:
    """Return a current or C-rate, if it is one."""
    if units.c_rate(text) is None:
        units.quantity(text, DIMENSIONS["current"])
    return text


Current = Annotated[StrictStr, AfterValidator(_current)]
Column = StrictStr | Annotated[StrictInt, Field(ge=1, le=1000)]
Direction = Literal["charge", "discharge"]
Area = Annotated[float, Quantity("area", gt=0, le=1.0)]


class Columns(Strict):
    """The name of each column, or its number from 1."""

    time: Column | None = None
    voltage: Column | None = None
    current: Column | None = None
    capacity: Column | None = None
    charge_capacity: Column | None = None
    discharge_capacity: Column | None = None
    cycle: Column | None = None
    step: Column | None = None
    temperature: Column | None = None
    c_rate: Column | None = None
    frequency: Column | None = None
    real: Column | None = None
    imaginary: Column | None = None


class Units(Strict):
    """The unit of each column, where its name does not say it."""

    time: StrictStr | None = None
    voltage: StrictStr | None = None
    current: StrictStr | None = None
    capacity: StrictStr | None = None
    temperature: StrictStr | None = None
    impedance: StrictStr | None = None


class CurveColumns(Strict):
    """One of several curves side by side in a table."""

    voltage: Column
    capacity: Column
    current: Current | None = None
    direction: Direction | None = None


class Mapping(Strict):
    """How to read a data file; every field documented in docs/files.md."""

    format: Literal[1] = 1
    kind: Literal["mapping"] = "mapping"
    description: StrictStr = ""
    source: StrictStr = ""
    columns: Columns = Columns()
    units: Units = Units()
    current_sign: (
        Literal["charge positive", "discharge positive", "without sign"] | None
    ) = None
    area: Area | None = None
    loading: Annotated[float, Quantity("areal mass", gt=0)] | None = None
    temperature: Temperature | None = None
    voltage: Annotated[float, Quantity("voltage", ge=-10, le=10)] | None = None
    current: Current | None = None
    direction: Direction | None = None
    curves: Annotated[list[CurveColumns], Field(min_length=1, max_length=100)] | None = (
        None
    )
    delimiter: Literal["comma", "semicolon", "tab", "space"] | None = None
    decimal: Literal["point", "comma"] | None = None
    encoding: Annotated[StrictStr, AfterValidator(_of_text)] | None = None
    skip_rows: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None


# A mapping, its file, or plain data
AnyMapping: TypeAlias = str | Path | Mapping | Dict[str, object]


def load_mapping(source: AnyMapping | Document) -> Mapping:
    """Return a mapping from its file, or from plain data.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    if isinstance(source, Mapping):
        return source
    if isinstance(source, Dict):
        found: Mapping = validate(Mapping, dict(source), python=True)
        return found
    document = source if isinstance(source, Document) else load(source)
    check_head(document, "mapping")
    found = validate(Mapping, document.data, document=document)
    return found

"""What a fit may vary: the ``fit:`` block, its fields and bounds, and values in a cell.

Each field is carried as u in [0, 1] between its bounds, on a linear or logarithmic scale.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from .. import units
from ..cell.cell import Cell
from ..cell.paths import at
from ..errors import InputError, shown, suggest
from ..experiment.expand import Expanded
from ..fields import Quantity, Strict, validate
from ..materials.transport import SelfDiffusion
from ..yaml_file import Document


class Bounds(Strict):
    """A field that may vary, and between what."""

    min: object
    max: object
    scale: Literal["log", "linear"] | None = None


class Definition(Strict):
    """The ``fit:`` block of an experiment; every field documented in docs/files.md."""

    parameters: Annotated[dict[str, Bounds], Field(min_length=1, max_length=30)]
    held_out: list[StrictStr] = []
    voltage_error: Annotated[float, Quantity("voltage", gt=0, le=1)] = 3e-3
    capacity_error: Annotated[float, Quantity("dimensionless", gt=0, le=1)] = 5e-3
    efficiency_error: Annotated[float, Quantity("dimensionless", gt=0, le=1)] = 5e-4
    resistance_error: Annotated[float, Quantity("dimensionless", gt=0, le=1)] = 5e-2
    impedance_error: Annotated[float, Quantity("dimensionless", gt=0, le=1)] = 1e-2
    points: Annotated[StrictInt, Field(ge=2, le=1000)] = 40
    starts: Annotated[StrictInt, Field(ge=1, le=100)] = 12


@dataclass(frozen=True)
class Parameter:
    """A number of the cell that is fitted, carried between its bounds."""

    # Dotted path of a numeric field, or of a number inside a law the file spells out, as
    # ``cathode.diffusivity.log10_polynomial.0``
    path: str
    dimension: str  # a key of ``units.DISPLAY``
    low: float  # bounds [SI]
    high: float
    log: bool  # whether it varies on a logarithmic scale
    start: float  # the cell's own value [SI]

    @property
    def range(self) -> float:
        """The range in the fit's own scale: of ln(value), or of the value."""
        return math.log(self.high / self.low) if self.log else self.high - self.low

    def value(self, u: float) -> float:
        """Return the value [SI] at a place between the bounds."""
        if self.log:
            return float(self.low * math.exp(u * self.range))
        return float(self.low + u * self.range)

    def place(self, value: float) -> float:
        """Return where a value is between the bounds: 0 at the lower, 1 at the upper."""
        if self.log:
            return math.log(max(value, 1e-300) / self.low) / self.range
        return (value - self.low) / self.range

    def step(self, size: float) -> float:
        """Return a finite difference in u: a share of the value, or of the range."""
        return min(size / self.range, 0.05) if self.log else 0.5 * size

    def text(self, value: float, digits: int = 4) -> str:
        """Return the value as a file would have it."""
        return units.text(value, self.dimension, digits)


def definition(
    expanded: Expanded,
    vary: Mapping[str, str] | None = None,
    held_out: Sequence[str] | None = None,
) -> Definition:
    """Return the experiment's ``fit:`` block, with what the command line changes.

    ``vary`` maps a field to ``LOW..HIGH``, with " log" or " linear" behind; it and the
    held out cases and files take the place of the block's.
    """
    document = expanded.document
    block: dict[str, object] = dict(expanded.experiment.fit or {})
    if vary:
        block["parameters"] = {k: _bounds(k, text) for k, text in vary.items()}
    if held_out is not None:
        block["held_out"] = list(held_out)
    if not block.get("parameters"):
        raise document.error(
            ("fit",),
            "is missing; give it, with the parameters to vary, or name them with --vary "
            "FIELD=LOW..HIGH",
        )
    try:
        return validate(Definition, block)
    except InputError as error:
        if vary and error.field.startswith("parameters"):
            raise InputError(error.message, field="--vary") from None
        raise document.error(("fit", *error.field.split(".")), error.message) from None


def _bounds(path: str, text: str) -> dict[str, str]:
    """Return ``0.1..10 log`` as bounds."""
    found = re.fullmatch(r"\s*(.+?)\s*\.\.\s*(.+?)\s*(?:\s(log|linear))?\s*", text)
    if found is None:
        raise InputError(
            f"'{shown(text)}' is not LOW..HIGH, such as 0.1..10 or '1 um..9 um log'",
            field=f"--vary {path}",
        )
    low, high, scale = found.groups()
    return {"min": low, "max": high} | ({"scale": scale} if scale else {})


def parameters(
    cell: Cell, wanted: Mapping[str, Bounds], document: Document | None = None
) -> list[Parameter]:
    """Return the numbers that vary, checked against the cell."""
    found = []
    for path, bounds in wanted.items():
        try:
            found.append(_parameter(cell, path, bounds))
        except InputError as error:
            if document is None or document.line(("fit", "parameters", path)) is None:
                raise
            at = ("fit", "parameters", path)
            raise document.error(at, error.message) from None
    paths = [p.path for p in found]
    if "cathode.diffusivity" in paths and "cathode.diffusivity_scale" in paths:
        message = "and cathode.diffusivity are one number twice; vary one of them"
        raise InputError(message, field="cathode.diffusivity_scale")
    return found


def _parameter(cell: Cell, path: str, bounds: Bounds) -> Parameter:
    start, dimension = _number(cell, path)
    ends = []
    for name, text in (("min", bounds.min), ("max", bounds.max)):
        text = text.strip() if isinstance(text, str) else text
        try:
            ends.append(units.parse(text, dimension))
        except ValueError as error:
            raise InputError(f"{name}: {error}", field=path) from None
    low, high = ends
    if not low < high:
        raise InputError(
            f"min ({shown(bounds.min)}) must be below max ({shown(bounds.max)})",
            field=path,
        )
    wide = low > 0 and high / low >= 10
    log = bounds.scale == "log" if bounds.scale else wide
    if log and low <= 0:
        raise InputError("min must be above 0 on a logarithmic scale", field=path)
    parameter = Parameter(path, dimension, low, high, log, start)
    for end in ends:
        with_values(cell, [parameter], [end])
    return parameter


def has(cell: Cell, path: str) -> bool:
    """Return whether a cell has a number."""
    with contextlib.suppress(InputError):
        _number(cell, path)
        return True
    return False


def _inside(cell: Cell, keys: Sequence[str], path: str) -> object:
    """Return what the cell file has at keys inside a law."""
    found = at(cell.written.content, ".".join(keys[:2]))
    for key in keys[2:]:
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            law = ".".join(keys[:2])
            message = f"the cell file's {law} has no '{shown(key)}'"
            raise InputError(message, field=path)
    return found


def _number(cell: Cell, path: str) -> tuple[float, str]:
    """Return a number of the cell [SI] and its dimension, inside a law too."""
    keys = path.split(".")
    if len(keys) > 2 and isinstance(cell.written.content.get(keys[0]), dict):
        found = _inside(cell, keys, path)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found), "dimensionless"
        for dimension in units.DISPLAY:
            with contextlib.suppress(ValueError):
                return units.parse(found, dimension), dimension
        raise InputError("is not a number and cannot be fitted", field=path)
    try:
        number, dimension = cell.number(path)
    except InputError as error:
        hint = ""
        if "no such field" in error.message and "did you mean" not in error.message:
            hint = suggest(path, cell.numeric_fields)
        raise InputError(error.message + hint, field=path) from None
    law = cell.cathode.diffusivity
    if path == "cathode.diffusivity" and isinstance(law, SelfDiffusion):
        raise InputError(
            "is a law here; vary cathode.diffusivity_scale, which multiplies it",
            field=path,
        )
    return number, dimension


def changed(content: object, keys: Sequence[str], value: object) -> object:
    """Return a file's content with a value at keys; mappings that lack are made."""
    if not keys:
        return value
    key, *below = keys
    if isinstance(content, list):
        k = int(key)
        return [*content[:k], changed(content[k], below, value), *content[k + 1 :]]
    known = content if isinstance(content, dict) else {}
    return {**known, key: changed(known.get(key), below, value)}


def with_values(cell: Cell, which: Sequence[Parameter], values: Sequence[float]) -> Cell:
    """Return the cell with values [SI] in place."""
    changes: dict[str, object] = {}
    for parameter, value in zip(which, values, strict=True):
        first, *keys = parameter.path.split(".")
        if len(keys) < 2:
            changes[parameter.path] = value
            continue
        field = f"{first}.{keys[0]}"
        law = changes.get(field) or at(cell.written.content, field)
        changes[field] = changed(law, keys[1:], value)
    return cell.replace(changes)

"""What cell and experiment files share: typed quantities, and one-line errors.

The files' structure is pydantic's; a quantity is a float in SI with its dimension beside
it, so that a table, a column name or a file can show it in the unit people use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from operator import ge, gt, le, lt
from pathlib import Path
from typing import Annotated, NoReturn, Protocol, TypeVar, runtime_checkable

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from . import units
from .errors import InputError, Key, Place, dotted, shown, suggest, together
from .yaml_file import Content, Document

FORMAT = 1
_BOUNDS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "gt": (gt, "above"),
    "ge": (ge, "at least"),
    "lt": (lt, "below"),
    "le": (le, "at most"),
}


def refuse(field: str, message: str) -> NoReturn:
    """Raise the :class:`InputError` of a field."""
    raise InputError(message, field=field)


class Strict(BaseModel):
    """A frozen mapping in which every key is known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
    )


Model = TypeVar("Model", bound=Strict)
# Models of a field that may be one of several, by their tags.  A tag stands in the
# location of an error of pydantic's and must be no key of the data.
TAGGED: dict[str, type[Strict]] = {}


@runtime_checkable
class Dimensioned(Protocol):
    """What a field of one dimension is annotated with."""

    @property
    def dimension(self) -> str: ...


@dataclass(frozen=True)
class Quantity:
    """A field's dimension and bounds (SI): the field is a float, parsed from text.

    In files a quantity is text with its unit; from Python a plain number is SI.
    """

    dimension: str
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        number = core_schema.float_schema(allow_inf_nan=False)
        return core_schema.with_info_before_validator_function(self.parse, number)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, object]:
        """Say how a file states it: text with its unit, and the range it must be in."""
        plain = self.dimension == "dimensionless"
        return {
            "type": ["number", "string"] if plain else "string",
            "$comment": self.words,
            "examples": [self.example],
        }

    @cached_property
    def _limits(self) -> list[tuple[Callable[[float, float], bool], float, str]]:
        """Each bound: its comparison, its value, and "above 0 um"."""
        each = ((*_BOUNDS[name], getattr(self, name)) for name in _BOUNDS)
        return [
            (within, bound, f"{words} {units.text(bound, self.dimension)}")
            for within, words, bound in each
            if bound is not None
        ]

    @property
    def example(self) -> str:
        """Return a value that is within the bounds, with its unit."""
        usual = units.sample(self.dimension)
        if self.holds(units.parse(usual, self.dimension)):
            return usual
        low, high = self.gt or self.ge or 0.0, self.lt or self.le or math.inf
        return units.text(10 * low if 10 * low < high else low, self.dimension)

    @property
    def words(self) -> str:
        """Return dimension and bounds, as "length above 0 um, at most 1e+04 um"."""
        kind = self.dimension.replace("dimensionless", "plain number")
        return f"{kind} {', '.join(words for *_, words in self._limits)}".strip()

    def parse(self, value: object, info: ValidationInfo) -> float:
        """Return the value in SI."""
        python = (info.context or {}).get("python")
        if isinstance(value, bool) or not (python and isinstance(value, float | int)):
            number = units.parse(value, self.dimension)
        else:
            number = float(value)
        for within, bound, words in self._limits:
            if not within(number, bound):
                raise ValueError(f"'{shown(value)}' is out of range; it must be {words}")
        return number

    def holds(self, number: float) -> bool:
        """Return whether a number in SI is finite and within the bounds."""
        within = (inside(number, bound) for inside, bound, _ in self._limits)
        return math.isfinite(number) and all(within)


Length = Annotated[float, Quantity("length", gt=0, le=1e-2)]
Fraction = Annotated[float, Quantity("dimensionless", gt=0, le=1)]
Ratio = Annotated[float, Quantity("dimensionless", gt=0)]
Share = Annotated[float, Quantity("dimensionless", ge=0, lt=1)]
Coefficient = Annotated[float, Quantity("dimensionless", gt=0, lt=1)]
Stoichiometry = Annotated[float, Quantity("dimensionless", ge=0)]
Number = Annotated[float, Quantity("dimensionless")]
Voltage = Annotated[float, Quantity("voltage", ge=-10, le=10)]
Temperature = Annotated[float, Quantity("temperature", ge=150, le=700)]
CurrentDensity = Annotated[float, Quantity("current density", gt=0)]
Activation = Annotated[float, Quantity("activation energy", ge=0, le=3e5)]
ArealCharge = Annotated[float, Quantity("areal charge", ge=0, le=1e6)]
ArealResistance = Annotated[float, Quantity("areal resistance", ge=0)]
Capacitance = Annotated[float, Quantity("areal capacitance", gt=0, le=1e3)]
Conductivity = Annotated[float, Quantity("conductivity", gt=0)]
Density = Annotated[float, Quantity("density", gt=0)]


UpToTen = Annotated[float, Quantity("dimensionless", gt=0, le=10)]
TwoVoltages = Annotated[list[Voltage], Field(min_length=2, max_length=2)]

# PyBaMM's words for a field, where they are not its own
WORDS = {
    "exchange_current": "exchange current density",
    "double_layer_capacitance": "double-layer capacitance",
    "utilisation": "area utilisation",
    "transference": "ionic transference number",
}


def _metadata(annotation: object) -> Iterator[object]:
    """Yield what is annotated inside X | None, list[X] and their like."""
    yield from getattr(annotation, "__metadata__", ())
    for argument in getattr(annotation, "__args__", ()):
        yield from _metadata(argument)


@cache  # the points of a sweep ask the same again and again
def described(model: type[BaseModel], name: str) -> Dimensioned | None:
    """Return what a field of a dimension holds, such as a Quantity; None of another."""
    if (field := model.model_fields.get(name)) is None:
        return None
    items = (*field.metadata, *_metadata(field.annotation))
    return next((item for item in items if isinstance(item, Dimensioned)), None)


def numbers(block: BaseModel, prefix: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return fields in SI by PyBaMM's names, such as "Cathode film resistance [Ohm.m2]".

    One that is left out is 0.
    """
    named = _named(type(block), prefix, names)
    return {words: float(getattr(block, name, None) or 0.0) for name, words in named}


@cache
def _named(
    model: type[BaseModel], prefix: str, names: tuple[str, ...]
) -> list[tuple[str, str]]:
    found = []
    for name in names:
        what = described(model, name)
        unit = units.si_unit(what.dimension) if what else ""
        words = f"{prefix} {WORDS.get(name, name.replace('_', ' '))}"
        found.append((name, f"{words} [{unit}]" if unit else words))
    return found


# --- Errors ------------------------------------------------------------------------


def check_head(document: Document, kind: str) -> None:
    """Refuse a file of another kind or format before its fields are looked at."""
    data = document.data
    found = data.get("kind")
    if found != kind:
        other = f"this file's kind is '{found}'" if found else "there is no kind"
        raise document.error(("kind",), f"{other}; 'kind: {kind}' is wanted here")
    if data.get("format") != FORMAT or isinstance(data.get("format"), bool):
        raise document.error(("format",), f"must be {FORMAT}: 'format: {FORMAT}'")


def validate(
    model: type[Model],
    data: Content,
    *,
    document: Document | None = None,
    folder: Path | None = None,
    python: bool = False,
) -> Model:
    """Return a pydantic model from plain data, or raise one InputError with all mistakes.

    The data are those of a document, whose lines errors name; tables are looked for in a
    folder; and ``python`` says that plain numbers are SI quantities.
    """
    try:
        return model.model_validate(
            data, context={"folder": folder or Path(), "python": python}
        )
    except ValidationError as error:
        found = error.errors(include_url=False)
    # An unknown key leads: misspelt, it is why another is missing, which is left unsaid
    unknown = [e for e in found if e["type"] == "extra_forbidden"]
    parents = [e["loc"][:-1] for e in unknown]
    rest = [
        e
        for e in found
        if e not in unknown and (e["type"] != "missing" or e["loc"][:-1] not in parents)
    ]
    raise together([_sentence(model, data, e, document) for e in (*unknown, *rest)])


def _sentence(
    model: type[Strict], data: object, error: ErrorDetails, document: Document | None
) -> InputError:
    """Return pydantic's error as one of ours."""
    path, last = _in_data(error["loc"], data), str((error["loc"] or ("",))[-1])
    inner = error.get("ctx", {}).get("error")
    if error["type"] == "extra_forbidden":
        options = _fields_at(model, error["loc"][:-1])
        hint = suggest(last, options) or f"; there are: {', '.join(options)}"
        message = f"unknown key '{last[:60]}'{hint}"
    elif error["type"] == "missing":
        path, message = (*path, last), "is missing"
    elif isinstance(inner, InputError) and not inner.file:
        path, message = (*path, *inner.field.split(".")), inner.message
    else:
        message = _message(error)
    if document is not None:
        return document.error(path, message)
    return InputError(message, field=dotted(path))


_KINDS = {
    **dict.fromkeys(("model_type", "dict_type"), "a mapping of fields"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    "string_type": "text",
    "int_type": "a whole number",
}


def _message(error: ErrorDetails) -> str:
    """Return what pydantic's error says in words of ours."""
    context, kind = error.get("ctx", {}), error["type"]
    given = f"'{shown(error.get('input'))}'"
    if kind == "value_error":
        return str(context.get("error"))
    for bound in _BOUNDS.keys() & context:
        limit = f"{_BOUNDS[bound][1]} {context[bound]:g}"
        return f"{given} is out of range; it must be {limit}"
    if kind in _KINDS:
        return f"{given} is given where {_KINDS[kind]} would do"
    if kind in ("too_short", "too_long"):
        key, word = ("min", "least") if kind == "too_short" else ("max", "most")
        words = f"at {word} {context[f'{key}_length']} items"
        return f"a list of {context['actual_length']} is given where {words} would do"
    text = str(error["msg"])
    return f"{given} will not do: {text[0].lower()}{text[1:]}"


def _in_data(loc: Place, data: object) -> Place:
    """Return the part of pydantic's location that is in the data (union tags are not)."""
    path: list[Key] = []
    for key in loc:
        data = dict(enumerate(data)) if isinstance(data, list) else data
        if isinstance(data, dict) and key in data:
            path.append(key)
            data = data[key]
    return tuple(path)


def _fields_at(model: type[BaseModel], loc: Place) -> list[str]:
    """Return the names of the fields a mapping at this location may have."""
    found: type[BaseModel] | None = model
    for key in map(str, loc):
        if key in TAGGED:
            found = TAGGED[key]
        elif found and key in found.model_fields:
            found = next(inner_models(found.model_fields[key].annotation), None)
    return list(found.model_fields) if found else []


def inner_models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models inside list[...], X | None and Annotated[...]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from inner_models(argument)

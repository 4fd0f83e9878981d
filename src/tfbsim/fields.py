"""What cell and experiment files share: typed quantities, laws, and one-line errors.

The files' structure is pydantic's; a quantity is a float in SI with its dimension beside
it, so that a table, a column name or a file can show it in the unit people use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import ge, gt, le, lt, or_
from pathlib import Path
from typing import Annotated, Any, NoReturn

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import core_schema

from . import units
from .errors import InputError, dotted, shown, suggest, together
from .materials import laws
from .materials.transport import SelfDiffusion
from .yaml_file import Document, load_csv

FORMAT = 1


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

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        number = core_schema.float_schema(allow_inf_nan=False)
        return core_schema.with_info_before_validator_function(self.parse, number)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Say how a file states it: text with its unit, and the range it must be in."""
        plain = self.dimension == "dimensionless"
        return {
            "type": ["number", "string"] if plain else "string",
            "$comment": self.words,
            "examples": [self.example],
        }

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
        limits = [
            f"{words} {units.text(bound, self.dimension)}"
            for bound, _, words in self._bounds
        ]
        kind = self.dimension.replace("dimensionless", "plain number")
        return f"{kind} {', '.join(limits)}".strip()

    def parse(self, value: Any, info: ValidationInfo) -> float:
        """Return the value in SI."""
        bare = (info.context or {}).get("python") and isinstance(value, float | int)
        if bare and not isinstance(value, bool):
            return self._bounded(float(value), value)
        return self._bounded(units.parse(value, self.dimension), value)

    @property
    def _bounds(self) -> list[tuple[float, Callable[..., bool], str]]:
        each = (
            (self.gt, gt, "above"),
            (self.ge, ge, "at least"),
            (self.lt, lt, "below"),
            (self.le, le, "at most"),
        )
        return [(b, within, words) for b, within, words in each if b is not None]

    def holds(self, number: float) -> bool:
        """Return whether a number in SI is finite and within the bounds."""
        return math.isfinite(number) and all(
            within(number, bound) for bound, within, _ in self._bounds
        )

    def _bounded(self, number: float, value: Any) -> float:
        for bound, within, words in self._bounds:
            if not within(number, bound):
                limit = f"{words} {units.text(bound, self.dimension)}"
                raise ValueError(f"'{shown(value)}' is out of range; it must be {limit}")
        return number


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


def metadata(annotation: Any) -> Iterator[Any]:
    """Yield what is annotated inside X | None, list[X] and their like."""
    yield from getattr(annotation, "__metadata__", ())
    for argument in getattr(annotation, "__args__", ()):
        yield from metadata(argument)


@cache  # the points of a sweep ask the next two the same again and again
def dimension_of(model: Any, name: str) -> str | None:
    """Return the dimension of a field that is a quantity or a law, None of another."""
    field = model.model_fields[name]
    for item in (*field.metadata, *metadata(field.annotation)):
        if isinstance(item, Quantity | LawField):
            return item.dimension
    return None


@cache
def quantity_of(model: Any, name: str) -> Quantity | None:
    """Return what a field that is a quantity, or left out, holds; None of any other."""
    field = getattr(model, "model_fields", {}).get(name)
    about = (*field.metadata, *metadata(field.annotation)) if field else ()
    return next((item for item in about if isinstance(item, Quantity)), None)


def numbers(block: BaseModel, prefix: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return fields in SI by PyBaMM's names, such as "Cathode film resistance [Ohm.m2]".

    One that is left out is 0.
    """
    named = _named(type(block), prefix, names)
    return {words: float(getattr(block, name, None) or 0.0) for name, words in named}


@cache  # as long as names are asked for again and again, by the points of a sweep
def _named(model: Any, prefix: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        unit = units.si_unit(dimension_of(model, name) or "dimensionless")
        words = f"{prefix} {WORDS.get(name, name.replace('_', ' '))}"
        found.append((name, f"{words} [{unit}]" if unit else words))
    return found


# --- Laws --------------------------------------------------------------------------


class TableLaw(Strict):
    """A CSV table of two columns, x and value, beside the file."""

    table: str
    unit: str | None = None
    multiply: Ratio = 1.0
    x_max: UpToTen | None = None


class Site(Strict):
    """One term of the multi-site law."""

    name: str = ""
    potential: Voltage
    sites: Annotated[float, Quantity("dimensionless", gt=0, le=100)]
    width: Annotated[float, Quantity("dimensionless", ge=0.1, le=50)] = 1.0


class SitesLaw(Strict):
    """Multi-site law x(U); widths stated at a temperature."""

    sites: Annotated[list[Site], Field(min_length=1, max_length=50)]
    temperature: Temperature = 298.15


class RationalLaw(Strict):
    """Quotient of two polynomials in x, coefficients in rising powers."""

    numerator: Annotated[list[Number], Field(min_length=1, max_length=30)]
    denominator: Annotated[list[Number], Field(min_length=1, max_length=30)]
    range: tuple[Number, Number]
    x_max: UpToTen = 1.0


class Exponential(Strict):
    """One term amplitude * exp((x - center)/width)."""

    amplitude: Voltage
    center: Number
    width: Number


class ExponentialsLaw(Strict):
    """A polynomial in x [V] and exponentials, coefficients in rising powers."""

    polynomial: Annotated[list[Number], Field(min_length=1, max_length=30)]
    exponentials: Annotated[list[Exponential], Field(max_length=30)] = []
    range: tuple[Number, Number]
    x_max: UpToTen = 1.0


class PolynomialLaw(Strict):
    """10^(polynomial of x) in a stated unit, coefficients in rising powers."""

    log10_polynomial: Annotated[list[Number], Field(min_length=1, max_length=10)]
    unit: str | None = None
    range: tuple[Number, Number] = (0.0, 1.0)


_LAWS: dict[str, type[Strict]] = {
    "table": TableLaw,
    "sites": SitesLaw,
    "numerator": RationalLaw,
    "polynomial": ExponentialsLaw,
    "log10_polynomial": PolynomialLaw,
}
_LAW = "law: "
KIND = "kind: "  # before the name of a model, of a field that may be one of several
_POTENTIALS = ("table", "sites", "numerator", "polynomial")
_POSITIVES = ("table", "log10_polynomial")
_FILE_UNITS = {"voltage": "V", "diffusivity": "m2/s", "conductivity": "S/m"}


def _check_fraction(low: float, high: float, x_max: float, name: str = "") -> None:
    """Refuse stoichiometries that are no fraction of the sites, as in per cent."""
    if low >= 0 and high <= x_max + 1e-9:
        return
    where = f"{name}: " if name else ""
    hint = "give x_max: 2 where a formula unit holds two lithium"
    if 10 * x_max < high <= 100 * x_max:
        hint = "write x as a fraction, not in per cent"
    raise ValueError(
        f"{where}x runs from {low:g} to {high:g}, but must stay within 0 and the sites "
        f"per formula unit, {x_max:g}; {hint}"
    )


def _check_range(low: float, high: float, message: str) -> None:
    if not 0 <= low < high:
        raise ValueError(message)


def _table(spec: TableLaw, dimension: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    name = Path(spec.table)
    elsewhere = name.is_absolute() or ".." in name.parts or len(spec.table) > 255
    if elsewhere or name.suffix != ".csv":
        raise ValueError(
            f"'{shown(spec.table)}' must name a .csv file in the folder of the cell file"
        )
    x, y = load_csv(folder / name, 2)
    if dimension == "voltage":
        _check_fraction(x[0], x[-1], spec.x_max or 1.0, spec.table)
    elif spec.x_max is not None:
        raise ValueError("x_max goes with the open-circuit potential only")
    for k in np.flatnonzero(np.diff(x) <= 0).tolist():
        raise ValueError(
            f"{spec.table}: the stoichiometry must rise from row to row, and row {k + 2} "
            f"({x[k + 1]:g}) does not exceed row {k + 1} ({x[k]:g})"
        )
    unit = spec.unit or _FILE_UNITS[dimension]
    with np.errstate(over="ignore"):  # which spans too many decades
        return x, y * (units.parse(f"1 {unit}", dimension) * spec.multiply)


def _potential(value: Any, folder: Path) -> laws.PotentialLaw:
    """An open-circuit potential, which falls with x."""
    if isinstance(value, TableLaw):
        x, U = _table(value, "voltage", folder)
        for k in np.flatnonzero(abs(U) > 10).tolist():
            raise ValueError(
                f"{value.table}: row {k + 1} ({U[k]:g} V) is no open-circuit potential; "
                "give the unit it is in, such as 'unit: mV'"
            )
        for k in np.flatnonzero(np.diff(U) >= 0).tolist():
            raise ValueError(
                f"{value.table}: the potential must fall as x rises, and row {k + 2} "
                f"({U[k + 1]:g} V) is not below row {k + 1} ({U[k]:g} V)"
            )
        points = tuple(x.tolist()), tuple(U.tolist())
        return laws.Table(*points, x_max=value.x_max or 1.0)
    if isinstance(value, SitesLaw):
        each = ((s.potential, s.sites, s.width) for s in value.sites)
        U_j, X_j, widths = zip(*each, strict=True)
        found = laws.MultiSite(U_j, X_j, widths, value.temperature)
        if found.x_max > 10:
            raise ValueError(
                f"the sites add up to {found.x_max:g} per formula unit; write them as "
                "fractions of it, up to 10 in all, not in per cent"
            )
        if not found.curve.falls:
            raise ValueError(
                "between the sites the potential does not fall smoothly with x; widen "
                "them, or add a small and broad one between: {potential: 3 V, sites: "
                "0.02, width: 15}"
            )
        return found
    if isinstance(value, RationalLaw | ExponentialsLaw):
        rising = "range must be two rising stoichiometries, as [0.5, 1]"
        _check_range(*value.range, rising)
        _check_fraction(*value.range, value.x_max)
        law = _formula(value)
        with np.errstate(all="ignore"):  # a pole or an overflow is refused below
            U = law.curve.y
        if not (abs(U) < 100).all() or (U[1:] >= U[:-1]).any():
            raise ValueError(
                "the potential must fall with x and stay finite over its range; narrow it"
            )
        return law
    if isinstance(value, laws.MultiSite | laws.Rational | laws.Exponentials | laws.Table):
        return value
    raise ValueError(
        "an open-circuit potential is a law of x: {table: FILE.csv}, {sites: [...]} or "
        "{numerator: [...], denominator: [...], range: [...]} or {polynomial: [...], "
        "exponentials: [...], range: [...]}"
    )


def _formula(spec: RationalLaw | ExponentialsLaw) -> laws.Rational | laws.Exponentials:
    if isinstance(spec, RationalLaw):
        polynomials = tuple(spec.numerator), tuple(spec.denominator)
        return laws.Rational(*polynomials, spec.range, spec.x_max)
    terms = tuple((t.amplitude, t.center, t.width) for t in spec.exponentials)
    if any(width == 0 for _, _, width in terms):
        raise ValueError("the width of an exponential must not be 0")
    return laws.Exponentials(tuple(spec.polynomial), terms, spec.range, spec.x_max)


def _positive(value: Any, info: ValidationInfo, dimension: str) -> Any:
    """Return a law of x whose values are above 0."""
    law: laws.Law
    if isinstance(value, SelfDiffusivityLaw):
        return SelfDiffusion(value.self_diffusivity)
    if isinstance(value, TableLaw):
        x, y = _table(value, dimension, _folder(info))
        if y.min() <= 0:
            raise ValueError(f"{value.table}: every {dimension} must be above 0")
        law = laws.Table(tuple(x.tolist()), tuple(y.tolist()), logarithmic=True)
    elif isinstance(value, PolynomialLaw):
        unit = units.parse(f"1 {value.unit or _FILE_UNITS[dimension]}", dimension)
        low, high = value.range
        _check_range(low, high, "the range of x must rise from at least 0")
        first, *rest = value.log10_polynomial
        law = laws.LogPolynomial((first + math.log10(unit), *rest), (low, high))
        with np.errstate(all="ignore"):
            y = law(np.linspace(low, high, 101))
        if not (np.isfinite(y) & (y > 0)).all():
            raise ValueError(
                f"the {dimension} must stay finite and above 0 from x = {low:g} to "
                f"{high:g}"
            )
    elif isinstance(value, _READY) or (
        isinstance(value, SelfDiffusion) and dimension == "diffusivity"
    ):
        return value
    elif callable(value):  # from Python only: a file holds no functions
        return laws.PythonLaw(value)
    else:
        return laws.Constant(Quantity(dimension, gt=0).parse(value, info))
    # Beyond, an integral over x cannot be inverted in double precision
    decades = math.log10(y.max()) - math.log10(y.min())
    if decades > 8:
        raise ValueError(
            f"the {dimension} spans {decades:.3g} decades; up to 8 can be simulated"
        )
    return law


_READY = laws.Constant | laws.Table | laws.LogPolynomial | laws.PythonLaw


def _folder(info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", "."))


@dataclass(frozen=True)
class LawField:
    """A field that is a law of one dimension: some spellings, turned into a Law."""

    spellings: tuple[str, ...]
    dimension: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        # The tag stands in the location of an error and must be no key of the data
        tagged: list[Any] = [Annotated[_LAWS[k], Tag(_LAW + k)] for k in self.spellings]
        tagged += [Annotated[Any, Tag(tag)] for tag in ("law", "value", "unknown")]
        union: Any = Annotated[reduce(or_, tagged), Discriminator(self._tag)]
        return core_schema.with_info_after_validator_function(
            self._convert, handler.generate_schema(union)
        )

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Say which laws there are; a plain quantity, unless it is a potential."""
        spelled = [law for law in handler(core).get("oneOf", []) if law]
        constant = {"type": "string", "examples": [units.sample(self.dimension)]}
        return {"anyOf": spelled if self.dimension == "voltage" else [*spelled, constant]}

    def _convert(self, value: Any, info: ValidationInfo) -> Any:
        if self.dimension == "voltage":
            return _potential(value, _folder(info))
        return _positive(value, info, self.dimension)

    def _tag(self, value: Any) -> str:
        if not isinstance(value, dict):
            return "law" if callable(value) else "value"
        found = next((key for key in _LAWS if key in value), "")
        return _LAW + found if found in self.spellings else "unknown"


class SelfDiffusivityLaw(Strict):
    """D_0 (1 - theta) Theta: a lattice gas on the sites of U(x)."""

    self_diffusivity: Annotated[laws.Law, LawField(_POSITIVES, "diffusivity")]


_LAWS["self_diffusivity"] = SelfDiffusivityLaw
Potential = Annotated[laws.PotentialLaw, LawField(_POTENTIALS, "voltage")]
Diffusivity = Annotated[Any, LawField((*_POSITIVES, "self_diffusivity"), "diffusivity")]
ConductivityLaw = Annotated[laws.Law, LawField(_POSITIVES, "conductivity")]


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
    model: type[Strict],
    data: dict[str, Any],
    *,
    document: Document | None = None,
    folder: Path | None = None,
    python: bool = False,
) -> Any:
    """Return a pydantic model from plain data, or raise one InputError with all mistakes.

    Parameters
    ----------
    document : Document, optional
        Where the data came from, for the line of an error.
    folder : Path, optional
        Where tables are looked for.
    python : bool
        Whether plain numbers are SI quantities.
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
    rest = [e for e in found if e["type"] != "missing" or e["loc"][:-1] not in parents]
    rest = [e for e in rest if e not in unknown]
    raise together([_sentence(model, data, e, document) for e in (*unknown, *rest)])


def _sentence(
    model: type[Strict], data: Any, first: Any, document: Document | None
) -> InputError:
    path = _in_data(first["loc"], data)
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        options = _siblings(model, first["loc"][:-1])
        hint = suggest(key, options) or f"; there are: {', '.join(options)}"
        message = f"unknown key '{key[:60]}'{hint}"
    elif first["type"] == "missing":
        path = (*path, str(first["loc"][-1]))
        message = "is missing"
    else:
        message = _message(first)
        inner = first.get("ctx", {}).get("error")
        if isinstance(inner, InputError) and not inner.file:
            path, message = (*path, *inner.field.split(".")), inner.message
    if document is not None:
        return document.error(path, message)
    return InputError(message, field=dotted(path))


_KINDS = {
    "model_type": "a mapping of fields",
    "dict_type": "a mapping of fields",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
}
_COMPARISONS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_LENGTHS = {"too_short": ("min_length", "least"), "too_long": ("max_length", "most")}


def _message(error: Any) -> str:
    """Return what pydantic's error says in words of ours."""
    context, kind = error.get("ctx", {}), error["type"]
    given = f"'{shown(error.get('input'))}'"
    if kind == "value_error":
        return str(context.get("error"))
    if kind in _COMPARISONS:
        key, word = _COMPARISONS[kind]
        return f"{given} is out of range; it must be {word} {context[key]:g}"
    if kind in _KINDS:
        return f"{given} is given where {_KINDS[kind]} would do"
    if kind in _LENGTHS:
        key, word = _LENGTHS[kind]
        words = f"at {word} {context[key]} items"
        return f"a list of {context['actual_length']} is given where {words} would do"
    text = str(error["msg"])
    return f"{given} will not do: {text[0].lower()}{text[1:]}"


def _in_data(loc: Sequence[Any], data: Any) -> tuple[Any, ...]:
    """Return the part of pydantic's location that is in the data (union tags are not)."""
    path: list[Any] = []
    for key in loc:
        present = (isinstance(data, dict) and key in data) or (
            isinstance(data, list) and isinstance(key, int) and key < len(data)
        )
        if present:
            path.append(key)
            data = data[key]
    return tuple(path)


def _siblings(model: type[Strict], loc: Sequence[Any]) -> list[str]:
    """Names of the fields a mapping at this location may have."""
    here: Any = model
    for key in map(str, loc):
        if key.startswith(_LAW):
            here = _LAWS[key.removeprefix(_LAW)]
        elif key.startswith(KIND):
            here = next(m for m in _models(Strict) if KIND + m.__name__ == key)
        elif key in getattr(here, "model_fields", {}):
            here = inner_model(here.model_fields[key].annotation)
    return list(getattr(here, "model_fields", []))


def _models(model: Any) -> Iterator[Any]:
    for inner in model.__subclasses__():
        yield from (inner, *_models(inner))


def inner_model(annotation: Any) -> Any:
    """Return the model inside list[...], X | None and Annotated[...]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = inner_model(argument)
        if found is not None:
            return found
    return None

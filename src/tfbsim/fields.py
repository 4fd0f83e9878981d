"""What cell and experiment files share: typed quantities, laws, and one-line errors.

The files' structure is pydantic's; a quantity is a float in SI with its dimension beside
it, so that a table, a column name or a file can show it in the unit people use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, reduce
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

    def parse(self, value: Any, info: ValidationInfo) -> float:
        """Return the value in SI."""
        bare = isinstance(value, float | int) and not isinstance(value, bool)
        if bare and (info.context or {}).get("python"):
            number = float(value)
        else:
            number = units.parse(value, self.dimension)
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


def _metadata(annotation: Any) -> Iterator[Any]:
    """Yield what is annotated inside X | None, list[X] and their like."""
    yield from getattr(annotation, "__metadata__", ())
    for argument in getattr(annotation, "__args__", ()):
        yield from _metadata(argument)


@cache  # the points of a sweep ask the same again and again
def described(model: Any, name: str) -> Quantity | LawField | None:
    """Return what a field that is a quantity or a law holds, None of any other."""
    if (field := getattr(model, "model_fields", {}).get(name)) is None:
        return None
    items = (*field.metadata, *_metadata(field.annotation))
    return next((item for item in items if isinstance(item, Quantity | LawField)), None)


def numbers(block: BaseModel, prefix: str, names: tuple[str, ...]) -> dict[str, float]:
    """Return fields in SI by PyBaMM's names, such as "Cathode film resistance [Ohm.m2]".

    One that is left out is 0.
    """
    named = _named(type(block), prefix, names)
    return {words: float(getattr(block, name, None) or 0.0) for name, words in named}


@cache
def _named(model: Any, prefix: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        what = described(model, name)
        unit = units.si_unit(what.dimension) if what else ""
        words = f"{prefix} {WORDS.get(name, name.replace('_', ' '))}"
        found.append((name, f"{words} [{unit}]" if unit else words))
    return found


# --- Laws of x as a file spells them -------------------------------------------------

FILE_UNITS = {"voltage": "V", "diffusivity": "m2/s", "conductivity": "S/m"}
MOST_DECADES = 8  # beyond, an integral over x cannot be inverted in double precision


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


def _check_decades(y: Any, dimension: str) -> None:
    decades = math.log10(np.max(y)) - math.log10(np.min(y))
    if decades > MOST_DECADES:
        raise ValueError(
            f"the {dimension} spans {decades:.3g} decades; up to {MOST_DECADES} can be "
            "simulated"
        )


class TableLaw(Strict):
    """A CSV table of two columns, x and value, beside the file."""

    table: str
    unit: str | None = None
    multiply: Ratio = 1.0
    x_max: UpToTen | None = None

    def law(self, dimension: str, folder: Path) -> laws.Table:
        """Return the law of this dimension; a potential falls, others are above 0."""
        x, y = self._points(dimension, folder)
        points = tuple(x.tolist()), tuple(y.tolist())
        if dimension != "voltage":
            if y.min() <= 0:
                raise ValueError(f"{self.table}: every {dimension} must be above 0")
            _check_decades(y, dimension)
            return laws.Table(*points, logarithmic=True)
        for k in np.flatnonzero(abs(y) > 10).tolist():
            raise ValueError(
                f"{self.table}: row {k + 1} ({y[k]:g} V) is no open-circuit potential; "
                "give the unit it is in, such as 'unit: mV'"
            )
        for k in np.flatnonzero(np.diff(y) >= 0).tolist():
            raise ValueError(
                f"{self.table}: the potential must fall as x rises, and row {k + 2} "
                f"({y[k + 1]:g} V) is not below row {k + 1} ({y[k]:g} V)"
            )
        return laws.Table(*points, x_max=self.x_max or 1.0)

    def _points(self, dimension: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
        name = Path(self.table)
        elsewhere = name.is_absolute() or ".." in name.parts or len(self.table) > 255
        if elsewhere or name.suffix != ".csv":
            raise ValueError(
                f"'{shown(self.table)}' must name a .csv file in the folder of the cell "
                "file"
            )
        x, y = load_csv(folder / name, 2)
        if dimension == "voltage":
            _check_fraction(x[0], x[-1], self.x_max or 1.0, self.table)
        elif self.x_max is not None:
            raise ValueError("x_max goes with the open-circuit potential only")
        for k in np.flatnonzero(np.diff(x) <= 0).tolist():
            raise ValueError(
                f"{self.table}: the stoichiometry must rise from row to row, and row "
                f"{k + 2} ({x[k + 1]:g}) does not exceed row {k + 1} ({x[k]:g})"
            )
        unit = units.parse(f"1 {self.unit or FILE_UNITS[dimension]}", dimension)
        with np.errstate(over="ignore"):  # which spans too many decades
            return x, y * (unit * self.multiply)


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

    def law(self, dimension: str, folder: Path) -> laws.MultiSite:
        """Return the law, which must fall smoothly."""
        each = ((s.potential, s.sites, s.width) for s in self.sites)
        found = laws.MultiSite(*zip(*each, strict=True), self.temperature)
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


class _FormulaLaw(Strict):
    """A potential on a stated range of x."""

    def law(self, dimension: str, folder: Path) -> laws.Rational | laws.Exponentials:
        """Return the law, which must fall and stay finite."""
        low, high = self.range
        if not 0 <= low < high:
            raise ValueError("range must be two rising stoichiometries, as [0.5, 1]")
        _check_fraction(low, high, self.x_max)
        law = self.formula
        with np.errstate(all="ignore"):  # a pole or an overflow is refused
            U = law.curve.y
        if not (abs(U) < 100).all() or (U[1:] >= U[:-1]).any():
            raise ValueError(
                "the potential must fall with x and stay finite over its range; narrow it"
            )
        return law


class RationalLaw(_FormulaLaw):
    """Quotient of two polynomials in x, coefficients in rising powers."""

    numerator: Annotated[list[Number], Field(min_length=1, max_length=30)]
    denominator: Annotated[list[Number], Field(min_length=1, max_length=30)]
    range: tuple[Number, Number]
    x_max: UpToTen = 1.0

    @property
    def formula(self) -> laws.Rational:
        """The law, not yet checked."""
        polynomials = tuple(self.numerator), tuple(self.denominator)
        return laws.Rational(*polynomials, self.range, self.x_max)


class Exponential(Strict):
    """One term amplitude * exp((x - center)/width)."""

    amplitude: Voltage
    center: Number
    width: Number


class ExponentialsLaw(_FormulaLaw):
    """A polynomial in x [V] and exponentials, coefficients in rising powers."""

    polynomial: Annotated[list[Number], Field(min_length=1, max_length=30)]
    exponentials: Annotated[list[Exponential], Field(max_length=30)] = []
    range: tuple[Number, Number]
    x_max: UpToTen = 1.0

    @property
    def formula(self) -> laws.Exponentials:
        """The law, not yet checked."""
        terms = tuple((t.amplitude, t.center, t.width) for t in self.exponentials)
        if any(width == 0 for _, _, width in terms):
            raise ValueError("the width of an exponential must not be 0")
        return laws.Exponentials(tuple(self.polynomial), terms, self.range, self.x_max)


class PolynomialLaw(Strict):
    """10^(polynomial of x) in a stated unit, coefficients in rising powers."""

    log10_polynomial: Annotated[list[Number], Field(min_length=1, max_length=10)]
    unit: str | None = None
    range: tuple[Number, Number] = (0.0, 1.0)

    def law(self, dimension: str, folder: Path) -> laws.LogPolynomial:
        """Return the law, which must stay finite and above 0."""
        unit = units.parse(f"1 {self.unit or FILE_UNITS[dimension]}", dimension)
        low, high = self.range
        if not 0 <= low < high:
            raise ValueError("the range of x must rise from at least 0")
        first, *rest = self.log10_polynomial
        law = laws.LogPolynomial((first + math.log10(unit), *rest), (low, high))
        with np.errstate(all="ignore"):
            y = law(np.linspace(low, high, 101))
        if not (np.isfinite(y) & (y > 0)).all():
            raise ValueError(
                f"the {dimension} must stay finite and above 0 from x = {low:g} to "
                f"{high:g}"
            )
        _check_decades(y, dimension)
        return law


_LAWS: dict[str, Any] = {
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
# What Python gives as it is
_POTENTIAL_LAWS = laws.MultiSite | laws.Rational | laws.Exponentials | laws.Table
_POSITIVE_LAWS = laws.Constant | laws.Table | laws.LogPolynomial | laws.PythonLaw


@dataclass(frozen=True)
class LawField:
    """A field that is a law of one dimension: some spellings, turned into a Law."""

    spellings: tuple[str, ...]
    dimension: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        # The tag stands in the location of an error and must be no key of the data
        tagged: list[Any] = [Annotated[_LAWS[k], Tag(_LAW + k)] for k in self.spellings]
        tagged.append(Annotated[Any, Tag(_LAW)])
        union: Any = Annotated[reduce(or_, tagged), Discriminator(self._tag)]
        return core_schema.with_info_after_validator_function(
            self._convert, handler.generate_schema(union)
        )

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Say which laws there are; a plain quantity, unless it is a potential."""
        spelled = [law for law in handler(core).get("oneOf", []) if law]
        constant = {"type": "string", "examples": [units.sample(self.dimension)]}
        return {"anyOf": spelled if self.dimension == "voltage" else [*spelled, constant]}

    def _tag(self, value: Any) -> str:
        given = value if isinstance(value, dict) else ()
        found = next((key for key in _LAWS if key in given), "")
        return _LAW + (found if found in self.spellings else "")

    def _convert(self, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Strict):
            folder = Path((info.context or {}).get("folder", "."))
            return value.law(self.dimension, folder)
        if self.dimension == "voltage":
            if isinstance(value, _POTENTIAL_LAWS):
                return value
            raise ValueError(
                "an open-circuit potential is a law of x: {table: FILE.csv}, {sites: "
                "[...]} or {numerator: [...], denominator: [...], range: [...]} or "
                "{polynomial: [...], exponentials: [...], range: [...]}"
            )
        of_sites = self.dimension == "diffusivity" and isinstance(value, SelfDiffusion)
        if of_sites or isinstance(value, _POSITIVE_LAWS):
            return value
        if callable(value):  # from Python only: a file holds no functions
            return laws.PythonLaw(value)
        return laws.Constant(Quantity(self.dimension, gt=0).parse(value, info))


class SelfDiffusivityLaw(Strict):
    """D_0 (1 - theta) Theta: a lattice gas on the sites of U(x)."""

    self_diffusivity: Annotated[laws.Law, LawField(_POSITIVES, "diffusivity")]

    def law(self, dimension: str, folder: Path) -> SelfDiffusion:
        """Return the law, which needs the potential beside it."""
        return SelfDiffusion(self.self_diffusivity)


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
    rest = [
        e
        for e in found
        if e not in unknown and (e["type"] != "missing" or e["loc"][:-1] not in parents)
    ]
    raise together([_sentence(model, data, e, document) for e in (*unknown, *rest)])


def _sentence(
    model: type[Strict], data: Any, error: Any, document: Document | None
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
    "model_type": "a mapping of fields",
    "dict_type": "a mapping of fields",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
}


def _message(error: Any) -> str:
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


def _in_data(loc: Sequence[Any], data: Any) -> tuple[Any, ...]:
    """Return the part of pydantic's location that is in the data (union tags are not)."""
    path: list[Any] = []
    for key in loc:
        if isinstance(data, dict | list) and key in (
            data if isinstance(data, dict) else range(len(data))
        ):
            path.append(key)
            data = data[key]
    return tuple(path)


def _fields_at(model: Any, loc: Sequence[Any]) -> list[str]:
    """Return the names of the fields a mapping at this location may have."""
    found: list[Any] = [model]
    for key in map(str, loc):
        if key.startswith(_LAW):
            found = [_LAWS[key.removeprefix(_LAW)]]
        elif key.startswith(KIND):
            found = [m for m in found if KIND + m.__name__ == key]
        elif found and key in found[0].model_fields:
            found = list(inner_models(found[0].model_fields[key].annotation))
    return list(found[0].model_fields) if found else []


def inner_models(annotation: Any) -> Iterator[Any]:
    """Yield the models inside list[...], X | None and Annotated[...]."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from inner_models(argument)

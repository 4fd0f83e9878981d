"""The points of a sweep: grids, lists side by side, Latin hypercubes, Sobol points and
the design that Sobol' indices want.

The section ``sweep`` of an experiment file names factors, which are cell fields or
{templates} of the steps, and the values of each; :func:`plan` makes the points.

Of a grid only each factor's levels are kept: point k has ``levels[k // stride %
len(levels)]``, the last factor varying fastest.  Lists side by side and samples are the
same with a stride of 1 and as many levels as points.

Samples are points u of the unit cube, a Latin hypercube (McKay, Beckman & Conover 1979,
doi:10.1080/00401706.1979.10489755) or a scrambled Sobol sequence (Owen 1998,
doi:10.1006/jcom.1998.0487), sent through each distribution's inverse.  Correlations are
a Gaussian copula (Nelsen 2006, doi:10.1007/0-387-28678-0): the normals z = Phi^-1(u) are
mixed by the Cholesky factor of their correlation matrix, and Phi of them replaces u.  Of
normals with correlation r the rank correlation is (6/pi) asin(r/2), within 0.02 of r.
Mixing leaves all but the first of the correlated factors without the exact strata of the
hypercube.

Saltelli's design (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018; SALib makes it)
has for each of its base points one more that is independent of it, and one for each
factor, in which only that factor is the other's: points (factors + 2) in all.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
import scipy  # loads scipy.special where it is first used
from pydantic import BeforeValidator, Field, StrictInt, StrictStr, model_validator

from .. import units
from ..errors import Error, InputError, Place, placed, shown, suggest
from ..fields import Quantity, Strict, refuse
from ..yaml_file import Document
from .groups import RANGES

MAX_POINTS = 10_000_000
MAX_FACTORS = 100
MAX_NUMBERS = 100_000_000  # points times factors, where all are kept: 0.8 GB

C_RATE = "C-rate"  # a dimension that templates have beside those of `units`
Method = Literal["grid", "zip", "latin hypercube", "sobol", "saltelli"]
METHODS: tuple[Method, ...] = get_args(Method)
RANGE = "[first, last, number of values]"
FORMS = {  # of distributions, as they are written
    "uniform": "[low, high]",
    "loguniform": "[low, high]",
    "normal": "[mean, standard deviation]",
    "lognormal": "[median, standard deviation of the logarithm]",
}
# The values at probabilities u
DISTRIBUTIONS: dict[str, Callable[[np.ndarray, float, float], np.ndarray]] = {
    "uniform": lambda u, a, b: (a + u * (b - a)).clip(a, b),
    "loguniform": lambda u, a, b: np.exp(np.log(a) + u * (np.log(b) - np.log(a))).clip(
        a, b
    ),
    "normal": lambda u, a, b: a + b * scipy.special.ndtri(u),
    "lognormal": lambda u, a, b: a * np.exp(b * scipy.special.ndtri(u)),
}


def _method(value: object) -> object:
    if value not in METHODS:
        hint = suggest(str(value), METHODS) or f"; there are: {', '.join(METHODS)}"
        raise ValueError(f"unknown method '{shown(value)}'{hint}")
    return value


class Correlation(Strict):
    """Two factors, and the correlation of the normals behind them."""

    between: Annotated[list[StrictStr], Field(min_length=2, max_length=2)]
    value: Annotated[float, Quantity("dimensionless", gt=-1, lt=1)]


class Sweep(Strict):
    """The section ``sweep`` of an experiment file."""

    method: Annotated[Method, BeforeValidator(_method)] = "grid"
    points: Annotated[StrictInt, Field(ge=1, le=MAX_POINTS)] | None = None
    seed: Annotated[StrictInt, Field(ge=0)] = 0
    factors: dict[str, object]
    correlations: list[Correlation] = []

    @property
    def sampled(self) -> bool:
        """Whether points are drawn, and not written down."""
        return self.method in METHODS[2:]

    @model_validator(mode="after")
    def _consistent(self) -> Sweep:
        if not 1 <= len(self.factors) <= MAX_FACTORS:
            refuse("factors", f"must be 1 to {MAX_FACTORS} factors")
        if self.sampled and self.points is None:
            needs = f"is missing; a {self.method} needs it, as in 'points: 1024'"
            refuse("points", needs)
        for field in ("points", "seed", "correlations"):
            if not self.sampled and field in self.model_fields_set:
                message = f"does not go with a {self.method}, only with samples: "
                refuse(field, message + " or ".join(METHODS[2:]))
        if self.method == "saltelli" and self.correlations:
            message = "Sobol' indices are of independent factors; a latin hypercube or "
            refuse("correlations", message + "sobol sample may be correlated")
        return self


# --- The points --------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """The dimension and unit of a factor's values."""

    dimension: str  # A key of ``units.DISPLAY``, or "C-rate"
    # Of a template's values, as its first is written; None for SI, of a cell field
    unit: str | None = None

    @property
    def si(self) -> float:
        """Return the unit in SI."""
        bare = not self.unit or self.dimension == C_RATE
        return 1.0 if bare else units.parse(f"1 {self.unit}", self.dimension)

    def number(self, value: object, *, difference: bool = False) -> float:
        """Return a value as written as a number; ValueError if it will not do."""
        if self.dimension == C_RATE:
            rate = units.c_rate(value) if isinstance(value, str) else None
            if rate is None:
                raise ValueError(f"'{shown(value)}' is not a C-rate such as 'C/10'")
            return rate
        number = units.parse(value, self.dimension)
        if self.dimension == "temperature":
            if difference and units.split(str(value), self.dimension)[1] == "degC":
                raise ValueError("a standard deviation is a difference; write it in K")
        elif self.unit:
            written, unit = units.split(str(value), self.dimension)
            # 15 digits: 100 nm is 0.1 um, and not 0.09999999999999999
            other = float(f"{number / self.si:.15g}")
            return float(written) if unit == self.unit else other
        return number

    def text(self, number: float) -> str:
        """Return a number as text, such as ``0.1C``, that reads back as it."""
        # Sentences and C-rates take no exponents
        plain = number == 0 or 1e-9 <= abs(number) < 1e15
        digits = np.format_float_positional(number, trim="-") if plain else repr(number)
        return f"{digits}{'' if self.unit == 'C' else ' '}{self.unit}".strip()

    def column(self, name: str) -> str:
        """Return the name of a column, such as ``cathode.thickness [um]``."""
        rate = self.dimension == C_RATE
        unit = "C" if rate else units.display_unit(self.dimension)
        return f"{name} [{unit}]" if unit else name

    def displayed(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers in the unit of the column, of the same shape."""
        if self.dimension == C_RATE:
            return numbers
        x = numbers * self.si * units.DISPLAY[self.dimension][1]
        x -= units.ZERO_CELSIUS if self.dimension == "temperature" else 0.0
        return _rounded(x)


@dataclass(frozen=True)
class Factor:
    """A field or template that varies, and its values."""

    name: str  # A dotted cell field, or a template
    scale: Scale  # What the levels are
    levels: np.ndarray  # The values it takes, in order; shape (levels,)
    stride: int  # Points before the next level
    points: int  # Of the whole plan

    @property
    def values(self) -> np.ndarray:
        """At every point, shape (points,); of a grid, made when asked for."""
        return self._spread(self.levels)

    @property
    def displayed(self) -> np.ndarray:
        """At every point in the unit of its column, shape (points,)."""
        return self._spread(self.scale.displayed(self.levels))

    def at(self, k: int | np.ndarray) -> np.ndarray:
        """At point k, or at an array of points."""
        return self.levels[k // self.stride % len(self.levels)]

    def _spread(self, levels: np.ndarray) -> np.ndarray:
        shape = (self.points // (self.stride * len(levels)), len(levels), self.stride)
        return np.broadcast_to(levels[:, np.newaxis], shape).reshape(self.points)


@dataclass(frozen=True)
class Plan:
    """The points of a sweep."""

    factors: tuple[Factor, ...]  # In the order of the file
    points: int  # How many
    warnings: tuple[str, ...] = ()  # Sentences about what could be better

    def __len__(self) -> int:
        return self.points

    def point(self, k: int) -> dict[str, float | str]:
        """Return what point k (from 0) sets: SI floats, and texts of templates."""
        if not 0 <= k < self.points:
            raise IndexError(f"there is no point {k} of {self.points}")
        found: dict[str, float | str] = {}
        for factor in self.factors:
            number, scale = float(factor.at(k)), factor.scale
            found[factor.name] = number if scale.unit is None else scale.text(number)
        return found

    def columns(self) -> dict[str, np.ndarray]:
        """Columns as in the summary, in its units, each of shape (points,)."""
        return {f.scale.column(f.name): f.displayed for f in self.factors}


def plan(
    section: Sweep,
    document: Document,
    dimension_of: Callable[[str], str | None],
    is_template: Callable[[str], bool],
    names: Iterable[str] = (),
) -> Plan:
    """Return the points of a sweep; the same section makes the same points.

    Asked of a name is first whether a step uses it in {braces}, then the dimension of the
    cell's field: None, or an InputError, if it is no number.  ``names`` are those of all
    that may vary, to suggest from.
    """
    reader = _Reader(section, document.error, dimension_of, is_template, tuple(names))
    specs = [reader.spec(name, given) for name, given in section.factors.items()]
    points = stride = reader.count(specs)
    notes: tuple[str, ...] = ()
    u = np.empty((0, len(specs)))
    if section.sampled:
        u = _unit_cube(section, points, len(specs))
        if section.correlations:
            u = _correlated(u, reader.correlation_matrix(list(section.factors)))
        base = section.points or points
        if section.method != "latin hypercube" and base & (base - 1):
            low = 1 << (base.bit_length() - 1)
            notes = (f"{base} Sobol points are not balanced; {low} or {2 * low} are",)
    factors = []
    for spec, probabilities in zip(specs, u.T, strict=True):
        own = reader.levels(spec, probabilities)
        stride = stride // len(own) if section.method == "grid" else 1
        own.flags.writeable = False
        factors.append(Factor(spec.name, spec.scale, own, stride, points))
    return Plan(tuple(factors), points, notes)


def _rounded(x: np.ndarray) -> np.ndarray:
    """To 14 digits, as :func:`units.to_display`: 4.025 and not 4.0249999999999995."""
    parts = np.array_split(x, x.size // 65_536 + 1)  # a list takes four times an array
    numbers = (float(f"{v:.14g}") for part in parts for v in part.tolist())
    return np.fromiter(numbers, float, x.size)


def _unit_cube(section: Sweep, points: int, factors: int) -> np.ndarray:
    """Points strictly within the unit cube, shape (points, factors)."""
    from scipy.stats import qmc

    if section.method == "latin hypercube":
        u = qmc.LatinHypercube(factors, rng=section.seed).random(points)
        return u.clip(2.0**-53, 1 - 2.0**-53, out=u)
    with warnings.catch_warnings():  # of no power of two; the plan says so itself
        warnings.simplefilter("ignore", UserWarning)
        if section.method == "sobol":
            u = qmc.Sobol(factors, bits=30, rng=section.seed).random(points)
        else:  # for first-order and total indices
            from SALib.sample.sobol import sample

            names = [str(k) for k in range(factors)]
            cube = {"num_vars": factors, "names": names, "bounds": [[0.0, 1.0]] * factors}
            design = {"calc_second_order": False, "seed": section.seed}
            u = sample(cube, section.points, **design)
    u += 2.0**-31  # to the middle of its cell: 0 has no quantile
    return u


def _correlated(u: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Uniforms whose normals are correlated, shape (points, factors)."""
    z = scipy.special.ndtri(u, out=u) @ np.linalg.cholesky(matrix).T
    return scipy.special.ndtr(z, out=z)


# --- Reading the factors -----------------------------------------------------------


@dataclass(frozen=True)
class _Spec:
    """A factor as written: a list's values, a range's ends, or two parameters."""

    name: str
    scale: Scale
    kind: str
    numbers: tuple[float, ...]
    size: int  # number of values; 0 for a distribution
    at: Place


@dataclass(frozen=True)
class _Reader:
    """The factors of a section, with the place of every mistake."""

    section: Sweep
    error: Error
    dimension_of: Callable[[str], str | None]
    is_template: Callable[[str], bool]
    names: tuple[str, ...]

    def spec(self, name: str, given: object) -> _Spec:
        kind, items, at = self._items(("sweep", "factors", name), given)
        scale = self._scale(name, (*at, 0), items[0])
        size = len(items) if kind == "list" else 0
        if kind in RANGES:
            *items, number = items
            if type(number) is not int or not 2 <= number <= MAX_POINTS:
                message = f"the number of values must be from 2 to {MAX_POINTS:,}"
                raise self.error((*at, 2), message)
            size = number
        numbers = []
        for i, item in enumerate(items):
            spread = i == 1 and "normal" in kind
            own = Scale("dimensionless") if spread and kind == "lognormal" else scale
            with placed(self.error, *at, i):
                numbers.append(own.number(item, difference=spread))
        a, b = numbers[0], numbers[-1]
        refusals = {
            "must be above 0": kind in ("log", "loguniform") and min(a, b) <= 0,
            "the median must be above 0": kind == "lognormal" and a <= 0,
            "low must be below high": "uniform" in kind and a >= b,
            "the standard deviation must be above 0": "normal" in kind and b <= 0,
        }
        for message in (words for words, refused in refusals.items() if refused):
            raise self.error(at, message)
        return _Spec(name, scale, kind, tuple(numbers), size, at)

    def _items(self, at: Place, given: object) -> tuple[str, list[object], Place]:
        """Return the kind of a factor, its numbers as written, and where they stand."""
        sampled, method = self.section.sampled, self.section.method
        forms = FORMS if sampled else dict.fromkeys(RANGES, RANGE)
        if isinstance(given, list) and given and not sampled:
            return "list", given, at
        if not isinstance(given, dict) or len(given) != 1:
            *some, last = (f"{{{kind}: {form}}}" for kind, form in forms.items())
            some = some if sampled else ["a list of values", *some]
            words = f"{', '.join(some)} or {last}"
            raise self.error(at, f"must be {words} for method {method}")
        ((kind, items),) = given.items()
        if kind not in forms:
            hint = suggest(kind, forms) or f"; there are: {', '.join(forms)}"
            message = f"'{shown(kind)}' does not go with method {method}{hint}"
            raise self.error((*at, kind), message)
        if not isinstance(items, list) or len(items) != (2 if sampled else 3):
            raise self.error((*at, kind), f"must be {forms[kind]}")
        return kind, items, (*at, kind)

    def _scale(self, name: str, at: Place, first: object) -> Scale:
        """Return the scale of a factor; the first value of a template decides."""
        if not self.is_template(name):
            try:
                found = self.dimension_of(name)
            except InputError as error:
                raise self.error(at[:3], error.message) from None
            if found is None:
                lack = f"no step uses {{{shown(name)}}} and the cell has no such number"
                raise self.error(at[:3], lack + suggest(name, self.names))
            return Scale(found)
        if isinstance(first, str) and units.c_rate(first) is not None:
            return Scale(C_RATE, "C")
        # The last one's reason stands for all; a rate is what templates mostly are
        for dimension in (*units.DISPLAY, "current density"):
            try:
                units.parse(first, dimension)
            except ValueError as error:
                reason = str(error)
                continue
            # K, since spacings and deviations want an absolute scale
            unit = {"dimensionless": "", "temperature": "K"}.get(dimension)
            written = "" if unit == "" else units.split(str(first), dimension)[1]
            if unit == "K" and written == "C":
                continue  # which nobody but a field of a temperature can tell from a rate
            return Scale(dimension, written if unit is None else unit)
        raise self.error(at, reason)

    def count(self, specs: list[_Spec]) -> int:
        """Return the number of points, before any is made: there may be too many."""
        grid = self.section.method == "grid"
        points = self.section.points or specs[0].size
        points = math.prod(spec.size for spec in specs) if grid else points
        points *= len(specs) + 2 if self.section.method == "saltelli" else 1
        for spec in specs:
            if self.section.method == "zip" and spec.size != points:
                message = f"{spec.size:,} values and {shown(specs[0].name)} {points:,}"
                same = "; in a zip all have the same number"
                raise self.error(spec.at, f"has {message}{same}")
        if points > MAX_POINTS or (not grid and points * len(specs) > MAX_NUMBERS):
            limit = f"{MAX_POINTS:,} points, and {MAX_NUMBERS:,} numbers in all of them"
            size = f"make {points:,} points of {len(specs)} factors"
            raise self.error(("sweep", "factors"), f"{size}; at most {limit} will do")
        return points

    def correlation_matrix(self, names: list[str]) -> np.ndarray:
        """Return the correlations of the normals, shape (factors, factors)."""
        matrix, given = np.eye(len(names)), set()
        for k, correlation in enumerate(self.section.correlations):
            at = ("sweep", "correlations", k, "between")
            for i, name in enumerate(correlation.between):
                if name not in names:
                    message = f"'{shown(name)}' is not a factor{suggest(name, names)}"
                    raise self.error((*at, i), message)
            a, b = sorted(names.index(name) for name in correlation.between)
            if a == b or (a, b) in given:
                message = "names one factor twice" if a == b else "is given twice"
                raise self.error(at, message)
            given.add((a, b))
            matrix[a, b] = matrix[b, a] = correlation.value
        if np.linalg.eigvalsh(matrix)[0] < 1e-10:  # below, rounding would decide
            message = "contradict each other (their matrix is not positive definite); "
            message += "values nearer to 0 would do"
            raise self.error(("sweep", "correlations"), message)
        return matrix

    def levels(self, spec: _Spec, u: np.ndarray) -> np.ndarray:
        """Values of a list or range, both ends exactly as written, shape (count,); or of
        a distribution at probabilities u, shape (points,)."""
        if spec.kind == "list":
            return np.array(spec.numbers)
        if spec.kind in RANGES:
            first, last = spec.numbers
            inner = _rounded(RANGES[spec.kind](first, last, spec.size)[1:-1])
            return np.concatenate(([first], inner, [last]))
        with np.errstate(all="ignore"):  # what overflows is refused
            x = DISTRIBUTIONS[spec.kind](u, *spec.numbers)
        if not np.isfinite(x).all() or (spec.kind == "lognormal" and not x.all()):
            raise self.error(spec.at, "reaches values beyond floating point; narrow it")
        if spec.scale.dimension == C_RATE and x.min() <= 0:
            message = "reaches C-rates of 0 and below; a lognormal stays above"
            raise self.error(spec.at, message)
        return x

"""Laws of x as a file spells them: tables, sites, polynomials; checked, and made.

A new spelling is a class here and its key in ``SPELLED``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic_core import CoreSchema, core_schema

from .. import units
from ..errors import shown
from ..fields import (
    TAGGED,
    Number,
    Quantity,
    Ratio,
    Strict,
    Temperature,
    UpToTen,
    Voltage,
)
from ..yaml_file import load_csv
from . import laws
from .transport import SelfDiffusion

TAG = "law: "
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


def _check_decades(y: laws.Array, dimension: str) -> None:
    decades = math.log10(np.max(y)) - math.log10(np.min(y))
    if decades > MOST_DECADES:
        raise ValueError(
            f"the {dimension} spans {decades:.3g} decades; up to {MOST_DECADES} can be "
            "simulated"
        )


class SpelledLaw(Strict):
    """A law of x as a file spells it."""

    def law(self, dimension: str, folder: Path) -> laws.Law | SelfDiffusion:
        """Return the law, of a dimension; a table is in the folder."""
        raise NotImplementedError

    def checked(self, dimension: str, folder: Path) -> laws.Law | SelfDiffusion:
        """Return the law; ValueError of one that cannot be simulated."""
        return self.law(dimension, folder)


class TableLaw(SpelledLaw):
    """A CSV table of two columns, x and value, beside the file."""

    table: str
    unit: str | None = None
    multiply: Ratio = 1.0
    x_max: UpToTen | None = None

    def law(self, dimension: str, folder: Path) -> laws.Table:
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


class SitesLaw(SpelledLaw):
    """Multi-site law x(U); widths stated at a temperature."""

    sites: Annotated[list[Site], Field(min_length=1, max_length=50)]
    temperature: Temperature = 298.15

    def law(self, dimension: str, folder: Path) -> laws.MultiSite:
        each = ((s.potential, s.sites, s.width) for s in self.sites)
        U, X, widths = zip(*each, strict=True)
        return laws.MultiSite(U, X, widths, self.temperature)

    def checked(self, dimension: str, folder: Path) -> laws.MultiSite:
        law = self.law(dimension, folder)
        if law.x_max > 10:
            raise ValueError(
                f"the sites add up to {law.x_max:g} per formula unit; write them as "
                "fractions of it, up to 10 in all, not in per cent"
            )
        if not law.curve.falls:
            raise ValueError(
                "between the sites the potential does not fall smoothly with x; widen "
                "them, or add a small and broad one between: {potential: 3 V, sites: "
                "0.02, width: 15}"
            )
        return law


class _FormulaLaw(SpelledLaw):
    """A potential on a stated range of x."""

    def law(self, dimension: str, folder: Path) -> laws.Rational | laws.Exponentials:
        raise NotImplementedError

    def checked(self, dimension: str, folder: Path) -> laws.Rational | laws.Exponentials:
        law = self.law(dimension, folder)
        low, high = law.valid
        if not 0 <= low < high:
            raise ValueError("range must be two rising stoichiometries, as [0.5, 1]")
        _check_fraction(low, high, law.x_max)
        if isinstance(law, laws.Exponentials) and 0 in [width for *_, width in law.terms]:
            raise ValueError("the width of an exponential must not be 0")
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

    def law(self, dimension: str, folder: Path) -> laws.Rational:
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

    def law(self, dimension: str, folder: Path) -> laws.Exponentials:
        terms = tuple((t.amplitude, t.center, t.width) for t in self.exponentials)
        return laws.Exponentials(tuple(self.polynomial), terms, self.range, self.x_max)


class PolynomialLaw(SpelledLaw):
    """10^(polynomial of x) in a stated unit, coefficients in rising powers."""

    log10_polynomial: Annotated[list[Number], Field(min_length=1, max_length=10)]
    unit: str | None = None
    range: tuple[Number, Number] = (0.0, 1.0)

    def law(self, dimension: str, folder: Path) -> laws.LogPolynomial:
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


SPELLED: dict[str, type[SpelledLaw]] = {  # by the key that tells it from others
    "table": TableLaw,
    "sites": SitesLaw,
    "numerator": RationalLaw,
    "polynomial": ExponentialsLaw,
    "log10_polynomial": PolynomialLaw,
}
_POTENTIALS = ("table", "sites", "numerator", "polynomial")
_POSITIVES = ("table", "log10_polynomial")
# What Python gives as it is
_POSITIVE_LAWS = laws.Constant | laws.Table | laws.LogPolynomial | laws.PythonLaw


@dataclass(frozen=True)
class LawField:
    """A field that is a law of one dimension: some spellings, turned into a Law."""

    spellings: tuple[str, ...]
    dimension: str

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {
            TAG + key: handler.generate_schema(SPELLED[key]) for key in self.spellings
        }
        union = core_schema.tagged_union_schema(
            {**choices, TAG: core_schema.any_schema()}, self._tag
        )
        return core_schema.with_info_after_validator_function(self._convert, union)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, object]:
        """Say which laws there are; a plain quantity, unless it is a potential."""
        spelled = [law for law in handler(core).get("oneOf", []) if law]
        constant = {"type": "string", "examples": [units.sample(self.dimension)]}
        return {"anyOf": spelled if self.dimension == "voltage" else [*spelled, constant]}

    def _tag(self, value: object) -> str:
        given = value if isinstance(value, dict) else ()
        found = next((key for key in SPELLED if key in given), "")
        return TAG + (found if found in self.spellings else "")

    def _convert(self, value: object, info: ValidationInfo) -> laws.Law | SelfDiffusion:
        if isinstance(value, SpelledLaw):
            folder = Path((info.context or {}).get("folder", "."))
            return value.checked(self.dimension, folder)
        if self.dimension == "voltage":
            if isinstance(value, laws.POTENTIALS):
                return value
            raise ValueError(
                "an open-circuit potential is a law of x: {table: FILE.csv}, {sites: "
                "[...]} or {numerator: [...], denominator: [...], range: [...]} or "
                "{polynomial: [...], exponentials: [...], range: [...]}"
            )
        if isinstance(value, _POSITIVE_LAWS):
            return value
        if self.dimension == "diffusivity" and isinstance(value, SelfDiffusion):
            return value
        if callable(value):  # from Python only: a file holds no functions
            return laws.PythonLaw(value)
        return laws.Constant(Quantity(self.dimension, gt=0).parse(value, info))


class SelfDiffusivityLaw(SpelledLaw):
    """D_0 (1 - theta) Theta: a lattice gas on the sites of U(x)."""

    self_diffusivity: Annotated[laws.Law, LawField(_POSITIVES, "diffusivity")]

    def law(self, dimension: str, folder: Path) -> SelfDiffusion:
        return SelfDiffusion(self.self_diffusivity)


SPELLED["self_diffusivity"] = SelfDiffusivityLaw
TAGGED |= {TAG + key: model for key, model in SPELLED.items()}
Potential = Annotated[laws.PotentialLaw, LawField(_POTENTIALS, "voltage")]
Diffusivity = Annotated[
    laws.Law | SelfDiffusion,
    LawField((*_POSITIVES, "self_diffusivity"), "diffusivity"),
]
ConductivityLaw = Annotated[laws.Law, LawField(_POSITIVES, "conductivity")]

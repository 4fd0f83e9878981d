"""The options of a model against the parameter set it is solved with.

A set implies options: lithium plated in situ, leakage, asymmetric kinetics, laws of the
film.  A model built for others would solve another cell.  A set has standard parameters
of PyBaMM too, which follow from those of the film: changed alone they would say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pybamm

from ..cell.half_cell import POTENTIAL, following
from ..cell.structure import KINDS

# Option: the parameter that tells, or a sum of them, and the number each value of the
# option stands for; a value that is not listed holds for any number
Implied = dict[str, tuple[str, Mapping[str, float]]]


def _of_a_film(side: str) -> Implied:
    """Return what the set says of a film, "Cathode" or "Anode"."""
    place, law = side.lower(), {"constant": 0.0, "law": 1.0}
    capacitance = f"{side} double-layer capacitance [F.m-2]"
    return {
        f"{place} kinetics": (f"{side} anodic transfer coefficient", {"symmetric": 0.5}),
        f"{place} transference": (f"{side} transference number is a law", law),
        f"{place} resistivity": (f"{side} resistivity is a law", law),
        f"{place} double layer": (capacitance, {"absent": 0.0}),
        f"{place} hysteresis": (f"{side} hysteresis [V]", {"absent": 0.0}),
    }


LITHIUM: Implied = {
    "lithium kinetics": ("Lithium anodic transfer coefficient", {"symmetric": 0.5}),
    "lithium double layer": ("Lithium double-layer capacitance [F.m-2]", {"absent": 0.0}),
}
TAFEL: Implied = {
    "electrolyte oxidation": ("Electrolyte oxidation current [A.m-2]", {"off": 0.0}),
    **{
        f"{law.lower()} by {cause}": (f"{law} by {cause} rate [{unit}]", {"off": 0.0})
        for law, unit in (("Interphase", "Ohm.m2.s-1"), ("Site loss", "s-1"))
        for cause in ("oxidation", "reduction")
    },
}
OTHERS: Implied = {
    "leakage": ("Electrolyte electronic conductivity [S.m-1]", {"none": 0}),
    "electrolyte capacitance": ("Electrolyte relative permittivity", {"absent": 0}),
    "electrolyte": ("Electrolyte is a liquid", {"film": 0, "liquid": 1}),
    "interphase with time": ("Interphase with time growth [Ohm.m2]", {"off": 0}),
    "lithium consumption": (
        "Lithium consumption current [A.m-2] + Lithium consumption growth [A.s.m-2]",
        {"off": 0},
    ),
    **TAFEL,
}
KIND: Implied = {"anode": ("Kind of anode", KINDS)}


def implied(anode: str) -> Implied:
    """Return what holds of a model with this kind of anode."""
    lithium = _of_a_film("Anode") if anode == "film" else LITHIUM
    return KIND | _of_a_film("Cathode") | lithium | OTHERS


# Parameters, or sums of them, that are not 0 where an option has none of those values
NEEDED: dict[str, tuple[str, ...]] = {
    name: (parameter,)
    for name, (parameter, numbers) in (implied("film") | LITHIUM).items()
    if "absent" in numbers or name == "lithium consumption"
} | {
    **{name: (of[0], f"{name.capitalize()} potential [V]") for name, of in TAFEL.items()},
    "interphase with time": (
        "Interphase with time growth [Ohm.m2]",
        "Interphase with time growth time [s]",
        "Interphase with time initial resistance [Ohm.m2]",
    ),
}
OPEN = (pybamm.Parameter, pybamm.FunctionParameter)  # not yet a value
OWN_POTENTIAL = "Cathode open-circuit potential [V]"
OTHER = {
    "absent": "capacitive",
    "off": "on",
    "symmetric": "asymmetric",
    "constant": "law",
    "law": "constant",
    "none": "electronic",
}


def _sum(names: str) -> pybamm.Symbol:
    first, *others = (pybamm.Parameter(name) for name in names.split(" + "))
    return sum(others, first)


def _pairs(anode: str) -> dict[str, tuple[pybamm.Symbol, pybamm.Symbol]]:
    """Return standard parameters: as the set has them, as they follow from the film."""
    half = pybamm.Scalar(0.5)
    x = half * pybamm.Parameter("Cathode sites per formula unit")
    pairs = {name: (pybamm.Parameter(name), own) for name, own in following().items()}
    if anode != "film":  # of two films it is the difference
        pairs[POTENTIAL] = (
            pybamm.FunctionParameter(POTENTIAL, {"sto": half}),
            pybamm.FunctionParameter(OWN_POTENTIAL, {"x": x}),
        )
    return pairs


def _sources(name: str) -> list[str]:
    """Return the parameters of the film that a standard one follows from, quoted."""
    if name == POTENTIAL:
        return [f"'{OWN_POTENTIAL}'"]
    own = following()[name]
    return [f"'{s.name}'" for s in own.pre_order() if isinstance(s, pybamm.Parameter)]


def _differ(name: str, a: pybamm.Symbol, b: pybamm.Symbol) -> bool:
    if a.is_constant() and b.is_constant():
        return not np.isclose(a.evaluate(), b.evaluate(), rtol=1e-6, atol=0)
    return a != b and name != POTENTIAL  # a curve is compared where x is a number


class Agreement(pybamm.Function):
    """Zero where a parameter set implies the options of a model, else an error.

    Parameters
    ----------
    model : str
        Name of the model's class.
    options : dict
        Options of the model, by name; the kind of anode alone, or all.

    Raises
    ------
    pybamm.OptionError
        When parameters are processed, where the set implies other options, or where a
        standard parameter was changed that follows from others.
    """

    __slots__ = ("implied", "model", "options", "pairs")
    _serialise_derived_params = frozenset({"children"})

    def __init__(
        self,
        model: str,
        options: Mapping[str, str],
        children: Sequence[pybamm.Symbol] | None = None,
    ) -> None:
        self.model = model
        anode, alone = options["anode"], len(options) == 1
        self.implied = KIND if alone else implied(anode)
        self.pairs = {} if alone else _pairs(anode)
        self.options = {name: options.get(name, "off") for name in self.implied}
        wanted = [_sum(name) for name, _ in self.implied.values()]
        wanted += [_sum(name) for name in self._needed()]
        wanted += [symbol for pair in self.pairs.values() for symbol in pair]
        super().__init__(
            self._zero, *(children or wanted), name=f"{model} {self.options}"
        )

    def _needed(self) -> Iterator[str]:
        for option, names in NEEDED.items():
            value = self.options.get(option)
            if value is not None and value not in self.implied[option][1]:
                yield from names

    @staticmethod
    def _zero(*values: object) -> float:
        return 0.0

    def to_json(self) -> dict[str, object]:
        return {"model": self.model, "options": self.options}

    @classmethod
    def _from_json(cls, snippet: dict[str, Any]) -> Agreement:
        return cls(snippet["model"], snippet["options"], snippet["children"])

    def _sympy_operator(self, *children: object) -> float:  # in latexify
        return self._zero()

    def create_copy(
        self,
        new_children: list[pybamm.Symbol] | None = None,
        perform_simplifications: bool = True,
    ) -> pybamm.Symbol:
        children = self._children_for_copying(new_children)
        if any(child.has_symbol_of_classes(OPEN) for child in children):
            return Agreement(self.model, self.options, children)
        further = iter(children[len(self.implied) :])
        for name in self._needed():
            if next(further) == pybamm.Scalar(0):
                raise pybamm.OptionError(
                    f"'{name}' is 0 and the options of {self.model} need a value of it"
                )
        for name, found, own in zip(self.pairs, further, further, strict=True):
            if _differ(name, found, own):
                named = " and ".join(_sources(name))
                raise pybamm.OptionError(
                    f"'{name}' follows from {named} in {self.model}; change that"
                )
        given, remedy = [], {}
        for (option, value), child in zip(self.options.items(), children, strict=False):
            name, numbers = self.implied[option]
            if value not in numbers:
                continue
            number = float(child.value) if isinstance(child, pybamm.Scalar) else math.nan
            if number != numbers[value]:
                words = {n: word for word, n in numbers.items()}
                remedy[option] = words.get(number) or OTHER[value]
                found = "not a fixed number" if math.isnan(number) else f"{number:g}"
                given.append(f"'{name}' is {found} instead of {numbers[value]:g}")
        if not remedy:
            return pybamm.Scalar(0)
        built = {option: self.options[option] for option in remedy}
        raise pybamm.OptionError(
            f"{self.model} with options {built} is not the model of this parameter set "
            f"({'; '.join(given)}); use ThinFilmCell(options={remedy})"
        )


def agreeing(
    rhs: Mapping[pybamm.Variable, pybamm.Symbol], agreement: Agreement
) -> dict[pybamm.Variable, pybamm.Symbol]:
    """Return rates of which the first, processed before all else, asks the agreement.

    The kind of anode comes before the rest: a set of another kind lacks parameters.
    """
    first, *_ = rhs
    kind = Agreement(agreement.model, {"anode": agreement.options["anode"]})
    return {**rhs, first: kind + agreement + rhs[first]}

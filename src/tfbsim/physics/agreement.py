"""The options of a model against the parameter set it is solved with.

A set implies options: lithium plated in situ, leakage, asymmetric kinetics, laws of the
film.  A model built for others would solve another cell.  A set has standard parameters
of PyBaMM too, which follow from those of the film: changed alone they would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pybamm

from ..cell.half_cell import POTENTIAL, following

CAPACITIVE = {
    name: (parameter, {"absent": 0.0})
    for name, parameter in (
        ("cathode double layer", "Cathode double-layer capacitance [F.m-2]"),
        ("lithium double layer", "Lithium double-layer capacitance [F.m-2]"),
        ("electrolyte capacitance", "Electrolyte relative permittivity"),
    )
}
TAFEL = {
    "electrolyte oxidation": ("Electrolyte oxidation current [A.m-2]", {"off": 0.0}),
    **{
        f"{law.lower()} by {cause}": (f"{law} by {cause} rate [{unit}]", {"off": 0.0})
        for law, unit in (("Interphase", "Ohm.m2.s-1"), ("Site loss", "s-1"))
        for cause in ("oxidation", "reduction")
    },
}
# Option: the parameter that tells, or a sum of them, and the number each value of the
# option stands for; a value that is not listed holds for any number
IMPLIED: dict[str, tuple[str, dict[str, float]]] = {
    "cathode kinetics": ("Cathode anodic transfer coefficient", {"symmetric": 0.5}),
    "lithium kinetics": ("Lithium anodic transfer coefficient", {"symmetric": 0.5}),
    "cathode transference": (
        "Cathode transference number is a law",
        {"constant": 0, "law": 1},
    ),
    "cathode resistivity": ("Cathode resistivity is a law", {"constant": 0, "law": 1}),
    "leakage": ("Electrolyte electronic conductivity [S.m-1]", {"none": 0}),
    **CAPACITIVE,
    "anode": ("Lithium is plated in situ", {"evaporated": 0, "plated in situ": 1}),
    "interphase with time": ("Interphase with time growth [Ohm.m2]", {"off": 0}),
    "lithium consumption": (
        "Lithium consumption current [A.m-2] + Lithium consumption growth [A.s.m-2]",
        {"off": 0},
    ),
    **TAFEL,
}
# Parameters, or sums of them, that are not 0 where an option has none of those values
NEEDED: dict[str, tuple[str, ...]] = {
    **{name: (IMPLIED[name][0],) for name in (*CAPACITIVE, "lithium consumption")},
    **{name: (IMPLIED[name][0], f"{name.capitalize()} potential [V]") for name in TAFEL},
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
    "evaporated": "plated in situ",
    "plated in situ": "evaporated",
}


def _sum(names: str) -> pybamm.Symbol:
    first, *others = (pybamm.Parameter(name) for name in names.split(" + "))
    return sum(others, first)


def _pairs() -> dict[str, tuple[pybamm.Symbol, pybamm.Symbol]]:
    """Standard parameters as the set has them, and as they follow from the film."""
    half = pybamm.Scalar(0.5)
    x = half * pybamm.Parameter("Cathode sites per formula unit")
    pairs = {name: (pybamm.Parameter(name), own) for name, own in following().items()}
    pairs[POTENTIAL] = (
        pybamm.FunctionParameter(POTENTIAL, {"sto": half}),
        pybamm.FunctionParameter(OWN_POTENTIAL, {"x": x}),
    )
    return pairs


def _sources(name: str) -> list[str]:
    """Parameters of the film that a standard one follows from, quoted."""
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
        Options of the model, by name.

    Raises
    ------
    pybamm.OptionError
        When parameters are processed, where the set implies other options, or where a
        standard parameter was changed that follows from others.
    """

    __slots__ = ("model", "options")
    _serialise_derived_params = frozenset({"children"})

    def __init__(
        self,
        model: str,
        options: Mapping[str, str],
        children: Sequence[pybamm.Symbol] | None = None,
    ) -> None:
        self.model = model
        self.options = {name: options.get(name, "off") for name in IMPLIED}
        wanted = [_sum(name) for name, _ in IMPLIED.values()]
        wanted += [_sum(name) for name in self._needed()]
        wanted += [symbol for pair in _pairs().values() for symbol in pair]
        super().__init__(
            self._zero, *(children or wanted), name=f"{model} {self.options}"
        )

    def _needed(self) -> Iterator[str]:
        for option, names in NEEDED.items():
            if self.options[option] not in IMPLIED[option][1]:
                yield from names

    @staticmethod
    def _zero(*values: object) -> float:
        return 0.0

    def to_json(self) -> dict[str, Any]:
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
        further = iter(children[len(IMPLIED) :])
        for name in self._needed():
            if next(further) == pybamm.Scalar(0):
                raise pybamm.OptionError(
                    f"'{name}' is 0 and the options of {self.model} need a value of it"
                )
        for name, found, own in zip(_pairs(), further, further, strict=True):
            if _differ(name, found, own):
                named = " and ".join(_sources(name))
                raise pybamm.OptionError(
                    f"'{name}' follows from {named} in {self.model}; change that"
                )
        given, remedy = [], {}
        for (option, value), child in zip(self.options.items(), children, strict=False):
            name, numbers = IMPLIED[option]
            if value not in numbers:
                continue
            number = child.value if isinstance(child, pybamm.Scalar) else None
            if number != numbers[value]:
                remedy[option] = OTHER[value]
                found = "not a fixed number" if number is None else f"{number:g}"
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
    """Return rates of which the first, processed before all else, asks the agreement."""
    first, *_ = rhs
    return {**rhs, first: agreement + rhs[first]}

"""The options of a model against the parameter set it is solved with.

A set implies options: lithium plated in situ, leakage, asymmetric kinetics, laws of the
film.  A model built for others would solve another cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pybamm

# Option: the parameter that tells, and the number each value of the option stands for; a
# value that is not listed holds for any number
IMPLIED: dict[str, tuple[str, dict[str, float]]] = {
    "cathode kinetics": ("Cathode anodic transfer coefficient", {"symmetric": 0.5}),
    "lithium kinetics": ("Lithium anodic transfer coefficient", {"symmetric": 0.5}),
    "cathode transference": (
        "Cathode transference number is a law",
        {"constant": 0, "law": 1},
    ),
    "cathode resistivity": ("Cathode resistivity is a law", {"constant": 0, "law": 1}),
    "leakage": ("Electrolyte electronic conductivity [S.m-1]", {"none": 0}),
    "anode": ("Lithium is plated in situ", {"evaporated": 0, "plated in situ": 1}),
}
OTHER = {
    "symmetric": "asymmetric",
    "constant": "law",
    "law": "constant",
    "none": "electronic",
    "evaporated": "plated in situ",
    "plated in situ": "evaporated",
}


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
        When parameters are processed, where the set implies other options.
    """

    __slots__ = ("model", "options")

    def __init__(
        self,
        model: str,
        options: Mapping[str, str],
        children: Sequence[pybamm.Symbol] | None = None,
    ) -> None:
        self.model = model
        self.options = {name: options[name] for name in IMPLIED}
        wanted = [pybamm.Parameter(name) for name, _ in IMPLIED.values()]
        super().__init__(
            self._zero, *(children or wanted), name=f"{model} {self.options}"
        )

    @staticmethod
    def _zero(*values: object) -> float:
        return 0.0

    def create_copy(
        self,
        new_children: list[pybamm.Symbol] | None = None,
        perform_simplifications: bool = True,
    ) -> pybamm.Symbol:
        children = self._children_for_copying(new_children)
        if any(isinstance(child, pybamm.Parameter) for child in children):
            return Agreement(self.model, self.options, children)
        given, remedy = [], {}
        for (option, value), child in zip(self.options.items(), children, strict=True):
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

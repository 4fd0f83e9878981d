"""A material of the library, and each value it sets with its source and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Value:
    """One value of a material.

    Parameters
    ----------
    value : str, float or Law
        As a cell file or Python gives it: text with its unit, a number, a law of x.
    source : str
        Where it comes from; "assumed" where it was not measured.
    valid : str
        The range it holds in, such as "0.5 <= x <= 0.999" or "-25 to 140 degC".
    """

    value: Any
    source: str  # Where it comes from; "assumed" where it was not measured
    valid: str = ""


@dataclass(frozen=True)
class Material:
    """What a cell file need not repeat.

    Parameters
    ----------
    name : str
        As a cell file names it.
    title : str
        A line: composition and form.
    layers : tuple of str
        Where it may stand: cathode, electrolyte or anode; the field of the anode that
        names what lithium is plated on, collector or interlayer; or stack, a layer
        around the cell.
    values : mapping
        Field of the layer to :class:`Value`; a cell file overrides any of them.
    data : mapping
        What no field of a layer takes, such as "capacity", the same way.
    also : tuple of str
        Other names of it.
    """

    name: str
    title: str
    layers: tuple[str, ...]
    values: Mapping[str, Value]
    data: Mapping[str, Value] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """Return the values alone, by field."""
        return {name: given.value for name, given in self.values.items()}


REVIEW = "a 2026 review of thin-film cells"
PRINT = "not compared with the print"
ZHU = f"Zhu et al., ACS Appl. Mater. Interfaces 7 (2015) 23685; {PRINT}"


def of_atoms(mass: str, formula: str) -> Value:
    """Return a molar mass [g/mol]."""
    return Value(f"{mass} g/mol", f"derived: {formula}, standard atomic masses")


def window(
    capacity: str,
    lower: str,
    upper: str,
    source: str = "assumed",
    of_capacity: str = "derived: U(x) between these limits",
) -> dict[str, Value]:
    """Return a capacity [mA h/g] and the voltages it is between."""
    return {
        "capacity": Value(f"{capacity} mA h/g", of_capacity),
        "lower_voltage": Value(lower, source),
        "upper_voltage": Value(upper, source),
    }


def calculated_window(lower: str, upper: str) -> dict[str, Value]:
    """Return the voltages that an electrolyte is stable between by calculation."""
    return {
        "calculated_window_lower": Value(lower, f"published: {ZHU}", "in equilibrium"),
        "calculated_window_upper": Value(upper, f"published: {ZHU}", "in equilibrium"),
    }


def kinetics_of_lco(stoichiometry: float) -> dict[str, Value]:
    """Return the exchange current of LCO, assumed at another material's x."""
    i_0 = Value("0.95 mA/cm2", "assumed: as the library's LCO", "25 degC")
    x = Value(stoichiometry, "assumed: as exchange_current")
    return {"exchange_current": i_0, "exchange_current_stoichiometry": x}


def of_a_film(capacity: str, made: str) -> Value:
    """Return a capacity that a review prints of films, made in some way."""
    return Value(capacity, f"published: Table 6 of {REVIEW}", made)

"""What a law declares of itself, where it stands.

The model collects the declarations of its laws; what steps, counts, draws or reports asks
the model and holds no list of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pybamm


@dataclass(frozen=True)
class Loss:
    """A part of the voltage that a law takes.

    Parameters
    ----------
    name : str
        Name in balances, keys and reports.
    variable : str
        Variable of the model [V].
    sign : int
        1 where the variable is positive when it costs voltage on discharge, else -1.
    colour : str
        Colour of its area in figures.
    """

    name: str
    variable: str
    sign: int
    colour: str


class Law(pybamm.BaseSubModel):
    """Base class of the laws: a submodel of PyBaMM with declarations.

    Every differential state of a law is carried from step to step, unless the law lists
    it in ``restarted``.  Algebraic states follow from the others at the start of a step.

    Attributes
    ----------
    restarted : tuple of str
        Differential states that start anew in every step.
    observed : tuple of str
        Variables kept at every point of a curve.
    losses : tuple of Loss
        What it takes from the terminal voltage.
    lithium : tuple of str
        Variables [mol/m2] of the lithium it holds.
    """

    restarted: ClassVar[tuple[str, ...]] = ()
    observed: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    lithium: tuple[str, ...] = ()

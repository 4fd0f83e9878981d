"""What a law declares of itself, where it stands.

A law is one file here: a class with its equations and its declarations.  To choose it, a
cell has a field (``cell/cell.py``) and the options of the model a word for it
(``thin_film_cell.laws_of``, ``cell/structure.py``): one new file, three touched.  What
steps, counts, draws and reports asks the declarations and holds no list of its own.
A law that no option names is handed over in ``Structure.laws`` and edits nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Self

import numpy as np
import pybamm
from pydantic import TypeAdapter


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


@dataclass(frozen=True)
class SideCurrent:
    """A current that fills the film and that no external circuit sees.

    Parameters
    ----------
    name : str
        Name in balances.  The law has the variable "<name> current density [A.m-2]",
        positive where it fills the film; "<name> capacity [A.h]" is counted for it.
    about : str
        What takes the energy, as in "electrons leaking through the electrolyte".
    """

    name: str
    about: str

    @property
    def variable(self) -> str:
        """Its current density."""
        return f"{self.name} current density [A.m-2]"

    @property
    def charge(self) -> str:
        """What it has passed since the start of a step."""
        return f"{self.name} capacity [A.h]"


@dataclass(frozen=True)
class Column:
    """A column of the summary: a variable at the end of the cycle.

    Parameters
    ----------
    variable : str
        Variable of the model, "Name [unit]" in SI.
    about : str
        One sentence: what the number is.
    digits : str
        How the report formats it.
    needs : str
        Parameter that is 0 where there is no such column.
    """

    variable: str
    about: str
    digits: str = ".2f"
    needs: str = ""


@dataclass(frozen=True)
class End:
    """What a step comes to that an event of a law ends.

    Parameters
    ----------
    event : str
        Name of the event.
    outcome : str
        One word or two: the outcome of the step.
    detail : str
        Why, in a few words.
    """

    event: str
    outcome: str
    detail: str


@dataclass(frozen=True)
class Harm:
    """What a law does to a cell in its life, and how to undo it.

    Parameters
    ----------
    name : str
        What it is called, as in "Capacity lost to {name}".
    states : tuple of str
        States that go back to what they are as made.
    returned : tuple of str
        Where the lithium goes that they hold, if they do: states in the same measure, of
        which a cell has one.
    """

    name: str
    states: tuple[str, ...]
    returned: tuple[str, ...] = ()

    @property
    def column(self) -> str:
        """Its column of the summary."""
        return f"Capacity lost to {self.name} [mA.h.g-1]"

    def undone(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return states, by name, without it; what is left out is as made."""
        found = {k: v for k, v in values.items() if k not in self.states}
        # Of a profile the mean rises by what each node gets
        for name in values.keys() & {*self.returned}:
            found[name] = values[name] + values[self.states[0]]
        return found


@dataclass(frozen=True)
class Declared:
    """What laws declare, in sum.

    Attributes
    ----------
    observed : tuple of str
        Variables kept at every point of a curve; those of losses and side currents are.
    counted : tuple of str
        Variables kept for balances and tables alone; those of lithium and columns are.
    losses : tuple of Loss
        What the laws take from the terminal voltage, in the order of subtraction.
    lithium : tuple of str
        Variables [mol/m2] whose sum, with the inactive lithium, is conserved.
    side_currents : tuple of SideCurrent
        What fills the film beside the external current.
    columns : tuple of Column
        Columns of the summary.
    ends : tuple of End
        What the events of the laws come to.
    harms : tuple of Harm
        What the laws do to a cell in its life.
    """

    observed: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    lithium: tuple[str, ...] = ()
    side_currents: tuple[SideCurrent, ...] = ()
    columns: tuple[Column, ...] = ()
    ends: tuple[End, ...] = ()
    harms: tuple[Harm, ...] = ()

    @classmethod
    def of(cls, laws: Iterable[object]) -> Self:
        """Return the sum of laws, or of such sums, each entry once."""
        laws = list(laws)
        return cls(
            *(
                tuple(dict.fromkeys(x for law in laws for x in getattr(law, f.name, ())))
                for f in fields(cls)
            )
        )

    @property
    def curves(self) -> tuple[str, ...]:
        """Variables that are written with a curve."""
        of_losses = (loss.variable for loss in self.losses)
        of_sides = ((side.variable, side.charge) for side in self.side_currents)
        sides = (name for pair in of_sides for name in pair)
        return tuple(dict.fromkeys((*self.observed, *of_losses, *sides)))

    @property
    def variables(self) -> tuple[str, ...]:
        """All that is kept of a step."""
        of_columns = (column.variable for column in self.columns)
        others = (*self.counted, *self.lithium, *of_columns)
        return tuple(dict.fromkeys((*self.curves, *others)))

    def beyond(self, other: Declared) -> Self:
        """Return what another sum lacks."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return type(self)(*(tuple(x for x in a if x not in b) for a, b in pairs))

    def as_dict(self) -> dict[str, Sequence[object]]:
        """Return it as plain lists and words, for a file; nothing of what is empty."""
        return {name: entries for name, entries in asdict(self).items() if entries}

    @staticmethod
    def from_dict(given: Mapping[str, Sequence[object]]) -> Declared:
        """Return what :meth:`as_dict` was of."""
        return _reader().validate_python(given)


@cache
def _reader() -> TypeAdapter[Declared]:
    return TypeAdapter(Declared)


class Law(pybamm.BaseSubModel):
    """Base class of the laws: a submodel of PyBaMM with declarations.

    Every differential state of a law is carried from step to step, unless the law lists
    it in ``restarted``.  Algebraic states follow from the others at the start of a step.
    The other attributes are those of :class:`Declared`; ``lithium`` lists what this law
    holds.

    Attributes
    ----------
    restarted : tuple of str
        Differential states that start anew in every step.
    interphases : tuple of str
        Variables [Ohm.m2] of what it adds to the resistance of the cathode's interphase.
    """

    restarted: tuple[str, ...] = ()
    interphases: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    lithium: tuple[str, ...] = ()
    side_currents: tuple[SideCurrent, ...] = ()
    columns: tuple[Column, ...] = ()
    ends: tuple[End, ...] = ()
    harms: tuple[Harm, ...] = ()

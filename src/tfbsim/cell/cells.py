"""Many cells as one, whose numbers are arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from pydantic import BaseModel

from ..materials.laws import Array, Floats
from .cell import Cell


class Unlike(Exception):
    """The cells differ by more than numbers."""


class Cells:
    """Cells of one structure as one: its attributes are those of :class:`Cell`.

    A number that differs is an array with an entry a place; what is the same is as it is.
    ``index`` says which of the cells ``of`` stands at each place.  On access to an
    attribute in which they differ by more than a number, :class:`Unlike` is raised.
    """

    def __init__(self, of: Sequence[object], index: Array) -> None:
        self._of, self._index = of, index

    def __len__(self) -> int:
        return len(self._index)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = self._made(name)
        return found

    def _made(self, name: str) -> object:
        return self._whole([getattr(one, name) for one in self._of])

    def parameters(self, temperature: Floats | None = None) -> dict[str, Floats]:
        """Return those of :meth:`Cell.parameters`, as arrays where they differ."""
        ambient = self.temperature if temperature is None else temperature
        return {"Ambient temperature [K]": ambient, **self.constants}

    def _whole(self, values: list[object]) -> object:
        first = values[0]
        if isinstance(first, BaseModel):
            return Cells(values, self._index)
        if isinstance(first, dict):
            dicts = (value for value in values if isinstance(value, dict))
            each = zip(*(one.values() for one in dicts), strict=True)
            return dict(zip(first, map(self._whole, map(list, each)), strict=True))
        if values.count(first) == len(values):
            return first
        if all(isinstance(value, int | float) for value in values):
            return np.array(values, dtype=float)[self._index]
        raise Unlike


AnyCell: TypeAlias = Cell | Cells


class Part(Cells):
    """Some of the places, or rows, of all of :class:`Cells`."""

    def __init__(self, whole: Cells, rows: Array) -> None:
        self._all, self._index = whole, rows

    def _made(self, name: str) -> object:
        return self._part(getattr(self._all, name))

    def _part(self, value: object) -> object:
        if isinstance(value, Cells):
            return Part(value, self._index)
        if isinstance(value, dict):
            return {k: self._part(one) for k, one in value.items()}
        return value[self._index] if isinstance(value, np.ndarray) else value

"""Finished cases that stay in the ledger, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd

from ..experiment.cases import Points
from ..physics.law import Declared
from ..result.case import CaseResult, beyond, covered
from ..result.columns import CASE
from ..result.curves import NONE
from ..result.tables import FIRST, Piece, framed, joined
from .blocks import Array, Block, Outside, Tables

Keys = Sequence[Any] | Array


class Stored(Sequence[CaseResult]):
    """Finished cases, each read when it is asked for.

    Parameters
    ----------
    keys : sequence
        By which they are known, in order.
    read : callable
        Returns the cases of some of the keys, in order.
    """

    def __init__(self, keys: Keys, read: Callable[[Keys], Iterator[CaseResult]]) -> None:
        self.keys, self.read = keys, read

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, k: int) -> CaseResult: ...
    @overload
    def __getitem__(self, k: slice) -> list[CaseResult]: ...
    def __getitem__(self, k: int | slice) -> CaseResult | list[CaseResult]:
        if not isinstance(k, slice):
            return next(self.read([self.keys[k]]))
        rows = range(*k.indices(len(self)))
        found = list(self.read([self.keys[row] for row in sorted(rows)]))
        return found if rows.step > 0 else found[::-1]

    def __iter__(self) -> Iterator[CaseResult]:
        return self.read(self.keys)


class Swept(Stored):
    """The finished points of a sweep: blocks, and those that were run alone.

    Parameters
    ----------
    cases : Points
        Of the sweep.
    blocks : callable
        Returns its blocks, in order.
    alone : sequence of CaseResult
        The others, in order.
    """

    def __init__(
        self,
        cases: Points,
        blocks: Callable[[], Iterable[Block]],
        alone: Sequence[CaseResult],
    ) -> None:
        self.cases, self.blocks, self.alone = cases, blocks, alone
        known = [block.checked().points for block in blocks()]
        own = np.array([int(case.name) - 1 for case in alone], int)
        points = np.unique(np.concatenate([*known, own]))
        super().__init__(points, self._some)
        self.by_kernel = len(points) - len(own)

    def pieces(self) -> Iterator[Piece]:
        """Yield the tables of all of it, some thousand points at a time."""
        outside: Outside = {}
        for tables, alone in self._tables(self.keys):
            piece = framed(alone)
            if tables is None:
                yield piece
                continue
            for law, new in tables.header["outside"].items():
                n, first, low, high = outside.get(law, (0, [], np.inf, -np.inf))
                ends = min(low, new[2]), max(high, new[3])
                outside[law] = [n + new[0], [*first, *new[1]][:FIRST], *ends]
            yield piece._replace(
                summary=self._named(tables.points, tables.summary, piece.summary),
                steps=self._named(tables.points, tables.steps, piece.steps),
                drawn=[],
                warnings=joined(self._told(tables.header["warnings"]), piece.warnings),
                laws=[Declared.from_dict(tables.header["laws"]), *piece.laws],
            )
        ranges = covered(self.cases[int(self.keys[0])].cell) if outside else {}
        beyonds = {
            beyond(law, ends, ranges[law]): (n, first)
            for law, (n, first, *ends) in outside.items()
        }
        yield framed([])._replace(warnings=self._told(beyonds))

    def _named(
        self, points: Array, own: pd.DataFrame, more: pd.DataFrame
    ) -> pd.DataFrame:
        """A table of a block with its cases, those that were run alone between them."""
        names = np.repeat(self._names(points), len(own) // len(points))
        own.insert(0, CASE, pd.Series(names, dtype="str"))
        if not len(more):
            return own
        both = pd.concat([own, more], ignore_index=True)
        return both.sort_values(CASE, kind="stable", ignore_index=True)

    def _told(self, warnings: Any) -> dict[str, tuple[int, list[str]]]:
        each = warnings.items()
        return {w: (n, [self.cases.name(k) for k in first]) for w, (n, first) in each}

    def _names(self, points: Array) -> Array:
        return np.array([self.cases.name(k) for k in points.tolist()], dtype=object)

    def _some(self, points: Keys) -> Iterator[CaseResult]:
        for tables, alone in self._tables(points):
            mine = [*self._results(tables), *alone] if tables else alone
            yield from sorted(mine, key=lambda case: case.name)

    def _tables(self, points: Keys) -> Iterator[tuple[Tables | None, list[CaseResult]]]:
        """Blocks, each with the points that were run alone and come before the next."""
        left = np.zeros(len(self.cases), bool)
        left[points] = True
        alone = [case for case in self.alone if left[int(case.name) - 1]]
        numbers = np.array([int(case.name) - 1 for case in alone], int)
        left[numbers] = False
        latest: Tables | None = None
        done, last = 0, -1
        for block in self.blocks():
            new = left[block.points] & (block.points > last)
            if not new.any():
                continue
            until = int(np.searchsorted(numbers, block.points[new][0]))
            if latest is not None or until > done:
                yield latest, alone[done:until]
                done = until
            latest, last = block.tables(new), int(block.points[new][-1])
        if latest is not None or done < len(alone):
            yield latest, alone[done:]

    def _results(self, tables: Tables) -> Iterator[CaseResult]:
        laws, cell = Declared.from_dict(tables.header["laws"]), tables.header["cell"]
        each = [
            self._named(tables.points, t, t[:0]) for t in (tables.summary, tables.steps)
        ]
        rows, steps = (np.split(np.arange(len(t)), len(tables.points)) for t in each)
        for at in zip(rows, steps, strict=True):
            mine = [t.iloc[k].to_dict("records") for t, k in zip(each, at, strict=True)]
            yield CaseResult(mine[0][0][CASE], *mine, NONE, [], "", cell, laws)

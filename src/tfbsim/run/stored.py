"""Finished cases that stay in the ledger, read when they are asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, overload

import numpy as np
import pandas as pd

from ..data.curve_table import CASE
from ..experiment.cases import Points
from ..physics.law import Declared
from ..result.case import CaseResult, beyond, covered
from ..result.curves import NONE
from ..result.tables import FIRST, Piece, framed, joined
from .blocks import Array, Block, Outside, Tables

Keys = Sequence[Any] | Array


class Stored(Sequence[CaseResult]):
    """Finished cases by their keys, in order; ``read`` returns those of some keys."""

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
    """The finished points of a sweep: what ``blocks`` returns, and those run alone."""

    def __init__(
        self,
        cases: Points,
        blocks: Callable[[], Iterable[Block]],
        alone: Sequence[CaseResult],
    ) -> None:
        self.cases, self.blocks, self.alone = cases, blocks, alone
        known = [block.checked().points for block in blocks()]
        self.numbers = np.array([int(case.name) - 1 for case in alone], int)
        points = np.unique(np.concatenate([*known, self.numbers]))
        super().__init__(points, self._some)
        self.by_kernel = len(points) - len(alone)

    def pieces(self) -> Iterator[Piece]:
        """Yield the tables of all of it, a block at a time, then those run alone."""
        outside: Outside = {}
        for tables in self._tables(self.keys):
            for law, (more, names, least, most) in tables.header["outside"].items():
                n, first, low, high = outside.get(law, (0, [], np.inf, -np.inf))
                ends = min(low, least), max(high, most)
                outside[law] = [n + more, [*first, *names][:FIRST], *ends]
            summary, steps = self._named(tables)
            yield framed([])._replace(
                summary=summary,
                steps=steps,
                warnings=self._told(tables.header["warnings"]),
                laws=[Declared.from_dict(tables.header["laws"])],
            )
        ranges = covered(self.cases[int(self.keys[0])].cell) if outside else {}
        beyonds = {
            beyond(law, ends, ranges[law]): (n, first)
            for law, (n, first, *ends) in outside.items()
        }
        alone = framed(self.alone)
        warnings = joined(self._told(beyonds), alone.warnings)
        yield alone._replace(drawn=[], warnings=warnings)

    def _named(self, tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The tables of a block with the names of its cases."""
        each = [self.cases.name(k) for k in tables.points.tolist()]
        names = np.array(each, dtype=object)
        for table in (tables.summary, tables.steps):
            column = np.repeat(names, len(table) // len(names))
            table.insert(0, CASE, pd.Series(column, dtype="str"))
        return tables.summary, tables.steps

    def _told(self, warnings: Any) -> dict[str, tuple[int, list[str]]]:
        each = warnings.items()
        return {w: (n, [self.cases.name(k) for k in first]) for w, (n, first) in each}

    def _tables(self, points: Keys) -> Iterator[Tables]:
        """Tables of blocks, of some of the points, each of them once."""
        left = np.zeros(len(self.cases), bool)
        left[points] = True
        left[self.numbers] = False
        for block in self.blocks():
            new = left[block.points]
            if new.any():
                left[block.points] = False
                yield block.tables(new)

    def _some(self, points: Keys) -> Iterator[CaseResult]:
        wanted = np.isin(self.numbers, points)
        alone = (case for case, own in zip(self.alone, wanted, strict=True) if own)
        of_blocks = chain.from_iterable(map(self._results, self._tables(points)))
        yield from heapq.merge(of_blocks, alone, key=lambda case: case.name)

    def _results(self, tables: Tables) -> Iterator[CaseResult]:
        laws, cell = Declared.from_dict(tables.header["laws"]), tables.header["cell"]
        each = self._named(tables)
        rows, steps = (np.split(np.arange(len(t)), len(tables.points)) for t in each)
        for at in zip(rows, steps, strict=True):
            mine = [t.iloc[k].to_dict("records") for t, k in zip(each, at, strict=True)]
            yield CaseResult(mine[0][0][CASE], *mine, NONE, [], "", cell, laws)

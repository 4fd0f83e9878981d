"""Tables of many cases below each other, and the cases of which they are.

A case of a sweep is a few rows of tables until it is asked for: a million points take the
room of their numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypedDict, overload

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..data.curve_table import CASE, CYCLE
from ..physics.law import Declared
from . import losses
from .case import CaseResult
from .columns import REQUIRED, summary_names
from .names import Row

Array = np.ndarray
AT_ONCE = 2_000  # cases made at a time
FIRST = 4  # cases named beside a warning


class Warned(TypedDict):
    """Of which cases something is told."""

    cases: int
    first: list[str]  # of their names


NOTHING = pd.DataFrame()


class Tables(NamedTuple):
    """The tables of some cases, those that have curves, and what all of them say."""

    summary: pd.DataFrame
    steps: pd.DataFrame
    spectra: pd.DataFrame = NOTHING
    drawn: Sequence[CaseResult] = ()
    warnings: Mapping[str, Warned] = {}
    laws: Declared = losses.KNOWN  # and those that only the cases have


def framed(cases: Iterable[CaseResult]) -> Tables:
    """Return the tables of cases."""
    cases = list(cases)
    warnings: dict[str, Warned] = {}
    for case in cases:
        own = Warned(cases=1, first=[case.name])
        add_warnings(warnings, dict.fromkeys(case.warnings, own))
    return Tables(
        pd.DataFrame(row for case in cases for row in case.rows),
        pd.DataFrame(row for case in cases for row in case.steps),
        pd.DataFrame(row for case in cases for row in case.spectra),
        [case for case in cases if case.curves.sizes["cycle"]],
        warnings,
        Declared.of([losses.KNOWN, *dict.fromkeys(case.laws for case in cases)]),
    )


def add_warnings(found: dict[str, Warned], more: Mapping[str, Warned]) -> None:
    """Add warnings of cases that follow."""
    for words, of in more.items():
        before = found.setdefault(words, Warned(cases=0, first=[]))
        before["cases"] += of["cases"]
        before["first"] = [*before["first"], *of["first"]][:FIRST]


def joined(pieces: Iterable[Tables], cases: int) -> Tables:
    """Return the tables of points of a sweep in their order, of pieces in any.

    ``cases`` is how many there may be in all.
    """
    each = _Stack(), _Stack(), _Stack()
    drawn: list[CaseResult] = []
    warnings: dict[str, Warned] = {}
    laws = [losses.KNOWN]
    for piece in pieces:
        number = piece.summary[CASE].nunique() if len(piece.summary) else 1
        for stack, table in zip(each, piece, strict=False):
            if len(table):
                stack.add(table, len(table) * cases // number)
        drawn += piece.drawn
        add_warnings(warnings, piece.warnings)
        laws.append(piece.laws)
    summary, steps, spectra = (stack.table() for stack in each)
    declared = Declared.of(dict.fromkeys(laws))
    return Tables(summary, steps, spectra, drawn, warnings, declared)


class _Stack:
    """Tables below each other, nothing where one of them lacks a column.

    They may fill the memory: a column of numbers is an array with room for all rows, so
    that none stands twice; words stay in pieces, which share their characters.
    """

    def __init__(self) -> None:
        self.columns: dict[Hashable, Array | list[pd.Series]] = {}
        self.rows = 0

    def add(self, table: pd.DataFrame, room: int) -> None:
        """Put a table below, of so many rows that may come in all."""
        end = self.rows + len(table)
        for name in dict.fromkeys((*self.columns, *table)):
            own = pd.Series(np.nan, table.index)
            if name in table:
                own = table[name].infer_objects()
            kept = self.columns.get(name, np.full(self.rows, np.nan))
            if isinstance(kept, list) or not is_numeric_dtype(own.dtype):
                before = (
                    kept if isinstance(kept, list) else [pd.Series(kept[: self.rows])]
                )
                self.columns[name] = [*before, own] if self.rows else [own]
                continue
            kind = np.result_type(kept.dtype, own.dtype) if self.rows else own.dtype
            if len(kept) < end or kept.dtype != kind:
                whole = np.empty(max(room, end), kind)
                whole[: self.rows] = kept[: self.rows]
                self.columns[name] = kept = whole
            kept[self.rows : end] = own
        self.rows = end

    def table(self) -> pd.DataFrame:
        """Return all of them, by case; the stack is empty then."""
        found: dict[Hashable, pd.Series] = {}
        order = None
        for name in [*self.columns]:
            kept = self.columns.pop(name)
            if isinstance(kept, list):
                column = pd.concat(kept, ignore_index=True)
            else:
                column = pd.Series(kept[: self.rows])
            if name == CASE and not column.is_monotonic_increasing:  # it is the first
                order = column.argsort(kind="stable").to_numpy()
            if order is not None:
                column = column.take(order).reset_index(drop=True)
            found[name] = column
        return pd.DataFrame(found, copy=False)


class Tabled(Sequence[CaseResult]):
    """The cases of tables, each made when it is asked for.

    Parameters
    ----------
    tables : Tables
        Of all of them.
    like : CaseResult
        A case without rows, which the others are like.
    others : iterable of CaseResult
        Those that have curves, warnings or a key of their own.
    in_blocks : int
        How many were solved in blocks.
    """

    def __init__(
        self,
        tables: Tables,
        like: CaseResult,
        others: Iterable[CaseResult],
        in_blocks: int = 0,
    ) -> None:
        self.tables, self.like, self.in_blocks = tables, like, in_blocks
        self.others = {case.name: case for case in others}
        summary = tables.summary
        self.names = pd.Index(summary[CASE].unique() if len(summary) else [])

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, k: int) -> CaseResult: ...
    @overload
    def __getitem__(self, k: slice) -> list[CaseResult]: ...
    def __getitem__(self, k: int | slice) -> CaseResult | list[CaseResult]:
        if isinstance(k, slice):
            return [self[one] for one in range(*k.indices(len(self)))]
        k = range(len(self))[k]
        return next(self._made(k, k + 1))

    def __iter__(self) -> Iterator[CaseResult]:
        for first in range(0, len(self), AT_ONCE):
            yield from self._made(first, min(first + AT_ONCE, len(self)))

    def _made(self, first: int, last: int) -> Iterator[CaseResult]:
        each = zip(*(rows(first, last) for rows in self._rows), strict=True)
        names = self.names[first:last].tolist()
        for name, (rows, steps, spectra) in zip(names, each, strict=True):
            like = self.others.get(name, self.like)
            yield replace(like, name=name, rows=rows, steps=steps, spectra=spectra)

    @cached_property
    def _rows(self) -> list[_Rows]:
        return [_Rows(table, self.names) for table in self.tables[:3]]


class _Rows:
    """The rows of a table by the cases, in their order."""

    def __init__(self, table: pd.DataFrame, names: pd.Index) -> None:
        self.table = table
        of = names.get_indexer(table[CASE]) if len(table) else np.empty(0, int)
        self.order = np.argsort(of, kind="stable")
        self.ends = np.searchsorted(of[self.order], np.arange(len(names) + 1))

    def __call__(self, first: int, last: int) -> Iterator[list[Row]]:
        """Yield the rows of each of some cases."""
        ends = self.ends[first : last + 1]
        rows = self.table.iloc[self.order[ends[0] : ends[-1]]].to_dict("records")
        for start, end in pairwise((ends - ends[0]).tolist()):
            yield rows[start:end]


def in_order(tables: Tables) -> Tables:
    """Return tables with the columns of the summary in order, without empty ones."""
    table, known = tables.summary, summary_names(tables.laws)
    varied = [c for c in table if c not in (CASE, CYCLE, *known)]
    there = [c for c in known if c in table]
    kept = [c for c in there if c in REQUIRED or table[c].notna().any()]
    names = [n for n in (CASE, CYCLE, *varied, *kept) if n in table]
    summary = pd.DataFrame({name: table[name] for name in names}, copy=False)
    return tables._replace(summary=summary)

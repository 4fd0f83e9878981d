"""Tables of many cases, some thousand at a time, below each other."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..data.curve_table import CASE, CYCLE
from ..physics.law import Declared
from .case import CaseResult
from .columns import REQUIRED, summary_names
from .names import Row

Array = np.ndarray
ROWS = 2_000  # cases read at a time
FIRST = 4  # cases named beside a warning
Warned = Mapping[str, tuple[int, Sequence[str]]]  # the number of cases, and the first


class Piece(NamedTuple):
    """The tables of some cases, those that have curves, and what all of them say."""

    summary: pd.DataFrame
    steps: pd.DataFrame
    spectra: list[Row]
    drawn: list[CaseResult]
    warnings: Warned
    laws: list[Declared]


def framed(cases: Sequence[CaseResult]) -> Piece:
    """Return the tables of cases."""
    warnings: Warned = {}
    for case in cases:
        warnings = joined(warnings, {words: (1, [case.name]) for words in case.warnings})
    return Piece(
        _frame(row for case in cases for row in case.rows),
        _frame(row for case in cases for row in case.steps),
        [row for case in cases for row in case.spectra],
        [case for case in cases if case.curves.sizes["cycle"]],
        warnings,
        list(dict.fromkeys(case.laws for case in cases)),
    )


def _frame(rows: Iterable[Row]) -> pd.DataFrame:
    """A table in which words that repeat are kept once."""
    once = sys.intern
    return pd.DataFrame(
        [{k: once(v) if type(v) is str else v for k, v in row.items()} for row in rows]
    )


def joined(one: Warned, other: Warned) -> Warned:
    """Return warnings of some cases and of others that follow."""
    found = dict(one)
    for words, (number, names) in other.items():
        before, first = found.get(words, (0, ()))
        found[words] = before + number, [*first, *names][:FIRST]
    return found


def whole(cases: Any) -> Piece:
    """Return the tables of all cases, read a few thousand at a time."""
    found = framed([])
    tables = _Stack(), _Stack()
    for piece in _pieces(cases):
        share = max(piece.summary[CASE].nunique(), 1) if len(piece.summary) else 1
        for stack, own in zip(tables, piece[:2], strict=True):
            stack.add(own, len(own) * len(cases) // share)
        found.spectra.extend(piece.spectra)
        found.drawn.extend(piece.drawn)
        found.laws.extend(piece.laws)
        found = found._replace(warnings=joined(found.warnings, piece.warnings))
    by_case = hasattr(cases, "pieces")  # some of them come last
    summary, steps = (stack.table(by_case) for stack in tables)
    return found._replace(summary=summary, steps=steps)


def _pieces(cases: Any) -> Iterator[Piece]:
    """Some cases have their tables as they are."""
    if hasattr(cases, "pieces"):
        yield from cases.pieces()
        return
    each = iter(cases)
    while some := list(itertools.islice(each, ROWS)):
        yield framed(some)


class _Stack:
    """Tables below each other, nothing where one of them lacks a column.

    They may fill the memory: columns of numbers are arrays with room for all rows, of
    which none stands twice; words stay in pieces, which share their characters.
    """

    def __init__(self) -> None:
        self.columns: dict[Any, Array | list[pd.Series]] = {}  # numbers, or words
        self.rows = 0
        self.last, self.in_order = "", True  # name of a case, and whether they rise

    def add(self, table: pd.DataFrame, room: int) -> None:
        """Put a table below, of so many rows that may come in all."""
        if not len(table):
            return
        end, names = self.rows + len(table), table[CASE]
        self.in_order &= self.last <= names.iloc[0] and names.is_monotonic_increasing
        self.last = names.iloc[-1]
        nothing = pd.Series(np.nan, table.index)
        for name in dict.fromkeys((*self.columns, *table)):
            own = table.get(name, nothing)
            before = self.columns.get(name)
            if before is None:
                before = np.full(self.rows, np.nan) if self.rows else own.to_numpy()[:0]
            if isinstance(before, list) or not is_numeric_dtype(own.dtype):
                if isinstance(before, np.ndarray):
                    before = [pd.Series(before[: self.rows])] if self.rows else []
                self.columns[name] = [*before, own.infer_objects()]
                continue
            kind = np.result_type(before.dtype, own.dtype)
            if len(before) < end or before.dtype != kind:
                whole = np.empty(max(room, end), kind)
                whole[: self.rows] = before[: self.rows]
                self.columns[name] = before = whole
            before[self.rows : end] = own
        self.rows = end

    def table(self, by_case: bool) -> pd.DataFrame:
        """All of them, in the order of their names if asked; the stack is empty then."""
        each: dict[Any, Any] = {}
        order = None
        for name in [*self.columns]:
            column = self.columns.pop(name)
            if isinstance(column, list):
                each[name] = pd.concat(column, ignore_index=True)
            else:
                each[name] = pd.Series(column[: self.rows])
            if by_case and not self.in_order:
                if order is None:  # the first column is the case
                    order = each[CASE].argsort(kind="stable").to_numpy()
                each[name] = each[name].take(order).reset_index(drop=True)
        return pd.DataFrame(each, copy=False)


def in_order(table: pd.DataFrame, laws: Declared) -> pd.DataFrame:
    """Return the columns of the summary, those that are empty left out."""
    known = summary_names(laws)
    varied = [c for c in table if c not in (CASE, CYCLE, *known)]
    there = [c for c in known if c in table]
    kept = [c for c in there if c in REQUIRED or table[c].notna().any()]
    names = [n for n in (CASE, CYCLE, *varied, *kept) if n in table]
    return pd.DataFrame({name: table[name] for name in names}, copy=False)

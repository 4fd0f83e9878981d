"""Tables of many cases, some thousand at a time, below each other."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from ..physics.law import Declared
from .case import CaseResult
from .columns import REQUIRED, summary_names

ROWS = 2_000  # cases read at a time
FIRST = 4  # cases named beside a warning


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table in which words that repeat are kept once."""
    return pd.DataFrame(
        [
            {k: sys.intern(v) if type(v) is str else v for k, v in row.items()}
            for row in rows
        ]
    )


Warned = Mapping[str, tuple[int, Sequence[str]]]


class Piece(NamedTuple):
    """The tables of some cases.

    Parameters
    ----------
    summary, steps : DataFrame
        Of all of them.
    spectra : list of dict
        Rows of the impedance.
    drawn : list of CaseResult
        Those that have curves.
    warnings : mapping
        To the number of its cases and the names of the first.
    laws : list of Declared
        What laws of theirs declare.
    """

    summary: pd.DataFrame
    steps: pd.DataFrame
    spectra: list[dict[str, Any]]
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


def joined(one: Warned, other: Warned) -> Warned:
    """Return warnings of some cases and of others that follow."""
    found = dict(one)
    for words, (number, names) in other.items():
        before, first = found.get(words, (0, ()))
        found[words] = before + number, [*first, *names][:FIRST]
    return found


def pieces_of(cases: Sequence[CaseResult]) -> Iterator[Piece]:
    """Tables of a few thousand cases at a time."""
    if isinstance(cases, InPieces):
        yield from cases.pieces()
        return
    each = iter(cases)
    while some := list(itertools.islice(each, ROWS)):
        yield framed(some)


@runtime_checkable
class InPieces(Protocol):
    """Cases that have their tables without being made."""

    def pieces(self) -> Iterator[Piece]:
        """All of them, some thousand at a time."""


class Growing:
    """Tables below each other, which together may fill the memory.

    Parameters
    ----------
    cases : int
        How many there are to be; those of the first table say how many rows one has.
    """

    def __init__(self, cases: int) -> None:
        self.cases, self.rows, self.room = cases, 0, 0
        self.names: dict[str, None] = {}
        self.numbers: dict[str, np.ndarray] = {}
        self.words: dict[str, list[pd.Series]] = {}

    def add(self, table: pd.DataFrame) -> None:
        """Copy another below them; nothing where one of them lacks a column."""
        if not len(table):
            return
        rows = self.rows + len(table)
        if not self.rows:  # memory that is not touched costs nothing
            self.room = self.cases * len(table) // table["Case"].nunique()
        for name in dict.fromkeys((*self.numbers, *self.words, *table)):
            values = table.get(name, pd.Series(np.nan, table.index))
            text = not pd.api.types.is_numeric_dtype(values.dtype)
            if name in self.words or text:
                before = self.numbers.pop(name, np.full(self.rows, np.nan))[: self.rows]
                each = self.words.setdefault(name, [pd.Series(before)])
                each.append(values.infer_objects())
                continue
            before = self.numbers.get(name, np.full(self.rows, np.nan))
            kind = np.result_type(before, values) if self.rows else values.dtype
            if len(before) < rows or kind != before.dtype:
                self.numbers[name] = np.empty(max(rows, self.room), kind)
                self.numbers[name][: self.rows] = before[: self.rows]
            self.numbers[name][self.rows : rows] = values
        self.names |= dict.fromkeys(table)
        self.rows = rows

    def table(self) -> pd.DataFrame:
        """All of them."""
        whole = {}
        for name in list(self.names):
            if name in self.numbers:
                whole[name] = pd.Series(self.numbers.pop(name)[: self.rows], copy=False)
            else:
                each = [one for one in self.words.pop(name) if len(one)]
                whole[name] = pd.concat(each, ignore_index=True)
        return pd.DataFrame(whole, copy=False)


def in_order(table: pd.DataFrame, laws: Declared) -> pd.DataFrame:
    """The columns of the summary, those that are empty left out."""
    known = summary_names(laws)
    varied = [c for c in table if c not in ("Case", "Cycle number", *known)]
    empty = [c for c in known if c not in REQUIRED and c in table]
    empty = [c for c in empty if table[c].isna().all()]
    kept = [c for c in known if c in table and c not in empty]
    names = [n for n in ("Case", "Cycle number", *varied, *kept) if n in table]
    return pd.DataFrame({name: table[name] for name in names}, copy=False)

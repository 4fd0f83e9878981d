"""Tables of many cases, some thousand at a time, below each other."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..physics.law import Declared
from .case import CaseResult
from .columns import CASE, CYCLE, REQUIRED, summary_names

ROWS = 2_000  # cases read at a time
FIRST = 4  # cases named beside a warning
Warned = Mapping[str, tuple[int, Sequence[str]]]  # the number of cases, and the first


class Piece(NamedTuple):
    """The tables of some cases, those that have curves, and what all of them say."""

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


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
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
    tables: tuple[list[pd.DataFrame], ...] = [], []
    for piece in _pieces(cases):
        for table, own in zip(tables, (piece.summary, piece.steps), strict=True):
            table.append(own)
        found.spectra.extend(piece.spectra)
        found.drawn.extend(piece.drawn)
        found.laws.extend(piece.laws)
        found = found._replace(warnings=joined(found.warnings, piece.warnings))
    summary, steps = map(_stacked, tables)
    if hasattr(cases, "pieces"):  # some of them came last
        summary, steps = (_by_case(table) for table in (summary, steps))
    return found._replace(summary=summary, steps=steps)


def _by_case(table: pd.DataFrame) -> pd.DataFrame:
    if not len(table) or table[CASE].is_monotonic_increasing:
        return table
    return table.sort_values(CASE, kind="stable", ignore_index=True)


def _pieces(cases: Any) -> Iterator[Piece]:
    """Some cases have their tables as they are."""
    if hasattr(cases, "pieces"):
        yield from cases.pieces()
        return
    each = iter(cases)
    while some := list(itertools.islice(each, ROWS)):
        yield framed(some)


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other, nothing where one of them lacks a column.

    They may fill the memory: the list is emptied, and each column goes as it is joined.
    """
    names = dict.fromkeys(name for table in tables for name in table)
    parts: dict[Any, list[pd.Series]] = {name: [] for name in names}
    for table in filter(len, tables):
        for name in names:
            column = table.get(name, pd.Series(np.nan, table.index))
            text = not is_numeric_dtype(column.dtype)
            parts[name].append(column.infer_objects() if text else column)
    tables.clear()
    joined = {n: pd.concat(parts.pop(n), ignore_index=True) for n in names if parts[n]}
    return pd.DataFrame(joined, copy=False)


def in_order(table: pd.DataFrame, laws: Declared) -> pd.DataFrame:
    """Return the columns of the summary, those that are empty left out."""
    known = summary_names(laws)
    varied = [c for c in table if c not in (CASE, CYCLE, *known)]
    there = [c for c in known if c in table]
    kept = [c for c in there if c in REQUIRED or table[c].notna().any()]
    names = [n for n in (CASE, CYCLE, *varied, *kept) if n in table]
    return pd.DataFrame({name: table[name] for name in names}, copy=False)

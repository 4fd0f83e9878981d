"""Points of a sweep as a row of the ledger: the columns of their tables, packed.

A block holds points to which nothing but the end asked for happened; others stand in the
ledger as cases do.  Both are read back as tables, and no object a point.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import NamedTuple, Self, TypedDict

import numpy as np
import pandas as pd

from ..data.curve_table import CASE
from ..experiment.cases import Points
from ..numerics import Numerics
from ..physics.law import Declared
from ..result import losses
from ..result.case import CaseResult, beyond, covered
from ..result.curves import NONE
from ..result.names import Row
from ..result.tables import (
    AT_ONCE,
    FIRST,
    NOTHING,
    Tabled,
    Tables,
    Warned,
    framed,
    joined,
)
from ..version import __version__

Array = np.ndarray
Outside = dict[str, tuple[int, list[int], float, float]]
Written = TypedDict(
    "Written", {"is": float | str, "row": int, "words": list[str]}, total=False
)


class About(TypedDict):
    """What points of a block have in common, as JSON."""

    cell: str
    laws: Mapping[str, Sequence[object]]
    warnings: dict[str, tuple[int, list[int]]]  # number of points, and the first of them
    outside: Outside  # laws: the same, and the least and most x


class Header(About):
    """The rows of the tables too: a constant, or which of the columns."""

    rows: list[dict[str, Written]]
    steps: list[dict[str, Written]]


@dataclass(frozen=True)
class Swept:
    """Points of a sweep that are solved in blocks."""

    cases: Points
    numerics: Numerics
    kernel: Numerics  # what the kernel solves them with

    @cached_property
    def key(self) -> str:
        """Hash of everything that determines the points."""
        factors = self.cases.plan.factors
        levels = [(f.name, f.stride, f.points, f.levels.tobytes()) for f in factors]
        content = self.cases.key(0, self.numerics), levels
        return hashlib.sha256(repr(content).encode()).hexdigest()


def digest(parts: Iterable[object]) -> bytes:
    """Return the SHA-256 of a row of the ledger, to know that it is what was kept."""
    each = [p if isinstance(p, bytes) else str(p).encode() for p in parts]
    lengths = ",".join(str(len(part)) for part in each).encode()
    return hashlib.sha256(b"".join([lengths, *each])).digest()


class Block(NamedTuple):
    """Points of a sweep as a row of the ledger."""

    sweep: str  # hash of everything that determines the points of the sweep
    numbers: bytes  # of its points, from 0, in order
    version: str  # of tfbsim
    header: bytes  # what stands in the tables, as JSON
    columns: bytes  # the numbers that differ

    @classmethod
    def of(
        cls,
        sweep: str,
        numbers: Array,
        plain: Array,
        about: About,
        rows: Sequence[Row],
        steps: Sequence[Row],
    ) -> Self:
        """Return the block of those places of rows that are plain."""
        kept: list[Array] = []

        def written(given: object) -> Written:
            """Return a constant, or which of the columns; of words with the words."""
            value = np.asarray(given)
            value = value[plain] if value.ndim else value
            if value.dtype.kind in "OU":
                codes, words = pd.factorize(value.astype(object).ravel())
                if len(words) == 1:
                    return {"is": str(words[0])}
                kept.append(codes.astype(float))
                return {"row": len(kept) - 1, "words": [str(w) for w in words]}
            if not value.ndim:
                return {"is": value.item()}
            value = value.astype(float)
            bits = value.view(np.int64)  # -0.0 is none like 0.0
            if (bits == bits[0]).all():
                return {"is": value[0].item()}
            kept.append(value)
            return {"row": len(kept) - 1}

        def table(rows: Sequence[Row]) -> list[dict[str, Written]]:
            return [{k: written(v) for k, v in row.items() if k != CASE} for row in rows]

        header: Header = {**about, "rows": table(rows), "steps": table(steps)}
        columns = np.stack(kept).tobytes() if kept else b""
        points = numbers.astype("<i8").tobytes()
        return cls(sweep, points, __version__, json.dumps(header).encode(), columns)

    @property
    def failed(self) -> None:
        """Why there is nothing: of no block, unlike of a point by itself."""

    @property
    def points(self) -> Array:
        """Numbers of its points."""
        return np.frombuffer(self.numbers, "<i8")

    def checked(self) -> Self:
        """Return it; raises one of the errors of damage if it is none, whoever wrote
        it."""
        if not len(self.points) or (np.diff(self.points, prepend=-1) <= 0).any():
            raise ValueError("points that are not in order")
        if not self.read(np.zeros(len(self.points), bool))[0].keys() >= OF_BLOCK:
            raise KeyError("what a header has")
        return self

    def read(self, wanted: Array) -> tuple[Header, pd.DataFrame, pd.DataFrame]:
        """Return what the points have in common, and the rows of the summary and of the
        steps, without the case, of those that are wanted (a mask)."""
        header: Header = json.loads(self.header)
        numbers = np.frombuffer(self.columns, "<f8").reshape(-1, len(self.points))
        count = int(wanted.sum())

        def column(written: Written) -> Array:
            if "is" in written:
                kind = object if isinstance(written["is"], str) else None
                return np.full(count, written["is"], dtype=kind)
            found = numbers[written["row"]][wanted]
            if "words" in written:
                return np.array(written["words"], dtype=object)[found.astype(int)]
            return found

        def table(rows: list[dict[str, Written]]) -> pd.DataFrame:
            columns = {}
            for name in dict.fromkeys(name for row in rows for name in row):
                whole = np.stack([column(row[name]) for row in rows], axis=1).ravel()
                # Words stay objects, one for all rows that have it
                columns[name] = pd.Series(whole, dtype=whole.dtype)
            return pd.DataFrame(columns, copy=False)

        return header, table(header["rows"]), table(header["steps"])


OF_BLOCK = Header.__required_keys__


def tabled(cases: Points, blocks: Iterable[Block], alone: Iterator[CaseResult]) -> Tabled:
    """Return the points of a sweep there are: of blocks, and those run alone."""

    def named(warnings: Mapping[str, tuple[int, Sequence[int]]]) -> dict[str, Warned]:
        return {
            words: Warned(cases=number, first=[cases.name(k) for k in first])
            for words, (number, first) in warnings.items()
        }

    left = np.ones(len(cases), bool)  # each is taken once
    like = CaseResult("", [], [], NONE)
    apart: list[Tables] = []
    while some := [*islice(alone, AT_ONCE)]:
        left[[int(case.name) - 1 for case in some]] = False
        like = replace(some[0], curves=NONE, warnings=[], key="")
        apart.append(framed(some))
    outside: Outside = {}
    in_blocks = 0

    def pieces() -> Iterator[Tables]:
        nonlocal like, in_blocks
        ranges: dict[str, tuple[float, float]] = {}
        for block in blocks:
            wanted = left[block.points]
            if not wanted.any():
                continue
            points = block.points[wanted]
            left[points] = False
            in_blocks += len(points)
            header, summary, steps = block.read(wanted)
            names = np.array([cases.name(k) for k in points.tolist()], dtype=object)
            for table in (summary, steps):
                column = np.repeat(names, len(table) // len(names))
                table.insert(0, CASE, pd.Series(column, dtype="str"))
            for law, (more, first, least, most) in header["outside"].items():
                n, before, low, high = outside.get(law, (0, [], np.inf, -np.inf))
                first = [*before, *first][:FIRST]
                outside[law] = n + more, first, min(low, least), max(high, most)
                ranges = ranges or covered(cases[int(points[0])].cell)
            like = replace(like, cell=header["cell"])
            laws = Declared.from_dict(header["laws"])
            told = named(header["warnings"])
            yield Tables(summary, steps, warnings=told, laws=laws)
        beyonds = {
            beyond(law, (low, high), ranges[law]): (n, first)
            for law, (n, first, low, high) in outside.items()
        }
        yield Tables(NOTHING, NOTHING, warnings=named(beyonds))
        yield from apart

    tables = joined(pieces(), len(cases))
    like = replace(like, laws=tables.laws.beyond(losses.KNOWN))
    return Tabled(tables, like, tables.drawn, in_blocks)

"""Points of a sweep computed and kept in blocks: arrays, and no object a point.

A block is what :class:`~tfbsim.solver.batch.Batch` makes of points whose numbers follow
each other: the columns of their tables.  Points to which anything but the end asked for
happens are not in it; they are run alone, and stand in the ledger as other cases do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from ..cell.cells import Cells, Part, Unlike
from ..errors import InputError
from ..experiment.cases import Points
from ..experiment.steps import Protocol
from ..numerics import Numerics
from ..physics.thin_film_cell import declared_by
from ..result import losses
from ..result.case import covered
from ..result.rows import Rows
from ..result.tables import FIRST
from ..solver.batch import Batch, merged, serves
from ..solver.engine import engine
from ..version import __version__

Array = np.ndarray
Told = dict[str, list[Any]]  # warnings to the number of points and the first of them
Outside = dict[str, list[Any]]  # laws to the same, and the least and most stoichiometry
OF_BLOCK = "cell", "laws", "warnings", "outside", "rows", "steps"
FEWEST = 2  # points that make a block
# Steps that pay for a kernel, unless it was asked for: to compile it takes the time of
# 400 to 950 steps of the general solver (docs/performance.md)
WORTH_COMPILING = 1_000


def digest(parts: Iterable[Any]) -> bytes:
    """SHA-256 of the columns of a row of the ledger, to know what was kept by."""
    each = [p if isinstance(p, bytes) else str(p).encode() for p in parts]
    lengths = ",".join(str(len(part)) for part in each).encode()
    return hashlib.sha256(b"".join([lengths, *each])).digest()


class Block(NamedTuple):
    """Points of a sweep as a row of the ledger.

    Parameters
    ----------
    sweep : str
        Hash of everything that determines the points of the sweep.
    numbers : bytes
        Of its points, from 0, in order.
    version : str
        Of tfbsim.
    header, columns : bytes
        What stands in the tables, as JSON, and the numbers that differ.
    """

    sweep: str
    numbers: bytes
    version: str
    header: bytes
    columns: bytes

    failed = None

    @classmethod
    def of(cls, sweep: str, numbers: Array, header: dict[str, Any], rows: Any) -> Block:
        """Columns of tables, and what else the header says."""
        kept: list[Array] = []

        def written(value: Any) -> Any:
            """A constant, or the row of a column; of words with the words."""
            value = np.asarray(value)
            if value.dtype == object or value.dtype.kind == "U":
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

        tables = {
            name: [{k: written(v) for k, v in row.items()} for row in table]
            for name, table in rows.items()
        }
        text = json.dumps(header | tables).encode()
        columns = np.stack(kept).tobytes() if kept else b""
        return cls(sweep, numbers.astype("<i8").tobytes(), __version__, text, columns)

    @property
    def points(self) -> Array:
        """Numbers of its points."""
        return np.frombuffer(self.numbers, "<i8")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the rest."""
        return digest(self)

    def checked(self) -> Self:
        """Itself, if it is one, whoever wrote it.

        Raises
        ------
        ValueError, TypeError, KeyError, AttributeError
            It is none.
        """
        numbers = self.points
        if not len(numbers) or (np.diff(numbers, prepend=-1) <= 0).any():
            raise ValueError("points that are not in order")
        found = self.tables(np.zeros(len(numbers), bool))
        if not {*OF_BLOCK} <= found.header.keys():
            raise KeyError("what a header has")
        return self

    def tables(self, wanted: Array | None = None) -> Tables:
        """Its tables, of all points or of those that are wanted (a mask)."""
        header, points = json.loads(self.header), self.points
        numbers = np.frombuffer(self.columns, "<f8").reshape(-1, len(points))
        kept = np.ones(len(points), bool) if wanted is None else wanted
        count = int(kept.sum())

        def column(written: Mapping[str, Any]) -> Any:
            if "is" in written:
                kind = object if isinstance(written["is"], str) else None
                return np.full(count, written["is"], dtype=kind)
            found = numbers[written["row"]][kept]
            if "words" in written:
                return np.array(written["words"], dtype=object)[found.astype(int)]
            return found

        def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
            names = dict.fromkeys(name for row in rows for name in row)
            columns = {}
            for n in names:
                whole = np.stack([column(row[n]) for row in rows], axis=1).ravel()
                # Words stay objects, one for all rows that have it
                columns[n] = pd.Series(whole, dtype=whole.dtype)
            return pd.DataFrame(columns, copy=False)

        return Tables(points[kept], header, table(header["rows"]), table(header["steps"]))


class Tables(NamedTuple):
    """The tables of a block, without the column of the case."""

    points: Array
    header: dict[str, Any]
    summary: pd.DataFrame
    steps: pd.DataFrame


def kernel_of(cases: Any, numerics: Numerics) -> Numerics | None:
    """What points are solved with in blocks; None where they are not."""
    points = isinstance(cases, Points) and cases.curves.cycles == frozenset()
    if not points or numerics.error_bar or len(cases) < FEWEST:
        return None
    case = cases[0]
    steps = len(case.protocol.all_steps) * cases.cycles  # of a conditioning all of them
    if not numerics.compile and steps < WORTH_COMPILING:
        return None
    numerics = replace(numerics, compile=True)
    served = serves(case.cell, case.protocol, engine(case.cell.structure, numerics))
    return numerics if served else None


def solved(
    cases: Points, numerics: Numerics, sweep: str, numbers: Sequence[int]
) -> tuple[list[Block], list[int]]:
    """Solve points of a sweep as blocks.

    Parameters
    ----------
    cases : Points
        Of the sweep.
    numerics : Numerics
        As :func:`kernel_of` has them.
    sweep : str
        As :func:`sweep_key`.
    numbers : sequence of int
        The points, in order.

    Returns
    -------
    list of Block, list of int
        And the numbers of points that are to be run alone.
    """
    blocks, left = [], []
    ends = np.flatnonzero(np.diff(numbers) != 1) + 1
    for run in np.split(np.asarray(numbers), ends):
        try:
            block, plain = _solved(cases, numerics, sweep, run)
        except Unlike:
            block, plain = None, np.zeros(len(run), bool)
        blocks += [block] if block else []
        left += run[~plain].tolist()
    return blocks, left


def _solved(
    cases: Points, numerics: Numerics, sweep: str, points: Array
) -> tuple[Block | None, Array]:
    """A block of points in a row, and which of them it has."""
    plain = np.zeros(len(points), bool)
    asked = _Asked(cases, points)
    cells, protocol = asked.cells, asked.protocol
    solver = engine(cells.structure, numerics)
    if not serves(cells, protocol, solver):
        return None, plain
    batch = Batch(cells, solver)
    noted = Rows("", cells, asked.varied, solver.depths)
    for _ in range(protocol.conditioning_cycles if protocol.conditioning else 0):
        noted.add(batch.cycle(0, protocol.conditioning), False)
    for number in range(1, protocol.cycles + 1):
        cycle = batch.cycle(number, protocol.steps)
        if not batch.plain.any():
            return None, plain
        noted.add(cycle, True)
    kept = batch.plain
    plain[asked.rows[kept]] = True
    header = {
        "cell": cells.name,
        "laws": declared_by(cells.structure).beyond(losses.KNOWN).as_dict(),
        "warnings": asked.warnings(kept),
        "outside": _outside(cells, noted.surface, kept, points[asked.rows]),
    }
    tables = {
        name: [{k: _of(v, kept) for k, v in row.items() if k != "Case"} for row in table]
        for name, table in (("rows", noted.rows), ("steps", noted.steps))
    }
    return Block.of(sweep, points[plain], header, tables), plain


def _of(value: Any, kept: Array) -> Any:
    value = np.asarray(value)
    return value[kept] if value.ndim else value


def _outside(cells: Cells, x: tuple[Array, Array], kept: Array, points: Array) -> Outside:
    """Where surfaces left the range that the source of a law covers."""
    found = {}
    for label, valid in covered(cells).items():
        out = kept & ((x[0] < valid[0]) | (x[1] > valid[1]))
        if out.any():
            ends = float(x[0][out].min()), float(x[1][out].max())
            found[label] = [int(out.sum()), points[out][:FIRST].tolist(), *ends]
    return found


def sweep_key(cases: Points, numerics: Numerics) -> str:
    """Hash of everything that determines the points of a sweep."""
    levels = [
        (f.name, f.stride, f.points, f.levels.tobytes()) for f in cases.plan.factors
    ]
    content = cases.key(0, numerics), levels
    return hashlib.sha256(repr(content).encode()).hexdigest()


class _Asked:
    """What is asked of points: their cells as arrays, and steps whose numbers are.

    Parameters
    ----------
    cases : Points
        Of the sweep.
    points : ndarray of int
        Their numbers.

    Raises
    ------
    Unlike
        They cannot be taken together.

    Attributes
    ----------
    rows : ndarray of int
        Which of the points these are: without those that cannot be made.
    points : ndarray of int
        Their numbers.
    cells : Cells
        The cell of each.
    protocol : Protocol
        Its steps, whose numbers are arrays.
    varied : dict
        Columns of what varies.
    """

    def __init__(self, cases: Points, points: Array) -> None:
        self.cases, self.expansion = cases, cases.expansion
        templates = [f for f in cases.plan.factors if f.name in self.expansion.templates]
        fields = [f for f in cases.plan.factors if f not in templates]
        own, place = self._levels(fields, points)
        each = [self._cell(cases._values(k)) for k in points[own].tolist()]
        there = np.array([cell is not None for cell in each])
        self._made = [cell for cell in each if cell is not None]
        if not self._made:
            raise Unlike
        self.rows = np.flatnonzero(there[place])
        self._index = (np.cumsum(there) - 1)[place[self.rows]]
        self.points = points[self.rows]
        cells = Cells(self._made, self._index)
        _ = cells.structure  # of all
        self.kept = np.ones(len(self.rows), bool)
        self.protocol = self._protocol(cells, templates)
        self.varied = self._varied(templates)
        kept = np.flatnonzero(self.kept)
        self.cells = Part(cells, kept)
        self.rows, self.points = self.rows[kept], self.points[kept]
        self._index = self._index[kept]

    def _levels(self, factors: Sequence[Any], points: Array) -> tuple[Array, Array]:
        """Which points have other values of factors, and for each point which that is."""
        different = {(f.stride, len(f.levels)): f for f in factors}.values()
        if not factors:
            return np.zeros(1, int), np.zeros(len(points), int)
        at = np.stack([points // f.stride % len(f.levels) for f in different])
        if len(at) == 1:
            _, first, turn = np.unique(at[0], return_index=True, return_inverse=True)
        else:
            _, first, turn = np.unique(at, axis=1, return_index=True, return_inverse=True)
        return first, turn.ravel()

    def _cell(self, values: Mapping[str, Any]) -> Any:
        templates = self.expansion.templates
        fields = {k: v for k, v in values.items() if k not in templates}
        fields |= {k: v for k, v in self.expansion.changes.items() if k not in templates}
        fields.pop("name", None)
        chosen = fields.pop("cell", None)
        try:
            return self.expansion.cell_of(("sweep", "factors"), chosen, fields)
        except InputError:
            return None

    def _protocol(self, cells: Cells, templates: Sequence[Any]) -> Protocol:
        """Steps for all of them; ``kept`` is which of them have any."""
        expansion, mine = self.expansion, self.points
        cycles = expansion.cycles or expansion.experiment.cycles
        first, turn = self._levels(templates, mine)
        found: list[tuple[Array, Protocol]] = []
        order = np.argsort(turn, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(turn, minlength=len(first)))[:-1])
        for k, rows in zip(mine[first].tolist(), parts, strict=True):
            texts = self._texts(k)
            expansion.steps = 0
            part = cells if len(rows) == len(mine) else Part(cells, rows)
            try:
                one = expansion._protocol(("sweep", "factors"), part, texts, cycles)
            except InputError:
                self.kept[rows] = False
                continue
            found.append((rows, one))
        if not found:
            raise Unlike
        each = [one for _, one in found]
        rows = [rows for rows, _ in found]
        return replace(
            each[0],
            steps=merged(rows, [p.steps for p in each], self.kept),
            conditioning=merged(rows, [p.conditioning for p in each], self.kept),
        )

    def _texts(self, k: int) -> dict[str, str]:
        templates = self.expansion.templates
        values = self.cases._values(k) | self.expansion.changes
        return {k: str(v) for k, v in values.items() if k in templates}

    def _varied(self, templates: Sequence[Any]) -> dict[str, Any]:
        """Columns of what varies, as those of a single point."""
        mine, kept = self.points, np.flatnonzero(self.kept)
        expansion, fields = self.expansion, self.cases._fields
        of_fields = [name for name in fields if name not in expansion.templates]
        of_steps = [name for name in fields if name in expansion.templates]

        def columns(names: list[str], first: Array, turn: Array) -> dict[str, Any]:
            each = [
                expansion._varied((), self._made[index], {}, names, self._texts(k))
                for k, index in zip(
                    mine[first].tolist(), self._index[first].tolist(), strict=True
                )
            ]
            if len({tuple(one) for one in each}) > 1:
                raise Unlike
            return {n: np.array([one[n] for one in each])[turn] for n in each[0]}

        _, first, turn = np.unique(self._index, return_index=True, return_inverse=True)
        found = columns(of_fields, first, turn)
        found |= columns(of_steps, *self._levels(templates, mine))
        order = self.cases[int(mine[0])].varied
        return {name: found[name][kept] for name in order}

    def warnings(self, kept: Array) -> Told:
        """What cells tell of themselves: the number of points and the first of them."""
        found: Told = {}
        for number, cell in enumerate(self._made):
            for words in cell.warnings():
                rows = kept & (self._index == number)
                told = found.setdefault(words, [0, []])
                told[0] += int(rows.sum())
                told[1] += self.points[rows][:FIRST].tolist()
        return {words: [n, sorted(first)[:FIRST]] for words, (n, first) in found.items()}

"""Points of a sweep computed in blocks: arrays, and no object a point.

A block is what :class:`~tfbsim.solver.batch.Batch` makes of points whose numbers follow
each other: the columns of their tables.  Points to which anything but the end asked for
happens are not in it; they are run alone, and stand in the ledger as other cases do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Cells, Part, Unlike
from ..errors import InputError
from ..experiment.cases import Cases, Points
from ..experiment.sampling import Factor
from ..experiment.steps import Protocol
from ..materials.laws import Floats
from ..numerics import Numerics
from ..physics.thin_film_cell import declared_by
from ..result import losses
from ..result.case import covered
from ..result.rows import Rows
from ..result.tables import FIRST
from ..solver.batch import Batch, merged, paying, serves
from ..solver.engine import engine
from .stored import About, Array, Block, Outside, Swept

FEWEST = 2  # points that make a block


def kernel_of(cases: Cases, numerics: Numerics) -> Swept | None:
    """Return cases as points that are solved in blocks; None where they are not."""
    if not isinstance(cases, Points) or cases.curves.cycles != frozenset():
        return None
    if len(cases) < FEWEST:
        return None
    case = cases[0]
    steps = len(case.protocol.all_steps) * cases.cycles  # of a conditioning all of them
    kernel = paying(case.cell, [case.protocol], steps, numerics)
    return Swept(cases, numerics, kernel) if kernel else None


def solved(swept: Swept, numbers: Sequence[int]) -> tuple[list[Block], list[int]]:
    """Solve points of a sweep, in order.

    Returns
    -------
    list of Block, list of int
        And the numbers of points that are to be run alone.
    """
    blocks, left = [], []
    ends = np.flatnonzero(np.diff(numbers) != 1) + 1
    for run in np.split(np.asarray(numbers), ends):
        plain = np.zeros(len(run), bool)  # which of them are in the block
        try:
            block = _solved(swept, run, plain)
        except Unlike:
            block = None
        blocks += [block] if block else []
        left += run[~plain].tolist()
    return blocks, left


def _solved(swept: Swept, points: Array, plain: Array) -> Block | None:
    """Solve points in a row as a block; ``plain`` is set for those it has."""
    inputs = _Inputs(swept.cases, points)
    cells, protocol = inputs.cells, inputs.protocol
    solver = engine(cells.structure, swept.kernel)
    if not serves(cells, protocol, solver):
        return None
    batch = Batch(cells, solver)
    rows = Rows("", cells, inputs.varied, solver.depths)
    for _ in range(protocol.conditioning_cycles if protocol.conditioning else 0):
        rows.add(batch.cycle(0, protocol.conditioning), False)
    for number in range(1, protocol.cycles + 1):
        cycle = batch.cycle(number, protocol.steps)
        if not batch.plain.any():
            return None
        rows.add(cycle, True)
    kept = batch.plain
    plain[inputs.rows[kept]] = True
    about: About = {
        "cell": cells.name,
        "laws": declared_by(cells.structure).beyond(losses.KNOWN).as_dict(),
        "warnings": inputs.warnings(kept),
        "outside": _outside(cells, rows.surface, kept, inputs.points),
    }
    return Block.of(swept.key, points[plain], kept, about, rows.rows, rows.steps)


def _outside(
    cells: Cells, x: tuple[Floats, Floats], kept: Array, points: Array
) -> Outside:
    """Return where surfaces left the range that the source of a law covers."""
    found: Outside = {}
    least, most = np.asarray(x[0]), np.asarray(x[1])
    for label, valid in covered(cells).items():
        out = kept & ((least < valid[0]) | (most > valid[1]))
        if out.any():
            ends = float(least[out].min()), float(most[out].max())
            found[label] = int(out.sum()), points[out][:FIRST].tolist(), *ends
    return found


def _alike(factors: Sequence[Factor], points: Array) -> tuple[Array, Array]:
    """Return the first point of each set of values, and which set each point has."""
    code = np.zeros(len(points), int)
    for stride, levels in {(f.stride, len(f.levels)): None for f in factors}:
        code = code * levels + points // stride % levels
    _, first, turn = np.unique(code, return_index=True, return_inverse=True)
    return first, turn


class _Inputs:
    """What is asked of points, without those that cannot be made.

    ``rows`` says which of the points these are; ``points`` are their numbers, ``cells``
    their cells, ``protocol`` has steps whose numbers are arrays, and ``varied`` is the
    columns of what varies.  Raises Unlike where they cannot be taken together.
    """

    def __init__(self, cases: Points, points: Array) -> None:
        self.cases, self.maker = cases, cases.maker
        steps = self.maker.templates
        templates = [f for f in cases.plan.factors if f.name in steps]
        first, place = _alike(
            [f for f in cases.plan.factors if f.name not in steps], points
        )
        each = [self._cell(k) for k in points[first].tolist()]
        there = np.array([cell is not None for cell in each])
        self._made = [cell for cell in each if cell is not None]
        if not self._made:
            raise Unlike
        self.rows = np.flatnonzero(there[place])
        self.points = points[self.rows]
        self._index = (np.cumsum(there) - 1)[place[self.rows]]
        cells = Cells(self._made, self._index)
        _ = cells.structure  # of all
        self.kept = np.ones(len(self.rows), bool)
        self.protocol = self._protocol(cells, templates)
        kept = np.flatnonzero(self.kept)
        self.varied = {n: v[kept] for n, v in self._varied(templates).items()}
        self.cells = Part(cells, kept)
        self.rows, self.points = self.rows[kept], self.points[kept]
        self._index = self._index[kept]

    def _cell(self, k: int) -> Cell | None:
        try:
            return self.maker.cell_of(self.cases.row(k))
        except InputError:
            return None

    def _protocol(self, cells: Cells, templates: Sequence[Factor]) -> Protocol:
        """Return steps for all of them; ``kept`` is unset where there are none."""
        first, turn = _alike(templates, self.points)
        places: list[Array] = []
        found: list[Protocol] = []
        ends = np.cumsum(np.bincount(turn))[:-1]
        each = np.split(np.argsort(turn, kind="stable"), ends)
        for k, rows in zip(self.points[first].tolist(), each, strict=True):
            self.maker.steps = 0
            part = cells if len(first) == 1 else Part(cells, rows)
            try:
                found.append(self.maker.protocol(part, self.cases.row(k)))
            except InputError:
                self.kept[rows] = False
            else:
                places.append(rows)
        if not found:
            raise Unlike
        return replace(
            found[0],
            steps=merged(places, [one.steps for one in found], self.kept),
            conditioning=merged(places, [one.conditioning for one in found], self.kept),
        )

    def _varied(self, templates: Sequence[Factor]) -> dict[str, Array]:
        """Return the columns of what varies, as those of a single point."""
        names, mine = self.cases.fields, self.points

        def columns(names: list[str], first: Array, turn: Array) -> dict[str, Array]:
            each = []
            for k in first.tolist():
                cell, row = self._made[self._index[k]], self.cases.row(int(mine[k]))
                each.append(self.maker.columns(cell, names, row.texts))
            if len({tuple(one) for one in each}) > 1:
                raise Unlike
            return {n: np.array([one[n] for one in each])[turn] for n in each[0]}

        _, *of_cells = np.unique(self._index, return_index=True, return_inverse=True)
        steps = self.maker.templates
        found = columns([name for name in names if name not in steps], *of_cells)
        of_steps = [name for name in names if name in steps]
        found |= columns(of_steps, *_alike(templates, mine))
        return {name: found[name] for name in self.cases[int(mine[0])].varied}

    def warnings(self, kept: Array) -> dict[str, tuple[int, list[int]]]:
        """Return the warnings of cells: the number of points and the first of them."""
        told: dict[str, list[int]] = {}  # by which of the cells
        for number, cell in enumerate(self._made):
            for words in cell.warnings():
                told.setdefault(words, []).append(number)
        found = {}
        for words, numbers in told.items():
            points = self.points[kept & np.isin(self._index, numbers)]
            found[words] = len(points), points[:FIRST].tolist()
        return found

"""Cases run again to stand beside what was measured."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..cell.cell import Cell
from ..data.measured import Array, Segment
from ..experiment.steps import Protocol
from ..numerics import Numerics
from ..solver.cycler import Runner
from ..solver.engine import engine
from ..solver.records import CycleRecord, StepRecord


class Replay:
    """Runs cases as far as they are needed; a conditioning that they share runs once."""

    def __init__(self, numerics: Numerics) -> None:
        self.numerics = numerics.plain
        self.steps = 0  # that were run
        self._begun: dict[tuple[object, ...], Runner] = {}

    def cycles(
        self, cell: Cell, protocol: Protocol, last: int, curves: bool = True
    ) -> list[CycleRecord]:
        """Return the first cycles of a case; a cell object is one cell.

        Without ``curves`` the points of their steps are not kept.
        """
        shared = (id(cell), protocol.conditioning, protocol.conditioning_cycles)
        if shared not in self._begun:
            runner = Runner(cell, engine(cell.structure, self.numerics))
            for number in range(1, protocol.conditioning_cycles + 1):
                if protocol.conditioning:
                    runner.cycle(number, protocol.conditioning, False)
                    self.steps += len(protocol.conditioning)
            self._begun[shared] = runner
        runner = copy.copy(self._begun[shared])
        cycles = [protocol.of(number) for number in range(1, last + 1)]
        self.steps += sum(map(len, cycles))
        found = [runner.cycle(k + 1, steps, curves) for k, steps in enumerate(cycles)]
        return [replace(c, check_up=protocol.is_check_up(c.number)) for c in found]


def segment_of(parts: Sequence[StepRecord], kind: str, area: float) -> Segment | None:
    """Return consecutive simulated steps as one measured step of a kind would be.

    None if nothing of them could be simulated; ``area`` is the cell's [m2].
    """
    clock = passed = 0.0
    pieces: list[tuple[Array, ...]] = []
    for trace in (part.trace for part in parts):
        if trace is None:
            continue
        o = trace.observed
        q = passed + np.abs(o["Discharge capacity [A.h]"]) / area
        t = clock + trace.t
        pieces.append((o["Voltage [V]"], o["Current [A]"] / area, q, t))
        clock, passed = float(t[-1]), float(q[-1])
    if not pieces:
        return None
    V, i, q, t = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Segment(kind, 1, V, i, q, t)


def charge_where(q: Array, V: Array, voltage: float, otherwise: float) -> float:
    """Return the charge where a curve first comes to a voltage, if it ever does.

    Outwards the voltage goes one way but for the very start.
    """
    sign = 1.0 if V[-1] > V[0] else -1.0
    outwards = np.maximum.accumulate(sign * V)
    if not outwards[0] < sign * voltage < outwards[-1]:
        return otherwise
    return float(np.interp(sign * voltage, outwards, q))

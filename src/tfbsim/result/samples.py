"""The one table of curves: a row for every sample, of all cases, cycles and steps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.measured import CHARGE, DISCHARGE, HOLD, REST, UA, Measured, Segment
from ..data.steps import HELD
from ..units import ZERO_CELSIUS
from .case import CaseResult
from .columns import CASE, CYCLE, STEP
from .names import Row

TIME, VOLTAGE, CURRENT = "Time [s]", "Voltage [V]", "Current density [uA.cm-2]"
STEP_MASS, STEP_AREA = "Step capacity [mA.h.g-1]", "Step capacity [uA.h.cm-2]"
# Consecutive steps in one direction, with the rests between them
BRANCH, DIRECTION = "Branch number", "Direction"
VARIES = 0.01  # of the largest current of a hold, that it falls by at least
MASS, AREA = "Capacity [mA.h.g-1]", "Capacity [uA.h.cm-2]"


def samples(cases: Iterable[CaseResult]) -> pd.DataFrame:
    """Return the curves of cases as one table, a row a sample.

    ``Case``, ``Cycle number`` and ``Step number`` say where it is from, and the curve
    variables follow.  ``Branch number`` counts the charges and discharges of a cycle from
    1, each of one or more steps with the rests between them; 0 is a rest that belongs to
    none.  ``Direction`` is 1 in a discharge, -1 in a charge, else 0.  ``Capacity`` is
    counted from the start of the branch.
    """
    tables = [table for case in cases if (table := _of_case(case)) is not None]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _of_case(case: CaseResult) -> pd.DataFrame | None:
    variables = case.curves.variables
    if VOLTAGE not in variables:
        return None
    there = np.isfinite(variables[VOLTAGE].values)
    found = {
        str(name): variable.values[there]
        for name, variable in variables.items()
        if variable.dims == ("cycle", "sample")
    }
    cycles = np.repeat(variables["cycle"].values, there.sum(axis=1))
    if not len(cycles):
        return None
    number = found.pop(STEP).astype(int)
    table = {CASE: case.name, CYCLE: cycles, STEP: number, **found}
    return pd.DataFrame(table | _branches(table))


def records(table: pd.DataFrame) -> list[Measured]:
    """Return the cases of that table as a cycler would have recorded them."""
    found = []
    for name, case in table.groupby(CASE, sort=False) if len(table) else ():
        steps, begun = [], float(case[TIME].iloc[0])
        for (cycle, _), step in case.groupby([CYCLE, STEP], sort=False):
            V, i, q, t = (
                step[of].to_numpy(float) for of in (VOLTAGE, CURRENT, STEP_AREA, TIME)
            )
            kind = DISCHARGE if i.sum() > 0 else CHARGE
            if not i.any():
                kind = REST
            elif np.ptp(V) < HELD and np.ptp(i) > VARIES * np.abs(i).max():
                kind = HOLD
            T = float(step["Temperature [degC]"].mean()) + ZERO_CELSIUS
            about = T, float(t[0]) - begun, f"cycle {cycle}, {kind}"
            arrays = V, i / UA, q / UA, t - t[0]
            steps.append(Segment(kind, int(cycle), *arrays, *about))
        kept = tuple(step for step in steps if len(step.voltage) > 1)
        found.append(Measured(str(name), Path(str(name)), kept))
    return found


def _branches(table: Row) -> dict[str, np.ndarray]:
    """Branch, direction and capacity of each sample."""
    cycle, step = table[CYCLE], table[STEP]
    first = np.flatnonzero(np.diff(cycle, prepend=-1) | np.diff(step, prepend=-1))
    found: dict[str, np.ndarray] = {
        name: np.zeros(len(cycle), int if name in (BRANCH, DIRECTION) else float)
        for name in (BRANCH, DIRECTION, MASS, AREA)
    }
    branch, direction, begins, previous = 0, 0, 0, None
    before = {MASS: 0.0, AREA: 0.0}
    for start, end in zip(first, [*first[1:], len(cycle)], strict=True):
        step_ = slice(start, end)
        if cycle[start] != previous:
            previous, branch, direction, begins = cycle[start], 0, 0, start
        own = _direction(table, step_)
        if own == 0:  # a rest is of the branch if that goes on
            continue
        if own != direction:
            branch, direction, begins = branch + 1, own, max(begins, int(start))
            before = {MASS: 0.0, AREA: 0.0}
        found[BRANCH][begins:end], found[DIRECTION][begins:end] = branch, direction
        for name, of_step in ((MASS, STEP_MASS), (AREA, STEP_AREA)):
            found[name][begins:end] = before[name]
            found[name][step_] += table[of_step][step_]
            before[name] = float(found[name][end - 1])
        begins = end
    return found


def _direction(table: Row, step: slice) -> int:
    """1 for a discharge, -1 for a charge, 0 for a rest."""
    if step.stop - step.start < 2 or table[STEP_AREA][step].max() <= 0:
        return 0
    return int(np.sign(np.trapezoid(table[CURRENT][step], table[TIME][step])))

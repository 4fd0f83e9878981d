"""The curves of a result as the one table of V(t), and as records of a cycler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.curve_table import (
    CASE,
    CURRENT,
    CYCLE,
    STEP,
    STEP_AREA,
    TIME,
    VOLTAGE,
    curve_table,
    spans,
)
from ..data.measured import CHARGE, DISCHARGE, HOLD, REST, UA, Measured, Segment
from ..data.steps import HELD
from ..units import ZERO_CELSIUS
from .case import CaseResult

VARIES = 0.01  # of the largest current of a hold, that it falls by at least


def samples(cases: Iterable[CaseResult]) -> pd.DataFrame:
    """Return the curves of cases as one table (:mod:`tfbsim.data.curve_table`)."""
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
    table = {CYCLE: cycles, STEP: number, **found}
    directions = [_direction(table, slice(*step)) for step in spans([cycles, number])]
    return curve_table(case.name, table, directions)


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


def _direction(table: Mapping[str, np.ndarray], step: slice) -> int:
    """Return 1 for a discharge, -1 for a charge, 0 for a rest."""
    if step.stop - step.start < 2 or table[STEP_AREA][step].max() <= 0:
        return 0
    return int(np.sign(np.trapezoid(table[CURRENT][step], table[TIME][step])))

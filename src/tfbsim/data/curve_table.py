"""The one table of V(t), measured or simulated: a row a sample.

``Case``, ``Cycle number`` and ``Step number`` say where a sample is from.  ``Branch
number`` counts the charges and discharges of a cycle from 1, each of one or more steps
with the rests between them; 0 is a rest that belongs to none.  ``Direction`` is 1 in a
discharge, -1 in a charge, else 0.  ``Step capacity`` counts from the start of the step,
``Capacity`` from the start of the branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

CASE: Final = "Case"
CYCLE: Final = "Cycle number"
STEP: Final = "Step number"
TIME, VOLTAGE, CURRENT = "Time [s]", "Voltage [V]", "Current density [uA.cm-2]"
STEP_MASS, STEP_AREA = "Step capacity [mA.h.g-1]", "Step capacity [uA.h.cm-2]"
BRANCH, DIRECTION = "Branch number", "Direction"
MASS, AREA = "Capacity [mA.h.g-1]", "Capacity [uA.h.cm-2]"


def spans(values: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Return the spans in which none of some arrays changes, such as steps."""
    changes = [np.diff(np.nan_to_num(array)) != 0 for array in values]
    edges = np.flatnonzero(np.any(changes, axis=0)) + 1
    return list(pairwise([0, *edges.tolist(), len(values[0])]))


def curve_table(
    case: str, table: Mapping[str, np.ndarray], directions: Sequence[int]
) -> pd.DataFrame:
    """Return the samples of a case with their branches.

    Parameters
    ----------
    case : str
        Its name.
    table : mapping of ndarray, shape (samples,)
        Columns with those of the cycle, the step, and its capacity per area or mass.
    directions : sequence of int
        Of each step: 1 of a discharge, -1 of a charge, 0 of a rest.
    """
    n = len(table[STEP])
    capacities = [p for p in ((MASS, STEP_MASS), (AREA, STEP_AREA)) if p[1] in table]
    found = {name: np.zeros(n, int) for name in (BRANCH, DIRECTION)}
    found |= {name: np.zeros(n) for name, _ in capacities}
    branch, direction, begins, previous = 0, 0, 0, None
    before = dict.fromkeys(found, 0.0)
    steps = spans([table[CYCLE], table[STEP]])
    for (start, end), own in zip(steps, directions, strict=True):
        if table[CYCLE][start] != previous:
            previous, branch, direction, begins = table[CYCLE][start], 0, 0, start
        if own == 0:  # a rest is of the branch if that goes on
            continue
        if own != direction:
            branch, direction, begins = branch + 1, own, max(begins, start)
            before = dict.fromkeys(found, 0.0)
        found[BRANCH][begins:end], found[DIRECTION][begins:end] = branch, direction
        for name, of_step in capacities:
            found[name][begins:end] = before[name]
            found[name][start:end] += table[of_step][start:end]
            before[name] = float(found[name][end - 1])
        begins = end
    return pd.DataFrame({CASE: case, **table, **found})

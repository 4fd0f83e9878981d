"""The critical current density: above it lithium grows through the electrolyte.

Nothing in the equations knows of it.  A step whose current at the lithium, i + i_e,
plating or stripping, goes above it is found afterwards, with the time; the step goes on,
or is run once more up to that time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import units
from ..cell.cell import Cell
from .trace import State, Trace


def crossing(trace: Trace, cell: Cell) -> float | None:
    """Return when |i + i_e| first exceeds the critical one [s]; None if never.

    Interpolated between the samples of the trace.
    """
    limit = cell.anode.critical_current
    if limit is None:
        return None
    i = trace.observed["Current [A]"] / float(cell.area)
    beyond = np.abs(i + trace.observed["Leakage current density [A.m-2]"]) - limit
    above = np.flatnonzero(beyond > 0)
    if not len(above):
        return None
    k = int(above[0])
    if k == 0:
        return 0.0
    share = beyond[k - 1] / (beyond[k - 1] - beyond[k])
    return float(trace.t[k - 1] + share * (trace.t[k] - trace.t[k - 1]))


def at_start(trace: Trace, start: State) -> Trace:
    """Return the first moment of a step alone."""
    first = {name: values[:1] for name, values in trace.observed.items()}
    return Trace(trace.t[:1], first, trace.profiles[:1], start, None)


def beyond_critical(cell: Cell, time: float) -> str:
    """Say when a step crossed the critical current density."""
    limit = units.text(float(cell.anode.critical_current or 0.0), "current density")
    found = f"the critical current density of {cell.anode.surface}, {limit}, is crossed"
    return f"{found} {time:.4g} s after its start"


def warning(cell: Cell, found: Sequence[tuple[str, str, float]]) -> str:
    """Return a sentence on the crossings of a case: cycle, step and time [s] of each."""
    where, text, time = found[0]
    others = len(found) - 1
    more = f"; so it is in {others} step{'s' * (others > 1)} more" if others else ""
    return f"{where}, '{text}': {beyond_critical(cell, time)}{more}"

"""The numerical error of a run, from a second one at tighter settings.

Mesh and tolerances leave an error that no balance shows.  Solving once more with half the
mesh width and a hundredth of the tolerances shows three quarters of it, the scheme being
of second order on volumes: the error is 4/3 of the difference (Richardson's estimate).
On elements, whose order is higher, all of it shows and the estimate is a third too large.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .records import CycleRecord, NumericalError, StepRecord

RICHARDSON = 4 / 3
GRID = 2001  # points of a step at which voltages are compared


def with_error(cycle: CycleRecord, tight: CycleRecord) -> CycleRecord:
    """Return a cycle with its numerical error, from the same solved tighter."""
    return replace(cycle, numerical_error=numerical_error(cycle, tight))


def numerical_error(cycle: CycleRecord, tight: CycleRecord) -> NumericalError:
    """Return the error of one cycle."""
    pairs = list(zip(cycle.steps, tight.steps, strict=True))
    misses = [miss for pair in pairs if (miss := _voltage_misses(*pair)) is not None]
    voltage = np.sqrt(np.mean(np.concatenate(misses) ** 2)) if misses else np.nan
    return NumericalError(
        charge=_relative(cycle.charge, tight.charge),
        discharge=_relative(cycle.discharge, tight.discharge),
        voltage=float(RICHARDSON * voltage),
        otherwise=tuple(
            f"with tighter numerics, cycle {cycle.number}, '{step.step.text}' ends "
            f"otherwise: {other.outcome}, not {step.outcome}"
            for step, other in pairs
            if step.outcome != other.outcome
        ),
    )


def _relative(value: float, reference: float) -> float:
    return RICHARDSON * (value / reference - 1) if reference > 0 else np.nan


def _voltage_misses(step: StepRecord, tight: StepRecord) -> np.ndarray | None:
    """Return voltage differences over a step, even in charge or in time [V]."""
    if step.trace is None or tight.trace is None or step.step.control == "voltage":
        return None
    (s, V), (s_tight, V_tight) = (_curve(r) for r in (step, tight))
    end = min(s[-1], s_tight[-1])
    if end <= 0:
        return None
    grid = np.linspace(0, end, GRID)
    return np.asarray(np.interp(grid, s, V) - np.interp(grid, s_tight, V_tight))


def _curve(record: StepRecord) -> tuple[np.ndarray, np.ndarray]:
    """Return what the voltage of a step is drawn against, and the voltage [V]."""
    trace = record.trace
    assert trace is not None
    moved = np.abs(trace.observed["Discharge capacity [A.h]"])
    return (trace.t if record.step.rest else moved), trace.observed["Voltage [V]"]

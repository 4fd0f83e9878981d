"""What the model has where something was measured, and how far it is from points.

A measured point (q, V) of a step gives its distance to the model's curve in the plane of
q/sigma_q and V/sigma_V, positive where the curve is above: least squares of a point that
is uncertain in both coordinates (orthogonal distance regression, Boggs and Rogers,
Contemp. Math. 112 (1990) 183).  On a plateau that is the voltage error, in a steep end
the capacity error.  Beyond its own end the curve goes on straight down, so that one that
ends early still says by how much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..comparison.replay import charge_where
from ..comparison.residuals import at_frequencies
from ..data.measured import Array
from ..materials.laws import Floats
from ..solver.batch import Replayed
from ..solver.records import CycleRecord, StepRecord
from .targets import LIVES, NONE, RESISTANCE, RETENTION, Target

FAILED = 100.0  # residual of each point of a step that could not be simulated


@dataclass(frozen=True)
class Simulated:
    """A curve of the model beside a measured one."""

    capacity: Array  # [A.h.m-2], rising; empty where only the end was asked for
    voltage: Array  # [V]
    end: float  # capacity at its end [A.h.m-2]
    Z: Array | None = None  # of a spectrum, at the measured frequencies [Ohm.m2]

    def charge_at(self, voltage: float) -> float:
        """Return the charge where the curve first comes to a voltage, or else its end."""
        if not (math.isfinite(voltage) and len(self.voltage) > 1):
            return self.end
        return charge_where(self.capacity, self.voltage, voltage, self.end)


def distances(
    models: Sequence[Simulated],
    points: Sequence[tuple[Array, Array]],
    errors: Sequence[tuple[float, float]],
) -> list[Array]:
    """Return signed distances of points to curves, one set of points to each.

    The points are charges and voltages, each over its error; ``errors`` are those of each
    curve, which has a point at least.
    """
    beyond, pairs = np.zeros(1), [*zip(models, errors, strict=True)]
    Q = np.concatenate([q for m, e in pairs for q in (m.capacity / e[0], beyond)])
    U = np.concatenate([V for m, e in pairs for V in (m.voltage / e[1], beyond)])
    sizes = np.array([len(m.capacity) + 1 for m in models])
    last = np.cumsum(sizes) - 1
    first = last + 1 - sizes
    reach = 10 * FAILED  # on to the cut-off and far beyond, all but vertical
    Q[last] = Q[last - 1] + 1e-3 * reach
    U[last] = U[last - 1] + np.where(U[last - 1] > U[first], reach, -reach)
    x, y = (np.concatenate(each) for each in zip(*points, strict=True))
    each = [len(q) for q, _ in points]
    # Curves are found one behind the other on one axis
    shift = 2 * max(np.abs(Q).max(), 1.0) * np.arange(len(models))
    axis = Q + np.repeat(shift, sizes)
    low, high, shift = (np.repeat(of, each) for of in (first, last, shift))

    def place(x: Array) -> Array:
        """Return the first point of its curve that is not below."""
        return np.searchsorted(axis, np.clip(x, Q[low], Q[high]) + shift)

    k = np.clip(place(x), low + 1, high)
    along = np.clip((x - Q[k - 1]) / np.maximum(Q[k] - Q[k - 1], 1e-300), 0.0, 1.0)
    above = U[k - 1] + along * (U[k] - U[k - 1]) - y
    # No segment is nearest that is farther off than the curve at the same charge
    far = np.abs(above) + np.maximum(0, np.maximum(Q[low] - x, x - Q[high]))
    start = np.clip(place(x - far) - 1, low, high - 1)
    count = np.clip(place(x + far), start + 1, high) - start
    begin = np.cumsum(count) - count
    k = np.repeat(start - begin, count) + np.arange(count.sum())
    x, y = np.repeat(x, count) - Q[k], np.repeat(y, count) - U[k]
    dx, dy = Q[k + 1] - Q[k], U[k + 1] - U[k]
    along = np.clip((x * dx + y * dy) / np.maximum(dx**2 + dy**2, 1e-30), 0.0, 1.0)
    square = (along * dx - x) ** 2 + (along * dy - y) ** 2
    found = np.sqrt(np.minimum.reduceat(square, begin)) * np.sign(above)
    return np.split(found, np.cumsum(each)[:-1])


# --- Where something was measured ----------------------------------------------------


def _end(curve: Target, cycles: Sequence[CycleRecord], area: Floats) -> Floats:
    """Return what the model has at the end of a curve, of one cell or of many."""
    if curve.kind in LIVES:
        of = cycles[(curve.from_cycle or curve.cycle) - 1 : curve.cycle]
        first = next(c for c in cycles if c.check_up == of[-1].check_up)
        values = [
            c.resistance
            if curve.kind == RESISTANCE
            else c.discharge
            / np.maximum(first.discharge if curve.kind == RETENTION else c.charge, 1e-300)
            for c in of
        ]
        return np.array(values).mean(axis=0)
    return sum(getattr(step, curve.kind) for step in _steps(curve, cycles)) / area


def _steps(curve: Target, cycles: Sequence[CycleRecord]) -> list[StepRecord]:
    """Return the steps that a curve is of."""
    every = cycles[curve.cycle - 1].steps
    return [*every] if curve.steps is None else [every[k] for k in curve.steps]


def observed(
    curve: Target, cycles: Sequence[CycleRecord], area: float
) -> Simulated | None:
    """Return what the model has where a curve was measured."""
    steps = [] if curve.kind in LIVES else _steps(curve, cycles)
    traces = [step.trace for step in steps if step.trace is not None]
    if len(traces) < len(steps):
        return None
    if curve.spectrum is not None:
        spectrum = steps[0].spectrum
        if spectrum is None:
            return None
        Z = at_frequencies(curve.spectrum, spectrum)
        return Simulated(NONE, NONE, math.nan, Z)
    every = [trace.observed for trace in traces if len(curve.capacity)]
    pieces = [(o["Voltage [V]"], o["Discharge capacity [A.h]"]) for o in every]
    return _drawn(curve, pieces, float(_end(curve, cycles, area)), area)


def of_rows(
    curve: Target, batch: Replayed | None, rows: Array, area: Array
) -> list[Simulated | None]:
    """Return the same for rows of a batch."""
    if batch is None:
        return []
    areas = np.repeat(area, len(batch.plain) // len(area))
    end = np.broadcast_to(_end(curve, batch.cycles, areas), len(areas))[rows].tolist()
    parts = batch.drawn[curve.cycle - 1] if len(curve.capacity) else []
    if parts and curve.steps is not None:
        parts = [parts[k] for k in curve.steps]
    return [
        _drawn(curve, [part.of(row) for part in parts], e, own)
        if batch.plain[row]
        else None
        for row, own, e in zip(rows.tolist(), area.tolist(), end, strict=True)
    ]


def _drawn(
    curve: Target, pieces: Sequence[tuple[Array, Array]], end: float, area: float
) -> Simulated | None:
    """Return voltages and charges [A.h] of steps in a row as a curve, where one was
    measured, without the points at which its charge does not grow."""
    if not len(curve.capacity):
        return Simulated(NONE, NONE, end) if math.isfinite(end) else None
    passed, charges = 0.0, []
    for _, Q in pieces:
        charges.append(passed + np.abs(Q) / area)
        passed = charges[-1][-1]
    q, V = np.concatenate(charges), np.concatenate([V for V, _ in pieces])
    if (np.diff(q) <= 1e-12 * q[-1]).any():
        further = np.diff(np.maximum.accumulate(q)) > 1e-12 * q[-1]
        rising = np.concatenate([[True], further])
        q, V = q[rising], V[rising]
    return Simulated(q, V, end)

"""Diffusivities as a laboratory reads them off titrations, GITT and PITT.

GITT: short pulses, each followed by a rest.  In a pulse of length tau the voltage runs as
V_0 + k sqrt(t), the ohmic and kinetic drop in V_0, and between the rests it changes by
Delta E_s:

    D = 4/(pi tau) (L Delta E_s/Delta E_t)^2,   Delta E_t = k sqrt(tau)       [1]_

for tau well below L^2/D, a straight U(x) within the pulse, no migration in the film and a
rest that ends in equilibrium.  PITT: a staircase of holds, whose current decays at long
times as exp(-pi^2 D t/(4 L^2)), where diffusion alone limits it [2]_.

Beside each stands the D of the cell itself, so that the ratio is the error of the
approximation where the record is simulated.

References
----------
.. [1] W. Weppner, R. A. Huggins, J. Electrochem. Soc. 124 (1977) 1569.
.. [2] C. J. Wen, B. A. Boukamp, R. A. Huggins, W. Weppner, J. Electrochem. Soc. 126
   (1979) 2258.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from ..cell.cell import Cell
from ..comparison.pairing import joined
from ..data.measured import CHARGE, DISCHARGE, HOLD, REST, Segment
from ..experiment.cases import Case
from ..numerics import Numerics
from ..physics.circuit import Circuit
from ..solver.cycler import run_case

COLUMNS = (
    *("Method", "Stoichiometry", "Voltage [V]", "D [cm2.s-1]", "D of the cell [cm2.s-1]"),
    *("Ratio", "Pulse over L2/D", "Voltage at the end of rest moves by [mV.h-1]"),
)
EARLY = 0.05  # of a pulse, in which double layers and kinetics may still settle
LATE = 0.4, 0.02  # of the first current of a hold, between which it decays as one term
FEW = 6  # samples of a pulse at least


def simulated_segments(case: Case, numerics: Numerics) -> list[Segment]:
    """Return the steps of a simulated case as a record of a cycler has them."""
    record = run_case(case.cell, case.protocol, numerics)
    found = []
    for cycle in record.cycles:
        for step in cycle.steps:
            if step.step.held:
                kind = HOLD
            elif step.step.rest:
                kind = REST
            else:
                kind = DISCHARGE if step.step.value > 0 else CHARGE
            segment = joined([step], kind, float(case.cell.area))
            if segment is not None and len(segment.voltage) > 1:
                found.append(segment)
    return found


def diffusivities(segments: Sequence[Segment], cell: Cell) -> pd.DataFrame:
    """Return the diffusivity at each pulse or hold of a record.

    Parameters
    ----------
    segments : sequence of Segment
        In a row: pulses and rests, or holds.
    cell : Cell
        Gives thickness, open-circuit potential, and the D beside it.

    Returns
    -------
    DataFrame
        ``COLUMNS``, a row for each.
    """
    rows = []
    for before, pulse, after in zip(segments, segments[1:], segments[2:], strict=False):
        kinds = before.kind, pulse.kind, after.kind
        if kinds in ((REST, CHARGE, REST), (REST, DISCHARGE, REST)):
            rows.append(_galvanostatic(before, pulse, after, cell))
    for before, hold in pairwise(segments):
        if before.kind in (HOLD, REST) and hold.kind == HOLD:
            rows.append(_potentiostatic(before, hold, cell))
    found = pd.DataFrame([r for r in rows if r is not None], columns=list(COLUMNS))
    return found.reset_index(drop=True)


def _galvanostatic(
    before: Segment, pulse: Segment, after: Segment, cell: Cell
) -> dict[str, object] | None:
    t, V = pulse.time, pulse.voltage
    if t is None or after.time is None or len(t) < FEW or t[-1] <= 0:
        return None
    tau = float(t[-1])
    later = t >= EARLY * tau
    k = float(np.polyfit(np.sqrt(t[later]), V[later], 1)[0])
    change = float(after.voltage[-1] - before.voltage[-1])
    if k * change <= 0:
        return None
    L = float(cell.cathode.thickness)
    D = 4 / (math.pi * tau) * (L * change / (k * math.sqrt(tau))) ** 2
    middle = 0.5 * float(after.voltage[-1] + before.voltage[-1])
    span = 0.1 * float(after.time[-1])
    earlier = float(np.interp(after.time[-1] - span, after.time, after.voltage))
    moves = 3.6e6 * abs(float(after.voltage[-1]) - earlier) / span
    return _row("GITT", D, middle, tau, moves, pulse, cell)


def _potentiostatic(
    before: Segment, hold: Segment, cell: Cell
) -> dict[str, object] | None:
    t, i = hold.time, np.abs(hold.current)
    if t is None or len(t) < FEW or not i[0] > 0:
        return None
    low, high = LATE[1] * i[0], LATE[0] * i[0]
    within = (i > low) & (i < high)
    if within.sum() < FEW:
        return None
    slope = float(np.polyfit(t[within], np.log(i[within]), 1)[0])
    L = float(cell.cathode.thickness)
    D = -slope * 4 * L**2 / math.pi**2
    middle = 0.5 * float(before.voltage[-1] + hold.voltage[-1])
    if D <= 0:
        return None
    return _row("PITT", D, middle, float(t[-1]), math.nan, hold, cell)


def _row(
    method: str,
    D: float,
    voltage: float,
    tau: float,
    moves: float,
    segment: Segment,
    cell: Cell,
) -> dict[str, object] | None:
    """Return a diffusivity [m2/s] beside that of the cell, None outside its U(x)."""
    try:
        x = cell.cathode.stoichiometry(voltage)
    except ValueError:
        return None
    time = Circuit.of(cell, x, segment.temperature).diffusion_time
    own = float(cell.cathode.thickness) ** 2 / time
    values = (method, x, voltage, 1e4 * D, 1e4 * own, D / own, tau / time, moves)
    return dict(zip(COLUMNS, values, strict=True))

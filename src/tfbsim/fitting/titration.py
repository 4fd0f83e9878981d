"""Diffusivities as a laboratory reads them off titrations, GITT and PITT.

In a short pulse of current the voltage runs as V_0 + k sqrt(t), the ohmic and kinetic
drop in V_0.  Of a pulse of length tau between two rests, which differ by Delta E_s,

    D = 4/(pi tau) (L Delta E_s/Delta E_t)^2,   Delta E_t = k sqrt(tau)       [1]_

By Sand's law a flux i/F changes the concentration of the surface by
2 (i/F) sqrt(t/(pi D)) [2]_.  The slope k, with U' = dU/dc of the cell, then gives

    D = (4/pi) [i U'/(F k)]^2

and so does the transition time tau after which the surface has changed by Delta c, in a
pulse that ends where U(x) is so steep that V_0 does not matter:

    D = (4 tau/pi) [i/(F Delta c)]^2

Each holds for tau well below L^2/D, no migration in the film and a rest that ends in
equilibrium; the first two for a straight U(x) within the pulse.  PITT: a staircase of
holds, whose current decays at long times as exp(-pi^2 D t/(4 L^2)), where diffusion alone
limits it [3]_.

Beside each stands the D of the cell itself, so that the ratio is the error of the
approximation where the record is simulated.

References
----------
.. [1] W. Weppner, R. A. Huggins, J. Electrochem. Soc. 124 (1977) 1569.
.. [2] H. J. S. Sand, Philos. Mag. 1 (1901) 45.
.. [3] C. J. Wen, B. A. Boukamp, R. A. Huggins, W. Weppner, J. Electrochem. Soc. 126
   (1979) 2258.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pandas as pd

from ..cell.cell import Cell
from ..cell.film import Film
from ..data.measured import CHARGE, DISCHARGE, HOLD, REST, Array, Segment
from ..errors import InputError
from ..materials.laws import FARADAY
from ..physics.circuit import Circuit

COLUMNS = (
    *("Method", "Stoichiometry", "Voltage [V]", "D [cm2.s-1]", "D of the cell [cm2.s-1]"),
    *("Ratio", "Pulse over L2/D", "Voltage at the end of rest moves by [mV.h-1]"),
)
HUGGINS, SLOPE, TRANSITION = "Weppner-Huggins", "Sand, slope", "Sand, transition"
PITT = "PITT"
# Method, D [m2/s], voltage [V], length [s], and how the rest ends [mV/h]
Value = tuple[str, float, float, float, float]
EARLY = 0.05  # of a pulse, in which double layers and kinetics may still settle
BEGIN = 0.25  # of a pulse, up to which V_0 is read
LATE = 0.4, 0.02  # of the first current of a hold, between which it decays as one term
FEW = 6  # samples of a pulse at least
SHARP = 0.05  # of the change of the surface, by which the drop V_0 may move its end


def diffusivities(segments: Sequence[Segment], cell: Cell) -> pd.DataFrame:
    """Return ``COLUMNS``, a row for each pulse or hold of a record and each method.

    The segments stand in a row: pulses and rests, or holds.  The cell gives thickness,
    sites and open-circuit potential, and the D beside it.

    Raises
    ------
    InputError
        The anode of the cell is a film.
    """
    if isinstance(cell.anode, Film):
        raise InputError(
            "is a film too: the voltage of a titration then has the diffusion of two "
            "films in it; a cell with a lithium anode would do",
            field="anode",
        )
    rows = []
    for k, (before, step) in enumerate(pairwise(segments)):
        after, T = segments[k + 2] if k + 2 < len(segments) else None, step.temperature
        found: Iterator[Value] = iter(())
        if before.kind == REST and step.kind in (CHARGE, DISCHARGE):
            found = _pulse(before, step, after, cell)
        elif before.kind in (HOLD, REST) and step.kind == HOLD:
            found = _hold(before, step, cell)
        with suppress(ValueError):  # outside U(x)
            for method, D, V, tau, moves in found:
                x = cell.stoichiometry(V, T)
                time = Circuit.of(cell, x, T).diffusion_time
                own = float(cell.cathode.thickness) ** 2 / time
                both = (1e4 * D, 1e4 * own, D / own, tau / time)
                rows.append((method, x, V, *both, moves))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def of_cell(cell: Cell, x: Array) -> Array:
    """Return the diffusivity of a cell's film at stoichiometries [m2/s]."""
    time = np.array([Circuit.of(cell, float(value)).diffusion_time for value in x])
    return np.asarray(float(cell.cathode.thickness) ** 2 / time)


def _pulse(
    before: Segment, pulse: Segment, after: Segment | None, cell: Cell
) -> Iterator[Value]:
    """Yield what a pulse after a rest gives, by each of three methods."""
    t, V = pulse.time, pulse.voltage
    if t is None or len(t) < FEW or t[-1] <= 0:
        return
    tau, first = float(t[-1]), float(before.voltage[-1])
    later = t >= EARLY * tau
    k = float(np.polyfit(np.sqrt(t[later]), V[later], 1)[0])
    L, T = float(cell.cathode.thickness), pulse.temperature
    i = 3600 * abs(float(pulse.capacity[-1])) / tau
    middle, moves = first, math.nan
    if after is not None and after.kind == REST and after.time is not None:
        middle = 0.5 * (first + float(after.voltage[-1]))
        change = 2 * (middle - first)
        span = 0.1 * float(after.time[-1])
        earlier = float(np.interp(after.time[-1] - span, after.time, after.voltage))
        moves = 3.6e6 * abs(float(after.voltage[-1]) - earlier) / span
        if k * change > 0:
            D = 4 / (math.pi * tau) * (L * change / (k * math.sqrt(tau))) ** 2
            yield HUGGINS, D, middle, tau, moves
    falls = -1 if pulse.kind == DISCHARGE else 1
    if falls * k <= 0 or i <= 0:
        return
    circuit = Circuit.of(cell, cell.stoichiometry(middle, T), T)
    slope = circuit.warburg * L / circuit.diffusion_time  # -U'/F of the true area
    yield SLOPE, 4 / math.pi * (i * slope / k) ** 2, middle, tau, moves
    x, (low, high) = cell.stoichiometry(first, T), cell.x_range
    start = later & (t <= BEGIN * tau)
    V_0 = np.polyfit(np.sqrt(t[start]), V[start], 1)[1] if start.sum() >= FEW else V[0]
    ends = [float(V[-1]), float(V[-1] + first - V_0)]
    at_ends = [_within(cell, end, T, low if falls > 0 else high) for end in ends]
    surface = at_ends[1] - x
    if abs(at_ends[0] - at_ends[1]) < SHARP * abs(surface) and falls * surface < 0:
        charge = FARADAY * cell.site_inventory / L * abs(surface)
        D = 4 * tau / math.pi * (i / charge) ** 2
        yield TRANSITION, D, first, tau, moves


def _within(cell: Cell, voltage: float, temperature: float | None, end: float) -> float:
    """Return x in equilibrium at a voltage, beyond the range of U(x) its end."""
    try:
        return cell.stoichiometry(voltage, temperature)
    except ValueError:
        return end


def _hold(before: Segment, hold: Segment, cell: Cell) -> Iterator[Value]:
    """Yield what the decay of the current of a hold gives."""
    t, i = hold.time, np.abs(hold.current)
    if t is None or len(t) < FEW or not i[0] > 0:
        return
    low, high = LATE[1] * i[0], LATE[0] * i[0]
    within = (i > low) & (i < high)
    if within.sum() < FEW:
        return
    slope = float(np.polyfit(t[within], np.log(i[within]), 1)[0])
    D = -slope * 4 * float(cell.cathode.thickness) ** 2 / math.pi**2
    middle = 0.5 * float(before.voltage[-1] + hold.voltage[-1])
    if D > 0:
        yield PITT, D, middle, float(t[-1]), math.nan

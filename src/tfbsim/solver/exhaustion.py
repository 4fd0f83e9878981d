"""What follows when a collector has been stripped of its lithium, down to 1e-6 n_c.

- A discharge to a lower cut-off goes on: the overpotential grows as ln(1/n), so that the
  voltage falls through the cut-off with the last of the lithium, microseconds later.
  That is solved in stretches of six decades of n, short enough to resolve their ends.
- In a rest, a hold or a charge that the leak eats up, the collector blocks: nothing is
  left to oxidise, i + i_e = 0, and V or i follows from the other by the leak alone, i_e =
  g (V + i R_contact).  A resting cell that leaks floats at 0 V.  The film levels out.

A discharge without a cut-off ends there, "lithium exhausted".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..cell.cell import Cell
from ..experiment.steps import Step
from ..materials.laws import FARADAY
from ..physics.lithium import EXHAUSTED
from .engine import LEAST, Engine, engine
from .trace import CURRENT_CUT_OFF, MINIMUM_VOLTAGE, Request, SolverFailed, State, Trace

DECADES = (1e-12, 1e-18, 1e-24)
COUNTED = "[A.h]", "[W.h]"  # units of what is counted from the start of a step
Run = Callable[[float, State, Mapping[str, float]], Trace]


def stripped_bare(trace: Trace, run: Run, cell: Cell, step: Step) -> Trace:
    """Continue a discharge that ran out of lithium to its lower cut-off, if any."""
    found = trace
    if step.lower is None:
        return trace
    for least in DECADES:
        charge = found.end.inventory * cell.site_inventory * FARADAY * float(cell.area)
        current = float(found.observed["Current [A]"][-1])
        try:
            duration = 2 * max(charge / current, 1e-12)
            last = run(duration, found.end, {LEAST: least})
        except SolverFailed:
            return trace
        found = joined(found, last)
        if last.event == MINIMUM_VOLTAGE:
            return found
        if last.event != EXHAUSTED:
            return trace
    return trace


def blocks(cell: Cell, solver: Engine, state: State, step: Step) -> bool:
    """Return whether a step begins on a bare collector, and would strip it."""
    g, R = _conductance(cell, solver, step), float(cell.contact_resistance)
    driven = step.control == "voltage" or (step.value <= 0 and g > 0)
    if not driven or state.inventory > cell.least_inventory:
        return False
    parameters = cell.parameters(step.temperature)
    rest = _blocking(solver).run(Request("current", 0.0, 1e-9, state, parameters))
    V, i = _by_leak(g, R, step, float(cell.area))
    return V + i * R < float(rest.observed["Voltage [V]"][0])


def blocked(solver: Engine, state: State, step: Step, cell: Cell, past: float) -> Trace:
    """Run a rest, hold or charge from the time [s] at which the collector is bare."""
    R, area = float(cell.contact_resistance), float(cell.area)
    V, i = _by_leak(_conductance(cell, solver, step), R, step, area)
    c_rate = abs(i) / cell.one_c_current_density
    over = step.c_rate_cut_off is not None and c_rate <= step.c_rate_cut_off
    left = 1e-9 if over else max(step.duration - past, 1e-9)
    parameters = cell.parameters(step.temperature)
    rest = _blocking(solver).run(Request("current", 0.0, left, state, parameters))
    seen = dict(rest.observed)
    eta, volts, one = "Lithium overpotential [V]", "Voltage [V]", np.ones_like(rest.t)
    seen |= {
        eta: seen[eta] + seen[volts] - V - i * R,
        volts: V * one,
        "Current [A]": i * area * one,
        "Contact voltage drop [V]": i * R * one,
        "Leakage current density [A.m-2]": -i * one,
        "Discharge capacity [A.h]": i * area * rest.t / 3600,
        "Throughput capacity [A.h]": -i * area * rest.t / 3600,
        "Charge energy [W.h]": -i * V * area * rest.t / 3600,
        "Leakage capacity [A.h]": -i * area * rest.t / 3600,
    }
    return replace(rest, observed=seen, event=CURRENT_CUT_OFF if over else rest.event)


def _conductance(cell: Cell, solver: Engine, step: Step) -> float:
    """Return the conductance of the electrolyte for electrons [S.m-2]."""
    parameters = cell.parameters(step.temperature)
    constants = solver.built("current").constants(parameters)
    return float(constants.get("Leakage conductance [S.m-2]", 0.0))


def _by_leak(g: float, R: float, step: Step, area: float) -> tuple[float, float]:
    """Return voltage [V] and current density [A.m-2] where only the leak conducts.

    -i = g (V + i R), of a conductance g [S.m-2] behind a resistance R [Ohm.m2].
    """
    if step.control == "voltage":
        return step.value, -g * step.value / (1 + g * R)
    i = step.value / area
    if step.control == "power":
        i = -math.sqrt(-step.value / area * g / (1 + g * R))
    return (-i / g - i * R if i else 0.0), i


def _blocking(solver: Engine) -> Engine:
    """Return the engine of the film with nothing that passes the electrolyte."""
    return engine(solver.structure.choosing("leakage", "none"), solver.numerics)


def joined(*traces: Trace, jump: bool = False) -> Trace:
    """Join the traces of one step; of those that end at once the last.

    Both values at a jump are kept, or the point in common once.
    """
    *others, last = traces
    parts = [trace for trace in others if len(trace.t) > 1] + [last]
    if len(parts) == 1:
        return last

    def chain(series: Sequence[np.ndarray], counted: bool) -> np.ndarray:
        ends = [values[-1] if counted else 0.0 for values in series]
        before = np.cumsum(ends)
        new = (values[0 if jump else 1 :] for values in series[1:])
        return np.concatenate(
            [series[0], *(a + b for a, b in zip(new, before, strict=False))]
        )

    return Trace(
        chain([part.t for part in parts], True),
        {
            name: chain([part.observed[name] for part in parts], name.endswith(COUNTED))
            for name in parts[0].observed
        },
        np.concatenate(
            [parts[0].profiles, *(p.profiles[0 if jump else 1 :] for p in parts[1:])]
        ),
        last.end,
        last.event,
        max(part.fallback for part in parts),
        max(part.stray for part in parts),
        max(part.gained for part in parts),
    )

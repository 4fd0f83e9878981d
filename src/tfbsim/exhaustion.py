"""What follows when a collector has been stripped of its lithium, down to 1e-6 n_c.

- A discharge to a lower cut-off goes on: the overpotential grows as ln(1/n), so that the
  voltage falls through the cut-off with the last of the lithium, microseconds later.  It
  is solved as a step of its own, whose times are short enough to resolve it.
- In a rest the electrolyte can leak no longer, there being nothing to oxidise: i + i_e
  = 0 with i = 0, so no potential is left between its faces and the cell floats at 0 V
  while the film levels out.

Anything else ends there, "lithium exhausted".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .engine import MINIMUM_VOLTAGE, Engine, SolverFailed, State, Trace, engine
from .materials.laws import FARADAY

if TYPE_CHECKING:
    from .cell import Cell
    from .protocol import Step

LEAST = "Exhausted lithium over that of coverage"
COUNTERS = (
    *("Discharge capacity [A.h]", "Throughput capacity [A.h]"),
    *("Discharge energy [W.h]", "Leakage capacity [A.h]"),
)
Run = Callable[[float, State, Mapping[str, float]], Trace]


def stripped_bare(trace: Trace, run: Run, cell: Cell, step: Step) -> Trace:
    """A discharge that ran out of lithium, on to its lower cut-off if it has one."""
    if step.lower is None:
        return trace
    last = trace.end.inventory * cell.site_inventory * FARADAY * float(cell.area)
    current = float(trace.observed["Current [A]"][-1])
    try:
        rest = run(2 * max(last / current, 1e-9), trace.end, {LEAST: 0.0})
    except SolverFailed:
        return trace
    return joined(trace, rest) if rest.event == MINIMUM_VOLTAGE else trace


def floated(solver: Engine, trace: Trace, step: Step, cell: Cell) -> Trace:
    """A rest of which the leak took the last lithium, with the collector blocking."""
    blocking = engine(replace(solver.structure, leakage=False), solver.numerics)
    parameters = cell.parameters(step.temperature)
    left = step.duration - float(trace.t[-1])
    rest, _ = blocking.run("current", 0.0, left, trace.end, parameters)
    seen = dict(rest.observed)
    # The collector is at no potential of its own: it takes what the leak imposes
    V, eta = "Voltage [V]", "Lithium overpotential [V]"
    seen |= {eta: seen[eta] + seen[V], V: np.zeros_like(seen[V])}
    return joined(trace, replace(rest, observed=seen), jump=True)


def joined(first: Trace, second: Trace, jump: bool = False) -> Trace:
    """Two traces of one step, one after the other; where one ends at once, the other."""
    if len(first.t) == 1:
        return second
    new = slice(0, None) if jump else slice(1, None)
    observed = {
        name: np.concatenate([values, second.observed[name][new] + offset])
        for name, values in first.observed.items()
        for offset in [values[-1] if name in COUNTERS else 0.0]
    }
    return Trace(
        np.concatenate([first.t, first.t[-1] + second.t[new]]),
        observed,
        np.concatenate([first.profiles, second.profiles[new]]),
        second.end,
        second.event,
    )

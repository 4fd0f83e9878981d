"""What a step came to, in a word and in words: why it ended, and how well it is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..cell.cell import Cell
from ..experiment.steps import Step
from ..materials.laws import Array
from ..physics.law import End
from ..physics.lithium import EXHAUSTED, NOTHING_LEFT
from ..physics.thin_film_cell import declared_by
from .engine import Engine
from .fallbacks import FALLBACKS
from .records import (
    INFEASIBLE,
    LITHIUM_EXHAUSTED,
    MEAN,
    REACHED,
    SOLVER_FAILED,
    TIME_LIMIT,
)
from .resolution import unresolved
from .start import MET
from .trace import (
    CHARGE_CUT_OFF,
    CURRENT_CUT_OFF,
    FILM_LIMIT,
    HOLD_LIMIT,
    MAXIMUM_VOLTAGE,
    MINIMUM_VOLTAGE,
    NO_LIMIT,
    POWER_LIMIT,
    SEEN,
    SOLVER_FAILURE,
    Trace,
)

LIMITS = MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE


def as_asked(step: Step, event: str | Array | None) -> Array:
    """Return whether an event is an end a step asks for; of many cells, of each."""
    asked = {
        None: step.timed,
        CHARGE_CUT_OFF: True,
        CURRENT_CUT_OFF: True,
        MINIMUM_VOLTAGE: step.lower is not None,
        MAXIMUM_VOLTAGE: step.upper is not None,
    }
    return np.isin(np.asarray(event, object), [end for end, so in asked.items() if so])


def left_by(V: Array, limits: Sequence[float]) -> Array:
    """Return how far a voltage goes beyond limits it was within, below and above [V]."""
    beyond = np.stack([limits[0] - V, V - limits[1]])
    return np.where(beyond[:, 0] <= 0, beyond.max(axis=1), 0.0)


def cut_offs(step: Step, limits: Sequence[float]) -> tuple[float, float]:
    """Return the voltages that end a step [V].

    They are those it asks for, or the limits of the cell; a rest, or a hold, has none.
    """
    if step.control == "voltage" or (step.rest and not step.profile):
        return -NO_LIMIT, NO_LIMIT
    lower, upper = limits
    lower = lower if step.lower is None else step.lower
    return lower, upper if step.upper is None else step.upper


def ending(step: Step, trace: Trace, cell: Cell, solver: Engine) -> tuple[str, str]:
    """Return the outcome of a step that ran, and what there is to say of it."""
    outcome, detail = _outcome(step, trace, cell)
    words = [detail, *unresolved(trace, cell, solver)]
    failed = trace.event in (SOLVER_FAILURE, POWER_LIMIT)
    if trace.fallback and not failed:
        rtol, _ = FALLBACKS[trace.fallback].tolerances(solver.numerics)
        sharper = rtol < solver.numerics.rtol
        how = f"at rtol {rtol:.0e}" if sharper else f"with fallback {trace.fallback}"
        words.append(f"solved {how}")
    if trace.stray > HOLD_LIMIT:
        words.append(f"the voltage strayed from its target by {trace.stray:.2g} V")
    return outcome, "; ".join(word for word in words if word)


def beyond_at_once(trace: Trace, cell: Cell, solver: Engine) -> str:
    """Say so where a step would begin beyond the cell's voltage limits."""
    if len(trace.t) > 1 or trace.event not in (MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE):
        return ""
    below, V = trace.event == MINIMUM_VOLTAGE, float(trace.observed["Voltage [V]"][0])
    limit = cell.voltage_limits[not below]
    if not (limit - MET > V if below else limit + MET < V):
        return ""
    at = f"it would begin at {V:.4g} V, the cell's voltage limit is {limit:g} V"
    return next(iter(unresolved(trace, cell, solver)), at)


def _outcome(step: Step, trace: Trace, cell: Cell) -> tuple[str, str]:
    event = None if trace.event is None else str(trace.event)
    if as_asked(step, event):
        return REACHED, _reached(step, trace, cell)
    if event is None:
        hours = step.duration / 3600
        detail = f"no end within {hours:.3g} h, the default time limit"
        return TIME_LIMIT, detail + _by_leakage(step, trace, cell)
    if event == EXHAUSTED:
        return LITHIUM_EXHAUSTED, NOTHING_LEFT.detail + _left(trace, cell)
    if event == POWER_LIMIT:
        return INFEASIBLE, "the cell cannot give this power any longer"
    if event == SOLVER_FAILURE:
        V, x = (trace.observed[n][-1] for n in ("Voltage [V]", MEAN))
        return SOLVER_FAILED, f"after {trace.t[-1]:.6g} s, at {V:.4g} V, x = {x:.4g}"
    if event == FILM_LIMIT:
        detail = _full_or_empty(trace, cell)
        return INFEASIBLE, detail + _by_leakage(step, trace, cell)
    if event not in LIMITS:
        ends = {end.event: end for end in declared_by(cell.structure).ends}
        end = ends.get(event, End(event, INFEASIBLE, event))
        return end.outcome, end.detail
    limit = cell.voltage_limits[LIMITS.index(event)]
    detail = f"the cell's voltage limit of {limit:g} V came first"
    against = event == MINIMUM_VOLTAGE and step.value < 0
    return INFEASIBLE, detail + (_by_leakage(step, trace, cell) if against else "")


def _reached(step: Step, trace: Trace, cell: Cell) -> str:
    """Say what there is to say of a step that ended as asked."""
    if trace.event not in LIMITS:
        said = _blocks(step, trace, cell)
        return said or (_outside(trace, cell) if step.rest else "")
    below = trace.event == MINIMUM_VOLTAGE
    if below and trace.end.inventory < cell.least_inventory:
        return f"the last lithium{_left(trace, cell)}"
    if len(trace.t) > 1:
        return ""
    asked = step.lower if below else step.upper
    V = float(trace.observed["Voltage [V]"][-1])
    past = "met" if abs(V - float(asked or 0)) < SEEN else f"past {asked:g} V"
    return f"reached at once: {V:.4g} V is {past} already"


def _by_leakage(step: Step, trace: Trace, cell: Cell) -> str:
    """Say so where a hold or a charge cannot end because the electrolyte leaks."""
    leakage = trace.observed["Leakage current density [A.m-2]"].max()
    current = abs(trace.observed["Current [A]"][-1]) / cell.area
    end = current
    if step.c_rate_cut_off is not None:
        end = step.c_rate_cut_off * cell.one_c_current_density
    if leakage <= 0 or (step.value > 0 and step.control != "voltage") or end > leakage:
        return ""
    return f": the electrolyte leaks {100 * leakage:.3g} uA/cm2, all that flows in"


def _blocks(step: Step, trace: Trace, cell: Cell) -> str:
    """Say so where a step goes on without lithium on the collector."""
    discharge = step.value > 0 and step.control != "voltage"
    if not cell.anode.plated or discharge:
        return ""
    V, i = (float(trace.observed[n][-1]) for n in ("Voltage [V]", "Current [A]"))
    empty = trace.end.inventory <= cell.least_inventory
    if not empty or (step.rest and V) or i > 0:
        return ""
    metal = trace.observed["Lithium thickness [m]"]
    hours = trace.t[int(np.argmax(metal <= metal[-1]))] / 3600
    return f"no lithium after {hours:.3g} h: the collector blocks, V is {V:.4g} V"


def _left(trace: Trace, cell: Cell) -> str:
    """Say what is left of lithium that was plated in situ."""
    if not cell.anode.plated:
        return ""
    left = 1e9 * float(trace.observed["Lithium thickness [m]"][-1])
    return f": {left:.2g} nm remain on the collector"


def _outside(trace: Trace, cell: Cell) -> str:
    """Say so where a rest takes the voltage out of the cell's limits."""
    limits, V = cell.voltage_limits, trace.observed["Voltage [V]"]
    for limit, by, sign in zip(limits, left_by(V, limits), (-1, 1), strict=True):
        if by > SEEN:
            V_most = limit + sign * by
            return f"V goes to {V_most:.4g} V, beyond the cell's limit of {limit:g} V"
    return ""


def _full_or_empty(trace: Trace, cell: Cell) -> str:
    """Say where a film is full, or empty, of lithium."""
    last = trace.profiles[-1]
    places = {}  # share of the sites, x
    for side, film in cell.structure.films.items():
        name = "film" if side == "Cathode" else "anode"
        for word, face in (("surface", "surface"), ("collector face", "collector")):
            x = float(trace.observed[f"{side} {face} stoichiometry"][-1])
            places[f"{name}'s {word}"] = x / film.x_max, x
    x_max = cell.cathode.x_max
    extremes = ((float(x) / x_max, float(x)) for x in (last.min(), last.max()))
    places["inside of the film"] = max(extremes, key=lambda of: abs(of[0] - 0.5))
    where, (share, x) = max(places.items(), key=lambda item: abs(item[1][0] - 0.5))
    for face in list(places)[:-1]:  # a face rather than a node beside it
        if abs(places[face][0] - share) < SEEN:
            where, (share, x) = face, places[face]
            break
    word = "empty" if share < 0.5 else "full"
    return f"the {where} is {word} of lithium, at x = {x:.4g}"

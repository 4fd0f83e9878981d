"""What a step is asked, and what is answered: states, requests, traces.

Two numbers audit every trace: how far a held voltage strayed, and how much lithium came
from nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..materials.laws import FARADAY, Array, Floats
from ..physics.lithium import INVENTORY
from ..physics.site_loss import ACTIVE

Inputs = dict[str, Floats]  # of a discretised model, by name
Mode = str  # "current", "voltage" or "power"; of what changes in a step, " ramp" besides
RAMP = " ramp"

CURRENT_CUT_OFF = "Current cut-off"
CHARGE_CUT_OFF = "Charge cut-off [A.h]"
FILM_LIMIT, POWER_LIMIT = "Film limit", "Power limit"
SOLVER_FAILURE = "Solver failure"
MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE = "Minimum voltage [V]", "Maximum voltage [V]"
PROFILE, ANODE_PROFILE = "Cathode stoichiometry", "Anode stoichiometry"
# A table of U(x) may end above a lower cut-off; its straight continuation may carry the
# surface a little beyond full, not farther.  Of an ideal law the table that the model
# sees ends at 1e-9 of the sites: a voltage beyond it is met just short of empty.
OVERFULL, UNDEREMPTY = 1.02, -1e-6
# Of the sites, at a face: within an end, and the most that a step begins beyond it
ROUNDED, ROUNDING = 1e-12, 1e-9
HOLD_LIMIT = 2e-4  # V, that a held voltage may stray
CURVE_TOLERANCE = 5e-5  # V, of linear interpolation between points of a curve
BALANCE_LIMIT = 1e-8  # of the lithium exchanged, that a step or a cycle may gain or lose
SEEN = 1e-3  # V or share of the sites, beyond an end: more than an interpolant is off
NO_LIMIT = 1e3  # a voltage or C-rate no cell reaches: the cut-off is off


@dataclass(frozen=True)
class State:
    """What a step hands to the next.

    Parameters
    ----------
    values : mapping of str to ndarray
        Differential states by name, those of every law.
    current : float
        What flowed last [A]: where the current of a hold is looked for first.
    """

    values: Mapping[str, Array]
    current: Floats = 0.0

    @classmethod
    def of(
        cls, y: Array, slices: dict[str, slice], carried: Sequence[str], current: float
    ) -> State:
        """Return the state of a state vector of the solver."""
        return cls({name: y[slices[name]].copy() for name in carried}, current)

    @property
    def profile(self) -> Array:
        """Stoichiometry at the mesh nodes, shape (nodes,)."""
        return self.values[PROFILE]

    @property
    def at_anode(self) -> dict[str, Array]:
        """Stoichiometry of a film at the anode, as a trace of one moment observes it."""
        there = self.values.keys() & {ANODE_PROFILE}
        return {name: self.values[name][None] for name in there}

    @property
    def inventory(self) -> float:
        """Lithium metal at the anode over the cathode's sites; infinite of a film."""
        return float(self.values[INVENTORY][0]) if INVENTORY in self.values else math.inf

    @property
    def inputs(self) -> Inputs:
        """What the solver takes to start from it."""
        return {f"Initial: {name}": value for name, value in self.values.items()}


@dataclass(frozen=True)
class Request:
    """One control from one state until its time or an event ends it.

    Parameters
    ----------
    mode : str
        "current", "voltage" or "power"; with " ramp" behind it where it changes.
    target : float
        Current [A], voltage [V] or power [W] at the start; discharge positive.
    duration : float
        Time limit [s].
    state : State
        Where it starts.
    parameters : dict
        The scalar parameters of :class:`ThinFilmCell`, SI.
    lower, upper : float
        Voltages that end it [V].
    c_rate_cut_off : float
        In voltage mode, |C-rate| that ends it; negative for none.
    curve : bool
        Whether the trace has all of its points, or only its first and last.
    change : float
        Of the target of a ramp, until the duration is over.
    charge : float
        Exchanged charge that ends it [A.h]; not in mode "current", where it is a time.
    """

    mode: Mode
    target: float
    duration: float
    state: State
    parameters: Mapping[str, Floats]
    lower: float = -NO_LIMIT
    upper: float = NO_LIMIT
    c_rate_cut_off: float = -1.0
    curve: bool = True
    change: float = 0.0
    charge: float = NO_LIMIT

    @property
    def control(self) -> str:
        """What is controlled: "current", "voltage" or "power"."""
        return self.mode.removesuffix(RAMP)


@dataclass(frozen=True)
class Trace:
    """A solved stretch of time at one control; of many cells, with a last dimension.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Time since its start [s]: the solver's own steps.
    observed : dict of ndarray, shape (samples,)
        What the laws of the model observe, by name.
    profiles : ndarray, shape (samples, nodes)
        Stoichiometry at the mesh nodes.
    end : State
        Where the next step starts.
    event : str or None
        The event that ended it; None if the time ran out.
    fallback : int
        Number of the solver's fallback it took; 0 for none.
    stray : float
        How far a held voltage was from its target at most [V].
    gained : float
        Lithium that came from nowhere, over what was exchanged.
    overshoot : float
        How far x was beyond the film at any step of the solver, of its sites.
    """

    t: Array
    observed: dict[str, Array]
    profiles: Array
    end: State
    event: str | Array | None
    fallback: int = 0
    stray: Floats = 0.0
    gained: Floats = 0.0
    overshoot: float = 0.0

    @property
    def doubt(self) -> Floats:
        """The largest of what is audited, over its limit."""
        return np.maximum(self.stray / HOLD_LIMIT, self.gained / BALANCE_LIMIT)


class Infeasible(Exception):
    """No current meets the control at the state a step starts from."""


class SolverFailed(Exception):
    """The solver gave up, also with every fallback."""


def stoichiometries(profiles: Array, observed: dict[str, Array]) -> Array:
    """Return what profiles are over the active sites; the state is over those as made."""
    return profiles / observed[ACTIVE][:, None] if ACTIVE in observed else profiles


def gained(observed: dict[str, Array], sites: Floats, area: Floats) -> Array:
    """Return lithium that came from nowhere, over what was exchanged.

    Parameters
    ----------
    observed : dict of ndarray, shape (times,) or (times, cells)
        Of a step.
    sites, area : float or ndarray
        Of the film [mol.m-2], [m2].
    """
    total = observed["Total lithium [mol.m-2]"]
    passed = 3600 * observed["Throughput capacity [A.h]"][-1] / (FARADAY * area)
    least = least_exchanged(sites, total[0])
    return np.abs(total - total[0]).max(axis=0) / np.maximum(passed, least)


def least_exchanged(sites: Floats, total: Floats) -> Array:
    """Return what a balance is at least relative to, by what is rounded.

    Parameters
    ----------
    sites : float or ndarray
        Those of a film, or of many, in any unit.
    total : float or ndarray
        All lithium of the cells, in the same.
    """
    return np.maximum(1e-3 * sites, 1e-6 * total)


def ahead(inputs: Mapping[str, Floats], V: Floats, current: Floats) -> dict[str, Array]:
    """Return the voltages that end a step, of one cell or of many.

    A limit that is passed already does not end a step that leads away from it.

    Parameters
    ----------
    inputs : mapping
        With both as they were asked for.
    V, current : float or ndarray
        At the start of the step [V], [A].
    """
    below, above = "Lower voltage cut-off [V]", "Upper voltage cut-off [V]"
    lower, upper = inputs[below], inputs[above]
    return {
        below: np.where((current <= 0) & (lower >= V), -NO_LIMIT, lower),
        above: np.where((current >= 0) & (upper <= V), NO_LIMIT, upper),
    }

"""One discretised model per structure, and the solver that steps it.

The structure of a cell is what cannot be a number in a solved model: the open-circuit
law, the shape of D(x), which kinetics are explicit.  Everything else - thickness, area,
rate, D, i_0, sigma, resistances, temperature, cut-offs, the state a step starts from -
is an input, so a sweep over them never rebuilds anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pybamm

from ..cell.structure import Structure
from ..materials.laws import FARADAY, Array, Floats
from ..numerics import Numerics
from ..physics.counters import Counters
from ..physics.lithium import EXHAUSTED, INVENTORY
from ..physics.mesh import Depths
from .discretised import (
    CHANGE,
    DURATION,
    FACES,
    GUESS,
    TARGET,
    VOLTAGE,
    Discretised,
)
from .ends import cut, refined
from .energy import IN, OUT, energies
from .fallbacks import FALLBACKS, LAST
from .one_at_a_time import one_at_a_time
from .start import Start
from .trace import (
    ANODE_PROFILE,
    CHARGE_CUT_OFF,
    FILM_LIMIT,
    POWER_LIMIT,
    PROFILE,
    ROUNDED,
    SOLVER_FAILURE,
    Inputs,
    Mode,
    Request,
    SolverFailed,
    State,
    Trace,
    ahead,
    gained,
    stoichiometries,
)

POWER_GAIN = 0.3
COLLAPSE = 1e-3  # of the time passed: a voltage that would be 0 so soon is lost
LOOKED_AT = 16  # samples of a hold whose curve is not kept
# Losses behind the faces of the electrolyte
BEHIND = "Contact voltage drop [V]", "Electron path voltage drop [V]"
TURNED = 1e-9, 1e-2  # of 1C, or of the first current: one where it turns
LEAST = "Exhausted lithium over that of coverage"


@dataclass(frozen=True)
class Linearised:
    """A cell in the neighbourhood of a state, its voltage held.

    M dy/dt = J (y - y_0) + rates, as :func:`~tfbsim.solver.integrator.system` has it with
    the equation of each film's mean; row ``control`` of J is d(voltage)/dy, and that of y
    the C-rate.

    Parameters
    ----------
    J, M : ndarray, shape (states, states)
        Jacobian [1/s] and mass.
    rates : ndarray, shape (states,)
        At y_0 [1/s].
    slices : dict of slice
        Where states are, by name.
    control : int
        Number of the C-rate among the states.
    nominal : float
        Current of a C-rate of 1 [A].
    observed : dict of ndarray, shape (1,)
        What the laws of the model observe at y_0, by name.
    """

    J: Array
    M: Array
    rates: Array
    slices: dict[str, slice]
    control: int
    nominal: float
    observed: dict[str, Array]


class Engine:
    """Steps a cell of one structure: ``run`` is a CC, CV, power or rest step.

    Parameters
    ----------
    structure : Structure
        What the model is built for.
    numerics : Numerics
        Mesh and tolerances.
    """

    def __init__(self, structure: Structure, numerics: Numerics) -> None:
        self.structure = structure
        self.numerics = numerics
        self._built: dict[Mode, Discretised] = {}

    @one_at_a_time
    def built(self, mode: Mode) -> Discretised:
        """Return the discretised model for a control, built on first use."""
        if mode not in self._built:
            self._built[mode] = Discretised(self.structure, self.numerics, mode)
        return self._built[mode]

    @property
    def xi(self) -> Array:
        """Mesh nodes y/L, from the electrolyte face, shape (nodes,)."""
        return np.asarray(self.built("current").nodes)

    @property
    def mesh(self) -> pybamm.SubMesh:
        """Mesh through the film."""
        return self.built("current").mesh

    @property
    def weights(self) -> Array:
        """What a mean over the film weighs each node by, shape (nodes,)."""
        return np.asarray(self.built("current").weights)

    @property
    def thinnest_layer(self) -> float:
        """Thickness over L of the thinnest boundary layer that the mesh resolves."""
        return self.built("current").thinnest_layer

    @property
    def depths(self) -> Depths:
        """The volumes that profiles are stated in."""
        return self.built("current").depths

    def uniform(self, x: float, anode: float) -> State:
        """Return the state of a cell with a uniform cathode.

        Parameters
        ----------
        x : float
            Its stoichiometry.
        anode : float
            As :meth:`Cell.anode_at`: stoichiometry of a film, or lithium over the
            cathode's sites.
        """
        even = np.ones(self.numerics.nodes)
        other = {INVENTORY: np.array([anode])}
        if self.structure.anode is not None:
            other = {ANODE_PROFILE: anode * even}
        return State({PROFILE: x * even, **other})

    def completed(self, state: State, parameters: Mapping[str, Floats]) -> State:
        """Return a state with those of every law, as made where it has none."""
        found = self.built("current").missing({**parameters, **state.inputs})
        others = {n.removeprefix("Initial: "): np.asarray(x) for n, x in found.items()}
        return replace(state, values={**state.values, **others})

    @one_at_a_time
    def instant(
        self,
        x: float,
        current: float,
        parameters: dict[str, float],
        anode: float = 1.0,
    ) -> dict[str, float]:
        """Return what is observed the instant a current [A] flows in a cell uniform at x,
        with so much lithium at the anode, as :meth:`uniform` takes it."""
        inputs: Inputs = {
            **parameters,
            DURATION: 1.0,
            **dict.fromkeys(
                ("Lower voltage cut-off [V]", "Upper voltage cut-off [V]"), 0.0
            ),
            **self.uniform(x, anode).inputs,
            f"Initial: {FACES}": GUESS,
        }
        inputs |= self.built("current").missing(inputs)
        inputs |= self.built("current").constants(inputs)
        observed = Start(self.built("current"), inputs).observe(current)
        return {name: float(values[0]) for name, values in observed.items()}

    @one_at_a_time
    def run(self, request: Request) -> Trace:
        """Step a cell at one control until its time or an event ends it.

        Raises
        ------
        Infeasible
            No current meets the target at the start.
        SolverFailed
            Every fallback failed.
        """
        now, built, state = self.built("current"), self.built(request.mode), request.state
        own = self.inputs(request)
        own |= now.constants(own)
        start = Start(now, own)
        first = start.observe(
            start.current_for(request.control, request.target, state.current)
        )
        V, current = (float(first[n][0]) for n in ("Voltage [V]", "Current [A]"))
        own |= ahead(own, V, current)
        # What is solved for starts from what was found
        known = first.keys() & built.solved_for
        own |= {f"Initial: {name}": float(first[name][0]) for name in known}
        own["Initial: C-rate"] = current / own["Nominal cell capacity [A.h]"]
        own[f"Initial: {VOLTAGE}"] = V
        behind = (drop[0] for name, drop in first.items() if name in BEHIND)
        own[f"Initial: {FACES}"] = V + float(sum(behind))
        y, p = built.guess(own), built.stack(own)
        margins = built.margins(y, p)
        if margins[FILM_LIMIT] <= 0 and (x := built.taken_back(y, p)) is not None:
            y[built.slices[PROFILE]] = x
            margins[FILM_LIMIT] = ROUNDED
        event = next((end for end, margin in margins.items() if margin <= 0), None)
        if event:
            return _instant(state, first, event)
        best: Trace | SolverFailed | None = None
        answer: Trace | SolverFailed
        for fallback in range(len(FALLBACKS)):
            if best is not None and not _doubtful(best):
                break
            if best is not None and fallback <= LAST:
                continue
            try:
                answer = self._solved(built, request, own, y, p, fallback)
            except SolverFailed as reason:
                answer = reason
            if fallback < LAST and _failed(answer):
                continue
            if best is None or _worth(answer) > _worth(best):
                best = answer
        assert best is not None
        if isinstance(best, Trace):
            return best
        why = self._why_failed(request, np.zeros(1), first, state, own)
        if why == SOLVER_FAILURE:
            raise best
        return _instant(state, first, why)

    @one_at_a_time
    def linearised(self, request: Request) -> Linearised:
        """Linearise a cell about the state and control that a step would start with.

        Raises
        ------
        Infeasible, SolverFailed
            No current meets the target.
        """
        now, built = self.built("current"), self.built("voltage")
        inputs = self.inputs(request)
        inputs |= now.constants(inputs)
        start = Start(now, inputs)
        current = start.current_for(
            request.control, request.target, request.state.current
        )
        observed, (y, p) = start.observe(current), start.at(current)
        c_rate = current / inputs["Nominal cell capacity [A.h]"]
        V = float(observed["Voltage [V]"][0])
        inputs |= {"Initial: C-rate": c_rate, TARGET["voltage"]: V}
        at = built.guess(inputs)
        for name, where in built.slices.items():
            at[where] = c_rate if name == "C-rate" else y[now.slices[name]]
        p, of = built.stack(inputs), built.of_means
        J = of["jac_times_cjmass"](0, at, p, 0).full()
        M = of["mass_action"](np.eye(len(at))).full()
        rates = of["rhs_alg"](0, at, p).full()[:, 0]
        nominal = float(inputs["Nominal cell capacity [A.h]"])
        k = built.slices["C-rate"].start
        return Linearised(J, M, rates, built.slices, k, nominal, observed)

    def inputs(self, request: Request) -> Inputs:
        """Return what the models take for a request, without the constants of it."""
        state = request.state
        inputs: Inputs = {
            **request.parameters,
            TARGET[request.control]: request.target,
            CHANGE: request.change,
            CHARGE_CUT_OFF: request.charge,
            DURATION: request.duration,
            "Lower voltage cut-off [V]": request.lower,
            "Upper voltage cut-off [V]": request.upper,
            "C-rate cut-off": request.c_rate_cut_off,
            **state.inputs,
            f"Initial: {FACES}": GUESS,
        }
        return inputs | self.built("current").missing(inputs)

    def _solved(
        self,
        built: Discretised,
        request: Request,
        own: Inputs,
        y0: Array,
        p: Array,
        fallback: int,
    ) -> Trace:
        """Solve a request by the solver, or by a fallback."""
        try:
            s = built.solve(y0, p, fallback, request.curve)
        except pybamm.SolverError as error:
            raise SolverFailed(str(error).splitlines()[0]) from None
        s, event = cut(built, own, s, p)
        fine, added = refined(built, s)
        held = request.control == "voltage"
        if request.curve:
            t, y = fine.t, fine.y
        else:  # of a hold some of the steps between are looked at
            count = min(LOOKED_AT if held else 2, len(s.t))
            some = np.unique(np.linspace(0, len(s.t) - 1, count).astype(int))
            t, y = s.t[some], s.y[some]
        observed = built.observe(y.T, p)
        V, stray = observed["Voltage [V]"], s.stray
        if not np.all(np.isfinite(V)):
            raise SolverFailed("the voltage became undefined")
        if held:
            off = np.abs(V - request.target - request.change * t)
            stray = max(stray, float(off.max()))
        if not request.curve:
            t, y = t[[0, -1]], y[[0, -1]]
            observed = {name: values[[0, -1]] for name, values in observed.items()}
        if s.yp is None and all(name in built.slices for name in Counters.ENERGIES):
            observed |= built.counted(y, own)
        else:
            if len(added):
                volts = built.observe(fine.y[added].T, p)["Voltage [V]"]
                fine.y[added, built.slices[VOLTAGE].start] = volts
            observed |= energies(built.passed(fine, request, own), t)
        profiles = stoichiometries(y[:, built.slices[PROFILE]], observed)
        if ANODE_PROFILE in built.slices:
            observed[ANODE_PROFILE] = y[:, built.slices[ANODE_PROFILE]]
        current = float(observed["Current [A]"][-1])
        end = State.of(y[-1], built.slices, built.carried, current)
        if event is None and s.ended == "failure":
            event = self._why_failed(request, t, observed, end, own)
        elif event is None and s.ended == "event":
            margins = built.margins(y[-1], p)
            event = min(margins, key=lambda name: margins[name])
        t = t * request.duration
        sites = 1 / (own["1/site charge"] * FARADAY)
        lithium = float(gained(observed, sites, own["Electrode area [m2]"]))
        over = built.overshoot(s.y, own)
        return Trace(t, observed, profiles, end, event, fallback, stray, lithium, over)

    def _why_failed(
        self,
        request: Request,
        t: Array,
        observed: dict[str, Array],
        end: State,
        inputs: Inputs,
    ) -> str:
        """Return the event that a failure stands for.

        A power the cell cannot give has no solution, nor has a ramp that turns to strip a
        bare collector; else it is the solver's.
        """
        towards = -request.change if request.control == "voltage" else request.change
        one_c = inputs["Nominal cell capacity [A.h]"]
        leak = observed["Leakage current density [A.m-2]"]
        plated = np.abs(observed["Current [A]"] + leak * inputs["Electrode area [m2]"])
        turns = plated[-1] < max(TURNED[0] * one_c, TURNED[1] * plated[0])
        coverage = observed.get("Lithium coverage", np.ones(1))[-1]
        if towards > 0 and turns and coverage <= inputs.get(LEAST, 0.0):
            return EXHAUSTED
        if request.control != "power" or request.target <= 0:
            return SOLVER_FAILURE
        # At constant power V falls as sqrt(t_end - t) where a site is full
        V = observed["Voltage [V]"]
        if len(t) > 2 and V[-1] * (t[-1] - t[-2]) < (V[-2] - V[-1]) * COLLAPSE * t[-1]:
            return POWER_LIMIT
        start = Start(self.built("current"), {**inputs, **end.inputs})
        current = float(observed["Current [A]"][-1])
        # d ln P/d ln I: 1 where resistance is small, 0 where more current gives no
        # more power, and the control has no solution beyond
        gain = (start.power(1.001 * current) / start.power(current) - 1) / 1e-3
        return POWER_LIMIT if gain < POWER_GAIN else SOLVER_FAILURE


def _instant(state: State, first: dict[str, Array], event: str) -> Trace:
    """Return a step that an event ends at its first instant, of what is observed then."""
    seen = first | {OUT: np.zeros(1), IN: np.zeros(1)} | state.at_anode
    profile = stoichiometries(state.profile[None], first)
    return Trace(np.zeros(1), seen, profile, state, event)


def _failed(answer: Trace | SolverFailed) -> bool:
    failures = SOLVER_FAILURE, POWER_LIMIT
    return not isinstance(answer, Trace) or answer.event in failures


def _doubtful(answer: Trace | SolverFailed) -> bool:
    if not isinstance(answer, Trace):
        return True
    return bool(answer.event == SOLVER_FAILURE or answer.doubt > 1)


def _worth(answer: Trace | SolverFailed) -> tuple[bool, bool, float]:
    """Return what is largest of the one of several tries that is kept."""
    if not isinstance(answer, Trace):
        return False, False, 0.0
    return True, bool(answer.event != SOLVER_FAILURE), -float(answer.doubt)


@lru_cache(maxsize=16)
def engine(structure: Structure, numerics: Numerics) -> Engine:
    """Return the engine of a structure, built once per process."""
    return Engine(structure, numerics)

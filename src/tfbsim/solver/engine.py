"""One discretised model per structure, and the solver that steps it.

The structure of a cell is what cannot be a number in a solved model: the open-circuit
law, the shape of D(x), which kinetics are explicit.  Everything else - thickness, area,
rate, D, i_0, sigma, resistances, temperature, cut-offs, the state a step starts from -
is an input, so a sweep over them never rebuilds anything.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial, reduce, wraps
from itertools import pairwise
from threading import RLock
from typing import Any, ParamSpec, TypeVar

import casadi
import numpy as np
import pybamm
from pybamm.codegen.compilation import aot_compile
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq, minimize_scalar
from scipy.optimize.elementwise import find_root

from ..cell.structure import Structure
from ..materials.laws import FARADAY
from ..numerics import Numerics
from ..physics.counters import Counters
from ..physics.diffusion import DOMAIN, DOMAINS, depth
from ..physics.leakage import ElectronicLeakage
from ..physics.lithium import EXHAUSTED, INVENTORY
from ..physics.mesh import Depths, submesh, thinnest_layer, weights
from ..physics.site_loss import ACTIVE
from ..physics.thin_film_cell import OPTIONS, ThinFilmCell
from .energy import IN, OUT, Passed, energies
from .equations import Equations
from .fast import Ends, Kernel, Solved, kernel_of
from .integrator import Integrator, Stretch, system

Array = np.ndarray
Mode = str  # "current", "voltage" or "power"; of what changes in a step, " ramp" besides
RAMP = " ramp"

CURRENT_CUT_OFF = "Current cut-off"
CHARGE_CUT_OFF = "Charge cut-off [A.h]"
CHANGE = "Change of the target"  # over the duration of a ramp
FILM_LIMIT, POWER_LIMIT = "Film limit", "Power limit"
SOLVER_FAILURE = "Solver failure"
POWER_GAIN = 0.3
COLLAPSE = 1e-3  # of the time passed: a voltage that would be 0 so soon is lost
# A table of U(x) may end above a lower cut-off; its straight continuation may carry the
# surface a little beyond full, not farther.  Of an ideal law the table that the model
# sees ends at 1e-9 of the sites: a voltage beyond it is met just short of empty.
OVERFULL, UNDEREMPTY = 1.02, -1e-6
# Of the sites, at a face: within an end, and the most that a step begins beyond it
ROUNDED, ROUNDING = 1e-12, 1e-9
# The voltage is no state of a cell.  As one more, algebraic, the solver controls its
# error, and a cut-off that lies within one of its steps is seen.
VOLTAGE = "Voltage that is controlled [V]"
HOLD_LIMIT = 2e-4  # V, that a held voltage may stray
BALANCE_LIMIT = 1e-8  # of the lithium exchanged, that a step or a cycle may gain or lose
SHORTEST = 1e-14  # of a step's duration, that the solver first tries
LOOKED_AT = 16  # samples of a hold whose curve is not kept
# Behind its faces a film is never fuller, or emptier, than they were, but for sites that
# are lost: polynomials overshoot about a front by some of it.
OVERSHOOT = 0.1  # of the sites
SEEN = 1e-3  # V or share of the sites, beyond an end: more than an interpolant is off
WITHIN = 8  # samples within a step of the solver that are looked at
MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE = "Minimum voltage [V]", "Maximum voltage [V]"
DURATION = "Duration of the step [s]"
PROFILE, ANODE_PROFILE = "Cathode stoichiometry", "Anode stoichiometry"
# Losses behind the faces of the electrolyte
BEHIND = "Contact voltage drop [V]", "Electron path voltage drop [V]"
FACES, GUESS = ElectronicLeakage.FACES, 3.0  # V
BRACKETS = 1e1, 1e4, 1e7  # V, the last at a million C through any resistance
TARGET = {
    "current": "Current function [A]",
    "voltage": "Voltage function [V]",
    "power": "Power function [W]",
}
# Where U(x) is steep, rounding stays above a residual of 1e-12
NEWTON = {"abstolStep": 1e-8, "line_search": False}
CURVE_TOLERANCE = 5e-5  # V, of linear interpolation between points of a curve
MET = 1e-9  # V, that a current is off where the solver finds the rest itself
# Currents over 1C between which one is looked for
OUTWARDS = 10 ** np.arange(-6, 6.1, 0.5)
FURTHER = 1.3  # of a power, whose current is near that at the voltage without one
NEAREST = 1e-13  # of 1C, that a current is looked for to
TURNED = 1e-9  # of 1C, that a current is where it turns
LEAST = "Exhausted lithium over that of coverage"
NO_LIMIT = 1e3  # a voltage or C-rate no cell reaches: the cut-off is off


# A solver and the buffers of a model serve one caller at a time, and neither CasADi nor
# PyBaMM builds two models at once.  One lock for all: Python runs one thread at a time,
# and an engine for each thread would have to be built in each.
_LOCK = RLock()
if hasattr(os, "register_at_fork"):  # a child never finds it held by a thread it lacks
    os.register_at_fork(
        before=_LOCK.acquire,
        after_in_parent=_LOCK.release,
        after_in_child=_LOCK.release,
    )
_P, _T = ParamSpec("_P"), TypeVar("_T")


def _one_at_a_time(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let one thread at a time into a function."""

    @wraps(function)
    def alone(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with _LOCK:
            return function(*args, **kwargs)

    return alone


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
    current: float = 0.0

    @classmethod
    def of(
        cls, y: Array, slices: dict[str, slice], carried: Sequence[str], current: float
    ) -> State:
        """From a state vector of the solver."""
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
    def inputs(self) -> dict[str, Any]:
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
    parameters: dict[str, float]
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
    """

    t: Array
    observed: dict[str, Array]
    profiles: Array
    end: State
    event: str | None
    fallback: int = 0
    stray: float = 0.0
    gained: float = 0.0

    @property
    def doubt(self) -> Any:
        """The largest of what is audited, over its limit."""
        return np.maximum(self.stray / HOLD_LIMIT, self.gained / BALANCE_LIMIT)


@dataclass(frozen=True)
class Linearised:
    """A cell in the neighbourhood of a state, its voltage held.

    M dy/dt = J (y - y_0), M the identity of the differential states, which come first,
    and 0 of the algebraic ones; row ``control`` of J is d(voltage)/dy, and that of y the
    C-rate.

    Parameters
    ----------
    J : ndarray, shape (states, states)
        Jacobian [1/s], the solver's own.
    rates : ndarray, shape (differential states,)
        How fast they change at y_0 [1/s].
    control : int
        Number of the C-rate among the states.
    nominal : float
        Current of a C-rate of 1 [A].
    observed : dict of ndarray, shape (1,)
        What the laws of the model observe at y_0, by name.
    """

    J: Array
    rates: Array
    control: int
    nominal: float
    observed: dict[str, Array]


class Infeasible(Exception):
    """No current meets the control at the state a step starts from."""


class SolverFailed(Exception):
    """The solver gave up, also with every fallback."""


# Scalar code is long and has no loops: -O3 takes twice as long over it, and gains nothing
COMPILER_FLAGS = ("-O1", "-march=native", "-fPIC")

# The solver's own limit on steps does not hold where it returns each of them; progress
# by the whole duration within so many does
BOUND = {"num_steps_no_progress": 100_000, "t_no_progress": 1.0}
# A first step over the duration, which may be a year: at a face that is full, volts lie
# within 1e-9 of the sites, and the current of a hold falls in less than a picosecond.
CAREFUL = BOUND | {"dt_init": 1e-21, "max_convergence_failures": 100}
# Tried in turn when a solve fails; the first is the default.
FALLBACKS: tuple[dict[str, Any], ...] = (BOUND, CAREFUL, {"max_order_bdf": 2} | CAREFUL)
LAST = len(FALLBACKS) - 1
# Tried where a voltage strayed that was to be held, or all of the above failed.  Newton's
# method ends where its corrections are within a share of a state's tolerance, and near a
# full or an empty site volts lie within that; a smaller share may lie within rounding.
SOONER = {"num_steps_no_progress": 20_000}
SHARPER = CAREFUL | SOONER
SHARE = "nonlinear_convergence_coefficient"
FALLBACKS += tuple({SHARE: share} | SHARPER for share in (1e-3, 1e-8, 1e-10))
FALLBACKS += ({"sharper": 1e-3} | SHARPER, {"sharper": 1e-5} | SHARPER)
LEAST_RTOL, LEAST_ATOL = 1e-12, 1e-15

# Options that the kernel takes in every value, or in one; of others it takes the default
IN_THE_KERNEL: dict[str, tuple[str, ...]] = {
    name: OPTIONS[name]
    for name in (
        *("cathode kinetics", "lithium kinetics", "cathode transference"),
        *("cathode resistivity", "cathode mesh", "leakage", "operating mode"),
    )
} | {"constants": ("precomputed",)}
# Of the tolerances of the general solver, for a tenth of its error; and of the voltage's
KERNEL_TOLERANCE, KERNEL_VOLTAGE = 0.3, 0.03
KERNEL_CURVE = CURVE_TOLERANCE  # V, or over 1C of a hold


def tolerances(numerics: Numerics, fallback: int) -> tuple[float, float]:
    """Return rtol and atol that a fallback is solved at."""
    sharper = FALLBACKS[fallback].get("sharper", 1.0)
    return (
        max(numerics.rtol * sharper, LEAST_RTOL),
        max(numerics.atol * sharper, LEAST_ATOL),
    )


class _Built:
    """A discretised model for one control, its solvers, and what can be read off it."""

    def __init__(self, structure: Structure, numerics: Numerics, mode: Mode) -> None:
        mesh_option = {"cathode mesh": numerics.mesh}
        control = mode.removesuffix(RAMP)
        option = "algebraic current" if mode == "current" + RAMP else control
        options = structure.options(option) | mesh_option
        model = ThinFilmCell(options, laws=structure.laws)
        self.structure, self.options = structure, options
        self.carried = model.carried
        self.solved_for = {variable.name for variable in model.algebraic}
        own = {v.name: model.initial_conditions[v] for v in model.rhs}
        for variable in [*model.rhs, *model.algebraic]:
            if variable.name in (*self.carried, FACES, "C-rate"):
                model.initial_conditions[variable] = pybamm.InputParameter(
                    f"Initial: {variable.name}", variable.domain or None
                )
        # The energies follow from V and the charges: energy.py.  The kernel, which keeps
        # no steps between, has them as states.
        if not numerics.compile:
            for state in [v for v in model.rhs if v.name in Counters.ENERGIES]:
                del model.rhs[state], model.initial_conditions[state]
        # Time runs from 0 to 1, so that steps of any length go in one batch
        duration = pybamm.InputParameter(DURATION)
        model.rhs = {state: rate * duration for state, rate in model.rhs.items()}
        limits = MINIMUM_VOLTAGE, MAXIMUM_VOLTAGE
        events = sorted(model.events, key=lambda event: event.name not in limits)
        ends = {event.name: event.expression for event in events}
        if control == "voltage":
            # Smooth, and below 0 for good once the current has turned: |I| - c is above 0
            # at both ends of a step of the solver in which it turns
            rate, c = model.variables["C-rate"], pybamm.InputParameter("C-rate cut-off")
            less = pybamm.sign(pybamm.InputParameter("Initial: C-rate")) * rate - c
            ends = {n: end for n, end in ends.items() if n not in limits}
            ends = {CURRENT_CUT_OFF: (c > 0) * less + (c <= 0)} | ends
        else:
            state = pybamm.Variable(VOLTAGE)
            model.algebraic[state] = state - model.variables["Voltage [V]"]
            model.initial_conditions[state] = pybamm.InputParameter(f"Initial: {VOLTAGE}")
        if mode != "current":
            passed = model.variables["Throughput capacity [A.h]"]
            ends[CHARGE_CUT_OFF] = pybamm.InputParameter(CHARGE_CUT_OFF) - passed
        i = model.variables["Total current density [A.m-2]"]
        margins = []
        for side, film in structure.films.items():
            into = model.variables[f"{side} interface current density [A.m-2]"]
            of, through = model.param.film(side), model.param.film(side).sign * i
            x_s, x_L = (
                model.variables[f"{side} {face} stoichiometry"]
                for face in ("surface", "collector")
            )
            # Only what migrates reaches the collector's face
            fed = of.t_i_of_x(x_L) if film.transference else of.t_i
            margins.append(_film_margin(x_s, into, film.x_max))
            margins.append(_film_margin(x_L, fed * through, film.x_max))
        ends[FILM_LIMIT] = reduce(pybamm.minimum, margins)
        # One root function for the ends of a step: it is evaluated at every solver step,
        # and each of its parts would evaluate the voltage anew.
        model.events = [
            pybamm.Event("End of step", reduce(pybamm.minimum, ends.values()))
        ]
        self.ends = tuple(ends)
        self.observed = tuple(n for n in model.declared.variables if n not in (OUT, IN))
        kept = {n: model.variables[n] for n in (*self.observed, PROFILE, "C-rate")}
        model.variables = kept | ends
        constants = list(model.param.constants.values())
        others = _parameters([*constants, *own.values()])
        scalars = _scalar_parameters([*model.parameters, *others])
        values = pybamm.ParameterValues(
            {name: "[input]" for name in scalars - set(structure.functions())}
            | structure.functions()
            | ({TARGET[control]: _straight(TARGET[control])} if RAMP in mode else {})
        )
        values.process_model(model)
        self.constants = _Constants(
            list(model.param.constants), [values.process_symbol(c) for c in constants]
        )
        self.own_initial = {n: values.process_symbol(own[n]) for n in self.carried}
        geometry = model.default_geometry
        values.process_geometry(geometry)
        points = {depth(side): numerics.nodes for side in structure.films}
        submeshes = {DOMAINS[side]: submesh(numerics) for side in structure.films}
        mesh = pybamm.Mesh(geometry, submeshes, points)
        discretisation = pybamm.Discretisation(mesh, model.default_spatial_methods)
        self.model = discretisation.process_model(model)
        self.mesh = mesh[DOMAIN]
        self.nodes = mesh[DOMAIN].nodes
        self.weights = weights(mesh[DOMAIN])
        self.depths = Depths.of(mesh[DOMAIN], numerics.points)
        self.thinnest_layer = thinnest_layer(mesh[DOMAIN])
        # A double layer is charged in less than a microsecond
        self.fast = structure.capacitive
        self.slices = {v.name: s[0] for v, s in discretisation.y_slices.items()}
        self.numerics = numerics
        self.mode = mode
        self.integrators: dict[int, Integrator] = {}
        self._compile()

    def _compile(self) -> None:
        """What is observed and what IDA integrates, as functions of states and inputs."""
        model = self.model
        symbols = {"rates": model.concatenated_rhs}
        symbols["end"] = model.events[0].expression
        if model.len_alg:
            symbols["residual"] = model.concatenated_algebraic
        shown = (*self.observed, *self.ends)
        symbols |= {name: model.get_processed_variable(name) for name in shown}
        loops = not self.numerics.compile
        q = Equations(symbols, model.len_rhs_and_alg, loops)
        found = q.expressions
        residual = found.get("residual", casadi.SX(0, 1))
        functions = system(q, found["rates"], residual, found["end"])
        # What is to be solved for a consistent start: the voltage follows from the rest
        own = self.slices.get(VOLTAGE, slice(0, 0))
        self.unknown = [k for k in range(model.len_alg) if k + model.len_rhs != own.start]
        if VOLTAGE not in self.slices:
            self.unknown = [*range(model.len_alg)]
        self._residual: Any = None
        if self.unknown:
            rows = residual[self.unknown, :]
            self._residual = q.function("start", [q.t, q.y, q.p], rows)
        for name, rows in (("observe", self.observed), ("margins", self.ends)):
            column = casadi.vertcat(*(found[row] for row in rows))
            functions[name] = q.function(name, [q.y, q.p], column)
        if self.numerics.compile:
            compiled = aot_compile([*functions.values()], flags=COMPILER_FLAGS)
            functions = dict(zip(functions, compiled, strict=True))
        self._equations = q, found["rates"], residual, found["end"], found["Voltage [V]"]
        self._observe = _Columns(functions.pop("observe"))
        self._margins = _Columns(functions.pop("margins"))
        self._rates = _Columns(functions["rhs_alg"])
        self.functions = functions
        self.inputs = q.inputs

    @cached_property
    def kernel(self) -> Kernel | None:
        """What solves many cells at once, where the state is the film alone."""
        known = all(
            value in IN_THE_KERNEL.get(name, OPTIONS[name][:1])
            for name, value in self.options.items()
        )
        alone = set(self.carried) == {PROFILE, INVENTORY} and not self.structure.laws
        if not (self.numerics.compile and known and alone) or RAMP in self.mode:
            return None
        q, rates, residual, room, voltage = self._equations
        p = dict(zip(q.inputs, casadi.vertsplit(q.p), strict=True))
        film = casadi.vertsplit(q.y[self.slices[PROFILE]])
        x_max = self.structure.cathode.x_max
        inside = casadi.fmin(
            reduce(casadi.fmin, film) - UNDEREMPTY * x_max,
            OVERFULL * x_max - reduce(casadi.fmax, film),
        )
        if self.mode == "voltage":
            k, c = self.slices["C-rate"].start, p["C-rate cut-off"]
            less = casadi.sign(p["Initial: C-rate"]) * q.y[k] - c * (1 - SEEN)
            stray, within = casadi.fabs(voltage - p[TARGET["voltage"]]), less * (c > 0)
        else:
            k, stray = self.slices[VOLTAGE].start, casadi.SX(0)
            lower, upper = p["Lower voltage cut-off [V]"], p["Upper voltage cut-off [V]"]
            within = SEEN + casadi.fmin(q.y[k] - lower, upper - q.y[k])
        ends = Ends(room, inside + OVERSHOOT * x_max, stray, within, [k])
        shown = [q.expressions[name] for name in (*self.observed, *self.ends)]
        return kernel_of(q, rates, residual, ends, casadi.vertcat(*shown))

    def shown(self, y: Array, p: Array) -> tuple[dict[str, Array], Array]:
        """What the kernel observes of cells, by name, and their margins (ends, cells)."""
        assert self.kernel is not None
        found = self.kernel.show(y, p)
        seen = dict(zip(self.observed, found, strict=False))
        return seen, found[len(self.observed) :]

    def integrated(self, y0: Array, p: Array, curves: bool = False) -> Solved:
        """Cells as far as the kernel takes them, at its tolerances, and their curves."""
        assert self.kernel is not None
        rtol, atol = self.numerics.rtol, self._atol(self.numerics.atol)
        if VOLTAGE in self.slices:
            atol[self.slices[VOLTAGE]] *= KERNEL_VOLTAGE / KERNEL_TOLERANCE
        bend = KERNEL_CURVE if curves else None
        return self.kernel(y0, p, KERNEL_TOLERANCE * rtol, KERNEL_TOLERANCE * atol, bend)

    def stack(self, inputs: dict[str, Any]) -> Array:
        """Inputs as the one vector the functions take."""
        return np.array([inputs[name] for name in self.inputs])

    def missing(self, inputs: dict[str, Any]) -> dict[str, Array]:
        """Initial states that inputs do not state, from the laws' own conditions."""
        names = [name for name in self.carried if f"Initial: {name}" not in inputs]
        if not names:
            return {}
        inputs = inputs | self.constants([inputs])[0]
        return {
            f"Initial: {name}": np.full(
                self.slices[name].stop - self.slices[name].start,
                float(np.asarray(self.own_initial[name].evaluate(inputs=inputs)).item()),
            )
            for name in names
        }

    def observe(self, y: Array, inputs: Array) -> dict[str, Array]:
        """Observed quantities at the columns of y; of inputs one column, or as many."""
        values = self._observe(np.atleast_2d(y.T), np.atleast_2d(inputs.T))
        return dict(zip(self.observed, values.T, strict=True))

    def margins(self, y: Array, inputs: Array) -> dict[str, float]:
        """How far a state is from each end a step can have.

        Above 0 while the step goes on; the first to reach 0 ends it.
        """
        values = self._margins(y[None], inputs[None])[0]
        return dict(zip(self.ends, values.tolist(), strict=True))

    def taken_back(self, y: Array, p: Array) -> Array | None:
        """Profile just within its ends, of a film full or empty at a face that becomes
        less so; None where it does not."""
        if ACTIVE in self.slices or self.numerics.mesh != "elements":
            return None  # the state at a face is not its stoichiometry
        film, faces, x_max = self.slices[PROFILE], [0, -1], self.structure.cathode.x_max
        profile, rates = y[film].copy(), self._rates(y[None], p[None])[0, film]
        empty, full = UNDEREMPTY + ROUNDED, OVERFULL - ROUNDED
        profile[faces] = np.clip(profile[faces], empty * x_max, full * x_max)
        moved = profile - y[film]
        leads = (moved * rates >= 0).all() and np.abs(moved).max() < ROUNDING * x_max
        return profile if leads else None

    def counted(self, y: Array, inputs: dict[str, Any]) -> dict[str, Array]:
        """Energies as states of the kernel [W.h]."""
        Ah = inputs["Electrode area [m2]"] / (3600 * inputs["1/site charge"])
        net, out = (y[:, self.slices[name]][:, 0] * Ah for name in Counters.ENERGIES)
        return {OUT: out, IN: out - net}

    def passed(self, s: Stretch, request: Request, inputs: dict[str, Any]) -> Passed:
        """What passed at the solver's steps of a request."""
        y = s.y
        Ah = inputs["Electrode area [m2]"] / (3600 * inputs["1/site charge"])
        net, out = (y[:, self.slices[name]][:, 0] * Ah for name in Counters.CHARGES)
        if VOLTAGE in self.slices:
            V = y[:, self.slices[VOLTAGE].start]
        else:
            V = request.target + request.change * s.t
        I = y[:, self.slices["C-rate"].start] if "C-rate" in self.slices else 1 + 0 * s.t
        return Passed(s.t, V, I, out, out - net)

    def guess(self, inputs: dict[str, Any]) -> Array:
        """State vector a step starts from, algebraic states as far as they are known."""
        y = np.zeros(self.model.len_rhs_and_alg)
        for name, where in self.slices.items():
            y[where] = inputs.get(f"Initial: {name}", 0.0)
        return y

    def initial(self, inputs: dict[str, Any]) -> Array:
        """State vector a step of given current starts from, consistent."""
        y = self.guess(inputs)
        if not self.unknown:
            return y
        p, at = self.stack(inputs), [self.model.len_rhs + k for k in self.unknown]
        g, root = self._consistent
        try:
            y[at] = root(y[at], y, p).full()[:, 0]
            return y
        except RuntimeError:
            z = casadi.MX.sym("z", len(at))
            here = casadi.Function("here", [z], [g(z, y, p)])
        faces = self.slices.get(FACES, slice(-1, 0)).start
        for k in sorted(range(len(at)), key=lambda k: at[k] != faces):
            if (found := _bracketed(here, y[at], k)) is not None:
                y[at] = found
                return y
        raise SolverFailed("no overpotentials meet the current")

    @cached_property
    def _consistent(self) -> tuple[Any, Any]:
        """Residual of the algebraic states that are not known, and its root finder, both
        of those states, the whole state vector and the inputs."""
        at = [self.model.len_rhs + k for k in self.unknown]
        z = casadi.MX.sym("z", len(at))
        y = casadi.MX.sym("y", self.model.len_rhs_and_alg)
        p = casadi.MX.sym("p", *self._residual.size_in(2))
        whole = casadi.MX(y)
        whole[at] = z
        g = casadi.Function("g", [z, y, p], [self._residual(0, whole, p)])
        return g, casadi.rootfinder("solve", "newton", g, NEWTON)

    def integrator(self, fallback: int = 0) -> Integrator:
        """The solver, or one of its fallbacks, set up on first use."""
        if fallback not in self.integrators:
            options = {k: v for k, v in FALLBACKS[fallback].items() if k != "sharper"}
            if RAMP in self.mode:  # from rest it has no rate to guess a first step by
                options = {"dt_init": 1e-9} | options
            if self.mode == "voltage" + RAMP:
                # Of index 2 where next to nothing resists: the current's own error then
                # asks for steps without end, and is left to that of the states
                options |= SOONER | {"suppress_algebraic_error": fallback > 0}
            if self.fast:
                options = options | {
                    "dt_init": min(SHORTEST, options.get("dt_init", SHORTEST))
                }
            rtol, least = tolerances(self.numerics, fallback)
            atol = self._atol(least)
            self.integrators[fallback] = Integrator(self.functions, rtol, atol, options)
        return self.integrators[fallback]

    def solve(
        self, y0: Array, inputs: Array, fallback: int, curves: Array | None = None
    ) -> list[Stretch | pybamm.SolverError]:
        """What the solver, or one of its fallbacks, makes of each row.

        Where it is said which have curves, they are the kernel's, if there is one and it
        does not fail.
        """
        found: dict[int, Stretch | pybamm.SolverError] = {}
        for drawn in () if fallback or curves is None or not self.kernel else (0, 1):
            rows = np.flatnonzero(curves == drawn)
            ends = self.integrated(y0[rows], inputs[rows], bool(drawn))
            for j, k in enumerate(rows.tolist()):
                if ends.ended[j] == "failure":
                    continue
                t, y = np.array([0.0, ends.t[j]]), np.stack([y0[k], ends.y[j]])
                if ends.curves is not None:
                    t, y = ends.curves.of(j)
                stray = float(ends.stray[j])
                found[k] = Stretch(t, y, None, ends.ended[j], stray)
        left = [k for k in range(len(y0)) if k not in found]
        if left:
            others = self._integrated(y0[left], inputs[left], fallback)
            found |= zip(left, others, strict=True)
        return [found[k] for k in range(len(y0))]

    def _integrated(
        self, y0: Array, inputs: Array, fallback: int
    ) -> list[Stretch | pybamm.SolverError]:
        integrator = self.integrator(fallback)
        yp0 = self._rates(y0, inputs)
        yp0[:, self.model.len_rhs :] = 0
        try:
            return [*integrator.solve(y0, yp0, inputs)]
        except pybamm.SolverError as error:
            if len(y0) == 1:
                return [error]
        # One of them spoiled it for all
        rows = zip(y0[:, None], inputs[:, None], strict=True)
        return [found for row in rows for found in self._integrated(*row, fallback)]

    def _atol(self, least: float) -> Array:
        """Absolute tolerance of each state."""
        atol = np.full(self.model.len_rhs_and_alg, least)
        if VOLTAGE in self.slices:
            atol[self.slices[VOLTAGE]] = self.numerics.voltage_tolerance
        return atol


class _Columns:
    """A casadi function of states and inputs, evaluated for one pair after the other.

    Through its buffers: to hand casadi a matrix, and get one back, takes longer than a
    small model itself.
    """

    def __init__(self, function: casadi.Function) -> None:
        self.function = function  # the buffer does not keep it
        self._buffer, self._evaluate = function.buffer()
        sizes = [function.size1_in(k) for k in range(function.n_in())]
        self._arguments = [np.zeros(size) for size in sizes]  # a time may come first
        self._result = np.zeros(function.size1_out(0))
        buffer: Any = self._buffer
        for k, argument in enumerate(self._arguments):
            buffer.set_arg(k, argument.data)
        buffer.set_res(0, self._result.data)

    def __call__(self, states: Array, inputs: Array) -> Array:
        """Of the rows of both, or of those of the states and one of the inputs."""
        results = np.empty((len(states), len(self._result)))
        one = len(inputs) == 1
        *_, y, p = self._arguments
        p[:] = inputs[0]
        for k, row in enumerate(states):
            y[:] = row
            if not one:
                p[:] = inputs[k]
            self._evaluate()
            results[k] = self._result
        return results


def _bracketed(g: Any, z: Array, k: int) -> Array | None:
    """Algebraic states, number k of them bracketed; None without a change of sign.

    Where next to no lithium is left the leak meets an overpotential that rises with any
    current, and where a film is empty oxidation of the electrolyte one that rises with
    none: Newton does not find back from there.
    """
    others = [j for j in range(len(z)) if j != k]
    z = z.copy()
    part = casadi.MX.sym("part", len(others))
    full = casadi.MX(z)
    full[others] = part

    def residual(value: float) -> float:
        z[k] = value
        if others:
            full[k] = value
            inner = casadi.Function("inner", [part], [g(full)[others]])
            solve = casadi.rootfinder("solve", "newton", inner, NEWTON)
            z[others] = solve(z[others]).full()[:, 0]
        return float(g(z)[k])

    for bound in BRACKETS:
        try:
            if residual(-bound) * residual(bound) < 0:
                residual(brentq(residual, -bound, bound, xtol=1e-14))
                return z
        except RuntimeError:
            return None
    return None


def _straight(name: str) -> Callable[[pybamm.Symbol], pybamm.Symbol]:
    """Return a target that changes evenly over a step, whose time runs from 0 to 1."""

    def target(t: pybamm.Symbol) -> pybamm.Symbol:
        return pybamm.InputParameter(name) + pybamm.InputParameter(CHANGE) * t

    return target


def _film_margin(x: Any, i: Any, x_max: float) -> Any:
    """Falls to zero where a face of the film is full, or empty, and driven farther.

    Of symbols or numbers: x is the stoichiometry there, i the current that drives it.
    """
    fills, empties = i > 0, i < 0
    full, empty = OVERFULL * x_max - x, x - UNDEREMPTY * x_max
    return fills * full + empties * empty + (1 - fills - empties)


MOST_KNOWN = 10_000  # combinations of inputs


class _Constants:
    """Combinations of inputs that hold for a step, evaluated before it."""

    def __init__(self, names: list[str], symbols: list[pybamm.Symbol]) -> None:
        unpacker = pybamm.SymbolUnpacker(pybamm.InputParameter)
        found = unpacker.unpack_list_of_symbols(symbols)
        self.names = names
        self.needs = sorted({symbol.name for symbol in found})
        p = {name: casadi.MX.sym(name) for name in self.needs}
        rows = [symbol.to_casadi(inputs=p) for symbol in symbols]
        stacked = casadi.vertcat(*p.values())
        self._known: dict[tuple[float, ...], dict[str, float]] = {}
        whole = casadi.Function("constants", [stacked], [casadi.vertcat(*rows)])
        self._evaluate = whole.expand()

    def arrays(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Of inputs that are arrays, or numbers."""
        needed = np.broadcast_arrays(*(inputs[name] for name in self.needs))
        return dict(zip(self.names, self._evaluate(np.array(needed)).full(), strict=True))

    @_one_at_a_time
    def __call__(self, inputs: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
        """Of several sets of inputs."""
        keys = [tuple(one[name] for name in self.needs) for one in inputs]
        if new := [key for key in dict.fromkeys(keys) if key not in self._known]:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
                new = list(dict.fromkeys(keys))
            for key, row in zip(
                new, self._evaluate(np.array(new).T).full().T, strict=True
            ):
                self._known[key] = dict(zip(self.names, row.tolist(), strict=True))
        return [self._known[key] for key in keys]


def _parameters(symbols: list[pybamm.Symbol]) -> set[pybamm.Symbol]:
    unpacker = pybamm.SymbolUnpacker((pybamm.Parameter, pybamm.FunctionParameter))
    found: set[pybamm.Symbol] = unpacker.unpack_list_of_symbols(symbols)
    return found


def _scalar_parameters(symbols: list[pybamm.Symbol]) -> set[str]:
    """Names of the parameters among symbols, functions of other things included."""
    kinds = pybamm.Parameter | pybamm.FunctionParameter
    return {symbol.name for symbol in symbols if isinstance(symbol, kinds)}


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
        self._built: dict[Mode, _Built] = {}

    @_one_at_a_time
    def built(self, mode: Mode) -> _Built:
        """The discretised model for a control, built on first use."""
        if mode not in self._built:
            self._built[mode] = _Built(self.structure, self.numerics, mode)
        return self._built[mode]

    @property
    def xi(self) -> Array:
        """Mesh nodes y/L, from the electrolyte face, shape (nodes,)."""
        return np.asarray(self.built("current").nodes)

    @property
    def mesh(self) -> Any:
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
        """A cell with a uniform cathode.

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

    def completed(self, state: State, parameters: dict[str, float]) -> State:
        """A state with those of every law, as made where it has none."""
        found = self.built("current").missing(parameters | state.inputs)
        others = {name.removeprefix("Initial: "): x for name, x in found.items()}
        return replace(state, values={**state.values, **others})

    @_one_at_a_time
    def instant(
        self,
        x: float,
        current: float,
        parameters: dict[str, float],
        anode: float = 1.0,
    ) -> dict[str, float]:
        """What is observed the instant a current [A] flows into a cell uniform at x, with
        so much lithium at the anode, as :meth:`uniform` takes it."""
        inputs: dict[str, Any] = parameters | {
            DURATION: 1.0,
            **dict.fromkeys(
                ("Lower voltage cut-off [V]", "Upper voltage cut-off [V]"), 0.0
            ),
            **self.uniform(x, anode).inputs,
            f"Initial: {FACES}": GUESS,
        }
        inputs |= self.built("current").missing(inputs)
        inputs |= self.built("current").constants([inputs])[0]
        observed = _Start(self.built("current"), inputs).observe(current)
        return {name: float(values[0]) for name, values in observed.items()}

    def run(self, request: Request) -> Trace:
        """Step a cell at one control until its time or an event ends it.

        Raises
        ------
        Infeasible
            No current meets the target at the start.
        SolverFailed
            Every fallback failed.
        """
        (answer,) = self.run_many([request])
        if isinstance(answer, Exception):
            raise answer
        return answer

    @_one_at_a_time
    def run_many(
        self, requests: Sequence[Request]
    ) -> list[Trace | Infeasible | SolverFailed]:
        """Step cells, each from its own state and at its own control of one mode.

        Returns
        -------
        list of Trace, Infeasible or SolverFailed
            What happened to each; an exception is returned, and not raised, if no
            current meets its target at the start or if every fallback failed.
        """
        (mode,) = {request.mode for request in requests}
        built = self.built(mode)
        inputs = [self.inputs(request) for request in requests]
        constants = self.built("current").constants(inputs)
        inputs = [own | more for own, more in zip(inputs, constants, strict=True)]
        answers: dict[int, Trace | Infeasible | SolverFailed] = {}
        firsts = dict(self._first(requests, inputs, answers))
        for k, first in firsts.items():
            request, own = requests[k], inputs[k]
            state, V = request.state, float(first["Voltage [V]"][0])
            current = float(first["Current [A]"][0])
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
                own[f"Initial: {PROFILE}"] = x
                margins[FILM_LIMIT] = ROUNDED
            event = next((end for end, margin in margins.items() if margin <= 0), None)
            if event:
                seen = first | {OUT: np.zeros(1), IN: np.zeros(1)} | state.at_anode
                profile = stoichiometries(state.profile[None], seen)
                answers[k] = Trace(np.zeros(1), seen, profile, state, event)
        waiting = [k for k in range(len(requests)) if k not in answers]
        for fallback in range(len(FALLBACKS)):
            now = [k for k in waiting if fallback > LAST or k not in answers]
            if not now:
                continue
            found = self._solved(built, fallback, now, requests, inputs, firsts)
            for k, answer in found.items():
                best = answers.get(k)
                if fallback < LAST and _failed(answer):
                    continue
                if best is None or _worth(answer) > _worth(best):
                    answers[k] = answer
            waiting = [k for k in waiting if k not in answers or _doubtful(answers[k])]
        return [answers[k] for k in range(len(requests))]

    @_one_at_a_time
    def linearised(self, request: Request) -> Linearised:
        """Linearise a cell about the state and control that a step would start with.

        Raises
        ------
        Infeasible, SolverFailed
            No current meets the target.
        """
        now, built = self.built("current"), self.built("voltage")
        inputs = self.inputs(request)
        inputs |= now.constants([inputs])[0]
        start = _Start(now, inputs)
        current = start.current_for(
            request.control, request.target, request.state.current
        )
        observed, (y, p) = start.observe(current), start.at(current)
        rates = now._rates(y[None], p[None])[0, : now.model.len_rhs]
        c_rate = current / inputs["Nominal cell capacity [A.h]"]
        V = float(observed["Voltage [V]"][0])
        inputs |= {"Initial: C-rate": c_rate, TARGET["voltage"]: V}
        at = built.guess(inputs)
        for name, where in built.slices.items():
            at[where] = c_rate if name == "C-rate" else y[now.slices[name]]
        jacobian = built.functions["jac_times_cjmass"]
        J = jacobian(0, at, built.stack(inputs), 0).full()
        nominal = inputs["Nominal cell capacity [A.h]"]
        return Linearised(J, rates, built.slices["C-rate"].start, nominal, observed)

    def _solved(
        self,
        built: _Built,
        fallback: int,
        waiting: Sequence[int],
        requests: Sequence[Request],
        inputs: Sequence[dict[str, Any]],
        firsts: dict[int, dict[str, Array]],
    ) -> dict[int, Trace | SolverFailed]:
        """Return what the solver, or a fallback, makes of requests of these numbers."""
        y0 = np.array([built.guess(inputs[k]) for k in waiting])
        p = np.array([built.stack(inputs[k]) for k in waiting])
        found: dict[int, Trace | SolverFailed] = {}
        solved: dict[int, Stretch] = {}
        curves = np.array([requests[k].curve for k in waiting])
        for j, stretch in enumerate(built.solve(y0, p, fallback, curves)):
            if isinstance(stretch, Stretch):
                solved[j] = stretch
            else:
                found[waiting[j]] = SolverFailed(str(stretch).splitlines()[0])
        numbers = [waiting[j] for j in solved]
        traces = self._traces(
            built,
            [requests[k] for k in numbers],
            [inputs[k] for k in numbers],
            [firsts[k] for k in numbers],
            list(solved.values()),
            p[list(solved)],
            fallback,
        )
        return found | dict(zip(numbers, traces, strict=True))

    def inputs(self, request: Request) -> dict[str, Any]:
        """What the models take for a request, but for the constants that follow."""
        state = request.state
        inputs: dict[str, Any] = request.parameters | {
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

    def _first(
        self,
        requests: Sequence[Request],
        inputs: Sequence[dict[str, Any]],
        answers: dict[int, Trace | Infeasible | SolverFailed],
    ) -> Iterator[tuple[int, dict[str, Array]]]:
        """What is observed the instant each step starts; where there is none, why."""
        built = self.built("current")
        possible, columns = [], []
        for k, (request, own) in enumerate(zip(requests, inputs, strict=True)):
            start = _Start(built, own)
            try:
                current = start.current_for(
                    request.control, request.target, request.state.current
                )
            except (Infeasible, SolverFailed) as reason:
                answers[k] = reason
                continue
            if request.mode != "current":  # looked at already
                yield k, start.observe(current)
                continue
            try:
                columns.append(start.at(current))
            except SolverFailed as reason:
                answers[k] = reason
                continue
            possible.append(k)
        if not possible:
            return
        y, p = (np.array(part).T for part in zip(*columns, strict=True))
        observed = built.observe(y, p)
        for j, k in enumerate(possible):
            yield k, {name: values[j : j + 1] for name, values in observed.items()}

    def _traces(
        self,
        built: _Built,
        requests: Sequence[Request],
        inputs: Sequence[dict[str, Any]],
        firsts: Sequence[dict[str, Array]],
        stretches: Sequence[Stretch],
        p: Array,
        fallback: int,
    ) -> Iterator[Trace | SolverFailed]:
        """Solved stretches as traces."""
        cuts = [
            _cut(built, *of) for of in zip(requests, inputs, stretches, p, strict=True)
        ]
        # Of a trace without a curve, what is looked at: its ends, and a hold on its way
        bare = {
            k: np.unique(np.linspace(0, len(s.t) - 1, LOOKED_AT).astype(int))
            if built.mode.startswith("voltage")
            else np.array([0, len(s.t) - 1])
            for k, (request, (s, _)) in enumerate(zip(requests, cuts, strict=True))
            if not request.curve
        }
        place, seen = {}, {}
        if bare:
            lengths = [len(chosen) for chosen in bare.values()]
            last = np.cumsum(lengths)
            place = {
                k: slice(b - n, b) for k, n, b in zip(bare, lengths, last, strict=True)
            }
            at = np.concatenate([cuts[k][0].y[chosen] for k, chosen in bare.items()])
            seen = built.observe(at.T, np.repeat(p[list(bare)], lengths, axis=0).T)
        for k, (request, own, (s, event)) in enumerate(
            zip(requests, inputs, cuts, strict=True)
        ):
            fine, added = _refined(built, s)
            if request.curve:
                t, y = fine.t, fine.y
                observed = built.observe(y.T, p[k])
            else:
                t, y = s.t[[0, -1]], s.y[[0, -1]]
                observed = {name: values[place[k]] for name, values in seen.items()}
            V, stray = observed["Voltage [V]"], s.stray
            if not np.all(np.isfinite(V)):
                yield SolverFailed("the voltage became undefined")
                continue
            if request.control == "voltage":
                at = t if request.curve else s.t[bare[k]]
                off = np.abs(V - request.target - request.change * at)
                stray = max(stray, float(off.max()))
            if not request.curve:
                observed = {name: values[[0, -1]] for name, values in observed.items()}
            if s.yp is None and all(name in built.slices for name in Counters.ENERGIES):
                observed |= built.counted(y, own)
            else:
                if len(added):
                    volts = built.observe(fine.y[added].T, p[k])["Voltage [V]"]
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
                margins = built.margins(y[-1], p[k])
                event = min(margins, key=lambda name: margins[name])
            t = t * request.duration
            sites = 1 / (own["1/site charge"] * FARADAY)
            lithium = float(gained(observed, sites, own["Electrode area [m2]"]))
            yield Trace(t, observed, profiles, end, event, fallback, stray, lithium)

    def _why_failed(
        self,
        request: Request,
        t: Array,
        observed: dict[str, Array],
        end: State,
        inputs: dict[str, Any],
    ) -> str:
        """A power the cell cannot give has no solution, nor has a ramp that turns to
        strip a bare collector; else it is the solver."""
        towards = -request.change if request.control == "voltage" else request.change
        one_c = inputs["Nominal cell capacity [A.h]"]
        turns = abs(observed["Current [A]"][-1]) < TURNED * one_c
        coverage = observed.get("Lithium coverage", np.ones(1))[-1]
        if towards > 0 and turns and coverage <= inputs[LEAST]:
            return EXHAUSTED
        if request.control != "power" or request.target <= 0:
            return SOLVER_FAILURE
        # At constant power V falls as sqrt(t_end - t) where a site is full
        V = observed["Voltage [V]"]
        if len(t) > 2 and V[-1] * (t[-1] - t[-2]) < (V[-2] - V[-1]) * COLLAPSE * t[-1]:
            return POWER_LIMIT
        start = _Start(self.built("current"), {**inputs, **end.inputs})
        current = float(observed["Current [A]"][-1])
        # d ln P/d ln I: 1 where resistance is small, 0 where more current gives no
        # more power, and the control has no solution beyond
        gain = (start.power(1.001 * current) / start.power(current) - 1) / 1e-3
        return POWER_LIMIT if gain < POWER_GAIN else SOLVER_FAILURE


def stoichiometries(profiles: Array, observed: dict[str, Array]) -> Array:
    """Return what profiles are over the active sites; the state is over those as made."""
    return profiles / observed[ACTIVE][:, None] if ACTIVE in observed else profiles


def gained(observed: dict[str, Array], sites: Any, area: Any) -> Any:
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


def least_exchanged(sites: Any, total: Any) -> Any:
    """Return what a balance is at least relative to, by what is rounded.

    Parameters
    ----------
    sites : float or ndarray
        Those of a film, or of many, in any unit.
    total : float or ndarray
        All lithium of the cells, in the same.
    """
    return np.maximum(1e-3 * sites, 1e-6 * total)


def ahead(inputs: Mapping[str, Any], V: Any, current: Any) -> dict[str, Any]:
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


def first_current(
    voltage: Callable[[Array, Array], Array],
    power: bool,
    target: Any,
    one_c: Any,
    latest: Any,
) -> tuple[Array, Array]:
    """Find the currents that meet a control at the start of a step, of many cells.

    V falls with the current.  Of two that give a power the smaller is found, where they
    are farther apart than currents that are tried.

    Parameters
    ----------
    voltage : callable
        Voltage [V] at currents [A] of the cells of these numbers.
    power : bool
        Whether the target is a power [W]; else it is a voltage [V].
    target, one_c, latest : ndarray, shape (cells,)
        What is to be met, the current of 1C and that which flowed last [A].

    Returns
    -------
    current : ndarray
        In amperes.
    found : ndarray of bool
        Whether it is one that meets the target.
    """
    target, one_c, latest = (
        np.atleast_1d(np.asarray(a, float)) for a in (target, one_c, latest)
    )
    every = np.arange(len(target))

    def off(c_rate: Array, rows: Array) -> Array:
        """How far the control is beyond its target, rising with the C-rate."""
        current = c_rate * one_c[rows]
        V = voltage(current, rows)
        return V * current - target[rows] if power else target[rows] - V

    V = voltage(0 * target, every)
    sign, low, high = np.sign(target if power else V - target), 0 * V, 0 * V
    found, unit, sizes = sign == 0, 1 + 0 * V, OUTWARDS
    if power:
        unit, sizes = np.abs(target / V / one_c), FURTHER ** np.arange(60)
        possible = found | (V > 0)
    else:  # a hold where a charge ended has its current
        known = (latest != 0) & (np.abs(off(latest / one_c, every)) < MET)
        sign[known], found[known] = np.sign(latest[known]), True
        low[known] = high[known] = np.abs(latest / one_c)[known]
        possible = found | np.isfinite(V)
    for inside, outside in pairwise((0.0, *sizes)):
        rows = np.flatnonzero(~found & possible)
        if not len(rows):
            break
        beyond = off(sign[rows] * outside * unit[rows], rows) * sign[rows] >= 0
        at = rows[beyond]
        low[at], high[at], found[at] = inside * unit[at], outside * unit[at], True
    between = np.flatnonzero(found & (high > low))
    if len(between):
        ends = sign[between] * low[between], sign[between] * high[between]
        root = find_root(off, ends, args=(between,), tolerances={"xatol": NEAREST})
        found[between] = root.success
        high[between] = np.abs(root.x)
    return sign * high * one_c, found & possible


def _failed(answer: Trace | Infeasible | SolverFailed) -> bool:
    failures = SOLVER_FAILURE, POWER_LIMIT
    return not isinstance(answer, Trace) or answer.event in failures


def _doubtful(answer: Trace | Infeasible | SolverFailed) -> bool:
    if isinstance(answer, Trace):
        return answer.event == SOLVER_FAILURE or answer.doubt > 1
    return isinstance(answer, SolverFailed)


def _worth(answer: Trace | Infeasible | SolverFailed) -> tuple[bool, bool, float]:
    """Of several tries the one to keep has the largest."""
    if not isinstance(answer, Trace):
        return False, False, 0.0
    return True, answer.event != SOLVER_FAILURE, -answer.doubt


def _cut(
    built: _Built, request: Request, inputs: dict[str, Any], stretch: Stretch, p: Array
) -> tuple[Stretch, str | None]:
    """A stretch as far as the first end that the solver stepped over, and which it was.

    The solver sees a root where a function has two signs at the ends of one of its steps.
    What lies within a step, and what is no root function (the inside of the film), is
    looked for here, on the solver's own interpolant.
    """
    t, y, yp = stretch.t, stretch.y, stretch.yp
    if stretch.ended == "inside":
        return stretch, FILM_LIMIT
    if yp is None or len(t) < 2:
        return stretch, None
    Room = Callable[[Array], float]  # of a state: how far it is from an end
    rooms: list[tuple[str, Room, Array, Array]] = []
    for side in built.structure.films:
        within = partial(
            _inside,
            film=built.slices[f"{side} stoichiometry"],
            x_max=inputs[f"{side} sites per formula unit"],
        )
        room = within(y)
        if room.min() < -OVERSHOOT * inputs[f"{side} sites per formula unit"]:
            rooms.append((FILM_LIMIT, lambda s, w=within: float(w(s[None])[0]), t, room))

    def volts(state: Array) -> float:
        return float(built.observe(state[:, None], p)["Voltage [V]"][0])

    c = inputs["C-rate cut-off"]
    lower, upper = (
        inputs["Lower voltage cut-off [V]"],
        inputs["Upper voltage cut-off [V]"],
    )
    if not built.mode.startswith("voltage"):
        times, V = _within(
            t, y[:, built.slices[VOLTAGE]][:, 0], yp[:, built.slices[VOLTAGE]][:, 0]
        )
        if V.min() < lower - SEEN:
            rooms.append((MINIMUM_VOLTAGE, lambda s: volts(s) - lower, times, V - lower))
        if V.max() > upper + SEEN:
            rooms.append((MAXIMUM_VOLTAGE, lambda s: upper - volts(s), times, upper - V))
    elif c > 0:
        at_rate = built.slices["C-rate"].start
        times, rate = _within(t, y[:, at_rate], yp[:, at_rate])
        sign = math.copysign(1.0, rate[0])
        if (sign * rate).min() < c * (1 - SEEN):

            def left(state: Array) -> float:
                return float(sign * state[at_rate] - c)

            rooms.append((CURRENT_CUT_OFF, left, times, sign * rate - c))
    if not rooms:
        return stretch, None
    between = CubicHermiteSpline(t, y, yp)
    first: tuple[float, str | None] = math.inf, None
    for event, room_of, times, margins in rooms:
        for k in np.flatnonzero(margins < 0):
            at = float(times[k])
            if at >= first[0] or k == 0:
                break
            if room_of(between(at)) >= 0:  # the interpolant of the voltage was off
                continue
            before = float(times[k - 1])
            if room_of(between(before)) > 0:
                room_at = partial(_of, room_of, between)
                at = float(brentq(room_at, before, at, xtol=1e-15))
            first = at, event
            break
    end, found = first
    if found is None or end >= t[-1]:
        return stretch, None
    kept = t < end
    return Stretch(
        np.append(t[kept], end),
        np.vstack([y[kept], between(end)]),
        np.vstack([yp[kept], between(end, 1)]),
        "event",
    ), found


def _inside(states: Array, film: slice, x_max: float) -> Array:
    """How far all of a film is from full and empty, at each of several states."""
    x = states[:, film]
    low, high = x.min(axis=1), x.max(axis=1)
    return np.asarray(np.minimum(OVERFULL * x_max - high, low - UNDEREMPTY * x_max))


def _of(outer: Callable[[Any], float], inner: Callable[[Any], Any], at: float) -> float:
    return outer(inner(at))


def _within(t: Array, y: Array, yp: Array) -> tuple[Array, Array]:
    """A state at the solver's steps and between them, on its interpolant."""
    s = np.arange(WITHIN) / WITHIN
    h = np.diff(t)[:, None]
    cubic = (
        (1 + 2 * s) * (1 - s) ** 2 * y[:-1, None]
        + s * (1 - s) ** 2 * h * yp[:-1, None]
        + s**2 * (3 - 2 * s) * y[1:, None]
        + s**2 * (s - 1) * h * yp[1:, None]
    )
    times = t[:-1, None] + s * h
    return np.append(times, t[-1]), np.append(cubic, y[-1])


def _refined(built: _Built, stretch: Stretch) -> tuple[Stretch, Array]:
    """A stretch with points between the solver's, and the numbers of those.

    They are where a straight line between two of the solver's would miss the voltage by
    more than ``CURVE_TOLERANCE``, on the solver's own Hermite interpolant, so that a
    saved curve may be read off by linear interpolation.
    """
    t, y, yp = stretch.t, stretch.y, stretch.yp
    none = np.zeros(0, dtype=int)
    if yp is None or len(t) < 4 or VOLTAGE not in built.slices:
        return stretch, none
    V, h = y[:, built.slices[VOLTAGE].start], np.diff(t)
    bend = np.abs(np.diff(np.diff(V) / h)) / (h[1:] + h[:-1]) * 2  # |V''| at inner points
    worst = np.maximum(np.append(bend[0], bend), np.append(bend, bend[-1]))
    miss = worst * h**2 / 8
    extra = np.ceil(np.sqrt(miss / CURVE_TOLERANCE)).astype(int) - 1
    extra = np.clip(np.nan_to_num(extra), 0, 30)
    if not extra.any():
        return stretch, none
    first, step = np.repeat(t[:-1], extra), np.repeat(h / (extra + 1), extra)
    nth = np.arange(1, extra.sum() + 1) - np.repeat(np.cumsum(extra) - extra, extra)
    between = first + step * nth
    places = np.repeat(np.arange(1, len(t)), extra)
    y = np.insert(y, places, CubicHermiteSpline(t, y, yp)(between), axis=0)
    added = places + np.arange(len(places))
    return Stretch(np.insert(t, places, between), y, None, stretch.ended), added


class _Start:
    """The cell at the instant a step starts: V as a function of the current."""

    def __init__(self, built: _Built, inputs: dict[str, Any]) -> None:
        self.built = built
        self.inputs = inputs
        self.scale = inputs["Nominal cell capacity [A.h]"]
        self._seen: dict[float, dict[str, Array]] = {}

    def at(self, current: float) -> tuple[Array, Array]:
        """States and inputs at a current, what ``observe`` takes."""
        inputs = self.inputs | {TARGET["current"]: current}
        return self.built.initial(inputs), self.built.stack(inputs)

    def observe(self, current: float) -> dict[str, Array]:
        if current not in self._seen:
            self._seen[current] = self.built.observe(*self.at(current))
        return self._seen[current]

    def voltage(self, current: float) -> float:
        return float(self.observe(current)["Voltage [V]"][0])

    def current_for(self, mode: Mode, target: float, guess: float = 0.0) -> float:
        """Current [A] that meets the target; the smaller of two for a power."""
        if mode == "current":
            return target
        power = mode == "power"
        if power and (V := self.voltage(0)) <= 0 and target:
            raise Infeasible(f"at {V:.4g} V no current gives the power that is asked for")
        try:
            (current,), (found,) = first_current(
                lambda I, _: np.array([self.voltage(float(one)) for one in I]),
                *(power, target, self.scale, guess),
            )
        except SolverFailed:  # at a current that is out of all proportion
            found = False
        if found:
            return float(current)
        if not power or target < 0:
            raise Infeasible("no current of the cell meets it")
        # Only currents between those tried may reach it
        try:
            peak, most = self.peak_power()
        except SolverFailed:
            raise Infeasible("no current of the cell meets it") from None
        if most < target:
            raise Infeasible(f"the cell gives at most {most * 1e6:.4g} uW") from None
        return float(brentq(lambda I: self.power(I) - target, 0.0, peak))

    def power(self, current: float) -> float:
        """Power [W] at a current [A]."""
        return current * self.voltage(current)

    def peak_power(self) -> tuple[float, float]:
        """Current [A] of the largest power of a discharge, and that power [W]."""
        near = max(self.scale * OUTWARDS, key=self.power)
        found = minimize_scalar(
            lambda I: -self.power(I), bounds=(near / 4, near * 4), method="bounded"
        )
        return float(found.x), float(-found.fun)


@lru_cache(maxsize=16)
def engine(structure: Structure, numerics: Numerics) -> Engine:
    """The engine of a structure, built once per process."""
    return Engine(structure, numerics)

"""A model discretised for one control: its functions, and the solvers that step it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, reduce

import casadi
import numpy as np
import pybamm
from pybamm.codegen.compilation import aot_compile
from scipy.optimize import brentq

from ..cell.structure import Structure
from ..materials.laws import Array
from ..numerics import Numerics
from ..physics.counters import Counters
from ..physics.diffusion import DOMAIN, DOMAINS, depth
from ..physics.leakage import ElectronicLeakage
from ..physics.lithium import INVENTORY
from ..physics.mesh import Depths, submesh, thinnest_layer, weights
from ..physics.site_loss import ACTIVE, NOT_LOST
from ..physics.thin_film_cell import OPTIONS, ThinFilmCell
from .constants import Constants
from .energy import IN, OUT, Passed
from .equations import Equations, Rows
from .fallbacks import FALLBACKS
from .fast import Ends, Kernel, Solved, Written
from .fast import written as written_c
from .film_limit import film_limit
from .integrator import Integration, Integrator, system
from .trace import (
    CHARGE_CUT_OFF,
    CURRENT_CUT_OFF,
    CURVE_TOLERANCE,
    FILM_LIMIT,
    MAXIMUM_VOLTAGE,
    MINIMUM_VOLTAGE,
    OVERFULL,
    PROFILE,
    RAMP,
    ROUNDED,
    ROUNDING,
    SEEN,
    UNDEREMPTY,
    Inputs,
    Mode,
    Request,
    SolverFailed,
)

CHANGE = "Change of the target"  # over the duration of a ramp
# The voltage is no state of a cell.  As one more, algebraic, the solver controls its
# error, and a cut-off that lies within one of its steps is seen.
VOLTAGE = "Voltage that is controlled [V]"
DURATION = "Duration of the step [s]"
FACES, GUESS = ElectronicLeakage.FACES, 3.0  # V
TARGET = {
    "current": "Current function [A]",
    "voltage": "Voltage function [V]",
    "power": "Power function [W]",
}
# Behind its faces a film is never fuller, or emptier, than they were, but for sites that
# are lost: polynomials overshoot about a front by some of it.
OVERSHOOT = 0.1  # of the sites
# Where U(x) is steep, rounding stays above a residual of 1e-12
NEWTON = {"abstolStep": 1e-8, "line_search": False}
BRACKETS = 1e1, 1e4, 1e7  # V, the last at a million C through any resistance


# Scalar code is long and has no loops: -O3 takes twice as long over it, and gains nothing
COMPILER_FLAGS = ("-O1", "-march=native", "-fPIC")

SHOWN = "observe", "margins"  # functions beside those that IDA integrates

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


class Discretised:
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
        ends[FILM_LIMIT] = film_limit(model, structure)
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
        self.constants = Constants(
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
        self.quick = structure.capacitive
        self.slices = {v.name: s[0] for v, s in discretisation.y_slices.items()}
        self.numerics = numerics
        self.mode = mode
        self.integrators: dict[int, Integrator] = {}
        symbols = {"rates": self.model.concatenated_rhs}
        symbols["end"] = self.model.events[0].expression
        if self.model.len_alg:
            symbols["residual"] = self.model.concatenated_algebraic
        shown = (*self.observed, *self.ends)
        symbols |= {name: self.model.get_processed_variable(name) for name in shown}
        loops = not numerics.compile
        self._equations = Equations(symbols, self.model.len_rhs_and_alg, loops)
        self.inputs = self._equations.inputs
        # What is to be solved for a consistent start: the voltage follows from the rest
        voltage = self.slices.get(VOLTAGE, slice(-1, 0)).start
        algebraic = range(self.model.len_alg)
        self.unknown = [k for k in algebraic if k + self.model.len_rhs != voltage]

    @property
    def _system(self) -> tuple[casadi.SX, casadi.SX, casadi.SX]:
        """Rates, residual, and the room that is left until the end of a step."""
        found = self._equations.expressions
        return found["rates"], found.get("residual", casadi.SX(0, 1)), found["end"]

    @cached_property
    def _functions(self) -> dict[str, casadi.Function]:
        """What is observed and what IDA integrates, of states and inputs."""
        q = self._equations
        functions = system(q, *self._system)
        for name, rows in zip(SHOWN, (self.observed, self.ends), strict=True):
            column = casadi.vertcat(*(q.expressions[row] for row in rows))
            functions[name] = q.function(name, [q.y, q.p], column)
        return functions

    @cached_property
    def _residual(self) -> casadi.Function:
        """What is 0 at a consistent start."""
        q = self._equations
        return q.function("start", [q.t, q.y, q.p], self._system[1][self.unknown, :])

    @cached_property
    def _compiled(self) -> dict[str, casadi.Function]:
        """All functions, where they are to be compiled so on first use."""
        if not self.numerics.compile:
            return self._functions
        compiled = aot_compile([*self._functions.values()], flags=COMPILER_FLAGS)
        return dict(zip(self._functions, compiled, strict=True))

    @property
    def functions(self) -> dict[str, casadi.Function]:
        """Those that IDA integrates."""
        return {name: f for name, f in self._compiled.items() if name not in SHOWN}

    @property
    def profiles(self) -> tuple[slice, ...]:
        """States that are one through a film."""
        return tuple(s for s in self.slices.values() if s.stop - s.start > 1)

    @cached_property
    def of_means(self) -> dict[str, casadi.Function]:
        """Those that IDA integrates, with the equation of each film's mean."""
        means = [(film, self.weights) for film in self.profiles]
        return system(self._equations, *self._system, means)

    @cached_property
    def _observe(self) -> Rows:
        return Rows(self._compiled["observe"])

    @cached_property
    def _margins(self) -> Rows:
        return Rows(self._compiled["margins"])

    @cached_property
    def _rates(self) -> Rows:
        return Rows(self._compiled["rhs_alg"])

    @cached_property
    def kernel(self) -> Kernel | None:
        """What solves many cells at once, where the state is the film alone."""
        return self.written and self.written.compiled()

    @cached_property
    def written(self) -> Written | None:
        """The C of the kernel."""
        known = all(
            value in IN_THE_KERNEL.get(name, OPTIONS[name][:1])
            for name, value in self.options.items()
        )
        alone = set(self.carried) == {PROFILE, INVENTORY} and not self.structure.laws
        if not (self.numerics.compile and known and alone) or RAMP in self.mode:
            return None
        q = self._equations
        rates, residual, room = self._system
        voltage = q.expressions["Voltage [V]"]
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
        return written_c(q, rates, residual, ends, casadi.vertcat(*shown), voltage)

    def shown(self, y: Array, p: Array) -> tuple[dict[str, Array], Array]:
        """Return what the kernel observes, by name, and margins, shape (ends, states)."""
        assert self.kernel is not None
        found = self.kernel.show(y, p)
        seen = dict(zip(self.observed, found, strict=False))
        return seen, found[len(self.observed) :]

    def integrated(self, y0: Array, p: Array, bend: float | None = None) -> Solved:
        """Integrate cells by the kernel, at its tolerances.

        With their curves, where straight lines between points may miss the voltage [V],
        of a hold the current over 1C, by ``bend``.
        """
        assert self.kernel is not None
        rtol, atol = self.numerics.rtol, self._atol(self.numerics.atol)
        if VOLTAGE in self.slices:
            atol[self.slices[VOLTAGE]] *= KERNEL_VOLTAGE / KERNEL_TOLERANCE
        return self.kernel(y0, p, KERNEL_TOLERANCE * rtol, KERNEL_TOLERANCE * atol, bend)

    def stack(self, inputs: Inputs) -> Array:
        """Return inputs as the one vector the functions take."""
        return np.array([inputs[name] for name in self.inputs])

    def missing(self, inputs: Inputs) -> Inputs:
        """Return initial states that inputs do not state, by the laws' own conditions."""
        names = [name for name in self.carried if f"Initial: {name}" not in inputs]
        if not names:
            return {}
        inputs = inputs | self.constants(inputs)
        return {
            f"Initial: {name}": np.full(
                self.slices[name].stop - self.slices[name].start,
                float(np.asarray(self.own_initial[name].evaluate(inputs=inputs)).item()),
            )
            for name in names
        }

    def observe(self, y: Array, inputs: Array) -> dict[str, Array]:
        """Return what is observed at columns of y, of one column of inputs or as many."""
        values = self._observe(np.atleast_2d(y.T), np.atleast_2d(inputs.T))
        return dict(zip(self.observed, values.T, strict=True))

    def margins(self, y: Array, inputs: Array) -> dict[str, float]:
        """Return how far a state is from each end a step can have.

        Above 0 while the step goes on; the first to reach 0 ends it.
        """
        values = self._margins(y[None], inputs[None])[0]
        return dict(zip(self.ends, values.tolist(), strict=True))

    def taken_back(self, y: Array, p: Array) -> Array | None:
        """Return the profile just within its ends, of a film full or empty at a face that
        becomes less so; None where it does not."""
        if ACTIVE in self.slices or self.numerics.mesh != "elements":
            return None  # the state at a face is not its stoichiometry
        film, faces, x_max = self.slices[PROFILE], [0, -1], self.structure.cathode.x_max
        profile, rates = y[film].copy(), self._rates(y[None], p[None])[0, film]
        empty, full = UNDEREMPTY + ROUNDED, OVERFULL - ROUNDED
        profile[faces] = np.clip(profile[faces], empty * x_max, full * x_max)
        moved = profile - y[film]
        leads = (moved * rates >= 0).all() and np.abs(moved).max() < ROUNDING * x_max
        return profile if leads else None

    def overshoot(self, y: Array, inputs: Inputs) -> float:
        """Return how far the cathode is fuller or emptier than can be, of its sites."""
        names = (n for n in (ACTIVE, *NOT_LOST.values()) if n in self.slices)
        active = reduce(np.multiply, (y[:, self.slices[n]] for n in names), np.ones(1))
        x = y[:, self.slices[PROFILE]] / active / inputs["Cathode sites per formula unit"]
        return float(max(np.max(x) - OVERFULL, UNDEREMPTY - np.min(x), 0.0))

    def counted(self, y: Array, inputs: Inputs) -> dict[str, Array]:
        """Return the energies that the kernel has as states [W.h]."""
        Ah = inputs["Electrode area [m2]"] / (3600 * inputs["1/site charge"])
        net, out = (y[:, self.slices[name]][:, 0] * Ah for name in Counters.ENERGIES)
        return {OUT: out, IN: out - net}

    def passed(self, s: Integration, request: Request, inputs: Inputs) -> Passed:
        """Return what passed at the solver's steps of a request."""
        y = s.y
        Ah = inputs["Electrode area [m2]"] / (3600 * inputs["1/site charge"])
        net, out = (y[:, self.slices[name]][:, 0] * Ah for name in Counters.CHARGES)
        if VOLTAGE in self.slices:
            V = y[:, self.slices[VOLTAGE].start]
        else:
            V = request.target + request.change * s.t
        I = y[:, self.slices["C-rate"].start] if "C-rate" in self.slices else 1 + 0 * s.t
        return Passed(s.t, V, I, out, out - net)

    def guess(self, inputs: Inputs) -> Array:
        """Return the states a step starts from, algebraic ones as far as known."""
        y = np.zeros(self.model.len_rhs_and_alg)
        for name, where in self.slices.items():
            y[where] = inputs.get(f"Initial: {name}", 0.0)
        return y

    def initial(self, inputs: Inputs) -> Array:
        """Return the consistent states that a step of given current starts from."""
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
    def _consistent(self) -> tuple[casadi.Function, casadi.Function]:
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
        """Return the solver, or one of its fallbacks, set up on first use."""
        if fallback not in self.integrators:
            asked = FALLBACKS[fallback]
            options = asked.options_of(self.mode, fallback > 0, self.quick)
            rtol, least = asked.tolerances(self.numerics)
            atol = self._atol(least)
            if "C-rate" in self.slices and asked.c_rate is not None:
                atol[self.slices["C-rate"]] = asked.c_rate
            functions = self.of_means if asked.of_means else self.functions
            self.integrators[fallback] = Integrator(functions, rtol, atol, options)
        return self.integrators[fallback]

    def solve(
        self, y0: Array, p: Array, fallback: int = 0, curve: bool = True
    ) -> Integration:
        """Integrate from a state by the solver, or one of its fallbacks.

        It is the kernel's, where there is one and it does not fail.

        Raises
        ------
        pybamm.SolverError
            The solver refuses them.
        """
        if fallback == 0 and self.kernel is not None:
            bend = CURVE_TOLERANCE if curve else None
            found = self.integrated(y0[None], p[None], bend)
            if (ended := str(found.ended[0])) != "failure":
                t, y = np.append(0.0, found.t), np.stack([y0, found.y[0]])
                if found.curves is not None:
                    t, y = found.curves.t, found.curves.y
                return Integration(t, y, None, ended, float(found.stray[0]))
        integrator = self.integrator(fallback)
        yp0 = self._rates(y0[None], p[None])[0]
        yp0[self.model.len_rhs :] = 0
        return integrator.solve(y0, yp0, p)

    def _atol(self, least: float) -> Array:
        """Return the absolute tolerance of each state."""
        atol = np.full(self.model.len_rhs_and_alg, least)
        if VOLTAGE in self.slices:
            atol[self.slices[VOLTAGE]] = self.numerics.voltage_tolerance
        return atol


def _bracketed(g: casadi.Function, z: Array, k: int) -> Array | None:
    """Solve for algebraic states, number k bracketed; None without a change of sign.

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


def _parameters(symbols: list[pybamm.Symbol]) -> set[pybamm.Symbol]:
    unpacker = pybamm.SymbolUnpacker((pybamm.Parameter, pybamm.FunctionParameter))
    found: set[pybamm.Symbol] = unpacker.unpack_list_of_symbols(symbols)
    return found


def _scalar_parameters(symbols: list[pybamm.Symbol]) -> set[str]:
    """Return names of the parameters among symbols, those of functions included."""
    kinds = pybamm.Parameter | pybamm.FunctionParameter
    return {symbol.name for symbol in symbols if isinstance(symbol, kinds)}

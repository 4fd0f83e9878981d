"""Fields of a cell fitted to measured curves and capacities, by least squares.

The experiment says what was done to the cell, the data what came of it, and a ``fit:``
block (or the command line) which fields may vary between which bounds.  Each field is
carried as u in [0, 1] between its bounds, on a linear or logarithmic scale.

Residuals.  A measured point (q, V) of a step gives its distance to the model's curve in
the plane of q/sigma_q and V/sigma_V, positive where the curve is above: least squares
of a point that is uncertain in both coordinates (orthogonal distance regression, Boggs
and Rogers, Contemp. Math. 112 (1990) 183).  On a plateau that is the voltage error, in a
steep end the capacity error.  Beyond its own end the curve goes on straight down, so that
one that ends early still says by how much.  An end capacity gives (q_model - q)/sigma_q.

Derivatives are finite differences.  The solver's forward sensitivities hold within one
step and at a fixed time; they carry neither through a cut-off that moves nor from a step
to the next, and for five parameters one discharge takes 49 ms with them against 62 ms for
differences (``python benchmarks/fit.py --sensitivities``): too little to pay.  Numerics
are :meth:`Numerics.fast` while a minimum is looked for, and the defaults for the last
pass, the intervals and all errors stated.
"""

from __future__ import annotations

import copy
import math
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, StrictInt, StrictStr
from scipy.optimize import brentq, least_squares
from scipy.stats import qmc

from .. import units
from ..cell.cell import Cell
from ..comparison.matching import best_match, why_unmatched
from ..comparison.own_current import driven_steps, experiment_or_cell
from ..comparison.pairing import joined
from ..data.measured import CHARGE, DISCHARGE, Measured, Segment, by_cycle
from ..data.read import read_all
from ..errors import InputError, shown, suggest
from ..experiment.cases import Case, Cases, Expanded
from ..experiment.steps import Protocol
from ..fields import Quantity, Strict, validate
from ..materials import laws
from ..materials.transport import SelfDiffusion
from ..numerics import Numerics
from ..solver.cycler import CycleRecord, Runner, settled
from ..solver.engine import engine
from ..yaml_file import Document

if TYPE_CHECKING:
    from .fit_result import Fit

Array = np.ndarray
NEAR_BOUND = 1e-3  # of the range: a value there is the bound's
FAILED = 100.0  # residual of each point of a step that could not be simulated
END_WITHIN = 0.02  # V of the cut-off: the step was measured to its end
SAME_MINIMUM = 0.02  # of chi^2
SCREENED = 4  # points of a Latin hypercube for each further start
# Steps of the finite differences: of ln(value), or of the range between the bounds
FAST_STEP, FINE_STEP = 0.02, 0.01
COLUMNS = {CHARGE: "Charge capacity", DISCHARGE: "Discharge capacity"}
Progress = Callable[[str, int, float], None]


# --- What is asked -----------------------------------------------------------------


class Bounds(Strict):
    """A field that may vary, and between what."""

    min: Any
    max: Any
    scale: Literal["log", "linear"] | None = None


class Definition(Strict):
    """The ``fit:`` block of an experiment; every field documented in docs/files.md."""

    parameters: Annotated[dict[str, Bounds], Field(min_length=1, max_length=30)]
    held_out: list[StrictStr] = []
    voltage_error: Annotated[float, Quantity("voltage", gt=0, le=1)] = 3e-3
    capacity_error: Annotated[float, Quantity("dimensionless", gt=0, le=1)] = 5e-3
    points: Annotated[StrictInt, Field(ge=2, le=1000)] = 40
    starts: Annotated[StrictInt, Field(ge=1, le=100)] = 4


@dataclass(frozen=True)
class Parameter:
    """A number of the cell that is fitted.

    Parameters
    ----------
    path : str
        Dotted path of a numeric field, or of a number inside a law the file spells out,
        as ``cathode.diffusivity.log10_polynomial.0``.
    dimension : str
        Of the number, a key of ``units.DISPLAY``.
    low, high : float
        Bounds [SI].
    log : bool
        Whether it varies on a logarithmic scale.
    start : float
        The cell's own value [SI].
    """

    path: str
    dimension: str
    low: float
    high: float
    log: bool
    start: float

    @property
    def range(self) -> float:
        """The range in the fit's own scale: of ln(value), or of the value."""
        return math.log(self.high / self.low) if self.log else self.high - self.low

    def value(self, u: float) -> float:
        """The value [SI] at a place between the bounds."""
        if self.log:
            return float(self.low * math.exp(u * self.range))
        return float(self.low + u * self.range)

    def place(self, value: float) -> float:
        """Where a value is between the bounds: 0 at the lower, 1 at the upper."""
        if self.log:
            return math.log(max(value, 1e-300) / self.low) / self.range
        return (value - self.low) / self.range

    def step(self, size: float) -> float:
        """A finite difference in u: a share of the value, or of the range."""
        return min(size / self.range, 0.05) if self.log else 0.5 * size

    def text(self, value: float, digits: int = 4) -> str:
        """The value as a file would have it."""
        return units.text(value, self.dimension, digits)


@dataclass(frozen=True)
class Curve:
    """One measured step, or one measured capacity, of a case.

    Parameters
    ----------
    case : str
        Name of the case.
    cycle : int
        Recorded cycle, from 1.
    steps : tuple of int or None
        Which steps of it (from 0), in a row; None: all of this kind.
    kind : str
        "charge" or "discharge".
    source : str
        File or source it came from.
    held_out : bool
        Predicted, not fitted.
    capacity, voltage : ndarray, shape (points,)
        [A.h.m-2], [V].
    end : float
        Capacity at the step's cut-off [A.h.m-2]; NaN if it was not measured.
    label : str
        What tables call it in place of the case.
    """

    case: str
    cycle: int
    steps: tuple[int, ...] | None
    kind: str
    source: str
    held_out: bool
    capacity: Array
    voltage: Array
    end: float = math.nan
    label: str = ""

    @property
    def scale(self) -> float:
        """The capacity its relative error is of [A.h.m-2]."""
        if math.isfinite(self.end):
            return self.end
        return float(self.capacity[-1]) or 1.0

    @property
    def size(self) -> int:
        """How many residuals it gives."""
        return len(self.capacity) + math.isfinite(self.end)


def definition(
    expanded: Expanded,
    vary: Mapping[str, str] | None = None,
    held_out: Sequence[str] | None = None,
) -> Definition:
    """The experiment's ``fit:`` block, with what the command line changes.

    Parameters
    ----------
    expanded : Expanded
        The experiment.
    vary : mapping, optional
        Field to ``LOW..HIGH``, with " log" or " linear" behind; takes the place of the
        block's parameters.
    held_out : sequence of str, optional
        Names of cases and files; takes the place of the block's.

    Raises
    ------
    InputError
        Nothing to vary, or a bound that cannot be read.
    """
    document = expanded.document
    block: dict[str, Any] = dict(expanded.experiment.fit or {})
    if vary:
        block["parameters"] = {k: _bounds(k, text) for k, text in vary.items()}
    if held_out is not None:
        block["held_out"] = list(held_out)
    if not block.get("parameters"):
        raise document.error(
            ("fit",),
            "is missing; give it, with the parameters to vary, or name them with --vary "
            "FIELD=LOW..HIGH",
        )
    try:
        found: Definition = validate(Definition, block)
    except InputError as error:
        if vary and error.field.startswith("parameters"):
            raise InputError(error.message, field="--vary") from None
        raise document.error(("fit", *error.field.split(".")), error.message) from None
    return found


def check_fit(expanded: Expanded) -> None:
    """Refuse a ``fit:`` block that cannot be run, whatever the data.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    asked = definition(expanded)
    parameters(expanded.cases[0].cell, asked.parameters, expanded.document)


def _check_held_out(
    expanded: Expanded, asked: Definition, names: Sequence[str], by_option: bool
) -> None:
    """Every name held out is of something there is."""
    for k, name in enumerate(asked.held_out):
        if name in names:
            continue
        hint = suggest(name, names) or f"; there are {', '.join(dict.fromkeys(names))}"
        message = f"no case or file is called '{shown(name)}'{hint}"
        if by_option:
            raise InputError(message, field="--hold-out")
        raise expanded.document.error(("fit", "held_out", k), message)


def _bounds(path: str, text: str) -> dict[str, Any]:
    """``0.1..10 log`` as bounds."""
    found = re.fullmatch(r"\s*(.+?)\s*\.\.\s*(.+?)\s*(?:\s(log|linear))?\s*", text)
    if found is None:
        raise InputError(
            f"'{shown(text)}' is not LOW..HIGH, such as 0.1..10 or '1 um..9 um log'",
            field=f"--vary {path}",
        )
    low, high, scale = found.groups()
    return {"min": low, "max": high} | ({"scale": scale} if scale else {})


def parameters(
    cell: Cell, wanted: Mapping[str, Bounds], document: Document | None = None
) -> list[Parameter]:
    """The numbers that vary, checked against the cell.

    Raises
    ------
    InputError
        No such number, or bounds that the field cannot take or that do not rise.
    """
    found = []
    for path, bounds in wanted.items():
        try:
            found.append(_parameter(cell, path, bounds))
        except InputError as error:
            if document is None or document.line(("fit", "parameters", path)) is None:
                raise
            at = ("fit", "parameters", path)
            raise document.error(at, error.message) from None
    paths = [p.path for p in found]
    if "cathode.diffusivity" in paths and "cathode.diffusivity_scale" in paths:
        message = "and cathode.diffusivity are one number twice; vary one of them"
        raise InputError(message, field="cathode.diffusivity_scale")
    return found


def _parameter(cell: Cell, path: str, bounds: Bounds) -> Parameter:
    start, dimension = _number(cell, path)
    ends = []
    for name in ("min", "max"):
        text = getattr(bounds, name)
        try:
            if isinstance(text, str) and dimension == "dimensionless":
                text = text.strip()
            ends.append(units.parse(text, dimension))
        except ValueError as error:
            raise InputError(f"{name}: {error}", field=path) from None
    low, high = ends
    if not low < high:
        raise InputError(
            f"min ({shown(bounds.min)}) must be below max ({shown(bounds.max)})",
            field=path,
        )
    wide = low > 0 and high / low >= 10
    log = bounds.scale == "log" if bounds.scale else wide
    if log and low <= 0:
        raise InputError("min must be above 0 on a logarithmic scale", field=path)
    parameter = Parameter(path, dimension, low, high, log, start)
    for end in ends:
        with_values(cell, [parameter], [end])
    return parameter


def _number(cell: Cell, path: str) -> tuple[float, str]:
    """A number of the cell [SI] and its dimension, inside a law too."""
    keys = path.split(".")
    content: Any = cell.written.content
    if len(keys) > 2 and isinstance(content.get(keys[0]), dict):
        here = content[keys[0]].get(keys[1])
        for key in keys[2:]:
            if isinstance(here, list) and key.isdigit() and int(key) < len(here):
                here = here[int(key)]
            elif isinstance(here, dict) and key in here:
                here = here[key]
            else:
                raise InputError(
                    f"the cell file's {'.'.join(keys[:2])} has no '{shown(key)}'",
                    field=path,
                )
        if isinstance(here, int | float) and not isinstance(here, bool):
            return float(here), "dimensionless"
        for dimension in units.DISPLAY:
            try:
                return units.parse(here, dimension), dimension
            except ValueError:
                continue
        raise InputError("is not a number and cannot be fitted", field=path)
    try:
        number, dimension = cell.number(path)
    except InputError as error:
        hint = ""
        if "no such field" in error.message and "did you mean" not in error.message:
            hint = suggest(path, cell.numeric_fields)
        raise InputError(error.message + hint, field=path) from None
    law = cell.cathode.diffusivity
    if path == "cathode.diffusivity" and isinstance(law, SelfDiffusion):
        raise InputError(
            "is a law here; vary cathode.diffusivity_scale, which multiplies it",
            field=path,
        )
    return number, dimension


def with_values(cell: Cell, which: Sequence[Parameter], values: Sequence[float]) -> Cell:
    """The cell with values [SI] in place.

    Raises
    ------
    InputError
        A value the field cannot take.
    """
    changes: dict[str, Any] = {}
    for parameter, value in zip(which, values, strict=True):
        keys = parameter.path.split(".")
        if len(keys) < 3:
            changes[parameter.path] = value
            continue
        field = ".".join(keys[:2])
        law = changes.get(field) or copy.deepcopy(cell.written.content[keys[0]][keys[1]])
        here = law
        for key in keys[2:-1]:
            here = here[int(key) if isinstance(here, list) else key]
        here[int(keys[-1]) if isinstance(here, list) else keys[-1]] = value
        changes[field] = law
    return cell.replace(changes)


# --- What was measured -------------------------------------------------------------


def measured_capacities(expanded: Expanded, held_out: Sequence[str]) -> list[Curve]:
    """The experiment's own ``measured:`` capacities, per area."""
    found = []
    cases = {case.name: case for case in expanded.cases}
    for row in expanded.measured:
        case = cases[row["Case"]]
        kind = row["Quantity"].split()[0].lower()
        if "A.h.cm-2" in row["Quantity"]:
            end = row["Measured"] / 100  # uA.h.cm-2 to A.h.m-2
        else:  # mA.h.g-1
            end = row["Measured"] * case.cell.loading
        held = case.name in held_out
        cycle = int(row["Cycle number"])
        none = np.empty(0)
        found.append(
            Curve(case.name, cycle, None, kind, row["Source"], held, none, none, end)
        )
    return found


def matched(
    expanded: Expanded,
    data: Sequence[Measured],
    held_out: Sequence[str],
    points: int = 40,
) -> tuple[list[Curve], list[str]]:
    """Measured charges and discharges beside the steps that ``tfbsim compare`` finds.

    Parameters
    ----------
    expanded : Expanded
        The experiment.
    data : sequence of Measured
        As read.
    held_out : sequence of str
        Cases and files that are predicted.
    points : int
        Most points of a curve that are kept, evenly along it.

    Returns
    -------
    list of Curve, list of str
        What belongs somewhere, and a sentence on each step that does not.
    """
    found, notes = [], []
    for file in data:
        seen: dict[str, int] = {}
        for cycle in by_cycle(file.segments):
            match = best_match(cycle, expanded.cases)
            where = dict(match.steps) if match else {}
            name = match.case.name if match else ""
            number = seen[name] = seen.get(name, 0) + 1
            for k, segment in enumerate(cycle):
                if segment.kind not in COLUMNS:
                    continue
                if k not in where or match is None:
                    why = why_unmatched(segment, expanded.cases)
                    notes.append(f"{file.name}, {segment.name}: left out: {why}")
                    continue
                if number > match.case.protocol.cycles:
                    why = f"the experiment has {match.case.protocol.cycles} cycles"
                    notes.append(f"{file.name}, {segment.name}: left out: {why}")
                    continue
                held = name in held_out or file.name in held_out
                step = match.case.protocol.steps[where[k]]
                limit = step.lower if segment.kind == DISCHARGE else step.upper
                q, V = _thinned(segment, points)
                end = math.nan
                if len(q) and limit is not None and abs(V[-1] - limit) < END_WITHIN:
                    end, q, V = float(q[-1]), q[:-1], V[:-1]
                if not (len(q) or math.isfinite(end)):
                    notes.append(
                        f"{file.name}, {segment.name}: left out: no usable point"
                    )
                    continue
                place = (name, number, (where[k],), segment.kind, file.name, held)
                found.append(Curve(*place, q, V, end))
    return found, notes


def driven(
    expanded: Expanded,
    data: Sequence[Measured],
    held_out: Sequence[str],
    points: int = 40,
) -> tuple[Expanded, list[Curve], list[str]]:
    """The cell driven by the data's own current: each record one case, from its start.

    Returns
    -------
    Expanded, list of Curve, list of str
        With the records as its cases; their charges and discharges; what was left out.
    """
    base = expanded.cases[0]
    cases, found, notes = [], [], []
    for file in data:
        segments = list(file.segments)
        if any(np.isnan(s.current).any() for s in segments):
            notes.append(f"{file.name}: left out: its current is not stated")
            continue
        whole = all(s.time is not None for s in segments)
        for part in [segments] if whole else [[s] for s in segments]:
            name = file.name if whole else f"{file.name}, {part[0].name}"
            parts = [driven_steps(s, part, base.cell) for s in part]
            steps = tuple(step for some in parts for step in some)
            if not steps:
                continue
            protocol = replace(base.protocol, steps=steps, cycles=1)
            cases.append(replace(base, name=name, protocol=protocol))
            at = 0
            for segment, some in zip(part, parts, strict=True):
                here = tuple(range(at, at + len(some)))
                at += len(some)
                q, V = _thinned(segment, points)
                if segment.kind not in COLUMNS or not len(q):
                    continue
                label = f"{file.name}, {segment.name}"
                held = bool(
                    {file.name, name, label, f"cycle {segment.cycle}"} & {*held_out}
                )
                short = segment.name or f"cycle {segment.cycle}"
                place = (name, 1, here, segment.kind, label, held)
                found.append(Curve(*place, q, V, label=short if whole else label))
    return replace(expanded, cases=Cases(cases or expanded.cases)), found, notes


def _thinned(segment: Segment, points: int) -> tuple[Array, Array]:
    """Capacity and voltage at points evenly along the curve, its ends among them."""
    q, V = (np.asarray(a, dtype=float) for a in (segment.capacity, segment.voltage))
    known = np.isfinite(q) & np.isfinite(V)
    q, first = np.unique(q[known], return_index=True)
    V = V[known]
    V = V[first]
    if len(q) > points:
        spans = np.ptp(q) or 1.0, np.ptp(V) or 1.0
        along = np.hypot(np.diff(q) / spans[0], np.diff(V) / spans[1])
        length = np.concatenate([[0.0], np.cumsum(along)])
        at = np.linspace(0, length[-1], points)
        keep = np.unique(np.searchsorted(length, at - 1e-12).clip(0, len(q) - 1))
        q, V = q[keep], V[keep]
    return q, V


# --- The problem -------------------------------------------------------------------


@dataclass(frozen=True)
class Simulated:
    """A curve of the model beside a measured one.

    Parameters
    ----------
    capacity, voltage : ndarray, shape (samples,)
        [A.h.m-2], [V]; empty where only the capacity was asked for.
    end : float
        Capacity at its end [A.h.m-2].
    """

    capacity: Array
    voltage: Array
    end: float

    def above(self, q: Array, V: Array, errors: tuple[float, float]) -> Array:
        """Signed distances of points to the curve, over errors of q and V."""
        Q = np.append(self.capacity, self.capacity[-1]) / errors[0]
        U = np.append(self.voltage, self.voltage[-1]) / errors[1]
        rises = self.voltage[-1] > self.voltage[0]
        reach = 10 * FAILED
        Q[-1] += 1e-3 * reach  # on to the cut-off and far beyond, all but vertical
        U[-1] += reach if rises else -reach
        x, y = (q / errors[0])[:, None], (V / errors[1])[:, None]
        dx, dy = np.diff(Q), np.diff(U)
        along = ((x - Q[:-1]) * dx + (y - U[:-1]) * dy) / np.maximum(dx**2 + dy**2, 1e-30)
        along = np.clip(along, 0.0, 1.0)
        off = np.hypot(Q[:-1] + along * dx - x, U[:-1] + along * dy - y).min(axis=1)
        return off * np.sign(np.interp(q / errors[0], Q, U) - V / errors[1])


class Problem:
    """Residuals of a cell's parameters against measured curves.

    Parameters
    ----------
    cases : sequence of Case
        Those the curves are of; of one cell each, before the fit changes it.
    curves : sequence of Curve
        Fitted and held out.
    which : sequence of Parameter
        What varies.
    errors : (float, float)
        sigma_V [V], and sigma_q over the capacity of the curve.
    numerics : Numerics
        Mesh and tolerances.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        curves: Sequence[Curve],
        which: Sequence[Parameter],
        errors: tuple[float, float],
        numerics: Numerics,
    ) -> None:
        self.which = list(which)
        self.curves = list(curves)
        self.fitted = [c for c in curves if not c.held_out]
        needed = {c.case for c in curves}
        self.cases = [case for case in cases if case.name in needed]
        self.sigma_V, self.sigma_q = errors
        self.numerics = numerics
        self.evaluations = 0
        self.steps = 0
        # Cases of equal cells share one, and with it their conditioning
        cells: list[Cell] = []
        for case in self.cases:
            if case.cell not in cells:
                cells.append(case.cell)
        self._cell_of = {case.name: cells.index(case.cell) for case in self.cases}
        self._known: dict[bytes, Array] = {}  # residuals at every place tried

    def values(self, u: Array) -> list[float]:
        """Values [SI] at places between the bounds."""
        return [p.value(float(x)) for p, x in zip(self.which, u, strict=True)]

    def cell(self, cell: Cell, u: Array) -> Cell:
        """A case's cell with the values in place, its model's shape kept if it can be."""
        changes, values = [], []
        scale = float(cell.cathode.diffusivity_scale)
        rest: dict[str, float] = {}
        for parameter, value in zip(self.which, self.values(u), strict=True):
            law = cell.cathode.diffusivity
            if parameter.path == "cathode.diffusivity" and isinstance(law, laws.Constant):
                # The same D, as an input of one model rather than a model of its own
                rest["cathode.diffusivity_scale"] = scale * value / law.value
            else:
                changes.append(parameter)
                values.append(value)
        changed = with_values(cell, changes, values) if changes else cell
        return changed.replace(rest) if rest else changed

    def simulate(self, u: Array, curves: Sequence[Curve]) -> list[Simulated | None]:
        """The model's curves, None for each that could not be simulated."""
        wanted: dict[str, list[Curve]] = {}
        for curve in curves:
            wanted.setdefault(curve.case, []).append(curve)
        cells: dict[int, Cell] = {}
        runners: dict[Any, Any] = {}
        found: dict[int, Simulated | None] = {}
        for case in self.cases:
            if case.name not in wanted:
                continue
            mine = wanted[case.name]
            key = self._cell_of[case.name]
            try:
                if key not in cells:
                    cells[key] = self.cell(case.cell, u)
                cell = cells[key]
                cycles = self._run(cell, case.protocol, mine, runners, key)
            except InputError:  # values that do not go together
                continue
            for curve in mine:
                found[id(curve)] = _observed(curve, cycles, float(cell.area))
        self.evaluations += 1
        return [found.get(id(curve)) for curve in curves]

    def _run(
        self,
        cell: Cell,
        protocol: Protocol,
        curves: Sequence[Curve],
        runners: dict[Any, Any],
        key: int,
    ) -> list[CycleRecord]:
        """Cycles as far as they are needed; a conditioning that cases share runs once."""
        shared = (key, protocol.conditioning, protocol.conditioning_cycles)
        if shared not in runners:
            runner = Runner(cell, engine(cell.structure, self.numerics))
            for number in range(protocol.conditioning_cycles):
                if protocol.conditioning:
                    settled(runner.cycle(number + 1, protocol.conditioning, False))
                    self.steps += len(protocol.conditioning)
            runners[shared] = runner
        runner = copy.copy(runners[shared])
        drawn = any(len(c.capacity) for c in curves)
        last = max(curve.cycle for curve in curves)
        self.steps += last * len(protocol.steps)
        steps = protocol.steps
        return [settled(runner.cycle(k + 1, steps, drawn)) for k in range(last)]

    def residuals(self, u: Array) -> Array:
        """Residuals of the fitted curves over their errors."""
        key = np.asarray(u, dtype=float).tobytes()
        if key not in self._known:
            simulated = self.simulate(u, self.fitted)
            parts = [self._of(c, m) for c, m in zip(self.fitted, simulated, strict=True)]
            self._known[key] = np.concatenate(parts)
        return self._known[key]

    def _of(self, curve: Curve, model: Simulated | None) -> Array:
        if model is None:
            return np.full(curve.size, FAILED)
        sigma_q = self.sigma_q * curve.scale
        r = np.empty(0)
        if len(curve.capacity):
            errors = (sigma_q, self.sigma_V)
            r = model.above(curve.capacity, curve.voltage, errors)
        if math.isfinite(curve.end):
            r = np.append(r, (model.end - curve.end) / sigma_q)
        return np.clip(r, -FAILED, FAILED)

    def jacobian(
        self,
        u: Array,
        size: float,
        central: bool = False,
        which: Sequence[int] | Array | None = None,
    ) -> Array:
        """Finite differences of the residuals, shape (residuals, which parameters).

        At a bound they go inward.
        """

        def at(k: int, place: float) -> Array:
            changed = u.copy()
            changed[k] = place
            return self.residuals(changed)

        columns = []
        for k in range(len(self.which)) if which is None else which:
            h, x = self.which[k].step(size), float(u[k])
            if central:
                low = min(max(x - h, 0.0), 1 - 2 * h)
                high = low + 2 * h
            else:
                low, high = (x, x + h) if x + h <= 1 else (x - h, x)
            a, b = at(k, low), at(k, high)
            difference = b - a
            # A curve that fails at one end says nothing of its slope
            difference[(np.abs(a) >= FAILED) | (np.abs(b) >= FAILED)] = 0.0
            columns.append(difference / (high - low))
        return np.column_stack(columns)


def _observed(
    curve: Curve, cycles: Sequence[CycleRecord], area: float
) -> Simulated | None:
    """What the model has where a curve was measured."""
    every = cycles[curve.cycle - 1].steps
    steps = every if curve.steps is None else [every[k] for k in curve.steps]
    if any(step.trace is None for step in steps):
        return None
    end = sum(getattr(step, curve.kind) for step in steps) / area
    drawn = joined(steps, curve.kind, area) if len(curve.capacity) else None
    if drawn is None:
        return Simulated(np.empty(0), np.empty(0), end)
    q, V = drawn.capacity, drawn.voltage
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(q)) > 1e-12 * q[-1]])
    return Simulated(q[rising], V[rising], end)


# --- The fit -----------------------------------------------------------------------


@dataclass(frozen=True)
class Minimum:
    """Where a search ended.

    Parameters
    ----------
    u : ndarray, shape (parameters,)
        Places between the bounds.
    chi2 : float
        Sum of squared residuals.
    """

    u: Array
    chi2: float


def search(
    problem: Problem,
    start: Array,
    size: float = FAST_STEP,
    tell: Callable[[float], None] | None = None,
    tolerance: float = 1e-3,
) -> Minimum:
    """Least squares from one start (trust region reflective, SciPy)."""

    def told(u: Array) -> Array:
        r = problem.residuals(u)
        if tell is not None:
            tell(float(r @ r))
        return r

    def jacobian(u: Array) -> Array:
        return problem.jacobian(u, size)

    result = least_squares(
        told,
        np.clip(np.asarray(start, dtype=float), 1e-6, 1 - 1e-6),
        jac=jacobian,
        bounds=(0.0, 1.0),
        xtol=tolerance,
        ftol=tolerance,
        gtol=1e-6,
        max_nfev=40,
    )
    return Minimum(result.x, 2 * float(result.cost))


def profile_ends(
    problem: Problem, minimum: Minimum, k: int, excess: float
) -> tuple[float | None, float | None]:
    """Places of parameter k where chi^2, the others fitted anew, has risen by an excess.

    None on a side where it has not at the bound: the data set no limit there.  This is
    the interval of the likelihood's profile, for parameters that a linearised interval
    does not describe.
    """
    others = np.delete(np.arange(len(minimum.u)), k)
    near = {"u": minimum.u}  # where the others were at the place tried last

    def rise(place: float) -> float:
        """Root of the rise of chi^2, less that of the excess: all but linear in place."""

        def at(rest: Array) -> Array:
            u = np.empty_like(minimum.u)
            u[k], u[others] = place, rest
            return u

        def residuals(rest: Array) -> Array:
            return problem.residuals(at(rest))

        def jacobian(rest: Array) -> Array:
            return problem.jacobian(at(rest), FAST_STEP, which=others)

        rest = np.clip(near["u"][others], 1e-6, 1 - 1e-6)
        r = residuals(rest)
        chi2 = float(r @ r)
        if len(others) and chi2 - minimum.chi2 > 0.3 * excess:
            result = least_squares(
                residuals,
                rest,
                jac=jacobian,
                bounds=(0.0, 1.0),
                xtol=1e-3,
                ftol=1e-2,
                max_nfev=10,
            )
            near["u"], chi2 = at(result.x), 2 * float(result.cost)
        return math.sqrt(max(chi2 - minimum.chi2, 0.0)) - math.sqrt(excess)

    here = float(minimum.u[k])

    def end(bound: float) -> float | None:
        near["u"] = minimum.u
        if abs(bound - here) < NEAR_BOUND or rise(bound) < 0:
            return None
        near["u"] = minimum.u
        return float(brentq(rise, min(here, bound), max(here, bound), xtol=0.01))

    return end(0.0), end(1.0)


def fit(
    experiment: str | Path | Document | Expanded,
    data: Any = (),
    *,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    vary: Mapping[str, str] | None = None,
    held_out: Sequence[str] | None = None,
    starts: int | None = None,
    mapping: Any = None,
    own_current: bool = False,
    numerics: Numerics | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Fit:
    """Fit fields of a cell to measured curves and capacities.

    Parameters
    ----------
    experiment : str, Path, Document or Expanded
        What was done to the cell; its ``measured:`` capacities count as data.  Or a cell.
    data : path, Measured, or a sequence of them
        Measured files.
    cell : str, optional
        Takes the place of the experiment's cell.
    changes : mapping, optional
        Fields set before the fit.
    vary : mapping, optional
        Field to ``LOW..HIGH``, in place of the parameters of the ``fit:`` block.
    held_out : sequence of str, optional
        Cases and files that are predicted, in place of the block's.
    starts : int, optional
        Most searches, until two find the same minimum; the first from the cell's own
        values.
    mapping : optional
        For the files (:func:`tfbsim.read_measured`).
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning, as :func:`tfbsim.compare` does; so for a cell in place of an
        experiment.  What is held out is a file, or a cycle as ``cycle 3``.
    numerics : Numerics, optional
        Of the last pass and all that is stated; by default those the experiment names.
    progress : callable, optional
        Called with a word, the number of evaluations and the rms residual.
    command : str
        Command line that repeats it.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        A field, bound, case or file that will not do, or no data.

    Examples
    --------
    >>> import tfbsim
    >>> found = tfbsim.fit(
    ...     "raijmakers2020-rate-capability",
    ...     vary={"cathode.diffusivity_scale": "0.3..3"},
    ...     held_out=["6C"],
    ...     starts=1,
    ... )
    >>> list(found.parameters["Verdict"])
    ['determined']
    """
    from .fit_result import Fit

    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    asked = definition(expanded, vary, held_out)
    first = expanded.cases[0].cell
    files, unreadable = read_all(data, first, mapping) if data else ([], [])
    notes = [f"{file.name}: {note}" for file in files for note in file.notes]
    if own_current:
        expanded, curves, unmatched = driven(
            expanded, files, asked.held_out, asked.points
        )
        names = [curve.source for curve in curves]
        names += [f"cycle {s.cycle}" for file in files for s in file.segments]
    else:
        curves = measured_capacities(expanded, asked.held_out)
        more, unmatched = matched(expanded, files, asked.held_out, asked.points)
        curves += more
        names = []
    notes += unmatched
    names += [*(case.name for case in expanded.cases), *(file.name for file in files)]
    _check_held_out(expanded, asked, names, held_out is not None)
    if not any(not curve.held_out for curve in curves):
        raise InputError(
            "there is nothing to fit to: no measured capacity and no curve of a case "
            "that is not held out"
            + (f" ({'; '.join(unmatched[:3])})" if unmatched else ""),
            expanded.document.path,
        )
    base = _one_cell(expanded, curves)
    which = parameters(base, asked.parameters, None if vary else expanded.document)
    last = numerics or expanded.experiment.numerics.applied()
    errors = (asked.voltage_error, asked.capacity_error)
    exact = Problem(expanded.cases, curves, which, errors, last)
    quick = Problem(expanded.cases, curves, which, errors, _quick(last, exact, base))
    minima = _searches(quick, starts or asked.starts, progress)
    best = min(minima, key=lambda m: m.chi2)

    def tell(chi2: float) -> None:
        if progress:
            rms = math.sqrt(chi2 / sum(c.size for c in exact.fitted))
            progress("last pass", exact.evaluations, rms)

    final = search(exact, best.u, FINE_STEP, tell, tolerance=1e-4)
    J = exact.jacobian(final.u, FINE_STEP, central=True)
    return Fit.from_minimum(
        *(exact, final, J, quick, minima, expanded, base, notes, unreadable, command)
    )


def _one_cell(expanded: Expanded, curves: Sequence[Curve]) -> Cell:
    """The cell that is fitted: the one of every case with data."""
    needed = {c.case for c in curves}
    names = {case.cell.name for case in expanded.cases if case.name in needed}
    if len(expanded.cells) > 1 and len(names) > 1:
        raise InputError(
            "a fit is of one cell, and the cases with data have several; name one with "
            "--cell",
            expanded.document.path,
        )
    return next(case.cell for case in expanded.cases if case.name in needed)


def _quick(numerics: Numerics, exact: Problem, base: Cell) -> Numerics:
    """Numerics to search with: compiled only where one model serves every value."""
    fast = Numerics.fast()
    ends = [exact.cell(base, np.full(len(exact.which), u)) for u in (0.3, 0.7)]
    one_model = ends[0].structure == ends[1].structure
    compiler = any(map(shutil.which, ("cc", "gcc", "clang")))
    return replace(
        fast,
        points=min(fast.points, numerics.points),
        grading=numerics.grading,
        mesh=numerics.mesh,
        compile=one_model and compiler and not numerics.points < fast.points,
    )


def _searches(problem: Problem, starts: int, progress: Progress | None) -> list[Minimum]:
    """From the cell's own values, then the best of a Latin hypercube, till two agree."""
    number = len(problem.which)
    residuals = sum(curve.size for curve in problem.fitted)
    own = np.array([p.place(p.start) for p in problem.which])
    begin = [np.clip(own, 0.02, 0.98)]
    word = ""

    def tell(chi2: float) -> None:
        if progress:
            progress(word, problem.evaluations, math.sqrt(chi2 / residuals))

    if starts > 1:
        word = "looking for starts"
        drawn = qmc.LatinHypercube(number, rng=0).random(SCREENED * (starts - 1))
        costs = []
        for u in drawn:
            r = problem.residuals(u)
            costs.append(float(r @ r))
            tell(costs[-1])
        begin += [drawn[k] for k in np.argsort(costs, kind="stable")[: starts - 1]]
    found = []
    for k, u in enumerate(begin):
        word = f"start {k + 1} of {len(begin)}"
        found.append(search(problem, u, tell=tell))
        if len(agreeing(found, residuals - number)) > 1:
            break
    return found


def agreeing(minima: Sequence[Minimum], freedom: int) -> list[Minimum]:
    """Searches that ended as low as the best, as far as their tolerance can tell."""
    best = min(minima, key=lambda m: m.chi2)
    scale = max(1.0, best.chi2 / max(freedom, 1))
    same = (1 + SAME_MINIMUM) * best.chi2 + scale
    return [m for m in minima if m.chi2 <= same]

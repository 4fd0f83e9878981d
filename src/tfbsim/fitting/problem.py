"""Residuals of a cell's parameters against measured curves and capacities.

A measured point (q, V) of a step gives its distance to the model's curve in the plane of
q/sigma_q and V/sigma_V, positive where the curve is above: least squares of a point that
is uncertain in both coordinates (orthogonal distance regression, Boggs and Rogers,
Contemp. Math. 112 (1990) 183).  On a plateau that is the voltage error, in a steep end
the capacity error.  Beyond its own end the curve goes on straight down, so that one that
ends early still says by how much.  A charge measured at the end gives
(q_model - q)/sigma_q, at the voltage where it was measured.

Residuals of neighbouring points that go together (rho, :mod:`.noise`) are made
independent: r_i' = (r_i - rho r_{i-1})/sqrt(1 - rho^2).

Derivatives are finite differences.  The solver's forward sensitivities hold within one
step and at a fixed time; they carry neither through a cut-off that moves nor from a step
to the next.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Unlike
from ..comparison.replay import Replay, charge_where, joined
from ..comparison.residuals import at_frequencies
from ..errors import InputError
from ..experiment.cases import Case
from ..materials import laws
from ..numerics import Numerics
from ..run.run import IN_BLOCKS, ONE_BY_ONE
from ..solver.batch import paying, replayed
from ..solver.records import CycleRecord
from .parameters import Parameter, with_values
from .targets import (
    COLUMNS,
    EFFICIENCY,
    IMPEDANCE,
    OF_LIVES,
    RESISTANCE,
    RETENTION,
    Target,
)

Array = np.ndarray
# Of the largest charge: the error of a smaller one, or of none, is that of so much
LEAST_CHARGE = 0.01
FAILED = 100.0  # residual of each point of a step that could not be simulated


@dataclass(frozen=True)
class Simulated:
    """A curve of the model beside a measured one.

    Parameters
    ----------
    capacity, voltage : ndarray, shape (samples,)
        [A.h.m-2], [V]; empty where only the capacity was asked for.
    end : float
        Capacity at its end [A.h.m-2].
    Z : ndarray of complex, shape (frequencies,), optional
        Of a spectrum, at the measured frequencies [Ohm.m2].
    """

    capacity: Array
    voltage: Array
    end: float
    Z: Array | None = None

    def charge_at(self, voltage: float) -> float:
        """Charge where the curve first comes to a voltage; its end, if it never does."""
        if not (math.isfinite(voltage) and len(self.voltage) > 1):
            return self.end
        return charge_where(self.capacity, self.voltage, voltage, self.end)

    def above(self, q: Array, V: Array, errors: tuple[float, float]) -> Array:
        """Signed distances of points to the curve, over errors of q and V."""
        Q = np.append(self.capacity, self.capacity[-1]) / errors[0]
        U = np.append(self.voltage, self.voltage[-1]) / errors[1]
        rises = self.voltage[-1] > self.voltage[0]
        reach = 10 * FAILED
        Q[-1] += 1e-3 * reach  # on to the cut-off and far beyond, all but vertical
        U[-1] += reach if rises else -reach
        x, y = q / errors[0], V / errors[1]
        above = np.interp(x, Q, U) - y
        # No segment is nearest that is farther off than the curve at the same charge
        far = np.abs(above) + np.maximum(0, np.maximum(Q[0] - x, x - Q[-1]))
        first = np.clip(np.searchsorted(Q, x - far) - 1, 0, len(Q) - 2)
        count = np.clip(np.searchsorted(Q, x + far), first + 1, len(Q) - 1) - first
        start = np.cumsum(count) - count
        k = np.repeat(first - start, count) + np.arange(count.sum())
        x, y = np.repeat(x, count) - Q[k], np.repeat(y, count) - U[k]
        dx, dy = np.diff(Q)[k], np.diff(U)[k]
        along = np.clip((x * dx + y * dy) / np.maximum(dx**2 + dy**2, 1e-30), 0.0, 1.0)
        square = (along * dx - x) ** 2 + (along * dy - y) ** 2
        return np.sqrt(np.minimum.reduceat(square, start)) * np.sign(above)


class Problem:
    """Residuals of a cell's parameters against measured curves.

    Parameters
    ----------
    cases : sequence of Case
        Those the curves are of; of one cell each, before the fit changes it.
    curves : sequence of Target
        Fitted and held out.
    which : sequence of Parameter
        What varies.
    errors : (float, float)
        sigma_V [V], and sigma_q over the capacity of the curve.
    numerics : Numerics
        Mesh and tolerances.
    others : mapping, optional
        Error of an "efficiency"; of a "resistance" and an "impedance" over it.
    expected : int
        Least number of evaluations that are to come, by which the kernel pays or not; 0
        where it serves not every case and place.

    Attributes
    ----------
    compiled : Numerics or None
        What places are simulated with all at once, by the kernel.
    simulated : Counter
        How many cases by which.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        curves: Sequence[Target],
        which: Sequence[Parameter],
        errors: tuple[float, float],
        numerics: Numerics,
        others: Mapping[str, float] | None = None,
        expected: int = 0,
    ) -> None:
        self.others = others or {}
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
        self.largest = max((c.scale for c in curves if c.kind in COLUMNS), default=1) or 1
        self.simulated: Counter[str] = Counter()
        self.compiled = self._paying(expected) if expected and self.cases else None
        self.rho = 0.0  # of neighbouring residuals of a curve
        sizes = [curve.size for curve in self.fitted]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self.blocks = [  # residuals of the points of each curve
            slice(k, k + c.groups) for k, c in zip(starts[:-1], self.fitted, strict=True)
        ]
        self.aside = np.zeros(starts[-1], dtype=bool)  # residuals that do not count
        self._known: dict[bytes, Array] = {}  # residuals at every place tried
        self._kept: Path | None = None

    def _paying(self, expected: int) -> Numerics | None:
        """Numerics of batches, if the kernel pays."""
        protocols = [case.protocol for case in self.cases]
        last = max(curve.cycle for curve in self.curves)
        steps = sum(
            len(protocol.conditioning) / len(protocols) + last * len(protocol.steps)
            for protocol in protocols
        )
        cell = self.cases[0].cell
        return paying(cell, protocols, int(steps) * expected, self.numerics, kept=True)

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

    def simulate(self, u: Array, curves: Sequence[Target]) -> list[Simulated | None]:
        """The model's curves, None for each that could not be simulated."""
        return self.simulate_all([u], curves)[0]

    def simulate_all(
        self, places: Sequence[Array], curves: Sequence[Target]
    ) -> list[list[Simulated | None]]:
        """The model's curves at each of several places."""
        wanted: dict[str, list[Target]] = {}
        for curve in curves:
            wanted.setdefault(curve.case, []).append(curve)
        alike: dict[Any, list[Case]] = {}  # cases that a batch may take together
        for case in self.cases:
            if mine := wanted.get(case.name):
                drawn = any(len(curve.capacity) for curve in mine)
                last = max(curve.cycle for curve in mine)
                begun = case.protocol.conditioning, case.protocol.conditioning_cycles
                key = self._cell_of[case.name], drawn, last, begun
                alike.setdefault(key, []).append(case)
        found: list[dict[int, Simulated | None]] = [{} for _ in places]
        replays = [Replay(self.compiled or self.numerics) for _ in places]
        cells: dict[tuple[int, int], Cell] = {}
        for (number, drawn, last, _), cases in alike.items():
            for k, u in enumerate(places):
                with suppress(InputError):  # values that do not go together
                    if (k, number) not in cells:
                        cells[k, number] = self.cell(cases[0].cell, u)
            there = [k for k in range(len(places)) if (k, number) in cells]
            own = [cells[k, number] for k in there]
            together = self._together(own, cases, last, drawn)
            for k, cell, rows in zip(there, own, together, strict=True):
                for case, cycles in zip(cases, rows, strict=True):
                    if cycles is None:
                        cycles = replays[k].cycles(cell, case.protocol, last, drawn)
                        self.simulated[ONE_BY_ONE] += 1
                    else:
                        self.steps += sum(len(cycle.steps) for cycle in cycles)
                        self.simulated[IN_BLOCKS] += 1
                    for curve in wanted[case.name]:
                        found[k][id(curve)] = _observed(curve, cycles, float(cell.area))
        self.evaluations += len(places)
        self.steps += sum(replay.steps for replay in replays)
        return [[one.get(id(curve)) for curve in curves] for one in found]

    def _together(
        self, cells: Sequence[Cell], cases: Sequence[Case], last: int, drawn: bool
    ) -> list[list[list[CycleRecord] | None]]:
        """Cycles of cells through the protocols of cases, None of those to run alone."""
        protocols = [case.protocol for case in cases]
        alone: list[list[Any]] = [[None] * len(protocols) for _ in cells]
        if not self.compiled or not cells:
            return alone
        try:
            return replayed(cells, protocols, last, drawn, self.compiled)
        except Unlike:
            return alone

    @property
    def size(self) -> int:
        """How many residuals count."""
        return int((~self.aside).sum())

    def residuals(self, u: Array) -> Array:
        """Residuals of the fitted curves over their errors, made independent."""
        return self.independent(self.plain(u))

    def independent(self, values: Array, rho: float | None = None) -> Array:
        """Residuals, or columns of their derivatives, without what neighbours share."""
        rho = self.rho if rho is None else rho
        found = values.copy()
        found[self.aside] = 0.0
        if rho:
            for block in self.blocks:
                before = found[block][:-1].copy()
                after = slice(block.start + 1, block.stop)
                found[after] = (found[after] - rho * before) / math.sqrt(1 - rho**2)
        return found

    def plain(self, u: Array) -> Array:
        """Residuals of the fitted curves over their errors."""
        self.evaluate([u])
        return self._known[np.asarray(u, dtype=float).tobytes()]

    def evaluate(self, places: Sequence[Array]) -> None:
        """Simulate at places that are not known yet, all at once."""
        places = [np.asarray(u, dtype=float) for u in places]
        new = {u.tobytes(): u for u in places if u.tobytes() not in self._known}
        if not new:
            return
        simulated = self.simulate_all([*new.values()], self.fitted)
        for key, curves in zip(new, simulated, strict=True):
            parts = [self._of(c, m) for c, m in zip(self.fitted, curves, strict=True)]
            self._known[key] = np.concatenate(parts)
            if self._kept:
                line = " ".join([key.hex(), *map(float.hex, self._known[key].tolist())])
                with self._kept.open("a", encoding="ascii") as file:
                    file.write(line + "\n")

    def keep(self, folder: Path) -> None:
        """Keep residuals in a folder as they come, and take those that are there.

        A file of other data, bounds, steps or numerics has another name.  A line that an
        interrupt cut short is left out.
        """
        cases = [(case.cell.written, case.protocol) for case in self.cases]
        errors = self.sigma_V, self.sigma_q, self.others
        with np.printoptions(threshold=sys.maxsize):
            identity = repr((cases, self.fitted, self.which, self.numerics, errors))
        digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._kept = folder / f"residuals-{digest}.txt"
        if self._kept.exists():
            for line in self._kept.read_text(encoding="ascii").splitlines():
                key, *numbers = line.split()
                if len(numbers) == len(self.aside):
                    known = np.array([float.fromhex(x) for x in numbers])
                    self._known[bytes.fromhex(key)] = known
        folder.mkdir(parents=True, exist_ok=True)

    def _sigma(self, curve: Target) -> float:
        """Error of the charge of a curve, or of what else its end is."""
        if curve.kind == EFFICIENCY:
            return self.others[EFFICIENCY]
        if curve.kind == RESISTANCE:
            return self.others[RESISTANCE] * curve.scale
        return self.sigma_q * max(curve.scale, LEAST_CHARGE * self.largest)

    def _of(self, curve: Target, model: Simulated | None) -> Array:
        if model is None:
            return np.full(curve.size, FAILED)
        if curve.spectrum is not None:
            assert model.Z is not None
            Z = curve.spectrum.impedance
            off = (model.Z - Z) / (self.others[IMPEDANCE] * np.abs(Z))
            return np.clip(np.hstack([off.real, off.imag]), -FAILED, FAILED)
        sigma_q = self._sigma(curve)
        r = np.empty(0)
        if len(curve.capacity):
            errors = (sigma_q, self.sigma_V)
            r = model.above(curve.capacity, curve.voltage, errors)
            r = np.clip(r, -FAILED, FAILED)
            r = np.bincount(curve.group, r) / np.bincount(curve.group)
        if math.isfinite(curve.end):
            r = np.append(r, (model.charge_at(curve.end_voltage) - curve.end) / sigma_q)
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
        columns, ends = [], self.around(u, size, central, which)
        self.evaluate([place for pair in ends for place in pair])
        for low, high in ends:
            a, b = self.plain(low), self.plain(high)
            difference = b - a
            # A curve that fails at one end says nothing of its slope
            difference[(np.abs(a) >= FAILED) | (np.abs(b) >= FAILED)] = 0.0
            columns.append(difference / (high - low).sum())
        return self.independent(np.column_stack(columns))

    def around(
        self,
        u: Array,
        size: float,
        central: bool = False,
        which: Sequence[int] | Array | None = None,
    ) -> list[tuple[Array, Array]]:
        """Places between which each difference is taken, of :meth:`jacobian`."""
        found = []
        for k in range(len(self.which)) if which is None else which:
            h, x = self.which[k].step(size), float(u[k])
            if central:
                low = min(max(x - h, 0.0), 1 - 2 * h)
                high = low + 2 * h
            else:
                low, high = (x, x + h) if x + h <= 1 else (x - h, x)
            pair = u.copy(), u.copy()
            pair[0][k], pair[1][k] = low, high
            found.append(pair)
        return found


def _observed(
    curve: Target, cycles: Sequence[CycleRecord], area: float
) -> Simulated | None:
    """What the model has where a curve was measured."""
    if curve.kind in OF_LIVES:
        of = cycles[(curve.from_cycle or curve.cycle) - 1 : curve.cycle]
        first = next(c for c in cycles if c.check_up == of[-1].check_up)
        values = [
            c.resistance
            if curve.kind == RESISTANCE
            else c.discharge
            / max(first.discharge if curve.kind == RETENTION else c.charge, 1e-300)
            for c in of
        ]
        mean = float(np.mean(values))
        return Simulated(np.empty(0), np.empty(0), mean) if math.isfinite(mean) else None
    every = cycles[curve.cycle - 1].steps
    steps = every if curve.steps is None else [every[k] for k in curve.steps]
    if any(step.trace is None for step in steps):
        return None
    if curve.spectrum is not None:
        found = steps[0].spectrum
        if found is None:
            return None
        Z = at_frequencies(curve.spectrum, found)
        return Simulated(np.empty(0), np.empty(0), math.nan, Z)
    end = sum(getattr(step, curve.kind) for step in steps) / area
    drawn = joined(steps, curve.kind, area) if len(curve.capacity) else None
    if drawn is None:
        return Simulated(np.empty(0), np.empty(0), end)
    q, V = drawn.capacity, drawn.voltage
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(q)) > 1e-12 * q[-1]])
    return Simulated(q[rising], V[rising], end)

"""Residuals of a cell's parameters against measured curves and capacities.

A measured point (q, V) of a step gives its distance to the model's curve
(:mod:`.simulated`), a charge at the end (q_model - q)/sigma_q at the voltage where it
was measured.

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
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Unlike
from ..comparison.replay import Replay
from ..data.measured import Array
from ..errors import InputError
from ..experiment.cases import Case
from ..materials import laws
from ..numerics import Numerics
from ..run.run import IN_BLOCKS, ONE_BY_ONE
from ..solver.batch import Replayed, paying, replayed
from ..solver.trace import CURVE_TOLERANCE
from .parameters import Definition, Parameter, with_values
from .simulated import FAILED, Simulated, distances, observed, of_rows
from .targets import CAPACITIES, EFFICIENCY, RESISTANCE, Target

# Of the largest charge: the error of a smaller one, or of none, is that of so much
LEAST_CHARGE = 0.01
# Curves are drawn so closely [V], over rtol: neither makes the larger error
BEND = 10.0


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
    errors : Definition
        With sigma_V [V], and the errors of others over what is measured.
    numerics : Numerics
        Mesh and tolerances.
    expected : int
        Least number of evaluations that are to come, by which the kernel pays or not; 0
        where it serves not every case and place.
    worth : int, optional
        Steps that pay for it.

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
        errors: Definition,
        numerics: Numerics,
        expected: int = 0,
        worth: int | None = None,
    ) -> None:
        self.errors = errors
        self.which = list(which)
        self.curves = list(curves)
        self.fitted = [c for c in curves if not c.held_out]
        needed = {c.case for c in curves}
        self.cases = [case for case in cases if case.name in needed]
        self.numerics = numerics
        self.evaluations = 0
        self.steps = 0
        # Cases of equal cells share one, and with it their conditioning
        cells: list[Cell] = []
        for case in self.cases:
            if case.cell not in cells:
                cells.append(case.cell)
        self._cell_of = {case.name: cells.index(case.cell) for case in self.cases}
        self.largest = (
            max((c.scale for c in curves if c.kind in CAPACITIES), default=1) or 1
        )
        self.simulated: Counter[str] = Counter()
        self.compiled = None
        if expected and self.cases:
            self.compiled = self._paying(expected, worth)
        self.rho = 0.0  # of neighbouring residuals of a curve
        sizes = [curve.size for curve in self.fitted]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        self.blocks = [  # residuals of the points of each curve
            slice(k, k + c.groups) for k, c in zip(starts[:-1], self.fitted, strict=True)
        ]
        self.aside = np.zeros(starts[-1], dtype=bool)  # residuals that do not count
        self._known: dict[bytes, Array] = {}  # residuals at every place tried
        # Where the places that several searches ask for are gathered, and how many go on
        self.meeting: Callable[[dict[bytes, Array]], None] | None = None
        self.searches = 1
        self._kept: Path | None = None

    def _paying(self, expected: int, worth: int | None) -> Numerics | None:
        """Return the numerics of batches, if the kernel pays."""
        protocols = [case.protocol for case in self.cases]
        last = max(curve.cycle for curve in self.curves)
        steps = sum(
            len(protocol.conditioning) / len(protocols) + last * len(protocol.steps)
            for protocol in protocols
        )
        cell = self.cases[0].cell
        steps = int(steps) * expected
        return paying(cell, protocols, steps, self.numerics, kept=True, worth=worth)

    def values(self, u: Array) -> list[float]:
        """Return the values [SI] at places between the bounds."""
        return [p.value(float(x)) for p, x in zip(self.which, u, strict=True)]

    def cell(self, cell: Cell, u: Array) -> Cell:
        """Return a cell with the values at places, of one model if it can be."""
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

    def simulate_all(
        self, places: Sequence[Array], curves: Sequence[Target]
    ) -> list[list[Simulated | None]]:
        """Return the model's curves at each of several places."""
        wanted: dict[str, list[Target]] = {}
        for curve in curves:
            wanted.setdefault(curve.case, []).append(curve)
        alike: dict[
            tuple[int, bool, int, object], list[Case]
        ] = {}  # cases that a batch may take together
        for case in self.cases:
            if targets := wanted.get(case.name):
                drawn = any(len(curve.capacity) for curve in targets)
                last = max(curve.cycle for curve in targets)
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
            batch = self._together(own, cases, last, drawn)
            area = np.array([float(cell.area) for cell in own])
            for n, case in enumerate(cases):
                targets, rows = wanted[case.name], np.arange(len(own)) * len(cases) + n
                every = [of_rows(target, batch, rows, area) for target in targets]
                for row, (k, cell) in enumerate(zip(there, own, strict=True)):
                    if batch is not None and batch.plain[rows[row]]:
                        self.steps += sum(len(cycle.steps) for cycle in batch.cycles)
                        self.simulated[IN_BLOCKS] += 1
                        mine = [models[row] for models in every]
                    else:
                        cycles = replays[k].cycles(cell, case.protocol, last, drawn)
                        self.simulated[ONE_BY_ONE] += 1
                        mine = [observed(one, cycles, area[row]) for one in targets]
                    found[k] |= dict(zip(map(id, targets), mine, strict=True))
        self.evaluations += len(places)
        self.steps += sum(replay.steps for replay in replays)
        return [[one.get(id(curve)) for curve in curves] for one in found]

    def _together(
        self, cells: Sequence[Cell], cases: Sequence[Case], last: int, drawn: bool
    ) -> Replayed | None:
        """Return cells through protocols all at once; None where that is not served."""
        if not self.compiled or not cells:
            return None
        bend = min(CURVE_TOLERANCE, BEND * self.numerics.rtol) if drawn else None
        protocols = [case.protocol for case in cases]
        with suppress(Unlike):
            return replayed(cells, protocols, last, bend, self.compiled)
        return None

    @property
    def size(self) -> int:
        """Number of residuals that count."""
        return int((~self.aside).sum())

    def residuals(self, u: Array) -> Array:
        """Return residuals of the fitted curves over their errors, made independent."""
        return self.independent(self.plain(u))

    def independent(self, values: Array, rho: float | None = None) -> Array:
        """Return residuals, or derivatives of them, without what neighbours share."""
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
        """Return residuals of the fitted curves over their errors."""
        self.evaluate([u])
        return self._known[np.asarray(u, dtype=float).tobytes()]

    def evaluate(self, places: Sequence[Array]) -> None:
        """Simulate at places that are not known yet, all at once."""
        places = [np.asarray(u, dtype=float) for u in places]
        new = {u.tobytes(): u for u in places if u.tobytes() not in self._known}
        if not new:
            return
        if self.meeting:
            self.meeting(new)
            return
        simulated = self.simulate_all([*new.values()], self.fitted)
        for key, values in zip(new, self._of(simulated), strict=True):
            self._known[key] = values
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
        errors = {k: v for k, v in self.errors if k.endswith("_error")}
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
        """Return the error of the charge of a curve, or of what else its end is."""
        if curve.kind == EFFICIENCY:
            return self.errors.efficiency_error
        if curve.kind == RESISTANCE:
            return self.errors.resistance_error * curve.scale
        return self.errors.capacity_error * max(curve.scale, LEAST_CHARGE * self.largest)

    def _of(self, simulated: Sequence[Sequence[Simulated | None]]) -> list[Array]:
        """Return residuals of the fitted curves at each of some places."""
        found = [[np.full(c.size, FAILED) for c in self.fitted] for _ in simulated]
        drawn = []  # with points: the model, the curve, and where its residuals go
        for models, parts in zip(simulated, found, strict=True):
            for curve, model, r in zip(self.fitted, models, parts, strict=True):
                if model is None:
                    continue
                if curve.spectrum is not None:
                    assert model.Z is not None
                    Z = curve.spectrum.impedance
                    off = (model.Z - Z) / (self.errors.impedance_error * np.abs(Z))
                    r[:] = np.hstack([off.real, off.imag])
                    continue
                if len(curve.capacity):
                    drawn.append((model, curve, r))
                if math.isfinite(curve.end):
                    off = model.charge_at(curve.end_voltage) - curve.end
                    r[-1] = off / self._sigma(curve)
        if drawn:
            errors = [
                (self._sigma(curve), self.errors.voltage_error) for _, curve, _ in drawn
            ]
            points = [
                (curve.capacity / q, curve.voltage / V)
                for (_, curve, _), (q, V) in zip(drawn, errors, strict=True)
            ]
            each = distances([model for model, _, _ in drawn], points, errors)
            for (_, curve, r), off in zip(drawn, each, strict=True):
                off = np.clip(off, -FAILED, FAILED)
                r[: curve.groups] = np.bincount(curve.group, off) / curve.counts
        return [np.clip(np.concatenate(parts), -FAILED, FAILED) for parts in found]

    def jacobian(
        self,
        u: Array,
        size: float,
        central: bool = False,
        which: Sequence[int] | Array | None = None,
    ) -> Array:
        """Return finite differences of the residuals, of shape (residuals, which).

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
        """Return the places between which :meth:`jacobian` takes each difference."""
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

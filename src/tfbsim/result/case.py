"""A case that was run: its rows and curves, recorded cycle by cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import xarray as xr

from ..cell.cell import Cell
from ..cell.cells import AnyCell
from ..experiment.experiment import CurveSelection
from ..materials.laws import Floats
from ..physics.law import Declared
from ..physics.thin_film_cell import declared_by
from ..solver import critical
from ..solver.records import CycleRecord
from . import losses
from .curves import NONE, Arrays, curves_of, profiles_of, samples_of
from .names import Row
from .rows import Rows, of_one, spectra

NO_OTHERS = Declared()


@dataclass(frozen=True)
class CaseResult:
    """One case, ready to be joined with others."""

    name: str
    rows: list[Row]  # of the summary, one a cycle
    steps: list[Row]  # one a step, conditioning included as cycle 0
    curves: xr.Dataset  # dimensions cycle, sample, step, snapshot, depth
    warnings: list[str] = field(default_factory=list)
    key: str = ""  # hash of everything that determines it
    cell: str = ""  # its name
    # Beyond those that the options of the model choose from
    laws: Declared = NO_OTHERS
    # Impedance, one a frequency of a step
    spectra: list[Row] = field(default_factory=list)


class CaseRecorder(Rows):
    """What is kept of a case while it runs: rows, curves, spectra and warnings.

    ``curves`` says which curves are kept: all of them unless told otherwise.
    """

    cell: Cell
    clock: float
    surface: tuple[float, float]

    def __init__(
        self,
        name: str,
        cell: Cell,
        varied: Mapping[str, Floats | str] = {},
        curves: CurveSelection | None = None,
    ) -> None:
        super().__init__(name, cell, varied)
        self.curves = curves
        self.spectra: list[Row] = []
        self.warnings = cell.warnings()
        self._pieces: list[tuple[int, Arrays, Arrays]] = []
        self._beyond: list[tuple[str, str, float]] = []  # the critical current

    def add(self, cycle: CycleRecord, recorded: bool) -> None:
        """Add a cycle that is done, of the conditioning or to be recorded."""
        clock = self.clock
        super().add(cycle, recorded)
        self.spectra += spectra(self.name, cycle, cycle.number if recorded else 0)
        where = f"cycle {cycle.number}" if recorded else "conditioning"
        self._beyond += [
            (where, step.step.text, step.critical)
            for step in cycle.steps
            if step.critical is not None
        ]
        if not recorded:
            return
        if self.curves is None or self.curves.of(cycle.number):
            error = self.curves.error if self.curves else 0.0
            samples = samples_of(cycle, self.cell, clock, error)
            profiles = profiles_of(cycle, self.cell, self.depths)
            self._pieces.append((cycle.number, samples, profiles))
        if cycle.ended:
            self.warnings.append(cycle.ended)
        if cycle.numerical_error:
            self.warnings += cycle.numerical_error.otherwise

    def result(self, key: str = "") -> CaseResult:
        """Return the case, with the cycles added so far."""
        cell, pieces = self.cell, self._pieces
        upper = [row["Upper cut-off [V]"] for row in self.rows]
        highest = max((float(v) for v in upper if v == v), default=None)
        crossed = [critical.warning(cell, self._beyond)] if self._beyond else []
        low, high = self.surface
        out_of_range = [
            beyond(name, self.surface, valid)
            for name, valid in covered(cell).items()
            if low < valid[0] or high > valid[1]
        ]
        said = [*self.warnings, *cell.beyond_the_electrolyte(highest)]
        return CaseResult(
            name=self.name,
            rows=[of_one(row) for row in self.rows],
            steps=[of_one(row) for row in self.steps],
            curves=curves_of(pieces, cell, self.depths.xi) if pieces else NONE,
            warnings=[*dict.fromkeys(said), *crossed, *out_of_range],
            key=key,
            cell=cell.name,
            laws=declared_by(cell.structure).beyond(losses.KNOWN),
            spectra=self.spectra,
        )


def covered(cell: AnyCell) -> dict[str, tuple[float, float]]:
    """Return the stoichiometries that the sources of laws cover, by field."""
    laws = {
        "open_circuit_potential": cell.cathode.open_circuit_potential,
        "diffusivity": cell.cathode.transport.diffusivity,
    }
    return {n: (law.valid[0] - 1e-6, law.valid[1] + 1e-6) for n, law in laws.items()}


def beyond(name: str, surface: Sequence[float], valid: tuple[float, float]) -> str:
    """Return the warning that a law was used beyond what its source covers."""
    lowest, highest = (round(x, 4) + 0.0 for x in surface)  # 0.0: no minus before a 0
    low, high = valid[0] + 1e-6, valid[1] - 1e-6
    return (
        f"cathode.{name} was used at x = {lowest:.4f} to {highest:.4f}; its source "
        f"covers {low:.4g} to {high:.4g}"
    )

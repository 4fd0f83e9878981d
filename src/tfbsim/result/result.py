"""What a run leaves: curves (xarray), a table per cycle and one per step (pandas).

Names are PyBaMM's, "Name [unit]", in the units people use.  The folder that ``save``
writes opens with plain pandas and xarray; ``load_result`` reads it back.
"""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, reduce
from itertools import pairwise
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from ..cell import layers as energy
from ..cell.cell import Cell
from ..errors import InputError, shown
from ..experiment.cases import FROM_CYCLE
from ..experiment.curves import Curves
from ..output import (
    EXPORTS,
    FILES,
    OWN,
    PROVENANCE,
    REMEDY,
    REPORT,
    Output,
    damage,
    read_provenance,
    write_atomic,
)
from ..physics.law import Declared
from ..physics.mesh import NO_DEPTHS, Depths
from ..physics.thin_film_cell import declared_by
from ..solver import critical
from ..solver.cycler import CaseRecord, CycleRecord, StepRecord
from ..solver.engine import ANODE_PROFILE, MAXIMUM_VOLTAGE, MINIMUM_VOLTAGE
from . import losses
from .columns import (
    ANODE_SHARE,
    CHECK_UP,
    CRITICAL,
    LIMITING,
    LONGEST_PULSE,
    NUMERICAL_ERRORS,
    PULSE,
    REQUIRED,
    RETENTION,
    SECOND_LITHIUM,
    SHARE,
    summary_names,
)
from .csv_file import csv, parts
from .csv_file import read as read_csv
from .export import files as exported
from .names import factor, named
from .samples import samples

SUMMARY, CURVES, STEPS = "summary.csv", "curves.nc", "steps.csv"
UNFINISHED = "unfinished"  # in the provenance of a run that was interrupted
PERCENTILES, SENSITIVITY = "percentiles.csv", "sensitivity.csv"  # of a sample
IMPEDANCE = "impedance.csv"  # where a step measures it
LOSSES = "losses.csv"  # all of it follows from the curves
ROWS = 2_000  # cases read at a time
FIRST = 4  # cases named beside a warning
FEW = 64  # voltages, each looked up by itself
STOICHIOMETRY, SNAPSHOT_CAPACITY = "Stoichiometry", "Snapshot capacity [uA.h.cm-2]"
SNAPSHOTS = 9  # profiles kept per step, evenly spaced in charge


NONE = xr.Dataset(coords={"cycle": np.empty(0, int)})  # no curves at all
NO_OTHERS = Declared()
NO_TABLE = pd.DataFrame()
_Profiles = dict[str, np.ndarray]


@dataclass(frozen=True)
class CaseResult:
    """One case, ready to be joined with others.

    Parameters
    ----------
    name : str
        The case.
    rows : list of dict
        Summary, one a cycle.
    steps : list of dict
        One a step, conditioning included as cycle 0.
    curves : Dataset
        Dimensions cycle, sample, step, snapshot, depth.
    warnings : list of str
        What is worth knowing.
    key : str
        Hash of everything that determines it.
    cell : str
        Name of the cell.
    laws : Declared
        What its laws declare beyond those that the options of the model choose from.
    spectra : list of dict
        Impedance, one a frequency of a step.
    """

    name: str
    rows: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    curves: xr.Dataset
    warnings: list[str] = field(default_factory=list)
    key: str = ""
    cell: str = ""
    laws: Declared = NO_OTHERS
    spectra: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_record(
        cls,
        name: str,
        record: CaseRecord,
        varied: Mapping[str, float | str] | None = None,
        key: str = "",
    ) -> CaseResult:
        """Tables and curves of a case that was run."""
        notes = Notes(name, record.cell, varied)
        notes.depths = record.depths
        for cycle in record.conditioning:
            notes.add(cycle, False)
        for cycle in record.cycles:
            notes.add(cycle, True)
        notes.warnings += [w for w in record.warnings if w not in notes.warnings]
        return notes.result(key)


class Notes:
    """What is kept of a case while it runs, cycle by cycle.

    Parameters
    ----------
    name : str
        The case.
    cell : Cell
        What is run.
    varied : mapping, optional
        Columns of what sets the case apart.
    curves : Curves, optional
        Which curves are kept; all of them unless told otherwise.
    """

    def __init__(
        self,
        name: str,
        cell: Cell,
        varied: Mapping[str, float | str] | None = None,
        curves: Curves | None = None,
    ) -> None:
        self.name, self.cell, self.varied = name, cell, varied or {}
        self.curves = curves
        self.depths = NO_DEPTHS
        self.rows: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.spectra: list[dict[str, Any]] = []
        self.warnings = cell.warnings()
        self._pieces: list[tuple[int, dict[str, np.ndarray], _Profiles]] = []
        self._clock = 0.0
        self._surface = (np.inf, -np.inf)
        self._beyond: list[tuple[str, str, float]] = []  # the critical current

    def add(self, cycle: CycleRecord, recorded: bool) -> None:
        """Add a cycle that is done, of the conditioning or to be recorded."""
        number = cycle.number if recorded else 0
        self.steps += map(of_one, step_rows(self.name, cycle, number, self.cell))
        self.spectra += _spectra(self.name, cycle, number)
        where = f"cycle {number}" if recorded else "conditioning"
        self._beyond += [
            (where, step.step.text, step.critical)
            for step in cycle.steps
            if step.critical is not None
        ]
        if not recorded:
            return
        row = summary_row(
            *(self.name, cycle, self.cell), self.varied, self.depths, self._clock
        )
        self.rows.append(of_one(row))
        traces = [step.trace for step in cycle.steps if step.trace is not None]
        if self.curves is None or self.curves.of(cycle.number):
            error = self.curves.error if self.curves else 0.0
            samples = _samples(cycle, self.cell, self._clock, error)
            profiles = _profiles(cycle, self.cell, self.depths)
            self._pieces.append((cycle.number, samples, profiles))
        self._clock += sum(float(trace.t[-1]) for trace in traces)
        for trace in traces:
            x = trace.observed["Cathode surface stoichiometry"]
            low, high = self._surface
            self._surface = min(low, float(x.min())), max(high, float(x.max()))
        if cycle.ended:
            self.warnings.append(cycle.ended)
        if cycle.numerical_error:
            self.warnings += cycle.numerical_error.otherwise

    def _oxidised(self) -> list[str]:
        """Where the cell was taken beyond the window of its electrolyte."""
        upper = [row["Upper cut-off [V]"] for row in self.rows]
        highest = max((v for v in upper if v == v), default=None)
        return self.cell.beyond_the_electrolyte(highest)

    def result(self, key: str = "") -> CaseResult:
        """Return the case, with the cycles added so far."""
        return CaseResult(
            name=self.name,
            rows=self.rows,
            steps=self.steps,
            curves=_joined(self._pieces, self.cell, self.depths.xi)
            if self._pieces
            else NONE,
            warnings=[
                *dict.fromkeys([*self.warnings, *self._oxidised()]),
                *([critical.warning(self.cell, self._beyond)] if self._beyond else []),
                *_out_of_range(self.cell, self._surface),
            ],
            key=key,
            cell=self.cell.name,
            laws=declared_by(self.cell.structure).beyond(losses.KNOWN),
            spectra=self.spectra,
        )


def of_one(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of one case with plain numbers and words."""
    numpy = np.generic | np.ndarray
    return {k: v.item() if isinstance(v, numpy) else v for k, v in row.items()}


def _ratio(above: Any, below: Any, where: Any) -> Any:
    """Return a quotient, NaN elsewhere."""
    return np.where(where, above, np.nan) / np.where(where, below, 1.0)


def summary_row(
    name: Any,
    cycle: CycleRecord,
    cell: Any,
    varied: Mapping[str, Any],
    depths: Depths,
    clock: Any,
) -> dict[str, Any]:
    """Return a row of the summary; of many cases at once, its columns.

    Parameters
    ----------
    name : str or ndarray
        The case.
    cycle : CycleRecord
        What was done.
    cell : Cell or Cells
        To what.
    varied : mapping
        Columns of what sets the case apart.
    depths : Depths
        The volumes that profiles are stated in.
    clock : float or ndarray
        When the cycle began [s].
    """
    area, loading = cell.area, cell.loading
    charge, discharge = cycle.charge, cycle.discharge
    energy_in, energy_out = cycle.energy_in, cycle.energy_out
    pulse = _pulse_resistance(cycle, area)
    row: dict[str, Any] = {"Case": name, "Cycle number": cycle.number, **varied}
    row |= _asked(cycle, cell.one_c_current)
    per_gram, per_area = 1 / (area * loading), 1e6 / (area * 1e4)
    row["Charge capacity [mA.h.g-1]"] = charge * per_gram
    row["Discharge capacity [mA.h.g-1]"] = discharge * per_gram
    row["Charge capacity [uA.h.cm-2]"] = charge * per_area
    row["Discharge capacity [uA.h.cm-2]"] = discharge * per_area
    both = (charge > 0) & (discharge > 0)
    row["Coulombic efficiency [%]"] = _ratio(100 * discharge, charge, both)
    row["Mean discharge voltage [V]"] = _ratio(energy_out, discharge, discharge != 0)
    row["Discharge energy [mW.h.cm-2]"] = energy_out * 1e3 / (area * 1e4)
    lithium: Any = cycle.when_charged("Lithium thickness [m]")
    row["Lithium thickness at end of charge [um]"] = lithium * 1e6
    faces = "Cathode surface stoichiometry", "Anode surface stoichiometry"
    emptied = [s.end for s in cycle.steps if np.any(s.discharge > 0)]
    if emptied and faces[1] in emptied[-1]:
        at = (emptied[-1][face] for face in faces)
        row[ANODE_SHARE] = 100 * cell.anode_share(*at)
    row["Interface resistance [Ohm.cm2]"] = cycle.resistance * 1e4
    if np.isfinite(pulse).any():
        row[PULSE] = pulse
    row |= {name: charge * per_gram for name, charge in cycle.lost.items()}
    if cycle.check_up is not None:
        row[CHECK_UP] = float(cycle.check_up)
    row["Lithium balance error"] = cycle.lithium_balance_error
    row["Charge balance error"] = cycle.charge_balance_error
    there_and_back = (energy_in > 0) & (energy_out > 0)
    row[losses.EFFICIENCY] = _ratio(100 * energy_out, energy_in, there_and_back)
    row[SECOND_LITHIUM] = _second_lithium(cycle, cell, depths)
    if cell.stack is not None:
        lithium = _thickest(cycle, cell)
        row |= energy.densities(cell, energy_out * 3600 / area, lithium)
    row |= _of_the_laws(cycle, cell, clock)
    if error := cycle.numerical_error:
        row["Numerical error of charge capacity [%]"] = 100 * error.charge
        row["Numerical error of discharge capacity [%]"] = 100 * error.discharge
        row["Numerical error of voltage [mV]"] = 1e3 * error.voltage
    row["Outcome"] = cycle.outcome
    return row


def _pulse_resistance(cycle: CycleRecord, area: Any) -> Any:
    """Return (V_before - V_end)/i of the first pulse of a cycle [Ohm.cm2].

    A pulse is a constant current of at most ``LONGEST_PULSE`` seconds after a rest.
    """
    found: Any = np.nan
    for before, step in pairwise(cycle.steps):
        of, trace = step.step, step.trace
        constant = of.control == "current" and of.constant and not of.rest
        if not (before.step.rest and before.trace and constant and trace):
            continue
        short = of.timed & (of.duration <= LONGEST_PULSE) & (trace.t[-1] > 0)
        drop = before.end["Voltage [V]"] - step.end["Voltage [V]"]
        resistance = 1e4 * drop * area / of.value
        found = np.where(short & np.isnan(found), resistance, found)
    return found


def _thickest(cycle: CycleRecord, cell: Any) -> Any:
    """The lithium when there is most of it [m], with what is inactive or taken by the
    collector; NaN if nothing ran."""
    found: list[Any] = [np.nan]
    for observed in (step.trace.observed for step in cycle.steps if step.trace):
        lithium = observed.get("Lithium thickness [m]", np.array([np.nan]))
        if "Inactive lithium thickness [m]" in observed:
            taken = observed["Lithium taken by the collector [mol.m-2]"]
            idle = observed["Inactive lithium thickness [m]"]
            lithium = lithium + idle + taken * cell.anode.molar_volume
        found.append(lithium.max(axis=0))
    return reduce(np.fmax, found)


def _of_the_laws(cycle: CycleRecord, cell: Cell, clock: float) -> dict[str, float]:
    """Columns that laws declare, and when the critical current was crossed, of a cycle
    that begins at a time [s]."""
    anode, row = cell.anode, {}
    ends = [step.end for step in cycle.steps if step.end]
    for column in declared_by(cell.structure).columns if ends else ():
        if not column.needs or np.any(cell.constants[column.needs]):
            of = column.variable
            row[named(of)] = ends[-1][of] * factor(of, cell.area)
    if anode.critical_current is not None:
        row[CRITICAL] = np.nan
        for step in cycle.steps:
            if step.critical is not None:
                row[CRITICAL] = clock + step.critical
                break
            clock += float(step.trace.t[-1]) if step.trace else 0.0
    return row


def _second_lithium(cycle: CycleRecord, cell: Any, depths: Depths) -> Any:
    """Return the share of sites for a second lithium that are filled [%].

    At the end of the cycle's last discharging step; NaN without one.
    """
    x_max = cell.cathode.x_max
    if x_max <= 1:
        return np.nan
    found: Any = np.nan
    for step in cycle.steps:
        out = step.discharge > step.charge
        if step.trace is not None and np.any(out):
            profile, widths = depths(step.trace.profiles[-1]), losses.widths(depths.xi)
            found = np.where(out, losses.second_lithium(profile, widths, x_max), found)
    return found


def _asked(cycle: CycleRecord, one_c: Any) -> dict[str, Any]:
    """Rates and cut-offs the protocol states."""
    steps = [s.step for s in cycle.steps]
    currents = [s.value for s in steps if s.control == "current"]
    discharges = [value for value in currents if np.all(value > 0)]
    charges = [-value for value in currents if np.all(value < 0)]
    lower = [s.lower for s in steps if s.lower is not None]
    upper = [s.upper for s in steps if s.upper is not None]
    holds = [s.value for s in steps if s.control == "voltage"]
    tops = upper or holds
    return {
        "C-rate": _rounded(discharges[0] / one_c) if discharges else np.nan,
        "Charge C-rate": _rounded(charges[0] / one_c) if charges else np.nan,
        "Lower cut-off [V]": reduce(np.minimum, lower) if lower else np.nan,
        "Upper cut-off [V]": reduce(np.maximum, tops) if tops else np.nan,
    }


def _rounded(value: Any) -> Any:
    """Return 0.1, not 0.1 times a current over the same."""
    if not np.ndim(value):
        return float(f"{value:.12g}")
    several, turn = np.unique(value, return_inverse=True)
    return np.array([float(f"{one:.12g}") for one in several.tolist()])[turn]


def step_rows(
    name: Any, cycle: CycleRecord, number: int, cell: Any
) -> list[dict[str, Any]]:
    """Return a row for each step of a cycle; of many cases at once, its columns.

    Parameters
    ----------
    name, cycle, cell
        As :func:`summary_row`.
    number : int
        Of the cycle; 0 of the conditioning.
    """
    area = cell.area
    rows = []
    for k, step in enumerate(cycle.steps, start=1):
        trace = step.trace
        share, limiting = _limit(step, cell)
        rows.append(
            {
                "Case": name,
                "Cycle number": number,
                "Step number": k,
                "Step": step.step.text,
                "Duration [s]": trace.t[-1] if trace else 0.0,
                "Charge [uA.h.cm-2]": step.charge * 1e6 / (area * 1e4),
                "Discharge [uA.h.cm-2]": step.discharge * 1e6 / (area * 1e4),
                "End voltage [V]": _last(step, "Voltage [V]"),
                "End current [uA.cm-2]": _last(step, "Current [A]") / area * 1e2,
                "End mean stoichiometry": _last(step, "Cathode mean stoichiometry"),
                "End surface stoichiometry": _last(step, "Cathode surface stoichiometry"),
                "Cut-off error [uV]": _cut_off_error(step),
                "Hold error [mV]": _hold_error(step),
                SHARE: share,
                LIMITING: limiting,
                **_critical(step, cell),
                "Outcome": step.outcome,
                "Detail": step.detail,
            }
        )
    return rows


def _spectra(name: str, cycle: CycleRecord, number: int) -> list[dict[str, Any]]:
    """Impedance at the steps of a cycle that measure it, a row a frequency."""
    return [
        {
            "Case": name,
            "Cycle number": number,
            "Step number": k,
            "Voltage [V]": step.spectrum.voltage,
            **row,
        }
        for k, step in enumerate(cycle.steps, start=1)
        if step.spectrum is not None
        for row in step.spectrum.table.to_dict("records")
    ]


def _critical(step: StepRecord, cell: Cell) -> dict[str, float]:
    """When a step crossed the critical current, since its start [s]."""
    if cell.anode.critical_current is None:
        return {}
    return {CRITICAL: np.nan if step.critical is None else step.critical}


def _last(step: StepRecord, name: str) -> float:
    return step.end.get(name, np.nan)


def _cut_off_error(record: StepRecord) -> Any:
    """Distance from the voltage cut-off a step ended at [uV]; NaN if it did not."""
    trace, step = record.trace, record.step
    found: Any = np.nan
    if trace is None or len(trace.t) == 1:  # met at once: nothing was integrated
        return found
    for event, asked in ((MINIMUM_VOLTAGE, step.lower), (MAXIMUM_VOLTAGE, step.upper)):
        if asked is not None:
            error = abs(record.end["Voltage [V]"] - asked) * 1e6
            found = np.where(trace.event == event, error, found)
    return found


def _hold_error(record: StepRecord) -> Any:
    """How far a held voltage strayed from its target [mV]; NaN where none is held."""
    held = record.trace is not None and record.step.control == "voltage"
    return 1e3 * record.trace.stray if held and record.trace else np.nan


def _limit(record: StepRecord, cell: Any) -> tuple[Any, Any]:
    """Return a step's share of its equilibrium capacity [%], and what limited it.

    NaN and "" unless it is a charge or discharge, no hold, that ended at a voltage.
    """
    trace, step = record.trace, record.step
    direction = int(np.all(step.value > 0)) - int(np.all(step.value < 0))
    cut_off = {1: MINIMUM_VOLTAGE, -1: MAXIMUM_VOLTAGE}.get(direction)
    held = step.control == "voltage" or cut_off is None
    if trace is None or held or not np.any(ended := trace.event == cut_off):
        return np.nan, ""
    low, high = cell.voltage_limits
    asked, own = (step.lower, low) if direction == 1 else (step.upper, high)
    laws = declared_by(cell.structure)
    end = {named(of): record.end[of] * factor(of, cell.area) for of in laws.curves}
    T = record.end["Cell temperature [K]"]
    x_equilibrium = _equilibrium(cell, own if asked is None else asked, T)
    x_start = trace.observed["Cathode mean stoichiometry"][0]
    share, word = losses.limit(direction, x_start, x_equilibrium, end, laws)
    return np.where(ended, share, np.nan), np.where(ended, word, "")


def _equilibrium(cell: Any, voltage: Any, temperature: Any) -> Any:
    """x in equilibrium at a voltage [V], by the U(x) that the model solves."""
    warmer = temperature - cell.reference_temperature
    U = voltage - warmer * cell.entropic_change
    law: Any = cell.open_circuit_potential
    if not np.ndim(U):
        return _nearest(law, float(U))
    several, turn = np.unique(U, return_inverse=True)
    x = law.curve.x[[0, -1], None] + 0 * several
    off = law.curve(x) - several
    inside = (off[0] > 0) & (off[1] < 0) & (len(several) > FEW)
    found = np.empty(len(several))
    found[inside] = find_root(
        lambda x, U: law.curve(x) - U,
        tuple(x[:, inside]),
        args=(several[inside],),
        tolerances={"xatol": 1e-14, "xrtol": 0},
    ).x
    found[~inside] = [_nearest(law, one) for one in several[~inside].tolist()]
    return found[turn]


@lru_cache(maxsize=1000)  # points of a sweep ask the same again and again
def _nearest(law: Any, U: float) -> float:
    """x at a potential [V]; beyond the ends of U(x) on its straight continuation."""
    curve = law.curve
    for end in (float(curve.x[0]), float(curve.x[-1])):
        beyond, slope = U - float(curve(end)), float(curve.slope(end))
        outside = beyond > 0 if end == curve.x[0] else beyond < 0
        if outside:
            return end + beyond / slope if slope < 0 else end
    low, high = float(curve.x[0]), float(curve.x[-1])
    return float(brentq(lambda x: curve(x) - U, low, high, xtol=1e-14))


def covered(cell: Any) -> dict[str, tuple[float, float]]:
    """Return the stoichiometries that the sources of laws cover, by field."""
    cathode = cell.cathode
    laws = cathode.open_circuit_potential, cathode.transport.diffusivity
    names = "open_circuit_potential", "diffusivity"
    return {
        name: (law.valid[0] - 1e-6, law.valid[1] + 1e-6)
        for name, law in zip(names, laws, strict=True)
    }


def beyond(name: str, surface: Sequence[float], valid: tuple[float, float]) -> str:
    """Return the warning that a law was used beyond what its source covers."""
    lowest, highest = (round(x, 4) + 0.0 for x in surface)  # 0.0: no minus before a 0
    low, high = valid[0] + 1e-6, valid[1] - 1e-6
    return (
        f"cathode.{name} was used at x = {lowest:.4f} to {highest:.4f}; its source "
        f"covers {low:.4g} to {high:.4g}"
    )


def _out_of_range(cell: Cell, surface: tuple[float, float]) -> list[str]:
    """Where the surface left the range that the source of a law covers."""
    return [
        beyond(name, surface, valid)
        for name, valid in covered(cell).items()
        if surface[0] < valid[0] or surface[1] > valid[1]
    ]


def _samples(
    cycle: CycleRecord, cell: Cell, clock: float, error: float
) -> dict[str, np.ndarray]:
    """Curve variables of a cycle that begins at a time [s], its steps in a row."""
    area = float(cell.area)
    per_area, per_gram = 1e6 / (area * 1e4), 1 / (area * cell.loading)
    shown = declared_by(cell.structure).curves
    pieces: dict[str, list[np.ndarray]] = {}
    for k, step in enumerate(cycle.steps, start=1):
        trace = step.trace
        if trace is None:
            continue
        observed = trace.observed
        moved = np.abs(observed["Discharge capacity [A.h]"])
        columns = {
            "Time [s]": clock + trace.t,
            "Step number": np.full(trace.t.shape, float(k)),
            "Current density [uA.cm-2]": observed["Current [A]"] / area * 1e2,
            "Step capacity [uA.h.cm-2]": moved * per_area,
            "Step capacity [mA.h.g-1]": moved * per_gram,
            losses.NET: observed["Discharge capacity [A.h]"] * per_area,
            losses.THROUGHPUT: observed["Throughput capacity [A.h]"] * per_area,
            losses.ENERGY_OUT: observed["Discharge energy [W.h]"] * per_area,
            losses.ENERGY_IN: observed["Charge energy [W.h]"] * per_area,
            "Temperature [degC]": observed["Cell temperature [K]"] - 273.15,
        }
        columns |= {named(of): observed[of] * factor(of, area) for of in shown}
        kept = thinned(trace.t, observed["Voltage [V]"], error) if error else slice(None)
        for label, values in columns.items():
            pieces.setdefault(label, []).append(values[kept])
        clock += float(trace.t[-1])
    if not pieces:  # nothing could be done: the variables are there all the same
        names = ("Time [s]", "Step number", "Current density [uA.cm-2]")
        names = (*names, *(named(of) for of in shown))
        return {name: np.full(1, np.nan) for name in names}
    return {k: np.concatenate(v) for k, v in pieces.items()}


def thinned(t: np.ndarray, V: np.ndarray, error: float) -> np.ndarray:
    """Which points to keep for V(t) to be missed nowhere by more than an error.

    Ramer (1972), Douglas and Peucker (1973), with the vertical distance: the point that a
    straight line misses most is kept, until none is missed by more.

    Parameters
    ----------
    t, V : ndarray, shape (samples,)
        A curve.
    error : float
        In the unit of V.

    Returns
    -------
    ndarray of bool, shape (samples,)
        The first and last are among them.
    """
    kept = np.zeros(len(t), bool)
    kept[[0, -1]] = True
    spans = [(0, len(t) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(t[inner], t[[first, last]], V[[first, last]])
        miss = np.abs(V[inner] - line)
        worst = int(miss.argmax())
        if miss[worst] > error:
            middle = first + 1 + worst
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return kept


def _joined(
    pieces: Sequence[tuple[int, dict[str, np.ndarray], _Profiles]],
    cell: Cell,
    xi: np.ndarray,
) -> xr.Dataset:
    """The curves of a case, from those of its cycles."""
    numbers, cycles, profiles = zip(*pieces, strict=True)
    names = next((list(c) for c in cycles if c), [])
    longest = max((len(c["Time [s]"]) for c in cycles if c), default=0)
    data: dict[str, Any] = {
        name: (
            ("cycle", "sample"),
            np.array([_padded(c.get(name), longest) for c in cycles]),
        )
        for name in names
    }
    data["Cathode thickness [um]"] = float(cell.cathode.thickness) * 1e6
    if cell.structure.anode:
        data["Anode thickness [um]"] = float(cell.anode.thickness) * 1e6
    # a check-up has its own steps
    most = max(len(of[SNAPSHOT_CAPACITY]) for of in profiles)
    dimensions = ("cycle", "step", "snapshot", "depth")
    for name in profiles[0]:
        values = np.array([_padded(of[name], most) for of in profiles])
        data[name] = (dimensions[: values.ndim], values)
    steps = np.arange(1, most + 1)
    coordinates = {"cycle": list(numbers), "step": steps, "depth": xi}
    return xr.Dataset(data, coords=coordinates)


def _padded(values: np.ndarray | None, length: int) -> np.ndarray:
    """Return values followed by NaN up to a length of the first dimension."""
    padded = np.full((length, *np.shape(values)[1:]), np.nan)
    if values is not None:
        padded[: len(values)] = values
    return padded


def _profiles(cycle: CycleRecord, cell: Cell, depths: Depths) -> _Profiles:
    """x through each film at moments evenly spaced in charge, and that charge."""
    shape = (len(cycle.steps), SNAPSHOTS, len(depths.xi))
    names = [STOICHIOMETRY, *[ANODE_PROFILE] * bool(cell.structure.anode)]
    found = {name: np.full(shape, np.nan) for name in names}
    found[SNAPSHOT_CAPACITY] = np.full(shape[:2], np.nan)
    for k, step in enumerate(cycle.steps):
        if step.trace is None:
            continue
        moved = np.abs(step.trace.observed["Discharge capacity [A.h]"])
        progress = moved if moved[-1] > 0 else step.trace.t
        wanted = np.linspace(0, progress[-1], SNAPSHOTS)
        rows = np.clip(np.searchsorted(progress, wanted), 0, len(progress) - 1)
        found[STOICHIOMETRY][k] = depths(step.trace.profiles[rows])
        if ANODE_PROFILE in found:
            found[ANODE_PROFILE][k] = depths(step.trace.observed[ANODE_PROFILE][rows])
        found[SNAPSHOT_CAPACITY][k] = moved[rows] * 1e6 / (float(cell.area) * 1e4)
    return found


@dataclass(frozen=True)
class _Read:
    summary: pd.DataFrame
    steps: pd.DataFrame
    impedance: pd.DataFrame
    drawn: list[CaseResult]
    warnings: Warned
    laws: Declared


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table in which words that repeat are kept once."""
    return pd.DataFrame(
        [
            {k: sys.intern(v) if type(v) is str else v for k, v in row.items()}
            for row in rows
        ]
    )


Warned = Mapping[str, tuple[int, Sequence[str]]]


class Piece(NamedTuple):
    """The tables of some cases.

    Parameters
    ----------
    summary, steps : DataFrame
        Of all of them.
    spectra : list of dict
        Rows of the impedance.
    drawn : list of CaseResult
        Those that have curves.
    warnings : mapping
        To the number of its cases and the names of the first.
    laws : list of Declared
        What laws of theirs declare.
    """

    summary: pd.DataFrame
    steps: pd.DataFrame
    spectra: list[dict[str, Any]]
    drawn: list[CaseResult]
    warnings: Warned
    laws: list[Declared]


def framed(cases: Sequence[CaseResult]) -> Piece:
    """Return the tables of cases."""
    warnings: Warned = {}
    for case in cases:
        warnings = joined(warnings, {words: (1, [case.name]) for words in case.warnings})
    return Piece(
        _frame(row for case in cases for row in case.rows),
        _frame(row for case in cases for row in case.steps),
        [row for case in cases for row in case.spectra],
        [case for case in cases if case.curves.sizes["cycle"]],
        warnings,
        list(dict.fromkeys(case.laws for case in cases)),
    )


def joined(one: Warned, other: Warned) -> Warned:
    """Return warnings of some cases and of others that follow."""
    found = dict(one)
    for words, (number, names) in other.items():
        before, first = found.get(words, (0, ()))
        found[words] = before + number, [*first, *names][:FIRST]
    return found


def _pieces(cases: Sequence[CaseResult]) -> Iterator[Piece]:
    """Tables of a few thousand cases at a time."""
    if isinstance(cases, InPieces):
        yield from cases.pieces()
        return
    each = iter(cases)
    while some := list(itertools.islice(each, ROWS)):
        yield framed(some)


@runtime_checkable
class InPieces(Protocol):
    """Cases that have their tables without being made."""

    def pieces(self) -> Iterator[Piece]:
        """All of them, some thousand at a time."""


class _Growing:
    """Tables below each other, which together may fill the memory.

    Parameters
    ----------
    cases : int
        How many there are to be; those of the first table say how many rows one has.
    """

    def __init__(self, cases: int) -> None:
        self.cases, self.rows, self.room = cases, 0, 0
        self.names: dict[str, None] = {}
        self.numbers: dict[str, np.ndarray] = {}
        self.words: dict[str, list[pd.Series]] = {}

    def add(self, table: pd.DataFrame) -> None:
        """Copy another below them; nothing where one of them lacks a column."""
        if not len(table):
            return
        rows = self.rows + len(table)
        if not self.rows:  # memory that is not touched costs nothing
            self.room = self.cases * len(table) // table["Case"].nunique()
        for name in dict.fromkeys((*self.numbers, *self.words, *table)):
            values = table.get(name, pd.Series(np.nan, table.index))
            text = not pd.api.types.is_numeric_dtype(values.dtype)
            if name in self.words or text:
                before = self.numbers.pop(name, np.full(self.rows, np.nan))[: self.rows]
                each = self.words.setdefault(name, [pd.Series(before)])
                each.append(values.infer_objects())
                continue
            before = self.numbers.get(name, np.full(self.rows, np.nan))
            kind = np.result_type(before, values) if self.rows else values.dtype
            if len(before) < rows or kind != before.dtype:
                self.numbers[name] = np.empty(max(rows, self.room), kind)
                self.numbers[name][: self.rows] = before[: self.rows]
            self.numbers[name][self.rows : rows] = values
        self.names |= dict.fromkeys(table)
        self.rows = rows

    def table(self) -> pd.DataFrame:
        """All of them."""
        whole = {}
        for name in list(self.names):
            if name in self.numbers:
                whole[name] = pd.Series(self.numbers.pop(name)[: self.rows], copy=False)
            else:
                each = [one for one in self.words.pop(name) if len(one)]
                whole[name] = pd.concat(each, ignore_index=True)
        return pd.DataFrame(whole, copy=False)


def _in_order(table: pd.DataFrame, laws: Declared) -> pd.DataFrame:
    """The columns of the summary, those that are empty left out."""
    known = summary_names(laws)
    varied = [c for c in table if c not in ("Case", "Cycle number", *known)]
    empty = [c for c in known if c not in REQUIRED and c in table]
    empty = [c for c in empty if table[c].isna().all()]
    kept = [c for c in known if c in table and c not in empty]
    names = [n for n in ("Case", "Cycle number", *varied, *kept) if n in table]
    return pd.DataFrame({name: table[name] for name in names}, copy=False)


class Result:
    """Curves and tables of one or more cases.

    Parameters
    ----------
    cases : sequence of CaseResult
        In the order of the experiment.
    provenance : dict
        What it takes to repeat the run.
    measured : DataFrame, optional
        Measured values beside the simulated ones, as :meth:`comparison` shows them.
    """

    def __init__(
        self,
        cases: Sequence[CaseResult],
        provenance: dict[str, Any] | None = None,
        measured: Sequence[dict[str, Any]] = (),
    ) -> None:
        self.cases = cases
        self.provenance = provenance or {}
        self.measured = list(measured)

    @classmethod
    def from_records(
        cls, records: Mapping[str, CaseRecord], provenance: dict[str, Any]
    ) -> Result:
        """A result of cases that were run here."""
        cases = [CaseResult.from_record(name, r) for name, r in records.items()]
        return cls(cases, provenance)

    @cached_property
    def _read(self) -> _Read:
        """What one pass over the cases finds, of which there may be a great many."""
        summary, steps, pieces = *map(_Growing, [len(self.cases)] * 2), []
        for piece in _pieces(self.cases):
            summary.add(piece.summary)
            steps.add(piece.steps)
            pieces.append(piece._replace(summary=NO_TABLE, steps=NO_TABLE))
        declared = Declared.of([losses.KNOWN, *(law for p in pieces for law in p.laws)])
        return _Read(
            _in_order(summary.table(), declared),
            steps.table(),
            pd.DataFrame([row for piece in pieces for row in piece.spectra]),
            [case for piece in pieces for case in piece.drawn],
            reduce(joined, (piece.warnings for piece in pieces), {}),
            declared,
        )

    @property
    def summary(self) -> pd.DataFrame:
        """One row per case and cycle; the columns of ``summary.csv``."""
        return self._read.summary.copy(deep=False)

    @property
    def steps(self) -> pd.DataFrame:
        """One row per step, with its outcome; conditioning is cycle 0."""
        return self._read.steps.copy(deep=False)

    @property
    def impedance(self) -> pd.DataFrame:
        """One row per frequency of the steps that measure the impedance.

        Case, Cycle number and Step number, Voltage [V], Frequency [Hz], Z real and
        Z imaginary [Ohm.cm2] and [Ohm]; conditioning is cycle 0.
        """
        return self._read.impedance.copy(deep=False)

    @property
    def drawn(self) -> list[CaseResult]:
        """The cases that have curves."""
        return self._read.drawn

    @property
    def laws(self) -> Declared:
        """What laws declare: those of the options, and further ones of the cases."""
        return self._read.laws

    @property
    def warnings(self) -> dict[str, dict[str, Any]]:
        """Warnings, each with the number of its cases and the first of them."""
        return self.provenance.get("warnings") or {
            words: {"cases": number, "first": list(first)}
            for words, (number, first) in self._read.warnings.items()
        }

    @property
    def losses(self) -> pd.DataFrame:
        """Where the energy of each cycle and step goes; the columns of ``losses.csv``.

        Step number 0 is a cycle as a whole, the sum of the rows of its steps; steps that
        never ran and conditioning have none.  Energy in less energy out is the sum of
        the losses, the leakage and what was stored (:mod:`tfbsim.result.losses`).
        """
        rows = [
            {"Case": case.name, **row}
            for case in self.drawn
            for row in losses.balances(case.curves, case.steps, self.laws)
        ]
        found = {name for row in rows for name in row} | {*losses.COLUMNS}
        names = [name for name in losses.columns(self.laws) if name in found]
        return pd.DataFrame(rows, columns=names)

    @property
    def curves(self) -> xr.Dataset:
        """Dimensions case, cycle, sample (curves) and step, snapshot, depth (film)."""
        if not self.drawn:
            return NONE.expand_dims(case=np.empty(0, str))
        longest = max(case.curves.sizes.get("sample", 0) for case in self.drawn)
        joined = xr.concat(
            [
                c.curves.pad(sample=(0, longest - c.curves.sizes.get("sample", 0)))
                for c in self.drawn
            ],
            dim="case",
            join="outer",
            fill_value=np.nan,
            data_vars="all",
            coords="minimal",
            compat="override",
        )
        return joined.assign_coords(case=[case.name for case in self.drawn])

    @property
    def as_asked(self) -> bool:
        """Whether every step of every case ended as asked, and every audit passed."""
        return self._outcomes <= {"reached"}

    @property
    def solved(self) -> bool:
        """Whether every step was solved and every audit passed, however it ended."""
        return not {"solver failed", "audit breach"} & self._outcomes

    @property
    def _outcomes(self) -> set[str]:
        """Of cycles and steps."""
        tables = self._read.summary, self._read.steps
        return {outcome for table in tables for outcome in table["Outcome"].unique()}

    @property
    def of_a_sweep(self) -> bool:
        """Whether the cases are points of a sweep."""
        return "sweep" in self.provenance.get("experiment_content", {})

    @property
    def comparison(self) -> pd.DataFrame:
        """Measured values with the simulated ones and signed residuals [%]."""
        summary = self.summary
        rows = []
        for point in self.measured:
            of_case = summary["Case"] == point["Case"]
            last = point["Cycle number"]
            cycles = summary["Cycle number"].between(point.get(FROM_CYCLE, last), last)
            here = summary[of_case & cycles]
            if here.empty:
                continue
            column = point["Quantity"]
            if column == RETENTION:
                here = here.assign(**{column: _retention(summary[of_case])})
            if column not in here:  # of another cell, without a stack
                continue
            value = float(here[column].mean())
            residual = 100 * (value / point["Measured"] - 1)
            rows.append({**point, "Simulated": value, "Residual [%]": residual})
        return pd.DataFrame(rows)

    @property
    def dataset(self) -> xr.Dataset:
        """The answers of a sweep as arrays over its factors (``sweeps.py``)."""
        from .sweep_table import dataset

        return dataset(self)

    @property
    def percentiles(self) -> pd.DataFrame:
        """How each answer of a sampled sweep is distributed; else empty."""
        from .sensitivity import percentiles

        return percentiles(self)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """Indices of each answer to each factor of a sampled sweep; else empty
        (:mod:`tfbsim.result.sensitivity`)."""
        from .sensitivity import sensitivity

        return sensitivity(self)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The curves as one table, a row a sample (:mod:`tfbsim.result.samples`)."""
        return samples(self.drawn)

    def plot(self, name: str | None = None) -> Any:
        """Return the figures of the report by name, or the one that is named."""
        if name is None:
            return resolve_name("tfbsim.plot:figures")(self)
        return resolve_name("tfbsim.plot:figure")(self, name)

    def save(self, folder: str | Path, figures: bool = True, format: str = "png") -> Path:
        """Write summary.csv, curves.nc, steps.csv, losses.csv, provenance.json, figures
        and report.

        Each file is written whole or not at all, and the provenance lists them with
        their hashes.
        """
        output = Output(folder)
        tables = {SUMMARY: self.summary, STEPS: self.steps, LOSSES: self.losses}
        for name, table in tables.items():
            output.write(name, parts(table), len(table))
        if len(impedance := self.impedance):
            output.write(IMPEDANCE, csv(impedance), len(impedance))
        output.write(CURVES, _netcdf(self.curves))
        output.seal(
            {
                **self.provenance,
                "measured": self.measured,
                "warnings": self.warnings,
                "cases": [] if self.of_a_sweep else self._listed(),
                "audit": self.audit(),
                "laws": self.laws.beyond(losses.KNOWN).as_dict(),
            }
        )
        if figures:
            write = resolve_name("tfbsim.report.report:write_report")
            write(self, output.folder, format)
        return output.folder

    def export(
        self, path: str | Path, case: str | Sequence[str] | None = None
    ) -> list[Path]:
        """Write the curves for other tools.

        Parameters
        ----------
        path : path
            Its ending says the format.  ``.csv``: one table, the columns of
            :attr:`samples`.  ``.xlsx``: sheets Summary, Steps and Curves.  ``.bdf.csv``:
            Battery Data Format, charge current positive; with several cases a file each,
            the case in its name.
        case : str or sequence of str, optional
            Cases whose curves are written; by default all.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InputError
            Another ending, no such case, or no curves.
        """
        path = Path(path)
        cases = case if case is None or isinstance(case, list | tuple) else [case]
        found = exported(self, path.name, cases)
        for name, content in found.items():
            write_atomic(path.with_name(name), content)
        return [path.with_name(name) for name in found]

    def _listed(self) -> list[dict[str, Any]]:
        return [
            {"name": c.name, "cell": c.cell, "key": c.key, "warnings": c.warnings}
            for c in self.cases
        ]

    def audit(self) -> dict[str, Any]:
        """Largest balance and cut-off errors, and steps that ended otherwise."""
        summary, steps = self.summary, self.steps
        other = steps[steps["Outcome"] != "reached"]
        cut_off = steps["Cut-off error [uV]"].max()
        numerical = {
            name[0].lower() + name[1:]: float(summary[name].abs().max())
            for name in NUMERICAL_ERRORS
            if name in summary
        }
        return {
            "lithium balance error": float(summary["Lithium balance error"].max()),
            "charge balance error": float(summary["Charge balance error"].max()),
            "cut-off error [uV]": None if np.isnan(cut_off) else float(cut_off),
            **numerical,
            "steps": len(steps),
            "steps that ended otherwise than asked": len(other),
        }


def _netcdf(dataset: xr.Dataset) -> bytes:
    buffer = io.BytesIO()
    packed = {"zlib": True, "complevel": 4, "shuffle": True}
    # "/" separates groups in netCDF; none of our names has one
    dataset.to_netcdf(
        buffer, engine="h5netcdf", encoding={name: packed for name in dataset.data_vars}
    )
    return buffer.getvalue()


def load_result(folder: str | Path, incomplete: bool = False) -> Result:
    """Read back what ``save`` wrote, all of it or nothing.

    Parameters
    ----------
    folder : path
        That a run wrote.
    incomplete : bool
        Whether to take what is left of a folder that is damaged or was interrupted;
        ``provenance["incomplete"]`` then says what is missing.

    Raises
    ------
    InputError
        The folder holds no result, or a damaged one, whatever is wrong with it.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise InputError("is not a result folder", folder)
        if not (folder / PROVENANCE).exists():
            raise InputError(f"is not a result folder: there is no {PROVENANCE}", folder)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", folder) from None
    about = read_provenance(folder)
    try:
        found = damage(folder, about)
        problems = [f"{name} {what}" for name, what in found.items()]
        if unfinished := about.get(UNFINISHED):
            problems.append(f"the run was interrupted: {unfinished}")
        if problems and not incomplete:
            one = next(iter(found), None)
            raise InputError(
                f"{found[one] if one else problems[0]}; {REMEDY}, and "
                "`tfbsim report --incomplete` draws what is left",
                folder / one if one else folder,
            )
        result = _loaded(folder, about, problems, {*found})
        if problems:  # what is left may be anything
            for table in ("summary", "steps", "losses", "comparison"):
                getattr(result, table)
            result.audit()
    except InputError:
        raise
    except Exception as error:  # whatever the readers of tables and curves raise
        reason = shown(error or type(error).__name__, 120)
        raise InputError(f"cannot be read as a result ({reason})", folder) from None
    return result


def _loaded(
    folder: Path, about: dict[str, Any], problems: list[str], damaged: set[str]
) -> Result:
    texts = {"Case": str, "Step": str, "Outcome": str, "Detail": str, LIMITING: str}
    tables = []
    for name in (SUMMARY, STEPS):
        text = folder / name
        if name in damaged:  # its rows up to where it is cut
            lines = text.read_bytes().decode("utf-8", "replace")
            text = io.StringIO(lines[: lines.rfind("\n") + 1])
        table = read_csv(text, dtype=texts)
        tables.append(_of_numbers(table, texts) if name in damaged else table)
    summary, steps = tables
    steps = steps.fillna({"Detail": "", LIMITING: ""})
    curves = NONE.expand_dims(case=np.empty(0, str))
    if CURVES not in damaged:
        with xr.open_dataset(folder / CURVES, engine="h5netcdf") as opened:
            curves = opened.load()
    cases = _cases(summary, steps, curves, about, bool(problems))
    if IMPEDANCE in about.get(FILES, {}) and IMPEDANCE not in damaged:
        spectra = _by_case(read_csv(folder / IMPEDANCE, dtype={"Case": str}))
        cases = [replace(case, spectra=spectra.get(case.name, [])) for case in cases]
    if problems:
        cases = [case for case in cases if _holds(case)]
    if problems:
        about["incomplete"] = problems
    for key in ("audit", FILES, REPORT, EXPORTS, OWN):
        about.pop(key, None)
    return Result(cases, about, about.pop("measured", ()))


def _cases(
    summary: pd.DataFrame,
    steps: pd.DataFrame,
    curves: xr.Dataset,
    provenance: dict[str, Any],
    left: bool,
) -> list[CaseResult]:
    """The cases of tables and curves as they were written; or those that are left."""
    rows, of_steps = _by_case(summary), _by_case(steps)
    listed = {entry["name"]: entry for entry in provenance.pop("cases")}
    if not listed:  # points of a sweep: one cell, and no word of their own
        (cell,) = (entry["name"] for entry in provenance["cells"].values())
        listed = {name: {"cell": cell, "key": "", "warnings": []} for name in rows}
    if left:
        whole = rows.keys() & of_steps.keys()
        listed = {name: entry for name, entry in listed.items() if name in whole}
        if not listed:
            raise ValueError("no case is left whole")
    drawn = set(curves["case"].values.tolist())
    laws = Declared.from_dict(provenance.pop("laws", {}))
    return [
        CaseResult(
            laws=laws,
            name=name,
            rows=rows[name],
            steps=of_steps[name],
            curves=_trimmed(
                curves.sel(case=name, drop=True),
                cycles=len(rows[name]),
                steps=max(int(s["Step number"]) for s in of_steps[name]),
            )
            if name in drawn
            else NONE,
            **{field: entry[field] for field in ("warnings", "key", "cell")},
        )
        for name, entry in listed.items()
    ]


def _of_numbers(table: pd.DataFrame, texts: Iterable[str]) -> pd.DataFrame:
    """Without the rows that have a word where other rows have a number."""
    for name in table.columns.difference([*texts]):
        numbers = pd.to_numeric(table[name], errors="coerce")
        words = numbers.isna() & table[name].notna()
        if 2 * words.sum() < len(table):
            table = table.assign(**{name: numbers})[~words]
    return table


def _holds(case: CaseResult) -> bool:
    """Whether the tables of a case go with each other and with its curves."""
    try:
        losses.balances(case.curves, case.steps)
        cycles = [row["Cycle number"] for row in case.rows]
    except Exception:  # whatever changed numbers lead to
        return False
    return cycles == list(range(1, len(cycles) + 1))


def _by_case(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["Case"], []).append({str(k): v for k, v in row.items()})
    return found


def _trimmed(dataset: xr.Dataset, cycles: int, steps: int) -> xr.Dataset:
    """Without the padding other cases made necessary."""
    there = dataset["Time [s]"].notnull().any("cycle") if "Time [s]" in dataset else None
    if there is not None:
        samples = int(np.flatnonzero(there.values).max(initial=-1)) + 1
        dataset = dataset.isel(sample=slice(samples))
    kept = dataset["cycle"].values <= cycles
    return dataset.isel(cycle=kept, step=slice(steps))


def _retention(summary: pd.DataFrame) -> pd.Series:
    """Return the discharge of each cycle of a case over the first of its kind [%]."""
    Q = summary["Discharge capacity [uA.h.cm-2]"]
    kinds = summary[CHECK_UP] if CHECK_UP in summary else np.zeros(len(Q))
    return 100 * Q / Q.groupby(kinds).transform("first")

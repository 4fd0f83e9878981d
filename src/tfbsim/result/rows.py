"""Rows of the tables: of a cycle in the summary, and of each of its steps.

Of many cases at once (:mod:`tfbsim.run.blocks`), a row is columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq
from scipy.optimize.elementwise import find_root

from ..cell import stack
from ..cell.cells import AnyCell
from ..data.curve_table import CASE, CYCLE, STEP
from ..materials.laws import Floats, PotentialLaw
from ..physics.mesh import NO_DEPTHS, Depths
from ..physics.thin_film_cell import declared_by
from ..solver.records import CycleRecord, StepRecord
from ..solver.trace import MAXIMUM_VOLTAGE, MINIMUM_VOLTAGE
from . import losses
from .columns import (
    ANODE_SHARE,
    CHECK_UP,
    CRITICAL,
    LIMITING,
    LONGEST_PULSE,
    NUMERICAL_ERRORS,
    OUTCOME,
    PULSE,
    SECOND_LITHIUM,
    SHARE,
)
from .names import Row, factor, named

FEW = 64  # voltages, each looked up by itself


class Rows:
    """The rows of a case as its cycles are done; of many cases at once, columns.

    ``varied`` are the columns of what sets the case apart, and ``depths`` the volumes
    that profiles are stated in.
    """

    def __init__(
        self,
        name: str,
        cell: AnyCell,
        varied: Mapping[str, Floats | str],
        depths: Depths = NO_DEPTHS,
    ) -> None:
        self.name, self.cell, self.varied, self.depths = name, cell, varied, depths
        self.rows: list[Row] = []
        self.steps: list[Row] = []
        self.clock: Floats = 0.0  # when the next cycle begins [s]
        # Least and most stoichiometry at the surface of the cathode
        self.surface: tuple[Floats, Floats] = (np.inf, -np.inf)
        self.cm2 = cell.area * 1e4

    def add(self, cycle: CycleRecord, recorded: bool) -> None:
        """Add a cycle that is done, of the conditioning or to be recorded."""
        number = cycle.number if recorded else 0
        for k, step in enumerate(cycle.steps, start=1):
            row: Row = {CASE: self.name, CYCLE: number, STEP: k}
            self.steps.append(row | self._of_step(step))
        if not recorded:
            return
        row = {CASE: self.name, CYCLE: number, **self.varied}
        self.rows.append(row | self._of_cycle(cycle))
        for trace in (step.trace for step in cycle.steps if step.trace is not None):
            self.clock = self.clock + trace.t[-1]
            x = trace.observed["Cathode surface stoichiometry"]
            low, high = self.surface
            self.surface = np.fmin(low, x.min(0)), np.fmax(high, x.max(0))

    def _of_cycle(self, cycle: CycleRecord) -> Row:
        """Return the columns of a cycle in the summary."""
        cell, charge, discharge = self.cell, cycle.charge, cycle.discharge
        energy_in, energy_out = cycle.energy_in, cycle.energy_out
        per_gram, per_area = 1 / (cell.area * cell.loading), 1e6 / self.cm2
        row = _asked(cycle, cell.one_c_current)
        row["Charge capacity [mA.h.g-1]"] = charge * per_gram
        row["Discharge capacity [mA.h.g-1]"] = discharge * per_gram
        row["Charge capacity [uA.h.cm-2]"] = charge * per_area
        row["Discharge capacity [uA.h.cm-2]"] = discharge * per_area
        both = (charge > 0) & (discharge > 0)
        row["Coulombic efficiency [%]"] = _ratio(100 * discharge, charge, both)
        row["Mean discharge voltage [V]"] = _ratio(energy_out, discharge, discharge != 0)
        row["Discharge energy [mW.h.cm-2]"] = energy_out * 1e3 / self.cm2
        lithium = cycle.when_charged("Lithium thickness [m]")
        row["Lithium thickness at end of charge [um]"] = lithium * 1e6
        faces = "Cathode surface stoichiometry", "Anode surface stoichiometry"
        emptied = [s.end for s in cycle.steps if np.any(s.discharge > 0)]
        if emptied and faces[1] in emptied[-1]:
            at = (emptied[-1][face] for face in faces)
            row[ANODE_SHARE] = 100 * cell.anode_share(*at)
        row["Interface resistance [Ohm.cm2]"] = cycle.resistance * 1e4
        pulse = _pulse_resistance(cycle, cell.area)
        if np.isfinite(pulse).any():
            row[PULSE] = pulse
        row |= {name: charge * per_gram for name, charge in cycle.lost.items()}
        if cycle.check_up is not None:
            row[CHECK_UP] = float(cycle.check_up)
        row["Lithium balance error"] = cycle.lithium_balance_error
        row["Charge balance error"] = cycle.charge_balance_error
        both = (energy_in > 0) & (energy_out > 0)
        row[losses.EFFICIENCY] = _ratio(100 * energy_out, energy_in, both)
        row[SECOND_LITHIUM] = self._second_lithium(cycle)
        if cell.stack is not None:
            thickest = _thickest(cycle, cell)
            row |= stack.densities(cell, energy_out * 3600 / cell.area, thickest)
        ends = [step.end for step in cycle.steps if step.end]
        for column in declared_by(cell.structure).columns if ends else ():
            if not column.needs or np.any(cell.constants[column.needs]):
                of = column.variable
                row[named(of)] = ends[-1][of] * factor(of, cell.area)
        if cell.anode.critical_current is not None:
            row[CRITICAL] = self._critical(cycle)
        if error := cycle.numerical_error:
            found = 100 * error.charge, 100 * error.discharge, 1e3 * error.voltage
            row |= dict(zip(NUMERICAL_ERRORS, found, strict=True))
        return row | {OUTCOME: cycle.outcome}

    def _of_step(self, step: StepRecord) -> Row:
        """Return the columns of a step in the table of steps."""

        def last(name: str) -> Floats:
            return step.end.get(name, np.nan)

        share, limiting = self._limit(step)
        row = {
            "Step": step.step.text,
            "Duration [s]": step.trace.t[-1] if step.trace else 0.0,
            "Charge [uA.h.cm-2]": step.charge * 1e6 / self.cm2,
            "Discharge [uA.h.cm-2]": step.discharge * 1e6 / self.cm2,
            "End voltage [V]": last("Voltage [V]"),
            "End current [uA.cm-2]": last("Current [A]") / self.cell.area * 1e2,
            "End mean stoichiometry": last("Cathode mean stoichiometry"),
            "End surface stoichiometry": last("Cathode surface stoichiometry"),
            "Cut-off error [uV]": _cut_off_error(step),
            "Hold error [mV]": _hold_error(step),
            SHARE: share,
            LIMITING: limiting,
        }
        if self.cell.anode.critical_current is not None:
            row[CRITICAL] = np.nan if step.critical is None else step.critical
        return row | {OUTCOME: step.outcome, "Detail": step.detail}

    def _critical(self, cycle: CycleRecord) -> float:
        """Return when the critical current was crossed, since the first cycle [s]."""
        clock = self.clock
        for step in cycle.steps:
            if step.critical is not None:
                return float(clock + step.critical)
            clock += float(step.trace.t[-1]) if step.trace else 0.0
        return np.nan

    def _second_lithium(self, cycle: CycleRecord) -> Floats:
        """Return the share of second sites that the last discharge filled [%]."""
        found: Floats = np.nan
        if (x_max := self.cell.cathode.x_max) <= 1:
            return found
        widths = losses.widths(self.depths.xi)
        for step in cycle.steps:
            out = step.discharge > step.charge
            if step.trace is not None and np.any(out):
                profile = self.depths(step.trace.profiles[-1])
                share = losses.second_lithium(profile, widths, x_max)
                found = np.where(out, share, found)
        return found

    def _limit(self, record: StepRecord) -> tuple[Floats, Floats | str]:
        """Return a step's share of its equilibrium capacity [%], and what limited it.

        NaN and "" unless it is a charge or discharge, no hold, that ended at a voltage.
        """
        trace, step, cell = record.trace, record.step, self.cell
        direction = int(np.all(step.value > 0)) - int(np.all(step.value < 0))
        cut_off = {1: MINIMUM_VOLTAGE, -1: MAXIMUM_VOLTAGE}.get(direction)
        held = step.control == "voltage" or cut_off is None
        if trace is None or held or not np.any(ended := trace.event == cut_off):
            return np.nan, ""
        low, high = cell.voltage_limits
        asked, own = (step.lower, low) if direction == 1 else (step.upper, high)
        laws = declared_by(cell.structure)
        end = {named(of): record.end[of] * factor(of, cell.area) for of in laws.curves}
        warmer = record.end["Cell temperature [K]"] - cell.reference_temperature
        U = (own if asked is None else asked) - warmer * cell.entropic_change
        x_start = trace.observed["Cathode mean stoichiometry"][0]
        x_equilibrium = _equilibrium(cell.open_circuit_potential, U)
        share, word = losses.limit(direction, x_start, x_equilibrium, end, laws)
        return np.where(ended, share, np.nan), np.where(ended, word, "")


def of_one(row: Row) -> Row:
    """Return a row of one case with plain numbers and words."""
    numpy = np.generic | np.ndarray
    return {k: v.item() if isinstance(v, numpy) else v for k, v in row.items()}


def spectra(name: str, cycle: CycleRecord, number: int) -> Iterator[Row]:
    """Yield the impedance at the steps of a cycle that measure it, a row a frequency."""
    for k, step in enumerate(cycle.steps, start=1):
        if step.spectrum is not None:
            at: Row = {CASE: name, CYCLE: number, STEP: k}
            at["Voltage [V]"] = step.spectrum.voltage
            yield from (at | row for row in step.spectrum.table.to_dict("records"))


def _ratio(above: Floats, below: Floats, where: Floats) -> Floats:
    """Return a quotient, NaN elsewhere."""
    return np.where(where, above, np.nan) / np.where(where, below, 1.0)


def _pulse_resistance(cycle: CycleRecord, area: Floats) -> Floats:
    """Return (V_before - V_end)/i of the first pulse of a cycle [Ohm.cm2].

    A pulse is a constant current of at most ``LONGEST_PULSE`` seconds after a rest.
    """
    found: Floats = np.nan
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


def _thickest(cycle: CycleRecord, cell: AnyCell) -> Floats:
    """Return the lithium when there is most of it [m]; NaN if nothing ran.

    What is inactive or taken by the collector counts.
    """
    found: list[Floats] = [np.nan]
    metal = cell.metal
    for observed in (step.trace.observed for step in cycle.steps if step.trace):
        lithium = observed.get("Lithium thickness [m]", np.array([np.nan]))
        if "Inactive lithium thickness [m]" in observed and metal:
            taken = observed["Lithium taken by the collector [mol.m-2]"]
            idle = observed["Inactive lithium thickness [m]"]
            lithium = lithium + idle + taken * metal.molar_volume
        found.append(lithium.max(axis=0))
    return reduce(np.fmax, found)


def _asked(cycle: CycleRecord, one_c: Floats) -> Row:
    """Return rates and cut-offs that the protocol states."""
    steps = [s.step for s in cycle.steps]
    currents = [s.value for s in steps if s.control == "current"]
    discharges = [value for value in currents if np.all(value > 0)]
    charges = [-value for value in currents if np.all(value < 0)]
    lower = [s.lower for s in steps if s.lower is not None]
    upper = [s.upper for s in steps if s.upper is not None]
    tops = upper or [s.value for s in steps if s.control == "voltage"]
    return {
        "C-rate": _rounded(discharges[0] / one_c) if discharges else np.nan,
        "Charge C-rate": _rounded(charges[0] / one_c) if charges else np.nan,
        "Lower cut-off [V]": reduce(np.minimum, lower) if lower else np.nan,
        "Upper cut-off [V]": reduce(np.maximum, tops) if tops else np.nan,
    }


def _rounded(value: Floats) -> Floats:
    """Return 12 digits: 0.1, not 0.1 times a current over the same."""
    several, turn = np.unique(value, return_inverse=True)
    found = np.array([float(f"{one:.12g}") for one in several.tolist()])[turn]
    return found if np.ndim(value) else found.item()


def _cut_off_error(record: StepRecord) -> Floats:
    """Return the distance from the voltage cut-off a step ended at [uV]; else NaN."""
    trace, step = record.trace, record.step
    found: Floats = np.nan
    if trace is None or len(trace.t) == 1:  # met at once: nothing was integrated
        return found
    for event, asked in ((MINIMUM_VOLTAGE, step.lower), (MAXIMUM_VOLTAGE, step.upper)):
        if asked is not None:
            error = abs(record.end["Voltage [V]"] - asked) * 1e6
            found = np.where(trace.event == event, error, found)
    return found


def _hold_error(record: StepRecord) -> Floats:
    """Return how far a held voltage strayed from its target [mV]; NaN where none is."""
    held = record.trace is not None and record.step.control == "voltage"
    return 1e3 * record.trace.stray if held and record.trace else np.nan


def _equilibrium(law: PotentialLaw, U: Floats) -> Floats:
    """Return x in equilibrium at a potential [V], by the U(x) that the model solves."""
    if not np.ndim(U):
        return _nearest(law, float(U))
    several, turn = np.unique(U, return_inverse=True)
    x = law.curve.x[[0, -1], None] + 0 * several
    off = law.curve(x) - several
    inside = (off[0] > 0) & (off[1] < 0) & (len(several) > FEW)
    found = np.empty(len(several))
    if inside.any():
        found[inside] = find_root(
            lambda x, U: law.curve(x) - U,
            tuple(x[:, inside]),
            args=(several[inside],),
            tolerances={"xatol": 1e-14, "xrtol": 0},
        ).x
    found[~inside] = [_nearest(law, one) for one in several[~inside].tolist()]
    return found[turn]


@lru_cache(maxsize=1000)  # points of a sweep ask the same again and again
def _nearest(law: PotentialLaw, U: float) -> float:
    """Return x at a potential [V]; beyond its ends, U(x) goes on straight."""
    curve = law.curve
    low, high = float(curve.x[0]), float(curve.x[-1])
    for end, side in ((low, 1), (high, -1)):
        beyond, slope = U - float(curve(end)), float(curve.slope(end))
        if side * beyond > 0:
            return end + beyond / slope if slope < 0 else end
    return float(brentq(lambda x: curve(x) - U, low, high, xtol=1e-14))

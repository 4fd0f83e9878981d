"""Measured curves beside simulated ones: which belong together, and how they differ.

The protocol is the experiment's, or the data's own current.  Each measured cycle goes to
the case whose steps fit its currents and cut-offs best; voltages are compared at equal
charge (in a rest at equal time), residuals are simulated less measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..data.measured import (
    CHARGE,
    DISCHARGE,
    HOLD,
    REST,
    UA,
    Array,
    Measured,
    mean_current,
    times,
)
from ..data.read import Source, read_all
from ..experiment.cases import Expanded
from ..experiment.provenance import provenance
from ..experiment.settings import numerics_of
from ..numerics import Numerics
from ..output import Output
from ..result.csv_file import csv
from ..yaml_file import Document
from .own_current import experiment_or_cell
from .pairing import Pair, Progress, beside
from .places import places
from .replay import charge_where
from .spectra import COLUMNS as SPECTRA_COLUMNS
from .spectra import SpectrumPair

if TYPE_CHECKING:
    from ..data.mapping import Mapping as DataMapping

COMPARISON, OVERLAY = "comparison.csv", "overlay.csv"
IMPEDANCE = "impedance.csv"
FIRST = 60.0  # s
ROUNDING = 1e-9  # of a capacity that the data's own current passes

OVERLAY_COLUMNS = (
    *("File", "Step", "Time [s]", "Capacity [uA.h.cm-2]"),
    *("Current density [uA.cm-2]", "Measured voltage [V]"),
    *("Simulated voltage [V]", "Residual [mV]"),
)


@dataclass(frozen=True)
class Comparison:
    """What :func:`compare` returns.

    Parameters
    ----------
    measured : list of Measured
        As read.
    pairs : list of Pair
        In the order of the files.
    unreadable : list of str
        A sentence for each file that could not be read.
    unmatched : list of tuple of str
        File, step and why it has no counterpart.
    otherwise : list of str
        Simulated steps that ended otherwise than asked.
    notes : list of str
        What else is worth knowing.
    provenance : dict
        What it takes to repeat it.
    spectra : list of SpectrumPair
        Measured spectra with simulated ones beside them.
    """

    measured: list[Measured]
    pairs: list[Pair]
    unreadable: list[str] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)
    spectra: list[SpectrumPair] = field(default_factory=list)

    @property
    def as_asked(self) -> bool:
        """Whether every file was read and compared, and every step ended as asked."""
        compared = {pair.file for pair in self.pairs}
        compared |= {pair.place.file for pair in self.spectra}
        # Spectra that no step measures are drawn, and that is said
        empty = [m for m in self.measured if m.segments and m.name not in compared]
        return bool(compared) and not (self.unreadable or self.otherwise or empty)

    @property
    def table(self) -> pd.DataFrame:
        """A row per compared step; the columns of ``comparison.csv``."""
        hysteresis = _hysteresis(self.pairs)
        rows = []
        for pair in self.pairs:
            row = _row(pair)
            both = hysteresis.get((pair.file, pair.measured.cycle))
            if both and pair.measured.kind == DISCHARGE:
                row["Measured hysteresis [mV]"] = 1e3 * both[0]
                row["Simulated hysteresis [mV]"] = 1e3 * both[1]
            rows.append({**row, "Role": pair.role or None, "Outcome": pair.outcome})
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def overlay(self) -> pd.DataFrame:
        """Every measured point with the simulated voltage there; ``overlay.csv``."""
        parts = []
        for pair in self.pairs:
            m, there = pair.measured, pair.common
            simulated = np.full(len(m.voltage), np.nan)
            simulated[there] = m.voltage[there] + pair.residual
            time = np.full(len(m.voltage), np.nan) if m.time is None else m.start + m.time
            known = (pair.file, m.name, time, m.capacity * UA, m.current * UA)
            volts = (m.voltage, simulated, 1e3 * (simulated - m.voltage))
            values = (*known, *volts)
            parts.append(pd.DataFrame(dict(zip(OVERLAY_COLUMNS, values, strict=True))))
        if not parts:
            return pd.DataFrame(columns=list(OVERLAY_COLUMNS))
        return pd.concat(parts, ignore_index=True)

    @property
    def impedance(self) -> pd.DataFrame:
        """Every measured frequency with the simulated impedance; ``impedance.csv``."""
        parts = [pair.table for pair in self.spectra]
        if not parts:
            return pd.DataFrame(columns=list(SPECTRA_COLUMNS))
        return pd.concat(parts, ignore_index=True)

    def plot(self) -> dict[str, Any]:
        """The figures of the report, by name (matplotlib)."""
        return resolve_name("tfbsim.plot.comparison:figures")(self)

    def save(self, folder: str | Path) -> None:
        """Write tables, figures, report and provenance, each whole or not at all."""
        output = Output(folder)
        output.write(COMPARISON, csv(self.table), len(self.table))
        output.write(OVERLAY, csv(self.overlay), len(self.overlay))
        if self.spectra:
            output.write(IMPEDANCE, csv(self.impedance), len(self.impedance))
        output.seal(self.provenance)
        resolve_name("tfbsim.report.comparison:write_report")(self, output.folder)


# --- The numbers -------------------------------------------------------------------

COLUMNS = (
    *("File", "Step", "Case", "Cycle number", "C-rate", "Current density [uA.cm-2]"),
    *("Points", "Compared [%]"),
    "Voltage error, rms [mV]",
    "Largest voltage error [mV]",
    "Mean voltage error [mV]",
    "First minute, rms [mV]",
    "Measured capacity [uA.h.cm-2]",
    "Simulated capacity [uA.h.cm-2]",
    "Capacity error [%]",
    "Measured hysteresis [mV]",
    "Simulated hysteresis [mV]",
    "Role",
    "Outcome",
)


def _row(pair: Pair) -> dict[str, Any]:
    m, there = pair.measured, pair.common
    row: dict[str, Any] = {
        "File": pair.file,
        "Step": m.name,
        "Case": pair.case,
        "Cycle number": m.cycle,
        "C-rate": pair.c_rate,
        "Current density [uA.cm-2]": mean_current(m) * UA,
        "Points": len(m.voltage),
    }
    if m.kind != HOLD and there.any() and len(m.voltage) > 1:
        residual, at = pair.residual, pair.axis(m)[there]
        row["Compared [%]"] = pair.covered
        row["Voltage error, rms [mV]"] = 1e3 * _rms(residual, at)
        row["Largest voltage error [mV]"] = 1e3 * residual[np.argmax(np.abs(residual))]
        row["Mean voltage error [mV]"] = 1e3 * _mean(residual, at)
        early = times(m)[there] <= FIRST
        if early.any():
            row["First minute, rms [mV]"] = 1e3 * _rms(residual[early], at[early])
    if m.kind != REST:
        measured, simulated = capacities(pair)
        row["Measured capacity [uA.h.cm-2]"] = measured * UA
        row["Simulated capacity [uA.h.cm-2]"] = simulated * UA
        if measured > 0:
            off = simulated / measured - 1
            row["Capacity error [%]"] = 100 * off if abs(off) > ROUNDING else 0.0
    return row


def _mean(values: Array, at: Array) -> float:
    """Mean over what a step runs along, however densely it was sampled."""
    if len(at) < 2 or at[-1] <= at[0]:
        return float(np.mean(values))
    return float(np.trapezoid(values, at) / (at[-1] - at[0]))


def _rms(values: Array, at: Array) -> float:
    return float(np.sqrt(_mean(values**2, at)))


def capacities(pair: Pair) -> tuple[float, float]:
    """Measured and simulated charge [A.h.m-2] where the measured curve ends.

    If the simulated step ends at a voltage, its charge is read at the voltage of the last
    measured point, which need not be the cut-off; else it is all that passed.
    """
    m, s = pair.measured, pair.simulated
    simulated = float(s.capacity[-1])
    if pair.at_cut_off and m.kind in (CHARGE, DISCHARGE):
        simulated = charge_where(s.capacity, s.voltage, float(m.voltage[-1]), simulated)
    return float(m.capacity[-1]), simulated


def _hysteresis(pairs: Sequence[Pair]) -> dict[tuple[str, int], tuple[float, float]]:
    """Mean voltage of charge less that of discharge of each cycle, both kinds [V]."""
    sums: dict[tuple[str, int, str], Array] = {}
    for pair in pairs:
        m, s = pair.measured, pair.simulated
        if m.kind not in (CHARGE, DISCHARGE) or len(m.voltage) < 2:
            continue
        key = (pair.file, m.cycle, m.kind)
        moved = [
            (np.trapezoid(x.voltage, x.capacity), np.ptp(x.capacity)) for x in (m, s)
        ]
        sums[key] = sums.get(key, np.zeros((2, 2))) + np.array(moved, dtype=float)
    found = {}
    for file, cycle, kind in sums:
        other = sums.get((file, cycle, DISCHARGE))
        if kind != CHARGE or other is None:
            continue
        here = sums[file, cycle, CHARGE]
        if (here[:, 1] > 0).all() and (other[:, 1] > 0).all():
            gap = here[:, 0] / here[:, 1] - other[:, 0] / other[:, 1]
            found[file, cycle] = (float(gap[0]), float(gap[1]))
    return found


# --- Comparing ---------------------------------------------------------------------


def compare(
    experiment: str | Path | Document | Expanded,
    data: Sequence[Source] | Source,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    mapping: str | Path | DataMapping | Mapping[str, Any] | None = None,
    own_current: bool = False,
    numerics: Numerics | Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Comparison:
    """Compare measured files with an experiment.

    Parameters
    ----------
    experiment : str, Path, Document or Expanded
        A shipped experiment or a file; or a cell, whose protocol then is the data's own
        current.
    data : path, DataFrame, Measured, or a sequence of them
        What was measured; a DataFrame has the columns of a file.
    cell, changes
        As :func:`tfbsim.run_experiment`.
    mapping : optional
        For the files (:func:`tfbsim.read_measured`).
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning.
    numerics : Numerics or mapping, optional
        Mesh and tolerances; by default those the experiment names.
    folder : path, optional
        Where to write the result.
    progress : callable, optional
        Called with the number of simulations done and of all.
    command : str
        Command line that repeats it, for the provenance.

    Returns
    -------
    Comparison
        ``table`` (pandas), ``overlay``, ``pairs``, ``plot``, ``save``.

    Raises
    ------
    InputError
        The experiment or the cell is not valid, or no file could be read.
    """
    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    numerics = numerics_of(numerics, expanded.experiment.numerics)
    base = expanded.cases[0].cell
    measured, unreadable = read_all(data, base, mapping)
    where = places(measured, expanded, own_current)
    paired = beside(measured, where, numerics, progress)
    found = Comparison(
        *(measured, paired.pairs, unreadable, paired.unmatched),
        otherwise=paired.otherwise,
        notes=paired.notes,
        spectra=paired.spectra,
    )
    about = provenance(
        expanded.document,
        expanded.cells,
        numerics,
        expanded.cell,
        expanded.changes,
        command,
    )
    found.provenance.update(about)
    found.provenance["protocol"] = (
        "the data's own current" if own_current else "the experiment's"
    )
    found.provenance["audit"] = paired.audit
    found.provenance["notes"] = paired.notes
    found.provenance["data"] = [_about(m) for m in measured]
    found.provenance["unreadable"] = unreadable
    found.provenance["unmatched"] = [" | ".join(row) for row in found.unmatched]
    if folder:
        found.save(folder)
    return found


def _about(measured: Measured) -> dict[str, Any]:
    try:
        digest = hashlib.sha256(measured.path.read_bytes()).hexdigest()
    except OSError:
        digest = ""
    return {
        "file": measured.name,
        "sha256": digest,
        "steps": len(measured.segments),
        "spectra": len(measured.spectra),
        "notes": list(measured.notes),
    }

"""A measured step or spectrum with the simulated one beside it, and how they differ.

Voltages are compared at equal charge, in a rest at equal time; residuals are simulated
less measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..data.measured import CHARGE, DISCHARGE, HOLD, REST, UA, Array, Segment, Spectrum
from ..solver import impedance
from .places import Place
from .replay import charge_where

BEYOND = 1e-4  # of a step: by how much a record's last clock or charge may exceed it
FIRST = 60.0  # s
ROUNDING = 1e-9  # of a capacity that the data's own current passes
COLUMNS = (
    *("File", "Step", "Case", "Cycle number", "C-rate", "Current density [uA.cm-2]"),
    *("Points", "Compared [%]", "Voltage error, rms [mV]", "Largest voltage error [mV]"),
    *("Mean voltage error [mV]", "First minute, rms [mV]"),
    *("Measured capacity [uA.h.cm-2]", "Simulated capacity [uA.h.cm-2]"),
    *("Capacity error [%]", "Measured hysteresis [mV]", "Simulated hysteresis [mV]"),
    *("Role", "Outcome"),
)
_OVERLAY = (
    *("File", "Step", "Time [s]", "Capacity [uA.h.cm-2]"),
    *("Current density [uA.cm-2]", "Measured voltage [V]"),
    *("Simulated voltage [V]", "Residual [mV]"),
)
_SPECTRA = (
    *("File", "Spectrum", "Case", "Voltage [V]", "Frequency [Hz]"),
    *("Measured Z real [Ohm.cm2]", "Measured Z imaginary [Ohm.cm2]"),
    *("Simulated Z real [Ohm.cm2]", "Simulated Z imaginary [Ohm.cm2]"),
    "Difference [%]",
)


@dataclass(frozen=True)
class Pair:
    """A measured step and the simulated one beside it, of one kind."""

    file: str  # where the measured one comes from
    measured: Segment
    simulated: Segment
    case: str  # of the experiment
    c_rate: float  # of the measured current
    at_cut_off: bool  # whether the simulated step ended at a voltage
    outcome: str  # of the simulated step
    # Whether the cell was fitted to the measured one, "fitted" or "predicted"; "" of a
    # cell that no fit wrote
    role: str = ""

    @property
    def axes(self) -> tuple[Array, Array]:
        """Return what each runs along: charge [A.h.m-2], in a rest time [s]."""
        m, s = self.measured, self.simulated
        if m.kind == REST and m.time is not None and s.time is not None:
            return m.time, s.time
        return m.capacity, s.capacity

    @property
    def common(self) -> Array:
        """Whether the simulated curve reaches each measured point."""
        measured, simulated = self.axes
        last = simulated[-1] * (1 + BEYOND)
        return np.asarray((measured >= simulated[0]) & (measured <= last))

    @property
    def covered(self) -> float:
        """Share of the measured charge, in a rest time, that is simulated [%]."""
        measured, simulated = (float(axis[-1]) for axis in self.axes)
        share = min(1.0, simulated / measured) if measured > 0 else 1.0
        return 100.0 if share > 1 - BEYOND else 100 * share

    @property
    def residual(self) -> Array:
        """Simulated less measured voltage at the common points [V]."""
        (measured, simulated), common = self.axes, self.common
        V = np.interp(measured[common], simulated, self.simulated.voltage)
        return V - self.measured.voltage[common]

    @property
    def capacities(self) -> tuple[float, float]:
        """Measured and simulated charge [A.h.m-2] where the measured curve ends.

        If the simulated step ends at a voltage, its charge is read at the voltage of the
        last measured point, which need not be the cut-off; else it is all that passed.
        """
        m, s = self.measured, self.simulated
        end = float(s.capacity[-1])
        if self.at_cut_off and m.flowing:
            end = charge_where(s.capacity, s.voltage, float(m.voltage[-1]), end)
        return float(m.capacity[-1]), end

    @property
    def row(self) -> dict[str, object]:
        """Its row of ``comparison.csv``."""
        m, common = self.measured, self.common
        row: dict[str, object] = {
            "File": self.file,
            "Step": m.name,
            "Case": self.case,
            "Cycle number": m.cycle,
            "C-rate": self.c_rate,
            "Current density [uA.cm-2]": m.mean_current * UA,
            "Points": len(m.voltage),
            "Role": self.role or None,
            "Outcome": self.outcome,
        }
        if m.kind != HOLD and common.any() and len(m.voltage) > 1:
            residual, at = 1e3 * self.residual, self.axes[0][common]
            row["Compared [%]"] = self.covered
            row["Voltage error, rms [mV]"] = mean_along(residual**2, at) ** 0.5
            row["Largest voltage error [mV]"] = residual[np.argmax(np.abs(residual))]
            row["Mean voltage error [mV]"] = mean_along(residual, at)
            early = m.elapsed[common] <= FIRST
            if early.any():
                row["First minute, rms [mV]"] = (
                    mean_along(residual[early] ** 2, at[early]) ** 0.5
                )
        if m.kind != REST:
            measured, simulated = self.capacities
            row["Measured capacity [uA.h.cm-2]"] = measured * UA
            row["Simulated capacity [uA.h.cm-2]"] = simulated * UA
            if measured > 0:
                off = simulated / measured - 1
                row["Capacity error [%]"] = 100 * off if abs(off) > ROUNDING else 0.0
        return row


def mean_along(values: Array, at: Array) -> float:
    """Return the mean over what a step runs along, however densely it was sampled."""
    if len(at) < 2 or at[-1] <= at[0]:
        return float(np.mean(values))
    return float(np.trapezoid(values, at) / (at[-1] - at[0]))


def table(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return ``COLUMNS``, a row for each pair.

    The hysteresis of a cycle, its mean voltage of charge less that of discharge, stands
    in the rows of its discharges.
    """
    rows = pd.DataFrame([pair.row for pair in pairs], columns=list(COLUMNS))
    keys, sides = ["File", "Cycle number", "kind"], ("Measured", "Simulated")
    moved = [
        (p.file, p.measured.cycle, p.measured.kind, *_moved(p.measured, p.simulated))
        for p in pairs
        if p.measured.flowing and len(p.measured.voltage) > 1
    ]
    if not moved:
        return rows
    sums = pd.DataFrame(moved, columns=[*keys, *sides, *(f"{s} charge" for s in sides)])
    sums = sums.groupby(keys).sum()
    sums = sums[(sums[[f"{s} charge" for s in sides]] > 0).all(axis=1)]
    at = pd.MultiIndex.from_frame(rows[keys[:2]])
    discharges = [p.measured.kind == DISCHARGE for p in pairs]
    for side in sides:
        V = (sums[side] / sums[f"{side} charge"]).unstack()
        V = V.reindex(columns=[CHARGE, DISCHARGE])
        gap = 1e3 * (V[CHARGE] - V[DISCHARGE]).reindex(at)
        rows[f"{side} hysteresis [mV]"] = gap.where(discharges).to_numpy()
    return rows


def overlays(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return the columns of ``overlay.csv``, a row for each measured point."""
    parts = []
    for pair in pairs:
        m, simulated = pair.measured, np.full(len(pair.measured.voltage), np.nan)
        simulated[pair.common] = m.voltage[pair.common] + pair.residual
        time = np.nan if m.time is None else m.start + m.time
        known = (pair.file, m.name, time, m.capacity * UA, m.current * UA)
        parts.append((*known, m.voltage, simulated, 1e3 * (simulated - m.voltage)))
    return _below(parts, _OVERLAY)


def _below(parts: Sequence[tuple[object, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """Return tables of the same columns below each other; a number fills its column."""
    tables = [pd.DataFrame(dict(zip(columns, part, strict=True))) for part in parts]
    return pd.concat(tables or [pd.DataFrame(columns=[*columns])], ignore_index=True)


def _moved(*segments: Segment) -> list[float]:
    """Return the integral of V over the charge of each segment, and their charges."""
    energies = [float(np.trapezoid(s.voltage, s.capacity)) for s in segments]
    return [*energies, *(float(np.ptp(s.capacity)) for s in segments)]


@dataclass(frozen=True)
class SpectrumPair:
    """A measured spectrum and the simulated one beside it."""

    place: Place[Spectrum]
    voltage: float  # of the simulated cell [V]
    Z: Array  # simulated, at the measured frequencies [Ohm.m2]

    @property
    def difference(self) -> Array:
        """|Z_simulated - Z_measured|/|Z_measured| at each frequency."""
        measured = self.place.measured.impedance
        return np.asarray(np.abs(self.Z - measured) / np.abs(measured))

    @property
    def sentence(self) -> str:
        """Return how far apart both are."""
        off, f = self.difference, self.place.measured.frequency
        worst = int(np.argmax(off))
        return (
            f"{self.place.label}: simulated at {self.voltage:.4g} V ({self.place.case}), "
            f"{100 * float(np.sqrt(np.mean(off**2))):.3g} % of |Z| apart (rms), "
            f"{100 * float(off[worst]):.3g} % at {f[worst]:.3g} Hz"
        )


def impedances(pairs: Sequence[SpectrumPair]) -> pd.DataFrame:
    """Return the columns of ``impedance.csv``, a row for each frequency."""
    parts = []
    for pair in pairs:
        place, measured = pair.place, pair.place.measured.impedance * 1e4
        known = (place.file, place.measured.name, place.case, pair.voltage)
        values = (place.measured.frequency, measured.real, measured.imag)
        Z = pair.Z * 1e4
        parts.append((*known, *values, Z.real, Z.imag, 100 * pair.difference))
    return _below(parts, _SPECTRA)


def at_frequencies(measured: Spectrum, simulated: impedance.Spectrum) -> Array:
    """Return what is simulated at the measured frequencies, which are among its own."""
    f, Z = simulated.frequency, simulated.Z
    order = np.argsort(f)
    at = order[np.searchsorted(f[order], measured.frequency)]
    return np.asarray(Z[at])

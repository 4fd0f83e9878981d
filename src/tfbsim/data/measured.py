"""What was measured: records of a cycler, curves and spectra, as numbers in SI.

``read`` takes a file to a :class:`Measured`: steps per area, discharge current positive,
with every conversion, guess and mend told in a sentence.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from .curve_table import (
    CURRENT,
    CYCLE,
    STEP,
    STEP_AREA,
    TIME,
    VOLTAGE,
    curve_table,
)

Array = np.ndarray
CHARGE, DISCHARGE, HOLD, REST = "charge", "discharge", "hold", "rest"
UA = 100.0  # uA.cm-2 over A.m-2, and the same of uA.h.cm-2


@dataclass(frozen=True)
class Segment:
    """A stretch of V(t): a step of a record or a capacity-voltage curve.

    The same of what was measured and of what is simulated (:mod:`tfbsim.comparison`).

    Parameters
    ----------
    kind : str
        "charge", "discharge", "hold" or "rest".
    cycle : int
        From 1.
    voltage : ndarray, shape (points,)
        [V].
    current : ndarray, shape (points,)
        [A.m-2], discharge positive.
    capacity : ndarray, shape (points,)
        Passed since its start [A.h.m-2], positive in the direction of its current.
    time : ndarray, shape (points,), or None
        Since its start [s]; None for capacity-voltage tables.
    temperature : float or None
        Mean [K], where the file has it.
    start : float
        When it began, since the start of the record [s].
    name : str
        What sets it apart within its file.
    """

    kind: str
    cycle: int
    voltage: Array
    current: Array
    capacity: Array
    time: Array | None = None
    temperature: float | None = None
    start: float = 0.0
    name: str = ""

    @property
    def flowing(self) -> bool:
        """Whether it is a charge or a discharge."""
        return self.kind in (CHARGE, DISCHARGE)

    @property
    def direction(self) -> int:
        """1 where it discharges, -1 where it charges, 0 in a rest."""
        known = {DISCHARGE: 1, CHARGE: -1, REST: 0}
        return known[self.kind] if self.kind in known else int(np.sign(self.mean_current))

    @property
    def mean_current(self) -> float:
        """Mean current [A.m-2], over time; without a time over the samples."""
        t, i = self.time, self.current
        if t is None or len(t) < 2 or t[-1] <= t[0]:
            return float(np.mean(i))
        return float(np.trapezoid(i, t) / (t[-1] - t[0]))

    @property
    def elapsed(self) -> Array:
        """Time since its start [s]; without a time, that of its charge."""
        if self.time is not None:
            return self.time
        with np.errstate(divide="ignore", invalid="ignore"):
            t = 3600 * self.capacity / np.abs(self.current)
        return np.nan_to_num(t, nan=np.inf, posinf=np.inf)

    @property
    def end(self) -> float:
        """When it ended, since the start of the record [s]."""
        return self.start + (0.0 if self.time is None else float(self.time[-1]))

    @property
    def digest(self) -> str:
        """Hash of its charges and voltages."""
        both = np.round(np.array([self.capacity, self.voltage]), 9)
        return hashlib.sha256(both.tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Spectrum:
    """A measured impedance spectrum.

    Parameters
    ----------
    frequency : ndarray, shape (points,)
        [Hz], falling.
    impedance : ndarray of complex, shape (points,)
        [Ohm.m2], capacitive below 0.
    voltage, temperature : float or None
        At which it was measured [V], [K], where that is stated.
    """

    frequency: Array
    impedance: Array
    name: str = ""
    voltage: float | None = None
    temperature: float | None = None


@dataclass(frozen=True)
class Measured:
    """A measured file as read.

    Parameters
    ----------
    name, path : str, Path
        Of the file.
    segments : tuple of Segment
        In the order of the file.
    notes : tuple of str
        What was converted, guessed and mended, in sentences.
    spectra : tuple of Spectrum
        Impedance, if the file holds any.
    doubts : tuple of str
        The notes that matter to the result: data left out, a charge of two values.
    """

    name: str
    path: Path
    segments: tuple[Segment, ...]
    notes: tuple[str, ...] = ()
    spectra: tuple[Spectrum, ...] = ()
    doubts: tuple[str, ...] = ()

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The table of :mod:`tfbsim.data.curve_table`: V(t), a row a sample.

        Steps are counted in each cycle; a time that the file does not have is NaN.
        """
        if not self.segments:
            return pd.DataFrame()
        number: Counter[int] = Counter()
        steps = []
        for s in self.segments:
            number[s.cycle] += 1
            none = np.full(len(s.voltage), np.nan)
            steps.append(
                {
                    CYCLE: np.full(len(s.voltage), s.cycle),
                    STEP: np.full(len(s.voltage), number[s.cycle]),
                    TIME: none if s.time is None else s.start + s.time,
                    VOLTAGE: s.voltage,
                    CURRENT: s.current * UA,
                    STEP_AREA: s.capacity * UA,
                }
            )
        table = {name: np.concatenate([of[name] for of in steps]) for name in steps[0]}
        return curve_table(self.name, table, [s.direction for s in self.segments])

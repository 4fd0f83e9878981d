"""What was measured: records of a cycler, curves and spectra, as numbers in SI.

``read`` takes a file to a :class:`Measured`: steps per area, discharge current positive,
with every conversion, guess and mend told in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

Array = np.ndarray
CHARGE, DISCHARGE, HOLD, REST = "charge", "discharge", "hold", "rest"


@dataclass(frozen=True)
class Segment:
    """One step of a measured record, or one capacity-voltage curve.

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
    name: str = ""


@dataclass(frozen=True)
class Spectrum:
    """A measured impedance spectrum.

    Parameters
    ----------
    frequency : ndarray, shape (points,)
        [Hz], falling.
    impedance : ndarray of complex, shape (points,)
        [Ohm.m2], capacitive below 0.
    """

    frequency: Array
    impedance: Array
    name: str = ""


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
        Impedance, if that is what the file holds.
    """

    name: str
    path: Path
    segments: tuple[Segment, ...]
    notes: tuple[str, ...] = ()
    spectra: tuple[Spectrum, ...] = ()

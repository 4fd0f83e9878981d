"""Measured spectra beside the steps of an experiment that measure the impedance.

A spectrum goes to the step, of any case, that holds the voltage and has the temperature
it was measured at; as far as neither is stated, the first of a file to the first such
step, the second to the second.  The step is simulated at the measured frequencies.  Of a
cell in place of an experiment, at rest at the stated voltage, else as made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .. import units
from ..data.measured import Array, Measured, Spectrum
from ..errors import InputError
from ..experiment.cases import Case, Cases, Expanded
from ..experiment.steps import Step
from .matching import SAME_VOLTAGE, Place

NONE = math.inf
SAME_TEMPERATURE = 10.0  # K, that a step and what was measured at it may differ by
MOST_CASES = 1000  # that are looked through for a step
COLUMNS = (
    *("File", "Spectrum", "Case", "Voltage [V]", "Frequency [Hz]"),
    *("Measured Z real [Ohm.cm2]", "Measured Z imaginary [Ohm.cm2]"),
    *("Simulated Z real [Ohm.cm2]", "Simulated Z imaginary [Ohm.cm2]"),
    "Difference [%]",
)


@dataclass(frozen=True)
class SpectrumPair:
    """A measured spectrum and the simulated one beside it.

    Parameters
    ----------
    place : Place
        Where it belongs.
    voltage : float
        Of the simulated cell [V].
    Z : ndarray of complex, shape (frequencies,)
        Simulated, at the measured frequencies [Ohm.m2].
    """

    place: Place[Spectrum]
    voltage: float
    Z: Array

    @property
    def difference(self) -> Array:
        """|Z_simulated - Z_measured|/|Z_measured| at each frequency."""
        measured = self.place.measured.impedance
        return np.asarray(np.abs(self.Z - measured) / np.abs(measured))

    @property
    def table(self) -> pd.DataFrame:
        """Return ``COLUMNS``, a row for each frequency."""
        place, measured = self.place, self.place.measured.impedance * 1e4
        Z = self.Z * 1e4
        known = (place.file, place.measured.name, place.case, self.voltage)
        values = (place.measured.frequency, measured.real, measured.imag)
        both = (*known, *values, Z.real, Z.imag, 100 * self.difference)
        return pd.DataFrame(dict(zip(COLUMNS, both, strict=True)))

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


def placed_spectra(
    files: Sequence[Measured], expanded: Expanded, at_rest: bool
) -> tuple[Expanded, list[Place[Spectrum]], list[tuple[str, str, str]]]:
    """Return where the spectra of files belong.

    Parameters
    ----------
    files : sequence of Measured
        As read.
    expanded : Expanded
        The experiment.
    at_rest : bool
        Whether the protocol is the data's own current: then each spectrum is one of the
        cell at rest.

    Returns
    -------
    Expanded
        Its steps at the measured frequencies; at rest, with the spectra as further cases.
    list of Place
        In the order of the files.
    list of tuple of str
        File, spectrum and why it belongs nowhere.
    """
    every = [(file.name, z) for file in files for z in file.spectra]
    if at_rest:
        return _at_rest(every, expanded)
    places: list[Place[Spectrum]] = []
    unmatched: list[tuple[str, str, str]] = []
    every_step = [
        (case, k)
        for case in expanded.cases[:MOST_CASES]
        for k, step in enumerate(case.protocol.steps)
        if step.frequencies
    ]
    for file in files:
        steps = list(every_step)
        for spectrum in file.spectra:
            ranks = [_rank(*at, spectrum) for at in steps]
            if min(ranks, default=NONE) >= NONE:
                why = "the experiment has no further step 'EIS'" + _state_of(spectrum)
                if not every_step:
                    why = "the experiment's cycles have no step 'EIS'"
                unmatched.append((file.name, spectrum.name, why))
                continue
            case, k = steps.pop(ranks.index(min(ranks)))
            places.append(Place(file.name, spectrum, case.name, (k,)))
    cases = [_at_measured(case, places) for case in expanded.cases] if places else []
    return (
        replace(expanded, cases=Cases(cases)) if cases else expanded,
        places,
        unmatched,
    )


def _at_measured(case: Case, places: Sequence[Place[Spectrum]]) -> Case:
    """Return a case whose steps with a measured spectrum have its frequencies."""
    steps = list(case.protocol.steps)
    for k in {place.steps[0] for place in places if place.case == case.name}:
        mine = (p for p in places if (p.case, p.steps) == (case.name, (k,)))
        every = np.unique(np.concatenate([p.measured.frequency for p in mine]))
        steps[k] = replace(steps[k], frequencies=tuple(map(float, every[::-1])))
    return replace(case, protocol=replace(case.protocol, steps=tuple(steps)))


def _rank(case: Case, at: int, spectrum: Spectrum) -> float:
    """Return how far a step is from the state of a spectrum; ``NONE`` if too far."""
    step, V, T = case.protocol.steps[at], spectrum.voltage, spectrum.temperature
    own = case.cell.temperature if step.temperature is None else step.temperature
    rank = 0.0 if T is None else round(abs(T - own)) / SAME_TEMPERATURE
    if V is not None and step.control != "voltage":
        return rank + 1 if rank <= 1 else NONE
    off = 0.0 if V is None else abs(step.value - V)
    return rank if rank <= 1 and off <= SAME_VOLTAGE else NONE


def _state_of(spectrum: Spectrum) -> str:
    """Return the voltage and temperature a spectrum states, in words."""
    said = ((spectrum.voltage, "voltage"), (spectrum.temperature, "temperature"))
    words = [units.text(value, name) for value, name in said if value is not None]
    return f" at {' and '.join(words)}" if words else ""


def _at_rest(
    every: Sequence[tuple[str, Spectrum]], expanded: Expanded
) -> tuple[Expanded, list[Place[Spectrum]], list[tuple[str, str, str]]]:
    base, places, unmatched = expanded.cases[0], [], []
    cases = list(expanded.cases)
    for file, spectrum in every:
        frequency = tuple(map(float, spectrum.frequency))
        step = Step("EIS at rest", "current", 0.0, 0.0, True, frequencies=frequency)
        state = {
            "cathode.initial_voltage": spectrum.voltage,
            "temperature": spectrum.temperature,
        }
        try:
            cell = base.cell.replace({k: v for k, v in state.items() if v is not None})
        except InputError as error:
            unmatched.append((file, spectrum.name, error.message))
            continue
        place = Place(file, spectrum, f"{file}, {spectrum.name}", (0,))
        protocol = replace(base.protocol, steps=(step,), cycles=1, conditioning=())
        cases.append(replace(base, name=place.case, cell=cell, protocol=protocol))
        places.append(place)
    return replace(expanded, cases=Cases(cases)), places, unmatched


def at_frequencies(measured: Spectrum, simulated: Any) -> Array:
    """Return what is simulated at the measured frequencies, which are among its own."""
    f, Z = simulated.frequency, simulated.Z
    order = np.argsort(f)
    at = order[np.searchsorted(f[order], measured.frequency)]
    return np.asarray(Z[at])

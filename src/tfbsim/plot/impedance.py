"""Impedance: Nyquist, with equal axes and -Im up, and Bode."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..result.result import Result
from .style import captioned, new_figure, plain_log, styled, text
from .theme import FACTOR_COLOURS, FEW, evenly

Spectra = Mapping[str, tuple[np.ndarray, np.ndarray]]  # label: Hz, Z [Ohm.cm2]
NEAR = 0.06  # of a decade, that a marked frequency may be off a whole one


def figures_of(spectra: Spectra) -> dict[str, Figure]:
    """Return the figures of spectra, by name.

    Parameters
    ----------
    spectra : dict
        Label to frequencies [Hz] and complex impedances [Ohm.cm2].
    """
    with styled():
        drawn = {"nyquist": nyquist(spectra), "bode": bode(spectra)}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def of_result(result: Result) -> Spectra:
    """Return the spectra of a result, labelled by what sets them apart."""
    table = result.impedance
    if table.empty:
        return {}
    names = ["Case", "Cycle number", "Step number"]
    apart = [name for name in names if table[name].nunique() > 1]
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for key, one in table.groupby(names, sort=False):
        words = {"Case": "{}", "Cycle number": "cycle {}", "Step number": "step {}"}
        label = ", ".join(
            words[name].format(value)
            for name, value in zip(names, key, strict=True)
            if name in apart
        )
        Z = one["Z real [Ohm.cm2]"] + 1j * one["Z imaginary [Ohm.cm2]"]
        found[label] = one["Frequency [Hz]"].to_numpy(), Z.to_numpy()
    return {label: found[label] for label in evenly(list(found), FEW)}


def nyquist(spectra: Spectra) -> Figure | None:
    """Draw -Im Z against Re Z, the decades marked."""
    if not spectra:
        return None
    every = np.concatenate([Z for _, Z in spectra.values()])
    width, height = np.ptp(every.real), np.ptp(every.imag)
    ratio = height / width if width else 1.0
    figure = new_figure(5.2, float(np.clip(1.0 + 4.4 * ratio, 2.2, 4.8)))
    ax = figure.subplots()
    for k, (label, (frequency, Z)) in enumerate(spectra.items()):
        colour = FACTOR_COLOURS[k % len(FACTOR_COLOURS)]
        ax.plot(Z.real, -Z.imag, color=colour, lw=1.1, label=text(label))
        marked = _nearest_decades(frequency)
        ax.plot(Z[marked].real, -Z[marked].imag, "o", color=colour, ms=3.2)
        if k == 0:
            _decades(ax, frequency[marked], Z[marked], 0.08 * max(width, height))
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel="Re Z (Ω cm²)", ylabel="−Im Z (Ω cm²)")
    if len(spectra) > 1:
        figure.legend(loc="outside upper center", ncols=min(3, len(spectra)))
    return captioned(
        figure,
        "Impedance in the complex plane (Nyquist). Both axes have one scale; the points "
        "are the frequencies nearest to whole decades.",
    )


def _nearest_decades(frequency: np.ndarray) -> np.ndarray:
    """Return the places of the frequencies nearest to whole decades, each once."""
    decade = np.log10(frequency)
    whole = np.arange(np.ceil(decade.min() - NEAR), np.floor(decade.max() + NEAR) + 1)
    nearest = np.abs(decade[:, None] - whole).argmin(axis=0)
    return nearest[np.abs(decade[nearest] - whole) < NEAR]


def _decades(ax: Axes, frequency: np.ndarray, Z: np.ndarray, apart: float) -> None:
    """Name the decades that lie apart from those named already."""
    last = None
    for f, z in zip(frequency, Z, strict=True):
        if last is None or abs(z - last) > apart:
            ax.annotate(
                _hertz(f),
                (z.real, -z.imag),
                xytext=(3, 4),
                textcoords="offset points",
                fontsize=7,
                color="0.35",
            )
            last = z


def _hertz(frequency: float) -> str:
    for unit, size in (("MHz", 1e6), ("kHz", 1e3), ("Hz", 1.0), ("mHz", 1e-3)):
        if frequency >= 0.99 * size:
            return f"{float(f'{frequency / size:.2g}'):g} {unit}"
    return f"{frequency * 1e6:.3g} µHz"


def bode(spectra: Spectra) -> Figure | None:
    """Draw magnitude and phase against frequency."""
    if not spectra:
        return None
    figure = new_figure(5.2, 4.0)
    above, below = figure.subplots(2, 1, sharex=True)
    for k, (label, (frequency, Z)) in enumerate(spectra.items()):
        how = {"color": FACTOR_COLOURS[k % len(FACTOR_COLOURS)], "lw": 1.1}
        above.plot(frequency, np.abs(Z), label=text(label), **how)
        below.plot(frequency, -np.degrees(np.angle(Z)), **how)
    above.set(xscale="log", yscale="log", ylabel="|Z| (Ω cm²)")
    plain_log(above.yaxis)
    below.set(xlabel="Frequency (Hz)", ylabel="−Phase (°)")
    if len(spectra) > 1:
        figure.legend(loc="outside upper center", ncols=min(3, len(spectra)))
    figure.align_ylabels()
    return captioned(figure, "Magnitude and phase of the impedance (Bode).")

"""Impedance: Nyquist, with equal axes and -Im up, and Bode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..fitting.equivalent_circuit import Fitted
from ..result.result import Result
from .style import captioned, new_figure, plain_log, styled, text
from .theme import FACTOR_COLOURS, FEW, evenly

Spectra = Mapping[str, tuple[np.ndarray, np.ndarray]]  # label: Hz, Z [Ohm.cm2]
POINTS: dict[str, Any] = {"ls": "", "marker": "o", "ms": 3, "mfc": "none"}
FIT: dict[str, Any] = {"color": "black", "lw": 0.8, "ls": (0, (4, 2))}
NEAR = 0.06  # of a decade, that a marked frequency may be off a whole one


def figures_of(
    spectra: Spectra, fitted: Fitted | None = None, measured: Sequence[str] = ()
) -> dict[str, Figure]:
    """Return the figures of spectra, by name.

    Parameters
    ----------
    spectra : dict
        Label to frequencies [Hz] and complex impedances [Ohm.cm2].
    fitted : Fitted, optional
        Circuits, which are drawn through them, and relaxation times.
    measured : sequence of str
        Labels of the spectra that are drawn as points.
    """
    lines = {k: c.Z for k, c in fitted.circuits.items()} if fitted else {}
    times = fitted.relaxation if fitted else {}
    with styled():
        drawn = {
            "nyquist": nyquist(spectra, lines, measured),
            "bode": bode(spectra, lines, measured),
            "relaxation-times": relaxation(times),
        }
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


def nyquist(
    spectra: Spectra,
    fitted: Mapping[str, np.ndarray] | None = None,
    measured: Sequence[str] = (),
    words: str = "fitted circuit",
) -> Figure | None:
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
        points = label in measured
        how = POINTS if points else {"lw": 1.1}
        ax.plot(Z.real, -Z.imag, color=colour, label=text(label), **how)
        marked = _nearest_decades(frequency)
        face = {"ms": 4.5, "mec": "black"} if points else {"ms": 3.2}
        ax.plot(Z[marked].real, -Z[marked].imag, "o", color=colour, **face)
        if fitted and label in fitted:
            line = fitted[label]
            ax.plot(line.real, -line.imag, **FIT)
        if k == 0:
            ahead = np.gradient(Z) if len(Z) > 1 else Z
            rises = ahead.real * ahead.imag < 0
            at = frequency[marked], Z[marked], rises[marked]
            _decades(ax, *at, 0.08 * max(width, height))
    ax.margins(0.16, 0.1)  # room for the names of the decades
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel="Re Z (Ω cm²)", ylabel="−Im Z (Ω cm²)")
    _key(figure, len(spectra), fitted, words)
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


def _decades(
    ax: Axes, frequency: np.ndarray, Z: np.ndarray, rises: np.ndarray, apart: float
) -> None:
    """Name the decades that lie apart from those named already, left of a rising line."""
    last = None
    for f, z, left in zip(frequency, Z, rises, strict=True):
        if last is None or abs(z - last) > apart:
            ax.annotate(
                _hertz(f),
                (z.real, -z.imag),
                xytext=(-4 if left else 4, 3),
                ha="right" if left else "left",
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


def _key(
    figure: Figure,
    number: int,
    fitted: Mapping[str, np.ndarray] | None,
    words: str = "fitted circuit",
) -> None:
    """Add the key outside, where there is more than one line."""
    if fitted:
        figure.axes[0].plot([], [], label=words, **FIT)
    if number > 1 or fitted:
        columns = min(3, number + bool(fitted))
        figure.legend(loc="outside upper center", ncols=columns)


def bode(
    spectra: Spectra,
    fitted: Mapping[str, np.ndarray] | None = None,
    measured: Sequence[str] = (),
) -> Figure | None:
    """Draw magnitude and phase against frequency."""
    if not spectra:
        return None
    figure = new_figure(5.2, 4.0)
    above, below = figure.subplots(2, 1, sharex=True)
    for k, (label, (frequency, Z)) in enumerate(spectra.items()):
        colour = FACTOR_COLOURS[k % len(FACTOR_COLOURS)]
        how = {"color": colour} | (POINTS if label in measured else {"lw": 1.1})
        above.plot(frequency, np.abs(Z), label=text(label), **how)
        below.plot(frequency, -np.degrees(np.angle(Z)), **how)
        if fitted and label in fitted:
            above.plot(frequency, np.abs(fitted[label]), **FIT)
            below.plot(frequency, -np.degrees(np.angle(fitted[label])), **FIT)
    above.set(xscale="log", yscale="log", ylabel="|Z| (Ω cm²)")
    plain_log(above.yaxis)
    below.set(xlabel="Frequency (Hz)", ylabel="−Phase (°)")
    _key(figure, len(spectra), fitted)
    figure.align_ylabels()
    return captioned(figure, "Magnitude and phase of the impedance (Bode).")


def relaxation(times: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure | None:
    """Draw distributions of relaxation times."""
    if not times:
        return None
    figure = new_figure(5.2, 3.0)
    ax = figure.subplots()
    for k, (label, (tau, gamma)) in enumerate(times.items()):
        colour = FACTOR_COLOURS[k % len(FACTOR_COLOURS)]
        ax.plot(tau, gamma, color=colour, lw=1.1, label=text(label))
    ax.set(xscale="log", xlabel="Time constant (s)", ylabel="γ (Ω cm²)")
    ax.set_ylim(bottom=0)
    _key(figure, len(times), None)
    return captioned(
        figure,
        "Distribution of relaxation times: γ d(ln τ) is the resistance of processes with "
        "time constants around τ (Tikhonov regularisation of the real part).",
    )

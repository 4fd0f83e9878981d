"""Impedance: Nyquist, with equal axes and -Im up, and Bode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..data.measured import Measured
from ..fitting.equivalent_circuit import Fitted
from ..result.result import Result
from .axes import plain_log, plane, subplots
from .drawing import drawn
from .labels import text
from .layout import evenly
from .looks import DASHED, FACTOR_COLOURS, FEW, Look
from .style import finished

Spectrum: TypeAlias = tuple[np.ndarray, np.ndarray]  # Hz, Z [Ohm.cm2]
Spectra: TypeAlias = Mapping[str, Spectrum]  # by label
POINTS: Look = {"ls": "", "marker": "o", "ms": 3, "mfc": "none"}
FIT: Look = {"color": "black", "lw": 0.8, "ls": DASHED}
NEAR = 0.06  # of a decade, that a marked frequency may be off a whole one


def figures_of(
    spectra: Spectra, fitted: Fitted | None = None, measured: Sequence[str] = ()
) -> dict[str, Figure]:
    """Return the figures of spectra, by name, with fitted circuits and relaxation times.

    Spectra whose labels are in ``measured`` are drawn as points.
    """
    lines = {k: c.Z for k, c in fitted.circuits.items()} if fitted else {}
    times = fitted.relaxation if fitted else {}
    return drawn(
        {
            "nyquist": partial(nyquist, spectra, lines, measured),
            "bode": partial(bode, spectra, lines, measured),
            "relaxation-times": partial(relaxation, times),
        }
    )


def spectra_of(result: Result | Measured) -> Spectra:
    """Return the spectra of a result or a file, labelled by what sets them apart."""
    if isinstance(result, Measured):
        some = evenly(result.spectra, FEW)
        return {z.name: (z.frequency, z.impedance * 1e4) for z in some}
    table = result.impedance
    if table.empty:
        return {}
    words = {"Case": "{}", "Cycle number": "cycle {}", "Step number": "step {}"}
    apart = [name for name in words if table[name].nunique() > 1]
    found: dict[str, Spectrum] = {}
    for _, one in table.groupby(list(words), sort=False):
        label = ", ".join(words[name].format(one[name].iloc[0]) for name in apart)
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
    figure, ax = plane(5.2, float(np.clip(1.0 + 4.4 * ratio, 2.2, 4.8)))
    for label, (frequency, Z), colour in _coloured(spectra):
        points = label in measured
        ax.plot(Z.real, -Z.imag, color=colour, label=text(label), **_look(points))
        marked = _nearest_decades(frequency)
        dots: Look = {"ms": 4.5, "mec": "black"} if points else {"ms": 3.2}
        ax.plot(Z[marked].real, -Z[marked].imag, "o", color=colour, **dots)
        if fitted and label in fitted:
            ax.plot(fitted[label].real, -fitted[label].imag, **FIT)
        if label == next(iter(spectra)):
            ahead = np.gradient(Z) if len(Z) > 1 else Z
            rises = (ahead.real * ahead.imag < 0)[marked]
            _decades(ax, frequency[marked], Z[marked], rises, 0.08 * max(width, height))
    ax.margins(0.16, 0.1)  # room for the names of the decades
    ax.set_aspect("equal", adjustable="datalim")
    ax.set(xlabel="Re Z (Ω cm²)", ylabel="−Im Z (Ω cm²)")
    return _with_key(figure, "nyquist", len(spectra), words if fitted else "")


def _look(measured: bool) -> Look:
    return POINTS if measured else {"lw": 1.1}


def _coloured(spectra: Spectra) -> Iterator[tuple[str, Spectrum, str]]:
    return zip(spectra, spectra.values(), cycle(FACTOR_COLOURS))


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
    last = np.inf
    for f, z, left in zip(frequency, Z, rises, strict=True):
        if abs(z - last) > apart:
            side, gap = ("right", -4) if left else ("left", 4)
            at = (z.real, -z.imag), (gap, 3)
            words = ax.annotate(_hertz(f), *at, textcoords="offset points")
            words.set(ha=side, fontsize=7, color="0.35")
            last = z


def _hertz(frequency: float) -> str:
    for unit, size in (("MHz", 1e6), ("kHz", 1e3), ("Hz", 1.0), ("mHz", 1e-3)):
        if frequency >= 0.99 * size:
            return f"{float(f'{frequency / size:.2g}'):g} {unit}"
    return f"{frequency * 1e6:.3g} µHz"


def _with_key(figure: Figure, name: str, number: int, fitted: str = "") -> Figure:
    """Return a figure with its key, where there is more than one line, and caption."""
    if fitted:
        figure.axes[0].plot([], [], label=fitted, **FIT)
    lines = number + bool(fitted)
    key = figure.axes[0].get_legend_handles_labels()[0] if lines > 1 else []
    return finished(figure, name, key, "outside upper center", ncols=min(3, lines))


def bode(
    spectra: Spectra,
    fitted: Mapping[str, np.ndarray] | None = None,
    measured: Sequence[str] = (),
) -> Figure | None:
    """Draw magnitude and phase against frequency."""
    if not spectra:
        return None
    figure, axes = subplots(5.2, 4.0, 2, 1, sharex=True)
    above, below = axes[:, 0]

    def draw(frequency: np.ndarray, Z: np.ndarray, look: Look, label: str = "") -> None:
        above.plot(frequency, np.abs(Z), label=label, **look)
        below.plot(frequency, -np.degrees(np.angle(Z)), **look)

    for label, (frequency, Z), colour in _coloured(spectra):
        draw(frequency, Z, {"color": colour, **_look(label in measured)}, text(label))
        if fitted and label in fitted:
            draw(frequency, fitted[label], FIT)
    above.set(xscale="log", yscale="log", ylabel="|Z| (Ω cm²)")
    plain_log(above.yaxis)
    below.set(xlabel="Frequency (Hz)", ylabel="−Phase (°)")
    figure.align_ylabels()
    return _with_key(figure, "bode", len(spectra), "fitted circuit" if fitted else "")


def relaxation(times: Spectra) -> Figure | None:
    """Draw distributions of relaxation times."""
    if not times:
        return None
    figure, ax = plane(5.2, 3.0)
    for label, (tau, gamma), colour in _coloured(times):
        ax.plot(tau, gamma, color=colour, lw=1.1, label=text(label))
    ax.set(xscale="log", xlabel="Time constant (s)", ylabel="γ (Ω cm²)")
    ax.set_ylim(bottom=0)
    return _with_key(figure, "relaxation-times", len(times))

"""Figures of a comparison: measured points, simulated lines, and what is between them.

Measured points are black; where an axes has several curves, a shape tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ..comparison.comparison import Comparison
from ..comparison.pairs import Pair
from ..data.measured import CHARGE, DISCHARGE, Segment
from .against import LINE
from .dqdv import GRID, WIDTH, spread
from .impedance import nyquist
from .style import (
    PER_AREA,
    entry,
    key_label,
    log_x,
    near_zero,
    new_figure,
    styled,
    text,
    viridis,
)
from .theme import FACTOR_COLOURS, measured

UA = 100.0
ENOUGH = 40  # points of a curve below which dQ/dV would show their spacing
MOST = 16  # curves in one panel
MOST_FILES = 4  # in the figure against time
MOST_MARKS = 200  # drawn of a curve
MARKERS = ("o", "s", "^", "D", "v")
CAPTIONS = {
    "overlay": "Voltage against capacity, counted from the start of each step: measured "
    "(points) and simulated (lines); below, simulated less measured at equal charge.",
    "overlay-time": "Voltage against time: measured (points) and simulated (lines), each "
    "step from the moment it began in the record; below, simulated less measured.",
    "dqdv": "Differential capacity of the constant-current steps, measured (points) and "
    "simulated (lines). Both are smoothed alike, with a Gaussian of standard deviation "
    f"{WIDTH * 1e3:g} mV; peaks narrower than that are not resolved. Curves of fewer "
    f"than {ENOUGH} points are left out. Charge is counted positive.",
    "rates": "Capacity against rate: measured (points) and simulated (line), where the "
    "measured curve ends.",
    "nyquist": "Impedance in the complex plane (Nyquist), per area: measured (points), "
    "filled where the frequency is nearest to a whole decade, and simulated at the "
    "measured frequencies (dashed), where the experiment has such a step.",
}


def figures(comparison: Comparison) -> dict[str, Figure]:
    """Return the figures that make sense for a comparison, by name."""
    with styled():
        drawn = {
            "overlay": _overlay(comparison.pairs),
            "rates": _rates(comparison),
            "overlay-time": _overlay_time(comparison),
            "dqdv": _dqdv(comparison.pairs),
            "nyquist": _nyquist(comparison),
        }
    return {name: figure for name, figure in drawn.items() if figure is not None}


# --- Which curves, in which colour -------------------------------------------------


def _chosen(pairs: Sequence[Pair]) -> list[Pair]:
    """Return charges and discharges with a good part of the charge, evenly chosen."""
    curves = [p for p in pairs if p.measured.kind in (CHARGE, DISCHARGE)]
    most = max((float(p.measured.capacity[-1]) for p in curves), default=0.0)
    curves = [p for p in curves if p.measured.capacity[-1] >= 0.1 * most]
    if len(curves) > MOST:
        curves = [curves[k] for k in np.linspace(0, len(curves) - 1, MOST).astype(int)]
    return curves


Look = tuple[Any, str]  # colour of the simulated line, marker of the measured points
Entry = tuple[Any, str, str]  # and what they are of


def _looks(pairs: Sequence[Pair]) -> tuple[list[Look], list[Entry]]:
    """Return how each curve looks, by rate or else by file and cycle, and the key."""
    rates = [float(f"{p.c_rate:.2g}") if p.c_rate == p.c_rate else 0.0 for p in pairs]
    files = [p.file for p in pairs]
    steps = [f"{f}, cycle {p.measured.cycle}" for f, p in zip(files, pairs, strict=True)]
    by_rate = len(set(rates)) > 1 and len(set(rates)) * 2 >= len(set(steps))
    keys: Sequence[Any] = rates if by_rate else steps
    if not by_rate and len(set(steps)) > len(FACTOR_COLOURS):
        keys = files
    order = sorted(set(keys)) if by_rate else list(dict.fromkeys(keys))
    if by_rate and len(order) > 4 and order[0] > 0:
        norm, cmap = LogNorm(order[0], order[-1]), viridis()
        palette = {key: cmap(norm(key)) for key in order}
    else:
        palette = {
            key: FACTOR_COLOURS[k % len(FACTOR_COLOURS)] for k, key in enumerate(order)
        }
    label = {
        key: key_label(["C-rate"], [key]) if by_rate else text(key, 44) for key in order
    }
    if by_rate and 0.0 in label:
        label[0.0] = "rate not stated"
    look = {key: (palette[key], MARKERS[k % len(MARKERS)]) for k, key in enumerate(order)}
    return [look[k] for k in keys], [(*look[k], label[k]) for k in order]


def _key(ax: Axes, entries: Sequence[Entry]) -> None:
    handles = [
        entry(
            words,
            **(measured(marker=marker) | {"color": colour, "ls": "-"}),
        )
        for colour, marker, words in entries
    ]
    marker = entries[0][1] if len(entries) == 1 else "o"
    handles.append(entry("measured", **measured(marker=marker)))
    handles.append(entry("simulated", color="0.3"))
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _thinned(number: int) -> Any:
    return np.unique(np.linspace(0, number - 1, min(number, MOST_MARKS)).astype(int))


# --- Figures -----------------------------------------------------------------------


def _overlay(pairs: Sequence[Pair]) -> Figure | None:
    drawn = _chosen(pairs)
    if not drawn:
        return None
    kinds = [k for k in (CHARGE, DISCHARGE) if any(p.measured.kind == k for p in drawn)]
    looks, entries = _looks(drawn)
    rows = 2 if any(len(p.measured.voltage) > 1 for p in drawn) else 1
    figure = new_figure(3.0 + 3.1 * len(kinds), 4.4 if rows > 1 else 3.4)
    how: dict[str, Any] = {"sharex": "col", "sharey": "row", "squeeze": False}
    axes = figure.subplots(rows, len(kinds), height_ratios=[2.4, 1][:rows], **how)
    for column, kind in enumerate(kinds):
        top, bottom = axes[0, column], axes[-1, column]
        if rows > 1:
            bottom.axhline(0, color="0.6", lw=0.6)
        for pair, (colour, marker) in zip(drawn, looks, strict=True):
            if pair.measured.kind != kind:
                continue
            m, s = pair.measured, pair.simulated
            some = _thinned(len(m.voltage))
            top.plot(
                m.capacity[some] * UA,
                m.voltage[some],
                **measured(marker=marker, number=len(some)),
            )
            top.plot(s.capacity * UA, s.voltage, color=colour, lw=1.0)
            if rows == 1:
                continue
            q, residual = m.capacity[pair.common] * UA, 1e3 * pair.residual
            few = {"marker": "o", "ms": 3} if len(q) <= 60 else {}
            bottom.plot(q, residual, color=colour, lw=0.9, **few)
        top.set_title(kind.capitalize())
        bottom.set_xlabel(f"Capacity {PER_AREA}")
        bottom.set_xlim(left=0)
    axes[0, 0].set_ylabel("Voltage (V)")
    if rows > 1:
        near_zero(axes[1, 0], [1e3 * p.residual for p in drawn])
        axes[1, 0].set_ylabel("Residual (mV)")
    _key(axes[0, -1], entries)
    return figure


def _overlay_time(comparison: Comparison) -> Figure | None:
    timed = {
        name: [p for p in comparison.pairs if p.file == name]
        for name in dict.fromkeys(p.file for p in comparison.pairs)
    }
    timed = {
        name: pairs
        for name, pairs in timed.items()
        if all(p.measured.time is not None for p in pairs)
    }
    names = list(timed)[:MOST_FILES]
    if not names:
        return None
    figure = new_figure(7.2, 0.4 + 2.9 * len(names))
    axes = figure.subplots(
        2 * len(names), 1, squeeze=False, height_ratios=[2, 1] * len(names)
    )[:, 0]
    for k, name in enumerate(names):
        top, bottom = axes[2 * k], axes[2 * k + 1]
        bottom.axhline(0, color="0.6", lw=0.6)
        ends = [float(_clock(p.measured, p.measured)[-1]) for p in timed[name]]
        unit, size = ("h", 3600.0) if max(ends) > 7200 else ("min", 60.0)
        residuals = []
        for pair in timed[name]:
            m, s = pair.measured, pair.simulated
            some = _thinned(len(m.voltage))
            at = _clock(m, m) / size
            top.plot(at[some], m.voltage[some], **measured(marker="o", number=999))
            top.plot(_clock(m, s) / size, s.voltage, color=FACTOR_COLOURS[0], lw=0.9)
            if m.kind != "hold":
                residuals.append(1e3 * pair.residual)
                bottom.plot(at[pair.common], residuals[-1], color="0.25", lw=0.8)
        near_zero(bottom, residuals)
        top.set(title=text(name, 60), ylabel="Voltage (V)")
        top.tick_params(labelbottom=False)
        bottom.set(xlabel=f"Time ({unit})", ylabel="Residual (mV)")
        bottom.sharex(top)
    handles = [
        entry("measured", **measured(marker="o", number=999)),
        entry("simulated", color=FACTOR_COLOURS[0]),
    ]
    axes[0].legend(handles=handles, loc="lower right", ncols=2)
    return figure


def _clock(measured: Segment, segment: Segment) -> Any:
    """Return the time since the start of the record [s], of either step."""
    assert segment.time is not None
    return measured.start + segment.time


def _dqdv(pairs: Sequence[Pair]) -> Figure | None:
    drawn = [
        p
        for p in _chosen(pairs)
        if len(p.measured.voltage) >= ENOUGH and np.ptp(p.measured.voltage) > 20 * WIDTH
    ]
    if not drawn:
        return None
    looks, entries = _looks(drawn)
    figure = new_figure(6.2, 3.4)
    ax = figure.subplots()
    ax.axhline(0, color="0.6", lw=0.6)
    for pair, (colour, marker) in zip(drawn, looks, strict=True):
        m, s = pair.measured, pair.simulated
        sign = 1.0 if m.kind == CHARGE else -1.0
        for curve, how in (
            (m, measured(marker=marker, number=999)),
            (s, {"lw": 1.0, "color": colour}),
        ):
            low, high = float(curve.voltage.min()), float(curve.voltage.max())
            grid = np.arange(low - 4 * WIDTH, high + 4 * WIDTH, GRID)
            slope = sign * UA * spread(curve.voltage, curve.capacity, grid)
            some = _thinned(len(grid)) if curve is m else slice(None)
            ax.plot(grid[some], slope[some], **how)
    ax.set(xlabel="Voltage (V)", ylabel="dQ/dV (µAh cm⁻² V⁻¹)")
    _key(ax, entries)
    return figure


def _rates(comparison: Comparison) -> Figure | None:
    steps = [p for p in comparison.pairs if p.measured.kind in (CHARGE, DISCHARGE)]
    steps = [p for p in steps if p.at_cut_off and p.c_rate == p.c_rate]
    figure, entries, every = new_figure(4.6, 3.3), [], []
    ax = figure.subplots()
    for k, kind in enumerate((DISCHARGE, CHARGE)):
        chosen = sorted((p for p in steps if p.measured.kind == kind), key=_by_rate)
        rates = [float(f"{p.c_rate:.3g}") for p in chosen]
        if len(set(rates)) < 2:
            continue
        points, line = np.array([p.capacities for p in chosen]).T * UA
        joined = "-" if len(set(rates)) >= LINE else ""
        how: dict[str, Any] = {"color": FACTOR_COLOURS[k], "marker": ".", "ls": joined}
        marks = measured(marker=MARKERS[k])
        ax.plot(rates, points, **marks)
        ax.plot(rates, line, **how)
        entries.append(entry(f"{kind}, simulated", **how))
        entries.append(entry(f"{kind}, measured", **marks))
        every += rates
    if not entries:
        return None
    log_x(ax, every, "C-rate")
    ax.set(xlabel="C-rate", ylabel=f"Capacity {PER_AREA}")
    ax.set_ylim(0, 1.05 * ax.dataLim.y1)
    ax.legend(handles=entries, loc="lower left")
    return figure


def _by_rate(pair: Pair) -> float:
    return pair.c_rate


def _nyquist(comparison: Comparison) -> Figure | None:
    measured = comparison.measured
    labels = [(f"{m.name}, {z.name}", z) for m in measured for z in m.spectra]
    if not labels:
        return None
    spectra = {name: (z.frequency, z.impedance * 1e4) for name, z in labels[:MOST]}
    simulated = {pair.place.label: pair.Z * 1e4 for pair in comparison.spectra}
    return nyquist(spectra, simulated, list(spectra), "simulated")

"""Figures of a comparison: measured points, simulated lines, and what is between them.

Measured points are black; where an axes has several curves, a shape tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..comparison.comparison import Comparison
from ..comparison.residuals import Pair
from ..data.measured import CHARGE, DISCHARGE
from . import style
from .against import LINE
from .dqdv import GRID, WIDTH, spread
from .impedance import nyquist
from .style import PER_AREA
from .theme import FACTOR_COLOURS, FEW, evenly, measured

UA = 100.0
ENOUGH = 40  # points of a curve below which dQ/dV would show their spacing
MOST = 16  # curves in one panel
MOST_FILES = 4  # in the figure against time
MOST_MARKS = 200  # drawn of a curve
MARKERS = ("o", "s", "^", "D", "v")
POINTS = measured(marker="o", number=999)
LINE_IN_TIME: dict[str, Any] = {"color": FACTOR_COLOURS[0], "lw": 0.9}
BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}


def figures(comparison: Comparison) -> dict[str, Figure]:
    """Return the figures that make sense for a comparison, by name."""
    draws = {
        "overlay": _overlay,
        "rates": _rates,
        "overlay-time": _overlay_time,
        "dqdv": _dqdv,
        "nyquist": _nyquist,
    }
    found = style.drawn({name: partial(draw, comparison) for name, draw in draws.items()})
    for name, figure in found.items():
        figure.set_label(
            style.CAPTIONS["comparison"][name].format(width=WIDTH * 1e3, fewest=ENOUGH)
        )
    return found


# --- Which curves, in which colour -------------------------------------------------


def _chosen(pairs: Sequence[Pair]) -> list[Pair]:
    """Return charges and discharges with a good part of the charge, evenly chosen."""
    curves = [p for p in pairs if p.measured.kind in (CHARGE, DISCHARGE)]
    most = max((float(p.measured.capacity[-1]) for p in curves), default=0.0)
    return evenly([p for p in curves if p.measured.capacity[-1] >= 0.1 * most], MOST)


def _looks(pairs: Sequence[Pair]) -> tuple[list[tuple[Any, str]], list[Line2D]]:
    """Return colour and marker of each curve, by rate or else by file and cycle, and the
    entries of the key."""
    rates = [float(f"{p.c_rate:.2g}") if p.c_rate == p.c_rate else 0.0 for p in pairs]
    steps = [f"{p.file}, cycle {p.measured.cycle}" for p in pairs]
    by_rate = len(set(rates)) > 1 and len(set(rates)) * 2 >= len(set(steps))
    keys: Sequence[Any] = rates if by_rate else steps
    if not by_rate and len(set(steps)) > FEW:
        keys = [p.file for p in pairs]
    order = sorted(set(keys)) if by_rate else list(dict.fromkeys(keys))
    colours: Any = cycle(FACTOR_COLOURS)
    if by_rate and len(order) > 4 and order[0] > 0:
        colours = style.shades("viridis")(LogNorm(order[0], order[-1])(order))
    looks, handles = {}, []
    for key, colour, marker in zip(order, colours, cycle(MARKERS)):
        looks[key] = colour, marker
        words = style.key_label(["C-rate"], [key]) if by_rate else style.text(key, 44)
        words = "rate not stated" if by_rate and key == 0 else words
        how = measured(marker=marker) | {"color": colour, "ls": "-"}
        handles.append(style.entry(words, **how))
    handles.append(style.entry("measured", **measured(marker=MARKERS[0])))
    handles.append(style.entry("simulated", color="0.3"))
    return [looks[key] for key in keys], handles


def _thinned(number: int) -> Any:
    return np.unique(np.linspace(0, number - 1, min(number, MOST_MARKS)).astype(int))


# --- Figures -----------------------------------------------------------------------


def _overlay(comparison: Comparison) -> Figure | None:
    pairs = _chosen(comparison.pairs)
    if not pairs:
        return None
    kinds = [k for k in (CHARGE, DISCHARGE) if any(p.measured.kind == k for p in pairs)]
    looks, handles = _looks(pairs)
    rows = 2 if any(len(p.measured.voltage) > 1 for p in pairs) else 1
    size = 3.0 + 3.1 * len(kinds), 4.4 if rows > 1 else 3.4
    how: dict[str, Any] = {"sharex": "col", "sharey": "row", "squeeze": False}
    how["height_ratios"] = [2.4, 1][:rows]
    figure, axes = style.subplots(*size, rows, len(kinds), **how)
    for kind, column in zip(kinds, axes.T, strict=True):
        column[0].set_title(kind.capitalize())
        column[-1].set(xlabel=f"Capacity {PER_AREA}")
        for bottom in column[1:]:
            bottom.axhline(0, color="0.6", lw=0.6)
    for pair, (colour, marker) in zip(pairs, looks, strict=True):
        top, *bottom = axes[:, kinds.index(pair.measured.kind)]
        m, s = pair.measured, pair.simulated
        some = _thinned(len(m.voltage))
        points = measured(marker=marker, number=len(some))
        top.plot(m.capacity[some] * UA, m.voltage[some], **points)
        top.plot(s.capacity * UA, s.voltage, color=colour, lw=1.0)
        for ax in bottom:
            q = m.capacity[pair.common] * UA
            few = {"marker": "o", "ms": 3} if len(q) <= 60 else {}
            ax.plot(q, 1e3 * pair.residual, color=colour, lw=0.9, **few)
    for ax in axes[-1]:
        ax.set_xlim(left=0)
    for ax, label in zip(axes[:, 0], ("Voltage (V)", "Residual (mV)"), strict=False):
        ax.set_ylabel(label)
    if rows > 1:
        style.near_zero(axes[1, 0], [1e3 * p.residual for p in pairs])
    axes[0, -1].legend(handles=handles, **BESIDE)
    return figure


def _overlay_time(comparison: Comparison) -> Figure | None:
    timed: dict[str, list[Pair]] = {}
    for pair in comparison.pairs:
        timed.setdefault(pair.file, []).append(pair)
    known = (n for n, ps in timed.items() if all(p.measured.time is not None for p in ps))
    names = list(known)[:MOST_FILES]
    if not names:
        return None
    n = len(names)
    how: dict[str, Any] = {"squeeze": False, "height_ratios": [2, 1] * n}
    figure, axes = style.subplots(7.2, 0.4 + 2.9 * n, 2 * n, **how)
    for name, (top, bottom) in zip(names, axes.reshape(-1, 2), strict=True):
        bottom.axhline(0, color="0.6", lw=0.6)
        measured_steps: Any = [p.measured for p in timed[name]]
        times = [m.start + m.time for m in measured_steps]
        longest = max(float(t[-1]) for t in times)
        unit, size = ("h", 3600.0) if longest > 7200 else ("min", 60.0)
        residuals = []
        for at, pair in zip((t / size for t in times), timed[name], strict=True):
            m, s = pair.measured, pair.simulated
            assert s.time is not None
            some = _thinned(len(m.voltage))
            top.plot(at[some], m.voltage[some], **POINTS)
            top.plot((m.start + s.time) / size, s.voltage, **LINE_IN_TIME)
            if m.kind != "hold":
                residuals.append(1e3 * pair.residual)
                bottom.plot(at[pair.common], residuals[-1], color="0.25", lw=0.8)
        style.near_zero(bottom, residuals)
        top.set(title=style.text(name, 60), ylabel="Voltage (V)")
        top.tick_params(labelbottom=False)
        bottom.set(xlabel=f"Time ({unit})", ylabel="Residual (mV)")
        bottom.sharex(top)
    looks = {"measured": POINTS, "simulated": LINE_IN_TIME}
    handles = [style.entry(words, **how) for words, how in looks.items()]
    axes[0, 0].legend(handles=handles, loc="lower right", ncols=2)
    return figure


def _dqdv(comparison: Comparison) -> Figure | None:
    curves = [(p, p.measured.voltage) for p in _chosen(comparison.pairs)]
    pairs = [p for p, V in curves if len(V) >= ENOUGH and np.ptp(V) > 20 * WIDTH]
    if not pairs:
        return None
    looks, handles = _looks(pairs)
    figure, ax = style.subplots(6.2, 3.4)
    ax.axhline(0, color="0.6", lw=0.6)
    for pair, (colour, marker) in zip(pairs, looks, strict=True):
        sign = 1.0 if pair.measured.kind == CHARGE else -1.0
        for curve, most, how in (
            (pair.measured, MOST_MARKS, measured(marker=marker, number=999)),
            (pair.simulated, None, {"lw": 1.0, "color": colour}),
        ):
            low, high = float(curve.voltage.min()), float(curve.voltage.max())
            grid = np.arange(low - 4 * WIDTH, high + 4 * WIDTH, GRID)
            slope = sign * UA * spread(curve.voltage, curve.capacity, grid)
            some = _thinned(len(grid)) if most else slice(None)
            ax.plot(grid[some], slope[some], **how)
    ax.set(xlabel="Voltage (V)", ylabel="dQ/dV (µAh cm⁻² V⁻¹)")
    ax.legend(handles=handles, **BESIDE)
    return figure


def _rates(comparison: Comparison) -> Figure | None:
    steps = [p for p in comparison.pairs if p.at_cut_off and p.c_rate == p.c_rate]
    steps.sort(key=lambda pair: pair.c_rate)
    figure, ax = style.subplots(4.6, 3.3)
    entries, every = [], []
    for k, kind in enumerate((DISCHARGE, CHARGE)):
        chosen = [p for p in steps if p.measured.kind == kind]
        rates = [float(f"{p.c_rate:.3g}") for p in chosen]
        if len(set(rates)) < 2:
            continue
        points, line = np.array([p.capacities for p in chosen]).T * UA
        joined = "-" if len(set(rates)) >= LINE else ""
        how: dict[str, Any] = {"color": FACTOR_COLOURS[k], "marker": ".", "ls": joined}
        marks = measured(marker=MARKERS[k])
        ax.plot(rates, points, **marks)
        ax.plot(rates, line, **how)
        entries.append(style.entry(f"{kind}, simulated", **how))
        entries.append(style.entry(f"{kind}, measured", **marks))
        every += rates
    if not entries:
        return None
    style.log_x(ax, every, "C-rate")
    ax.set(xlabel="C-rate", ylabel=f"Capacity {PER_AREA}", ylim=(0, 1.05 * ax.dataLim.y1))
    ax.legend(handles=entries, loc="lower left")
    return figure


def _nyquist(comparison: Comparison) -> Figure | None:
    labels = [(f"{m.name}, {z.name}", z) for m in comparison.measured for z in m.spectra]
    spectra = {name: (z.frequency, z.impedance * 1e4) for name, z in labels[:MOST]}
    simulated = {pair.place.label: pair.Z * 1e4 for pair in comparison.spectra}
    return nyquist(spectra, simulated, list(spectra), "simulated")

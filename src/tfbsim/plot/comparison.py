"""Figures of a comparison: measured points, simulated lines, and what is between them.

Measured points are black; where an axes has several curves, a shape tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..comparison.comparison import Comparison
from ..comparison.residuals import Pair
from ..data.measured import CHARGE, DISCHARGE
from .against import LINE
from .axes import log_x, near_zero, plane, subplots
from .dqdv import ENOUGH, GRID, WIDTH, spread
from .drawing import captioned
from .impedance import nyquist
from .labels import PER_AREA, key_label, text
from .layout import evenly
from .looks import FACTOR_COLOURS, FEW, Colour, Look, entry, measured, shades

UA = 100.0
MOST = 16  # curves in one panel
MOST_FILES = 4  # in the figure against time
MOST_MARKS = 200  # drawn of a curve
MARKERS = ("o", "s", "^", "D", "v")
POINTS = measured(marker="o", number=999)
LINE_IN_TIME: Look = {"color": FACTOR_COLOURS[0], "lw": 0.9}


def figures(comparison: Comparison) -> dict[str, Figure]:
    """Return the figures that make sense for a comparison, by name."""
    draws = _overlay, _rates, _overlay_time, _dqdv, _nyquist
    details = {"width": WIDTH * 1e3, "fewest": ENOUGH}
    return captioned("comparison", comparison, *draws, **details)


# --- Which curves, in which colour -------------------------------------------------


def _chosen(pairs: Sequence[Pair]) -> list[Pair]:
    """Return charges and discharges with a good part of the charge, evenly chosen."""
    curves = [p for p in pairs if p.measured.kind in (CHARGE, DISCHARGE)]
    most = max((float(p.measured.capacity[-1]) for p in curves), default=0.0)
    return evenly([p for p in curves if p.measured.capacity[-1] >= 0.1 * most], MOST)


def _looks(pairs: Sequence[Pair]) -> tuple[list[tuple[Colour, str]], list[Line2D]]:
    """Return colour and marker of each curve, by rate or else by file and cycle, and the
    entries of the key."""
    rates = [float(f"{p.c_rate:.2g}") if p.c_rate == p.c_rate else 0.0 for p in pairs]
    steps = [f"{p.file}, cycle {p.measured.cycle}" for p in pairs]
    by_rate = len(set(rates)) > 1 and len(set(rates)) * 2 >= len(set(steps))
    colours: Iterable[Colour] = cycle(FACTOR_COLOURS)
    if by_rate:
        order = sorted(set(rates))
        words = {rate: key_label(["C-rate"], [rate]) for rate in order}
        words |= {0.0: "rate not stated"} if 0.0 in words else {}
        keys, labels = [words[rate] for rate in rates], list(words.values())
        if len(order) > 4 and order[0] > 0:
            shade = shades("viridis")
            colours = map(shade, LogNorm(order[0], order[-1])(np.array(order)))
    else:
        keys = steps if len(set(steps)) <= FEW else [p.file for p in pairs]
        labels = list(dict.fromkeys(keys))
    looks: dict[str, tuple[Colour, str]] = {}
    handles = []
    for key, colour, marker in zip(labels, colours, cycle(MARKERS)):
        looks[key] = colour, marker
        look = measured(marker=marker) | {"color": colour, "ls": "-"}
        handles.append(entry(key if by_rate else text(key, 44), look))
    handles.append(entry("measured", measured(marker=MARKERS[0])))
    handles.append(entry("simulated", color="0.3"))
    return [looks[key] for key in keys], handles


def _thinned(number: int) -> np.ndarray:
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
    shape, ratios = (rows, len(kinds)), [2.4, 1][:rows]
    figure, axes = subplots(
        *size, *shape, sharex="col", sharey="row", height_ratios=ratios
    )
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
        near_zero(axes[1, 0], [1e3 * p.residual for p in pairs])
    axes[0, -1].legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _overlay_time(comparison: Comparison) -> Figure | None:
    timed: dict[str, list[tuple[Pair, np.ndarray, np.ndarray]]] = {}
    untimed = set()
    for pair in comparison.pairs:
        m, s = pair.measured, pair.simulated
        if m.time is None or s.time is None:
            untimed.add(pair.file)
        else:
            clocks = m.start + m.time, m.start + s.time
            timed.setdefault(pair.file, []).append((pair, *clocks))
    names = [name for name in timed if name not in untimed][:MOST_FILES]
    if not names:
        return None
    n = len(names)
    figure, axes = subplots(7.2, 0.4 + 2.9 * n, 2 * n, height_ratios=[2, 1] * n)
    for name, (top, bottom) in zip(names, axes.reshape(-1, 2), strict=True):
        bottom.axhline(0, color="0.6", lw=0.6)
        longest = max(float(t[-1]) for _, t, _ in timed[name])
        unit, size = ("h", 3600.0) if longest > 7200 else ("min", 60.0)
        residuals = []
        for pair, t, t_simulated in timed[name]:
            m, some = pair.measured, _thinned(len(t))
            top.plot(t[some] / size, m.voltage[some], **POINTS)
            top.plot(t_simulated / size, pair.simulated.voltage, **LINE_IN_TIME)
            if m.kind != "hold":
                residuals.append(1e3 * pair.residual)
                at = t[pair.common] / size
                bottom.plot(at, residuals[-1], color="0.25", lw=0.8)
        near_zero(bottom, residuals)
        top.set(title=text(name, 60), ylabel="Voltage (V)")
        top.tick_params(labelbottom=False)
        bottom.set(xlabel=f"Time ({unit})", ylabel="Residual (mV)")
        bottom.sharex(top)
    looks = {"measured": POINTS, "simulated": LINE_IN_TIME}
    handles = [entry(words, look) for words, look in looks.items()]
    axes[0, 0].legend(handles=handles, loc="lower right", ncols=2)
    return figure


def _dqdv(comparison: Comparison) -> Figure | None:
    curves = [(p, p.measured.voltage) for p in _chosen(comparison.pairs)]
    pairs = [p for p, V in curves if len(V) >= ENOUGH and np.ptp(V) > 20 * WIDTH]
    if not pairs:
        return None
    looks, handles = _looks(pairs)
    figure, ax = plane(6.2, 3.4)
    ax.axhline(0, color="0.6", lw=0.6)
    for pair, (colour, marker) in zip(pairs, looks, strict=True):
        sign = 1.0 if pair.measured.kind == CHARGE else -1.0
        line: Look = {"lw": 1.0, "color": colour}
        dots = measured(marker=marker, number=999)
        for curve, look in ((pair.measured, dots), (pair.simulated, line)):
            low, high = float(curve.voltage.min()), float(curve.voltage.max())
            grid = np.arange(low - 4 * WIDTH, high + 4 * WIDTH, GRID)
            slope = sign * UA * spread(curve.voltage, curve.capacity, grid)
            some = _thinned(len(grid)) if look is dots else slice(None)
            ax.plot(grid[some], slope[some], **look)
    ax.set(xlabel="Voltage (V)", ylabel="dQ/dV (µAh cm⁻² V⁻¹)")
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _rates(comparison: Comparison) -> Figure | None:
    steps = [p for p in comparison.pairs if p.at_cut_off and p.c_rate == p.c_rate]
    steps.sort(key=lambda pair: pair.c_rate)
    figure, ax = plane(4.6, 3.3)
    entries, every = [], []
    for k, kind in enumerate((DISCHARGE, CHARGE)):
        chosen = [p for p in steps if p.measured.kind == kind]
        rates = [float(f"{p.c_rate:.3g}") for p in chosen]
        if len(set(rates)) < 2:
            continue
        points, line = np.array([p.capacities for p in chosen]).T * UA
        joined = "-" if len(set(rates)) >= LINE else ""
        look: Look = {"color": FACTOR_COLOURS[k], "marker": ".", "ls": joined}
        marks = measured(marker=MARKERS[k])
        ax.plot(rates, points, **marks)
        ax.plot(rates, line, **look)
        entries.append(entry(f"{kind}, simulated", look))
        entries.append(entry(f"{kind}, measured", marks))
        every += rates
    if not entries:
        return None
    log_x(ax, every, "C-rate")
    ax.set(xlabel="C-rate", ylabel=f"Capacity {PER_AREA}", ylim=(0, 1.05 * ax.dataLim.y1))
    ax.legend(handles=entries, loc="lower left")
    return figure


def _nyquist(comparison: Comparison) -> Figure | None:
    labels = [(f"{m.name}, {z.name}", z) for m in comparison.measured for z in m.spectra]
    spectra = {name: (z.frequency, z.impedance * 1e4) for name, z in labels[:MOST]}
    simulated = {pair.place.label: pair.Z * 1e4 for pair in comparison.spectra}
    return nyquist(spectra, simulated, list(spectra), "simulated")

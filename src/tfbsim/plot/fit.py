"""Figures of a fit: measured against simulated, the intervals, what goes with what."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ..fitting.fit_result import Fit
from .axes import name_rows, near_zero, plane, subplots
from .drawing import captioned
from .impedance import nyquist
from .labels import PER_AREA, text
from .looks import DASHED, Look, entry, measured, measured_key, ordered_colours

UA = 100.0  # A.h.m-2 to uA.h.cm-2
MOST_WIDTH = 10.0  # of an interval over the range: beyond, the bar goes to the edge
# Simulated capacities
ROLES: dict[str, Look] = {
    "fitted": {"color": "0.25", "marker": "o", "lw": 1.0, "ms": 4},
    "held out": {"color": "0.55", "marker": "D", "lw": 1.0, "ms": 4},
}
VERDICT_COLOURS = {
    "determined": "#0072B2",
    "misfit": "#999999",
    "poorly determined": "#E69F00",
    "not determined": "#D55E00",
    "upper limit only": "#CC79A7",
    "lower limit only": "#CC79A7",
}


def figures(fit: Fit) -> dict[str, Figure]:
    """Return the figures of a fit, by name, in the report's order."""
    draws = _overlay, _nyquist, _capacities, _parameters, _correlations
    return captioned("fit", fit, *draws)


def _overlay(fit: Fit) -> Figure | None:
    both = zip(fit.targets, fit.simulated, strict=True)
    pairs = [(c, m) for c, m in both if len(c.capacity) and m is not None]
    if not pairs:
        return None
    cases = list(dict.fromkeys(c.label or c.case for c, _ in pairs))
    colour = dict(zip(cases, ordered_colours(len(cases)), strict=False))
    figure, axes = subplots(6.4, 5.0, 2, sharex=True, height_ratios=(2.2, 1))
    upper, lower = axes[:, 0]
    residuals = []
    for c, m in pairs:
        own, q, V = colour[c.label or c.case], c.capacity, c.voltage
        upper.plot(UA * m.capacity, m.voltage, color=own)
        upper.plot(UA * q, V, **measured(_role(c.held_out), number=len(q)))
        within = q <= m.capacity[-1]
        off = 1e3 * (np.interp(q, m.capacity, m.voltage) - V)[within]
        residuals.append(off)
        lower.plot(UA * q[within], off, ".", color=own, ms=3)
    lower.axhline(0, color="0.6", lw=0.7, zorder=0)
    sigma = 1e3 * fit.errors[0]
    lower.axhspan(-sigma, sigma, color="0.92", zorder=-1)
    near_zero(lower, residuals, 3 * sigma)
    upper.set_ylabel("Voltage (V)")
    lower.set(ylabel="Simulated −\nmeasured (mV)", xlabel=f"Capacity {PER_AREA}")
    handles = [entry(text(c), color=colour[c]) for c in cases[:24]]
    handles += measured_key(_role(c.held_out) for c, _ in pairs)
    figure.legend(handles=handles, loc="outside right center")
    return figure


def _role(held: bool) -> str:
    return "held out" if held else "fitted"


def _nyquist(fit: Fit) -> Figure | None:
    spectra, simulated = {}, {}
    for c, m in zip(fit.targets, fit.simulated, strict=True):
        if c.spectrum is not None:
            spectra[c.label] = c.spectrum.frequency, c.spectrum.impedance * 1e4
            if m is not None and m.Z is not None:
                simulated[c.label] = m.Z * 1e4
    return nyquist(spectra, simulated, list(spectra), "simulated, fitted values")


def _capacities(fit: Fit) -> Figure | None:
    rows = fit.curves[fit.curves["Capacity error [%]"].notna()].to_dict("records")
    if not rows:
        return None
    figure, ax = plane(5.2, 1.2 + 0.28 * len(rows))
    several = len({r["Cycle number"] for r in rows} | {r["Quantity"] for r in rows}) > 2
    names = []
    for k, row in enumerate(rows):
        off = row["Capacity error [%]"]
        ax.plot([0, off], [k, k], **ROLES[row["Role"]], markevery=[1])
        which = f", {row['Quantity'].split()[0].lower()} {row['Cycle number']}"
        names.append(text(row["Case"]) + which * several)
    sigma = 100 * fit.errors[1]
    ax.axvspan(-sigma, sigma, color="0.92", zorder=-1)
    ax.axvline(0, color="0.5", lw=0.7)
    name_rows(ax, names)
    ax.set_xlabel("Simulated − measured capacity (%)")
    roles = [role for role in ROLES if role in {row["Role"] for row in rows}]
    handles = [entry(role, ROLES[role]) for role in roles]
    figure.legend(handles=handles, loc="outside right center")
    return figure


def _parameters(fit: Fit) -> Figure:
    rows = fit.parameters.to_dict("records")
    figure, ax = plane(6.4, 0.9 + 0.5 * len(rows))
    for k, row in enumerate(rows):
        names = ("Value", "Low 95 %", "High 95 %", "Start")
        value, low, high, start = (_place(row, name) for name in names)
        colour = VERDICT_COLOURS[row["Verdict"]]
        ax.plot([0, 1], [k, k], color="0.88", lw=5, solid_capstyle="butt", zorder=0)
        ax.plot(np.clip([low, high], -0.03, 1.03), [k, k], color=colour, lw=1.8)
        ax.plot(value, k, "o", color=colour, ms=5)
        if -0.03 <= start <= 1.03:
            ax.plot(start, k, "|", color="0.3", ms=11)
        unit = f" {row['Unit']}" if row["Unit"] else ""
        interval = f"[{row['Low 95 %']:.3g}, {row['High 95 %']:.3g}]"
        words = f"{row['Value']:.3g}{unit}  {interval}"
        ax.text(0.5, k - 0.33, words, ha="center", fontsize=7, color="0.2")
        for x, bound, side in ((-0.04, "Lower", "right"), (1.04, "Upper", "left")):
            edge = ax.text(x, k, f"{row[f'{bound} bound']:.3g}", ha=side, va="center")
            edge.set(fontsize=7, color="0.4")
    name_rows(ax, [text(r["Parameter"], 44) for r in rows])
    ax.set(xlim=(-0.25, 1.25), xticks=[], ylim=(len(rows) - 0.4, -0.7))
    ax.spines[:].set_visible(False)
    seen = dict.fromkeys(r["Verdict"] for r in rows)
    handles = [entry(v, color=VERDICT_COLOURS[v], marker="o") for v in seen]
    handles.append(entry("cell file", color="0.3", marker="|", ls="", ms=9))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _place(row: Mapping[str, float | str], name: str) -> float:
    """Return where a value is between the bounds."""
    low, high, value = (float(row[n]) for n in ("Lower bound", "Upper bound", name))
    if row["Scale"] == "log":
        return float(np.log(max(value, 1e-300) / low) / np.log(high / low))
    return float((value - low) / (high - low))


def _correlations(fit: Fit) -> Figure | None:
    names = list(map(str, fit.correlations))
    n = len(names)
    if n < 2:
        return None
    figure, axes = subplots(6.8, 1.9 + 0.36 * n, 1, 2, width_ratios=(1, 1.1))
    left, right = axes[0]
    values = fit.correlations.to_numpy()
    left.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="equal")
    for (i, j), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.6 else "0.2"
        words = left.text(j, i, f"{value:.2f}", color=colour, fontsize=7)
        words.set(ha="center", va="center")
    order = {name: k + 1 for k, name in enumerate(names)}
    left.set_xticks(range(n), map(str, order.values()))
    left.set_yticks(range(n), [f"{text(name, 40)}  {k}" for name, k in order.items()])
    left.tick_params(length=0)
    widths = [min(c.half_width, MOST_WIDTH) for c in fit.combinations]
    verdicts = ["not " * (not c.determined) + "determined" for c in fit.combinations]
    colours = [VERDICT_COLOURS[verdict] for verdict in verdicts]
    right.barh(range(n), widths, color=colours, height=0.55, left=1e-6)
    right.axvline(0.5, color="0.3", lw=0.8, ls=DASHED)
    reach = min(1e-3, 0.5 * min(widths)), max(2.0, *widths)
    right.set(xscale="log", xlim=reach, ylim=(n - 0.4, -0.6))
    right.set_xlabel("Half-width of interval / range")
    right.set_yticks(range(n), [_numbers(c.weights, order) for c in fit.combinations])
    return figure


def _numbers(weights: Mapping[str, float], order: Mapping[str, int]) -> str:
    """Return a combination by the numbers of its larger parts: +1 −3."""
    parts = sorted(weights.items(), key=lambda item: -abs(item[1]))[:3]
    parts = [(k, w) for k, w in parts if abs(w) > 0.2]
    return " ".join(f"{'+' if w > 0 else '−'}{order[k]}" for k, w in parts)

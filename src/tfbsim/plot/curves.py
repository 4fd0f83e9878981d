"""Curves of the samples: voltage against capacity and time, current against voltage,
and the first lithium that is plated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..data.curve_table import CURRENT, DIRECTION, MASS, STEP, TIME, VOLTAGE
from .layout import Layout
from .style import PER_MASS, both_units, entry, finished, grid, subplots
from .theme import Theme

FIRST: dict[str, Any] = {"lw": 0.7, "alpha": 0.55}  # how the first cycle looks
BACK = 0.01  # of the largest current of a branch, the other way
CYCLE_1 = ("first charge", "first discharge")
CAPACITIES = ("Charge capacity [uA.h.cm-2]", "Discharge capacity [uA.h.cm-2]")
SWEEP = "Sweep"  # how the sentence of a ramp begins
MOST = 6  # cases against time
MARGIN = 1.02  # of the time shown
COVERAGE, THICKNESS = "Lithium coverage", "Lithium thickness [um]"
ETA = "Lithium overpotential [V]"
THINNEST = 1e-4  # um: below, a layer is less than an atom thick


def _differs(study: Theme, k: int) -> bool:
    """Return whether the first cycle of a case is worth drawing beside the last."""
    table = study.table(k)
    first, last = table.iloc[0], table.iloc[-1]
    return len(study.drawn(k)) > 1 and any(
        abs(first[n] - last[n]) > 2e-3 * max(first[n], last[n], 1e-30) for n in CAPACITIES
    )


def branches(
    study: Theme, layout: Layout, k: int
) -> Iterator[tuple[pd.DataFrame, dict[str, Any], bool]]:
    """Yield charges and discharges to draw, how, and whether they are of the last cycle:
    of the first as well if it differs."""
    last = layout.how(k) | {"lw": 0.9 if layout.bar else 1.3}
    for branch in _one_way(study.branches(k)):
        yield branch, last, True
    if not layout.bar and _differs(study, k):
        for branch in _one_way(study.branches(k, study.drawn(k)[0])):
            yield branch, layout.how(k) | FIRST, False


def _one_way(found: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return branches if each current keeps its sign; else the capacity counts back."""
    currents = [branch[CURRENT] for branch in found]
    kept = all(min(-i.min(), i.max()) <= BACK * i.abs().max() for i in currents)
    return found if kept else []


def cycles_key(study: Theme, layout: Layout) -> list[Line2D]:
    """Return legend lines that tell the first cycle from the last, if both are drawn."""
    cases = [k for k in layout.groups if study.drawn(k)]
    if layout.bar or not any(_differs(study, k) for k in cases):
        return []
    last = {study.last(k) for k in cases}
    which = f"cycle {max(last)}" if len(last) == 1 else "last cycle"
    return [entry(which, color="0.3"), entry("cycle 1", color="0.3", **FIRST)]


def voltage_capacity(study: Theme) -> Figure | None:
    """Draw voltage against capacity."""
    if not any(_one_way(study.branches(k)) for k in range(len(study.rows))):
        return None
    layout = study.layout()
    for k, (ax,) in layout.draw():
        for branch, how, last in branches(study, layout, k):
            which = "" if last else CYCLE_1[int(branch[DIRECTION].iloc[0] > 0)]
            layout.line(ax, k, branch[MASS], branch[VOLTAGE], which, **how)
    reach = max(ax.dataLim.x1 for ax in layout.axes[0])
    layout.axes[0, 0].set_xlim(-0.01 * reach, 1.03 * reach or 1.0)
    x = f"Capacity {PER_MASS}"
    if len(layout.panels) == 1:
        both_units(layout.axes[0, 0], study.loading, False, "x")
    key = cycles_key(study, layout)
    cycles = ", in the first and the last cycle" if key else ""
    return layout.finish("voltage-capacity", x, "Voltage (V)", more=key, cycles=cycles)


def voltammogram(study: Theme) -> Figure | None:
    """Draw i(V) of the ramps, of the last cycle and, thin and pale, of the first."""
    drawn = [k for k in range(len(study.rows)) if study.drawn(k)]
    if not any(_sweeps(study, k, study.drawn(k)[-1]) for k in drawn):
        return None
    layout = study.layout()
    for k, (ax,) in layout.draw():
        cycles = study.drawn(k)
        for n, cycle in enumerate(dict.fromkeys((*cycles[-1:], *cycles[:1]))):
            for xy in _sweeps(study, k, cycle):
                of, how = ("cycle 1", FIRST) if n else ("", {"lw": 1.3})
                layout.line(ax, k, *xy.T, of, **how)
    for ax in layout.axes[0]:
        ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    y, key = "Current density (µA cm⁻²)", cycles_key(study, layout)
    return layout.finish("voltammogram", "Voltage (V)", y, more=key)


def _sweeps(study: Theme, k: int, cycle: int) -> list[np.ndarray]:
    """Return voltage and current of each ramp of a cycle."""
    table = study.cycle(k, cycle)
    return [
        table.loc[table[STEP] == row["Step number"], [VOLTAGE, CURRENT]].to_numpy()
        for row in study.case(k).steps
        if row["Cycle number"] == cycle and str(row["Step"]).lstrip().startswith(SWEEP)
    ]


def voltage_time(study: Theme) -> Figure | None:
    """Draw voltage, and of a single case the current, against time."""
    cases = range(len(study.rows))
    if not cases or len(cases) > MOST or not all(study.drawn(k) for k in cases):
        return None
    data = [study.of_case(k)[[TIME, VOLTAGE, CURRENT]].to_numpy() for k in cases]
    data = [(table * [1 / 3600, 1, 1]).T for table in data]
    longest = max(t[-1] for t, _, _ in data)
    if longest <= 0:
        return None
    hours = [float(t[-1]) or longest for t, _, _ in data]  # one may have ended at once
    layout = study.layout()
    said = {"what": "Voltage", "cycles": ""}
    together = len(layout.panels) == 1 and longest <= 3 * min(hours)
    if len(cases) == 1:
        figure, axes = subplots(5.2, 3.6, 2, sharex=True, height_ratios=[2, 1])
        said["what"] = "Voltage and current, that of a discharge positive,"
    elif together:
        figure, ax = subplots(5.6, 3.0)
        axes, hours = [ax] * len(cases), [longest] * len(cases)
    else:
        columns = 2 if len(cases) <= 4 else 3
        figure, axes = grid(len(cases), columns, (4.2 + 0.9 * columns, 0, 0, 1.9))
        for ax, label in zip(axes, study.labels, strict=True):
            ax.set_title(label)
    for k, (t, V, _), ax in zip(cases, data, axes, strict=False):
        layout.line(ax, k, t, V, lw=1.0)
        ax.set(xlabel="Time (h)", xlim=(0, MARGIN * hours[k]))
    axes[0].set_ylabel("Voltage (V)")
    if len(cases) == 1:
        axes[0].set_xlabel("")
        axes[1].axhline(0, color="0.6", lw=0.6)
        layout.line(axes[1], 0, data[0][0], data[0][2], lw=1.0, color="0.25")
        axes[1].set(xlabel="Time (h)", ylabel="Current\n(µA cm⁻²)")
        figure.align_ylabels()
    if any(len(study.run(k)) < len(study.drawn(k)) for k in cases):
        runs = [study.run(k) for k in cases]
        first, last = min(run[0] for run in runs), max(run[-1] for run in runs)
        cycles = f"cycles {first} to {last}" if first < last else f"cycle {first}"
        said["cycles"] = f" in {cycles}, of those whose curves are kept"
    if together and len(cases) > 1:
        return layout.key(figure, axes[:1], "voltage-time", said=said)
    return finished(figure, "voltage-time", said=said)


def first_plating(study: Theme) -> Figure | None:
    """Draw overpotential and coverage against what is plated, in the first charge."""
    cases = range(len(study.rows))
    found = {k: b for k in cases if (b := _on_bare_collector(study, k)) is not None}
    if not found:
        return None
    layout = study.layout()
    for k, places in layout.draw(height=2.6, rows=2):
        if k not in found:
            continue
        plated = found[k][found[k][THICKNESS] > THINNEST]
        values = -1e3 * plated[ETA], plated[COVERAGE]
        for ax, y in zip(places, values, strict=True):
            ax.set_xscale("log")
            layout.line(ax, k, 1e3 * plated[THICKNESS], y)
    low = min(0.0, *(ax.dataLim.y0 for ax in layout.axes[0]))
    high = max(ax.dataLim.y1 for ax in layout.axes[0])
    layout.axes[0, 0].set_ylim(low - 0.03 * high, 1.05 * high)
    y = "Overpotential (mV)", "Coverage"
    return layout.finish("first-plating", "Lithium plated (nm)", *y)


def _on_bare_collector(study: Theme, k: int) -> pd.DataFrame | None:
    """Return the first charge, if it begins on a bare collector."""
    if COVERAGE not in study.samples or not study.drawn(k):
        return None
    first_cycle = study.branches(k, study.drawn(k)[0])
    charges = [b for b in first_cycle if b[DIRECTION].iloc[0] < 0]
    return charges[0] if charges and charges[0][COVERAGE].iloc[0] < 0.5 else None

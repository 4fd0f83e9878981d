"""Curves of the samples: voltage against capacity and time, current against voltage,
and the first lithium that is plated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..data.curve_table import (
    AREA,
    CASE,
    CURRENT,
    CYCLE,
    DIRECTION,
    MASS,
    STEP,
    TIME,
    VOLTAGE,
    spans,
)
from .axes import both_units, grid, subplots
from .cases import Cases
from .encoding import by_case
from .labels import PER_AREA, PER_MASS
from .layout import Layout
from .looks import Look, entry
from .samples import Samples
from .style import finished

FIRST: Look = {"lw": 0.7, "alpha": 0.55}  # how the first cycle looks
BACK = 0.01  # of the largest current of a branch, the other way
CYCLE_1 = ("first charge", "first discharge")
FEW, LEAST_RAMP = 20, 0.05  # samples of a measured ramp; V that it spans
STEADY = 0.05  # relative change of a rate or a current that is one
NOISE = 9  # samples that a rate is taken over
SWEEP = "Sweep"  # how the sentence of a ramp begins
MOST = 6  # cases against time
MARGIN = 1.02  # of the time shown
COVERAGE, THICKNESS = "Lithium coverage", "Lithium thickness [um]"
ETA = "Lithium overpotential [V]"
THINNEST = 1e-4  # um: below, a layer is less than an atom thick


def branches(
    samples: Samples, layout: Layout[str], case: str
) -> Iterator[tuple[pd.DataFrame, Look, bool]]:
    """Yield charges and discharges to draw, how, and whether they are of the last cycle:
    of the first as well if it differs."""
    last = layout.look(case) | {"lw": 0.9 if layout.bar else 1.3}
    for branch in _one_way(samples.branches(case)):
        yield branch, last, True
    if not layout.bar and samples.changes(case):
        for branch in _one_way(samples.branches(case, samples.cycles(case)[0])):
            yield branch, layout.look(case) | FIRST, False


def _one_way(found: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return branches if each current keeps its sign; else the capacity counts back."""
    currents = [branch[CURRENT] for branch in found]
    back = any(min(-i.min(), i.max()) > BACK * i.abs().max() for i in currents)
    return [] if back else found


def cycles_key(cases: Cases, layout: Layout[str]) -> list[Line2D]:
    """Return legend lines that tell the first cycle from the last, if both are drawn."""
    drawn = [case for case in layout.groups if case in cases.drawn]
    if layout.bar or not any(cases.samples.changes(case) for case in drawn):
        return []
    last = {cases.last(case) for case in drawn}
    which = f"cycle {max(last)}" if len(last) == 1 else "last cycle"
    return [entry(which, color="0.3"), entry("cycle 1", FIRST, color="0.3")]


def voltage_capacity(cases: Cases) -> Figure | None:
    """Draw voltage against capacity."""
    samples = cases.samples
    drawn = (b for case in cases.rows for b in _one_way(samples.branches(case)))
    if not any(len(branch) > 1 for branch in drawn):
        return None
    layout = by_case(cases)
    capacity, unit = (MASS, PER_MASS) if samples.per_mass else (AREA, PER_AREA)
    for case, (ax,) in layout.draw():
        for branch, look, last in branches(samples, layout, case):
            which = "" if last else CYCLE_1[int(branch[DIRECTION].iloc[0] > 0)]
            layout.line(ax, case, branch[capacity], branch[VOLTAGE], which, **look)
    reach = max(ax.dataLim.x1 for ax in layout.axes[0])
    layout.axes[0, 0].set_xlim(-0.01 * reach, 1.03 * reach or 1.0)
    x = f"Capacity {unit}"
    if len(layout.panels) == 1:
        both_units(layout.axes[0, 0], cases.loading, False, "x")
    key = cycles_key(cases, layout)
    cycles = ", in the first and the last cycle" if key else ""
    details = {"cycles": cycles}
    return layout.finish("voltage-capacity", x, "Voltage (V)", more=key, details=details)


def voltammogram(cases: Cases, steps: pd.DataFrame | None = None) -> Figure | None:
    """Draw i(V) of the ramps, of the last cycle and, thin and pale, of the first.

    Ramps are known by the sentences of ``steps``; without these by the samples.
    """
    keys: set[tuple[str, int, int]] = set()
    if steps is not None:
        ramps = steps[steps["Step"].str.lstrip().str.startswith(SWEEP)]
        keys = {*ramps[[CASE, CYCLE, STEP]].itertuples(index=False, name=None)}
        if not keys:
            return None
    layout = by_case(cases)
    for case, (ax,) in layout.draw():
        cycles = cases.samples.cycles(case)
        for n, cycle in enumerate(dict.fromkeys(cycles[-1:] + cycles[:1])):
            look: Look = FIRST if n else {"lw": 1.3}
            table = cases.samples.of(case, cycle)
            parts = [p for k, p in table.groupby(STEP) if (case, cycle, k) in keys]
            for part in _ramps(table) if steps is None else parts:
                xy, of = (part[VOLTAGE], part[CURRENT]), "cycle 1" if n else ""
                layout.line(ax, case, *xy, of, **look)
    if not layout.curves:
        return None
    for ax in layout.axes[0]:
        ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    y, key = "Current density (µA cm⁻²)", cycles_key(cases, layout)
    return layout.finish("voltammogram", "Voltage (V)", y, more=key)


def _ramps(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the stretches in which V runs at one rate and the current changes."""
    t, V, i = (table[name].to_numpy() for name in (TIME, VOLTAGE, CURRENT))
    n = NOISE
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (V[n:] - V[:-n]) / (t[n:] - t[:-n])
        steady = np.abs(np.diff(rate)) < STEADY * np.abs(rate[1:])
    found = []
    for start, stop in spans([steady]) if len(steady) else ():
        run = slice(start, stop + n + 1)
        if not steady[start] or stop - start < FEW or np.ptp(V[run]) < LEAST_RAMP:
            continue
        straight = np.ptp(rate[start:stop]) < 2 * STEADY * np.abs(rate[start])
        if straight and np.ptp(i[run]) > STEADY * np.abs(i[run]).max():
            found.append(table[run])
    return found


def voltage_time(cases: Cases) -> Figure | None:
    """Draw voltage, and of a single case the current, against time."""
    samples, drawn = cases.samples, cases.drawn
    if not 1 <= len(drawn) == len(cases.rows) <= MOST:
        return None
    data = {case: samples.of_run(case) for case in drawn}
    hours = {case: float(table[TIME].iloc[-1]) / 3600 for case, table in data.items()}
    if not (longest := max(hours.values())) > 0:  # or unknown, of a table without time
        return None
    hours = {case: end or longest for case, end in hours.items()}  # or ended at once
    layout, y = by_case(cases), ["Voltage (V)"]
    together = len(layout.panels) == 1 and longest <= 3 * min(hours.values())
    details = {"what": "Voltage", "cycles": ""}
    if len(drawn) == 1:
        layout.figure, layout.axes = subplots(
            *(5.2, 3.6, 2), sharex=True, height_ratios=[2, 1]
        )
        ((case, table),) = data.items()
        below = layout.axes[1, 0]
        below.axhline(0, color="0.6", lw=0.6)
        layout.line(below, case, table[TIME] / 3600, table[CURRENT], lw=1.0, color="0.25")
        details["what"] = "Voltage and current, that of a discharge positive,"
        y.append("Current\n(µA cm⁻²)")
    elif together:
        layout.figure, layout.axes = subplots(5.6, 3.0)
        hours = dict.fromkeys(drawn, longest)
    if together:
        places = dict.fromkeys(drawn, layout.axes[0, 0])
    else:
        columns = 2 if len(drawn) <= 4 else 3
        figure, panels = grid(len(drawn), columns, (4.2 + 0.9 * columns, 0, 0, 1.9))
        places = dict(zip(drawn, panels, strict=True))
    for case, ax in places.items():
        table = data[case]
        layout.line(ax, case, table[TIME] / 3600, table[VOLTAGE], lw=1.0)
        ax.set(xlim=(0, MARGIN * hours[case]))
    runs = [samples.run(case) for case in drawn]
    if any(run != samples.cycles(case) for run, case in zip(runs, drawn, strict=True)):
        first, last = min(run[0] for run in runs), max(run[-1] for run in runs)
        words = f"cycles {first} to {last}" if first < last else f"cycle {first}"
        details["cycles"] = f" in {words}, of those whose curves are kept"
    if together:
        layout.figure.align_ylabels()
        return layout.finish("voltage-time", "Time (h)", *y, details=details)
    for case, ax in places.items():
        ax.set(title=cases.labels[case], xlabel="Time (h)")
    return finished(figure, "voltage-time", details=details)


def first_plating(cases: Cases) -> Figure | None:
    """Draw overpotential and coverage against what is plated, in the first charge."""
    samples = cases.samples
    if COVERAGE not in samples.columns:
        return None
    first = {
        case: samples.branches(case, samples.cycles(case)[0]) for case in cases.drawn
    }
    charges = {
        case: [b for b in branches if b[DIRECTION].iloc[0] < 0][:1]
        for case, branches in first.items()
    }
    # Those that begin on a bare collector
    found = {k: c[0] for k, c in charges.items() if c and c[0][COVERAGE].iloc[0] < 0.5}
    if not found:
        return None
    layout = by_case(cases)
    for case, places in layout.draw(height=2.6, rows=2):
        if case not in found:
            continue
        plated = found[case][found[case][THICKNESS] > THINNEST]
        values = -1e3 * plated[ETA], plated[COVERAGE]
        for ax, y in zip(places, values, strict=True):
            ax.set_xscale("log")
            layout.line(ax, case, 1e3 * plated[THICKNESS], y)
    low = min(0.0, *(ax.dataLim.y0 for ax in layout.axes[0]))
    high = max(ax.dataLim.y1 for ax in layout.axes[0])
    layout.axes[0, 0].set_ylim(low - 0.03 * high, 1.05 * high)
    y = "Overpotential (mV)", "Coverage"
    return layout.finish("first-plating", "Lithium plated (nm)", *y)

"""Curves of the samples: voltage against capacity and time, current against voltage,
and the first lithium that is plated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
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
from .axes import both_units, grid, plane, subplots
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


def _differs(samples: Samples, case: str) -> bool:
    """Return whether the first cycle of a case is worth drawing beside the last."""
    cycles = samples.cycles(case)
    if len(cycles) < 2:
        return False
    first, last = (_capacities(samples, case, n) for n in (cycles[0], cycles[-1]))
    return bool((np.abs(first - last) > 2e-3 * np.maximum(first, last)).any())


def _capacities(samples: Samples, case: str, cycle: int) -> np.ndarray:
    """Return the charge and discharge capacity of a cycle [uAh/cm2]."""
    found = {-1: 1e-30, 1: 1e-30}
    for branch in samples.branches(case, cycle):
        found[branch[DIRECTION].iloc[0]] += branch[AREA].iloc[-1]
    return np.array(list(found.values()))


def branches(
    samples: Samples, layout: Layout[str], case: str
) -> Iterator[tuple[pd.DataFrame, Look, bool]]:
    """Yield charges and discharges to draw, how, and whether they are of the last cycle:
    of the first as well if it differs."""
    last = layout.look(case) | {"lw": 0.9 if layout.bar else 1.3}
    for branch in _one_way(samples.branches(case)):
        yield branch, last, True
    if not layout.bar and _differs(samples, case):
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
    if layout.bar or not any(_differs(cases.samples, case) for case in drawn):
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
    said = {"cycles": cycles}
    return layout.finish("voltage-capacity", x, "Voltage (V)", more=key, said=said)


def voltammogram(cases: Cases, steps: pd.DataFrame | None = None) -> Figure | None:
    """Draw i(V) of the ramps, of the last cycle and, thin and pale, of the first.

    Ramps are told by the sentences of ``steps``; without these by the samples.
    """
    ramps = None
    if steps is not None:
        ramps = steps[steps["Step"].str.lstrip().str.startswith(SWEEP)]
    found = {case: _sweeps(cases.samples, ramps, case) for case in cases.drawn}
    if not any(sweeps[0] for sweeps in found.values()):
        return None
    layout = by_case(cases)
    for case, (ax,) in layout.draw():
        for n, sweeps in enumerate(found.get(case, ())):
            look: Look = FIRST if n else {"lw": 1.3}
            for voltage, current in sweeps:
                layout.line(ax, case, voltage, current, "cycle 1" if n else "", **look)
    for ax in layout.axes[0]:
        ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    y, key = "Current density (µA cm⁻²)", cycles_key(cases, layout)
    return layout.finish("voltammogram", "Voltage (V)", y, more=key)


def _sweeps(
    samples: Samples, ramps: pd.DataFrame | None, case: str
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Return voltage and current of each ramp of the last cycle, and of the first."""
    cycles = samples.cycles(case)
    found = []
    for cycle in dict.fromkeys((cycles[-1], cycles[0])):
        table = samples.of(case, cycle)
        if ramps is None:
            parts = _ramps(table)
        else:
            numbers = ramps.loc[(ramps[CASE] == case) & (ramps[CYCLE] == cycle), STEP]
            parts = [table[table[STEP] == number] for number in numbers]
        found.append([(p[VOLTAGE].to_numpy(), p[CURRENT].to_numpy()) for p in parts])
    return found


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
    data = {case: _in_time(samples.of_run(case)) for case in drawn}
    longest = max(float(t[-1]) for t, *_ in data.values())
    if not longest > 0:  # or unknown, of a table without time
        return None
    # One may have ended at once
    hours = {case: float(t[-1]) or longest for case, (t, *_) in data.items()}
    layout = by_case(cases)
    said = {"what": "Voltage", "cycles": ""}
    together = len(layout.panels) == 1 and longest <= 3 * min(hours.values())
    places: dict[str, Axes]
    if len(drawn) == 1:
        figure, axes = subplots(5.2, 3.6, 2, sharex=True, height_ratios=[2, 1])
        places, below = {drawn[0]: axes[0, 0]}, axes[1, 0]
    elif together:
        figure, ax = plane(5.6, 3.0)
        places, hours = dict.fromkeys(drawn, ax), dict.fromkeys(drawn, longest)
    else:
        columns = 2 if len(drawn) <= 4 else 3
        figure, panels = grid(len(drawn), columns, (4.2 + 0.9 * columns, 0, 0, 1.9))
        places = dict(zip(drawn, panels, strict=True))
        for case, ax in places.items():
            ax.set_title(cases.labels[case])
    for case, ax in places.items():
        layout.line(ax, case, data[case][0], data[case][1], lw=1.0)
        ax.set(xlabel="Time (h)", xlim=(0, MARGIN * hours[case]))
    places[drawn[0]].set_ylabel("Voltage (V)")
    if len(drawn) == 1:
        said["what"] = "Voltage and current, that of a discharge positive,"
        places[drawn[0]].set_xlabel("")
        below.axhline(0, color="0.6", lw=0.6)
        t, _, i = data[drawn[0]]
        layout.line(below, drawn[0], t, i, lw=1.0, color="0.25")
        below.set(xlabel="Time (h)", ylabel="Current\n(µA cm⁻²)")
        figure.align_ylabels()
    runs = [samples.run(case) for case in drawn]
    if any(run != samples.cycles(case) for run, case in zip(runs, drawn, strict=True)):
        first, last = min(run[0] for run in runs), max(run[-1] for run in runs)
        words = f"cycles {first} to {last}" if first < last else f"cycle {first}"
        said["cycles"] = f" in {words}, of those whose curves are kept"
    if together and len(drawn) > 1:
        return layout.key(figure, [places[drawn[0]]], "voltage-time", said=said)
    return finished(figure, "voltage-time", said=said)


def _in_time(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return time [h], voltage and current of samples."""
    t, V, i = (table[name].to_numpy() for name in (TIME, VOLTAGE, CURRENT))
    return t / 3600, V, i


def first_plating(cases: Cases) -> Figure | None:
    """Draw overpotential and coverage against what is plated, in the first charge."""
    found = {
        case: branch
        for case in cases.drawn
        if (branch := _on_bare_collector(cases.samples, case)) is not None
    }
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


def _on_bare_collector(samples: Samples, case: str) -> pd.DataFrame | None:
    """Return the first charge, if it begins on a bare collector."""
    if COVERAGE not in samples.columns:
        return None
    first_cycle = samples.branches(case, samples.cycles(case)[0])
    charges = [b for b in first_cycle if b[DIRECTION].iloc[0] < 0]
    return charges[0] if charges and charges[0][COVERAGE].iloc[0] < 0.5 else None

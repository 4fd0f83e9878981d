"""Figures of curves: voltage, differential capacity, losses and concentration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from ..result.columns import SECOND_LITHIUM
from ..result.losses import LOSS_COLOURS, OPEN_CIRCUIT, overpotentials
from .look import Look, look_of_cases
from .study import CURRENT, MASS, TIME, VOLTAGE, Branch, Run, Step, Study
from .style import (
    DASHED,
    PER_MASS,
    both_units,
    grid,
    label_outer,
    missing,
    new_figure,
    viridis,
)

DQDV_GRID = 0.002  # V between points of dQ/dV
DQDV_WIDTH = 0.005  # V, standard deviation of its Gaussian smoothing
NOT_SEEN = 1e-4  # V: a tenth of a millivolt

# --- Against capacity and voltage ------------------------------------------------------


def _differs(run: Run) -> bool:
    """Whether the first cycle is worth drawing beside the last."""
    first = run.case.rows[0]
    names = ("Charge capacity [uA.h.cm-2]", "Discharge capacity [uA.h.cm-2]")
    return len(run.drawn) > 1 and any(
        abs(first[n] - run.row[n]) > 2e-3 * max(first[n], run.row[n], 1e-30)
        for n in names
    )


def _branches(look: Look, run: Run) -> Iterator[tuple[Branch, dict[str, Any]]]:
    """Branches to draw and how: of the last cycle, and of the first if it differs."""
    cycles = [(run.last, {"lw": 0.9 if look.bar else 1.3, "ls": "-"})]
    if not look.bar and _differs(run):
        cycles.append((run.drawn[0], {"lw": 0.8, "ls": DASHED}))
    for cycle, how in cycles:
        for branch in run.branches(cycle):
            yield branch, how


def _cycles_key(look: Look, runs: Sequence[Run]) -> list[Line2D]:
    """Legend lines that tell the first cycle from the last, if both are drawn."""
    if look.bar or not any(_differs(run) for run in runs):
        return []
    last = {run.last for run in runs}
    which = f"cycle {max(last)}" if len(last) == 1 else "last cycle"
    return [
        Line2D([], [], color="0.3", label=which),
        Line2D([], [], color="0.3", lw=0.8, ls=DASHED, label="cycle 1"),
    ]


def voltage_capacity(study: Study) -> Figure | None:
    if not any(run.branches(run.last) for run in study.cases):
        return None
    look = look_of_cases(study)
    figure, axes = look.draw()
    for k, (ax,) in look.places(axes):
        for branch, how in _branches(look, study.cases[k]):
            ax.plot(branch.capacity(), branch[VOLTAGE], color=look.colour[k], **how)
    for ax in axes[0]:
        ax.set_xlim(left=0)
    label_outer(axes, f"Capacity {PER_MASS}", ["Voltage (V)"])
    if len(look.panels) == 1:
        both_units(axes[0][0], study.loading, False, "x")
    look.key(figure, axes[0], _cycles_key(look, study.cases))
    return figure


def differential_capacity(
    voltage: np.ndarray, capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """|dQ/dV| of a constant-current step on a uniform voltage grid.

    The part of the curve that runs against its own direction is skipped; Q(V) is
    interpolated monotonically, differenced on a grid of ``DQDV_GRID`` and smoothed with a
    Gaussian of standard deviation ``DQDV_WIDTH``.  None if it spans too little voltage.
    """
    sign = 1.0 if voltage[-1] > voltage[0] else -1.0
    risen = np.maximum.accumulate(sign * voltage)
    forward = np.concatenate([[True], np.diff(risen) > 1e-9])
    v, q = sign * voltage[forward], capacity[forward]
    if len(v) < 5 or v[-1] - v[0] < 10 * DQDV_GRID:
        return None
    points = int((v[-1] - v[0]) / DQDV_GRID) + 1
    grid = np.linspace(v[0], v[-1], points)
    slope = np.gradient(PchipInterpolator(v, q)(grid), grid)
    width = DQDV_WIDTH / (grid[1] - grid[0])
    return sign * grid, gaussian_filter1d(slope, width, mode="nearest")


def dqdv(study: Study) -> Figure | None:
    if not any(run.drawn for run in study.cases):
        return None
    look = look_of_cases(study)
    figure, axes = look.draw()
    for ax in axes[0]:
        ax.axhline(0, color="0.6", lw=0.6)
    drawn = False
    for k, (ax,) in look.places(axes):
        for branch, how in _branches(look, study.cases[k]):
            steps = [s for s in branch.steps if s.constant_current]
            if len(steps) != 1:  # pulses, or a current that changes
                continue
            found = differential_capacity(steps[0][VOLTAGE], steps[0][MASS])
            if found:
                V, slope = found
                ax.plot(V, -branch.direction * slope, color=look.colour[k], **how)
                drawn = True
    if not drawn:
        return None
    label_outer(axes, "Voltage (V)", ["dQ/dV (mAh g⁻¹ V⁻¹)"])
    look.key(figure, axes[0], _cycles_key(look, study.cases))
    return figure


# --- Against time ----------------------------------------------------------------------


def _in_time(ax: Axes, run: Run, name: str, colour: Any) -> None:
    hours, values = run.data[TIME].ravel() / 3600, run.data[name].ravel()
    there = np.isfinite(hours)
    ax.plot(hours[there], values[there], color=colour, lw=1.0)


def voltage_time(study: Study) -> Figure | None:
    runs = study.cases
    if len(runs) > 6 or not all(run.drawn for run in runs):
        return None
    hours = [np.nanmax(run.data[TIME]) / 3600 for run in runs]
    if max(hours) <= 0:
        return None
    hours = [hour or max(hours) for hour in hours]  # of one that ended at once
    look = look_of_cases(study)
    if len(runs) == 1:
        figure = new_figure(5.2, 3.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        _in_time(above, runs[0], VOLTAGE, look.colour[0])
        above.set(ylabel="Voltage (V)", xlim=(0, hours[0]))
        below.axhline(0, color="0.6", lw=0.6)
        _in_time(below, runs[0], CURRENT, "0.25")
        below.set(xlabel="Time (h)", ylabel="Current\n(µA cm⁻²)")
        figure.align_ylabels()
    elif len(look.panels) == 1 and max(hours) <= 3 * min(hours):
        figure = new_figure(5.6, 3.0)
        ax = figure.subplots()
        for k, run in enumerate(runs):
            _in_time(ax, run, VOLTAGE, look.colour[k])
        ax.set(xlabel="Time (h)", ylabel="Voltage (V)", xlim=(0, max(hours)))
        look.key(figure, [ax])
    else:
        columns = 2 if len(runs) <= 4 else 3
        figure = new_figure(6.0 if columns == 2 else 6.9, 1.9 * -(-len(runs) // columns))
        for k, ax in enumerate(grid(figure, len(runs), columns)):
            _in_time(ax, runs[k], VOLTAGE, look.colour[k])
            ax.set(xlabel="Time (h)", xlim=(0, hours[k]), title=study.labels[k])
    return figure


# --- Where the voltage goes ------------------------------------------------------------


def losses(study: Study) -> Figure | None:
    if len(study.cases) > 4:
        return None
    last = {k: run.last_step() for k, run in enumerate(study.cases)}
    found = {k: pair[1] for k, pair in last.items() if pair and pair[1].direction == 1}
    if not found:
        return None
    columns = min(len(found), 2)
    rows = -(-len(found) // columns)
    figure = new_figure(*((5.4, 3.3) if columns == 1 else (6.9, 2.5 * rows)))
    shown: dict[str, Any] = {}
    axes = grid(figure, len(found), columns)
    for (k, step), ax in zip(found.items(), axes, strict=True):
        shown |= _stack(ax, step)
        ax.set(xlim=(0, step[MASS][-1]), xlabel=f"Capacity {PER_MASS}")
        if len(found) > 1:
            ax.set_title(study.labels[k])
    figure.legend(shown.values(), shown.keys(), loc="outside right center")
    return figure


def _stack(ax: Axes, step: Step) -> dict[str, Any]:
    """Bands between the open-circuit voltage and the voltage; legend entries."""
    q, level = step[MASS], step[OPEN_CIRCUIT]
    shown: dict[str, Any] = {}
    (shown["Open circuit, mean"],) = ax.plot(q, level, color="0.3", lw=1.0, ls=DASHED)
    for name, eta in overpotentials(step.curves).items():
        below = level - eta
        if np.abs(eta).max() >= NOT_SEEN:
            how: Any = {"color": LOSS_COLOURS[name], "alpha": 0.55, "lw": 0}
            shown[name] = ax.fill_between(q, below, level, **how)
        level = below
    (shown["Cell voltage"],) = ax.plot(q, step[VOLTAGE], color="black", lw=1.3)
    return shown


# --- Through the film ------------------------------------------------------------------


def concentration(study: Study) -> Figure | None:
    found = {k: last for k, run in enumerate(study.cases) if (last := run.last_step())}
    if not found:
        return None
    direction = max(step.direction for _, step in found.values())
    found = {k: last for k, last in found.items() if last[1].direction == direction}
    lengths = [study.cases[k].thickness for k in found]
    # films of very different thickness can only share an axis of y/L
    in_um = max(lengths) <= 3 * min(lengths)
    if len(study.cases) == 1:
        return _snapshots(study.cases[0], *found[0])
    look = look_of_cases(study)
    told = {}
    if direction == 1:
        told = {k: _second_lithium(study.cases[k], found[k][0]) for k in found}
    listed = len(look.panels) == 1 and not look.bar
    if listed:  # else one entry may stand for several cases
        label = {k: f"{words}{told.get(k, '')}" for k, words in look.label.items()}
        look = replace(look, label=label)
    figure, axes = look.draw()
    if any(told.values()):
        for ax in axes[0]:
            _one_lithium(ax)
    ends: dict[Axes, list[tuple[float, float, str]]] = {}
    for k, (ax,) in look.places(axes):
        if k in found:
            cycle, step = found[k]
            curves = study.cases[k].case.curves.sel(cycle=cycle, step=step.number)
            depth = curves["depth"].values * (study.cases[k].thickness if in_um else 1)
            profile = curves["Stoichiometry"].values[-1]
            ax.plot(depth, profile, color=look.colour[k])
            ends.setdefault(ax, []).append((depth[-1], profile[-1], told.get(k, "")))
    for ax in axes[0]:
        ax.set_xlim(0, max(lengths) if in_um else 1)
    if not listed:
        for ax, lines in ends.items():
            _at_their_ends(ax, lines)
    word = "discharge" if direction == 1 else "charge"
    x = "Depth (µm)" if in_um else "Depth / thickness"
    label_outer(axes, x, [f"Stoichiometry at end of {word}"])
    look.key(figure, axes[0])
    return figure


def _second_lithium(run: Run, cycle: int) -> str:
    """How much of the film took the second lithium, to follow the name of a case."""
    row = next(r for r in run.case.rows if int(r["Cycle number"]) == cycle)
    share = row.get(SECOND_LITHIUM)
    return "" if missing(share) else f": {share:.1f} %"


def _at_their_ends(ax: Axes, lines: Sequence[tuple[float, float, str]]) -> None:
    """Shares below the ends of the lines, where there is room and they are not 0."""
    low, high = ax.get_ylim()
    how: Any = {"textcoords": "offset points", "ha": "right", "va": "top", "fontsize": 7}
    below = -np.inf
    for x, y, share in sorted(lines, key=lambda line: line[1]):
        words = share.removeprefix(": ")
        if words and words != "0.0 %" and y - below > 0.07 * (high - low):
            ax.annotate(words, (x, y), (0, -2), **how)
        below = y


def _one_lithium(ax: Axes) -> None:
    """A thin line at one lithium per formula unit."""
    ax.axhline(1, color="0.6", lw=0.6, zorder=0)


def _snapshots(run: Run, cycle: int, step: Step) -> Figure:
    curves = run.case.curves.sel(cycle=cycle, step=step.number)
    charge = curves["Snapshot capacity [uA.h.cm-2]"].values
    cmap, norm = viridis(), Normalize(0, float(charge[-1]) or 1.0)
    figure = new_figure(5.2, 3.3)
    ax = figure.subplots()
    for q, profile in zip(charge, curves["Stoichiometry"].values, strict=True):
        ax.plot(curves["depth"].values * run.thickness, profile, color=cmap(norm(q)))
    ax.set(xlabel="Depth (µm)", ylabel="Stoichiometry", xlim=(0, run.thickness))
    share = _second_lithium(run, cycle) if step.direction == 1 else ""
    if share:
        _one_lithium(ax)
        ax.set_title(f"Second lithium at end of discharge{share}")
    word = "Discharged" if step.direction == 1 else "Charged"
    bar = ScalarMappable(norm, cmap)
    figure.colorbar(bar, ax=ax, label=f"{word} (µAh cm⁻²)", pad=0.02)
    return figure

"""Figures of curves: voltage, differential capacity, losses and concentration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from .look import Look, look_of_cases
from .study import CURRENT, MASS, TIME, VOLTAGE, Branch, Run, Step, Study
from .style import DASHED, PER_MASS, both_units, grid, label_outer, new_figure, viridis

DQDV_GRID = 0.002  # V between points of dQ/dV
DQDV_WIDTH = 0.005  # V, standard deviation of its Gaussian smoothing
SURFACE = "Open-circuit potential at the surface [V]"
PARTS = {  # part of the voltage, how it enters V = U(surface) + ..., and its colour
    "Cathode overpotential [V]": ("Cathode interface", 1, "#D55E00"),
    "Film voltage drop [V]": ("Interface film", -1, "#999999"),
    "Electron path voltage drop [V]": ("Electron path", -1, "#F0E442"),
    "Electrolyte voltage drop [V]": ("Electrolyte", -1, "#56B4E9"),
    "Lithium overpotential [V]": ("Lithium interface", -1, "#CC79A7"),
    "Contact voltage drop [V]": ("Contacts", -1, "#332288"),
}


# --- Against capacity and voltage ------------------------------------------------------


def _differs(run: Run) -> bool:
    """Whether the first cycle is worth drawing beside the last."""
    first = run.case.rows[0]
    names = ("Charge capacity [uA.h.cm-2]", "Discharge capacity [uA.h.cm-2]")
    return len(run.cycles) > 1 and any(
        abs(first[n] - run.row[n]) > 2e-3 * max(first[n], run.row[n], 1e-30)
        for n in names
    )


def _branches(look: Look, run: Run) -> Iterator[tuple[Branch, dict[str, Any]]]:
    """Branches to draw and how: of the last cycle, and of the first if it differs."""
    cycles = [(run.last, {"lw": 0.9 if look.bar else 1.3, "ls": "-"})]
    if not look.bar and _differs(run):
        cycles.append((run.cycles[0], {"lw": 0.8, "ls": DASHED}))
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
    hours = [np.nanmax(run.data[TIME]) / 3600 for run in runs]
    if len(runs) > 6 or max(hours) <= 0:
        return None
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


def mean_potential(
    mean: np.ndarray, surface: np.ndarray, potential: np.ndarray
) -> np.ndarray:
    """Open-circuit potential [V] at the mean stoichiometry, from those the surface passed
    through and the potentials there, in any order; NaN where it never was."""
    there = np.isfinite(surface)
    order = np.argsort(surface[there], kind="stable")
    x, U = surface[there][order], potential[there][order]
    return np.interp(mean, x, U, left=np.nan, right=np.nan)


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
        shown |= _stack(ax, study.cases[k], step)
        ax.set(xlim=(0, step[MASS][-1]), xlabel=f"Capacity {PER_MASS}")
        if len(found) > 1:
            ax.set_title(study.labels[k])
    figure.legend(shown.values(), shown.keys(), loc="outside right center")
    return figure


def _stack(ax: Axes, run: Run, step: Step) -> dict[str, Any]:
    """Bands between the open-circuit potential and the voltage; legend entries."""
    q, level = step[MASS], step[SURFACE]
    passed = run.data["Surface stoichiometry"], run.data[SURFACE]
    top = mean_potential(step["Mean stoichiometry"], *passed)
    shown: dict[str, Any] = {}
    (shown["Open circuit, mean"],) = ax.plot(q, top, color="0.3", lw=1.0, ls=DASHED)
    band = ax.fill_between(q, level, top, color="#009E73", alpha=0.55, lw=0)
    shown["Diffusion in the film"] = band
    for name, (label, sign, colour) in PARTS.items():
        part = sign * step[name]
        if np.abs(part).max() < 1e-4:  # a tenth of a millivolt cannot be seen
            continue
        below = level + part
        shown[label] = ax.fill_between(q, below, level, color=colour, alpha=0.55, lw=0)
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
    figure, axes = look.draw()
    for k, (ax,) in look.places(axes):
        if k in found:
            cycle, step = found[k]
            curves = study.cases[k].case.curves.sel(cycle=cycle, step=step.number)
            depth = curves["depth"].values * (study.cases[k].thickness if in_um else 1)
            ax.plot(depth, curves["Stoichiometry"].values[-1], color=look.colour[k])
    for ax in axes[0]:
        ax.set_xlim(0, max(lengths) if in_um else 1)
    word = "discharge" if direction == 1 else "charge"
    x = "Depth (µm)" if in_um else "Depth / thickness"
    label_outer(axes, x, [f"Stoichiometry at end of {word}"])
    look.key(figure, axes[0])
    return figure


def _snapshots(run: Run, cycle: int, step: Step) -> Figure:
    curves = run.case.curves.sel(cycle=cycle, step=step.number)
    charge = curves["Snapshot capacity [uA.h.cm-2]"].values
    cmap, norm = viridis(), Normalize(0, float(charge[-1]) or 1.0)
    figure = new_figure(5.2, 3.3)
    ax = figure.subplots()
    for q, profile in zip(charge, curves["Stoichiometry"].values, strict=True):
        ax.plot(curves["depth"].values * run.thickness, profile, color=cmap(norm(q)))
    ax.set(xlabel="Depth (µm)", ylabel="Stoichiometry", xlim=(0, run.thickness))
    word = "Discharged" if step.direction == 1 else "Charged"
    bar = ScalarMappable(norm, cmap)
    figure.colorbar(bar, ax=ax, label=f"{word} (µAh cm⁻²)", pad=0.02)
    return figure

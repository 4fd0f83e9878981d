"""Figures of lithium that is plated in situ: its first layer, and how long it lasts."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .look import look_of_cases
from .study import Run, Step, Study
from .style import DASHED, label_outer, missing, new_figure

COVERAGE, THICKNESS = "Lithium coverage", "Lithium thickness [um]"
ETA = "Lithium overpotential [V]"
RESERVOIR = "anode.lithium [um]"
LIFE = 0.8  # of the first discharge
THINNEST = 1e-4  # um: below, a layer is less than an atom thick


def _first_plating(run: Run) -> Step | None:
    """The first charge, if it begins on a bare collector."""
    if COVERAGE not in run.data:
        return None
    charges = (s for s in run.steps(run.cycles[0]) if s.direction < 0)
    first = next(charges, None)
    return first if first is not None and first[COVERAGE][0] < 0.5 else None


def first_plating(study: Study) -> Figure | None:
    """Overpotential and coverage against what is plated, in the first charge."""
    found = {k: s for k, run in enumerate(study.cases) if (s := _first_plating(run))}
    if not found:
        return None
    drawn = look_of_cases(study)
    figure, axes = drawn.draw(height=2.6, rows=2)
    for k, (above, below) in drawn.places(axes):
        if k not in found:
            continue
        step = found[k]
        there = step[THICKNESS] > THINNEST
        nm = 1e3 * step[THICKNESS][there]
        above.semilogx(nm, -1e3 * step[ETA][there], color=drawn.colour[k])
        below.semilogx(nm, step[COVERAGE][there], color=drawn.colour[k])
    for ax in axes[0]:
        ax.set_ylim(bottom=0)
    label_outer(axes, "Lithium plated (nm)", ["Overpotential (mV)", "Coverage"])
    drawn.key(figure, list(axes.flat))
    return figure


def cycle_life(run: Run) -> float:
    """Cycles until a discharge gives less than 80 % of the first; NaN if none does."""
    rows = [r for r in run.case.rows if r["Cycle number"] in run.cycles]
    out = np.array([r["Discharge capacity [uA.h.cm-2]"] for r in rows])
    below = np.flatnonzero(out < LIFE * out[0])
    return float(rows[below[0]]["Cycle number"] - 1) if len(below) else np.nan


def life(study: Study) -> Figure | None:
    """Cycle life against the lithium there is as made."""
    if RESERVOIR not in study.numeric_factors:
        return None
    groups: dict[tuple[Any, ...], list[tuple[float, float]]] = {}
    for run in study.cases:
        lithium, cycles = run.row.get(RESERVOIR), cycle_life(run)
        if not missing(lithium) and not missing(cycles):
            key = study.key(run, RESERVOIR)
            groups.setdefault(key, []).append((float(lithium or 0.0), cycles))
    if not any(len(points) > 1 for points in groups.values()):
        return None
    figure = new_figure(4.4, 3.2)
    ax = figure.subplots()
    for points in groups.values():
        x, y = np.array(sorted(points)).T
        ax.plot(x, y, marker="o", ls=DASHED, color="#0072B2", mfc="white")
    ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Lithium as made (µm)")
    ax.set_ylabel(f"Cycles to {100 * LIFE:.0f} % of the first discharge")
    return figure

"""Cyclic voltammogram: current against voltage along the ramps of a cycle."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from .look import look_of_cases
from .study import CURRENT, VOLTAGE, Run, Step, Study
from .style import DASHED, label_outer

SWEEP = "Sweep"  # how the sentence of a ramp begins


def voltammogram(study: Study) -> Figure | None:
    """Draw i(V) of the ramps, of the last cycle and, dashed, of the first.

    Returns
    -------
    Figure or None
        None where no case has a ramp whose curves are kept.
    """
    if not any(list(_sweeps(run, run.last)) for run in study.cases if run.drawn):
        return None
    drawn = look_of_cases(study)
    figure, axes = drawn.draw()
    for k, (ax,) in drawn.places(axes):
        run = study.cases[k]
        for cycle in dict.fromkeys((run.last, run.drawn[0])):
            last = cycle == run.last
            how = {"lw": 1.3} if last else {"lw": 0.8, "ls": DASHED}
            for step in _sweeps(run, cycle):
                ax.plot(step[VOLTAGE], step[CURRENT], color=drawn.colour[k], **how)
    for ax in axes[0]:
        ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    label_outer(axes, "Voltage (V)", ["Current density (µA cm$^{-2}$)"])
    drawn.key(figure, list(axes.flat))
    return figure


def _sweeps(run: Run, cycle: int) -> Iterator[Step]:
    """Return the ramps of a cycle."""
    numbers = {
        row["Step number"]
        for row in run.case.steps
        if row["Cycle number"] == cycle and str(row["Step"]).lstrip().startswith(SWEEP)
    }
    return (step for step in run.steps(cycle) if step.number in numbers)

"""Cyclic voltammogram: current against voltage along the ramps of a cycle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from ..result.columns import STEP
from ..result.samples import CURRENT, VOLTAGE
from .style import captioned, label_outer
from .theme import Theme
from .voltage_capacity import FIRST, cycles_key

SWEEP = "Sweep"  # how the sentence of a ramp begins


def draw(theme: Theme) -> Figure | None:
    """Draw i(V) of the ramps, of the last cycle and, thin and pale, of the first.

    Returns
    -------
    Figure or None
        None where no case has a ramp whose curves are kept.
    """
    study = theme.study
    drawn = [k for k in range(len(study.rows)) if study.drawn(k)]
    if not any(list(_sweeps(theme, k, study.drawn(k)[-1])) for k in drawn):
        return None
    layout = theme.cases()
    figure, axes = layout.draw()
    for k, (ax,) in layout.places(axes):
        cycles = study.drawn(k)
        for n, cycle in enumerate(dict.fromkeys((*cycles[-1:], *cycles[:1]))):
            for xy in _sweeps(theme, k, cycle):
                of, how = ("cycle 1", FIRST) if n else ("", {"lw": 1.3})
                layout.line(ax, k, *xy.T, of, **how)
    for ax in axes[0]:
        ax.axhline(0, color="0.7", lw=0.6, zorder=0)
    label_outer(axes, "Voltage (V)", ["Current density (µA cm⁻²)"])
    layout.key(figure, list(axes.flat), cycles_key(theme, layout))
    return captioned(
        figure,
        "Current against voltage along the ramps of the last cycle, and thin and pale of "
        "the first; discharge is positive.",
    )


def _sweeps(theme: Theme, k: int, cycle: int) -> Iterator[np.ndarray]:
    """Return voltage and current of each ramp of a cycle."""
    numbers = [
        row["Step number"]
        for row in theme.study.case(k).steps
        if row["Cycle number"] == cycle and str(row["Step"]).lstrip().startswith(SWEEP)
    ]
    table = theme.study.cycle(k, cycle)
    for number in numbers:
        yield table.loc[table[STEP] == number, [VOLTAGE, CURRENT]].to_numpy()

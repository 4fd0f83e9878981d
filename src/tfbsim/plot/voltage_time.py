"""Voltage, and of a single case the current, against time."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..result.samples import CURRENT, TIME, VOLTAGE
from .style import captioned, grid, new_figure
from .theme import Theme

MOST = 6  # cases
MARGIN = 1.02  # of the time shown


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    cases = range(len(study.rows))
    if not cases or len(cases) > MOST or not all(study.drawn(k) for k in cases):
        return None
    data = [study.of_case(k)[[TIME, VOLTAGE, CURRENT]].to_numpy() for k in cases]
    data = [table * [1 / 3600, 1, 1] for table in data]
    hours = [float(table[-1, 0]) for table in data]
    if max(hours) <= 0:
        return None
    hours = [hour or max(hours) for hour in hours]  # of one that ended at once
    layout = theme.cases()
    words = "Voltage against time"

    def line(ax: Axes, k: int, column: int = 1, **how: Any) -> None:
        layout.line(ax, k, data[k][:, 0], data[k][:, column], **{"lw": 1.0} | how)

    if len(cases) == 1:
        figure = new_figure(5.2, 3.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        line(above, 0)
        above.set(ylabel="Voltage (V)", xlim=(0, MARGIN * hours[0]))
        below.axhline(0, color="0.6", lw=0.6)
        line(below, 0, 2, color="0.25")
        below.set(xlabel="Time (h)", ylabel="Current\n(µA cm⁻²)")
        figure.align_ylabels()
        words = "Voltage and current, that of a discharge positive, against time"
    elif len(layout.panels) == 1 and max(hours) <= 3 * min(hours):
        figure = new_figure(5.6, 3.0)
        ax = figure.subplots()
        for k in cases:
            line(ax, k)
        ax.set(xlabel="Time (h)", ylabel="Voltage (V)", xlim=(0, MARGIN * max(hours)))
        layout.key(figure, [ax])
    else:
        columns = 2 if len(cases) <= 4 else 3
        size = (6.0 if columns == 2 else 6.9, 0, 0, 1.9)
        figure, axes = grid(len(cases), columns, size)
        for k, ax in enumerate(axes):
            line(ax, k)
            ax.set(xlabel="Time (h)", xlim=(0, MARGIN * hours[k]), title=study.labels[k])
    if any(len(study.run(k)) < len(study.drawn(k)) for k in cases):
        ends = [(study.run(k)[0], study.run(k)[-1]) for k in cases]
        first, last = min(a for a, _ in ends), max(b for _, b in ends)
        cycles = f"cycles {first} to {last}" if first < last else f"cycle {first}"
        words += f" in {cycles}, of those whose curves are kept"
    return captioned(figure, f"{words}.")

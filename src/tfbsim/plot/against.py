"""What cells give against a quantity that varies: lines over one, or over each of two."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..data.curve_table import CYCLE
from ..errors import InputError
from ..result.columns import SHARE
from ..result.result import Result
from ..result.sensitivity import ANSWERS
from ..result.sweep_table import Varied, dataset
from .axes import both_units, log_x, plain_log, subplots
from .cases import AREAL, PER_GRAM, Cases
from .encoding import by_series
from .labels import PER_AREA, PER_MASS, axis_label, key_label
from .layout import evenly
from .looks import entry, measured, measured_key, ordered_colours, shades
from .style import finished, styled

LINE = 3  # points that make a line; two are marks, and what is between is not known
RESERVOIR = "anode.lithium [um]"
LIFE = 0.8  # of the first discharge
THICKNESS = "cathode.thickness [um]"
MOST_LINES = 6
LEAST_LEVELS = 3
LEAST_SHARE = 0.01  # % of the equilibrium capacity: where the axis ends at the latest
ENOUGH = 80.0  # %, marked


def capacity(cases: Cases, column: str) -> Figure | None:
    """Draw a line for each group of cases that differ in the column only."""
    if column not in cases.numeric_factors:
        return None
    lines = cases.series(column)
    x = {key: cases.numbers(column, members) for key, members in lines.items()}
    several = {key: len(set(values)) for key, values in x.items()}
    if max(several.values(), default=0) < LINE:
        return None
    # A single case is no line: it belongs to another quantity's
    x = {key: values for key, values in x.items() if several[key] > 1}
    layout = by_series(cases, x, column)
    layout.apart = {key for key in x if not len(x[key]) == several[key] >= LINE}
    loading, by_area = cases.loading, cases.measured_by_area
    units = [by_area] if loading is not None else [False, True]
    statuses: list[str] = []
    for key, places in layout.draw(rows=len(units)):
        members, look = lines[key], layout.look(key)
        if look["ls"] and len(members) <= 15:
            look["marker"] = "."
        for ax, in_area in zip(places, units, strict=True):
            out = cases.numbers(AREAL if in_area else PER_GRAM, members)
            if several[key] < LINE:
                ax.plot(x[key], out, **look)
            else:
                layout.line(ax, key, x[key], out, **look)
            for at, case in zip(x[key], members, strict=True):
                for row, mass, area in cases.points(case, "Discharge"):
                    ax.plot(at, area if in_area else mass, **measured(row["Status"]))
                    statuses.append(row["Status"])
    for ax in layout.axes.flat:
        log_x(ax, np.concatenate(list(x.values())), column)
        ax.set_ylim(0, ax.get_ylim()[1])
    y = [f"Discharge capacity {PER_AREA if unit else PER_MASS}" for unit in units]
    label = words = "C-rate"
    if column != label:
        label = axis_label(column)
        words = label[:1].lower() + label[1:].partition(" (")[0]
    apart = any(number < LINE for number in several.values())
    legend = [entry("simulated", color="0.3", marker="."), *measured_key(statuses)]
    figure = layout.finish(
        *("rate-capability", label, *y),
        more=legend if statuses else (),
        details={"x": words, "points": " Two points alone are not joined." * apart},
    )
    if loading is not None and len(layout.panels) == 1:
        both_units(layout.axes[0, 0], loading, by_area)
    return figure


def cycle_life(table: pd.DataFrame) -> float:
    """Return the cycles until a discharge gives less than 80 % of the first; or NaN."""
    out = table[AREAL].to_numpy()
    below = np.flatnonzero(out < LIFE * out[0])
    return float(table[CYCLE].iloc[below[0]] - 1) if len(below) else np.nan


def life(cases: Cases) -> Figure | None:
    """Draw cycle life against the lithium there is as made."""
    if RESERVOIR not in cases.numeric_factors:
        return None
    lines = {}
    for key, members in cases.series(RESERVOIR).items():
        lives = [cycle_life(cases.table(case)) for case in members]
        points = np.stack([cases.numbers(RESERVOIR, members), lives])
        points = points[:, np.isfinite(lives)]
        if points.shape[1] > 1:
            lines[key] = points
    if not lines:
        return None
    layout = by_series(cases, lines, RESERVOIR)
    for key, (ax,) in layout.draw():
        ax.plot(*lines[key], **layout.look(key) | {"marker": "."})
    for ax in layout.axes[0]:
        ax.set_xlim(left=-0.02 * ax.get_xlim()[1])
        ax.set_ylim(0, 1.05 * ax.dataLim.y1)
    percent = 100 * LIFE
    y = f"Cycles to {percent:.0f} % of the first discharge"
    return layout.finish(
        "cycle-life", "Lithium as made (µm)", y, details={"share": percent}
    )


def slices(result: Result, of: Varied) -> Figure | None:
    """Draw capacity, energy and share of the equilibrium capacity over two factors of a
    grid, at some values of the other; further factors have a middle value."""
    wide = [c for c, f in of.factors.items() if len(f.levels) >= LEAST_LEVELS]
    if len(wide) < 2:
        return None
    wide = sorted(wide, key=lambda c: -len(of.factors[c].levels))[:2]
    data = dataset(result, [ANSWERS[0], ANSWERS[2], SHARE])
    if "cycle" in data.dims:
        data = data.isel(cycle=-1)
    middle = {c: data.sizes[c] // 2 for c in of.factors if c not in wide}
    data = data.isel(middle)
    answers = [ANSWERS[0], ANSWERS[2]]
    if SHARE in data and np.isfinite(data[SHARE].values).sum() >= LEAST_LEVELS:
        answers.append(SHARE)
    data = data[answers].sortby(wide)
    shape = len(answers), len(wide)
    size = 3.5 * shape[1] + 0.6, 2.3 * shape[0] + 0.8
    figure, axes = subplots(*size, *shape, sharex="col", sharey="row")
    chosen = []
    # Each factor has its own range of colours: no colour means two things
    pairs = ((*wide, "YlOrRd"), (*wide[::-1], "viridis"))
    for column, (along, other, colours) in zip(axes.T, pairs, strict=True):
        x, levels = data[along].values, data[other].values
        rows = evenly(range(len(levels)), MOST_LINES)
        heading, _, unit = axis_label(other).rpartition(" (")
        heading = heading or unit
        if len(rows) < len(levels):
            chosen.append(f"{len(rows)} of {len(levels)} values of {heading}")
        drawn = shades(colours)(np.linspace(0, 1, len(rows)))
        for name, ax in zip(answers, column, strict=True):
            for colour, k in zip(drawn, rows, strict=True):
                y = data[name].isel({other: k}).values
                if np.isfinite(y).any():
                    label = key_label([other], [float(levels[k])])
                    dots = "." if len(y) <= 15 else ""
                    ax.plot(x, y, color=colour, label=label, marker=dots)
            log_x(ax, x, along)
        column[-1].set_xlabel(axis_label(along))
        column[0].legend(
            title=heading, loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0)
        )
    for name, row in zip(answers, axes, strict=True):
        row[0].set_ylabel(axis_label(name))
        if name == SHARE:
            low = min(ax.dataLim.minposy for ax in row)
            row[0].set(yscale="log", ylim=(max(0.8 * low, LEAST_SHARE), 125))
            plain_log(row[0].yaxis)
            for ax in row:
                ax.axhline(ENOUGH, color="0.5", lw=0.7, ls=":")
        else:
            row[0].set_ylim(0, 1.05 * max(ax.dataLim.y1 for ax in row))
    gave = "and the share of the equilibrium capacity that the discharge gave"
    details = {
        "share": f", {gave} (dotted: {ENOUGH:g} %)," if SHARE in answers else "",
        "chosen": f": {', '.join(chosen)}" if chosen else "",
    }
    if middle:
        fixed = key_label(list(middle), [float(data[c]) for c in middle])
        figure.suptitle(f"at {fixed}", fontsize=8, color="0.35")
    return finished(figure, "slices", details=details)


@styled()
def thickness(found: pd.DataFrame) -> Figure:
    """Draw what :func:`tfbsim.thickness_for` found, with each root marked.

    Parameters
    ----------
    found : DataFrame
        Found with ``curve=True``.

    Raises
    ------
    InputError
        Found without.
    """
    if "curve" not in found.attrs:
        raise InputError("must be True for the figure", field="curve")
    share, curve = 100 * found.attrs["share"], pd.DataFrame(found.attrs["curve"])
    rows = found.to_dict("records")
    figure, axes = subplots(7.4, 3.2, 1, 2, sharex=True)
    left, right = axes[0]
    for ax, y in zip((left, right), (SHARE, AREAL), strict=True):
        for colour, row in zip(ordered_colours(len(rows)), rows, strict=False):
            line = curve[curve["Discharge"] == row["Discharge"]]
            ax.plot(line[THICKNESS], line[y], color=colour, label=row["Discharge"])
            ax.plot(row[THICKNESS], row[y], "o", color=colour)
        ax.set(xscale="log", xlabel="Cathode thickness (µm)")
        plain_log(ax.xaxis)
        ax.set_ylim(0)
    left.axhline(share, color="0.5", lw=0.7, ls=":")
    left.set_ylabel("Of equilibrium capacity (%)")
    right.set_ylabel(f"Discharge capacity {PER_AREA}")
    handles = left.get_legend_handles_labels()[0]
    words = ""
    if without := found.loc[found[THICKNESS].isna(), "Discharge"].tolist():
        words = f"; not met or met everywhere: {', '.join(without)}"
    details = {"share": share, "without": words}
    return finished(figure, "thickness", handles, details=details, title="Discharge")

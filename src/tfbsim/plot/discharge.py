"""The last discharge: where its voltage goes, and stoichiometry through the films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ..data.curve_table import AREA, CYCLE, DIRECTION, MASS, STEP, VOLTAGE
from ..physics.law import Declared
from ..result.case import CaseResult
from ..result.columns import SECOND_LITHIUM
from ..result.losses import overpotentials
from ..result.names import OPEN_CIRCUIT
from .axes import grid, subplots
from .cases import Cases
from .encoding import by_case
from .labels import PER_MASS, missing
from .layout import evenly
from .looks import DASHED, labelled, loss_fills, shades
from .style import finished

CHARGE = "Snapshot capacity [uA.h.cm-2]"
FILMS = {  # profile and thickness of each
    "cathode": ("Stoichiometry", "Cathode thickness [um]"),
    "anode": ("Anode stoichiometry", "Anode thickness [um]"),
}
MOST_STACKS = 4  # cases
NOT_SEEN = 1e-4  # V: a tenth of a millivolt
MOST = 9  # profiles of a single case
SECOND = (
    " The thin line is at one lithium per formula unit; the percentage is how much of "
    "the film's room for more was filled."
)


def losses(cases: Cases, laws: Declared) -> Figure | None:
    """Draw where the voltage of the last discharge goes."""
    found = cases.last_branches()
    if not 1 <= len(found) <= MOST_STACKS:
        return None
    columns = min(len(found), 2)
    size = (5.4, 0, 3.3, 0) if columns == 1 else (6.9, 0, 0, 2.5)
    figure, axes = grid(len(found), columns, size)
    shown: dict[str, Artist] = {}
    for (case, branch), ax in zip(found.items(), axes, strict=True):
        shown |= _stack(ax, branch, laws)
        reach = float(branch[MASS].iloc[-1]) or 1.0
        ax.set(xlim=(-0.01 * reach, 1.02 * reach), xlabel=f"Capacity {PER_MASS}")
        if len(found) > 1:
            ax.set_title(cases.labels[case])
    shown["Cell voltage"] = shown.pop("Cell voltage")  # last, under all losses there are
    word = "discharge" if branch[DIRECTION].iloc[0] == 1 else "charge"
    pulses = " with all its pulses and rests" if branch[STEP].nunique() > 3 else ""
    details = {"step": word + pulses}
    return finished(figure, "losses", labelled(shown), details=details)


def _stack(ax: Axes, branch: pd.DataFrame, laws: Declared) -> dict[str, Artist]:
    """Draw bands from the open-circuit voltage to the voltage; return legend entries."""
    q, level = branch[MASS].to_numpy(), branch[OPEN_CIRCUIT].to_numpy()
    shown: dict[str, Artist] = {}
    (shown["Open circuit, mean"],) = ax.plot(q, level, color="0.3", lw=1.0, ls=DASHED)
    found = overpotentials(branch, laws)
    parts = {name: np.asarray(eta) for name, eta in found.items()}
    parts = {name: eta for name, eta in parts.items() if not np.isnan(eta).any()}
    fills = loss_fills(list(parts), laws)
    for name, eta in parts.items():
        below = level - eta
        if np.abs(eta).max() >= NOT_SEEN:
            shown[name] = ax.fill_between(q, below, level, **fills[name])
        level = below
    V = branch[VOLTAGE].to_numpy()
    (shown["Cell voltage"],) = ax.plot(q, V, color="black", lw=1.0)
    return shown


def concentration(cases: Cases, drawn: Mapping[str, CaseResult]) -> Figure | None:
    """Draw profiles at the end of the last discharge, of a single case all along it."""
    found = cases.last_branches()
    if not found:
        return None
    direction = max(branch[DIRECTION].iloc[0] for branch in found.values())
    found = {c: b for c, b in found.items() if b[DIRECTION].iloc[0] == direction}
    word = "discharge" if direction == 1 else "charge"
    curves = {case: drawn[case].curves for case in found}
    there = [of for of, (x, _) in FILMS.items() if any(x in c for c in curves.values())]
    shares = {c: _second_lithium(cases.table(c), b, direction) for c, b in found.items()}
    details = {"films": " and the ".join(there), "step": word, "profiles": ""}
    details["second"] = SECOND if any(shares.values()) else ""
    details["when"] = "at the end of"
    if len(cases.rows) == 1:
        ((case, branch),) = found.items()
        details["when"] = "during"
        figure, details["profiles"] = _snapshots(
            curves[case], branch, word, shares[case], there
        )
        return finished(figure, "concentration", details=details)
    lengths = {k: float(c["Cathode thickness [um]"]) for k, c in curves.items()}
    longest = max(lengths.values())
    # films of very different thickness can only share an axis of y/L
    in_um = longest <= 3 * min(lengths.values()) and len(there) == 1
    layout = by_case(cases)
    listed = len(layout.panels) == 1 and not layout.bar
    if listed:  # else one entry may stand for several cases
        layout.label = {k: w + shares.get(k, "") for k, w in layout.label.items()}
    ends: dict[Axes, list[tuple[float, float, str]]] = {}
    for case, places in layout.draw(rows=len(there)):
        for of, ax in zip(there, places, strict=True):
            if case in found and FILMS[of][0] in curves[case]:
                depth = curves[case]["depth"].values * (lengths[case] if in_um else 1)
                profile = _profiles(curves[case], found[case], of)[-1][1]
                layout.line(ax, case, depth, profile)
                if of == "cathode" and not listed:
                    at = depth[-1], profile[-1], shares[case]
                    ends.setdefault(ax, []).append(at)
    reach = longest if in_um else 1.0
    for ax in layout.axes[0]:
        ax.set_xlim(-0.01 * reach, 1.01 * reach)
        if any(shares.values()):
            _one_lithium(ax)
    for ax, lines in ends.items():
        _at_their_ends(ax, lines)
    x = "Depth (µm)" if in_um else "Depth / thickness"
    y = [f"x in the {of}" for of in there]
    if len(there) == 1:
        y = [f"Stoichiometry at end of {word}"]
    return layout.finish("concentration", x, *y, details=details)


def _one_lithium(ax: Axes) -> None:
    """Draw a line at one lithium per formula unit."""
    ax.axhline(1, color="0.6", lw=0.6, zorder=0)


def _second_lithium(table: pd.DataFrame, branch: pd.DataFrame, direction: int) -> str:
    """Return the share that took the second lithium, to follow a case's name."""
    if direction != 1 or SECOND_LITHIUM not in table:
        return ""
    share = table.loc[table[CYCLE] == branch[CYCLE].iloc[0], SECOND_LITHIUM].iloc[0]
    return "" if missing(float(share)) else f": {share:.1f} %"


def _profiles(
    curves: xr.Dataset, branch: pd.DataFrame, of: str
) -> list[tuple[float, np.ndarray]]:
    """Return charge passed [uAh/cm2] and profile of a film at moments of a branch: of a
    single step the snapshots there are, of several the ends of those that pass charge."""
    ends = branch.groupby(STEP)[AREA].agg(["first", "last"])
    ends = ends[ends["last"] > ends["first"]]["last"]
    of_cycle = curves[[FILMS[of][0], CHARGE]].sel(cycle=branch[CYCLE].iloc[0])
    found: list[tuple[float, np.ndarray]] = []
    for step, end in ends.items():
        own = of_cycle.sel(step=step)
        x = own[FILMS[of][0]].values
        if len(ends) == 1:
            return list(zip(own[CHARGE].values, x, strict=True))
        found += [(end, x[-1])] if found else [(0.0, x[0]), (end, x[-1])]
    return found


def _at_their_ends(ax: Axes, lines: Sequence[tuple[float, float, str]]) -> None:
    """Write shares below the ends of the lines, where there is room."""
    low, high = ax.get_ylim()
    below = -np.inf
    for x, y, share in sorted(lines, key=lambda line: line[1]):
        words = share.removeprefix(": ")
        if words and words != "0.0 %" and y - below > 0.07 * (high - low):
            note = ax.annotate(words, (x, y), (0, -2), textcoords="offset points")
            note.set(ha="right", va="top", fontsize=7)
        below = y


def _snapshots(
    curves: xr.Dataset, branch: pd.DataFrame, word: str, share: str, films: Sequence[str]
) -> tuple[Figure, str]:
    """Draw the profiles of a single case; return which they are, if not those kept."""
    found = {of: _profiles(curves, branch, of) for of in films}
    number = len(found["cathode"])
    scale = ScalarMappable(
        Normalize(0, float(found["cathode"][-1][0]) or 1.0), shades("viridis")
    )
    size = (5.2, 3.3) if len(films) == 1 else (6.9, 3.1)
    figure, axes = subplots(*size, 1, len(films))
    for of, ax in zip(films, axes[0], strict=True):
        thickness = float(curves[FILMS[of][1]])
        profiles = evenly(found[of], MOST)
        colours = scale.to_rgba(np.array([q for q, _ in profiles]))
        for (_, profile), colour in zip(profiles, colours, strict=True):
            ax.plot(curves["depth"].values * thickness, profile, color=colour)
        ax.set(xlabel="Depth (µm)", ylabel="Stoichiometry")
        ax.set_xlim(-0.01 * thickness, 1.01 * thickness)
        if len(films) > 1:
            ax.set_title(of.capitalize())
    if share:
        _one_lithium(axes[0, 0])
        axes[0, 0].set_title(f"Second lithium at end of discharge{share}")
    label = f"{word.capitalize()}d (µAh cm⁻²)"
    figure.colorbar(scale, ax=list(axes[0]), label=label, pad=0.02)
    if branch[STEP].nunique() == 1 or number <= 2:
        return figure, ""
    some = f", {MOST} of {number} evenly chosen" if number > MOST else ""
    pulses = f"{number - 1} pulses{some}."
    return figure, f" The lines are at its start and at ends of its {pulses}"

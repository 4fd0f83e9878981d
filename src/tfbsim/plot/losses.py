"""Where the voltage of the last discharge goes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..physics.law import Declared
from ..result.columns import STEP
from ..result.losses import OPEN_CIRCUIT, overpotentials
from ..result.samples import DIRECTION, MASS, VOLTAGE
from .style import DASHED, PER_MASS, captioned, grid
from .theme import Theme, loss_fills

MOST = 4  # cases
NOT_SEEN = 1e-4  # V: a tenth of a millivolt


def draw(theme: Theme) -> Figure | None:
    study = theme.study
    found = study.last_branches()
    if not 1 <= len(found) <= MOST:
        return None
    columns = min(len(found), 2)
    size = (5.4, 0, 3.3, 0) if columns == 1 else (6.9, 0, 0, 2.5)
    figure, axes = grid(len(found), columns, size)
    shown: dict[str, Any] = {}
    for (k, branch), ax in zip(found.items(), axes, strict=True):
        shown |= _stack(ax, branch, study.result.laws)
        reach = float(branch[MASS].iloc[-1]) or 1.0
        ax.set(xlim=(-0.01 * reach, 1.02 * reach), xlabel=f"Capacity {PER_MASS}")
        if len(found) > 1:
            ax.set_title(study.labels[k])
    shown["Cell voltage"] = shown.pop("Cell voltage")  # last, under all losses there are
    figure.legend(shown.values(), shown.keys(), loc="outside right center")
    word = "discharge" if branch[DIRECTION].iloc[0] == 1 else "charge"
    pulses = " with all its pulses and rests" if branch[STEP].nunique() > 3 else ""
    return captioned(
        figure,
        f"Where the voltage of the last {word}{pulses} goes. The dashed line is the "
        "open-circuit voltage at the mean stoichiometry; diffusion is its distance to "
        "that at the surface.",
    )


def _stack(ax: Axes, branch: pd.DataFrame, laws: Declared) -> dict[str, Any]:
    """Draw bands from the open-circuit voltage to the voltage; return legend entries."""
    q, level = branch[MASS].to_numpy(), branch[OPEN_CIRCUIT].to_numpy()
    shown: dict[str, Any] = {}
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

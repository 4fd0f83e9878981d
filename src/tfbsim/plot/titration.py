"""Diffusivity against stoichiometry, as titrations give it and as the cell has it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..cell.cell import Cell
from ..fitting.titration import of_cell
from .style import captioned, new_figure, plain_log, styled
from .theme import FACTOR_COLOURS


def titration_figure(table: pd.DataFrame, cell: Cell) -> Figure:
    """Draw D of each pulse or hold beside the D of the cell, and the ratio of both."""
    with styled():
        figure = new_figure(5.2, 4.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        ends = table["Stoichiometry"].min(), table["Stoichiometry"].max()
        x = np.linspace(*ends, 200)
        above.plot(x, 1e4 * of_cell(cell, x), color="black", lw=1.0, label="of the cell")
        below.axhline(1.0, color="black", lw=1.0)
        for k, (method, one) in enumerate(table.groupby("Method", sort=False)):
            how = {"ls": "", "marker": "os^D"[k % 4], "ms": 4, "mfc": "none"}
            how |= {"color": FACTOR_COLOURS[k % len(FACTOR_COLOURS)]}
            above.plot(one["Stoichiometry"], one["D [cm2.s-1]"], label=method, **how)
            below.plot(one["Stoichiometry"], one["Ratio"], **how)
        above.set(yscale="log", ylabel="D (cm² s⁻¹)")
        below.set(yscale="log", xlabel="Stoichiometry x", ylabel="over that of the cell")
        plain_log(below.yaxis)
        figure.legend(loc="outside upper center", ncols=3)
        figure.align_ylabels()
        return captioned(
            figure,
            "Diffusivity as titrations give it (points) and that of the cell (line); "
            "below, one over the other, which is the error of the approximation.",
        )

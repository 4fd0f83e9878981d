"""Diffusivity against stoichiometry, as titrations give it and as the cell has it."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from .style import captioned, new_figure, styled
from .theme import FACTOR_COLOURS


def titration_figure(table: pd.DataFrame) -> Figure:
    """Draw D of each pulse or hold beside the D of the cell."""
    with styled():
        figure = new_figure(5.2, 3.4)
        ax = figure.subplots()
        own = table.sort_values("Stoichiometry")
        ax.plot(
            own["Stoichiometry"],
            own["D of the cell [cm2.s-1]"],
            color="black",
            lw=1.0,
            label="of the cell",
        )
        for k, (method, one) in enumerate(table.groupby("Method")):
            ax.plot(
                one["Stoichiometry"],
                one["D [cm2.s-1]"],
                "o",
                ms=4,
                mfc="none",
                color=FACTOR_COLOURS[k],
                label=str(method),
            )
        ax.set(yscale="log", xlabel="Stoichiometry x", ylabel="D (cm² s⁻¹)")
        ax.legend()
        return captioned(
            figure,
            "Diffusivity as titrations give it (points), and that of the cell (line).",
        )

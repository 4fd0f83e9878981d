"""Share of the equilibrium capacity, and capacity, against thickness."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from ..errors import InputError
from ..result.columns import SHARE
from .study import AREAL
from .style import PER_AREA, captioned, new_figure, plain_log, styled
from .theme import ordered_colours

THICKNESS = "cathode.thickness [um]"


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
    with styled():
        figure = new_figure(7.4, 3.2)
        axes = figure.subplots(1, 2, sharex=True)
        rows = found.to_dict("records")
        for colour, row in zip(ordered_colours(len(rows)), rows, strict=False):
            line = curve[curve["Discharge"] == row["Discharge"]]
            for ax, y in zip(axes, (SHARE, AREAL), strict=True):
                ax.plot(line[THICKNESS], line[y], color=colour, label=row["Discharge"])
                ax.plot(row[THICKNESS], row[y], "o", color=colour)
        for ax in axes:
            ax.set(xscale="log", xlabel="Cathode thickness (µm)")
            plain_log(ax.xaxis)
            ax.set_ylim(0)
        axes[0].axhline(share, color="0.5", lw=0.7, ls=":")
        axes[0].set_ylabel("Of equilibrium capacity (%)")
        axes[1].set_ylabel(f"Discharge capacity {PER_AREA}")
        handles, labels = axes[0].get_legend_handles_labels()
        where = "outside right center"
        figure.legend(handles, labels, title="Discharge", loc=where)
    words = "Share of the equilibrium capacity and areal capacity of a discharge against "
    words += f"the thickness of the cathode. Dots: where the share is {share:g} %"
    if missing := found.loc[found[THICKNESS].isna(), "Discharge"].tolist():
        words += f"; not met or met everywhere: {', '.join(missing)}"
    return captioned(figure, f"{words}.")

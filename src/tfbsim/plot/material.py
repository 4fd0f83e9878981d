"""Laws of a material: open-circuit potential and diffusivity against lithium content, as
the library, slow charges and discharges, and titrations give them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..cell.cell import Cell
from ..errors import InputError
from ..fitting.ocv import OcvFit
from ..fitting.titration import of_cell
from ..materials.laws import Law, MultiSite, PotentialLaw
from ..materials.material import Material
from .axes import grid, plain_log, subplots
from .labels import text
from .looks import DASHED, FACTOR_COLOURS, FEW, Look
from .style import STYLE, finished, styled

POINTS = 400
EDGE = 0.02  # of the range at either end, where tails of the sites are no measurement


@styled()
def draw(materials: Sequence[Material]) -> Figure:
    """Draw U(x) beside D(x) of one electrode; of several, a panel of U(x) each."""
    if len(materials) == 1:
        return _one(materials[0])
    size = (7.2, 0, 0.3, 1.55)
    figure, axes = grid(len(materials), 4, size, "U (V against Li)", sharey=False)
    for ax, material in zip(axes, materials, strict=True):
        _potential(ax, material)
        ax.set_title(text(material.name), loc="left")
    figure.supxlabel("Lithium per formula unit x", fontsize=STYLE["axes.labelsize"])
    return finished(figure, "electrodes")


def _law(material: Material) -> PotentialLaw:
    if (law := material.potential) is None:
        raise InputError(f"{material.name} is no electrode: it has no U(x) to draw")
    return law


def _one(material: Material) -> Figure:
    figure, axes = subplots(7.2, 2.8, 1, 2)
    left, right = axes[0]
    _potential(left, material)
    left.set(xlabel="Lithium per formula unit x", ylabel="U (V against Li)")
    law, D = _law(material), material.fields.get("diffusivity")
    if not isinstance(D, Law):
        raise InputError(f"{material.name} leaves D(x) to a cell: it cannot be drawn")
    x = np.linspace(EDGE, 1 - EDGE, POINTS) * law.x_max
    low, high = D.valid
    x = x[(low <= x) & (x <= high)]
    shown = 1e4 * np.broadcast_to(D(x), x.shape)
    # Its limits first: matplotlib would find none about a constant D
    right.set(ylim=(np.min(shown) / 11, np.max(shown) * 11), yscale="log")
    right.plot(x, shown)
    right.set(xlabel="Lithium per formula unit x", ylabel="D (cm² s⁻¹)")
    right.set(xlim=left.get_xlim())
    details = {"name": material.name, "source": _of(material)}
    return finished(figure, "electrode", details=details)


def _of(material: Material) -> str:
    source = material.values["open_circuit_potential"].source
    return "assumed" if source.startswith("assumed") else source.split(":")[0]


def _potential(ax: Axes, material: Material) -> None:
    law = _law(material)
    curve = law.curve
    x = np.linspace(EDGE, 1 - EDGE, POINTS) * law.x_max
    x = x[(curve.x[0] <= x) & (x <= curve.x[-1])]
    # The range of x that the source of U(x) covers, as its text states it
    valid = material.values["open_circuit_potential"].valid.split(";")[0].split("<=")
    low, high = (float(valid[0]), float(valid[2])) if len(valid) == 3 else (0, law.x_max)
    for outside in (x <= low, x >= high):
        ax.plot(x[outside], curve(x[outside]), color="0.75", lw=1.0)
    inside = (low <= x) & (x <= high)
    style = "--" if _of(material) == "assumed" else "-"
    ax.plot(x[inside], curve(x[inside]), style, color=FACTOR_COLOURS[0])
    ax.set_xlim(0, law.x_max)


@styled()
def ocv_figure(fit: OcvFit) -> Figure:
    """Draw branches and law, their differences, and dQ/dV with its sites."""
    figure, axes = subplots(5.6, 6.4, 3, height_ratios=(1.6, 0.8, 1.2))
    top, middle, bottom = axes[:, 0]
    for k, (name, (x, U)) in enumerate(fit.branches.items()):
        top.plot(x, U, color=FACTOR_COLOURS[1 - k], lw=0.9, label=name)
    top.plot(fit.x, fit.U + fit.error, color="black", ls=DASHED, label="law")
    top.set_ylabel("Voltage (V)")
    top.legend()
    shown = np.where(fit.flat, 1e3 * fit.error, np.nan)
    middle.plot(fit.x, shown, color="black")
    middle.axhline(0, color="0.6", lw=0.7)
    middle.set(ylabel="Law − mean (mV)", xlabel="Stoichiometry x")
    U = np.linspace(fit.U.min(), fit.U.max(), 800)
    bottom.plot(U, fit.law.capacity_density(U), color="black")
    sites = zip(fit.law.U, fit.law.X, fit.law.omega, strict=True)
    for k, (at, X, w) in enumerate(sites):
        one = MultiSite((at,), (X,), (w,), fit.law.T_ref).capacity_density(U)
        colour = FACTOR_COLOURS[k % FEW]
        bottom.fill_between(U, one, color=colour, alpha=0.25, lw=0)
        if U[0] <= at <= U[-1]:
            bottom.text(at, 0.5 * one.max(), f"{at:.2f}", ha="center", fontsize=7)
    bottom.set_ylim(0)
    bottom.set(xlabel="Voltage (V)", ylabel="−dx/dU (V⁻¹)")
    figure.align_ylabels()
    return figure


@styled()
def titration_figure(table: pd.DataFrame, cell: Cell) -> Figure:
    """Draw D of each pulse or hold beside the D of the cell, and the ratio of both."""
    figure, axes = subplots(5.2, 4.6, 2, sharex=True, height_ratios=(3, 2))
    above, below = axes[:, 0]
    ends = table["Stoichiometry"].min(), table["Stoichiometry"].max()
    x = np.linspace(*ends, 200)
    above.plot(x, 1e4 * of_cell(cell, x), color="black", lw=1.0, label="of the cell")
    below.axhline(1.0, color="black", lw=1.0)
    for k, (method, one) in enumerate(table.groupby("Method", sort=False)):
        look: Look = {"ls": "", "marker": "os^D"[k % 4], "ms": 4, "mfc": "none"}
        look["color"] = FACTOR_COLOURS[k % FEW]
        above.plot(one["Stoichiometry"], one["D [cm2.s-1]"], label=method, **look)
        below.plot(one["Stoichiometry"], one["Ratio"], **look)
    above.set(yscale="log", ylabel="D (cm² s⁻¹)")
    below.set(yscale="log", xlabel="Stoichiometry x", ylabel="over that of the cell")
    plain_log(below.yaxis)
    figure.align_ylabels()
    key = above.get_legend_handles_labels()[0]
    return finished(figure, "titration", key, "outside upper center", ncols=3)

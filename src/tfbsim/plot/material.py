"""Electrode materials: open-circuit potential and diffusivity against lithium content."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..materials.material import Material
from .style import STYLE, captioned, grid, new_figure, styled, text

POINTS = 400
EDGE = 0.02  # of the range at either end, where tails of the sites are no measurement


def draw(materials: Sequence[Material]) -> Figure:
    """Draw U(x), and D(x), of electrode materials.

    Parameters
    ----------
    materials : sequence of Material
        Each with an ``open_circuit_potential``.  Of several, each U(x) has its own panel.

    Returns
    -------
    Figure
        One material: U(x) beside D(x).  Several: panels of U(x) in the order given.
    """
    with styled():
        if len(materials) == 1:
            return _one(materials[0])
        size = (7.2, 0, 0.3, 1.55)
        figure, axes = grid(len(materials), 4, size, "U (V against Li)", sharey=False)
        for ax, material in zip(axes, materials, strict=True):
            _potential(ax, material)
            ax.set_title(text(material.name), loc="left")
        figure.supxlabel("Lithium per formula unit x", fontsize=STYLE["axes.labelsize"])
        return captioned(
            figure,
            "Open-circuit potential of each electrode of the library; dashed where it is "
            "assumed, grey beyond the range of its source.",
        )


def _one(material: Material) -> Figure:
    figure = new_figure(7.2, 2.8)
    left, right = figure.subplots(1, 2)
    _potential(left, material)
    left.set_xlabel("Lithium per formula unit x")
    left.set_ylabel("U (V against Li)")
    law, D = material.fields["open_circuit_potential"], material.fields["diffusivity"]
    x = np.linspace(EDGE, 1 - EDGE, POINTS) * law.x_max
    low, high = D.valid
    x = x[(low <= x) & (x <= high)]
    shown = 1e4 * np.broadcast_to(D(x), x.shape)
    right.set_ylim(shown.min() / 11, shown.max() * 11)
    right.set_yscale("log")
    right.plot(x, shown)
    right.set_xlim(left.get_xlim())
    right.set_xlabel("Lithium per formula unit x")
    right.set_ylabel("D (cm² s⁻¹)")
    return captioned(
        figure,
        f"{material.name}: open-circuit potential ({_of(material)}; grey beyond its "
        "source) and diffusivity.",
    )


def _of(material: Material) -> str:
    source = material.values["open_circuit_potential"].source
    return "assumed" if source.startswith("assumed") else source.split(":")[0]


def _potential(ax: Axes, material: Material) -> None:
    law = material.fields["open_circuit_potential"]
    curve = law.curve
    x = np.linspace(EDGE, 1 - EDGE, POINTS) * law.x_max
    x = x[(curve.x[0] <= x) & (x <= curve.x[-1])]
    low, high = _range(material, law.x_max)
    inside = (low <= x) & (x <= high)
    style = "--" if _of(material) == "assumed" else "-"
    for outside in (x <= low, x >= high):
        ax.plot(x[outside], curve(x[outside]), color="0.75", lw=1.0)
    ax.plot(x[inside], curve(x[inside]), style, color="#0072B2")
    ax.set_xlim(0, law.x_max)


def _range(material: Material, x_max: float) -> tuple[float, float]:
    """Return the range of x that the source of U(x) covers, as its text states it."""
    valid = material.values["open_circuit_potential"].valid
    parts = valid.split(";")[0].split("<=")
    if len(parts) != 3:
        return 0.0, x_max
    return float(parts[0]), float(parts[2])

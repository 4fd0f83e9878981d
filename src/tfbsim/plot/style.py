"""Settings of matplotlib, and what every figure ends with: a key and a caption."""

from __future__ import annotations

import gc
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, Unpack

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.figure import Figure

DPI = 200
CAPTIONS = tomllib.loads(Path(__file__).with_name("captions.toml").read_text("utf-8"))
STYLE = {
    **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), 9),
    **dict.fromkeys(("legend.fontsize", "legend.title_fontsize"), 8),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 8),
    **dict.fromkeys(("xtick.direction", "ytick.direction"), "in"),
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "figure.constrained_layout.use": True,
    "savefig.dpi": DPI,
    "svg.hashsalt": "tfbsim",  # the same names in every file
    "pdf.fonttype": 42,  # text that can be edited
}


@contextmanager
def styled() -> Iterator[None]:
    """Use matplotlib's defaults and ours, whatever the user's settings."""
    collecting = gc.isenabled()
    gc.disable()  # a pass for every few artists would take a sixth of the time
    try:
        with matplotlib.style.context(["default", STYLE]):
            yield
    finally:
        if collecting:
            gc.enable()


Where: TypeAlias = Literal[
    "outside right center", "outside upper center", "outside lower center"
]


class LegendStyle(TypedDict, total=False):
    """What a figure's legend has beside its entries."""

    ncols: int
    title: str
    handlelength: float


def finished(
    figure: Figure,
    name: str,
    key: Sequence[Artist] = (),
    where: Where = "outside right center",
    details: Mapping[str, object] | None = None,
    **legend: Unpack[LegendStyle],
) -> Figure:
    """Return a figure with the caption of a name, which ``figure.get_label()`` has, and
    its key; ``details`` is what the caption leaves open."""
    if key:
        figure.legend(handles=key, loc=where, **legend)
    figure.set_label(CAPTIONS[name].format_map(details or {}))
    return figure

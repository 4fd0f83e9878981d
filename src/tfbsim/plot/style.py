"""Settings of matplotlib, captions, and how a figure becomes a file.

No display and no global state: the same figure gives the same bytes everywhere.
"""

from __future__ import annotations

import gc
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, TypeVar, Unpack

import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

DPI = 200
FORMATS = ("png", "svg", "pdf")
METADATA = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
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


Of = TypeVar("Of")  # what figures are of
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
    said: Mapping[str, object] | None = None,
    **legend: Unpack[LegendStyle],
) -> Figure:
    """Return a figure with the caption of a name, which ``figure.get_label()`` has, and
    its key; ``said`` is what the caption leaves open."""
    if key:
        figure.legend(handles=key, loc=where, **legend)
    figure.set_label(CAPTIONS[name].format_map(said or {}))
    return figure


def drawn(figures: Mapping[str, Callable[[], Figure | None]]) -> dict[str, Figure]:
    """Return the figures that make sense, by name."""
    with styled():
        return {name: found for name, draw in figures.items() if (found := draw())}


def captioned(
    kind: str, of: Of, *draws: Callable[[Of], Figure | None], **said: object
) -> dict[str, Figure]:
    """Return the figures of a fit or a comparison, by the names of what draws them."""
    names = (draw.__name__.strip("_").replace("_", "-") for draw in draws)
    parts = (partial(draw, of) for draw in draws)
    found = drawn(dict(zip(names, parts, strict=True)))
    for name, figure in found.items():
        figure.set_label(CAPTIONS[kind][name].format_map(said))
    return found


def rendered(figures: Mapping[str, Figure], format: str = "png") -> dict[str, bytes]:
    """Return figures as files of one of ``FORMATS``, without date or version."""
    with styled():
        return {name: as_file(figure, format) for name, figure in figures.items()}


def as_file(figure: Figure, format: str) -> bytes:
    """Return a figure as a file, its style being in use."""
    lay_out(figure)
    buffer = io.BytesIO()
    if format == "png":  # drawn once; savefig would draw for the layout and then again
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        opaque = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
        # a higher level takes half as long again for a few per cent
        opaque.save(buffer, format, dpi=(DPI, DPI), compress_level=3)
    else:
        nothing = dict.fromkeys(METADATA[format])
        figure.savefig(buffer, format=format, metadata=nothing)
    return buffer.getvalue()


def lay_out(figure: Figure) -> None:
    """Place the axes for good, as they are saved: each drawing would do it again."""
    for ax in figure.axes:  # without frames, which go round axes and take long to measure
        for spine in ax.spines.values():
            spine.set_in_layout(False)
    if layout := figure.get_layout_engine():
        shown = figure.dpi
        figure.set_dpi(DPI)
        layout.execute(figure)
        figure.set_layout_engine("none")
        figure.set_dpi(shown)

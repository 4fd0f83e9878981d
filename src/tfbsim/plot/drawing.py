"""Figures drawn, and made files, in two processes where these may fork.

No display and no global state: the same figure gives the same bytes everywhere.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ..errors import InputError
from ..run.workers import METHOD, processes
from .style import CAPTIONS, DPI, styled

FORMATS = ("png", "svg", "pdf")
METADATA = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
Draw: TypeAlias = Callable[[], Figure | None]
Drawn: TypeAlias = tuple[str, dict[str, bytes]]  # caption, and files by format
Of = TypeVar("Of")  # what figures are of


def drawn(figures: Mapping[str, Draw]) -> dict[str, Figure]:
    """Return the figures that make sense, by name."""
    with styled():
        return {name: found for name, draw in figures.items() if (found := draw())}


def captioned(
    kind: str, of: Of, *draws: Callable[[Of], Figure | None], **details: object
) -> dict[str, Figure]:
    """Return the figures of a fit or a comparison, by the names of what draws them."""
    names = (draw.__name__.strip("_").replace("_", "-") for draw in draws)
    parts = (partial(draw, of) for draw in draws)
    found = drawn(dict(zip(names, parts, strict=True)))
    for name, figure in found.items():
        figure.set_label(CAPTIONS[kind][name].format_map(details))
    return found


def as_files(draws: Mapping[str, Draw], formats: Sequence[str]) -> dict[str, Drawn]:
    """Return the figures that make sense as files, by name."""
    job, numbers = _Files(list(draws.values()), formats), range(len(draws))
    found: dict[int, Drawn | None] = {}
    # A lock that another thread holds would stay locked in a forked process
    forks = METHOD == "fork" and threading.active_count() == 1
    if forks and (os.cpu_count() or 1) > 1 and len(numbers) > 1:
        with closing(processes(job, numbers, 2)) as pieces:
            for piece in pieces:
                found.update(piece)
    every = [found[k] if k in found else job.file(k) for k in numbers]
    return {name: file for name, file in zip(draws, every, strict=True) if file}


class _Files:
    """Draws figures by their numbers, as a pool of processes asks for it."""

    def __init__(self, draws: Sequence[Draw], formats: Sequence[str]) -> None:
        self.draws, self.formats = draws, formats

    def prepare(self, number: int) -> None: ...

    def __call__(self, numbers: Sequence[int]) -> list[tuple[int, Drawn | None]]:
        found = []
        for k in numbers:
            with suppress(Exception):  # which the first process meets again
                found.append((k, self.file(k)))
        return found

    def failed(self, number: int, reason: str) -> tuple[int, Drawn | None]:
        return number, self.file(number)

    def file(self, number: int) -> Drawn | None:
        """Return the caption and the files of a figure that makes sense."""
        with styled():
            if figure := self.draws[number]():
                files = {f: as_file(figure, f) for f in self.formats}
                return str(figure.get_label()), files
        return None


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


def check_format(format: str) -> None:
    """Refuse a format that figures cannot be written in."""
    if format not in FORMATS:
        raise InputError(
            f"'{format}' is no format of a figure; there are: {', '.join(FORMATS)}"
        )

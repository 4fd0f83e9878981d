"""Figures of a result: what a paper on a cell would show of it.

``figures(result)`` returns those that make sense for the result, by name.  They are
drawn with matplotlib's defaults and a style of their own, without display or global
state, so that the same result gives the same bytes.
What colours and line styles mean is stated in ``theme.py``, and every figure has its
caption in ``figure.get_label()``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from itertools import chain, count
from typing import Any

from matplotlib.figure import Figure

from ..errors import InputError, shown, suggest
from ..result.result import Result
from ..result.sensitivity import FEWEST, sample
from ..result.sweep_table import sampled, varied
from ..run.workers import METHOD, processes
from . import (
    against,
    bars,
    capacity_map,
    curves,
    cycles,
    discharge,
    dqdv,
    energy_density,
    impedance,
    uncertainty,
)
from .against import thickness
from .overlay import overlay
from .study import Study
from .style import FORMATS, as_file, drawn, slug, split_unit, styled, volt
from .theme import Theme

__all__ = [
    "FORMATS",
    "check_format",
    "figure",
    "figures",
    "overlay",
    "split_unit",
    "thickness",
    "volt",
]

Draw = Callable[[], Figure | None]


def _drawn(result: Result) -> Iterator[tuple[str, Draw]]:
    """Yield the figures that may make sense, by name, in the order of the report."""
    study = Study(result)
    theme = Theme(study)
    if study.rows:
        yield "capacity-map", partial(capacity_map.capacity_map, study)
    swept = False
    if not sampled(result):
        of = varied(result)
        if of and of.grid:
            swept = True
            yield "slices", partial(against.slices, result, of)
    elif (found := sample(result)) is not None and len(found[1]) >= FEWEST:
        of, table = found
        swept = True
        yield "uncertainty", partial(uncertainty.distributions, table)
        yield "tornado", partial(uncertainty.tornado, of, table)
        yield "sensitivity", lambda: uncertainty.indices(result.sensitivity)
        yield "dependence", partial(uncertainty.dependence, of, table)
        yield "voltage-band", partial(uncertainty.voltage_band, study)
    if not study.rows:
        return
    spectra = impedance.of_result(result)
    yield "nyquist", partial(impedance.nyquist, spectra)
    yield "bode", partial(impedance.bode, spectra)
    yield "voltammogram", partial(curves.voltammogram, theme)
    yield "voltage-capacity", partial(curves.voltage_capacity, theme)
    if capacity_map.grid_of(study) is None:
        yield "capacity", partial(bars.capacity, theme)
    yield "ragone", partial(energy_density.ragone, theme)
    yield "energy-density", partial(energy_density.energy_density, theme)
    if not swept:
        yield "rate-capability", partial(against.capacity, theme, "C-rate")
        columns = [column for column in study.numeric_factors if column != "C-rate"]
        for name, column in zip(_apart(columns), columns, strict=True):
            yield f"capacity-{name}", partial(against.capacity, theme, column)
    for name, draw in {
        "cycling": cycles.cycling,
        "ageing": cycles.ageing,
        "cycle-life": against.life,
        "first-plating": curves.first_plating,
        "dqdv": dqdv.draw,
        "losses": discharge.losses,
        "energy": bars.energy,
        "concentration": discharge.concentration,
        "voltage-time": curves.voltage_time,
    }.items():
        yield name, partial(draw, theme)


def figures(result: Result) -> dict[str, Figure]:
    """Return the figures that make sense for a result.

    Parameters
    ----------
    result : Result
        Of one or many cases.

    Returns
    -------
    dict of Figure
        By name, in the order of the report; empty where nothing could be simulated.
    """
    return drawn(dict(_drawn(result)))


def files(result: Result, format: str = "png") -> dict[str, tuple[str, dict[str, bytes]]]:
    """Return the figures of a result as files, drawn in two processes if these may fork.

    Parameters
    ----------
    result : Result
        Of one or many cases.
    format : str
        Of the files that there are beside those in PNG.

    Returns
    -------
    dict of tuple
        By name, in the order of the report: the caption, and the files by format.
    """
    job = _Files(list(_drawn(result)), ("png", format))
    numbers = range(len(job.figures))
    found: dict[int, Any] = {}
    # A lock that another thread holds would stay locked in a forked process
    forks = METHOD == "fork" and threading.active_count() == 1
    if forks and (os.cpu_count() or 1) > 1 and len(numbers) > 1:
        with closing(processes(job, numbers, 2)) as pieces:
            for piece in pieces:
                found.update(piece)
    found |= {k: job.file(k) for k in numbers if k not in found}
    return {job.figures[k][0]: found[k] for k in numbers if found[k]}


class _Files:
    """Draws figures by their numbers, as a pool of processes asks for it."""

    def __init__(
        self, figures: Sequence[tuple[str, Draw]], formats: Sequence[str]
    ) -> None:
        self.figures, self.formats = figures, formats

    def prepare(self, number: int) -> None: ...

    def __call__(self, numbers: Sequence[int]) -> Any:
        found = []
        for k in numbers:
            with suppress(Exception):  # which the first process meets again
                found.append((k, self.file(k)))
        return found

    def failed(self, number: int, reason: str) -> Any:
        return number, self.file(number)

    def file(self, number: int) -> tuple[str, dict[str, bytes]] | None:
        """Return the caption and the files of a figure that makes sense."""
        _, draw = self.figures[number]
        with styled():
            if figure := draw():
                return figure.get_label(), {f: as_file(figure, f) for f in self.formats}
        return None


def _apart(columns: Sequence[str]) -> list[str]:
    """Return columns as parts of file names that differ in any case of letters."""
    names: list[str] = []
    taken = {"map"}  # capacity-map has its name
    for column in columns:
        wanted = slug(column)
        numbered = (f"{wanted}-{number}" for number in count(2))
        names.append(next(n for n in chain([wanted], numbered) if n.lower() not in taken))
        taken.add(names[-1].lower())
    return names


def figure(result: Result, name: str) -> Figure:
    """Return one figure of a result.

    Raises
    ------
    InputError
        There is no such figure of it.
    """
    found = drawn({n: draw for n, draw in _drawn(result) if n == name})
    if name not in found:
        names = list(figures(result))
        raise InputError(
            f"there is no figure '{shown(name)}' of this result"
            f"{suggest(str(name), names) or '; there are: ' + ', '.join(names)}"
        )
    return found[name]


def check_format(format: str) -> None:
    """Refuse a format that figures cannot be written in."""
    if format not in FORMATS:
        raise InputError(
            f"'{format}' is no format of a figure; there are: {', '.join(FORMATS)}"
        )

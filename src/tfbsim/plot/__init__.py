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
from collections.abc import Callable, Iterable, Iterator, Sequence
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


def _drawn(result: Result) -> dict[str, Draw]:
    """Return the figures that may make sense, by name, in the order of the report."""
    study = Theme(result)
    draws: dict[str, Draw] = {}

    def add(**of_cases: Callable[[Theme], Figure | None]) -> None:
        for name, draw in of_cases.items() if study.rows else ():
            draws[name.replace("_", "-")] = partial(draw, study)

    add(capacity_map=capacity_map.capacity_map)
    of, found = None if sampled(result) else varied(result), sample(result)
    swept = True
    if of and of.grid:
        draws["slices"] = partial(against.slices, result, of)
    elif found is not None and len(found[1]) >= FEWEST:
        draws["uncertainty"] = partial(uncertainty.distributions, found[1])
        draws["tornado"] = partial(uncertainty.tornado, *found)
        draws["sensitivity"] = lambda: uncertainty.indices(result.sensitivity)
        draws["dependence"] = partial(uncertainty.dependence, *found)
        draws["voltage-band"] = partial(uncertainty.voltage_band, study)
    else:
        swept = False
    spectra = impedance.of_result(result)
    add(
        nyquist=lambda _: impedance.nyquist(spectra),
        bode=lambda _: impedance.bode(spectra),
        voltammogram=curves.voltammogram,
        voltage_capacity=curves.voltage_capacity,
    )
    if capacity_map.grid_of(study) is None:
        add(capacity=bars.capacity)
    add(ragone=energy_density.ragone, energy_density=energy_density.energy_density)
    columns = [] if swept or not study.rows else ["C-rate", *study.numeric_factors]
    for name, column in _apart(dict.fromkeys(columns)):
        draws[name] = partial(against.capacity, study, column)
    add(
        cycling=cycles.cycling,
        ageing=cycles.ageing,
        cycle_life=against.life,
        first_plating=curves.first_plating,
        dqdv=dqdv.draw,
        losses=discharge.losses,
        energy=bars.energy,
        concentration=discharge.concentration,
        voltage_time=curves.voltage_time,
    )
    return draws


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
    return drawn(_drawn(result))


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
    job = _Files(list(_drawn(result).items()), ("png", format))
    numbers = range(len(job.figures))
    found: dict[int, Any] = {}
    # A lock that another thread holds would stay locked in a forked process
    forks = METHOD == "fork" and threading.active_count() == 1
    if forks and (os.cpu_count() or 1) > 1 and len(numbers) > 1:
        pieces: Any = processes(job, numbers, 2)
        with closing(pieces):
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
                files = {f: as_file(figure, f) for f in self.formats}
                return str(figure.get_label()), files
        return None


def _apart(columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield columns with names of figures that differ in any case of letters."""
    taken = {"capacity-map"}
    for column in columns:
        wanted = "rate-capability" if column == "C-rate" else f"capacity-{slug(column)}"
        numbered = (f"{wanted}-{number}" for number in count(2))
        name = next(n for n in chain([wanted], numbered) if n.lower() not in taken)
        taken.add(name.lower())
        yield name, column


def figure(result: Result, name: str) -> Figure:
    """Return one figure of a result.

    Raises
    ------
    InputError
        There is no such figure of it.
    """
    found = drawn({n: draw for n, draw in _drawn(result).items() if n == name})
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

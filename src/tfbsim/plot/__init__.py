"""Figures of a result or a measured file: what a paper on a cell would show of it.

``figures(result)`` returns those that make sense for the result, by name.  They are
drawn with matplotlib's defaults and a style of their own, without display or global
state, so that the same result gives the same bytes.
What colours and line styles mean is stated in ``looks.py``, and every figure has its
caption in ``figure.get_label()``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, count

from matplotlib.figure import Figure

from ..data.measured import Measured
from ..errors import InputError, shown, suggest
from ..result.result import Result
from ..result.sensitivity import FEWEST, sample
from ..result.sweep_table import sampled, varied
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
from .cases import Cases
from .drawing import FORMATS, Draw, Drawn, as_files, check_format, drawn
from .labels import slug, split_unit, volt
from .overlay import overlay

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


def _of_record(measured: Measured) -> dict[str, Draw]:
    """Return the figures that may make sense of a record: of V(t) and of spectra."""
    cases, spectra = Cases.of(measured), impedance.spectra_of(measured)
    points = list(spectra)
    return {
        "nyquist": partial(impedance.nyquist, spectra, None, points),
        "bode": partial(impedance.bode, spectra, None, points),
        "voltammogram": partial(curves.voltammogram, cases),
        "voltage-capacity": partial(curves.voltage_capacity, cases),
        "dqdv": partial(dqdv.draw, cases),
        "voltage-time": partial(curves.voltage_time, cases),
    }


def _drawn(result: Result | Measured) -> dict[str, Draw]:
    """Return the figures that may make sense, by name, in the order of the report."""
    if isinstance(result, Measured):
        return _of_record(result)
    cases = Cases.of(result)
    drawn = {case.name: case for case in result.drawn}
    draws: dict[str, Draw] = {}

    def add(**more: Draw) -> None:
        if cases.rows:
            draws.update({name.replace("_", "-"): draw for name, draw in more.items()})

    add(capacity_map=partial(capacity_map.capacity_map, cases))
    of, found = None if sampled(result) else varied(result), sample(result)
    swept = True
    if of and of.grid:
        draws["slices"] = partial(against.slices, result, of)
    elif found is not None and len(found[1]) >= FEWEST:
        draws["uncertainty"] = partial(uncertainty.distributions, found[1])
        draws["tornado"] = partial(uncertainty.tornado, *found)
        draws["sensitivity"] = lambda: uncertainty.indices(result.sensitivity)
        draws["dependence"] = partial(uncertainty.dependence, *found)
        draws["voltage-band"] = partial(uncertainty.voltage_band, cases.samples)
    else:
        swept = False
    spectra = impedance.spectra_of(result)
    add(
        nyquist=partial(impedance.nyquist, spectra),
        bode=partial(impedance.bode, spectra),
        voltammogram=partial(curves.voltammogram, cases, result.steps),
        voltage_capacity=partial(curves.voltage_capacity, cases),
    )
    if capacity_map.grid_of(cases) is None:
        add(capacity=partial(bars.capacity, cases))
    add(
        ragone=partial(energy_density.ragone, cases, result.steps),
        energy_density=partial(energy_density.energy_density, cases),
    )
    columns = [] if swept or not cases.rows else ["C-rate", *cases.numeric_factors]
    for name, column in _apart(dict.fromkeys(columns)):
        draws[name] = partial(against.capacity, cases, column)
    add(
        cycling=partial(cycles.cycling, cases),
        ageing=partial(cycles.ageing, cases, result.laws),
        cycle_life=partial(against.life, cases),
        first_plating=partial(curves.first_plating, cases),
        dqdv=partial(dqdv.draw, cases),
        losses=partial(discharge.losses, cases, result.laws),
        energy=partial(bars.energy, cases, drawn, result.laws),
        concentration=partial(discharge.concentration, cases, drawn),
        voltage_time=partial(curves.voltage_time, cases),
    )
    return draws


def figures(result: Result | Measured) -> dict[str, Figure]:
    """Return the figures that make sense for a result, or for a measured file.

    Parameters
    ----------
    result : Result or Measured
        Of one or many cases; of a file those of V(t) and of its spectra.

    Returns
    -------
    dict of Figure
        By name, in the order of the report; empty where nothing could be simulated.
    """
    return drawn(_drawn(result))


def files(result: Result, format: str = "png") -> dict[str, Drawn]:
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
    return as_files(_drawn(result), ("png", format))


def _apart(columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield columns with names of figures that differ in any case of letters."""
    taken = {"capacity-map"}
    for column in columns:
        wanted = "rate-capability" if column == "C-rate" else f"capacity-{slug(column)}"
        numbered = (f"{wanted}-{number}" for number in count(2))
        name = next(n for n in chain([wanted], numbered) if n.lower() not in taken)
        taken.add(name.lower())
        yield name, column


def figure(result: Result | Measured, name: str) -> Figure:
    """Return one figure of a result, or of a measured file.

    Raises
    ------
    InputError
        There is no such figure of it.
    """
    found = drawn({n: draw for n, draw in _drawn(result).items() if n == name})
    if name not in found:
        names = list(figures(result))
        what = "record" if isinstance(result, Measured) else "result"
        raise InputError(
            f"there is no figure '{shown(name)}' of this {what}"
            f"{suggest(str(name), names) or '; there are: ' + ', '.join(names)}"
        )
    return found[name]

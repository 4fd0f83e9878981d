"""Figures of a result: what a paper on a cell would show of it.

``figures(result)`` returns those that make sense for the result, by name;
``save_figures`` writes them.  They are drawn with matplotlib's defaults and a style of
their own, without display or global state, so that the same result gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ..output import write_atomic
from ..result.result import Result
from . import curves, energy, maps, plated, style, sweeps, tables, voltammetry
from .study import Study
from .style import axis_label, slug, split_unit, styled, volt

__all__ = ["caption", "figures", "rendered", "save_figures", "split_unit", "volt"]

CAPTIONS = {
    "voltage-capacity": "Voltage against capacity, counted from the start of each charge "
    "and each discharge.",
    "dqdv": "Differential capacity of the constant-current steps: the simulated curve on "
    f"a voltage grid of {curves.DQDV_GRID * 1e3:g} mV, smoothed with a Gaussian of "
    f"standard deviation {curves.DQDV_WIDTH * 1e3:g} mV. Charge is counted positive.",
    "capacity-map": "Discharge capacity of the last cycle over two varied quantities, "
    "interpolated between the cases. Each mark is a case and shows which loss limited "
    "its discharge: none where it delivered 99 % of the equilibrium capacity or more.",
    "capacity": "Capacity of each case, with measured values where there are any.",
    "rate-capability": "Discharge capacity of the last cycle against the discharge rate.",
    "cycling": "Capacity and coulombic efficiency of each cycle.",
    "cycle-life": "How many cycles give at least 80 % of the first discharge, against "
    "the lithium there is as made.",
    "first-plating": "The first charge of a collector that is bare as made: the "
    "overpotential at the lithium and its coverage, against the lithium plated.",
    "concentration": "Stoichiometry through the cathode in the last discharge; depth 0 "
    "is the face at the electrolyte. Where the film has room for a second lithium per "
    "formula unit, the thin line is at one; the percentage is how much of the film took "
    "the second.",
    "losses": "Where the voltage of the last discharge goes. The top line is the "
    "open-circuit voltage at the mean stoichiometry; diffusion is its distance to that "
    "at the surface.",
    "energy": "Where the energy of the last cycle goes, over the energy that went in. "
    "What was left in the cell, or taken from it, is by its end differing from its "
    "start in stoichiometry; efficiency, losses and this add up to 100 %.",
    "energy-density": "Discharge energy of the last cycle over the volume of all layers: "
    "as made, and with the lithium there is at full charge.",
    "ragone": "Energy of the last discharge against its power, per area and, where the "
    "cell has a stack, per volume as made. Each mark is a case and shows which loss "
    "ended it: none where 99 % of the equilibrium capacity was delivered. Along a grey "
    "line a discharge lasts equally long.",
    "slices": "Capacity and energy of the last cycle against each of two factors of a "
    "grid, at some values of the other.",
    "uncertainty": "The answers of the last cycle over the sample, by the loss that "
    "limited the discharge. The line is the median, the grey band 5 to 95 %; above it "
    "these three.",
    "tornado": "The mean answer where a factor is in its lowest and its highest tenth. A "
    "factor that is correlated with others brings theirs along.",
    "sensitivity": "Sensitivity indices with 95 % intervals. S1: the share of the "
    "variance that knowing the factor alone would take away; ST: what would be left if "
    "all others were known; PAWN: how far the distribution function moves, beside that "
    "of a dummy. + and −: the answer rises or falls with the factor. Of correlated "
    "factors, S1 and PAWN include what their partners do.",
    "dependence": "Energy of the last discharge against each factor of the sample: "
    "points, and lines through the 5th, 50th and 95th percentile of bins.",
    "voltage-band": "Percentiles, over the sample, of the capacity that the last "
    "discharge has given when it comes down to a voltage.",
    "voltammogram": "Current against voltage along the ramps of the last cycle, and "
    "dashed of the first; discharge is positive.",
    "voltage-time": "Voltage, and for a single case the current, against time.",
}


def caption(name: str) -> str:
    """What a figure shows, in a sentence or two."""
    varied = "Discharge capacity of the last cycle against a varied quantity."
    return CAPTIONS.get(name, varied)


def figures(result: Result) -> dict[str, Figure]:
    """The figures that make sense for a result.

    Parameters
    ----------
    result : Result
        Of one or many cases.

    Returns
    -------
    dict of Figure
        By name, in the order of the report; empty where nothing could be simulated.
    """
    study = Study(result)
    with styled():
        of_sweep = sweeps.figures(result, study)
        of_cases = _of_cases(study, any(of_sweep.values()))
    first = {"capacity-map": of_cases.pop("capacity-map", None)}
    drawn = first | of_sweep | of_cases
    return {name: figure for name, figure in drawn.items() if figure is not None}


def _of_cases(study: Study, swept: bool) -> dict[str, Figure | None]:
    """Those of single cases and their curves; a sweep has others for the capacity."""
    if not study.cases:
        return {}
    capacity_map = maps.capacity_map(study)
    return {
        "capacity-map": capacity_map,
        "voltammogram": voltammetry.voltammogram(study),
        "voltage-capacity": curves.voltage_capacity(study),
        "capacity": None if capacity_map else tables.capacity(study),
        "ragone": energy.ragone(study),
        "energy-density": energy.density(study),
        **({} if swept else _against(study)),
        "cycling": tables.cycling(study),
        "cycle-life": plated.life(study),
        "first-plating": plated.first_plating(study),
        "dqdv": curves.dqdv(study),
        "losses": curves.losses(study),
        "energy": tables.energy(study),
        "concentration": curves.concentration(study),
        "voltage-time": curves.voltage_time(study),
    }


def _against(study: Study) -> dict[str, Figure | None]:
    """Capacity against each number that varies, the rate first."""
    varied = [column for column in study.numeric_factors if column != "C-rate"]
    lines = {
        f"capacity-{name}": tables.against(study, column, axis_label(column))
        for name, column in zip(_apart(varied), varied, strict=True)
    }
    return {"rate-capability": tables.against(study, "C-rate", "C-rate"), **lines}


def _apart(columns: Sequence[str]) -> list[str]:
    """Columns as parts of file names, no two of them the same, in any case of letters."""
    names: list[str] = []
    taken = {"map"}  # capacity-map has its name
    for column in columns:
        name = wanted = slug(column)
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.lower())
        names.append(name)
    return names


def save_figures(result: Result, folder: str | Path) -> list[Path]:
    """Write every figure as PNG, whole or not at all; the same bytes every time.

    Returns
    -------
    list of Path
        The files, in the order of the report.
    """
    paths = []
    for name, content in rendered(result).items():
        paths.append(Path(folder) / f"{name}.png")
        write_atomic(paths[-1], content)
    return paths


def rendered(result: Result) -> dict[str, bytes]:
    """The figures as PNG, without date or version in them."""
    return style.rendered(figures(result))

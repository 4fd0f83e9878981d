"""Files of a slow charge and discharge to an open-circuit potential."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import units
from ..cell.cell import Cell, load_cell
from ..data.mapping import AnyMapping
from ..data.measured import CHARGE, DISCHARGE, Segment
from ..data.read import read_measured
from ..errors import InputError, count, shown
from .ocv import OcvFit, fit_ocv


@dataclass(frozen=True)
class OcvOfFiles:
    """An open-circuit potential, the files it is from, and the cell it goes into."""

    fit: OcvFit
    files: list[str]
    notes: list[str]
    cell: Cell | None


def fit_files(
    files: Sequence[str],
    stoichiometry: str = "0..1",
    sites: int | None = None,
    temperature: str = "25 degC",
    cell: str | None = None,
    mapping: AnyMapping | None = None,
) -> OcvOfFiles:
    """Fit to the slow charge and discharge in one file or two."""
    ends = _ends(stoichiometry)
    try:
        T = units.parse(temperature, "temperature")
    except ValueError as error:
        raise InputError(str(error), field="--temperature") from None
    loaded = load_cell(cell) if cell else None
    branches, notes = [], []
    for name in files:
        found = read_measured(name, loaded, mapping)
        notes += [f"{found.name}: {note}" for note in found.notes]
        curves = [s for s in found.segments if s.kind in (CHARGE, DISCHARGE)]
        if not curves:
            raise InputError("has neither charge nor discharge", name)
        if len(files) == 2 or len(curves) > 2:
            curves = _longest(curves, 1 if len(files) == 2 else 2)
            if len(found.segments) > len(curves):
                which = " and ".join(f"{s.name or s.kind}" for s in curves)
                notes.append(
                    f"{found.name}: of {count(len(found.segments), 'step')}, {which}"
                )
        branches += [(s.capacity, s.voltage) for s in curves]
    if len(branches) not in (1, 2):
        raise InputError(f"{len(files)} files are given where one or two would do")
    if len(branches) == 1:
        notes.append("only one branch: its polarisation is in the potential")
    fit = fit_ocv(branches, ends, sites, T)
    return OcvOfFiles(fit, [Path(f).name for f in files], notes, loaded)


def _longest(curves: Sequence[Segment], number: int) -> list[Segment]:
    """Return the slow ones of a record: of each kind the one that passes most charge."""
    best: dict[str, Segment] = {}
    for s in curves:
        if s.kind not in best or s.capacity[-1] > best[s.kind].capacity[-1]:
            best[s.kind] = s
    return sorted(best.values(), key=lambda s: -s.capacity[-1])[:number]


def _ends(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"\s*([0-9.]+?)\s*\.\.\s*([0-9.]+)\s*", text)
    with suppress(ValueError):
        low, high = map(float, found.groups() if found else ())
        if low < high:
            return low, high
    raise InputError(
        f"'{shown(text)}' is not two stoichiometries that rise, such as 0.5..1",
        field="--stoichiometry",
    )


def law_of(fit: OcvFit) -> dict[str, object]:
    """Return the law as a cell file has it."""
    rounded = [{k: f"{v:.5g}" for k, v in site.items()} for site in fit.sites]
    sites = [
        {k: f"{v} V" if k == "potential" else float(v) for k, v in site.items()}
        for site in rounded
    ]
    return {"temperature": units.text(fit.law.T_ref, "temperature"), "sites": sites}


def words(found: OcvOfFiles) -> str:
    """Return what it was fitted to and how well, in a sentence."""
    fit = found.fit
    number = len(fit.law.U)
    gap = 1e3 * float(np.median(fit.half_gap[fit.flat]))
    also = f"; half the gap of the branches {gap:.3g} mV (median)" if gap else ""
    return (
        f"{count(number, 'site')} to {' and '.join(found.files)}, "
        f"x = {fit.x[0]:.4g} to {fit.x[-1]:.4g}, {fit.U.min():.3f} to {fit.U.max():.3f} "
        f"V; error {1e3 * fit.rms:.2g} mV rms, {1e3 * fit.largest:.2g} at most, outside "
        f"the steep ends{also}"
    )

"""``tfbsim fit-ocv``: files of a slow cycle to an open-circuit potential in a file."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.markup import escape

from .. import units
from ..cell.cell import Cell, load_cell
from ..cell.cell import tables as tables_of
from ..data.measured import CHARGE, DISCHARGE
from ..data.read import read_measured
from ..errors import InputError, shown
from ..output import Output
from ..plot.fit import ocv_figure
from ..plot.style import rendered
from ..result.csv_file import csv
from ..version import __version__
from .ocv import OcvFit, fit_ocv

if TYPE_CHECKING:
    from rich.console import Console

LAW, POINTS, FIGURE = "ocv.yaml", "ocv.csv", "ocv"


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
    mapping: Any = None,
) -> OcvOfFiles:
    """Fit to the slow charge and discharge in one file or two.

    Raises
    ------
    InputError
        A file or option that will not do, or not one or two curves.
    """
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
                notes.append(f"{found.name}: of {len(found.segments)} steps, {which}")
        branches += [(s.capacity, s.voltage) for s in curves]
    if len(branches) not in (1, 2):
        raise InputError(f"{len(files)} files are given where one or two would do")
    if len(branches) == 1:
        notes.append("only one branch: its polarisation is in the potential")
    fit = fit_ocv(branches, ends, sites, T)
    return OcvOfFiles(fit, [Path(f).name for f in files], notes, loaded)


def _longest(curves: Sequence[Any], number: int) -> list[Any]:
    """The slow ones of a record: those that pass the most charge, one of each kind."""
    best: dict[str, Any] = {}
    for s in curves:
        if s.kind not in best or s.capacity[-1] > best[s.kind].capacity[-1]:
            best[s.kind] = s
    return sorted(best.values(), key=lambda s: -s.capacity[-1])[:number]


def _ends(text: str) -> tuple[float, float]:
    found = re.fullmatch(r"\s*([0-9.]+?)\s*\.\.\s*([0-9.]+)\s*", text)
    try:
        low, high = (float(part) for part in found.groups()) if found else (1.0, 0.0)
    except ValueError:
        low, high = 1.0, 0.0
    if not low < high:
        raise InputError(
            f"'{shown(text)}' is not two stoichiometries that rise, such as 0.5..1",
            field="--stoichiometry",
        )
    return low, high


def save(found: OcvOfFiles, folder: Path, command: str = "") -> Path:
    """Write the law, the curve, a figure, and the cell with the law in it."""
    output = Output(folder)
    fit = found.fit
    rows = {
        "Stoichiometry": fit.x,
        "Mean voltage [V]": fit.U,
        "Law [V]": fit.U + fit.error,
        "Half the gap [mV]": 1e3 * fit.half_gap,
    }
    table = pd.DataFrame(rows)
    output.write(POINTS, csv(table, "%.6g"), len(table))
    for name, png in rendered({FIGURE: ocv_figure(fit)}).items():
        output.write(f"{name}.png", png)
    head = (
        f"# Fitted by `{command or 'tfbsim fit-ocv'}`, tfbsim {__version__}:\n"
        f"# {words(found)}\n"
    )
    law = law_of(fit)
    path = output.write(LAW, head + _yaml({"open_circuit_potential": law}))
    if found.cell is not None:
        path = _with_cell(found, law, head, output)
    output.seal({"tfbsim": __version__, "command": command})
    return path


def _with_cell(found: OcvOfFiles, law: dict[str, Any], head: str, output: Output) -> Path:
    """Write the cell with the law in it."""
    assert found.cell is not None
    content = found.cell.replace({"cathode.open_circuit_potential": law}).written.content
    content["cathode"]["open_circuit_potential"] = law
    content.setdefault("origin", {})["cathode.open_circuit_potential"] = (
        f"fitted (tfbsim fit-ocv): {words(found)}"
    )
    if content.get("reference_temperature") == content.get("temperature"):
        content.pop("reference_temperature", None)
    for name in tables_of(content):
        output.write(name, found.cell.written.tables[name])
    return output.write("cell.yaml", head + _yaml(content))


def law_of(fit: OcvFit) -> dict[str, Any]:
    """The law as a cell file has it."""
    sites = [
        {
            "potential": f"{site['potential']:.5g} V",
            "sites": float(f"{site['sites']:.5g}"),
            "width": float(f"{site['width']:.5g}"),
        }
        for site in fit.sites
    ]
    return {"temperature": units.text(fit.law.T_ref, "temperature"), "sites": sites}


def words(found: OcvOfFiles) -> str:
    """What it was fitted to and how well, in a sentence."""
    fit = found.fit
    number = len(fit.law.U)
    gap = 1e3 * float(np.median(fit.half_gap[fit.flat]))
    also = f"; half the gap of the branches {gap:.3g} mV (median)" if gap else ""
    return (
        f"{number} site{'s' if number > 1 else ''} to {' and '.join(found.files)}, "
        f"x = {fit.x[0]:.4g} to {fit.x[-1]:.4g}, {fit.U.min():.3f} to {fit.U.max():.3f} "
        f"V; error {1e3 * fit.rms:.2g} mV rms, {1e3 * fit.largest:.2g} at most, outside "
        f"the steep ends{also}"
    )


def print_ocv(found: OcvOfFiles, path: Path, out: Console) -> None:
    """The sites, and the error, on a console."""
    from rich.table import Table

    for note in found.notes:
        out.print(escape(note))
    table = Table(box=None, pad_edge=False)
    for head in ("Site\nV", "Sites\nper formula unit", "Width\nkT/e", "Range\n%"):
        table.add_column(head, justify="right")
    fit = found.fit
    span = float(np.ptp(fit.x))
    ends = np.array([fit.U.max(), fit.U.min()])
    for site, U in zip(fit.sites, fit.law.U, strict=True):
        one = fit_law(fit, U).stoichiometry(ends)
        share = f"{100 * float(np.ptp(one)) / span:.1f}"
        numbers = (f"{U:.4f}", f"{site['sites']:.4f}", f"{site['width']:.3f}", share)
        table.add_row(*numbers)
    out.print(table)
    out.print(f"\n{escape(words(found))}.")
    out.print(f"{escape(str(path))}; ocv.csv and ocv.png beside it")


def fit_law(fit: OcvFit, U: float) -> Any:
    """The one site of a potential."""
    from ..materials.laws import MultiSite

    k = fit.law.U.index(U)
    return MultiSite((U,), (fit.law.X[k],), (fit.law.omega[k],), fit.law.T_ref)


def _yaml(content: dict[str, Any]) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 88
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()

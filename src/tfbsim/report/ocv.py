"""What ``tfbsim fit-ocv`` leaves: law, curve, figure, the cell with the law; a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape

from ..cell.cell import Cell
from ..cell.cell import tables as tables_of
from ..fitting.fit_result import yaml_text
from ..fitting.ocv import OcvFit
from ..fitting.ocv_file import OcvOfFiles, law_of, words
from ..materials.laws import MultiSite
from ..output import Output
from ..plot.drawing import rendered
from ..plot.material import ocv_figure
from ..result.csv_file import csv
from ..version import __version__
from ..yaml_file import block
from .printed import printed

DIGITS = {"potential": 4, "sites": 4, "width": 3, "share": 1}
PRINTED = {
    "potential": "Site\nV",
    "sites": "Sites\nper formula unit",
    "width": "Width\nkT/e",
    "share": "Range\n%",
}
LAW, POINTS, FIGURE = "ocv.yaml", "ocv.csv", "ocv"


def save(found: OcvOfFiles, folder: Path, command: str = "") -> Path:
    """Write law, curve, figure and the cell with the law; nothing if it does not suit."""
    head = (
        f"# Fitted by `{command or 'tfbsim fit-ocv'}`, tfbsim {__version__}:\n"
        f"# {words(found)}\n"
    )
    fit, law = found.fit, law_of(found.fit)
    cell = None if found.cell is None else _with_law(found.cell, law, words(found))
    output = Output(folder)
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
    path = output.write(LAW, head + yaml_text({"open_circuit_potential": law}))
    if cell is not None and found.cell is not None:
        for name in tables_of(cell):
            output.write(name, found.cell.written.tables[name])
        path = output.write("cell.yaml", head + yaml_text(cell))
    output.seal({"tfbsim": __version__, "command": command})
    return path


def _with_law(cell: Cell, law: Mapping[str, object], origin: str) -> dict[str, object]:
    """Return what the file of a cell with the law in it says."""
    content = cell.replace({"cathode.open_circuit_potential": law}).written.content
    field, said = "open_circuit_potential", f"fitted (tfbsim fit-ocv): {origin}"
    content["cathode"] = {**block(content, "cathode"), field: law}
    content["origin"] = {**block(content, "origin"), f"cathode.{field}": said}
    if content.get("reference_temperature") == content.get("temperature"):
        content.pop("reference_temperature", None)
    return content


def print_ocv(found: OcvOfFiles, path: Path, out: Console) -> None:
    """Print the sites and the error."""
    for note in found.notes:
        out.print(escape(note))
    fit = found.fit
    span = float(np.ptp(fit.x))
    ends = np.array([fit.U.max(), fit.U.min()])
    shares = [np.ptp(_site(fit, U).stoichiometry(ends)) / span for U in fit.law.U]
    table = pd.DataFrame(fit.sites).assign(potential=fit.law.U, share=shares)
    table["share"] *= 100
    out.print(printed(table, PRINTED, lambda name, x: f"{x:.{DIGITS[name]}f}"))
    out.print(f"\n{escape(words(found))}.")
    out.print(f"{escape(str(path))}; ocv.csv and ocv.png beside it")


def _site(fit: OcvFit, U: float) -> MultiSite:
    """Return the one site of a potential."""
    k = fit.law.U.index(U)
    return MultiSite((U,), (fit.law.X[k],), (fit.law.omega[k],), fit.law.T_ref)

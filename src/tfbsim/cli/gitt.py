"""`tfbsim gitt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError
from ..output import Output
from ..version import __version__
from .console import err, out
from .options import (
    CellName,
    Changes,
    MappingFile,
    Overwrite,
    Quiet,
    ToCompare,
    changes_of,
    command_line,
    refuse_used,
)


def gitt(
    experiment: ToCompare,
    data: Annotated[
        list[str] | None, typer.Argument(help="Measured titrations; or none.")
    ] = None,
    cell: CellName = None,
    set_: Changes = None,
    mapping: MappingFile = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder; default results/gitt-EXPERIMENT")
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Diffusivities that a titration (GITT, PITT) gives, beside those of the cell."""
    folder = out_folder or Path("results") / f"gitt-{Path(experiment).stem}"
    refuse_used(folder, False, overwrite)
    changes = changes_of(set_ or [])

    import pandas as pd

    from ..comparison.own_current import experiment_or_cell
    from ..data.read import read_all
    from ..experiment.settings import numerics_of
    from ..fitting.titration import diffusivities, simulated_segments
    from ..plot.style import rendered
    from ..plot.titration import titration_figure
    from ..result.csv_file import csv

    expanded, of_cell = experiment_or_cell(experiment, cell, changes, False)
    doubts: list[str] = []
    base = expanded.cases[0].cell
    if data:
        files, doubts = read_all(data, base, mapping)
        found = [(m.name, diffusivities(m.segments, base)) for m in files]
        for file in files:
            for note in () if quiet else file.notes:
                out.print(escape(f"{file.name}: {note}"), soft_wrap=True)
    elif of_cell:
        what = "is a cell: name a titration to simulate, or measured data"
        raise InputError(what, experiment)
    else:
        numerics = numerics_of(None, expanded.experiment.numerics)
        found = [
            (case.name, diffusivities(simulated_segments(case, numerics), case.cell))
            for case in expanded.cases
        ]
    parts = [table.assign(Record=name) for name, table in found if len(table)]
    if not parts:
        raise InputError(
            "has no pulses with a rest before and after, and no holds in a row whose "
            "current decays",
            experiment if not data else data[0],
        )
    table = pd.concat(parts, ignore_index=True)
    output = Output(folder)
    output.write("titration.csv", csv(table), len(table))
    for name, content in rendered({"titration": titration_figure(table, base)}).items():
        output.write(f"{name}.png", content)
    output.seal({"tfbsim": __version__, "command": command_line()})
    for sentence in doubts:
        err.print(escape(sentence), soft_wrap=True)
    if quiet:
        return
    for record, one in table.groupby("Record", sort=False):
        for method, rows in one.groupby("Method", sort=False):
            ratio, pulse = rows["Ratio"], rows["Pulse over L2/D"]
            out.print(
                escape(
                    f"{record}: {len(rows)} {method} values, D "
                    f"{rows['D [cm2.s-1]'].min():.3g} to "
                    f"{rows['D [cm2.s-1]'].max():.3g} cm2/s; over that of the cell "
                    f"{ratio.min():.3g} to {ratio.max():.3g}, median "
                    f"{ratio.median():.3g}; pulses of {pulse.min():.2g} to "
                    f"{pulse.max():.2g} L2/D"
                ),
                soft_wrap=True,
            )
    out.print(escape(f"{folder}: {', '.join(output.written)}"), soft_wrap=True)

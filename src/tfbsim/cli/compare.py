"""`tfbsim compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from .console import err, out
from .edge import OTHER_OUTCOME
from .options import (
    CellName,
    Changes,
    MappingFile,
    MeshPoints,
    Overwrite,
    OwnCurrent,
    Quiet,
    ToCompare,
    Tolerance,
    changes_of,
    command_line,
    numerics_of,
    refuse_used,
)
from .progress import simulations_bar


def compare(
    experiment: ToCompare,
    data: Annotated[list[str], typer.Argument(help="Measured files.")],
    cell: CellName = None,
    set_: Changes = None,
    mapping: MappingFile = None,
    own_current: OwnCurrent = False,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder; default results/compare-EXPERIMENT", readable=False
        ),
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    points: MeshPoints = None,
    rtol: Tolerance = None,
) -> None:
    """Compare measured files with an experiment: figures, a table, a report."""
    folder = out_folder or Path("results") / f"compare-{Path(experiment).stem}"
    refuse_used(folder, overwrite)
    changes = changes_of(set_ or [])

    from ..comparison.comparison import compare as compare_data
    from ..comparison.own_current import experiment_or_cell
    from ..report.comparison import print_comparison

    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    with simulations_bar(quiet) as tell:
        found = compare_data(
            *(expanded, data),
            mapping=mapping,
            own_current=own_current,
            numerics=numerics_of(expanded.experiment.numerics, points, rtol, False),
            progress=tell,
            command=command_line(),
        )
    found.save(folder)
    if not quiet:
        print_comparison(found, folder, out)
    for sentence in (*found.unreadable, *found.otherwise):
        err.print(escape(sentence))
    if not found.as_asked:
        raise typer.Exit(OTHER_OUTCOME)

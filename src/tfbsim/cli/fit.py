"""`tfbsim fit`."""

from __future__ import annotations

import shutil
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
    Overwrite,
    OwnCurrent,
    Quiet,
    ToCompare,
    changes_of,
    command_line,
    refuse_used,
)
from .progress import search_line

UNFINISHED = "unfinished"  # folder of what an interrupted fit has simulated


def fit(
    experiment: ToCompare,
    data: Annotated[
        list[str] | None, typer.Argument(help="Measured files; or none.")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=LOW..HIGH", help="What is fitted; default the file's."
        ),
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A case or file to predict, not to fit."),
    ] = None,
    starts: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Most searches, till two agree; default 4."),
    ] = None,
    cell: CellName = None,
    case: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The only case to fit, with its parameters."),
    ] = None,
    set_: Changes = None,
    mapping: MappingFile = None,
    own_current: OwnCurrent = False,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder; default results/fit-EXPERIMENT", readable=False
        ),
    ] = None,
    quiet: Quiet = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted fit stopped.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Fit fields of a cell to measured files and capacities."""
    folder = out_folder or Path("results") / f"fit-{Path(experiment).stem}"
    refuse_used(folder, overwrite, resume)
    changes, varied = changes_of(set_ or []), changes_of(vary or [], "--vary")

    from ..fitting.fit import fit as fit_data
    from ..report.fit import print_fit

    with search_line(quiet) as tell:
        found = fit_data(
            *(experiment, data or []),
            cell=cell,
            case=case,
            changes=changes,
            vary=varied,
            held_out=hold_out,
            starts=starts,
            mapping=mapping,
            own_current=own_current,
            progress=tell,
            command=command_line(),
            keep=folder / UNFINISHED,
        )
    path = found.save(folder)
    shutil.rmtree(folder / UNFINISHED)
    if not quiet:
        print_fit(found, path, out)
    for sentence in found.unreadable:
        err.print(escape(sentence))
    if not found.as_asked:
        raise typer.Exit(OTHER_OUTCOME)

"""`tfbsim fit-ocv`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import out
from .options import (
    MappingFile,
    Overwrite,
    command_line,
    refuse_used,
)


def fit_ocv(
    data: Annotated[
        list[str], typer.Argument(help="A slow charge and discharge: one file or two.")
    ],
    stoichiometry: Annotated[
        str, typer.Option(help="x where charged and where discharged.")
    ] = "0..1",
    sites: Annotated[
        int | None, typer.Option(min=1, max=30, help="Default: as few as will do.")
    ] = None,
    temperature: Annotated[str, typer.Option(help="Of the measurement.")] = "25 degC",
    cell: Annotated[
        str | None, typer.Option(help="Cell to put it in; gives area and loading.")
    ] = None,
    mapping: MappingFile = None,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder; default results/ocv-FILE",
            readable=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Fit a smooth open-circuit potential to a slow charge and discharge."""
    folder = out_folder or Path("results") / f"ocv-{Path(data[0]).stem}"
    refuse_used(folder, overwrite)

    from ..fitting.ocv_file import fit_files
    from ..report.ocv import print_ocv, save

    found = fit_files(data, stoichiometry, sites, temperature, cell, mapping)
    path = save(found, folder, command_line())
    print_ocv(found, path, out)

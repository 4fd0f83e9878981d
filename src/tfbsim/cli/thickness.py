"""`tfbsim thickness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..output import make_folder
from .console import out, say
from .edge import OTHER_OUTCOME
from .options import (
    Changes,
    Format,
    MeshPoints,
    Name,
    Overwrite,
    changes_of,
    find,
    used_folder,
    write_all,
)


def thickness(
    cell: Name,
    share: Annotated[
        float, typer.Option(help="Of the equilibrium capacity, 0 to 1.")
    ] = 0.8,
    rate: Annotated[
        list[str] | None, typer.Option(help="Discharge rate, as 5C; may be repeated.")
    ] = None,
    current: Annotated[
        list[str] | None,
        typer.Option(help='In place of rates, as "100 uA/cm2"; may be repeated.'),
    ] = None,
    lower: Annotated[str | None, typer.Option(help='Cut-off, as "3 V".')] = None,
    upper: Annotated[str | None, typer.Option(help='Charged to, as "4.2 V".')] = None,
    set_: Changes = None,
    points: MeshPoints = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the table, the curves and a figure.", readable=False
        ),
    ] = None,
    format_: Format = "png",
    overwrite: Overwrite = False,
) -> None:
    """Find the cathode thickness that still delivers a share of its capacity."""
    path, kind = find(cell)
    if kind != "cell":
        raise InputError("is an experiment; the thickness is found of a cell", path)

    if folder is not None:
        make_folder(used_folder(folder, "", "", overwrite))

    from ..cell.cell import load_cell
    from ..report.printed import printed
    from ..run.thickness import thickness_for

    found = thickness_for(
        load_cell(path).replace(changes_of(set_)),
        share,
        rate or (),
        current or (),
        lower,
        upper,
        curve=folder is not None,
        numerics={} if points is None else {"points": points},
    )
    heads = {name: name.replace(" [", "\n").rstrip("]") for name in found.columns}
    out.print(printed(found, heads, wrap=True))
    if folder is not None:
        from ..plot import thickness as draw

        curves = type(found)(found.attrs["curve"])
        tables = {"thickness.csv": found, "thickness-curves.csv": curves}
        write_all(folder, tables, {"thickness": draw(found)}, format_)
        say(f"\ntable, curves and figure in {folder}")
    if found["Note"].any():
        raise typer.Exit(OTHER_OUTCOME)

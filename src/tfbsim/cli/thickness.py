"""`tfbsim thickness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from ..errors import InputError
from ..output import Output, make_folder
from ..version import __version__
from .console import out
from .edge import OTHER_OUTCOME
from .options import (
    Changes,
    Format,
    MeshPoints,
    Name,
    Overwrite,
    changes_of,
    command_line,
    find,
    refuse_used,
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
    out_folder: Annotated[
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

    if out_folder is not None:
        refuse_used(out_folder, overwrite)
        make_folder(out_folder)

    from ..cell.cell import load_cell
    from ..report.printed import printed
    from ..run.thickness import thickness_for

    numerics = {} if points is None else {"points": points}
    changed = load_cell(path).replace(changes_of(set_ or []))
    found = thickness_for(
        changed,
        share,
        rate or (),
        current or (),
        lower,
        upper,
        curve=out_folder is not None,
        numerics=numerics,
    )
    heads = {name: name.replace(" [", "\n").rstrip("]") for name in found.columns}
    out.print(printed(found, heads, wrap=True))
    if out_folder is not None:
        _write(found, out_folder, format_)
        out.print(f"\ntable, curves and figure in {escape(str(out_folder))}")
    if found["Note"].any():
        raise typer.Exit(OTHER_OUTCOME)


def _write(found: Any, folder: Path, format_: str) -> None:
    """Write the table, its curves and the figure."""
    from ..plot import style
    from ..plot import thickness as draw
    from ..result.csv_file import csv

    output = Output(folder)
    output.write("thickness.csv", csv(found), len(found))
    curve = found.attrs["curve"]
    output.write("thickness-curves.csv", csv(type(found)(curve)), len(curve))
    for name, content in style.rendered({"thickness": draw(found)}, format_).items():
        output.write(f"{name}.{format_}", content)
    output.seal({"tfbsim": __version__, "command": command_line()})

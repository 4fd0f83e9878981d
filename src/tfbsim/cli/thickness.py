"""`tfbsim thickness`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Exit, Option

from ..errors import InputError
from ..output import make_folder
from . import options
from .console import out, say
from .edge import OTHER_OUTCOME
from .options import Text, Texts


def thickness(
    cell: options.Name,
    share: Annotated[float, Option(help="Of the equilibrium capacity, 0 to 1.")] = 0.8,
    rate: Annotated[Texts, Option(help="Discharge rate, as 5C; may be repeated.")] = None,
    current: Annotated[
        Texts, Option(help='In place of rates, as "100 uA/cm2"; may be repeated.')
    ] = None,
    lower: Annotated[Text, Option(help='Cut-off, as "3 V".')] = None,
    upper: Annotated[Text, Option(help='Charged to, as "4.2 V".')] = None,
    set_: options.Changes = None,
    points: options.MeshPoints = None,
    folder: Annotated[
        Path | None,
        Option(
            "--out", help="Folder for the table, the curves and a figure.", readable=False
        ),
    ] = None,
    format_: options.Format = "png",
    overwrite: options.Overwrite = False,
) -> None:
    """Find the cathode thickness that still delivers a share of its capacity."""
    path, kind = options.find(cell)
    if kind != "cell":
        raise InputError("is an experiment; the thickness is found of a cell", path)

    if folder is not None:
        make_folder(options.used_folder(folder, "", "", overwrite))

    from ..report.printed import printed
    from ..run.thickness import thickness_for

    found = thickness_for(
        options.changed_cell(path, set_),
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
        from ..report.written import write_all

        curves = type(found)(found.attrs["curve"])
        tables = {"thickness.csv": found, "thickness-curves.csv": curves}
        command, figures = options.command_line(), {"thickness": draw(found)}
        write_all(folder, command, tables, figures, format_)
        say(f"\ntable, curves and figure in {folder}")
    if found["Note"].any():
        raise Exit(OTHER_OUTCOME)

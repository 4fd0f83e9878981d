"""`tfbsim thickness`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..errors import InputError
from .console import out
from .edge import OTHER_OUTCOME
from .options import Changes, MeshPoints, Name, changes_of, find


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
) -> None:
    """Find the cathode thickness that still delivers a share of its capacity."""
    path, kind = find(cell)
    if kind != "cell":
        raise InputError("is an experiment; the thickness is found of a cell", path)

    from ..cell.cell import load_cell
    from ..run.thickness import thickness_for

    numerics = {} if points is None else {"points": points}
    changed = load_cell(path).replace(changes_of(set_ or []))
    found = thickness_for(
        changed, share, rate or (), current or (), lower, upper, numerics=numerics
    )
    table = Table(box=None, pad_edge=False)
    for name in found.columns:
        text = name in ("Discharge", "Note")
        label = name.replace(" [", "\n").rstrip("]")
        table.add_column(escape(label), justify="left" if text else "right")
    for row in found.itertuples(index=False):
        table.add_row(*(_text(value) for value in row))
    out.print(table)
    if found["Note"].any():
        raise typer.Exit(OTHER_OUTCOME)


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return escape(value)
    return "" if value != value else f"{value:.4g}"

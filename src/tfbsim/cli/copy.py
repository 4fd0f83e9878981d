"""`tfbsim copy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError
from ..output import write_new
from ..yaml_file import load
from .console import out
from .options import find


def copy(
    name: Annotated[str, typer.Argument(help="A shipped cell or experiment.")],
    to: Annotated[
        Path | None,
        typer.Argument(
            help="A new .yaml file; default ./NAME.yaml",
            readable=False,
        ),
    ] = None,
) -> None:
    """Copy a shipped file, and the tables it needs, to edit."""
    path, kind = find(name)
    target = to or Path(path.name)
    if target.is_dir():
        target = target / path.name
    if target.suffix not in (".yaml", ".yml"):
        raise InputError("must end in .yaml", target)
    beside = []
    if kind == "cell":
        from ..cell.cell import load_cell, tables

        load_cell(path)  # its tables are there, and in its folder
        beside = tables(load(path).data)
    copies = {
        target: path,
        **{target.parent / name: path.parent / name for name in beside},
    }
    write_new({to: source.read_bytes() for to, source in copies.items()})
    for there in copies:
        out.print(escape(str(there)))

"""`tfbsim new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError, shown, suggest
from ..output import write_new
from .console import out


def new(
    kind: Annotated[str, typer.Argument(help="cell, experiment, mapping or cluster")],
    name: Annotated[str, typer.Argument(help="Name of the new file, without .yaml")],
) -> None:
    """Write a commented file to start from."""
    kinds = ("cell", "experiment", "mapping", "cluster")
    if kind not in kinds:
        raise InputError(
            f"'{shown(kind)}' is neither cell, experiment, mapping nor cluster"
            f"{suggest(kind, kinds)}"
        )
    target = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    template = Path(__file__).parents[1] / "templates" / f"{kind}.yaml"
    write_new({target: template.read_bytes()})
    out.print(escape(str(target)))

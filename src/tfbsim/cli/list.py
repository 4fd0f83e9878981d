"""`tfbsim list`."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.markup import escape

from ..yaml_file import cells, experiments
from .console import out


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """List the shipped cells and experiments, a line each."""
    found = {"cells": cells(), "experiments": experiments()}
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for title, files in found.items():
        out.print(title.capitalize())
        width = max(map(len, files), default=0)
        for name, line in files.items():
            out.print(f"  {name:<{width}}  {escape(line)}")

"""`tfbsim list`."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from ..materials import every
from ..yaml_file import cells, experiments
from .console import out


class Kind(StrEnum):
    """What may be listed alone."""

    CELLS = "cells"
    EXPERIMENTS = "experiments"
    MATERIALS = "materials"


def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only these.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """List the shipped cells and experiments, or the materials, a line each."""
    if kind is Kind.MATERIALS:
        found = {"materials": {name: m.title for name, m in every().items()}}
    else:
        found = {"cells": cells(), "experiments": experiments()}
    if kind is not None:
        found = {kind.value: found[kind.value]}
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for title, files in found.items():
        out.print(title.capitalize())
        width = max(map(len, files), default=0)
        for name, line in files.items():
            out.print(f"  {name:<{width}}  {escape(line)}")

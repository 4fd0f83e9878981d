"""The commands, joined."""

from __future__ import annotations

from typing import Annotated

import typer

from ..version import __version__
from .check import check
from .compare import compare
from .console import out
from .copy import copy
from .eis import eis
from .fit import fit
from .fit_ocv import fit_ocv
from .gitt import gitt
from .list import list_
from .new import new
from .report import report
from .run import run
from .show import show
from .thickness import thickness

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Simulate thin-film solid-state lithium cells.",
)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"tfbsim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Simulate thin-film solid-state lithium cells."""


app.command("list")(list_)
for command in (show, check, copy, new, run, compare, eis, fit, gitt):
    app.command()(command)
app.command("fit-ocv")(fit_ocv)
app.command()(report)
app.command()(thickness)

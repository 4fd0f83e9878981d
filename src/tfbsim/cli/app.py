"""The commands, joined."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Exit, Option

from ..version import __version__
from .console import out
from .eis import eis
from .files import check, copy, list_, new, show
from .measured import compare, fit, fit_ocv, gitt
from .run import report, run
from .thickness import thickness

ABOUT = "Simulate thin-film solid-state lithium cells."
app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=ABOUT,
)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"tfbsim {__version__}")
        raise Exit


@app.callback(help=ABOUT)
def _options(
    version: Annotated[
        bool, Option("--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of no command."""


app.command("list")(list_)
for command in (show, check, copy, new, run, compare, eis, fit, gitt):
    app.command()(command)
app.command("fit-ocv")(fit_ocv)
app.command()(report)
app.command()(thickness)

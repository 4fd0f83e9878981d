"""`tfbsim report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError, shown
from .console import out
from .options import Exports, Format, check_exports, write_exports


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            help="A folder that `run` wrote.",
            readable=False,
        ),
    ],
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Draw what is left of a damaged folder.")
    ] = False,
    format_: Format = "png",
    export: Exports = None,
) -> None:
    """Draw figures and report again from results, without solving."""
    from ..report.report import write_report
    from ..result.load import load_result

    check_exports(export or ())
    result = load_result(folder, incomplete)
    try:
        write_report(result, folder, format_)
        if export:
            write_exports(result, folder, export)
    except (InputError, OSError):
        raise
    except Exception as error:
        if "incomplete" not in result.provenance:
            raise
        message = f"what is left cannot be drawn ({shown(error, 120)})"
        raise InputError(message, folder) from None
    out.print(escape(str(folder / "report.html")))

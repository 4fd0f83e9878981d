"""Files that commands leave without a page: tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ..output import Output
from ..plot.drawing import rendered
from ..result.csv_file import csv
from ..version import __version__


def write_all(
    folder: Path,
    command: str,
    tables: Mapping[str, pd.DataFrame | None],
    figures: Mapping[str, Figure],
    format_: str = "png",
) -> str:
    """Write tables that have rows and figures into a folder, and the command that did.

    Returns
    -------
    str
        The folder and the files in it.
    """
    output = Output(folder)
    for name, rows in tables.items():
        if rows is not None and len(rows):
            output.write(name, csv(rows), len(rows))
    for name, content in rendered(figures, format_).items():
        output.write(f"{name}.{format_}", content)
    output.seal({"tfbsim": __version__, "command": command})
    return f"{folder}: {', '.join(output.written)}"

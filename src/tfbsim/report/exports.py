"""Curves of a result as files for other tools.

Apart from :mod:`.written`, as a run without figures does not wait for matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..output import EXPORTS, Output
from ..result.export import ENDINGS
from ..result.result import Result


def write_exports(result: Result, folder: Path, formats: Iterable[str]) -> None:
    """Write curves.csv, curves.xlsx or curves.bdf.csv, listed in the provenance."""
    output = Output(folder, EXPORTS)
    for name in dict.fromkeys(formats):
        for file, content in result.exported(f"curves{ENDINGS[name]}").items():
            output.write(file, content)
    output.add()

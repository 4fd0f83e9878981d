"""A table of a file as it stands there: headings, columns, decimal mark."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

FRAME = "DataFrame"  # the name of data that are in no file


@dataclass(frozen=True)
class Table:
    """One table of a file.

    Parameters
    ----------
    path : Path
        The file.
    names : tuple of str
        Headings of the columns; "" where there is none.
    data : DataFrame
        Columns by their number from 0: numbers, or text where a cell is no number.
        Columns that nobody asks for may be missing.
    decimal : str
        The decimal mark of its numbers.
    layout : str
        Whose layout it is: "text", "EC-Lab", "NEWARE" or "Gamry".
    title : str
        What the file calls the table.
    line : int or None
        The line of the headings, from 1.
    head : str
        The lines before the first table of the file.
    lost : int
        Lines that could not be read as rows.
    notes : list of str
        What was recognised and left out, in sentences.
    """

    path: Path
    names: tuple[str, ...]
    data: pd.DataFrame
    decimal: str = "."
    layout: str = "text"
    title: str = ""
    line: int | None = None
    head: str = ""
    lost: int = 0
    notes: list[str] = field(default_factory=list)

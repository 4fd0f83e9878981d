"""Tables as a terminal shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import pandas as pd
from rich.markup import escape
from rich.table import Table


def cell(name: str, value: object) -> str:
    """Return words as they are, a number in four digits, and nothing for NaN."""
    if not isinstance(value, float):
        return str(value)
    return "" if value != value else f"{value:.4g}"


def printed(
    rows: pd.DataFrame,
    heads: Mapping[str, str] | None = None,
    cell: Callable[[str, object], str] = cell,
    most: int | None = None,
    wrap: bool = False,
) -> Table:
    """Return a table: words on the left, numbers on the right.

    ``heads`` has the columns in order, with what stands above them; those that are not
    there are left out.  By default all columns are shown by their names.  A ``cell``
    makes text of column and value.  The first ``most`` rows are shown, and long words
    take several lines with ``wrap``.
    """
    heads = heads or {name: name for name in rows}
    heads = {name: head for name, head in heads.items() if name in rows}
    table = Table(box=None, pad_edge=False)
    for name, head in heads.items():
        words = not pd.api.types.is_numeric_dtype(rows[name])
        side: Literal["left", "right"] = "left" if words else "right"
        table.add_column(escape(head), justify=side, no_wrap=not wrap)
    for row in rows.head(len(rows) if most is None else most).to_dict("records"):
        table.add_row(*(escape(cell(name, row[name])) for name in heads))
    return table

"""Tables as a terminal shows them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

import pandas as pd
from rich.markup import escape
from rich.table import Table


def text_table(
    rows: Iterable[Sequence[str]],
    heads: Sequence[str] = (),
    right: Container[int] = (),
    wrap: bool = True,
) -> Table:
    """Return a table of words; the columns of these numbers are on the ``right``."""
    table = Table(*map(escape, heads), box=None, pad_edge=False, show_header=bool(heads))
    for row in rows:
        table.add_row(*map(escape, row))
    for number, column in enumerate(table.columns):
        column.justify = "right" if number in right else "left"
        column.no_wrap = not wrap
    return table


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
    number = pd.api.types.is_numeric_dtype
    right = [k for k, name in enumerate(heads) if number(rows[name])]
    records = rows.head(len(rows) if most is None else most).to_dict("records")
    texts = ([cell(name, row[name]) for name in heads] for row in records)
    return text_table(texts, list(heads.values()), right, wrap)

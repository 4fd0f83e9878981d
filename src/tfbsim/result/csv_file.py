"""Tables as CSV files: the same bytes for the same numbers, text that stays text.

A spreadsheet runs a field that begins with ``=``, ``+``, ``-`` or ``@`` as a formula.
Such a text gets an apostrophe in front, as a spreadsheet marks text; of a text that has
apostrophes before such a character, one more.  ``read`` takes one away again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SPECIAL = re.compile(r"""[",\r\n]|^['=+\-@]""")
MARKED = re.compile(r'[",\r\n]')
FORMULA = re.compile(r"'*[=+\-@]")


FORMAT = "%.10g"  # of numbers
ROWS = 20_000  # of which the text is made at a time


def csv(table: pd.DataFrame, float_format: str | None = FORMAT) -> str:
    """Return a table as the text of a CSV file.

    Parameters
    ----------
    table : DataFrame
        Without its index.
    float_format : str or None
        Of the numbers; None for all digits.
    """
    return "".join(parts(table, float_format))


def parts(table: pd.DataFrame, float_format: str | None = FORMAT) -> Iterator[str]:
    """Yield the text that :func:`csv` returns, some rows at a time."""
    for k in range(0, max(len(table), 1), ROWS):
        yield _text(table.iloc[k : k + ROWS], float_format or "%s", header=k == 0)


def _text(table: pd.DataFrame, float_format: str, header: bool) -> str:
    """Some of the rows: a format of a row, filled for each of them."""
    head = [_field(name) for name in table]
    cells: list[str] = []
    columns: list[list[Any]] = []
    for k in range(table.shape[1]):
        column = table.iloc[:, k]
        kind = column.dtype
        if not _numeric(kind):
            codes, words = pd.factorize(column.astype(object), use_na_sentinel=False)
            fields = np.array([*map(_field, words)], dtype=object)
            columns.append(fields[codes].tolist())
            cells.append("%s")
            continue
        values = column.to_numpy()
        if kind.kind != "f":
            columns.append(values.tolist())
            cells.append("%s")
        elif len(values) > 1 and (values == values[0]).all() and values[0]:
            cells.append(float_format % values[0])
        elif not np.isnan(values).any():
            columns.append(values.tolist())
            cells.append(float_format)
        elif np.isnan(values).all():
            cells.append("")
        else:
            each = (float_format % v if v == v else "" for v in values.tolist())
            columns.append(list(each))
            cells.append("%s")
    row = ",".join(cells)
    rows = map(row.__mod__, zip(*columns, strict=True)) if columns else [row] * len(table)
    return "".join(f"{line}\n" for line in ([",".join(head)] if header else []) + [*rows])


def _field(text: Any) -> str:
    """Return a word as a field: in quotation marks where a reader needs them."""
    if isinstance(text, str) and not SPECIAL.search(text):
        return text
    if text is None or text != text:
        return ""
    text = str(quoted(text))
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if MARKED.search(text) else text


def read(path: Path | io.StringIO, **options: Any) -> pd.DataFrame:
    """Read a table that :func:`csv` wrote; only an empty field is nothing, for a case
    may be called NA."""
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], **options)
    table = table.rename(columns=_unquoted)
    for k, kind in enumerate(table.dtypes):
        if not _numeric(kind) and table.iloc[:, k].notna().any():
            table.isetitem(k, table.iloc[:, k].map(_unquoted))
    return table


def _numeric(kind: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(kind))


def quoted(text: Any) -> Any:
    """Return a text as a spreadsheet takes it for text."""
    return f"'{text}" if isinstance(text, str) and FORMULA.match(text) else text


def _unquoted(text: Any) -> Any:
    quoted = isinstance(text, str) and text[:1] == "'" and FORMULA.match(text)
    return text[1:] if quoted else text

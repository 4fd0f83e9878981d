"""Tables as CSV files: the same bytes for the same numbers, text that stays text.

A spreadsheet runs a field that begins with ``=``, ``+``, ``-`` or ``@`` as a formula.
Such a text gets an apostrophe in front, as a spreadsheet marks text; of a text that has
apostrophes before such a character, one more.  ``read`` takes one away again.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pandas as pd

FORMULA = re.compile(r"'*[=+\-@]")


def csv(table: pd.DataFrame, float_format: str | None = "%.10g") -> str:
    """Return a table as the text of a CSV file.

    Parameters
    ----------
    table : DataFrame
        Without its index.
    float_format : str or None
        Of the numbers; None for all digits.
    """
    table = table.rename(columns=quoted)
    texts = [k for k, kind in enumerate(table.dtypes) if not _numeric(kind)]
    if texts:
        table = table.copy()
        for k in texts:
            table.isetitem(k, table.iloc[:, k].map(quoted))
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, float_format=float_format, lineterminator="\n")
    return buffer.getvalue()


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

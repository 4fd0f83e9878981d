"""Tables as CSV files: the same bytes for the same numbers, text that stays text.

A spreadsheet runs a field that begins with ``=``, ``+``, ``-`` or ``@`` as a formula.
Such a text gets an apostrophe in front, as a spreadsheet marks text; of a text that has
apostrophes before such a character, one more.  ``read`` takes one away again.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

SPECIAL = re.compile(r"""[",\r\n]|^['=+\-@]""")
MARKED = re.compile(r'[",\r\n]')
FORMULA = re.compile(r"'*[=+\-@]")
FORMAT = "%.10g"  # of numbers
ROWS = 20_000  # of which the text is made at a time


def csv(table: pd.DataFrame, float_format: str | None = FORMAT) -> str:
    """Return a table without its index as CSV; format None is all digits."""
    return "".join(parts(table, float_format))


def parts(table: pd.DataFrame, float_format: str | None = FORMAT) -> Iterator[str]:
    """Yield the text that :func:`csv` returns, some rows at a time."""
    for k in range(0, max(len(table), 1), ROWS):
        yield _text(table.iloc[k : k + ROWS], float_format or "%s", header=k == 0)


def _text(table: pd.DataFrame, float_format: str, header: bool) -> str:
    columns = [_fields(table.iloc[:, k], float_format) for k in range(table.shape[1])]
    rows = map(",".join, zip(*columns, strict=True)) if columns else [""] * len(table)
    head = [",".join(map(_field, table))] if header else []
    return "".join(f"{line}\n" for line in [*head, *rows])


def _fields(column: pd.Series, float_format: str) -> list[str]:
    if not is_numeric_dtype(column.dtype):
        codes, words = pd.factorize(column.astype(object), use_na_sentinel=False)
        return np.array([*map(_field, words)], dtype=object)[codes].tolist()
    values = column.to_numpy()
    if values.dtype.kind != "f":
        return [*map(str, values.tolist())]
    if len(values) and values[0] and (values == values[0]).all():
        return [float_format % values[0]] * len(values)
    return ["" if v != v else float_format % v for v in values.tolist()]


def _field(text: object) -> str:
    """Return a word as a field: in quotation marks where a reader needs them."""
    if isinstance(text, str) and not SPECIAL.search(text):
        return text
    if text is None or text != text:
        return ""
    text = str(quoted(text))
    return f'"{text.replace(chr(34), 2 * chr(34))}"' if MARKED.search(text) else text


def read(path: Path | io.StringIO, texts: Iterable[str] = ()) -> pd.DataFrame:
    """Read a table that :func:`csv` wrote, some columns of it as texts.

    Only an empty field is nothing, for a case may be called NA.
    """
    kinds = dict.fromkeys(texts, str)
    table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=kinds)
    table = table.rename(columns=_unquoted)
    for k, kind in enumerate(table.dtypes):
        if not is_numeric_dtype(kind):
            words = table.iloc[:, k].unique()
            if any(_unquoted(word) is not word for word in words):
                table.isetitem(k, table.iloc[:, k].map(_unquoted))
    return table


def quoted(text: object) -> object:
    """Return a text as a spreadsheet takes it for text."""
    return f"'{text}" if isinstance(text, str) and FORMULA.match(text) else text


def _unquoted(text: object) -> object:
    if isinstance(text, str) and text[:1] == "'" and FORMULA.match(text):
        return text[1:]
    return text

"""From a file to a table of text: encodings, separators, preambles, cyclers' formats.

Text of any common layout is recognised by what makes the most numbers of it; what was
recognised otherwise than UTF-8 with commas is told in a note.  Binary formats go through
optional readers: NewareNDA (BSD) for .nda and .ndax, galvani (GPL-3) for .mpr.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError, shown
from .mapping import Mapping

FRAME = "DataFrame"  # the name of data that are in no file
MAX_BYTES = 500 * 2**20
SAMPLE = 400  # lines that are looked at to recognise a layout
MAX_PREAMBLE = 2000  # lines before the table
MAX_COLUMNS = 1000
MAX_LINE = 20_000  # characters looked at to recognise a layout

DELIMITERS = {"tab": "\t", "semicolon": ";", "comma": ",", "space": " "}
DECIMALS = {"point": ".", "comma": ","}
_NUMBER = {
    mark: re.compile(rf'\s*"?[-+]?(\d+(\{mark}\d*)?|\{mark}\d+)([eE][-+]?\d+)?"?\s*')
    for mark in DECIMALS.values()
}
_NOT_A_NUMBER = re.compile(r'\s*"?([-+]?nan|[-+]?inf|n/?a|-*|\*+)"?\s*', re.IGNORECASE)
_EC_LAB = re.compile(r"Nb header lines\s*:\s*(\d{1,6})")
# How pip finds what a format needs
EXTRAS = {
    ".nda": ("NewareNDA", "neware"),
    ".ndax": ("NewareNDA", "neware"),
    ".mpr": ("galvani", "biologic"),
}
_NEWARE = {
    "Voltage": "Voltage / V",
    "Cycle": "Cycle Count",
    "Step": "Step Count",
    "Time": "Step Time / s",
    "Timestamp": "Date",  # to a second; the clock of the step is finer
}


@dataclass(frozen=True)
class Table:
    """A file's columns, as text or numbers.

    Parameters
    ----------
    path : Path
        The file.
    names : tuple of str
        Of the columns; "" where there is no heading.
    data : DataFrame
        Columns 0, 1, ...
    decimal : str
        The decimal mark of its numbers.
    layout : str
        "text", "EC-Lab", "NEWARE" or "BioLogic".
    notes : list of str
        What was recognised and left out, in sentences.
    """

    path: Path
    names: tuple[str, ...]
    data: pd.DataFrame
    decimal: str = "."
    layout: str = "text"
    notes: list[str] = field(default_factory=list)


def count(number: int, one: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def table_of_frame(frame: pd.DataFrame) -> Table:
    """Return a DataFrame, whose columns are named as those of a file, as a table."""
    names = tuple(str(name) for name in frame.columns)
    data = frame.reset_index(drop=True).set_axis(range(len(names)), axis=1)
    if not len(data):
        raise InputError("holds no rows", FRAME)
    return Table(Path(FRAME), names, data)


def load_table(path: Path, mapping: Mapping) -> Table:
    """Read a file of any known format.

    Raises
    ------
    InputError
        The file cannot be read, or holds no table.
    """
    try:
        if path.is_dir():
            raise InputError("is a folder, not a file", path)
        if not path.is_file():
            known = path.exists()
            raise InputError("is not a regular file" if known else "no such file", path)
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"cannot be read: {shown(str(error))}", path) from None
    if size > MAX_BYTES:
        raise InputError(f"is larger than {MAX_BYTES // 2**20} MiB", path)
    suffix = path.suffix.lower()
    if suffix in EXTRAS:
        return _binary(path, suffix)
    if suffix in (".xlsx", ".xls", ".ods"):
        raise InputError("is a spreadsheet; save the sheet as CSV", path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path) from None
    notes: list[str] = []
    text = _decoded(content, path, mapping.encoding, notes)
    try:
        return _text_table(path, text, mapping, notes)
    except csv.Error as error:
        message = f"cannot be read as a table ({shown(str(error))})"
        raise InputError(message, path) from None


# --- Text --------------------------------------------------------------------------


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _decoded(content: bytes, path: Path, encoding: str | None, notes: list[str]) -> str:
    if not content.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise InputError("the file is empty", path)
    chosen = encoding or next((e for mark, e in _MARKS if content.startswith(mark)), None)
    if chosen is None:
        zeros = Counter(k % 2 for k, byte in enumerate(content[:4000]) if byte == 0)
        if sum(zeros.values()) > 0.3 * min(len(content), 4000):
            chosen = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    try:
        text = content.decode(chosen or "utf-8")
    except UnicodeError as error:
        if chosen:
            message = f"is not {chosen} text ({shown(str(error))})"
            raise InputError(message, path, field="encoding") from None
        text = content.decode("latin-1")
        chosen = "latin-1"
    head = text[:20_000]
    odd = sum(not (c.isprintable() or c in "\t\r\n\f") for c in head)
    if odd > 0.01 * len(head):
        raise InputError(
            "is not text; tfbsim reads text tables, .nda, .ndax and .mpr", path
        )
    if chosen and chosen != "utf-8-sig" and not encoding:
        notes.append(f"Read as {chosen} text.")
    return text.replace("\x00", "").removeprefix("\ufeff")


@dataclass(frozen=True)
class _Layout:
    delimiter: str
    decimal: str
    columns: int
    score: float

    def split(self, line: str) -> list[str]:
        if self.delimiter == " ":
            return line.split()
        if '"' in line:
            return next(csv.reader([line], delimiter=self.delimiter), [])
        return line.split(self.delimiter)

    def numbers(self, line: str) -> int:
        """How many fields of a line are numbers."""
        pattern = _NUMBER[self.decimal]
        fields = self.split(line[:MAX_LINE])
        return sum(len(f) < 50 and bool(pattern.fullmatch(f)) for f in fields)

    def is_data(self, line: str) -> bool:
        """Whether a line has the table's columns, and numbers in them."""
        fields = self.split(line)
        blank = sum(bool(_NOT_A_NUMBER.fullmatch(f)) for f in fields)
        numbers = self.numbers(line)
        alike = abs(len(fields) - self.columns) <= 1
        return alike and numbers >= 2 and numbers >= 0.5 * (len(fields) - blank)


def _text_table(path: Path, text: str, mapping: Mapping, notes: list[str]) -> Table:
    lines = text.splitlines()
    skip = mapping.skip_rows or 0
    ec_lab = None
    if lines and re.match(r"(EC|BT)-Lab ASCII FILE", lines[0]):
        ec_lab = _EC_LAB.search("\n".join(lines[1:4]))
    if ec_lab:
        skip = max(skip, int(ec_lab[1]) - 1)
    body = [k for k in range(skip, len(lines)) if not _comment(lines[k])]
    if not body:
        raise InputError("holds no table", path)
    layout = _layout([lines[k] for k in body], mapping)
    if layout is None:
        raise InputError(
            "holds no table of at least two columns of numbers; if it does, a mapping "
            "says where: delimiter, decimal, skip_rows",
            path,
        )
    first = next((k for k in body[:MAX_PREAMBLE] if layout.is_data(lines[k])), None)
    if first is None:
        raise InputError(f"no table in the first {MAX_PREAMBLE:,} lines", path)
    names, preamble = _heading(lines, body, first, layout, path)
    if layout.delimiter != ",":
        words = {v: k for k, v in DELIMITERS.items()}[layout.delimiter]
        if not (ec_lab or mapping.delimiter):
            notes.append(f"Columns separated by {words}s.")
    if layout.decimal == "," and not mapping.decimal:
        notes.append("Numbers with decimal commas.")
    if preamble and not ec_lab:
        notes.append(f"Skipped {count(preamble, 'line')} before the table.")
    wanted = [lines[k] for k in body[body.index(first) :] if lines[k].strip()]
    data = _parsed(wanted, layout, len(names), path, notes)
    kind = "EC-Lab" if ec_lab else "text"
    return Table(path, tuple(names), data, layout.decimal, kind, notes)


def _comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith(("#", "%", "//"))


def _layout(lines: Sequence[str], mapping: Mapping) -> _Layout | None:
    """The delimiter and decimal mark that make the most numbers."""
    middle = max(0, len(lines) // 2 - SAMPLE // 4)
    sample = [*islice(lines, SAMPLE), *lines[middle : middle + SAMPLE // 2]]
    found: list[_Layout] = []
    for word, mark in DELIMITERS.items():
        for decimal_word, decimal in DECIMALS.items():
            if mark == "," and decimal == ",":
                continue
            if mapping.delimiter not in (None, word):
                continue
            if mapping.decimal not in (None, decimal_word):
                continue
            guess = _Layout(mark, decimal, 0, 0.0)
            counts = Counter(
                len(guess.split(line)) for line in sample if guess.numbers(line) >= 2
            )
            if not counts:
                continue
            columns, _ = counts.most_common(1)[0]
            if not 2 <= columns <= MAX_COLUMNS:
                continue
            alike = [x for x in sample if len(guess.split(x)) == columns]
            numbers = sum(guess.numbers(line) for line in alike)
            share = numbers / (columns * len(alike)) * counts[columns] / len(sample)
            found.append(_Layout(mark, decimal, columns, share))
    # Among equals the order above: a decimal comma is never guessed without need
    return max(found, key=lambda x: round(x.score, 2), default=None)


def _heading(
    lines: Sequence[str], body: Sequence[int], first: int, layout: _Layout, path: Path
) -> tuple[list[str], int]:
    """Names of the columns, and how many lines stand before them."""
    columns = max(layout.columns, len(layout.split(lines[first])))
    before = body[: body.index(first)]
    above = [
        (k, [f.strip().strip('"') for f in layout.split(lines[k])]) for k in before[-2:]
    ]
    # A heading of words with spaces in it, above columns separated by spaces
    if layout.delimiter == " " and above and "\t" in lines[above[-1][0]]:
        above[-1] = (above[-1][0], [f.strip() for f in lines[above[-1][0]].split("\t")])
    rows = [(k, f) for k, f in above if columns <= len(f) <= columns + 1 and any(f)]
    if not rows:
        return [""] * columns, len(before)
    k, names = rows[-1]
    if len(rows) == 2 and _are_units(names):
        k, words = rows[0]
        names = [
            f"{word} / {unit.strip('[]()')}" if unit else word
            for word, unit in zip(words, names, strict=False)
        ]
    return (names + [""] * columns)[: max(columns, len(names))], before.index(k)


def _are_units(fields: Sequence[str]) -> bool:
    from .columns import is_unit

    given = [f.strip("[]()") for f in fields if f]
    return bool(given) and sum(map(is_unit, given)) > 0.5 * len(given)


def _parsed(
    lines: Sequence[str], layout: _Layout, columns: int, path: Path, notes: list[str]
) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pd.read_csv(
                io.StringIO("\n".join(lines)),
                sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
                header=None,
                names=range(columns),
                index_col=False,
                dtype=str,
                keep_default_na=False,
                on_bad_lines="skip",
                quoting=csv.QUOTE_MINIMAL if _quoted(lines) else csv.QUOTE_NONE,
                engine="c",
            )
    except (ValueError, pd.errors.ParserError, MemoryError) as error:
        message = f"cannot be read as a table ({shown(str(error))})"
        raise InputError(message, path) from None
    lost = len(lines) - len(data)
    if lost > 0:
        notes.append(f"Left out {count(lost, 'line')} with another number of columns.")
    return data


def _quoted(lines: Sequence[str]) -> bool:
    """Whether quotes come in pairs on every line that has any."""
    marks = [line.count('"') for line in lines]
    return any(marks) and not any(n % 2 for n in marks)


# --- Binary ------------------------------------------------------------------------


def _binary(path: Path, suffix: str) -> Table:
    package, extra = EXTRAS[suffix]
    try:
        reader: Any = import_module(package)
        if package == "galvani":
            reader = import_module("galvani.BioLogic")
    except ImportError:
        raise InputError(
            f"needs {package}, which is not installed: pip install 'tfbsim[{extra}]'",
            path,
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if package == "NewareNDA":
                data = reader.read(str(path), log_level="CRITICAL")
            else:
                data = pd.DataFrame(reader.MPRfile(str(path)).data)
        except Exception as error:  # whatever a damaged file makes of the reader
            reason = shown(f"{type(error).__name__}: {error}", 120)
            message = f"{package} cannot read it ({reason})"
            raise InputError(message, path) from None
    if len(data) == 0:
        raise InputError("holds no records", path)
    names = tuple(_NEWARE.get(str(c), str(c)) for c in data.columns)
    data.columns = range(len(names))
    layout = "NEWARE" if package == "NewareNDA" else "BioLogic"
    return Table(path, names, data, ".", layout, [f"Read with {package}."])

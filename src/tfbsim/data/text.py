"""Text tables of any common layout: encodings, separators, decimal marks, preambles.

What makes the most numbers of a file is taken for its layout; pandas then parses it.
Tried instead: clevercsv finds the separators as well, but neither the decimal mark nor
where the table begins, which takes the same look at the numbers; charset-normalizer takes
short German headings in latin-1 for big5hkscs, and Chinese ones in gb18030 for cp949.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

import pandas as pd

from ..errors import InputError, count, shown
from .cells import grouped
from .columns import find_columns, sets
from .headings import CLOCK, ROLE, heading, is_unit, role_of
from .mapping import Mapping
from .table import Table

SAMPLE = 400  # lines that are looked at to recognise a layout
MAX_PREAMBLE = 2000  # lines before the table
MAX_COLUMNS = 1000
MAX_LINE = 20_000  # characters looked at to recognise a layout
MANY = 20_000  # lines, from which on only the columns that are asked for are parsed

DELIMITERS = {"tab": "\t", "semicolon": ";", "comma": ",", "space": " "}
DECIMALS = {"point": ".", "comma": ","}
# In brackets, with its minus behind it or a unit, too
_BEHIND = r"(?:[munkµμ]?(?:A\.?h|A|V|W\.?h?|[Oo]hm|Ω|Hz|s)|min|hr?|sec|°C|degC|K|%)"
_NUMBER = {
    mark: re.compile(
        rf'\s*"?[(]?[-+−–－]?(\d+(\{mark}\d*)?|\{mark}\d+)([eEdD][-+−]?\d+)?'
        rf'(-|[)]|\s?{_BEHIND})?"?\s*'
        rf'|\s*"?(\d+\s?d\s|\d+[-.]|[-\d/.]+[ T])?\d+:\d+(:\d+)*({mark}\d*|\.\d*)?'
        r'( ?[AaPp]\.?[Mm]\.?)?"?\s*'
        r'|(?=[^dhm]*\d\s*[dhm])\s*"?P?(\d+\s*d[a-z]*[ ,T]*)?(T?\d+\s*h[a-z]*[ ,]*)?'
        r'(\d+\s*m[a-z]*[ ,]*)?\d+([.,]\d+)?\s*s?[a-z]*"?\s*'
    )
    for mark in DECIMALS.values()
}
_GROUPED = {
    mark: re.compile(rf"\s*{grouped(other, mark)}\s*")
    for mark, other in ((".", ","), (",", "."))
}
_NOT_A_NUMBER = re.compile(r'\s*"?([-+]?nan|[-+]?inf|n/?a|-*|\*+)"?\s*', re.IGNORECASE)
_WORD_FIRST = re.compile(r"\n[ \t\"'~#%<|(*]*[^\W\d]")
_WORDS_LOOKED_AT = 5000  # lines that begin with a letter
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, path: Path, encoding: str | None, notes: list[str]) -> str:
    """Return a file's text, its lines ending in a line feed.

    Raises
    ------
    InputError
        It is empty, no text, or not of the encoding that is given.
    """
    if not content[:4096].strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe") and not content.strip(
        b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"
    ):
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
        chosen = _eight_bit(content)
        text = content.decode(chosen, "replace")
    head = text[:20_000]
    odd = sum(not (c.isprintable() or c in "\t\r\n\f") for c in head)
    if odd > 0.01 * len(head):
        raise InputError(
            "is not text; tfbsim reads text tables, .nda, .ndax and .mpr", path
        )
    if chosen and chosen != "utf-8-sig" and not encoding:
        notes.append(f"Read as {chosen} text.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        text = text.replace("\x00", "")
    return text.removeprefix("\ufeff")


def _eight_bit(content: bytes) -> str:
    """Return the Chinese encoding if it makes a heading that is known; else latin-1."""
    try:
        text = content.decode("gb18030")[:100_000]
    except UnicodeError:
        return "latin-1"
    chinese = [name for name in ROLE if not name.isascii() and name in text]
    return "gb18030" if chinese else "latin-1"


@dataclass(frozen=True)
class Layout:
    """How the lines of a table are written: separator, decimal mark, fields in a line."""

    delimiter: str
    decimal: str
    columns: int = 0
    score: float = 0.0

    def split(self, line: str) -> list[str]:
        """Return the fields of a line."""
        if self.delimiter == " ":
            return line.split()
        if '"' in line and _encloses(line, self.delimiter):
            return next(csv.reader([line], delimiter=self.delimiter), [])
        return line.split(self.delimiter)

    def numbers(self, line: str) -> int:
        """Return how many fields of a line are numbers, clocks or dates."""
        return sum(x > 0 for x in self.weights(line))

    def weights(self, line: str) -> list[float]:
        """Return 1 for each field that is a number, 0.5 for one with thousands' marks."""
        plain, marked = _NUMBER[self.decimal], _GROUPED[self.decimal]
        return [
            0.0
            if len(f) >= 50
            else 1.0
            if plain.fullmatch(f)
            else 0.5 * bool(marked.fullmatch(f))
            for f in self.split(line[:MAX_LINE])
        ]

    def is_data(self, line: str) -> bool:
        """Return whether a line has the table's columns, and numbers in them."""
        fields = self.split(line)
        blank = sum(bool(_NOT_A_NUMBER.fullmatch(f)) for f in fields)
        found = self.numbers(line)
        alike = abs(len(fields) - self.columns) <= 1
        return alike and found >= 2 and found >= 0.5 * (len(fields) - blank)


def _encloses(line: str, delimiter: str) -> bool:
    """Return whether quotes stand around whole fields of a line."""
    mark = re.escape(delimiter)
    return bool(re.search(rf'(?:^|{mark})\s*"[^"]*"\s*(?:{mark}|$)', line))


def text_tables(
    path: Path,
    text: str,
    mapping: Mapping,
    notes: list[str],
    skip: int = 0,
    kind: str = "text",
) -> list[Table]:
    """Return the tables of a text, one below another.

    Parameters
    ----------
    path, text : Path, str
        The file and what is in it.
    mapping : Mapping
        May state delimiter, decimal mark and lines to skip.
    notes : list of str
        Grows by what was recognised.
    skip : int
        Lines of a preamble that the file counts itself.
    kind : str
        Whose layout it is, of :class:`~tfbsim.data.table.Table`.

    Raises
    ------
    InputError
        It holds no table.
    """
    text = _unquoted(text)
    skip = max(skip, mapping.skip_rows or 0)
    begin = _line_start(text, skip)
    lines = text[begin : begin + 2_000_000].split("\n")
    if not any(line.strip() for line in lines):
        raise InputError("holds no table", path)
    found = recognised(text[begin:] if begin else text, mapping)
    if found is None:
        raise InputError(
            "holds no table of at least two columns of numbers; if it does, a mapping "
            "says where: delimiter, decimal, skip_rows",
            path,
        )
    if found.delimiter != ",":
        word = {v: k for k, v in DELIMITERS.items()}[found.delimiter]
        if kind == "text" and not mapping.delimiter:
            notes.append(f"Columns separated by {word}s.")
    if found.decimal == "," and not mapping.decimal:
        notes.append("Numbers with decimal commas.")
    tables: list[Table] = []
    blocks = _blocks(text, begin, found)
    for start, stop in blocks:
        try:
            table = one_table(
                *(path, text, start, stop, found, mapping),
                notes=notes if kind == "text" else [],
                kind=kind,
            )
        except InputError:
            if not tables and (start, stop) == blocks[-1]:
                raise
            continue
        tables.append(table)
    return tables


def _unquoted(text: str) -> str:
    """Return a text without the quotes around each of its whole lines."""
    middle = text[len(text) // 2 :][:20_000].split("\n")[1:50]
    sample = [line for line in middle if line.strip()]
    if len(sample) < 20:
        sample = [line for line in text[:20_000].split("\n")[:50] if line.strip()]
    whole = [x for x in sample if x[0] == x[-1] == '"' and x.count('"') == 2]
    if len(sample) < 3 or len(whole) < 0.9 * len(sample):
        return text
    if not any(mark in whole[-1] for mark in DELIMITERS.values()):
        return text
    return "\n".join(
        line.strip()[1:-1] if line[:1] == '"' and line.count('"') == 2 else line
        for line in text.split("\n")
    )


def _line_start(text: str, number: int) -> int:
    """Return where a line (from 0) begins."""
    at = 0
    for _ in range(number):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at


def recognised(text: str, mapping: Mapping) -> Layout | None:
    """Return the delimiter and decimal mark that make the most numbers."""
    head = [x for x in text[:300_000].split("\n")[:-1] or [text] if x.strip()]
    if len(text) <= 300_000:
        head = [x for x in text.split("\n") if x.strip()]
    middle = text[len(text) // 2 :][:100_000].split("\n")[1:-1]
    sample = [*islice(head, SAMPLE), *(x for x in middle[: SAMPLE // 2] if x.strip())]
    found: list[Layout] = []
    for word, mark in DELIMITERS.items():
        for decimal_word, decimal in DECIMALS.items():
            if mark == "," and decimal == ",":
                continue
            if mapping.delimiter not in (None, word):
                continue
            if mapping.decimal not in (None, decimal_word):
                continue
            guess = Layout(mark, decimal)
            fields = {x: guess.split(x) for x in sample}
            digits = {x: sum(guess.weights(x)) for x in sample}
            counts = Counter(len(fields[x]) for x in sample if digits[x] > 1)
            if not counts:
                continue
            columns, _ = counts.most_common(1)[0]
            if not 2 <= columns <= MAX_COLUMNS:
                continue
            alike = [x for x in sample if len(fields[x]) == columns]
            empty = sum(not f.strip() for x in alike for f in fields[x])
            cells = max(columns * len(alike) - empty, 1)
            share = sum(digits[x] for x in alike) / cells
            score = share * counts[columns] / len(sample)
            found.append(Layout(mark, decimal, columns, score))
    # Among equals the order above: a decimal comma is never guessed without need, and
    # blanks are part of a field where tabs separate
    tabs = [x for x in found if x.delimiter == "\t"]
    best = max(found, key=lambda x: round(x.score, 2), default=None)
    if best and best.delimiter == " " and tabs:
        other = max(tabs, key=lambda x: x.score)
        if other.columns > 2 and other.score > 0.5 * best.score:
            return other
    return best


def _blocks(text: str, begin: int, layout: Layout) -> list[tuple[int, int]]:
    """Return where each table begins and ends: at every further line of headings."""
    heads: list[int] = []
    seen_data = False
    last = begin
    for looked, found in enumerate(_WORD_FIRST.finditer(text, max(begin - 1, 0))):
        if looked > _WORDS_LOOKED_AT:
            break
        start = found.start() + 1
        stop = text.find("\n", start)
        line = text[start : stop if stop >= 0 else len(text)]
        if layout.is_data(line):
            seen_data = True
            continue
        if not seen_data and start - last < 200_000:
            before = text[last:start].split("\n")
            seen_data = any(layout.is_data(x) for x in before if x.strip())
        elif not seen_data:
            seen_data = True
        last = start
        fields = [f for f in _fields(line, layout) if f]
        if seen_data and sum(role_of(f) is not None for f in fields) >= 2:
            heads.append(start)
            seen_data = False
    edges = [begin, *heads, len(text)]
    return [(a, b) for a, b in pairwise(edges) if b > a]


def _fields(line: str, layout: Layout) -> list[str]:
    """Return the fields of a line of headings, which may be apart in another way."""
    line = line.strip().strip('"') if line.count('"') == 2 else line
    line = re.sub(r"^\s*(?:#|%|//)+[ ]?", "", line)
    own = [f.strip().strip('"') for f in layout.split(line)]
    best = own
    for pattern in ("\t", ";", ",", r"\s{2,}"):
        other = [f.strip().strip('"') for f in re.split(pattern, line.strip())]
        known = sum(role_of(f) is not None for f in other)
        fits = len(other) == layout.columns != len(best)
        before = 0 if fits else sum(role_of(f) is not None for f in best)
        if known > max(1, before):
            best = other
    return best


def one_table(
    path: Path,
    text: str,
    start: int,
    stop: int,
    layout: Layout,
    mapping: Mapping,
    notes: list[str],
    kind: str = "text",
    title: str = "",
) -> Table:
    """Return the table in a part of a text.

    Raises
    ------
    InputError
        There is none.
    """
    head = text[start : min(stop, start + 2_000_000)].split("\n")
    first = next(
        (k for k, x in enumerate(head[: MAX_PREAMBLE + 1]) if layout.is_data(x)), -1
    )
    if first < 0:
        raise InputError(f"no table in the first {MAX_PREAMBLE:,} lines", path)
    offset = start + sum(len(x) + 1 for x in head[:first])
    names, preamble, line = names_of(head, first, layout)
    if preamble:
        notes.append(f"Skipped {count(preamble, 'line')} before the table.")
    before = text.count("\n", 0, start)
    content = text[offset:stop].encode()
    shape = Table(path, tuple(names), pd.DataFrame(), layout.decimal)
    width = max(len(names), len(layout.split(head[first])), layout.columns)
    names = [*names, *[""] * (width - len(names))]
    shape = replace(shape, names=tuple(names))
    wanted = None
    if content.count(b"\n") > MANY and not mapping.curves:
        wanted = sorted(set(find_columns(shape, mapping).values()))
        if len(beside := sets(shape.names)) > 1:
            wanted = sorted({k for columns in beside for k in columns})
    data, lost = parsed(content, layout, width, wanted, path)
    if lost:
        notes.append(f"Left out {count(lost, 'line')} with another number of columns.")
    return Table(
        *(path, tuple(names), data, layout.decimal, kind),
        title=title,
        line=None if line is None else before + line + 1,
        lost=lost,
        notes=notes,
    )


def names_of(
    lines: Sequence[str], first: int, layout: Layout
) -> tuple[list[str], int, int | None]:
    """Return the headings above a line of data, how many lines stand before, its line."""
    columns = max(layout.columns, len(layout.split(lines[first])))
    above = [k for k in range(first) if lines[k].strip()]
    best: tuple[int, int, list[str]] | None = None
    units: list[str] | None = None
    for k in reversed(above[-4:]):
        fields = _fields(lines[k], layout)
        while len(fields) > columns and not fields[-1]:
            fields.pop()
        if not any(fields) or sum(
            bool(_NUMBER[layout.decimal].fullmatch(f)) for f in fields
        ) > (0.5 * len(fields)):
            continue
        known = sum(role_of(f) is not None for f in fields)
        if units is None and _are_units(fields, lines[k]):
            named = _fields(lines[max((j for j in above if j < k), default=k)], layout)
            below = sum(role_of(f) is not None for f in named)
            if known < 2 or (below >= 2 and not _are_units(named, "")):
                raw = [f.strip().strip('"') for f in layout.split(lines[k])]
                units = raw if len(raw) >= len(fields) else fields
                continue
        if known < 2 and abs(len(fields) - columns) > 1:
            continue
        if best is None or known > best[0]:
            best = (known, k, fields)
        if known >= 2:
            break
    if best is None:
        return [""] * columns, len(above), None
    _, at, names = best
    if lines[at].startswith("\t") and layout.delimiter == "\t" and names[0]:
        names = ["", *names]
    if units is not None:
        names = [
            _with_unit(name, unit)
            for name, unit in zip(names, [*units, *[""] * len(names)], strict=False)
        ]
    if len(names) == columns - 1 and not _empty_last(lines[first:], layout, columns):
        names = ["", *names]  # the rows have names, their column has none
    return [*names, *[""] * (columns - len(names))], above.index(at), at


def _with_unit(name: str, unit: str) -> str:
    unit = unit.strip("[](){} ")
    none = unit in ("", "#", "1", "-") or CLOCK.fullmatch(unit)
    if not name or none or heading(name).unit:
        return name
    return f"{name} / {unit}"


def _empty_last(lines: Sequence[str], layout: Layout, columns: int) -> bool:
    rows = [layout.split(x) for x in lines[:50] if layout.is_data(x)]
    return all(len(r) < columns or not r[-1].strip() for r in rows)


def _are_units(fields: Sequence[str], line: str) -> bool:
    given = [f.strip("[](){} ") for f in fields if f.strip("[](){} ")]
    if not given:
        return line.lstrip().startswith("#")
    known = sum(is_unit(f) and heading(f).words not in ("t",) for f in given)
    return known > 0.5 * len(given)


def parsed(
    content: bytes, layout: Layout, width: int, wanted: Sequence[int] | None, path: Path
) -> tuple[pd.DataFrame, int]:
    """Return rows of text as columns by their number, and how many lines were no rows."""
    quoted = b'"' in content and not any(x.count(b'"') % 2 for x in content.split(b"\n"))
    separator: str = r"\s+" if layout.delimiter == " " else layout.delimiter
    usecols: Sequence[int] | Callable[[object], bool] | None = wanted or None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pd.read_csv(
                io.BytesIO(content),
                sep=separator,
                header=None,
                names=range(width),
                usecols=usecols,
                index_col=False,
                decimal=layout.decimal,
                na_values=["-", "--", "***", "N/A", "n/a"],
                skipinitialspace=layout.delimiter != "\t",
                on_bad_lines="skip",
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                low_memory=False,
                engine="c",
            )
    except (ValueError, pd.errors.ParserError, MemoryError, OverflowError) as error:
        message = f"cannot be read as a table ({shown(str(error))})"
        raise InputError(message, path) from None
    rows = content.count(b"\n") + (not content.endswith(b"\n"))
    if rows > len(data):  # perhaps by blank lines
        rows = sum(1 for line in content.split(b"\n") if line.strip())
    return data, max(0, rows - len(data))

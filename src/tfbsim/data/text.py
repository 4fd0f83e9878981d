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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise, product

import pandas as pd

from ..errors import InputError, count, shown
from .headings import CLOCK, ROLE, heading, is_unit, role_of
from .mapping import Mapping
from .table import File, Table, grouped, sets

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


def decoded(content: bytes, file: File) -> str:
    """Return a file's text, its lines ending in a line feed."""
    blank = b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"
    if not content[:4096].strip(blank) and not content.strip(blank):
        raise file.error("the file is empty")
    given = file.how.encoding
    chosen = given or next((e for mark, e in _MARKS if content.startswith(mark)), None)
    if chosen is None:
        even, odd = (content[k:4000:2].count(0) for k in (0, 1))
        if even + odd > 0.3 * min(len(content), 4000):
            chosen = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = content.decode(chosen or "utf-8")
    except UnicodeError as error:
        if chosen:
            message = f"is not {chosen} text ({shown(str(error))})"
            raise file.error(message, "encoding") from None
        chosen = _eight_bit(content)
        text = content.decode(chosen, "replace")
    head = text[:20_000]
    if sum(not (c.isprintable() or c in "\t\r\n\f") for c in head) > 0.01 * len(head):
        raise file.error("is not text; tfbsim reads text tables, .nda, .ndax and .mpr")
    if chosen and chosen != "utf-8-sig" and not given:
        file.note(f"Read as {chosen} text.")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.removeprefix("\ufeff")


def _eight_bit(content: bytes) -> str:
    """Return the Chinese encoding if it makes a heading that is known; else latin-1."""
    try:
        text = content.decode("gb18030")[:100_000]
    except UnicodeError:
        return "latin-1"
    chinese = any(name in text for name in ROLE if not name.isascii())
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
        mark = re.escape(self.delimiter)
        if '"' in line and re.search(rf'(?:^|{mark})\s*"[^"]*"\s*(?:{mark}|$)', line):
            return next(csv.reader([line], delimiter=self.delimiter), [])
        return line.split(self.delimiter)

    def weights(self, line: str) -> list[float]:
        """Return 1 for each field that is a number, 0.5 for one with thousands' marks."""
        plain, marked = _NUMBER[self.decimal], _GROUPED[self.decimal]
        fields = (f if len(f) < 50 else "" for f in self.split(line[:MAX_LINE]))
        return [
            1.0 if plain.fullmatch(f) else 0.5 * bool(marked.fullmatch(f)) for f in fields
        ]

    def is_data(self, line: str) -> bool:
        """Return whether a line has the table's columns, and numbers in them."""
        fields = self.split(line)
        blank = sum(bool(_NOT_A_NUMBER.fullmatch(f)) for f in fields)
        found = sum(x > 0 for x in self.weights(line))
        alike = abs(len(fields) - self.columns) <= 1
        return alike and found >= 2 and found >= 0.5 * (len(fields) - blank)


def text_tables(file: File, text: str, skip: int = 0, kind: str = "text") -> list[Table]:
    """Return the tables of a text, one below another.

    ``skip`` are lines of a preamble that the file counts itself, ``kind`` is whose layout
    it is, of :class:`~tfbsim.data.table.Table`.
    """
    text, how = _unquoted(text), file.how
    lines = re.match(rf"(?:.*\n){{{max(skip, how.skip_rows or 0)}}}", text)
    begin = lines.end() if lines else len(text)
    if not text[begin : begin + 2_000_000].strip():
        raise file.error("holds no table")
    layout = recognised(text[begin:], how)
    if layout is None:
        raise file.error(
            "holds no table of at least two columns of numbers; if it does, a mapping "
            "says where: delimiter, decimal, skip_rows"
        )
    if layout.delimiter != "," and kind == "text" and not how.delimiter:
        word = next(k for k, mark in DELIMITERS.items() if mark == layout.delimiter)
        file.note(f"Columns separated by {word}s.")
    if layout.decimal == "," and not how.decimal:
        file.note("Numbers with decimal commas.")
    tables: list[Table] = []
    errors: list[InputError] = []
    for part in _blocks(text, begin, layout):
        try:
            tables.append(one_table(file, text, part, layout, kind))
        except InputError as error:
            errors.append(error)
    if not tables:
        raise errors[-1]
    return tables


def _unquoted(text: str) -> str:
    """Return a text without the quotes around each of its whole lines."""
    middle = [x for x in text[len(text) // 2 :][:20_000].split("\n")[1:50] if x.strip()]
    head = [x for x in text[:20_000].split("\n")[:50] if x.strip()]
    sample = middle if len(middle) >= 20 else head

    def quoted(line: str) -> bool:
        return line[:1] == line[-1:] == '"' and line.count('"') == 2

    whole = [line for line in sample if quoted(line)]
    apart = whole and any(mark in whole[-1] for mark in DELIMITERS.values())
    if len(sample) < 3 or len(whole) < 0.9 * len(sample) or not apart:
        return text
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line[1:-1] if quoted(line) else line for line in lines)


def recognised(text: str, how: Mapping) -> Layout | None:
    """Return the delimiter and decimal mark that make the most numbers."""
    lines = text[:300_000].split("\n")
    whole = lines[:-1] if len(text) > 300_000 and len(lines) > 1 else lines
    middle = text[len(text) // 2 :][:100_000].split("\n")[1:-1][: SAMPLE // 2]
    sample = [*islice(filter(str.strip, whole), SAMPLE), *filter(str.strip, middle)]
    found: list[Layout] = []
    for (word, mark), (point, decimal) in product(DELIMITERS.items(), DECIMALS.items()):
        wanted = how.delimiter in (None, word) and how.decimal in (None, point)
        if not wanted or mark == decimal:
            continue
        guess = Layout(mark, decimal)
        fields = {x: guess.split(x) for x in sample}
        digits = {x: sum(guess.weights(x)) for x in sample}
        counts = Counter(len(fields[x]) for x in sample if digits[x] > 1)
        columns, times = max(counts.items(), key=lambda c: c[1], default=(0, 0))
        if not 2 <= columns <= MAX_COLUMNS:
            continue
        alike = [x for x in sample if len(fields[x]) == columns]
        empty = sum(not f.strip() for x in alike for f in fields[x])
        share = sum(digits[x] for x in alike) / max(columns * len(alike) - empty, 1)
        found.append(Layout(mark, decimal, columns, share * times / len(sample)))
    # Among equals the order above: a decimal comma is never guessed without need, and
    # blanks are part of a field where tabs separate
    best = max(found, key=lambda x: round(x.score, 2), default=None)
    if best and best.delimiter == " ":
        tabs = [x for x in found if x.delimiter == "\t" and x.columns > 2]
        other = max(tabs, key=lambda x: x.score, default=best)
        return other if other.score > 0.5 * best.score else best
    return best


def _blocks(text: str, begin: int, layout: Layout) -> list[slice]:
    """Return where each table begins and ends: at every further line of headings."""
    heads: list[int] = []
    seen_data = False
    last = begin
    for found in islice(_WORD_FIRST.finditer(text, max(begin - 1, 0)), _WORDS_LOOKED_AT):
        start = found.start() + 1
        stop = text.find("\n", start)
        line = text[start : stop if stop >= 0 else len(text)]
        if layout.is_data(line):
            seen_data = True
            continue
        seen_data = seen_data or start - last >= 200_000
        if not seen_data:
            before = text[last:start].split("\n")
            seen_data = any(layout.is_data(x) for x in before if x.strip())
        last = start
        if seen_data and _known(_fields(line, layout)) >= 2:
            heads.append(start)
            seen_data = False
    return [slice(a, b) for a, b in pairwise([begin, *heads, len(text)]) if b > a]


def _bare(field: str) -> str:
    return field.strip().strip('"')


def _known(fields: Sequence[str]) -> int:
    """Return how many fields are headings that are known."""
    return sum(role_of(f) is not None for f in fields)


def _fields(line: str, layout: Layout) -> list[str]:
    """Return the fields of a line of headings, which may be apart in another way."""
    line = line.strip().strip('"') if line.count('"') == 2 else line
    line = re.sub(r"^\s*(?:#|%|//)+[ ]?", "", line)
    best = [_bare(f) for f in layout.split(line)]
    for pattern in ("\t", ";", ",", r"\s{2,}"):
        other = [_bare(f) for f in re.split(pattern, line.strip())]
        fits = len(other) == layout.columns != len(best)
        if _known(other) > max(1, 0 if fits else _known(best)):
            best = other
    return best


def one_table(
    file: File, text: str, part: slice, layout: Layout, kind: str, title: str = ""
) -> Table:
    """Return the table in a part of a text."""
    start, stop = part.start, part.stop
    head = text[start : min(stop, start + 2_000_000)].split("\n")
    first = next(
        (k for k, x in enumerate(head[: MAX_PREAMBLE + 1]) if layout.is_data(x)), -1
    )
    if first < 0:
        raise file.error(f"no table in the first {MAX_PREAMBLE:,} lines")
    names, preamble, line = _names_of(head, first, layout)
    content = text[start + sum(len(x) + 1 for x in head[:first]) : stop].encode()
    width = max(len(names), len(layout.split(head[first])), layout.columns)
    names = [*names, *[""] * (width - len(names))]
    if line is not None:
        line += text.count("\n", 0, start) + 1
    table = Table(
        *(file, tuple(names), pd.DataFrame(), layout.decimal, kind, title, line)
    )
    wanted = None
    if content.count(b"\n") > MANY and not file.how.curves:
        beside = sets(table.names)
        every = beside if len(beside) > 1 else [table.columns.values()]
        wanted = sorted({column for columns in every for column in columns})
    data, lost = _parsed(content, layout, width, wanted, file)
    if kind != "NEWARE":  # whose samples are taken from between other lines
        if preamble:
            file.note(f"Skipped {count(preamble, 'line')} before the table.")
        if lost:
            file.note(f"Left out {count(lost, 'line')} with another number of columns.")
    return replace(table, data=data, lost=lost)


def _names_of(
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
        numbers = sum(bool(_NUMBER[layout.decimal].fullmatch(f)) for f in fields)
        if not any(fields) or numbers > 0.5 * len(fields):
            continue
        known = _known(fields)
        if units is None and _are_units(fields, lines[k]):
            named = _fields(lines[max((j for j in above if j < k), default=k)], layout)
            if known < 2 or (_known(named) >= 2 and not _are_units(named, "")):
                raw = [_bare(f) for f in layout.split(lines[k])]
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
        units += [""] * len(names)
        names = [_with_unit(x, unit) for x, unit in zip(names, units, strict=False)]
    if len(names) == columns - 1:
        rows = [layout.split(x) for x in lines[first : first + 50] if layout.is_data(x)]
        if any(len(r) >= columns and r[-1].strip() for r in rows):
            names = ["", *names]  # the rows have names, their column has none
    return [*names, *[""] * (columns - len(names))], above.index(at), at


def _with_unit(name: str, unit: str) -> str:
    unit = unit.strip("[](){} ")
    none = unit in ("", "#", "1", "-") or CLOCK.fullmatch(unit)
    return name if not name or none or heading(name).unit else f"{name} / {unit}"


def _are_units(fields: Sequence[str], line: str) -> bool:
    given = [f.strip("[](){} ") for f in fields if f.strip("[](){} ")]
    if not given:
        return line.lstrip().startswith("#")
    return sum(is_unit(f) and heading(f).words != "t" for f in given) > 0.5 * len(given)


def _parsed(
    content: bytes, layout: Layout, width: int, wanted: Sequence[int] | None, file: File
) -> tuple[pd.DataFrame, int]:
    """Return rows of text as columns by their number, and how many lines were no rows."""
    quoted = b'"' in content and not any(x.count(b'"') % 2 for x in content.split(b"\n"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pd.read_csv(
                io.BytesIO(content),
                sep=r"\s+" if layout.delimiter == " " else layout.delimiter,
                header=None,
                names=range(width),
                usecols=wanted or None,
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
        raise file.error(message) from None
    rows = content.count(b"\n") + (not content.endswith(b"\n"))
    if rows > len(data):  # perhaps by blank lines
        rows = sum(1 for line in content.split(b"\n") if line.strip())
    return data, max(0, rows - len(data))

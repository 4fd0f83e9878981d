"""Reading files that may hold anything, and finding the files that ship with tfbsim.

A YAML file is composed here from the parser's events, and from nothing else: no
tags, no anchors, no constructors, so that a file can only ever hold text, numbers,
true or false, null, lists and mappings. Plain scalars are read by the core schema of
YAML 1.2 (https://yaml.org/spec/1.2.2, section 10.3): `1e-14` is a number, `1:30` and
`yes` are text. Every problem is an `InputError` that names file, line and field.
The round trip of ruamel.yaml was tried: it lets anchors, tags, merge keys and dates
through as objects of its own, which would have to be told apart again, value by value.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .errors import InputError, Place, dotted, shown, suggest
from .output import read_bytes

if TYPE_CHECKING:
    import numpy as np
    from ruamel.yaml.events import Event, ScalarEvent

Content: TypeAlias = Mapping[str, object]  # of a file, or a part of it
MAX_YAML_BYTES = 2**20
MAX_CSV_BYTES = 5 * 2**20
MAX_DEPTH = 20
# Bounds on the time it takes to refuse a hostile file: 50 us a value, and some of
# the scanner's tokens cost time quadratic in the length of a line.
MAX_NODES = 50_000
MAX_LINES = 100_000
MAX_LINE_LENGTH = 20_000
MAX_DIGITS = 15
MAX_NUMBER_LENGTH = 40


_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_NULL = ("", "~", "null", "Null", "NULL")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?", re.DOTALL)


@dataclass(frozen=True)
class Document:
    """What a YAML file holds, and the line on which each part of it stands."""

    path: Path
    data: dict[str, object]  # Plain dict, list, str, int, float, bool and None only
    _lines: dict[Place, int] = field(repr=False)

    def line(self, path: Place = ()) -> int:
        """Return the line (from 1) of what stands at a path, or of its nearest parent."""
        path = tuple(path)
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def error(self, path: Place, message: str) -> InputError:
        """Return (not raise) the error that says `message` of the part at `path`."""
        return InputError(message, self.path, self.line(path), dotted(path))


def block(content: Content, name: str) -> Content:
    """Return the mapping that stands under a name, an empty one where there is none."""
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def load(path: str | os.PathLike[str]) -> Document:
    """Read a YAML file of this project's restricted kind.

    An InputError refuses one that cannot be read, is larger than 1 MiB, or holds anything
    but one mapping of plain values: tags, anchors, merge keys, duplicate keys, dates,
    numbers that are not finite, and so on.
    """
    text = _read_text(path, MAX_YAML_BYTES)
    lines = _LINE_END.split(text)
    if len(lines) > MAX_LINES:
        raise InputError(f"more than {MAX_LINES:,} lines", path, MAX_LINES + 1)
    for number, content in enumerate(lines, 1):
        if len(content) > MAX_LINE_LENGTH:
            message = f"a line of more than {MAX_LINE_LENGTH:,} characters; wrap it"
            raise InputError(message, path, number)
        if bad := _CONTROL.search(content):
            message = f"control character U+{ord(bad[0]):04X} in column {bad.start() + 1}"
            raise InputError(message, path, number)
    last_line = max(1, len(lines) - (not lines[-1]))
    composer = _Composer(text, last_line, path)
    return Document(Path(path), composer.document(), composer.lines)


def load_csv(path: str | os.PathLike[str], columns: int) -> tuple[np.ndarray, ...]:
    """Read a small table of numbers separated by commas, as :func:`load_columns`."""
    return load_columns(path, columns)[1]


def load_columns(
    path: str | os.PathLike[str], columns: int | None
) -> tuple[list[str], tuple[np.ndarray, ...]]:
    """Read a small table of numbers separated by commas: its heading, and its columns.

    Lines that start with `#` and empty lines are skipped; the first other line may be a
    heading, else there is none.  An InputError refuses a file that cannot be read, is
    larger than 5 MiB, or has a line that is not `columns` finite numbers; None stands for
    as many as the first has.
    """
    import numpy as np

    text = _read_text(path, MAX_CSV_BYTES)
    rows: list[list[float]] = []
    headings: list[str] | None = None
    for number, line in enumerate(_LINE_END.split(text), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [part.strip() for part in line.split(",")]
        if headings is None:
            words = not any(_looks_numeric(part) for part in fields)
            headings = fields if words else []
            columns = columns or len(fields)
            if words:
                continue
        rows.append(_csv_row(line, fields, columns or len(fields), path, number))
    if len(rows) < 2:
        raise InputError("holds fewer than 2 rows of numbers", path)
    return headings or [], tuple(np.array(rows, dtype=float).T.copy())


def packaged(folder: str) -> Path:
    """Return the folder of shipped files, `models` or `experiments`: the one inside the
    installed package (wheel), or that of the repository (editable install, checkout)."""
    here = Path(__file__).resolve().parent
    inside = here / folder
    return inside if inside.is_dir() else here.parents[1] / folder


def shipped(folder: str) -> dict[str, Path]:
    """Return the shipped YAML files of `models` or `experiments`, by name, sorted."""
    found = {path.stem: path for path in packaged(folder).glob("*.yaml")}
    return dict(sorted(found.items()))


def about(folder: str) -> dict[str, str]:
    """Return the shipped files of `models` or `experiments`: a line on each, by name."""
    return {
        name: str(data.get("description") or data.get("name") or "")
        for name, data in ((n, load(path).data) for n, path in shipped(folder).items())
    }


def cells() -> dict[str, str]:
    """Return the shipped cells: a line on each, by its name.

    Examples
    --------
    >>> import tfbsim
    >>> "nmc811-lipon-li" in tfbsim.cells()
    True
    """
    return about("models")


def experiments() -> dict[str, str]:
    """Return the shipped experiments: a line on each, by its name.

    Examples
    --------
    >>> import tfbsim
    >>> "gitt" in tfbsim.experiments()
    True
    """
    return about("experiments")


def beside(name: str) -> str:
    """Return a hint where a file of this name but for its end lies here, or ''."""
    with contextlib.suppress(OSError, ValueError):
        for end in (".yaml", ".yml"):
            if Path(f"{name}{end}").is_file():
                return f"; a file of your own is named with its end: {shown(name)}{end}"
    return ""


def resolve(name_or_path: str, folder: str) -> Path:
    """Return the path that an argument of the command line means.

    What ends in .yaml or .yml, or holds a path separator, is a path, which need not
    exist; else it is the name of a file shipped in `folder`, or there is an InputError.
    """
    separators = {"/", os.sep, os.altsep or os.sep}
    is_path = name_or_path.lower().endswith((".yaml", ".yml"))
    if is_path or any(mark in name_or_path for mark in separators):
        return Path(name_or_path)
    options = shipped(folder)
    if name_or_path in options:
        return options[name_or_path]
    kind = {"models": "cell", "experiments": "experiment"}.get(folder, folder)
    hint = (
        beside(name_or_path)
        or suggest(name_or_path, options)
        or ("; `tfbsim list` shows those there are, and a file of your own ends in .yaml")
    )
    raise InputError(f"no shipped {kind} is called '{shown(name_or_path)}'{hint}")


def check_plain(data: object, file: str | os.PathLike[str], where: str) -> None:
    """Refuse data of a field of a file that no YAML file of this kind could hold: a
    control character, a number that is not finite, or what is nested too deep."""
    waiting: list[tuple[object, Place]] = [(data, (where,))]
    while waiting:
        value, path = waiting.pop()
        problem = ""
        if len(path) > MAX_DEPTH + 2:
            problem = f"nested more than {MAX_DEPTH} deep"
        elif isinstance(value, dict):
            waiting += [(key, path) for key in value]
            waiting += [(item, (*path, key)) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(item, (*path, k)) for k, item in enumerate(value)]
        elif isinstance(value, str):
            if bad := _CONTROL.search(value):
                problem = f"control character U+{ord(bad[0]):04X} in a text"
        elif isinstance(value, float) and not math.isfinite(value):
            problem = f"{value} is not a finite number"
        elif isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
            problem = f"a whole number of more than {MAX_DIGITS} digits"
        if problem:
            raise InputError(problem, file, None, dotted(path))


def _read_text(path: str | os.PathLike[str], limit: int) -> str:
    data = read_bytes(path, limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise InputError("is not UTF-8 text", path, line) from None


class _Composer:
    """Builds plain data from a parser's events, and the line of each part."""

    def __init__(self, text: str, last_line: int, file: str | os.PathLike[str]) -> None:
        self.events = _events(text, last_line, file)
        self.last_line, self.file = last_line, file
        self.lines: dict[Place, int] = {}
        self.nodes = 0

    def error(self, event: Event, message: str, path: Place = ()) -> InputError:
        return InputError(message, self.file, self.line(event), dotted(path))

    def line(self, event: Event) -> int:
        return min(event.start_mark.line + 1, self.last_line)

    def document(self) -> dict[str, object]:
        """Return what the only document holds, which is a mapping."""
        from ruamel.yaml import events as ev

        root: dict[str, object] | None = None
        for event in self.events:
            if isinstance(event, ev.DocumentStartEvent):
                if root is not None:
                    raise self.error(event, "a second document starts here")
                if event.version or event.tags:
                    message = "directives (%YAML, %TAG) do not go here"
                    raise self.error(event, message)
            elif isinstance(event, ev.ScalarEvent) and event.value == "":
                break
            elif isinstance(event, ev.ScalarEvent | ev.SequenceStartEvent):
                kind = "text" if isinstance(event, ev.ScalarEvent) else "a list"
                message = f"the file holds {kind}; lines of the form 'key: value' are due"
                raise self.error(event, message)
            elif isinstance(event, ev.NodeEvent):
                self.begin(event, ())
                root = self.mapping(())
        if root is None:
            raise InputError("the file is empty", self.file)
        return root

    def begin(self, event: Event, path: Place) -> None:
        """Refuse what no value or key may begin with, and note the line of the first."""
        from ruamel.yaml import events as ev

        self.lines.setdefault(path, self.line(event))
        self.nodes += 1
        problem = f"more than {MAX_NODES:,} values" if self.nodes > MAX_NODES else ""
        if isinstance(event, ev.AliasEvent):
            alias = f"aliases (*{shown(event.anchor)})"
            problem = f"{alias} do not go here; write the value out"
        elif isinstance(event, ev.ScalarEvent | ev.CollectionStartEvent):
            if event.anchor is not None:
                problem = f"anchors (&{shown(event.anchor)}) do not go here"
            elif event.tag is not None:
                problem = f"tags ({shown(event.tag)}) do not go here"
            elif len(path) >= MAX_DEPTH and not isinstance(event, ev.ScalarEvent):
                problem = f"nested more than {MAX_DEPTH} deep"
        if problem:
            raise self.error(event, problem, path)

    def value(self, event: Event, path: Place) -> object:
        """Return the value that begins with an event."""
        from ruamel.yaml import events as ev

        self.begin(event, path)
        if isinstance(event, ev.ScalarEvent):
            return self.scalar(event, path)
        if not isinstance(event, ev.SequenceStartEvent):
            return self.mapping(path)
        items: list[object] = []
        while not isinstance(event := next(self.events), ev.SequenceEndEvent):
            items.append(self.value(event, (*path, len(items))))
        return items

    def mapping(self, path: Place) -> dict[str, object]:
        """Return the mapping that has begun, each of its keys once."""
        from ruamel.yaml import events as ev

        found: dict[str, object] = {}
        while not isinstance(event := next(self.events), ev.MappingEndEvent):
            key = self.key(event, path)
            if key in found:
                first = self.lines[(*path, key)]
                message = f"a duplicate key; it is already on line {first}"
                raise self.error(event, message, (*path, key))
            self.lines[(*path, key)] = self.line(event)
            found[key] = self.value(next(self.events), (*path, key))
        return found

    def key(self, event: Event, path: Place) -> str:
        """Return a key of the mapping at a path."""
        from ruamel.yaml import events as ev

        self.begin(event, path)
        key, text = None, "a list or mapping"
        if isinstance(event, ev.ScalarEvent):
            key, text = self.scalar(event, path), shown(event.value) or "empty"
            if key == "<<" and event.implicit[0]:
                message = "merge keys (<<) do not go here; write the values out"
                raise self.error(event, message, path)
        if not isinstance(key, str):
            message = f"a key must be text, not {text}; put it in quotes"
            raise self.error(event, message, path)
        return key

    def scalar(self, event: ScalarEvent, path: Place) -> str | int | float | bool | None:
        try:
            return _scalar(str(event.value), plain=bool(event.implicit[0]))
        except ValueError as err:
            raise self.error(event, str(err), path) from None


def _events(text: str, last_line: int, file: str | os.PathLike[str]) -> Iterator[Event]:
    from ruamel.yaml import YAML

    line: int | None = None
    try:
        for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
            line = event.end_mark.line + 1
            yield event
    except Exception as err:
        # Any exception: the parser meets hostile text, and `"\U00110000"` for one
        # escapes it as a bare ValueError.
        problem = str(getattr(err, "problem", None) or err or type(err).__name__)
        marks = [getattr(err, name, None) for name in ("problem_mark", "context_mark")]
        # What is never closed shows at the end of the file, but is where it opened.
        unclosed = "stream end" in problem or "end of stream" in problem
        mark = next(filter(None, reversed(marks) if unclosed else marks), None)
        hint = "; indent with spaces" if r"'\t'" in problem else ""
        if mark:
            line = min(mark.line + 1, last_line)
            if unquoted := _braces(text, line, mark.column):
                hint = f'; a text that holds braces goes in quotes: "{shown(unquoted)}"'
        message = f"not valid YAML: {shown(problem, 200)}{hint}"
        raise InputError(message, file, line) from None


def _braces(text: str, line: int, column: int) -> str:
    """Return what stands without quotes around braces up to a column; "" if nothing."""
    bare, inside = r"[^][,{}\"'#:]", r"\{[^][{}\"']*\}"
    # Begun at the first of its characters only, or a long line takes its square in time
    pattern = rf"(?<!{bare}){bare}+(?:{inside}{bare}*)+"
    found = re.finditer(pattern, "".join(text.splitlines()[line - 1 : line]))
    before = [m[0] for m in found if m.start() <= column]
    return before[-1].strip().removeprefix("- ") if before else ""


def _scalar(text: str, *, plain: bool) -> str | int | float | bool | None:
    """Return the value of a scalar; ValueError if it is none of the plain types."""
    if bad := _CONTROL.search(text):
        raise ValueError(f"control character U+{ord(bad[0]):04X} in a text")
    if not plain:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        if len(text.lstrip("+-")) > MAX_DIGITS:
            raise ValueError(f"a whole number of more than {MAX_DIGITS} digits")
        return int(text, 0 if text[:2] in ("0x", "0o") else 10)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _NON_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    if _TIMESTAMP.fullmatch(text):
        raise ValueError(f"{shown(text)} is a date; put it in quotes to mean text")
    return text


def _finite(text: str) -> float:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"a number of more than {MAX_NUMBER_LENGTH} characters")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise ValueError(f"{text} is too small a number, and would be read as 0")
    return value


def _is_non_finite(text: str) -> bool:
    return text.lower().lstrip("+-") in ("nan", "inf", "infinity")


def _looks_numeric(text: str) -> bool:
    # Numbers ill separated count too, or the first line of `1;2` would be a header.
    numbers = re.search("[0-9]", text) and re.fullmatch(r"[-+.0-9eE;\s]+", text)
    return bool(numbers) or _is_non_finite(text)


def _csv_row(
    line: str, fields: list[str], columns: int, path: str | os.PathLike[str], number: int
) -> list[float]:
    separated_otherwise = re.search("[;\t]", line.strip())
    if re.search("[0-9],[0-9]", line) and (
        separated_otherwise or len(fields) == 2 * columns
    ):
        message = "decimal commas; write 1.5, with a comma between the columns"
        raise InputError(message, path, number)
    if len(fields) != columns:
        hint = "; put a comma between the columns" if len(fields) == 1 else ""
        message = f"columns found: {len(fields)}, expected: {columns}{hint}"
        raise InputError(message, path, number)
    row = []
    for column, part in enumerate(fields, 1):
        where = f"column {column}"
        if not _FLOAT.fullmatch(part):
            kind = "finite" if _is_non_finite(part) else "a number"
            raise InputError(f"'{shown(part)}' is not {kind}", path, number, where)
        try:
            row.append(_finite(part))
        except ValueError as err:
            raise InputError(str(err), path, number, where) from None
    return row

"""Files that a command leaves: each whole or not at all, all of them listed.

``provenance.json`` of a folder lists the others with size, SHA-256 and rows: ``files``
are what a run computed, ``report`` and ``exports`` what is made of it and may be made
again.  It holds the SHA-256 of itself too.  So a folder is known whole, and what another
wrote into it is never taken for one of ours.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

from .errors import InputError, shown

PROVENANCE = "provenance.json"
FILES, REPORT, EXPORTS, OWN = "files", "report", "exports", "sha256"
MAX_JSON_BYTES = 100 * 2**20
REMEDY = "`tfbsim run --resume` writes it anew"


class Entry(TypedDict):
    """A file as the provenance lists it."""

    bytes: int
    sha256: str
    rows: NotRequired[int]  # Of a table


class CannotWrite(OSError):
    """A file or folder that cannot be written."""


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file or folder in what goes wrong within: CannotWrite, for any OSError."""
    try:
        yield
    except OSError as error:
        why = error.strerror or shown(error, 200)
        raise CannotWrite(error.errno, why, os.fspath(path)) from None


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder, and those above it, where they are not there."""
    with writing(path):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def write_atomic(
    path: str | os.PathLike[str], data: bytes | str | Iterable[str]
) -> tuple[int, str]:
    """Write a file so that it is there whole or not at all; text as UTF-8.

    Returned are its size [bytes] and SHA-256.  CannotWrite says why it could not be.
    """
    target = Path(path)
    size, digest = 0, hashlib.sha256()
    # Not tempfile: its files are readable by their owner only, and stay so.
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
    with writing(target):
        try:
            with open(temporary, "xb") as file:
                for part in [data] if isinstance(data, bytes | str) else data:
                    content = part if isinstance(part, bytes) else _encoded(part)
                    file.write(content)
                    digest.update(content)
                    size += len(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    return size, digest.hexdigest()


def _encoded(text: str) -> bytes:
    """UTF-8; of a file name that is none, its bytes as JSON escapes them."""
    return text.encode("utf-8", "backslashreplace")


def write_new(files: Mapping[Path, bytes]) -> None:
    """Write files that are not there yet: all of them or none.

    An InputError tells of one that is there already, CannotWrite of what went wrong.
    """
    written: list[Path] = []
    try:
        for path in files:
            with writing(path):
                if path.is_symlink() or path.exists():
                    raise InputError("exists already; nothing was written", path)
        for path, content in files.items():
            make_folder(path.parent)
            write_atomic(path, content)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def read_json(path: str | os.PathLike[str], what: str) -> dict[str, object]:
    """Read a JSON file that holds a mapping; ``what`` it is to be, for the message.

    An InputError refuses one that cannot be read, is larger than 100 MiB, or holds
    anything else.
    """
    data = read_bytes(path, MAX_JSON_BYTES)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError, MemoryError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else shown(error)
        raise InputError(f"is no {what}: it is not JSON ({why})", path) from None
    if not isinstance(content, dict):
        raise InputError(f"is no {what}", path)
    return content


def read_bytes(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a regular file; an InputError refuses what is none, or larger than a limit."""
    try:
        # Asked first: opening a pipe would wait for ever.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError("is a folder, not a file", path)
        if not stat.S_ISREG(mode):
            raise InputError("is not a regular file", path)
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError("no such file", path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", path) from None
    except InputError:
        raise
    except ValueError as error:  # a null character or a lone surrogate in the name
        raise InputError(f"is not a file name: {error}", path) from None
    if len(data) > limit:
        raise InputError(f"is larger than {limit // 2**20} MiB", path)
    return data


class Output:
    """A folder that gets the files of a command, made if it is not there.

    ``part`` is ``files``, ``report`` or ``exports``: under which they are listed.
    """

    def __init__(self, folder: str | Path, part: str = FILES) -> None:
        self.folder, self.part = make_folder(folder), part
        self.written: dict[str, Entry] = {}

    def write(
        self, name: str, data: bytes | str | Iterable[str], rows: int | None = None
    ) -> Path:
        """Write a file, from its parts if it is large; of a table, its rows are listed
        too."""
        size, digest = write_atomic(self.folder / name, data)
        self.written[name] = {"bytes": size, "sha256": digest}
        if rows is not None:
            self.written[name]["rows"] = rows
        return self.folder / name

    def seal(self, content: Mapping[str, object]) -> None:
        """Write the provenance with the list, and remove what an earlier one lists.

        An earlier report stays until there is another.
        """
        earlier = _earlier(self.folder)
        drawn = {part: _entries(earlier, part) for part in (REPORT, EXPORTS)}
        lists = {FILES: self.written, **drawn}
        _write_provenance(self.folder, {**content, **lists})
        remove(self.folder, _entries(earlier, FILES).keys() - self.written.keys())

    def add(self) -> None:
        """List these files in the provenance that is there, in place of others of their
        part; a folder without one, or whose own has been changed, is left as it is."""
        if content := _earlier(self.folder):
            _write_provenance(self.folder, {**content, self.part: self.written})
            remove(self.folder, _entries(content, self.part).keys() - self.written.keys())


def _write_provenance(folder: Path, content: Mapping[str, object]) -> None:
    content = {k: v for k, v in content.items() if k != OWN}
    content[OWN] = _own_hash(content)
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    write_atomic(folder / PROVENANCE, text + "\n")


def _own_hash(content: Mapping[str, object]) -> str:
    """SHA-256 of all but itself, as JSON has it."""
    content = {k: v for k, v in content.items() if k != OWN}
    read = json.loads(json.dumps(content, default=str))
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def read_provenance(folder: str | Path) -> dict[str, object]:
    """Return the provenance of a folder; InputError if it is not what was written."""
    path = Path(folder) / PROVENANCE
    content = read_json(path, "provenance.json of a run")
    if OWN not in content:
        message = "lists no files: an earlier version of tfbsim wrote it, or no run did"
        raise InputError(message, path)
    if content[OWN] != _own_hash(content):
        raise InputError("was changed since it was written", path)
    return content


def listed(folder: str | Path, *parts: str) -> set[str]:
    """Return the names of the files that the provenance of a folder lists, if any."""
    content = _earlier(Path(folder))
    each = (_entries(content, part) for part in parts or (FILES, REPORT, EXPORTS))
    return set().union(*each)


def _entries(content: Mapping[str, object], part: str) -> Mapping[str, Entry]:
    """Return what a provenance lists under a part, by the names of the files."""
    found = content.get(part)
    return found if isinstance(found, dict) else {}


def _earlier(folder: Path) -> dict[str, object]:
    try:
        return read_provenance(folder)
    except InputError:
        return {}


def remove(folder: str | Path, names: Iterable[str]) -> None:
    """Remove files from a folder, by their bare names."""
    for name in names:
        if name == os.path.basename(name):
            with writing(Path(folder) / name):
                (Path(folder) / name).unlink(missing_ok=True)


def damage(folder: str | Path, content: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with the computed files of a folder, by their names."""
    found = {}
    for name, entry in _entries(content, FILES).items():
        try:
            if problem := _damage(Path(folder) / name, entry):
                found[name] = problem
        except OSError as error:
            found[name] = f"cannot be read ({error.strerror})"
    return found


def _damage(path: Path, entry: Entry) -> str:
    if not path.is_file():
        return "is missing"
    size, wanted = path.stat().st_size, entry["bytes"]
    if size == wanted:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return "" if digest == entry["sha256"] else "was changed since it was written"
    rows = entry.get("rows")
    if rows is None:
        return f"was cut or changed: {size:,} bytes of {wanted:,}"
    there = _whole_rows(path) - 1
    if there >= rows:
        return f"was changed since it was written: {size:,} bytes, not {wanted:,}"
    return f"was cut or changed: {max(there, 0)} of {rows} rows are whole"


def _whole_rows(path: Path) -> int:
    """How many rows of a table are whole, its head among them."""
    text = path.read_bytes().decode("utf-8", "replace")
    try:
        rows = [*csv.reader(io.StringIO(text[: text.rfind("\n") + 1]))]
    except csv.Error:
        return 0
    return sum(len(row) == len(rows[0]) for row in rows)

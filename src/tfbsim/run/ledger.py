"""Finished points on disk at once: an embedded ledger (SQLite) that survives kill -9.

A point is a case with its tables and curves, under the hash of everything that determines
it; to resume a run is to compute the keys that are not there.  Points that are added
together are committed together.

The write-ahead log with synchronous=NORMAL keeps what was committed when the process is
killed, at any moment; a power failure may cost the last commits, never the file.  Any
number of processes of one machine may share a ledger.  On a network file system the log
does not work between machines: run into a folder there from one machine at a time.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import xarray as xr

from ..errors import InputError, shown
from ..experiment.cases import Points
from ..numerics import Numerics
from ..output import writing
from ..physics.law import Declared
from ..result.case import CaseResult
from ..result.columns import KNOWN, LIMITING, REQUIRED
from ..result.curves import NONE
from ..solver.cycler import OUTCOMES
from ..version import __version__
from .blocks import Block, digest
from .stored import Stored, Swept

LEDGER = "ledger.sqlite"  # in the folder of a result
FORMAT = 4
APPLICATION = 0x74666273  # "tfbs": tells a ledger from other SQLite files
PATIENCE = 60.0  # s that a writer waits for another to commit
# Levels 4 and 6 take 1.3 and 2 times as long, and save 2 %
LEVEL = 1
NO_CURVES = zlib.compress(b"", LEVEL)
AT_ONCE = 5_000  # results held in memory; more are read one by one

SCHEMA = f"""
CREATE TABLE points (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    failed TEXT,
    version TEXT NOT NULL,
    tables BLOB NOT NULL,
    curves BLOB NOT NULL,
    digest BLOB NOT NULL
);
CREATE TABLE blocks (
    sweep TEXT NOT NULL,
    first INTEGER NOT NULL,
    numbers BLOB NOT NULL,
    version TEXT NOT NULL,
    header BLOB NOT NULL,
    columns BLOB NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (sweep, first)
);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
"""
# What is finished stays; a point that failed may be tried again
ADD = """
INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET failed = excluded.failed, version = excluded.version,
    tables = excluded.tables, curves = excluded.curves, digest = excluded.digest
WHERE failed IS NOT NULL
"""
ADD_BLOCK = "INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)"
_json = json.JSONEncoder(default=lambda number: number.item())
# What undoing a point may raise
_DAMAGE = (zlib.error, ValueError, TypeError, LookupError, AttributeError, RecursionError)
# Unpacked, tables are at most so many times as large, or so large [bytes]
MOST_TIMES, MOST_BYTES, MOST_OF_CURVES = 100, 64 * 2**20, 4 * 2**30
# What every row of a case has
OF_ROW = {"Case", "Cycle number", *REQUIRED}
TEXTS = {"Case", "Step", "Outcome", "Detail", LIMITING}
OF_STEP = {"Case", "Cycle number", "Step number", "Step", "Outcome", "Detail"}


class Point(NamedTuple):
    """A case as a row of the ledger.

    Parameters
    ----------
    key, name : str
        Hash of everything that determines it, and the case.
    failed : str or None
        Why there is nothing but the reason, if so.
    version : str
        Of tfbsim.
    tables, curves : bytes
        Compressed; they come back as they were, to the last bit.
    """

    key: str
    name: str
    failed: str | None
    version: str
    tables: bytes
    curves: bytes

    @classmethod
    def of(cls, case: CaseResult, failed: str | None = None) -> Point:
        """The point of a case."""
        variables = {} if case.curves is NONE else case.curves.variables
        arrays = {str(name): v.values for name, v in variables.items()}
        tables = {
            "cell": case.cell,
            "rows": case.rows,
            "steps": case.steps,
            "spectra": case.spectra,
            "warnings": case.warnings,
            "laws": case.laws.as_dict(),
            "curves": [
                (name, variables[name].dims, array.dtype.str, array.shape)
                for name, array in arrays.items()
            ],
        }
        curves = b"".join(map(_by_significance, arrays.values()))
        return cls(
            *(case.key, case.name, failed, __version__),
            zlib.compress(_json.encode(tables).encode(), LEVEL),
            zlib.compress(curves, LEVEL) if curves else NO_CURVES,
        )

    def result(self) -> CaseResult:
        """Return the case again.

        Raises
        ------
        ValueError, TypeError, KeyError, zlib.error
            It is no case that was kept.
        """
        most = max(MOST_BYTES, MOST_TIMES * len(self.tables))
        tables = json.loads(_unpacked(self.tables, most))
        arrays, listed = {}, tables.pop("curves")
        if tables.keys() != {"cell", "rows", "steps", "spectra", "warnings", "laws"}:
            raise ValueError("other tables than those of a case")
        tables["laws"] = Declared.from_dict(tables["laws"])
        sizes = [math.prod(s) * np.dtype(kind).itemsize for _, _, kind, s in listed]
        size = sum(sizes)
        if min(sizes, default=0) < 0 or size > MOST_OF_CURVES:
            raise ValueError("curves of no size there is")
        curves, start = _unpacked(self.curves, size) if listed else b"", 0
        for (name, dims, kind, shape), length in zip(listed, sizes, strict=True):
            arrays[name] = (dims, _array(curves[start : start + length], kind, shape))
            start += length
        drawn = xr.Dataset(arrays) if arrays else NONE
        case = CaseResult(name=self.name, key=self.key, curves=drawn, **tables)
        _check(case)
        return case

    @property
    def digest(self) -> bytes:
        """SHA-256 of the rest, so that a point is known to be what was kept."""
        return digest(self)


def _unpacked(packed: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, most + 1)
    if len(content) > most or not unpacking.eof:
        raise ValueError("larger than it says, or cut")
    return content


def _check(case: CaseResult) -> None:
    """Refuse rows that are none of a case, whoever wrote them."""
    for rows, wanted, first in (
        (case.rows, OF_ROW, 1),
        (case.steps, OF_STEP, 0),
    ):
        if not isinstance(rows, list) or not rows:
            raise ValueError("no rows")
        for row in rows:
            if not isinstance(row, dict) or not row.keys() >= wanted:
                raise ValueError("a row without its columns")
            cycle = row["Cycle number"]
            if row["Case"] != case.name or type(cycle) is not int or cycle < first:
                raise ValueError("a row of another case")
            ends = (end.outcome for end in case.laws.ends)
            if row["Outcome"] not in (*OUTCOMES, *ends):
                raise ValueError("an outcome there is none of")
            for name, value in row.items():
                kind = str if name in TEXTS else int | float if name in KNOWN else None
                if not isinstance(value, kind or str | int | float):
                    raise ValueError(f"'{shown(name)}' is not what it should be")
    numbers = [row["Cycle number"] for row in case.rows]
    if numbers != list(range(1, len(numbers) + 1)):
        raise ValueError("cycles that are not in a row")
    if not isinstance(case.cell, str) or not all(
        isinstance(words, str) for words in case.warnings
    ):
        raise ValueError("a cell or warnings that are no text")


def _by_significance(array: np.ndarray) -> bytes:
    """Bytes of the numbers, all first ones first: they compress by a quarter more."""
    return np.atleast_1d(array).reshape(-1, 1).view(np.uint8).T.tobytes()


def _array(content: bytes, kind: str, shape: list[int]) -> np.ndarray:
    size = np.dtype(kind).itemsize
    planes = np.frombuffer(content, np.uint8).reshape(size, -1)
    return np.ascontiguousarray(planes.T).view(kind).reshape(shape)


class Ledger:
    """Points on disk, or in memory where there is no folder.

    Parameters
    ----------
    path : path
        Is made if it is not there; ``:memory:`` for none.

    Raises
    ------
    InputError
        The file is no ledger, damaged, or of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        with self._errors():
            # Transactions are begun in so many words, where there is anything to write
            self._connection = sqlite3.connect(
                path, timeout=PATIENCE, isolation_level=None
            )
        try:
            with self._errors():
                self._open()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, points: Iterable[Point | Block]) -> None:
        """Keep points, all or none; what is finished already stays as it is."""
        rows = list(points)
        blocks = [row for row in rows if isinstance(row, Block)]
        alone = [row for row in rows if not isinstance(row, Block)]
        with self._errors(), self._transaction():
            self._connection.executemany(ADD, [(*row, row.digest) for row in alone])
            self._connection.executemany(
                ADD_BLOCK,
                [(b.sweep, int(b.points[0]), *b[1:], b.digest) for b in blocks],
            )

    def blocks(self, sweep: str) -> Iterator[Block]:
        """Blocks of points of a sweep, in order."""
        asked = "SELECT * FROM blocks WHERE sweep = ? ORDER BY first"
        with self._errors():
            for name, _, *parts, digest in self._connection.execute(asked, (sweep,)):
                block = Block(name, *parts)
                if block.digest != digest:
                    raise ValueError("a block is not what was kept")
                yield block

    def swept(self, cases: Points, numerics: Numerics, sweep: str) -> Swept:
        """The points of a sweep there are: blocks are read when they are asked for if
        they are on disk."""
        with self._errors():
            asked = "SELECT key, name FROM points"
            pairs = self._connection.execute(asked).fetchall()
        numbers = sorted(int(name) - 1 for _, name in pairs if name.isdecimal())
        numbers = [k for k in dict.fromkeys(numbers) if 0 <= k < len(cases)]
        alone = list(self.get([cases.key(k, numerics) for k in numbers]))
        with self._errors():
            if self.path == ":memory:":
                kept = list(self.blocks(sweep))
                return Swept(cases, lambda: kept, alone)
            return Swept(cases, partial(_blocks, self.path, sweep), alone)

    def finished(self) -> set[str]:
        """Keys of the points that did not fail."""
        with self._errors():
            found = self._connection.execute(
                "SELECT key FROM points WHERE failed IS NULL"
            )
            return {key for (key,) in found}

    def results(self, keys: Sequence[str]) -> Sequence[CaseResult]:
        """The points there are of these, in their order: read now, or when they are
        asked for if there are many and they are on disk."""
        if len(keys) <= AT_ONCE or self.path == ":memory:":
            return list(self.get(keys))
        with self._errors():
            there = {k for (k,) in self._connection.execute("SELECT key FROM points")}
        kept = [key for key in keys if key in there]
        return Stored(kept, partial(_cases, self.path))

    def get(self, keys: Iterable[str]) -> Iterator[CaseResult]:
        """The points there are of these, failed ones too, one after the other."""
        with self._errors():
            for key in keys:
                found = self._connection.execute(
                    "SELECT * FROM points WHERE key = ?", (key,)
                ).fetchone()
                if found:
                    point = Point(*found[:-1])
                    if point.digest != found[-1]:
                        raise ValueError("a point is not what was kept")
                    yield point.result()

    def _open(self) -> None:
        if not self._is_ours():
            # Two processes may come here at once; the second finds it made
            with self._transaction():
                if not self._is_ours():
                    for statement in SCHEMA.strip().split(";")[:-1]:
                        self._connection.execute(statement)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        # From the first reading on, others can tell that it is open
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def _is_ours(self) -> bool:
        """False of an empty file."""
        application, version, tables = (
            self._connection.execute(question).fetchone()[0]
            for question in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
        if application == APPLICATION and version != FORMAT:
            raise InputError(
                f"is of another version of tfbsim (ledger format {version}, not "
                f"{FORMAT}); --overwrite computes everything again",
                self.path,
            )
        if tables and application != APPLICATION:
            raise InputError(
                "is no ledger of tfbsim; --overwrite replaces it, --out names another "
                "folder",
                self.path,
            )
        return application == APPLICATION

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:  # commits, or rolls back
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except (sqlite3.OperationalError, OSError) as error:
            message = f"cannot be read or written ({error})"
            raise InputError(message, self.path) from None
        except (sqlite3.Error, MemoryError, *_DAMAGE) as error:
            raise InputError(
                f"is damaged ({str(error)[:80]}); --overwrite computes everything again",
                self.path,
            ) from None


def _blocks(path: str | Path, sweep: str) -> Iterator[Block]:
    """Blocks of a ledger on disk."""
    with Ledger(path) as ledger:
        yield from ledger.blocks(sweep)


def _cases(path: str | Path, keys: Iterable[str]) -> Iterator[CaseResult]:
    """Points of a ledger on disk."""
    with Ledger(path) as ledger:
        yield from ledger.get(keys)


def discard(path: Path) -> None:
    """Remove a ledger, whatever its state.

    Raises
    ------
    InputError
        Another process has it open.
    """
    if path.is_file():
        try:
            with closing(sqlite3.connect(path, timeout=0)) as connection:
                # Only the one connection of a ledger can leave the log
                connection.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise InputError(
                    "another process is running into this folder; wait for it, or "
                    "--out names another",
                    os.path.dirname(path),
                ) from None
    for ending in ("", "-wal", "-shm", "-journal"):
        with writing(f"{path}{ending}"):
            Path(f"{path}{ending}").unlink(missing_ok=True)

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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import xarray as xr

from ..data.curve_table import CASE, CYCLE, STEP
from ..errors import InputError, shown
from ..experiment.cases import Points
from ..output import writing
from ..physics.law import Declared
from ..result.case import CaseResult
from ..result.columns import KNOWN, OUTCOME, REQUIRED, TEXTS
from ..result.curves import NONE
from ..result.tables import Tabled
from ..solver.records import OUTCOMES
from ..version import __version__
from .stored import Block, Swept, digest, tabled

LEDGER = "ledger.sqlite"  # in the folder of a result
FORMAT = 4
APPLICATION = 0x74666273  # "tfbs": tells a ledger from other SQLite files
PATIENCE = 60.0  # s that a writer waits for another to commit
# Levels 4 and 6 take 1.3 and 2 times as long, and save 2 %
LEVEL = 1

SCHEMA = f"""
CREATE TABLE points (key TEXT PRIMARY KEY, name TEXT NOT NULL, failed TEXT,
    version TEXT NOT NULL, tables BLOB NOT NULL, curves BLOB NOT NULL,
    digest BLOB NOT NULL);
CREATE TABLE blocks (sweep TEXT NOT NULL, first INTEGER NOT NULL, numbers BLOB NOT NULL,
    version TEXT NOT NULL, header BLOB NOT NULL, columns BLOB NOT NULL,
    digest BLOB NOT NULL, PRIMARY KEY (sweep, first));
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
COUNT_TABLES = "SELECT count(*) FROM sqlite_master"
AGAIN = "--overwrite computes everything again"
_json = json.JSONEncoder(default=lambda number: number.item())
# What undoing a point may raise
_DAMAGE = (zlib.error, ValueError, TypeError, LookupError, AttributeError, RecursionError)
# Unpacked, tables are at most so many times as large, or so large [bytes]
MOST_TIMES, MOST_BYTES, MOST_OF_CURVES = 100, 64 * 2**20, 4 * 2**30
OF_CASE = "cell", "rows", "steps", "spectra", "warnings"
# What every row of a case has
OF_ROW = {CASE, CYCLE, *REQUIRED}
OF_STEP = {CASE, CYCLE, STEP, "Step", OUTCOME, "Detail"}
KINDS = dict.fromkeys(KNOWN, (int, float)) | dict.fromkeys(TEXTS, str)


class Point(NamedTuple):
    """A case as a row of the ledger; it comes back as it was, to the last bit."""

    key: str  # hash of everything that determines it
    name: str  # of the case
    failed: str | None  # why there is nothing but the reason, if so
    version: str  # of tfbsim
    tables: bytes  # compressed, as are the curves
    curves: bytes

    @classmethod
    def of(cls, case: CaseResult, failed: str | None = None) -> Point:
        """Return the point of a case."""
        variables = {} if case.curves is NONE else case.curves.variables
        tables = {name: getattr(case, name) for name in OF_CASE}
        tables["laws"] = case.laws.as_dict()
        tables["curves"] = [
            (str(n), v.dims, v.dtype.str, v.shape) for n, v in variables.items()
        ]
        curves = b"".join(_by_significance(v.values) for v in variables.values())
        return cls(
            *(case.key, case.name, failed, __version__),
            zlib.compress(_json.encode(tables).encode(), LEVEL),
            zlib.compress(curves, LEVEL),
        )

    def result(self) -> CaseResult:
        """Return the case again; one of the errors of damage if it is none."""
        most = max(MOST_BYTES, MOST_TIMES * len(self.tables))
        tables = json.loads(_unpacked(self.tables, most))
        listed = tables.pop("curves")
        if tables.keys() != {*OF_CASE, "laws"}:
            raise ValueError("other tables than those of a case")
        tables["laws"] = laws = Declared.from_dict(tables["laws"])
        _check(self.name, tables, laws)
        sizes = [math.prod(s) * np.dtype(kind).itemsize for _, _, kind, s in listed]
        if min(sizes, default=0) < 0 or sum(sizes) > MOST_OF_CURVES:
            raise ValueError("curves of no size there is")
        curves = _unpacked(self.curves, sum(sizes)) if listed else b""
        arrays, start = {}, 0
        for (name, dims, kind, shape), size in zip(listed, sizes, strict=True):
            own = np.frombuffer(curves[start : start + size], np.uint8)
            planes = own.reshape(np.dtype(kind).itemsize, -1)
            start += size
            arrays[name] = dims, np.ascontiguousarray(planes.T).view(kind).reshape(shape)
        drawn = xr.Dataset(arrays) if arrays else NONE
        return CaseResult(name=self.name, key=self.key, curves=drawn, **tables)


def _by_significance(array: np.ndarray) -> bytes:
    """Return the bytes of numbers, all first ones first, to compress a quarter better."""
    return np.atleast_1d(array).reshape(-1, 1).view(np.uint8).T.tobytes()


def _unpacked(packed: bytes, most: int) -> bytes:
    unpacking = zlib.decompressobj()
    content = unpacking.decompress(packed, most + 1)
    if len(content) > most or not unpacking.eof:
        raise ValueError("larger than it says, or cut")
    return content


def _check(name: str, tables: Mapping[str, object], laws: Declared) -> None:
    """Refuse tables that are none of a case, whoever wrote them."""

    def need(what: bool, wrong: str) -> None:
        if not what:
            raise ValueError(wrong)

    outcomes = (*OUTCOMES, *(end.outcome for end in laws.ends))
    for table, wanted, first in (("steps", OF_STEP, 0), ("rows", OF_ROW, 1)):
        rows = tables[table]
        if not isinstance(rows, list) or not rows:
            raise ValueError("no rows")
        cycles = []
        for row in rows:
            there = isinstance(row, dict) and row.keys() >= wanted
            need(there, "a row without its columns")
            cycle = row[CYCLE]
            cycles.append(cycle)
            own = row[CASE] == name and type(cycle) is int and cycle >= first
            need(own, "a row of another case")
            need(row[OUTCOME] in outcomes, "an outcome there is none of")
            for column, value in row.items():
                if not isinstance(value, KINDS.get(column, (str, int, float))):
                    raise ValueError(f"'{shown(column)}' is not what it should be")
    need(cycles == list(range(1, len(cycles) + 1)), "cycles that are not in a row")
    warnings = tables["warnings"]
    texts = tables["cell"], *(warnings if isinstance(warnings, list) else [None])
    need(all(isinstance(words, str) for words in texts), "texts that are none")


class Ledger:
    """Points in a file, which is made if it is not there, or in ``:memory:``.

    Raises
    ------
    InputError
        The file is no ledger, damaged, or of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        # Transactions are begun in so many words, where there is anything to write
        with self._errors():
            self._connection = sqlite3.connect(path, PATIENCE, isolation_level=None)
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
        with self._errors(), self._transaction():
            for row in rows:
                if isinstance(row, Block):
                    own = row.sweep, int(row.points[0]), *row[1:], digest(row)
                    self._connection.execute(ADD_BLOCK, own)
                else:
                    self._connection.execute(ADD, (*row, digest(row)))

    def blocks(self, of: Swept) -> Iterator[Block]:
        """Yield the blocks of points of a sweep, in order."""
        asked = "SELECT * FROM blocks WHERE sweep = ? ORDER BY first"
        with self._errors():
            for name, _, *parts, kept in self._connection.execute(asked, (of.key,)):
                block = Block(name, *parts)
                if digest(block) != kept:
                    raise ValueError("a block is not what was kept")
                yield block.checked()

    def alone(self, of: Swept) -> Iterator[CaseResult]:
        """Yield the points of a sweep that were run alone, failed ones too, in order."""
        names = (name for _, name, _ in self._points())
        numbers = sorted({int(name) - 1 for name in names if name.isdecimal()})
        there = [k for k in numbers if 0 <= k < len(of.cases)]
        return self.get(of.cases.key(k, of.numerics) for k in there)

    def tabled(self, cases: Points, of: Swept | None, keys: Iterable[str]) -> Tabled:
        """Return the points there are of a sweep in blocks, or of keys."""
        with self._errors():
            if of is None:
                return tabled(cases, (), self.get(keys))
            return tabled(cases, self.blocks(of), self.alone(of))

    def finished(self) -> set[str]:
        """Return the keys of the points that did not fail."""
        return {key for key, _, failed in self._points() if failed is None}

    def get(self, keys: Iterable[str]) -> Iterator[CaseResult]:
        """Yield the points there are of these keys, failed ones too."""
        asked = "SELECT * FROM points WHERE key = ?"
        with self._errors():
            for key in keys:
                if found := self._connection.execute(asked, (key,)).fetchone():
                    point = Point(*found[:-1])
                    if digest(point) != found[-1]:
                        raise ValueError("a point is not what was kept")
                    yield point.result()

    def _points(self) -> list[tuple[str, str, str | None]]:
        """Return key and name of all points, and why one failed."""
        with self._errors():
            asked = "SELECT key, name, failed FROM points"
            return self._connection.execute(asked).fetchall()

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
        self._connection.execute(COUNT_TABLES).fetchone()

    def _is_ours(self) -> bool:
        """Return whether the file is a ledger; False of an empty one."""
        questions = "PRAGMA application_id", "PRAGMA user_version", COUNT_TABLES
        application, version, tables = (
            self._connection.execute(question).fetchone()[0] for question in questions
        )
        if application == APPLICATION and version != FORMAT:
            was = f"ledger format {version}, not {FORMAT}"
            raise InputError(
                f"is of another version of tfbsim ({was}); {AGAIN}", self.path
            )
        if tables and application != APPLICATION:
            others = "--overwrite replaces it, --out names another folder"
            raise InputError(f"is no ledger of tfbsim; {others}", self.path)
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
            message = f"is damaged ({str(error)[:80]}); {AGAIN}"
            raise InputError(message, self.path) from None


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

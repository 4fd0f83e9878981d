"""Points of a run computed by the workers of a Dask cluster.

Work is handed out in chunks of some seconds, two to a worker so that none waits, and what
is finished comes back while the rest is computed.  A worker that dies loses nothing: Dask
runs its chunks elsewhere.  A chunk that Dask gives up, because every worker that took it
died, is run again point by point with nothing beside it, which tells the point that kills
from those that stood next to it.

A solver and a discretised model belong to one thread, so a worker process computes one
chunk at a time, whatever its number of threads.
"""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import lru_cache
from queue import Empty, SimpleQueue

import dask
from distributed import CancelledError, Future, KilledWorker

from ..errors import InputError, shown
from ..experiment.provenance import versions
from .ledger import Point
from .scheduler import Connection
from .stored import Block
from .workers import KILLED, Chunks, Job, Numbers

SECONDS = 5.0  # of work in a chunk
MOST = 5_000  # points in a chunk
AHEAD = 2  # chunks given to a worker: one is run, one waits
GLANCE = 2.0  # s between looks at how many workers there are
PATIENCE = 30.0  # s without a worker
LOST = (
    "the connection was lost; what was finished is kept, and --resume computes the rest"
)
JOB_LIMIT = "1 GB"  # Dask warns of tasks above 10 MB, which a million points reach

_one_at_a_time = threading.Lock()  # of this process


def cluster(
    job: Job[Point | Block], numbers: Numbers, connection: Connection
) -> Generator[list[Point | Block]]:
    """Yield points computed by the workers of a cluster.

    Raises
    ------
    InputError
        The connection is lost, there are no workers, or theirs is another tfbsim.
    """
    run = _Run(job, numbers, connection)
    try:
        while run.chunks or run.given:
            run.hand_out()
            if points := run.finished():
                yield points
    finally:
        with suppress(Exception):  # also where the connection is what ended it
            connection.client.cancel(list(run.given))


class _Run:
    """What is given to the workers, and what is still to be."""

    def __init__(
        self, job: Job[Point | Block], numbers: Numbers, connection: Connection
    ) -> None:
        self.job, self.connection = job, connection
        self.client = connection.client
        self.chunks = Chunks(numbers, 1, SECONDS, MOST)
        self.given: dict[Future, list[int]] = {}
        self.done: SimpleQueue[Future] = SimpleQueue()
        self.alone = False  # a suspect is run, with nothing beside it
        self.workers = 0
        self.seen = time.monotonic()  # a worker
        self.looked = -GLANCE
        # Not scattered: what is computed is computed again when its last holder dies, and
        # goes to workers that join later
        with dask.config.set(
            {"distributed.admin.large-graph-warning-threshold": JOB_LIMIT}
        ):
            self.packed = self.client.submit(bytes, pickle.dumps(job), pure=False)

    def hand_out(self) -> None:
        """Give the workers what they have room for."""
        self._look()
        while self.chunks and self._room():
            piece = self.chunks.take()
            self.alone = piece[0] in self.chunks.killed
            given = self.packed, piece, surroundings()
            future = self.client.submit(work, *given, pure=False, key=None)
            self.given[future] = piece
            future.add_done_callback(self.done.put)

    def _room(self) -> bool:
        if self.alone or self.chunks.again:
            return not self.given
        return len(self.given) < AHEAD * max(1, self.workers)

    def finished(self) -> list[Point | Block]:
        """Return points that came back; none, after a while, if none did."""
        futures: list[Future] = []
        with suppress(Empty):
            futures.append(self.done.get(timeout=GLANCE))
            while True:
                futures.append(self.done.get_nowait())
        return [point for future in futures for point in self._points(future)]

    def _points(self, future: Future) -> list[Point | Block]:
        piece = self.given.pop(future)
        self.alone = False
        try:
            points, seconds = future.result()
        except InputError:
            raise
        except KilledWorker:
            twice = self.chunks.give_back(piece)
            return [self.job.failed(number, KILLED) for number in twice]
        except (CancelledError, OSError):
            raise self._error(LOST) from None
        except Exception as error:
            why = f"{type(error).__name__}: {shown(error, 200)}"
            raise self._error(
                f"a worker cannot run this ({why}); it needs the tfbsim, and the "
                "packages, of this machine"
            ) from None
        self.chunks.took(len(piece), seconds)
        return points

    def _look(self) -> None:
        """See how many workers there are, now and then."""
        now = time.monotonic()
        if now < self.looked + GLANCE:
            return
        self.looked = now
        try:
            lost = self.client.status != "running"
            self.workers = 0 if lost else len(self.client.nthreads())
        except (OSError, CancelledError):
            lost = True
        if lost:
            raise self._error(LOST)
        self.chunks.workers = max(1, self.workers)
        if self.connection.refused and not self.workers:
            raise self._error(f"the queue takes no jobs: {self.connection.refused[-1]}")
        if self.workers or self.connection.queued:
            self.seen = now
        elif now > self.seen + PATIENCE:
            raise self._error(
                f"no workers for {PATIENCE:g} s; start some with `dask worker ADDRESS "
                "--nthreads 1`"
            )

    def _error(self, message: str) -> InputError:
        return InputError(message, field=f"--scheduler {self.connection.name}")


# --- What runs on a worker ----------------------------------------------------------


def surroundings() -> dict[str, str]:
    """Return versions that the numbers, and what is sent, depend on."""
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"Python": python, **versions()}


def work(
    packed: bytes, numbers: Sequence[int], wanted: dict[str, str]
) -> tuple[list[Point | Block], float]:
    """Compute the points of a chunk, and return the seconds it took too."""
    with _one_at_a_time:
        found = surroundings()
        for name, here in wanted.items():
            if found.get(name) != here:
                raise InputError(
                    f"a worker has {name} {found.get(name)}, and this machine {here}; "
                    "install the same on both",
                    field="--scheduler",
                )
        started = time.perf_counter()
        points = _unpacked(packed)(numbers)
        return points, time.perf_counter() - started


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> Job[Point | Block]:
    job: Job[Point | Block] = pickle.loads(packed)
    return job

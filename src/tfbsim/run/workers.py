"""Pools, which compute the points of a run: ``serial`` in this process, ``processes`` of
this machine, and ``cluster`` of :mod:`tfbsim.run.cluster`.

A pool takes a job, which turns numbers of cases into points of the ledger, and the
numbers to do.  It yields points as they are finished, in chunks of about a second, and
gives a case whose process was killed to another once before it calls it failed.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Protocol, TypeVar

import numpy as np

from ..errors import InputError
from .ledger import Point
from .stored import Block

CHUNK = 0.7  # s of work handed out at a time; with the commit, less than a second
MOST = 256  # points in a chunk
# The same of points that are taken together, and of the first, fewer being worth no
# process; and the least: a block costs 14 ms more than its points, which take 0.07 each
MOST_OF_BLOCKS, FIRST_OF_BLOCKS, LEAST_OF_BLOCKS = 16_384, 4_096, 1_000
KILLED = "its process was killed, twice"
WORKERS = (
    "worker processes cannot be started (a script that asks for any must do so under "
    "if __name__ == '__main__')"
)
# Where processes may fork, they have at once what this one imported and built
METHOD = "fork" if sys.platform == "linux" else "spawn"
Handler = Callable[[int, FrameType | None], object] | int | None  # of a signal


Done = TypeVar("Done")  # what a job makes of a case, or of several


class Job(Protocol[Done]):
    """What is done; picklable."""

    def prepare(self, number: int) -> None:
        """Build what a case needs, before there are processes that may share it."""

    def __call__(self, numbers: Sequence[int]) -> list[Done]:
        """Return the points of these cases."""

    def failed(self, number: int, reason: str) -> Done:
        """Return the point of a case that could not be run."""


Numbers = Sequence[int] | np.ndarray
Pool = Callable[[Job[Point | Block], Numbers], Generator[list[Point | Block]]]


class Chunks:
    """Numbers still to do, handed out in pieces of about so many seconds.

    A piece has at most ``most`` points, and ``least`` if there are so many; ``first`` is
    the size of the first.
    """

    def __init__(
        self,
        numbers: Numbers,
        workers: int,
        seconds: float = CHUNK,
        most: int = MOST,
        first: int = 1,
        least: int = 1,
    ) -> None:
        self.waiting = np.asarray(numbers)
        self.again: deque[int] = deque()  # of a killed process, one by one
        self.killed: set[int] = set()
        self.workers = workers
        self.seconds, self.first = seconds, first
        self.most, self.least = most, least
        self.each = 0.0  # s a point

    def __bool__(self) -> bool:
        return bool(len(self.waiting) or self.again)

    def take(self) -> list[int]:
        """Return the next piece; towards the end smaller, so that all finish together."""
        if self.again:
            return [self.again.popleft()]
        size = int(self.seconds / self.each) if self.each else self.first
        fair = len(self.waiting) // (2 * self.workers)
        size = min(max(self.least, min(size, fair)), self.most)
        piece, self.waiting = np.split(self.waiting, [size])
        return piece.tolist()

    def took(self, points: int, seconds: float) -> None:
        """Learn from a piece that was done; the first ones also built the model."""
        latest = seconds / points
        each = latest if not self.each else 0.7 * self.each + 0.3 * latest
        self.each = min(each, 2 * latest)

    def give_back(self, numbers: Iterable[int]) -> list[int]:
        """Take back those of a killed process; return those that killed one before."""
        twice = [number for number in numbers if number in self.killed]
        once = [number for number in numbers if number not in self.killed]
        self.killed.update(once)
        self.again.extend(once)
        return twice


def _sizes(job: Job) -> dict[str, int]:
    """Return the sizes of pieces of a job that takes points together."""
    if getattr(job, "swept", None) is None:
        return {}
    sizes = {"first": FIRST_OF_BLOCKS, "most": MOST_OF_BLOCKS}
    return sizes | {"least": LEAST_OF_BLOCKS}


def serial(job: Job[Done], numbers: Numbers) -> Generator[list[Done]]:
    """Yield points computed in this process."""
    chunks = Chunks(numbers, 1, **_sizes(job))
    while chunks:
        started, piece = time.perf_counter(), chunks.take()
        yield job(piece)
        chunks.took(len(piece), time.perf_counter() - started)


def processes(job: Job[Done], numbers: Numbers, workers: int) -> Generator[list[Done]]:
    """Yield points computed in processes of this machine; of a single one, in this."""
    sizes = _sizes(job)
    if len(numbers) <= sizes.get("first", 1):
        yield from serial(job, numbers)
        return
    chunks = Chunks(numbers, workers, **sizes)
    running: dict[Connection, _Worker] = {}  # by their pipes
    ended: list[_Worker] = []

    def start() -> None:
        worker = _Worker(job)
        running[worker.pipe] = worker

    def end(worker: _Worker) -> None:
        ended.append(running.pop(worker.pipe))
        worker.process.terminate()
        worker.pipe.close()

    try:
        if METHOD == "fork":
            job.prepare(chunks.waiting[0])
        for _ in range(min(workers, len(chunks.waiting))):
            start()
        while running:
            points: list[Done] = []
            ready = wait(running)
            for worker in [one for pipe, one in running.items() if pipe in ready]:
                piece = worker.piece
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    end(worker)
                    if piece is None:
                        raise InputError(WORKERS) from None
                    points += [job.failed(n, KILLED) for n in chunks.give_back(piece)]
                    if chunks:
                        start()
                    continue
                if isinstance(answer, InputError):
                    raise answer
                if piece is not None:
                    chunks.took(len(piece), time.perf_counter() - worker.since)
                    points += answer
                if chunks:
                    worker.give(chunks.take())
                else:
                    end(worker)
            if points:
                yield points
    finally:
        # All are told to end before any is waited for
        for worker in list(running.values()):
            end(worker)
        for worker in ended:
            worker.process.join()


class _Worker:
    """A process that runs one chunk after the other.

    Not a pool of the standard library: that does not say which case killed its process,
    hangs if it was sending then, and outlives a run that is killed.
    """

    def __init__(self, job: Job[Done]) -> None:
        forks = METHOD == "fork"
        context = get_context("fork") if forks else get_context("spawn")
        self.piece: list[int] | None = None  # None until it is ready
        self.since = 0.0
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, job), daemon=True)
        quiet = _interrupts_kept_back if forks else interrupts_ignored
        with quiet(), warnings.catch_warnings():
            # NumPy's threads are idle, and it sees to them itself
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        other.close()  # so that the pipe ends with the process

    def give(self, piece: list[int]) -> None:
        self.piece, self.since = piece, time.perf_counter()
        with suppress(OSError):  # killed; the pipe will say so
            self.pipe.send(piece)


def _work(pipe: Connection, job: Job[Done]) -> None:
    """Compute chunk after chunk, until the process is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.freeze()  # what is there stays; to look through it would copy every page of it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: list[Done] | InputError | None = None
    with suppress(EOFError, OSError):
        while True:
            pipe.send(answer)
            try:
                answer = job(pipe.recv())
            except InputError as error:
                answer = error


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(1)


@contextmanager
def _handled(handler: Handler, *numbers: int) -> Iterator[None]:
    """Answer signals in another way here; the main thread alone hears of them."""
    before: dict[int, Handler] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in numbers:
                before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, other in before.items():
            signal.signal(number, other)


def interrupts_ignored() -> AbstractContextManager[None]:
    """Have the processes started here ignore Ctrl-C, which the run answers."""
    return _handled(signal.SIG_IGN, signal.SIGINT)


@contextmanager
def _interrupts_kept_back() -> Iterator[None]:
    """Keep Ctrl-C and SIGTERM back until what is begun here is done."""
    came: list[int] = []
    try:
        with _handled(lambda one, _: came.append(one), signal.SIGINT, signal.SIGTERM):
            yield
    finally:
        for number in came:
            signal.raise_signal(number)

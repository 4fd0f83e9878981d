"""Searches that run side by side, so that what all of them need is simulated at once.

The kernel solves one discharge in a vector lane, and what is done around it costs the
same for a few discharges as for hundreds.  SciPy's routines call back for one place at a
time; so each search runs in a thread of its own and waits there for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError, Lock
from typing import TypeVar

import numpy as np

from .problem import Problem

T = TypeVar("T")


def side_by_side(problem: Problem, tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Return what tasks return that evaluate a problem, each in its own thread.

    The first error of a task is raised.  One after the other where the problem is not
    solved in batches.
    """
    if problem.compiled is None or len(tasks) < 2:
        return [task() for task in tasks]
    wanted: dict[bytes, np.ndarray] = {}
    finished, over = 0, False

    def all_wait() -> None:
        nonlocal over
        problem.meeting, problem.searches = None, len(tasks) - finished
        over = not problem.searches
        if wanted:
            problem.evaluate([*wanted.values()])
        wanted.clear()
        problem.meeting = meet

    def meet(places: dict[bytes, np.ndarray]) -> None:
        wanted.update(places)
        barrier.wait()

    def run(task: Callable[[], T]) -> T:
        nonlocal finished
        try:
            result = task()
            with one_at_a_time:
                finished += 1
            while not over:
                barrier.wait()
        except BaseException:
            barrier.abort()
            raise
        return result

    barrier, one_at_a_time = Barrier(len(tasks), all_wait), Lock()
    problem.meeting, problem.searches = meet, len(tasks)
    try:
        with ThreadPoolExecutor(len(tasks)) as threads:
            futures = [threads.submit(run, task) for task in tasks]
            try:
                errors = [future.exception() for future in futures]
            except BaseException:  # an interrupt
                barrier.abort()
                raise
    finally:
        problem.meeting, problem.searches = None, 1
    own = [e for e in errors if e and not isinstance(e, BrokenBarrierError)]
    if own:
        raise own[0]
    return [future.result() for future in futures]

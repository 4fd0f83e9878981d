"""What is shown on a terminal while a command computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from rich import progress

from ..errors import count
from .console import err


@contextmanager
def _bar(quiet: bool, words: str, total: int | None, *columns: Any) -> Iterator[Any]:
    """A line on a terminal; yields the bar and what updates its task."""
    hidden = quiet or not err.is_terminal
    with progress.Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task(words, total=total, told="")
        yield bar.tasks[0], partial(bar.update, task)


@contextmanager
def cycles_bar(total: int, cases: int, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: cycles done of all cases, points failed, rate, time left."""
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[told]}"),
        progress.TimeRemainingColumn(),
    )
    words = f"{count(cases, 'case')}, cycles"
    with _bar(quiet, words, total, *columns) as (task, update):
        lost = 0

        def tell(cycles: int, failed: int) -> None:
            nonlocal lost
            lost += failed
            rate = f"{task.speed:,.3g}/s" if task.speed else ""
            update(advance=cycles, told=f"{lost:,} failed, {rate}" if lost else rate)

        yield tell


@contextmanager
def simulations_bar(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: simulations done of all, once it is known how many."""
    columns = progress.Progress.get_default_columns()
    with _bar(quiet, "Simulating", None, *columns) as (_, update):
        yield lambda done, total: update(completed=done, total=total)


@contextmanager
def search_line(quiet: bool) -> Iterator[Any]:
    """A line on a terminal: what is searched, simulations so far, error so far."""
    text = progress.TextColumn("{task.description}")
    columns = progress.SpinnerColumn(), text, progress.TimeElapsedColumn()
    with _bar(quiet, "reading", None, *columns) as (_, update):

        def tell(word: str, evaluations: int, error: float) -> None:
            error_words = f"{evaluations} evaluations, error {error:.3g} sigma rms"
            update(description=f"{word}: {error_words}")

        yield tell

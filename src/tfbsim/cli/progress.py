"""What is shown on a terminal while a command computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich import progress

from ..errors import count
from .console import err


def _bar(quiet: bool, *columns: Any) -> progress.Progress:
    hidden = quiet or not err.is_terminal
    return progress.Progress(*columns, console=err, transient=True, disable=hidden)


@contextmanager
def cycles_bar(total: int, cases: int, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: cycles done of all cases, points failed, rate, time left."""
    columns = (
        progress.TextColumn(f"{count(cases, 'case')}, cycles"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[failed]}{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with _bar(quiet, *columns) as bar:
        task = bar.add_task("run", total=total, failed="", rate="")
        lost = 0

        def tell(cycles: int, failed: int) -> None:
            nonlocal lost
            lost += failed
            speed = bar.tasks[0].speed
            words = f"{lost:,} failed, " if lost else ""
            rate = f"{speed:,.3g}/s" if speed else ""
            bar.update(task, advance=cycles, failed=words, rate=rate)

        yield tell


@contextmanager
def simulations_bar(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: simulations done of all, once it is known how many."""
    with _bar(quiet) as bar:
        task = bar.add_task("Simulating", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def search_line(quiet: bool) -> Iterator[Any]:
    """A line on a terminal: what is searched, simulations so far, error so far."""
    text = progress.TextColumn("{task.description}")
    with _bar(quiet, progress.SpinnerColumn(), text, progress.TimeElapsedColumn()) as bar:
        task = bar.add_task("reading", total=None)

        def tell(word: str, evaluations: int, error: float) -> None:
            words = f"{word}: {evaluations} evaluations, error {error:.3g} sigma rms"
            bar.update(task, description=words)

        yield tell

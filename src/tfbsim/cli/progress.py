"""What is shown on a terminal while a command computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import count
from .console import err


@contextmanager
def cycles_bar(total: int, cases: int, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: cycles done of all cases, points failed, rate, time left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(f"{count(cases, 'case')}, cycles"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    hidden = quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("run", total=total, failed="", rate="")
        lost = 0

        def tell(cycles: int, failed: int) -> None:
            nonlocal lost
            lost += failed
            speed = bar.tasks[0].speed
            bar.update(
                task,
                advance=cycles,
                failed=f"{lost:,} failed, " if lost else "",
                rate=f"{speed:,.3g}/s" if speed else "",
            )

        yield tell


@contextmanager
def simulations_bar(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: simulations done of all, once it is known how many."""
    from rich.progress import Progress

    hidden = quiet or not err.is_terminal
    with Progress(console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("Simulating", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def search_line(quiet: bool) -> Iterator[Any]:
    """A line on a terminal: what is searched, simulations so far, error so far."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    hidden = quiet or not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("reading", total=None)

        def tell(word: str, evaluations: int, error: float) -> None:
            words = f"{word}: {evaluations} evaluations, error {error:.3g} sigma rms"
            bar.update(task, description=words)

        yield tell

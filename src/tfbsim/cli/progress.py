"""What is shown on a terminal while a command computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import progress

from ..errors import count
from .console import err


@contextmanager
def _bar(
    quiet: bool, words: str, total: int | None, *columns: str | progress.ProgressColumn
) -> Iterator[progress.Progress]:
    """Show a line of one task on a terminal."""
    hidden = quiet or not err.is_terminal
    with progress.Progress(*columns, console=err, transient=True, disable=hidden) as bar:
        bar.add_task(words, total=total, told="")
        yield bar


@contextmanager
def cycles_bar(
    total: int, cases: int, quiet: bool
) -> Iterator[Callable[[int, int], None]]:
    """Show a bar: cycles done of all cases, points failed, rate, time left."""
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
    )
    told = progress.TextColumn("{task.fields[told]}"), progress.TimeRemainingColumn()
    words = f"{count(cases, 'case')}, cycles"
    with _bar(quiet, words, total, *columns, *told) as bar:
        (task,), lost = bar.tasks, 0

        def tell(cycles: int, failed: int) -> None:
            nonlocal lost
            lost += failed
            rate = f"{task.speed:,.3g}/s" if task.speed else ""
            words = f"{lost:,} failed, {rate}" if lost else rate
            bar.update(task.id, advance=cycles, told=words)

        yield tell


@contextmanager
def simulations_bar(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar: simulations done of all, once it is known how many."""
    with _bar(quiet, "Simulating", None, *progress.Progress.get_default_columns()) as bar:
        (task,) = bar.task_ids
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def search_line(quiet: bool) -> Iterator[Callable[[str, int, float], None]]:
    """Show a line: what is searched, simulations so far, error so far."""
    text = progress.TextColumn("{task.description}")
    with _bar(
        quiet,
        "reading",
        None,
        progress.SpinnerColumn(),
        text,
        progress.TimeElapsedColumn(),
    ) as bar:
        (task,) = bar.task_ids

        def tell(word: str, evaluations: int, error: float) -> None:
            so_far = f"{evaluations} evaluations, error {error:.3g} sigma rms"
            bar.update(task, description=f"{word}: {so_far}")

        yield tell

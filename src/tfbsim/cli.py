"""The command line.  Heavy imports happen inside the commands that need them.

Exit codes: 0 done as asked; 1 ran, but an outcome not asked for occurred; 2 bad input;
130 interrupted, what was finished kept.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from . import __version__
from .files import InputError, load, resolve, shipped, shown, suggest

if TYPE_CHECKING:
    from .result import Result

OTHER_OUTCOME, BAD_INPUT, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Simulate thin-film solid-state lithium cells.",
)
# Into a file or a pipe, tables keep their lines whole
wide = None if sys.stdout.isatty() else 160
out = Console(highlight=False, soft_wrap=True, width=wide)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Name = Annotated[str, typer.Argument(help="A shipped name, or the path of a .yaml file.")]


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"tfbsim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Simulate thin-film solid-state lithium cells."""


@app.command("list")
def list_() -> None:
    """List the shipped cells and experiments, a line each."""
    for folder, title in (("models", "Cells"), ("experiments", "Experiments")):
        out.print(title)
        files = shipped(folder)
        width = max(map(len, files), default=0)
        for name, path in files.items():
            data = load(path).data
            about = str(data.get("description") or data.get("name") or "")
            out.print(f"  {name:<{width}}  {escape(about)}")


@app.command()
def show(name: Name) -> None:
    """Show a cell's layers and what follows from them, or an experiment's steps."""
    path, kind = _find(name)
    if kind == "cell":
        from .cell import load_cell
        from .describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from .cases import expand
        from .describe import describe_experiment

        describe_experiment(expand(path), out)


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(help="Cell or experiment files.")],
) -> None:
    """Check files without solving anything: 0 all valid, 2 not."""
    from .cases import expand
    from .cell import load_cell

    bad = 0
    for name in files:
        try:
            path, kind = _find(name)
            if kind == "cell":
                load_cell(path)
            else:
                expand(path)
        except InputError as error:
            err.print(escape(str(error)))
            bad += 1
    if bad:
        raise typer.Exit(BAD_INPUT)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A shipped cell or experiment.")],
    to: Annotated[
        Path | None, typer.Argument(help="A new .yaml file; default ./NAME.yaml")
    ] = None,
) -> None:
    """Copy a shipped file, and the tables it needs, to edit."""
    path, kind = _find(name)
    target = to or Path(path.name)
    if target.is_dir():
        target = target / path.name
    if target.suffix not in (".yaml", ".yml"):
        raise InputError("must end in .yaml", target)
    beside = []
    if kind == "cell":
        from .cell import load_cell, tables

        load_cell(path)  # its tables are there, and in its folder
        beside = tables(load(path).data)
    sources = [path, *(path.parent / t for t in beside)]
    targets = [target, *(target.parent / t for t in beside)]
    for there in targets:
        if there.exists():
            raise InputError("exists already; nothing was copied", there)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for source, there in zip(sources, targets, strict=True):
            shutil.copyfile(source, there)
            out.print(escape(str(there)))
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", target) from None


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="cell or experiment")],
    name: Annotated[str, typer.Argument(help="Name of the new file, without .yaml")],
) -> None:
    """Write a commented file to start from."""
    kinds = {"cell": "models", "experiment": "experiments"}
    if kind not in kinds:
        raise InputError(
            f"'{shown(kind)}' is neither cell nor experiment{suggest(kind, kinds)}"
        )
    target = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    if target.exists():
        raise InputError("exists already; nothing was written", target)
    text = (Path(__file__).parent / "templates" / f"{kind}.yaml").read_text("utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", target) from None
    out.print(escape(str(target)))


@app.command()
def run(
    experiment: Name,
    cell: Annotated[
        str | None, typer.Option(help="Cell in place of the experiment's.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help='cathode.thickness="800 nm"'),
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder; default results/EXPERIMENT")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Compute what is missing.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier result.")
    ] = False,
    points: Annotated[
        int | None, typer.Option(min=8, max=5000, help="Mesh points through the film.")
    ] = None,
    rtol: Annotated[float | None, typer.Option(help="Relative tolerance.")] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Coarser, and compiled: needs a C compiler.")
    ] = False,
    error_bar: Annotated[
        bool, typer.Option("--error-bar", help="Solve again, tighter; show the error.")
    ] = False,
) -> None:
    """Run an experiment: one case, a list or a grid; or a provenance.json, again."""
    if resume and overwrite:
        raise InputError("give --resume or --overwrite, not both")
    again = experiment.endswith(".json")
    path = Path(experiment) if again else resolve(experiment, "experiments")
    folder = out_folder or Path("results") / path.stem
    _refuse_used(folder, resume, overwrite)
    changes = _changes(set_ or [])
    if again and (cell or changes or points or rtol or fast or error_bar):
        raise InputError("repeats a run as it was: leave out all but --out", path)

    from .cases import expand
    from .run import cycles_each, run_cases

    if again:
        from .provenance import load_run

        past = load_run(path)
        numerics, changes = past.numerics, past.changes
        if past.differences:
            err.print(escape(f"other versions than then: {'; '.join(past.differences)}"))
        expanded = expand(past.document, past.cell, changes, past.cells)
    else:
        expanded = expand(path, cell, changes)
        numerics = _numerics(expanded.experiment.numerics, points, rtol, fast)
        numerics = replace(numerics, error_bar=error_bar)
    for warning in expanded.warnings:
        err.print(escape(f"{expanded.document.path.name}: {warning}"))
    cases = expanded.cases
    command = shlex.join(["tfbsim", *sys.argv[1:]])
    total = cases.cycles * cycles_each(numerics)
    try:
        folder.mkdir(parents=True, exist_ok=True)  # found out before the work, not after
        with _progress(total, len(cases), quiet) as tell:
            result = run_cases(
                expanded,
                numerics=numerics,
                workers=workers,
                folder=folder,
                resume=resume,
                progress=tell,
                command=command,
            )
    except KeyboardInterrupt:
        err.print(f"interrupted; what was finished is in {escape(str(folder))}, and")
        err.print("--resume computes the rest")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", folder) from None
    if not quiet:
        _print_summary(result, folder)
    if not result.as_asked:
        _print_otherwise(result)
        # Points of a sweep may lie beyond what the cell can do: that is an answer
        if not (result.of_a_sweep and result.solved):
            raise typer.Exit(OTHER_OUTCOME)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `run` wrote.")],
) -> None:
    """Draw figures and report again from results, without solving."""
    from .report import write_report
    from .result import load_result

    write_report(load_result(folder), folder)
    out.print(escape(str(folder / "report.html")))


# --- Helpers -----------------------------------------------------------------------


def _find(name: str) -> tuple[Path, str]:
    """Path and kind of a shipped name or a file."""
    cells, experiments = shipped("models"), shipped("experiments")
    if name in cells:
        return cells[name], "cell"
    if name in experiments:
        return experiments[name], "experiment"
    if not (name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name):
        hint = suggest(name, [*cells, *experiments]) or (
            "; `tfbsim list` shows those there are"
        )
        raise InputError(f"no shipped cell or experiment is called '{shown(name)}'{hint}")
    path = Path(name)
    document = load(path)
    kind = document.data.get("kind")
    if kind not in ("cell", "experiment"):
        where = ("kind",) if "kind" in document.data else ()
        raise document.error(where, "must say 'kind: cell' or 'kind: experiment'")
    return path, str(kind)


def _refuse_used(folder: Path, resume: bool, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder for results", folder)
    used = folder.is_dir() and any(folder.iterdir())
    if used and not (resume or overwrite):
        raise InputError(
            "holds results already; --resume computes what is missing, --overwrite "
            "replaces them, --out names another folder",
            folder,
        )


def _changes(assignments: list[str]) -> dict[str, str]:
    changes: dict[str, str] = {}
    for text in assignments:
        field, equals, value = text.partition("=")
        if not equals or not field.strip() or not value.strip():
            raise InputError(
                f"'{shown(text)}' is not FIELD=VALUE, such as "
                'cathode.thickness="800 nm"',
                field="--set",
            )
        if field.strip() in changes:
            raise InputError("is set twice", field=f"--set {field.strip()}")
        changes[field.strip()] = value.strip()
    return changes


def _numerics(own: Any, points: int | None, rtol: float | None, fast: bool) -> Any:
    """What the experiment asks for, under what the command line does."""
    from .engine import Numerics

    if fast:
        if points is not None or rtol is not None:
            raise InputError("sets mesh and tolerance itself", field="--fast")
        return Numerics.fast()
    chosen: dict[str, Any] = {}
    if points is not None:
        chosen["points"] = points
    if rtol is not None:
        if not 1e-12 <= rtol <= 1e-3:
            raise InputError("must be between 1e-12 and 1e-3", field="--rtol")
        chosen["rtol"] = rtol
    return own.model_copy(update=chosen).applied()


@contextmanager
def _progress(total: int, cases: int, quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: cycles done of all cases, points failed, rate, time left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(f"{cases:,} case{'s' if cases != 1 else ''}, cycles"),
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


def _print_summary(result: Result, folder: Path) -> None:
    from rich.table import Table

    summary = result.summary
    columns = {
        "Case": "Case",
        "Cycle number": "Cycle",
        "Charge capacity [mA.h.g-1]": "Charge\nmAh/g",
        "Discharge capacity [mA.h.g-1]": "Discharge\nmAh/g",
        "Discharge capacity [uA.h.cm-2]": "Discharge\nuAh/cm2",
        "Mean discharge voltage [V]": "Mean\nV",
        "Numerical error of discharge capacity [%]": "Error\n%",
        "Numerical error of voltage [mV]": "Error\nmV",
        "Outcome": "Outcome",
    }
    columns = {name: label for name, label in columns.items() if name in summary}
    table = Table(box=None, pad_edge=False)
    for name, label in columns.items():
        table.add_column(
            label, justify="left" if name in ("Case", "Outcome") else "right"
        )
    most = 40
    for row in summary.head(most).to_dict("records"):
        table.add_row(*(_cell_text(row[name]) for name in columns))
    out.print(table)
    if len(summary) > most:
        out.print(f"... and {len(summary) - most} rows more")
    comparison = result.comparison
    if len(comparison):
        out.print("\nMeasured and simulated")
        table = Table(box=None, pad_edge=False)
        for name in comparison.columns.drop("Source"):
            text = name in ("Case", "Quantity", "Status")
            table.add_column(name, justify="left" if text else "right", no_wrap=True)
        for row in comparison.drop(columns="Source").to_dict("records"):
            row["Residual [%]"] = f"{row['Residual [%]']:+.2f}"
            table.add_row(*(_cell_text(value) for value in row.values()))
        out.print(table)
    out.print(f"\ntable, curves, figures and report.html in {escape(str(folder))}")


def _cell_text(value: Any) -> str:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, int):
        return str(value)
    return "" if value != value else f"{value:.4g}"


def _print_otherwise(result: Result) -> None:
    steps = result.steps
    other = steps[steps["Outcome"] != "reached"]
    err.print(f"{len(other)} of {len(steps)} steps ended otherwise than asked:")
    for row in other.head(10).to_dict("records"):
        detail = f" ({row['Detail']})" if row["Detail"] else ""
        cycle = row["Cycle number"] or "conditioning"
        text = f"{row['Case']}, cycle {cycle}: '{row['Step']}': {row['Outcome']}{detail}"
        err.print("  " + escape(text))
    breaches = result.summary[result.summary["Outcome"] == "audit breach"]
    for row in breaches.head(10).to_dict("records"):
        err.print(escape(f"  {row['Case']}, cycle {row['Cycle number']}: audit breach"))


def main() -> None:
    """Entry point: one sentence and exit code 2 for bad input, never a traceback."""
    try:
        app(standalone_mode=True)
    except InputError as error:
        err.print(escape(str(error)))
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

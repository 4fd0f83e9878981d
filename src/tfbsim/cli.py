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

from .errors import InputError, shown, suggest
from .version import __version__
from .yaml_file import load, resolve, shipped

if TYPE_CHECKING:
    from .result.result import Result

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
# Options of several commands
CellName = Annotated[str | None, typer.Option(help="Cell in place of the experiment's.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help='cathode.thickness="800 nm"'),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an earlier result.")
]
MeshPoints = Annotated[
    int | None, typer.Option(min=8, max=5000, help="Mesh points through the film.")
]
Tolerance = Annotated[float | None, typer.Option(help="Relative tolerance.")]
MappingFile = Annotated[
    str | None, typer.Option(help="What the files do not say; default FILE.yaml")
]
OwnCurrent = Annotated[
    bool, typer.Option("--own-current", help="Drive the cell as it was measured.")
]
ToCompare = Annotated[
    str, typer.Argument(help="An experiment; of a cell, the data's own current.")
]


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
        from .cell.cell import load_cell
        from .report.describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from .experiment.cases import expand
        from .report.describe import describe_experiment

        describe_experiment(expand(path), out)


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(help="Cells, experiments, mappings, clusters.")
    ],
) -> None:
    """Check files without solving anything: 0 all valid, 2 not."""
    bad = 0
    for name in files:
        try:
            path, kind = _find(name, "mapping", "cluster")
            # Each kind imports its own: experiments need PyBaMM, a second
            if kind == "cell":
                from .cell.cell import load_cell

                load_cell(path)
            elif kind == "mapping":
                from .data.mapping import load_mapping

                load_mapping(path)
            elif kind == "cluster":
                from .run.cluster_file import check_cluster

                check_cluster(load(path))
            else:
                from .experiment.cases import expand

                expanded = expand(path)
                if expanded.experiment.fit is not None:
                    from .fitting.fit import check_fit

                    check_fit(expanded)
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
        from .cell.cell import load_cell, tables

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
    kind: Annotated[str, typer.Argument(help="cell, experiment, mapping or cluster")],
    name: Annotated[str, typer.Argument(help="Name of the new file, without .yaml")],
) -> None:
    """Write a commented file to start from."""
    kinds = ("cell", "experiment", "mapping", "cluster")
    if kind not in kinds:
        raise InputError(
            f"'{shown(kind)}' is neither cell, experiment, mapping nor cluster"
            f"{suggest(kind, kinds)}"
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
    cell: CellName = None,
    set_: Changes = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder; default results/EXPERIMENT")
    ] = None,
    quiet: Quiet = False,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes.")] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Dask cluster: tcp://host:port, a .json or a .yaml."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Compute what is missing.")
    ] = False,
    overwrite: Overwrite = False,
    points: MeshPoints = None,
    rtol: Tolerance = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Coarser, and compiled: needs a C compiler.")
    ] = False,
    error_bar: Annotated[
        bool, typer.Option("--error-bar", help="Solve again, tighter; show the error.")
    ] = False,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Without: `report` has them.")
    ] = True,
) -> None:
    """Run an experiment: one case, a list or a grid; or a provenance.json, again."""
    if resume and overwrite:
        raise InputError("give --resume or --overwrite, not both")
    if scheduler and workers > 1:
        raise InputError("give --workers or --scheduler, not both")
    again = experiment.endswith(".json")
    path = Path(experiment) if again else resolve(experiment, "experiments")
    folder = out_folder or Path("results") / path.stem
    _refuse_used(folder, resume, overwrite)
    changes = _changes(set_ or [])
    if again and (cell or changes or points or rtol or fast or error_bar):
        raise InputError("repeats a run as it was: leave out all but --out", path)

    from .experiment.cases import expand
    from .run.run import cycles_each, run_experiment

    if again:
        from .experiment.provenance import load_run

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
            result = run_experiment(
                expanded,
                numerics=numerics,
                workers=workers,
                folder=folder,
                resume=resume,
                progress=tell,
                command=command,
                scheduler=scheduler,
                figures=figures,
            )
    except KeyboardInterrupt:
        err.print(f"interrupted; what was finished is in {escape(str(folder))}, and")
        err.print("--resume computes the rest")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", folder) from None
    if not quiet:
        _print_summary(result, folder, figures)
    if not result.as_asked:
        _print_otherwise(result)
        # Points of a sweep may lie beyond what the cell can do: that is an answer
        if not (result.of_a_sweep and result.solved):
            raise typer.Exit(OTHER_OUTCOME)


@app.command()
def compare(
    experiment: ToCompare,
    data: Annotated[list[str], typer.Argument(help="Measured files.")],
    cell: CellName = None,
    set_: Changes = None,
    mapping: MappingFile = None,
    own_current: OwnCurrent = False,
    out_folder: Annotated[
        Path | None,
        typer.Option("--out", help="Folder; default results/compare-EXPERIMENT"),
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    points: MeshPoints = None,
    rtol: Tolerance = None,
) -> None:
    """Compare measured files with an experiment: figures, a table, a report."""
    folder = out_folder or Path("results") / f"compare-{Path(experiment).stem}"
    _refuse_used(folder, False, overwrite)
    changes = _changes(set_ or [])

    from .comparison.comparison import compare as compare_data
    from .comparison.own_current import experiment_or_cell
    from .report.comparison import print_comparison

    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    try:
        with _simulations(quiet) as tell:
            found = compare_data(
                *(expanded, data),
                mapping=mapping,
                own_current=own_current,
                numerics=_numerics(expanded.experiment.numerics, points, rtol, False),
                progress=tell,
                command=shlex.join(["tfbsim", *sys.argv[1:]]),
            )
        found.save(folder)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", folder) from None
    if not quiet:
        print_comparison(found, folder, out)
    for sentence in (*found.unreadable, *found.otherwise):
        err.print(escape(sentence))
    if not found.as_asked:
        raise typer.Exit(OTHER_OUTCOME)


@app.command()
def fit(
    experiment: ToCompare,
    data: Annotated[
        list[str] | None, typer.Argument(help="Measured files; or none.")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=LOW..HIGH", help="What is fitted; default the file's."
        ),
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A case or file to predict, not to fit."),
    ] = None,
    starts: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Most searches, till two agree; default 4."),
    ] = None,
    cell: CellName = None,
    set_: Changes = None,
    mapping: MappingFile = None,
    own_current: OwnCurrent = False,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder; default results/fit-EXPERIMENT")
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Fit fields of a cell to measured files and capacities."""
    folder = out_folder or Path("results") / f"fit-{Path(experiment).stem}"
    _refuse_used(folder, False, overwrite)
    changes, varied = _changes(set_ or []), _changes(vary or [], "--vary")

    from .fitting.fit import fit as fit_data
    from .report.fit import print_fit

    try:
        with _searching(quiet) as tell:
            found = fit_data(
                *(experiment, data or []),
                cell=cell,
                changes=changes,
                vary=varied,
                held_out=hold_out,
                starts=starts,
                mapping=mapping,
                own_current=own_current,
                progress=tell,
                command=shlex.join(["tfbsim", *sys.argv[1:]]),
            )
        path = found.save(folder)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", folder) from None
    if not quiet:
        print_fit(found, path, out)
    for sentence in found.unreadable:
        err.print(escape(sentence))
    if not found.as_asked:
        raise typer.Exit(OTHER_OUTCOME)


@app.command("fit-ocv")
def fit_ocv(
    data: Annotated[
        list[str], typer.Argument(help="A slow charge and discharge: one file or two.")
    ],
    stoichiometry: Annotated[
        str, typer.Option(help="x where charged and where discharged.")
    ] = "0..1",
    sites: Annotated[
        int | None, typer.Option(min=1, max=30, help="Default: as few as will do.")
    ] = None,
    temperature: Annotated[str, typer.Option(help="Of the measurement.")] = "25 degC",
    cell: Annotated[
        str | None, typer.Option(help="Cell to put it in; gives area and loading.")
    ] = None,
    mapping: MappingFile = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder; default results/ocv-FILE")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Fit a smooth open-circuit potential to a slow charge and discharge."""
    folder = out_folder or Path("results") / f"ocv-{Path(data[0]).stem}"
    _refuse_used(folder, False, overwrite)

    from .fitting.ocv_file import fit_files, print_ocv, save

    try:
        found = fit_files(data, stoichiometry, sites, temperature, cell, mapping)
        path = save(found, folder, shlex.join(["tfbsim", *sys.argv[1:]]))
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", folder) from None
    print_ocv(found, path, out)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A folder that `run` wrote.")],
) -> None:
    """Draw figures and report again from results, without solving."""
    from .report.report import write_report
    from .result.result import load_result

    write_report(load_result(folder), folder)
    out.print(escape(str(folder / "report.html")))


# --- Helpers -----------------------------------------------------------------------


def _find(name: str, *more: str) -> tuple[Path, str]:
    """Path and kind of a shipped name or a file: a cell, an experiment or one more."""
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
    kinds = ("cell", "experiment", *more)
    if kind not in kinds:
        where = ("kind",) if "kind" in document.data else ()
        wanted = [f"'kind: {name}'" for name in kinds]
        message = f"must say {', '.join(wanted[:-1])} or {wanted[-1]}"
        raise document.error(where, message)
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


def _changes(assignments: list[str], option: str = "--set") -> dict[str, str]:
    like = {
        "--set": 'cathode.thickness="800 nm"',
        "--vary": 'contact_resistance="1 ohm cm2..100 ohm cm2"',
    }
    changes: dict[str, str] = {}
    for text in assignments:
        field, equals, value = text.partition("=")
        if not equals or not field.strip() or not value.strip():
            raise InputError(
                f"'{shown(text)}' is not FIELD=VALUE, such as {like[option]}",
                field=option,
            )
        if field.strip() in changes:
            raise InputError("is set twice", field=f"{option} {field.strip()}")
        changes[field.strip()] = value.strip()
    return changes


def _numerics(own: Any, points: int | None, rtol: float | None, fast: bool) -> Any:
    """What the experiment asks for, under what the command line does."""
    from .numerics import Numerics

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


@contextmanager
def _simulations(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal: simulations done of all, once it is known how many."""
    from rich.progress import Progress

    hidden = quiet or not err.is_terminal
    with Progress(console=err, transient=True, disable=hidden) as bar:
        task = bar.add_task("Simulating", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _searching(quiet: bool) -> Iterator[Any]:
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


def _print_summary(result: Result, folder: Path, figures: bool) -> None:
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
    drawn = ", curves, figures and report.html" if figures else " and curves"
    out.print(f"\ntable{drawn} in {escape(str(folder))}")


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

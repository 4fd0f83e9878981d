"""`tfbsim run`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..errors import InputError, count
from ..output import make_folder
from ..yaml_file import Document, load, resolve
from .console import err, out
from .edge import OTHER_OUTCOME, Interrupted
from .options import (
    CellName,
    Changes,
    Exports,
    Format,
    MeshPoints,
    Overwrite,
    Quiet,
    Tolerance,
    changes_of,
    check_exports,
    command_line,
    numerics_of,
    refuse_used,
    write_exports,
)
from .progress import cycles_bar

if TYPE_CHECKING:
    from ..result.result import Result


def run(
    experiment: Annotated[
        str, typer.Argument(help="An experiment; with STEPS, a cell. A name or a file.")
    ],
    steps: Annotated[
        str | None,
        typer.Argument(help='"Charge at 1C until 4.2 V; Discharge at 1C until 3 V"'),
    ] = None,
    cell: CellName = None,
    set_: Changes = None,
    cycles: Annotated[
        int | None, typer.Option(min=1, help="In place of the experiment's.")
    ] = None,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder; default results/EXPERIMENT",
            readable=False,
        ),
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
    format_: Format = "png",
    export: Exports = None,
) -> None:
    """Run an experiment: one case, a list or a grid; or a provenance.json, again."""
    if resume and overwrite:
        raise InputError("give --resume or --overwrite, not both")
    if scheduler and workers > 1:
        raise InputError("give --workers or --scheduler, not both")
    check_exports(export or ())
    if format_ != "png" and not figures:
        raise InputError("give --format or --no-figures, not both")
    again = experiment.endswith(".json")
    changes = changes_of(set_ or [])
    if cycles is not None:
        changes = {"cycles": str(cycles), **changes}
    protocol = None
    if steps is not None:
        if cell:
            raise InputError("the cell is named before its steps", field="--cell")
        protocol = _protocol(experiment, steps)
    path = Path(experiment)
    if not again:
        path = resolve(experiment, "models" if protocol else "experiments")
    if not path.exists():
        raise InputError("no such file", path)
    folder = out_folder or Path("results") / path.stem
    refuse_used(folder, overwrite, resume)
    if again and (cell or changes or points or rtol or fast or error_bar):
        raise InputError("repeats a run as it was: leave out all but --out", path)

    from ..experiment.cases import expand
    from ..run.run import cycles_each, run_experiment

    if again:
        from ..experiment.provenance import load_run

        past = load_run(path)
        numerics, changes = past.numerics, past.changes
        if past.differences:
            err.print(escape(f"other versions than then: {'; '.join(past.differences)}"))
        expanded = expand(past.document, past.cell, changes, past.cells)
    else:
        expanded = expand(protocol or path, cell, changes)
        numerics = numerics_of(expanded.experiment.numerics, points, rtol, fast)
        numerics = replace(numerics, error_bar=error_bar)
    _print_warnings(expanded.warnings, expanded.document.path.name)
    if scheduler and scheduler.endswith((".yaml", ".yml")):
        from ..run.cluster_file import remark

        if words := remark(load(scheduler)):
            err.print(escape(f"{scheduler}: {words}"))
    cases = expanded.cases
    command = command_line()
    total = cases.cycles * cycles_each(numerics)
    try:
        make_folder(folder)  # found out before the work, not after
        with cycles_bar(total, len(cases), quiet) as tell:
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
                format=format_,
            )
    except KeyboardInterrupt:
        kept = f"what was finished is in {folder}, and --resume computes the rest"
        raise Interrupted(f"interrupted; {kept}") from None
    if export:
        write_exports(result, folder, export)
    if not quiet:
        from ..report.answer import at_once

        _print_summary(result, folder, figures)
        _print_warnings([w for w in result.warnings if w not in expanded.warnings])
        if not result.of_a_sweep and (words := at_once(result)):
            err.print(escape(words))
    if not result.as_asked:
        _print_otherwise(result)
        # Points of a sweep may lie beyond what the cell can do: that is an answer
        if not (result.of_a_sweep and result.solved):
            raise typer.Exit(OTHER_OUTCOME)


def _protocol(cell: str, steps: str) -> Document:
    """Return the experiment that a cell and the steps of a command line are."""
    sentences = [s.strip() for s in steps.split(";") if s.strip()]
    content = {"format": 1, "kind": "experiment", "cell": cell, "steps": sentences}
    return Document(Path(f"{Path(cell).stem}.yaml"), content, {(): 1})


def _print_summary(result: Result, folder: Path, figures: bool) -> None:
    from ..report.printed import printed
    from ..result.sweep_table import factors

    summary = result.summary
    of_sweep = factors(summary) if result.of_a_sweep else []
    columns = {
        "Case": "Case",
        "Cycle number": "Cycle",
        **{name: name.replace(" [", "\n").rstrip("]") for name in of_sweep},
        "Charge capacity [mA.h.g-1]": "Charge\nmAh/g",
        "Discharge capacity [mA.h.g-1]": "Discharge\nmAh/g",
        "Discharge capacity [uA.h.cm-2]": "Discharge\nuAh/cm2",
        "Mean discharge voltage [V]": "Mean\nV",
        "Numerical error of discharge capacity [%]": "Error\n%",
        "Numerical error of voltage [mV]": "Error\nmV",
        "Outcome": "Outcome",
    }
    most = 40
    out.print(printed(summary, columns, most=most, wrap=True))
    if len(summary) > most:
        out.print(f"... and {count(len(summary) - most, 'row')} more")
    comparison = result.comparison
    if len(comparison):
        out.print("\nMeasured and simulated")
        comparison = comparison.drop(columns="Source")
        heads = {name: name for name in comparison}
        out.print(printed(comparison, heads, _signed))
    drawn = ", curves, figures and report.html" if figures else " and curves"
    out.print(f"\ntable{drawn} in {escape(str(folder))}")


def _print_warnings(warnings: Iterable[str], file: str = "") -> None:
    """Print warnings, those that differ in their numbers alone as one line."""
    from ..report.answer import grouped

    for first, others in grouped(warnings):
        more = f" (and {len(others)} more such, other numbers)" if others else ""
        err.print(escape(f"{file or 'warning'}: {first}{more}"))


def _signed(name: str, value: Any) -> str:
    from ..report.printed import cell

    return f"{value:+.2f}" if name == "Residual [%]" else cell(name, value)


def _print_otherwise(result: Result) -> None:
    from ..report.answer import folded

    steps = result.steps
    other = steps[steps["Outcome"] != "reached"]
    err.print(f"{len(other)} of {count(len(steps), 'step')} ended otherwise than asked:")
    names = ["Case", "Cycle number", "Step", "Outcome", "Detail"]
    groups = folded(other[names], "Case", "Cycle number")
    most = 10
    for row in groups.head(most).to_dict("records"):
        detail = f" ({row['Detail']})" if row["Detail"] else ""
        cycle = row["Cycle number"] or "conditioning"
        text = f"{row['Case']}, cycle {cycle}: '{row['Step']}': {row['Outcome']}{detail}"
        err.print("  " + escape(text))
    if len(groups) > most:
        err.print(f"  ... and {count(len(groups) - most, 'more kind')}, all in steps.csv")
    breaches = result.summary[result.summary["Outcome"] == "audit breach"]
    for row in breaches.head(10).to_dict("records"):
        err.print(escape(f"  {row['Case']}, cycle {row['Cycle number']}: audit breach"))

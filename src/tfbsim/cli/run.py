"""`tfbsim run`, and `tfbsim report`, which draws its results again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from ..errors import InputError, Key, shown
from ..output import make_folder
from ..yaml_file import Document, load, resolve
from . import options
from .console import out, say, warn
from .edge import OTHER_OUTCOME, Interrupted
from .options import Text


def run(
    experiment: Annotated[
        str, Argument(help="An experiment; with STEPS, a cell. A name or a file.")
    ],
    steps: Annotated[
        Text, Argument(help='"Charge at 1C until 4.2 V; Discharge at 1C until 3 V"')
    ] = None,
    cell: options.CellName = None,
    set_: options.Changes = None,
    cycles: Annotated[
        int | None, Option(min=1, help="In place of the experiment's.")
    ] = None,
    folder: Annotated[Path | None, options.folder_option("EXPERIMENT")] = None,
    quiet: options.Quiet = False,
    workers: Annotated[int, Option(min=1, max=1024, help="Processes.")] = 1,
    scheduler: Annotated[
        Text,
        Option(
            metavar="ADDRESS", help="Dask cluster: tcp://host:port, a .json or a .yaml."
        ),
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Compute what is missing.")] = False,
    overwrite: options.Overwrite = False,
    points: options.MeshPoints = None,
    rtol: options.Tolerance = None,
    fast: Annotated[
        bool, Option("--fast", help="Coarser, and compiled: needs a C compiler.")
    ] = False,
    error_bar: Annotated[
        bool, Option("--error-bar", help="Solve again, tighter; show the error.")
    ] = False,
    figures: Annotated[
        bool, Option("--figures/--no-figures", help="Without: `report` has them.")
    ] = True,
    format_: options.Format = "png",
    export: options.Exports = None,
) -> None:
    """Run an experiment: one case, a list or a grid; or a provenance.json, again."""
    if resume and overwrite:
        raise InputError("give --resume or --overwrite, not both")
    if scheduler and workers > 1:
        raise InputError("give --workers or --scheduler, not both")
    options.check_exports(export or ())
    if format_ != "png" and not figures:
        raise InputError("give --format or --no-figures, not both")
    changes = options.changes_of(set_)
    if cycles is not None:
        changes = {"cycles": str(cycles), **changes}
    again = experiment.endswith(".json")
    path, document = Path(experiment), None
    if steps is not None:
        if cell:
            raise InputError("the cell is named before its steps", field="--cell")
        document = _Typed.of(experiment, steps)
    if not again:
        path = resolve(experiment, "models" if document else "experiments")
    if not path.exists():
        raise InputError("no such file", path)
    folder = options.used_folder(folder, "", str(path), overwrite, resume)
    if again and (cell or changes or points or rtol or fast or error_bar):
        raise InputError("repeats a run as it was: leave out all but --out", path)

    from ..experiment.expand import expand
    from ..experiment.provenance import load_run
    from ..report.answer import at_once
    from ..report.exports import write_exports
    from ..report.run import otherwise, print_tables, warnings
    from ..run.run import cycles_each, run_experiment
    from .progress import cycles_bar

    if again:
        past = load_run(path)
        numerics = past.numerics
        if past.differences:
            warn(f"other versions than then: {'; '.join(past.differences)}")
        expanded = expand(past.document, past.cell, past.changes, past.cells)
    else:
        expanded = expand(document or path, cell, changes)
        numerics = options.numerics_of(expanded.experiment.numerics, points, rtol, fast)
        numerics = replace(numerics, error_bar=error_bar)
    warn(*warnings(expanded.warnings, expanded.document.path.name))
    if scheduler and scheduler.endswith((".yaml", ".yml")):
        from ..run.cluster_file import remark

        if words := remark(load(scheduler)):
            warn(f"{scheduler}: {words}")
    cases = expanded.cases
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
                command=options.command_line(),
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
        print_tables(result, out)
        drawn = ", curves, figures and report.html" if figures else " and curves"
        say(f"\ntable{drawn} in {folder}")
        warn(*warnings(w for w in result.warnings if w not in expanded.warnings))
        if not result.of_a_sweep and (words := at_once(result)):
            warn(words)
    if not result.as_asked:
        warn(*otherwise(result))
        # Points of a sweep may lie beyond what the cell can do: that is an answer
        if not (result.of_a_sweep and result.solved):
            raise Exit(OTHER_OUTCOME)


class _Typed(Document):
    """An experiment that stands in no file: a cell and the steps of a command line."""

    @classmethod
    def of(cls, cell: str, steps: str) -> _Typed:
        """Return the experiment of two arguments."""
        sentences = [s.strip() for s in steps.split(";") if s.strip()]
        if not sentences:
            what = "has no steps, such as 'Discharge at 1C until 3 V'"
            raise InputError(what, field="STEPS")
        content = {"format": 1, "kind": "experiment", "cell": cell, "steps": sentences}
        return cls(Path(f"{Path(cell).stem}.yaml"), content, {(): 1})

    def error(self, path: tuple[Key, ...], message: str) -> InputError:
        """Name the argument, and which of the steps it is, instead of a line."""
        numbers = [f" {key + 1}" for key in path if isinstance(key, int)]
        return InputError(message, field=f"STEPS{''.join(numbers[:1])}")


def report(
    folder: Annotated[Path, Argument(help="A folder that `run` wrote.", readable=False)],
    incomplete: Annotated[
        bool, Option("--incomplete", help="Draw what is left of a damaged folder.")
    ] = False,
    format_: options.Format = "png",
    export: options.Exports = None,
) -> None:
    """Draw figures and report again from results, without solving."""
    from ..report.exports import write_exports
    from ..report.report import write_report
    from ..result.load import load_result

    options.check_exports(export or ())
    result = load_result(folder, incomplete)
    try:
        write_report(result, folder, format_)
        if export:
            write_exports(result, folder, export)
    except (InputError, OSError):
        raise
    except Exception as error:
        if "incomplete" not in result.provenance:
            raise
        message = f"what is left cannot be drawn ({shown(error, 120)})"
        raise InputError(message, folder) from None
    say(folder / "report.html")

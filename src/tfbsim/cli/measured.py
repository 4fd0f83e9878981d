"""Commands about measured data: `compare`, `fit`, `fit-ocv`, `gitt`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from ..errors import InputError
from . import options
from .console import out, say, warn
from .edge import OTHER_OUTCOME
from .options import Text, Texts

UNFINISHED = "unfinished"  # folder of what an interrupted fit has simulated


def compare(
    experiment: options.ToCompare,
    data: Annotated[list[str], Argument(help="Measured files.")],
    cell: options.CellName = None,
    set_: options.Changes = None,
    mapping: options.MappingFile = None,
    own_current: options.OwnCurrent = False,
    folder: Annotated[Path | None, options.folder_option("compare-EXPERIMENT")] = None,
    quiet: options.Quiet = False,
    overwrite: options.Overwrite = False,
    points: options.MeshPoints = None,
    rtol: options.Tolerance = None,
) -> None:
    """Compare measured files with an experiment: figures, a table, a report."""
    folder = options.used_folder(folder, "compare", experiment, overwrite)
    changes = options.changes_of(set_)

    from ..comparison.comparison import compare as compare_data
    from ..comparison.measured_current import experiment_or_cell
    from ..report.comparison import print_comparison
    from .progress import simulations_bar

    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    own = expanded.experiment.numerics
    with simulations_bar(quiet) as tell:
        found = compare_data(
            *(expanded, data),
            mapping=mapping,
            own_current=own_current,
            numerics=options.numerics_of(own, points, rtol, False),
            progress=tell,
            command=options.command_line(),
        )
    found.save(folder)
    if not quiet:
        print_comparison(found, folder, out)
    warn(*found.unreadable, *found.otherwise)
    if not found.as_asked:
        raise Exit(OTHER_OUTCOME)


def fit(
    experiment: options.ToCompare,
    data: Annotated[Texts, Argument(help="Measured files; or none.")] = None,
    vary: Annotated[
        Texts,
        Option(metavar="FIELD=LOW..HIGH", help="What is fitted; default the file's."),
    ] = None,
    hold_out: Annotated[
        Texts, Option(metavar="NAME", help="A case or file to predict, not to fit.")
    ] = None,
    starts: Annotated[
        int | None,
        Option(min=1, max=100, help="Most searches, till two agree; default 4."),
    ] = None,
    cell: options.CellName = None,
    case: Annotated[
        Text, Option(metavar="NAME", help="The only case to fit, with its parameters.")
    ] = None,
    set_: options.Changes = None,
    mapping: options.MappingFile = None,
    own_current: options.OwnCurrent = False,
    folder: Annotated[Path | None, options.folder_option("fit-EXPERIMENT")] = None,
    quiet: options.Quiet = False,
    resume: Annotated[
        bool, Option("--resume", help="Go on where an interrupted fit stopped.")
    ] = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Fit fields of a cell to measured files and capacities."""
    folder = options.used_folder(folder, "fit", experiment, overwrite, resume)
    changes, varied = options.changes_of(set_), options.changes_of(vary, "--vary")

    from ..fitting.fit import fit as fit_data
    from ..report.fit import print_fit
    from .progress import search_line

    with search_line(quiet) as tell:
        found = fit_data(
            *(experiment, data or []),
            cell=cell,
            case=case,
            changes=changes,
            vary=varied,
            held_out=hold_out,
            starts=starts,
            mapping=mapping,
            own_current=own_current,
            progress=tell,
            command=options.command_line(),
            keep=folder / UNFINISHED,
        )
    path = found.save(folder)
    shutil.rmtree(folder / UNFINISHED)
    if not quiet:
        print_fit(found, path, out)
    warn(*found.unreadable)
    if not found.as_asked:
        raise Exit(OTHER_OUTCOME)


def fit_ocv(
    data: Annotated[
        list[str], Argument(help="A slow charge and discharge: one file or two.")
    ],
    stoichiometry: Annotated[
        str, Option(help="x where charged and where discharged.")
    ] = "0..1",
    sites: Annotated[
        int | None, Option(min=1, max=30, help="Default: as few as will do.")
    ] = None,
    temperature: Annotated[str, Option(help="Of the measurement.")] = "25 degC",
    cell: Annotated[
        Text, Option(help="Cell to put it in; gives area and loading.")
    ] = None,
    mapping: options.MappingFile = None,
    folder: Annotated[Path | None, options.folder_option("ocv-FILE")] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Fit a smooth open-circuit potential to a slow charge and discharge."""
    folder = options.used_folder(folder, "ocv", data[0], overwrite)

    from ..fitting.ocv_file import fit_files
    from ..report.ocv import print_ocv, save

    found = fit_files(data, stoichiometry, sites, temperature, cell, mapping)
    print_ocv(found, save(found, folder, options.command_line()), out)


def gitt(
    experiment: options.ToCompare,
    data: Annotated[Texts, Argument(help="Measured titrations; or none.")] = None,
    cell: options.CellName = None,
    set_: options.Changes = None,
    mapping: options.MappingFile = None,
    folder: Annotated[Path | None, options.folder_option("gitt-EXPERIMENT")] = None,
    quiet: options.Quiet = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Diffusivities that a titration (GITT, PITT) gives, beside those of the cell."""
    folder = options.used_folder(folder, "gitt", experiment, overwrite)
    changes = options.changes_of(set_)

    import pandas as pd

    from ..comparison.measured_current import experiment_or_cell
    from ..data.read import read_all
    from ..experiment.experiment import ALL
    from ..experiment.settings import numerics_of
    from ..fitting.titration import diffusivities
    from ..plot.material import titration_figure
    from ..report.written import write_all
    from ..result.result import Result
    from ..run.run import case_result

    expanded, of_cell = experiment_or_cell(experiment, cell, changes, False)
    doubts: list[str] = []
    base = expanded.cases[0].cell
    if data:
        files, doubts = read_all(data, base, mapping)
        found = [(m.name, diffusivities(m.segments, base)) for m in files]
        for file in () if quiet else files:
            say(*(f"{file.name}: {note}" for note in file.notes))
    elif of_cell:
        what = "is a cell: name a titration to simulate, or measured data"
        raise InputError(what, experiment)
    else:
        numerics = numerics_of(None, expanded.experiment.numerics)
        whole = [replace(case, curves=ALL) for case in expanded.cases]
        simulated = Result([case_result(case, numerics) for case in whole])
        cells = {case.name: case.cell for case in whole}
        records = simulated.records
        found = [(m.name, diffusivities(m.segments, cells[m.name])) for m in records]
    parts = [table.assign(Record=name) for name, table in found if len(table)]
    if not parts:
        what = "has no pulses with a rest before and after, and no holds in a row whose "
        raise InputError(f"{what}current decays", data[0] if data else experiment)
    table = pd.concat(parts, ignore_index=True)
    command = options.command_line()
    figures = {"titration": titration_figure(table, base)}
    written = write_all(folder, command, {"titration.csv": table}, figures)
    warn(*doubts)
    if quiet:
        return
    for (record, method), rows in table.groupby(["Record", "Method"], sort=False):
        D, ratio, pulse = (rows[c] for c in ("D [cm2.s-1]", "Ratio", "Pulse over L2/D"))
        say(
            f"{record}: {len(rows)} {method} values, D {D.min():.3g} to {D.max():.3g} "
            f"cm2/s; over that of the cell {ratio.min():.3g} to {ratio.max():.3g}, "
            f"median {ratio.median():.3g}; pulses of {pulse.min():.2g} to "
            f"{pulse.max():.2g} L2/D"
        )
    say(written)

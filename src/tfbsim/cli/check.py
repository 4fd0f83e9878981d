"""`tfbsim check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError
from ..yaml_file import load
from .console import err, out
from .edge import BAD_INPUT
from .options import Quiet, find

MOST = 100  # mistakes of a file that are told one by one


def check(
    files: Annotated[
        list[str],
        typer.Argument(help="Cells, materials, experiments, mappings, clusters."),
    ],
    quiet: Quiet = False,
) -> None:
    """Check files without solving anything: 0 all valid, 2 not."""
    bad = 0
    for name in files:
        try:
            path, kind = find(name, "mapping", "cluster", "material")
            notes = _notes(path, kind)
        except InputError as error:
            mistakes = (error, *error.others)
            for mistake in mistakes[:MOST]:
                err.print(escape(str(mistake)))
            if more := len(mistakes[MOST:]):
                err.print(escape(f"{name}: {more} more mistakes"))
            bad += 1
            continue
        if not quiet:
            out.print(escape(f"{name}: valid"))
            for note in notes:
                out.print(escape(f"{name}: note: {note}"))
    if bad:
        raise typer.Exit(BAD_INPUT)


def _notes(path: Path, kind: str) -> list[str]:
    """Check a file; return what is worth knowing of one that is valid."""
    # Each kind imports its own
    if kind == "cell":
        from ..cell.cell import load_cell

        return load_cell(path).warnings()
    if kind == "material":
        from ..cell.cell import read_material

        read_material(path)
    elif kind == "mapping":
        from ..data.mapping import load_mapping

        load_mapping(path)
    elif kind == "cluster":
        from ..run.cluster_file import check_cluster

        check_cluster(load(path))
    else:
        from ..experiment.cases import expand
        from ..experiment.foresee import foreseen

        expanded = expand(path)
        if expanded.experiment.fit is not None:
            from ..fitting.fit import check_fit

            check_fit(expanded)
        cases = ((case.cell, case.protocol) for case in expanded.cases)
        return [*expanded.warnings, *foreseen(cases)]
    return []

"""`tfbsim check`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ..errors import InputError
from ..yaml_file import load
from .console import err
from .edge import BAD_INPUT
from .options import find


def check(
    files: Annotated[
        list[str], typer.Argument(help="Cells, experiments, mappings, clusters.")
    ],
) -> None:
    """Check files without solving anything: 0 all valid, 2 not."""
    bad = 0
    for name in files:
        try:
            path, kind = find(name, "mapping", "cluster")
            # Each kind imports its own: experiments need PyBaMM, a second
            if kind == "cell":
                from ..cell.cell import load_cell

                load_cell(path)
            elif kind == "mapping":
                from ..data.mapping import load_mapping

                load_mapping(path)
            elif kind == "cluster":
                from ..run.cluster_file import check_cluster

                check_cluster(load(path))
            else:
                from ..experiment.cases import expand

                expanded = expand(path)
                if expanded.experiment.fit is not None:
                    from ..fitting.fit import check_fit

                    check_fit(expanded)
        except InputError as error:
            err.print(escape(str(error)))
            bad += 1
    if bad:
        raise typer.Exit(BAD_INPUT)

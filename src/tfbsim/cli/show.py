"""`tfbsim show`."""

from __future__ import annotations

from .console import out
from .options import Name, find


def show(name: Name) -> None:
    """Show a cell's layers and what follows from them, or an experiment's steps."""
    path, kind = find(name)
    if kind == "cell":
        from ..cell.cell import load_cell
        from ..report.describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from ..experiment.cases import expand
        from ..report.describe import describe_experiment

        describe_experiment(expand(path), out)

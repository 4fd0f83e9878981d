"""`tfbsim show`."""

from __future__ import annotations

from ..materials import every
from .console import out
from .options import Name, find


def show(name: Name) -> None:
    """Show a cell's layers, an experiment's steps, or a material with its sources."""
    materials = every()
    if name in materials:
        from ..report.describe import describe_material

        return describe_material(materials[name], out)
    path, kind = find(name, also=materials)
    if kind == "cell":
        from ..cell.cell import load_cell
        from ..report.describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from ..experiment.cases import expand
        from ..report.describe import describe_experiment

        describe_experiment(expand(path), out)

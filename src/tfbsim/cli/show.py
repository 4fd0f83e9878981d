"""`tfbsim show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..materials import named
from ..materials.material import Material
from .console import out
from .options import Name, find

Drawing = Annotated[
    Path | None,
    typer.Option(
        help="Draw U(x) and D(x) of a material; .png, .svg or .pdf.", readable=False
    ),
]


def show(name: Name, figure: Drawing = None) -> None:
    """Show a cell's layers, an experiment's steps, or a material with its sources."""
    materials = named()
    if name in materials:
        from ..report.describe import describe_material

        if figure is not None:
            _draw(materials[name], figure)
        return describe_material(materials[name], out)
    if figure is not None:
        raise InputError(
            "draws materials; `tfbsim run` draws the curves of a cell", "--figure"
        )
    path, kind = find(name, also=materials)
    if kind == "cell":
        from ..cell.cell import load_cell
        from ..report.describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from ..experiment.cases import expand
        from ..report.describe import describe_experiment

        describe_experiment(expand(path), out)


def _draw(material: Material, path: Path) -> None:
    from ..output import write_atomic
    from ..plot.material import draw
    from ..plot.style import FORMATS, rendered

    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(f"its name must end in .{', .'.join(FORMATS)}", path)
    if "open_circuit_potential" not in material.fields:
        raise InputError(f"{material.name} is no electrode: it has no U(x) to draw")
    write_atomic(path, rendered({"": draw([material])}, kind)[""])
    out.print(f"U(x) and D(x) in {path}")

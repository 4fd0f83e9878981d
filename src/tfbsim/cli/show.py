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
    path, kind = Path(), "material"
    if name not in materials:
        path, kind = find(name, "material", also=materials)
    if kind == "material":
        from ..cell.cell import read_material
        from ..report.describe import describe_material

        material = materials.get(name) or read_material(path)
        if figure is not None:
            _draw(material, figure)
        return describe_material(material, out)
    if figure is not None:
        raise InputError(
            "draws materials; `tfbsim run` draws the curves of a cell", "--figure"
        )
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
    if "diffusivity" not in material.fields:
        raise InputError(f"{material.name} leaves D(x) to a cell: it cannot be drawn")
    write_atomic(path, rendered({"": draw([material])}, kind)[""])
    out.print(f"U(x) and D(x) in {path}")

"""Commands about files: `list`, `show`, `check`, `copy`, `new`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Exit, Option

from ..errors import InputError, shown, suggest
from ..output import write_atomic, write_new
from ..yaml_file import cells, experiments, load
from . import options
from .console import out, say, warn
from .edge import BAD_INPUT

if TYPE_CHECKING:
    from ..materials.material import Material

MOST = 100  # mistakes of a file that are told one by one
Kinds = Literal["cells", "experiments", "materials"]
TEMPLATES = Path(__file__).parents[1] / "templates"


def list_(
    kind: Annotated[Kinds | None, Argument(help="Only these.")] = None,
    as_json: Annotated[bool, Option("--json", help="For a program.")] = False,
) -> None:
    """List the shipped cells and experiments, or the materials, a line each."""
    found = {"cells": cells(), "experiments": experiments()}
    if kind == "materials":
        from ..materials import every  # with NumPy, which `--help` does without

        found = {kind: {name: m.title for name, m in every().items()}}
    elif kind is not None:
        found = {kind: found[kind]}
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for title, files in found.items():
        say(title.capitalize())
        width = max(map(len, files), default=0)
        say(*(f"  {name:<{width}}  {line}" for name, line in files.items()))


def show(
    name: options.Name,
    figure: Annotated[
        Path | None,
        Option(
            help="Draw U(x) and D(x) of a material; .png, .svg or .pdf.", readable=False
        ),
    ] = None,
) -> None:
    """Show a cell's layers, an experiment's steps, or a material with its sources."""
    from ..materials import named

    materials = named()
    path, kind = Path(), "material"
    if name not in materials:
        path, kind = options.find(name, "material", also=materials)
    if kind == "material":
        from ..cell.named import read_material
        from ..report.files import describe_material

        material = materials.get(name) or read_material(path)
        if figure is not None:
            _draw(material, figure)
        describe_material(material, out)
    elif figure is not None:
        what = "draws materials; `tfbsim run` draws the curves of a cell"
        raise InputError(what, "--figure")
    elif kind == "cell":
        from ..cell.cell import load_cell
        from ..report.describe import describe_cell

        describe_cell(load_cell(path), out)
    else:
        from ..experiment.expand import expand
        from ..report.files import describe_experiment

        describe_experiment(expand(path), out)


def _draw(material: Material, path: Path) -> None:
    from ..plot.drawing import FORMATS, rendered
    from ..plot.material import draw

    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(f"its name must end in .{', .'.join(FORMATS)}", path)
    write_atomic(path, rendered({"": draw([material])}, kind)[""])
    say(f"U(x) and D(x) in {path}")


def check(
    files: Annotated[
        list[str], Argument(help="Cells, materials, experiments, mappings, clusters.")
    ],
    quiet: options.Quiet = False,
) -> None:
    """Check files without solving anything: 0 all valid, 2 not."""
    bad = False
    for name in files:
        try:
            path, kind = options.find(name, "mapping", "cluster", "material")
            notes = _notes(path, kind)
        except InputError as error:
            mistakes = (error, *error.others)
            warn(*mistakes[:MOST])
            if more := len(mistakes[MOST:]):
                warn(f"{name}: {more} more mistakes")
            bad = True
            continue
        if not quiet:
            say(f"{name}: valid", *(f"{name}: note: {note}" for note in notes))
    if bad:
        raise Exit(BAD_INPUT)


def _notes(path: Path, kind: str) -> list[str]:
    """Check a file; return what is worth knowing of one that is valid."""
    # Each kind imports its own
    if kind == "cell":
        from ..cell.cell import load_cell

        return load_cell(path).warnings()
    if kind == "material":
        from ..cell.named import read_material

        read_material(path)
    elif kind == "mapping":
        from ..data.mapping import load_mapping

        load_mapping(path)
    elif kind == "cluster":
        from ..run.cluster_file import check_cluster

        check_cluster(load(path))
    else:
        from ..experiment.expand import expand
        from ..experiment.foresee import foreseen

        expanded = expand(path)
        if expanded.experiment.fit is not None:
            from ..fitting.fit import check_fit

            check_fit(expanded)
        cases = ((case.cell, case.protocol) for case in expanded.cases)
        return [*expanded.warnings, *foreseen(cases)]
    return []


def copy(
    name: Annotated[str, Argument(help="A shipped cell or experiment.")],
    to: Annotated[
        Path | None,
        Argument(help="A new .yaml file; default ./NAME.yaml", readable=False),
    ] = None,
) -> None:
    """Copy a shipped file, and the tables it needs, to edit."""
    path, kind = options.find(name)
    target = to or Path(path.name)
    if target.is_dir():
        target = target / path.name
    if target.suffix not in (".yaml", ".yml"):
        raise InputError("must end in .yaml", target)
    copies = {target: path}
    if kind == "cell":
        from ..cell.cell import load_cell, tables

        load_cell(path)  # its tables are there, and in its folder
        beside = tables(load(path).data)
        copies |= {target.parent / name: path.parent / name for name in beside}
    write_new({to: source.read_bytes() for to, source in copies.items()})
    say(*copies)


def new(
    kind: Annotated[str, Argument(help="cell, experiment, mapping or cluster")],
    name: Annotated[str, Argument(help="Name of the new file, without .yaml")],
) -> None:
    """Write a commented file to start from."""
    kinds = ("cell", "experiment", "mapping", "cluster")
    if kind not in kinds:
        raise InputError(
            f"'{shown(kind)}' is neither cell, experiment, mapping nor cluster"
            f"{suggest(kind, kinds)}"
        )
    target = Path(name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    write_new({target: (TEMPLATES / f"{kind}.yaml").read_bytes()})
    say(target)

"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from typer import Argument, Option
from typer.models import OptionInfo

from ..errors import InputError, shown, suggest
from ..yaml_file import beside, load, shipped

if TYPE_CHECKING:
    from ..cell.cell import Cell
    from ..experiment.settings import Settings
    from ..numerics import Numerics

Text: TypeAlias = str | None
Texts: TypeAlias = list[str] | None
Name = Annotated[str, Argument(help="A shipped name, or the path of a .yaml file.")]
CellName = Annotated[Text, Option(help="Cell in place of the experiment's.")]
Changes = Annotated[
    Texts, Option("--set", metavar="FIELD=VALUE", help='cathode.thickness="800 nm"')
]
Quiet = Annotated[bool, Option("--quiet", help="Print nothing but errors.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
MeshPoints = Annotated[
    int | None, Option(min=8, max=5000, help="Mesh points through the film.")
]
Tolerance = Annotated[float | None, Option(help="Relative tolerance.")]
MappingFile = Annotated[Text, Option(help="What the files do not say; default FILE.yaml")]
OwnCurrent = Annotated[
    bool, Option("--own-current", help="Drive the cell as it was measured.")
]
ToCompare = Annotated[
    str, Argument(help="An experiment; of a cell, the data's own current.")
]
Format = Annotated[
    Literal["png", "svg", "pdf"],
    Option(
        "--format", help="Of the figures; svg and pdf stand beside the png of the report."
    ),
]


class Export(StrEnum):
    """Formats of curves."""

    CSV, XLSX, BDF = "csv", "xlsx", "bdf"


Exports = Annotated[
    list[Export] | None,
    Option(
        "--export",
        help="Curves for other tools; bdf: Battery Data Format. May be repeated.",
    ),
]


def folder_option(default: str, *names: str) -> OptionInfo:
    """Return the option of where a command writes; ``default`` is beneath results/."""
    help_ = f"Folder; default results/{default}"
    option: OptionInfo = Option("--out", *names, help=help_, readable=False)
    return option


def used_folder(
    given: Path | None, command: str, of: str, overwrite: bool, resume: bool | None = None
) -> Path:
    """Return the folder of a command, refused if it holds results.

    ``resume`` is of a command that has the option.

    Raises
    ------
    InputError
        Naming the options that would do.
    """
    start = f"{command}-" if command else ""
    folder = given or Path("results") / f"{start}{Path(of).stem}"
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder for results", folder)
    used = folder.is_dir() and any(folder.iterdir())
    if used and not (resume or overwrite):
        others = "--resume computes what is missing, " if resume is not None else ""
        raise InputError(
            f"holds results already; {others}--overwrite replaces them, --out names "
            "another folder",
            folder,
        )
    return folder


def check_exports(formats: Iterable[str]) -> None:
    """Refuse a format whose package is missing, before anything is solved."""
    if Export.XLSX in formats and find_spec("openpyxl") is None:
        message = "xlsx needs openpyxl: pip install 'tfbsim[excel]'"
        raise InputError(message, field="--export")


def find(name: str, *more: str, also: Iterable[str] = ()) -> tuple[Path, str]:
    """Return path and kind of a shipped name or a file: a cell, an experiment or more.

    ``also`` are further names that may have been meant.
    """
    there = {"cell": shipped("models"), "experiment": shipped("experiments")}
    for known, files in there.items():
        if name in files:
            return files[name], known
    if not (name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name):
        hint = (
            beside(name)
            or suggest(name, [*there["cell"], *there["experiment"], *also])
            or "; `tfbsim list` shows those there are"
        )
        what = "cell, experiment or material" if also else "cell or experiment"
        raise InputError(f"no shipped {what} is called '{shown(name)}'{hint}")
    path = Path(name)
    document = load(path)
    kind = document.data.get("kind")
    kinds = (*there, *more)
    if kind not in kinds:
        where = ("kind",) if "kind" in document.data else ()
        *wanted, last = [f"'kind: {name}'" for name in kinds]
        raise document.error(where, f"must say {', '.join(wanted)} or {last}")
    return path, str(kind)


def changes_of(given: Texts, option: str = "--set") -> dict[str, str]:
    """Return the values that an option gives fields."""
    like = {
        "--set": 'cathode.thickness="800 nm"',
        "--vary": 'contact_resistance="1 ohm cm2..100 ohm cm2"',
    }
    changes: dict[str, str] = {}
    for text in given or ():
        field, _, value = (part.strip() for part in text.partition("="))
        if not field or not value:
            message = f"'{shown(text)}' is not FIELD=VALUE, such as {like[option]}"
            raise InputError(message, field=option)
        if field in changes:
            raise InputError("is set twice", field=f"{option} {field}")
        changes[field] = value
    return changes


def changed_cell(name: str | Path, given: Texts) -> Cell:
    """Return a cell with the fields that ``--set`` gives."""
    from ..cell.cell import load_cell

    cell, changes = load_cell(name), changes_of(given)
    try:
        return cell.replace(changes, si=False) if changes else cell
    except InputError as error:
        field = f"--set {error.field}".strip()
        raise InputError(error.message, error.file, error.line, field) from None


def numerics_of(
    own: Settings, points: int | None, rtol: float | None, fast: bool
) -> Numerics:
    """What the experiment asks for, under what the command line does."""
    from ..numerics import Numerics

    chosen = {"points": points, "rtol": rtol}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if fast and chosen:
        raise InputError("sets mesh and tolerance itself", field="--fast")
    if rtol is not None and not 1e-12 <= rtol <= 1e-2:
        raise InputError("must be between 1e-12 and 0.01", field="--rtol")
    return Numerics.fast() if fast else own.model_copy(update=chosen).applied()


def command_line() -> str:
    """What was typed, for the provenance."""
    return shlex.join(["tfbsim", *sys.argv[1:]])

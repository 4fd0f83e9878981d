"""`tfbsim eis`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from .. import units
from ..errors import InputError
from ..experiment.frequencies import SPECTRUM, parse_frequencies
from ..output import Output
from ..version import __version__
from .console import err, out
from .options import (
    Changes,
    Format,
    MeshPoints,
    Overwrite,
    Quiet,
    changes_of,
    command_line,
    refuse_used,
)


def eis(
    cell: Annotated[str, typer.Argument(help="A cell: a shipped name or a file.")],
    voltage: Annotated[
        str | None, typer.Option(help='In equilibrium, "3.9 V"; default: as made.')
    ] = None,
    stoichiometry: Annotated[
        float | None, typer.Option(help="Of the cathode, in place of a voltage.")
    ] = None,
    frequencies: Annotated[
        str, typer.Option(help="A range and how many, or one frequency.")
    ] = SPECTRUM,
    temperature: Annotated[
        str | None, typer.Option(help='"60 degC"; default: the cell\'s.')
    ] = None,
    circuit: Annotated[
        bool, typer.Option("--circuit", help="Resistances and times of the cell, too.")
    ] = False,
    set_: Changes = None,
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", "--output", help="Default results/eis-CELL", readable=False
        ),
    ] = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    points: MeshPoints = None,
    format_: Format = "png",
) -> None:
    """Impedance of a cell at rest: a table, Nyquist and Bode figures."""
    folder = out_folder or Path("results") / f"eis-{Path(cell).stem}"
    refuse_used(folder, overwrite)
    given = {
        "voltage": _quantity("--voltage", voltage, "voltage"),
        "temperature": _quantity("--temperature", temperature, "temperature"),
    }
    changes = changes_of(set_ or [])

    from ..cell.cell import load_cell
    from ..numerics import Numerics
    from ..plot.impedance import figures_of
    from ..plot.style import rendered
    from ..result.csv_file import csv
    from ..solver.impedance import impedance

    try:
        frequency = parse_frequencies(frequencies)
    except ValueError as error:
        raise InputError(str(error), field="--frequencies") from None
    found = impedance(
        load_cell(cell).replace(changes, si=False),
        frequencies=frequency,
        stoichiometry=stoichiometry,
        numerics=None if points is None else Numerics(points=points),
        **given,
    )
    table = found.table
    output = Output(folder)
    output.write("impedance.csv", csv(table), len(table))
    drawn = figures_of({"simulated": (found.frequency, found.Z * 1e4)})
    for name, content in rendered(drawn, format_).items():
        output.write(f"{name}.{format_}", content)
    if circuit and found.circuit is not None:
        elements = found.circuit.table
        output.write("circuit.csv", csv(elements), len(elements))
    output.seal({"tfbsim": __version__, "command": command_line()})
    if quiet:
        return
    if found.moving:
        err.print(escape(found.moving))
    high, low = table.iloc[0], table.iloc[-1]
    ends = "; ".join(
        f"{row.iloc[1]:.4g} {'-' if row.iloc[2] <= 0 else '+'} "
        f"{abs(row.iloc[2]):.3g}j ohm cm2 at {row.iloc[0]:.4g} Hz"
        for row in (high, low)
    )
    out.print(f"Z at {found.voltage:.4g} V, {found.temperature:.5g} K: {ends}")
    if circuit and found.circuit is not None:
        for name, value, unit in elements.itertuples(index=False):
            out.print(escape(f"  {name:34} {value:10.4g} {unit}"))
    out.print(escape(f"{folder}: impedance.csv, {', '.join(drawn)}"))


def _quantity(option: str, given: str | None, dimension: str) -> float | None:
    if given is None:
        return None
    try:
        return units.parse(given, dimension)
    except ValueError as error:
        raise InputError(str(error), field=option) from None

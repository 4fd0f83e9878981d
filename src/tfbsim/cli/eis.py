"""`tfbsim eis`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    MappingFile,
    MeshPoints,
    Overwrite,
    Quiet,
    changes_of,
    command_line,
    refuse_used,
)


def eis(
    cell: Annotated[
        str, typer.Argument(help="A cell: a shipped name or a file; or measured spectra.")
    ],
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
        bool,
        typer.Option(
            "--circuit",
            help="Elements of the cell, a fitted circuit and relaxation times, too.",
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="CIRCUIT",
            help='Circuit that is fitted, "R0-p(R1,CPE1)-Wo2"; default: chosen.',
        ),
    ] = None,
    measured: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Measured spectra beside it."),
    ] = None,
    mapping: MappingFile = None,
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
    """Impedance of a cell at rest, or as measured: a table, Nyquist and Bode figures."""
    folder = out_folder or Path("results") / f"eis-{Path(cell).stem}"
    refuse_used(folder, overwrite)
    given = {
        "voltage": _quantity("--voltage", voltage, "voltage"),
        "temperature": _quantity("--temperature", temperature, "temperature"),
    }
    changes = changes_of(set_ or [])

    import pandas as pd

    from ..cell.cell import load_cell
    from ..data.read import read_all
    from ..fitting.equivalent_circuit import of_spectra
    from ..numerics import Numerics
    from ..plot.impedance import figures_of
    from ..plot.style import rendered
    from ..result.csv_file import csv
    from ..solver.impedance import impedance, table_of

    try:
        frequency = parse_frequencies(frequencies)
    except ValueError as error:
        raise InputError(str(error), field="--frequencies") from None
    found, files = None, list(measured or [])
    path = Path(cell)
    if path.suffix.lower() not in ("", ".yaml", ".yml") and path.is_file():
        files.insert(0, cell)
        asked = [voltage, stoichiometry, temperature, *changes, points]
        if any(value is not None for value in asked):
            raise InputError("is measured: it has no voltage or field to set", path)
        base = None
    else:
        base = load_cell(cell).replace(changes, si=False)
        found = impedance(
            base,
            frequencies=frequency,
            stoichiometry=stoichiometry,
            numerics=None if points is None else Numerics(points=points),
            **given,
        )
    read, doubts = read_all(files, base, mapping) if files else ([], [])
    spectra = {"simulated": (found.frequency, found.Z * 1e4)} if found else {}
    for file in read:
        for one in file.spectra:
            label = file.name if len(file.spectra) == 1 else f"{file.name}, {one.name}"
            spectra[label] = one.frequency, one.impedance * 1e4
    if not spectra:
        raise InputError("holds no spectrum", files[0])
    output = Output(folder)
    own = [label for label in spectra if label != "simulated"]
    parts = [
        table_of(f, Z / 1e4, None).assign(Spectrum=label)
        for label, (f, Z) in spectra.items()
        if label in own
    ]
    fitted = of_spectra(spectra, model) if circuit or model else None
    table = found.table if found else None
    elements = found.circuit.table if circuit and found and found.circuit else None
    for name, rows in {
        "impedance.csv": table,
        "measured.csv": pd.concat(parts, ignore_index=True) if parts else None,
        "circuit.csv": elements,
        "equivalent-circuit.csv": fitted.table if fitted else None,
        "relaxation-times.csv": fitted.times if fitted else None,
    }.items():
        if rows is not None and len(rows):
            output.write(name, csv(rows), len(rows))
    for name, content in rendered(figures_of(spectra, fitted, own), format_).items():
        output.write(f"{name}.{format_}", content)
    output.seal({"tfbsim": __version__, "command": command_line()})
    for sentence in (*doubts, *(fitted.missing if fitted else ())):
        err.print(escape(sentence), soft_wrap=True)
    if quiet:
        return
    for file in read:
        for note in file.notes:
            out.print(escape(f"{file.name}: {note}"), soft_wrap=True)
    if found:
        for sentence in filter(None, (found.moving, found.kink)):
            err.print(escape(sentence), soft_wrap=True)
        celsius = units.to_display(found.temperature, "temperature")
        out.print(f"Z at {found.voltage:.4g} V, {celsius:.4g} degC: {_ends(table)}")
    if elements is not None:
        for name, value, unit in elements.itertuples(index=False):
            out.print(escape(f"  {name:52} {value:10.4g} {unit}"))
    if fitted is not None:
        for sentence in fitted.sentences:
            out.print(escape(sentence), soft_wrap=True)
    out.print(escape(f"{folder}: {', '.join(output.written)}"), soft_wrap=True)


def _ends(table: Any) -> str:
    """Return the impedance at both ends of the range."""
    return "; ".join(
        f"{row.iloc[1]:.4g} {'-' if row.iloc[2] <= 0 else '+'} "
        f"{abs(row.iloc[2]):.3g}j ohm cm2 at {row.iloc[0]:.4g} Hz"
        for row in (table.iloc[0], table.iloc[-1])
    )


def _quantity(option: str, given: str | None, dimension: str) -> float | None:
    if given is None:
        return None
    try:
        return units.parse(given, dimension)
    except ValueError as error:
        raise InputError(str(error), field=option) from None

"""`tfbsim eis`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from .. import units
from ..errors import InputError, at_field, placed
from ..experiment.frequencies import SPECTRUM, parse_frequencies
from . import options
from .console import say, warn
from .options import Text, Texts


def eis(
    cell: Annotated[
        str, Argument(help="A cell: a shipped name or a file; or measured spectra.")
    ],
    voltage: Annotated[
        Text, Option(help='In equilibrium, "3.9 V"; default: as made.')
    ] = None,
    stoichiometry: Annotated[
        float | None, Option(help="Of the cathode, in place of a voltage.")
    ] = None,
    frequencies: Annotated[
        str, Option(help="A range and how many, or one frequency.")
    ] = SPECTRUM,
    temperature: Annotated[Text, Option(help='"60 degC"; default: the cell\'s.')] = None,
    circuit: Annotated[
        bool,
        Option(
            "--circuit",
            help="Elements of the cell, a fitted circuit and relaxation times, too.",
        ),
    ] = False,
    model: Annotated[
        Text,
        Option(
            metavar="CIRCUIT",
            help='Circuit that is fitted, "R0-p(R1,CPE1)-Wo2"; default: chosen.',
        ),
    ] = None,
    measured: Annotated[
        Texts, Option(metavar="FILE", help="Measured spectra beside it.")
    ] = None,
    mapping: options.MappingFile = None,
    set_: options.Changes = None,
    folder: Annotated[Path | None, options.folder_option("eis-CELL", "--output")] = None,
    quiet: options.Quiet = False,
    overwrite: options.Overwrite = False,
    points: options.MeshPoints = None,
    format_: options.Format = "png",
) -> None:
    """Impedance of a cell at rest, or as measured: a table, Nyquist and Bode figures."""
    folder = options.used_folder(folder, "eis", cell, overwrite)
    given = {
        "voltage": _quantity("--voltage", voltage, "voltage"),
        "temperature": _quantity("--temperature", temperature, "temperature"),
    }
    with placed(at_field, "--frequencies"):
        frequency = parse_frequencies(frequencies)

    import pandas as pd

    from ..data.read import read_all
    from ..fitting.equivalent_circuit import of_spectra
    from ..numerics import Numerics
    from ..plot.impedance import figures_of
    from ..report.written import write_all
    from ..solver.impedance import impedance, table_of

    found, base, files = None, None, list(measured or [])
    path = Path(cell)
    if path.suffix.lower() not in ("", ".yaml", ".yml") and path.is_file():
        files.insert(0, cell)
        asked = [voltage, stoichiometry, temperature, *(set_ or ()), points]
        if any(value is not None for value in asked):
            raise InputError("is measured: it has no voltage or field to set", path)
    else:
        base = options.changed_cell(cell, set_)
        found = impedance(
            base,
            frequencies=frequency,
            stoichiometry=stoichiometry,
            numerics=None if points is None else Numerics(points=points),
            **given,
        )
    read, doubts = read_all(files, base, mapping) if files else ([], [])
    own = {
        file.name if len(file.spectra) == 1 else f"{file.name}, {one.name}": one
        for file in read
        for one in file.spectra
    }
    spectra = {"simulated": (found.frequency, found.Z * 1e4)} if found else {}
    spectra |= {label: (s.frequency, s.impedance * 1e4) for label, s in own.items()}
    if not spectra:
        raise InputError("holds no spectrum", files[0])
    parts = [
        table_of(s.frequency, s.impedance, None).assign(Spectrum=label)
        for label, s in own.items()
    ]
    fitted = of_spectra(spectra, model) if circuit or model else None
    table = found.table if found else None
    elements = found.circuit.table if circuit and found and found.circuit else None
    tables = {
        "impedance.csv": table,
        "measured.csv": pd.concat(parts, ignore_index=True) if parts else None,
        "circuit.csv": elements,
        "equivalent-circuit.csv": fitted.table if fitted else None,
        "relaxation-times.csv": fitted.times if fitted else None,
    }
    figures = figures_of(spectra, fitted, [*own])
    written = write_all(folder, options.command_line(), tables, figures, format_)
    warn(*doubts, *(fitted.missing if fitted else ()))
    if quiet:
        return
    for file in read:
        say(*(f"{file.name}: {note}" for note in file.notes))
    if found:
        warn(*filter(None, (found.moving, found.kink)))
        celsius = units.to_display(found.temperature, "temperature")
        ends = "; ".join(
            f"{row.iloc[1]:.4g} {'-' if row.iloc[2] <= 0 else '+'} "
            f"{abs(row.iloc[2]):.3g}j ohm cm2 at {row.iloc[0]:.4g} Hz"
            for row in (found.table.iloc[0], found.table.iloc[-1])
        )
        say(f"Z at {found.voltage:.4g} V, {celsius:.4g} degC: {ends}")
    if elements is not None:
        rows = elements.itertuples(index=False)
        say(*(f"  {name:52} {value:10.4g} {unit}" for name, value, unit in rows))
    if fitted is not None:
        say(*fitted.sentences)
    say(written)


def _quantity(option: str, given: str | None, dimension: str) -> float | None:
    with placed(at_field, option):
        return None if given is None else units.parse(given, dimension)

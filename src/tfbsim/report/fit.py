"""The report of a fit: one HTML file that opens anywhere, and what a console prints."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape

from ..errors import count
from ..fitting.account import misfit
from ..fitting.fit_result import CURVES, PARAMETERS, Fit
from ..plot.fit import figures
from .printed import cell, printed
from .report import table_of, write_drawn

TEMPLATE = "fit.html"
MAX_ROWS = 500
PRINTED_ROWS = 40
VALUES = ("Parameter", "Value", "95 % interval", "Start", "Unit", "Verdict")
PRINTED = {
    "Case": "Case",
    "Cycle number": "Cycle",
    "Quantity": "Step",
    "Role": "Role",
    "Voltage error, rms [mV]": "rms\nmV",
    "Voltage error, largest [mV]": "Largest\nmV",
    "Measured [uA.h.cm-2]": "Measured\nuAh/cm2",
    "Simulated [uA.h.cm-2]": "Simulated\nuAh/cm2",
    "Capacity error [%]": "Error\n%",
    "Impedance error, rms [%]": "Z rms\n%",
    "Impedance error, largest [%]": "Z largest\n%",
}


def write_report(fit: Fit, folder: str | Path) -> Path:
    """Write the figures and ``report.html``, each whole or not at all."""
    about = fit.provenance
    return write_drawn(
        folder,
        TEMPLATE,
        about,
        figures(fit),
        name=fit.experiment,
        title=f"Fit: {about.get('title') or fit.experiment}",
        verdict=verdict(fit),
        as_asked=fit.as_asked,
        unreadable=fit.unreadable,
        warnings=fit.warnings,
        parameters=table_of(fit.parameters, MAX_ROWS),
        curves=table_of(fit.curves.dropna(axis=1, how="all"), MAX_ROWS),
        combinations=table_of(_combinations(fit), MAX_ROWS),
        files=(PARAMETERS, CURVES),
        notes=fit.notes,
        statistics=[
            (name, f"{value:.4g}" if isinstance(value, float) else str(value))
            for name, value in fit.statistics.items()
        ],
    )


def _combinations(fit: Fit) -> pd.DataFrame:
    """Return how well each combination of the parameters is known."""
    rows = [
        (c.text, c.half_width, "not " * (not c.determined) + "determined")
        for c in fit.combinations
    ]
    heads = ["Combination", "Half-width [of range]", "Verdict"]
    return pd.DataFrame(rows, columns=heads)


def verdict(fit: Fit) -> str:
    """Return a sentence: how many parameters are determined, and the errors by role."""
    known = (fit.parameters["Verdict"] == "determined").sum()
    words = f"{known} of {count(len(fit.parameters), 'parameter')} determined"
    if misfit(fit.statistics):
        words = f"The model does not describe these data; {words}"
    for role in ("fitted", "held out"):
        errors = {k: v for k, v in fit.error(role).items() if v == v}
        if errors:
            shown = ", ".join(
                f"{name.split()[0]} {value:.3g} {name.split()[1].strip('[]')}"
                for name, value in errors.items()
            )
            words += f"; {role} curves: {shown} rms"
    return words + "."


def print_fit(fit: Fit, cell: Path, out: Console) -> None:
    """Print values, errors and warnings."""
    for note in fit.notes:
        out.print(escape(note))
    ends = zip(fit.parameters["Low 95 %"], fit.parameters["High 95 %"], strict=True)
    intervals = [f"{low:.4g} to {high:.4g}" for low, high in ends]
    values = fit.parameters.assign(**{"95 % interval": intervals})
    curves = fit.curves.dropna(axis=1, how="all")
    if (curves["Cycle number"] == 1).all():
        curves = curves.drop(columns="Cycle number")
    out.print()
    out.print(printed(values, {head: head for head in VALUES}))
    out.print()
    out.print(printed(curves, PRINTED, _cell, PRINTED_ROWS))
    if fit.warnings:
        out.print("\nWhat the data do not say")
    for warning in fit.warnings:
        out.print(escape(f"  {warning}"))
    out.print(f"\n{escape(verdict(fit))}")
    out.print(f"fitted cell {escape(str(cell))}; tables, figures, report.html beside it")


def _cell(column: str, value: object) -> str:
    signed = "largest" in column or "Capacity error" in column
    if signed and isinstance(value, float) and value == value:
        return f"{value:+.4g}"
    return cell(column, value).removesuffix(" capacity")

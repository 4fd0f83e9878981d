"""The report of a comparison: one HTML file that opens anywhere."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape

from ..comparison.comparison import COMPARISON, Comparison
from ..errors import count
from ..plot.comparison import figures
from .printed import cell, printed
from .report import table_of, write_drawn

TEMPLATE = "comparison.html"
MAX_ROWS = 500
PRINTED_ROWS = 40
PRINTED = {
    "File": "File",
    "Step": "Step",
    "C-rate": "C-rate",
    "Voltage error, rms [mV]": "rms\nmV",
    "Largest voltage error [mV]": "Largest\nmV",
    "Mean voltage error [mV]": "Mean\nmV",
    "First minute, rms [mV]": "1st min\nmV",
    "Measured capacity [uA.h.cm-2]": "Measured\nuAh/cm2",
    "Simulated capacity [uA.h.cm-2]": "Simulated\nuAh/cm2",
    "Capacity error [%]": "Error\n%",
    "Compared [%]": "Compared\n%",
    "Role": "Role",
}


def write_report(comparison: Comparison, folder: str | Path) -> Path:
    """Write the figures and ``report.html``, each whole or not at all."""
    about = comparison.provenance
    return write_drawn(
        folder,
        TEMPLATE,
        about,
        figures(comparison),
        name=str(about.get("experiment") or "Comparison"),
        title=str(about.get("title") or ""),
        protocol=about.get("protocol", ""),
        verdict=verdict(comparison),
        as_asked=comparison.as_asked,
        unreadable=comparison.unreadable,
        doubts=_doubts(comparison),
        otherwise=comparison.otherwise,
        unmatched=_unmatched(comparison),
        comparison=table_of(_shown(comparison.table), MAX_ROWS),
        file=COMPARISON,
        remarks=[*(pair.sentence for pair in comparison.spectra), *comparison.notes],
        notes=[(m.name, m.notes) for m in comparison.measured if m.notes],
    )


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the columns that are empty, and the outcome if all is as asked."""
    rows = rows.dropna(axis=1, how="all")
    if "Outcome" in rows and (rows["Outcome"] == "reached").all():
        rows = rows.drop(columns="Outcome")
    millivolts = [c for c in rows if str(c).endswith(("[mV]", "[uA.cm-2]"))]
    return rows.round({**dict.fromkeys(millivolts, 2), "C-rate": 4})


def _unmatched(comparison: Comparison) -> list[tuple[str, int, str]]:
    """Return file, number of steps and reason, each reason once."""
    groups: dict[tuple[str, str], list[str]] = {}
    for file, step, why in comparison.unmatched:
        groups.setdefault((file, why), []).append(step)
    return [
        (file, len(steps), f"{steps[0]}: {why}" if len(steps) == 1 else why)
        for (file, why), steps in groups.items()
    ]


def verdict(comparison: Comparison) -> str:
    """Return a sentence: how many steps of how many files were compared, and how well."""
    rows, spectra = comparison.table, len(comparison.spectra)
    steps = (
        f"{count(len(rows), 'step')} of {count(rows['File'].nunique(), 'file')} compared"
    )
    parts = [steps] if len(rows) or not spectra else []
    if spectra:
        parts.append(f"{count(spectra, 'spectrum', 'spectra')} compared")
    for name, words, digits in (
        ("Voltage error, rms [mV]", "voltage within {} mV rms in the median", ".3g"),
        ("Capacity error [%]", "capacity within {} % (median)", ".2g"),
    ):
        if len(errors := rows[name].dropna().abs()):
            median, worst = (f"{v:{digits}}" for v in (errors.median(), errors.max()))
            parts.append(f"{words.format(median)}, {worst} at worst")
    sentences = ["; ".join(parts)]
    doubts = len(_doubts(comparison))
    if unread := len(comparison.unreadable) - doubts:
        sentences.append(f"{count(unread, 'file')} could not be read")
    if doubts:
        sentences.append(f"{count(doubts, 'doubt')} about what was read")
    return ". ".join(sentences) + "."


def _doubts(comparison: Comparison) -> list[str]:
    """Return the sentences on files that were read with a doubt that matters."""
    return [f"{m.name}: {words}" for m in comparison.measured for words in m.doubts]


def print_comparison(comparison: Comparison, folder: Path, out: Console) -> None:
    """Print how each file was read, the table, and what was not compared."""
    for measured in comparison.measured:
        held = [count(n, "spectrum", "spectra")] if (n := len(measured.spectra)) else []
        held.append(count(len(measured.segments), "step"))
        out.print(escape(f"{measured.name}: {', '.join(held)}"))
        for note in measured.notes:
            out.print(escape(f"  {note}"))
    rows = _shown(comparison.table)
    if len(rows):
        out.print()
        out.print(printed(rows, PRINTED, _cell, PRINTED_ROWS))
        if len(rows) > PRINTED_ROWS:
            out.print(f"... and {count(len(rows) - PRINTED_ROWS, 'row')} more")
    for pair in comparison.spectra:
        out.print(escape(f"\n{pair.sentence}"))
    for note in comparison.notes:
        out.print(escape(f"\n{note}"))
    groups = _unmatched(comparison)
    if groups:
        out.print("\nNot compared")
    for file, number, why in groups[:20]:
        many = f", {number} steps" if number > 1 else ""
        out.print(escape(f"  {file}{many}: {why}"))
    out.print(f"\n{escape(verdict(comparison))}")
    out.print(f"table, figures and report.html in {escape(str(folder))}")


def _cell(column: str, value: object) -> str:
    if not isinstance(value, float) or "error" not in column or value != value:
        return cell(column, value)
    signed = f"{value:+.0f}" if abs(value) >= 1000 else f"{value:+.3g}"
    return f"{value:.3g}" if "rms" in column else signed

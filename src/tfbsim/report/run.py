"""What a console prints of a run: its tables, warnings, and what ended otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from ..errors import count
from ..result.result import Result
from ..result.sweep_table import factors
from .answer import folded, grouped
from .printed import cell, printed

MOST_ROWS, MOST_KINDS = 40, 10  # that are printed
ANSWERS = {
    "Charge capacity [mA.h.g-1]": "Charge\nmAh/g",
    "Discharge capacity [mA.h.g-1]": "Discharge\nmAh/g",
    "Discharge capacity [uA.h.cm-2]": "Discharge\nuAh/cm2",
    "Mean discharge voltage [V]": "Mean\nV",
    "Numerical error of discharge capacity [%]": "Error\n%",
    "Numerical error of voltage [mV]": "Error\nmV",
    "Outcome": "Outcome",
}


def print_tables(result: Result, out: Console) -> None:
    """Print the summary, and measured values beside the simulated ones."""
    summary = result.summary
    of_sweep = factors(summary) if result.of_a_sweep else []
    heads = {name: name.replace(" [", "\n").rstrip("]") for name in of_sweep}
    columns = {"Case": "Case", "Cycle number": "Cycle"} | heads | ANSWERS
    out.print(printed(summary, columns, most=MOST_ROWS, wrap=True))
    if (more := len(summary) - MOST_ROWS) > 0:
        out.print(f"... and {count(more, 'row')} more")
    if len(result.comparison):
        out.print("\nMeasured and simulated")
        out.print(printed(result.comparison.drop(columns="Source"), cell=_signed))


def _signed(name: str, value: object) -> str:
    return f"{value:+.2f}" if name == "Residual [%]" else cell(name, value)


def warnings(sentences: Iterable[str], file: str = "warning") -> list[str]:
    """Return warnings of a file, those that differ in numbers alone as one line."""
    return [
        f"{file}: {first}"
        + (f" (and {len(others)} more such, other numbers)" if others else "")
        for first, others in grouped(sentences)
    ]


def otherwise(result: Result) -> list[str]:
    """Return lines on the steps that ended otherwise than asked, and the breaches."""
    steps, summary = result.steps, result.summary
    other = steps[steps["Outcome"] != "reached"]
    ran = count(len(steps), "step")
    lines = [f"{len(other)} of {ran} ended otherwise than asked:"]
    names = ["Case", "Cycle number", "Step", "Outcome", "Detail"]
    groups = folded(other[names], "Case", "Cycle number")
    for case, cycle, step, ended, detail in groups.head(MOST_KINDS).itertuples(False):
        ended += f" ({detail})" if detail else ""
        lines.append(f"  {case}, cycle {cycle or 'conditioning'}: '{step}': {ended}")
    if (more := len(groups) - MOST_KINDS) > 0:
        lines.append(f"  ... and {count(more, 'more kind')}, all in steps.csv")
    breaches = summary[summary["Outcome"] == "audit breach"].head(MOST_KINDS)
    for case, cycle in breaches[["Case", "Cycle number"]].itertuples(False):
        lines.append(f"  {case}, cycle {cycle}: audit breach")
    return lines

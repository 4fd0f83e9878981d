"""What a report opens with: what each case delivers, what limits it, and of which cell.

The terminal groups its warnings and problems by the same functions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from rich.console import Console

from ..errors import InputError, count
from ..experiment.provenance import cell_of_entry
from ..physics.law import Declared
from ..result.columns import CHECK_UP, LIMITING, OUTCOME, SHARE
from ..result.losses import EFFICIENCY
from ..result.losses import KNOWN as KNOWN_LAWS
from ..result.names import named
from ..result.result import Result
from ..yaml_file import block
from .describe import describe_cell

DELIVERED = (
    "Discharge capacity [mA.h.g-1]",
    "Discharge capacity [uA.h.cm-2]",
    "Mean discharge voltage [V]",
    EFFICIENCY,
    SHARE,
    LIMITING,
)
FIRST = "First discharge capacity [mA.h.g-1]"
WORTH = 1e-3  # of the capacity, that a harm costs which is named
RESIDUAL = "Against measured [%]"
MAX_CELLS = 3
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def delivered(result: Result) -> pd.DataFrame:
    """Return what each case delivers in its last cycle, equal cases as one row.

    Columns without a value are left out.  ``Against measured [%]`` is the residual of the
    case that is largest.
    """
    table = result.answers.groupby("Case", sort=False).tail(1)
    there = table.notna() & (table != "")
    shown = [c for c in DELIVERED if c in table and there[c].any()]
    table = table[["Case", "Cycle number", *shown, OUTCOME]].copy()
    compared = result.comparison
    if len(compared):
        worst = compared.sort_values(
            "Residual [%]", key=lambda r: -r.abs(), kind="stable"
        ).drop_duplicates("Case")
        found = table["Case"].map(worst.set_index("Case")["Residual [%]"])
        table.insert(len(table.columns) - 1, RESIDUAL, found)
    return folded(table, "Case")


def aged(result: Result) -> pd.DataFrame:
    """Return what a life did to each case whose laws age it, and the harm that costs it
    most: capacity at first, what is kept of it, and the columns that the laws declare."""
    laws = Declared.of([KNOWN_LAWS, result.laws])
    lost = {h.column: h.name for h in laws.harms if h.column in result.summary}
    if not lost or result.of_a_sweep:
        return pd.DataFrame()
    shown = [named(c.variable) for c in laws.columns]
    rows = []
    for _, table in result.summary.groupby("Case", sort=False):
        row = table.iloc[-1]
        costs = row[list(lost)].astype(float).dropna()
        if costs.empty:
            continue
        alike = table[table[CHECK_UP] == row[CHECK_UP]] if CHECK_UP in table else table
        out = alike[DELIVERED[0]]
        much = costs.max() > WORTH * row[DELIVERED[0]]
        rows.append(
            {
                **row[["Case", "Cycle number"]],
                FIRST: out.iloc[0],  # a cell that is dead at first keeps all of nothing
                "Retention [%]": 100 * out.iloc[-1] / (out.iloc[0] or np.nan),
                "Mainly": lost[str(costs.idxmax())] if much else "nothing",
                **costs,
                **row[[c for c in shown if c in table and pd.notna(row[c])]],
            }
        )
    return pd.DataFrame(rows)


def at_once(result: Result) -> str:
    """Return a clause on the steps that were at their cut-off already; "" if none was."""
    steps = result.steps
    if steps.empty:
        return ""
    found = steps[(steps["Outcome"] == "reached") & (steps["Detail"] != "")]
    if found.empty:
        return ""
    number, first = len(found), found.iloc[0]
    cycle = f"cycle {first['Cycle number']}" if first["Cycle number"] else "conditioning"
    return (
        f"{count(number, 'step')} of no length, first '"
        f"{first['Step']}' in {first['Case']}, {cycle}: {first['Detail']}"
    )


def folded(table: pd.DataFrame, *apart: str) -> pd.DataFrame:
    """Return a table with the rows that differ in the columns ``apart`` alone as one row,
    which lists their values there."""
    if table.empty:
        return table
    same = [c for c in table if c not in apart]
    rows = []
    for _, group in table.groupby(same or np.zeros(len(table)), sort=False, dropna=False):
        row = group.iloc[0].to_dict()
        if len(group) > 1:
            row |= {name: _listed(group[name].unique()) for name in apart}
        rows.append(row)
    return pd.DataFrame(rows, columns=table.columns)


def _listed(values: Sequence[str | float], most: int = 6) -> str | float:
    """Return values as words, runs of whole numbers as "1 to 5"; one alone as it is."""
    if len(values) == 1:
        return values[0]
    runs: list[list[str]] = []
    after: float | None = None  # what would go on with the latest run
    for value in values:
        number = None if isinstance(value, str) else float(value)
        if number is None or number != after:
            runs.append([])
        runs[-1].append(str(value) if number is None else f"{number:g}")
        after = number + 1 if number is not None and number.is_integer() else None
    words = []
    for texts in runs:
        words += texts if len(texts) < 3 else [f"{texts[0]} to {texts[-1]}"]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def grouped(warnings: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return warnings, each with the others that differ from it in numbers alone."""
    found: dict[str, list[str]] = {}
    for words in warnings:
        found.setdefault(NUMBER.sub("#", words), []).append(words)
    return [(first, others) for first, *others in found.values()]


def cells(about: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the cells of a provenance as ``tfbsim show`` prints them, by name.

    A cell that cannot be read back, as of a file changed by hand, is left out.
    """
    found = []
    entries = block(about, "cells")
    for name in list(entries)[:MAX_CELLS]:
        try:
            cell = cell_of_entry(name, block(entries, name))
        except (InputError, KeyError, TypeError, ValueError, AttributeError):
            continue
        text = io.StringIO()
        paper = Console(file=text, width=110, emoji=False, color_system=None)
        paper.soft_wrap = True
        describe_cell(cell, paper, warnings=False)  # they have their own section
        lines = (line.rstrip() for line in text.getvalue().splitlines())
        found.append((cell.name, "\n".join(lines)))
    return found

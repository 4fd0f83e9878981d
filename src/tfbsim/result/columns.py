"""The columns of the tables of a result: name, unit, digits and what each one is.

``columns.csv`` beside this file declares them, in the order of the tables; a row ``*``
stands for those that the laws of a model declare.  ``docs/columns.md`` is written from
it (``python docs/pages.py columns``), and the report shows each sentence beside its
column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from ..data.curve_table import CASE, CYCLE
from ..physics.law import Declared
from ..solver.cycler import FEWEST
from ..solver.records import OUTCOMES as WORDS
from . import losses
from .names import named


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str  # with its unit, as PyBaMM writes names: ``Name [unit]``
    about: str  # one sentence: what the number is
    digits: str = ".5g"  # how the report formats it
    optional: bool = False  # left out of a table in which nothing has a value for it


OUTCOME = "Outcome"
ANODE_SHARE = "Anode share of slope at end of discharge [%]"
SECOND_LITHIUM = "Second lithium at end of discharge [%]"
CRITICAL = "Critical current crossed at [s]"
PULSE, CHECK_UP = "Pulse resistance [Ohm.cm2]", "Check-up"
RETENTION = "Capacity retention [%]"  # of the first of its kind; of comparisons alone
LONGEST_PULSE = 60.0  # s
LIMITING, SHARE = "Limiting loss", "Of equilibrium capacity [%]"
NUMERICAL_ERRORS = (
    "Numerical error of charge capacity [%]",
    "Numerical error of discharge capacity [%]",
    "Numerical error of voltage [mV]",
)
# What the protocol asks for
OPTIONAL_COLUMNS = ("C-rate", "Charge C-rate", "Lower cut-off [V]", "Upper cut-off [V]")
TEXTS = {CASE, "Step", OUTCOME, "Detail", LIMITING}  # all others are numbers
_HARM = (
    "What a discharge would give more had it not been: of the last cycle, from the "
    f"{FEWEST}th on, the second of two that follow on it."
)


def _of_summary(laws: Declared) -> list[Column]:
    """Return the columns of the summary that laws declare."""
    shown = [Column(named(c.variable), c.about, c.digits, True) for c in laws.columns]
    return shown + [Column(harm.column, _HARM, ".2f", True) for harm in laws.harms]


def _of_losses(laws: Declared) -> list[Column]:
    beside = losses.beside(laws)
    return [
        Column(name, f"Energy that the overpotential '{loss}' turned into heat.", ".3f")
        for loss, name in losses.lost(laws).items()
    ] + [
        Column(beside[side.name], f"Energy that {side.about} turned into heat.", ".3f")
        for side in laws.side_currents
    ]


def _of_curves(laws: Declared) -> list[Column]:
    found = []
    for loss in laws.losses:
        sign = "positive" if loss.sign > 0 else "negative"
        about = f"Loss '{loss.name}'; {sign} where it costs voltage in a discharge."
        found.append(Column(named(loss.variable), about, optional=True))
    for side in laws.side_currents:
        about = f"By {side.about}; positive where it fills the film."
        found.append(Column(named(side.variable), about, optional=True))
        about = "The same as a charge since the step began."
        found.append(Column(named(side.charge), about, optional=True))
    return found


def _declared() -> dict[str, tuple[Column, ...]]:
    of_laws = {"summary": _of_summary, "losses": _of_losses, "curves": _of_curves}
    outcomes = f"{', '.join(WORDS[:-1])} or {WORDS[-1]}"
    found: dict[str, list[Column]] = {}
    with open(Path(__file__).with_name("columns.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            columns = found.setdefault(row["table"], [])
            if row["name"] == "*":
                columns += of_laws[row["table"]](losses.KNOWN)
                continue
            about = row["about"].replace("{outcomes}", outcomes)
            digits = row["digits"] or Column.digits
            columns.append(Column(row["name"], about, digits, row["optional"] == "yes"))
    names = found.pop("")
    return {f"{table}.csv": (*names, *columns) for table, columns in found.items()}


TABLES = _declared()
CURVE_COLUMNS = TABLES.pop("curves.csv")
# In their order, after Case, Cycle number and the fields that are varied
COLUMNS = tuple(column.name for column in TABLES["summary.csv"][2:])
REQUIRED = tuple(c.name for c in TABLES["summary.csv"][2:] if not c.optional)
# Where tables share a name, as the summary has it
KNOWN = {c.name: c for table in reversed(TABLES.values()) for c in table}


def summary_names(laws: Declared) -> tuple[str, ...]:
    """Return the columns of the summary with those that laws declare, in order."""
    further = (c.name for c in _of_summary(laws))
    return tuple(dict.fromkeys((*COLUMNS[:-1], *further, COLUMNS[-1])))


def varied_columns(table: Iterable[object]) -> list[str]:
    """Return the columns of a summary that say what varies: those before the known."""
    names = (str(c) for c in table if c not in (CASE, CYCLE))
    return [*takewhile(lambda name: name not in KNOWN, names)]


def markdown() -> str:
    """Return the tables of all columns for the documentation."""
    parts = []
    for file, columns in (*TABLES.items(), ("curves.csv", CURVE_COLUMNS)):
        always = ("", " Only where it applies.")
        rows = [f"| {c.name} | {c.about}{always[c.optional]} |" for c in columns]
        parts.append("\n".join([f"## {file}", "", "| Column | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"

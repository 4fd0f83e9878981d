"""The columns of the tables of a result: name, unit, digits and what each one is.

``docs/columns.md`` is written from this file (``python docs/pages.py columns``), and the
report shows each sentence beside its column.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from ..cell import layers
from ..physics.law import Declared
from ..solver.cycler import FEWEST
from ..solver.cycler import OUTCOMES as WORDS
from . import losses
from .names import MEAN_X, NET, OPEN_CIRCUIT, SURFACE, SURFACE_X, THROUGHPUT, named


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        With its unit, as PyBaMM writes names: ``Name [unit]``.
    about : str
        One sentence: what the number is.
    digits : str
        How the report formats it.
    optional : bool
        Left out of a table in which nothing has a value for it.
    """

    name: str
    about: str
    digits: str = ".5g"
    optional: bool = False


def _of_laws(laws: Declared) -> tuple[Column, ...]:
    """The columns of the summary that laws declare."""
    return tuple(
        Column(named(c.variable), c.about, c.digits, optional=True) for c in laws.columns
    ) + tuple(
        Column(
            harm.column,
            "What a discharge would give more had it not been: of the last cycle, from "
            f"the {FEWEST}th on, the second of two that follow on it.",
            ".2f",
            optional=True,
        )
        for harm in laws.harms
    )


CASE, CYCLE, STEP, OUTCOME = "Case", "Cycle number", "Step number", "Outcome"
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
OUTCOMES = f"{', '.join(WORDS[:-1])} or {WORDS[-1]}"

CONDITIONS = (
    Column(
        "C-rate",
        "Current of the first discharging step over the 1C current of the cell.",
        optional=True,
    ),
    Column(
        "Charge C-rate",
        "Current of the first charging step over the 1C current of the cell.",
        optional=True,
    ),
    Column(
        "Lower cut-off [V]",
        "Lowest voltage at which a step of the protocol ends.",
        "volt",
        optional=True,
    ),
    Column(
        "Upper cut-off [V]",
        "Highest voltage at which a step of the protocol ends, or else the highest "
        "that it holds.",
        "volt",
        optional=True,
    ),
)
_CRITICAL = Column(
    CRITICAL,
    "When the current density first passed the critical one: of a cycle, since "
    "the start of the first cycle; of a step, since its start.",
    optional=True,
)
SUMMARY_COLUMNS = (
    *CONDITIONS,
    Column(
        "Charge capacity [mA.h.g-1]",
        "Charge that the charging steps of the cycle passed, per mass of the whole "
        "cathode film.",
        ".2f",
    ),
    Column(
        "Discharge capacity [mA.h.g-1]",
        "Charge that the discharging steps of the cycle passed, per mass of the whole "
        "cathode film.",
        ".2f",
    ),
    Column(
        "Charge capacity [uA.h.cm-2]",
        "Charge that the charging steps of the cycle passed, per area of the cell.",
        ".2f",
    ),
    Column(
        "Discharge capacity [uA.h.cm-2]",
        "Charge that the discharging steps of the cycle passed, per area of the cell.",
        ".2f",
    ),
    Column(
        "Coulombic efficiency [%]",
        "Discharge capacity over charge capacity of the same cycle.",
        ".2f",
    ),
    Column(
        "Mean discharge voltage [V]",
        "Energy of the discharging steps over their charge.",
        ".3f",
    ),
    Column(
        "Discharge energy [mW.h.cm-2]",
        "Energy that the discharging steps of the cycle delivered, per area.",
        ".4f",
    ),
    Column(
        "Lithium thickness at end of charge [um]",
        "Thickness of the active lithium at the anode when the last charging step of "
        "the cycle ends.",
        ".3f",
    ),
    Column(
        ANODE_SHARE,
        "The anode film's share of the slope of the open-circuit voltage when the last "
        "discharging step of the cycle ends, by the stoichiometries at the electrolyte: "
        "near 100 the anode ended it, near 0 the cathode.",
        ".1f",
        optional=True,
    ),
    Column(
        "Interface resistance [Ohm.cm2]",
        "Resistance of the cathode interface to a small current when the last charging "
        "step of the cycle ends: RT/(F i0) with i0 at the surface stoichiometry, over "
        "the utilised share of the area, plus the interphase film of the cathode.",
        ".2f",
    ),
    Column(
        PULSE,
        "Voltage before the first pulse of the cycle less that at its end, over the "
        "current density; a pulse is a constant current of at most 60 s after a rest.",
        ".2f",
        optional=True,
    ),
    Column(
        CHECK_UP,
        "1 of a check-up cycle, 0 of another.",
        ".0f",
        optional=True,
    ),
    Column(
        "Lithium balance error",
        "Largest change of the total lithium within the cycle over the lithium that "
        "the cycle exchanged.",
        ".1e",
    ),
    Column(
        "Charge balance error",
        "Lithium that entered or left the cathode times F, less the charge passed, "
        "over the charge exchanged.",
        ".1e",
    ),
    Column(
        losses.EFFICIENCY,
        "Energy that came out in the cycle over the energy that went in.",
        ".2f",
        optional=True,
    ),
    Column(
        SECOND_LITHIUM,
        "Lithium beyond one per formula unit when the last discharging step ends, over "
        "what the film has sites for: the mean of (x - 1)/(x_max - 1) within 0 and 1.",
        ".2f",
        optional=True,
    ),
    Column(
        layers.PER_VOLUME_AS_MADE,
        "Discharge energy over the volume of all layers as made.",
        optional=True,
    ),
    Column(
        layers.PER_VOLUME_CHARGED,
        "Discharge energy over the volume of all layers with the most lithium that "
        "the cycle plated.",
        optional=True,
    ),
    Column(
        layers.PER_MASS_AS_MADE,
        "Discharge energy over the mass of all layers as made.",
        optional=True,
    ),
    Column(
        layers.PER_MASS_CHARGED,
        "Discharge energy over the mass of all layers with the most lithium that the "
        "cycle plated.",
        optional=True,
    ),
    *_of_laws(losses.KNOWN),
    _CRITICAL,
    Column(
        NUMERICAL_ERRORS[0],
        "Charge capacity less that of a solution with a finer mesh and tighter "
        "tolerances, over it.",
        ".1e",
        optional=True,
    ),
    Column(
        NUMERICAL_ERRORS[1],
        "The same of the discharge capacity.",
        ".1e",
        optional=True,
    ),
    Column(
        NUMERICAL_ERRORS[2],
        "Largest distance between the voltages of the two solutions at equal charge.",
        ".1e",
        optional=True,
    ),
    Column(
        OUTCOME,
        f"How the cycle ended: the first outcome of its steps that is not 'reached' "
        f"({OUTCOMES}).",
    ),
)
NAMES = (
    Column(CASE, "Name of the case."),
    Column(CYCLE, "From 1; conditioning is cycle 0 in steps.csv and in no other table."),
)
STEP_COLUMNS = (
    *NAMES,
    Column(STEP, "From 1 in each cycle."),
    Column("Step", "The step as the protocol says it."),
    Column("Duration [s]", "How long the step lasted.", ".1f"),
    Column("Charge [uA.h.cm-2]", "Charge that went into the cell in the step.", ".2f"),
    Column(
        "Discharge [uA.h.cm-2]", "Charge that came out of the cell in the step.", ".2f"
    ),
    Column("End voltage [V]", "Voltage when the step ended.", ".4f"),
    Column("End current [uA.cm-2]", "Current density then; discharge is positive."),
    Column(
        "End mean stoichiometry", "Stoichiometry averaged over the cathode then.", ".4f"
    ),
    Column(
        "End surface stoichiometry",
        "Stoichiometry at the face of the cathode to the electrolyte then.",
        ".4f",
    ),
    Column(
        "Cut-off error [uV]",
        "Distance between the end voltage and the cut-off that ended the step.",
        ".1e",
    ),
    Column(
        "Hold error [mV]",
        "Largest distance of a held or swept voltage from its target over the step.",
        ".1e",
    ),
    Column(
        SHARE,
        "Charge of a step that ended at a cut-off, over the charge from its start to "
        "equilibrium at that voltage.",
        ".2f",
    ),
    Column(
        LIMITING,
        "The loss that kept the step from the largest part of the capacity it missed; "
        "'none' from 99 % of the equilibrium capacity on.",
    ),
    _CRITICAL,
    Column(OUTCOME, f"How the step ended: {OUTCOMES}."),
    Column("Detail", "Why, in a few words, where it did not end as asked."),
)
LOSS_COLUMNS = (
    *NAMES,
    Column(STEP, "From 1 in each cycle; 0 is the cycle as a whole."),
    Column("Step", "The step as the protocol says it."),
    Column(losses.ENERGY_IN, "Electrical energy that went into the cell.", ".3f"),
    Column(losses.ENERGY_OUT, "Electrical energy that came out of the cell.", ".3f"),
    *(
        Column(name, f"Energy that the overpotential '{loss}' turned into heat.", ".3f")
        for loss, name in losses.lost(losses.KNOWN).items()
    ),
    *(
        Column(
            losses.beside(losses.KNOWN)[side.name],
            f"Energy that {side.about} turned into heat.",
            ".3f",
        )
        for side in losses.KNOWN.side_currents
    ),
    Column(
        losses.STORED,
        "Reversible work of taking the film from its stoichiometry at the start to "
        "that at the end.",
        ".3f",
    ),
    Column(losses.EFFICIENCY, "Energy out over energy in, of a whole cycle.", ".2f"),
)
CURVE_COLUMNS = (
    *NAMES,
    Column(STEP, "From 1 in each cycle."),
    Column("Time [s]", "From the start of the case, its conditioning included."),
    Column("Current density [uA.cm-2]", "Per area of the cell, positive in a discharge."),
    Column("Current [A]", "Of the whole cell, positive in a discharge."),
    Column("Step capacity [uA.h.cm-2]", "Charge passed since the step began, per area."),
    Column("Step capacity [mA.h.g-1]", "The same per mass of the whole cathode film."),
    Column(NET, "The same with its sign: positive in a discharge."),
    Column(THROUGHPUT, "The same with every charge counted up, whichever its sign."),
    Column("Energy out [uW.h.cm-2]", "Delivered since the step began."),
    Column("Energy in [uW.h.cm-2]", "Taken in since the step began."),
    Column("Temperature [degC]", "Of the cell."),
    Column("Voltage [V]", "At the terminals."),
    Column(MEAN_X, "Mean of x over the depth of the active film."),
    Column(SURFACE_X, "x at the electrolyte."),
    Column("Collector stoichiometry", "x at the current collector."),
    Column(OPEN_CIRCUIT, "U at the mean stoichiometry."),
    Column(SURFACE, "U at the stoichiometry of the surface."),
    *(
        Column(
            named(loss.variable),
            f"Loss '{loss.name}'; {'positive' if loss.sign > 0 else 'negative'} where it "
            "costs voltage in a discharge.",
            optional=True,
        )
        for loss in losses.KNOWN.losses
    ),
    *(
        Column(name, about, optional=True)
        for side in losses.KNOWN.side_currents
        for name, about in (
            (named(side.variable), f"By {side.about}; positive where it fills the film."),
            (named(side.charge), "The same as a charge since the step began."),
        )
    ),
    Column("Lithium thickness [um]", "Of the active lithium at the anode."),
    Column("Lithium coverage", "Share of the collector under lithium.", optional=True),
    Column(
        "Inactive lithium thickness [um]",
        "Of what was plated and no longer takes part.",
        optional=True,
    ),
    Column(
        "Potential of oxidation [V]",
        "Potential that oxidises the electrolyte.",
        optional=True,
    ),
    *(
        Column(
            f"{side} double-layer lithium [uA.h.cm-2]",
            "Charge of the double layer, as lithium.",
            optional=True,
        )
        for side in ("Cathode", "Lithium")
    ),
    Column("Branch number", "Of the charge or discharge, from 1 in each cycle; else 0."),
    Column("Direction", "1 in a discharge, -1 in a charge, else 0."),
    Column("Capacity [mA.h.g-1]", "Charge since the branch began, per mass of the film."),
    Column("Capacity [uA.h.cm-2]", "The same per area."),
)
TABLES = {
    "summary.csv": (*NAMES, *SUMMARY_COLUMNS),
    "steps.csv": STEP_COLUMNS,
    "losses.csv": LOSS_COLUMNS,
}
# In their order, after Case, Cycle number and the fields that are varied
COLUMNS = tuple(column.name for column in SUMMARY_COLUMNS)
REQUIRED = tuple(column.name for column in SUMMARY_COLUMNS if not column.optional)
OPTIONAL_COLUMNS = tuple(column.name for column in CONDITIONS)
KNOWN = {column.name: column for table in TABLES.values() for column in table}
KNOWN |= {column.name: column for column in SUMMARY_COLUMNS}


def summary_names(laws: Declared) -> tuple[str, ...]:
    """Return the columns of the summary with those that laws declare, in order."""
    further = (c.name for c in _of_laws(laws))
    return tuple(dict.fromkeys((*COLUMNS[:-1], *further, COLUMNS[-1])))


def varied_columns(table: Any) -> list[str]:
    """Return the columns of a summary that say what varies: those before the known."""
    names = (str(c) for c in table if c not in (CASE, CYCLE))
    return [*takewhile(lambda name: name not in KNOWN, names)]


def markdown() -> str:
    """Return the tables of all columns for the documentation."""
    parts = []
    for file, columns in (*TABLES.items(), ("curves.csv", CURVE_COLUMNS)):
        rows = [f"| {c.name} | {c.about}{_always(c)} |" for c in columns]
        parts.append("\n".join([f"## {file}", "", "| Column | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _always(column: Column) -> str:
    return " Only where it applies." if column.optional else ""

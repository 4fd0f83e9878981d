"""What was measured, beside the cases: the section ``measured`` of an experiment file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypedDict

from pydantic import StrictStr

from .. import units
from ..cell.cell import Cell
from ..cell.fitted import status
from ..errors import InputError, placed, shown, suggest
from ..fields import Strict, refuse, validate
from ..yaml_file import Content, Document
from .cases import Case
from .experiment import Experiment
from .groups import Cycles
from .profile import read_profile

CAPACITY = ("specific charge", "areal charge")
OF_VOLUME, SHARE = ("energy density",), ("dimensionless",)
MEASURED = {  # field to the words of its column, and what it may be given as
    "charge_capacity": ("Charge capacity", CAPACITY),
    "discharge_capacity": ("Discharge capacity", CAPACITY),
    "volumetric_energy_density": ("Volumetric energy density as made", OF_VOLUME),
    "coulombic_efficiency": ("Coulombic efficiency", SHARE),
    "capacity_retention": ("Capacity retention", SHARE),
    "interface_resistance": ("Interface resistance", ("areal resistance",)),
}
FIELD_OF = {words: field for field, (words, _) in MEASURED.items()}
FROM_CYCLE: Final = "From cycle"
OF_CYCLES = "Cycle number"  # the heading beside them in a table of measured cycles
MeasuredRow = TypedDict(
    "MeasuredRow",
    {
        "Case": str,
        "Cycle number": int,
        "From cycle": int,  # of a mean; else it is not there
        "Quantity": str,
        "Measured": float,
        "Status": str,
        "Source": str,
    },
    total=False,
)

# What a measurement is of: another thickness is another cell, another D another guess
_MADE = re.compile(
    r"(thickness|area|density|molar_mass|temperature|lithium|initial_\w+|steps)$"
)


class MeasuredPoint(Strict):
    """What was measured of one case and cycle, or its mean from an earlier cycle on; or a
    table of many cycles."""

    case: dict[str, object] | StrictStr
    cycle: Cycles = 1
    from_cycle: Cycles | None = None
    table: StrictStr | None = None
    charge_capacity: StrictStr | None = None
    discharge_capacity: StrictStr | None = None
    volumetric_energy_density: StrictStr | None = None
    coulombic_efficiency: StrictStr | None = None
    capacity_retention: StrictStr | None = None
    interface_resistance: StrictStr | None = None
    status: Literal["fitted", "predicted"]
    source: StrictStr = ""


def measured_rows(
    experiment: Experiment,
    document: Document,
    cases: Sequence[Case],
    stated: Sequence[Case],
    changes: Mapping[str, str],
) -> tuple[list[MeasuredRow], list[str]]:
    """Return the rows of the comparison with measurement, and what leaves others out.

    Whether a capacity was fitted is asked of the cell, if a fit wrote it; of another, the
    experiment says it, unless the cell is not as the file states it.
    """
    rows: list[MeasuredRow] = []
    others: dict[str, None] = {}
    for k, point in _points_measured(experiment, document):
        case = _matching(point.case, cases)
        if case is None:
            if changes:  # such as another rate or window than was measured
                asked = point.case if isinstance(point.case, dict) else changes
                others |= dict.fromkeys(k for k in asked if k in changes)
                continue
            message = "must name one of the cases, or be what it sets"
            raise document.error(("measured", k, "case"), message)
        own = _matching(point.case, stated)
        differing = _differences(own, case) if own is not None else []
        made = [x for x in differing if _MADE.search(x)]
        if made and not case.cell.fitted:
            others |= dict.fromkeys([x for x in made if x != "steps"] or made)
            continue
        for field, (words, dimensions) in MEASURED.items():
            if (text := getattr(point, field)) is None:
                continue
            with placed(document.error, "measured", k, field):
                value, unit = _measured_value(text, dimensions)
            known: str = "cell changed" if differing else point.status
            if dimensions == CAPACITY:
                areal, kind = units.DISPLAY["areal charge"][1], words.split()[0].lower()
                charge = value / areal
                if "cm-2" not in unit:
                    charge = 3600 * value * case.cell.loading
                current = current_of(case, kind)
                known = (
                    status(case.cell.fitted, kind, point.cycle, current, charge) or known
                )
            row: MeasuredRow = {"Case": case.name, "Cycle number": point.cycle}
            if point.from_cycle:
                row[FROM_CYCLE] = point.from_cycle
            row |= {
                "Quantity": f"{words} [{unit}]",
                "Measured": value,
                "Status": known,
                "Source": point.source or experiment.source,
            }
            rows.append(row)
    return rows, list(others)


def _differences(stated: Case, run: Case) -> list[str]:
    """Return in what two cases differ: fields of their cells, laws, steps."""

    def numbers(cell: Cell) -> dict[str, float]:
        found = {}
        for path in cell.numeric_fields:
            with contextlib.suppress(InputError):  # a law, or left out
                found[path] = cell.number(path)[0]
        return found

    a, b = numbers(stated.cell), numbers(run.cell)
    fields = sorted(k for k in a | b if a.get(k) != b.get(k))
    fields += ["laws"] if stated.cell.structure != run.cell.structure else []
    return fields + (["steps"] if stated.protocol.steps != run.protocol.steps else [])


def _points_measured(
    experiment: Experiment, document: Document
) -> Iterator[tuple[int, MeasuredPoint]]:
    """Yield what was measured, that of tables cycle by cycle, and the entry it is of."""
    for k, entry in enumerate(experiment.measured):
        with placed(document.error, "measured", k):
            point: MeasuredPoint = validate(MeasuredPoint, entry)
            if point.from_cycle is not None and point.from_cycle > point.cycle:
                after = f"{point.from_cycle} is after the cycle, {point.cycle}"
                refuse("from_cycle", after)
            rows: list[dict[str, object]] = [{}]
            if point.table is not None:
                rows = _table_of_cycles(point.table, document.path.parent)
        for row in rows:
            yield k, point.model_copy(update=row)


def _table_of_cycles(name: str, folder: Path) -> list[dict[str, object]]:
    """Return the rows of a table of measured cycles, as fields of a measured point."""
    try:
        table = read_profile(name, folder, columns=None)
        cycles = [int(n) for n in table.pop(OF_CYCLES, [])]
        given: dict[str, list[str]] = {}
        for heading, values in table.items():
            words, _, unit = heading.removesuffix("]").partition(" [")
            if words not in FIELD_OF:
                hint = suggest(words, [OF_CYCLES, *FIELD_OF])
                raise ValueError(f"{name}: '{shown(heading)}' is no column here{hint}")
            given[FIELD_OF[words]] = [f"{value:.12g} {unit}" for value in values]
        if not cycles or not given:
            raise ValueError(f"{name}: needs '{OF_CYCLES}' and a measured quantity")
    except ValueError as error:
        raise InputError(str(error), field="table") from None
    each = zip(cycles, *given.values(), strict=True)
    return [dict(zip(("cycle", *given), row, strict=True)) for row in each]


def current_of(case: Case, kind: str) -> float:
    """Return the current density at which a case charges or discharges [A.m-2]; 0 if it
    has no one current."""
    sign = 1.0 if kind == "discharge" else -1.0
    steps = [s for s in case.protocol.steps if s.control == "current"]
    found = {abs(s.value) for s in steps if sign * s.value > 0}
    return found.pop() / float(case.cell.area) if len(found) == 1 else 0.0


def _matching(wanted: str | Content, cases: Sequence[Case]) -> Case | None:
    """Return the case of this name, or the only one with these values."""
    if isinstance(wanted, str):
        return next((case for case in cases if case.name == wanted), None)
    asked = {(key, str(value)) for key, value in wanted.items()}
    found = [c for c in cases if asked <= {(k, str(v)) for k, v in c.values.items()}]
    return found[0] if len(found) == 1 else None


def _measured_value(text: str, dimensions: Sequence[str]) -> tuple[float, str]:
    """Return a measured value and its unit as the summary has them."""
    if dimensions == SHARE:
        return 100 * units.parse(text, *SHARE), "%"
    dimension = dimensions[0]
    value = units.parse(text, dimension) if len(dimensions) == 1 else 0.0
    if len(dimensions) > 1:
        value, dimension = units.quantity(text, dimensions)
    return units.to_display(value, dimension), units.display_unit(dimension)

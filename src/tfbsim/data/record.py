"""A cycler's record as steps: its clock, its signs, its steps, their charges."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError, count
from .charge import segments
from .mapping import Mapping
from .measured import Segment
from .remarks import Remarks
from .samples import at_switching, samples, too_many
from .signs import flowing, signed
from .steps import cycles, steps
from .table import Table
from .time_order import in_order
from .units_per_area import PerArea


def record(
    table: Table, mapping: Mapping, per_area: PerArea, remarks: Remarks
) -> tuple[Segment, ...]:
    """Return the steps of a record.

    Parameters
    ----------
    table, mapping : Table, Mapping
        What was read, and how.
    per_area : callable
        Factor that makes a current or charge of a dimension one per area, SI.
    remarks : Remarks
        Grows by what was converted, guessed and mended.

    Raises
    ------
    InputError
        Nothing is left to use.
    """
    rows = in_order(samples(table, mapping, per_area, remarks), remarks)
    rows = at_switching(rows, remarks)
    flow = flowing(rows)
    if flow.any():
        rows = replace(rows, i=signed(rows, flow, table, mapping, remarks))
    found = steps(rows, flow)
    kept = [s for s in found if s.stop - s.start >= 2]
    if alone := len(found) - len(kept):
        remarks.note(f"Left out {count(alone, 'step')} of a single sample.")
        too_many(alone, len(rows), remarks)
    if not kept:
        raise InputError("holds no step of at least two samples", table.path)
    return segments(rows, kept, cycles(rows, kept), remarks)

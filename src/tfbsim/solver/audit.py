"""The books of a cycle: lithium and charge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..cell.cell import Cell
from ..cell.cells import Cells
from ..materials.laws import FARADAY
from ..physics.thin_film_cell import declared_by
from .records import DISCHARGE, THROUGHPUT, StepRecord
from .trace import least_exchanged


def audit(records: Sequence[StepRecord], cell: Cell | Cells) -> tuple[float, float]:
    """Return lithium and charge balance errors over consecutive steps, of one cell or
    of many.

    Lithium: largest change of the total lithium over lithium exchanged.  Charge: cathode
    lithium change times F, less the charge passed, leaked and passed by other side
    currents, over charge exchanged.
    Charges are states of the solver.  Where less is exchanged than a small part of what
    the cell holds, an error is relative to that: it can be no smaller than rounding.
    """
    traces = [r.trace for r in records if r.trace is not None]
    declared = declared_by(cell.structure)
    sides = [side.charge for side in declared.side_currents]
    throughput, discharged, *beside = (
        3600 * sum(r.end.get(name, 0.0) for r in records)
        for name in (THROUGHPUT, DISCHARGE, *sides)
    )
    leaked = sum(beside)
    if not traces:
        return 0.0, 0.0
    area = cell.area
    held = cell.site_inventory * FARADAY * area
    total = np.concatenate([t.observed["Total lithium [mol.m-2]"] for t in traces])
    least = least_exchanged(held, total[0] * FARADAY * area)
    exchanged = np.maximum(throughput + leaked, least)
    lithium = np.abs(total - total[0]).max(axis=0) * FARADAY * area / exchanged
    first, last = traces[0].observed, traces[-1].observed
    film = [name for name in declared.lithium if name.startswith("Cathode ")]
    gained = sum(last[name][-1] - first[name][0] for name in film)
    charge = abs(gained * FARADAY * area - (discharged + leaked)) / exchanged
    return (lithium, charge) if np.ndim(charge) else (float(lithium), float(charge))

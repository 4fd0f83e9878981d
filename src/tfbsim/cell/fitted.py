"""What a cell was fitted to, kept in its file, and what of new data that covers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import StrictInt, StrictStr

from ..fields import Quantity, Strict

SAME_CURRENT, SAME_CAPACITY = 0.02, 0.03  # relative, of one measurement


class Datum(Strict):
    """One measured step or capacity that a fit saw, or that it held out."""

    data: StrictStr = ""
    step: StrictStr = ""
    sha256: StrictStr = ""
    kind: Literal["charge", "discharge"]
    cycle: StrictInt = 1
    current_density: Annotated[float, Quantity("current density")] = 0.0
    capacity: Annotated[float, Quantity("areal charge")]
    role: Literal["fitted", "held out"]


def status(
    record: Sequence[Datum],
    kind: str,
    cycle: int,
    current_density: float,
    capacity: float,
    sha256: str = "",
) -> str:
    """Return whether a fit saw a measurement: "fitted", "predicted", "" without a record.

    Current density and capacity are in [A.m-2] and [C.m-2], 0 or NaN where not known;
    ``sha256`` is that of the measured curve.
    """
    if not record:
        return ""
    same = [d for d in record if sha256 and d.sha256 == sha256]
    if not same:
        same = [
            d
            for d in record
            if d.kind == kind
            and _near(d.current_density, current_density, SAME_CURRENT)
            and _near(d.capacity, capacity, SAME_CAPACITY)
        ]
        # Of several cycles alike, the one of this number
        same = [d for d in same if d.cycle == cycle] or same
    nearest = min(same, key=lambda d: abs(d.capacity - capacity), default=None)
    return "fitted" if nearest and nearest.role == "fitted" else "predicted"


def _near(one: float, other: float, within: float) -> bool:
    if not (one > 0 and other > 0 and math.isfinite(one + other)):
        return True
    return abs(one / other - 1) <= within

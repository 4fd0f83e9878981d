"""The value of one field of a cell that makes the most of a quantity, by optimisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from .. import units
from ..cell import stack as energy
from ..cell.cell import Cell, load_cell
from ..errors import InputError, suggest
from ..experiment.groups import parse_cycle
from ..experiment.settings import numerics_of
from ..experiment.steps import Protocol
from ..numerics import Numerics
from ..solver.batch import paying
from .simulate import simulate

ENERGY = "Discharge energy [mW.h.cm-2]"
REFINED = 9  # values that are tried after the scan, about
BY_KERNEL, BY_GENERAL = "by the kernel", "by the general solver"


@dataclass(frozen=True)
class Optimum:
    """Where a quantity is largest.

    Parameters
    ----------
    cell : Cell
        With the best value.
    field : str
        Dotted path that was varied.
    value : float
        Best value [SI].
    maximum : float
        The quantity there.
    at_bound : bool
        Whether the best value is an end of the range: the optimum lies beyond, or at no
        value at all.
    evaluations : DataFrame
        Every value tried and the quantity there, in rising order.
    solved : str
        By the kernel, where it pays or is kept, or by the general solver.
    """

    cell: Cell
    field: str
    value: float
    maximum: float
    at_bound: bool
    evaluations: pd.DataFrame
    solved: str = BY_GENERAL


def optimise(
    cell: Cell | str,
    field: str,
    between: tuple[str | float, str | float],
    steps: Sequence[object] | Callable[[Cell], Sequence[object]],
    maximise: str = ENERGY,
    cycles: int = 1,
    conditioning: Sequence[object] = (),
    numerics: Numerics | Mapping[str, object] | None = None,
    start: int = 7,
) -> Optimum:
    """Vary one field, on a logarithmic scale, until a quantity is largest.

    A coarse scan finds the neighbourhood of the largest value, bounded minimisation
    (Brent, ``scipy.optimize.minimize_scalar``) the value to 1e-3.

    Parameters
    ----------
    cell : Cell or str
        What is varied.
    field : str
        Dotted path of a quantity above 0, such as ``cathode.thickness``.
    between : (str or float, str or float)
        Range, text with a unit or SI.
    steps, cycles, conditioning
        As :func:`simulate`; ``steps`` may be a function of the cell.
    maximise : str
        A column of the summary; of the last cycle.  Areal energy by default; the
        energies per volume and mass (``energy.COLUMNS``) of a cell with a stack.
    numerics : Numerics or mapping, optional
        Mesh and tolerances.
    start : int
        Values of the scan, at least 3.

    Raises
    ------
    InputError
        A field, range or column that will not do.

    Examples
    --------
    >>> import tfbsim
    >>> best = tfbsim.optimise(
    ...     "lco-lipon-li-raijmakers2020", "cathode.thickness", ("1 um", "60 um"),
    ...     ["Charge at C/5 until 4.2 V", "Discharge at 2C until 3 V"],
    ... )
    >>> best.at_bound
    False

    The thickness of most energy per volume, everything around the cathode counted:

    >>> best = tfbsim.optimise(
    ...     "lco-lipon-steel-ensurge2023", "cathode.thickness", ("1 um", "60 um"),
    ...     ["Hold at 4.2 V until C/500", "Discharge at C/10 until 3 V"],
    ...     maximise="Volumetric energy density as made [W.h.L-1]",
    ... )
    """
    base = load_cell(cell)
    low, high = (base.replace({field: end}).number(field)[0] for end in between)
    if not 0 < low < high:
        raise InputError("must be two values above 0 that rise", field="between")
    if maximise in energy.COLUMNS and base.stack is None:
        raise InputError("is missing; energy per volume or mass needs it", field="stack")
    tried: dict[float, float] = {}

    def at(value: float) -> tuple[Cell, Sequence[object]]:
        """Return the cell, and what is done to it."""
        changed = base.replace({field: value})
        return changed, steps(changed) if callable(steps) else steps

    settings = numerics_of(numerics)
    first, asked = at(low)
    parts = (
        parse_cycle(asked, first, "steps"),
        parse_cycle(conditioning, first, "conditioning"),
    )
    number = (max(start, 3) + REFINED) * (cycles * len(parts[0]) + len(parts[1]))
    protocol = Protocol(parts[0], cycles, parts[1])
    compiled = paying(first, [protocol], number, settings, kept=True)

    def quantity(log_value: float) -> float:
        value = float(np.exp(log_value))
        result = simulate(*at(value), cycles, conditioning, numerics=compiled or settings)
        row = result.summary.iloc[-1]
        if maximise not in row or isinstance(row[maximise], str):
            hint = suggest(maximise, map(str, row.index))
            raise InputError(f"no such column of the summary{hint}", field="maximise")
        tried[value] = float(row[maximise])
        return tried[value]

    ends = float(np.log(low)), float(np.log(high))
    scan = np.linspace(ends[0], ends[1], max(start, 3))
    values = [quantity(x) for x in scan]
    if np.isnan(values).all():
        raise InputError("is no number anywhere in the range", field="maximise")
    k = int(np.nanargmax(values))
    inside = scan[max(k - 1, 0)], scan[min(k + 1, len(scan) - 1)]
    lowest = np.nanmin(values)

    def loss(x: float) -> float:
        found = quantity(x)  # no value, as where nothing flows, is worse than any
        return -found if np.isfinite(found) else 1.0 + abs(lowest) - lowest

    minimize_scalar(loss, bounds=inside, method="bounded", options={"xatol": 1e-3})
    best = max((v for v in tried if np.isfinite(tried[v])), key=lambda v: tried[v])
    dimension, unit = base.number(field)[1], base.value(field)[1]
    rows = [(units.to_display(v, dimension), tried[v]) for v in sorted(tried)]
    name = f"{field} [{unit}]" if unit else field
    table = pd.DataFrame(rows, columns=[name, maximise])
    near = bool((abs(np.log(best) - np.array(ends)) < 2e-3).any())
    by = BY_KERNEL if compiled else BY_GENERAL
    return Optimum(at(best)[0], field, best, tried[best], near, table, by)

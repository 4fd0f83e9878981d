"""The thickness at which a cathode still delivers a share of its equilibrium capacity."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from ..cell.cell import Cell, load_cell
from ..errors import InputError, shown
from ..numerics import Numerics
from ..result.columns import SHARE
from .simulate import simulate

FIELD = "cathode.thickness"
THICKNESS = f"{FIELD} [um]"
COPIED = (
    "C-rate",
    "Discharge capacity [mA.h.g-1]",
    "Discharge capacity [uA.h.cm-2]",
    "Mean discharge voltage [V]",
)
AROUND = 4.0  # how far a curve goes to either side of the roots
Found = dict[str, float | str]  # of one thickness, by the columns of the table
STEP = 2.0  # factor by which the root is sought before it is refined


def thickness_for(
    cell: Cell | str,
    share: float = 0.8,
    rates: Sequence[str | float] = (),
    currents: Sequence[str] = (),
    lower: str | float | None = None,
    upper: str | float | None = None,
    between: tuple[float, float] = (20e-9, 500e-6),
    curve: bool = False,
    numerics: Numerics | Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Find the cathode thickness that still delivers a share of equilibrium capacity.

    The cell is charged at C/10 and held at the upper voltage until C/100, then discharged
    to the lower one.  The share is the charge delivered over that of a discharge in
    equilibrium between the same start and cut-off.  It falls with the thickness; the root
    is bracketed from the cell's own thickness in factors of 2 and refined on a
    logarithmic scale (Brent, ``scipy.optimize.brentq``) to 1e-4.

    Parameters
    ----------
    cell : Cell or str
        A cell, or the name or path :func:`load_cell` takes.
    share : float
        Of the equilibrium capacity, above 0 and below 1.
    rates : sequence of str or float
        Discharge rates, as "5C", "C/2" or 5; the 1C current scales with the thickness.
        1C if there are neither rates nor currents.
    currents : sequence of str
        Discharge currents that stay as they are, as "100 uA/cm2".
    lower, upper : str or float, optional
        Cut-offs, text with a unit or [V]; by default the voltage limits, where the cell
        states them.
    between : (float, float)
        Thicknesses that are tried [m].
    curve : bool
        Whether ``attrs["curve"]`` of the table lists share and capacity of every
        discharge at thicknesses around the roots, for :func:`tfbsim.plot.thickness`.
    numerics : Numerics or mapping, optional
        Mesh and tolerances, as ``{"points": 100}``.

    Returns
    -------
    DataFrame
        A row a discharge: ``Discharge`` as asked, the thickness [um], the share there
        [%], C-rate, capacities and mean voltage.  ``Note`` says why a thickness is
        missing: the share is met, or not met, anywhere in the range.

    Raises
    ------
    InputError
        A share, rate, current or voltage that will not do.

    Examples
    --------
    >>> import tfbsim
    >>> found = tfbsim.thickness_for(
    ...     "lco-lipon-li-raijmakers2020", 0.8, ["1C", "5C"], lower="3 V", upper="4.2 V"
    ... )
    >>> found["cathode.thickness [um]"].is_monotonic_decreasing
    True
    """
    base = load_cell(cell)
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not 0 < share < 1:
        message = f"'{shown(share)}' must be above 0 and below 1, as 0.8 for 80 %"
        raise InputError(message, field="share")
    low, high = (float(end) for end in between)
    if not 0 < low < high:
        raise InputError("must be two thicknesses above 0 that rise", field="between")
    for field, given in (("rates", rates), ("currents", currents)):
        if isinstance(given, str):
            raise InputError("must be a list, such as ['1C', '5C']", field=field)
    asked = [r if isinstance(r, str) else f"{r:g}C" for r in rates] + [*currents]
    if None in (lower, upper) and "voltage_limits" not in base.model_fields_set:
        raise InputError(
            "must be given, as '3 V' and '4.2 V': the cell states no voltage_limits",
            field="lower" if lower is None else "upper",
        )
    limits = zip((lower, upper), base.voltage_limits, strict=True)
    volts = [own if given is None else given for given, own in limits]
    lowest, highest = (v if isinstance(v, str) else f"{v:.10g} V" for v in volts)
    searches = [_Share(base, rate, lowest, highest, numerics) for rate in asked or ["1C"]]
    table = pd.DataFrame([search.row(share, low, high) for search in searches])
    if curve:
        roots = table[THICKNESS].dropna() * 1e-6
        around = roots if len(roots) else pd.Series([float(base.cathode.thickness)])
        low, high = max(low, around.min() / AROUND), min(high, around.max() * AROUND)
        number = 1 + max(1, round(2 * np.log2(high / low)))
        for search in searches:
            for thickness in np.geomspace(low, high, number):
                search.at(float(thickness))
        table.attrs |= {
            "share": share,
            "curve": [row for search in searches for row in search.curve(low, high)],
        }
    return table


@dataclasses.dataclass
class _Share:
    """The share of its equilibrium capacity that a cell delivers, over the thickness."""

    cell: Cell
    discharge: str
    lower: str
    upper: str
    numerics: Numerics | Mapping[str, object] | None
    found: dict[float, Found] = dataclasses.field(default_factory=dict)

    def at(self, thickness: float) -> float:
        """Return the share at a thickness [m]."""
        if thickness not in self.found:
            self.found[thickness] = self._solved(thickness)
        return float(self.found[thickness][SHARE]) / 100

    def _solved(self, thickness: float) -> Found:
        cell = self.cell.replace({FIELD: thickness})
        full = f"Charge at C/10 until {self.upper}", f"Hold at {self.upper} until C/100"
        steps = [f"Discharge at {self.discharge} until {self.lower}"]
        result = simulate(cell, steps, 1, full, numerics=self.numerics)
        step, row = result.steps.iloc[-1], result.summary.iloc[-1]
        share = float(step[SHARE])
        if not step["Discharge [uA.h.cm-2]"] > 0:  # at the cut-off at once
            share = 0.0
        if np.isnan(share):
            why = f" ({step['Detail']})" if step["Detail"] else ""
            raise InputError(
                f"'{step['Step']}' of {1e6 * thickness:.4g} um does not end at its "
                f"cut-off: {step['Outcome']}{why}",
                field=FIELD,
            )
        return {SHARE: share, **{name: row[name] for name in COPIED if name in row}}

    def curve(self, low: float, high: float) -> list[Found]:
        """Return what was found between two thicknesses [m], in their order."""
        there = [x for x in sorted(self.found) if low * 0.999 <= x <= high * 1.001]
        return [self._row(x) for x in there]

    def row(self, share: float, low: float, high: float) -> Found:
        """Return the row of the table for a share."""
        last = min(max(float(self.cell.cathode.thickness), low), high)
        thick = self.at(last) >= share  # it may be thicker
        end = high if thick else low
        while last != end:
            next_ = min(last * STEP, end) if thick else max(last / STEP, end)
            if (self.at(next_) >= share) != thick:
                break
            last = next_
        else:
            side = "still" if thick else "only"
            note = f"{1e6 * end:.4g} um gives {side} {100 * self.at(end):.3g} %"
            none = dict.fromkeys((THICKNESS, SHARE, *COPIED), np.nan)
            return {"Discharge": self.discharge, **none, "Note": note}
        ends = sorted((np.log(last), np.log(next_)))
        root = brentq(lambda x: self.at(float(np.exp(x))) - share, *ends, xtol=1e-4)
        thickness = float(np.exp(root))
        self.at(thickness)
        return self._row(thickness) | {"Note": ""}

    def _row(self, thickness: float) -> Found:
        known: Found = {"Discharge": self.discharge, THICKNESS: 1e6 * thickness}
        return known | self.found[thickness]

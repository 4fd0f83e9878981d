"""Curves pinned, so that no version of anything moves them unseen.

Written by ``python tests/test_reference_curves.py`` at the default settings; the same on
Python 3.11 and 3.12, on the lowest and the newest of the declared dependencies
(``.ci/versions``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tfbsim

PINNED = Path(__file__).parent / "inputs" / "reference-curves.csv"
CURVES = {  # a charge and a discharge of each shipped cell
    "lco-lipon-li-raijmakers2020": (
        "Charge at 1C until 4.2 V",
        "Discharge at 2C until 3 V",
    ),
    "lco-lipon-li-danilov2011": (
        "Discharge at 1.6C until 3 V",
        "Charge at 3C until 4.2 V",
    ),
    "nmc811-lipon-li": ("Charge at C/2 until 4.7 V", "Discharge at 1C until 1.5 V"),
}
FRACTIONS = np.linspace(0, 1, 41)  # of the capacity of a step


def curves(name: str) -> pd.DataFrame:
    """Capacity and voltage of both steps at even fractions of the capacity."""
    result = tfbsim.simulate(name, CURVES[name])
    assert result.as_asked
    one = result.curves.isel(case=0, cycle=0)
    rows = []
    for number, step in enumerate(CURVES[name], start=1):
        here = one["Step number"].values == number
        Q = one["Step capacity [uA.h.cm-2]"].values[here]
        V = one["Voltage [V]"].values[here]
        at = FRACTIONS * Q[-1]
        rows += [(name, step, q, v) for q, v in zip(at, np.interp(at, Q, V), strict=True)]
    names = ["Cell", "Step", "Step capacity [uA.h.cm-2]", "Voltage [V]"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize("name", CURVES)
def test_pinned(name, figure):
    pinned = pd.read_csv(PINNED).query("Cell == @name").reset_index()
    now = curves(name)
    assert list(now["Step"]) == list(pinned["Step"])
    Q, V = ("Step capacity [uA.h.cm-2]", "Voltage [V]")
    moved = 1e3 * (now[V] - pinned[V]).abs().max()
    figure(f"Pinned curves, {name}: voltage", moved, at_most=0.1, unit="mV")
    moved = 100 * (now[Q].max() / pinned[Q].max() - 1)
    figure(f"Pinned curves, {name}: capacity", moved, at_most=0.001, unit="%")


if __name__ == "__main__":
    table = pd.concat([curves(name) for name in CURVES])
    table.to_csv(PINNED, index=False, float_format="%.8g", lineterminator="\n")

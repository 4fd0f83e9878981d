"""Error of the default and the fast numerics, on the shipped cells at their top rates.

    python benchmarks/numerical_error.py

Each discharge is compared, at equal charge, with one at four times the mesh and rtol
1e-10.  Printed: rms and largest voltage difference over the whole curve, and the
difference in capacity at the cut-off.
"""

from __future__ import annotations

import numpy as np

import tfbsim
from tfbsim.engine import Numerics
from tfbsim.protocol import Protocol, parse_cycle
from tfbsim.simulation import run_case

DISCHARGES = {  # cell, steps before, discharge
    "raijmakers2020-rate-capability, 6C": (
        "lco-lipon-li-raijmakers2020",
        ["Charge at 1C until 4.2 V", "Hold at 4.2 V until C/10"],
        "Discharge at 6C until 3.0 V",
    ),
    "danilov2011-rate-capability, 51.2C": (
        "lco-lipon-li-danilov2011",
        [],
        "Discharge at 51.2C until 3.0 V",
    ),
    "nmc811-voltage-windows, 4C": (
        "nmc811-lipon-li",
        ["Charge at 4C until 4.3 V"],
        "Discharge at 4C until 1.5 V",
    ),
    "nmc811-rate-capability, 10C": (
        "nmc811-lipon-li",
        ["Charge at C/10 until 4.7 V", "Hold at 4.7 V until C/50"],
        "Discharge at 10C until 1.5 V",
    ),
}


def discharge(name: str, numerics: Numerics) -> tuple[np.ndarray, np.ndarray]:
    """Charge [A.h] and voltage [V] of a discharge."""
    cell_name, before, step = DISCHARGES[name]
    cell = tfbsim.load_cell(cell_name)
    protocol = Protocol(parse_cycle([step], cell), conditioning=parse_cycle(before, cell))
    record = run_case(cell, protocol, numerics).cycles[0].steps[0]
    assert record.outcome == "reached" and record.trace is not None
    observed = record.trace.observed
    return observed["Discharge capacity [A.h]"], observed["Voltage [V]"]


def error(name: str, numerics: Numerics) -> tuple[float, float, float]:
    """rms and largest voltage difference [mV], capacity difference [%]."""
    q, V = discharge(name, numerics)
    q_ref, V_ref = discharge(name, numerics.tighter())
    grid = np.linspace(0, min(q[-1], q_ref[-1]), 5001)
    difference = 1e3 * (np.interp(grid, q, V) - np.interp(grid, q_ref, V_ref))
    return (
        float(np.sqrt(np.mean(difference**2))),
        float(np.max(np.abs(difference))),
        float(100 * (q[-1] / q_ref[-1] - 1)),
    )


def main() -> None:
    for numerics in (Numerics(), Numerics.fast()):
        print(f"{numerics}\nagainst {numerics.tighter()}")
        print(f"{'discharge':38s} {'rms mV':>8} {'max mV':>8} {'capacity %':>11}")
        for name in DISCHARGES:
            row = error(name, numerics)
            print("{:38s} {:8.3f} {:8.3f} {:+11.4f}".format(name, *row))


if __name__ == "__main__":
    main()

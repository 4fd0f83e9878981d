"""A spectrum of 100 frequencies, once the model is built, over a 1C discharge.

    python benchmarks/impedance.py

Least processor time of 20 of each, so that what else the machine does counts little; the
ratio is of one machine with itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import tfbsim

CELL = "lco-lipon-li-raijmakers2020"
LAYERS = {
    "cathode.double_layer_capacitance": "0.53 uF/cm2",
    "anode.double_layer_capacitance": "17.4 nF/cm2",
    "electrolyte.relative_permittivity": 13.2,
}
REPEATS = 20


def least(call: Callable[[], object]) -> float:
    """Return the least processor time of a call, after a first one [ms]."""
    call()
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        call()
        found.append(time.process_time() - started)
    return 1e3 * min(found)


def main() -> None:
    frequency = np.geomspace(1e6, 1e-2, 100)
    cell = tfbsim.load_cell(CELL)
    layered = cell.replace(LAYERS)
    spectrum = least(lambda: tfbsim.impedance(layered, 3.9, frequency))
    charged = cell.replace({"cathode.initial_voltage": 4.1})
    steps = ["Discharge at 1C until 3.0 V"]
    discharge = least(lambda: tfbsim.simulate(charged, steps))
    print(
        f"100 frequencies {spectrum:.0f} ms, a 1C discharge {discharge:.0f} ms: "
        f"ratio {spectrum / discharge:.2f}"
    )


if __name__ == "__main__":
    main()

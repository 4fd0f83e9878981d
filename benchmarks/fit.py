"""Cost of a fit.

    python benchmarks/fit.py

Five parameters of the Raijmakers cell are fitted to seven discharges (0.1C to 6C, 40
points each) that the model made with other values, with noise of 3 mV and 0.5 % of
capacity: the searches, the last pass at the default numerics and the intervals.
"Solves" are steps of a protocol that were solved, "solved" is by what the cases were.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import tfbsim
from tfbsim.experiment.expand import expand
from tfbsim.fitting import fit as fitting
from tfbsim.fitting.fit import Problem
from tfbsim.numerics import Numerics

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import synthetic

CELL = "lco-lipon-li-raijmakers2020"
RATES = ["0.1C", "0.2C", "0.5C", "1C", "2C", "4C", "6C"]
VARY = {
    "cathode.diffusivity_scale": "0.1..10",
    "cathode.site_concentration": "28000 mol/m3..38000 mol/m3",
    "cathode.transference": "0.01..0.6",
    "cathode.exchange_current": "0.01 mA/cm2..10 mA/cm2",
    "electrolyte.conductivity": "1e-7 S/cm..1e-5 S/cm",
}
START = {
    "cathode.diffusivity_scale": "2",
    "cathode.site_concentration": "31000 mol/m3",
    "cathode.transference": "0.1",
    "cathode.exchange_current": "1 mA/cm2",
    "electrolyte.conductivity": "2e-6 S/cm",
}
CONDITIONING = ["Charge at 1C until 4.2 V", "Hold at 4.2 V until C/10"]


def main() -> None:
    print(f"tfbsim {tfbsim.__version__}, Python {platform.python_version()}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    problems: list[Problem] = []

    class Counted(Problem):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            problems.append(self)

    fitting.Problem = Counted  # type: ignore[misc]
    experiment = synthetic.rate_experiment(CELL, RATES, conditioning=CONDITIONING)
    exact = synthetic.curves(expand(experiment), {}, Numerics(), points=40)
    data = synthetic.noisy(exact, np.random.default_rng(0))
    start = expand(experiment, changes=START)
    wall, cpu = time.perf_counter(), time.process_time()
    words: list[str] = []

    def tell(word: str, evaluations: int, error: float) -> None:
        if word not in words:
            words.append(word)
            print(f"  {time.process_time() - cpu:6.1f} s CPU: {word}", flush=True)

    found = tfbsim.fit(start, data, vary=VARY, progress=tell)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    shown = ["Parameter", "Value", "Low 95 %", "High 95 %", "Verdict"]
    print(found.parameters[shown].to_string())
    solves = {p.numerics.points: p.steps for p in problems if p.steps}
    evaluations = {p.numerics.points: p.evaluations for p in problems if p.steps}
    print(f"solves by mesh points {solves}, evaluations {evaluations}")
    print(f"solved {found.provenance['solved']}")
    print(
        f"{wall:.1f} s, CPU {cpu:.1f} s, {1e3 * cpu / sum(solves.values()):.1f} ms each"
    )


if __name__ == "__main__":
    main()

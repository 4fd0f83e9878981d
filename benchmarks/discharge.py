"""Cost of one discharge with changed inputs, and of building a model.

    python benchmarks/discharge.py

For three shipped cells a 1C discharge from the charged state is repeated with a thickness
that changes every time: the model is built once and its inputs change.  Printed are
milliseconds, the smallest and the median of the repetitions: "solver" is the solver
alone, "call" the whole of Engine.run with the curve.  On elements, the default, and on
finite volumes, each interpreted and compiled; and the fast settings.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

from side_by_side import machine, table

import tfbsim
from tfbsim.numerics import Numerics
from tfbsim.solver.engine import Engine
from tfbsim.solver.trace import Request

REPETITIONS = 40
CELLS = "lco-lipon-li-danilov2011", "lco-lipon-li-raijmakers2020", "nmc811-lipon-li"


def main() -> None:
    header = ("cell", "build", "first", "solver min", "median", "call min", "median")
    plain = (Numerics(mesh="volumes"), Numerics())
    compiled = (replace(numerics, compile=True) for numerics in plain)
    for numerics in (*plain, *compiled, Numerics.fast()):
        rows = []
        for name in CELLS:
            times = measure(tfbsim.load_cell(name), numerics)
            rows.append((name, *(f"{ms:.2f}" for ms in times)))
        print(numerics, table(header, rows), sep="\n\n", end="\n\n")
    print(machine())


def measure(cell: tfbsim.Cell, numerics: Numerics) -> tuple[float, ...]:
    """Build, first, solver min and median, call min and median [ms]."""
    started = time.perf_counter()
    engine = Engine(cell.structure, numerics)
    built = engine.built("current")
    build = time.perf_counter() - started

    low, high = cell.cathode.x_range
    charged = low + 0.05 * (high - low)
    state = engine.uniform(charged, 2.0)
    cut_off = max(float(cell.cathode.open_circuit_potential.curve(high)), 1.5)

    solver: list[float] = []
    original = built.solve

    def timed(*args: Any) -> Any:
        started = time.perf_counter()
        answer = original(*args)
        solver.append(time.perf_counter() - started)
        return answer

    built.solve = timed  # type: ignore[method-assign]
    calls = []
    for k in range(REPETITIONS + 1):
        thickness = float(cell.cathode.thickness) * (1 + 0.01 * k)
        changed = cell.replace({"cathode.thickness": thickness})
        request = Request(
            mode="current",
            target=changed.one_c_current,
            duration=1e6,
            state=state,
            parameters=changed.parameters(),
            lower=cut_off,
        )
        started = time.perf_counter()
        trace = engine.run(request)
        calls.append(time.perf_counter() - started)
        assert trace.event == "Minimum voltage [V]"
    first, *later = calls
    solver = solver[1:]
    seconds = (
        *(build, first, min(solver), statistics.median(solver)),
        *(min(later), statistics.median(later)),
    )
    return tuple(1e3 * s for s in seconds)


if __name__ == "__main__":
    main()

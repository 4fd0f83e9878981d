"""Cost of one discharge with changed inputs, and of building a model.

    python benchmarks/discharge.py

For each shipped cell a 1C discharge from the charged state is repeated with a thickness
that changes every time: the model is built once and its inputs change.  Printed are
milliseconds, the smallest and the median of the repetitions: "solver" is the integrator
alone (IDAKLU's own clock), "call" the whole of Engine.run with the curve.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import replace

import tfbsim
from tfbsim.engine import Engine, Numerics
from tfbsim.files import shipped

REPETITIONS = 40


def main() -> None:
    print(f"tfbsim {tfbsim.__version__}, Python {platform.python_version()}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    header = ("cell", "build", "first", "solver min", "median", "call min", "median")
    for numerics in (Numerics(), replace(Numerics(), compile=True), Numerics.fast()):
        print(numerics)
        print("{:30s} {:>8} {:>8} {:>11} {:>8} {:>9} {:>8}".format(*header))
        for name in shipped("models"):
            row = measure(tfbsim.load_cell(name), numerics)
            numbers = " {:8.1f} {:8.1f} {:11.2f} {:8.2f} {:9.2f} {:8.2f}".format(*row)
            print(f"{name:30s}{numbers}")


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

    def timed(duration: float, inputs: dict[str, float]) -> tuple[object, int]:
        solution, attempt = original(duration, inputs)
        solver.append(solution.integration_time.value)
        return solution, attempt

    built.solve = timed  # type: ignore[method-assign]
    calls = []
    for k in range(REPETITIONS + 1):
        thickness = float(cell.cathode.thickness) * (1 + 0.01 * k)
        changed = cell.replace({"cathode.thickness": thickness})
        parameters = changed.parameters()
        started = time.perf_counter()
        trace, _ = engine.run(
            "current", changed.one_c_current, 1e6, state, parameters, lower=cut_off
        )
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

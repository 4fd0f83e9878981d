"""The sweep with a D(x) that falls over a decade and a half in each discharge.

    python benchmarks/variable_d.py                   # 5 minutes if nothing else runs
    python benchmarks/variable_d.py --quick

The boundary layer at the full surface is thin then, and even volumes resolve it slowly:
here every code has as many as give tfbsim's error at its shipped numerics, in 95 of 100
points.  The truth is tfbsim at eight times the mesh and rtol 1e-10, which the reference
comes to as its volumes grow.
"""

from __future__ import annotations

import statistics
from functools import partial

import numpy as np
import peers
import reference
from problem import SHIPPED, UAH_CM2, conditions, falling
from side_by_side import arguments, machine, rounds, show, spread, table
from sweep import Row, ours, row

from tfbsim import Numerics, run_experiment

VOLUMES = 1600
TIGHT = Numerics(
    points=1200, rtol=1e-10, atol=1e-12, voltage_tolerance=1e-8, compile=True
)
COLUMN = "Discharge capacity [uA.h.cm-2]"


def errors(code: Row, truth: np.ndarray) -> str:
    """Median and 95th percentile of the errors of all points a code was asked for."""
    assert code.answer is not None
    off = np.abs(code.answer / truth - 1)
    return f"{np.median(off):.1e}, {np.percentile(off, 95):.1e}"


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--points", type=int, default=1000, help="a multiple of 25")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    number = 100 if options.quick else options.points
    repeats = 1 if options.quick else options.rounds
    points = conditions(number)
    every, drawn = np.arange(number), np.random.default_rng(1).permutation(number)
    truth = run_experiment(falling(number), numerics=TIGHT).summary[COLUMN]
    truth = truth.to_numpy() * UAH_CM2

    of_c = partial(reference.sweep, volumes=VOLUMES, flags=reference.FALLING)
    c = row("C, one core", lambda: of_c, every, points, f"reference.c, {VOLUMES} volumes")
    two, one = (
        ours(number, workers, document=falling) for workers in (options.workers, 1)
    )
    codes = [c, two, one]
    for code in (two, one):
        code.work()
    truths = [truth] * len(codes)
    for name, peer, share in (
        ("PyBaMM, inputs re-used", peers.pybamm_inputs, 50),
        ("PyBaMM, rebuilt", peers.pybamm_rebuilt, 100),
    ):
        make = partial(peer, falls=True, volumes=VOLUMES)
        few = drawn[: max(2, number // share)]
        note = f"{VOLUMES} volumes"
        codes.append(row(name, make, every[: len(few)], points[few], note))
        truths.append(truth[few])
    rounds(codes, repeats)
    rows = [
        (
            code.name,
            str(code.amount),
            *(f"{statistics.median(code.each(k)):.3g}" for k in ("wall", "cpu")),
            spread(code.over(c, "cpu")),
            errors(code, of),
            code.note,
        )
        for code, of in zip(codes, truths, strict=True)
    ]
    header = ("", "points", "ms a point", "of processor", "times C, of processor")
    text = "\n\n".join(
        (
            table((*header, "error", ""), rows),
            f"{repeats} rounds; D falls 32-fold from x = 0.5 to 1. Error: of capacity, "
            f"median and 95th percentile; tfbsim has {SHIPPED.nodes} unknowns.",
            machine(codes),
        )
    )
    show("variable-d", text, options.write)


if __name__ == "__main__":
    main()

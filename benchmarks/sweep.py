"""A sweep of discharges beside what else can solve it, at equal accuracy.

    python benchmarks/sweep.py                        # 2 minutes if nothing else runs
    python benchmarks/sweep.py --quick
    python benchmarks/sweep.py --points 5000 --rounds 3

The work is the shipped ``thickness-rate-sweep``: 25 thicknesses at 40 rates, each a
discharge to 3.0 V.  tfbsim does all that ``tfbsim run --no-figures`` does: reads the
experiment, starts its workers, keeps every point in a ledger on disk, writes the tables.
Figures and report, in rows of their own, cost about the same however many points there
are.  The others solve the points and keep the capacities; slow ones a part of the points,
drawn at random.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import peers
import pybamm
import reference
from peers import Solve
from problem import (
    CELL,
    NUMERICS,
    SHIPPED,
    UAH_CM2,
    conditions,
    exact,
    experiment,
)
from side_by_side import Code, arguments, machine, rounds, show, spread, table, timed

from tfbsim import Numerics, load_cell, run_experiment
from tfbsim.run import run
from tfbsim.solver.discretised import DURATION
from tfbsim.solver.engine import engine
from tfbsim.yaml_file import Document

MEDIAN, P95 = 1e-6, 1e-5  # largest errors of capacity that are equal accuracy
MISSED = 0.05  # nearest of the exact answer: further off, it missed its cut-off
CURRENT = "Current function [A]"
STOCK = "stock; not this physics"

# Row, code, one of how many points it does, what a reader must know
PEERS: tuple[tuple[str, Callable[[], Solve], int, str], ...] = (
    ("pydiffsol", peers.pydiffsol, 2, "DiffSL by hand, LLVM"),
    ("scikit-sundae", peers.scikit_sundae, 4, "CVODE, banded; numba if it is there"),
    ("PyBaMM, inputs re-used", peers.pybamm_inputs, 4, "one model, IDAKLU"),
    ("PyBaMM, rebuilt", peers.pybamm_rebuilt, 20, "a model for each point"),
    ("PyBaMM half-cell SPM, rebuilt", peers.stock_spm, 100, STOCK),
)


@dataclass
class Row(Code):
    """A code of the sweep, the time before its first point, its answer to all points."""

    once: float | None = None
    answer: np.ndarray | None = None

    def accuracy(self, truth: np.ndarray) -> str:
        """Median and 95th percentile of the errors of all points, missed cut-offs.

        The limits were set for the shipped points: a smaller sweep has more of the hard
        ones.
        """
        if self.answer is None:
            return ""
        errors = np.abs(self.answer / truth - 1)
        middle, high = np.median(errors), np.percentile(errors, 95)
        missed = int((errors > MISSED).sum())
        good = len(truth) < 1000 or (middle <= MEDIAN and high <= P95 and not missed)
        return f"{middle:.1e}, {high:.1e}, {missed}{'' if good else ': too much'}"


def row(
    name: str, make: Callable[[], Solve], chosen: np.ndarray, all_: np.ndarray, note: str
) -> Row:
    """A code that solves points, warmed up."""
    made: list[Solve] = []

    def first() -> None:
        made.append(make())
        made[0](all_[chosen[:2]])

    once = timed(first).wall
    found = Row(name, lambda: made[0](all_[chosen]), len(chosen), note, once=once)
    if note != STOCK:
        found.answer = made[0](all_)
    return found


def ours(
    number: int,
    workers: int,
    numerics: Numerics = SHIPPED,
    figures: bool = False,
    note: str = "ledger and tables included",
    document: Callable[[int], Document] = experiment,
) -> Row:
    """tfbsim: what ``tfbsim run`` does."""
    name = "tfbsim, 1 process" if workers == 1 else f"tfbsim, {workers} workers"
    name += f", rtol {numerics.rtol:g}" if numerics is not SHIPPED else ""
    name += ", figures" if figures else ""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            result = run_experiment(
                document(number),
                numerics=numerics,
                workers=workers,
                folder=Path(folder) / "sweep",
                figures=figures,
            )
        summary = result.summary
        if not (summary["Outcome"] == "reached").all():
            raise SystemExit(f"{name}: a point missed its cut-off")
        found.answer = summary["Discharge capacity [uA.h.cm-2]"].to_numpy() * UAH_CM2

    found = Row(name, work, number, note)
    return found


def bare(number: int) -> Callable[[], Solve]:
    """PyBaMM's public ``solve`` with the list of all inputs a run of tfbsim solves."""
    cell = load_cell(CELL)
    built = engine(cell.structure, SHIPPED).built("current")
    inputs: list[dict[str, Any]] = []
    original = built.solve

    def heard(y: np.ndarray, p: np.ndarray, *how: Any) -> Any:
        initial = {f"Initial: {n}": y[at] for n, at in built.slices.items()}
        inputs.append(dict(zip(built.inputs, p.tolist(), strict=True)) | initial)
        return original(y, p, *how)

    built.solve = heard  # type: ignore[method-assign]
    in_blocks, run.kernel_of = run.kernel_of, lambda *_: None
    run_experiment(experiment(number), numerics=SHIPPED)
    built.solve, run.kernel_of = original, in_blocks  # type: ignore[method-assign]
    wanted = {symbol.name for symbol in built.model.input_parameters}
    for own in inputs:
        own |= {name: 1.0 for name in wanted - own.keys()}  # PyBaMM wants them all
    if len(inputs) != number:
        raise SystemExit("tfbsim solved some points more than once")

    def make() -> Solve:
        solver = pybamm.IDAKLUSolver(
            rtol=SHIPPED.rtol,
            atol=SHIPPED.atol,
            root_tol=1e-10,
            on_extrapolation="ignore",
            options={"compile": SHIPPED.compile, "silence_sundials_errors": True},
        )

        def solve(some_points: np.ndarray) -> np.ndarray:
            some = inputs[: len(some_points)]
            found = solver.solve(built.model, [0, 1], inputs=some)
            charge = [
                s.t[-1] * own[DURATION] * own[CURRENT]
                for s, own in zip(found, some, strict=True)
            ]
            return np.array(charge) / float(cell.area)

        return solve

    return make


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--points", type=int, default=1000, help="a multiple of 25")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    number = 100 if options.quick else options.points
    repeats = 1 if options.quick else options.rounds
    points = conditions(number)
    truth = exact(points)
    drawn = np.random.default_rng(1).permutation(number)

    two, one = (ours(number, workers) for workers in (options.workers, 1))
    two_drawn, one_drawn = (
        ours(number, workers, figures=True, note="figures and report besides")
        for workers in (options.workers, 1)
    )
    tight = ours(
        number, options.workers, NUMERICS, note="at the tolerances of the others"
    )
    every = np.arange(number)
    make = bare(number)
    solver = row(
        "its solver calls alone", make, every, points, "PyBaMM's solve, one list"
    )
    c = row("C, one core", lambda: reference.sweep, every, points, "reference.c")
    plain = row(
        "C, one core, plain elimination",
        lambda: partial(reference.sweep, flags=reference.ONE_END),
        *(every, points, "reference.c with -DONE_END"),
    )
    for code in (two, one, two_drawn, one_drawn, tight):
        code.work()  # models built, matplotlib imported
    codes = [c, plain, two, one, tight, two_drawn, one_drawn, solver]
    missing = []
    for name, peer, share, note in PEERS:
        chosen = drawn[: max(2, number // share)]
        try:
            codes.append(row(name, peer, chosen, points, note))
        except ImportError as error:
            missing.append(f"{name}: not installed ({error})")
    rounds(codes, repeats)

    naive = next(code for code in codes if code.name == "PyBaMM, rebuilt")
    stock = next(code for code in codes if code.note == STOCK)
    rows = [
        (
            *(
                code.name,
                str(code.amount),
                "" if getattr(code, "once", None) is None else f"{code.once:.1f}",
            ),
            *(f"{statistics.median(code.each(k)):.3g}" for k in ("wall", "cpu")),
            spread(code.over(c)),
            code.accuracy(truth) if isinstance(code, Row) else "",
            code.note,
        )
        for code in codes
    ]
    header = ("", "points", "first, s", "ms a point", "of processor", "times C")
    header += ("error", "")
    twos, ones = (two, tight, two_drawn), (one, one_drawn)
    targets = (
        *(("PyBaMM rebuilt over", naive, it, "at least 20") for it in twos),
        *(("PyBaMM rebuilt over", naive, it, "at least 15") for it in ones),
        *(("stock SPM rebuilt over", stock, it, "at least 100") for it in twos),
        *((f"{it.name}, over", it, plain, "at most 6.5") for it in twos),
        *((f"{it.name}, over", it, solver, "at most 1.15") for it in ones),
    )
    text = "\n\n".join(
        (
            table(header, rows),
            f"{repeats} rounds. First: seconds until two points are solved, model built "
            "and compiled. Error: of capacity, relative to the exact solution, median "
            "and 95th percentile of all points, and missed cut-offs. Ratios: smallest, "
            "median and largest of the rounds.",
            table(
                ("ratio", "of wall times", "of processor times", "aim"),
                [
                    (f"{name} {b.name}", spread(a.over(b)), spread(a.over(b, "cpu")), aim)
                    for name, a, b, aim in targets
                ],
            ),
            *missing,
            machine(codes),
        )
    )
    show("sweep", text, options.write)


if __name__ == "__main__":
    main()

"""How the cost of a sweep grows: with points, cores, mesh and curves, to a million.

    python benchmarks/scaling.py                      # 5 minutes if nothing else runs
    python benchmarks/scaling.py --quick

Every run is a process of its own, models built and workers started within it, its result
with figures in a folder on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from problem import NUMERICS, experiment
from side_by_side import Code, Timed, arguments, machine, rounds, show, table

from tfbsim import run_experiment

MILLION = 1_000_000
KEPT = {
    "none": {"cycles": "none"},
    "within 1 mV": {"cycles": "all", "error": "1 mV"},
    "all": {"cycles": "all"},
}


def child(points: int, workers: int, volumes: int, curves: str) -> None:
    """One run in this process; prints what the parent reads."""
    document = experiment(points)
    document.data["curves"] = KEPT[curves]
    numerics = replace(NUMERICS, points=volumes)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "sweep"
        started = time.perf_counter()
        run_experiment(document, numerics=numerics, workers=workers, folder=folder)
        wall = time.perf_counter() - started
        size = sum(path.stat().st_size for path in folder.iterdir())
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(one) for one in who]
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    memory = used[0].ru_maxrss / 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "disk": size, "memory": memory}))


@dataclass
class Run(Code):
    """A sweep of some size; what each run of it answered."""

    workers: int = 1
    volumes: int = NUMERICS.points
    curves: str = "none"
    answers: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> Timed:
        command = [sys.executable, __file__, "--child", str(self.amount)]
        command += [str(self.workers), str(self.volumes), self.curves]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        self.answers.append(json.loads(done.stdout.splitlines()[-1]))
        return Timed(self.answers[-1]["wall"], self.answers[-1]["cpu"])

    @property
    def seconds(self) -> float:
        return statistics.median(a["wall"] for a in self.answers)

    @property
    def cpu(self) -> float:
        """Processor time [s]."""
        return statistics.median(a["cpu"] for a in self.answers)

    @property
    def disk(self) -> float:
        """Of the folder [MB]."""
        return self.answers[-1]["disk"] / 1e6

    @property
    def memory(self) -> float:
        """Most that the process that leads the run held [MiB]."""
        return max(a["memory"] for a in self.answers)

    def row(self) -> tuple[str, ...]:
        return (
            *(str(self.amount), str(self.workers), str(self.volumes), self.curves),
            *(f"{self.seconds:.3g}", f"{1e3 * self.seconds / self.amount:.3g}"),
            *(f"{self.cpu:.3g}", f"{self.disk:.3g}", f"{self.memory:.0f}"),
        )


def plan(quick: bool, largest: int) -> dict[str, list[Run]]:
    """Runs by what they vary; one stands in several."""
    sizes = [50, 75] if quick else [10**k for k in range(2, 7) if 10**k <= largest]
    meshes = (200,) if quick else (50, 200, 400)
    size, many = min(1000, sizes[-1]), min(100_000, sizes[-1])
    found: dict[tuple[Any, ...], Run] = {}

    def run(points: int = size, **settings: Any) -> Run:
        key = (points, *sorted(settings.items()))
        if key not in found:
            found[key] = Run("sweep", lambda: None, points, **settings)
            found[key].work = found[key].run
        return found[key]

    cores = range(1, (os.cpu_count() or 1) + 1)
    return {
        "points": [run(n) for n in sizes],
        "cores": [run(many), *(run(many, workers=n) for n in cores if n > 1)],
        "mesh": [run(), *(run(volumes=n) for n in meshes)],
        "curves": [run(), *(run(curves=kept) for kept in KEPT if kept != "none")],
    }


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--largest", type=int, default=MILLION, help="points")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        *numbers, curves = options.child
        child(*map(int, numbers), curves)
        return
    plans = plan(options.quick, options.largest)
    every = list({id(run): run for runs in plans.values() for run in runs}.values())
    repeats = 1 if options.quick else options.rounds
    rounds(every, repeats)
    header = ("points", "processes", "mesh", "curves kept", "s", "ms a point")
    header += ("processor, s", "disk, MB", "memory, MiB")
    parts = [
        f"By {what}:\n\n{table(header, [run.row() for run in runs])}"
        for what, runs in plans.items()
    ]
    text = "\n\n".join(
        (
            *parts,
            f"Medians of {repeats} rounds; disk is the whole folder of the result, "
            "memory the most the leading process held.",
            machine(every),
        )
    )
    show("scaling", text, options.write)


if __name__ == "__main__":
    main()

"""What a Dask cluster costs a sweep: bytes of a point on the wire, and time of a chunk.

    python benchmarks/cluster.py

Starts a scheduler and two worker processes on this machine.  A chunk's cost is that of a
chunk without work, from its submission until its points are here.  Prints how busy the
machine was.
"""

from __future__ import annotations

import os
import pickle
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tfbsim.experiment.expand import expand
from tfbsim.experiment.experiment import ALL
from tfbsim.numerics import Numerics
from tfbsim.run.cluster import surroundings, work
from tfbsim.run.ledger import Point
from tfbsim.run.run import CaseJob
from tfbsim.run.scheduler import connected

CHUNKS = 30
POINTS = 12


class Idle:
    """A job that does nothing, for points of a given size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, numbers: Sequence[int]) -> list[Point]:
        return [
            Point(f"{n:064d}", f"{n}", None, "", os.urandom(self.size), b"")
            for n in numbers
        ]


def sizes() -> None:
    """Bytes of a pickled point of the shipped sweep, and of the job."""
    cases = expand("thickness-rate-sweep").cases
    job = CaseJob(cases, Numerics.fast())
    print(f"job of {len(cases):,} points: {len(pickle.dumps(job)):,} bytes")
    some = range(0, len(cases), len(cases) // POINTS)
    print(f"point without curves: {len(pickle.dumps(job(some))) / len(some):,.0f} bytes")
    chosen = [replace(cases[k], curves=ALL) for k in some]
    job = CaseJob(
        type("Chosen", (type(cases),), {"__getitem__": lambda s, k: chosen[k]})(
            cases.expansion, cases.plan
        ),
        Numerics.fast(),
    )
    points = job(range(len(chosen)))
    print(f"point with curves: {len(pickle.dumps(points)) / len(points):,.0f} bytes")


def chunks() -> None:
    """Time of chunks without work."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cluster.yaml"
        file.write_text("format: 1\nkind: cluster\nlocal: {workers: 2}\n")
        with connected(str(file)) as connection:
            client = connection.client
            client.wait_for_workers(2)
            for points, size in ((1, 1000), (1000, 1000), (50, 100_000)):
                packed = client.submit(bytes, pickle.dumps(Idle(size)), pure=False)
                times = []
                for _ in range(CHUNKS):
                    started = time.perf_counter()
                    client.submit(
                        work, packed, range(points), surroundings(), pure=False
                    ).result()
                    times.append(1e3 * (time.perf_counter() - started))
                best, middle = min(times), statistics.median(times)
                print(
                    f"chunk of {points:,} points of {size:,} bytes: smallest "
                    f"{best:.1f} ms, median {middle:.1f} ms"
                )


if __name__ == "__main__":
    sizes()
    chunks()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")

"""Cells simulated in several threads of one process have the numbers of one thread."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import tfbsim
from tfbsim.numerics import Numerics
from tfbsim.solver.engine import engine

CELLS = (
    "lco-lipon-li-constant-d",
    "nmc811-lipon-li",
    "lco-lipon-li-raijmakers2020",
    "lco-lipon-steel-ensurge2023",
)
CHARGE = "Charge at 1C for 1 hour or until 4.2 V"
DISCHARGE = "Discharge at 1C until 3.2 V"
NUMERICS = Numerics(points=20, rtol=1e-4)


@pytest.fixture
def impatient():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(scope="module")
def cells():
    loaded = [tfbsim.load_cell(name) for name in CELLS]
    return [
        cell.replace({"cathode.thickness": cell.cathode.thickness * share})
        for share in (0.5, 1.0, 1.3)
        for cell in loaded
    ]


def answers(cell) -> tuple:
    result = tfbsim.simulate(
        cell, [CHARGE, DISCHARGE, "Rest for 1 minute"], numerics=NUMERICS
    )
    row = result.summary.iloc[0].to_dict()
    curves = result.curves["Voltage [V]"].values
    return {k: v for k, v in row.items() if v == v}, curves.tobytes()


@pytest.mark.parametrize("threads", [2, 4, 16])
@pytest.mark.parametrize("built", [True, False], ids=["built", "to be built"])
def test_threads_have_the_numbers_of_one(cells, impatient, threads, built):
    alone = [answers(cell) for cell in cells]
    if not built:
        engine.cache_clear()
    together = in_threads(threads, lambda k: answers(cells[k % len(cells)]), 16)
    assert together == [alone[k % len(cells)] for k in range(16)]
    assert all(row["Outcome"] == "reached" for row, _ in alone)


def in_threads(threads: int, work: Callable[[int], object], times: int) -> list:
    """All begin at once."""
    gate = threading.Barrier(threads)
    with ThreadPoolExecutor(threads, initializer=gate.wait) as pool:
        # An executor starts a thread for a task only where none is idle
        return list(pool.map(work, range(times)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_worker_processes_start_while_another_thread_solves(tmp_path, cells):
    """A child that inherits a lock which a thread holds would wait for ever."""
    done = threading.Event()
    failed = []

    def solve() -> None:
        try:
            while not done.is_set():
                answers(cells[0])
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=solve)
    thread.start()
    try:
        factors = {"cathode.thickness": ["1 um", "2 um", "3 um", "4 um"]}
        swept = [
            tfbsim.sweep(
                CELLS[0], [DISCHARGE], factors, numerics=NUMERICS, workers=workers
            ).summary
            for workers in (1, 2)
        ]
    finally:
        done.set()
        thread.join()
    assert not failed
    assert swept[0].equals(swept[1])


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_thousand_runs_in_eight_threads(cells, impatient):
    alone = [answers(cell) for cell in cells]
    together = in_threads(8, lambda k: answers(cells[k % len(cells)]), 1000)
    assert together == [alone[k % len(cells)] for k in range(1000)]

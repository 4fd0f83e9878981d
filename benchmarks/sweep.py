"""A sweep of discharges beside what else can solve it, at equal accuracy.

    python benchmarks/sweep.py                 # about ... minutes
    python benchmarks/sweep.py --quick
    python benchmarks/sweep.py --points 5000 --rounds 3

The work is the shipped ``thickness-rate-sweep``: 25 thicknesses at 40 rates, each a
discharge to 3.0 V.  tfbsim does all that ``tfbsim run`` does but the figures: reads the
experiment, starts its workers, keeps every point in a ledger on disk and writes the
tables.  The others solve the points and keep the capacities.  Slow ones do a part of the
points, drawn evenly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial

import numpy as np
import peers
import problem
import reference
from problem import NUMERICS, experiment
from side_by_side import Code, arguments, machine, rounds, show, spread, table, timed

from tfbsim.cases import Expanded, expand, run_cases
from tfbsim.files import Document

MEDIAN, P95 = 1e-6, 1e-5  # largest errors of capacity that count as equal accuracy
OURS, BARE = "tfbsim", "its bare solver calls"
C, REBUILT, STOCK = "C", "PyBaMM, rebuilt", "PyBaMM's half-cell SPM, rebuilt"
CAPACITY = "Discharge capacity [uA.h.cm-2]"
PER_UNIT = 3.6e-3 * 1e4 / 1e4  # C/m2 of a uAh/cm2 is 36
PEERS: tuple[tuple[str, Callable[[], peers.Solve], int, str], ...] = (
    ("pydiffsol", peers.pydiffsol, 2, "DiffSL, compiled by LLVM"),
    ("scikit-sundae", peers.scikit_sundae, 4, "CVODE, banded; numba"),
    ("PyBaMM, inputs", peers.pybamm_inputs, 4, "one model, IDAKLU"),
    (REBUILT, peers.pybamm_rebuilt, 20, "a model for each point"),
    (STOCK, peers.stock_spm, 100, "another cell: not the same physics"),
)

"""Measured curves made by the model itself, with noise of a stated size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfbsim.cell.cell import Cell
from tfbsim.data.measured import Measured, Segment
from tfbsim.experiment.expand import Expanded
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import Document

SIGMA_V, SIGMA_Q = 3e-3, 5e-3  # V; of the capacity of the curve: the defaults of a fit


def rate_experiment(
    cell: str, rates: list[str], until: str = "3.0 V", **more: object
) -> Document:
    """Discharges of a cell, one case a rate."""
    content = {
        **{"format": 1, "kind": "experiment", "name": "rates", "cell": cell},
        "steps": [f"Discharge at {{rate}} until {until}"],
        "cases": [{"rate": rate} for rate in rates],
        **more,
    }
    return Document(Path("rates.yaml"), content, {(): 1})


def curves(
    expanded: Expanded, truth: dict[str, object], numerics: Numerics, points: int = 12
) -> list[Measured]:
    """What a cell with true values would give at each case, exactly."""
    found = []
    for case in expanded.cases:
        cell: Cell = case.cell.replace(truth)
        (record,) = run_case(cell, case.protocol, numerics).cycles[0].steps
        assert record.trace is not None
        area = float(cell.area)
        q = record.trace.observed["Discharge capacity [A.h]"] / area
        V = record.trace.observed["Voltage [V]"]
        at = np.linspace(0.02, 1.0, points) * q[-1]
        i = np.full(points, record.step.value / area)
        segment = Segment("discharge", 1, np.interp(at, q, V), i, at, name=case.name)
        found.append(Measured(f"{case.name}.csv", Path(), (segment,)))
    return found


def noisy(
    exact: list[Measured], rng: np.random.Generator, sigma: float = 1.0
) -> list[Measured]:
    """The same with noise in voltage and capacity."""
    found = []
    for file in exact:
        (s,) = file.segments
        V = s.voltage + sigma * SIGMA_V * rng.standard_normal(len(s.voltage))
        error = sigma * SIGMA_Q * s.capacity[-1]
        q = s.capacity + error * rng.standard_normal(len(s.capacity))
        V[-1] = s.voltage[-1]  # the cut-off itself
        order = np.argsort(q)
        q, V = q[order], V[order]
        segment = Segment(s.kind, 1, V, s.current, q, name=s.name)
        found.append(Measured(file.name, file.path, (segment,)))
    return found

"""The data's own current as a protocol: what drives the cell as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..cell.cell import Cell, load_cell
from ..data.measured import HOLD, REST, Array, Segment
from ..errors import InputError
from ..experiment.expand import Expanded, expand
from ..experiment.steps import Step
from ..yaml_file import Document, load, shipped

STEADY = 0.05  # relative spread of a current that counts as constant
BEYOND = 0.5  # V that the data's own current may take the cell beyond the data
PIECES = 400  # constant currents that stand for a varying one


def experiment_or_cell(
    experiment: str | Path | Document | Expanded,
    cell: str | None,
    changes: Mapping[str, str] | None,
    own_current: bool,
) -> tuple[Expanded, bool]:
    """Return the cases that data are put beside, and whether by the data's own current.

    A cell in place of an experiment is one case whose steps do not matter, driven by the
    data's own current.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    if isinstance(experiment, Document | Expanded):
        return expand(experiment, cell, changes), own_current
    name = str(experiment)
    path = shipped("models").get(name, Path(name))
    try:
        is_cell = path.suffix in (".yaml", ".yml") and load(path).data["kind"] == "cell"
    except (InputError, KeyError):
        is_cell = False
    if not is_cell:
        return expand(experiment, cell, changes), own_current
    if cell is not None:
        raise InputError("names the cell already; leave out --cell", name)
    content = {
        **{"format": 1, "kind": "experiment", "name": path.stem},
        **{"cell": name, "steps": ["Rest for 1 second"]},
    }
    document = Document(Path("own-current.yaml"), content, {(): 1})
    return expand(document, None, changes, {name: load_cell(path)}), True


def driven_steps(segment: Segment, segments: Sequence[Segment], cell: Cell) -> list[Step]:
    """Return the measured current of a step as constant currents of the same charge.

    A step without a duration has none: its samples share one time.
    """
    text = f"as measured: {segment.name}"
    low = min(float(s.voltage.min()) for s in segments) - BEYOND
    high = max(float(s.voltage.max()) for s in segments) + BEYOND
    # Never beyond the cell's own limits; a record of another window ends at once
    lowest, highest = cell.voltage_limits
    low, high = (min(max(V, lowest), highest) for V in (low, high))
    t = segment.elapsed
    lasts = max(float(t[-1]), 1e-3)
    if not np.isfinite(t[-1]) or t[-1] <= 0:
        return []
    if segment.kind == REST:
        return [Step(text, "current", 0.0, lasts, True)]
    if segment.kind == HOLD:
        return [Step(text, "voltage", float(np.median(segment.voltage)), lasts, True)]
    steps = []
    for lasts, passed in _pieces(t, segment.capacity, segment.current):
        I = segment.direction * 3600 * passed / lasts * float(cell.area)
        lower, upper = low if I > 0 else None, high if I < 0 else None
        steps.append(Step(text, "current", I, lasts, True, lower=lower, upper=upper))
    return steps


def _pieces(t: Array, q: Array, i: Array) -> list[tuple[float, float]]:
    """Return duration and charge: one if the current is steady, else at most PIECES."""
    size = np.abs(i)
    mean = float(np.mean(size))
    if len(t) < 3 or mean <= 0 or float(np.std(size)) <= STEADY / 5 * mean:
        return [(max(float(t[-1]), 1e-3), float(q[-1]))]
    stride = max(1, -(-len(t) // PIECES))
    at = np.unique(np.append(np.arange(0, len(t), stride), len(t) - 1))
    edges = np.concatenate([[0.0], t[at][t[at] > 0]])
    passed = np.interp(edges, np.append(0.0, t), np.append(0.0, q))
    pieces = np.column_stack([np.diff(edges), np.diff(passed)])
    return [(dt, dq) for dt, dq in pieces.tolist() if dt > 1e-6]


def unlike(segment: Segment, steps: Sequence[Step]) -> float:
    """Return the share of a varying current that constant ones miss, rms over rms."""
    ends = np.cumsum([step.duration for step in steps])
    at = np.minimum(np.searchsorted(ends, segment.elapsed), len(steps) - 1)
    driven = np.array([step.value for step in steps])[at]
    scale = float(np.sum(driven * segment.current)) / float(np.sum(segment.current**2))
    off = driven / scale - segment.current
    return float(np.sqrt(np.mean(off**2) / np.mean(segment.current**2)))

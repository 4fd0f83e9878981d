"""The data's own current as a protocol: what drives the cell as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..cell.cell import Cell, load_cell
from ..data.measured import DISCHARGE, HOLD, REST, Array, Measured, Segment, times
from ..errors import InputError
from ..experiment.cases import Case, Expanded, expand
from ..experiment.steps import Step
from ..yaml_file import Document, load, shipped
from .matching import STEADY, Place

BEYOND = 0.5  # V that the data's own current may take the cell beyond the data
PIECES = 400  # constant currents that stand for a varying one


def experiment_or_cell(
    experiment: str | Path | Document | Expanded,
    cell: str | None,
    changes: Mapping[str, str] | None,
    own_current: bool,
) -> tuple[Expanded, bool]:
    """The cases that data are put beside, and whether by the data's own current.

    Parameters
    ----------
    experiment : str, Path, Document or Expanded
        An experiment; or a cell, which is one case whose steps do not matter.
    cell, changes
        As :func:`expand`.
    own_current : bool
        Whether it was asked for; of a cell, it is.

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


def driven(
    file: Measured, base: Case
) -> tuple[list[Case], list[Place[Segment]], list[tuple[str, str, str]]]:
    """Return the records of a file as cases driven by their own current.

    Parameters
    ----------
    file : Measured
        As read.
    base : Case
        Its cell and its conditioning are theirs.

    Returns
    -------
    list of Case
        One of a whole record; one for each curve of a table, for these do not follow one
        another: each goes from the state at the start.
    list of Place
        Every step of the file.
    list of tuple of str
        File, step and why it cannot drive the cell.
    """
    every = list(file.segments)
    if any(np.isnan(s.current).any() for s in every):
        why = "its current is not stated, so it cannot drive the cell"
        return [], [], [(file.name, s.name, why) for s in every]
    whole = all(s.time is not None for s in every)
    cases, places = [], []
    for record in [every] if whole and every else [[s] for s in every]:
        name = file.name if whole else f"{file.name}, {record[0].name}"
        steps: list[Step] = []
        for segment in record:
            parts = driven_steps(segment, record, base.cell)
            at = tuple(range(len(steps), len(steps) + len(parts)))
            places.append(Place(file.name, segment, name, at))
            steps += parts
        if steps:
            protocol = replace(base.protocol, steps=tuple(steps), cycles=1)
            cases.append(replace(base, name=name, protocol=protocol))
    return cases, places, []


def driven_steps(segment: Segment, segments: Sequence[Segment], cell: Cell) -> list[Step]:
    """Return the measured current of a step as constant currents of the same charge.

    A step without a duration has none: its samples share one time.
    """
    text = f"as measured: {segment.name}"
    low = min(float(s.voltage.min()) for s in segments) - BEYOND
    high = max(float(s.voltage.max()) for s in segments) + BEYOND
    limits = cell.voltage_limits
    # Never beyond the cell's own limits; a record of another window ends at once
    low, high = (min(max(V, limits[0]), limits[1]) for V in (low, high))
    area, t = float(cell.area), times(segment)
    if not np.isfinite(t[-1]) or t[-1] <= 0:
        return []
    if segment.kind == REST:
        return [Step(text, "current", 0.0, max(float(t[-1]), 1e-3), True)]
    if segment.kind == HOLD:
        V = float(np.median(segment.voltage))
        return [Step(text, "voltage", V, max(float(t[-1]), 1e-3), True)]
    q = segment.capacity
    edges = _pieces(t, q, segment.current)
    sign = 1.0 if segment.kind == DISCHARGE else -1.0
    steps = []
    for begun, ended, passed in edges:
        I = sign * 3600 * passed / (ended - begun) * area
        if I == 0:
            steps.append(Step(text, "current", 0.0, ended - begun, True))
            continue
        lower, upper = (low, None) if I > 0 else (None, high)
        lasts = ended - begun
        steps.append(Step(text, "current", I, lasts, True, lower=lower, upper=upper))
    return steps


def unlike(segment: Segment, steps: Sequence[Step]) -> float:
    """Largest share of a varying current that constant ones miss, rms over rms."""
    ends = np.cumsum([step.duration for step in steps])
    at = np.minimum(np.searchsorted(ends, times(segment)), len(steps) - 1)
    driven = np.array([step.value for step in steps])[at]
    scale = float(np.sum(driven * segment.current)) / float(np.sum(segment.current**2))
    off = driven / scale - segment.current
    return float(np.sqrt(np.mean(off**2) / np.mean(segment.current**2)))


def _pieces(t: Array, q: Array, i: Array) -> list[tuple[float, float, float]]:
    """(begin, end, charge passed): one if the current is steady, else at most PIECES."""
    size = np.abs(i)
    mean = float(np.mean(size))
    whole = (0.0, max(float(t[-1]), 1e-3), float(q[-1]))
    if len(t) < 3 or mean <= 0 or float(np.std(size)) <= STEADY / 5 * mean:
        return [whole]
    stride = max(1, -(-len(t) // PIECES))
    at = np.unique(np.append(np.arange(0, len(t), stride), len(t) - 1))
    edges = np.concatenate([[0.0], t[at][t[at] > 0]])
    passed = np.interp(edges, np.append(0.0, t), np.append(0.0, q))
    return [
        (float(a), float(b), float(dq))
        for a, b, dq in zip(edges[:-1], edges[1:], np.diff(passed), strict=True)
        if b - a > 1e-6
    ]

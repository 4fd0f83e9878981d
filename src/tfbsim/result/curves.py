"""The curves of a case, from the records of its cycles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..cell.cell import Cell
from ..physics.mesh import Depths
from ..physics.thin_film_cell import declared_by
from ..solver.records import CycleRecord
from ..solver.trace import ANODE_PROFILE
from . import losses
from .names import NET, THROUGHPUT, factor, named

STOICHIOMETRY, SNAPSHOT_CAPACITY = "Stoichiometry", "Snapshot capacity [uA.h.cm-2]"
SNAPSHOTS = 9  # profiles kept per step, evenly spaced in charge
NONE = xr.Dataset(coords={"cycle": np.empty(0, int)})  # no curves at all
Arrays = dict[str, np.ndarray]


def samples_of(cycle: CycleRecord, cell: Cell, clock: float, error: float) -> Arrays:
    """Return the curve variables of a cycle that begins at a time [s]."""
    area = float(cell.area)
    per_area, per_gram = 1e6 / (area * 1e4), 1 / (area * cell.loading)
    shown = declared_by(cell.structure).curves
    pieces: dict[str, list[np.ndarray]] = {}
    for k, step in enumerate(cycle.steps, start=1):
        trace = step.trace
        if trace is None:
            continue
        observed = trace.observed
        moved = np.abs(observed["Discharge capacity [A.h]"])
        columns = {
            "Time [s]": clock + trace.t,
            "Step number": np.full(trace.t.shape, float(k)),
            "Current density [uA.cm-2]": observed["Current [A]"] / area * 1e2,
            "Step capacity [uA.h.cm-2]": moved * per_area,
            "Step capacity [mA.h.g-1]": moved * per_gram,
            NET: observed["Discharge capacity [A.h]"] * per_area,
            THROUGHPUT: observed["Throughput capacity [A.h]"] * per_area,
            losses.ENERGY_OUT: observed["Discharge energy [W.h]"] * per_area,
            losses.ENERGY_IN: observed["Charge energy [W.h]"] * per_area,
            "Temperature [degC]": observed["Cell temperature [K]"] - 273.15,
        }
        columns |= {named(of): observed[of] * factor(of, area) for of in shown}
        kept = thinned(trace.t, observed["Voltage [V]"], error) if error else slice(None)
        for label, values in columns.items():
            pieces.setdefault(label, []).append(values[kept])
        clock += float(trace.t[-1])
    if not pieces:  # nothing could be done: the variables are there all the same
        names = ["Time [s]", "Step number", "Current density [uA.cm-2]"]
        return {n: np.full(1, np.nan) for n in (*names, *map(named, shown))}
    return {k: np.concatenate(v) for k, v in pieces.items()}


def thinned(t: np.ndarray, V: np.ndarray, error: float) -> np.ndarray:
    """Return a mask of the points to keep for V(t) to be missed nowhere by more.

    Ramer (1972), Douglas and Peucker (1973), with the vertical distance: the point that a
    straight line misses most is kept, until none is missed by more.  The first and last
    are among them.
    """
    kept = np.zeros(len(t), bool)
    kept[[0, -1]] = True
    spans = [(0, len(t) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(t[inner], t[[first, last]], V[[first, last]])
        miss = np.abs(V[inner] - line)
        worst = int(miss.argmax())
        if miss[worst] > error:
            middle = first + 1 + worst
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return kept


def curves_of(
    pieces: Sequence[tuple[int, Arrays, Arrays]], cell: Cell, xi: np.ndarray
) -> xr.Dataset:
    """Return the curves of a case, from the samples and profiles of its cycles."""
    numbers, samples, profiles = zip(*pieces, strict=True)
    # A check-up has its own steps
    most = max(len(of[SNAPSHOT_CAPACITY]) for of in profiles)
    longest = max(len(of["Time [s]"]) for of in samples)
    data: dict[str, object] = {
        name: (("cycle", "sample"), _padded([of.get(name) for of in samples], longest))
        for name in samples[0]
    }
    data["Cathode thickness [um]"] = float(cell.cathode.thickness) * 1e6
    if cell.negative:
        data["Anode thickness [um]"] = float(cell.negative.thickness) * 1e6
    dimensions = ("cycle", "step", "snapshot", "depth")
    for name in profiles[0]:
        values = _padded([of[name] for of in profiles], most)
        data[name] = (dimensions[: values.ndim], values)
    steps = np.arange(1, most + 1)
    return xr.Dataset(data, {"cycle": list(numbers), "step": steps, "depth": xi})


def _padded(arrays: Sequence[np.ndarray | None], length: int) -> np.ndarray:
    """Return arrays above each other, each followed by NaN up to a length."""
    shape = next(a.shape[1:] for a in arrays if a is not None)
    padded = np.full((len(arrays), length, *shape), np.nan)
    for row, values in zip(padded, arrays, strict=True):
        if values is not None:
            row[: len(values)] = values
    return padded


def profiles_of(cycle: CycleRecord, cell: Cell, depths: Depths) -> Arrays:
    """Return x through each film at moments evenly spaced in charge, and that charge."""
    shape = (len(cycle.steps), SNAPSHOTS, len(depths.xi))
    names = [STOICHIOMETRY, *[ANODE_PROFILE] * bool(cell.structure.anode)]
    found = {name: np.full(shape, np.nan) for name in names}
    found[SNAPSHOT_CAPACITY] = np.full(shape[:2], np.nan)
    for k, step in enumerate(cycle.steps):
        if step.trace is None:
            continue
        moved = np.abs(step.trace.observed["Discharge capacity [A.h]"])
        progress = moved if moved[-1] > 0 else step.trace.t
        wanted = np.linspace(0, progress[-1], SNAPSHOTS)
        rows = np.clip(np.searchsorted(progress, wanted), 0, len(progress) - 1)
        found[STOICHIOMETRY][k] = depths(step.trace.profiles[rows])
        if ANODE_PROFILE in found:
            found[ANODE_PROFILE][k] = depths(step.trace.observed[ANODE_PROFILE][rows])
        found[SNAPSHOT_CAPACITY][k] = moved[rows] * 1e6 / (float(cell.area) * 1e4)
    return found

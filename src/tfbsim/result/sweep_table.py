"""The answers of a sweep: as a table, and as arrays over its factors.

A result knows its sweep by its provenance, which holds the experiment; so a result that
was loaded has the answers of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from ..data.curve_table import CASE, CYCLE
from ..experiment.expand import sweep_plan
from ..experiment.provenance import run_of
from ..experiment.sampling import C_RATE, METHODS, Factor
from ..output import PROVENANCE
from .columns import LIMITING, OPTIONAL_COLUMNS, OUTCOME, SHARE, varied_columns

# Templates that the summary has under a name of its own
COLUMNS_OF = {
    C_RATE: ("C-rate", "Charge C-rate"),
    "voltage": ("Lower cut-off [V]", "Upper cut-off [V]"),
}
SAME = 1e-6  # relative; the summary has a rate as a current over another


class Result(Protocol):
    """What is asked of a result here."""

    provenance: dict[str, Any]

    @property
    def answers(self) -> pd.DataFrame: ...
    @property
    def of_a_sweep(self) -> bool: ...


@dataclass(frozen=True)
class Varied:
    """What the sweep of a result varied.

    ``factors`` are by their columns of the summary, in the order of the file, without
    those that ``--set`` gave one value.
    """

    method: str  # one of ``sampling.METHODS``
    factors: dict[str, Factor]
    points: int  # of the plan
    grid: bool  # whether the factors span a grid
    correlated: bool

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return factors at some points, in the units of their columns, shape (points,
        factors)."""
        columns = [factor.displayed[points] for factor in self.factors.values()]
        return np.stack(columns, axis=1)


def sampled(result: Result) -> bool:
    """Return whether the cases of a result are a sample of distributions."""
    content = result.provenance.get("experiment_content", {})
    return content.get("sweep", {}).get("method") in METHODS[2:]


def varied(result: Result) -> Varied | None:
    """Return what the sweep of a result varied, or None if it is of no sweep."""
    plan = None
    if result.of_a_sweep:
        run = run_of(result.provenance, Path(PROVENANCE))
        plan = sweep_plan(run)
    if plan is None:
        return None
    section = result.provenance["experiment_content"]["sweep"]
    table = result.answers
    factors: dict[str, Factor] = {}
    for factor in plan.factors:
        if factor.name not in run.changes:
            factors[_column(factor, table, factors)] = factor
    method = section.get("method", METHODS[0])
    grid = method == "grid" and len(factors) == len(plan.factors)
    correlated = bool(section.get("correlations"))
    return Varied(method, factors, len(plan), grid, correlated)


def _column(factor: Factor, table: pd.DataFrame, taken: Mapping[str, Factor]) -> str:
    """Return the column of the summary that has a factor, or what it would be called."""
    name = factor.scale.column(factor.name)
    if name in table:
        return name
    wanted = factor.displayed[point_of(table)]
    for column in COLUMNS_OF.get(factor.scale.dimension, ()):
        if column in table and column not in taken:
            known = np.isfinite(table[column])
            same = np.isclose(table[column][known], wanted[known], rtol=SAME, atol=0)
            if known.any() and same.all():
                return column
    return name


def point_of(table: pd.DataFrame) -> np.ndarray:
    """Return the point (from 0) of each row, whose number names its case."""
    return table[CASE].astype(int).to_numpy() - 1


def factors(summary: pd.DataFrame) -> list[str]:
    """Return the columns of what varies: the factors, and the conditions that differ."""
    conditions = [c for c in OPTIONAL_COLUMNS if c in summary]
    differ = [c for c in conditions if summary[c].nunique() > 1]
    return [*varied_columns(summary), *differ]


def answers(table: pd.DataFrame, steps: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with the loss that limited the last discharge of each cycle.

    Both tables are copies of their own, whose columns may be added to.
    """
    for name, nothing in ((SHARE, np.nan), (LIMITING, "")):
        if name not in steps:
            steps[name] = nothing
    out = steps["Discharge [uA.h.cm-2]"] >= steps["Charge [uA.h.cm-2]"]
    ends = steps[out & (steps[CYCLE] > 0) & (steps[LIMITING] != "")]
    ends = ends.drop_duplicates([CASE, CYCLE], keep="last")
    found = table[[CASE, CYCLE]].merge(
        ends[[CASE, CYCLE, SHARE, LIMITING]], "left", [CASE, CYCLE]
    )
    table[SHARE] = found[SHARE].to_numpy()
    table[LIMITING] = found[LIMITING].astype(object).fillna("").to_numpy()
    table[OUTCOME] = table.pop(OUTCOME)
    return table


def dataset(result: Result, wanted: Sequence[str] | None = None) -> xr.Dataset:
    """Return the answers of a sweep as arrays with named coordinates.

    Parameters
    ----------
    result : Result
        Of a sweep, whole or in part; of other cases, the dimension is ``case``.
    wanted : sequence of str, optional
        Columns of ``answers``; by default all.

    Returns
    -------
    Dataset
        The columns of ``answers`` with their units.  Of a grid, each factor is a
        dimension, named as its column; of samples and lists side by side, the dimension
        is ``point``, from 1, and the factors are coordinates of it.  ``cycle`` is the
        last dimension if there is more than one.  NaN and "" where a point is not there.

    Examples
    --------
    >>> import tfbsim
    >>> steps = ["Discharge at {rate} until 3 V"]
    >>> factors = {"rate": ["1C", "2C"], "cathode.thickness": ["5 um", "9 um", "12 um"]}
    >>> found = tfbsim.sweep("lco-lipon-li-constant-d", steps, factors).dataset
    >>> dict(found.sizes)
    {'C-rate': 2, 'cathode.thickness [um]': 3}
    >>> found["Limiting loss"].sel({"C-rate": 2, "cathode.thickness [um]": 12}).item()
    'Diffusion in the film'
    """
    table, of = result.answers, varied(result)
    coords: dict[str, object]
    if of is None:
        point, names = pd.factorize(table[CASE])
        sizes, coords = {"case": len(names)}, {"case": names.to_numpy(object)}
        first = table.groupby(CASE, sort=False)[varied_columns(table)].first()
        coords |= {c: ("case", first[c].to_numpy()) for c in first}
    elif of.grid:
        sizes = {c: len(factor.levels) for c, factor in of.factors.items()}
        coords = {c: (c, f.scale.displayed(f.levels)) for c, f in of.factors.items()}
    else:
        sizes, coords = {"point": of.points}, {"point": np.arange(1, of.points + 1)}
        coords |= {c: ("point", f.displayed) for c, f in of.factors.items()}
    if of is not None:
        point = point_of(table)
    points = int(np.prod(list(sizes.values())))
    cycles, turn = np.unique(table[CYCLE].to_numpy(int), return_inverse=True)
    if len(cycles) > 1:
        coords["cycle"] = cycles
        sizes["cycle"] = len(cycles)
    found = xr.Dataset(coords=coords)
    names = table.columns.difference([CASE, CYCLE, *coords], sort=False)
    for name in names if wanted is None else names.intersection(wanted, sort=False):
        number = is_numeric_dtype(table[name].dtype)
        nothing, kind = (np.nan, float) if number else ("", object)
        values = np.full((points, len(cycles)), nothing, kind)
        values[point, turn] = table[name].to_numpy()
        found[name] = (tuple(sizes), values.reshape(tuple(sizes.values())))
    for name, variable in found.variables.items():
        _, bracket, unit = str(name).partition(" [")
        if bracket:
            variable.attrs["units"] = unit.removesuffix("]")
    about = result.provenance
    found.attrs = {k: about[k] for k in ("experiment", "title") if about.get(k)}
    return found

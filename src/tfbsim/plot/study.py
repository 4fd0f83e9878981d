"""What figures are drawn from: the cases of a result in their last cycle, what tells
them apart, and the table of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..data.curve_table import BRANCH, CASE, CYCLE, TIME
from ..result.case import CaseResult
from ..result.columns import OPTIONAL_COLUMNS, varied_columns
from ..result.result import Result
from .style import CELL, key_label, missing, short_names, text

MOST_CASES = 20_000  # looked at; of more, those with curves
AREAL, PER_GRAM = "Discharge capacity [uA.h.cm-2]", "Discharge capacity [mA.h.g-1]"
RATES = ("C-rate", "Charge C-rate")
CURRENT = "[uA.cm-2]"  # of a column: a fixed current


class Study:
    """The cases of a result, in order of value, and what tells them apart."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.samples = samples = result.samples
        groups = samples.groupby([CASE, CYCLE], sort=False) if len(samples) else ()
        self._samples = {(case, int(cycle)): table for (case, cycle), table in groups}
        self._drawn: dict[str, list[int]] = {}
        for case, cycle in self._samples:
            self._drawn.setdefault(case, []).append(cycle)
        table = result.answers
        if len(table) > MOST_CASES:
            table = table[table[CASE].isin(self._drawn)]
        if len(table):
            passed = (table[[AREAL, "Charge capacity [uA.h.cm-2]"]] > 0).any(axis=1)
            keys = table[[CASE, CYCLE]].itertuples(index=False, name=None)
            table = table[passed | np.array([key in self._samples for key in keys])]
        self.cycles = table  # of each case, those in which anything was solved
        last = table.groupby(CASE, sort=False).tail(1) if len(table) else table
        last = self._with_cells(last)
        self.factors = _factors(last) if len(last) else []
        self.rows: list[dict[str, Any]] = last.to_dict("records")
        if not self.named:
            order = {k: n for n, k in enumerate(in_order(map(self.key, self.rows)))}
            self.rows.sort(key=lambda row: order[self.key(row)])

    def _with_cells(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with a column of names of cells, where there are several."""
        if self.result.of_a_sweep or not len(table):
            return table
        names = table[CASE].map({case.name: case.cell for case in self.result.cases})
        if names.nunique() < 2:
            return table
        cells = names.unique().tolist()
        short = dict(zip(cells, short_names(cells), strict=True))
        return table.assign(**{CELL: names.map(short)})

    @cached_property
    def named(self) -> bool:
        """Whether the experiment gives its cases names."""
        listed = self.result.provenance.get("experiment_content", {}).get("cases") or ()
        return any(isinstance(entry, Mapping) and "name" in entry for entry in listed)

    @cached_property
    def labels(self) -> list[str]:
        """A label for each case: its name, or with several cells what tells it apart."""
        told = [key_label(self.factors, self.key(row)) for row in self.rows]
        if CELL in self.factors and len(set(told)) == len(told) and not self.named:
            return told
        return [text(row[CASE]) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column there are."""
        return [v for row in self.rows if not missing(v := row.get(name))]

    def is_numeric(self, name: str) -> bool:
        """Return whether a column has numbers alone."""
        return all(isinstance(v, int | float) for v in self.column(name))

    @cached_property
    def numeric_factors(self) -> list[str]:
        """Factors with three numbers or more."""
        return [
            name
            for name in self.factors
            if name != "Charge C-rate" and self.is_numeric(name)
            if len(set(self.column(name))) >= 3
        ]

    def key(self, row: Mapping[str, Any], without: str = "") -> tuple[Any, ...]:
        """Return the other factors; the rate a fixed current implies is not one."""
        currents = [c for c in self.factors if c.endswith(CURRENT)]
        implied = any(not missing(row.get(c)) for c in currents)
        of_rate = (*RATES, *currents) if without in RATES else RATES if implied else ()
        kept = {f: v for f, v in row.items() if f not in (without, *of_rate)}
        return tuple(
            None if missing(v := kept.get(factor)) else v for factor in self.factors
        )

    def series(self, column: str) -> dict[tuple[Any, ...], list[int]]:
        """Return cases that differ in one quantity only, ordered by it, by their other
        factors."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for k, row in enumerate(self.rows):
            if not missing(row.get(column)):
                found.setdefault(self.key(row, column), []).append(k)
        return {
            key: sorted(found[key], key=lambda k: self.rows[k][column])
            for key in in_order(found)
        }

    # --- Curves ------------------------------------------------------------------------

    def drawn(self, k: int) -> list[int]:
        """Return the cycles of a case that have curves."""
        return self._drawn.get(self.rows[k][CASE], [])

    @cached_property
    def _cases(self) -> dict[str, CaseResult]:
        return {case.name: case for case in self.result.drawn}

    def case(self, k: int) -> CaseResult:
        """Return a case that has curves."""
        return self._cases[self.rows[k][CASE]]

    def run(self, k: int) -> list[int]:
        """Return the longest run of cycles with curves that follow one another."""
        drawn = self.drawn(k)
        ends = [n for n in range(1, len(drawn)) if drawn[n] != drawn[n - 1] + 1]
        runs = [drawn[a:b] for a, b in pairwise([0, *ends, len(drawn)])]
        return max(runs, key=len)

    def of_case(self, k: int) -> pd.DataFrame:
        """Return the samples of that run, in time from its beginning."""
        table = pd.concat([self.cycle(k, cycle) for cycle in self.run(k)])
        later = self.run(k)[0] > self.drawn(k)[0]
        return table.assign(**{TIME: table[TIME] - later * table[TIME].iloc[0]})

    def cycle(self, k: int, cycle: int) -> pd.DataFrame:
        """Return the samples of one cycle."""
        return self._samples[self.rows[k][CASE], cycle]

    def branches(self, k: int, cycle: int | None = None) -> list[pd.DataFrame]:
        """Return charges and discharges of a cycle, by default the last with curves."""
        drawn = self.drawn(k)
        if not drawn:
            return []
        table = self.cycle(k, drawn[-1] if cycle is None else cycle)
        return [b for n, b in table.groupby(BRANCH) if n > 0]

    def last_branch(self, k: int) -> pd.DataFrame | None:
        """Return the last discharge that has curves, or else the last charge."""
        for wanted in (1, -1):
            for cycle in reversed(self.drawn(k)):
                for branch in reversed(self.branches(k, cycle)):
                    if branch["Direction"].iloc[0] == wanted:
                        return branch
        return None

    def last_branches(self) -> dict[int, pd.DataFrame]:
        """Return the last branch of each case that has one, by the number of the case."""
        found = {k: self.last_branch(k) for k in range(len(self.rows))}
        return {k: branch for k, branch in found.items() if branch is not None}

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {str(name): t for name, t in self.cycles.groupby(CASE, sort=False)}

    def table(self, k: int) -> pd.DataFrame:
        """Return the summary of a case, a row for each cycle that was solved."""
        return self._tables[self.rows[k][CASE]]

    def last(self, k: int) -> int:
        """Return the last cycle that was solved."""
        return int(self.rows[k][CYCLE])

    # --- Measured ----------------------------------------------------------------------

    def _loading(self, k: int) -> float:
        """Return the loading [mg/cm2]; NaN if no charge was passed."""
        for name in ("Discharge capacity", "Charge capacity"):
            if (mass := self.rows[k][f"{name} [mA.h.g-1]"]) > 0:
                return float(self.rows[k][f"{name} [uA.h.cm-2]"] / mass)
        return float("nan")

    @cached_property
    def loading(self) -> float | None:
        """The loading [mg/cm2] the cases share, if they do."""
        values = np.array([self._loading(k) for k in range(len(self.rows))])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) > 1e-6 * values[0]:
            return None
        return float(values[0])

    def points(self, k: int) -> Iterator[tuple[str, int, str, float, float]]:
        """Yield measured points: Charge or Discharge, cycle, status, mAh/g, uAh/cm2."""
        for point in self.result.measured:
            quantity = point["Quantity"]
            if point["Case"] != self.rows[k][CASE] or "capacity" not in quantity:
                continue
            value, loading = float(point["Measured"]), self._loading(k)
            mass = value if "g-1" in quantity else value / loading
            which, cycle = quantity.split()[0], int(point["Cycle number"])
            yield which, cycle, point["Status"], mass, mass * loading

    @property
    def measured_by_area(self) -> bool:
        """Whether the measured values are areal."""
        return any("cm-2]" in p["Quantity"] for p in self.result.measured)


def _factors(table: pd.DataFrame) -> list[str]:
    """Return columns in which cases of one cell differ, without those that repeat
    another; the cell before them if there are several."""
    found = [CELL] if CELL in table else []
    cell = pd.factorize(table[CELL])[0] if found else np.zeros(len(table), int)
    codes = [cell]
    conditions = (c for c in OPTIONAL_COLUMNS if c in table)
    for column in map(str, (*varied_columns(table), *conditions)):
        code = pd.factorize(table[column], use_na_sentinel=False)[0]
        code = pd.factorize(cell * (code.max() + 1) + code)[0]
        if any(np.array_equal(code, c) for c in codes):
            continue
        if column == "Charge C-rate" and "C-rate" in found:
            charge = table[column]
            if (charge.isna() | (charge == table["C-rate"])).all():
                continue
        found.append(column)
        codes.append(code)
    return found


def in_order(keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return distinct keys place by place: numbers ascending, words as they come."""
    found = list(dict.fromkeys(keys))
    ranks = []
    for values in map(dict.fromkeys, zip(*found, strict=True)):
        numbers = [v for v in values if isinstance(v, int | float)]
        words = [v for v in values if not isinstance(v, int | float)]
        ranks.append({v: k for k, v in enumerate([*sorted(numbers), *words])})
    return sorted(found, key=lambda key: [r[v] for r, v in zip(ranks, key, strict=True)])

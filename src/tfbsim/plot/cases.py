"""The cases to draw: a row each, in order of value, and what sets them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd

from ..data.curve_table import CASE, CYCLE, TIME
from ..data.measured import Measured
from ..experiment.measured import MeasuredRow
from ..result.columns import OPTIONAL_COLUMNS, varied_columns
from ..result.result import Result
from .labels import CELL, Key, Value, key_label, missing, short_names, text
from .samples import Samples

MOST_CASES = 20_000  # looked at; of more, those with curves
AREAL, PER_GRAM = "Discharge capacity [uA.h.cm-2]", "Discharge capacity [mA.h.g-1]"
RATES = ("C-rate", "Charge C-rate")
CURRENT = "[uA.cm-2]"  # of a column: a fixed current

Row: TypeAlias = Mapping[str, Value]


class Cases:
    """Cases in order of value, by name, in their last cycle.

    Parameters
    ----------
    samples : Samples
        Of those that have curves.
    cycles : DataFrame, optional
        A row for each case and cycle that was solved, with what varies; by default what
        the samples say of them.
    named : bool
        Whether cases are known by their names, and keep their order.
    measured : sequence of mapping
        Measured values, a row each.
    """

    def __init__(
        self,
        samples: Samples,
        cycles: pd.DataFrame | None = None,
        named: bool = True,
        measured: Sequence[MeasuredRow] = (),
    ) -> None:
        if cycles is None:
            every = [(case, n) for case in samples.cases for n in samples.cycles(case)]
            cycles = pd.DataFrame(every, columns=[CASE, CYCLE])
        self.samples, self.cycles, self.named = samples, cycles, named
        self.measured = measured
        last = cycles.groupby(CASE, sort=False).tail(1) if len(cycles) else cycles
        self.factors = _factors(last) if len(last) else []
        rows: dict[str, Row] = {row[CASE]: row for row in last.to_dict("records")}
        self.rows = rows
        if not named:
            order = {key: n for n, key in enumerate(in_order(map(self.key, rows)))}
            by_value = sorted(rows, key=lambda case: order[self.key(case)])
            self.rows = {case: rows[case] for case in by_value}

    @classmethod
    def of(cls, result: Result | Measured) -> Cases:
        """Return the cases of a result in which anything was solved, or a record.

        Curves of a table that has no time do not follow one another: each is a case.
        """
        if isinstance(result, Measured):
            table = result.samples
            if len(table) and table[TIME].isna().all():
                each = "curve " + table[CYCLE].astype(str)
                table = table.assign(**{CASE: each, CYCLE: 1})
            return cls(Samples(table))
        samples, table = Samples(result.samples), result.answers
        if len(table) > MOST_CASES:
            table = table[table[CASE].isin(samples.cases)]
        if len(table):
            passed = (table[[AREAL, "Charge capacity [uA.h.cm-2]"]] > 0).any(axis=1)
            keys = table[[CASE, CYCLE]].itertuples(index=False, name=None)
            drawn = [cycle in samples.cycles(case) for case, cycle in keys]
            table = table[passed | np.array(drawn)]
        if len(table) and not result.of_a_sweep:
            names = table[CASE].map({case.name: case.cell for case in result.cases})
            if names.nunique() > 1:
                cells = names.unique().tolist()
                short = dict(zip(cells, short_names(cells), strict=True))
                table = table.assign(**{CELL: names.map(short)})
        listed = result.provenance.get("experiment_content", {}).get("cases") or ()
        named = any(isinstance(entry, Mapping) and "name" in entry for entry in listed)
        return cls(samples, table, named, result.measured)

    @cached_property
    def labels(self) -> dict[str, str]:
        """A label for each case: its name, or with several cells what tells it apart."""
        by_value = {case: key_label(self.factors, self.key(case)) for case in self.rows}
        apart = CELL in self.factors and len(set(by_value.values())) == len(by_value)
        if apart and not self.named:
            return by_value
        return {case: text(case) for case in self.rows}

    @property
    def drawn(self) -> list[str]:
        """The cases that have curves."""
        return [case for case in self.rows if self.samples.cycles(case)]

    def column(self, name: str) -> list[Value]:
        """Return the values of a column there are."""
        return [v for row in self.rows.values() if not missing(v := row.get(name))]

    def numbers(self, name: str, cases: Iterable[str]) -> np.ndarray:
        """Return the numbers of a column for some cases; NaN where there is none."""
        return np.array([self.rows[case].get(name, np.nan) for case in cases], float)

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

    def key(self, case: str, without: str = "") -> Key:
        """Return the other factors; the rate a fixed current implies is not one."""
        row = self.rows[case]
        currents = [c for c in self.factors if c.endswith(CURRENT)]
        implied = any(not missing(row.get(c)) for c in currents)
        of_rate = (*RATES, *currents) if without in RATES else RATES if implied else ()
        left_out = (without, *of_rate)
        return tuple(
            None if factor in left_out or missing(v := row.get(factor)) else v
            for factor in self.factors
        )

    def series(self, column: str) -> dict[Key, list[str]]:
        """Return cases that differ in one quantity only, ordered by it, by their other
        factors."""
        there = [c for c, row in self.rows.items() if not missing(row.get(column))]
        found: dict[Key, list[str]]
        found = {key: [] for key in in_order(self.key(case, column) for case in there)}
        for n in np.argsort(self.numbers(column, there), kind="stable"):
            found[self.key(there[n], column)].append(there[n])
        return found

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {str(name): t for name, t in self.cycles.groupby(CASE, sort=False)}

    def table(self, case: str) -> pd.DataFrame:
        """Return the summary of a case, a row for each cycle that was solved."""
        return self._tables[case]

    def last(self, case: str) -> int:
        """Return the last cycle that was solved."""
        return int(self.table(case)[CYCLE].iloc[-1])

    def last_branches(self) -> dict[str, pd.DataFrame]:
        """Return the last branch of each case that has one."""
        found = {case: self.samples.last_branch(case) for case in self.rows}
        return {case: branch for case, branch in found.items() if branch is not None}

    # --- Measured ----------------------------------------------------------------------

    def _loading(self, case: str) -> float:
        """Return the loading [mg/cm2]; NaN if no charge was passed."""
        for way in ("Discharge", "Charge"):
            names = f"{way} capacity [uA.h.cm-2]", f"{way} capacity [mA.h.g-1]"
            area, mass = (float(self.numbers(name, [case])[0]) for name in names)
            if mass > 0:
                return area / mass
        return np.nan

    @cached_property
    def loading(self) -> float | None:
        """The loading [mg/cm2] the cases share, if they do."""
        values = np.array([self._loading(case) for case in self.rows])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) > 1e-6 * values[0]:
            return None
        return float(values[0])

    def points(self, case: str, way: str) -> Iterator[tuple[MeasuredRow, float, float]]:
        """Yield measured capacities of a case, per mass [mAh/g] and area [uAh/cm2]."""
        for row in self.measured:
            quantity, value = row["Quantity"], row["Measured"]
            if row["Case"] == case and quantity.startswith(f"{way} capacity"):
                loading = self._loading(case)
                mass = value if "g-1" in quantity else value / loading
                yield row, mass, mass * loading

    @property
    def measured_by_area(self) -> bool:
        """Whether the measured values are areal."""
        return any("cm-2]" in point["Quantity"] for point in self.measured)


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


def in_order(keys: Iterable[Key]) -> list[Key]:
    """Return distinct keys place by place: numbers ascending, words as they come."""
    found = list(dict.fromkeys(keys))
    ranks: list[dict[Value, int]] = []
    for values in map(dict.fromkeys, zip(*found, strict=True)):
        numbers = sorted(v for v in values if isinstance(v, int | float))
        words = [v for v in values if not isinstance(v, int | float)]
        ranks.append({v: k for k, v in enumerate([*numbers, *words])})
    return sorted(found, key=lambda key: [r[v] for r, v in zip(ranks, key, strict=True)])

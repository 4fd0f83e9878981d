"""The one table of samples by case, cycle and branch, measured or simulated alike."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from ..data.curve_table import AREA, BRANCH, CASE, CYCLE, DIRECTION, MASS, TIME


class Samples:
    """Samples of cases, with the cycles that each has of them.

    Parameters
    ----------
    table : DataFrame
        As :func:`tfbsim.result.samples.samples` makes it.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.columns = set(map(str, table))
        groups = table.groupby([CASE, CYCLE], sort=False) if len(table) else ()
        self._tables = {(case, int(cycle)): found for (case, cycle), found in groups}
        self._cycles: dict[str, list[int]] = {}
        self._changes: dict[str, bool] = {}
        for case, cycle in self._tables:
            self._cycles.setdefault(case, []).append(cycle)

    @property
    def per_mass(self) -> bool:
        """Whether charges are there per mass too; measured ones are per area alone."""
        return MASS in self.columns

    @property
    def cases(self) -> list[str]:
        """Names of the cases that have samples."""
        return list(self._cycles)

    def cycles(self, case: str) -> list[int]:
        """Return the cycles of a case that have samples."""
        return self._cycles.get(case, [])

    def of(self, case: str, cycle: int) -> pd.DataFrame:
        """Return the samples of one cycle."""
        return self._tables[case, cycle]

    def run(self, case: str) -> list[int]:
        """Return the longest run of cycles that follow one another."""
        cycles = self.cycles(case)
        ends = [n for n in range(1, len(cycles)) if cycles[n] != cycles[n - 1] + 1]
        runs = [cycles[a:b] for a, b in pairwise([0, *ends, len(cycles)])]
        return max(runs, key=len)

    def of_run(self, case: str) -> pd.DataFrame:
        """Return the samples of that run, in time from its beginning."""
        run = self.run(case)
        table = pd.concat([self.of(case, cycle) for cycle in run])
        later = run[0] > self.cycles(case)[0]
        return table.assign(**{TIME: table[TIME] - later * table[TIME].iloc[0]})

    def branches(self, case: str, cycle: int | None = None) -> list[pd.DataFrame]:
        """Return charges and discharges of a cycle, by default the last."""
        cycles = self.cycles(case)
        if not cycles:
            return []
        table = self.of(case, cycles[-1] if cycle is None else cycle)
        return [b for n, b in table.groupby(BRANCH) if n > 0]

    def changes(self, case: str) -> bool:
        """Return whether the first cycle of a case is worth drawing beside the last."""
        if case not in self._changes:  # each figure asks
            ends = self.cycles(case)[:1] + self.cycles(case)[1:][-1:]
            branches = (self.of(case, n).groupby([DIRECTION, BRANCH])[AREA] for n in ends)
            capacities = [cycle.last().groupby(DIRECTION).sum() for cycle in branches]
            both = pd.concat(capacities, axis=1).fillna(0)
            changed = (np.ptp(both, axis=1) > 2e-3 * both.max(axis=1)).any()
            self._changes[case] = bool(changed)
        return self._changes[case]

    def last_branch(self, case: str) -> pd.DataFrame | None:
        """Return the last discharge, or else the last charge."""
        for wanted in (1, -1):
            for cycle in reversed(self.cycles(case)):
                for branch in reversed(self.branches(case, cycle)):
                    if branch[DIRECTION].iloc[0] == wanted:
                        return branch
        return None

"""How uncertain the answers of a sampled sweep are, and which factors make them so.

Estimators from a design are SALib's (Herman & Usher 2017, doi:10.21105/joss.00097;
Iwanaga et al. 2022, doi:10.18174/sesmo.18155).  With V the variance of an answer y:

    S1 = V[E(y | x_i)]/V            first order: what knowing x_i alone would take away
    ST = E[V(y | all but x_i)]/V    total: what would be left if all but x_i were known
    PAWN = median over slices of x_i of max_y |F(y) - F(y | x_i)|

From a Latin hypercube or Sobol points: S1 as the share of the variance that x_i and a
cosine series of its rank explain (the harmonics of EASI, Plischke 2010,
doi:10.1016/j.ress.2009.11.005), fitted by least squares, less what the harmonics above
show an idle factor to have; and PAWN (Pianosi & Wagener 2018,
doi:10.1016/j.envsoft.2018.07.019), which sees more than the variance.  From Saltelli's
design: S1 and ST (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018).  Intervals are
95 %: of S1 from a sample by a jackknife over groups of points, of a design bootstrapped.
PAWN, which is never 0, stands beside that of a dummy that the answer does not know.

Of independent factors S1 <= ST, and the S1 add up to at most 1.  Of correlated ones S1
and PAWN still say what knowing x_i would tell, but part of that is its partners' doing:
the S1 may add up to more than 1, and a factor that does nothing may have one.  ST has no
meaning then, and Saltelli's design refuses correlations.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pandas as pd
import scipy

from ..data.curve_table import CASE
from .columns import OUTCOME
from .sweep_table import Result, Varied, point_of, sampled, varied

ANSWERS = (
    "Discharge capacity [uA.h.cm-2]",
    "Discharge capacity [mA.h.g-1]",
    "Discharge energy [mW.h.cm-2]",
    "Mean discharge voltage [V]",
)
INDEXED = (ANSWERS[0], *ANSWERS[2:])  # the other differs by the mass alone
PERCENTILES = (5, 25, 50, 75, 95)
INDICES = ("S1", "ST", "PAWN")
DUMMY = "PAWN of a dummy"
RANK = "Rank correlation"
NO_ANSWER = ("solver failed", "skipped", "audit breach")
LEAST = 64  # points that indices are estimated from; base points of a design
FEWEST = 20  # points that have a 5th percentile
MOST_FOR_PAWN = 5000
SLICES = 10
HARMONICS = (4, 10)  # fewest and most
POINTS_EACH = 12  # points a harmonic
FLOOR = 3  # times as many harmonics say what an idle factor would have
GROUPS = 32  # of the jackknife
CONSTANT = 1e-9  # relative spread below which an answer does not vary
SEED = 1


def percentiles(result: Result) -> pd.DataFrame:
    """Return the distribution of each answer over a sample, in the last cycle.

    Each answer is of the points that have it: a cell that delivers nothing has a capacity
    of 0 and no mean voltage.

    Returns
    -------
    DataFrame
        A row for each of ``ANSWERS``: points, mean, standard deviation, percentiles.
        Empty if the result is of no sample, or of fewer than ``FEWEST`` points.
    """
    shares = [f"{p} %" for p in PERCENTILES]
    columns = ["Answer", "Points", "Mean", "Standard deviation", *shares]
    found = sample(result)
    table = pd.DataFrame() if found is None else found[1]
    rows = []
    for name in varying(table, ANSWERS):
        y = table[name].dropna().to_numpy()
        if len(y) >= FEWEST:
            spread = [len(y), y.mean(), y.std(ddof=1), *np.percentile(y, PERCENTILES)]
            rows.append([name, *spread])
    return pd.DataFrame(rows, columns=columns)


def sensitivity(result: Result) -> pd.DataFrame:
    """Return indices of each answer to each factor of a sample, in the last cycle.

    Returns
    -------
    DataFrame
        A row for each answer of ``INDEXED`` that varies and each factor: the indices
        there are, each with the half width of its 95 % interval; the rank correlation
        (Spearman), whose sign says which way; the points they are from.  An answer that
        fewer than ``LEAST`` points have, has none.  Empty if the result is of no sample.
    """
    found = sample(result)
    if found is None:
        return pd.DataFrame()
    of, table = found
    rows = []
    for name in varying(table, INDEXED):
        indices = _indices(of, table, name)
        for k, column in enumerate(of.factors):
            row = {"Answer": name, "Factor": column}
            if indices:
                rows.append(row | {key: values[k] for key, values in indices.items()})
    return pd.DataFrame(rows)


def sample(result: Result) -> tuple[Varied, pd.DataFrame] | None:
    """Return what a sample varied, and the answers in the last cycle of each point that
    was solved; NaN where a point has no such answer."""
    of = varied(result) if sampled(result) else None
    if of is None or not of.factors:
        return None
    table = result.answers.groupby(CASE, sort=False).tail(1)
    there = ~table[OUTCOME].isin(NO_ANSWER)
    return of, table.loc[there].reset_index(drop=True)


def varying(table: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """Return those of the wanted answers that vary."""
    names = [c for c in wanted if c in table and table[c].notna().sum() > 1]
    spread = {c: table[c].max() - table[c].min() for c in names}
    return [c for c in names if spread[c] > CONSTANT * table[c].abs().max()]


def _indices(of: Varied, table: pd.DataFrame, name: str) -> dict[str, np.ndarray]:
    table = table[table[name].notna()]
    point, y = point_of(table), table[name].to_numpy()
    X = of.at(point)
    if of.method == "saltelli":
        whole = np.full(of.points, np.nan)
        whole[point] = y
        blocks = whole.reshape(-1, X.shape[1] + 2)
        blocks = blocks[np.isfinite(blocks).all(axis=1)]
        if len(blocks) < LEAST:
            return {}
        found, used = of_design(blocks.ravel(), X.shape[1]), blocks.size
    elif len(y) < LEAST:
        return {}
    else:
        found, used = of_sample(X, y), len(y)
    found[RANK] = np.array([scipy.stats.spearmanr(x, y).statistic for x in X.T])
    return found | {"Points": np.full(X.shape[1], used)}


# --- Estimators ------------------------------------------------------------------------


def of_sample(X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return first-order and PAWN indices of a sample of any distribution.

    Of at least ``LEAST`` points X, shape (points, factors), and an answer y that varies:
    "S1", its half width "S1 (95 %)", "PAWN" and that of a dummy, each of shape
    (factors,).  PAWN is of at most ``MOST_FOR_PAWN`` points, evenly chosen.
    """
    few = np.unique(np.linspace(0, len(y) - 1, MOST_FOR_PAWN).round().astype(int))
    dummy = np.random.default_rng(SEED).permutation(len(few))
    *moved, floor = (_pawn(x, y[few]) for x in (*X[few].T, dummy))
    first, half = np.array([first_order(x, y) for x in X.T]).T
    found = {"S1": first, "S1 (95 %)": half}
    found |= {"PAWN": moved, DUMMY: np.full(X.shape[1], floor)}
    return {name: np.asarray(values, float) for name, values in found.items()}


def _pawn(x: np.ndarray, y: np.ndarray) -> float:
    """Return the PAWN index of a factor, as SALib: which works out p-values as well."""
    edges = np.quantile(x, np.arange(SLICES + 1) / SLICES)
    slices = [(low <= x) & (x < high) for low, high in pairwise(edges)]
    at = np.sort(y)
    whole = np.searchsorted(at, at, "right") / len(y)
    away = [  # Kolmogorov-Smirnov distance
        np.abs(np.searchsorted(np.sort(y[own]), at, "right") / own.sum() - whole).max()
        for own in slices
        if own.any()
    ]
    return float(np.median(away))


def first_order(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the first-order index of a factor x, and half its 95 % interval."""
    n = len(y)
    terms = int(np.clip(n // POINTS_EACH, *HARMONICS))
    u = (scipy.stats.rankdata(x) - 0.5) / n
    basis = np.cos(np.pi * np.outer(u, np.arange(FLOOR * terms + 1)))
    straight = (x - x.mean()) / (x.std() or 1.0)  # tails that no cosine follows
    rows = np.column_stack([basis, straight, (y - y.mean()) / y.std()])
    order = np.random.default_rng(SEED).permutation(n)
    parts = np.array([rows[k].T @ rows[k] for k in np.array_split(order, GROUPS)])

    def explained(products: np.ndarray, number: int) -> float:
        """Return the share that so many terms explain, from the sums of products."""
        mean = products[0, -1] / products[0, 0]
        total = products[-1, -1] - products[0, 0] * mean**2
        own = [*range(number + 1), -2]
        right = products[own, -1]
        series = np.linalg.lstsq(products[np.ix_(own, own)], right, rcond=None)[0]
        return float((series @ right - products[0, 0] * mean**2) / total)

    def share(products: np.ndarray) -> float:
        low, high = (explained(products, k * terms) for k in (1, FLOOR))
        # What the other factors put into a harmonic, from those above
        return low - (high - low) / (FLOOR - 1) * (terms + 1) / terms

    whole = parts.sum(axis=0)
    without = [share(whole - part) for part in parts]
    error = np.sqrt((GROUPS - 1) * np.var(without))
    return share(whole), float(scipy.stats.t.ppf(0.975, GROUPS - 1) * error)


def of_design(y: np.ndarray, factors: int) -> dict[str, np.ndarray]:
    """Return first-order and total indices from Saltelli's design.

    Of answers in its order, base points times (factors + 2): "S1" and "ST", each of shape
    (factors,), and "... (95 %)", the half widths.
    """
    from SALib.analyze import sobol

    with _contained():
        found = sobol.analyze(
            _problem(factors), y, calc_second_order=False, num_resamples=100, seed=SEED
        )
    names = {"S1": "S1", "S1 (95 %)": "S1_conf", "ST": "ST", "ST (95 %)": "ST_conf"}
    return {name: np.asarray(found[key], float) for name, key in names.items()}


def _problem(factors: int) -> dict[str, object]:
    names = [f"x{k}" for k in range(factors)]
    return {"num_vars": factors, "names": names, "bounds": [[0.0, 1.0]] * factors}


@contextmanager
def _contained() -> Iterator[None]:
    """Contain SALib, which seeds NumPy's common state and warns of what indices show."""
    state = np.random.get_state()  # noqa: NPY002
    with warnings.catch_warnings(record=True):
        np.random.seed(SEED)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002

"""What the data of a fit do not say, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations as pairs_of

import numpy as np
import pandas as pd

from .. import units
from ..comparison.comparison import FAR
from ..data.measured import CHARGE, DISCHARGE
from ..errors import count
from .account import DETERMINED, LOWER, NOT, POORLY, UPPER, WIDE, Account, misfit
from .combinations import Combination, Fixed
from .noise import effective
from .problem import Problem
from .simulated import Simulated
from .targets import Target

_SAID = {
    NOT: "is not determined by these data: every value between its bounds fits within "
    "the errors, the others adjusted",
    UPPER: "has an upper limit only: at most {high:.3g}{unit}, down to its bound",
    LOWER: "has a lower limit only: at least {low:.3g}{unit}, up to its bound",
    POORLY: "is poorly determined: {low:.3g} to {high:.3g}{unit}",
}
CORRELATED = 0.95
# Probability of so small a chi^2, and chi^2 a degree of freedom, below which the stated
# errors are too large
TOO_SMALL, FAR_BELOW = 1e-3, 0.25
SERIES = 0.3  # of the largest offset: within it, they are of one resistance
FEW = 5  # degrees of freedom that say so


def of_noise(
    account: Account, table: pd.DataFrame, statistics: Mapping[str, float]
) -> list[str]:
    """Return what the residuals say of the model and of the stated errors."""
    problem, rho = account.problem, account.problem.rho
    found: list[str] = []
    freedom = statistics["degrees of freedom"]
    if freedom <= 0:
        return found
    share = statistics["chi^2 a degree of freedom"]
    size = math.sqrt(share)
    errors = problem.errors
    stated = f"{1e3 * errors.voltage_error:.3g} mV"
    stated += f" and {100 * errors.capacity_error:.3g} %"
    if any(curve.spectrum is not None for curve in problem.fitted):
        stated += f", {100 * errors.impedance_error:.3g} % of |Z|"
    if misfit(statistics):
        found.append(
            f"the model does not describe these data: chi^2 is {share:.3g} a degree of "
            f"freedom, where errors of {stated} give 1. The model lacks something, none "
            f"of {len(account.searches)} searches met the minimum, or the errors are "
            f"{size:.3g} times the stated ones; until it is known which, no "
            "value is determined"
        )
    if rho:
        rest = max(effective(problem, rho), 1.0)
        found.append(
            f"neighbouring residuals go together (correlation {rho:.2g}): the "
            f"{problem.size} are worth about {rest:.0f}, and the intervals are wider for "
            "it"
        )
        return found
    improbable = statistics["probability of a smaller chi^2"] < TOO_SMALL
    if freedom < FEW or not improbable or share >= FAR_BELOW:
        return found
    parts = []
    both = zip(problem.which, account.minimum.u, account.scatter.std, strict=True)
    for (p, x, std), verdict in zip(both, table["Verdict"], strict=True):
        half = account.scatter.width() * float(std)
        if verdict in (DETERMINED, POORLY) and half < WIDE:
            ends = (p.value(float(x) + side * half) for side in (-1, 1))
            low, high = (units.to_display(v, p.dimension) for v in ends)
            unit = units.display_unit(p.dimension)
            parts.append(f"{p.path} {low:.5g} to {high:.5g} {unit}".strip())
    found.append(
        f"the scatter is {size:.2g} times the stated errors ({stated}), far below "
        "them: the intervals are of the stated ones; the scatter alone"
        + (f" supports {'; '.join(parts)}" if parts else " says no more")
    )
    return found


def of_parameters(
    problem: Problem,
    table: pd.DataFrame,
    correlations: pd.DataFrame,
    combinations: Sequence[Combination],
    constant: Sequence[Fixed],
) -> list[str]:
    """Return which parameters the data do not determine, and what they do of them."""
    found = []
    if problem.size < len(problem.which):
        found.append(
            f"{count(problem.size, 'measured number')} cannot determine "
            f"{count(len(problem.which), 'parameter')}"
        )
    for row in table.to_dict("records"):
        if sentence := _SAID.get(row["Verdict"]):
            unit = f" {row['Unit']}" if row["Unit"] else ""
            low, high = row["Low 95 %"], row["High 95 %"]
            said = sentence.format(low=low, high=high, unit=unit)
            found.append(f"{row['Parameter']} {said}")
    found += [
        f"of {', '.join(c.names[:-1])} and {c.names[-1]} the data determine one "
        f"combination: {c.sentence}; "
        "state one of them, or add data that tell them apart"
        for c in constant
    ]
    named = {name for c in constant for name in c.names}
    for c in combinations:
        large = {name for name, weight in c.weights.items() if abs(weight) > 0.2}
        if not c.determined and len(large) > 1 and not large <= named:
            found.append(
                f"not determined: the combination {c.text} (parts of the range between "
                "the bounds); fix one of them, or add data that tell them apart"
            )
    ended = table["Parameter"][~table["Verdict"].isin([NOT, UPPER, LOWER])]
    for a, b in pairs_of(ended, 2):
        r = float(correlations.loc[a, b])
        if abs(r) > CORRELATED:
            found.append(f"{a} and {b} are correlated ({r:+.3f})")
    return found


def of_searches(curves: pd.DataFrame, statistics: Mapping[str, float]) -> list[str]:
    """Return what could not be simulated, and whether a better minimum is likely."""
    known = [name for name in curves if name.startswith(("Simulated [", "Impedance e"))]
    found = [
        f"{row['Case']}, cycle {row['Cycle number']}: could not be simulated with the "
        "fitted values"
        for row in curves[curves[known].isna().all(axis=1)].to_dict("records")
    ]
    tried = statistics["searches"]
    if tried > 1 and statistics["searches that ended in the best minimum"] == 1:
        found.append(
            f"only one of {tried} searches ended in the best minimum; more --starts may "
            "find a better one"
        )
    return found


def of_starts(
    curves: Sequence[Target], simulated: Sequence[Simulated | None]
) -> list[str]:
    """Return which curves begin far from the simulated ones: from another state of the
    cell, or beyond a resistance that the model has not."""
    found: list[tuple[Target, float]] = []
    for curve, model in zip(curves, simulated, strict=True):
        if model is not None and len(curve.capacity) > 1:
            V = float(np.interp(curve.capacity[0], model.capacity, model.voltage))
            found.append((curve, V - float(curve.voltage[0])))
    if not any(abs(off) > FAR for _, off in found):
        return []
    signs = {DISCHARGE: 1.0, CHARGE: -1.0}
    current = np.array(
        [signs[c.kind] * (c.datum.current_density if c.datum else 0.0) for c, _ in found]
    )
    offs = np.array([off for _, off in found])
    if np.ptp(current) > 0:
        R = float(current @ offs / (current @ current))
        if R > 0 and np.abs(offs - R * current).max() < SERIES * np.abs(offs).max():
            return [
                "the curves begin lower than simulated by what a resistance of "
                f"{1e4 * R:.3g} Ohm.cm2 in series would take: a term that is not fitted?"
            ]
    return [
        f"{curve.source}: the {curve.kind} of {curve.case} is simulated "
        f"{1e3 * off:+.0f} mV from where it begins: it started from another "
        "state; --own-current goes through a record from its start"
        for curve, off in found
        if abs(off) > FAR
    ]

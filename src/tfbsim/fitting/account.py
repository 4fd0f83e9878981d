"""What is known at the best minimum of a fit: parameters, curves, and chi^2, as tables.

A value is called determined where its interval is narrow, other minima were looked for,
and chi^2 is one that the stated errors can give.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2 as chi2_distribution

from .. import units
from ..comparison.residuals import mean_along
from ..data.measured import Array
from .intervals import Interval, Spread, directions
from .noise import effective
from .parameters import Parameter
from .problem import Problem
from .search import FINE_STEP, IMPOSSIBLE, Minimum, agreeing
from .simulated import Simulated
from .targets import CAPACITIES, LIVES, QUANTITIES, Target

# Verdicts on a parameter, from its interval
DETERMINED, POORLY = "determined", "poorly determined"
NOT, UPPER, LOWER = "not determined", "upper limit only", "lower limit only"
MISFIT = "misfit"  # narrow, of a model that does not describe the data
FACTOR = 2.0  # an interval within a factor of this, or 50 %, is determined
WIDE = 0.25  # half an interval over the range: beyond, the bounds do half the work
UNIFORM = 12.0  # inverse variance of what lies anywhere in a range of 1


@dataclass(frozen=True)
class Account:
    """What a fit is written from."""

    problem: Problem  # with the numerics that are stated
    minimum: Minimum  # its best point
    J: Array  # derivatives of its residuals there, shape (residuals, parameters)
    spread: Spread  # with the stated errors at least
    scatter: Spread  # by the scatter of the residuals alone
    intervals: list[Interval]  # of each parameter
    searches: list[Minimum]  # where every search ended


def statistics(account: Account) -> dict[str, float]:
    """Return chi^2 and what it says of the stated errors."""
    problem = account.problem
    r = problem.plain(account.minimum.u)[~problem.aside]
    chi2, freedom = float(r @ r), problem.size - len(problem.which)
    independent = max(effective(problem, problem.rho) - len(problem.which), 0.0)
    share = chi2 / freedom if freedom > 0 else math.nan
    larger, smaller = 1.0, 1.0
    if freedom > 0 and independent > 0:
        larger = float(chi2_distribution.sf(share * independent, independent))
        smaller = float(chi2_distribution.cdf(share * independent, independent))
    return {
        "residuals": problem.size,
        "parameters": len(problem.which),
        "degrees of freedom": freedom,
        "chi^2": chi2,
        "chi^2 a degree of freedom": share,
        "probability of a larger chi^2": larger,
        "probability of a smaller chi^2": smaller,
        "correlation of neighbouring residuals": problem.rho,
        "factor on the stated errors": math.sqrt(account.spread.scale),
        "voltage error stated [mV]": 1e3 * problem.errors.voltage_error,
        "capacity error stated [%]": 100 * problem.errors.capacity_error,
        "searches": len(account.searches),
        "searches that ended in the best minimum": len(
            agreeing(account.searches, freedom)
        ),
        "points": problem.numerics.points,
        "rtol": problem.numerics.rtol,
    }


def misfit(statistics: Mapping[str, float]) -> bool:
    """Return whether chi^2 is one that the stated errors cannot give."""
    return bool(statistics["probability of a larger chi^2"] < IMPOSSIBLE)


def _row(p: Parameter, u: float, interval: Interval, misfit: bool) -> dict[str, object]:
    """Return a parameter's value and interval in its display unit, and the verdict."""

    def end(place: float | None, side: int) -> float:
        if place is None:
            return p.low if side < 0 else p.high
        # A profile is of the numerics of the searches: the value lies in it all the same
        return p.value(side * max(side * place, side * u))

    ends = [(interval.low, interval.high), interval.inner]
    numbers = {
        "Value": p.value(u),
        **{
            f"{word} {level} %": end(place, side)
            for level, places in zip((95, 68), ends, strict=True)
            for word, place, side in zip(("Low", "High"), places, (-1, 1), strict=True)
        },
        **{"Start": p.start, "Lower bound": p.low, "Upper bound": p.high},
    }
    return {
        "Parameter": p.path,
        "Unit": units.display_unit(p.dimension),
        **{name: units.to_display(x, p.dimension) for name, x in numbers.items()},
        "Scale": "log" if p.log else "linear",
        "Verdict": _verdict(p, interval, p.value(u), misfit),
    }


def _verdict(p: Parameter, interval: Interval, value: float, misfit: bool) -> str:
    if interval.low is None:
        return NOT if interval.high is None else UPPER
    if interval.high is None:
        return LOWER
    most = math.log(FACTOR) if p.log else 0.5 * abs(value)
    if interval.half * p.range > most or interval.half > WIDE:
        return POORLY
    return MISFIT if misfit else DETERMINED


def curves_table(account: Account) -> tuple[pd.DataFrame, list[Simulated | None]]:
    """Return the errors of every curve, with intervals, and what is simulated."""
    problem, u = account.problem, account.minimum.u
    ends = problem.around(u, FINE_STEP, central=True)
    steps = np.array([(high - low).sum() for low, high in ends])
    every = [place for pair in ends for place in pair]
    simulated, *others = problem.simulate_all([u, *every], problem.curves)
    # A direction that the data leave open goes as far as the bounds
    s, Vt = directions(account.J)
    root = Vt.T / np.sqrt(s**2 / account.spread.scale + UNIFORM)
    width = account.spread.width()
    rows = []
    for curve, model, *beside in zip(problem.curves, simulated, *others, strict=True):
        row = _errors(curve, model)
        half = half_V = math.nan
        known = [_predicted(curve, m) for m in beside if m is not None]
        if len(known) == len(beside):
            q, V = np.array([q for q, _ in known]), np.array([V for _, V in known])
            half = width * float(np.linalg.norm((q[1::2] - q[::2]) / steps @ root))
            if len(curve.capacity):
                off = ((V[1::2] - V[::2]) / steps[:, None]).T @ root
                square = (width * np.linalg.norm(off, axis=1)) ** 2
                half_V = 1e3 * math.sqrt(mean_along(square, curve.capacity))
        if math.isnan(curve.end) and math.isnan(curve.end_voltage):
            half = math.nan  # the data's own current passes what it passes
        middle = 100 * _charge(curve, model)
        row["Simulated, low 95 % [uA.h.cm-2]"] = middle - 100 * half
        row["Simulated, high 95 % [uA.h.cm-2]"] = middle + 100 * half
        row["Simulated voltage, half of 95 % [mV]"] = half_V
        row["Source"] = curve.source
        rows.append(row)
    return pd.DataFrame(rows), simulated


def _charge(curve: Target, model: Simulated | None) -> float:
    """Return the charge at the end of a curve [A.h.m-2]; NaN where it has none."""
    if model is None or curve.kind not in CAPACITIES:
        return math.nan
    return model.charge_at(curve.end_voltage)


def _predicted(curve: Target, model: Simulated) -> tuple[float, Array]:
    """Return the charge at the end of a curve, and the voltages at its points."""
    V = np.empty(0)
    if len(curve.capacity):
        V = np.interp(curve.capacity, model.capacity, model.voltage)
    return model.charge_at(curve.end_voltage), V


def _errors(curve: Target, model: Simulated | None) -> dict[str, object]:
    """Return how far the model is from one measured curve."""
    words, unit, factor = QUANTITIES[curve.kind]
    # Of a record that ended before its cut-off, the charge at its last voltage
    measured = curve.end
    if not math.isfinite(measured) and math.isfinite(curve.end_voltage):
        measured = float(curve.capacity[-1])
    row: dict[str, object] = {
        "Case": curve.label or curve.case,
        "Cycle number": curve.cycle,
        "Quantity": words,
        "Role": "held out" if curve.held_out else "fitted",
        "Points": len(curve.capacity),
        "Voltage error, rms [mV]": math.nan,
        "Voltage error, largest [mV]": math.nan,
        "Measured [uA.h.cm-2]": math.nan if curve.kind in LIVES else 100 * measured,
        "Simulated [uA.h.cm-2]": 100 * _charge(curve, model),
        "Capacity error [%]": math.nan,
    }
    if model is None:
        return row
    if curve.spectrum is not None and model.Z is not None:
        off = np.abs(model.Z / curve.spectrum.impedance - 1)
        row["Points"] = len(off)
        row["Impedance error, rms [%]"] = 100 * float(np.sqrt(np.mean(off**2)))
        row["Impedance error, largest [%]"] = 100 * float(off.max())
        return row
    end = model.charge_at(curve.end_voltage)
    error = 100 * (end / measured - 1) if measured > 0 else math.nan
    if curve.kind in LIVES:
        row[f"Measured [{unit}]"] = factor * measured
        row[f"Simulated [{unit}]"] = factor * end
        row["Error [%]"] = error
        return row
    row["Capacity error [%]"] = error
    within = curve.capacity <= (model.capacity[-1] if len(model.capacity) else 0.0)
    if within.any():
        q = curve.capacity[within]
        V = np.interp(q, model.capacity, model.voltage)
        off = 1e3 * (V - curve.voltage[within])
        row["Points"] = int(within.sum())
        row["Voltage error, rms [mV]"] = math.sqrt(mean_along(off**2, q))
        row["Voltage error, largest [mV]"] = float(off[np.argmax(np.abs(off))])
    return row


def parameters_table(account: Account, misfit: bool) -> pd.DataFrame:
    """Return a row for each parameter: value, intervals, start, bounds, verdict."""
    each = zip(account.problem.which, account.minimum.u, account.intervals, strict=True)
    return pd.DataFrame([_row(p, float(x), i, misfit) for p, x, i in each])

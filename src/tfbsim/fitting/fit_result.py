"""What a fit found: values, how well the data determine them, and how well it describes.

Intervals are linearised: the covariance is s^2 (J^T J)^-1 at the minimum, J the Jacobian
of the weighted residuals, s^2 = max(1, chi^2/(residuals - parameters)), so that a misfit
larger than the stated errors widens them; Student's t where s^2 comes from the residuals.
Where that interval is wide or reaches a bound it is replaced by that of the profile
likelihood (the others fitted anew at each value), which may have no end on a side.
Identifiability is the singular values of J over the range between the bounds: a
combination whose 95 % interval is as wide as the bounds is not determined by the data.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from .. import units
from ..cell.cell import Cell
from ..cell.cell import tables as tables_of
from ..comparison.pairing import FAR
from ..experiment.provenance import provenance
from ..output import Output
from ..result.csv_file import csv
from ..version import __version__
from .fit import (
    COLUMNS,
    Curve,
    Minimum,
    Parameter,
    Problem,
    Simulated,
    agreeing,
    profile_ends,
    with_values,
)

if TYPE_CHECKING:
    from ..experiment.cases import Expanded

Array = np.ndarray
Profile = Callable[[], tuple[float | None, float | None]]
LEVEL = 0.95
# Verdicts on a parameter, from its interval
DETERMINED, POORLY = "determined", "poorly determined"
NOT, UPPER, LOWER = "not determined", "upper limit only", "lower limit only"
FACTOR = 2.0  # an interval within a factor of this, or 50 %, is determined
CORRELATED = 0.95
NARROW = 0.25  # half an interval over the range: beyond, the bounds do half the work
PARAMETERS, CURVES, FIT, REPORT = "fit.csv", "fit-curves.csv", "fit.json", "report.html"


@dataclass(frozen=True)
class Combination:
    """A direction in the space of the parameters, and how well it is known.

    Parameters
    ----------
    weights : dict
        Parameter to its part, of unit length in all, in the range between the bounds.
    singular_value : float
        Of the Jacobian in that direction, over the whole range.
    half_width : float
        Of its 95 % interval, as a share of the range.
    """

    weights: dict[str, float]
    singular_value: float
    half_width: float

    @property
    def determined(self) -> bool:
        """Whether its interval is narrower than the bounds."""
        return self.half_width < 0.5

    @property
    def text(self) -> str:
        """Its larger parts, as ``+0.71 a, -0.70 b``."""
        parts = sorted(self.weights.items(), key=lambda item: -abs(item[1]))
        parts = [(name, w) for name, w in parts if abs(w) > 0.2] or parts[:1]
        return ", ".join(f"{w:+.2f} {name}" for name, w in parts)


@dataclass(frozen=True)
class Fit:
    """A fit: parameters, intervals, identifiability, errors of every curve, and the cell.

    Parameters
    ----------
    cell : Cell
        With the fitted values.
    parameters : DataFrame
        A row each: value, 95 % interval, start, bounds, verdict.
    curves : DataFrame
        A row for each measured curve: fitted or held out, errors.
    correlations : DataFrame
        Of the parameters, from the covariance.
    combinations : list of Combination
        From the best determined to the worst.
    warnings : list of str
        What the data do not say.
    notes : list of str
        What was done with the data.
    statistics : dict
        Residuals, chi^2, factor on the errors, searches, evaluations.
    measured, simulated
        Curves as fitted to, and the model's beside them.
    """

    cell: Cell
    base: Cell
    parameters: pd.DataFrame
    curves: pd.DataFrame
    correlations: pd.DataFrame
    combinations: list[Combination]
    warnings: list[str]
    notes: list[str]
    statistics: dict[str, Any]
    measured: list[Curve]
    simulated: list[Simulated | None]
    which: list[Parameter]
    errors: tuple[float, float]
    experiment: str
    unreadable: list[str]
    provenance: dict[str, Any]

    @classmethod
    def from_minimum(
        cls,
        problem: Problem,
        minimum: Minimum,
        J: Array,
        quick: Problem,
        minima: Sequence[Minimum],
        expanded: Expanded,
        base: Cell,
        notes: Sequence[str],
        unreadable: Sequence[str] = (),
        command: str = "",
    ) -> Fit:
        """The account of a minimum.

        Parameters
        ----------
        problem : Problem
            At the numerics that are stated.
        minimum : Minimum
            Its best point.
        J : ndarray, shape (residuals, parameters)
            Derivatives of the weighted residuals there by the place between the bounds.
        quick : Problem
            The same at the numerics of the searches.
        minima : sequence of Minimum
            Where every search ended, with those.
        """
        which = problem.which
        spread, width, scale, freedom = uncertainty(J, minimum.chi2)
        simulated = problem.simulate(minimum.u, problem.curves)
        best = min(minima, key=lambda m: m.chi2)
        excess = width**2 * scale
        rows = []
        for k, (p, s) in enumerate(zip(which, spread.std, strict=True)):
            u = float(minimum.u[k])
            profile = partial(profile_ends, quick, best, k, excess)
            rows.append(_row(p, u, _interval(u, float(s) * width, profile)))
        names = [p.path for p in which]
        combinations = _combinations(J, names, math.sqrt(scale) * width)
        statistics = {
            "residuals": len(J),
            "parameters": len(which),
            "degrees of freedom": freedom,
            "chi^2": minimum.chi2,
            "factor on the stated errors": math.sqrt(scale),
            "voltage error stated [mV]": 1e3 * problem.sigma_V,
            "capacity error stated [%]": 100 * problem.sigma_q,
            "searches": len(minima),
            "searches that ended in the best minimum": len(agreeing(minima, freedom)),
            "points": problem.numerics.points,
            "rtol": problem.numerics.rtol,
        }
        table = pd.DataFrame(rows)
        curves = pd.DataFrame(
            [_errors(c, m) for c, m in zip(problem.curves, simulated, strict=True)]
        )
        correlations = pd.DataFrame(spread.correlation, names, names)
        return cls(
            cell=with_values(base, which, problem.values(minimum.u)),
            base=base,
            parameters=table,
            curves=curves,
            correlations=correlations,
            combinations=combinations,
            warnings=[
                *_elsewhere(problem.curves, simulated),
                *_warnings(table, correlations, combinations, curves, statistics),
            ],
            notes=list(notes),
            unreadable=list(unreadable),
            statistics=statistics,
            measured=problem.curves,
            simulated=simulated,
            which=which,
            errors=(problem.sigma_V, problem.sigma_q),
            experiment=_name(expanded),
            provenance=provenance(
                expanded.document,
                expanded.cells,
                problem.numerics,
                expanded.cell,
                expanded.changes,
                command,
            ),
        )

    @property
    def as_asked(self) -> bool:
        """Whether every file could be read and every curve be simulated."""
        return not self.unreadable and all(m is not None for m in self.simulated)

    def error(self, role: str) -> dict[str, float]:
        """rms errors over the curves of a role, "fitted" or "held out"."""
        mine = self.curves[self.curves["Role"] == role]
        V, q = mine["Voltage error, rms [mV]"], mine["Capacity error [%]"]
        n = mine["Points"]
        known = V.notna()
        mean = float((V[known] ** 2 * n[known]).sum() / max(n[known].sum(), 1))
        return {
            "voltage [mV]": math.sqrt(mean) if known.any() else math.nan,
            "capacity [%]": float(np.sqrt((q.dropna() ** 2).mean()))
            if q.notna().any()
            else math.nan,
        }

    def plot(self) -> dict[str, Any]:
        """Matplotlib figures by name."""
        return resolve_name("tfbsim.plot.fit:figures")(self)

    def save(self, folder: str | Path) -> Path:
        """Write tables, figures, report and the fitted cell; returns the cell's path."""
        output = Output(folder)
        output.write(PARAMETERS, csv(self.parameters, None), len(self.parameters))
        output.write(CURVES, csv(self.curves, None), len(self.curves))
        output.write(FIT, json.dumps(self.as_dict(), indent=1, default=str))
        for name, text in self.cell.written.tables.items():
            output.write(name, text)
        path = output.write(f"{self.experiment}-fitted.yaml", cell_file(self))
        output.seal(self.provenance, drawn=True)
        resolve_name("tfbsim.report.fit:write_report")(self, output.folder)
        return path

    def as_dict(self) -> dict[str, Any]:
        """All numbers, as fit.json has them."""
        return {
            "tfbsim": __version__,
            "experiment": self.experiment,
            "parameters": _records(self.parameters),
            "correlations": self.correlations.to_dict(),
            "combinations": [
                {
                    "weights": c.weights,
                    "singular value": c.singular_value,
                    "half-width of the 95 % interval over the range": c.half_width,
                    "determined": c.determined,
                }
                for c in self.combinations
            ],
            "curves": _records(self.curves),
            "errors": {role: self.error(role) for role in ("fitted", "held out")},
            "statistics": self.statistics,
            "warnings": self.warnings,
            "notes": self.notes,
            "unreadable": self.unreadable,
            "provenance": self.provenance,
        }


def _name(expanded: Expanded) -> str:
    """The experiment's file; of a cell in its place, the cell's."""
    stem = expanded.document.path.stem
    return expanded.experiment.name if stem == "own-current" else stem


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            str(k): None if isinstance(v, float) and not math.isfinite(v) else v
            for k, v in row.items()
        }
        for row in table.to_dict("records")
    ]


# --- Statistics --------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """Standard deviations [of the range] and correlations of the parameters."""

    std: Array
    correlation: Array


def uncertainty(J: Array, chi2: float) -> tuple[Spread, float, float, int]:
    """Spread of the parameters, the factor of a 95 % interval, s^2, degrees of freedom.

    Parameters
    ----------
    J : ndarray, shape (residuals, parameters)
        Of the weighted residuals.
    chi2 : float
        Sum of their squares.
    """
    freedom = len(J) - J.shape[1]
    scale = max(1.0, chi2 / freedom) if freedom > 0 else 1.0
    _, s, Vt = np.linalg.svd(J, full_matrices=True)
    s = np.concatenate([s, np.zeros(len(Vt) - len(s))])
    inverse = 1 / np.maximum(s, 1e-6 * max(float(s.max(initial=0.0)), 1e-6))
    covariance = (Vt.T * inverse**2) @ Vt * scale
    std = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(std, std)
    width = (
        float(t.ppf(0.5 + LEVEL / 2, freedom)) if scale > 1 else float(norm.ppf(0.975))
    )
    return Spread(std, correlation), width, scale, freedom


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, as places between the bounds; None where the data set no end."""

    low: float | None
    high: float | None

    @property
    def half(self) -> float:
        """Half its width, over the range."""
        low = 0.0 if self.low is None else self.low
        return ((1.0 if self.high is None else self.high) - low) / 2


def _interval(u: float, half: float, profile: Profile) -> Interval:
    """Linearised where that is narrow and inside the bounds; else from the profile."""
    if half <= NARROW and u - half > 0 and u + half < 1:
        return Interval(u - half, u + half)
    return Interval(*profile())


def _row(p: Parameter, u: float, interval: Interval) -> dict[str, Any]:
    """A parameter's value and interval in its display unit, and the verdict on it."""
    value = p.value(u)
    low = p.low if interval.low is None else p.value(interval.low)
    high = p.high if interval.high is None else p.value(interval.high)

    def shown(number: float) -> float:
        return units.to_display(number, p.dimension)

    return {
        "Parameter": p.path,
        "Unit": units.display_unit(p.dimension),
        "Value": shown(value),
        "Low 95 %": shown(low),
        "High 95 %": shown(high),
        "Start": shown(p.start),
        "Lower bound": shown(p.low),
        "Upper bound": shown(p.high),
        "Scale": "log" if p.log else "linear",
        "Verdict": _verdict(p, interval, value),
    }


def _verdict(p: Parameter, interval: Interval, value: float) -> str:
    if interval.low is None and interval.high is None:
        return NOT
    if interval.low is None:
        return UPPER
    if interval.high is None:
        return LOWER
    if p.log:
        narrow = interval.half * p.range <= math.log(FACTOR)
    else:
        narrow = interval.half * p.range <= 0.5 * abs(value)
    return DETERMINED if narrow and interval.half <= NARROW else POORLY


def _combinations(J: Array, names: Sequence[str], width: float) -> list[Combination]:
    _, s, Vt = np.linalg.svd(J, full_matrices=True)
    s = np.concatenate([s, np.zeros(len(Vt) - len(s))])
    found = []
    for value, direction in zip(s, Vt, strict=True):
        sign = 1.0 if direction[np.argmax(np.abs(direction))] > 0 else -1.0
        weights = dict(zip(names, (sign * direction).tolist(), strict=True))
        half = width / value if value > 0 else math.inf
        found.append(Combination(weights, float(value), half))
    return found


def _errors(curve: Curve, model: Simulated | None) -> dict[str, Any]:
    """How far the model is from one measured curve."""
    row: dict[str, Any] = {
        "Case": curve.label or curve.case,
        "Cycle number": curve.cycle,
        "Quantity": COLUMNS[curve.kind],
        "Role": "held out" if curve.held_out else "fitted",
        "Points": len(curve.capacity),
        "Voltage error, rms [mV]": math.nan,
        "Voltage error, largest [mV]": math.nan,
        "Measured [uA.h.cm-2]": 100 * curve.end,
        "Simulated [uA.h.cm-2]": math.nan,
        "Capacity error [%]": math.nan,
        "Source": curve.source,
    }
    if model is None:
        return row
    row["Simulated [uA.h.cm-2]"] = 100 * model.end
    if math.isfinite(curve.end):
        row["Capacity error [%]"] = 100 * (model.end / curve.end - 1)
    within = curve.capacity <= (model.capacity[-1] if len(model.capacity) else 0.0)
    if within.any():
        q = curve.capacity[within]
        V = np.interp(q, model.capacity, model.voltage)
        off = 1e3 * (V - curve.voltage[within])
        row["Points"] = int(within.sum())
        # Over the charge: points crowd where the curve is steep
        span = float(np.ptp(q))
        mean = np.trapezoid(off**2, q) / span if span > 0 else np.mean(off**2)
        row["Voltage error, rms [mV]"] = float(np.sqrt(mean))
        row["Voltage error, largest [mV]"] = float(off[np.argmax(np.abs(off))])
    return row


def _warnings(
    table: pd.DataFrame,
    correlations: pd.DataFrame,
    combinations: Sequence[Combination],
    curves: pd.DataFrame,
    statistics: dict[str, Any],
) -> list[str]:
    """What the data do not say, each in a sentence."""
    found = []
    if statistics["degrees of freedom"] < 0:
        found.append(
            f"{statistics['residuals']} numbers cannot determine "
            f"{statistics['parameters']} parameters"
        )
    for row in table.to_dict("records"):
        name, verdict = row["Parameter"], row["Verdict"]
        unit = f" {row['Unit']}" if row["Unit"] else ""
        if verdict == NOT:
            found.append(
                f"{name} is not determined by these data: every value between its bounds "
                "fits within the errors, the others adjusted"
            )
        elif verdict == UPPER:
            found.append(
                f"{name} has an upper limit only: at most {row['High 95 %']:.3g}{unit}, "
                "down to its bound"
            )
        elif verdict == LOWER:
            found.append(
                f"{name} has a lower limit only: at least {row['Low 95 %']:.3g}{unit}, "
                "up to its bound"
            )
        elif verdict == POORLY:
            found.append(
                f"{name} is poorly determined: {row['Low 95 %']:.3g} to "
                f"{row['High 95 %']:.3g}{unit}"
            )
    found += [
        f"not determined: the combination {c.text} (parts of the range between the "
        "bounds); fix one of them, or add data that tell them apart"
        for c in combinations
        if not c.determined and sum(abs(w) > 0.2 for w in c.weights.values()) > 1
    ]
    names = [str(name) for name in correlations]
    values = correlations.to_numpy(dtype=float)
    poor = table["Verdict"].isin([NOT, UPPER, LOWER])
    open_ended = set(table.loc[poor, "Parameter"])
    for i, a in enumerate(names):
        for j, b in enumerate(names[i + 1 :], i + 1):
            r = float(values[i, j])
            if abs(r) > CORRELATED and not open_ended & {a, b}:
                found.append(f"{a} and {b} are correlated ({r:+.3f})")
    failed = curves[curves["Simulated [uA.h.cm-2]"].isna()]
    found += [
        f"{row['Case']}, cycle {row['Cycle number']}: could not be simulated with the "
        "fitted values"
        for row in failed.to_dict("records")
    ]
    best, tried = (
        statistics[k] for k in ("searches that ended in the best minimum", "searches")
    )
    if tried > 1 and best == 1:
        found.append(
            f"only one of {tried} searches ended in the best minimum; more --starts may "
            "find a better one"
        )
    return found


def _elsewhere(
    curves: Sequence[Curve], simulated: Sequence[Simulated | None]
) -> list[str]:
    """Curves that begin far from the simulated ones: from another state of the cell."""
    found = []
    for curve, model in zip(curves, simulated, strict=True):
        if model is None or len(curve.capacity) < 2:
            continue
        off = float(np.interp(curve.capacity[0], model.capacity, model.voltage))
        off -= float(curve.voltage[0])
        if abs(off) > FAR:
            found.append(
                f"{curve.source}: the {curve.kind} of {curve.case} is simulated "
                f"{1e3 * off:+.0f} mV from where it begins: it started from another "
                "state; --own-current goes through a record from its start"
            )
    return found


# --- The cell file -----------------------------------------------------------------


def cell_file(found: Fit) -> str:
    """The fitted cell as a file, the origin of every fitted value in it."""
    from ruamel.yaml import YAML

    content = found.base.written.content
    rows = _records(found.parameters)
    for p, row in zip(found.which, rows, strict=True):
        *parents, last = p.path.split(".")
        here: Any = content
        for key in parents:
            here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
        value = _si(row["Value"], p)
        written: Any = p.text(value, 6)
        if p.dimension == "dimensionless":
            written = float(f"{value:.6g}")
        here[int(last) if isinstance(here, list) else last] = written
        content.setdefault("origin", {})[p.path] = _origin(found, p, row)
    if "cathode.thickness" in (p.path for p in found.which):
        density = found.cell.one_c_current_density
        content["one_c"] = units.text(density, "current density", 6)
    reference = content.get("reference_temperature")
    if reference == content.get("temperature"):
        content.pop("reference_temperature", None)
    yaml = YAML()
    yaml.width = 88
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_plain(content), stream)
    used = tables_of(content)
    head = (
        f"# Fitted by `tfbsim fit {found.experiment}`, tfbsim {__version__}; fit.csv\n"
        "# and fit.json beside this file have intervals, correlations and errors.\n"
    )
    if used:
        head += f"# Needs {', '.join(used)} beside it.\n"
    return head + stream.getvalue()


def _si(shown: float, p: Parameter) -> float:
    if p.dimension == "temperature":
        return shown + units.ZERO_CELSIUS
    return shown / units.DISPLAY[p.dimension][1]


def _plain(content: Any) -> Any:
    """Numbers that are SI from Python, which a file cannot hold, stay as they are."""
    if isinstance(content, dict):
        return {k: _plain(v) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(v) for v in content]
    return content.item() if isinstance(content, np.generic) else content


def _origin(found: Fit, p: Parameter, row: dict[str, Any]) -> str:
    """Where a fitted value comes from, in a sentence."""
    sources = list(dict.fromkeys(c.source for c in found.measured if not c.held_out))
    cases = list(dict.fromkeys(c.case for c in found.measured if not c.held_out))
    unit = f" {row['Unit']}" if row["Unit"] else ""
    interval = f"{row['Low 95 %']:.4g} to {row['High 95 %']:.4g}{unit}"
    word = "" if row["Verdict"] == DETERMINED else f"; {row['Verdict']}"
    return (
        f"fitted (tfbsim fit {found.experiment}): 95 % interval {interval}{word}; to "
        f"{', '.join(cases[:8])} of {', '.join(filter(None, sources[:4])) or 'the data'}"
    )

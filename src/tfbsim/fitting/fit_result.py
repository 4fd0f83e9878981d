"""What a fit found: values, how well the data determine them, and how well it describes.

A value is called determined where its interval is narrow, other minima were looked for,
and chi^2 is one that the stated errors can give.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations as pairs_of
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML
from scipy.stats import chi2 as chi2_distribution

from .. import units
from ..cell.cell import Cell
from ..cell.cell import tables as tables_of
from ..cell.fitted import Datum
from ..comparison.comparison import FAR
from ..comparison.residuals import mean_along
from ..data.measured import CHARGE, DISCHARGE, Array
from ..errors import count
from ..experiment.expand import Expanded
from ..output import Output
from ..result.csv_file import csv
from ..version import __version__
from ..yaml_file import block
from .combinations import Combination, Fixed, combinations, fixed
from .intervals import Interval, Spread, directions
from .noise import effective
from .parameters import Parameter, changed, with_values
from .problem import Problem, Simulated
from .search import FINE_STEP, IMPOSSIBLE, Minimum, agreeing
from .targets import CAPACITIES, LIVES, QUANTITIES, Target

# Verdicts on a parameter, from its interval
DETERMINED, POORLY = "determined", "poorly determined"
NOT, UPPER, LOWER = "not determined", "upper limit only", "lower limit only"
MISFIT = "misfit"  # narrow, of a model that does not describe the data
_SAID = {
    NOT: "is not determined by these data: every value between its bounds fits within "
    "the errors, the others adjusted",
    UPPER: "has an upper limit only: at most {high:.3g}{unit}, down to its bound",
    LOWER: "has a lower limit only: at least {low:.3g}{unit}, up to its bound",
    POORLY: "is poorly determined: {low:.3g} to {high:.3g}{unit}",
}
FACTOR = 2.0  # an interval within a factor of this, or 50 %, is determined
WIDE = 0.25  # half an interval over the range: beyond, the bounds do half the work
CORRELATED = 0.95
# Probability of so small a chi^2, and chi^2 a degree of freedom, below which the stated
# errors are too large
TOO_SMALL, FAR_BELOW = 1e-3, 0.25
SERIES = 0.3  # of the largest offset: within it, they are of one resistance
FEW = 5  # degrees of freedom that say so
UNIFORM = 12.0  # inverse variance of what lies anywhere in a range of 1
PARAMETERS, CURVES, FIT, REPORT = "fit.csv", "fit-curves.csv", "fit.json", "report.html"


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
    fixed : list of Fixed
        What the data fix of parameters that they do not tell apart.
    warnings : list of str
        What the data do not say.
    notes : list of str
        What was done with the data.
    statistics : dict
        Residuals, chi^2, factor on the errors, searches, evaluations.
    targets, simulated
        Curves as fitted to, and the model's beside them.
    """

    cell: Cell
    base: Cell
    parameters: pd.DataFrame
    curves: pd.DataFrame
    correlations: pd.DataFrame
    combinations: list[Combination]
    fixed: list[Fixed]
    warnings: list[str]
    notes: list[str]
    statistics: dict[str, float]
    targets: list[Target]
    simulated: list[Simulated | None]
    which: list[Parameter]
    errors: tuple[float, float]
    experiment: str
    unreadable: list[str]
    provenance: dict[str, object]

    @classmethod
    def from_account(
        cls,
        account: Account,
        expanded: Expanded,
        base: Cell,
        notes: Sequence[str],
        unreadable: Sequence[str] = (),
        command: str = "",
    ) -> Fit:
        """Return the tables and words of a fit."""
        problem, spread, u = account.problem, account.spread, account.minimum.u
        which, intervals = problem.which, account.intervals
        statistics = _statistics(account)
        ill = misfit(statistics)
        each = zip(which, u, intervals, strict=True)
        table = pd.DataFrame([_row(p, float(x), i, ill) for p, x, i in each])
        curves, simulated = _curves(account)
        names = [p.path for p in which]
        correlations = pd.DataFrame(spread.correlation, names, names)
        known = combinations(account.J, names, spread.rise())
        constant = fixed(account.J, which, u, spread, intervals)
        warnings = [
            *_of_noise(account, table, statistics),
            *_elsewhere(problem.curves, simulated),
            *_of_parameters(problem, table, correlations, known, constant),
            *_of_searches(curves, statistics),
        ]
        stem = expanded.document.path.stem
        return cls(
            cell=with_values(base, which, problem.values(u)),
            base=base,
            parameters=table,
            curves=curves,
            correlations=correlations,
            combinations=known,
            fixed=constant,
            warnings=warnings,
            notes=list(notes),
            unreadable=list(unreadable),
            statistics=statistics,
            targets=problem.curves,
            simulated=simulated,
            which=which,
            errors=(problem.errors.voltage_error, problem.errors.capacity_error),
            # Of a cell in place of an experiment, its name
            experiment=expanded.experiment.name if stem == "own-current" else stem,
            provenance=expanded.provenance(problem.numerics, command),
        )

    @property
    def as_asked(self) -> bool:
        """Whether every file could be read and every curve be simulated."""
        return not self.unreadable and all(m is not None for m in self.simulated)

    def error(self, role: str) -> dict[str, float]:
        """Return rms errors over the curves of a role, "fitted" or "held out"."""
        mine = self.curves[self.curves["Role"] == role]
        V = mine[["Voltage error, rms [mV]", "Points"]].dropna()
        square, points = (V["Voltage error, rms [mV]"] ** 2, V["Points"])
        return {
            "voltage [mV]": float(np.sqrt((square * points).sum() / points.sum()))
            if len(V)
            else math.nan,
            "capacity [%]": float(np.sqrt((mine["Capacity error [%]"] ** 2).mean())),
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
        output.seal(self.provenance)
        resolve_name("tfbsim.report.fit:write_report")(self, output.folder)
        return path

    def as_dict(self) -> dict[str, object]:
        """Return all numbers, as fit.json has them."""
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
            "fixed": [c.sentence for c in self.fixed],
            "curves": _records(self.curves),
            "errors": {role: self.error(role) for role in ("fitted", "held out")},
            "statistics": self.statistics,
            "warnings": self.warnings,
            "notes": self.notes,
            "unreadable": self.unreadable,
            "provenance": self.provenance,
        }


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table, None where a number is not finite."""
    plain = table.astype(object).replace([math.inf, -math.inf], math.nan)
    return plain.where(plain.notna(), None).to_dict("records")


# --- Statistics --------------------------------------------------------------------


def _statistics(account: Account) -> dict[str, float]:
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


def _curves(account: Account) -> tuple[pd.DataFrame, list[Simulated | None]]:
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


# --- What the data do not say ------------------------------------------------------


def _of_noise(
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


def _of_parameters(
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


def _of_searches(curves: pd.DataFrame, statistics: Mapping[str, float]) -> list[str]:
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


def _elsewhere(
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


# --- The cell file -----------------------------------------------------------------


def cell_file(found: Fit) -> str:
    """Return the fitted cell as a file, the origin of every fitted value in it."""
    content = found.base.written.content
    for p, (_, row) in zip(found.which, found.parameters.iterrows(), strict=True):
        shift = units.ZERO_CELSIUS if p.dimension == "temperature" else 0.0
        value = (row["Value"] + shift) / units.DISPLAY[p.dimension][1]
        plain = p.dimension == "dimensionless"
        written = float(f"{value:.6g}") if plain else p.text(value, 6)
        first, *below = p.path.split(".")
        content[first] = changed(content.get(first), below, written)
        content["origin"] = {**block(content, "origin"), p.path: _origin(found, p, row)}
    seen = [_written(c.datum) for c in found.targets if c.datum]
    before = [_written(d) for d in found.base.fitted if d.role == "fitted"]
    content["fitted"] = [*(d for d in before if d not in seen), *seen]
    if "cathode.thickness" in (p.path for p in found.which):
        density = found.cell.one_c_current_density
        content["one_c"] = units.text(density, "current density", 6)
    reference = content.get("reference_temperature")
    if reference == content.get("temperature"):
        content.pop("reference_temperature", None)
    used = tables_of(content)
    head = (
        f"# Fitted by `tfbsim fit {found.experiment}`, tfbsim {__version__}; fit.csv\n"
        "# and fit.json beside this file have intervals, correlations and errors.\n"
    )
    if used:
        head += f"# Needs {', '.join(used)} beside it.\n"
    return head + yaml_text(content)


def yaml_text(content: Mapping[str, object]) -> str:
    """Return the text of a file with content."""
    yaml = YAML()
    yaml.width = 88
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_plain(content), stream)
    return stream.getvalue()


def _plain(content: object) -> object:
    """Return content with numbers of numpy, which a file cannot hold, as Python's."""
    if isinstance(content, dict):
        return {k: _plain(v) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(v) for v in content]
    return content.item() if isinstance(content, np.generic) else content


def _origin(found: Fit, p: Parameter, row: pd.Series) -> str:
    """Return where a fitted value comes from, in a sentence."""
    fitted = [c for c in found.targets if not c.held_out]
    sources = list(dict.fromkeys(c.source for c in fitted))
    cases = list(dict.fromkeys(c.case for c in fitted))
    unit = f" {row['Unit']}" if row["Unit"] else ""
    interval = f"{row['Low 95 %']:.4g} to {row['High 95 %']:.4g}{unit}"
    word = "" if row["Verdict"] == DETERMINED else f"; {row['Verdict']}"
    return (
        f"fitted (tfbsim fit {found.experiment}): 95 % interval {interval}{word}; to "
        f"{', '.join(cases[:8])} of {', '.join(filter(None, sources[:4])) or 'the data'}"
    )


def _written(datum: Datum) -> dict[str, object]:
    """Return what a cell file says of one measured step."""
    found = {k: v for k, v in datum.model_dump().items() if v not in ("", 0.0)}
    dimensions = {"current_density": "current density", "capacity": "areal charge"}
    for name in dimensions.keys() & found.keys():
        found[name] = units.text(found[name], dimensions[name], 6)
    return found

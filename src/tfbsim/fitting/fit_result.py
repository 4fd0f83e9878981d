"""What a fit found, and its files: tables, report, and the fitted cell."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from .. import units
from ..cell.cell import Cell
from ..cell.cell import tables as tables_of
from ..cell.fitted import Datum
from ..experiment.expand import Expanded
from ..output import Output
from ..result.csv_file import csv
from ..version import __version__
from ..yaml_file import block
from .account import (
    DETERMINED,
    Account,
    curves_table,
    misfit,
    parameters_table,
    statistics,
)
from .caveats import of_noise, of_parameters, of_searches, of_starts
from .combinations import Combination, Fixed, combinations, fixed
from .parameters import Parameter, changed, with_values
from .simulated import Simulated
from .targets import Target

PARAMETERS, CURVES, FIT, REPORT = "fit.csv", "fit-curves.csv", "fit.json", "report.html"


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
        which, chi2 = problem.which, statistics(account)
        table = parameters_table(account, misfit(chi2))
        curves, simulated = curves_table(account)
        names = [p.path for p in which]
        correlations = pd.DataFrame(spread.correlation, names, names)
        known = combinations(account.J, names, spread.rise())
        constant = fixed(account.J, which, u, spread, account.intervals)
        warnings = [
            *of_noise(account, table, chi2),
            *of_starts(problem.curves, simulated),
            *of_parameters(problem, table, correlations, known, constant),
            *of_searches(curves, chi2),
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
            statistics=chi2,
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

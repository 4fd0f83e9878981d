"""What a run leaves: curves (xarray), a table per cycle and one per step (pandas).

Names are PyBaMM's, "Name [unit]", in the units people use.  The folder that ``save``
writes opens with plain pandas and xarray; ``load_result`` reads it back.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..data.curve_table import CASE, CYCLE
from ..data.measured import Measured
from ..experiment.measured import FROM_CYCLE, MeasuredRow
from ..output import Output, write_atomic
from ..physics.law import Declared
from . import losses, sensitivity, sweep_table
from .case import CaseResult
from .columns import CHECK_UP, NUMERICAL_ERRORS, OUTCOME, RETENTION
from .csv_file import parts
from .curves import NONE
from .export import files
from .samples import records, samples
from .tables import Tabled, Tables, Warned, framed, in_order

SUMMARY, CURVES, STEPS = "summary.csv", "curves.nc", "steps.csv"
UNFINISHED = "unfinished"  # in the provenance of a run that was interrupted
PERCENTILES, SENSITIVITY = "percentiles.csv", "sensitivity.csv"  # of a sample
IMPEDANCE = "impedance.csv"  # where a step measures it
LOSSES = "losses.csv"  # all of it follows from the curves


class Result:
    """Curves and tables of one or more cases.

    Parameters
    ----------
    cases : sequence of CaseResult
        In the order of the experiment.
    provenance : dict
        What it takes to repeat the run.
    measured : DataFrame, optional
        Measured values beside the simulated ones, as :meth:`comparison` shows them.
    """

    def __init__(
        self,
        cases: Sequence[CaseResult],
        provenance: dict[str, Any] | None = None,
        measured: Sequence[MeasuredRow] = (),
    ) -> None:
        self.cases = cases
        self.provenance = provenance or {}
        self.measured = list(measured)

    @cached_property
    def _whole(self) -> Tables:
        cases = self.cases
        return in_order(cases.tables if isinstance(cases, Tabled) else framed(cases))

    @property
    def summary(self) -> pd.DataFrame:
        """One row per case and cycle; the columns of ``summary.csv``."""
        return self._whole.summary.copy(deep=False)

    @property
    def steps(self) -> pd.DataFrame:
        """One row per step, with its outcome; conditioning is cycle 0."""
        return self._whole.steps.copy(deep=False)

    @cached_property
    def _answers(self) -> pd.DataFrame:
        return sweep_table.answers(self.summary, self.steps)

    @property
    def answers(self) -> pd.DataFrame:
        """The summary, and before the outcome what limited the last discharge of each
        cycle: ``Of equilibrium capacity [%]`` and ``Limiting loss`` ("" where nothing
        says so)."""
        return self._answers.copy(deep=False)

    @property
    def impedance(self) -> pd.DataFrame:
        """One row per frequency of the steps that measure the impedance.

        Case, Cycle number and Step number, Voltage [V], Frequency [Hz], Z real and
        Z imaginary [Ohm.cm2] and [Ohm]; conditioning is cycle 0.
        """
        return self._whole.spectra.copy(deep=False)

    @property
    def drawn(self) -> Sequence[CaseResult]:
        """The cases that have curves."""
        return self._whole.drawn

    @property
    def laws(self) -> Declared:
        """What laws declare: those of the options, and further ones of the cases."""
        return self._whole.laws

    @property
    def warnings(self) -> Mapping[str, Warned]:
        """Warnings, each with the number of its cases and the first of them."""
        return self.provenance.get("warnings") or self._whole.warnings

    @property
    def losses(self) -> pd.DataFrame:
        """Where the energy of each cycle and step goes; the columns of ``losses.csv``.

        Step number 0 is a cycle as a whole, the sum of the rows of its steps; steps that
        never ran and conditioning have none.  Energy in less energy out is the sum of
        the losses, the leakage and what was stored (:mod:`tfbsim.result.losses`).
        """
        rows = [
            {CASE: case.name, **row}
            for case in self.drawn
            for row in losses.balances(case.curves, case.steps, self.laws)
        ]
        found = {name for row in rows for name in row} | {*losses.COLUMNS}
        names = [name for name in losses.columns(self.laws) if name in found]
        return pd.DataFrame(rows, columns=names)

    @property
    def curves(self) -> xr.Dataset:
        """Dimensions case, cycle, sample (curves) and step, snapshot, depth (film)."""
        if not self.drawn:
            return NONE.expand_dims(case=np.empty(0, str))
        longest = max(case.curves.sizes.get("sample", 0) for case in self.drawn)
        joined = xr.concat(
            [
                c.curves.pad(sample=(0, longest - c.curves.sizes.get("sample", 0)))
                for c in self.drawn
            ],
            dim="case",
            join="outer",
            fill_value=np.nan,
            data_vars="all",
            coords="minimal",
            compat="override",
        )
        return joined.assign_coords(case=[case.name for case in self.drawn])

    @property
    def as_asked(self) -> bool:
        """Whether every step of every case ended as asked, and every audit passed."""
        return self._outcomes <= {"reached"}

    @property
    def solved(self) -> bool:
        """Whether every step was solved and every audit passed, however it ended."""
        return not {"solver failed", "audit breach"} & self._outcomes

    @property
    def _outcomes(self) -> set[str]:
        """Of cycles and steps."""
        return {*self.summary[OUTCOME].unique(), *self.steps[OUTCOME].unique()}

    @property
    def of_a_sweep(self) -> bool:
        """Whether the cases are points of a sweep."""
        return "sweep" in self.provenance.get("experiment_content", {})

    @property
    def comparison(self) -> pd.DataFrame:
        """Measured values with the simulated ones and signed residuals [%]."""
        if not self.measured:
            return pd.DataFrame()
        summary = self.summary
        summary[RETENTION] = _retention(summary)
        rows = []
        for point in self.measured:
            name, last = point["Quantity"], point[CYCLE]
            cycles = summary[CYCLE].between(point.get(FROM_CYCLE, last), last)
            found = summary[(summary[CASE] == point[CASE]) & cycles]
            if found.empty or name not in found:  # of another cell, without a stack
                continue
            value = float(found[name].mean())
            residual = 100 * (value / point["Measured"] - 1)
            rows.append({**point, "Simulated": value, "Residual [%]": residual})
        return pd.DataFrame(rows)

    @property
    def dataset(self) -> xr.Dataset:
        """The answers of a sweep as arrays over its factors
        (:func:`tfbsim.result.sweep_table.dataset`)."""
        return sweep_table.dataset(self)

    @property
    def percentiles(self) -> pd.DataFrame:
        """How each answer of a sampled sweep is distributed; else empty
        (:func:`tfbsim.result.sensitivity.percentiles`)."""
        return sensitivity.percentiles(self)

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """Indices of each answer to each factor of a sampled sweep; else empty
        (:mod:`tfbsim.result.sensitivity`)."""
        return sensitivity.sensitivity(self)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The curves as one table, a row a sample (:mod:`tfbsim.result.samples`)."""
        return samples(self.drawn)

    @property
    def records(self) -> list[Measured]:
        """The curves as records of a cycler, one a case, which ``compare`` and ``fit``
        take as what was measured; they take the result itself too."""
        return records(self.samples)

    def plot(self, name: str | None = None) -> object:
        """Return the figures of the report by name, or the one that is named."""
        if name is None:
            return resolve_name("tfbsim.plot:figures")(self)
        return resolve_name("tfbsim.plot:figure")(self, name)

    def save(self, folder: str | Path, figures: bool = True, format: str = "png") -> Path:
        """Write summary.csv, curves.nc, steps.csv, losses.csv, provenance.json, figures
        and report.

        Each file is written whole or not at all, and the provenance lists them with
        their hashes.
        """
        output = Output(folder)
        tables = {SUMMARY: self.summary, STEPS: self.steps, LOSSES: self.losses}
        for name, table in tables.items():
            output.write(name, parts(table), len(table))
        if len(impedance := self.impedance):
            output.write(IMPEDANCE, parts(impedance), len(impedance))
        output.write(CURVES, _netcdf(self.curves))
        listed = [
            {"name": c.name, "cell": c.cell, "key": c.key, "warnings": c.warnings}
            for c in (() if self.of_a_sweep else self.cases)
        ]
        output.seal(
            {
                **self.provenance,
                "measured": self.measured,
                "warnings": self.warnings,
                "cases": listed,
                "audit": self.audit(),
                "laws": self.laws.beyond(losses.KNOWN).as_dict(),
            }
        )
        if figures:
            write = resolve_name("tfbsim.report.report:write_report")
            write(self, output.folder, format)
        return output.folder

    def export(
        self, path: str | Path, case: str | Sequence[str] | None = None
    ) -> list[Path]:
        """Write the curves for other tools.

        Parameters
        ----------
        path : path
            Its ending says the format.  ``.csv``: one table, the columns of
            :attr:`samples`.  ``.xlsx``: sheets Summary, Steps and Curves.  ``.bdf.csv``:
            Battery Data Format, charge current positive; with several cases a file each,
            the case in its name.
        case : str or sequence of str, optional
            Cases whose curves are written; by default all.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        InputError
            Another ending, no such case, or no curves.
        """
        path = Path(path)
        found = self.exported(path.name, case)
        for name, content in found.items():
            write_atomic(path.with_name(name), content)
        return [path.with_name(name) for name in found]

    def exported(
        self, name: str, case: str | Sequence[str] | None = None
    ) -> Mapping[str, bytes]:
        """Return the files that :meth:`export` writes, by their names."""
        sheets = {"Summary": self.summary, "Steps": self.steps}
        return files(self.samples, name, case, sheets)

    def audit(self) -> dict[str, float | None]:
        """Return the largest errors of balances and cut-offs, and the number of steps."""
        summary, steps = self.summary, self.steps
        cut_off = steps["Cut-off error [uV]"].max()
        numerical = {
            name[0].lower() + name[1:]: float(summary[name].abs().max())
            for name in NUMERICAL_ERRORS
            if name in summary
        }
        return {
            "lithium balance error": float(summary["Lithium balance error"].max()),
            "charge balance error": float(summary["Charge balance error"].max()),
            "cut-off error [uV]": None if np.isnan(cut_off) else float(cut_off),
            **numerical,
            "steps": len(steps),
            "steps that ended otherwise than asked": int(
                (steps[OUTCOME] != "reached").sum()
            ),
        }


def _netcdf(dataset: xr.Dataset) -> bytes:
    buffer = io.BytesIO()
    packed = {"zlib": True, "complevel": 4, "shuffle": True}
    # "/" separates groups in netCDF; none of our names has one
    dataset.to_netcdf(
        buffer, engine="h5netcdf", encoding={name: packed for name in dataset.data_vars}
    )
    return buffer.getvalue()


def _retention(summary: pd.DataFrame) -> pd.Series:
    """Return the discharge of each cycle over the first of its case and kind [%]."""
    Q = summary["Discharge capacity [uA.h.cm-2]"]
    kinds = summary[CHECK_UP] if CHECK_UP in summary else np.zeros(len(Q))
    return 100 * Q / Q.groupby([summary[CASE], kinds]).transform("first")

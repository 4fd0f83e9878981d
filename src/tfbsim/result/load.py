"""Read back the folder of a result."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from ..errors import InputError, shown
from ..output import (
    EXPORTS,
    FILES,
    OWN,
    PROVENANCE,
    REMEDY,
    REPORT,
    damage,
    read_provenance,
)
from ..physics.law import Declared
from . import losses
from .case import CaseResult
from .columns import LIMITING
from .csv_file import read as read_csv
from .curves import NONE
from .needed import check_curves, check_table
from .result import CURVES, IMPEDANCE, STEPS, SUMMARY, UNFINISHED, Result


def load_result(folder: str | Path, incomplete: bool = False) -> Result:
    """Read back what ``save`` wrote, all of it or nothing.

    Parameters
    ----------
    folder : path
        That a run wrote.
    incomplete : bool
        Whether to take what is left of a folder that is damaged or was interrupted;
        ``provenance["incomplete"]`` then says what is missing.

    Raises
    ------
    InputError
        The folder holds no result, or a damaged one, whatever is wrong with it.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            raise InputError("is not a result folder", folder)
        if not (folder / PROVENANCE).exists():
            raise InputError(f"is not a result folder: there is no {PROVENANCE}", folder)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", folder) from None
    about = read_provenance(folder)
    try:
        found = damage(folder, about)
        problems = [f"{name} {what}" for name, what in found.items()]
        if unfinished := about.get(UNFINISHED):
            problems.append(f"the run was interrupted: {unfinished}")
        if problems and not incomplete:
            one = next(iter(found), None)
            raise InputError(
                f"{found[one] if one else problems[0]}; {REMEDY}, and "
                "`tfbsim report --incomplete` draws what is left",
                folder / one if one else folder,
            )
        result = _loaded(folder, about, problems, {*found})
        if problems:  # what is left may be anything
            for table in ("summary", "steps", "losses", "comparison"):
                getattr(result, table)
            result.audit()
    except InputError:
        raise
    except Exception as error:  # whatever the readers of tables and curves raise
        reason = shown(error or type(error).__name__, 120)
        raise InputError(f"cannot be read as a result ({reason})", folder) from None
    return result


def _loaded(
    folder: Path, about: dict[str, Any], problems: list[str], damaged: set[str]
) -> Result:
    texts = {"Case": str, "Step": str, "Outcome": str, "Detail": str, LIMITING: str}
    tables = []
    for name in (SUMMARY, STEPS):
        text = folder / name
        if name in damaged:  # its rows up to where it is cut
            lines = text.read_bytes().decode("utf-8", "replace")
            text = io.StringIO(lines[: lines.rfind("\n") + 1])
        table = read_csv(text, dtype=texts)
        if name not in damaged:
            check_table(table, folder / name, texts)
        tables.append(_of_numbers(table, texts) if name in damaged else table)
    summary, steps = tables
    steps = steps.fillna({"Detail": "", LIMITING: ""})
    curves = NONE.expand_dims(case=np.empty(0, str))
    if CURVES not in damaged:
        with xr.open_dataset(folder / CURVES, engine="h5netcdf") as opened:
            curves = opened.load()
        if not problems:
            check_curves(curves, steps, folder / CURVES)
    cases = _cases(summary, steps, curves, about, bool(problems))
    if IMPEDANCE in about.get(FILES, {}) and IMPEDANCE not in damaged:
        table = read_csv(folder / IMPEDANCE, dtype={"Case": str})
        check_table(table, folder / IMPEDANCE, texts)
        spectra = _by_case(table)
        cases = [replace(case, spectra=spectra.get(case.name, [])) for case in cases]
    if problems:
        cases = [case for case in cases if _holds(case)]
        about["incomplete"] = problems
    for key in ("audit", FILES, REPORT, EXPORTS, OWN):
        about.pop(key, None)
    return Result(cases, about, about.pop("measured", ()))


def _cases(
    summary: pd.DataFrame,
    steps: pd.DataFrame,
    curves: xr.Dataset,
    provenance: dict[str, Any],
    left: bool,
) -> list[CaseResult]:
    """The cases of tables and curves as they were written; or those that are left."""
    rows, of_steps = _by_case(summary), _by_case(steps)
    listed = {entry["name"]: entry for entry in provenance.pop("cases")}
    if not listed:  # points of a sweep: one cell, and no word of their own
        (cell,) = (entry["name"] for entry in provenance["cells"].values())
        listed = {name: {"cell": cell, "key": "", "warnings": []} for name in rows}
    if left:
        whole = rows.keys() & of_steps.keys()
        listed = {name: entry for name, entry in listed.items() if name in whole}
        if not listed:
            raise ValueError("no case is left whole")
    drawn = set(curves["case"].values.tolist())
    laws = Declared.from_dict(provenance.pop("laws", {}))
    return [
        CaseResult(
            laws=laws,
            name=name,
            rows=rows[name],
            steps=of_steps[name],
            curves=_trimmed(
                curves.sel(case=name, drop=True),
                cycles=len(rows[name]),
                steps=max(int(s["Step number"]) for s in of_steps[name]),
            )
            if name in drawn
            else NONE,
            **{field: entry[field] for field in ("warnings", "key", "cell")},
        )
        for name, entry in listed.items()
    ]


def _of_numbers(table: pd.DataFrame, texts: Iterable[str]) -> pd.DataFrame:
    """Without the rows that have a word where other rows have a number."""
    for name in table.columns.difference([*texts]):
        numbers = pd.to_numeric(table[name], errors="coerce")
        words = numbers.isna() & table[name].notna()
        if 2 * words.sum() < len(table):
            table = table.assign(**{name: numbers})[~words]
    return table


def _holds(case: CaseResult) -> bool:
    """Whether the tables of a case go with each other and with its curves."""
    try:
        losses.balances(case.curves, case.steps)
        cycles = [row["Cycle number"] for row in case.rows]
    except Exception:  # whatever changed numbers lead to
        return False
    return cycles == list(range(1, len(cycles) + 1))


def _by_case(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["Case"], []).append({str(k): v for k, v in row.items()})
    return found


def _trimmed(dataset: xr.Dataset, cycles: int, steps: int) -> xr.Dataset:
    """Without the padding other cases made necessary."""
    there = dataset["Time [s]"].notnull().any("cycle") if "Time [s]" in dataset else None
    if there is not None:
        samples = int(np.flatnonzero(there.values).max(initial=-1)) + 1
        dataset = dataset.isel(sample=slice(samples))
    kept = dataset["cycle"].values <= cycles
    return dataset.isel(cycle=kept, step=slice(steps))

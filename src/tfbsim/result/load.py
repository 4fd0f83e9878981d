"""Read back the folder of a result: whole, or refused with what is wrong with it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from ..data.curve_table import CASE, CYCLE, STEP
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
from ..solver.impedance import FREQUENCY, IMAGINARY, REAL
from ..solver.trace import ANODE_PROFILE
from . import losses
from .case import CaseResult
from .columns import LIMITING, OUTCOME, TABLES, TEXTS, Column
from .csv_file import read as read_csv
from .curves import NONE, SNAPSHOT_CAPACITY, STOICHIOMETRY
from .names import MEAN_X, NET, OPEN_CIRCUIT, SURFACE, SURFACE_X, THROUGHPUT
from .result import CURVES, IMPEDANCE, STEPS, SUMMARY, UNFINISHED, Result
from .tables import Tabled, Tables

# What a result must hold for anything to be made of it
SPECTRA = tuple(Column(c, "") for c in (CASE, CYCLE, STEP, FREQUENCY, REAL, IMAGINARY))
TIME = "Time [s]"
BALANCED = STEP, MEAN_X, SURFACE_X, OPEN_CIRCUIT, SURFACE  # of which energies are made
SAMPLED = (
    *("Current density [uA.cm-2]", "Step capacity [uA.h.cm-2]"),
    *("Step capacity [mA.h.g-1]", NET, THROUGHPUT, "Energy in [uW.h.cm-2]"),
    *("Energy out [uW.h.cm-2]", "Temperature [degC]", "Voltage [V]", "Current [A]"),
    *BALANCED,
)
FILM = (STOICHIOMETRY, SNAPSHOT_CAPACITY, "Cathode thickness [um]")


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
        there = (folder / PROVENANCE).exists()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", folder) from None
    if not there:
        raise InputError(f"is not a result folder: there is no {PROVENANCE}", folder)
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
    summary, steps = (_table(folder / name, name in damaged) for name in (SUMMARY, STEPS))
    steps = steps.fillna({"Detail": "", LIMITING: ""})
    curves = NONE.expand_dims(case=np.empty(0, str))
    if CURVES not in damaged:
        with xr.open_dataset(folder / CURVES, engine="h5netcdf") as opened:
            curves = opened.load()
        if not problems:
            _check_curves(curves, steps, folder / CURVES)
    spectra = pd.DataFrame()
    if IMPEDANCE in about.get(FILES, {}) and IMPEDANCE not in damaged:
        spectra = _table(folder / IMPEDANCE, False)
    tables = Tables(summary, steps, spectra)
    cases = _cases(tables, curves, about, bool(problems))
    if problems:
        about["incomplete"] = problems
    for key in ("audit", FILES, REPORT, EXPORTS, OWN):
        about.pop(key, None)
    return Result(cases, about, about.pop("measured", ()))


def _table(path: Path, damaged: bool) -> pd.DataFrame:
    """Read a table and check it; of a damaged one, what is left of it."""
    if not damaged:
        table = read_csv(path, TEXTS)
        _check_table(table, path)
        return table
    lines = path.read_bytes().decode("utf-8", "replace")
    table = read_csv(io.StringIO(lines[: lines.rfind("\n") + 1]), TEXTS)
    for name in table.columns.difference([*TEXTS]):  # words where others have numbers
        numbers = pd.to_numeric(table[name], errors="coerce")
        words = numbers.isna() & table[name].notna()
        if 2 * words.sum() < len(table):
            table = table.assign(**{name: numbers})[~words]
    return table


def _check_table(table: pd.DataFrame, path: Path) -> None:
    """Refuse a table that lacks a column, or has a word in place of a number."""

    def refuse(wrong: pd.Series, name: str, what: str) -> None:
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            held = shown(table[name].iloc[k])
            raise InputError(f"{held!r} is no {what}", path, k + 2, name)

    for column in TABLES.get(path.name, SPECTRA):
        name = column.name
        if name not in table:
            if not column.optional:
                raise InputError(f"is damaged: it has no column '{name}'", path)
        elif name in (CYCLE, STEP):
            numbers = pd.to_numeric(table[name], errors="coerce")
            refuse(~((numbers >= 0) & (numbers % 1 == 0)), name, "whole number")
        elif name not in TEXTS and not is_numeric_dtype(table[name].dtype):
            numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
            too_large = numbers.abs() >= 2.0**63  # an integer of no dtype
            refuse(numbers.isna() & table[name].notna() | too_large, name, "number")
    for name, what in ((CASE, "name"), (OUTCOME, "outcome")):
        if name in table:  # a law may have its own outcome
            refuse(table[name].isna(), name, what)


def _check_curves(curves: xr.Dataset, steps: pd.DataFrame, path: Path) -> None:
    """Refuse curves that lack a variable or a value, or do not go with the steps."""
    if not curves.sizes.get("case"):
        return

    def refuse(wrong: bool, name: str, what: str) -> None:
        if wrong:
            raise InputError(f"is damaged: {what}", path, field=name)

    for name in ("cycle", "step", "depth"):
        refuse(name not in curves.coords, name, "there is no such coordinate")
    refuse(TIME not in curves or STEP not in curves, TIME, "there is no such variable")
    there = curves[TIME].notnull()
    if not there.any():  # nothing could be done
        return
    anode = [ANODE_PROFILE, "Anode thickness [um]"] * (ANODE_PROFILE in curves)
    for name in (*SAMPLED, *FILM, *anode):
        refuse(name not in curves, name, "there is no such variable")
        refuse(curves[name].dtype.kind not in "iuf", name, "it holds no numbers")
    for name in SAMPLED:
        refuse(curves[name].dims != there.dims, name, "it is no curve")
    for name in BALANCED:
        values = curves[name].values[there.values]
        refuse(not np.isfinite(values).all(), name, "values are missing")
    which = np.nonzero(there.values)
    at = dict(zip(there.dims, which, strict=True))
    case, cycle = (curves[name].values[at[name]] for name in ("case", "cycle"))
    ran = pd.DataFrame({CASE: case, CYCLE: cycle, STEP: curves[STEP].values[which]})
    ran = ran.drop_duplicates()
    listed = ran.merge(steps[[CASE, CYCLE, STEP]].drop_duplicates(), how="inner")
    refuse(len(listed) < len(ran), STEP, "a step is not in steps.csv")
    refuse(ran[STEP].max() > curves.sizes["step"], "step", "a step has no profiles")


def _cases(
    tables: Tables, curves: xr.Dataset, provenance: dict[str, Any], left: bool
) -> Tabled:
    """Return the cases of tables and curves as written; or those that are left."""
    listed = {entry["name"]: entry for entry in provenance.pop("cases")}
    laws = Declared.from_dict(provenance.pop("laws", {}))
    like = CaseResult("", [], [], NONE, laws=laws)
    if not listed:  # points of a sweep: one cell, and no word of their own
        (cell,) = (entry["name"] for entry in provenance["cells"].values())
        like = replace(like, cell=cell)
    others = [replace(like, **entry) for entry in listed.values()]
    tables = tables._replace(laws=Declared.of([losses.KNOWN, laws]))
    cases, drawn = Tabled(tables, like, others), {*curves["case"].values.tolist()}
    own = []
    for case in cases if drawn else ():
        if case.name in drawn:
            most = max((int(step[STEP]) for step in case.steps), default=0)
            of_case = curves.sel(case=case.name, drop=True)
            own.append(replace(case, curves=_trimmed(of_case, len(case.rows), most)))
    cases = Tabled(tables._replace(drawn=own), like, [*others, *own])
    if not left:
        return cases
    there = {case.name for case in cases if _holds(case)}
    if not (there := there & listed.keys() if listed else there):
        raise ValueError("no case is left whole")
    summary, steps, spectra = (
        table[table[CASE].isin(there)].reset_index(drop=True) if len(table) else table
        for table in tables[:3]
    )
    own = [case for case in own if case.name in there]
    tables = Tables(summary, steps, spectra, own, laws=tables.laws)
    return Tabled(tables, like, [*others, *own])


def _holds(case: CaseResult) -> bool:
    """Return whether the tables of a case go with each other and with its curves."""
    try:
        losses.balances(case.curves, case.steps)
        cycles = [row[CYCLE] for row in case.rows]
    except Exception:  # whatever changed numbers lead to
        return False
    return bool(case.steps) and cycles == list(range(1, len(cycles) + 1))


def _trimmed(dataset: xr.Dataset, cycles: int, steps: int) -> xr.Dataset:
    """Return curves without the padding other cases made necessary."""
    if TIME in dataset:
        there = np.flatnonzero(dataset[TIME].notnull().any("cycle").values)
        dataset = dataset.isel(sample=slice(there[-1] + 1 if len(there) else 0))
    return dataset.isel(cycle=dataset["cycle"].values <= cycles, step=slice(steps))

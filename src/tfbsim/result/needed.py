"""What the tables and curves of a result must hold for anything to be made of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from ..errors import InputError, shown
from ..solver.impedance import FREQUENCY, IMAGINARY, REAL
from .columns import CASE, CYCLE, OUTCOME, STEP, TABLES, Column
from .curves import ANODE_PROFILE, SNAPSHOT_CAPACITY, STOICHIOMETRY
from .names import MEAN_X, NET, OPEN_CIRCUIT, SURFACE, SURFACE_X, THROUGHPUT

SPECTRA = (
    *(Column(name, "") for name in (CASE, CYCLE, STEP, FREQUENCY, REAL, IMAGINARY)),
)
TIME = "Time [s]"
SAMPLED = (
    *(STEP, "Current density [uA.cm-2]", "Step capacity [uA.h.cm-2]"),
    *("Step capacity [mA.h.g-1]", NET, THROUGHPUT, "Energy in [uW.h.cm-2]"),
    *("Energy out [uW.h.cm-2]", "Temperature [degC]", "Voltage [V]", "Current [A]"),
    *(MEAN_X, SURFACE_X, OPEN_CIRCUIT, SURFACE),
)
BALANCED = STEP, MEAN_X, SURFACE_X, OPEN_CIRCUIT, SURFACE  # of which energies are made
FILM = (STOICHIOMETRY, SNAPSHOT_CAPACITY, "Cathode thickness [um]")


def check_table(table: pd.DataFrame, path: Path, texts: Iterable[str]) -> None:
    """Refuse a table that lacks a column, or has a word in place of a number.

    Parameters
    ----------
    table : DataFrame
        As it was read.
    path : Path
        Of its file.
    texts : iterable of str
        Columns of words.

    Raises
    ------
    InputError
        Naming the file, the line and the column.
    """

    def refuse(wrong: pd.Series, name: str, what: str) -> None:
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            held = shown(table[name].iloc[k])
            raise InputError(f"{held!r} is no {what}", path, k + 2, name)

    for column in TABLES.get(path.name, SPECTRA):
        name = column.name
        if name not in table:
            if column.optional:
                continue
            raise InputError(f"is damaged: it has no column '{name}'", path)
        if name in (CYCLE, STEP):
            numbers = pd.to_numeric(table[name], errors="coerce")
            refuse(~((numbers >= 0) & (numbers % 1 == 0)), name, "whole number")
        elif name not in texts and not is_numeric_dtype(table[name].dtype):
            numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
            too_large = numbers.abs() >= 2.0**63  # an integer of no dtype
            refuse(numbers.isna() & table[name].notna() | too_large, name, "number")
    refuse(table[CASE].isna(), CASE, "name")
    if OUTCOME in table:
        refuse(table[OUTCOME].isna(), OUTCOME, "outcome")  # a law may have its own


def check_curves(curves: xr.Dataset, steps: pd.DataFrame, path: Path) -> None:
    """Refuse curves that lack a variable or a value, or do not go with the steps.

    Raises
    ------
    InputError
        Naming the file and the variable.
    """
    if not curves.sizes.get("case"):
        return

    def refuse(wrong: bool, name: str, what: str) -> None:
        if wrong:
            raise InputError(f"is damaged: {what}", path, field=name)

    for name in ("cycle", "step", "depth"):
        refuse(name not in curves.coords, name, "there is no such coordinate")
    refuse(TIME not in curves or STEP not in curves, TIME, "there is no such variable")
    there = np.isfinite(curves[TIME])
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
    index = dict(zip(there.dims, which, strict=True))
    ran = pd.DataFrame(
        {
            CASE: curves["case"].values[index["case"]],
            CYCLE: curves["cycle"].values[index["cycle"]],
            STEP: curves[STEP].values[which],
        }
    )
    ran = ran.drop_duplicates()
    listed = ran.merge(steps[[CASE, CYCLE, STEP]].drop_duplicates(), how="inner")
    refuse(len(listed) < len(ran), STEP, "a step is not in steps.csv")
    refuse(ran[STEP].max() > curves.sizes["step"], "step", "a step has no profiles")

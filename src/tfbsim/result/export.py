"""Curves as files for other tools: CSV, Excel, Battery Data Format.

The Battery Data Format (https://github.com/battery-data-alliance/battery-data-format)
holds one test a file and counts charge current positive.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.curve_table import CASE, CURRENT, CYCLE, STEP, TIME, VOLTAGE
from ..errors import InputError, shown, suggest
from .csv_file import csv, quoted
from .names import NET, THROUGHPUT

BDF = ".bdf.csv"
ENDINGS = {"csv": ".csv", "xlsx": ".xlsx", "bdf": BDF}
MOST_ROWS = 2**20 - 1  # of a sheet, below its head


def files(
    samples: pd.DataFrame, name: str, case: object, sheets: Mapping[str, pd.DataFrame]
) -> Mapping[str, bytes]:
    """Return the samples of a result, or of some cases, as files by name.

    The ending of the name says the format: .csv, .xlsx with further sheets, or .bdf.csv;
    in the last, several cases are a file each, with the case in its name.

    Raises
    ------
    InputError
        Another ending, no such case, no curves, or more rows than a sheet holds.
    """
    endings = [e for e in (BDF, ".csv", ".xlsx") if name.lower().endswith(e)]
    if not endings:
        message = f"'{name}' must end in .csv, .xlsx or {BDF}"
        raise InputError(message, field="export")
    table = _chosen(samples, case)
    if endings[0] == BDF:
        return _bdf_files(table, name[: -len(BDF)])
    if endings[0] == ".csv":
        return {name: csv(table, None).encode()}
    return {name: _workbook({**sheets, "Curves": table})}


def _chosen(table: pd.DataFrame, case: object) -> pd.DataFrame:
    """Return the samples of a case, or of several; of all if none is named."""
    if table.empty:
        raise InputError("no case of this result has curves", field="export")
    if case is None:
        return table
    cases = case if isinstance(case, list | tuple) else [case]
    there = table[CASE].unique()
    for one in cases:
        if one not in there:
            hint = suggest(str(one), there)
            message = f"no case with curves is called '{shown(one)}'{hint}"
            raise InputError(message, field="case")
    return table[table[CASE].isin(cases)]


def _bdf_files(table: pd.DataFrame, stem: str) -> dict[str, bytes]:
    groups = dict(list(table.groupby(CASE, sort=False)))
    safe = ["".join(c if c.isalnum() or c in ".-" else "_" for c in n) for n in groups]
    same = len({name.lower() for name in safe}) < len(safe)
    found = {}
    for k, (of_case, name) in enumerate(zip(groups.values(), safe, strict=True), 1):
        number = f"{k}-" if same else ""
        end = f"-{number}{name[:80]}" if len(groups) > 1 else ""
        text = csv(battery_data_format(of_case), None)
        found[f"{stem}{end}{BDF}"] = text.encode()
    return found


def battery_data_format(table: pd.DataFrame) -> pd.DataFrame:
    """Return the samples of one case in columns of the Battery Data Format.

    Time, charges and steps are counted from the first recorded cycle.
    """
    current, density = table["Current [A]"], table[CURRENT]
    largest = density.abs().max()
    area = current.abs().max() / largest if largest > 0 else 0.0  # A per uA/cm2
    begins = (table[CYCLE].diff() != 0) | (table[STEP].diff() != 0)
    net, both = (
        table[name].diff().where(~begins, 0.0).cumsum() * area
        for name in (NET, THROUGHPUT)
    )
    return pd.DataFrame(
        {
            "Test Time / s": table[TIME] - table[TIME].iloc[0],
            "Voltage / V": table[VOLTAGE],
            "Current / A": -current + 0.0,  # no minus before a 0
            "Cycle Count / 1": table[CYCLE],
            "Step Count / 1": np.cumsum(begins),
            "Step Index / 1": table[STEP],
            "Ambient Temperature / degC": table["Temperature [degC]"],
            "Charging Capacity / Ah": (both - net) / 2,
            "Discharging Capacity / Ah": (both + net) / 2,
        }
    )


def _workbook(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    for name, table in sheets.items():
        if len(table) > MOST_ROWS:
            message = f"{len(table):,} rows of {name} are more than a sheet holds: .csv"
            raise InputError(message, field="export")
    buffer = io.BytesIO()
    try:
        with pd.ExcelWriter(buffer, engine="openpyxl") as book:
            for name, table in sheets.items():
                texts = table.select_dtypes(exclude="number").columns
                shown = table.assign(**{str(c): table[c].map(quoted) for c in texts})
                shown.rename(columns=quoted).to_excel(
                    book, sheet_name=name, index=False, freeze_panes=(1, 0)
                )
    except ModuleNotFoundError as error:
        if error.name != "openpyxl":
            raise
        message = "needs openpyxl: pip install 'tfbsim[excel]'"
        raise InputError(message, field="export") from None
    return buffer.getvalue()

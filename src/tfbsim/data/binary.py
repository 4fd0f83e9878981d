"""Binary files, by optional readers: NewareNDA (BSD) for NEWARE, galvani (GPL-3) for
BioLogic's .mpr.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, shown
from .eclab import with_loops
from .table import Table

# Package, and the extra by which pip finds it
READERS = {
    ".nda": ("NewareNDA", "neware"),
    ".ndax": ("NewareNDA", "neware"),
    ".mpr": ("galvani", "biologic"),
}
_NEWARE = {
    "Voltage": "Voltage / V",
    "Cycle": "Cycle Count",
    "Step": "Step Count",
    "Status": "Step Type",
    "Time": "Step Time / s",
    "Timestamp": "Date",  # to a second; the clock of the step is finer
}


def binary_table(path: Path, suffix: str) -> Table:
    """Return the table of a binary file.

    Raises
    ------
    InputError
        Its reader is not installed, or cannot read it.
    """
    package, extra = READERS[suffix]
    try:
        reader: Any = import_module(package)
        if package == "galvani":
            reader = import_module("galvani.BioLogic")
    except ImportError:
        raise InputError(
            f"needs {package}, which is not installed: pip install 'tfbsim[{extra}]'",
            path,
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if package == "NewareNDA":
                data = reader.read(str(path), log_level="CRITICAL")
            else:
                data = _mpr(reader, path)
        except Exception as error:  # whatever a damaged file makes of the reader
            reason = shown(f"{type(error).__name__}: {error}", 120)
            message = f"{package} cannot read it ({reason}); export it as text"
            raise InputError(message, path) from None
    if len(data) == 0:
        raise InputError("holds no records", path)
    names = tuple(_NEWARE.get(str(c), str(c)) for c in data.columns)
    loops = data.attrs.pop("loops", [])
    data.columns = range(len(names))
    layout = "NEWARE" if package == "NewareNDA" else "EC-Lab"
    table = Table(path, names, data, ".", layout, notes=[f"Read with {package}."])
    return with_loops(table, loops) if len(loops) > 1 else table


def _mpr(reader: Any, path: Path) -> pd.DataFrame:
    """Return the data of an .mpr, and where its loops begin."""
    with path.open("rb") as file:
        found = reader.MPRfile(file)
    rows = np.asarray(found.data)
    rows = rows.astype(rows.dtype.newbyteorder("="))
    data = pd.DataFrame({name: rows[name] for name in rows.dtype.names})
    ends = getattr(found, "loop_index", None)
    data.attrs["loops"] = [] if ends is None else [int(k) for k in ends[:-1]]
    return data

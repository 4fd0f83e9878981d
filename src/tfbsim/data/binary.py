"""Binary files, by optional readers: NewareNDA (BSD) for NEWARE, galvani (GPL-3) for
BioLogic's .mpr.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from ..errors import shown
from .eclab import with_loops
from .table import File, Table

# Package, module of it, and the extra by which pip finds it
READERS = {".mpr": ("galvani", "galvani.BioLogic", "biologic")}
READERS |= dict.fromkeys((".nda", ".ndax"), ("NewareNDA", "NewareNDA", "neware"))
_NEWARE = {
    "Voltage": "Voltage / V",
    "Cycle": "Cycle Count",
    "Step": "Step Count",
    "Status": "Step Type",
    "Time": "Step Time / s",
    "Timestamp": "Date",  # to a second; the clock of the step is finer
}


def binary_table(file: File, suffix: str) -> Table:
    """Return the table of a binary file.

    Raises
    ------
    InputError
        Its reader is not installed, or cannot read it.
    """
    package, module, extra = READERS[suffix]
    try:
        import_module(package)
        reader: Any = import_module(module)
    except ImportError:
        install = f"pip install 'tfbsim[{extra}]'"
        raise file.error(f"needs {package}, which is not installed: {install}") from None
    loops: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if suffix == ".mpr":
                data, loops = _mpr(reader, file)
            else:
                data = reader.read(str(file.path), log_level="CRITICAL")
        except Exception as error:  # whatever a damaged file makes of the reader
            reason = shown(f"{type(error).__name__}: {error}", 120)
            message = f"{package} cannot read it ({reason}); export it as text"
            raise file.error(message) from None
    if len(data) == 0:
        raise file.error("holds no records")
    names = tuple(_NEWARE.get(str(c), str(c)) for c in data.columns)
    data.columns = range(len(names))
    file.note(f"Read with {package}.")
    layout = "EC-Lab" if suffix == ".mpr" else "NEWARE"
    return with_loops(Table(file, names, data, layout=layout), loops)


def _mpr(reader: Any, file: File) -> tuple[pd.DataFrame, list[int]]:
    """Return the data of an .mpr, and where its loops begin."""
    with file.path.open("rb") as opened:
        found = reader.MPRfile(opened)
    rows = np.asarray(found.data)
    rows = rows.astype(rows.dtype.newbyteorder("="))
    ends = getattr(found, "loop_index", None)
    data = pd.DataFrame({name: rows[name] for name in rows.dtype.names})
    return data, [] if ends is None else [int(k) for k in ends[:-1]]

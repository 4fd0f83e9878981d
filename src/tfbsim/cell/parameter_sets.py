"""The shipped cells as PyBaMM parameter sets (entry points ``pybamm_parameter_sets``).

``pybamm.ParameterValues("lco-lipon-li-raijmakers2020")`` finds them once tfbsim is
installed; each name is served from its file in models/, charged (an anode-free cell, as
made and about to be charged) and with the cell's own window as cut-offs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from ..yaml_file import shipped

KEYWORDS = re.compile(r"keywords = \{(.*?)\}")


@cache
def citations(keyword: str) -> tuple[str, ...]:
    """Return the BibTeX entries of ``citations.bib`` with a keyword.

    Parameters
    ----------
    keyword : str
        Name of a shipped cell, or "model", "elements", "plated in situ".
    """
    text = Path(__file__).with_name("citations.bib").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=@)", text)
    return tuple(
        entry.strip()
        for entry in entries
        if keyword in ", ".join(KEYWORDS.findall(entry)).split(", ")
    )


def shipped_parameter_values(name: str) -> dict[str, Any]:
    """Return the parameter values of a shipped cell, charged, with its citations."""
    from .cell import load_cell

    values = load_cell(name).parameter_values(charged=True)
    return dict(values.items()) | {"citations": list(citations(name))}


def __getattr__(name: str) -> Callable[[], dict[str, Any]]:
    files = {stem.replace("-", "_"): stem for stem in shipped("models")}
    if name not in files:
        raise AttributeError(f"no shipped cell is called {name!r}")

    def get_parameter_values() -> dict[str, Any]:
        return shipped_parameter_values(files[name])

    get_parameter_values.__doc__ = f"The shipped cell {files[name]}, charged."
    return get_parameter_values

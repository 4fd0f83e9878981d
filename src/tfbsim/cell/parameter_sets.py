"""The shipped cells as PyBaMM parameter sets (entry points ``pybamm_parameter_sets``).

``pybamm.ParameterValues("lco-lipon-li-raijmakers2020")`` finds them once tfbsim is
installed; each name is served from its file in models/, charged (an anode-free cell, as
made and about to be charged) and with the cell's own window as cut-offs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..yaml_file import shipped


def __getattr__(name: str) -> Callable[[], dict[str, Any]]:
    files = {stem.replace("-", "_"): stem for stem in shipped("models")}
    if name not in files:
        raise AttributeError(f"no shipped cell is called {name!r}")

    def get_parameter_values() -> dict[str, Any]:
        from .cell import load_cell

        return dict(load_cell(files[name]).parameter_values(charged=True).items())

    return get_parameter_values

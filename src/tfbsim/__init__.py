"""tfbsim: a physics-based simulator of thin-film solid-state lithium cells.

Cell file -> :class:`Cell` -> :class:`ThinFilmCell` (a PyBaMM model) ->
:func:`simulate` (protocol) -> :class:`Result`.  Names load on first use, so that
importing the package is quick and silent.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# PyBaMM asks about telemetry on import unless told; the user's own setting wins.
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

__version__ = "0.1.0"

_HOME = {
    "Cell": "inputs.cell",
    "load_cell": "inputs.cell",
    "ThinFilmCell": "physics.model",
    "simulate": "solving.simulation",
    "Numerics": "solving.engine",
    "Result": "analysis.result",
    "load_result": "analysis.result",
    "run_experiment": "running.run",
    "layer_table": "inputs.energy",
    "sweep": "analysis.sweeps",
    "optimise": "analysis.optimum",
    "saturation_capacity": "analysis.estimates",
    "InputError": "inputs.files",
    "read_measured": "reading.measured",
    "compare": "comparing.comparison",
    "fit": "fitting.fit",
    "fit_ocv": "fitting.ocv",
}
# What goes by another name at home
_THERE = {"read_measured": "read"}
__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:
    from .analysis.estimates import saturation_capacity as saturation_capacity
    from .analysis.optimum import optimise as optimise
    from .analysis.result import Result as Result
    from .analysis.result import load_result as load_result
    from .analysis.sweeps import sweep as sweep
    from .comparing.comparison import compare as compare
    from .fitting.fit import fit as fit
    from .fitting.ocv import fit_ocv as fit_ocv
    from .inputs.cell import Cell as Cell
    from .inputs.cell import load_cell as load_cell
    from .inputs.energy import layer_table as layer_table
    from .inputs.files import InputError as InputError
    from .physics.model import ThinFilmCell as ThinFilmCell
    from .reading.measured import read as read_measured  # noqa: F401
    from .running.run import run_experiment as run_experiment
    from .solving.engine import Numerics as Numerics
    from .solving.simulation import simulate as simulate


def __getattr__(name: str) -> Any:
    if name in _HOME:
        home = import_module(f".{_HOME[name]}", __name__)
        return getattr(home, _THERE.get(name, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

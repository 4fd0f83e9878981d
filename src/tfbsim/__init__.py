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
    "Cell": "cell",
    "load_cell": "cell",
    "ThinFilmCell": "model",
    "simulate": "simulation",
    "Numerics": "engine",
    "Result": "result",
    "load_result": "result",
    "run_experiment": "run",
    "sweep": "sweeps",
    "optimise": "optimum",
    "saturation_capacity": "estimates",
    "InputError": "files",
}
__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:
    from .cell import Cell as Cell
    from .cell import load_cell as load_cell
    from .engine import Numerics as Numerics
    from .estimates import saturation_capacity as saturation_capacity
    from .files import InputError as InputError
    from .model import ThinFilmCell as ThinFilmCell
    from .optimum import optimise as optimise
    from .result import Result as Result
    from .result import load_result as load_result
    from .run import run_experiment as run_experiment
    from .simulation import simulate as simulate
    from .sweeps import sweep as sweep


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

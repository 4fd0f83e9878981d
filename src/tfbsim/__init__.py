"""tfbsim: a physics-based simulator of thin-film solid-state lithium cells.

Cell file -> :class:`Cell` -> :class:`ThinFilmCell` (a PyBaMM model) ->
:func:`simulate` (protocol) -> :class:`Result`.  Names load on first use (they stand in
``__init__.pyi``), so that importing the package is quick and silent.
"""

import os

import lazy_loader

from .version import __version__ as __version__

# PyBaMM asks about telemetry on import unless told; the user's own setting wins.
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""tfbsim: a physics-based simulator of thin-film solid-state lithium cells.

Cell file -> :class:`Cell` -> :class:`ThinFilmCell` (a PyBaMM model) ->
:func:`simulate` (protocol) -> :class:`Result`.  Names load on first use (they stand in
``__init__.pyi``), so that importing the package is quick and silent.
"""

import os

from .version import __version__ as __version__

# PyBaMM asks about telemetry on import unless told; the user's own setting wins.
os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")


def __getattr__(name: str) -> object:
    # Late: a command answers Ctrl-C before it reads the stub
    import lazy_loader

    names = globals()
    attached = lazy_loader.attach_stub(__name__, __file__)
    names["__getattr__"], names["__dir__"], names["__all__"] = attached
    return names[name] if name in names else attached[0](name)


def __dir__() -> list[str]:
    return list(__getattr__("__all__"))  # type: ignore[call-overload]

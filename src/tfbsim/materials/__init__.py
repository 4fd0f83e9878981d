"""Materials by name: what a cell file need not repeat.

Every module of this folder that has a ``MATERIAL`` is one of the library; a new material
is a new file, and nothing else.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from .material import Material


@cache
def library(layer: str) -> dict[str, Material]:
    """Return the materials that may stand in a layer, by name, in order of their names.

    Parameters
    ----------
    layer : str
        cathode, electrolyte, anode, collector or interlayer.
    """
    return {name: m for name, m in every().items() if layer in m.layers}


@cache
def every() -> dict[str, Material]:
    """Return all materials of the library, by name, in order of their names."""
    return {m.name: m for m in sorted(_materials(), key=lambda m: m.name)}


@cache
def _materials() -> tuple[Material, ...]:
    modules = (import_module(f".{m.name}", __name__) for m in iter_modules(__path__))
    return tuple(m.MATERIAL for m in modules if hasattr(m, "MATERIAL"))

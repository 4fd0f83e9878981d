"""Materials by name: what a cell file need not repeat.

Every module of this folder that has a ``MATERIAL`` is one of the library; a new material
is a new file, and nothing else.  ``inert`` holds the solids that store no charge.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from .material import Material


@cache
def library(layer: str) -> dict[str, Material]:
    """Return the materials that may stand in a layer, by each of their names.

    It is a cathode, electrolyte, anode, collector, interlayer or stack.
    """
    return {name: m for name, m in named().items() if layer in m.layers}


@cache
def every() -> dict[str, Material]:
    """Return all materials of the library, by name, in order of their names."""
    return {m.name: m for m in sorted(_materials(), key=lambda m: m.name.lower())}


@cache
def named() -> dict[str, Material]:
    """Return the same by other names as well, which come last."""
    return every() | {name: m for m in every().values() for name in m.also}


@cache
def _materials() -> tuple[Material, ...]:
    modules = [import_module(f".{m.name}", __name__) for m in iter_modules(__path__)]
    single = tuple(m.MATERIAL for m in modules if hasattr(m, "MATERIAL"))
    return single + tuple(m for of in modules for m in getattr(of, "MATERIALS", ()))

"""Materials by name: what a cell file need not repeat.

A material is a file in the folder of its layer, cathode, electrolyte or anode, written as
one that stands beside a cell (docs/materials.md); a new one is a new file, and nothing
else.  Each is read when it is asked for.  ``inert`` has the solids that store no charge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from .. import units
from ..yaml_file import Content, block, load
from .inert import MATERIALS
from .laws import Constant
from .material import Material, Value
from .spelled import SPELLED

FOLDERS = ("cathode", "electrolyte", "anode")
LAWS = {"open_circuit_potential": "voltage", "diffusivity": "diffusivity"}
# Of a file, beside the fields of the layer
HEAD = ("format", "kind", "name", "description", "source", "origin", "valid", "data")


class _Folder(Mapping[str, Material]):
    """The materials of a layer, in order of their names."""

    def __init__(self, layer: str) -> None:
        self.layer = layer
        files = [file for root in __path__ for file in Path(root, layer).glob("*.yaml")]
        self.files = {f.stem: f for f in sorted(files, key=lambda f: f.stem.lower())}
        self.read: dict[str, Material] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, name: str) -> Material:
        if name not in self.read:
            self.read[name] = _read(self.files[name], self.layer)
        return self.read[name]


@cache
def library(layer: str) -> Mapping[str, Material]:
    """Return the materials that may stand in a layer, by each of their names.

    It is a cathode, electrolyte, anode, collector, interlayer or stack.
    """
    if layer in FOLDERS:
        return _Folder(layer)
    solids = sorted(MATERIALS, key=lambda m: m.name.lower())
    return _by_name([m for m in solids if layer in m.layers])


@cache
def every() -> dict[str, Material]:
    """Return all materials of the library, by name, in order of their names."""
    found = [*MATERIALS, *(m for layer in FOLDERS for m in library(layer).values())]
    return {m.name: m for m in sorted(found, key=lambda m: m.name.lower())}


@cache
def named() -> dict[str, Material]:
    """Return the same by other names as well, which come last."""
    return _by_name(list(every().values()))


def _by_name(materials: list[Material]) -> dict[str, Material]:
    other = {name: material for material in materials for name in material.also}
    return {material.name: material for material in materials} | other


def of_content(name: str, layer: str, content: Content, fields: Content) -> Material:
    """Return a material from the content of its file and the fields that it sets."""
    origin, valid, more = (block(content, key) for key in ("origin", "valid", "data"))
    source = str(content.get("source", "no source is given"))

    def value(key: str, given: object) -> Value:
        return Value(given, str(origin.get(key, source)), str(valid.get(key, "")))

    values, data = ({k: value(k, v) for k, v in g.items()} for g in (fields, more))
    title = str(content.get("description", "a file of its own"))
    return Material(name, title, (layer,), values, data)


def _read(path: Path, layer: str) -> Material:
    """Return a material of the library."""
    content = load(path).data
    fields = {name: value for name, value in content.items() if name not in HEAD}
    for name, dimension in LAWS.items():
        if isinstance(given := fields.get(name), dict):
            (spelled,) = (model for key, model in SPELLED.items() if key in given)
            fields[name] = spelled(**given).law(dimension, path.parent)
        elif given is not None:
            fields[name] = Constant(units.parse(given, dimension))
    return of_content(path.stem, layer, content, fields)

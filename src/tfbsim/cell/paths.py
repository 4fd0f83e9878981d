"""Fields of a cell by their dotted paths, such as ``cathode.thickness``."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from pydantic import BaseModel

from ..errors import shown, suggest
from ..fields import Strict, described, inner_models, refuse
from ..materials.laws import Constant
from ..materials.transport import SelfDiffusion
from .anode import Anode, is_a_film
from .film import INITIAL, Film


def at(data: object, path: str) -> object:
    """Return the value at a path of a file's content, None if there is none."""
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data


def put(
    root: type[BaseModel], content: dict[str, object], path: str, value: object
) -> None:
    """Set a path of the content of a model's file; alternatives of a field make way."""
    here, model = content, root
    *parents, last = path.split(".")
    for key in parents:
        _check_known(model, key, path)
        inner = next(inner_models(model.model_fields[key].annotation), None)
        if inner is Anode and is_a_film(here.get(key)):
            inner = Film
        if inner is None:
            refuse(path, "no such field")
        below = here.setdefault(key, {})
        if not isinstance(below, dict):
            refuse(key, f"'{shown(below)}' is no layer")
        here, model = below, inner
    _check_known(model, last, path)
    if last in INITIAL:
        for other in INITIAL:
            here.pop(other, None)
    if last == "material":
        here.pop("material_file", None)
    here[last] = copy.deepcopy(value)


def number(cell: Strict, path: str) -> tuple[float, str]:
    """Return a numeric field in SI, and its dimension; InputError of any other."""
    here: object = cell
    what = None
    for key in path.split("."):
        if here is None:
            refuse(path, "belongs to a layer that this cell does not have")
        model = type(here) if isinstance(here, BaseModel) else Strict
        _check_known(model, key, path)
        what, here = described(model, key), getattr(here, key)
    if isinstance(here, SelfDiffusion):
        here = here.D_0
    if isinstance(here, Constant):
        here = here.value
    if not isinstance(here, float | int) or what is None:
        refuse(path, "is not a number and cannot be varied as one")
    return float(here), what.dimension


def numeric(blocks: Mapping[str, BaseModel | None]) -> list[str]:
    """Return the paths of the fields that are numbers, of blocks by their own paths."""
    return [
        f"{path}.{name}".removeprefix(".")
        for path, block in blocks.items()
        if block is not None
        for name in type(block).model_fields
        if described(type(block), name) is not None
    ]


def _check_known(model: type[BaseModel], key: str, path: str) -> None:
    """Refuse a key of a path that its layer does not have."""
    if key not in model.model_fields:
        refuse(path, f"no such field{suggest(key, model.model_fields)}")

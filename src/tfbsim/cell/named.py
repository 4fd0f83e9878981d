"""Materials beneath the layers of a cell: of the library, or of a file beside the cell's.

What a cell file says of a layer stands over what the material it names sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import isfile
from pathlib import Path

from ..errors import InputError, shown, suggest
from ..fields import Strict, check_head, validate
from ..materials import HEAD, library, of_content
from ..materials.material import Material
from ..yaml_file import Content, Document, block, load
from .anode import Anode, is_a_film
from .electrolyte import OF_A_FILM, Electrolyte, SecondElectrolyte
from .film import INITIAL, LAWS, Film
from .paths import at

PLACES = ("cathode", "electrolyte", "electrolyte.second", "anode")  # of a material
MODELS: dict[str, type[Strict]]
MODELS = {"cathode": Film, "electrolyte": Electrolyte, "anode": Anode}


def _put(data: dict[str, object], place: str, fields: dict[str, object]) -> None:
    """Let fields stand at a dotted place, without changing what is shared."""
    layer, _, second = place.partition(".")
    data[layer] = {**block(data, layer), second: fields} if second else fields


def _group(place: str, fields: object) -> str:
    """Return what materials of the library may stand in a layer as it is given."""
    layer = place.partition(".")[0]
    return "cathode" if layer == "anode" and is_a_film(fields) else layer


def named_in(place: str, fields: Content) -> Iterator[tuple[str, str]]:
    """Yield fields of a layer that name what sets others, and the groups these are of;
    what an interlayer sets comes before what a collector does, a material first of all.
    """
    group = _group(place, fields)
    if group == "anode":
        for field in ("collector", "interlayer"):
            if fields.get(field) is not None:
                yield field, field
    if "material" in fields and fields.get("material_file") is None:
        yield "material", group


def filled(raw: dict[str, object], document: Document | None) -> dict[str, object]:
    """Return a cell's content over that of the materials it names."""
    full = dict(raw)
    for place in PLACES:
        if isinstance(fields := at(full, place), dict):
            given: dict[str, object] = {}
            for field, group in named_in(place, fields):
                given |= _of_library(group, fields[field], place, field, document)
            _put(full, place, _over(place, given, fields))
    liquid = at(full, "electrolyte.salt") is not None  # which wets all of the film
    if liquid and isinstance(cathode := full.get("cathode"), dict):
        full["cathode"] = cathode | {"utilisation": 1.0}
    return full


def _over(
    place: str, given: dict[str, object], fields: dict[str, object]
) -> dict[str, object]:
    """Return the fields of a layer over those that a material sets.

    A liquid takes the place of a film without what the file says of the film, so that
    another material is all it takes; of its salt the file may say a part.
    """
    given = _beneath(place, given, fields)
    if "salt" not in given or fields.get("salt", given) is None:
        return given | fields
    kept = {k: v for k, v in fields.items() if k not in OF_A_FILM}
    if isinstance(salt := kept.get("salt", {}), dict):
        kept["salt"] = {**block(given, "salt"), **salt}
    return {**given, **kept, "thickness": {**given, **kept}["separator"]}


def _beneath(place: str, given: Content, fields: Content) -> dict[str, object]:
    """Return what of a material goes with the fields of a layer: what a second film of
    electrolyte has, and the initial state once."""
    known = SecondElectrolyte.model_fields if place.endswith("second") else given
    by_voltage = "initial_voltage" in fields and "initial_stoichiometry" not in fields
    left_out = "initial_stoichiometry" if by_voltage else ""
    return {k: v for k, v in given.items() if k in known and k != left_out}


def _of_library(
    group: str, name: object, place: str, field: str, document: Document | None
) -> dict[str, object]:
    """Return the fields that a material of the library sets, named at this place."""
    materials = library(group)
    if isinstance(name, str) and name in materials:
        return materials[name].fields
    folder = document.path.parent if document else Path()
    beside = [p.stem for p in folder.glob("*.yaml") if _is_a_material(p)]
    message = f"unknown {field} '{shown(name)}'" + (
        suggest(str(name), [*materials, *beside])
        or f"; the library has {', '.join(materials)}; a file of that name, "
        f"{shown(name)}.yaml, would do beside the cell's (docs/materials.md)"
    )
    if document:
        raise document.error((*place.split("."), field), message)
    raise InputError(message, field=f"{place}.{field}")


def _is_a_material(path: Path) -> bool:
    try:
        return "kind: material" in path.read_text("utf-8")[:1000].splitlines()
    except (OSError, ValueError):
        return False


# --- Files of materials --------------------------------------------------------------


def take_in(raw: dict[str, object], folder: Path) -> dict[str, Document]:
    """Put what files of materials beside a cell's say into the cell's own content.

    A layer whose ``material`` is none of the library and the name of a file has its
    values, beneath its own.  Returned are the files read, by place.
    """
    found = {}
    for place in reversed(PLACES):  # a second electrolyte before the first
        fields = at(raw, place)
        if not isinstance(fields, dict) or fields.get("material_file") is not None:
            continue
        name, group = fields.get("material"), _group(place, fields)
        path = folder / f"{name}.yaml"
        plain = isinstance(name, str) and Path(name).name == name and name.isprintable()
        if not plain or name in library(group) or not isfile(path):  # nor too long
            continue
        data = (document := _read(path, MODELS[group])).data
        given = {k: v for k, v in data.items() if k not in HEAD}
        given = _beneath(place, given, fields)
        origin = {
            f"{place}.{key}": block(data, "origin").get(
                key, data.get("source", f"as {path.name} has it")
            )
            for key in given
            if key not in fields
        }
        _put(raw, place, {**given, **fields, "material_file": path.name})
        if isinstance(own := raw.get("origin", {}), dict):
            raw["origin"] = {**origin, **own}
        found[place] = document
    return found


def where_it_stands(
    error: InputError, found: Mapping[str, Document], own: Content
) -> InputError:
    """Return a mistake in the file that it stands in: a material's, or the cell's."""
    for place, document in found.items():
        rest = error.field.removeprefix(f"{place}.")
        first = rest.partition(".")[0]
        inside = rest != error.field and first in document.data
        written = at(own, place)
        if inside and not (isinstance(written, dict) and first in written):
            return document.error(tuple(rest.split(".")), error.message)
    return error


def _read(path: str | Path, model: type[Strict]) -> Document:
    """Read the file of a material: the fields of a layer, beneath a head."""
    document = load(path)
    check_head(document, "material")
    data = document.data
    known = model.model_fields.keys() - {"material", "material_file", "thickness"}
    for key in data.keys() - {*HEAD, *known}:
        hint = suggest(key, known) or f"; there are: {', '.join(sorted(known))}"
        raise document.error((key,), f"unknown key '{shown(key)}'{hint}")
    if not isinstance(more := data.get("data", {}), dict):
        raise document.error(("data",), "must be a mapping")
    for name in ("origin", "valid"):
        texts = data.get(name, {})
        if not isinstance(texts, dict) or {*map(type, texts.values())} - {str}:
            raise document.error((name,), "must be a mapping of fields to text")
        for key in texts.keys() - {*data, *more}:
            message = f"is of no value that is given{suggest(key, [*data, *more])}"
            raise document.error((name, key), message)
    return document


def read_material(path: str | Path) -> Material:
    """Read the file of a material as one of the library, with each value checked.

    What it leaves to the cell's file is not missing.
    """
    film = "open_circuit_potential" in load(path).data
    model: type[Strict] = Film if film else Electrolyte
    data = (document := _read(path, model)).data
    fields = {name: value for name, value in data.items() if name not in HEAD}
    left: dict[str, object] = {"conductivity": "1e-6 S/cm"}
    if film:
        left = library("cathode")["LCO"].fields
        if "site_concentration" in data:
            left.pop("molar_mass", None)
        if not {*INITIAL} & data.keys():
            x = data.get("exchange_current_stoichiometry", 0.5)
            left["initial_stoichiometry"] = x
    whole, folder = {"thickness": "1 um", **left, **fields}, document.path.parent
    found = validate(model, whole, document=document, folder=folder)
    for name in {*LAWS} & fields.keys():
        fields[name] = getattr(found, name)
    layer = "cathode" if film else "electrolyte"
    return of_content(document.path.stem, layer, data, fields)

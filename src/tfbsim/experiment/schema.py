"""JSON Schema of cell and experiment files, and the page of their fields.

Both are made from the fields, which say what they are, in which unit and range.
``python -m tfbsim.experiment.schema .`` writes schema/ and docs/fields.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from ..cell.cell import LAYERS, Cell
from ..fields import FORMAT, Quantity, Strict, described, inner_models
from .experiment import Experiment

DRAFT = "https://json-schema.org/draft/2020-12/schema"
GIVEN = ("thickness", "lithium")  # of a layer, what no material sets
KINDS: dict[str, type[Strict]] = {"cell": Cell, "experiment": Experiment}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of the files of a kind, "cell" or "experiment"."""
    schema = KINDS[kind].model_json_schema()
    schema["required"] = ["format", "kind"] + [
        name for name in schema["required"] if name != "reference_temperature"
    ]
    schema["properties"]["format"] = {"const": FORMAT}
    schema["properties"]["kind"] = {"const": kind}
    for layer in ("Film", "Electrolyte", "SecondElectrolyte", "Anode"):
        # A material of the library may set all else
        own = schema["$defs"].get(layer) if kind == "cell" else None
        if own:
            own["required"] = [name for name in own["required"] if name in GIVEN]
    for model in (schema, *schema["$defs"].values()):
        for field in model.get("properties", {}).values():
            _with_range(field)
    return {"$schema": DRAFT, **schema}


def _with_range(field: dict[str, Any]) -> None:
    """Put the dimension and bounds of a quantity behind what the field is."""
    said = " ".join(field.get("description", "").split())
    for option in (field, *field.get("anyOf", ())):
        if words := option.pop("$comment", ""):
            said = f"{said} {words.capitalize()}, as {option['examples'][0]}.".strip()
    if said:
        field["description"] = said


def written(kind: str) -> str:
    """Return the text of a schema's file."""
    return json.dumps(json_schema(kind), indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Return docs/fields.md: every field of a cell, in Markdown."""
    text = (
        "# Fields of a cell file\n\nMade from the fields by "
        "`python -m tfbsim.experiment.schema .`; laws, groups of fields and the "
        "experiment stand in [files.md](files.md).\n"
    )
    models: dict[str, type[BaseModel]] = {"": Cell}
    for name in LAYERS:
        models[name] = next(inner_models(Cell.model_fields[name].annotation))
    for name, model in models.items():
        title = f"`{name}`: {model.__doc__}" if name else "The cell"
        text += f"\n## {title}\n\n| field | what it is | value | default |\n"
        text += "|---|---|---|---|\n"
        for field, info in model.model_fields.items():
            said = " ".join((info.description or "").split())
            unsaid = info.is_required() or info.default in (None, "", {})
            default = "" if unsaid else info.default
            text += f"| `{field}` | {said} | {_value(model, field)} | {default} |\n"
    return text


def _value(model: type[BaseModel], field: str) -> str:
    """Return what a field holds, in words."""
    what, annotation = described(model, field), model.model_fields[field].annotation
    if isinstance(what, Quantity):
        return f"{what.words}, as `{what.example}`"
    if what is not None:
        return f"law, or {what.dimension}"
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{word}`" for word in get_args(annotation))
    return ""


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for name in KINDS:
        path = root / "schema" / f"{name}.schema.json"
        path.write_text(written(name), encoding="utf-8")
    (root / "docs" / "fields.md").write_text(page(), encoding="utf-8")

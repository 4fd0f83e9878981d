"""JSON Schema of cell and experiment files, made from what the fields say of themselves.

``python -m tfbsim.experiment.schema .`` writes schema/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..cell.cell import Cell
from ..fields import FORMAT, Strict
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


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for name in KINDS:
        path = root / "schema" / f"{name}.schema.json"
        path.write_text(written(name), encoding="utf-8")

"""JSON Schema of cell and experiment files, for editors; made from the fields.

``python -m tfbsim.experiment.schema FOLDER`` writes those that stand in schema/.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..cell.cell import LAYERS, Cell
from ..fields import FORMAT
from .cases import Experiment

DRAFT = "https://json-schema.org/draft/2020-12/schema"
GIVEN = ("thickness", "lithium")  # of a layer, what no material sets
KINDS = {"cell": Cell, "experiment": Experiment}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of files of a kind.

    Parameters
    ----------
    kind : str
        "cell" or "experiment".
    """
    schema = KINDS[kind].model_json_schema()
    schema["required"] = ["format", "kind"] + [
        name for name in schema["required"] if name != "reference_temperature"
    ]
    schema["properties"]["format"] = {"const": FORMAT}
    schema["properties"]["kind"] = {"const": kind}
    for layer in LAYERS:
        # A material of the library may set all else
        own = schema["$defs"].get(layer.title()) if kind == "cell" else None
        if own:
            own["required"] = [name for name in own["required"] if name in GIVEN]
    return {"$schema": DRAFT, **schema}


def written(kind: str) -> str:
    """Return the text of a schema's file."""
    return json.dumps(json_schema(kind), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in KINDS:
        path = Path(sys.argv[1]) / f"{name}.schema.json"
        path.write_text(written(name), encoding="utf-8")

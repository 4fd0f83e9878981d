"""What it takes to repeat a run: written into provenance.json, and read back from it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ..cell.cell import Cell, Written
from ..errors import InputError, shown
from ..fields import Strict, validate
from ..numerics import Numerics
from ..output import read_json
from ..version import __version__
from ..yaml_file import Content, Document, check_plain
from .settings import Recorded

PARTS = "experiment_content", "cells", "changes", "numerics"  # of what users write
PACKAGES = "pybamm", "pybammsolvers", "casadi", "numpy", "scipy", "xarray", "pandas"


@cache
def versions() -> dict[str, str]:
    """Return the versions of all that a number may depend on."""
    return {"tfbsim": __version__} | {name: version(name) for name in PACKAGES}


@dataclass(frozen=True)
class Inputs:
    """What a run is made of."""

    document: Document  # The experiment
    cells: dict[str, Cell]  # As loaded, by the name or path the experiment has for each
    cell: str | None  # What --cell said
    changes: dict[str, str]  # What --set said

    def provenance(self, numerics: Numerics, command: str = "") -> dict[str, object]:
        """Inputs with their hashes, versions, tolerances and the command of a run."""
        content = self.document.data
        return {
            "tfbsim": __version__,
            "experiment": content.get("name") or self.document.path.stem,
            "title": content.get("description", ""),
            "source": content.get("source", ""),
            "experiment_file": self.document.path.name,
            "experiment_sha256": _hash(content),
            "experiment_content": content,
            "cells": {name: _cell_entry(used) for name, used in self.cells.items()},
            "cell": self.cell,
            "changes": self.changes,
            "numerics": asdict(numerics),
            "command": command,
            "python": platform.python_version(),
            "platform": f"{sys.platform} {platform.machine()}",
            "packages": {name: versions()[name] for name in PACKAGES},
        }


@dataclass(frozen=True)
class Run(Inputs):
    """A run as a provenance file tells it."""

    numerics: Numerics  # Mesh and tolerances
    differences: list[str]  # Versions that are other than they were, in words


class _Recorded(Strict):
    numerics: Recorded


def _cell_entry(cell: Cell) -> dict[str, object]:
    written = asdict(cell.written)
    return {"name": cell.name, "sha256": _hash(written), **written}


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _hash(content: object) -> str:
    """SHA-256 of what was read: comments and layout of a file do not count."""
    return digest(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str))


def load_run(path: Path) -> Run:
    """Read a run back from the provenance.json it left; InputError if it was changed."""
    return run_of(read_json(path, "provenance.json of a run"), path)


def run_of(content: Content, path: Path) -> Run:
    """Return the run that the content of a provenance.json tells of."""
    try:
        for part in PARTS:
            check_plain(content[part], path, part)
        own_path = path.with_name(str(content["experiment_file"]))
        document = Document(own_path, dict(_mapping(content[PARTS[0]] or {})), {(): 1})
        cells = {
            str(name): cell_of_entry(str(name), entry, path)
            for name, entry in _mapping(content["cells"]).items()
        }
        recorded = Document(path, {"numerics": content["numerics"]}, {(): 1})
        told_of = validate(_Recorded, recorded.data, document=recorded, python=True)
        changes = {str(k): str(v) for k, v in _mapping(content["changes"]).items()}
        cell = content["cell"]
        if not isinstance(cell, str | None):
            raise TypeError("cell")
        before = {"tfbsim": content["tfbsim"], **_mapping(content["packages"])}
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"is no provenance.json of a run ({shown(error)})"
        raise InputError(message, path) from None
    if _hash(document.data) != content.get("experiment_sha256"):
        raise InputError("the experiment in it was changed by hand", path)
    now = versions()
    differences = [
        f"{name} {shown(then)} then, {now[name]} now"
        for name, then in before.items()
        if name in now and then != now[name]
    ]
    return Run(document, cells, cell, changes, told_of.numerics.applied(), differences)


def _mapping(found: object) -> Content:
    if not isinstance(found, dict):
        raise TypeError(f"{found!r} is no mapping")
    return found


def cell_of_entry(name: str, entry: object, path: Path | str = "") -> Cell:
    """Return the cell of an entry of ``cells``; InputError if it was changed by hand."""
    if not isinstance(entry, dict):
        raise TypeError(f"{name} is no cell")
    written = Written(*(entry[field.name] for field in fields(Written)))
    if _hash(asdict(written)) != entry["sha256"]:
        message = f"the cell '{shown(name)}' in it was changed by hand"
        raise InputError(message, path)
    return Cell.from_written(written)

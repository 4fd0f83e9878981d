"""Write docs/verification.md from what the tests measure.

    python docs/verification.py

Runs every test that records a figure, in three processes beside each other, and writes
the page only if all pass.
"""

from __future__ import annotations

import ast
import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "verification.md"
PACKAGES = ("pybamm", "pybammsolvers", "casadi", "numpy", "scipy")
HEAD = """# Verification

Each figure is measured by the test that stands beside it, which fails beyond the limit;
of a figure that is measured more than once, the worst is shown. Written by

    python docs/verification.py

with Python {python}, {packages}. The
tests fail if this page does not show what they measure.
"""


def measured() -> list[dict[str, Any]]:
    """Figures of all tests that record any."""
    tests = sorted(
        p for p in ROOT.glob("tests/**/test_*.py") if "figure" in p.read_text()
    )
    solving = [p for p in tests if p.parent.name == "verification"]
    others = [p for p in tests if p not in solving]
    with tempfile.TemporaryDirectory() as folder:
        runs = []
        for marks, files in (("not slow", tests), ("slow", solving), ("slow", others)):
            file = Path(folder) / f"{len(runs)}.json"
            command = [sys.executable, "-m", "pytest", "-q", "-m", marks]
            command += [f"--figures={file}", *map(str, files)]
            runs.append((subprocess.Popen(command, cwd=ROOT), file))
        if any([run.wait() for run, _ in runs]):
            sys.exit("the page was not written: a test failed")
        return [entry for _, file in runs for entry in json.loads(file.read_text())]


def page(figures: list[dict[str, Any]]) -> str:
    """The page as text."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = [HEAD.format(python=platform.python_version(), packages=packages)]
    by_file = {}
    for entry in figures:
        path, _, test = entry["test"].partition("::")
        by_file.setdefault(path, []).append({**entry, "test": test})
    for path in sorted(by_file, key=_order):
        doc = ast.get_docstring(ast.parse((ROOT / path).read_text("utf-8"))) or path
        parts.append(f"\n## {doc.splitlines()[0].rstrip('.')}\n\n[{path}](../{path})\n")
        parts.append("| | measured | limit | test |\n|---|---|---|---|")
        parts.extend(_row(entry) for entry in _worst(by_file[path]))
    return "\n".join(parts) + "\n"


def _order(path: str) -> tuple[bool, bool, str]:
    return "verification" not in path, "validation" not in path, path


def _worst(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each claim the figure nearest its limit, in the order they were measured."""
    claims = list(dict.fromkeys(entry["claim"] for entry in figures))
    ordered = sorted(figures, key=lambda entry: claims.index(entry["claim"]))
    return [
        max(of_claim, key=lambda entry: entry["miss"])
        for _, of_claim in groupby(ordered, key=lambda entry: entry["claim"])
    ]


def _row(entry: dict[str, Any]) -> str:
    digits = 4 if "±" in entry["limit"] else 2
    value = f"{entry['value']:.{digits}g} {entry['unit']}".rstrip()
    return f"| {entry['claim']} | {value} | {entry['limit']} | `{entry['test']}` |"


if __name__ == "__main__":
    PAGE.write_text(page(measured()), encoding="utf-8")

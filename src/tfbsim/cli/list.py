"""`tfbsim list`."""

from __future__ import annotations

from rich.markup import escape

from ..yaml_file import load, shipped
from .console import out


def list_() -> None:
    """List the shipped cells and experiments, a line each."""
    for folder, title in (("models", "Cells"), ("experiments", "Experiments")):
        out.print(title)
        files = shipped(folder)
        width = max(map(len, files), default=0)
        for name, path in files.items():
            data = load(path).data
            about = str(data.get("description") or data.get("name") or "")
            out.print(f"  {name:<{width}}  {escape(about)}")

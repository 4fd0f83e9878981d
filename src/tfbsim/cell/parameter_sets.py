"""The shipped cells as PyBaMM parameter sets (entry points ``pybamm_parameter_sets``).

``pybamm.ParameterValues("lco-lipon-li-raijmakers2020")`` finds them once tfbsim is
installed; each name is served from its file in models/, charged (an anode-free cell, as
made and about to be charged) and with the cell's own window as cut-offs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ..materials import library
from ..yaml_file import shipped
from .cell import LAYERS, Cell, load_cell

KEYWORDS = re.compile(r"keywords = \{(.*?)\}")
PAPER = re.compile(
    r"\b([A-Z]\w+)(?: et al\.|(?:, [A-Z][a-z]+)+),? "  # first author
    r"([^;()]*?)\((\d{4})\)( \w+)?"  # journal, year, page
)
MISC = "@misc{{{key},\n  author = {{{name} and others}}, year = {{{year}}},\n{where}}}"


@cache
def citations(keyword: str) -> tuple[str, ...]:
    """Return the BibTeX entries of ``citations.bib`` with a keyword, "" for all."""
    text = Path(__file__).with_name("citations.bib").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=@)", text)
    return tuple(
        entry.strip()
        for entry in entries
        if not keyword or keyword in ", ".join(KEYWORDS.findall(entry)).split(", ")
    )


def papers(cell: Cell) -> list[str]:
    """Return BibTeX entries of the papers that a cell and its materials name.

    What they print is kept: the first author, where, the year.
    """
    texts = [cell.source, *cell.origin.values()]
    for layer in LAYERS:
        material = library(layer).get(getattr(cell, layer).material or "")
        values = material.values.values() if material is not None else ()
        texts += [value.source for value in values]
    known = {entry.partition("{")[2].partition(",")[0]: entry for entry in citations("")}
    found = {}
    for name, where, year, page in PAPER.findall(" ; ".join(texts)):
        key = name + year
        printed = f"{where.strip()}{page}".strip(" ,")
        howpublished = f"  howpublished = {{{printed}}}\n" if printed else ""
        misc = MISC.format(key=key, name=name, year=year, where=howpublished)
        found[key] = known.get(key, misc)
    return list(found.values())


def shipped_parameter_values(name: str) -> dict[str, object]:
    """Return the parameter values of a shipped cell, charged, with its papers."""
    cell = load_cell(name)
    values = cell.parameter_values(charged=True)
    return dict(values.items()) | {"citations": papers(cell)}


def __getattr__(name: str) -> Callable[[], dict[str, object]]:
    files = {stem.replace("-", "_"): stem for stem in shipped("models")}
    if name not in files:
        raise AttributeError(f"no shipped cell is called {name!r}")

    def get_parameter_values() -> dict[str, object]:
        return shipped_parameter_values(files[name])

    get_parameter_values.__doc__ = f"The shipped cell {files[name]}, charged."
    return get_parameter_values

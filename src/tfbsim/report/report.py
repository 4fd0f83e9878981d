"""The report of a result: one HTML file that opens anywhere, and the figures beside it.

Nothing in it comes from a network, and nothing of it depends on when or where it was
written.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ..errors import count
from ..output import REPORT as DRAWN
from ..output import Output
from ..plot import check_format, files, split_unit, volt
from ..plot.drawing import rendered
from ..result.columns import KNOWN, LIMITING, SHARE
from ..result.csv_file import csv
from ..result.losses import EFFICIENCY
from ..result.result import PERCENTILES, SENSITIVITY, Result
from ..result.sensitivity import ANSWERS
from ..result.sweep_table import factors
from ..yaml_file import block
from .answer import RESIDUAL, aged, at_once, cells, delivered, folded, grouped

if TYPE_CHECKING:
    from jinja2 import Template

REPORT = "report.html"
MAX_ROWS = 500
MAX_POINT_ROWS = 3000  # of a sweep: 1.5 MB
MAX_PROBLEMS = 20
MAX_DELIVERED = 40
MAX_TEXT = 60_000  # characters of an input file shown in the report

# Of columns of tables that are no table of a result
ENDINGS = dict.fromkeys(("[mA.h.g-1]", "[uA.h.cm-2]", "[%]"), ".2f")
ENDINGS |= {"[of range]": ".2g"}
SHOWN = ("Measured", "Simulated")
ENERGY_DIGITS = 3  # of the table of losses


def write_report(result: Result, folder: str | Path, format: str = "png") -> Path:
    """Write the figures and ``report.html`` into a folder, each whole or not at all.

    Figures of a ``format`` "svg" or "pdf" stand beside the "png" that the page shows.
    """
    check_format(format)
    tables = {PERCENTILES: result.percentiles, SENSITIVITY: result.sensitivity}
    drawn = files(result, format)
    images = {name: file["png"] for name, (_, file) in drawn.items()}
    captions = {name: caption for name, (caption, _) in drawn.items()}
    others: dict[str, bytes | pd.DataFrame]
    others = {n: t for n, t in tables.items() if not t.empty}
    if format != "png":
        others |= {f"{name}.{format}": f[format] for name, (_, f) in drawn.items()}
    return write_page(folder, images, html(result, images, captions), others)


def write_page(
    folder: str | Path,
    images: Mapping[str, bytes],
    text: str,
    files: Mapping[str, bytes | pd.DataFrame] | None = None,
) -> Path:
    """Write a page, its figures and further files in place of those of an earlier one."""
    output = Output(folder, DRAWN)
    pngs = {f"{name}.png": content for name, content in images.items()}
    for name, content in {**(files or {}), **pngs}.items():
        if isinstance(content, pd.DataFrame):
            output.write(name, csv(content), len(content))
        else:
            output.write(name, content)
    page = output.write(REPORT, text)
    output.add()
    return page


def write_drawn(
    folder: str | Path,
    template: str,
    about: Mapping[str, object],
    figures: Mapping[str, Figure],
    **content: object,
) -> Path:
    """Write figures and the page of a template that shows them."""
    images = rendered(figures)
    captions = {name: str(figure.get_label()) for name, figure in figures.items()}
    return write_page(folder, images, page(template, about, images, captions, **content))


def html(
    result: Result, images: Mapping[str, bytes], captions: Mapping[str, str] | None = None
) -> str:
    """Return the report as text, with figures as PNG and what each of them shows."""
    about, swept = result.provenance, result.of_a_sweep
    problems = folded(_problems(result), "Case", "Cycle number")
    return page(
        REPORT,
        about,
        images,
        captions or {},
        name=str(about.get("experiment") or "Simulation"),
        title=str(about.get("title") or ""),
        verdict=verdict(result),
        as_asked=result.as_asked,
        delivered=None if swept else table_of(delivered(result), MAX_DELIVERED),
        in_short=_in_short(result) if swept else "",
        ageing=table_of(aged(result), MAX_DELIVERED),
        described=cells(about),
        problems=table_of(problems, MAX_PROBLEMS),
        summary=None if swept else table_of(result.summary, MAX_ROWS),
        points=table_of(_points(result), MAX_POINT_ROWS) if swept else None,
        percentiles=table_of(result.percentiles, MAX_ROWS),
        sensitivity=table_of(result.sensitivity, MAX_ROWS),
        losses=table_of(_losses(result), MAX_ROWS),
        comparison=table_of(_comparison(result), MAX_POINT_ROWS),
        warnings=_warnings(result),
        audit=result.audit(),
        steps=table_of(result.steps, MAX_ROWS),
    )


def page(
    template: str,
    about: Mapping[str, object],
    images: Mapping[str, bytes],
    captions: Mapping[str, str],
    **content: object,
) -> str:
    """Return a report of any kind: figures, provenance, what its template asks for."""
    figures = [
        {
            "name": name,
            "data": base64.b64encode(png).decode(),
            "caption": captions.get(name, ""),
            "wide": _aspect(png) > 2,
        }
        for name, png in images.items()
    ]
    common = {"about": about, "figures": figures, "inputs": _inputs(about)}
    return _template(template).render(common | content)


def _aspect(png: bytes) -> float:
    """Return width over height, from the header every PNG begins with."""
    width, height = (int.from_bytes(png[k : k + 4], "big") for k in (16, 20))
    return width / max(height, 1)


@cache
def _template(name: str) -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["split_unit"] = split_unit
    return environment.get_template(name)


# --- Whether it went as asked ----------------------------------------------------------


def verdict(result: Result) -> str:
    """Return a sentence: whether every step ended as asked, and how many did not."""
    cases, steps = len(result.cases), len(result.steps)
    ran = f"{count(cases, 'case')}, {count(steps, 'step')}"
    problems = _problems(result)
    if missing := result.provenance.get("incomplete"):
        return f"Not whole: {'; '.join(missing)}. What is left: {ran}."
    if problems.empty:
        also = f"; {words}" if (words := at_once(result)) else ""
        return f"Everything ended as asked: {ran}, every balance within its limit{also}."
    affected, first = problems["Case"].nunique(), problems.iloc[0]
    where = f"case {first['Case']}, cycle {first['Cycle number']:.0f}"
    if first["Step"]:
        where += f", step {first['Step number']:.0f} ({first['Step']})"
    why = f", {first['Detail']}" if first["Detail"] else ""
    return (
        f"Not everything ended as asked, in {affected} of {count(cases, 'case')}; first "
        f"{where}: {first['Outcome']}{why}."
    )


def _problems(result: Result) -> pd.DataFrame:
    """Return steps that ended otherwise than asked, and cycles that broke their audit."""
    names = ["Case", "Cycle number", "Step number", "Step", "Outcome", "Detail"]
    steps, summary = result.steps, result.summary
    if steps.empty:
        return pd.DataFrame(columns=names)
    breached = summary[summary["Outcome"] == "audit breach"]
    balances = zip(
        *(breached[f"{of} balance error"] for of in ("Lithium", "Charge")), strict=True
    )
    errors = [f"balance errors {a:.1e} (lithium), {b:.1e} (charge)" for a, b in balances]
    breached = breached.assign(Step="", Detail=errors).reindex(columns=names)
    found = steps.loc[steps["Outcome"] != "reached", names]
    return pd.concat([t for t in (found, breached) if len(t)]) if len(breached) else found


# --- Tables ----------------------------------------------------------------------------


class _Table(NamedTuple):
    heads: list[tuple[str, str]]  # name, unit
    rows: list[Markup]  # the cells, of CSS class number, text or bad
    total: int


def table_of(table: pd.DataFrame, limit: int) -> _Table:
    """Return the first rows of a table as the templates show it."""
    cells = [[_cell(str(c), v) for v in table[c].head(limit).tolist()] for c in table]
    rows = [Markup("".join(row)) for row in zip(*cells, strict=True)]
    return _Table([split_unit(str(name)) for name in table], rows, len(table))


def _in_short(result: Result) -> str:
    """Return the least and the most that points of a sweep deliver, and the limits."""
    table = result.answers
    table = table[table["Cycle number"] == table["Cycle number"].max()]
    name = "Discharge capacity [mA.h.g-1]"
    values = table[name].dropna()
    if values.empty:
        return ""
    ends = [
        f"{number(name, values[k])} (point {table['Case'][k]})"
        for k in (values.idxmin(), values.idxmax())
    ]
    limits = table.loc[table[LIMITING] != "", LIMITING].value_counts()
    words = [f"{limit} in {count:,}" for limit, count in limits.items()]
    by = f" The largest loss at the cut-off: {', '.join(words)}." if words else ""
    return f"The discharge capacity goes from {' to '.join(ends)} mA.h.g-1.{by}"


def _cell(column: str, value: object) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{number(column, value)}</td>'
    other = (column == "Outcome" and value != "reached") or value == "not determined"
    kind = "bad" if other else "text"
    if column == "Status":
        kind = escape(f"text {value}")
    elif column in SHOWN:  # numbers of several quantities
        kind = "number"
    return f'<td class="{kind}">{escape(value)}</td>'


def number(column: str, value: float) -> str:
    """Return a number as a table shows it, with the digits that suit its column."""
    if value != value:
        return "–"
    if column in (RESIDUAL, "Residual [%]"):
        return f"{value:+.2f}".replace("-", "−")
    value = float(f"{value:.10g}")  # as summary.csv keeps it: a report drawn again agrees
    digits = _digits(column)
    if digits == "volt":
        return volt(value)
    if digits == ".1e" and value == 0:
        return "0"
    if digits.endswith("f") and abs(value) >= 1e6:
        digits = ".5g"
    return format(value, digits)


@cache
def _digits(column: str) -> str:
    """Return how the numbers of a column are formatted; ``volt`` for cut-offs."""
    if column in KNOWN:
        return KNOWN[column].digits
    return next((d for end, d in ENDINGS.items() if column.endswith(end)), ".5g")


def _points(result: Result) -> pd.DataFrame:
    """Return what varies over a sweep and what comes of it, with the limiting loss."""
    table = result.answers
    shown = (*ANSWERS, EFFICIENCY, SHARE, LIMITING, "Outcome")
    several = table["Cycle number"].nunique() > 1
    first = ["Case", "Cycle number"] if several else ["Case"]
    return table[[*first, *factors(table), *(c for c in shown if c in table)]]


def _losses(result: Result) -> pd.DataFrame:
    """Return the energy balance of each last cycle, without columns of zeros."""
    table = result.losses
    last = table[table["Step number"] == 0].groupby("Case", sort=False).tail(1)
    last = last.drop(columns=["Step number", "Step"])
    shown = 0.5 * 10.0**-ENERGY_DIGITS
    energies = [str(c) for c in last if str(c).endswith("[uW.h.cm-2]")]
    empty = [c for c in energies if (last[c].abs() < shown).all()]
    if last["Energy efficiency [%]"].isna().all():
        empty.append("Energy efficiency [%]")
    return last.drop(columns=empty)


def _comparison(result: Result) -> pd.DataFrame:
    """Return measured beside simulated, each with the digits of its quantity."""
    table = result.comparison
    if table.empty:
        return table
    quantities = table["Quantity"].tolist()
    simulated = zip(quantities, table["Simulated"], strict=True)
    shown = {
        "Quantity": ["{} ({})".format(*split_unit(quantity)) for quantity in quantities],
        "Measured": [f"{value:.5g}" for value in table["Measured"]],
        "Simulated": [number(quantity, float(value)) for quantity, value in simulated],
    }
    heads = ["Case", "Cycle", *shown, "Residual [%]", "Status", "Source"]
    return table.rename(columns={"Cycle number": "Cycle"}).assign(**shown)[heads]


# --- Lists -----------------------------------------------------------------------------


def _warnings(result: Result) -> list[tuple[tuple[str, str], list[tuple[str, str]]]]:
    """Return each warning with its cases; those that differ in numbers alone together."""
    total, found = len(result.cases), result.warnings

    def named(words: str) -> tuple[str, str]:
        number, first = found[words]["cases"], found[words]["first"]
        if number == total:
            return words, "all cases" if total > 1 else ""
        more = f"; and {number - len(first)} more" if number > len(first) else ""
        return words, "; ".join(first) + more

    return [(named(first), list(map(named, others))) for first, others in grouped(found)]


def _inputs(about: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the experiment and cells as they were read."""
    entries = block(about, "cells")
    found: dict[str, object] = {
        f"The cell as read: {name}": block(entries, name).get("content")
        for name in entries
    }
    if about.get("experiment_content"):
        found = {"The experiment as read": about["experiment_content"]} | found
    texts = []
    for name, content in found.items():
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT] + "\n… (in full in provenance.json)"
        texts.append((name, text))
    return texts

"""The report of a result: one HTML file that opens anywhere, and the figures beside it.

Nothing in it comes from a network, and nothing of it depends on when or where it was
written.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ..errors import count
from ..output import REPORT as DRAWN
from ..output import Output
from ..plot import check_format, figures, split_unit, style, volt
from ..result.columns import KNOWN, LIMITING, SHARE
from ..result.csv_file import csv
from ..result.losses import EFFICIENCY
from ..result.result import PERCENTILES, SENSITIVITY, Result
from ..result.sensitivity import ANSWERS
from ..result.sweep_table import answers, factors
from .answer import RESIDUAL, aged, at_once, cells, delivered, folded, grouped

if TYPE_CHECKING:
    from jinja2 import Template

REPORT = "report.html"
MAX_SUMMARY_ROWS = 500
MAX_POINT_ROWS = 3000  # of a sweep: 1.5 MB
MAX_STEP_ROWS = 500
MAX_PROBLEMS = 20
MAX_DELIVERED = 40
MAX_TEXT = 60_000  # characters of an input file shown in the report

# Of columns of tables that are no table of a result
ENDINGS = {"[mA.h.g-1]": ".2f", "[uA.h.cm-2]": ".2f", "[%]": ".2f"}
ENERGY_DIGITS = 3  # of the table of losses


def write_report(result: Result, folder: str | Path, format: str = "png") -> Path:
    """Write the figures and ``report.html``, each whole or not at all.

    Parameters
    ----------
    result : Result
        Of one or many cases.
    folder : path
        Must exist.
    format : str
        Of the figures: "svg" and "pdf" stand beside the "png" that the page shows.

    Returns
    -------
    Path
        The report.
    """
    check_format(format)
    drawn = figures(result)
    images = style.rendered(drawn)
    captions = {name: figure.get_label() for name, figure in drawn.items()}
    tables = {PERCENTILES: result.percentiles, SENSITIVITY: result.sensitivity}
    tables = {name: table for name, table in tables.items() if not table.empty}
    other = style.rendered(drawn, format) if format != "png" else {}
    more = {f"{name}.{format}": content for name, content in other.items()}
    return write_page(folder, images, html(result, images, captions), tables, more)


def write_page(
    folder: str | Path,
    images: Mapping[str, bytes],
    text: str,
    tables: Mapping[str, pd.DataFrame] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Path:
    """Write ``report.html`` and its figures, each whole or not at all, in place of those
    that an earlier page left.

    Parameters
    ----------
    folder : path
        Must exist.
    images : mapping
        Figures as PNG, by name.
    text : str
        The page.
    tables : mapping, optional
        Further tables, by file name.
    files : mapping, optional
        Further files, by name.

    Returns
    -------
    Path
        The page.
    """
    output = Output(folder, DRAWN)
    for name, table in (tables or {}).items():
        output.write(name, csv(table), len(table))
    for name, content in images.items():
        output.write(f"{name}.png", content)
    for name, content in (files or {}).items():
        output.write(name, content)
    page = output.write(REPORT, text)
    output.add()
    return page


def html(
    result: Result,
    images: Mapping[str, bytes],
    captions: Mapping[str, str] | None = None,
) -> str:
    """Return the report as text.

    Parameters
    ----------
    result : Result
        Of one or many cases.
    images : mapping
        Figures as PNG, by name.
    captions : mapping
        What each of them shows.
    """
    about = result.provenance
    swept = result.of_a_sweep
    name = str(about.get("experiment") or "Simulation")
    return page(
        REPORT,
        about,
        images,
        lambda figure: (captions or {}).get(figure, ""),
        name=name,
        title=str(about.get("title") or ""),
        verdict=verdict(result),
        as_asked=result.as_asked,
        delivered=None if swept else table_of(delivered(result), MAX_DELIVERED),
        in_short=_in_short(result) if swept else "",
        ageing=table_of(aged(result), MAX_DELIVERED),
        described=cells(about),
        problems=table_of(
            folded(_problems(result), "Case", "Cycle number"), MAX_PROBLEMS
        ),
        summary=table_of(result.summary, MAX_SUMMARY_ROWS) if not swept else None,
        points=table_of(_points(result), MAX_POINT_ROWS) if swept else None,
        percentiles=table_of(result.percentiles, MAX_SUMMARY_ROWS),
        sensitivity=table_of(result.sensitivity, MAX_SUMMARY_ROWS),
        losses=table_of(_losses(result), MAX_SUMMARY_ROWS),
        comparison=_comparison(result),
        warnings=_warnings(result),
        audit=_audit(result),
        steps=table_of(result.steps, MAX_STEP_ROWS),
    )


def page(
    template: str,
    about: Mapping[str, Any],
    images: Mapping[str, bytes],
    caption: Callable[[str], str],
    **content: Any,
) -> str:
    """A report of any kind as text: its figures and its provenance, and what it has else.

    Parameters
    ----------
    template : str
        File name, in ``templates/``.
    about : mapping
        Provenance.
    images : mapping
        Figures as PNG, by name.
    caption : callable
        Name of a figure to what it shows.
    content
        What else the template asks for.
    """
    common = {
        "source": str(about.get("source") or ""),
        "figures": [
            {
                "name": name,
                "data": base64.b64encode(png).decode(),
                "caption": caption(name),
                "wide": _aspect(png) > 2,
            }
            for name, png in images.items()
        ],
        "facts": facts(about),
        "inputs": _inputs(about),
    }
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
    found = steps.loc[steps["Outcome"] != "reached", names]
    breached = summary[summary["Outcome"] == "audit breach"]
    rows = [
        {
            "Case": row["Case"],
            "Cycle number": row["Cycle number"],
            "Step number": float("nan"),
            "Step": "",
            "Outcome": row["Outcome"],
            "Detail": f"balance errors {row['Lithium balance error']:.1e} (lithium), "
            f"{row['Charge balance error']:.1e} (charge)",
        }
        for row in breached.to_dict("records")
    ]
    if not rows:
        return found
    return pd.concat([found, pd.DataFrame(rows)]) if len(found) else pd.DataFrame(rows)


# --- Tables ----------------------------------------------------------------------------


class _Cell(NamedTuple):
    text: str
    kind: str  # CSS class: "number", "text" or "bad"


@dataclass(frozen=True)
class _Table:
    heads: list[tuple[str, str]]  # name, unit
    rows: list[list[_Cell]]
    total: int

    @property
    def shortened(self) -> bool:
        return len(self.rows) < self.total


def table_of(table: pd.DataFrame, limit: int) -> _Table:
    """Return the first rows of a table as the templates show it."""
    shown = table.head(limit)
    heads = [split_unit(str(name)) for name in table.columns]
    columns = [
        [_cell(str(name), value) for value in shown[name].tolist()]
        for name in table.columns
    ]
    rows = [list(row) for row in zip(*columns, strict=True)] if len(shown) else []
    return _Table(heads, rows, len(table))


def _in_short(result: Result) -> str:
    """What the points of a sweep deliver, from the least to the most, and what limits
    them."""
    table = answers(result)
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


def _cell(column: str, value: Any) -> _Cell:
    if isinstance(value, str):
        bad = column == "Outcome" and value != "reached"
        return _Cell(value, "bad" if bad else "text")
    return _Cell(number(column, float(value)), "number")


def number(column: str, value: float) -> str:
    """Return a number as a table shows it, with the digits that suit its column."""
    if value != value:
        return "–"
    if column == RESIDUAL:
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
    table = answers(result)
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


def _comparison(result: Result) -> _Table | None:
    """Return measured beside simulated, each residual with its sign."""
    table = result.comparison
    if table.empty:
        return None
    rows = []
    for row in table.to_dict("records"):
        quantity = str(row["Quantity"])
        head, unit = split_unit(quantity)
        rows.append(
            [
                _Cell(str(row["Case"]), "text"),
                _Cell(f"{int(row['Cycle number'])}", "number"),
                _Cell(f"{head} ({unit})", "text"),
                _Cell(f"{row['Measured']:.5g}", "number"),
                _Cell(number(quantity, float(row["Simulated"])), "number"),
                _Cell(f"{row['Residual [%]']:+.2f}".replace("-", "−"), "number"),
                _Cell(str(row["Status"]), f"text {row['Status']}"),
                _Cell(str(row["Source"]), "text"),
            ]
        )
    heads = [
        *[("Case", ""), ("Cycle", ""), ("Quantity", ""), ("Measured", "")],
        *[("Simulated", ""), ("Residual", "%"), ("Status", ""), ("Source", "")],
    ]
    return _Table(heads, rows, len(rows))


# --- Lists -----------------------------------------------------------------------------


def _warnings(result: Result) -> list[tuple[tuple[str, str], list[tuple[str, str]]]]:
    """Each warning once, with the cases it holds for; beside the first of a kind those
    that differ in their numbers alone."""
    total, found = len(result.cases), result.warnings

    def named(words: str) -> tuple[str, str]:
        return words, _which(found[words], total)

    return [
        (named(g.first), [named(words) for words in g.others]) for g in grouped(found)
    ]


def _which(of: Mapping[str, Any], total: int) -> str:
    if of["cases"] == total:
        return "all cases" if total > 1 else ""
    more = of["cases"] - len(of["first"])
    return "; ".join(of["first"]) + (f"; and {more} more" if more else "")


def _audit(result: Result) -> list[tuple[str, str]]:
    """Return the largest errors, in words."""
    audit = result.audit()
    cut_off = audit["cut-off error [uV]"]
    return [
        (
            "Largest lithium balance error of a cycle",
            f"{audit['lithium balance error']:.1e}",
        ),
        (
            "Largest charge balance error of a cycle",
            f"{audit['charge balance error']:.1e}",
        ),
        (
            "Largest error of a voltage cut-off",
            "no step ended at one" if cut_off is None else f"{cut_off:.1e} µV",
        ),
        *[
            (f"Largest {name}", f"{value:.1e} {unit}")
            for full, value in audit.items()
            if full.startswith("numerical error")
            for name, unit in [split_unit(full)]
        ],
        (
            "Steps that ended otherwise than asked",
            f"{audit['steps that ended otherwise than asked']} of {audit['steps']}",
        ),
    ]


def facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return versions, numerics and the command, where the provenance has them."""
    packages = about.get("packages") or {}
    found = {
        "Command": about.get("command"),
        "Experiment file": about.get("experiment_file"),
        "SHA-256 of it": about.get("experiment_sha256"),
        "Changes": _pairs(about.get("changes")),
        "Numerics": _pairs(about.get("numerics")),
        "tfbsim": about.get("tfbsim"),
        "Packages": _pairs(packages, " "),
        "Python": about.get("python"),
        "Platform": about.get("platform"),
    }
    return [(name, str(value)) for name, value in found.items() if value]


def _pairs(values: Any, between: str = " = ") -> str:
    if not isinstance(values, Mapping):
        return ""
    return ", ".join(f"{k}{between}{v}" for k, v in values.items())


def _inputs(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the experiment and cells as they were read."""
    found = []
    if about.get("experiment_content"):
        found.append(("The experiment as read", about["experiment_content"]))
    for name, cell in (about.get("cells") or {}).items():
        found.append((f"The cell as read: {name}", cell.get("content")))
    texts = []
    for name, content in found:
        text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
        if len(text) > MAX_TEXT:
            text = text[:MAX_TEXT] + "\n… (in full in provenance.json)"
        texts.append((name, text))
    return texts

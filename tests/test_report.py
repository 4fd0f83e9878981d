"""The report: what it says, and that it says it safely."""

import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from rich.console import Console

import tfbsim
from tfbsim import simulate
from tfbsim.report import answer, report
from tfbsim.report.describe import describe_cell
from tfbsim.result.case import CaseResult
from tfbsim.result.result import Result

CELL = "lco-lipon-li-raijmakers2020"
NASTY = '<script>alert("x")</script>'


class Tags(HTMLParser):
    """Every tag opened, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def rates() -> Result:
    return tfbsim.run_experiment("raijmakers2020-rate-capability")


@pytest.fixture(scope="module")
def single() -> Result:
    steps = ["Charge at 1C until 4.1 V", "Discharge at 1C until 3.0 V"]
    return simulate(CELL, steps)


def other(result: Result, name: str = "base", **changes: str) -> Result:
    """A copy whose last step ended otherwise."""
    case = result.cases[0]
    steps = [{**row, "Case": name} for row in case.steps]
    rows = [{**row, "Case": name} for row in case.rows]
    if changes:
        steps[-1] |= changes
        rows[-1]["Outcome"] = changes["Outcome"]
    found = CaseResult(name, rows, steps, case.curves, [f"{name} is warned of"])
    return Result([found], dict(result.provenance))


def test_files_beside_the_report_are_the_figures_in_it(rates, tmp_path):
    path = report.write_report(rates, tmp_path)
    assert path == tmp_path / "report.html"
    tags = Tags(path.read_text(encoding="utf-8")).tags
    drawn = [a["alt"] for tag, a in tags if tag == "img"]
    assert sorted(drawn) == sorted(p.stem for p in tmp_path.glob("*.png"))
    assert {p.suffix for p in tmp_path.iterdir()} == {".png", ".html"}


def test_the_report_needs_no_network_and_runs_nothing(rates):
    tags = Tags(report.html(rates, {"a": b"png"})).tags
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    sources = [v for _, a in tags for k, v in a.items() if k in ("src", "href")]
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_residuals_carry_their_sign(rates):
    text = report.html(rates, {})
    for row in rates.comparison.to_dict("records"):
        residual = f"{row['Residual [%]']:+.2f}".replace("-", "−")
        assert f">{residual}<" in text
        assert f">{row['Measured']:.5g}<" in text
    assert 'class="text fitted"' in text


def test_fitted_is_told_from_predicted(rates):
    measured = [{**p, "Status": "predicted"} for p in rates.measured[:1]]
    mixed = Result(rates.cases, rates.provenance, [*measured, *rates.measured[1:]])
    text = report.html(mixed, {})
    assert text.count('class="text predicted"') == 1
    assert text.count('class="text fitted"') == len(rates.measured) - 1


def test_everything_as_asked_is_one_sentence(rates):
    assert report.verdict(rates).startswith("Everything ended as asked: 7 cases, ")
    assert 'class="verdict"' in report.html(rates, {})


def test_a_step_of_no_length_is_told_where_all_ended_as_asked():
    steps = ["Charge at 1C until 4.1 V", "Charge at 1C until 4 V"]
    result = simulate(CELL, steps, numerics={"points": 20})
    assert result.as_asked
    words = report.verdict(result)
    assert "1 step of no length, first 'Charge at 1C until 4 V' in base, cycle 1" in words
    assert "4.1 V is past 4 V already" in words


def test_what_ended_otherwise_is_named(single):
    result = other(single, Outcome="time limit", Detail="no end within 3 h")
    verdict = report.verdict(result)
    assert "case base, cycle 1, step 2 (Discharge at 1C until 3.0 V)" in verdict
    assert verdict.endswith("time limit, no end within 3 h.")
    text = report.html(result, {})
    assert 'class="verdict other"' in text
    assert '<td class="bad">time limit</td>' in text


def test_a_broken_audit_is_named(single):
    result = other(single)
    result.cases[0].rows[0] |= {"Outcome": "audit breach", "Charge balance error": 1e-3}
    assert "audit breach" in report.verdict(result)
    assert "1.0e-03 (charge)" in report.verdict(result)


def test_names_from_files_are_escaped(single):
    result = other(single, NASTY, Outcome="infeasible", Detail=NASTY)
    result.provenance |= {
        **{"title": NASTY, "source": NASTY, "experiment": NASTY, "command": NASTY},
        "experiment_content": {NASTY: NASTY},
        "cells": {NASTY: {"content": {"name": NASTY}}},
    }
    text = report.html(result, {})
    assert "<script" not in text.lower()
    page = Tags(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(NASTY) >= 8


def test_the_same_result_gives_the_same_report(rates, tmp_path):
    rates.save(tmp_path)
    first = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    report.write_report(tfbsim.load_result(tmp_path), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == first


def test_provenance_is_shown(rates):
    text = Tags(report.html(rates, {})).text
    about = rates.provenance
    assert about["source"] in text
    assert about["experiment_sha256"] in text
    assert "rtol = 1e-06" in text
    assert f"pybamm {about['packages']['pybamm']}" in text


def test_long_tables_are_cut_and_say_so(single):
    case = single.cases[0]
    steps = [row for row in case.steps for _ in range(400)]
    text = report.html(Result([CaseResult("base", case.rows, steps, case.curves)]), {})
    assert "The first 500 of 800 rows; all are in steps.csv." in text
    assert text.count("Discharge at 1C until 3.0 V</td>") == 100


def test_warnings_are_listed_once(rates):
    text = Tags(report.html(rates, {})).text
    for warning in {w for case in rates.cases for w in case.warnings}:
        assert text.count(warning) == 1


def test_where_the_energy_goes_is_of_the_last_cycle(single, rates):
    text = Tags(report.html(single, {})).text
    assert "Where the energy goes" in text
    row = single.losses[single.losses["Step number"] == 0].iloc[-1]
    table = report._losses(single)
    assert len(table) == 1
    assert table["Energy in [uW.h.cm-2]"].iloc[0] == row["Energy in [uW.h.cm-2]"]
    assert "Electrolyte [uW.h.cm-2]" in table
    assert "Leakage [uW.h.cm-2]" not in table  # there is none
    assert list(report._losses(rates)["Case"]) == [case.name for case in rates.cases]


def test_without_energy_there_is_no_table_of_it():
    failed = simulate(CELL, ["Discharge at 1 W/cm2 until 3 V"])
    assert "Where the energy goes" not in report.html(failed, {})


@pytest.mark.parametrize(
    "column, value, shown",
    [
        ("Discharge capacity [mA.h.g-1]", 123.4567, "123.46"),
        ("Upper cut-off [V]", 4.0, "4.0"),
        ("Charge balance error", 3.21e-13, "3.2e-13"),
        ("Charge balance error", 0.0, "0"),
        ("Cycle number", 12.0, "12"),
        ("cathode.thickness [um]", 0.1, "0.1"),
        ("Coulombic efficiency [%]", float("nan"), "–"),
    ],
)
def test_numbers_have_the_digits_of_their_column(column, value, shown):
    assert report.number(column, value) == shown


def test_every_summary_column_has_a_head(rates):
    text = report.html(rates, {})
    heads = re.findall(r"<th>(.*?)</th>", text)
    names = {re.sub("<br>.*", "", head) for head in heads}
    expected = {re.sub(r" \[.*", "", str(c)) for c in rates.summary}
    assert expected <= names


def test_the_report_opens_with_what_each_case_delivers(rates):
    table = answer.delivered(rates)
    assert list(table["Case"]) == [case.name for case in rates.cases]
    measured = rates.comparison.set_index("Case")["Residual [%]"]
    for row in table.to_dict("records"):
        assert row["Limiting loss"]
        if row["Case"] in measured:
            assert row[answer.RESIDUAL] == measured[row["Case"]]
    text = Tags(report.html(rates, {"a": b"png"})).text
    places = [
        text.index(part)
        for part in ("What each case delivers", "The cell as read", "Figures", "Summary")
    ]
    assert places == sorted(places)


def test_the_cell_is_shown_as_show_prints_it(single):
    ((name, text),) = answer.cells(single.provenance)
    cell = tfbsim.load_cell(CELL)
    printed = Console(file=io.StringIO(), width=110, highlight=False, soft_wrap=True)
    describe_cell(cell, printed, warnings=False)
    lines = printed.file.getvalue().splitlines()
    assert name == cell.name
    assert text.splitlines() == [line.rstrip() for line in lines]


def test_equal_rows_fold_and_name_what_they_are_of():
    table = pd.DataFrame(
        {
            "Case": ["a", "a", "a", "b", "b"],
            "Cycle number": [1, 2, 3, 1, 7],
            "Outcome": ["time limit"] * 4 + ["skipped"],
        }
    )
    rows = answer.folded(table, "Case", "Cycle number").to_dict("records")
    assert [row["Case"] for row in rows] == ["a, b", "b"]
    assert [row["Cycle number"] for row in rows] == ["1 to 3", 7]


def test_warnings_that_differ_in_numbers_are_one(rates):
    groups = answer.grouped(rates.warnings)
    assert len(groups) < len(rates.warnings)
    every = [words for first, others in groups for words in (first, *others)]
    assert sorted(every) == sorted(rates.warnings)

"""Folders of results: known whole, or not taken; names that stay text."""

from __future__ import annotations

import io
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.cli.run import report
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.experiment.provenance import load_run
from tfbsim.output import Output, listed, read_provenance
from tfbsim.plot import figures
from tfbsim.report.report import write_report
from tfbsim.result.csv_file import csv, read
from tfbsim.result.load import load_result
from tfbsim.run.run import run_experiment

INPUTS = Path(__file__).parent / "inputs"
TABLES = ("summary.csv", "steps.csv", "losses.csv", "percentiles.csv", "sensitivity.csv")
COMPUTED = ("summary.csv", "steps.csv", "losses.csv", "curves.nc", "provenance.json")
SWEEP = """\
format: 1
kind: experiment
cell: cell.yaml
numerics: {points: 12, rtol: 1e-3}
steps: ['Discharge at {rate} until 3.5 V']
curves: {cycles: all}
sweep:
  method: sobol
  points: 16
  factors:
    cathode.thickness: {uniform: [1 um, 5 um]}
    rate: {loguniform: [0.5C, 5C]}
"""
NAMES = """\
format: 1
kind: experiment
cell: lco-lipon-li-constant-d
numerics: {points: 12, rtol: 1e-3}
steps: ["Discharge at {日本} until 3 V", "Charge at {é} until 4.1 V"]
cases:
  - grid:
      日本: [100 uA/cm2, 200 uA/cm2, 300 uA/cm2]
      é: [50 uA/cm2, 70 uA/cm2, 90 uA/cm2]
"""


def written(folder: Path, text: str) -> Path:
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    return folder / "x.yaml"


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    run_experiment(written(folder, SWEEP), folder=folder / "out")
    return folder / "out"


@pytest.fixture
def folder(swept, tmp_path):
    return Path(shutil.copytree(swept, tmp_path / "out"))


def refused(folder, *words):
    with pytest.raises(InputError) as caught:
        load_result(folder)
    text = str(caught.value)
    assert text.splitlines() == [text]
    assert all(word in text for word in words), text


class TestWhole:
    def test_every_output_is_listed(self, folder):
        there = {path.name for path in folder.iterdir()}
        assert there == listed(folder) | {"provenance.json", "ledger.sqlite"}
        content = read_provenance(folder)
        assert content["files"]["summary.csv"]["rows"] == 16
        assert {*content["report"]} > {"report.html"}

    @pytest.mark.parametrize("name", COMPUTED)
    def test_a_file_that_is_missing(self, folder, name):
        (folder / name).unlink()
        refused(folder, name)

    @pytest.mark.parametrize("name", TABLES[:3])
    def test_a_digit_that_was_changed(self, folder, name):
        content = bytearray((folder / name).read_bytes())
        places = [k for k, byte in enumerate(content) if chr(byte).isdigit()]
        place = places[len(places) // 2]
        content[place] = ord("1") + (content[place] == ord("1"))
        (folder / name).write_bytes(content)
        refused(folder, name, "was changed since it was written", "--incomplete")
        result = load_result(folder, incomplete=True)
        assert name in result.provenance["incomplete"][0]

    def test_a_table_that_was_cut(self, folder):
        whole = load_result(folder).summary
        content = (folder / "summary.csv").read_bytes()
        lines = content.splitlines(keepends=True)
        (folder / "summary.csv").write_bytes(b"".join(lines[:8]) + lines[8][:-5])
        refused(folder, "summary.csv", "7 of 16 rows")
        before = (folder / "provenance.json").read_bytes()
        left = load_result(folder, incomplete=True)
        pd.testing.assert_frame_equal(left.summary, whole[:7])
        page = write_report(left, folder).read_text("utf-8")
        assert "Not whole: summary.csv was cut or changed: 7 of 16 rows" in page
        assert json.loads(before)["files"] == read_provenance(folder)["files"]
        refused(folder, "summary.csv", "7 of 16 rows")  # still

    def test_curves_that_were_changed_are_left_out(self, folder):
        content = bytearray((folder / "curves.nc").read_bytes())
        content[len(content) // 2] ^= 1
        (folder / "curves.nc").write_bytes(content)
        refused(folder, "curves.nc")
        left = load_result(folder, incomplete=True)
        assert len(left.cases) == 16 and not left.drawn
        write_report(left, folder)

    def test_a_number_in_the_provenance(self, folder):
        path = folder / "provenance.json"
        path.write_text(path.read_text().replace('"points": 16', '"points": 15', 1))
        refused(folder, "provenance.json", "was changed")

    def test_resuming_mends_it(self, folder, swept):
        (folder / "summary.csv").write_text("cut")
        again = swept.parent / "x.yaml"
        run_experiment(again, folder=folder, resume=True, figures=False)
        assert load_result(folder).summary.equals(load_result(swept).summary)

    def test_only_what_was_written_is_removed(self, folder):
        names = ("capacity-mine.png", "mine.csv", "rate-capability.png", "x.tmp")
        for name in names:
            (folder / name).write_text("mine")
        again = folder.parent / "in"
        run_experiment(written(again, SWEEP), folder=folder, figures=False)
        left = {path.name for path in folder.iterdir()}
        assert left == {*COMPUTED, "ledger.sqlite", *names}
        assert all((folder / name).read_text() == "mine" for name in names)

    def test_nothing_outside_of_the_folder_is_removed(self, folder):
        (folder.parent / "mine").touch()
        output = Output(folder)
        output.written["../mine"] = {"bytes": 0, "sha256": ""}
        output.seal({})
        Output(folder).seal({})
        assert (folder.parent / "mine").exists()


# --- Damage at random -----------------------------------------------------------------


def damaged(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content))
    match rng.randrange(4):
        case 0:
            return content[:at]
        case 1:
            flipped = content[at] ^ (1 << rng.randrange(8))
            return content[:at] + bytes([flipped]) + content[at + 1 :]
        case 2:
            return content[:at] + rng.randbytes(rng.choice([1, 8, 100])) + content[at:]
    return content[:at] + content[at + rng.choice([1, 8, 100]) :]


def drawn_of(folder: Path) -> None:
    """As the command line does."""
    try:
        report(folder, incomplete=True)
    except InputError as error:
        assert "cannot be drawn" in str(error)


def mutate(swept: Path, folder: Path, seed: int, times: int, drawn: int) -> int:
    """Damage computed files; returns how often what was left could still be drawn."""
    rng = random.Random(seed)
    whole = load_result(swept)
    read_back = 0
    for k in range(times):
        name = rng.choice(COMPUTED)
        content = (swept / name).read_bytes()
        changed = damaged(rng, content)
        (folder / name).write_bytes(changed)
        if changed == content:
            continue
        try:
            found = load_result(folder)
        except InputError as error:
            assert str(error).splitlines() == [str(error)]
        else:  # of a JSON file, layout alone
            assert name == "provenance.json" and found.summary.equals(whole.summary)
        try:
            load_result(folder, incomplete=True)
        except InputError as error:
            assert str(error).splitlines() == [str(error)]
        else:
            read_back += 1
            if k < drawn:
                drawn_of(folder)
        (folder / name).write_bytes(content)
    return read_back


def test_damage(swept, folder):
    assert mutate(swept, folder, 1, 150, 3) > 50


@pytest.mark.exhaustive
@pytest.mark.slow
def test_thousands_of_damages(swept, folder):
    assert mutate(swept, folder, 2, 2000, 20) > 600


# --- What a provenance says -----------------------------------------------------------


def set_in(*path):
    *above, last, value = path

    def change(content):
        for key in above:
            content = content[key]
        content[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_in("numerics", "rtol", 1e300), "rtol"),
        (set_in("numerics", "rtol", -1.0), "rtol"),
        (set_in("numerics", "rtol", float("nan")), "rtol"),
        (set_in("numerics", "atol", 1e300), "atol"),
        (set_in("numerics", "points", 10_000_000), "points"),
        (set_in("numerics", "points", "a"), "points"),
        (set_in("numerics", "points", True), "points"),
        (set_in("numerics", "compile", "yes"), "compile"),
        (set_in("numerics", "mesh", "x"), "mesh"),
        (set_in("numerics", "poinst", 12), "did you mean 'points'"),
        (set_in("numerics", []), "mapping of fields"),
        (set_in("cells", {}), "'cell.yaml' is not among those given"),
        (set_in("cells", []), "no provenance.json"),
        (set_in("cell", 3), "no provenance.json"),
        (set_in("changes", {"a": "\x1b[2J"}), "U+001B"),
        (set_in("experiment_content", []), "changed by hand"),
        (set_in("experiment_file", "a/b"), "no provenance.json"),
    ],
)
def test_a_provenance_is_checked_as_a_file_is(folder, change, words):
    path = folder / "provenance.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as caught:
        run = load_run(path)
        run_experiment(expanded(run), numerics=run.numerics)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def expanded(run):
    return expand(run.document, run.cell, run.changes, run.cells)


@pytest.mark.parametrize(
    "name", ["..", "", ".", "x" * 300, "\ud800.csv", "a/b.csv", "a\0"]
)
def test_names_of_tables_in_a_provenance(tmp_path, name):
    cell = load_cell(INPUTS / "cell.yaml").written
    with pytest.raises(InputError, match="not the name of a table"):
        Cell.from_written(replace(cell, tables={name: "0,1\n"}))
    assert not list(tmp_path.parent.glob("*.csv"))


@pytest.mark.parametrize("thickness", [0, -1, float("nan"), float("inf")])
def test_a_thickness_in_a_provenance(thickness):
    cell = load_cell(INPUTS / "cell.yaml").written
    with pytest.raises(InputError, match="stated_thickness"):
        Cell.from_written(replace(cell, stated_thickness=thickness))


# --- Names ----------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@A1", "'=1", "''=1", "'", "'a", "a=1", "NA", '="', ""]


def test_names_that_a_spreadsheet_would_run():
    table = pd.DataFrame({"Case": FORMULAS, "=x": [-1.5] * len(FORMULAS)})
    text = csv(table)
    fields = [line.split(",")[0].strip('"') for line in text.splitlines()[1:]]
    assert not any(field[:1] in {*"=+-@"} for field in fields if field)
    assert text.splitlines()[0] == "Case,'=x"
    found = read(io.StringIO(text), ["Case"]).fillna({"Case": ""})
    pd.testing.assert_frame_equal(found, table, check_dtype=False)


def test_such_names_come_back(tmp_path):
    names = ["=1+1", "-a", "@b", "'=c"]
    cases = [{"rate": f"{k}C", "name": name} for k, name in enumerate(names, 1)]
    text = SWEEP[: SWEEP.index("curves")] + f"cases: {json.dumps(cases)}\n"
    result = run_experiment(written(tmp_path, text), folder=tmp_path / "out")
    found = load_result(tmp_path / "out")
    assert [case.name for case in found.cases] == names
    pd.testing.assert_frame_equal(found.steps[["Case"]], result.steps[["Case"]])
    lines = (tmp_path / "out" / "summary.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["'=1+1", "'-a", "'@b", "''=c"]


@pytest.mark.parametrize("name", ["a\rb", "a\nb", "a\tb", "a\x1bb", "a\u2028b"])
def test_names_are_printable(tmp_path, name):
    text = SWEEP[: SWEEP.index("curves")]
    text += f"cases: [{{rate: 1C, name: {json.dumps(name)}}}]\n"
    with pytest.raises(InputError, match=r"x\.yaml:\d+: "):
        expand(written(tmp_path, text))


def test_figures_have_names_of_their_own(tmp_path):
    result = run_experiment(written(tmp_path, NAMES), folder=tmp_path / "out")
    names = {name for name in figures(result) if name.startswith("capacity-")}
    assert names == {"capacity-value", "capacity-value-2"}
    assert {f"{name}.png" for name in names} <= listed(tmp_path / "out")

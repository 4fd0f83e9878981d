"""The command line: what it prints, what it leaves, and its exit codes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

import tfbsim
from tfbsim import cli
from tfbsim.cli import console
from tfbsim.errors import InputError
from tfbsim.experiment import expand as module
from tfbsim.numerics import Numerics
from tfbsim.result.load import load_result

INPUTS = Path(__file__).parent / "inputs"
FAST = ("--points", "20")
SHIPPED = "lco-lipon-li-raijmakers2020"
ONE = """\
format: 1
kind: experiment
cell: cell.yaml
steps: ['Discharge at {rate} until {lower}']
cases:
  - {rate: 1C, lower: 3.5 V}
  - {rate: 2C, lower: 3.5 V}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with an experiment and its cell, to work in."""
    for path in INPUTS.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "one.yaml").write_text(ONE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tfb(here, monkeypatch, capsys):
    """Run a command in this process: exit code, output, errors."""

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfbsim", *args])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    monkeypatch.setenv("TFBSIM_TRACEBACK", "1")  # a fault of ours is one of the test
    # Made anew, so that they write where capsys listens
    monkeypatch.setattr(console.out, "_file", None)
    monkeypatch.setattr(console.err, "_file", None)
    return run


def shell(*args: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "PYBAMM_DISABLE_TELEMETRY"}
    source = str(Path(tfbsim.__file__).parents[1])
    env["PYTHONPATH"] = os.pathsep.join([source, *filter(None, [env.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


class TestListShowCheck:
    def test_list_names_everything_that_ships(self, tfb):
        code, out, err = tfb("list")
        assert (code, err) == (0, "")
        for folder in ("models", "experiments"):
            for name in tfbsim.yaml_file.shipped(folder):
                (line,) = [x for x in out.splitlines() if x.split()[:1] == [name]]
                assert len(line.split()) > 2  # says what it is

    def test_list_for_a_program(self, tfb):
        code, out, _ = tfb("list", "--json")
        found = json.loads(out)
        assert code == 0 and found["cells"] == tfbsim.cells()
        assert found["experiments"] == tfbsim.experiments() and "gitt" in out

    def test_help_is_short_too(self, tfb):
        assert tfb("-h") == tfb("--help")
        assert tfb("check", "-h") == tfb("check", "--help")

    def test_show_a_cell(self, tfb):
        code, out, err = tfb("show", SHIPPED)
        assert (code, err) == (0, "")
        for words in ("8.08 um", "LiPON", "208.3 uA.cm-2", "18.3 Ohm.cm2", "L^2/D"):
            assert words in out

    def test_show_an_experiment(self, tfb):
        code, out, _ = tfb("show", "one.yaml")
        assert code == 0
        assert "2 cases" in out and "Discharge at 2C until 3.5 V" in out

    def test_materials_are_listed_and_shown(self, tfb):
        code, out, err = tfb("list", "materials")
        assert (code, err) == (0, "") and "LNMO" in out and "Cells" not in out
        code, out, err = tfb("show", "LNMO")
        assert (code, err) == (0, "") and "x = 0.5  4.75" in out and "A2255" in out
        code, out, err = tfb("show", "LNM0")
        assert (code, out) == (2, "") and "did you mean 'LNMO'?" in err

    def test_show_does_not_take_markup(self, tfb, here):
        text = (here / "cell.yaml").read_text()
        (here / "cell.yaml").write_text(text.replace("A cell", "'[bold]A[/bold] [/x]'"))
        code, out, _ = tfb("show", "cell.yaml")
        assert code == 0 and "[bold]A[/bold] [/x]" in out

    def test_check_says_that_files_are_valid(self, tfb):
        code, out, err = tfb("check", "cell.yaml", "experiment.yaml", SHIPPED)
        assert (code, err) == (0, "")
        assert len([x for x in out.splitlines() if x.endswith(": valid")]) == 3
        assert tfb("check", "cell.yaml", "--quiet") == (0, "", "")

    def test_check_names_all_mistakes_of_a_file(self, tfb, here):
        (here / "m.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\ncycles: 0\nwobble: 3\n"
            "steps: [Rest for 1 s]\n"
        )
        code, out, err = tfb("check", "m.yaml")
        assert (code, out) == (2, "") and len(err.splitlines()) == 2
        assert "wobble" in err and "cycles" in err
        (here / "m.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\n"
            "steps: [Discharg at 1C, Rest for 1 s, Rest for 1 mil]\n"
        )
        lines = tfb("check", "m.yaml")[2].splitlines()
        assert len(lines) == 2 and "steps[0]" in lines[0] and "steps[2]" in lines[1]

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            ("'Charge at 1C until 5.5 V'", "beyond U(x)"),
            ("'Charge at 1C until 3.0 V'", "cannot begin"),
            ("'Discharge at 1C until 2.9 V'", "more lithium than there is"),
        ],
    )
    def test_check_foresees(self, tfb, here, steps, words):
        (here / "f.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\nset: {anode.lithium: 10 nm}\n"
            f"steps: [{steps}]\n"
        )
        code, out, err = tfb("check", "f.yaml")
        assert (code, err) == (0, "") and "valid" in out and words in out

    def test_a_missing_experiment_is_no_folder_of_results(self, tfb, here):
        (here / "results" / "lost").mkdir(parents=True)
        (here / "results" / "lost" / "summary.csv").write_text("x")
        code, _, err = tfb("run", "lost.yaml")
        assert code == 2 and err.strip() == "lost.yaml: no such file"

    def test_a_file_beside_is_meant_where_its_end_is_left_out(self, tfb, here):
        (here / "one.yaml").write_text("x")
        for command in ("check", "run", "show"):
            code, _, err = tfb(command, "one")
            assert code == 2 and "one.yaml" in err and "ragone" not in err

    def test_braces_are_to_be_quoted(self, tfb, here):
        (here / "b.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\n"
            "steps: [Discharge at {rate} until 3 V]\n"
        )
        assert "in quotes" in tfb("check", "b.yaml")[2]

    def test_check_says_one_line_for_each_bad_file(self, tfb, here):
        text = (here / "cell.yaml").read_text()
        (here / "a.yaml").write_text(text.replace("area: 1 cm2", "area: 1 cm"))
        (here / "b.yaml").write_text(ONE.replace("steps", "stepps"))
        code, out, err = tfb("check", "a.yaml", "cell.yaml", "b.yaml", "no.yaml")
        assert (code, out) == (2, "cell.yaml: valid\n")
        first, second, third = err.splitlines()
        assert first.startswith("a.yaml:4: area: '1 cm' is a length")
        assert second.startswith("b.yaml:4: stepps: unknown key 'stepps'; did you mean")
        assert third == "no.yaml: no such file"

    def test_check_solves_nothing(self, tfb, monkeypatch):
        monkeypatch.setattr("tfbsim.run.run.run_experiment", None)
        monkeypatch.setattr("tfbsim.solver.engine.Engine.__init__", None)
        assert tfb("check", "experiment.yaml")[0] == 0

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("kind: model\n", ":1: kind: must say 'kind: cell', 'kind: exp"),
            ("a: 1\n", ":1: must say 'kind: cell', 'kind: exp"),
            ("", ": the file is empty"),
            ("[1, 2]\n", ":1: the file holds a list"),
        ],
    )
    def test_check_of_something_else(self, tfb, here, content, words):
        (here / "x.yaml").write_text(content)
        code, _, err = tfb("check", "x.yaml")
        assert code == 2 and err.startswith("x.yaml" + words)
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize("command", ["show", "check", "copy", "run"])
    def test_an_unknown_name_has_a_suggestion(self, tfb, command):
        known = "nmc811-voltage-windows"
        code, _, err = tfb(command, known[:-1])
        assert code == 2 and f"did you mean '{known}'" in err
        assert len(err.splitlines()) == 1

    def test_a_line_number_is_no_emoji_and_a_flood_has_an_end(self, tfb, here):
        text = (here / "cell.yaml").read_text()
        above = 99 - len(text.splitlines())
        extra = "".join(f"odd{k}: 1\n" for k in range(150))
        (here / "m.yaml").write_text("#\n" * above + text + extra)
        code, _, err = tfb("check", "m.yaml")
        lines = err.splitlines()
        assert code == 2 and lines[0].startswith("m.yaml:100: odd0")
        assert len(lines) == 101 and lines[-1] == "m.yaml: 50 more mistakes"


class TestCopyAndNew:
    def test_copy_takes_the_tables_along(self, tfb, here):
        code, out, _ = tfb("copy", SHIPPED, "sub/mine.yaml")
        assert code == 0
        written = {str(path.relative_to(here)) for path in (here / "sub").iterdir()}
        assert set(out.split()) == written
        assert len([name for name in written if name.endswith(".csv")]) == 2
        assert tfb("check", "sub/mine.yaml")[::2] == (0, "")

    def test_copy_by_default_to_here(self, tfb, here):
        assert tfb("copy", "gitt")[0] == 0
        assert tfb("check", "gitt.yaml")[::2] == (0, "")
        (here / "sub").mkdir()
        assert tfb("copy", "gitt", "sub")[0] == 0
        assert (here / "sub" / "gitt.yaml").is_file()

    def test_copy_overwrites_nothing(self, tfb, here):
        (here / "mine.yaml").write_text("keep")
        code, _, err = tfb("copy", "gitt", "mine.yaml")
        assert code == 2 and "exists already" in err
        assert (here / "mine.yaml").read_text() == "keep"

    def test_copy_is_whole_or_not_at_all(self, tfb, here):
        tfb("copy", SHIPPED, "first.yaml")
        before = sorted(here.iterdir())
        code, _, err = tfb("copy", SHIPPED, "second.yaml")  # the tables are there
        assert code == 2 and "exists already" in err
        assert sorted(here.iterdir()) == before

    @pytest.mark.parametrize("table", ["../secret.csv", "none.csv"])
    def test_copy_of_a_cell_with_a_table_elsewhere(self, tfb, here, table):
        (here / "a").mkdir()
        (here / "secret.csv").write_text("0,4\n1,3\n")
        text = (here / "cell.yaml").read_text().replace("ocv.csv", table)
        (here / "a" / "cell.yaml").write_text(text)
        code, _, err = tfb("copy", "a/cell.yaml", "b/c/cell.yaml")
        assert code == 2 and "open_circuit_potential" in err
        assert not (here / "b").exists()

    def test_copy_refuses_another_ending(self, tfb, here):
        code, _, err = tfb("copy", "gitt", "gitt.txt")
        assert (code, err) == (2, "gitt.txt: must end in .yaml\n")
        assert not (here / "gitt.txt").exists()

    @pytest.mark.parametrize("kind", ["cell", "experiment"])
    def test_new_writes_a_valid_file(self, tfb, here, kind):
        assert tfb("new", kind, "fresh") == (0, "fresh.yaml\n", "")
        text = (here / "fresh.yaml").read_text()
        assert f"kind: {kind}\n" in text and "# " in text
        assert tfb("check", "fresh.yaml")[::2] == (0, "")
        assert tfb("show", "fresh.yaml")[0] == 0
        code, _, err = tfb("new", kind, "fresh.yaml")
        assert code == 2 and "exists already" in err
        assert (here / "fresh.yaml").read_text() == text

    @pytest.mark.parametrize("kind", ["mapping", "cluster"])
    def test_new_writes_what_check_accepts(self, tfb, here, kind):
        assert tfb("new", kind, "fresh") == (0, "fresh.yaml\n", "")
        assert tfb("check", "fresh.yaml")[::2] == (0, "")

    def test_new_of_another_kind(self, tfb, here):
        code, _, err = tfb("new", "cel", "x")
        assert code == 2 and "did you mean 'cell'?" in err
        assert not (here / "x.yaml").exists()

    @pytest.mark.parametrize("command", [("copy", "gitt"), ("new", "cell")])
    def test_where_nothing_can_be_written(self, tfb, here, command):
        code, _, err = tfb(*command, "cell.yaml/x.yaml")
        assert code == 2 and "cannot be written" in err


class TestRun:
    def test_writes_the_folder(self, tfb, here):
        code, out, err = tfb("run", "one.yaml", "--out", "r", *FAST)
        assert (code, err) == (0, "")
        names = {path.name for path in (here / "r").iterdir()}
        assert {"summary.csv", "steps.csv", "curves.nc", "provenance.json"} <= names
        assert "report.html" in names and any(n.endswith(".png") for n in names)
        assert not [name for name in names if name.endswith(".tmp")]
        assert "reached" in out and "1C" in out
        # and draws them again
        (here / "r" / "report.html").unlink()
        summary = (here / "r" / "summary.csv").read_bytes()
        assert tfb("report", "r")[0] == 0
        assert (here / "r" / "report.html").stat().st_size > 1000
        assert (here / "r" / "summary.csv").read_bytes() == summary

    @pytest.fixture
    def plain(self, monkeypatch):
        """Without figures, which are slow and tested elsewhere."""
        written = []
        monkeypatch.setattr(
            "tfbsim.report.report.write_report",
            lambda result, folder, format="png": written.append(folder),
        )
        return written

    def test_by_default_into_results(self, tfb, here, plain):
        assert tfb("run", "one.yaml", *FAST)[0] == 0
        assert (here / "results" / "one" / "summary.csv").is_file()

    def test_without_figures(self, tfb, here):
        code, out, _ = tfb("run", "one.yaml", "--out", "r", "--no-figures", *FAST)
        assert code == 0 and out.endswith("table and curves in r\n")
        assert (here / "r" / "summary.csv").is_file()
        assert not [*(here / "r").glob("*.png"), *(here / "r").glob("*.html")]
        assert tfb("report", "r")[0] == 0
        assert (here / "r" / "report.html").is_file()

    def test_quiet_prints_nothing(self, tfb, plain):
        assert tfb("run", "one.yaml", "--quiet", *FAST) == (0, "", "")

    @pytest.mark.parametrize(
        ("options", "points", "rtol", "compiled"),
        [
            ([], 12, 1e-4, False),
            (["--points", "14"], 14, 1e-4, False),
            (["--rtol", "1e-5"], 12, 1e-5, False),
            (["--fast"], Numerics.fast().points, 1e-5, True),
        ],
    )
    def test_options_take_the_place_of_the_numerics_of_the_file(
        self, tfb, here, monkeypatch, options, points, rtol, compiled
    ):
        settings = "numerics: {points: 12, rtol: 1e-4, grading: 0}\n"
        (here / "one.yaml").write_text(ONE + settings)
        asked = []

        def stop(*arguments, numerics, **keywords):
            asked.append(numerics)
            raise KeyboardInterrupt

        monkeypatch.setattr("tfbsim.run.run.run_experiment", stop)
        assert tfb("run", "one.yaml", *options)[0] == 130
        (numerics,) = asked
        found = numerics.points, numerics.rtol, numerics.compile
        assert found == (points, rtol, compiled)
        assert numerics.atol == pytest.approx(rtol / 100)
        assert numerics.grading == (Numerics().grading if compiled else 0)

    @pytest.mark.parametrize(
        ("lithium", "power", "code"),
        [
            ("[2 um, 9.9 mm, 9 mm, 2 um]", "10 uW/cm2", 0),
            (
                "[2 um, 9.9 mm, 9 mm, 2 um]",
                "1 W/cm2",
                0,
            ),  # more than the cell has to give
            ("[2 um, 9.9 mm, 9.8 mm, 2 um]", "10 uW/cm2", 1),  # refused: too much
        ],
    )
    def test_a_sweep_ends_well_unless_a_point_failed(
        self, tfb, here, plain, lithium, power, code
    ):
        (here / "sweep.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\n"
            "steps: ['Discharge at {power} until {lower}',"
            " 'Discharge at 1C for 1 s or until {lower}', 'Charge at 1C until {upper}']\n"
            "sweep: {method: zip, factors: {lower: [3.4 V, 3.9 V, 3.5 V, 3.5 V], "
            "cathode.thickness: [1 um, 2 um, 1.5 um, 1.2 um], "
            f"anode.lithium: {lithium}, "
            "upper: [3.6 V, 4.1 V, 3.7 V, 4.0 V], "
            f"power: [{', '.join([power] * 4)}]}}}}\n"
        )
        found, _, err = tfb("run", "sweep.yaml", "--out", "r", *FAST)
        assert found == code
        outcomes = set(load_result(here / "r").steps["Outcome"])
        if code:
            assert "solver failed" in outcomes and "reached" in outcomes
            assert "a thicker cathode" in err
        elif "1 W" in power:
            assert outcomes == {"infeasible", "reached"} and "infeasible" in err
        else:
            assert outcomes == {"reached"} and err == ""

    def test_a_cell_and_its_steps(self, tfb, here, plain):
        steps = "Discharge at 1C for 60 s; Charge at 1C for 30 s"
        code, _, err = tfb(
            "run", "cell.yaml", steps, "--cycles", "2", "--out", "r", *FAST
        )
        assert (code, err) == (0, "")
        found = load_result(here / "r")
        assert found.steps["Step"].tolist() == steps.split("; ") * 2
        again = tfb("run", "r/provenance.json", "--out", "s")
        assert again[0] == 0
        assert (here / "s" / "summary.csv").read_text() == (
            here / "r" / "summary.csv"
        ).read_text()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["cell.yaml", "Discharg at 1C"], "did you mean 'discharge'"),
            (["nothing", "Rest for 1 s"], "no shipped cell"),
            (["cell.yaml", ";"], "steps"),
            (["cell.yaml", "Rest for 1 s", "--cell", "x"], "before its steps"),
        ],
    )
    def test_steps_that_are_none(self, tfb, here, arguments, words):
        code, _, err = tfb("run", *arguments)
        assert code == 2 and words in err and len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            ("Discharge at 1 furlong", "STEPS 1: 'Discharge at 1 furlong' cannot be"),
            ("Rest for 1 s; Hold at 9 V for 1 s", "STEPS 2: 'Hold at 9 V for 1 s': 9 V"),
            ("Discharge at {rate} until 3 V", "STEPS 1: {rate} has no value"),
            (";", "STEPS: has no steps"),
        ],
    )
    def test_a_typed_step_is_named_by_its_argument(self, tfb, here, steps, words):
        code, out, err = tfb("run", "cell.yaml", steps)
        assert code == 2 and not out and len(err.splitlines()) == 1
        assert err.startswith(words) and "yaml" not in err

    @pytest.mark.parametrize("command", ["eis", "thickness"])
    def test_a_field_is_named_with_the_option(self, tfb, here, command):
        code, _, err = tfb(command, "cell.yaml", "--set", "cathode.thickness=1 furlong")
        assert code == 2 and err.startswith("--set cathode.thickness: unknown unit")
        code, _, err = tfb(command, "cell.yaml", "--set", "wobble")
        assert code == 2 and err.startswith("--set: 'wobble' is not FIELD=VALUE")

    def test_options_reach_the_cases(self, tfb, here, plain):
        code, _, _ = tfb(
            *("run", "one.yaml", "--out", "r", "--cell", SHIPPED, "--quiet"),
            *("--set", "cathode.thickness=2 um", "--set", "cycles=2"),
            *("--points", "25", "--rtol", "1e-5"),
        )
        result = load_result(here / "r")
        assert code == 0
        assert result.summary["Cycle number"].tolist() == [1, 2, 1, 2]
        provenance = result.provenance
        assert provenance["numerics"]["points"] == 25
        assert provenance["numerics"]["rtol"] == 1e-5
        assert provenance["changes"]["cathode.thickness"] == "2 um"
        assert provenance["command"].startswith("tfbsim run one.yaml --out r --cell")
        assert "'cathode.thickness=2 um'" in provenance["command"]

    def test_an_error_bar_is_told(self, tfb, here, plain):
        command = ("run", "one.yaml", "--out", "r", "--points", "20", "--error-bar")
        code, out, _ = tfb(*command)
        assert code == 0 and "Error" in out
        result = load_result(here / "r")
        assert "Numerical error of charge capacity [%]" not in result.summary
        for name in ("discharge capacity [%]", "voltage [mV]"):
            column = f"Numerical error of {name}"
            assert (result.summary[column].abs() > 0).all()
            assert result.audit()[f"n{column[1:]}"] > 0
        # Another question than the one that was answered without
        assert tfb("run", "one.yaml", "--out", "q", "--quiet", *FAST)[0] == 0
        assert list(load_result(here / "q").summary) == [
            c for c in result.summary if not c.startswith("Numerical error")
        ]

    def test_a_run_is_repeated_from_its_provenance(self, tfb, here, plain):
        first = ("run", "one.yaml", "--out", "r", "--set", "cycles=2", "--quiet", *FAST)
        assert tfb(*first)[0] == 0
        (here / "one.yaml").write_text("gone")
        again = ("run", "r/provenance.json", "--out", "q")
        assert tfb(*again, "--quiet") == (0, "", "")
        for name in ("summary.csv", "curves.nc"):
            assert (here / "r" / name).read_bytes() == (here / "q" / name).read_bytes()
        code, out, err = tfb(*again, "--points", "30", "--overwrite")
        assert (code, out) == (2, "") and "as it was" in err
        assert tfb("run", "none.json")[0] == 2

    def test_another_outcome_is_exit_code_1(self, tfb, here, plain):
        text = ONE.replace("rate: 2C", "rate: 1 W/cm2")
        (here / "one.yaml").write_text(text)
        code, out, err = tfb("run", "one.yaml", "--out", "r", *FAST)
        assert code == 1
        assert "infeasible" in out
        assert "1 of 2 steps ended otherwise than asked" in err
        assert "Discharge at 1 W/cm2 until 3.5 V" in err
        code, out, err = tfb("run", "one.yaml", "--out", "q", "--quiet", *FAST)
        assert (code, out) == (1, "") and "infeasible" in err

    def test_an_outcome_of_the_conditioning_counts(self, tfb, here, plain):
        head = "conditioning: [Discharge at 1 W/cm2 until 3 V]\nsteps:"
        (here / "one.yaml").write_text(ONE.replace("steps:", head))
        code, _, err = tfb("run", "one.yaml", *FAST)
        assert code == 1 and "cycle conditioning" in err

    def test_a_used_folder_is_refused(self, tfb, here, plain):
        (here / "r").mkdir()
        (here / "r" / "mine.txt").write_text("keep")
        code, out, err = tfb("run", "one.yaml", "--out", "r", *FAST)
        assert (code, out) == (2, "")
        assert "--resume" in err and "--overwrite" in err
        assert [path.name for path in (here / "r").iterdir()] == ["mine.txt"]
        code, _, err = tfb("compare", "one.yaml", "data.csv", "--out", "r")
        assert code == 2 and "--resume" not in err and "--overwrite" in err

    def test_an_unreadable_folder_is_told_in_a_line(self, tfb, here, monkeypatch):
        monkeypatch.setattr("os.access", lambda path, mode: False)
        (here / "r").mkdir()
        refused = PermissionError(13, "Permission denied", "r")
        monkeypatch.setattr(Path, "iterdir", Mock(side_effect=refused))
        code, _, err = tfb("run", "one.yaml", "--out", "r", *FAST)
        assert (code, err) == (2, "r: cannot be read or written (Permission denied)\n")

    def test_an_empty_folder_is_not(self, tfb, here, plain):
        (here / "r").mkdir()
        assert tfb("run", "one.yaml", "--out", "r", "--quiet", *FAST)[0] == 0

    def test_resume_and_overwrite(self, tfb, here, plain, before_a_case):
        computed = []
        before_a_case(computed.append)
        command = ("run", "one.yaml", "--out", "r", "--quiet", *FAST)
        assert tfb(*command, "--resume") == (0, "", "")  # starts fresh
        summary = (here / "r" / "summary.csv").read_bytes()
        assert len(computed) == 2
        assert tfb(*command, "--resume") == (0, "", "")
        assert len(computed) == 2
        assert tfb(*command, "--overwrite") == (0, "", "")
        assert len(computed) == 4
        assert (here / "r" / "summary.csv").read_bytes() == summary

    def test_interrupted(self, tfb, here, plain, before_a_case):
        def interrupted(name):
            if "2C" in name:
                raise KeyboardInterrupt

        before_a_case(interrupted)
        command = ("run", "one.yaml", "--out", "r", *FAST)
        code, _, err = tfb(*command)
        assert code == 130 and "--resume" in err
        with pytest.raises(InputError, match="1 of 2 points"):
            load_result(here / "r")
        assert len(load_result(here / "r", incomplete=True).cases) == 1
        before_a_case(lambda name: None)
        assert tfb(*command, "--resume")[0] == 0
        assert len(load_result(here / "r").cases) == 2

    def test_a_case_that_cannot_be_run_is_told(self, tfb, here, plain, before_a_case):
        def fails(name):
            if "2C" in name:
                raise MemoryError("no room")

        before_a_case(fails)
        command = ("run", "one.yaml", "--out", "r", *FAST)
        code, out, err = tfb(*command)
        assert code == 1 and "reached" in out and "solver failed" in out
        assert "1 of 2 steps ended otherwise" in err
        assert "solver failed (failed: MemoryError: no room)" in err
        before_a_case(lambda name: None)
        assert tfb(*command, "--resume")[0] == 0
        assert load_result(here / "r").as_asked

    def test_a_damaged_ledger(self, tfb, here, plain):
        (here / "r").mkdir()
        for name in ("ledger.sqlite", "report.html", "summary.csv"):
            (here / "r" / name).write_text("no")
        command = ("run", "one.yaml", "--out", "r", *FAST)
        code, out, err = tfb(*command, "--resume")
        assert (code, out) == (2, "") and len(err.splitlines()) == 1
        assert "ledger.sqlite: is damaged" in err and "--overwrite" in err
        assert len(list((here / "r").iterdir())) == 3  # nothing is lost yet
        assert tfb(*command, "--overwrite")[0] == 0

    @pytest.mark.parametrize("command", ["show", "check", "run"])
    def test_interrupted_before_anything(self, tfb, monkeypatch, command):
        def interrupted(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr(module, "load_experiment", interrupted)
        assert tfb(command, "one.yaml")[0] == 130

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--set", "wobble"], "is not FIELD=VALUE"),
            (["--set", "=1"], "is not FIELD=VALUE"),
            (["--set", "area="], "is not FIELD=VALUE"),
            (["--set", "area=1 cm2", "--set", "area=2 cm2"], "is set twice"),
            (["--set", "area=1 cm"], "--set area: '1 cm' is a length"),
            (["--set", "wobble=1"], "--set wobble: unknown key"),
            (["--set", "cycles=0"], "--set cycles: must be a whole number"),
            (["--cell", "nope"], "no shipped cell is called 'nope'"),
            (["--cell", "nope.yaml"], "nope.yaml: no such file"),
            (["--resume", "--overwrite"], "not both"),
            (["--rtol", "nan"], "must be between"),
            (["--rtol", "1"], "must be between"),
            (["--out", "cell.yaml"], "is a file, not a folder"),
            (["--out", "cell.yaml/r"], "cannot be written"),
        ],
    )
    def test_bad_input_leaves_nothing(self, tfb, here, monkeypatch, options, words):
        # Nothing is solved
        monkeypatch.setattr("tfbsim.solver.engine.Engine.__init__", None)
        before = sorted(here.rglob("*"))
        code, out, err = tfb("run", "one.yaml", *options)
        assert (code, out) == (2, "")
        assert words in err and len(err.splitlines()) == 1
        assert sorted(here.rglob("*")) == before

    def test_a_bad_experiment_leaves_nothing(self, tfb, here):
        (here / "one.yaml").write_text(ONE.replace("rate: 2C", "rate: fast"))
        code, out, err = tfb("run", "one.yaml")
        assert (code, out) == (2, "")
        assert err.startswith("one.yaml:4: steps[0]: 'Discharge at fast until 3.5 V'")
        assert not (here / "results").exists()

    @pytest.mark.parametrize("options", [["--workers", "0"], ["--points", "3"], ["--x"]])
    def test_usage(self, tfb, options):
        assert tfb("run", "one.yaml", *options)[0] == 2

    @pytest.mark.parametrize("folder", ["nope", ".", "cell.yaml"])
    def test_report_of_no_result(self, tfb, folder):
        code, _, err = tfb("report", folder)
        assert (code, len(err.splitlines())) == (2, 1)
        assert "is not a result folder" in err


class TestProcess:
    """As a user starts it."""

    def test_version_and_a_mistake(self, here):
        done = shell("-m", "tfbsim", "--version", cwd=here)
        assert (done.returncode, done.stdout) == (0, f"tfbsim {tfbsim.__version__}\n")
        done = shell("-m", "tfbsim", "check", "none.yaml", cwd=here)
        expected = (2, "", "none.yaml: no such file\n")
        assert (done.returncode, done.stdout, done.stderr) == expected

    def test_help_is_quick_to_load(self, here):
        code = (
            "import sys; sys.argv = ['tfbsim', '--help']\n"
            "from tfbsim.cli import main\n"
            "try: main()\n"
            "except SystemExit as e: assert not e.code\n"
            "heavy = {'pybamm', 'casadi', 'numpy', 'scipy', 'pandas', 'xarray', 'pint'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = shell("-c", code, cwd=here)
        assert done.stdout.splitlines()[-1] == "[]", done.stderr
        for word in ("list", "show", "check", "copy", "new", "run", "report"):
            assert f"  {word} " in done.stdout


class TestSweepOnTheTerminal:
    SWEEP = """\
format: 1
kind: experiment
cell: cell.yaml
steps: ['Discharge at {rate} until 3.5 V']
sweep: {factors: {cathode.thickness: [600 nm, 900 nm], rate: [1C, 2C]}}
"""

    def test_shows_its_factors(self, tfb, here):
        (here / "sweep.yaml").write_text(self.SWEEP)
        code, printed, _ = tfb("run", "sweep.yaml", *FAST, "--no-figures")
        assert code == 0
        assert "cathode.thickness" in printed
        rows = [line.split() for line in printed.splitlines()]
        rows = [row for row in rows if row and row[0].isdigit()]
        found = load_result(here / "results" / "sweep").summary
        factors = found[["cathode.thickness [um]", "C-rate"]]
        assert [[float(v) for v in row[2:4]] for row in rows] == factors.values.tolist()


class TestFormatOfFigures:
    def test_run_and_report_write_it_beside_the_png(self, tfb, here):
        code, *_ = tfb("run", "one.yaml", *FAST, "--format", "svg", "--out", "drawn")
        drawn = {p.stem for p in Path("drawn").glob("*.png")}
        assert code == 0 and drawn
        assert {p.stem for p in Path("drawn").glob("*.svg")} == drawn
        assert tfb("report", "drawn", "--format", "pdf")[0] == 0
        assert {p.stem for p in Path("drawn").glob("*.pdf")} == drawn
        assert not list(Path("drawn").glob("*.svg"))  # of the report before

    def test_one_that_is_none_is_refused(self, tfb, here):
        assert tfb("run", "one.yaml", "--format", "gif")[0] == 2
        assert tfb("run", "one.yaml", "--format", "svg", "--no-figures")[0] == 2
        assert not Path("results").exists()


class TestExport:
    def test_run_and_report_write_curves_for_other_tools(self, tfb, here):
        asked = ("--export", "csv", "--export", "bdf", "--no-figures")
        assert tfb("run", "one.yaml", *FAST, *asked, "--out", "out")[0] == 0
        assert {p.name for p in Path("out").glob("curves*")} == {
            *("curves.nc", "curves.csv", "curves-1C.bdf.csv", "curves-2C.bdf.csv")
        }
        assert tfb("report", "out", "--export", "xlsx")[0] == 0
        assert {p.name for p in Path("out").glob("curves*")} == {
            *("curves.nc", "curves.xlsx")
        }
        again = tfb(
            "run", "one.yaml", *FAST, "--no-figures", "--overwrite", "--out", "out"
        )
        assert again[0] == 0
        assert not Path("out/curves.xlsx").exists()  # of the run before

    def test_a_missing_package_is_told_before_solving(self, tfb, here, monkeypatch):
        monkeypatch.setattr("tfbsim.cli.options.find_spec", lambda name: None)
        code, _, err = tfb("run", "one.yaml", "--export", "xlsx", *FAST)
        assert code == 2 and "pip install 'tfbsim[excel]'" in err
        assert not Path("results").exists()

    def test_a_format_that_is_none_is_refused(self, tfb, here):
        assert tfb("run", "one.yaml", "--export", "tdms")[0] == 2
        assert not Path("results").exists()


class TestThickness:
    def test_is_printed_for_every_rate(self, tfb, here):
        rates, window = ("--rate", "1C", "--rate", "5C"), ("--lower", "3 V")
        code, printed, _ = tfb(
            *("thickness", SHIPPED, "--share", "0.7", *FAST),
            *(*rates, *window, "--upper", "4.2 V"),
        )
        table = tfbsim.thickness_for(
            *(SHIPPED, 0.7, ["1C", "5C"], (), "3 V", "4.2 V"), numerics={"points": 20}
        )
        assert code == 0
        for rate, thickness in zip(("1C", "5C"), table.iloc[:, 1], strict=True):
            (line,) = [s for s in printed.splitlines() if s.startswith(f"{rate} ")]
            assert line.split()[1] == f"{thickness:.4g}"

    def test_wants_a_cell(self, tfb, here):
        assert tfb("thickness", "one.yaml")[0] == 2
        code, _, errors = tfb("thickness", SHIPPED)
        assert code == 2 and "states no voltage_limits" in errors


class TestShowMaterial:
    def test_draws_an_electrode(self, tfb):
        assert tfb("show", "LNMO", "--figure", "lnmo.svg")[0] == 0
        assert Path("lnmo.svg").read_text().startswith("<?xml")

    @pytest.mark.parametrize(
        ("name", "file", "words"),
        [
            ("LiPON", "x.png", "no U(x)"),
            ("LNMO", "x.txt", ".svg"),
            ("lnmo-lipon-li", "x.png", "draws materials"),
        ],
    )
    def test_says_what_cannot_be_drawn(self, tfb, name, file, words):
        code, _, err = tfb("show", name, "--figure", file)
        assert code == 2 and words in err and not Path(file).exists()

    def test_a_folder_gets_table_curves_and_figure(self, tfb, here):
        window = ("--lower", "3 V", "--upper", "4.2 V", "--out", "found")
        arguments = ("thickness", SHIPPED, *FAST, "--rate", "5C", *window)
        assert tfb(*arguments, "--format", "svg")[0] == 0
        assert {p.name for p in Path("found").iterdir()} == {
            *("thickness.csv", "thickness-curves.csv", "thickness.svg"),
            "provenance.json",
        }
        assert tfb(*arguments)[0] == 2  # holds results already


def test_a_file_of_a_material_is_checked_and_shown_alone(tfb, here):
    text = (
        "format: 1\nkind: material\nsource: own measurements\ndensity: 4.8 g/cm3\n"
        "molar_mass: 97.9 g/mol\nopen_circuit_potential: {table: u.csv}\n"
        "diffusivity: 1e-15 m2/s\n"
    )
    (here / "u.csv").write_text("x,U\n0.4,4.3\n0.6,4\n0.8,3.9\n1,3.3\n")
    path = here / "mine.yaml"
    path.write_text(text)  # what it leaves out a cell may give
    assert tfb("check", str(path))[0] == 0
    code, told, _ = tfb("show", str(path), "--figure", str(here / "u.png"))
    assert code == 0 and (here / "u.png").exists()
    assert "own measurements" in told and "x = 0.6  4.000" in told
    path.write_text(text.replace("diffusivity: 1e-15 m2/s\n", ""))
    code, _, words = tfb("show", str(path), "--figure", str(here / "u.png"))
    assert code == 2 and "leaves D(x) to a cell" in words
    path.write_text(text.replace("4.8 g/cm3", "4.8 g/cm2"))
    code, _, words = tfb("check", str(path))
    assert code == 2 and "mine.yaml:4: density: '4.8 g/cm2'" in words

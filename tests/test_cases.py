"""From an experiment file to its cases: templates, grids, changes, and every mistake."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import anything, mutated

from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.materials import spelled
from tfbsim.numerics import Numerics
from tfbsim.yaml_file import load

INPUTS = Path(__file__).parent / "inputs"
EXPERIMENT = (INPUTS / "experiment.yaml").read_text()


@pytest.fixture
def folder(tmp_path):
    for name in ("cell.yaml", "ocv.csv"):
        shutil.copy(INPUTS / name, tmp_path)
    bad = (INPUTS / "cell.yaml").read_text().replace("area: 1 cm2", "area: 1 cm")
    (tmp_path / "bad.yaml").write_text(bad)
    return tmp_path


def written(folder: Path, cases: str = "", steps: str = "", **head: str) -> Path:
    """An experiment file; by default one that discharges at {rate} to {lower}."""
    lines = ["format: 1", "kind: experiment", "cell: cell.yaml"]
    lines += [f"{key}: {value}" for key, value in head.items()]
    lines += ["steps:", steps or "  - Discharge at {rate} until {lower}"]
    lines += ["cases:", cases] if cases else []
    path = folder / "e.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def expanded(folder: Path, cases: str = "", steps: str = "", **head: str):
    return expand(written(folder, cases, steps, **head)).cases


def texts(case) -> list[str]:
    return [step.text for step in case.protocol.steps]


class TestExpansion:
    def test_of_the_example(self):
        cases = expand(INPUTS / "experiment.yaml").cases
        found = [
            (texts(c)[0], round(c.cell.cathode.thickness * 1e6, 9), c.protocol.cycles)
            for c in cases
        ]
        assert found == [
            ("Discharge at 1C until 3.5 V", 1.0, 2),
            ("Discharge at 1C until 3.4 V", 1.0, 2),
            ("Discharge at 1C until 3.4 V", 2.0, 2),
            ("Discharge at 2C until 3.4 V", 1.0, 2),
            ("Discharge at 2C until 3.4 V", 2.0, 2),
        ]  # in file order, the last field of a grid fastest
        assert len({case.name for case in cases}) == len(cases)
        for case in cases:
            assert case.cell.anode.lithium == pytest.approx(3e-6)  # set
            assert [s.text for s in case.protocol.conditioning] == [
                "Charge at 1C until 4.1 V"
            ]

    def test_without_cases_there_is_one(self, folder):
        (case,) = expanded(folder, steps="  - Rest for 1 s")
        assert (case.name, dict(case.varied)) == ("base", {})
        assert case.protocol.cycles == 1 and case.protocol.conditioning == ()

    def test_duplicates_are_numbered(self, folder):
        entries = "  - {rate: 1C, lower: 3.5 V, name: a}\n" * 3
        entries += "  - {rate: 2C, lower: 3.5 V, name: 'a #2'}"
        names = [case.name for case in expanded(folder, entries)]
        assert names[:3] == ["a", "a #2", "a #3"]
        assert len(set(names)) == 4

    def test_a_case_sets_name_cycles_and_cell(self, folder):
        entries = (
            "  - {rate: 1C, lower: 3.5 V}\n"
            "  - {rate: 1C, lower: 3.5 V, name: long, cycles: 7}\n"
            "  - {rate: 1C, lower: 1.5 V, cell: nmc811-lipon-li}"
        )
        first, second, third = expanded(folder, entries, cycles="2")
        assert (first.protocol.cycles, second.protocol.cycles) == (2, 7)
        assert second.name == "long"
        assert third.cell.cathode.material == "NMC811"
        assert not any(case.varied for case in (first, second, third))

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ("[100 nm, 2 um]", [0.1, 2]),
            ("{linear: [100 nm, 300 nm, 3]}", [0.1, 0.2, 0.3]),
            ("{linear: [100 nm, 1 um, 4]}", [0.1, 0.4, 0.7, 1.0]),
            ("{log: [100 nm, 10 um, 3]}", [0.1, 1, 10]),
            ("{linear: [3 um, 1 um, 3]}", [3, 2, 1]),
        ],
    )
    def test_ranges(self, folder, values, expected):
        entries = f"  - {{rate: 1C, lower: 3.5 V, grid: {{cathode.thickness: {values}}}}}"
        cases = expanded(folder, entries)
        found = [case.varied["cathode.thickness [um]"] for case in cases]
        assert found == pytest.approx(expected, rel=1e-5)
        lengths = [case.cell.cathode.thickness * 1e6 for case in cases]
        assert found == pytest.approx(lengths, rel=1e-12)

    def test_what_is_no_number_has_no_column(self, folder):
        """A law, a word, a list; where it is a number in another case, it has one."""
        law = "{log10_polynomial: [-15, -1]}"
        cases = expanded(
            folder,
            "  - {rate: 1C, lower: 3.5 V, cathode.diffusivity: 1e-15 m2/s}\n"
            f"  - {{rate: 1C, lower: 3.5 V, cathode.diffusivity: {law}}}\n"
            "  - {rate: 1C, lower: 3.5 V, voltage_limits: [0 V, 5 V]}",
        )
        columns = [list(case.varied) for case in cases]
        assert columns == [["cathode.diffusivity [cm2.s-1]"], [], columns[2]]
        assert "voltage_limits" not in str(columns)

    def test_varied_columns_carry_units(self, folder):
        entries = (
            "  - {rate: 100 uA/cm2, lower: 3.5 V, temperature: 60 degC, "
            "cathode.utilisation: 0.5, electrolyte.conductivity: 1e-6 S/cm}"
        )
        (case,) = expanded(folder, entries)
        # The rate and cut-off of a voltage have columns of their own; a current, not
        assert dict(case.varied) == pytest.approx(
            {
                "rate [uA.cm-2]": 100.0,
                "temperature [degC]": 60.0,
                "cathode.utilisation": 0.5,
                "electrolyte.conductivity [S.cm-1]": 1e-6,
            }
        )
        (case,) = expanded(folder, "  - {rate: C/10, lower: 3.5 V}")
        assert dict(case.varied) == {}

    def test_groups(self, folder):
        steps = (
            "  - repeat: 2\n"
            "    steps:\n"
            "      - for_each: {v: [4.1 V, 4.0 V]}\n"
            "        steps: ['Hold at {v} until C/20', 'Rest for {time}']\n"
            "      - Rest for 5 s\n"
            "  - {step: Rest for 1 s, temperature: '{T}'}"
        )
        (case,) = expanded(folder, "  - {time: 2 s, T: 60 degC}", steps)
        once = ["Hold at 4.1 V until C/20", "Rest for 2 s"]
        once += ["Hold at 4.0 V until C/20", "Rest for 2 s", "Rest for 5 s"]
        assert texts(case) == [*once, *once, "Rest for 1 s"]
        temperatures = [step.temperature for step in case.protocol.steps]
        assert temperatures[:-1] == [None] * 10
        assert temperatures[-1] == pytest.approx(333.15)
        assert case.varied == {"time [s]": 2.0, "T [degC]": pytest.approx(60.0)}

    def test_ranges_in_for_each(self, folder):
        steps = (
            "  - for_each: {v: {linear: [4.1 V, 3.9 V, 3]}}\n"
            "    steps: ['Hold at {v} until C/20']"
        )
        (case,) = expanded(folder, steps=steps)
        assert [s.value for s in case.protocol.steps] == pytest.approx([4.1, 4.0, 3.9])

    def test_conditioning_in_both_spellings(self, folder):
        steps = "  - Rest for 1 s"
        (case,) = expanded(folder, steps=steps, conditioning="[Rest for 2 s]")
        assert len(case.protocol.conditioning) == 1
        assert case.protocol.conditioning_cycles == 1
        given = "{steps: [Rest for 2 s, Rest for 3 s], cycles: 4}"
        (case,) = expanded(folder, steps=steps, conditioning=given)
        assert [s.text for s in case.protocol.conditioning] == [
            "Rest for 2 s",
            "Rest for 3 s",
        ]
        assert case.protocol.all_cycles == 5


class TestChanges:
    def test_of_cell_fields(self):
        cases = expand(INPUTS / "experiment.yaml", None, {"area": "2 cm2"}).cases
        assert {round(c.cell.area, 12) for c in cases} == {2e-4}

    def test_win_over_the_cases(self):
        path = INPUTS / "experiment.yaml"
        cases = expand(path, None, {"cathode.thickness": "500 nm"}).cases
        assert {round(c.cell.cathode.thickness, 12) for c in cases} == {5e-7}
        grid = [c for c in cases if c.varied]
        assert {c.varied["cathode.thickness [um]"] for c in grid} == {0.5}

    def test_of_templates(self):
        cases = expand(INPUTS / "experiment.yaml", None, {"lower": "3.45 V"}).cases
        assert {c.protocol.steps[0].lower for c in cases} == {3.45}

    def test_of_cycles_win_over_the_cases_too(self, folder):
        path = written(folder, "  - {rate: 1C, lower: 3.5 V, cycles: 7}", cycles="2")
        (case,) = expand(path, None, {"cycles": "3"}).cases
        assert case.protocol.cycles == 3

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("cycles", "0", "a whole number from 1"),
            ("cycles", "1.5", "a whole number from 1"),
            ("cycles", "two", "a whole number from 1"),
            ("cycles", "9" * 5000, "a whole number from 1"),
            ("area", "1 cm", "is a length"),
            ("area", "2", "has no unit"),
            ("cathode.thicknes", "1 um", "did you mean 'thickness'?"),
            ("wobble", "1", "no step uses {wobble}"),
            ("cathode.initial_stoichiometry", "0.1", "covers 0.4 to 1"),
        ],
    )
    def test_mistakes_name_the_option(self, field, value, words):
        with pytest.raises(InputError) as caught:
            expand(INPUTS / "experiment.yaml", None, {field: value})
        assert caught.value.field == f"--set {field}"
        assert words in caught.value.message

    def test_another_cell(self):
        name = "lco-lipon-li-danilov2011"
        cases = expand(INPUTS / "experiment.yaml", name).cases
        assert {c.cell.cathode.material for c in cases} == {"LCO"}
        assert cases[0].cell.anode.lithium == pytest.approx(3e-6)  # set holds still

    def test_another_cell_is_a_path_from_here(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        cases = expand(INPUTS / "experiment.yaml", "cell.yaml").cases
        assert cases[0].cell.name == "A cell"

    def test_another_cell_where_the_cases_name_theirs(self, folder):
        path = written(folder, "  - {rate: 1C, lower: 3.5 V, cell: cell.yaml}")
        with pytest.raises(InputError, match="--cell cannot replace them"):
            expand(path, "nmc811-lipon-li")


class TestMeasured:
    def measured(self, path):
        expanded = expand(path)
        return expanded.cases, expanded.measured

    def test_is_matched_to_its_case(self):
        cases, rows = self.measured(INPUTS / "experiment.yaml")
        (row,) = rows
        assert row["Case"] == cases[0].name
        assert row["Cycle number"] == 1
        assert row["Quantity"] == "Discharge capacity [uA.h.cm-2]"
        assert row["Measured"] == pytest.approx(30.0)
        assert row["Status"] == "fitted"

    def test_of_another_cell_it_is_left_out(self):
        path = INPUTS / "experiment.yaml"
        for field, value in (("cathode.thickness", "800 nm"), ("lower", "3.6 V")):
            expanded = expand(path, changes={field: value})
            assert expanded.measured == []
            (warning,) = [w for w in expanded.warnings if "measured" in w]
            assert warning.endswith(f"left out: {field} changed")
        same = expand(path, changes={"cathode.thickness": "1 um", "cycles": "3"})
        assert [r["Status"] for r in same.measured] == ["fitted"]

    def test_of_a_changed_guess_it_is_kept_and_not_called_fitted(self):
        changes = {"cathode.diffusivity_scale": "2"}
        (row,) = expand(INPUTS / "experiment.yaml", changes=changes).measured
        assert row["Status"] == "cell changed"

    def test_by_name_and_per_gram(self, folder):
        points = (
            "[{case: slow, cycle: 3, charge_capacity: 120 mAh/g, "
            "discharge_capacity: 110 mAh/g, status: predicted, source: here}]"
        )
        path = written(
            folder,
            "  - {rate: 1C, lower: 3.5 V}\n  - {rate: C/10, lower: 3.5 V, name: slow}",
            measured=points,
        )
        _, rows = self.measured(path)
        assert [(r["Case"], r["Quantity"], r["Measured"]) for r in rows] == [
            ("slow", "Charge capacity [mA.h.g-1]", pytest.approx(120)),
            ("slow", "Discharge capacity [mA.h.g-1]", pytest.approx(110)),
        ]
        assert {(r["Cycle number"], r["Status"], r["Source"]) for r in rows} == {
            (3, "predicted", "here")
        }


# what is replaced, by what, line, field, words of the message
GRID, FIRST = "cases[1].grid", "cases[0]"
ONE = "{rate: 1C, lower: 3.5 V}"
MISTAKES = [
    ("steps:", "stpes:", 8, "stpes", "did you mean 'steps'?"),
    ("cycles: 2", "cycels: 2", 11, "cycels", "did you mean 'cycles'?"),
    ("cycles: 2", "cycles: 2\ncycles: 3", 12, "cycles", "already on line 11"),
    ("cycles: 2", "cycles: 0", 11, "cycles", "at least 1"),
    ("cycles: 2", "cycles: 1.5", 11, "cycles", "a whole number"),
    ("cycles: 2", "cycles: true", 11, "cycles", "a whole number"),
    ("cycles: 2", "cycles: 100001", 11, "cycles", "at most 100000"),
    ("format: 1", "format: 2", 1, "format", "must be 1"),
    ("kind: experiment", "kind: cell", 2, "kind", "'kind: experiment' is wanted"),
    # The cell and what is set in it
    ("cell: cell.yaml", "cell: nmc81", 4, "cell", "no shipped cell is called"),
    ("cell: cell.yaml", "cell: [a]", 4, "cell", "text would do"),
    ("cell: cell.yaml\n", "", 1, "cell", "name a cell here or with --cell"),
    ("anode.lithium: 3 um", "anode.lithum: 1 um", 5, "set.anode.lithum", "'lithium'"),
    ("anode.lithium: 3 um", "anode.lithium: 1", 5, "set.anode.lithium", "no unit"),
    ("anode.lithium: 3 um", "anode: 3", 5, "set.anode", "a mapping of fields"),
    ("anode.lithium: 3 um", "lithium: 3 um", 5, "set.lithium", "no such field"),
    ("{anode.lithium: 3 um}", "[a]", 5, "set", "a mapping of fields"),
    ("set:", "sett:", 5, "sett", "did you mean 'set'?"),
    # Steps
    ("Discharge at", "Discharg at", 9, "steps[0]", "did you mean 'discharge'"),
    ("Discharge at", "Discharge with", 9, "steps[0]", "cannot be read as a step"),
    ("- Charge at 1C", "- Charge at 1X", 7, "conditioning[0]", "cannot be read"),
    ("- Charge at 1C", "- 3", 7, "conditioning[0]", "not"),
    ("until {lower}", "until {lower} at 1000 degC", 9, "steps[0]", "temperature"),
    ("until {lower}", "until 4.3 V", 13, "cases[0].lower", "no step uses {lower}"),
    ("until {lower}", "until {lower} or {x}", 9, "steps[0]", "{x} has no value"),
    ("lower: 3.5 V", "lower: 9 V", 9, "steps[0]", "9 V"),
    ("lower: 3.5 V", "lower: low", 9, "steps[0]", "cannot be read as a step"),
    # Cases
    (ONE, "{rate: 1C}", 9, "steps[0]", "{lower} has no value"),
    (ONE, ONE.replace("rate", "rte"), 13, FIRST + ".rte", "did you mean 'rate'?"),
    (ONE, "a", 13, FIRST, "a mapping of fields"),
    (ONE, ONE[:-1] + ", cycles: 0}", 13, FIRST + ".cycles", "a whole number"),
    (ONE, ONE[:-1] + ", cycles: true}", 13, FIRST + ".cycles", "a whole number"),
    (ONE, ONE[:-1] + ", cycles: 200000}", 13, FIRST + ".cycles", "a whole number"),
    (ONE, ONE[:-1] + ", cell: 3}", 13, FIRST + ".cell", "name or path of a cell"),
    (ONE, ONE[:-1] + ", cell: nope}", 13, FIRST + ".cell", "no shipped cell"),
    (ONE, ONE[:-1] + ", area: 2}", 13, FIRST + ".area", "has no unit"),
    (ONE, ONE[:-1] + ", area: 2 cm}", 13, FIRST + ".area", "is a length"),
    (
        ONE,
        ONE[:-1] + ", cathode.thicknes: 2 um}",
        *(13, FIRST + ".cathode.thicknes", "did you mean 'thickness'?"),
    ),
    (
        ONE,
        ONE[:-1] + ", voltage_limits: [5 V, 0 V]}",
        *(13, FIRST + ".voltage_limits", "must rise"),
    ),
    # Grids
    ("rate: [1C, 2C]", "rate: []", 16, GRID + ".rate", "must be a list of values"),
    ("rate: [1C, 2C]", "rate: 1C", 16, GRID + ".rate", "must be a list of values"),
    ("[1C, 2C]", "{lin: [1, 2, 3]}", 16, GRID + ".rate.lin", "'linear'?"),
    ("[1C, 2C]", "{linear: [1, 2]}", 16, GRID + ".rate.linear", "[first, last, num"),
    ("[1C, 2C]", "{linear: [x, 2 A, 3]}", 16, GRID + ".rate.linear", "two numbers"),
    (
        "[1C, 2C]",
        "{linear: [10 uA, 0.02 V, 3]}",
        *(16, GRID + ".rate.linear", "of one dimension"),
    ),
    (
        "[1C, 2C]",
        "{linear: [1e999 uA, 1 uA, 3]}",
        *(16, GRID + ".rate.linear", "must be numbers"),
    ),
    ("[1C, 2C]", "{log: [0 uA, 2 uA, 3]}", 16, GRID + ".rate.log", "above 0"),
    ("[1C, 2C]", "{log: [1 A, 2 A, 1]}", 16, GRID + ".rate.log[2]", "at least 2"),
    ("[1C, 2C]", "{log: [1 A, 2 A, 3.0]}", 16, GRID + ".rate.log[2]", "at least 2"),
    ("[1C, 2C]", "{log: [1 A, 2 A, true]}", 16, GRID + ".rate.log[2]", "at least 2"),
    ("[1C, 2C]", "{log: [1 A, 2 A, 20000]}", 16, GRID + ".rate.log[2]", "more than"),
    ("[1C, 2C]", "{log: [1 uA, 2 uA, 3000]}", 14, "cases[1]", "more than 5000 cases"),
    ("rate: [1C, 2C]", "lower: [1 V]", 16, GRID + ".lower", "is given twice"),
    ("[1 um, 2 um]", "[1 um, 2 V]", 17, GRID + ".cathode.thickness", "a length such"),
    ("cathode.thickness:", "cathode.thick:", 17, GRID + ".cathode.thick", "no such"),
    # Measured
    ("rate: 1C, lower: 3.5 V}, d", "rate: 9C}, d", 19, "measured[0].case", "cases"),
    ("30 uAh/cm2", "30 uAh", 19, "measured[0].discharge_capacity", "is a charge"),
    ("30 uAh/cm2", "30", 19, "measured[0].discharge_capacity", "would do"),
    ("status: fitted", "status: fited", 19, "measured[0].status", "'fitted' or"),
    ("status: fitted", "sttus: fitted", 19, "measured[0].sttus", "mean 'status'?"),
    ("status: fitted", "cycle: 0, status: fitted", 19, "measured[0].cycle", "least 1"),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "words"), MISTAKES)
def test_a_mistake_is_found_where_it_is(folder, old, new, line, field, words):
    assert old in EXPERIMENT
    path = folder / "e.yaml"
    path.write_text(EXPERIMENT.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        expand(path)
    text = str(caught.value)
    assert text.splitlines() == [text]
    found = (caught.value.file, caught.value.line, caught.value.field)
    assert found == (str(path), line, field)
    assert words in caught.value.message


GROUPS = [
    ("{step: Rest for 1 s, temperature: 25}", "steps[0].temperature", "has no unit"),
    ("{step: Rest for 1 s, temperature: 2 V}", "steps[0]", "is a voltage"),
    ("{step: Rest for 1 s, temperture: 2}", "steps[0].temperture", "mean 'temperature'"),
    (
        "{step: Rest for 1 s at 20 degC, temperature: 25 degC}",
        "steps[0]",
        "the temperature is given twice",
    ),
    ("{step: Rest for 1 s, repeat: 2}", "steps[0]", "a group {repeat, for_each, steps}"),
    ("{steps: [Rest for 1 s]}", "steps[0]", "repeat or for_each"),
    ("{repeat: 3}", "steps[0]", "a group needs steps"),
    ("{repeat: 3, steps: []}", "steps[0]", "a group needs steps"),
    ("{repeat: 0, steps: [Rest for 1 s]}", "steps[0].repeat", "at least 1"),
    ("{repeat: 2, steps: [Rest for 1 s, Rst]}", "steps[0].steps[1]", "is not a step"),
    ("{repeat: 20000, steps: [Rest for 1 s]}", "steps[0]", "more than 10000 steps"),
    (
        "{repeat: 200, steps: [{repeat: 200, steps: [Rest for 1 s]}]}",
        "steps[0]",
        "more than 10000 steps",
    ),
    (
        "{for_each: {a: [1], b: [2]}, steps: [Rest for 1 s]}",
        "steps[0].for_each",
        "must name one template",
    ),
    ("{for_each: {}, steps: [Rest for 1 s]}", "steps[0]", "repeat or for_each"),
    (
        "{for_each: {a: []}, steps: ['Rest for {a}']}",
        "steps[0].for_each.a",
        "must be a list of values",
    ),
    ("{for_each: [a], steps: [Rest for 1 s]}", "steps[0].for_each", "a mapping"),
    ("Rest for {a}", "steps[0]", "{a} has no value; give one in each of the cases"),
    ("3", "steps[0]", "is not a step"),
    ("[Rest for 1 s]", "steps[0]", "is not a step"),
    ("Rest for 0 s", "steps[0]", "above 0"),
    ("Hold at 7 V until C/20", "steps[0]", "outside the cell's voltage_limits"),
    ("Hold at {{v}} for 1 s", "steps[0]", "cannot be read as a step"),
]


@pytest.mark.parametrize(("step", "field", "words"), GROUPS)
def test_a_mistake_in_a_step_is_found_where_it_is(folder, step, field, words):
    with pytest.raises(InputError) as caught:
        expanded(folder, steps=f"  - {step}")
    assert (caught.value.line, caught.value.field) == (5, field)
    assert words in caught.value.message
    assert len(str(caught.value).splitlines()) == 1


def test_a_mistake_in_the_cell_file_is_shown_there(folder):
    path = folder / "e.yaml"
    path.write_text(EXPERIMENT.replace("cell.yaml", "bad.yaml"))
    with pytest.raises(InputError) as caught:
        expand(path)
    assert caught.value.file == str(folder / "bad.yaml")
    assert (caught.value.line, caught.value.field) == (4, "area")


@pytest.mark.parametrize("name", ["none.yaml", "../none.yaml", "/none.yaml", "a/b"])
def test_a_cell_that_is_not_there_is_shown_in_the_experiment(folder, name):
    path = folder / "e.yaml"
    path.write_text(EXPERIMENT.replace("cell.yaml", name))
    with pytest.raises(InputError, match="no such file") as caught:
        expand(path)
    error = caught.value
    assert (error.file, error.line, error.field) == (str(path), 4, "cell")


@pytest.mark.parametrize("content", ["Nobody knows.\n", "a: [\n"])
def test_what_is_no_cell_file_is_shown_in_the_experiment(folder, content):
    (folder / "notes.yaml").write_text(content)
    path = folder / "e.yaml"
    path.write_text(EXPERIMENT.replace("cell.yaml", "notes.yaml"))
    with pytest.raises(InputError, match=r"'notes.yaml': line \d: ") as caught:
        expand(path)
    error = caught.value
    assert (error.file, error.line, error.field) == (str(path), 4, "cell")


def test_what_a_case_sets_may_go_ill_with_another_field(folder):
    path = written(folder, "  - {rate: 1C, lower: 3.5 V, cathode: {thickness: 1 um}}")
    with pytest.raises(InputError, match=r"cathode\.density: is missing") as caught:
        expand(path)
    assert caught.value.field == "cases[0].cathode"


class TestSize:
    """Files that are short and would take minutes to check."""

    def refused(self, folder, text, words):
        head = "format: 1\nkind: experiment\ncell: cell.yaml\n"
        (folder / "e.yaml").write_text(head + text)
        with pytest.raises(InputError, match=words):
            expand(folder / "e.yaml")

    def test_steps_of_all_cases_count_together(self, folder):
        text = (
            "steps: [{repeat: 9000, steps: [Rest for 1 s]}]\n"
            "cases: [grid: {area: {linear: [1 cm2, 2 cm2, 20]}}]"
        )
        self.refused(folder, text, "more than 50,000 steps in all cases together")

    def test_fields_of_a_case_count(self, folder):
        many = ", ".join(f"k{k}: 1" for k in range(101))
        text = "steps: [Rest for 1 s]\ncases: [{%s}]"
        self.refused(folder, text % many, "sets more than 100 fields")
        self.refused(folder, text % f"grid: {{{many}}}", "varies more than 100 fields")

    def test_cases_share_what_they_read(self, folder, monkeypatch):
        reads = []
        read = spelled.load_csv
        monkeypatch.setattr(
            spelled, "load_csv", lambda *a: (reads.append(a), read(*a))[1]
        )
        grid = "{cathode.thickness: [1 um, 2 um, 3 um]}"
        path = written(folder, f"  - {{rate: 1C, lower: 3.5 V, grid: {grid}}}")
        assert len(expand(path).cases) == 3 and len(reads) == 1


class TestKey:
    """What a finished case is recognised by when a run is resumed."""

    def key(self, path, changes=None, numerics=None):
        return expand(path, None, changes).cases[0].key(numerics or Numerics())

    def test_is_the_same_for_the_same(self):
        path = INPUTS / "experiment.yaml"
        assert self.key(path) == self.key(path)

    def test_changes_with_everything_that_matters(self, folder):
        path = INPUTS / "experiment.yaml"
        keys = [self.key(path)]
        for field, value in {
            "area": "2 cm2",
            "cathode.diffusivity": "2e-11 cm2/s",
            "cathode.density": "4 g/cm3",
            "temperature": "30 degC",
            "voltage_limits": "",
            "rate": "2C",
            "cycles": "3",
        }.items():
            if field == "voltage_limits":
                text = (folder / "cell.yaml").read_text()
                (folder / "cell.yaml").write_text(text.replace("6 V]", "5 V]"))
                shutil.copy(path, folder / "e.yaml")
                keys.append(self.key(folder / "e.yaml"))
            else:
                keys.append(self.key(path, {field: value}))
        keys.append(self.key(path, numerics=Numerics(points=20)))
        table = (folder / "ocv.csv").read_text().replace("3.9", "3.91")
        (folder / "ocv.csv").write_text(table)
        keys.append(self.key(folder / "e.yaml"))
        assert len(set(keys)) == len(keys)

    def test_does_not_change_with_comments_or_the_folder(self, folder):
        (folder / "e.yaml").write_text("# a remark\n" + EXPERIMENT)
        assert self.key(folder / "e.yaml") == self.key(INPUTS / "experiment.yaml")


# --- Anything at all -------------------------------------------------------------------

WORDS = ["{", "{rate}", "{0}", "{a.b}", "{a[0]}", "Rest for 1 s", "1C", "3 um", "4 V"]
KEYS = [
    *("step", "steps", "repeat", "for_each", "grid", "linear", "log", "rate"),
    *("temperature", "cycles", "name", "cell", "cathode.thickness", "area"),
]
JUNK = anything(WORDS, KEYS)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.data())
def test_a_mutated_experiment_is_read_or_refused_in_one_line(data):
    document = load(INPUTS / "experiment.yaml")
    changed = mutated(data.draw, document.data, JUNK)
    try:
        cases = expand(replace(document, data=changed)).cases
    except InputError as error:
        text = str(error)
        assert text.splitlines() == [text]
        assert error.message
    else:
        assert len({case.name for case in cases}) == len(cases) >= 1
        assert all(isinstance(v, float) for c in cases for v in c.varied.values())


SWEEP = (
    "{factors: {cathode.thickness: {log: [1 um, 4 um, 3]}, lower: [3.5 V], "
    "rate: [1C, C/2]}}"
)
SAMPLES = (
    "{method: sobol, points: 6, factors: {cathode.thickness: "
    "{lognormal: [1 um, 0.1]}, lower: {uniform: [3.4 V, 3.6 V]}, "
    "rate: {loguniform: [0.1C, 10C]}}}"
)


class TestSweep:
    def swept(self, folder, section=SWEEP, **options):
        return expand(written(folder, sweep=section), **options)

    def test_makes_the_cases(self, folder):
        cases = self.swept(folder).cases
        assert [case.name for case in cases] == list("123456")
        thickness = [case.cell.cathode.thickness for case in cases]
        assert thickness == pytest.approx([1e-6, 1e-6, 2e-6, 2e-6, 4e-6, 4e-6])
        rates = [c.protocol.steps[0].value / c.cell.one_c_current for c in cases]
        assert rates == pytest.approx([1.0, 0.5] * 3)
        assert cases[2].varied == {"cathode.thickness [um]": 2.0}

    def test_samples_are_the_same_every_time(self, folder):
        first, again = (self.swept(folder, SAMPLES) for _ in range(2))
        keys = [[case.key(Numerics()) for case in e.cases] for e in (first, again)]
        assert keys[0] == keys[1]
        assert len(set(keys[0])) == 6
        assert "4 or 8 are" in first.warnings[0]

    def test_what_is_set_wins_over_a_factor(self, folder):
        cases = self.swept(folder, changes={"cathode.thickness": "3 um"}).cases
        assert {case.cell.cathode.thickness for case in cases} == {3e-6}

    @pytest.mark.parametrize(
        ("section", "words"),
        [
            (SWEEP.replace("thickness", "thicknes"), "did you mean 'thickness'"),
            (SWEEP.replace("4 um, 3", "4 um, 20000000"), "to 10,000,000"),
            (SWEEP.replace("rate:", "rte:"), "did you mean"),
            (SWEEP.replace("1 um, 4 um", "1 um, 4 V"), "voltage"),
            (SWEEP.replace("4 um", "4 m"), "out of range"),
            ("{factors: {rate: [1C]}}", "{lower} has no value"),
            ("{}", "factors"),
            ("[1]", "sweep"),
        ],
    )
    def test_a_mistake_is_told_in_a_line(self, folder, section, words):
        with pytest.raises(InputError) as caught:
            self.swept(folder, section)
        assert str(caught.value).splitlines() == [str(caught.value)]
        assert words in str(caught.value)
        assert "e.yaml:4" in str(caught.value) or "e.yaml:6" in str(caught.value)

    def test_not_with_cases(self, folder):
        path = written(folder, "  - {rate: 1C, lower: 3.5 V}", sweep=SWEEP)
        with pytest.raises(InputError, match="not both"):
            expand(path)


def test_cases_may_vary_the_cell(folder):
    entry = "  - grid: {cell: [cell.yaml, lco-lipon-li-constant-d], rate: [1C, C/2]}"
    found = expand(written(folder, entry.replace("}", ", lower: [3.5 V]}"))).cases
    assert [case.name for case in found][:2] == ["cell.yaml, 1C", "cell.yaml, C/2"]
    assert len({case.cell.name for case in found}) == 2

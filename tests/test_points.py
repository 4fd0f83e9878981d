"""Points of a sweep, made when they are asked for; and which curves are kept."""

import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import tfbsim
from tfbsim import load_cell
from tfbsim.errors import InputError
from tfbsim.experiment.cases import Points
from tfbsim.experiment.expand import expand
from tfbsim.experiment.experiment import SOME_CYCLES, CurveSelection
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.result.case import CaseRecorder
from tfbsim.result.curves import NONE, thinned
from tfbsim.result.load import load_result
from tfbsim.result.result import CURVES, STEPS, SUMMARY, Result
from tfbsim.result.tables import Tabled
from tfbsim.run import ledger, stored
from tfbsim.run.run import run_experiment
from tfbsim.solver import cycler
from tfbsim.solver.audit import audit
from tfbsim.solver.cycler import run_case
from tfbsim.solver.engine import Engine

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
HEAD = """\
format: 1
kind: experiment
cell: cell.yaml
steps: ['Discharge at {rate} until {lower}', 'Charge at 1C until {upper}']
"""
SWEEP = """\
sweep:
  factors:
    cathode.thickness: {log: [1 um, 2 um, 2]}
    rate: [1C, 2C]
    lower: [3.5 V]
    upper: [4.1 V]
"""
# The third charges to less than it discharges to; both values are inside their ranges
REFUSED = """\
sweep:
  method: zip
  factors:
    lower: [3.4 V, 3.9 V, 3.5 V, 3.5 V]
    upper: [3.6 V, 4.1 V, 3.7 V, 4.0 V]
    rate: [1C, 1C, 1C, 1C]
    cathode.thickness: [1 um, 2 um, 1.5 um, 1.2 um]
    anode.lithium: [2 um, 9.9 mm, 9.8 mm, 2 um]
"""


@pytest.fixture
def folder(tmp_path):
    for name in ("cell.yaml", "ocv.csv"):
        shutil.copy(INPUTS / name, tmp_path)
    return tmp_path


@pytest.fixture
def no_figures(monkeypatch):
    save = Result.save
    monkeypatch.setattr(
        Result, "save", lambda self, folder, *_: save(self, folder, False)
    )


def written(folder: Path, *sections: str) -> Path:
    path = folder / "e.yaml"
    path.write_text(HEAD + "\n".join(sections))
    return path


def keys(cases, numerics=COARSE) -> list[str]:
    return [cases.key(k, numerics) for k in range(len(cases))]


def same_bytes(a: Path, b: Path) -> None:
    for name in (SUMMARY, STEPS, CURVES, "losses.csv", "provenance.json"):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


class TestPoints:
    def test_are_a_sequence(self, folder):
        cases = expand(written(folder, SWEEP)).cases
        assert isinstance(cases, Points) and len(cases) == 4
        assert [case.name for case in cases] == ["1", "2", "3", "4"]
        assert cases[-1] == cases[3] and cases[1:3] == [cases[1], cases[2]]
        with pytest.raises(IndexError):
            cases[4]
        assert cases.cycles == 4

    def test_names_are_as_long_as_the_last(self, folder):
        many = SWEEP.replace("2 um, 2]", "2 um, 60]")
        cases = expand(written(folder, many)).cases
        assert [cases.name(k) for k in (0, 8, 119)] == ["001", "009", "120"]
        assert cases[8].name == cases.name(8)

    def test_come_through_a_pickle(self, folder):
        cases = expand(written(folder, SWEEP)).cases
        again = pickle.loads(pickle.dumps(cases))
        assert list(again) == list(cases)
        assert keys(again) == keys(cases)
        used = pickle.loads(pickle.dumps(again))  # with all it has in store by now
        assert keys(used) == keys(cases)

    def test_keys_are_the_same_in_another_process(self, folder):
        curves = "curves: {cycles: [9, 1, 500, 17], error: 1 mV}"
        path = written(folder, SWEEP, curves)
        code = (
            "import sys\n"
            "from tfbsim.experiment.expand import expand\n"
            "from tfbsim.solver.engine import Numerics\n"
            "cases = expand(sys.argv[1]).cases\n"
            "for k in range(4): print(cases.key(k, Numerics(points=20)))"
        )
        found = subprocess.run(
            [sys.executable, "-c", code, path],
            env=os.environ
            | {
                "PYTHONPATH": str(Path(tfbsim.__file__).parents[1]),
                "PYTHONHASHSEED": "7",
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert found == keys(expand(path).cases)
        assert len(set(found)) == 4

    def test_keys_change_with_everything_that_matters(self, folder):
        path = written(folder, SWEEP)

        def found(changes=None, numerics=COARSE):
            return expand(path, None, changes).cases.key(0, numerics)

        seen = [found(), found(numerics=Numerics(points=21))]
        for field, value in {
            "area": "2 cm2",
            "rate": "3C",
            "cycles": "2",
            "cathode.thickness": "1.5 um",
        }.items():
            seen.append(found({field: value}))
        for file, old, new in (
            ("e.yaml", "4.1 V", "4.2 V"),
            ("e.yaml", "sweep:", "set: {anode.lithium: 3 um}\nsweep:"),
            ("e.yaml", "sweep:", "conditioning: [Rest for 1 s]\nsweep:"),
            ("e.yaml", "sweep:", "curves: {error: 1 mV}\nsweep:"),
            ("e.yaml", "Charge at 1C", "Charge at 2C"),
            ("cell.yaml", "6 V]", "5 V]"),
            ("cell.yaml", "1e-11", "2e-11"),
            ("ocv.csv", "0.7,3.9", "0.7,3.91"),
        ):
            text = (folder / file).read_text()
            assert old in text
            (folder / file).write_text(text.replace(old, new))
            seen.append(found())
        assert len(set(seen)) == len(seen)
        # nor with a remark, nor with where the files are
        (folder / "e.yaml").write_text("# a remark\n" + path.read_text())
        shutil.copytree(folder, folder / "elsewhere")
        assert expand(folder / "elsewhere" / "e.yaml").cases.key(0, COARSE) == seen[-1]

    def test_what_is_set_takes_the_place_of_a_factor(self, folder):
        path = written(folder, SWEEP)
        cases = expand(path, None, {"rate": "3C", "cathode.thickness": "3 um"}).cases
        assert len(cases) == 4
        assert {case.cell.cathode.thickness for case in cases} == {3e-6}
        assert {case.protocol.steps[0].text for case in cases} == {
            "Discharge at 3C until 3.5 V"
        }
        assert {case.varied["cathode.thickness [um]"] for case in cases} == {3.0}

    def test_more_than_a_list_may_hold(self, folder, monkeypatch):
        """All there is to know of 2.4 million points, a few of them made."""
        monkeypatch.setattr("tfbsim.solver.engine.Engine.__init__", None)
        made = []
        case = tfbsim.experiment.cases._case
        monkeypatch.setattr(
            tfbsim.experiment.cases,
            "_case",
            lambda *a: (made.append(a), case(*a))[1],
        )
        many = SWEEP.replace("2 um, 2]", "2 um, 20000]").replace(
            "[1C, 2C]", "{log: [1C, 2C, 120]}"
        )
        cases = expand(written(folder, many)).cases
        assert len(cases) == cases.cycles == 2_400_000
        assert len(made) < 20
        assert cases.curves == CurveSelection(frozenset())
        last = cases[-1]
        assert last.name == "2400000"
        assert last.cell.cathode.thickness == pytest.approx(2e-6)
        assert cases.key(1_234_567, COARSE) != cases.key(1_234_568, COARSE)

    @pytest.mark.parametrize("at", ["first", "last"])
    def test_a_mistake_at_an_end_is_told_before_anything_runs(self, folder, at):
        section = SWEEP.replace("[3.5 V]", {"first": "[9 V]", "last": "[3.5 V, 9 V]"}[at])
        with pytest.raises(InputError, match="9 V"):
            expand(written(folder, section))


class TestRuns:
    def test_the_same_bytes_whatever_the_workers_and_when_resumed(
        self, folder, no_figures
    ):
        expanded = expand(written(folder, SWEEP, "numerics: {points: 20}"))
        for name, workers in (("one", 1), ("two", 2)):
            run_experiment(expanded, workers=workers, folder=folder / name)
        same_bytes(folder / "one", folder / "two")
        whole = run_experiment(expanded, folder=folder / "one", resume=True)
        (folder / "cut").mkdir()
        with ledger.Ledger(folder / "cut" / ledger.LEDGER) as kept:
            kept.add([ledger.Point.of(whole.cases[k]) for k in (2, 0)])
        told = []
        run_experiment(
            expanded,
            folder=folder / "cut",
            resume=True,
            progress=lambda *numbers: told.append(numbers),
        )
        assert told[0] == (2, 0) and np.sum(told, axis=0).tolist() == [4, 0]
        same_bytes(folder / "one", folder / "cut")
        read = load_result(folder / "one")
        assert read.of_a_sweep and read.as_asked
        assert [case.name for case in read.cases] == ["1", "2", "3", "4"]
        xr.testing.assert_identical(read.curves, whole.curves)

    def test_points_are_read_a_few_at_a_time(self, folder, no_figures, monkeypatch):
        """As where there are more than fit into memory."""
        path = written(folder, SWEEP)
        whole = run_experiment(path, numerics=COARSE, folder=folder / "a")
        monkeypatch.setattr(stored, "AT_ONCE", 2)
        few = run_experiment(path, numerics=COARSE, folder=folder / "b")
        same_bytes(folder / "a", folder / "b")
        assert isinstance(few.cases, Tabled) and len(few.cases) == 4
        one, other = (pd.DataFrame(r.cases[-1].rows) for r in (few, whole))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        assert [case.name for case in few.cases[1:3]] == ["2", "3"]

    @pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
    def test_a_point_that_the_cell_refuses_fails_alone(self, folder, no_figures, workers):
        path = written(folder, REFUSED)
        told = []
        result = run_experiment(
            path,
            numerics=COARSE,
            workers=workers,
            folder=folder / "out",
            progress=lambda *numbers: told.append(numbers),
        )
        assert np.sum(told, axis=0).tolist()[1] == 1
        assert not result.solved and not result.as_asked
        summary = result.summary
        assert list(summary["Case"]) == ["1", "2", "3", "4"]
        assert summary["Outcome"][2] not in ("reached", "infeasible")
        (detail,) = result.steps["Detail"][result.steps["Outcome"] == "solver failed"]
        assert "a thicker cathode" in detail
        good = summary["Discharge capacity [uA.h.cm-2]"] > 0
        assert good.tolist() == [True, True, False, True]
        again = load_result(folder / "out")
        assert not again.solved and list(again.summary["Case"]) == list("1234")
        # Tried again with the same answer; nothing else is computed
        before = (folder / "out" / SUMMARY).read_bytes()
        told.clear()
        run_experiment(
            path,
            numerics=COARSE,
            folder=folder / "out",
            resume=True,
            progress=lambda *numbers: told.append(numbers),
        )
        assert told[0] == (3, 0) and sum(failed for _, failed in told) == 1
        assert (folder / "out" / SUMMARY).read_bytes() == before

    def test_columns_of_a_failed_point_are_those_of_the_others(self, folder, no_figures):
        result = run_experiment(written(folder, REFUSED), numerics=COARSE)
        column = result.summary["cathode.thickness [um]"]
        assert column.tolist() == pytest.approx([1, 2, 1.5, 1.2], rel=1e-12)
        rows = [list(case.rows[0]) for case in result.cases]
        assert rows[2] == rows[0]


class TestWhatRaises:
    """An exception that nobody foresaw ends no other case, and no more than it must."""

    def test_a_case_that_raises_fails_alone(self, folder, no_figures, monkeypatch):
        def refuses_a_thick_one(records, cell):
            if cell.cathode.thickness > 1.5e-6:
                raise ZeroDivisionError("too thick")
            return audit(records, cell)

        monkeypatch.setattr(cycler, "audit", refuses_a_thick_one)
        path = written(folder, SWEEP)
        result = run_experiment(path, numerics=COARSE, folder=folder / "out")
        failed = (result.summary["cathode.thickness [um]"] > 1.5).to_numpy()
        assert failed.sum() == 2
        ended = (result.summary["Outcome"] == "solver failed").to_numpy()
        assert (ended == failed).all()
        details = result.steps["Detail"][result.steps["Outcome"] == "solver failed"]
        assert all("ZeroDivisionError: too thick" in detail for detail in details)
        charged = (result.summary["Charge capacity [uA.h.cm-2]"] > 0).to_numpy()
        assert (charged == ~failed).all()

    def test_an_engine_that_raises_fails_the_step_it_cannot_answer(
        self, raijmakers, monkeypatch
    ):
        solve = Engine.run

        def picky(self, request):
            if request.duration == 61:
                raise RuntimeError("bad request")
            return solve(self, request)

        monkeypatch.setattr(Engine, "run", picky)
        steps = ["Charge at 1C for 60 s", "Rest for 61 s", "Rest for 60 s"]
        protocol = Protocol(parse_cycle(steps, raijmakers))
        (cycle,) = run_case(raijmakers, protocol, COARSE).cycles
        outcomes = [step.outcome for step in cycle.steps]
        assert outcomes == ["reached", "solver failed", "skipped"]
        assert cycle.steps[1].detail.startswith("RuntimeError('bad request'); at the")


# --- Which curves are kept -------------------------------------------------------------


@st.composite
def lines(draw):
    n = draw(st.integers(1, 60))
    steps = draw(st.lists(st.floats(1e-3, 10), min_size=n, max_size=n))
    V = draw(st.lists(st.floats(-5, 5), min_size=n, max_size=n))
    return np.cumsum(steps), np.array(V)


@given(lines(), st.floats(1e-6, 2))
def test_thinned_never_misses_by_more_than_the_error(line, error):
    t, V = line
    kept = thinned(t, V, error)
    assert kept[0] and kept[-1] and kept.shape == t.shape
    missed = np.abs(np.interp(t, t[kept], V[kept]) - V).max()
    assert missed <= error * (1 + 1e-9) + 1e-12
    assert thinned(t, V, 2 * error).sum() <= len(t)


@given(st.integers(3, 500), st.floats(-3, 3), st.floats(0.01, 1))
def test_of_a_straight_line_its_ends_are_left(n, slope, error):
    t = np.linspace(0, 1, n)
    assert np.flatnonzero(thinned(t, 1 + slope * t, error)).tolist() == [0, n - 1]


def test_thinned_of_a_parabola_is_as_few_as_it_takes():
    """A chord over h misses t^2 by h^2/4 at most: 1 / (2 sqrt(error)) of them."""
    t = np.linspace(0, 1, 4001)
    for error in (1e-3, 1e-4):
        needed = 1 / (2 * np.sqrt(error))
        assert needed <= thinned(t, t**2, error).sum() <= 2 * needed + 2


class TestCurves:
    CYCLED = "cycles: 5\n"
    ONE = "cases: [{rate: 1C, lower: 3.5 V, upper: 4.1 V}]\n"

    def run(self, here, section, **options):
        path = written(here, self.CYCLED, self.ONE, section)
        return run_experiment(path, numerics=COARSE, **options)

    @given(st.lists(st.integers(1, 100_000), max_size=40), st.randoms())
    def test_of_the_same_cycles_are_written_the_same(self, cycles, random):
        """Keys are made of it, in every process."""
        curves = CurveSelection(frozenset(cycles), 1e-3)
        random.shuffle(cycles)
        assert repr(CurveSelection(frozenset(cycles), 1e-3)) == repr(curves)
        assert repr(pickle.loads(pickle.dumps(curves))) == repr(curves)

    @pytest.mark.parametrize(
        ("section", "kept"),
        [
            ("", [1, 2, 3, 4, 5]),
            ("curves: {cycles: all}", [1, 2, 3, 4, 5]),
            ("curves: {cycles: [4, 1]}", [1, 4]),
            ("curves: {cycles: [2, 7]}", [2]),
            ("curves: {cycles: none}", []),
            ("curves: {cycles: []}", []),
        ],
    )
    def test_of_these_cycles_and_no_others(self, folder, no_figures, section, kept):
        result = self.run(folder, section, folder=folder / "out")
        for found in (result, load_result(folder / "out")):
            (case,) = found.cases
            assert case.curves["cycle"].values.tolist() == kept
            assert len(case.rows) == 5
            assert (case.curves is NONE) == (not kept)
            assert found.losses["Cycle number"].unique().tolist() == kept
            assert [c.name for c in found.drawn] == [case.name] * bool(kept)
        xr.testing.assert_identical(load_result(folder / "out").curves, result.curves)

    def test_the_tables_do_not_depend_on_them(self, folder, no_figures):
        for name, section in (("all", ""), ("none", "curves: {cycles: none}")):
            self.run(folder, section, folder=folder / name)
        one, other = (load_result(folder / name) for name in ("all", "none"))
        pd.testing.assert_frame_equal(one.steps, other.steps, check_exact=True)
        # Of the others only the ends of steps are audited
        audit = "Lithium balance error"
        assert one.summary[audit].max() < 1e-8 and other.summary[audit].max() < 1e-8
        pd.testing.assert_frame_equal(
            one.summary.drop(columns=audit),
            other.summary.drop(columns=audit),
            check_exact=True,
        )

    def test_those_that_are_kept_are_as_without_a_choice(self, folder, no_figures):
        whole = self.run(folder, "").curves
        some = self.run(folder, "curves: {cycles: [1, 4]}").curves
        chosen = whole.sel(cycle=[1, 4]).dropna("sample", how="all", subset=["Time [s]"])
        xr.testing.assert_identical(some, chosen)

    def test_thinned_to_an_error(self, folder, no_figures):
        whole = self.run(folder, "").cases[0].curves
        thin = self.run(folder, "curves: {error: 2 mV}").cases[0].curves
        assert thin.sizes["sample"] < whole.sizes["sample"] / 2
        for cycle in range(5):
            t, V, step = (
                whole[name].values[cycle]
                for name in ("Time [s]", "Voltage [V]", "Step number")
            )
            t_kept, V_kept, step_kept = (
                thin[name].values[cycle]
                for name in ("Time [s]", "Voltage [V]", "Step number")
            )
            for number in (1, 2):
                of, left = step == number, step_kept == number
                again = np.interp(t[of], t_kept[left], V_kept[left])
                assert np.abs(again - V[of]).max() <= 2e-3
                assert t_kept[left][[0, -1]].tolist() == t[of][[0, -1]].tolist()

    def test_without_a_word_on_them(self, folder):
        """All of a few cycles; of many of one case some; of many points none."""
        few = expand(written(folder, "cycles: 500\n", self.ONE)).cases[0]
        many = expand(written(folder, "cycles: 501\n", self.ONE)).cases[0]
        assert few.curves == CurveSelection()
        assert many.curves == CurveSelection(frozenset((*SOME_CYCLES, 501)))
        assert {1, 2, 5, 10, 100, 1000} <= many.curves.cycles
        for cycles, curves in (
            (125, CurveSelection()),
            (126, CurveSelection(frozenset())),
        ):
            points = expand(written(folder, f"cycles: {cycles}\n", SWEEP)).cases
            assert points[0].curves == points.curves == curves
        asked = "cycles: 126\ncurves: {cycles: all}\n"
        assert expand(written(folder, asked, SWEEP)).cases[0].curves == CurveSelection()

    @pytest.mark.parametrize(
        ("section", "words"),
        [
            ("curves: {cycles: some}", "curves.cycles"),
            ("curves: {cycles: [0]}", "at least 1"),
            ("curves: {cycles: [1.5]}", "whole number"),
            ("curves: {error: 1 um}", "is a length"),
            ("curves: {error: 0 mV}", "above 0"),
            ("curves: {error: 2 V}", "at most 1"),
            ("curves: {eror: 2 mV}", "did you mean 'error'?"),
            ("curves: none", "curves"),
            ("numerics: {points: 3}", "at least 8"),
            ("numerics: {points: 9999}", "at most 5000"),
            ("numerics: {rtol: 1}", "at most 0.01"),
            ("numerics: {compile: 1}", "boolean"),
            ("numerics: {poins: 100}", "did you mean 'points'?"),
        ],
    )
    def test_a_mistake_is_told_in_a_line(self, folder, section, words):
        with pytest.raises(InputError) as caught:
            expand(written(folder, self.ONE, section))
        text = str(caught.value)
        assert text.splitlines() == [text]
        assert "e.yaml:6: " in text or "e.yaml:7: " in text
        assert words in text, text


class TestNumerics:
    def test_of_the_file(self, folder):
        section = "numerics: {points: 40, rtol: 1e-5, grading: 0, compile: false}"
        expanded = expand(written(folder, TestCurves.ONE, section))
        found = expanded.experiment.numerics.applied()
        assert found == Numerics(40, 1e-5, found.atol, grading=0.0)
        assert found.atol == pytest.approx(1e-7)
        plain = expand(written(folder, TestCurves.ONE)).experiment.numerics
        assert plain.applied() == Numerics()

    def test_are_those_it_runs_with(self, folder, no_figures):
        path = written(folder, TestCurves.ONE, "numerics: {points: 12, rtol: 1e-4}")
        result = run_experiment(path)
        assert result.curves.sizes["depth"] == 12
        told = result.provenance["numerics"]
        assert (told["points"], told["rtol"], told["atol"]) == (12, 1e-4, 1e-6)
        other = run_experiment(path, numerics=replace(COARSE, points=14))
        assert other.curves.sizes["depth"] == 14


def test_a_case_without_curves_is_kept_in_the_ledger(tmp_path):
    cell = load_cell(INPUTS / "cell.yaml")
    record = run_case(cell, Protocol(parse_cycle(["Rest for 1 s"], cell)), COARSE)
    recorder = CaseRecorder("a", cell)
    recorder.depths = record.depths
    for cycle in record.cycles:
        recorder.add(cycle, True)
    bare = replace(recorder.result("k"), curves=NONE)
    point = ledger.Point.of(bare)
    assert point.result().curves is NONE
    assert len(point.curves) < 20
    assert point.result().rows == bare.rows or repr(point.result().rows) == repr(
        bare.rows
    )

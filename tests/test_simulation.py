"""Every outcome, produced for real where the cell can produce it."""

from pathlib import Path

import numpy as np
import pytest

import tfbsim
from tfbsim.errors import InputError
from tfbsim.numerics import Numerics
from tfbsim.result.result import Result
from tfbsim.run.simulate import simulate
from tfbsim.solver.engine import Engine
from tfbsim.solver.records import OUTCOMES
from tfbsim.solver.trace import BALANCE_LIMIT, SolverFailed

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
FULL, EMPTY = "Discharge at 1C until 3.5 V", "Charge at 1C until 4.1 V"
CELL, ONE = "lco-lipon-li-raijmakers2020", ["Discharge at 5C until 3 V"]
TOO_MUCH = "Discharge at 1 W/cm2 until 3.0 V"  # the cell gives milliwatts


@pytest.fixture(scope="module")
def cell():
    return tfbsim.load_cell(INPUTS / "cell.yaml")


def run(cell, *steps, **options) -> Result:
    return simulate(cell, list(steps), numerics=COARSE, **options)


def outcomes(result: Result) -> list[str]:
    return list(result.steps["Outcome"])


class TestReached:
    def test_by_voltage_current_and_time(self, cell):
        result = run(cell, FULL, EMPTY, "Hold at 4.1 V until C/20", "Rest for 1 minute")
        assert outcomes(result) == ["reached"] * 4
        steps = result.steps
        assert steps["End voltage [V]"][0] == pytest.approx(3.5, abs=1e-6)
        assert steps["End voltage [V]"][1] == pytest.approx(4.1, abs=1e-6)
        end = abs(steps["End current [uA.cm-2]"][2])
        assert end == pytest.approx(50 / 20, rel=1e-6)
        assert steps["Duration [s]"][3] == 60
        assert result.as_asked

    def test_a_cut_off_met_at_once_is_reached_with_nothing(self, cell):
        result = run(cell, FULL, "Discharge at 2C until 3.6 V")
        assert outcomes(result) == ["reached", "reached"]
        assert result.steps["Duration [s]"][1] == 0
        assert result.steps["Discharge [uA.h.cm-2]"][1] == 0

    def test_a_discharge_whose_cut_off_is_met_at_once(self, cell):
        row = run(cell, "Discharge at 1C until 4.1 V").summary.iloc[0]
        assert row["Outcome"] == "reached"
        assert row["Discharge capacity [mA.h.g-1]"] == 0
        assert np.isnan(row["Mean discharge voltage [V]"])


def test_time_limit(cell, monkeypatch):
    """A step that states no time, and would go on beyond the default limit."""
    monkeypatch.setattr("tfbsim.experiment.steps.DEFAULT_DURATION_FACTOR", 0.01)
    result = run(cell, FULL)
    assert outcomes(result) == ["time limit"]
    assert "default time limit" in result.steps["Detail"][0]
    assert list(result.summary["Outcome"]) == ["time limit"]
    assert not result.as_asked
    # what happened until then is there
    charge = 0.01 * cell.theoretical_charge / 3600 * 1e2
    assert result.steps["Discharge [uA.h.cm-2]"][0] == pytest.approx(charge, rel=1e-6)


def test_a_stated_time_is_as_asked(cell):
    assert outcomes(run(cell, "Discharge at 1C for 1 minute or until 3.0 V")) == [
        "reached"
    ]


class TestInfeasible:
    def test_no_current_meets_it(self, cell):
        result = run(cell, TOO_MUCH)
        assert outcomes(result) == ["infeasible"]
        assert result.steps["Detail"][0]  # says why
        assert result.summary["Discharge capacity [uA.h.cm-2]"][0] == 0
        assert not result.as_asked

    def test_the_next_step_starts_from_where_it_was(self, cell):
        after = run(cell, TOO_MUCH, FULL)
        alone = run(cell, FULL)
        assert outcomes(after) == ["infeasible", "reached"]
        assert list(after.summary["Outcome"]) == ["infeasible"]
        column = "Discharge [uA.h.cm-2]"
        assert after.steps[column][1] == alone.steps[column][0] > 0

    def test_the_cells_voltage_limit_comes_first(self, cell):
        narrow = cell.replace({"voltage_limits": [3.4, 4.15]})
        result = run(narrow, "Discharge at 1C for 9 hours", "Charge at 1C for 9 hours")
        assert outcomes(result) == ["infeasible", "infeasible"]
        assert "3.4 V" in result.steps["Detail"][0]
        assert "4.15 V" in result.steps["Detail"][1]
        ends = list(result.steps["End voltage [V]"])
        assert ends == pytest.approx([3.4, 4.15], abs=1e-6)

    def test_a_file_without_any_curve_is_still_written(self, cell, tmp_path):
        result = run(cell, TOO_MUCH)
        result.save(tmp_path, figures=False)
        assert outcomes(tfbsim.load_result(tmp_path)) == ["infeasible"]


def test_lithium_exhausted(cell):
    """Half of what the film can still take in is at the anode."""
    missing = (1 - cell.cathode.x_initial) * cell.site_inventory
    short = cell.replace({"anode.lithium": missing / 4 * cell.anode.molar_volume})
    result = run(short, FULL, EMPTY, cycles=2)
    assert outcomes(result) == ["lithium exhausted", "reached"] * 2
    assert list(result.summary["Outcome"]) == ["lithium exhausted"] * 2
    assert not result.as_asked
    stripped = result.steps["Discharge [uA.h.cm-2]"][0] * 36  # C/m2
    F = 96485.33212
    assert stripped == pytest.approx(missing / 4 * F, rel=1e-6)


class TestSolverFailed:
    @pytest.fixture
    def failing(self, monkeypatch):
        """The third solve gives up."""
        calls = []
        solve = Engine.run

        def sometimes(self, request):
            calls.append(request)
            if len(calls) == 3:
                raise SolverFailed("IDA_CONV_FAIL")
            return solve(self, request)

        monkeypatch.setattr(Engine, "run", sometimes)
        return calls

    def test_what_comes_after_is_skipped(self, cell, failing):
        result = run(cell, FULL, EMPTY, cycles=3)
        assert outcomes(result) == [
            *("reached", "reached", "solver failed", "skipped", "skipped", "skipped")
        ]
        assert list(result.summary["Outcome"]) == ["reached", "solver failed", "skipped"]
        assert len(failing) == 3
        assert "IDA_CONV_FAIL" in result.steps["Detail"][2]
        assert FULL in result.steps["Detail"][3]
        assert not result.as_asked

    def test_what_came_before_is_kept(self, cell, failing, tmp_path):
        result = run(cell, FULL, EMPTY, cycles=3)
        first = result.summary.iloc[0]
        assert first["Discharge capacity [mA.h.g-1]"] > 0
        assert result.save(tmp_path, figures=False) == tmp_path
        assert outcomes(tfbsim.load_result(tmp_path)) == outcomes(result)


def test_the_part_that_was_solved_is_kept(cell, gives_up_halfway, tmp_path):
    """In the curves, the steps and the files, up to where the solver gave up."""
    gives_up_halfway(60)
    result = run(cell, FULL, "Charge at 1C for 1 minute", "Rest for 1 s", cycles=2)
    result.save(tmp_path, figures=False)
    loaded = tfbsim.load_result(tmp_path)
    for kept in (result, loaded):
        expected = ["reached", "solver failed", "skipped"] + 3 * ["skipped"]
        assert outcomes(kept) == expected
        assert list(kept.summary["Outcome"]) == ["solver failed", "skipped"]
        assert kept.steps["Duration [s]"][1] == 30
        assert kept.steps["Charge [uA.h.cm-2]"][1] == pytest.approx(50 / 120, rel=1e-6)
        assert kept.steps["Detail"][1].startswith("after 30 s, at ")
        assert kept.summary["Discharge capacity [mA.h.g-1]"][0] > 0
        number = kept.curves["Step number"].values
        assert (number == 1).sum() > 10
        assert (number == 2).sum() > 2


def test_audit_breach(cell, monkeypatch):
    """Lithium that appears from nowhere is found."""
    solve = Engine.run

    def leaking(self, request):
        trace = solve(self, request)
        trace.observed["Total lithium [mol.m-2]"][-1] *= 1 + 1e-6
        return trace

    monkeypatch.setattr(Engine, "run", leaking)
    result = run(cell, FULL)
    assert outcomes(result) == ["reached"]
    row = result.summary.iloc[0]
    assert row["Outcome"] == "audit breach"
    assert row["Lithium balance error"] > BALANCE_LIMIT >= row["Charge balance error"]
    assert not result.as_asked


def test_the_outcomes_are_the_documented_ones():
    assert set(OUTCOMES) == {
        *("reached", "time limit", "skipped", "infeasible"),
        *("lithium exhausted", "solver failed", "audit breach"),
    }


class TestConditioning:
    def test_is_not_listed(self, cell):
        result = run(cell, FULL, EMPTY, cycles=2, conditioning=[FULL, EMPTY])
        assert list(result.summary["Cycle number"]) == [1, 2]
        assert list(result.steps["Cycle number"]) == [0, 0, 1, 1, 2, 2]
        assert list(result.curves["cycle"]) == [1, 2]

    def test_is_done(self, cell):
        after = run(cell, EMPTY, conditioning=[FULL])
        once = run(cell, FULL, EMPTY)
        column = "Charge capacity [uA.h.cm-2]"
        assert after.summary[column][0] == once.summary[column][0] > 0

    def test_its_outcome_counts(self, cell):
        result = run(cell, FULL, conditioning=[TOO_MUCH], conditioning_cycles=2)
        assert outcomes(result) == ["infeasible", "infeasible", "reached"]
        assert list(result.summary["Outcome"]) == ["reached"]
        assert not result.as_asked


class TestArguments:
    def test_a_name_and_a_single_sentence(self):
        result = simulate("lco-lipon-li-danilov2011", "Rest for 1 s", numerics=COARSE)
        assert outcomes(result) == ["reached"]

    def test_a_step_with_its_own_temperature(self, cell):
        result = run(cell, ("Rest for 1 s", "60 degC"), "Rest for 1 s")
        T = result.curves["Temperature [degC]"].values.ravel()
        k = result.curves["Step number"].values.ravel()
        assert T[k == 1] == pytest.approx(60)
        assert T[k == 2] == pytest.approx(25)

    @pytest.mark.parametrize(
        ("steps", "options", "field", "words"),
        [
            ([], {}, "steps", "no steps"),
            (["Charge"], {}, "steps[0]", "cannot be read as a step"),
            (["Rest for 1 s", 3], {}, "steps[1]", "not a step"),
            (["Rest for 1 s"], {"cycles": 0}, "cycles", "from 1 to"),
            (["Rest for 1 s"], {"conditioning": ["x"]}, "conditioning[0]", "not a step"),
            (["Discharge at 1C until 9 V"], {}, "steps[0]", "9 V"),
            (["Rest for 1 s"], {"cycles": 2.5}, "cycles", "whole number"),
            (["Rest for 1 s"], {"cycles": "2"}, "cycles", "whole number"),
            (
                ["Rest for 1 s"],
                {"numerics": {"points": 1}},
                "numerics.points",
                "at least",
            ),
            (["Rest for 1 s"], {"numerics": {"pints": 9}}, "numerics.pints", "'points'"),
            (["Rest for 1 s"], {"numerics": 3}, "numerics", "mapping"),
            ([{"repeat": 2}], {}, "steps[0]", "needs steps"),
        ],
    )
    def test_mistakes(self, cell, steps, options, field, words):
        with pytest.raises(InputError) as caught:
            simulate(cell, steps, **options)
        assert caught.value.field == field
        assert words in caught.value.message


@pytest.mark.parametrize(
    "call",
    [
        lambda **k: tfbsim.sweep(CELL, ONE, {"cathode.thickness": ["2 um"]}, **k),
        lambda **k: tfbsim.run_experiment("danilov2011-rate-capability", **k),
        lambda **k: tfbsim.thickness_for(CELL, 0.8, lower=3, upper=4.2, **k),
    ],
)
def test_whatever_takes_numerics_takes_a_mapping_and_names_what_is_wrong(call):
    for numerics, field in (({"point": 20}, "numerics.point"), ("fast", "numerics")):
        with pytest.raises(InputError) as caught:
            call(numerics=numerics)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: tfbsim.simulate(None, ONE), "cell"),
        (lambda: tfbsim.simulate(CELL, None), "steps"),
        (lambda: tfbsim.simulate(CELL, 3), "steps"),
        (lambda: tfbsim.load_cell(CELL).replace([("cathode.thickness", 1.0)]), "changes"),
        (lambda: tfbsim.load_cell(CELL).replace({3: 1.0}), "changes"),
        (lambda: tfbsim.run_experiment("gitt", workers=1.5), "workers"),
        (lambda: tfbsim.overlay(3, 4), "1"),
    ],
)
def test_what_python_gives_in_place_of_a_thing_is_named(call, field):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.field == field

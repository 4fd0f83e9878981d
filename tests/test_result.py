"""The result: the columns of the contract, and files that repeat byte for byte."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import tfbsim
from tfbsim import simulate
from tfbsim.errors import InputError
from tfbsim.numerics import Numerics
from tfbsim.output import PROVENANCE, Output
from tfbsim.result import columns
from tfbsim.result.case import CaseResult
from tfbsim.result.load import load_result
from tfbsim.result.result import CURVES, STEPS, SUMMARY, Result
from tfbsim.run import run as module
from tfbsim.run.ledger import LEDGER, Ledger, Point, discard
from tfbsim.run.run import run_experiment

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
FILES = (SUMMARY, STEPS, CURVES, PROVENANCE)
BOTH = ["Charge at 1C until 4.1 V", "Discharge at 1C until 3.5 V"]
TAIL = [
    "Charge capacity [mA.h.g-1]",
    "Discharge capacity [mA.h.g-1]",
    "Charge capacity [uA.h.cm-2]",
    "Discharge capacity [uA.h.cm-2]",
    "Coulombic efficiency [%]",
    "Mean discharge voltage [V]",
    "Discharge energy [mW.h.cm-2]",
    "Lithium thickness at end of charge [um]",
    "Interface resistance [Ohm.cm2]",
    "Lithium balance error",
    "Charge balance error",
    "Outcome",
]
EFFICIENCY = "Energy efficiency [%]"


@pytest.fixture(scope="module")
def cell():
    return tfbsim.load_cell(INPUTS / "cell.yaml")


@pytest.fixture
def folder(tmp_path):
    """A short experiment of three cases with its cell, to be changed."""
    shutil.copytree(INPUTS, tmp_path / "inputs")
    path = tmp_path / "inputs" / "experiment.yaml"
    text = path.read_text().replace("cycles: 2", "cycles: 1").replace("1C, 2C", "1C")
    path.write_text(text.replace("  - Charge at 1C until 4.1 V\ncycles", "cycles"))
    return tmp_path / "inputs"


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_experiment(INPUTS / "experiment.yaml", numerics=COARSE)


@pytest.fixture
def counted(monkeypatch, before_a_case):
    """Names of the cases that are computed."""
    computed = []
    before_a_case(computed.append)
    monkeypatch.setattr(Result, "save", without_figures(Result.save))
    return computed


def without_figures(save):
    return lambda self, folder, *_, **__: save(self, folder, figures=False)


def same(a: Result, b: Result) -> None:
    for left, right in ((a.summary, b.summary), (a.steps, b.steps)):
        # Tables keep 10 digits, and 1.0 as 1
        pd.testing.assert_frame_equal(
            left, right, rtol=1e-9, atol=1e-12, check_dtype=False
        )
    xr.testing.assert_identical(a.curves, b.curves)
    assert [c.name for c in a.cases] == [c.name for c in b.cases]
    assert [c.key for c in a.cases] == [c.key for c in b.cases]
    assert [c.warnings for c in a.cases] == [c.warnings for c in b.cases]
    assert a.as_asked == b.as_asked


class TestSummary:
    def test_columns_in_order(self, result):
        assert list(result.summary) == [
            *("Case", "Cycle number", "cathode.thickness [um]", "C-rate"),
            *("Charge C-rate", "Lower cut-off [V]", "Upper cut-off [V]", *TAIL[:-1]),
            *(EFFICIENCY, "Outcome"),
        ]

    def test_columns_of_two_sites_and_an_error_bar(self):
        cell = tfbsim.load_cell("nmc811-lipon-li")
        numerics = Numerics(points=20, error_bar=True)
        table = simulate(cell, BOTH, numerics=numerics).summary
        errors = [c for c in table if c.startswith("Numerical error")]
        assert len(errors) == 3
        assert list(table)[-6:] == [
            *(EFFICIENCY, "Second lithium at end of discharge [%]"),
            *(*errors, "Outcome"),
        ]

    def test_rates_and_cut_offs_only_where_they_apply(self, cell):
        rest = simulate(cell, ["Rest for 1 s"], numerics=COARSE)
        assert list(rest.summary) == ["Case", "Cycle number", *TAIL]
        discharge = simulate(cell, [BOTH[1]], numerics=COARSE)
        head = ["Case", "Cycle number", "C-rate", "Lower cut-off [V]"]
        assert list(discharge.summary) == [*head, *TAIL]

    def test_rows_are_cases_in_file_order_by_cycles_from_1(self, result):
        names = [case.name for case in result.cases]
        assert list(result.summary["Case"]) == [n for n in names for _ in range(2)]
        assert list(result.summary["Cycle number"]) == [1, 2] * 5

    def test_all_but_case_and_outcome_are_numbers(self, result):
        numbers = result.summary.drop(columns=["Case", "Outcome"])
        assert all(pd.api.types.is_numeric_dtype(kind) for kind in numbers.dtypes)

    @pytest.mark.parametrize(
        ("rate", "value"), [("C/10", 0.1), ("0.3C", 0.3), ("2C", 2.0), ("C/7", 1 / 7)]
    )
    def test_c_rate_is_a_plain_number(self, cell, rate, value):
        steps = [f"Charge at {rate} until 4.1 V", "Discharge at C/3 for 1 s"]
        table = simulate(
            cell.replace({"cathode.thickness": "0.7 um"}), steps, numerics=COARSE
        ).summary
        assert table["Charge C-rate"][0] == pytest.approx(value, rel=1e-11)
        assert table["C-rate"][0] == pytest.approx(1 / 3, rel=1e-11)
        text = f"{table['Charge C-rate'][0]:.10g}"
        assert text == f"{value:.10g}"  # 0.1, not 0.1000000000000001

    def test_c_rate_of_a_current_is_over_one_c_at_this_thickness(self, cell):
        thick = cell.replace({"cathode.thickness": "2 um"})
        steps = ["Discharge at 50 uA/cm2 for 1 s"]
        table = simulate(thick, steps, numerics=COARSE).summary
        assert table["C-rate"][0] == pytest.approx(0.5, rel=1e-11)

    def test_energy_efficiency_is_of_cycles_with_both(self, result, cell):
        rows = result.losses[result.losses["Step number"] == 0]
        out, into = rows["Energy out [uW.h.cm-2]"], rows["Energy in [uW.h.cm-2]"]
        expected = (100 * out / into).to_numpy()
        # The solver's energies, and those of the curves by the trapezoidal rule
        shown = result.summary[EFFICIENCY].to_numpy()
        assert shown == pytest.approx(expected, rel=1e-4)
        halves = simulate(cell, [BOTH[0], *BOTH], numerics=COARSE).summary
        assert EFFICIENCY in halves
        assert EFFICIENCY not in simulate(cell, BOTH[:1], numerics=COARSE).summary

    def test_quantities_hang_together(self, result):
        table = result.summary
        loading = table["cathode.thickness [um]"].fillna(1.0) * 1e-4 * 5  # g/cm2
        for word in ("Charge", "Discharge"):
            per_area = table[f"{word} capacity [uA.h.cm-2]"]
            per_gram = table[f"{word} capacity [mA.h.g-1]"]
            expected = (per_area / loading / 1e3).to_numpy()
            assert per_gram.to_numpy() == pytest.approx(expected, rel=1e-9)
        charge = table["Charge capacity [uA.h.cm-2]"]
        discharge = table["Discharge capacity [uA.h.cm-2]"]
        efficiency = 100 * discharge / charge
        found = table["Coulombic efficiency [%]"].to_numpy()
        assert found == pytest.approx(efficiency.to_numpy(), rel=1e-9)
        mean = table["Discharge energy [mW.h.cm-2]"] * 1e3 / discharge
        found = table["Mean discharge voltage [V]"].to_numpy()
        assert found == pytest.approx(mean.to_numpy(), rel=1e-9)
        assert table["Mean discharge voltage [V]"].between(3.4, 4.2).all()

    def test_both_balances_hold(self, result):
        for word in ("Lithium", "Charge"):
            error = result.summary[f"{word} balance error"]
            assert (error >= 0).all() and error.max() < 1e-8

    def test_lithium_plated_is_the_charge(self, cell):
        """What the cathode gives up in a charge is plated at the anode."""
        row = simulate(cell, [BOTH[0]], numerics=COARSE).summary.iloc[0]
        moved = row["Charge capacity [uA.h.cm-2]"] * 36 / 96485.33212  # mol/m2
        thickness = 2 + moved * 13e-6 * 1e6
        found = row["Lithium thickness at end of charge [um]"]
        assert found == pytest.approx(thickness, rel=1e-8)


class TestSteps:
    def test_columns_in_order(self, result):
        assert list(result.steps) == [
            *("Case", "Cycle number", "Step number", "Step", "Duration [s]"),
            *("Charge [uA.h.cm-2]", "Discharge [uA.h.cm-2]"),
            *("End voltage [V]", "End current [uA.cm-2]"),
            *("End mean stoichiometry", "End surface stoichiometry"),
            *("Cut-off error [uV]", "Hold error [mV]", "Of equilibrium capacity [%]"),
            *("Limiting loss", "Outcome", "Detail"),
        ]

    def test_conditioning_has_a_limiting_loss_too(self, result):
        conditioning = result.steps[result.steps["Cycle number"] == 0]
        assert (conditioning["Limiting loss"] != "").all()


class TestLosses:
    def test_columns_in_order(self, result):
        names = [
            *("Energy in", "Energy out", "Diffusion in the film", "Cathode interface"),
            *("Lithium interface", "Electrolyte", "Electron path", "Interphase films"),
            *("Contact", "Leakage", "Stored"),
        ]
        assert list(result.losses) == [
            *("Case", "Cycle number", "Step number", "Step"),
            *(f"{name} [uW.h.cm-2]" for name in names),
            EFFICIENCY,
        ]

    def test_a_row_for_each_cycle_and_step(self, result):
        rows = result.losses[["Case", "Cycle number", "Step number"]]
        assert [tuple(row) for row in rows.to_numpy().tolist()] == [
            (case.name, cycle, step)
            for case in result.cases
            for cycle in (1, 2)
            for step in (0, 1, 2)
        ]

    def test_written_and_found_again(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        (tmp_path / "losses.csv").write_bytes(b"no")  # all is in the curves
        with pytest.raises(InputError, match=r"losses.csv: .* 0 of \d+ rows"):
            load_result(tmp_path)
        found = load_result(tmp_path, incomplete=True)
        pd.testing.assert_frame_equal(found.losses, result.losses, check_exact=True)

    def test_of_an_earlier_version(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        content = json.loads((tmp_path / PROVENANCE).read_text())
        del content["sha256"]
        (tmp_path / PROVENANCE).write_text(json.dumps(content))
        with pytest.raises(InputError, match="earlier version"):
            load_result(tmp_path)


class TestCurves:
    def test_dimensions_and_padding(self, result):
        curves = result.curves
        assert curves["Voltage [V]"].dims == ("case", "cycle", "sample")
        assert list(curves["case"].values) == [case.name for case in result.cases]
        assert list(curves["cycle"].values) == [1, 2]
        V = curves["Voltage [V]"]
        t = curves["Time [s]"]
        assert (V.isnull() == t.isnull()).all()
        for k in range(len(result.cases)):
            for cycle in range(2):
                there = np.isfinite(t.values[k, cycle])
                n = there.sum()
                assert n > 10 and there[:n].all()  # padding is at the end only
                assert (np.diff(t.values[k, cycle, :n]) >= 0).all()

    def test_voltage_is_the_sum_of_its_parts(self, result):
        c = result.curves
        total = (
            c["Open-circuit potential at the surface [V]"]
            + c["Cathode overpotential [V]"]
            - c["Lithium overpotential [V]"]
            - c["Electrolyte voltage drop [V]"]
            - c["Electron path voltage drop [V]"]
            - c["Film voltage drop [V]"]
            - c["Contact voltage drop [V]"]
        )
        assert float(abs(total - c["Voltage [V]"]).max()) < 1e-12

    def test_opens_with_plain_xarray(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        with xr.open_dataset(tmp_path / CURVES) as opened:
            xr.testing.assert_identical(opened.load(), result.curves)

    def test_film_profiles(self, result):
        x = result.curves["Stoichiometry"]
        assert x.dims == ("case", "cycle", "step", "snapshot", "depth")
        inside = x.values[np.isfinite(x.values)]
        assert inside.size and inside.min() > 0.35 and inside.max() < 1.0


class TestFiles:
    def test_round_trip(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        written = sorted(p.name for p in tmp_path.iterdir())
        assert written == sorted([*FILES, "losses.csv"])
        same(load_result(tmp_path), result)
        assert load_result(tmp_path).measured == result.measured

    def test_of_one_that_was_simulated(self, cell, tmp_path):
        simulated = simulate(cell, BOTH, cycles=2, numerics=COARSE)
        simulated.save(tmp_path / "a" / "b", figures=False)
        same(load_result(tmp_path / "a" / "b"), simulated)

    def test_of_steps_that_never_ran(self, cell, tmp_path):
        steps = ["Discharge at 1 W/cm2 until 3 V", "Rest for 1 s"]
        simulated = simulate(cell, steps, numerics=COARSE)
        simulated.save(tmp_path, figures=False)
        same(load_result(tmp_path), simulated)

    def test_saved_again_after_reading_is_the_same(self, result, tmp_path):
        result.save(tmp_path / "a", figures=False)
        load_result(tmp_path / "a").save(tmp_path / "b", figures=False)
        for name in (SUMMARY, STEPS, CURVES, "losses.csv"):
            assert (tmp_path / "a" / name).read_bytes() == (
                tmp_path / "b" / name
            ).read_bytes()

    def test_summary_is_plain_csv(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        content = (tmp_path / SUMMARY).read_bytes()
        assert b"\r" not in content
        table = pd.read_csv(io.BytesIO(content))
        assert list(table) == list(result.summary)
        assert len(table) == 10

    def test_comparison_with_measured(self, result, tmp_path):
        (row,) = result.comparison.to_dict("records")
        simulated = result.summary["Discharge capacity [uA.h.cm-2]"][0]
        assert row["Simulated"] == simulated
        assert row["Residual [%]"] == pytest.approx(100 * (simulated / 30 - 1))

    def test_provenance_says_what_was_run(self, result, tmp_path):
        result.save(tmp_path, figures=False)
        found = json.loads((tmp_path / PROVENANCE).read_text())
        assert found["tfbsim"] == tfbsim.__version__
        assert found["numerics"]["points"] == 20
        assert found["experiment_file"] == "experiment.yaml"
        assert len(found["experiment_sha256"]) == 64
        assert found["experiment_content"]["cycles"] == 2
        assert found["cells"]["cell.yaml"]["content"]["area"] == "1 cm2"
        assert found["packages"]["pybamm"]
        assert found["audit"]["steps"] == 5 * (1 + 2 * 2)
        assert 0 <= found["audit"]["lithium balance error"] < 1e-8

    @pytest.mark.parametrize("name", FILES)
    def test_a_missing_file_is_named(self, result, tmp_path, name):
        result.save(tmp_path, figures=False)
        (tmp_path / name).unlink()
        with pytest.raises(InputError, match=name):
            load_result(tmp_path)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("content", [b"", b"\x00\xff\x00", b"{}", b"a,b\n1,2\n"])
    def test_a_damaged_file_is_an_input_error(self, result, tmp_path, name, content):
        result.save(tmp_path, figures=False)
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as caught:
            load_result(tmp_path)
        assert len(str(caught.value).splitlines()) == 1

    def test_names_that_look_like_nothing_come_back(self, cell, tmp_path):
        """A case may be called NA."""
        case = simulate(cell, ["Rest for 1 s"], numerics=COARSE).cases[0]
        names = ["NA", "nan", "null", "1.0", "a,b", 'say "hi"']
        cases = [
            replace(
                case,
                name=name,
                rows=[{**row, "Case": name} for row in case.rows],
                steps=[{**row, "Case": name} for row in case.steps],
            )
            for name in names
        ]
        Result(cases).save(tmp_path, figures=False)
        found = load_result(tmp_path)
        assert list(found.summary["Case"]) == names
        assert found.as_asked


class TestRepeating:
    def test_the_same_bytes_whatever_the_workers(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr(Result, "save", without_figures(Result.save))
        for name, workers in (("first", 1), ("second", 1), ("pool", 2)):
            run_experiment(
                folder / "experiment.yaml",
                numerics=COARSE,
                workers=workers,
                folder=tmp_path / name,
            )
        for file in (*FILES, "losses.csv"):
            first = (tmp_path / "first" / file).read_bytes()
            assert (tmp_path / "second" / file).read_bytes() == first
            assert (tmp_path / "pool" / file).read_bytes() == first

    @pytest.mark.parametrize("error_bar", [False, True])
    def test_progress_counts_every_cycle(self, counted, error_bar):
        told = []
        run_experiment(
            INPUTS / "experiment.yaml",
            numerics=replace(COARSE, error_bar=error_bar),
            progress=lambda *numbers: told.append(numbers),
        )
        cycles, failed = np.sum(told, axis=0)
        assert (cycles, failed) == (5 * 3 * (1 + error_bar), 0)  # one of conditioning

    def test_an_error_bar_adds_no_steps(self, folder, result, counted):
        barred = run_experiment(
            INPUTS / "experiment.yaml", numerics=replace(COARSE, error_bar=True)
        )
        assert barred.steps["Cycle number"].tolist() == [0, 1, 1, 2, 2] * 5
        pd.testing.assert_frame_equal(barred.steps, result.steps)


class TestResuming:
    def run(self, folder, resume=True, **options):
        return run_experiment(
            folder / "experiment.yaml",
            numerics=options.pop("numerics", COARSE),
            folder=folder / "out",
            resume=resume,
            **options,
        )

    def edit(self, folder, file, old, new):
        path = folder / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def keep(self, folder, result, kept):
        """As a run that was killed when these cases were finished."""
        ledger = folder / "out" / LEDGER
        discard(ledger)
        with Ledger(ledger) as opened:
            opened.add([Point.of(result.cases[k]) for k in kept])

    def test_nothing_is_computed_twice(self, folder, counted):
        told = []
        self.run(folder)
        whole = (folder / "out" / SUMMARY).read_bytes()
        assert len(counted) == 3
        self.run(folder, progress=lambda *numbers: told.append(numbers))
        assert len(counted) == 3 and told == [(6, 0)]
        assert (folder / "out" / SUMMARY).read_bytes() == whole

    def test_what_is_missing_is_computed_and_the_bytes_are_the_same(
        self, folder, counted
    ):
        complete = self.run(folder)
        whole = {name: (folder / "out" / name).read_bytes() for name in FILES}
        for kept in ([1], [0, 2]):
            self.keep(folder, complete, kept)
            counted.clear()
            self.run(folder)
            missing = [c.name for k, c in enumerate(complete.cases) if k not in kept]
            assert counted == missing
            for name in (SUMMARY, STEPS, CURVES):
                assert (folder / "out" / name).read_bytes() == whole[name]

    def test_of_cases_that_vary_different_fields(self, folder, counted):
        """Columns come in the order of the cases, whichever were finished."""
        (folder / "experiment.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\n"
            "steps: [Discharge at 1C for 1 minute]\n"
            "cases:\n"
            "  - {area: 2 cm2}\n"
            "  - {electrolyte.thickness: 2 um}\n"
            "  - {anode.lithium: 3 um}\n"
        )
        complete = self.run(folder)
        whole = (folder / "out" / SUMMARY).read_bytes()
        for kept in ([0, 2], [2], [1, 2]):
            self.keep(folder, complete, kept)
            self.run(folder)
            assert (folder / "out" / SUMMARY).read_bytes() == whole

    def test_of_steps_that_never_ran(self, folder, counted):
        (folder / "experiment.yaml").write_text(
            "format: 1\nkind: experiment\ncell: cell.yaml\ncycles: 2\n"
            "steps: ['Discharge at {power} until 3 V', Rest for 1 s]\n"
            "cases: [{power: 1 W/cm2}, {power: 10 uW/cm2}]\n"
        )
        self.run(folder)
        whole = {name: (folder / "out" / name).read_bytes() for name in FILES}
        self.run(folder)
        assert len(counted) == 2
        for name in (SUMMARY, STEPS, CURVES):
            assert (folder / "out" / name).read_bytes() == whole[name]

    def test_a_changed_cell_is_computed_again(self, folder, counted):
        self.run(folder)
        self.edit(folder, "cell.yaml", "area: 1 cm2", "area: 2 cm2")
        self.run(folder)
        assert len(counted) == 6
        self.edit(folder, "ocv.csv", "0.7,3.9", "0.7,3.95")
        again = self.run(folder)
        assert len(counted) == 9
        assert again.cases[0].curves["Voltage [V]"][0, 0] > 3.9

    def test_one_changed_case_is_computed_again(self, folder, counted):
        self.run(folder)
        self.edit(folder, "experiment.yaml", "lower: 3.5 V}\n", "lower: 3.55 V}\n")
        text = (folder / "experiment.yaml").read_text()
        (folder / "experiment.yaml").write_text(text[: text.index("measured:")])
        counted.clear()
        self.run(folder)
        assert len(counted) == 1

    def test_other_tolerances_are_computed_again(self, folder, counted):
        self.run(folder)
        self.run(folder, numerics=Numerics(points=21))
        assert len(counted) == 6

    @pytest.mark.parametrize("name", FILES)
    def test_damaged_and_missing_files_are_written_again(self, folder, counted, name):
        self.run(folder)
        whole = (folder / "out" / name).read_bytes()
        (folder / "out" / name).write_bytes(b"no")
        self.run(folder)
        assert (folder / "out" / name).read_bytes() == whole
        (folder / "out" / name).unlink()
        self.run(folder)
        assert (folder / "out" / name).read_bytes() == whole
        assert len(counted) == 3

    def test_a_new_name_of_the_cell_is_taken_over(self, folder, counted):
        self.run(folder)
        self.edit(folder, "cell.yaml", "name: A cell", "name: Another")
        again = self.run(folder)
        assert len(counted) == 3
        assert {case.cell for case in again.cases} == {"Another"}

    def test_without_resume_everything_is(self, folder, counted):
        self.run(folder, resume=False)
        self.run(folder, resume=False)
        assert len(counted) == 6

    @pytest.mark.parametrize("resume", [False, True])
    def test_nothing_of_an_earlier_run_stays(self, folder, counted, monkeypatch, resume):
        """Were the run killed at once."""
        self.run(folder)
        drawn = Output(folder / "out", "report")
        for name in ["report.html", "dqdv.png", "capacity-cathode-thickness.png"]:
            drawn.write(name, b"old")
        drawn.add()
        hidden = f".{'0' * 16}.tmp"
        mine = {"mine.png", "capacity-mine.png", "mine.tmp"}
        for name in (hidden, *mine):
            (folder / "out" / name).write_bytes(b"old")

        def dies(*args):
            raise RuntimeError

        monkeypatch.setattr(module, "_points", dies)
        with pytest.raises(RuntimeError):
            self.run(folder, resume=resume)
        left = {path.name for path in (folder / "out").iterdir()}
        kept = {*FILES, "losses.csv", hidden} if resume else {PROVENANCE}
        assert left == {*kept, LEDGER, *mine}
        with Ledger(folder / "out" / LEDGER) as ledger:
            assert len(ledger.finished()) == (3 if resume else 0)

    @pytest.mark.parametrize("after", [0, 2])
    def test_interrupted_keeps_what_was_finished(
        self, folder, counted, before_a_case, after
    ):
        whole = run_experiment(folder / "experiment.yaml", numerics=COARSE)

        def interrupted(name):
            if len(counted) == 3 + after:
                raise KeyboardInterrupt
            counted.append(name)

        before_a_case(interrupted)
        with pytest.raises(KeyboardInterrupt):
            self.run(folder)
        if after:
            kept = load_result(folder / "out", incomplete=True).cases
            assert [c.name for c in kept] == [c.name for c in whole.cases[:after]]
        else:
            assert not (folder / "out" / SUMMARY).exists()
        before_a_case(counted.append)
        same(self.run(folder), whole)
        assert len(counted) == 6

    def test_interrupted_while_it_writes(self, folder, counted, monkeypatch):
        saved = []

        def interrupted(self, folder, figures=True, format="png"):
            saved.append((len(self.cases), figures))
            if figures:
                raise KeyboardInterrupt

        monkeypatch.setattr(Result, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            self.run(folder)
        assert saved == [(3, True), (3, False)]


def test_curves_as_csv_have_every_column_of_the_samples(result, tmp_path):
    (path,) = result.export(tmp_path / "curves.csv")
    table = pd.read_csv(path)
    assert list(table.columns) == list(result.samples.columns)
    assert np.array_equal(table["Voltage [V]"], result.samples["Voltage [V]"])


def test_curves_in_the_battery_data_format_are_read_as_what_they_are(
    cell, result, tmp_path
):
    case = result.cases[0].name
    (path,) = result.export(tmp_path / "curves.bdf.csv", case)
    table = pd.read_csv(path)
    assert list(table.columns[:3]) == ["Test Time / s", "Voltage / V", "Current / A"]
    assert table["Test Time / s"].is_monotonic_increasing
    steps = result.steps[result.steps["Case"] == case]
    steps = steps[steps["Cycle number"] > 0]
    back = tfbsim.read_measured(path, cell=cell)
    for kind in ("Charge", "Discharge"):
        moved = [100 * s.capacity[-1] for s in back.segments if s.kind == kind.lower()]
        total = steps[f"{kind} [uA.h.cm-2]"].sum()
        assert sum(moved) == pytest.approx(total, rel=1e-6)
        counted = table[f"{kind.removesuffix('e')}ing Capacity / Ah"].iloc[-1]
        assert counted * 1e6 / (float(cell.area) * 1e4) == pytest.approx(total)
    paths = result.export(tmp_path / "curves.bdf.csv")
    assert len(paths) == len({p.name for p in paths}) == len(result.cases)


def test_curves_as_a_workbook_keep_formulas_as_text(cell, tmp_path):
    case = simulate(cell, BOTH, numerics=COARSE).cases[0]
    rows = [{**row, "Case": "=1+1"} for row in case.rows]
    steps = [{**row, "Case": "=1+1"} for row in case.steps]
    named = Result([CaseResult("=1+1", rows, steps, case.curves)])
    (path,) = named.export(tmp_path / "curves.xlsx")
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == ["Summary", "Steps", "Curves"]
    assert sheets["Summary"]["Case"][0] == "'=1+1"
    assert len(sheets["Curves"]) == len(named.samples)


@pytest.mark.parametrize(
    ("name", "case", "words"),
    [
        ("curves.txt", None, "must end in .csv, .xlsx or .bdf.csv"),
        ("curves.csv", "no such", "no case with curves is called 'no such'"),
        ("curves.csv", 3, "no case with curves is called '3'"),
    ],
)
def test_an_export_that_cannot_be_says_why(result, tmp_path, name, case, words):
    with pytest.raises(InputError, match=words):
        result.export(tmp_path / name, case)


def test_every_column_of_the_tables_is_defined_and_documented(result):
    docs = Path(__file__).parents[1] / "docs" / "columns.md"
    assert columns.markdown() in docs.read_text(encoding="utf-8")
    for file, table in {
        "summary.csv": result.summary,
        "steps.csv": result.steps,
        "losses.csv": result.losses,
    }.items():
        defined = [column.name for column in columns.TABLES[file]]
        found = [c for c in table if c != "cathode.thickness [um]"]  # it is varied
        assert [c for c in defined if c in table] == found


def test_every_column_of_the_curves_is_defined(result):
    aged = {
        "contact_resistance": "10 ohm cm2",
        "electrolyte.electronic_conductivity": "1e-15 S/cm",
        "electrolyte.relative_permittivity": "20",
        "cathode.double_layer_capacitance": "1 uF/cm2",
        "anode.double_layer_capacitance": "1 uF/cm2",
    }
    plated = tfbsim.load_cell("lco-lipon-steel-ensurge2023").replace(aged)
    other = tfbsim.simulate(plated, ["Charge at 1C until 4.1 V"])
    defined = {column.name: column for column in columns.CURVE_COLUMNS}
    for found in (result.samples, other.samples):
        assert set(found) <= defined.keys()
        assert {n for n, c in defined.items() if not c.optional} <= set(found)

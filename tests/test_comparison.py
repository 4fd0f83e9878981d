"""Measured beside simulated: which step goes with which, and the numbers between them."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim import cli
from tfbsim.cli import console
from tfbsim.comparison.comparison import Comparison
from tfbsim.comparison.residuals import COLUMNS, Pair
from tfbsim.data.measured import Measured, Segment
from tfbsim.errors import InputError
from tfbsim.plot.comparison import figures
from tfbsim.plot.dqdv import spread

EXAMPLES = Path(__file__).parents[1] / "examples" / "measured"
RAIJMAKERS, DANILOV = "raijmakers2020-rate-capability", "danilov2011-rate-capability"
CELL = "lco-lipon-li-raijmakers2020"
FAST = tfbsim.Numerics(points=50, rtol=1e-5, atol=1e-7)
RMS, MEAN = "Voltage error, rms [mV]", "Mean voltage error [mV]"
LARGEST, CAPACITY = "Largest voltage error [mV]", "Capacity error [%]"


def segment(V, q, kind="discharge", i=1.0, time=None, cycle=1):
    V, q = np.asarray(V, dtype=float), np.asarray(q, dtype=float)
    current = np.full(len(V), i if kind == "discharge" else -i)
    return Segment(kind, cycle, V, current, q, time, name=f"cycle {cycle}, {kind}")


def pair(measured, simulated, at_cut_off=True):
    return Pair("a.csv", measured, simulated, "1C", 1.0, at_cut_off, "reached")


class TestNumbers:
    def test_a_constant_offset(self):
        q = np.linspace(0, 1, 50) ** 2
        table = Comparison(
            [], [pair(segment(4 - q, q), segment(4.01 - q, q), at_cut_off=False)]
        ).table
        assert list(table.columns) == list(COLUMNS)
        (row,) = table.to_dict("records")
        for name in (RMS, MEAN, LARGEST, "First minute, rms [mV]"):
            assert row[name] == pytest.approx(10)
        assert row[CAPACITY] == 0 and row["Compared [%]"] == 100
        assert row["Measured capacity [uA.h.cm-2]"] == pytest.approx(100)

    def test_errors_do_not_depend_on_the_sampling(self):
        def table(q):
            simulated = segment(4 - np.linspace(0, 1, 500), np.linspace(0, 1, 500))
            return Comparison([], [pair(segment(4 - 1.1 * q, q), simulated)]).table

        even, crowded = np.linspace(0, 1, 200), np.linspace(0, 1, 200) ** 0.2
        for name in (RMS, MEAN):
            assert table(even)[name][0] == pytest.approx(table(crowded)[name][0], 2e-2)
        assert table(even)[MEAN][0] == pytest.approx(50, rel=1e-3)
        assert table(even)[RMS][0] == pytest.approx(100 / np.sqrt(3), rel=1e-3)

    def test_capacity_where_the_measured_curve_ends(self):
        q = np.linspace(0, 1, 101)
        measured = segment(4 - q[:91], q[:91])  # drawn down to 3.1 V alone
        simulated = segment(4 - q / 1.2, 1.0 * q)  # to 3.17 V
        row = Comparison([], [pair(measured, segment(4 - q, 1.1 * q))]).table.iloc[0]
        assert row[CAPACITY] == pytest.approx(10)
        row = Comparison([], [pair(measured, simulated)]).table.iloc[0]
        assert row["Simulated capacity [uA.h.cm-2]"] == pytest.approx(100)

    def test_a_shorter_simulated_curve_is_compared_as_far_as_it_goes(self):
        q = np.linspace(0, 1, 101)
        row = Comparison(
            [], [pair(segment(4 - q, q), segment(4 - q[:81], q[:81]))]
        ).table.iloc[0]
        assert row["Compared [%]"] == pytest.approx(80)
        assert row[RMS] == pytest.approx(0, abs=1e-9)

    def test_hysteresis_is_mean_charge_less_mean_discharge(self):
        q = np.linspace(0, 1, 11)
        pairs = [
            pair(segment(3.6 + q, q, "charge"), segment(3.55 + q, q, "charge")),
            pair(segment(4.4 - q, q), segment(4.45 - q, q)),
        ]
        row = Comparison([], pairs).table.iloc[1]
        assert row["Measured hysteresis [mV]"] == pytest.approx(200)
        assert row["Simulated hysteresis [mV]"] == pytest.approx(100)

    def test_a_rest_is_compared_in_time(self):
        t = np.linspace(0, 100, 11)
        zero = np.zeros(11)
        measured = Segment("rest", 1, 3.9 + t / 1e3, zero, zero, t)
        simulated = Segment("rest", 1, 3.9 + t / 1e3 + 0.002, zero, zero, t)
        row = Comparison([], [pair(measured, simulated)]).table.iloc[0]
        assert row[RMS] == pytest.approx(2) and np.isnan(row[CAPACITY])

    def test_dqdv_keeps_the_charge_and_the_peak(self):
        V = np.linspace(4.2, 3.4, 4000)
        q = 1 / (1 + np.exp((V - 3.9) / 0.02))
        noisy = V + np.random.default_rng(0).normal(0, 1e-3, len(V))
        grid = np.arange(3.3, 4.3, 0.001)
        for voltage in (V, noisy):
            slope = spread(voltage, q, grid)
            assert slope.sum() * 0.001 == pytest.approx(q[-1] - q[0], rel=1e-3)
            assert grid[np.argmax(slope)] == pytest.approx(3.9, abs=0.003)
            # 1/(4 w) = 12.5, less 1.6 % for the stated Gaussian of 5 mV: 1 - (s/2w)^2
            assert slope.max() == pytest.approx(12.5 * (1 - 0.0156), rel=0.02)


@pytest.fixture(scope="module")
def cycler():
    """The synthetic record with the cell it was made from, driven by its own current."""
    changes = {"cathode.diffusivity_scale": "1.3", "contact_resistance": "25 ohm.cm2"}
    return tfbsim.compare(CELL, EXAMPLES / "synthetic-cycler.csv", changes=changes)


class TestKnownAnswer:
    def test_the_true_cell_leaves_the_noise(self, cycler):
        table = cycler.table
        steady = table[table["Step"].str.contains("charge|rest") & (table[RMS] < 1)]
        charges = table[table["Step"].str.endswith(" charge")]
        assert len(charges) == 3 and charges[RMS].between(0.4, 0.6).all()  # 0.5 mV
        assert len(steady) >= 8
        flat = cycler.overlay
        flat = flat[flat["Step"].str.contains("discharge")]
        flat = flat[flat["Measured voltage [V]"] > 3.85]
        assert flat["Residual [mV]"].std() == pytest.approx(0.5, abs=0.1)
        assert cycler.as_asked and not cycler.unmatched

    def test_the_capacity_of_a_hold(self, cycler):
        holds = cycler.table[cycler.table["Step"].str.endswith("hold")]
        assert (holds[CAPACITY].abs() < 0.3).all() and holds[RMS].isna().all()

    def test_another_cell_is_seen(self):
        path = EXAMPLES / "synthetic-cycler.csv"
        found = tfbsim.compare(CELL, path, numerics=FAST)
        discharges = found.table[found.table["Step"].str.contains("discharge")]
        assert (discharges[CAPACITY] < -2).all()  # D is 1.3 times as large there

    def test_figures(self, cycler):
        assert list(figures(cycler)) == ["overlay", "overlay-time", "dqdv"]


class TestByTheExperiment:
    def test_a_rate_series_finds_its_cases(self):
        found = tfbsim.compare(RAIJMAKERS, EXAMPLES / "raijmakers2020.csv")
        table = found.table
        assert list(table["Case"]) == ["0.1C", "0.5C", "2C", "6C"]
        # What `tfbsim run` compares at 3.0 V is compared at the end drawn, up to 3.15 V
        result = tfbsim.run_experiment(RAIJMAKERS)
        residuals = result.comparison["Residual [%]"].to_numpy()
        assert np.allclose(table[CAPACITY], residuals, atol=0.15)
        assert table[RMS].isna().all() and found.as_asked
        assert list(figures(found)) == ["overlay", "rates"]

    def test_two_curves_against_an_independent_reading(self):
        found = tfbsim.compare(DANILOV, EXAMPLES / "danilov2011.csv")
        assert list(found.table["Case"]) == ["1.6C", "6.4C"]
        # The table of docs/measured-data.md
        assert list(found.table[RMS].round(1)) == [1.8, 10.3]
        assert list(found.table[LARGEST].round()) == [7, 52]
        assert list(found.table[MEAN].round(1)) == [1.0, 4.0]
        assert list(found.table["First minute, rms [mV]"].round(1)) == [0.2, 3.3]
        assert list(found.table[CAPACITY].round(1)) == [0.7, 2.7]
        curves = tfbsim.run_experiment(DANILOV).curves.isel(cycle=0)
        for case, p in zip(("1.6C", "6.4C"), found.pairs, strict=True):
            one = curves.sel(case=case)
            known = np.isfinite(one["Voltage [V]"].values)
            V = np.interp(
                p.measured.capacity * 100,
                one["Step capacity [uA.h.cm-2]"].values[known],
                one["Voltage [V]"].values[known],
            )
            assert np.allclose(p.residual, V - p.measured.voltage, atol=5e-5)

    def test_a_cycle_goes_to_its_case_hold_and_rests_included(self):
        experiment = EXAMPLES / "cccv-cycles.yaml"
        path = EXAMPLES / "synthetic-cycler.csv"
        found = tfbsim.compare(experiment, path, numerics=FAST)
        table = found.table
        assert list(table["Case"]) == [c for c in ("0.2C", "1C", "4C") for _ in range(5)]
        assert not found.unmatched
        assert table["Measured hysteresis [mV]"].notna().sum() == 3

    def test_what_has_no_counterpart_is_told(self):
        path = EXAMPLES / "synthetic-cycler.csv"
        found = tfbsim.compare(RAIJMAKERS, path, numerics=FAST)
        (why,) = {why for _, _, why in found.unmatched}
        assert "208.3 uA/cm2; the experiment's cycles have no charge" in why
        assert len(found.pairs) == 3 and found.as_asked

    def test_windows_are_told_apart_by_their_cut_offs(self):
        simulated = tfbsim.simulate(
            "nmc811-lipon-li", ["Charge at 1C until 4.7 V", "Discharge at 1C until 2.0 V"]
        )
        one = simulated.curves.isel(case=0, cycle=0)
        steps = []
        for number, kind in ((1, "charge"), (2, "discharge")):
            here = one["Step number"].values == number
            i = one["Current density [uA.cm-2]"].values[here] / 100
            q = one["Step capacity [uA.h.cm-2]"].values[here] / 100
            steps.append(Segment(kind, 1, one["Voltage [V]"].values[here], i, q))
        measured = Measured("simulated", Path("none"), tuple(steps))
        experiment = {
            "steps": ["Charge at 1C until {upper}", "Discharge at 1C until {lower}"],
            "cases": [
                {"upper": "4.3 V", "lower": "2.0 V"},
                {"upper": "4.7 V", "lower": "3.0 V"},
                {"upper": "4.7 V", "lower": "2.0 V"},
            ],
        }
        found = tfbsim.compare(_experiment(experiment, "nmc811-lipon-li"), measured)
        assert set(found.table["Case"]) == {"4.7 V, 2.0 V"}
        assert (found.table[RMS] < 0.1).all()

    def test_a_result_is_compared_as_what_was_measured(self):
        steps = [
            *("Charge at 1C until 4.2 V", "Hold at 4.2 V until C/5"),
            *("Rest for 10 minutes", "Discharge at 1C until 3.0 V"),
        ]
        result = tfbsim.simulate(CELL, steps, cycles=2, numerics=FAST)
        (record,) = result.records
        kinds = ["charge", "hold", "rest", "discharge"]
        assert [(s.kind, s.cycle) for s in record.segments] == [
            (kind, cycle) for cycle in (1, 2) for kind in kinds
        ]
        starts = [s.start for s in record.segments]
        ends = [s.end for s in record.segments]
        assert starts[0] == 0 and starts[1:] == pytest.approx(ends[:-1], abs=1e-6)
        content = {"steps": steps, "cycles": 2}
        for data in (result, [result], result.records):
            found = tfbsim.compare(_experiment(content, CELL), data, numerics=FAST)
            assert len(found.pairs) == 8 and not found.unmatched
            assert found.table[RMS].max() < 0.01
            assert found.table[CAPACITY].abs().max() < 1e-6

    @pytest.mark.parametrize("ending", [".csv", ".bdf.csv"])
    def test_an_exported_result_reads_back_as_the_same_samples(self, ending, tmp_path):
        steps = [
            *("Charge at 1C until 4.2 V", "Hold at 4.2 V until C/5"),
            *("Rest for 10 minutes", "Discharge at 1C until 3.0 V"),
        ]
        result = tfbsim.simulate(CELL, steps, cycles=2, numerics=FAST)
        (path,) = result.export(tmp_path / f"x{ending}")
        cell = tfbsim.load_cell(CELL)
        own = result.samples.copy()
        own["Time [s]"] -= own["Time [s]"].iloc[0]
        for measured in (tfbsim.read_measured(path, cell), *result.records):
            table = measured.samples
            assert set(table["Case"]) == {measured.name}
            assert len(table.columns) == 10 and len(table) == len(own)
            for column in table.columns.drop("Case"):
                values, scale = own[column].to_numpy(), own[column].abs().max()
                assert table[column].to_numpy() == pytest.approx(
                    values, rel=1e-9, abs=1e-9 * scale
                ), column

    def test_repeated_cycles_go_to_cycles_in_order(self):
        q = np.linspace(0, 1.0, 20)
        one_c = tfbsim.load_cell(CELL).one_c_current_density
        steps = [
            segment(4.1 - q / 5, 2.4 * q, i=one_c, cycle=k) for k in (1, 2, 3)
        ]  # fmt: skip
        content = {
            "steps": ["Charge at 1C until 4.2 V", "Discharge at 1C until 3.0 V"],
            "cycles": 2,
        }
        measured = Measured("m", Path("none"), tuple(steps))
        found = tfbsim.compare(_experiment(content, CELL), measured, numerics=FAST)
        first, second, third = (p.simulated.capacity[-1] for p in found.pairs)
        assert first != second and second == third

    def test_a_current_that_no_step_has(self):
        q = np.linspace(0, 1, 20)
        measured = Measured("m", Path("none"), (segment(4 - q, q, i=77.0),))
        found = tfbsim.compare(DANILOV, measured)
        assert (
            "its current is 7700 uA/cm2; the experiment has discharges at 16, 32"
            in (found.unmatched[0][2])
        )
        assert not found.pairs and not found.as_asked
        assert found.table.empty and list(found.table.columns) == list(COLUMNS)

    def test_cases_that_fit_alike_are_told(self):
        content = {
            "steps": ["Discharge at 1C until 3.0 V"],
            "cases": [{"cathode.thickness": f"{k} nm"} for k in (320, 640)],
        }  # 1C goes with the thickness: as a current it is another
        q = np.linspace(0, 0.09, 20)
        measured = Measured("m", Path("none"), (segment(4 - q, q, i=np.nan),))
        found = tfbsim.compare(
            _experiment(content, "lco-lipon-li-danilov2011"), measured, numerics=FAST
        )
        assert "m: 2 cases fit a cycle alike, and the first, '320 nm'" in found.notes[0]

    def test_another_temperature_is_told(self):
        q = np.linspace(0, 0.05, 20)
        warm = replace(segment(4 - q, q, i=0.16), temperature=323.15)
        measured = Measured("m", Path("none"), (warm,))
        (note,) = tfbsim.compare(DANILOV, measured, numerics=FAST).notes
        assert note == "m: measured at 50.0 degC, simulated at 25.0 degC."


def _experiment(content, cell):
    from tfbsim.yaml_file import Document

    head = {"format": 1, "kind": "experiment", "cell": cell}
    return Document(Path("x.yaml"), head | content, {(): 1})


def test_an_experiments_numerics_hold():
    content = {"steps": ["Discharge at 1C until 3.0 V"], "numerics": {"points": 40}}
    i = tfbsim.load_cell(CELL).one_c_current_density
    q = np.linspace(0, 1, 20)
    measured = Measured("m", Path("none"), (segment(4 - q, q, i=i),))
    found = tfbsim.compare(_experiment(content, CELL), measured)
    assert found.provenance["numerics"]["points"] == 40
    found = tfbsim.compare(_experiment(content, CELL), measured, numerics=FAST)
    assert found.provenance["numerics"]["points"] == 50


class TestOwnCurrent:
    def test_curves_of_a_table_each_start_afresh(self):
        found = tfbsim.compare(DANILOV, EXAMPLES / "danilov2011.csv", own_current=True)
        plain = tfbsim.compare(DANILOV, EXAMPLES / "danilov2011.csv")
        # 15.91 for 16 uA/cm2 is 0.1 mV
        assert np.allclose(found.table[RMS], plain.table[RMS], atol=0.3)
        assert (found.table[CAPACITY] == 0).all()

    def test_a_varying_current_is_driven_by_pieces(self):
        cell = tfbsim.load_cell(CELL)
        t = np.linspace(0, 3000, 61)
        i = cell.one_c_current_density * (0.6 + 0.4 * np.sin(t / 300))
        q = np.concatenate([[0], np.cumsum((i[1:] + i[:-1]) / 2 * np.diff(t)) / 3600])
        measured = Segment("discharge", 1, 4.0 - 0.1 * t / 3000, i, q, t)
        changes = {"cathode.initial_voltage": "4.19 V"}
        found = tfbsim.compare(
            *(CELL, Measured("m", Path("n"), (measured,)), None, changes), numerics=FAST
        )
        (only,) = found.pairs
        assert only.simulated.capacity[-1] == pytest.approx(q[-1], rel=1e-9)
        assert "the current varies" in found.notes[-2]
        assert "begins at 4.000 V, the simulated cell at 4.1" in found.notes[-1]

    def test_a_current_that_is_not_stated(self):
        q = np.linspace(0, 1, 20)
        unknown = replace(segment(4 - q, q), current=np.full(20, np.nan))
        found = tfbsim.compare(CELL, Measured("m", Path("none"), (unknown,)))
        assert "cannot drive the cell" in found.unmatched[0][2]


@pytest.fixture
def tfb(tmp_path, monkeypatch, capsys):
    """Run a command in this process: exit code, output, errors."""
    for name in ("danilov2011.csv", "danilov2011.yaml"):
        shutil.copy(EXAMPLES / name, tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["tfbsim", *args])
        code = 0
        try:
            cli.main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out, captured.err

    monkeypatch.setattr(console.out, "_file", None)
    monkeypatch.setattr(console.err, "_file", None)
    return run


class TestCommand:
    def test_options_stand_above_the_experiments_numerics(self, tfb, tmp_path):
        text = "format: 1\nkind: experiment\nsteps: [Discharge at 16 uA/cm2 until 3 V]\n"
        text += f"cell: {CELL}\nnumerics: {{points: 40, rtol: 1e-5}}\n"
        (tmp_path / "coarse.yaml").write_text(text)
        for options, points in ((), 40), (("--points", "30"), 30):
            out = tmp_path / str(points)
            arguments = ("coarse.yaml", "danilov2011.csv", "--out", str(out), *options)
            assert tfb("compare", *arguments)[0] == 0
            numerics = json.loads((out / "provenance.json").read_text())["numerics"]
            assert (numerics["points"], numerics["rtol"]) == (points, 1e-5)

    def test_it_leaves_what_run_leaves(self, tfb, tmp_path):
        code, out, err = tfb("compare", DANILOV, "danilov2011.csv")
        assert (code, err) == (0, "")
        assert "Read with danilov2011.yaml." in out and "curve 2, discharge" in out
        folder = tmp_path / "results" / f"compare-{DANILOV}"
        names = {path.name for path in folder.iterdir()}
        assert names == {
            *("comparison.csv", "overlay.csv", "provenance.json", "report.html"),
            *("overlay.png", "rates.png"),
        }
        table = pd.read_csv(folder / "comparison.csv")
        assert list(table.columns) == list(COLUMNS) and len(table) == 2
        overlay = pd.read_csv(folder / "overlay.csv")
        assert len(overlay) == 12 and overlay["Residual [mV]"].abs().max() > 40
        about = json.loads((folder / "provenance.json").read_text())
        assert about["data"][0]["file"] == "danilov2011.csv"
        assert len(about["data"][0]["sha256"]) == 64
        assert 0 < max(about["audit"].values()) < 1e-8
        page = (folder / "report.html").read_text()
        assert "2 steps of 1 file compared" in page and "http" not in page
        code, _, err = tfb("compare", DANILOV, "danilov2011.csv")
        assert code == 2 and "holds results already" in err
        assert tfb("compare", DANILOV, "danilov2011.csv", "--overwrite")[0] == 0

    def test_bad_data_never_loses_the_good(self, tfb, tmp_path):
        Path("bad.csv").write_text("hello")
        Path("<b>.csv").write_bytes(b"\x00\x01")
        files = ("bad.csv", "danilov2011.csv", "no.csv", "<b>.csv")
        code, out, err = tfb("compare", DANILOV, *files, "--out", "o")
        assert code == 1 and "curve 2, discharge" in out
        assert [line.split(":")[0] for line in err.splitlines()] == [
            *("bad.csv", "no.csv", "<b>.csv")
        ]
        page = Path("o/report.html").read_text()
        assert "Not read: no.csv: no such file" in page and "<b>.csv" not in page
        assert "3 files could not be read" in page

    def test_a_doubt_about_a_file_is_not_called_unread(self, tfb):
        Path("gap.csv").write_text("time_s,voltage_V,current_A\n0,4,0\n60,4,0\n120,4,0\n")
        code, _, _ = tfb("compare", DANILOV, "danilov2011.csv", "gap.csv", "--out", "o")
        page = Path("o/report.html").read_text()
        assert code == 1 and "1 doubt about what was read" in page
        assert "In doubt: gap.csv: No current flows" in page
        assert "could not be read" not in page

    def test_no_file_can_be_read(self, tfb):
        code, _, err = tfb("compare", DANILOV, "no.csv", "nor.csv", "--out", "o")
        assert code == 2 and "no.csv: no such file; nor.csv: no such file" in err
        assert not Path("o").exists()

    def test_nothing_fits(self, tfb):
        code, out, _ = tfb("compare", RAIJMAKERS, "danilov2011.csv", "--out", "o")
        assert code == 1 and "Not compared" in out
        assert "Not compared" in Path("o/report.html").read_text()

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (("no-such-experiment",), "no shipped experiment"),
            ((DANILOV, "--set", "cathode.thicknes=1 um"), "did you mean 'thickness'"),
            ((DANILOV, "--mapping", "no.yaml"), "no.yaml: no such file"),
            ((DANILOV, "--cell", "nope"), "no shipped cell"),
            ((CELL, "--cell", CELL), "leave out --cell"),
        ],
    )
    def test_bad_input(self, tfb, args, words):
        code, _, err = tfb("compare", args[0], "danilov2011.csv", *args[1:])
        assert code == 2 and words in err and len(err.splitlines()) == 1

    def test_a_mapping_is_checked(self, tfb):
        assert tfb("check", "danilov2011.yaml") == (0, "danilov2011.yaml: valid\n", "")
        Path("m.yaml").write_text("format: 1\nkind: mapping\ncolums: {}\n")
        code, _, err = tfb("check", "m.yaml")
        assert code == 2 and "m.yaml:3: colums: unknown key" in err
        assert tfb("run", "danilov2011.yaml")[0] == 2

    def test_a_spectrum_is_drawn(self, tfb):
        rows = "\n".join(f"{10**-k},{100 + k},{5 + k}" for k in range(6))
        Path("z.csv").write_text("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + rows)
        code, out, _ = tfb("compare", DANILOV, "z.csv", "danilov2011.csv", "--out", "o")
        assert code == 0 and "z.csv: 1 spectrum" in out
        assert Path("o/nyquist.png").is_file()


def test_help_does_not_import_pybamm():
    code = "import sys, tfbsim.cli; sys.argv = ['tfbsim', 'compare', '--help']\n"
    code += "try: tfbsim.cli.main()\nexcept SystemExit: pass\n"
    code += "assert 'pybamm' not in sys.modules and 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_from_python():
    assert tfbsim.compare.__module__ == "tfbsim.comparison.comparison"
    assert tfbsim.read_measured.__module__ == "tfbsim.data.read"
    with pytest.raises(InputError, match="there are no data"):
        tfbsim.compare(DANILOV, [])


def record(clock, voltage, current):
    """A cycler's record as a DataFrame."""
    names = ("Test Time / s", "Voltage / V", "Current / A")
    return pd.DataFrame(dict(zip(names, (clock, voltage, current), strict=True)))


class TestNeverATraceback:
    def test_a_cell_of_another_voltage(self, tmp_path):
        """The simulated charge ends at its first sample: compared as far as it goes."""
        t = np.arange(0, 4201, 60.0)
        charge = t <= 2100
        V = np.where(charge, 0.2 + t / 12500, 0.35 - (t - 2100) / 12500)
        data = record(t, V, np.where(charge, 1e-4, -1e-4))
        found = tfbsim.compare(CELL, data, numerics=FAST, folder=tmp_path)
        assert len(found.table) == 2 and found.table["Compared [%]"][0] == 0
        assert any("cannot follow" in note for note in found.notes)
        assert (tmp_path / "report.html").is_file() and found.measured[0].name

    def test_samples_at_one_time(self, tmp_path):
        """A step without a duration is left out with a word, the others compared."""
        t = np.r_[np.arange(0, 1201, 60.0), [1200] * 3, np.arange(1260, 2401, 60.0)]
        first, last = t[:21], t[24:]
        V = np.r_[3.9 + first / 12000, 3.99, 3.97, 3.96, 3.96 - (last - 1260) / 3000]
        i = np.r_[np.full(21, 5e-4), -4e-3, -3.1e-3, -2.2e-3, np.full(len(last), -5e-4)]
        data = record(t, V, i)
        data["Step Count / 1"] = np.repeat([1, 2, 3], [21, 3, len(last)])
        found = tfbsim.compare(CELL, data, numerics=FAST, folder=tmp_path)
        assert len(found.table) == 2
        assert [why for *_, why in found.unmatched] == [
            "its samples share one time: a step of no duration"
        ]

    def test_only_a_step_of_no_duration(self):
        data = record([0.0] * 4, [3.9, 3.8, 3.7, 3.6], [-1e-4] * 4)
        try:
            found = tfbsim.compare(CELL, data, numerics=FAST)
        except InputError as error:
            assert "DataFrame" in str(error)
        else:
            assert not len(found.table) and len(found.unmatched) == 1


def test_a_data_frame_is_read_as_its_file_is():
    path = EXAMPLES / "synthetic-cycler.csv"
    frame = pd.read_csv(path, comment="#")
    cell = tfbsim.load_cell(CELL)
    of_frame, of_file = (tfbsim.read_measured(s, cell) for s in (frame, path))
    assert len(of_frame.segments) == len(of_file.segments)
    for one, other in zip(of_frame.segments, of_file.segments, strict=True):
        assert (one.kind, one.cycle) == (other.kind, other.cycle)
        assert one.capacity == pytest.approx(other.capacity)
        assert one.voltage == pytest.approx(other.voltage)
    with pytest.raises(InputError, match="DataFrame"):
        tfbsim.read_measured(frame.iloc[:0])


def test_measured_points_are_black_and_told_apart_by_shape():
    columns = ["Capacity (uAh/cm2)", "Voltage (V)", "C-rate"]
    V = {2: 4.05, 4: 3.97, 6: 3.93, 8: 3.9}
    points = [[q, v - r / 200, r] for r in (1.6, 6.4) for q, v in V.items()]
    measured = pd.DataFrame(points, columns=columns)
    found = tfbsim.compare(DANILOV, measured, numerics={"points": 20})
    drawn = figures(found)
    marked = [
        line
        for line in drawn["overlay"].axes[0].get_lines()
        if line.get_linestyle() == "None"
    ]
    assert len(marked) == 2
    assert {line.get_markeredgecolor() for line in marked} == {"k"}
    assert {line.get_markerfacecolor() for line in marked} == {"none"}
    assert len({line.get_marker() for line in marked}) == 2
    assert "rates" not in drawn or not [
        line for line in drawn["rates"].axes[0].get_lines() if line.get_linestyle() == "-"
    ]  # two points are no line


@pytest.mark.parametrize("command", [tfbsim.compare, tfbsim.fit])
def test_one_cell_is_driven_by_the_datas_own_current(command):
    content = {
        "steps": ["Discharge at 1C until 3.0 V"],
        "cases": [{"cathode.thickness": f"{k} nm"} for k in (320, 640)],
        "fit": {"parameters": {"cathode.diffusivity_scale": {"min": 0.1, "max": 10}}},
    }
    q = np.linspace(0, 0.09, 20)
    measured = Measured(
        "m", Path("none"), (segment(4 - q, q, time=40 * np.arange(20.0)),)
    )
    with pytest.raises(InputError, match="its cases have different cells"):
        command(_experiment(content, CELL), measured, own_current=True)

"""Reading what was measured: layouts, units, signs, steps, and every kind of mistake."""

import random
import sys
from pathlib import Path

import cycler_files
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tfbsim
from tfbsim.data.headings import heading
from tfbsim.data.mapping import load_mapping
from tfbsim.data.read import read_all, read_measured
from tfbsim.errors import InputError

EXAMPLES = Path(__file__).parents[1] / "examples" / "measured"
CELL = tfbsim.load_cell("lco-lipon-li-raijmakers2020")  # 3.36 cm2, 342 uAh/cm2
AREA = 3.36e-4
# charge 0.7 mA for 1 h, held at 4.2 V, rest, discharge for 1 h
KINDS = ["charge", "hold", "rest", "discharge"]
TRUE = cycler_files.record()


def written(
    path,
    time=1.0,
    voltage=1.0,
    current=1.0,
    heads=("Test Time / s", "Voltage / V", "Current / A"),
    delimiter=",",
    decimal=".",
    encoding="utf-8",
    step=False,
    rows=None,
):
    """The record of ``cycler_files``, its columns times factors (of s, V, A)."""
    r = TRUE
    columns = [r["t"] * time, r["V"] * voltage, r["I"] * 1e-3 * current]
    heads = list(heads)
    if step:
        columns.append(r["step"])
        heads.append("Step Count / 1")
    lines = [
        delimiter.join(f"{x:.9g}" for x in row) for row in zip(*columns, strict=True)
    ]
    lines = rows(lines) if rows else lines
    text = "\n".join(lines).replace(".", decimal)
    path.write_bytes((delimiter.join(heads) + "\n" + text + "\n").encode(encoding))
    return path


def same(measured):
    """The four steps, whatever they were written like."""
    assert [s.kind for s in measured.segments] == KINDS
    charge, hold, rest, discharge = measured.segments
    i = 0.7e-3 / AREA
    assert np.allclose(charge.current, -i) and np.allclose(discharge.current, i)
    assert charge.capacity[-1] == pytest.approx(i, rel=2e-3)  # 1 h
    assert discharge.capacity[-1] == pytest.approx(i, rel=2e-3)
    assert charge.capacity[0] == 0
    assert hold.voltage == pytest.approx(4.2) and (hold.current < 0).all()
    assert (rest.current == 0).all() and rest.capacity[-1] == 0
    assert charge.voltage[0] == pytest.approx(3.9, abs=1e-4)
    assert discharge.voltage[-1] == pytest.approx(3.0, abs=1e-4)
    assert [s.cycle for s in measured.segments] == [1, 1, 1, 1]
    assert charge.start == 0 and discharge.start == pytest.approx(5400, abs=61)
    for s in measured.segments:
        assert s.time[0] >= 0 and (np.diff(s.time) >= 0).all()
    return " ".join(measured.notes)


class TestRecords:
    def test_battery_data_format(self, tmp_path):
        words = same(read_measured(written(tmp_path / "a.csv"), CELL))
        assert "charge positive, as the Battery Data Format has it: sign turned" in words
        assert "with the cell's area, 3.36 cm2" in words

    @pytest.mark.parametrize("step", [False, True])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    def test_encodings(self, tmp_path, encoding, step):
        same(
            read_measured(written(tmp_path / "a.csv", encoding=encoding, step=step), CELL)
        )

    def test_latin_1(self, tmp_path):
        heads = ("Zeit [s]", "Spannung [V]", "Strom für µA [A]")
        path = written(tmp_path / "a.csv", heads=heads, encoding="latin-1")
        with pytest.raises(InputError, match="no column of current"):
            read_measured(path, CELL)
        mapping = {"columns": {"current": "Strom für µA [A]"}}
        assert "Read as latin-1 text" in same(read_measured(path, CELL, mapping))

    @pytest.mark.parametrize(
        ("delimiter", "decimal", "words"),
        [
            (";", ",", "decimal commas"),
            ("\t", ",", "decimal commas"),
            ("\t", ".", "separated by tabs"),
            (";", ".", "separated by semicolons"),
        ],
    )
    def test_separators(self, tmp_path, delimiter, decimal, words):
        path = written(tmp_path / "a.txt", delimiter=delimiter, decimal=decimal)
        assert words in same(read_measured(path, CELL))

    @pytest.mark.parametrize(
        ("heads", "factors"),
        [
            (("time/s", "Ewe/V", "I/mA"), (1, 1, 1e3)),
            (("Time (h)", "Voltage (mV)", "Current (uA)"), (1 / 3600, 1e3, 1e6)),
            (("t_min", "U [V]", "current_uA_per_cm2"), (1 / 60, 1, 1e6 / 3.36)),
            (("Test Time [s]", "Potential/V", "I (mA/cm²)"), (1, 1, 1e3 / 3.36)),
            (("Test Time / s", "Voltage / V", "Current / mA/g"), (1, 1, None)),
        ],
    )
    def test_units(self, tmp_path, heads, factors):
        time, voltage, current = factors
        current = current or 1 / (AREA * CELL.loading)  # A/kg is mA/g
        same(
            read_measured(
                written(tmp_path / "a.csv", time, voltage, current, heads), CELL
            )
        )

    def test_two_lines_of_heading_and_a_preamble(self, tmp_path):
        path = written(tmp_path / "a.csv", heads=("Time", "Voltage", "Current"))
        text = path.read_text().replace("Current\n", "Current\ns,V,A\n")
        path.write_text("Cell 7\nby,me\n\n" + text)
        assert "before the table" in same(read_measured(path, CELL))

    def test_area_and_loading_of_a_mapping(self, tmp_path):
        path = written(tmp_path / "a.csv")
        with pytest.raises(InputError, match="not per area: give the area in a mapping"):
            read_measured(path)
        same(read_measured(path, None, {"area": "3.36 cm2"}))

    def test_a_mapping_beside_the_file(self, tmp_path):
        path = written(tmp_path / "a.csv", heads=("x", "y", "z"))
        (tmp_path / "a.yaml").write_text(
            "format: 1\nkind: mapping\ncolumns: {time: x, voltage: 2, current: z}\n"
            "units: {time: s, voltage: V, current: A}\narea: 3.36 cm2\n"
        )
        assert "Read with a.yaml." in same(read_measured(path))


class TestSigns:
    def test_discharge_positive_shows_in_the_voltage(self, tmp_path):
        heads = ("time/s", "Voltage/V", "I/A")
        path = written(tmp_path / "a.csv", current=-1, heads=heads)
        words = same(read_measured(path, CELL))
        assert "discharge positive, for the voltage falls where it is positive" in words

    def test_the_sign_of_a_format_is_not_overruled_by_the_voltage(self, tmp_path):
        measured = read_measured(written(tmp_path / "a.csv", current=-1), CELL)
        assert measured.segments[0].kind == "discharge"
        words = " ".join(measured.notes)
        assert "the voltage falls there: current_sign in a mapping turns it" in words

    @pytest.mark.parametrize("step", [False, True])
    def test_no_sign_at_all(self, tmp_path, step):
        def absolute(lines):
            return [line.replace(",-", ",") for line in lines]

        path = written(tmp_path / "a.csv", rows=absolute, step=step)
        assert "has no sign" in same(read_measured(path, CELL))


class TestMends:
    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            (lambda x: [line for line in x for _ in (0, 1)], "duplicate rows"),
            (lambda x: x[::-1], "runs backwards throughout"),
            (lambda x: [*x[:20], x[21], x[20], *x[22:]], "sorted by time"),
            (lambda x: [*x[:9], "nan,4,0", *x[9:]], "without time, voltage or current"),
            (lambda x: [*x[:9], "1,2,3,4,5", *x[9:]], "another number of columns"),
            (lambda x: [*x[:9], "540,77,7e-4", *x[9:]], "beyond 10 V"),
        ],
    )
    def test_told_and_mended(self, tmp_path, rows, words):
        assert words in same(read_measured(written(tmp_path / "a.csv", rows=rows), CELL))

    def test_a_clock_that_starts_again(self, tmp_path):
        def again(lines):
            clock = [line.split(",", 1) for line in lines]
            return [f"{t:.9g},{rest}" for t, (_, rest) in zip(
                TRUE["step_time"], clock, strict=True
            )]  # fmt: skip

        path = written(tmp_path / "a.csv", rows=again)
        assert "starts again at 3 rows" in same(read_measured(path, CELL))

    def test_a_gap_under_current_is_told(self, tmp_path):
        path = written(tmp_path / "a.csv", rows=lambda x: x[:30] + x[50:])
        measured = read_measured(path, CELL)
        assert "1 gap in time under current, the longest 21 min" in measured.notes[-1]
        assert measured.segments[0].capacity[-1] == pytest.approx(0.7e-3 / AREA)

    def test_millivolts_called_volts(self, tmp_path):
        words = same(read_measured(written(tmp_path / "a.csv", voltage=1e3), CELL))
        assert "says V and runs to 4200: read as mV" in words

    @pytest.mark.parametrize(
        ("factor", "heads", "words"),
        [
            (1e3, ("time/s", "Voltage/V", "I/A"), "mA for uA"),
            (1e6, ("time/s", "Voltage/V", "I/A"), "A for uA"),
            (1, ("time/h", "Voltage/V", "I/A"), "a time in seconds read as hours"),
        ],
    )
    def test_more_charge_than_any_cell_holds(self, tmp_path, factor, heads, words):
        path = written(tmp_path / "a.csv", current=factor, heads=heads)
        with pytest.raises(InputError, match=f"times all that .* hold .*{words}"):
            read_measured(path, CELL)

    def test_hardly_any_charge_is_told(self, tmp_path):
        notes = read_measured(written(tmp_path / "a.csv", current=1e-3), CELL).notes
        assert "1/1.64e+03 of what" in notes[-1] and "mA for uA" in notes[-1]

    def test_a_counter_in_another_unit_is_not_used(self, tmp_path):
        path = tmp_path / "a.csv"
        t = np.arange(0, 3601.0, 60)
        rows = [f"{x},{4 - x / 7200},-7e-4,{7e-4 * x / 3600:.6g}" for x in t]
        heads = "Test Time / s,Voltage / V,Current / A,Step Capacity / mAh"
        path.write_text("\n".join([heads, *rows]))
        measured = read_measured(path, CELL)
        assert "1/1000 of the integral of the current" in " ".join(measured.notes)
        assert measured.segments[0].capacity[-1] == pytest.approx(0.7e-3 / AREA)
        path.write_text(path.read_text().replace("mAh", "Ah"))
        assert "integral" not in " ".join(read_measured(path, CELL).notes)


class TestSteps:
    def test_cycles_without_a_number(self, tmp_path):
        path = tmp_path / "a.csv"
        t, lines = 0, ["Test Time / s,Voltage / V,Current / A"]
        for k in range(6):  # discharge first
            sign = -1 if k % 2 == 0 else 1
            for j in range(30):
                V = 3.5 - sign * 0.5 + sign * j / 30
                lines.append(f"{t},{V:.4f},{sign * 7e-4}")
                t += 60
            lines += [f"{t + 60 * j},3.6,0" for j in range(5)]
            t += 300
        path.write_text("\n".join(lines))
        found = read_measured(path, CELL).segments
        assert [s.cycle for s in found if s.kind == "discharge"] == [1, 2, 3]
        assert [s.cycle for s in found if s.kind == "charge"] == [1, 2, 3]

    def test_a_staircase_of_currents_is_several_steps(self, tmp_path):
        lines = ["Test Time / s,Voltage / V,Current / A"]
        currents = np.repeat([4e-4, 2e-4, 1e-4], 20)
        lines += [f"{60 * k},{4 - k / 100:.3f},{-i}" for k, i in enumerate(currents)]
        (tmp_path / "a.csv").write_text("\n".join(lines))
        found = read_measured(tmp_path / "a.csv", CELL).segments
        assert [round(float(s.current[0] * AREA), 7) for s in found] == [4e-4, 2e-4, 1e-4]

    def test_a_noisy_rest_is_one_rest(self, tmp_path):
        noise = np.random.default_rng(0).normal(0, 1e-9, 40)
        lines = [f"{60 * k},{4 - k / 100:.3f},-7e-4" for k in range(40)]
        lines += [f"{2400 + 60 * k},3.8,{i:.3e}" for k, i in enumerate(noise)]
        text = "\n".join(["Test Time / s,Voltage / V,Current / A", *lines])
        (tmp_path / "a.csv").write_text(text)
        found = read_measured(tmp_path / "a.csv", CELL).segments
        assert [s.kind for s in found] == ["discharge", "rest"]

    def test_the_synthetic_record_of_the_examples(self):
        measured = read_measured(EXAMPLES / "synthetic-cycler.csv", CELL)
        assert [s.kind for s in measured.segments] == [*KINDS, "rest"] * 3
        discharges = [s for s in measured.segments if s.kind == "discharge"]
        rates = [s.current.mean() / CELL.one_c_current_density for s in discharges]
        assert rates == pytest.approx([0.2, 1, 4], rel=1e-3)


class TestCurves:
    def test_side_by_side(self):
        cell = tfbsim.load_cell("lco-lipon-li-danilov2011")
        slow, fast = read_measured(EXAMPLES / "danilov2011.csv", cell).segments
        assert slow.kind == fast.kind == "discharge" and slow.time is None
        assert slow.current == pytest.approx(0.1591)
        assert fast.current == pytest.approx(0.6399)
        assert slow.capacity == pytest.approx(np.array([0, 2, 4, 8, 9.25, 9.5]) / 100)
        assert fast.voltage[-1] == 3.8043

    def test_one_below_another_by_rate(self):
        found = read_measured(EXAMPLES / "raijmakers2020.csv", CELL).segments
        rates = [float(s.current[0]) / CELL.one_c_current_density for s in found]
        assert rates == pytest.approx([0.1, 0.5, 2, 6])
        assert [float(s.capacity[-1]) for s in found] == [3.244, 2.746, 2.18, 1.6]

    def test_a_bare_table_of_a_paper(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("Capacity (mAh/g);Voltage (V)\n100,0;3,6\n0,0;4,2\n50,0;3,9\n")
        (one,) = read_measured(path, CELL, {"current": "0.2C"}).segments
        assert one.kind == "discharge" and list(one.voltage) == [4.2, 3.9, 3.6]
        assert one.capacity[-1] == pytest.approx(100 * CELL.loading)  # mAh/g is Ah/kg
        measured = read_measured(path, CELL)
        assert np.isnan(measured.segments[0].current).all()
        assert "current of a curve is not stated" in " ".join(measured.notes)

    def test_a_c_rate_needs_the_cell(self):
        with pytest.raises(InputError, match="C-rate: give the cell"):
            read_measured(EXAMPLES / "raijmakers2020.csv")


class TestSpectra:
    @pytest.mark.parametrize("head", ["-Im(Z)/Ohm", "-Z'' (Ohm)", "Zimag (ohm)"])
    def test_nyquist(self, tmp_path, head):
        f = np.geomspace(1e-2, 1e5, 8)
        Z = 50 + 100 / (1 + 2j * np.pi * f * 1e-3)
        sign = -1 if head.startswith("-") else 1
        real = "Z' (Ohm)" if "''" in head else "Re(Z)/Ohm"
        lines = [
            f"{a:.6g}\t{z.real:.8g}\t{sign * z.imag:.8g}"
            for a, z in zip(f, Z, strict=True)
        ]
        path = tmp_path / "z.txt"
        path.write_text("\n".join([f"freq/Hz\t{real}\t{head}", *lines]))
        (spectrum,) = read_measured(path, CELL).spectra
        assert np.allclose(spectrum.frequency, f[::-1], rtol=1e-5)
        assert np.allclose(spectrum.impedance, Z[::-1] * AREA, rtol=1e-5)
        assert not read_measured(path, CELL).segments

    def test_an_imaginary_part_of_the_wrong_sign(self, tmp_path):
        path = tmp_path / "z.csv"
        rows = "\n".join(f"{10**-k},{100 + k},{5 + k}" for k in range(6))
        path.write_text("freq/Hz,Re(Z)/Ohm.cm2,Im(Z)/Ohm.cm2\n" + rows)
        measured = read_measured(path)
        assert (measured.spectra[0].impedance.imag < 0).all()
        assert "taken as -Im Z" in measured.notes[0]


class TestCyclers:
    @pytest.mark.parametrize("comma", [False, True])
    def test_mpt(self, tmp_path, comma):
        cycler_files.mpt(tmp_path / "a.mpt", comma)
        measured = read_measured(tmp_path / "a.mpt", CELL)
        assert "charge positive, as EC-Lab has it" in same(measured)
        assert measured.segments[0].temperature == pytest.approx(293.15)

    def test_nda(self, tmp_path):
        pytest.importorskip("NewareNDA")
        cycler_files.nda(tmp_path / "a.nda")
        assert "as NEWARE has it" in same(read_measured(tmp_path / "a.nda", CELL))

    def test_mpr(self, tmp_path):
        pytest.importorskip("galvani")
        cycler_files.mpr(tmp_path / "a.mpr")
        assert "Read with galvani" in same(read_measured(tmp_path / "a.mpr", CELL))

    @pytest.mark.parametrize(
        ("suffix", "module", "extra"),
        [
            (".nda", "NewareNDA", "neware"),
            (".ndax", "NewareNDA", "neware"),
            (".mpr", "galvani", "biologic"),
        ],
    )
    def test_a_missing_reader(self, tmp_path, monkeypatch, suffix, module, extra):
        monkeypatch.setitem(sys.modules, module, None)
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"NEWARE")
        with pytest.raises(InputError, match=rf"pip install 'tfbsim\[{extra}\]'"):
            read_measured(path, CELL)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02\x03" * 100, "is not text"),
        (b"a,b\n1,2\n", "no column of voltage was recognised .its columns are a, b"),
        (b"1,2\n3,4\n", "it has no heading"),
        (b"hello\nworld\n", "no table of at least two columns of numbers"),
        (b"Voltage / V,Capacity\n4,0\n3,1\n", "'units: {capacity: ...}'"),
        (b"Voltage / kg,Capacity / Ah\n4,0\n3,1\n", "'kg' is no unit of voltage"),
        (b"Time/s,Voltage/V,I/A\n1,50,1\n2,60,3\n", "which is no cell's"),
        (b"Time/s,Voltage/V,I/A\n1,x,1\n2,,3\n3,4,5\n", "fewer than 2 rows"),
    ],
)
def test_one_sentence_for_what_cannot_be_read(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_measured(path, CELL)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["no.csv", ".", "a\x00b"])
def test_no_file(tmp_path, name):
    with pytest.raises(InputError):
        read_measured(tmp_path / name)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"columns": {"voltage": "U"}}, "columns.voltage: there is no column 'U'"),
        ({"columns": {"voltage": 9}}, "asks for column 9; there are 3"),
        ({"units": {"current": "kg"}}, "units.current: 'kg' is no unit of current"),
        ({"unit": {}}, "unknown key 'unit'; did you mean 'units'"),
        ({"area": "3 cm"}, "is a length"),
        ({"current": "3 V"}, "current: '3 V' is a voltage"),
        ({"encoding": "klingon"}, "unknown encoding of text"),
        ({"decimal": ","}, "decimal"),
        ({"skip_rows": 10_000}, "holds no table"),
    ],
)
def test_mistakes_in_a_mapping(tmp_path, mapping, words):
    path = written(tmp_path / "a.csv")
    with pytest.raises(InputError, match=words):
        read_measured(path, CELL, mapping)


def test_a_mistake_in_a_mapping_file_has_its_line(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("format: 1\nkind: mapping\ncurrent_sign: positive\n")
    with pytest.raises(InputError, match=r"m.yaml:3: current_sign"):
        load_mapping(path)


@pytest.mark.parametrize(
    ("name", "words", "unit"),
    [
        ("Current / A", "current", "A"),
        ("Q charge/discharge/mA.h", "q charge discharge", "mA.h"),
        ("capacity_uAh_per_cm2", "capacity", "uAh/cm2"),
        ("Temperature/°C", "temperature", "°C"),
        ("Charge_Capacity(Ah)", "charge capacity", "Ah"),
        ("<I>/mA", "i", "mA"),
        ("C-rate", "c rate", ""),
        ("Z''(b)", "z", "ohm"),
        ("<Ewe/V>", "ewe", "V"),
        ("Test Time (Hours)", "test time", "Hours"),
        ("~Time[s]", "time", "s"),
        ("Time(h:min:s.ms)", "time", ""),
    ],
)
def test_headings(name, words, unit):
    said = heading(name)
    assert (said.words, said.unit) == (words, unit)


# --- Layouts that cyclers write --------------------------------------------------------

DATA = Path(__file__).parent / "data" / "cycler"
# Charge and discharge in all [mAh], steps, cycles, spectra
AS_R = (0.230, 0.1667, 4, 1, 0)
SPECTRUM = (0, 0, 0, 0, 1)
LAYOUTS = {
    "01-cccv-in-one-step.csv": AS_R,
    "02-step-clock-runs-on.mpt": (0, 0.05, 2, 1, 0),
    "03-total-time-0-at-each-step.csv": (0.9167, 0.8333, 5, 2, 0),
    "04-bdf-machine-names.csv": AS_R,
    "04m-spelled-out-units.csv": AS_R,
    "05-discharging-load.csv": (0, 0.1683, 8, 1, 0),
    "05m-two-step-charge-with-counters.csv": (0.4667, 0, 2, 1, 0),
    "06-slow-discharge-beside-a-pulse.csv": (0.1750, 0.1594, 3, 1, 0),
    "07-cycling-and-eis-in-one.mpt": (*AS_R[:4], 1),
    "07m-record-then-spectrum.csv": (*AS_R[:4], 1),
    "08-report-of-three-levels.csv": (1.0, 0.8, 6, 2, 0),
    # The first row of its discharge has half the charge of the others: at the -1 mA of
    # its control column the current began half way through the interval
    "09-gcpl-without-current.mpr": (0.230, 0.1583, 4, 1, 0),
    "10-leading-tab-record.txt": AS_R,
    "11-comma-at-the-end-of-data.csv": AS_R,
    "12-charge-lost-before-the-hold.csv": (1.0, 0.25, 3, 1, 0),
    "13-half-cycle-column.txt": (0.460, 0.3333, 8, 2, 0),
    "14-cell-of-another-voltage.csv": (0.1, 0.1, 2, 1, 0),
    "15-symmetric-cell.csv": (0.0162, 0.0167, 4, 2, 0),
    "16-test-time-in-hours-spelled.csv": AS_R,
    "16m-ohms.csv": SPECTRUM,
    "17-unicode-minus.csv": AS_R,
    "18-clock-days-dash.csv": AS_R,
    "18n-clock-days-dash-over-midnight.csv": AS_R,
    "19-ocv-technique.mpt": (0, 0, 1, 1, 0),
    "20-double-quote-heading.csv": SPECTRUM,
    "21-step-index-counts-rows.csv": AS_R,
    "22-unit-row-with-hash.txt": AS_R,
    "27-lines-in-quotes.csv": AS_R,
    "28-two-tables.dta": (0, 0, 1, 1, 1),
    "30-pause-counter-knows.csv": (0, 0.5, 1, 1, 0),
    "35-short-tabs-and-dates.txt": (0.0292, 0, 1, 1, 0),
    "37-three-samples-at-one-time.csv": (0.1667, 0.1667, 3, 1, 0),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name):
    if name.endswith(".mpr"):
        pytest.importorskip("galvani")
    measured = read_measured(DATA / name, CELL)
    charge, discharge, steps, cycles, spectra = LAYOUTS[name]
    passed = {1: 0.0, -1: 0.0}
    for s in measured.segments:
        if s.kind != "rest":
            sign = 1 if s.current.mean() > 0 else -1
            passed[sign] += 1e3 * AREA * float(s.capacity[-1])
    assert passed[-1] == pytest.approx(charge, rel=8e-3)
    assert passed[1] == pytest.approx(discharge, rel=8e-3)
    assert len(measured.segments) == steps
    assert len({s.cycle for s in measured.segments}) == cycles
    assert len(measured.spectra) == spectra


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("23-two-initial-states.yaml", "cathode.initial_voltage: both are given"),
        ("24-x-in-percent.yaml", "write x as a fraction, not in per cent"),
    ],
)
def test_a_state_that_cannot_be_meant(name, words):
    with pytest.raises(InputError, match=words):
        tfbsim.load_cell(DATA / name)


def test_a_step_past_its_cut_off(tmp_path):
    path = DATA / "26-step-past-its-cutoff.yaml"
    result = tfbsim.run_experiment(path, folder=tmp_path)
    passed = result.steps.iloc[1]
    assert passed["Duration [s]"] == 0
    assert passed["Detail"] == "reached at once: 4.2 V is past 4 V already"


def test_samples_are_those_of_the_steps():
    """Of every layout: charges from the start of each branch, one after another."""
    for path in (p for p in sorted(DATA.iterdir()) if p.suffix in (".csv", ".txt")):
        try:
            measured = read_measured(path, CELL)
        except InputError:
            continue
        if not measured.segments:  # of a spectrum
            assert measured.samples.empty
            continue
        table = measured.samples
        assert len(table) == sum(len(s.voltage) for s in measured.segments)
        for _, branch in table[table["Branch number"] > 0].groupby(
            ["Cycle number", "Branch number"]
        ):
            assert branch["Direction"].nunique() == 1
            passed = branch["Capacity [uA.h.cm-2]"].to_numpy()
            assert (np.diff(passed) >= -1e-9).all(), path.name
            last = branch.groupby("Step number")["Step capacity [uA.h.cm-2]"].last()
            moves = branch.groupby("Step number")["Current density [uA.cm-2]"].any()
            assert passed[-1] == pytest.approx(last[moves].sum()), path.name


def test_voltages_as_the_heading_says():
    measured = read_measured(DATA / "15-symmetric-cell.csv", CELL)
    voltages = np.concatenate([s.voltage for s in measured.segments])
    assert (voltages.min(), voltages.max()) == pytest.approx((-0.0046, 0.0046))


def test_doubts_are_told_with_what_could_not_be_read(tmp_path):
    measured, told = read_all([DATA / "19-ocv-technique.mpt"], CELL)
    assert measured[0].doubts == ("No current flows anywhere in it.",)
    assert told == ["19-ocv-technique.mpt: No current flows anywhere in it."]
    lost = written(tmp_path / "a.csv", rows=lambda x: [*x, *["x,4,0"] * 9])
    assert "not in the record" in read_measured(lost, CELL).doubts[0]


# --- Whatever a file holds -------------------------------------------------------------

BITS = [
    *("nan", "inf", "-", "", "1e400", "9" * 400, ",", ";", "\t", "\n", "\r", '"', "'"),
    *("#", "\x00", "µ", "日", "1,5", "-1", "0", "1e30", "Voltage / V", "Current / A"),
    *(
        "time/s",
        "freq/Hz",
        "Re(Z)/Ohm",
        "°C",
        "/",
        "[",
        "]",
        "mAh/g",
        "kg",
        " ",
        "\u2028",
    ),
    *("2024-01-01 10:00:00", "00:10:00", "\x1b", "EC-Lab ASCII FILE"),
    "Nb header lines : 99999",
]


def _texts():
    lines = (EXAMPLES / "synthetic-cycler.csv").read_text().splitlines()
    record = "\n".join(lines[1:2] + lines[2::20]) + "\n"
    nyquist = "freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm\n" + "\n".join(
        f"{10.0**k},{100 + k},{50 - k}" for k in range(6, -3, -1)
    )
    curve = (EXAMPLES / "danilov2011.csv").read_text()
    return [record, record.replace("-", ""), nyquist, curve.replace("at_1.6C_V", "V")]


def mutated(text, r):
    for _ in range(r.randint(1, 6)):
        lines = text.split("\n")
        k, at = r.randrange(8), r.randrange(len(text) + 1)
        if k < 3:
            text = text[:at] + r.choice(BITS) + text[at + r.choice([0, 0, 1, 5]) :]
        elif k == 3:
            del lines[at % len(lines) :: r.choice([7, 100])]
        elif k == 4:
            lines[at % len(lines) : 0] = [r.choice(lines)] * r.choice([1, 5])
        elif k == 5:
            r.shuffle(lines) if r.random() < 0.3 else lines.reverse()
        elif k == 6:
            text = text.replace(r.choice(",.-eV"), r.choice(BITS), r.choice([1, 5, -1]))
        else:
            column, factor = r.randrange(4), 10 ** r.uniform(-8, 8)
            lines = [_scaled(line, column, factor) for line in lines]
        text = "\n".join(lines) if 3 <= k != 6 else text
        text = text or " "
    return text


def _scaled(line, column, factor):
    parts = line.split(",")
    try:
        parts[column] = repr(float(parts[column]) * factor)
    except (IndexError, ValueError):
        return line
    return ",".join(parts)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from(["utf-8", "utf-16"]))
@example(1026, True, "utf-8")
def test_mutated_files_are_read_or_refused_in_a_sentence(tmp_path, seed, known, encoding):
    r = random.Random(seed)
    path = tmp_path / "a.csv"
    path.write_bytes(mutated(r.choice(_texts()), r).encode(encoding, "replace"))
    try:
        measured = read_measured(path, CELL if known else None)
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000
        return
    assert measured.segments or measured.spectra
    for s in measured.segments:
        assert len(s.voltage) == len(s.current) == len(s.capacity) > 0
        assert np.isfinite(s.voltage).all() and np.isfinite(s.capacity).all()
        assert (s.capacity >= 0).all()
        assert (np.diff(s.capacity) >= -1e-9 * s.capacity.max()).all()
        if s.time is not None:
            assert s.time[0] >= 0 and (np.diff(s.time) >= 0).all()
    for z in measured.spectra:
        assert np.isfinite(z.impedance).all() and (z.frequency > 0).all()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=400))
def test_any_bytes(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_measured(path, CELL)

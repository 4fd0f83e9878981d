"""Files in the layouts of cyclers, of a known truth: read right, or told why not."""

import exports
import numpy as np
import pytest

import tfbsim
from tfbsim.data.read import read_measured
from tfbsim.errors import InputError

CELL = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
AREA = 3.36e-4
WITHIN = 5e-3  # of the charge of a step
W = exports.Way
COMMA = {"decimal": ",", "delimiter": ";"}
WAYS = {
    "point": W(),
    "comma": W(**COMMA),
    "tabs": W(",", "\t"),
    "discharge positive": W(sign=-1.0),
    "microamps": W(unit="µA"),
    "nanoamps": W(unit="nA", digits=7),
}


def charges(measured):
    """Return kind and charge [mA.h] of each step."""
    return [(s.kind, 1e3 * AREA * float(s.capacity[-1])) for s in measured.segments]


def right(found, truth):
    """Return whether each step has its kind and charge."""
    return [k for k, _ in found] == [k for k, _ in truth] and all(
        abs(q - true) <= WITHIN * max(true, 1e-3)
        for (_, q), (_, true) in zip(found, truth, strict=True)
    )


def read(tmp_path, text, suffix=".csv"):
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    return read_measured(path, CELL)


SUFFIX = {"mpt": ".mpt", "gamry": ".DTA", "maccor": ".txt"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("writer", exports.WRITERS, ids=lambda f: f.__name__)
def test_every_export_is_read_right(tmp_path, writer, way):
    r = np.random.default_rng(len(way) + 7 * len(writer.__name__))
    record = exports.record(r, discharge_first=bool(r.integers(2)))
    text = writer(record, WAYS[way])
    measured = read(tmp_path, text, SUFFIX.get(writer.__name__, ".csv"))
    assert right(charges(measured), record.truth), (charges(measured), measured.notes)
    assert not measured.doubts


CLOCKS = ["s", "min", "h", "ms", "h:m:s", "d h:m:s", "12 h", "spoken", "date", "us date"]
CLOCKS += ["eu date", "unix", "unix ms", "sheet"]


@pytest.mark.parametrize("way", ["point", "comma"])
@pytest.mark.parametrize("clock", CLOCKS)
def test_every_clock_is_read_right(tmp_path, clock, way):
    r = np.random.default_rng(len(clock))
    record = exports.record(r)
    way = W(**vars(WAYS[way]) | {"clock": clock})
    measured = read(tmp_path, exports.plain(record, way))
    assert right(charges(measured), record.truth), (charges(measured), measured.notes)


# --- What happens to records: each is read right, or told ------------------------------


def pause(record, r):
    """Two hours in the last discharge in which nothing flowed."""
    k = int(np.flatnonzero(np.array(record.kind) == "discharge")[-5])
    t = record.t + 7200.0 * (np.arange(len(record.t)) >= k)
    return exports.Record(**vars(record) | {"t": t})


def from_the_middle(record, r):
    """The last cycle, the counters and clocks as they were."""
    kept = record.take(record.cycle == record.cycle.max())
    truth = record.truth[-len(np.unique(kept.step)) :]
    return exports.Record(**vars(kept) | {"truth": truth})


def last_row_off(record, r):
    """The last row of each step after the current was switched off."""
    i = np.where(np.append(np.diff(record.step) != 0, True), 0.0, record.i)
    return exports.Record(**vars(record) | {"i": i})


def first_row_off(record, r):
    """The first row of each step before the current is on."""
    i = np.where(np.insert(np.diff(record.step) != 0, 0, True), 0.0, record.i)
    return exports.Record(**vars(record) | {"i": i})


def without_first_rows(record, r):
    """Each step from its second row on."""
    return record.take(np.insert(np.diff(record.step) == 0, 0, False))


def rows_twice(record, r):
    """Some rows twice."""
    often = 1 + (r.random(len(record.t)) < 0.1)
    arrays = {k: np.repeat(v, often) for k, v in vars(record).items()
              if isinstance(v, np.ndarray)}  # fmt: skip
    kind = [k for k, n in zip(record.kind, often, strict=True) for _ in range(n)]
    return exports.Record(**arrays, kind=kind, truth=record.truth)


def without_last_rows(record, r):
    """Each step up to the row before its last."""
    return record.take(np.append(np.diff(record.step) == 0, False))


def holes(record, r):
    """A third of the rows within a step missing."""
    ends = np.diff(record.step, append=-1) + np.diff(record.step, prepend=-1) != 0
    return record.take(ends | (r.random(len(record.t)) > 0.33))


HAPPENS = [pause, from_the_middle, last_row_off, first_row_off, without_first_rows]
HAPPENS += [rows_twice, holes, without_last_rows]


@pytest.mark.parametrize("happens", HAPPENS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("writer", exports.WRITERS, ids=lambda f: f.__name__)
def test_no_error_is_silent(tmp_path, writer, happens):
    for seed in range(3):
        r = np.random.default_rng(seed + 10 * len(writer.__name__))
        record = happens(exports.record(r), r)
        way = [WAYS["point"], WAYS["comma"], WAYS["microamps"]][seed]
        try:
            suffix = SUFFIX.get(writer.__name__, ".csv")
            measured = read(tmp_path, writer(record, way), suffix)
        except InputError as error:
            pytest.fail(str(error))
        found = charges(measured)
        told = measured.doubts or any("uA.h.cm-2" in note for note in measured.notes)
        assert right(found, record.truth) or told, (found, measured.notes)


def test_a_record_pasted_twice_is_read_once(tmp_path):
    record = exports.record(np.random.default_rng(5))
    text = exports.plain(record, W())
    head, rows = text.split("\n", 1)
    measured = read(tmp_path, f"{head}\n{rows}{rows}")
    assert right(charges(measured), record.truth)
    assert any("that are there before already" in note for note in measured.notes)


@pytest.mark.parametrize("seed", range(4))
def test_a_clock_of_whole_minutes_leaves_the_charge_to_the_counter(tmp_path, seed):
    """Rows of one minute that differ in their counter are no duplicates."""
    r = exports.record(np.random.default_rng(seed))
    heads = ["DateTime", "Voltage(V)", "Current(mA)", "Capacity(mAh)", "Status"]
    words = {"rest": "Idle", "discharge": "Discharging"}
    text = exports.table(heads, [
        [exports.clock(60 * (t // 60), W(), "us date").replace(":00 ", " ") for t in r.t],
        [f"{V:.5f}" for V in r.V], [f"{i:.6f}" for i in r.i],
        [f"{q:.6f}" for q in r.of_step], [words.get(k, "Charging") for k in r.kind],
    ], W())  # fmt: skip
    measured = read(tmp_path, text)
    assert right(charges(measured), r.truth), (charges(measured), measured.notes)


def test_a_counter_of_another_unit_is_a_doubt(tmp_path):
    r = exports.record(np.random.default_rng(1))
    text = exports.table(["Time (s)", "Voltage (V)", "Current (mA)", "Capacity (Ah)"], [
        [f"{t:.3f}" for t in r.t], [f"{V:.5f}" for V in r.V], [f"{i:.6f}" for i in r.i],
        [f"{q:.6f}" for q in r.of_step],
    ], W())  # fmt: skip
    (doubt,) = read(tmp_path, text).doubts
    assert "1000 times the integral" in doubt and doubt.count("uA.h.cm-2") == 1


HEADS = {
    "Ivium": ("time /s        I /A           E /V", "   "),
    "Nova": ("Time (s);WE(1).Current (A);WE(1).Potential (V)", ";"),
    "a reference": ("t (s),i (A),E vs. Li/Li+ (V)", ","),
    "Squidstat": ("Elapsed Time (s),Current (A),Working Electrode (V)", ","),
    "broken signs": ("Time / s,I / A,Ewe/V,T/Â°C", ","),
    "a row of units": ("Prog Time;Current;Voltage\nh:min:s;A;V", ";"),
}


@pytest.mark.parametrize("program", HEADS)
def test_headings_of_other_programs(tmp_path, program):
    r = exports.record(np.random.default_rng(9))
    heads, mark = HEADS[program]
    form = "h:m:s" if program == "a row of units" else "s"
    more = [""] * (program == "broken signs")
    rows = [
        mark.join([exports.clock(t, W(), form), f"{1e-3 * i:.6E}", f"{V:.5f}", *more])
        for t, i, V in zip(r.t, r.i, r.V, strict=True)
    ]
    measured = read(tmp_path, "\n".join([heads, *rows]) + "\n", ".txt")
    assert right(charges(measured), r.truth), (charges(measured), measured.notes)


# --- Tables of one's own ---------------------------------------------------------------


def rewritten(record, cell, heads="Time (s),Voltage (V),Current (mA)", behind=""):
    """Return a table of time, voltage and current, each cell by a function of it."""
    rows = zip(record.t, record.V, record.i, strict=True)
    lines = [",".join(cell(t, V, i)) for t, V, i in rows]
    return "\n".join([heads, *lines]) + "\n" + behind


TABLES = {
    "brackets below 0": lambda t, V, i: (
        f"{t:.3f}", f"{V:.5f}", f"({-i:.6f})" if i < 0 else f"{i:.6f}"),
    "minus behind": lambda t, V, i: (
        f"{t:.3f}", f"{V:.5f}", f"{-i:.6f}-" if i < 0 else f"{i:.6f}"),
    "printed minus": lambda t, V, i: (
        f"{t:.3f}", f"{V:.5f}", f"{i:.6f}".replace("-", "\u2212")),
    "thousands": lambda t, V, i: (f'"{t:,.3f}"', f"{V:.5f}", f"{i:.6f}"),
    "units in cells": lambda t, V, i: (
        f"{t:.3f} s", f"{V:.5f} V",
        f"{i:.6f} mA" if abs(i) > 0.1 else f"{1e3 * i:.3f} uA"),
}  # fmt: skip


@pytest.mark.parametrize("spelling", TABLES)
def test_every_spelling_of_a_number(tmp_path, spelling):
    record = exports.record(np.random.default_rng(3))
    heads = "Time,Voltage,Current" if "units" in spelling else None
    text = rewritten(record, TABLES[spelling], *([heads] if heads else []))
    measured = read(tmp_path, text)
    assert right(charges(measured), record.truth), measured.notes


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("Current (10^-6 A)", 1e3),
        ("Current (x1e-3 A)", 1.0),
        ("Current [10⁻⁶ A]", 1e3),
        ("Current [milliamperes]", 1.0),
        ("Current / nA", 1e6),
    ],
)
def test_every_unit(tmp_path, head, size):
    record = exports.record(np.random.default_rng(4))
    text = rewritten(
        record,
        lambda t, V, i: (f"{1e3 * t:.0f}", f"{V:.5f}", f"{size * i:.6f}"),
        f"Test Time [milliseconds],Voltage (V),{head}",
    )
    assert right(charges(read(tmp_path, text)), record.truth)


def test_marks_of_thousands_beside_decimal_commas(tmp_path):
    """One column has 500, 1.000 and 1.500.000: one spelling for all of it."""
    record = exports.record(np.random.default_rng(5))
    lines = ["Time (ms);Voltage (V);Current (mA)"]
    for t, V, i in zip(record.t, record.V, record.i, strict=True):
        marked = f"{round(1e3 * t):,}".replace(",", ".")
        lines.append(marked + f";{V:.5f};{i:.6f}".replace(".", ","))
    measured = read(tmp_path, "\n".join(lines))
    assert right(charges(measured), record.truth), measured.notes
    assert "has marks of thousands" in " ".join(measured.notes)


def test_records_side_by_side(tmp_path):
    one, other = (exports.record(np.random.default_rng(k), 1) for k in (6, 7))
    a, b = (exports.bare(x, W()).split("\n")[:-1] for x in (one, other))
    rows = max(len(a), len(b))
    a, b = (x + [",,"] * (rows - len(x)) for x in (a, b))
    text = "\n".join(f"{x},,{y}" for x, y in zip(a, b, strict=True)) + "\n"
    for beside in (text, text.replace(",,Time (s),", ",,Time (s).1,", 1)):
        measured = read(tmp_path, beside)
        assert right(charges(measured), one.truth + other.truth), measured.notes
        assert "2 sets of columns stand side by side" in measured.notes[0]


def test_a_record_without_a_time(tmp_path):
    record = exports.record(np.random.default_rng(8))
    rows = zip(record.step, record.V, record.i, record.of_step, strict=True)
    lines = [f"{int(s)},{V:.5f},{i:.6f},{q:.7f}" for s, V, i, q in rows]
    heads = "Step,Voltage (V),Current (mA),Capacity (mAh)"
    measured = read(tmp_path, "\n".join([heads, *lines]))
    assert right(charges(measured), record.truth), charges(measured)
    hold = measured.segments[1]
    took = record.own[record.step == 2][-1]
    assert hold.kind == "hold" and hold.time[-1] == pytest.approx(took, rel=0.02)


def test_summer_time_ends(tmp_path):
    """A local clock falls back by an hour in the middle of a charge."""
    record = exports.record(np.random.default_rng(9), 1)
    back = record.t > record.t[5]
    t = np.round(record.t) - 3600.0 * back
    stamps = [exports.clock(x, W(), "date")[:19] for x in t]
    rows = zip(stamps, record.V, record.i, strict=True)
    text = "\n".join(["Date,Voltage (V),Current (mA)", *(
        f"{s},{V:.5f},{i:.6f}" for s, V, i in rows)])  # fmt: skip
    measured = read(tmp_path, text)
    assert right(charges(measured), record.truth), charges(measured)
    assert "summer time ended" in " ".join(measured.notes)


def test_a_summary_at_the_end_is_no_row(tmp_path):
    record = exports.record(np.random.default_rng(10))
    text = rewritten(
        record,
        lambda t, V, i: ("7", f"{t:.3f}", f"{V:.5f}", f"{i:.6f}"),
        "Index,Time (s),Voltage (V),Current (mA)",
        f"Average,{record.t[-1] / 2:.1f},4.0,0.1\n,{record.t[-1] - 1:.1f},4.2,0.7\n",
    )
    measured = read(tmp_path, text)
    assert right(charges(measured), record.truth), measured.notes
    assert "a summary" in " ".join(measured.notes)


def test_a_time_that_is_not_understood_is_named(tmp_path):
    text = "Time,Voltage (V),Current (mA)\n" + "noon,4.0,0.1\n" * 5
    with pytest.raises(InputError, match="'Time' has 'noon', which is no time"):
        read(tmp_path, text)


def test_a_record_that_begins_within_a_step(tmp_path):
    """The clock and the counter of the step say what came before the first row."""
    record = exports.record(np.random.default_rng(11))
    cut = record.take(np.arange(len(record.t)) >= 6)
    measured = read(tmp_path, exports.maccor(cut, W()), ".txt")
    assert right(charges(measured), record.truth), charges(measured)

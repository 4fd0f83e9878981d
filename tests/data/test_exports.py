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


def holes(record, r):
    """A third of the rows within a step missing."""
    ends = np.diff(record.step, append=-1) + np.diff(record.step, prepend=-1) != 0
    return record.take(ends | (r.random(len(record.t)) > 0.33))


HAPPENS = [pause, from_the_middle, last_row_off, first_row_off, without_first_rows]
HAPPENS += [rows_twice, holes]


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
        assert right(found, record.truth) or measured.doubts, (found, measured.notes)

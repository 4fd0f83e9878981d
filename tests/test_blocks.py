"""Points of a sweep in blocks: the same as one by one, whatever the blocks."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.numerics import Numerics
from tfbsim.result.load import load_result
from tfbsim.result.result import STEPS, SUMMARY
from tfbsim.run import blocks, run, stored, workers
from tfbsim.run.ledger import LEDGER
from tfbsim.run.run import run_experiment
from tfbsim.solver import batch

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=40, rtol=1e-6, atol=1e-8, compile=True)
# Some are beyond what the film takes, one is not to be made at all
SWEEP = """\
format: 1
kind: experiment
cell: cell.yaml
curves: {{cycles: none}}
conditioning: ["Discharge at 1C until 3.5 V"]
steps:
  - Charge at {{rate}} until {{upper}}
  - Hold at {{upper}} until C/20 or for 2 h
  - Rest for 3 minutes
  - Discharge at {out} until 3.5 V
cycles: 2
sweep:
  method: zip
  factors:
    cathode.thickness: {{log: [1 um, 9 um, 12]}}
    rate: {{log: [C/5, 20C, 12]}}
    upper: {{linear: [3.9 V, 4.1 V, 12]}}
    anode.lithium: {lithium}
    temperature: {{linear: [20 degC, 40 degC, 12]}}
"""
LITHIUM = "[2 um, 9.8 mm, 2 um, 2 um, 3 um, 3 um, 3 um, 2 um, 2 um, 2 um, 2 um, 9.9 mm]"
NUMBERS = {"rtol": 1e-7, "atol": 1e-9}
# Imports once, then forks a run into each folder it is told, says its process id, and
# waits for it
RUNS = """\
import os, sys
from tfbsim.experiment.expand import expand
from tfbsim.numerics import Numerics
from tfbsim.run import blocks, workers
from tfbsim.run.run import run_experiment

workers.FIRST_OF_BLOCKS, workers.MOST_OF_BLOCKS = 4, 8
expanded = expand(sys.argv[1])
numerics = Numerics(points=40, rtol=1e-6, atol=1e-8, compile=True)
blocks.kernel_of(expanded.cases, numerics)
print("ready", flush=True)
for folder in map(str.rstrip, sys.stdin):
    if pid := os.fork():
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("gone", flush=True)
        continue
    of = {"numerics": numerics, "figures": False, "resume": True}
    run_experiment(expanded, workers=2, folder=folder, **of)
    os._exit(0)
"""
KILLS = 10


@pytest.fixture
def folder(tmp_path):
    for name in ("cell.yaml", "ocv.csv"):
        shutil.copy(INPUTS / name, tmp_path)
    return tmp_path


def written(folder: Path, out: str = "{rate}", lithium: str = LITHIUM) -> Path:
    path = folder / "e.yaml"
    path.write_text(SWEEP.format(out=out, lithium=lithium))
    return path


def one_by_one(path: Path, monkeypatch) -> tuple[pd.DataFrame, pd.DataFrame]:
    with monkeypatch.context() as patch:
        patch.setattr(run, "kernel_of", lambda *_: None)
        result = run_experiment(path, numerics=COARSE)
    assert result.provenance["solved"] == {run.ONE_BY_ONE: 12}
    return result.summary, result.steps


@pytest.mark.parametrize("out", ["{rate}", "90 uW/cm2", "20 uA/cm2"])
def test_are_what_each_point_is_by_itself(folder, monkeypatch, out):
    path = written(folder, out)
    result = run_experiment(path, numerics=COARSE)
    by = result.provenance["solved"]
    assert by[run.IN_BLOCKS] >= 4 and by[run.ONE_BY_ONE] >= 1 and sum(by.values()) == 12
    for found, wanted in zip(
        (result.summary, result.steps), one_by_one(path, monkeypatch), strict=True
    ):
        errors = [c for c in wanted if "error" in c.lower()]
        pd.testing.assert_frame_equal(
            found.drop(columns=errors), wanted.drop(columns=errors), **NUMBERS
        )
        assert (found[errors].isna() == wanted[errors].isna()).all(axis=None)
    assert {*result.steps["Outcome"]} > {"reached", "solver failed"}
    assert len(result.cases) == 12
    for k, case in enumerate(result.cases):
        assert case.name == f"{k + 1:02d}" == result.cases[k].name
        assert len(case.rows) == 2 and len(case.steps) == 9
    for some in (slice(2, 9), slice(None, None, -3), slice(4, 4)):
        names = [case.name for case in result.cases[some]]
        assert names == [case.name for case in list(result.cases)[some]]
    with pytest.raises(IndexError):
        result.cases[12]


def test_of_a_cell_with_layers_around_it(folder, monkeypatch):
    path, cell = written(folder), folder / "cell.yaml"
    layers = "stack:\n  substrate: {material: steel, thickness: 9 um, density: 8 g/cm3}\n"
    whole = cell.read_text().replace("2e-6 S/cm", "2e-6 S/cm\n  density: 2.3 g/cm3")
    cell.write_text(whole + layers)
    varied = "    stack.substrate.thickness: {linear: [9 um, 20 um, 12]}\n"
    path.write_text(path.read_text() + varied)
    result = run_experiment(path, numerics=COARSE)
    assert result.provenance["solved"][run.IN_BLOCKS] >= 4
    wanted = one_by_one(path, monkeypatch)[0].filter(like="energy density")
    found = result.summary[list(wanted)]
    assert len(wanted.columns) == 2 and wanted.notna().sum().min() >= 8
    pd.testing.assert_frame_equal(found, wanted, **NUMBERS)


def test_warnings_are_told_once_of_all(folder, monkeypatch):
    path = written(folder, lithium="[0 um" + ", 0 um" * 11 + "]")
    result = run_experiment(path, numerics=COARSE)
    told = {words: one["cases"] for words, one in result.warnings.items()}
    (words,) = (w for w in told if "no lithium as made" in w)
    assert told[words] == 12


@pytest.mark.parametrize("count", [1, 2])
def test_the_same_bytes_whatever_the_blocks(folder, monkeypatch, count):
    expanded = expand(written(folder))
    run_experiment(expanded, numerics=COARSE, folder=folder / "whole", figures=False)
    monkeypatch.setattr(workers, "FIRST_OF_BLOCKS", 3)
    monkeypatch.setattr(workers, "MOST_OF_BLOCKS", 4)
    out = folder / "parts"
    of = {"numerics": COARSE, "folder": out, "figures": False}
    run_experiment(expanded, workers=count, **of)
    with closing(sqlite3.connect(out / LEDGER)) as opened, opened:
        ((there,),) = opened.execute("SELECT count(*) FROM blocks")
        assert there >= 2
        opened.execute("DELETE FROM blocks WHERE first > 2")
    told = []
    run_experiment(expanded, resume=True, progress=lambda *n: told.append(n), **of)
    # One fails before it has a cycle
    assert np.sum(told, axis=0).tolist() == [11 * 3, 1]
    for name in (SUMMARY, STEPS, "provenance.json"):
        assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_a_loaded_result_is_as_the_one_that_was_run(folder):
    out = folder / "out"
    result = run_experiment(written(folder), numerics=COARSE, folder=out, figures=False)
    again = load_result(out)
    assert type(again.cases) is type(result.cases) and len(again.cases) == 12
    assert again.warnings == result.warnings and again.laws == result.laws
    for one, other in zip(again.cases, result.cases, strict=True):
        assert (one.name, one.cell) == (other.name, other.cell)
        for rows in ("rows", "steps"):
            found, wanted = (pd.DataFrame(getattr(c, rows)) for c in (one, other))
            wanted = wanted[list(found)].dropna(axis=1)
            found = found.dropna(axis=1)
            pd.testing.assert_frame_equal(found, wanted, check_dtype=False, rtol=1e-9)
    names = [case.name for case in again.cases[2:9:3]]
    assert names == ["03", "06", "09"]


def test_a_damaged_block(folder):
    path, out = written(folder), folder / "out"
    run_experiment(path, numerics=COARSE, folder=out, figures=False)
    whole = (out / LEDGER).read_bytes()
    for change in (
        {"columns": b""},
        {"header": b"{}"},
        {"header": b"["},
        {"header": b'{"rows": [{"x": {"row": 999}}], "steps": []}'},
        {"numbers": bytes(16)},
        {"numbers": b"abc"},
        None,  # whole, and another than was kept
    ):
        (out / LEDGER).write_bytes(whole)
        with closing(sqlite3.connect(out / LEDGER)) as opened, opened:
            asked = "SELECT sweep, numbers, version, header, columns FROM blocks"
            block = stored.Block(*opened.execute(asked).fetchone())._replace(
                **(change or {})
            )
            digest = stored.digest(block) if change else b"another"
            values = block.numbers, block.header, block.columns, digest
            of = "numbers = ?, header = ?, columns = ?, digest = ?"
            opened.execute(f"UPDATE blocks SET {of}", values)
        with pytest.raises(InputError, match=r"damaged .*--overwrite"):
            run_experiment(path, numerics=COARSE, folder=out, figures=False, resume=True)


def test_many_points_without_a_word_on_how(folder, monkeypatch):
    path = written(folder)
    plain = Numerics(points=40)
    monkeypatch.setattr(batch, "WORTH_COMPILING", 181)
    assert blocks.kernel_of(expand(path).cases, plain) is None
    monkeypatch.setattr(batch, "WORTH_COMPILING", 180)  # 5 steps in each of 3 cycles
    result = run_experiment(path, numerics=plain)
    assert result.provenance["solved"][run.IN_BLOCKS] >= 4
    assert not result.provenance["numerics"]["compile"]
    alone = run_experiment(path, numerics=COARSE).summary
    capacity = "Discharge capacity [uA.h.cm-2]"
    there = alone["Outcome"] == "reached"
    assert np.allclose(result.summary[capacity][there], alone[capacity][there], rtol=1e-4)


def test_what_keeps_curves_or_has_other_ends_is_run_one_by_one(folder):
    path = written(folder)
    text = path.read_text()
    for old, new in (
        ("cycles: none", "cycles: all"),
        ("Rest for 3 minutes", "Sweep to 3.9 V at 1 mV/s"),
        ("Rest for 3 minutes", "EIS at 3.9 V"),
    ):
        path.write_text(text.replace(old, new))
        assert blocks.kernel_of(expand(path).cases, COARSE) is None


def kept(path: Path) -> int:
    """Blocks of a ledger."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as opened, opened:
        try:
            return int(opened.execute("SELECT count(*) FROM blocks").fetchone()[0])
        except sqlite3.OperationalError:  # it has no tables yet
            return 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_and_resumed_to_the_same_bytes(folder):
    path = written(folder, lithium="{linear: [2 um, 3 um, 400]}")
    path.write_text(path.read_text().replace(", 12]", ", 400]"))
    rng, met = random.Random(1), []
    with subprocess.Popen(
        [sys.executable, "-c", RUNS, str(path)],
        env=os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runs:
        assert runs.stdin and runs.stdout and runs.stdout.readline() == "ready\n"

        def begin(name: str) -> int:
            runs.stdin.write(f"{folder / name}\n")
            runs.stdin.flush()
            return int(runs.stdout.readline())

        begin("whole")
        assert runs.stdout.readline() == "gone\n"
        every, out = kept(folder / "whole" / LEDGER), folder / "killed" / LEDGER
        for _ in range(KILLS):
            pid, goal = begin("killed"), kept(out) + rng.randrange(every // KILLS)
            limit = time.monotonic() + 60
            while kept(out) < goal and time.monotonic() < limit:
                time.sleep(1e-3)
            time.sleep(rng.uniform(0, 0.02))
            os.kill(pid, signal.SIGKILL)
            assert runs.stdout.readline() == "gone\n"
            met.append(kept(out))
        begin("killed")
        assert runs.stdout.readline() == "gone\n"
    assert every > 2 * KILLS
    assert sum(0 < blocks < every for blocks in met) > KILLS / 2, met
    for name in (SUMMARY, STEPS, "provenance.json"):
        found, wanted = (folder / of / name for of in ("killed", "whole"))
        assert found.read_bytes() == wanted.read_bytes()

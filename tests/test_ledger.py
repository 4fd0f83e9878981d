"""The ledger: what is finished is kept, whatever happens to the processes."""

import json
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
import zlib
from contextlib import closing
from dataclasses import fields, replace
from multiprocessing import get_all_start_methods, parent_process
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import tfbsim
from tfbsim import simulate
from tfbsim.errors import InputError
from tfbsim.experiment.cases import Case, Cases
from tfbsim.experiment.expand import expand
from tfbsim.experiment.experiment import CurveSelection
from tfbsim.numerics import Numerics
from tfbsim.output import CannotWrite
from tfbsim.result.case import CaseResult
from tfbsim.result.load import load_result
from tfbsim.result.result import CURVES, STEPS, SUMMARY, Result
from tfbsim.run.ledger import APPLICATION, FORMAT, LEDGER, Ledger, Point, discard
from tfbsim.run.run import run_experiment

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
BYTES = (SUMMARY, STEPS, CURVES, "losses.csv")
# 40 cases of some 0.1 s
MANY = """\
format: 1
kind: experiment
cell: cell.yaml
steps: ['Discharge at {rate} until 3.6 V', Charge at 1C until 4 V]
cycles: 60
cases:
  - grid:
      rate: {linear: [1C, 5C, 20]}
      cathode.thickness: [1 um, 2 um]
"""


@pytest.fixture(scope="module")
def results():
    return run_experiment(INPUTS / "experiment.yaml", numerics=COARSE).cases


@pytest.fixture
def path(tmp_path):
    return tmp_path / LEDGER


@pytest.fixture
def many(tmp_path):
    return written(tmp_path)


def written(folder: Path) -> Path:
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    (folder / "many.yaml").write_text(MANY)
    return folder / "many.yaml"


def identical(a: CaseResult, b: CaseResult) -> None:
    for field in fields(CaseResult):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if field.name == "curves":
            xr.testing.assert_identical(left, right)
            assert list(left.variables) == list(right.variables)
            for name, variable in left.variables.items():
                assert variable.dtype == right[name].dtype
                assert variable.values.tobytes() == right[name].values.tobytes()
        else:
            assert repr(left) == repr(right)  # every digit, every nan, in order


class TestRoundTrip:
    def test_cases(self, results, path):
        with Ledger(path) as ledger:
            ledger.add(map(Point.of, results))
        keys = [case.key for case in results]
        with Ledger(path) as ledger:
            assert ledger.finished() == set(keys)
            for order in (keys, keys[::-1], ["none", keys[3]]):
                found = list(ledger.get(order))
                wanted = [results[keys.index(k)] for k in order if k in keys]
                for a, b in zip(found, wanted, strict=True):
                    identical(a, b)

    def test_the_files_are_the_same_bytes(self, results, tmp_path):
        again = [Point.of(case).result() for case in results]
        for name, cases in (("a", results), ("b", again)):
            Result(cases).save(tmp_path / name, figures=False)
        for name in BYTES:
            first, second = ((tmp_path / k / name).read_bytes() for k in "ab")
            assert first == second

    def test_numbers(self, results):
        numbers = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 1 / 3]
        row = results[0].rows[0] | {str(k): number for k, number in enumerate(numbers)}
        row |= {"int": 2**53 + 1, "float": np.float64(0.1), "integer": np.int64(3)}
        case = replace(results[0], rows=[row], warnings=["σ 'a' \"b\"\n"])
        (found,) = Point.of(case).result().rows
        assert repr(found) == repr(row | {"float": 0.1, "integer": 3})
        assert Point.of(case).result().warnings == case.warnings

    def test_steps_that_never_ran(self):
        cell = tfbsim.load_cell(INPUTS / "cell.yaml")
        steps = ["Discharge at 1 W/cm2 until 3 V", "Rest for 1 s"]
        case = simulate(cell, steps, numerics=COARSE).cases[0]
        identical(Point.of(case).result(), case)


class TestRows:
    def point(self, key="k", failed=None, name="n"):
        return Point(key, name, failed, "1", b"tables", b"curves")

    def names(self, path):
        with closing(sqlite3.connect(path)) as opened:
            return dict(opened.execute("SELECT key, name FROM points"))

    def test_what_is_finished_stays(self, path):
        with Ledger(path) as ledger:
            ledger.add([self.point(name="first")])
            for failed in (None, "why"):
                ledger.add([self.point(failed=failed, name="second")])
            assert ledger.finished() == {"k"}
        assert self.names(path) == {"k": "first"}

    def test_what_failed_may_succeed(self, path):
        with Ledger(path) as ledger:
            ledger.add([self.point(failed="why")])
            assert ledger.finished() == set()
            ledger.add([self.point()])
            assert ledger.finished() == {"k"}

    def test_a_batch_is_kept_whole_or_not_at_all(self, path):
        with Ledger(path) as ledger:
            with pytest.raises(InputError):
                ledger.add([self.point(), self.point("l", name=None)])
            assert ledger.finished() == set()
            ledger.add([self.point()])
        assert list(self.names(path)) == ["k"]

    def test_committed_as_soon_as_added(self, path):
        with Ledger(path) as one, Ledger(path) as other:
            one.add([self.point("a")])
            assert other.finished() == {"a"}
            other.add([self.point("b")])
            assert one.finished() == {"a", "b"}
        assert [p.name for p in path.parent.iterdir()] == [LEDGER]  # the log is gone

    def test_in_memory(self):
        with Ledger(":memory:") as ledger:
            ledger.add([self.point()])
            assert ledger.finished() == {"k"}
        assert not Path(":memory:").exists()


class TestOtherFiles:
    def refused(self, path, *words):
        with pytest.raises(InputError) as caught, Ledger(path) as ledger:
            list(ledger.get(["k"]))
        text = str(caught.value)
        assert str(path) in text and text.splitlines() == [text]
        assert all(word in text for word in words)
        discard(path)  # as --overwrite does
        with Ledger(path) as ledger:
            assert ledger.finished() == set()

    @pytest.mark.parametrize("content", [b"no", b"\x00" * 5000, b"SQLite format 3\x00"])
    def test_of_something_else(self, path, content):
        path.write_bytes(content)
        self.refused(path, "--overwrite")

    def test_a_database_of_something_else(self, path):
        with closing(sqlite3.connect(path)) as opened:
            opened.execute("CREATE TABLE points (key TEXT)")
        before = path.read_bytes()
        with pytest.raises(InputError):
            Ledger(path)
        assert path.read_bytes() == before
        self.refused(path, "no ledger of tfbsim", "--overwrite")

    def test_of_another_version(self, path):
        with closing(sqlite3.connect(path)) as opened:
            opened.execute(f"PRAGMA application_id = {APPLICATION}")
            opened.execute(f"PRAGMA user_version = {FORMAT + 1}")
        self.refused(path, "another version", f"format {FORMAT + 1}", "--overwrite")

    @pytest.mark.parametrize("column", ["tables", "curves"])
    @pytest.mark.parametrize("damage", [b"", b"\x00", "", 3, "cut", "bit"])
    def test_a_damaged_point(self, results, path, column, damage):
        point = Point.of(results[0])._replace(key="k")
        content = getattr(point, column)
        if damage == "cut":
            damage = content[:-20]
        elif damage == "bit":
            middle = len(content) // 2
            byte = bytes([content[middle] ^ 4])
            damage = content[:middle] + byte + content[middle + 1 :]
        with Ledger(path) as ledger:
            ledger.add([point._replace(**{column: damage})])
        self.refused(path, "damaged", "--overwrite")

    @pytest.mark.parametrize(
        "change",
        [
            lambda t: t.update(rows=[]),
            lambda t: t.update(rows={}),
            lambda t: t.update(rows=[[]]),
            lambda t: t.update(rows=t["rows"] * 2),
            lambda t: t.update(steps=[]),
            lambda t: t.update(cell=3),
            lambda t: t.update(warnings=[None]),
            lambda t: t.update(more=1),
            lambda t: t.pop("warnings"),
            lambda t: t["rows"][0].update({"Case": "another"}),
            lambda t: t["rows"][0].update({"Cycle number": 2}),
            lambda t: t["rows"][0].update({"Cycle number": "1"}),
            lambda t: t["rows"][0].update({"Outcome": "well"}),
            lambda t: t["rows"][0].update({"Outcome": []}),
            lambda t: t["rows"][0].update({"Discharge capacity [mA.h.g-1]": "much"}),
            lambda t: t["rows"][0].update({"Lithium balance error": None}),
            lambda t: t["rows"][0].pop("Charge balance error"),
            lambda t: t["steps"][0].update({"Detail": 3}),
            lambda t: t["steps"][0].pop("Step"),
            lambda t: t["curves"][0].pop(),
            lambda t: t["curves"][0].__setitem__(2, "O"),
            lambda t: t["curves"][0].__setitem__(3, [-1]),
            lambda t: t["curves"][0].__setitem__(3, [10**9]),
            lambda t: t["curves"][0].__setitem__(3, [10**12]),
        ],
    )
    def test_rows_of_no_case(self, results, path, change):
        """Whoever wrote them knew how a point is kept."""
        point = Point.of(results[0])._replace(key="k")
        tables = json.loads(zlib.decompress(point.tables))
        change(tables)
        packed = zlib.compress(json.dumps(tables).encode())
        with Ledger(path) as ledger:
            ledger.add([point._replace(tables=packed)])
        self.refused(path, "damaged", "--overwrite")

    @pytest.mark.parametrize("column", ["key", "name", "failed", "version", "tables"])
    def test_a_point_that_was_changed(self, results, path, column):
        with Ledger(path) as ledger:
            ledger.add([Point.of(results[0])._replace(key="j")])
        with closing(sqlite3.connect(path)) as opened, opened:
            opened.execute(f"UPDATE points SET {column} = 'k'")
            opened.execute("UPDATE points SET key = 'k'")
        self.refused(path, "damaged", "--overwrite")

    @pytest.mark.parametrize("column", ["tables", "curves"])
    def test_a_bomb(self, results, path, column):
        """Refused without being unpacked as a whole."""
        packed = zlib.compress(bytes(2**28), 1)
        point = Point.of(results[0])._replace(key="k", **{column: packed})
        with Ledger(path) as ledger:
            ledger.add([point])
        tracemalloc.start()
        self.refused(path, "damaged", "--overwrite")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**28

    def test_a_folder_in_its_place_stays(self, path):
        path.mkdir()
        with pytest.raises(CannotWrite):
            discard(path)
        assert path.is_dir()

    def test_a_file_cut_short(self, results, path):
        with Ledger(path) as ledger:
            ledger.add([Point.of(results[0])._replace(key="k")])
        path.write_bytes(path.read_bytes()[:9000])
        self.refused(path, "--overwrite")

    def test_a_folder(self, path):
        path.mkdir()
        with pytest.raises(InputError, match="cannot be read or written"):
            Ledger(path)

    def test_one_that_another_process_has_open_stays(self, path):
        code = (
            "import sys; from tfbsim.run.ledger import Ledger\n"
            "with Ledger(sys.argv[1]): print(flush=True); input()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, path],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout.readline() == b"\n"
            with pytest.raises(InputError, match="another process"):
                discard(path)
            process.kill()
        discard(path)
        assert list(path.parent.iterdir()) == []


class Unkind(CurveSelection):
    """Is asked in the midst of a case which curves it keeps, and goes wrong."""

    def __repr__(self):
        return repr(CurveSelection(self.cycles, self.error))  # the same key


class Raises(Unkind):
    """For a reason nobody thought of."""

    def of(self, cycle):
        raise ZeroDivisionError("by\nchance")


class Refuses(Unkind):
    """For what a user gave."""

    def of(self, cycle):
        raise InputError("will not do")


class Dies(Unkind):
    """Kills the process that runs the case."""

    def of(self, cycle):
        if parent_process():
            os.kill(os.getpid(), signal.SIGKILL)
        return True


class DiesOnce(Dies):
    """Kills the first process that runs the case."""

    once = Path("once")

    def of(self, cycle):
        if parent_process() and not self.once.exists():
            self.once.touch()
            return super().of(cycle)
        return True


def becomes(case: Case, kind: type[CurveSelection]) -> Case:
    return replace(case, curves=kind())


class TestFailing:
    @pytest.fixture
    def some(self):
        """Four cases that are quick to run."""
        expanded = expand(INPUTS / "experiment.yaml", None, {"cycles": "1"})
        return replace(expanded, cases=Cases(expanded.cases[:4]), measured=[])

    def second(self, some, kind):
        """The second of them goes wrong."""
        first, second, *others = some.cases
        cases = Cases([first, becomes(second, kind), *others])
        return second.name, replace(some, cases=cases)

    def without(self, expanded, result, name):
        """Every other case as it is when nothing fails."""
        whole = run_experiment(expanded, numerics=COARSE)
        for one, other in zip(whole.cases, result.cases, strict=True):
            if other.name != name:
                identical(one, other)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_case_that_cannot_be_run(self, some, tmp_path, workers):
        bad, others = self.second(some, Raises)
        told = []

        def tell(*numbers):
            told.append(numbers)

        result = run_experiment(
            others,
            numerics=COARSE,
            workers=workers,
            folder=tmp_path,
            resume=True,
            progress=tell,
        )
        self.without(some, result, bad)
        assert sum(failed for _, failed in told) == 1
        assert not result.as_asked
        steps = result.cases[1].steps
        assert [row["Outcome"] for row in steps] == ["solver failed", *["skipped"] * 2]
        assert steps[0]["Detail"] == "failed: ZeroDivisionError: by\\nchance"
        assert [row["Outcome"] for row in result.cases[1].rows] == ["skipped"]
        assert math.isnan(result.cases[1].rows[0]["Mean discharge voltage [V]"])
        with closing(sqlite3.connect(tmp_path / LEDGER)) as opened:
            (found,) = opened.execute(
                "SELECT name, failed FROM points WHERE failed IS NOT NULL"
            )
        assert found == (bad, "ZeroDivisionError: by\\nchance")
        assert load_result(tmp_path).summary["Case"].nunique() == 4
        assert "ZeroDivisionError" in (tmp_path / "report.html").read_text()
        # It is tried again, and nothing else
        told.clear()
        again = run_experiment(
            some, numerics=COARSE, workers=1, folder=tmp_path, resume=True, progress=tell
        )
        self.without(some, again, "")
        each = some.cases[1].protocol.all_cycles
        assert told[0] == (3 * each, 0) and np.sum(told, axis=0).tolist() == [4 * each, 0]

    def test_all_cases_fail(self, some, tmp_path):
        bad = [becomes(case, Raises) for case in some.cases]
        result = run_experiment(
            replace(some, cases=Cases(bad)), numerics=COARSE, workers=1, folder=tmp_path
        )
        assert list(load_result(tmp_path).summary["Outcome"]) == ["skipped"] * 4
        assert not result.as_asked

    @pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
    def test_bad_input_still_ends_the_run(self, some, tmp_path, workers):
        _, others = self.second(some, Refuses)
        with pytest.raises(InputError, match="will not do"):
            run_experiment(others, numerics=COARSE, workers=workers, folder=tmp_path)

    @pytest.mark.slow
    def test_a_case_that_kills_its_process(self, some, tmp_path):
        bad, others = self.second(some, Dies)
        result = run_experiment(others, numerics=COARSE, workers=2, folder=tmp_path)
        self.without(some, result, bad)
        assert result.cases[1].steps[0]["Detail"].endswith("was killed, twice")

    @pytest.mark.slow
    def test_a_process_that_is_killed_once(self, some, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        _, others = self.second(some, DiesOnce)
        result = run_experiment(others, numerics=COARSE, workers=2, folder=tmp_path)
        assert (tmp_path / "once").exists() and result.as_asked
        self.without(some, result, "")

    @pytest.mark.slow
    @pytest.mark.parametrize("method", ["fork", "spawn"])
    def test_a_script_without_a_guard(self, many, method):
        """Runs where processes fork; elsewhere it is told what it lacks."""
        if method not in get_all_start_methods():
            pytest.skip("not on this system")
        (many.parent / "script.py").write_text(
            "from tfbsim.run import workers\n"
            "from tfbsim.run.run import run_experiment\n"
            f"workers.METHOD = '{method}'\n"
            "run_experiment('many.yaml', workers=2)\n"
        )
        done = subprocess.run(
            [sys.executable, "script.py"],
            cwd=many.parent,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        if method == "fork":
            assert (done.returncode, done.stderr) == (0, "")
        else:
            assert done.returncode == 1 and "__name__ == '__main__'" in done.stderr


# --- Killed, interrupted and run twice at once, as a user starts it -------------------


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])}


def start(
    many: Path, out: str, workers: int, *options: str, **keywords
) -> subprocess.Popen:
    command = [sys.executable, "-m", "tfbsim", "run", many.name, "--out", out]
    command += ["--points", "20", "--quiet", "--workers", str(workers), *options]
    return subprocess.Popen(
        command,
        cwd=many.parent,
        env=environment(),
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        **keywords,
    )


def differing(one: Path, other: Path) -> list[str]:
    return [n for n in BYTES if (one / n).read_bytes() != (other / n).read_bytes()]


def points(folder: Path) -> int:
    """Points that were committed, read as the file is."""
    if not (folder / LEDGER).is_file():
        return 0
    with closing(sqlite3.connect(folder / LEDGER)) as opened:
        if not opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return 0
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return opened.execute("SELECT count(*) FROM points").fetchone()[0]


def group_ends(group: int) -> bool:
    """Whether all processes of a group are gone within seconds."""
    for _ in range(500):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The result of one undisturbed run."""
    many = written(tmp_path_factory.mktemp("whole"))
    with start(many, "out", 1) as process:
        assert process.wait(120) == 0
    return many.parent / "out"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_killed_50_times(many, whole, figure):
    rng, out = random.Random(1), many.parent / "out"
    total, struck = points(whole), 0
    for k in range(50):
        before = points(out)
        with start(many, "out", 1 + (k % 5 == 4), "--resume") as process:
            if k % 2 and before < total:  # soon after the first point it adds
                while points(out) == before and process.poll() is None:
                    time.sleep(0.02)
                time.sleep(rng.uniform(0, 0.2))
            else:  # any time
                time.sleep(rng.uniform(0.3, 3))
            process.kill()
            assert process.wait() == -signal.SIGKILL
        assert group_ends(process.pid)  # the workers too
        struck += before < points(out) < total
    assert struck >= 10
    with start(many, "out", 1, "--resume") as process:
        assert process.wait(120) == 0
    changed = differing(whole, out)
    figure("50 kills of a run, resumed: files that differ", len(changed), at_most=0)


@pytest.mark.slow
def test_two_processes_on_one_folder(many, whole):
    both = [start(many, "out", 1, "--resume") for _ in range(2)]
    for process in both:
        with process:
            assert process.wait(120) == 0
    assert points(many.parent / "out") == points(whole)
    assert differing(whole, many.parent / "out") == []


@pytest.mark.slow
def test_overwriting_what_another_process_writes_is_refused(many):
    with start(many, "out", 1) as process:
        while not points(many.parent / "out"):
            time.sleep(0.02)
        with start(many, "out", 1, "--overwrite") as other:
            assert other.wait(60) == 2
            assert "another process" in other.stderr.read()
        assert process.wait(120) == 0
    assert load_result(many.parent / "out").as_asked


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as a terminal does")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(many, whole, workers):
    """As a terminal sends it: to the workers too."""
    out = many.parent / "out"
    with start(many, "out", workers) as process:
        while points(out) < 3:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
        (told,) = process.stderr.read().splitlines()
        assert told.startswith("interrupted; what was finished is in")
    assert group_ends(process.pid)
    kept = load_result(out, incomplete=True).cases
    assert 3 <= len(kept) == points(out) < points(whole)
    assert not list(out.glob("*.png"))
    with start(many, "out", 1, "--resume") as process:
        assert process.wait(120) == 0
    assert differing(whole, out) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts as a terminal does")
def test_ctrl_c_while_the_workers_start(many):
    with start(many, "out", 2) as process:
        while not (many.parent / "out" / LEDGER).exists():
            time.sleep(0.02)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
        (told,) = process.stderr.read().splitlines()
        assert told.startswith("interrupted")
    assert group_ends(process.pid)

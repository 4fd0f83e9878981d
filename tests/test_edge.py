"""The edge of the command line: whatever goes wrong is one sentence and an exit code."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tfbsim
from tfbsim import cli
from tfbsim.cli import console
from tfbsim.errors import InputError

INPUTS = Path(__file__).parent / "inputs"
LONG = "a" * 300
PLACES = ("cell.yaml/x", "/sys/x", "/proc/x")
FAST = ("--points", "8", "--rtol", "1e-3")
SWEEP = """\
format: 1
kind: experiment
cell: cell.yaml
numerics: {points: 12, rtol: 1e-3}
steps: ['Discharge at {rate} until 3.5 V']
sweep:
  method: sobol
  points: 16
  factors:
    cathode.thickness: {uniform: [1 um, 5 um]}
    rate: {loguniform: [0.5C, 5C]}
"""
ONE = """\
format: 1
kind: experiment
cell: cell.yaml
numerics: {points: 12, rtol: 1e-3}
steps: ['Discharge at {rate} until 3.5 V']
cases: [{rate: 1C}, {rate: 2C}]
"""
AGED = """\
format: 1
kind: experiment
cell: aged-cell.yaml
numerics: {points: 8, rtol: 1e-3}
steps: ['Discharge at 2C until 3.8 V', 'Charge at 2C until 4 V']
cycles: 4
check_up:
  every: 3
  steps:
    - Rest for 1 minute
    - Discharge at 1C for 10 s
    - EIS at 3.9 V, 1 Hz to 100 Hz, 1 per decade
    - Discharge at 1C until 3.8 V
    - Charge at 1C until 4 V
cases: [{cathode.thickness: 1 um}, {cathode.thickness: 2 um}]
"""
AGEING = """
ageing:
  interphase_with_time:
    {initial_resistance: 5 ohm.cm2, growth: 40 ohm.cm2, growth_time: 10 h}
  lithium_consumption: {current: 0.2 uA/cm2}
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="as POSIX does")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with inputs and the results of a sweep and of two cases."""
    folder = tmp_path_factory.mktemp("results")
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    (folder / "sweep.yaml").write_text(SWEEP)
    (folder / "one.yaml").write_text(ONE)
    (folder / "aged.yaml").write_text(AGED)
    cell = (folder / "cell.yaml").read_text()
    (folder / "aged-cell.yaml").write_text(cell + AGEING)
    (folder / "measured.csv").write_text(measured())
    (folder / "slow.csv").write_text(slow())
    for name in ("sweep", "one", "aged"):
        done = tfb(folder, "run", f"{name}.yaml", "--out", name, "--quiet")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(results, tmp_path):
    return Path(shutil.copytree(results, tmp_path / "here"))


def python(code):
    environment = os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def tfb(folder, *command, ready=None, **how):
    source = str(Path(tfbsim.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": source} | how.pop("env", {})
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run(
        [sys.executable, "-m", "tfbsim", *map(str, command)],
        cwd=folder,
        env=environment,
        text=True,
        timeout=120,
        preexec_fn=ready,
        **streams,
    )


@pytest.fixture
def inside(here, monkeypatch, capsys):
    """Run a command in this process."""
    monkeypatch.chdir(here)
    monkeypatch.setattr(console.out, "_file", None)  # so that they write to capsys
    monkeypatch.setattr(console.err, "_file", None)

    def run(*command):
        monkeypatch.setattr(sys, "argv", ["tfbsim", *map(str, command)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        captured = capsys.readouterr()
        code = exit_.value.code
        return subprocess.CompletedProcess(command, code, captured.out, captured.err)

    return run


def refused(done, *words):
    """Exit code 2 and one sentence, short of a traceback."""
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.splitlines()
    assert all(word in sentence for word in words), sentence
    assert "fault of tfbsim" not in sentence


class TestStreams:
    @pytest.mark.parametrize("command", [["list"], ["show", "cell.yaml"], ["--help"]])
    def test_closed(self, here, command):
        done = tfb(here, *command, ready=lambda: os.close(1))
        assert (done.returncode, done.stderr) == (0, "")

    def test_all_closed(self, here):
        def close():
            for number in range(3):
                os.close(number)

        done = tfb(here, "run", "one.yaml", "--out", "r", ready=close)
        assert done.returncode == 0
        with open(here / "r" / "summary.csv") as file:
            assert len(file.readlines()) == 3

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
    def test_full(self, here):
        with open("/dev/full", "w") as full:
            refused(tfb(here, "list", stdout=full), "standard output", "space")
            done = tfb(here, "run", "one.yaml", "--out", "r", stdout=full)
            refused(done, "standard output")
            assert tfb(here, "report", "r").returncode == 0  # it is there whole
            assert tfb(here, "check", "no.yaml", stderr=full).returncode == 2

    def test_the_reader_of_a_pipe_is_gone(self, here):
        reading, writing = os.pipe()
        os.close(reading)
        done = tfb(here, "run", "one.yaml", "--out", "r", stdout=writing)
        os.close(writing)
        assert (done.returncode, done.stderr) == (0, "")

    def test_ascii_alone(self, here):
        (here / "é.yaml").write_text(ONE.replace("rate: 1C", "rate: 1C, name: σ日本"))
        plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
        done = tfb(here, "run", "é.yaml", "--out", "r", env=plain)
        assert (done.returncode, done.stderr) == (0, "")
        assert r"\u03c3\u65e5\u672c" in done.stdout
        assert "σ日本" in (here / "r" / "summary.csv").read_text()


class TestWriting:
    COMMANDS = {
        "run": ["run", "one.yaml", "--out"],
        "compare": ["compare", "one.yaml", "measured.csv", "--own-current", "--out"],
        "fit-ocv": ["fit-ocv", "slow.csv", "--sites", "2", "--out"],
        "copy": ["copy", "gitt"],
        "new": ["new", "cell"],
    }

    @pytest.mark.parametrize("command", COMMANDS)
    @pytest.mark.parametrize(
        "place",
        [LONG, *(pytest.param(p, marks=pytest.mark.slow) for p in PLACES)],
    )
    def test_a_place_that_does_not_do(self, here, inside, command, place):
        place = f"{place}.yaml" if command in ("copy", "new") else place
        refused(inside(*self.COMMANDS[command], place), "annot be")

    @pytest.mark.parametrize("place", [LONG, "cell.yaml", "none"])
    def test_a_place_without_results(self, here, inside, place):
        refused(inside("report", place))

    @pytest.mark.parametrize("command", [["run", "one.yaml"], ["report", "one"]])
    def test_results_in_the_place_of_a_file_that_cannot_be_replaced(
        self, here, inside, command
    ):
        name = "summary.csv" if command[0] == "run" else "report.html"
        folder = here / ("r" if command[0] == "run" else "one")
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir(parents=True)
        (folder / name / "mine").touch()
        more = ["--out", "r", "--resume"] if command[0] == "run" else []
        refused(inside(*command, *more), name, "cannot be written")
        assert (folder / name / "mine").exists()

    @pytest.mark.parametrize("most", [3, pytest.param(30_000, marks=pytest.mark.slow)])
    def test_a_disk_that_is_full(self, here, most):
        """A limit on the size of files stands in for it."""

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        before = {p: p.read_bytes() for p in (here / "one").iterdir()}
        done = tfb(here, "report", "one", ready=limit)
        refused(done, "cannot be written", "too large")
        for path, content in before.items():
            if path.suffix in (".csv", ".nc", ".json"):
                assert path.read_bytes() == content
        if most < 3000:
            for command in (["copy", "gitt", "x.yaml"], ["new", "cell", "x.yaml"]):
                refused(tfb(here, *command, ready=limit), "cannot be written")
                assert not (here / "x.yaml").exists()
                assert tfb(here, *command).returncode == 0
                (here / "x.yaml").unlink()

    def test_a_copy_is_whole_or_not_there(self, here):
        """Some of its files fit onto the disk, others do not."""

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))

        command = ["copy", "lco-lipon-li-raijmakers2020", "new/x.yaml"]
        refused(tfb(here, *command, ready=limit), "cannot be written")
        assert not list((here / "new").iterdir())
        assert tfb(here, *command).returncode == 0


class TestReading:
    def test_what_is_no_regular_file(self, here, inside):
        os.mkfifo(here / "pipe.json")
        os.mkfifo(here / "pipe.yaml")
        (here / "deep.json").write_text("[" * 200_000)
        (here / "deeper.json").write_text('{"a":' * 200_000)
        (here / "big.json").touch()
        os.truncate(here / "big.json", 2 * 2**30)
        (here / "folder.json").mkdir()
        for name in ("pipe.json", "deep.json", "big.json"):
            refused(inside("run", name), name)
        for name in ("pipe.json", "deeper.json", "folder.json", "pipe.yaml"):
            command = ["run", "one.yaml", "--out", "r", "--scheduler", name]
            refused(inside(*command), name)
        refused(inside("run", "pipe.yaml"), "not a regular file")

    def test_a_quoted_field_without_end_beside_a_good_file(self, here, inside):
        (here / "good.csv").write_text(measured())
        (here / "bad.csv").write_text('t,V\n1,"' + "x" * 140_000 + '"\n' + measured())
        command = ["compare", "one.yaml", "bad.csv", "good.csv", "--own-current"]
        done = inside(*command, "--out", "c", "--quiet")
        assert "Traceback" not in done.stderr and "fault of" not in done.stderr
        assert "bad.csv" in done.stderr
        assert "good.csv" in (here / "c" / "comparison.csv").read_text()

    def test_an_encoding_that_is_none_of_text(self, here, inside):
        (here / "m.csv").write_text(measured())
        for name in ("punycode", "rot13", "\0"):
            text = f"format: 1\nkind: mapping\nencoding: {json.dumps(name)}\n"
            (here / "m.yaml").write_text(text)
            refused(inside("check", "m.yaml"), "encoding")

    def test_overwriting_a_ledger_that_is_none(self, here, inside):
        for content in (b"", b"nonsense" * 1000, b"SQLite format 3\0" + bytes(5000)):
            (here / "one" / "ledger.sqlite").write_bytes(content)
            done = inside("run", "one.yaml", "--out", "one", "--overwrite", "--quiet")
            assert (done.returncode, done.stderr) == (0, "")


def slow():
    """A slow discharge and charge, 10 mV apart."""
    lines = [
        f"{3600 * k},{4.2 - 0.02 * min(k, 40 - k) - sign * 0.005},{-sign}"
        for k in range(41)
        for sign in [1 if k <= 20 else -1]
    ]
    return "\n".join(["time [s],voltage [V],current [uA/cm2]", *lines]) + "\n"


def measured():
    lines = [f"{60 * k},{4.1 - 0.01 * k},-50" for k in range(40)]
    return "\n".join(["time [s],voltage [V],current [uA/cm2]", *lines]) + "\n"


class TestSignals:
    """An interrupt at any moment ends a command with its code, and keeps what is done."""

    COMMANDS = {
        "run": ["run", "one.yaml", "--out", "r"],
        "sweep": ["run", "sweep.yaml", "--out", "r", "--workers", "2"],
        "compare": ["compare", "one.yaml", "m.csv", "--own-current", "--out", "r"],
        "fit": [
            *("fit", "one.yaml", "m.csv", "--own-current", "--out", "r"),
            *("--vary", "contact_resistance=1 ohm cm2..100 ohm cm2"),
        ],
    }

    def started(self, here, name, *more):
        """A command that has begun to answer signals.

        Python by itself does not catch SIGTERM: the system says who catches what.
        """
        (here / "m.csv").write_text(measured())
        process = subprocess.Popen(
            [sys.executable, "-m", "tfbsim", *self.COMMANDS[name], *more],
            cwd=here,
            env=os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            caught = re.search(r"SigCgt:\s*(\w+)", status.read_text())
            if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
                break
        return process

    def longest(self, here, name):
        began = self.started(here, name)
        since = time.perf_counter()
        began.communicate(timeout=120)
        return time.perf_counter() - since

    def interrupted(self, here, name, after, number):
        """Exit code and errors of a command that gets a signal after some time [s]."""
        shutil.rmtree(here / "r", ignore_errors=True)
        process = self.started(here, name)
        time.sleep(after)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        lines = errors.splitlines()
        assert process.returncode in (0, 130), (after, errors)
        if process.returncode == 130:
            assert len(lines) == 1 and lines[0].startswith("interrupted"), (after, errors)
        return process.returncode

    def resumed(self, here, name):
        """The same bytes, in the end, as of a run without an interrupt."""
        again = tfb(here, *self.COMMANDS[name], "--resume")
        assert again.returncode == 0, again.stderr
        before = here / ("one" if name == "run" else "sweep") / "summary.csv"
        assert (here / "r" / "summary.csv").read_bytes() == before.read_bytes()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_at_once(self, here, number):
        assert self.interrupted(here, "sweep", 0, number) == 130

    @pytest.mark.exhaustive
    @pytest.mark.slow
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("name", COMMANDS)
    def test_at_random_moments(self, here, name, number):
        rng, last = (
            random.Random(f"{name}{number}"),
            self.longest(here, name),
        )
        codes = set()
        for _ in range(12):
            codes.add(self.interrupted(here, name, rng.uniform(0, last), number))
            if name in ("run", "sweep") and (here / "r").is_dir():
                self.resumed(here, name)
        assert 130 in codes

    def test_one_that_lands_in_a_destructor(self):
        """Python would print it and go on."""
        code = """
import signal, time
from tfbsim.cli import interrupts
interrupts.answer_signals()
class Lost:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)
try:
    Lost()
    time.sleep(30)
except KeyboardInterrupt:
    print("heard", interrupts.interrupted())
"""
        done = python(code)
        assert (done.stdout, done.stderr) == ("heard True\n", "")

    @pytest.mark.parametrize("other", ["raise ImportError from None", "raise", "pass"])
    def test_one_that_code_of_a_library_answers_its_own_way(self, other):
        """As NumPy's import does; Python notes an interrupt of text it executes."""
        code = f"""
import signal, time
from tfbsim import cli
def command():
    try:
        exec("signal.raise_signal(signal.SIGTERM); time.sleep(30)")
    except KeyboardInterrupt:
        {other}
cli._command = command
cli.main()
"""
        done = python(code)
        code, said = (0, "") if other == "pass" else (130, "interrupted\n")
        assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


# --- Bytes of every kind of file that a command reads ----------------------------------

MAPPING = """\
format: 1
kind: mapping
encoding: utf-8
columns: {time: "time [s]", voltage: "voltage [V]", current: 3}
units: {time: s, voltage: V, current: uA/cm2}
"""
CLUSTER = """\
format: 1
kind: cluster
address: tls://127.0.0.1:9
tls: {ca: ca.pem, certificate: own.pem, key: key.pem}
"""
CONNECT = ["run", "one.yaml", "--out", "r", "--quiet", "--scheduler"]
READ = {  # the file, and commands that read it
    "measured.csv": [["compare", "one.yaml", "measured.csv", "--own-current"]],
    "slow.csv": [["fit-ocv", "slow.csv", "--sites", "2"]],
    "mapping.yaml": [
        ["check", "mapping.yaml"],
        [*("compare", "one.yaml", "measured.csv"), "--mapping", "mapping.yaml"],
    ],
    "cluster.yaml": [["check", "cluster.yaml"], [*CONNECT, "cluster.yaml"]],
    "scheduler.json": [[*CONNECT, "scheduler.json"]],
    "one/ledger.sqlite": [["run", "one.yaml", "--out", "one", "--resume", "--quiet"]],
    "one/provenance.json": [
        ["report", "one"],
        ["run", "one/provenance.json", "--out", "r", "--quiet"],
        ["run", "one.yaml", "--out", "one", "--resume", "--quiet"],
    ],
    "one/summary.csv": [["report", "one"], ["report", "one", "--incomplete"]],
    "one/steps.csv": [["report", "one"], ["report", "one", "--incomplete"]],
    "one/losses.csv": [["report", "one"], ["report", "one", "--incomplete"]],
    "one/curves.nc": [["report", "one"], ["report", "one", "--incomplete"]],
}


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Cut, flipped in a bit, with bytes put in or taken out, or a piece twice."""
    at = rng.randrange(len(content))
    end = at + rng.choice([1, 1, 8, 100])
    match rng.randrange(6):
        case 0:
            return content[:at]
        case 1:
            flipped = content[at] ^ (1 << rng.randrange(8))
            return content[:at] + bytes([flipped]) + content[at + 1 :]
        case 2:
            return content[:at] + rng.randbytes(rng.choice([1, 8, 100])) + content[at:]
        case 3:
            return content[:at] + content[end:]
        case 4:
            return content[:end] + content[at:]
    odd = rng.choice([b"\0", b"nan", b"-1e400", b'"', b"[" * 3000, b"{", b",", b"\r"])
    return content[:at] + odd + content[at:]


@pytest.fixture
def damages(here, inside, monkeypatch):
    """Damage each file that a command reads some times, and look at what it says."""
    monkeypatch.setattr("tfbsim.run.scheduler.CONNECT", 0.2)
    (here / "mapping.yaml").write_text(MAPPING)
    (here / "cluster.yaml").write_text(CLUSTER)
    (here / "scheduler.json").write_text('{"address": "tcp://127.0.0.1:9", "id": "a"}')
    whole = {p: p.read_bytes() for p in here.rglob("*") if p.is_file()}
    assert inside("check", "mapping.yaml", "cluster.yaml").returncode == 0

    def damage(name, seed, times):
        rng, codes = random.Random(f"{name}{seed}"), set()
        for k in range(times):
            (here / name).write_bytes(damaged(rng, whole[here / name]))
            command = rng.choice(READ[name])
            if command[0] in ("compare", "fit-ocv"):
                command = [*command, "--out", "r", "--overwrite", "--quiet"]
            done = inside(*command)
            said = (k, command, done.stderr)
            assert done.returncode in (0, 1, 2), said
            assert "fault of" not in done.stderr and "Traceback" not in done.stderr, said
            assert done.returncode != 2 or 1 <= len(done.stderr.splitlines()) < 10, said
            codes.add(done.returncode)
            shutil.rmtree(here / "r", ignore_errors=True)
            for path, content in whole.items():
                if not path.exists() or path.read_bytes() != content:
                    path.write_bytes(content)
        return codes

    return damage


@pytest.mark.parametrize("name", READ)
def test_damaged_bytes_end_in_a_sentence(damages, name):
    damages(name, 1, 4)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_thousands_of_damaged_bytes_end_in_a_sentence(damages, name):
    codes = damages(name, 2, 300)
    assert 2 in codes or name in ("measured.csv", "one/ledger.sqlite")


# --- Tables and curves of a result: noticed, or written anew ---------------------------

TABLES = ("summary.csv", "steps.csv", "losses.csv", "impedance.csv", "curves.nc")
RESULTS = [f"{folder}/{name}" for folder in ("aged", "sweep") for name in TABLES]
RESULTS = [name for name in RESULTS if name != "sweep/impedance.csv"]


@pytest.fixture
def changes(here, inside):
    """Damage a file of a result some times: no command takes it for what it was."""
    whole = {p: p.read_bytes() for p in here.rglob("*") if p.is_file()}

    def change(name, seed, times):
        rng, path = random.Random(f"{name}{seed}"), here / name
        for k in range(times):
            content = damaged(rng, whole[path])
            if content == whole[path]:
                continue
            path.write_bytes(content)
            with pytest.raises(InputError) as error:
                tfbsim.load_result(path.parent)
            assert path.name in str(error.value)
            command = rng.choice(["report", "show", "check", "compare", "--incomplete"])
            if command == "report":
                refused(inside(command, path.parent), path.name)
            elif command == "compare":  # no record of a cycler, whatever is left of it
                done = inside(command, "one.yaml", name, "--out", "r", "--quiet")
                assert done.returncode in (1, 2), (k, done.stderr)
                assert "fault of" not in done.stderr, (k, done.stderr)
                shutil.rmtree(here / "r", ignore_errors=True)
            elif command != "--incomplete":
                done = inside(command, name)
                assert done.returncode == 2 and done.stderr, (k, command, done.stderr)
            else:
                done = inside("report", path.parent, command)
                assert done.returncode in (0, 2), (k, done.stderr)
                assert "Traceback" not in done.stderr, (k, done.stderr)
                assert "fault of" not in done.stderr, (k, done.stderr)
            path.write_bytes(content)
            if k % 20 == 0:
                parent = path.parent.name
                again = ["run", f"{parent}.yaml", "--out", parent, "--resume", "--quiet"]
                assert inside(*again).returncode == 0
                assert path.read_bytes() == whole[path]
            for other, before in whole.items():
                if not other.exists() or other.read_bytes() != before:
                    other.write_bytes(before)

    return change


@pytest.mark.parametrize("name", RESULTS)
def test_a_changed_table_is_never_taken(changes, name):
    changes(name, 1, 2)


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
def test_hundreds_of_changed_tables_are_never_taken(changes, name):
    changes(name, 2, 300)

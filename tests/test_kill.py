"""A process killed while it writes results leaves each file whole, old or new."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tfbsim
from tfbsim.numerics import Numerics
from tfbsim.output import OWN, REPORT, _write_provenance
from tfbsim.result.load import load_result

# Imports once, then forks a writer for each folder it is told, and says its process id.
WRITERS = """\
import itertools, os, pathlib, signal, sys
from tfbsim.output import write_atomic
from tfbsim.result.load import load_result

results = [load_result(folder) for folder in sys.argv[1:]]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
for line in sys.stdin:
    what, first, folder = line.rstrip("\\n").split(" ", 2)
    if os.fork():
        continue
    print(os.getpid(), flush=True)
    for k in itertools.count(int(first)):
        if what == "large":
            write_atomic(pathlib.Path(folder, "large"), b"AB"[k % 2 :][:1] * 2**22)
        else:
            results[k % 2].save(folder, figures=what == "all")
"""
# What is written over and over: kills, and the longest time before one [s].  With its
# figures a result takes seconds; alone, a tenth; and a large file is caught half written.
KILLS = {"all": (12, 4.0), "tables": (15, 1.0), "large": (15, 0.5)}


@pytest.fixture
def versions(tmp_path: Path) -> list[dict[str, bytes]]:
    """The files of two results, as written by another process than will be killed."""
    for name, rate in (("A", "1C"), ("B", "C/2")):
        result = tfbsim.simulate(
            "lco-lipon-li-raijmakers2020",
            [f"Charge at {rate} until 4.1 V"],
            numerics=Numerics(points=30),
        )
        result.save(tmp_path / name, figures=False)
        load_result(tmp_path / name).save(tmp_path / name)  # as the writers read it
    return [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in "AB"
    ]


@pytest.fixture
def provenances(tmp_path: Path, versions: list[dict[str, bytes]]) -> tuple[bytes, ...]:
    """Either of the two, each with the report of either or none.

    An earlier report stays, and stays listed, until there is another.
    """
    either = [json.loads(files["provenance.json"]) for files in versions]
    found = []
    for about, other in itertools.product(either, either):
        for report in ({}, other[REPORT]):
            content = {**about, REPORT: report}
            del content[OWN]
            _write_provenance(tmp_path / "A", content)
            found.append((tmp_path / "A" / "provenance.json").read_bytes())
    return tuple(found)


@pytest.fixture
def writers(tmp_path: Path, versions: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS, *(str(tmp_path / name) for name in "AB")],
        env=os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield process


def kill(writers: subprocess.Popen[str], order: str, after: float) -> None:
    """Kill a writer some time after it began, and wait until it is gone."""
    assert writers.stdin and writers.stdout
    writers.stdin.write(f"{order}\n")
    writers.stdin.flush()
    pid = int(writers.stdout.readline())
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs fork and /proc")
def test_kill(tmp_path, versions, writers, provenances, figure):
    old, new = versions
    assert old.keys() == new.keys() and "report.html" in old
    assert all(old[name] != new[name] for name in old)
    folder = tmp_path / "results"
    folder.mkdir()
    for name, content in old.items():
        (folder / name).write_bytes(content)
    large = [letter * 2**22 for letter in (b"A", b"B")]
    (folder / "large").write_bytes(large[0])
    allowed = {name: (old[name], new[name]) for name in old} | {"large": large}
    assert {old["provenance.json"], new["provenance.json"]} < {*provenances}
    allowed["provenance.json"] = provenances

    rng = random.Random(1)
    broken, seen, leftovers = [], set(), 0
    for what, (kills, longest) in KILLS.items():
        for k in range(kills):
            kill(writers, f"{what} {(k + 1) % 2} {folder}", rng.uniform(0, longest))
            names = {path.name for path in folder.iterdir()}
            hidden = {n for n in names if n.startswith(".") and n.endswith(".tmp")}
            assert names - hidden == allowed.keys()
            for name, contents in allowed.items():
                content = (folder / name).read_bytes()
                if content not in contents:
                    broken.append(name)
                else:
                    seen.add((name, content == contents[0]))
            leftovers += len(hidden)
            for name in hidden:
                (folder / name).unlink()
    both = {(name, which) for name in ("curves.nc", "large") for which in (True, False)}
    assert both <= seen  # it was written indeed
    assert leftovers > 0, "none was killed while it wrote"
    figure("Kills while writing: files neither old nor new", len(broken), at_most=0)

"""Where compiled kernels are kept: what is loaded is one's own and whole."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tfbsim.solver.fast import kernel

SOURCE = "int answer(void) { return 7; }"
OTHER = SOURCE.replace("7", "8")
pytestmark = pytest.mark.skipif(
    kernel._machine() is None or not hasattr(os, "geteuid"), reason="no C compiler"
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tfbsim" / "kernels"


def answer(source=SOURCE):
    code = kernel._compiled(source)
    return code and code.answer()


def test_is_compiled_once(cache, monkeypatch):
    assert answer() == 7
    (kept,) = cache.iterdir()
    monkeypatch.setattr(kernel, "_made", None)
    assert answer() == 7
    assert kept.stat().st_mode & 0o77 == cache.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "unsealed"])
def test_a_library_that_is_not_whole(cache, damage):
    assert answer() == 7
    (kept,) = cache.iterdir()
    content = kept.read_bytes()
    middle = len(content) // 2
    kept.unlink()  # it is mapped into this process
    kept.write_bytes(
        {
            "cut": content[:middle],
            "flipped": content[:middle] + b"\xff" + content[middle + 1 :],
            "empty": b"",
            "text": b"nothing of the kind" * 100,
            "unsealed": content[: -kernel.SEAL],
        }[damage]
    )
    assert answer() == 7
    assert kept.read_bytes() == content


def test_a_library_of_another_user(cache, monkeypatch):
    """In a folder that others may write to, or of theirs, nothing is looked for."""
    assert answer(OTHER) == 8
    (planted,) = cache.iterdir()
    content = "\0".join(
        [SOURCE, kernel._machine()[1], *kernel.FLAGS, *kernel.LIBMVEC]
    ).encode()
    name = cache / f"{hashlib.sha256(content).hexdigest()[:24]}.so"
    planted.rename(name)
    assert answer() == 8  # as planted, so that what follows is about who may
    cache.chmod(0o777)
    assert answer() == 7
    cache.chmod(0o700)
    name.chmod(0o622)
    assert answer() == 7
    monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    name.write_bytes(b"")
    assert answer() == 7
    assert name.read_bytes() == b""


@pytest.mark.parametrize("home", ["/dev/null", "here", "/proc/none", "/" + "a" * 300])
def test_no_place_to_keep_it(tmp_path, monkeypatch, home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert answer() == 7
    assert not list(tmp_path.iterdir())


def test_a_folder_in_its_place(cache):
    assert answer() == 7
    (kept,) = cache.iterdir()
    kept.unlink()
    (kept / "in").mkdir(parents=True)
    assert answer() == 7


def test_several_at_once(cache):
    code = "from test_kernel_cache import answer; assert answer() == 7"
    environment = os.environ | {"PYTHONPATH": os.path.dirname(__file__)}
    command = [sys.executable, "-c", code]
    processes = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(list(cache.iterdir())) == 1

"""Thousands of mutated input files: each is valid or refused in a line, none hangs.

A seeded fuzzer mutates every shipped file; the command line's own entry checks each.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import anything

import tfbsim
from tfbsim import cli
from tfbsim import yaml_file as files
from tfbsim.cli import console
from tfbsim.cli.app import app
from tfbsim.errors import InputError
from tfbsim.numerics import Numerics
from tfbsim.solver.records import OUTCOMES

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no clock")

ROOT = Path(__file__).parents[1]
SHIPPED = [
    *sorted((ROOT / "models").glob("*.yaml")),
    *sorted((ROOT / "experiments").glob("*.yaml")),
    *sorted((ROOT / "models").glob("*.csv")),
    *(ROOT / "tests" / "inputs" / n for n in ("cell.yaml", "experiment.yaml", "ocv.csv")),
]
SLOW_TO_CHECK = "cathode-thickness.yaml"  # 108 cases
# What is wrong with a file as a whole stands on no line
WHOLE_FILE = ("the file is empty", "is larger than")

# --- Mutations -------------------------------------------------------------------------

DEEP = "[" * 100 + "]" * 100
SCALARS = [
    *("1e400", "-1e400", "1e308", "1e-320", "9" * 400, "-0", "0", "-1", "nan", ".nan"),
    *(".inf", "-.inf", "inf", "0x7fffffffffffffff", "0o17", "1_000", "1:30", "01"),
    *("1e60", "1e-60", "1e30 m", "1e-30 V", "0 um", "-1 um", "nan um", "1e400 V"),
    *("5 kg", "3 V", "2 A", "1 C", "1 um2", "300 K", "-300 degC", "3 um/h", "1,5 V"),
    *("C/0", "C/1e-300", "0C", "1e300C", "-1C", "C/", "1C/2C", "~", "null", "true"),
    *("no", "on", "2024-01-01", "2024-01-01 10:00", "=", "<<", "''", '""', "|", ">"),
    *(
        "x" * 10_000,
        "x " * 5_000,
        "9" * 10_000 + " um",
        "é" * 300,
        "日本語",
        "\U0001f50b",
    ),
    *(
        "\u202e",
        "\u2028",
        "\u00a0",
        "\ufeff",
        "\x00",
        "\x07",
        "\x1b[31m",
        "\x85",
        "[bold]",
    ),
    *('"\\0"', '"\\ud800"', '"\\U00110000"', "'", '"', "`", "@", "%", "!", "&", "*", "?"),
    "!!python/object/apply:os.system ['true']",
    *("!!python/name:os.system", "!!binary aGk=", "!t 1", "&a 1", "&a [*a]", "*a"),
    *("<<: {a: 1}", "{<<: *a}", "../../etc/passwd", "/etc/passwd", "/etc", "C:\\x", "."),
    *(
        "../../x.csv",
        "/x.csv",
        "/dev/zero",
        "/dev/stdin",
        "a\x00b.csv",
        "con",
        "~/x.yaml",
    ),
    *("//x.yaml", "x.yaml", "ocv.csv", "cell.yaml", "experiment.yaml", "$HOME", "%n%s"),
    *(DEEP, "{" * 50, "[" * 50, "[[[[1]]]]", "{a: {a: {a: {a: 1}}}}", "[]", "{}"),
    "[" + "1, " * 5_000 + "1]",
    *("{linear: [0, 1, 1000000000]}", "{linear: [0, 1, 10000]}", "{log: [1e-9, 1e9, 9]}"),
    *("{linear: [1 um, 2 V, 3]}", "{log: [0, 1, 3]}", "{linear: [nan, 1, 3]}"),
    *("{x}", "{}", "{", "}", "{{}}", "{rate!r}", "{rate:>1000000000}", "{0}", "{a.b}"),
    *("{rate}", "{upper}", "{rate.__class__}", "{a[0]}", "{rate}{rate}{rate}"),
    "Discharge at 1e300 A until 3 V",
    *("Discharge at 1 parsec until 3 V", "Rest for 1e400 hours", "Rest for -1 hour"),
    *("Rest for nan hours", "Hold at 4 V", "Hold at 4 V until 0 A", "Rest", "Charge"),
    *("Discharge at C/0 until 3 V", "Charge at 1C until", "Rest for 1 fortnight"),
    *("Discharge at 1C for 1 hour or until", "Charge at 1C until 4 V at 60 degF"),
    *("Discharge at 1 uA/cm2/s until 3 V", "Run US06 (A)", "Discharge at 1 W until 3 W"),
    *(
        "Discharge at 2 Ohm until 3 V",
        "Hold at nan V until C/20",
        "Charge at 0 A for 1 s",
    ),
    "Discharge at 1C until 3.5 V until 3 V or for 1 hour or until 2 V at 20 degC at 30 K",
]
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        2,
        1e300,
        1e-300,
        -1.5,
        10**14,
        "",
        " ",
        "x",
        "x" * 10_000,
    ),
    *(
        [],
        {},
        [[]],
        [{}],
        {"": ""},
        {"a": None},
        [None],
        [1, "a"],
        ["0", "1"],
        "1 um",
        "1 V",
    ),
    *(
        "50 %",
        "300 K",
        "1C",
        "C/10",
        "1 uA/cm2",
        "Rest for 1 hour",
        "cell.yaml",
        "ocv.csv",
    ),
    {"linear": [0, 1, 10**9]},
    *({"table": "ocv.csv"}, {f"k{k}": k for k in range(200)}),
]
LAWS: list[Any] = [
    *(
        {"table": "ocv.csv"},
        {"table": ["ocv.csv"]},
        {"table": "ocv.csv", "multiply": 1e60},
    ),
    *(
        {"table": "ocv.csv", "unit": "m2/s"},
        {"table": "../ocv.csv"},
        {"table": "ocv.csv/"},
    ),
    *({"table": "/etc/passwd"}, {"table": "\0.csv"}, {"table": "x" * 5000 + ".csv"}),
    *({"sites": []}, {"sites": [{}]}, {"sites": [{"potential": "4 V", "sites": 1}]}),
    {"sites": [{"potential": "4 V", "sites": 1, "width": 1e30}]},
    {"sites": [{"potential": "4 V", "sites": 1, "width": 1e-30}]},
    {"sites": [{"potential": "4 V", "sites": 1e-30, "width": 20}]},
    {"sites": [{"potential": "4 V", "sites": 1, "width": 300}]},
    {"sites": [{"potential": "4 V", "sites": 1e50}, {"potential": "3 V", "sites": 1}]},
    {"numerator": [4, -1], "denominator": [1], "range": [0, 1]},
    {"numerator": [4, -1], "denominator": [0.5, -1], "range": [0, 1]},
    {"numerator": [4, -1e-20], "denominator": [1], "range": [0, 1e50]},
    {"numerator": [1e60] * 30, "denominator": [1e-60] * 30, "range": [0, 1]},
    *({"log10_polynomial": [-14]}, {"log10_polynomial": [300] * 10}),
    *({"log10_polynomial": [-300]}, {"log10_polynomial": [-14], "unit": "V"}),
    {"log10_polynomial": [-1e60, 1e60]},
]
STEPS: list[Any] = [
    *(text for text in SCALARS if text[:4] in ("Disc", "Char", "Hold", "Rest")),
    {"repeat": 10**5, "steps": [{"repeat": 10**5, "steps": ["Rest for 1 hour"]}]},
    {"repeat": 9999, "steps": ["Rest for 1 hour"]},
    {
        "for_each": {"v": {"linear": [1, 2, 9999]}},
        "steps": ["Discharge at {v} uA for 1 s"],
    },
    {"for_each": {"v": ["3 V", "{v}", "{w}"]}, "steps": ["Hold at {v} for 1 hour"]},
    {"step": "Rest for 1 hour", "temperature": "1e9 degC"},
    {"step": "Rest for 1 hour", "temperature": "{t}"},
]
CASES: list[Any] = [
    {"grid": {"rate": {"linear": ["1 uA", "2 uA", 1000]}}},
    {"grid": {k: {"linear": [0, 1, 1000]} for k in "abc"}},
    {"grid": {"cathode.thickness": {"linear": ["1 um", "2 um", 1000]}}},
    {"grid": {"cathode.thickness": {"log": ["1 um", "2 m", 100]}}},
    {"grid": {"cathode.thickness": {"log": [0, 0, 100]}}},
    {"grid": {"area": {"linear": ["0 cm2", "2 cm2", 10]}}},
    {"cathode.diffusivity": {"log10_polynomial": [-14]}, "rate": "1C"},
    *({"cycles": 10**9}, {"cell": "cell.yaml"}, {"cell": "../cell.yaml"}, {"name": []}),
    {"cathode": {"thickness": "1 um"}},
]


def on_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    end = min(len(data), at + rng.choice([1, 1, 2, 8, 100]))
    match rng.randrange(6):
        case 0:
            return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        case 1:
            return data[:at] + rng.randbytes(rng.choice([1, 2, 10])) + data[at:]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:at]
        case 4:
            k = rng.randrange(len(other) + 1)
            return data[:at] + other[k : k + rng.choice([5, 50, 500])] + data[end:]
    return data[:at] + rng.choice(b" \t\n\r:,#-[]{}'\"0e.&*!|>%").to_bytes() + data[at:]


def on_lines(rng: random.Random, data: bytes, other: bytes) -> bytes:
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(7):
        case 0:
            del lines[a]
        case 1:
            lines.insert(b, lines[a])
        case 2:
            lines[a], lines[b] = lines[b], lines[a]
        case 3:
            lines[a] = b" " * rng.choice([1, 2, 3, 4, 30]) + lines[a]
        case 4:
            lines[a] = lines[a].strip()
        case 5:
            lines.insert(b, lines.pop(a))
        case 6:
            lines.insert(a, rng.choice(other.split(b"\n")))
    return rng.choice([b"\n"] * 8 + [b"\r\n", b"\r"]).join(lines)


def on_tokens(rng: random.Random, data: bytes, other: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    words = r"[^\s,:\[\]{}#]+"
    pattern = rng.choice([words, rf"{words}(?: {words})*", r"[0-9.]+(?:e-?\d+)?", "[{}]"])
    found = list(re.finditer(pattern, text))
    if not found:
        return data
    token = rng.choice(found)
    new = rng.choice(SCALARS)
    if rng.random() < 0.2:
        new = rng.choice([f"{new} {token[0]}", f"{token[0]} {new}", f"{token[0]}{new}"])
    changed = text[: token.start()] + new + text[token.end() :]
    return changed.encode("utf-8", "replace")


def on_structure(rng: random.Random, tree: Any) -> Any:
    """A tree of plain data with something renamed, moved, swapped or replaced."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree))
    parent, key = rng.choice(places)
    there, other = rng.choice(places)
    match rng.randrange(9):
        case 0 if isinstance(parent, dict):
            parent[rng.choice([f"{key}x", key[:-1], "name", other, ""])] = parent.pop(key)
        case 1:
            del parent[key]
        case 2:
            parent[key] = copy.deepcopy(there[other])
        case 3:
            parent[key], there[other] = copy.deepcopy((there[other], parent[key]))
        case 4:
            parent[key] = rng.choice(
                [[parent[key]], {"a": parent[key]}, str(parent[key])]
            )
        case 5 if isinstance(parent[key], str):
            parent[key] = scaled(rng, parent[key])
        case 6 | 7:  # what is hostile where it would mean something
            if isinstance(tree.get("steps"), list):
                name, options = rng.choice([("steps", STEPS), ("cases", CASES)])
                old = tree[name] if isinstance(tree.get(name), list) else []
                tree[name] = [*rng.choice([[], old]), copy.deepcopy(rng.choice(options))]
            elif isinstance(tree.get("cathode"), dict):
                name = rng.choice(["open_circuit_potential", "diffusivity"])
                tree["cathode"][name] = copy.deepcopy(rng.choice(LAWS))
        case _:
            parent[key] = copy.deepcopy(rng.choice(VALUES))
    return tree


def scaled(rng: random.Random, text: str) -> str:
    """A quantity or sentence with one number multiplied or replaced."""
    found = list(re.finditer(r"\d+\.?\d*(?:e-?\d+)?", text))
    if not found:
        return text
    number = rng.choice(found)
    factor = 10 ** rng.choice([rng.uniform(-0.5, 0.5), rng.uniform(-8, 8)])
    value = float(number[0]) * factor
    return f"{text[: number.start()]}{value:.6g}{text[number.end() :]}"


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (collection, key) of a tree."""
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


class Mutants:
    """An endless, seeded stream of (file name, content)."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.content = {path.name: path.read_bytes() for path in SHIPPED}
        yaml = [path for path in SHIPPED if path.suffix == ".yaml"]
        self.trees = {path.name: files.load(path).data for path in yaml}
        self.weights = [0.05 if p.name == SLOW_TO_CHECK else 1.0 for p in SHIPPED]

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        rng = self.rng
        names = list(self.content)
        while True:
            name = rng.choices(names, self.weights)[0]
            data, other = self.content[name], self.content[rng.choice(names)]
            if name in self.trees and rng.random() < 0.35:
                tree = self.trees[name]
                for _ in range(rng.choice([1, 1, 1, 2, 3])):
                    tree = on_structure(rng, tree) or self.trees[name]
                data = json.dumps(tree, indent=1, ensure_ascii=False).encode()
            else:
                for _ in range(rng.choice([1, 1, 1, 2, 3])):
                    data = rng.choice([on_bytes, on_lines, on_tokens, on_tokens])(
                        rng, data, other
                    )
            yield name, data


# --- Checking --------------------------------------------------------------------------


class Hang(BaseException):
    """Raised by the clock; nothing catches it by mistake."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every shipped file in one folder, to work in."""
    for path in SHIPPED:
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(console.err, "_file", None)  # so that it writes to sys.stderr
    # Built once, which takes as long as a check
    command = typer.main.get_command(app)
    monkeypatch.setattr("tfbsim.cli.app.app", command)
    return tmp_path


def users(name: str) -> str:
    """The cell file that uses a table, or the file itself."""
    if not name.endswith(".csv"):
        return name
    using = [p.name for p in SHIPPED if p.suffix == ".yaml" and name in p.read_text()]
    return using[0] if using else "user.yaml"


def prepare(folder: Path, name: str, data: bytes) -> str:
    """Write a mutant, and return the file to check."""
    (folder / name).write_bytes(data)
    target = users(name)
    if target == "user.yaml":  # of a table that only a fit uses
        text = (ROOT / "tests" / "inputs" / "cell.yaml").read_text()
        (folder / target).write_text(text.replace("ocv.csv", name))
    return target


def checked(name: str) -> tuple[int, str]:
    """Exit code and errors of ``tfbsim check name``, in this process."""
    errors = io.StringIO()
    code = 0
    sys.argv = ["tfbsim", "check", name]
    with contextlib.redirect_stderr(errors), at_most(5):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
    return code, errors.getvalue()


def complaint(code: int, text: str, name: str) -> str:
    """What is wrong with an answer of ``check``, or nothing."""
    if code == 0:
        return "" if not text else "valid, yet not silent"
    if code != 2:
        return f"exit code {code}"
    lines = text.splitlines()  # one for each mistake
    if not 1 <= len(lines) <= 200 or not text.endswith("\n") or "" in lines:
        return "no lines that can be read"
    if len(set(lines)) < len(lines) or max(map(len, lines)) > 1000:
        return "lines that are too long, or the same twice"
    if any(place(line, name) is None for line in lines):
        return "does not begin with the file"
    return ""


def place(text: str, name: str) -> tuple[int | None, str] | None:
    """Line (None if not said) and rest of a message on a file, or a cell it names."""
    found = re.match(r"(.+?\.yaml)(?::(\d+))?: (.*)", text)
    if not found or (found[1] != name and not (found[2] and Path(found[1]).is_file())):
        return None
    if found[2] is None:
        return None, found[3]
    lines = len(re.split(rb"\r\n|\r|\n", Path(found[1]).read_bytes()))
    return (int(found[2]), found[3]) if 1 <= int(found[2]) <= lines else None


def fuzz(folder: Path, seed: int, number: int) -> tuple[Counter[str], list[str]]:
    """Check mutants: how often what was seen, and what went wrong."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for k, (name, data) in zip(range(number), Mutants(seed), strict=False):
        target = prepare(folder, name, data)
        kind, text = judged(target)
        seen[kind] += 1
        if kind not in ("valid", "refused"):
            wrong.append(f"{seed}:{k} {name}: {kind}: {text[:300]!r}")
        for path in SHIPPED:
            if path.name in (name, target):
                shutil.copy(path, folder)
    print(seen, *wrong, sep="\n")
    return seen, wrong


def judged(target: str) -> tuple[str, str]:
    """valid, refused, nowhere (in the file) or failed; and the words for it."""
    try:
        code, text = checked(target)
    except (Exception, Hang) as error:
        return "failed", repr(error)
    if problem := complaint(code, text, target):
        return "failed", f"{problem}: {text}"
    if code == 0:
        return "valid", ""
    line, rest = place(text, target) or (None, "")
    somewhere = line is not None or rest.startswith(WHOLE_FILE)
    return ("refused" if somewhere else "nowhere"), text


# --- Tests -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_is_valid(folder, path):
    if path.suffix == ".yaml":
        assert checked(path.name) == (0, "")
    else:
        columns = path.read_text().splitlines()[-1].count(",") + 1
        assert len(files.load_csv(path, columns)) == columns


def test_hundreds_of_mutants(folder):
    seen, wrong = fuzz(folder, 0, 500)
    assert not wrong
    assert seen["valid"] > 50 and seen["refused"] > 250  # mutants that test something


def test_what_is_hostile_where_it_means_something(folder):
    trees = Mutants(0).trees
    changed = []
    for law in LAWS:
        for field in ("open_circuit_potential", "diffusivity"):
            cell = trees["cell.yaml"]
            changed.append({**cell, "cathode": {**cell["cathode"], field: law}})
    changed += [{**trees["gitt.yaml"], "steps": [step]} for step in STEPS]
    for name in ("gitt.yaml", "experiment.yaml"):
        changed += [{**trees[name], "cases": [case]} for case in CASES]
    for tree in changed:
        Path("x.yaml").write_text(json.dumps(tree, indent=1))
        kind, text = judged("x.yaml")
        assert kind in ("valid", "refused"), (tree, text)


VALUE = anything(SCALARS, ["table", "sites", "grid"], 8)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data(), st.sampled_from(["cell.yaml", "experiment.yaml"]), VALUE)
def test_any_value_anywhere(folder, data, name, value):
    tree = copy.deepcopy(files.load(ROOT / "tests" / "inputs" / name).data)
    parent, key = data.draw(st.sampled_from(list(_places(tree))))
    parent[key] = value
    text = json.dumps(tree, indent=1, ensure_ascii=False)
    Path("x.yaml").write_bytes(text.encode("utf-8", "replace"))
    kind, words = judged("x.yaml")
    assert kind in ("valid", "refused"), words


@pytest.mark.slow
def test_ten_thousand_mutants(folder, figure):
    seen, wrong = fuzz(folder, 1, 10_000)
    nowhere = seen["nowhere"]
    failed = len(wrong) - nowhere
    figure(
        "10,000 mutated files: tracebacks, hangs or wrong exit codes", failed, at_most=0
    )
    figure(
        "10,000 mutated files: messages without file and line or field",
        nowhere,
        at_most=0,
    )


@pytest.mark.slow
def test_mutants_at_the_command_line(folder):
    names, expected = [], []
    for name, data in Mutants(2):
        if name.endswith(".yaml") and name != SLOW_TO_CHECK:
            names.append(f"m{len(names):03}.yaml")
            (folder / names[-1]).write_bytes(data)
            expected.append(checked(names[-1]))
        if len(names) == 100:
            break
    code, errors = in_a_process(names)
    assert code == 2
    assert errors == "".join(text for _, text in expected)
    for name, answer in list(zip(names, expected, strict=True))[:4]:
        assert in_a_process([name]) == answer


def in_a_process(names: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tfbsim", "check", *names],
        env=os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    # What is printed is of files that are valid, and nothing else
    for line in done.stdout.splitlines():
        name, said = line.split(": ", 1)
        assert name in names and (said == "valid" or said.startswith("note: "))
    return done.returncode, done.stderr


# --- Mutants that stay valid are run ---------------------------------------------------


def varied(rng: random.Random, tree: Any) -> Any:
    """A cell with some of its numbers and laws changed, a little or by decades."""
    tree = copy.deepcopy(tree)
    tree.pop("origin", None)
    for _ in range(rng.choice([1, 1, 2, 4])):
        if rng.random() < 0.3:
            tree["cathode"] |= law(rng)
            continue
        quantities = [
            (parent, key)
            for parent, key in _places(tree)
            if key not in ("name", "source", "table", "material", "format")
            and re.match(r"[\d.]", str(parent[key]))
        ]
        parent, key = rng.choice(quantities)
        parent[key] = scaled(rng, str(parent[key]))
    return tree


def law(rng: random.Random) -> dict[str, Any]:
    match rng.randrange(4):
        case 0:
            powers = [rng.uniform(-20, 20) for _ in range(rng.randrange(3))]
            return {"diffusivity": {"log10_polynomial": [rng.uniform(-20, -8), *powers]}}
        case 1:
            return {"diffusivity": f"{10 ** rng.uniform(-60, 10):.3g} cm2/s"}
        case 2:
            sites = [
                {
                    "potential": f"{rng.uniform(1, 5):.2f} V",
                    "sites": rng.uniform(0.01, 1),
                    "width": 10 ** rng.uniform(-1, 1.6),
                }
                for _ in range(rng.choice([1, 2, 4]))
            ]
            return {"open_circuit_potential": {"sites": sites}}
    quotient = {
        "numerator": [rng.uniform(3, 5), rng.uniform(-3, 0.5)],
        "denominator": [1, rng.uniform(-0.5, 0.5)],
        "range": [0, rng.choice([0.9, 1, 1.5, 100])],
    }
    return {"open_circuit_potential": quotient}


@pytest.mark.slow
def test_valid_mutants_run(folder, figure):
    rng = random.Random(3)
    cells = [tree for tree in Mutants(3).trees.values() if tree["kind"] == "cell"]
    ended: Counter[str] = Counter()
    failed = []
    while ended.total() + len(failed) < 150:
        tree = varied(rng, rng.choice(cells))
        (folder / "x.yaml").write_text(json.dumps(tree))
        try:
            cell = tfbsim.load_cell("x.yaml")
        except InputError:
            continue
        try:
            with at_most(20):
                result = tfbsim.simulate(
                    cell, ["Discharge at 1C until 2 V"], numerics=Numerics(points=30)
                )
            (outcome,) = result.steps["Outcome"]
            assert outcome in OUTCOMES
        except InputError:
            ended["refused"] += 1
        except (Exception, Hang) as error:
            failed.append(f"{error!r}: {tree}")
        else:
            ended[outcome] += 1
    print(ended, *failed, sep="\n")
    assert ended["reached"] > 20
    figure("Valid mutants that were run: exceptions", len(failed), at_most=0)

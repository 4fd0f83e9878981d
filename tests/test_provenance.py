"""A run told in a file, and repeated from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfbsim import load_cell, simulate
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.experiment.provenance import load_run
from tfbsim.numerics import Numerics
from tfbsim.run.run import run_experiment

INPUTS = Path(__file__).parent / "inputs"
COARSE = Numerics(points=20)
CHANGES = {"cathode.thickness": "500 nm", "lower": "3.45 V"}


def again(folder):
    run = load_run(folder / "provenance.json")
    assert not run.differences
    repeated = expand(run.document, run.cell, run.changes, run.cells)
    return run_experiment(repeated, numerics=run.numerics)


def files(result, folder):
    result.save(folder, figures=False)
    return {name: (folder / name).read_bytes() for name in ("summary.csv", "curves.nc")}


@pytest.fixture
def saved(tmp_path):
    """A run of copies of the inputs, which are gone by the time it is repeated."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for path in INPUTS.iterdir():
        (inputs / path.name).write_bytes(path.read_bytes())
    result = run_experiment(inputs / "experiment.yaml", None, CHANGES, COARSE)
    before = files(result, tmp_path / "first")
    for path in inputs.iterdir():
        path.unlink()
    return tmp_path / "first", before


def test_a_run_is_repeated_from_its_provenance_alone(saved, tmp_path):
    folder, before = saved
    assert files(again(folder), tmp_path / "second") == before


def test_so_is_one_from_python(tmp_path):
    """A cell changed in SI, its 1C scaled; temperatures of steps; conditioning."""
    cell = load_cell(INPUTS / "cell.yaml").replace({"cathode.thickness": 4e-7})
    steps = [("Charge at 1C until 4.2 V", "40 degC"), "Discharge at 2C until 3.5 V"]
    result = simulate(
        *(cell, steps, 2, ["Charge at C/2 until 4.1 V"], 2), numerics=COARSE
    )
    before = files(result, tmp_path / "first")
    assert files(again(tmp_path / "first"), tmp_path / "second") == before


def test_other_versions_are_named(saved):
    folder, _ = saved
    change(folder, lambda content: content["packages"].update(pybamm="1.2"))
    (difference,) = load_run(folder / "provenance.json").differences
    assert difference.startswith("pybamm 1.2 then, ")


def change(folder, edit):
    path = folder / "provenance.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda c: c["experiment_content"].update(cycles=3), "changed by hand"),
        (lambda c: c["cells"]["cell.yaml"]["content"].update(area="2 cm2"), "by hand"),
        (lambda c: c["cells"]["cell.yaml"]["tables"].update({"ocv.csv": ""}), "by hand"),
        (lambda c: c.pop("numerics"), "is no provenance.json of a run"),
        (lambda c: c.update(cells=[]), "is no provenance.json of a run"),
        (lambda c: c.update(experiment_content=3), "is no provenance.json"),
    ],
)
def test_what_was_changed_is_refused(saved, edit, words):
    folder, _ = saved
    change(folder, edit)
    with pytest.raises(InputError, match=words) as caught:
        load_run(folder / "provenance.json")
    assert str(caught.value).splitlines() == [str(caught.value)]


@pytest.mark.parametrize("content", ["", "[]", "3", "nonsense", "[" * 100_000])
def test_what_is_no_provenance_is_refused(tmp_path, content):
    path = tmp_path / "provenance.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"provenance\.json"):
        load_run(path)
    with pytest.raises(InputError, match="no such file"):
        load_run(tmp_path / "none.json")

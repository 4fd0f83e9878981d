"""What ships: versions that agree, files that are valid, entry points that work."""

import itertools
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pybamm
import pytest
from packaging.requirements import Requirement

import tfbsim
from tfbsim import yaml_file as files
from tfbsim.cell import parameter_sets
from tfbsim.cell.anode import Anode
from tfbsim.cell.cell import Cell
from tfbsim.cell.electrolyte import Electrolyte
from tfbsim.cell.film import Film
from tfbsim.cell.stack import Stack, StackLayer
from tfbsim.experiment.expand import expand
from tfbsim.experiment.experiment import Experiment

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CELLS, EXPERIMENTS = files.shipped("models"), files.shipped("experiments")


def python(code: str, **environment: str) -> str:
    env = {k: v for k, v in os.environ.items() if k != "PYBAMM_DISABLE_TELEMETRY"}
    source = str(Path(tfbsim.__file__).parents[1])
    env["PYTHONPATH"] = os.pathsep.join([source, *filter(None, [env.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    "name", [*(f"models/{cell}" for cell in CELLS), "experiments/nmc811-voltage-windows"]
)
def test_a_file_is_checked_without_pybamm_and_pandas(name):
    code = f"""
import sys, tfbsim.cli
sys.argv = ["tfbsim", "check", {str(ROOT / f"{name}.yaml")!r}, "--quiet"]
try:
    tfbsim.cli.main()
except SystemExit as end:
    assert not end.code
assert not {{"pybamm", "pandas", "matplotlib"}} & set(sys.modules)
"""
    assert python(code) == ""


def test_a_run_without_figures_does_not_wait_for_matplotlib(tmp_path):
    code = f"""
import sys, tfbsim.cli
sys.argv = ["tfbsim", "run", "lco-lipon-li-constant-d", "Discharge at 1C until 3.9 V"]
sys.argv += ["--out", {str(tmp_path / "out")!r}, "--no-figures", "--quiet"]
sys.argv += ["--export", "csv"]
try:
    tfbsim.cli.main()
except SystemExit as end:
    assert not end.code
assert "matplotlib.figure" not in sys.modules
"""
    assert python(code) == ""


class TestVersion:
    def test_is_the_same_everywhere(self):
        citation = files.load(ROOT / "CITATION.cff").data
        versions = {PYPROJECT["project"]["version"], str(citation["version"])}
        assert versions == {tfbsim.__version__}

    def test_is_in_the_changelog(self):
        assert tfbsim.__version__ in (ROOT / "CHANGELOG.md").read_text()


class TestImport:
    def test_is_silent_and_light_and_turns_telemetry_off(self):
        code = (
            "import tfbsim, sys, os\n"
            "print('pybamm' in sys.modules, os.environ['PYBAMM_DISABLE_TELEMETRY'])"
        )
        assert python(code) == "False true\n"

    def test_leaves_the_users_telemetry_setting(self):
        code = "import tfbsim, os; print(os.environ['PYBAMM_DISABLE_TELEMETRY'])"
        assert python(code, PYBAMM_DISABLE_TELEMETRY="false") == "false\n"

    def test_public_names_are_what_they_say_however_they_are_reached(self):
        """Also after the submodule of the same name was imported; ``plot`` is one."""
        code = (
            "import tfbsim\n"
            "for _ in range(2):\n"
            "    for name in tfbsim.__all__:\n"
            "        value = getattr(tfbsim, name)\n"
            "        module = type(value).__name__ == 'module'\n"
            "        assert module == (name == 'plot'), name\n"
            "from tfbsim import simulate, load_cell\n"
            "assert callable(simulate) and callable(load_cell)\n"
            "import tfbsim.experiment.expand, tfbsim.report.report, tfbsim.plot\n"
            "assert callable(tfbsim.simulate)\n"
            "print('good')"
        )
        assert python(code) == "good\n"

    def test_names(self):
        assert set(tfbsim.__all__) <= set(dir(tfbsim))
        with pytest.raises(AttributeError, match="nothing_of_this_name"):
            _ = tfbsim.nothing_of_this_name


@pytest.mark.parametrize("name", CELLS)
class TestShippedCells:
    def test_is_valid_and_says_what_it_is(self, name):
        cell = tfbsim.load_cell(name)
        assert cell.name and cell.source
        assert not cell.cathode.material or cell.theoretical_charge > 0

    def test_origins_are_of_fields(self, name):
        cell = tfbsim.load_cell(name)
        for path in cell.origin:
            here = cell
            for key in path.split("."):
                assert key in type(here).model_fields, path
                here = getattr(here, key)

    def test_every_origin_is_one_of_four(self, name):
        for path, text in tfbsim.load_cell(name).origin.items():
            assert re.match("published|derived|fitted|assumed", text), path

    def test_is_a_parameter_set_of_pybamm(self, name):
        points = PYPROJECT["project"]["entry-points"]["pybamm_parameter_sets"]
        module, attribute = points[name].split(":")
        assert module == parameter_sets.__name__
        values = pybamm.ParameterValues(getattr(parameter_sets, attribute)())
        cell = tfbsim.load_cell(name)
        assert values["Cathode thickness [m]"] == cell.cathode.thickness
        assert values["Nominal cell capacity [A.h]"] == cell.one_c_current


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_shipped_experiment_is_valid(name):
    expanded = expand(name)
    assert expanded.experiment.description and expanded.cases


def test_there_are_shipped_files():
    assert len(CELLS) >= 3 and len(EXPERIMENTS) >= 3


def requirements():
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    for text in (*project["dependencies"], *itertools.chain(*extras)):
        if not text.startswith("tfbsim["):
            yield Requirement(text)
    yield from map(Requirement, PYPROJECT["build-system"]["requires"])


@pytest.mark.parametrize("requirement", list(requirements()), ids=str)
def test_a_requirement_has_an_upper_bound_that_was_tried(requirement):
    assert any(one.operator in ("<", "<=", "==") for one in requirement.specifier)
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        pytest.skip("not installed here")
    assert requirement.specifier.contains(installed, prereleases=True)


class TestEntryPoints:
    points = PYPROJECT["project"]["entry-points"]

    def test_name_the_shipped_cells_and_no_other(self):
        assert set(self.points["pybamm_parameter_sets"]) == set(CELLS)

    def test_name_the_model(self):
        assert self.points["pybamm_models"] == {
            "ThinFilmCell": "tfbsim.physics.thin_film_cell:ThinFilmCell"
        }
        assert issubclass(tfbsim.ThinFilmCell, pybamm.BaseModel)

    def test_of_a_cell_there_is_not(self):
        with pytest.raises(AttributeError, match="no shipped cell"):
            _ = parameter_sets.nmc812

    def test_the_command(self):
        assert PYPROJECT["project"]["scripts"] == {"tfbsim": "tfbsim.cli:main"}


def test_every_field_is_documented():
    text = "".join((ROOT / "docs" / f"{n}.md").read_text() for n in ("files", "fields"))
    models = [Cell, Experiment]
    models += [Film, Electrolyte, Anode, Stack, StackLayer]
    missing = {
        name for model in models for name in model.model_fields if f"`{name}`" not in text
    }
    assert missing <= {"name"}


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def test_imports_run_downwards():
    """The contract of pyproject.toml, which has no exception."""
    contract = PYPROJECT["tool"]["importlinter"]["contracts"][0]
    assert "ignore_imports" not in contract
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as l; l()",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(Path(tfbsim.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout

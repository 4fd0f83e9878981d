"""Answers of a sweep: arrays with named coordinates, percentiles, indices, figures and
the table of the report.  Most are of made-up answers, which are known."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim import Numerics, simulate, sweep
from tfbsim.errors import InputError
from tfbsim.experiment.expand import sweep_plan
from tfbsim.experiment.provenance import Inputs, run_of
from tfbsim.plot import figures
from tfbsim.report import report
from tfbsim.result.case import CaseResult
from tfbsim.result.load import load_result
from tfbsim.result.result import Result
from tfbsim.yaml_file import Document

CELL = "lco-lipon-li-constant-d"
STEPS = ["Discharge at {rate} until {lower}"]
COARSE = Numerics(points=10, rtol=1e-4, atol=1e-6)
AREAL, MASS = "Discharge capacity [uA.h.cm-2]", "Discharge capacity [mA.h.g-1]"
ENERGY, VOLTAGE = "Discharge energy [mW.h.cm-2]", "Mean discharge voltage [V]"
THICKNESS, CONDUCTIVITY = "cathode.thickness [um]", "electrolyte.conductivity [S.cm-1]"
LOSS = "Limiting loss"
NORMAL = {
    "cathode.thickness": {"normal": ["10 um", "1 um"]},
    "electrolyte.conductivity": {"lognormal": ["2e-6 S/cm", 0.3]},
}
SAMPLE = {"method": "latin hypercube", "points": 256, "factors": NORMAL}


@pytest.fixture(scope="module")
def one() -> CaseResult:
    """A case whose tables the tests fill in."""
    return simulate(CELL, ["Discharge at 1C until 3 V"], numerics=COARSE).cases[0]


def made(one: CaseResult, section: dict[str, Any], changes: Any = None) -> Result:
    """Of a sweep whose capacity is 10 thickness - ln(conductivity/2e-6), exactly."""
    steps = ["Discharge at 1C until 3 V"]
    content = {"format": 1, "kind": "experiment", "steps": steps, "sweep": section}
    document = Document(Path("e.yaml"), content, {(): 1})
    cells = {"cell": tfbsim.load_cell(CELL)}
    about = Inputs(document, cells, "cell", changes or {}).provenance(COARSE)
    plan = sweep_plan(run_of(about, Path("provenance.json")))
    columns = plan.columns()
    cases = []
    for k in range(len(plan)):
        own = {name: float(values[k]) for name, values in columns.items()}
        capacity = 10 * own[THICKNESS] - np.log(own.get(CONDUCTIVITY, 2e-6) / 2e-6)
        name = f"{k + 1:03d}"
        row = {**one.rows[0], "Case": name, **own, AREAL: capacity, MASS: capacity / 5}
        row |= {ENERGY: 4 * capacity, VOLTAGE: 4 + 0.01 * own[THICKNESS]}
        loss = "Electrolyte" if own[THICKNESS] < 9 else "Diffusion in the film"
        steps = [{**row_, "Case": name, LOSS: loss} for row_ in one.steps]
        cases.append(CaseResult(name, [row], steps, one.curves, key=name))
    return Result(cases, about)


# --- Arrays ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid() -> Result:
    factors = {
        "rate": ["2C", "1C"],
        "lower": ["3 V", "3.5 V"],
        "cathode.thickness": [5e-6, "9 um", "12 um"],
    }
    return sweep(CELL, STEPS, factors, numerics=COARSE)


def test_a_grid_has_a_dimension_for_each_factor_named_as_in_the_summary(grid):
    data = grid.dataset
    assert dict(data.sizes) == {"C-rate": 2, "Lower cut-off [V]": 2, THICKNESS: 3}
    assert data["C-rate"].values.tolist() == [2, 1]
    assert data[THICKNESS].values.tolist() == [5, 9, 12]
    assert data[THICKNESS].attrs == {"units": "um"}
    assert data[AREAL].attrs == {"units": "uA.h.cm-2"} and data["C-rate"].attrs == {}
    for row in grid.answers.to_dict("records"):
        here = {name: row[name] for name in data.dims}
        for name in (AREAL, ENERGY, "Of equilibrium capacity [%]", LOSS, "Outcome"):
            assert data[name].sel(here).item() == row[name]
    assert (
        data[LOSS].sel({"C-rate": 2, THICKNESS: 12}).values.tolist()
        == ["Diffusion in the film"] * 2
    )
    numbers = {name for name in grid.summary if name not in ("Case", "Cycle number")}
    told = {str(name) for name in data.variables}
    assert told == numbers | {LOSS, "Of equilibrium capacity [%]"}


def test_a_saved_grid_comes_back_the_same_and_as_netcdf_too(grid, tmp_path):
    grid.save(tmp_path, figures=False)
    again = load_result(tmp_path).dataset
    grid.dataset.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    assert dict(again.sizes) == dict(grid.dataset.sizes)
    assert (again[LOSS] == grid.dataset[LOSS]).all()
    assert np.allclose(again[AREAL], grid.dataset[AREAL], rtol=1e-9, atol=0)


def test_the_same_sweep_from_a_file(grid, tmp_path):
    path = tmp_path / "e.yaml"
    path.write_text(f"""
format: 1
kind: experiment
cell: {CELL}
steps: ["Discharge at {{rate}} until {{lower}}"]
sweep:
  factors:
    rate: [2C, 1C]
    lower: [3 V, 3.5 V]
    cathode.thickness: [5 um, 9 um, 12 um]
""")
    found = tfbsim.run_experiment(path, numerics=COARSE)
    pd.testing.assert_frame_equal(found.summary, grid.summary)
    assert found.dataset.drop_attrs().identical(grid.dataset.drop_attrs())


def test_cycles_are_the_last_dimension():
    factors = {"cathode.thickness": ["1 um", "2 um"]}
    steps = ["Discharge at 5C until 3 V", "Charge at 5C until 4 V"]
    data = sweep(CELL, steps, factors, cycles=2, numerics=COARSE).dataset
    assert data[AREAL].dims == (THICKNESS, "cycle")
    assert data["cycle"].values.tolist() == [1, 2] and np.isfinite(data[AREAL]).all()


def test_samples_and_lists_have_points_with_the_factors_beside_them(one):
    data = made(one, SAMPLE).dataset
    assert dict(data.sizes) == {"point": 256} and data["point"].values[0] == 1
    x = data[THICKNESS]
    assert x.dims == ("point",) and x.attrs["units"] == "um"
    exact = 10 * x - np.log(data[CONDUCTIVITY] / 2e-6)
    assert np.allclose(data[AREAL], exact, rtol=1e-12)
    thick = {"cathode.thickness": ["1 um", "3 um"], "temperature": ["20 degC", "30 degC"]}
    data = made(one, {"method": "zip", "factors": thick}).dataset
    assert data["temperature [degC]"].values.tolist() == [20, 30]


def test_points_that_are_not_there_are_nothing(one):
    whole = made(one, SAMPLE)
    part = Result(whole.cases[3:10], whole.provenance).dataset
    assert dict(part.sizes) == {"point": 256}
    there = np.isfinite(part[AREAL].values)
    assert np.flatnonzero(there).tolist() == list(range(3, 10))
    assert part[LOSS].values[0] == "" and np.isfinite(part[THICKNESS]).all()


def test_what_set_gave_one_value_is_no_coordinate(one):
    section = {"factors": {"cathode.thickness": ["1 um", "2 um"], "area": ["1 cm2"] * 2}}
    data = made(one, section, {"area": "2 cm2"}).dataset
    assert dict(data.sizes) == {"point": 4} and "area [cm2]" not in data.coords


def test_cases_of_no_sweep_are_cases():
    data = simulate(CELL, ["Discharge at 9C until 3 V"], numerics=COARSE).dataset
    assert dict(data.sizes) == {"case": 1} and data["case"].item() == "base"


# --- From Python -----------------------------------------------------------------------


def test_numbers_of_cell_fields_are_si():
    factors = {
        "cathode.thickness": {"normal": [1e-6, 1e-8]},
        "temperature": {"normal": [300.0, 2.0]},
        "cathode.diffusivity_scale": {"uniform": [0.5, 1]},
        "anode.lithium": {"lognormal": [5e-5, np.float64(0.1)]},
    }
    result = sweep(CELL, "Discharge at 9C until 3 V", factors, "sobol", 4, seed=3)
    written = result.provenance["experiment_content"]["sweep"]
    assert written["factors"] == {
        "cathode.thickness": {"normal": ["1.0 um", "0.01 um"]},
        "temperature": {"normal": ["26.85 degC", "2.0 K"]},
        "cathode.diffusivity_scale": {"uniform": [0.5, 1]},
        "anode.lithium": {"lognormal": ["50.0 um", 0.1]},
    }
    assert written["seed"] == 3
    assert result.dataset["temperature [degC]"].values.std() < 6
    both = sweep(CELL, "Discharge at 9C until 3 V", {"area": np.array([1e-4, 2e-4])})
    assert both.dataset["area [cm2]"].values.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"factors": {"cathode.thicknes": ["1 um"]}}, "did you mean"),
        ({"factors": {"lower": {"log": ["3 V", "4 V"]}}}, "last, number"),
        ({"factors": {"lower": "3 V"}}, "must be a list"),
        ({"factors": {}}, "1 to 100 factors"),
        ({"factors": [("lower", ["3 V"])]}, "must be a mapping"),
        ({"factors": {"cathode.thickness": [10**400]}}, "too large"),
        ({"method": "sobol", "points": 4, "correlations": 3}, "must be a mapping"),
        ({"method": "sobol", "points": 4, "correlations": {3: 0.5}}, "between"),
        (
            {"method": "sobol", "points": 4, "correlations": {("a", "b"): "x"}},
            "correlations",
        ),
        ({"method": "sobl"}, "did you mean 'sobol'"),
        ({"points": 3}, "does not go with a grid"),
        ({"correlations": {("lower", "rate"): 0.3}}, "does not go with a grid"),
        ({"method": "saltelli"}, "a saltelli needs it"),
    ],
)
def test_what_will_not_do_is_said_without_a_file(changed, message):
    given = {"factors": {"lower": ["3 V"]}, **changed}
    with pytest.raises(InputError, match=message) as error:
        sweep(CELL, ["Discharge at 1C until {lower}"], **given)
    assert error.value.file == "" and error.value.line is None and error.value.field


def test_sobol_indices_want_independent_factors():
    pair = {("cathode.thickness", "electrolyte.conductivity"): 0.5}
    with pytest.raises(InputError, match="are of independent factors"):
        sweep(CELL, ["Rest for 1 s"], NORMAL, "saltelli", 64, correlations=pair)


# --- How uncertain, and why ------------------------------------------------------------


def test_percentiles_are_numpys(one):
    result = made(one, SAMPLE)
    table = result.percentiles.set_index("Answer")
    assert list(table.index) == [AREAL, MASS, ENERGY, VOLTAGE]
    y = result.summary[AREAL]
    assert table.loc[AREAL, "95 %"] == np.percentile(y, 95)
    assert table.loc[AREAL, "Standard deviation"] == y.std()
    few = Result(result.cases[:19], result.provenance)
    assert few.percentiles.empty and few.sensitivity.empty


def test_indices_of_a_known_sum(one):
    table = made(one, SAMPLE).sensitivity
    assert list(table["Answer"].unique()) == [AREAL, ENERGY, VOLTAGE]
    first = table.set_index(["Answer", "Factor"])
    share = 100 / (100 + 0.09)  # variances: (10 um)^2 and 0.3^2
    assert first.loc[(AREAL, THICKNESS), "S1"] == pytest.approx(share, abs=0.02)
    assert abs(first.loc[(AREAL, CONDUCTIVITY), "S1"]) < 0.1
    assert first.loc[(AREAL, THICKNESS), "Rank correlation"] > 0.99
    assert "ST" not in table


def test_failed_points_do_not_count(one):
    result = made(one, SAMPLE)
    for case in result.cases[::4]:
        case.rows[0] |= {"Outcome": "solver failed", AREAL: 0.0}
    assert (result.percentiles["Points"] == 192).all()
    assert (result.sensitivity["Points"] == 192).all()


def test_a_point_that_delivers_nothing_counts_where_it_has_an_answer(one):
    """A capacity of 0 has no mean voltage; it is a capacity all the same."""
    result = made(one, SAMPLE)
    for case in result.cases[::4]:
        case.rows[0] |= {AREAL: 0.0, MASS: 0.0, ENERGY: 0.0, VOLTAGE: np.nan}
    table = result.percentiles.set_index("Answer")
    assert table.loc[[AREAL, MASS, ENERGY], "Points"].tolist() == [256] * 3
    assert table.loc[VOLTAGE, "Points"] == 192
    y = result.summary[AREAL].to_numpy()
    assert table.loc[AREAL, "Mean"] == pytest.approx(y.mean())
    assert table.loc[AREAL, "5 %"] == 0 < table.loc[AREAL, "50 %"]
    points = result.sensitivity.groupby("Answer")["Points"].first()
    assert (points[AREAL], points[VOLTAGE]) == (256, 192)
    assert figures(result)


def test_a_design_drops_whole_blocks(one):
    section = {"method": "saltelli", "points": 128, "factors": NORMAL}
    result = made(one, section)
    assert len(result.cases) == 512
    whole = result.sensitivity.set_index(["Answer", "Factor"])
    assert whole.loc[(AREAL, THICKNESS), "ST"] == pytest.approx(1, abs=0.01)
    result.cases[5].rows[0]["Outcome"] = "solver failed"
    part = Result(result.cases, result.provenance).sensitivity
    assert (whole["Points"] == 512).all() and (part["Points"] == 508).all()
    assert Result(result.cases[: 4 * 63], result.provenance).sensitivity.empty


def test_what_does_not_vary_has_no_indices(one):
    result = made(one, SAMPLE)
    for case in result.cases:
        case.rows[0][VOLTAGE] = 4.0
    assert VOLTAGE not in set(result.sensitivity["Answer"])


def test_numpys_random_state_is_left_alone(one):
    result = made(one, SAMPLE)
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert not result.sensitivity.empty
    assert np.random.random() == expected  # noqa: NPY002


# --- Seen ------------------------------------------------------------------------------


def test_figures_of_a_sample(one):
    drawn = figures(made(one, SAMPLE))
    own = ["uncertainty", "tornado", "sensitivity", "dependence", "voltage-band"]
    assert list(drawn)[:5] == own and all(drawn[name].get_label() for name in own)
    assert not any(name.startswith("capacity-cathode") for name in drawn)
    panel = drawn["tornado"].axes[0]
    assert panel.get_yticklabels()[0].get_text() == "Cathode thickness"
    result = made(one, SAMPLE)
    y = result.summary[AREAL].to_numpy()
    order = np.argsort(result.summary[THICKNESS].to_numpy())
    low, high = (y[rows].mean() for rows in (order[:25], order[-25:]))
    ends = [p.get_x() + p.get_width() for p in panel.patches if p.get_y() < 0]
    assert ends == pytest.approx([low, high])
    band = drawn["voltage-band"].axes[0]
    assert "256 discharges" in band.get_legend().get_title().get_text()
    median = band.lines[0].get_xdata()
    assert median[0] == pytest.approx(one.rows[0][AREAL])  # all are the same curve


def test_slices_of_a_grid_are_its_numbers(grid, one):
    thick = {"linear": ["1 um", "12 um", 12]}
    conductive = {"log": ["1e-7 S/cm", "1e-5 S/cm", 5]}
    factors = {"cathode.thickness": thick, "electrolyte.conductivity": conductive}
    figure = figures(made(one, {"factors": factors}))["slices"]
    panel = figure.axes[0]
    assert panel.get_lines()[0].get_xdata().tolist() == list(range(1, 13))
    for line, s in zip(panel.get_lines(), np.geomspace(1e-7, 1e-5, 5), strict=True):
        exact = 10 * np.arange(1, 13) - np.log(s / 2e-6)
        assert line.get_ydata() == pytest.approx(exact)
    assert len(figure.axes[1].get_lines()) == 6  # of 12 thicknesses
    assert "slices" not in figures(grid)  # two rates and two cut-offs are no slices


def test_the_report_has_indices_and_points_and_their_files(one, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "files", lambda result, format: {})
    result = made(one, SAMPLE)
    text = (result.save(tmp_path) / "report.html").read_text()
    kept = pd.read_csv(tmp_path / "sensitivity.csv")
    assert kept["S1"].to_numpy() == pytest.approx(result.sensitivity["S1"].to_numpy())
    assert (tmp_path / "percentiles.csv").is_file()
    for words in ("What makes it so", "<h2>Points</h2>", "PAWN of a dummy"):
        assert words in text
    assert not re.search(r"https?:|src=\"(?!data:)|import\(|fetch\(", text)
    # Of another result there, nothing is left of these
    (tmp_path / "mine.csv").write_text("mine")
    Result([one], {}).save(tmp_path)
    assert (tmp_path / "mine.csv").is_file()
    assert not (tmp_path / "sensitivity.csv").exists()


def test_a_long_sweep_says_what_is_not_shown(one, monkeypatch):
    monkeypatch.setattr(report, "MAX_POINT_ROWS", 50)
    text = report.html(made(one, SAMPLE), {})
    assert "The first 50 of 256 rows; all are in summary.csv" in text


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="no browser")
def test_the_points_are_sorted_and_filtered_in_a_browser(one, tmp_path):
    page = report.html(made(one, SAMPLE), {})
    script = """<script>
const table = document.querySelector(".points table"), [heads, fields] = table.tHead.rows;
const column = [...heads.cells].findIndex(c => c.textContent.includes("thickness"));
const loss = [...heads.cells].findIndex(c => c.textContent.includes("Limiting"));
heads.cells[column].click(); heads.cells[column].click();
for (const [k, words] of [[column, "8..9.5"], [loss, "electro"]]) {
  fields.cells[k].firstChild.value = words;
  fields.cells[k].firstChild.dispatchEvent(new Event("input"));
}
const seen = [...table.tBodies[0].rows].filter(row => !row.hidden);
document.body.replaceChildren(seen.map(r => r.cells[column].textContent).join(" "));
</script></body>"""
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", script))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    dom = subprocess.run([*command, path.as_uri()], capture_output=True, text=True)
    body = re.search(r"<body>(.*?)</body>", dom.stdout, re.DOTALL)[1]
    shown = [float(word) for word in body.split()]
    x = made(one, SAMPLE).dataset[THICKNESS].values
    expected = sorted((v for v in x if 8 <= v < 9), reverse=True)
    assert shown == pytest.approx(expected, abs=1e-3)

"""Fits of what ages a cell to capacity, efficiency and resistance against the cycle."""

from pathlib import Path

import numpy as np
import pytest

import tfbsim
from tfbsim import InputError, Numerics, load_cell, simulate
from tfbsim.experiment.expand import expand
from tfbsim.result.csv_file import csv

QUICK = Numerics(points=30, rtol=1e-6, atol=1e-8)
STEPS = ["Charge at 2C until 4.2 V", "Discharge at 2C until 3.0 V"]
RATE, GROWTH = 0.03 / 3600, 0.03  # 1/s; Ohm m2
LAWS = {
    "site_loss_by_oxidation": {
        "rate": "0.01 h-1",
        "potential": "4.0 V",
        "transfer_coefficient": 1e-3,
    },
    "interphase_with_time": {
        "initial_resistance": "1 ohm.cm2",
        "growth": "100 ohm.cm2",
        "growth_time": "10 h",
    },
}
TRUE = {
    "ageing.site_loss_by_oxidation.rate": RATE,
    "ageing.interphase_with_time.growth": GROWTH,
}
FILE = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
set: {ageing: LAWS}
steps: [Charge at 2C until 4.2 V, Discharge at 2C until 3.0 V]
cycles: 12
measured:
  - {case: base, table: cycles.csv, status: fitted}
  - {case: base, cycle: 10, from_cycle: 3, coulombic_efficiency: EFFICIENCY,
     status: predicted}
fit:
  parameters:
    ageing.site_loss_by_oxidation.rate: {min: 0.001 h-1, max: 1 h-1}
    ageing.interphase_with_time.growth: {min: 10 ohm.cm2, max: 1000 ohm.cm2}
  held_out: [cycles 9 to 10, cycle 12]
  starts: 1
"""


@pytest.fixture(scope="module")
def measured():
    """Of a cell with known rates, every second cycle."""
    cell = load_cell("lco-lipon-li-raijmakers2020").replace({"ageing": LAWS})
    return simulate(cell.replace(TRUE), STEPS, 12, numerics=QUICK).summary


def written(folder: Path, table, text: str = FILE, efficiency: float = 98.0) -> Path:
    columns = ["Cycle number", "Discharge capacity [mA.h.g-1]"]
    columns.append("Interface resistance [Ohm.cm2]")
    (folder / "cycles.csv").write_text(csv(table[columns].iloc[1::2]))
    path = folder / "life.yaml"
    text = text.replace("LAWS", str(LAWS).replace("'", ""))
    path.write_text(text.replace("EFFICIENCY", f"{efficiency:.8g} %"))
    return path


def test_rates_are_found_from_capacity_against_cycle(measured, tmp_path):
    mean = measured["Coulombic efficiency [%]"].iloc[2:10].mean()
    path = written(tmp_path, measured, efficiency=mean)
    found = tfbsim.fit(path, numerics=QUICK)
    table = found.parameters.set_index("Parameter")
    assert table["Value"].to_list() == pytest.approx([0.03, 300], rel=2e-3)
    for name, true in zip(TRUE, (0.03, 300), strict=True):
        assert table.loc[name, "Low 95 %"] < true < table.loc[name, "High 95 %"]
    rows = found.curves
    held = rows[rows["Role"] == "held out"]
    assert sorted(set(held["Cycle number"])) == [10, 12]
    assert held["Capacity error [%]"].abs().max() < 0.01
    of = rows[rows["Quantity"] == "Coulombic efficiency"].iloc[0]
    assert of["Simulated [%]"] == pytest.approx(of["Measured [%]"], abs=1e-3)
    resistances = rows[rows["Quantity"] == "Interface resistance"]
    assert len(resistances) == 6
    assert resistances["Error [%]"].abs().max() < 0.05
    found.save(tmp_path / "fit")
    assert (tmp_path / "fit" / "report.html").exists()


CASES = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
steps: [Charge at 2C until 4.2 V, Discharge at 2C until 3.0 V]
cycles: 6
cases:
  - {name: sites, ageing.site_loss_by_oxidation: {rate: 0.02 h-1, potential: 4.0 V,
     transfer_coefficient: 1e-3}}
  - {name: growth, ageing.interphase_with_time: {initial_resistance: 1 ohm.cm2,
     growth: 100 ohm.cm2, growth_time: 10 h}}
measured:
  - {case: sites, cycle: 6, capacity_retention: 90 %, status: fitted}
  - {case: sites, cycle: 4, capacity_retention: 99 %, status: predicted}
  - {case: growth, cycle: 6, capacity_retention: 90 %, status: fitted}
fit:
  parameters:
    ageing.site_loss_by_oxidation.rate: {min: 0.001 h-1, max: 1 h-1}
    ageing.interphase_with_time.growth: {min: 10 ohm.cm2, max: 3000 ohm.cm2}
  held_out: ["sites, cycle 4", "growth, cycle 99"]
  starts: 1
"""


def test_one_case_of_many_is_fitted_and_goes_on_where_it_stopped(tmp_path):
    """To the retention of a cycle; what was simulated once is not simulated again."""
    path = tmp_path / "cases.yaml"
    path.write_text(CASES)
    kept = tmp_path / "kept"

    class Stopped(Exception):
        pass

    def stop(word, evaluations, error):
        if evaluations >= 5:
            raise Stopped

    with pytest.raises(tfbsim.InputError, match="'sites' is a whole case"):
        tfbsim.fit(path, case="sites", held_out=["sites"])
    with pytest.raises(Stopped):
        tfbsim.fit(path, case="sites", numerics=QUICK, keep=kept, progress=stop)
    lines = [n for file in kept.iterdir() for n in file.read_text().splitlines()]
    assert len(lines) == 5
    counts: list[int] = []
    found = tfbsim.fit(
        *(path,),
        case="sites",
        numerics=QUICK,
        keep=kept,
        progress=lambda word, evaluations, error: counts.append(evaluations),
    )
    assert counts[0] == 0
    assert list(found.parameters["Parameter"]) == ["ageing.site_loss_by_oxidation.rate"]
    rows = found.curves.set_index("Role")
    assert rows.loc["fitted", "Simulated [%]"] == pytest.approx(90, abs=0.01)
    assert 90 < rows.loc["held out", "Simulated [%]"] < 99
    fitted = found.cell
    Q = simulate(fitted, STEPS, 6, numerics=QUICK).summary[
        "Discharge capacity [mA.h.g-1]"
    ]
    assert Q.iloc[-1] / Q.iloc[0] == pytest.approx(0.9, abs=1e-4)
    with pytest.raises(InputError, match="did you mean 'growth'"):
        tfbsim.fit(path, case="grwth", numerics=QUICK)


def test_retention_is_compared_with_the_first_of_its_kind(tmp_path):
    path = tmp_path / "cases.yaml"
    path.write_text(CASES)
    result = tfbsim.run_experiment(path, numerics=QUICK)
    Q = result.summary.set_index(["Case", "Cycle number"])[
        "Discharge capacity [mA.h.g-1]"
    ]
    shown = result.comparison.set_index(["Case", "Cycle number"])
    value = shown.loc[("sites", 6), "Simulated"]
    assert value == pytest.approx(100 * Q["sites", 6] / Q["sites", 1])
    assert shown.loc[("sites", 6), "Residual [%]"] == pytest.approx(
        100 * (value / 90 - 1)
    )


def test_a_table_stands_beside_what_is_simulated(measured, tmp_path):
    path = written(tmp_path, measured, efficiency=99.0)
    compared = tfbsim.run_experiment(path, numerics=QUICK).comparison
    assert len(compared) == 13
    summary = tfbsim.run_experiment(path, numerics=QUICK).summary
    mean = summary["Coulombic efficiency [%]"].iloc[2:10].mean()
    assert compared["Simulated"].iloc[-1] == pytest.approx(mean)
    assert compared["Residual [%]"].iloc[-1] == pytest.approx(100 * (mean / 99 - 1))


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("held_out: [cycles 9", "held_out: [cycles 90", "'cycles 90 to 10'"),
        ("table: cycles.csv", "table: cicles.csv", "cicles.csv"),
        ("table: cycles.csv", "table: ../cycles.csv", "must name a .csv file in"),
        ("from_cycle: 3", "from_cycle: 30", "is after the cycle, 10"),
        ("coulombic_efficiency: ", "coulombic_efficiency: 1 V and ", "coulombic_eff"),
    ],
)
def test_what_cannot_be_is_told(measured, tmp_path, old, new, words):
    path = written(tmp_path, measured, FILE.replace(old, new))
    with pytest.raises(InputError) as error:
        tfbsim.fit(expand(path), numerics=QUICK)
    assert words in str(error.value) and "life.yaml:" in str(error.value)


def test_a_heading_that_is_none_is_told(measured, tmp_path):
    path = written(tmp_path, measured)
    table = tmp_path / "cycles.csv"
    table.write_text(table.read_text().replace("Discharge cap", "Discharged cap"))
    with pytest.raises(InputError, match="did you mean 'Discharge capacity'"):
        expand(path)
    table.write_text("Cycle number,Discharge capacity [V]\n1,2\n2,3\n")
    with pytest.raises(InputError, match="discharge_capacity"):
        expand(path)
    assert np.isfinite(measured["Interface resistance [Ohm.cm2]"]).all()

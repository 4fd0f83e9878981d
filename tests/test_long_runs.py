"""Check-ups, the end of a life, pulses, and what a life did to a cell."""

import numpy as np
import pytest

from tfbsim import InputError, Numerics, load_cell, run_experiment, simulate
from tfbsim.report.answer import aged

QUICK = Numerics(points=40, rtol=1e-5, atol=1e-7)
CYCLE = ["Charge at 2C until 4.2 V", "Discharge at 2C until 3.0 V"]
CHECK_UP = [
    *("Charge at 1C until 4.2 V", "Rest for 1 hour", "Discharge at 1C for 10 s"),
    "Discharge at 1C until 3.0 V",
]
FADING = {
    "ageing": {
        "site_loss_by_oxidation": {
            "rate": "0.03 h-1",
            "potential": "4.0 V",
            "transfer_coefficient": 1e-3,
        },
        "lithium_consumption": {"current": "1 uA/cm2"},
    }
}
FILE = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
steps: [Charge at 2C until 4.2 V, Discharge at 2C until 3.0 V]
cycles: 3
{}
"""


@pytest.fixture(scope="module")
def fading():
    return load_cell("lco-lipon-li-raijmakers2020").replace(FADING)


@pytest.fixture(scope="module")
def life(fading):
    return simulate(
        *(fading, CYCLE, 60), numerics=QUICK, check_up=CHECK_UP, every=5,
        until="capacity 85 %",
    )  # fmt: skip


def test_check_ups_stand_in_place_of_every_nth_cycle(life):
    table = life.summary
    checked = table["Cycle number"][table["Check-up"] == 1].to_list()
    assert checked == list(range(1, len(table) + 1, 5))
    assert (table["C-rate"] == np.where(table["Check-up"] == 1, 1, 2)).all()


def test_a_life_ends_at_the_first_check_up_below_its_end(life):
    table = life.summary
    out = table["Discharge capacity [mA.h.g-1]"][table["Check-up"] == 1].to_numpy()
    assert out[-1] < 0.85 * out[0] <= out[-2]
    assert table["Check-up"].iloc[-1] == 1 and len(table) < 60
    (words,) = [w for w in life.warnings if "cycling ended" in w]
    assert f"after cycle {len(table)}" in words


def test_a_pulse_is_the_drop_over_the_current(life):
    steps = life.steps.set_index(["Cycle number", "Step number"])
    rest, pulse = (steps.loc[(1, k)] for k in (2, 3))
    drop = rest["End voltage [V]"] - pulse["End voltage [V]"]
    resistance = life.summary["Pulse resistance [Ohm.cm2]"]
    wanted = 1e6 * drop / pulse["End current [uA.cm-2]"]
    assert resistance.iloc[0] == pytest.approx(wanted, rel=1e-9)
    assert resistance.notna().to_list() == (life.summary["Check-up"] == 1).to_list()


def test_the_report_says_what_a_life_did(fading):
    """Lost sites take the capacity; of lithium there is more than cycles.

    Without them a cycle is that of the second of a fresh cell.
    """
    life = simulate(fading, CYCLE, 20, numerics=QUICK)
    (row,) = aged(life).to_dict("records")
    assert row["Mainly"] == "lost sites"
    assert row["Capacity lost to lithium consumption [mA.h.g-1]"] == pytest.approx(
        0, abs=1e-3
    )
    out = life.summary["Discharge capacity [mA.h.g-1]"]
    assert row["First discharge capacity [mA.h.g-1]"] == out.iloc[0]
    assert row["Retention [%]"] == pytest.approx(100 * out.iloc[-1] / out.iloc[0])
    lost = row["Capacity lost to lost sites [mA.h.g-1]"]
    assert lost == pytest.approx(out.iloc[1] - out.iloc[-1], rel=0.15)
    assert "ageing" in life.plot()


def test_a_reservoir_that_ends_is_what_killed(fading):
    few = fading.replace({"anode.lithium": "0.05 um", "ageing.lithium_consumption": {
        "current": "20 uA/cm2"}})  # fmt: skip
    row = aged(simulate(few, CYCLE, 30, numerics=QUICK)).iloc[0]
    assert row["Mainly"] == "lithium consumption"


def test_a_cell_that_never_discharged_keeps_no_share_of_it(fading):
    life = simulate(fading, CYCLE, 20, numerics=QUICK)
    life.cases[0].rows[0]["Discharge capacity [mA.h.g-1]"] = 0.0
    row = aged(life).iloc[0]
    assert row["First discharge capacity [mA.h.g-1]"] == 0
    assert np.isnan(row["Retention [%]"])


def test_a_resistance_ends_a_life_too(fading):
    grown = {"initial_resistance": "1 ohm.cm2", "growth": "500 ohm.cm2"}
    block = {"ageing.interphase_with_time": grown | {"growth_time": "10 h"}}
    result = simulate(
        fading.replace(block), CYCLE, 60, numerics=QUICK, until="resistance 150 %"
    )
    R = result.summary["Interface resistance [Ohm.cm2]"].to_numpy()
    assert R[-1] > 1.5 * R[0] >= R[-2]


@pytest.mark.parametrize(
    "text, words",
    [
        ("until: capacity 180 %", "between 0 and 100 %"),
        ("until: capasity 80 %", "did you mean 'capacity'"),
        ("until: 80", "where text would do"),
        ("until: capacity 80", "such as 'capacity 80 %'"),
        ("check_up: {every: 0, steps: [Rest for 1 hour]}", "check_up.every"),
        ("check_up: {every: 5, steps: [Rust for 1 hour]}", "did you mean 'rest'"),
        ("check_up: {every: 5}", "check_up.steps"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(tmp_path, text, words):
    path = tmp_path / "long.yaml"
    path.write_text(FILE.format(text))
    with pytest.raises(InputError) as error:
        run_experiment(path)
    assert words in str(error.value)
    assert "long.yaml:7" in str(error.value)


def test_python_says_what_is_wrong_too(fading):
    with pytest.raises(InputError, match="every: '0' must be a whole number from 1"):
        simulate(fading, CYCLE, 3, check_up=CHECK_UP)
    with pytest.raises(InputError, match="until: 'forever'"):
        simulate(fading, CYCLE, 3, until="forever")


def test_a_file_and_python_run_the_same(tmp_path, fading):
    path = tmp_path / "long.yaml"
    steps = ", ".join(CHECK_UP)
    path.write_text(FILE.format(f"check_up: {{every: 2, steps: [{steps}]}}"))
    found = run_experiment(path, numerics=QUICK).summary
    cell = load_cell("lco-lipon-li-raijmakers2020")
    same = simulate(cell, CYCLE, 3, numerics=QUICK, check_up=CHECK_UP, every=2).summary
    for name in ("Discharge capacity [mA.h.g-1]", "Pulse resistance [Ohm.cm2]"):
        assert found[name].to_list() == pytest.approx(same[name].to_list(), nan_ok=True)

"""`tfbsim eis`: from a cell to a table and figures; frequencies as they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim.cli.edge import outcome
from tfbsim.experiment.frequencies import parse_frequencies
from tfbsim.materials import laws

NAME = "lco-lipon-li-raijmakers2020"


def test_range():
    found = parse_frequencies("10 mHz to 800 kHz, 10 per decade")
    assert found[0] == 8e5 and found[-1] == 0.01 and len(found) == 80
    assert parse_frequencies("1 kHz") == (1000.0,)
    few = parse_frequencies("1 Hz to 1 kHz 1 points per decade")
    assert np.allclose(few, [1e3, 1e2, 1e1, 1.0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("800 kHz to 10 mHz", "'10 mHz to 800 kHz' would do"),
        ("0 Hz to 1 kHz", "0 Hz is out of range"),
        ("-1 Hz to 1 kHz", "-1 Hz is out of range"),
        ("1 Hz to 1 Hz", "no width"),
        ("1 Hz to 9 Hz, 0 per decade", "whole number from 1"),
        ("1 Hz to 9 Hz, 1e99 per decade", "whole number from 1"),
        ("1 Hz, 10 per decade", "two ends"),
        ("1 to 10", "no unit"),
        ("quick", "such as '800 kHz'"),
        ("1 V to 2 V", "frequency"),
        ("", "frequencies"),
    ],
)
def test_no_range(text, said):
    with pytest.raises(ValueError, match=said):
        parse_frequencies(text)


def _run(*arguments):
    from tfbsim.cli.app import app

    return outcome(lambda: app([*arguments], prog_name="tfbsim"))


def test_command(tmp_path, capsys):
    folder = tmp_path / "out"
    options = ("--voltage", "3.9 V", "--circuit", "--out", str(folder))
    assert _run("eis", NAME, *options) == 0
    table = pd.read_csv(folder / "impedance.csv")
    assert len(table) == 81 and table["Z real [Ohm.cm2]"].is_monotonic_increasing
    elements = pd.read_csv(folder / "circuit.csv").set_index("Element")["Value"]
    assert elements["Electrolyte resistance"] == pytest.approx(326.1, abs=0.1)
    assert {p.name for p in folder.glob("*.png")} >= {"nyquist.png", "bode.png"}
    assert "Electrolyte resistance" in capsys.readouterr().out
    assert _run("eis", NAME, *options) == 2  # results are there already


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--frequencies", "1 kHz to 1 Hz"), "--frequencies: the range"),
        (("--voltage", "9 V"), "voltage: 9 V is outside"),
        (("--voltage", "39"), "--voltage: '39' has no unit"),
        (("--temperature", "5 K"), "not a temperature"),
    ],
)
def test_bad_input(tmp_path, capsys, options, said):
    assert _run("eis", NAME, "--out", str(tmp_path / "out"), *options) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


EXPERIMENT = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
conditioning: ["EIS, 1 Hz to 10 kHz, 1 per decade"]
steps:
  - Charge at 1C until {upper}
  - EIS, 1 Hz to 1 kHz, 2 per decade
  - Hold at {upper} until C/100
  - EIS at {upper}, 1 Hz to 1 kHz, 2 per decade at 40 degC
cycles: 2
cases: [{upper: 3.9 V}, {upper: 4.0 V}]
"""


def test_step(tmp_path):
    """Spectra come back from a ledger and from the folder, and leave the cell alone."""
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    run = tfbsim.run_experiment(tmp_path / "x.yaml", folder=tmp_path / "out")
    table = run.impedance
    assert set(table["Case"]) == {"3.9 V", "4.0 V"}
    assert len(table) == 2 * (5 + 2 * 2 * 7)
    again = tfbsim.load_result(tmp_path / "out").impedance
    assert np.allclose(again.iloc[:, 1:], table.iloc[:, 1:])
    assert {"nyquist.png", "bode.png"} <= {
        p.name for p in Path(tmp_path / "out").iterdir()
    }
    assert "Nyquist" in (tmp_path / "out" / "report.html").read_text()
    last = table[(table["Cycle number"] == 2) & (table["Step number"] == 4)]
    assert last["Voltage [V]"].to_numpy() == pytest.approx([3.9] * 7 + [4.0] * 7)
    steps = run.steps
    moving = steps[(steps["Step number"] == 2) & (steps["Cycle number"] == 1)]
    assert "not at rest: its voltage moves by" in moving["Detail"].iloc[0]
    assert (steps["Outcome"] == "reached").all()
    (first, second) = run.summary["Lithium balance error"].to_numpy().reshape(2, 2)
    assert max(*first, *second) < 1e-8


def test_step_is_the_impedance_at_rest():
    cell = tfbsim.load_cell(NAME)
    sentence = "EIS, 1 Hz to 1 kHz, 2 per decade at 313.15 K"
    found = tfbsim.simulate(cell, [sentence]).impedance
    rest = tfbsim.impedance(
        cell, frequencies=found["Frequency [Hz]"], temperature=313.15
    ).table
    for name in rest:
        assert np.allclose(found[name], rest[name], rtol=1e-9)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("EIS at 3.9 V, 800 kHz to 10 mHz", "'10 mHz to 800 kHz' would do"),
        ("EIS at 9 V", "outside the cell's voltage_limits"),
        ("EIS at 3.9, 1 Hz to 5 Hz", "has no unit"),
        ("EIS for 3 s", "a spectrum is such as"),
        ("EIS at 3.9 V, 0 Hz to 10 Hz", "0 Hz is out of range"),
        ("EIS at 3.9 V, 1 Hz to 10 Hz at 5 K", "not a temperature"),
    ],
)
def test_no_step(sentence, said):
    with pytest.raises(tfbsim.InputError, match=said):
        tfbsim.simulate(NAME, [sentence])


def test_bare_collector_without_a_capacitance_is_refused():
    with pytest.raises(tfbsim.InputError, match="bare and blocks at every frequency"):
        tfbsim.impedance("lco-lipon-steel-ensurge2023")
    assert np.isfinite(tfbsim.impedance("lco-lipon-steel-ensurge2023", 3.95).Z).all()


def test_step_on_a_bare_collector():
    """Blocked is no spectrum; with a capacitance it is that capacitance."""
    cell = tfbsim.load_cell("lco-lipon-steel-ensurge2023")
    sentence = "EIS, 10 mHz to 1 Hz, 1 per decade"
    blocked = tfbsim.simulate(cell, [sentence, "Charge at C/10 for 1 minute"])
    assert blocked.impedance.empty and blocked.steps["Outcome"][0] == "infeasible"
    assert "bare and blocks at every frequency" in blocked.steps["Detail"][0]
    C = 17.4e-9
    bare = cell.replace({"anode.double_layer_capacitance": "17.4 nF/cm2"})
    table = tfbsim.simulate(bare, [sentence]).impedance
    w = 2 * np.pi * table["Frequency [Hz]"]
    reactance = (table["Z imaginary [Ohm.cm2]"] * w * C).to_numpy()
    assert reactance == pytest.approx(-1, rel=1e-3)


def test_volumes_with_a_double_layer_are_refused(tmp_path):
    text = EXPERIMENT.replace("cycles: 2", "numerics: {mesh: volumes}")
    text += "set: {cathode.double_layer_capacitance: 1 uF/cm2}\n"
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(tfbsim.InputError, match=r"numerics\.mesh: volumes have no"):
        tfbsim.run_experiment(tmp_path / "x.yaml")
    cell = tfbsim.load_cell(NAME).replace({"cathode.double_layer_capacitance": 1e-2})
    with pytest.raises(tfbsim.InputError, match="mesh: volumes have no"):
        tfbsim.impedance(cell, numerics=tfbsim.Numerics(mesh="volumes"))


def test_cell_with_a_film_as_anode_has_a_spectrum():
    found = tfbsim.impedance("lco-lipon-si", frequencies=[1.0, 100.0])
    assert (found.Z.real > 0).all() and (found.Z.imag < 0).all()


@pytest.mark.parametrize(
    ("volts", "told"),
    [((4.4, 4.0, 3.9, 3.8, 3.4), False), ((4.4, 4.1, 4.0, 3.8, 3.4), True)],
)
def test_a_kink_of_a_table_is_told(volts, told):
    """A table does not know its slope next to a kink."""
    law = laws.Table((0.0, 0.4, 0.5, 0.6, 1.0), volts)
    changes = {"cathode.open_circuit_potential": law}
    cell = tfbsim.load_cell("lco-lipon-li-constant-d").replace(changes)
    found = tfbsim.impedance(cell, stoichiometry=0.55, frequencies=[1.0])
    assert ("the slope goes from -2 to -1 V" in found.kink) is told


@pytest.mark.parametrize("field", ["voltage", "stoichiometry", "temperature"])
def test_a_word_in_place_of_a_number(field):
    with pytest.raises(tfbsim.InputError, match=f"{field}: 'x' is given where a number"):
        tfbsim.impedance("lco-lipon-li", **{field: "x"})

"""Titrations evaluated as a laboratory does: short pulses give the D that went in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim.cli.app import app
from tfbsim.cli.edge import outcome
from tfbsim.data.measured import DISCHARGE, HOLD, REST, Segment
from tfbsim.experiment.expand import expand
from tfbsim.fitting.titration import diffusivities
from tfbsim.physics.circuit import Circuit

CELL = "lco-lipon-li-constant-d"


def _own(cell, voltage):
    x = cell.cathode.stoichiometry(voltage)
    return float(cell.cathode.thickness) ** 2 / Circuit.of(cell, x).diffusion_time


def test_closed_form_of_a_pulse():
    """V = V_0 + k sqrt(t), Delta E_s and the current, of a D that is known."""
    cell = tfbsim.load_cell(CELL)
    D, L, tau, change = 2e-15, float(cell.cathode.thickness), 60.0, -1e-3
    k = change * L * np.sqrt(4 / (np.pi * D)) / tau
    t = np.linspace(0, tau, 40)
    still = np.array([0.0, 3600.0])

    def rest(V):
        return Segment(REST, 1, np.full(2, V), np.zeros(2), np.zeros(2), still)

    middle = 3.95 + change / 2
    circuit = Circuit.of(cell, cell.cathode.stoichiometry(middle))
    slope = circuit.warburg * L / circuit.diffusion_time  # -U'/F
    i = -k * np.sqrt(np.pi * D) / (2 * slope)
    V, ones = 3.95 - 0.02 + k * np.sqrt(t), i * np.ones(40)
    pulse = Segment(DISCHARGE, 1, V, ones, ones * t / 3600, t)
    rows = diffusivities([rest(3.95), pulse, rest(3.95 + change)], cell)
    assert list(rows["Method"]) == ["Weppner-Huggins", "Sand, slope"]
    for row in rows.to_dict("records"):
        assert row["D [cm2.s-1]"] == pytest.approx(1e4 * D, rel=1e-6)
        assert row["D of the cell [cm2.s-1]"] == pytest.approx(1e4 * _own(cell, middle))


def test_closed_form_of_a_hold():
    cell = tfbsim.load_cell(CELL)
    L, D = float(cell.cathode.thickness), 3e-15
    t = np.linspace(0, 1.5 * L**2 / D, 200)
    i = 1e-2 * np.exp(-(np.pi**2) * D * t / (4 * L**2))
    V, q = np.full(200, 3.95), np.linspace(0, 1, 200)
    before = Segment(HOLD, 1, V + 0.01, i, q, t)
    (row,) = diffusivities([before, Segment(HOLD, 1, V, i, q, t)], cell).to_dict(
        "records"
    )
    assert row["Method"] == "PITT"
    assert row["D [cm2.s-1]"] == pytest.approx(1e4 * D, rel=1e-3)


EXPERIMENT = """
format: 1
kind: experiment
cell: lco-lipon-li-constant-d
conditioning: [Charge at C/2 until 4.0 V, Hold at 4.0 V until C/200, Rest for 4 hours]
steps:
  - Rest for 1 hour
  - repeat: 2
    steps: [Discharge at C/40 for 100 seconds, Rest for 2 hours]
"""


def _gitt(folder, *arguments, expect=0):
    command = ["gitt", *map(str, arguments), "--out", str(folder)]
    assert outcome(lambda: app(command, prog_name="tfbsim")) == expect
    return pd.read_csv(folder / "titration.csv") if expect == 0 else None


def test_short_pulses_give_the_diffusivity(tmp_path, capsys):
    """Within some per cent, from the command line."""
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    folder = tmp_path / "out"
    table = _gitt(folder, tmp_path / "x.yaml")
    assert len(table) == 4 and (table["Pulse over L2/D"] < 0.1).all()
    assert table["Ratio"].to_numpy() == pytest.approx(1.0, abs=0.03)
    assert (folder / "titration.png").exists()
    said = capsys.readouterr().out
    assert "2 Weppner-Huggins values" in said and "2 Sand, slope values" in said
    _gitt(tmp_path / "other", CELL, expect=2)
    assert "is a cell" in capsys.readouterr().err
    _gitt(tmp_path / "film", tmp_path / "x.yaml", "--cell", "lco-lipon-si", expect=2)
    assert "anode: is a film too" in capsys.readouterr().err


def test_a_measured_record_gives_the_same(tmp_path, capsys):
    """As a table with a mapping, and as EC-Lab exports it."""
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    case = expand(tmp_path / "x.yaml").cases[0]
    found = tfbsim.run_experiment(tmp_path / "x.yaml").records[0].segments
    true = diffusivities(found, case.cell)["Ratio"].to_numpy()
    t, V, i, step, begun = [], [], [], [], 0.0
    for number, s in enumerate(found):
        t.append(begun + s.time)
        V.append(s.voltage)
        i.append(-s.current * float(case.cell.area))  # charge positive
        step.append(np.full(len(s.time), number))
        begun += float(s.time[-1])
    t, V, i, step = map(np.concatenate, (t, V, i, step))
    mine = pd.DataFrame({"clock": t / 3600, "signal": V, "flow": 1e6 * i})
    mine.to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "mine.yaml").write_text(
        "format: 1\nkind: mapping\ncurrent_sign: charge positive\n"
        "columns: {time: clock, voltage: signal, current: flow}\n"
        "units: {time: h, voltage: V, current: uA}\n"
    )
    head = "EC-Lab ASCII FILE\nNb header lines : 3\n"
    rows = pd.DataFrame({"mode": 1, "Ns": step, "time/s": t, "Ewe/V": V, "I/mA": 1e3 * i})
    export = head + rows.to_csv(index=False, sep="\t", lineterminator="\n")
    (tmp_path / "a.mpt").write_text(export, encoding="latin-1")
    files = [tmp_path / "mine.csv", tmp_path / "a.mpt"]
    for file in files:
        table = _gitt(tmp_path / file.stem, CELL, file)
        assert set(table["Record"]) == {file.name}
        assert table["Ratio"].to_numpy() == pytest.approx(true, rel=5e-3)
    capsys.readouterr()
    (tmp_path / "none.csv").write_text(
        "Time (s),Voltage (V),Current (mA)\n0,3,0\n9,3,0\n"
    )
    _gitt(tmp_path / "nothing", CELL, tmp_path / "none.csv", expect=2)
    assert "none.csv: has no pulses with a rest" in capsys.readouterr().err


THICK = """
format: 1
kind: experiment
cell: lco-lipon-li-constant-d
steps: [Rest for 1 minute, Discharge at 300 uA/cm2 until 2.5 V]
set:
  cathode.thickness: 40 um
  cathode.transference: 0
  cathode.initial_stoichiometry: 0.7
  electrolyte.conductivity: 1e-4 S/cm
"""


def test_transition_time_of_a_pulse_that_fills_the_surface(tmp_path):
    """Sand's time, in a film far thicker than the lithium gets, without migration."""
    (tmp_path / "x.yaml").write_text(THICK)
    table = _gitt(tmp_path / "out", tmp_path / "x.yaml").set_index("Method")
    row = table.loc["Sand, transition"]
    assert row["Pulse over L2/D"] < 0.1
    assert row["Ratio"] == pytest.approx(1.0, abs=0.01)

"""Titrations evaluated as a laboratory does: short pulses give the D that went in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim.data.measured import DISCHARGE, HOLD, REST, Segment
from tfbsim.fitting.titration import diffusivities
from tfbsim.physics.circuit import Circuit

CELL = "lco-lipon-li-constant-d"


def _own(cell, voltage):
    x = cell.cathode.stoichiometry(voltage)
    return float(cell.cathode.thickness) ** 2 / Circuit.of(cell, x).diffusion_time


def test_closed_form_of_a_pulse():
    """V = V_0 + k sqrt(t) and Delta E_s, of a D that is known."""
    cell = tfbsim.load_cell(CELL)
    D, L, tau, change = 2e-15, float(cell.cathode.thickness), 60.0, -1e-3
    k = change * L * np.sqrt(4 / (np.pi * D)) / tau
    t = np.linspace(0, tau, 40)
    still = np.array([0.0, 3600.0])

    def rest(V):
        return Segment(REST, 1, np.full(2, V), np.zeros(2), np.zeros(2), still)

    V, ones = 3.95 - 0.02 + k * np.sqrt(t), np.ones(40)
    pulse = Segment(DISCHARGE, 1, V, ones, ones * t / 3600, t)
    (row,) = diffusivities([rest(3.95), pulse, rest(3.95 + change)], cell).to_dict(
        "records"
    )
    assert row["D [cm2.s-1]"] == pytest.approx(1e4 * D, rel=1e-6)
    assert row["D of the cell [cm2.s-1]"] == pytest.approx(
        1e4 * _own(cell, 3.95 + change / 2)
    )


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


def test_short_pulses_give_the_diffusivity(tmp_path, capsys):
    """Within some per cent, from the command line."""
    from tfbsim.cli.app import app
    from tfbsim.cli.edge import outcome

    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    folder = tmp_path / "out"
    command = ["gitt", str(tmp_path / "x.yaml"), "--out", str(folder)]
    assert outcome(lambda: app(command, prog_name="tfbsim")) == 0
    table = pd.read_csv(folder / "titration.csv")
    assert len(table) == 2 and (table["Pulse over L2/D"] < 0.1).all()
    assert table["Ratio"].to_numpy() == pytest.approx(1.0, abs=0.03)
    assert (folder / "titration.png").exists()
    assert "2 GITT values" in capsys.readouterr().out
    command[1] = CELL
    command += ["--overwrite"]
    assert outcome(lambda: app(command, prog_name="tfbsim")) == 2
    assert "is a cell" in capsys.readouterr().err

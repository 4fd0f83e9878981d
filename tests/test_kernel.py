"""The compiled kernel of sweeps, against the solver that does everything else."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

import tfbsim
from tfbsim.experiment.curves import NO_CURVES
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.solver import engine
from tfbsim.solver.cycler import answer, asking, run_case
from tfbsim.solver.fast import kernel

QUICK = Numerics(points=60, rtol=1e-6, compile=True)
SHARP = replace(QUICK, rtol=1e-9, atol=1e-11, voltage_tolerance=1e-7)
PROTOCOLS = (
    ["Discharge at 1C until 3.2 V"],
    [
        "Charge at C/2 until 4.1 V",
        "Hold at 4.1 V until C/50",
        "Discharge at 5C until 3 V",
    ],
    [
        "Discharge at 30 uW/cm2 until 3.5 V",
        "Rest for 10 minutes",
        "Charge at 1C for 60 s",
    ],
    ["Discharge at 8C for 30 s", "Rest for 1 s", "Hold at 3.9 V for 2 minutes"],
)
CELLS = (
    ("lco-lipon-li-constant-d", {}),
    ("lco-lipon-li-raijmakers2020", {"cathode.initial_stoichiometry": 0.7}),
    ("nmc811-lipon-li", {"cathode.initial_stoichiometry": 0.6}),
    ("nmc111-lipon-li", {"cathode.anodic_transfer_coefficient": 0.4, "temperature": 320}),
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")), reason="needs a C compiler"
)


@pytest.fixture
def calls(monkeypatch):
    """Cells that the kernel was given, and how many of them it gave back."""
    seen = {"given": 0, "failed": 0}
    call = kernel.Kernel.__call__

    def counted(self, *given):
        found = call(self, *given)
        seen["given"] += len(found.ended)
        seen["failed"] += found.ended.count("failure")
        return found

    monkeypatch.setattr(kernel.Kernel, "__call__", counted)
    return seen


def sharp(cell, protocol, monkeypatch):
    """The same by the general solver, at tolerances that are far below."""
    with monkeypatch.context() as patch:
        patch.setattr(engine._Built, "kernel", None)
        return run_case(cell, protocol, SHARP, curves=NO_CURVES).cycles[0]


@pytest.mark.parametrize("protocol", range(len(PROTOCOLS)))
@pytest.mark.parametrize(("name", "changes"), CELLS)
def test_gives_what_the_general_solver_gives(name, changes, protocol, calls, monkeypatch):
    cell = tfbsim.load_cell(name).replace(changes)
    steps = Protocol(parse_cycle(PROTOCOLS[protocol], cell))
    found = run_case(cell, steps, QUICK, curves=NO_CURVES).cycles[0]
    assert calls["given"] >= 1 and calls["failed"] == 0
    exact = sharp(cell, steps, monkeypatch)
    full = cell.site_inventory * 96485.33 * cell.area / 3600
    for ours, theirs in zip(found.steps, exact.steps, strict=True):
        assert (ours.outcome, ours.detail) == (theirs.outcome, theirs.detail)
        assert ours.discharge == pytest.approx(theirs.discharge, abs=2e-6 * full)
        assert ours.charge == pytest.approx(theirs.charge, abs=2e-6 * full)
    assert found.lithium_balance_error < 1e-9 and found.charge_balance_error < 1e-9


def test_a_plated_anode_is_left_to_the_general_solver(calls):
    cell = tfbsim.load_cell("lco-lipon-steel-ensurge2023")
    steps = Protocol(parse_cycle(["Charge at C/2 until 4.1 V"], cell))
    found = run_case(cell, steps, QUICK, curves=NO_CURVES).cycles[0]
    assert calls["given"] == 0 and found.outcome == "reached"


def test_a_step_whose_curve_is_kept_is_left_to_the_general_solver(calls):
    cell = tfbsim.load_cell("lco-lipon-li-constant-d")
    run_case(cell, Protocol(parse_cycle(["Discharge at 1C until 3.2 V"], cell)), QUICK)
    assert calls["given"] == 0


def test_without_a_compiler_the_general_solver_does_it(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel, "_machine", lambda: None)
    assert kernel._compiled("int main;") is None


def test_a_vector_of_cells_gives_what_each_alone_gives(calls):
    """Their lanes differ in step size and in when they end."""
    base = tfbsim.load_cell("lco-lipon-li-constant-d")
    pairs = []
    for thickness in np.geomspace(1, 20, 5):
        cell = base.replace({"cathode.thickness": f"{thickness} um"})
        for rate in np.geomspace(0.1, 10, 5):
            steps = parse_cycle([f"Discharge at {rate}C until 3 V"], cell)
            pairs.append((cell, Protocol(steps)))
    together = [[] for _ in pairs]
    failed = answer(
        asking(cell, steps, QUICK, lambda c, _, kept=kept: kept.append(c), NO_CURVES)
        for (cell, steps), kept in zip(pairs, together, strict=True)
    )
    assert not failed and calls == {"given": 25, "failed": 0}
    alone = [run_case(*pair, QUICK, curves=NO_CURVES).cycles for pair in pairs]
    found, expected = (
        [cycles[0].steps[0].discharge for cycles in each] for each in (together, alone)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)

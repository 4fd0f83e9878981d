"""Books kept by every run, cut-offs, and numerics that act."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.solver.audit import audit
from tfbsim.solver.cycler import run_case
from tfbsim.solver.engine import engine
from tfbsim.solver.records import AUDIT_BREACH, REACHED, CycleRecord

CYCLE = (
    "Charge at 1C until 4.2 V",
    "Hold at 4.2 V until C/20",
    "Rest for 20 minutes",
    "Discharge at 2.5 mW until 3.0 V",
    "Rest for 20 minutes",
    ("Charge at 400 uA/cm2 until 4.1 V", "30 degC"),
    "Discharge at 5C until 3.2 V",
)


@pytest.fixture(scope="module")
def record(raijmakers):
    return run_case(raijmakers, Protocol(parse_cycle(CYCLE, raijmakers), cycles=3))


def balances(cycle):
    return (
        ("Lithium", cycle.lithium_balance_error),
        ("Charge", cycle.charge_balance_error),
    )


def test_cut_offs_are_hit(record, figure):
    hit = 0
    for cycle in record.cycles:
        for step in cycle.steps:
            assert step.outcome == REACHED, step.detail
            last = {k: v[-1] for k, v in step.trace.observed.items()}
            asked = step.step.lower if step.step.lower is not None else step.step.upper
            if asked is not None:
                miss = 1e6 * (last["Voltage [V]"] - asked)
                figure("Distance from a voltage cut-off", miss, at_most=10, unit="uV")
                hit += 1
            if step.step.c_rate_cut_off is not None:
                c_rate = abs(last["Current [A]"]) / record.cell.one_c_current
                miss = c_rate / step.step.c_rate_cut_off - 1
                figure("Distance from a current cut-off: relative", miss, at_most=1e-5)
                hit += 1
    assert hit == 3 * 5


def test_balances_over_cycles(record, figure):
    for cycle in record.cycles:
        assert cycle.outcome == REACHED
        for kind, error in balances(cycle):
            figure(f"{kind} balance over CC-CV-rest-power cycles", error, at_most=1e-8)


def test_balances_recomputed(record):
    """The audit itself, from the profiles and the currents instead of the states."""
    cell = record.cell
    faraday = 96485.33212331001
    weights = engine(cell.structure, Numerics()).weights
    for step in record.cycles[0].steps:
        trace = step.trace
        i = trace.observed["Current [A]"] / float(cell.area)
        cathode = trace.profiles @ weights * cell.site_inventory
        anode = trace.observed["Lithium thickness [m]"] / cell.anode.molar_volume
        total = cathode + anode
        assert np.abs(total - total[0]).max() < 1e-9 * cell.site_inventory
        # Charge by the trapezoidal rule over the solver's own steps
        passed = np.sum((i[1:] + i[:-1]) / 2 * np.diff(trace.t)) / faraday
        gained = cathode[-1] - cathode[0]
        assert gained == pytest.approx(passed, rel=1e-3, abs=1e-9)


def test_counters(record):
    """Throughput counts both directions, discharge energy one."""
    for step in record.cycles[1].steps:
        trace = step.trace
        i, V = trace.observed["Current [A]"], trace.observed["Voltage [V]"]
        if step.step.rest:
            assert not trace.observed["Throughput capacity [A.h]"].any()
            continue
        net = trace.observed["Discharge capacity [A.h]"]
        assert np.sign(net[-1]) == np.sign(i[0])
        assert trace.observed["Throughput capacity [A.h]"] == pytest.approx(
            abs(net), rel=1e-9, abs=1e-18
        )
        power = np.maximum(i * V, 0)
        energy = np.sum((power[1:] + power[:-1]) / 2 * np.diff(trace.t)) / 3600
        counted = trace.observed["Discharge energy [W.h]"][-1]
        assert counted == pytest.approx(energy, rel=1e-3, abs=1e-15)
        assert (counted > 1e-4) == (i[0] > 0)


@pytest.mark.parametrize(
    ("quantity", "field"),
    [
        ("Total lithium [mol.m-2]", "lithium_balance_error"),
        ("Cathode lithium [mol.m-2]", "charge_balance_error"),
    ],
)
def test_a_breach_is_found(record, quantity, field):
    """One part in a million of the film's lithium, gone between two points."""
    first, *others = record.cycles[0].steps
    seen = dict(first.trace.observed)
    lost = np.zeros_like(seen[quantity])
    lost[0 if field.startswith("charge") else -1] = 1e-6 * record.cell.site_inventory
    seen[quantity] = seen[quantity] - lost
    doctored = (replace(first, trace=replace(first.trace, observed=seen)), *others)
    cycle = CycleRecord(1, doctored, *audit(doctored, record.cell))
    assert getattr(cycle, field) > 1e-8
    assert cycle.outcome == AUDIT_BREACH


@pytest.mark.parametrize("c_rate", [0.2, 1.0, 6.0])
@pytest.mark.parametrize(
    "sentence", ["Discharge at {}C until 3 V", "Charge at {}C until 4.2 V"]
)
def test_balances_at_constant_current(raijmakers, figure, c_rate, sentence):
    x = 0.6 if sentence.startswith("Discharge") else 0.97
    cell = raijmakers.replace({"cathode.initial_stoichiometry": x})
    steps = parse_cycle([sentence.format(c_rate)], cell)
    (cycle,) = run_case(cell, Protocol(steps)).cycles
    assert cycle.outcome == REACHED
    for kind, error in balances(cycle):
        figure(f"{kind} balance at constant current", error, at_most=1e-10)
    trace = cycle.steps[0].trace
    passed = trace.observed["Discharge capacity [A.h]"][-1] * 3600
    assert passed == pytest.approx(steps[0].value * trace.t[-1], rel=1e-10)


def capacity(cell, numerics):
    """Discharge capacity [A.h] at 6C, where the profile is steep, and solver steps."""
    steps = parse_cycle(["Discharge at 6C until 3 V"], cell)
    trace = run_case(cell, Protocol(steps), numerics).cycles[0].steps[0].trace
    return trace.observed["Discharge capacity [A.h]"][-1], len(trace.t)


def test_tightening_moves_towards_the_reference(raijmakers, figure):
    cell = raijmakers.replace({"cathode.initial_stoichiometry": 0.6})

    sharp = {"rtol": 1e-9, "atol": 1e-11}
    meshes = [capacity(cell, Numerics(points=n, **sharp))[0] for n in (25, 50, 100, 400)]
    errors = np.abs(np.array(meshes[:-1]) / meshes[-1] - 1)
    for coarse, fine in pairwise(errors):
        figure(
            "Twice the mesh: what is left of the error, 6C", fine / coarse, at_most=1 / 3
        )

    loose, middle, tight = (
        capacity(cell, Numerics(points=100, rtol=rtol, atol=rtol / 100))
        for rtol in (1e-3, 1e-5, 1e-7)
    )
    reference = meshes[2]
    assert loose[1] < middle[1] < tight[1]  # solver steps
    for tighter, looser in ((tight, middle), (middle, loose)):
        left = abs(tighter[0] - reference) / abs(looser[0] - reference)
        figure("Tighter tolerances: what is left of the error, 6C", left, at_most=1 / 3)


def test_tighter_is_tighter():
    settings = Numerics(error_bar=True)
    tighter = settings.tighter()
    assert tighter.points == 2 * settings.points
    assert tighter.rtol < settings.rtol
    assert tighter.atol < settings.atol
    assert not tighter.error_bar

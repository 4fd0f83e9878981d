"""Every kind of step and of going on, on each shipped set, half charged."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime

import numpy as np
import pybamm
import pytest

V, HALF, RATE = "Voltage [V]", {"initial_soc": 0.5}, 0.02
CYCLE = ("Discharge at C/50 for 2 minutes", "Rest for 1 minute")


def run(shipped, steps, **how):
    experiment = pybamm.Experiment(steps)
    return shipped.simulation(experiment=experiment).solve(**HALF | how)


def kinds(shipped):
    """Steps about the open-circuit voltage that the cell starts from."""
    U = run(shipped, ["Rest for 1 second"])["Open-circuit voltage [V]"].entries[0]
    current = RATE * shipped.values()["Nominal cell capacity [A.h]"]
    t = np.linspace(0, 60, 13)
    at = (datetime(2026, 1, 1, hour) for hour in (8, 9))
    return U, {
        "current": pybamm.step.current(current, duration=60, start_time=next(at)),
        "charge": pybamm.step.c_rate(-RATE, duration=60, start_time=next(at)),
        "power": pybamm.step.power(current * U, duration=60, period=20),
        "resistance": pybamm.step.resistance(U / current, duration=60, tags=["tag"]),
        "hold": pybamm.step.voltage(U - 0.002, duration=60),
        "rest": pybamm.step.rest(duration=60, temperature="30oC"),
        "drive": pybamm.step.current(np.column_stack([t, current * np.sin(t / 9)])),
        "explicit": pybamm.step.CustomStepExplicit(
            lambda v: current * pybamm.cos(v["Time [s]"] / 9), duration=60
        ),
        "implicit": pybamm.step.CustomStepImplicit(
            lambda v: v[V] - U + 0.001, duration=60
        ),
        "string": pybamm.step.string(f"Discharge at C/50 for 60 s or until {U / 2} V"),
    }


def test_every_kind_of_step(each):
    U, steps = kinds(each)
    solution = run(each, list(steps.values()))
    cycles = dict(zip(steps, solution.cycles, strict=True))
    current = RATE * each.values()["Nominal cell capacity [A.h]"]
    expected = {
        "power": ("Power [W]", current * U),
        "resistance": ("Resistance [Ohm]", U / current),
        "hold": (V, U - 0.002),
        "implicit": (V, U - 0.001),
        "charge": ("Current [A]", -current),
        "rest": ("Cell temperature [C]", 30),
    }
    for kind, (name, value) in expected.items():
        found = cycles[kind][name].entries[1:]
        assert found == pytest.approx(value, rel=2e-4), kind
    assert cycles["power"].t[0] - solution.t[0] > 3600  # a rest before its start
    total = solution["Total lithium [mol]"].entries
    assert total == pytest.approx(total[0], rel=1e-9)


def test_going_on_and_callbacks(each):
    heard = []

    class Listener(pybamm.callbacks.Callback):
        def on_step_end(self, logs):
            heard.append(logs["step number"])

    whole = run(each, [CYCLE] * 4, callbacks=Listener(), save_at_cycles=[2])
    assert heard == [(1, 2), (2, 2)] * 4
    assert [cycle is None for cycle in whole.cycles] == [False, False, True, False]
    first = run(each, [CYCLE] * 2)
    experiment = pybamm.Experiment([CYCLE] * 2)
    both = each.simulation(experiment=experiment).solve(starting_solution=first)
    end = whole[V].entries[-1]
    assert both[V].entries[-1] == pytest.approx(end, abs=1e-5)


def test_copies_and_a_study(each):
    model = each.model()
    twins = [
        model.new_copy(),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ]
    study = pybamm.BatchStudy(
        models=dict(enumerate([model, *twins])),
        parameter_values=dict(enumerate([each.values() for _ in range(4)])),
    )
    study.solve([0, 60], calc_esoh=False)
    first, *others = (s.solution[V].entries[-1] for s in study.sims)
    assert others == pytest.approx([first] * 3, abs=1e-9)

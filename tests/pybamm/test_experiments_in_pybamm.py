"""Experiments: every kind of step and end, as PyBaMM's own tests have them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pybamm
import pytest

CYCLE = (
    "Discharge at 1C until 3.6 V",
    "Rest for 5 minutes",
    "Charge at C/2 until 4.1 V",
    "Hold at 4.1 V until C/20",
)


def run(shipped, steps, model=None, how=None, **experiment):
    experiment = pybamm.Experiment(steps, **experiment)
    simulation = shipped.simulation(model, experiment=experiment)
    return simulation.solve(**(how or {}))


def test_kinds_of_steps(lco):
    Q = lco.values()["Nominal cell capacity [A.h]"]
    t = np.linspace(0, 600, 61)
    drive = np.column_stack([t, Q / 2 * np.sin(t / 60)])
    steps = [
        pybamm.step.current(Q, duration=300),
        pybamm.step.c_rate(0.5, duration=300),
        pybamm.step.power(1e-3, duration=300),
        pybamm.step.resistance(8000, duration=300),
        pybamm.step.voltage(3.95, duration=300, termination="C/20"),
        pybamm.step.rest(duration=300),
        pybamm.step.current(drive),
        pybamm.step.CustomStepExplicit(
            lambda v: 2e-4 * pybamm.sin(v["Time [s]"] / 60), duration=200
        ),
        pybamm.step.CustomStepImplicit(lambda v: v["Voltage [V]"] - 3.9, duration=200),
        "Charge at C/2 until 4.17 V",
        "Discharge at 1 mW for 2 minutes",
    ]
    solution = run(lco, steps)
    assert len(solution.cycles) == len(steps)
    ends = [cycle["Voltage [V]"].entries[-1] for cycle in solution.cycles]
    assert ends[8] == pytest.approx(3.9, abs=1e-4)
    assert ends[9] == pytest.approx(4.17, abs=1e-4)
    power = solution.cycles[2]["Power [W]"].entries
    assert power[1:] == pytest.approx(1e-3, rel=1e-4)
    R = solution.cycles[3]["Resistance [Ohm]"].entries
    assert R[1:] == pytest.approx(8000, rel=1e-4)


def test_custom_ends(lco):
    full = pybamm.step.CustomTermination(
        name="surface", event_function=lambda v: 0.7 - v["Cathode surface stoichiometry"]
    )
    solution = run(lco, [pybamm.step.c_rate(1, termination=full, duration=7200)])
    assert solution["Cathode surface stoichiometry"].entries[-1] == pytest.approx(0.7)
    assert "surface" in solution.termination


def test_periods_tags_and_temperatures(lco):
    steps = [
        pybamm.step.c_rate(1, duration=600, period=60, tags=["tag"]),
        pybamm.step.rest(duration=600, period=120, temperature="40oC"),
    ]
    solution = run(lco, steps)
    assert np.diff(solution.cycles[0].t) == pytest.approx(60)
    assert solution.cycles[1]["Cell temperature [C]"].entries[-1] == pytest.approx(40)


def test_start_times_are_padded_by_rests(lco):
    steps = [
        pybamm.step.string(
            "Discharge at 1C for 5 minutes", start_time=datetime(2026, 1, 1, 8, 0)
        ),
        pybamm.step.string(
            "Charge at 1C for 5 minutes", start_time=datetime(2026, 1, 1, 9, 0)
        ),
    ]
    solution = run(lco, steps)
    assert solution.t[-1] == pytest.approx(3900)
    assert solution["Current [A]"](2000) == pytest.approx(0, abs=1e-12)


def test_ends_of_the_experiment(lco):
    cut = run(lco, [CYCLE] * 5, termination="3.7 V")
    assert len(cut.cycles) == 1
    timed = run(lco, ["Discharge at 1C for 1 hour"], termination="30 minutes")
    assert timed.t[-1] == pytest.approx(1800)
    assert "time limit" in timed.termination
    with_room = run(lco, [CYCLE[1]] * 2, termination="30 minutes")
    assert with_room.t[-1] == pytest.approx(600)


def test_a_capacity_ends_it_where_lithium_is_lost(anode_free):
    values = anode_free.values()
    values["Inactive fraction of plated lithium"] = 0.02
    cycle = ("Charge at C/5 until 4.2 V", "Discharge at C/5 until 3.6 V")
    experiment = pybamm.Experiment([cycle] * 20, termination="95% capacity")
    simulation = anode_free.simulation(parameter_values=values, experiment=experiment)
    capacity = simulation.solve().summary_variables["Capacity [A.h]"]
    assert 3 <= len(capacity) < 20
    assert capacity[-1] <= 0.95 * capacity[0] < capacity[-2]


def test_infeasible_steps(lco):
    with pytest.raises(pybamm.SolverError, match="infeasible"):
        run(lco, [pybamm.step.string("Charge at 1C until 3 V", skip_ok=False)])
    step = pybamm.step.string("Discharge at C/2 until 4.2 V", skip_ok=True)
    solution = run(lco, [(step, "Discharge at C/2 for 5 minutes")])
    assert isinstance(solution.cycles[0].steps[0], pybamm.EmptySolution)
    assert solution.t[-1] == pytest.approx(300)
    beyond = run(lco, ["Discharge at 1C for 10 hours", "Rest for 1 hour"])
    assert beyond.termination == "event: Minimum voltage [V]"
    assert len(beyond.cycles) == 1


def test_an_experiment_goes_on_where_the_lithium_is_exhausted(lco, anode_free):
    """The step ends, the next begins, as in our own driver."""
    cycles = ("Charge at C/5 for 30 minutes", "Discharge at C/50 until 1 V")
    values = anode_free.values()
    values["Lower voltage cut-off [V]"] = 0.0
    values["Inactive fraction of plated lithium"] = 0.5
    experiment = pybamm.Experiment([cycles] * 4)
    simulation = anode_free.simulation(parameter_values=values, experiment=experiment)
    solution = simulation.solve()
    ends = [cycle.steps[1].termination for cycle in solution.cycles]
    assert len(ends) == 4
    assert sum("Lithium exhausted" in end for end in ends) >= 2
    little = {"anode.lithium": "20 nm", "cathode.initial_stoichiometry": 0.7}
    experiment = pybamm.Experiment([cycles[::-1]] * 2)
    thin = lco.simulation(
        parameter_values=lco.cell.replace(little).parameter_values(),
        experiment=experiment,
    ).solve()
    ends = [cycle.steps[0].termination for cycle in thin.cycles]
    assert ["Lithium exhausted" in end for end in ends] == [True, True]


def test_going_on_from_a_solution(lco):
    whole = run(lco, [CYCLE] * 4)
    first = run(lco, [CYCLE] * 2)
    both = run(lco, [CYCLE] * 2, how={"starting_solution": first})
    assert len(both.cycles) == len(whole.cycles) == 4
    assert both["Voltage [V]"].entries[-1] == pytest.approx(
        whole["Voltage [V]"].entries[-1], abs=1e-5
    )
    saved = run(lco, [CYCLE] * 4, how={"save_at_cycles": [2]})
    assert [cycle is None for cycle in saved.cycles] == [False, False, True, False]


def test_summary_variables_follow_the_cycles(anode_free):
    values = anode_free.values()
    values["Inactive fraction of plated lithium"] = 0.01
    cycle = ("Charge at C/5 until 4.2 V", "Discharge at C/5 until 3.6 V")
    experiment = pybamm.Experiment([cycle] * 3)
    simulation = anode_free.simulation(parameter_values=values, experiment=experiment)
    solution = simulation.solve()
    summary = solution.summary_variables
    for k, cycle in enumerate(solution.cycles):
        passed = cycle.steps[1]["Discharge capacity [A.h]"].entries
        measured = summary["Change in discharge throughput [A.h]"][k]
        assert measured == pytest.approx(np.ptp(passed), rel=1e-6)
    assert np.all(np.diff(summary["Capacity [A.h]"]) < 0)
    assert np.all(np.diff(summary["Loss of lithium inventory [%]"]) > 0)
    lost = np.array(summary["Total capacity lost to side reactions [A.h]"])
    assert np.diff(summary["Capacity [A.h]"]) == pytest.approx(-np.diff(lost), rel=1e-6)
    assert np.all(np.array(summary["Local ECM resistance [Ohm]"]) > 0)


@pytest.mark.slow
def test_cycles_of_each_set(each):
    low, high = each.cell.window
    steps = [
        f"Discharge at C/10 until {low + 0.05:.3f} V",
        "Rest for 10 minutes",
        f"Charge at C/10 until {high - 0.02:.3f} V",
        f"Hold at {high - 0.02:.3f} V until C/50",
    ]
    steps = steps[2:] + steps[:2] if each.anode_free else steps
    solution = run(each, [tuple(steps)] * 3)
    assert len(solution.cycles) == 3
    total = solution["Total lithium [mol]"].entries
    assert total == pytest.approx(total[0], rel=1e-11)


def test_callbacks_hear_of_steps_and_cycles(lco):
    heard = []

    class Listener(pybamm.callbacks.Callback):
        def on_step_end(self, logs):
            heard.append(logs["step number"])

        def on_cycle_end(self, logs):
            heard.append(logs["summary variables"]["Capacity [A.h]"])

    run(lco, [CYCLE[:2]] * 2, how={"callbacks": Listener()})
    assert [h for h in heard if isinstance(h, tuple)] == [(1, 2), (2, 2)] * 2
    assert len(heard) == 6

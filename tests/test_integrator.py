"""The solver that is handed functions and arrays: PyBaMM's own answers, in any batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybamm
import pytest

from tfbsim.numerics import Numerics
from tfbsim.solver.engine import (
    BOUND,
    FALLBACKS,
    LAST,
    Engine,
    Infeasible,
    Request,
    Trace,
)
from tfbsim.solver.integrator import Integrator, Stretch

SMALL = Numerics(points=20)


@pytest.fixture(scope="module")
def small(raijmakers):
    return Engine(raijmakers.structure, SMALL)


@pytest.fixture(scope="module")
def resistive(raijmakers):
    """Its power has a peak that a discharge comes to."""
    return raijmakers.replace({"contact_resistance": 0.1})


GUESS = {"current": 0.1, "voltage": -2.0, "power": 0.1}  # C, of the right sign


def request(engine, cell, mode, target, duration=2000.0, **ends) -> Request:
    state = engine.uniform(cell.cathode.x_initial, 5.0)
    return Request(mode, target, duration, state, cell.parameters(), **ends)


def handed(engine, requests) -> tuple[np.ndarray, np.ndarray]:
    """Initial states and inputs as the integrator is given them."""
    built = engine.built(requests[0].mode)
    inputs = [engine.inputs(one) for one in requests]
    constants = engine.built("current").constants(inputs)
    for own, more in zip(inputs, constants, strict=True):
        own |= {**more, "Initial: C-rate": GUESS[requests[0].mode]}
    y0 = np.array([built.guess(own) for own in inputs])
    return y0, np.array([built.stack(own) for own in inputs])


def same_stretch(a: Stretch, b: Stretch) -> None:
    assert a.ended == b.ended
    assert a.t.tobytes() == b.t.tobytes() and a.y.tobytes() == b.y.tobytes()
    assert (a.yp is None) == (b.yp is None)
    assert a.yp is None or a.yp.tobytes() == b.yp.tobytes()


def same_trace(a: Trace, b: Trace) -> None:
    assert (a.event, a.fallback) == (b.event, b.fallback)
    assert a.t.tobytes() == b.t.tobytes()
    assert a.profiles.tobytes() == b.profiles.tobytes()
    assert a.end.profile.tobytes() == b.end.profile.tobytes()
    assert (a.end.inventory, a.end.current) == (b.end.inventory, b.end.current)
    for name, values in a.observed.items():
        assert values.tobytes() == b.observed[name].tobytes(), name


@pytest.mark.parametrize(
    ("mode", "target", "ends"),
    [
        ("current", 1e-4, {"lower": 3.6}),
        ("current", 1e-5, {}),
        ("voltage", 4.0, {}),
        ("voltage", 4.0, {"c_rate_cut_off": 1.2}),
        ("power", 3e-4, {"lower": 3.6}),
    ],
)
def test_is_the_public_solver(small, raijmakers, mode, target, ends):
    """The same solver of the same equations, but for the rounding of the functions."""
    asked = request(small, raijmakers, mode, target, **ends)
    y0, p = handed(small, [asked])
    built = small.built(mode)
    (ours,) = built.solve(y0, p, 0)
    solver = pybamm.IDAKLUSolver(
        rtol=SMALL.rtol,
        atol=built.integrator().atol,
        root_tol=1e-10,
        on_extrapolation="ignore",
        options={"silence_sundials_errors": True},
    )
    inputs = {
        **dict(zip(built.inputs, p[0].tolist(), strict=True)),
        **asked.parameters,
        **{f"Initial: {name}": y0[0, where] for name, where in built.slices.items()},
    }
    wanted = {symbol.name for symbol in built.model.input_parameters}
    found = solver.solve(
        built.model, [0.0, 1.0], inputs={name: inputs[name] for name in wanted}
    )
    assert len(found.t) > 10
    assert len(ours.t) == pytest.approx(len(found.t), rel=0.05)
    assert ours.t[-1] == pytest.approx(found.t[-1], rel=1e-6)
    assert ours.y[-1] == pytest.approx(np.asarray(found.y)[:, -1], rel=1e-6, abs=1e-7)
    assert ours.ended == ("event" if ends else "time")
    assert found.termination.startswith("event" if ends else "final time")


def test_a_batch_is_its_members_one_by_one(small, raijmakers):
    requests = [
        request(small, raijmakers, "current", I, duration, lower=lower)
        for I, duration, lower in (
            (1e-4, 2000.0, 3.6),
            (3e-5, 500.0, 3.0),  # ends by time
            (-1e-5, 100.0, -1e3),
            (1e-3, 2000.0, 3.7),
        )
    ]
    y0, p = handed(small, requests)
    built = small.built("current")
    together = built.solve(y0, p, 0)
    assert [s.ended for s in together] == ["event", "time", "time", "event"]
    for k, stretch in enumerate(together):
        (alone,) = built.solve(y0[k : k + 1], p[k : k + 1], 0)
        same_stretch(stretch, alone)
    for order in ([3, 1, 0, 2], [2, 2, 0]):
        for k, stretch in zip(order, built.solve(y0[order], p[order], 0), strict=True):
            same_stretch(stretch, together[k])


def test_a_lane_that_fails_does_not_touch_the_others(small, raijmakers, resistive):
    """One that gives up halfway, one that is impossible from the start, one without
    an initial state the solver accepts."""
    peak = request(small, resistive, "power", 3.0e-3)
    good = request(small, raijmakers, "power", 3e-4, lower=3.6)
    ends = replace(good, target=1e-4, duration=100.0)
    impossible = replace(peak, target=1.0)
    requests = [good, impossible, peak, ends]
    found = small.run_many(requests)
    assert isinstance(found[1], Infeasible)
    assert found[2].event == "Power limit" and found[2].fallback == LAST
    for k in (0, 2, 3):
        same_trace(found[k], small.run(requests[k]))
    with pytest.raises(Infeasible):
        small.run(impossible)
    # Refused outright, a batch is taken apart
    y0, p = handed(small, [good, impossible, good])
    first, second, third = small.built("power").solve(y0, p, 0)
    assert isinstance(second, pybamm.SolverError)
    same_stretch(first, third)
    (alone,) = small.built("power").solve(y0[:1], p[:1], 0)
    same_stretch(first, alone)


def test_one_mode_at_a_time(small, raijmakers):
    mixed = [
        request(small, raijmakers, "current", 1e-4),
        request(small, raijmakers, "voltage", 4.0),
    ]
    with pytest.raises(ValueError):
        small.run_many(mixed)


@pytest.mark.parametrize("mode", ["current", "voltage", "power"])
def test_without_a_curve_a_trace_has_the_same_ends(small, raijmakers, mode):
    target = {"current": 1e-4, "voltage": 4.0, "power": 3e-4}[mode]
    whole = request(small, raijmakers, mode, target, 300.0)
    full, short = small.run_many([whole, replace(whole, curve=False)])
    assert len(full.t) > 2 and short.t.tolist() == full.t[[0, -1]].tolist()
    assert short.profiles.tobytes() == full.profiles[[0, -1]].tobytes()
    assert short.end.profile.tobytes() == full.end.profile.tobytes()
    for name, values in full.observed.items():
        assert short.observed[name].tolist() == values[[0, -1]].tolist(), name


def test_a_solve_takes_no_more_steps_than_it_may(raijmakers, small):
    asked = request(small, raijmakers, "current", 1e-4)
    built = small.built("current")
    few = {"num_steps_no_progress": 20, "t_no_progress": 1.0}
    y0, p = handed(small, [asked])
    yp0 = 0 * y0
    whole, cut = (
        Integrator(built.functions, 1e-8, 1e-10, options).solve(y0, yp0, p)[0]
        for options in (BOUND, few)
    )
    assert len(whole.t) > 20
    assert (cut.ended, len(cut.t)) == ("failure", 20)
    most = [options["num_steps_no_progress"] for options in FALLBACKS]
    assert max(most) <= 100_000
    assert all(options["t_no_progress"] == 1 for options in FALLBACKS)

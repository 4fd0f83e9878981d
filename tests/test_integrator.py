"""The solver that is handed functions and arrays: PyBaMM's own answers, in any batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybamm
import pytest

from tfbsim.numerics import Numerics
from tfbsim.solver.engine import Engine
from tfbsim.solver.fallbacks import BOUND, FALLBACKS, LAST
from tfbsim.solver.integrator import Integrator
from tfbsim.solver.trace import Infeasible, Request, Trace

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


def handed(engine, one) -> tuple[np.ndarray, np.ndarray]:
    """Initial states and inputs as the integrator is given them."""
    built, own = engine.built(one.mode), engine.inputs(one)
    own |= engine.built("current").constants(own) | {"Initial: C-rate": GUESS[one.mode]}
    return built.guess(own), built.stack(own)


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
    y0, p = handed(small, asked)
    built = small.built(mode)
    ours = built.solve(y0, p)
    solver = pybamm.IDAKLUSolver(
        rtol=SMALL.rtol,
        atol=built.integrator().atol,
        root_tol=1e-10,
        on_extrapolation="ignore",
        options={"silence_sundials_errors": True},
    )
    inputs = {
        **dict(zip(built.inputs, p.tolist(), strict=True)),
        **asked.parameters,
        **{f"Initial: {name}": y0[where] for name, where in built.slices.items()},
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


def test_what_fails_does_not_touch_what_comes_next(small, raijmakers, resistive):
    """One that gives up halfway, one that is impossible from the start."""
    peak = request(small, resistive, "power", 3.0e-3)
    good = request(small, raijmakers, "power", 3e-4, lower=3.6)
    impossible = replace(peak, target=1.0)
    first = small.run(good)
    with pytest.raises(Infeasible):
        small.run(impossible)
    gave_up = small.run(peak)
    assert gave_up.event == "Power limit" and gave_up.fallback == LAST
    y, p = handed(small, impossible)
    with pytest.raises(pybamm.SolverError):  # refused outright
        small.built("power").solve(y, p)
    same_trace(first, small.run(good))


@pytest.mark.parametrize("mode", ["current", "voltage", "power"])
def test_without_a_curve_a_trace_has_the_same_ends(small, raijmakers, mode):
    target = {"current": 1e-4, "voltage": 4.0, "power": 3e-4}[mode]
    whole = request(small, raijmakers, mode, target, 300.0)
    full, short = small.run(whole), small.run(replace(whole, curve=False))
    assert len(full.t) > 2 and short.t.tolist() == full.t[[0, -1]].tolist()
    assert short.profiles.tobytes() == full.profiles[[0, -1]].tobytes()
    assert short.end.profile.tobytes() == full.end.profile.tobytes()
    for name, values in full.observed.items():
        assert short.observed[name].tolist() == values[[0, -1]].tolist(), name


def test_a_solve_takes_no_more_steps_than_it_may(raijmakers, small):
    asked = request(small, raijmakers, "current", 1e-4)
    built = small.built("current")
    few = {"num_steps_no_progress": 20, "t_no_progress": 1.0}
    y0, p = handed(small, asked)
    yp0 = 0 * y0
    whole, cut = (
        Integrator(built.functions, 1e-8, 1e-10, options).solve(y0, yp0, p)
        for options in (BOUND, few)
    )
    assert len(whole.t) > 20
    assert (cut.ended, len(cut.t)) == ("failure", 20)
    most = [one.options["num_steps_no_progress"] for one in FALLBACKS]
    assert max(most) <= 100_000
    assert all(one.options["t_no_progress"] == 1 for one in FALLBACKS)

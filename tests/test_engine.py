"""The engine: one model per structure, and every way a step can end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybamm
import pytest

from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol, Step
from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.physics.lithium import EXHAUSTED
from tfbsim.solver.cycler import run_case
from tfbsim.solver.discretised import Discretised
from tfbsim.solver.engine import Engine, engine
from tfbsim.solver.fallbacks import FALLBACKS
from tfbsim.solver.integrator import Integrator
from tfbsim.solver.records import (
    INFEASIBLE,
    LITHIUM_EXHAUSTED,
    REACHED,
    SKIPPED,
    SOLVER_FAILED,
    TIME_LIMIT,
)
from tfbsim.solver.trace import (
    CURRENT_CUT_OFF,
    FILM_LIMIT,
    MAXIMUM_VOLTAGE,
    MINIMUM_VOLTAGE,
    Infeasible,
    Request,
    SolverFailed,
)

AREA = 1e-4
SMALL = Numerics(points=20)

INPUTS = {
    "area": 5e-4,
    "temperature": 333.15,
    "contact_resistance": 1e-3,
    "one_c": 3.0,
    "cathode.thickness": 3e-6,
    "cathode.site_concentration": 3e4,
    "cathode.diffusivity_scale": 0.5,
    "cathode.diffusivity_activation_energy": 5e4,
    "cathode.transference": 0.2,
    "cathode.electronic_conductivity": 1e-3,
    "cathode.exchange_current": 0.5,
    "cathode.exchange_current_stoichiometry": 0.8,
    "cathode.film_resistance": 2e-3,
    "cathode.utilisation": 0.8,
    "cathode.active_fraction": 0.7,
    "cathode.entropic_change": -1e-4,
    "cathode.initial_stoichiometry": 0.7,
    "electrolyte.thickness": 2e-6,
    "electrolyte.conductivity": 1.5e-4,
    "electrolyte.conductivity_activation_energy": 5e4,
    "anode.lithium": 1e-6,
    "anode.exchange_current": 0.3,
    "anode.film_resistance": 3e-3,
}


def case(cell, sentences, **options):
    steps = parse_cycle(sentences, cell)
    return run_case(cell, Protocol(steps, **options), SMALL)


def outcomes(record):
    return [step.outcome for step in record.cycles[0].steps]


@pytest.fixture
def plain(ideal):
    """The ideal cell with the losses of a real one."""
    return ideal.replace(
        {
            "cathode.exchange_current": 2.0,
            "anode.exchange_current": 2.0,
            "electrolyte.conductivity": 2e-4,
        }
    )


# --- What is built, and how often ----------------------------------------------------


def test_inputs_never_rebuild(plain, monkeypatch):
    built = []
    construct = Discretised.__init__

    def counted(self, *arguments):
        built.append(arguments)
        construct(self, *arguments)

    monkeypatch.setattr(Discretised, "__init__", counted)
    numerics = Numerics(points=23)  # of this test alone
    solver = engine(plain.structure, numerics)
    plain = plain.replace({"temperature": 313.15})  # activation energies act
    base = Protocol(
        parse_cycle(["Discharge at 0.4C for 60 s", "Hold at 3.9 V for 60 s"], plain)
    )
    run_case(plain, base, numerics)
    built_now = solver.built("current")
    model, integrators = built_now.model, dict(built_now.integrators)
    count = len(built)
    assert count == 2  # current and voltage

    seen = set()
    assert plain.temperature != plain.reference_temperature
    for path, value in INPUTS.items():
        other = plain.replace({path: value})
        assert engine(other.structure, numerics) is solver, path
        (cycle,) = run_case(other, base, numerics).cycles
        first, hold = (step.trace for step in cycle.steps)
        end = (
            first.observed["Voltage [V]"][-1],
            hold.observed["Current [A]"][-1],
            first.observed["Total lithium [mol.m-2]"][-1],
        )
        seen.add(tuple(float(f"{number:.9g}") for number in end))
    assert len(built) == count
    assert solver.built("current").model is model
    assert built_now.integrators == integrators  # by identity
    assert list(integrators) == [0]
    # and every one of them acts, each in its own way
    assert len(seen) == len(INPUTS)


def test_structure_does_rebuild(plain):
    base = engine(plain.structure, SMALL)
    for change in (
        {"cathode.open_circuit_potential": laws.Table((0.0, 1.0), (4.4, 3.4))},
        {"cathode.anodic_transfer_coefficient": 0.4},
        {"anode.anodic_transfer_coefficient": 0.4},
        {"cathode.diffusivity": laws.LogPolynomial((-15.0, 0.5))},
    ):
        assert engine(plain.replace(change).structure, SMALL) is not base
    assert engine(plain.structure, Numerics(points=21)) is not base
    assert engine(plain.structure, SMALL) is base


# --- How a step ends -----------------------------------------------------------------


def test_step_ends_at_its_voltage_or_its_time(plain, run):
    down = run(plain, "current", 1e-4, 1e5, numerics=SMALL, lower=3.8, upper=4.2)
    assert down.event == MINIMUM_VOLTAGE
    assert down.observed["Voltage [V]"][-1] == pytest.approx(3.8, abs=1e-7)
    up = run(plain, "current", -1e-4, 1e5, numerics=SMALL, lower=3.8, upper=4.2)
    assert up.event == MAXIMUM_VOLTAGE
    assert up.observed["Voltage [V]"][-1] == pytest.approx(4.2, abs=1e-7)
    timed = run(plain, "current", 1e-4, 100.0, numerics=SMALL, lower=3.0)
    assert timed.event is None
    assert timed.t[-1] == 100
    assert np.all(np.diff(timed.t) > 0)
    hold = run(plain, "voltage", 3.9, 1e6, numerics=SMALL, c_rate_cut_off=0.05)
    assert hold.event == CURRENT_CUT_OFF
    assert hold.observed["Current [A]"][-1] == pytest.approx(0.05 * 1e-4, rel=1e-6)


def test_end_of_a_step_is_the_start_of_the_next(plain, run):
    first = run(plain, "current", 1e-4, 100.0, numerics=SMALL)
    assert first.end.profile == pytest.approx(first.profiles[-1], abs=0)
    half = run(plain, "current", 1e-4, 50.0, numerics=SMALL)
    rest = run(plain, "current", 1e-4, 50.0, numerics=SMALL, state=half.end)
    assert rest.observed["Voltage [V]"][-1] == pytest.approx(
        first.observed["Voltage [V]"][-1], abs=1e-6
    )


@pytest.mark.parametrize(
    ("mode", "target", "ends", "event"),
    [
        ("current", 1e-4, {"lower": 4.3}, MINIMUM_VOLTAGE),
        ("current", -1e-4, {"upper": 3.7}, MAXIMUM_VOLTAGE),
        ("power", 4e-4, {"lower": 4.3}, MINIMUM_VOLTAGE),
        ("voltage", 4.0, {"c_rate_cut_off": 0.1}, CURRENT_CUT_OFF),
    ],
)
def test_cut_off_met_at_once(plain, run, mode, target, ends, event):
    trace = run(plain, mode, target, 1e4, numerics=SMALL, **ends)
    assert trace.event == event
    assert trace.t.tolist() == [0.0]
    assert trace.end.profile == pytest.approx(np.full(SMALL.nodes, 0.5), abs=0)


def test_cut_off_met_at_once_is_reached(plain):
    record = case(plain, ["Discharge at 1C until 4.3 V", "Rest for 1 s"])
    assert outcomes(record) == [REACHED, REACHED]
    assert record.cycles[0].lithium_balance_error == 0


def test_power_takes_the_smaller_current(plain, run):
    seen = run(plain, "power", 4e-4, 10.0, numerics=SMALL).observed
    assert seen["Current [A]"][0] == pytest.approx(1.02e-4, rel=0.1)
    assert seen["Voltage [V]"][0] > 3.5


def test_too_high_a_power(plain, run):
    resistive = plain.replace({"contact_resistance": 1.0})
    # At most V^2/4R = 4 W/m2
    with pytest.raises(Infeasible):
        run(resistive, "power", 4.2 * AREA, 10.0, numerics=SMALL)
    fine = run(resistive, "power", 3.0 * AREA, 10.0, numerics=SMALL)
    assert fine.observed["Voltage [V]"][0] > 2.0
    record = case(resistive, ["Discharge at 4.2 W/m2 until 0.5 V", "Rest for 1 s"])
    assert outcomes(record) == [INFEASIBLE, REACHED]
    assert record.cycles[0].steps[0].trace is None


def test_infeasible_hold(ideal, run):
    """Without resistances only the kinetics stand between the cell and 9 V."""
    shallow = ideal.replace({"cathode.diffusivity": 1.0})
    with pytest.raises(Infeasible):
        run(shallow, "voltage", 9.0, 10.0, numerics=SMALL)
    record = case(shallow, ["Hold at 9 V until C/20", "Discharge at 1C for 1 s"])
    assert outcomes(record) == [INFEASIBLE, REACHED]
    assert record.cycles[0].outcome == INFEASIBLE


def test_the_limits_of_the_cell_come_first(plain):
    limited = plain.replace({"voltage_limits": [3.8, 4.2]})
    record = case(limited, ["Discharge at 1C for 100 hours"])
    (step,) = record.cycles[0].steps
    assert step.outcome == INFEASIBLE
    assert "limit of 3.8 V came first" in step.detail
    assert step.trace.observed["Voltage [V]"][-1] == pytest.approx(3.8, abs=1e-6)


def test_no_end_within_the_default_time(plain):
    stated = Step("Discharge", "current", 1e-4, 60.0, timed=True, lower=3.0)
    default = replace(stated, timed=False)
    record = run_case(plain, Protocol((stated, default)), SMALL)
    assert outcomes(record) == [REACHED, TIME_LIMIT]
    assert "default time limit" in record.cycles[0].steps[1].detail


@pytest.mark.parametrize(
    ("sentence", "word", "x"),
    [
        ("Discharge at 1C until 1 V", "full of", 1.0),
        ("Charge at 1C until 9 V", "empty of", 0.0),
    ],
)
def test_film_is_full_or_empty_before_the_cut_off(plain, sentence, word, x):
    record = case(plain, [sentence, "Rest for 1 s"])
    assert outcomes(record) == [INFEASIBLE, REACHED]
    step = record.cycles[0].steps[0]
    assert step.trace.event == FILM_LIMIT
    assert word in step.detail
    surface = step.trace.observed["Cathode surface stoichiometry"][-1]
    assert surface == pytest.approx(x, abs=0.03)


def test_lithium_exhausted(plain, run):
    thin = plain.replace({"anode.lithium": 100e-9})
    charge = 100e-9 / 13.0e-6 * laws.FARADAY * AREA  # C
    for mode, target in (("current", 1e-4), ("power", 4e-4), ("voltage", 3.7)):
        trace = run(thin, mode, target, 1e5, numerics=SMALL)
        assert trace.event == EXHAUSTED, mode
        assert trace.observed["Lithium thickness [m]"][-1] == pytest.approx(0, abs=1e-14)
        stripped = trace.observed["Discharge capacity [A.h]"][-1] * 3600
        assert stripped == pytest.approx(charge, rel=1e-6)
    record = case(
        thin, ["Discharge at 1C until 3 V", "Charge at 1C until 4.1 V", "Rest for 1 s"]
    )
    assert outcomes(record) == [LITHIUM_EXHAUSTED, REACHED, REACHED]


def test_cell_without_lithium(plain):
    bare = plain.replace({"anode.lithium": 0.0, "cathode.initial_stoichiometry": 0.9})
    sentences = [
        "Discharge at 1C until 3 V",
        "Rest for 1 minute",
        "Charge at 1C until 4.2 V",
        "Discharge at 1C until 3 V",
    ]
    record = case(bare, sentences)
    assert outcomes(record) == [LITHIUM_EXHAUSTED, REACHED, REACHED, LITHIUM_EXHAUSTED]
    first, rest, up, down = (step.trace for step in record.cycles[0].steps)
    assert first.t.tolist() == [0.0]
    assert np.all(rest.observed["Lithium thickness [m]"] == 0)
    up, down = (trace.observed["Discharge capacity [A.h]"][-1] for trace in (up, down))
    assert down == pytest.approx(-up, rel=1e-8)


# --- When the solver gives up --------------------------------------------------------


class Flaky:
    """Stands before Integrator.solve: fails for the first so many of the fallbacks."""

    def __init__(self, monkeypatch, failures):
        self.seen = []
        solve = Integrator.solve

        def flaky(solver, *arguments, **keywords):
            if solver not in self.seen:
                self.seen.append(solver)
            if self.seen.index(solver) < failures:
                raise pybamm.SolverError("IDA gave up\nat some length")
            return solve(solver, *arguments, **keywords)

        monkeypatch.setattr(Integrator, "solve", flaky)


@pytest.mark.parametrize("failures", range(1, len(FALLBACKS)))
def test_fallbacks(plain, monkeypatch, failures):
    def discharge():
        solver = Engine(plain.structure, SMALL)
        state = solver.uniform(0.5, 10.0)
        request = Request("current", 1e-4, 500.0, state, plain.parameters())
        return solver.run(request)

    expected = discharge()
    assert expected.fallback == 0
    Flaky(monkeypatch, failures)
    trace = discharge()
    assert trace.fallback == failures
    assert trace.observed["Voltage [V]"][-1] == pytest.approx(
        expected.observed["Voltage [V]"][-1], abs=1e-5
    )


def test_fallback_is_reported(plain, monkeypatch):
    engine.cache_clear()
    Flaky(monkeypatch, 1)
    record = case(plain, ["Discharge at 1C for 10 s"])
    (step,) = record.cycles[0].steps
    assert step.outcome == REACHED
    assert step.detail == "solved with fallback 1"


def test_solver_failed(plain, monkeypatch):
    flaky = Flaky(monkeypatch, len(FALLBACKS))
    solver = Engine(plain.structure, SMALL)
    with pytest.raises(SolverFailed, match=r"^IDA gave up$"):
        state = solver.uniform(0.5, 10.0)
        solver.run(Request("current", 1e-4, 500.0, state, plain.parameters()))

    flaky.seen.clear()
    engine.cache_clear()
    record = case(plain, ["Discharge at 1C for 10 s", "Rest for 10 s"], cycles=2)
    assert outcomes(record) == [SOLVER_FAILED, SKIPPED]
    first, second = record.cycles
    assert first.outcome == SOLVER_FAILED
    assert [step.outcome for step in second.steps] == [SKIPPED, SKIPPED]
    assert "Discharge at 1C for 10 s" in second.steps[0].detail


@pytest.mark.parametrize(
    "sentence",
    ["Charge at 1C for 20 s", "Hold at 4 V for 20 s", "Charge at 4 W/m2 for 20 s"],
)
def test_what_comes_before_a_solver_failure_is_kept(plain, gives_up_halfway, sentence):
    sentences = ["Discharge at 1C for 10 s", sentence, "Rest for 10 s"]
    whole = case(plain, sentences).cycles[0].steps
    gives_up_halfway(20)
    record = case(plain, sentences, cycles=2)
    assert outcomes(record) == [REACHED, SOLVER_FAILED, SKIPPED]
    before, failed, _ = record.cycles[0].steps
    for name, values in whole[0].trace.observed.items():
        assert before.trace.observed[name].tolist() == values.tolist()
    # The half that was solved, and where it ended
    assert failed.trace.t[-1] == 10
    V = failed.trace.observed["Voltage [V]"]
    at_10_s = np.interp(10, whole[1].trace.t, whole[1].trace.observed["Voltage [V]"])
    assert V[-1] == pytest.approx(at_10_s, abs=1e-4)
    x = failed.trace.observed["Cathode mean stoichiometry"][-1]
    assert failed.detail == f"after 10 s, at {V[-1]:.4g} V, x = {x:.4g}"
    assert record.cycles[0].lithium_balance_error < 1e-8
    # Later ones say which step it was
    assert all(sentence in step.detail for step in record.cycles[1].steps)


def test_a_solver_that_gives_nothing_reports_where_it_started(plain, monkeypatch):
    Flaky(monkeypatch, len(FALLBACKS))
    engine.cache_clear()
    (step,) = case(plain, ["Discharge at 1C for 10 s"]).cycles[0].steps
    assert step.trace is None
    assert step.detail == "IDA gave up; at the start of the step, at x = 0.5"


def test_a_power_at_its_limit_is_not_a_fallback(plain):
    """The last fallback only hands over what was solved until there is no solution."""
    resistive = plain.replace({"contact_resistance": 1.0})
    # U falls from 4 to 3.5 V, and the most it gives, U^2/4R, from 4 to 3 W/m2
    record = case(resistive, ["Discharge at 3.6 W/m2 until 0.5 V"])
    (step,) = record.cycles[0].steps
    assert step.outcome == INFEASIBLE
    assert step.trace.t[-1] > 100
    assert step.detail == "the cell cannot give this power any longer"

"""Fixtures: an ideal cell with answers in closed form, and a way to run it.

The ideal cell has U(x) = 4.5 V - x V, a constant D, and losses so small that its voltage
is the surface stoichiometry.  A test switches on what it is about.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from figures import Check, Recorder, checker

from tfbsim import load_cell
from tfbsim.cell.cell import Cell
from tfbsim.experiment.cases import Case
from tfbsim.materials import laws
from tfbsim.numerics import Numerics
from tfbsim.result.case import CaseResult
from tfbsim.run.run import case_result
from tfbsim.solver.discretised import DURATION, Discretised
from tfbsim.solver.engine import engine
from tfbsim.solver.integrator import Integration
from tfbsim.solver.trace import Request, State, Trace

Run = Callable[..., Trace]

NO_LOSS = 1e9  # an exchange current [A/m2] or conductivity [S/m] that costs no voltage

# What a shell runs in the background ignores Ctrl-C; commands that tests start must not
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def signals():
    """A command that is run in this process leaves its own ways with signals behind."""
    numbers = signal.SIGINT, signal.SIGTERM
    handlers, hook = [signal.getsignal(n) for n in numbers], sys.unraisablehook
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
    sys.unraisablehook = hook


@pytest.fixture(scope="session")
def raijmakers() -> Cell:
    """The shipped LiCoO2 cell."""
    return load_cell("lco-lipon-li-raijmakers2020")


@pytest.fixture(scope="session")
def ideal(raijmakers: Cell) -> Cell:
    """1 um film of 50 kmol/m3, D = 1e-15 m2/s: L^2/D = 1000 s; 1 cm2; no losses."""
    return raijmakers.replace(
        {
            "area": 1e-4,
            "one_c": 1.0,
            "temperature": 298.15,
            "reference_temperature": 298.15,
            "contact_resistance": 0.0,
            "voltage_limits": [-10.0, 10.0],
            "cathode.thickness": 1e-6,
            "cathode.site_concentration": 5e4,
            "cathode.open_circuit_potential": laws.Table((0.0, 1.0), (4.5, 3.5)),
            "cathode.diffusivity": laws.Constant(1e-15),
            "cathode.diffusivity_scale": 1.0,
            "cathode.transference": 0.0,
            "cathode.film_resistance": 0.0,
            "cathode.utilisation": 1.0,
            "cathode.active_fraction": 1.0,
            "cathode.exchange_current": NO_LOSS,
            "cathode.exchange_current_stoichiometry": 0.5,
            "cathode.initial_stoichiometry": 0.5,
            "electrolyte.thickness": 1e-6,
            "electrolyte.conductivity": NO_LOSS,
            "anode.exchange_current": NO_LOSS,
            "anode.film_resistance": 0.0,
            "anode.lithium": 10e-6,
        }
    )


@pytest.fixture(scope="session")
def run() -> Run:
    """One step of a cell, by default from its state as made and at tight tolerances."""

    def step(
        cell: Cell,
        mode: str,
        target: float,
        duration: float,
        *,
        numerics: Numerics | None = None,
        state: State | None = None,
        temperature: float | None = None,
        **ends: Any,
    ) -> Trace:
        solver = engine(cell.structure, numerics or Numerics(rtol=1e-10, atol=1e-12))
        if state is None:
            state = solver.uniform(
                cell.cathode.x_initial, cell.lithium_inventory / cell.site_inventory
            )
        parameters = cell.parameters(temperature)
        trace = solver.run(Request(mode, target, duration, state, parameters, **ends))
        assert trace.fallback == 0
        return trace

    return step


@pytest.fixture
def before_a_case(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[str], object]], None]:
    """Calls this with the name of each case before it is run in this process."""

    def install(call: Callable[[str], object]) -> None:
        def called(case: Case, *arguments: Any) -> CaseResult:
            call(case.name)
            return case_result(case, *arguments)

        monkeypatch.setattr("tfbsim.run.run.case_result", called)

    return install


@pytest.fixture
def gives_up_halfway(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A step of that duration [s] is solved for half of it, whatever is tried."""

    def install(duration: float) -> None:
        solve = Discretised.solve

        def flaky(self: Discretised, y: Any, p: np.ndarray, *how: Any) -> Integration:
            column = self.inputs.index(DURATION)
            if p[column] != duration:
                return solve(self, y, p, *how)
            changed = p.copy()
            changed[column] = duration / 2
            found = solve(self, y, changed, *how)
            return replace(found, t=found.t / 2, ended="failure")

        monkeypatch.setattr(Discretised, "solve", flaky)

    return install


# --- Figures for docs/verification.md ---------------------------------------------------

RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--figures", help="write the figures the tests measure to this file")


def pytest_configure(config: pytest.Config) -> None:
    recorder = Recorder(config.getoption("--figures"))
    config.stash[RECORDER] = recorder
    config.pluginmanager.register(recorder, "figures")


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """The figures of this session."""
    return request.config.stash[RECORDER]


@pytest.fixture
def figure(request: pytest.FixtureRequest, recorder: Recorder) -> Check:
    """Asserts and records: figure(claim, value, at_most=, about=, unit=)."""
    path, _, name = request.node.nodeid.partition("::")
    return checker(recorder, f"{path}::{name.partition('[')[0]}")

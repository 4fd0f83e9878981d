"""Laws that a test adds: what they declare is carried, observed and subtracted."""

from dataclasses import replace

import numpy as np
import pybamm
import pytest

from tfbsim import Numerics
from tfbsim.physics.law import Law, Loss
from tfbsim.physics.thin_film_cell import ThinFilmCell
from tfbsim.solver.engine import Engine, Request

COARSE = Numerics(points=50, rtol=1e-5, atol=1e-7)
RESISTANCE, TIME = 2e-2, 40.0  # Ohm m2, s
DROP = "Double layer voltage drop [V]"


class DoubleLayer(Law):
    """A resistance beside a capacitance: dv/dt = (i R - v)/(R C)."""

    observed = (DROP,)
    losses = (Loss("Double layer", DROP, 1, "#123456"),)

    def __init__(self, param):
        pybamm.BaseModel.__init__(self, name="Double layer")
        self.param = param

    def get_fundamental_variables(self):
        return {DROP: pybamm.Variable(DROP)}

    def set_rhs(self, variables):
        i = variables["Total current density [A.m-2]"]
        self.rhs = {variables[DROP]: (i * RESISTANCE - variables[DROP]) / TIME}

    def set_initial_conditions(self, variables):
        self.initial_conditions = {variables[DROP]: pybamm.Scalar(0)}


@pytest.fixture
def traces(raijmakers):
    """A discharge at 1C for a minute, and the rest behind it."""
    cell = raijmakers
    engine = Engine(replace(cell.structure, laws=(DoubleLayer,)), COARSE)
    parameters = cell.parameters()
    state = engine.uniform(0.6, 1.0)
    current = parameters["Nominal cell capacity [A.h]"]
    first = engine.run(Request("current", current, 60.0, state, parameters))
    second = engine.run(Request("current", 0.0, 60.0, first.end, parameters))
    i = current / parameters["Electrode area [m2]"]
    return first, second, i


def test_a_state_no_list_names_is_carried(traces):
    first, second, i = traces
    at_end = i * RESISTANCE * (1 - np.exp(-60 / TIME))
    assert first.observed[DROP][0] == 0
    assert first.observed[DROP][-1] == pytest.approx(at_end, rel=1e-3)
    assert second.observed[DROP][0] == first.observed[DROP][-1]
    left = at_end * np.exp(-60 / TIME)
    assert second.observed[DROP][-1] == pytest.approx(left, rel=1e-3)


def test_a_declared_loss_is_subtracted(traces):
    for trace in traces[:2]:
        o = trace.observed
        losses = ThinFilmCell(laws=(DoubleLayer,)).losses
        assert losses[-3].name == "Double layer"
        lost = sum(loss.sign * o[loss.variable] for loss in losses)
        V = o["Cathode open-circuit potential [V]"] - lost
        assert o["Voltage [V]"] == pytest.approx(V, abs=1e-12)


def test_counters_start_anew_in_every_step(traces):
    _, second, _ = traces
    assert second.observed["Throughput capacity [A.h]"][0] == 0
    carried = ThinFilmCell(laws=(DoubleLayer,)).carried
    assert carried == (
        "Cathode stoichiometry",
        "Lithium inventory over cathode sites",
        DROP,
    )

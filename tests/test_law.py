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
        losses = ThinFilmCell(laws=(DoubleLayer,)).declared.losses
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


TEMPERATURE = "Cell temperature [K]"
CAPACITY, COOLING = 0.5, 0.01  # J/(m2 K), W/(m2 K)


class LumpedHeat(Law):
    """One temperature of the cell: C dT/dt = i (U(x_mean) - V) - h (T - T_amb)."""

    def __init__(self, param):
        pybamm.BaseModel.__init__(self, name="Lumped heat")
        self.param = param
        param.T = pybamm.Variable(TEMPERATURE)

    def get_fundamental_variables(self):
        return {TEMPERATURE: self.param.T}

    def set_rhs(self, variables):
        p = self.param
        i = variables["Total current density [A.m-2]"]
        heat = i * (variables["Open-circuit voltage [V]"] - variables["Voltage [V]"])
        self.rhs = {p.T: (heat - COOLING * (p.T - p.T_amb)) / CAPACITY}

    def set_initial_conditions(self, variables):
        self.initial_conditions = {self.param.T: self.param.T_amb}


@pytest.mark.parametrize("mode", ["current", "voltage"])
def test_a_temperature_that_is_a_state(raijmakers, mode):
    """It warms by the losses, is carried into a rest, and the laws follow it."""
    cell = raijmakers
    engine = Engine(replace(cell.structure, laws=(LumpedHeat,)), COARSE)
    parameters = cell.parameters()
    ambient = parameters["Ambient temperature [K]"]
    target = 10 * parameters["Nominal cell capacity [A.h]"] if mode == "current" else 3.8
    state = engine.uniform(0.6, 1.0)
    worked = engine.run(Request(mode, target, 20.0, state, parameters))
    rest = engine.run(Request("current", 0.0, 30.0, worked.end, parameters))
    o, T = worked.observed, worked.observed[TEMPERATURE]
    assert T[0] == pytest.approx(ambient, abs=1e-9)
    assert T[-1] > ambient + 0.1

    heat = o["Current [A]"] / parameters["Electrode area [m2]"]
    heat = heat * (o["Open-circuit voltage [V]"] - o["Voltage [V]"])
    net = np.trapezoid(heat - COOLING * (T - ambient), worked.t) / CAPACITY
    assert T[-1] - T[0] == pytest.approx(net, rel=2e-2)

    cooled = rest.observed[TEMPERATURE]
    assert cooled[0] == T[-1]
    decay = np.exp(-COOLING / CAPACITY * rest.t)
    assert cooled - ambient == pytest.approx((T[-1] - ambient) * decay, rel=1e-3)

    # The electrolyte at the temperature that is observed: sigma T is Arrhenius
    E = parameters["Electrolyte conductivity activation energy [J.mol-1]"]
    T_ref = parameters["Reference temperature [K]"]
    arrhenius = np.exp(E / 8.314462618 * (1 / T_ref - 1 / T))
    sigma = parameters["Electrolyte conductivity [S.m-1]"] * T_ref / T * arrhenius
    i = o["Current [A]"] / parameters["Electrode area [m2]"]
    drop = i * parameters["Electrolyte thickness [m]"] / sigma
    assert o["Electrolyte voltage drop [V]"] == pytest.approx(drop, rel=1e-6)

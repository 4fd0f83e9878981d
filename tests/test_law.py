"""Laws that a test adds: what they declare is carried, subtracted, counted and shown."""

from dataclasses import replace

import numpy as np
import pybamm
import pytest

from tfbsim import Numerics, load_result, simulate
from tfbsim.physics.law import Column, End, Law, Loss, SideCurrent
from tfbsim.physics.thin_film_cell import ThinFilmCell
from tfbsim.plot import figures
from tfbsim.run.ledger import Point
from tfbsim.solver.engine import Engine
from tfbsim.solver.trace import Request

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


WEAR, CORROSION = "Wear [mol.m-2]", SideCurrent("Corrosion", "the test")
WORN, OHM, PER_SECOND, MOST = "Worn through", 3e-3, 1e-8, 1.25e-6
DROP_OF_WEAR = "Wear voltage drop [V]"


class Wear(Law):
    """Grows with time, takes voltage, passes a current of its own and ends a step."""

    losses = (Loss("Wear", DROP_OF_WEAR, 1, "#010203"),)
    side_currents = (CORROSION,)
    columns = (Column(WEAR, "What is worn."),)
    ends = (End(WORN, "worn through", "nothing is left to wear"),)

    def __init__(self, param):
        pybamm.BaseModel.__init__(self, name="Wear")
        self.param = param

    def get_fundamental_variables(self):
        return {WEAR: pybamm.Variable(WEAR), CORROSION.variable: pybamm.Scalar(0)}

    def get_coupled_variables(self, variables):
        i = variables["Total current density [A.m-2]"]
        return {DROP_OF_WEAR: i * OHM}

    def set_rhs(self, variables):
        self.rhs = {variables[WEAR]: pybamm.Scalar(PER_SECOND)}

    def set_initial_conditions(self, variables):
        self.initial_conditions = {variables[WEAR]: pybamm.Scalar(0)}

    def add_events_from(self, variables):
        self.events = [pybamm.Event(WORN, MOST - variables[WEAR])]


@pytest.fixture(scope="module")
def worn(raijmakers):
    """Two cycles of a cell with a law that no list names."""
    cell = raijmakers.replace({})
    cell.__dict__["structure"] = replace(cell.structure, laws=(Wear,))
    steps = [
        "Charge at 1C for 20 s",
        "Hold at 3.9 V for 10 s",
        "Discharge at 1C for 20 s",
    ]
    return simulate(cell, steps, cycles=3, numerics=COARSE)


def test_a_law_of_one_file_is_carried_and_ends_a_step_in_its_words(worn):
    steps = worn.steps
    assert list(steps["Outcome"][:7]) == ["reached"] * 7
    assert list(steps["Outcome"][7:]) == ["worn through"] * 2
    assert set(steps["Detail"][7:]) == {"nothing is left to wear"}
    assert steps["Duration [s]"].sum() == pytest.approx(MOST / PER_SECOND, rel=1e-6)
    assert list(worn.summary["Outcome"]) == ["reached", "reached", "worn through"]
    assert worn.solved and not worn.as_asked


def test_it_is_counted(worn):
    per_mol = 96485.33212 / 36
    wear = worn.summary["Wear [uA.h.cm-2]"].to_numpy()
    assert wear == pytest.approx(
        PER_SECOND * per_mol * np.array([50, 100, 125]), rel=1e-6
    )
    table = worn.losses
    i = worn.cases[0].curves["Current density [uA.cm-2]"].values[0, 0] * 1e-2
    lost = abs(i) * OHM * abs(i) * 20 / 3600 * 1e2  # J/m2 to uWh/cm2
    assert table["Wear [uW.h.cm-2]"][1] == pytest.approx(lost, rel=1e-3)
    assert (table["Corrosion [uW.h.cm-2]"] == 0).all()
    parts = table.iloc[:, 6:-1].sum(axis=1)
    balance = table["Energy in [uW.h.cm-2]"] - table["Energy out [uW.h.cm-2]"] - parts
    assert abs(balance).max() < 1e-12 * table["Energy in [uW.h.cm-2]"].max()


def test_it_is_drawn_and_reported_and_read_again(worn, tmp_path):
    drawn = figures(worn)
    assert "Wear" in [text.get_text() for text in drawn["losses"].legends[0].get_texts()]
    worn.save(tmp_path)
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "worn through" in report and "nothing is left to wear" in report
    assert "Wear" in report
    again = load_result(tmp_path)
    assert again.laws == worn.laws
    assert list(again.losses) == list(worn.losses)
    assert again.losses.iloc[:, 4:].to_numpy() == pytest.approx(
        worn.losses.iloc[:, 4:].to_numpy(), rel=1e-6, nan_ok=True
    )
    kept = Point.of(worn.cases[0]).result()
    assert kept.laws == worn.cases[0].laws
    assert list(kept.rows[-1]) == list(worn.cases[0].rows[-1])

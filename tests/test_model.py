"""ThinFilmCell in PyBaMM's own hands: plain simulations, options, entry points."""

from __future__ import annotations

import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pybamm
import pytest

import tfbsim
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.physics.basic_thin_film import BasicThinFilmCell
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import REACHED

ROOT = Path(__file__).parents[1]
RTOL, ATOL = 1e-8, 1e-10


def entry_points(group):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return project["project"]["entry-points"][group]


def in_pybamm(cell, steps, model=None):
    """A plain simulation of an experiment, at the settings used for both."""
    model = model or tfbsim.ThinFilmCell()
    simulation = pybamm.Simulation(
        model,
        parameter_values=cell.parameter_values(),
        experiment=pybamm.Experiment([tuple(steps)], period="20 seconds"),
        solver=pybamm.IDAKLUSolver(rtol=RTOL, atol=ATOL),
    )
    return simulation.solve()


STEPS = (
    "Charge at 1C until 4.1 V",
    "Hold at 4.1 V until C/5",
    "Rest for 10 minutes",
    "Discharge at 3 mW until 3.7 V",
    "Rest for 10 minutes",
    "Discharge at 0.5C for 10 minutes",
)


@pytest.mark.parametrize("alphas", [(0.5, 0.5), (0.4, 0.6)])
def test_same_voltage_as_the_engine(raijmakers, alphas):
    cell = raijmakers.replace(
        {
            "voltage_limits": [2.0, 5.0],
            "cathode.initial_stoichiometry": 0.9,
            "cathode.anodic_transfer_coefficient": alphas[0],
            "anode.anodic_transfer_coefficient": alphas[1],
        }
    )
    words = ["symmetric" if alpha == 0.5 else "asymmetric" for alpha in alphas]
    options = dict(zip(("cathode kinetics", "lithium kinetics"), words, strict=True))
    model = tfbsim.ThinFilmCell(options)
    solution = in_pybamm(cell, STEPS, model)

    numerics = Numerics(rtol=RTOL, atol=ATOL)
    (cycle,) = run_case(cell, Protocol(parse_cycle(STEPS, cell)), numerics).cycles
    ours = [step.trace for step in cycle.steps]
    theirs = solution.cycles[0].steps
    assert [step.outcome for step in cycle.steps] == [REACHED] * len(STEPS)
    assert len(theirs) == len(ours)
    for sentence, trace, step in zip(STEPS, ours, theirs, strict=True):
        t = step["Time [s]"].entries
        t = t - t[0]
        assert trace.t[-1] == pytest.approx(t[-1], rel=1e-4), sentence
        inside = t <= trace.t[-1]
        for name, tolerance in (("Voltage [V]", 5e-5), ("Current [A]", 1e-6)):
            at_t = np.interp(t[inside], trace.t, trace.observed[name])
            gap = np.abs(at_t - step[name].entries[inside])
            # At the step itself PyBaMM shows a hold's or a power's last current
            assert gap[1:].max() < tolerance, (sentence, name)


def test_default_parameters_solve():
    solution = pybamm.Simulation(tfbsim.ThinFilmCell()).solve([0, 60])
    V = solution["Voltage [V]"].entries
    cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    U = cell.states_of_charge[1]  # PyBaMM's users start charged
    assert V[0] < U
    assert V[-1] < V[0]
    parts = (
        solution["Cathode open-circuit potential [V]"].entries
        + solution["Cathode overpotential [V]"].entries
        - solution["Lithium overpotential [V]"].entries
        - solution["Electrolyte voltage drop [V]"].entries
        - solution["Electron path voltage drop [V]"].entries
        - solution["Film voltage drop [V]"].entries
        - solution["Contact voltage drop [V]"].entries
    )
    assert parts == pytest.approx(V, abs=1e-12)
    assert solution["Power [W]"].entries == pytest.approx(
        V * solution["Current [A]"].entries
    )


def test_time_stops_at_a_voltage_limit(raijmakers):
    cell = raijmakers.replace({"voltage_limits": [3.5, 4.5]})
    simulation = pybamm.Simulation(
        tfbsim.ThinFilmCell(), parameter_values=cell.parameter_values()
    )
    solution = simulation.solve([0, 1e5])
    assert solution.termination == "event: Minimum voltage [V]"
    assert solution["Voltage [V]"].entries[-1] == pytest.approx(3.5, abs=1e-5)


@pytest.mark.parametrize("mode", ["current", "voltage", "power"])
def test_operating_modes(mode):
    model = tfbsim.ThinFilmCell({"operating mode": mode})
    assert model.options["operating mode"] == mode
    assert len(model.algebraic) == (mode != "current")
    model.check_well_posedness()


def test_asymmetric_kinetics_are_algebraic():
    for name in ("cathode kinetics", "lithium kinetics"):
        assert len(tfbsim.ThinFilmCell({name: "symmetric"}).algebraic) == 0
        assert len(tfbsim.ThinFilmCell({name: "asymmetric"}).algebraic) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinetics": "symmetric"}, "Option 'kinetics' does not exist"),
        ({"operating mode": "resistance"}, "must be one of .*'current'.*'resistance'"),
        ({"cathode kinetics": 0.5}, "must be one of .*'symmetric'"),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(pybamm.OptionError, match=message):
        tfbsim.ThinFilmCell(options)


def test_variables_carry_their_unit():
    variables = tfbsim.ThinFilmCell().variables
    for name in ("Voltage [V]", "Current [A]", "Lithium thickness [m]", "Time [h]"):
        assert name in variables


def test_model_entry_points():
    found = entry_points("pybamm_models")
    assert found
    for name, value in found.items():
        model = EntryPoint(name, value, "pybamm_models").load()
        assert model is tfbsim.ThinFilmCell
        assert isinstance(model(), pybamm.BaseModel)


ANODE_FREE = "lco-lipon-steel-ensurge2023"
PLATED = {"anode": "plated in situ"}


def start(model, values):
    """The voltage after ten seconds of charge, in a plain simulation."""
    step = pybamm.Experiment(["Charge at 1C for 10 seconds"])
    simulation = pybamm.Simulation(model, parameter_values=values, experiment=step)
    return simulation.solve()["Voltage [V]"].entries[-1]


def test_a_parameter_set_refuses_the_model_of_another_anode():
    anode_free = tfbsim.load_cell(ANODE_FREE).parameter_values()
    message = r"use ThinFilmCell\(options={'anode': 'plated in situ'}\)"
    for model in (tfbsim.ThinFilmCell(), BasicThinFilmCell()):
        with pytest.raises(pybamm.OptionError, match=message):
            start(model, anode_free)
        with pytest.raises(pybamm.OptionError, match=message):
            pybamm.Simulation(model, parameter_values=anode_free).solve([0, 60])
    with pytest.raises(pybamm.OptionError, match=r"={'anode': 'evaporated'}"):
        start(tfbsim.ThinFilmCell(PLATED), tfbsim.ThinFilmCell().default_parameter_values)


def test_the_model_a_parameter_set_asks_for_is_the_engines():
    cell = tfbsim.load_cell(ANODE_FREE)
    V = start(tfbsim.ThinFilmCell(PLATED), cell.parameter_values())
    ours = tfbsim.simulate(cell, ["Charge at 1C for 10 seconds"])
    assert pytest.approx(ours.steps["End voltage [V]"].iloc[-1], abs=2e-4) == V


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        (
            {"cathode.anodic_transfer_coefficient": 0.4},
            {"cathode kinetics": "asymmetric"},
        ),
        (
            {"anode.anodic_transfer_coefficient": 0.4},
            {"lithium kinetics": "asymmetric"},
        ),
        (
            {"electrolyte.electronic_conductivity": "1e-9 S/cm"},
            {"leakage": "electronic"},
        ),
        (
            {
                "cathode.electronic_conductivity": {
                    "log10_polynomial": [-4, 1],
                    "unit": "S/cm",
                    "range": [0.4, 1],
                }
            },
            {"cathode resistivity": "law"},
        ),
        (
            {
                "anode.anodic_transfer_coefficient": 0.6,
                "electrolyte.electronic_conductivity": "1e-9 S/cm",
            },
            {"lithium kinetics": "asymmetric", "leakage": "electronic"},
        ),
    ],
)
def test_a_parameter_set_names_the_options_it_implies(raijmakers, changes, options):
    values = raijmakers.replace(changes).parameter_values()
    with pytest.raises(pybamm.OptionError) as error:
        start(tfbsim.ThinFilmCell(), values)
    assert str(error.value).endswith(f"use ThinFilmCell(options={options})")
    assert np.isfinite(start(tfbsim.ThinFilmCell(options), values))


@pytest.mark.parametrize(
    ("option", "marker"),
    [
        ("cathode transference", "Cathode transference number is a law"),
        ("cathode resistivity", "Cathode resistivity is a law"),
    ],
)
def test_a_law_of_the_film_and_a_constant_exclude_each_other(raijmakers, option, marker):
    values = raijmakers.parameter_values()
    assert values[marker] == 0
    with pytest.raises(pybamm.OptionError, match=f"options={{'{option}': 'constant'}}"):
        start(tfbsim.ThinFilmCell({option: "law"}), values)
    values[marker] = 1
    with pytest.raises(pybamm.OptionError, match=f"options={{'{option}': 'law'}}"):
        start(tfbsim.ThinFilmCell(), values)


@pytest.mark.parametrize("given", [0.4, "[input]"])
def test_a_parameter_changed_later_is_seen(raijmakers, given):
    """A symmetric model would leave the coefficient out, whatever it is."""
    values = raijmakers.parameter_values()
    values.update({"Lithium anodic transfer coefficient": given})
    with pytest.raises(pybamm.OptionError, match="'lithium kinetics': 'asymmetric'"):
        start(tfbsim.ThinFilmCell(), values)


def test_parameter_set_entry_points():
    found = entry_points("pybamm_parameter_sets")
    assert "lco-lipon-li-raijmakers2020" in found
    for name, value in found.items():
        values = pybamm.ParameterValues(
            EntryPoint(name, value, "pybamm_parameter_sets").load()()
        )
        cell = tfbsim.load_cell(name)
        assert values["Cathode thickness [m]"] == cell.cathode.thickness
        sign = -1 if cell.anode.plated else 1  # an anode-free cell charges first
        assert values["Current function [A]"] == pytest.approx(sign * cell.one_c_current)
        low, high = cell.window
        assert values["Lower voltage cut-off [V]"] == low
        assert values["Upper voltage cut-off [V]"] == high
    with pytest.raises(AttributeError, match="no shipped cell"):
        import_module("tfbsim.cell.parameter_sets").no_such_cell  # noqa: B018

"""Models, simulations, parameter values and data to files and back; figures; spectra."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pybamm
import pytest

V = "Voltage [V]"
T = [0, 300]


@pytest.fixture
def solved(each):
    simulation = each.simulation()
    return simulation, simulation.solve(T)


@pytest.mark.filterwarnings("ignore:The `variables` parameter is deprecated")
@pytest.mark.parametrize("mesh", ["elements", "volumes"])
def test_a_model_comes_back(lco, mesh, tmp_path):
    simulation = lco.simulation(lco.model(**{"cathode mesh": mesh}))
    expected = simulation.solve(T)
    path = str(tmp_path / "model")
    simulation.save_model(path, mesh=True, variables=True)
    model = pybamm.load_model(f"{path}.json")
    solution = lco.model().default_solver.solve(model, T)
    for name in (V, "Cathode stoichiometry", "Discharge capacity [A.h]"):
        assert solution[name].entries == pytest.approx(expected[name].entries, abs=1e-9)


def test_a_model_without_numbers_comes_back(each, solved, tmp_path):
    path = str(tmp_path / "model.json")
    each.model().to_config(path)
    model = pybamm.BaseModel.from_config(path)
    assert isinstance(model, type(each.model()))
    found = each.simulation(model).solve(T)
    assert found[V].entries[-1] == pytest.approx(solved[1][V].entries[-1], abs=1e-9)


def test_equations_are_printed_in_their_symbols(lco):
    text = " ".join(str(line) for line in lco.model().latexify(newline=False))
    for symbol in ("nabla", "D^{\\mathrm{ref}}", "sigma_{\\mathrm{e}}", "Lithium"):
        assert symbol in text


def test_parameter_values_come_back(each, solved, tmp_path):
    path = str(tmp_path / "values.json")
    each.values().to_json(path)
    values = pybamm.ParameterValues.from_json(path)
    again = each.simulation(parameter_values=values).solve(T)
    assert again[V].entries[-1] == pytest.approx(solved[1][V].entries[-1], abs=1e-9)


def test_a_simulation_comes_back(solved, tmp_path):
    simulation, solution = solved
    path = str(tmp_path / "simulation.pkl")
    simulation.save(path)
    loaded = pybamm.load_sim(path)
    for found in (loaded.solution, loaded.solve(T)):
        assert found[V].entries[-1] == pytest.approx(solution[V].entries[-1], abs=1e-9)
    solution.save(path)
    assert pybamm.load(path)[V].entries == pytest.approx(solution[V].entries)


def test_data_to_files(solved, tmp_path):
    _, solution = solved
    names = ["Time [s]", V]
    solution.save_data(str(tmp_path / "d.csv"), names, to_format="csv")
    table = np.loadtxt(tmp_path / "d.csv", delimiter=",", skiprows=1)
    assert table[:, 1] == pytest.approx(solution[V].entries)
    solution.save_data(str(tmp_path / "d.json"), names, to_format="json")
    short = {"Time [s]": "t", V: "V"}
    solution.save_data(
        str(tmp_path / "d.mat"), names, to_format="matlab", short_names=short
    )
    assert (tmp_path / "d.mat").stat().st_size > 0
    assert (tmp_path / "d.json").stat().st_size > 0


@pytest.fixture
def axes():
    yield
    plt.close("all")


@pytest.mark.usefixtures("axes")
def test_quick_plot_is_in_micrometres(each, solved):
    simulation, solution = solved
    plot = pybamm.QuickPlot(simulation, ["Cathode stoichiometry", V])
    plot.plot(solution.t[-1] / 2)
    axes = plot.fig.axes[0]
    assert axes.get_xlim()[1] == pytest.approx(
        1e6 * each.cell.cathode.thickness, rel=1e-6
    )
    assert axes.get_xlabel() == r"x [$\mu$m]"
    plot.slider_update(solution.t[-1])
    default = simulation.plot(show_plot=False)
    assert len(default.fig.axes) >= 5


@pytest.mark.usefixtures("axes")
@pytest.mark.parametrize("split", [False, True])
def test_voltage_components_reach_the_voltage(each, solved, split):
    _, axes = pybamm.plot_voltage_components(
        solved[1], show_plot=False, split_by_electrode=split
    )
    *areas, last = axes.collections
    edge = last.get_paths()[0].vertices
    t, V_line = axes.lines[-1].get_data()
    lowest = [np.abs(edge[np.isclose(edge[:, 0], s), 1] - v).min() for s, v in
              zip(t[1:-1], V_line[1:-1], strict=True)]  # fmt: skip
    assert len(areas) >= 5
    assert max(lowest) < 1e-9


@pytest.mark.usefixtures("axes")
def test_summary_variables_are_drawn(anode_free):
    cycle = ("Charge at C/2 until 4.2 V", "Discharge at C/2 until 3.6 V")
    experiment = pybamm.Experiment([cycle] * 2)
    solution = anode_free.simulation(experiment=experiment).solve()
    names = ["Capacity [A.h]", "Change in discharge throughput [A.h]",
             "Loss of lithium inventory [%]"]  # fmt: skip
    axes = pybamm.plot_summary_variables(solution, names, show_plot=False)
    assert [a.get_ylabel() for a in axes.flat] == names
    assert all(len(a.lines[0].get_ydata()) == 2 for a in axes.flat)


def test_spectra(each):
    """At rest: resistances at high frequency, diffusion at low."""
    simulation = pybamm.EISSimulation(each.model(), each.values())
    if each.anode_free:  # a bare collector has no metal to exchange with
        assert np.all(np.abs(simulation.solve([1e-3, 1]).impedance) > 1e20)
    Z = simulation.solve(np.logspace(-5, 6, 12), initial_soc=0.5).impedance
    assert np.all(Z.imag < 1e-9 * np.abs(Z))
    # Below a millihertz rounding of |Z| is more than what is left of its real part
    assert np.all(np.diff(Z.real[2:]) <= 1e-9 * Z.real[2])
    assert abs(Z.imag[-1]) < 1e-2 * Z.real[-1]
    p, values = simulation._model.param, each.values()
    values.set_initial_state(0.5, options=simulation._model.options, param=p)
    ohmic = values.evaluate(p.L_e / (p.sigma_e * p.T_ref / p.T * p.arrhenius(p.E_sigma)))
    assert Z.real[-1] * each.cell.area > float(ohmic)

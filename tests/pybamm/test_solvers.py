"""Solvers of PyBaMM, batch study, inputs, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pybamm
import pytest

V = "Voltage [V]"
T = [0, 600]


@pytest.fixture
def expected(lco):
    solver = pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11)
    return lco.simulation(solver=solver).solve(T)[V].entries[-1]


@pytest.mark.filterwarnings("ignore:.*Solver is deprecated")
@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("IDAKLUSolver", {"output_variables": [V]}),
        ("CasadiSolver", {"mode": "safe"}),
        ("CasadiSolver", {"mode": "fast"}),
        ("CasadiSolver", {"mode": "fast with events"}),
        ("ScipySolver", {}),
    ],
)
def test_solvers_agree(lco, expected, kind, how):
    solver = getattr(pybamm, kind)(rtol=1e-8, atol=1e-10, **how)
    solution = lco.simulation(solver=solver).solve(np.linspace(*T, 31))
    assert solution[V].entries[-1] == pytest.approx(expected, abs=1e-5)


@pytest.mark.filterwarnings("ignore:.*Solver is deprecated")
@pytest.mark.parametrize("mode", ["safe", "fast with events"])
def test_events_in_casadi_modes(lco, mode):
    solver = pybamm.CasadiSolver(mode=mode)
    solution = lco.simulation(solver=solver).solve([0, 7200])
    assert solution.termination == "event: Minimum voltage [V]"
    assert solution[V].entries[-1] == pytest.approx(3.0, abs=1e-3)


def test_the_mesh_by_name(lco):
    few = lco.simulation(var_pts={"x_p": 13}).solve(T)
    assert few["Cathode stoichiometry"].entries.shape[0] == 13
    volumes = lco.simulation(lco.model(**{"cathode mesh": "volumes"})).solve(T)
    assert volumes[V].entries[-1] == pytest.approx(few[V].entries[-1], abs=1e-4)


def test_depth_is_a_length(lco, expected):
    solution = lco.simulation().solve(T)
    L = lco.cell.cathode.thickness
    y = solution["Distance from electrolyte [m]"].entries[:, -1]
    assert y[[0, -1]] == pytest.approx([0, L], abs=1e-18)
    profile = solution["Cathode stoichiometry"]
    at_faces = [float(profile(t=600, x=x)) for x in (0, L)]
    faces = ("surface", "collector")
    assert at_faces == pytest.approx(
        [solution[f"Cathode {face} stoichiometry"].entries[-1] for face in faces]
    )
    # As an input a thickness leaves the mesh as it is, and the numbers
    values = lco.values()
    values["Cathode thickness [m]"] = "[input]"
    simulation = lco.simulation(parameter_values=values)
    thick = simulation.solve(T, inputs={"Cathode thickness [m]": L})
    assert thick[V].entries[-1] == pytest.approx(expected, abs=1e-5)


def test_ambient_temperature_is_a_function(lco):
    values = lco.values()
    values["Ambient temperature [K]"] = lambda y, z, t: 293 + 10 * t / 600
    solution = lco.simulation(parameter_values=values).solve(T)
    assert solution["Cell temperature [K]"].entries[-1] == pytest.approx(303)
    assert solution["Ambient temperature [C]"].entries[-1] == pytest.approx(303 - 273.15)


def test_counters_stay_where_independent_variables_are_removed(lco):
    removed = {"remove_independent_variables_from_rhs": True}
    solution = lco.simulation(discretisation_kwargs=removed).solve(T)
    passed = solution["Discharge capacity [A.h]"].entries[-1]
    assert passed == pytest.approx(lco.cell.one_c_current * 600 / 3600, rel=1e-9)


def test_batch_study(lco, anode_free):
    study = pybamm.BatchStudy(
        models={"film": lco.model(), "plated": anode_free.model()},
        parameter_values={"film": lco.values(), "plated": anode_free.values()},
    )
    study.solve(T, calc_esoh=False)
    ends = [simulation.solution[V].entries[-1] for simulation in study.sims]
    film, plated = (
        values["Current function [A]"] for values in (lco.values(), anode_free.values())
    )
    assert film > 0 > plated
    assert ends[0] < lco.cell.states_of_charge[1]
    assert ends[1] > anode_free.cell.states_of_charge[0]


def test_copies_solve_the_same(lco, expected):
    model = lco.model()
    for twin in (
        model.new_copy(),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
    ):
        assert twin.options == model.options
        solution = lco.simulation(twin).solve(T)
        assert solution[V].entries[-1] == pytest.approx(expected, abs=1e-5)


def test_options_of_a_half_cell(lco, capsys):
    options = {"working electrode": "positive", "thermal": "isothermal"}
    model = pybamm.Model("ThinFilmCell", options=options)
    assert model.options["working electrode"] == "positive"
    for given, message in (
        ({"anod": "evaporated"}, "'anod' does not exist; did you mean 'anode'"),
        ({"anode": "plated"}, "did you mean 'plated in situ'"),
        ({"thermal": "lumped"}, "'thermal' is 'isothermal' for a thin film"),
        ({"surface form": "differential"}, "'surface form' is 'algebraic'"),
    ):
        with pytest.raises(pybamm.OptionError, match=message):
            pybamm.Model("ThinFilmCell", options=given)
    model.options.print_options()
    assert "'anode': 'evaporated'" in capsys.readouterr().out


def test_parameters_are_printed(each, tmp_path):
    found = each.values().print_parameters(each.model().param, tmp_path / "p.txt")
    assert found["p.L"] == pytest.approx(each.cell.cathode.thickness)
    assert "p.L" in (tmp_path / "p.txt").read_text()


@pytest.mark.parametrize(
    ("name", "value", "own"),
    [
        ("Positive electrode thickness [m]", 2e-6, "Cathode thickness"),
        ("Positive electrode thickness [m]", "[input]", "Cathode thickness"),
        ("Electrode width [m]", 0.01, "Electrode area"),
        ("Positive electrode OCP [V]", lambda sto: 4 - sto, "Cathode open-circuit"),
    ],
)
def test_a_standard_parameter_that_follows_is_refused(lco, name, value, own):
    """Changed alone it would change nothing, without a word."""
    values = lco.values()
    values[name] = value
    with pytest.raises(pybamm.OptionError, match=f"follows from '{own}"):
        lco.simulation(parameter_values=values).solve(T)


def test_the_papers_are_cited(anode_free, capsys):
    pytest.importorskip("pybtex", reason="PyBaMM prints citations by pybtex")
    pybamm.citations._reset()
    anode_free.simulation().build()
    pybamm.print_citations()
    printed = capsys.readouterr().out
    for author in ("Raijmakers", "Danilov", "Motoyama", "Bates", "Cheng", "Patera"):
        assert author in printed


def test_every_set_cites_the_papers_it_names(each):
    cited = " ".join(each.values()["citations"])
    said = " ".join([each.cell.source, *each.cell.origin.values()])
    for name in ("Raijmakers", "Danilov", "Cheng", "Aribia", "Chen"):
        assert (name in cited) or f"{name} et al" not in said, name
    assert "Bates" in cited or each.cell.electrolyte.material is None

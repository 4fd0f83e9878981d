"""Anodes that are plated in situ: fields, mistakes, what is shown and kept."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import tfbsim
from tfbsim import load_cell, load_result, simulate
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.numerics import Numerics
from tfbsim.physics.plating import INACTIVE, TAKEN
from tfbsim.physics.thin_film_cell import ThinFilmCell
from tfbsim.plot import figures
from tfbsim.report.describe import describe_cell
from tfbsim.result.columns import CRITICAL
from tfbsim.solver.energy import IN, OUT
from tfbsim.solver.engine import engine

COARSE = Numerics(points=50, rtol=1e-5, atol=1e-7)

PLATED = (
    "Inactive lithium [uA.h.cm-2]",
    "Lithium taken by the collector [uA.h.cm-2]",
    "Resistance of inactive lithium [Ohm.cm2]",
)


@pytest.fixture(scope="module")
def free():
    """A thin film, so that it is quick, and a loss that shows."""
    changes = {"cathode.thickness": "1 um", "anode.inactive_fraction": 0.02}
    return load_cell("lco-lipon-steel-ensurge2023").replace(changes)


@pytest.fixture(scope="module")
def result(free):
    cell = free.replace({"anode.inactive_conductivity": "1e-6 S/cm"})
    steps = ["Charge at 1C until 4.2 V", "Discharge at 60C until 3.0 V"]
    return simulate(cell, steps, cycles=2, numerics=COARSE)


# --- Fields --------------------------------------------------------------------------


def test_an_interlayer_comes_before_the_collector_and_the_file_before_both(free):
    copper = free.anode
    carbon = free.replace({"anode.interlayer": "amorphous carbon"}).anode
    assert copper.critical_current == pytest.approx(20)
    assert carbon.critical_current == pytest.approx(80)
    assert carbon.nucleation_overpotential < copper.nucleation_overpotential
    assert carbon.interlayer_loss + carbon.interphase_loss < copper.interphase_loss
    own = free.replace({"anode.nucleation_overpotential": "33 mV"}).anode
    assert own.nucleation_overpotential == pytest.approx(0.033)
    assert own.coverage_thickness == copper.coverage_thickness


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"collector": "coper"}, "anode.collector", "did you mean 'copper'"),
        ({"collector": "rubber"}, "anode.collector", "the library has Ag, Al"),
        ({"interlayer": "amorphous carbo"}, "anode.interlayer", "'amorphous carbon'"),
        ({"inactive_fraction": 0.1}, "anode.inactive_fraction", "give a collector"),
        ({"interlayer_loss": "1 uAh/cm2"}, "anode.interlayer_loss", "give a collector"),
        ({"coverage_thickness": "9 nm"}, "anode.nucleation_overpotential", "is missing"),
        ({"collector": "copper", "inactive_fraction": 1}, "anode.inactive_fraction", "b"),
        ({"collector": "copper", "inactive_from": "x"}, "anode.inactive_from", "x"),
        ({"beyond_critical_current": "stp"}, "anode.beyond_critical_current", "stp"),
        ({"critical_current": "1 mA"}, "anode.critical_current", "current density"),
    ],
)
def test_mistakes(raijmakers, changes, field, words):
    with pytest.raises(InputError) as caught:
        raijmakers.replace({f"anode.{name}": v for name, v in changes.items()})
    assert caught.value.field == field
    assert words in str(caught.value)


def test_evaporated_lithium_has_none_of_it(raijmakers):
    """No parameter, state or column more."""
    assert not raijmakers.anode.plated
    assert raijmakers.structure.kind == "evaporated"
    assert not any("ucleation" in name for name in raijmakers.parameters())
    built = engine(raijmakers.structure, COARSE).built("current")
    assert {*built.observed, IN, OUT} == {*ThinFilmCell().declared.variables}
    assert not any("nactive lithium" in name for name in built.observed)
    assert not {INACTIVE, TAKEN} & set(built.slices)
    table = simulate(raijmakers, ["Charge at 1C for 1 minute"], numerics=COARSE)
    assert not {*PLATED, CRITICAL} & {*table.summary, *table.steps}


def test_a_critical_current_of_evaporated_lithium(raijmakers):
    cell = raijmakers.replace({"anode.critical_current": "100 uA/cm2"})
    found = simulate(cell, ["Charge at 1C for 1 minute"], numerics=COARSE)
    assert found.summary[CRITICAL].tolist() == [0.0]
    assert found.as_asked
    assert "critical current density" in found.cases[0].warnings[-1]


def test_no_lithium_and_no_collector_is_worth_a_note(raijmakers, free):
    without = raijmakers.replace({"anode.lithium": 0.0})
    assert any("no anode.collector" in words for words in without.warnings())
    assert not free.warnings()


def test_show(free):
    console = Console(file=io.StringIO(), width=150)
    describe_cell(free.replace({"anode.interlayer": "amorphous carbon"}), console)
    shown = console.file.getvalue()
    assert "amorphous carbon on copper" in shown
    assert "2 % of plating" in shown
    assert "8000 uA.cm-2" in shown


# --- Results -------------------------------------------------------------------------


def test_columns(result):
    table = result.summary
    inactive, taken, resistance = (table[name] for name in PLATED)
    arrived = table["Charge capacity [uA.h.cm-2]"].cumsum().to_numpy()
    assert taken.to_numpy() == pytest.approx(12 * -np.expm1(-arrived / 12), rel=1e-4)
    assert np.all(np.diff(inactive) > 0)
    plated = table["Charge capacity [uA.h.cm-2]"].sum() - taken.iloc[-1]
    assert inactive.iloc[-1] == pytest.approx(0.02 * plated, rel=1e-3)
    # uAh/cm2 of lithium as a thickness, over the conductivity
    layer = inactive * 36 / 96485.33 * 13e-6
    assert resistance.to_numpy() == pytest.approx(layer / 1e-4 * 1e4, rel=1e-6)
    # 60C is above the critical current, from the start of the discharges
    crossed, steps = table[CRITICAL], result.steps
    assert crossed.iloc[0] == pytest.approx(steps["Duration [s]"].iloc[0])
    assert crossed.iloc[1] == pytest.approx(steps["Duration [s]"].iloc[:3].sum())
    assert list(steps[CRITICAL].isna()) == [True, False, True, False]
    (warning,) = result.cases[0].warnings
    assert warning.startswith("cycle 1, 'Discharge at 60C until 3.0 V'")
    assert warning.endswith("so it is in 1 step more")


def test_saved_and_read_again(result, tmp_path):
    result.save(tmp_path)
    again = load_result(tmp_path)
    for name in (*PLATED, CRITICAL):
        assert again.summary[name].to_numpy() == pytest.approx(
            result.summary[name].to_numpy()
        )
    assert "critical current density" in (tmp_path / "report.html").read_text("utf-8")
    assert float(again.curves["Lithium coverage"].max()) == pytest.approx(1, abs=1e-2)


def test_first_plating_is_drawn(result):
    assert "first-plating" in figures(result)


def test_a_reservoir_is_a_column(free):
    experiment = expand("anode-free-against-reservoir")
    assert [case.varied["anode.lithium [um]"] for case in experiment.cases] == (
        pytest.approx([0, 0.1, 0.25, 0.5])
    )


def test_with_the_model_in_pybamm(free):
    """The option, and the parameters a cell gives, in a plain PyBaMM simulation."""
    import pybamm

    model = tfbsim.ThinFilmCell({"anode": "plated in situ"})
    (xi,) = model.default_var_pts
    simulation = pybamm.Simulation(
        model,
        parameter_values=free.parameter_values(),
        experiment=["Charge at 1C for 10 minutes", "Discharge at 1C for 2 minutes"],
        var_pts={xi: 50},
    )
    solution = simulation.solve()
    ours = simulate(
        free,
        ["Charge at 1C for 10 minutes", "Discharge at 1C for 2 minutes"],
        numerics=COARSE,
    )
    V = solution["Voltage [V]"].entries[-1]
    assert pytest.approx(ours.steps["End voltage [V]"].iloc[-1], abs=2e-4) == V

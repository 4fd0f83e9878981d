"""Cells of two films, with no lithium metal: what they are made of, run and told."""

import numpy as np
import pytest

import tfbsim
from tfbsim import InputError, load_cell
from tfbsim.cell.film import Film
from tfbsim.plot import figure
from tfbsim.result.losses import widths

CELL = "lmo-lipon-lto"
CYCLE = ["Charge at 1C until 2.9 V", "Discharge at 1C until 1.5 V"]


@pytest.fixture(scope="module")
def cell():
    return load_cell(CELL)


@pytest.fixture(scope="module")
def result(cell):
    return tfbsim.simulate(cell, CYCLE, cycles=2)


class TestCell:
    def test_an_anode_with_a_thickness_is_a_film(self, cell):
        assert isinstance(cell.anode, Film) and cell.structure.kind == "film"

    def test_open_circuit_is_the_difference(self, cell):
        x = np.linspace(0.2, 0.99, 7)
        U_p, U_n = (
            film.open_circuit_potential.curve for film in (cell.cathode, cell.anode)
        )
        expected = U_p(x) - U_n([cell.anode_at(value) for value in x])
        assert cell.open_circuit_potential.curve(x) == pytest.approx(expected, abs=1e-6)

    def test_lithium_is_conserved_between_the_films(self, cell):
        held = [
            cell.site_inventory * x + cell.anode.sites * cell.anode_at(x)
            for x in (0.2, 0.9)
        ]
        assert held[0] == pytest.approx(held[1], rel=1e-14)

    def test_which_film_limits_follows_the_thickness(self, cell):
        """Of a thin anode the charge ends on it, of a thin cathode there."""
        shares = []
        for thickness in ("500 nm", "4 um"):
            changed = cell.replace({"anode.thickness": thickness})
            x = changed.stoichiometry(2.9)
            shares.append(changed.anode_share(x, changed.anode_at(x)))
        assert shares[0] > 0.9 and shares[1] < 0.01

    def test_one_c_and_window(self, cell):
        low, high = cell.states_of_charge
        assert low == 1.5 and high == 2.9

    def test_sent_and_written(self, cell):
        again = type(cell).from_written(cell.written)
        assert again.parameters() == cell.parameters()
        thin = cell.replace({"anode.thickness": 0.5e-6})
        assert thin.constants["Anode thickness [m]"] == 0.5e-6
        assert thin.value("anode.thickness") == (pytest.approx(0.5), "um")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anode.initial_stoichiometry": 3.5}, r"3.5 is outside .* 3.687e-07 to 3"),
        ({"anode.material": "LTQ"}, "unknown material 'LTQ'; did you mean 'LTO'"),
        ({"anode.lithum": "2 um"}, "no such field"),
        (
            {"anode.initial_voltage": "1.2 V", "cathode.initial_voltage": "3.5 V"},
            "both are as empty or full",
        ),
        (
            {
                **{"cathode.material": "LTO", "cathode.initial_voltage": "1 V"},
                **{"anode.material": "LMO", "anode.initial_voltage": "4.2 V"},
            },
            "is above that of the cathode",
        ),
    ],
)
def test_mistakes(cell, changes, message):
    with pytest.raises(InputError, match=message):
        cell.replace(changes)


class TestRun:
    def test_books_are_closed(self, result):
        assert (result.summary["Lithium balance error"] < 1e-10).all()
        assert (result.summary["Charge balance error"] < 1e-10).all()
        assert (result.summary["Outcome"] == "reached").all()

    def test_the_profile_of_the_anode_is_kept(self, result, tmp_path):
        """Its mean is what the summary has; a file brings it back."""
        end = result.curves["Anode stoichiometry"].isel(step=-1, snapshot=-1, case=0)
        mean = (end.values * widths(end["depth"].values)).sum(axis=1)
        wanted = result.summary["Anode mean stoichiometry"].to_numpy()
        assert mean == pytest.approx(wanted, abs=1e-9)
        result.save(tmp_path / "out")
        again = tfbsim.load_result(tmp_path / "out").curves
        assert again["Anode thickness [um]"].item() == pytest.approx(1.0)
        assert again["Anode stoichiometry"].equals(result.curves["Anode stoichiometry"])

    @pytest.mark.parametrize("step", ["Discharge at 1C until 2 V", "EIS 1 Hz to 1 kHz"])
    def test_a_step_of_one_moment_keeps_the_profile(self, cell, step):
        """As made the cell is discharged: the step ends where it begins."""
        result = tfbsim.simulate(cell, [step])
        x = result.curves["Anode stoichiometry"].isel(step=0, snapshot=0, case=0, cycle=0)
        (mean,) = result.summary["Anode mean stoichiometry"]
        assert len(x) > 1 and x.values == pytest.approx(mean, rel=1e-6)

    def test_the_profiles_of_both_films_are_drawn(self, result):
        cathode, anode = figure(result, "concentration").axes[:2]
        assert [ax.get_title() for ax in (cathode, anode)] == ["Cathode", "Anode"]
        assert anode.dataLim.y1 > 1.5 > cathode.dataLim.y1

    def test_no_lithium_metal_is_told(self, result):
        assert "Lithium thickness at end of charge [um]" not in result.summary.dropna(
            axis=1, how="all"
        )

    def test_nothing_slips_where_nothing_is_lost(self, result):
        assert abs(result.summary["Slippage of the films [uA.h.cm-2]"]).max() < 1e-9

    def test_the_losses_add_up_to_the_voltage(self, result):
        curves = result.curves
        eta = tfbsim.result.losses.overpotentials(curves)
        assert {"Anode interface", "Diffusion in the anode"} <= eta.keys()
        miss = curves["Open-circuit voltage [V]"] - curves["Voltage [V]"]
        assert float(abs(miss - sum(eta.values())).max()) < 1e-9

    def test_the_energies_add_up(self, result):
        table = result.losses[result.losses["Step number"] == 0]
        names = [c for c in table if c.endswith("[uW.h.cm-2]")]
        net = table[names[0]] - table[names[1]]
        assert net.to_numpy() == pytest.approx(table[names[2:]].sum(axis=1), abs=1e-9)


def test_two_films_in_series_are_the_difference_of_two_half_cells(cell):
    """Exactly, at any rate: each film sees its own current and nothing of the other.

    A half cell adds to the film's potential what its electrolyte and lithium take, which
    is known: so V = V_p(i) - V_n(-i) with these taken out.
    """
    metal = {"material": "Li", "lithium": "20 um"}

    def half(film, name, step):
        raw = cell.written.content | {"anode": metal, "cathode": film, "name": name}
        raw.pop("window", None)
        half_cell = type(cell).from_written(
            type(cell.written)(raw, {}, cell.written.stated_thickness)
        )
        return tfbsim.simulate(half_cell, [step]).curves

    content = cell.written.content
    step = "at 45 uA/cm2 for 30 min"
    full = tfbsim.simulate(cell, [f"Charge {step}"]).curves
    positive = half(content["cathode"], "LMO", f"Charge {step}")
    negative = half(content["anode"], "LTO", f"Discharge {step}")

    def own(curves):
        """The potential of the film against lithium: V and what the rest takes."""
        taken = (
            curves["Electrolyte voltage drop [V]"] + curves["Lithium overpotential [V]"]
        )
        return (curves["Voltage [V]"] + taken).values.ravel(), curves["Time [s]"]

    times = np.linspace(0, 1799, 50)

    def at(values, t):
        t = np.asarray(t).ravel()
        kept = np.isfinite(t) & np.isfinite(values)
        return np.interp(times, t[kept], values[kept])

    V = at(full["Voltage [V]"].values.ravel(), full["Time [s]"])
    drop = at(full["Electrolyte voltage drop [V]"].values.ravel(), full["Time [s]"])
    difference = at(*own(positive)) - at(*own(negative)) - drop
    assert pytest.approx(difference, abs=2e-4) == V


def test_consumption_at_the_anode_makes_the_films_slip(cell):
    """The lithium consumed is what both have lost; the books stay closed."""
    changed = cell.replace({"ageing.lithium_consumption.current": "0.2 uA/cm2"})
    found = tfbsim.simulate(changed, CYCLE, cycles=2).summary
    lost = found["Lithium consumed at the anode [uA.h.cm-2]"]
    slipped = found["Slippage of the films [uA.h.cm-2]"]
    assert slipped.to_numpy() == pytest.approx(lost, rel=1e-9) and lost.min() > 0.1
    assert (found["Lithium balance error"] < 1e-9).all()


def test_a_rate_at_the_cathode_is_judged_at_its_own_potential(cell):
    """1.5 V of the cell are 3 V of its cathode against lithium."""
    block = {"rate": "1e-3 h-1", "potential": "3.2 V"}
    tfbsim.simulate(cell.replace({"ageing.site_loss_by_reduction": block}), CYCLE)
    block |= {"potential": "3.0 V", "transfer_coefficient": 0.9}
    with pytest.raises(InputError, match=r"at 2\.9 V, 4\.\d+ V of the cathode against"):
        tfbsim.simulate(cell.replace({"ageing.site_loss_by_oxidation": block}), CYCLE)


def test_leakage_discharges_both_films_alike(cell):
    leaky = cell.replace({"electrolyte.electronic_conductivity": "1e-13 S/cm"})
    found = tfbsim.simulate(
        leaky, ["Charge at 1C until 2.9 V", "Rest for 20 h"], cycles=1
    )
    assert found.steps["End voltage [V]"].iloc[1] < 2.8
    assert abs(found.summary["Slippage of the films [uA.h.cm-2]"]).max() < 1e-9
    assert (found.summary["Charge balance error"] < 1e-9).all()


def test_impedance_has_an_arc_and_a_tail_for_each_film(cell):
    """At low frequency a full cell is two films in series: 1/C adds up."""
    found = tfbsim.impedance(cell, voltage=2.4, frequencies=[1e-5, 1e-6])
    x = cell.stoichiometry(2.4)
    slope = -float(cell.open_circuit_potential.curve.slope(x))
    per_charge = slope / (96485.33212 * cell.site_inventory)
    expected = per_charge / (2 * np.pi * found.frequency)
    assert -found.Z.imag == pytest.approx(expected, rel=5e-3)
    assert found.circuit is None


def test_pybamm_starts_it_at_a_state_of_charge(cell):
    import pybamm

    model = tfbsim.ThinFilmCell({"anode": "film"})
    simulation = pybamm.Simulation(model, parameter_values=cell.parameter_values(True))
    solution = simulation.solve([0, 600])
    assert float(solution["Open-circuit voltage [V]"].entries[0]) == pytest.approx(
        2.9, abs=1e-4
    )
    n = solution["Negative electrode stoichiometry"].entries
    p = solution["Positive electrode stoichiometry"].entries
    assert n[-1] < n[0] and p[-1] > p[0]
    held = solution["Total lithium [mol]"].entries
    assert held == pytest.approx(held[0], rel=1e-10)


def test_another_kind_of_model_is_refused(cell):
    import pybamm

    with pytest.raises(pybamm.OptionError, match="'anode': 'film'"):
        pybamm.Simulation(
            tfbsim.ThinFilmCell(), parameter_values=cell.parameter_values()
        ).solve([0, 1])


@pytest.fixture(scope="module")
def found():
    silicon = load_cell("si-lipon-li").replace(
        {"cathode.thickness": "100 nm", "cathode.hysteresis": "100 mV"}
    )
    steps = ["Discharge at C/20 until 0.05 V", "Charge at C/20 until 0.8 V"]
    return tfbsim.simulate(silicon, steps, cycles=2)


class TestHysteresis:
    """A named overpotential that lags behind the lithium, off by default."""

    def test_off_unless_asked_for(self, result):
        assert not any("ysteresis" in name for name in result.curves)

    def test_it_goes_to_either_branch(self, found):
        """h' = (x' - |x'| h)/dx: exactly 1 - exp(-dx/dx_h) from 0 as the film fills."""
        curves = found.curves.isel(case=0, cycle=0)
        first = curves["Step number"] == 1
        x = curves["Mean stoichiometry"].values[first]
        drop = curves["Cathode hysteresis [V]"].values[first]
        exact = 0.1 * (1 - np.exp(-(x - x[0]) / 0.05))
        assert drop == pytest.approx(exact, abs=2e-5)
        last = curves["Cathode hysteresis [V]"].values[curves["Step number"] == 2]
        assert last[-1] == pytest.approx(-0.1, abs=1e-4)

    def test_its_books_are_kept(self, found):
        """What a cycle loses to it is twice H times the charge, less where it turns."""
        summary = found.summary
        assert (summary["Lithium balance error"] < 1e-9).all()
        table = found.losses[found.losses["Step number"] == 0].iloc[1]
        charge = summary["Discharge capacity [uA.h.cm-2]"].iloc[1]
        assert 0.9 * 0.2 * charge < table["Hysteresis [uW.h.cm-2]"] < 0.2 * charge
        names = [c for c in table.index if c.endswith("[uW.h.cm-2]")]
        net = table[names[0]] - table[names[1]]
        assert net == pytest.approx(table[names[2:]].sum(), abs=1e-8)

    def test_at_the_anode_too(self, cell):
        changed = cell.replace({"anode.hysteresis": "20 mV"})
        pair = [tfbsim.simulate(c, CYCLE).losses.iloc[0] for c in (cell, changed)]
        assert pair[1]["Anode hysteresis [uW.h.cm-2]"] > 0
        efficiency = [row["Energy efficiency [%]"] for row in pair]
        assert efficiency[1] < efficiency[0]

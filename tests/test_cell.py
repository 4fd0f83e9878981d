"""The cell: derived quantities, changed copies, and what PyBaMM gets."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pybamm
import pytest
from pydantic import ValidationError

import tfbsim
from tfbsim import load_cell
from tfbsim.cell.cell import FOLLOWING
from tfbsim.errors import InputError
from tfbsim.materials import laws

INPUTS = Path(__file__).parent / "inputs"
FARADAY = 96485.33212331001


@pytest.fixture(scope="module")
def cell():
    return load_cell(INPUTS / "cell.yaml")


class TestFields:
    def test_are_si(self, cell):
        assert cell.area == pytest.approx(1e-4)
        assert cell.temperature == pytest.approx(298.15)
        assert cell.one_c == pytest.approx(0.5)
        assert cell.cathode.thickness == pytest.approx(1e-6)
        assert cell.cathode.density == pytest.approx(5000)
        assert cell.cathode.diffusivity == laws.Constant(1e-15)
        assert cell.electrolyte.conductivity == pytest.approx(2e-4)
        assert cell.anode.molar_volume == pytest.approx(13e-6)

    def test_cannot_be_assigned(self, cell):
        with pytest.raises(ValidationError, match="frozen"):
            cell.area = 2.0
        with pytest.raises(ValidationError, match="frozen"):
            cell.cathode.thickness = 2.0

    def test_a_material_supplies_what_the_file_leaves_out(self, cell):
        plain = cell.replace({"electrolyte": {"material": "LiPON", "thickness": 1e-6}})
        assert plain.electrolyte.conductivity > 0
        own = cell.replace(
            {"electrolyte": {"material": "LiPON", "thickness": 1e-6, "conductivity": 3.0}}
        )
        assert own.electrolyte.conductivity == 3.0


class TestDerived:
    def test_sites(self, cell):
        assert cell.cathode.c_sites == pytest.approx(5000 / 0.1)
        assert cell.site_inventory == pytest.approx(5e4 * 1e-6)
        given = cell.replace({"cathode.site_concentration": "20000 mol/m3"})
        assert given.cathode.c_sites == pytest.approx(2e4)

    def test_loading_and_theoretical_charge(self, cell):
        assert cell.loading == pytest.approx(5000 * 1e-6)
        assert cell.theoretical_charge == pytest.approx(FARADAY * 0.05 * 0.6)

    def test_one_c_is_stated_at_the_files_thickness(self, cell):
        thick = cell.replace({"cathode.thickness": "3 um"})
        assert thick.one_c_current_density == pytest.approx(1.5)
        assert thick.one_c_current == pytest.approx(1.5e-4)
        again = thick.replace({"cathode.thickness": "2 um"})
        assert again.one_c_current_density == pytest.approx(1.0)
        assert cell.replace({"area": "2 cm2"}).one_c_current_density == cell.one_c

    def test_one_c_given_with_a_thickness_is_stated_at_it(self, cell):
        both = cell.replace({"cathode.thickness": "3 um", "one_c": "70 uA/cm2"})
        assert both.one_c_current_density == pytest.approx(0.7)
        twice = both.replace({"cathode.thickness": "6 um"})
        assert twice.one_c_current_density == pytest.approx(1.4)

    def test_one_c_may_be_per_gram_of_the_film(self, cell):
        own = cell.replace({"one_c": "150 mA/g"})  # of 5 g/cm3 and 1 um
        assert own.one_c_current_density == pytest.approx(0.75)
        thick = own.replace({"cathode.thickness": "2 um"})
        assert thick.one_c_current_density == pytest.approx(1.5)
        again = tfbsim.Cell.from_written(thick.written)
        assert again.one_c_current_density == pytest.approx(1.5)
        both = cell.replace({"one_c": "150 mA/g", "cathode.thickness": 2e-6})
        assert both.one_c_current_density == pytest.approx(1.5)
        with pytest.raises(InputError, match="density"):
            cell.replace({"one_c": "150 mA/g", "cathode.density": "5 kg"})

    def test_parameters_hold_at_the_files_temperature(self, cell):
        warm = cell.replace({"temperature": "60 degC"})
        assert warm.temperature == pytest.approx(333.15)
        assert warm.reference_temperature == pytest.approx(298.15)
        moved = cell.replace({"reference_temperature": "20 degC"})
        assert moved.reference_temperature == pytest.approx(293.15)

    def test_initial_voltage(self, cell):
        by_voltage = cell.replace({"cathode.initial_voltage": "3.9 V"})
        assert by_voltage.cathode.initial_stoichiometry is None
        assert by_voltage.cathode.x_initial == pytest.approx(0.7, abs=1e-12)
        back = by_voltage.replace({"cathode.initial_stoichiometry": 0.8})
        assert back.cathode.x_initial == 0.8

    def test_initial_voltage_takes_the_place_of_a_materials_stoichiometry(self):
        nmc = load_cell("nmc811-lipon-li").replace({"cathode.initial_voltage": "3.8 V"})
        U = nmc.cathode.open_circuit_potential
        assert U(nmc.cathode.x_initial) == pytest.approx(3.8, abs=1e-9)

    def test_inactive_lithium_keeps_the_books(self, cell):
        assert cell.inactive_lithium == pytest.approx(0, abs=1e-15)
        changes = {
            "cathode.utilisation": 0.8,
            "cathode.active_fraction": 0.5,
            "cathode.analysed_stoichiometry": 0.9,
        }
        partly = cell.replace(changes)
        everything = 5e4 * 1e-6 * 0.9
        assert partly.site_inventory == pytest.approx(0.05 * 0.4)
        active = partly.site_inventory * partly.cathode.x_initial
        assert partly.inactive_lithium + active == pytest.approx(everything)
        assert partly.loading == cell.loading  # per gram of the whole film

    def test_lithium_inventory(self, cell):
        assert cell.lithium_inventory == pytest.approx(2e-6 / 13e-6)
        assert cell.replace({"anode.lithium": "0 um"}).lithium_inventory == 0


class TestReplace:
    def test_numbers_share_the_structure_and_not_the_parameters(self):
        cell = load_cell("lco-lipon-li-constant-d")
        before = cell.parameters()
        changed = cell.replace({"cathode.thickness": 2e-6, "electrolyte.thickness": 1e-6})
        assert changed.structure is cell.structure
        assert changed.parameters()["Electrolyte thickness [m]"] == 1e-6
        assert cell.parameters() == before
        asymmetric = cell.replace({"cathode.anodic_transfer_coefficient": 0.4})
        assert asymmetric.structure != cell.structure

    def test_a_cell_is_sent_without_what_follows_from_it(self):
        cell = load_cell("lco-lipon-li-raijmakers2020")
        assert cell.parameters() and cell.structure.cathode.psi.D_ref
        assert cell.open_circuit_potential
        sent = pickle.loads(pickle.dumps(cell))
        assert {*FOLLOWING} <= vars(cell).keys()
        assert vars(sent).keys() == vars(cell).keys() - {*FOLLOWING}
        assert sent.parameters() == cell.parameters()

    def test_text_and_si_mean_the_same(self, cell):
        text = cell.replace({"cathode.thickness": "800 nm", "temperature": "60 degC"})
        si = cell.replace({"cathode.thickness": 800e-9, "temperature": 333.15})
        assert text.parameters() == pytest.approx(si.parameters())

    def test_leaves_the_original_alone(self, cell):
        before = cell.parameters()
        changed = cell.replace({"cathode.thickness": "800 nm"})
        assert cell.parameters() == before != changed.parameters()

    def test_takes_laws_and_functions(self, cell):
        law = laws.Table((0.0, 1.0), (4.5, 3.5))
        x = np.linspace(0.1, 0.9, 5)
        changed = cell.replace(
            {
                "cathode.open_circuit_potential": law,
                "cathode.diffusivity": lambda x: 1e-15 * (1 + x),
            }
        )
        assert changed.cathode.open_circuit_potential is not None
        assert changed.cathode.open_circuit_potential(x) == pytest.approx(4.5 - x)
        assert changed.cathode.diffusivity(x) == pytest.approx(1e-15 * (1 + x))
        table = cell.replace({"cathode.open_circuit_potential": {"table": "ocv.csv"}})
        assert table.cathode.open_circuit_potential(0.7) == pytest.approx(3.9)

    @pytest.mark.parametrize(
        ("path", "value", "words"),
        [
            ("cathode.thicknes", "1 um", "did you mean 'thickness'?"),
            ("catode.thickness", "1 um", "did you mean 'cathode'?"),
            ("thickness", "1 um", "no such field"),
            ("area.x", "1 um", "no such field"),
            ("cathode.open_circuit_potential.table", "a.csv", "no such field"),
            ("", "1 um", "no such field"),
            ("cathode.thickness", "1 V", "is a voltage"),
            ("cathode.thickness", "800", "has no unit"),
            ("cathode.thickness", 1.0, "at most 1e+04 um"),
            ("cathode.thickness", -1e-6, "above 0 um"),
            ("cathode.thickness", True, "a length such as"),
            ("cathode.thickness", float("nan"), "out of range"),
            ("cathode.thickness", None, "nothing is given"),
            ("cathode.material", "LC0", "did you mean 'LCO'?"),
            ("cathode.material", ["LCO"], "unknown material"),
            ("cathode.initial_stoichiometry", 0.1, "covers 0.4 to 1"),
            ("cathode", 3, "a mapping of fields"),
            ("voltage_limits", [4.0, 3.0], "must rise"),
        ],
    )
    def test_refuses(self, cell, path, value, words):
        with pytest.raises(InputError) as caught:
            cell.replace({path: value})
        assert words in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1

    def test_of_a_field_inside_something_that_is_no_layer(self, cell):
        with pytest.raises(InputError):
            cell.replace({"anode": 3, "anode.lithium": "1 um"})

    def test_from_a_file_a_plain_number_lacks_its_unit(self, cell):
        with pytest.raises(InputError, match="has no unit"):
            cell.replace({"cathode.thickness": 8e-7}, si=False)


class TestTransport:
    def test_conductivities_are_numbers_or_laws(self, cell):
        def sigma(value):
            changed = cell.replace({"cathode.electronic_conductivity": value})
            return changed.cathode.electronic_conductivity(np.array([0.4, 0.9]))

        assert sigma("2e-6 S/cm") == pytest.approx([2e-4, 2e-4])
        assert sigma(2e-4) == pytest.approx([2e-4, 2e-4])
        law = {"log10_polynomial": [-6, 2], "unit": "S/cm", "range": [0.5, 1]}
        assert sigma(law) == pytest.approx([1e-3, 10**-2.2])  # constant below 0.5
        assert sigma(lambda x: 1 + x) == pytest.approx([1.4, 1.9])

    def test_self_diffusivity(self, cell):
        U = cell.cathode.open_circuit_potential
        changed = cell.replace({"cathode.diffusivity": {"self_diffusivity": "1 um2/s"}})
        f = FARADAY / (laws.GAS_CONSTANT * 298.15)
        for x in (0.45, 0.7, 0.95):
            expected = -1e-12 * (1 - x) * f * x * U.curve.slope(x)
            found = changed.cathode.transport.diffusivity(x)
            assert found == pytest.approx(expected, rel=1e-9)
        assert changed.value("cathode.diffusivity") == (
            pytest.approx(1e-8, rel=1e-12),
            "cm2.s-1",
        )

    def test_what_follows_is_of_the_sites_that_take_part(self, cell):
        """dU/dc is larger where fewer sites take the lithium."""
        changes = {"cathode.electron_path": "consistent", "cathode.transference": 0.2}
        whole = cell.replace(changes)
        half = cell.replace(changes | {"cathode.active_fraction": 0.5})
        first, second = (c.cathode.transport.electronic(0.7) for c in (whole, half))
        assert second == pytest.approx(first / 2)

    @pytest.mark.parametrize(
        ("path", "value", "words"),
        [
            ("cathode.electronic_conductivity", "0 S/cm", "must be above 0"),
            ("cathode.electronic_conductivity", "1 V", "is a voltage"),
            ("cathode.electronic_conductivity", {"tabel": "a.csv"}, "conductivity"),
            ("cathode.ionic_conductivity", "1e-9 S/cm", "electron_path: consistent"),
            ("cathode.electron_path", "derived", "'as given' or 'consistent'"),
            ("cathode.diffusivity", {"self_diffusivity": "0 m2/s"}, "above 0"),
            ("cathode.diffusivity", {"self_diffusivity": "1 S/cm"}, "conductivity"),
            ("electrolyte.electronic_conductivity", "0 S/cm", "must be above 0"),
        ],
    )
    def test_refuses(self, cell, path, value, words):
        with pytest.raises(InputError) as caught:
            cell.replace({path: value})
        assert words in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


class TestValue:
    @pytest.mark.parametrize(
        ("path", "value", "unit"),
        [
            ("cathode.thickness", 1.0, "um"),
            ("temperature", 25.0, "degC"),
            ("one_c", 50.0, "uA.cm-2"),
            ("electrolyte.conductivity", 2e-6, "S.cm-1"),
            ("cathode.diffusivity", 1e-11, "cm2.s-1"),
            ("cathode.utilisation", 1.0, ""),
        ],
    )
    def test_is_in_display_units(self, cell, path, value, unit):
        assert cell.value(path) == (pytest.approx(value, rel=1e-12), unit)

    @pytest.mark.parametrize("path", ["name", "cathode", "cathode.material", "origin"])
    def test_is_of_numbers_only(self, cell, path):
        with pytest.raises(InputError, match="not a number"):
            cell.value(path)

    def test_of_an_unknown_field(self, cell):
        with pytest.raises(InputError, match="did you mean 'thickness'"):
            cell.value("cathode.thicknes")


class TestWarnings:
    def test_of_a_transference_without_an_electron_path(self, cell):
        assert cell.warnings() == []
        (warning,) = cell.replace({"cathode.transference": 0.2}).warnings()
        assert "cathode.transference" in warning
        both = {"cathode.transference": 0.2, "cathode.electronic_conductivity": "1 S/cm"}
        assert cell.replace(both).warnings() == []


class TestPyBaMM:
    def test_solves_with_the_parameter_values(self, cell):
        values = cell.parameter_values()
        assert values["Cathode thickness [m]"] == pytest.approx(1e-6)
        simulation = pybamm.Simulation(tfbsim.ThinFilmCell(), parameter_values=values)
        solution = simulation.solve([0, 60])
        V = solution["Voltage [V]"].entries
        U = cell.cathode.open_circuit_potential(0.6)
        assert V[-1] < V[0] < U
        # 1C for a minute: 0.5 A/m2 over 0.05 mol/m2 of sites
        gained = 0.5 * 60 / FARADAY / 0.05
        x = solution["Cathode mean stoichiometry"].entries
        assert x[-1] - x[0] == pytest.approx(gained, rel=1e-6)

    def test_every_parameter_of_the_model_is_there(self, cell):
        values = cell.parameter_values()
        model = tfbsim.ThinFilmCell()
        wanted = {p.name for p in model.parameters if isinstance(p, pybamm.Parameter)}
        assert wanted <= set(values.keys())

    def test_a_steps_temperature_takes_the_place_of_the_cells(self, cell):
        name = "Ambient temperature [K]"
        assert cell.parameters()[name] == pytest.approx(298.15)
        assert cell.parameters(333.15)[name] == 333.15


def test_only_a_law_names_a_table(tmp_path):
    shutil.copy(INPUTS / "ocv.csv", tmp_path)
    text = (INPUTS / "cell.yaml").read_text() + "origin: {table: published}\n"
    (tmp_path / "cell.yaml").write_text(text)
    assert load_cell(tmp_path / "cell.yaml").origin == {"table": "published"}


def test_a_copied_cell_file_finds_its_own_table(tmp_path):
    for name in ("cell.yaml", "ocv.csv"):
        shutil.copy(INPUTS / name, tmp_path)
    (tmp_path / "ocv.csv").write_text("0.5,4.3\n1.0,3.1\n")
    cell = load_cell(str(tmp_path / "cell.yaml"))
    assert cell.cathode.x_range == (0.5, 1.0)
    with pytest.raises(InputError, match=r"covers 0\.5 to 1"):
        cell.replace({"cathode.initial_stoichiometry": 0.45})


def test_tables_of_the_new_laws_are_kept_with_the_cell(tmp_path):
    for name in ("cell.yaml", "ocv.csv"):
        shutil.copy(INPUTS / name, tmp_path)
    cell = load_cell(tmp_path / "cell.yaml")
    for name, values in (("sigma", (1e-4, 2e-4)), ("D_0", (1e-17, 3e-17))):
        (tmp_path / f"{name}.csv").write_text(f"0.4,{values[0]}\n1.0,{values[1]}\n")
    changed = cell.replace(
        {
            "cathode.electronic_conductivity": {"table": "sigma.csv"},
            "cathode.diffusivity": {"self_diffusivity": {"table": "D_0.csv"}},
        }
    )
    assert changed.cathode.electronic_conductivity(1.0) == pytest.approx(2e-4)
    written = changed.written
    assert (
        {"sigma.csv", "D_0.csv", "ocv.csv"}
        >= set(written.tables)
        >= {
            "sigma.csv",
            "D_0.csv",
        }
    )
    shutil.rmtree(tmp_path)
    again = type(cell).from_written(written)
    assert again.structure == changed.structure
    assert again.parameters() == changed.parameters()


def test_two_initial_states_in_one_change_are_refused():
    cell = load_cell("lco-lipon-li-raijmakers2020")
    both = {"cathode.initial_voltage": "4 V", "cathode.initial_stoichiometry": 0.6}
    with pytest.raises(InputError, match="the initial state is given once"):
        cell.replace(both)


def test_an_ageing_rate_beyond_all_bounds_is_refused(raijmakers):
    """With the law, the voltage and the rate, before anything is solved."""
    block = {"rate": "1 h-1", "potential": "3.0 V", "transfer_coefficient": 0.9}
    cell = raijmakers.replace({"ageing": {"site_loss_by_oxidation": block}})
    with pytest.raises(InputError) as refused:
        tfbsim.simulate(cell, ["Charge at 1C until 4.2 V"])
    assert refused.value.field == "ageing.site_loss_by_oxidation"
    assert "at 4.2 V" in refused.value.message and "h-1" in refused.value.message


@pytest.mark.parametrize(
    "steps",
    [
        ["Hold at 4.2 V for 1 hour"],
        ["Sweep to 4.2 V at 1 mV/s"],
        ["Sweep from 4.2 V to 3.0 V at 1 mV/s"],
        [("Charge at 1C until 3.6 V", "90 degC")],
    ],
)
def test_no_way_to_a_voltage_or_a_temperature_escapes_that(raijmakers, steps):
    block = {"rate": "0.1 h-1", "potential": "3.6 V", "transfer_coefficient": 0.9}
    block["activation_energy"] = "2 eV"
    cell = raijmakers.replace({"ageing": {"site_loss_by_oxidation": block}})
    with pytest.raises(InputError, match="to which the protocol goes, its rate"):
        tfbsim.simulate(cell, steps)
    tfbsim.simulate(cell, ["Discharge at 1C until 3.5 V"])


def test_a_sweep_of_voltages_is_refused_before_it_runs(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "format: 1\nkind: experiment\ncell: lco-lipon-li-raijmakers2020\n"
        "set: {ageing.site_loss_by_oxidation: {rate: 1 h-1, potential: 3.0 V, "
        "transfer_coefficient: 0.8}}\n"
        "steps: ['Charge at 1C until {upper}']\n"
        "sweep: {factors: {upper: {linear: [3.1 V, 4.2 V, 5]}}}\n"
    )
    with pytest.raises(InputError, match="to which the protocol goes"):
        tfbsim.run_experiment(path)


@pytest.mark.parametrize(
    "block, field, words",
    [
        ({"interphase": {}}, "ageing.interphase", "interphase_with_time"),
        ({"lithium_consumption": {}}, "ageing.lithium_consumption.current", "growth"),
        (
            {"site_loss_by_oxidation": {"rate": "1 V", "potential": "4 V"}},
            "ageing.site_loss_by_oxidation.rate",
            "0.01 h-1",
        ),
    ],
)
def test_a_mistake_in_a_block_of_ageing(raijmakers, block, field, words):
    with pytest.raises(InputError) as refused:
        raijmakers.replace({"ageing": block})
    assert refused.value.field == field
    assert words in refused.value.message

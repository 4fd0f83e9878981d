"""Energy per volume and mass: a sandwich by hand, what a file may say of it, results."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tfbsim
from tfbsim import load_cell, optimise, simulate
from tfbsim.cell import stack as energy
from tfbsim.cell.stack import (
    COLUMNS,
    PER_MASS_AS_MADE,
    PER_MASS_CHARGED,
    PER_VOLUME_AS_MADE,
    PER_VOLUME_CHARGED,
)
from tfbsim.errors import InputError
from tfbsim.experiment.expand import expand
from tfbsim.materials import library
from tfbsim.plot import figures
from tfbsim.result.result import Result

INPUTS = Path(__file__).parent / "inputs"
STEPS = ["Charge at 1C until 4.2 V", "Discharge at 1C until 3.0 V"]
THICKNESS = "Lithium thickness at end of charge [um]"
AREAL = "Discharge energy [mW.h.cm-2]"
STACK = {
    "substrate": {"material": "stainless steel 304", "thickness": "10 um"},
    "anode_collector": {"material": "copper", "thickness": "0.3 um"},
    "packaging": {"density": "1.5 g/cm3", "thickness": "50 um", "shared_by": 2},
}


@pytest.fixture(scope="module")
def bare():
    """10 um of 5 g/cm3, 1.5 um of 2.3 g/cm3, 2 um of lithium."""
    changes = {"cathode.thickness": "10 um", "electrolyte.thickness": "1.5 um"}
    changes["electrolyte.density"] = "2.3 g/cm3"
    return load_cell(INPUTS / "cell.yaml").replace(changes)


@pytest.fixture(scope="module")
def cell(bare):
    return bare.replace({"stack": STACK})


class TestSandwich:
    # cm2 by cm2: 10 + 10 + 1.5 + 2 + 0.3 + 50/2 = 48.8 um, so 4.88e-6 L; and
    # 8 + 5 + 0.345 + 1.068 (lithium: 6.94/13.0 g/cm3 x 2 um) ... in mg below
    VOLUME = 48.8e-6
    MASS = 8.0 + 5.0 + 0.345 + 6.94 / 13.0 * 0.2 + 0.2688 + 3.75

    def test_thickness_and_mass(self, cell):
        found = energy.layers(cell)
        assert energy.total_volume(found) == pytest.approx(self.VOLUME, rel=1e-12)
        assert energy.total_mass(found) * 100 == pytest.approx(self.MASS, rel=1e-12)

    def test_densities(self, cell):
        # 2.5 mWh/cm2 in 4.88e-6 L and in the mass above; 3 um more of lithium
        found = energy.densities(cell, 2.5 * 36e3, 5e-6)
        assert found[PER_VOLUME_AS_MADE] == pytest.approx(2.5 / 4.88e-3, rel=1e-12)
        assert found[PER_VOLUME_CHARGED] == pytest.approx(2.5 / 5.18e-3, rel=1e-12)
        assert found[PER_MASS_AS_MADE] == pytest.approx(2.5e3 / self.MASS, rel=1e-12)

    def test_the_charge_moves_mass_and_adds_none(self, cell):
        found = energy.densities(cell, 2.5 * 36e3, 7e-6)
        assert found[PER_MASS_CHARGED] == pytest.approx(
            found[PER_MASS_AS_MADE], rel=1e-12
        )
        charged = {layer.name: layer for layer in energy.layers(cell, 7e-6)}
        gone = 5e-6 / 13e-6 * 6.94e-3  # kg/m2
        assert charged["cathode"].mass == pytest.approx(0.05 - gone, rel=1e-12)
        assert charged["cathode"].thickness == pytest.approx(10e-6)

    def test_table(self, cell):
        table = tfbsim.layer_table(cell).set_index("Layer")
        assert list(table.index) == [
            *("substrate", "cathode", "electrolyte", "lithium"),
            *("anode collector", "packaging"),
        ]
        assert table.loc["packaging", "Thickness [um]"] == pytest.approx(50)
        assert table.loc["packaging", "Volume share [%]"] == pytest.approx(25 / 0.488)
        assert table.loc["cathode", "Mass share [%]"] == pytest.approx(500 / self.MASS)
        for share in ("Volume share [%]", "Mass share [%]"):
            assert table[share].sum() == pytest.approx(100)

    def test_utilisation_leaves_the_volume_as_it_is(self, cell):
        idle = cell.replace({"cathode.utilisation": 0.5})
        assert energy.layers(idle) == energy.layers(cell)

    def test_lithium_is_in_it_only_where_the_file_says_so(self, cell):
        free = cell.replace({"anode.lithium": "0 um"})
        found = energy.total_volume(energy.layers(free))
        assert found == pytest.approx(self.VOLUME - 2e-6, rel=1e-12)


class TestFile:
    @pytest.mark.parametrize(
        ("changes", "field", "words"),
        [
            ({"stack.substrat.thickness": 1e-5}, "substrat", "did you mean 'substrate'"),
            ({"stack.substrate.material": "coper"}, "material", "did you mean 'copper'"),
            ({"stack.insulation.thickness": 1e-6}, "density", "a material in its place"),
            ({"stack.packaging.shared_by": 1.5}, "shared_by", "whole number"),
            ({"stack.packaging.shared_by": 0}, "shared_by", "at least 1"),
            ({"stack.substrate.thickness": "-1 um"}, "thickness", "above 0"),
            ({"stack.substrate.density": "1 um"}, "density", "g/cm3"),
            ({"electrolyte.density": None}, "electrolyte.density", "is missing"),
        ],
    )
    def test_one_sentence(self, cell, changes, field, words):
        with pytest.raises(InputError, match=words) as error:
            cell.replace(changes)
        assert field in error.value.field

    def test_without_a_stack_there_is_no_table(self, bare):
        with pytest.raises(InputError, match="stack"):
            tfbsim.layer_table(bare)
        with pytest.raises(InputError, match="does not have"):
            bare.value("stack.substrate.thickness")

    def test_a_layer_can_be_varied(self, cell):
        assert "stack.packaging.thickness" in cell.numeric_fields
        thick = cell.replace({"stack.substrate.thickness": "100 um"})
        assert thick.value("stack.substrate.thickness") == (pytest.approx(100), "um")

    @given(
        st.dictionaries(
            st.sampled_from([*energy.Stack.model_fields, "casing"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "thickness": st.sampled_from(["1 um", "3", "-2 nm", 5, None, "2 kg"]),
                    "density": st.sampled_from(["2 g/cm3", "0 g/cm3", "x", [1], True]),
                    "material": st.sampled_from([*library("stack"), "wood", 3, ""]),
                    "shared_by": st.one_of(st.integers(-1, 3), st.just("two")),
                    "color": st.just("red"),
                },
            ),
        )
    )
    def test_whatever_it_says(self, bare, stack):
        """A sentence, or layers with shares that add up."""
        try:
            found = bare.replace({"stack": stack}, si=False)
        except InputError as error:
            assert error.message
            assert "\n" not in str(error)
            return
        table = tfbsim.layer_table(found)
        assert len(table) == 3 + len(stack)
        assert table["Mass share [%]"].sum() == pytest.approx(100)

    @given(
        st.sampled_from(list(energy.Stack.model_fields)),
        st.floats(1e-9, 1e-3),
        st.floats(100.0, 2e4),
        st.integers(1, 50),
    )
    def test_a_layer_more_adds_its_share(self, bare, name, thickness, density, n):
        layer = {"thickness": thickness, "density": density, "shared_by": n}
        without = energy.layers(bare.replace({"stack": {}}))
        found = energy.layers(bare.replace({"stack": {name: layer}}))
        volume = energy.total_volume(found) - energy.total_volume(without)
        mass = energy.total_mass(found) - energy.total_mass(without)
        assert math.isclose(volume, thickness / n, rel_tol=1e-6, abs_tol=1e-15)
        assert math.isclose(mass, density * thickness / n, rel_tol=1e-6, abs_tol=1e-12)


@pytest.fixture(scope="module")
def with_stack(raijmakers):
    return raijmakers.replace({"stack": STACK})


@pytest.fixture(scope="module")
def results(raijmakers, with_stack):
    return simulate(raijmakers, STEPS), simulate(with_stack, STEPS)


class TestResult:
    def test_columns_are_the_discharge_over_the_layers(self, with_stack, results):
        row = results[1].summary.iloc[0]
        volume = energy.total_volume(energy.layers(with_stack))
        per_litre = 10 * row[AREAL] / (1e3 * volume)  # Wh/m2 over L/m2
        assert row[PER_VOLUME_AS_MADE] == pytest.approx(per_litre, rel=1e-9)
        grown = (row[THICKNESS] - 3) * 1e-6
        ratio = row[PER_VOLUME_CHARGED] / row[PER_VOLUME_AS_MADE]
        assert ratio == pytest.approx(volume / (volume + grown), rel=1e-9)
        assert row[PER_MASS_CHARGED] == pytest.approx(row[PER_MASS_AS_MADE], rel=1e-12)

    def test_nothing_else_changes(self, results, tmp_path):
        """Without a stack: the same bytes but for its columns."""
        bare, stacked = results
        assert not set(COLUMNS) & set(bare.summary)
        assert set(COLUMNS) <= set(stacked.summary)
        stripped = stacked.summary.drop(columns=list(COLUMNS))
        assert stripped.to_csv() == bare.summary.to_csv()
        assert stacked.steps.to_csv() == bare.steps.to_csv()
        for name, result in (("bare", bare), ("stacked", stacked)):
            result.save(tmp_path / name, figures=False)
        for file in ("curves.nc", "steps.csv", "losses.csv"):
            one, other = ((tmp_path / n / file).read_bytes() for n in ("bare", "stacked"))
            assert one == other

    def test_survives_being_saved(self, results, tmp_path):
        results[1].save(tmp_path, figures=False)
        again = tfbsim.load_result(tmp_path).summary
        assert np.allclose(again[list(COLUMNS)], results[1].summary[list(COLUMNS)])

    def test_full_charge_is_that_of_the_conditioning(self, with_stack):
        """A cycle that only discharges begins with the lithium plated before it."""
        result = simulate(with_stack, STEPS[1:], conditioning=STEPS[:1])
        row = result.summary.iloc[0]
        volume = energy.total_volume(energy.layers(with_stack))
        grown = volume * (row[PER_VOLUME_AS_MADE] / row[PER_VOLUME_CHARGED] - 1)
        charged = result.steps["Charge [uA.h.cm-2]"].iloc[0]
        assert grown * 1e6 == pytest.approx(charged * 1e-3 * 4.85, rel=1e-3)


class TestExperiment:
    TEXT = """\
format: 1
kind: experiment
cell: lco-lipon-steel-ensurge2023
steps: [Discharge at 1C until 3 V]
cases:
  - {stack.substrate.thickness: 10 um}
  - {stack.substrate.thickness: 20 um}
measured:
  - {case: 10 um, volumetric_energy_density: VALUE, status: predicted}
"""

    def test_measured_beside_simulated(self, tmp_path):
        file = tmp_path / "e.yaml"
        file.write_text(self.TEXT.replace("VALUE", "1.2 Wh/cm3"))
        expanded = expand(str(file))
        (row,) = expanded.measured
        assert row["Quantity"] == PER_VOLUME_AS_MADE
        assert row["Measured"] == pytest.approx(1200)
        assert expanded.cases[1].varied == {"stack.substrate.thickness [um]": 20}
        keys = {case.key(tfbsim.Numerics()) for case in expanded.cases}
        assert len(keys) == 2

    def test_measured_in_another_unit(self, tmp_path):
        file = tmp_path / "e.yaml"
        file.write_text(self.TEXT.replace("VALUE", "1200 Wh/kg"))
        with pytest.raises(InputError, match="energy density") as error:
            expand(str(file))
        assert error.value.line == 9

    def test_a_cell_without_a_stack_is_not_compared(self):
        name, cell = "ensurge2023-energy-density", "lco-lipon-steel-ensurge2023"
        result = tfbsim.run_experiment(name)
        assert len(result.comparison) == 3
        bare = load_cell(cell).replace({"stack": None})
        other = simulate(bare, ["Hold at 4.2 V until C/5"])
        case = dataclasses.replace(other.cases[0], name=result.cases[0].name)
        assert Result([case], measured=result.measured).comparison.empty


def test_an_optimum_needs_a_stack(ideal):
    between = ("1 um", "2 um")
    with pytest.raises(InputError, match="stack"):
        optimise(ideal, "cathode.thickness", between, STEPS, maximise=PER_MASS_AS_MADE)


class TestFigures:
    @pytest.fixture(scope="class")
    @classmethod
    def one(cls):
        """A case whose tables the tests fill in."""
        steps = ["Hold at 4.2 V until C/2", "Discharge at 1C until 3 V"]
        return simulate("lco-lipon-steel-ensurge2023", steps).cases[0]

    def result(self, one, columns, stack=True, measured=()):
        """Cases of these columns, a power of ten of power losing a tenth of energy."""
        cases = []
        for k, varied in enumerate(columns):
            row = {**one.rows[0], "Case": f"{k}", **varied}
            if not stack:
                row = {name: v for name, v in row.items() if name not in COLUMNS}
            cases.append(dataclasses.replace(one, name=f"{k}", rows=[row]))
        return Result(cases, measured=measured)

    def test_bars_with_measured_values(self, one):
        columns = [{"cathode.utilisation": u} for u in (1.0, 0.94)]
        point = {"Case": "1", "Cycle number": 1, "Quantity": PER_VOLUME_AS_MADE}
        point |= {"Measured": 1163.0, "Status": "predicted", "Source": ""}
        drawn = figures(self.result(one, columns, measured=[point]))
        axes = drawn["energy-density"].axes[0]
        assert len(axes.patches) == 4
        assert [line.get_xdata()[0] for line in axes.lines] == [1163.0]
        assert "energy-density" not in figures(self.result(one, columns, stack=False))

    def test_a_panel_for_each_thickness(self, one):
        varied = {"cathode.thickness [um]": 10.0, "electrolyte.thickness [um]": 1.5}
        columns = [varied | {"cathode.thickness [um]": L} for L in (1.0, 5.0, 20.0)]
        columns += [varied | {"electrolyte.thickness [um]": L} for L in (0.5, 1.0, 2.0)]
        figure = figures(self.result(one, columns))["energy-density"]
        assert [len(ax.lines) for ax in figure.axes] == [2, 2]  # as made, at full charge
        assert figure.axes[0].get_xlabel() == "Cathode thickness (µm)"

    def test_no_line_through_what_differs_in_a_word(self, one):
        lithium = "anode.lithium [um]"  # on one collector and on another
        columns = [{lithium: 1.0 * k, AREAL: k + m} for k in range(1, 5) for m in (1, 2)]
        axes = figures(self.result(one, columns))["energy-density"].axes[0]
        assert len(axes.patches) == 16 and not axes.lines
        again = [{lithium: 1.0 * k, AREAL: k + 1.0} for k in (1, 2, 2, 3)]
        axes = figures(self.result(one, again))["energy-density"].axes[0]
        assert len(axes.lines) == 2

    def test_ragone(self, one):
        power = "power [uW.cm-2]"
        columns = [{power: 10.0**k, AREAL: 3.0 - k / 2} for k in range(1, 5)]
        columns.append({power: 1e6, AREAL: 0.0})  # gave nothing: no place on a log axis
        figure = figures(self.result(one, columns))["ragone"]
        by_area, by_volume = figure.axes
        (line,) = [ax for ax in by_area.lines if len(ax.get_xdata()) == 4]
        assert np.allclose(line.get_xdata(), [0.01, 0.1, 1, 10])
        assert np.allclose(line.get_ydata(), [2.5, 2.0, 1.5, 1.0])
        (line,) = [ax for ax in by_volume.lines if len(ax.get_xdata()) == 4]
        assert np.allclose(line.get_ydata(), one.rows[0][PER_VOLUME_AS_MADE])
        assert len(figures(self.result(one, columns, stack=False))["ragone"].axes) == 1
        assert "energy-density" not in figures(self.result(one, columns))

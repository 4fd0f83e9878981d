"""A material in a file beside the cell's: found by its name, checked, kept."""

import pytest

import tfbsim
from tfbsim import InputError, load_cell

MATERIAL = """\
format: 1
kind: material
source: own measurements
open_circuit_potential: {table: my-oxide.ocv.csv}
density: 4.8 g/cm3
molar_mass: 97.9 g/mol
diffusivity: 1e-15 m2/s
exchange_current: 1 mA/cm2
exchange_current_stoichiometry: 0.6
origin:
  density: assumed
"""
CELL = """\
format: 1
kind: cell
name: my cell
area: 1 cm2
temperature: 25 degC
one_c: 60 uA/cm2
cathode: {material: my-oxide, thickness: 1 um, initial_stoichiometry: 0.9}
electrolyte: {material: LiPON, thickness: 1 um}
anode: {material: Li, lithium: 2 um}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my-oxide.yaml").write_text(MATERIAL)
    (tmp_path / "my-oxide.ocv.csv").write_text("x,U\n0.4,4.3\n0.6,4\n0.8,3.9\n1,3.3\n")
    (tmp_path / "cell.yaml").write_text(CELL)
    return tmp_path


def test_found_by_its_name(folder):
    cell = load_cell(folder / "cell.yaml")
    assert cell.cathode.density == pytest.approx(4800)
    assert cell.cathode.x_range == (0.4, 1.0)
    assert cell.origins["cathode.density"] == "assumed"
    assert cell.origins["cathode.diffusivity"] == "own measurements"
    found = tfbsim.simulate(cell, ["Discharge at 1C until 3.4 V"])
    assert found.summary["Outcome"].tolist() == ["reached"]


def test_the_cell_has_the_last_word(folder):
    text = CELL.replace("thickness: 1 um,", "thickness: 1 um, density: 4 g/cm3,", 1)
    (folder / "cell.yaml").write_text(text)
    cell = load_cell(folder / "cell.yaml")
    assert cell.cathode.density == pytest.approx(4000)
    assert "cathode.density" not in cell.origins


def test_a_record_needs_no_file(folder):
    cell = load_cell(folder / "cell.yaml")
    written = cell.written
    (folder / "my-oxide.yaml").unlink()
    again = type(cell).from_written(written)
    assert again.parameters() == cell.parameters()
    assert cell.replace({"cathode.thickness": "2 um"}).cathode.density == 4800


def test_another_material_in_its_place(folder):
    cell = load_cell(folder / "cell.yaml").replace({"cathode.material": "LCO"})
    assert cell.cathode.material_file is None
    assert any("another material is set" in note for note in cell.warnings())


def test_as_a_second_electrolyte(folder):
    glass = "format: 1\nkind: material\nconductivity: 3e-6 S/cm\nwindow_lower: 0.5 V\n"
    (folder / "glass.yaml").write_text(glass)
    second = "thickness: 1 um, second: {material: glass, thickness: 1 um}}"
    text = CELL.replace("material: LiPON, thickness: 1 um}", f"material: LATP, {second}")
    (folder / "cell.yaml").write_text(text)
    cell = load_cell(folder / "cell.yaml")
    assert cell.electrolyte.second.conductivity == pytest.approx(3e-4)
    assert cell.origins["electrolyte.second.conductivity"] == "as glass.yaml has it"
    assert [words for words in cell.warnings() if "reduces glass" in words]
    assert type(cell).from_written(cell.written).parameters() == cell.parameters()
    (folder / "glass.yaml").write_text(glass.replace("3e-6 S/cm", "3e-6 S/cm2"))
    with pytest.raises(InputError, match=r"glass.yaml:3: .*conductivity"):
        load_cell(folder / "cell.yaml")


def test_set_by_name_where_the_library_stood(folder):
    text = CELL.replace("material: my-oxide", "material: LCO")
    (folder / "cell.yaml").write_text(text)
    cell = load_cell(folder / "cell.yaml").replace({"cathode.material": "my-oxide"})
    assert cell.cathode.density == 4800


def test_as_an_anode(folder):
    text = CELL.replace("my-oxide", "LCO").replace(
        "anode: {material: Li, lithium: 2 um}",
        "anode: {material: my-oxide, thickness: 1 um, initial_stoichiometry: 0.5}",
    )
    (folder / "cell.yaml").write_text(text.replace("0.9}", "0.9, density: 5 g/cm3}"))
    assert load_cell(folder / "cell.yaml").anode.density == 4800


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("cell", "my-oxide", "my-oxid", "cell.yaml:7: cathode.material: unknown material "
         "'my-oxid'; did you mean 'my-oxide'"),
        ("cell", "my-oxide", "zz", "zz.yaml, would do beside the cell's"),
        ("my-oxide", "density: 4.8", "densty: 4.8",
         "my-oxide.yaml:5: densty: unknown key 'densty'; did you mean 'density'"),
        ("my-oxide", "4.8 g/cm3", "4.8 g/cm2", "my-oxide.yaml:5: density: '4.8 g"),
        ("my-oxide", "kind: material", "kind: cell", "my-oxide.yaml:2: kind: this"),
        ("my-oxide", "  density: assumed", "  dens: x", "is of no value that is given"),
        ("my-oxide", "diffusivity: 1e-15 m2/s\n", "", "diffusivity: is missing"),
        ("my-oxide", "ocv.csv", "o.csv", "my-oxide.o.csv"),
    ],
)  # fmt: skip
def test_mistakes_are_found_where_they_are(folder, file, old, new, message):
    path = folder / f"{file}.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as error:
        load_cell(folder / "cell.yaml")
    assert message in str(error.value)


def test_a_name_too_long_for_a_file_is_unknown(folder):
    path = folder / "cell.yaml"
    path.write_text(CELL.replace("my-oxide", "x" * 5000))
    with pytest.raises(InputError, match=r"cell.yaml:7: cathode.material: unknown"):
        load_cell(path)

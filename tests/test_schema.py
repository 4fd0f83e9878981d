"""Mistakes in a cell file: each is one line that names file, line and field."""

import shutil
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutation import anything, mutated

from tfbsim import load_cell
from tfbsim.cell.anode import Anode
from tfbsim.cell.cell import Cell, _cell
from tfbsim.cell.electrolyte import Electrolyte
from tfbsim.cell.film import Film
from tfbsim.errors import InputError
from tfbsim.experiment.schema import KINDS, json_schema, written
from tfbsim.yaml_file import load

INPUTS = Path(__file__).parent / "inputs"
CELL = (INPUTS / "cell.yaml").read_text()
OCV = "{table: ocv.csv}"
D = "1e-11 cm2/s"
TABLES = {
    "rising.csv": "x,U\n0.4,4.2\n0.7,4.3\n1.0,3.0\n",
    "back.csv": "x,U\n0.4,4.2\n0.7,4.1\n0.6,3.0\n",
    "negative.csv": "x,D\n0.4,1e-15\n0.7,-1e-15\n1.0,1e-15\n",
    "zero.csv": "x,D\n0.4,1e-15\n0.7,0\n1.0,1e-15\n",
    "steep.csv": "x,D\n0.4,1e-15\n1.0,1e-24\n",
    "vast.csv": "x,D\n0.4,1e300\n1.0,1e-300\n",
    "word.csv": "x,D\n0.4,1e-15\n0.7,abc\n1.0,1e-15\n",
    "percent.csv": "x,U\n40,4.2\n70,4.1\n100,3.0\n",
    "percent_d.csv": "x,D\n40,1e-15\n100,1e-15\n",
    "two.csv": "x,U\n0.1,4.2\n1.0,3.0\n2.0,1.5\n",
    "short.csv": "x,D\n0.4,1e-15\n",
}


@pytest.fixture
def folder(tmp_path):
    shutil.copy(INPUTS / "ocv.csv", tmp_path)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def refusal(folder: Path, old: str, new: str) -> InputError:
    """The error of the cell file with the first `old` replaced."""
    assert old in CELL
    path = folder / "c.yaml"
    path.write_text(CELL.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_cell(path)
    text = str(caught.value)
    assert text.splitlines() == [text] and text.isprintable()
    assert caught.value.file == str(path)
    return caught.value


def test_the_file_itself_is_valid():
    assert load_cell(INPUTS / "cell.yaml").name == "A cell"


FIELD = "exchange_current_stoichiometry: 0.5"  # the last line of the cathode, 16
ANODE = CELL[CELL.index("anode:") :]
ELECTROLYTE = CELL[CELL.index("electrolyte:") : CELL.index("anode:")]

# what is replaced, by what, line, field, words of the message
MISTAKES = [
    # Keys
    ("name: A", "nane: A", 3, "nane", "did you mean 'name'?"),
    ("thickness: 1", "thicknes: 1", 9, "cathode.thicknes", "mean 'thickness'?"),
    ("area: 1 cm2", "area: 1 cm2\narea: 2 cm2", 5, "area", "already on line 4"),
    ("area: 1 cm2", "wobble: 3\narea: 1 cm2", 4, "wobble", "there are: format"),
    ("area: 1 cm2\n", "", 1, "area", "is missing"),
    ("  lithium: 2 um\n", "", 20, "anode.lithium", "is missing"),
    (ANODE, "", 1, "anode", "is missing"),
    ("area: 1 cm2", "1: 3", 4, "", "a key must be text"),
    # Quantities
    ("area: 1 cm2", "area: 1 cm", 4, "area", "is a length; an area such as"),
    ("area: 1 cm2", "area: 1", 4, "area", "has no unit; an area such as"),
    ("area: 1 cm2", "area: 0 cm2", 4, "area", "must be above 0 cm2"),
    ("area: 1 cm2", "area: -1 cm2", 4, "area", "must be above 0 cm2"),
    ("area: 1 cm2", "area: 3 m2", 4, "area", "'3 m2' is out of range"),
    ("area: 1 cm2", "area: 1e400", 4, "area", "too large"),
    ("area: 1 cm2", "area: 1e400 cm2", 4, "area", "too large"),
    ("area: 1 cm2", "area: .nan", 4, "area", "not a finite number"),
    ("area: 1 cm2", "area: -.inf", 4, "area", "not a finite number"),
    ("area: 1 cm2", "area: nan cm2", 4, "area", "does not start with a number"),
    ("area: 1 cm2", "area: true", 4, "area", "an area such as"),
    ("area: 1 cm2", "area: [1 cm2]", 4, "area", "an area such as"),
    ("area: 1 cm2", "area: {a: 1 cm2}", 4, "area", "an area such as"),
    ("area: 1 cm2", "area:", 4, "area", "nothing is given"),
    ("area: 1 cm2", "area: 1,5 cm2", 4, "area", "decimal comma"),
    ("area: 1 cm2", "area: 1 parsec2", 4, "area", "unknown unit 'parsec'"),
    ("one_c: 50 uA/cm2", "one_c: 1C", 6, "one_c", "is a C-rate"),
    ("one_c: 50 uA/cm2", "one_c: 50 uA", 6, "one_c", "a current density such as"),
    ("one_c: 50 uA/cm2", "one_c: 0 uA/cm2", 6, "one_c", "above 0"),
    ("25 degC", "25", 5, "temperature", "has no unit"),
    ("25 degC", "1000 degC", 5, "temperature", "at most 426.9 degC"),
    ("25 degC", "-300 degC", 5, "temperature", "below absolute zero"),
    ("thickness: 1 um", "thickness: 0 um", 9, "cathode.thickness", "above 0 um"),
    ("thickness: 1 um", "thickness: -1 um", 9, "cathode.thickness", "above 0 um"),
    ("thickness: 1 um", "thickness: 2 cm", 9, "cathode.thickness", "'2 cm' is out"),
    ("2e-6 S/cm", "0 S/cm", 19, "electrolyte.conductivity", "above 0"),
    ("lithium: 2 um", "lithium: -2 um", 21, "anode.lithium", "at least 0 um"),
    ("1e-11 cm2/s", "1e9 cm2/s", 14, "cathode.diffusivity", "level within"),
    ("lithium: 2 um", "lithium: 1 cm", 21, "anode.lithium", "10,000 times what"),
    ("2e-6 S/cm", "2e-6 S/cm\n  material: LCO", 20, "electrolyte.material", "LiPON"),
    (FIELD, FIELD + "\n  utilisation: 1.2", 17, "cathode.utilisation", "at most 1"),
    (FIELD, FIELD + "\n  transference: 1", 17, "cathode.transference", "below 1"),
    (FIELD, FIELD + "\n  diffusivity_scale: 0", 17, "cathode.diffusivity_scale", "0"),
    (FIELD, FIELD[:-3] + "1.0", 16, "cathode." + FIELD[:-5], "must be below 1"),
    # Voltage window
    ("[0 V, 6 V]", "[6 V, 0 V]", 7, "voltage_limits", "must rise"),
    ("[0 V, 6 V]", "[3 V, 3 V]", 7, "voltage_limits", "must rise"),
    ("[0 V, 6 V]", "[6 V]", 7, "voltage_limits", "at least 2 items"),
    ("[0 V, 6 V]", "0 V", 7, "voltage_limits", "a list would do"),
    ("[0 V, 6 V]", "[0, 6 V]", 7, "voltage_limits[0]", "has no unit"),
    ("[0 V, 6 V]", "[0 V, 16 V]", 7, "voltage_limits[1]", "at most 10 V"),
    # Initial state
    ("y: 0.6", "y: 0.2", 12, "cathode.initial_stoichiometry", "covers 0.4 to 1"),
    ("y: 0.6", "y: 1.2", 12, "cathode.initial_stoichiometry", "covers 0.4 to 1"),
    ("y: 0.6", "y: true", 12, "cathode.initial_stoichiometry", "a plain number"),
    (
        "initial_stoichiometry: 0.6",
        "initial_voltage: 5 V",
        *(12, "cathode.initial_voltage", "4.200 V at x = 0.4"),
    ),
    (
        "  initial_stoichiometry: 0.6",
        "  initial_stoichiometry: 0.6\n  initial_voltage: 4 V",
        *(13, "cathode.initial_voltage", "give the initial state once"),
    ),
    (
        "  initial_stoichiometry: 0.6\n",
        "",
        *(8, "cathode.initial_stoichiometry", "give the initial state once"),
    ),
    ("  molar_mass: 100 g/mol\n", "", 8, "cathode.molar_mass", "site_concentration"),
    (
        FIELD,
        FIELD + "\n  analysed_stoichiometry: 0.5",
        *(17, "cathode.analysed_stoichiometry", "more lithium at the start (0.6)"),
    ),
    # Structure
    (ELECTROLYTE, "electrolyte: LiPON\n", 17, "electrolyte", "a mapping of fields"),
    (ELECTROLYTE, "electrolyte: [1]\n", 17, "electrolyte", "a mapping of fields"),
    (ELECTROLYTE, "electrolyte:\n", 17, "electrolyte", "a mapping of fields"),
    ("name: A cell", "name: 3", 3, "name", "text would do"),
    ("area", "origin: [a]\narea", 4, "origin", "a mapping of fields"),
    ("area", "origin: {area: 1}\narea", 4, "origin.area", "text would do"),
    # Materials
    ("cathode:", "cathode:\n  material: LC0", 9, "cathode.material", "mean 'LCO'?"),
    (
        "cathode:",
        "cathode:\n  material: Qx",
        9,
        "cathode.material",
        "the library has LCO",
    ),
    ("cathode:", "cathode:\n  material: [LCO]", 9, "cathode.material", "unknown"),
    ("cathode:", "cathode:\n  material: {a: 1}", 9, "cathode.material", "unknown"),
    ("cathode:", "cathode:\n  material:", 9, "cathode.material", "unknown"),
    ("anode:", "anode:\n  material: Na", 21, "anode.material", "the library has Li"),
    # Head
    ("kind: cell", "kind: experiment", 2, "kind", "'kind: cell' is wanted here"),
    ("kind: cell", "kind: cel", 2, "kind", "'kind: cell' is wanted here"),
    ("kind: cell", "kind: [1]", 2, "kind", "'kind: cell' is wanted here"),
    ("kind: cell\n", "", 1, "kind", "there is no kind"),
    ("format: 1", "format: 2", 1, "format", "must be 1"),
    ("format: 1", "format: true", 1, "format", "must be 1"),
    ("format: 1", "format: '1'", 1, "format", "must be 1"),
    ("format: 1\n", "", 1, "format", "must be 1"),
    # YAML beyond plain values
    ("area: 1", "area: !!float 1", 4, "area", "tags"),
    ("area: 1", "area: !!python/name:os.system 1", 4, "area", "tags"),
    ("area: 1", "area: &a 1", 4, "area", "anchors"),
    ("area: 1 cm2", "area: *a", 4, "area", "aliases"),
    ("area: 1 cm2", "<<: {a: 1}", 4, "", "merge keys"),
    ("area: 1", "\tarea: 1", 4, "", "indent with spaces"),
    ("area: 1", "area: 1: 2", 4, "", "not valid YAML"),
    (CELL, "- a\n", 1, "", "the file holds a list"),
    (CELL, "hello\n", 1, "", "the file holds text"),
    (CELL, "", None, "", "the file is empty"),
]


def test_a_table_for_two_lithium_states_its_sites(folder):
    law = "{table: two.csv, x_max: 2}"
    path = folder / "two.yaml"
    path.write_text(CELL.replace(OCV, law).replace("0.6", "1.6", 1))
    assert load_cell(path).cathode.x_max == 2


PERCENT = "{numerator: [4.2, -0.01], denominator: [1], range: [40, 100]}"
FRACTIONS = [  # each is x in per cent, or beyond the sites
    (OCV, "{table: percent.csv}", "not in per cent"),
    (OCV, "{table: two.csv}", "give x_max: 2"),
    (OCV, PERCENT, "not in per cent"),
    (OCV, PERCENT.replace("numerator", "polynomial").split(", den")[0]
     + ", range: [40, 100]}", "not in per cent"),
    (OCV, "{sites: [{potential: 4 V, sites: 60}, {potential: 3.9 V, sites: 40}]}",
     "not in per cent"),
    (D, "{table: percent_d.csv}", "x = 100"),
    (D, "{log10_polynomial: [-15], range: [0, 100]}", "x = 100"),
    (D, "{table: two.csv, x_max: 2}", "open-circuit potential only"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), FRACTIONS)
def test_x_is_a_fraction_of_the_stated_sites(folder, old, new, words):
    assert words in refusal(folder, old, new).message


def test_the_initial_state_is_given_once(folder):
    both = "initial_stoichiometry: 0.6\n  initial_voltage: 4.0 V"
    error = refusal(folder, "initial_stoichiometry: 0.6", both)
    assert error.field == "cathode.initial_voltage" and "both are given" in error.message


def test_the_initial_state_is_given_once_beside_a_material(folder):
    both = "material: LCO\n  initial_stoichiometry: 0.6\n  initial_voltage: 4.0 V"
    assert "both are given" in refusal(folder, "initial_stoichiometry: 0.6", both).message


@pytest.mark.parametrize(("old", "new", "line", "field", "words"), MISTAKES)
def test_a_mistake_is_found_where_it_is(folder, old, new, line, field, words):
    error = refusal(folder, old, new)
    assert (error.line, error.field) == (line, field)
    assert words in error.message


POTENTIAL, DIFFUSIVITY = "cathode.open_circuit_potential", "cathode.diffusivity"
site = "{{sites: [{{potential: 4 V, sites: 1}}, {{potential: {}, sites: 1, width: {}}}]}}"
LAWS = [
    # Tables
    (OCV, "{table: rising.csv}", "", "must fall as x rises, and row 2 (4.3 V)"),
    (OCV, "{table: back.csv}", "", "row 3 (0.6) does not exceed row 2 (0.7)"),
    (OCV, "{table: ocv.csv, multiply: 1000}", "", "row 1 (4200 V) is no open-circuit"),
    (OCV, "{table: word.csv}", "", "word.csv:3: column 2: 'abc' is not a number"),
    (OCV, "{table: short.csv}", "", "fewer than 2 rows"),
    (OCV, "{table: none.csv}", "", "none.csv: no such file"),
    (OCV, "{table: ../ocv.csv}", "", "in the folder of the cell file"),
    (OCV, "{table: a/../ocv.csv}", "", "in the folder of the cell file"),
    (OCV, "{table: /etc/hosts.csv}", "", "in the folder of the cell file"),
    (OCV, "{table: c.yaml}", "", "must name a .csv file"),
    (OCV, f"{{table: {'x' * 300}.csv}}", "", "xxx...' must name a .csv file"),
    (OCV, "{table: ''}", "", "must name a .csv file"),
    (OCV, "{table: 1}", ".table", "text would do"),
    (OCV, "{table: ocv.csv, unit: m}", "", "a voltage such as"),
    (OCV, "{table: ocv.csv, unti: V}", ".unti", "did you mean 'unit'?"),
    (OCV, "{table: ocv.csv, multiply: 0}", ".multiply", "above 0"),
    (OCV, "{table: ocv.csv, sites: []}", ".sites", "unknown key 'sites'"),
    (D, "{table: negative.csv}", "", "every diffusivity must be above 0"),
    (D, "{table: zero.csv}", "", "every diffusivity must be above 0"),
    (D, "{table: ocv.csv, multiply: -1}", ".multiply", "above 0"),
    # Other laws
    (OCV, "{tabel: ocv.csv}", "", "is a law of x: {table: FILE.csv}"),
    (OCV, "{log10_polynomial: [1]}", "", "is a law of x"),
    (OCV, "4 V", "", "is a law of x"),
    (OCV, "[1, 2]", "", "is a law of x"),
    (OCV, "{}", "", "is a law of x"),
    (OCV, "", "", "is a law of x"),
    (OCV, "{sites: []}", ".sites", "at least 1 item"),
    (OCV, "{sites: [{potential: 4, sites: 1}]}", ".sites[0].potential", "no unit"),
    (OCV, "{sites: [{potential: 4 V, sites: 0}]}", ".sites[0].sites", "above 0"),
    (
        OCV,
        "{sites: [{potential: 4 V, sites: 1, wdth: 1}]}",
        *(".sites[0].wdth", "did you mean 'width'?"),
    ),
    # Widths that nodes 2 mV apart resolve, and no gap a spline would swing through
    (OCV, site.format("4 V", 1e-30), ".sites[1].width", "at least 0.1"),
    (OCV, site.format("4 V", 1e30), ".sites[1].width", "at most 50"),
    (OCV, site.format("1 V", 0.3), "", "between the sites the potential does not fall"),
    (OCV, "{numerator: [4, -1], range: [0.5, 1]}", ".denominator", "is missing"),
    (
        OCV,
        "{numerator: [1, 1], denominator: [1], range: [0.5, 1]}",
        *("", "must fall with x"),
    ),
    (
        OCV,
        "{numerator: [4, -1], denominator: [0], range: [0.5, 1]}",
        *("", "stay finite"),
    ),
    (
        OCV,
        "{numerator: [4, -1], denominator: [0.75, -1], range: [0.5, 1]}",
        *("", "stay finite"),
    ),
    (
        OCV,
        "{numerator: [4, -1], denominator: [1], range: [1, 0.5]}",
        *("", "two rising stoichiometries"),
    ),
    (D, "0 cm2/s", "", "above 0"),
    (D, "-1e-11 cm2/s", "", "above 0"),
    (D, "1e-11", "", "has no unit"),
    (D, "1e-11 cm2", "", "a diffusivity such as"),
    (D, "true", "", "a diffusivity such as"),
    (D, "[1]", "", "a diffusivity such as"),
    (D, "{sites: []}", "", "a diffusivity such as"),
    (D, "{log10_polynomial: [-15], unit: cm}", "", "a diffusivity such as"),
    (D, "{log10_polynomial: []}", ".log10_polynomial", "at least 1 item"),
    (D, "{log10_polynomial: [-15, a]}", ".log10_polynomial[1]", "a plain number"),
    (D, "{log10_polynomial: [-15, 1e5]}", "", "finite and above 0"),
    (D, "{log10_polynomial: [-15, -1e5]}", "", "finite and above 0"),
    (D, "{log10_polynomial: [-15, -9]}", "", "spans 9 decades; up to 8 can be"),
    (D, "{table: vast.csv, multiply: 1e10}", "", "spans"),
    (D, "{table: steep.csv}", "", "spans 9 decades; up to 8 can be"),
]


@pytest.mark.parametrize(("old", "new", "inside", "words"), LAWS)
def test_a_mistake_in_a_law_is_found(folder, old, new, inside, words):
    error = refusal(folder, old, new)
    line, root = (13, POTENTIAL) if old == OCV else (14, DIFFUSIVITY)
    assert (error.line, error.field) == (line, root + inside)
    assert words in error.message


def test_a_table_is_sought_beside_the_cell_file_only(folder, monkeypatch):
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(INPUTS / "cell.yaml", elsewhere)
    monkeypatch.chdir(folder)  # has an ocv.csv
    with pytest.raises(InputError, match="no such file"):
        load_cell(elsewhere / "cell.yaml")


def test_an_unknown_key_leads_the_field_it_was_meant_for(folder):
    """A misspelt key also leaves a field missing; the spelling is what to change."""
    error = refusal(folder, "conductivity: 2e-6", "conductivty: 2e-6")
    assert error.field == "electrolyte.conductivty"
    assert "did you mean 'conductivity'?" in error.message


# --- Anything at all -------------------------------------------------------------------

unhurried = settings(
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
WORDS = [
    *("1 um", "-1 um", "1e300 m", "1e-60 m", "1 V", "C/10", "LCO", "ocv.csv", "../a.csv"),
]
LAW_KEYS = ["table", "sites", "numerator", "denominator", "range", "unit"]
JUNK = anything(WORDS, [*LAW_KEYS, "log10_polynomial", "potential", "width"])


@unhurried
@given(st.data())
def test_a_mutated_cell_is_read_or_refused_in_one_line(data):
    document = load(INPUTS / "cell.yaml")
    changed = mutated(data.draw, document.data, JUNK)
    try:
        cell = _cell(changed, INPUTS, document=document)
    except InputError as error:
        text = str(error)
        assert text.splitlines() == [text]
        assert error.file and error.line and error.message
    else:  # what is accepted is usable
        assert cell.site_inventory > 0
        assert cell.cathode.x_range[0] <= cell.cathode.x_initial + 1e-12


# --- JSON Schema -------------------------------------------------------------------

ROOT = Path(__file__).parents[1]
SHIPPED_FILES = [("cell", p) for p in sorted((ROOT / "models").glob("*.yaml"))] + [
    ("experiment", p) for p in sorted((ROOT / "experiments").glob("*.yaml"))
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_schema_is_current(kind):
    text = (ROOT / "schema" / f"{kind}.schema.json").read_text("utf-8")
    assert text == written(kind), "python -m tfbsim.experiment.schema ."


def test_the_page_of_fields_is_current_and_whole():
    text = (ROOT / "docs" / "fields.md").read_text("utf-8")
    spec = spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    pages = module_from_spec(spec)
    spec.loader.exec_module(pages)
    assert text == pages.fields_page(), "python docs/pages.py fields"
    for model in (Cell, Film, Electrolyte, Anode):
        for name, field in model.model_fields.items():
            assert f"| `{name}` |" in text
            assert field.description, name


@pytest.mark.parametrize(("kind", "path"), SHIPPED_FILES)
def test_shipped_files_are_of_the_json_schema(kind, path):
    jsonschema.validate(load(path).data, json_schema(kind))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("thickness: 1 um", "thicknes: 1 um"),
        ("area: 1 cm2", "area: 1"),
        ("kind: cell", "kind: experiment"),
        (OCV, "{tables: ocv.csv}"),
    ],
)
def test_the_json_schema_refuses(tmp_path, old, new):
    path = tmp_path / "c.yaml"
    path.write_text(CELL.replace(old, new, 1))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load(path).data, json_schema("cell"))

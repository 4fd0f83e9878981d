"""Every material of the library, and the cell that ships with each electrode."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import physical_constants
from scipy.optimize import brentq

import tfbsim
from tfbsim import materials
from tfbsim.numerics import Numerics
from tfbsim.plot.material import draw
from tfbsim.run.simulate import simulate
from tfbsim.solver.trace import BALANCE_LIMIT

FARADAY = physical_constants["Faraday constant"][0]
EVERY = materials.every()
ELECTRODES = {n: m for n, m in EVERY.items() if "capacity" in m.data}
MILLIAMPERE_HOUR = 3.6  # C
SITES = {  # lithium a formula unit can take, of those that do not take one
    "NMC811": 2,
    "LTO": 3,
    "Si": 3.75,
    "V2O5": 2,
    "LiTiOS": 1.2,
    "MoO3": 1.5,
    "LMRO": 1.2,
    "TiO2": 0.7,
}
EMPTY = {"LTO", "Si", "V2O5", "TiS2", "LiTiOS", "MoO3", "TiO2"}  # as made


ETA = "nucleation_overpotential"


def number(value, unit, **also):
    """The value of a text with exactly this unit, or one of others and its size in it."""
    found, given = value.value.split(" ", 1)
    assert given == unit or given in also
    return float(found) * also.get(given, 1)


def at(law, voltage):
    curve = law.curve
    return brentq(lambda x: curve(x) - voltage, curve.x[0], curve.x[-1], xtol=1e-12)


def used(material):
    """Lithium a formula that goes in and out between the stated limits."""
    law = material.fields["open_circuit_potential"]
    low, high = (
        at(law, number(material.data[key], "V"))
        for key in ("upper_voltage", "lower_voltage")
    )
    return high - low


def test_the_electrodes_of_the_field_are_there():
    layered = {"NMC111", "NMC532", "NCA", "LMRO"}
    others = {"LFP", "LMO", "LNMO", "LTO", "Si", "V2O5", "TiS2", "LiTiOS", "MoO3", "TiO2"}
    assert layered | others <= set(ELECTRODES)


def test_the_layers_of_the_field_are_there():
    metals = {"Ag", "Al", "Au", "copper", "Ni", "Pt", "steel", "Ti"}
    others = {"amorphous carbon", "Al2O3", "ITO", "silicon", "glass", "mica"}
    others |= {"polyimide", "parylene C"}
    assert metals | others <= set(materials.library("stack"))
    films = {"LiPON-N-rich", "LiPON-N-poor", "LLZO-amorphous", "LATP", "LLTO", "Li3OCl"}
    assert films | {"LLZO", "LiPON", "Li3PO4"} <= set(materials.library("electrolyte"))


RANGED = {
    *("open_circuit_potential", "diffusivity", "exchange_current", "conductivity"),
    *("thermal_conductivity", "heat_capacity"),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_value_has_a_source_a_unit_and_where_it_must_a_range(name):
    for key, value in {**EVERY[name].values, **EVERY[name].data}.items():
        assert re.match("published|derived|fitted|assumed", value.source), key
        assert value.valid or key not in RANGED, key
        if isinstance(value.value, str) and key != "film_shortfall":
            assert re.fullmatch(r"[-+.\de]+ [A-Za-z].*", value.value), key
        elif isinstance(value.value, float):
            assert key in ("exchange_current_stoichiometry", "relative_permittivity")


def test_other_names_are_those_of_one_material():
    named = materials.named()
    assert named["Cu"] is EVERY["copper"] and named["a-C"] is EVERY["amorphous carbon"]
    assert named["stainless steel 304"] is EVERY["steel"]


@pytest.mark.parametrize("name", materials.library("collector"))
def test_lithium_is_plated_on_every_collector(name):
    cell = tfbsim.load_cell("lco-lipon-steel-ensurge2023")
    cell = cell.replace({"anode.collector": name, "cathode.thickness": "2 um"})
    eta = float(cell.anode.nucleation_overpotential)
    assert eta == number(materials.library("collector")[name].values[ETA], "V", mV=1e-3)
    row = simulate(
        cell, ["Charge at C/5 until 4.2 V"], cycles=1, numerics=Numerics.fast()
    ).summary.iloc[0]
    assert row["Outcome"] == "reached" and row["Lithium balance error"] < BALANCE_LIMIT


def test_the_page_of_the_library_is_current():
    docs = Path(__file__).parents[1] / "docs"
    spec = spec_from_file_location("pages", docs / "pages.py")
    pages = module_from_spec(spec)
    spec.loader.exec_module(pages)
    written = (docs / "library.md").read_text(encoding="utf-8")
    assert written == pages.library_page(), "run `python docs/pages.py library`"
    assert all(f"## {name}\n" in written for name in EVERY)


def test_the_page_of_an_own_material_works(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "docs" / "materials.md").read_text()
    section = page.partition("## Your own material in the library")[2]
    text = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]
    (tmp_path / "cathode").mkdir()
    (tmp_path / "cathode" / "MyOxide.yaml").write_text(text)
    monkeypatch.setattr(materials, "__path__", [*materials.__path__, str(tmp_path)])
    caches = materials.library, materials.every, materials.named
    for cached in caches:
        cached.cache_clear()
    try:
        cell = tfbsim.load_cell("lnmo-lipon-li").replace({"cathode.material": "MyOxide"})
        assert cell.cathode.diffusivity(0.5) == 1e-15
        assert cell.cathode.density == pytest.approx(4800)
        assert (
            materials.named()["MyOxide"].values["density"].source == "published: crystal"
        )
    finally:
        for cached in caches:
            cached.cache_clear()


def test_the_origin_of_a_field_is_that_of_its_material_unless_the_cell_says():
    cell = tfbsim.load_cell("lnmo-lipon-li")
    assert "Pron et al." in cell.origins["cathode.open_circuit_potential"]
    assert cell.origins["cathode.thickness"] == "assumed"
    own = cell.replace({"cathode.density": "4 g/cm3"})
    assert "cathode.density" not in own.origins


def test_an_electrolyte_outside_its_window_is_told_with_its_numbers():
    cell = tfbsim.load_cell("lnmo-lipon-li")
    assert not [words for words in cell.warnings() if "ox" in words]
    high = cell.replace({"electrolyte.window_upper": "4.5 V"})
    assert [w for w in high.warnings() if "at 4.86 V" in w and "below 4.5 V" in w]
    full = tfbsim.load_cell("lmo-lipon-lto").replace({"electrolyte.material": "LATP"})
    (words,) = [w for w in full.warnings() if "LATP" in w and "stay" not in w]
    assert "at 1.5" in words and "above 2.4 V" in words
    second = {"material": "LiPON", "thickness": "100 nm"}
    kept_apart = tfbsim.load_cell("lmo-lipon-li").replace(
        {"electrolyte.material": "LATP", "electrolyte.second": second}
    )
    assert not [words for words in kept_apart.warnings() if "reduces" in words]


def test_a_protocol_beyond_the_window_is_told_of_too():
    cell = tfbsim.load_cell("lnmo-lipon-li").replace(
        {"electrolyte.window_upper": "4.88 V"}
    )
    assert not [words for words in cell.warnings() if "oxidises" in words]
    steps = ["Charge at 1C until 4.9 V", "Discharge at 1C until 4 V"]
    assert [w for w in simulate(cell, steps).warnings if "4.9 V against" in w]


def test_what_stays_where_a_material_is_changed_is_told():
    cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    (told,) = [
        words
        for words in cell.replace({"electrolyte.material": "LLZO"}).warnings()
        if "another material" in words
    ]
    assert "electrolyte.conductivity" in told
    changes = {"electrolyte.material": "LLZO", "electrolyte.conductivity": "1e-4 S/cm"}
    assert not [w for w in cell.replace(changes).warnings() if "another material" in w]


def test_every_electrode_can_be_drawn():
    figure = draw([m for m in EVERY.values() if "cathode" in m.layers])
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.lines] == [
        m.name for m in EVERY.values() if "cathode" in m.layers
    ]
    left, right = draw([EVERY["MoO3"]]).axes
    assert {line.get_linestyle() for line in left.lines} == {"-", "--"}  # assumed
    assert right.get_yscale() == "log"


@pytest.mark.parametrize(
    "name", [n for n, m in EVERY.items() if "electrolyte" in m.layers and "-PC" not in n]
)
def test_an_electrolyte_of_the_library_serves_in_a_cell(name):
    cell = tfbsim.load_cell("lmo-lipon-li").replace({"electrolyte.material": name})
    found = number(EVERY[name].values["conductivity"], "S/cm")
    assert cell.electrolyte.conductivity == pytest.approx(100 * found)
    reduced = [words for words in cell.warnings() if "lithium reduces" in words]
    assert len(reduced) == (name in ("LATP", "LLTO"))
    assert all(EVERY[name].values["window_lower"].value in words for words in reduced)


@pytest.mark.parametrize(
    ("name", "residual", "points"),
    [  # of each material's source: its table, or its function evaluated
        ("LNMO", 5.4e-3, [(0.0189, 4.8569), (0.4992, 4.7504), (0.9488, 4.1441)]),
        ("NMC111", 5.8e-3, [(0.305, 4.2929), (0.5, 3.9586), (0.98, 3.5385)]),
        ("NCA", 4.6e-3, [(0.35, 4.2210), (0.6, 3.8397), (0.97, 3.4277)]),
        ("Si", 6.3e-3, [(0.375, 0.5564), (1.875, 0.3086), (3.375, 0.1570)]),
        ("NMC532", 1.2e-3, [(0.34, 4.29046), (0.37881, 4.20745), (0.98478, 3.53697)]),
    ],
)
def test_a_fitted_potential_is_that_of_its_source(name, residual, points):
    law = EVERY[name].fields["open_circuit_potential"]
    for x, voltage in points:
        assert float(law.curve(x)) == pytest.approx(voltage, abs=residual)


@pytest.mark.parametrize("y", [0.15, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_lmo_agrees_with_the_printed_function(y):
    printed = (
        4.19829
        + 0.0565661 * np.tanh(-14.5546 * y + 8.60942)
        - 0.0275479 * ((0.998432 - y) ** -0.492465 - 1.90111)
        - 0.157123 * np.exp(-0.04738 * y**8)
        + 0.810239 * np.exp(-40 * (y - 0.133875))
    )
    law = EVERY["LMO"].fields["open_circuit_potential"]
    assert float(law.curve(y)) == pytest.approx(printed, abs=4.6e-3)


@pytest.mark.parametrize("name", ELECTRODES)
class TestElectrodes:
    def test_potential_falls_and_states_its_sites(self, name):
        law = ELECTRODES[name].fields["open_circuit_potential"]
        assert law.curve.falls
        assert law.x_max == pytest.approx(SITES.get(name, 1), abs=1e-9)

    def test_diffusivity_is_positive(self, name):
        fields = ELECTRODES[name].fields
        x = fields["open_circuit_potential"].curve.x
        assert (fields["diffusivity"](x) > 0).all()

    def test_capacity_between_the_limits(self, name):
        material = ELECTRODES[name]
        molar_mass = number(material.values["molar_mass"], "g/mol")
        found = used(material) * FARADAY / MILLIAMPERE_HOUR / molar_mass
        stated = number(material.data["capacity"], "mA h/g")
        assert found == pytest.approx(stated, rel=0.01)

    def test_density_gives_the_volumetric_capacity(self, name):
        material = ELECTRODES[name]
        c_sites = tfbsim.load_cell(f"{name.lower()}-lipon-li").cathode.c_sites
        found = used(material) * FARADAY * c_sites / MILLIAMPERE_HOUR * 1e-6  # mAh/cm3
        stated = number(material.data["capacity"], "mA h/g")
        density = number(material.values["density"], "g/cm3")
        assert found == pytest.approx(stated * density, rel=0.01)

    def test_cell_charges_and_discharges(self, name):
        cell = tfbsim.load_cell(f"{name.lower()}-lipon-li")
        data = ELECTRODES[name].data
        low, high = data["lower_voltage"].value, data["upper_voltage"].value
        steps = [
            f"Discharge at C/10 until {low}",
            f"Charge at C/10 until {high}",
            f"Discharge at 5C until {low}",
            f"Charge at C/10 until {high}",
        ]
        first = [] if name in EMPTY else [f"Charge at C/10 until {high}"]  # as made
        result = simulate(cell, [*first, *steps], numerics=Numerics.fast())
        assert set(result.steps["Outcome"]) == {"reached"}
        ends = list(result.steps["End voltage [V]"])[-4:]
        wanted = [float(low[:-2]), float(high[:-2])] * 2
        assert ends == pytest.approx(wanted, abs=1e-6)
        slow, fast = list(result.steps["Discharge [uA.h.cm-2]"])[-4::2]
        assert slow > fast > 0
        row = result.summary.iloc[0]
        assert abs(row["Lithium balance error"]) < BALANCE_LIMIT
        assert abs(row["Charge balance error"]) < BALANCE_LIMIT


@pytest.mark.parametrize("name", [name for name in ELECTRODES if name != "LNMO"])
def test_every_electrode_serves_as_a_film_at_the_anode(name):
    """Against LNMO, whose potential is above all others, with half more capacity."""
    material = ELECTRODES[name]
    law = material.fields["open_circuit_potential"]
    empty, full = (
        at(law, number(material.data[key], "V"))
        for key in ("upper_voltage", "lower_voltage")
    )
    film = {"material": name, "initial_stoichiometry": empty}
    cell = tfbsim.load_cell("lnmo-lipon-li").replace(
        {"anode": film | {"thickness": 1e-6}}
    )
    room = cell.anode.sites * (full - empty) / (0.97 * cell.site_inventory)
    cell = cell.replace({"anode.thickness": 1.5e-6 / room, "window": ["0.1 V", "6 V"]})
    assert cell.anode.density > 0 and cell.structure.kind == "film"
    as_made = float(cell.open_circuit_potential.curve(cell.x_initial))
    high = cell.states_of_charge[1] - 0.05
    low = max(as_made + 0.6, 0.05)  # the ends of U(x) are far
    steps = [
        f"Charge at C/10 until {high:.3f} V",
        f"Discharge at C/10 until {low:.3f} V",
        f"Charge at C/10 until {high:.3f} V",
        f"Discharge at 5C until {low:.3f} V",
    ]
    result = simulate(cell, steps, numerics=Numerics.fast())
    assert set(result.steps["Outcome"]) == {"reached"}
    slow, fast = list(result.steps["Discharge [uA.h.cm-2]"])[1::2]
    assert slow > fast > 0
    row = result.summary.iloc[0]
    assert abs(row["Lithium balance error"]) < BALANCE_LIMIT
    assert abs(row["Charge balance error"]) < BALANCE_LIMIT

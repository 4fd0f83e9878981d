"""Every material of the library, and the cell that ships with each electrode."""

import re

import pytest
from scipy.constants import physical_constants
from scipy.optimize import brentq

import tfbsim
from tfbsim import materials
from tfbsim.cell.cell import LAYERS
from tfbsim.numerics import Numerics
from tfbsim.run.simulate import simulate
from tfbsim.solver.cycler import AUDIT_LIMIT

FARADAY = physical_constants["Faraday constant"][0]
EVERY = {
    m.name: m
    for layer in (*LAYERS, "collector", "interlayer")
    for m in materials.library(layer).values()
}
ELECTRODES = {n: m for n, m in EVERY.items() if "capacity" in m.data}
MILLIAMPERE_HOUR = 3.6  # C


def number(value, unit):
    """The value of a text with exactly this unit."""
    found, given = value.value.split(" ", 1)
    assert given == unit
    return float(found)


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
    assert {"LFP", "LMO", "LNMO", "LTO", "NMC532"} <= set(ELECTRODES)


@pytest.mark.parametrize("name", EVERY)
def test_no_value_is_without_a_source(name):
    for group in (EVERY[name].values, EVERY[name].data):
        assert all(value.source.strip() for value in group.values())


@pytest.mark.parametrize("name", ELECTRODES)
class TestElectrodes:
    def test_every_value_says_how_it_was_found(self, name):
        material = ELECTRODES[name]
        for key, value in {**material.values, **material.data}.items():
            assert re.match("published|derived|fitted|assumed", value.source), key

    def test_potential_falls_and_states_its_sites(self, name):
        law = ELECTRODES[name].fields["open_circuit_potential"]
        assert law.curve.falls
        # As the title has it: three sites of lithium titanate, one of the others
        assert law.x_max == pytest.approx(3 if name == "LTO" else 1, abs=2e-3)

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
        first = [] if name == "LTO" else [f"Charge at C/10 until {high}"]  # as made
        result = simulate(cell, [*first, *steps], numerics=Numerics.fast())
        assert set(result.steps["Outcome"]) == {"reached"}
        ends = list(result.steps["End voltage [V]"])[-4:]
        wanted = [float(low[:-2]), float(high[:-2])] * 2
        assert ends == pytest.approx(wanted, abs=1e-6)
        slow, fast = list(result.steps["Discharge [uA.h.cm-2]"])[-4::2]
        assert slow > fast > 0
        row = result.summary.iloc[0]
        assert abs(row["Lithium balance error"]) < AUDIT_LIMIT
        assert abs(row["Charge balance error"]) < AUDIT_LIMIT

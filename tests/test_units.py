"""Quantities: what is understood, and how each refusal reads."""

import math

import pint
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfbsim import units

# A slow machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

FARADAY = 96485.33212331001  # C/mol


@pytest.mark.parametrize(
    ("value", "dimension", "si"),
    [
        ("600 nm", "length", 600e-9),
        ("600nm", "length", 600e-9),
        ("2 Å", "length", 2e-10),
        ("5 µm", "length", 5e-6),  # micro sign
        ("5 μm", "length", 5e-6),  # Greek mu
        ("0.15 cm2", "area", 0.15e-4),
        ("0.15 cm**2", "area", 0.15e-4),
        ("10 min", "time", 600),
        ("2 h", "time", 7200),
        ("30 degC", "temperature", 303.15),
        ("-20 °C", "temperature", 253.15),
        ("300 K", "temperature", 300),
        ("4.3 V", "voltage", 4.3),
        ("6 uA", "current", 6e-6),
        ("40 uA/cm2", "current density", 0.4),
        ("40 uA.cm-2", "current density", 0.4),
        ("-40 uA cm^-2", "current density", -0.4),
        ("1 kohm", "resistance", 1000),
        ("18.3 ohm cm2", "areal resistance", 18.3e-4),
        ("300 ohm.cm2", "areal resistance", 300e-4),
        ("300 Ω·cm²", "areal resistance", 300e-4),
        ("2e-6 S/cm", "conductivity", 2e-4),
        ("1e-10 cm2/s", "diffusivity", 1e-14),
        ("1e-10 cm^2/s", "diffusivity", 1e-14),
        ("3.8 g/cm3", "density", 3800),
        ("97.28 g/mol", "molar mass", 97.28e-3),
        ("13 cm3/mol", "molar volume", 13e-6),
        ("50 mol/L", "concentration", 50e3),
        ("0.05 mol/cm3", "concentration", 50e3),
        ("0.55 eV", "activation energy", 0.55 * FARADAY),
        ("550 meV", "activation energy", 0.55 * FARADAY),
        ("50 kJ/mol", "activation energy", 50e3),
        ("35 uAh/cm2", "areal charge", 1260),
        ("35 uA.h.cm-2", "areal charge", 1260),
        ("1.5 umol/cm2", "areal inventory", 0.015),
        ("5 uAh", "charge", 0.018),
        ("10 uW", "power", 1e-5),
        ("100 uW/cm2", "areal power", 1),
        ("0.1 mV/K", "entropy coefficient", 1e-4),
        ("10 uF/cm2", "areal capacitance", 0.1),
        (0.5, "dimensionless", 0.5),
        (2, "dimensionless", 2),
        ("0.5", "dimensionless", 0.5),
        ("68 %", "dimensionless", 0.68),
        ("0 nm", "length", 0),
    ],
)
def test_parse(value, dimension, si):
    assert units.parse(value, dimension) == pytest.approx(si, rel=1e-15)


def test_decimal_units_are_exact():
    assert units.parse("600 nm", "length") == 600e-9
    assert units.parse("0.15 cm2", "area") == 0.15e-4
    assert units.parse("1e-10 cm2/s", "diffusivity") == 1e-14


@pytest.mark.parametrize(
    ("value", "dimension", "words"),
    [
        ("600 s", "length", "'600 s' is a time; a length such as '600 nm' would do"),
        ("5 uA", "current density", "is a current; a current density such as"),
        ("5 S", "length", "is not a length"),
        ("5 nm", "dimensionless", "is a length; a plain number such as"),
        ("600", "length", "'600' has no unit; a length such as '600 nm' would do"),
        (600, "length", "'600' has no unit"),
        ("5 %", "length", "is a percentage"),
        ("nm", "length", "does not start with a number"),
        ("", "length", "an empty text"),
        (None, "length", "nothing is given"),
        (True, "dimensionless", "'True' is given"),
        ([1], "length", "'[1]' is given"),
        ("5 nmm", "length", "unknown unit 'nmm'; did you mean 'nm'?"),
        ("5 uA/CM2", "current density", "'CM' in 'uA/CM2'; did you mean 'cm'?"),
        ("600 inch", "length", "unknown unit 'inch'"),
        ("1,5 nm", "length", "decimal comma"),
        ("1 000 nm", "length", "not one number and its unit"),
        ("1.2.3 nm", "length", "not one number and its unit"),
        ("1C", "current density", "'1C' is a C-rate"),
        ("C/10", "time", "is a C-rate"),
        ("5 C/cm2", "areal charge", "no coulomb"),
        ("nan", "dimensionless", "does not start with a number"),
        (math.nan, "dimensionless", "finite"),
        (math.inf, "dimensionless", "finite"),
        (10**400, "dimensionless", "finite"),
        ("1e400 m", "length", "too large or too small"),
        ("1e-400 m", "length", "too large or too small"),
        ("1e80", "dimensionless", "too large or too small"),
        ("1" * 41 + " m", "length", "40 characters"),
        ("1 " + "m" * 300, "length", "too long"),
        ("1 " + "m." * 30 + "m", "length", "is not a unit"),
        ("-300 degC", "temperature", "absolute zero"),
        ("-1 K", "temperature", "absolute zero"),
        ("5 mV/degC", "entropy coefficient", "write K there"),
        ("5 W/m K", "conductivity", "ambiguous"),
        ("5 cm/", "length", "is not a unit"),
        ("5 2 m", "length", "not one number"),
        ("5 m10", "length", "is not a unit"),
        ("5 (m)", "length", "is not a unit"),
        ("5 __import__('os')", "length", "is not a unit"),
        ("5 m", "lenght", "unknown dimension"),
    ],
)
def test_refusals(value, dimension, words):
    with pytest.raises(ValueError) as caught:
        units.parse(value, dimension)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@unhurried
@given(
    st.text(max_size=60)
    | st.from_regex(r"[0-9]{1,3} ?[a-zA-Z/.*^2-]{0,12}", fullmatch=True)
    | st.floats()
    | st.integers(),
    st.sampled_from(sorted(units.DISPLAY)),
)
def test_anything_raises_value_errors_only(value, dimension):
    try:
        found = units.parse(value, dimension)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert type(found) is float
        assert math.isfinite(found)


@unhurried
@given(
    st.floats(1e-25, 1e25) | st.floats(-1e25, -1e-25) | st.just(0.0),
    st.sampled_from(sorted(set(units.DISPLAY) - {"temperature"})),
)
def test_text_reads_back(value, dimension):
    written = units.text(value, dimension, digits=14)
    assert units.parse(written, dimension) == pytest.approx(value, rel=1e-13)


@unhurried
@given(st.floats(0, 5000))
def test_temperature_reads_back(value):
    # Above absolute zero by what the rounding of 273.15 may take.
    written = units.text(value + 1e-9, "temperature", digits=14)
    assert units.parse(written, "temperature") == pytest.approx(value, abs=1e-8)


def test_every_example_is_of_its_dimension():
    for name, dimension in units._DIMENSIONS.items():
        assert units.parse(dimension.example, name) != 0
        assert units.parse(f"1 {dimension.si}", name) == 1
        if name != "temperature":
            shown = units.parse(f"1 {dimension.display}", name)
            assert shown * dimension.factor == pytest.approx(1, rel=1e-14)


def test_every_symbol_has_the_size_that_pint_has():
    registry = pint.UnitRegistry()
    for symbol, (size, powers) in units._SYMBOLS.items():
        if symbol.endswith(("Ah", "eV", "degC")):  # no unit of pint's, or another size
            continue
        name = symbol.replace("Ohm", "ohm")
        known = registry.Quantity(1, name).to_base_units()
        assert known.magnitude == pytest.approx(float(size), rel=1e-14), symbol
        metre, kilogram, second, ampere, kelvin, mole = powers
        assert known.dimensionality == {
            f"[{name}]": power
            for name, power in zip(
                ("length", "mass", "time", "current", "temperature", "substance"),
                (metre, kilogram, second, ampere, kelvin, mole),
                strict=True,
            )
            if power
        }


@pytest.mark.parametrize(
    ("text", "dimension", "words"),
    [
        ("5 micron", "length", "did you mean 'um'?"),
        ("5 mil", "length", "a length such as"),
        ("5 hous", "time", "did you mean 'hours'?"),
        ("3 volts", "voltage", "did you mean 'V'?"),
        ("3 C", "charge", "C-rate"),
    ],
)
def test_a_unit_is_suggested_that_would_do(text, dimension, words):
    with pytest.raises(ValueError, match=r"unknown unit|C-rate") as caught:
        units.parse(text, dimension)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["60 C", "60C", "60 °C", "60 degC", "60 oC", "333.15 K"])
def test_a_temperature_in_c(text):
    assert units.parse(text, "temperature") == pytest.approx(333.15)


def test_display():
    assert units.text(600e-9, "length") == "0.6 um"
    assert units.text(2e-4, "conductivity") == "2e-06 S.cm-1"
    assert units.text(303.15, "temperature") == "30 degC"
    assert units.text(0.68, "dimensionless") == "0.68"
    assert units.text(1 / 3, "voltage", digits=2) == "0.33 V"
    assert units.to_display(8e-7, "length") == 0.8
    assert units.to_display(0.03, "areal resistance") == 300
    assert units.display_unit("areal resistance") == "Ohm.cm2"
    assert units.DISPLAY["current density"] == ("uA.cm-2", 1e2)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("C/10", 0.1),
        ("1C", 1),
        ("0.5 C", 0.5),
        (" 2C ", 2),
        ("4 C", 4),
        ("C", 1),
        ("C / 2.5", 0.4),
        ("C/0", None),
        ("0C", None),
        ("-1C", None),
        ("10", None),
        ("C/C", None),
        ("1 c", None),
        ("40 uA/cm2", None),
        ("1" * 50 + "C", None),
        ("", None),
    ],
)
def test_c_rate(text, rate):
    assert units.c_rate(text) == rate


@unhurried
@given(st.text(max_size=60))
def test_c_rate_of_anything(text):
    rate = units.c_rate(text)
    assert rate is None or rate > 0

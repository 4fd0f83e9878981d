"""Sentences as steps: every unit, every ending, and one line for everything else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfbsim import load_cell
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Step, parse_step

# A slow machine is no failure.
unhurried = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow]
)

AREA = 2e-4  # m2
ONE_C = 2.0  # A/m2
CELL = load_cell("lco-lipon-li-raijmakers2020").replace({"area": AREA, "one_c": ONE_C})
ONE_C_CURRENT = ONE_C * AREA
CHARGE = CELL.theoretical_charge * AREA  # C


@pytest.mark.parametrize(
    ("rate", "amperes"),
    [
        ("1C", ONE_C_CURRENT),
        ("C/10", ONE_C_CURRENT / 10),
        ("0.5C", ONE_C_CURRENT / 2),
        ("2.5 C", 2.5 * ONE_C_CURRENT),
        ("50 uA", 50e-6),
        ("50uA", 50e-6),
        ("50 µA", 50e-6),
        ("200 nA", 200e-9),
        ("0.1 mA", 1e-4),
        ("1e-4 A", 1e-4),
        ("40 uA/cm2", 40e-6 * 2),
        ("40 uA.cm-2", 40e-6 * 2),
        ("40 uA/cm^2", 40e-6 * 2),
        ("0.3 mA/cm2", 0.3e-3 * 2),
        ("5 A/m2", 5 * AREA),
        ("5 A.m-2", 5 * AREA),
        ("40 uA/cm²", 40e-6 * 2),
        ("40 uA cm-2", 40e-6 * 2),
        ("4.0e+01 uA/cm2", 40e-6 * 2),
        ("1.905e+04 nA", 1.905e-5),
        ("60 mA/g", 60 * CELL.loading * AREA),
    ],
)
def test_currents(rate, amperes):
    out = parse_step(f"Discharge at {rate} until 3.0 V", CELL)
    assert (out.control, out.lower, out.upper) == ("current", 3.0, None)
    assert out.value == pytest.approx(amperes, rel=1e-12)
    back = parse_step(f"Charge at {rate} until 4.2 V", CELL)
    assert (back.control, back.lower, back.upper) == ("current", None, 4.2)
    assert back.value == pytest.approx(-amperes, rel=1e-12)


@pytest.mark.parametrize(
    ("power", "watts"),
    [
        ("300 uW", 300e-6),
        ("0.3 mW", 3e-4),
        ("3e-4 W", 3e-4),
        ("20 W/m2", 20 * AREA),
        ("2 mW/cm2", 20 * AREA),
        ("900 uW/cm2", 9 * AREA),
    ],
)
def test_powers(power, watts):
    step = parse_step(f"Discharge at {power} until 3.0 V", CELL)
    assert (step.control, step.lower) == ("power", 3.0)
    assert step.value == pytest.approx(watts, rel=1e-12)


@pytest.mark.parametrize(
    ("end", "c_rate"),
    [
        ("C/20", 0.05),
        ("0.1C", 0.1),
        ("20 uA", 20e-6 / ONE_C_CURRENT),
        ("20 uA/cm2", 0.2 / ONE_C),
        ("0.02 mA", 20e-6 / ONE_C_CURRENT),
    ],
)
def test_holds(end, c_rate):
    step = parse_step(f"Hold at 4.2 V until {end}", CELL)
    assert (step.control, step.value, step.timed) == ("voltage", 4.2, False)
    assert step.c_rate_cut_off == pytest.approx(c_rate, rel=1e-12)
    assert (step.lower, step.upper) == (None, None)
    assert step.duration == pytest.approx(3 * CHARGE / (c_rate * ONE_C_CURRENT))


@pytest.mark.parametrize(
    "sentence",
    [
        "Hold at 4.2 V until C/20 or for 90 minutes",
        "Hold at 4.2 V for 90 minutes or until C/20",
        "Hold at 4.2 V for 1.5 hours or until C/20",
    ],
)
def test_hold_with_both_ends(sentence):
    step = parse_step(sentence, CELL)
    assert (step.timed, step.duration, step.c_rate_cut_off) == (True, 5400, 0.05)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("1 hour", 3600), ("10 minutes", 600), ("30 s", 30), ("0.5 hours", 1800)],
)
def test_rests(time, seconds):
    step = parse_step(f"Rest for {time}", CELL)
    assert step.rest
    assert (step.control, step.value) == ("current", 0)
    assert (step.timed, step.duration) == (True, seconds)
    assert (step.lower, step.upper, step.c_rate_cut_off) == (None, None, None)


def test_timed_and_default_time():
    timed = parse_step("Discharge at 1C for 30 minutes", CELL)
    assert (timed.timed, timed.duration, timed.lower) == (True, 1800, None)
    both = parse_step("Charge at 1C for 30 minutes or until 4.2 V", CELL)
    assert (both.timed, both.duration, both.upper) == (True, 1800, 4.2)
    # Else three times what the whole film holds
    free = parse_step("Discharge at C/5 until 3 V", CELL)
    assert not free.timed
    assert free.duration == pytest.approx(3 * CHARGE / (ONE_C_CURRENT / 5))
    power = parse_step("Discharge at 400 uW until 3 V", CELL)
    assert not power.timed
    U = CELL.cathode.open_circuit_potential(CELL.cathode.x_initial)
    assert power.duration == pytest.approx(3 * CHARGE / (400e-6 / U))


@pytest.mark.parametrize(
    ("closing", "kelvin"),
    [
        ("60 degC", 333.15),
        ("-20 °C", 253.15),
        ("25degC", 298.15),
        ("60 C", 333.15),
        ("310 K", 310.0),
    ],
)
def test_temperatures(closing, kelvin):
    for sentence in (
        "Discharge at 1C until 3 V",
        "Rest for 1 hour",
        "Hold at 4.2 V until C/20",
    ):
        plain = parse_step(sentence, CELL)
        step = parse_step(f"{sentence} at {closing}", CELL)
        assert step.temperature == pytest.approx(kelvin, abs=1e-9)
        assert plain.temperature is None
        assert (step.value, step.duration) == (plain.value, plain.duration)
        assert parse_step(sentence, CELL, closing) == Step(
            **{**vars(step), "text": sentence}
        )


def test_a_sentence_may_open_small_and_hold_blanks():
    step = parse_step("  discharge   at 1C  until 3.0 V ", CELL)
    assert (step.value, step.lower) == (pytest.approx(ONE_C_CURRENT), 3.0)


def test_c_rate_goes_with_the_thickness():
    thickness = CELL.cathode.thickness
    thick = CELL.replace({"cathode.thickness": 2 * thickness})
    assert parse_step("Charge at 1C until 4 V", thick).value == pytest.approx(
        -2 * ONE_C_CURRENT
    )
    assert parse_step("Charge at 5 A/m2 until 4 V", thick).value == pytest.approx(
        -5 * AREA
    )


BAD = {
    "": "is not a step",
    "Jump at 1C until 3 V": "is not a step",
    "Discharge": "cannot be read",
    "Discharge at 1C": "cannot be read",
    "Discharge at 3 until 3 V": "cannot be read",
    "Discharge at 1 parsec until 3 V": "cannot be read",
    "Discharge at C/0 until 3 V": "cannot be read",
    "Discharge at 0C until 3 V": "cannot be read",
    "Discharge at 0 A until 3 V": "no current at all is 'Rest",
    "Discharge at 1C until 3 V or 2 V": "cannot be read",
    "Discharge at 1C until C/20": "only a hold ends by its current",
    "Discharge at 4.2 V until C/20": "a voltage is held",
    "Discharge at 10 ohm until 3 V": "cannot be read",
    "Discharge at 1e999 A until 3 V": "too large",
    "Hold at 1C until 3 V": "only a voltage is held",
    "Hold at 4.2 V until 3 V": "a hold ends by a current",
    "Hold at 4.2 V until 0 uA": "a current above 0",
    "Rest until 4 V": "a rest by a time",
    "Rest for 0 s": "above 0",
    "Sweep to 4 V": "at a rate",
    "Sweep to 4 V at 1 V": "voltage rate",
    "Sweep to 4 V at -1 mV/s": "above 0",
    "Sweep from 4 V to 4 V at 1 mV/s": "ends where it begins",
    "Sweep to 9 V at 1 mV/s": "voltage_limits",
    "Charge to 4 V at 1C": "goes with a sweep",
    "Discharge at 1C until 80 %": "80 % of 1C",
    "Discharge at 1C until 80 % of C/2": "80 % of 1C",
    "Rest until 5 uAh": "no charge flows",
    "Discharge at 1C until 5 uAh or 6 uAh": "second end",
    "Rest for 1e400 s": "too large",
    "Rest for 1 hour at 600 degC": "not a temperature a cell runs at",
    "Rest for 1 hour at 1..2 degC": "",
    "Discharge at 1C until 3 V\nRest for 1 hour": "cannot be read",
    "Rest for 1 hour" + " " * 10 + "and" * 100: "at most 200",
}


def one_line(message):
    # 200 characters of sentence, a reason and the examples
    return message and len(message.splitlines()) == 1 and len(message) < 700


@pytest.mark.parametrize("text", BAD)
def test_bad_sentences(text):
    with pytest.raises(ValueError) as caught:
        parse_step(text, CELL)
    assert BAD[text] in str(caught.value)
    assert one_line(str(caught.value))


def test_temperature_given_twice():
    with pytest.raises(ValueError, match="given twice"):
        parse_step("Rest for 1 hour at 30 degC", CELL, "30 degC")


def check_any(text):
    """A step that makes sense, or a ValueError of one line; nothing else."""
    try:
        step = parse_step(text, CELL)
    except ValueError as error:
        assert one_line(str(error)), str(error)
        return
    assert math.isfinite(step.value)
    assert step.duration > 0
    assert math.isfinite(step.duration)
    assert (step.value == 0) == step.rest or step.control == "voltage"
    assert step.c_rate_cut_off is None or step.c_rate_cut_off > 0
    assert step.temperature is None or 150 <= step.temperature <= 700


@unhurried
@given(st.text(max_size=300))
@example("Rest for 1 hour\x0b")
@example("Rest\u2028for 1 hour")
def test_any_text(text):
    check_any(text)


WORDS = (
    "Charge Discharge Hold Rest at for until or and C A V W s hour minutes degC K % "
    "( ) [ ] - + . / 1C C/ /C C/10 C/0 0C 0 1 -1 1e5 1e-5 1e308 1e-308 1e999 nan inf "
    "3V 4.2 uA mA/cm2 uW W/m2 A.m-2 x 1A 5W 1Ohm 3.0 V period temperature = ° µ"
)


@unhurried
@given(
    st.sampled_from(["Charge at", "Discharge at", "Hold at", "Rest for", "Rest"]),
    st.lists(st.sampled_from(WORDS.split()), max_size=10),
    st.sampled_from([" ", "", "  "]),
)
def test_any_words(opening, words, between):
    check_any(f"{opening} {between.join(words)}")


number = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**6), 10**6).map(str),
)


@unhurried
@given(
    st.sampled_from(["Charge at", "Discharge at", "Hold at"]),
    number,
    st.sampled_from(["C", " A", " uA", " mA/cm2", " V", " W", " W/m2", " mV"]),
    st.sampled_from(["until", "for"]),
    number,
    st.sampled_from([" V", " mV", "C", " uA", " hours", " s", " A/m2"]),
    st.sampled_from(["", " at 60 degC", " at -300 degC", " at 1e3 K", " at . K"]),
)
def test_any_numbers(opening, value, unit, word, end, end_unit, closing):
    check_any(f"{opening} {value}{unit} {word} {end}{end_unit}{closing}")


PROFILE = {"Time [s]": [0, 10, 20], "Current [uA]": [10, 20, 0]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"profile": {"Time": [0, 1], "Current [uA]": [1, 1]}}, "has no unit"),
        ({"profile": {"Time [s]": [0, 1], "U [V]": [1, 1]}}, "is a voltage"),
        ({"profile": {"Time [s]": [0, 1, 2], "Current [uA]": [1, 1]}}, "as many"),
        ({"profile": {"Time [s]": [0, -1], "Current [uA]": [1, 1]}}, "backwards"),
        ({"profile": {"Time [s]": [0, 0], "Current [uA]": [1, 1]}}, "some time"),
        ({"profile": {"Time [s]": [0, 1], "Current [uA]": [0, 0]}}, "is 0 throughout"),
        ({"profile": {"Time [s]": [0, 1]}}, "two columns"),
        ({"profile": PROFILE, "repeat": True}, "needs an end"),
        ({"profile": PROFILE, "lowr": "3 V"}, "did you mean 'lower'"),
        ({"profile": PROFILE, "lower": "4 V", "upper": "3 V"}, "is not below"),
        ({"profile": PROFILE, "until": "3 V"}, "is a voltage"),
        ({"profile": "../a.csv"}, "in the folder"),
        ({"profile": "none.csv"}, "no such file"),
    ],
)
def test_bad_profiles(fields, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse_cycle([fields], CELL)
    assert one_line(caught.value.args[0])


def test_a_profile_scales_and_joins_what_is_constant():
    table = {"Time [min]": [0, 1, 2, 3], "C-rate": [1, 1, 1, 0]}
    (step,) = parse_cycle([{"profile": table, "scale": 2}], CELL)
    first, last = step.profile
    assert (first.duration, last.duration) == (120, 60)
    assert first.first == first.last == pytest.approx(2 * ONE_C_CURRENT)
    assert last.last == 0 and not step.rest and not step.constant


def test_cycle_of_sentences_pairs_and_steps():
    made = parse_step("Rest for 1 hour", CELL)
    steps = parse_cycle(
        ["Charge at 1C until 4.2 V", ("Discharge at 1C until 3 V", "60 degC"), made], CELL
    )
    assert [s.temperature for s in steps] == [None, pytest.approx(333.15), None]
    assert steps[2] is made


@pytest.mark.parametrize(
    ("steps", "position", "message"),
    [
        (["Rest for 1 hour", "Jump"], 1, "is not a step"),
        (["Rest for 1 hour", 3], 1, "is not a step"),
        ([("Rest for 1 hour", "60 parsec")], 0, "parsec"),
    ],
)
def test_bad_cycles_name_the_step(steps, position, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse_cycle(steps, CELL)
    assert caught.value.field == f"steps[{position}]"
    assert one_line(caught.value.args[0])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Rest for 1.905e+04 seconds", "Rest for 19050 seconds"),
        ("Rest for 5. minutes", "Rest for 5 minutes"),
        ("Charge at 2e-1C until 4.1 V", "Charge at 0.2C until 4.1 V"),
        ("Hold at 4.1 V until 2.568e-05C", "Hold at 4.1 V until 0.00002568C"),
        ("Hold at 4.1 V until C/2e+1", "Hold at 4.1 V until C/20"),
        ("Charge at 1e+02 uA/cm2 for .5 hours", "Charge at 100 uA/cm2 for 0.5 hours"),
    ],
)
def test_numbers_are_read_as_in_fields(text, same):
    found, wanted = (replace(parse_step(t, CELL), text="") for t in (text, same))
    assert found == wanted

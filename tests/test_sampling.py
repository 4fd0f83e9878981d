"""The points of a sweep: their order, their statistics, and how each mistake reads."""

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from tfbsim import units
from tfbsim.errors import InputError
from tfbsim.experiment import sampling
from tfbsim.experiment.sampling import Plan, Sweep, plan
from tfbsim.experiment.steps import parse_step
from tfbsim.fields import Strict, validate
from tfbsim.yaml_file import Document, load

FIELDS = {
    "cathode.thickness": "length",
    "electrolyte.conductivity": "conductivity",
    "cathode.diffusivity_scale": "dimensionless",
    "temperature": "temperature",
}
TEMPLATES = ("rate", "upper", "hours", "hot")
unhurried = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=200
)


class Experiment(Strict):
    sweep: Sweep


def planned(document: Document) -> Plan:
    section = validate(Experiment, document.data, document=document).sweep
    names = [*FIELDS, *TEMPLATES]
    return plan(section, document, FIELDS.get, TEMPLATES.__contains__, names)


@pytest.fixture
def points(tmp_path):
    """Of the text of a section, its plan."""

    def read(text: str) -> Plan:
        path = tmp_path / "e.yaml"
        lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
        path.write_text(f"sweep:\n{lines}\n")
        return planned(load(path))

    return read


def from_python(**section) -> Plan:
    """Of a section as a file would hold it."""
    return planned(Document(Path("e.yaml"), {"sweep": section}, {(): 1}))


# --- Grids and lists -------------------------------------------------------------------


def test_a_grid_in_the_order_of_the_file_the_last_factor_fastest(points):
    found = points("""
factors:
  cathode.thickness: {log: [1 um, 4 um, 3]}
  rate: [C/10, 2C]
  temperature: [20 degC, 40 degC]
""")
    assert len(found) == found.points == 12
    assert found.point(0) == {
        "cathode.thickness": 1e-6,
        "rate": "0.1C",
        "temperature": 293.15,
    }
    assert [found.point(k)["temperature"] for k in range(3)] == [293.15, 313.15, 293.15]
    assert [found.point(k)["rate"] for k in (1, 2, 3, 4)] == ["0.1C", "2C", "2C", "0.1C"]
    assert found.point(11) == {
        "cathode.thickness": 4e-6,
        "rate": "2C",
        "temperature": 313.15,
    }
    for factor in found.factors:
        assert factor.values.shape == (12,) and factor.values.dtype == float
        assert factor.values.tolist() == [factor.at(k) for k in range(12)]
        assert (factor.values == factor.at(np.arange(12))).all()
    columns = found.columns()
    assert list(columns) == ["cathode.thickness [um]", "rate [C]", "temperature [degC]"]
    assert columns["cathode.thickness [um]"].tolist() == [1] * 4 + [2] * 4 + [4] * 4
    assert columns["rate [C]"].tolist() == [0.1, 0.1, 2, 2] * 3
    assert columns["temperature [degC]"].tolist() == [20, 40] * 6
    for k in (-1, 12):
        with pytest.raises(IndexError, match="no point"):
            found.point(k)


def test_lists_side_by_side(points):
    found = points("""
method: zip
factors:
  upper: [4.2 V, 4300 mV, 4.4 V]
  hot: [60 degC, 333.15 K, 60.5 degC]
  hours: {linear: [1, 3, 3]}
  cathode.diffusivity_scale: [1, 50 %, 2e-3]
""")
    assert [found.point(k)["upper"] for k in range(3)] == ["4.2 V", "4.3 V", "4.4 V"]
    assert [found.point(k)["hours"] for k in range(3)] == ["1", "2", "3"]
    assert [found.point(k)["hot"] for k in range(3)] == ["333.15 K"] * 2 + ["333.65 K"]
    assert found.columns()["hot [degC]"].tolist() == [60, 60, 60.5]
    assert found.columns()["cathode.diffusivity_scale"].tolist() == [1, 0.5, 0.002]


@unhurried
@given(
    kind=st.sampled_from(["linear", "log"]),
    ends=st.lists(st.floats(1e-6, 1e6).map(repr), min_size=2, max_size=2, unique=True),
    number=st.integers(2, 50),
    factor=st.sampled_from(
        [("cathode.thickness", "nm"), ("temperature", "K"), ("upper", "mV")]
    ),
)
def test_the_ends_of_a_range_are_as_written(kind, ends, number, factor):
    name, unit = factor
    written = [f"{end} {unit}" for end in ends]
    found = from_python(factors={name: {kind: [*written, number]}})
    assert len(found) == number
    for text, k in zip(written, (0, -1), strict=True):
        value = found.point(range(number)[k])[name]
        if name == "upper":
            assert float(value.removesuffix(" mV")) == float(text.removesuffix(" mV"))
        else:
            assert value == units.parse(text, FIELDS[name])
    steps = found.factors[0].values
    steps = np.log(steps) if kind == "log" else steps
    # Rounded to 14 digits, or 1e-13 of a logarithm
    assert np.ptp(np.diff(steps)) <= 4e-13 * max(1, abs(steps).max())


@given(rate=st.floats(1e-9, 1e9), volts=st.floats(-10, 10))
def test_the_text_of_a_template_is_its_float_to_the_last_bit(rate, volts):
    found = from_python(
        factors={"rate": ["1C"], "upper": ["1 V"]},
    )
    rates, voltages = (factor.scale for factor in found.factors)
    assert units.c_rate(rates.text(rate)) == rate
    assert float(rates.text(rate).removesuffix("C")) == rate
    assert float(voltages.text(volts).removesuffix(" V")) == volts


def test_steps_read_what_templates_are_given(raijmakers, points):
    found = points("""
factors:
  rate: [C/3, C/10000]
  upper: {linear: [4.0 V, 4.15 V, 7]}
  hot: [20 degC, 45 degC]
""")
    for k in range(len(found)):
        values = found.point(k)
        text = "Charge at {rate} until {upper} at {hot}".format(**values)
        step = parse_step(text, raijmakers)
        rate, upper, hot = (factor.at(k) for factor in found.factors)
        assert step.value == pytest.approx(-rate * raijmakers.one_c_current, rel=1e-15)
        assert (step.upper, step.temperature) == (upper, hot)
    assert found.point(0)["rate"] == "0.3333333333333333C"
    assert [found.point(k)["upper"] for k in (2, 4)] == ["4.025 V", "4.05 V"]
    densities = points("factors: {rate: [20 µA/cm², 0.1 mA/cm2]}")
    assert [densities.point(k)["rate"] for k in (0, 1)] == ["20 uA/cm2", "100 uA/cm2"]
    assert densities.columns()["rate [uA.cm-2]"].tolist() == [20, 100]
    step = parse_step(f"Discharge at {densities.point(1)['rate']} until 3 V", raijmakers)
    assert step.value == units.parse("100 uA/cm2", "current density") * raijmakers.area


def test_columns_are_those_of_the_cell(raijmakers, points):
    found = points("""
method: sobol
points: 64
factors:
  cathode.thickness: {loguniform: [100 nm, 20 um]}
  electrolyte.conductivity: {lognormal: [2e-6 S/cm, 0.3]}
  temperature: {uniform: [20 degC, 60 degC]}
""")
    columns = found.columns()
    for k in range(0, 64, 7):
        cell = raijmakers.replace(found.point(k))
        for factor in found.factors:
            value, unit = cell.value(factor.name)
            assert columns[f"{factor.name} [{unit}]"][k] == value


def test_ten_million_points_take_no_more_than_their_levels():
    tracemalloc.start()
    try:
        found = from_python(
            factors={
                "cathode.thickness": {"log": ["1 um", "20 um", 1000]},
                "rate": {"log": ["0.1C", "10C", 1000]},
                "temperature": [f"{T} degC" for T in range(20, 30)],
            }
        )
        assert len(found) == 10_000_000
        last = found.point(9_999_999)
        assert last == {"cathode.thickness": 2e-5, "rate": "10C", "temperature": 302.15}
        assert tracemalloc.get_traced_memory()[1] < 5e6
        tracemalloc.reset_peak()
        values = found.factors[1].values
        assert values.shape == (10_000_000,)
        assert tracemalloc.get_traced_memory()[1] < 8 * 10_000_000 + 5e6
        assert values[::10][:1000].tolist() == found.factors[1].levels.tolist()
    finally:
        tracemalloc.stop()


# --- Samples ---------------------------------------------------------------------------

N = 4096
SAMPLES = {
    "cathode.thickness": {"normal": ["10 um", "1 um"]},
    "electrolyte.conductivity": {"lognormal": ["2e-6 S/cm", 0.3]},
    "cathode.diffusivity_scale": {"uniform": [0.5, 2]},
    "rate": {"loguniform": ["C/10", "10C"]},
}
CORRELATIONS = [
    {"between": ["electrolyte.conductivity", "cathode.diffusivity_scale"], "value": 0.5},
    {"between": ["cathode.thickness", "rate"], "value": -0.8},
]
EXPECTED = {
    "cathode.thickness": stats.norm(10e-6, 1e-6),
    "electrolyte.conductivity": stats.lognorm(0.3, scale=2e-4),
    "cathode.diffusivity_scale": stats.uniform(0.5, 1.5),
    "rate": stats.loguniform(0.1, 10),
}
methods = pytest.mark.parametrize("method", ["latin hypercube", "sobol"])


@methods
@pytest.mark.parametrize("correlations", [[], CORRELATIONS])
def test_samples_have_their_distributions(method, correlations):
    found = from_python(
        method=method, points=N, seed=3, factors=SAMPLES, correlations=correlations
    )
    for factor in found.factors:
        expected = EXPECTED[factor.name]
        # Independent draws scatter by sd/sqrt(N); five of these, and far less is due
        off = (factor.values.mean() - expected.mean()) * math.sqrt(N) / expected.std()
        assert abs(off) < (5 if correlations else 0.5)
        # Kolmogorov: above 2/sqrt(N) once in 1500 independent samples
        distance = stats.kstest(factor.values, expected.cdf).statistic
        assert distance < 2 / math.sqrt(N)
        if method == "latin hypercube" and not correlations:
            strata = np.floor(expected.cdf(factor.values) * N)
            assert len(set(strata.clip(0, N - 1))) >= 0.999 * N  # rounding at edges


@methods
def test_correlations_are_those_of_the_normals(method):
    found = from_python(
        method=method, points=N, factors=SAMPLES, correlations=CORRELATIONS
    )
    names = list(SAMPLES)
    normals = [stats.norm.ppf(EXPECTED[f.name].cdf(f.values)) for f in found.factors]
    wanted = np.eye(4)
    for correlation in CORRELATIONS:
        a, b = (names.index(name) for name in correlation["between"])
        wanted[a, b] = wanted[b, a] = correlation["value"]
    # (1 - r^2)/sqrt(N) is the scatter of r, and that of Spearman's is about as much
    scatter = 5 / math.sqrt(N)
    assert np.abs(np.corrcoef(normals) - wanted).max() < scatter
    ranks = stats.spearmanr(np.array(normals).T).statistic
    assert np.abs(ranks - 6 / math.pi * np.arcsin(wanted / 2)).max() < scatter


@methods
def test_samples_follow_from_the_seed(method):
    section = {"method": method, "points": 100, "factors": SAMPLES}
    one, same, other = (from_python(**section, seed=seed) for seed in (0, 0, 1))
    default = from_python(**section)
    for a, b, c, d in zip(
        one.factors, same.factors, other.factors, default.factors, strict=True
    ):
        assert a.values.tobytes() == b.values.tobytes() == d.values.tobytes()
        assert (a.values != c.values).all()


def test_sobol_points_of_no_power_of_two_are_as_asked_with_a_sentence():
    section = {"method": "sobol", "factors": SAMPLES}
    found = from_python(**section, points=1000)
    assert found.warnings == ("1000 Sobol points are not balanced; 512 or 1024 are",)
    more = from_python(**section, points=1024)
    assert more.warnings == () and len(found) == 1000
    for few, many in zip(found.factors, more.factors, strict=True):
        assert (few.values == many.values[:1000]).all()


def test_a_normal_temperature_has_its_deviation_in_kelvin(points):
    text = "method: sobol\npoints: 1024\nfactors: {temperature: {normal: [25 degC, 2 K]}}"
    values = points(text).factors[0].values
    assert values.mean() == pytest.approx(298.15, abs=0.01)
    assert values.std() == pytest.approx(2, rel=0.01)


@unhurried
@given(
    method=st.sampled_from(["latin hypercube", "sobol"]),
    kind=st.sampled_from(["uniform", "loguniform"]),
    ends=st.lists(st.floats(1e-50, 1e50), min_size=2, max_size=2, unique=True),
    number=st.integers(1, 100),
    seed=st.integers(0, 10**15),
)
def test_no_sample_is_beyond_its_bounds(method, kind, ends, number, seed):
    low, high = sorted(ends)
    found = from_python(
        method=method,
        points=number,
        seed=seed,
        factors={"cathode.diffusivity_scale": {kind: [low, high]}},
    )
    values = found.factors[0].values
    assert values.shape == (number,)
    assert low <= values.min() and values.max() <= high


# --- Mistakes --------------------------------------------------------------------------

LHS = "method: latin hypercube\npoints: 8\nfactors: "
THICK = "{cathode.thickness: {uniform: [1 um, 2 um]}}"
TRIO = (
    "{cathode.thickness: {uniform: [1 um, 2 um]}, temperature: {uniform: [300 K, 310 K]},"
    " cathode.diffusivity_scale: {uniform: [1, 2]}}\ncorrelations:\n"
)


def between(a: str, b: str, value: object) -> str:
    return f"- {{between: [{a}, {b}], value: {value}}}\n"


# the section, the line and field of the mistake, words of the message
MISTAKES = [
    ("method: sobl", 2, "sweep.method", "unknown method 'sobl'; did you mean 'sobol'?"),
    ("method: [zip]", 2, "sweep.method", "unknown method"),
    ("method: random", 2, "sweep.method", "there are: grid, zip, latin hypercube, sobol"),
    ("factor: {}", 2, "sweep.factor", "did you mean 'factors'?"),
    ("method: grid", 1, "sweep.factors", "is missing"),
    ("factors: {}", 2, "sweep.factors", "1 to 100"),
    ("factors: [rate]", 2, "sweep.factors", "a mapping of fields would do"),
    ("factors: {rate: [1C]}\npoints: 8", 3, "sweep.points", "not go with a grid"),
    ("factors: {rate: [1C]}\nseed: 0", 3, "sweep.seed", "not go with a grid"),
    ("factors: {rate: [1C]}\ncorrelations: []", 3, "sweep.correlations", "with a grid"),
    ("factors: {rate: [1C]}\nmethod: zip\nseed: 1", 4, "sweep.seed", "with a zip"),
    (f"method: sobol\nfactors: {THICK}", 1, "sweep.points", "'points: 1024'"),
    (f"method: sobol\npoints: 0\nfactors: {THICK}", 3, "sweep.points", "at least 1"),
    (f"method: sobol\npoints: 1.5\nfactors: {THICK}", 3, "sweep.points", "whole number"),
    (f"{LHS}{THICK}\nseed: -1", 5, "sweep.seed", "at least 0"),
    (f"{LHS}{THICK}\nseed: true", 5, "sweep.seed", "whole number"),
    (
        f"method: sobol\npoints: 10000001\nfactors: {THICK}",
        *(3, "sweep.points", "at most 1e+07"),
    ),
]
FACTORS = [  # what stands after the name; the rest of the field, words
    ("cathode.thicknes: [1 um]", "", "did you mean 'cathode.thickness'?"),
    ("cell: [a, b]", "", "no step uses {cell} and the cell has no such number"),
    ("cathode.thickness: 1 um", "", "a list of values, {linear: [first, last, number"),
    ("cathode.thickness: []", "", "must be a list of values"),
    ("cathode.thickness: ", "", "must be a list of values"),
    ("cathode.thickness: {linear: [1 um, 2 um, 3], log: [1 um, 2 um, 3]}", "", "must be"),
    ("cathode.thickness: {lin: [1 um, 2 um, 3]}", ".lin", "did you mean 'linear'?"),
    ("cathode.thickness: {uniform: [1 um, 2 um]}", ".uniform", "not go with method grid"),
    ("cathode.thickness: {linear: [1 um, 2 um]}", ".linear", "[first, last, number of"),
    ("cathode.thickness: {linear: 1 um}", ".linear", "[first, last, number of"),
    ("cathode.thickness: {log: [1 um, 2 um, 1]}", ".log[2]", "2 to 10,000,000"),
    ("cathode.thickness: {log: [1 um, 2 um, 2.5]}", ".log[2]", "2 to 10,000,000"),
    ("cathode.thickness: {log: [1 um, 2 um, 10000001]}", ".log[2]", "2 to 10,000,000"),
    ("cathode.thickness: {log: [0 um, 2 um, 3]}", ".log", "must be above 0"),
    ("cathode.thickness: {log: [1 um, 2, 3]}", ".log[1]", "'2' has no unit; a length"),
    ("cathode.thickness: [1 um, 2 V]", "[1]", "'2 V' is a voltage; a length such as"),
    ("cathode.thickness: [1 um, [2 um]]", "[1]", "a length such as"),
    ("cathode.thickness: [1 C]", "[0]", "is a C-rate, which does not go here"),
    ("rate: [C/10, 20 uA/cm2]", "[1]", "'20 uA/cm2' is not a C-rate such as 'C/10'"),
    ("rate: [20 uA/cm2, C/10]", "[1]", "is a C-rate, which does not go here"),
    ("rate: [20 uAA/cm2]", "[0]", "unknown unit 'uAA' in 'uAA/cm2'; did you mean 'uA'?"),
    ("rate: [fast]", "[0]", "does not start with a number"),
    ("rate: {log: [-1C, 1C, 3]}", ".log[0]", "C"),
    ("rate: [1C, true]", "[1]", "'True' is not a C-rate"),
    ("upper: [4.2 V, 4.3]", "[1]", "'4.3' has no unit; a voltage such as"),
]
SAMPLED = [
    ("cathode.thickness: [1 um, 2 um]", "", "must be {uniform: [low, high]}"),
    ("cathode.thickness: {log: [1 um, 2 um, 3]}", ".log", "method latin hypercube"),
    ("cathode.thickness: {unifrom: [1 um, 2 um]}", ".unifrom", "did you mean 'uniform'?"),
    ("cathode.thickness: {uniform: [1 um]}", ".uniform", "must be [low, high]"),
    ("cathode.thickness: {uniform: [2 um, 2 um]}", ".uniform", "low must be below high"),
    (
        "cathode.thickness: {loguniform: [2 um, 1 um]}",
        ".loguniform",
        "low must be below high",
    ),
    ("cathode.thickness: {loguniform: [0 um, 1 um]}", ".loguniform", "above 0"),
    ("cathode.thickness: {normal: [2 um, 0 um]}", ".normal", "deviation must be above 0"),
    ("cathode.thickness: {normal: [2 um, 0.1]}", ".normal[1]", "'0.1' has no unit"),
    ("cathode.thickness: {lognormal: [2 um, -1]}", ".lognormal", "deviation must be"),
    ("cathode.thickness: {lognormal: [2 um, 1 um]}", ".lognormal[1]", "a plain number"),
    ("cathode.thickness: {lognormal: [0 um, 1]}", ".lognormal", "median must be above 0"),
    ("cathode.thickness: {lognormal: [1 um, 1e9]}", ".lognormal", "beyond floating"),
    ("temperature: {normal: [25 degC, 2 degC]}", ".normal[1]", "write it in K"),
    ("rate: {normal: [1C, 5C]}", ".normal", "C-rates of 0 and below"),
]
AT = "sweep.factors."
MISTAKES += [
    (f"factors:\n  {text}", 3, f"{AT}{text.split(':')[0]}{field}", words)
    for text, field, words in FACTORS
]
MISTAKES += [
    (f"{LHS}\n  {text}", 5, f"{AT}{text.split(':')[0]}{field}", words)
    for text, field, words in SAMPLED
]
C, T, D = "cathode.thickness", "temperature", "cathode.diffusivity_scale"
FIRST = "sweep.correlations[0]"
MISTAKES += [
    (
        "method: zip\nfactors:\n  rate: [1C, 2C]\n  upper: {linear: [3 V, 4 V, 3]}",
        *(5, f"{AT}upper.linear", "has 3 values and rate 2;"),
    ),
    (
        "factors:\n  rate: {log: [1C, 2C, 5000]}\n  upper: {linear: [3 V, 4 V, 5000]}",
        *(2, "sweep.factors", "make 25,000,000 points of 2 factors"),
    ),
    (
        LHS + TRIO + between(C, "temperatur", 0.5),
        6,
        f"{FIRST}.between[1]",
        "'temperature'",
    ),
    (LHS + TRIO + between(C, "rate", 0.5), 6, f"{FIRST}.between[1]", "is not a factor"),
    (LHS + TRIO + between(C, C, 0.5), 6, f"{FIRST}.between", "one factor twice"),
    (LHS + TRIO + between(C, T, 1), 6, f"{FIRST}.value", "must be below 1"),
    (LHS + TRIO + between(C, T, "-1.5"), 6, f"{FIRST}.value", "must be above -1"),
    (
        LHS + TRIO + f"- {{between: [{C}], value: 0.5}}",
        6,
        f"{FIRST}.between",
        "at least 2",
    ),
    (LHS + TRIO + f"- {{between: [{C}, {T}]}}", 6, f"{FIRST}.value", "is missing"),
    (
        LHS + TRIO + between(C, T, 0) + between(T, C, 0.1),
        *(7, "sweep.correlations[1].between", "is given twice"),
    ),
    (
        LHS + TRIO + between(C, T, 0.9) + between(T, D, 0.9) + between(C, D, -0.9),
        *(5, "sweep.correlations", "not positive definite"),
    ),
    (
        LHS + TRIO + between(C, T, 0.6) + between(T, D, 0.8),  # singular
        *(5, "sweep.correlations", "not positive definite"),
    ),
]


@pytest.mark.parametrize(("text", "line", "field", "words"), MISTAKES)
def test_a_mistake_is_one_line_with_its_place(points, text, line, field, words):
    with pytest.raises(InputError) as caught:
        points(text)
    error = caught.value
    assert words in error.message
    assert (error.line, error.field) == (line, field)
    assert str(error).splitlines() == [str(error)] and str(error).isprintable()


def test_more_numbers_than_memory_holds_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(sampling, "_unit_cube", None)
    monkeypatch.setattr(np, "linspace", None)
    for section in (
        {"method": "sobol", "points": 10_000_000},
        {"method": "zip"},
    ):
        form = (
            {"uniform": ["1 V", "2 V"]}
            if section["method"] == "sobol"
            else {"linear": ["1 V", "2 V", 10_000_000]}
        )
        section["factors"] = {f"v{k}": form for k in range(11)}
        document = Document(Path("e.yaml"), {"sweep": section}, {(): 1})
        sweep = validate(Experiment, document.data, document=document).sweep
        with pytest.raises(InputError, match="100,000,000 numbers"):
            plan(sweep, document, FIELDS.get, lambda name: True)
    factors = {f"v{k}": ["1 V"] for k in range(101)}
    with pytest.raises(InputError, match="1 to 100 factors"):
        from_python(factors=factors)


def test_what_the_cell_says_of_a_name_is_said_with_its_place(raijmakers, points):
    def dimension_of(name: str) -> str | None:
        raise InputError("no such field; did you mean 'thickness'?", field=name)

    document = Document(
        Path("e.yaml"),
        {"sweep": {"factors": {"cathode.thick": [1]}}},
        {(): 1, ("sweep", "factors", "cathode.thick"): 7},
    )
    section = validate(Experiment, document.data, document=document).sweep
    with pytest.raises(InputError) as caught:
        plan(section, document, dimension_of, lambda name: False)
    assert str(caught.value) == (
        "e.yaml:7: sweep.factors.cathode.thick: no such field; did you mean 'thickness'?"
    )


WORDS = st.sampled_from(
    [
        *("1 um", "2 um", "20 degC", "300 K", "C/10", "2C", "4.2 V", "50 %", "1e60", "0"),
        *("-1 V", "nan", "", "x" * 300, "1,5 V", "\u202e", "{rate}", "1e400 V", "0C"),
    ]
)
ANYTHING = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(-3, 9), st.floats(-1e3, 1e3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from([*sampling.RANGES, *sampling.DISTRIBUTIONS, "lin"]),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=8,
)
SECTIONS = st.fixed_dictionaries(
    {
        "factors": st.dictionaries(
            st.sampled_from([*FIELDS, *TEMPLATES, "cell"]), ANYTHING, max_size=3
        )
    },
    optional={
        "method": st.sampled_from([*sampling.METHODS, "gird", None, 3]),
        "points": st.sampled_from([1, 7, 64, -1, None, "8", True]),
        "seed": st.sampled_from([0, 5, -1, None, 1.0]),
        "correlations": st.lists(
            st.fixed_dictionaries(
                {
                    "between": st.lists(st.sampled_from([*FIELDS, "x"]), max_size=3),
                    "value": st.one_of(st.floats(), WORDS, st.integers(-1, 1)),
                }
            ),
            max_size=2,
        ),
    },
)


@unhurried
@given(section=SECTIONS)
def test_any_section_is_planned_or_refused_in_a_line(section):
    try:
        found = from_python(**section)
    except InputError as error:
        assert str(error).splitlines() == [str(error)] and str(error).isprintable()
        assert error.file and error.field.startswith("sweep")
        return
    values = [found.point(k) for k in {0, len(found) - 1}]
    assert all(list(value) == list(section["factors"]) for value in values)
    assert all(np.isfinite(column).all() for column in found.columns().values())


def test_a_saltelli_design_counts_its_blocks_and_keeps_distributions(points):
    found = points("""
method: saltelli
points: 256
factors:
  temperature: {normal: [25 degC, 2 K]}
  cathode.thickness: {loguniform: [1 um, 9 um]}
  cathode.diffusivity_scale: {uniform: [1, 3]}
""")
    assert len(found) == 256 * 5 and found.warnings == ()
    T, L, scale = (factor.values for factor in found.factors)
    assert T.mean() == pytest.approx(298.15, abs=0.05)
    assert np.median(L) == pytest.approx(3e-6, rel=0.02)
    assert scale.min() >= 1 and scale.max() <= 3
    odd = points(
        "method: saltelli\npoints: 100\nfactors: {cathode.thickness: "
        "{uniform: [1 um, 2 um]}}"
    )
    assert len(odd) == 300 and "64 or 128" in odd.warnings[0]


def test_a_saltelli_design_has_limits_before_it_is_made(points):
    with pytest.raises(InputError, match="27,000,000 points"):
        points(
            "method: saltelli\npoints: 9000000\nfactors: {temperature: "
            "{normal: [300 K, 2 K]}}"
        )

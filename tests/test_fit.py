"""Fits: their definition, their data, what they say, and what they write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutation import anything
from synthetic import curves, noisy, rate_experiment

import tfbsim
from tfbsim.data.measured import Measured, Segment
from tfbsim.errors import InputError
from tfbsim.experiment.expand import Expanded, expand
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.fitting import problem
from tfbsim.fitting.intervals import uncertainty
from tfbsim.fitting.parameters import Bounds, definition, parameters, with_values
from tfbsim.fitting.simulated import Simulated, distances
from tfbsim.fitting.targets import averaged
from tfbsim.numerics import Numerics
from tfbsim.report.fit import verdict
from tfbsim.run.run import IN_BLOCKS, ONE_BY_ONE
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load

CELL = "lco-lipon-li-constant-d"
COARSE = Numerics(points=20, rtol=1e-5, atol=1e-7)
VARY = {
    "cathode.diffusivity": "1e-15 m2/s..1e-12 m2/s",
    "contact_resistance": "0.1 ohm cm2..1000 ohm cm2",
}


@pytest.fixture(scope="module")
def rates() -> Expanded:
    return expand(rate_experiment(CELL, ["1C", "4C", "8C"], set=R30))


R30 = {"contact_resistance": "30 ohm cm2"}


@pytest.fixture(scope="module")
def found(rates: Expanded) -> tfbsim.fitting.fit_result.Fit:
    """Two rates fitted, one held out, from a start that is far off."""
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(3))
    far = {"cathode.diffusivity": "1e-13 m2/s", "contact_resistance": "200 ohm cm2"}
    start = expand(rates.document, changes=far)
    return tfbsim.fit(start, data, vary=VARY, held_out=["4C"], starts=2, numerics=COARSE)


def test_an_experiments_numerics_hold(rates: Expanded) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(3))
    content = rates.document.data | {"numerics": {"points": 16, "rtol": 1e-4}}
    asked = expand(replace(rates.document, data=content), changes=R30)
    vary = {"contact_resistance": "3 ohm cm2..300 ohm cm2"}
    found = tfbsim.fit(asked, data, vary=vary, starts=1)
    numerics = found.provenance["numerics"]
    assert (numerics["points"], numerics["rtol"]) == (16, 1e-4)


def test_the_truth_is_found(found: Any) -> None:
    D, R = found.parameters.to_dict("records")
    assert D["Low 95 %"] < 2e-10 < D["High 95 %"]  # cm2/s
    assert R["Low 95 %"] < 30 < R["High 95 %"]
    assert D["Verdict"] == R["Verdict"] == "determined"
    assert found.warnings == []
    assert found.as_asked
    assert found.error("held out")["voltage [mV]"] < 8  # noise of 3 mV and of charge
    assert list(found.curves["Role"]) == ["fitted", "held out", "fitted"]


def test_a_result_is_fitted_as_what_was_measured(rates: Expanded) -> None:
    result = tfbsim.run_experiment(rates.document, changes=R30, numerics=COARSE)
    far = expand(rates.document, changes={"contact_resistance": "200 ohm cm2"})
    vary = {"contact_resistance": "3 ohm cm2..300 ohm cm2"}
    found = tfbsim.fit(far, result, vary=vary, starts=1, numerics=COARSE)
    (row,) = found.parameters.to_dict("records")
    assert row["Value"] == pytest.approx(30, rel=1e-4)
    assert set(found.curves["Source"]) == {"1C", "4C", "8C"}


def test_what_is_written_reads_back(found: Any, tmp_path: Path) -> None:
    path = found.save(tmp_path)
    cell = tfbsim.load_cell(path)
    D, R = found.parameters["Value"]
    assert cell.cathode.diffusivity.value == pytest.approx(D * 1e-4, rel=1e-5)
    assert cell.contact_resistance == pytest.approx(R * 1e-4, rel=1e-5)
    assert "95 % interval" in cell.origin["contact_resistance"]
    assert "1C.csv" in cell.origin["contact_resistance"]
    assert "4C" not in cell.origin["contact_resistance"]  # held out
    names = {file.name for file in tmp_path.iterdir()}
    assert names >= {
        "fit.csv",
        "fit-curves.csv",
        "fit.json",
        "report.html",
        "overlay.png",
    }
    report = (tmp_path / "report.html").read_text()
    assert "held out" in report and "http" not in report.split("</style>")[1]


def test_one_slow_discharge_says_what_cannot_be_known() -> None:
    slow = expand(rate_experiment(CELL, ["C/50"], set=R30))
    data = noisy(curves(slow, {}, COARSE), np.random.default_rng(0))
    vary = {
        **VARY,
        "cathode.exchange_current": "0.01 mA/cm2..100 mA/cm2",
        "cathode.site_concentration": "40000 mol/m3..60000 mol/m3",
    }
    found = tfbsim.fit(slow, data, vary=vary, starts=1, numerics=COARSE)
    verdicts = dict(found.parameters[["Parameter", "Verdict"]].to_numpy())
    assert verdicts["cathode.site_concentration"] == "determined"
    open_ended = ("not determined", "lower limit only", "upper limit only")
    for name in (*VARY, "cathode.exchange_current"):
        assert verdicts[name] in open_ended, name
        assert any(w.startswith(name) for w in found.warnings)
    # Each limit is where it should be: the truth is inside
    for row in found.parameters.to_dict("records"):
        truth = {"cathode.diffusivity": 2e-10, "contact_resistance": 30.0}
        if row["Parameter"] in truth:
            value = truth[row["Parameter"]]
            assert row["Low 95 %"] <= value <= row["High 95 %"]


def test_two_resistances_in_series_are_one(rates: Expanded) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(1))
    vary = {
        "contact_resistance": "0 ohm cm2..100 ohm cm2",
        "cathode.film_resistance": "0 ohm cm2..100 ohm cm2",
    }
    found = tfbsim.fit(rates, data, vary=vary, starts=1, numerics=COARSE)
    best, worst = found.combinations
    assert best.determined and not worst.determined
    assert worst.text == "+0.71 contact_resistance, -0.71 cathode.film_resistance" or (
        worst.text == "+0.71 cathode.film_resistance, -0.71 contact_resistance"
    )
    assert any("combination" in w for w in found.warnings)
    assert np.sum(found.parameters["Value"]) == pytest.approx(30, abs=2)


def test_bad_data_does_not_lose_the_good(rates: Expanded, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"\x00\x01 nothing")
    data = [bad, *noisy(curves(rates, {}, COARSE), np.random.default_rng(1))]
    vary = {"contact_resistance": "1 ohm cm2..100 ohm cm2"}
    found = tfbsim.fit(rates, data, vary=vary, starts=1, numerics=COARSE)
    assert len(found.unreadable) == 1 and "bad.csv" in found.unreadable[0]
    assert not found.as_asked
    assert len(found.targets) == 3


def test_a_record_drives_the_cell_by_its_own_current(rates: Expanded) -> None:
    """Two discharges with a charge between, a state that no experiment's case has."""
    case = rates.cases[0]
    sentences = ["Discharge at 1C for 20 minutes", "Charge at 1C for 10 minutes"]
    steps = parse_cycle([*sentences, "Discharge at 8C until 3.0 V"], case.cell)
    record = run_case(case.cell, Protocol(steps), COARSE).cycles[0]
    segments = []
    for number, step in enumerate(record.steps):
        trace, area = step.trace, float(case.cell.area)
        kind = "charge" if step.step.value < 0 else "discharge"
        q = abs(trace.observed["Discharge capacity [A.h]"]) / area
        V, i = trace.observed["Voltage [V]"], trace.observed["Current [A]"] / area
        cycle = 1 + number // 2
        name = f"cycle {cycle}, {kind}"
        segments.append(Segment(kind, cycle, V, i, q, trace.t, name=name))
    data = Measured("record.csv", Path(), tuple(segments))
    vary = {"contact_resistance": "1 ohm cm2..300 ohm cm2"}
    found = tfbsim.fit(
        expand(rates.document, changes={"contact_resistance": "100 ohm cm2"}),
        data,
        vary=vary,
        own_current=True,
        held_out=["cycle 2"],
        starts=1,
        numerics=COARSE,
    )
    assert found.parameters["Value"][0] == pytest.approx(30, rel=0.01)
    assert list(found.curves["Role"]) == ["fitted", "fitted", "held out"]
    assert found.curves["Voltage error, rms [mV]"].max() < 1


def test_another_start_than_the_record_is_told(rates: Expanded) -> None:
    data = curves(rates, {}, COARSE)
    (s,) = data[0].segments
    off = Segment(s.kind, 1, s.voltage - 0.3, s.current, s.capacity, name=s.name)
    moved = [Measured("off.csv", Path(), (off,)), *data[1:]]
    vary = {"contact_resistance": "1 ohm cm2..40 ohm cm2"}
    found = tfbsim.fit(rates, moved, vary=vary, starts=1, numerics=COARSE)
    assert any("--own-current" in w and "off.csv" in w for w in found.warnings)


# --- What may be claimed -----------------------------------------------------------


def moved(data: list[Measured], change: Any) -> list[Measured]:
    """Measured curves, the segment of each changed."""
    return [replace(file, segments=(change(file.segments[0]),)) for file in data]


def spoken(found: Any, words: str) -> bool:
    """Whether a warning has these words."""
    return any(words in warning for warning in found.warnings)


FILM20 = R30 | {"cathode.film_resistance": "20 ohm cm2"}


def test_an_interval_does_not_depend_on_the_start() -> None:
    """Contact 30 and film 20 ohm cm2 in series: the data say their sum alone."""
    made = expand(rate_experiment(CELL, ["1C", "8C"], set=FILM20))
    data = curves(made, {}, COARSE)
    vary = dict.fromkeys(FILM20, "0.1 ohm cm2..1000 ohm cm2")
    ends = []
    for contact, film in ((5, 50), (40, 1)):
        start = {"contact_resistance": f"{contact} ohm cm2"}
        start["cathode.film_resistance"] = f"{film} ohm cm2"
        begun = expand(made.document, changes=start)
        found = tfbsim.fit(begun, data, vary=vary, numerics=COARSE)
        assert list(found.parameters["Verdict"]) == ["upper limit only"] * 2
        ends.append(found.parameters["High 95 %"].to_numpy())
        (combination,) = found.fixed
        assert combination.text == "contact_resistance + cathode.film_resistance"
        assert combination.value == pytest.approx(50, abs=0.05)
        assert 0.1 < combination.half_width < 0.6
        assert spoken(found, "contact_resistance + cathode.film_resistance = 50.0")
    assert ends[0] == pytest.approx(ends[1], rel=2e-3)
    assert ends[0] == pytest.approx([50.3, 50.3], abs=0.3)


PAIRS = {
    "electrolyte.thickness / electrolyte.conductivity": {
        "electrolyte.thickness": "0.1 um..10 um",
        "electrolyte.conductivity": "1e-7 S/cm..1e-4 S/cm",
    },
    "contact_resistance + 50 Ohm.cm2/(um) x electrolyte.thickness": {
        "contact_resistance": "1 ohm cm2..300 ohm cm2",
        "electrolyte.thickness": "0.1 um..10 um",
    },
    "contact_resistance + 0.0001 Ohm.cm2 x S.cm-1 / electrolyte.conductivity": {
        "contact_resistance": "1 ohm cm2..300 ohm cm2",
        "electrolyte.conductivity": "1e-7 S/cm..1e-4 S/cm",
    },
    "cathode.site_concentration x cathode.active_fraction": {
        "cathode.site_concentration": "30000 mol/m3..90000 mol/m3",
        "cathode.active_fraction": "0.5..1",
    },
    "contact_resistance + anode.film_resistance": {
        "contact_resistance": "1 ohm cm2..300 ohm cm2",
        "anode.film_resistance": "1 ohm cm2..300 ohm cm2",
    },
}


@pytest.mark.parametrize("name", list(PAIRS))
@pytest.mark.parametrize("seed", [0])
def test_a_pair_that_nothing_tells_apart_ends_in_a_sentence(
    rates: Expanded, name: str, seed: int
) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(seed))
    found = tfbsim.fit(rates, data, vary=PAIRS[name], numerics=COARSE)
    assert [c.text for c in found.fixed] == [name]
    assert spoken(found, "the data determine one combination: " + name)
    assert "determined" not in set(found.parameters["Verdict"])


def test_three_in_series_are_one_sum(rates: Expanded) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(5))
    fields = ("contact_resistance", "cathode.film_resistance", "anode.film_resistance")
    vary = dict.fromkeys(fields, "0 ohm cm2..100 ohm cm2")
    found = tfbsim.fit(rates, data, vary=vary, numerics=COARSE)
    (combination,) = found.fixed
    assert combination.text == " + ".join(fields)
    assert abs(combination.value - 30) < 2 * combination.half_width


def test_another_basin_is_looked_for() -> None:
    """Exchange currents of both sides: from the mirrored pair, chi^2 is three times."""
    fields = {"cathode.exchange_current": "1 mA/cm2"}
    fields["anode.exchange_current"] = "0.1 mA/cm2"
    block = {"parameters": {"contact_resistance": {"min": 0, "max": 1}}}
    made = expand(
        rate_experiment(
            CELL, ["1C", "8C", "20C"], set=fields, fit=block | {"voltage_error": "1 mV"}
        )
    )
    rng = np.random.default_rng(0)
    data = moved(
        curves(made, {}, COARSE, 40),
        lambda s: replace(s, voltage=s.voltage + 1e-3 * rng.standard_normal(40)),
    )
    wrong = {"cathode.exchange_current": "131 uA/cm2"}
    wrong["anode.exchange_current"] = "748 uA/cm2"
    vary = dict.fromkeys(fields, "0.01 mA/cm2..10 mA/cm2")
    start = expand(made.document, changes=wrong)
    found = tfbsim.fit(start, data, vary=vary, numerics=COARSE)
    rows = found.parameters
    assert rows["Value"].to_numpy() == pytest.approx([1000, 100], rel=0.03)
    assert list(rows["Verdict"]) == ["determined"] * 2


def test_what_the_errors_cannot_give_is_never_determined(rates: Expanded) -> None:
    """A resistance is left out: the first sentence says so, and not the state."""
    data = curves(rates, {}, COARSE, 40)
    bare = expand(rate_experiment(CELL, ["1C", "4C", "8C"]))
    vary = {"cathode.diffusivity": VARY["cathode.diffusivity"]}
    found = tfbsim.fit(bare, data, vary=vary, numerics=COARSE)
    assert list(found.parameters["Verdict"]) == ["misfit"]
    assert found.warnings[0].startswith("the model does not describe these data")
    assert not spoken(found, "another state") and spoken(found, "in series")
    assert "does not describe" in verdict(found)


@pytest.mark.parametrize("short", [0, 1, 5, 10, 18, 22, 60])
def test_a_record_that_ends_before_its_cut_off(short: int) -> None:
    """By so many mV; exact curves of two rates have the D they were made with."""
    made = expand(rate_experiment(CELL, ["1C", "8C"]))

    def cut(s: Segment) -> Segment:
        kept = s.voltage >= 3.0 + 1e-3 * short - 1e-9
        arrays = (a[kept] for a in (s.voltage, s.current, s.capacity))
        return Segment(s.kind, 1, *arrays, name=s.name)

    data = moved(curves(made, {}, COARSE, 200), cut)
    vary = {"cathode.diffusivity": VARY["cathode.diffusivity"]}
    found = tfbsim.fit(made, data, vary=vary, numerics=COARSE)
    assert found.parameters["Value"][0] == pytest.approx(2e-10, rel=2e-3)
    assert found.curves["Capacity error [%]"].abs().max() < 0.1


def test_noise_that_neighbours_share_is_told(rates: Expanded) -> None:
    rng = np.random.default_rng(4)

    def drift(s: Segment) -> Segment:
        e = rng.standard_normal(len(s.voltage))
        for k in range(1, len(e)):
            e[k] = 0.95 * e[k - 1] + np.sqrt(1 - 0.95**2) * e[k]
        return replace(s, voltage=s.voltage + 3e-3 * e)

    exact = curves(rates, {}, COARSE, 40)
    shared = tfbsim.fit(rates, moved(exact, drift), vary=VARY, numerics=COARSE)
    alone = tfbsim.fit(rates, exact, vary=VARY, numerics=COARSE)
    assert spoken(shared, "neighbouring residuals go together")
    assert not spoken(alone, "neighbouring residuals")
    width = [np.ptp(f.parameters[ENDS].to_numpy()[1]) for f in (shared, alone)]
    assert width[0] > 1.5 * width[1]


ENDS = ["Low 95 %", "High 95 %"]


def test_a_scatter_far_below_the_stated_errors_is_told(rates: Expanded) -> None:
    rng = np.random.default_rng(6)
    data = moved(
        curves(rates, {}, COARSE, 40),
        lambda s: replace(s, voltage=s.voltage + 3e-4 * rng.standard_normal(40)),
    )
    found = tfbsim.fit(rates, data, vary=VARY, numerics=COARSE)
    assert spoken(found, "far below") and spoken(found, "supports cathode.diffusivity")
    for low, high in (("Low 95 %", "Low 68 %"), ("High 68 %", "High 95 %")):
        assert (found.parameters[low] < found.parameters[high]).all()


def test_thinning_averages_and_leaves_spikes_aside() -> None:
    """4000 samples of a straight line: 40 residuals of a hundred samples each."""
    rng = np.random.default_rng(7)
    q = np.linspace(0, 1, 4000)
    V = 4 - q + 1e-3 * rng.standard_normal(4000)
    at, mean, group = averaged(q, V, 40)
    assert group[-1] == 39 and len(at) <= 240
    off = np.bincount(group, mean - (4 - at)) / np.bincount(group)
    assert off.std() < 1.5e-4  # 1 mV over the root of a hundred, with margin
    bend = 4 - 0.2 * q - np.maximum(q - 0.95, 0) * 20
    at, mean, _ = averaged(q, bend, 40)
    exact = 4 - 0.2 * at - np.maximum(at - 0.95, 0) * 20
    assert np.abs(mean - exact).max() < 3e-3


def test_spikes_are_left_aside_with_a_word(rates: Expanded) -> None:
    rng = np.random.default_rng(8)

    def spoilt(s: Segment) -> Segment:
        V = s.voltage + 1e-3 * rng.standard_normal(len(s.voltage))
        V[rng.choice(np.arange(5, 995), 10, replace=False)] += 0.3
        return replace(s, voltage=V)

    data = moved(curves(rates, {}, COARSE, 1000), spoilt)
    found = tfbsim.fit(rates, data, vary=VARY, numerics=COARSE)
    assert sum("10 of 1000 samples stand apart" in note for note in found.notes) == 3
    truth = (2e-10, 30.0)
    for (low, high), value in zip(found.parameters[ENDS].to_numpy(), truth, strict=True):
        assert low < value < high

    def one(s: Segment) -> Segment:
        V = s.voltage.copy()
        V[6] += 0.2
        return replace(s, voltage=V)

    few = moved(curves(rates, {}, COARSE, 16), one)  # no running median of so few
    found = tfbsim.fit(rates, few, vary=VARY, numerics=COARSE)
    assert sum("stand apart from all others" in note for note in found.notes) == 3
    assert found.parameters["Value"].to_numpy() == pytest.approx(truth, rel=5e-3)


def test_what_is_given_twice_counts_once(rates: Expanded) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(9))
    once = tfbsim.fit(rates, data, vary=VARY, numerics=COARSE)
    again = [*data, replace(data[0], name="copy.csv")]
    twice = tfbsim.fit(rates, again, vary=VARY, numerics=COARSE)
    assert twice.statistics["residuals"] == once.statistics["residuals"]
    assert any("copy.csv" in n and "counted once" in n for n in twice.notes)
    assert twice.parameters["Value"].tolist() == once.parameters["Value"].tolist()
    ends = [
        {
            "case": file.name.removesuffix(".csv"),
            "status": "fitted",
            "discharge_capacity": f"{100 * file.segments[0].capacity[-1]:.3f} uAh/cm2",
        }
        for file in data
    ]
    listed = expand(
        replace(rates.document, data=rates.document.data | {"measured": ends})
    )
    both = tfbsim.fit(listed, data, vary=VARY, numerics=COARSE)
    assert both.statistics["residuals"] == once.statistics["residuals"]
    assert sum("capacity of" in n and "counted once" in n for n in both.notes) == 3
    held = tfbsim.fit(listed, again, vary=VARY, held_out=["copy.csv"], numerics=COARSE)
    assert list(held.curves["Role"]).count("held out") == 1
    assert len(held.targets) == 3  # fitted under one name, it would be no prediction


def test_a_fitted_cell_knows_what_it_was_fitted_to(tmp_path: Path) -> None:
    """Whatever the experiment said before the fit."""
    found = tfbsim.fit(
        "raijmakers2020-rate-capability",
        vary={"cathode.diffusivity_scale": "0.3..3"},
        held_out=["6C"],
        numerics=Numerics.fast(),
    )
    path = found.save(tmp_path)
    rows = expand("raijmakers2020-rate-capability", cell=str(path)).measured
    assert {row["Case"]: row["Status"] for row in rows} == {
        **dict.fromkeys(("0.1C", "0.5C", "2C"), "fitted"),
        "6C": "predicted",
    }
    # By the rate and charge, whatever the experiment calls its case and status
    danilov = expand("danilov2011-rate-capability", cell=str(path)).measured
    assert {row["Status"] for row in danilov} == {"predicted"}


def test_a_comparison_asks_what_was_fitted(rates: Expanded, tmp_path: Path) -> None:
    data = noisy(curves(rates, {}, COARSE), np.random.default_rng(3))
    found = tfbsim.fit(rates, data, vary=VARY, held_out=["4C"], numerics=COARSE)
    path = found.save(tmp_path)
    content = rates.document.data | {"cell": str(path)}
    content.pop("set")
    table = tfbsim.compare(replace(rates.document, data=content), data).table
    assert list(table["Role"]) == ["fitted", "predicted", "fitted"]
    assert tfbsim.compare(rates, data, numerics=COARSE).table["Role"].isna().all()


def test_a_data_frame_is_fitted_to(rates: Expanded) -> None:
    (s,) = curves(rates, {}, COARSE, 30)[0].segments
    names = ("Capacity / uAh/cm2", "Voltage / V", "Current / uA/cm2")
    columns = (100 * s.capacity, s.voltage, -100 * s.current)
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)))
    vary = {"contact_resistance": VARY["contact_resistance"]}
    found = tfbsim.fit(rates, frame, vary=vary, numerics=COARSE)
    assert found.parameters["Value"][0] == pytest.approx(30, rel=1e-3)


def test_every_simulated_number_has_an_interval(found: Any) -> None:
    """Of what is held out too; the truth, without noise, is within twice of it."""
    rows = found.curves.set_index("Case")
    low, high = (rows[f"Simulated, {n} 95 % [uA.h.cm-2]"] for n in ("low", "high"))
    middle = rows["Simulated [uA.h.cm-2]"]
    assert ((low < middle) & (middle < high)).all()
    truth = curves(expand(rate_experiment(CELL, ["4C"], set=R30)), {}, COARSE)
    exact = 100 * truth[0].segments[0].capacity[-1]
    half = (high["4C"] - low["4C"]) / 2
    assert abs(middle["4C"] - exact) < 2 * half < 0.05 * exact
    assert (rows["Simulated voltage, half of 95 % [mV]"].between(0.01, 5)).all()


# --- The definition ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({"contact_resistance": "1..2"}, "has no unit"),
        ({"contact_resistance": "2 ohm cm2..1 ohm cm2"}, "must be below max"),
        ({"contact_resistance": "0 ohm cm2..1 ohm cm2 log"}, "above 0"),
        ({"contact_resistance": "1 ohm cm2"}, "is not LOW..HIGH"),
        ({"contact_resistence": "1 ohm cm2..2 ohm cm2"}, "contact_resistance"),
        ({"cathode.diffusivity.table": "1..2"}, "has no 'table'"),
        ({"cathode.utilisation": "0.5..1.5"}, "out of range"),
        ({"cathode.material": "1..2"}, "not a number"),
        ({}, "--vary"),
    ],
)
def test_a_bad_definition_is_told_in_a_sentence(
    rates: Expanded, vary: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as error:
        asked = definition(rates, vary)
        parameters(rates.cases[0].cell, asked.parameters)
    assert message in str(error.value)


def test_names_of_what_is_held_out(rates: Expanded) -> None:
    data = curves(rates, {}, COARSE)
    with pytest.raises(InputError, match="did you mean '4C'"):
        tfbsim.fit(rates, data, vary=VARY, held_out=["4c"], numerics=COARSE)
    with pytest.raises(InputError, match="nothing to fit to"):
        tfbsim.fit(rates, data, vary=VARY, held_out=["1C", "4C", "8C"], numerics=COARSE)


def test_a_number_inside_a_law(raijmakers: Any) -> None:
    danilov = tfbsim.load_cell("lco-lipon-li-danilov2011")
    bounds = Bounds(min=-15.0, max=-14.0, scale="linear")
    path = "cathode.diffusivity.log10_polynomial.0"
    (parameter,) = parameters(danilov, {path: bounds})
    assert parameter.start == -14.516
    changed = with_values(danilov, [parameter], [-14.4])
    ratio = changed.cathode.diffusivity(0.7) / danilov.cathode.diffusivity(0.7)
    assert ratio == pytest.approx(10**0.116)


@settings(max_examples=60, deadline=None)
@given(
    anything(
        ["0.3", "1 um", "3 ohm cm2", "log", "4C"],
        [
            *("parameters", "held_out", "min", "max", "scale", "points", "starts"),
            "contact_resistance",
        ],
        12,
    )
)
def test_any_fit_block_is_read_or_refused(rates: Expanded, block: Any) -> None:
    """No other exception than InputError, whatever the block holds."""
    if not isinstance(block, dict):
        block = {"parameters": block}
    changed = rates.experiment.model_copy(update={"fit": block})
    made = Expanded(**{**vars(rates), "experiment": changed})
    try:
        asked = definition(made)
        parameters(rates.cases[0].cell, asked.parameters, made.document)
    except InputError as error:
        assert "\n" not in str(error)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_bounds_on_the_command_line(rates: Expanded, text: str) -> None:
    try:
        asked = definition(rates, {"contact_resistance": text})
        parameters(rates.cases[0].cell, asked.parameters)
    except InputError as error:
        assert "\n" not in str(error)


def test_check_reads_the_block(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from tfbsim.cli.app import app

    path = tmp_path / "e.yaml"
    path.write_text(
        "format: 1\nkind: experiment\ncell: lco-lipon-li-constant-d\nsteps:\n"
        "  - Discharge at 1C until 3 V\nfit:\n  parameters:\n"
        "    contact_resistance: {min: 1, max: 2 ohm cm2}\n"
    )
    assert load(path)
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 2
    assert "e.yaml:8" in result.output and "has no unit" in result.output


# --- Numbers -----------------------------------------------------------------------


def test_distance_to_a_curve() -> None:
    """On a line of slope -1 in units of the errors, and past its end."""
    q = np.linspace(0, 10, 50)
    curve = Simulated(q, 4 - 0.1 * q, 10.0)

    def above(q: float, V: float) -> Any:
        point = np.array([q]), np.array([V / 0.1])
        return distances([curve], [point], [(1.0, 0.1)])[0]

    on, below = above(5.0, 3.5), above(5.0, 3.4)
    assert on == pytest.approx(0, abs=1e-9)
    assert below == pytest.approx(np.sqrt(0.5))  # the curve is above the point
    past = above(13.0, 3.0)
    assert past == pytest.approx(-3.0, rel=0.01)  # it ended 3 errors too early
    assert np.isfinite(above(0.0, 9.0)).all()


def test_uncertainty_is_the_textbook_one() -> None:
    """A straight line: SciPy's linregress has the same standard errors."""
    from scipy.stats import linregress

    rng = np.random.default_rng(0)
    x = np.linspace(0, 1, 20)
    y = 1 + 2 * x + 3 * rng.standard_normal(20)
    J = np.column_stack([np.ones_like(x), x])
    beta, residual, *_ = np.linalg.lstsq(J, y)
    spread = uncertainty(J, float(residual[0]) / 18)
    known = linregress(x, y)
    assert spread.std == pytest.approx([known.intercept_stderr, known.stderr])
    assert spread.freedom == 18 and spread.scale > 1
    assert spread.width() == pytest.approx(2.1009, abs=1e-3)
    assert beta[1] == pytest.approx(known.slope)


def test_a_fit_by_the_kernel_is_that_of_the_general_solver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = expand(rate_experiment(CELL, ["C/2", "1C", "2C", "4C", "8C"], set=R30))
    data = noisy(curves(made, {}, COARSE), np.random.default_rng(5))
    numerics = replace(Numerics(), points=150)
    by_kernel = tfbsim.fit(made, data, vary=VARY, starts=1, numerics=numerics)
    assert by_kernel.provenance["solved"][IN_BLOCKS] > 100
    monkeypatch.setattr(problem, "paying", lambda *of, **how: None)
    alone = tfbsim.fit(made, data, vary=VARY, starts=1, numerics=numerics)
    assert alone.provenance["solved"].keys() == {ONE_BY_ONE}
    for one, other in zip(
        by_kernel.parameters.to_dict("records"),
        alone.parameters.to_dict("records"),
        strict=True,
    ):
        width = other["High 95 %"] - other["Low 95 %"]
        for name in ("Value", *ENDS):
            assert abs(one[name] - other[name]) < 0.02 * width, name
        assert one["Verdict"] == other["Verdict"]
    chi2 = [found.statistics["chi^2"] for found in (by_kernel, alone)]
    assert chi2[0] == pytest.approx(chi2[1], rel=1e-3)

"""Fits of what the model itself made, with noise of a known size.

Coverage: of many fits, the share whose 95 % interval holds the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from synthetic import curves, noisy, rate_experiment

import tfbsim
from tfbsim.data.measured import Measured
from tfbsim.experiment.expand import Expanded, expand
from tfbsim.numerics import Numerics

CELL = "lco-lipon-li-constant-d"
COARSE = Numerics(points=20, rtol=1e-5, atol=1e-7)
D = {"cathode.diffusivity": "1e-15 m2/s..1e-12 m2/s"}
R = {"contact_resistance": "0.1 ohm cm2..1000 ohm cm2"}
VARY = D | R
FOUR = VARY | {
    "cathode.exchange_current": "0.01 mA/cm2..10 mA/cm2",
    "cathode.site_concentration": "40000 mol/m3..60000 mol/m3",
}
FILM = {"cathode.film_resistance": "0 ohm cm2..100 ohm cm2"}
SUM = {"contact_resistance": "0 ohm cm2..100 ohm cm2"} | FILM
CURRENTS = {
    "cathode.exchange_current": "0.01 mA/cm2..10 mA/cm2",
    "anode.exchange_current": "0.01 mA/cm2..10 mA/cm2",
}
TRUTH = {"cathode.diffusivity": 2e-10, "contact_resistance": 30.0}  # cm2/s, ohm cm2
Noise = Callable[[list[Measured], np.random.Generator], list[Measured]]


def rates(*given: str, voltage_error: str = "3 mV", **series: str) -> Expanded:
    """Discharges of the cell with a constant D and a resistance."""
    fields = {"contact_resistance": "30 ohm cm2"} | {
        name.replace("__", "."): value for name, value in series.items()
    }
    block = {"parameters": {"contact_resistance": {"min": 0, "max": 1}}}
    block["voltage_error"] = voltage_error
    return expand(rate_experiment(CELL, list(given), set=fields, fit=block))


def drifting(sigma: float, rho: float) -> Noise:
    """Noise in the voltage of which neighbours share rho (an autoregression)."""

    def make(exact: list[Measured], rng: np.random.Generator) -> list[Measured]:
        found = []
        for file in exact:
            (s,) = file.segments
            e = rng.standard_normal(len(s.voltage))
            for k in range(1, len(e)):
                e[k] = rho * e[k - 1] + np.sqrt(1 - rho**2) * e[k]
            s = replace(s, voltage=s.voltage + sigma * e)
            found.append(replace(file, segments=(s,)))
        return found

    return make


def ends_alone(exact: list[Measured], rng: np.random.Generator) -> list[Measured]:
    """The charge at the end of each curve, with its noise, and no other point."""
    found = []
    for file in exact:
        (s,) = file.segments
        end = s.capacity[-1] * (1 + 5e-3 * rng.standard_normal())
        s = replace(
            s, voltage=s.voltage[-1:], current=s.current[-1:], capacity=np.array([end])
        )
        found.append(replace(file, segments=(s,)))
    return found


def held(
    made: Expanded,
    noise: Noise,
    vary: dict[str, str],
    truth: dict[str, float],
    repeats: int,
    points: int = 12,
    level: str = "95 %",
) -> dict[str, float]:
    """Share of fits whose interval holds the truth, of each parameter [%]."""
    exact, rng = curves(made, {}, COARSE, points), np.random.default_rng(2026)
    hits = dict.fromkeys(truth, 0)
    for _ in range(repeats):
        found = tfbsim.fit(made, noise(exact, rng), vary=vary, numerics=COARSE)
        rows = found.parameters.set_index("Parameter")
        for name, value in truth.items():
            hits[name] += (
                rows.loc[name, f"Low {level}"] <= value <= rows.loc[name, f"High {level}"]
            )
    return {name: 100 * number / repeats for name, number in hits.items()}


def true_of(made: Expanded, vary: dict[str, str]) -> dict[str, float]:
    """Values that the data were made with, in the units of the tables."""
    cell = made.cases[0].cell
    known = TRUTH | {
        "cathode.exchange_current": 100 * cell.cathode.exchange_current,
        "anode.exchange_current": 100 * cell.anode.exchange_current,
        "cathode.site_concentration": cell.cathode.c_sites,
        "cathode.film_resistance": 1e4 * cell.cathode.film_resistance,
    }
    return {name: known[name] for name in vary}


def test_without_noise_the_truth_comes_back(figure):
    made = rates("1C", "8C")
    far = {"cathode.diffusivity": "1e-13 m2/s", "contact_resistance": "300 ohm cm2"}
    start = expand(made.document, changes=far)
    found = tfbsim.fit(
        start, curves(made, {}, COARSE, 30), vary=VARY, starts=1, numerics=COARSE
    )
    off = max(
        abs(row["Value"] / TRUTH[row["Parameter"]] - 1)
        for row in found.parameters.to_dict("records")
    )
    figure(
        "Fit of two parameters to exact curves of two rates, from 5 and 10 times the "
        "truth: error of the values",
        100 * off,
        at_most=0.1,
        unit="%",
    )


# What is fitted, the noise, the points of a curve, repeats, and what may come of 95 %:
# of n fits, 95 % hold to 1.96 sqrt(0.95 0.05/n); where the stated errors are larger than
# the noise, more do
WHITE = "3 mV and 0.5 %"
COVERAGE = {
    f"D, {WHITE}": (D, noisy, 12, 200, (95, 5)),
    f"D and a resistance, {WHITE}": (VARY, noisy, 12, 200, (95, 5)),
    f"D, a resistance, i_0 and sites, {WHITE}": (FOUR, noisy, 12, 100, (95, 5)),
    "D, charges alone, 0.5 %": (D, ends_alone, 1, 200, (95, 5)),
    "a resistance, 3 mV of which neighbours share 0.95": (
        *(R, drifting(3e-3, 0.95), 40, 200),
        (93, 7),
    ),
    "D and a resistance, 3 mV of which neighbours share 0.7": (
        *(VARY, drifting(3e-3, 0.7), 40, 100),
        (95, 5),
    ),
    "two resistances in series": (SUM, noisy, 12, 50, (97, 3)),
    "two exchange currents, a second basin": (CURRENTS, noisy, 20, 50, (95, 5)),
}


def setting(vary: dict[str, str]) -> Expanded:
    """The experiment that a fit is of."""
    if vary is SUM:
        return rates("1C", "8C", cathode__film_resistance="20 ohm cm2")
    if vary is CURRENTS:
        ours = {"cathode__exchange_current": "1 mA/cm2"}
        ours["anode__exchange_current"] = "0.1 mA/cm2"
        ours["contact_resistance"] = "0 ohm cm2"
        return rates("1C", "8C", "20C", **ours)
    return rates("1C", "8C")


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", COVERAGE)
def test_intervals_hold_the_truth_as_often_as_they_say(figure, name):
    vary, noise, points, repeats, about = COVERAGE[name]
    made = setting(vary)
    found = held(made, noise, vary, true_of(made, vary), repeats, points)
    for parameter, share in found.items():
        claim = f"Asked 95 %: intervals of {parameter} that hold the truth ({name})"
        figure(claim, share, about=about, unit="%")


@pytest.mark.exhaustive
@pytest.mark.slow
def test_intervals_of_68_percent(figure):
    made = rates("1C", "8C")
    found = held(made, noisy, VARY, true_of(made, VARY), 200, level="68 %")
    for parameter, share in found.items():
        claim = f"Asked 68 %: intervals of {parameter} that hold the truth ({WHITE})"
        figure(claim, share, about=(68, 8), unit="%")


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_resistance_near_its_bound(figure):
    """Of 1 ohm cm2 the data say an upper limit; 0 is in the interval as the truth is."""
    made = rates("1C", "8C", contact_resistance="1 ohm cm2")
    vary = D | {"contact_resistance": "0 ohm cm2..100 ohm cm2"}
    truth = {"contact_resistance": 1.0, "cathode.diffusivity": 2e-10}
    for parameter, share in held(made, noisy, vary, truth, 100).items():
        claim = f"Asked 95 %: intervals of {parameter} near its bound, {WHITE}"
        figure(claim, share, about=(96, 4), unit="%")


def test_a_handful_of_each_kind():
    """Five fits of each kind hold the truth at least three times."""
    for name in (f"D and a resistance, {WHITE}", "two resistances in series"):
        vary, noise, points, *_ = COVERAGE[name]
        made = setting(vary)
        found = held(made, noise, vary, true_of(made, vary), 5, points)
        assert min(found.values()) >= 60, name

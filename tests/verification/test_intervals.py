"""Fits of what the model itself made, with noise of a known size."""

import numpy as np
import pytest
from synthetic import curves, noisy, rate_experiment

import tfbsim
from tfbsim.experiment.cases import expand
from tfbsim.numerics import Numerics

COARSE = Numerics(points=20, rtol=1e-5, atol=1e-7)
VARY = {
    "cathode.diffusivity": "1e-15 m2/s..1e-12 m2/s",
    "contact_resistance": "0.1 ohm cm2..1000 ohm cm2",
}
TRUTH = {"cathode.diffusivity": 2e-10, "contact_resistance": 30.0}  # cm2/s, ohm cm2
REPEATS = 200


def rates(*given: str):
    """Discharges of the cell with a constant D and a resistance."""
    series = {"contact_resistance": "30 ohm cm2"}
    return expand(rate_experiment("lco-lipon-li-constant-d", list(given), set=series))


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


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say(figure):
    made = rates("1C", "8C")
    exact = curves(made, {}, COARSE)
    rng = np.random.default_rng(2026)
    hits = dict.fromkeys(VARY, 0)
    for _ in range(REPEATS):
        data = noisy(exact, rng)
        found = tfbsim.fit(made, data, vary=VARY, starts=1, numerics=COARSE)
        for row in found.parameters.to_dict("records"):
            truth = TRUTH[row["Parameter"]]
            hits[row["Parameter"]] += row["Low 95 %"] <= truth <= row["High 95 %"]
    for name, number in hits.items():
        figure(
            f"95 % intervals of {name} that hold the truth, of {REPEATS} fits to two "
            "noisy rates (3 mV and 0.5 %)",
            100 * number / REPEATS,
            about=(94.5, 4.5),
            unit="%",
        )

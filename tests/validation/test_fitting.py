"""Fits to some measured rates that predict the others; an OCV from a slow cycle."""

from pathlib import Path

import numpy as np
import pytest

import tfbsim
from tfbsim.numerics import Numerics
from tfbsim.yaml_file import load_csv

EXAMPLES = Path(__file__).parents[2] / "examples" / "measured"
CAPACITY = "Capacity error [%]"


def errors(found):
    """Capacity errors [%] of the fitted and of the held-out rates."""
    rows = found.curves[found.curves[CAPACITY].notna()]
    return {
        role: rows.loc[rows["Role"] == role, CAPACITY].to_numpy()
        for role in ("fitted", "held out")
    }


@pytest.mark.slow
@pytest.mark.parametrize("held", ["0.5C", "2C", "6C"])
def test_raijmakers_rates_predict_each_other(held, figure):
    """The paper's own model is 2.8 % low at 4-6C, fitted to all rates."""
    name = "raijmakers2020-rate-capability"
    found = tfbsim.fit(name, held_out=[held], starts=2, numerics=Numerics.fast())
    off = errors(found)
    figure(
        "Raijmakers cell, D and sites fitted to three of four rates: end capacity of the "
        "fourth",
        np.abs(off["held out"]).max(),
        at_most=2.0,
        unit="%",
    )
    figure(
        "The same, of the three fitted",
        np.abs(off["fitted"]).max(),
        at_most=1.0,
        unit="%",
    )


@pytest.mark.slow
def test_danilov_at_25_6C_from_the_slower_two(figure):
    """Law D_0 (1 - theta) Theta: one number and a resistance."""
    found = tfbsim.fit(
        EXAMPLES / "fit-danilov2011.yaml", EXAMPLES / "danilov2011.csv", starts=1
    )
    off = errors(found)
    figure(
        "Danilov cell, D_0 and a resistance fitted at 1.6, 6.4C: end capacity at 25.6C",
        np.abs(off["held out"]).max(),
        at_most=2.0,
        unit="%",
    )
    figure(
        "The same, twelve measured voltages at 1.6 and 6.4C, rms",
        found.error("fitted")["voltage [mV]"],
        at_most=8,
        unit="mV",
    )


def test_ocv_of_an_nmc_half_cell(figure):
    branches = [
        load_csv(EXAMPLES / f"nmc-ocv-{name}.csv", 2) for name in ("charge", "discharge")
    ]
    found = tfbsim.fit_ocv(branches, stoichiometry=(0.26, 0.93))
    figure(
        "Multi-site law fitted to a C/50 cycle of an NMC half cell: rms error, outside "
        "the steep ends",
        1e3 * found.rms,
        at_most=1.5,
        unit="mV",
    )
    assert len(found.law.U) <= 7
    assert found.law.curve.falls
    assert set(found.branches) == {"charge", "discharge"}
    # The mean of the branches, which lie 30 mV apart
    assert 10 < 1e3 * np.median(found.half_gap) < 30

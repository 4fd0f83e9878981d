"""The error of the settings themselves, at the shipped cells' top rates.

Each discharge against one at four times the mesh and rtol 1e-8; and the error bar that
`--error-bar` states, from twice the mesh, against what it estimates.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import tfbsim
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case
from tfbsim.solver.error_bar import RICHARDSON, numerical_error

REFERENCE = Numerics(points=1200, rtol=1e-8, atol=1e-10)
DISCHARGES = {  # cell, steps before, discharge
    "Raijmakers, 6C": (
        "lco-lipon-li-raijmakers2020",
        ["Charge at 1C until 4.2 V", "Hold at 4.2 V until C/10"],
        "Discharge at 6C until 3.0 V",
    ),
    "Danilov, 51.2C": (
        "lco-lipon-li-danilov2011",
        [],
        "Discharge at 51.2C until 3.0 V",
    ),
    "NMC811, 4C 1.5-4.3 V": (
        "nmc811-lipon-li",
        ["Charge at 4C until 4.3 V"],
        "Discharge at 4C until 1.5 V",
    ),
    "NMC811, 10C 1.5-4.7 V": (
        "nmc811-lipon-li",
        ["Charge at C/10 until 4.7 V", "Hold at 4.7 V until C/50"],
        "Discharge at 10C until 1.5 V",
    ),
}
# mV, % of capacity
SETTINGS = {
    "Default": (Numerics(), 0.03, 0.001),
    "Fast": (replace(Numerics.fast(), compile=False), 0.1, 0.005),
    "Volumes": (Numerics(mesh="volumes"), 0.1, 0.005),
}


def discharged(name, numerics):
    """The cycle of a discharge, with its error bar where the numerics ask for one."""
    shipped, before, step = DISCHARGES[name]
    cell = tfbsim.load_cell(shipped)
    protocol = Protocol(parse_cycle([step], cell), conditioning=parse_cycle(before, cell))
    (cycle,) = run_case(cell, protocol, numerics).cycles
    assert cycle.outcome == "reached"
    return cycle


@pytest.mark.slow
@pytest.mark.parametrize("name", DISCHARGES)
def test_settings_against_the_reference(name, figure):
    reference = discharged(name, REFERENCE)
    for label, (numerics, millivolts, percent) in SETTINGS.items():
        error = numerical_error(discharged(name, numerics), reference)
        V, Q = 1e3 * error.voltage / RICHARDSON, 100 * error.discharge / RICHARDSON
        figure(f"{label}, {name}: voltage, rms", V, at_most=millivolts, unit="mV")
        figure(f"{label}, {name}: capacity", Q, at_most=percent, unit="%")
    estimate = discharged(name, Numerics(error_bar=True)).numerical_error
    default = numerical_error(discharged(name, Numerics()), reference)
    figure(
        "Error bar of the capacity less the error itself",
        100 * (estimate.discharge - default.discharge / RICHARDSON),
        at_most=0.002,
        unit="%",
    )
    assert not estimate.otherwise


def test_an_error_bar_sees_the_mesh(figure):
    """Volumes, of second order: twice the mesh, a quarter of the error and its bar."""
    name = "Danilov, 51.2C"
    tight = Numerics(rtol=1e-8, atol=1e-10, error_bar=True, mesh="volumes")
    coarse, fine = (discharged(name, replace(tight, points=n)) for n in (50, 100))
    ratio = coarse.numerical_error.discharge / fine.numerical_error.discharge
    figure("Error bar: ratio at half and at whole mesh", ratio, about=(4, 0.5))
    assert coarse.charge == 0
    assert coarse.numerical_error.charge != coarse.numerical_error.charge  # NaN

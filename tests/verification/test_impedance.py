"""Impedance: the linearised model against closed forms and the time domain.

The closed form (:mod:`tfbsim.physics.circuit`) is a solution of the linearised equations
on paper, from the fields of a cell; the spectrum is that of the discretised model.
"""

from __future__ import annotations

import numpy as np
import pybamm
import pytest

import tfbsim
from tfbsim import load_cell
from tfbsim.experiment.frequencies import decades
from tfbsim.physics.circuit import Circuit
from tfbsim.solver.impedance import FREQUENCY

WIDE = decades(1e-4, 1e8, 5)
SHARES = {"cathode.utilisation": 0.6, "cathode.active_fraction": 0.7}
FINITE = {"cathode.electronic_conductivity": "1e-5 S/cm"}
CONSISTENT = {"cathode.electron_path": "consistent"}
CASES = [
    ("lco-lipon-li-raijmakers2020", {}, 0.864),
    ("lco-lipon-li-raijmakers2020", {"cathode.transference": 0.0}, 0.6),
    ("lco-lipon-li-raijmakers2020", SHARES, 0.864),
    ("lco-lipon-li-raijmakers2020", SHARES | FINITE, 0.864),
    ("lco-lipon-li-raijmakers2020", CONSISTENT, 0.7),
    ("lco-lipon-li-raijmakers2020", {"temperature": "60 degC"}, 0.7),
    ("nmc811-lipon-li", {}, 0.6),
    ("lfp-lipon-li", {}, 0.7),
    ("lco-lipon-li-danilov2011", {"anode.anodic_transfer_coefficient": 0.3}, 0.7),
]


@pytest.mark.parametrize(("name", "changes", "x"), CASES)
def test_closed_form(name, changes, x, figure):
    cell = load_cell(name).replace(changes)
    found = tfbsim.impedance(cell, stoichiometry=x, frequencies=WIDE)
    exact = Circuit.of(cell, x).impedance(WIDE)
    figure(
        "1e-4 to 1e8 Hz, with and without t_i, sigma_e and shares of contact: "
        "relative error of Z against the closed form",
        np.abs(found.Z / exact - 1).max(),
        at_most=1e-4,
    )
    assert found.moving == ""


def test_limits(raijmakers, figure):
    """At low frequency a capacitance and W (1/3 - t_i/2), at high the resistances."""
    cell = raijmakers.replace(FINITE)
    circuit = Circuit.of(cell, 0.864)
    ends = tfbsim.impedance(cell, stoichiometry=0.864, frequencies=[1e-6, 1e9]).Z
    film = circuit.warburg * (1 / 3 - circuit.transference / 2)
    behind = circuit.contact + circuit.film
    transfer = circuit.electrolyte + circuit.lithium_transfer + circuit.cathode_transfer
    low = behind + transfer + film + circuit.electron_path / 2
    high = behind + transfer + circuit.electron_path * (1 - circuit.transference)
    reactance = -circuit.warburg / (2 * np.pi * 1e-6 * circuit.diffusion_time)
    claim = "Low- and high-frequency limits: relative error of the resistance"
    figure(claim, ends[0].real / low - 1, at_most=1e-3)
    figure(claim, ends[1].real / high - 1, at_most=1e-3)
    claim = "Low-frequency limit: relative error of the capacitance"
    figure(claim, ends[0].imag / reactance - 1, at_most=1e-3)


@pytest.mark.parametrize("frequency", [0.02, 3.0])
def test_sine_in_time(raijmakers, frequency, figure):
    """PyBaMM solves a sine of 1 mV from rest; what has died away is left out."""
    x = raijmakers.cathode.stoichiometry(3.9)
    cell = raijmakers.replace(FINITE | {"cathode.initial_stoichiometry": x})
    (Z,) = tfbsim.impedance(cell, frequencies=[frequency]).Z / cell.area
    amplitude, w = 1e-3 / abs(Z), 2 * np.pi * frequency
    values = cell.parameter_values()
    values["Current function [A]"] = lambda t: amplitude * pybamm.sin(w * t)
    periods, samples = 8, 400
    simulation = pybamm.Simulation(
        tfbsim.ThinFilmCell(),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11),
    )
    t = np.linspace(0, periods / frequency, periods * samples + 1)
    V = simulation.solve([0, t[-1]], t_interp=t)["Voltage [V]"](t)
    last = t > (periods - 2) / frequency
    at = t[last]
    waves = np.array([np.sin(w * at), np.cos(w * at), np.ones_like(at), at]).T
    (a, b, *_), *_ = np.linalg.lstsq(waves, V[last], rcond=None)
    figure(
        "A sine of 1 mV solved in time: relative difference of Z",
        abs(-(a + 1j * b) / amplitude / Z - 1),
        at_most=1e-3,
    )


def test_fast(raijmakers):
    """Columns, order and area."""
    found = tfbsim.impedance(raijmakers, voltage=3.9)
    table = found.table
    assert next(iter(table)) == FREQUENCY and len(table) == 81
    ohm = table["Z real [Ohm]"] * raijmakers.area * 1e4
    assert np.allclose(ohm, table["Z real [Ohm.cm2]"])
    assert (table["Z imaginary [Ohm.cm2]"] < 0).all()  # never inductive
    assert table["Z real [Ohm.cm2]"].iloc[0] == pytest.approx(467, abs=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"frequencies": [0.0]}, "0 Hz is out of range"),
        ({"frequencies": [-1.0, 1.0]}, "-1 Hz is out of range"),
        ({"frequencies": []}, "list of frequencies"),
        ({"frequencies": ["fast"]}, "frequencies in Hz"),
        ({"voltage": 9.0}, "outside the open-circuit potential"),
        ({"voltage": 3.9, "stoichiometry": 0.8}, "one would do"),
        ({"stoichiometry": 3.0}, "outside the open-circuit potential"),
        ({"temperature": 20.0}, "not a temperature"),
    ],
)
def test_bad_input(raijmakers, options, said):
    with pytest.raises(tfbsim.InputError, match=said):
        tfbsim.impedance(raijmakers, **options)

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
from tfbsim.numerics import Numerics
from tfbsim.physics.circuit import Circuit
from tfbsim.solver.impedance import FREQUENCY

FINE = Numerics(rtol=1e-8, atol=1e-10, voltage_tolerance=1e-7)
WIDE = np.array(decades(1e-4, 1e8, 5))
SHARES = {"cathode.utilisation": 0.6, "cathode.active_fraction": 0.7}
FINITE = {"cathode.electronic_conductivity": "1e-5 S/cm"}
CONSISTENT = {"cathode.electron_path": "consistent"}
CAPACITIES = {
    "cathode.double_layer_capacitance": "0.53 uF/cm2",
    "anode.double_layer_capacitance": "17.4 nF/cm2",
    "electrolyte.relative_permittivity": 13.2,
    "contact_resistance": "18.3 ohm cm2",
}
FACES = {name: CAPACITIES[name] for name in CAPACITIES if "double_layer" in name}
SECOND = {
    "electrolyte.second.material": "LLZO",
    "electrolyte.second.thickness": "2 um",
    "electrolyte.second.interface_resistance": "20 ohm cm2",
}
CASES = [
    ("lco-lipon-li-raijmakers2020", {}, 0.864),
    ("lco-lipon-li-raijmakers2020", {"cathode.transference": 0.0}, 0.6),
    ("lco-lipon-li-raijmakers2020", SHARES, 0.864),
    ("lco-lipon-li-raijmakers2020", SHARES | FINITE, 0.864),
    ("lco-lipon-li-raijmakers2020", CONSISTENT, 0.7),
    ("lco-lipon-li-raijmakers2020", {"temperature": "60 degC"}, 0.7),
    ("nmc811-lipon-li", {}, 0.6),
    ("lfp-lipon-li", {}, 0.7),
    ("lco-lipon-li-raijmakers2020", CAPACITIES, 0.864),
    ("lco-lipon-li-raijmakers2020", CAPACITIES | SHARES | FINITE, 0.864),
    ("lco-lipon-li-raijmakers2020", CAPACITIES | CONSISTENT, 0.7),
    ("nmc811-lipon-li", CAPACITIES, 0.6),
    ("lfp-lipon-li", CAPACITIES | {"cathode.anodic_transfer_coefficient": 0.4}, 0.7),
    ("lco-lipon-steel-ensurge2023", CAPACITIES, 0.7),
    ("lco-lipon-li", SECOND | FACES, 0.7),
    ("lco-lipon-li-danilov2011", {"anode.anodic_transfer_coefficient": 0.3}, 0.7),
]


FILMS = FACES | {"electrolyte.relative_permittivity": 13.2}
FILMS |= {"contact_resistance": "18.3 ohm cm2"}
OPTIONS = ("cathode double layer", "lithium double layer", "electrolyte capacitance")


@pytest.mark.parametrize(("name", "changes", "x"), CASES)
def test_closed_form(name, changes, x, figure):
    cell = load_cell(name).replace(changes)
    found = tfbsim.impedance(cell, stoichiometry=x, frequencies=WIDE)
    exact = Circuit.of(cell, x).impedance(WIDE)
    figure(
        "1e-4 to 1e8 Hz, with and without t_i, sigma_e, shares of contact and "
        "capacitances: relative error of Z against the closed form",
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


def test_a_face_without_exchange_current_lets_nothing_through():
    """i_0 is 0 where every site of the film is taken."""
    cell = load_cell("lco-lipon-li-constant-d")
    assert Circuit.of(cell, cell.cathode.x_max).cathode_transfer == np.inf


@pytest.mark.parametrize("capacities", [{}, CAPACITIES], ids=["resistive", "capacitive"])
@pytest.mark.parametrize("frequency", [0.02, 3.0, 8e3])
def test_sine_in_time(raijmakers, frequency, capacities, figure):
    """What has died away is left out."""
    x = raijmakers.cathode.stoichiometry(3.9)
    cell = raijmakers.replace(FINITE | capacities | {"cathode.initial_stoichiometry": x})
    options = {name: "capacitive" for name in OPTIONS if capacities}
    figure(
        "A sine of 1 mV solved in time: relative difference of Z",
        _sine(cell, options, frequency),
        at_most=1e-3,
    )


@pytest.mark.parametrize("capacities", [{}, FILMS], ids=["resistive", "capacitive"])
@pytest.mark.parametrize("frequency", [0.02, 50.0, 8e3])
def test_sine_in_time_of_a_cell_of_two_films(frequency, capacities, figure):
    cell = load_cell("lmo-lipon-lto").replace(capacities)
    names = (name.replace("lithium", "anode") for name in OPTIONS if capacities)
    options = dict.fromkeys(names, "capacitive") | {"anode": "film"}
    figure(
        "A sine of 1 mV solved in time, an insertion anode: relative difference of Z",
        _sine(cell, options, frequency),
        at_most=1e-3,
    )


def _sine(cell, options, frequency, periods=8, samples=400):
    """Return how far Z is from that of a sine of 1 mV from rest, in PyBaMM."""
    (Z,) = tfbsim.impedance(cell, frequencies=[frequency]).Z / cell.area
    amplitude, w = 1e-3 / abs(Z), 2 * np.pi * frequency
    values = cell.parameter_values()
    values["Current function [A]"] = lambda t: amplitude * pybamm.sin(w * t)
    simulation = pybamm.Simulation(
        tfbsim.ThinFilmCell(options),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11, options={"dt_init": 1e-9}),
    )
    t = np.linspace(0, periods / frequency, periods * samples + 1)
    V = simulation.solve([0, t[-1]], t_interp=t)["Voltage [V]"](t)
    last = t > (periods - 2) / frequency
    at = t[last]
    waves = np.array([np.sin(w * at), np.cos(w * at), np.ones_like(at), at]).T
    (a, b, *_), *_ = np.linalg.lstsq(waves, V[last], rcond=None)
    return abs(-(a + 1j * b) / amplitude / Z - 1)


def test_multisine_in_time(raijmakers, figure):
    """Three sines at once; none is a sum or a multiple of others within the three."""
    x = raijmakers.cathode.stoichiometry(3.9)
    cell = raijmakers.replace(FINITE | CAPACITIES | {"cathode.initial_stoichiometry": x})
    frequency = 10.0 * np.array([3, 7, 13])
    Z = tfbsim.impedance(cell, frequencies=frequency).Z / cell.area
    amplitude, w = 0.5e-3 / abs(Z), 2 * np.pi * frequency
    values = cell.parameter_values()
    values["Current function [A]"] = lambda t: sum(
        float(a) * pybamm.sin(float(k) * t) for a, k in zip(amplitude, w, strict=True)
    )
    simulation = pybamm.Simulation(
        tfbsim.ThinFilmCell({name: "capacitive" for name in OPTIONS}),
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=1e-9, atol=1e-11, options={"dt_init": 1e-9}),
    )
    periods, samples = 4, 2000
    t = np.linspace(0, periods / 10.0, periods * samples + 1)
    V = simulation.solve([0, t[-1]], t_interp=t)["Voltage [V]"](t)
    last = t > (periods - 1) / 10.0
    at = t[last]
    sines, cosines = (part(np.outer(w, at)) for part in (np.sin, np.cos))
    waves = np.vstack([sines, cosines, np.ones_like(at), at]).T
    found, *_ = np.linalg.lstsq(waves, V[last], rcond=None)
    figure(
        "Three sines at once solved in time: relative difference of Z",
        np.abs(-(found[:3] + 1j * found[3:6]) / amplitude / Z - 1).max(),
        at_most=1e-3,
    )


def test_kramers_kronig(raijmakers, figure):
    """A sum of relaxations (Lin-KK; Schoenleber et al., Electrochim. Acta 131 (2014) 20)
    fits the spectrum as well as the closed form of it."""
    cell = raijmakers.replace(CAPACITIES)
    frequency = np.array(decades(1e-2, 8e5, 10))
    found = tfbsim.impedance(cell, voltage=3.9, frequencies=frequency)
    w = 2j * np.pi * frequency[:, None]
    tau = np.geomspace(1 / (2 * np.pi * 8e5), 1 / (2 * np.pi * 1e-2), 30)
    parts = np.hstack([1 / (1 + w * tau), np.ones_like(w), w, 1 / w])

    def residual(Z):
        weighted = parts / np.abs(Z)[:, None]
        matrix = np.vstack([weighted.real, weighted.imag])
        aim = np.concatenate([(Z / np.abs(Z)).real, (Z / np.abs(Z)).imag])
        R, *_ = np.linalg.lstsq(matrix, aim, rcond=None)
        return np.abs(matrix @ R - aim).max()

    exact = residual(found.circuit.impedance(frequency))
    figure(
        "Lin-KK residual over that of the closed form, less 1",
        max(residual(found.Z) / exact - 1, 0),
        at_most=0.01,
    )


def test_pulse_in_time(raijmakers, figure):
    """From a microsecond on, a step of current charges electrolyte, then interfaces.

    Early, the slope is i over all capacitances in series; late, all resistances carry it.
    """
    x = raijmakers.cathode.stoichiometry(3.9)
    cell = raijmakers.replace(CAPACITIES | {"cathode.initial_stoichiometry": x})
    C = Circuit.of(cell, x)
    found = tfbsim.simulate(cell, ["Discharge at 2 uA/cm2 for 0.1 s"], numerics=FINE)
    curve = found.curves.isel(case=0, cycle=0)
    t, V = curve["Time [s]"].values, curve["Voltage [V]"].values
    t, V = t[np.isfinite(t)], V[np.isfinite(t)]
    i, early = 0.02, 2e-7
    inverse = sum(
        1 / c
        for c in (C.cathode_capacitance, C.lithium_capacitance, C.electrolyte_capacitance)
    )
    drop = 3.9 - np.interp(early, t, V)
    assert np.count_nonzero(t < 1e-6) > 5
    figure(
        "A pulse at 0.2 us: drop over that of contact and capacitances, less 1",
        drop / (i * (C.contact + early * inverse)) - 1,
        at_most=0.1,
    )
    rest = C.contact + C.electrolyte + C.cathode_transfer + C.lithium_transfer
    diffusion = (
        C.warburg * (1 - C.transference) * 2 * np.sqrt(0.1 / C.diffusion_time / np.pi)
    )
    figure(
        "A pulse at 0.1 s: drop over that of resistances and diffusion, less 1",
        (3.9 - V[-1]) / (i * (rest + diffusion)) - 1,
        at_most=0.01,
    )


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        (
            "nmc811-lipon-li",
            ["Charge at C/2 until 4.3 V", "Hold at 4.3 V until C/10", "Rest for 10 s"],
        ),
        (
            "lco-lipon-steel-ensurge2023",
            [
                "Charge at C/2 for 10 us",
                "Charge at C/2 until 4 V",
                "Sweep to 3.9 V at 1 mV/s",
            ],
        ),
    ],
)
def test_books(name, steps, figure):
    cell = load_cell(name).replace(CAPACITIES)
    row = tfbsim.simulate(cell, [*steps, "Discharge at 1C until 3 V"]).summary.iloc[0]
    assert row["Outcome"] == "reached"
    worst = max(row["Lithium balance error"], row["Charge balance error"])
    figure("Cycles with double layers: largest balance error", worst, at_most=1e-8)


def test_bare_collector_blocks():
    """Before its first lithium a collector is a capacitance, and no more."""
    cell = load_cell("lco-lipon-steel-ensurge2023").replace(CAPACITIES)
    (Z,) = tfbsim.impedance(cell, frequencies=[1e-2]).Z
    C = float(cell.anode.double_layer_capacitance)
    assert Z.imag == pytest.approx(-1 / (2 * np.pi * 1e-2 * C), rel=1e-3)


def test_capacitance_needs_a_resistance():
    cell = load_cell("nmc811-lipon-li")
    with pytest.raises(tfbsim.InputError, match="contact_resistance above 0"):
        cell.replace(
            {"electrolyte.relative_permittivity": 13.0, "contact_resistance": 0.0}
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

"""Circuits fitted to spectra: values that are known come back, with their intervals."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import tfbsim
from tfbsim.errors import InputError
from tfbsim.fitting.equivalent_circuit import (
    _inductive,
    equivalent_circuit,
    of_spectra,
    relaxation_times,
)

pytest.importorskip("impedance")

FREQUENCY = np.logspace(6, -2, 49)
OMEGA = 2j * np.pi * FREQUENCY
TRUE = {"R0": 10.0, "R1": 200.0, "CPE1, n": 0.85, "R2": 80.0, "Wo2, W": 300.0}
TRUE |= {"Wo2, L2/D": 50.0, "CPE2, n": 0.9}


def _spectrum(noise: float = 0.0, seed: int = 0):
    s = np.sqrt(OMEGA * 50)
    behind = 80 + 300 / (s * np.tanh(s))
    Z = 10 + 200 / (1 + (2e-6 * OMEGA) ** 0.85)
    Z += 1 / (1 / behind + (OMEGA * 80e-6) ** 0.9 / 80)
    parts = np.random.default_rng(seed).normal(size=(2, len(Z)))
    return Z * (1 + noise * (parts[0] + 1j * parts[1]))


MODEL = "R0-p(R1,CPE1)-p(R2-Wo2,CPE2)"


def test_values_come_back():
    """Within their intervals, about as often as 95 % says."""
    inside = []
    for seed in range(3):
        circuit = equivalent_circuit(FREQUENCY, _spectrum(0.003, seed), MODEL)
        assert circuit.determined and circuit.misfit < 0.006
        for name, value, _, low, high in circuit.rows:
            if name in TRUE:
                assert value == pytest.approx(TRUE[name], rel=0.1)
                inside.append(low < TRUE[name] < high)
    assert np.mean(inside) > 0.75


def test_exact_spectrum():
    circuit = equivalent_circuit(FREQUENCY, _spectrum(), MODEL)
    found = {name: value for name, value, *_ in circuit.rows}
    assert all(found[name] == pytest.approx(TRUE[name], rel=1e-3) for name in TRUE)


def test_what_a_spectrum_does_not_tell_is_named():
    """Two resistances in series are one."""
    circuit = equivalent_circuit(
        FREQUENCY, 10 + 200 / (1 + 2e-6 * OMEGA), "R0-R9-p(R1,C1)"
    )
    assert circuit.undetermined and {*circuit.undetermined} <= {"R0", "R9"}
    words = of_spectra({"x": (FREQUENCY, circuit.Z)}, "R0-R9-p(R1,C1)").sentences
    assert "The spectrum does not determine" in words[-1]


@pytest.mark.slow
def test_circuit_is_chosen():
    circuit = equivalent_circuit(FREQUENCY, _spectrum(0.003))
    assert circuit.description == MODEL


def test_inductance_is_fitted():
    Z = 5 + 100 / (1 + 1e-3 * OMEGA) + 2e-6 * OMEGA
    circuit = equivalent_circuit(FREQUENCY, Z, "L0-R0-p(R1,C1)")
    found = {name: value for name, value, *_ in circuit.rows}
    assert found["L0"] == pytest.approx(2e-6, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("henry", "there"), [(0.0, False), (3e-7, True), (3e-6, True), (1e-9, False)]
)
def test_inductance_is_seen(seed, henry, there):
    """Also where it leaves the imaginary part below 0, and not where noise hides it."""
    Z = _spectrum(0.003, seed) + henry * OMEGA
    assert _inductive(FREQUENCY, Z) is there


def test_exact_spectra_of_cells_are_not_inductive():
    found = tfbsim.impedance("lco-lipon-li-raijmakers2020", voltage=3.9)
    assert not _inductive(found.frequency, found.Z)


@pytest.mark.slow
def test_inductance_is_part_of_the_circuit_that_is_chosen():
    henry = 3e-7  # 2 ohm cm2 of reactance at 1 MHz, beside 10 of resistance
    circuit = equivalent_circuit(FREQUENCY, _spectrum(0.003) + henry * OMEGA)
    assert circuit.description == f"L0-{MODEL}"
    (row,) = (row for row in circuit.rows if row[0] == "L0")
    assert row[3] < henry < row[4]


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """Over 40 spectra of independent noise."""
    inside: dict[str, list[bool]] = {}
    for seed in range(40):
        circuit = equivalent_circuit(FREQUENCY, _spectrum(0.003, seed), MODEL)
        for name, _, _, low, high in circuit.rows:
            if name in TRUE:
                inside.setdefault(name, []).append(low < TRUE[name] < high)
    assert len(inside) == len(TRUE)
    assert all(np.mean(each) >= 0.85 for each in inside.values())
    assert 0.9 <= np.mean([*inside.values()]) <= 0.99


def test_no_circuit():
    with pytest.raises(InputError, match=r"--model: 'R\(RC\)\(' is no circuit"):
        equivalent_circuit(FREQUENCY, _spectrum(), "R(RC)(")


def test_relaxation_times():
    pytest.importorskip("pyimpspec")
    Z = 5 + 100 / (1 + 1e-4 * OMEGA) + 50 / (1 + 1e-1 * OMEGA)
    tau, gamma = relaxation_times(FREQUENCY, Z)
    total = float(np.trapezoid(gamma, np.log(tau)))
    assert total == pytest.approx(150, rel=0.1)
    early = tau < 3e-3
    assert tau[early][gamma[early].argmax()] == pytest.approx(1e-4, rel=0.3)
    assert tau[~early][gamma[~early].argmax()] == pytest.approx(1e-1, rel=0.3)


def test_extra_is_missing(monkeypatch):
    """One sentence, with the command that mends it."""
    monkeypatch.setitem(sys.modules, "impedance.models.circuits.fitting", None)
    monkeypatch.setitem(sys.modules, "pyimpspec", None)
    found = of_spectra({"x": (FREQUENCY, _spectrum())})
    assert len(found.missing) == 2 and not found.circuits
    assert all("pip install 'tfbsim[circuit]'" in words for words in found.missing)


def test_cell_without_capacitance():
    found = tfbsim.impedance("lco-lipon-li-raijmakers2020", voltage=3.9)
    circuit = equivalent_circuit(found.frequency, found.Z * 1e4, "R0-W1")
    values = {name: value for name, value, *_ in circuit.rows}
    assert values["R0"] == pytest.approx(466.7, abs=0.2)
    own = found.circuit.table.set_index("Element")["Value"]
    assert values["W1"] == pytest.approx(own["Warburg coefficient"], rel=1e-3)

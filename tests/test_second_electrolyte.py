"""Two films of electrolyte in series, LiPON on LLZO."""

import numpy as np
import pytest

import tfbsim
from tfbsim import InputError, load_cell

LAYERS = {
    "electrolyte.second.material": "LLZO",
    "electrolyte.second.thickness": "2 um",
    "electrolyte.second.interface_resistance": "20 ohm cm2",
    "electrolyte.second.interface_resistance_activation_energy": "0.4 eV",
}


@pytest.fixture(scope="module")
def cell():
    return load_cell("lco-lipon-li").replace(LAYERS)


@pytest.mark.parametrize("temperature", [298.15, 350.0])
def test_resistances_are_in_series(cell, temperature):
    warm, e = cell.replace({"temperature": temperature}), cell.electrolyte
    T_ref, k = cell.reference_temperature, 8.31446261815324

    def film(layer):
        E = layer.conductivity_activation_energy
        sigma = layer.conductivity * T_ref / temperature
        sigma *= np.exp(E / k * (1 / T_ref - 1 / temperature))
        return layer.thickness / sigma

    E = e.second.interface_resistance_activation_energy
    between = e.second.interface_resistance
    between /= np.exp(E / k * (1 / T_ref - 1 / temperature))
    expected = film(e) + film(e.second) + between
    i = cell.one_c_current_density
    curves = tfbsim.simulate(warm, ["Charge at 1C for 1 s"]).curves
    drop = float(curves["Electrolyte voltage drop [V]"].values.ravel()[0])
    assert -drop / i == pytest.approx(expected, rel=1e-9)
    circuit = tfbsim.impedance(warm, frequencies=[1.0], voltage=3.9).circuit
    assert circuit.electrolyte == pytest.approx(expected, rel=1e-9)


def test_the_film_at_the_anode_is_the_one_lithium_reduces(cell):
    latp = cell.replace({"electrolyte.material": "LATP"})
    assert not any("lithium reduces" in note for note in latp.warnings())
    other = cell.replace({"electrolyte.second.material": "LATP"})
    assert any("lithium reduces LATP" in note for note in other.warnings())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"electrolyte.second.material": "LLZ"}, "unknown material 'LLZ'; did you mean"),
        ({"electrolyte.second.thicknes": "1 um"}, "did you mean 'thickness'"),
        ({"electrolyte.electronic_conductivity": "1e-13 S/cm"}, "that is one film"),
    ],
)
def test_mistakes(cell, changes, message):
    with pytest.raises(InputError, match=message):
        cell.replace(changes)

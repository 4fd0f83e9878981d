"""How long cells last: reached, extrapolated on request, and by Arrhenius."""

import numpy as np
import pytest

import tfbsim
from tfbsim import InputError, Numerics, life, run_experiment

QUICK = Numerics(points=30, rtol=1e-6, atol=1e-8)
FILE = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
set:
  reference_temperature: 25 degC
  ageing.site_loss_by_oxidation:
    {rate: 0.001 h-1, potential: 4.0 V, transfer_coefficient: 1e-6,
     activation_energy: 0.5 eV}
steps: [Charge at C/5 until 4.2 V, Discharge at C/5 until 3 V, Rest for 20 hours]
cycles: 12
cases: [{temperature: 25 degC}, {temperature: 45 degC}]
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("life") / "life.yaml"
    path.write_text(FILE)
    return run_experiment(path, numerics=QUICK)


def test_a_life_is_reached_or_said_not_to_be(result):
    found = life(result, 0.6)
    assert found["How"].to_list() == ["not reached", "reached"]
    assert np.isnan(found["Cycles"][0]) and np.isnan(found["Time [d]"][0])
    Q = result.summary.loc[result.summary["Case"] == found["Case"][1]]
    Q = Q["Discharge capacity [mA.h.g-1]"].to_numpy()
    assert np.interp(found["Cycles"][1], np.arange(1, 13), Q) == pytest.approx(0.6 * Q[0])


def test_a_life_is_extrapolated_on_request_and_marked(result):
    found = life(result, 0.6, extrapolate=True)
    assert found["How"].to_list() == ["extrapolated", "reached"]
    assert found["Cycles"][0] > 12 and found["Time [d]"][0] > 10


def test_arrhenius_is_read_off(result):
    """Of two lives that end by lost sites alone, whose rate has 0.5 eV."""
    found = tfbsim.arrhenius(life(result, 0.75))
    assert found["Activation energy [eV]"] == pytest.approx(0.5, rel=0.05)
    with pytest.raises(InputError, match="two temperatures"):
        tfbsim.arrhenius(life(result, 0.6))
    with pytest.raises(InputError, match="share"):
        life(result, 80)

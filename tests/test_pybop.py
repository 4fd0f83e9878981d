"""PyBOP takes the model, where it is installed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))


@pytest.mark.filterwarnings("ignore")
def test_pybop_fits_a_measured_discharge():
    pytest.importorskip("pybop", reason="the extra 'pybop' is not installed")
    import with_pybop

    found, rms = with_pybop.main()
    assert rms < 8e-3
    # The cell's own fit, to more data, has 243 ohm cm2
    assert found["Contact resistance [Ohm.m2]"] == pytest.approx(243e-4, rel=0.3)

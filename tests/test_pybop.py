"""PyBOP takes the model, where it is installed."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))


@pytest.mark.filterwarnings("ignore")
def test_pybop_finds_a_resistance():
    pytest.importorskip("pybop", reason="the extra 'pybop' is not installed")
    import with_pybop

    assert with_pybop.main() == pytest.approx(18.3e-4, rel=0.05)

"""The thickness that still delivers a share of the equilibrium capacity."""

import numpy as np
import pytest

import tfbsim
from tfbsim.errors import InputError
from tfbsim.plot import thickness
from tfbsim.plot.cases import AREAL
from tfbsim.run.thickness import THICKNESS

CELL = "lco-lipon-li-raijmakers2020"
COARSE = {"points": 20}


@pytest.fixture(scope="module")
def found():
    ends = {"lower": 3.0, "upper": "4.2 V", "curve": True}
    return tfbsim.thickness_for(
        CELL, 0.8, ["1C", 5], ["100 uA/cm2"], **ends, numerics=COARSE
    )


def test_the_figure_has_a_curve_for_each_discharge_and_marks_the_roots(found):
    axes = thickness(found).axes
    for ax, name in zip(axes, ["Of equilibrium capacity [%]", AREAL], strict=True):
        lines = ax.get_lines()
        curves, marks = lines[0:6:2], lines[1:6:2]
        for line, mark, row in zip(curves, marks, found.to_dict("records"), strict=True):
            assert mark.get_xydata().tolist() == [[row[THICKNESS], row[name]]]
            at = np.interp(row[THICKNESS], *line.get_xydata().T)
            assert at == pytest.approx(row[name], rel=1e-6)
            assert (np.diff(line.get_xdata()) > 0).all()
            assert line.get_color() == mark.get_color()
    assert "80 %" in thickness(found).get_label()


def test_the_figure_needs_the_curves():
    table = tfbsim.thickness_for(
        CELL, 0.5, ["C/10"], (), 3.0, 4.2, between=(1e-6, 2e-6), numerics=COARSE
    )
    with pytest.raises(InputError, match="curve: must be True"):
        thickness(table)


def test_a_film_of_that_thickness_delivers_the_share(found):
    assert list(found["Discharge"]) == ["1C", "5C", "100 uA/cm2"]
    for discharge, thick in zip(found["Discharge"], found[THICKNESS], strict=True):
        cell = tfbsim.load_cell(CELL).replace({"cathode.thickness": thick * 1e-6})
        result = tfbsim.simulate(
            cell,
            [f"Discharge at {discharge} until 3 V"],
            conditioning=["Charge at C/10 until 4.2 V", "Hold at 4.2 V until C/100"],
            numerics=COARSE,
        )
        share = result.steps["Of equilibrium capacity [%]"].iloc[-1]
        assert share == pytest.approx(80, abs=0.05)


def test_a_higher_rate_takes_a_thinner_film(found):
    assert found[THICKNESS][1] < found[THICKNESS][0]
    assert found["C-rate"][1] == pytest.approx(5)


def test_a_share_that_is_met_everywhere_says_so():
    table = tfbsim.thickness_for(
        CELL, 0.5, ["C/10"], (), 3.0, 4.2, between=(1e-6, 2e-6), numerics=COARSE
    )
    assert table[THICKNESS].isna().all()
    assert table["Note"][0].startswith("2 um gives still ")


@pytest.mark.parametrize("share", [0, 1, 80, True, "most"])
def test_a_share_is_between_0_and_1(share):
    with pytest.raises(InputError, match="share"):
        tfbsim.thickness_for(CELL, share)


def test_cut_offs_are_the_limits_a_cell_states_or_are_asked_for():
    with pytest.raises(InputError, match="states no voltage_limits"):
        tfbsim.thickness_for(CELL, 0.8, ["5C"])
    cell = tfbsim.load_cell(CELL).replace({"voltage_limits": ["3 V", "4.2 V"]})
    one = tfbsim.thickness_for(cell, 0.8, ["5C"], numerics=COARSE)
    other = tfbsim.thickness_for(CELL, 0.8, ["5C"], (), 3.0, 4.2, numerics=COARSE)
    assert one[THICKNESS][0] == pytest.approx(other[THICKNESS][0], rel=1e-6)

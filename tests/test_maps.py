"""The map of capacity over two quantities: when it is drawn, and that it shows the case
each place stands for."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tfbsim import simulate
from tfbsim.experiment.expand import expand
from tfbsim.plot import capacity_map, figures
from tfbsim.plot.cases import Cases
from tfbsim.plot.style import styled
from tfbsim.result.case import CaseResult
from tfbsim.result.curves import NONE
from tfbsim.result.result import Result

THICKNESS, RATE = "cathode.thickness [um]", "C-rate"
AREAL, MASS = "Discharge capacity [uA.h.cm-2]", "Discharge capacity [mA.h.g-1]"
LOSS = "Limiting loss"
RATES, LENGTHS = (0.1, 1.0, 2.0, 5.0, 20.0), (0.1, 0.5, 2.0, 10.0)


@pytest.fixture(scope="module")
def one() -> CaseResult:
    """A case whose tables the tests fill in."""
    steps = ["Discharge at 10C until 3.9 V"]
    return simulate("lco-lipon-li-danilov2011", steps).cases[0]


def filled(one: CaseResult, loss: str | None = None, **columns: Any) -> CaseResult:
    name = ", ".join(f"{v:g}" for v in columns.values())
    length, rate = columns.get(THICKNESS, 1.0), columns.get(RATE, 1.0)
    per_gram = 100 / (1 + rate * length**2)
    row = {**one.rows[0], MASS: per_gram, AREAL: per_gram * length / 2, **columns}
    steps = [{k: v for k, v in s.items() if k != LOSS} for s in one.steps]
    steps = [{**step, "Case": name} for step in steps]
    if loss is not None:
        steps[-1][LOSS] = loss
    return CaseResult(name, [{**row, "Case": name}], steps, one.curves)


def of_grid(
    one: CaseResult,
    loss: Callable[[float, float], str | None] = lambda rate, length: None,
    x: tuple[str, tuple[float, ...]] = (RATE, RATES),
    y: tuple[str, tuple[float, ...]] = (THICKNESS, LENGTHS),
) -> Result:
    return Result(
        [
            filled(one, loss(a, b), **{y[0]: b, x[0]: a})
            for a in reversed(x[1])
            for b in y[1]
        ]
    )


def mark(rate: float, length: float) -> str:
    """The loss of a place in the tests below."""
    if rate * length**2 < 0.1:
        return "none"
    return "Electrolyte" if rate == 20 else "Diffusion in the film"


def drawn(result: Result) -> Any:
    with styled():
        return capacity_map.capacity_map(Cases.of(result))


def panels(figure: Any) -> list[Any]:
    return [ax for ax in figure.axes if ax.get_xlabel() == RATE]


def marks(ax: Any) -> dict[str, set[tuple[float, float]]]:
    return {
        str(line.get_label()): {(x, y) for x, y in line.get_xydata().tolist()}
        for line in ax.get_lines()
    }


def test_a_grid_has_a_map_in_both_units_in_place_of_bars(one):
    result = of_grid(one, mark)
    found = figures(result)
    assert next(iter(found)) == "capacity-map"
    assert "capacity" not in found  # 20 bars would say less
    assert "rate-capability" in found
    words = found["capacity-map"].get_label()
    assert "over C-rate and cathode thickness" in words
    assert "Each case has a mark" in words
    figure = found["capacity-map"]
    left, right = panels(figure)
    assert left.get_ylabel() == "Cathode thickness (µm)"
    assert {ax.get_xscale() for ax in (left, right)} == {"log"}
    assert {ax.get_yscale() for ax in (left, right)} == {"log"}
    bars = {ax.get_xlabel() for ax in figure.axes} - {RATE}
    assert bars == {"Discharge capacity (µAh cm⁻²)", "Discharge capacity (mAh g⁻¹)"}


def test_each_case_is_marked_by_its_limiting_loss_in_both_panels(one):
    figure = drawn(of_grid(one, mark))
    expected: dict[str, set[tuple[float, float]]] = {}
    for rate in RATES:
        for length in LENGTHS:
            expected.setdefault(mark(rate, length), set()).add((rate, length))
    assert len(expected) == 3
    for ax in panels(figure):
        assert marks(ax) == expected
        shapes = [line.get_marker() for line in ax.get_lines()]
        assert len(set(shapes)) == 3  # told apart without colour
    (legend,) = figure.legends
    assert {t.get_text() for t in legend.get_texts()} == set(expected)
    assert legend.get_title().get_text() == "Limiting loss"


@pytest.mark.parametrize("loss", [None, "", float("nan")])
def test_without_a_limiting_loss_there_are_no_marks_and_no_legend(one, loss):
    figure = drawn(of_grid(one, lambda rate, length: loss))
    assert not any(marks(ax) for ax in panels(figure))
    assert not figure.legends


def test_a_loss_of_another_name_is_marked_too(one):
    figure = drawn(of_grid(one, lambda rate, length: "$Cracks_"))
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == [r"\$Cracks_"]


def test_contours_lie_between_the_cases_that_bracket_them(one):
    result = of_grid(one, mark)
    grid = capacity_map.grid_of(Cases.of(result))
    values = grid.values(MASS)
    assert values.shape == (len(RATES), len(LENGTHS))
    _, right = panels(drawn(result))
    lines = right.collections[-1]
    assert len(lines.levels) >= 4
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        for rate, length in path.vertices:
            i = min(np.searchsorted(RATES, rate), len(RATES) - 1)
            j = min(np.searchsorted(LENGTHS, length), len(LENGTHS) - 1)
            near = values[max(i - 1, 0) : i + 1, max(j - 1, 0) : j + 1]
            assert near.min() * (1 - 1e-9) <= level <= near.max() * (1 + 1e-9)


def test_the_numbers_on_the_contours_are_levels_and_clear_of_the_marks(one):
    figure = drawn(of_grid(one, mark))
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    numbered = 0
    for ax in panels(figure):
        lines = ax.collections[-1]
        at = [line.get_xydata() for line in ax.get_lines()]
        points = ax.transData.transform(np.concatenate(at))
        boxes = [t.get_window_extent(renderer) for t in lines.labelTexts]
        for text in lines.labelTexts:
            assert float(text.get_text()) in lines.levels
        for k, box in enumerate(boxes):
            centre = (box.min + box.max) / 2
            clear = np.hypot(*(points - centre).T).min() * 72 / figure.dpi
            assert clear > 0.9 * capacity_map.CLEAR
            assert not any(box.overlaps(other) for other in boxes[:k])
        numbered += len(boxes)
    assert numbered >= 4


def test_failed_cases_leave_a_gap(one):
    result = of_grid(one, mark)
    failed = result.cases[7]
    nothing = {name: 0.0 for name in failed.rows[0] if " capacity [" in name}
    rows = [row | nothing for row in failed.rows]
    result.cases[7] = CaseResult(failed.name, rows, failed.steps, NONE)
    grid = capacity_map.grid_of(Cases.of(result))
    assert np.isnan(grid.values(AREAL)).sum() == 1
    figure = drawn(result)
    at = {pair for place in marks(panels(figure)[0]).values() for pair in place}
    assert len(at) == len(result.cases) - 1
    gaps = capacity_map._gaps(np.isnan(grid.values(AREAL)))
    fields = (
        (len(RATES) - 1) * capacity_map.FINE + 1,
        (len(LENGTHS) - 1) * capacity_map.FINE + 1,
    )
    assert gaps.shape == fields
    # a case on the edge: two fields without their lines
    assert gaps.sum() == 2 * (capacity_map.FINE - 1) ** 2


def test_all_of_one_capacity_is_one_colour(one):
    result = of_grid(one, mark)
    for case in result.cases:
        case.rows[0] |= {AREAL: 0.0, MASS: 0.0}
    assert len(panels(drawn(result))) == 2


def test_what_is_no_grid_has_no_map(one):
    whole = of_grid(one, mark).cases
    few = of_grid(one, mark, x=(RATE, RATES[:3])).cases
    three = [filled(one, **{THICKNESS: c.rows[0][THICKNESS]}) for c in whole[:3]]
    third = [*whole[:-1], filled(one, **{THICKNESS: 10.0, RATE: 0.1, "cracks": 2.0})]
    same = whole[0].rows[0]
    again = CaseResult("again", [{**same, "Case": "again"}], one.steps, one.curves)
    twice = [*whole, again]
    # a diagonal: as many values, but not a grid of them
    pairs = list(zip(RATES, (*LENGTHS, 20.0), strict=True))
    diagonal = [filled(one, **{THICKNESS: b, RATE: a}) for a, b in pairs]
    for some in (few, three, third, twice, diagonal, whole[:1]):
        assert capacity_map.grid_of(Cases.of(Result(some))) is None
        assert drawn(Result(some)) is None


def test_a_grid_of_currents_is_one_though_the_c_rate_varies_with_both(one):
    current = "rate [uA.cm-2]"
    currents = (10.0, 20.0, 50.0, 100.0)
    result = of_grid(one, mark, x=(current, currents))
    for case in result.cases:
        row = case.rows[0]
        row[RATE] = row[current] / row[THICKNESS]
    grid = capacity_map.grid_of(Cases.of(result))
    assert grid.columns == (current, THICKNESS)
    assert drawn(result).axes[0].get_xlabel() == "Rate (µA cm⁻²)"


def test_a_short_range_is_linear_and_one_loading_is_one_panel(one):
    temperatures = ("temperature [degC]", (10.0, 20.0, 30.0, 40.0))
    figure = drawn(of_grid(one, mark, y=temperatures))
    (panel,) = panels(figure)
    assert panel.get_xscale() == "log"
    assert panel.get_yscale() == "linear"
    assert panel.get_ylabel() == "Temperature (°C)"


def test_the_map_has_the_same_bytes_every_time(one):
    written = []
    for _ in range(2):
        buffer = io.BytesIO()
        with styled():
            drawn(of_grid(one, mark)).savefig(buffer, dpi=100)
        written.append(buffer.getvalue())
    assert written[0] == written[1]


@pytest.mark.parametrize("cathode", ["lco", "nmc811"])
def test_the_shipped_maps_are_grids_of_rate_and_thickness(cathode):
    expanded = expand(f"{cathode}-rate-thickness-map")
    lengths = {case.varied[THICKNESS] for case in expanded.cases}
    rates = {case.values["rate"] for case in expanded.cases}
    assert len(expanded.cases) == len(lengths) * len(rates)
    assert min(len(lengths), len(rates)) >= capacity_map.LEAST

"""Figures: which there are, and that what is drawn is what was computed."""

import dataclasses
import io
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim import simulate
from tfbsim.data.measured import Measured, Spectrum
from tfbsim.errors import InputError
from tfbsim.plot import curves, dqdv, drawing, figures, labels, style
from tfbsim.plot.cases import Cases
from tfbsim.plot.samples import Samples
from tfbsim.result.case import CaseResult
from tfbsim.result.result import Result

CELL = "lco-lipon-li-raijmakers2020"
CYCLE = [
    "Charge at 1C until 4.2 V",
    "Hold at 4.2 V until C/10",
    "Rest for 10 minutes",
    "Discharge at 1C until 3.0 V",
]


@pytest.fixture(scope="module")
def single() -> Result:
    return simulate(CELL, CYCLE, cycles=4)


@pytest.fixture(scope="module")
def rates() -> Result:
    return tfbsim.run_experiment("raijmakers2020-rate-capability")


def renamed(result: Result, name: str, of_cell: str = "", **columns: float) -> CaseResult:
    case = result.cases[0]
    rows = [{**row, "Case": name, **columns} for row in case.rows]
    steps = [{**row, "Case": name} for row in case.steps]
    return CaseResult(name, rows, steps, case.curves, cell=of_cell)


def of_two_cells(result: Result, column: str, values: list[float]) -> Result:
    """The values in two cells, whose cut-offs differ too."""
    cells = [("LCO | LiPON | Li", 3.0), ("NMC | LiPON | Li, 2 uAh", 1.5)]
    return Result(
        [
            renamed(
                *(result, f"{cell} {v}", cell), **{column: v, "Lower cut-off [V]": low}
            )
            for cell, low in cells
            for v in values
        ]
    )


def lines(axes):
    return [line.get_xydata() for line in axes.get_lines() if len(line.get_xydata()) > 1]


def test_a_curve_wholly_under_another_is_told():
    wide = simulate(CELL, ["Discharge at 1C until 3 V"], conditioning=CYCLE[:2])
    narrow = simulate(CELL, ["Discharge at 1C until 3.85 V"], conditioning=CYCLE[:2])
    drawn = Result(
        [
            renamed(narrow, "narrow", **{"a [V]": 1.0}),
            renamed(wide, "wide", **{"a [V]": 2.0}),
        ]
    )
    figure = figures(drawn)["voltage-capacity"]
    assert figure.get_suptitle() == "hidden: 1 V under 2 V"


def test_a_single_cycled_case_has_these_figures(single):
    assert list(figures(single)) == [
        *("voltage-capacity", "cycling", "dqdv", "losses", "energy"),
        *("concentration", "voltage-time"),
    ]


def test_a_rate_experiment_has_these_figures(rates):
    assert list(figures(rates)) == [
        *("voltage-capacity", "capacity", "rate-capability", "dqdv", "concentration"),
    ]


def test_nothing_solved_draws_nothing():
    failed = simulate(CELL, CYCLE, cycles=1).cases[0]
    bare = failed.curves.drop_vars([str(v) for v in failed.curves.data_vars])
    assert figures(Result([CaseResult("base", failed.rows, failed.steps, bare)])) == {}


def test_branches_end_at_the_capacities_of_the_summary(single):
    axes = figures(single)["voltage-capacity"].axes[0]
    row = single.summary.iloc[-1]
    last = lines(axes)[:2]
    # CC and CV count on; the rest between charge and discharge is not drawn
    assert last[0][-1, 0] == pytest.approx(row["Charge capacity [mA.h.g-1]"], rel=1e-9)
    assert last[1][-1, 0] == pytest.approx(row["Discharge capacity [mA.h.g-1]"], rel=1e-9)
    charge = last[0]
    assert charge[0, 0] == 0
    assert np.all(np.diff(charge[:, 0]) >= 0)
    assert charge[-1, 1] == pytest.approx(4.2)
    assert last[1][-1, 1] == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize(
    "draw", [curves.voltage_capacity, curves.voltage_time, dqdv.draw]
)
def test_figures_of_voltage_need_the_samples_alone(single, draw):
    with style.styled():
        bare, whole = draw(Cases(Samples(single.samples))), draw(Cases.of(single))
    for ax, same in zip(bare.axes, whole.axes, strict=True):
        assert len(ax.get_lines()) == len(same.get_lines())
        for one, other in zip(lines(ax), lines(same), strict=True):
            assert np.array_equal(one, other)


def test_the_rate_figure_shows_summary_and_measured_values(rates):
    axes = figures(rates)["rate-capability"].axes[0]
    simulated = lines(axes)[0]
    name = "Discharge capacity [uA.h.cm-2]"  # the unit of the measured values
    assert simulated[:, 0] == pytest.approx(rates.summary["C-rate"].to_numpy())
    assert simulated[:, 1] == pytest.approx(rates.summary[name].to_numpy())
    points = [p.get_xydata()[0] for p in axes.get_lines() if len(p.get_xydata()) == 1]
    assert sorted(y for _, y in points) == sorted(p["Measured"] for p in rates.measured)
    assert axes.get_xscale() == "log"


def test_bars_are_the_capacities_and_measured_points_lie_on_their_case(rates):
    axes = figures(rates)["capacity"].axes[0]
    name = "Discharge capacity [uA.h.cm-2]"
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == pytest.approx(rates.summary[name].tolist())
    names = [t.get_text() for t in axes.get_yticklabels()]
    for point, line in zip(rates.measured, axes.get_lines(), strict=True):
        (at,) = line.get_xydata()
        assert names[round(at[1])] == point["Case"]
        assert at[0] == point["Measured"]


def test_a_varied_field_is_drawn_in_both_units_and_in_order(single):
    values = [4.0, 1.0, 40.0]
    cases = [
        renamed(
            single,
            f"case {v:g}",
            **{
                "cathode.thickness [um]": v,
                "Discharge capacity [uA.h.cm-2]": 10 * v,
                "Discharge capacity [mA.h.g-1]": 50 + v,
            },
        )
        for v in values
    ]
    figure = figures(Result(cases))["capacity-cathode.thickness"]
    by_mass, by_area = figure.axes[:2]
    assert lines(by_mass)[0].tolist() == [[1, 51], [4, 54], [40, 90]]
    assert lines(by_area)[0].tolist() == [[1, 10], [4, 40], [40, 400]]
    assert by_area.get_xlabel() == "Cathode thickness (µm)"
    assert by_area.get_xscale() == "log"


def test_many_cases_are_a_stated_selection_with_a_colour_bar(single):
    field = "electrolyte.conductivity [S.cm-1]"
    cases = [renamed(single, f"c{k}", **{field: 1e-7 * 1.1**k}) for k in range(40)]
    figure = figures(Result(cases))["voltage-capacity"]
    assert figure.get_suptitle() == "24 of 40 cases, evenly chosen"
    assert any("conductivity" in ax.get_ylabel() for ax in figure.axes)


def test_a_list_of_windows_and_rates_shows_every_case(single):
    windows = [(3.0, 4.3), (3.0, 4.5), (2.5, 4.7), (2.0, 4.7), (1.5, 4.7)]
    cases = [
        renamed(
            single,
            f"{low}-{high} {rate}",
            **{"C-rate": rate, "Lower cut-off [V]": low, "Upper cut-off [V]": high},
        )
        for low, high in windows
        for rate in (0.5, 1.0)
    ]
    figure = figures(Result(cases))["dqdv"]
    assert [ax.get_title() for ax in figure.axes] == ["C/2", "1C"]
    assert [len(lines(ax)) > 5 for ax in figure.axes] == [True, True]
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[:5] == [f"{low}–{high} V" for low, high in sorted(windows)]


@pytest.mark.parametrize("field", ["C-rate", "cathode.thickness [um]"])
def test_several_cells_have_a_panel_each(single, field):
    drawn = figures(of_two_cells(single, field, [0.5, 1.0, 2.0]))
    name = "rate-capability" if field == "C-rate" else "capacity-cathode.thickness"
    lines_of = [text.get_text() for text in drawn[name].legends[0].get_texts()]
    assert lines_of == ["LCO", "NMC"]
    for figure in (drawn["voltage-capacity"], drawn["dqdv"]):
        titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
        assert titles == ["LCO", "NMC"]
    told = [text.get_text() for text in drawn["dqdv"].legends[0].get_texts()][:3]
    assert told == (
        ["C/2", "1C", "2C"] if field == "C-rate" else ["0.5 µm", "1 µm", "2 µm"]
    )
    bars = drawn["capacity"].axes
    assert [ax.get_title() for ax in bars] == ["LCO", "NMC"]
    assert all([t.get_text() for t in ax.get_yticklabels()] == told for ax in bars)
    titles = [ax.get_title() for ax in drawn["voltage-time"].axes]
    assert titles == [f"{cell}, {value}" for cell in ("LCO", "NMC") for value in told]


def test_one_case_of_each_cell_is_named_by_it(single):
    drawn = figures(of_two_cells(single, "C-rate", [1.0]))
    told = [text.get_text() for text in drawn["voltage-capacity"].legends[0].get_texts()]
    assert told[:2] == ["LCO", "NMC"]
    labels = [t.get_text() for t in drawn["capacity"].axes[0].get_yticklabels()]
    assert labels == ["LCO", "NMC"]


def test_a_selection_has_as_many_panels_of_each_cell(single):
    result = of_two_cells(single, "cathode.thickness [um]", [*range(1, 11)])
    cases = [
        renamed(
            *(Result([case]), f"{case.name} {rate}", case.cell), **{"C-rate": float(rate)}
        )
        for case in result.cases
        for rate in (1, 2, 4)
    ]
    figure = figures(Result(cases))["voltage-capacity"]
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == ["LCO\n1C", "LCO\n4C", "NMC\n1C", "NMC\n4C"]
    assert figure.get_suptitle() == "24 of 60 cases, evenly chosen"


@pytest.mark.parametrize(
    "names, short",
    [
        (["LCO | LiPON | Li", "NMC | LiPON | Li"], ["LCO", "NMC"]),
        (["LCO | LiPON", "LCO | Li3PO4"], ["LCO | LiPON", "LCO | Li3PO4"]),
        (["A" * 30, "A" * 31], ["1. " + "A" * 23 + "…", "2. " + "A" * 23 + "…"]),
        (["LCO", "LCO | LiPON"], ["LCO", "LCO | LiPON"]),
    ],
)
def test_cells_are_named_by_what_tells_them_apart(names, short):
    assert labels.short_names(names) == short


def test_differential_capacity_integrates_to_the_capacity():
    V = np.concatenate([[3.52, 3.5], np.linspace(3.5, 4.2, 150)])  # a step back at first
    Q = np.concatenate([[0.0, 0.1], 0.1 + 100 / (1 + np.exp(-(V[2:] - 3.9) / 0.02))])
    grid, slope = dqdv.differential_capacity(V, Q)
    assert np.trapezoid(slope, grid) == pytest.approx(Q[-1] - Q[0], rel=1e-3)
    assert grid[np.argmax(slope)] == pytest.approx(3.9, abs=0.003)
    # smoothing takes off the width of the Gaussian and no more
    assert slope.max() == pytest.approx(100 / 4 / 0.02, rel=0.05)
    back, reverse = dqdv.differential_capacity(V[:1:-1], (Q[-1] - Q)[:1:-1])
    assert np.interp(3.9, back, reverse) == pytest.approx(
        np.interp(3.9, grid, slope), rel=1e-2
    )


def test_a_held_voltage_has_no_differential_capacity():
    assert dqdv.differential_capacity(np.full(50, 4.2), np.arange(50.0)) is None


def test_losses_reach_from_open_circuit_to_the_voltage(single):
    cases = Cases.of(single)
    step = cases.samples.last_branch(*cases.rows)
    axes = figures(single)["losses"].axes[0]
    top, bottom = lines(axes)
    assert top[:, 1] == pytest.approx(step["Open-circuit voltage [V]"])
    assert bottom[:, 1] == pytest.approx(step["Voltage [V]"])
    # band below band, each from where the one above it ends
    bands = axes.collections
    assert len(bands) == 5
    n = len(step["Voltage [V]"])
    level = top[:, 1]
    for band in bands:
        outline = band.get_paths()[0].vertices
        lower, upper = outline[1 : n + 1, 1], outline[n + 2 : 2 * n + 2, 1][::-1]
        assert upper == pytest.approx(level, abs=2e-4)
        level = lower
    assert level == pytest.approx(bottom[:, 1], abs=2e-4)


def test_bars_of_energy_are_the_table(single):
    axes, right = figures(single)["energy"].axes
    table = single.losses
    row = table[table["Step number"] == 0].iloc[-1]
    widths = {c.get_label(): c.patches[0].get_width() for c in axes.containers}
    for name, width in widths.items():
        share = 100 * row[f"{name} [uW.h.cm-2]"] / row["Energy in [uW.h.cm-2]"]
        assert width == pytest.approx(share)
    assert set(widths) >= {"Diffusion in the film", "Electrolyte"}
    (shown,) = [text.get_text() for text in right.get_yticklabels()]
    assert shown == f"{row['Energy efficiency [%]']:.1f}"
    assert sum(widths.values()) == pytest.approx(100 - float(shown), abs=0.1)


def test_energy_is_drawn_of_at_most_twenty_cases(single):
    cases = [renamed(single, f"c{k}") for k in range(21)]
    assert len(figures(Result(cases[:20]))["energy"].axes[0].get_yticks()) == 20
    assert "energy" not in figures(Result(cases))


def test_what_is_left_in_the_cell_is_drawn_apart():
    first = simulate(CELL, ["Charge at 1C until 4.1 V", "Discharge at 1C until 3.9 V"])
    axes = figures(first)["energy"].axes[0]
    assert "Left in the cell" in [c.get_label() for c in axes.containers]


def test_the_second_lithium_is_marked_and_told():
    steps = ["Charge at 1C until 4.3 V", "Discharge at 1C until 1.5 V"]
    result = simulate("nmc811-lipon-li", steps)
    share = result.summary["Second lithium at end of discharge [%]"][0]
    one = figures(result)["concentration"].axes[0]
    assert f"{share:.1f} %" in one.get_title()
    assert [1, 1] in [line[:, 1].tolist() for line in lines(one)]
    two = Result([renamed(result, name) for name in ("a", "b")])
    told = figures(two)["concentration"].legends[0].get_texts()
    assert sorted(t.get_text() for t in told) == [f"{n}: {share:.1f} %" for n in "ab"]
    cells = Result(
        [renamed(result, f"{n}{r}", n, **{"C-rate": r}) for n in "ab" for r in (1, 2)]
    )
    for ax in figures(cells)["concentration"].axes:  # a line on a line: told once
        assert [text.get_text() for text in ax.texts] == [f"{share:.1f} %"]


def test_png_bytes_do_not_depend_on_settings_or_on_saving(rates, tmp_path):
    first = drawing.rendered(figures(rates))
    rates.save(tmp_path / "out", figures=False)
    again = tfbsim.load_result(tmp_path / "out")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True}):
        second = drawing.rendered(figures(again))
    assert first == second
    for content in first.values():
        assert content.startswith(b"\x89PNG")
        assert b"Software" not in content and b"tEXt" not in content


def test_hostile_names_are_drawn_as_text(single):
    names = ["$x^$ \\frac{", "_hidden", "电池 \U0001f50b", "<b>", "n" * 300, "a\nb"]
    result = Result([renamed(single, name) for name in names])
    for figure in figures(result).values():
        with io.BytesIO() as buffer:
            figure.savefig(buffer)


@pytest.mark.parametrize(
    "column, label",
    [
        ("cathode.thickness [um]", "Cathode thickness (µm)"),
        ("rate [uA.cm-2]", "Rate (µA cm⁻²)"),
        ("anode.exchange_current [Ohm.cm2]", "Anode exchange current (Ω cm²)"),
        ("temperature [degC]", "Temperature (°C)"),
        ("cathode.utilisation", "Cathode utilisation"),
    ],
)
def test_columns_become_axis_labels(column, label):
    assert labels.axis_label(column) == label


def test_values_become_labels():
    columns = ("C-rate", "Lower cut-off [V]", "Upper cut-off [V]", "cathode.d [S.cm-1]")
    label = labels.key_label(columns, (0.1, 3.0, 4.25, 3e-6))
    assert label == "C/10, 3×10⁻⁶ S cm⁻¹, 3.0–4.25 V"
    assert labels.key_label(columns, (2.0, 3.0, None, None)) == "2C, from 3.0 V"


def test_a_voltammogram_shows_the_ramps(tmp_path):
    steps = ["Rest for 1 s", "Sweep to 4.0 V at 10 mV/s", "Sweep to 3.8 V at 10 mV/s"]
    result = tfbsim.simulate("lco-lipon-li-raijmakers2020", steps, cycles=2)
    (axes,) = figures(result)["voltammogram"].axes
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 4  # two ramps of the last cycle, and of the first
    assert max(line.get_xdata().max() for line in lines) == pytest.approx(4.0, abs=1e-6)


def test_no_voltammogram_without_ramps(rates):
    assert "voltammogram" not in figures(rates)


class TestOfMeasuredFiles:
    """The figures of V(t) and of spectra are those of a result."""

    CELL = "lco-lipon-li-raijmakers2020"

    def both(self, steps, folder, cycles=2) -> tuple[Result, Measured]:
        result = tfbsim.simulate(self.CELL, steps, cycles=cycles)
        (path,) = result.export(folder / "x.bdf.csv")
        return result, tfbsim.read_measured(path, tfbsim.load_cell(self.CELL))

    def test_they_are_those_of_the_result_it_was_exported_from(self, tmp_path):
        steps = ["Discharge at 1C until 3.0 V", "Charge at 1C until 4.2 V"]
        result, measured = self.both(steps, tmp_path)
        simulated, found = figures(result), figures(measured)
        assert list(found) == ["voltage-capacity", "dqdv", "voltage-time"]
        loading = 100 * tfbsim.load_cell(self.CELL).loading  # mg/cm2
        scales = {"voltage-capacity": (loading, 1), "dqdv": (1, loading)}
        for name, figure in found.items():
            pairs = zip(simulated[name].axes[0].lines, figure.axes[0].lines, strict=True)
            for ours, theirs in pairs:
                of_x, of_y = scales.get(name, (1, 1))
                x, y = (
                    np.asarray(a, float) for a in (ours.get_xdata(), ours.get_ydata())
                )
                assert theirs.get_xdata() == pytest.approx(of_x * x, rel=1e-6, abs=1e-6)
                assert theirs.get_ydata() == pytest.approx(of_y * y, rel=1e-6, abs=1e-3)
            assert figure.get_label() == simulated[name].get_label()
        assert "cm⁻²" in found["voltage-capacity"].axes[0].get_xlabel()

    @pytest.mark.parametrize("noise", [0.0, 1e-4])
    def test_ramps_show_in_the_samples(self, noise, tmp_path):
        steps = ["Sweep to 4.0 V at 1 mV/s", "Sweep to 3.6 V at 1 mV/s"]
        _, measured = self.both(["Rest for 1 minute", *steps], tmp_path)
        rng = np.random.default_rng(0)
        noisy = [
            dataclasses.replace(
                s, voltage=s.voltage + noise * rng.normal(size=len(s.voltage))
            )
            for s in measured.segments
        ]
        measured = dataclasses.replace(measured, segments=tuple(noisy))
        (axes,) = figures(measured)["voltammogram"].axes
        points = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) > 2]
        assert min(map(np.min, points)) == pytest.approx(3.6, abs=0.01)
        assert max(map(np.max, points)) == pytest.approx(4.0, abs=0.01)
        with pytest.raises(InputError, match="no figure 'losses' of this record"):
            tfbsim.plot.figure(measured, "losses")

    def test_curves_of_a_table_are_cases(self):
        table = pd.DataFrame({"U (V)": [4.0, 3.9, 3.8, 3.5], "Q (uAh/cm2)": [0, 3, 6, 9]})
        second = table.assign(**{"U (V)": [3.9, 3.8, 3.7, 3.4]})
        data = pd.concat([table, second], ignore_index=True)
        figure = tfbsim.plot.figure(tfbsim.read_measured(data), "voltage-capacity")
        (key,) = figure.legends
        assert [text.get_text() for text in key.get_texts()] == ["curve 1", "curve 2"]
        assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [4, 4]

    def test_spectra_are_points(self):
        f, Z = np.geomspace(1e5, 1, 30), 10 / (1 + 1j * np.geomspace(1e-3, 1e3, 30)[::-1])
        spectrum = Spectrum(f, Z * 1e-4, "spectrum 1")
        found = figures(Measured("z", Path("z"), (), spectra=(spectrum,)))
        assert list(found) == ["nyquist", "bode"]
        line = found["nyquist"].axes[0].lines[0]
        assert line.get_linestyle() == "None"
        assert line.get_xdata() == pytest.approx(Z.real)

    def test_on_one_axes_with_a_result(self, tmp_path):
        result, measured = self.both(["Discharge at 1C until 3.0 V"], tmp_path, 1)
        figure = tfbsim.overlay(simulated=result, measured=measured)
        ours, theirs = figure.axes[0].lines
        told = [text.get_text() for text in figure.legends[0].get_texts()]
        assert told == ["simulated", "measured"]
        assert theirs.get_xdata() == pytest.approx(ours.get_xdata(), rel=1e-6, abs=1e-6)
        assert "cm⁻²" in figure.axes[0].get_xlabel()


def of_windows(result: Result) -> Result:
    """Windows at two rates, out of order."""
    windows = [(3.0, 4.5), (3.0, 4.3), (2.5, 4.7)]
    cases = [
        renamed(
            *(result, f"{low}-{high} {rate}"),
            **{"C-rate": rate, "Lower cut-off [V]": low, "Upper cut-off [V]": high},
        )
        for low, high in windows
        for rate in (1.0, 0.5)
    ]
    return Result(cases)


def test_a_colour_says_the_same_in_every_figure(single):
    meaning: dict[str, set[str]] = {}
    for figure in figures(of_windows(single)).values():
        for legend in figure.legends:
            for line in legend.get_lines():
                if line.get_label()[:1].isdigit() and line.get_color() != "0.25":
                    window = line.get_label().split(", ")[-1]
                    meaning.setdefault(str(line.get_color()), set()).add(window)
    assert len(meaning) == 3
    assert all(len(windows) == 1 for windows in meaning.values())


def test_measured_points_are_hollow_black_and_named(rates):
    for name in ("capacity", "rate-capability"):
        figure = figures(rates)[name]
        points = [p for p in figure.axes[0].get_lines() if p.get_marker() == "o"]
        assert len(points) == len(rates.measured)
        assert all(p.get_markerfacecolor() == "none" for p in points)
        assert all(p.get_markeredgecolor() in ("k", "black") for p in points)
        told = [text.get_text() for text in figure.legends[0].get_texts()]
        assert any(words.startswith("measured") for words in told)


def test_curves_that_coincide_are_named(single):
    drawn = figures(of_windows(single))["voltage-capacity"]
    assert "the same curve: " in drawn.get_suptitle()


def test_of_rows_each_says_what_coincides_in_it(single):
    half = {"Discharge capacity [mA.h.g-1]": 30.0}
    found = Result([renamed(single, "one"), renamed(single, "other", **half)])
    note = figures(found)["cycling"].get_suptitle()
    assert note == (
        "capacity, charge, the same curve: one = other; "
        "coulombic efficiency, the same curve: one = other"
    )


def test_time_runs_through_cycles_that_follow_one_another(single):
    """Of cycles 1, 2 and 4 a line would cross a gap; it ends with the second."""
    case = renamed(single, "one")
    some = case.curves.sel(cycle=[1, 2, 4])
    gapped = CaseResult("one", case.rows, case.steps, some)
    drawn = figures(Result([gapped]))["voltage-time"]
    assert "in cycles 1 to 2, of those whose curves are kept" in drawn.get_label()
    end = float(case.curves["Time [s]"].sel(cycle=2).max())
    assert 3600 * drawn.axes[0].lines[0].get_xdata()[-1] == pytest.approx(end)


def test_no_axis_cuts_a_curve(rates):
    for name in ("voltage-capacity", "concentration"):
        (axes, *_) = figures(rates)[name].axes
        low, high = axes.get_xlim()
        assert all(
            low < line[:, 0].min() and line[:, 0].max() < high for line in lines(axes)
        )


def test_pulses_are_drawn_all():
    steps = ["Discharge at 1C for 5 minutes", "Rest for 5 minutes"] * 3
    result = simulate(CELL, steps)
    total = result.summary["Discharge capacity [mA.h.g-1]"][0]
    drawn = figures(result)
    *_, voltage = lines(drawn["losses"].axes[0])
    assert voltage[-1, 0] == pytest.approx(total)
    assert "3 pulses" in drawn["concentration"].get_label()
    assert len(drawn["concentration"].axes[0].get_lines()) == 4


def test_a_voltage_that_turns_back_makes_no_spike():
    q = np.linspace(0, 1, 400)
    V = 4 - 0.1 * np.exp(-q / 0.02) * (q > 0) + 0.2 * q
    bump = V + 0.1 * np.exp(-(((q - 0.02) / 0.01) ** 2))  # up and back down at first
    _, smooth = dqdv.differential_capacity(V, q)
    _, found = dqdv.differential_capacity(bump, q)
    assert found.max() < 1.5 * smooth.max()


def test_one_figure_is_drawn_by_name(single):
    figure = single.plot("voltage-capacity")
    assert figure.axes[0].get_ylabel() == "Voltage (V)"
    with pytest.raises(tfbsim.InputError, match="did you mean 'voltage-time'"):
        single.plot("voltage-tim")


@pytest.mark.parametrize("format, start", [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_vectors_too_the_same_every_time(single, format, start):
    first, second = (drawing.rendered(figures(single), format) for _ in range(2))
    assert first == second and "dqdv" in first
    assert all(content.startswith(start) for content in first.values())


def test_two_results_share_axes(single, rates):
    figure = tfbsim.overlay(one=single, other=single, name="voltage-time")
    one, other = lines(figure.axes[0])[:2]
    assert one == pytest.approx(other)
    assert "the same curve: one = other" in figure.get_suptitle()


def test_cases_of_two_results_share_axes(rates):
    figure = tfbsim.overlay(one=rates, other=rates)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == [case.name for case in rates.cases] + ["one", "other"]


def test_a_ramp_that_charges_and_discharges_has_no_voltage_against_capacity():
    ramps = ["Sweep to 4.15 V at 0.2 mV/s", "Sweep to 3.7 V at 0.2 mV/s"]
    start = ["Charge at C/5 until 3.95 V", "Hold at 3.95 V until C/50"]
    result = simulate(CELL, ramps, conditioning=start, numerics={"points": 20})
    drawn = figures(result)
    assert "voltammogram" in drawn and "voltage-capacity" not in drawn


def test_cases_that_numbers_do_not_tell_apart_have_their_names_in_the_key(single):
    """Of ten, six have the same share: only the names say which law is in which."""
    share = dict.fromkeys(range(4), 0.002)
    names = [f"law {n}" for n in range(10)]
    cases = [
        renamed(single, name, **{"anode.inactive_fraction": share.get(n, 0.0)})
        for n, name in enumerate(names)
    ]
    figure = figures(Result(cases))["cycling"]
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(names) <= set(told)
    lines = {
        (h.get_color(), h.get_linestyle()) for h in figure.legends[0].get_lines()[:10]
    }
    assert len(lines) == 10


def test_panels_of_named_cases_are_of_a_quantity_with_a_unit(single):
    cases = [
        renamed(
            single, f"law {n}, {t}", **{"anode.share": n == 3, "anode.lithium [um]": t}
        )
        for t in (0.0, 2.0)
        for n in range(5)
    ]
    figure = figures(Result(cases))["cycling"]
    assert [ax.get_title() for ax in figure.axes[:2]] == ["0 µm", "2 µm"]


def test_a_first_efficiency_does_not_flatten_those_of_later_cycles(single):
    case = renamed(single, "one")
    for row, value in zip(case.rows, (52.0, 99.9, 99.8, 99.9), strict=True):
        row["Coulombic efficiency [%]"] = value
    figure = figures(Result([case]))["cycling"]
    ax = figure.axes[1]
    assert ax.get_ylim()[0] > 99
    assert ax.texts[0].get_text() == "1 point below, to 52 %"
    (arrow,) = [line for line in ax.get_lines() if line.get_marker() == "v"]
    assert list(arrow.get_xdata()) == [1]

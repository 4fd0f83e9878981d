"""Measured spectra beside simulated ones, and fits to them."""

from __future__ import annotations

from pathlib import Path

import cycler_files
import numpy as np
import pandas as pd
import pytest

import tfbsim
from tfbsim.cli.app import app
from tfbsim.cli.edge import outcome
from tfbsim.comparison.comparison import compare
from tfbsim.comparison.replay import segment_of
from tfbsim.data.measured import Measured, Spectrum
from tfbsim.data.read import read_measured
from tfbsim.experiment.expand import expand
from tfbsim.numerics import Numerics
from tfbsim.solver.cycler import run_case

CELL = "lco-lipon-li-raijmakers2020"
LAYERS = {
    "cathode.double_layer_capacitance": 0.53e-2,
    "anode.double_layer_capacitance": 17.4e-5,
    "electrolyte.relative_permittivity": 13.2,
}
EXPERIMENT = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
steps:
  - Charge at 1C until 3.9 V
  - Hold at 3.9 V until C/200
  - EIS at 3.9 V, 1 Hz to 1 MHz, 2 per decade
  - Charge at 1C until 4.0 V
  - Hold at 4.0 V until C/200
  - EIS at 4.0 V, 1 Hz to 1 MHz, 2 per decade
set:
  cathode.double_layer_capacitance: 0.53 uF/cm2
  anode.double_layer_capacitance: 17.4 nF/cm2
  electrolyte.relative_permittivity: 13.2
"""


def _measured(voltage: float, noise: float = 0.0, more=None) -> pd.DataFrame:
    """A spectrum as a laboratory would write it, at other frequencies than the step's."""
    cell = tfbsim.load_cell(CELL).replace(LAYERS | (more or {}))
    found = tfbsim.impedance(cell, voltage, np.geomspace(9e5, 2.0, 24))
    parts = np.random.default_rng(3).normal(size=(2, len(found.Z)))
    Z = found.Z * 1e4 * (1 + noise * (parts[0] + 1j * parts[1]))
    names = ("freq (Hz)", "Re(Z) (ohm.cm2)", "-Im(Z) (ohm.cm2)")
    return pd.DataFrame(dict(zip(names, (found.frequency, Z.real, -Z.imag), strict=True)))


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "x.yaml").write_text(EXPERIMENT)
    return tmp_path / "x.yaml"


def test_spectra_find_their_steps(experiment, tmp_path):
    """In order where no voltage is stated, else by it; the held state is near rest."""
    both = [_measured(3.9), _measured(4.0)]
    for k, frame in enumerate(both):
        frame.to_csv(tmp_path / f"{k}.csv", index=False)
    files = [read_measured(tmp_path / "0.csv"), read_measured(tmp_path / "1.csv")]
    found = compare(experiment, files[0], folder=tmp_path / "out")
    (pair,) = found.spectra
    assert pair.voltage == pytest.approx(3.9) and pair.difference.max() < 0.01
    assert found.as_asked and "% of |Z| apart (rms)" in pair.sentence
    table = pd.read_csv(tmp_path / "out" / "impedance.csv")
    assert len(table) == 24 and table["Difference [%]"].max() < 1
    assert (tmp_path / "out" / "nyquist.png").exists()
    mapping = {"voltage": "4 V"}
    stated = compare(experiment, tmp_path / "1.csv", mapping=mapping)
    assert stated.spectra[0].voltage == pytest.approx(4.0)
    nowhere = compare(experiment, tmp_path / "1.csv", mapping={"voltage": "3.7 V"})
    assert not nowhere.spectra
    assert "no further step 'EIS' at 3.7 V" in nowhere.unmatched[0][2]


def test_spectrum_of_a_cell_at_rest(tmp_path):
    _measured(3.9).to_csv(tmp_path / "z.csv", index=False)
    (tmp_path / "z.yaml").write_text("format: 1\nkind: mapping\nvoltage: 3.9 V\n")
    changes = {
        "cathode.double_layer_capacitance": "0.53 uF/cm2",
        "anode.double_layer_capacitance": "17.4 nF/cm2",
        "electrolyte.relative_permittivity": "13.2",
    }
    _write(tmp_path / "warm.DTA", 4.0, 40.0)
    files = [tmp_path / "z.csv", tmp_path / "warm.DTA"]
    found = compare(CELL, files, changes=changes)
    assert [pair.voltage for pair in found.spectra] == pytest.approx([3.9, 4.0])
    assert all(pair.difference.max() < 1e-3 for pair in found.spectra)


def test_inductance_is_said(tmp_path):
    frame = _measured(3.9)
    w = 2 * np.pi * frame.iloc[:, 0]
    frame.iloc[:, 2] -= 2e-4 * w
    frame.iloc[-1, 2] = -5.0
    found = read_measured(frame)
    notes = " ".join(found.notes)
    assert "Inductive above" in notes and "H.cm2" in notes
    assert "Of the lower frequencies 1 have an imaginary part above 0" in notes
    assert len(found.spectra[0].frequency) == len(frame)


def test_fit_to_a_spectrum(experiment):
    """Fields come back within their intervals, and what is one sum is named."""
    more = {"cathode.double_layer_capacitance": 0.8e-2}
    frame = _measured(3.9, 0.005, more)
    found = tfbsim.fit(
        experiment,
        frame,
        vary={
            "cathode.double_layer_capacitance": "0.1 uF/cm2..5 uF/cm2",
            "electrolyte.conductivity": "0.3e-6 S/cm..3e-6 S/cm",
        },
        starts=1,
    )
    rows = found.parameters.set_index("Parameter")
    first = rows.loc["cathode.double_layer_capacitance"]
    assert first["Low 95 %"] < 0.8 < first["High 95 %"]
    assert (rows["Verdict"] == "determined").all()
    curve = found.curves.iloc[0]
    assert curve["Quantity"] == "Impedance" and curve["Impedance error, rms [%]"] < 1.5
    assert not any("could not be simulated" in words for words in found.warnings)
    assert "nyquist" in found.plot()


@pytest.mark.slow
def test_two_resistances_in_series_are_named(experiment, tmp_path):
    """Without capacitances a spectrum says the sum of all resistances alone."""
    text = experiment.read_text().partition("set:")[0]
    (tmp_path / "bare.yaml").write_text(text)
    cell = tfbsim.load_cell(CELL)
    z = tfbsim.impedance(cell, 3.9, np.geomspace(1e4, 2.0, 12))
    names = ("freq (Hz)", "Re(Z) (ohm.cm2)", "-Im(Z) (ohm.cm2)")
    Z = z.Z * 1e4
    frame = pd.DataFrame(dict(zip(names, (z.frequency, Z.real, -Z.imag), strict=True)))
    found = tfbsim.fit(
        tmp_path / "bare.yaml",
        frame,
        vary={
            "contact_resistance": "1 ohm cm2..200 ohm cm2",
            "electrolyte.conductivity": "0.5e-6 S/cm..2e-6 S/cm",
        },
        starts=1,
    )
    assert set(found.parameters["Verdict"]) != {"determined"}
    words = " ".join(found.warnings)
    assert "contact_resistance" in words and "electrolyte.conductivity" in words


@pytest.mark.slow
def test_fit_to_a_spectrum_and_a_discharge_together(tmp_path):
    """A record of the cell itself, with other values, gives these back."""
    text = EXPERIMENT.partition("  - Charge at 1C until 4.0 V")
    steps = "  - Charge at 1C until 4.1 V\n  - Discharge at 2C until 3.0 V\n"
    (tmp_path / "j.yaml").write_text(text[0] + steps + "set:" + text[2].split("set:")[1])
    true = {"cathode.diffusivity_scale": "0.7"}
    true["cathode.exchange_current"] = "500 uA/cm2"
    case = expand(tmp_path / "j.yaml", None, true).cases[0]
    done = run_case(case.cell, case.protocol, Numerics()).cycles[0].steps
    discharge = segment_of([done[-1]], "discharge", float(case.cell.area))
    spectrum = Spectrum(done[2].spectrum.frequency, done[2].spectrum.Z, "spectrum 1")
    record = Measured("x", Path("x"), (discharge,), (), (spectrum,))
    found = tfbsim.fit(
        tmp_path / "j.yaml",
        [record],
        vary={
            "cathode.diffusivity_scale": "0.2..5",
            "cathode.exchange_current": "50 uA/cm2..3000 uA/cm2",
        },
        starts=1,
    )
    rows = found.parameters.set_index("Parameter")["Value"]
    assert rows["cathode.diffusivity_scale"] == pytest.approx(0.7, rel=1e-3)
    assert rows["cathode.exchange_current"] == pytest.approx(500, rel=1e-3)
    assert set(found.curves["Quantity"]) == {"Discharge capacity", "Impedance"}


STATES = """
format: 1
kind: experiment
cell: lco-lipon-li-raijmakers2020
steps: ["EIS at {voltage}, 1 Hz to 1 MHz, 2 per decade"]
set:
  cathode.double_layer_capacitance: 0.53 uF/cm2
  anode.double_layer_capacitance: 17.4 nF/cm2
  electrolyte.relative_permittivity: 13.2
cases:
  - {voltage: 4.0 V, cathode.initial_voltage: 4.0 V}
  - {voltage: 3.9 V, cathode.initial_voltage: 3.9 V, temperature: 40 degC}
  - {voltage: 3.9 V, cathode.initial_voltage: 3.9 V}
"""


def _tfbsim(*arguments):
    return outcome(lambda: app([*map(str, arguments)], prog_name="tfbsim"))


def _write(path, voltage, celsius, inductance=0.0, **more):
    cell = tfbsim.load_cell(CELL).replace(LAYERS | more)
    f = np.geomspace(9e5, 2.0, 24)
    found = tfbsim.impedance(cell, voltage, f, temperature=celsius + 273.15)
    Z = found.Z / float(cell.area) + 2j * np.pi * f * inductance
    cycler_files.SPECTRA[path.suffix](path, f, Z, voltage, celsius)


@pytest.mark.parametrize("suffix", cycler_files.SPECTRA)
def test_files_of_instruments_state_where_they_belong(tmp_path, capsys, suffix):
    """Voltage and temperature of a header or column choose among the cases."""
    if suffix == ".mpr":
        pytest.importorskip("galvani")
    (tmp_path / "x.yaml").write_text(STATES)
    files = [tmp_path / f"{k}{suffix}" for k in range(3)]
    states = [(3.9, 19.85), (3.9, 40.0), (4.0, 19.85)]
    for file, state in zip(files, states, strict=True):
        _write(file, *state)
        if suffix == ".mpr":  # has no temperature
            mapping = f"format: 1\nkind: mapping\ntemperature: {state[1]} degC\n"
            file.with_suffix(".yaml").write_text(mapping)
    folder = tmp_path / "out"
    assert _tfbsim("compare", tmp_path / "x.yaml", *files, "--out", folder) == 0
    table = pd.read_csv(folder / "impedance.csv")
    assert table["Difference [%]"].max() < 0.1
    said = " ".join(capsys.readouterr().out.split())
    assert "0" + suffix in said and "spectrum 1 at 3.9 V" in said
    assert (
        _tfbsim("eis", files[0], "--out", tmp_path / "e", "--mapping", _area(tmp_path))
        == 0
    )
    assert len(pd.read_csv(tmp_path / "e" / "measured.csv")) == 24


def _area(folder):
    (folder / "area.yaml").write_text("format: 1\nkind: mapping\narea: 3.36 cm2\n")
    return folder / "area.yaml"


def test_inductive_file_by_command(tmp_path, capsys):
    """Said, kept, and refused nowhere."""
    _write(tmp_path / "a.DTA", 3.9, 20.0, inductance=5e-6)
    mapping = ("--mapping", _area(tmp_path))
    assert _tfbsim("eis", tmp_path / "a.DTA", *mapping, "--out", tmp_path / "e") == 0
    assert "Inductive above" in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "e" / "measured.csv")
    assert len(rows) == 24 and rows["Z imaginary [Ohm.cm2]"].max() > 0


@pytest.mark.slow
def test_fit_by_command_to_files_of_several_states(tmp_path, capsys):
    """An activation energy and a capacitance, which one spectrum alone would not tell."""
    (tmp_path / "x.yaml").write_text(STATES)
    more = {"cathode.double_layer_capacitance": 0.8e-2}
    more["electrolyte.conductivity_activation_energy"] = 40e3
    files = [tmp_path / "a.z", tmp_path / "b.DTA", tmp_path / "c.csv"]
    states = [(3.9, 19.85), (3.9, 40.0), (4.0, 19.85)]
    for file, state in zip(files, states, strict=True):
        _write(file, *state, **more)
    vary = {"cathode.double_layer_capacitance": "0.1 uF/cm2..5 uF/cm2"}
    vary["electrolyte.conductivity_activation_energy"] = "20 kJ/mol..70 kJ/mol"
    options = [x for name, span in vary.items() for x in ("--vary", f"{name}={span}")]
    folder = tmp_path / "out"
    command = ("fit", tmp_path / "x.yaml", *files, *options, "--out", folder)
    assert _tfbsim(*command) == 0
    rows = pd.read_csv(folder / "fit.csv").set_index("Parameter")
    assert rows["Value"].to_list() == pytest.approx([0.8, 40e3 / 96485.332], rel=2e-3)
    assert (rows["Verdict"] == "determined").all()
    assert (folder / "nyquist.png").exists()

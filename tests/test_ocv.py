"""The open-circuit potential from slow curves."""

import numpy as np
import pytest
from typer.testing import CliRunner

import tfbsim
from tfbsim.cli.app import app
from tfbsim.errors import InputError
from tfbsim.fitting.ocv_file import fit_files
from tfbsim.materials import library
from tfbsim.materials.laws import MultiSite

NMC811 = library("cathode")["NMC811"].fields["open_circuit_potential"]
LAW = MultiSite((4.1, 3.8, 3.6), (0.2, 0.5, 0.3), (0.6, 1.5, 1.0))
X = np.linspace(0.02, 0.98, 300)


def test_three_sites_come_back():
    U = LAW(X)
    found = tfbsim.fit_ocv([(X - X[0], U)], stoichiometry=(0.02, 0.98))
    assert found.rms < 3e-4  # the curve between its points
    for name, values in (("U", LAW.U), ("X", LAW.X), ("omega", LAW.omega)):
        assert getattr(found.law, name) == pytest.approx(values, rel=0.02), name


def test_polarisation_of_both_branches_cancels():
    U = LAW(X)
    charge = (X[-1] - X[::-1], U[::-1] + 0.02)  # counted from the discharged end
    discharge = (X - X[0], U - 0.02)
    for branches in ([charge, discharge], [discharge, charge]):
        found = tfbsim.fit_ocv(branches, stoichiometry=(0.02, 0.98))
        assert found.rms < 1e-3
        assert np.median(found.half_gap) == pytest.approx(0.02, abs=1e-4)
        assert found.branches["charge"][1].max() > found.branches["discharge"][1].max()


def test_sites_above_the_window_hold_what_is_left():
    inside = np.linspace(0.3, 0.9, 200)
    measured = (inside - 0.3, NMC811(inside))
    found = tfbsim.fit_ocv([measured], stoichiometry=(0.3, 0.9))
    assert found.rms < 1.5e-3
    assert found.law(0.3) == pytest.approx(measured[1][0], abs=0.01)
    assert max(found.law.U) > measured[1][0]


@pytest.mark.parametrize("noise", [0.002, 0.01])
def test_noise_is_smoothed_and_the_law_still_falls(noise):
    U = LAW(X) + noise * np.random.default_rng(0).standard_normal(len(X))
    found = tfbsim.fit_ocv([(X, U)], stoichiometry=(0.02, 0.98), sites=3)
    flat = (X > 0.1) & (X < 0.9)
    assert np.sqrt(np.mean((found.law(X) - LAW(X))[flat] ** 2)) < 0.5 * noise
    assert found.law.curve.falls


@pytest.mark.parametrize(
    ("branches", "how", "message"),
    [
        ([(X[:5], X[:5])], {}, "too few"),
        ([(X, 0 * X + 3.7)], {}, "level"),
        ([(X, LAW(X))] * 3, {}, "one or two"),
        ([(X, LAW(X))], {"stoichiometry": (0.9, 0.3)}, "rise"),
        ([(X, LAW(X))], {"sites": 0}, "1 to 30"),
    ],
)
def test_what_will_not_do(branches, how, message):
    with pytest.raises(InputError, match=message):
        tfbsim.fit_ocv(branches, **how)


def test_the_command_writes_a_cell(tmp_path):
    rows = [f"{q:.6f},{U:.5f}" for q, U in zip(10 * (X - X[0]), LAW(X), strict=True)]
    data = tmp_path / "slow.csv"
    data.write_text("Capacity / uAh/cm2,Voltage / V\n" + "\n".join(rows) + "\n")
    command = ["fit-ocv", str(data), "--stoichiometry", "0.02..0.98"]
    command += ["--cell", "lco-lipon-li-raijmakers2020", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "3 sites" in result.output and "only one branch" in result.output
    cell = tfbsim.load_cell(tmp_path / "out" / "cell.yaml")
    assert pytest.approx(LAW.U, rel=0.02) == cell.cathode.open_circuit_potential.U
    assert "slow.csv" in cell.origin["cathode.open_circuit_potential"]
    assert (tmp_path / "out" / "ocv.png").exists()
    # A law that does not reach the cell's own state: nothing is left behind
    away = ["0.02..0.5" if x == "0.02..0.98" else x for x in command[:-1]]
    refused = CliRunner().invoke(app, [*away, str(tmp_path / "none")])
    assert isinstance(refused.exception, InputError)
    assert not (tmp_path / "none").exists()
    again = CliRunner().invoke(app, command)
    assert again.exit_code != 0  # an earlier result is not replaced
    with pytest.raises(InputError, match="two stoichiometries"):
        CliRunner().invoke(
            app,
            [*command[:3], "0.9..0.1", "--out", str(tmp_path / "b")],
            catch_exceptions=False,
        )


def test_a_share_of_the_charge_takes_any_unit(tmp_path):
    data = tmp_path / "slow.csv"
    rows = [f"{x:.6f},{U:.5f}" for x, U in zip(X, LAW(X), strict=True)]
    data.write_text("Normalized capacity,Voltage / V\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError, match="only its ratio counts, as in fit-ocv, any"):
        fit_files([str(data)])
    how = {"units": {"capacity": "uAh/cm2"}}
    assert fit_files([str(data)], "0.02..0.98", mapping=how).fit.rms < 1e-3

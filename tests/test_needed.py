"""A folder that is sealed as it stands, but lacks what a result needs, is damaged."""

from __future__ import annotations

import hashlib
import json
import shutil

import pandas as pd
import pytest
import xarray as xr

import tfbsim
from tfbsim.errors import InputError
from tfbsim.numerics import Numerics
from tfbsim.output import OWN, _own_hash
from tfbsim.result.columns import TABLES
from tfbsim.result.load import FILM, SAMPLED, SPECTRA, TIME

STEPS = [
    "Charge at 1C for 10 minutes or until 4.3 V",
    "EIS at 4.0 V, 1 Hz to 1 kHz, 2 per decade",
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    numerics = Numerics(points=12, rtol=1e-3)
    result = tfbsim.simulate("lco-lipon-li", STEPS, numerics=numerics)
    return result.save(tmp_path_factory.mktemp("result") / "whole", figures=False)


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "folder")


def sealed(folder):
    path = folder / "provenance.json"
    content = json.loads(path.read_text())
    for name, entry in content["files"].items():
        data = (folder / name).read_bytes()
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    content[OWN] = _own_hash(content)
    path.write_text(json.dumps(content))
    return folder


def refused(folder, *words):
    with pytest.raises(InputError) as error:
        tfbsim.load_result(sealed(folder))
    assert all(word in str(error.value) for word in words), error.value


def test_a_whole_folder_is_taken(folder):
    assert tfbsim.load_result(sealed(folder)).as_asked


ALWAYS = {
    file: [column.name for column in columns if not column.optional]
    for file, columns in {**TABLES, "impedance.csv": SPECTRA}.items()
    if file != "losses.csv"  # made anew from the curves
}


@pytest.mark.parametrize("file", ALWAYS)
def test_a_column_that_is_missing(folder, file):
    table = pd.read_csv(folder / file, dtype=str, keep_default_na=False)
    for name in ALWAYS[file]:
        table.drop(columns=name).to_csv(folder / file, index=False)
        refused(folder, file, f"it has no column '{name}'")


@pytest.mark.parametrize(
    ("file", "name", "value", "words"),
    [
        ("summary.csv", "Cycle number", "1.5", "'1.5' is no whole number"),
        ("steps.csv", "Step number", "", "is no whole number"),
        ("steps.csv", "Step number", "3", "a step is not in steps.csv"),
        ("steps.csv", "Charge [uA.h.cm-2]", "9" * 20, "is no number"),
        ("steps.csv", "End voltage [V]", "3 V", "'3 V' is no number"),
        ("steps.csv", "Outcome", "", "is no outcome"),
        ("summary.csv", "Case", "", "is no name"),
        ("impedance.csv", "Frequency [Hz]", "x", "'x' is no number"),
    ],
)
def test_a_value_that_cannot_be(folder, file, name, value, words):
    table = pd.read_csv(folder / file, dtype=str, keep_default_na=False)
    table.loc[0, name] = value
    table.to_csv(folder / file, index=False)
    refused(folder, "curves.nc" if "steps.csv" in words else f"{file}:2: {name}", words)


@pytest.mark.parametrize("name", [TIME, *SAMPLED, *FILM, "cycle", "step", "depth"])
def test_a_variable_that_is_missing(folder, name):
    with xr.open_dataset(folder / "curves.nc", engine="h5netcdf") as opened:
        curves = opened.load()
    curves.drop_vars(name).to_netcdf(folder / "curves.nc", engine="h5netcdf")
    refused(folder, "curves.nc", "there is no such")


def test_values_that_are_missing(folder):
    with xr.open_dataset(folder / "curves.nc", engine="h5netcdf") as opened:
        curves = opened.load()
    curves["Mean stoichiometry"] *= float("nan")
    curves.to_netcdf(folder / "curves.nc", engine="h5netcdf")
    refused(folder, "curves.nc: Mean stoichiometry: is damaged: values are missing")

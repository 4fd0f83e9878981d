"""Every shipped experiment runs as asked, without a solver fallback."""

import pytest

from tfbsim.experiment.expand import expand
from tfbsim.experiment.experiment import load_experiment
from tfbsim.run.run import run_experiment
from tfbsim.yaml_file import shipped

CYCLES = 200  # of an experiment that may have more
SAMPLE = 500  # points of a sample, of which a shipped one may have thousands


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped("experiments"))
def test_shipped_experiment(name):
    experiment, document = load_experiment(name)
    if experiment.sweep and experiment.sweep.points:
        document.data["sweep"]["points"] = min(SAMPLE, experiment.sweep.points)
    if experiment.cycles > CYCLES:
        document.data["cycles"] = CYCLES
        document.data.pop("measured", None)  # of cycles beyond
    result = run_experiment(expand(document), workers=2)
    other = result.steps[result.steps["Outcome"] != "reached"]
    assert result.as_asked, other.to_string()
    assert not result.steps["Detail"].str.contains("fallback").any()
    audit = result.audit()
    assert audit["lithium balance error"] <= 1e-8
    assert audit["charge balance error"] <= 1e-8

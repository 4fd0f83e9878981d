"""Every shipped experiment runs as asked, without a solver fallback."""

import pytest

import tfbsim
from tfbsim.files import shipped


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped("experiments"))
def test_shipped_experiment(name):
    result = tfbsim.run_experiment(name, workers=2)
    other = result.steps[result.steps["Outcome"] != "reached"]
    assert result.as_asked, other.to_string()
    assert not result.steps["Detail"].str.contains("fallback").any()
    audit = result.audit()
    assert audit["lithium balance error"] <= 1e-8
    assert audit["charge balance error"] <= 1e-8

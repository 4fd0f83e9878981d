"""The entry of pybamm-model-zoo, by the checks that it holds its own models to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfbsim import model_zoo
from tfbsim.cell.parameter_sets import citations

zoo = pytest.importorskip("pybamm_model_zoo", reason="in the extra test")
ROOT = Path(model_zoo.__file__).parent


def checks():
    from pybamm_model_zoo.testing import contract

    return contract.checks_in_scope(contract.MODEL)


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_it_keeps_the_contract(check):
    from pybamm_model_zoo._registry import Registry

    (entry,) = Registry(paths=[], external_paths=[ROOT]).values()
    check.run(entry)


def test_the_paper_is_the_one_that_the_model_cites():
    text = (ROOT / "thin_film_cell" / "CITATION.bib").read_text(encoding="utf-8")
    assert text.strip() in citations("model")

"""The shipped parameter sets, each with the model it is for."""

from __future__ import annotations

import matplotlib
import pybamm
import pytest

import tfbsim
from tfbsim.cell.parameter_sets import shipped_parameter_values
from tfbsim.yaml_file import shipped

matplotlib.use("Agg")
DEFAULT, ANODE_FREE = "lco-lipon-li-raijmakers2020", "lco-lipon-steel-ensurge2023"
QUICK = (DEFAULT, ANODE_FREE, "nmc811-lipon-li")
SETS = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in sorted(shipped("models"))
]


class Shipped:
    """A shipped set, as PyBaMM's users name it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cell = tfbsim.load_cell(name)
        options = self.cell.structure.options("current")
        self.options = options | {"constants": "in place"}

    @property
    def anode_free(self) -> bool:
        return self.cell.anode.plated

    @property
    def two_films(self) -> bool:
        """Whether the anode is a film: the cell's voltage is no potential of one."""
        return self.options["anode"] == "film"

    def model(self, **options: str) -> tfbsim.ThinFilmCell:
        return pybamm.Model("ThinFilmCell", options=self.options | options)

    def values(self) -> pybamm.ParameterValues:
        return pybamm.ParameterValues(shipped_parameter_values(self.name))

    def simulation(
        self, model: pybamm.BaseModel | None = None, **how
    ) -> pybamm.Simulation:
        how = {"parameter_values": self.values()} | how
        return pybamm.Simulation(model or self.model(), **how)


@pytest.fixture(params=SETS)
def each(request: pytest.FixtureRequest) -> Shipped:
    """Each of the shipped sets; those that are no :data:`QUICK` ones, if slow."""
    return Shipped(request.param)


@pytest.fixture
def lco() -> Shipped:
    """The default set, of evaporated lithium."""
    return Shipped(DEFAULT)


@pytest.fixture
def anode_free() -> Shipped:
    """The set of lithium plated in situ."""
    return Shipped(ANODE_FREE)

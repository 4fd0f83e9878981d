"""What PyBaMM's half-cell functions ask a parameter set for, in terms of a thin film.

``initial_soc`` and ``set_initial_state`` find a stoichiometry by
``ElectrodeSOHHalfCell``, from the standard parameters of a porous positive electrode, and
write :data:`STATE`.  A film is such an electrode without pores: its volume fraction is
the share of its sites that take part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..materials.laws import PotentialLaw

if TYPE_CHECKING:
    import pybamm

STATE = "Initial concentration in positive electrode [mol.m-3]"
POTENTIAL = "Positive electrode OCP [V]"
STOICHIOMETRY = "Cathode stoichiometry of open-circuit potential"
POINTS = 4001  # of U(x), turned round
FALL = 1e-12  # V a point: on a plateau it falls by so much


def following() -> dict[str, pybamm.Symbol]:
    """Return the standard parameters that follow from those of the film, by name."""
    from pybamm import Parameter as P

    side = P("Electrode area [m2]") ** 0.5
    sites = P("Cathode site concentration [mol.m-3]")
    return {
        "Positive electrode thickness [m]": P("Cathode thickness [m]"),
        "Positive electrode active material volume fraction": (
            P("Cathode area utilisation") * P("Cathode active fraction")
        ),
        "Maximum concentration in positive electrode [mol.m-3]": (
            sites * P("Cathode sites per formula unit")
        ),
        "Positive electrode OCP entropic change [V.K-1]": P(
            "Cathode entropic change [V.K-1]"
        ),
        "Electrode width [m]": side,
        "Electrode height [m]": side,
    }


@dataclass(frozen=True)
class OpenCircuit:
    """U over the fraction of the sites that are filled, and its inverse."""

    law: PotentialLaw  # U(x) [V]

    def potential(self, sto: pybamm.Symbol) -> pybamm.Symbol:
        """U [V] at a fraction of all sites."""
        return self.law.curve.symbol(sto * self.law.x_max)

    def stoichiometry(self, potential: pybamm.Symbol) -> pybamm.Symbol:
        """x at an open-circuit potential [V] at the reference temperature."""
        import pybamm

        x = np.linspace(*self.law.curve.ends, POINTS)
        U = np.minimum.accumulate(self.law.curve(x)) - FALL * np.arange(POINTS)
        return pybamm.Interpolant(U[::-1], x[::-1], potential, interpolator="linear")


def standard_parameters(law: PotentialLaw) -> dict[str, object]:
    """Return the standard parameters of a cell with this U(x), by name."""
    open_circuit = OpenCircuit(law)
    return {
        **following(),
        POTENTIAL: open_circuit.potential,
        STOICHIOMETRY: open_circuit.stoichiometry,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Number of cells connected in series to make a battery": 1.0,
    }

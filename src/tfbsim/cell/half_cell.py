"""What PyBaMM's half-cell functions ask a parameter set for, in terms of a thin film.

``initial_soc`` and ``set_initial_state`` find a stoichiometry by
``ElectrodeSOHHalfCell``, from the standard parameters of a porous positive electrode, and
write :data:`STATE`.  A film is such an electrode without pores: its volume fraction is
the share of its sites that take part.  The parameters follow those of the film, whatever
is changed there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..materials.laws import Curve, PotentialLaw

STATE = "Initial concentration in positive electrode [mol.m-3]"
STOICHIOMETRY = "Cathode stoichiometry of open-circuit potential"
POINTS = 4001  # of U(x), turned round
SLOPE = 1e-12  # V a point: on a plateau it falls by so much


def standard_parameters(potential: PotentialLaw) -> dict[str, Any]:
    """Return the standard parameters as expressions of those of a thin-film cell.

    Parameters
    ----------
    potential : PotentialLaw
        U(x) [V].

    Returns
    -------
    dict
        PyBaMM parameter to expression, function or number.
    """
    import pybamm

    P = pybamm.Parameter
    side = P("Electrode area [m2]") ** 0.5
    curve: Curve = potential.curve

    x = np.linspace(*curve.x[[0, -1]], POINTS)
    U = np.minimum.accumulate(curve(x)) - SLOPE * np.arange(POINTS)

    def stoichiometry(potential: pybamm.Symbol) -> pybamm.Symbol:
        return pybamm.Interpolant(U[::-1], x[::-1], potential, interpolator="linear")

    def open_circuit_potential(sto: pybamm.Symbol) -> pybamm.Symbol:
        return curve.symbol(sto * P("Cathode sites per formula unit"))

    return {
        "Positive electrode thickness [m]": P("Cathode thickness [m]"),
        "Positive electrode active material volume fraction": (
            P("Cathode area utilisation") * P("Cathode active fraction")
        ),
        "Maximum concentration in positive electrode [mol.m-3]": (
            P("Cathode site concentration [mol.m-3]")
            * P("Cathode sites per formula unit")
        ),
        "Positive electrode OCP [V]": open_circuit_potential,
        "Positive electrode OCP entropic change [V.K-1]": P(
            "Cathode entropic change [V.K-1]"
        ),
        STOICHIOMETRY: stoichiometry,
        "Electrode width [m]": side,
        "Electrode height [m]": side,
        "Number of electrodes connected in parallel to make a cell": 1.0,
        "Number of cells connected in series to make a battery": 1.0,
    }

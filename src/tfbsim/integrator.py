"""IDAKLU over many inputs at once, without PyBaMM's own work around each.

``pybamm.IDAKLUSolver.solve`` spends about a millisecond for every set of inputs before
and after SUNDIALS integrates it: as long as the integration itself of a small cell.  Here
the same solver, set up by PyBaMM from the same model, is handed the arrays.  It is called
as ``IDAKLUSolver._integrate`` calls it, which is not a public interface: pyproject.toml
bounds PyBaMM for it, and tests/test_engine.py compares it with the public ``solve``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pybamm

Array = np.ndarray
ROOT_FOUND = 2  # SUNDIALS' IDA_ROOT_RETURN


@dataclass(frozen=True)
class Stretch:
    """What the solver returned for one set of inputs.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Its own steps, from 0 to at most 1.
    y, yp : ndarray, shape (samples, states)
        States and their time derivatives; yp is None where it took a single step.
    ended : str
        "time", "event" or "failure".
    """

    t: Array
    y: Array
    yp: Array | None
    ended: str


class Integrator:
    """A discretised model with its solver.

    Parameters
    ----------
    model : pybamm.BaseModel
        Discretised; its time runs from 0 to 1.
    names : dict
        How many numbers each of its inputs is, in the order they are given in.
    rtol, atol : float
        Tolerances.
    options : dict
        Of ``pybamm.IDAKLUSolver``.
    """

    TIMES = np.array([0.0, 1.0])

    def __init__(
        self,
        model: Any,
        names: dict[str, int],
        rtol: float,
        atol: float,
        options: dict[str, Any],
    ) -> None:
        self.model = model
        self.names = names
        self.solver = pybamm.IDAKLUSolver(
            rtol=rtol,
            atol=atol,
            root_tol=1e-10,
            on_extrapolation="ignore",
            options={"silence_sundials_errors": True, **options},
        )
        # For its shapes alone
        example = {n: np.ones(size) if size > 1 else 1.0 for n, size in names.items()}
        self.solver.set_up(model, [example], self.TIMES)

    def solve(self, y0: Array, yp0: Array, inputs: Array) -> list[Stretch]:
        """Integrate every set of inputs from its own initial state.

        Parameters
        ----------
        y0, yp0 : ndarray, shape (sets, states)
            Initial states, algebraic ones guesses, and their time derivatives.
        inputs : ndarray, shape (sets, numbers)
            Inputs, those of vectors side by side.

        Raises
        ------
        pybamm.SolverError
            The solver refuses one of the sets.
        """
        none = np.empty((0, 0))
        integrate = self.solver._setup["solver"].solve
        try:
            found = integrate(
                self.TIMES, none.ravel(), y0, yp0, inputs, logger=None, pbar=none
            )
        except ValueError as error:
            raise pybamm.SolverError(str(error)) from None
        return [self._stretch(one) for one in found]

    def _stretch(self, one: Any) -> Stretch:
        t = np.asarray(one.t)
        shape = (len(t), self.model.len_rhs_and_alg)
        ended = "event" if one.flag == ROOT_FOUND else "time"
        return Stretch(
            t,
            np.asarray(one.y).reshape(shape),
            np.asarray(one.yp).reshape(shape) if one.yp.size else None,
            "failure" if one.flag < 0 else ended,
        )

"""IDA of SUNDIALS, as PyBaMM's solvers package has it.

``pybamm.IDAKLUSolver.solve`` spends about a millisecond for every set of inputs before
and after SUNDIALS integrates it: as long as the integration itself of a small cell.  Here
``pybammsolvers.idaklu`` is handed functions and arrays, as ``IDAKLUSolver`` hands it its
own.  That is not a public interface: pyproject.toml bounds PyBaMM for it, and
tests/test_integrator.py compares it with the public ``solve``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import casadi
import numpy as np
import pybamm
from pybammsolvers import idaklu

from .equations import Equations

Array = np.ndarray
ROUNDING = 1e-12  # of its parts, below which a sum is 0
ROOT_FOUND = 2  # SUNDIALS' IDA_ROOT_RETURN


@dataclass(frozen=True)
class Integration:
    """What the solver returned for one set of inputs.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Its own steps, from 0 to at most 1.
    y, yp : ndarray, shape (samples, states)
        States and their time derivatives; yp is None where it was not asked for, or took
        a single step.
    ended : str
        "time", "event", "inside" (the film is full or empty behind its faces) or
        "failure".
    stray : float
        How far a held voltage was off at any step, where that was looked at [V].
    """

    t: Array
    y: Array
    yp: Array | None
    ended: str
    stray: float = 0.0


def system(
    equations: Equations,
    rates: casadi.SX,
    residual: casadi.SX,
    end: casadi.SX,
    profiles: Sequence[tuple[slice, Array]] = (),
) -> dict[str, casadi.Function]:
    """Return functions of dy_d/dt = rates, 0 = residual, until the end falls through 0.

    Parameters
    ----------
    equations : Equations
        Their symbols; the differential states y_d come first in y.
    rates, residual, end : casadi.SX
        Expressions of them, columns.
    profiles : sequence of (slice, ndarray)
        States through a film, and weights of their mean.  In place of one of them the
        equation of the mean is solved, in which diffusion drops out: of a film that
        lithium crosses at once rounding of diffusion is larger than all that changes
        the mean.

    Returns
    -------
    dict of casadi.Function
        By the names ``idaklu.create_casadi_solver_group`` has for them.
    """
    q, differential = equations, rates.numel()
    given = [q.t, q.y, q.p]
    both = casadi.vertcat(rates, residual)
    cj, v = casadi.SX.sym("cj"), casadi.MX.sym("v", q.y.numel())
    slope = q.jacobian(both)
    diagonal = np.diag(np.arange(both.numel()) < differential).astype(float)
    for states, weights in profiles:
        mean, w = states.start + int(np.argmax(weights)), casadi.DM(weights)
        parts = casadi.diag(w) @ slope[states, :]
        total, least = casadi.sum1(parts), ROUNDING * casadi.sum1(casadi.fabs(parts))
        slope[mean, :] = casadi.if_else(casadi.fabs(total) < least, 0, total)
        both[mean] = casadi.dot(w, both[states])
        diagonal[mean, states] = weights
    slope, mass = casadi.sparsify(slope), casadi.sparsify(casadi.DM(diagonal))
    expressions = {
        "rhs_alg": (given, both),
        "jac_times_cjmass": ([*given, cj], slope - cj * mass),
        "events": (given, end),
    }
    if residual.numel():
        expressions["alg_res"] = given, residual
        expressions["alg_jac"] = given, slope[differential:, :]
    functions = {name: q.function(name, *of) for name, of in expressions.items()}
    jacobian = functions["jac_times_cjmass"]
    at = jacobian.mx_in()[:3]
    for name, of, result in (
        ("jac_action", [*at, v], jacobian(*at, 0) @ v),
        ("mass_action", [v], mass @ v),
    ):
        functions[name] = casadi.Function(name, of, [casadi.densify(result)])
    return functions


class Integrator:
    """IDA for one system.

    Parameters
    ----------
    functions : dict of casadi.Function
        What :func:`system` returns, or the same compiled; time runs from 0 to 1.
    rtol : float
        Relative tolerance.
    atol : float or ndarray, shape (states,)
        Absolute tolerance.
    options : dict
        Of ``pybamm.IDAKLUSolver``.
    """

    TIMES = np.array([0.0, 1.0])

    def __init__(
        self,
        functions: dict[str, casadi.Function],
        rtol: float,
        atol: Array | float,
        options: Mapping[str, float],
    ) -> None:
        residual, jacobian = functions["rhs_alg"], functions["jac_times_cjmass"]
        self.states = residual.size1_out(0)
        pattern = jacobian.sparsity_out(0)
        algebraic = functions["alg_res"].size1_out(0) if "alg_res" in functions else 0
        handed = {
            name: idaklu.generate_function(
                functions.get(name, casadi.Function(name, [], [])).serialize()
            )
            for name in (*functions, "sens", "alg_res", "alg_jac")
        }
        self.atol = np.broadcast_to(atol, (self.states,)).astype(float)
        solver = pybamm.IDAKLUSolver(options={"silence_sundials_errors": True, **options})
        self._group = idaklu.create_casadi_solver_group(
            number_of_states=self.states,
            number_of_parameters=0,  # to differentiate by
            inputs=residual.size1_in(2),
            rhs_alg_id=np.repeat([1.0, 0.0], [self.states - algebraic, algebraic]),
            number_of_events=functions["events"].size1_out(0),
            jac_times_cjmass_colptrs=np.array(pattern.colind(), dtype=np.int64),
            jac_times_cjmass_rowvals=np.array(pattern.row(), dtype=np.int64),
            jac_times_cjmass_nnz=pattern.nnz(),
            jac_bandwidth_lower=pattern.bw_lower(),
            jac_bandwidth_upper=pattern.bw_upper(),
            atol=self.atol,
            rtol=rtol,
            options=solver._options,
            var_fcns=[],
            dvar_dy_fcns=[],
            dvar_dp_fcns=[],
            **handed,
        )

    def solve(self, y0: Array, yp0: Array, inputs: Array) -> Integration:
        """Integrate from an initial state until the time or an event ends it.

        Parameters
        ----------
        y0, yp0 : ndarray, shape (states,)
            Initial states, algebraic ones guesses, and their time derivatives.
        inputs : ndarray, shape (inputs,)
            Inputs.

        Raises
        ------
        pybamm.SolverError
            The solver refuses them.
        """
        none = np.empty((0, 0))
        given = y0[None], yp0[None], inputs[None]
        try:
            (one,) = self._group.solve(
                self.TIMES, none.ravel(), *given, logger=None, pbar=none
            )
        except ValueError as error:
            raise pybamm.SolverError(str(error)) from None
        t = np.asarray(one.t)
        shape = (len(t), self.states)
        ended = "event" if one.flag == ROOT_FOUND else "time"
        return Integration(
            t,
            np.asarray(one.y).reshape(shape),
            np.asarray(one.yp).reshape(shape) if one.yp.size else None,
            "failure" if one.flag < 0 else ended,
        )

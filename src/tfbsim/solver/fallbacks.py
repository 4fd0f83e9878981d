"""How the solver is set up, and what is tried in turn where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..numerics import Numerics
from .trace import RAMP, Mode

# The solver's own limit on steps does not hold where it returns each of them; progress
# by the whole duration within so many does
BOUND = {"num_steps_no_progress": 100_000, "t_no_progress": 1.0}
# A first step over the duration, which may be a year: at a face that is full, volts lie
# within 1e-9 of the sites, and the current of a hold falls in less than a picosecond.
CAREFUL = BOUND | {"dt_init": 1e-21, "max_convergence_failures": 100}
SOONER = {"num_steps_no_progress": 20_000}
SHARPER = CAREFUL | SOONER
# Newton's method ends where its corrections are within a share of a state's tolerance
SHARE = "nonlinear_convergence_coefficient"
SHORTEST = 1e-14  # of a step's duration, that the solver first tries
LEAST_RTOL, LEAST_ATOL = 1e-12, 1e-15


@dataclass(frozen=True)
class Fallback:
    """A way to set up the solver.

    Parameters
    ----------
    options : mapping
        Of ``pybamm.IDAKLUSolver``.
    sharper : float
        Factor on the tolerances.
    c_rate : float or None
        Absolute tolerance of a C-rate that is solved for, in place of that of the states.
    of_means : bool
        Whether the equations of the films' means are solved
        (:func:`~tfbsim.solver.integrator.system`).
    """

    options: Mapping[str, float] = field(default_factory=dict)
    sharper: float = 1.0
    c_rate: float | None = None
    of_means: bool = False

    def tolerances(self, numerics: Numerics) -> tuple[float, float]:
        """Return rtol and atol."""
        return (
            max(numerics.rtol * self.sharper, LEAST_RTOL),
            max(numerics.atol * self.sharper, LEAST_ATOL),
        )

    def options_of(self, mode: Mode, again: bool, quick: bool) -> dict[str, float]:
        """Return the solver's options for a mode, of a try ``again``, and where states
        are ``quick``, as a double layer charged in less than a microsecond."""
        options = dict(self.options)
        if RAMP in mode:  # from rest it has no rate to guess a first step by
            options = {"dt_init": 1e-9} | options
        if mode == "voltage" + RAMP:
            # Of index 2 where next to nothing resists: the current's own error then
            # asks for steps without end, and is left to that of the states
            bound = {} if "dt_max" in options else SOONER
            options |= bound | {"suppress_algebraic_error": again}
        if quick:
            options["dt_init"] = min(SHORTEST, options.get("dt_init", SHORTEST))
        return options


# Tried in turn when a solve fails; the first is the default
FAILING = (Fallback(BOUND), Fallback(CAREFUL), Fallback({"max_order_bdf": 2} | CAREFUL))
# Tried where a voltage strayed that was to be held, or all of the above failed
STRAYING = (
    Fallback(CAREFUL, of_means=True),
    # Near a full or an empty site volts lie within Newton's share of the tolerance; a
    # smaller one may lie within rounding
    *(Fallback({SHARE: share} | SHARPER) for share in (1e-3, 1e-8, 1e-10)),
    *(Fallback(SHARPER, sharper) for sharper in (1e-3, 1e-5)),
    # A voltage ramped near a full site goes on by less than may stray in each step
    Fallback({SHARE: 3e-4, "dt_max": 3e-5} | CAREFUL),
    # Where lithium crosses the film within a microsecond, what drives it lies within
    # rounding of x, and a resistive film turns that into a current, which is left alone
    Fallback(
        {SHARE: 1.0, "suppress_algebraic_error": True, "max_order_bdf": 2} | CAREFUL,
        c_rate=1e-4,
    ),
)
FALLBACKS = (*FAILING, *STRAYING)
LAST = len(FAILING) - 1

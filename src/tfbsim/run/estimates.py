"""What a film delivers at a current, without solving it: time to surface saturation.

A discharge ends when the surface reaches the x_s at which U(x_s), less what the current
costs elsewhere, is the cut-off.  How much has gone in by then follows from diffusion:

- D constant: the series for a constant flux into a slab (Crank, The Mathematics of
  Diffusion, 2nd ed., eq. 4.55), which is exact;
- D(x): the flux falls linearly from the electrolyte to the collector once the whole film
  takes part, so that psi = integral of D dc is a parabola (quasi-steady; at constant D,
  the surface runs ahead of the mean by j L/(3 D)).  Where the parabola reaches below the
  start, the rest of the film has taken nothing, and what the parabola then misses is
  taken to be the share that it misses at constant D.

With ionic transference both faces are fed: j splits into 1 - t_i and t_i.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import brentq

from ..cell.cell import Cell
from ..materials.laws import FARADAY, Constant
from ..numerics import Numerics
from ..solver.engine import engine

TERMS = np.arange(1, 400)
DEPTHS = np.linspace(0, 1, 2001)
# Error of the quasi-steady estimate over its distance from that of a constant D with the
# same integral, as simulations of the shipped cells have it; and when it is told
UNEVEN, LARGE = 0.16, 0.15


def saturation_capacity(
    cell: Cell, current_density: float, cut_off: float, start: float | None = None
) -> float:
    """Return the charge that a film takes until its surface is at the cut-off [A.h/m2].

    Parameters
    ----------
    cell : Cell
        At its own temperature.
    current_density : float
        Of the discharge [A/m2].
    cut_off : float
        Lower voltage [V]; kinetics and resistances are the model's own.
    start : float, optional
        Uniform stoichiometry it starts from; default as made.

    Returns
    -------
    float
        0 where the surface is beyond the cut-off at once.

    Warns
    -----
    UserWarning
        D changes so much where the current flows that the estimate may be more than 15 %
        off.

    Raises
    ------
    ValueError
        The transference is a law of x, or the anode is a film.
    """
    c = cell.cathode
    found = c.transport
    if cell.structure.anode is not None:
        raise ValueError("the estimate knows no anode that is a film")
    if callable(found.transference):
        raise ValueError("the estimate knows no transference that depends on x")
    x_0 = cell.x_initial if start is None else float(start)
    solver = engine(cell.structure, Numerics())
    parameters, current = cell.parameters(), current_density * cell.area
    high = c.x_range[1]

    def seen(x: float, name: str) -> float:
        return solver.instant(x, current, parameters)[name]

    if seen(x_0, "Voltage [V]") <= cut_off:
        return 0.0
    x = high
    if seen(high, "Voltage [V]") < cut_off:
        x = brentq(lambda x: seen(x, "Voltage [V]") - cut_off, x_0, high, xtol=1e-12)
    x_s = seen(x, "Cathode surface stoichiometry")
    # Gradient of psi that the current would cause over the whole film
    constants = solver.built("current").constants(parameters)
    slope = float(constants["Cathode slope per current density [m2.A-1]"])
    reach = current_density * slope
    if isinstance(found.diffusivity, Constant):
        filled = _series(reach, found.transference, x_s - x_0)
    else:
        filled = _quasi_steady(cell, reach, found.transference, x_0, x_s)
    return FARADAY * cell.site_inventory * filled / 3600


def _series(reach: float, t_i: float, rise: float) -> float:
    """Return the rise of the mean x when the surface has risen so far, D constant."""

    def excess(tau: float) -> float:
        waves = np.exp(-((TERMS * np.pi) ** 2) * tau) / TERMS**2
        waves = ((1 - t_i) + t_i * (-1.0) ** TERMS) * waves
        lead = (1 - t_i) / 3 - t_i / 6 - 2 / np.pi**2 * waves.sum()
        return float(reach * (tau + lead) - rise)

    return reach * float(brentq(excess, 0.0, rise / reach + 1.0, xtol=1e-14))


def _quasi_steady(cell: Cell, reach: float, t_i: float, x_0: float, x_s: float) -> float:
    """Return the rise of the mean x when the surface is at x_s, psi a parabola."""
    psi = cell.structure.cathode.psi
    fall = (1 - t_i) * DEPTHS - DEPTHS**2 / 2
    end, start = (float(psi(np.array(x))) for x in (x_s, x_0))
    x = psi.inverse(end - reach * fall)
    parabola = float(np.trapezoid(np.maximum(x - x_0, 0), DEPTHS))
    # The same at constant D, where the exact answer is known
    rise = (end - start) / reach
    alike = float(np.trapezoid(np.maximum(rise - fall, 0), DEPTHS))
    found = parabola * _series(1.0, t_i, rise) / alike if alike > 0 else parabola
    constant = (x_s - x_0) * _series(1.0, t_i, rise) / rise
    error = UNEVEN * abs(constant / found - 1) if found > 0 else 0.0
    if error > LARGE:
        warnings.warn(
            f"the estimate may be {100 * error:.0f} % off: D changes much from x = "
            f"{x_0:.3g} to {x_s:.3g}, and the film is not reached as a whole",
            stacklevel=3,
        )
    return found

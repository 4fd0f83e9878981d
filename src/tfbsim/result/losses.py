"""Where the voltage and the energy of a run go, and which loss ended a step.

At every moment the terminal voltage is the open-circuit voltage of the film at its mean
stoichiometry, less the overpotentials:

    U(x_mean) - V = sum of eta_k

each positive where it costs voltage on discharge, so that i eta_k is the power it turns
into heat on charge and on discharge.  The film is filled by i + sum of i_s, the current
and the side currents, as what leaks through the electrolyte, so over any stretch of time

    E_in - E_out = sum of integral i eta_k dt                 the losses
                   + sum of integral i_s U(x_mean) dt         side currents, at rest too
                   - integral (i + sum i_s) U(x_mean) dt      the change of stored energy

exactly.  The last is the work of taking the film reversibly from one mean stoichiometry
to the other: zero over a cycle that ends where it began.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from ..materials.laws import Floats
from ..physics.law import Declared
from ..physics.thin_film_cell import declared_by_options
from .names import MEAN_X, NET, OPEN_CIRCUIT, SURFACE, SURFACE_X, Row, named

# Curve variables, by the names a result gives them: of moments, or of one
Of = TypeVar("Of", np.ndarray, Floats)
Sample = Mapping[str, np.ndarray]

DIFFUSION = "Diffusion in the film"
ANODE = "Anode mean open-circuit potential [V]"  # of a film
# What is declared by the laws of the default options, and by those of all options
DEFAULT, KNOWN = declared_by_options()
LOSSES = (DIFFUSION, *(loss.name for loss in KNOWN.losses))

# --- Of a moment -----------------------------------------------------------------------


def overpotentials(sample: Mapping[str, Of], laws: Declared = KNOWN) -> dict[str, Of]:
    """Return the overpotentials [V], by name; their sum is U(x_mean) - V.

    For diffusion and each loss that the sample has, positive where it costs voltage on
    discharge.  A sample is curve variables of any shape: a dict of arrays or a Dataset.
    """
    found = {DIFFUSION: sample[OPEN_CIRCUIT] - sample[SURFACE]}
    if ANODE in sample:  # what is left of U is then the cathode's
        found[DIFFUSION] = found[DIFFUSION] + sample[ANODE]
    for loss in laws.losses:
        if loss.variable in sample:
            found[loss.name] = loss.sign * sample[loss.variable]
    return found


# --- Of a stretch of time --------------------------------------------------------------

UNIT = "[uW.h.cm-2]"
ENERGY_IN, ENERGY_OUT = f"Energy in {UNIT}", f"Energy out {UNIT}"
LEAKAGE, STORED = f"Leakage {UNIT}", f"Stored {UNIT}"
EFFICIENCY = "Energy efficiency [%]"


def lost(laws: Declared) -> dict[str, str]:
    """Return the column of each loss, by its name."""
    names = (DIFFUSION, *(loss.name for loss in laws.losses))
    return {name: f"{name} {UNIT}" for name in names}


def beside(laws: Declared) -> dict[str, str]:
    """Return the column of each side current, by its name."""
    return {side.name: f"{side.name} {UNIT}" for side in laws.side_currents}


def columns(laws: Declared) -> tuple[str, ...]:
    """Return the columns of ``losses.csv``."""
    return (
        *("Case", "Cycle number", "Step number", "Step", ENERGY_IN, ENERGY_OUT),
        *(*lost(laws).values(), *beside(laws).values(), STORED, EFFICIENCY),
    )


# Of every result; those of further laws are there if a case has them
COLUMNS = tuple(c for c in columns(KNOWN) if c == LEAKAGE or c in columns(DEFAULT))
RESOLVED = 1e-7  # a step in x that is more than rounding


def _energies(sample: Sample, laws: Declared) -> dict[int, dict[str, float]]:
    """Return the energy balance of each step of a cycle [uWh/cm2], by its number.

    Energy in less out is the sum of the losses, side currents and what is stored, to
    rounding.
    """
    number = sample["Step number"]
    steps, first = np.unique(number, return_index=True)
    U = _open_circuit_means(sample, first)
    # Nothing passes between the last sample of a step and the first of the next
    within = np.diff(number) == 0
    # The solver's own integrals: a current may turn between two samples
    passed = np.diff(sample[NET]) * within
    pieces = {name: np.diff(sample[name]) * within for name in (ENERGY_IN, ENERGY_OUT)}
    eta = overpotentials(sample, laws)
    lost_by = {name: passed * _means(volts) for name, volts in eta.items()}
    # Between two samples it is the surface that bends the voltage
    others = sum(lost_by[name] for name in eta if name != DIFFUSION)
    came_out = pieces[ENERGY_OUT] - pieces[ENERGY_IN]
    lost_by[DIFFUSION] = passed * U - came_out - others
    pieces |= {lost(laws)[name]: energy for name, energy in lost_by.items()}
    filled = passed
    for side in laws.side_currents:
        if named(side.charge) in sample:
            charge = np.diff(sample[named(side.charge)]) * within
            pieces[beside(laws)[side.name]] = charge * U
            filled = filled + charge
    pieces[STORED] = -filled * U
    padded = np.pad(list(pieces.values()), ((0, 0), (0, 1)))
    sums = np.add.reduceat(padded, first, axis=1)
    return {
        int(step): dict(zip(pieces, sums[:, k].tolist(), strict=True))
        for k, step in enumerate(steps)
    }


def _means(values: np.ndarray) -> np.ndarray:
    return (values[1:] + values[:-1]) / 2


def _open_circuit_means(sample: Sample, first: np.ndarray) -> np.ndarray:
    """Return U(x_mean) between samples [V], U(x) interpolated monotonely in each step.

    The samples resolve the voltage, and so U at the surface; the mean may pass a cliff of
    U(x) within a few of them.
    """
    x, U = sample[MEAN_X], sample[OPEN_CIRCUIT]
    x_s, U_s = sample[SURFACE_X], sample[SURFACE]
    means = _means(U)
    if ANODE in sample:  # of two films, the voltage at one's surface is no point of it
        x_s, U_s = x, U
    for start, end in zip(first, [*first[1:], len(x)], strict=True):
        step = slice(start, end)
        known, index = np.unique(np.append(x[step], x_s[step]), return_index=True)
        apart = np.diff(known, prepend=-np.inf) > RESOLVED
        if apart.sum() < 3:
            continue
        U_known = np.append(U[step], U_s[step])[index]
        area = PchipInterpolator(known[apart], U_known[apart]).antiderivative()
        dx = np.diff(x[step])
        wide = np.abs(dx) > RESOLVED
        means[start : end - 1][wide] = np.diff(area(x[step]))[wide] / dx[wide]
    return means


def balances(
    curves: xr.Dataset, steps: Sequence[Row], laws: Declared = KNOWN
) -> list[Row]:
    """Return the energy balance of every cycle of a case, and of its steps.

    The rows of ``losses.csv`` without the case, from its curves and, for their sentences,
    its rows of ``steps.csv``.  A cycle in which anything ran has one row as a whole, step
    number 0, then one for each step that ran.
    """
    if "Voltage [V]" not in curves:
        return []
    text = {(int(s["Cycle number"]), int(s["Step number"])): s["Step"] for s in steps}
    data = {
        str(name): np.asarray(variable.values)
        for name, variable in curves.data_vars.items()
        if variable.dims == ("cycle", "sample")
    }
    rows: list[Row] = []
    for k, cycle in enumerate(curves["cycle"].values.tolist()):
        there = np.isfinite(data["Time [s]"][k])
        if not there.any():
            continue
        sample = {name: values[k][there] for name, values in data.items()}
        found = _energies(sample, laws)
        each = list(found.values())
        whole = {name: sum(balance[name] for balance in each) for name in each[0]}
        kept = [(0, "whole cycle", whole)]
        kept += [(n, str(text[cycle, n]), balance) for n, balance in found.items()]
        for n, words, balance in kept:
            E_in, E_out = balance[ENERGY_IN], balance[ENERGY_OUT]
            share = 100 * E_out / E_in if E_in > 0 and E_out > 0 else np.nan
            row = {"Cycle number": cycle, "Step number": n, "Step": words, **balance}
            rows.append(row | {EFFICIENCY: share})
    return rows


# --- What ended a step -----------------------------------------------------------------

COMPLETE = 0.99  # share of the equilibrium capacity from which on no loss is to blame
NO_SPAN = 1e-6  # a change of stoichiometry that is none


def limit(
    direction: int,
    x_start: Floats,
    x_equilibrium: Floats,
    end: Mapping[str, Floats],
    laws: Declared = KNOWN,
) -> tuple[Floats, str | np.ndarray]:
    """Return how much of its capacity a step got, and what cost it the rest.

    A cell without losses ends at the stoichiometry whose open-circuit voltage is the
    cut-off.  What is missing to it has two parts.  Diffusion keeps the mean behind the
    surface: x_s - x_mean.  All other losses together keep the surface from the
    equilibrium: x_eq - x_s, the surface having to meet U(x_s) = V + their sum; only the
    sum matters there, so each has the share that it has of the voltage.  The largest part
    is the limiting loss.

    The parts are of the capacity that is missing and not of the voltage, U(x_mean) - V:
    where U(x) falls off steeply towards the end, a resistance may take most of the
    voltage and cost next to nothing, the cliff of U(x) having been reached, while what
    diffusion left unused lies before the cliff.

    Parameters
    ----------
    direction : int
        1 for a discharge, -1 for a charge.
    x_start, x_equilibrium : float or ndarray
        Mean stoichiometry at the start of the step, and in equilibrium at the cut-off, of
        one cell or of many.
    end : mapping
        Curve variables at the end of the step.

    Returns
    -------
    float, str
        Of the equilibrium capacity [%] and the limiting loss, "none" from 99 % on; NaN
        and "" where the start is already at the cut-off, or beyond.
    """
    span = direction * (x_equilibrium - x_start)
    none = span < NO_SPAN
    x, x_s = end[MEAN_X], end[SURFACE_X]
    # Not -0, of a step that ended at once
    share = direction * (x - x_start) / np.where(none, np.nan, span) + 0.0
    eta = overpotentials(end, laws)
    behind = [np.maximum(direction * eta[n], 0.0) for n in eta if n != DIFFUSION]
    volts: Floats = sum(behind)
    per_volt = np.maximum(direction * (x_equilibrium - x_s), 0.0)
    per_volt = per_volt / np.where(volts == 0, 1.0, volts)
    parts = [direction * (x_s - x), *(one * per_volt for one in behind)]
    names = np.array([DIFFUSION, *(n for n in eta if n != DIFFUSION)], dtype=object)
    worst = names[np.argmax(np.stack(np.broadcast_arrays(*parts)), axis=0)]
    word = np.where(none, "", np.where(share >= COMPLETE, "none", worst))
    return (100 * share, word) if np.ndim(share) else (float(100 * share), str(word))


# --- How much of the film took the second lithium --------------------------------------


def second_lithium(x: np.ndarray, widths: np.ndarray, x_max: float) -> Floats:
    """Return how much of the film is filled beyond one lithium per formula unit [%].

    100 times the mean over the volumes, the last axis of x, of (x - 1)/(x_max - 1),
    within 0 and 1; x_max, the sites per formula unit, is above 1.
    """
    beyond = np.clip((x - 1) / (x_max - 1), 0, 1)
    return 100 * (beyond @ widths) / widths.sum()


def widths(xi: np.ndarray) -> np.ndarray:
    """Return the widths of volumes from 0 on whose middles are at xi."""
    edges = [0.0]
    for node in xi.tolist():
        edges.append(2 * node - edges[-1])
    return np.diff(edges)

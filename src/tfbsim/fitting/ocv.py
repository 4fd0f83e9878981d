"""A smooth, monotone open-circuit potential from a slow charge and discharge.

The law is the multi-site one of materials/laws.py, x(U) = sum_j X_j/(1 + exp(f (U -
U_j)/omega_j)).  Both branches are counted from the charged end, their mean at equal
charge is taken for U (half their distance is polarisation and hysteresis, and stated),
and the sites are fitted to it by least squares.  A point's residual is the law's error in
x at the point's potential, over sqrt(sigma_x^2 + (sigma_U dx/dU)^2), the effective
variance of a curve measured in both coordinates (Orear, Am. J. Phys. 50 (1982) 912):
where U is steep an error of 0.05 % in charge is tens of millivolts and must not rule the
fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, isotonic_regression, least_squares
from scipy.special import expit

from ..errors import InputError
from ..materials.laws import FARADAY, GAS_CONSTANT, Array, MultiSite

SIGMA_U, SIGMA_X = 1e-3, 5e-4  # V; of the whole range of x
POINTS = 400  # of the mean curve, evenly along it
MOST_SITES = 10
WIDTHS = (0.12, 30.0)
REACH = 0.8  # V that a site may lie outside the measured window
STEEP = 10.0  # dU/dx over its median: a steep end, left out of the stated error


@dataclass(frozen=True)
class OcvFit:
    """A fitted open-circuit potential and what it was fitted to.

    Parameters
    ----------
    law : MultiSite
        Sites in falling order of potential.
    x, U : ndarray, shape (points,)
        Mean curve of the branches: stoichiometry, potential [V].
    half_gap : ndarray, shape (points,)
        Half the distance of the branches [V]; zeros for a single branch.
    flat : ndarray of bool, shape (points,)
        Points outside the steep ends, which the errors are stated over.
    branches : dict
        ``charge``, ``discharge``: their x and U [V], as measured.
    charge : float
        Charge of the measured range, in the unit it was given in.
    """

    law: MultiSite
    x: Array
    U: Array
    half_gap: Array
    flat: Array
    branches: dict[str, tuple[Array, Array]]
    charge: float

    @property
    def error(self) -> Array:
        """Law less mean curve [V], shape (points,)."""
        return inverse(self.law, self.x) - self.U

    @property
    def rms(self) -> float:
        """Root mean square error [V], outside the steep ends."""
        return float(np.sqrt(np.mean(self.error[self.flat] ** 2)))

    @property
    def largest(self) -> float:
        """Largest error [V], outside the steep ends."""
        return float(np.max(np.abs(self.error[self.flat])))

    @property
    def sites(self) -> list[dict[str, float]]:
        """Potential [V], sites per formula unit and width of each term."""
        law = self.law
        return [
            {"potential": U, "sites": X, "width": w}
            for U, X, w in zip(law.U, law.X, law.omega, strict=True)
        ]


def fit_ocv(
    branches: Sequence[tuple[Array, Array]],
    stoichiometry: tuple[float, float] = (0.0, 1.0),
    sites: int | None = None,
    temperature: float = 298.15,
) -> OcvFit:
    """Fit the multi-site law to one or two slow curves.

    Parameters
    ----------
    branches : sequence of (capacity, voltage)
        One curve or two, of any length; capacity in one unit, voltage [V].  Whether the
        capacity is counted from the charged or the discharged end shows in the voltage;
        the higher of two is the charge.
    stoichiometry : (float, float)
        x at the charged and at the discharged end of the measured charge.
    sites : int, optional
        How many; default: the fewest, up to 10, whose rms error is within 1 mV or 0.05 %
        of the charge.
    temperature : float
        That the widths are stated at [K].

    Returns
    -------
    OcvFit

    Raises
    ------
    InputError
        Fewer than ten points, a curve that is level, or stoichiometries that do not rise.

    Examples
    --------
    >>> import numpy as np
    >>> from tfbsim.materials import library
    >>> U = library("cathode")["NMC811"].fields["open_circuit_potential"]
    >>> x = np.linspace(0.3, 0.9, 200)
    >>> fit = fit_ocv([(x - 0.3, U(x))], stoichiometry=(0.3, 0.9))
    >>> fit.rms < 1e-3
    True
    """
    low, high = stoichiometry
    if not 0 <= low < high <= 10:
        raise InputError("must be two that rise, at least 0", field="stoichiometry")
    if sites is not None and not 1 <= sites <= 30:
        raise InputError("must be from 1 to 30", field="sites")
    if len(branches) not in (1, 2):
        raise InputError(f"{len(branches)} curves are given where one or two would do")
    depths = [_from_charged(Q, V) for Q, V in branches]
    span = min(float(depth[-1]) for depth, _ in depths)
    curves = [(low + (high - low) * depth / span, U) for depth, U in depths]
    x, U, half_gap = _mean(curves, (low, high))
    slope = np.abs(np.gradient(U, x))
    sigma = np.hypot(SIGMA_X * (high - low), SIGMA_U / np.maximum(slope, 1e-3))
    law = _fitted(x, U, sigma, sites, temperature)
    flat = slope < STEEP * np.median(slope)
    order = np.argsort([-np.interp((low + high) / 2, *curve) for curve in curves])
    names = ("charge", "discharge") if len(curves) == 2 else ("measured",)
    named = {name: curves[k] for name, k in zip(names, order, strict=True)}
    return OcvFit(law, x, U, half_gap, flat, named, span)


# --- The measured curve ------------------------------------------------------------


def _from_charged(capacity: Array, voltage: Array) -> tuple[Array, Array]:
    """Return the charge from the charged end, rising, and the voltage."""
    Q, V = (np.asarray(a, dtype=float) for a in (capacity, voltage))
    known = np.isfinite(Q) & np.isfinite(V)
    Q, V = Q[known], V[known]
    if len(Q) < 10:
        raise InputError(f"{len(Q)} points are too few for an open-circuit potential")
    Q, where = np.unique(Q, return_inverse=True)
    V = np.bincount(where, V) / np.bincount(where)  # equal capacities, their mean
    if len(Q) < 10 or np.ptp(V) < 0.01:
        raise InputError("is level: no open-circuit potential can be read off it")
    tenth = max(1, len(Q) // 10)
    if V[:tenth].mean() < V[-tenth:].mean():
        Q, V = -Q[::-1], V[::-1]
    return Q - Q[0], V


def _mean(
    curves: Sequence[tuple[Array, Array]], ends: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Return the mean of the branches at equal x, evenly along it, and half their gap."""
    dense = np.linspace(*ends, 20 * POINTS + 1)
    U = np.array([np.interp(dense, *curve) for curve in curves])
    # Noise aside, it falls
    mean = isotonic_regression(U.mean(axis=0), increasing=False).x
    along = np.hypot(np.diff(dense) / np.ptp(dense), np.diff(mean) / np.ptp(mean))
    length = np.concatenate([[0.0], np.cumsum(along)])
    x = np.interp(np.linspace(0, length[-1], POINTS), length, dense)
    gap = np.ptp(U, axis=0) / 2
    return x, np.interp(x, dense, mean), np.interp(x, dense, gap)


# --- The law -----------------------------------------------------------------------


def inverse(law: MultiSite, x: Array) -> Array:
    """Return U [V] at stoichiometries inside the law's range."""
    curve = law.curve
    return np.interp(x, curve.x, curve.y)


def _law(p: Array, temperature: float) -> MultiSite:
    """Return parameters U_j, ln X_j, ln omega_j as a law, in falling order of U_j."""
    sites = np.array([p[0::3], np.exp(p[1::3]), np.exp(p[2::3])])
    U, X, omega = map(tuple, sites[:, np.argsort(-p[0::3])].tolist())
    return MultiSite(U, X, omega, temperature)


def _start(x: Array, U: Array, number: int) -> Array:
    """Return equal shares of the range, each a site at its middle; one more above."""
    share = np.ptp(x) / number
    middle = x[0] + share * (np.arange(number) + 0.5)
    rows = [(at, np.log(share), np.log(2.0)) for at in np.interp(middle, x, U)]
    if x[0] > 0:
        rows.append((U.max() + REACH / 2, np.log(x[0]), np.log(4.0)))
    return np.array(rows).ravel()


def _fitted(
    x: Array, U: Array, sigma: Array, sites: int | None, temperature: float
) -> MultiSite:
    """Return the best law of a number of sites, or of the fewest that will do."""
    found: list[OptimizeResult] = []
    for number in range(1, (sites or MOST_SITES) + 1):
        starts = [_start(x, U, number)]
        if found:  # the last, and a site more where it misses most
            at = U[int(np.argmax(np.abs(found[-1].fun)))]
            more = [at, np.log(0.03 * np.ptp(x)), 0.0]
            starts.append(np.concatenate([found[-1].x, more]))
        fits = [_solve(x, U, sigma, start, temperature) for start in starts]
        found.append(min(fits, key=lambda fit: fit.cost))
        if sites is None and np.mean(found[-1].fun ** 2) <= 1:
            break
    best = found[-1] if sites is not None else min(found, key=lambda fit: fit.cost)
    return _law(best.x, temperature)


def _solve(
    x: Array, U: Array, sigma: Array, start: Array, temperature: float
) -> OptimizeResult:
    """Return the least squares from a start, on the error of x at equal U."""
    f = FARADAY / (GAS_CONSTANT * temperature)

    def terms(p: Array) -> tuple[Array, Array, Array, Array]:
        """Return z = f (U - U_j)/omega_j, the share of each site, X_j, and width [V]."""
        width = np.exp(p[2::3]) / f
        z = (U[:, None] - p[0::3]) / width
        return z, expit(-z), np.exp(p[1::3]), width

    def residuals(p: Array) -> Array:
        _, share, X, _ = terms(p)
        return (share @ X - x) / sigma

    def jacobian(p: Array) -> Array:
        z, share, X, width = terms(p)
        slope = X * share * (1 - share)
        parts = np.stack([slope / width, X * share, slope * z], axis=2)
        return parts.reshape(len(x), -1) / sigma[:, None]

    each = [
        (U.min() - REACH, U.max() + REACH),
        (np.log(1e-4), np.log(3 * x[-1])),
        tuple(np.log(WIDTHS)),
    ]
    low, high = np.tile(np.array(each), (len(start) // 3, 1)).T
    return least_squares(
        residuals,
        np.clip(start, low + 1e-6, high - 1e-6),
        jac=jacobian,
        bounds=(low, high),
        x_scale=np.tile([0.05, 0.3, 0.3], len(start) // 3),
        max_nfev=500,
    )

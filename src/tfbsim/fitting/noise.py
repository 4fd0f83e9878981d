"""What the residuals say of the noise: how large it is, and whether neighbours share it.

Residuals of a curve whose neighbours go together hold less than as many independent
ones: a slow drift of 1 mV moves a resistance as noise of 1 mV, averaged, does not.  Their
correlation is that of a first-order autoregression, corr(r_i, r_j) = rho^|i-j|, with rho
where the residual likelihood is largest (REML: Patterson and Thompson, Biometrika 58
(1971) 545), which allows for the part that the fitted parameters have absorbed.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from ..data.measured import Array
from .problem import Problem

SIGNIFICANT = 2.7  # twice the gain of the log-likelihood: 1 in 20 of independent ones
MOST = 0.995  # beyond, a drift and an offset are one
FEW = 8  # residuals of a curve that can say so
APART, LONE, MOST_APART = 6.0, 3.0, 0.1


def autocorrelation(problem: Problem, r: Array, J: Array) -> tuple[float, float]:
    """Return rho of the residuals r at a minimum, and their variance, in stated errors.

    rho is at the upper end of its 68 % interval, for intervals are to hold although it is
    estimated too; 0 and the plain variance where the residuals show no correlation.
    """
    n, p = problem.size, np.linalg.matrix_rank(J, tol=1e-6 * np.linalg.norm(J))
    pairs = sum(max(b.stop - b.start - 1, 0) for b in problem.blocks)

    def account(rho: float) -> tuple[float, float]:
        """Return log-likelihood and variance."""
        left, s, _ = np.linalg.svd(problem.independent(J, rho), full_matrices=False)
        white = problem.independent(r, rho)
        rest = float(white @ white - ((left[:, :p].T @ white) ** 2).sum())
        variance = max(rest, 1e-300) / (n - p)
        log_det = pairs * np.log(1 - rho**2) + 2 * np.log(s[:p]).sum()
        return -0.5 * (log_det + (n - p) * np.log(variance)), variance

    plain, variance = account(0.0) if n > p else (0.0, 0.0)
    if n - p < 2 or max(b.stop - b.start for b in problem.blocks) < FEW:
        return 0.0, variance
    rho = float(
        minimize_scalar(lambda x: -account(x)[0], bounds=(0.0, MOST), method="bounded").x
    )
    best = account(rho)[0]
    if 2 * (best - plain) < SIGNIFICANT:
        return 0.0, variance

    def above(x: float) -> float:
        return account(x)[0] - best + 0.5

    rho = float(brentq(above, rho, MOST, xtol=1e-4)) if above(MOST) < 0 else MOST
    return rho, account(rho)[1]


def effective(problem: Problem, rho: float) -> float:
    """Return how many independent squares the residuals amount to.

    The variance of the mean square of an autoregression is that of
    n (1 - rho^2)/(1 + rho^2) independent ones.
    """
    points = sum(b.stop - b.start for b in problem.blocks)
    return problem.size - points + points * (1 - rho**2) / (1 + rho**2)


def standing_apart(problem: Problem, r: Array) -> Array:
    """Return which plain residuals at a minimum are spikes: alone, beyond the scatter.

    None where more than ``MOST_APART`` of them are: then it is no spike.
    """
    scatter = 1.4826 * float(np.median(np.abs(r[~problem.aside])))
    found = problem.aside.copy()
    size = np.abs(r)
    for block in problem.blocks:
        own = size[block]
        if len(own) < FEW:
            continue
        beside = np.maximum(np.append(0.0, own[:-1]), np.append(own[1:], 0.0))
        far = own > APART * max(scatter, 1.0)
        found[block] |= far & (beside < LONE * max(scatter, 1.0))
    return found if found.sum() <= MOST_APART * len(r) else problem.aside.copy()

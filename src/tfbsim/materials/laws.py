"""Named laws of one variable, the stoichiometry x: potentials U(x), diffusivities D(x).

Every law is a :class:`Law`: callable on NumPy arrays, with the range of x its source
covers.  The model sees a law through a :class:`Curve`, a smooth interpolation of it with
a straight continuation outside its nodes, so that NumPy and PyBaMM evaluate the same
function and a solver that overshoots meets no pole and no NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import numpy as np
import scipy  # loads scipy.interpolate, half a second, where it is first used

if TYPE_CHECKING:
    import pybamm

Array: TypeAlias = np.ndarray
Floats: TypeAlias = float | Array  # one number, or an array of any shape
Expression: TypeAlias = "Floats | pybamm.Symbol"
GAS_CONSTANT = 8.31446261815324  # J/(mol K), CODATA 2018
FARADAY = 96485.33212331001  # C/mol, CODATA 2018, as in PyBaMM


VANISHING = 1e-6  # of the largest D: one that is nothing at an end of the film


@runtime_checkable
class Law(Protocol):
    """A function of the stoichiometry x, hashable, without continuation."""

    @property
    def valid(self) -> tuple[float, float]:
        """Lowest and highest x of the source."""

    def __call__(self, x: Floats) -> Array: ...

    def __hash__(self) -> int: ...


class PotentialLaw(Law, Protocol):
    """An open-circuit potential, which the model sees as a Curve."""

    @property
    def curve(self) -> Curve: ...

    @property
    def x_max(self) -> float:
        """Sites per formula unit: x is at most this."""


@dataclass(frozen=True)
class Curve:
    """Smooth interpolation through nodes, straight outside them."""

    # Nodes; x strictly increasing; shape (n,)
    x: Array
    y: Array
    # False: monotone pchip, for sparse nodes and for a vector argument.  True: cubic
    # spline, twice differentiable and the cheaper in a solver for a scalar argument, for
    # nodes so dense that it cannot overshoot between them.
    dense: bool = False
    # Of pchip: its first and last two intervals are straight, and go on so beyond
    straight: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """Return the first and the last node."""
        return float(self.x[0]), float(self.x[-1])

    @cached_property
    def _spline(self) -> scipy.interpolate.PPoly:
        name = "CubicSpline" if self.dense else "PchipInterpolator"
        kind = getattr(scipy.interpolate, name)
        return kind(self.x, self.y)

    @cached_property
    def _end_slopes(self) -> tuple[float, float]:
        low, high = (float(self._spline.derivative()(x)) for x in self.ends)
        return low, high

    def __call__(self, x: Floats) -> Array:
        """Value at x (NumPy, any shape)."""
        inside = np.clip(x, self.x[0], self.x[-1])
        low, high = self._end_slopes
        return (
            self._spline(inside)
            + low * np.minimum(x - self.x[0], 0)
            + high * np.maximum(x - self.x[-1], 0)
        )

    @property
    def falls(self) -> bool:
        """Return whether y falls with x at every node and halfway between nodes."""
        halfway = (self.x[1:] + self.x[:-1]) / 2
        slopes = self.slope(np.concatenate([self.x, halfway]))
        return len(self.x) > 3 and bool((slopes < 0).all())

    def slope(self, x: Floats) -> Array:
        """dy/dx at x (NumPy, any shape)."""
        return self._spline.derivative()(np.clip(x, self.x[0], self.x[-1]))

    def of(self, x: Expression) -> Expression:
        """Value at x, a PyBaMM symbol or NumPy."""
        return self(x) if isinstance(x, float | int | np.ndarray) else self.symbol(x)

    def symbol(self, x: pybamm.Symbol) -> pybamm.Symbol:
        """Return the same function as a PyBaMM expression of x."""
        import pybamm

        lo, hi = self.ends
        low, high = self._end_slopes
        if self.straight:
            return pybamm.Interpolant(self.x, self.y, x, interpolator="pchip")
        kind = "cubic" if self.dense else "pchip"
        inside = pybamm.minimum(pybamm.maximum(x, lo), hi)
        return (
            pybamm.Interpolant(self.x, self.y, inside, interpolator=kind)
            + low * pybamm.minimum(x - lo, 0)
            + high * pybamm.maximum(x - hi, 0)
        )


@dataclass(frozen=True)
class Constant:
    """y = value, at every x."""

    value: float

    @property
    def valid(self) -> tuple[float, float]:
        return (-np.inf, np.inf)

    def __call__(self, x: Floats) -> Array:
        return self.value + 0.0 * np.asarray(x, dtype=float)


@dataclass(frozen=True)
class Table:
    """pchip through measured points, in log10(y) where ``logarithmic``."""

    x: tuple[float, ...]  # Strictly increasing
    y: tuple[float, ...]  # Above 0 where ``logarithmic``
    logarithmic: bool = False
    x_max: float = 1.0  # Sites per formula unit, of a potential

    @property
    def valid(self) -> tuple[float, float]:
        return (self.x[0], self.x[-1])

    @cached_property
    def curve(self) -> Curve:
        """The interpolation itself (of log10 y where logarithmic)."""
        y = np.array(self.y)
        return Curve(np.array(self.x), np.log10(y) if self.logarithmic else y)

    def chords(self, x: float) -> tuple[float, float]:
        """Return the least and the largest slope between the four points about x."""
        slopes = np.diff(self.y) / np.diff(self.x)
        k = int(np.clip(np.searchsorted(self.x, x) - 1, 0, len(slopes) - 1))
        near = slopes[max(k - 1, 0) : k + 2]
        return float(np.min(near)), float(np.max(near))

    def __call__(self, x: Floats) -> Array:
        if self.logarithmic:  # a diffusivity: constant outside its points
            return 10.0 ** self.curve(np.clip(x, *self.valid))
        return self.curve(x)


@dataclass(frozen=True)
class Rational:
    """y = sum_k a_k x^k / sum_k b_k x^k, on a stated range of x."""

    numerator: tuple[float, ...]  # a_k in rising powers of x
    denominator: tuple[float, ...]  # b_k
    valid: tuple[float, float]  # The range of x; no denominator vanishes in it
    x_max: float = 1.0  # Sites per formula unit

    def __call__(self, x: Floats) -> Array:
        polyval = np.polynomial.polynomial.polyval
        return polyval(x, self.numerator) / polyval(x, self.denominator)

    @cached_property
    def curve(self) -> Curve:
        """1000 nodes, denser at both ends where such fits are steep."""
        lo, hi = self.valid
        x = lo + (hi - lo) * (1 - np.cos(np.linspace(0, np.pi, 1000))) / 2
        return Curve(x, self(x), dense=True)


@dataclass(frozen=True)
class Exponentials:
    """y = sum_k a_k x^k + sum_j b_j exp((x - x_j)/w_j), on a stated range of x."""

    polynomial: tuple[float, ...]  # a_k in rising powers of x
    terms: tuple[tuple[float, float, float], ...]  # b_j, x_j, w_j
    valid: tuple[float, float]  # The range of x
    x_max: float = 1.0  # Sites per formula unit

    def __call__(self, x: Floats) -> Array:
        y = np.polynomial.polynomial.polyval(x, self.polynomial)
        return y + sum(b * np.exp((x - at) / width) for b, at, width in self.terms)

    @cached_property
    def curve(self) -> Curve:
        """2000 nodes: an exponential of a fiftieth of the range to 1e-9."""
        x = np.linspace(*self.valid, 2001)
        return Curve(x, self(x), dense=True)


@dataclass(frozen=True)
class MultiSite:
    """x(U) = sum_j X_j / (1 + exp(f (U - U_j)/omega_j)), f = F/(R T_ref).

    Ideal-solution site filling with an effective width omega_j (1: ideal; below 1
    attraction, above 1 a spread of site energies).  Monotone and smooth, always
    single-phase; each peak of dQ/dV is one site.
    """

    U: tuple[float, ...]  # Site potentials [V against Li]
    X: tuple[float, ...]  # Sites per formula unit
    omega: tuple[float, ...]  # Widths [-]
    T_ref: float = 298.15  # That the widths are stated at [K]

    @property
    def x_max(self) -> float:
        """All sites per formula unit."""
        return float(sum(self.X))

    @property
    def valid(self) -> tuple[float, float]:
        return (0.0, self.x_max)

    @property
    def _f(self) -> float:
        return FARADAY / (GAS_CONSTANT * self.T_ref)  # 1/V

    def stoichiometry(self, U: Floats) -> Array:
        """x at potential U [V] (any shape)."""
        return self._sum(U)[0]

    def _sum(self, U: Floats) -> tuple[Array, Array]:
        """x and -dx/dU [1/V] at U."""
        U = np.asarray(U, dtype=float)[..., None]
        width = np.array(self.omega) / self._f
        e = np.exp(-np.abs(U - np.array(self.U)) / width)
        filled = np.where(np.array(self.U) > U, 1 / (1 + e), e / (1 + e))
        X = np.array(self.X)
        return (X * filled).sum(-1), (X / width * e / (1 + e) ** 2).sum(-1)

    def capacity_density(self, U: Floats) -> Array:
        """-dx/dU [1/V] at potential U [V]: the dQ/dV of equilibrium."""
        return self._sum(U)[1]

    @cached_property
    def curve(self) -> Curve:
        """U(x) through nodes 2 mV apart, as far as x resolves them."""
        reach = np.maximum(1.5, 12 * np.array(self.omega) / self._f)
        top, bottom = np.max(self.U + reach), np.min(self.U - reach)
        U = np.arange(top, bottom, -0.002)
        x = self.stoichiometry(U)
        edge = 1e-9 * self.x_max
        keep = (x > edge) & (x < self.x_max - edge)
        x, U = x[keep], U[keep]
        apart = np.concatenate([[True], np.diff(x) > 1e-12 * self.x_max])
        return Curve(x[apart], U[apart], dense=True)

    def __call__(self, x: Floats) -> Array:
        return self.curve(x)


POTENTIALS = MultiSite | Rational | Exponentials | Table  # that a film may have


@dataclass(frozen=True)
class Difference:
    """U = U_p(x) - U_n(x_n + ratio (x_0 - x)): a cell of two films, over x of one."""

    positive: PotentialLaw  # U_p
    negative: PotentialLaw  # U_n
    # Stoichiometries of both at one moment
    x_0: float
    x_n: float
    ratio: float  # Sites of the positive film over those of the negative

    def opposite(self, x: Floats) -> Floats:
        """Stoichiometry of the negative film where the positive one's is x."""
        return self.x_n + self.ratio * (self.x_0 - x)

    @property
    def x_max(self) -> float:
        return self.positive.x_max

    @property
    def valid(self) -> tuple[float, float]:
        """Where both laws are known."""
        x, ends = self.positive.curve.x, self.negative.curve.x[[-1, 0]]
        low, high = self.x_0 + (self.x_n - ends) / self.ratio
        return max(float(x[0]), float(low)), min(float(x[-1]), float(high))

    def __call__(self, x: Floats) -> Array:
        return self.positive.curve(x) - self.negative.curve(self.opposite(x))

    @cached_property
    def curve(self) -> Curve:
        """Through the nodes of both, at least a thousandth of the range apart."""
        low, high = self.valid
        of_n = self.x_0 + (self.x_n - self.negative.curve.x) / self.ratio
        x = np.concatenate([self.positive.curve.x, of_n, np.linspace(low, high, 1001)])
        x = np.unique(x[(x >= low) & (x <= high)])
        apart = np.append(np.diff(x) > 1e-9 * (high - low), True)
        return Curve(x[apart], self(x[apart]))


@dataclass(frozen=True)
class LogPolynomial:
    """y = 10^(sum_k a_k x^k): a diffusivity over decades with few coefficients."""

    # a_k in rising powers of x; 10^a_0 carries the unit [m2/s]
    coefficients: tuple[float, ...]
    valid: tuple[float, float] = (0.0, 1.0)  # The range of x; constant outside

    def __call__(self, x: Floats) -> Array:
        inside = np.clip(x, *self.valid)
        return 10.0 ** np.polynomial.polynomial.polyval(inside, self.coefficients)


@dataclass(frozen=True)
class PythonLaw:
    """A user's own function of x, given from Python (a file cannot hold code)."""

    function: Callable[[Array], Array]
    valid: tuple[float, float] = (0.0, 1.0)

    def __call__(self, x: Floats) -> Array:
        return self.function(np.clip(x, *self.valid))


@dataclass(frozen=True)
class DiffusionPotential:
    """psi(x) = integral of D/D_ref dx, and its inverse: the law N = -D_ref d(psi)/dy.

    Fluxes as differences of psi conserve lithium whatever D(x) is and are exact for a
    steady front, where D averaged at cell faces is 41 % off on 10 points, 10 % on 50
    (tests/verification/test_transport.py).  A constant D gives psi = x, with no
    interpolation at all.
    """

    law: Law  # D(x) [m2/s], positive
    x_max: float  # Upper end of x (sites per formula unit)
    # Nodes from 0 to x_max, where the law is as steep as U(x); else even ones
    grid: Array | None = field(default=None, kw_only=True, compare=False)
    intervals: int = field(default=1000, kw_only=True)

    @cached_property
    def D_ref(self) -> float:
        """Return the largest D of the law, by which psi is scaled [m2/s]."""
        if isinstance(self.law, Constant):
            return self.law.value
        if isinstance(self.law, Table) and self.law.valid[1] <= self.x_max:
            return max(self.law.y)  # pchip has no larger value between its points
        return float(np.max(self.law(self.x)))

    @cached_property
    def x(self) -> Array:
        """Nodes from 0 to x_max."""
        even = np.linspace(0.0, self.x_max, self.intervals + 1)
        return even if self.grid is None else self.grid

    def integral(self, factor: Callable[[Array], Array] | None = None) -> Array:
        """Integral of D/D_ref dx from 0 to each node, times a factor of x."""
        nodes, weights = np.polynomial.legendre.leggauss(5)
        h = np.diff(self.x)[:, None]
        x = self.x[:-1, None] + h * (nodes + 1) / 2
        D = self.law(x) / self.D_ref
        steps = (D * (factor(x) if factor else 1.0) * weights * h / 2).sum(axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def _psi(self) -> Array:
        return self.integral()

    @property
    def _at_ends(self) -> Array:
        """D/D_ref of an empty and of a full film."""
        return np.asarray(self.law(self.x[[0, -1]]) / self.D_ref)

    @property
    def vanishes_full(self) -> bool:
        """Whether nothing diffuses in a full film."""
        return bool(self._at_ends[1] < VANISHING)

    @cached_property
    def _forward(self) -> Curve:
        """psi at the nodes and a twentieth of x_max beyond.

        There D stays what it is at the end; one that is nothing there is mirrored: what
        rounding takes beyond the end would else never come back.
        """
        low, high = self._at_ends
        even = self.grid is None
        more = np.arange(1, self.intervals // 20 + 1 if even else 3)
        above = 0.05 * self.x_max * more / more[-1]
        below = -above[::-1]
        x = np.concatenate([below, self.x, self.x_max + above])
        if even:  # to the last digit
            x = np.linspace(x[0], x[-1], len(x))
        psi = np.interp([-below, self.x_max - above], self.x, self._psi)
        ends = (
            -psi[0] if low < VANISHING else low * below,
            self._psi,
            self._psi[-1]
            + (self._psi[-1] - psi[1] if self.vanishes_full else high * above),
        )
        return Curve(x, np.concatenate(ends), straight=True)

    @cached_property
    def _backward(self) -> Curve:
        return Curve(self._psi, self.x, dense=True)

    def of(self, x: Expression) -> Expression:
        """psi at x (a PyBaMM symbol or NumPy, any shape)."""
        return x if isinstance(self.law, Constant) else self._forward.of(x)

    __call__ = of

    def inverse(self, psi: Expression) -> Expression:
        """x at psi (a PyBaMM symbol or NumPy, any shape)."""
        return psi if isinstance(self.law, Constant) else self._backward.of(psi)

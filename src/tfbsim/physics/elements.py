"""Gauss-Lobatto spectral elements on a line, as a spatial method of PyBaMM.

The film is cut into elements that widen from one face.  In each a function is the
polynomial through the Gauss-Lobatto points, the ends of the element among them, so that
neighbours share a node and the faces of the film are nodes: a value there is read off,
not extrapolated.

A conservation law dx/dt = -dN/dy is taken in its weak form, with the same points as
quadrature:

    M_i dx_i/dt = sum_q w_q phi_i'(y_q) N(y_q) + [N at the left face] - [N at the right]

N = -d(psi)/dy + anything at the points of each element, and at a face what the boundary
condition says: a flux is a natural condition and may depend on the state.  The basis
functions phi_i sum to 1, so sum M_i x_i changes by the fluxes at the faces alone, to
rounding, whatever N is.  The mass M is diagonal: the weights of the quadrature, which
means and integrals use as well.

References
----------
A. T. Patera, J. Comput. Phys. 54 (1984) 468; C. Canuto, M. Y. Hussaini, A. Quarteroni,
T. A. Zang, Spectral Methods: Fundamentals in Single Domains (Springer 2006), 2.3, 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pybamm
from numpy.polynomial import Legendre
from scipy.sparse import (
    block_diag,
    coo_array,
    csr_matrix,
    diags,
    hstack,
    sparray,
    spmatrix,
    vstack,
)

from ..numerics import ORDER, grading_of_elements

Array = np.ndarray
# Of what is differentiated: value and kind at each side
Conditions = Mapping[pybamm.Symbol, Mapping[str, tuple[pybamm.Symbol, str]]]
WIDENING = 0.6  # share of the elements that widen


@lru_cache
def gauss_lobatto(order: int) -> tuple[Array, Array, Array]:
    """Return points and weights on [-1, 1] and the matrix that differentiates.

    Parameters
    ----------
    order : int
        Degree of the polynomials.

    Returns
    -------
    ndarray, shape (order + 1,)
        Points.
    ndarray, shape (order + 1,)
        Weights, of a quadrature exact to degree 2 order - 1.
    ndarray, shape (order + 1, order + 1)
        Takes values at the points to derivatives there.
    """
    P = Legendre.basis(order)
    inner = np.real(P.deriv().roots())
    inner = np.sort(inner - inner[::-1]) / 2  # symmetric to the last digit
    x = np.concatenate([[-1.0], inner, [1.0]])
    values = P(x)
    apart = x[:, None] - x
    np.fill_diagonal(apart, 1.0)
    slopes = values[:, None] / values / apart
    np.fill_diagonal(slopes, 0.0)
    np.fill_diagonal(slopes, -slopes.sum(axis=1))  # of a constant: none
    return x, 2 / (order * (order + 1) * values**2), slopes


def element_ends(count: int, grading: float) -> Array:
    """Return the ends in [0, 1] of elements that widen from the left, then stay even.

    Geometric widths would leave one element for most of the length: fronts pass there,
    and the right face may have a boundary layer of its own.

    Parameters
    ----------
    count : int
        Number of elements.
    grading : float
        ln of the width of the last over that of the first, about; 0 for even ones.

    Returns
    -------
    ndarray, shape (count + 1,)
        From 0 to 1.
    """
    s = np.linspace(0, 1, count + 1)
    if grading == 0:
        return s
    ends = np.logaddexp(0.0, grading / WIDENING * (s - WIDENING))
    return (ends - ends[0]) / (ends[-1] - ends[0])


class ElementSubMesh(pybamm.SubMesh1D):
    """Elements that widen from the left face.

    Parameters
    ----------
    lims : dict
        The variable of space and its limits, as PyBaMM hands them to a mesh.
    npts : dict
        Nodes by name of that variable, made up to whole elements.
    order : int
        Degree of the polynomials.
    grading : float, optional
        ln of the width of the last over that of the first, about.

    Attributes
    ----------
    nodes : ndarray, shape (npts,)
        The points, those of neighbours once.
    edges : ndarray, shape (elements (order + 1) + 2,)
        Where a flux has a value: a face, the points element by element, a face.
    weights : ndarray, shape (npts,)
        Of the quadrature at the nodes.
    ends : ndarray, shape (elements + 1,)
        Ends of the elements.
    """

    def __init__(
        self,
        lims: Mapping[object, object],
        npts: dict[str, int],
        order: int = ORDER,
        grading: float | None = None,
    ) -> None:
        variable, limits, tabs = self.read_lims(lims)
        if tabs is not None:
            raise pybamm.GeometryError("elements have no tabs")
        count = max(1, math.ceil((npts[variable.name] - 1) / order))
        low, high = limits["min"], limits["max"]
        grading = grading_of_elements(count) if grading is None else grading
        ends = low + (high - low) * element_ends(count, grading)
        self._set(ends, order, variable.coord_sys)

    def _set(self, ends: Array, order: int, coord_sys: str) -> None:
        if coord_sys != "cartesian":
            raise pybamm.GeometryError("elements are for Cartesian coordinates")
        self.ends, self.order, self.coord_sys = ends, order, coord_sys
        self.h = np.diff(ends)
        x, w, _ = gauss_lobatto(order)
        points = ends[:-1, None] + self.h[:, None] * (x + 1) / 2
        self.nodes = np.append(points[:, :-1], ends[-1])
        self.npts = self.nodes.size
        self.edges = np.concatenate([ends[:1], points.ravel(), ends[-1:]])
        self.d_edges, self.d_nodes = np.diff(self.edges), np.diff(self.nodes)
        self.weights = self.gather.T @ (self.h[:, None] * w / 2).ravel()
        self.internal_boundaries: list[float] = []
        self.dimension = 1

    @property
    def gather(self) -> csr_matrix:
        """Values at the nodes to those at the points, element by element."""
        count, p = len(self.h), self.order
        columns = (p * np.arange(count)[:, None] + np.arange(p + 1)).ravel()
        rows = np.arange(columns.size)
        shape = columns.size, self.npts
        return csr_matrix((np.ones(columns.size), (rows, columns)), shape)

    def interpolation(self, y: Array) -> Array:
        """Return the matrix from values at the nodes to those of the polynomials at y."""
        x, _, _ = gauss_lobatto(self.order)
        e = np.clip(np.searchsorted(self.ends, y, side="right") - 1, 0, len(self.h) - 1)
        s = 2 * (y - self.ends[e]) / self.h[e] - 1
        own = np.eye(x.size, dtype=bool)
        apart = np.where(own, 1.0, x[:, None] - x)
        factors = np.where(own, 1.0, (s[:, None, None] - x) / apart)
        matrix = np.zeros((len(y), self.npts))
        columns = self.order * e[:, None] + np.arange(x.size)
        np.put_along_axis(matrix, columns, factors.prod(axis=2), axis=1)
        return matrix

    def averages(self, edges: Array) -> Array:
        """Return the matrix from values at the nodes to means between edges, exact."""
        parts = np.union1d(edges, self.ends)
        width = np.diff(parts)
        x, w = np.polynomial.legendre.leggauss(self.order // 2 + 1)
        y = parts[:-1, None] + width[:, None] * (x + 1) / 2
        values = self.interpolation(y.ravel()).reshape(*y.shape, -1)
        integrals = width[:, None] * np.einsum("q,eqn->en", w / 2, values)
        first = np.searchsorted(parts, edges[:-1])
        sums = np.add.reduceat(integrals, first, axis=0)
        return sums / np.diff(edges)[:, None]

    _serialise_derived_params = frozenset({"lims", "npts", "grading"})

    def to_json(self) -> dict[str, object]:
        return {
            "ends": self.ends.tolist(),
            "order": self.order,
            "coord_sys": self.coord_sys,
        }

    @classmethod
    def _from_json(cls, snippet: dict[str, Any]) -> ElementSubMesh:
        mesh = cls.__new__(cls)
        ends = np.array(snippet["ends"])
        mesh._set(ends, int(snippet["order"]), snippet["coord_sys"])
        return mesh


class SpectralElements(pybamm.SpatialMethod):
    """The weak form of a conservation law on an :class:`ElementSubMesh`.

    A flux lives on the points of each element and on both faces, the submesh's ``edges``.
    A gradient is that of the polynomials, and at a face the Neumann condition of what is
    differentiated: without one it has no flux there.
    """

    def _repeated(
        self, matrix: sparray | spmatrix, symbol: pybamm.Symbol
    ) -> pybamm.Matrix:
        repeats = self._get_auxiliary_domain_repeats(symbol.domains)
        return pybamm.Matrix(self._block_diagonal(matrix, repeats))

    def _submesh(self, symbol: pybamm.Symbol) -> ElementSubMesh:
        mesh = self.mesh[symbol.domain]
        assert isinstance(mesh, ElementSubMesh)
        return mesh

    def gradient(
        self,
        symbol: pybamm.Symbol,
        discretised_symbol: pybamm.Symbol,
        boundary_conditions: Conditions,
    ) -> pybamm.Symbol:
        mesh = self._submesh(symbol)
        _, _, slopes = gauss_lobatto(mesh.order)
        inner = block_diag([coo_array(2 / h * slopes) for h in mesh.h]) @ mesh.gather
        face = csr_matrix((1, mesh.npts))
        matrix = vstack([face, inner, face])
        gradient = self._repeated(matrix, symbol) @ discretised_symbol
        sides = {"left": 0, "right": -1}
        for side, (value, kind) in boundary_conditions.get(symbol, {}).items():
            if kind != "Neumann":
                raise pybamm.ModelError("elements take Neumann conditions alone")
            at = np.zeros((mesh.edges.size, 1))
            at[sides[side]] = 1.0
            gradient = gradient + self._at_face(at, value, symbol)
        return gradient

    def _at_face(
        self, at: Array, value: pybamm.Symbol, symbol: pybamm.Symbol
    ) -> pybamm.Symbol:
        if value.evaluates_to_number():
            repeats = self._get_auxiliary_domain_repeats(symbol.domains)
            return value * pybamm.Vector(np.tile(at, (repeats, 1)))
        return self._repeated(csr_matrix(at), symbol) @ value

    def divergence(
        self,
        symbol: pybamm.Symbol,
        discretised_symbol: pybamm.Symbol,
        boundary_conditions: Conditions,
    ) -> pybamm.Symbol:
        mesh = self._submesh(symbol)
        _, w, slopes = gauss_lobatto(mesh.order)
        # Its columns sum to zero but for the faces': lithium is conserved to rounding
        inner = -mesh.gather.T @ block_diag(
            [coo_array((w[:, None] * slopes).T)] * len(mesh.h)
        )
        left, right = np.zeros((2, mesh.npts, 1))
        left[0], right[-1] = -1.0, 1.0
        weak = hstack([csr_matrix(left), inner, csr_matrix(right)])
        matrix = self._repeated(diags(1 / mesh.weights) @ weak, symbol)
        # Not by @, which multiplies the matrix with that of the gradient: large entries
        # of the product are rounded one by one, and lithium drifts
        return pybamm.MatrixMultiplication(matrix, discretised_symbol)

    def integral(
        self,
        child: pybamm.Symbol,
        discretised_child: pybamm.Symbol,
        integration_dimension: str,
        integration_variable: list[pybamm.SpatialVariable],
    ) -> pybamm.Symbol:
        if integration_dimension != "primary":
            raise NotImplementedError("elements integrate over their own dimension")
        weights = csr_matrix(self._submesh(child).weights[None])
        return self._repeated(weights, child) @ discretised_child

    def boundary_value_or_flux(
        self,
        symbol: pybamm.Symbol,
        discretised_child: pybamm.Symbol,
        bcs: Conditions | None = None,
    ) -> pybamm.Symbol:
        if not isinstance(symbol, pybamm.BoundaryValue):
            raise NotImplementedError("of a face, elements give the value alone")
        return self._node(discretised_child, 0 if symbol.side == "left" else -1)

    def evaluate_at(
        self,
        symbol: pybamm.Symbol,
        discretised_child: pybamm.Symbol,
        position: pybamm.Scalar,
    ) -> pybamm.Symbol:
        nodes = self._submesh(discretised_child).nodes
        return self._node(discretised_child, int(np.abs(nodes - position.value).argmin()))

    def _node(self, discretised_child: pybamm.Symbol, index: int) -> pybamm.Symbol:
        mesh = self._submesh(discretised_child)
        row = csr_matrix(([1.0], ([0], [index % mesh.npts])), shape=(1, mesh.npts))
        out = self._repeated(row, discretised_child) @ discretised_child
        return out.without_domains()

    def process_binary_operators(
        self,
        bin_op: pybamm.BinaryOperator,
        left: pybamm.Symbol,
        right: pybamm.Symbol,
        disc_left: pybamm.Symbol,
        disc_right: pybamm.Symbol,
    ) -> pybamm.Symbol:
        """Take values at nodes to where fluxes are, beside a flux."""
        on_left, on_right = (s.evaluates_on_edges("primary") for s in (left, right))
        if on_left and not on_right:
            disc_right = self._to_fluxes(disc_right)
        elif on_right and not on_left:
            disc_left = self._to_fluxes(disc_left)
        return pybamm.simplify_if_constant(bin_op.create_copy([disc_left, disc_right]))

    def _to_fluxes(self, symbol: pybamm.Symbol) -> pybamm.Symbol:
        if not symbol.domain:
            return symbol
        gather = self._submesh(symbol).gather
        return self._repeated(vstack([gather[0], gather, gather[-1]]), symbol) @ symbol

"""The mesh through a film: elements, or volumes, that widen from the electrolyte.

The boundary layer of a fast step stands at the electrolyte face, and the first instants
of a step are only as good as the mesh is fine there.  Elements are the default; finite
volumes need six times the unknowns for the same, and are what elements are verified
against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pybamm

from ..numerics import GRADING, Numerics
from .elements import ElementSubMesh, SpectralElements

Array = np.ndarray
Geometry = dict[str, dict[pybamm.SpatialVariable, dict[str, object]]]


def graded(count: int, grading: float) -> Array:
    """Return the edges in [0, 1] of volumes that widen geometrically, by e^grading."""
    s = np.linspace(0, 1, count + 1)
    return np.expm1(grading * s) / np.expm1(grading) if grading else s


class GradedSubMesh(pybamm.SubMesh1D):
    """Finite volumes that widen geometrically from the left face, by e^grading.

    Smooth grading keeps the scheme's second order.  Even volumes (grading 0) are exact
    for the parabola a constant D ends in.
    """

    def __init__(
        self,
        lims: Mapping[object, object],
        npts: dict[str, int],
        grading: float = GRADING["volumes"],
    ) -> None:
        variable, limits, tabs = self.read_lims(lims)
        low, high = limits["min"], limits["max"]
        edges = low + (high - low) * graded(npts[variable.name], grading)
        super().__init__(edges, variable.coord_sys, tabs=tabs)

    _serialise_derived_params = frozenset({"lims", "npts", "grading"})

    @classmethod
    def _from_json(cls, snippet: dict[str, Any]) -> GradedSubMesh:
        mesh = cls.__new__(cls)
        pybamm.SubMesh1D.__init__(
            mesh, np.array(snippet["edges"]), snippet["coord_sys"], snippet.get("tabs")
        )
        return mesh


def submesh(numerics: Numerics) -> pybamm.MeshGenerator:
    """Return what makes the mesh of a film, for ``numerics.nodes`` points."""
    if numerics.mesh == "volumes":
        return pybamm.MeshGenerator(GradedSubMesh, {"grading": numerics.spread})
    return pybamm.MeshGenerator(ElementSubMesh, {"grading": numerics.spread})


SUBMESHES = {"elements": ElementSubMesh, "volumes": GradedSubMesh}


def spatial_method(mesh: str) -> pybamm.SpatialMethod:
    """Return the method for "elements" or for "volumes"."""
    if mesh == "elements":
        return SpectralElements()
    # Surface values use the known flux: 400 times closer than without
    order = {"value": "quadratic", "gradient": "linear"}
    return pybamm.FiniteVolume({"extrapolation": {"order": order, "use bcs": True}})


def weights(mesh: pybamm.SubMesh1D) -> Array:
    """Return what a mean over a film from 0 to 1 weighs each node by, shape (nodes,)."""
    if isinstance(mesh, ElementSubMesh):
        return mesh.weights
    return np.diff(mesh.edges)


def thinnest_layer(mesh: pybamm.SubMesh1D) -> float:
    """Return the thickness over L of the thinnest boundary layer that a mesh resolves.

    The thickness is the change of the mean over that of the surface, sqrt(pi D t)/(2 L)
    at a constant flux.  Of a thicker one the time in which the surface fills is within
    0.5 % of Sand's.
    """
    if isinstance(mesh, ElementSubMesh):
        return float(0.1 * mesh.h[0])
    return float(2 * mesh.d_edges[0])


@dataclass(frozen=True)
class Depths:
    """The volumes that profiles are stated in, whatever mesh they were solved on.

    Parameters
    ----------
    xi : ndarray, shape (points,)
        Their centres y/L, from the electrolyte face; each ends as far behind its centre
        as it begins before it.
    averages : ndarray, shape (points, nodes), or None
        Takes values at the nodes to means over the volumes; None where these are one.
    """

    xi: Array
    averages: Array | None = None

    @classmethod
    def of(cls, mesh: pybamm.SubMesh1D, points: int) -> Depths:
        """Return the volumes of a mesh; of elements, so many graded ones."""
        if not isinstance(mesh, ElementSubMesh):
            return cls(mesh.nodes)
        edges = graded(points, GRADING["volumes"])
        return cls((edges[1:] + edges[:-1]) / 2, mesh.averages(edges))

    def __call__(self, profiles: Array) -> Array:
        """Return means over the volumes, of values at the nodes, shape (..., nodes)."""
        return profiles if self.averages is None else profiles @ self.averages.T


NO_DEPTHS = Depths(np.empty(0))

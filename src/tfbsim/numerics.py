"""Mesh and tolerances that a cell is solved with."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .errors import InputError, shown

ORDER = 6  # of the polynomials in an element
PER_ELEMENT = 37.5  # points that an element stands for
# ln of the width of the last element or volume over that of the first
GRADING = {"elements": 7.5, "volumes": 3.0}
STEEPEST = 1.25  # the most of it for each element


def grading_of_elements(count: int) -> float:
    """Return the default grading of so many elements."""
    return min(GRADING["elements"], STEEPEST * count)


@dataclass(frozen=True)
class Numerics:
    """Mesh and tolerances.

    Parameters
    ----------
    points : int
        How fine the mesh through the film is: as good as so many finite volumes, or
        better.  300 are 8 elements of order 6, 49 unknowns, and twice the points twice
        the elements.  Profiles are stated at so many depths.
    rtol, atol : float
        Solver tolerances, on states of order one.
    voltage_tolerance : float
        Of the voltage [V], beside ``rtol``: a step of the solver is repeated where its
        error would be larger.
    compile : bool
        Compile the model with the system's C compiler: a second once, kept by PyBaMM,
        then a solve takes little more than a third of the time.
    grading : float, optional
        ln of the width of the last element or volume over that of the first, at the
        electrolyte face; 7.5 for elements (less where there are fewer than 6), 3 for
        volumes.  0 (even) is the more accurate where D is constant and no step short.
    error_bar : bool
        Solve every case once more with :meth:`tighter`, and state the difference.
    mesh : str
        "elements", or "volumes" to see that it makes no difference.
    """

    points: int = 300
    rtol: float = 1e-6
    atol: float = 1e-8
    voltage_tolerance: float = 1e-3
    compile: bool = False
    grading: float | None = None
    error_bar: bool = False
    mesh: str = "elements"

    def __post_init__(self) -> None:
        if self.mesh not in GRADING:
            message = f"{shown(self.mesh)} is none; it is elements or volumes"
            raise InputError(message, field="mesh")

    def check(self, double_layer: bool) -> None:
        """Refuse a mesh that a cell with a double layer at its cathode cannot have."""
        if double_layer and self.mesh == "volumes":
            message = (
                "volumes have no potential at the face, which a double layer at the "
                "cathode needs; 'elements', the default, would do"
            )
            raise InputError(message, field="mesh")

    @property
    def spread(self) -> float:
        """The grading, or the default of the mesh."""
        if self.grading is not None:
            return self.grading
        volumes = self.mesh == "volumes"
        return GRADING["volumes"] if volumes else grading_of_elements(self.elements)

    @property
    def nodes(self) -> int:
        """Unknowns through the film."""
        if self.mesh == "volumes":
            return self.points
        return ORDER * self.elements + 1

    @property
    def elements(self) -> int:
        """Elements through the film, if it is cut into elements."""
        return math.ceil(self.points / PER_ELEMENT)

    @classmethod
    def fast(cls) -> Numerics:
        """For many discharges: half the mesh, looser, compiled.

        0.06 mV rms and 0.003 % of capacity, against 0.02 mV and 0.001 % of the default,
        on the shipped cells at their highest rates (docs/verification.md).
        """
        return cls(points=150, rtol=1e-5, atol=1e-7, voltage_tolerance=3e-3, compile=True)

    @property
    def plain(self) -> Numerics:
        """What one solve takes."""
        return replace(self, error_bar=False)

    def tighter(self) -> Numerics:
        """Twice the mesh, a hundredth of the tolerances: to see an error by."""
        return replace(
            self,
            points=2 * self.points,
            rtol=max(self.rtol / 100, 1e-12),
            atol=max(self.atol / 100, 1e-14),
            voltage_tolerance=max(self.voltage_tolerance / 100, 1e-8),
            error_bar=False,
        )

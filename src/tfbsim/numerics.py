"""Mesh and tolerances that a cell is solved with."""

from __future__ import annotations

from dataclasses import dataclass, replace

GRADING = 3.0  # ln of the last volume over the first


@dataclass(frozen=True)
class Numerics:
    """Mesh and tolerances.

    Parameters
    ----------
    points : int
        Finite volumes through the film.
    rtol, atol : float
        Solver tolerances, on states of order one.
    compile : bool
        Compile the model with the system's C compiler: seconds once, kept by PyBaMM, then
        a solve takes little more than half the time.
    grading : float
        ln of the width of the last volume over the first, at the electrolyte face.  0
        (even) is the more accurate where D is constant and no step short.
    error_bar : bool
        Solve every case once more with :meth:`tighter`, and state the difference.
    """

    points: int = 300
    rtol: float = 1e-6
    atol: float = 1e-8
    compile: bool = False
    grading: float = GRADING
    error_bar: bool = False

    @classmethod
    def fast(cls) -> Numerics:
        """For many discharges: a third of the mesh, looser, compiled.

        0.6 mV rms and 0.02 % of capacity, against 0.07 mV and 0.003 % of the default, on
        the shipped cells at their highest rates (docs/verification.md).
        """
        return cls(points=100, rtol=1e-5, atol=1e-7, compile=True)

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
            error_bar=False,
        )

"""Which curves of a case are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CurveSelection:
    """Which curves of a case are kept."""

    cycles: frozenset[int] | None = None  # Of which cycles; None for all
    # By how much the voltage may be missed between the points that are kept [V]; 0 keeps
    # every point
    error: float = 0.0

    def __repr__(self) -> str:
        """Keys are made of it: the same for the same cycles, in every process."""
        cycles = None if self.cycles is None else sorted(self.cycles)
        return f"CurveSelection({cycles}, {self.error!r})"

    def of(self, cycle: int) -> bool:
        """Return whether the curves of a cycle are kept."""
        return self.cycles is None or cycle in self.cycles


ALL, NO_CURVES = CurveSelection(), CurveSelection(frozenset())

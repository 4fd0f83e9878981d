"""Figures that tests measure: asserted, and shown in docs/verification.md.

A test states a claim, what it measured and the limit; the page is written from what the
tests recorded (``python docs/verification.py``), and a test fails if the page does not
show its claim with its limit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "verification.md"
Check = Callable[..., None]


@dataclass(frozen=True)
class Figure:
    """A measured number and what it must be.

    Parameters
    ----------
    claim : str
        What was measured; the worst of all figures of one claim is shown.
    value : float
        As measured.
    limit : str
        What it was held to, in words.
    miss : float
        How near the limit it came; 1 is at the limit.
    unit : str
        Of value and limit.
    test : str
        Where it was measured: file::test.
    """

    claim: str
    value: float
    limit: str
    miss: float
    unit: str
    test: str


class Recorder:
    """Keeps the figures of a session, and writes them as JSON."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.figures: list[Figure] = []
        self.page = [] if path else PAGE.read_text(encoding="utf-8").splitlines()

    def add(self, figure: Figure) -> None:
        self.figures.append(figure)
        row = next((r for r in self.page if r.startswith(f"| {figure.claim} |")), "")
        if not self.path and f"| {figure.limit} |" not in row:
            pytest.fail(
                f"docs/verification.md does not show '{figure.claim}' with the limit "
                f"'{figure.limit}': write it anew with python docs/verification.py"
            )

    def pytest_sessionfinish(self) -> None:
        if self.path:
            content = json.dumps([asdict(figure) for figure in self.figures])
            Path(self.path).write_text(content, encoding="utf-8")


def checker(recorder: Recorder, test: str) -> Check:
    """The ``figure`` fixture: ``figure(claim, value, at_most=..., unit=...)``."""

    def check(
        claim: str,
        value: float,
        *,
        at_most: float | None = None,
        about: tuple[float, float] | None = None,
        unit: str = "",
    ) -> None:
        value = float(value)
        if about is not None:
            target, within = about
            miss, limit = abs(value - target) / within, f"{target:g} ± {within:g}"
        elif at_most is not None:
            limit = f"≤ {at_most:g}"
            miss = abs(value) / at_most if at_most else math.inf if value else 0.0
        else:
            raise TypeError("a figure needs at_most or about")
        limit = f"{limit} {unit}".rstrip()
        assert miss <= 1, f"{claim}: {value:.6g} {unit}, and must be {limit}"
        recorder.add(Figure(claim, value, limit, miss, unit, test))

    return check

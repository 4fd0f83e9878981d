"""The experiment: what a file of kind ``experiment`` says, its own fields checked.

steps + cycles + conditioning      what is done
cell, set                          to what
cases, sweep                       over which values of {templates} and cell fields
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, StrictStr, Tag

from ..errors import Place
from ..fields import Quantity, Strict, check_head, validate
from ..yaml_file import Document, load, resolve
from .groups import Cycles
from .sampling import Sweep
from .settings import Settings

# Without a word on curves: all of them up to so many cycles of all cases together; above,
# of a case those of these cycles and the last, of a point of a sweep none
ALL_CURVES = 500
SOME_CYCLES = tuple(m * 10**k for k in range(6) for m in (1, 2, 5))
Steps = Annotated[list[object], Field(min_length=1)]
Section: TypeAlias = tuple[Place, list[object]]  # where steps stand, and the steps


class Conditioning(Strict):
    """Cycles before the first recorded one."""

    steps: Steps
    cycles: Cycles = 1


class CheckUp(Strict):
    """A cycle in place of the first and of every so many-th after it."""

    every: Cycles
    steps: Steps


class KeptCurves(Strict):
    """Which curves are kept, and how closely."""

    cycles: Annotated[
        Annotated[Literal["all", "none"], Tag("word")]
        | Annotated[list[Cycles], Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list) else "word"),
    ] = "all"
    error: Annotated[float, Quantity("voltage", gt=0, le=1)] | None = None


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


class Experiment(Strict):
    """What to do to a cell; every field documented in docs/files.md."""

    format: Literal[1] = 1
    kind: Literal["experiment"] = "experiment"
    name: StrictStr = ""
    description: StrictStr = ""
    source: StrictStr = ""
    cell: StrictStr | None = None
    set: dict[str, object] = {}
    conditioning: Conditioning | list[object] | None = None
    steps: Steps
    cycles: Cycles = 1
    until: StrictStr | None = None
    check_up: CheckUp | None = None
    cases: Annotated[list[dict[str, object]], Field(min_length=1)] | None = None
    sweep: Sweep | None = None
    curves: KeptCurves | None = None
    numerics: Settings = Settings()
    measured: Annotated[list[dict[str, object]], Field(max_length=1000)] = []
    fit: dict[str, object] | None = None

    @property
    def sections(self) -> tuple[Section, Section, Section]:
        """Return the steps of a cycle, of the conditioning and of a check-up."""
        before, check_up = self.conditioning, self.check_up
        first: Section = (("conditioning",), before if isinstance(before, list) else [])
        if isinstance(before, Conditioning):
            first = ("conditioning", "steps"), before.steps
        every = ("check_up", "steps"), check_up.steps if check_up else []
        return (("steps",), self.steps), first, every

    def kept(self, cycles: int, last: int) -> CurveSelection:
        """Return which curves are kept, of so many cycles in all and up to this one."""
        asked = self.curves
        if asked is not None:
            of = [] if asked.cycles == "none" else asked.cycles
            chosen = None if of == "all" else frozenset(of)
            return CurveSelection(chosen, asked.error or 0.0)
        if cycles <= ALL_CURVES:
            return CurveSelection()
        return CurveSelection(frozenset(() if self.sweep else (*SOME_CYCLES, last)))


def load_experiment(source: str | Path | Document) -> tuple[Experiment, Document]:
    """Read an experiment file, if it is not read yet, and check its own fields."""
    if not isinstance(source, Document):
        source = load(resolve(str(source), "experiments"))
    check_head(source, "experiment")
    folder = source.path.parent
    return validate(Experiment, source.data, document=source, folder=folder), source

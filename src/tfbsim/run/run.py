"""The cases of an experiment, run: finished points to the ledger, then the result."""

from __future__ import annotations

import gc
import itertools
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from ..errors import InputError, count, shown
from ..experiment.cases import Case, Cases, Expanded, Points, expand
from ..experiment.provenance import provenance
from ..experiment.settings import numerics_of
from ..experiment.steps import Step
from ..numerics import Numerics
from ..output import EXPORTS, REPORT, listed, make_folder, remove
from ..physics.mesh import NO_DEPTHS
from ..result.case import CaseResult, Notes
from ..result.result import UNFINISHED, Result
from ..solver.cycler import (
    SKIPPED,
    SOLVER_FAILED,
    CaseRecord,
    CycleRecord,
    StepRecord,
    cycles_of,
)
from ..solver.engine import engine
from ..yaml_file import Document
from .blocks import Block, kernel_of, solved, sweep_key
from .ledger import LEDGER, Ledger, Point, discard
from .stored import Swept
from .workers import Pool, processes, serial

SOLVED = "solved"  # in the provenance: how many cases, and how
IN_BLOCKS, ONE_BY_ONE = "in blocks, by the kernel", "one by one"
TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")  # half a file, its writer killed
Told = Callable[[int, int], None]  # cycles done and points failed since the last time


def run_experiment(
    experiment: str | Path | Document | Expanded,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    numerics: Numerics | Mapping[str, Any] | None = None,
    workers: int = 1,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: Told | None = None,
    command: str = "",
    scheduler: str | None = None,
    figures: bool = True,
    format: str = "png",
) -> Result:
    """Run an experiment.

    Parameters
    ----------
    experiment, cell, changes
        As :func:`expand`, or what it returned.
    numerics : Numerics or mapping, optional
        Mesh and tolerances; by default those the experiment names.
    workers : int
        Processes to run cases in.
    folder : path, optional
        Where to keep each case as it is finished, and to write the result in the end.
    resume : bool
        Take finished cases from ``folder`` where their inputs are unchanged, and try
        again what failed; without it, an earlier result there is removed.
    progress : callable, optional
        Called with the numbers of cycles done and of points failed since the last call.
    command : str
        Command line that repeats the run, for the provenance.
    scheduler : str, optional
        Address, scheduler file or cluster file of the Dask cluster that computes the
        cases, in place of ``workers``.
    figures : bool
        Whether the folder gets its figures and report.
    format : str
        Of the figures: "svg" and "pdf" stand beside the "png" of the report.

    Returns
    -------
    Result
        All cases, in the order of the experiment.

    Raises
    ------
    InputError
        Naming file, line and field.
    KeyboardInterrupt
        Interrupted; what was finished is in ``folder``.
    """
    if isinstance(workers, bool) or not isinstance(workers, Integral) or workers < 1:
        message = f"'{shown(workers)}' must be a whole number of at least 1"
        raise InputError(message, field="workers")
    expanded = expand(experiment, cell, changes)
    numerics = numerics_of(numerics, expanded.experiment.numerics)
    cases, tell = expanded.cases, progress or (lambda cycles, failed: None)
    about = provenance(
        expanded.document,
        expanded.cells,
        numerics,
        expanded.cell,
        expanded.changes,
        command,
    )
    with ExitStack() as stack:
        # A full collection through what is imported takes 0.1 s
        gc.freeze()
        stack.callback(gc.unfreeze)
        pool = stack.enter_context(_pool(workers, scheduler))  # before a file is removed
        if folder:
            folder = make_folder(folder)
            if not resume:
                _clear(folder)
        ledger = stack.enter_context(Ledger(folder / LEDGER if folder else ":memory:"))
        if folder:  # of this result, others may be drawn
            remove(folder, listed(folder, REPORT, EXPORTS))
        kernel = kernel_of(cases, numerics)
        sweep = sweep_key(cases, numerics) if kernel else ""
        keys = [] if kernel else [cases.key(k, numerics) for k in range(len(cases))]

        def result() -> Result:
            if kernel and isinstance(cases, Points):
                swept = ledger.swept(cases, numerics, sweep)
                return Result(swept, about, expanded.measured)
            found = ledger.results(keys)
            if not isinstance(cases, Points):  # a new name of a cell is none of the key
                names = dict(zip(keys, (case.cell.name for case in cases), strict=True))
                found = [replace(case, cell=names[case.key]) for case in found]
            return Result(found, about, expanded.measured)

        finished = ledger.finished()
        missing = [k for k, key in enumerate(keys) if key not in finished]
        if kernel and isinstance(cases, Points):
            swept = ledger.swept(cases, numerics, sweep)
            left = np.ones(len(cases), bool)
            left[swept.keys] = False
            for case in swept.alone:  # those that failed are tried again
                left[int(case.name) - 1] = case.key not in finished
            missing = np.flatnonzero(left).tolist()
        done = len(cases) - len(missing)
        tell(cases.cycles * cycles_each(numerics) * done // max(len(cases), 1), 0)
        job = CaseJob(cases, numerics, kernel, sweep)
        try:
            with closing(_points(job, missing, pool, tell)) as found:
                for points in found:
                    ledger.add(points)
            complete = result()
            about[SOLVED] = _by_what(complete)
            if folder:
                complete.save(folder, figures, format)
        except KeyboardInterrupt:
            if folder and len((kept := result()).cases):
                if (done := len(kept.cases)) < len(cases):
                    words = f"{done:,} of {count(len(cases), 'point')} are there"
                    kept.provenance[UNFINISHED] = words
                kept.save(folder, figures=False)
            raise
    return complete


def _by_what(result: Result) -> dict[str, int]:
    """How many cases were solved how."""
    blocks = result.cases.by_kernel if isinstance(result.cases, Swept) else 0
    found = {IN_BLOCKS: blocks, ONE_BY_ONE: len(result.cases) - blocks}
    return {how: number for how, number in found.items() if number}


def cycles_each(numerics: Numerics) -> int:
    """How often every cycle is solved."""
    return 2 if numerics.error_bar else 1


def _clear(folder: Path) -> None:
    """Remove what an earlier run computed.

    Its provenance stays until there is another: it may be all there is of the inputs.
    """
    discard(folder / LEDGER)
    for path in [p for p in folder.iterdir() if TEMPORARY.fullmatch(p.name)]:
        path.unlink(missing_ok=True)
    remove(folder, listed(folder))


@contextmanager
def _pool(workers: int, scheduler: str | None) -> Iterator[Pool]:
    """Who computes the points: this process, others of this machine, or a cluster."""
    if scheduler is None:
        yield partial(processes, workers=workers) if workers > 1 else serial
        return
    try:  # the only ones that need Dask, which need not be installed
        connected = resolve_name("tfbsim.run.scheduler:connected")
        cluster = resolve_name("tfbsim.run.cluster:cluster")
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        raise InputError(
            "needs Dask: pip install 'tfbsim[cluster]'", field="--scheduler"
        ) from None
    with connected(scheduler) as connection:
        yield partial(cluster, connection=connection)


def _points(
    job: CaseJob, missing: Sequence[int], pool: Pool, tell: Told
) -> Generator[list[Point | Block]]:
    """Points as they are finished, several at a time."""
    cases = job.cases
    if pool is serial:
        job.heard = lambda: tell(1, 0)
    each = cases.cycles * cycles_each(job.numerics) // max(len(cases), 1)
    with closing(pool(job, missing)) as found:
        for points in found:
            failed = sum(point.failed is not None for point in points)
            done = sum(len(p.points) if isinstance(p, Block) else 1 for p in points)
            if job.heard:  # told of the others already
                done -= sum(not isinstance(p, Block) for p in points)
            tell(each * done, failed)
            yield points


@dataclass
class CaseJob:
    """Turns numbers of cases into points.

    Parameters
    ----------
    cases : Cases
        Of the experiment.
    numerics : Numerics
        Mesh and tolerances.
    blocks : Numerics, optional
        What the kernel for many cells solves with, if they are taken together.
    sweep : str
        Key of their blocks.
    heard : callable, optional
        Told of every cycle that is done.
    """

    cases: Cases
    numerics: Numerics
    blocks: Numerics | None = None
    sweep: str = ""
    heard: Callable[[], None] | None = None

    def prepare(self, number: int) -> None:
        """Build the models of a case; what is wrong with it is told in its turn."""
        if self.blocks is not None:  # done, to know that it serves
            return
        with suppress(Exception):
            case = self.cases[number]
            solver = engine(case.cell.structure, self.numerics.plain)
            steps = case.protocol.all_steps
            for mode in {step.control for step in steps if step.constant}:
                solver.built(mode).integrator()
                _ = solver.built(mode).kernel  # compiled once, for all processes

    def __call__(self, numbers: Sequence[int]) -> list[Point | Block]:
        points: list[Point | Block] = []
        if self.blocks is not None and isinstance(self.cases, Points):
            found, numbers = solved(self.cases, self.blocks, self.sweep, numbers)
            points += found
        return points + [self._alone(k) for k in sorted(numbers)]

    def _alone(self, number: int) -> Point:
        """A case by itself, one step after the other."""
        numerics = self.numerics
        try:
            case = self.cases[number]
            notes = Notes(case.name, case.cell, case.varied, case.curves)
            notes.depths = engine(case.cell.structure, numerics.plain).depths
            what = case.cell, case.protocol, numerics, case.curves
            for cycle, recorded in cycles_of(*what, self.heard):
                notes.add(cycle, recorded)
        except Exception as error:
            return self._refused(number, error)
        return Point.of(notes.result(self.cases.key(number, numerics)))

    def _refused(self, number: int, error: Exception) -> Point:
        """A point of a sweep fails alone; of a list, what is wrong is told at once."""
        if isinstance(error, InputError):
            if not isinstance(self.cases, Points):
                raise error
            return self.failed(number, str(error))
        return self.failed(number, f"{type(error).__name__}: {error}")

    def failed(self, number: int, reason: str) -> Point:
        """A case none of whose steps ran, the first for this reason."""
        try:
            case = self.cases[number]
        except InputError:  # outside of what the cell takes
            case = self._instead(number)
        key = self.cases.key(number, self.numerics)
        return _failed(case, key, shown(reason, 300))

    def _instead(self, number: int) -> Case:
        """Another point under the name and with the values of one that cannot be made."""
        assert isinstance(self.cases, Points)
        first, columns = self.cases[0], self.cases.plan.columns()
        varied = {
            k: float(columns[k][number]) if k in columns else v
            for k, v in first.varied.items()
        }
        return replace(first, name=self.cases.name(number), varied=varied)


def _failed(case: Case, key: str, reason: str) -> Point:
    outcomes = itertools.chain(
        [(SOLVER_FAILED, f"failed: {reason}")],
        itertools.repeat((SKIPPED, "after: the case failed")),
    )

    def cycles(of: Callable[[int], Sequence[Step]], last: int) -> tuple[CycleRecord, ...]:
        return tuple(
            CycleRecord(
                number,
                tuple(StepRecord(step, *next(outcomes), None) for step in of(number)),
                *(0.0, 0.0),
            )
            for number in range(1, last + 1 if of(1) else 1)
        )

    p = case.protocol
    conditioning = cycles(lambda _: p.conditioning, p.conditioning_cycles)
    recorded = cycles(p.of, p.cycles)
    # No mesh: that may be what failed
    record = CaseRecord(case.cell, p, recorded, conditioning, NO_DEPTHS)
    return Point.of(CaseResult.from_record(case.name, record, case.varied, key), reason)

"""The cases of an experiment, run: finished points to the ledger, then the result."""

from __future__ import annotations

import gc
import itertools
import math
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from pathlib import Path
from pkgutil import resolve_name

import numpy as np

from ..errors import InputError, count, shown
from ..experiment.cases import Case, Cases, Points
from ..experiment.expand import Expanded, expand
from ..experiment.settings import numerics_of
from ..experiment.steps import Step
from ..numerics import Numerics
from ..output import EXPORTS, REPORT, listed, make_folder, remove
from ..result.case import CaseRecorder, CaseResult
from ..result.result import UNFINISHED, Result
from ..result.tables import Tabled
from ..solver.cycler import cycles_of
from ..solver.engine import engine
from ..solver.records import SKIPPED, SOLVER_FAILED, CycleRecord, StepRecord
from ..yaml_file import Document
from .blocks import kernel_of, solved
from .ledger import LEDGER, Ledger, Point, discard
from .stored import Block, Swept
from .workers import Numbers, Pool, processes, serial

SOLVED = "solved"  # in the provenance: how many cases, and how
IN_BLOCKS, ONE_BY_ONE = "in blocks, by the kernel", "one by one"
TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")  # half a file, its writer killed
Progress = Callable[[int, int], None]  # cycles done and points failed since the last time


def run_experiment(
    experiment: str | Path | Document | Expanded,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    numerics: Numerics | Mapping[str, object] | None = None,
    workers: int = 1,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
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
    if not is_count(workers):
        message = f"'{shown(workers)}' must be a whole number of at least 1"
        raise InputError(message, field="workers")
    expanded = expand(experiment, cell, changes)
    numerics = numerics_of(numerics, expanded.experiment.numerics)
    cases, progress = expanded.cases, progress or (lambda cycles, failed: None)
    about = expanded.provenance(numerics, command)
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
        swept = kernel_of(cases, numerics)
        job = CaseJob(cases, numerics, swept)
        keys = [] if swept else [cases.key(k, numerics) for k in range(len(cases))]

        def result() -> Result:
            return Result(_kept(ledger, job, keys), about, expanded.measured)

        missing = _missing(ledger, job, keys)
        done = len(cases) - len(missing)
        progress(cases.cycles * cycles_each(numerics) * done // max(len(cases), 1), 0)
        try:
            with closing(_points(job, missing, pool, progress)) as found:
                for points in found:
                    ledger.add(points)
            complete = result()
            there = complete.cases
            in_blocks = there.in_blocks if isinstance(there, Tabled) else 0
            how = {IN_BLOCKS: in_blocks, ONE_BY_ONE: len(there) - in_blocks}
            about[SOLVED] = {word: number for word, number in how.items() if number}
            if folder:
                complete.save(folder, figures, format)
        except KeyboardInterrupt:
            if folder and (done := len((kept := result()).cases)):
                if done < len(cases):
                    words = f"{done:,} of {count(len(cases), 'point')} are there"
                    kept.provenance[UNFINISHED] = words
                kept.save(folder, figures=False)
            raise
    return complete


def is_count(number: object, most: float = math.inf) -> bool:
    """Return whether a number is whole, at least 1, and not above another."""
    if isinstance(number, bool) or not isinstance(number, Integral):
        return False
    return 1 <= int(number) <= most


def cycles_each(numerics: Numerics) -> int:
    """Return how often every cycle is solved."""
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
    """Provide who computes: this process, others of this machine, or a cluster."""
    if scheduler is None:
        yield partial(processes, workers=workers) if workers > 1 else serial
        return
    try:  # the only ones that need Dask, which need not be installed
        connected = resolve_name("tfbsim.run.scheduler:connected")
        cluster = resolve_name("tfbsim.run.cluster:cluster")
    except ModuleNotFoundError as error:
        if error.name not in ("dask", "distributed"):
            raise
        message = "needs Dask: pip install 'tfbsim[cluster]'"
        raise InputError(message, field="--scheduler") from None
    with connected(scheduler) as connection:
        yield partial(cluster, connection=connection)


def _kept(ledger: Ledger, job: CaseJob, keys: Sequence[str]) -> Sequence[CaseResult]:
    """Return the cases of a job that a ledger has, in their order."""
    cases = job.cases
    if not isinstance(cases, Points):
        # A new name of a cell is none of the key
        names = dict(zip(keys, (case.cell.name for case in cases), strict=True))
        return [replace(case, cell=names[case.key]) for case in ledger.get(keys)]
    return ledger.tabled(cases, job.swept, keys)


def _missing(ledger: Ledger, job: CaseJob, keys: Sequence[str]) -> np.ndarray:
    """Return the numbers of the cases it has not; what failed is tried again."""
    finished = ledger.finished()
    if job.swept is None:
        return np.flatnonzero([key not in finished for key in keys])
    left = np.ones(len(job.cases), bool)
    for block in ledger.blocks(job.swept):
        left[block.points] = False
    for case in ledger.alone(job.swept):
        left[int(case.name) - 1] = case.key not in finished
    return np.flatnonzero(left)


def _points(
    job: CaseJob, missing: Numbers, pool: Pool, progress: Progress
) -> Generator[list[Point | Block]]:
    """Yield points as they are finished, several at a time."""
    cases = job.cases
    if pool is serial:
        job.on_cycle = lambda: progress(1, 0)
    each = cases.cycles * cycles_each(job.numerics) // max(len(cases), 1)
    with closing(pool(job, missing)) as found:
        for points in found:
            failed = sum(point.failed is not None for point in points)
            blocks = [len(point.points) for point in points if isinstance(point, Block)]
            # Those run alone are counted cycle by cycle already
            alone = 0 if job.on_cycle else len(points) - len(blocks)
            progress(each * (sum(blocks) + alone), failed)
            yield points


@dataclass
class CaseJob:
    """Turns numbers of cases into points."""

    cases: Cases
    numerics: Numerics
    swept: Swept | None = None  # where they go together, in blocks
    on_cycle: Callable[[], None] | None = None  # called when a cycle is done

    def prepare(self, number: int) -> None:
        """Build the models of a case; what is wrong with it is told in its turn."""
        if self.swept is not None:  # done, to know that it serves
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
        if self.swept is not None:
            found, numbers = solved(self.swept, numbers)
            points += found
        return points + [self._alone(k) for k in sorted(numbers)]

    def _alone(self, number: int) -> Point:
        """Run a case by itself.

        A point of a sweep fails alone; of a list, what is wrong is told at once.
        """
        try:
            case, key = self.cases[number], self.cases.key(number, self.numerics)
            return Point.of(case_result(case, self.numerics, key, self.on_cycle))
        except InputError as error:
            if not isinstance(self.cases, Points):
                raise
            return self.failed(number, str(error))
        except Exception as error:
            return self.failed(number, f"{type(error).__name__}: {error}")

    def failed(self, number: int, reason: str) -> Point:
        """Return a case none of whose steps ran, the first for this reason."""
        cases, reason = self.cases, shown(reason, 300)
        try:
            case = cases[number]
        except InputError:  # outside of what the cell takes: another, under its values
            assert isinstance(cases, Points)
            first, columns = cases[0], cases.plan.columns()
            varied = {
                k: float(columns[k][number]) if k in columns else v
                for k, v in first.varied.items()
            }
            case = replace(first, name=cases.name(number), varied=varied)
        p, after = case.protocol, (SKIPPED, "after: the case failed")
        failed = SOLVER_FAILED, f"failed: {reason}"
        ends = itertools.chain([failed], itertools.repeat(after))
        recorder = CaseRecorder(
            case.name, case.cell, case.varied
        )  # no mesh: it may have failed

        def skip(number: int, steps: Sequence[Step], recorded: bool) -> None:
            done = [StepRecord(step, *next(ends), trace=None) for step in steps]
            recorder.add(CycleRecord(number, tuple(done), 0.0, 0.0), recorded)

        for k in range(p.conditioning_cycles if p.conditioning else 0):
            skip(k + 1, p.conditioning, False)
        for k in range(p.cycles):
            skip(k + 1, p.of(k + 1), True)
        return Point.of(recorder.result(cases.key(number, self.numerics)), reason)


def case_result(
    case: Case,
    numerics: Numerics,
    key: str = "",
    on_cycle: Callable[[], None] | None = None,
) -> CaseResult:
    """Run a case, one step after the other."""
    recorder = CaseRecorder(case.name, case.cell, case.varied, case.curves)
    recorder.depths = engine(case.cell.structure, numerics.plain).depths
    what = case.cell, case.protocol, numerics, case.curves
    for cycle, recorded in cycles_of(*what, on_cycle):
        recorder.add(cycle, recorded)
    return recorder.result(key)

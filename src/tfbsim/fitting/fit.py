"""Fields of a cell fitted to measured curves and capacities, by least squares.

The experiment says what was done to the cell, the data what came of it, and a ``fit:``
block (or the command line) which fields may vary between which bounds
(:mod:`.parameters`).  Measured steps find their place (:mod:`.curves`), the residuals
are looked at where they are least (:mod:`.problem`, :mod:`.search`), then what they say
of the noise (:mod:`.noise`) and of the parameters (:mod:`.intervals`).

Numerics are :meth:`Numerics.fast` while a minimum is looked for and in the profiles, and
the defaults for the last pass, the covariance and all errors stated.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..cell.cell import Cell
from ..comparison.measured_current import experiment_or_cell
from ..comparison.places import places
from ..data.mapping import AnyMapping
from ..data.read import Source, read_all
from ..errors import InputError, shown, suggest
from ..experiment.cases import Cases
from ..experiment.expand import Expanded
from ..experiment.settings import numerics_of
from ..numerics import Numerics
from ..run.run import SOLVED
from ..solver.batch import WORTH_ASKING, serves
from ..solver.engine import engine
from ..yaml_file import Document
from .account import Account
from .fit_result import Fit
from .intervals import Spread, intervals, uncertainty
from .noise import autocorrelation, standing_apart
from .parameters import Definition, definition, has, parameters
from .problem import Problem
from .search import FINE_STEP, Minimum, Progress, minima, search
from .targets import (
    Target,
    counted_once,
    held_cycles,
    measured_capacities,
    placed_curves,
)

FIRST_CASES = 200  # of which a parameter is looked for
# Evaluations a parameter, at least: of the last pass and its derivatives, of searches
OF_LAST, OF_SEARCHES = 8, 100
ANEW = 3  # times that a profile may come to a better minimum


def check_fit(expanded: Expanded) -> None:
    """Refuse a ``fit:`` block that cannot be run, whatever the data.

    Raises
    ------
    InputError
        Naming file, line and field.
    """
    asked = definition(expanded)
    cells = [case.cell for case in expanded.cases[:FIRST_CASES]]
    for path, bounds in asked.parameters.items():
        cell = next((c for c in cells if has(c, path)), cells[0])
        parameters(cell, {path: bounds}, expanded.document)


def _of_case(
    expanded: Expanded, asked: Definition, name: str
) -> tuple[Expanded, Definition]:
    """Return one case, with the parameters it sets and what is held out of it."""
    names = [case.name for case in expanded.cases]
    if name not in names:
        hint = suggest(name, names) or f"; there are {', '.join(names[:12])}"
        raise InputError(f"no case is called '{shown(name)}'{hint}", field="--case")
    case = expanded.cases[names.index(name)]
    there = {k: b for k, b in asked.parameters.items() if has(case.cell, k)}
    of_case = tuple(f"{path}." for path in case.values)
    own = {k: b for k, b in there.items() if f"{k}.".startswith(of_case)} or there
    if not own:
        raise expanded.document.error(
            ("fit", "parameters"), f"none is of the cell of '{name}'; --vary names others"
        )
    others = tuple(f"{other}, " for other in names if other != name)
    held_out = [
        held.removeprefix(f"{name}, ")
        for held in asked.held_out
        if not held.startswith(others) and held not in names
    ]
    measured = [row for row in expanded.measured if row["Case"] == name]
    asked = asked.model_copy(update={"parameters": own, "held_out": held_out})
    return replace(expanded, cases=Cases([case]), measured=measured), asked


def _check_held_out(
    expanded: Expanded,
    asked: Definition,
    names: Sequence[str],
    cycles: set[int],
    by_option: bool,
) -> None:
    """Refuse a name held out of nothing there is."""
    for k, name in enumerate(asked.held_out):
        held = held_cycles([name])
        if name in names or any(a <= c <= b for a, b in held for c in cycles):
            continue
        hint = suggest(name, names) or f"; there are {', '.join(dict.fromkeys(names))}"
        message = f"no case or file is called '{shown(name)}'{hint}"
        if by_option:
            raise InputError(message, field="--hold-out")
        raise expanded.document.error(("fit", "held_out", k), message)


def fit(
    experiment: str | Path | Document | Expanded,
    data: Sequence[Source] | Source = (),
    *,
    cell: str | None = None,
    case: str | None = None,
    changes: Mapping[str, str] | None = None,
    vary: Mapping[str, str] | None = None,
    held_out: Sequence[str] | None = None,
    starts: int | None = None,
    mapping: AnyMapping | None = None,
    own_current: bool = False,
    numerics: Numerics | Mapping[str, object] | None = None,
    progress: Progress | None = None,
    command: str = "",
    keep: Path | None = None,
) -> Fit:
    """Fit fields of a cell to measured curves and capacities.

    Parameters
    ----------
    experiment : str, Path, Document or Expanded
        What was done to the cell; its ``measured:`` capacities count as data.  Or a cell.
    data : path, DataFrame, Measured, Result, or a sequence of them
        What was measured; a result stands for its cases.
    cell : str, optional
        Takes the place of the experiment's cell.
    case : str, optional
        The only case that is fitted; of the block's parameters those that it sets itself
        vary, or else that its cell has, and "CASE, cycle 904" is held out of it.
    changes : mapping, optional
        Fields set before the fit.
    vary : mapping, optional
        Field to ``LOW..HIGH``, in place of the parameters of the ``fit:`` block.
    held_out : sequence of str, optional
        Cases and files that are predicted, in place of the block's.
    starts : int, optional
        Most searches, the first from the cell's own values; fewer where further ones
        find nothing better, more where none fits the data.
    mapping : optional
        For the files (:func:`tfbsim.read_measured`).
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning, as :func:`tfbsim.compare` does; so for a cell in place of an
        experiment.  What is held out is a file, or a cycle as ``cycle 3``.  Of measured
        capacities against the cycle also ``cycles 500 to 1000``.
    numerics : Numerics or mapping, optional
        Of the last pass and all that is stated; by default those the experiment names.
    progress : callable, optional
        Called with a word, the number of evaluations and the rms residual.
    command : str
        Command line that repeats it.
    keep : Path, optional
        Folder of what was simulated already, and where more is kept: a fit that was
        interrupted goes on from there.

    Returns
    -------
    Fit

    Raises
    ------
    InputError
        A field, bound, case or file that will not do, or no data.

    Examples
    --------
    >>> import tfbsim
    >>> found = tfbsim.fit(
    ...     "raijmakers2020-rate-capability",
    ...     vary={"cathode.diffusivity_scale": "0.3..3"},
    ...     held_out=["6C"],
    ...     starts=1,
    ... )
    >>> list(found.parameters["Verdict"])
    ['determined']
    """
    expanded, own_current = experiment_or_cell(experiment, cell, changes, own_current)
    asked = definition(expanded, vary, held_out)
    if case is not None:
        whole = {*(held_out or ())} & {one.name for one in expanded.cases}
        if whole:
            raise InputError(
                f"'{shown(min(whole))}' is a whole case, and '{shown(case)}' alone is "
                "fitted; a cycle of it would do",
                field="--hold-out",
            )
        expanded, asked = _of_case(expanded, asked, case)
    first = expanded.cases[0].cell
    none = isinstance(data, Sequence) and not len(data)
    files, unreadable = ([], []) if none else read_all(data, first, mapping)
    notes = [f"{file.name}: {note}" for file in files for note in file.notes]
    found = places(files, expanded, own_current)
    expanded = found.expanded
    curves, unmatched = placed_curves(found, asked.held_out, asked.points)
    names = [place.label for place in found.spectra]
    if own_current:
        names += [place.label for place in found.steps]
        names += [f"cycle {place.measured.cycle}" for place in found.steps]
    else:
        curves = measured_capacities(expanded, asked.held_out) + curves
    curves, again = counted_once(curves, asked.capacity_error)
    notes += [*unmatched, *again]
    names += [*(case.name for case in expanded.cases), *(file.name for file in files)]
    cycles = {curve.cycle for curve in curves}
    _check_held_out(expanded, asked, names, cycles, held_out is not None)
    if not any(not curve.held_out for curve in curves):
        raise InputError(
            "there is nothing to fit to: no measured capacity and no curve of a case "
            "that is not held out"
            + (f" ({'; '.join(unmatched[:3])})" if unmatched else ""),
            expanded.document.path,
        )
    base = _one_cell(expanded, curves)
    which = parameters(base, asked.parameters, None if vary else expanded.document)
    last = numerics_of(numerics, expanded.experiment.numerics)
    of = expanded.cases, curves, which, asked
    fast, served = _quick(last, Problem(*of, last), base)
    quick = Problem(*of, fast, served * OF_SEARCHES * len(which))
    # Another kernel is kept for the next fit, and pays then at the latest
    worth = WORTH_ASKING if quick.compiled else None
    exact = Problem(*of, last, served * OF_LAST * len(which), worth)
    if keep is not None:
        exact.keep(keep)
        quick.keep(keep)
    account = _account(exact, quick, starts or asked.starts, progress, notes)
    result = Fit.from_account(account, expanded, base, notes, unreadable, command)
    result.provenance[SOLVED] = dict(exact.simulated + quick.simulated)
    return result


def _account(
    exact: Problem,
    quick: Problem,
    starts: int,
    progress: Progress | None,
    notes: list[str],
) -> Account:
    """Look for the best minimum, and for what the residuals say there.

    The problem is ``exact`` with the numerics that are stated, ``quick`` with those of
    the searches.  What was left aside is added to the notes.
    """

    def tell(chi2: float) -> None:
        if progress:
            rms = math.sqrt(chi2 / exact.size)
            progress("last pass", exact.evaluations, rms)

    found = minima(quick, starts, progress)
    best = min(found, key=lambda m: m.chi2)
    for anew in range(ANEW + 1):
        exact.rho = quick.rho = 0.0
        best = search(quick, best.u, tolerance=1e-6)
        best = _without_spikes(quick, exact, best, notes)
        final = search(exact, best.u, FINE_STEP, tell, tolerance=1e-5)
        final, spread, alone = _spread(exact, quick, final)
        if quick.rho:
            best = search(quick, best.u, tolerance=1e-6)
        ends = intervals(quick, best, spread, last=anew == ANEW)
        better = next((i.better for i in ends if i.better is not None), None)
        if better is None:
            break
        best = better
        found.append(better)
    J = exact.jacobian(final.u, FINE_STEP, central=True)
    return Account(exact, final, J, spread, alone, ends, found)


def _spread(
    exact: Problem, quick: Problem, minimum: Minimum
) -> tuple[Minimum, Spread, Spread]:
    """Return a minimum, its residuals made independent if neighbours share them, and its
    spread: with the stated errors at least, and by the scatter alone."""
    J = exact.jacobian(minimum.u, FINE_STEP, central=True)
    freedom = max(exact.size - len(exact.which), 1)
    plain = minimum.chi2 / freedom
    spread, alone = uncertainty(J, plain), uncertainty(J, plain, 0.0)
    rho, variance = autocorrelation(exact, exact.plain(minimum.u), J)
    if not rho:
        return minimum, spread, alone
    correlated = uncertainty(exact.independent(J, rho), variance, 0.0)
    if (correlated.std <= spread.std).all():  # the stated errors are larger than that
        return minimum, spread, alone
    exact.rho = quick.rho = rho
    minimum = search(exact, minimum.u, FINE_STEP, tolerance=1e-5)
    J = exact.jacobian(minimum.u, FINE_STEP, central=True)
    variance = max(variance, minimum.chi2 / freedom)
    return minimum, uncertainty(J, variance), uncertainty(J, variance, 0.0)


def _without_spikes(
    quick: Problem, exact: Problem, best: Minimum, notes: list[str]
) -> Minimum:
    """Leave residuals aside that stand apart; return the minimum of the others."""
    apart = standing_apart(quick, quick.plain(best.u))
    new = int(apart.sum() - quick.aside.sum())
    if not new:
        return best
    quick.aside = exact.aside = apart
    for curve, block in zip(quick.fitted, quick.blocks, strict=True):
        if number := int(apart[block].sum()):
            notes.append(
                f"{curve.source}: {number} of {curve.groups} points of the {curve.kind} "
                f"of {curve.label or curve.case} stand apart from all others: left aside"
            )
    return search(quick, best.u, tolerance=1e-6)


def _one_cell(expanded: Expanded, curves: Sequence[Target]) -> Cell:
    """Return the cell that is fitted: the one of every case with data."""
    needed = {c.case for c in curves}
    names = {case.cell.name for case in expanded.cases if case.name in needed}
    if len(expanded.cells) > 1 and len(names) > 1:
        raise InputError(
            "a fit is of one cell, and the cases with data have several; name one with "
            "--cell",
            expanded.document.path,
        )
    return next(case.cell for case in expanded.cases if case.name in needed)


def _quick(numerics: Numerics, exact: Problem, base: Cell) -> tuple[Numerics, bool]:
    """Return numerics to search with, and whether the kernel serves every case and value.

    They are compiled where it does not, and one model serves every value.
    """
    fast = Numerics.fast()
    fast = replace(
        fast,
        points=min(fast.points, numerics.points),
        grading=numerics.grading,
        mesh=numerics.mesh,
        compile=False,
    )
    ends = [exact.cell(base, np.full(len(exact.which), u)) for u in (0.3, 0.7)]
    compiler = any(map(shutil.which, ("cc", "gcc", "clang")))
    one_model = ends[0].structure == ends[1].structure
    if not one_model or not compiler or numerics.points < Numerics.fast().points:
        return fast, False
    compiled = replace(fast, compile=True)
    solver = engine(base.structure, compiled)
    served = all(serves(case.cell, case.protocol, solver) for case in exact.cases)
    return (fast, True) if served else (compiled, False)

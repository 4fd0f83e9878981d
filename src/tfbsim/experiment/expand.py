"""An experiment with its cases, everything checked, nothing solved."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..cell.cell import Cell
from ..errors import InputError, placed
from ..yaml_file import Document
from .cases import Cases, Points, cases_of_list
from .experiment import Experiment, load_experiment
from .foresee import check_ageing
from .maker import Maker
from .measured import MeasuredRow, measured_rows
from .provenance import Inputs, Run
from .sampling import Plan


@dataclass(frozen=True)
class Expanded(Inputs):
    """An experiment with its cases, everything checked, nothing solved."""

    experiment: Experiment  # As read
    cases: Cases  # What is run
    measured: list[MeasuredRow]  # Rows of the comparison with measurement
    warnings: tuple[str, ...] = ()  # What is worth knowing of the cases


def expand(
    source: str | Path | Document | Expanded,
    cell: str | None = None,
    changes: Mapping[str, str] | None = None,
    cells: Mapping[str, Cell] | None = None,
) -> Expanded:
    """Return an experiment and its cases, everything checked, nothing solved.

    It is a shipped experiment, a file, or one that was read; one that is expanded stays
    as it is.  ``cell`` takes the place of its cell, ``changes`` are dotted cell fields,
    templates or ``cycles`` for every case, and ``cells`` are loaded already, by the name
    or path that asks for each.  An InputError names file, line and field.
    """
    if isinstance(source, Expanded):
        return source
    experiment, document = load_experiment(source)
    changes = dict(changes or {})
    maker = Maker(experiment, document, cell, changes, cells)
    cases, warnings = _cases(maker)
    with placed(document.error, "numerics"):
        double_layer = cases[0].cell.cathode.double_layer_capacitance is not None
        experiment.numerics.applied().check(double_layer)
    check_ageing((case.cell, case.protocol) for case in cases.some())
    stated: Cases = Cases()
    if experiment.measured and (changes or cell):
        # It may state no cell, or leave {rate} open
        with contextlib.suppress(InputError):
            stated, _ = _cases(Maker(experiment, document, None, {}, cells))
    measured, others = measured_rows(experiment, document, cases, stated, changes)
    if others:
        left = "its measured values are of another cell or protocol and left out"
        warnings += (f"{left}: {', '.join(others)} changed",)
    inputs = document, maker.loaded, cell, changes
    return Expanded(*inputs, experiment, cases, measured, warnings)


def _cases(maker: Maker) -> tuple[Cases, tuple[str, ...]]:
    """Return the cases of a list or the points of a sweep, and what is to be told."""
    sweep = maker.experiment.sweep
    if sweep is None:
        return cases_of_list(maker), ()
    if maker.experiment.cases is not None:
        raise maker.error(("sweep",), "give cases or a sweep, not both")
    points = Points(maker, maker.plan(sweep))
    points.check()
    return points, points.plan.warnings


def sweep_plan(run: Run) -> Plan | None:
    """Return the points of a run's sweep, without their cases; None if it had none."""
    experiment, document = load_experiment(run.document)
    if experiment.sweep is None:
        return None
    maker = Maker(experiment, document, run.cell, run.changes, run.cells)
    return maker.plan(experiment.sweep)

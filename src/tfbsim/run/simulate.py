"""Run one cell through one protocol, from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..cell.cell import Cell, load_cell
from ..errors import InputError, shown
from ..experiment.cases import Case
from ..experiment.foresee import check_ageing
from ..experiment.groups import MAX_CYCLES, parse_cycle
from ..experiment.provenance import Inputs
from ..experiment.settings import numerics_of
from ..experiment.steps import EndOfLife, Protocol, Step
from ..numerics import Numerics
from ..result.result import Result
from ..yaml_file import Document
from .run import case_result, is_count

Steps = Iterable[object] | Step


def simulate(
    cell: Cell | str,
    steps: Sequence[object],
    cycles: int = 1,
    conditioning: Sequence[object] = (),
    conditioning_cycles: int = 1,
    numerics: Numerics | Mapping[str, object] | None = None,
    check_up: Sequence[object] = (),
    every: int = 0,
    until: str | None = None,
) -> Result:
    """Run a cell through a protocol.

    Parameters
    ----------
    cell : Cell or str
        A cell, or the name or path :func:`load_cell` takes.
    steps : sequence
        One cycle: sentences, pairs ``(sentence, "60 degC")``, and the groups and
        profiles of an experiment file, such as ``{"repeat": 3, "steps": [...]}``.
    cycles : int
        How often the cycle is run.
    conditioning : sequence
        Steps run before the first cycle and not recorded.
    conditioning_cycles : int
        How often.
    numerics : Numerics or mapping, optional
        Mesh and tolerances, as ``{"points": 100}``.
    check_up : sequence
        Steps of a cycle of its own in place of the first and every ``every``-th after it.
    every : int
        As above.
    until : str, optional
        What ends the cycling before, as "capacity 80 %" or "resistance 200 %": share of
        that of the first cycle of its kind.

    Returns
    -------
    Result
        ``summary`` (pandas), ``curves`` (xarray), ``steps`` (pandas), ``plot``, ``save``.

    Raises
    ------
    InputError
        A step that cannot be read.

    Examples
    --------
    >>> import tfbsim
    >>> cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    >>> steps = ["Charge at 1C until 4.2 V", "Discharge at 1C until 3.0 V"]
    >>> result = tfbsim.simulate(cell, steps)
    >>> list(result.summary["Outcome"])
    ['reached']
    """
    cell = load_cell(cell)
    for name, number in (
        ("cycles", cycles),
        ("conditioning_cycles", conditioning_cycles),
        *([("every", every)] if len(check_up) else []),
    ):
        if not is_count(number, MAX_CYCLES):
            message = f"'{shown(number)}' must be a whole number from 1 to {MAX_CYCLES:,}"
            raise InputError(message, field=name)
    try:
        end = None if until is None else EndOfLife.parse(str(until))
    except ValueError as error:
        raise InputError(str(error), field="until") from None
    protocol = Protocol(
        parse_cycle(steps, cell, "steps"),
        int(cycles),
        parse_cycle(conditioning, cell, "conditioning"),
        int(conditioning_cycles),
        parse_cycle(check_up, cell, "check_up"),
        int(every),
        end,
    )
    if not protocol.steps:
        raise InputError("there are no steps", field="steps")
    check_ageing([(cell, protocol)])
    numerics = numerics_of(numerics)
    content = steps, cycles, conditioning, conditioning_cycles, check_up, every, until
    inputs = Inputs(as_experiment(*content), {"cell": cell}, "cell", {})
    case = case_result(Case("base", cell, protocol, {}), numerics)
    return Result([case], inputs.provenance(numerics))


def as_experiment(
    steps: Steps,
    cycles: int,
    conditioning: Steps,
    conditioning_cycles: int,
    check_up: Steps = (),
    every: int = 0,
    until: str | None = None,
) -> Document:
    """Return what an experiment file would say, to repeat the run from."""
    content: dict[str, object] = {"format": 1, "kind": "experiment", "name": "simulation"}
    if conditioning:
        before = {"steps": _written(conditioning), "cycles": conditioning_cycles}
        content["conditioning"] = before
    content |= {"steps": _written(steps), "cycles": cycles}
    if check_up:
        content["check_up"] = {"every": every, "steps": _written(check_up)}
    if until is not None:
        content["until"] = until
    return Document(Path("simulation.yaml"), content, {(): 1})


def _written(steps: Steps) -> list[object]:
    """Return steps as a file has them."""
    found: list[object] = []
    for step in [steps] if isinstance(steps, str | Mapping | Step) else steps:
        if isinstance(step, Step):
            found.append(step.text)
        elif isinstance(step, tuple):
            text, T = step[0], step[1]
            T = T if isinstance(T, str) or T is None else f"{T} K"
            found.append(text if T is None else {"step": text, "temperature": T})
        else:
            found.append(dict(step) if isinstance(step, Mapping) else step)
    return found

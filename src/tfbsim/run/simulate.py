"""Run one cell through one protocol, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cell.cell import Cell, load_cell
from ..errors import InputError
from ..experiment.provenance import provenance
from ..experiment.steps import Protocol, parse_cycle
from ..numerics import Numerics
from ..result.result import Result
from ..solver.cycler import run_case
from ..yaml_file import Document


def simulate(
    cell: Cell | str,
    steps: Sequence[Any],
    cycles: int = 1,
    conditioning: Sequence[Any] = (),
    conditioning_cycles: int = 1,
    numerics: Numerics | None = None,
) -> Result:
    """Run a cell through a protocol.

    Parameters
    ----------
    cell : Cell or str
        A cell, or the name or path :func:`load_cell` takes.
    steps : sequence of str
        The sentences of one cycle; a pair ``(sentence, "60 degC")`` sets a temperature.
    cycles : int
        How often the cycle is run.
    conditioning : sequence of str
        Steps run before the first cycle and not recorded.
    conditioning_cycles : int
        How often.
    numerics : Numerics, optional
        Mesh and tolerances.

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
    if isinstance(cell, str):
        cell = load_cell(cell)
    if isinstance(steps, str):
        steps = [steps]
    if not steps:
        raise InputError("there are no steps", field="steps")
    if cycles < 1 or conditioning_cycles < 1:
        raise InputError("must be at least 1", field="cycles")
    parsed = {}
    for name, sentences in (("steps", steps), ("conditioning", conditioning)):
        try:
            parsed[name] = parse_cycle(sentences, cell)
        except ValueError as error:
            raise InputError(error.args[0], field=f"{name}[{error.args[1]}]") from None
    protocol = Protocol(
        parsed["steps"], cycles, parsed["conditioning"], conditioning_cycles
    )
    numerics = numerics or Numerics()
    about = provenance(
        as_experiment(steps, cycles, conditioning, conditioning_cycles),
        {"cell": cell},
        numerics,
        cell="cell",
    )
    record = run_case(cell, protocol, numerics)
    return Result.from_records({"base": record}, about)


def as_experiment(
    steps: Sequence[Any],
    cycles: int,
    conditioning: Sequence[Any],
    conditioning_cycles: int,
) -> Document:
    """What an experiment file would say."""

    def written(sentences: Sequence[Any]) -> list[Any]:
        return [
            s if isinstance(s, str) else {"step": s[0], "temperature": s[1]}
            for s in sentences
        ]

    content: dict[str, Any] = {"format": 1, "kind": "experiment", "name": "simulation"}
    if conditioning:
        content["conditioning"] = {
            "steps": written(conditioning),
            "cycles": conditioning_cycles,
        }
    content |= {"steps": written(steps), "cycles": cycles}
    return Document(Path("simulation.yaml"), content, {(): 1})

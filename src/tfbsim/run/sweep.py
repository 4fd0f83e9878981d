"""Run a cell over the values of its fields, from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import units
from ..cell.cell import Cell, load_cell
from ..errors import InputError
from ..experiment.expand import expand
from ..experiment.sampling import METHODS
from ..numerics import Numerics
from ..result.result import Result
from ..yaml_file import Document
from .run import run_experiment
from .simulate import as_experiment


def sweep(
    cell: Cell | str,
    steps: Sequence[object],
    factors: Mapping[str, object],
    method: str = "grid",
    points: int | None = None,
    seed: int = 0,
    correlations: Mapping[tuple[str, str], float] | None = None,
    cycles: int = 1,
    conditioning: Sequence[object] = (),
    conditioning_cycles: int = 1,
    numerics: Numerics | Mapping[str, object] | None = None,
    workers: int = 1,
    folder: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run a cell through a protocol at many points: the ``sweep`` of a file.

    Parameters
    ----------
    cell, steps, cycles, conditioning, conditioning_cycles, numerics
        As :func:`simulate`; sentences may have {names} in braces.
    factors : mapping
        Cell fields and {names} to their values, as in a file: a list or array, or
        ``{"log": ["1 um", "20 um", 25]}``, or for samples a distribution,
        ``{"normal": ["600 nm", "30 nm"]}``.  Numbers of cell fields are SI.
    method : str
        "grid", "zip", "latin hypercube", "sobol" or "saltelli".
    points, seed : int
        Of samples.
    correlations : mapping, optional
        Pairs of factors to the correlation of the normals behind them.
    workers, folder, resume, progress
        As :func:`run_experiment`.

    Returns
    -------
    Result
        ``dataset`` (xarray), ``sensitivity`` and ``percentiles`` beside ``summary``.

    Raises
    ------
    InputError
        Naming the field.

    Examples
    --------
    >>> import tfbsim
    >>> result = tfbsim.sweep(
    ...     "lco-lipon-li-constant-d", ["Discharge at 1C until 3 V"],
    ...     {"cathode.thickness": {"normal": ["10 um", "0.5 um"]}},
    ...     method="sobol", points=8,
    ... )
    >>> result.dataset.sizes["point"]
    8
    """
    cell = load_cell(cell)
    if isinstance(steps, str):
        steps = [steps]
    for field, given in (("factors", factors), ("correlations", correlations or {})):
        if not isinstance(given, Mapping):
            raise InputError("must be a mapping", field=f"sweep.{field}")
    try:
        section: dict[str, object] = {
            "method": method,
            "factors": {str(k): _written(cell, str(k), v) for k, v in factors.items()},
        }
        if points is not None:
            section["points"] = points
        if method in METHODS[2:]:
            section["seed"] = seed
        if correlations:
            section["correlations"] = [
                {
                    "between": list(pair) if isinstance(pair, tuple | list) else pair,
                    "value": _plain(value),
                }
                for pair, value in correlations.items()
            ]
        like = as_experiment(steps, cycles, conditioning, conditioning_cycles)
        content = like.data | {"name": "sweep", "sweep": section}
        document = Document(Path("sweep.yaml"), content, {(): 1})
        expanded = expand(document, "cell", cells={"cell": cell})
    except InputError as error:
        raise InputError(error.message, field=error.field) from None
    return run_experiment(
        expanded,
        numerics=numerics,
        workers=workers,
        folder=folder,
        resume=resume,
        progress=progress,
    )


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _written(cell: Cell, name: str, values: object) -> object:
    """Return the values of a factor as a file has them."""
    try:
        dimension = cell.number(name)[1]
    except InputError:
        dimension = "dimensionless"

    def text(value: object) -> object:
        value = _plain(value)
        if dimension == "dimensionless" or isinstance(value, bool | str):
            return value
        if not isinstance(value, int | float):
            return value
        try:
            shown = units.to_display(float(value), dimension)
        except OverflowError:  # an integer beyond all floats
            field = f"sweep.factors.{name}"
            raise InputError("is too large a number", field=field) from None
        return f"{shown!r} {units.display_unit(dimension)}"

    if isinstance(values, Mapping) and len(values) == 1:
        ((kind, items),) = values.items()
        if not isinstance(items, list | tuple | np.ndarray):
            return {kind: items}
        # Behind both ends a number of values; behind a mean a difference, or of ln
        warmer = kind == "normal" and dimension == "temperature"
        head = 1 if warmer or kind == "lognormal" else 2
        written = [*map(text, items[:head]), *map(_plain, items[head:])]
        if warmer and not isinstance(written[-1], str):
            written[-1] = f"{written[-1]} K"
        return {kind: written}
    if isinstance(values, list | tuple | np.ndarray):
        return [text(value) for value in values]
    return values

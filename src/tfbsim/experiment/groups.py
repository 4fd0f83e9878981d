"""The steps of a file or of Python, written out: groups, templates, temperatures.

steps: ["Charge at 1C until 4.2 V", {step: "Rest for 1 hour", temperature: 60 degC},
        {repeat: 20, steps: [...]}, {for_each: {rate: [C/10, 1C]}, steps: [...]},
        {profile: load.csv, lower: 3.0 V}]
"""

from __future__ import annotations

import contextlib
import math
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Field, StrictInt, StrictStr

from .. import units
from ..cell.cells import AnyCell
from ..errors import Error, InputError, Place, at_field, placed, shown, suggest
from ..fields import Strict, refuse, validate
from ..yaml_file import Content
from .profile import Table, parse_profile, read_profile
from .steps import Step, parse_step

MAX_STEPS = 10_000  # of one case
MAX_CYCLES = 100_000
MAX_VALUES = 5_000
Cycles = Annotated[StrictInt, Field(ge=1, le=MAX_CYCLES)]

# A step for a cell; a sentence and its temperature; the mapping of a profile
Written: TypeAlias = Step | tuple[str, object] | Content
Placed: TypeAlias = tuple[Place, Written]  # and where it stands
Filled = Mapping[str, str]


class Group(Strict):
    """Steps repeated, or written once for each value of a template."""

    step: StrictStr | None = None
    temperature: object = None
    repeat: Cycles | None = None
    for_each: dict[str, object] | None = None
    steps: list[object] | None = None


class Writing:
    """Writes steps out, with the place of every mistake."""

    def __init__(self, error: Error, folder: Path, si: bool = False) -> None:
        self.error = error  # makes the error of a place and a message
        self.si = si  # whether a plain number is one in SI, as in Python
        self.folder = folder  # where profiles are looked for
        self._groups: dict[int, Group] = {}  # as checked, each once
        self._profiles: dict[str, Table] = {}  # as read

    def __reduce__(self) -> tuple[type[Writing], tuple[Error, Path, bool]]:
        # The keys of groups hold in this process only
        return Writing, (self.error, self.folder, self.si)

    def flat(
        self, where: Place, steps: Sequence[object], templates: Filled
    ) -> list[Placed]:
        """Return steps with groups written out, each with its place.

        A step is a :class:`Step`, a pair of sentence and temperature, or the mapping of
        a profile.
        """
        found: list[Placed] = []
        for k, step in enumerate(steps):
            for item in self._written_out((*where, k), step, templates):
                found.append(item)
                if len(found) > MAX_STEPS:
                    raise self.error((*where, k), f"more than {MAX_STEPS} steps")
        return found

    def _written_out(
        self, at: Place, step: object, templates: Filled
    ) -> Iterator[Placed]:
        if isinstance(step, Mapping):
            written = self._profile if "profile" in step else self._group
            yield from written(at, step, templates)
        elif isinstance(step, Step):
            yield at, step
        else:
            sentence, T = step, None
            if isinstance(step, tuple) and len(step) == 2:
                sentence, T = step
            if not isinstance(sentence, str):
                raise self.error(at, f"'{shown(step)}' is not a step")
            yield at, (self._filled(at, sentence, templates), T)

    def _group(self, at: Place, step: Content, templates: Filled) -> Iterator[Placed]:
        group = self._groups.get(id(step))
        if group is None:
            with placed(self.error, *at):
                group = self._groups[id(step)] = validate(Group, dict(step))
        T, repeated = group.temperature, group.repeat or group.for_each
        if group.step is not None:
            if repeated or group.steps is not None:
                raise self.error(
                    at, "a step is {step, temperature}; a group {repeat, for_each, steps}"
                )
            if isinstance(T, str):
                T = self._filled(at, T, templates)
            elif T is not None and not self.si:
                with placed(self.error, *at, "temperature"):
                    units.parse(T, "temperature")
            yield at, (self._filled(at, group.step, templates), T)
            return
        if not group.steps or not repeated or T is not None:
            raise self.error(
                at, "a group needs steps, and repeat or for_each; a single step 'step'"
            )
        for _ in range(group.repeat or 1):
            for values in self._each(at, group, templates):
                yield from self.flat((*at, "steps"), group.steps, values)

    def _profile(self, at: Place, step: Content, templates: Filled) -> Iterator[Placed]:
        """Yield a profile's mapping with its templates filled and its table read."""
        filled = {
            key: self._filled(at, value, templates) if isinstance(value, str) else value
            for key, value in step.items()
        }
        if isinstance(name := filled["profile"], str):
            if name not in self._profiles:
                with placed(self.error, *at, "profile"):
                    try:
                        self._profiles[name] = read_profile(name, self.folder)
                    except InputError as error:
                        place = f"{name}, line {error.line}" if error.line else name
                        raise ValueError(f"{place}: {error.message}") from None
            filled["profile"] = self._profiles[name]
        yield at, filled

    def _each(self, at: Place, group: Group, templates: Filled) -> Iterator[Filled]:
        if group.for_each is None:
            yield templates
            return
        if len(group.for_each) != 1:
            raise self.error((*at, "for_each"), "must name one template")
        ((name, values),) = group.for_each.items()
        for value in values_of((*at, "for_each", name), values, self.error):
            yield {**templates, name: str(value)}

    def _filled(self, at: Place, text: str, templates: Filled) -> str:
        for name in _fields(text):
            if name not in templates:
                lack = f"{{{shown(name)}}} has no value; give one in each of the cases"
                raise self.error(at, lack + suggest(name, templates))
            text = text.replace(f"{{{name}}}", templates[name])
        return text


def parsed_steps(
    flat: Sequence[Placed], cell: AnyCell, error: Error
) -> tuple[tuple[Step, ...], list[InputError]]:
    """Return steps that are written out for a cell, and what is wrong with the others."""
    parsed: list[Step] = []
    wrong: list[InputError] = []
    known: dict[
        tuple[str, object], Step
    ] = {}  # a group repeats its sentences thousands of times
    for at, step in flat:
        try:
            if isinstance(step, tuple):
                if step not in known:
                    known[step] = parse_step(step[0], cell, step[1])
                step = known[step]
            elif isinstance(step, Mapping):
                step = parse_profile(step, cell)
            parsed.append(step)
        except InputError as mistake:
            wrong.append(error((*at, mistake.field), mistake.message))
        except ValueError as mistake:
            wrong.append(error(at, str(mistake)))
    return tuple(parsed), wrong


def parse_cycle(steps: object, cell: AnyCell, name: str = "steps") -> tuple[Step, ...]:
    """Return steps of Python for a cell: what a file may say, pairs and Steps.

    An InputError names the step.
    """

    if isinstance(steps, str | Mapping | Step):
        steps = [steps]
    if not isinstance(steps, Iterable):
        refuse(name, f"'{shown(steps)}' is given where a list of steps would do")
    flat = Writing(at_field, Path(), si=True).flat((name,), [*steps], {})
    parsed, wrong = parsed_steps(flat, cell, at_field)
    for first in wrong:
        raise first
    return parsed


RANGES: dict[str, Callable[[float, float, int], np.ndarray]] = {
    "linear": np.linspace,
    "log": np.geomspace,
}


def values_of(where: Place, values: object, error: Error) -> list[object]:
    """Return a list as written, or of {linear: [first, last, number]}, or {log: ...}."""
    if isinstance(values, list) and values:
        return values
    if not isinstance(values, dict) or len(values) != 1:
        forms = (f"{{{kind}: [first, last, number]}}" for kind in RANGES)
        raise error(where, f"must be a list of values, {' or '.join(forms)}")
    ((kind, ends),) = values.items()
    at = (*where, kind)
    if kind not in RANGES:
        raise error(at, f"unknown range '{shown(kind)}'{suggest(kind, RANGES)}")
    if not isinstance(ends, list) or len(ends) != 3:
        raise error(at, "must be [first, last, number of values]")
    number = ends[2]
    if type(number) is not int or number < 2:
        raise error((*at, 2), "the number of values must be at least 2")
    if number > MAX_VALUES:
        raise error((*at, 2), f"more than {MAX_VALUES}")
    first, last, unit = _range_ends(at, ends, error)
    if kind == "log" and min(first, last) <= 0:
        raise error(at, "a log range must be above 0")
    points = RANGES[kind](first, last, number)
    return [f"{float(p):.6g} {unit}".strip() for p in points]


def _range_ends(
    where: Place, ends: list[object], error: Error
) -> tuple[float, float, str]:
    """Return both ends of a range in the unit of the first."""
    split = [re.fullmatch(r"\s*([-+0-9.eE]+)\s*(.*?)\s*", str(e)) for e in ends[:2]]
    if None in split:
        raise error(where, "must begin with two numbers")
    (first, unit), (last, other) = (s.groups() for s in split if s)
    with contextlib.suppress(ValueError, ZeroDivisionError):
        if unit == other and math.isfinite(float(first) * float(last)):
            return float(first), float(last), unit
        options = units.DISPLAY.keys() - {"temperature"}
        a, dimension = units.quantity(str(ends[0]), options)
        return float(first), float(first) * units.parse(str(ends[1]), dimension) / a, unit
    raise error(where, "both ends must be numbers of one dimension")


@lru_cache(maxsize=10_000)  # the points of a sweep share their sentences
def _fields(text: str) -> tuple[str, ...]:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return ()
    return tuple(field for _, field, _, _ in parts if field)


def names_in(steps: object) -> set[str]:
    """Return the names in {braces} that the cases must fill."""
    if isinstance(steps, str):
        return set(_fields(steps))
    if isinstance(steps, list | tuple):
        return set().union(*(names_in(s) for s in steps))
    if isinstance(steps, dict):
        if "profile" in steps:
            return names_in(list(steps.values()))
        each = steps.get("for_each")
        inner = [steps.get(name) for name in ("step", "steps", "temperature")]
        return names_in(inner) - set(each if isinstance(each, dict) else ())
    return set()

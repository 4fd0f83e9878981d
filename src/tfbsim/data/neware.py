"""NEWARE's text of several levels: lines of cycles, of steps and of samples in one file.

A line of a lower level begins with a separator more than the one above it.  Only the
samples are a record; the lines of cycles and steps above them say to which they belong,
and which charge each step passed in all.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from .headings import heading, role_of
from .mapping import Mapping
from .table import Table
from .text import one_table, recognised

_UPPER = {"cycle": "Cycle Index", "step": "Step Index", "step_type": "Step Type"}
_DIGITS = 3  # of a charge of a step, from which on it may testify
_CHARGES = ("capacity", "discharge_capacity", "charge_capacity")


def is_one(text: str) -> bool:
    """Return whether a text has headings of several levels."""
    return _levels(text) is not None


def _levels(text: str) -> tuple[str, int, list[list[str]]] | None:
    """Return separator, first line and headings of each level."""
    lines = text[:20_000].split("\n")[:30]
    for k, line in enumerate(lines[:-1]):
        for mark in (",", "\t", ";"):
            if mark not in line or line.startswith(mark) or re.search(r"\d{3}", line):
                continue
            heads = [line.split(mark)]
            for below in lines[k + 1 : k + 4]:
                if not re.match(f"{mark}{{{len(heads)}}}[^{mark}\\d]", below):
                    break
                heads.append(below.split(mark)[len(heads) :])
            known = [role_of(name) for name in heads[-1]]
            if len(heads) > 1 and {"voltage", "current"} <= set(known):
                return mark, k, heads
    return None


def tables(path: Path, text: str, mapping: Mapping, notes: list[str]) -> list[Table]:
    """Return the samples as one table, with cycle, step and kind of the levels above.

    Raises
    ------
    InputError
        It holds no samples.
    """
    found = _levels(text)
    assert found is not None
    mark, first, heads = found
    depth = len(heads) - 1
    lines = [x for x in text.split("\n")[first + len(heads) :] if x.strip(mark + " ")]
    deep = np.array([x.startswith(mark * depth) for x in lines], dtype=bool)
    samples = [x[depth:] for x, at in zip(lines, deep, strict=True) if at]
    if not samples:
        raise InputError("holds lines of cycles and steps, and no samples", path)
    body = "\n".join(samples) + "\n"
    layout = recognised(body, mapping)
    if layout is None:
        raise InputError("its samples are no numbers", path)
    head = mark.join(heads[-1]) + "\n"
    table = one_table(
        path, head + body, 0, len(head + body), layout, mapping, [], "NEWARE"
    )
    titles = dict(_UPPER)
    charges, unit = _of_whole_steps(heads[-2])
    if charges:
        titles["step_charge"] = f"charge of whole step ({unit})"
    upper = {role: np.full(len(lines), None, dtype=object) for role in titles}
    now: dict[str, object] = dict.fromkeys(titles)
    for number, k in enumerate(np.flatnonzero(~deep), start=1):
        fields = lines[k].split(mark)
        level = len(lines[k]) - len(lines[k].lstrip(mark))
        fields = fields[level:]
        while fields and level < depth:
            for name, value in zip(heads[level], fields, strict=False):
                role = role_of(name)
                if role in now:
                    now[role] = value
            if charges and level == depth - 1:
                given = [fields[c] for c in charges if c < len(fields)]
                now["step_charge"] = max(given, key=_digits, default="")
            fields = fields[len(heads[level]) :]
            level += 1
        now["step"] = number  # the cycler's own number comes again in each cycle
        for role in titles:
            upper[role][k] = now[role]
    if charges and max(_digits(x) for x in upper["step_charge"]) < _DIGITS:
        del titles["step_charge"]
    above = np.maximum.accumulate(np.where(~deep, np.arange(len(lines)), -1))[deep]
    data, names = table.data, list(table.names)
    if len(data) == len(samples):
        for role, title in titles.items():
            values = np.array([upper[role][k] if k >= 0 else None for k in above])
            if any(v is not None for v in values):
                data[len(names)] = values
                names.append(title)
    notes.append(
        f"The lines of {depth + 1} levels were taken apart; the lowest is the record."
    )
    return [Table(path, tuple(names), data, table.decimal, "NEWARE", notes=notes)]


def _of_whole_steps(heads: list[str]) -> tuple[list[int], str]:
    """Return the columns of lines of steps that have their charge, and its unit."""
    for roles in (_CHARGES[:1], _CHARGES[1:]):
        found = [k for k, name in enumerate(heads) if role_of(name) in roles]
        found = [
            k for k in found if heading(heads[k]).unit == heading(heads[found[0]]).unit
        ]
        if found and (unit := heading(heads[found[0]]).unit):
            return found, unit
    return [], ""


def _digits(number: object) -> int:
    """Return how many digits a number is known to."""
    return len(re.sub(r"\D", "", str(number or "")).lstrip("0"))

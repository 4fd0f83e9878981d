"""NEWARE's .nda and .ndax, and its text of several levels: lines of cycles, of steps and
of samples in one file.

A line of a lower level begins with a separator more than the one above it.  Only the
samples are a record; the lines of cycles and steps above them say to which they belong,
and which charge each step passed in all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd

from .headings import heading, role_of
from .table import File, Table
from .text import one_table, recognised

_UPPER = {"cycle": "Cycle Index", "step": "Step Index", "step_type": "Step Type"}
_BINARY = {
    "Voltage": "Voltage / V",
    "Cycle": "Cycle Count",
    "Step": "Step Count",
    "Status": "Step Type",
    "Time": "Step Time / s",
    "Timestamp": "Date",  # to a second; the clock of the step is finer
}
_DIGITS = 3  # of a charge of a step, from which on it may testify


def nda(file: File) -> Table:
    """Return the table of a binary file."""
    data = import_module("NewareNDA").read(str(file.path), log_level="CRITICAL")
    names = tuple(_BINARY.get(str(c), str(c)) for c in data.columns)
    return Table(file, names, data.set_axis(range(len(names)), axis=1), layout="NEWARE")


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
            known = {role_of(name) for name in heads[-1]}
            if len(heads) > 1 and {"voltage", "current"} <= known:
                return mark, k, heads
    return None


def tables(file: File, text: str) -> list[Table]:
    """Return the samples as one table, with cycle, step and kind of the levels above."""
    found = _levels(text)
    assert found is not None
    mark, first, heads = found
    depth = len(heads) - 1
    lines = [x for x in text.split("\n")[first + len(heads) :] if x.strip(mark + " ")]
    deep = np.array([x.startswith(mark * depth) for x in lines], dtype=bool)
    samples = [x[depth:] for x, at in zip(lines, deep, strict=True) if at]
    if not samples:
        raise file.error("holds lines of cycles and steps, and no samples")
    layout = recognised("\n".join(samples) + "\n", file.how)
    if layout is None:
        raise file.error("its samples are no numbers")
    body = "\n".join([mark.join(heads[-1]), *samples]) + "\n"
    table = one_table(file, body, slice(0, len(body)), layout, "NEWARE")
    charges, unit = _of_whole_steps(heads[-2])
    rows = []  # of what is above a sample
    for line in (x for x, at in zip(lines, deep, strict=True) if not at):
        level = len(line) - len(line.lstrip(mark))
        names = [name for head in heads[level:depth] for name in head]
        fields, own = line.split(mark)[level:], sum(map(len, heads[level : depth - 1]))
        row = {role_of(n): x for n, x in zip(names, fields, strict=False)}
        if len(fields) > own:
            whole = [fields[own + c] for c in charges if own + c < len(fields)]
            row["step_charge"] = max(whole, key=_digits, default="")
        rows.append(row)
    above = pd.DataFrame(rows, columns=["cycle", "step", "step_type", "step_charge"])
    above = above.ffill()
    above["step"] = range(1, len(above) + 1)  # its own comes again in each cycle
    if not charges or above["step_charge"].map(_digits).max() < _DIGITS:
        del above["step_charge"]
    data, names = table.data, list(table.names)
    if len(data) == len(samples):
        above = above.reindex(np.cumsum(~deep)[deep] - 1).dropna(axis=1, how="all")
        for role, values in above.items():
            data[len(names)] = values.to_numpy()
            names.append(_UPPER.get(role) or f"charge of whole step ({unit})")
    file.note(
        f"The lines of {depth + 1} levels were taken apart; the lowest is the record."
    )
    return [replace(table, names=tuple(names), line=None, lost=0)]


def _of_whole_steps(heads: list[str]) -> tuple[list[int], str]:
    """Return the columns of lines of steps that have their charge, and its unit."""
    for roles in (("capacity",), ("discharge_capacity", "charge_capacity")):
        found = [k for k, name in enumerate(heads) if role_of(name) in roles]
        unit = heading(heads[found[0]]).unit if found else ""
        if unit:
            return [k for k in found if heading(heads[k]).unit == unit], unit
    return [], ""


def _digits(number: object) -> int:
    """Return how many digits a number is known to."""
    return len(re.sub(r"\D", "", str(number)).lstrip("0"))

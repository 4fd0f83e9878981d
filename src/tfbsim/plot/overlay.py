"""The curves of two or more results on one axes."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..data.curve_table import AREA, CURRENT, MASS, TIME, VOLTAGE
from ..data.measured import Measured
from ..errors import InputError, shown
from ..result.result import Result
from .axes import subplots
from .cases import Cases
from .labels import PER_AREA, PER_MASS
from .layout import Layout, evenly
from .looks import FACTOR_COLOURS, LINE_STYLES, entry
from .samples import Samples
from .style import styled

MOST_CASES = len(FACTOR_COLOURS)
ACROSS = {
    "voltage-capacity": ("Capacity {}", "Voltage (V)"),
    "voltage-time": ("Time (h)", "Voltage (V)"),
    "current-time": ("Time (h)", "Current density (µA cm⁻²)"),
}


@styled()
def overlay(
    *results: Result | Measured,
    name: str = "voltage-capacity",
    **labelled: Result | Measured,
) -> Figure:
    """Draw the curves of results, or of measured files, on one axes.

    A colour is a case, by its name; a line style is a result.  Capacities are per mass,
    or per area if a file is among them.

    Parameters
    ----------
    *results : Result or Measured
        Called 1, 2, ... in the legend.
    name : str
        "voltage-capacity", "voltage-time" or "current-time".
    **labelled : Result or Measured
        Results by what the legend calls them.

    Examples
    --------
    >>> import tfbsim
    >>> cell = tfbsim.load_cell("lco-lipon-li-raijmakers2020")
    >>> steps = ["Discharge at 1C until 3 V"]
    >>> thin = cell.replace({"cathode.thickness": "4 um"})
    >>> figure = tfbsim.overlay(
    ...     thick=tfbsim.simulate(cell, steps), thin=tfbsim.simulate(thin, steps)
    ... )
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['thick', 'thin']
    """
    named: dict[str, object] = {str(k): r for k, r in enumerate(results, start=1)}
    named |= labelled
    if name not in ACROSS:
        raise InputError(f"'{name}' is no overlay; there are: {', '.join(ACROSS)}")
    if not 2 <= len(named) <= len(LINE_STYLES):
        raise InputError(f"an overlay is of 2 to {len(LINE_STYLES)} results")
    every: dict[str, Cases] = {}
    for label, result in named.items():
        if not isinstance(result, Result | Measured):
            message = f"'{shown(result)}' is given where a result would do"
            raise InputError(message, field=label)
        every[label] = Cases.of(result)
    labels = [label for cases in every.values() for label in cases.labels.values()]
    if not any(cases.samples.cases for cases in every.values()):
        raise InputError("none of these results has curves")
    known = list(dict.fromkeys(labels))
    kept = evenly(known, MOST_CASES)
    # Of a single case, or one that was measured too, only the result tells curves apart
    alone = any(isinstance(result, Measured) for result in named.values())
    alone = alone and all(len(cases.drawn) == 1 for cases in every.values())
    several = len(kept) > 1 and not alone
    colours = dict(zip(kept, FACTOR_COLOURS, strict=False)) if several else {}
    layout: Layout[tuple[str, str]] = Layout([("", [])], {}, {}, {})
    for n, (words, cases) in enumerate(every.items()):
        for case in cases.drawn:
            if (label := cases.labels[case]) in kept:
                group = words, case
                layout.panels[0][1].append(group)
                layout.colour[group] = colours.get(label, FACTOR_COLOURS[n])
                layout.style[group] = LINE_STYLES[n]
                layout.label[group] = f"{label}, {words}" if colours else words
    if len(kept) < len(known):
        layout.notes.append(f"{len(kept)} of {len(known)} cases, evenly chosen")
    layout.figure, layout.axes = subplots(5.6, 3.4)
    per_mass = all(cases.samples.per_mass for cases in every.values())
    capacity, unit = (MASS, PER_MASS) if per_mass else (AREA, PER_AREA)
    for group in layout.groups:
        for xy in _curves(every[group[0]].samples, group[1], name, capacity):
            layout.line(layout.axes[0, 0], group, *xy.T)
    keys = [entry(case, color=c) for case, c in colours.items()]
    for words, style in zip(every, LINE_STYLES, strict=False) if keys else ():
        keys.append(entry(words, color="0.3", ls=style))
    x, y = ACROSS[name]
    details = {"what": y, "results": " and ".join(named)}
    x = x.format(unit)
    return layout.finish("overlay", x, y, more=keys, details=details, own=not keys)


def _curves(samples: Samples, case: str, name: str, capacity: str) -> list[np.ndarray]:
    """Return curves of a case, each of shape (points, 2)."""
    if name == "voltage-capacity":
        return [np.array(b[[capacity, VOLTAGE]]) for b in samples.branches(case)]
    table = samples.of_run(case)
    y = table[VOLTAGE if name == "voltage-time" else CURRENT]
    return [np.stack([table[TIME] / 3600, y], axis=1)]

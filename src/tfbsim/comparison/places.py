"""Where what was measured belongs in a simulation, of a comparison and of a fit alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..data.measured import Measured, Segment, Spectrum
from ..errors import InputError
from ..experiment.cases import Case, Cases, Expanded
from .matching import Place, placed
from .own_current import driven
from .spectra import placed_spectra


@dataclass(frozen=True)
class Places:
    """Measured steps and spectra, and the cases that simulate them.

    Parameters
    ----------
    expanded : Expanded
        Its cases are those of the places: the experiment's, or the records themselves.
    base : str
        The case that gives cell and conditioning.
    own_current : bool
        Whether the protocol is the data's own current.
    steps, spectra : list of Place
        In the order of the files.
    unmatched : list of tuple of str
        File, step or spectrum, and why it belongs nowhere.
    notes : list of str
        What else is worth knowing.
    """

    expanded: Expanded
    base: str
    own_current: bool
    steps: list[Place[Segment]] = field(default_factory=list)
    spectra: list[Place[Spectrum]] = field(default_factory=list)
    unmatched: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def places(files: Sequence[Measured], expanded: Expanded, own_current: bool) -> Places:
    """Find where the steps and spectra of files belong.

    Parameters
    ----------
    files : sequence of Measured
        As read.
    expanded : Expanded
        The experiment.
    own_current : bool
        Drive the cell with the measured current, from its state after the experiment's
        conditioning; spectra are then of the cell at rest.

    Raises
    ------
    InputError
        The cases have different cells, and the data's own current is to drive one.
    """
    base = expanded.cases[0]
    found = Places(expanded, base.name, own_current)
    if own_current and any(other.cell != base.cell for other in expanded.cases[1:]):
        raise InputError(
            "its cases have different cells; name the cell itself, or one case's values "
            "with --set",
            expanded.document.path,
        )
    records: list[Case] = []
    for file in files:
        if own_current:
            cases, steps, unmatched = driven(file, base)
            records += cases
            found.steps.extend(steps)
            found.unmatched.extend(unmatched)
            continue
        cycles, without = placed(file, expanded.cases)
        found.unmatched.extend((file.name, s.name, why) for s, why in without)
        for cycle, match, number in cycles:
            name = match.case.name
            if match.alike > 1:
                found.notes.append(
                    f"{file.name}: {match.alike} cases fit a cycle alike, and the first, "
                    f"'{name}', was taken; --set or another experiment chooses."
                )
            found.steps.extend(
                Place(file.name, cycle[k], name, (at,), number) for k, at in match.steps
            )
    if records:
        expanded = replace(expanded, cases=Cases(records))
    expanded, spectra, unmatched = placed_spectra(files, expanded, own_current)
    return replace(
        found,
        expanded=expanded,
        spectra=spectra,
        unmatched=[*found.unmatched, *unmatched],
        notes=list(dict.fromkeys(found.notes)),
    )

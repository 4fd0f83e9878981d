"""What a colour, a line style and a marker mean, once for all figures.

- A colour says which value of the first factor a line is of: the window, say.  Okabe and
  Ito's colours are for a few values, viridis for an ordered quantity; both are told apart
  by the colour-blind.
- A line style says which value of the second; further factors have panels.
- Where the first factor stands on the axis, lines are grey.  A factor of too many values
  for line styles has a range of colours of its own.
- Pale fills are voltage losses and nothing else.  Greys are quantities.
- Measured points are black and hollow, and the legend names them.  Simulated points are
  filled dots in the colour of their line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypedDict, Unpack

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.lines import Line2D

from ..physics.law import Declared
from ..result.losses import DIFFUSION, KNOWN

Colour: TypeAlias = str | tuple[float, float, float, float]
LineStyle: TypeAlias = str | tuple[int, tuple[float, ...]]

FACTOR_COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#000000", "#8C510A"),
)
FEW = len(FACTOR_COLOURS)  # groups told apart by a legend
NEUTRAL = "0.25"  # lines where the first factor is on the axis
QUANTITIES = ("0.55", "0.8", "0.3")  # bars: first, second and third quantity
# Greys are of maps; viridis of a first factor, and what it has not of a second
SEEN = {"Greys": (0.08, 0.8), "viridis": (0, 0.92), "YlOrRd": (0.3, 1)}
# Of losses that no law gives a colour
MORE_LOSSES = ("#882255", "#44AA99", "#DDCC77", "#117733", "#AA4499")
PALE = 0.55
DASHED: LineStyle = (0, (4, 2))
LINE_STYLES: tuple[LineStyle, ...] = ("-", DASHED, (0, (1, 1.3)), (0, (6, 1.5, 1, 1.5)))
POINTS = (".", "x", "+", "2")  # as the line styles, where two points are no line
MEASURED = {"fitted": "o", "predicted": "D", "held out": "D"}
MOST_RINGS = 60  # measured points of a curve that has hollow marks


class Look(TypedDict, total=False):
    """How a line or points look, in matplotlib's keywords."""

    color: Colour
    ls: LineStyle
    lw: float
    marker: str
    ms: float
    mew: float
    mec: Colour
    mfc: Colour
    alpha: float
    zorder: float


class Fill(TypedDict, total=False):
    """How a filled area looks, in matplotlib's keywords."""

    color: Colour
    alpha: float
    lw: float
    hatch: str


def shades(name: str) -> Colormap:
    """Return the part of a range of colours that is seen on white."""
    return ListedColormap(matplotlib.colormaps[name](np.linspace(*SEEN[name], 256)))


def ordered_colours(number: int) -> Sequence[Colour]:
    """Return colours of a number of things in an order."""
    if number <= FEW:
        return FACTOR_COLOURS
    return [shades("viridis")(float(x)) for x in np.linspace(0, 1, number)]


PLAIN: Look = {}


def entry(label: str, look: Look = PLAIN, **over: Unpack[Look]) -> Line2D:
    """Return a legend entry that looks as a line or a marker would; ``over`` goes over
    the ``look``."""
    return Line2D([], [], label=label, **look | over)


def labelled(artists: Mapping[str, Artist]) -> list[Artist]:
    """Return artists as legend entries of these names."""
    for words, artist in artists.items():
        artist.set_label(words)
    return list(artists.values())


def measured(status: str = "", marker: str = "", number: int = 1) -> Look:
    """Return how measured points look: hollow where they are few, pale dots where many.

    The ``status`` says what they are to a fit, a ``marker`` tells curves apart, and
    ``number`` is how many points the curve has.
    """
    marker = marker or MEASURED.get(status, "s")
    look: Look = {"marker": marker, "ls": "", "color": "k", "mec": "k"}
    if number > MOST_RINGS:
        return look | {"ms": 3.2, "mew": 0, "mfc": "k", "alpha": 0.3}
    size = 5.5 if number == 1 else 4.5
    return look | {"ms": size, "mew": 1.1 if number == 1 else 0.9, "mfc": "none"}


def measured_key(statuses: Iterable[str]) -> list[Line2D]:
    """Return legend entries of measured points."""
    return [entry(f"measured, {s}", measured(s)) for s in sorted(set(statuses))]


def loss_fills(names: Sequence[str], laws: Declared = KNOWN) -> dict[str, Fill]:
    """Return how the fill of each loss looks."""
    spare = iter(MORE_LOSSES * (len(names) // len(MORE_LOSSES) + 1))
    own = {DIFFUSION: "#009E73"} | {loss.name: loss.colour for loss in laws.losses}
    colours = {name: own.get(name) or next(spare) for name in names}
    return {name: {"color": c, "alpha": PALE, "lw": 0} for name, c in colours.items()}

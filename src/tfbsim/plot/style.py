"""How figures look: style, text, units and axes.

Colours: Okabe and Ito's for a few cases, viridis for an ordered quantity; both are told
apart by the colour-blind.
"""

from __future__ import annotations

import gc
import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator
from PIL import Image

DPI = 200
FORMATS = ("png", "svg", "pdf")
METADATA = {"svg": ("Date", "Creator"), "pdf": ("CreationDate", "Creator", "Producer")}
CAPTIONS = tomllib.loads(Path(__file__).with_name("captions.toml").read_text("utf-8"))
STYLE = {
    **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), 9),
    **dict.fromkeys(("legend.fontsize", "legend.title_fontsize"), 8),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 8),
    **dict.fromkeys(("xtick.direction", "ytick.direction"), "in"),
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "figure.constrained_layout.use": True,
    "savefig.dpi": DPI,
    "svg.hashsalt": "tfbsim",  # the same names in every file
    "pdf.fonttype": 42,  # text that can be edited
}
DASHED = (0, (4, 2))
# Greys are of maps; viridis of a first factor, and what it has not of a second
SEEN = {"Greys": (0.08, 0.8), "viridis": (0, 0.92), "YlOrRd": (0.3, 1)}
PER_MASS, PER_AREA = "(mAh g⁻¹)", "(µAh cm⁻²)"
CELL = "Name of the cell"  # not a column of the summary, but told apart like one


@contextmanager
def styled() -> Iterator[None]:
    """Use matplotlib's defaults and ours, whatever the user's settings."""
    collecting = gc.isenabled()
    gc.disable()  # a pass for every few artists would take a sixth of the time
    try:
        with matplotlib.style.context(["default", STYLE]):
            yield
    finally:
        if collecting:
            gc.enable()


def shades(name: str) -> Colormap:
    """Return the part of a range of colours that is seen on white."""
    return ListedColormap(matplotlib.colormaps[name](np.linspace(*SEEN[name], 256)))


# --- Text ------------------------------------------------------------------------------


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def text(words: object, limit: int = 36) -> str:
    """Return text that matplotlib may print: no mathtext, no missing glyphs."""
    known = "".join(c if ord(c) in _glyphs() else " " for c in str(words))
    short = _shortened(known, limit)
    # a leading underscore would keep it out of a legend
    return (" " + short if short.startswith("_") else short).replace("$", r"\$")


def _shortened(words: str, limit: int) -> str:
    return words if len(words) <= limit else words[: limit - 1] + "…"


def short_names(names: Sequence[str], limit: int = 24) -> list[str]:
    """Return names of cells, each up to the part ("cathode | electrolyte | ...") that
    suffices to tell them apart."""
    parts = [re.split(r"\s*\|\s*", name) for name in names]
    short = list(names)
    for k in range(max(map(len, parts)), 0, -1):
        fewer = [" | ".join(p[:k]) for p in parts]
        if len(set(fewer)) == len(names):
            short = fewer
    cut = [_shortened(name, limit) for name in short]
    if len(set(cut)) == len(cut):
        return cut
    return [f"{k}. {name}" for k, name in enumerate(cut, start=1)]


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _unit(unit: str) -> str:
    """Return PyBaMM's uA.h.cm-2 as a paper prints it: µAh cm⁻²."""
    parts = []
    for part in unit.replace("A.h", "Ah").replace("W.h", "Wh").split("."):
        found = re.fullmatch(r"([A-Za-z%]+)(-?\d+)?", part)
        if not found:
            return text(unit)
        name, power = found.groups()
        name = re.sub("^u", "µ", name).replace("Ohm", "Ω").replace("degC", "°C")
        parts.append(name + (power or "").translate(_SUPERSCRIPT))
    return " ".join(parts)


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column."""
    found = re.fullmatch(r"(.*) \[([^\]]*)\]", column)
    return (found[1], _unit(found[2])) if found else (column, "")


def axis_label(column: str) -> str:
    """Return a column as the label of an axis: Cathode thickness (µm)."""
    name, unit = split_unit(column)
    words = text(re.sub(r"[._]+", " ", name))
    return words[:1].upper() + words[1:] + (f" ({unit})" if unit else "")


def slug(column: str) -> str:
    """Return a column as part of a file name."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", split_unit(column)[0]).strip("-.")
    return (name if "." in name else name.lower())[:60] or "value"


def _rate(value: float) -> str:
    inverse = 1 / value if value > 0 else 0.0
    if inverse > 1.5 and abs(inverse - round(inverse)) < 1e-6 * inverse:
        return f"C/{round(inverse)}"
    return f"{value:.3g}C"


def _number(value: float) -> str:
    """Return a number in three digits; far from one as a power of ten: 3×10⁻⁶."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{float(f'{value:.3g}'):g}"
    digits, power = f"{value:.2e}".split("e")
    raised = "10" + str(int(power)).translate(_SUPERSCRIPT)
    factor = f"{float(digits):g}"
    return raised if factor == "1" else f"{factor}×{raised}"


def volt(value: float) -> str:
    """Return a cut-off with one decimal, or the more it has: 3.0, 4.25."""
    words = f"{value:.4f}".rstrip("0")
    return words + "0" if words.endswith(".") else words


def _value(column: str, value: Any) -> str:
    if column in ("C-rate", "Charge C-rate"):
        return _rate(float(value))
    if not isinstance(value, int | float | np.number):
        return text(value)
    return f"{_number(float(value))} {split_unit(column)[1]}".strip()


def key_label(columns: Sequence[str], key: Sequence[Any]) -> str:
    """Return the values that set a group apart, a window as 3.0–4.2 V."""
    given = {c: v for c, v in zip(columns, key, strict=True) if not missing(v)}
    low, high = (given.pop(f"{end} cut-off [V]", None) for end in ("Lower", "Upper"))
    texts = [_value(c, v) for c, v in given.items()]
    if low is not None and high is not None:
        texts.append(f"{volt(low)}–{volt(high)} V")
    elif low is not None or high is not None:
        texts.append(f"to {volt(high)} V" if low is None else f"from {volt(low)} V")
    return ", ".join(texts)


def title(columns: Sequence[str], key: Sequence[Any]) -> str:
    """Return the same for a panel: the cell in a line of its own."""
    n = int(CELL in columns[:1])
    lines = key_label(columns[:n], key[:n]), key_label(columns[n:], key[n:])
    return "\n".join(filter(None, lines))


def missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


# --- Axes ------------------------------------------------------------------------------


def subplots(width: float, height: float, *shape: int, **how: Any) -> tuple[Figure, Any]:
    """Return a figure [inch] and its axes."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(*shape, **how)


def finished(
    figure: Figure,
    name: str,
    key: Any = (),
    where: str = "right center",
    said: Mapping[str, object] | None = None,
    **how: Any,
) -> Figure:
    """Return a figure with the caption of a name, which ``figure.get_label()`` has, and
    its key; ``said`` is what the caption leaves open."""
    if len(key):
        figure.legend(handles=key, loc=f"outside {where}", **how)
    figure.set_label(CAPTIONS[name].format_map(said or {}))
    return figure


def drawn(figures: Mapping[str, Callable[[], Figure | None]]) -> dict[str, Figure]:
    """Return the figures that make sense, by name."""
    with styled():
        return {name: found for name, draw in figures.items() if (found := draw())}


def rendered(figures: Mapping[str, Figure], format: str = "png") -> dict[str, bytes]:
    """Return figures as files of one of ``FORMATS``, without date or version."""
    with styled():
        return {name: as_file(figure, format) for name, figure in figures.items()}


def as_file(figure: Figure, format: str) -> bytes:
    """Return a figure as a file, its style being in use."""
    lay_out(figure)
    buffer = io.BytesIO()
    if format == "png":  # drawn once; savefig would draw for the layout and then again
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        opaque = Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
        # a higher level takes half as long again for a few per cent
        opaque.save(buffer, format, dpi=(DPI, DPI), compress_level=3)
    else:
        nothing = dict.fromkeys(METADATA[format])
        figure.savefig(buffer, format=format, metadata=nothing)
    return buffer.getvalue()


def lay_out(figure: Figure) -> None:
    """Place the axes for good, as they are saved: each drawing would do it again."""
    for ax in figure.axes:  # without frames, which go round axes and take long to measure
        for spine in ax.spines.values():
            spine.set_in_layout(False)
    if layout := figure.get_layout_engine():
        shown = figure.dpi
        figure.set_dpi(DPI)
        layout.execute(figure)
        figure.set_layout_engine("none")
        figure.set_dpi(shown)


def entry(label: str, **how: Any) -> Line2D:
    """Return a legend entry that looks as a line or a marker would."""
    return Line2D([], [], label=label, **how)


def grid(
    number: int,
    columns: int,
    size: tuple[float, float, float, float],
    label: str = "Voltage (V)",
    sharey: bool = True,
    **how: Any,
) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels in rows, labelled on the left.

    ``size`` is the width of the margin and of a panel, and the height of both [inch].
    """
    rows = -(-number // columns)
    width, wide, height, high = size
    inches = width + wide * columns, height + high * rows
    figure, axes = subplots(*inches, rows, columns, sharey=sharey, squeeze=False)
    for ax in axes.flat[number:]:
        ax.remove()
    for row in axes:
        row[0].set_ylabel(label, **how)
    return figure, list(axes.flat[:number])


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """Name the rows of horizontal bars, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def near_zero(ax: Axes, residuals: Sequence[Any], least: float = 0.0) -> None:
    """Limit an axis to the bulk of residuals [mV]; a steep end runs out of it."""
    values = np.abs(np.concatenate([r for r in residuals if len(r)] or [np.zeros(1)]))
    bulk, most = float(np.quantile(values, 0.95)), float(values.max(initial=0.0))
    reach = max(2 * bulk, least)
    if most > 1.25 * reach > 0:
        ax.set_ylim(-reach, reach)
        words = f"largest {most:.0f} mV, beyond the scale"
        ax.text(0.02, 0.05, words, transform=ax.transAxes, fontsize=7, color="0.35")


def both_units(ax: Axes, loading: float | None, by_area: bool, axis: str = "y") -> None:
    """Label a capacity axis, and the opposite one in the other unit."""
    word = "Capacity " if axis == "x" else "Discharge capacity "
    side = "top" if axis == "x" else "right"
    here, there = (PER_AREA, PER_MASS) if by_area else (PER_MASS, PER_AREA)
    ax.set(**{f"{axis}label": word + here})
    if loading is not None:
        factor = 1 / loading if by_area else loading
        functions = (lambda v: v * factor, lambda v: v / factor)
        other = getattr(ax, f"secondary_{axis}axis")(side, functions=functions)
        other.set(**{f"{axis}label": word + there})
        ax.tick_params(axis=axis, **{side: False})


def plain_log(axis: Any) -> None:
    """Set ticks of a logarithmic axis as plain numbers, with 2 and 5 on a short one."""
    low, high = axis.get_view_interval()
    # else 3×10⁻⁶ and its like would collide
    short = high / low < 300 and low >= 1e-3 and high < 1e5
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if short else (1,)))
    axis.set_major_formatter(lambda value, _: _number(value))
    axis.set_minor_formatter(NullFormatter())


def few_ticks(ax: Axes) -> None:
    """Set at most four ticks along x, as plain numbers: for a narrow panel."""
    ax.xaxis.set_major_locator(MaxNLocator(4))
    if max(map(abs, ax.get_xlim())) < 1e-3:  # else an offset stands on the label
        ax.xaxis.set_major_formatter(lambda value, _: _number(value))


def log_x(ax: Axes, values: Sequence[float], column: str) -> None:
    """Set a logarithmic axis where the values ask for it, with ticks at rates."""
    values = sorted({v for v in values if v > 0})
    wide = len(values) > 1 and values[-1] / values[0] > 10
    if column != "C-rate" and not wide:
        return
    ax.set_xscale("log")
    if column != "C-rate" or len(values) > 8:
        return plain_log(ax.xaxis)
    kept = values[:1]
    for v in values[1:]:
        if v / kept[-1] > (values[-1] / values[0]) ** 0.08:
            kept.append(v)
    ax.set_xticks(kept, [_rate(v) for v in kept])
    ax.xaxis.set_minor_locator(NullLocator())

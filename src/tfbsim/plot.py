"""Figures of a result: what a paper on a cell would show of it.

``figures(result)`` returns those that make sense for the result, by name;
``save_figures`` writes them.  They are drawn with matplotlib's defaults plus ``STYLE``,
without display or global state, so that the same result gives the same bytes.

Colours: Okabe and Ito's for a few cases, viridis for an ordered quantity; both are told
apart by the colour-blind.
"""

from __future__ import annotations

import io
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from .files import write_atomic
from .result import COLUMNS, OPTIONAL_COLUMNS, CaseResult, Result

DPI = 200
STYLE = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.labelspacing": 0.35,
    "figure.constrained_layout.use": True,
    "savefig.dpi": DPI,
}
QUALITATIVE = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#000000", "#999999"),
)
FEW = len(QUALITATIVE)  # cases told apart by a legend
MANY = 24  # cases drawn in one figure
PANELS = 4

DQDV_GRID = 0.002  # V between points of dQ/dV
DQDV_WIDTH = 0.005  # V, standard deviation of its Gaussian smoothing
CONSTANT = 1e-6  # relative change of the current within a constant-current step

VOLTAGE, CURRENT = "Voltage [V]", "Current density [uA.cm-2]"
TIME, STEP = "Time [s]", "Step number"
MASS, AREAL = "Step capacity [mA.h.g-1]", "Step capacity [uA.h.cm-2]"
CAPTIONS = {
    "voltage-capacity": "Voltage against capacity, counted from the start of each charge "
    "and each discharge.",
    "dqdv": "Differential capacity of the constant-current steps: the simulated curve on "
    f"a voltage grid of {DQDV_GRID * 1e3:g} mV, smoothed with a Gaussian of standard "
    f"deviation {DQDV_WIDTH * 1e3:g} mV. Charge is counted positive.",
    "capacity": "Capacity of each case, with measured values where there are any.",
    "rate-capability": "Discharge capacity of the last cycle against the discharge rate.",
    "cycling": "Capacity and coulombic efficiency of each cycle.",
    "concentration": "Stoichiometry through the cathode in the last discharge; depth 0 "
    "is the face at the electrolyte.",
    "losses": "Where the voltage of the last discharge goes. The top line is the "
    "open-circuit potential at the mean stoichiometry, read from the potential the "
    "surface passed through; diffusion is its distance to that at the surface.",
    "voltage-time": "Voltage, and for a single case the current, against time.",
}


def caption(name: str) -> str:
    """What a figure shows, in a sentence or two."""
    varied = "Discharge capacity of the last cycle against a varied quantity."
    return CAPTIONS.get(name, varied)


def figures(result: Result) -> dict[str, Figure]:
    """The figures that make sense for a result.

    Parameters
    ----------
    result : Result
        Of one or many cases.

    Returns
    -------
    dict of Figure
        By name, in the order of the report; empty where nothing could be simulated.
    """
    study = _Study(result)
    if not study.cases:
        return {}
    with _style():
        drawn: dict[str, Figure | None] = {
            "voltage-capacity": _voltage_capacity(study),
            "capacity": _capacity(study),
            "rate-capability": _against(study, "C-rate", "C-rate"),
        }
        for column in study.numeric_factors:
            if column != "C-rate":
                drawn[f"capacity-{_slug(column)}"] = _against(
                    study, column, _axis_label(column)
                )
        drawn |= {
            "cycling": _cycling(study),
            "dqdv": _dqdv(study),
            "losses": _losses(study),
            "concentration": _concentration(study),
            "voltage-time": _voltage_time(study),
        }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def save_figures(result: Result, folder: str | Path) -> list[Path]:
    """Write every figure as PNG, whole or not at all; the same bytes every time.

    Returns
    -------
    list of Path
        The files, in the order of the report.
    """
    paths = []
    for name, content in rendered(result).items():
        path = Path(folder) / f"{name}.png"
        write_atomic(path, content)
        paths.append(path)
    return paths


def rendered(result: Result) -> dict[str, bytes]:
    """The figures as PNG, without date or version in them."""
    return {name: _png(figure) for name, figure in figures(result).items()}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's settings."""
    skipped = {"backend", "backend_fallback", "interactive"}
    defaults: dict[Any, Any] = {
        k: v for k, v in matplotlib.rcParamsDefault.items() if k not in skipped
    }
    with matplotlib.rc_context(defaults | STYLE):
        yield


# --- Text ------------------------------------------------------------------------------


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def _text(text: object, limit: int = 36) -> str:
    """Text from a file as matplotlib may print it: no mathtext, no missing glyphs."""
    known = "".join(c if ord(c) in _glyphs() else " " for c in str(text))
    short = known if len(known) <= limit else known[: limit - 1] + "…"
    # a leading underscore would keep it out of a legend
    return (" " + short if short.startswith("_") else short).replace("$", r"\$")


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _unit(unit: str) -> str:
    """PyBaMM's uA.h.cm-2 as a paper prints it: µAh cm⁻²."""
    parts = []
    for part in unit.replace("A.h", "Ah").replace("W.h", "Wh").split("."):
        found = re.fullmatch(r"([A-Za-z%]+)(-?\d+)?", part)
        if not found:
            return _text(unit)
        name, power = found.groups()
        name = re.sub("^u", "µ", name).replace("Ohm", "Ω").replace("degC", "°C")
        parts.append(name + (power or "").translate(_SUPERSCRIPT))
    return " ".join(parts)


def split_unit(column: str) -> tuple[str, str]:
    """Name and unit of a column."""
    found = re.fullmatch(r"(.*) \[([^\]]*)\]", column)
    return (found[1], _unit(found[2])) if found else (column, "")


def _axis_label(column: str) -> str:
    name, unit = split_unit(column)
    words = _text(re.sub(r"[._]+", " ", name))
    return words[:1].upper() + words[1:] + (f" ({unit})" if unit else "")


def _slug(column: str) -> str:
    """A column as part of a file name."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", split_unit(column)[0]).strip("-.")
    return (name if "." in name else name.lower())[:60] or "value"


def _rate(value: float) -> str:
    inverse = 1 / value if value > 0 else 0.0
    if inverse > 1.5 and abs(inverse - round(inverse)) < 1e-6 * inverse:
        return f"C/{round(inverse)}"
    return f"{value:.3g}C"


def _number(value: float) -> str:
    """Three digits; far from one as a power of ten: 3×10⁻⁶."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{float(f'{value:.3g}'):g}"
    digits, power = f"{value:.2e}".split("e")
    raised = "10" + str(int(power)).translate(_SUPERSCRIPT)
    factor = f"{float(digits):g}"
    return raised if factor == "1" else f"{factor}×{raised}"


def _value(column: str, value: Any) -> str:
    if column in ("C-rate", "Charge C-rate"):
        return _rate(float(value))
    if not isinstance(value, int | float | np.number):
        return _text(value)
    return f"{_number(float(value))} {split_unit(column)[1]}".strip()


def _key_label(columns: Sequence[str], key: Sequence[Any]) -> str:
    """The values that set a group apart, a window as 3.0–4.2 V."""
    given = {c: v for c, v in zip(columns, key, strict=True) if not _missing(v)}
    window = [given.pop(c, None) for c in ("Lower cut-off [V]", "Upper cut-off [V]")]
    texts = [_value(c, v) for c, v in given.items()]
    volts = ["" if v is None else volt(v) for v in window]
    if all(volts):
        texts.append("–".join(volts) + " V")
    else:
        texts += [
            f"{word} {v} V" for word, v in zip(("from", "to"), volts, strict=True) if v
        ]
    return ", ".join(texts)


def volt(value: float) -> str:
    """A cut-off with one decimal, or the more it has: 3.0, 4.25."""
    text = f"{value:.4f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


# --- What a result holds ---------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    """The curves of one step."""

    number: int
    curves: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.curves[name]

    @property
    def direction(self) -> int:
        """1 for a discharge, -1 for a charge, 0 for a rest."""
        if len(self[TIME]) < 2:
            return 0
        net = np.trapezoid(self[CURRENT], self[TIME])
        return int(np.sign(net)) if self[AREAL].max() > 0 else 0

    @property
    def constant_current(self) -> bool:
        current = self[CURRENT]
        return self.direction != 0 and np.ptp(current) <= CONSTANT * abs(current[0])


@dataclass
class _Branch:
    """Consecutive steps in one direction, with the rests between them."""

    direction: int
    steps: list[_Step] = field(default_factory=list)

    def capacity(self, name: str) -> np.ndarray:
        """Capacity from the start of the branch, continuous over its steps."""
        pieces, before = [], 0.0
        for step in self.steps:
            pieces.append(before + step[name])
            before = pieces[-1][-1]
        return np.concatenate(pieces)

    def __getitem__(self, name: str) -> np.ndarray:
        return np.concatenate([step[name] for step in self.steps])


@dataclass
class _Run:
    """One case as the figures see it."""

    case: CaseResult
    row: dict[str, Any]
    data: dict[str, np.ndarray]
    cycles: list[int]

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def last(self) -> int:
        """Last cycle in which anything was solved."""
        return self.cycles[-1]

    @property
    def loading(self) -> float:
        """Loading [mg/cm2]; NaN if no charge was passed."""
        for row in self.case.rows:
            for word in ("Discharge", "Charge"):
                mass = row[f"{word} capacity [mA.h.g-1]"]
                if mass > 0:
                    return float(row[f"{word} capacity [uA.h.cm-2]"] / mass)
        return float("nan")

    def steps(self, cycle: int) -> list[_Step]:
        """The steps of a cycle that were solved."""
        i = list(self.case.curves["cycle"].values).index(cycle)
        number = self.data[STEP][i]
        found = []
        for k in np.unique(number[np.isfinite(number)]):
            here = number == k
            found.append(_Step(int(k), {n: v[i][here] for n, v in self.data.items()}))
        return found

    def branches(self, cycle: int) -> list[_Branch]:
        """Charges and discharges of a cycle; a rest at their end is left out."""
        found: list[_Branch] = []
        rests: list[_Step] = []
        for step in self.steps(cycle):
            if step.direction == 0:
                rests.append(step)
                continue
            if not found or found[-1].direction != step.direction:
                found.append(_Branch(step.direction))
                rests = []
            found[-1].steps += [*rests, step]
            rests = []
        return found

    def last_step(self) -> tuple[int, _Step] | None:
        """Cycle and step of the last discharge, or of the last charge if none."""
        for wanted in (1, -1):
            for cycle in reversed(self.cycles):
                for step in reversed(self.steps(cycle)):
                    if step.direction == wanted:
                        return cycle, step
        return None


def _run(case: CaseResult) -> _Run | None:
    if VOLTAGE not in case.curves:
        return None
    names = [n for n, v in case.curves.data_vars.items() if v.dims == ("cycle", "sample")]
    data = {str(n): np.asarray(case.curves[n].values, float) for n in names}
    solved = np.isfinite(data[VOLTAGE]).any(axis=1)
    cycles = [int(c) for c in case.curves["cycle"].values[solved]]
    if not cycles:
        return None
    row = next(r for r in case.rows if int(r["Cycle number"]) == cycles[-1])
    return _Run(case, row, data, cycles)


class _Study:
    """The cases of a result and what tells them apart."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.cases = [run for case in result.cases if (run := _run(case))]
        self.measured = pd.DataFrame(result.measured)
        self.factors = self._factors()

    def _factors(self) -> list[str]:
        """Columns in which cases differ, without those that repeat another."""
        table = pd.DataFrame([run.row for run in self.cases])
        fixed = ("Case", "Cycle number", *COLUMNS)
        varied = [c for c in table if c not in fixed]
        found: list[str] = []
        codes: list[np.ndarray] = []
        for column in (*varied, *(c for c in OPTIONAL_COLUMNS if c in table)):
            code = pd.factorize(table[column], use_na_sentinel=False)[0]
            if code.max(initial=0) == 0 or any(np.array_equal(code, c) for c in codes):
                continue
            if column == "Charge C-rate" and "C-rate" in found:
                same = table[column].isna() | (table[column] == table["C-rate"])
                if same.all():
                    continue
            found.append(str(column))
            codes.append(code)
        return found

    def column(self, name: str) -> list[Any]:
        """A summary column, one value a case."""
        return [run.row.get(name) for run in self.cases]

    def is_numeric(self, name: str) -> bool:
        """Whether a column holds numbers only (missing ones allowed)."""
        return all(_missing(v) or isinstance(v, int | float) for v in self.column(name))

    @property
    def numeric_factors(self) -> list[str]:
        """Factors with three numbers or more, rates that a current implies left out."""
        found = []
        for name in self.factors:
            if name == "Charge C-rate" or not self.is_numeric(name):
                continue
            if len({v for v in self.column(name) if not _missing(v)}) >= 3:
                found.append(name)
        return found

    def key(self, run: _Run, without: str = "") -> tuple[Any, ...]:
        """Values of the other factors; the rate a fixed current implies is not one."""
        currents = [c for c in self.factors if c.endswith("[uA.cm-2]")]
        rates = ("C-rate", "Charge C-rate")
        dropped = {without}
        if without in rates:
            dropped |= {*rates, *currents}
        elif any(not _missing(run.row.get(c)) for c in currents):
            dropped |= set(rates)
        values = (None if f in dropped else run.row.get(f) for f in self.factors)
        return tuple(None if _missing(v) else v for v in values)

    def loading(self, runs: Sequence[_Run] | None = None) -> float | None:
        """The loading [mg/cm2] the cases share, if they do."""
        values = np.array([run.loading for run in runs or self.cases])
        values = values[np.isfinite(values)]
        if not len(values) or np.ptp(values) > 1e-6 * values[0]:
            return None
        return float(values[0])

    def points(self, run: _Run) -> Iterator[tuple[str, int, str, float, float]]:
        """Measured: Charge or Discharge, cycle, status, mAh/g and uAh/cm2."""
        for point in self.result.measured:
            if point["Case"] != run.name:
                continue
            value, loading = float(point["Measured"]), run.loading
            mass = value if "g-1" in point["Quantity"] else value / loading
            which = point["Quantity"].split()[0]
            status, cycle = point["Status"], int(point["Cycle number"])
            yield which, cycle, status, mass, mass * loading

    @property
    def measured_by_area(self) -> bool:
        """Whether the measured values are areal."""
        return any("cm-2" in p["Quantity"] for p in self.result.measured)


# --- Which cases are drawn, and how ----------------------------------------------------


@dataclass
class _Look:
    """Panels of groups, each group with its colour, and the key to them."""

    panels: list[tuple[str, list[Any]]]
    colour: dict[Any, Any]
    label: dict[Any, str]
    bar: tuple[ScalarMappable, str] | None = None
    note: str = ""

    def key(
        self, figure: Figure, axes: Sequence[Axes], more: Sequence[Line2D] = ()
    ) -> None:
        """Draw the colour bar or the legend, to the right of the panels."""
        handles, labels = list(more), [str(line.get_label()) for line in more]
        if self.bar:
            mappable, label = self.bar
            bar = figure.colorbar(
                mappable, ax=list(axes), label=label, aspect=30, pad=0.02
            )
            bar.ax.tick_params(which="both", direction="out")
            _plain_log(bar.ax.yaxis, mappable.norm)
        else:
            groups = [g for _, members in self.panels for g in members]
            if len(groups) > 1:
                several = len(self.panels) > 1  # the same colour in each of the panels
                entry = {self.label[g] if several else g: g for g in reversed(groups)}
                told = list(reversed(entry.values()))
                lines = [Line2D([], [], color=self.colour[g]) for g in told]
                handles = lines + handles
                labels = [self.label[g] for g in told] + labels
        if not handles:
            return
        if self.bar:
            axes[0].legend(handles, labels, loc="best")
        else:
            figure.legend(handles, labels, loc="outside right center")


def _evenly(items: Sequence[Any], number: int) -> list[Any]:
    """At most ``number`` items, evenly chosen, the ends among them."""
    if len(items) <= number:
        return list(items)
    rows = np.unique(np.linspace(0, len(items) - 1, number).round().astype(int))
    return [items[k] for k in rows]


def _look(
    groups: Sequence[Hashable],
    values: Mapping[Any, Mapping[str, Any]],
    names: Mapping[Any, str],
    numeric: Sequence[str],
    what: str,
    limit: int = MANY,
) -> _Look:
    """Few groups: a legend.  More: colour by the number with most values, panels by the
    rest, and a selection where there are too many."""
    if len(groups) <= FEW:
        ordered = [n for n in numeric if all(not _missing(values[g][n]) for g in groups)]
        shared = len(ordered) == 1 and len(values[groups[0]]) == 1 and len(groups) > 4
        colours: list[Any] = list(QUALITATIVE)
        if shared:
            rank = sorted(groups, key=lambda g: values[g][ordered[0]])
            steps = np.linspace(0, 0.9, len(groups))
            shades = dict(zip(rank, matplotlib.colormaps["viridis"](steps), strict=True))
            colours = [shades[g] for g in groups]
        chosen = dict(zip(groups, colours, strict=False))
        return _Look([("", list(groups))], chosen, dict(names))
    levels = {
        n: {values[g][n] for g in groups if not _missing(values[g][n])} for n in numeric
    }
    main = max(levels, key=lambda n: len(levels[n]), default=None)
    listed = len(groups) <= limit and _by_panel(groups, values)
    if main is not None and len(levels[main]) >= 4:
        look = _by_colour(groups, values, main, levels[main], limit)
        if len(groups) <= limit and sum(len(m) for _, m in look.panels) < len(groups):
            look = listed or _by_rank(groups, names, limit)
    else:
        look = listed or _by_rank(groups, names, limit)
    count = sum(len(members) for _, members in look.panels)
    if count < len(groups):
        chosen_of = f"{count} of {len(groups)} {what}, evenly chosen"
        look.note = "; ".join(filter(None, [chosen_of, look.note]))
    return look


def _by_rank(groups: Sequence[Any], names: Mapping[Any, str], limit: int) -> _Look:
    """One panel, colours in the order of the groups."""
    drawn = _evenly(groups, limit)
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(drawn)))
    return _Look([("", drawn)], dict(zip(drawn, shades, strict=True)), dict(names))


def _by_panel(
    groups: Sequence[Any], values: Mapping[Any, Mapping[str, Any]]
) -> _Look | None:
    """A list without a grid: panels by one quantity, colours by all the others."""
    columns = list(values[groups[0]])
    kinds = _kinds(columns)
    for inside in kinds.values():
        rest = [c for c in columns if c not in inside]
        split: dict[str, list[Any]] = {}
        for g in groups:
            title = _key_label(inside, [values[g][c] for c in inside])
            split.setdefault(title, []).append(g)
        label = {g: _key_label(rest, [values[g][c] for c in rest]) for g in groups}
        distinct = list(dict.fromkeys(label.values()))
        if rest and 1 < len(split) <= PANELS and len(distinct) <= FEW:
            shade = dict(zip(distinct, QUALITATIVE, strict=False))
            colour = {g: shade[label[g]] for g in groups}
            return _Look(list(split.items()), colour, label)
    return None


def _kinds(columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns that say one thing together: the rate, the window."""
    kinds: dict[str, list[str]] = {}
    for column in columns:
        rate = "C-rate" in column or column.endswith("[uA.cm-2]")
        kind = "rate" if rate else "window" if "cut-off" in column else column
        kinds.setdefault(kind, []).append(column)
    return kinds


def _by_colour(
    groups: Sequence[Any],
    values: Mapping[Any, Mapping[str, Any]],
    main: str,
    levels: set[float],
    limit: int,
) -> _Look:
    low, high = min(levels), max(levels)
    log = low > 0 and high / low > 10
    norm: Normalize = LogNorm(low, high) if log else Normalize(low, high)
    shades = matplotlib.colormaps["viridis"]
    columns = [c for c in values[groups[0]] if c != main]
    panels: dict[tuple[Any, ...], list[Any]] = {}
    for g in groups:
        if not _missing(values[g][main]):
            panels.setdefault(tuple(values[g][c] for c in columns), []).append(g)
    kept = _chosen_panels(columns, list(panels))
    fixed = {
        k for k in range(len(columns)) if len(kept) > 1 and len({p[k] for p in kept}) == 1
    }
    drawn = []
    for key in kept:
        told = [k for k in range(len(columns)) if k not in fixed]
        title = _key_label([columns[k] for k in told], [key[k] for k in told])
        drawn.append((title, _evenly(panels[key], limit // len(kept))))
    note = _key_label([columns[k] for k in fixed], [kept[0][k] for k in fixed])
    colour = {g: shades(0.92 * norm(values[g][main])) for _, gs in drawn for g in gs}
    cmap = shades.resampled(256)
    cmap = matplotlib.colors.ListedColormap(cmap(np.linspace(0, 0.92, 256)))
    note = f"at {note}" if note else ""
    bar = (ScalarMappable(norm, cmap), _axis_label(main))
    return _Look(drawn, colour, {}, bar, note)


def _chosen_panels(
    columns: Sequence[str], keys: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """At most ``PANELS`` keys: one quantity varied, the others at a middle value."""
    if len(keys) <= PANELS:
        return list(keys)
    groups = {k: [columns.index(c) for c in cs] for k, cs in _kinds(columns).items()}

    def part(key: tuple[Any, ...], kind: str) -> tuple[Any, ...]:
        return tuple(key[k] for k in groups[kind])

    varied = max(groups, key=lambda kind: len({part(key, kind) for key in keys}))
    left = list(keys)
    for kind in groups:
        if kind != varied:
            there = list(dict.fromkeys(part(key, kind) for key in left))
            middle = there[len(there) // 2]
            left = [key for key in left if part(key, kind) == middle]
    return _evenly(left if len(left) > 1 else keys, PANELS)


def _look_of_cases(study: _Study, limit: int = MANY) -> _Look:
    names = {k: _text(run.name) for k, run in enumerate(study.cases)}
    values = {
        k: dict(zip(study.factors, study.key(run), strict=True))
        for k, run in enumerate(study.cases)
    }
    numeric = [f for f in study.factors if study.is_numeric(f)]
    return _look(list(names), values, names, numeric, "cases", limit)


# --- Axes ------------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def _panels(look: _Look, height: float = 3.3, rows: int = 1) -> tuple[Figure, Any]:
    """A figure with a column for each panel of a look, axes (rows, columns)."""
    columns = len(look.panels)
    width = 5.2 if columns == 1 else 1.1 + 2.0 * columns
    figure = _figure(width, height * (1 if rows == 1 else 0.8 * rows))
    axes = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
    titles = [title for title, _ in look.panels]
    for ax, title in zip(axes[0], titles, strict=True):
        if title:
            ax.set_title(title)
    if look.note:
        figure.suptitle(look.note, fontsize=8, color="0.35")
    return figure, axes


def _both_units(ax: Axes, loading: float | None, by_area: bool, axis: str = "y") -> None:
    """Label a capacity axis, and the opposite one in the other unit."""
    mass, area = "(mAh g⁻¹)", "(µAh cm⁻²)"
    word = "Capacity " if axis == "x" else "Discharge capacity "
    getattr(ax, f"set_{axis}label")(word + (area if by_area else mass))
    if loading is None:
        return
    factor = 1 / loading if by_area else loading
    other = getattr(ax, f"secondary_{axis}axis")(
        "top" if axis == "x" else "right",
        functions=(lambda v: v * factor, lambda v: v / factor),
    )
    getattr(other, f"set_{axis}label")(word + (mass if by_area else area))
    which: Any = axis
    ax.tick_params(axis=which, **{"top" if axis == "x" else "right": False})


def _plain_log(axis: Any, norm: Any = None) -> None:
    """Ticks of a logarithmic axis as plain numbers, with 2 and 5 on a short one."""
    if norm is not None and not isinstance(norm, LogNorm):
        return
    view: Any = (norm.vmin, norm.vmax) if norm else axis.get_view_interval()
    low, high = view
    short = high / low < 300
    short &= low >= 1e-3 and high < 1e5  # else 3×10⁻⁶ and its like would collide
    axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if short else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda v, _: _number(v)))
    axis.set_minor_formatter(NullFormatter())


def _log_x(ax: Axes, values: Sequence[float], column: str) -> None:
    """A logarithmic axis where the values ask for it; rates at the values themselves."""
    values = sorted({v for v in values if v > 0})
    if column == "C-rate":
        ax.set_xscale("log")
        if len(values) <= 8:
            kept = [values[0]]
            for v in values[1:]:
                if v / kept[-1] > (values[-1] / values[0]) ** 0.08:
                    kept.append(v)
            ax.set_xticks(kept, [_rate(v) for v in kept])
            ax.xaxis.set_minor_locator(NullLocator())
        else:
            _plain_log(ax.xaxis)
    elif len(values) > 1 and values[-1] / values[0] > 10:
        ax.set_xscale("log")
        _plain_log(ax.xaxis)


def _from_zero(ax: Axes) -> None:
    ax.set_ylim(0, ax.get_ylim()[1])


def _label_outer(axes: Any, x: str, y: Sequence[str]) -> None:
    """Labels at the left and bottom of a grid of panels."""
    for row, label in zip(axes, y, strict=True):
        row[0].set_ylabel(label)
    if len(axes[-1]) == 1:
        axes[-1][0].set_xlabel(x)
    else:
        axes[0][0].get_figure().supxlabel(x, fontsize=STYLE["axes.labelsize"])


# --- Figures of curves -----------------------------------------------------------------


def _differs(run: _Run) -> bool:
    """Whether the first cycle is worth drawing beside the last."""
    rows = run.case.rows
    if len(run.cycles) < 2:
        return False
    names = ("Charge capacity [uA.h.cm-2]", "Discharge capacity [uA.h.cm-2]")
    return any(
        abs(rows[0][n] - run.row[n]) > 2e-3 * max(rows[0][n], run.row[n], 1e-30)
        for n in names
    )


def _cycles_key(look: _Look, runs: Sequence[_Run]) -> list[Line2D]:
    """Legend lines that tell the first cycle from the last, if both are drawn."""
    if look.bar or not any(_differs(run) for run in runs):
        return []
    last = sorted({run.last for run in runs})
    which = f"cycle {last[0]}" if len(last) == 1 else "last cycle"
    return [
        Line2D([], [], color="0.3", label=which),
        Line2D([], [], color="0.3", lw=0.8, ls=(0, (4, 2)), label="cycle 1"),
    ]


def _drawn_cycles(look: _Look, run: _Run) -> list[tuple[int, dict[str, Any]]]:
    """Cycles to draw and how: the last, and the first where it differs."""
    lines: list[tuple[int, dict[str, Any]]] = [
        (run.last, {"lw": 0.9 if look.bar else 1.3})
    ]
    if not look.bar and _differs(run):
        lines.append((run.cycles[0], {"lw": 0.8, "ls": (0, (4, 2))}))
    return lines


def _voltage_capacity(study: _Study) -> Figure | None:
    if not any(run.branches(run.last) for run in study.cases):
        return None
    look = _look_of_cases(study)
    figure, axes = _panels(look)
    loading = study.loading()
    for ax, (_, members) in zip(axes[0], look.panels, strict=True):
        for k in members:
            run = study.cases[k]
            for cycle, how in _drawn_cycles(look, run):
                for branch in run.branches(cycle):
                    q = branch.capacity(MASS)
                    ax.plot(q, branch[VOLTAGE], color=look.colour[k], **how)
        ax.set_xlim(left=0)
    _label_outer(axes, "Capacity (mAh g⁻¹)", ["Voltage (V)"])
    if len(look.panels) == 1:
        _both_units(axes[0][0], loading, False, "x")
    look.key(figure, axes[0], _cycles_key(look, study.cases))
    return figure


def differential_capacity(
    voltage: np.ndarray, capacity: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """|dQ/dV| of a constant-current step on a uniform voltage grid.

    The part of the curve that runs against its own direction is skipped; Q(V) is
    interpolated monotonically, differenced on a grid of ``DQDV_GRID`` and smoothed with a
    Gaussian of standard deviation ``DQDV_WIDTH``.

    Returns
    -------
    tuple of ndarray, or None
        Voltages and |dQ/dV|; None where the step spans too little voltage.
    """
    sign = 1.0 if voltage[-1] > voltage[0] else -1.0
    risen = np.maximum.accumulate(sign * voltage)
    forward = np.concatenate([[True], np.diff(risen) > 1e-9])
    v, q = sign * voltage[forward], capacity[forward]
    if len(v) < 5 or v[-1] - v[0] < 10 * DQDV_GRID:
        return None
    points = int((v[-1] - v[0]) / DQDV_GRID) + 1
    grid = np.linspace(v[0], v[-1], points)
    slope = np.gradient(PchipInterpolator(v, q)(grid), grid)
    width = DQDV_WIDTH / (grid[1] - grid[0])
    return sign * grid, gaussian_filter1d(slope, width, mode="nearest")


def _dqdv(study: _Study) -> Figure | None:
    look = _look_of_cases(study)
    figure, axes = _panels(look)
    drawn = False
    for ax, (_, members) in zip(axes[0], look.panels, strict=True):
        ax.axhline(0, color="0.6", lw=0.6)
        for k in members:
            run = study.cases[k]
            for cycle, how in _drawn_cycles(look, run):
                for branch in run.branches(cycle):
                    steps = [s for s in branch.steps if s.constant_current]
                    if len(steps) != 1:  # pulses, or a current that changes
                        continue
                    found = differential_capacity(steps[0][VOLTAGE], steps[0][MASS])
                    if found is None:
                        continue
                    V, slope = found
                    signed = -branch.direction * slope
                    ax.plot(V, signed, color=look.colour[k], **how)
                    drawn = True
    if not drawn:
        return None
    _label_outer(axes, "Voltage (V)", ["dQ/dV (mAh g⁻¹ V⁻¹)"])
    look.key(figure, axes[0], _cycles_key(look, study.cases))
    return figure


def _voltage_time(study: _Study) -> Figure | None:
    runs = study.cases
    if len(runs) > 6:
        return None
    hours = [np.nanmax(run.data[TIME]) / 3600 for run in runs]
    if max(hours) <= 0:
        return None
    look = _look_of_cases(study)
    alike = max(hours) <= 3 * min(hours)
    if len(runs) == 1:
        figure = _figure(5.2, 3.6)
        axes = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        places = [axes[0]]
    elif alike:
        figure = _figure(5.6, 3.0)
        places = [figure.subplots()] * len(runs)
    else:
        columns = 2 if len(runs) <= 4 else 3
        rows = -(-len(runs) // columns)
        figure = _figure(3.0 * columns if columns == 2 else 6.9, 1.9 * rows)
        axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
        places = list(axes.flat[: len(runs)])
        for ax in axes.flat[len(runs) :]:
            ax.remove()
    for k, (run, ax) in enumerate(zip(runs, places, strict=True)):
        t, V = run.data[TIME].ravel() / 3600, run.data[VOLTAGE].ravel()
        there = np.isfinite(t)
        ax.plot(t[there], V[there], color=look.colour[k], lw=1.0)
        ax.set_ylabel("Voltage (V)" if ax.get_subplotspec().is_first_col() else "")
        ax.set_xlim(0, hours[k] if not alike else max(hours))
        if not alike:
            ax.set_title(look.label[k])
        if len(runs) > 1:
            ax.set_xlabel("Time (h)")
    if len(runs) == 1:
        t, i = runs[0].data[TIME].ravel() / 3600, runs[0].data[CURRENT].ravel()
        there = np.isfinite(t)
        axes[1].axhline(0, color="0.6", lw=0.6)
        axes[1].plot(t[there], i[there], color="0.25", lw=1.0)
        axes[1].set(xlabel="Time (h)", ylabel="Current\n(µA cm⁻²)")
        figure.align_ylabels()
    elif alike:
        look.key(figure, places)
    return figure


PARTS = {  # part of the voltage, how it enters V = U(surface) + ..., and its colour
    "Cathode overpotential [V]": ("Cathode interface", 1, "#D55E00"),
    "Film voltage drop [V]": ("Interface film", -1, "#999999"),
    "Electron path voltage drop [V]": ("Electron path", -1, "#F0E442"),
    "Electrolyte voltage drop [V]": ("Electrolyte", -1, "#56B4E9"),
    "Lithium overpotential [V]": ("Lithium interface", -1, "#CC79A7"),
    "Contact voltage drop [V]": ("Contacts", -1, "#332288"),
}
SURFACE = "Open-circuit potential at the surface [V]"


def mean_potential(
    mean: np.ndarray, surface: np.ndarray, potential: np.ndarray
) -> np.ndarray:
    """Open-circuit potential [V] at the mean stoichiometry.

    Parameters
    ----------
    mean : ndarray
        Where it is wanted.
    surface, potential : ndarray
        Stoichiometries the surface passed through in the whole case, and the potentials
        there, in any order; NaN is skipped.

    Returns
    -------
    ndarray
        NaN where the surface never was.
    """
    there = np.isfinite(surface)
    order = np.argsort(surface[there], kind="stable")
    x, U = surface[there][order], potential[there][order]
    return np.interp(mean, x, U, left=np.nan, right=np.nan)


def _losses(study: _Study) -> Figure | None:
    if len(study.cases) > 4:
        return None
    found = [(run, last[1]) for run in study.cases if (last := run.last_step())]
    found = [(run, step) for run, step in found if step.direction == 1]
    if not found:
        return None
    columns = min(len(found), 2)
    rows = -(-len(found) // columns)
    size = (5.4, 3.3) if columns == 1 else (6.9, 2.5 * rows)
    figure = _figure(*size)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for ax in axes.flat[len(found) :]:
        ax.remove()
    shown: dict[str, Any] = {}
    for (run, step), ax in zip(found, axes.flat, strict=False):
        shown |= _stack(ax, run, step)
        ax.set(xlim=(0, step[MASS][-1]), xlabel="Capacity (mAh g⁻¹)")
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("Voltage (V)")
        if len(found) > 1:
            ax.set_title(_text(run.name))
    figure.legend(shown.values(), shown.keys(), loc="outside right center")
    return figure


def _stack(ax: Axes, run: _Run, step: _Step) -> dict[str, Any]:
    """Bands between the open-circuit potential and the voltage; legend entries."""
    q, level = step[MASS], step[SURFACE].copy()
    passed = run.data["Surface stoichiometry"], run.data[SURFACE]
    top = mean_potential(step["Mean stoichiometry"], *passed)
    shown: dict[str, Any] = {}
    (line,) = ax.plot(q, top, color="0.3", lw=1.0, ls=(0, (4, 2)))
    shown["Open circuit, mean"] = line
    band = ax.fill_between(q, level, top, color="#009E73", alpha=0.55, lw=0)
    shown["Diffusion in the film"] = band
    for name, (label, sign, colour) in PARTS.items():
        part = sign * step[name]
        if np.abs(part).max() < 1e-4:  # a tenth of a millivolt cannot be seen
            continue
        below = level + part
        shown[label] = ax.fill_between(q, below, level, color=colour, alpha=0.55, lw=0)
        level = below
    (line,) = ax.plot(q, step[VOLTAGE], color="black", lw=1.3)
    shown["Cell voltage"] = line
    return shown


def _concentration(study: _Study) -> Figure | None:
    look = _look_of_cases(study)
    found = {k: last for k, run in enumerate(study.cases) if (last := run.last_step())}
    if any(step.direction == 1 for _, step in found.values()):
        found = {k: last for k, last in found.items() if last[1].direction == 1}
    if not found or "Stoichiometry" not in study.cases[0].case.curves:
        return None
    lengths = {k: _thickness(study, study.cases[k]) for k in found}
    known = [v for v in lengths.values() if v]
    # films of very different thickness can only share an axis of y/L
    in_um = len(known) == len(found) and max(known) <= 3 * min(known)
    x_label = "Depth (µm)" if in_um else "Depth / thickness"
    if len(study.cases) == 1:
        return _snapshots(study.cases[0], *found[0], lengths[0] or 1.0, x_label)
    figure, axes = _panels(look)
    for ax, (_, members) in zip(axes[0], look.panels, strict=True):
        for k in members:
            if k not in found:
                continue
            cycle, step = found[k]
            curves = study.cases[k].case.curves
            scale = (lengths[k] or 1.0) if in_um else 1.0
            profile = curves["Stoichiometry"].sel(cycle=cycle, step=step.number)
            depth = curves["depth"].values * scale
            ax.plot(depth, profile.values[-1], color=look.colour[k])
        ax.set_xlim(0, max(known) if in_um else 1)
    which = next(iter(found.values()))[1].direction
    word = "discharge" if which == 1 else "charge"
    _label_outer(axes, x_label, [f"Stoichiometry at end of {word}"])
    look.key(figure, axes[0])
    return figure


def _snapshots(
    run: _Run, cycle: int, step: _Step, thickness: float, x_label: str
) -> Figure:
    curves = run.case.curves.sel(cycle=cycle, step=step.number)
    profiles = curves["Stoichiometry"].values
    charge = curves["Snapshot capacity [uA.h.cm-2]"].values
    depth = curves["depth"].values * thickness
    cmap = matplotlib.colormaps["viridis"]
    cmap = matplotlib.colors.ListedColormap(cmap(np.linspace(0, 0.92, 256)))
    norm = Normalize(0, float(charge[-1]) or 1.0)
    figure = _figure(5.2, 3.3)
    ax = figure.subplots()
    for q, profile in zip(charge, profiles, strict=True):
        ax.plot(depth, profile, color=cmap(norm(q)))
    ax.set(xlabel=x_label, ylabel="Stoichiometry")
    ax.set_xlim(0, thickness)
    word = "Discharged" if step.direction == 1 else "Charged"
    figure.colorbar(
        ScalarMappable(norm, cmap), ax=ax, label=f"{word} (µAh cm⁻²)", pad=0.02
    )
    return figure


def _thickness(study: _Study, run: _Run) -> float | None:
    """Cathode thickness [um] of a case, where the result tells it."""
    from . import units

    name = "cathode.thickness [um]"
    curves = run.case.curves
    if name in run.row:
        return float(run.row[name])
    if "Cathode thickness [um]" in curves:
        return float(curves["Cathode thickness [um]"].values)
    cells = study.result.provenance.get("cells", {})
    if len(cells) != 1:
        return None
    try:
        raw = next(iter(cells.values()))["cathode"]["thickness"]
        return units.to_display(units.parse(raw, "length"), "length")
    except (KeyError, TypeError, ValueError):
        return None


# --- Figures of the summary ------------------------------------------------------------

MARKERS = {"fitted": "o", "predicted": "D"}


def _measured_key(statuses: Sequence[str], simulated: str = "-") -> list[Line2D]:
    """Legend lines for measured points, fitted filled and predicted open."""
    lines = [Line2D([], [], color="0.3", ls=simulated, label="simulated")]
    for status in sorted(set(statuses)):
        lines.append(
            Line2D(
                [], [], ls="", color="0.3", label=f"measured, {status}", **_mark(status)
            )
        )
    return lines if len(lines) > 1 else []


def _mark(status: str) -> dict[str, Any]:
    hollow = {"markerfacecolor": "white"} if status == "predicted" else {}
    return {"marker": MARKERS.get(status, "s"), "ms": 5.5, "mew": 1.1, **hollow}


def _capacity(study: _Study) -> Figure | None:
    """A bar for each case; measured values and the first cycle as marks on it."""
    runs = study.cases
    if not 2 <= len(runs) <= 40:
        return None
    by_area = study.measured_by_area or study.loading() is None
    unit = "[uA.h.cm-2]" if by_area else "[mA.h.g-1]"
    points = [(k, *p) for k, run in enumerate(runs) for p in study.points(run)]
    charges = any(which == "Charge" for _, which, *_ in points)
    words = ("Discharge", "Charge") if charges else ("Discharge",)
    thick = 0.62 / len(words)
    figure = _figure(5.6, 1.2 + 0.26 * len(runs) * (1.35 if charges else 1.0))
    ax = figure.subplots()
    colours = {"Discharge": "#0072B2", "Charge": "#E69F00"}
    entries: dict[str, Any] = {}
    for n, word in enumerate(words):
        name = f"{word} capacity {unit}"
        y = np.arange(len(runs)) + (n - (len(words) - 1) / 2) * thick
        last = [run.row[name] for run in runs]
        bars = ax.barh(y, last, thick * 0.92, color=colours[word], alpha=0.55, lw=0)
        ends = sorted({run.last for run in runs})
        which = "last cycle" if len(ends) > 1 or ends[0] > 1 else "simulated"
        entries[f"{word.lower()}, {which}"] = bars
        early = [k for k, run in enumerate(runs) if len(run.cycles) > 1]
        if early:
            first = [runs[k].case.rows[0][name] for k in early]
            (mark,) = ax.plot(first, y[early], "|", color=colours[word], ms=7, mew=1.6)
            entries[f"{word.lower()}, cycle 1"] = mark
        for k, which, cycle, status, *both in points:
            if which != word:
                continue
            value = both[1] if by_area else both[0]
            (mark,) = ax.plot(value, y[k], ls="", color="black", **_mark(status))
            note = "" if cycle == runs[k].last else f", cycle {cycle}"
            entries.setdefault(f"measured, {status}{note}", mark)
    ax.set_yticks(range(len(runs)), [_text(run.name) for run in runs])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.margins(y=0.02)
    ax.set_xlim(left=0)
    _both_units(ax, study.loading(), by_area, "x")
    if len(entries) > 1:
        figure.legend(entries.values(), entries.keys(), loc="outside right center")
    else:
        ax.set_xlabel("Discharge " + ax.get_xlabel().lower().replace("ah", "Ah"))
    return figure


def _against(study: _Study, column: str, label: str) -> Figure | None:
    """Discharge capacity of the last cycle against a column, a line for each group."""
    if column not in study.numeric_factors:
        return None
    lines: dict[tuple[Any, ...], list[_Run]] = {}
    for run in study.cases:
        if not _missing(run.row.get(column)):
            lines.setdefault(study.key(run, column), []).append(run)
    if not any(len({r.row[column] for r in runs}) >= 3 for runs in lines.values()):
        return None
    values = {g: _group_values(study, lines, g) for g in lines}
    columns = list(next(iter(values.values())))
    names = {g: _key_label(columns, list(values[g].values())) or "other" for g in lines}
    numeric = [c for c in columns if study.is_numeric(c)]
    look = _look(list(lines), values, names, numeric, "lines")
    loading = study.loading()
    by_area = study.measured_by_area
    units = [by_area] if loading is not None else [False, True]
    figure, axes = _panels(look, rows=len(units))
    statuses: list[str] = []
    for c, (_, members) in enumerate(look.panels):
        for row, in_area in enumerate(units):
            for g in members:
                statuses += _line(
                    axes[row][c], study, lines[g], column, in_area, look.colour[g]
                )
    for ax in axes.flat:
        _log_x(ax, [r.row[column] for runs in lines.values() for r in runs], column)
        _from_zero(ax)
    words = {True: "(µAh cm⁻²)", False: "(mAh g⁻¹)"}
    _label_outer(axes, label, [f"Discharge capacity {words[u]}" for u in units])
    if loading is not None and len(look.panels) == 1:
        _both_units(axes[0][0], loading, by_area)
    look.key(figure, list(axes.flat), _measured_key(statuses, "-"))
    return figure


def _group_values(
    study: _Study, lines: Mapping[tuple[Any, ...], Any], key: tuple[Any, ...]
) -> dict[str, Any]:
    """The factors in which groups differ, with their value in one of them."""
    varying = [len({g[k] for g in lines}) > 1 for k in range(len(study.factors))]
    return {f: v for f, v, on in zip(study.factors, key, varying, strict=True) if on}


def _line(
    ax: Axes,
    study: _Study,
    runs: Sequence[_Run],
    column: str,
    by_area: bool,
    colour: Any,
) -> list[str]:
    """One line and the measured points on it; their statuses."""
    name = f"Discharge capacity {'[uA.h.cm-2]' if by_area else '[mA.h.g-1]'}"
    ordered = sorted(runs, key=lambda run: run.row[column])
    x = [run.row[column] for run in ordered]
    y = [run.row[name] for run in ordered]
    repeated = len(set(x)) < len(x)
    statuses = []
    measured = any(True for run in ordered for _ in study.points(run))
    marker = "." if measured else "o"
    ax.plot(x, y, marker=marker, ls="" if repeated else "-", color=colour, ms=4)
    for run in ordered:
        for which, _, status, mass, area in study.points(run):
            if which != "Discharge":
                continue
            value = area if by_area else mass
            ax.plot(run.row[column], value, ls="", color=colour, **_mark(status))
            statuses.append(status)
    return statuses


def _cycling(study: _Study) -> Figure | None:
    if max(len(run.cycles) for run in study.cases) < 4:
        return None
    look = _look_of_cases(study)
    figure, axes = _panels(look, height=2.6, rows=2)
    for c, (_, members) in enumerate(look.panels):
        for k in members:
            run = study.cases[k]
            rows = [r for r in run.case.rows if r["Cycle number"] in run.cycles]
            number = [r["Cycle number"] for r in rows]
            how = {"color": look.colour[k], "lw": 1.0}
            how |= {"marker": "o", "ms": 3} if len(rows) <= 30 else {}
            for word, ls in (("Discharge", "-"), ("Charge", ":")):
                y = [r[f"{word} capacity [mA.h.g-1]"] for r in rows]
                if max(y) > 0:
                    axes[0][c].plot(number, y, ls=ls, **how)
            axes[1][c].plot(number, [r["Coulombic efficiency [%]"] for r in rows], **how)
        for ax in axes[:, c]:
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.ticklabel_format(useOffset=False)
    _label_outer(axes, "Cycle number", ["Capacity (mAh g⁻¹)", "Coulombic efficiency (%)"])
    more = [
        Line2D([], [], color="0.3", ls=ls, label=label)
        for label, ls in (("discharge", "-"), ("charge", ":"))
    ]
    look.key(figure, list(axes.flat), more)
    return figure

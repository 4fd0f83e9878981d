"""Codes timed side by side: in turn, again and again, on a machine that is watched.

A ratio is taken within one round, so that what else the machine does falls on both; its
spread over the rounds is shown as smallest, median, largest.  Wall time is what a user
waits for; processor time, which barely feels other work on the machine, is what a code
costs.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tfbsim import __version__

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PACKAGES = ("pybamm", "pybammsolvers", "casadi", "numpy")
PEERS = ("scikit-sundae", "numba", "pydiffsol")


# --- Timing ------------------------------------------------------------------------


@dataclass
class Timed:
    """Seconds of one piece of work: waited for, on all processors, and by others."""

    wall: float
    cpu: float
    others: float = 0.0  # cores that other processes kept busy meanwhile


@dataclass
class Code:
    """One way to do the work.

    Parameters
    ----------
    name : str
        Its row.
    work : callable
        Does it once.
    amount : int
        How many points or cycles that is.
    note : str
        What a reader must know.
    timings : list of Timed
        One a round.
    """

    name: str
    work: Callable[[], object]
    amount: int
    note: str = ""
    timings: list[Timed] = field(default_factory=list)

    def each(self, which: str = "wall") -> list[float]:
        """Milliseconds per point or cycle, one a round."""
        return [1e3 * getattr(t, which) / self.amount for t in self.timings]

    def over(self, other: Code, which: str = "wall") -> list[float]:
        """Times the cost of another code, one a round."""
        return [a / b for a, b in zip(self.each(which), other.each(which), strict=True)]


def timed(work: Callable[[], object]) -> Timed:
    """Work done once; it may return the wall and cpu of its part that counts."""
    gc.collect()
    busy, own, started = _busy(), _cpu(), time.perf_counter()
    part = work()
    wall, cpu = time.perf_counter() - started, _cpu() - own
    others = max(0.0, (_busy() - busy - cpu) / wall)
    counted = part if isinstance(part, Timed) else Timed(wall, cpu)
    return replace(counted, others=others)


def rounds(codes: Sequence[Code], number: int) -> None:
    """Every code once, in turn, ``number`` times; each round begins with another."""
    for k in range(number):
        for code in [*codes[k % len(codes) :], *codes[: k % len(codes)]]:
            _tell(f"round {k + 1} of {number}: {code.name}")
            code.timings.append(timed(code.work))
    _tell("")


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


def _cpu() -> float:
    """Processor seconds of this process and of its children that have ended."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(who) for who in both]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _busy() -> float:
    """Core seconds in which any process ran, since the machine started."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:  # not Linux
        return 0.0
    user, nice, system, _idle, _wait, irq, soft = map(float, first[:7])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def resident() -> float:
    """Memory of this process now [MiB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


# --- Showing -----------------------------------------------------------------------


def spread(values: Sequence[float]) -> str:
    """Smallest, median and largest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{_short(low)} - **{_short(middle)}** - {_short(high)}"


def _short(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned for reading as text too."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def machine(codes: Sequence[Code] = ()) -> str:
    """Processor, versions, and how busy the cores were."""
    others = [t.others for code in codes for t in code.timings]
    busy = ""
    if others:
        busy = (
            f"; other processes kept {statistics.median(others):.2f} cores busy "
            f"(median of all timings; at most {max(others):.2f})"
        )
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f} at the "
        f"end{busy}. Python {platform.python_version()}, {_versions()}, "
        f"{platform.system()}."
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*: (.*)", text)
    return name[1] if name else platform.machine()


def _versions() -> str:
    found = [f"tfbsim {__version__}"]
    for package in (*PACKAGES, *PEERS):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            if package in PEERS:
                found.append(f"no {package}")
    return ", ".join(found)


# --- Writing docs/performance.md -----------------------------------------------------


def arguments(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """The options all benchmarks have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help="repetitions")
    parser.add_argument("--quick", action="store_true", help="a small run: does it work")
    parser.add_argument("--write", action="store_true", help=f"write to {PAGE.name}")
    return parser


def show(section: str, text: str, write: bool) -> None:
    """Print a section of the page; in its place on the page too if asked."""
    print(text)
    if write:
        page = PAGE.read_text(encoding="utf-8")
        start, end = f"<!-- {section} -->", f"<!-- /{section} -->"
        before, _, rest = page.partition(start)
        _, found, after = rest.partition(end)
        if not found:
            raise SystemExit(f"{PAGE} has no section {start}")
        PAGE.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")

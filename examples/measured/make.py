"""Make synthetic-cycler.csv: what a cycler might write of a cell that is not quite ours.

    python examples/measured/make.py

Not measured.  Simulated with tfbsim from lco-lipon-li-raijmakers2020 with the two changes
in ``TRUE``, sampled as a cycler does (every 5 mV, or 1/60 of a step), with normal noise
of 0.5 mV and 0.02 % of the current, in columns of the Battery Data Format.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tfbsim.inputs.protocol import Protocol, parse_cycle
from tfbsim.solving.simulation import run_case

import tfbsim

CELL = "lco-lipon-li-raijmakers2020"
TRUE = {"cathode.diffusivity_scale": "1.3", "contact_resistance": "25 ohm.cm2"}
RATES = ("0.2C", "1C", "4C")
NOISE, RELATIVE_NOISE = 0.5e-3, 2e-4  # V, of the current
EVERY, SHARE = 5e-3, 60  # V, samples of a step at the least


def main() -> None:
    cell = tfbsim.load_cell(CELL).replace(TRUE)
    sentences = []
    for rate in RATES:
        sentences += [
            "Charge at 1C until 4.2 V",
            "Hold at 4.2 V until C/10",
            "Rest for 10 minutes",
            f"Discharge at {rate} until 3.0 V",
            "Rest for 30 minutes",
        ]
    record = run_case(cell, Protocol(parse_cycle(sentences, cell)))
    rng = np.random.default_rng(2020)
    lines, clock = [], 0.0
    for number, step in enumerate(record.cycles[0].steps):
        assert step.trace is not None
        t, observed = step.trace.t, step.trace.observed
        at = sampled(t, observed["Voltage [V]"])
        V = np.interp(at, t, observed["Voltage [V]"]) + rng.normal(0, NOISE, len(at))
        current = np.interp(at, t, observed["Current [A]"])
        current *= 1 + rng.normal(0, RELATIVE_NOISE, len(at))
        cycle = 1 + number * len(RATES) // len(sentences)
        for k in range(len(at)):
            row = f"{clock + at[k]:.2f},{V[k]:.5f},{-current[k]:.6e}"
            lines.append(f"{row},{cycle},{number + 1}")
        clock += float(t[-1])
    head = [
        "# Synthetic, not measured: written by examples/measured/make.py",
        "Test Time / s,Voltage / V,Current / A,Cycle Count / 1,Step Count / 1",
    ]
    path = Path(__file__).with_name("synthetic-cycler.csv")
    path.write_text("\n".join(head + lines) + "\n", encoding="utf-8")


def sampled(t: np.ndarray, V: np.ndarray) -> np.ndarray:
    """Times at which a cycler writes a line."""
    fine = np.linspace(0, t[-1], 20_000)
    on_fine = np.interp(fine, t, V)
    moved = np.cumsum(np.abs(np.diff(on_fine, prepend=on_fine[0]))) / EVERY
    due = np.floor(moved) + np.floor(SHARE * fine / t[-1])
    kept = np.flatnonzero(np.diff(due, prepend=-1.0) > 0)
    return np.append(fine[kept], t[-1]) if kept[-1] < len(fine) - 1 else fine[kept]


if __name__ == "__main__":
    main()

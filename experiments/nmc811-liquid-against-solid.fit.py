"""The rates of nmc811-liquid-against-solid.yaml, by the wide cycles in the liquid.

    python nmc811-liquid-against-solid.fit.py

The film is at 4 V behind 236 ohm cm2 of charge transfer where all of it is wetted; the
interphase as made is the rest of the published 700.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.optimize import root

from tfbsim.experiment.cases import expand
from tfbsim.experiment.curves import NO_CURVES
from tfbsim.solver.cycler import run_case

CASES = {
    case.name: case
    for case in expand(
        str(Path(__file__).with_name("nmc811-liquid-against-solid.yaml"))
    ).cases
}
GROWTH = "ageing.interphase_by_reduction.rate"
LOSS = "ageing.site_loss_by_reduction.rate"
LEFT = 0.05  # of the capacity, at cycle 20


def off(x: np.ndarray, name: str, paths: list[str]) -> list[float]:
    """Return ln of resistance and of capacity left over the published ones."""
    case = CASES[name]
    rates = dict(zip(paths, np.exp(x).tolist(), strict=True))
    cycles = run_case(case.cell.replace(rates), case.protocol, curves=NO_CURVES).cycles
    resistance = 1e4 * cycles[2].resistance
    left = cycles[19].discharge / cycles[0].discharge
    print(f"{name}: {rates} [SI]: {resistance:.0f} ohm cm2, {left:.3f} left", flush=True)
    both = [np.log(resistance / 1e4), np.log(left / LEFT)]
    return both[: len(paths)]


def main() -> None:
    for name, paths in (
        ("interphase 1.5 V", [GROWTH]),
        ("interphase and sites 1.5 V", [GROWTH, LOSS]),
    ):
        start = [np.log(CASES[name].cell.number(path)[0]) for path in paths]
        found = root(off, start, args=(name, paths), tol=1e-3, options={"eps": 1e-2})
        for path, x in zip(paths, found.x, strict=True):
            value = CASES[name].cell.replace({path: float(np.exp(x))}).value(path)
            print(f"{name}: {path}: {value[0]:.4g} {value[1]}")


if __name__ == "__main__":
    main()

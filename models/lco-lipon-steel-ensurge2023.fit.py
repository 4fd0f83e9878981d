"""The inactive fraction of lco-lipon-steel-ensurge2023.yaml, the one number fitted.

Cheng et al. (2023) print that about 0.95 of the capacity is left after 150 cycles.  The
experiment ensurge2023-cycling is run until the last discharge is so much of the first;
its rate and cut-offs are not printed but assumed.

    python lco-lipon-steel-ensurge2023.fit.py            # fits, prints what it finds
    python lco-lipon-steel-ensurge2023.fit.py --shipped  # retention as shipped
"""

from __future__ import annotations

import sys
from pathlib import Path

from scipy.optimize import root_scalar

from tfbsim.experiment.cases import expand
from tfbsim.experiment.curves import NO_CURVES
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load

HERE = Path(__file__).resolve().parent
MEASURED = load(HERE / "lco-lipon-steel-ensurge2023.measured.yml").data["cycling"]
FIELD = "anode.inactive_fraction"
CASE = expand("ensurge2023-cycling").cases[0]


def retention(fraction: float) -> float:
    """Last discharge over the first."""
    cell = CASE.cell.replace({FIELD: fraction})
    cycles = run_case(cell, CASE.protocol, curves=NO_CURVES).cycles
    assert len(cycles) == MEASURED["cycles"]
    found = cycles[-1].discharge / cycles[0].discharge
    print(f"{FIELD} {fraction:.6f}: retention {found:.5f}", flush=True)
    return found


def main() -> None:
    if "--shipped" in sys.argv:
        retention(CASE.cell.anode.inactive_fraction)
        return
    goal = MEASURED["retention"]
    found = root_scalar(
        lambda share: retention(share) - goal, x0=0.0018, x1=0.0019, xtol=1e-6
    )
    print(f"{FIELD}: {found.root:.3g}, for a retention of {goal}")


if __name__ == "__main__":
    main()

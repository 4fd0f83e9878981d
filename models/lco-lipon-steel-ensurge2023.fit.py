"""What of lco-lipon-steel-ensurge2023.yaml is fitted to its retention, a law at a time.

Cheng et al. (2023) print that about 0.95 of the capacity is left after 150 cycles.  The
experiment ensurge2023-cycling is run until the last discharge is so much of the first;
its rate and cut-offs are not printed but assumed.  The inactive fraction stands in the
cell, the other rates in the experiment.

    python lco-lipon-steel-ensurge2023.fit.py            # fits, prints what it finds
    python lco-lipon-steel-ensurge2023.fit.py --shipped  # retention as shipped
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import root_scalar

from tfbsim.experiment.cases import Case, expand
from tfbsim.experiment.curves import NO_CURVES
from tfbsim.solver.cycler import run_case
from tfbsim.yaml_file import load

HERE = Path(__file__).resolve().parent
MEASURED = load(HERE / "lco-lipon-steel-ensurge2023.measured.yml").data["cycling"]
CASES = {case.name: case for case in expand("ensurge2023-cycling").cases}
FIELDS = {
    "inactive lithium": "anode.inactive_fraction",
    "consumption": "ageing.lithium_consumption.current",
    "lost sites": "ageing.site_loss_by_oxidation.rate",
}


def retention(case: Case, field: str, value: float) -> float:
    """Last discharge over the first."""
    cell = case.cell.replace({field: float(value)})
    cycles = run_case(cell, case.protocol, curves=NO_CURVES).cycles
    assert len(cycles) == MEASURED["cycles"]
    found = cycles[-1].discharge / cycles[0].discharge
    print(f"{case.name}: {field} {value:.6g} [SI]: retention {found:.5f}", flush=True)
    return found


def main() -> None:
    goal = MEASURED["retention"]
    for name, field in FIELDS.items():
        case = CASES[name]
        shipped = case.cell.number(field)[0]
        if "--shipped" in sys.argv:
            retention(case, field, shipped)
            continue

        def off(ln: float, case: Case = case, field: str = field) -> float:
            return retention(case, field, np.exp(ln)) - goal

        ln = float(np.log(shipped))
        found = root_scalar(off, x0=ln, x1=ln + 0.05, xtol=5e-4)
        value = case.cell.replace({field: float(np.exp(found.root))}).value(field)
        print(f"{name}: {field}: {value[0]:.3g} {value[1]}, for a retention of {goal}")


if __name__ == "__main__":
    main()

"""Write the pages of docs/ that show an experiment, from running it.

    python docs/pages.py            # all of them, a few minutes
    python docs/pages.py NAME...    # some

Every number and figure on those pages comes from here.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

import tfbsim
from tfbsim.cases import expand, load_experiment
from tfbsim.plot import caption, rendered
from tfbsim.result import Result

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
QD, QM = "Discharge capacity [uA.h.cm-2]", "Discharge capacity [mA.h.g-1]"
LIMIT, SHARE = "Limiting loss", "Of equilibrium capacity [%]"


def page(name: str, drawn: Result, figures: Sequence[str], *text: str) -> None:
    """Write docs/NAME.md with figures of the result that is drawn."""
    experiment, _ = load_experiment(name)
    images = rendered(drawn)
    parts = [f"# {experiment.description}", f"`tfbsim run {name}`. {experiment.source}"]
    for figure in (f for f in figures if f in images):
        path = DOCS / "images" / f"{name}-{figure}.png"
        path.write_bytes(images[figure])
        parts.append(f"![{caption(figure)}](images/{path.name})\n\n{caption(figure)}")
    parts += text
    parts.append(f"Written by `python docs/pages.py {name}`.")
    content = "\n\n".join(part.strip() for part in parts) + "\n"
    (DOCS / f"{name}.md").write_text(content, encoding="utf-8")


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A Markdown table; numbers as the rows have them."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(v) for v in r.values()] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def last(result: Result) -> pd.DataFrame:
    """The last cycle of each case, with the last discharge's limiting loss."""
    summary = result.summary.groupby("Case", sort=False).tail(1).set_index("Case")
    steps = result.steps[result.steps["Discharge [uA.h.cm-2]"] > 0]
    ends = steps.groupby("Case", sort=False).tail(1).set_index("Case")
    return summary.join(ends[[LIMIT, SHARE]])


def nmc811_voltage_windows(name: str) -> None:
    result = tfbsim.run_experiment(name, workers=2)
    measured = result.comparison
    rows = []
    for row in result.summary.to_dict("records"):
        case, cycle = row["Case"], row["Cycle number"]
        of_case = (measured["Case"] == case) & (measured["Quantity"] == QM)
        cycles = measured.loc[of_case, "Cycle number"].tolist() or [3]
        if cycle not in cycles:
            continue
        here = measured[of_case]
        rows.append(
            {
                "rate": case.split(",")[0],
                "window": f"{row['Lower cut-off [V]']:.1f}-{row['Upper cut-off [V]']:.1f} V",
                "cycle": cycle,
                "discharge, mAh/g": f"{row[QM]:.0f}",
                "measured": "" if here.empty else f"{here['Measured'].iloc[0]:.0f}",
                "": "predicted" if here.empty else here["Status"].iloc[0],
                "second lithium": f"{row['Second lithium at end of discharge [%]']:.0f} %",
            }
        )
    low, high = (
        result.summary.set_index(["Case", "Cycle number"])[QM][(f"1C, {w}", 3)]
        for w in ("3.0 V, 4.3 V", "3.0 V, 4.7 V")
    )
    deep = result.summary.set_index(["Case", "Cycle number"])[QM]["1C, 1.5 V, 4.7 V", 3]
    page(
        name,
        result,
        ["capacity", "dqdv"],
        "## Every window and rate",
        "The paper prints three of these capacities, to which the utilisation and D(x) are "
        "fitted, and shows cycling in the others; those are predictions.",
        table(rows),
        f"At 1C, raising the upper cut-off from 4.3 to 4.7 V adds {high - low:.0f} mAh/g; "
        f"lowering the other from 3.0 to 1.5 V adds {deep - high:.0f}, the second lithium. "
        "The paper observes the same: little from above, a major gain below 2.5 V.",
    )


def nmc811_loss_breakdown(name: str) -> None:
    result = tfbsim.run_experiment(name, workers=2)
    rows = [
        {
            "case": case,
            "discharge, mAh/g": f"{row[QM]:.1f}",
            "of equilibrium": f"{row[SHARE]:.0f} %",
            "second lithium": f"{row['Second lithium at end of discharge [%]']:.0f} %",
            "energy efficiency": f"{row['Energy efficiency [%]']:.1f} %",
            "ended by": row[LIMIT],
        }
        for case, row in last(result).iterrows()
    ]
    fits = subprocess.run(
        [sys.executable, "models/nmc811-lipon-li.laws.fit.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    page(
        name,
        result,
        ["losses", "energy", "concentration"],
        "## What it shows",
        table(rows),
        "Second cycle. At C/10 the film fills nearly evenly; at 4C diffusion at the end of "
        "the second lithium holds the rest of the film back. A lattice gas puts the loss "
        "elsewhere: D falls on the plateaus of U(x) and is large in its gap, so a front "
        "forms, and the voltage stays higher. The last case is an assumption, not a fit: "
        "sigma_e falls from 1e-2 S/cm by 3.2 decades for each lithium, and t_i follows from "
        "it and D, so that ions feed the film from the collector too where electrons are "
        "slow; the discharge then gains there what it loses on the electron path.",
        "## Which law of D fits better",
        "Both laws fitted to the four measured capacities, on equal numbers of parameters "
        "(`python models/nmc811-lipon-li.laws.fit.py`; residuals in %):",
        f"```\n{fits.rstrip()}\n```",
        "With two parameters the lattice gas is the better, and neither is good; with three, "
        "a D that falls beyond x = 1.5 describes all four and the lattice gas does not. Four "
        "capacities of cells that spread by 10-20 % do not decide what D is, only that a "
        "film which takes its second lithium so slowly needs a D that falls beyond what U(x) "
        "alone makes it fall. The shipped cell keeps the fitted D(x).",
    )


def rate_thickness_map(name: str) -> None:
    result = tfbsim.run_experiment(name, workers=2)
    expanded = expand(name)
    first = expanded.cases[0]
    cell = next(iter(expanded.cells.values()))
    before = [step.text for step in first.protocol.conditioning]
    cut_off = first.protocol.steps[0].lower
    rows = []
    for c_rate in (0.2, 1, 5):
        found = tfbsim.optimise(
            cell,
            "cathode.thickness",
            ("100 nm", "100 um"),
            [f"Discharge at {c_rate}C until {cut_off} V"],
            conditioning=before,
            start=9,
        )
        energy = "at a bound" if found.at_bound else f"{found.maximum:.3f}"
        rows.append(
            {
                "rate": f"{c_rate}C",
                "thickness of most energy, um": f"{1e6 * found.value:.2f}",
                "energy, mWh/cm2": energy,
                "estimate, um": f"{1e6 * estimated(cell, c_rate, cut_off, before):.2f}",
            }
        )
    marks = last(result)[LIMIT].value_counts()
    page(
        name,
        result,
        ["capacity-map"],
        "## What it shows",
        "A point is one discharge of a uniform, fully charged film. At a C-rate the current "
        "grows with the film, so areal capacity has a largest value at some thickness: "
        "beyond it the surface fills before the rest.",
        table([{"ended by": k, "points": v} for k, v in marks.items()]),
        "## The thickness of most areal energy",
        "By optimisation (`tfbsim.optimise`), and beside it the thickness of most capacity "
        "by the time to surface saturation (`tfbsim.saturation_capacity`, nothing solved: "
        "exact for a constant D, quasi-steady for D(x)).",
        table(rows),
        "Nothing is fitted here; the cell's parameters are as in its file.",
    )


def estimated(
    cell: tfbsim.Cell, c_rate: float, cut_off: float, before: list[str]
) -> float:
    """Thickness [m] of most capacity by the time to surface saturation."""
    charged = tfbsim.simulate(cell, before).steps["End mean stoichiometry"].iloc[-1]

    def capacity(log_L: float) -> float:
        film = cell.replace({"cathode.thickness": float(np.exp(log_L))})
        i = c_rate * film.one_c_current_density
        return tfbsim.saturation_capacity(film, i, cut_off, charged)

    scan = np.log(np.geomspace(1e-7, 1e-4, 25))
    k = int(np.argmax([capacity(x) for x in scan]))
    bounds = scan[max(k - 1, 0)], scan[min(k + 1, 24)]
    found = minimize_scalar(lambda x: -capacity(x), bounds=bounds, method="bounded")
    return float(np.exp(found.x))


def self_discharge(name: str) -> None:
    result = tfbsim.run_experiment(name, workers=2)
    summary = last(result)
    rests = summary[summary["rest [s]"] > 3600]
    cycles = summary[summary["rest [s]"] < 3600]
    resting = [case for case in result.cases if case.name in rests.index]
    page(
        name,
        Result(resting, result.provenance),
        ["voltage-time"],
        "## A month at rest",
        table(
            [
                {
                    "electronic conductivity of LiPON": case.split(", ")[-1],
                    "charged, mAh/g": f"{row['Charge capacity [mA.h.g-1]']:.1f}",
                    "left after a month": f"{row[QM]:.1f}",
                    "coulombic efficiency": f"{row['Coulombic efficiency [%]']:.1f} %"
                    if row[QM]
                    else "emptied by the leak",
                }
                for case, row in rests.iterrows()
            ]
        ),
        "## Coulombic efficiency against rate, at 1e-12 S/cm",
        table(
            [
                {
                    "rate": case.split(", ")[0],
                    "discharge, mAh/g": f"{row[QM]:.1f}",
                    "coulombic efficiency": f"{row['Coulombic efficiency [%]']:.2f} %",
                }
                for case, row in cycles.iterrows()
            ]
        ),
        "Second cycle. The leak takes its current at every moment, so that a cycle loses the "
        "more the longer it lasts: 1 - CE = 2 i_e/i. By that, the 98.79 % that Aribia et al. "
        f"measure at 4C would need {leak(4, 0.9879):.2f} uA/cm2, and their 90.1 % at C/10 "
        f"{leak(0.1, 0.901):.2f} uA/cm2: no single leak gives both. A hold or a charge whose "
        "current the leak eats up ends by its time limit, and its step says so.",
        "Nothing is fitted: the conductivities span what is reported for LiPON.",
    )


def leak(c_rate: float, efficiency: float) -> float:
    """Leakage [uA/cm2] that gives the NMC811 cell an efficiency, by 1 - CE = 2 i_e/i."""
    i = c_rate * tfbsim.load_cell("nmc811-lipon-li").one_c_current_density
    return 100 * (1 - efficiency) * i / 2


def nmc811_uncertainty(name: str) -> None:
    result = tfbsim.run_experiment(name, workers=2)
    spread = result.percentiles.set_index("Answer")
    sensitivity = result.sensitivity
    answers = list(dict.fromkeys(sensitivity["Answer"]))
    by_factor = sensitivity.set_index(["Factor", "Answer"])
    order = sensitivity[sensitivity["Answer"] == answers[0]]
    order = order.sort_values("S1", ascending=False)["Factor"]
    shares = [
        {"factor": f"`{factor}`"}
        | {
            short: f"{row['S1']:.2f} ± {row['S1 (95 %)']:.2f}, {row['PAWN']:.2f}"
            for answer, short in zip(
                answers, ("capacity", "energy", "voltage"), strict=True
            )
            for row in [by_factor.loc[(factor, answer)]]
        }
        for factor in order
    ]
    total = sensitivity.groupby("Answer", sort=False)["S1"].sum()
    dummy = sensitivity.groupby("Answer", sort=False)["PAWN of a dummy"].first().max()
    areal = spread.loc[QD]
    half = 50 * (areal["95 %"] - areal["5 %"]) / areal["50 %"]
    deviation, correlation = left_by_the_fit(0.1)
    page(
        name,
        result,
        ["uncertainty", "tornado", "sensitivity", "dependence", "voltage-band"],
        "## What it shows",
        table(
            [
                {"": answer, "mean": f"{row['Mean']:.4g}"}
                | {f"{p} %": f"{row[f'{p} %']:.4g}" for p in (5, 50, 95)}
                for answer, row in spread.iterrows()
            ]
        ),
        f"{int(areal['Points']):,} points. Nine in ten lie within {half:.0f} % of the median "
        "capacity. The current is fixed at 40 uA/cm2, since a cycler does not know how thick "
        "a film came out. Nothing here is a measured distribution: each width stands with "
        "its reason in the experiment file.",
        "## What makes it so",
        "First-order index with its 95 % interval, and PAWN index:",
        table(shares),
        "S1 is the share of an answer's variance that knowing the factor would take away. "
        f"PAWN of a dummy, which does nothing, is up to {dummy:.2f}: below that, a factor "
        "cannot be told from one. The factors are correlated, so that a share is not of the "
        "factor alone: the S1 add up to "
        f"{', '.join(f'{v:.2f}' for v in total)}, and the total indices of Sobol' have no "
        "meaning (`method: saltelli` refuses correlations). Density and thickness follow "
        "from one mass: a film thicker than thought is less dense, and at the same current "
        "gives less.",
        "## Where the correlated widths come from",
        "Were each of the four fitted capacities good to 10 % (cells in the paper spread by "
        "10-20 %), fitting a factor on D and the utilisation u_A to them would leave "
        f"{deviation[0]:.2f} of ln D and {deviation[1]:.3f} of u_A, with a correlation of "
        f"{correlation:.2f} (J of `models/nmc811-lipon-li.fit.py`'s residuals, i_0 following "
        "u_A; covariance (J^T J)^-1). A less diffusive film fits as well if more of it is in "
        "contact. The discharge to 3 V does not reach the second lithium, for which D falls by "
        "decades.",
    )


def left_by_the_fit(spread: float) -> tuple[np.ndarray, float]:
    """Deviations of ln D and u_A, and their correlation, that capacities known to a
    relative spread leave."""
    path = ROOT / "models" / "nmc811-lipon-li.fit.py"
    spec = importlib.util.spec_from_file_location("fit", path)
    assert spec and spec.loader
    fit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fit)
    cell = tfbsim.load_cell("nmc811-lipon-li")
    u, i_0 = cell.cathode.utilisation, cell.cathode.exchange_current

    def errors(ln_D: float, u_A: float) -> Any:
        changes = {"cathode.diffusivity_scale": float(np.exp(ln_D))}
        changes |= {"cathode.utilisation": u_A, "cathode.exchange_current": i_0 * u / u_A}
        return fit.capacity_errors(cell.replace(changes))

    h = 0.1, 0.01
    J = np.column_stack(
        [
            (errors(h[0], u) - errors(-h[0], u)) / (2 * h[0]),
            (errors(0, u + h[1]) - errors(0, u - h[1])) / (2 * h[1]),
        ]
    )
    covariance = spread**2 * np.linalg.inv(J.T @ J)
    deviation = np.sqrt(np.diag(covariance))
    return deviation, float(covariance[0, 1] / deviation.prod())


PAGES: dict[str, Callable[[str], None]] = {
    "nmc811-voltage-windows": nmc811_voltage_windows,
    "nmc811-loss-breakdown": nmc811_loss_breakdown,
    "nmc811-rate-thickness-map": rate_thickness_map,
    "lco-rate-thickness-map": rate_thickness_map,
    "self-discharge": self_discharge,
    "nmc811-uncertainty": nmc811_uncertainty,
}

if __name__ == "__main__":
    for wanted in sys.argv[1:] or PAGES:
        PAGES[wanted](wanted)

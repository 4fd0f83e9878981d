"""A thousand cycles: time, memory, and the charges of every step against the reference.

    python benchmarks/cycling.py                      # 4 minutes if nothing else runs
    python benchmarks/cycling.py --quick

Charge at 1C to 4.15 V, hold to C/20, discharge at 1C to 3.0 V, summaries kept and no
curves, each code in a process of its own.  Memory is what the process holds at cycle 100
and at the last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pybamm
import reference
from problem import ATOL, CELL, LOWER, NUMERICS, RTOL, UAH_CM2, UPPER
from side_by_side import (
    Code,
    Timed,
    arguments,
    machine,
    resident,
    rounds,
    show,
    spread,
    table,
)

from tfbsim import ThinFilmCell, load_cell, run_experiment
from tfbsim.physics.diffusion import DOMAIN, depth
from tfbsim.physics.mesh import submesh
from tfbsim.yaml_file import Document

DISCHARGE = f"Discharge at 1C until {LOWER} V"
STEPS = (f"Charge at 1C until {UPPER} V", f"Hold at {UPPER} V until C/20", DISCHARGE)
EARLY = 100  # cycles, where memory is looked at first


class Memory:
    """What the process holds after each cycle [MiB]."""

    def __init__(self) -> None:
        self.after: list[float] = []

    def __call__(self, *_told: int) -> None:
        self.after.append(resident())


def by_tfbsim(cycles: int, memory: Memory) -> np.ndarray:
    """tfbsim, C/m2 of each step, shape (cycles, 3)."""
    content = {"format": 1, "kind": "experiment", "cell": CELL, "cycles": cycles}
    content |= {"conditioning": [DISCHARGE], "steps": [*STEPS]}
    content["curves"] = {"cycles": "none"}
    document = Document(Path("cycling.yaml"), content, {(): 1})
    result = run_experiment(document, numerics=NUMERICS, progress=memory)
    steps = result.steps[result.steps["Cycle number"] > 0]
    charges = steps["Charge [uA.h.cm-2]"] + steps["Discharge [uA.h.cm-2]"]
    return charges.to_numpy().reshape(cycles, 3) * UAH_CM2


class _AtCycleEnd(pybamm.callbacks.Callback):
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def on_cycle_end(self, logs: dict[str, Any]) -> None:
        self.memory()


def _experiment(
    model: Any, values: Any, cycles: int, memory: Memory, **mesh: Any
) -> None:
    """PyBaMM's Experiment, summaries alone kept."""
    experiment = pybamm.Experiment([(DISCHARGE,)] + [STEPS] * cycles)
    simulation = pybamm.Simulation(
        model,
        experiment=experiment,
        parameter_values=values,
        solver=pybamm.IDAKLUSolver(rtol=RTOL, atol=ATOL),
        **mesh,
    )
    simulation.solve(save_at_cycles=[cycles + 1], callbacks=[_AtCycleEnd(memory)])
    if len(memory.after) != cycles + 1:
        raise SystemExit(f"{len(memory.after)} of {cycles + 1} cycles")


def by_stock(cycles: int, memory: Memory) -> None:
    """PyBaMM's half-cell SPM, its NMC (Xu et al. 2019), default mesh."""
    model = pybamm.lithium_ion.SPM({"working electrode": "positive"})
    values = model.default_parameter_values
    values.update({"Lower voltage cut-off [V]": LOWER, "Upper voltage cut-off [V]": 4.2})
    _experiment(model, values, cycles, memory)


def by_model(cycles: int, memory: Memory) -> None:
    """The model of tfbsim in PyBaMM's Experiment."""
    cell = load_cell(CELL)
    own = {DOMAIN: submesh(NUMERICS)}
    mesh = {"submesh_types": own, "var_pts": {depth(): NUMERICS.nodes}}
    _experiment(ThinFilmCell(), cell.parameter_values(), cycles, memory, **mesh)


def by_reference(cycles: int, memory: Memory) -> np.ndarray:
    """reference.c."""
    charges = reference.cycles(cycles)
    memory.after = [resident()] * (cycles + 1)
    return charges


REFERENCE, OURS, STOCK = "C, one core", "tfbsim", "PyBaMM half-cell SPM, Experiment"
CODES: dict[str, Callable[[int, Memory], np.ndarray | None]] = {
    REFERENCE: by_reference,
    OURS: by_tfbsim,
    "tfbsim's model in PyBaMM's Experiment": by_model,
    STOCK: by_stock,
}


def child(name: str, cycles: int) -> None:
    """One code in this process; prints what the parent reads."""
    CODES[name](2, Memory())  # builds, compiles
    memory = Memory()
    started, cpu = time.perf_counter(), time.process_time()
    charges = CODES[name](cycles, memory)
    answer = {
        "wall": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "early": memory.after[min(EARLY, cycles // 2)],
        "late": memory.after[-1],
        "charges": None if charges is None else charges.tolist(),
    }
    print(json.dumps(answer))


@dataclass
class InChild(Code):
    """A code run in a process of its own; what each run answered."""

    answers: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> Timed:
        command = [sys.executable, __file__, "--child", self.name]
        command += ["--cycles", str(self.amount)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        answer = json.loads(done.stdout.splitlines()[-1])
        self.answers.append(answer)
        return Timed(answer["wall"], answer["cpu"])

    @property
    def grown(self) -> float:
        """Memory from the early cycle to the last [MiB], median."""
        return statistics.median(a["late"] - a["early"] for a in self.answers)

    def error(self, truth: np.ndarray) -> str:
        """Largest of any step's charge, over the cycle's."""
        if self.answers[0]["charges"] is None:
            return ""
        charges = np.array(self.answers[0]["charges"])
        return f"{np.abs((charges - truth) / truth[:, 2:]).max():.1e}"


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--child", choices=CODES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.cycles)
        return
    cycles = 10 if options.quick else options.cycles
    repeats = 1 if options.quick else options.rounds
    codes = [InChild(name, lambda: None, cycles) for name in CODES]
    for code in codes:
        code.work = code.run
    rounds(codes, repeats)
    truth = reference.cycles(cycles, volumes=800, rtol=1e-9, atol=1e-11)
    c, ours, *_, stock = codes
    header = ("", "ms a cycle", "of processor", "times C", "grows by, MiB", "error")
    rows = [
        (
            code.name,
            *(f"{statistics.median(code.each(k)):.3g}" for k in ("wall", "cpu")),
            *(spread(code.over(c)), f"{code.grown:.1f}", code.error(truth)),
        )
        for code in codes
    ]
    text = "\n\n".join(
        (
            table(header, rows),
            f"{cycles} cycles, {repeats} rounds; models built before. Memory from cycle "
            f"{min(EARLY, cycles // 2)} to the last. Error: largest of the charge of any "
            "step, over the discharge, against the reference at eight times the mesh and "
            "a thousandth of the tolerances. Memory is to grow by at most 10 MiB.",
            table(
                ("ratio", "of wall times", "of processor times", "aim"),
                [
                    (
                        f"{OURS} over {STOCK}",
                        *(spread(ours.over(stock, k)) for k in ("wall", "cpu")),
                        "at most 0.1",
                    )
                ],
            ),
            machine(codes),
        )
    )
    show("cycling", text, options.write)


if __name__ == "__main__":
    main()

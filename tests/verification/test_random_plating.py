"""Random protocols on cells whose lithium is plated in situ, bare as made.

As test_random_protocols; protocol k is drawn from its own seed.
"""

from __future__ import annotations

import warnings
from collections import Counter
from itertools import chain

import numpy as np
import pytest
from test_random_protocols import BEYOND, _seen, _sentence, log_uniform

from tfbsim import load_cell
from tfbsim.experiment.groups import parse_cycle
from tfbsim.experiment.steps import Protocol
from tfbsim.solver.cycler import run_case
from tfbsim.solver.records import REACHED, SOLVER_FAILED

pytestmark = pytest.mark.slow

SEED, COUNT = 777, 60
WINDOWS = {"lco-lipon-steel-ensurge2023": (3.0, 4.2), "nmc811-lipon-li": (2.5, 4.3)}
WIDE = (1.5, 4.6)  # V


def draw(number):
    """The cell and the sentences of a protocol, with a temperature each."""
    rng = np.random.default_rng([SEED, number])
    name = list(WINDOWS)[int(rng.random() > 0.7)]
    changes = {
        "anode.lithium": 0.0,
        "anode.collector": "copper",
        "cathode.thickness": log_uniform(rng, 50e-9, 20e-6),
        "anode.inactive_fraction": float(rng.choice([0, 0.001, 0.05])),
        "anode.inactive_from": str(rng.choice(["plating", "stripping"])),
    }
    for field, value in {
        "anode.interlayer": "amorphous carbon",
        "electrolyte.electronic_conductivity": log_uniform(rng, 1e-13, 1e-9),
        "anode.anodic_transfer_coefficient": float(rng.uniform(0.3, 0.7)),
        "anode.coverage_thickness": log_uniform(rng, 1e-9, 1e-6),
        "anode.inactive_conductivity": 1e-3,
    }.items():
        if rng.random() < 0.3:
            changes[field] = value
    cell = load_cell(name).replace(changes)
    window = WIDE if rng.random() < 0.4 else WINDOWS[name]
    middle = rng.uniform(*window)
    steps = [_sentence(rng, cell, *window, middle) for _ in range(rng.integers(3, 9))]
    return cell, [(step, f"{rng.uniform(0, 80):.1f} degC") for step in steps]


def run_protocol(number):
    """Its steps as they went, and the balance error."""
    cell, sentences = draw(number)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (cycle,) = run_case(cell, Protocol(parse_cycle(sentences, cell))).cycles
    error = max(cycle.lithium_balance_error, cycle.charge_balance_error)
    return [_seen(step, cell) for step in cycle.steps], error


def test_every_one_completes_or_ends_with_a_named_outcome(figure):
    runs = [run_protocol(number) for number in range(COUNT)]
    steps = list(chain.from_iterable(run[0] for run in runs))
    outcomes = Counter(step.outcome for step in steps)
    last = sum("last lithium" in step.detail for step in steps)
    blocks = sum("blocks" in step.detail for step in steps)
    print(f"{len(steps)} steps: {outcomes}; {last} to the last lithium, {blocks} blocked")
    assert last > 20
    assert blocks > 5
    assert all(step.finite for step in steps)

    def count(claim, found, at_most=0):
        for one in found:
            print(f"{claim}: {one}")
        figure(f"{COUNT} random protocols, plated: {claim}", len(found), at_most=at_most)

    count("solver failures", [s for s in steps if s.outcome == SOLVER_FAILED])
    reached = [s for s in steps if s.outcome == REACHED]
    count("steps reached, but not as asked", [s for s in reached if not s.as_asked])
    count("cut-offs passed by more than 10 uV", [s for s in steps if s.beyond > BEYOND])
    count("steps that needed a fallback", [s for s in steps if "fallback" in s.detail], 3)
    strayed = 1e3 * max(step.strayed for step in steps)
    claim = f"{COUNT} random protocols, plated: farthest a hold strays from its voltage"
    figure(claim, strayed, at_most=2.0, unit="mV")
    worst = max(error for _, error in runs)
    claim = f"{COUNT} random protocols, plated: largest balance error"
    figure(claim, worst, at_most=1e-8)

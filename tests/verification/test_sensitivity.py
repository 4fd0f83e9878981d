"""Sensitivity indices, against functions whose indices are known."""

from __future__ import annotations

import numpy as np
import pytest
from SALib.sample.sobol import sample
from scipy import stats

from tfbsim import Numerics, sweep
from tfbsim.experiment.sampling import Sweep, _unit_cube
from tfbsim.result.sensitivity import LEAST, first_order, of_design, of_sample

A, B = 7.0, 0.1  # of Ishigami & Homma (1990)
PARTS = (0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0)
BOTH = 8 * B**2 * np.pi**8 / 225  # x_1 and x_3 together
FIRST = np.array(PARTS) / (sum(PARTS) + BOTH)
TOTAL = (np.array(PARTS) + np.array([BOTH, 0, BOTH])) / (sum(PARTS) + BOTH)
ADDING = np.array([3.0, 2.0, 1.0, 0.0])  # y = a x, x normal: indices a^2/|a|^2


def ishigami(u: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) * (1 + B * x[:, 2] ** 4) + A * np.sin(x[:, 1]) ** 2


def cube(method: str, points: int, factors: int) -> np.ndarray:
    section = Sweep(method=method, points=points, factors={"x": 0})
    blocks = factors + 2 if method == "saltelli" else 1
    return _unit_cube(section, points * blocks, factors)


def test_ishigami_by_saltellis_design(figure):
    found = of_design(ishigami(cube("saltelli", 4096, 3)), 3)
    worst = np.abs(found["S1"] - FIRST).max()
    figure(
        "Ishigami, Saltelli's design of 4096: first-order indices", worst, at_most=0.02
    )
    worst = np.abs(found["ST"] - TOTAL).max()
    figure("Ishigami, Saltelli's design of 4096: total indices", worst, at_most=0.02)
    for index, exact in (("S1", FIRST), ("ST", TOTAL)):
        assert (np.abs(found[index] - exact) < 2 * found[f"{index} (95 %)"] + 1e-3).all()


def test_the_design_is_salibs():
    u = cube("saltelli", 8, 3)
    cube_of = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    theirs = sample(cube_of, 8, calc_second_order=False, seed=0)
    assert u == pytest.approx(theirs, abs=2.0**-30)
    for block in u.reshape(8, 5, 3):
        first, *mixed, other = block
        for k, point in enumerate(mixed):
            expected = first.copy()
            expected[k] = other[k]
            assert (point == expected).all()


@pytest.mark.parametrize("method", ["latin hypercube", "sobol"])
def test_ishigami_from_a_sample(figure, method):
    u = cube(method, 4096, 3)
    found = of_sample(u, ishigami(u))
    worst = np.abs(found["S1"] - FIRST).max()
    figure("Ishigami, 4096 points: first-order indices", worst, at_most=0.03)
    assert found["PAWN"].min() > 2 * found["PAWN of a dummy"][0]  # x_3 too


def test_a_sum_of_normals(figure):
    x = stats.norm.ppf(cube("latin hypercube", 4096, 4))
    found = of_sample(x, x @ ADDING)
    exact = ADDING**2 / (ADDING @ ADDING)
    worst = np.abs(found["S1"] - exact).max()
    figure("Sum of normals, 4096 points: first-order indices", worst, at_most=0.03)
    assert exact.sum() == pytest.approx(1)
    worst = np.abs(found["PAWN"] - [pawn(a) for a in ADDING]).max()
    figure("Sum of normals, 4096 points: PAWN", worst, at_most=0.06)
    assert found["PAWN"][3] < 2 * found["PAWN of a dummy"][3]


def pawn(a: float, slices: int = 10) -> float:
    """Of y = a x and what is left of the sum: max |F(y) - F(y | slice)|, the median."""
    whole = np.sqrt(ADDING @ ADDING)
    y = np.linspace(-4, 4, 801) * whole
    rest = np.sqrt(whole**2 - a**2)
    p = (np.arange(slices * 50) + 0.5) / (slices * 50)
    given = stats.norm.cdf(y[:, None] - a * stats.norm.ppf(p), scale=rest)
    given = given.reshape(len(y), slices, 50).mean(axis=2)
    apart = np.abs(given - stats.norm.cdf(y, scale=whole)[:, None])
    return float(np.median(apart.max(axis=0)))


def test_of_correlated_factors_the_first_order_includes_the_partner(figure):
    r = 0.8
    section = Sweep(
        method="latin hypercube", points=4096, factors={"x": 0}
    )  # y is x_1 alone, and x_2 is told by it: S1 is r^2
    z = stats.norm.ppf(_unit_cube(section, 4096, 2))
    x = z @ np.linalg.cholesky([[1, r], [r, 1]]).T
    found = of_sample(x, x[:, 0])
    figure("Idle factor correlated by 0.8: its S1", found["S1"][1], about=(r**2, 0.03))
    assert found["S1"].sum() > 1.5


@pytest.mark.slow
def test_a_real_sweep_of_which_the_shares_are_known(figure):
    """A capacity that is the film's inventory: shares of the variance of ln thickness."""
    spreads = {"cathode.thickness": 0.06, "cathode.site_concentration": 0.03}
    factors = {"cathode.thickness": ["0.2 um", 0.06], "anode.lithium": ["90 um", 0.1]}
    factors["cathode.site_concentration"] = ["50000 mol/m3", 0.03]
    result = sweep(
        "lco-lipon-li-constant-d",
        ["Discharge at 1 uA/cm2 until 3 V"],
        {name: {"lognormal": values} for name, values in factors.items()},
        method="saltelli",
        points=LEAST,
        numerics=Numerics(points=20, rtol=1e-5, atol=1e-7),
    )
    table = result.sensitivity.query("Answer == 'Discharge capacity [uA.h.cm-2]'")
    table = table.set_index(table["Factor"].str.partition(" ")[0])
    variance = sum(s**2 for s in spreads.values())
    for name, s in spreads.items():
        row, share = table.loc[name], s**2 / variance
        claim = f"Sweep of a thin film, {5 * LEAST} cases: ST of {name}"
        figure(claim, row["ST"], about=(share, 0.1))
        assert abs(row["S1"] - share) < row["S1 (95 %)"] + 0.02
    assert abs(table.loc["anode.lithium", "ST"]) < 1e-6
    assert (table["Points"] == 5 * LEAST).all() and len(result.cases) == 5 * LEAST


@pytest.mark.parametrize("method", ["sobol", "latin hypercube"])
def test_intervals_of_few_points_hold_the_index(figure, method):
    """64 and 256 points, of which few methods know that they are not random."""
    for points in (64, 256):
        off, held = [], []
        for seed in range(40):
            engine = stats.qmc.Sobol if method == "sobol" else stats.qmc.LatinHypercube
            u = engine(3, rng=seed).random(points)
            y = ishigami(u)
            share, half = np.array([first_order(x, y) for x in u.T]).T
            off.append(share - FIRST)
            held.append(np.abs(share - FIRST) <= half)
        claim = f"Ishigami, {points} points ({method}): "
        bias = np.abs(np.mean(off, axis=0)).max()
        figure(claim + "bias of the first-order indices", bias, at_most=0.08)
        share = 100 * np.mean(held, axis=0).min()
        claim += "95 % intervals that hold the index, of 40"
        figure(claim, share, about=(97, 3.5), unit="%")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Ishigami", "product"])
def test_intervals_of_a_design_hold_the_index(figure, name):
    """They are bootstrapped as if its points were random: not too narrow, often wide."""
    slopes = np.array([3.0, 2.0, 1.0])  # of a product of 1 + a (u - 1/2)
    parts = slopes**2 / 12
    whole = np.prod(1 + parts) - 1
    exact = {
        "Ishigami": (ishigami, FIRST, TOTAL),
        "product": (
            lambda u: np.prod(1 + slopes * (u - 0.5), axis=1),
            parts / whole,
            parts / (1 + parts) * np.prod(1 + parts) / whole,
        ),
    }
    of, first, total = exact[name]
    cube_of = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    held = []
    for seed in range(100):
        u = sample(cube_of, LEAST, calc_second_order=False, scramble=True, seed=seed)
        found = of_design(of(u), 3)
        held.append(
            [
                np.abs(found[index] - truth) <= found[f"{index} (95 %)"]
                for index, truth in (("S1", first), ("ST", total))
            ]
        )
    figure(
        f"{name}, Saltelli's design of {LEAST}: 95 % intervals that hold the index",
        100 * np.mean(held, axis=0).min(),
        about=(96, 4),
        unit="%",
    )

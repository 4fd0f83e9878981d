"""The benchmarks run, and their reference is right: exact solution, tfbsim."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfbsim

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def benchmarks():
    """The modules problem and reference."""
    sys.path.insert(0, str(FOLDER))
    try:
        import problem
        import reference
    finally:
        sys.path.remove(str(FOLDER))
    return problem, reference


@pytest.fixture(scope="module")
def compiled(benchmarks):
    """The modules, where a C compiler is."""
    if benchmarks[1].compiler() is None:
        pytest.skip("no C compiler")
    return benchmarks


@pytest.fixture(scope="module")
def conditions(benchmarks):
    """Thickness and current density of the shipped sweep's points."""
    return benchmarks[0].conditions(1000)


def test_exact_capacity_meets_its_limits(benchmarks):
    film = benchmarks[0].film()
    i = 1e-4 * film.one_c
    slow = film.capacity(film.thickness, i)
    # All that U(x) = 3 V leaves: 4.4 - 0.5 x - 1.5 exp((x - 1)/0.02) there
    x = slow / (benchmarks[0].FARADAY * film.sites * film.thickness) + film.x_start
    open_circuit = 4.4 - 0.5 * x - 1.5 * np.exp((x - 1) / 0.02)
    assert open_circuit == pytest.approx(3.0, abs=2e-3)
    assert film.capacity(film.thickness, 1e4 * film.one_c) == 0
    # The series for short and for long times are one function
    seconds = 0.2 * film.thickness**2 / film.diffusivity
    before, after = (
        film.surface(seconds * (1 + e), film.thickness, 1.0) for e in (-1e-12, 1e-12)
    )
    assert before == pytest.approx(after, abs=1e-12)


def test_reference_agrees_with_the_exact_solution(compiled, conditions):
    problem, reference = compiled
    exact = problem.exact(conditions)
    error = np.abs(reference.sweep(conditions) / exact - 1)
    assert np.median(error) <= 1e-6
    assert np.percentile(error, 95) <= 1e-5
    fine = reference.sweep(conditions[9::10], volumes=800, rtol=1e-9, atol=1e-11)
    assert np.abs(fine / exact[9::10] - 1).max() <= 1e-5
    # Eliminated from both ends and from one; an odd number takes another way
    for volumes in (100, 101):
        both, one = (
            reference.sweep(conditions[9::10], volumes=volumes, flags=flags)
            for flags in ((), reference.ONE_END)
        )
        assert both == pytest.approx(one, rel=1e-9)


def test_reference_agrees_with_tfbsim(compiled):
    problem, reference = compiled
    cycles = reference.cycles(2, volumes=800, rtol=1e-9, atol=1e-11)
    discharge = "Discharge at 1C until 3.0 V"
    steps = ["Charge at 1C until 4.15 V", "Hold at 4.15 V until C/20", discharge]
    result = tfbsim.simulate(
        problem.CELL,
        steps,
        cycles=2,
        conditioning=[discharge],
        numerics=tfbsim.Numerics(points=800, rtol=1e-9, atol=1e-11, grading=0),
    )
    rows = result.steps[result.steps["Cycle number"] > 0]
    charges = rows["Charge [uA.h.cm-2]"] + rows["Discharge [uA.h.cm-2]"]
    found = charges.to_numpy().reshape(2, 3) * problem.UAH_CM2
    assert found == pytest.approx(cycles, rel=3e-6)

    _, t, V = reference.discharge(problem.film().one_c, volumes=400)
    film = problem.film()
    exact = [
        film.voltage(film.surface(s, film.thickness, film.one_c), film.one_c) for s in t
    ]
    late = t > 1  # s; before, the boundary layer is thinner than two volumes
    assert V[late] == pytest.approx(np.array(exact)[late], abs=2e-5)
    assert V[-1] == pytest.approx(3.0, abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", ["sweep.py", "variable_d.py", "cycling.py", "scaling.py"]
)
def test_benchmarks_run(compiled, script):
    source = Path(tfbsim.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, FOLDER / script, "--quick"],
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "1 rounds" in done.stdout

"""The sweep by other codes, each written the way its own documentation does.

Every function returns another: points (thickness [m], current density [A/m2]), shape
(points, 2) -> capacities [C/m2].  All solve the equations of problem.py on the same even
finite volumes, surface from the quadratic through two of them and the known flux, at the
same tolerances; only :func:`stock_spm` is another cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from problem import ATOL, FALL, FARADAY, LOWER, RTOL, VOLUMES, Film, film

Solve = Callable[[np.ndarray], np.ndarray]


def _longest(f: Film, L: float, i: float) -> float:
    """A little more than the time that fills the film [s]."""
    return 1.01 * (1 - f.x_start) * FARADAY * f.sites * L / i


# --- PyBaMM ----------------------------------------------------------------------------


def _pybamm_film(pybamm, kind, falls=False, volumes=VOLUMES):
    """The film as a PyBaMM model of ``kind`` parameters: numbers, or inputs.

    Where D(x) ``falls``, of psi(x), the integral of D(x)/D, as in reference.c.
    """
    f, at_half = film(), math.exp(FALL / 4)
    L, i = kind("Thickness [m]"), kind("Current density [A.m-2]")
    D = kind("Diffusivity [m2.s-1]")
    xi = pybamm.SpatialVariable("xi", domain="film", coord_sys="Cartesian")
    x = pybamm.Variable("Stoichiometry", domain="film")
    model = pybamm.BaseModel()
    of_x = -FALL * x if falls else 1
    psi_start = -at_half / FALL * math.exp(-FALL * (f.x_start - 0.5))
    model.rhs = {x: D * of_x / L**2 * pybamm.div(pybamm.grad(x))}
    model.initial_conditions = {x: pybamm.Scalar(psi_start if falls else f.x_start)}
    slope = -i * L / (FARADAY * f.sites * D)
    none = (pybamm.Scalar(0), "Neumann")
    model.boundary_conditions = {x: {"left": (slope, "Neumann"), "right": none}}
    x_s = pybamm.BoundaryValue(x, "left")
    if falls:
        x_s = 0.5 - pybamm.log(pybamm.maximum(-FALL / at_half * x_s, 1e-12)) / FALL
    x_s = pybamm.minimum(x_s, 1 - 1e-12)
    U = 4.40 - 0.50 * x_s - 1.5 * pybamm.exp((x_s - 1) / 0.02)
    i_0 = 2 * f.i0_cathode * pybamm.sqrt(x_s * (1 - x_s))
    two = 2 * f.RT_F
    eta = two * pybamm.arcsinh(i / (2 * i_0)) + two * pybamm.arcsinh(i / 2 / f.i0_lithium)
    V = U - eta - i * f.electrolyte
    model.variables = {"Voltage [V]": V}
    model.events = [pybamm.Event("Minimum voltage [V]", V - LOWER)]
    surface = {"order": {"value": "quadratic", "gradient": "linear"}, "use bcs": True}
    return model, {
        "geometry": pybamm.Geometry({"film": {xi: {"min": 0, "max": 1}}}),
        "submesh_types": {"film": pybamm.Uniform1DSubMesh},
        "var_pts": {xi: volumes},
        "spatial_methods": {"film": pybamm.FiniteVolume({"extrapolation": surface})},
    }


def pybamm_rebuilt(falls: bool = False, volumes: int = VOLUMES) -> Solve:
    """PyBaMM, the model built anew for every point."""
    import pybamm

    f = film()

    def one(L: float, i: float) -> float:
        model, numerics = _pybamm_film(pybamm, pybamm.Parameter, falls, volumes)
        values = {
            "Thickness [m]": L,
            "Current density [A.m-2]": i,
            "Diffusivity [m2.s-1]": f.diffusivity,
        }
        simulation = pybamm.Simulation(
            model,
            parameter_values=pybamm.ParameterValues(values),
            solver=pybamm.IDAKLUSolver(rtol=RTOL, atol=ATOL, root_tol=1e-10),
            **numerics,
        )
        return i * simulation.solve([0, _longest(f, L, i)]).t[-1]

    return lambda points: np.array([one(*p) for p in points])


def pybamm_inputs(falls: bool = False, volumes: int = VOLUMES) -> Solve:
    """PyBaMM, one model, its inputs changed from point to point."""
    import pybamm

    f = film()
    model, numerics = _pybamm_film(pybamm, pybamm.InputParameter, falls, volumes)
    mesh = pybamm.Mesh(*(numerics[k] for k in ("geometry", "submesh_types", "var_pts")))
    pybamm.Discretisation(mesh, numerics["spatial_methods"]).process_model(model)
    solver = pybamm.IDAKLUSolver(rtol=RTOL, atol=ATOL, root_tol=1e-10)

    def one(L: float, i: float) -> float:
        inputs = {
            "Thickness [m]": L,
            "Current density [A.m-2]": i,
            "Diffusivity [m2.s-1]": f.diffusivity,
        }
        return i * solver.solve(model, [0, _longest(f, L, i)], inputs=inputs).t[-1]

    return lambda points: np.array([one(*p) for p in points])


def stock_spm() -> Solve:
    """PyBaMM's half-cell SPM on its default mesh, built anew for every point.

    Spheres of NMC (Xu et al., J. Electrochem. Soc. 166 (2019) A3456) behind a liquid, at
    the thickness and C-rate of each point: about the work of a discharge, not its answer.
    """
    import pybamm

    one_c = film().one_c / film().thickness

    def one(L: float, i: float) -> float:
        model = pybamm.lithium_ion.SPM({"working electrode": "positive"})
        values = model.default_parameter_values
        scale = L / values["Positive electrode thickness [m]"]
        c_rate = i / (one_c * L)
        amperes = values["Nominal cell capacity [A.h]"] * scale
        values.update(
            {
                "Positive electrode thickness [m]": L,
                "Nominal cell capacity [A.h]": amperes,
                "Current function [A]": c_rate * amperes,
            }
        )
        solver = pybamm.IDAKLUSolver(rtol=RTOL, atol=ATOL)
        simulation = pybamm.Simulation(model, parameter_values=values, solver=solver)
        return simulation.solve([0, 3 * 3600 / c_rate]).t[-1]

    return lambda points: np.array([one(*p) for p in points])


# --- Others --------------------------------------------------------------------------


def scikit_sundae() -> Solve:
    """CVODE of SUNDIALS through scikit-sundae, banded; compiled if numba is there."""
    from sksundae.cvode import CVODE

    try:
        from numba import njit
    except ImportError:

        def njit(function):
            return function

    f, n = film(), VOLUMES
    i0_p, i0_n, two, R = f.i0_cathode, f.i0_lithium, 2 * f.RT_F, f.electrolyte

    @njit
    def rhs(t, x, dxdt, data):
        rate, source, _lift, _i = data[0]
        dxdt[0] = rate * (x[1] - x[0]) + source
        dxdt[1:-1] = rate * (x[:-2] - 2 * x[1:-1] + x[2:])
        dxdt[-1] = rate * (x[-2] - x[-1])

    @njit
    def voltage(t, x, events, data):
        _rate, _source, lift, i = data[0]
        x_s = min((9 * x[0] - x[1]) / 8 + lift, 1 - 1e-12)
        U = 4.40 - 0.50 * x_s - 1.5 * np.exp((x_s - 1) / 0.02)
        cathode = np.arcsinh(i / (4 * i0_p * np.sqrt(x_s * (1 - x_s))))
        lithium = np.arcsinh(i / (2 * i0_n))
        events[0] = U - two * (cathode + lithium) - i * R - LOWER

    def ends(t, x, events, data):  # an attribute says that an event ends the solve
        voltage(t, x, events, data)

    ends.terminal = [True]
    x_start = np.full(n, f.x_start)
    p = np.empty(4)
    solver = CVODE(
        rhs,
        userdata=(p,),
        **{"rtol": RTOL, "atol": ATOL, "max_num_steps": 10_000},
        **{"linsolver": "band", "lband": 1, "uband": 1},
        **{"eventsfn": ends, "num_events": 1},
    )

    def one(L: float, i: float) -> float:
        h = L / n
        p[:] = f.diffusivity / h**2, i / (FARADAY * f.sites * h), 0, i
        p[2] = 0.375 * h * i / (FARADAY * f.sites * f.diffusivity)
        return i * solver.solve([0, _longest(f, L, i)], x_start).t[-1]

    return lambda points: np.array([one(*q) for q in points])


DIFFSL = """
in_i {{ rate = 1, source = 1, lift = 1, i = 1, fixed = 1 }}
A_ij {{
  (0, 0): -1,
  (0..{last}, 1..{n}): 1,
  (1..{last}, 1..{last}): -2,
  (1..{n}, 0..{last}): 1,
  ({last}, {last}): -1,
}}
face_i {{ (0): 1, (1:{n}): 0 }}
u_i {{ first = {x_start}, second = {x_start}, (2:{n}): others = {x_start} }}
spread_i {{ A_ij * u_j }}
F_i {{ rate * spread_i + source * face_i }}
x_s {{ min((9 * first - second) / 8 + lift, 0.999999999999) }}
U {{ 4.4 - 0.5 * x_s - 1.5 * exp((x_s - 1) / 0.02) }}
V {{ U - {two} * arcsinh(i / ({four_i0} * sqrt(x_s * (1 - x_s)))) - fixed }}
stop_i {{ V - {lower} }}
out_i {{ V }}
"""


def pydiffsol() -> Solve:
    """Diffsol through pydiffsol: DiffSL by hand, compiled by LLVM; BDF, sparse."""
    import pydiffsol

    f, n = film(), VOLUMES
    numbers = {"x_start": f.x_start, "two": 2 * f.RT_F, "four_i0": 4 * f.i0_cathode}
    ode = pydiffsol.Ode(
        DIFFSL.format(n=n, last=n - 1, lower=LOWER, **numbers),
        matrix_type=pydiffsol.faer_sparse,
        ode_solver=pydiffsol.bdf,
    )
    ode.rtol, ode.atol = RTOL, ATOL

    def one(L: float, i: float) -> float:
        h, per_flux = L / n, 1 / (FARADAY * f.sites)
        fixed = i * f.electrolyte + 2 * f.RT_F * np.arcsinh(i / (2 * f.i0_lithium))
        lift = 0.375 * h * i * per_flux / f.diffusivity
        p = np.array([f.diffusivity / h**2, i * per_flux / h, lift, i, fixed])
        return i * ode.solve(p, _longest(f, L, i)).ts[-1]

    return lambda points: np.array([one(*q) for q in points])

"""Gauss-Lobatto elements: their order, what they conserve, and the shortest times.

Against exact solutions, and on the shipped cells against finer elements and volumes.
"""

from __future__ import annotations

import json

import numpy as np
import pybamm
import pytest
from scipy.linalg import expm

import tfbsim
from tfbsim.errors import InputError
from tfbsim.materials.laws import FARADAY
from tfbsim.numerics import Numerics
from tfbsim.physics.elements import ElementSubMesh, SpectralElements
from tfbsim.physics.mesh import submesh
from tfbsim.solver.engine import engine
from tfbsim.solver.trace import MINIMUM_VOLTAGE, Request

FILM = "film"
XI = pybamm.SpatialVariable("xi", domain=[FILM], coord_sys="cartesian")


def discretised(count, order, grading, law, faces):
    """The mesh and dx/dt = d2/dxi2 law(x), d/dxi law(x) at the faces given."""
    x = pybamm.Variable("x", domain=FILM)
    potential = law(x)
    model = pybamm.BaseModel()
    model.rhs = {x: pybamm.div(pybamm.grad(potential))}
    model.initial_conditions = {x: pybamm.PrimaryBroadcast(0, FILM)}
    slopes = (pybamm.Scalar(value) for value in faces)
    model.boundary_conditions = {
        potential: {
            side: (slope, "Neumann")
            for side, slope in zip(("left", "right"), slopes, strict=True)
        }
    }
    elements = pybamm.MeshGenerator(ElementSubMesh, {"order": order, "grading": grading})
    geometry = {FILM: {XI: {"min": 0, "max": 1}}}
    mesh = pybamm.Mesh(geometry, {FILM: elements}, {XI: count * order + 1})
    pybamm.Discretisation(mesh, {FILM: SpectralElements()}).process_model(model)

    def rates(x):
        return model.concatenated_rhs.evaluate(t=0, y=x[:, None])[:, 0]

    return mesh[FILM], rates


def constant_flux(xi, tau):
    """x for a unit flux in at 0, none at 1 (Crank, eq. 4.55), from tau = 0.05 on."""
    m = np.arange(1, 40)[:, None]
    waves = np.exp(-((m * np.pi) ** 2) * tau) * np.cos(m * np.pi * xi) / m**2
    return tau + (3 * (1 - xi) ** 2 - 1) / 6 - 2 / np.pi**2 * waves.sum(axis=0)


def errors(count, order, grading=0.0, tau=0.05):
    """Of the profile, rms, and of the face, exact in time."""
    mesh, rates = discretised(count, order, grading, lambda x: 1 * x, (-1.0, 0.0))
    size = mesh.npts
    forcing = rates(np.zeros(size))
    A = np.column_stack([rates(e) - forcing for e in np.eye(size)])
    whole = np.zeros((size + 1, size + 1))
    whole[:size, :size], whole[:size, -1] = A * tau, forcing * tau
    x = expm(whole)[:size, -1]
    miss = x - constant_flux(mesh.nodes, tau)
    return np.sqrt(mesh.weights @ miss**2), abs(miss[0])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_order_of_convergence_with_the_width(order, figure):
    """2 p at a node that elements share, p + 2 at all nodes."""
    coarse, fine = (np.array(errors(count, order)) for count in (8, 16))
    profile, face = np.log2(coarse / fine)
    claim = f"Elements of order {order}: order of the error at the nodes, rms"
    figure(claim, profile, about=(order + 2, 0.1))
    claim = f"Elements of order {order}: order of the error of the surface"
    figure(claim, face, about=(2 * order, 0.2))


def test_convergence_with_the_order(figure):
    """Two elements: by an order of magnitude for each of p, to rounding."""
    found = [errors(2, order)[1] for order in range(2, 9)]
    steps = np.array(found[1:]) / found[:-1]
    figure(
        "Two elements: error of the surface at order p + 1 over p",
        steps.max(),
        at_most=0.5,
    )
    figure(
        "Two elements: the same, mean of p = 2 to 8",
        np.exp(np.log(steps).mean()),
        at_most=0.05,
    )
    figure(
        "Two elements of order 10: error of the surface", errors(2, 10)[1], at_most=1e-13
    )


def test_fluxes_are_conserved_to_rounding(figure):
    """Whatever the profile: lithium changes by what the faces let in and out."""
    rng = np.random.default_rng(5)
    law = lambda x: x**3 / 3 + pybamm.exp(2 * x)  # noqa: E731
    mesh, rates = discretised(8, 6, 7.5, law, (-0.7, 0.4))
    for _ in range(20):
        x = rng.uniform(0, 1, mesh.npts)
        found = rates(x)
        lost = mesh.weights @ found - (0.4 + 0.7)
        scale = mesh.weights @ np.abs(found)
        figure(
            "Rough profiles: flux lost, of all that moves", lost / scale, at_most=1e-13
        )


def test_a_mesh_goes_through_json():
    mesh, _ = discretised(3, 4, 2.0, lambda x: 1 * x, (0.0, 0.0))
    again = ElementSubMesh._from_json(json.loads(json.dumps(mesh.to_json())))
    for name in ("nodes", "edges", "weights", "ends"):
        assert np.array_equal(getattr(again, name), getattr(mesh, name)), name
    assert again.npts == mesh.npts == 13


def test_method_and_mesh_go_through_pybamms_json():
    method = tfbsim.ThinFilmCell().default_spatial_methods["cathode"]
    for one, kind in (
        (method, pybamm.SpatialMethod),
        (submesh(Numerics()), pybamm.MeshGenerator),
    ):
        again = kind.from_config(json.loads(json.dumps(one.to_config())))
        assert type(again) is type(one)
        assert again.to_config() == one.to_config()


def test_another_mesh_is_refused():
    with pytest.raises(InputError, match="mesh: spheres is none; it is elements or vol"):
        Numerics(mesh="spheres")


def test_points_of_a_user_are_made_up_to_whole_elements():
    """PyBaMM's var_pts may be any number."""
    model = tfbsim.ThinFilmCell()
    (xi,) = model.default_var_pts
    simulation = pybamm.Simulation(model, var_pts={xi: 50})
    simulation.build()
    assert simulation.mesh["cathode"].npts == 55


# --- The shortest times -----------------------------------------------------------------


@pytest.mark.parametrize("ratio", [300, 1000, 2000, 5000])
def test_time_of_sand(ideal, figure, ratio):
    """The surface of a constant D fills after pi D (F c dx/2 i)^2 (Crank, eq. 3.33).

    ``ratio`` is i L/(F c D); at 5000 the boundary layer is 2e-4 of the film by then.
    """
    p = ideal.cathode
    unit = FARADAY * p.c_sites * p.diffusivity.value / float(p.thickness)  # A/m2
    i, dx = ratio * unit, 0.4
    solver = engine(ideal.structure, Numerics())
    request = Request(
        mode="current",
        target=i * float(ideal.area),
        duration=1.0,
        state=solver.uniform(0.5, 1e3),
        parameters=ideal.parameters(),
        lower=4.5 - (0.5 + dx),
    )
    trace = solver.run(request)
    assert trace.event == MINIMUM_VOLTAGE
    sand = np.pi * p.diffusivity.value * (FARADAY * p.c_sites * dx / 2 / i) ** 2
    claim = f"Time of Sand at i L/(F c D) = {ratio}"
    figure(claim, 100 * (trace.t[-1] / sand - 1), at_most=0.5, unit="%")


def test_a_surface_that_fills_in_milliseconds(figure):
    """As 2000 and 3000 graded volumes have it."""
    result = tfbsim.simulate("nmc811-lipon-li", ["Discharge at 5C until 0.5 V"])
    curve = result.curves.isel(case=0, cycle=0)
    V, t = curve["Voltage [V]"].values, curve["Time [s]"].values
    assert result.as_asked and V[-1] == pytest.approx(0.5, abs=1e-5)
    figure("NMC811 as made, 5C: first voltage", V[0], about=(1.432, 0.0005), unit="V")
    figure("The same: time to 0.5 V", 1e3 * t[-1], about=(5.254, 0.02), unit="ms")


@pytest.mark.parametrize(
    ("numerics", "rate", "resolved"),
    [
        (Numerics(), 5, True),
        (Numerics(), 50, False),
        (Numerics(points=1200), 50, True),
        (Numerics(points=150), 5, False),
        (Numerics(mesh="volumes"), 5, False),
    ],
)
def test_a_layer_finer_than_the_mesh_is_told(numerics, rate, resolved):
    steps = [f"Discharge at {rate}C until 0.5 V", "Charge at 1C until 4.3 V"]
    result = tfbsim.simulate("nmc811-lipon-li", steps, numerics=numerics)
    first, second = result.cases[0].steps
    assert ("finer than the mesh" not in first["Detail"]) == resolved
    assert not second["Detail"]


FINE = Numerics(points=2400, rtol=1e-9, atol=1e-11)
TURNS = {
    "lco-lipon-li-danilov2011": [
        "Discharge at 51.2C until 3 V",
        "Charge at 51.2C until 4.2 V",
    ],
    "lco-lipon-li-raijmakers2020": [
        "Charge at 1C until 4.2 V",
        "Discharge at 6C until 3 V",
    ],
    "nmc811-lipon-li": ["Charge at 4C until 4.3 V", "Discharge at 4C until 1.5 V"],
}


@pytest.mark.parametrize("name", TURNS)
def test_first_instants_after_a_reversal_and_of_a_rest(name, figure):
    """From a millisecond on; a cell as made, a reversal, a rest."""
    steps = [*TURNS[name], "Rest for 10 minutes"]
    found = []
    for numerics in (Numerics(), FINE):
        curve = tfbsim.simulate(name, steps, numerics=numerics).curves.isel(
            case=0, cycle=0
        )
        columns = ("Step number", "Time [s]", "Voltage [V]")
        found.append([curve[column].values for column in columns])
    after = np.geomspace(1e-3, 10.0, 200)
    for number, what in ((1, "a step as made"), (2, "a reversal"), (3, "a rest")):
        V = []
        for step, t, voltage in found:
            here = step == number
            V.append(np.interp(after, t[here] - t[here][0], voltage[here]))
        worst = 1e3 * np.abs(V[0] - V[1]).max()
        claim = f"First ten seconds of {what}, from 1 ms on, {name}"
        figure(claim, worst, at_most=0.2, unit="mV")

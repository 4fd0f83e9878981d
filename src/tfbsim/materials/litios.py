"""Titanium oxysulfide, Li_xTiO0.5S2.1, x from 0 to 1.2, as sputtered films have it.

Cycled between 1 and 3 V; a review prints 64 uA h/cm2/um for Li1.2TiO0.5S2.1.

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film

MATERIAL = Material(
    "LiTiOS",
    "Li_xTiO0.5S2.1, sputtered titanium oxysulfide film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(2.6, 2.1, 1.6),
                X=(0.4, 0.5, 0.3),
                omega=(4.0, 5.0, 5.0),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 1.2",
        ),
        "density": Value(
            "2.7 g/cm3", "assumed: between TiS2 and TiO2, of a film that is not dense"
        ),
        "molar_mass": Value(
            "131.54 g/mol", "derived: Li1.2TiO0.5S2.1, standard atomic masses"
        ),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.6),
    },
    {
        "capacity": Value("242.2 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("1.0 V", "assumed"),
        "upper_voltage": Value("3.0 V", "assumed"),
        "film_capacity": of_a_film("64 uA h/cm2/um", "sputtered"),
    },
)

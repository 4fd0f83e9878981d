"""Molybdenum oxide, Li_xMoO3-y, x from 0 to 1.5, as sputtered films have it.

The crystal takes its lithium near 2.75 and 2.35 V (Tsumura and Inagaki, Solid State
Ionics 104 (1997) 183); films are cycled between 1.5 and 3.5 V.

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.  The branches of
charge and discharge lie apart; no printed distance was found, so that none is given:
`hysteresis` of the film in a cell file takes one's own.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film

MATERIAL = Material(
    "MoO3",
    "Li_xMoO3-y, sputtered film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(2.75, 2.35, 1.9),
                X=(0.5, 0.5, 0.5),
                omega=(3.0, 3.5, 4.5),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 1.5",
        ),
        "density": Value("4.69 g/cm3", "published: crystal"),
        "molar_mass": Value("143.95 g/mol", "derived: MoO3, standard atomic masses"),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.75),
    },
    {
        "capacity": Value("276.4 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("1.5 V", "assumed"),
        "upper_voltage": Value("3.5 V", "assumed"),
        "film_capacity": of_a_film("125 uA h/cm2/um", "sputtered"),
    },
)

"""Lithium-rich manganese oxide, Li_xMn0.54Ni0.13Co0.13O2, x from 0 to 1.2.

As cycled after its first charge: sloping between about 4.4 and 3.2 V.

Open-circuit potential: assumed, no curve with its numbers was found in a printed source.
Smooth sites through the voltages named here; their widths are assumed.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film

MATERIAL = Material(
    "LMRO",
    "Li_xMn0.54Ni0.13Co0.13O2, lithium-rich",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(4.4, 3.75, 3.25),
                X=(0.35, 0.4, 0.45),
                omega=(4.0, 4.5, 4.5),
            ),
            "assumed: smooth through the voltages named in its file",
            "0 <= x <= 1.2",
        ),
        "density": Value("4.2 g/cm3", "assumed: layered oxides of manganese"),
        "molar_mass": Value(
            "85.28 g/mol", "derived: Li1.2Mn0.54Ni0.13Co0.13O2, standard atomic masses"
        ),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: of the order of sputtered oxide films",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.6),
    },
    {
        "capacity": Value("374.7 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("2.5 V", "assumed"),
        "upper_voltage": Value("4.8 V", "assumed"),
        "film_capacity": of_a_film("33.7 uA h/cm2/um", "sputtered"),
        "film_shortfall": Value("no reason printed there", "published: the same table"),
    },
)

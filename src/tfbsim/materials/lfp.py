"""Lithium iron phosphate, Li_xFePO4, x from 0 to 1.

Open-circuit potential: one function of x with a plateau at 3.40 V that falls by 20 mV
from end to end; mean of charge and discharge, without hysteresis.
LiFePO4 separates into two phases.  A planar film with this U(x) is single-phase: it shows
the voltage and the capacity of the plateau, no boundary that moves between two phases.
"""

from .laws import Constant, Exponentials
from .material import Material, Value, kinetics_of_lco, of_atoms

AFSHAR = "Afshar et al., arXiv:1709.03970 (2017)"

MATERIAL = Material(
    "LFP",
    "Li_xFePO4",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            Exponentials(
                polynomial=(3.4077, -0.020269),
                terms=((0.5, 0.0, -1 / 150), (-0.9, 1.0, 1 / 30)),
                valid=(0.0, 1.0),
            ),
            f"published: {AFSHAR}",
            "0 <= x <= 1",
        ),
        "density": Value("3.598 g/cm3", "derived: 22,806 mol/m3 of Prada et al. 2013"),
        "molar_mass": of_atoms("157.757", "LiFePO4"),
        "diffusivity": Value(
            Constant(5.9e-18),
            "published: Prada et al., J. Electrochem. Soc. 160 (2013) A616",
            "particles of a commercial cell; one value for all x",
        ),
        **kinetics_of_lco(0.5),
    },
    {
        "capacity": Value("169.9 mA h/g", "derived: one lithium a formula"),
        "lower_voltage": Value("2.5 V", "assumed: just above U(1) = 2.49 V"),
        "upper_voltage": Value("3.9 V", "assumed: just below U(0) = 3.91 V"),
        "film_capacity": Value(
            "14.6 uA h/(cm2 um)",
            "published: Table 6 of a 2026 review of thin-film cells; sputtered and PLD",
            "24 % of theory: a cell file says so by its utilisation",
        ),
        "film_shortfall": Value("no reason printed there", "published: the same table"),
    },
)

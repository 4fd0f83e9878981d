"""Lithium cobalt oxide, Li_xCoO2, dense films, x from about 0.5 to 1.

U(x) reads 80-100 mV high near x = 0.5 and has a pole at x = 1.0037.  The exchange current
is the size that reproduces the measured plateau overpotentials of the same cell.  The
activation energies are within what is reported for LiCoO2 films; set your own where
temperature matters.
"""

from .laws import Constant, Rational
from .material import Material, Value, of_atoms

POTENTIAL = Rational(
    numerator=(
        *(-219.027, 0.0, 322.003, 0.0, -198.242, 0.0),
        *(354.911, 0.0, -467.807, 0.0, 207.168),
    ),
    denominator=(
        *(-44.337, 0.0, 36.643, 0.0, -3.430, 0.0),
        *(113.081, 0.0, -182.567, 0.0, 80.3097),
    ),
    valid=(0.5, 0.999),
)

MATERIAL = Material(
    "LCO",
    "Li_xCoO2, dense film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            POTENTIAL,
            "published: Fabre et al., J. Electrochem. Soc. 159 (2012) A104",
            "0.5 <= x <= 0.999",
        ),
        "density": Value("5.05 g/cm3", "published: crystal"),
        "molar_mass": of_atoms("97.87", "LiCoO2"),
        "diffusivity": Value(
            Constant(1.76e-15),
            "published: Danilov et al., J. Electrochem. Soc. 158 (2011) A215",
            "0.5 < x < 1, 25 degC",
        ),
        "diffusivity_activation_energy": Value("0.30 eV", "assumed"),
        "exchange_current": Value(
            "0.95 mA/cm2",
            "derived: plateau overpotentials of the same cell (0.9-1.0 mA/cm2)",
            "25 degC",
        ),
        "exchange_current_stoichiometry": Value(0.5, "derived: as exchange_current"),
        "exchange_current_activation_energy": Value("0.50 eV", "assumed"),
    },
    {
        "capacity": Value("123.0 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("3.5 V", "assumed: near the low end of U(x)"),
        "upper_voltage": Value("4.2 V", "assumed: as cells of it are charged to"),
        "film_capacity": Value(
            "58 uA h/(cm2 um)",
            "published: Table 6 of a 2026 review of thin-film cells; sputtered and PLD",
            "crystalline above 500 degC: 64",
        ),
        "thermal_conductivity": Value(
            "5.4 W/(m K)",
            "published: Cho et al., Nat. Commun. 5 (2014) 4035; sputtered film",
            "x = 1; 3.7 at x = 0.6",
        ),
    },
)

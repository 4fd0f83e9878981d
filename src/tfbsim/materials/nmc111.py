"""Lithium nickel manganese cobalt oxide, Li_xNi1/3Mn1/3Co1/3O2, x from 0.31 to 0.98.

Open-circuit potential: five sites fitted to a printed function of a layered oxide, 0.9 mV
rms, 5.8 mV at most.  Its variable runs over 35,380 mol/m3, the lithium between its own
limits; here x = 1 - (1 - s) 35380/c_sites counts all lithium.  That the oxide of this
source is of this composition was not verified: others call its cell one of NMC532.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film, of_atoms

MOHTAT = "Mohtat et al., J. Electrochem. Soc. 167 (2020) 110561"

MATERIAL = Material(
    "NMC111",
    "Li_xNi1/3Mn1/3Co1/3O2",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(4.4988, 4.1006, 3.9088, 3.7445, 3.7388),
                X=(0.4326, 0.1034, 0.1116, 0.0331, 0.3193),
                omega=(11.0232, 3.8823, 2.637, 0.4141, 1.9253),
            ),
            f"fitted: function of {MOHTAT}, as PyBaMM has it, stretched "
            "from 35,380 mol/m3 to all sites; composition not verified",
            "0.305 <= x <= 0.985",
        ),
        "density": Value(
            "4.75 g/cm3", "derived: hexagonal cell, a = 2.862 and c = 14.23 angstrom"
        ),
        "molar_mass": of_atoms("96.46", "LiNi1/3Mn1/3Co1/3O2"),
        "diffusivity": Value(Constant(8e-15), f"published: {MOHTAT}", "particles"),
        **kinetics_of_lco(0.5),
    },
    {
        "capacity": Value("188.4 mA h/g", "derived: U(x) between these limits"),
        "lower_voltage": Value("3.5 V", "derived: low end of the function"),
        "upper_voltage": Value("4.29 V", "derived: high end of the function"),
        "film_capacity": of_a_film("24.6 uA h/cm2/um", "PLD, LiNiCoMnO2"),
        "film_shortfall": Value(
            "no reason printed; sputtered LiNi1/4Mn1/2Co1/3O2 has above 30, 3.0 to 5.0 V",
            "published: Ding et al., J. Electrochem. Soc. 157 (2010)",
        ),
    },
)

"""Lithium nickel manganese oxide, the 5 V spinel, Li_xNi0.5Mn1.5O4, x from 0.02 to 0.99.

Open-circuit potential: six sites fitted to the half-cell potential of Pron et al. 2019,
1.8 mV rms, 5.3 mV at most, over 0.0189 <= x <= 0.9896.  Their last point, 3.556 V at
x = 0.99986, is left out: it is an end point of the measurement.  Beyond that range the
law goes on as the tails of its sites.
Mao et al., ACS Omega 5 (2020) 4109, print 12 points, 4.681 V at x = 0.5 where Pron et al.
have 4.750 V.  The latter are chosen for their 96 points, which resolve both plateaus.
Both plateaus are of two phases: a planar film with this U(x) is single-phase and shows
their voltage and capacity, no moving boundary.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, of_a_film, of_atoms

PRON = "Pron et al., J. Electrochem. Soc. 166 (2019) A2255"

MATERIAL = Material(
    "LNMO",
    "Li_xNi0.5Mn1.5O4, the 5 V spinel",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(4.7835, 4.7588, 4.7423, 4.6714, 4.2624, 4.0700),
                X=(0.2927, 0.2701, 0.2690, 0.0869, 0.0206, 0.0607),
                omega=(0.186, 1.117, 0.221, 3.555, 2.085, 1.988),
            ),
            f"fitted: {PRON}; 4.750 V at x = 0.5, where Mao et al., ACS Omega 5 (2020) "
            "4109, have 4.681 V",
            "0.0189 <= x <= 0.9896",
        ),
        "density": Value(
            "4.45 g/cm3", "published: Mao et al., ACS Omega 5 (2020) 4109", "crystal"
        ),
        "molar_mass": of_atoms("182.69", "LiNi0.5Mn1.5O4"),
        "diffusivity": Value(
            Constant(1e-15), "assumed: of the order of films of LiMn2O4", "all x"
        ),
        "exchange_current": Value(
            "3.38 mA/cm2",
            "derived: R T/(F R_ct) of 7.6 ohm cm2 between Li3PO4 and an epitaxial film, "
            "Kawasoko et al., ACS Appl. Mater. Interfaces 10 (2018) 27498",
            "25 degC",
        ),
        "exchange_current_stoichiometry": Value(0.5, "assumed: as exchange_current"),
    },
    {
        "capacity": Value(
            "142.4 mA h/g", "derived: x = 0.0189 and 0.9896 at these limits in Pron 2019"
        ),
        "lower_voltage": Value("3.989 V", f"derived: low end of the fitted part, {PRON}"),
        "upper_voltage": Value("4.857 V", f"derived: high end of the curve, {PRON}"),
        "film_capacity": of_a_film("122 mA h/g", "PLD"),
        "film_shortfall": Value("no reason printed there", "published: the same table"),
    },
)

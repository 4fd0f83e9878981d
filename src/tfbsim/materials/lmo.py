"""Lithium manganese oxide, the 4 V spinel, Li_xMn2O4, x from 0.15 to 1.

Open-circuit potential: five sites fitted to the printed function of Doyle et al. 1996,
1.7 mV rms, 4.5 mV at most, over 0.15 <= x <= 0.995.  The highest site, 5.36 V and a width
of 19, carries the potential on to x = 0: a continuation beyond the source.  The second
lithium at 2.9 V is not in it.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_atoms, window

DOYLE = "Doyle et al., J. Electrochem. Soc. 143 (1996) 1890"

MATERIAL = Material(
    "LMO",
    "Li_xMn2O4, the 4 V spinel",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(5.3558, 4.1792, 4.1143, 4.0310, 3.9767),
                X=(0.1747, 0.0404, 0.2834, 0.2715, 0.2300),
                omega=(18.746, 5.202, 0.190, 2.226, 0.423),
            ),
            f"fitted: {DOYLE}",
            "0.15 <= x <= 0.995; continued below",
        ),
        "density": Value("4.134 g/cm3", f"derived: 22,863 mol/m3 of {DOYLE}"),
        "molar_mass": of_atoms("180.81", "LiMn2O4"),
        "diffusivity": Value(
            Constant(1e-15),
            f"assumed: films have 1e-16 to 1e-15; bulk 1e-13, {DOYLE}",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(0.5),
    },
    {
        **window(
            "122.2",
            "3.5 V",
            "4.3 V",
            "assumed: end of the 4 V plateau",
            "derived: the printed function at these limits",
        ),
        "film_capacity": Value(
            "36 uA h/(cm2 um)",
            "published: a 2026 review of thin-film cells; Jayanth Babu et al., Mater. "
            "Sci. Appl. 4 (2013) 105",
            "sputtered",
        ),
        "film_shortfall": Value(
            "made at 300 degC on polyimide, cycled in an aqueous electrolyte",
            "published: Jayanth Babu et al., Mater. Sci. Appl. 4 (2013) 105",
        ),
    },
)

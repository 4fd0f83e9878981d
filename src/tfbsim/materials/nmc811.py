"""NMC811, Li_xNi0.8Mn0.1Co0.1O2, dense films, x from about 0.1 to 2 (1.5-4.7 V).

Open-circuit potential: multi-site law, one list for both lithium, widths at 25 degC.

- First lithium, 3.57-4.29 V: four sites fitted to the OCP of Chen et al., J. Electrochem.
  Soc. 167 (2020) 080534, 1.7 mV rms, 6 mV at most.  x is theirs: 0.26 at 4.3 V.
- Above 4.3 V: one site, assumed; it gives about 30 mAh/g up to 4.7 V.
- Background: 1 % of all sites, omega = 15, assumed; it bounds dU/dx to about -100 V, so
  that the gap between the first and the second lithium can be solved.
- Second lithium: two equal sites of ideal width (assumed) at 2.0 and 1.6 V, where Aribia
  et al., Adv. Energy Mater. 12 (2022) 2201750, see peaks of dQ/dV at C/10.

Diffusivity: constant up to x = 1.5, then log10 D falls smoothly to x = 2 as the last site
fills; fitted, with the utilisation of that cell, to four capacities of a sputtered 600 nm
film (Aribia et al. 2022), 30 degC.  Were those good to 5 %, D would be known to 0.04
decades up to x = 1.5 and to about one decade at x = 2.
Exchange current density: from the 300 ohm cm2 of the same cell and that utilisation,
0.789: R T/(F i_0)/u_A.  Density: the same film (a crystal has about 4.8 g/cm3).
Activation energies: as for LiCoO2 films; set your own where temperature matters.

The fit is models/nmc811-lipon-li.fit.py.
"""

from .laws import MultiSite, Table
from .material import Material, Value, of_atoms, window

POTENTIAL = MultiSite(
    #  first lithium                  | 4.3 V + | gap  | second lithium
    U=(3.5727, 3.7264, 4.0158, 4.1805, 4.7500, 2.80, 2.0, 1.6),
    X=(0.1702, 0.2051, 0.3030, 0.0596, 0.2521, 0.02, 0.495, 0.495),
    omega=(1.298, 1.764, 3.782, 0.408, 4.0, 15.0, 1.0, 1.0),
)

DIFFUSIVITY = Table((0.0, 1.5, 2.0), (3.05e-16, 3.05e-16, 8.93e-19), logarithmic=True)

MATERIAL = Material(
    "NMC811",
    "Li_xNi0.8Mn0.1Co0.1O2, dense film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            POTENTIAL,
            "fitted:  Chen et al., J. Electrochem. Soc. 167 (2020) 080534; "
            "gap and ends assumed",
            "0.1 <= x <= 2",
        ),
        "density": Value(
            "3.8 g/cm3", "published: Aribia et al., Adv. Energy Mater. 12 (2022) 2201750"
        ),
        "molar_mass": of_atoms("97.28", "LiMO2"),
        "diffusivity": Value(
            DIFFUSIVITY, "fitted:  Aribia et al. 2022", "0.1 <= x <= 2, 30 degC"
        ),
        "diffusivity_activation_energy": Value("0.30 eV", "assumed"),
        "exchange_current": Value(
            "0.1104 mA/cm2", "fitted:  Aribia et al. 2022", "30 degC"
        ),
        "exchange_current_stoichiometry": Value(
            0.4767, "derived: U = 4 V, as exchange_current"
        ),
        "exchange_current_activation_energy": Value("0.50 eV", "assumed"),
    },
    {
        **window(
            "201.8",
            "3.0 V",
            "4.3 V",
            "published: Aribia et al. 2022",
            "derived: U(x) between these limits, the first lithium",
        )
    },
)

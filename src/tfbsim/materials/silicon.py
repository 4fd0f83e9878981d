"""Amorphous silicon, Li_xSi, x from 0.04 to 3.68, as a film of constant area.

Open-circuit potential: five sites fitted to the mean of the two branches of a printed
function, 0.6 mV rms, 6.2 mV at most; the branches lie 0.05 to 0.18 V to either
side of it: a cell file takes that in as its film's `hysteresis`.  x = 3.75 (Li15Si4) is
full.  The film grows to almost four times its thickness as it fills; here it keeps its
thickness.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_atoms, window

VERBRUGGE = "Verbrugge et al., J. Electrochem. Soc. 163 (2016) A262"

MATERIAL = Material(
    "Si",
    "Li_xSi, amorphous silicon film",
    ("cathode",),
    {
        "open_circuit_potential": Value(
            MultiSite(
                U=(0.828, 0.6273, 0.3411, 0.195, 0.1671),
                X=(0.0634, 0.3367, 2.3509, 0.5598, 0.4392),
                omega=(1.7143, 3.487, 2.502, 1.3394, 0.3957),
            ),
            f"fitted: mean of the branches of {VERBRUGGE}, as PyBaMM "
            "has them in Chen2020_composite; their distance is left out",
            "0.04 <= x <= 3.68",
        ),
        "density": Value(
            "2.33 g/cm3", "published: crystal; amorphous films are a few per cent lighter"
        ),
        "molar_mass": of_atoms("28.086", "Si"),
        "diffusivity": Value(
            Constant(1e-16),
            "assumed: values in the literature span 1e-18 to 1e-13",
            "all x, 25 degC",
        ),
        **kinetics_of_lco(1.9),
    },
    {
        "hysteresis": Value(
            "0.09 V",
            f"derived: half the distance of the branches of {VERBRUGGE}, 0.05 to 0.18 V",
        ),
        **window("3473", "0.08 V", "0.85 V"),
    },
)

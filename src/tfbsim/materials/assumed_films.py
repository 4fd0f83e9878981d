"""Insertion films whose potential is assumed: none with its numbers was found in print.

U(x) is smooth sites through the voltages said here, of widths that are assumed:

- LMRO, as cycled after its first charge, slopes between about 4.4 and 3.2 V.
- LiTiOS is cycled between 1 and 3 V; a review prints 64 uA h/cm2/um for Li1.2TiO0.5S2.1.
- MoO3: the crystal takes its lithium near 2.75 and 2.35 V (Tsumura and Inagaki, Solid
  State Ionics 104 (1997) 183); films are cycled between 1.5 and 3.5 V.  The branches of
  charge and discharge lie apart; no printed distance was found, so that none is given:
  `hysteresis` of the film in a cell file takes one's own.
- TiO2: anatase has a plateau at 1.78 V (Wagemaker et al., Nature 418 (2002) 397);
  amorphous films slope between 1 and 3 V.
- TiS2, one phase throughout, falls evenly from about 2.5 to 1.9 V (Whittingham, Science
  192 (1976) 1126).
- V2O5: the crystal takes its lithium near 3.4, 3.2 and 2.3 V (alpha to epsilon to delta
  to gamma: Whittingham, Chem. Rev. 104 (2004) 4271); sputtered films are amorphous and
  slope.
"""

from .laws import Constant, MultiSite
from .material import Material, Value, kinetics_of_lco, of_a_film, of_atoms, window

NO_REASON = Value("no reason printed there", "published: the same table")


def _film(
    name: str,
    title: str,
    sites: MultiSite,
    density: Value,
    molar_mass: Value,
    capacity: str,
    limits: tuple[str, str],
    diffusivity: float = 1e-16,
    **data: Value,
) -> Material:
    """Return a film whose exchange current is stated at half of its sites."""
    x_max = round(sites.x_max, 9)
    potential = "assumed: smooth through the voltages named in its file"
    oxide = "assumed: of the order of sputtered oxide films"
    values = {
        "open_circuit_potential": Value(sites, potential, f"0 <= x <= {x_max:g}"),
        "density": density,
        "molar_mass": molar_mass,
        "diffusivity": Value(Constant(diffusivity), oxide, "all x, 25 degC"),
        **kinetics_of_lco(x_max / 2),
    }
    return Material(name, title, ("cathode",), values, window(capacity, *limits) | data)


MATERIALS = (
    _film(
        "LMRO",
        "Li_xMn0.54Ni0.13Co0.13O2, lithium-rich",
        MultiSite(U=(4.4, 3.75, 3.25), X=(0.35, 0.4, 0.45), omega=(4.0, 4.5, 4.5)),
        Value("4.2 g/cm3", "assumed: layered oxides of manganese"),
        of_atoms("85.28", "Li1.2Mn0.54Ni0.13Co0.13O2"),
        *("374.7", ("2.5 V", "4.8 V")),
        film_capacity=of_a_film("33.7 uA h/cm2/um", "sputtered"),
        film_shortfall=NO_REASON,
    ),
    _film(
        "LiTiOS",
        "Li_xTiO0.5S2.1, sputtered titanium oxysulfide film",
        MultiSite(U=(2.6, 2.1, 1.6), X=(0.4, 0.5, 0.3), omega=(4.0, 5.0, 5.0)),
        Value("2.7 g/cm3", "assumed: between TiS2 and TiO2, of a film that is not dense"),
        of_atoms("131.54", "Li1.2TiO0.5S2.1"),
        *("242.2", ("1.0 V", "3.0 V")),
        film_capacity=of_a_film("64 uA h/cm2/um", "sputtered"),
    ),
    _film(
        "MoO3",
        "Li_xMoO3-y, sputtered film",
        MultiSite(U=(2.75, 2.35, 1.9), X=(0.5, 0.5, 0.5), omega=(3.0, 3.5, 4.5)),
        Value("4.69 g/cm3", "published: crystal"),
        of_atoms("143.95", "MoO3"),
        *("276.4", ("1.5 V", "3.5 V")),
        film_capacity=of_a_film("125 uA h/cm2/um", "sputtered"),
    ),
    _film(
        "TiO2",
        "Li_xTiO2, amorphous film",
        MultiSite(U=(2.1, 1.75, 1.3), X=(0.15, 0.35, 0.2), omega=(5.0, 3.0, 5.0)),
        Value("3.7 g/cm3", "assumed: amorphous; anatase has 3.89"),
        of_atoms("79.87", "TiO2"),
        *("228.9", ("1.0 V", "3.0 V")),
        film_capacity=of_a_film("204 mA h/g", "sputtered, at 50 mA/g"),
    ),
    _film(
        "TiS2",
        "Li_xTiS2",
        MultiSite(U=(2.45, 2.2, 1.95), X=(0.35, 0.35, 0.3), omega=(2.2, 2.2, 2.2)),
        Value("3.24 g/cm3", "published: crystal"),
        of_atoms("112.00", "TiS2"),
        *("238.1", ("1.6 V", "2.7 V")),
        diffusivity=1e-14,
    ),
    _film(
        "V2O5",
        "Li_xV2O5",
        MultiSite(U=(3.4, 3.2, 2.3), X=(0.45, 0.55, 1.0), omega=(2.5, 2.5, 4.0)),
        Value("3.36 g/cm3", "published: crystal"),
        of_atoms("181.88", "V2O5"),
        *("293.5", ("1.8 V", "3.8 V")),
    ),
)

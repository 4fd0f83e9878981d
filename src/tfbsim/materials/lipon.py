"""LiPON, lithium phosphorus oxynitride: a glassy single-ion conductor.

With more nitrogen the activation energy falls, from 0.63 to 0.53 eV, up to a conductivity
of 1e-6 S/cm: Put et al. 2016.  Of the nitrogen-poor end they print no conductivity in the
abstract; here it has the prefactor of the other.
The density is assumed: a glass somewhat lighter than the Li3PO4 it is sputtered from.
"""

from dataclasses import replace

from .material import REVIEW, Material, Value, calculated_window

YU = "Yu et al., J. Electrochem. Soc. 144 (1997) 524"
PUT = "Put et al., ACS Appl. Mater. Interfaces 8 (2016) 7060"
TABLE = f"Table 5 of {REVIEW}"

MATERIAL = Material(
    "LiPON",
    "lithium phosphorus oxynitride, a glass",
    ("electrolyte",),
    {
        "conductivity": Value(
            "2e-6 S/cm",
            "published: Bates et al., Solid State Ionics 53-56 (1992) 647",
            "room temperature",
        ),
        "conductivity_activation_energy": Value(
            "0.55 eV", f"published: {YU}", "-25 to 140 degC"
        ),
        "density": Value("2.3 g/cm3", "assumed"),
        "window_lower": Value("0 V", f"published: {YU}", "as used"),
        "window_upper": Value("5.5 V", f"published: {TABLE}; {YU}", "as used"),
    },
    {
        "electronic_conductivity": Value(
            "1e-14 S/cm",
            f"published: {TABLE}",
            "order of magnitude; a cell leaks only where its file says so",
        ),
        "relative_permittivity": Value(
            15.0, "assumed: 13 to 17 are reported", "a cell file says where it counts"
        ),
        **calculated_window("0.68 V", "2.63 V"),
        "process_thickness": Value("1 um", "assumed: sputtered films", "0.1 to 3 um"),
    },
)


def _with(nitrogen: str, conductivity: Value, activation: str) -> Material:
    own = {
        "conductivity": conductivity,
        "conductivity_activation_energy": Value(activation, f"published: {PUT}"),
    }
    resistive = Value("1e-15 S/cm", f"published: {PUT}", "15 nm on TiN")
    return replace(
        MATERIAL,
        name=f"LiPON-N-{nitrogen}",
        title=f"LiPON with {'much' if nitrogen == 'rich' else 'little'} nitrogen",
        values={**MATERIAL.values, **own},
        data={**MATERIAL.data, "electronic_conductivity": resistive},
    )


MATERIALS = (
    _with("rich", Value("1e-6 S/cm", f"published: {PUT}", "room temperature"), "0.53 eV"),
    _with(
        "poor",
        Value("2e-8 S/cm", f"derived: prefactor of LiPON-N-rich, {PUT}", "25 degC"),
        "0.63 eV",
    ),
)

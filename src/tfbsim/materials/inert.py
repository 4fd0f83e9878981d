"""Densities of the layers that store no charge: substrates, collectors, packaging.

Room temperature, bulk [g/cm3].  304: W. D. Callister, Materials Science and Engineering,
appendix B.1.  Elements, silica (vitreous), alumina (sapphire) and mica (muscovite, 2.7 to
2.9): CRC Handbook of Chemistry and Physics.  Polyimide (Kapton HN) and parylene C: their
makers' data sheets.  Amorphous carbon lies anywhere between 1.8 and 2.4, by how it is
deposited.  Sputtered films may be a few per cent lighter than the bulk.
"""

DENSITIES = {
    "stainless steel 304": "8.00 g/cm3",
    "aluminium": "2.70 g/cm3",
    "copper": "8.96 g/cm3",
    "gold": "19.3 g/cm3",
    "nickel": "8.90 g/cm3",
    "platinum": "21.5 g/cm3",
    "titanium": "4.51 g/cm3",
    "silicon": "2.33 g/cm3",
    "silica": "2.20 g/cm3",
    "alumina": "3.98 g/cm3",
    "mica": "2.8 g/cm3",
    "amorphous carbon": "2.0 g/cm3",
    "polyimide": "1.42 g/cm3",
    "parylene C": "1.289 g/cm3",
}

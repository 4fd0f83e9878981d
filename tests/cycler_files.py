"""Files as cyclers write them, made byte by byte: the layouts that the readers document.

No file of a real instrument ships with the repository.  NEWARE .nda (version 29) follows
NewareNDA, BioLogic .mpr (data module version 2) galvani; .mpt is EC-Lab's text export.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

Array = np.ndarray


def record(area: float = 3.36) -> dict[str, Array]:
    """Charge, hold, rest, discharge of a made-up cell [s, V, mA], charge positive."""
    t1 = np.arange(0.0, 3601.0, 60)
    t2, t3 = np.arange(60.0, 1201.0, 60), np.arange(60.0, 601.0, 60)
    charge = 3.9 + 0.3 * (t1 / 3600) ** 2
    hold = 0.7 * np.exp(-t2 / 500)
    rest = 4.19 - 0.005 * t3 / 600
    discharge = 4.15 - 1.15 * (t1 / 3600) ** 3
    V = np.concatenate([charge, np.full(len(t2), 4.2), rest, discharge])
    I = np.concatenate(
        [np.full(len(t1), 0.7), hold, np.zeros(len(t3)), np.full(len(t1), -0.7)]
    )
    step = np.repeat([1, 2, 3, 4], [len(t1), len(t2), len(t3), len(t1)])
    t = np.concatenate([t1, 3600 + t2, 4800 + t3, 5400 + t1])
    step_time = np.concatenate([t1, t2, t3, t1])
    return {"t": t, "V": V, "I": I, "step": step, "step_time": step_time}


def nda(path: Path) -> None:
    """NEWARE, version 29; currents in 0.01 mA (range -100000)."""
    r = record()
    status = {1: 1, 2: 3, 3: 4, 4: 2}
    content = bytearray(b"NEWARE".ljust(2000, b"\x01"))
    content[14] = 29
    content += b"\x00\x00\x00\x00"
    for k in range(len(r["t"])):
        step = int(r["step"][k])
        row = bytearray(86)
        row[0:2] = b"\x55\x00"
        row[2:13] = struct.pack("<IIHB", k + 1, 0, step, status[step])
        current = round(float(r["I"][k]) * 1e2)
        time, voltage = round(1e3 * r["step_time"][k]), round(1e4 * r["V"][k])
        row[14:30] = struct.pack("<Qii", time, voltage, current)
        row[70:77] = struct.pack("<HBBBBB", 2026, 1, 1, 0, 0, 0)
        row[78:82] = struct.pack("<i", -100000)
        content += row
    path.write_bytes(bytes(content))


def mpr(path: Path, columns: dict[int, tuple[str, Array]] | None = None) -> None:
    """BioLogic: columns by EC-Lab's number, data module of version 2.

    Without any the record: time/s, Ewe/V and I/mA.
    """
    r = record()
    columns = columns or {4: ("<f8", r["t"]), 6: ("<f4", r["V"]), 8: ("<f4", r["I"])}
    rows = np.zeros(
        len(next(iter(columns.values()))[1]),
        dtype=[(str(k), kind) for k, (kind, _) in columns.items()],
    )
    for k, (_, values) in columns.items():
        rows[str(k)] = values
    head = bytearray(405)
    numbers = np.array([*columns], dtype="<u2").tobytes()
    head[0:4] = struct.pack("<I", len(rows))
    head[4] = len(columns)
    head[5 : 5 + len(numbers)] = numbers
    content = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\x00\x00\x00\x00"
    for name, version, data in (
        (b"VMP Set   ", 0, b"\x00" * 10),
        (b"VMP data  ", 2, bytes(head) + rows.tobytes()),
    ):
        content += b"MODULE" + name + name.ljust(25)
        content += struct.pack("<II", len(data), version) + b"01/01/26" + data
    path.write_bytes(content)


def mpt(path: Path, comma: bool = False) -> None:
    """EC-Lab's text: a counted preamble, tabs, latin-1, perhaps decimal commas."""
    r = record()
    names = "mode\ttime/s\tEwe/V\tI/mA\tTemperature/°C\tNs"
    head = ["EC-Lab ASCII FILE", "Nb header lines : 6", "", "Comments : a, b; c", ""]
    rows = [
        f"1\t{t:.6E}\t{V:.6E}\t{I:.6E}\t2.0E+01\t{n}"
        for t, V, I, n in zip(r["t"], r["V"], r["I"], r["step"], strict=True)
    ]
    text = "\r\n".join([*head, names, *rows]) + "\r\n"
    if comma:
        text = text.replace(".", ",")
    path.write_bytes(text.encode("latin-1"))


# --- Spectra: frequency from high to low [Hz], Z [Ohm], at a voltage and temperature ----


def zplot(path: Path, f: Array, Z: Array, voltage: float, celsius: float) -> None:
    """ZPlot and ZView: quoted lines of a preamble, then Freq(Hz) ... Z'(a), Z''(b)."""
    head = ['"ZPLOT2 ASCII"', '"ZPlot Data File: Version 3.2c"']
    head += [
        '"Sweep Frequency: Control Voltage"',
        f'"Open Circuit Potential (V): {voltage}"',
    ]
    head += [f'"Temperature: {celsius} C"', '"DC Potential: 0, vs. Open Circuit"']
    head += ['"End Comments"', "Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr"]
    rows = [
        f"{a:.6E}\t1E-2\t0\t{k}\t{z.real:.8E}\t{z.imag:.8E}\t0\t0"
        for k, (a, z) in enumerate(zip(f, Z, strict=True))
    ]
    path.write_text("\r\n".join([*head, *rows]) + "\r\n")


def gamry(path: Path, f: Array, Z: Array, voltage: float, celsius: float) -> None:
    """Gamry: fields of the settings, a table of the open circuit, then ZCURVE."""
    head = ["EXPLAIN", "TAG\tEISPOT", f"TEMP\tQUANT\t{celsius:.5E}\tTemperature (C)"]
    head += ["VDC\tPOTEN\t0.00000E+000\tT\tDC &Voltage (V)"]
    head += [f"EOC\tQUANT\t{voltage:.5E}\tOpen Circuit (V)", "OCVCURVE\tTABLE\t3"]
    head += ["\tPt\tT\tVf\tVm\tAch", "\t#\ts\tV vs. Ref.\tV\tV"]
    head += [f"\t{k}\t{k}\t{voltage}\t{voltage}\t0" for k in range(3)]
    head += [
        "ZCURVE\tTABLE",
        "\tPt\tTime\tFreq\tZreal\tZimag\tZsig\tZmod\tZphz\tIdc\tVdc",
    ]
    head += ["\t#\ts\tHz\tohm\tohm\tV\tohm\t°\tA\tV"]
    rows = [
        f"\t{k}\t{k}\t{a:.6E}\t{z.real:.8E}\t{z.imag:.8E}\t1\t{abs(z):.8E}"
        f"\t{np.degrees(np.angle(z)):.6f}\t1E-9\t{voltage}"
        for k, (a, z) in enumerate(zip(f, Z, strict=True))
    ]
    path.write_bytes(("\r\n".join([*head, *rows]) + "\r\n").encode("latin-1"))


def eclab(path: Path, f: Array, Z: Array, voltage: float, celsius: float) -> None:
    """EC-Lab's PEIS as text: -Im(Z), and the mean voltage and temperature of each row."""
    names = "freq/Hz\tRe(Z)/Ohm\t-Im(Z)/Ohm\t|Z|/Ohm\tPhase(Z)/deg\ttime/s\t<Ewe>/V"
    names += "\t<I>/mA\tTemperature/°C"
    head = ["EC-Lab ASCII FILE", "Nb header lines : 3"]
    rows = [
        f"{a:.6E}\t{z.real:.8E}\t{-z.imag:.8E}\t{abs(z):.8E}\t{np.angle(z, deg=True):.5f}"
        f"\t{k}\t{voltage:.6E}\t0\t{celsius}"
        for k, (a, z) in enumerate(zip(f, Z, strict=True))
    ]
    text = "\r\n".join([*head, names, *rows]) + "\r\n"
    path.write_bytes(text.encode("latin-1"))


def eclab_binary(path: Path, f: Array, Z: Array, voltage: float, celsius: float) -> None:
    """The same as .mpr, without a temperature."""
    parts = {32: f, 37: Z.real, 38: -Z.imag, 77: np.full(len(f), voltage)}
    mpr(path, {4: ("<f8", np.arange(len(f)))} | {k: ("<f4", v) for k, v in parts.items()})


def columns(path: Path, f: Array, Z: Array, voltage: float, celsius: float) -> None:
    """A table of one's own, with a line of words above it."""
    head = [f"# OCV = {1e3 * voltage:.0f} mV", f"# temperature: {celsius} degC"]
    head += ["frequency (Hz),Z real (ohm),Z imag (ohm)"]
    rows = [f"{a:.6g},{z.real:.8g},{z.imag:.8g}" for a, z in zip(f, Z, strict=True)]
    path.write_text("\n".join([*head, *rows]) + "\n")


SPECTRA = {".z": zplot, ".DTA": gamry, ".mpt": eclab, ".mpr": eclab_binary}
SPECTRA[".csv"] = columns

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


def mpr(path: Path) -> None:
    """BioLogic: time/s, Ewe/V and I/mA, data module of version 2."""
    r = record()
    head = bytearray(405)
    columns = np.array([4, 6, 8], dtype="<u2").tobytes()
    head[0:4] = struct.pack("<I", len(r["t"]))
    head[4] = 3
    head[5 : 5 + len(columns)] = columns
    rows = np.zeros(len(r["t"]), dtype=[("t", "<f8"), ("V", "<f4"), ("I", "<f4")])
    rows["t"], rows["V"], rows["I"] = r["t"], r["V"], r["I"]
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

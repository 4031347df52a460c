#!/usr/bin/env python3
"""Writes the embedded digits from a wheel of scikit-learn: python3 scripts/make_digits.py scikit_learn-1.9.1-*.whl

The wheel comes from `pip download --no-deps scikit-learn==1.9.1`. Equal wheels give equal files: IDX, compressed without
a date. `examples/pictures` gets a picture of each class that no training sees: the fifth.
"""

import gzip
import struct
import sys
import zipfile
import zlib
from pathlib import Path

PICTURES = Path(__file__).parent.parent / "examples/pictures"
OUT = Path(__file__).parent.parent / "mnas-data/assets/digits"


def main():
    wheel = zipfile.ZipFile(sys.argv[1])
    text = gzip.decompress(wheel.read("sklearn/datasets/data/digits.csv.gz")).decode()
    rows = [[int(float(value)) for value in line.split(",")] for line in text.split()]
    assert len(rows) == 1797 and all(len(row) == 65 and max(row[:64]) <= 16 and row[64] <= 9 for row in rows)
    images = struct.pack(">IIII", 0x803, len(rows), 8, 8) + bytes(value for row in rows for value in row[:64])
    labels = struct.pack(">II", 0x801, len(rows)) + bytes(row[64] for row in rows)
    for name, data in [("images-idx3-ubyte.gz", images), ("labels-idx1-ubyte.gz", labels)]:
        (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))
    for digit in range(10):
        fifth = [row[:64] for row in rows if row[64] == digit][4]
        pixels = [(value * 255 + 8) // 16 for value in fifth]
        lines = b"".join(b"\0" + bytes(pixels[8 * y : 8 * y + 8]) for y in range(8))
        (PICTURES / f"{digit}.png").write_bytes(png(8, 8, lines))
    licence = next(name for name in wheel.namelist() if name.endswith("licenses/COPYING"))
    (OUT / "LICENSE").write_bytes(wheel.read(licence))


def png(width, height, lines):
    """A grey picture of 8 bits; each line has the number of its filter before it."""
    text = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for kind, data in [(b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]:
        text += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return text


main()

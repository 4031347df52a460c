#!/usr/bin/env python3
"""Writes the embedded digits from a wheel of scikit-learn: python3 scripts/make_digits.py scikit_learn-1.9.1-*.whl

The wheel comes from `pip download --no-deps scikit-learn==1.9.1`. Equal wheels give equal files: IDX, compressed without
a date.
"""

import gzip
import struct
import sys
import zipfile
from pathlib import Path

OUT = Path(__file__).parent.parent / "mnas-train/assets/digits"


def main():
    wheel = zipfile.ZipFile(sys.argv[1])
    text = gzip.decompress(wheel.read("sklearn/datasets/data/digits.csv.gz")).decode()
    rows = [[int(float(value)) for value in line.split(",")] for line in text.split()]
    assert len(rows) == 1797 and all(len(row) == 65 and max(row[:64]) <= 16 and row[64] <= 9 for row in rows)
    images = struct.pack(">IIII", 0x803, len(rows), 8, 8) + bytes(value for row in rows for value in row[:64])
    labels = struct.pack(">II", 0x801, len(rows)) + bytes(row[64] for row in rows)
    for name, data in [("images-idx3-ubyte.gz", images), ("labels-idx1-ubyte.gz", labels)]:
        (OUT / name).write_bytes(gzip.compress(data, 9, mtime=0))
    licence = next(name for name in wheel.namelist() if name.endswith("licenses/COPYING"))
    (OUT / "LICENSE").write_bytes(wheel.read(licence))


main()

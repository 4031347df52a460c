#!/usr/bin/env python3
"""Writes tests/assets/reference.json: what PyTorch's own implementations say of the photographs.

Run once, its output is committed. Needs, besides the assets of fetch_assets.sh:
    pip install torch torchvision && pip install --no-deps efficientnet-lite-pytorch==0.1.0

A picture made by a formula is run, which tests weights and network alone; and each photograph twice. `resized` is the usual way: resize the shorter side, crop the centre. It depends on the
resampling filter. `cropped` takes the centre of the photograph as it is, so it depends on the decoder only.
"""

import json
import os
import pathlib
import sys

import PIL
import PIL.Image
import numpy
import torch
import torchvision
from torchvision.transforms import InterpolationMode, functional

ROOT = pathlib.Path(__file__).resolve().parent.parent
ASSETS = pathlib.Path(os.environ.get("MNAS_ASSETS", ROOT / "target/assets"))
PHOTOGRAPHS = ["cat.png", "coffee.png", "rocket.jpg", "astronaut.png"]
SIZE = 224


def efficientnet_lite0():
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(ASSETS / "efficientnet_lite0.pth", weights_only=True))
    return network


def mobilenet_v2():
    network = torchvision.models.mobilenet_v2()
    network.load_state_dict(torch.load(ASSETS / "mobilenet_v2.pth", weights_only=True))
    return network


# (x / divide - mean) / std of 8-bit values x.
NETWORKS = {
    "efficientnet_lite0": (
        efficientnet_lite0,
        {"resize": 256, "interpolation": "bicubic", "divide": 1, "mean": [127.0] * 3, "std": [128.0] * 3},
    ),
    "mobilenet_v2": (
        mobilenet_v2,
        {
            "resize": 256,
            "interpolation": "bilinear",
            "divide": 255,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
        },
    ),
}


def formula():
    """A picture that needs no file and no decoder: the value at row y, column x, channel c is (31 y + 17 x + 101 c) % 256."""
    y, x, c = numpy.ogrid[:SIZE, :SIZE, :3]
    return PIL.Image.fromarray(((31 * y + 17 * x + 101 * c) % 256).astype(numpy.uint8))


def crop(image):
    """The centre, as torchvision's CenterCrop takes it, and where it starts."""
    top = int(round((image.height - SIZE) / 2.0))
    left = int(round((image.width - SIZE) / 2.0))
    return image.crop((left, top, left + SIZE, top + SIZE)), [top, left]


def run(network, image, preprocess):
    values = torch.from_numpy(numpy.asarray(image, dtype=numpy.float32).copy()).permute(2, 0, 1)
    mean = torch.tensor(preprocess["mean"]).view(3, 1, 1)
    std = torch.tensor(preprocess["std"]).view(3, 1, 1)
    values = (values / preprocess["divide"] - mean) / std
    with torch.no_grad():
        logits = network(values[None])[0]
    probability, index = logits.softmax(0).topk(5)
    return {
        "input_mean": rounded(values.mean(dim=(1, 2))),
        "top5": [[int(i), float(f"{p:.6f}")] for i, p in zip(index, probability)],
        "logits": rounded(logits),
    }


def rounded(values):
    return [float(f"{value:.7g}") for value in values.tolist()]


def main():
    networks = {}
    for name, (make, preprocess) in NETWORKS.items():
        network = make().eval()
        photographs = {}
        for photograph in PHOTOGRAPHS:
            image = PIL.Image.open(ASSETS / photograph).convert("RGB")
            mode = InterpolationMode(preprocess["interpolation"])
            small = functional.resize(image, preprocess["resize"], interpolation=mode)
            entry = {}
            for way, picture in [("resized", small), ("cropped", image)]:
                square, corner = crop(picture)
                entry[way] = {"from": [picture.height, picture.width], "corner": corner, **run(network, square, preprocess)}
                print(name, photograph, way, entry[way]["top5"], file=sys.stderr)
            photographs[photograph] = entry
        networks[name] = {
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "preprocess": preprocess,
            "formula": run(network, formula(), preprocess),
            "photographs": photographs,
        }
    made_with = {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__}
    text = json.dumps({"made_with": made_with, "networks": networks}, separators=(",", ":"))
    # A line for each run, so that a change shows as one.
    text = text.replace('"resized":', '\n"resized":').replace('"cropped":', '\n"cropped":').replace('"formula":', '\n"formula":')
    (ROOT / "tests/assets/reference.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

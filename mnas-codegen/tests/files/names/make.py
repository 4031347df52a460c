#!/usr/bin/env python3
"""Writes the tensor names and shapes of real networks, one a line. Needs timm and torchvision."""

import pathlib

import timm
import torchvision

HERE = pathlib.Path(__file__).parent


def write(name, network):
    tensors = [(key, value) for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")]
    lines = [f"{key} {'x'.join(map(str, value.shape))}\n" for key, value in tensors]
    (HERE / f"{name}.txt").write_text("".join(lines))


def main():
    for name in [
        "semnasnet_100",
        "mnasnet_small",
        "mobilenetv1_100",
        "mobilenetv2_100",
        "mobilenetv3_large_100",
        "efficientnet_b0",
        "efficientnet_es",
        "resnet50",
    ]:
        write(f"timm_{name}", timm.create_model(name))
    for name in ["mnasnet1_0", "mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0"]:
        write(f"torchvision_{name}", torchvision.models.get_model(name))


if __name__ == "__main__":
    main()

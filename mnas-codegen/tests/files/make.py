#!/usr/bin/env python3
"""Writes the weight files of this folder with the real libraries, and their values as expected.json.

Needs torch, numpy and safetensors. The files are committed; run this only to change them.
"""

import collections
import json
import pathlib
import pickle
import sys

import numpy
import safetensors.torch
import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(7)


def state_dict():
    """Few tensors, each with something that readers get wrong."""
    base = torch.arange(24, dtype=torch.float32) / 8 - 1
    return collections.OrderedDict(
        [
            ("plain", torch.randn(2, 3)),
            ("transposed", base.reshape(4, 6).t()),
            ("channels_last", torch.randn(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)),
            ("offset", base[5:9]),
            ("strided", base[::7]),
            ("shared", base.reshape(2, 3, 4)),
            ("half", torch.randn(5).half()),
            ("bfloat", torch.randn(5).bfloat16()),
            ("double", torch.randn(3, dtype=torch.float64)),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 4)),
            ("parameter", torch.nn.Parameter(torch.randn(3))),
            ("bn.num_batches_tracked", torch.tensor(1234)),
        ]
    )


class Hostile:
    def __reduce__(self):
        import os

        return (os.system, ("echo executed",))


def main():
    tensors = state_dict()
    floats = {name: tensor.detach().float() for name, tensor in tensors.items() if tensor.is_floating_point()}
    expected = {name: {"shape": list(t.shape), "data": [float(x) for x in t.reshape(-1)]} for name, t in floats.items()}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")

    torch.save(tensors, HERE / "zip.pth")
    torch.save(tensors, HERE / "zip_protocol_4.pth", pickle_protocol=4)
    torch.save(tensors, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = {"epoch": 3, "loss": 0.25, "note": "é", "model": {}, "state_dict": tensors, "optimizer": {"state": {}, "lr": [0.1]}}
    torch.save(wrapped, HERE / "wrapped.pth")
    ema = {"state_dict": {"plain": torch.zeros(2, 3)}, "state_dict_ema": tensors}
    torch.save(ema, HERE / "ema.pth")
    torch.save(torch.nn.Linear(2, 2), HERE / "module.pth")
    torch.save({"plain": torch.zeros(1), "x": Hostile()}, HERE / "hostile.pth")
    torch.save({"plain": torch.zeros(1), "x": Hostile()}, HERE / "hostile_legacy.pth", _use_new_zipfile_serialization=False)
    with open(HERE / "bare.pickle", "wb") as file:
        pickle.dump({"plain": [1.0, 2.0]}, file, protocol=2)

    contiguous = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    safetensors.torch.save_file(contiguous, HERE / "plain.safetensors", metadata={"format": "pt"})
    print("torch", torch.__version__, "safetensors", safetensors.__version__, "numpy", numpy.__version__, file=sys.stderr)


if __name__ == "__main__":
    main()

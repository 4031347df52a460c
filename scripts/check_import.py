#!/usr/bin/env python3
"""Holds imported networks against their exports: python3 scripts/check_import.py MNASC [NAME...]

Needs torch, timm, onnx, onnxruntime and rustc. Each network of timm has random weights, and statistics of what random
images do in it, so that logits have the size of a trained network's. PyTorch exports it for 224 x 224 pixels; `mnasc
import` makes a spec and weights of the file, `mnasc run` compiles them, and its logits are held against onnxruntime's on
the export and against PyTorch's, with an absolute tolerance of 1e-4.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnxruntime
import timm
import torch

NAMES = [
    "semnasnet_100",
    "mnasnet_100",
    "mnasnet_small",
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "efficientnet_lite0",
    "tf_efficientnet_lite0",
]
TOLERANCE = 1e-4


def network(name):
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # An average of all batches instead of a moving one.
            module.momentum = None
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(8, 3, 224, 224))
    torch.nn.init.normal_(model.classifier.weight, std=0.05)
    return model.eval()


def check(mnasc, name, folder):
    model, image = network(name), torch.randn(1, 3, 224, 224)
    export, spec, weights = (folder / f"{name}.{end}" for end in ["onnx", "yaml", "safetensors"])
    torch.onnx.export(model, image, str(export), opset_version=17, dynamo=False, input_names=["input"])
    x, y = folder / "x.npy", folder / "y.npy"
    numpy.save(x, image.numpy())
    subprocess.run([mnasc, "import", export, "-o", spec, "--weights", weights], check=True)
    subprocess.run([mnasc, "run", spec, "--weights", weights, "--input", x, "--output", y], check=True)
    found = numpy.load(y)
    session = onnxruntime.InferenceSession(str(export), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"input": image.numpy()})
    others = {"onnxruntime": expected, "PyTorch": model(image).detach().numpy()}
    differences = {other: float(abs(found - logits).max()) for other, logits in others.items()}
    largest = float(abs(expected).max())
    print(f"{name}: largest logit {largest:.2f},", ", ".join(f"{d:.1e} from {other}" for other, d in differences.items()))
    return largest > 0.1 and max(differences.values()) <= TOLERANCE


def main():
    warnings.filterwarnings("ignore")
    mnasc, names = sys.argv[1], sys.argv[2:] or NAMES
    with tempfile.TemporaryDirectory() as folder:
        bad = [name for name in names if not check(mnasc, name, pathlib.Path(folder))]
    if bad:
        sys.exit(f"differ by more than {TOLERANCE}: {', '.join(bad)}")


main()

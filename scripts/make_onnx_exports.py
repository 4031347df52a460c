"""Exports of real networks without their weights, for mnas-import's tests: mnas-import/tests/exports/*.onnx.

    python scripts/make_onnx_exports.py [--full FOLDER] [NAME...]

Needs torch, torchvision, timm, onnx and onnxscript. Each network is exported by torch.onnx for 64 x 64 pixels in one to
three ways: `dynamo` (today's exporter, which folds batch norms), `legacy` (the older one, which folds them too) and
`faithful` (the older one, batch norms apart). Of the file everything stays as it was written, names and order too, but
for descriptions, and for the data of constants of more than 64 values, which the tests make again. With `--full` the
files are written as they are, for 224 x 224 pixels, with random weights and statistics, to FOLDER.
"""

import argparse
import pathlib
import warnings

import timm
import torch
import torchvision
from mini_xception import MiniXception
from strip_onnx import strip

ROOT = pathlib.Path(__file__).resolve().parent.parent / "mnas-import" / "tests" / "exports"

TIMM = {
    "semnasnet_100": ["dynamo", "legacy", "faithful"],
    "mnasnet_100": ["dynamo"],
    "mnasnet_small": ["dynamo"],
    "mobilenetv1_100": ["faithful"],
    "mobilenetv2_100": ["dynamo", "faithful"],
    "mobilenetv3_large_100": ["dynamo", "legacy"],
    "mobilenetv3_small_100": ["dynamo"],
    "efficientnet_lite0": ["dynamo"],
    "tf_efficientnet_lite0": ["dynamo", "faithful"],
    "efficientnet_b0": ["dynamo"],
    "resnet50": ["legacy"],
}
TORCHVISION = {
    "mnasnet1_0": ["dynamo"],
    "mobilenet_v2": ["legacy"],
    "mobilenet_v3_large": ["dynamo", "faithful"],
    "mobilenet_v3_small": ["legacy"],
    "efficientnet_b0": ["dynamo", "legacy"],
    "resnet50": ["dynamo", "faithful"],
}
# Padding of the pools and whether there is squeeze-excite.
PYTORCH = {
    "mini_xception": (("symmetric", False), ["dynamo", "faithful"]),
    "mini_xception_se": (("symmetric", True), ["dynamo"]),
    "same_mini_xception": (("same", False), ["legacy"]),
    "same_mini_xception_se": (("same", True), ["dynamo", "faithful"]),
}
KINDS = ["dynamo", "legacy", "faithful"]


def randomise(model):
    """Statistics as a trained network might have them: those of a new one are all 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            with torch.no_grad():
                module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
                module.weight.copy_(torch.rand(module.weight.shape, generator=generator) + 0.5)
                module.bias.copy_(torch.randn(module.bias.shape, generator=generator) * 0.1)


def export(model, kind, path, size):
    channels = 1 if isinstance(model, MiniXception) else 3
    image = (torch.randn(1, channels, size, size),)
    names = {"input_names": ["input"], "output_names": ["logits"]}
    if kind == "dynamo":
        torch.onnx.export(model, image, path, dynamo=True, verbose=False, external_data=False, **names)
    elif kind == "legacy":
        open_batch = {"input": {0: "N"}, "logits": {0: "N"}}
        torch.onnx.export(model, image, path, dynamo=False, dynamic_axes=open_batch, **names)
    else:
        apart = {"do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE}
        torch.onnx.export(model, image, path, dynamo=False, **apart, **names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = arguments.full or ROOT
    folder.mkdir(parents=True, exist_ok=True)
    makers = {f"timm_{name}": (kinds, lambda name=name: timm.create_model(name)) for name, kinds in TIMM.items()}
    makers |= {
        f"torchvision_{name}": (kinds, lambda name=name: torchvision.models.get_model(name))
        for name, kinds in TORCHVISION.items()
    }
    makers |= {
        f"pytorch_{name}": (kinds, lambda options=options: MiniXception(*options))
        for name, (options, kinds) in PYTORCH.items()
    }
    for name, (kinds, make) in makers.items():
        if arguments.names and name not in arguments.names:
            continue
        for kind in KINDS if arguments.full else kinds:
            model = make().eval()
            randomise(model)
            path = folder / f"{name}_{kind}.onnx"
            export(model, kind, path, 224 if arguments.full and "xception" not in name else 64)
            if not arguments.full:
                strip(path)
            print(path.name, path.stat().st_size, flush=True)


if __name__ == "__main__":
    main()

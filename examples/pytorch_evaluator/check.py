"""Holds the networks that network.py builds against mnasc: as many parameters, and with the same weights the same logits.

    python3 check.py --mnasc mnasc SPEC...

The weights are drawn, with batch norms as training leaves them; mnasc writes the network with them as ONNX, which
onnxruntime runs. As a control, one weight is changed, which has to be seen. Needs numpy and onnxruntime.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import onnxruntime
import torch
from network import Network
from safetensors.torch import save_file


def draw(network):
    """Weights with which what goes in still counts at the end: PyTorch's own fade from layer to layer."""
    for module in network.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in [
                (module.weight, 0.5, 1.5),
                (module.bias, -0.2, 0.2),
                (module.running_mean, -0.1, 0.1),
                (module.running_var, 0.5, 1.5),
            ]:
                with torch.no_grad():
                    tensor.uniform_(low, high)


def check(mnasc, spec, folder):
    torch.manual_seed(1)
    network = Network(spec.read_text()).eval()
    draw(network)
    summary = json.loads(subprocess.run([mnasc, "summary", spec, "--json"], check=True, capture_output=True).stdout)
    count = network.parameter_count()
    if count != summary["parameters"]:
        return f"{count} parameters, {summary['parameters']} in mnasc"
    weights, onnx = folder / "weights.safetensors", folder / "network.onnx"
    image = torch.randn(1, network.input_channels, network.height, network.width)
    with torch.inference_mode():
        expected = network(image)

    def difference(tensors):
        save_file(tensors, weights)
        subprocess.run([mnasc, spec, "--onnx", onnx, "--weights", weights], check=True, capture_output=True)
        session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
        found = torch.tensor(session.run(None, {session.get_inputs()[0].name: image.numpy()})[0])
        return ((found - expected).abs().max() / expected.abs().max()).item()

    apart = difference(network.weights())
    if not apart <= 1e-4:
        return f"logits differ by {apart:.1e} of the largest"
    changed = network.weights()
    changed["stem.conv.weight"][0, 0, 0, 0] += 1
    if not difference(changed) > 1e-4:
        return "a changed weight is not seen"
    print(f"{spec.name}: {count} parameters, logits differ by {apart:.1e} of the largest")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnasc", default="mnasc")
    parser.add_argument("specs", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for spec in arguments.specs:
            if error := check(arguments.mnasc, spec, pathlib.Path(folder)):
                print(f"{spec.name}: {error}", file=sys.stderr)
                failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds generated code against onnxruntime, on the file that mnasc exports.

    check_against_onnxruntime.py MNASC SPEC...

Needs numpy, onnx and onnxruntime. For each spec, with random weights and two random images: what `mnasc run` says of
them against what onnxruntime says, within 1e-4 of the largest output. At least half of the outputs of every layer have
to be away from zero, for a comparison of dead activations proves nothing.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

SEED = "7"
TOLERANCE = 1e-4


def layer_outputs(model):
    """The last tensor of each layer: nodes are named `blocks.2.0/depthwise`, in the order of execution."""
    last = {}
    for node in model.graph.node:
        last[node.name.split("/")[0]] = node.output[0]
    return last


def check(mnasc, spec, folder):
    exported, x, y = folder / "net.onnx", folder / "x.npy", folder / "y.npy"
    subprocess.run([mnasc, spec, "--onnx", exported, "--random-weights", SEED], check=True)
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)

    (graph_input,) = model.graph.input
    shape = [dimension.dim_value for dimension in graph_input.type.tensor_type.shape.dim][1:]
    images = numpy.random.default_rng(1).standard_normal((2, *shape), dtype=numpy.float32)
    numpy.save(x, images)
    subprocess.run([mnasc, "run", spec, "--random-weights", SEED, "--input", x, "--output", y], check=True)
    found = numpy.load(y)

    # Every layer's output becomes one of the model's.
    layers = layer_outputs(model)
    own = [output.name for output in model.graph.output]
    known = {info.name: info for info in model.graph.value_info}
    model.graph.output.extend(known[name] for name in layers.values() if name not in own)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [own[0], *layers.values()]
    (expected, *made) = session.run(names, {graph_input.name: images})

    alive = {layer: float(numpy.mean(numpy.abs(values) > 1e-6)) for layer, values in zip(layers, made)}
    layer, part = min(alive.items(), key=lambda item: item[1])
    assert part >= 0.5, f"{spec}: only {part:.0%} of the outputs of {layer} are away from zero"
    assert found.shape == expected.shape, f"{spec}: {found.shape} instead of {expected.shape}"
    difference = float(numpy.max(numpy.abs(found - expected)) / numpy.max(numpy.abs(expected)))
    assert difference <= TOLERANCE, f"{spec}: differs by {difference:.1e} of the largest output"
    print(f"ok {spec}: differs by {difference:.1e} of the largest output; {layer} is the least alive, {part:.0%}")


def main():
    mnasc, *specs = sys.argv[1:]
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            check(mnasc, spec, pathlib.Path(folder))


if __name__ == "__main__":
    main()

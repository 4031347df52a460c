#!/usr/bin/env python3
"""Compares mnas with onnxruntime, on the file that mnasc exports.

    check_against_onnxruntime.py MNASC SPEC...

Needs numpy, onnx and onnxruntime. For each spec, with random weights and two random images: the output of `mnasc run`
is compared with onnxruntime's output for the file with folded batch norms and for the file with one node a layer, within
1e-4 of the largest output. At least half of the outputs of every layer have to be away from zero, because a comparison
of dead activations proves nothing.

With MNAS_NIGHT the output is that of generated code. Otherwise it is that of the reference executor, which
`test_packages.sh` compares with generated code, except for every eighth spec, chosen by MNAS_SEED.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zlib

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


def run_unfolded(mnasc, spec, folder, images):
    exported = folder / "unfolded.onnx"
    subprocess.run([mnasc, spec, "--onnx", exported, "--unfolded", "--random-weights", SEED], check=True)
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)
    # Each batch norm is a node of its own, with its parameters under their names.
    norms = [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    assert norms, f"{spec}: no batch norm is left"
    for norm in norms:
        leaves = [name.rsplit(".", 1)[1] for name in norm.input[1:]]
        assert leaves == ["weight", "bias", "running_mean", "running_var"], norm.input
    options = onnxruntime.SessionOptions()
    # Or onnxruntime would fold them.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(exported), options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"input": images})
    return output


def is_generated(spec):
    """Whether generated code is run, which rustc compiles for seconds."""
    number = zlib.crc32(spec.encode()) + int(os.environ.get("MNAS_SEED", "0"))
    return "MNAS_NIGHT" in os.environ or number % 8 == 0


def check(mnasc, spec, folder):
    exported, x, y = folder / "net.onnx", folder / "x.npy", folder / "y.npy"
    subprocess.run([mnasc, spec, "--onnx", exported, "--random-weights", SEED], check=True)
    model = onnx.load(exported)
    onnx.checker.check_model(model, full_check=True)

    (graph_input,) = model.graph.input
    shape = [dimension.dim_value for dimension in graph_input.type.tensor_type.shape.dim][1:]
    images = numpy.random.default_rng(1).standard_normal((2, *shape), dtype=numpy.float32)
    numpy.save(x, images)
    command = [mnasc, "run", spec, "--random-weights", SEED, "--input", x, "--output", y]
    if not is_generated(spec):
        command.append("--interpret")
    subprocess.run(command, check=True)
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
    unfolded = run_unfolded(mnasc, spec, folder, images)
    apart = float(numpy.max(numpy.abs(unfolded - expected)) / numpy.max(numpy.abs(expected)))
    assert apart <= TOLERANCE, f"{spec}: folding changes {apart:.1e} of the largest output"
    assert found.shape == expected.shape, f"{spec}: {found.shape} instead of {expected.shape}"
    difference = float(numpy.max(numpy.abs(found - expected)) / numpy.max(numpy.abs(expected)))
    assert difference <= TOLERANCE, f"{spec}: differs by {difference:.1e} of the largest output"
    kind = "generated code" if is_generated(spec) else "the reference executor"
    print(f"ok {spec}: {kind} differs by {difference:.1e} of the largest output; {layer} is the least alive, {part:.0%}")


def main():
    mnasc, *specs = sys.argv[1:]
    for spec in specs:
        with tempfile.TemporaryDirectory() as folder:
            check(mnasc, spec, pathlib.Path(folder))


if __name__ == "__main__":
    main()

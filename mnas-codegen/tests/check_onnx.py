"""Checks an ONNX file that mnas wrote, and its numbers against the reference executor's.

    check_onnx.py MODEL INPUT EXPECTED

INPUT holds two images and EXPECTED two outputs, raw little-endian f32, in the model's own layout.
"""

import math
import sys

import numpy
import onnx
import onnxruntime

TOLERANCE = 1e-4  # of the largest output


def dims(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def check_form(model):
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8, model.ir_version
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    graph = model.graph
    assert [value.name for value in graph.input] == ["input"]
    assert len(graph.output) == 1 and graph.output[0].name in ("logits", "features")

    values = [name for node in graph.node for name in node.output]
    assert len(set(values)) == len(values)
    assert len({node.name for node in graph.node}) == len(graph.node)
    used = {name for node in graph.node for name in node.input}
    assert {constant.name for constant in graph.initializer} <= used, "an initialiser that no node uses"

    stated = {value.name: dims(value) for value in [*graph.value_info, *graph.output]}
    assert set(stated) == set(values), "every value states its shape"
    assert all(shape[0] == "N" and all(isinstance(dim, int) for dim in shape[1:]) for shape in stated.values())
    for node in graph.node:
        if node.op_type in ("Conv", "AveragePool", "MaxPool"):
            names = {attribute.name for attribute in node.attribute}
            assert {"pads", "strides", "kernel_shape"} <= names and "auto_pad" not in names, node.name

    # The shapes have to follow from the input's alone.
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        assert dims(value) == stated[value.name], (value.name, dims(value), stated[value.name])


def check_numbers(model, images, expected):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    alive = numpy.abs(expected) > 1e-6 * numpy.abs(expected).max()
    assert alive.mean() >= 0.5, "a test on dead activations proves nothing"
    largest = numpy.abs(expected).max()
    worst = 0.0
    for batch in (1, 2):
        (found,) = session.run(None, {"input": images[:batch]})
        assert found.shape == expected[:batch].shape, (found.shape, expected.shape)
        worst = max(worst, float(numpy.abs(found - expected[:batch]).max() / largest))
    assert worst <= TOLERANCE, f"onnxruntime differs by {worst:.3g} of the largest output"
    return worst


def read(path, value):
    shape = dims(value)[1:]
    data = numpy.fromfile(path, dtype="<f4")
    assert data.size == 2 * math.prod(shape), (path, data.size, shape)
    return data.reshape(2, *shape)


def main():
    model_path, input_path, expected_path = sys.argv[1:]
    model = onnx.load(model_path)
    check_form(model)
    images = read(input_path, model.graph.input[0])
    expected = read(expected_path, model.graph.output[0])
    worst = check_numbers(model, images, expected)
    print(f"{model.graph.name}: {len(model.graph.node)} nodes, largest difference {worst:.2g} of the largest output")


main()

"""Runs an int8 network that mnas exported in onnxruntime, and compares every map of bytes.

    check_onnx.py MODEL FOLDER

FOLDER holds `maps.txt`, a line `KIND DIMS NAME` for each map, with what the network's own executor makes of two images:
`NUMBER.map` (bytes, NCHW) in the order of the lines, `input` and `output` (little-endian f32). KIND says what
onnxruntime has to make of equal operands: `equal` bytes; a `sum` may differ by one step in fewer than one of 10,000; a
map of `step` by one step.
"""

import pathlib
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper

FLOAT_CONVOLUTIONS = ("Conv", "FusedConv", "NhwcFusedConv")
STEPS_OF_SUMS = 1e-4
LOGITS = 2e-6  # of the largest


def dims(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def session(model, optimised=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if "vnni" not in pathlib.Path("/proc/cpuinfo").read_text():
        # Sums of two products would saturate.
        options.add_session_config_entry("session.x64quantprecision", "1")
    if optimised:
        options.optimized_model_filepath = optimised
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def check_form(model):
    onnx.checker.check_model(model, full_check=True)
    graph = model.graph
    values = [name for node in graph.node for name in node.output]
    assert len(set(values)) == len(values)
    used = {name for node in graph.node for name in node.input}
    assert {constant.name for constant in graph.initializer} <= used, "an initialiser without a use"
    stated = {value.name: value for value in [*graph.value_info, *graph.output]}
    assert set(stated) == set(values), "every value states its shape"
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)
    for value in [*inferred.graph.value_info, *inferred.graph.output]:
        assert dims(value) == dims(stated[value.name]), (value.name, dims(value), dims(stated[value.name]))
        assert value.type.tensor_type.elem_type == stated[value.name].type.tensor_type.elem_type, value.name
    for node in graph.node:
        is_output = node.output[0] in {value.name for value in graph.output}
        assert is_output or node.op_type not in ("Relu", "Clip"), f"{node.name}: the limits of a byte are its activation"


def expose(model, names, cut):
    """Makes maps outputs; with `cut`, their readers read inputs of their own instead."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    stated = {value.name: value for value in graph.value_info}
    for name in names:
        graph.output.append(stated[name])
        if not cut:
            continue
        given = f"{name}/given"
        graph.input.append(helper.make_tensor_value_info(given, TensorProto.UINT8, dims(stated[name])))
        for node in graph.node:
            for at, operand in enumerate(node.input):
                if operand == name:
                    node.input[at] = given
    return copy


def compare(kind, name, found, expected, problems):
    difference = numpy.abs(found.astype(numpy.int32) - expected.astype(numpy.int32))
    steps, most = int((difference > 0).sum()), int(difference.max())
    if most > {"equal": 0, "sum": 1, "step": 1}[kind]:
        at = numpy.argwhere(difference == most)[0].tolist()
        problems.append(f"{name} ({kind}): {steps} of {found.size} differ, by up to {most}, as at {at}")
    return steps


def main():
    model = onnx.load(sys.argv[1])
    folder = pathlib.Path(sys.argv[2])
    check_form(model)
    maps = [line.split(" ", 2) for line in (folder / "maps.txt").read_text().splitlines()]
    names = [name for _, _, name in maps]
    expected = {}
    for at, (_, shape, name) in enumerate(maps):
        shape = [2, *map(int, shape.split("x"))]
        expected[name] = numpy.fromfile(folder / f"{at}.map", dtype=numpy.uint8).reshape(shape)
    shape = [2, *dims(model.graph.input[0])[1:]]
    images = numpy.fromfile(folder / "input", dtype="<f4").reshape(shape)
    (output,) = model.graph.output
    logits = numpy.fromfile(folder / "output", dtype="<f4").reshape([2, *dims(output)[1:]])

    problems = []
    sums = [0, 0]
    steps = {"equal": [0, 0], "sum": [0, 0], "step": [0, 0]}
    cut = session(expose(model, names, cut=True))
    given = {"input": images, **{f"{name}/given": value for name, value in expected.items()}}
    read = {value.name for value in cut.get_inputs()}
    found_logits, *found = cut.run([output.name, *names], {k: v for k, v in given.items() if k in read})
    for (kind, _, name), value in zip(maps, found):
        steps[kind][0] += compare(kind, name, value, expected[name], problems)
        steps[kind][1] += value.size
    if steps["sum"][0] > STEPS_OF_SUMS * steps["sum"][1]:
        problems.append(f"{steps['sum'][0]} of {steps['sum'][1]} values of sums differ")
    worst = float(numpy.abs(found_logits - logits).max() / numpy.abs(logits).max())
    if worst > LOGITS:
        problems.append(f"{output.name} differs by {worst:.3g} of the largest")

    if steps["sum"][0] + steps["step"][0] == 0:
        # Then nothing differs from the input on, in the file as it is; one image at a time, too.
        for session_model in (expose(model, names, cut=False), model):
            whole = session(session_model)
            for at in range(2):
                results = whole.run(None, {"input": images[at : at + 1]})
                by_name = dict(zip((value.name for value in whole.get_outputs()), results))
                for kind, _, name in maps:
                    if name in by_name:
                        compare("equal", f"{name} of the whole", by_name[name], expected[name][at : at + 1], problems)
                difference = numpy.abs(by_name[output.name] - logits[at : at + 1]).max()
                if difference > LOGITS * numpy.abs(logits).max():
                    problems.append(f"{output.name} of the whole differs by {difference}")

    with tempfile.TemporaryDirectory() as there:
        optimised = str(pathlib.Path(there) / "optimised.onnx")
        session(model, optimised)
        operators = [node.op_type for node in onnx.load(optimised).graph.node]
    floats = [op for op in operators if op in FLOAT_CONVOLUTIONS]
    if floats:
        problems.append(f"{len(floats)} convolutions are in floating point")
    made = {"Conv": "QLinearConv", "Gemm": "QGemm", "ConvInteger": "ConvInteger"}
    for written, run in made.items():
        count = sum(node.op_type == written for node in model.graph.node)
        found_count = operators.count(run)
        if count != found_count:
            problems.append(f"{count} {written} became {found_count} {run}")

    counted = ", ".join(f"{operators.count(op)} {op}" for op in sorted(set(operators)) if "Q" in op or "Integer" in op)
    differ = ", ".join(f"{kind} {a} of {b}" for kind, (a, b) in steps.items() if b)
    print(f"{model.graph.name}: differ: {differ}; {output.name} {worst:.2g}; {counted}")
    if problems:
        sys.exit("\n".join(problems))


main()

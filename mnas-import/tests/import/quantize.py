"""Quantises an ONNX file in every form that onnxruntime writes, and says what its integers stand for.

    quantize.py MODEL INPUTS FOLDER

INPUTS holds images, little-endian f32. Each form becomes `NAME.onnx` in FOLDER, with `NAME.logits`, what onnxruntime
makes of the first image, and `NAME.weights/PARAMETER`, the integers of each constant as real numbers.
"""

import pathlib
import sys

import numpy
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class Images(CalibrationDataReader):
    def __init__(self, images):
        self.rest = iter([{"input": image[None]} for image in images])

    def get_next(self):
        return next(self.rest, None)


def weights_only(path, to):
    """Weights of convolutions in 8 bits, one scale an output channel; maps stay floating-point numbers."""
    model = onnx.load(path)
    graph = model.graph
    constants = {constant.name: constant for constant in graph.initializer}
    added = []
    for node in list(graph.node):
        if node.op_type != "Conv":
            continue
        name = node.input[1]
        weight = numpy_helper.to_array(constants[name])
        scale = numpy.abs(weight).reshape(len(weight), -1).max(axis=1).astype(numpy.float32) / numpy.float32(127)
        integers = numpy.rint(weight / scale.reshape(-1, 1, 1, 1)).astype(numpy.int8)
        graph.initializer.remove(constants[name])
        graph.initializer.append(numpy_helper.from_array(integers, f"{name}_quantized"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        node.input[1] = f"{name}_real"
        operands = [f"{name}_quantized", f"{name}_scale"]
        added.append(helper.make_node("DequantizeLinear", operands, [f"{name}_real"], name=f"{name}_real", axis=0))
    for node in reversed(added):
        graph.node.insert(0, node)
    onnx.save(model, to)


def real(model):
    """Every constant that ends in `_quantized`, by the definition of the operators that read them."""
    constants = {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}
    found = {}

    def dequantised(name, scale, zero, axis):
        integers = constants[name].astype(numpy.int64)
        scale = numpy.asarray(scale, numpy.float32)
        zero = numpy.asarray(zero).astype(numpy.int64)
        if scale.size > 1:
            shape = [1] * integers.ndim
            shape[axis] = scale.size
            scale, zero = scale.reshape(shape), zero.reshape(shape) if zero.size > 1 else zero
        value = (integers - zero).astype(numpy.float32) * scale
        found[name.removesuffix("_quantized")] = value.astype(numpy.float32)

    for node in model.graph.node:
        operands = list(node.input)
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "DequantizeLinear" and operands[0].endswith("_quantized") and operands[0] in constants:
            zero = constants[operands[2]] if len(operands) > 2 else 0
            dequantised(operands[0], constants[operands[1]], zero, attributes.get("axis", 1))
        elif node.op_type in ("QLinearConv", "QGemm"):
            axis = 0 if node.op_type == "QLinearConv" or attributes.get("transB", 0) else 1
            dequantised(operands[3], constants[operands[4]], constants[operands[5]], axis)
            bias = 8 if node.op_type == "QLinearConv" else 6
            if len(operands) > bias and operands[bias]:
                dequantised(operands[bias], constants[operands[1]] * constants[operands[4]], 0, 0)
    return found


def main():
    path, inputs, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    shape = [dim.dim_value for dim in onnx.load(path).graph.input[0].type.tensor_type.shape.dim][1:]
    images = numpy.fromfile(inputs, dtype="<f4").reshape(-1, *shape)
    forms = {}
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        for activations in (QuantType.QUInt8, QuantType.QInt8):
            for per_channel in (True, False):
                name = f"{form.name}_{activations.name}_{'channels' if per_channel else 'tensors'}"
                forms[name] = {
                    "quant_format": form,
                    "activation_type": activations,
                    "weight_type": QuantType.QInt8,
                    "per_channel": per_channel,
                }
    forms["QDQ_u8_weights"] = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8}
    for name, options in [*forms.items(), ("weights_only", None)]:
        to = str(folder / f"{name}.onnx")
        if not options:
            weights_only(path, to)
        else:
            quantize_static(path, to, Images(images), **options)
        model = onnx.load(to)
        weights = folder / f"{name}.weights"
        weights.mkdir(exist_ok=True)
        for parameter, value in real(model).items():
            value.astype("<f4").tofile(weights / parameter)
        session = onnxruntime.InferenceSession(to, providers=["CPUExecutionProvider"])
        (logits,) = session.run(None, {"input": images[:1]})
        logits.astype("<f4").tofile(folder / f"{name}.logits")
        print(name)


main()

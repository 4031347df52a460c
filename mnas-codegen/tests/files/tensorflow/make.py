#!/usr/bin/env python3
"""Writes the checkpoints of this folder with TensorFlow, and what is in them as expected.json.

Needs tensorflow, tf_keras and tf_slim. The files are committed; run this only to change them.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

import numpy

os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow
import tf_keras.src.legacy_tf_layers as legacy
from tf_keras.src.legacy_tf_layers import base, convolutional, core, normalization, pooling

# TensorFlow 2.21 looks for these where tf_keras 2.21 no longer has them.
sys.modules["tf_keras.legacy_tf_layers"] = legacy
for module in [base, convolutional, core, normalization, pooling]:
    sys.modules["tf_keras.legacy_tf_layers." + module.__name__.rpartition(".")[2]] = module

import tf_slim as slim

tf = tensorflow.compat.v1
HERE = pathlib.Path(__file__).parent
random = numpy.random.default_rng(7)

# The network of tests/weights/nets.rs, as the code of MnasNet makes its variables: Keras counts convolutions through the
# whole network, blocks before the stem (from 7 here, so that two of a scope are 9 and 10), and batch norms of each scope.
# Ours, its scope and module, and the shape of its kernel.
CONVS = [
    ("stem.conv", "stem", "conv2d_12", (3, 3, 3, 4)),
    ("blocks.0.0.depthwise", "blocks_0", "depthwise_conv2d_9", (3, 3, 4, 1)),
    ("blocks.0.0.project", "blocks_0", "conv2d_7", (1, 1, 4, 4)),
    ("blocks.1.0.expand", "blocks_1", "conv2d_8", (1, 1, 4, 16)),
    ("blocks.1.0.depthwise", "blocks_1", "depthwise_conv2d_10", (3, 3, 16, 1)),
    ("blocks.1.0.se.reduce", "blocks_1/se", "conv2d_9", (1, 1, 16, 1)),
    ("blocks.1.0.se.expand", "blocks_1/se", "conv2d_10", (1, 1, 1, 16)),
    ("blocks.1.0.project", "blocks_1", "conv2d_11", (1, 1, 16, 4)),
    ("head.conv", "head", "conv2d_13", (1, 1, 4, 6)),
    ("classifier", "head", "dense", (6, 10)),
]


def values(name, shape):
    drawn = random.standard_normal(shape).astype(numpy.float32)
    return abs(drawn) + 0.25 if name.endswith("moving_variance") else drawn


def tiny(conv_root, norm_root, prefix, local):
    """Variables of the network: theirs to (ours, value). `local` numbers modules in each scope anew."""
    variables, norms, numbers = {}, {}, {}
    for ours, scope, module, shape in CONVS:
        scope = prefix + scope
        depthwise, dense = module.startswith("depthwise"), module == "dense"
        if local:
            base = module.rstrip("0123456789").rstrip("_") if not dense else module
            number = numbers.setdefault((scope, base), 0)
            numbers[(scope, base)] += 1
            module = f"{base}_{number}" if number else base
        kernel = f"{conv_root}{scope}/{module}/" + ("depthwise_kernel" if depthwise else "kernel")
        variables[kernel] = (f"{ours}.weight", values(kernel, shape))
        outputs = shape[2] if depthwise else shape[-1]
        if dense or "/se" in scope:
            variables[f"{conv_root}{scope}/{module}/bias"] = (f"{ours}.bias", values("bias", outputs))
            continue
        number = norms.setdefault(scope, 0)
        norms[scope] += 1
        norm = f"{norm_root}{scope}/" + ("tpu_" if local else "") + "batch_normalization" + (f"_{number}" if number else "")
        leaves = [("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"), ("moving_variance", "running_var")]
        for theirs, leaf in leaves:
            variables[f"{norm}/{theirs}"] = (f"{ours}.bn.{leaf}", values(theirs, outputs))
    return variables


def in_our_order(theirs, value):
    if theirs.endswith("depthwise_kernel"):
        return value.transpose(2, 3, 0, 1)
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value.T


def described(value):
    value = numpy.asarray(value)
    return {"shape": list(value.shape), "data": [float(x) for x in value.reshape(-1)]}


def described_ours(variables):
    return {ours: described(in_our_order(theirs, value)) for theirs, (ours, value) in variables.items()}


def save(name, sharded=False):
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 3})) as session:
        session.run(tf.global_variables_initializer())
        yield session
        with tempfile.TemporaryDirectory() as folder:
            saver = tf.train.Saver(sharded=sharded)
            saver.save(session, f"{folder}/{name}", write_meta_graph=False, write_state=False)
            for file in sorted(pathlib.Path(folder).iterdir()):
                shutil.copyfile(file, HERE / file.name)


def averaged():
    """What training leaves: variables, their averages, an optimiser's slots, counters."""
    trained = tiny("mnasnet-tiny/mnas_net_model/", "mnasnet-tiny/", "mnas_", local=False)
    with tf.Graph().as_default():
        variables = [tf.Variable(value, name=name) for name, (_, value) in trained.items()]
        step = tf.Variable(numpy.int64(1234), name="global_step", trainable=False)
        average = tf.train.ExponentialMovingAverage(0.5)
        learnt = [v for v in variables if "moving_" not in v.op.name]
        loss = tf.add_n([tf.reduce_sum(v * v) for v in learnt])
        moved = tf.train.RMSPropOptimizer(0.1, momentum=0.9).minimize(loss, var_list=learnt, global_step=step)
        with tf.control_dependencies([moved]):
            averages = average.apply(variables)
        for session in save("averaged.ckpt"):
            session.run(averages)
            read = {v.op.name: session.run(average.average(v)) for v in variables}
            changed = {v.op.name: session.run(v) for v in variables}
    assert all((read[v.op.name] != changed[v.op.name]).any() for v in learnt)
    return {name: (ours, read[name]) for name, (ours, _) in trained.items()}


def sharded():
    """Several shards, names as the code of EfficientNet gives them, no averages."""
    trained = tiny("efficientnet-tiny/", "efficientnet-tiny/", "", local=True)
    with tf.Graph().as_default():
        for index, (name, (_, value)) in enumerate(trained.items()):
            with tf.device(f"/cpu:{index % 3}"):
                tf.Variable(value, name=name)
        list(save("sharded.ckpt", sharded=True))
    return trained


def slim_conv(x, filters, kernel, scope, ours, names, normed=True):
    slim.conv2d(x, filters, kernel, scope=scope, normalizer_fn=slim.batch_norm if normed else None)
    return named(scope, ours, names, filters)


def slim_depthwise(x, scope, ours, names):
    slim.separable_conv2d(x, None, [3, 3], depth_multiplier=1, scope=scope, normalizer_fn=slim.batch_norm)
    return named(scope, ours, names, x.shape[-1])


def named(scope, ours, names, filters):
    names[scope] = ours
    return tf.zeros([1, 4, 4, filters])


def slim_nets():
    """Networks of TF-Slim: its layers make the variables, under the scopes of its MobileNets."""
    expected = {}
    for file in ["slim", "slim_v1"]:
        names = {}
        with tf.Graph().as_default():
            scale = slim.arg_scope([slim.batch_norm], center=True, scale=True)
            with scale, tf.variable_scope("MobilenetV3" if file == "slim" else "MobilenetV1") as root:
                image = tf.zeros([1, 4, 4, 3])
                if file == "slim":
                    x = slim_conv(image, 4, 3, "Conv", "stem.conv", names)
                    x = slim_depthwise(x, "expanded_conv/depthwise", "blocks.0.0.depthwise", names)
                    x = slim_conv(x, 4, 1, "expanded_conv/project", "blocks.0.0.project", names)
                    x = slim_conv(x, 16, 1, "expanded_conv_1/expand", "blocks.1.0.expand", names)
                    x = slim_depthwise(x, "expanded_conv_1/depthwise", "blocks.1.0.depthwise", names)
                    x = slim_conv(x, 8, 1, "expanded_conv_1/squeeze_excite/Conv", "blocks.1.0.se.reduce", names, False)
                    x = slim_conv(x, 16, 1, "expanded_conv_1/squeeze_excite/Conv_1", "blocks.1.0.se.expand", names, False)
                    x = slim_conv(x, 4, 1, "expanded_conv_1/project", "blocks.1.0.project", names)
                    x = slim_conv(x, 6, 1, "Conv_1", "blocks.2.0.conv", names)
                    x = slim_conv(x, 5, 1, "Conv_2", "head.hidden", names, False)
                else:
                    x = slim_conv(image, 4, 3, "Conv2d_0", "stem.conv", names)
                    for index, filters in [(1, 8), (2, 6)]:
                        block = f"blocks.{index - 1}.0"
                        x = slim_depthwise(x, f"Conv2d_{index}_depthwise", f"{block}.depthwise", names)
                        x = slim_conv(x, filters, 1, f"Conv2d_{index}_pointwise", f"{block}.project", names)
                slim_conv(x, 10, 1, "Logits/Conv2d_1c_1x1", "classifier", names, False)
            variables = {v.op.name: v for v in tf.global_variables()}
            for session in save(f"{file}.ckpt"):
                for name, variable in variables.items():
                    variable.load(values(name, variable.shape.as_list()), session)
                read = {name: session.run(variable) for name, variable in variables.items()}
        leaves = {"weights": "weight", "depthwise_weights": "weight", "biases": "bias", "gamma": "bn.weight"}
        leaves |= {"beta": "bn.bias", "moving_mean": "bn.running_mean", "moving_variance": "bn.running_var"}
        expected[file] = {}
        for name, value in read.items():
            module, leaf = name.removeprefix(f"{root.name}/").rsplit("/", 1)
            module = module.removesuffix("/BatchNorm")
            value = value[0, 0] if names[module] == "classifier" and leaf == "weights" else value
            value = value.transpose(2, 3, 0, 1) if leaf == "depthwise_weights" else in_our_order(name, value)
            expected[file][f"{names[module]}.{leaves[leaf]}"] = described(value)
    return expected


def types():
    """One tensor of each kind of elements, and one in slices."""
    numbers = numpy.array([[0.1, -2.5, 3.0], [65504.0, 1e-5, -0.0]])
    floats = {"half": tf.float16, "bfloat": tf.bfloat16, "single": tf.float32, "double": tf.float64}
    expected = {}
    with tf.Graph().as_default():
        for name, dtype in floats.items():
            value = numbers.astype(dtype.as_numpy_dtype)
            tf.Variable(value, name=f"scope/{name}", dtype=dtype)
            expected[f"scope/{name}"] = described(value.astype(numpy.float32))
        tf.Variable(numpy.zeros((0, 4), numpy.float32), name="scope/empty")
        expected["scope/empty"] = described(numpy.zeros((0, 4)))
        tf.Variable(numpy.float32(0.5), name="scope/scalar")
        tf.Variable(numpy.arange(6, dtype=numpy.int32), name="scope/integers")
        tf.Variable(numpy.array([True, False]), name="scope/flags")
        tf.Variable(numpy.array(["a", "bcd"]), name="scope/strings")
        tf.Variable(numpy.array([1 + 2j], numpy.complex64), name="scope/complex")
        list(save("types.ckpt"))
    with tf.Graph().as_default():
        split = tf.fixed_size_partitioner(2)
        tf.get_variable("whole", initializer=numpy.ones(3, numpy.float32))
        tf.get_variable("split/kernel", shape=(4, 2), partitioner=split, initializer=tf.ones_initializer())
        list(save("slices.ckpt"))
    return expected


def main():
    tf.disable_v2_behavior()
    expected = {"averaged": described_ours(averaged()), "sharded": described_ours(sharded()), "types": types()}
    expected |= slim_nets()
    text = json.dumps(expected, indent=None, separators=(",", ":"))
    (HERE / "expected.json").write_text(text + "\n")
    print("tensorflow", tensorflow.__version__, "numpy", numpy.__version__, file=sys.stderr)


if __name__ == "__main__":
    main()
